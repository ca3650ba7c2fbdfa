//! What large files cost: opened beside kakoune, joined over a link of a known speed, one line of 5 MB.
//!
//! ```text
//! cargo build --release
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin large -- target/release/collab-edit
//! ```
//!
//! Everything is started in a pseudo-terminal with an emulated screen, the same for both editors. Kakoune
//! (`apt-get install kakoune`) is left out if it is not there; the link of a known speed needs root and
//! iproute2. Printed are medians.

mod harness;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harness::launch::{CODE, Launch};
use harness::scratch::Scratch;
use harness::terminal::Terminal;
use harness::wait::until;
use harness::{is_installed, milliseconds, other_program, percentile, resident};

const BYTES: usize = 100_000_000;

/// How often each program opens the file, taking turns.
const RUNS: usize = 7;

/// The link's speed, in bits a second.
const LINK: u64 = 400_000_000;

/// The line that is much longer than a screen.
const LONG_LINE: usize = 5_000_000;

/// Keys of each kind in a line.
const KEYS: usize = 100;

fn main() {
    harness::program();
    let scratch = Scratch::new();
    let file = scratch.file("large.txt", text());
    open(&scratch, &file);
    join(&scratch, &file);
    scroll(&scratch);
}

/// From starting the process to the first line on the screen.
fn first_paint(launch: Launch, shown: &str) -> (Duration, Terminal) {
    let begun = Instant::now();
    let terminal = launch.terminal();
    terminal.wait_for_text(shown);
    (begun.elapsed(), terminal)
}

fn open(scratch: &Scratch, file: &Path) {
    let path = file.to_str().expect("a path in UTF-8");
    let state = keep(scratch, file);
    let launch = |kind: &str| match kind {
        "opened" => Some(Launch::edit(file)),
        "a kept session continued" => Some(Launch::edit(file).state(&state)),
        _ if is_installed("kak") => Some(other_program("kak", &["-n", path], scratch.path())),
        _ => None,
    };
    let kinds = ["opened", "a kept session continued", "kakoune"];
    let mut measured = kinds.map(|kind| (kind, Vec::new(), String::new()));
    for _ in 0..RUNS {
        for (kind, durations, memory) in &mut measured {
            let Some(launch) = launch(kind) else { continue };
            let (took, terminal) = first_paint(launch, "line 0 of");
            durations.push(took);
            *memory = resident(terminal.process());
        }
    }
    let [.., (_, kakoune, _)] = &mut measured;
    let kakoune = (!kakoune.is_empty()).then(|| percentile(kakoune, 50));
    for (kind, mut durations, memory) in measured {
        if durations.is_empty() {
            println!("{kind} is not installed: not compared");
            continue;
        }
        let median = percentile(&mut durations, 50);
        let ratio = kakoune.map_or(f64::NAN, |other| median.as_secs_f64() / other.as_secs_f64());
        println!(
            "{BYTES} bytes to the first screen, {kind}: {}, {ratio:.2} of kakoune's, resident {memory}",
            milliseconds(median)
        );
    }
}

/// Leaves a session of this file behind, as a crash does; where.
fn keep(scratch: &Scratch, file: &Path) -> PathBuf {
    let state = scratch.folder("state");
    let mut member = Launch::host(file).state(&state).code(CODE).headless();
    until("everything in the journal", || {
        let session = std::fs::read_dir(state.join("collab-edit/sessions"))
            .ok()?
            .next()?;
        let journal = session.ok()?.path().join("journal").metadata().ok()?;
        (journal.len() > BYTES as u64).then_some(())
    });
    // What follows the text is written with it, or at once.
    member.save();
    member.signal("KILL");
    member.wait_exit();
    state
}

fn join(scratch: &Scratch, file: &Path) {
    let host = Launch::host(file).name("Ada").code(CODE).headless();
    let address = host.address();
    joined(scratch, "loopback", |launch| launch, address);
    drop(host);

    let Some(link) = Link::new() else {
        println!("a link of a known speed needs root and iproute2: not measured");
        return;
    };
    let host = Launch::edit(file)
        .arg("--host")
        .arg("--listen")
        .arg("10.48.0.1:4700");
    let host = host.name("Ada").code(CODE).inside(&link.ends[0]).headless();
    host.expect_event("listening");
    let before = link.bytes();
    let took = joined(
        scratch,
        &format!("a link of {} Mbit/s", LINK / 1_000_000),
        |launch| launch.inside(&link.ends[1]),
        "10.48.0.1:4700".parse().expect("an address"),
    );
    let sent = link.bytes() - before;
    let least = Duration::from_secs_f64(sent as f64 * 8.0 / LINK as f64);
    println!(
        "{sent} bytes went over it, which take {} at its speed; ratio {:.2}",
        milliseconds(least),
        took.as_secs_f64() / least.as_secs_f64()
    );
}

/// From `--join` to the text on the screen; says so if no progress was shown.
fn joined(
    scratch: &Scratch,
    by: &str,
    place: impl Fn(Launch) -> Launch,
    address: SocketAddr,
) -> Duration {
    let copy = scratch
        .folder(&by.replace(['/', ' '], "-"))
        .join("large.txt");
    let launch = Launch::new(scratch.path())
        .arg("--join")
        .arg(address.to_string())
        .arg(copy);
    let launch = place(launch.name("Ben").code(CODE));
    let begun = Instant::now();
    let terminal = launch.terminal();
    let mut progress = false;
    until("the text on the screen", || {
        progress |= terminal.screen().contains(" %");
        terminal.find("line 0 of").map(drop)
    });
    let took = begun.elapsed();
    let progress = if progress { "shown" } else { "not shown" };
    println!(
        "{BYTES} bytes joined over {by}: {}, progress {progress}",
        milliseconds(took)
    );
    took
}

