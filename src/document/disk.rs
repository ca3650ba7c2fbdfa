//! What the file last held, and how the document has grown away from it since.
//!
//! Invariant: the text last known to be on disk, changed by the drift, is the document's text. So a
//! change on disk can be carried over exactly, whatever has been edited meanwhile: no comparison
//! guesses which of the document's characters the file had.
//!
//! Heads tell others, and the next run, what the file holds. They cannot say that it has an operation and not
//! those before it, as when another program's change has been brought in beside edits that are not saved: then
//! they say less, and a [`Patch`] from the document's text says the rest.
//!
//! Costs O(1) for each edit, amortised over the number of places edited since the last save.

use std::ops::Range;
use std::time::Instant;

use ropey::Rope;

use super::buffer::Document;
use super::delta::{Delta, Step};
use super::diff::{additions, diff};
use super::undo::{Edit, EditKind};
use crate::crdt::{AuthorId, Version};

/// Edits that wait to be put into the drift's delta, at least (a guess).
const PENDING: usize = 4096;

/// A change of a text with the characters that it brings: after so many that stay, so many go and these come;
/// what is behind the last of them stays. Counts are of Unicode scalar values.
pub type Patch = Vec<(usize, usize, String)>;

/// `text`, changed; `None` if it is too short for that. O(n).
pub fn patched(text: &Rope, patch: &Patch) -> Option<Rope> {
    let (mut out, mut at) = (text.clone(), 0_usize);
    for (stay, go, come) in patch {
        at = at.checked_add(*stay)?;
        out.try_remove(at..at.checked_add(*go)?).ok()?;
        out.try_insert(at, come).ok()?;
        at += come.chars().count();
    }
    Some(out)
}

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
    /// Of operations that are all in it.
    heads: Version,
    /// Whether it is the document's text as of these heads, for sure.
    exact: bool,
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
            exact: false,
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
        known.exact = false;
        known.drift.delta = theirs;
        (ours, fresh)
    }

    /// What was on disk has been brought in by these operations of `author`, who knew all that `heads` say.
    pub(super) fn brought_in(&mut self, author: AuthorId, ops: Range<u32>, heads: &Version) {
        let Some(known) = &mut self.known else {
            return;
        };
        if known.drift.fold().len() == 0 {
            // The file holds the document's text.
            known.heads = heads.clone();
            known.exact = true;
        }
        if known.heads.next(&author) >= ops.start {
            known.heads.advance(author, ops.end);
        }
    }

    /// What leads from the document's text to the one last known, if the heads of that do not say it.
    /// O(places edited since, and what was removed).
    pub(super) fn way_back(&mut self, document: &Rope) -> Option<Patch> {
        let since = self
            .saving
            .as_mut()
            .map(|saving| saving.drift.fold().clone());
        let known = self.known.as_mut().filter(|known| !known.exact)?;
        let lost = known.drift.lost || self.saving.as_ref().is_some_and(|it| it.drift.lost);
        let drift = if lost {
            diff(&known.text, document, None)
        } else {
            known.drift.fold().compose(&since.unwrap_or_default())
        };
        let (mut patch, mut from) = (Patch::new(), 0);
        let (mut stay, mut go, mut come) = (0, 0, String::new());
        for step in drift.steps().chain([Step::Keep(0)]) {
            match step {
                Step::Keep(n) => {
                    if go > 0 || !come.is_empty() {
                        patch.push((stay, go, std::mem::take(&mut come)));
                    }
                    (stay, go) = (n, 0);
                    from += n;
                }
                Step::Insert(n) => go += n,
                Step::Remove(n) => {
                    come.extend(known.text.slice(from..from + n).chunks());
                    from += n;
                }
            }
        }
        Some(patch)
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
}

