//! What has changed in the text since somebody looked: for whatever is derived from the text and
//! wants to follow it, such as colours.

use ropey::Rope;

use super::position::{CharPos, Line, line_at};

/// The most changes that are kept. (A guess: more than people make between two frames.)
const MAX_CHANGES: usize = 4096;

/// One change: at `at`, `removed` characters made room for `inserted` others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TextChange {
    /// Where, in the text as it was then.
    pub at: CharPos,
    /// How many characters went.
    pub removed: usize,
    /// How many came.
    pub inserted: usize,
    /// The line that `at` was in.
    pub line: Line,
    /// How many lines there were more afterwards.
    pub lines: isize,
}

/// Keeps changes, once it is told to.
#[derive(Default)]
pub(super) struct Feed {
    /// `None` if nobody looks, or there were too many.
    changes: Option<Vec<TextChange>>,
}

impl Feed {
    /// How many lines the text has, if somebody looks, for [`note`](Self::note) after the change.
    #[inline]
    pub(super) fn lines(&self, rope: &Rope) -> Option<usize> {
        self.changes.is_some().then(|| rope.len_lines())
    }

    /// Keeps what changed; `lines` is how many the text had before.
    #[inline]
    pub(super) fn note(
        &mut self,
        rope: &Rope,
        at: usize,
        removed: usize,
        inserted: usize,
        lines: Option<usize>,
    ) {
        if let Some(lines) = lines {
            self.keep(rope, at, removed, inserted, lines);
        }
    }

    #[inline(never)]
    fn keep(&mut self, rope: &Rope, at: usize, removed: usize, inserted: usize, lines: usize) {
        let Some(changes) = &mut self.changes else {
            return;
        };
        if changes.len() == MAX_CHANGES {
            self.changes = None;
            return;
        }
        let at = CharPos(at);
        changes.push(TextChange {
            at,
            removed,
            inserted,
            line: line_at(rope, at),
            lines: rope.len_lines() as isize - lines as isize,
        });
    }

    /// The text is another as a whole.
    pub(super) fn lose(&mut self) {
        self.changes = None;
    }

    /// The changes since the last call, in order; `None` if they are not known. From the first call on they are kept.
    pub(super) const fn take(&mut self) -> Option<Vec<TextChange>> {
        self.changes.replace(Vec::new())
    }
}
