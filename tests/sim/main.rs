//! The mesh in a simulator: real documents and real sessions over a network that exists only here,
//! in virtual time, driven by a seed.
//!
//! [`network`] is the world between members (latency, bandwidth, partitions, half-open connections,
//! pauses, crashes), [`toy`] cryptography that costs nothing, [`world`] the members and what is done to them, [`checks`] what must hold.
//!
//! - `SIM_SEED=n cargo test --test sim` replays one seed, telling what happens.
//! - `SIM_SEEDS=from..to cargo test --release --test sim` runs a range; ranges add up.
//!
//! Not here: sockets, files, terminals, and time that passes.

mod catch_up;
mod checks;
mod network;
mod toy;
mod world;

use std::ops::Range;

use collab_edit::security::{Access, Grant, Secret};
use collab_edit::session::Inside;
use collab_edit::wire::Properties;

use world::World;

/// Seeds of the everyday run.
const SEEDS: Range<u64> = 0..300;

/// An open session that is founded.
fn inside() -> Inside {
    Inside {
        grant: Grant {
            session: [1; 16],
            secret: Secret::new([2; 32]),
        },
        access: Access::Open,
        stamp: 0,
        properties: Properties::default(),
    }
}

fn seeds() -> Range<u64> {
    let number = |text: &str| text.parse().expect("a number");
    if let Ok(seed) = std::env::var("SIM_SEED") {
        return number(&seed)..number(&seed) + 1;
    }
    match std::env::var("SIM_SEEDS") {
        Ok(range) => {
            let (from, to) = range.split_once("..").expect("SIM_SEEDS is from..to");
            number(from)..number(to)
        }
        Err(_) => SEEDS,
    }
}

#[test]
fn members_converge_whatever_the_network_does() {
    let tell = std::env::var("SIM_SEED").is_ok();
    let mut totals = world::Totals::default();
    for seed in seeds() {
        let run = std::panic::AssertUnwindSafe(|| World::new(seed, tell).run());
        match std::panic::catch_unwind(run) {
            Ok(one) => totals.add(&one),
            Err(panic) => {
                eprintln!("seed {seed} failed; replay with SIM_SEED={seed} cargo test --test sim");
                std::panic::resume_unwind(panic);
            }
        }
    }
    eprintln!("{totals:?}");
    assert!(totals.edits > 0 && totals.merged > 0, "nothing happened");
}
