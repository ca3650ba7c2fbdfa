//! Bounds of the CRDT. What passes one is refused with a typed reason, never with a panic.

/// The greatest Lamport value: 2⁵³ − 1, the greatest integer that every JSON reader keeps exactly.
/// Greater values are invalid, and the clock saturates here.
pub const MAX_LAMPORT: u64 = (1 << 53) - 1;

/// The greatest length of one encoded batch, in bytes. A longer edit is cut into several batches.
pub const MAX_BATCH_BYTES: usize = 1 << 20;

/// How many authors one session may have seen. An author is one process start of one member.
pub const MAX_AUTHORS: usize = 65_535;

/// After how many operations, over all authors, a document takes no more from others: twice the characters
/// of the longest file. What comes then costs its sender the link.
pub const MAX_OPERATIONS: u64 = 1 << 30;

/// How deep undos of undos may be nested. A person's undo, redo and undo again reach 2; taking
/// back what others took back reaches a few more. (A guess with room.)
pub const MAX_UNDO_DEPTH: u8 = 32;

/// How many bytes of batches that wait for their causes are kept, over all authors. What does not
/// fit is dropped and asked for again by anti-entropy.
pub const MAX_PENDING_BYTES: usize = 16 << 20;

/// How many batches may wait for their causes.
pub const MAX_PENDING_BATCHES: usize = 65_536;

/// How many bytes of text, or targets, go into one local batch before the next one is begun: half
/// of [`MAX_BATCH_BYTES`] for text, and at most 17 bytes a target besides a new author's 18.
pub(crate) const BATCH_TEXT_BYTES: usize = 1 << 19;
pub(crate) const BATCH_TARGETS: usize = 1 << 14;

/// How many bytes a history may unpack to: a large document with all that was ever deleted from it.
pub const MAX_HISTORY_BYTES: usize = 1 << 30;

/// How many operations a history may hold, by the same measure.
pub const MAX_HISTORY_OPS: u64 = 1 << 30;
