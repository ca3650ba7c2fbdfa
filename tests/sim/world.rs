//! Members, what they do, and what is done to them.

mod disk;
mod faults;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use collab_edit::app::core::Core;
use collab_edit::app::keeper::Keeper;
use collab_edit::app::kept::OurPlace;
use collab_edit::crdt::{Anchor, Bias, Version};
use collab_edit::document::{CharPos, EditKind};
use collab_edit::security::{Access, Crypto, Entropy, Identity, Secret};
use collab_edit::session::limits::DIAL_TIMEOUT;
use collab_edit::session::{Command, Config, Event, Input, LinkId, MemberState, Target, Time};
use collab_edit::wire::{MemberId, Name};

use super::checks;
use super::network::{Network, Node, Piece, Way};
use super::toy::Toy;
pub(crate) use disk::Disk;

/// How long things are done to the members, and how long they then have to come together.
const BUSY: Duration = Duration::from_secs(60);
const QUIET: Duration = Duration::from_secs(30);

/// The first seeds run with the program's own cryptography.
const REAL_SEEDS: u64 = 200;

/// The longest piece that goes through a connection at once, in bytes.
const PIECE_BYTES: usize = 4096;

/// A machine that is not there.
const NOWHERE: [u8; 4] = [10, 255, 255, 255];

/// What long texts are made of. It is not counted where characters are counted.
pub(crate) const FILLER: char = '.';

/// What happened over many seeds.
#[derive(Default, Debug)]
pub(crate) struct Totals {
    pub(crate) runs: usize,
    pub(crate) members: usize,
    pub(crate) edits: usize,
    pub(crate) merged: usize,
    pub(crate) faults: usize,
    pub(crate) restarts: usize,
    pub(crate) garbage: usize,
    pub(crate) forks: usize,
    pub(crate) bytes: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.members += other.members;
        self.edits += other.edits;
        self.merged += other.merged;
        self.faults += other.faults;
        self.restarts += other.restarts;
        self.garbage += other.garbage;
        self.forks += other.forks;
        self.bytes += other.bytes;
    }
}

/// One member, from start to crash or leave.
pub(crate) struct Member {
    pub(crate) core: Core,
    /// The same in all processes of a member.
    pub(crate) id: MemberId,
    name: String,
    addr: SocketAddr,
    pub(crate) runs: bool,
    /// Until when the process is stopped.
    pub(crate) paused: Time,
    pub(crate) joined: bool,
    accepted: u64,
    /// Numbers the deadlines that were asked for; only the last one counts.
    deadline: u64,
    /// Everything it ever knew.
    pub(crate) knew: Version,
    /// Where its cursor is, as it was told to others last.
    pub(crate) caret: Option<Anchor>,
    disk: Disk,
}

/// Who a member is, and where.
struct Who {
    key: [u8; 32],
    name: String,
    addr: SocketAddr,
}

enum Happening {
    Input(Node, Input),
    Piece(Way, Piece),
    Flushed(Way, usize),
    Dial(Node, LinkId, Target),
    Deadline(Node, u64),
    Resume(Node),
    /// Somebody edits.
    Edit,
    /// Something is done to the network or a member.
    Fault,
    Heal,
    /// A crashed member's program is started again; without what it had on disk, if so.
    Restart(Node, bool),
    /// It is looked whether what cannot be noticed by anything that happens is noticed in time.
    Watch,
}

/// See the module.
pub(crate) struct World {
    seed: u64,
    tell: bool,
    pub(crate) now: Time,
    queue: BTreeMap<(Time, u64), Happening>,
    serial: u64,
    rng: fastrand::Rng,
    pub(crate) network: Network,
    pub(crate) members: Vec<Member>,
    /// Dials that are under way, and have not been given up.
    dialling: BTreeSet<(Node, LinkId)>,
    /// The next character to be inserted: each is inserted once in a run.
    next_char: u32,
    /// Texts that some member had at some time, and what it knew then.
    pub(crate) texts: Vec<(String, Version)>,
    /// Whether long texts are put in.
    pastes: bool,
    most: usize,
    /// From how many missing operations on a history is fetched: in some seeds never, in some often.
    history_ops: u64,
    faults: bool,
    /// Whether nothing goes wrong, so that nobody may be lost.
    calm: bool,
    /// Who is said to be linked to whom.
    met: BTreeSet<(Node, MemberId)>,
    /// Who has dialled whom, and how often one has done so that had done it before.
    dialled: BTreeSet<(Node, String)>,
    dialled_again: usize,
    pub(crate) totals: Totals,
}

