//! Sessions over a network in memory, in virtual time. A failing seed replays with `SEED=…`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use super::limits::{MAX_IN_FLIGHT_BYTES, OPS_BYTES};
use super::*;
use crate::crdt::{Anchor, Bias, Corrupt, NotAdopted};
use crate::security::{Code, Entropy, Identity, Refusal, Secret};
use crate::wire::{Batch, Message, Name};
use toy::Toy;

mod catch_up;
mod door;
mod mesh;
mod nuisance;
mod proof;
mod vouch;

#[path = "../../tests/sim/toy.rs"]
mod toy;

/// From how many operations on a history is fetched, here.
const HISTORY_OPS: u64 = 1_000;

/// Logs of batches whose first byte is the number of their operations.
#[derive(Default)]
struct ToyLog {
    version: Version,
    batches: BTreeMap<(AuthorId, u32), Vec<u8>>,
    frozen: BTreeSet<AuthorId>,
    /// The invalid batches for which they are: how many operations each is said to hold, and its bytes.
    invalid: BTreeMap<(AuthorId, u32), (u32, Vec<u8>)>,
    /// How often the history was encoded.
    encoded: std::cell::Cell<u32>,
}

impl LogSource for ToyLog {
    fn version(&self) -> &Version {
        &self.version
    }

    fn is_frozen(&self, author: &AuthorId) -> bool {
        self.frozen.contains(author)
    }

    fn any_frozen(&self) -> bool {
        !self.frozen.is_empty()
    }

    fn batch_at(&self, author: &AuthorId, seq: u32, out: &mut Vec<u8>) -> Option<u32> {
        let batch = self.batches.get(&(*author, seq))?;
        out.extend(batch);
        Some(seq + u32::from(batch[0]))
    }

    fn waiting_at(&self, author: &AuthorId, seq: u32, out: &mut Vec<u8>) -> Option<u32> {
        let (width, bytes) = self.invalid.get(&(*author, seq))?;
        out.extend(bytes);
        Some(seq + width)
    }

    fn lamport_at(&self, _: &AuthorId, _: u32) -> Option<u64> {
        None
    }

    fn batches(&self) -> u64 {
        self.batches.len() as u64
    }

    /// All batches, each behind its author, its number and its length.
    fn encode_history(&self) -> Vec<u8> {
        self.encoded.set(self.encoded.get() + 1);
        let mut out = Vec::new();
        for ((author, seq), batch) in &self.batches {
            out.extend(author.0);
            out.extend(seq.to_be_bytes());
            out.extend((batch.len() as u32).to_be_bytes());
            out.extend(batch);
        }
        out
    }
}

impl ToyLog {
    /// The logs that a history makes.
    fn open(mut history: &[u8]) -> Result<Self, NotAdopted> {
        let mut new = Self::default();
        while let Some((head, rest)) = history.split_first_chunk::<24>() {
            let number = |at| u32::from_be_bytes(std::array::from_fn(|i| head[at + i]));
            let author = AuthorId(std::array::from_fn(|i| head[i]));
            let (batch, rest) = rest
                .split_at_checked(number(20) as usize)
                .ok_or(Corrupt::Damaged)?;
            if number(16) != new.version.next(&author) {
                return Err(Corrupt::Damaged.into());
            }
            new.append(author, batch.to_vec());
            history = rest;
        }
        if !history.is_empty() {
            return Err(Corrupt::Damaged.into());
        }
        Ok(new)
    }

    fn adopt(&mut self, new: Self) {
        for ((author, seq), batch) in new.batches {
            if seq == self.version.next(&author) {
                self.append(author, batch);
            }
        }
    }

    fn append(&mut self, author: AuthorId, batch: Vec<u8>) {
        let seq = self.version.next(&author);
        self.version.advance(author, seq + u32::from(batch[0]));
        self.batches.insert((author, seq), batch);
    }

    fn merge(&mut self, author: AuthorId, mut seq: u32, batches: &[Batch]) -> Verdict {
        let mut verdict = Verdict::Duplicate;
        for Batch {
            width,
            bytes: batch,
        } in batches
        {
            let Some(count) = batch.first().copied().filter(|count| *count > 0) else {
                self.frozen.insert(author);
                self.invalid.insert((author, seq), (*width, batch.clone()));
                return Verdict::Rejected("an empty batch".to_owned());
            };
            let next = self.version.next(&author);
            if seq > next {
                return Verdict::Parked;
            }
            if seq == next {
                self.append(author, batch.clone());
                verdict = Verdict::Applied;
            }
            seq += u32::from(count);
        }
        verdict
    }
}

