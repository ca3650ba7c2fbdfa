//! What is on disk, what is not, and where the text goes.
//!
//! Saving itself is done elsewhere, off the event loop; this is the part that decides.

use std::path::PathBuf;

use super::core::Core;
use super::kept::OnDisk;
use crate::crdt::Version;
use crate::document::format::Format;
use crate::document::{Document, Rope};
use crate::session::Time;
use crate::storage::{IfChanged, SaveError, Saved, TextFile};

/// A file to be written, with all that it takes.
pub(super) struct SaveJob {
    file: TextFile,
    /// Another name than the file's own.
    to: Option<PathBuf>,
    rope: Rope,
    version: Version,
    format: Format,
    if_changed: IfChanged,
}

/// What became of a [`SaveJob`].
pub(super) struct SaveDone {
    file: TextFile,
    /// Where it was to be written.
    pub(super) target: PathBuf,
    version: Version,
    rope: Rope,
    /// What was written, or why nothing was.
    pub(super) result: Result<Saved, SaveError>,
}

impl SaveJob {
    /// Writes the file. Blocks.
    pub(super) fn run(self) -> SaveDone {
        let Self {
            mut file,
            to,
            rope,
            version,
            format,
            if_changed,
        } = self;
        let target = to.clone().unwrap_or_else(|| file.path().to_owned());
        let result = match to {
            Some(path) => file.save_as(&path, rope.chunks(), format, if_changed),
            None => file.save(rope.chunks(), format, if_changed),
        };
        SaveDone {
            file,
            target,
            version,
            rope,
            result,
        }
    }
}

/// The file that this member keeps.
pub(super) struct Saving {
    /// `None` while it is being written, or while there is no name yet.
    file: Option<TextFile>,
    busy: bool,
    /// What was on disk last, as heads and as text.
    saved: Option<(Version, Rope)>,
    /// Whether the file on disk holds something else than the session's text that nobody here has
    /// agreed to replace.
    pub(super) foreign: bool,
}

impl Saving {
    /// `file` holds `saved`, a text that the document had at that version.
    pub(super) const fn new(file: Option<TextFile>) -> Self {
        Self {
            file,
            busy: false,
            saved: None,
            foreign: false,
        }
    }

    /// The document's present text is what is on disk (or what nobody would miss).
    pub(super) fn is_on_disk(&mut self, core: &mut Core) {
        core.is_on_disk();
        let document = core.document();
        self.saved = Some((document.log().version().clone(), document.rope().clone()));
    }

    /// Goes on with what an earlier run left on disk. What somebody else has changed there since is
    /// brought in: at how many places, or nothing if it cannot be known what that is.
    pub(super) fn take_up(
        &mut self,
        core: &mut Core,
        on_disk: Option<OnDisk>,
        now: Time,
    ) -> Option<usize> {
        match on_disk {
            None => {}
            Some(OnDisk::Known(text, heads)) => {
                core.was_on_disk(text.clone(), heads.clone(), None);
                self.saved = Some((heads, text));
            }
            Some(OnDisk::Changed(before, heads, text)) => {
                core.was_on_disk(before, heads, None);
                let places = core.merge_disk(&text, None, now);
                let heads = core.document().on_disk().map(|(_, heads)| heads.clone());
                self.saved = Some((heads.unwrap_or_default(), Rope::from_str(&text)));
                return Some(places);
            }
            Some(OnDisk::Foreign) => {
                self.foreign = true;
                return None;
            }
        }
        Some(0)
    }

    /// The file's name, once there is one.
    pub(super) fn path(&self) -> Option<&std::path::Path> {
        self.file.as_ref().map(TextFile::path)
    }

    /// Whether a file has been named.
    pub(super) const fn has_file(&self) -> bool {
        self.file.is_some() || self.busy
    }

    /// Whether the file is being written now.
    pub(super) const fn is_busy(&self) -> bool {
        self.busy
    }

    /// Whether the document may differ from what is on disk; says so for an edit that was taken
    /// back, too. O(authors).
    pub(super) fn may_be_unsaved(&self, document: &Document) -> bool {
        self.saved
            .as_ref()
            .is_none_or(|(version, _)| version != document.log().version())
    }

    /// Whether the document differs from what is on disk. O(n) if anything was edited.
    pub(super) fn is_unsaved(&self, document: &Document) -> bool {
        match &self.saved {
            None => !document.is_empty(),
            Some((version, rope)) => version != document.log().version() && rope != document.rope(),
        }
    }

    /// Names the file, if it has no name.
    pub(super) fn name(&mut self, file: TextFile) {
        self.file = Some(file);
    }

    /// Takes the file for writing the present text, which is [committed](Core::commit); `None` if there is
    /// none, or it is busy.
    pub(super) fn start(
        &mut self,
        core: &mut Core,
        format: Format,
        to: Option<PathBuf>,
        if_changed: IfChanged,
    ) -> Option<SaveJob> {
        let file = self.file.take()?;
        self.busy = true;
        core.start_save();
        let document = core.document();
        Some(SaveJob {
            file,
            to,
            rope: document.rope().clone(),
            version: document.log().version().clone(),
            format,
            if_changed,
        })
    }

    /// Takes the file back.
    pub(super) fn finish(&mut self, core: &mut Core, done: SaveDone) -> Result<Saved, SaveError> {
        self.busy = false;
        self.file = Some(done.file);
        core.end_save(done.result.is_ok());
        if done.result.is_ok() {
            self.saved = Some((done.version, done.rope));
            self.foreign = false;
        }
        done.result
    }
}
