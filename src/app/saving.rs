//! The file that a member keeps: what is on disk, what is not, and what has changed there.
//!
//! Reading and writing are done elsewhere, off the event loop; this is the part that decides. One
//! job has the file at a time. Whatever stirs in the file's folder leads to a look, a little later;
//! what a look finds is merged, and what a save finds leads to a look, and is saved after that.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::core::Core;
use super::kept::OnDisk;
use crate::crdt::Version;
use crate::document::format::{Format, text_hash};
use crate::document::{Document, Rope};
use crate::session::{self, Time};
use crate::storage::{Found, IfChanged, LoadError, SaveError, Saved, Stir, TextFile};

/// A file is looked at when nothing has stirred for this long, so that another program has written
/// all of it …
const LOOK_AFTER: Duration = Duration::from_millis(60);
/// … but at the latest this long after the first.
const LOOK_AT_MOST: Duration = Duration::from_millis(500);
/// A program that has the file open is waited for this long, for it to be done (a guess). Most have written
/// everything in a few milliseconds; some, like one whose output goes to the file, never close it.
const WAIT_FOR_WRITER: Duration = Duration::from_secs(2);
/// Texts are compared no longer than this (a pause that a person just notices).
const MERGE_TIME: Duration = Duration::from_millis(300);

/// Something to be done with the file. Blocks.
pub(super) enum FileJob {
    Save(SaveJob),
    Look(LookJob),
}

/// What became of a [`FileJob`].
pub(super) enum FileDone {
    Saved(SaveDone),
    Looked(LookDone),
}

impl FileJob {
    /// Does it.
    pub(super) fn run(self) -> FileDone {
        match self {
            Self::Save(job) => FileDone::Saved(job.run()),
            Self::Look(job) => FileDone::Looked(job.run()),
        }
    }
}

/// A file to be written, with all that it takes.
pub(super) struct SaveJob {
    file: TextFile,
    /// Another name than the file's own.
    to: Option<PathBuf>,
    rope: Rope,
    format: Format,
    if_changed: IfChanged,
}

/// What became of a [`SaveJob`].
pub(super) struct SaveDone {
    file: TextFile,
    /// Where it was to be written.
    pub(super) target: PathBuf,
    /// Whether that is the file that is kept anyway.
    own: bool,
    result: Result<Saved, SaveError>,
}

impl SaveJob {
    fn run(self) -> SaveDone {
        let Self {
            mut file,
            to,
            rope,
            format,
            if_changed,
        } = self;
        let target = to.clone().unwrap_or_else(|| file.path().to_owned());
        let own = to.is_none();
        let result = match to {
            Some(path) => file.save_as(&path, rope.chunks(), format, if_changed),
            None => file.save(rope.chunks(), format, if_changed),
        };
        SaveDone {
            file,
            target,
            own,
            result,
        }
    }
}

/// A file to be looked at.
pub(super) struct LookJob {
    file: TextFile,
    format: Format,
}

/// What became of a [`LookJob`].
pub(super) struct LookDone {
    file: TextFile,
    found: Result<Found, LoadError>,
    /// The hash of the text that was found.
    hash: Option<blake3::Hash>,
    /// When comparing ends.
    deadline: Instant,
}

impl LookJob {
    fn run(self) -> LookDone {
        let Self { mut file, format } = self;
        let found = file.look(format);
        let hash = match &found {
            Ok(Found::Changed(text, _)) => Some(text_hash([text.as_str()])),
            _ => None,
        };
        LookDone {
            file,
            found,
            hash,
            deadline: Instant::now() + MERGE_TIME,
        }
    }
}

/// What a save came to.
pub(super) enum SaveEnd {
    /// It is done.
    Saved(Saved),
    /// The file was changed meanwhile. It is looked at, and can be saved after that.
    Changed,
    /// It is not done.
    Failed(SaveError),
}

/// What a look at the file has brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum News {
    /// Nothing to speak of.
    Nothing,
    /// Changes, at so many places of the document.
    Merged(usize),
    /// The file is not there any more, or cannot be read: a sentence.
    Trouble(String),
}

