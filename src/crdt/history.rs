//! The history encoding: everything a replica knows, as bytes to be kept or sent.
//!
//! ```text
//! history = "collabeh" version:u8 checksum:[u8; 16] column*
//! column  = uint (bytes unpacked) uint (bytes packed) bytes
//! ```
//!
//! The checksum is the first half of BLAKE3 over all columns. Texts and batches are packed with DEFLATE; a column is as
//! it is where that is not longer, and where it takes longer to unpack than it is worth. Integers (`uint`) are LEB128, differences (`sint`) zigzag. The
//! columns, in this order:
//!
//! | column | holds |
//! |---|---|
//! | shown | the visible text; all that showing it takes |
//! | hidden | all other characters, by author, in the order of their numbers, as far as they are no copies |
//! | copies | which parts of those are copies of what, see `repeats` |
//! | authors | 16 bytes each |
//! | batches | per author: how many; widths as `(width, how many)`; then, of Lamport values, minutes and sources, the batches that do not go on as expected, as `(how many do before it, difference)` |
//! | turns | `(author, how many entries)`: an order in which every entry's causes come first |
//! | entries | what it is, and how long or how much it names |
//! | origins | of each insert its left origin, twice, plus 1 if its right one follows; the sketch has it otherwise |
//! | targets | of deletes and undos |
//! | notes | their bytes |
//!
//! An *entry* is what a log keeps as one: characters that continue each other, in however many
//! batches they came, or deletes of one character each that follow each other. Ids are differences to
//! where the author wrote last. The visible text stands there once: putting the entries into order
//! gives the characters' places, and these tell which part of the text is whose. So text and
//! operations cannot contradict each other, and every batch is given again bit by bit.
//!
//! **The sketch.** Writer and reader keep a list of all characters in which each insert stands right behind its left
//! origin (`super::restore`). A right origin that is what follows there, and a delete of all that shows there from one
//! character to another, need not be spelt out. Nearly none has to be, since most of what is written is written while
//! nobody else writes at the same place.
//!
//! **What is checked.** The checksum finds accidents, not intent. A made-up history is held to what
//! a made-up batch is held to: origins that exist and do not cross, targets that are characters and named
//! once, the depth of undos, sequence numbers, Lamport values; and the order follows from the inserts alone,
//! whatever the history claims. So replicas that read the same entries have the same order and the same visible
//! text. *Whose* the entries are is not checked here: that is for the signatures over batches.

mod column;
mod decode;
mod encode;
mod repeats;

pub use decode::History;

use super::id::Id;
use super::op::Invalid;

const MAGIC: &[u8; 8] = b"collabeh";
const VERSION: u8 = 2;

/// Length of magic, version and checksum.
const HEADER: usize = 8 + 1 + 16;

/// Numbers of the columns.
const SHOWN: usize = 0;
const HIDDEN: usize = 1;
const COPIES: usize = 2;
const AUTHORS: usize = 3;
const BATCHES: usize = 4;
const TURNS: usize = 5;
const ENTRIES: usize = 6;
const ORIGINS: usize = 7;
const TARGETS: usize = 8;
const NOTES: usize = 9;
const COLUMNS: usize = 10;

/// Kinds of entries, in the lowest three bits of their number in the column. Above them is how many characters or
/// deletes it is, of a stretch how many characters one delete names, else 1.
const INSERT: u64 = 0;
/// Deletes of one character each, each behind the one before, or in front of it.
const FORWARDS: u64 = 1;
const BACKWARDS: u64 = 2;
/// A delete or undo of any stretches: how many, and each with its length.
const DELETE: u64 = 3;
const UNDO: u64 = 4;
const NOTE: u64 = 5;
/// A delete of one stretch.
const STRETCH: u64 = 6;
/// A delete of all that shows in the sketch from one character to another.
const THROUGH: u64 = 7;

/// Why bytes are not a history.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Corrupt {
    /// They do not begin as one.
    #[error("this is not an editing history")]
    NotAHistory,
    /// They are of a version that this program does not know.
    #[error("the history is of version {0}, which this program does not know")]
    Version(u8),
    /// Some of them were changed, or the end is missing.
    #[error("the history is damaged")]
    Damaged,
    /// It would take more memory than [`super::limits::MAX_HISTORY_BYTES`].
    #[error("the history is too large")]
    TooLarge,
    /// The bytes are as they were written, but not by this encoding.
    #[error("the history is malformed: {0}")]
    Malformed(&'static str),
    /// An operation in it can never be valid.
    #[error("the history holds what cannot be: {0}")]
    Invalid(#[from] Invalid),
}

fn checksum(columns: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(columns).as_bytes()[..16]);
    half
}

/// The id `by` operations after `id`, or before it, as near as there is one: a guess at what is named
/// next.
fn near(id: Id, by: i64) -> Id {
    let seq = (i64::from(id.seq) + by).clamp(0, u32::MAX.into());
    Id::new(id.author, seq as u32)
}

/// Makes the checksum right again, for tests of what comes behind it.
#[cfg(test)]
pub(crate) fn seal(bytes: &mut [u8]) {
    if bytes.len() >= HEADER {
        let sum = checksum(&bytes[HEADER..]);
        bytes[HEADER - sum.len()..HEADER].copy_from_slice(&sum);
    }
}
