//! What a member costs while nobody types.
//!
//! ```text
//! cargo build --release
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin idle -- target/release/collab-edit
//! ```
//!
//! A host and a joiner on the loopback interface, at rest. For each: resident memory, and the
//! processor time used in five seconds, as the system counts them (in ticks of 10 ms).

mod harness;

use std::time::Duration;

use harness::launch::processor_ticks;
use harness::scratch::Scratch;
use harness::{pair, resident};

const WATCHED: Duration = Duration::from_secs(5);

fn main() {
    harness::program();
    let scratch = Scratch::new();
    let members = pair(&scratch, "first line\n", "first line", 120);
    members[0].type_text("typed ");
    members[1].wait_for_text("typed first line");

    let before = members
        .each_ref()
        .map(|member| processor_ticks(member.process()));
    std::thread::sleep(WATCHED);
    for ((member, before), name) in members.iter().zip(before).zip(["host", "joiner"]) {
        let ticks = processor_ticks(member.process()) - before;
        println!(
            "{name}: resident {}, processor {} ms in {} s",
            resident(member.process()),
            ticks * 10,
            WATCHED.as_secs(),
        );
    }
}
