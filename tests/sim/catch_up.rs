//! What catching up with much costs: two members on a line without delay, measured.
//!
//! `SIM_EDITS=500000 cargo test --release --test sim catch_up -- --nocapture` measures more of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use collab_edit::app::core::Core;
use collab_edit::document::{CharPos, EditKind};
use collab_edit::security::{Access, Entropy, Identity, Secret};
use collab_edit::session::limits::HISTORY_OPS;
use collab_edit::session::{Command, Config, Event, Input, LinkId, Time};
use collab_edit::wire::Name;

/// What a history takes for one of the random keys here, in bytes, at the most. As a batch, which is a message
/// of its own while somebody types, it takes five and what is around it.
const KEY_BYTES: usize = 2;

/// Two members and the line between them.
struct Pair {
    cores: [Core; 2],
    links: [Option<LinkId>; 2],
    now: Time,
    accepted: u64,
    /// Whether dials come through.
    plugged: bool,
    messages: usize,
    bytes: usize,
    /// How long each end thought, in all and at once.
    thought: [(Duration, Duration); 2],
    joined: bool,
}

impl Pair {
    fn new() -> Self {
        let core = |n: u8, founded: bool| {
            let secret = Secret::new([n; 32]);
            let config = Config {
                name: Name::new("m"),
                crypto: Box::new(Identity::new(secret.clone(), Entropy::new(&secret))),
                inside: founded.then(super::inside),
                kept: Vec::new(),
                seed: n.into(),
                history_ops: HISTORY_OPS,
            };
            Core::new(config, Time(0))
        };
        let mut pair = Self {
            cores: [core(1, true), core(2, false)],
            links: [None; 2],
            now: Time(0),
            accepted: 0,
            plugged: true,
            messages: 0,
            bytes: 0,
            thought: Default::default(),
            joined: false,
        };
        for n in 0..2 {
            let addr = ([127, 0, 0, 1], 4700 + n as u16).into();
            pair.give(n, Input::Listening { addrs: vec![addr] });
        }
        pair
    }

    fn join(&mut self) {
        let target = "127.0.0.1:4700".to_owned();
        let access = Some(Access::Open);
        self.give(1, Input::Join { target, access });
    }

    /// Edits as a person does: most go on where the last one was.
    fn edit(&mut self, n: usize, count: usize, rng: &mut fastrand::Rng) {
        let core = &mut self.cores[n];
        let mut at = 0;
        for _ in 0..count {
            let len = core.document().len();
            if rng.u8(0..20) == 0 {
                at = rng.usize(0..=len);
            }
            at = at.min(len);
            if rng.u8(0..10) < 3 && at > 0 {
                core.edit(CharPos(at - 1)..CharPos(at), "", EditKind::Erase, self.now);
                at -= 1;
            } else {
                let key = char::from(rng.u8(b'a'..=b'z'));
                core.edit(
                    CharPos(at)..CharPos(at),
                    key.encode_utf8(&mut [0; 4]),
                    EditKind::Type,
                    self.now,
                );
                at += 1;
            }
            core.flush(None, self.now, 0);
        }
        self.settle();
    }

    fn give(&mut self, n: usize, input: Input) {
        let start = Instant::now();
        self.cores[n].handle(input, self.now);
        let took = start.elapsed();
        let (all, most) = &mut self.thought[n];
        *all += took;
        *most = took.max(*most);
    }

    /// Carries everything over until nobody has anything to say.
    fn settle(&mut self) {
        let mut inputs: VecDeque<(usize, Input)> = VecDeque::new();
        loop {
            for n in 0..2 {
                while let Some(command) = self.cores[n].next_command() {
                    self.carry(n, command, &mut inputs);
                }
                while let Some(event) = self.cores[n].next_event() {
                    self.joined |= event == Event::Joined;
                }
            }
            let Some((n, input)) = inputs.pop_front() else {
                return;
            };
            self.give(n, input);
        }
    }

