//! Batches that wait for their causes.
//!
//! A batch waits under one operation that it misses; when that has come it is tried again, and may
//! then wait for another. Bounded: what does not fit is dropped, and anti-entropy asks for it again.

use std::collections::{BTreeMap, BTreeSet};

use super::id::{AuthorId, OpId};
use super::limits::{MAX_PENDING_BATCHES, MAX_PENDING_BYTES};

/// A batch as it came.
pub(crate) struct Parked {
    pub(crate) author: AuthorId,
    pub(crate) seq: u32,
    pub(crate) bytes: Box<[u8]>,
}

/// All batches that wait.
#[derive(Default)]
pub(crate) struct Pending {
    by_cause: BTreeMap<OpId, Vec<Parked>>,
    known: BTreeSet<OpId>,
    bytes: usize,
}

impl Pending {
    /// Keeps a batch until `cause` comes. Does nothing if it waits already, or if there is no room.
    pub(crate) fn park(&mut self, cause: OpId, author: AuthorId, seq: u32, bytes: &[u8]) {
        if self.bytes + bytes.len() > MAX_PENDING_BYTES || self.known.len() >= MAX_PENDING_BATCHES {
            return;
        }
        if self.known.insert(OpId { author, seq }) {
            self.bytes += bytes.len();
            self.by_cause.entry(cause).or_default().push(Parked {
                author,
                seq,
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

    /// Everything that waits.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Parked> {
        self.by_cause.values().flatten()
    }

    /// How many batches wait.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }
}
