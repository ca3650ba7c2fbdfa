//! What a session costs as it grows: all members type, on one machine.
//!
//! ```text
//! cargo build --release
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin scale -- target/release/collab-edit 4 8 16 32
//! ```
//!
//! For each number of members: so many headless members on the loopback interface, each typing 10
//! keys a second for a minute (`SCALE_SECONDS` in the environment changes that). Every key is a character
//! of its own. The last member is asked for its text every 10 ms; a key is delivered when it is in
//! there, so a delivery time holds up to that and one such round trip too much. Printed are p50 and p99 of
//! the delivery of all other members' keys, resident memory and processor time of a member (the
//! mean), and bytes through the loopback interface for each key and each member that it went to
//! (everything counted: sealing, TCP and IP, heads and pings).
//!
//! Bytes of other programs count as well: in a namespace of its own (`unshare -rn sh -c 'ip link set lo up;
//! …'`) there are none.
//!
//! With `SCALE_PLOT=docs/plots/scale.svg` in the environment the figures are drawn there as well.
//!
//! All members share this machine's cores: beyond a few members the figures are those of that
//! machine's processor more than of the mesh.

mod harness;
mod panels;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use harness::headless::{Headless, settle};
use harness::launch::{CODE, Launch, processor_ticks};
use harness::scratch::Scratch;
use harness::wait::lock;
use harness::{milliseconds, percentile, resident};
use panels::Panel;

/// From one key to the next of one member.
const KEY: Duration = Duration::from_millis(100);

/// How often the last member is asked for its text: more often would measure the asking.
const LOOK: Duration = Duration::from_millis(10);

/// How long the last edits may take to be everywhere.
const SETTLED: Duration = Duration::from_secs(120);

/// The first of the characters that stand for keys: the private planes have 131,068.
const FIRST: u32 = 0xf_0000;

fn main() {
    harness::program();
    let seconds = std::env::var("SCALE_SECONDS").map_or(60, |text| text.parse().expect("seconds"));
    let sizes: Vec<usize> = std::env::args()
        .skip(2)
        .map(|text| text.parse().expect("a number of members"))
        .collect();
    println!("members | keys | delivery p50 | p99 | resident | processor | bytes a key and member");
    let how_long = Duration::from_secs(seconds);
    let measured: Vec<Figures> = sizes
        .into_iter()
        .map(|size| measure(size, how_long))
        .collect();
    if let Some(path) = std::env::var_os("SCALE_PLOT") {
        std::fs::write(path, plot(&measured)).expect("a file that can be written");
    }
}

/// What a session of so many members costs.
struct Figures {
    size: usize,
    /// Delivery, half and 99 of a hundred, in ms.
    half: f64,
    most: f64,
    /// Of a member: memory in MB, processor in ms a second.
    resident: f64,
    processor: f64,
    /// For each key and each member that it went to.
    bytes: f64,
}

fn plot(measured: &[Figures]) -> String {
    let numbers: Vec<f64> = measured.iter().map(|figures| figures.size as f64).collect();
    let line = |of: fn(&Figures) -> f64| measured.iter().map(of).collect::<Vec<f64>>();
    let panel = |title, unit, lines| Panel { title, unit, lines };
    let panels = [
        panel(
            "Delivery of a key",
            "ms",
            vec![("p99", line(|f| f.most)), ("p50", line(|f| f.half))],
        ),
        panel("Memory of a member", "MB", vec![("", line(|f| f.resident))]),
        panel(
            "Processor of a member",
            "ms a second",
            vec![("", line(|f| f.processor))],
        ),
        panel(
            "A key to one member",
            "bytes",
            vec![("", line(|f| f.bytes))],
        ),
    ];
    panels::draw("members, all typing", &numbers, &panels)
}

