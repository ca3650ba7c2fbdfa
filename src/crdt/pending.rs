//! Batches that are here and not in the log: they wait for their causes, or for ever, behind an invalid
//! one of the same author, so that they can be shown to others.
//!
//! A batch waits under one operation that it misses; when that has come it is tried again, and may
//! then wait for another. Bounded: what does not fit is dropped, and anti-entropy asks for it again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::id::{AuthorId, OpId};
use super::limits::{MAX_PENDING_BATCHES, MAX_PENDING_BYTES};

/// A batch as it came.
pub(crate) struct Parked {
    pub(crate) author: AuthorId,
    pub(crate) seq: u32,
    /// How many operations it is said to hold, if that was said.
    pub(crate) width: Option<u32>,
    pub(crate) bytes: Box<[u8]>,
}

/// All batches that wait.
#[derive(Default)]
pub(crate) struct Pending {
    by_cause: BTreeMap<OpId, Vec<Parked>>,
    /// Each batch, and what it waits for.
    known: BTreeMap<OpId, OpId>,
    /// How many of them wait for nothing that could come.
    for_ever: usize,
    bytes: usize,
}

impl Pending {
    /// Keeps a batch until `cause` comes. Does nothing if it waits already, or if there is no room.
    pub(crate) fn park(
        &mut self,
        cause: OpId,
        OpId { author, seq }: OpId,
        width: Option<u32>,
        bytes: &[u8],
    ) {
        if self.bytes + bytes.len() > MAX_PENDING_BYTES || self.known.len() >= MAX_PENDING_BATCHES {
            return;
        }
        if let Entry::Vacant(new) = self.known.entry(OpId { author, seq }) {
            new.insert(cause);
            self.bytes += bytes.len();
            self.by_cause.entry(cause).or_default().push(Parked {
                author,
                seq,
                width,
                bytes: bytes.into(),
            });
        }
    }

    /// Takes out the batches that waited for one of `author`'s operations below `next`.
    pub(crate) fn ready(&mut self, author: AuthorId, next: u32) -> Vec<Parked> {
        let mut ready = Vec::new();
        let first = OpId { author, seq: 0 };
        while let Some((cause, _)) = self
            .by_cause
            .range(first..OpId { author, seq: next })
            .next()
        {
            let cause = *cause;
            ready.extend(self.by_cause.remove(&cause).into_iter().flatten());
        }
        for parked in &ready {
            self.bytes -= parked.bytes.len();
            self.known.remove(&OpId {
                author: parked.author,
                seq: parked.seq,
            });
        }
        ready
    }

    /// Keeps a batch of an author that is frozen.
    pub(crate) fn park_for_ever(&mut self, batch: OpId, width: Option<u32>, bytes: &[u8]) {
        let never = OpId {
            author: batch.author,
            seq: u32::MAX,
        };
        let before = self.known.len();
        self.park(never, batch, width, bytes);
        self.for_ever += self.known.len() - before;
    }

    /// The batch that starts with this operation. O(log n + batches that wait for the same).
    pub(crate) fn get(&self, batch: OpId) -> Option<&Parked> {
        let waiting = self.by_cause.get(self.known.get(&batch)?)?;
        waiting
            .iter()
            .find(|parked| parked.seq == batch.seq && parked.author == batch.author)
    }

    /// Everything that waits.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Parked> {
        self.by_cause.values().flatten()
    }

    /// How many batches wait for something that may come.
    pub(crate) fn len(&self) -> usize {
        self.known.len() - self.for_ever
    }
}
