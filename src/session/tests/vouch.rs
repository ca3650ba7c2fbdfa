//! Who wrote it: what nobody has signed comes nowhere, whichever way it is brought, and who signs two
//! things under one name is found out.

use super::super::vouch::{statement, to_wire};
use super::*;
use crate::crdt::Chain;
use crate::wire::{Head, Heads, Ops, Range, Want};

const FORK: u8 = 17;

/// A batch of `width` operations in which `fill` stands.
fn batch(width: u8, fill: u8) -> Batch {
    Batch {
        width: width.into(),
        bytes: vec![width, fill],
    }
}

/// The chain of an author over batches from the first on.
fn chain(author: &AuthorId, batches: &[Batch]) -> (u32, Chain) {
    let start = (0, Chain::start(author));
    batches.iter().fold(start, |(at, chain), batch| {
        let end = at + batch.width;
        (end, chain.then(at, batch.width, &batch.bytes))
    })
}

/// Batches of the author that `node` is, of which the first `known` are not sent, signed by it.
fn signed(net: &Net, node: usize, batches: &[Batch], known: usize) -> Ops {
    let session = &net.nodes[node].session;
    let author = session.me.author;
    let (end, chain_there) = chain(&author, batches);
    let bytes = statement(&author, end, &chain_there);
    Ops {
        author,
        seq: chain(&author, &batches[..known]).0,
        batches: batches[known..].to_vec(),
        signature: session.crypto.sign_as_author(&bytes),
    }
}

/// Members that are all linked.
fn mesh(seed: u64, count: usize) -> (Net, Vec<usize>) {
    let mut net = Net::new(seed);
    let host = net.host();
    let mut nodes = vec![host];
    nodes.extend((1..count).map(|_| net.join(host)));
    net.seconds(3);
    net.assert_mesh(&nodes);
    (net, nodes)
}

fn next(net: &Net, node: usize, of: usize) -> u32 {
    let author = net.nodes[of].session.me.author;
    net.nodes[node].log.version.next(&author)
}

#[test]
fn what_is_signed_is_taken_and_nothing_that_is_changed_in_any_way() {
    let batches: Vec<Batch> = (1..6).map(|n| batch(n, n)).collect();
    let (net, nodes) = mesh(40, 3);
    let [host, a, b] = nodes[..] else {
        unreachable!()
    };
    let good = signed(&net, b, &batches, 0);
    let foreign = signed(&net, a, &batches, 0);
    type Change = fn(&mut Ops, &Ops);
    let changes: &[(&str, Change)] = &[
        ("a byte", |ops, _| ops.batches[2].bytes[1] ^= 1),
        ("a width", |ops, _| ops.batches[2].width += 1),
        ("no width", |ops, _| ops.batches[2].width = 0),
        ("a width that cannot be", |ops, _| {
            ops.batches[2].width = u32::MAX;
        }),
        ("the end is missing", |ops, _| drop(ops.batches.pop())),
        ("one is missing", |ops, _| drop(ops.batches.remove(2))),
        ("one comes twice", |ops, _| {
            ops.batches.insert(2, ops.batches[2].clone());
        }),
        ("one has another place", |ops, _| ops.batches.swap(1, 2)),
        ("a bit of the signature", |ops, _| ops.signature[40] ^= 1),
        ("no signature", |ops, _| ops.signature = [0; 64]),
        ("another author's signature", |ops, foreign| {
            ops.signature = foreign.signature;
        }),
        ("another author's name", |ops, foreign| {
            ops.author = foreign.author;
        }),
        ("nobody's name", |ops, _| ops.author = AuthorId([5; 16])),
    ];
    for (what, change) in changes {
        let (mut net, _) = mesh(40, 3);
        let mut ops = good.clone();
        change(&mut ops, &foreign);
        // A third member passes it on.
        net.hear(host, a, Message::Ops(ops));
        assert!(!net.linked(host, a), "{what}");
        assert!(net.nodes[host].log.batches.is_empty(), "{what}");
        // That costs one link, for a while; the others hear each other, and it comes back.
        net.seconds(5);
        net.edit(b, 3, 3);
        net.edit(a, 3, 3);
        net.seconds(1);
        net.assert_converged(&[host, a, b]);
    }
    let (mut net, _) = mesh(40, 3);
    net.hear(host, a, Message::Ops(good));
    assert_eq!(next(&net, host, b), 15);
    assert!(net.linked(host, a));
}

