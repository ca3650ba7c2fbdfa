//! What of a session outlives the process: a [`Journal`] of its operations, and notes beside them.
//!
//! | kind | record |
//! |---|---|
//! | 1 | a history: everything up to then, as the CRDT encodes it; only at the start of a journal |
//! | 2 | a batch: author (16 bytes), number of its first operation (4 bytes, big-endian), what carries it |
//! | 16 … | a note: bytes of whoever keeps the session; of each kind the last one counts |
//!
//! A journal that has grown is compacted: its operations become one history, of its notes the last of
//! each kind stay. Notes may hold secrets; the file is for this user alone.
//!
//! Deliberately not here: what notes hold, and which sessions are worth keeping.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::journal::{Content, Journal, Record, Successor};
use super::paths::state_folder;
use super::target::{PathError, resolve};
use crate::crdt::{AuthorId, Corrupt, History, Replica, Verdict};

/// The kinds of records that are read here.
const HISTORY: u8 = 1;
const BATCH: u8 = 2;

/// The first kind that is a note.
pub const NOTES: u8 = 16;

/// How many records are appended before it is worth compacting a journal: reading these takes about as
/// long as a history of a few hundred kilobytes (a guess) …
const COMPACT_RECORDS: u64 = 16_384;
/// … and one more for so many bytes of the history, so that compacting costs a fixed part of appending.
const COMPACT_BYTES: u64 = 256;

/// Where a session is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// By the file that it is saved to, which need not exist.
    File(PathBuf),
    /// By what was joined, and in which folder, as long as there is no file.
    Joined {
        /// The current folder.
        folder: PathBuf,
        /// `HOST:PORT`, as given.
        address: String,
    },
    /// By the folder, as long as nobody has named a file.
    Unnamed {
        /// The current folder.
        folder: PathBuf,
    },
}

impl Place {
    /// The journal's folder; `None` when the environment names no state folder.
    ///
    /// # Errors
    /// When the file's folder does not exist or cannot be looked at.
    pub fn folder(&self) -> Result<Option<PathBuf>, PathError> {
        let mut hasher = blake3::Hasher::new();
        match self {
            Self::File(path) => {
                let path = std::path::absolute(path).map_err(PathError::io(path))?;
                hasher.update(b"file\0");
                hasher.update(resolve(&path)?.as_os_str().as_encoded_bytes());
            }
            Self::Joined { folder, address } => {
                hasher.update(b"joined\0");
                hasher.update(address.as_bytes());
                hasher.update(b"\0");
                hasher.update(folder.as_os_str().as_encoded_bytes());
            }
            Self::Unnamed { folder } => {
                hasher.update(b"unnamed\0");
                hasher.update(folder.as_os_str().as_encoded_bytes());
            }
        }
        let name = hasher.finalize().to_hex();
        Ok(state_folder().map(|state| state.join("sessions").join(&name[..32])))
    }
}

/// A batch as a journal has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeptBatch<'a> {
    /// Whose it is.
    pub author: AuthorId,
    /// The number of its first operation.
    pub seq: u32,
    /// The batch.
    pub bytes: &'a [u8],
}

/// A record of any kind, owned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    kind: u8,
    bytes: Vec<u8>,
}

impl Entry {
    /// A batch to be kept.
    pub fn batch(author: AuthorId, seq: u32, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = author.0.to_vec();
        bytes.extend(seq.to_be_bytes());
        write(&mut bytes);
        Self { kind: BATCH, bytes }
    }

    /// A note to be kept; `kind` is at least [`NOTES`].
    pub const fn note(kind: u8, bytes: Vec<u8>) -> Self {
        Self { kind, bytes }
    }

    /// The record.
    pub fn record(&self) -> Record<'_> {
        Record {
            kind: self.kind,
            bytes: &self.bytes,
        }
    }

    /// About how much it takes on disk.
    pub fn len(&self) -> usize {
        self.bytes.len() + 16
    }

    /// Never.
    pub const fn is_empty(&self) -> bool {
        false
    }
}

/// What a journal holds, taken apart.
#[derive(Debug, Default)]
pub struct Kept<'a> {
    /// Everything up to some time.
    pub history: Option<&'a [u8]>,
    /// What came after it, in the order in which it was kept.
    pub batches: Vec<KeptBatch<'a>>,
    /// The last note of each kind.
    pub notes: BTreeMap<u8, &'a [u8]>,
}

impl<'a> Kept<'a> {
    /// Takes a journal's content apart. Records of unknown kinds are passed over. O(records).
    pub fn of(content: &'a Content) -> Self {
        let mut kept = Self::default();
        for Record { kind, bytes } in content.records() {
            match kind {
                HISTORY => kept.history = Some(bytes),
                BATCH => kept.batches.extend(batch(bytes)),
                NOTES.. => {
                    kept.notes.insert(kind, bytes);
                }
                _ => {}
            }
        }
        kept
    }

    /// Merges all batches, in an order in which causes tend to come first. What waits for causes that
    /// are not here is left out.
    pub fn merge(&self, mut merge: impl FnMut(&KeptBatch<'a>) -> Verdict) {
        let mut waiting: Vec<&KeptBatch<'a>> = self.batches.iter().collect();
        loop {
            let before = waiting.len();
            waiting.retain(|batch| merge(batch) == Verdict::Waiting);
            if waiting.is_empty() || waiting.len() == before {
                return;
            }
        }
    }
}

fn batch(bytes: &[u8]) -> Option<KeptBatch<'_>> {
    let (author, rest) = bytes.split_first_chunk::<16>()?;
    let (seq, bytes) = rest.split_first_chunk::<4>()?;
    Some(KeptBatch {
        author: AuthorId(*author),
        seq: u32::from_be_bytes(*seq),
        bytes,
    })
}

/// Whether so many records since the last compaction are worth another, when it made so many bytes.
pub const fn is_worth_compacting(records: u64, base: u64) -> bool {
    records > COMPACT_RECORDS + base / COMPACT_BYTES
}

/// Compacts what a journal holds into its successor, and says how many of its records that were. What
/// is appended meanwhile is to be carried over. Takes the memory of a replica; O(n log n).
///
/// # Errors
/// When the history in the journal is none, or the system refuses.
pub fn compact(content: &Content, into: &mut Successor) -> io::Result<u64> {
    let kept = Kept::of(content);
    // Nothing is written as this author.
    let nobody = AuthorId([0; 16]);
    let mut replica = match kept.history {
        Some(history) => History::open(history)
            .and_then(|history| history.build(nobody))
            .map_err(|why: Corrupt| io::Error::other(why))?,
        None => Replica::new(nobody),
    };
    let mut changes = Vec::new();
    kept.merge(|batch| {
        changes.clear();
        replica.merge(batch.author, batch.seq, batch.bytes, &mut changes)
    });
    let history = replica.encode_history();
    let history = Record {
        kind: HISTORY,
        bytes: &history,
    };
    let notes = kept
        .notes
        .iter()
        .map(|(kind, bytes)| Record { kind: *kind, bytes });
    into.append(std::iter::once(history).chain(notes))?;
    into.sync()?;
    Ok(content.records().count() as u64)
}

/// Carries over the records of `journal` behind the first `from`, and puts the successor in its place.
///
/// # Errors
/// When the system refuses; the journal stays as it is.
pub fn succeed(journal: &mut Journal, mut by: Successor, from: u64) -> io::Result<()> {
    let content = journal.look_back()?.read()?;
    by.append(content.records().skip(from as usize))?;
    journal.replace(by)
}

#[cfg(test)]
mod tests;
