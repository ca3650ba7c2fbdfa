//! Who comes in and who does not, with the program's own cryptography.

use super::*;
use crate::security::{Channel, Knock, Progress};
use crate::wire::{self, Hello, Members, frame};

const CODE: &str = "otter-lamp-river-moon";

fn code(text: &str) -> Option<Access> {
    Some(Access::Code(Code::new(text).unwrap()))
}

/// A host with a code, and a member that has come in with it.
fn pair(seed: u64) -> (Net, usize, usize) {
    let mut net = Net::sealed(seed);
    let host = net.add("host", true, code(CODE));
    let a = net.add("a", false, None);
    net.join_with(a, host, code(CODE));
    net.seconds(1);
    assert!(net.saw(a, &Event::Joined));
    (net, host, a)
}

fn notices(net: &Net, node: usize) -> usize {
    let events = net.nodes[node].events.iter();
    events
        .filter(|event| matches!(event, Event::Notice(_)))
        .count()
}

fn warned(net: &Net, node: usize, of: &str) -> bool {
    let mut events = net.nodes[node].events.iter();
    events.any(|event| matches!(event, Event::Warning(text) if text.contains(of)))
}

#[test]
fn a_thousand_wrong_codes_slow_the_guesser_alone() {
    let (mut net, host, a) = pair(30);
    let guessers: Vec<usize> = (0..20).map(|_| net.add("guesser", false, None)).collect();
    let begun = net.now;
    let (mut guesses, mut wrong) = (0, 0);
    while wrong < 1000 {
        for guesser in &guessers {
            let events = std::mem::take(&mut net.nodes[*guesser].events);
            wrong += events
                .iter()
                .filter(|event| {
                    let Event::Refused(Refused::AtTheDoor { refusal, .. }) = event else {
                        return false;
                    };
                    *refusal == Refusal::WrongCode
                })
                .count();
            if net.nodes[*guesser].session.joining.is_none() {
                guesses += 1;
                net.join_with(*guesser, host, code(&format!("a-guess-{guesses}")));
            }
        }
        net.run(Duration::from_millis(200));
    }
    let took = net.now - begun;
    let fastest = limits::GUESS_PAUSE_MOST * (1000 - limits::FREE_GUESSES - 40);
    assert!(took >= fastest, "a thousand in {took:?}");
    // While they go on, one who has the code comes in at once, and the members hear each other.
    for guesser in &guessers {
        net.join_with(*guesser, host, code("one-more-guess"));
    }
    net.run(Duration::from_millis(100));
    let late = net.add("late", false, None);
    net.join_with(late, host, code(CODE));
    net.edit(a, 3, 5);
    net.seconds(2);
    assert!(
        net.saw(late, &Event::Joined),
        "{:?}",
        net.nodes[late].events
    );
    net.assert_converged(&[host, a, late]);
    assert_eq!(net.nodes[host].session.members().len(), 2);
    // People are told, there and elsewhere, but not a thousand times.
    let most = took.as_secs() / limits::GUESSES_TOLD.as_secs() + 3;
    for node in [host, a] {
        assert!((2..=most as usize).contains(&notices(&net, node)));
    }
}

#[test]
fn strangers_cost_bounded_memory_and_keep_nobody_out() {
    let (mut net, host, _) = pair(31);
    for n in 0..2_000u64 {
        // Most from one place, the others from many.
        let ip = match n % 4 {
            0 => [192, 168, (n >> 8) as u8, n as u8],
            _ => [10, 9, 9, 9],
        };
        let link = LinkId::Accepted(1_000_000 + n);
        let from = SocketAddr::from((ip, 5));
        net.handle(host, Input::Accepted { link, from });
        let bytes = vec![b'c'; (n % 3) as usize];
        net.handle(host, Input::Received { link, bytes });
        let links = &net.nodes[host].session.links;
        let nameless = links.values().filter(|link| link.up().is_none());
        assert!(nameless.clone().count() <= limits::MAX_STRANGERS);
        let crowd = nameless.filter(|link| link.addr.unwrap().ip().to_string() == "10.9.9.9");
        assert!(crowd.count() <= limits::MAX_STRANGERS_PER_PLACE);
    }
    let b = net.add("b", false, None);
    net.join_with(b, host, code(CODE));
    net.seconds(1);
    assert!(net.saw(b, &Event::Joined));
    net.seconds(10);
    let links = &net.nodes[host].session.links;
    assert_eq!(links.len(), 2, "strangers are given up");
}

