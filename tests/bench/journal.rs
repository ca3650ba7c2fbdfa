//! What the journal writes while somebody types, as the system sees it.
//!
//! ```text
//! cargo build --release
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin journal -- target/release/collab-edit
//! ```
//!
//! Under strace (`apt-get install strace`), which is asked for the writes and syncs alone. Typed is for a
//! minute, at the pace of a quick typist and as fast as the terminal takes it. Printed are bytes written
//! for a key, syncs in a minute, the longest time from reading a key to having it appended, and the longest
//! from then until a sync has ended that began later.

mod harness;

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use harness::scratch::Scratch;
use harness::{is_installed, milliseconds, other_program};

/// How long is typed.
const TYPED: Duration = Duration::from_secs(60);

fn main() {
    let program = harness::program().to_str().expect("a path in UTF-8");
    assert!(is_installed("strace"), "strace is not installed");
    for (pace, gap) in [("10 keys a second", 100), ("100 keys a second", 10)] {
        let scratch = Scratch::new();
        let file = scratch.file("notes.md", "first line\n");
        let trace = scratch.path().join("trace");
        let [file, out] = [&file, &trace].map(|path| path.to_str().expect("a path in UTF-8"));
        let arguments = [
            "-f",
            "-ttt",
            "-T",
            "-e",
            "trace=read,pwrite64,fsync",
            "-o",
            out,
            program,
            file,
        ];
        let terminal = other_program("strace", &arguments, scratch.path()).terminal();
        terminal.wait_for_text("first line");
        let begun = Instant::now();
        let mut keys = 0;
        while begun.elapsed() < TYPED {
            terminal.type_text("x");
            keys += 1;
            let next = begun + Duration::from_millis(gap) * keys;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        terminal.keys("Ctrl-s");
        terminal.wait_for_text("Saved");
        drop(terminal);
        report(pace, keys, &trace);
    }
}

/// One line of the trace.
struct Call {
    process: u32,
    at: f64,
    what: String,
}

fn report(pace: &str, keys: u32, trace: &Path) {
    let trace = std::fs::read_to_string(trace).expect("a trace");
    let (mut bytes, mut syncs) = (0u64, 0);
    // When the key that has not been appended yet was read, what is not durable was appended, and the
    // sync of each thread began.
    let (mut read, mut appended, mut syncing) = (None, None, HashMap::new());
    let (mut to_append, mut to_sync) = (0f64, 0f64);
    for call in trace.lines().filter_map(parse) {
        let result = call
            .what
            .rsplit(" = ")
            .next()
            .and_then(|end| end.split(' ').next());
        if call.what.starts_with("read(") && call.what.contains("\"x\"") {
            read.get_or_insert(call.at);
        } else if call.what.starts_with("pwrite64(")
            || call.what.starts_with("<... pwrite64 resumed")
        {
            // A call that another thread's interrupts is in two lines, of which the second has the result.
            bytes += result
                .and_then(|bytes| bytes.parse::<u64>().ok())
                .unwrap_or(0);
            if let Some(read) = read.take() {
                to_append = to_append.max(call.at - read);
                appended.get_or_insert(call.at);
            }
        } else if call.what.starts_with("fsync(") {
            syncs += 1;
            syncing.insert(call.process, appended.take());
            if !call.what.contains("unfinished") {
                let took = call
                    .what
                    .rsplit('<')
                    .next()
                    .and_then(|took| took.strip_suffix('>'));
                let took = took
                    .and_then(|took| took.parse::<f64>().ok())
                    .unwrap_or(0.0);
                if let Some(Some(appended)) = syncing.remove(&call.process) {
                    to_sync = to_sync.max(call.at + took - appended);
                }
            }
        } else if call.what.starts_with("<... fsync resumed")
            && let Some(Some(appended)) = syncing.remove(&call.process)
        {
            to_sync = to_sync.max(call.at - appended);
        }
    }
    let minutes = TYPED.as_secs_f64() / 60.0;
    let ms = |seconds: f64| milliseconds(Duration::from_secs_f64(seconds));
    println!(
        "{pace}: {:.0} bytes a key, {:.0} syncs a minute; appended {} after the key at the latest, durable {} later",
        bytes as f64 / f64::from(keys),
        f64::from(syncs) / minutes,
        ms(to_append),
        ms(to_sync),
    );
}

/// `PROCESS SECONDS CALL`
fn parse(line: &str) -> Option<Call> {
    let (process, rest) = line.trim_start().split_once(' ')?;
    let (at, what) = rest.trim_start().split_once(' ')?;
    Some(Call {
        process: process.parse().ok()?,
        at: at.parse().ok()?,
        what: what.to_owned(),
    })
}