struct Node {
    session: Session,
    log: ToyLog,
    addr: SocketAddr,
    events: Vec<Event>,
    accepted: u64,
    /// When it wants to be told the time, as of the last input.
    deadline: Option<Time>,
    /// What it says the hash of its text is, instead of the same as everybody.
    hash: Option<[u8; 32]>,
    /// How often it was asked for that.
    hashed: u32,
    /// Whose text was found to be another one.
    diverged: Vec<MemberId>,
    /// Who was found to have signed two things under one name.
    forked: Vec<AuthorId>,
}

/// A direction of a connection: who sends on which link to whom on which.
type End = (usize, LinkId);

struct Net {
    nodes: Vec<Node>,
    now: Time,
    /// What will happen, in order; the number keeps equal times in order.
    queue: BTreeMap<(Time, u64), (usize, Input)>,
    serial: u64,
    /// The other ends, and when the last bytes to them arrive.
    ends: BTreeMap<End, (End, Time)>,
    /// Pairs of nodes between which nothing passes.
    cut: BTreeSet<(usize, usize)>,
    /// Nodes that take nothing.
    deaf: BTreeSet<usize>,
    rng: fastrand::Rng,
    /// Whether members take cryptography that seals nothing.
    toy: bool,
    transmitted: Vec<(usize, Vec<u8>)>,
}

impl Net {
    fn new(seed: u64) -> Self {
        Self {
            nodes: Vec::new(),
            now: Time(0),
            queue: BTreeMap::new(),
            serial: 0,
            ends: BTreeMap::new(),
            cut: BTreeSet::new(),
            deaf: BTreeSet::new(),
            rng: fastrand::Rng::with_seed(seed),
            toy: true,
            transmitted: Vec::new(),
        }
    }

    /// Members with the program's own cryptography.
    fn sealed(seed: u64) -> Self {
        Self {
            toy: false,
            ..Self::new(seed)
        }
    }

    fn add(&mut self, name: &str, founded: bool, access: Option<Access>) -> usize {
        let index = self.nodes.len();
        let mut key = || std::array::from_fn(|_| self.rng.u8(..));
        let (member, author) = (key(), key());
        let crypto: Box<dyn Crypto> = if self.toy {
            Box::new(Toy { member, author })
        } else {
            let entropy = Entropy::new(&Secret::new(author));
            Box::new(Identity::new(Secret::new(member), entropy))
        };
        let config = Config {
            name: Name::new(name),
            crypto,
            inside: access.filter(|_| founded).map(|access| Inside {
                grant: Grant {
                    session: [1; 16],
                    secret: Secret::new([2; 32]),
                },
                access,
                stamp: 0,
                properties: Properties::default(),
            }),
            kept: Vec::new(),
            seed: self.rng.u64(..),
            history_ops: HISTORY_OPS,
        };
        let addr = SocketAddr::from(([10, 0, 0, index as u8], 4700));
        let session = Session::new(config, self.now);
        let (log, events) = (ToyLog::default(), Vec::new());
        self.nodes.push(Node {
            session,
            log,
            addr,
            events,
            accepted: 0,
            deadline: None,
            hash: None,
            hashed: 0,
            diverged: Vec::new(),
            forked: Vec::new(),
        });
        self.handle(index, Input::Listening { addrs: vec![addr] });
        index
    }

    fn host(&mut self) -> usize {
        self.add("host", true, Some(Access::Open))
    }

    fn join(&mut self, through: usize) -> usize {
        let new = self.add("member", false, None);
        self.join_with(new, through, Some(Access::Open));
        new
    }

    fn join_with(&mut self, node: usize, through: usize, access: Option<Access>) {
        let target = self.nodes[through].addr.to_string();
        self.handle(node, Input::Join { target, access });
    }

    fn edit(&mut self, node: usize, count: u8, bytes: usize) {
        let Node { log, session, .. } = &mut self.nodes[node];
        if session.id().is_none() {
            // There is nothing yet to be written in, and nobody to be.
            return;
        }
        let mut batch = vec![count; 1];
        batch.resize(bytes.max(1), 7);
        log.append(session.author(), batch);
        self.handle(node, Input::LocalChange);
    }

