//! Honest members on lines that take their time and never fail, and one place that is not honest.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use collab_edit::app::core::Core;
use collab_edit::crdt::{Bias, Version};
use collab_edit::document::{CharPos, EditKind};
use collab_edit::session::limits::{
    MAX_DIALS, MAX_IN_FLIGHT_BYTES, MAX_LINKS, MAX_MEMBERS, OPS_BYTES,
};
use collab_edit::session::{Command, Config, Event, Input, LinkId, MemberState, Time};
use collab_edit::wire::Name;

use super::super::toy::Toy;
use super::super::world::Totals;
use super::evil::Evil;

/// How long the hostile member is there, and how long the others then have to come together.
const BUSY: Duration = Duration::from_secs(15);
const QUIET: Duration = Duration::from_secs(20);

/// The place of the hostile member among the nodes.
pub(super) const EVIL: usize = 0;

/// Where a node listens.
pub(super) fn address(node: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, node as u8], 4700))
}

/// An honest member.
pub(super) struct Member {
    core: Core,
    joined: bool,
    accepted: u64,
    /// Numbers the deadlines that were asked for; only the last one counts.
    deadline: u64,
    knew: Version,
}

/// A connection: who dialled and who accepted, and which of them have not closed it.
struct Line {
    ends: [(usize, LinkId); 2],
    open: [bool; 2],
    /// When the last piece towards each end arrives.
    arrives: [Time; 2],
}

enum Happening {
    Input(usize, Input),
    /// Bytes towards one end of a line; none: it ends.
    Piece(usize, usize, Option<Vec<u8>>),
    Deadline(usize, u64),
    Join(usize),
    Edit,
    Attack,
}

/// See the module.
pub(super) struct Scene {
    seed: u64,
    tell: bool,
    now: Time,
    queue: BTreeMap<(Time, u64), Happening>,
    serial: u64,
    rng: fastrand::Rng,
    /// By node; the hostile one has none.
    members: BTreeMap<usize, Member>,
    lines: Vec<Line>,
    by_end: BTreeMap<(usize, LinkId), (usize, usize)>,
    evil: Evil,
    evil_links: u64,
    busy: bool,
    next_char: u32,
    totals: Totals,
}

