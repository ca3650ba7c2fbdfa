//! What a member costs while nobody types, and what a key costs the terminal.
//!
//! ```text
//! cargo build --release
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin idle -- target/release/collab-edit
//! ```
//!
//! A member alone with a file of 1 MB of code, and a host and a joiner with a small one, on screens of 80 × 24,
//! at rest. For each: resident memory, processor time (in ticks of 10 ms) and how often its threads were
//! woken in [`WATCHED`]. Then the bytes that 200 keys in the middle of the code bring to the terminal.

mod harness;

use std::time::Duration;

use harness::launch::{CODE, Launch, processor_ticks};
use harness::scratch::Scratch;
use harness::terminal::Terminal;
use harness::{code, resident, wake_ups, woken};

const WATCHED: Duration = Duration::from_secs(12);

/// How long a program is left alone first, so that what follows a key is over: its idle threads end after ten seconds.
const SETTLES: Duration = Duration::from_secs(12);

const KEYS: usize = 200;

fn main() {
    harness::program();
    let scratch = Scratch::new();
    let file = scratch.file("large/code.rs", code(1_000_000));
    let solo = Launch::edit(&file).size(24, 80).terminal().ready();
    solo.wait_for_text("fn function_0");
    solo.keys("Ctrl-g");
    solo.wait_for_text("Go to line");
    solo.type_text("9000\r");
    solo.wait_for_text("9000");

    let small = scratch.file("ada/notes.md", "first line\n");
    let copy = scratch.folder("ben").join("notes.md");
    let ada = Launch::host(&small).name("Ada").code(CODE).size(24, 80);
    let ada = ada.terminal().ready();
    ada.wait_for_text("first line");
    let address = ada.address(&[]);
    let ben = Launch::join(address, &copy).name("Ben").code(CODE);
    let ben = ben.size(24, 80).terminal().ready();
    ben.wait_for_text("first line");
    ada.type_text("typed ");
    ben.wait_for_text("typed first line");
    std::thread::sleep(SETTLES);

    let members = [("alone, 1 MB", &solo), ("host", &ada), ("joiner", &ben)];
    let costs = |(_, member): &(&str, &Terminal)| {
        (
            processor_ticks(member.process()),
            wake_ups(member.process()),
        )
    };
    let before = members.each_ref().map(costs);
    std::thread::sleep(WATCHED);
    for (member, before) in members.iter().zip(before) {
        let after = costs(member);
        println!(
            "{}: resident {}, processor {} ms and {} wake-ups in {} s",
            member.0,
            resident(member.1.process()),
            (after.0 - before.0) * 10,
            woken(&before.1, &after.1),
            WATCHED.as_secs(),
        );
    }

    let mut sizes: Vec<usize> = (0..KEYS)
        .map(|key| {
            let before = solo.raw().len();
            let letter = ["x", "(", "\"", " "][key % 4];
            solo.type_text(letter);
            // Colours may come a moment behind the key, and count too.
            std::thread::sleep(Duration::from_millis(40));
            solo.raw().len() - before
        })
        .collect();
    sizes.sort_unstable();
    let sum: usize = sizes.iter().sum();
    println!(
        "bytes to the terminal for a key, 80 × 24, {KEYS} keys in code: mean {}, median {}, 99 of 100 at most {}, most {}",
        sum / KEYS,
        sizes[KEYS / 2],
        sizes[KEYS * 99 / 100 - 1],
        sizes[KEYS - 1],
    );
}
