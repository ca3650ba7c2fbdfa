//! The end-to-end tests' harness, by path: what is measured is started exactly as what is tested.

// Each tool needs a part of the harness, the tests need all of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

#[path = "../it/headless.rs"]
pub(crate) mod headless;
#[path = "../it/keyboard.rs"]
pub(crate) mod keyboard;
#[path = "../it/launch.rs"]
pub(crate) mod launch;
#[path = "../it/scratch.rs"]
pub(crate) mod scratch;
#[path = "../it/terminal.rs"]
pub(crate) mod terminal;
#[path = "../it/wait.rs"]
pub(crate) mod wait;

use launch::{CODE, Launch};
use scratch::Scratch;
use terminal::Terminal;
use wait::until;

/// The binary to measure: the first argument, made absolute, because members start in folders of
/// their own. Ends the tool with 2 if there is none.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let given = std::env::args_os().nth(1).map(PathBuf::from);
        match given.as_ref().map(|path| path.canonicalize()) {
            Some(Ok(path)) => path,
            _ => {
                eprintln!("the first argument must be the path of a collab-edit binary");
                std::process::exit(2);
            }
        }
    })
}

/// Another program than the binary to measure, with these arguments.
pub(crate) fn other_program(program: &str, arguments: &[&str], folder: &Path) -> Launch {
    let mut launch = Launch::new(folder);
    launch.program = PathBuf::from(program);
    arguments
        .iter()
        .fold(launch, |launch, argument| launch.arg(argument))
}

/// Whether this program is on the path.
pub(crate) fn is_installed(program: &str) -> bool {
    std::process::Command::new("sh")
        .arg("-c")
        .arg(format!("command -v {program}"))
        .stdout(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A host and a joiner at screens of this size, both showing `shown`.
pub(crate) fn pair(
    scratch: &Scratch,
    text: &str,
    shown: &str,
    (rows, columns): (u16, u16),
) -> [Terminal; 2] {
    let file = scratch.file("ada/notes.md", text);
    let copy = scratch.folder("ben").join("notes.md");
    let ada = Launch::host(&file)
        .name("Ada")
        .code(CODE)
        .size(rows, columns);
    let ada = ada.terminal().ready();
    ada.wait_for_text(shown);
    let address = ada.address(&[]);
    let ben = Launch::join(address, &copy).name("Ben").code(CODE);
    let ben = ben.size(rows, columns).terminal().ready();
    ben.wait_for_text(shown);
    ada.wait_for_text("Ben");
    [ada, ben]
}

/// A character that stands on no editor's screen by itself.
const KEY: &str = "@";

/// How many keys stand in one line of a screen of 80 columns.
const LINE: usize = 60;

/// Types so many keys at one terminal, each once the one before is on the other's screen and `pause` has
/// passed; for each the time until it was there. In blank lines, opened above the cursor's one after the other
/// and deleted again; both screens show the same part of the text.
pub(crate) fn key_to_screen(
    from: &Terminal,
    to: &Terminal,
    keys: usize,
    pause: Duration,
) -> Vec<Duration> {
    let mut durations = Vec::new();
    while durations.len() < keys {
        line_to_screen(
            from,
            to,
            LINE.min(keys - durations.len()),
            pause,
            &mut durations,
        );
    }
    durations
}

fn line_to_screen(
    from: &Terminal,
    to: &Terminal,
    keys: usize,
    pause: Duration,
    durations: &mut Vec<Duration>,
) {
    let count = |terminal: &Terminal| terminal.screen().matches(KEY).count();
    let both = |what: &str, keys: usize| {
        until(what, || {
            (count(from) == keys && count(to) == keys).then_some(())
        });
    };
    let before = count(from);
    from.keys("Home Enter Up");
    from.type_text(KEY);
    both("the first key on both screens", before + 1);
    // The screen is looked at in one cell, so that looking costs nothing.
    let (row, behind) = from.cursor();
    for number in 0..keys as u16 {
        std::thread::sleep(pause);
        let begun = Instant::now();
        from.type_text(KEY);
        // Not when this thread has woken to see it: that depends on what else the processors have to do.
        let shown = until("the key on the other screen", || {
            to.shown_at(row, behind + number, KEY)
        });
        durations.push(shown - begun);
    }
    // One's own screen may be drawn after the other's.
    both("both screens to be alike", before + 1 + keys);
    from.keys("Ctrl-k");
    both("the line to be gone", before);
}

/// The duration at this percentile, by nearest rank. `durations` is not empty.
pub(crate) fn percentile(durations: &mut [Duration], percent: usize) -> Duration {
    durations.sort();
    let rank = (durations.len() * percent).div_ceil(100).max(1);
    durations[rank - 1]
}

/// A duration in milliseconds, as people compare them.
pub(crate) fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

/// How often each thread of a process has gone to sleep and been woken so far (proc(5)), by its number.
pub(crate) fn wake_ups(process: u32) -> BTreeMap<u64, u64> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).expect("a live process");
    let of_task = |task: std::io::Result<std::fs::DirEntry>| {
        let task = task.ok()?;
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        let number = task.file_name().to_str()?.parse().ok()?;
        Some((number, line?.trim().parse().ok()?))
    };
    tasks.filter_map(of_task).collect()
}

/// How often threads have been woken between two of these. One that has ended in between was woken to end.
pub(crate) fn woken(before: &BTreeMap<u64, u64>, after: &BTreeMap<u64, u64>) -> u64 {
    let ended = before.keys().filter(|thread| !after.contains_key(thread));
    let since = after
        .iter()
        .map(|(thread, count)| count - before.get(thread).unwrap_or(&0));
    ended.count() as u64 + since.sum::<u64>()
}

/// Resident memory as the kernel words it.
pub(crate) fn resident(process: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.expect("a live process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.expect("a resident size").trim().to_owned()
}

/// A text of at least so many bytes that is code in Rust.
pub(crate) fn code(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 400);
    for number in 0.. {
        if text.len() >= bytes {
            break;
        }
        text += &format!(
            "/// Adds {number} to what it is given.\nfn function_{number}(value: u64) -> Option<u64> {{\n    let \
             name = \"value number {number}\";\n    match value {{\n        0 => None, // nothing to add to\n        \
             value => value.checked_add({number} + name.len() as u64),\n    }}\n}}\n\n"
        );
    }
    text
}
