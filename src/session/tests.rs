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

mod door;
mod nuisance;
mod vouch;

#[path = "../../tests/sim/toy.rs"]
mod toy;

/// Logs of batches whose first byte is the number of their operations.
#[derive(Default)]
struct ToyLog {
    version: Version,
    batches: BTreeMap<(AuthorId, u32), Vec<u8>>,
    frozen: BTreeSet<AuthorId>,
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
        for Batch { bytes: batch, .. } in batches {
            let Some(count) = batch.first().copied().filter(|count| *count > 0) else {
                self.frozen.insert(author);
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

fn seeds(count: u64) -> std::ops::Range<u64> {
    match std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        Some(seed) => seed..seed + 1,
        None => 0..count,
    }
}

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

/// From how many operations on a history is fetched, here.
const HISTORY_OPS: u64 = 1_000;

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

const OPS: u8 = 6;
const HISTORY: u8 = 12;
const FORK: u8 = 17;

/// Makes `count` batches, each of `bytes` bytes and as many operations.
fn edits(net: &mut Net, node: usize, count: usize, bytes: u8) {
    let Node { log, session, .. } = &mut net.nodes[node];
    for _ in 0..count {
        log.append(session.author(), vec![bytes; bytes.into()]);
    }
    net.handle(node, Input::LocalChange);
}

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

fn identical(net: &Net, at: usize) -> usize {
    let members = net.nodes[at].session.members();
    members.iter().filter(|member| member.identical).count()
}

#[test]
fn texts_are_compared_once_all_is_at_rest_and_never_while_somebody_types() {
    let mut net = Net::new(30);
    let host = net.host();
    let (a, b) = (net.join(host), net.join(host));
    net.seconds(5);
    for node in [host, a, b] {
        assert_eq!(identical(&net, node), 2);
        net.nodes[node].hashed = 0;
    }
    for _ in 0..100 {
        net.edit(a, 1, 3);
        net.run(Duration::from_millis(100));
        assert_eq!(identical(&net, host), 0, "what was proven is of old heads");
    }
    assert_eq!(net.nodes[host].hashed, 0);
    net.seconds(3);
    for node in [host, a, b] {
        assert_eq!((net.nodes[node].hashed, identical(&net, node)), (1, 2));
    }
    net.seconds(60);
    assert_eq!(net.nodes[host].hashed, 1, "at rest nothing is hashed");
    assert!(net.nodes.iter().all(|node| node.diverged.is_empty()));
}

#[test]
fn a_member_with_another_text_is_found_out_by_all_and_harms_nobody() {
    let mut net = Net::new(31);
    let host = net.host();
    let (a, b) = (net.join(host), net.join(host));
    let id = |net: &Net, node: usize| net.nodes[node].session.me.member;
    net.nodes[b].hash = Some([66; 32]);
    net.seconds(1);
    net.edit(a, 1, 3);
    net.seconds(5);
    let bad = id(&net, b);
    assert_eq!(net.nodes[host].diverged, [bad]);
    assert_eq!(net.nodes[a].diverged, [bad]);
    assert_eq!(net.nodes[b].diverged.len(), 2, "it is told as well");
    assert_eq!((identical(&net, host), identical(&net, b)), (1, 0));
    // It goes on lying: there is one alarm a minute.
    for _ in 0..20 {
        net.edit(a, 1, 3);
        net.seconds(2);
    }
    assert_eq!(net.nodes[host].diverged.len(), 1);
    net.seconds(60);
    net.nodes[b].hash = None;
    net.edit(a, 1, 3);
    net.seconds(5);
    assert_eq!((identical(&net, host), identical(&net, b)), (2, 2));
    net.assert_converged(&[host, a, b]);
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
