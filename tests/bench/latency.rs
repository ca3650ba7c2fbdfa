//! How long a key takes to the other person's screen.
//!
//! ```text
//! cargo build --release
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin latency -- target/release/collab-edit
//! ```
//!
//! Two members on the loopback interface, each in a pseudo-terminal with an emulated screen. 200
//! keys; for each the time from writing it to the one terminal until the other's screen shows it,
//! the emulator's own work included. Printed are p50 and p99. If `tmux` and `nano` are installed,
//! the same is done with two clients of one `tmux` in which a `nano` runs: the usual way of sharing
//! an editor.

mod harness;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harness::scratch::Scratch;
use harness::terminal::Terminal;
use harness::wait::until;
use harness::{is_installed, milliseconds, other_program, pair, percentile};

const KEYS: usize = 200;

/// Wide enough that all keys stand in one line, whatever stands beside it.
const COLUMNS: u16 = 250;

/// A character that stands on neither editor's screen by itself.
const KEY: &str = "@";

fn main() {
    harness::program();
    let scratch = Scratch::new();
    let [ada, ben] = pair(&scratch, "first line\n", "first line", COLUMNS);
    ada.keys("Ctrl-End");
    report("collab-edit, host to joiner", &ada, &ben);
    ben.keys("Ctrl-Home");
    report("collab-edit, joiner to host", &ben, &ada);
    drop((ada, ben));

    if ["tmux", "nano"].iter().all(|program| is_installed(program)) {
        measure_tmux();
    } else {
        println!("tmux with nano: not measured, tmux or nano is missing");
    }
}

fn measure_tmux() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "first line\n");
    let socket = scratch.path().join("socket");
    let socket = socket.to_str().expect("a path in UTF-8");
    let file = file.to_str().expect("a path in UTF-8");
    let common = ["-S", socket, "-f", "/dev/null"];
    let start = |arguments: &[&str]| {
        let arguments = [&common[..], arguments].concat();
        let launch = other_program("tmux", &arguments, scratch.path());
        let terminal = launch.size(30, COLUMNS).terminal();
        terminal.wait_for_text("first line");
        terminal
    };
    let ada = start(&["new-session", "nano", file]);
    let ben = start(&["attach-session"]);
    report("tmux with nano, client to client", &ada, &ben);
    let _status = Command::new("tmux")
        .args(common)
        .arg("kill-server")
        .stderr(Stdio::null())
        .status();
}

/// Types the keys at one terminal, watches the other, and prints the percentiles.
fn report(what: &str, from: &Terminal, to: &Terminal) {
    let shown = |terminal: &Terminal| terminal.screen().matches(KEY).count();
    // One's own screen may be drawn after the other's.
    let before = until("both screens to be alike", || {
        let shown = (shown(from), shown(to));
        (shown.0 == shown.1).then_some(shown.1)
    });
    let mut durations: Vec<Duration> = (1..=KEYS)
        .map(|number| {
            let begun = Instant::now();
            from.type_text(KEY);
            until("the key on the other screen", || {
                (shown(to) == before + number).then(|| begun.elapsed())
            })
        })
        .collect();
    println!(
        "{what}: p50 {}, p99 {} ({KEYS} keys)",
        milliseconds(percentile(&mut durations, 50)),
        milliseconds(percentile(&mut durations, 99)),
    );
}