#[test]
fn a_signature_holds_in_its_session_and_at_its_place_alone() {
    let batches: Vec<Batch> = (1..6).map(|n| batch(n, n)).collect();
    let (mut net, nodes) = mesh(41, 3);
    let [host, a, b] = nodes[..] else {
        unreachable!()
    };
    // Of the same author's key in another session.
    let author = net.nodes[b].session.me.author;
    let key = net.nodes[b].session.crypto.author();
    let member = net.nodes[b].session.me.member.0;
    let other = AuthorId(author_id(&[9; 16], &member, &key));
    assert_ne!(other, author);
    let (end, there) = chain(&other, &batches);
    let elsewhere = Ops {
        author,
        seq: 0,
        batches: batches.clone(),
        signature: net.nodes[b]
            .session
            .crypto
            .sign_as_author(&statement(&other, end, &there)),
    };
    net.hear(host, a, Message::Ops(elsewhere));
    assert!(!net.linked(host, a));
    net.seconds(5);
    // A signature of the first three, under all five; and what is known already, once more.
    let three = signed(&net, b, &batches[..3], 0);
    net.hear(host, a, Message::Ops(three.clone()));
    assert_eq!(next(&net, host, b), 6);
    net.run(Duration::from_millis(1));
    net.hear(host, a, Message::Ops(three.clone()));
    assert!(net.linked(host, a), "what is known is no fault");
    let mut replayed = signed(&net, b, &batches, 3);
    replayed.signature = three.signature;
    net.hear(host, a, Message::Ops(replayed));
    assert!(!net.linked(host, a));
    assert_eq!(next(&net, host, b), 6);
}

#[test]
fn a_gap_is_not_kept_but_asked_for() {
    let batches: Vec<Batch> = (1..6).map(|n| batch(n, n)).collect();
    let (mut net, nodes) = mesh(42, 2);
    let [host, a] = nodes[..] else { unreachable!() };
    net.hear(host, a, Message::Ops(signed(&net, a, &batches, 3)));
    assert!(net.linked(host, a), "that is no fault");
    assert!(net.nodes[host].log.batches.is_empty());
    // The link is asked at once for what is before.
    let author = net.nodes[a].session.me.author;
    let session = &net.nodes[host].session;
    let up = session.links.values().find_map(|link| link.up()).unwrap();
    assert_eq!(up.has(&author), 15);
    net.hear(host, a, Message::Ops(signed(&net, a, &batches, 0)));
    assert_eq!(next(&net, host, a), 15);
    // Known ones in front do no harm.
    let more: Vec<Batch> = (1..8).map(|n| batch(n, n)).collect();
    net.run(Duration::from_millis(1));
    net.hear(host, a, Message::Ops(signed(&net, a, &more, 2)));
    assert_eq!(next(&net, host, a), 28);
}

#[test]
fn more_than_can_be_passed_on_under_one_signature_is_not_taken() {
    let (mut net, nodes) = mesh(43, 2);
    let [host, a] = nodes[..] else { unreachable!() };
    let long = Batch {
        width: 1,
        bytes: vec![1; 300_000],
    };
    net.hear(host, a, Message::Ops(signed(&net, a, &vec![long; 4], 0)));
    assert!(!net.linked(host, a));
    assert!(net.nodes[host].log.batches.is_empty());
}

#[test]
fn a_signed_batch_that_is_invalid_is_its_authors_fault_alone() {
    let (mut net, nodes) = mesh(44, 3);
    let [host, a, b] = nodes[..] else {
        unreachable!()
    };
    let bad = [
        batch(2, 2),
        batch(3, 3),
        Batch {
            width: 1,
            bytes: vec![0],
        },
    ];
    let ops = signed(&net, b, &bad, 0);
    net.hear(host, a, Message::Ops(ops.clone()));
    net.run(Duration::from_millis(1));
    assert!(net.linked(host, a), "one who passed it on is honest");
    assert_eq!(next(&net, host, b), 5);
    let author = net.nodes[b].session.me.author;
    assert!(net.nodes[host].log.frozen.contains(&author));
    net.hear(a, b, Message::Ops(ops));
    net.run(Duration::from_millis(1));
    assert!(!net.linked(a, b));
}

