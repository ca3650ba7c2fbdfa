//! Who lacks much is sent everything in one piece, and who lacks little is not.

use super::*;

const OPS: u8 = 6;
const HISTORY: u8 = 12;

#[test]
fn one_who_lacks_much_is_sent_the_history_and_one_who_lacks_little_is_not() {
    let mut net = Net::new(20);
    let host = net.host();
    edits(&mut net, host, 2_000, 50);
    let a = net.join(host);
    let from = net.transmitted.len();
    net.seconds(2);
    net.assert_converged(&[host, a]);
    assert!(net.nodes[a].events.contains(&Event::Joined));
    assert_eq!(said(&net, host, from, OPS), 0);
    let pieces = (2_000 * (50 + 24)) / limits::HISTORY_PIECE_BYTES + 1;
    assert_eq!(said(&net, host, from, HISTORY), pieces);
    // Away while much happens, and while little does.
    for (count, pieced) in [(2_000, true), (10, false)] {
        net.cut(host, a);
        net.seconds(20);
        edits(&mut net, host, count, 50);
        edits(&mut net, a, 3, 5);
        net.cut.clear();
        let from = net.transmitted.len();
        net.seconds(5);
        net.assert_converged(&[host, a]);
        assert_eq!(said(&net, host, from, HISTORY) > 0, pieced);
    }
}

#[test]
fn one_history_is_encoded_for_all_who_fetch_it_and_then_forgotten() {
    let mut net = Net::new(21);
    let host = net.host();
    edits(&mut net, host, 5_000, 100);
    let joiners: Vec<usize> = (0..20).map(|_| net.join(host)).collect();
    net.seconds(20);
    net.assert_converged(&[&[host][..], &joiners].concat());
    let encoded = net.nodes[host].log.encoded.get();
    assert!(encoded <= 2, "encoded {encoded} times");
    net.nodes[host].session.served.forget();
    assert_eq!(net.nodes[host].session.served.len(), 0);
}

#[test]
fn what_one_end_will_not_give_whole_is_asked_for_as_batches() {
    // A long text in few batches.
    let mut net = Net::new(22);
    let host = net.host();
    edits(&mut net, host, 20, 255);
    let a = net.join(host);
    let from = net.transmitted.len();
    net.seconds(2);
    net.assert_converged(&[host, a]);
    assert_eq!(
        said(&net, host, from, HISTORY),
        1,
        "a word that there is none"
    );
    assert!(said(&net, host, from, OPS) > 0);
}

#[test]
fn a_fetch_survives_the_end_of_its_link_and_a_link_that_sticks() {
    for stuck in [false, true] {
        let mut net = Net::new(23);
        let host = net.host();
        let (a, b) = (net.join(host), net.join(host));
        net.seconds(5);
        net.cut(a, host);
        net.cut(a, b);
        net.seconds(20);
        edits(&mut net, host, 20_000, 100);
        net.seconds(1);
        net.cut.clear();
        while net.nodes[a].session.fetch.is_none() {
            net.run(Duration::from_millis(1));
        }
        let from = net.nodes[a].session.fetch.as_ref().unwrap().link();
        let through = net.nodes[a].session.links[&from].up().unwrap().member;
        let through = if through == net.nodes[host].session.me.member {
            host
        } else {
            b
        };
        if stuck {
            net.deaf.insert(a);
            net.seconds(4);
            net.deaf.clear();
        }
        net.cut(a, through);
        net.seconds(30);
        net.assert_converged(&[host, a, b]);
        assert!(net.nodes[a].session.fetch.is_none());
    }
}

#[test]
fn a_history_that_does_not_fit_together_costs_the_link() {
    use crate::wire::History;
    let piece = |total, at, bytes: usize| {
        let bytes = vec![9; bytes];
        Message::History(History { total, at, bytes })
    };
    let whole = limits::HISTORY_PIECE_BYTES;
    for (case, pieces) in [
        ("damaged", vec![piece(20, 0, 20)]),
        (
            "a gap",
            vec![piece(100_000, 0, whole), piece(100_000, 40_000, whole)],
        ),
        (
            "another length",
            vec![piece(100_000, 0, whole), piece(99_999, whole as u32, whole)],
        ),
        ("a short piece", vec![piece(100_000, 0, 5)]),
        (
            "again from the start",
            vec![piece(100_000, 0, whole), piece(100_000, 0, whole)],
        ),
    ] {
        let mut net = Net::new(24);
        let host = net.host();
        let a = net.join(host);
        let b = net.join(host);
        net.seconds(5);
        edits(&mut net, b, 3, 5);
        // Someone who claims to have much.
        let id = *net.nodes[host].session.links.keys().next().unwrap();
        let liar = net.nodes[host].session.links[&id].up().unwrap().member;
        assert_eq!(liar, net.nodes[a].session.me.member);
        let heads = Message::Heads(crate::wire::Heads {
            whole: true,
            entries: vec![crate::wire::Head {
                author: AuthorId([77; 16]),
                next: 1_000_000,
                chain: [0; 16],
            }],
        });
        let (now, before) = (net.now, net.nodes[host].log.version.clone());
        let Node { session, log, .. } = &mut net.nodes[host];
        session.hear(id, heads, now, log).unwrap();
        assert!(session.fetch.is_some());
        let told = pieces
            .into_iter()
            .try_for_each(|piece| session.hear(id, piece, now, log));
        if let Err(fault) = told {
            session.fail(id, &fault, now);
        }
        net.handle(host, Input::Deadline);
        net.run(Duration::from_millis(1));
        assert!(!net.nodes[host].session.links.contains_key(&id), "{case}");
        assert!(net.nodes[host].log.version.covers(&before));
        net.seconds(5);
        edits(&mut net, b, 3, 5);
        net.seconds(2);
        net.assert_converged(&[host, a, b]);
    }
}

#[test]
fn who_is_being_sent_the_text_for_the_first_time_is_not_said_to_lack_it() {
    let mut net = Net::new(32);
    let host = net.host();
    let a = net.join(host);
    net.seconds(2);
    edits(&mut net, host, 2_000, 200);
    net.seconds(2);
    let late = net.join(a);
    let mut entered = false;
    for _ in 0..2_000 {
        net.run(Duration::from_millis(1));
        for view in net.nodes[host].session.members() {
            assert!(view.undelivered == 0 || !view.entered, "{view:?}");
            entered |= view.member == net.nodes[late].session.me.member && view.entered;
        }
    }
    assert!(entered);
    net.cut(host, late);
    net.cut(a, late);
    edits(&mut net, host, 3, 5);
    net.seconds(20);
    let views = net.nodes[host].session.members();
    let lacking = views
        .iter()
        .filter(|view| view.undelivered > 0 && view.entered);
    assert_eq!(
        lacking.count(),
        1,
        "one who was here and is away lacks what is new"
    );
}
