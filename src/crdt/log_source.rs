//! What those who carry batches may ask of the authors' logs.
//!
//! Batches are opaque here: an author, the number of its first operation, and bytes. Whoever sends
//! them keeps no queue of its own but reads them from the logs again.

use super::{AuthorId, OpId, Replica, Version};

/// The authors' logs, as seen by someone who sends batches and asks for missing ones.
pub trait LogSource {
    /// The heads: everything that is here.
    fn version(&self) -> &Version;

    /// Whether `author` is frozen: nothing later of it is taken, requested or counted missing.
    fn is_frozen(&self, author: &AuthorId) -> bool;

    /// Whether any author is.
    fn any_frozen(&self) -> bool;

    /// Appends the encoding of `author`'s batch that starts at `seq` to `out` and returns the
    /// number after its last operation. `None` if no batch starts there.
    fn batch_at(&self, author: &AuthorId, seq: u32, out: &mut Vec<u8>) -> Option<u32>;

    /// The same for a batch that is here and not in the log: it waits for its causes, or its author is
    /// frozen before it. `None` also if it is not known how many operations it holds.
    fn waiting_at(&self, _author: &AuthorId, _seq: u32, _out: &mut Vec<u8>) -> Option<u32> {
        None
    }

    /// The Lamport value of `author`'s batch that holds operation `seq`; `None` if it is not here.
    fn lamport_at(&self, author: &AuthorId, seq: u32) -> Option<u64>;

    /// How many batches are here, of all authors. O(n) in runs of like batches.
    fn batches(&self) -> u64;

    /// Everything that is here in one piece of bytes, for one who lacks most of it. O(n log n).
    fn encode_history(&self) -> Vec<u8>;
}

impl LogSource for Replica {
    fn version(&self) -> &Version {
        self.log().version()
    }

    fn is_frozen(&self, author: &AuthorId) -> bool {
        self.log().is_frozen(author)
    }

    fn any_frozen(&self) -> bool {
        self.log.authors().any(|(_, author)| author.frozen)
    }

    fn batch_at(&self, author: &AuthorId, seq: u32, out: &mut Vec<u8>) -> Option<u32> {
        self.log().batch_at(author, seq, out)
    }

    fn waiting_at(&self, author: &AuthorId, seq: u32, out: &mut Vec<u8>) -> Option<u32> {
        let parked = self.pending.get(OpId {
            author: *author,
            seq,
        })?;
        out.extend_from_slice(&parked.bytes);
        seq.checked_add(parked.width?)
    }

    fn lamport_at(&self, author: &AuthorId, seq: u32) -> Option<u64> {
        self.log()
            .batch_info(author, seq)
            .map(|batch| batch.lamport)
    }

    fn batches(&self) -> u64 {
        let runs = self.log.authors().flat_map(|(_, log)| log.batches());
        runs.map(|(_, count)| u64::from(count)).sum()
    }

    fn encode_history(&self) -> Vec<u8> {
        self.encode_history()
    }
}
