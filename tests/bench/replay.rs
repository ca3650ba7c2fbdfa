//! Replays recorded editing traces and conformance cases, and times it.
//!
//! ```text
//! cargo run --release --example replay -- FILE...
//! ```
//!
//! For each file one line of JSON, in the order of the files; exit code 1 if a text is wrong. Every
//! patch of a sequential trace (every transaction of a concurrent one) is one batch, and its text is
//! in the rope before the next one begins. Times are medians of [`RUNS`] runs in milliseconds; a
//! measure's runs take turns with those of a bare rope, so what disturbs one disturbs the other.
//! Building inputs and dropping results is not timed.

mod recorded;

use std::alloc::System;
use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use cap::Cap;
use collab_edit::crdt::{AuthorId, Replica, Source, Version};
use collab_edit::document::{CharPos, Document, EditKind, Preview, Rope};
use recorded::{Case, Concurrent, Patch, Recorded, Sequential};
use serde::Serialize;

/// Counts what is on the heap; for `heap_bytes`.
#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Runs of each measure.
const RUNS: usize = 7;

/// After how many patches (or transactions) the wall clock hint goes on by a minute.
const PATCHES_A_MINUTE: usize = 50;

/// Milliseconds between two keys, as the grouping of undo sees them.
const KEY_MS: u64 = 100;

fn main() -> ExitCode {
    let mut ok = true;
    for file in std::env::args_os().skip(1) {
        let path = Path::new(&file);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.trim_end_matches(".gz").trim_end_matches(".json");
        let line = match recorded::read(path) {
            Ok(Recorded::Sequential(trace)) => sequential(name, &trace),
            Ok(Recorded::Concurrent(trace)) => concurrent(name, &trace),
            Ok(Recorded::Conformance { cases }) => conformance(name, &cases),
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                ok = false;
                continue;
            }
        };
        ok &= line.ok;
        println!(
            "{}",
            serde_json::to_string(&line).expect("numbers and names")
        );
    }
    if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What is printed of one file. Times are in milliseconds.
#[derive(Default, Serialize)]
struct Line {
    trace: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patches: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    txns: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rope_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wire_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merge_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catchup_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wire_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    save_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    save_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    load_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heap_bytes: Option<usize>,
    ok: bool,
}

fn sequential(name: &str, trace: &Sequential) -> Line {
    let start = &trace.start_content;
    let edits: Vec<Edit> = trace
        .txns
        .iter()
        .flat_map(|txn| &txn.patches)
        .map(Edit::new)
        .collect();
    let expected = Rope::from_str(&trace.end_content);
    let bare = || replay_rope(start, &edits);

    let heap = HEAP.allocated();
    let local = replay_local(start, &edits);
    let heap_bytes = HEAP.allocated() - heap;
    let frames = frames(start, &edits);
    let saved = local.encode_history();
    let mut ok = local.rope() == &expected;

    let mut times = Times::default();
    for _ in 0..RUNS {
        let rope = times.run("rope", bare);
        ok &= rope == expected;
        ok &= times.run("local", || replay_local(start, &edits)).rope() == &expected;
        times.run("rope", bare);
        ok &= times.run("wire", || replay_wire(start, &edits)).rope() == &expected;
        times.run("rope", bare);
        ok &= times.run("remote", || replay_remote(&frames)).rope() == &expected;
        times.run("rope", bare);
        ok &= times.run("catchup", || catch_up(&saved)).rope() == &expected;
        times.run("rope", bare);
        ok &= times.run("load", || load(&saved)).rope() == &expected;
        times.run("save", || local.encode_history());
    }
    Line {
        trace: name.to_owned(),
        kind: "sequential",
        patches: Some(edits.len()),
        rope_ms: times.median("rope"),
        local_ms: times.median("local"),
        wire_ms: times.median("wire"),
        remote_ms: times.median("remote"),
        catchup_ms: times.median("catchup"),
        wire_bytes: Some(frames.bytes.len()),
        save_ms: times.median("save"),
        save_bytes: Some(saved.len()),
        load_ms: times.median("load"),
        heap_bytes: Some(heap_bytes),
        ok,
        ..Line::default()
    }
}

fn concurrent(name: &str, trace: &Concurrent) -> Line {
    let (agents, frames) = make(trace);
    let heap = HEAP.allocated();
    let merged = replay_remote(&frames);
    let heap_bytes = HEAP.allocated() - heap;
    let saved = merged.encode_history();
    let expected = if trace.order_dependent {
        merged.rope().clone()
    } else {
        Rope::from_str(&trace.end_content)
    };
    let mut ok = merged.rope() == &expected;
    for mut agent in agents {
        let everything = merged.log().version();
        give(&merged, everything, &mut agent);
        ok &= agent.rope() == &expected;
    }

    let mut times = Times::default();
    for _ in 0..RUNS {
        ok &= times.run("merge", || replay_remote(&frames)).rope() == &expected;
        ok &= times.run("catchup", || catch_up(&saved)).rope() == &expected;
        ok &= times.run("load", || load(&saved)).rope() == &expected;
        times.run("save", || merged.encode_history());
    }
    Line {
        trace: name.to_owned(),
        kind: "concurrent",
        txns: Some(trace.txns.len()),
        merge_ms: times.median("merge"),
        catchup_ms: times.median("catchup"),
        wire_bytes: Some(frames.bytes.len()),
        save_ms: times.median("save"),
        save_bytes: Some(saved.len()),
        load_ms: times.median("load"),
        heap_bytes: Some(heap_bytes),
        ok,
        ..Line::default()
    }
}

