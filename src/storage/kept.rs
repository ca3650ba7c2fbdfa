//! What of a session outlives the process: a [`Journal`] of its operations, and notes beside them.
//!
//! | kind | record |
//! |---|---|
//! | 1 | a history: everything up to then, as the CRDT encodes it; only at the start of a journal |
//! | 2 | batches of one author up to a seal: author (16 bytes), number of the first operation (4), chain (32) and signature (64) at the end, then of each batch how many operations it holds (4), its length (4), its bytes |
//! | 3 | the seals of one author in a history: author (16), then of each its end (4), chain (32) and signature (64), and how many batches (4) and bytes of them (4) are between it and the one before |
//! | 16 … | a note: bytes of whoever keeps the session; of each kind the last one counts |
//!
//! Numbers are big-endian. What is read is one's own disk: neither signatures nor chains are checked anew, since
//! whoever can write there has the keys as well, and accidents are found by the journal's checksums. A record
//! is whole or not there, so no batch is read without its signature.
//!
//! A journal that has grown is compacted: its operations become one history, of its notes the last of
//! each kind stay, of its seals those that are needed. Notes may hold secrets; the file is for this user alone.
//!
//! Deliberately not here: what notes hold, and which sessions are worth keeping.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::journal::{Content, Journal, Record, Successor};
use super::paths::state_folder;
use super::target::{PathError, resolve};
use crate::crdt::{
    AuthorId, Chain, Corrupt, History, KeptSeal, OpId, Replica, SEAL_SIGNATURE_BYTES, Seal, Seals,
    Stretch, Verdict,
};

/// The kinds of records that are read here.
const HISTORY: u8 = 1;
const STRETCH: u8 = 2;
const SEALS: u8 = 3;

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
    /// How many operations it holds.
    pub width: u32,
    /// The batch.
    pub bytes: &'a [u8],
}

impl KeptBatch<'_> {
    /// Its first operation.
    pub const fn first(&self) -> OpId {
        OpId {
            author: self.author,
            seq: self.seq,
        }
    }
}

/// A record of any kind, owned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    kind: u8,
    bytes: Vec<u8>,
}

impl Entry {
    /// Batches to be kept.
    pub fn stretch(stretch: &Stretch) -> Self {
        let mut bytes = stretch.author.0.to_vec();
        bytes.extend(stretch.seq.to_be_bytes());
        bytes.extend(stretch.seal.chain.0);
        bytes.extend(stretch.seal.signature);
        for batch in &stretch.batches {
            bytes.extend(batch.width.to_be_bytes());
            bytes.extend((batch.bytes.len() as u32).to_be_bytes());
            bytes.extend(&batch.bytes);
        }
        Self {
            kind: STRETCH,
            bytes,
        }
    }

    /// The seals in a history.
    fn seals(author: AuthorId, seals: &Seals) -> Self {
        let mut bytes = author.0.to_vec();
        for kept in seals.iter() {
            bytes.extend(kept.seal.end.to_be_bytes());
            bytes.extend(kept.seal.chain.0);
            bytes.extend(kept.seal.signature);
            bytes.extend(kept.batches.to_be_bytes());
            bytes.extend(kept.bytes.to_be_bytes());
        }
        Self { kind: SEALS, bytes }
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

    /// About how many bytes it takes on disk.
    pub const fn size(&self) -> usize {
        self.bytes.len() + 16
    }
}

/// What a journal holds, taken apart.
#[derive(Debug, Default)]
pub struct Kept<'a> {
    /// Everything up to some time.
    pub history: Option<&'a [u8]>,
    /// What came after it, in the order in which it was kept.
    pub batches: Vec<KeptBatch<'a>>,
    /// The authors' seals.
    pub seals: BTreeMap<AuthorId, Seals>,
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
                STRETCH => {
                    if let Some((author, seal)) = read_stretch(bytes, &mut kept.batches) {
                        kept.seals.entry(author).or_default().push(seal);
                    }
                }
                SEALS => {
                    for (author, seal) in read_seals(bytes).into_iter().flatten() {
                        kept.seals.entry(author).or_default().push(seal);
                    }
                }
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

/// Reads numbers and bytes one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn number(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn bytes(&mut self, count: u32) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count as usize)?;
        self.0 = rest;
        Some(bytes)
    }
}

