//! Looking for something, off the event loop: a job and what came of it.

use std::ops::Range;

use crate::document::search::Searcher;
use crate::document::{CharPos, Document, Rope};

/// The most matches that are counted and can be replaced at once. (16 bytes each.)
pub(super) const MAX_FOUND: usize = 1_000_000;

/// A text to be looked through.
pub(super) struct FindJob {
    searcher: Searcher,
    rope: Rope,
    scope: Range<CharPos>,
    number: u64,
}

/// What was found.
pub(super) struct Found {
    /// The matches, in order.
    pub(super) matches: Vec<Range<CharPos>>,
    /// The text that they are in.
    pub(super) rope: Rope,
    /// Which job this answers.
    pub(super) number: u64,
}

impl FindJob {
    /// Looks for `searcher` in a part of the document as it is now.
    pub(super) fn new(
        searcher: Searcher,
        document: &Document,
        scope: Range<CharPos>,
        number: u64,
    ) -> Self {
        Self {
            searcher,
            rope: document.rope().clone(),
            scope,
            number,
        }
    }

    /// Looks. Blocks.
    pub(super) fn run(self) -> Found {
        Found {
            matches: self.searcher.find_all(&self.rope, self.scope, MAX_FOUND),
            rope: self.rope,
            number: self.number,
        }
    }
}
