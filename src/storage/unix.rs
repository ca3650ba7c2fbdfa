//! What only Unix knows of files, in one place: inodes, mode bits, owners, links. Another system needs a
//! file like this one (`docs/platforms.md`).

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown,
};

pub(super) use std::os::unix::fs::symlink;

/// The mode of what is for this user alone.
const PRIVATE: u32 = 0o600;

/// A file's identity on this machine, whatever its names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Inode {
    device: u64,
    number: u64,
}

impl Inode {
    pub(super) fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            number: found.ino(),
        }
    }
}

/// Seconds since 1970, and nanoseconds.
pub(super) type Moment = (i64, i64);

/// When the content changed, and when the inode did: unlike the first, programs cannot set that back.
pub(super) fn changes(found: &Metadata) -> (Moment, Moment) {
    (
        (found.mtime(), found.mtime_nsec()),
        (found.ctime(), found.ctime_nsec()),
    )
}

/// How many names (hard links) a file has.
pub(super) fn names(found: &Metadata) -> u64 {
    found.nlink()
}

/// Has the options make files that only this user can read and write.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(PRIVATE)
}

/// The permissions of such a file.
pub fn private_permissions() -> Permissions {
    Permissions::from_mode(PRIVATE)
}

/// Has the builder make folders that only this user can look into.
pub(super) fn private_folder(builder: &mut DirBuilder) -> &mut DirBuilder {
    builder.mode(0o700)
}

/// Has the options make files that are as open as `old`, less what the umask takes off.
pub(super) fn as_open_as<'a>(old: &Metadata, options: &'a mut OpenOptions) -> &'a mut OpenOptions {
    options.mode(old.mode() & 0o777)
}

/// The permissions of `old`, with what is special about them.
pub(super) fn permissions_of(old: &Metadata) -> Permissions {
    Permissions::from_mode(old.mode() & 0o7777)
}

/// What programs ask for when they make a file; the umask takes its bits off.
pub(super) fn usual_permissions() -> Permissions {
    Permissions::from_mode(0o666)
}

/// Gives `file` the owner and group of `old`; false if that is not allowed.
pub(super) fn take_owner(file: &File, old: &Metadata) -> bool {
    let same = file
        .metadata()
        .is_ok_and(|own| (own.uid(), own.gid()) == (old.uid(), old.gid()));
    same || fchown(file, Some(old.uid()), Some(old.gid())).is_ok()
}

/// Writes some of `bytes` at `offset`; how many.
pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(bytes, offset)
}
