//! Members find each other, part and come together again.

use super::*;

#[test]
fn a_chain_of_joins_becomes_a_mesh() {
    let mut net = Net::sealed(1);
    let host = net.host();
    net.edit(host, 200, 300_000);
    let mut all = vec![host];
    for _ in 0..5 {
        let last = all[all.len() - 1];
        net.edit(last, 3, 10);
        all.push(net.join(last));
        net.seconds(2);
    }
    net.assert_mesh(&all);
    net.assert_converged(&all);
    for node in &all[1..] {
        assert!(net.saw(*node, &Event::Joined));
        net.edit(*node, 1, 5);
    }
    net.seconds(1);
    net.assert_converged(&all);
    for node in &all {
        assert!(
            net.nodes[*node]
                .session
                .members()
                .iter()
                .all(|view| view.undelivered == 0)
        );
        assert!(net.nodes[*node].session.is_caught_up(&net.nodes[*node].log));
    }
}

#[test]
fn nobody_is_away_who_is_just_coming_in() {
    for seed in seeds(50) {
        println!("SEED={seed}");
        let mut net = Net::new(seed);
        let mut all = vec![net.host()];
        for _ in 0..4 {
            all.push(net.join(all[0]));
            net.seconds(2);
        }
        net.assert_mesh(&all);
        for event in all.iter().flat_map(|node| &net.nodes[*node].events) {
            let away = matches!(
                event,
                Event::MemberChanged {
                    state: MemberState::Away,
                    ..
                }
            );
            assert!(!away, "{event:?}");
        }
    }
}

#[test]
fn random_partitions_joins_and_leaves_end_alike() {
    for seed in seeds(150) {
        println!("SEED={seed}");
        let mut net = Net::sealed(seed);
        let mut all = vec![net.host()];
        let mut gone = BTreeSet::new();
        for _ in 0..net.rng.usize(10..60) {
            let pick = net.rng.usize(..all.len());
            let node = all[pick];
            match net.rng.u8(..20) {
                0..2 if all.len() < 6 && net.nodes[node].session.id().is_some() => {
                    all.push(net.join(node));
                }
                2..4 => {
                    let other = all[net.rng.usize(..all.len())];
                    if other != node {
                        net.cut(node, other);
                    }
                }
                4..6 => {
                    net.cut.pop_first();
                }
                6 if all.len() > 3 && net.saw(all[2], &Event::Joined) => {
                    net.seconds(1);
                    net.handle(node, Input::Leave);
                    all.remove(pick);
                    gone.insert(node);
                }
                7 => net.handle(node, Input::RetryNow),
                _ => {
                    let (count, bytes) = (net.rng.u8(1..9), net.rng.usize(1..3000));
                    net.edit(node, count, bytes);
                }
            }
            let span = Duration::from_millis(net.rng.u64(0..4000));
            net.run(span);
        }
        net.cut.clear();
        net.seconds(20);
        let inside: Vec<usize> = all
            .into_iter()
            .filter(|node| net.nodes[*node].session.id().is_some())
            .collect();
        net.assert_mesh(&inside);
        net.assert_converged(&inside);
    }
}

#[test]
fn a_common_neighbour_is_enough() {
    let mut net = Net::new(3);
    let host = net.host();
    let (a, b) = (net.join(host), net.add("b", false, None));
    net.cut(a, b);
    net.join_with(b, host, Some(Access::Open));
    net.seconds(2);
    net.edit(a, 9, 2_000_000 / 10);
    for _ in 0..20 {
        net.edit(a, 1, 8);
        net.edit(b, 1, 8);
        net.run(Duration::from_millis(50));
    }
    net.seconds(1);
    assert_eq!(net.state(a, b), MemberState::Away);
    net.assert_converged(&[host, a, b]);
}

#[test]
fn a_dead_connection_is_noticed_and_mended() {
    let mut net = Net::new(4);
    let host = net.host();
    let a = net.join(host);
    net.seconds(5);
    net.cut(host, a);
    net.edit(host, 5, 50);
    net.seconds(10);
    assert_eq!(net.state(a, host), MemberState::Away);
    assert_eq!(net.state(host, a), MemberState::Away);
    assert_eq!(net.nodes[host].session.members()[0].undelivered, 5);
    net.cut.clear();
    net.seconds(6);
    net.assert_mesh(&[host, a]);
    net.assert_converged(&[host, a]);
}

