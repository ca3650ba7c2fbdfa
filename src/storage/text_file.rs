//! One text file, as one member of a session knows it.
//!
//! Invariant: after a successful [`TextFile::open`] or [`TextFile::save`], `known` is the content
//! that was read or written, and `held` is the file at the path, kept open and locked unless
//! another member has it.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::fingerprint::{Fingerprint, Stamp};
use super::lock::Held;
use super::replace::{Copy, Failure, Step, back_up};
use super::target::{PathError, ordinary, resolve};
use super::unix::Inode;
use crate::document::format::{Format, TextHasher, Unreadable, decode, decode_as, encode};

/// The largest file that is loaded (a guess: about a second to load, 1 GiB of memory).
pub const MAX_FILE_BYTES: u64 = 512 << 20;

/// How often a file is looked at again that is replaced while it is being opened.
const OPEN_TRIES: usize = 10;

/// A text file that a member edits, loaded or yet to be written.
#[derive(Debug)]
pub struct TextFile {
    path: PathBuf,
    known: Option<Fingerprint>,
    held: Option<Held>,
    in_place: bool,
}

/// What [`TextFile::open`] found.
#[derive(Debug)]
pub struct Loaded {
    /// The file's text, empty for a new file.
    pub text: String,
    /// What the file has besides its text.
    pub format: Format,
    /// Whether the file is there, or new.
    pub exists: bool,
    /// Whether another member on this machine has it open; it cannot be saved then.
    pub open_elsewhere: bool,
}

impl Loaded {
    /// A new file.
    pub fn nothing() -> Self {
        Self {
            text: String::new(),
            format: Format::default(),
            exists: false,
            open_elsewhere: false,
        }
    }
}

/// What [`TextFile::save`] wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Saved {
    /// The file, as the user named it, absolute.
    pub path: PathBuf,
    /// The text's length in Unicode scalar values.
    pub chars: usize,
    /// BLAKE3 of the text, as [`crate::document::format::text_hash`] gives it.
    pub hash: blake3::Hash,
}

/// What [`TextFile::look`] found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// What was there before.
    Same,
    /// Another text, and what the file has besides it. From now on this is what was there before.
    Changed(String, Format),
    /// Nothing.
    Gone,
    /// A file that is being written this moment: to be looked at again.
    Writing,
    /// A file that another member on this machine has open, and looks after.
    OpenElsewhere,
}

/// What to do with content on disk that this member has not seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IfChanged {
    /// Leave it and say so.
    Refuse,
    /// Write over it, keeping a copy with the date in its name beside it; only after asking.
    Overwrite,
}

/// Why a file was not loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// There is no file to load at that path, nor place for a new one.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The file is larger than [`MAX_FILE_BYTES`].
    #[error("{path:?} is larger than {} MiB, the largest file that can be edited", MAX_FILE_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file holds no text.
    #[error("{path:?} cannot be edited: {source}; choose a text file")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it holds.
        source: Unreadable,
    },
}