/// The file that this member keeps.
pub(super) struct Saving {
    /// `None` while a job has it, or while there is no name yet.
    file: Option<TextFile>,
    /// Where the file is that a job has.
    away: Option<PathBuf>,
    /// Whether the file on disk holds something else than the session's text that nobody here has
    /// agreed to replace.
    foreign: bool,
    /// Whether the next look brings in a foreign text.
    bring_in: bool,
    /// When the file is to be looked at, and when something has stirred first.
    look_due: Option<(Time, Time)>,
    /// Whether another program is writing the file, as far as is known.
    writing: bool,
    /// The trouble that was told last. Told once.
    trouble: Option<String>,
    /// Whether what the file held last could not be read.
    unreadable: bool,
    /// How often there was trouble, or an end of it.
    troubles: u64,
    /// Whether what is on disk is news to the others.
    is_news: bool,
    /// Whether the file may not be written, as far as that was known when it was opened.
    read_only: bool,
}

impl Saving {
    /// `file` is the one to keep.
    pub(super) fn new(file: Option<TextFile>) -> Self {
        Self {
            read_only: file.as_ref().is_some_and(TextFile::is_read_only),
            file,
            away: None,
            foreign: false,
            bring_in: false,
            look_due: None,
            writing: false,
            trouble: None,
            unreadable: false,
            troubles: 0,
            is_news: false,
        }
    }

    /// The file that was opened holds the present text, or is a new one for it.
    pub(super) fn is_on_disk(&mut self, core: &mut Core) {
        core.is_on_disk();
        self.is_news = self.file.as_ref().is_some_and(|file| !file.is_new());
    }