/// A stranger may say what it likes; nothing of it is kept.
#[test]
fn a_stranger_that_talks_and_talks_is_closed() {
    let (mut net, host, _) = pair(32);
    for first in [
        &b"collabed\0\x04\0"[..],
        b"collabed\0\x04\x01",
        b"GET / HTTP/1.1",
    ] {
        let link = LinkId::Accepted(77);
        let from = SocketAddr::from(([10, 9, 9, 9], 5));
        net.handle(host, Input::Accepted { link, from });
        let bytes = [first, &[7; 60_000]].concat();
        net.handle(host, Input::Received { link, bytes });
        assert!(!net.nodes[host].session.links.contains_key(&link));
    }
}

/// Nor of what it says while it waits to know whether its code is right.
#[test]
fn a_stranger_that_talks_while_it_waits_is_closed() {
    let (mut net, host, _) = pair(37);
    for guess in 0..2 * limits::FREE_GUESSES {
        let guesser = net.add("guesser", false, None);
        net.join_with(guesser, host, code(&format!("a-guess-{guess}")));
    }
    net.seconds(30);
    // The first is answered at once, so the second one waits.
    let waiting = [1, 2].map(|number| {
        let link = LinkId::Accepted(1_000_000 + number);
        let from = SocketAddr::from(([10, 9, 9, 9], 5));
        net.handle(host, Input::Accepted { link, from });
        let secret = Secret::new([number as u8; 32]);
        let mut stranger = Identity::new(secret.clone(), Entropy::new(&secret));
        let mut channel = stranger.dialler(wire::VERSION, Knock::Newcomer(code("a-wrong-guess")));
        let mut bytes = channel.step(&[]).send;
        for _ in 0..2 {
            net.handle(host, Input::Received { link, bytes });
            let (_, heard) = net.transmitted.last().expect("a greeting").clone();
            bytes = channel.step(&heard).send;
        }
        link
    });
    let link = waiting[1];
    assert!(net.nodes[host].session.links[&link].is_guessing());
    let bytes = vec![7; 60_000];
    net.handle(host, Input::Received { link, bytes });
    assert!(!net.nodes[host].session.links.contains_key(&link));
}

#[test]
fn a_new_code_is_the_only_one_wherever_it_has_come() {
    let (mut net, host, a) = pair(33);
    net.handle(a, Input::NewCode);
    net.seconds(1);
    let changed = |by: Option<&str>| Event::AccessChanged {
        by: by.map(str::to_owned),
    };
    assert!(net.saw(a, &changed(None)) && net.saw(host, &changed(Some("a"))));
    let new = net.nodes[a].session.access().cloned();
    assert_eq!(net.nodes[host].session.access().cloned(), new);
    let b = net.add("b", false, None);
    for through in [host, a] {
        net.join_with(b, through, code(CODE));
        net.seconds(1);
        assert_eq!(net.nodes[b].session.id(), None);
    }
    net.join_with(b, host, new.clone());
    net.seconds(1);
    assert!(net.saw(b, &Event::Joined));
    // Two changes made apart: one of them holds, the same one at all.
    net.cut(host, a);
    net.cut(host, b);
    net.seconds(10);
    net.handle(host, Input::NewCode);
    net.handle(a, Input::NewCode);
    net.seconds(1);
    assert_ne!(
        net.nodes[host].session.access(),
        net.nodes[a].session.access()
    );
    net.cut.clear();
    net.seconds(10);
    net.assert_mesh(&[host, a, b]);
    let held = net.nodes[host].session.access().cloned();
    for node in [a, b] {
        assert_eq!(net.nodes[node].session.access().cloned(), held);
    }
    assert_ne!(held, new);
}