/// Lets `liar` write `own` to `to` alone, as if it had written nothing behind its first `common` batches.
fn lie(net: &mut Net, liar: usize, to: usize, common: usize, own: &[(u8, usize)]) {
    let author = net.nodes[liar].session.me.author;
    let log = &mut net.nodes[liar].log;
    let mut all: Vec<Vec<u8>> = Vec::new();
    log.batches.retain(|(of, _), bytes| {
        if *of == author {
            all.push(bytes.clone());
        }
        *of != author
    });
    let others = log.version.iter().filter(|(of, _)| *of != author);
    log.version = others.collect();
    for bytes in all.drain(..).take(common) {
        log.append(author, bytes);
    }
    net.nodes[liar].session.vouch.forget(&author);
    let Node { log, session, .. } = &mut net.nodes[liar];
    for up in session.links.values_mut().filter_map(Link::up_mut) {
        up.pushed = log.version.next(&author);
    }
    for node in 0..net.nodes.len() {
        if node != liar && node != to {
            net.cut(liar, node);
        }
    }
    net.cut.remove(&(liar.min(to), liar.max(to)));
    net.seconds(12);
    for (count, bytes) in own {
        net.edit(liar, *count, *bytes);
    }
    net.seconds(2);
}

fn forked(net: &Net, node: usize, author: AuthorId) -> bool {
    net.nodes[node].forked == [author]
}

#[test]
fn two_batches_under_one_name_are_found_at_the_first_exchange() {
    type Batches = &'static [(u8, usize)];
    // Both logs as long as each other; one longer; and one that goes on over the place of the other's end.
    let cases: [(Batches, Batches); 4] = [
        (&[(3, 5)], &[(3, 6)]),
        (&[(3, 5)], &[(3, 6), (2, 6), (2, 6)]),
        (&[(3, 5), (2, 2), (2, 2)], &[(3, 6)]),
        (&[(3, 5)], &[(4, 5), (4, 5)]),
    ];
    for common in [0, 3] {
        for (one, other) in cases {
            let (mut net, nodes) = mesh(45, 4);
            let [a, b, liar, third] = nodes[..] else {
                unreachable!()
            };
            let author = net.nodes[liar].session.me.author;
            for _ in 0..common {
                net.edit(liar, 2, 4);
            }
            net.seconds(1);
            net.cut(a, b);
            net.cut(third, a);
            net.cut(third, b);
            lie(&mut net, liar, a, common, one);
            lie(&mut net, liar, b, common, other);
            net.cut(liar, b);
            net.seconds(12);
            assert!(net.nodes[a].forked.is_empty() && net.nodes[b].forked.is_empty());
            let (before, after) = (next(&net, a, liar), next(&net, b, liar));
            assert!(before > 0 && after > 0);
            net.cut.remove(&(a.min(b), a.max(b)));
            net.seconds(8);
            assert!(net.linked(a, b));
            assert!(forked(&net, a, author), "{common} {one:?} {other:?}");
            assert!(forked(&net, b, author), "{common} {one:?} {other:?}");
            // Both keep what they have, take no more of it, and go on with each other.
            assert_eq!(next(&net, a, liar), before);
            assert_eq!(next(&net, b, liar), after);
            net.edit(a, 2, 3);
            net.edit(b, 2, 3);
            net.cut.clear();
            net.seconds(12);
            net.edit(liar, 2, 3);
            net.seconds(3);
            assert_eq!(next(&net, a, liar), before);
            assert_eq!(next(&net, b, liar), after);
            assert_eq!(next(&net, a, b), next(&net, b, b));
            assert_eq!(
                next(&net, third, a),
                next(&net, a, a),
                "nobody else is harmed"
            );
            assert_eq!(next(&net, third, b), next(&net, b, b));
        }
    }
}

