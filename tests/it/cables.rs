//! Members on machines of their own ([`super::lab`]): cables are pulled, processes stopped and
//! killed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::headless::{Headless, settle};
use super::lab::Lab;
use super::launch::{CODE, Launch};
use super::scratch::Scratch;

/// How long a cable is out.
const OUTAGE: Duration = Duration::from_secs(20);

/// How long a process is stopped.
const STOPPED: Duration = Duration::from_secs(30);

/// All are to hold one text so soon after a cable is back.
const CONVERGED: Duration = Duration::from_secs(5);

/// How long is typed before a process is killed.
const BEFORE: Duration = Duration::from_secs(5);

/// So many of a killed member's last words may not be in its journal: those of half a second.
const AT_RISK: u32 = 6;

const MACHINES: u8 = 4;

/// A quick typist's pace.
const KEY: Duration = Duration::from_millis(100);

/// Members in all machines, the first one the host, all linked.
fn members(lab: &Lab, scratch: &Scratch) -> Vec<Headless> {
    let members: Vec<Headless> = (0..MACHINES)
        .map(|machine| start(lab, scratch, machine))
        .collect();
    wait_linked(&members);
    members
}

/// A member in this machine, by the same command each time; what it kept is there.
fn start(lab: &Lab, scratch: &Scratch, machine: u8) -> Headless {
    let name = name_of(machine);
    let file = scratch.folder(&name).join("notes.md");
    let launch = if machine == 0 {
        Launch::edit(&file).arg("--host")
    } else {
        let host = lab.address(0).to_string();
        Launch::edit(&file).arg("--join").arg(host)
    };
    let address = lab.address(machine).to_string();
    let launch = launch.arg("--listen").arg(address).name(&name).code(CODE);
    let launch = launch.state(&scratch.folder(&format!("{name}'s state")));
    let member = launch.inside(&lab.machine(machine)).headless();
    member.expect_event(if machine == 0 { "listening" } else { "joined" });
    member
}

fn wait_linked(members: &[Headless]) {
    for (one, member) in (0..).zip(members) {
        for other in (0..MACHINES).filter(|other| *other != one) {
            member.wait_member(&name_of(other), "connected");
        }
    }
}

fn name_of(machine: u8) -> String {
    ["ada", "ben", "cleo", "dan"][usize::from(machine)].to_owned()
}

/// All members type words of their own at the start of the text, at a quick typist's pace, for so
/// long. `typed` counts the words of each.
fn all_type(members: &mut [Headless], typed: &mut [u32], how_long: Duration) {
    some_type(0..members.len(), members, typed, how_long);
}

/// Only these of them do.
fn some_type(
    who: impl Iterator<Item = usize> + Clone,
    members: &mut [Headless],
    typed: &mut [u32],
    how_long: Duration,
) {
    let start = Instant::now();
    for round in 0.. {
        let due = start + KEY * round;
        if due >= start + how_long {
            break;
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        for one in who.clone() {
            members[one].insert(0, &word(one as u8, typed[one]));
            typed[one] += 1;
        }
    }
}

fn word(machine: u8, number: u32) -> String {
    format!("<{}{number}>", name_of(machine))
}

/// Every word is there once, and nothing else is; those `at_risk` may be missing.
#[track_caller]
fn check_words(text: &str, typed: &[u32], at_risk: &BTreeSet<String>) {
    let words = |(machine, count): (u8, &u32)| -> Vec<String> {
        (0..*count).map(|number| word(machine, number)).collect()
    };
    let all: BTreeSet<String> = (0..).zip(typed).flat_map(words).collect();
    let mut missing = all.clone();
    for there in text.split_inclusive('>') {
        assert!(missing.remove(there), "{there} is there twice, or wrong");
    }
    missing.retain(|word| !at_risk.contains(word));
    assert!(missing.is_empty(), "missing: {missing:?}");
}

#[test]
fn four_machines_lose_their_cables_in_turn_while_all_type() {
    let scratch = Scratch::new();
    let Some(lab) = Lab::new("cables", MACHINES) else {
        return;
    };
    let mut members = members(&lab, &scratch);
    let mut typed = [0; 4];
    for machine in 0..4 {
        lab.pull(machine);
        all_type(&mut members, &mut typed, OUTAGE);
        for (other, member) in (0..).zip(&members) {
            if other != machine {
                member.wait_member(&name_of(machine), "away");
            }
        }
        lab.plug(machine);
        let text = settle(CONVERGED, &mut members);
        check_words(&text, &typed, &BTreeSet::new());
        wait_linked(&members);
    }
}

#[test]
fn a_machine_that_stood_still_catches_up() {
    let scratch = Scratch::new();
    let Some(lab) = Lab::new("still", MACHINES) else {
        return;
    };
    let mut members = members(&lab, &scratch);
    let mut typed = [0; 4];
    members[2].signal("STOP");
    all_type(&mut members, &mut typed, STOPPED);
    members[0].wait_member(&name_of(2), "away");
    members[2].signal("CONT");
    let text = settle(CONVERGED, &mut members);
    check_words(&text, &typed, &BTreeSet::new());
}

#[test]
fn a_member_that_is_killed_comes_back_with_what_it_had() {
    let scratch = Scratch::new();
    let Some(lab) = Lab::new("kill", MACHINES) else {
        return;
    };
    let mut members = members(&lab, &scratch);
    let (mut typed, mut at_risk) = ([0; 4], BTreeSet::new());
    // The second one is the host, and its cable is out: nobody else has what it typed.
    for (victim, alone) in [(2, false), (0, true)] {
        let machine = victim as u8;
        if alone {
            lab.pull(machine);
        }
        all_type(&mut members, &mut typed, BEFORE);
        members[victim].signal("KILL");
        members[victim].wait_exit();
        let last = typed[victim].saturating_sub(AT_RISK)..typed[victim];
        at_risk.extend(last.map(|number| word(machine, number)));
        let others = (0..4).filter(|one| *one != victim);
        some_type(others, &mut members, &mut typed, BEFORE);
        members[victim] = start(&lab, &scratch, machine);
        if alone {
            lab.plug(machine);
        }
        let text = settle(CONVERGED, &mut members);
        check_words(&text, &typed, &at_risk);
        wait_linked(&members);
    }
}
