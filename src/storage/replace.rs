//! Putting new content where a file is, so that the old or the new one is always whole.
//!
//! First a copy of the new content is written and made durable, beside the target. Then the copy is
//! renamed over the target, unless that would lose something: another name of the file (hard
//! link), its owner, a folder that does not allow it, or a program that is still writing into it. In these
//! cases the target is written in place from the copy, which is kept if that fails half way.

use std::borrow::Cow;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::NamedTempFile;

use super::lock::Held;
use super::unix::{self, Inode};
use super::{disk, paths};

/// Few system calls, little memory (a guess; sizes around it make no difference).
const BUFFER_BYTES: usize = 64 * 1024;

/// What was being done when a save failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Keeping a copy of what the file held.
    BackUp,
    /// Making the copy.
    Create,
    /// Writing the content.
    Write,
    /// Making the content durable (fsync).
    Sync,
    /// Giving the copy the file's mode bits.
    Permissions,
    /// Renaming the copy over the file.
    Rename,
}

impl Step {
    /// For a sentence: "… failed".
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::BackUp => "keeping a copy of what it holds",
            Self::Create => "making a temporary file in its folder",
            Self::Write => "writing the new text",
            Self::Sync => "making the new text durable",
            Self::Permissions => "setting the file's permissions",
            Self::Rename => "renaming the new file over the old one",
        }
    }
}

/// Why new content did not get to its place.
#[derive(Debug)]
pub(super) enum Failure {
    /// The target is as it was.
    Untouched(Step, io::Error),
    /// The target was not there before and is now; it is as the other program made it.
    Exists,
    /// The target was being written in place; the new content is whole in `copy`.
    Torn { copy: PathBuf, source: io::Error },
}

/// New content, complete and durable, not yet in its place.
#[derive(Debug)]
pub(super) struct Copy {
    file: NamedTempFile,
    beside: bool,
    hash: blake3::Hash,
}

impl Copy {
    /// Writes `pieces` into a copy beside `target`, or in the state folder or that for temporary files if the
    /// target's folder takes no new files. `old` is the target, if it is there.
    pub(super) fn write<'a>(
        pieces: impl Iterator<Item = Cow<'a, [u8]>>,
        target: &Path,
        old: Option<&Metadata>,
    ) -> Result<Self, Failure> {
        let spares = paths::state_folder()
            .into_iter()
            .chain([std::env::temp_dir()]);
        let (file, beside) = create(target, old.is_some(), spares)
            .map_err(|error| Failure::Untouched(Step::Create, error))?;
        let hash =
            fill(file.as_file(), pieces).map_err(|error| Failure::Untouched(Step::Write, error))?;
        disk::sync(file.as_file()).map_err(|error| Failure::Untouched(Step::Sync, error))?;
        Ok(Self { file, beside, hash })
    }

    /// The hash of the bytes written.
    pub(super) fn hash(&self) -> blake3::Hash {
        self.hash
    }

    /// Puts the copy where `target` is; `old` is what was found there, to be written `in_place` in any case
    /// or only if it must. Gives the file that is there then, locked, or `None` if it is the old one.
    pub(super) fn put(
        self,
        target: &Path,
        old: Option<&Metadata>,
        in_place: bool,
    ) -> Result<Option<Held>, Failure> {
        let Self { file, beside, .. } = self;
        let Some(old) = old else {
            return rename_new(file, target).map(Some);
        };
        if in_place || !beside || unix::names(old) > 1 || !unix::take_owner(file.as_file(), old) {
            return write_in_place(file, target, old).map(|()| None);
        }
        file.as_file()
            .set_permissions(unix::permissions_of(old))
            .map_err(|error| Failure::Untouched(Step::Permissions, error))?;
        let held = hold(&file)?;
        disk::before_call().map_err(|error| Failure::Untouched(Step::Rename, error))?;
        match file.persist(target) {
            Ok(_) => {
                sync_folder(target);
                Ok(Some(held))
            }
            // A folder with the sticky bit, or a file that is a mount point of its own.
            Err(refused)
                if matches!(
                    refused.error.kind(),
                    ErrorKind::PermissionDenied | ErrorKind::ResourceBusy
                ) =>
            {
                write_in_place(refused.file, target, old).map(|()| None)
            }
            Err(refused) => Err(Failure::Untouched(Step::Rename, refused.error)),
        }
    }
}