#[test]
fn a_fork_is_found_through_third_members_and_in_a_history() {
    for history in [false, true] {
        let (mut net, nodes) = mesh(46, 4);
        let [a, b, liar, third] = nodes[..] else {
            unreachable!()
        };
        let author = net.nodes[liar].session.me.author;
        net.cut(a, b);
        net.cut(third, a);
        net.cut(third, b);
        lie(&mut net, liar, a, 0, &[(3, 5)]);
        lie(&mut net, liar, b, 0, &[(3, 6)]);
        net.cut(liar, b);
        if history {
            // Enough for being sent everything at once.
            edits(&mut net, a, 2_000, 50);
        }
        // a and b never meet.
        net.cut.remove(&(a.min(third), a.max(third)));
        net.seconds(8);
        assert_eq!(next(&net, third, liar), 3);
        net.cut(a, third);
        net.cut.remove(&(b.min(third), b.max(third)));
        net.seconds(10);
        assert!(forked(&net, b, author), "history: {history}");
        assert!(forked(&net, third, author), "history: {history}");
        assert_eq!(next(&net, b, a), next(&net, a, a), "the rest has come");
    }
}

#[test]
fn who_passes_on_the_other_log_of_a_fork_is_not_blamed() {
    // One log of the liar came here while the other one was asked for: with batches as long as these, with
    // longer ones over their ends, and shorter than what is here.
    let cases: [&[(u8, u8)]; 3] = [&[(3, 2), (2, 2)], &[(2, 2), (4, 2)], &[(2, 2)]];
    for (case, other) in cases.into_iter().enumerate() {
        for good in [true, false] {
            let (mut net, nodes) = mesh(52, 3);
            let [host, a, liar] = nodes[..] else {
                unreachable!()
            };
            let author = net.nodes[liar].session.me.author;
            let one = signed(&net, liar, &[batch(2, 1), batch(1, 1)], 0);
            net.hear(host, liar, Message::Ops(one));
            net.run(Duration::from_millis(1));
            let other: Vec<Batch> = other.iter().map(|(n, fill)| batch(*n, *fill)).collect();
            let mut other = signed(&net, liar, &other, 0);
            other.signature[3] ^= u8::from(!good);
            net.hear(host, a, Message::Ops(other));
            assert_eq!(net.linked(host, a), good, "{case}");
            assert_eq!(forked(&net, host, author), good, "{case}");
            assert_eq!(next(&net, host, liar), 3, "{case}");
        }
    }
}

#[test]
fn two_logs_that_come_at_once_leave_one_that_can_be_passed_on() {
    let logs: [&[Batch]; 3] = [
        &[batch(3, 1), batch(2, 1)],
        &[batch(3, 2)],
        &[batch(1, 3), batch(5, 3)],
    ];
    for (one, other) in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)] {
        let (mut net, nodes) = mesh(53, 3);
        let [host, _, liar] = nodes[..] else {
            unreachable!()
        };
        let both = [one, other].map(|log: usize| signed(&net, liar, logs[log], 0));
        let (author, member) = (both[0].author, net.nodes[liar].session.me.member);
        let (now, Node { session, log, .. }) = (net.now, &mut net.nodes[host]);
        let link = session.peers[&member].link.unwrap();
        session.vouch.follow(log);
        for ops in both {
            session.hear(link, Message::Ops(ops), now, log).unwrap();
        }
        net.handle(host, Input::Deadline);
        net.run(Duration::from_millis(1));
        // Every seal is over what is here, and one over all of it.
        let (here, Node { session, log, .. }) = (next(&net, host, liar), &net.nodes[host]);
        let stretch = session.stretch(author, 0, log).expect("something");
        assert_eq!(stretch.seal.end, here, "{one} {other}");
        let batches: Vec<Batch> = stretch.batches.into_iter().map(to_wire).collect();
        let chains = (0..=batches.len()).map(|count| chain(&author, &batches[..count]));
        let chains: Vec<(u32, Chain)> = chains.collect();
        let (_, seals) = session.seals().find(|(of, _)| *of == author).unwrap();
        for seal in seals.iter().map(|kept| kept.seal) {
            assert!(chains.contains(&(seal.end, seal.chain)), "{one} {other}");
        }
    }
}