fn conformance(name: &str, cases: &[Case]) -> Line {
    let passed = cases.iter().filter(|case| passes(case)).count();
    Line {
        trace: name.to_owned(),
        kind: "conformance",
        cases: Some(cases.len()),
        passed: Some(passed),
        ok: passed == cases.len(),
        ..Line::default()
    }
}

/// An edit as the editor would make it.
struct Edit<'a> {
    at: usize,
    deleted: usize,
    inserted: &'a str,
    kind: EditKind,
}

impl<'a> Edit<'a> {
    fn new(Patch(at, deleted, inserted): &'a Patch) -> Self {
        let kind = match (*deleted, inserted.chars().nth(1)) {
            (0, None) => EditKind::Type,
            (1, _) if inserted.is_empty() => EditKind::Erase,
            _ => EditKind::Whole,
        };
        Self {
            at: *at,
            deleted: *deleted,
            inserted,
            kind,
        }
    }

    fn apply(&self, to: &mut Document, n: usize) {
        let range = CharPos(self.at)..CharPos(self.at + self.deleted);
        to.edit(range, self.inserted, self.kind, n as u64 * KEY_MS);
    }
}

/// Encoded batches, in the order in which they were made.
#[derive(Default)]
struct Frames {
    bytes: Vec<u8>,
    /// Author, number of the first operation, end in `bytes`.
    batches: Vec<(AuthorId, u32, usize)>,
}

impl Frames {
    /// Encodes everything that `document`'s author has committed since operation `seq`.
    fn push(&mut self, document: &Document, seq: u32) {
        let me = document.me();
        let batches = &mut self.batches;
        encode(document, seq, &mut self.bytes, |seq, end| {
            batches.push((me, seq, end));
        });
    }
}

/// Appends the batches that `document`'s author has committed since operation `seq` to `bytes`; `each` is given the number
/// of a batch's first operation, and where it ends.
#[inline(always)]
fn encode(
    document: &Document,
    mut seq: u32,
    bytes: &mut Vec<u8>,
    mut each: impl FnMut(u32, usize),
) {
    let me = document.me();
    let head = document.log().next(&me);
    while seq < head
        && let Some(next) = document.log().batch_at(&me, seq, bytes)
    {
        each(seq, bytes.len());
        seq = next;
    }
}

const ANN: AuthorId = AuthorId([1; 16]);
const BEN: AuthorId = AuthorId([2; 16]);

fn minutes(n: usize) -> u32 {
    (n / PATCHES_A_MINUTE) as u32
}