impl World {
    pub(crate) fn new(seed: u64, tell: bool) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let latency = Duration::from_millis(*rng.choice(&[1, 5, 20, 80]).expect("some"));
        let jitter = Duration::from_millis(*rng.choice(&[0, 2, 30]).expect("some"));
        let bandwidth = *rng.choice(&[20_000, 200_000, 10_000_000]).expect("some");
        let loss = *rng.choice(&[0, 0, 2, 50]).expect("some");
        let most = rng.usize(3..=16);
        let history_ops = *rng.choice(&[20, 20, 200, u64::MAX]).expect("some");
        if tell {
            eprintln!(
                "seed {seed}: up to {most} members, latency {latency:?} + {jitter:?}, {bandwidth} B/s, {loss} ‰ lost, history from {history_ops}"
            );
        }
        Self {
            seed,
            tell,
            now: Time(0),
            queue: BTreeMap::new(),
            serial: 0,
            pastes: rng.u8(0..16) == 0,
            rng,
            network: Network::new(latency, jitter, bandwidth, loss),
            members: Vec::new(),
            dialling: BTreeSet::new(),
            next_char: 0xF0000,
            texts: Vec::new(),
            most,
            history_ops,
            faults: true,
            calm: false,
            met: BTreeSet::new(),
            dialled: BTreeSet::new(),
            dialled_again: 0,
            totals: Totals {
                runs: 1,
                ..Totals::default()
            },
        }
    }

    /// Runs the whole scenario and checks what must hold.
    pub(crate) fn run(mut self) -> Totals {
        self.start(None);
        for _ in 1..3 {
            self.start(Some(0));
        }
        self.later(Duration::from_millis(500), Happening::Edit);
        self.later(Duration::from_secs(2), Happening::Fault);
        self.later(Duration::from_secs(1), Happening::Watch);
        let busy = Time(0) + BUSY;
        self.run_until(busy);
        self.faults = false;
        self.happen(Happening::Heal);
        self.wake_all();
        self.say(|| "the quiet phase".to_owned());
        self.run_until(busy + QUIET);
        checks::at_the_end(&self);
        self.totals.members = self.members.len();
        self.totals.merged = self
            .members
            .iter()
            .filter(|m| m.runs)
            .map(|m| m.core.document().len())
            .sum();
        self.totals
    }

    /// `count` members, all but one of which join at once through that one while it edits; nothing goes
    /// wrong. Then every connection ends, and all dial all in the same moment; then one leaves, and another
    /// one is started again.
    pub(crate) fn crowd(mut self, count: usize) -> Totals {
        self.start(None);
        for _ in 0..200 {
            self.edit();
        }
        self.later(Duration::from_millis(10), Happening::Edit);
        for _ in 1..count {
            self.start(Some(0));
        }
        self.calm = true;
        self.run_until(Time(1_000));
        self.faults = false;
        self.run_until(Time(15_000));
        checks::at_the_end(&self);
        self.calm = false;
        while let Some(connection) = self.network.anyone_open(&mut self.rng) {
            for (node, link) in self.network.reset(connection) {
                let why = "reset".to_owned();
                self.input(node, Input::Closed { link, why });
            }
        }
        self.calm = true;
        self.dialled.clear();
        self.dialled_again = 0;
        for node in 0..count {
            self.input(node, Input::RetryNow);
        }
        self.run_until(Time(30_000));
        checks::at_the_end(&self);
        // One of two links goes, and who hears of that first may dial once more; but not everybody.
        let again = self.dialled_again;
        assert!(again < count * count / 8, "{again} dials were in vain");
        self.calm = false;
        let gone = count - 1;
        self.input(gone, Input::Leave);
        self.end(gone, false);
        self.run_until(Time(32_000));
        checks::left(&self, gone);
        self.end(1, false);
        self.restart(1, false);
        self.run_until(Time(40_000));
        checks::left(&self, gone);
        self.totals.members = self.members.len();
        self.totals
    }

    /// Ends all pauses; what waited for their ends happens now.
    fn wake_all(&mut self) {
        for ((at, serial), happening) in std::mem::take(&mut self.queue) {
            let at = match happening {
                Happening::Input(..) => at.min(self.now),
                _ => at,
            };
            self.queue.insert((at, serial), happening);
        }
        for node in 0..self.members.len() {
            let paused = &mut self.members[node].paused;
            *paused = self.now.min(*paused);
            self.later(Duration::ZERO, Happening::Resume(node));
        }
    }

    fn run_until(&mut self, end: Time) {
        while let Some(entry) = self.queue.first_entry() {
            let (at, _) = *entry.key();
            if at > end {
                break;
            }
            let happening = entry.remove();
            self.now = self.now.max(at);
            self.happen(happening);
        }
        self.now = end;
    }

    /// Whether nothing has been done to anybody for so long that all should have heard of all.
    pub(crate) fn is_quiet(&self) -> bool {
        self.now >= Time(0) + BUSY + QUIET / 2
    }

    fn say(&self, what: impl Fn() -> String) {
        if self.tell {
            eprintln!("{:>6} {}", self.now.0, what());
        }
    }

    fn later(&mut self, after: Duration, happening: Happening) {
        self.at(self.now + after, happening);
    }

    fn at(&mut self, at: Time, happening: Happening) {
        self.serial += 1;
        self.queue.insert((at, self.serial), happening);
    }

    fn awake(&self, node: Node) -> bool {
        self.members[node].runs && self.members[node].paused <= self.now
    }

    /// Starts a member: the founder, or one who joins through another.
    fn start(&mut self, through: Option<Node>) {
        let node = self.members.len();
        let who = Who {
            key: std::array::from_fn(|_| self.rng.u8(..)),
            name: format!("m{node}"),
            addr: SocketAddr::from(([10, 0, (node >> 8) as u8, node as u8], 4700)),
        };
        self.start_as(who, through);
    }

    fn start_as(&mut self, who: Who, through: Option<Node>) {
        let node = self.members.len();
        let founded = through.is_none();
        let mut config = self.config(&who);
        config.inside = founded.then(super::inside);
        let id = MemberId(config.crypto.member().id());
        let mut core = Core::new(config, self.now);
        core.keep(Keeper::new(Version::new()), OurPlace::default(), founded);
        self.settle_in(core, id, who, Disk::default(), founded);
        if let Some(through) = through {
            self.join(node, through);
        }
    }

    /// What a process starts with that knows no session: a member's keys, and one of its own.
    fn config(&mut self, who: &Who) -> Config {
        let author = std::array::from_fn(|_| self.rng.u8(..));
        let crypto: Box<dyn Crypto> = if self.seed < REAL_SEEDS {
            let entropy = Entropy::new(&Secret::new(author));
            Box::new(Identity::new(Secret::new(who.key), entropy))
        } else {
            let member = who.key;
            Box::new(Toy { member, author })
        };
        Config {
            name: Name::new(&who.name),
            crypto,
            inside: None,
            kept: Vec::new(),
            seed: self.rng.u64(..),
            history_ops: self.history_ops,
        }
    }

    /// A member runs and listens.
    fn settle_in(&mut self, core: Core, id: MemberId, who: Who, disk: Disk, joined: bool) {
        let node = self.members.len();
        let Who { name, addr, .. } = who;
        self.members.push(Member {
            knew: core.document().log().version().clone(),
            core,
            id,
            name,
            addr,
            runs: true,
            paused: Time(0),
            joined,
            accepted: 0,
            deadline: 0,
            caret: None,
            disk,
        });
        // Some list an address first at which they cannot be reached.
        let mut addrs = vec![addr];
        if self.rng.u8(0..4) == 0 {
            let number = self.members.len() as u8;
            addrs.insert(0, SocketAddr::from((NOWHERE, 4700 + u16::from(number))));
        }
        self.input(node, Input::Listening { addrs });
    }

    fn join(&mut self, node: Node, through: Node) {
        self.say(|| format!("{node} joins through {through}"));
        let target = self.members[through].addr.to_string();
        self.input(
            node,
            Input::Join {
                target,
                access: Some(Access::Open),
            },
        );
    }

    fn input(&mut self, node: Node, input: Input) {
        if !self.members[node].runs {
            return;
        }
        if !self.awake(node) {
            let resumes = self.members[node].paused;
            return self.at(resumes, Happening::Input(node, input));
        }
        self.members[node].core.handle(input, self.now);
        self.after(node);
    }

    /// Carries out what a member wants done.
    fn after(&mut self, node: Node) {
        while let Some(command) = self.members[node].core.next_command() {
            self.execute(node, command);
        }
        let mut refused = false;
        while let Some(event) = self.members[node].core.next_event() {
            match event {
                Event::Joined => {
                    self.say(|| format!("{node} has joined"));
                    self.members[node].joined = true;
                }
                Event::Refused(why) => {
                    self.say(|| format!("{node} was refused: {why}"));
                    refused = true;
                }
                Event::MemberChanged {
                    member,
                    state,
                    name,
                } => match state {
                    MemberState::Connected => drop(self.met.insert((node, member))),
                    _ if self.met.remove(&(node, member)) && self.calm => {
                        panic!("{node} has lost {name}")
                    }
                    _ => {}
                },
                Event::Warning(text) => self.say(|| format!("{node} warns: {text}")),
                // Of the authors that garbage invents.
                Event::Notice(text) if text.starts_with("edits of") => {}
                Event::Notice(text) => panic!("seed {}: an honest session says: {text}", self.seed),
                _ => {}
            }
        }
        if let Some(divergence) = self.members[node].core.next_divergence() {
            panic!("{node} and {} differ with equal heads", divergence.name);
        }
        checks::memory(&self.members[node]);
        checks::claims(self, node);
        let now = self.now;
        let member = &mut self.members[node];
        member.disk.write(&mut member.core, now);
        let version = member.core.document().log().version();
        member.knew.join(version);
        if self.rng.u16(0..1024) == 0 {
            let text = member.core.document().rope().to_string();
            self.texts.push((text, version.clone()));
        }
        member.deadline += 1;
        let number = member.deadline;
        if let Some(at) = member.core.next_deadline() {
            self.at(at.max(self.now), Happening::Deadline(node, number));
        }
        if refused {
            // As the program does, with a sentence.
            self.end(node, false);
        }
    }

    /// A process is gone; with a word, the others hear of it.
    fn end(&mut self, node: Node, with_a_word: bool) {
        self.members[node].runs = false;
        for way in self.network.drop_node(node, with_a_word) {
            let delay = self.network.delay(&mut self.rng);
            self.later(delay, Happening::Piece(way, Piece::End));
        }
    }

    fn anyone(&mut self, wanted: impl Fn(&Member) -> bool, but: Node) -> Option<Node> {
        let able = |node: &Node| *node != but && self.awake(*node) && wanted(&self.members[*node]);
        let able: Vec<Node> = (0..self.members.len()).filter(able).collect();
        self.rng.choice(able)
    }

    fn execute(&mut self, node: Node, command: Command) {
        match command {
            Command::Dial { link, target } => {
                let new = self.dialled.insert((node, target.to_string()));
                self.dialled_again += usize::from(!new);
                self.dialling.insert((node, link));
                let delay = self.network.delay(&mut self.rng);
                self.later(delay, Happening::Dial(node, link, target));
            }
            Command::Transmit { link, bytes } => {
                self.totals.bytes += bytes.len() as u64;
                if let Some(way) = self.network.of((node, link)) {
                    self.transmit(way, &bytes);
                    if self.network.take_double(way) {
                        self.deliver(way, &bytes);
                    }
                }
            }
            Command::Close { link } => {
                self.dialling.remove(&(node, link));
                if let Some(way) = self.network.of((node, link)) {
                    let at = self.network.close(way, self.now, &mut self.rng);
                    self.at(at, Happening::Piece((way.0, 1 - way.1), Piece::End));
                }
            }
        }
    }

    /// Sends bytes in pieces, most of them whole messages.
    fn transmit(&mut self, way: Way, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let most = bytes.len().min(PIECE_BYTES);
            let cut = if self.rng.u8(0..16) == 0 {
                self.rng.usize(1..=most)
            } else {
                most
            };
            let (piece, rest) = bytes.split_at(cut);
            let left = self.deliver(way, piece);
            self.at(left, Happening::Flushed(way, piece.len()));
            bytes = rest;
        }
    }

    /// A piece goes its way; when it has left.
    fn deliver(&mut self, way: Way, piece: &[u8]) -> Time {
        let (left, arrives) = self.network.send(way, piece.len(), self.now, &mut self.rng);
        let piece = Piece::Bytes(piece.to_vec());
        self.at(arrives, Happening::Piece((way.0, 1 - way.1), piece));
        left
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Input(node, input) => self.input(node, input),
            Happening::Piece(way, piece) => {
                let pieces = self.network.arrive(way, piece, |node| {
                    self.members[node].runs && self.members[node].paused <= self.now
                });
                self.give(way, pieces);
            }
            Happening::Flushed(way, bytes) => {
                let bytes = self.network.flushed(way, bytes);
                if bytes > 0
                    && let Some((node, link)) = self.network.end(way)
                {
                    self.input(node, Input::Flushed { link, bytes });
                }
            }
            Happening::Dial(node, link, target) => self.dial(node, link, &target),
            Happening::Deadline(node, number) => {
                if self.members[node].deadline == number {
                    self.input(node, Input::Deadline);
                }
            }
            Happening::Resume(node) => {
                if self.awake(node) {
                    self.release();
                    self.input(node, Input::Deadline);
                }
            }
            Happening::Edit => {
                self.edit();
                if self.faults {
                    let after = Duration::from_millis(self.rng.u64(1..150));
                    self.later(after, Happening::Edit);
                }
            }
            Happening::Fault => {
                if self.faults {
                    self.fault();
                    let after = Duration::from_millis(self.rng.u64(100..4_000));
                    self.later(after, Happening::Fault);
                }
            }
            Happening::Restart(node, bare) => {
                if self.faults {
                    self.restart(node, bare);
                }
            }
            Happening::Watch => {
                checks::liveness(self);
                self.later(Duration::from_secs(1), Happening::Watch);
            }
            Happening::Heal => {
                self.say(|| "everything is connected".to_owned());
                self.network.heal();
                self.release();
            }
        }
    }

    /// Gives everything that was held and can be given now.
    fn release(&mut self) {
        for way in self.network.ways() {
            let pieces = self.network.release(way, |node| {
                self.members[node].runs && self.members[node].paused <= self.now
            });
            self.give(way, pieces);
            self.happen(Happening::Flushed(way, 0));
        }
    }

    fn give(&mut self, way: Way, pieces: Vec<Piece>) {
        for piece in pieces {
            let Some((node, link)) = self.network.end(way) else {
                return;
            };
            self.network.heard(way, self.now);
            match piece {
                Piece::Bytes(bytes) => self.input(node, Input::Received { link, bytes }),
                Piece::End => {
                    self.network.close(way, self.now, &mut self.rng);
                    self.input(
                        node,
                        Input::Closed {
                            link,
                            why: "the other end closed".to_owned(),
                        },
                    );
                }
            }
        }
    }

    fn dial(&mut self, node: Node, link: LinkId, target: &Target) {
        if !self.dialling.remove(&(node, link)) || !self.members[node].runs {
            return;
        }
        let target: SocketAddr = match target {
            Target::Known(addr) => *addr,
            Target::Given(given) => given.parse().expect("an address"),
        };
        checks::dial(self, node, &target);
        let to = self
            .members
            .iter()
            .rposition(|member| member.addr == target);
        let cut = |to: &Node| self.network.is_cut(node, *to) || self.network.is_cut(*to, node);
        let Some(to) = to.filter(|to| !cut(to)) else {
            let failed = Input::DialFailed {
                link,
                why: "no answer".to_owned(),
            };
            self.dialling.insert((node, link));
            return self.later(DIAL_TIMEOUT, Happening::Input(node, failed));
        };
        if !self.members[to].runs {
            return self.input(
                node,
                Input::DialFailed {
                    link,
                    why: "refused".to_owned(),
                },
            );
        }
        let accepted = LinkId::Accepted(self.members[to].accepted);
        self.members[to].accepted += 1;
        let slowness = *self.rng.choice(&[1, 1, 1, 1, 4]).expect("some");
        self.network
            .connect((node, link), (to, accepted), slowness, self.now);
        let (addr, from) = (self.members[to].addr, self.members[node].addr);
        self.input(
            to,
            Input::Accepted {
                link: accepted,
                from,
            },
        );
        self.input(node, Input::Dialled { link, addr });
    }

    /// Some member edits at some place, often the same one as others.
    fn edit(&mut self) {
        let Some(node) = self.anyone(|member| member.joined, usize::MAX) else {
            return;
        };
        let now = self.now;
        let len = self.members[node].core.document().len();
        let hot = len.min(2);
        let at = if self.rng.bool() {
            hot
        } else {
            self.rng.usize(0..=len)
        };
        let core = &mut self.members[node].core;
        match self.rng.u8(0..10) {
            0 if self.pastes && self.rng.u8(0..16) == 0 => {
                // As much as a connection carries in a second.
                let most = self.network.bandwidth.min(200_000) as usize;
                let length = self.rng.usize(1..most);
                core.edit(
                    CharPos(at)..CharPos(at),
                    &FILLER.to_string().repeat(length),
                    EditKind::Whole,
                    now,
                );
            }
            0..=5 => {
                let chars = self.rng.u32(1..6);
                let text: String = (0..chars)
                    .filter_map(|i| char::from_u32(self.next_char + i))
                    .collect();
                self.next_char += chars;
                core.edit(CharPos(at)..CharPos(at), &text, EditKind::Type, now);
            }
            6..=7 => {
                let end = (at + self.rng.usize(1..6)).min(len);
                core.edit(CharPos(at)..CharPos(end), "", EditKind::Erase, now);
            }
            8 => drop(core.undo()),
            _ => drop(core.redo()),
        }
        self.totals.edits += 1;
        let caret = core.document().anchor(CharPos(at), Bias::After);
        core.flush(Some((caret, None)), now, (now.0 / 60_000) as u32);
        self.members[node].caret = Some(caret);
        self.after(node);
        checks::equal_heads(self, node);
    }
}
