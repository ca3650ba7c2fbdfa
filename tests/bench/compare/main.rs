//! The CRDT beside others, on recorded editing traces: a table, and a plot.
//!
//! ```text
//! cargo run --release --manifest-path tests/bench/compare/Cargo.toml -- docs/plots/crdt.svg TRACE...
//! ```
//!
//! Every patch is one edit, and what tells the others of it is made as bytes, one message a patch (`edit`).
//! A second document takes the messages in, one by one (`receive`). From the saved document another
//! is made whose text can be read and edited (`load`). A concurrent trace is made by one document per agent,
//! which is not timed; another then takes in all messages in the trace's order.
//!
//! Times are medians of up to [`RUNS`] runs, divided by those of a bare rope (ropey) on the same patches in the
//! same process; those of the concurrent trace, by the bare rope's on its flat form. What takes longer than [`LIMIT`]
//! is broken off. What is compared is not quite the same: see `docs/performance.md`.

mod engines;
mod plot;
#[path = "../recorded.rs"]
#[allow(dead_code, reason = "the example `replay` needs all of it")]
mod recorded;

use std::alloc::System;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use cap::Cap;
use engines::{Automerge, Cola, CollabEdit, DiamondTypes, Engine, Loro, Yrs};
use recorded::{Concurrent, Patch, Recorded};
use ropey::Rope;

/// Counts what is on the heap.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Runs of each measure, if they are quick.
const RUNS: usize = 5;

/// A measure is not run again after this time, ...
const ENOUGH: Duration = Duration::from_secs(3);

/// ... and broken off after this one.
const LIMIT: Duration = Duration::from_secs(20);

/// What a library needs for a trace. Times are in milliseconds; `None` if it took too long.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) engine: &'static str,
    pub(crate) trace: String,
    rope: f64,
    edit: Option<f64>,
    receive: Option<f64>,
    load: Option<f64>,
    message_bytes: Option<f64>,
    saved: Option<usize>,
    heap: Option<usize>,
}

impl Figures {
    /// The measures that are times, as multiples of the bare rope's.
    pub(crate) fn ratios(&self) -> [(&'static str, Option<f64>); 3] {
        [
            ("an edit, and its message made", self.edit),
            ("messages taken in one by one", self.receive),
            ("loaded from what was saved", self.load),
        ]
        .map(|(name, time)| (name, time.map(|time| time / self.rope)))
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let picture = args.next().expect("the picture's path");
    let mut all: Vec<Figures> = Vec::new();
    let mut ropes: HashMap<String, f64> = HashMap::new();
    // Concurrent ones last: they are compared with their flat forms.
    let mut traces: Vec<(String, Recorded)> = args.map(|path| read(Path::new(&path))).collect();
    traces.sort_by_key(|(name, trace)| (matches!(trace, Recorded::Concurrent(_)), name.clone()));
    for (name, trace) in &traces {
        let figures = match trace {
            Recorded::Sequential(trace) => {
                assert!(trace.start_content.is_empty(), "{name} starts with a text");
                let patches = || trace.txns.iter().flat_map(|txn| &txn.patches);
                let text: String = patches().map(|patch| patch.2.as_str()).collect();
                let edits = edits(patches(), &text);
                let rope = median(RUNS, || Some(bare_rope(&edits))).expect("a time");
                ropes.insert(name.clone(), rope);
                each_engine(|engine| engine.sequential(&edits, &trace.end_content))
                    .map(|figures| Figures { rope, ..figures })
            }
            Recorded::Concurrent(trace) => {
                let flat = ropes.get(&format!("{name}_flat"));
                let rope = *flat.expect("its flat form is among the traces");
                each_engine(|engine| engine.concurrent(trace))
                    .map(|figures| Figures { rope, ..figures })
            }
            Recorded::Conformance { .. } => continue,
        };
        let figures = figures.map(|figures| Figures {
            trace: name.clone(),
            ..figures
        });
        print(name, &figures);
        all.extend(figures);
    }
    std::fs::write(&picture, plot::draw(&all)).expect("the picture");
}

fn read(path: &Path) -> (String, Recorded) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.trim_end_matches(".gz").trim_end_matches(".json");
    (name.to_owned(), recorded::read(path).expect("a trace"))
}

/// Where, how many characters are deleted, and what is inserted: a patch, behind the one before in memory, so that
/// reading them is not what is measured.
struct Edit<'a>(usize, usize, &'a str);