impl Scene {
    pub(super) fn new(seed: u64, tell: bool) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let honest = rng.usize(2..=4);
        let mut scene = Self {
            seed,
            tell,
            now: Time(0),
            queue: BTreeMap::new(),
            serial: 0,
            members: BTreeMap::new(),
            lines: Vec::new(),
            by_end: BTreeMap::new(),
            evil: Evil::new(rng.fork()),
            evil_links: 0,
            busy: true,
            next_char: 0xF0000,
            totals: Totals {
                runs: 1,
                ..Totals::default()
            },
            rng,
        };
        for node in 1..=honest {
            let (member, author) = ([node as u8; 32], [node as u8 + 100; 32]);
            let config = Config {
                name: Name::new(&format!("m{node}")),
                crypto: Box::new(Toy { member, author }),
                inside: (node == 1).then(super::super::inside),
                kept: Vec::new(),
                seed: scene.rng.u64(..),
                history_ops: *scene.rng.choice(&[20, 200, u64::MAX]).expect("some"),
            };
            let core = Core::new(config, Time(0));
            scene.members.insert(
                node,
                Member {
                    knew: core.document().log().version().clone(),
                    core,
                    joined: node == 1,
                    accepted: 0,
                    deadline: 0,
                },
            );
            let addrs = vec![address(node)];
            scene.input(node, Input::Listening { addrs });
            if node > 1 {
                // Some come before the hostile one, some after it.
                let at = Time(scene.rng.u64(0..4_000));
                scene.at(at, Happening::Join(node));
            }
        }
        scene.at(Time(500), Happening::Edit);
        scene.at(Time(1_000), Happening::Attack);
        scene
    }

    /// Runs the whole scenario and checks what must hold.
    pub(super) fn run(mut self) -> Totals {
        self.run_until(Time(0) + BUSY);
        self.busy = false;
        self.say(|| "the hostile member is gone".to_owned());
        for line in 0..self.lines.len() {
            for side in 0..2 {
                if self.lines[line].ends[side].0 == EVIL {
                    self.close(line, side);
                }
            }
        }
        self.run_until(Time(0) + BUSY + QUIET);
        self.check();
        self.totals.members = self.members.len();
        self.totals
    }

    fn run_until(&mut self, end: Time) {
        let (mut steps, mut at_once) = (self.now, 0);
        while let Some(entry) = self.queue.first_entry() {
            let (at, _) = *entry.key();
            if at > end {
                break;
            }
            let happening = entry.remove();
            self.now = self.now.max(at);
            (steps, at_once) = if steps == self.now {
                (steps, at_once + 1)
            } else {
                (self.now, 0)
            };
            assert!(at_once < 100_000, "time stands still");
            self.happen(happening);
        }
        self.now = end;
    }

    fn say(&self, what: impl Fn() -> String) {
        if self.tell {
            eprintln!("{:>6} {}", self.now.0, what());
        }
    }

    fn at(&mut self, at: Time, happening: Happening) {
        self.serial += 1;
        self.queue.insert((at, self.serial), happening);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Input(node, input) => self.input(node, input),
            Happening::Piece(line, side, piece) => self.arrive(line, side, piece),
            Happening::Deadline(node, number) => {
                if self.members[&node].deadline == number {
                    self.input(node, Input::Deadline);
                }
            }
            Happening::Join(node) => {
                let target = address(1).to_string();
                // A person asks for the code.
                let access = self.members[&1].core.session().access().cloned();
                self.input(node, Input::Join { target, access });
            }
            Happening::Edit => {
                self.edit();
                if self.busy {
                    let at = self.now + Duration::from_millis(self.rng.u64(1..300));
                    self.at(at, Happening::Edit);
                }
            }
            Happening::Attack => {
                if self.busy {
                    self.attack();
                    let at = self.now + Duration::from_millis(self.rng.u64(1..100));
                    self.at(at, Happening::Attack);
                }
            }
        }
    }

    fn input(&mut self, node: usize, input: Input) {
        let member = self.members.get_mut(&node).expect("an honest one");
        member.core.handle(input, self.now);
        self.after(node);
    }

    fn member(&mut self, node: usize) -> &mut Member {
        self.members.get_mut(&node).expect("an honest one")
    }

    /// Carries out what an honest member wants done.
    fn after(&mut self, node: usize) {
        while let Some(command) = self.member(node).core.next_command() {
            self.execute(node, command);
        }
        while let Some(event) = self.member(node).core.next_event() {
            match event {
                Event::Joined => self.member(node).joined = true,
                Event::Refused(why) => {
                    self.say(|| format!("{node} was refused: {why}"));
                    let at = self.now + Duration::from_secs(1);
                    self.at(at, Happening::Join(node));
                }
                Event::Warning(text) | Event::Notice(text) => {
                    self.say(|| format!("{node} is told: {text}"));
                }
                _ => {}
            }
        }
        while let Some(divergence) = self.member(node).core.next_divergence() {
            assert!(!divergence.repaired, "its text was not what its logs say");
        }
        let member = self.member(node);
        bounded(&member.core);
        member.knew.join(member.core.document().log().version());
        member.deadline += 1;
        let number = member.deadline;
        if let Some(at) = member.core.next_deadline() {
            self.at(at.max(self.now), Happening::Deadline(node, number));
        }
    }

    fn latency(&mut self) -> Duration {
        Duration::from_millis(self.rng.u64(1..30))
    }

    fn execute(&mut self, node: usize, command: Command) {
        match command {
            Command::Dial { link, target } => {
                let target = target.to_string();
                let known = self.members.keys().copied().chain([EVIL]);
                let to = known
                    .into_iter()
                    .find(|to| address(*to).to_string() == target);
                match to.filter(|to| *to != EVIL || self.busy) {
                    Some(to) => {
                        let theirs = self.accept(to);
                        self.connect((node, link), (to, theirs));
                        let addr = address(to);
                        let at = self.now + self.latency();
                        self.lines.last_mut().expect("the new one").arrives[0] = at;
                        self.at(at, Happening::Input(node, Input::Dialled { link, addr }));
                    }
                    None => {
                        let why = "no answer".to_owned();
                        let at = self.now + Duration::from_secs(self.rng.u64(0..3));
                        self.at(at, Happening::Input(node, Input::DialFailed { link, why }));
                    }
                }
            }
            Command::Transmit { link, bytes } => {
                let count = bytes.len();
                if let Some((line, side)) = self.by_end.get(&(node, link)).copied() {
                    let left = self.send(line, side, Some(bytes));
                    let flushed = Input::Flushed { link, bytes: count };
                    self.at(left, Happening::Input(node, flushed));
                }
            }
            Command::Close { link } => {
                if let Some((line, side)) = self.by_end.get(&(node, link)).copied() {
                    self.close(line, side);
                }
            }
        }
    }

    /// The next link that comes to a node.
    fn accept(&mut self, node: usize) -> LinkId {
        if node == EVIL {
            self.evil_links += 1;
            return LinkId::Accepted(self.evil_links);
        }
        let member = self.member(node);
        member.accepted += 1;
        LinkId::Accepted(member.accepted)
    }

    fn connect(&mut self, dialler: (usize, LinkId), acceptor: (usize, LinkId)) {
        let line = self.lines.len();
        self.lines.push(Line {
            ends: [dialler, acceptor],
            open: [true; 2],
            arrives: [self.now; 2],
        });
        self.by_end.insert(dialler, (line, 0));
        self.by_end.insert(acceptor, (line, 1));
        let (to, link) = acceptor;
        if to == EVIL {
            self.evil.accepted(line, dialler.0);
        } else {
            let from = SocketAddr::new(address(dialler.0).ip(), 9);
            let at = self.now + self.latency();
            self.lines[line].arrives[1] = at;
            self.at(at, Happening::Input(to, Input::Accepted { link, from }));
        }
    }

    /// Sends from one side of a line; when it has arrived at the other.
    fn send(&mut self, line: usize, side: usize, piece: Option<Vec<u8>>) -> Time {
        let latency = self.latency();
        let other = 1 - side;
        let at = (self.now + latency).max(self.lines[line].arrives[other]);
        self.lines[line].arrives[other] = at;
        self.at(at, Happening::Piece(line, other, piece));
        at
    }

    fn close(&mut self, line: usize, side: usize) {
        if std::mem::take(&mut self.lines[line].open[side]) {
            self.send(line, side, None);
            if self.lines[line].ends[side].0 == EVIL {
                self.evil.closed(line);
            }
        }
    }

    fn arrive(&mut self, line: usize, side: usize, piece: Option<Vec<u8>>) {
        if !self.lines[line].open[side] {
            return;
        }
        let (node, link) = self.lines[line].ends[side];
        match piece {
            Some(bytes) if node == EVIL => {
                let says = self.evil.hear(line, &bytes);
                self.evil_says(line, says);
            }
            Some(bytes) => self.input(node, Input::Received { link, bytes }),
            None => {
                self.lines[line].open[side] = false;
                if node == EVIL {
                    self.evil.closed(line);
                } else {
                    let why = "the other end closed".to_owned();
                    self.input(node, Input::Closed { link, why });
                }
            }
        }
    }

    fn evil_says(&mut self, line: usize, bytes: Vec<u8>) {
        let side = usize::from(self.lines[line].ends[1].0 == EVIL);
        if !bytes.is_empty() && self.lines[line].open[side] {
            self.send(line, side, Some(bytes));
        }
    }

    /// The hostile member does something: it dials whom it has no line to, or says something on one.
    fn attack(&mut self) {
        let nodes: Vec<usize> = self.members.keys().copied().collect();
        let node = *self.rng.choice(&nodes).expect("some");
        if !self.evil.is_linked(node) {
            self.evil_links += 1;
            let link = LinkId::Dialled(self.evil_links);
            let theirs = self.accept(node);
            let line = self.lines.len();
            self.connect((EVIL, link), (node, theirs));
            let says = self.evil.dialled(line, node);
            return self.evil_says(line, says);
        }
        if self.rng.u8(0..60) == 0 {
            let line = self.evil.line_to(node).expect("it is linked");
            self.say(|| format!("the hostile member ends its line to {node}"));
            let side = usize::from(self.lines[line].ends[1].0 == EVIL);
            return self.close(line, side);
        }
        let Some((line, what, says)) = self.evil.attack(node) else {
            return;
        };
        self.say(|| format!("the hostile member to {node}: {what}"));
        self.totals.garbage += 1;
        self.evil_says(line, says);
    }

    fn edit(&mut self) {
        let joined: Vec<usize> = self
            .members
            .iter()
            .filter(|(_, member)| member.joined)
            .map(|(node, _)| *node)
            .collect();
        let node = *self.rng.choice(&joined).expect("the first one");
        let now = self.now;
        let len = self.member(node).core.document().len();
        let at = if self.rng.bool() {
            len.min(2)
        } else {
            self.rng.usize(0..=len)
        };
        let (kind, end) = (self.rng.u8(0..10), (at + self.rng.usize(1..6)).min(len));
        let first = self.next_char;
        self.next_char += 1;
        let core = &mut self.member(node).core;
        match kind {
            0..=6 => {
                let text = char::from_u32(first).expect("a character").to_string();
                core.edit(CharPos(at)..CharPos(at), &text, EditKind::Type, now);
            }
            7 | 8 => core.edit(CharPos(at)..CharPos(end), "", EditKind::Erase, now),
            _ => drop(core.undo()),
        }
        let caret = core.document().anchor(CharPos(at), Bias::After);
        core.flush(Some((caret, None)), now, (now.0 / 60_000) as u32);
        if self.rng.u8(0..100) == 0 {
            self.input(node, Input::NewCode);
        }
        self.totals.edits += 1;
        self.after(node);
    }

    /// After the quiet phase.
    fn check(&mut self) {
        let seed = self.seed;
        let (_, first) = self.members.first_key_value().expect("some");
        let document = first.core.document();
        for (node, member) in &self.members {
            let session = member.core.session();
            let own = member.core.document();
            own.check_invariants();
            assert!(member.joined, "seed {seed}: {node} is still outside");
            assert_eq!(
                own.log().version(),
                document.log().version(),
                "heads of {node}"
            );
            assert_eq!(own.hash(), document.hash(), "the text of {node}");
            assert_eq!(
                own.everything(),
                document.everything(),
                "the order of {node}"
            );
            assert!(
                own.log().version().covers(&member.knew),
                "something known is gone"
            );
            assert_eq!(
                session.access(),
                first.core.session().access(),
                "the code of {node}"
            );
            let honest = session
                .members()
                .into_iter()
                .filter(|view| view.name.starts_with('m'));
            let away: Vec<String> = honest
                .filter(|view| view.state != MemberState::Connected)
                .map(|view| view.name)
                .collect();
            assert!(away.is_empty(), "{node} has no link to {away:?}");
        }
        self.totals.merged = document.len();
        for member in self.members.values_mut() {
            let text = member.core.document().hash();
            let history = member.core.document().encode_history();
            let copy = collab_edit::document::Preview::open(&history)
                .and_then(|preview| preview.build(collab_edit::crdt::AuthorId([9; 16])));
            assert_eq!(copy.expect("its own history").hash(), text);
        }
    }
}

/// What a member keeps for others is bounded, whatever they say.
fn bounded(core: &Core) {
    let session = core.session();
    assert!(session.entries().count() <= MAX_MEMBERS);
    let links = MAX_LINKS.min(session.entries().count() + 1) + MAX_DIALS;
    let most = links * (MAX_IN_FLIGHT_BYTES + 4 * OPS_BYTES);
    assert!(
        session.in_flight() <= most,
        "{} bytes wait",
        session.in_flight()
    );
}
