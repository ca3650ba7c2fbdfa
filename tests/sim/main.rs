//! The mesh in a simulator: real documents and real sessions over a network that exists only here,
//! in virtual time, driven by a seed.
//!
//! [`network`] is the world between members (latency, bandwidth, partitions, half-open connections,
//! pauses, crashes), [`hostile`] a member that lies, [`toy`] cryptography that costs nothing, [`world`] the members and
//! what is done to them, [`checks`] what must hold. [`pair`] is two members on a line without delay, [`catch_up`] what
//! catching up costs there.
//!
//! - `SIM_SEED=n cargo test --test sim` replays one seed, telling what happens.
//! - `SIM_SEEDS=from..to cargo test --release --test sim` runs a range; ranges add up.
//!
//! Not here: sockets, files, terminals, and time that passes.

mod catch_up;
mod checks;
mod hostile;
mod network;
mod pair;
mod toy;
mod world;

use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;

use collab_edit::security::{Access, Grant, Secret};
use collab_edit::session::Inside;
use collab_edit::wire::Properties;

use world::World;

/// Seeds of the everyday run.
const SEEDS: Range<u64> = 0..2000;

/// Seeds that have found something. (12069: one who came back met nobody who knew the one that had come meanwhile.)
const FOUND: &[u64] = &[12069];

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

/// The seed that was asked for; or those that have found something once, and then the seeds that were asked for, or
/// these.
fn seeds_or(everyday: Range<u64>, found: &[u64]) -> Vec<u64> {
    let number = |text: &str| text.parse().expect("a number");
    if let Ok(seed) = std::env::var("SIM_SEED") {
        return vec![number(&seed)];
    }
    let range = match std::env::var("SIM_SEEDS") {
        Ok(range) => {
            let (from, to) = range.split_once("..").expect("SIM_SEEDS is from..to");
            number(from)..number(to)
        }
        Err(_) => everyday,
    };
    found.iter().copied().chain(range).collect()
}

/// Runs one seed after the other in as many threads as the machine has.
fn run_all(seeds: Vec<u64>, run: impl Fn(u64) -> world::Totals + Sync) -> world::Totals {
    let seeds = Mutex::new(seeds.into_iter());
    let totals = Mutex::new(world::Totals::default());
    let failed = Mutex::new(BTreeSet::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while failed.lock().expect("no panic").is_empty() {
                    let next = seeds.lock().expect("no panic").next();
                    let Some(seed) = next else { return };
                    match std::panic::catch_unwind(AssertUnwindSafe(|| run(seed))) {
                        Ok(one) => totals.lock().expect("no panic").add(&one),
                        Err(_) => drop(failed.lock().expect("no panic").insert(seed)),
                    }
                }
            });
        }
    });
    if let Some(seed) = failed.into_inner().expect("no panic").first() {
        panic!("seed {seed} failed; replay with SIM_SEED={seed} cargo test --test sim");
    }
    totals.into_inner().expect("no panic")
}

#[test]
fn members_converge_whatever_the_network_does() {
    let tell = std::env::var("SIM_SEED").is_ok();
    let totals = run_all(seeds_or(SEEDS, FOUND), |seed| World::new(seed, tell).run());
    eprintln!("{totals:?}");
    assert!(totals.edits > 0 && totals.merged > 0, "nothing happened");
}

#[test]
fn sixty_four_members_join_at_once() {
    let totals = World::new(1_000_000, false).crowd(64);
    eprintln!("{totals:?}");
}
