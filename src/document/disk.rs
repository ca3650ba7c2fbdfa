//! What the file last held, and how the document has grown away from it since.
//!
//! Invariant: the text last known to be on disk, changed by the drift, is the document's text. So a
//! change on disk can be carried over exactly, whatever has been edited meanwhile: no comparison
//! guesses which of the document's characters the file had.
//!
//! Costs O(1) for each edit, amortised over the number of places edited since the last save.

use std::time::Instant;

use ropey::Rope;

use super::delta::{Delta, Step};
use super::diff::diff;
use crate::crdt::{AuthorId, Version};

/// Edits that wait to be put into the drift's delta, at least (a guess).
const PENDING: usize = 4096;

/// See the module.
#[derive(Default)]
pub(super) struct Shadow {
    known: Option<Stage>,
    /// What is being written.
    saving: Option<Stage>,
}

/// A text on disk, or on its way there.
struct Stage {
    text: Rope,
    heads: Version,
    drift: Drift,
}

/// What leads from a text to the document's.
#[derive(Default)]
struct Drift {
    /// The document has become another one; what leads there is to be found by comparing.
    lost: bool,
    delta: Delta,
    /// Edits since, in order: where, how many characters went, how many came.
    pending: Vec<(usize, usize, usize)>,
}

impl Shadow {
    /// The document's text, with these heads, is on disk.
    pub(super) fn is(&mut self, text: &Rope, heads: &Version) {
        *self = Self {
            known: Some(Stage::new(text, heads)),
            saving: None,
        };
    }

    /// `text` was on disk last; what leads from it to the document's text is found by comparing.
    pub(super) fn was(
        &mut self,
        text: Rope,
        heads: Version,
        document: &Rope,
        deadline: Option<Instant>,
    ) {
        let mut known = Stage {
            text,
            heads,
            drift: Drift::default(),
        };
        known.find_drift(document, deadline);
        *self = Self {
            known: Some(known),
            saving: None,
        };
    }

    /// The document has become another one.
    pub(super) fn lose(&mut self) {
        for stage in self.known.iter_mut().chain(&mut self.saving) {
            stage.drift = Drift {
                lost: true,
                ..Drift::default()
            };
        }
    }

    /// The text last known, and its heads.
    pub(super) fn known(&self) -> Option<(&Rope, &Version)> {
        let known = self.known.as_ref()?;
        Some((&known.text, &known.heads))
    }

    /// At `at`, `removed` characters of the document have made room for `inserted` others.
    #[inline]
    pub(super) fn follow(&mut self, at: usize, removed: usize, inserted: usize) {
        if let Some(stage) = self.saving.as_mut().or(self.known.as_mut()) {
            stage.drift.push(at, removed, inserted);
        }
    }

    /// The document's text, with these heads, is on its way to the disk.
    pub(super) fn start_save(&mut self, text: &Rope, heads: &Version) {
        self.saving = Some(Stage::new(text, heads));
    }

    /// It has come there, or not.
    pub(super) fn end_save(&mut self, done: bool) {
        let Some(mut saving) = self.saving.take() else {
            return;
        };
        if done {
            self.known = Some(saving);
        } else if let Some(known) = &mut self.known {
            known.drift.lost |= saving.drift.lost;
            let since = saving.drift.fold();
            known.drift.delta = known.drift.fold().compose(since);
        }
    }

    /// `disk` is what the file holds now. Gives what that changes in the document, and all the
    /// characters that come with it, in order. Nothing while a save is under way, and nothing if no
    /// text is known.
    pub(super) fn merge(
        &mut self,
        disk: Rope,
        document: &Rope,
        deadline: Option<Instant>,
    ) -> (Delta, String) {
        let (Some(known), None) = (&mut self.known, &self.saving) else {
            return Default::default();
        };
        if known.drift.lost {
            known.find_drift(document, deadline);
        }
        let change = diff(&known.text, &disk, deadline);
        let (ours, theirs) = change.transform(known.drift.fold());
        let (mut at, mut fresh) = (0, String::new());
        for step in change.steps() {
            match step {
                Step::Keep(n) => at += n,
                Step::Insert(n) => {
                    fresh.extend(disk.slice(at..at + n).chunks());
                    at += n;
                }
                Step::Remove(_) => {}
            }
        }
        known.text = disk;
        known.drift.delta = theirs;
        (ours, fresh)
    }

    /// Panics if the invariant does not hold. O(n).
    pub(super) fn check_invariants(&self, document: &Rope) {
        let stage = self.saving.as_ref().or(self.known.as_ref());
        let Some(stage) = stage.filter(|stage| !stage.drift.lost) else {
            return;
        };
        let drift = stage.drift.delta.compose(&composed(&stage.drift.pending));
        let (mut from, mut to) = (0, 0);
        for step in drift.steps() {
            match step {
                Step::Keep(n) => {
                    let same = stage.text.slice(from..from + n) == document.slice(to..to + n);
                    assert!(same, "what was kept since the disk was known differs");
                    (from, to) = (from + n, to + n);
                }
                Step::Insert(n) => to += n,
                Step::Remove(n) => from += n,
            }
        }
        assert_eq!(stage.text.slice(from..), document.slice(to..));
    }

    /// The text last known has `author`'s operations before `next` in it, too.
    pub(super) fn include(&mut self, author: AuthorId, next: u32) {
        if let Some(known) = &mut self.known {
            known.heads.advance(author, next);
        }
    }
}

impl Stage {
    fn new(text: &Rope, heads: &Version) -> Self {
        Self {
            text: text.clone(),
            heads: heads.clone(),
            drift: Drift::default(),
        }
    }

    fn find_drift(&mut self, document: &Rope, deadline: Option<Instant>) {
        let delta = if self.text.is_instance(document) {
            Delta::default()
        } else {
            diff(&self.text, document, deadline)
        };
        self.drift = Drift {
            delta,
            ..Drift::default()
        };
    }
}

impl Drift {
    #[inline(never)]
    fn push(&mut self, at: usize, removed: usize, inserted: usize) {
        if self.lost {
            return;
        }
        if let Some((start, _, len)) = self.pending.last_mut() {
            // Typing on, and erasing what was just typed.
            let end = *start + *len;
            if removed == 0 && at == end {
                *len += inserted;
                return;
            }
            if inserted == 0 && at >= *start && at + removed == end {
                *len -= removed;
                return;
            }
        }
        self.pending.push((at, removed, inserted));
        if self.pending.len() >= PENDING.max(self.delta.len()) {
            self.fold();
        }
    }

    /// The delta with everything in it.
    fn fold(&mut self) -> &Delta {
        if !self.pending.is_empty() {
            self.delta = self.delta.compose(&composed(&self.pending));
            self.pending.clear();
        }
        &self.delta
    }
}

/// Consecutive edits as one delta. O(n log n).
fn composed(edits: &[(usize, usize, usize)]) -> Delta {
    match *edits {
        [] => Delta::default(),
        [(at, removed, inserted)] => Delta::replace(at, removed, inserted),
        _ => {
            let (first, rest) = edits.split_at(edits.len() / 2);
            composed(first).compose(&composed(rest))
        }
    }
}

#[cfg(test)]
mod tests;