    /// Lets `node` hear a message on its link to `from`, as if that had said it.
    fn hear(&mut self, node: usize, from: usize, message: Message) {
        let member = self.nodes[from].session.me.member;
        let now = self.now;
        let Node { session, log, .. } = &mut self.nodes[node];
        let link = session.peers[&member].link.expect("a link");
        session.vouch.follow(log);
        if let Err(fault) = session.hear(link, message, now, log) {
            session.fail(link, &fault, now);
        }
        self.handle(node, Input::Deadline);
    }

    /// Whether there is a link from `node` to `to`.
    fn linked(&self, node: usize, to: usize) -> bool {
        let member = self.nodes[to].session.me.member;
        let peer = self.nodes[node].session.peers.get(&member);
        peer.is_some_and(|peer| peer.link.is_some())
    }

    fn later(&mut self, at: Time, node: usize, input: Input) {
        self.serial += 1;
        self.queue.insert((at, self.serial), (node, input));
    }

    fn is_cut(&self, a: usize, b: usize) -> bool {
        self.cut.contains(&(a.min(b), a.max(b)))
    }

    /// Cuts the pair; the connections between them never carry anything again.
    fn cut(&mut self, a: usize, b: usize) {
        self.cut.insert((a.min(b), a.max(b)));
        self.ends.retain(|(from, _), ((to, _), _)| {
            (*from.min(to), *from.max(to)) != (a.min(b), a.max(b))
        });
    }

    fn latency(&mut self) -> Duration {
        Duration::from_millis(self.rng.u64(1..20))
    }

    fn handle(&mut self, node: usize, input: Input) {
        let now = self.now;
        let Node { session, log, .. } = &mut self.nodes[node];
        session.handle(input, now, log);
        for link in session.links.values() {
            assert!(
                link.in_flight() <= MAX_IN_FLIGHT_BYTES + (2 << 20),
                "memory of a link"
            );
        }
        while let Some(output) = self.nodes[node].session.poll() {
            match output {
                Output::Net(command) => self.execute(node, command),
                Output::Forked { author } => {
                    self.nodes[node].log.frozen.insert(author);
                    self.nodes[node].forked.push(author);
                }
                Output::Merge { link, batches } => {
                    let (author, seq) = (batches.author(), batches.seq());
                    let verdict = self.nodes[node].log.merge(author, seq, batches.batches());
                    self.later(
                        now,
                        node,
                        Input::Merged {
                            link,
                            author,
                            verdict,
                        },
                    );
                }
                Output::Hash => {
                    let hash = self.nodes[node].hash.unwrap_or([7; 32]);
                    self.nodes[node].hashed += 1;
                    let Node { session, log, .. } = &mut self.nodes[node];
                    session.handle(Input::Hashed { hash }, now, log);
                }
                Output::Diverged { member, .. } => self.nodes[node].diverged.push(member),
                Output::Adopt {
                    link,
                    vouchers,
                    history,
                } => {
                    let Node { session, log, .. } = &mut self.nodes[node];
                    let adopted = ToyLog::open(&history).and_then(|new| {
                        let seals = session.check_history(&vouchers, &new);
                        let seals = seals.ok_or(NotAdopted::Unsigned)?;
                        log.adopt(new);
                        Ok(seals)
                    });
                    self.later(now, node, Input::Adopted { link, adopted });
                }
                Output::Event(event) => self.nodes[node].events.push(event),
            }
        }
        self.nodes[node].deadline = self.nodes[node].session.next_deadline();
    }

    fn execute(&mut self, node: usize, command: Command) {
        let latency = self.latency();
        match command {
            Command::Dial { link, target } => {
                let target = target.to_string();
                let found = self
                    .nodes
                    .iter()
                    .position(|node| node.addr.to_string() == target);
                let Some(to) = found.filter(|to| !self.is_cut(node, *to)) else {
                    let why = "no answer".to_owned();
                    let at = self.now + Duration::from_secs(3);
                    return self.later(at, node, Input::DialFailed { link, why });
                };
                let accepted = LinkId::Accepted(self.nodes[to].accepted);
                self.nodes[to].accepted += 1;
                let at = self.now + latency;
                self.ends.insert((node, link), ((to, accepted), at));
                self.ends.insert((to, accepted), ((node, link), at));
                let (addr, from) = (self.nodes[to].addr, self.nodes[node].addr);
                self.later(
                    at,
                    to,
                    Input::Accepted {
                        link: accepted,
                        from,
                    },
                );
                self.later(at, node, Input::Dialled { link, addr });
            }
            Command::Transmit { link, bytes } => {
                self.transmitted.push((node, bytes.clone()));
                let now = self.now;
                let Some(((to, end), arrives)) = self.ends.get_mut(&(node, link)) else {
                    return;
                };
                if self.deaf.contains(to) {
                    return;
                }
                *arrives = (now + latency).max(*arrives);
                let (to, end, at) = (*to, *end, *arrives);
                let flushed = Input::Flushed {
                    link,
                    bytes: bytes.len(),
                };
                self.later(at, to, Input::Received { link: end, bytes });
                self.later(at, node, flushed);
            }
            Command::Close { link } => {
                let Some(((to, end), arrives)) = self.ends.remove(&(node, link)) else {
                    return;
                };
                let at = (self.now + latency).max(arrives);
                self.ends.remove(&(to, end));
                self.later(
                    at,
                    to,
                    Input::Closed {
                        link: end,
                        why: "closed".to_owned(),
                    },
                );
            }
        }
    }

