//! Honest members on lines that take their time, and one place that is not honest.
//!
//! In half of the seeds lines never fail, and all must end with the same. In the others the hostile member signs
//! different batches under one name for different people, while members are cut off from each other, crash and
//! come back from their journals, and come late. Then what is built on the one log of it cannot be told to those
//! who have the other. So in half of those seeds it writes in front of all that others write, who never build on
//! that: these must agree on everything that they have written. In the other half all write everywhere.

mod checks;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use collab_edit::app::core::{Cause, Core};
use collab_edit::app::keeper::Keeper;
use collab_edit::app::kept::OurPlace;
use collab_edit::crdt::{AuthorId, Bias, Version};
use collab_edit::document::{CharPos, EditKind};
use collab_edit::session::{Command, Config, Event, Input, LinkId, Time};
use collab_edit::wire::Name;

use super::super::toy::Toy;
use super::super::world::{Disk, Totals};
use super::evil::Evil;
use checks::bounded;

/// How long the hostile member is there, and how long the others then have to come together.
const BUSY: Duration = Duration::from_secs(15);
const QUIET: Duration = Duration::from_secs(20);

/// The place of the hostile member among the nodes.
pub(super) const EVIL: usize = 0;

/// The first character that is inserted; each is inserted once.
pub(super) const FIRST: char = '\u{F0000}';

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
    disk: Disk,
    /// Whether the program runs, and how often it was started again.
    runs: bool,
    starts: u8,
    /// How much of the hostile author was here when it was found out, and when that was.
    found_out: Option<(u32, Time)>,
}

/// A connection: who dialled and who accepted, and which of them have not closed it.
struct Line {
    ends: [(usize, LinkId); 2],
    open: [bool; 2],
    /// When the last piece towards each end arrives.
    arrives: [Time; 2],
}

enum Happening {
    /// For a node that was started so often.
    Input(usize, u8, Input),
    /// Bytes towards one end of a line; none: it ends.
    Piece(usize, usize, Option<Vec<u8>>),
    Deadline(usize, u64),
    Join(usize),
    Edit,
    Attack,
    Fault,
    Heal,
    Restart(usize),
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
    two_faced: bool,
    /// Whether nobody builds on what the hostile member writes.
    apart: bool,
    /// Between whom no line is.
    cut: BTreeSet<(usize, usize)>,
    busy: bool,
    next_char: u32,
    totals: Totals,
}