/// Keys in a line of 5 MB and in one of 80 characters, from the key to the screen.
fn scroll(scratch: &Scratch) {
    let long = "many words in one line, ".repeat(LONG_LINE / 24);
    let short = "many words in one line, ".repeat(3);
    let open = |name: &str, line: &str| {
        let text = format!("{line}\n").repeat(3);
        let terminal = Launch::edit(&scratch.file(name, text)).terminal().ready();
        terminal.wait_for_text("many words");
        terminal
    };
    let (long, short) = (open("long.txt", &long), open("short.txt", &short));
    println!("keys in a line of {LONG_LINE} bytes, and of 72, to the screen:");
    let kinds: [(&str, &str, &str); 6] = [
        ("typing at its start", "Ctrl-Home", "x"),
        ("typing at its end", "Ctrl-Home End", "x"),
        ("left at its end", "Ctrl-Home End", "Left"),
        ("right at its start", "Ctrl-Home", "Right"),
        ("its end and its start", "Ctrl-Home", "End Home"),
        ("down and up", "Ctrl-Home End", "Down Up"),
    ];
    for (what, first, keys) in kinds {
        let [long, short] = [&long, &short].map(|terminal| {
            terminal.keys(first);
            settle(terminal);
            let mut each: Vec<Duration> = keys
                .split(' ')
                .cycle()
                .take(KEYS)
                .map(|key| press(terminal, key))
                .collect();
            (percentile(&mut each, 50), percentile(&mut each, 99))
        });
        println!(
            "{what}: p50 {} and {} (ratio {:.1}), p99 {} and {}",
            milliseconds(long.0),
            milliseconds(short.0),
            long.0.as_secs_f64() / short.0.as_secs_f64(),
            milliseconds(long.1),
            milliseconds(short.1),
        );
    }
}

/// Until a key has changed what the screen shows, the cursor included.
fn press(terminal: &Terminal, key: &str) -> Duration {
    let shown = |terminal: &Terminal| (terminal.cursor(), terminal.screen());
    let before = shown(terminal);
    let begun = Instant::now();
    match key {
        "x" => terminal.type_text(key),
        key => terminal.keys(key),
    }
    until("the key on the screen", || {
        (shown(terminal) != before).then(|| begun.elapsed())
    })
}

/// Waits until nothing more is drawn.
fn settle(terminal: &Terminal) {
    let mut last = (String::new(), Instant::now());
    until("an end of drawing", || {
        let shown = terminal.screen();
        if shown != last.0 {
            last = (shown, Instant::now());
        }
        (last.1.elapsed() > Duration::from_millis(200)).then_some(())
    });
}

/// Words that look like a text, and do not compress to nothing.
fn text() -> String {
    let mut text = String::with_capacity(BYTES + 100);
    let mut state = 1u64;
    for line in 0.. {
        if text.len() >= BYTES {
            break;
        }
        text.push_str(&format!("line {line} of"));
        for _ in 0..8 {
            // xorshift (Marsaglia 2003)
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push_str(&format!(" {:x}", state >> 36));
        }
        text.push('\n');
    }
    text
}

/// Two network namespaces with a link of [`LINK`] between them; gone when dropped.
struct Link {
    ends: [String; 2],
}

impl Link {
    fn new() -> Option<Self> {
        let process = std::process::id();
        let ends = [0, 1].map(|end| format!("ce{process}-{end}"));
        if !ip(&["netns", "add", &ends[0]]) {
            return None;
        }
        let link = Self { ends };
        let [one, two] = &link.ends;
        let rate = format!("{LINK}bit");
        let made = ip(&["netns", "add", two])
            && ip(&[
                "-n", one, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns",
                two,
            ])
            && [one, two].into_iter().zip(1..).all(|(end, number)| {
                let address = format!("10.48.0.{number}/24");
                ip(&["-n", end, "addr", "add", &address, "dev", "eth0"])
                    && ip(&["-n", end, "link", "set", "lo", "up"])
                    && ip(&["-n", end, "link", "set", "eth0", "up"])
                    && run(
                        "tc",
                        &[
                            "-n", end, "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", &rate,
                            "burst", "256kb", "latency", "50ms",
                        ],
                    )
            });
        made.then_some(link)
    }

    /// What has gone from the first end to the second.
    fn bytes(&self) -> u64 {
        let sent = Command::new("ip")
            .args([
                "netns",
                "exec",
                &self.ends[0],
                "cat",
                "/sys/class/net/eth0/statistics/tx_bytes",
            ])
            .output()
            .expect("a link");
        let sent = String::from_utf8_lossy(&sent.stdout);
        sent.trim().parse().expect("a number of bytes")
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        for end in &self.ends {
            ip(&["netns", "del", end]);
        }
    }
}

fn ip(arguments: &[&str]) -> bool {
    run("ip", arguments)
}

fn run(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
