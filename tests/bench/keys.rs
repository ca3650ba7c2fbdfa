//! How quickly a key is on one's own screen in a large file, alone and while others type.
//!
//! ```text
//! cargo build --release
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin keys -- target/release/collab-edit
//! ```
//!
//! A file of 10 MB of code in Rust on a screen of 120 × 30, in the middle of it. [`KEYS`] keys, one each
//! 40 ms: first alone, then while eight headless members type ten keys a second each, all over the file, every fourth
//! of them in the lines that are on the screen. For each key the time from writing it to the terminal until the
//! screen shows it. Printed are p50, p99 and the most.

mod harness;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use harness::launch::{CODE, Launch};
use harness::scratch::Scratch;
use harness::terminal::Terminal;
use harness::{code, key_to_screen, milliseconds, percentile};

const BYTES: usize = 10_000_000;

const KEYS: usize = 200;

const OTHERS: usize = 8;

/// Between two keys of one's own, and of each of the others.
const PACE: Duration = Duration::from_millis(40);
const THEIR_PACE: Duration = Duration::from_millis(100);

fn main() {
    harness::program();
    let scratch = Scratch::new();
    let text = code(BYTES);
    let line = text.lines().count() / 2;
    let middle: usize = text.lines().take(line).map(|line| line.len() + 1).sum();
    let file = scratch.file("ada/code.rs", &text);
    let ada = Launch::host(&file).name("Ada").code(CODE).terminal();
    let ada = ada.ready();
    ada.wait_for_text("fn function_0");
    let address = ada.address(&[]);
    ada.keys("Ctrl-g");
    ada.wait_for_text("Go to line");
    ada.type_text(&format!("{line}\r"));
    ada.wait_for_text(&format!("{line} "));
    report("alone", &ada);

    let others: Vec<_> = (0..OTHERS)
        .map(|number| {
            let copy = scratch.folder(&format!("other{number}")).join("code.rs");
            let name = format!("Other {number}");
            let other = Launch::join(address, &copy).name(&name).code(CODE);
            other.headless()
        })
        .collect();
    for other in &others {
        other.expect_event("joined");
    }
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for (number, mut other) in others.into_iter().enumerate() {
            let over = &over;
            scope.spawn(move || {
                let begun = Instant::now();
                for key in 0u32.. {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    // Where nobody else types; every fourth one where it is seen.
                    let at = match key % 4 {
                        0 => middle - 200 - 40 * number,
                        _ => BYTES / (OTHERS + 1) * number,
                    };
                    other.insert(at, "y");
                    std::thread::sleep((THEIR_PACE * (key + 1)).saturating_sub(begun.elapsed()));
                }
            });
        }
        report("while eight others type", &ada);
        over.store(true, Ordering::Relaxed);
    });
}

fn report(what: &str, terminal: &Terminal) {
    let mut durations = key_to_screen(terminal, terminal, KEYS, PACE);
    println!(
        "key to own screen, {} MB of code, {what}: p50 {}, p99 {}, most {} ({KEYS} keys)",
        BYTES / 1_000_000,
        milliseconds(percentile(&mut durations, 50)),
        milliseconds(percentile(&mut durations, 99)),
        milliseconds(percentile(&mut durations, 100)),
    );
}