impl Scene {
    pub(super) fn new(seed: u64, tell: bool) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let honest = rng.usize(2..=4);
        let two_faced = rng.bool();
        let apart = two_faced && rng.bool();
        let mut scene = Self {
            seed,
            tell,
            now: Time(0),
            queue: BTreeMap::new(),
            serial: 0,
            members: BTreeMap::new(),
            lines: Vec::new(),
            by_end: BTreeMap::new(),
            evil: Evil::new(rng.fork(), two_faced, apart),
            evil_links: 0,
            two_faced,
            apart,
            cut: BTreeSet::new(),
            busy: true,
            next_char: FIRST.into(),
            totals: Totals {
                runs: 1,
                ..Totals::default()
            },
            rng,
        };
        for node in 1..=honest {
            let mut config = scene.config(node, 0);
            config.inside = (node == 1).then(super::super::inside);
            let mut core = Core::new(config, Time(0));
            core.keep(Keeper::new(Version::new()), OurPlace::default(), node == 1);
            scene.members.insert(
                node,
                Member {
                    knew: core.document().log().version().clone(),
                    core,
                    joined: node == 1,
                    accepted: 0,
                    deadline: 0,
                    disk: Disk::default(),
                    runs: true,
                    starts: 0,
                    found_out: None,
                },
            );
            let addrs = vec![address(node)];
            scene.input(node, Input::Listening { addrs });
            if node > 1 {
                // Some come before the hostile one, some after it.
                let latest = if two_faced { 12_000 } else { 4_000 };
                let at = Time(scene.rng.u64(0..latest));
                scene.at(at, Happening::Join(node));
            }
        }
        scene.at(Time(500), Happening::Edit);
        scene.at(Time(1_000), Happening::Attack);
        if two_faced {
            scene.at(Time(3_000), Happening::Fault);
        }
        scene
    }

    /// What a program of an honest member starts with.
    fn config(&mut self, node: usize, starts: u8) -> Config {
        let (member, author) = ([node as u8; 32], [node as u8 + 100 + 10 * starts; 32]);
        Config {
            name: Name::new(&format!("m{node}")),
            crypto: Box::new(Toy { member, author }),
            inside: None,
            kept: Vec::new(),
            seed: self.rng.u64(..),
            history_ops: *self.rng.choice(&[20, 200, u64::MAX]).expect("some"),
        }
    }

    /// Runs the whole scenario and checks what must hold.
    pub(super) fn run(mut self) -> Totals {
        self.run_until(Time(0) + BUSY);
        self.busy = false;
        self.cut.clear();
        self.say(|| "the hostile member is gone".to_owned());
        for line in 0..self.lines.len() {
            for side in 0..2 {
                if self.lines[line].ends[side].0 == EVIL {
                    self.close(line, side);
                }
            }
        }
        self.run_until(Time(0) + BUSY + QUIET);
        let found_out = |member: &&Member| member.found_out.is_some();
        self.totals.forks = self.members.values().filter(found_out).count();
        if self.two_faced {
            self.check_two_faced();
        } else {
            self.check();
        }
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
            Happening::Input(node, starts, input) => {
                if self.members[&node].starts == starts {
                    self.input(node, input);
                }
            }
            Happening::Piece(line, side, piece) => self.arrive(line, side, piece),
            Happening::Deadline(node, number) => {
                if self.members[&node].runs && self.members[&node].deadline == number {
                    self.input(node, Input::Deadline);
                }
            }
            Happening::Join(node) => {
                if !self.members[&1].runs || self.cut.contains(&(1, node)) {
                    let at = self.now + Duration::from_secs(1);
                    return self.at(at, Happening::Join(node));
                }
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
            Happening::Fault => {
                if self.busy {
                    self.fault();
                    let at = self.now + Duration::from_millis(self.rng.u64(500..4_000));
                    self.at(at, Happening::Fault);
                }
            }
            Happening::Heal => self.cut.clear(),
            Happening::Restart(node) => self.restart(node),
        }
    }

    /// Two honest members are cut off from each other for a while, or one crashes.
    fn fault(&mut self) {
        self.totals.faults += 1;
        let nodes: Vec<usize> = self.members.keys().copied().collect();
        let (a, b) = (self.rng.choice(&nodes), self.rng.choice(&nodes));
        let (a, b) = (*a.expect("some"), *b.expect("some"));
        let after = Duration::from_millis(self.rng.u64(100..6_000));
        if a != b {
            self.say(|| format!("{a} and {b} are cut off from each other for {after:?}"));
            self.cut.insert((a.min(b), a.max(b)));
            self.end_lines(|ends| ends == [a, b] || ends == [b, a]);
            self.at(self.now + after, Happening::Heal);
        } else if self.members[&a].runs && self.members[&a].joined {
            self.say(|| format!("{a} crashes, for {after:?}"));
            let now = self.now;
            let (machine, mut rng) = (self.rng.bool(), self.rng.fork());
            let member = self.member(a);
            member.runs = false;
            member.disk.crash(machine, now, &mut rng);
            for line in 0..self.lines.len() {
                for side in 0..2 {
                    if self.lines[line].ends[side].0 == a {
                        self.close(line, side);
                    }
                }
            }
            self.at(self.now + after, Happening::Restart(a));
        }
    }

    /// Lines end, by themselves, for both ends.
    fn end_lines(&mut self, which: impl Fn([usize; 2]) -> bool) {
        for line in 0..self.lines.len() {
            if which(self.lines[line].ends.map(|(node, _)| node)) {
                self.send(line, 0, None);
                self.send(line, 1, None);
            }
        }
    }

    /// The program of a crashed member is started again with what its journal holds.
    fn restart(&mut self, node: usize) {
        self.totals.restarts += 1;
        let starts = self.members[&node].starts + 1;
        let config = self.config(node, starts);
        // If not even its keys were durable, it comes as a newcomer.
        let (mut core, disk, inside) = match self.members[&node].disk.open() {
            Some((past, disk)) => {
                let core = Core::resumed(config, &past, None, self.now);
                (core.expect("our own journal"), disk, true)
            }
            None => (Core::new(config, self.now), Disk::default(), false),
        };
        let found = core.document().log().version().clone();
        let known: Vec<AuthorId> = core.session().forked().collect();
        core.keep(Keeper::new(found.clone()), OurPlace::default(), inside);
        self.say(|| format!("{node} comes back"));
        let (now, evil) = (self.now, self.evil.author());
        let member = self.member(node);
        member.disk.check_found(&found);
        let long_known = member.found_out.filter(|_| inside);
        let long_known = long_known.is_some_and(|(_, at)| at + Duration::from_secs(7) < now);
        assert!(!long_known || known == [evil], "it has forgotten a fork");
        // What was lost may come again, but for what was found out.
        member.found_out = member
            .found_out
            .filter(|_| known == [evil])
            .map(|(_, at)| (found.next(&evil), at));
        (member.core, member.disk, member.knew) = (core, disk, found);
        (member.starts, member.runs, member.joined) = (starts, true, inside);
        let addrs = vec![address(node)];
        self.input(node, Input::Listening { addrs });
        if !inside {
            self.happen(Happening::Join(node));
        }
    }

    fn input(&mut self, node: usize, input: Input) {
        let member = self.members.get_mut(&node).expect("an honest one");
        if member.runs {
            member.core.handle(input, self.now);
            self.after(node);
        }
    }

    /// Something for a node happens later, if it has not been started anew by then.
    fn later(&mut self, at: Time, node: usize, input: Input) {
        let starts = self.members[&node].starts;
        self.at(at, Happening::Input(node, starts, input));
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
                    // Of what others with other logs of it pass on, nobody thinks ill.
                    assert!(
                        !(self.apart && text.starts_with("link to m")),
                        "{node}: {text}"
                    );
                    self.say(|| format!("{node} is told: {text}"));
                }
                _ => {}
            }
        }
        while let Some(divergence) = self.member(node).core.next_divergence() {
            let wrong = Cause::Fault { repaired: true };
            assert_ne!(
                divergence.cause, wrong,
                "its text was not what its logs say"
            );
        }
        let (now, evil) = (self.now, self.evil.author());
        let member = self.member(node);
        bounded(&member.core);
        let (session, log) = (member.core.session(), member.core.document().log());
        if let Some(forked) = session.forked().next() {
            assert!(
                forked == evil && session.forked().count() == 1,
                "{node} says that an honest member has two faces"
            );
            let (next, _) = member
                .found_out
                .get_or_insert_with(|| (log.next(&evil), now));
            if *next == 0 {
                // A history may bring what others have of one of whom nothing is here.
                *next = log.next(&evil);
            }
            assert_eq!(log.next(&evil), *next, "it was taken further");
        }
        member.knew.join(log.version());
        member.disk.write(&mut member.core, now);
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
                let there = |to: &usize| match *to {
                    EVIL => self.busy,
                    to => {
                        self.members[&to].runs && !self.cut.contains(&(node.min(to), node.max(to)))
                    }
                };
                match to.filter(there) {
                    Some(to) => {
                        let theirs = self.accept(to);
                        self.connect((node, link), (to, theirs));
                        let addr = address(to);
                        let at = self.now + self.latency();
                        self.lines.last_mut().expect("the new one").arrives[0] = at;
                        self.later(at, node, Input::Dialled { link, addr });
                    }
                    None => {
                        let why = "no answer".to_owned();
                        let at = self.now + Duration::from_secs(self.rng.u64(0..3));
                        self.later(at, node, Input::DialFailed { link, why });
                    }
                }
            }
            Command::Transmit { link, bytes } => {
                let count = bytes.len();
                if let Some((line, side)) = self.by_end.get(&(node, link)).copied() {
                    let left = self.send(line, side, Some(bytes));
                    let flushed = Input::Flushed { link, bytes: count };
                    self.later(left, node, flushed);
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
            self.later(at, to, Input::Accepted { link, from });
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
        if !self.members[&node].runs {
            return;
        }
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
            .filter(|(_, member)| member.joined && member.runs)
            .map(|(node, _)| *node)
            .collect();
        let Some(node) = self.rng.choice(joined) else {
            return;
        };
        let now = self.now;
        let len = self.member(node).core.document().len();
        let mut least = 0;
        if self.apart {
            // The first character of all is an honest one and stays; what is behind it is honest, too.
            let text = self.member(node).core.document().rope().to_string();
            match text.chars().position(|c| c == FIRST) {
                Some(first) => least = first + 1,
                None if self.totals.edits == 0 => {}
                None => return,
            }
        }
        let at = if self.rng.bool() {
            (least + 2).min(len)
        } else {
            self.rng.usize(least..=len)
        };
        let kinds = if self.apart { 9 } else { 10 };
        let (kind, end) = (self.rng.u8(0..kinds), (at + self.rng.usize(1..6)).min(len));
        let first = self.next_char;
        self.next_char += 1;
        let kind = if self.totals.edits == 0 { 0 } else { kind };
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
}