#[test]
fn a_fork_that_both_know_is_no_news() {
    let (mut net, nodes) = mesh(54, 3);
    let [a, b, liar] = nodes[..] else {
        unreachable!()
    };
    net.cut(a, b);
    lie(&mut net, liar, a, 0, &[(3, 5)]);
    lie(&mut net, liar, b, 0, &[(3, 6)]);
    net.cut(liar, a);
    net.cut(liar, b);
    net.cut.remove(&(a.min(b), a.max(b)));
    net.seconds(15);
    let author = net.nodes[liar].session.me.author;
    assert!(forked(&net, a, author) && forked(&net, b, author));
    let from = net.transmitted.len();
    net.seconds(60);
    assert_eq!(said(&net, a, from, 4) + said(&net, b, from, 4), 0);
    // What else happens is told as ever, and what they prove is what they have.
    net.edit(a, 2, 3);
    net.seconds(5);
    assert_eq!(next(&net, b, a), next(&net, a, a));
    let digests = [a, b].map(|node| net.nodes[node].session.vouch.digest());
    assert_ne!(digests[0], digests[1]);
}

#[test]
fn who_was_shown_a_fork_too_early_is_shown_it_again() {
    let (mut net, nodes) = mesh(55, 3);
    let [a, b, liar] = nodes[..] else {
        unreachable!()
    };
    let author = net.nodes[liar].session.me.author;
    let one = signed(&net, liar, &[batch(2, 1)], 0);
    let other = [batch(2, 2), batch(1, 2)];
    let begins = signed(&net, liar, &other[..1], 0);
    let longer = signed(&net, liar, &other, 0);
    net.hear(a, liar, Message::Ops(one));
    net.run(Duration::from_millis(1));
    let from = net.transmitted.len();
    net.hear(a, b, Message::Ops(begins));
    assert!(forked(&net, a, author));
    while said(&net, a, from, FORK) == 0 {
        net.run(Duration::from_millis(1));
    }
    net.run(Duration::from_millis(20));
    assert_eq!(
        next(&net, b, liar),
        0,
        "nothing differs from what it was shown"
    );
    net.hear(b, liar, Message::Ops(longer));
    net.run(Duration::from_millis(1));
    assert!(next(&net, b, liar) == 3 && !forked(&net, b, author));
    net.seconds(8);
    assert!(forked(&net, b, author));
}

#[test]
fn an_invalid_batch_for_one_and_a_good_one_for_others_are_a_fork() {
    let (mut net, nodes) = mesh(56, 3);
    let [a, b, liar] = nodes[..] else {
        unreachable!()
    };
    let author = net.nodes[liar].session.me.author;
    let bad = Batch {
        width: 1,
        bytes: vec![0],
    };
    let bad = signed(&net, liar, &[bad], 0);
    let good = signed(&net, liar, &[batch(2, 2), batch(1, 2)], 0);
    net.hear(a, b, Message::Ops(bad));
    net.run(Duration::from_millis(1));
    net.hear(b, liar, Message::Ops(good));
    net.run(Duration::from_millis(1));
    assert!(net.nodes[a].log.frozen.contains(&author) && next(&net, b, liar) == 3);
    assert!(!forked(&net, a, author) && !forked(&net, b, author));
    net.seconds(8);
    assert!(forked(&net, a, author) && forked(&net, b, author));
}

