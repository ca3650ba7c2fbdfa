//! Links that break, members that stall, and strangers at the door.
//!
//! The cable here runs through a [`Proxy`]. Members also know each other's own addresses and may go
//! round a pulled cable, as they should; what must hold is the same either way: the link breaks in
//! the middle of typing, and nothing is lost or doubled. True partitions are in
//! [`cables`](super::cables).

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::edits::{Typist, seed};
use super::headless::{Headless, settle};
use super::launch::{CODE, Launch};
use super::scratch::Scratch;
use super::strangers::Proxy;

const SETTLED: Duration = Duration::from_secs(60);

/// Two headless members, the second joined through a proxy to the first.
fn behind_proxy(scratch: &Scratch, text: &str) -> (Vec<Headless>, Proxy) {
    behind_slow_proxy(scratch, text, Duration::ZERO)
}

/// The same; what goes through the proxy takes so long, either way.
fn behind_slow_proxy(scratch: &Scratch, text: &str, delay: Duration) -> (Vec<Headless>, Proxy) {
    let file = scratch.file("ada/notes.md", text);
    let ada = Launch::host(&file).name("Ada").code(CODE).headless();
    let proxy = Proxy::to(ada.address(), delay);
    let copy = scratch.folder("ben").join("notes.md");
    let ben = Launch::join(proxy.address(), &copy).name("Ben").code(CODE);
    let ben = ben.headless();
    ben.expect_event("joined");
    ada.wait_member("Ben", "connected");
    ben.wait_member("Ada", "connected");
    (vec![ada, ben], proxy)
}

#[test]
fn edits_made_while_the_link_is_down_merge_afterwards() {
    let scratch = Scratch::new();
    let (mut members, proxy) = behind_proxy(&scratch, "middle\n");
    proxy.pull();
    members[1].insert("middle\n".len(), "Ben's\n");
    members[0].insert(0, "Ada's ");
    for member in &mut members {
        member.text();
    }
    proxy.plug();
    let text = settle(SETTLED, &mut members);
    assert_eq!(text, "Ada's middle\nBen's\n");
}

#[test]
fn a_long_way_holds_up_nobody_who_types() {
    const DELAY: Duration = Duration::from_millis(150);
    let seed = seed();
    let scratch = Scratch::new();
    let (mut members, _proxy) = behind_slow_proxy(&scratch, "middle\n", DELAY);
    let typed = Instant::now();
    members[1].insert(0, "Ben's ");
    assert_eq!(
        members[1].text(),
        "Ben's middle\n",
        "at once on one's own screen"
    );
    members[0].wait_text("Ben's middle\n");
    assert!(
        typed.elapsed() >= DELAY,
        "it did not come through the proxy"
    );
    let mut typists: Vec<Typist> = (0..2).map(|number| Typist::new(seed + number, 2)).collect();
    std::thread::scope(|scope| {
        for (member, typist) in members.iter_mut().zip(&mut typists) {
            scope.spawn(move || typist.type_at(member, 400));
        }
    });
    settle(SETTLED, &mut members);
}

#[test]
fn a_link_that_breaks_again_and_again_loses_nothing() {
    let seed = seed();
    let scratch = Scratch::new();
    let (mut members, proxy) = behind_proxy(&scratch, &"line\n".repeat(40));
    let mut typists: Vec<Typist> = (0..2).map(|number| Typist::new(seed + number, 2)).collect();
    for _ in 0..5 {
        std::thread::scope(|scope| {
            for (member, typist) in members.iter_mut().zip(&mut typists) {
                scope.spawn(move || typist.type_at(member, 200));
            }
            proxy.pull();
        });
        proxy.plug();
    }
    settle(SETTLED, &mut members);
    for member in &members {
        assert!(
            member
                .events()
                .iter()
                .all(|event| event["event"] != "error")
        );
    }
}

