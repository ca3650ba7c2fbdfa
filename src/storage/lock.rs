//! The mark that a member has a file open: an advisory lock on the file itself.
//!
//! A lock belongs to an inode, so it is seen through symbolic links, hard links and renames, and
//! the system takes it away when the member ends, however it ends. File systems without locks do
//! without.

use std::fs::{File, TryLockError};
use std::io;

use super::unix::Inode;

/// A file kept open, and with it the lock on it if this member could have it.
///
/// The handle only reads: the system refuses to run a script that anyone has open for writing.
#[derive(Debug)]
pub(super) struct Held {
    file: File,
    inode: Inode,
    elsewhere: bool,
}

impl Held {
    /// Keeps `file`, open for reading, and locks it unless another member has.
    pub(super) fn take(file: File) -> io::Result<Self> {
        let inode = Inode::of(&file.metadata()?);
        let elsewhere = locked_elsewhere(&file);
        Ok(Self {
            file,
            inode,
            elsewhere,
        })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn inode(&self) -> Inode {
        self.inode
    }

    /// Whether another member has the file open, as of the last look.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.elsewhere
    }

    /// Looks again whether the other member still has the file.
    pub(super) fn retry(&mut self) {
        self.elsewhere = self.elsewhere && locked_elsewhere(&self.file);
    }
}

fn locked_elsewhere(file: &File) -> bool {
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}