/// Why a text was not saved. Except for [`SaveError::Torn`], the file on disk is as it was.
#[derive(Debug, Error)]
pub enum SaveError {
    /// The path names no file that could be written.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The file was changed by someone else since it was last read or written here.
    #[error("{path:?} was changed by another program; overwrite it or choose another name")]
    ChangedOnDisk {
        /// The file.
        path: PathBuf,
    },
    /// The file was new here, but there is one by now.
    #[error("{path:?} exists already; overwrite it or choose another name")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Another member on this machine has the file open.
    #[error("{path:?} is open in another collab-edit on this machine; choose another name")]
    OpenElsewhere {
        /// The file.
        path: PathBuf,
    },
    /// The file may not be written.
    #[error("{path:?} is read-only ({source}); change its permissions or choose another name")]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A character has no bytes in the file's encoding.
    #[error("{path:?} was not saved: {character:?} does not fit into {encoding}, its encoding")]
    DoesNotFit {
        /// The file.
        path: PathBuf,
        /// The first such character.
        character: char,
        /// The encoding's name.
        encoding: &'static str,
    },
    /// A step failed.
    #[error("{path:?} was not saved and is as it was: {} failed: {source}", step.describe())]
    Failed {
        /// The file.
        path: PathBuf,
        /// What was being done.
        step: Step,
        /// What the system said.
        source: io::Error,
    },
    /// Writing a file in place, which cannot be replaced, failed half way.
    #[error("{path:?} is only partly written ({source}); the whole new text is in {copy:?}")]
    Torn {
        /// The file.
        path: PathBuf,
        /// Where the new content is.
        copy: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl TextFile {
    /// Loads the file at `path`; a missing one is new and empty. O(n).
    ///
    /// # Errors
    /// When there is something else than a text of at most [`MAX_FILE_BYTES`], or no folder.
    pub fn open(path: &Path) -> Result<(Self, Loaded), LoadError> {
        let mut file = Self::new(path)?;
        let target = resolve(&file.path)?;
        let Some(held) = file.claim(&target)? else {
            return Ok((file, Loaded::nothing()));
        };
        let found = held.file().metadata().map_err(PathError::io(path))?;
        let bytes = load(held.file(), &found, path)?;
        let open_elsewhere = held.is_elsewhere();
        file.known = Some(Fingerprint::new(&found, blake3::hash(&bytes)));
        let (text, format) = decode(bytes).map_err(|source| LoadError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Ok((
            file,
            Loaded {
                text,
                format,
                exists: true,
                open_elsewhere,
            },
        ))
    }

    /// A file that is not expected to be there before its first save.
    ///
    /// # Errors
    /// When `path` cannot be made absolute: it is empty, or the current folder is gone.
    pub fn new(path: &Path) -> Result<Self, PathError> {
        let path = std::path::absolute(path).map_err(PathError::io(path))?;
        Ok(Self {
            path,
            known: None,
            held: None,
            in_place: false,
        })
    }

    /// The file as the user named it, absolute, its symbolic links not followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there has never been a file at the path, as far as is known here.
    pub const fn is_new(&self) -> bool {
        self.known.is_none()
    }

    /// Whether a save writes into the file that is there instead of replacing it, because another program has
    /// it open and what that goes on writing is not to be lost.
    pub const fn write_in_place(&mut self, in_place: bool) {
        self.in_place = in_place;
    }

    /// Whatever the file holds is unknown from now on.
    pub fn forget(&mut self) {
        self.known = None;
    }

    /// Looks at what the file holds now; its text lies in it as `format` says, as far as that fits.
    /// O(1) mostly, O(n) after any change of its stamp.
    ///
    /// # Errors
    /// When there is something else than a text of at most [`MAX_FILE_BYTES`].
    pub fn look(&mut self, format: Format) -> Result<Found, LoadError> {
        let target = resolve(&self.path)?;
        let path = self.path.clone();
        if self.claim(&target)?.is_none() {
            return Ok(Found::Gone);
        }
        let Some(held) = &self.held else {
            return Ok(Found::Gone);
        };
        if held.is_elsewhere() {
            return Ok(Found::OpenElsewhere);
        }
        if let Some(known) = &mut self.known
            && known.matches(held.file()).map_err(PathError::io(&path))?
        {
            return Ok(Found::Same);
        }
        let before = held.file().metadata().map_err(PathError::io(&path))?;
        let bytes = load(held.file(), &before, &path)?;
        let after = held.file().metadata().map_err(PathError::io(&path))?;
        if Stamp::of(&before) != Stamp::of(&after) {
            return Ok(Found::Writing);
        }
        let known = Fingerprint::new(&before, blake3::hash(&bytes));
        let (text, format) =
            decode_as(bytes, format).map_err(|source| LoadError::Unreadable { path, source })?;
        self.known = Some(known);
        Ok(Found::Changed(text, format))
    }

    /// Writes the text that `chunks` make up. O(n) and two fsyncs; the text is not copied.
    ///
    /// # Errors
    /// When the file was not written; see [`SaveError`] for what the caller can do about it.
    pub fn save<'a>(
        &mut self,
        chunks: impl IntoIterator<Item = &'a str>,
        format: Format,
        if_changed: IfChanged,
    ) -> Result<Saved, SaveError> {
        let target = resolve(&self.path)?;
        self.claim(&target)?;
        let old = self.may_write(&target, if_changed)?;

        let (mut chars, mut hasher, mut unfit) = (0, TextHasher::default(), None);
        let chunks = chunks.into_iter().inspect(|chunk| {
            chars += chunk.chars().count();
            hasher.update(chunk);
            unfit = unfit.or_else(|| format.encoding.first_unfit(chunk));
        });
        let copy = Copy::write(encode(chunks, format), &target, old.as_ref())
            .map_err(|failure| self.failed(failure))?;
        let content = copy.hash();
        if let Some(character) = unfit {
            return Err(SaveError::DoesNotFit {
                path: self.path.clone(),
                character,
                encoding: format.encoding.name(),
            });
        }

        // Writing took its time; what came meanwhile is not to be buried either.
        let now = ordinary(&target)?;
        if now.as_ref().map(Stamp::of) != old.as_ref().map(Stamp::of) {
            return Err(SaveError::ChangedOnDisk {
                path: self.path.clone(),
            });
        }
        if let Some(held) = copy
            .put(&target, now.as_ref(), self.in_place)
            .map_err(|failure| self.failed(failure))?
        {
            self.held = Some(held);
        }
        // Without a fingerprint the next save finds the file changed and asks: the safe side.
        let found = self
            .held
            .as_ref()
            .and_then(|held| held.file().metadata().ok());
        self.known = found.map(|found| Fingerprint::new(&found, content));
        Ok(Saved {
            path: self.path.clone(),
            chars,
            hash: hasher.finalize(),
        })
    }

    /// Writes the text to another file, which this is from then on; after an error it stays the
    /// old one. O(n).
    ///
    /// # Errors
    /// As [`TextFile::save`]; what exists at `path` is foreign content.
    pub fn save_as<'a>(
        &mut self,
        path: &Path,
        chunks: impl IntoIterator<Item = &'a str>,
        format: Format,
        if_changed: IfChanged,
    ) -> Result<Saved, SaveError> {
        let mut other = Self::new(path)?;
        let found = ordinary(&resolve(&other.path)?)?.map(|found| Inode::of(&found));
        if found.is_some() && found == self.held.as_ref().map(Held::inode) {
            // Another name of the same file, which is known and locked here already.
            std::mem::swap(&mut self.path, &mut other.path);
            let saved = self.save(chunks, format, if_changed);
            if saved.is_err() {
                self.path = other.path;
            }
            return saved;
        }
        let saved = other.save(chunks, format, if_changed)?;
        *self = other;
        Ok(saved)
    }

    /// Keeps what is at `target` now open and, if possible, locked; `None` when nothing is there.
    fn claim(&mut self, target: &Path) -> Result<Option<&Held>, PathError> {
        for _ in 0..OPEN_TRIES {
            if ordinary(target)?.is_none() {
                self.held = None;
                return Ok(None);
            }
            let file = match File::open(target) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(PathError::io(target)(error)),
            };
            let inode = Inode::of(&file.metadata().map_err(PathError::io(target))?);
            match &mut self.held {
                Some(held) if held.inode() == inode => held.retry(),
                held => *held = Some(Held::take(file).map_err(PathError::io(target))?),
            }
            // Between opening and locking, the file may have been replaced and the lock given up.
            if ordinary(target)?.is_some_and(|found| Inode::of(&found) == inode) {
                return Ok(self.held.as_ref());
            }
        }
        Err(PathError::io(target)(io::Error::other(
            "it is replaced again and again",
        )))
    }