/// The patches, whose inserted texts behind each other are `text`.
fn edits<'a>(patches: impl Iterator<Item = &'a Patch>, mut text: &'a str) -> Vec<Edit<'a>> {
    let edit = |Patch(at, deleted, inserted): &Patch| {
        let (inserted, rest) = text.split_at(inserted.len());
        text = rest;
        Edit(*at, *deleted, inserted)
    };
    patches.map(edit).collect()
}

/// A library, as something that can be measured.
trait Measured {
    fn sequential(&self, edits: &[Edit<'_>], expected: &str) -> Figures;
    fn concurrent(&self, trace: &Concurrent) -> Figures;
}

struct Of<E>(std::marker::PhantomData<E>);

fn each_engine(measure: impl Fn(&dyn Measured) -> Figures) -> [Figures; 6] {
    fn of<E: Engine + 'static>() -> Box<dyn Measured> {
        Box::new(Of::<E>(std::marker::PhantomData))
    }
    let engines = [
        of::<CollabEdit>(),
        of::<Cola>(),
        of::<DiamondTypes>(),
        of::<Yrs>(),
        of::<Loro>(),
        of::<Automerge>(),
    ];
    engines.map(|engine| measure(&*engine))
}

/// Messages one after the other.
#[derive(Default)]
struct Messages {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Messages {
    fn nth(&self, n: usize) -> &[u8] {
        let start = n.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[n]]
    }

    fn mean_bytes(&self) -> f64 {
        self.bytes.len() as f64 / self.ends.len() as f64
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).map(|n| self.nth(n))
    }
}

impl<E: Engine> Measured for Of<E> {
    fn sequential(&self, edits: &[Edit<'_>], expected: &str) -> Figures {
        let mut figures = Figures {
            engine: E::NAME,
            ..Figures::default()
        };
        let make = || {
            let mut limit = Limit::new();
            let mut document = E::new(1);
            let mut messages = Messages::default();
            for Edit(at, deleted, inserted) in edits {
                document.edit(*at, *deleted, inserted, &mut messages.bytes);
                messages.ends.push(messages.bytes.len());
                limit.check()?;
            }
            Some((document, messages))
        };
        figures.edit = median(RUNS, make);
        let heap = HEAP.allocated();
        let Some((document, messages)) = make() else {
            return figures;
        };
        assert_eq!(document.text(), expected, "{}", E::NAME);
        let held = messages.bytes.capacity() + messages.ends.capacity() * size_of::<usize>();
        figures.heap = Some(HEAP.allocated().saturating_sub(heap + held));
        figures.message_bytes = Some(messages.mean_bytes() - E::AROUND as f64);
        figures.receive = median(RUNS, || receive::<E>(&messages));
        if let Some(document) = receive::<E>(&messages).filter(|_| figures.receive.is_some()) {
            assert_eq!(document.text(), expected, "{}", E::NAME);
        }
        figures.saved_and_loaded(document, expected);
        figures
    }

    fn concurrent(&self, trace: &Concurrent) -> Figures {
        let mut figures = Figures {
            engine: E::NAME,
            ..Figures::default()
        };
        let Some(messages) = make::<E>(trace) else {
            return figures;
        };
        figures.message_bytes = Some(messages.mean_bytes() - E::AROUND as f64);
        figures.receive = median(RUNS, || receive::<E>(&messages));
        let heap = HEAP.allocated();
        let Some(document) = receive::<E>(&messages).filter(|_| figures.receive.is_some()) else {
            return figures;
        };
        figures.heap = Some(HEAP.allocated().saturating_sub(heap));
        let text = document.text();
        assert!(
            trace.order_dependent || text == trace.end_content,
            "{}",
            E::NAME
        );
        figures.saved_and_loaded(document, &text);
        figures
    }
}

impl Figures {
    fn saved_and_loaded<E: Engine>(&mut self, mut document: E, expected: &str) {
        let saved = document.save();
        self.saved = Some(saved.len());
        self.load = median(RUNS, || Some(E::load(&saved)));
        assert_eq!(E::load(&saved).text(), expected, "{}", E::NAME);
    }
}

/// All messages, one by one, into a fresh document.
fn receive<E: Engine>(messages: &Messages) -> Option<E> {
    let mut limit = Limit::new();
    let mut document = E::new(2);
    for message in messages.iter() {
        document.receive(message);
        limit.check()?;
    }
    Some(document)
}

/// A document that takes part in a concurrent trace.
struct Agent<E> {
    document: E,
    /// Its place among all, and which transactions of each it knows: so many of the first.
    place: usize,
    knows: Vec<usize>,
}

/// The messages of a concurrent trace. An agent whose transaction was made without knowing an earlier one of
/// its own goes on as a new one.
fn make<E: Engine>(trace: &Concurrent) -> Option<Messages> {
    let mut limit = Limit::new();
    let mut messages = Messages::default();
    let mut agents: HashMap<usize, Agent<E>> = HashMap::new();
    // The transactions that each has made.
    let mut made: Vec<Vec<usize>> = Vec::new();
    // What was known after each transaction.
    let mut after: Vec<Vec<usize>> = Vec::new();
    for txn in &trace.txns {
        let mut seen = vec![0; made.len()];
        for parent in &txn.parents {
            for (seen, known) in seen.iter_mut().zip(&after[*parent]) {
                *seen = (*seen).max(*known);
            }
        }
        let goes_on = agents.get(&txn.agent).is_some_and(|agent| {
            let mut both = agent.knows.iter().zip(&seen);
            both.all(|(known, seen)| known <= seen)
        });
        if !goes_on {
            let place = made.len();
            made.push(Vec::new());
            seen.push(0);
            let agent = Agent {
                document: E::new(10 + place as u64),
                place,
                knows: Vec::new(),
            };
            agents.insert(txn.agent, agent);
        }
        let agent = agents.get_mut(&txn.agent).expect("it was put there");
        agent.knows.resize(made.len(), 0);
        let lacks = |other: usize| made[other][agent.knows[other]..seen[other]].iter();
        let mut missing: Vec<usize> = (0..made.len()).flat_map(lacks).copied().collect();
        missing.sort_unstable();
        for one in missing {
            agent.document.receive(messages.nth(one));
        }
        for Patch(at, deleted, inserted) in &txn.patches {
            let document = &mut agent.document;
            document.edit(*at, *deleted, inserted, &mut messages.bytes);
        }
        made[agent.place].push(messages.ends.len());
        messages.ends.push(messages.bytes.len());
        seen[agent.place] += 1;
        agent.knows.clone_from(&seen);
        after.push(seen);
        limit.check()?;
    }
    Some(messages)
}

/// Time that runs out.
struct Limit {
    begun: Instant,
    steps: u32,
}

impl Limit {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            steps: 0,
        }
    }

    /// `None` when there is no more. To be asked once a step; the clock is looked at now and then.
    fn check(&mut self) -> Option<()> {
        self.steps += 1;
        (!self.steps.is_multiple_of(64) || self.begun.elapsed() < LIMIT).then_some(())
    }
}

