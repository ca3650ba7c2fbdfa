//! How long it takes from the start to the first picture, beside nano.
//!
//! ```text
//! cargo build --release
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin paint -- target/release/collab-edit
//! ```
//!
//! A file of some lines on a screen of 80 × 24. From before the process is made until its first line is on the
//! screen; the two take turns. Printed are medians.

mod harness;

use std::time::{Duration, Instant};

use harness::launch::Launch;
use harness::scratch::Scratch;
use harness::{is_installed, milliseconds, other_program, percentile};

const RUNS: usize = 41;

fn main() {
    harness::program();
    let scratch = Scratch::new();
    let text = "the first line\nand another\n".repeat(9);
    let file = scratch.file("notes.md", &text);
    let path = file.to_str().expect("a path in UTF-8");
    let nano = is_installed("nano");
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..RUNS {
        ours.push(paint(Launch::edit(&file)));
        if nano {
            theirs.push(paint(other_program(
                "nano",
                &["--ignorercfiles", path],
                scratch.path(),
            )));
        }
    }
    let median = percentile(&mut ours, 50);
    println!("collab-edit: first picture after {}", milliseconds(median));
    if nano {
        let other = percentile(&mut theirs, 50);
        let ratio = median.as_secs_f64() / other.as_secs_f64();
        println!("nano: {}; {ratio:.2} times that", milliseconds(other));
    }
}

fn paint(launch: Launch) -> Duration {
    let launch = launch.size(24, 80);
    let begun = Instant::now();
    let terminal = launch.terminal();
    terminal.wait_for_text("the first line");
    begun.elapsed()
}
