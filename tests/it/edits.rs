//! Random edits of a headless member, seeded and repeatable: `COLLAB_EDIT_SEED=…` replays a run.
//!
//! A member does not know what the others do at the same moment, so it cannot know the length of
//! its text. [`Typist`] keeps to a length that is certain: each delete takes at most what the
//! insert before it brought. An author's net growth is then never more than [`LONGEST`] below what
//! it was at any earlier moment, so a text once seen to be N long is never shorter than
//! N − authors × [`LONGEST`], however the edits of all meet.

use std::ops::RangeInclusive;

use super::headless::Headless;

/// The most characters that one insert brings.
pub(crate) const LONGEST: usize = 8;

/// How many edits go out before the typist looks at its text again.
const LOOK_EVERY: usize = 250;

/// The characters that [`typed`] gives: two planes of ideographs, which a screen shows as they are.
const TYPED: RangeInclusive<u32> = 0x2_0000..=0x3_FFFD;

const ALPHABET: &[&str] = &[
    "a",
    "b",
    "c",
    "x",
    "y",
    "z",
    " ",
    " ",
    "\n",
    "é",
    "ß",
    "e\u{301}",
    "漢",
    "字",
    "👍",
    "👩‍👩‍👧‍👦",
    "🇩🇪",
];

/// One source of random edits.
pub(crate) struct Typist {
    random: fastrand::Rng,
    authors: usize,
    certain: usize,
    inserted: usize,
}

/// The seed of this run, printed so that a failure can be replayed.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("COLLAB_EDIT_SEED").ok();
    let seed = match given {
        Some(text) => text.parse().expect("COLLAB_EDIT_SEED is a number"),
        None => fastrand::u64(..),
    };
    println!("COLLAB_EDIT_SEED={seed}");
    seed
}

/// A character that is typed once: nothing that others type can tear it apart.
///
/// # Panics
/// If there are no more of them: `number` is below 131,070.
pub(crate) fn typed(number: u32) -> char {
    let typed = Some(TYPED.start() + number).filter(|code| TYPED.contains(code));
    typed
        .and_then(char::from_u32)
        .expect("fewer than there are")
}

/// Whether [`typed`] gave it.
pub(crate) fn is_typed(character: char) -> bool {
    TYPED.contains(&(character as u32))
}

/// Those characters of a text, in their order.
pub(crate) fn typed_in(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|character| is_typed(*character))
}

impl Typist {
    /// A typist in a session in which at most `authors` type like this.
    pub(crate) fn new(seed: u64, authors: usize) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            authors,
            certain: 0,
            inserted: 0,
        }
    }

    /// Sends `count` edits, as fast as the member takes them.
    pub(crate) fn type_at(&mut self, member: &mut Headless, count: usize) {
        for number in 0..count {
            if number % LOOK_EVERY == 0 {
                let length = member.text().chars().count();
                self.certain = length.saturating_sub(self.authors * LONGEST);
            }
            self.edit(member);
        }
    }

    fn edit(&mut self, member: &mut Headless) {
        let room = self.inserted.min(self.certain);
        if room > 0 && self.random.bool() {
            let count = self.random.usize(1..=room);
            member.delete(self.random.usize(0..=self.certain - count), count);
            self.inserted = 0;
        } else {
            let text = self.text();
            self.inserted = text.chars().count();
            member.insert(self.random.usize(0..=self.certain), &text);
        }
    }

    fn text(&mut self) -> String {
        let length = self.random.usize(1..=LONGEST);
        let mut text = String::new();
        loop {
            let piece = self.random.choice(ALPHABET).expect("an alphabet");
            if text.chars().count() + piece.chars().count() > length {
                break;
            }
            text.push_str(piece);
        }
        if text.is_empty() {
            "w".to_owned()
        } else {
            text
        }
    }
}
