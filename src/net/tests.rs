//! Sessions over real sockets of the loopback interface, and in [`simulated`] over a network that is
//! cut and mended.

mod simulated;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::*;
use crate::crdt::{AuthorId, LogSource, Version};
use crate::security::Access;
use crate::session::limits::{MAX_IN_FLIGHT_BYTES, MAX_STRANGERS};
use crate::session::{Config, Event, MemberState, Output, Session, Target, Time, Verdict};
use crate::wire::Properties;

const PATIENCE: Duration = Duration::from_secs(20);

/// Logs of batches of one operation.
#[derive(Default)]
struct ToyLog {
    version: Version,
    batches: BTreeMap<(AuthorId, u32), Vec<u8>>,
}

impl LogSource for ToyLog {
    fn version(&self) -> &Version {
        &self.version
    }

    fn is_frozen(&self, _: &AuthorId) -> bool {
        false
    }

    fn any_frozen(&self) -> bool {
        false
    }

    fn batch_at(&self, author: &AuthorId, seq: u32, out: &mut Vec<u8>) -> Option<u32> {
        out.extend(self.batches.get(&(*author, seq))?);
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

impl ToyLog {
    fn append(&mut self, author: AuthorId, batch: Vec<u8>) {
        let seq = self.version.next(&author);
        self.version.advance(author, seq + 1);
        self.batches.insert((author, seq), batch);
    }
}

struct Member<T: Transport = Tcp> {
    session: Session,
    net: Net<T>,
    log: ToyLog,
    events: Vec<Event>,
    start: Instant,
}

impl Member {
    async fn new(number: u8, founded: bool) -> (Self, SocketAddr) {
        let mut member = Self::alone(number, founded);
        let at = Listen::at((Ipv4Addr::LOCALHOST, 0).into(), false);
        let addrs = member.net.listen(&at).await.unwrap();
        let addr = addrs[0];
        member.handle(Input::Listening { addrs });
        (member, addr)
    }
}

impl<T: Transport> Member<T> {
    fn alone(number: u8, founded: bool) -> Self {
        let config = Config::for_test(number, founded, Properties::default());
        Self {
            session: Session::new(config, Time(0)),
            net: Net::default(),
            log: ToyLog::default(),
            events: Vec::new(),
            start: Instant::now(),
        }
    }

    fn now(&self) -> Time {
        Time(self.start.elapsed().as_millis() as u64)
    }

    fn edit(&mut self, bytes: usize) {
        self.log.append(self.session.author(), vec![7; bytes]);
        self.handle(Input::LocalChange);
    }

    fn handle(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.session.handle(input, self.now(), &self.log);
            while let Some(output) = self.session.poll() {
                match output {
                    Output::Net(command) => self.net.execute(command),
                    Output::Merge { link, batches } => {
                        let author = batches.author();
                        for (seq, batch) in (batches.seq()..).zip(batches.batches()) {
                            if seq == self.log.version.next(&author) {
                                self.log.append(author, batch.bytes.clone());
                            }
                        }
                        inputs.push(Input::Merged {
                            link,
                            author,
                            verdict: Verdict::Applied,
                        });
                    }
                    Output::Hash => inputs.push(Input::Hashed { hash: [7; 32] }),
                    Output::Adopt { .. } | Output::Diverged { .. } | Output::Forked { .. } => {
                        panic!("{output:?}")
                    }
                    Output::Event(event) => self.events.push(event),
                }
            }
        }
    }

    /// Goes on until the session waits for something.
    async fn step(&mut self) {
        let deadline = self
            .session
            .next_deadline()
            .map_or(PATIENCE, |at| at - self.now());
        let input = tokio::time::timeout(deadline, self.net.next()).await;
        self.handle(input.unwrap_or(Input::Deadline));
    }

    async fn until(&mut self, mut done: impl FnMut(&Self) -> bool) {
        let all = async {
            while !done(self) {
                self.step().await;
            }
        };
        tokio::time::timeout(PATIENCE, all).await.expect("in time");
    }
}

/// Lets both go on until `done`.
async fn both(a: &mut Member, b: &mut Member, done: impl Fn(&Member, &Member) -> bool) {
    let all = async {
        while !done(a, b) {
            tokio::select! {
                () = a.step() => {}
                () = b.step() => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("in time");
}

fn joined<T: Transport>(member: &Member<T>) -> bool {
    member.events.contains(&Event::Joined)
}

#[tokio::test]
async fn two_members_converge_and_one_leaves() {
    let (mut host, addr) = Member::new(1, true).await;
    for _ in 0..100 {
        host.edit(20_000);
    }
    let (mut guest, _) = Member::new(2, false).await;
    let target = format!("localhost:{}", addr.port());
    guest.handle(Input::Join {
        target,
        access: Some(Access::Open),
    });
    both(&mut host, &mut guest, |host, guest| {
        joined(guest)
            && host
                .session
                .members()
                .iter()
                .any(|view| view.undelivered == 0)
    })
    .await;
    guest.edit(5);
    let (a, b) = (host.session.author(), guest.session.author());
    let all = |member: &Member| (member.log.version.next(&a), member.log.version.next(&b));
    both(&mut host, &mut guest, |host, guest| {
        all(host) == (100, 1) && guest.session.members()[0].undelivered == 0
    })
    .await;
    assert_eq!(all(&guest), (100, 1));
    assert!(host.net.has_neighbours() && guest.net.has_neighbours());
    guest.handle(Input::Leave);
    let left = |host: &Member| host.session.members()[0].state == MemberState::Left;
    tokio::join!(guest.net.finish(), host.until(left));
    assert!(!host.net.has_neighbours());
}

#[tokio::test]
async fn one_who_never_reads_costs_bounded_memory() {
    let (mut host, addr) = Member::new(1, true).await;
    // A guest that joins, and whose socket is then not read any more.
    let (mut guest, _) = Member::new(2, false).await;
    guest.handle(Input::Join {
        target: addr.to_string(),
        access: Some(Access::Open),
    });
    tokio::join!(
        guest.until(joined),
        host.until(|host| {
            host.session
                .members()
                .iter()
                .any(|view| view.state == MemberState::Connected)
        })
    );
    let pings = host.now();
    let mut most = 0;
    for _ in 0..400 {
        host.edit(60_000);
        let outputs = tokio::time::timeout(Duration::from_millis(1), host.net.next()).await;
        if let Ok(input) = outputs {
            host.handle(input);
        }
        most = most.max(host.session.in_flight());
    }
    assert!(
        host.now() - pings < Duration::from_secs(8),
        "or the link is dead, and proves nothing"
    );
    assert!(
        (MAX_IN_FLIGHT_BYTES..2 * MAX_IN_FLIGHT_BYTES).contains(&most),
        "{most} bytes"
    );
}

#[tokio::test]
async fn strangers_are_told_nothing_and_dials_fail_in_words() {
    let (mut host, addr) = Member::new(1, true).await;
    let mut stranger = tokio::net::TcpStream::connect(addr).await.unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let warned = |host: &Member| host.events.iter().any(|e| matches!(e, Event::Warning(_)));
    host.until(warned).await;
    let mut answer = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stranger, &mut answer)
        .await
        .unwrap();
    assert_eq!(answer, b"");
    // A port that nobody listens at any more.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let link = LinkId::Dialled(99);
    host.net.execute(Command::Dial {
        link,
        target: Target::Known(free),
    });
    let Input::DialFailed { why, .. } = host.net.next().await else {
        panic!("dialled")
    };
    assert!(why.contains("nobody listens"), "{why}");
}

#[tokio::test]
async fn strangers_who_come_and_never_speak_take_up_few_sockets() {
    let (mut member, addr) = Member::new(1, true).await;
    let mut strangers = Vec::new();
    for came in 1..=600 {
        strangers.push(tokio::net::TcpStream::connect(addr).await.unwrap());
        member.until(|member| member.net.accepted == came).await;
        let most = MAX_STRANGERS + MAX_LINGERING;
        assert!(member.net.connections.len() <= MAX_STRANGERS);
        // A task for each, and one that listens; those that were ended are put away with the next news.
        assert!(
            member.net.tasks.len() <= most + 8,
            "{}",
            member.net.tasks.len()
        );
    }
}
