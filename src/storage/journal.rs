//! An append-only file of checksummed records that survives whatever ends the process or the machine.
//!
//! ```text
//! journal = "collabej" version:u8 record*
//! record  = length:u32 kind:u8 checksum:[u8; 8] bytes      numbers big-endian; length is that of bytes
//! ```
//!
//! A record's checksum is the start of BLAKE3 over the checksum of the record before it (at first eight
//! zeros), the record's length, kind and bytes. So what is read is always a prefix of what was written:
//! a record that is torn, changed, or left over from something else ends it.
//!
//! Invariants:
//! 1. A journal lives in a folder of its own, which one process at a time holds by a lock.
//! 2. What was read or appended is never changed, only replaced as a whole by a [`Successor`], in one step.
//! 3. After an append that failed, the journal is as it was before it.
//! 4. A new journal is made durable by its first sync, not before: a start waits for no disk. So one that a
//!    power cut left without a header never had anything durable in it, and is begun again.
//!
//! Bytes are opaque here, kinds too. Deliberately not here: when to write, sync and replace.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::unix::{self, Inode};
use super::{disk, paths};

const MAGIC: &[u8; 8] = b"collabej";
const VERSION: u8 = 2;

/// Length of magic and version.
const HEADER: usize = 9;
/// Length of what stands in front of a record's bytes.
const FRONT: usize = 4 + 1 + 8;

/// Names of the files in a journal's folder.
const JOURNAL: &str = "journal";
const NEXT: &str = "journal.next";
const PREVIOUS: &str = "journal.previous";
const TORN: &str = "journal.torn";
const LOCK: &str = "lock";

/// How often a folder is looked at again that another process is removing.
const OPEN_TRIES: usize = 10;

type Checksum = [u8; 8];

/// One entry of a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// What the bytes are, as the writer numbers it.
    pub kind: u8,
    /// At most 4 GiB.
    pub bytes: &'a [u8],
}

/// Why a journal was not opened.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Another process has it.
    #[error("another collab-edit on this machine has it open")]
    InUse,
    /// The file is of a version that this program does not know.
    #[error("it is of version {0}, which this program does not know")]
    Version(u8),
    /// The file begins as no journal does.
    #[error("{0:?} is damaged from its start")]
    Damaged(PathBuf),
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An open journal, locked.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    log: Log,
    lock: File,
    /// Whether its name in the folder may not be durable yet.
    unsettled: bool,
}

/// What a journal held when it was opened or looked at.
#[derive(Debug, Default)]
pub struct Content {
    bytes: Vec<u8>,
    /// The whole records: what each is, and where its bytes are.
    records: Vec<(u8, Range<usize>)>,
    /// The last whole record's checksum.
    chain: Chain,
    /// Where the last whole record ends.
    end: usize,
}

/// A journal that is to take the place of another one.
#[derive(Debug)]
pub struct Successor(Log);

/// A file of records, and where its next one goes.
#[derive(Debug)]
struct Log {
    file: File,
    len: u64,
    chain: Chain,
    records: u64,
}

/// How a journal's records become bytes: each one's checksum holds on to the one before.
#[derive(Clone, Copy, Default, Debug)]
pub struct Chain(Checksum);

impl Chain {
    /// What a journal begins with.
    pub fn header() -> Vec<u8> {
        let mut header = MAGIC.to_vec();
        header.push(VERSION);
        header
    }

    /// Appends records to `out`, and says how many they were.
    ///
    /// # Errors
    /// When one is too long.
    pub fn encode<'a>(
        &mut self,
        records: impl IntoIterator<Item = Record<'a>>,
        out: &mut Vec<u8>,
    ) -> io::Result<u64> {
        let mut count = 0;
        for record in records {
            let len =
                u32::try_from(record.bytes.len()).map_err(|_too_long| ErrorKind::FileTooLarge)?;
            self.0 = checksum(self.0, record);
            out.extend(len.to_be_bytes());
            out.push(record.kind);
            out.extend(self.0);
            out.extend(record.bytes);
            count += 1;
        }
        Ok(count)
    }
}

