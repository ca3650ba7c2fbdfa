//! What undo and redo take back: one's own edits, in groups.
//!
//! A group ends with a pause, when a new word begins, when the caret has been somewhere else, and
//! when typing turns into deleting. Groups name operations, not text, so they stay good whatever
//! others do meanwhile.
//!
//! A person is several authors, one for each start of the program. After a restart the groups of earlier ones are
//! put together again from the log, by the same rule, as well as that tells: of times it knows the minutes, and what came in one turn stays
//! together. Undos that it holds tell what was undone already, and where the borders of that were.
//!
//! Invariant U1: groups that can be taken back do not overlap, and stand in the order of their numbers.
//!
//! Not here: what taking back means (that is the CRDT's undo).

use std::collections::VecDeque;
use std::ops::Range;

use crate::crdt::log::steps::{Doing, Step};
use crate::crdt::{AuthorId, Log, OpId, Source};

/// A pause after which a new group begins, in milliseconds. (Editors use 300 to 1000.)
pub const PAUSE_MS: u64 = 700;

/// How many groups can be taken back. (Vim keeps 1,000 steps; a group takes 8 bytes here.)
pub const MAX_GROUPS: usize = 10_000;

/// What an edit does, as far as grouping cares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EditKind {
    /// One typed character.
    Type,
    /// One character deleted, in either direction.
    Erase,
    /// Anything else; always a group of its own.
    Whole,
}

/// How many operations of earlier authors are counted: half of all numbers there are.
const MAX_EARLIER: u32 = 1 << 31;

/// Numbers of operations that are taken back together, all of one author. All authors of this person are numbered
/// in a row.
type Group = Range<u32>;

/// The newest group, as long as it takes more edits. Where that ends is known here alone until it is closed.
#[derive(Debug)]
struct Open {
    kind: EditKind,
    /// The number after its last operation.
    end: u32,
    /// When its last edit was, in milliseconds.
    at: u64,
    /// Where its last edit left the caret; follows what others do.
    caret: usize,
    /// Whether its last typed character was white space: then the next letter begins a word.
    ends_word: bool,
}

/// Own edits that can be taken back, and undos that can.
pub(super) struct UndoStack {
    /// This person's authors, oldest first, with where in the row their numbers begin.
    authors: Vec<(u32, AuthorId)>,
    /// Where in the row the newest author's numbers begin.
    base: u32,
    undo: VecDeque<Group>,
    redo: Vec<(Vec<Range<OpId>>, Group)>,
    open: Option<Open>,
}

/// An edit to be remembered.
pub(super) struct Edit {
    /// The numbers of its operations, among those of its author.
    pub(super) ops: Range<u32>,
    pub(super) kind: EditKind,
    pub(super) at: u64,
    /// What it replaced, by the characters' numbers before it.
    pub(super) replaced: Range<usize>,
    /// Where it left the caret.
    pub(super) caret: usize,
    /// Whether it typed white space.
    pub(super) space: bool,
}

impl UndoStack {
    /// Nothing to take back; edits to come are `me`'s.
    pub(super) fn new(me: AuthorId) -> Self {
        Self {
            authors: vec![(0, me)],
            base: 0,
            undo: VecDeque::new(),
            redo: Vec::new(),
            open: None,
        }
    }

    /// What there is to take back, and to redo, of what this person did as `earlier` authors, oldest first, and as
    /// `me`. O(operations of these).
    pub(super) fn resumed(log: &Log, earlier: &[AuthorId], me: AuthorId) -> Self {
        let mut sum = 0;
        let fits = |author: &&AuthorId| {
            sum += u64::from(log.next(author));
            sum <= u64::from(MAX_EARLIER)
        };
        let counted = earlier.iter().filter(|author| **author != me).rev();
        let mut authors: Vec<AuthorId> = counted.take_while(fits).copied().collect();
        authors.reverse();
        authors.push(me);
        let mut stack = Self::new(me);
        stack.authors.clear();
        let mut start = 0;
        for author in authors {
            stack.authors.push((start, author));
            stack.base = start;
            for step in log.steps(&author) {
                stack.replay(step);
            }
            start = start.saturating_add(log.next(&author));
            stack.close();
        }
        stack
    }

    /// Takes in what this person did earlier. Edits are held to be at one place if they go on in the log.
    fn replay(&mut self, Step { ops, batch, what }: Step) {
        let (kind, goes_on, space) = match what {
            // The content that the session began with: nothing was there before.
            _ if batch.source == Source::Disk && batch.lamport == 1 => return,
            Doing::Key { char, goes_on } => (EditKind::Type, goes_on, char.is_whitespace()),
            Doing::Erase { goes_on } => (EditKind::Erase, goes_on, false),
            Doing::Edit => (EditKind::Whole, false, false),
            Doing::Undo(targets) => {
                if self.replay_undo(&ops, &targets) {
                    return;
                }
                (EditKind::Whole, false, false)
            }
        };
        let caret = self.open.as_ref().map_or(0, |open| open.caret);
        let caret = if goes_on { caret } else { caret + 1 };
        self.push(Edit {
            ops,
            kind,
            at: u64::from(batch.minutes) * 60_000,
            replaced: caret..caret,
            caret,
            space,
        });
    }