#[inline(never)]
fn replay_rope(start: &str, edits: &[Edit<'_>]) -> Rope {
    let mut rope = Rope::from_str(start);
    for edit in edits {
        if edit.deleted > 0 {
            rope.remove(edit.at..edit.at + edit.deleted);
        }
        if !edit.inserted.is_empty() {
            rope.insert(edit.at, edit.inserted);
        }
    }
    rope
}

/// Every patch as a local edit; `send` is given the number from which on there are new operations.
#[inline(always)]
fn replay(start: &str, edits: &[Edit<'_>], mut send: impl FnMut(&Document, u32)) -> Document {
    let mut document = Document::new(ANN);
    document.load(start, 0);
    send(&document, 0);
    for (n, edit) in edits.iter().enumerate() {
        edit.apply(&mut document, n);
        if let Some(seq) = document.commit(minutes(n), Source::Typed) {
            send(&document, seq);
        }
    }
    document
}

#[inline(never)]
fn replay_local(start: &str, edits: &[Edit<'_>]) -> Document {
    replay(start, edits, |_, _| {})
}

/// Each batch is encoded where the one before was, as in a frame: to keep them all is no part of sending them.
#[inline(never)]
fn replay_wire(start: &str, edits: &[Edit<'_>]) -> Document {
    let mut frame = Vec::new();
    replay(start, edits, |document, seq| {
        frame.clear();
        encode(document, seq, &mut frame, |_, _| {});
        black_box(&frame);
    })
}

fn frames(start: &str, edits: &[Edit<'_>]) -> Frames {
    let mut frames = Frames::default();
    replay(start, edits, |document, seq| frames.push(document, seq));
    frames
}

#[inline(never)]
fn replay_remote(frames: &Frames) -> Document {
    let mut document = Document::new(BEN);
    let mut start = 0;
    for (author, seq, end) in &frames.batches {
        document.merge(*author, *seq, &frames.bytes[start..*end]);
        start = *end;
    }
    document
}

fn load(saved: &[u8]) -> Preview {
    Preview::open(saved).expect("an encoded history")
}

#[inline(never)]
fn catch_up(saved: &[u8]) -> Document {
    load(saved).build(BEN).expect("an encoded history")
}

/// The batches of a concurrent trace, made by one replica per agent, and those replicas. An agent
/// whose transaction was made without knowing an earlier one of its own goes on as a new author.
fn make(trace: &Concurrent) -> (Vec<Document>, Frames) {
    let mut everything = Document::new(AuthorId([0xff; 16]));
    let mut frames = Frames::default();
    let mut agents: HashMap<usize, Document> = HashMap::new();
    let mut retired = Vec::new();
    // What is known after each transaction.
    let mut after: Vec<Version> = Vec::new();
    for (n, txn) in trace.txns.iter().enumerate() {
        let mut seen = Version::new();
        txn.parents
            .iter()
            .for_each(|parent| seen.join(&after[*parent]));
        let fresh = || Document::new(author(txn.agent, frames.batches.len()));
        let agent = agents.entry(txn.agent).or_insert_with(fresh);
        if !seen.covers(agent.log().version()) {
            retired.push(std::mem::replace(agent, fresh()));
        }
        give(&everything, &seen, agent);
        for patch in &txn.patches {
            Edit::new(patch).apply(agent, n);
        }
        if let Some(seq) = agent.commit(minutes(n), Source::Typed) {
            let (first, start) = (frames.batches.len(), frames.bytes.len());
            frames.push(agent, seq);
            let mut start = start;
            for (author, seq, end) in &frames.batches[first..] {
                everything.merge(*author, *seq, &frames.bytes[start..*end]);
                start = *end;
            }
        }
        seen.join(agent.log().version());
        after.push(seen);
    }
    retired.extend(agents.into_values());
    (retired, frames)
}

/// A new author of `agent`, when there are `part` batches already.
fn author(agent: usize, part: usize) -> AuthorId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(agent as u64 + 1).to_be_bytes());
    id[8..].copy_from_slice(&(part as u64).to_be_bytes());
    AuthorId(id)
}

/// Merges into `to` what it lacks of `wanted`, in an order in which causes come first as a rule
/// (what comes too early waits in `to`).
fn give(from: &Document, wanted: &Version, to: &mut Document) {
    let mut bytes = Vec::new();
    for (author, end) in wanted.iter() {
        let mut seq = to.log().next(&author);
        while seq < end {
            bytes.clear();
            let Some(next) = from.log().batch_at(&author, seq, &mut bytes) else {
                break;
            };
            to.merge(author, seq, &bytes);
            seq = next;
        }
    }
}

fn passes(case: &Case) -> bool {
    let mut sent = Vec::new();
    for (n, txn) in case.txns.iter().enumerate() {
        let me = AuthorId(txn.author());
        let mut replica = Replica::new(me);
        for parent in case.seen(n) {
            let (author, batches): &(AuthorId, Vec<(u32, Vec<u8>)>) = &sent[parent];
            for (seq, bytes) in batches {
                replica.merge(*author, *seq, bytes, &mut Vec::new());
            }
        }
        for Patch(at, deleted, inserted) in &txn.ops {
            replica.delete(*at..at + deleted);
            replica.insert(*at, inserted);
        }
        // Equal values for all, so that authors alone decide; see the cases' description.
        replica.commit_at(1, 0, Source::Typed);
        let mut batches = Vec::new();
        let mut seq = 0;
        loop {
            let mut bytes = Vec::new();
            let Some(next) = replica.log().batch_at(&me, seq, &mut bytes) else {
                break;
            };
            batches.push((seq, bytes));
            seq = next;
        }
        sent.push((me, batches));
    }
    let mut all = Document::new(BEN);
    for (author, batches) in &sent {
        for (seq, bytes) in batches {
            all.merge(*author, *seq, bytes);
        }
    }
    let caught_up = catch_up(&all.encode_history());
    all.rope() == &case.end_content && caught_up.rope() == all.rope()
}

/// Durations of several measures, in milliseconds.
#[derive(Default)]
struct Times(HashMap<&'static str, Vec<f64>>);

impl Times {
    /// Times one run.
    fn run<R>(&mut self, measure: &'static str, run: impl FnOnce() -> R) -> R {
        let begun = Instant::now();
        let result = run();
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        self.0.entry(measure).or_default().push(ms);
        result
    }

    /// The median of a measure, to the microsecond.
    fn median(&self, measure: &str) -> Option<f64> {
        let mut sorted = self.0.get(measure)?.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        Some((sorted[sorted.len() / 2] * 1e3).round() / 1e3)
    }
}
