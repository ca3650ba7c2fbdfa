//! The soak: eight members on machines of their own who type while they are killed, leave, come back
//! and lose their cables, all at once, for as long as wanted; newcomers take the places of those who
//! leave for good.
//!
//! A round is a storm and a calm. After each storm everything is plugged in and started again, and then:
//! all hold one text; what was on a screen half a second before a kill, and everything else that was typed,
//! is in it once; what was deleted has not come back; nobody has reported an error; the member that
//! stays all the time takes hardly more memory than the history does twice.
//!
//! `COLLAB_EDIT_SOAK=seconds` says how long, `COLLAB_EDIT_SEED=n` chooses the same victims and places again
//! (the moments are the machine's). Needs what [`super::lab`] needs.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::edits::{seed, typed};
use super::headless::{Headless, settle};
use super::lab::Lab;
use super::launch::{CODE, Launch};
use super::scratch::Scratch;

const MACHINES: u8 = 8;

/// How long an everyday run takes.
const SHORT: Duration = Duration::from_secs(40);

/// How long a storm blows.
const STORM: std::ops::Range<u64> = 5_000..20_000;

/// What happens in a storm happens in steps.
const STEP: Duration = Duration::from_millis(100);

/// Nothing happens to anybody sooner: what is deleted in a calm is durable by then.
const CALM: Duration = Duration::from_secs(1);

/// What may be lost by a kill: it is on a screen before it is in the journal.
const MAY_BE_LOST: Duration = Duration::from_millis(500);

/// How soon after a storm all must hold one text. Somebody may have been away for the whole of it, and waits
/// at most 2 s between two dials.
const SETTLED: Duration = Duration::from_secs(20);

/// A text longer than this is cut down again.
const LONG: usize = 1_500;

/// What is left of it.
const CUT: usize = 700;

/// The allocator's moods: how much more memory the member that stays all the time may take than it has use for.
/// Nothing of the history is forgotten, so all grow with it; but all have the same, and most have started in
/// the last minutes. And who stays has compacted its journal, for which the history is there a second time: what
/// that took stays with the process.
const MOODS: u64 = 4 << 20;

/// A machine, and who sits at it.
struct Seat {
    name: String,
    folder: PathBuf,
    /// Through whom this one joined; nobody yet, or the one who began.
    through: Option<SocketAddr>,
    member: Option<Headless>,
    plugged: bool,
}

/// All of it.
struct Soak {
    lab: Lab,
    scratch: Scratch,
    random: fastrand::Rng,
    seats: Vec<Seat>,
    /// How many characters were typed; the next one's number.
    typed: u32,
    deleted: u64,
    /// How many people there have been.
    people: usize,
    /// A length that everybody's text has at least.
    certain: usize,
    /// What has to be in the text.
    wanted: BTreeSet<char>,
    /// Typed in this storm, by whom.
    fresh: Vec<(usize, char)>,
    /// Texts as they were on screens in this storm.
    seen: Vec<(Instant, usize, String)>,
    /// Typed too shortly before a kill.
    unsure: BTreeSet<char>,
    count: Count,
}

/// What has happened so far.
#[derive(Default, Debug)]
struct Count {
    rounds: u32,
    kills: u32,
    leaves: u32,
    joins: u32,
    starts: u32,
    pulls: u32,
}

impl Soak {
    fn new(lab: Lab) -> Self {
        let seat = |machine: u8| Seat {
            name: String::new(),
            folder: PathBuf::from(machine.to_string()),
            through: None,
            member: None,
            plugged: true,
        };
        let mut soak = Self {
            lab,
            scratch: Scratch::new(),
            random: fastrand::Rng::with_seed(seed()),
            seats: (0..MACHINES).map(seat).collect(),
            typed: 0,
            deleted: 0,
            people: 0,
            certain: 0,
            wanted: BTreeSet::new(),
            fresh: Vec::new(),
            seen: Vec::new(),
            unsure: BTreeSet::new(),
            count: Count::default(),
        };
        for number in 0..soak.seats.len() {
            soak.seat_somebody(number);
            soak.start(number);
        }
        soak
    }

    fn address(&self, number: usize) -> SocketAddr {
        self.lab
            .address(u8::try_from(number).expect("few machines"))
    }

    /// Somebody new sits down at a machine, with an empty folder.
    fn seat_somebody(&mut self, number: usize) {
        let name = format!("m{}", self.people);
        self.people += 1;
        let folder = self.scratch.folder(&name);
        let seat = &mut self.seats[number];
        (seat.name, seat.folder, seat.through) = (name, folder, None);
    }

