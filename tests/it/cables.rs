//! Members on machines of their own ([`super::lab`]): cables are pulled, processes stopped.

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

const MACHINES: u8 = 4;

/// A quick typist's pace.
const KEY: Duration = Duration::from_millis(100);

/// Members in all machines, the first one the host, all linked.
fn members(lab: &Lab, scratch: &Scratch) -> Vec<Headless> {
    let start = |machine: u8| {
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
        let member = launch.inside(&lab.machine(machine)).headless();
        member.expect_event(if machine == 0 { "listening" } else { "joined" });
        member
    };
    let members: Vec<Headless> = (0..MACHINES).map(start).collect();
    wait_linked(&members);
    members
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
    let start = Instant::now();
    for round in 0.. {
        let due = start + KEY * round;
        if due >= start + how_long {
            break;
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        for ((machine, member), typed) in (0..).zip(members.iter_mut()).zip(typed.iter_mut()) {
            member.insert(0, &word(machine, *typed));
            *typed += 1;
        }
    }
}

fn word(machine: u8, number: u32) -> String {
    format!("<{}{number}>", name_of(machine))
}

/// Every word is there once, and nothing else is.
#[track_caller]
fn check_words(text: &str, typed: &[u32]) {
    let mut there: Vec<&str> = text.split_inclusive('>').collect();
    there.sort_unstable();
    let words = |(machine, count): (u8, &u32)| -> Vec<String> {
        (0..*count).map(|number| word(machine, number)).collect()
    };
    let mut expected: Vec<String> = (0..).zip(typed).flat_map(words).collect();
    expected.sort_unstable();
    let missing: Vec<_> = expected
        .iter()
        .filter(|word| !there.contains(&word.as_str()))
        .collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    assert_eq!(there, expected);
}

#[test]
fn four_machines_lose_their_cables_in_turn_while_all_type() {
    let scratch = Scratch::new();
    let Some(lab) = Lab::new("cables", MACHINES) else {
        return;
    };
    let mut members = members(&lab, &scratch);
    let mut typed = [0; MACHINES as usize];
    for machine in 0..MACHINES {
        lab.pull(machine);
        all_type(&mut members, &mut typed, OUTAGE);
        for (other, member) in (0..).zip(&members) {
            if other != machine {
                member.wait_member(&name_of(machine), "away");
            }
        }
        lab.plug(machine);
        let text = settle(CONVERGED, &mut members);
        check_words(&text, &typed);
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
    let mut typed = [0; MACHINES as usize];
    members[2].signal("STOP");
    all_type(&mut members, &mut typed, STOPPED);
    members[0].wait_member(&name_of(2), "away");
    members[2].signal("CONT");
    let text = settle(CONVERGED, &mut members);
    check_words(&text, &typed);
}