impl Journal {
    /// Opens the journal in `folder`, which is made if it is not there, for this user alone. What is torn
    /// at the end is cut off, into a file beside it. With `fresh` the journal that is there is set aside
    /// and a new one begun. O(n).
    ///
    /// # Errors
    /// When another process has it, or it cannot be read, or the system refuses.
    pub fn open(folder: &Path, fresh: bool) -> Result<(Self, Content), JournalError> {
        let lock = lock(folder)?;
        let path = folder.join(JOURNAL);
        if fresh {
            match disk::rename(&path, &folder.join(PREVIOUS)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        let found = match private(&path, false) {
            Ok(file) => resume(file, folder)?,
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let unsettled = found.is_none();
        let (log, content) = match found {
            Some(found) => found,
            None => {
                // Made beside and put in its place, so that there is never half a header.
                let log = Log::create(&folder.join(NEXT))?;
                disk::rename(&folder.join(NEXT), &path)?;
                (log, Content::default())
            }
        };
        let journal = Self {
            folder: folder.canonicalize()?,
            log,
            lock,
            unsettled,
        };
        Ok((journal, content))
    }

    /// Appends records, all of them or none. They outlive the process, but not yet a power cut.
    ///
    /// # Errors
    /// When the system refuses; the journal is as it was, and it may be tried again.
    pub fn append<'a>(&mut self, records: impl IntoIterator<Item = Record<'a>>) -> io::Result<()> {
        self.log.append(records)
    }

    /// Makes everything that was appended durable.
    ///
    /// # Errors
    /// When the system refuses. What is on disk is not known then, and a later success says nothing about
    /// what was written before: the journal is to be [replaced](Self::replace).
    pub fn sync(&mut self) -> io::Result<()> {
        self.sync_later()?.sync()?;
        self.check_place()
    }

    /// What makes everything durable that was appended by the time it is asked to, wherever that is
    /// convenient; the journal may be appended to meanwhile.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn sync_later(&mut self) -> io::Result<Sync> {
        Ok(Sync {
            file: self.log.file.try_clone()?,
            folder: std::mem::take(&mut self.unsettled).then(|| self.folder.clone()),
        })
    }

    /// Looks whether the file is still the one that will be found.
    ///
    /// # Errors
    /// When it was removed.
    pub fn check_place(&self) -> io::Result<()> {
        match unix::names(&self.log.file.metadata()?) {
            0 => Err(io::Error::other("its file was removed")),
            _ => Ok(()),
        }
    }

    /// An empty journal beside this one, which may take its place.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn successor(&self) -> io::Result<Successor> {
        Log::create(&self.folder.join(NEXT)).map(Successor)
    }

    /// Puts another journal in this one's place, durably, in one step.
    ///
    /// # Errors
    /// When the system refuses; this journal stays in its place.
    pub fn replace(&mut self, by: Successor) -> io::Result<()> {
        put(&by.0, &self.folder)?;
        self.log = by.0;
        self.unsettled = false;
        Ok(())
    }

    /// What the journal holds now, to be read from the file, wherever that is convenient.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn look_back(&self) -> io::Result<LookBack> {
        Ok(LookBack {
            file: File::open(self.folder.join(JOURNAL))?,
            len: self.log.len,
        })
    }

    /// How long the file is, in bytes.
    pub const fn len(&self) -> u64 {
        self.log.len
    }

    /// Whether there is no record.
    pub const fn is_empty(&self) -> bool {
        self.log.records == 0
    }

    /// How many records there are.
    pub const fn records(&self) -> u64 {
        self.log.records
    }

    /// Moves the journal to another folder; what is there is set aside. The lock comes with it. It is found by
    /// way of `alias`, too, which may be where it was.
    ///
    /// # Errors
    /// When another process has what is there, or the system refuses; the journal stays where it was.
    pub fn move_to(&mut self, folder: &Path, alias: Option<&Path>) -> Result<(), JournalError> {
        if folder
            .canonicalize()
            .is_ok_and(|there| there == self.folder)
        {
            return Ok(());
        }
        let theirs = lock(folder)?;
        let path = folder.join(JOURNAL);
        match disk::rename(&path, &folder.join(PREVIOUS)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        disk::rename(&self.folder.join(JOURNAL), &path)?;
        let _ = disk::sync_folder(folder);
        let old = std::mem::replace(&mut self.folder, folder.canonicalize()?);
        self.lock = theirs;
        // What was set aside there comes along, unless something has just been set aside here.
        for name in [PREVIOUS, TORN] {
            if !folder.join(name).exists() {
                let _nothing = fs::rename(old.join(name), folder.join(name));
            }
            let _moved = fs::remove_file(old.join(name));
        }
        remove(&old);
        if let Some(alias) = alias {
            // It may lead to where the journal was.
            let _none = fs::remove_file(alias);
            unix::symlink(&self.folder, alias)?;
        }
        Ok(())
    }

    /// Removes the journal, and its folder unless something was set aside there.
    pub fn remove(self) {
        remove(&self.folder);
    }
}

