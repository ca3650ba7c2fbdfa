//! Notes: bytes that authors put beside the text.

use super::super::id::{AuthorId, OpId};
use super::super::version::Version;
use super::Log;

/// A note as its author made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Noted<'a> {
    /// Its name.
    pub op: OpId,
    /// The Lamport value of its batch: notes ordered by it, then by author, stand in the same order everywhere,
    /// and none before one that its author had seen.
    pub lamport: u64,
    /// The author's wall clock in whole minutes since 1970.
    pub minutes: u32,
    /// What it holds. Foreign: anything.
    pub bytes: &'a [u8],
}

impl Log {
    /// How many notes there are, those that are in no batch yet included. O(1).
    pub const fn notes(&self) -> usize {
        self.notes
    }

    /// The notes in batches behind `version`, each author's in the order of their numbers.
    /// O(authors + answer · log n).
    pub fn notes_since(&self, version: &Version) -> impl Iterator<Item = Noted<'_>> {
        let authors = self.authors.iter().filter(|log| !log.notes.is_empty());
        authors.flat_map(|log| {
            let since = version.next(&log.id);
            let first = log.notes.partition_point(|note| note.seq < since);
            log.notes[first..].iter().filter_map(|note| {
                let batch = log.batch(note.seq)?;
                Some(Noted {
                    op: OpId {
                        author: log.id,
                        seq: note.seq,
                    },
                    lamport: batch.lamport,
                    minutes: batch.minutes,
                    bytes: &note.bytes,
                })
            })
        })
    }

    /// How many of `author`'s operations `from..to` are no notes. O(notes among them).
    pub fn edits_between(&self, author: &AuthorId, from: u32, to: u32) -> u32 {
        let Some(log) = self.ix(author).map(|ix| &self[ix]) else {
            return 0;
        };
        let all = to.min(log.end).saturating_sub(from);
        let first = log.notes.partition_point(|note| note.seq < from);
        let notes = log.notes[first..].iter().take_while(|note| note.seq < to);
        all.saturating_sub(notes.count() as u32)
    }
}