#[test]
fn whoever_is_at_the_door_when_the_code_changes_comes_in_with_the_old_one_no_more() {
    let (mut net, host, _) = pair(38);
    let secret = Secret::new([50; 32]);
    let mut late = Identity::new(secret.clone(), Entropy::new(&secret));
    let mut channel = late.dialler(crate::wire::VERSION, Knock::Newcomer(code(CODE)));
    let link = LinkId::Accepted(500);
    let from = SocketAddr::from(([10, 9, 9, 9], 5));
    net.handle(host, Input::Accepted { link, from });
    let said = net.transmitted.len();
    let bytes = channel.step(&[]).send;
    net.handle(host, Input::Received { link, bytes });
    let heard = net.transmitted[said].1.clone();
    let bytes = channel.step(&heard).send;
    assert!(!bytes.is_empty(), "its half of SPAKE2");
    net.handle(host, Input::NewCode);
    net.handle(host, Input::Received { link, bytes });
    assert!(!net.nodes[host].session.links.contains_key(&link));
}

#[test]
fn coming_back_needs_no_code() {
    let (mut net, host, a) = pair(34);
    let keys = net.nodes[a].session.keys().expect("it is inside");
    let keys = crate::security::Keys::from_bytes(&keys.to_bytes()).unwrap();
    let kept: Vec<MemberEntry> = net.nodes[a].session.entries().cloned().collect();
    net.cut(host, a);
    net.seconds(10);
    net.handle(host, Input::NewCode);
    net.edit(host, 3, 5);
    net.cut.clear();
    // The process has ended; another one of the same member starts.
    let entropy = Entropy::new(&Secret::new([77; 32]));
    let crypto = Identity::new(keys.member.clone(), entropy);
    let config = started_again("a", Box::new(crypto), keys, kept);
    let before = net.nodes[a].session.me.member;
    net.nodes[a].session = Session::new(config, net.now);
    net.nodes[a].log = ToyLog::default();
    let addrs = vec![net.nodes[a].addr];
    net.handle(a, Input::Listening { addrs });
    net.handle(a, Input::RetryNow);
    net.seconds(5);
    assert_eq!(net.nodes[a].session.me.member, before);
    net.assert_mesh(&[host, a]);
    net.assert_converged(&[host, a]);
    let held = net.nodes[host].session.access();
    assert_eq!(
        net.nodes[a].session.access(),
        held,
        "and the new code is learnt"
    );
}

#[test]
fn a_recorded_session_holds_no_text_no_code_and_no_name() {
    let mut net = Net::sealed(35);
    let host = net.add("Marguerite", true, code(CODE));
    let a = net.add("Thaddeus", false, None);
    net.join_with(a, host, code(CODE));
    net.seconds(1);
    for node in [host, a] {
        net.edit(node, 7, 5_000);
        net.edit(node, 7, 5);
    }
    net.handle(a, Input::NewCode);
    net.seconds(5);
    net.assert_converged(&[host, a]);
    let recorded: Vec<u8> = net
        .transmitted
        .iter()
        .flat_map(|(_, bytes)| bytes.clone())
        .collect();
    assert!(recorded.len() > 10_000);
    let new = match net.nodes[host].session.access() {
        Some(Access::Code(code)) => code.reveal().to_owned(),
        _ => unreachable!("it has a code"),
    };
    let session = &net.nodes[host].session;
    let secret = *session.grant.as_ref().unwrap().secret.expose();
    for hidden in [
        b"Marguerite".as_slice(),
        b"Thaddeus",
        CODE.as_bytes(),
        b"otter",
        new.as_bytes(),
        &[7; 4],
        &secret,
        &session.me.member.0,
        &session.crypto.member().link,
        &session.crypto.member().signing,
    ] {
        assert!(!recorded.windows(hidden.len()).any(|part| part == hidden));
    }
}