#[test]
fn nobody_is_accused_by_a_bare_word() {
    let (mut net, nodes) = mesh(47, 3);
    let [host, a, b] = nodes[..] else {
        unreachable!()
    };
    net.edit(b, 3, 5);
    net.edit(b, 3, 5);
    net.seconds(1);
    let author = net.nodes[b].session.me.author;
    let from = net.transmitted.len();
    for next in [3, 5, 6] {
        let heads = Heads {
            whole: false,
            entries: vec![Head {
                author,
                next,
                chain: [6; 16],
            }],
        };
        net.hear(host, a, Message::Heads(heads));
        let want = Want {
            ranges: vec![Range {
                author,
                from: 3,
                to: next.max(4),
                chain: [6; 16],
            }],
        };
        net.hear(host, a, Message::Want(want));
    }
    net.seconds(1);
    assert_eq!(
        said(&net, host, from, 17),
        1,
        "it is shown what is here, once"
    );
    assert!(net.linked(host, a));
    assert!(net.nodes.iter().all(|node| node.forked.is_empty()));
    // Nor by what is not signed; that costs the link.
    let mut fork = net.nodes[host]
        .session
        .vouch
        .evidence(author, 3, &net.nodes[host].log)
        .unwrap();
    net.hear(host, a, Message::Fork(fork.clone()));
    assert!(net.linked(host, a), "what is here is no contradiction");
    fork.batches[0].bytes[1] ^= 1;
    net.hear(host, a, Message::Fork(fork));
    assert!(!net.linked(host, a));
    assert!(net.nodes[host].forked.is_empty());
}

#[test]
fn a_history_that_is_changed_or_not_signed_is_not_adopted() {
    use crate::wire::{Voucher, Vouchers};
    type Change = fn(&mut Vec<Voucher>, &mut Vec<u8>);
    let changes: &[(&str, Change)] = &[
        ("a byte", |_, history| *history.last_mut().unwrap() ^= 1),
        ("no voucher", |vouchers, _| vouchers.clear()),
        ("no seal", |vouchers, _| vouchers[0].seals.clear()),
        ("the last seal is missing", |vouchers, _| {
            vouchers[0].seals.pop();
        }),
        ("too few seals", |vouchers, _| {
            let last = vouchers[0].seals.pop().unwrap();
            vouchers[0].seals = vec![last];
        }),
        ("a seal in the middle", |vouchers, _| {
            vouchers[0].seals[1].signature[3] ^= 1;
        }),
        ("a seal with another end", |vouchers, _| {
            vouchers[0].seals[1].end += 1;
        }),
        ("seals in another order", |vouchers, _| {
            vouchers[0].seals.swap(0, 1);
        }),
        ("more than there is", |vouchers, _| {
            vouchers[0].waiting.push(batch(1, 1));
        }),
        ("another's name", |vouchers, _| {
            vouchers[0].author = AuthorId([3; 16]);
        }),
        ("nothing", |_, _| {}),
    ];
    for (what, change) in changes {
        let mut net = Net::new(48);
        let host = net.host();
        edits(&mut net, host, 20_000, 50);
        let Node { session, log, .. } = &net.nodes[host];
        let mut vouchers = session.vouch.vouchers(log).unwrap();
        assert!(vouchers.authors[0].seals.len() > 3);
        let mut history = log.encode_history();
        change(&mut vouchers.authors, &mut history);
        let stream = vouchers.before(&history);
        assert!(Vouchers::split(&stream).is_some());
        let a = net.join(host);
        net.run(Duration::from_millis(1));
        while net.nodes[a].session.fetch.is_none() {
            net.run(Duration::from_millis(1));
        }
        net.cut(host, a);
        let total = stream.len() as u32;
        for (n, piece) in stream.chunks(limits::HISTORY_PIECE_BYTES).enumerate() {
            if !net.linked(a, host) {
                break;
            }
            let at = (n * limits::HISTORY_PIECE_BYTES) as u32;
            let bytes = piece.to_vec();
            net.hear(
                a,
                host,
                Message::History(crate::wire::History { total, at, bytes }),
            );
        }
        net.run(Duration::from_millis(1));
        let taken = next(&net, a, host) > 0;
        assert_eq!(taken, *what == "nothing", "{what}");
        assert_eq!(net.linked(a, host), taken, "{what}");
    }
}