    fn carry(&mut self, n: usize, command: Command, inputs: &mut VecDeque<(usize, Input)>) {
        match command {
            Command::Dial { link, .. } if self.plugged => {
                let accepted = LinkId::Accepted(self.accepted);
                self.accepted += 1;
                self.links[n] = Some(link);
                self.links[1 - n] = Some(accepted);
                let addr = |n: usize| ([127, 0, 0, 1], 4700 + n as u16).into();
                inputs.push_back((
                    1 - n,
                    Input::Accepted {
                        link: accepted,
                        from: addr(n),
                    },
                ));
                inputs.push_back((
                    n,
                    Input::Dialled {
                        link,
                        addr: addr(1 - n),
                    },
                ));
            }
            Command::Dial { link, .. } => {
                let why = "unplugged".to_owned();
                inputs.push_back((n, Input::DialFailed { link, why }));
            }
            Command::Transmit { link, bytes } => {
                self.messages += 1;
                self.bytes += bytes.len();
                inputs.push_back((
                    n,
                    Input::Flushed {
                        link,
                        bytes: bytes.len(),
                    },
                ));
                if let Some(link) = self.links[1 - n].filter(|_| self.links[n] == Some(link)) {
                    inputs.push_back((1 - n, Input::Received { link, bytes }));
                }
            }
            Command::Close { link } => {
                if self.links[n] == Some(link)
                    && let Some(link) = self.links[1 - n]
                {
                    let why = "closed".to_owned();
                    inputs.push_back((1 - n, Input::Closed { link, why }));
                    self.links = [None; 2];
                }
            }
        }
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let next = self.cores.iter().filter_map(Core::next_deadline).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            for n in 0..2 {
                self.give(n, Input::Deadline);
            }
            self.settle();
        }
        self.now = end;
    }

    fn unplug(&mut self) {
        self.plugged = false;
        for n in 0..2 {
            if let Some(link) = self.links[n].take() {
                let why = "unplugged".to_owned();
                self.give(n, Input::Closed { link, why });
            }
        }
        self.settle();
    }

    /// What has happened since this was last asked, as words.
    fn bill(&mut self, what: &str) -> (usize, usize) {
        let bill = (self.messages, self.bytes);
        eprintln!(
            "{what}: {} messages, {} kB; thinking, in all and at once: {:?}",
            bill.0,
            bill.1 / 1000,
            self.thought
        );
        (self.messages, self.bytes, self.thought) = (0, 0, Default::default());
        bill
    }
}

#[test]
fn catching_up_with_much_takes_little() {
    let edits = std::env::var("SIM_EDITS").map_or(40_000, |n| n.parse().expect("a number"));
    let mut rng = fastrand::Rng::with_seed(1);
    let mut pair = Pair::new();
    pair.edit(0, edits, &mut rng);
    pair.bill("alone");
    pair.join();
    pair.settle();
    pair.pass(Duration::from_secs(1));
    assert!(pair.joined);
    let same = |pair: &Pair| {
        let [a, b] = &pair.cores;
        assert_eq!(a.document().rope(), b.document().rope());
        assert_eq!(a.document().log().version(), b.document().log().version());
    };
    same(&pair);
    let (messages, bytes) = pair.bill(&format!("a newcomer to {edits} edits"));
    assert!(messages < 60 + bytes / 16_000 && bytes < KEY_BYTES * edits + 10_000);
    pair.unplug();
    pair.edit(0, edits, &mut rng);
    pair.edit(1, 1_000, &mut rng);
    pair.bill("apart");
    pair.plugged = true;
    pair.pass(Duration::from_secs(5));
    same(&pair);
    let (messages, bytes) = pair.bill(&format!("back after {edits} edits and 1,000 own ones"));
    let all = 2 * edits + 1_000;
    assert!(messages < 80 + bytes / 16_000 && bytes < KEY_BYTES * all + 20_000);
    for core in &pair.cores {
        core.document().check_invariants();
    }
}
