//! Five members who type while they are killed without a word, one or all of them, and started again by
//! the same commands: everyone agrees, and nothing is missing that was on a screen half a second before.
//!
//! A headless member's answer to `text` is its screen. Everybody saves all the time, as such members do.
//! `COLLAB_EDIT_KILLS=n` kills n times; `COLLAB_EDIT_SEED=n` chooses the same victims and places again
//! (the moments are the machine's).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::edits::{is_typed, seed, typed, typed_in};
use super::headless::{Headless, settle};
use super::kept::Crew;

/// How many times somebody is killed in an everyday run.
const KILLS: usize = 6;

/// What may be lost: it is on a screen before it is in the journal.
const MAY_BE_LOST: Duration = Duration::from_millis(500);

/// Texts as they were on a screen, and when.
type Seen = Vec<(Instant, String)>;

/// What the file holds at first; nobody deletes anything.
const BEGIN: &str = "The quick brown fox.\nThe lazy dog.\n";

/// Somebody types a character somewhere; somebody looks at a screen.
fn type_somewhere(
    random: &mut fastrand::Rng,
    members: &mut [Headless],
    count: &mut u32,
    seen: &mut Seen,
) {
    let one = random.usize(0..members.len());
    let len = members[one].text().chars().count();
    members[one].insert(random.usize(0..=len), &typed(*count).to_string());
    *count += 1;
    let other = random.usize(0..members.len());
    let text = members[other].text();
    seen.push((Instant::now(), text));
}

#[test]
fn members_killed_while_all_type_come_back_with_everything() {
    let kills = std::env::var("COLLAB_EDIT_KILLS");
    let kills = kills.map_or(KILLS, |kills| kills.parse().expect("a number"));
    let mut random = fastrand::Rng::with_seed(seed());
    let names = ["ada", "ben", "cleo", "dan", "eve"];
    let (crew, mut members) = Crew::new(BEGIN, &names);
    let (mut count, mut wanted, mut killed) = (0, BTreeSet::new(), 0);
    while killed < kills {
        let mut seen = Seen::new();
        let until = Instant::now() + Duration::from_millis(random.u64(100..1500));
        while Instant::now() < until {
            type_somewhere(&mut random, &mut members, &mut count, &mut seen);
        }
        let many = match random.u8(0..4) {
            0 => members.len(),
            1 => 2,
            _ => 1,
        };
        let mut victims: Vec<usize> = (0..members.len()).collect();
        random.shuffle(&mut victims);
        victims.truncate(many);
        for victim in &victims {
            members[*victim].signal("KILL");
        }
        let moment = Instant::now();
        killed += many;
        let before = moment
            .checked_sub(MAY_BE_LOST)
            .expect("a machine that is up");
        for (_, text) in seen.iter().filter(|(at, _)| *at < before) {
            wanted.extend(typed_in(text));
        }
        for victim in &victims {
            members[*victim].wait_exit();
        }
        // Those who are left go on meanwhile.
        let left: Vec<usize> = (0..members.len())
            .filter(|number| !victims.contains(number))
            .collect();
        for number in left.iter().take(2) {
            members[*number].insert(0, &typed(count).to_string());
            count += 1;
        }
        random.shuffle(&mut victims);
        for victim in victims {
            members[victim] = crew.start(victim);
            members[victim].expect_event("joined");
        }
        let text = settle(Duration::from_secs(60), &mut members);
        let found: Vec<char> = typed_in(&text).collect();
        let once: BTreeSet<char> = found.iter().copied().collect();
        let missing: Vec<&char> = wanted.difference(&once).collect();
        assert!(
            missing.is_empty(),
            "{} are missing: {missing:?}",
            missing.len()
        );
        assert_eq!(found.len(), once.len(), "something came twice");
        let rest: String = text.chars().filter(|c| !is_typed(*c)).collect();
        assert_eq!(rest, BEGIN, "the file's text");
    }
    eprintln!(
        "{killed} kills, {count} characters typed, {} of them certain",
        wanted.len()
    );
    for mut member in members {
        let errors: Vec<_> = member
            .events()
            .into_iter()
            .filter(|event| event["event"] == "error")
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
        member.quit();
        assert_eq!(member.wait_exit(), Some(0));
    }
}