/// What the channel of somebody with these means of its own does to a host, until it stands.
fn enter(net: &mut Net, host: usize, crypto: &mut dyn Crypto) -> (LinkId, Box<dyn Channel>) {
    let grant = net.nodes[host].session.grant.clone().unwrap();
    let mut channel = crypto.dialler(crate::wire::VERSION, Knock::Member(grant));
    let link = LinkId::Accepted(500);
    let from = SocketAddr::from(([10, 9, 9, 9], 5));
    net.handle(host, Input::Accepted { link, from });
    let mut step = channel.step(&[]);
    for _ in 0..3 {
        let said = net.transmitted.len();
        net.handle(
            host,
            Input::Received {
                link,
                bytes: step.send,
            },
        );
        let heard: Vec<u8> = net.transmitted[said..]
            .iter()
            .flat_map(|(_, bytes)| bytes.clone())
            .collect();
        if heard.is_empty() {
            break;
        }
        step = channel.step(&heard);
        if let Progress::Done(_) = step.progress {
            net.handle(
                host,
                Input::Received {
                    link,
                    bytes: step.send,
                },
            );
            break;
        }
    }
    (link, channel)
}

fn say(net: &mut Net, to: usize, link: LinkId, channel: &mut dyn Channel, message: &Message) {
    let (mut payload, mut bytes) = (Vec::new(), Vec::new());
    message.encode(&mut payload);
    frame::write(&mut bytes, |out| channel.seal(&payload, out));
    net.handle(to, Input::Received { link, bytes });
}

#[test]
fn nobody_poses_as_another() {
    let (mut net, host, a) = pair(36);
    let ada = net.nodes[a].session.roster.me().clone();
    let member = Secret::new([50; 32]);
    let mut mallory = Identity::new(member, Entropy::new(&Secret::new([51; 32])));
    let (link, mut channel) = enter(&mut net, host, &mut mallory);
    assert!(net.nodes[host].session.links.contains_key(&link));
    let hello = Message::Hello(Hello {
        session: net.nodes[host].session.id(),
        me: ada.clone(),
        you: [10, 0, 0, 1].into(),
    });
    say(&mut net, host, link, channel.as_mut(), &hello);
    assert!(!net.nodes[host].session.links.contains_key(&link));
    assert!(warned(&net, host, "poses as another"));
    // With ada's keys beside its own name, and with its own keys under ada's name.
    let mut mine = ada.clone();
    mine.link_key = mallory.member().link;
    for entry in [
        MemberEntry {
            member: MemberId(mallory.member().id()),
            ..mine.clone()
        },
        mine,
    ] {
        let (link, mut channel) = enter(&mut net, host, &mut mallory);
        let hello = Message::Hello(Hello {
            session: net.nodes[host].session.id(),
            me: entry,
            you: [10, 0, 0, 1].into(),
        });
        say(&mut net, host, link, channel.as_mut(), &hello);
        assert!(!net.nodes[host].session.links.contains_key(&link));
    }
    assert!(warned(&net, host, "a member never said"));
    assert_eq!(net.state(a, host), MemberState::Connected);
}

#[test]
fn a_member_cannot_say_what_another_never_said() {
    let (mut net, host, a) = pair(37);
    let mut forged = net.nodes[host].session.roster.me().clone();
    forged.revision += 1;
    forged.left = true;
    let b = net.add("b", false, None);
    net.join_with(b, host, code(CODE));
    net.seconds(1);
    let now = net.now;
    let link = net.nodes[a].session.peers[&net.nodes[b].session.me.member].link;
    let link = net.nodes[a].session.links.get_mut(&link.unwrap()).unwrap();
    let members = Members {
        entries: vec![forged.clone()],
    };
    let Some(Output::Net(command)) = link.send(&Message::Members(members), now) else {
        panic!("it sends");
    };
    net.execute(a, command);
    net.run(Duration::from_millis(50));
    assert!(warned(&net, b, "a member never said"));
    let known = net.nodes[b].session.roster.entry(&forged.member);
    assert!(!known.unwrap().left);
}