    /// Lets time pass.
    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        let mut steps = 0;
        loop {
            let deadline = (0..self.nodes.len())
                .filter_map(|node| Some((self.nodes[node].deadline?, node)))
                .min();
            let queued = self.queue.keys().next().map(|(at, _)| *at);
            let next = [deadline.map(|(at, _)| at), queued]
                .into_iter()
                .flatten()
                .min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            steps = if next > self.now { 0 } else { steps + 1 };
            assert!(steps < 100_000, "time stands still");
            self.now = self.now.max(next);
            if queued == Some(next)
                && let Some((_, (node, input))) = self.queue.pop_first()
            {
                self.handle(node, input);
            } else if let Some((_, node)) = deadline {
                self.handle(node, Input::Deadline);
            }
        }
        self.now = end;
    }

    fn seconds(&mut self, seconds: u64) {
        self.run(Duration::from_secs(seconds));
    }

    fn assert_converged(&self, nodes: &[usize]) {
        for node in nodes {
            assert_eq!(
                self.nodes[*node].log.version,
                self.nodes[nodes[0]].log.version
            );
        }
    }

    fn state(&self, of: usize, at: usize) -> MemberState {
        let member = self.nodes[of].session.me.member;
        let members = self.nodes[at].session.members();
        members
            .iter()
            .find(|view| view.member == member)
            .expect("known")
            .state
    }

    fn assert_mesh(&self, nodes: &[usize]) {
        for a in nodes {
            for b in nodes.iter().filter(|b| *b != a) {
                assert_eq!(self.state(*a, *b), MemberState::Connected, "{a} at {b}");
                let links = &self.nodes[*b].session.links;
                assert_eq!(links.len(), nodes.len() - 1, "one link each");
            }
        }
    }

    fn saw(&self, node: usize, event: &Event) -> bool {
        self.nodes[node].events.contains(event)
    }
}

/// What the next process of a member starts with that has kept this.
fn started_again(
    name: &str,
    crypto: Box<dyn Crypto>,
    keys: Keys,
    kept: Vec<MemberEntry>,
) -> Config {
    Config {
        name: Name::new(name),
        crypto,
        inside: Some(Inside {
            grant: keys.grant,
            access: keys.access,
            stamp: keys.stamp,
            properties: Properties::default(),
        }),
        kept,
        seed: 5,
        history_ops: u64::MAX,
    }
}

/// How many messages of a kind `node` has said since `from`.
fn said(net: &Net, node: usize, from: usize, kind: u8) -> usize {
    let said = net.transmitted[from..]
        .iter()
        .filter(|(who, _)| *who == node);
    let mut inbox = crate::wire::Inbox::default();
    said.filter(|(_, bytes)| {
        // Everything behind the handshake is one frame a transmission.
        inbox = crate::wire::Inbox::default();
        inbox.extend(bytes);
        matches!(inbox.next_frame(), Ok(Some(body)) if body.first() == Some(&kind))
    })
    .count()
}

/// Makes `count` batches, each of `bytes` bytes and as many operations.
fn edits(net: &mut Net, node: usize, count: usize, bytes: u8) {
    let Node { log, session, .. } = &mut net.nodes[node];
    for _ in 0..count {
        log.append(session.author(), vec![bytes; bytes.into()]);
    }
    net.handle(node, Input::LocalChange);
}

fn seeds(count: u64) -> std::ops::Range<u64> {
    match std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        Some(seed) => seed..seed + 1,
        None => 0..count,
    }
}
