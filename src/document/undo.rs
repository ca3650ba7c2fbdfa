//! What undo and redo take back: one's own edits, in groups.
//!
//! A group ends with a pause, when a new word begins, when the caret has been somewhere else, and
//! when typing turns into deleting. Groups name operations, not text, so they stay good whatever
//! others do meanwhile.
//!
//! Not here: what taking back means (that is the CRDT's undo).

use std::collections::VecDeque;
use std::ops::Range;

use crate::crdt::{Change, OpId};

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

/// Numbers of one's own operations that are taken back together.
type Group = Range<u32>;

/// The newest group, as long as it takes more edits.
#[derive(Debug)]
struct Open {
    kind: EditKind,
    /// When its last edit was, in milliseconds.
    at: u64,
    /// Where its last edit left the caret; follows what others do.
    caret: usize,
    /// Whether its last typed character was white space: then the next letter begins a word.
    ends_word: bool,
}

/// Own edits that can be taken back, and undos that can.
#[derive(Default)]
pub(super) struct UndoStack {
    undo: VecDeque<Group>,
    redo: Vec<(Vec<Range<OpId>>, Group)>,
    open: Option<Open>,
}

/// An edit to be remembered.
pub(super) struct Edit {
    /// The numbers of its operations.
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
    /// Remembers an edit; what was undone before can no longer be redone.
    pub(super) fn push(&mut self, edit: Edit) {
        self.redo.clear();
        if let (Some(group), Some(open)) = (self.undo.back_mut(), &mut self.open)
            && edit.kind == open.kind
            && edit.kind != EditKind::Whole
            && (edit.replaced.start == open.caret || edit.replaced.end == open.caret)
            && edit.at.saturating_sub(open.at) < PAUSE_MS
            && (edit.space || !open.ends_word)
            && edit.ops.start == group.end
        {
            group.end = edit.ops.end;
            open.at = edit.at;
            open.caret = edit.caret;
            open.ends_word = edit.space && edit.kind == EditKind::Type;
            return;
        }
        if self.undo.len() >= MAX_GROUPS {
            self.undo.pop_front();
        }
        self.undo.push_back(edit.ops);
        self.open = Some(Open {
            kind: edit.kind,
            at: edit.at,
            caret: edit.caret,
            ends_word: edit.space && edit.kind == EditKind::Type,
        });
    }

    /// Keeps the caret in its place while others write.
    pub(super) fn follow(&mut self, change: &Change) {
        let Some(Open { caret, .. }) = &mut self.open else {
            return;
        };
        match *change {
            Change::Insert { at, len, .. } if at < *caret => *caret += len,
            Change::Remove { at, len } if at < *caret => *caret = at.max(caret.saturating_sub(len)),
            _ => {}
        }
    }

    /// The next edit begins a group, since nobody knows where the last one left the caret.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// The operations of the newest group that is not undone, and what remembers that it is.
    pub(super) fn undo(&mut self) -> Option<(Range<u32>, Undone)> {
        let group = self.undo.pop_back()?;
        self.open = None;
        Some((group.clone(), Undone(group)))
    }

    /// Remembers the undo that took a group back.
    pub(super) fn undone(&mut self, group: Undone, by: Vec<Range<OpId>>) {
        self.redo.push((by, group.0));
    }

    /// The undo that was made last and not yet taken back; its group counts as not undone again.
    pub(super) fn redo(&mut self) -> Option<Vec<Range<OpId>>> {
        let (by, group) = self.redo.pop()?;
        self.undo.push_back(group);
        self.open = None;
        Some(by)
    }
}

/// A group on its way from undo to redo.
pub(super) struct Undone(Group);
