//! The room as it is over turmoil's simulated network: links are cut without a word, both ways or
//! one, bytes on their way are lost for good, and members must notice and come together again.
//!
//! `SEED` in the environment replays one run.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use turmoil::Sim;
use turmoil::net::{TcpListener, TcpStream};

use super::*;

const PORT: u16 = 4700;
const MEMBERS: u8 = 4;

/// Members edit until here, and everything is whole again from here on.
const NOISE: Duration = Duration::from_secs(60);
/// Then they have until here to come together.
const END: Duration = Duration::from_secs(90);

struct Simulated;

impl Transport for Simulated {
    type Stream = TcpStream;
    type Listener = TcpListener;

    async fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(addr).await
    }

    async fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
        TcpListener::bind(addr).await
    }

    fn local_addr(listener: &TcpListener) -> io::Result<SocketAddr> {
        listener.local_addr()
    }

    async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
        listener.accept().await
    }
}

fn host(number: u8) -> String {
    format!("member{number}")
}

/// What each member holds in the end, and how many edits it made.
type Ends = Rc<RefCell<Vec<(BTreeMap<(AuthorId, u32), Vec<u8>>, AuthorId, u32)>>>;

/// One member from start to end: edits every few hundred milliseconds while there is noise.
async fn live(number: u8, seed: u64, ends: Ends) -> turmoil::Result {
    let mut member = Member::<Simulated>::alone(number, number == 1);
    let at = Listen::at((Ipv4Addr::UNSPECIFIED, PORT).into(), false);
    member.net.listen(&at).await?;
    let addr = SocketAddr::new(turmoil::lookup(host(number)), PORT);
    member.handle(Input::Listening { addrs: vec![addr] });
    if number > 1 {
        let first = SocketAddr::new(turmoil::lookup(host(1)), PORT);
        member.handle(Input::Join {
            target: first.to_string(),
            access: Some(Access::Open),
        });
    }
    let mut random = fastrand::Rng::with_seed(seed ^ u64::from(number));
    let (mut edits, mut next) = (0, Duration::from_millis(500));
    while member.start.elapsed() < END {
        let pause = next.min(END).saturating_sub(member.start.elapsed());
        if tokio::time::timeout(pause, member.step()).await.is_err() && next < NOISE {
            if number == 1 || joined(&member) {
                member.edit(random.usize(1..2_000));
                edits += 1;
            }
            next = member.start.elapsed() + Duration::from_millis(random.u64(10..500));
        } else if next >= NOISE {
            next = END;
        }
    }
    let author = member.session.author();
    ends.borrow_mut().push((member.log.batches, author, edits));
    Ok(())
}

/// Cuts and mends links at random.
struct Faults {
    random: fastrand::Rng,
    next: Duration,
    mended: bool,
}

impl Faults {
    fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            next: Duration::from_secs(3),
            mended: false,
        }
    }

    fn step(&mut self, sim: &Sim<'_>) {
        if sim.elapsed() >= NOISE {
            if !self.mended {
                self.mended = true;
                for (a, b) in (1..=MEMBERS).flat_map(|a| (1..a).map(move |b| (a, b))) {
                    sim.repair(host(a), host(b));
                    sim.release(host(a), host(b));
                }
            }
            return;
        }
        if sim.elapsed() < self.next {
            return;
        }
        self.next = sim.elapsed() + Duration::from_millis(self.random.u64(500..6_000));
        let a = self.random.u8(1..=MEMBERS);
        let b = 1 + (a - 1 + self.random.u8(1..MEMBERS)) % MEMBERS;
        match self.random.u8(0..6) {
            0 => sim.partition(host(a), host(b)),
            1 => sim.partition_oneway(host(a), host(b)),
            2 => sim.hold(host(a), host(b)),
            3 => sim.release(host(a), host(b)),
            _ => sim.repair(host(a), host(b)),
        }
    }
}

fn run(seed: u64) {
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .simulation_duration(END * 2)
        .tick_duration(Duration::from_millis(5))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(80))
        .tcp_capacity(1 << 14)
        .build();
    let ends = Ends::default();
    for number in 1..=MEMBERS {
        sim.client(host(number), live(number, seed, Rc::clone(&ends)));
    }
    let mut faults = Faults::new(seed);
    while !sim
        .step()
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"))
    {
        faults.step(&sim);
    }
    let ends = ends.borrow();
    let (first, ..) = &ends[0];
    for (held, author, edits) in ends.iter() {
        let own = held.keys().filter(|(one, _)| one == author).count();
        assert_eq!(own, *edits as usize, "seed {seed}: own edits of {author:?}");
        assert!(held == first, "seed {seed}: members hold different logs");
    }
    assert_eq!(ends.len(), usize::from(MEMBERS));
    assert!(first.len() > 200, "seed {seed}: {} edits", first.len());
}

#[test]
fn members_come_together_whatever_was_cut() {
    let given = std::env::var("SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    match given {
        Some(seed) => run(seed),
        None => (0..8).for_each(run),
    }
}