#[test]
fn two_who_dial_each_other_at_once_keep_one_link() {
    for seed in seeds(50) {
        println!("SEED={seed}");
        let mut net = Net::sealed(seed);
        let host = net.host();
        let a = net.join(host);
        net.seconds(1);
        net.cut(host, a);
        net.seconds(10);
        net.cut.clear();
        for node in [host, a] {
            // A dial that fails only later does not stand in the way.
            net.queue
                .retain(|_, (_, input)| !matches!(input, Input::DialFailed { .. }));
            let dials: Vec<LinkId> = net.nodes[node].session.links.keys().copied().collect();
            for link in dials {
                net.handle(
                    node,
                    Input::DialFailed {
                        link,
                        why: "cut".to_owned(),
                    },
                );
            }
        }
        net.seconds(0);
        for node in [host, a] {
            net.handle(node, Input::RetryNow);
        }
        // Dialling, handshake and hello take at most five times the longest latency.
        net.run(Duration::from_millis(100));
        net.assert_mesh(&[host, a]);
    }
}

#[test]
fn one_who_reads_nothing_costs_nothing_and_delays_nobody() {
    let mut net = Net::new(5);
    let host = net.host();
    let (a, b) = (net.join(host), net.join(host));
    net.seconds(2);
    net.deaf.insert(b);
    for _ in 0..100 {
        net.edit(host, 50, OPS_BYTES);
        net.run(Duration::from_millis(50));
    }
    net.run(Duration::from_millis(100));
    net.assert_converged(&[host, a]);
    let link = &net.nodes[host].session.links;
    let stuck = link.values().map(Link::in_flight).max().unwrap();
    assert!((MAX_IN_FLIGHT_BYTES..MAX_IN_FLIGHT_BYTES + 2 * OPS_BYTES).contains(&stuck));
    net.seconds(40);
    net.deaf.clear();
    net.seconds(10);
    net.assert_converged(&[host, a, b]);
}

#[test]
fn a_wrong_code_can_be_followed_by_the_right_one() {
    let mut net = Net::sealed(6);
    let code = |text| Some(Access::Code(Code::new(text).unwrap()));
    let host = net.add("host", true, code("otter-lamp-river"));
    net.edit(host, 4, 10);
    let a = net.add("a", false, None);
    for (given, refusal) in [
        (None, Refusal::CodeNeeded),
        (code("otter-lamp-rivet"), Refusal::WrongCode),
        (Some(Access::Open), Refusal::CodeNeeded),
    ] {
        net.join_with(a, host, given);
        net.seconds(1);
        let target = net.nodes[host].addr.to_string();
        let refused = Event::Refused(Refused::AtTheDoor { target, refusal });
        assert_eq!(net.nodes[a].events.pop(), Some(refused));
        assert_eq!(net.nodes[host].session.members(), []);
    }
    net.join_with(a, host, code("otter-lamp-river"));
    net.seconds(1);
    assert!(net.saw(a, &Event::Joined));
    let b = net.add("b", false, None);
    net.join_with(b, a, code("otter-lamp-river"));
    net.seconds(1);
    net.assert_mesh(&[host, a, b]);
    net.assert_converged(&[host, a, b]);
}

#[test]
fn the_host_may_leave_and_others_join_without_it() {
    let mut net = Net::sealed(7);
    let host = net.host();
    net.edit(host, 9, 90);
    let a = net.join(host);
    net.seconds(1);
    net.handle(host, Input::Leave);
    net.seconds(1);
    assert_eq!(net.state(host, a), MemberState::Left);
    let b = net.join(a);
    net.seconds(1);
    assert!(net.saw(b, &Event::Joined));
    assert_eq!(net.state(host, b), MemberState::Left);
    net.assert_converged(&[a, b]);
    net.transmitted.clear();
    net.seconds(60);
    assert!(
        net.nodes[b]
            .session
            .peers
            .values()
            .all(|peer| peer.dialling.is_none())
    );
}