/// See [`Journal::sync_later`].
#[derive(Debug)]
pub struct Sync {
    file: File,
    /// Where it is, if its name there is to be made durable too.
    folder: Option<PathBuf>,
}

impl Sync {
    /// Does it.
    ///
    /// # Errors
    /// As [`Journal::sync`].
    pub fn sync(&self) -> io::Result<()> {
        disk::sync(&self.file)?;
        if let Some(folder) = &self.folder {
            // What it holds is durable; a folder that cannot be synced is no reason to write it again.
            let _ = disk::sync_folder(folder);
        }
        Ok(())
    }
}

/// A journal's content at some time, still to be read.
#[derive(Debug)]
pub struct LookBack {
    file: File,
    len: u64,
}

impl LookBack {
    /// Reads it. O(n).
    ///
    /// # Errors
    /// When the system refuses, or the file is not what was written.
    pub fn read(self) -> io::Result<Content> {
        let changed = || io::Error::other("the journal was changed by something else");
        let mut bytes = Vec::with_capacity(usize::try_from(self.len).unwrap_or(0));
        self.file.take(self.len).read_to_end(&mut bytes)?;
        let content = Content::of(bytes).map_err(|_version| changed())?;
        if (content.end as u64) < self.len {
            return Err(changed());
        }
        Ok(content)
    }
}

impl Successor {
    /// As [`Journal::append`].
    ///
    /// # Errors
    /// When the system refuses.
    pub fn append<'a>(&mut self, records: impl IntoIterator<Item = Record<'a>>) -> io::Result<()> {
        self.0.append(records)
    }

    /// Makes what was appended durable, so that little is left to be when it takes its place.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn sync(&self) -> io::Result<()> {
        disk::sync(&self.0.file)
    }
}

impl Content {
    /// The content that bytes of a file make up: as much as is whole. O(n).
    ///
    /// # Errors
    /// The version, if it is another one; [`None`] if they do not begin as a journal.
    pub fn of(bytes: Vec<u8>) -> Result<Self, Option<u8>> {
        if bytes.get(..MAGIC.len()) != Some(MAGIC) {
            return Err(None);
        }
        match bytes.get(MAGIC.len()) {
            Some(&VERSION) => {}
            version => return Err(version.copied()),
        }
        let (mut records, mut chain, mut end) = (Vec::new(), Checksum::default(), HEADER);
        while let Some((kind, place, sum)) = record_at(&bytes, end, chain) {
            end = place.end;
            chain = sum;
            records.push((kind, place));
        }
        Ok(Self {
            bytes,
            records,
            chain: Chain(chain),
            end,
        })
    }

    /// The records, oldest first.
    pub fn records(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        self.records.iter().map(|(kind, place)| Record {
            kind: *kind,
            bytes: &self.bytes[place.clone()],
        })
    }

    /// What the next record holds on to.
    pub const fn chain(&self) -> Chain {
        self.chain
    }

    /// How many bytes at the end were no whole record: a crash cut the last one short, or something changed it.
    pub fn torn(&self) -> usize {
        self.bytes.len() - self.end
    }
}

/// The record at `at`, behind one with the checksum `chain`, if it is whole: its kind, the place of its bytes,
/// its checksum.
fn record_at(bytes: &[u8], at: usize, chain: Checksum) -> Option<(u8, Range<usize>, Checksum)> {
    let (front, rest) = bytes.get(at..)?.split_first_chunk::<FRONT>()?;
    let [a, b, c, d, kind, sum @ ..] = *front;
    let len = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
    let bytes = rest.get(..len)?;
    let start = at + FRONT;
    (checksum(chain, Record { kind, bytes }) == sum).then(|| (kind, start..start + len, sum))
}