/// The median time of some runs, in milliseconds. Dropping what they made is not timed.
fn median<R>(runs: usize, run: impl Fn() -> Option<R>) -> Option<f64> {
    let begun = Instant::now();
    let mut times = Vec::new();
    while times.len() < runs && (times.is_empty() || begun.elapsed() < ENOUGH) {
        let start = Instant::now();
        let made = run()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        drop(made);
    }
    times.sort_unstable_by(f64::total_cmp);
    Some(times[times.len() / 2])
}

fn bare_rope(edits: &[Edit<'_>]) -> Rope {
    let mut rope = Rope::new();
    for Edit(at, deleted, inserted) in edits {
        if *deleted > 0 {
            rope.remove(*at..at + deleted);
        }
        if !inserted.is_empty() {
            rope.insert(*at, inserted);
        }
    }
    rope
}

fn print(name: &str, figures: &[Figures]) {
    println!("\n{name}, bare rope {:.1} ms\n", figures[0].rope);
    println!("| | edit | receive | load | bytes a message | saved, kB | heap, kB |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for one in figures {
        let time = |time: Option<f64>| match time {
            Some(time) => format!("{time:.1} ({:.2})", time / one.rope),
            None => "–".to_owned(),
        };
        let kilobytes = |bytes: Option<usize>| {
            bytes.map_or_else(
                || "–".to_owned(),
                |bytes| format!("{:.0}", bytes as f64 / 1e3),
            )
        };
        let bytes = one.message_bytes;
        println!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            one.engine,
            time(one.edit),
            time(one.receive),
            time(one.load),
            bytes.map_or_else(|| "–".to_owned(), |bytes| format!("{bytes:.1}")),
            kilobytes(one.saved),
            kilobytes(one.heap),
        );
    }
}