/// Takes the batches of a record, and its seal; `None`, and no batches, if it is none.
fn read_stretch<'a>(
    record: &'a [u8],
    batches: &mut Vec<KeptBatch<'a>>,
) -> Option<(AuthorId, KeptSeal)> {
    let before = batches.len();
    let read = read_batches(record, batches);
    if read.is_none() {
        batches.truncate(before);
    }
    read
}

fn read_batches<'a>(
    record: &'a [u8],
    batches: &mut Vec<KeptBatch<'a>>,
) -> Option<(AuthorId, KeptSeal)> {
    let mut fields = Fields(record);
    let author = AuthorId(fields.array()?);
    let mut seq = fields.number()?;
    let chain = Chain(fields.array()?);
    let signature = fields.array::<SEAL_SIGNATURE_BYTES>()?;
    let (mut count, mut length) = (0, 0);
    while !fields.0.is_empty() {
        let width = fields.number()?;
        let bytes = fields.number()?;
        let bytes = fields.bytes(bytes)?;
        batches.push(KeptBatch {
            author,
            seq,
            width,
            bytes,
        });
        seq = seq.checked_add(width)?;
        count += 1;
        length += bytes.len() as u32;
    }
    let seal = Seal {
        end: seq,
        chain,
        signature,
    };
    let kept = KeptSeal {
        seal,
        batches: count,
        bytes: length,
    };
    Some((author, kept))
}

fn read_seals(record: &[u8]) -> Option<Vec<(AuthorId, KeptSeal)>> {
    let mut fields = Fields(record);
    let author = AuthorId(fields.array()?);
    let mut seals = Vec::new();
    while !fields.0.is_empty() {
        let seal = Seal {
            end: fields.number()?,
            chain: Chain(fields.array()?),
            signature: fields.array()?,
        };
        let kept = KeptSeal {
            seal,
            batches: fields.number()?,
            bytes: fields.number()?,
        };
        seals.push((author, kept));
    }
    Some(seals)
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
pub fn compact(content: Content, into: &mut Successor) -> io::Result<u64> {
    let records = content.records().len() as u64;
    let (replica, rest) = gather(&content)?;
    // Of what was read nothing is needed any more, and packing takes room.
    drop(content);
    let history = replica.encode_history();
    let history = Record {
        kind: HISTORY,
        bytes: &history,
    };
    into.append(std::iter::once(history).chain(rest.iter().map(Entry::record)))?;
    into.sync()?;
    Ok(records)
}

/// What is to be one history, and the records that stay beside it.
fn gather(content: &Content) -> io::Result<(Replica, Vec<Entry>)> {
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
        replica.merge_sized(batch.first(), batch.width, batch.bytes, &mut changes)
    });
    let seals = kept.seals.iter();
    let mut rest: Vec<Entry> = seals
        .map(|(author, seals)| Entry::seals(*author, seals))
        .collect();
    // What waits for its causes is in no history.
    let mut batches = Vec::new();
    for Record { kind, bytes } in content.records().filter(|record| record.kind == STRETCH) {
        batches.clear();
        let read = read_stretch(bytes, &mut batches);
        if read.is_some_and(|(author, seal)| replica.log().next(&author) < seal.seal.end) {
            rest.push(Entry {
                kind,
                bytes: bytes.to_vec(),
            });
        }
    }
    let notes = kept.notes.iter();
    rest.extend(notes.map(|(kind, bytes)| Entry::note(*kind, bytes.to_vec())));
    Ok((replica, rest))
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