    /// Whether the claimed file may be written; gives what it looked like when that was decided.
    /// Whether the file is there and this user may not write it.
    pub fn is_read_only(&self) -> bool {
        let denied = |why: io::Error| super::replace::takes_no_files(&why);
        self.held.is_some()
            && OpenOptions::new()
                .write(true)
                .open(&self.path)
                .is_err_and(denied)
    }

    fn may_write(
        &mut self,
        target: &Path,
        if_changed: IfChanged,
    ) -> Result<Option<Metadata>, SaveError> {
        let path = || self.path.clone();
        let Some(held) = &self.held else {
            return Ok(None);
        };
        if held.is_elsewhere() {
            return Err(SaveError::OpenElsewhere { path: path() });
        }
        if let Err(source) = OpenOptions::new().write(true).open(target) {
            return Err(SaveError::ReadOnly {
                path: path(),
                source,
            });
        }
        let found = held.file().metadata().map_err(PathError::io(target))?;
        if if_changed == IfChanged::Overwrite {
            let known = match &mut self.known {
                Some(known) => known.matches(held.file()).map_err(PathError::io(target))?,
                None => false,
            };
            if !known {
                back_up(held.file(), target).map_err(|source| SaveError::Failed {
                    path: path(),
                    step: Step::BackUp,
                    source,
                })?;
            }
            return Ok(Some(found));
        }
        let Some(known) = &mut self.known else {
            return Err(SaveError::Exists { path: path() });
        };
        if !known.matches(held.file()).map_err(PathError::io(target))? {
            return Err(SaveError::ChangedOnDisk { path: path() });
        }
        Ok(Some(found))
    }

    fn failed(&self, failure: Failure) -> SaveError {
        let path = self.path.clone();
        match failure {
            Failure::Untouched(step, source) => SaveError::Failed { path, step, source },
            Failure::Exists => SaveError::Exists { path },
            Failure::Torn { copy, source } => SaveError::Torn { path, copy, source },
        }
    }
}

/// All of `file`, refused before memory is taken if it is too large.
fn load(mut file: &File, found: &Metadata, path: &Path) -> Result<Vec<u8>, LoadError> {
    let too_large = || LoadError::TooLarge {
        path: path.to_owned(),
    };
    if found.len() > MAX_FILE_BYTES {
        return Err(too_large());
    }
    file.rewind().map_err(PathError::io(path))?;
    let bytes = read(file, found.len()).map_err(PathError::io(path))?;
    bytes.ok_or_else(too_large)
}

/// All of `file`, or `None` if it has grown beyond [`MAX_FILE_BYTES`].
fn read(file: &File, len: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let room = usize::try_from(len).unwrap_or(usize::MAX).saturating_add(1);
    bytes.try_reserve_exact(room).map_err(io::Error::from)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= MAX_FILE_BYTES).then_some(bytes))
}

#[cfg(test)]
mod tests;
