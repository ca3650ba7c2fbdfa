//! A member, let in as everybody, that floods the others, leads them on, or uses up what all share.

use super::*;
use crate::session::limits::MAX_REMOTE_AUTHORS;
use crate::session::link::Purpose;
use crate::wire::limits::MAX_HEADS;
use crate::wire::{Access as AccessWord, Guesses, Head, Heads, Members, Message, Presence};

/// A host and a member, and another one, `mallory`, that says what it is told to say.
fn scene(seed: u64) -> (Net, usize, usize, usize) {
    let mut net = Net::new(seed);
    let host = net.host();
    let a = net.join(host);
    let mallory = net.join(host);
    net.seconds(2);
    net.assert_mesh(&[host, a, mallory]);
    (net, host, a, mallory)
}

/// `from` says something on its link to `to`.
fn say(net: &mut Net, from: usize, to: usize, message: &Message) {
    let now = net.now;
    let member = net.nodes[to].session.me.member;
    let session = &mut net.nodes[from].session;
    let link = session.peers[&member].link.expect("a link");
    let link = session.links.get_mut(&link).expect("it is there");
    let Some(Output::Net(command)) = link.send(message, now) else {
        panic!("it sends");
    };
    net.execute(from, command);
}

#[test]
fn who_names_ever_more_authors_is_left() {
    let (mut net, host, a, mallory) = scene(34);
    let heads = |from: u32| {
        let head = |n: u32| Head {
            author: AuthorId(std::array::from_fn(|i| (n >> (8 * (i % 4))) as u8)),
            next: 1,
            chain: [0; 16],
        };
        Message::Heads(Heads {
            whole: false,
            entries: (from..from + MAX_HEADS as u32).map(head).collect(),
        })
    };
    for n in 0..MAX_REMOTE_AUTHORS / MAX_HEADS {
        net.hear(host, mallory, heads((n * MAX_HEADS) as u32));
        assert!(net.linked(host, mallory), "{n}");
    }
    net.hear(host, mallory, heads(u32::MAX - MAX_HEADS as u32));
    assert!(!net.linked(host, mallory));
    assert!(net.linked(host, a));
}

fn warned(net: &Net, node: usize, of: &str) -> bool {
    let mut events = net.nodes[node].events.iter();
    events.any(|event| matches!(event, Event::Warning(text) if text.contains(of)))
}

/// A member that nobody is, signed as if somebody were.
fn invented(net: &Net, number: u16) -> MemberEntry {
    let mut key = [0xee; 32];
    key[..2].copy_from_slice(&number.to_be_bytes());
    let crypto = Toy {
        member: key,
        author: key,
    };
    let session = net.nodes[0].session.id().expect("a session");
    let keys = crypto.member();
    let mut entry = MemberEntry {
        member: MemberId(keys.id()),
        link_key: keys.link,
        signing_key: keys.signing,
        name: Name::new("nobody"),
        addrs: (1..=16)
            .map(|port| SocketAddr::from(([10, 200, number as u8, (number >> 8) as u8], port)))
            .collect(),
        authors: vec![author_key(&crypto, &session)],
        left: false,
        revision: 1,
        signature: [0; 64],
    };
    entry.signature = crypto.sign_as_member(&entry.signed_bytes(&session));
    entry
}

#[test]
fn invented_members_are_dialled_a_few_at_a_time_and_those_who_were_met_first() {
    let (mut net, host, a, mallory) = scene(50);
    let entries: Vec<MemberEntry> = (0..1000).map(|n| invented(&net, n)).collect();
    for some in entries.chunks(8) {
        let entries = some.to_vec();
        say(
            &mut net,
            mallory,
            host,
            &Message::Members(Members { entries }),
        );
        say(
            &mut net,
            mallory,
            a,
            &Message::Members(Members {
                entries: some.to_vec(),
            }),
        );
    }
    let dials = |net: &Net| {
        let links = net.nodes[host].session.links.values();
        links
            .filter(|link| matches!(link.purpose, Purpose::Member(_)) && link.up().is_none())
            .count()
    };
    let mut most = 0;
    for _ in 0..100 {
        net.run(Duration::from_millis(100));
        most = most.max(dials(&net));
    }
    assert!(net.nodes[host].session.entries().count() > 1000);
    assert_eq!(most, limits::MAX_DIALS);
    // Whoever is really there is not behind them.
    net.cut(host, a);
    net.seconds(15);
    assert_eq!(net.state(a, host), MemberState::Away);
    net.cut.clear();
    net.seconds(8);
    assert_eq!(net.state(a, host), MemberState::Connected);
}

#[test]
fn nobody_uses_up_the_stamps_of_the_code() {
    let (mut net, host, a, mallory) = scene(51);
    let far = AccessWord {
        stamp: crate::wire::limits::MAX_REVISION - 1,
        code: Some("for-ever-and-ever".to_owned()),
    };
    say(&mut net, mallory, host, &Message::Access(far));
    net.seconds(1);
    assert!(warned(&net, host, "skips stamps"));
    assert_eq!(net.nodes[host].session.access(), Some(&Access::Open));
    net.handle(a, Input::NewCode);
    net.seconds(10);
    let new = net.nodes[a].session.access().cloned();
    assert_ne!(new, Some(Access::Open));
    for node in [host, mallory] {
        assert_eq!(net.nodes[node].session.access().cloned(), new);
    }
}

#[test]
fn people_hear_of_wrong_codes_now_and_then_whatever_a_member_tells() {
    let (mut net, host, _, mallory) = scene(52);
    let from = net.now;
    for wrong in 1..=1000 {
        say(
            &mut net,
            mallory,
            host,
            &Message::Guesses(Guesses { wrong }),
        );
        net.run(Duration::from_millis(20));
    }
    let events = net.nodes[host].events.iter();
    let notices = events
        .filter(|event| matches!(event, Event::Notice(_)))
        .count();
    let periods = (net.now - from).as_secs() / (limits::GUESSES_TOLD.as_secs() / 2) + 1;
    assert!((1..=periods).contains(&(notices as u64)), "{notices}");
}

#[test]
fn cursors_come_in_a_flood_after_a_line_stuck_and_not_for_ever() {
    let (mut net, host, _, mallory) = scene(53);
    let mut clock = 100;
    let mut flood = |net: &mut Net, count: u128| {
        for _ in 0..count {
            clock += 1;
            let presence = Presence {
                clock,
                ..Presence::default()
            };
            say(net, mallory, host, &Message::Presence(presence));
        }
        net.run(Duration::from_millis(50));
    };
    // All that an honest member says while a line may stick, at once; then again after as long.
    let stuck = limits::STALLED_AFTER.as_millis() / limits::PRESENCE_PERIOD.as_millis();
    for _ in 0..3 {
        flood(&mut net, stuck);
        net.run(limits::STALLED_AFTER);
    }
    assert!(!warned(&net, host, "moves too often"));
    flood(&mut net, 3 * stuck);
    assert!(warned(&net, host, "moves too often"));
}