/// Keeps a copy of `file`, which is the one at `target`, beside it, with the day in its name; where.
pub(super) fn back_up(mut file: &File, target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().unwrap_or_default();
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let day = date(since.unwrap_or_default().as_secs() / 86_400);
    let found = file.metadata()?;
    for number in 1..1000 {
        let mut copy = name.to_owned();
        copy.push(format!(".{day}"));
        if number > 1 {
            copy.push(format!("-{number}"));
        }
        copy.push(".bak");
        let copy = target.with_file_name(copy);
        let made = unix::as_open_as(&found, &mut OpenOptions::new())
            .write(true)
            .create_new(true)
            .open(&copy);
        match made {
            Ok(mut to) => {
                let copied = file
                    .rewind()
                    .and_then(|()| io::copy(&mut file, &mut to))
                    .and_then(|_bytes| to.sync_all());
                if copied.is_err() {
                    let _half = fs::remove_file(&copy);
                }
                return copied.map(|()| copy);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("there are too many copies already"))
}

/// The day with this number since 1970, as in `2026-11-23` (Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms", `civil_from_days`, for days after 1970).
fn date(day: u64) -> String {
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Months from March on.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// An empty file beside `target`, and true; or one in the first of `spares` that takes it, and false, if the
/// folder of an old target takes no new files. For a new target it has the mode that the file would have had.
fn create(
    target: &Path,
    old: bool,
    spares: impl IntoIterator<Item = PathBuf>,
) -> io::Result<(NamedTempFile, bool)> {
    let folder = target.parent().unwrap_or(target);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".collab-edit-").suffix(".tmp");
    // The umask takes its bits off this one; for an old target the crate's own 0600 stays.
    if !old {
        builder.permissions(unix::usual_permissions());
    }
    let refused = match builder.tempfile_in(folder) {
        Ok(file) => return Ok((file, true)),
        Err(error) if old && takes_no_files(&error) => error,
        Err(error) => return Err(error),
    };
    let made = |spare: PathBuf| {
        paths::make_private(&spare).ok()?;
        builder.tempfile_in(spare).ok()
    };
    let file = spares.into_iter().find_map(made).ok_or(refused)?;
    Ok((file, false))
}

/// Whether that is so because somebody wants it so.
pub(super) fn takes_no_files(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

fn fill<'a>(file: &File, pieces: impl Iterator<Item = Cow<'a, [u8]>>) -> io::Result<blake3::Hash> {
    let mut writer = BufWriter::with_capacity(
        BUFFER_BYTES,
        Hashing {
            file,
            hasher: blake3::Hasher::new(),
        },
    );
    for piece in pieces {
        writer.write_all(&piece)?;
    }
    let written = writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    Ok(written.hasher.finalize())
}

/// Hashes what it writes.
struct Hashing<'a> {
    file: &'a File,
    hasher: blake3::Hasher,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = disk::write(self.file, bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Locks the copy before it is in its place, so that there is no moment without a lock.
fn hold(copy: &NamedTempFile) -> Result<Held, Failure> {
    File::open(copy.path())
        .and_then(Held::take)
        .map_err(|error| Failure::Untouched(Step::Rename, error))
}

fn rename_new(file: NamedTempFile, target: &Path) -> Result<Held, Failure> {
    let held = hold(&file)?;
    disk::before_call().map_err(|error| Failure::Untouched(Step::Rename, error))?;
    let renamed = file
        .persist_noclobber(target)
        .or_else(|refused| match refused.error.kind() {
            ErrorKind::AlreadyExists => Err(refused),
            // The file system has neither that kind of rename nor hard links.
            _ => refused.file.persist(target),
        });
    match renamed {
        Ok(_) => {
            sync_folder(target);
            Ok(held)
        }
        Err(refused) if refused.error.kind() == ErrorKind::AlreadyExists => Err(Failure::Exists),
        Err(refused) => Err(Failure::Untouched(Step::Rename, refused.error)),
    }
}

/// Makes a rename durable. The new file is in its place already, so that a folder which cannot be
/// opened or synced is no failure of the save.
fn sync_folder(target: &Path) {
    if let Some(folder) = target.parent() {
        let _ = disk::sync_folder(folder);
    }
}

fn write_in_place(file: NamedTempFile, target: &Path, old: &Metadata) -> Result<(), Failure> {
    let untouched = |error| Failure::Untouched(Step::Write, error);
    let mut to = OpenOptions::new()
        .write(true)
        .open(target)
        .map_err(untouched)?;
    if Inode::of(&to.metadata().map_err(untouched)?) != Inode::of(old) {
        return Err(untouched(io::Error::other(
            "another file has taken its place",
        )));
    }
    let mut from = file.as_file();
    // What needs new room goes first: a full disk then leaves the old content whole.
    if let Err(error) = append(from, &mut to, old.len()) {
        return match disk::set_len(&to, old.len()) {
            Ok(()) => Err(untouched(error)),
            Err(_) => Err(torn(file, error)),
        };
    }
    match overwrite(&mut from, &mut to, old.len()) {
        Ok(()) => Ok(()),
        Err(error) => Err(torn(file, error)),
    }
}

/// Writes what lies behind the first `len` bytes of `from`.
fn append(mut from: &File, to: &mut File, len: u64) -> io::Result<()> {
    from.seek(SeekFrom::Start(len))?;
    to.seek(SeekFrom::Start(len))?;
    io::copy(&mut from, &mut Writing(to))?;
    disk::sync(to)
}

/// Writes the first `len` bytes of `from` and cuts `to` to its length.
fn overwrite(from: &mut &File, to: &mut File, len: u64) -> io::Result<()> {
    from.rewind()?;
    to.rewind()?;
    io::copy(&mut from.take(len), &mut Writing(to))?;
    disk::set_len(to, from.metadata()?.len())?;
    disk::sync(to)
}

/// A file as something to copy to.
struct Writing<'a>(&'a File);

impl Write for Writing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        disk::write(self.0, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn torn(file: NamedTempFile, source: io::Error) -> Failure {
    match file.keep() {
        Ok((_, copy)) => Failure::Torn { copy, source },
        Err(lost) => Failure::Torn {
            copy: lost.file.path().to_owned(),
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_that_takes_no_files_has_its_copies_elsewhere() {
        // Not even root can make a file in sysfs.
        let target = Path::new("/sys/kernel/collab-edit-test");
        let root = tempfile::tempdir().unwrap();
        let spare = root.path().join("state/collab-edit");
        let full = PathBuf::from("/sys/kernel/collab-edit");
        let (file, beside) = create(target, true, [full, spare.clone()]).unwrap();
        assert!(!beside);
        assert_eq!(file.path().parent(), Some(spare.as_path()));
        let found = file.as_file().metadata().unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600);

        create(target, false, Some(spare)).unwrap_err();
        create(target, true, None).unwrap_err();
        create(Path::new("/missing/file"), true, Some(root.path().into())).unwrap_err();
    }

    #[test]
    fn in_place_writing_longer_shorter_and_equal() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let spare = folder.path().join("spare");
        for new in [
            "",
            "x",
            "old content",
            "content old",
            "a much longer new content",
        ] {
            fs::write(&target, "old content").unwrap();
            let old = target.metadata().unwrap();
            let mut copy =
                Copy::write([new.as_bytes().into()].into_iter(), &target, Some(&old)).unwrap();
            copy.beside = false;
            assert!(copy.put(&target, Some(&old), false).unwrap().is_none());
            assert_eq!(fs::read_to_string(&target).unwrap(), new);
            assert_eq!(Inode::of(&target.metadata().unwrap()), Inode::of(&old));
        }
        assert!(!spare.exists());
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "copies are cleaned up"
        );
    }

    #[test]
    fn in_place_writing_spares_a_file_that_took_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        fs::write(&target, "old").unwrap();
        let old = target.metadata().unwrap();
        fs::hard_link(&target, folder.path().join("kept")).unwrap();
        let mut copy =
            Copy::write([b"new".as_slice().into()].into_iter(), &target, Some(&old)).unwrap();
        copy.beside = false;
        fs::remove_file(&target).unwrap();
        fs::write(&target, "other").unwrap();
        assert!(matches!(
            copy.put(&target, Some(&old), false),
            Err(Failure::Untouched(Step::Write, _))
        ));
        assert_eq!(fs::read_to_string(&target).unwrap(), "other");
    }

    #[test]
    fn days_have_dates() {
        for (day, expected) in [
            (0, "1970-01-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (19_722, "2023-12-31"),
            (20_780, "2026-11-23"),
        ] {
            assert_eq!(date(day), expected);
        }
    }

    #[test]
    fn a_copy_of_a_torn_write_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
        fs::write(file.path(), "new").unwrap();
        let Failure::Torn { copy, .. } = torn(file, io::Error::other("fault")) else {
            panic!("not torn");
        };
        assert_eq!(fs::read_to_string(copy).unwrap(), "new");
    }
}