#[test]
fn joining_fails_with_a_word() {
    let mut net = Net::sealed(8);
    let host = net.host();
    let a = net.add("a", false, None);
    net.handle(
        a,
        Input::Join {
            target: "10.9.9.9:1".to_owned(),
            access: None,
        },
    );
    net.seconds(4);
    assert!(matches!(
        net.nodes[a].events.pop(),
        Some(Event::Refused(Refused::Unreachable { .. }))
    ));
    // One who takes the connection and says nothing.
    net.deaf.insert(host);
    net.join_with(a, host, Some(Access::Open));
    net.seconds(8);
    assert!(matches!(
        net.nodes[a].events.pop(),
        Some(Event::Refused(Refused::Broken { .. }))
    ));
    // Another session, and oneself.
    net.deaf.clear();
    let other = net.host();
    let session = &mut net.nodes[other].session;
    session.session = Some(SessionId([2; 16]));
    session.grant.as_mut().unwrap().session = [2; 16];
    net.join_with(other, host, None);
    net.seconds(1);
    let last = net.nodes[other].events.pop();
    assert!(
        matches!(last, Some(Event::Refused(Refused::OtherSession { .. }))),
        "{last:?}"
    );
    net.join_with(host, host, None);
    net.seconds(1);
    let last = net.nodes[host].events.pop();
    assert!(
        matches!(last, Some(Event::Refused(Refused::Myself { .. }))),
        "{last:?}"
    );
}

#[test]
fn equal_names_are_numbered_alike_everywhere() {
    let mut net = Net::new(9);
    let host = net.host();
    let (a, b) = (net.join(host), net.join(host));
    net.seconds(2);
    let mut names = BTreeSet::new();
    for (at, of) in [(host, a), (host, b)] {
        let id = net.nodes[of].session.me.member;
        let there = net.nodes[at].session.roster.display_name(&id);
        assert_eq!(there, net.nodes[of].session.own_name());
        names.insert(there);
    }
    assert_eq!(
        names,
        BTreeSet::from(["member".to_owned(), "member 2".to_owned()])
    );
}

#[test]
fn the_latest_cursor_is_shown_and_goes_with_its_link() {
    let mut net = Net::new(10);
    let host = net.host();
    let a = net.join(host);
    net.seconds(1);
    let place = |bias| Some(Anchor { at: None, bias });
    for bias in [Bias::Before, Bias::After, Bias::Before, Bias::After] {
        net.handle(
            a,
            Input::Cursor {
                cursor: place(bias),
                selection: None,
            },
        );
    }
    net.run(Duration::from_millis(100));
    let seen: Vec<Presence> = net.nodes[host]
        .session
        .presences()
        .map(|(_, _, presence)| *presence)
        .collect();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].clock, seen[0].cursor), (4, place(Bias::After)));
    net.cut(host, a);
    net.seconds(10);
    assert_eq!(net.nodes[host].session.presences().count(), 0);
}

#[test]
fn the_port_that_a_member_called_from_is_not_shown_as_its_address() {
    let mut net = Net::new(14);
    let host = net.host();
    let a = net.add("a", false, None);
    let listens = SocketAddr::from(([127, 0, 0, 1], 4701));
    let addrs = vec![listens];
    net.handle(a, Input::Listening { addrs });
    net.join_with(a, host, Some(Access::Open));
    net.seconds(1);
    let [shown] = &net.nodes[host].session.members()[..] else {
        panic!("not joined")
    };
    assert_eq!(shown.addr, Some(listens));
}

#[test]
fn the_sixty_fifth_is_turned_away() {
    let mut net = Net::new(11);
    let host = net.host();
    for _ in 1..=limits::MAX_LINKS {
        net.join(host);
    }
    net.seconds(10);
    let all: Vec<usize> = (0..=limits::MAX_LINKS).collect();
    net.assert_mesh(&all);
    let late = net.join(host);
    net.seconds(1);
    let last = net.nodes[late].events.pop();
    assert!(
        matches!(last, Some(Event::Refused(Refused::Full { .. }))),
        "{last:?}"
    );
}

