//! What text structures take for the patches of recorded editing sessions, with nothing beside them: what is the rope's
//! own of an edit, and what another one would take.
//!
//! ```text
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin ropes -- ../shared/traces/*.json.gz
//! ```
//!
//! Medians of [`RUNS`] runs in milliseconds, the structures taking turns. crop counts bytes, and is given them: what it
//! would take to find them is left out. jumprope can be neither shared nor asked for lines.

#[expect(dead_code, reason = "sequential traces only")]
mod recorded;

use std::ops::Range;
use std::time::Instant;

use jumprope::JumpRope;
use recorded::{Recorded, Sequential};

const RUNS: usize = 15;

/// A patch in characters and in bytes.
struct Edit<'a> {
    chars: Range<usize>,
    bytes: Range<usize>,
    text: &'a str,
}

fn main() {
    println!("| | ropey | crop | jumprope |");
    println!("|---|--:|--:|--:|");
    for file in std::env::args().skip(1) {
        let Ok(Recorded::Sequential(trace)) = recorded::read(file.as_ref()) else {
            continue;
        };
        let name = file
            .rsplit('/')
            .next()
            .and_then(|name| name.split('.').next());
        let [ropey, crop, jumprope] = medians(&trace);
        let times = |ms: f64| ms / ropey;
        println!(
            "| {} | {ropey:.1} | {crop:.1} ({:.2}) | {jumprope:.1} ({:.2}) |",
            name.unwrap_or(&file),
            times(crop),
            times(jumprope),
        );
    }
}

fn medians(trace: &Sequential) -> [f64; 3] {
    let (start, end) = (&*trace.start_content, &*trace.end_content);
    let edits = edits(trace);
    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..RUNS {
        let [ropey, crop, jumprope] = &mut times;
        assert_eq!(timed(ropey, || with_ropey(start, &edits)), end);
        assert_eq!(timed(crop, || with_crop(start, &edits)), end);
        assert!(timed(jumprope, || with_jumprope(start, &edits)) == *end);
    }
    times.map(|mut times| {
        times.sort_unstable_by(f64::total_cmp);
        times[RUNS / 2]
    })
}

fn timed<T>(times: &mut Vec<f64>, run: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let text = run();
    times.push(begun.elapsed().as_secs_f64() * 1e3);
    text
}

fn edits(trace: &Sequential) -> Vec<Edit<'_>> {
    let mut rope = ropey::Rope::from_str(&trace.start_content);
    let patches = trace.txns.iter().flat_map(|txn| &txn.patches);
    let edit = |patch| {
        let recorded::Patch(at, deleted, text): &recorded::Patch = patch;
        let chars = *at..*at + deleted;
        let bytes = rope.char_to_byte(chars.start)..rope.char_to_byte(chars.end);
        rope.remove(chars.clone());
        rope.insert(*at, text);
        Edit { chars, bytes, text }
    };
    patches.map(edit).collect()
}

fn with_ropey(start: &str, edits: &[Edit<'_>]) -> ropey::Rope {
    let remove = |rope: &mut ropey::Rope, edit: &Edit<'_>| rope.remove(edit.chars.clone());
    let insert = |rope: &mut ropey::Rope, edit: &Edit<'_>| rope.insert(edit.chars.start, edit.text);
    replay(ropey::Rope::from_str(start), edits, remove, insert)
}

fn with_crop(start: &str, edits: &[Edit<'_>]) -> crop::Rope {
    let remove = |rope: &mut crop::Rope, edit: &Edit<'_>| rope.delete(edit.bytes.clone());
    let insert = |rope: &mut crop::Rope, edit: &Edit<'_>| rope.insert(edit.bytes.start, edit.text);
    replay(crop::Rope::from(start), edits, remove, insert)
}

fn with_jumprope(start: &str, edits: &[Edit<'_>]) -> JumpRope {
    let remove = |rope: &mut JumpRope, edit: &Edit<'_>| rope.remove(edit.chars.clone());
    let insert = |rope: &mut JumpRope, edit: &Edit<'_>| rope.insert(edit.chars.start, edit.text);
    replay(JumpRope::from(start), edits, remove, insert)
}

fn replay<R>(
    mut rope: R,
    edits: &[Edit<'_>],
    remove: impl Fn(&mut R, &Edit<'_>),
    insert: impl Fn(&mut R, &Edit<'_>),
) -> R {
    for edit in edits {
        if !edit.chars.is_empty() {
            remove(&mut rope, edit);
        }
        if !edit.text.is_empty() {
            insert(&mut rope, edit);
        }
    }
    rope
}
