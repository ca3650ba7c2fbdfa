//! How long a newcomer waits for a large document.
//!
//! ```text
//! cargo build --release
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin join -- target/release/collab-edit
//! ```
//!
//! A headless host on the loopback interface with a file of 10 MB. Measured are the time from
//! starting `--join` until the first line stands on the screen, and, headless, until `joined`:
//! medians of five, each with a process of its own.

mod harness;

use std::time::{Duration, Instant};

use harness::launch::{CODE, Launch};
use harness::scratch::Scratch;
use harness::{milliseconds, percentile};

const BYTES: usize = 10_000_000;

const RUNS: usize = 5;

fn main() {
    harness::program();
    let scratch = Scratch::new();
    let file = scratch.file("ada/large.txt", text());
    let ada = Launch::host(&file).name("Ada").code(CODE).headless();
    let address = ada.address();
    let join = |run: String| {
        let copy = scratch.folder(&run).join("large.txt");
        Launch::join(address, &copy).name(&run).code(CODE)
    };

    let to_screen = (0..RUNS).map(|run| {
        let launch = join(format!("screen{run}"));
        let begun = Instant::now();
        let member = launch.terminal();
        member.wait_for_text("line 0 of");
        begun.elapsed()
    });
    report("--join to text on the screen", to_screen);

    let to_joined = (0..RUNS).map(|run| {
        let launch = join(format!("headless{run}"));
        let begun = Instant::now();
        let member = launch.headless();
        member.expect_event("joined");
        begun.elapsed()
    });
    report("--join to joined, headless", to_joined);
}

fn report(what: &str, durations: impl Iterator<Item = Duration>) {
    let mut durations: Vec<Duration> = durations.collect();
    let median = percentile(&mut durations, 50);
    println!(
        "{what}: median {} of {RUNS}, {BYTES} bytes",
        milliseconds(median)
    );
}

fn text() -> String {
    let mut text = String::with_capacity(BYTES + 100);
    for line in 0.. {
        if text.len() >= BYTES {
            break;
        }
        text.push_str(&format!(
            "line {line} of a document that is much too long to be read\n"
        ));
    }
    text
}