fn measure(size: usize, how_long: Duration) -> Figures {
    let scratch = Scratch::new();
    let mut members = mesh(&scratch, size);
    let ticks = |members: &[Headless]| -> u64 {
        let used = members
            .iter()
            .map(|member| processor_ticks(member.process()));
        used.sum()
    };
    let (ticks_before, bytes_before) = (ticks(&members), loopback_bytes());
    let typed = Mutex::new(HashMap::new());
    let (watcher, typists) = members.split_last_mut().expect("members");
    let keys = rounds(how_long) * typists.len() as u32;
    let mut delivered = std::thread::scope(|scope| {
        scope.spawn(|| all_type(typists, &typed, how_long));
        watch(watcher, &typed, keys)
    });
    let text = settle(SETTLED, &mut members);
    let (ticks_after, bytes_after) = (ticks(&members), loopback_bytes());
    assert_eq!(
        text.chars().count(),
        keys as usize,
        "a key is missing or doubled"
    );
    let resident: u64 = members
        .iter()
        .map(|member| kilobytes(member.process()))
        .sum();
    let (half, most) = (
        percentile(&mut delivered, 50),
        percentile(&mut delivered, 99),
    );
    let figures = Figures {
        size,
        half: half.as_secs_f64() * 1e3,
        most: most.as_secs_f64() * 1e3,
        resident: resident as f64 / 1e3 / size as f64,
        processor: (ticks_after - ticks_before) as f64 * 10.0
            / size as f64
            / how_long.as_secs_f64(),
        bytes: (bytes_after - bytes_before) as f64 / f64::from(keys) / (size - 1) as f64,
    };
    println!(
        "{size} | {keys} | {} | {} | {:.1} MB | {:.0} ms/s | {:.0}",
        milliseconds(half),
        milliseconds(most),
        figures.resident,
        figures.processor,
        figures.bytes,
    );
    figures
}

/// Members that are all linked.
fn mesh(scratch: &Scratch, size: usize) -> Vec<Headless> {
    let file = scratch.folder("m0").join("keys.txt");
    let host = Launch::host(&file).name("m0").code(CODE).headless();
    let address = host.address();
    let mut members = vec![host];
    for number in 1..size {
        let name = format!("m{number}");
        let copy = scratch.folder(&name).join("keys.txt");
        let member = Launch::join(address, &copy)
            .name(&name)
            .code(CODE)
            .headless();
        member.expect_event("joined");
        members.push(member);
    }
    for (one, member) in members.iter().enumerate() {
        for other in (0..size).filter(|other| *other != one) {
            member.wait_member(&format!("m{other}"), "connected");
        }
    }
    members
}

fn rounds(how_long: Duration) -> u32 {
    (how_long.as_millis() / KEY.as_millis()) as u32
}

/// All type at the start of the text; when each key was typed goes to `typed`.
fn all_type(members: &mut [Headless], typed: &Mutex<HashMap<char, Instant>>, how_long: Duration) {
    let start = Instant::now();
    let count = members.len() as u32;
    for round in 0..rounds(how_long) {
        for (number, member) in (0..).zip(members.iter_mut()) {
            // Spread over the round, as people are.
            let due = start + KEY * round + KEY * number / count;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let key = char::from_u32(FIRST + round * count + number).expect("a private character");
            lock(typed).insert(key, Instant::now());
            member.insert(0, &key.to_string());
        }
    }
}

/// How long each of so many keys took to this member.
fn watch(member: &mut Headless, typed: &Mutex<HashMap<char, Instant>>, keys: u32) -> Vec<Duration> {
    let mut delivered = Vec::new();
    let mut seen = vec![false; keys as usize];
    while delivered.len() < keys as usize {
        std::thread::sleep(LOOK);
        let text = member.text();
        let now = Instant::now();
        for key in text.chars() {
            let number = (u32::from(key) - FIRST) as usize;
            if !std::mem::replace(&mut seen[number], true) {
                delivered.push(now - lock(typed)[&key]);
            }
        }
    }
    delivered
}

fn kilobytes(process: u32) -> u64 {
    let resident = resident(process);
    let digits = resident.split_whitespace().next();
    digits
        .and_then(|digits| digits.parse().ok())
        .expect("a size")
}

/// Bytes that have gone through the loopback interface.
fn loopback_bytes() -> u64 {
    let table = std::fs::read_to_string("/proc/net/dev").expect("the interfaces");
    let line = table
        .lines()
        .find_map(|line| line.trim().strip_prefix("lo:"));
    let first = line.and_then(|line| line.split_whitespace().next());
    first
        .and_then(|bytes| bytes.parse().ok())
        .expect("a loopback interface")
}
