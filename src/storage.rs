//! Files: loading a text and saving it so that nothing is lost.
//!
//! A [`TextFile`] is one file as one member knows it. It promises:
//!
//! 1. A save leaves the old file or the new one, whole, whatever fails in between. Where a file
//!    cannot be replaced and must be written in place, the new text is safe in a copy first.
//! 2. A save never buries content that this member has not seen, unless it is told to.
//! 3. Of two members on one machine only one writes a file, through whichever name they reach it.
//! 4. The file stays what it was: symbolic and hard links, mode bits, owner, line ending, BOM.
//!
//! The inside: `target` (which file a path means), [`text_file`] with `replace` (how content gets there), `fingerprint`
//! (what it is known to hold) and `lock`; [`watch`](mod@watch) (what stirs beside it); `editor_config`. [`journal`] is a
//! file of records that survives crashes, [`kept`] what of a session is in it, [`evidence`] texts kept to find out what
//! went wrong, [`paths`] where these lie. `disk` has every call that changes a disk, so that tests can make it fail.
//!
//! Every error is one sentence for a person, with file names escaped. Deliberately not here:
//! extended attributes, and any decision of what to do about an error. The checks rest on inodes
//! and advisory locks; what is Unix's own of that is in `unix`.

mod disk;
mod editor_config;
pub mod evidence;
mod fingerprint;
pub mod journal;
pub mod kept;
mod lock;
pub mod paths;
mod replace;
mod target;
pub mod text_file;
#[cfg(unix)]
mod unix;
pub mod watch;

#[cfg(test)]
pub(crate) use disk::faults;
pub use editor_config::{Rules, rules_for};
pub use target::{PathError, free_name};
pub use text_file::{
    Found, IfChanged, LoadError, Loaded, MAX_FILE_BYTES, SaveError, Saved, TextFile,
};
pub use unix::{private, private_permissions};
pub use watch::{Stir, Watch};
