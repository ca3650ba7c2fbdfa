//! What a file is known to hold, so that a change by someone else is noticed.
//!
//! Content decides. The file's stamp only spares reading it again, and only a stamp that is older
//! than the clock's grain is believed: a file written twice within one tick keeps its times.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::unix::{Inode, Moment, changes};

/// The coarsest time stamps in use, those of FAT.
const GRAIN: Duration = Duration::from_secs(2);

/// A file's content, as a hash, and the stamp that it had then.
#[derive(Clone, Debug)]
pub(super) struct Fingerprint {
    stamp: Stamp,
    settled: bool,
    hash: blake3::Hash,
}

/// What changes with a file's content, nearly always.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    inode: Inode,
    len: u64,
    /// Of the content, and of the inode.
    changes: (Moment, Moment),
}

impl Stamp {
    pub(super) fn of(found: &Metadata) -> Self {
        Self {
            inode: Inode::of(found),
            len: found.len(),
            changes: changes(found),
        }
    }
}

impl Fingerprint {
    /// The content with `hash`, in the file that was found as `found` before it was read.
    pub(super) fn new(found: &Metadata, hash: blake3::Hash) -> Self {
        Self {
            stamp: Stamp::of(found),
            settled: is_settled(found),
            hash,
        }
    }

    /// Whether `file` still holds this content. O(1) mostly, O(n) after any change of its stamp.
    pub(super) fn matches(&mut self, file: &File) -> io::Result<bool> {
        let found = file.metadata()?;
        if self.settled && Stamp::of(&found) == self.stamp {
            return Ok(true);
        }
        if found.len() != self.stamp.len || content_hash(file, found.len())? != self.hash {
            return Ok(false);
        }
        *self = Self::new(&found, self.hash);
        Ok(true)
    }
}

fn is_settled(found: &Metadata) -> bool {
    let (content, inode) = changes(found);
    let stamped = u64::try_from(content.0.max(inode.0)).unwrap_or(0);
    let age = SystemTime::now().duration_since(UNIX_EPOCH + Duration::from_secs(stamped));
    age.is_ok_and(|age| age > GRAIN)
}

/// The hash of the file's first `len` bytes and of what may have come behind them.
fn content_hash(mut file: &File, len: u64) -> io::Result<blake3::Hash> {
    file.rewind()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file.take(len.saturating_add(1)))?;
    Ok(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn fingerprint(file: &File, content: &[u8]) -> Fingerprint {
        Fingerprint::new(&file.metadata().unwrap(), blake3::hash(content))
    }

    #[test]
    fn a_quick_change_of_equal_length_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for _ in 0..50 {
            fs::write(&path, "one").unwrap();
            let file = File::open(&path).unwrap();
            let mut known = fingerprint(&file, b"one");
            assert!(known.matches(&file).unwrap());
            fs::write(&path, "two").unwrap();
            assert!(!known.matches(&file).unwrap());
        }
    }

    #[test]
    fn a_new_stamp_with_the_old_content_is_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "one").unwrap();
        let file = File::open(&path).unwrap();
        let mut known = fingerprint(&file, b"one");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(known.matches(&file).unwrap());

        fs::remove_file(&path).unwrap();
        fs::write(&path, "one").unwrap();
        assert!(known.matches(&File::open(&path).unwrap()).unwrap());
        fs::write(&path, "one more").unwrap();
        assert!(!known.matches(&File::open(&path).unwrap()).unwrap());
    }

    #[test]
    fn an_old_stamp_is_believed_only_while_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "one").unwrap();
        let file = File::open(&path).unwrap();
        assert!(!fingerprint(&file, b"two").matches(&file).unwrap());
        let modified = file.metadata().unwrap().modified().unwrap();
        // Times in the past cannot be given to `changed`, so the belief is.
        let mut known = Fingerprint {
            settled: true,
            ..fingerprint(&file, b"not read")
        };
        assert!(known.matches(&file).unwrap());

        // Written again until the file system's clock has ticked.
        let changed = |file: &File| {
            let found = file.metadata().unwrap();
            changes(&found).1
        };
        let before = changed(&file);
        while changed(&file) == before {
            fs::write(&path, "two").unwrap();
            let writable = File::options().write(true).open(&path).unwrap();
            writable.set_modified(modified).unwrap();
        }
        assert!(!known.matches(&file).unwrap());
    }
}
