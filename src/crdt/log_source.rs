//! What those who carry batches may ask of the authors' logs.
//!
//! Batches are opaque here: an author, the number of its first operation, and bytes. Whoever sends
//! them keeps no queue of its own but reads them from the logs again.

use super::{AuthorId, Log, Version};

/// The authors' logs, as seen by someone who sends batches and asks for missing ones.
pub trait LogSource {
    /// The heads: everything that is here.
    fn version(&self) -> &Version;

    /// Whether `author` is frozen: nothing later of it is taken, requested or counted missing.
    fn is_frozen(&self, author: &AuthorId) -> bool;

    /// Appends the encoding of `author`'s batch that starts at `seq` to `out` and returns the
    /// number after its last operation. `None` if no batch starts there.
    fn batch_at(&self, author: &AuthorId, seq: u32, out: &mut Vec<u8>) -> Option<u32>;

    /// The Lamport value of `author`'s batch that holds operation `seq`; `None` if it is not here.
    fn lamport_at(&self, author: &AuthorId, seq: u32) -> Option<u64>;
}

impl LogSource for Log {
    fn version(&self) -> &Version {
        self.version()
    }

    fn is_frozen(&self, author: &AuthorId) -> bool {
        self.is_frozen(author)
    }

    fn batch_at(&self, author: &AuthorId, seq: u32, out: &mut Vec<u8>) -> Option<u32> {
        self.batch_at(author, seq, out)
    }

    fn lamport_at(&self, author: &AuthorId, seq: u32) -> Option<u64> {
        self.batch_info(author, seq).map(|batch| batch.lamport)
    }
}
