//! How long a key takes to the other person's screen.
//!
//! ```text
//! cargo build --release
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin latency -- target/release/collab-edit
//! ```
//!
//! Two members on the loopback interface, each in a pseudo-terminal with an emulated screen, and, if
//! `tmux` and `nano` are installed, two clients of one `tmux` in which a `nano` runs: the usual way of
//! sharing an editor. For each key the time from writing it to the one terminal until the other's screen
//! shows it, the emulator's own work included. All of them take turns, [`ROUNDS`] times, so that what disturbs
//! one disturbs the other. Printed are p50 and p99 of each round, and of the round with the smallest.
//!
//! At two [`PACES`]: each key as soon as the one before is there, when processors are awake and have at hand what
//! they need; and as people type, when they have slept since.

mod harness;

use std::process::{Command, Stdio};
use std::time::Duration;

use harness::scratch::Scratch;
use harness::terminal::Terminal;
use harness::{is_installed, key_to_screen, milliseconds, other_program, pair, percentile};

/// The time between keys, and how many there are in a round.
const PACES: [(Duration, usize); 2] = [(Duration::ZERO, 240), (Duration::from_millis(100), 60)];

const ROUNDS: usize = 7;

/// Of all screens, rows first.
const SIZE: (u16, u16) = (24, 80);

fn main() {
    harness::program();
    let scratch = Scratch::new();
    let [ada, ben] = pair(&scratch, "first line\n", "first line", SIZE);
    let mut roads = vec![
        Road::new("collab-edit, host to joiner", &ada, &ben),
        Road::new("collab-edit, joiner to host", &ben, &ada),
    ];
    let scratch = Scratch::new();
    let socket = scratch.path().join("socket");
    let socket = socket.to_str().expect("a path in UTF-8");
    let tmux = ["tmux", "nano"]
        .iter()
        .all(|program| is_installed(program))
        .then(|| two_clients(&scratch, socket));
    match &tmux {
        Some([one, other]) => {
            roads.push(Road::new("tmux with nano, client to client", one, other));
        }
        None => println!("tmux with nano: not measured, tmux or nano is missing"),
    }
    for (pause, keys) in PACES {
        for _ in 0..ROUNDS {
            for road in &mut roads {
                road.measure(pause, keys);
            }
        }
        println!(
            "{ROUNDS} rounds of {keys} keys, {} apart:",
            milliseconds(pause)
        );
        for road in &mut roads {
            road.report();
        }
    }
    if tmux.is_some() {
        let _status = Command::new("tmux")
            .args(["-S", socket, "kill-server"])
            .stderr(Stdio::null())
            .status();
    }
}

/// Two clients of one tmux with a nano in it.
fn two_clients(scratch: &Scratch, socket: &str) -> [Terminal; 2] {
    let file = scratch.file("notes.md", "first line\n");
    let file = file.to_str().expect("a path in UTF-8");
    let common = ["-S", socket, "-f", "/dev/null"];
    let start = |arguments: &[&str]| {
        let arguments = [&common[..], arguments].concat();
        let launch = other_program("tmux", &arguments, scratch.path());
        let terminal = launch.size(SIZE.0, SIZE.1).terminal();
        terminal.wait_for_text("first line");
        terminal
    };
    [
        start(&["new-session", "nano", file]),
        start(&["attach-session"]),
    ]
}

/// A way from one keyboard to another's screen, and what was measured on it.
struct Road<'a> {
    what: &'static str,
    from: &'a Terminal,
    to: &'a Terminal,
    rounds: Vec<[Duration; 2]>,
}

impl<'a> Road<'a> {
    const fn new(what: &'static str, from: &'a Terminal, to: &'a Terminal) -> Self {
        Self {
            what,
            from,
            to,
            rounds: Vec::new(),
        }
    }

    fn measure(&mut self, pause: Duration, keys: usize) {
        let mut durations = key_to_screen(self.from, self.to, keys, pause);
        self.rounds
            .push([50, 99].map(|percent| percentile(&mut durations, percent)));
    }

    /// Prints the rounds since the last report.
    fn report(&mut self) {
        let rounds = std::mem::take(&mut self.rounds);
        let all = |which: usize| {
            let all = rounds.iter().map(|round| milliseconds(round[which]));
            all.collect::<Vec<_>>().join(" ")
        };
        println!("{}:", self.what);
        println!("  p50 {}, p99 {}", all(0), all(1));
        let least = |which: usize| rounds.iter().map(|round| round[which]).min();
        let [p50, p99] = [0, 1].map(|which| milliseconds(least(which).expect("a round")));
        println!("  least: p50 {p50}, p99 {p99}");
    }
}