    /// Tells the others what is on disk, if there are others and it is news. O(n) then.
    pub(super) fn announce(&mut self, core: &mut Core, now: Time) {
        if self.is_news && core.session().members().is_empty() {
            return;
        }
        if std::mem::take(&mut self.is_news) {
            core.tell_of_disk(now);
        }
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
                core.was_on_disk(text, heads, None);
                self.is_news = true;
            }
            Some(OnDisk::Changed(before, heads, text)) => {
                core.was_on_disk(before, heads, None);
                let places = core.merge_disk(&text, None, now);
                // Only what is the text as of some heads can be told by heads.
                self.is_news = !self.is_unsaved(core.document());
                return Some(places);
            }
            Some(OnDisk::Foreign) => {
                self.is_foreign_text();
                return None;
            }
        }
        Some(0)
    }

    /// The file's name, once there is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.file {
            Some(file) => Some(file.path()),
            None => self.away.as_deref(),
        }
    }

    /// Whether a file has been named.
    pub(super) const fn has_file(&self) -> bool {
        self.file.is_some() || self.is_busy()
    }

    /// Raised when the file is gone or comes back: its folder may be another one then.
    pub(super) const fn troubles(&self) -> u64 {
        self.troubles
    }

    /// Whether what the file held last could not be read.
    pub(super) const fn is_unreadable(&self) -> bool {
        self.unreadable
    }

    /// Whether the file is being read or written now.
    pub(super) const fn is_busy(&self) -> bool {
        self.away.is_some()
    }

    /// Whether the document may differ from what is on disk; says so for an edit that was taken
    /// back, too. O(authors).
    pub(super) fn may_be_unsaved(&self, document: &Document) -> bool {
        self.trouble.is_some() || document.has_left_disk()
    }

    /// Whether the document differs from what is on disk. By the texts: what was edited in this turn is not in
    /// the log yet. O(n) if anything was edited.
    pub(super) fn is_unsaved(&self, document: &Document) -> bool {
        let rope = document.rope();
        match document.on_disk() {
            None => !document.is_empty(),
            Some((text, _)) => !text.is_instance(rope) && text != rope,
        }
    }

    /// How many of the document's edits the file lacks; `None` if it is not there, as far as is known.
    /// O(authors).
    pub(super) fn behind(&self, document: &Document) -> Option<u64> {
        let never_written = self.file.as_ref().is_some_and(TextFile::is_new);
        if self.trouble.is_some() || never_written || !self.has_file() {
            return None;
        }
        let (_, heads) = document.on_disk()?;
        Some(session::behind(heads, document.log()))
    }

    /// Whether the file is not there as it should be. O(n) if anything was edited.
    pub(super) fn has_to_be_written(&self, document: &Document) -> bool {
        let never_written = self.file.as_ref().is_some_and(TextFile::is_new);
        never_written || self.trouble.is_some() || self.is_unsaved(document)
    }

    /// Names the file, if it has no name.
    pub(super) fn name(&mut self, file: TextFile) {
        self.read_only = file.is_read_only();
        self.file = Some(file);
    }

    /// Whether the file may not be written.
    pub(super) const fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Takes the file for writing the present text, which is [committed](Core::commit); `None` if there is
    /// none, or it is busy.
    pub(super) fn start(
        &mut self,
        core: &mut Core,
        format: Format,
        to: Option<PathBuf>,
        if_changed: IfChanged,
    ) -> Option<FileJob> {
        let mut file = self.take()?;
        file.write_in_place(self.writing);
        core.start_save();
        Some(FileJob::Save(SaveJob {
            file,
            to,
            rope: core.document().rope().clone(),
            format,
            if_changed,
        }))
    }

    /// Takes the file back from a save.
    pub(super) fn saved(&mut self, done: SaveDone, core: &mut Core, now: Time) -> SaveEnd {
        self.put_back(done.file);
        core.end_save(done.result.is_ok());
        match done.result {
            Ok(saved) => {
                self.foreign = false;
                self.unreadable = false;
                self.read_only = false;
                self.troubles += u64::from(self.trouble.take().is_some());
                self.is_news = true;
                SaveEnd::Saved(saved)
            }
            Err(SaveError::ChangedOnDisk { .. } | SaveError::Exists { .. })
                if done.own && core.document().on_disk().is_some() && !self.unreadable =>
            {
                self.look_due = Some((now, now));
                SaveEnd::Changed
            }
            Err(why) => SaveEnd::Failed(why),
        }
    }

    /// Something has stirred in the file's folder.
    pub(super) fn stirred(&mut self, stir: Stir, now: Time) {
        self.writing = stir == Stir::Writing;
        let (after, at_most) = match stir {
            Stir::Done => (LOOK_AFTER, LOOK_AT_MOST),
            Stir::Writing => (WAIT_FOR_WRITER, WAIT_FOR_WRITER),
        };
        let first = self.look_due.map_or(now, |(_, first)| first);
        self.look_due = Some(((now + after).min(first + at_most), first));
    }

    /// Whether another program is writing the file, and it is not time yet to take what it has written.
    pub(super) const fn waits_for_writer(&self) -> bool {
        self.writing && self.look_due.is_some()
    }

    /// The file holds another text than the session's: it is left alone until somebody says what is
    /// to become of it.
    pub(super) fn is_foreign_text(&mut self) {
        self.foreign = true;
        if let Some(file) = &mut self.file {
            file.forget();
        }
    }

    /// Whether that is so.
    pub(super) const fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// The lines of the foreign text are to be brought in as edits.
    pub(super) fn merge_existing(&mut self, now: Time) {
        self.bring_in = true;
        self.look_due = Some((now, now));
    }

    /// Whether the file has been asked to be looked at, and was not yet.
    pub(super) const fn wants_look(&self) -> bool {
        self.look_due.is_some()
    }

    /// When [`look`](Self::look) is to be called again.
    pub(super) fn next_look(&self) -> Option<Time> {
        let (due, _) = self.look_due?;
        (!self.is_busy()).then_some(due)
    }

    /// Takes the file for a look at it, if one is due.
    pub(super) fn look(&mut self, format: Format, now: Time) -> Option<FileJob> {
        let (due, _) = self.look_due?;
        if due > now || self.is_busy() {
            return None;
        }
        self.look_due = None;
        if self.foreign && !self.bring_in {
            return None;
        }
        let file = self.take()?;
        Some(FileJob::Look(LookJob { file, format }))
    }

    /// Takes the file back from a look, and brings in what was found.
    pub(super) fn looked(&mut self, done: LookDone, core: &mut Core, now: Time) -> News {
        self.put_back(done.file);
        let bring_in = std::mem::take(&mut self.bring_in);
        self.unreadable = done.found.is_err();
        let trouble = match done.found {
            Ok(Found::Changed(text, _)) if bring_in => {
                self.foreign = false;
                return match core.bring_in(&text, Some(done.deadline), now) {
                    0 => News::Nothing,
                    places => News::Merged(places),
                };
            }
            Ok(Found::Changed(text, _)) if core.document().on_disk().is_some() => {
                self.trouble = None;
                let written = done
                    .hash
                    .and_then(|hash| written_by_other(core, &hash, &text));
                if let Some(heads) = written {
                    core.was_on_disk(Rope::from_str(&text), heads, Some(done.deadline));
                    self.is_news = true;
                    return News::Nothing;
                }
                let places = core.merge_disk(&text, Some(done.deadline), now);
                // Only what is the text as of some heads can be told by heads.
                self.is_news = !self.is_unsaved(core.document());
                return match places {
                    0 => News::Nothing,
                    places => News::Merged(places),
                };
            }
            Ok(Found::Writing) => {
                self.bring_in = bring_in;
                let stir = if self.writing {
                    Stir::Writing
                } else {
                    Stir::Done
                };
                self.stirred(stir, now);
                return News::Nothing;
            }
            Ok(Found::Gone) if core.document().on_disk().is_some() && !self.is_new(core) => {
                let path = self.path().unwrap_or_else(|| Path::new(""));
                format!("{path:?} is not there any more; saving writes it again")
            }
            Ok(Found::Same) => {
                self.trouble = None;
                return News::Nothing;
            }
            Ok(_) => return News::Nothing,
            Err(why) => format!("{why}; it is not read and not written over"),
        };
        if self.trouble.as_ref() == Some(&trouble) {
            return News::Nothing;
        }
        self.trouble = Some(trouble.clone());
        self.troubles += 1;
        News::Trouble(trouble)
    }

    /// Whether the file has never been there.
    fn is_new(&self, core: &Core) -> bool {
        let never_known = self.file.as_ref().is_some_and(TextFile::is_new);
        never_known
            && core
                .document()
                .on_disk()
                .is_none_or(|(text, _)| text.len_chars() == 0)
    }

    fn take(&mut self) -> Option<TextFile> {
        let file = self.file.take()?;
        self.away = Some(file.path().to_owned());
        Some(file)
    }

    fn put_back(&mut self, file: TextFile) {
        self.away = None;
        self.file = Some(file);
    }
}