impl Stage {
    fn new(text: &Rope, heads: &Version) -> Self {
        Self {
            text: text.clone(),
            heads: heads.clone(),
            exact: true,
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

impl Document {
    /// The text last known to be on disk, and the heads that it has, once there is one.
    pub fn on_disk(&self) -> Option<(&Rope, &Version)> {
        self.shadow.known()
    }

    /// Whether anything but notes has been done since the text last known to be on disk. O(authors, and the
    /// notes since).
    pub fn has_left_disk(&self) -> bool {
        let log = self.log();
        self.on_disk().is_none_or(|(_, heads)| {
            heads != log.version()
                && log
                    .version()
                    .iter()
                    .any(|(author, next)| log.edits_between(&author, heads.next(&author), next) > 0)
        })
    }

    /// The present text is on disk. O(authors).
    pub fn is_on_disk(&mut self) {
        self.shadow.is(&self.rope, self.replica.log().version());
    }

    /// `text` is what is known to be on disk: what an earlier run left there, or what another member
    /// wrote. `heads` are those of the operations in it. What it has in common with the document is
    /// found by comparing. O(n), and the lines around each difference.
    pub fn was_on_disk(&mut self, text: Rope, heads: Version, deadline: Option<Instant>) {
        self.shadow.was(text, heads, &self.rope, deadline);
    }

    /// The present text is about to be written; [`end_save`](Self::end_save) says what became of
    /// it. O(authors).
    pub fn start_save(&mut self) {
        self.shadow
            .start_save(&self.rope, self.replica.log().version());
    }

    /// The text that was to be written is on disk (`done`), or the file is as it was.
    pub fn end_save(&mut self, done: bool) {
        self.shadow.end_save(done);
    }

    /// Brings in what has changed on disk since the text last known there: that and no more,
    /// whatever has been edited meanwhile, and as one step of undo. `disk`, what the file holds now,
    /// is the text last known from then on. How many places of the document changed. O(n), and the
    /// lines around each change.
    ///
    /// From `deadline` on texts are compared no more, and what is left of them counts as replaced.
    /// To be [committed](Self::commit) before and, as [`Source::Disk`](crate::crdt::Source::Disk),
    /// afterwards. Nothing happens during a save, and as long as no text is known.
    ///
    /// ```
    /// use collab_edit::crdt::{AuthorId, Source};
    /// use collab_edit::document::{CharPos, Document, EditKind};
    ///
    /// let mut ann = Document::new(AuthorId([1; 16]));
    /// ann.load("one\ntwo\n", 0);
    /// ann.is_on_disk();
    /// ann.edit(CharPos(0)..CharPos(3), "1", EditKind::Whole, 0);
    /// ann.commit(0, Source::Typed);
    /// assert_eq!(ann.merge_disk("one\ntwo\nthree\n", None, 0), 1);
    /// ann.commit(0, Source::Disk);
    /// assert_eq!(ann.rope(), "1\ntwo\nthree\n");
    /// ```
    pub fn merge_disk(&mut self, disk: &str, deadline: Option<Instant>, now_ms: u64) -> usize {
        let (disk, first) = (Rope::from_str(disk), self.replica.next_seq());
        let (delta, fresh) = self.shadow.merge(disk, &self.rope, deadline);
        // The shadow knows of all this.
        let shadow = std::mem::take(&mut self.shadow);
        self.bring(&delta, &fresh, now_ms);
        self.shadow = shadow;
        self.brought_in(first);
        delta.places()
    }

    /// Brings in the lines of `disk`, a file that has grown apart from the document in a way that
    /// nobody knows, which the document has not; nothing of the document goes, and `disk` is the text
    /// last known on disk from then on. Otherwise as [`merge_disk`](Self::merge_disk).
    pub fn bring_in(&mut self, disk: &str, deadline: Option<Instant>, now_ms: u64) -> usize {
        let first = self.replica.next_seq();
        let (delta, fresh) = additions(&self.rope.to_string(), disk, deadline);
        self.bring(&delta, &fresh, now_ms);
        self.was_on_disk(Rope::from_str(disk), Version::new(), deadline);
        self.brought_in(first);
        delta.places()
    }

    /// The operations from `first` on have brought in what is on disk.
    fn brought_in(&mut self, first: u32) {
        let ops = first..self.replica.next_seq();
        let heads = self.replica.log().version();
        self.shadow.brought_in(self.replica.me(), ops, heads);
    }

    /// What leads to the text last known to be on disk, where its heads do not say what that is, from the text with
    /// the heads returned, the present one. To be [committed](Self::commit) before. O(places edited since the disk
    /// was known).
    pub fn way_back_to_disk(&mut self) -> Option<(Version, Patch)> {
        let heads = self.replica.log().version();
        let patch = self.shadow.way_back(&self.rope)?;
        Some((heads.clone(), patch))
    }

    /// Does what `delta` says, with the characters of `fresh`, as one step of undo.
    fn bring(&mut self, delta: &Delta, mut fresh: &str, now_ms: u64) {
        let first = self.replica.next_seq();
        let (mut at, mut start) = (0, None);
        for step in delta.steps() {
            match step {
                Step::Keep(n) => at += n,
                Step::Insert(n) => {
                    start.get_or_insert(at);
                    let end = fresh.char_indices().nth(n);
                    let (text, rest) = fresh.split_at(end.map_or(fresh.len(), |(end, _)| end));
                    self.replace(at..at, text);
                    (at, fresh) = (at + n, rest);
                }
                Step::Remove(n) => {
                    start.get_or_insert(at);
                    self.replace(at..at + n, "");
                }
            }
        }
        let Some(start) = start else {
            return;
        };
        self.undo.push(Edit {
            ops: first..self.replica.next_seq(),
            kind: EditKind::Whole,
            at: now_ms,
            replaced: start..at,
            caret: at,
            space: false,
        });
    }
}

#[cfg(test)]
mod tests;
