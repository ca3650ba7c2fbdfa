//! What undo and redo take back: one's own edits, in groups.
//!
//! A group ends with a pause, when a new word begins, when the caret has been somewhere else, and
//! when typing turns into deleting. Groups name operations, not text, so they stay good whatever
//! others do meanwhile.
//!
//! Not here: what taking back means (that is the CRDT's undo).

use std::ops::Range;

use crate::crdt::{Anchor, OpId};

/// A pause after which a new group begins, in milliseconds. (Editors use 300 to 1000.)
pub const PAUSE_MS: u64 = 700;

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

/// Edits that are taken back together.
#[derive(Debug)]
struct Group {
    ops: Range<OpId>,
    kind: EditKind,
    /// When its last edit was, in milliseconds.
    at: u64,
    /// Where its last edit left the caret.
    caret: Anchor,
    /// Whether its last typed character was white space: then the next letter begins a word.
    ends_word: bool,
}

/// Own edits that can be taken back, and undos that can.
#[derive(Default)]
pub(super) struct UndoStack {
    undo: Vec<Group>,
    redo: Vec<(Vec<Range<OpId>>, Group)>,
    /// Whether the newest group takes no more edits.
    closed: bool,
}

/// An edit to be remembered.
pub(super) struct Edit {
    pub(super) ops: Range<OpId>,
    pub(super) kind: EditKind,
    pub(super) at: u64,
    /// Whether it began where the newest group left the caret.
    pub(super) adjacent: bool,
    pub(super) caret: Anchor,
    /// Whether it typed white space.
    pub(super) space: bool,
}

impl UndoStack {
    /// Where the newest edit left the caret.
    pub(super) fn caret(&self) -> Option<&Anchor> {
        self.undo.last().map(|group| &group.caret)
    }

    /// Remembers an edit; what was undone before can no longer be redone.
    pub(super) fn push(&mut self, edit: Edit) {
        self.redo.clear();
        let closed = std::mem::take(&mut self.closed);
        if let Some(group) = self.undo.last_mut()
            && !closed
            && edit.adjacent
            && edit.kind == group.kind
            && edit.kind != EditKind::Whole
            && edit.at.saturating_sub(group.at) < PAUSE_MS
            && (edit.space || !group.ends_word)
            && edit.ops.start == group.ops.end
        {
            group.ops.end = edit.ops.end;
            group.at = edit.at;
            group.caret = edit.caret;
            group.ends_word = edit.space;
            return;
        }
        self.undo.push(Group {
            ops: edit.ops,
            kind: edit.kind,
            at: edit.at,
            caret: edit.caret,
            ends_word: edit.space && edit.kind == EditKind::Type,
        });
    }

    /// The operations of the newest group that is not undone, and what remembers that it is.
    pub(super) fn undo(&mut self) -> Option<(Vec<Range<OpId>>, Undone)> {
        let group = self.undo.pop()?;
        self.closed = true;
        Some((vec![group.ops.clone()], Undone(group)))
    }

    /// Remembers the undo that took a group back.
    pub(super) fn undone(&mut self, group: Undone, by: Vec<Range<OpId>>) {
        self.redo.push((by, group.0));
    }

    /// The undo that was made last and not yet taken back; its group counts as not undone again.
    pub(super) fn redo(&mut self) -> Option<Vec<Range<OpId>>> {
        let (by, group) = self.redo.pop()?;
        self.undo.push(group);
        self.closed = true;
        Some(by)
    }
}

/// A group on its way from undo to redo.
pub(super) struct Undone(Group);
