//! From starting the process to the text on the screen, for a file of one line.
//!
//! ```text
//! cargo build --release
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin startup -- target/release/collab-edit
//! ```
//!
//! Alone, as a host, and with a kept session of 20,000 edits that is continued; beside kakoune and nano where
//! they are installed (`apt-get install kakoune nano`). Each in a pseudo-terminal with an emulated screen,
//! taking turns; printed are medians.

mod harness;

use std::path::Path;
use std::time::{Duration, Instant};

use harness::launch::{CODE, Launch};
use harness::scratch::Scratch;
use harness::{is_installed, milliseconds, other_program, percentile};

const RUNS: usize = 31;

/// Edits of the session that is continued.
const EDITS: usize = 20_000;

fn main() {
    harness::program();
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "first line\n");
    let path = file.to_str().expect("a path in UTF-8");
    let (kept, state) = (
        scratch.file("kept/notes.md", "first line\n"),
        scratch.folder("state"),
    );
    keep(&kept, &state);

    let other = |program: &'static str, arguments: &[&str]| {
        is_installed(program).then(|| other_program(program, arguments, scratch.path()))
    };
    let mut measured: Vec<(&str, Vec<Duration>)> = Vec::new();
    for _ in 0..RUNS {
        let launches = [
            ("collab-edit", Some(Launch::edit(&file))),
            ("collab-edit --host", Some(Launch::host(&file).code(CODE))),
            (
                "collab-edit, 20,000 edits kept",
                Some(Launch::edit(&kept).state(&state).code(CODE)),
            ),
            ("kakoune", other("kak", &["-n", path])),
            ("nano", other("nano", &["--ignorercfiles", path])),
        ];
        for (number, (name, launch)) in launches.into_iter().enumerate() {
            if measured.len() == number {
                measured.push((name, Vec::new()));
            }
            let Some(launch) = launch else { continue };
            let begun = Instant::now();
            let mut terminal = launch.terminal();
            terminal.wait_for_text("first line");
            measured[number].1.push(begun.elapsed());
            // What ends without a word leaves its journal to the next one.
            terminal.signal("KILL");
            terminal.wait_exit();
        }
    }
    for (name, mut durations) in measured {
        if durations.is_empty() {
            println!("{name}: not installed");
        } else {
            println!("{name}: {}", milliseconds(percentile(&mut durations, 50)));
        }
    }
}

/// Leaves a session with many edits.
fn keep(file: &Path, state: &Path) {
    let mut member = Launch::host(file).state(state).code(CODE).headless();
    for edit in 0..EDITS {
        // Elsewhere each time, so that no two are one.
        member.insert(11 + edit / 2, if edit % 2 == 0 { "x" } else { "y" });
    }
    member.text();
    member.save();
    member.signal("KILL");
    member.wait_exit();
}