#[test]
fn a_member_that_was_stopped_catches_up_and_its_own_edits_arrive() {
    let scratch = Scratch::new();
    let (mut members, _proxy) = behind_proxy(&scratch, "text\n");
    members[1].signal("STOP");
    // Waits in the pipe until the member goes on.
    members[1].insert(0, "Ben's ");
    for _ in 0..500 {
        members[0].insert(0, "x");
    }
    let text = members[0].text();
    assert!(!text.contains("Ben's"));
    members[1].signal("CONT");
    let text = settle(SETTLED, &mut members);
    assert_eq!(text.matches('x').count(), 500 + "text".matches('x').count());
    assert!(text.contains("Ben's "), "{text}");
}

#[test]
fn three_members_converge_when_the_one_in_the_middle_dies() {
    let scratch = Scratch::new();
    let (mut members, _proxy) = behind_proxy(&scratch, "text\n");
    let file = scratch.folder("cleo").join("notes.md");
    let cleo = Launch::join(members[1].address(), &file)
        .name("Cleo")
        .code(CODE);
    let cleo = cleo.headless();
    cleo.expect_event("joined");
    cleo.wait_member("Ada", "connected");
    let ben = members.remove(1);
    ben.signal("KILL");
    members.push(cleo);
    members[0].insert(0, "Ada's ");
    members[1].insert(0, "Cleo's ");
    let text = settle(SETTLED, &mut members);
    assert!(
        text.contains("Ada's ") && text.contains("Cleo's "),
        "{text}"
    );
    for member in &members {
        member.wait_member("Ben", "away");
    }
}

#[test]
fn strangers_at_the_door_harm_nothing() {
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "text\n");
    let mut ada = Launch::host(&file).name("Ada").code(CODE).headless();
    let address = ada.address();

    let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
        .take(100_000)
        .collect();
    let mut greetings = vec![
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        vec![0; 1_000],
        vec![0xff; 1_000],
        u32::MAX.to_be_bytes().to_vec(),
        u32::MAX.to_le_bytes().to_vec(),
        Vec::new(),
        noise.clone(),
    ];
    for _ in 0..50 {
        let start = random.usize(..noise.len() - 64);
        greetings.push(noise[start..start + random.usize(1..64)].to_vec());
    }
    for greeting in greetings {
        let mut stream = TcpStream::connect(address).expect("a host that listens");
        // It may hang up in the middle; that is the point.
        let _sent = stream.write_all(&greeting);
        let _ended = stream.shutdown(std::net::Shutdown::Write);
        stream
            .set_read_timeout(Some(Duration::from_secs(15)))
            .expect("a timeout");
        let mut answer = Vec::new();
        if let Err(error) = stream.read_to_end(&mut answer) {
            let held = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
            assert!(
                !held.contains(&error.kind()),
                "a stranger that hung up is kept"
            );
        }
        assert!(
            answer.len() < 100_000,
            "a stranger was told {} bytes",
            answer.len()
        );
    }
    // Connections that never say anything do not keep others out.
    let _silent: Vec<TcpStream> = (0..20)
        .map(|_| TcpStream::connect(address).expect("a host that listens"))
        .collect();

    let copy = scratch.folder("ben").join("notes.md");
    let mut ben = Launch::join(address, &copy)
        .name("Ben")
        .code(CODE)
        .headless();
    ben.expect_event("joined");
    assert_eq!(ben.text(), "text\n");
    assert_eq!(ada.text(), "text\n");
    assert!(
        ada.events()
            .iter()
            .all(|event| event["event"] != "member" || event["name"] == "Ben")
    );
}

#[test]
fn a_joiner_is_told_when_the_member_it_joins_through_is_lost() {
    let scratch = Scratch::new();
    // Large enough to be still on its way when the host dies.
    let file = scratch.file("ada/notes.md", "some text\n".repeat(4 << 20));
    let ada = Launch::host(&file).name("Ada").code(CODE).headless();
    let ben = Launch::join(ada.address(), &scratch.folder("ben").join("notes.md"));
    let mut ben = ben.code(CODE).terminal();
    ben.wait_for_text("Receiving");
    ada.signal("KILL");
    ben.wait_for_text("Ada is away");
    ben.wait_without_text("some text");
    ben.keys("Esc");
    assert_eq!(ben.wait_exit(), Some(0));
}