    /// Those at their machines; with `plugged` only those who reach others.
    fn present(&self, plugged: bool) -> Vec<usize> {
        let seats = self.seats.iter().enumerate();
        seats
            .filter(|(_, seat)| seat.member.is_some() && (seat.plugged || !plugged))
            .map(|(number, _)| number)
            .collect()
    }

    /// Starts the member of a seat, for the first time or again by the same command. A newcomer joins
    /// through anybody; if nobody can be reached, it waits for another moment.
    fn start(&mut self, number: usize) {
        let is_first = self.people == 1;
        if self.seats[number].through.is_none() && number > 0 {
            let Some(through) = self.random.choice(self.present(true)) else {
                return;
            };
            if !self.seats[number].plugged {
                return;
            }
            self.seats[number].through = Some(self.address(through));
            self.count.joins += 1;
        } else if !is_first {
            self.count.starts += 1;
        }
        let seat = &self.seats[number];
        let launch = Launch::edit(&seat.folder.join("notes.md"));
        let launch = match seat.through {
            Some(through) => launch.arg("--join").arg(through.to_string()),
            None => launch.arg("--host"),
        };
        let machine = u8::try_from(number).expect("few machines");
        let member = launch
            .arg("--listen")
            .arg(self.address(number).to_string())
            .name(&seat.name)
            .state(&seat.folder.join("state"))
            .code(CODE)
            .inside(&self.lab.machine(machine))
            .headless();
        member.expect_event(if is_first { "listening" } else { "joined" });
        self.seats[number].member = Some(member);
    }

    fn pull(&mut self, number: usize) {
        self.lab.pull(u8::try_from(number).expect("few machines"));
        self.seats[number].plugged = false;
        self.count.pulls += 1;
    }

    fn plug(&mut self, number: usize) {
        self.lab.plug(u8::try_from(number).expect("few machines"));
        self.seats[number].plugged = true;
    }

    fn kill(&mut self, number: usize) {
        let mut member = self.seats[number].member.take().expect("a member");
        member.signal("KILL");
        let moment = Instant::now();
        member.wait_exit();
        self.check_no_errors(number, &member);
        self.count.kills += 1;
        self.seen
            .retain(|(at, who, _)| *who != number || *at + MAY_BE_LOST < moment);
        let (its, others) = std::mem::take(&mut self.fresh)
            .into_iter()
            .partition(|(who, _)| *who == number);
        self.fresh = others;
        let its: Vec<(usize, char)> = its;
        self.unsure.extend(its.iter().map(|(_, one)| *one));
    }

    fn leave(&mut self, number: usize) {
        let mut member = self.seats[number].member.take().expect("a member");
        member.quit();
        assert_eq!(member.wait_exit(), Some(0));
        self.check_no_errors(number, &member);
        self.count.leaves += 1;
    }

    #[track_caller]
    fn check_no_errors(&self, number: usize, member: &Headless) {
        let errors: Vec<_> = member
            .events()
            .into_iter()
            .filter(|event| event["event"] == "error")
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", self.seats[number].name);
        assert_eq!(member.stderr(), "", "{}", self.seats[number].name);
    }

    fn member(&mut self, number: usize) -> &mut Headless {
        self.seats[number].member.as_mut().expect("a member")
    }

    /// Somebody types a character: anywhere, or where many type.
    fn type_one(&mut self, number: usize) {
        let place = match self.random.u8(0..4) {
            0 => 0,
            1 => self.certain,
            _ => self.random.usize(0..=self.certain),
        };
        let one = typed(self.typed);
        self.typed += 1;
        self.member(number).insert(place, &one.to_string());
        self.fresh.push((number, one));
    }

    /// Something happens to somebody.
    fn strike(&mut self) {
        let number = self.random.usize(0..self.seats.len());
        let seat = &self.seats[number];
        match self.random.u8(0..6) {
            _ if seat.member.is_none() => self.start(number),
            0 | 1 if number > 0 && self.present(false).len() > 2 => self.kill(number),
            2 if number > 0 && self.present(false).len() > 2 => self.leave(number),
            _ if seat.plugged => self.pull(number),
            _ => self.plug(number),
        }
    }

    fn storm(&mut self) {
        let begun = Instant::now();
        let how_long = Duration::from_millis(self.random.u64(STORM));
        for step in 1.. {
            let due = STEP * step;
            if due > how_long {
                break;
            }
            std::thread::sleep((begun + due).saturating_duration_since(Instant::now()));
            for number in self.present(false) {
                if self.random.u8(0..5) == 0 {
                    self.type_one(number);
                }
                if self.random.u8(0..10) == 0 {
                    let text = self.member(number).text();
                    self.seen.push((Instant::now(), number, text));
                }
            }
            if due > CALM && self.random.u8(0..5) == 0 {
                self.strike();
            }
        }
    }