impl Log {
    /// A new file with nothing but the header; one that is there is left over and goes.
    fn create(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = private(path, true)?;
        disk::write_all_at(&file, &Chain::header(), 0)?;
        Ok(Self {
            file,
            len: HEADER as u64,
            chain: Chain::default(),
            records: 0,
        })
    }

    fn append<'a>(&mut self, records: impl IntoIterator<Item = Record<'a>>) -> io::Result<()> {
        let (mut bytes, mut chain) = (Vec::new(), self.chain);
        let count = chain.encode(records, &mut bytes)?;
        if let Err(error) = disk::write_all_at(&self.file, &bytes, self.len) {
            // What is left over if this fails too is overwritten, and is no record before that.
            let _ = disk::set_len(&self.file, self.len);
            return Err(error);
        }
        self.len += bytes.len() as u64;
        self.chain = chain;
        self.records += count;
        Ok(())
    }
}

fn checksum(before: Checksum, record: Record<'_>) -> Checksum {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&before);
    hasher.update(&(record.bytes.len() as u32).to_be_bytes());
    hasher.update(&[record.kind]);
    hasher.update(record.bytes);
    let mut sum = Checksum::default();
    hasher.finalize_xof().fill(&mut sum);
    sum
}

/// Whether a journal stands in `folder`, as far as can be seen from here.
pub fn is_in(folder: &Path) -> bool {
    folder.join(JOURNAL).symlink_metadata().is_ok()
}

/// Where the end of a journal in `folder` is put that was no whole record.
pub fn torn_in(folder: &Path) -> PathBuf {
    folder.join(TORN)
}

/// Opens, or makes, a file that only this user can read.
fn private(path: &Path, new: bool) -> io::Result<File> {
    let file = unix::private(&mut OpenOptions::new())
        .read(true)
        .write(true)
        .create_new(new)
        .open(path)?;
    // Reading something else may never end.
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("its file is no ordinary file")),
    }
}

/// Locks `folder` for this process; makes it if it is not there.
fn lock(folder: &Path) -> Result<File, JournalError> {
    let path = folder.join(LOCK);
    for _ in 0..OPEN_TRIES {
        // A name whose journal is gone.
        if folder.is_symlink() && !folder.exists() {
            fs::remove_file(folder)?;
        }
        paths::make_private(folder)?;
        let opened = unix::private(&mut OpenOptions::new())
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = match opened {
            Ok(file) => file,
            // Another process has just removed the folder.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        #[cfg(test)]
        let _nobody_forks = super::faults::NO_FORK.read();
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // The one that had it may have removed it since.
        let inode = Inode::of(&file.metadata()?);
        if path
            .metadata()
            .is_ok_and(|found| Inode::of(&found) == inode)
        {
            return Ok(file);
        }
    }
    Err(JournalError::InUse)
}

/// Reads what is in a journal and makes it ready for more; `None` if it never was durable.
fn resume(mut file: File, folder: &Path) -> Result<Option<(Log, Content)>, JournalError> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let is_cut = bytes.len() < HEADER && Chain::header().starts_with(&bytes);
    if is_cut || bytes.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let content = Content::of(bytes).map_err(|version| match version {
        Some(version) => JournalError::Version(version),
        None => JournalError::Damaged(folder.join(JOURNAL)),
    })?;
    if content.torn() > 0 {
        // Usually the start of a record. Should it be more, somebody may be glad of it.
        let _ = fs::write(folder.join(TORN), &content.bytes[content.end..]);
        disk::set_len(&file, content.end as u64)?;
    }
    let log = Log {
        file,
        len: content.end as u64,
        chain: content.chain,
        records: content.records.len() as u64,
    };
    Ok(Some((log, content)))
}

/// Makes the file that is to be the journal durable and puts it in its place.
fn put(log: &Log, folder: &Path) -> io::Result<()> {
    disk::sync(&log.file)?;
    disk::rename(&folder.join(NEXT), &folder.join(JOURNAL))?;
    // It is in its place; a folder that cannot be synced is no reason to take it back.
    let _ = disk::sync_folder(folder);
    Ok(())
}

/// Removes a journal and its folder. What was set aside stays, and what cannot be removed.
fn remove(folder: &Path) {
    for name in [JOURNAL, NEXT, LOCK] {
        let _ = fs::remove_file(folder.join(name));
    }
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
mod tests;
