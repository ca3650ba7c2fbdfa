//! Five members who type while they are killed without a word, one or all of them, also while they start,
//! and started again by the same commands: everyone agrees, and nothing is missing that was on a screen
//! half a second before.
//!
//! Four have no screen and save all the time, as such members do; their answer to `text` is their screen.
//! The fifth sits at a screen and saves only at the end. `COLLAB_EDIT_KILLS=n` kills n times;
//! `COLLAB_EDIT_SEED=n` chooses the same victims and places again (the moments are the machine's).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::edits::{is_typed, seed, typed, typed_in};
use super::headless::{Headless, settle};
use super::kept::Crew;
use super::scratch::text_of;
use super::terminal::Terminal;
use super::wait::{until, until_within};

/// How many times somebody is killed in an everyday run.
const KILLS: usize = 6;

/// What may be lost: it is on a screen before it is in the journal.
const MAY_BE_LOST: Duration = Duration::from_millis(500);

/// A text as it was on somebody's screen.
struct Seen {
    at: Instant,
    /// On whose.
    by: usize,
    text: String,
}

/// What the file holds at first; nobody deletes anything.
const BEGIN: &str = "The quick brown fox.\nThe lazy dog.\n";

/// Five members, and what was on their screens.
struct Five {
    crew: Crew,
    headless: Vec<Headless>,
    /// The one at a screen.
    eve: Terminal,
    /// How many characters have been typed.
    count: u32,
    seen: Vec<Seen>,
}

/// The number of the one at a screen.
const EVE: usize = 4;

impl Five {
    fn new() -> Self {
        let (mut crew, headless) = Crew::new(BEGIN, &["ada", "ben", "cleo", "dan"]);
        assert_eq!(crew.add("eve"), EVE);
        let eve = crew.launch(EVE).terminal().ready();
        let five = Self {
            crew,
            headless,
            eve,
            count: 0,
            seen: Vec::new(),
        };
        five.wait_for_eve();
        five
    }

    fn typed(&mut self) -> String {
        self.count += 1;
        typed(self.count - 1).to_string()
    }

    /// One who is not among `away` types a character somewhere; another one's screen is looked at.
    fn type_somewhere(&mut self, random: &mut fastrand::Rng, away: &[usize]) {
        let mut somebody = |five: &Self| loop {
            let one = random.usize(0..=five.headless.len());
            if !away.contains(&one) {
                return one;
            }
        };
        let (one, other) = (somebody(self), somebody(self));
        let typed = self.typed();
        if one == EVE {
            self.eve
                .keys(["Ctrl-Home", "Ctrl-End", "Down", "Left"][random.usize(0..4)]);
            self.eve.type_text(&typed);
        } else {
            let len = self.headless[one].text().chars().count();
            self.headless[one].insert(random.usize(0..=len), &typed);
        }
        let text = match other {
            EVE => self.eve.screen(),
            other => self.headless[other].text(),
        };
        self.seen.push(Seen {
            at: Instant::now(),
            by: other,
            text,
        });
    }

    /// All who are not among `away` type for up to so long.
    fn type_for(&mut self, random: &mut fastrand::Rng, most: Duration, away: &[usize]) {
        let until = Instant::now() + most.mul_f64(random.f64());
        while away.len() <= EVE && Instant::now() < until {
            self.type_somewhere(random, away);
        }
    }

    /// Kills them at once, and gives what was certain then.
    fn kill(&mut self, victims: &[usize]) -> BTreeSet<char> {
        for victim in victims {
            match *victim {
                EVE => self.eve.signal("KILL"),
                victim => self.headless[victim].signal("KILL"),
            }
        }
        let before = Instant::now().checked_sub(MAY_BE_LOST);
        let before = before.expect("a machine that is up");
        for victim in victims {
            match *victim {
                EVE => drop(self.eve.wait_exit()),
                victim => drop(self.headless[victim].wait_exit()),
            };
        }
        let seen = std::mem::take(&mut self.seen).into_iter();
        let (certain, mut rest) = seen.partition::<Vec<_>, _>(|seen| seen.at < before);
        // What only a victim had may be lost, and is no more certain when the next one is killed.
        rest.retain(|seen| !victims.contains(&seen.by));
        self.seen = rest;
        certain
            .iter()
            .flat_map(|seen| typed_in(&seen.text))
            .collect()
    }

    fn start(&mut self, victims: &[usize]) {
        for victim in victims {
            match *victim {
                EVE => self.eve = self.crew.launch(EVE).terminal(),
                victim => self.headless[victim] = self.crew.start(victim),
            }
        }
    }

    /// Waits until the one at a screen has been met by all.
    fn wait_for_eve(&self) {
        for member in &self.headless {
            member.wait_member("eve", "connected");
        }
    }
}

#[test]
fn members_killed_while_all_type_come_back_with_everything() {
    let kills = std::env::var("COLLAB_EDIT_KILLS");
    let kills = kills.map_or(KILLS, |kills| kills.parse().expect("a number"));
    let mut random = fastrand::Rng::with_seed(seed());
    let mut five = Five::new();
    let (mut wanted, mut killed) = (BTreeSet::new(), 0);
    while killed < kills {
        five.type_for(&mut random, Duration::from_millis(1500), &[]);
        let mut victims: Vec<usize> = (0..=EVE).collect();
        random.shuffle(&mut victims);
        victims.truncate([1, 1, 2, 5][random.usize(0..4)]);
        wanted.extend(five.kill(&victims));
        killed += victims.len();
        if victims.contains(&EVE) {
            // Else the last that was heard of her would be that she is here.
            for left in (0..EVE).filter(|left| !victims.contains(left)) {
                five.headless[left].wait_member("eve", "away");
            }
        }
        // Those who are left go on meanwhile, and some who come back are killed on the way.
        five.start(&victims);
        five.type_for(&mut random, Duration::from_millis(100), &victims);
        if random.bool() {
            let again = victims.split_at(random.usize(1..=victims.len())).0.to_vec();
            wanted.extend(five.kill(&again));
            killed += again.len();
            five.start(&again);
        }
        for victim in &victims {
            match *victim {
                EVE => five.wait_for_eve(),
                victim => drop(five.headless[victim].expect_event("joined")),
            }
        }
        // What only she has may still be on its way when the others agree.
        let text = until_within(Duration::from_secs(60), "all that is certain", || {
            let text = settle(Duration::from_secs(60), &mut five.headless);
            let found: BTreeSet<char> = typed_in(&text).collect();
            wanted.is_subset(&found).then_some(text)
        });
        let found: Vec<char> = typed_in(&text).collect();
        let once: BTreeSet<char> = found.iter().copied().collect();
        assert_eq!(found.len(), once.len(), "something came twice");
        let rest: String = text.chars().filter(|c| !is_typed(*c)).collect();
        assert_eq!(rest, BEGIN, "the file's text");
    }
    eprintln!(
        "{killed} kills, {} characters typed, {} of them certain",
        five.count,
        wanted.len()
    );
    five.eve.keys("Ctrl-s");
    let text = settle(Duration::from_secs(60), &mut five.headless);
    until("the same text in everybody's file", || {
        let same = |number| text_of(&five.crew.file(number)).as_deref() == Some(&*text);
        (0..=EVE).all(same).then_some(())
    });
    for mut member in five.headless {
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