    /// Everybody is there again, and everything is looked at.
    fn calm(&mut self) {
        for number in 0..self.seats.len() {
            self.plug(number);
        }
        for number in 0..self.seats.len() {
            if self.seats[number].member.is_none() {
                self.start(number);
            }
        }
        let mut members: Vec<Headless> = self
            .seats
            .iter_mut()
            .map(|seat| seat.member.take().expect("everybody is there"))
            .collect();
        let text = settle(SETTLED, &mut members);
        for (number, member) in members.into_iter().enumerate() {
            self.check_no_errors(number, &member);
            self.seats[number].member = Some(member);
        }
        let found: Vec<char> = text.chars().collect();
        let once: BTreeSet<char> = found.iter().copied().collect();
        let fresh = std::mem::take(&mut self.fresh);
        self.wanted.extend(fresh.into_iter().map(|(_, one)| one));
        for (_, _, text) in std::mem::take(&mut self.seen) {
            let typed = text.chars().filter(|one| self.unsure.contains(one));
            self.wanted.extend(typed);
        }
        let missing: Vec<&char> = self.wanted.difference(&once).collect();
        assert!(missing.is_empty(), "missing: {missing:?}");
        assert_eq!(found.len(), once.len(), "something came twice");
        self.wanted
            .extend(std::mem::take(&mut self.unsure).intersection(&once));
        let back: Vec<&char> = once.difference(&self.wanted).collect();
        assert!(back.is_empty(), "deleted, or lost, and back: {back:?}");
        self.certain = found.len();
        self.count.rounds += 1;
    }

    /// Somebody who is cut off shortens the text.
    fn cut(&mut self) {
        let number = self.random.choice(self.present(true));
        let number = number.expect("nearly everybody");
        self.pull(number);
        let mut text: Vec<char> = self.member(number).text().chars().collect();
        while text.len() > CUT {
            let at = self.random.usize(0..text.len());
            let count = self.random.usize(1..=40).min(text.len() - at);
            self.member(number).delete(at, count);
            for gone in text.drain(at..at + count) {
                self.wanted.remove(&gone);
            }
            self.deleted += count as u64;
        }
        let expected: String = text.iter().collect();
        assert_eq!(self.member(number).text(), expected);
        self.certain = text.len();
    }

    fn round(&mut self) {
        if self.random.bool() {
            // For good; somebody else sits down there. Before anybody is cut off: what one has done who leaves for
            // good without having reached the others is gone.
            let number = self.random.usize(1..self.seats.len());
            self.leave(number);
            self.seat_somebody(number);
        }
        if self.certain > LONG {
            self.cut();
        }
        self.storm();
        self.calm();
    }

    /// Bytes of memory that each member takes.
    fn memory(&self) -> Vec<u64> {
        let members = self.seats.iter().filter_map(|seat| seat.member.as_ref());
        members.map(|one| resident(one.process())).collect()
    }
}

/// The memory of a process in bytes (`VmRSS`, proc(5)).
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.expect("a live process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    let kilobytes: u64 = kilobytes
        .and_then(|number| number.parse().ok())
        .expect("a number of kB");
    kilobytes * 1024
}

#[test]
fn eight_members_come_through_a_storm() {
    let seconds = std::env::var("COLLAB_EDIT_SOAK").ok();
    let how_long = seconds.map_or(SHORT, |seconds| {
        Duration::from_secs(seconds.parse().expect("a number of seconds"))
    });
    let Some(lab) = Lab::new("soak", MACHINES) else {
        return;
    };
    let begun = Instant::now();
    let mut soak = Soak::new(lab);
    let mut reported = 0;
    let mut empty = None;
    while begun.elapsed() < how_long {
        soak.round();
        let memory = soak.memory();
        let minute = begun.elapsed().as_secs() / 60;
        if minute > reported {
            reported = minute;
            let operations = u64::from(soak.typed) + soak.deleted;
            let megabytes: Vec<u64> = memory.iter().map(|bytes| bytes >> 20).collect();
            eprintln!("{minute} min: {operations} operations, {megabytes:?} MiB");
        }
        let least = memory.iter().min().expect("somebody");
        let history = least.saturating_sub(*empty.get_or_insert(*least));
        let (stays, limit) = (memory[0], least + history + MOODS);
        assert!(stays <= limit, "the one that stays: {memory:?} bytes");
    }
    eprintln!(
        "{} s, {} typed, {} deleted, {} people, {:?}",
        begun.elapsed().as_secs(),
        soak.typed,
        soak.deleted,
        soak.people,
        soak.count
    );
}