#[test]
fn a_bad_batch_costs_its_sender_the_link() {
    let mut net = Net::new(12);
    let host = net.host();
    let a = net.join(host);
    net.seconds(1);
    let author = net.nodes[a].session.author();
    net.nodes[a].log.version.advance(author, 1);
    net.nodes[a].log.batches.insert((author, 0), vec![0]);
    struct Lying<'a>(&'a ToyLog);
    impl LogSource for Lying<'_> {
        fn version(&self) -> &Version {
            self.0.version()
        }
        fn is_frozen(&self, _: &AuthorId) -> bool {
            false
        }
        fn any_frozen(&self) -> bool {
            false
        }
        fn batch_at(&self, _: &AuthorId, seq: u32, out: &mut Vec<u8>) -> Option<u32> {
            out.push(0);
            Some(seq + 1)
        }
        fn lamport_at(&self, _: &AuthorId, _: u32) -> Option<u64> {
            None
        }
        fn batches(&self) -> u64 {
            0
        }
        fn encode_history(&self) -> Vec<u8> {
            Vec::new()
        }
    }
    let now = net.now;
    let Node { session, log, .. } = &mut net.nodes[a];
    session.handle(Input::LocalChange, now, &Lying(log));
    while let Some(output) = net.nodes[a].session.poll() {
        if let Output::Net(command) = output {
            net.execute(a, command);
        }
    }
    net.run(Duration::from_millis(100));
    let warned = |event: &Event| matches!(event, Event::Warning(text) if text.contains("batch"));
    assert!(
        net.nodes[host].events.iter().any(warned),
        "{:?}",
        net.nodes[host].events
    );
    assert!(net.nodes[host].log.batches.is_empty());
    let b = net.join(host);
    net.seconds(2);
    net.edit(b, 2, 3);
    net.seconds(1);
    assert_eq!(
        net.nodes[host]
            .log
            .version
            .next(&net.nodes[b].session.author()),
        2
    );
}

#[test]
fn recorded_frames_cut_or_flipped_anywhere_harm_nothing() {
    // What a joiner with some edits says, as one stream.
    let mut net = Net::new(13);
    let host = net.host();
    let a = net.join(host);
    net.seconds(1);
    for _ in 0..3 {
        net.edit(a, 2, 9);
    }
    net.handle(
        a,
        Input::Cursor {
            cursor: Some(Anchor {
                at: None,
                bias: Bias::After,
            }),
            selection: None,
        },
    );
    net.seconds(4);
    let said = net.transmitted.iter().filter(|(node, _)| *node == a);
    let stream: Vec<u8> = said.flat_map(|(_, bytes)| bytes.clone()).collect();
    let hear = |stream: &[u8]| {
        let mut net = Net::new(13);
        let host = net.host();
        net.edit(host, 1, 4);
        let link = LinkId::Accepted(0);
        net.nodes[host].accepted = 1;
        net.handle(
            host,
            Input::Accepted {
                link,
                from: SocketAddr::from(([10, 0, 0, 9], 1)),
            },
        );
        for piece in stream.chunks(100) {
            net.handle(
                host,
                Input::Received {
                    link,
                    bytes: piece.to_vec(),
                },
            );
        }
        net.run(Duration::from_millis(10));
        let author = net.nodes[host].session.author();
        assert_eq!(
            net.nodes[host].log.version.next(&author),
            1,
            "our own log is as it was"
        );
        net
    };
    let mut whole = hear(&stream);
    assert_eq!(
        whole.nodes[0].log.batches.len(),
        4,
        "the record is a good one"
    );
    let b = whole.join(0);
    whole.seconds(2);
    whole.assert_converged(&[0, b]);
    for at in 0..stream.len() {
        hear(&stream[..at]);
        let mut flipped = stream.clone();
        flipped[at] ^= 1 << (at % 8);
        hear(&flipped);
    }
}

#[test]
fn who_left_before_a_newcomer_came_is_no_news_to_it() {
    let mut net = Net::new(33);
    let host = net.host();
    let a = net.join(host);
    net.seconds(2);
    net.handle(a, Input::Leave);
    net.seconds(2);
    let b = net.join(host);
    net.seconds(2);
    let gone = net.nodes[a].session.me.member;
    let news =
        |event: &&Event| matches!(event, Event::MemberChanged { member, .. } if *member == gone);
    assert_eq!(net.nodes[b].events.iter().filter(news).count(), 0);
    assert_eq!(net.state(a, b), MemberState::Left, "but it is known");
}
