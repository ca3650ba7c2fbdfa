//! The end-to-end tests' harness, by path: what is measured is started exactly as what is tested.

// Each tool needs a part of the harness, the tests need all of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

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
pub(crate) fn pair(scratch: &Scratch, text: &str, shown: &str, columns: u16) -> [Terminal; 2] {
    let file = scratch.file("ada/notes.md", text);
    let copy = scratch.folder("ben").join("notes.md");
    let ada = Launch::host(&file).name("Ada").code(CODE).size(30, columns);
    let ada = ada.terminal().ready();
    ada.wait_for_text(shown);
    let address = ada.address(&[]);
    let ben = Launch::join(address, &copy).name("Ben").code(CODE);
    let ben = ben.size(30, columns).terminal().ready();
    ben.wait_for_text(shown);
    ada.wait_for_text("Ben");
    [ada, ben]
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

/// Resident memory as the kernel words it.
pub(crate) fn resident(process: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.expect("a live process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.expect("a resident size").trim().to_owned()
}