#[test]
fn a_key_that_was_shown_once_cannot_be_taken_back() {
    let (mut net, nodes) = mesh(49, 3);
    let [host, a, b] = nodes[..] else {
        unreachable!()
    };
    net.edit(b, 3, 3);
    net.seconds(1);
    // b says that it has another key now and never had the one before.
    let author = net.nodes[b].session.me.author;
    let session = SessionId([1; 16]);
    let crypto = Toy {
        member: net.nodes[b].session.crypto.member().link,
        author: [77; 32],
    };
    let mut entry = net.nodes[b].session.roster.me().clone();
    entry.authors = vec![author_key(&crypto, &session)];
    entry.revision += 5;
    entry.signature = crypto.sign_as_member(&entry.signed_bytes(&session));
    let members = crate::wire::Members {
        entries: vec![entry],
    };
    net.hear(host, b, Message::Members(members));
    assert!(net.linked(host, b));
    let known = net.nodes[host]
        .session
        .roster
        .authors(&net.nodes[b].session.me.member);
    assert_eq!(known.len(), 2);
    assert!(known.contains(&author));
    let c = net.join(host);
    net.seconds(2);
    assert_eq!(next(&net, c, b), 3, "a newcomer can check what it wrote");
    net.assert_converged(&[host, a, b, c]);
}

#[test]
fn nobody_gives_anothers_author_out_as_its_own() {
    let (mut net, nodes) = mesh(50, 3);
    let [host, a, b] = nodes[..] else {
        unreachable!()
    };
    let ada = net.nodes[a].session.me.author;
    let key = net.nodes[a].session.crypto.author();
    let session = SessionId([1; 16]);
    let mut entry = net.nodes[b].session.roster.me().clone();
    let signature = net.nodes[b]
        .session
        .crypto
        .sign_as_member(&crate::wire::AuthorKey::signed_bytes(&key, &session));
    entry
        .authors
        .insert(0, crate::wire::AuthorKey { key, signature });
    entry.revision += 5;
    entry.signature = net.nodes[b]
        .session
        .crypto
        .sign_as_member(&entry.signed_bytes(&session));
    let members = crate::wire::Members {
        entries: vec![entry],
    };
    net.hear(host, b, Message::Members(members));
    let session = &net.nodes[host].session;
    assert_eq!(
        session.member_of(&ada),
        Some(net.nodes[a].session.me.member)
    );
    assert!(
        !session
            .roster
            .authors(&net.nodes[b].session.me.member)
            .contains(&ada)
    );
    // And a key for which it does not stand in costs the link.
    let mut entry = net.nodes[b].session.roster.me().clone();
    entry.authors.insert(
        0,
        crate::wire::AuthorKey {
            key: [4; 32],
            signature: [4; 64],
        },
    );
    let members = crate::wire::Members {
        entries: vec![entry],
    };
    net.hear(host, b, Message::Members(members));
    assert!(!net.linked(host, b));
}

#[test]
fn what_was_kept_can_be_passed_on_after_a_restart() {
    let (mut net, nodes) = mesh(51, 2);
    let [host, a] = nodes[..] else { unreachable!() };
    for n in 0..3_000u32 {
        net.edit(a, 1 + (n % 3) as u8, 4);
    }
    net.seconds(2);
    net.assert_converged(&nodes);
    let old = &net.nodes[host].session;
    let keys = old.keys().unwrap();
    let kept: Vec<MemberEntry> = old.entries().cloned().collect();
    let seals: Vec<(AuthorId, Seals)> = old
        .seals()
        .map(|(author, seals)| (author, seals.clone()))
        .collect();
    let count = |seals: &Seals| seals.iter().count();
    assert!(seals.iter().map(|(_, seals)| count(seals)).sum::<usize>() <= 4);
    let crypto = Toy {
        member: old.crypto.member().link,
        author: [88; 32],
    };
    let config = started_again("host", Box::new(crypto), keys, kept);
    let mut session = Session::new(config, net.now);
    session.take_up(seals, []);
    net.nodes[host].session = session;
    net.cut(host, a);
    let addrs = vec![net.nodes[host].addr];
    net.handle(host, Input::Listening { addrs });
    // One who never meets the author gets everything from who was started again.
    let c = net.join(host);
    net.cut(a, c);
    net.seconds(3);
    assert_eq!(next(&net, c, a), next(&net, host, a));
    assert!(next(&net, c, a) >= 3_000);
}