    /// Takes in an undo or a redo of earlier; whether it was one. Else it took back what others did.
    fn replay_undo(&mut self, by: &Range<u32>, targets: &[Range<OpId>]) -> bool {
        let redone = self.redo.iter().rposition(|(undo, _)| undo == targets);
        if let Some(redone) = redone {
            let (_, group) = self.redo.remove(redone);
            self.restore(group);
            return true;
        }
        let [Range { start, end }] = targets else {
            return false;
        };
        let of_mine = self
            .authors
            .iter()
            .find(|(_, author)| *author == start.author);
        let Some((base, _)) = of_mine else {
            return false;
        };
        let group = base + start.seq..base + end.seq;
        self.note_end();
        let first = self.undo.partition_point(|other| other.end <= group.start);
        let behind = self.undo.partition_point(|other| other.start < group.end);
        let cut: Vec<Group> = self.undo.drain(first..behind).collect();
        let (Some(head), Some(tail)) = (cut.first(), cut.last()) else {
            return false;
        };
        for rest in [group.end..tail.end, head.start..group.start] {
            if !rest.is_empty() {
                self.undo.insert(first, rest);
            }
        }
        self.open = None;
        let by = self.names(&(self.number(by.start)..self.number(by.end)));
        self.redo.push((vec![by], group));
        true
    }

    /// Lets a group be taken back again.
    fn restore(&mut self, group: Group) {
        self.close();
        let place = self.undo.partition_point(|other| other.start < group.start);
        self.undo.insert(place, group);
    }

    /// The number of the newest author's operation `seq` in the row.
    fn number(&self, seq: u32) -> u32 {
        self.base.saturating_add(seq)
    }

    /// The operations of a group.
    fn names(&self, group: &Group) -> Range<OpId> {
        let author = self
            .authors
            .partition_point(|(base, _)| *base <= group.start);
        let (base, author) = self.authors[author - 1];
        let op = |number| OpId {
            author,
            seq: number - base,
        };
        op(group.start)..op(group.end)
    }

    /// Remembers an edit; what was undone before can no longer be redone.
    #[inline(always)] // On the road of a key.
    pub(super) fn push(&mut self, edit: Edit) {
        if !self.redo.is_empty() {
            self.redo.clear();
        }
        let ops = self.number(edit.ops.start)..self.number(edit.ops.end);
        if let Some(open) = &mut self.open
            && edit.kind == open.kind
            && edit.kind != EditKind::Whole
            && (edit.replaced.start == open.caret || edit.replaced.end == open.caret)
            && edit.at.saturating_sub(open.at) < PAUSE_MS
            && (edit.space || !open.ends_word)
            && ops.start == open.end
        {
            open.end = ops.end;
            open.at = edit.at;
            open.caret = edit.caret;
            open.ends_word = edit.space && edit.kind == EditKind::Type;
            return;
        }
        self.begin(edit, ops);
    }

    /// Remembers an edit as the beginning of a group.
    #[inline(never)]
    fn begin(&mut self, edit: Edit, ops: Group) {
        self.note_end();
        self.open = Some(Open {
            kind: edit.kind,
            end: ops.end,
            at: edit.at,
            caret: edit.caret,
            ends_word: edit.space && edit.kind == EditKind::Type,
        });
        if self.undo.len() >= MAX_GROUPS {
            self.undo.pop_front();
        }
        self.undo.push_back(ops);
    }

    /// Brings the newest group up to date.
    #[inline]
    fn note_end(&mut self) {
        if let Some(open) = &self.open
            && let Some(group) = self.undo.back_mut()
        {
            group.end = open.end;
        }
    }

    /// Keeps the caret in its place while others write: `len` characters came at `at`.
    #[inline]
    pub(super) fn inserted(&mut self, at: usize, len: usize) {
        if let Some(Open { caret, .. }) = &mut self.open
            && at < *caret
        {
            *caret += len;
        }
    }

    /// Likewise, `len` characters went at `at`.
    pub(super) fn removed(&mut self, at: usize, len: usize) {
        if let Some(Open { caret, .. }) = &mut self.open
            && at < *caret
        {
            *caret = at.max(caret.saturating_sub(len));
        }
    }

    /// The next edit begins a group, since nobody knows where the last one left the caret.
    pub(super) fn close(&mut self) {
        self.note_end();
        self.open = None;
    }

    /// Panics if U1 does not hold. O(groups).
    pub(super) fn check_invariants(&self) {
        let pairs = self.undo.iter().zip(self.undo.iter().skip(1));
        for (group, next) in pairs {
            assert!(group.end <= next.start, "U1: {group:?} and {next:?}");
        }
    }

    /// The operations of the newest group that is not undone, and what remembers that it is.
    pub(super) fn undo(&mut self) -> Option<(Range<OpId>, Undone)> {
        self.close();
        let group = self.undo.pop_back()?;
        Some((self.names(&group), Undone(group)))
    }

    /// Remembers the undo that took a group back.
    pub(super) fn undone(&mut self, group: Undone, by: Vec<Range<OpId>>) {
        self.redo.push((by, group.0));
    }

    /// The undo that was made last and not yet taken back; its group counts as not undone again.
    pub(super) fn redo(&mut self) -> Option<Vec<Range<OpId>>> {
        let (by, group) = self.redo.pop()?;
        self.restore(group);
        Some(by)
    }
}

/// A group on its way from undo to redo.
pub(super) struct Undone(Group);

#[cfg(test)]
mod tests;