/// The heads of `text`, which has this hash, if another member has said that it saved it, and it is no
/// older than the one last known here.
fn written_by_other(core: &Core, hash: &blake3::Hash, text: &str) -> Option<Version> {
    let document = core.document();
    let (_, known) = document.on_disk()?;
    let mut said = core.session().saved_texts();
    let same = said.find(|said| said.hash == *hash.as_bytes() && said.heads.covers(known))?;
    is_true(&same.heads, text, document).then(|| same.heads.clone())
}

/// Whether `text` may be the session's as of these heads: a member's word is checked as soon as its edits are
/// here. O(n).
fn is_true(heads: &Version, text: &str, document: &Document) -> bool {
    !document.log().version().covers(heads) || document.text_at(heads) == text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crdt::{AuthorId, Source};
    use crate::document::{CharPos, EditKind};

    #[test]
    fn a_word_is_believed_only_where_it_cannot_be_checked() {
        let me = AuthorId([1; 16]);
        let mut document = Document::new(me);
        for text in ["one", "two"] {
            let end = CharPos(document.len());
            document.edit(end..end, text, EditKind::Whole, 0);
            document.commit(0, Source::Typed);
        }
        let heads = |next| Version::from_iter([(me, next)]);
        assert!(is_true(&heads(3), "one", &document));
        assert!(!is_true(&heads(3), "onetwo", &document));
        assert!(is_true(&heads(9), "not here yet", &document));
    }

    #[test]
    fn who_writes_is_waited_for_but_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.md");
        let saving = || Saving::new(Some(TextFile::new(&path).unwrap()));
        let look = |saving: &mut Saving, ms| saving.look(Format::default(), Time(ms)).is_some();

        let mut short = saving();
        short.stirred(Stir::Writing, Time(0));
        assert!(short.waits_for_writer() && !look(&mut short, 299));
        short.stirred(Stir::Done, Time(300));
        assert!(!short.waits_for_writer() && !look(&mut short, 359));
        assert!(look(&mut short, 360));

        // One that goes on and on is looked at every two seconds.
        let mut long = saving();
        for ms in (0..2_000).step_by(100) {
            long.stirred(Stir::Writing, Time(ms));
            assert!(!look(&mut long, ms));
        }
        assert!(look(&mut long, 2_000) && !long.waits_for_writer());
    }
}
