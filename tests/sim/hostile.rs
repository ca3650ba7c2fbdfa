//! A member that was let in as everybody, with good keys, and says what no member says: well-formed messages
//! with absurd contents, and in half of the seeds different batches under one name. The others must not panic,
//! must keep within their memory, and must agree with each other, while it is there and when it is gone.
//!
//! - `SIM_SEED=n cargo test --test sim hostile -- --nocapture` replays one seed, telling what happens.
//! - `SIM_SEEDS=0..10000 cargo test --release --test sim hostile` runs a range.
//!
//! [`scene`] is the world of the honest members, [`evil`] the other one. Not here: garbage that is no message
//! (`tests/fuzz`), and a network that fails ([`world`](super::world)).

mod evil;
mod scene;

use std::ops::Range;

use super::{run_all, seeds_or};
use scene::Scene;

/// Seeds of the everyday run.
const SEEDS: Range<u64> = 0..300;

/// What has found something once: two logs of which one is invalid, a fork that was shown before there was anything
/// to hold it against, a history with the log of one who was found out before anything of it came.
const FOUND: [u64; 6] = [5042, 5861, 6699, 7417, 8519, 9936];

#[test]
fn honest_members_agree_whatever_a_hostile_one_says() {
    let tell = std::env::var("SIM_SEED").is_ok();
    let totals = run_all(seeds_or(SEEDS, &FOUND), |seed| Scene::new(seed, tell).run());
    eprintln!("{totals:?}");
    assert!(totals.edits > 0 && totals.garbage > 0, "nothing happened");
    let few = totals.runs < 100;
    assert!(few || totals.forks > 0, "nobody was found out");
}
