//! A member without a screen: events as lines of JSON on standard output, commands as lines of
//! JSON on standard input, the file kept up to date.
//!
//! This is the part without IO; [`super::run`] reads, writes and waits.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::config::Existing;
use super::core::Core;
use super::hex;
use super::keeper::News as JournalNews;
use super::kept::Continued;
use super::saving::{FileDone, FileJob, News, SaveEnd, Saving};
use crate::document::format::Format;
use crate::document::{CharPos, EditKind};
use crate::security::Refusal;
use crate::session::{Event as SessionEvent, Input, MemberState, Refused, Time};
use crate::storage::{IfChanged, Loaded, Stir};

/// The file is written this long after the last change …
const SAVE_AFTER: Duration = Duration::from_millis(300);
/// … but at the latest this long after the first.
const SAVE_AT_MOST: Duration = Duration::from_secs(2);
/// After a failed save, this long.
const SAVE_AGAIN: Duration = Duration::from_secs(10);
/// `synced` comes at most this often.
const SYNCED_PERIOD: Duration = Duration::from_secs(1);

/// One line on standard output.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Told {
    Listening {
        addr: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    Joined {
        session: String,
        chars: usize,
    },
    Member {
        name: String,
        state: &'static str,
    },
    Saved {
        path: String,
        chars: usize,
        hash: String,
    },
    Synced {
        heads: String,
        hash: String,
    },
    Text {
        text: String,
    },
    Error {
        message: String,
    },
}

/// Why a member without a screen ended, as its last event has said.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct LastWords(pub(super) String);

/// One line on standard input.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Asked {
    Insert(Insert),
    Delete(Delete),
    Save(Nothing),
    Text(Nothing),
    Quit(Nothing),
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Insert {
    at: usize,
    text: String,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Delete {
    at: usize,
    count: usize,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Why joining failed, and what to do about it where a screen would ask.
fn with_hint(why: &Refused) -> String {
    let hint = match why {
        Refused::AtTheDoor { refusal, .. } => match refusal {
            Refusal::CodeNeeded | Refusal::WrongCode => "; give it in COLLAB_EDIT_CODE",
            Refusal::SessionIsOpen => " and with --open",
            _ => "",
        },
        _ => "",
    };
    format!("{why}{hint}")
}

/// A member without a screen.
pub(super) struct Headless {
    pub(super) core: Core,
    pub(super) saving: Saving,
    format: Format,
    /// What a joiner found in its file.
    found: Option<Loaded>,
    existing: Option<Existing>,
    joined: bool,
    /// Whether the next save writes over whatever is there.
    replace: bool,
    /// Whether somebody waits to be told of the next save.
    asked: bool,
    told: Vec<Told>,
    /// When the file is to be written, and when at the latest.
    save_due: Option<(Time, Time)>,
    /// The heads that were told last, and when.
    synced: Option<([u8; 32], Time)>,
    /// Why the program ends, if it is to.
    exit: Option<Result<(), String>>,
}

impl Headless {
    /// A session that begins here, its text loaded.
    pub(super) fn founder(
        mut core: Core,
        mut saving: Saving,
        format: Format,
        exists: bool,
        now: Time,
    ) -> Self {
        if exists {
            saving.is_on_disk(&mut core);
        }
        let save_due = (!exists).then_some((now, now));
        Self {
            core,
            saving,
            format,
            found: None,
            existing: None,
            joined: true,
            replace: false,
            asked: false,
            told: Vec::new(),
            save_due,
            synced: None,
            exit: None,
        }
    }

    /// A member whose session was kept.
    pub(super) fn continued(
        mut core: Core,
        mut saving: Saving,
        continued: Continued,
        existing: Option<Existing>,
        now: Time,
    ) -> Self {
        let known = saving.take_up(&mut core, continued.on_disk, now).is_some();
        let due = saving.is_unsaved(core.document()).then_some((now, now));
        let mut member = Self {
            format: continued.format,
            found: None,
            joined: true,
            save_due: due,
            ..Self::joiner(core, saving, Loaded::nothing(), existing)
        };
        if known || member.settle_foreign(now) {
            member.tell_joined();
            member.tell_members();
        }
        member
    }

    /// A joiner, with what it found in its file.
    pub(super) fn joiner(
        core: Core,
        saving: Saving,
        found: Loaded,
        existing: Option<Existing>,
    ) -> Self {
        Self {
            core,
            saving,
            format: Format::default(),
            found: Some(found),
            existing,
            joined: false,
            replace: false,
            asked: false,
            told: Vec::new(),
            save_due: None,
            synced: None,
            exit: None,
        }
    }

    /// Says something.
    pub(super) fn tell(&mut self, told: Told) {
        self.told.push(told);
    }

    /// Says something before anything else.
    pub(super) fn tell_first(&mut self, told: Told) {
        self.told.insert(0, told);
    }

    /// What is to be said now.
    pub(super) fn take_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    /// Whether the program is to end now, and why.
    pub(super) fn exit(&self) -> Option<&Result<(), String>> {
        let exit = self.exit.as_ref()?;
        let busy = self.saving.is_busy() || exit.is_ok() && self.has_to_write();
        (!busy).then_some(exit)
    }

    /// Whether something is still to get to the disk before the end.
    fn has_to_write(&self) -> bool {
        self.joined && self.save_due.is_some()
    }

    /// Does what one line asks for. A bad line changes nothing.
    pub(super) fn command(&mut self, line: &[u8], now: Time) {
        match self.try_command(line, now) {
            Ok(()) => {}
            Err(message) => self.tell(Told::Error { message }),
        }
    }

    fn try_command(&mut self, line: &[u8], now: Time) -> Result<(), String> {
        let asked: Asked =
            serde_json::from_slice(line).map_err(|error| format!("bad command: {error}"))?;
        let len = self.core.document().len();
        if !self.joined && !matches!(asked, Asked::Quit(_)) {
            return Err("the session has not been joined yet".to_owned());
        }
        match asked {
            Asked::Insert(Insert { at, text }) => {
                if at > len {
                    return Err(format!(
                        "bad command: there is no position {at} in a text of {len} characters"
                    ));
                }
                if text.contains('\0') {
                    return Err("bad command: a text has no NUL character".to_owned());
                }
                // As in a paste: the file's format says how lines end.
                let text = text.replace("\r\n", "\n").replace('\r', "\n");
                self.core
                    .edit(CharPos(at)..CharPos(at), &text, EditKind::Whole, now);
            }
            Asked::Delete(Delete { at, count }) => {
                let end = at.checked_add(count).filter(|end| *end <= len);
                let end = end.ok_or_else(|| {
                    format!("bad command: there are no {count} characters at {at} in a text of {len} characters")
                })?;
                self.core
                    .edit(CharPos(at)..CharPos(end), "", EditKind::Whole, now);
            }
            Asked::Save(Nothing {}) => {
                if self.saving.is_foreign() {
                    return Err(self.foreign());
                }
                self.asked = true;
                self.save_due = Some((now, now));
            }
            Asked::Text(Nothing {}) => {
                let text = self.core.document().rope().to_string();
                self.tell(Told::Text { text });
            }
            Asked::Quit(Nothing {}) => self.quit(now),
        }
        Ok(())
    }

    /// Ends in good order: the text is written, the others are told.
    pub(super) fn quit(&mut self, now: Time) {
        self.end(Ok(()), now);
    }

    /// Ends, not without a goodbye: nobody is to wait for one who does not come back.
    fn end(&mut self, how: Result<(), String>, now: Time) {
        self.core.handle(Input::Leave, now);
        if let Err(message) = &how {
            self.tell(Told::Error {
                message: message.clone(),
            });
        }
        self.exit.get_or_insert(how);
    }

    /// Takes in something for the session.
    pub(super) fn session(&mut self, input: Input, now: Time) {
        self.core.handle(input, now);
    }

    /// Ends a turn of the event loop: what was edited goes out, what happened is told, and the file is
    /// written when that is due.
    pub(super) fn finish_turn(&mut self, now: Time, minutes: u32) -> Option<FileJob> {
        self.core.flush(None, now, minutes);
        self.hear(now);
        self.saving.announce(&mut self.core, now);
        if self.core.take_changed() && self.joined {
            let latest = self
                .save_due
                .map_or(now + SAVE_AT_MOST, |(_, latest)| latest);
            self.save_due = Some(((now + SAVE_AFTER).min(latest), latest));
        }
        self.tell_synced(now);
        if !self.joined {
            return None;
        }
        self.saving
            .look(self.format, now)
            .or_else(|| self.save(now))
    }

    fn save(&mut self, now: Time) -> Option<FileJob> {
        self.may_save_at().filter(|due| *due <= now)?;
        let wanted = self.replace || self.asked;
        if !wanted && !self.saving.has_to_be_written(self.core.document()) {
            // What others write into the file is not written over with the same.
            self.save_due = None;
            return None;
        }
        let if_changed = if std::mem::take(&mut self.replace) {
            IfChanged::Overwrite
        } else {
            IfChanged::Refuse
        };
        let job = self
            .saving
            .start(&mut self.core, self.format, None, if_changed)?;
        self.save_due = None;
        Some(job)
    }

    /// Something has stirred where the file is.
    pub(super) fn stirred(&mut self, stir: Stir, now: Time) {
        self.saving.stirred(stir, now);
    }

    /// Takes the file back.
    pub(super) fn file(&mut self, done: FileDone, now: Time) {
        match done {
            FileDone::Looked(done) => match self.saving.looked(done, &mut self.core, now) {
                News::Nothing => {}
                News::Merged(places) => tracing::info!("changed on disk: {places} places merged"),
                News::Trouble(message) => self.failed(message, now),
            },
            FileDone::Saved(done) => match self.saving.saved(done, &mut self.core, now) {
                SaveEnd::Saved(saved) => {
                    self.asked = false;
                    self.tell(Told::Saved {
                        path: saved.path.to_string_lossy().into_owned(),
                        chars: saved.chars,
                        hash: saved.hash.to_hex().to_string(),
                    });
                }
                SaveEnd::Changed => self.save_due = Some((now, now)),
                SaveEnd::Failed(why) => self.failed(why.to_string(), now),
            },
        }
    }

    /// The file could not be read or written.
    fn failed(&mut self, message: String, now: Time) {
        if self.exit.is_some() {
            // Nobody is left to try again.
            self.exit = None;
            return self.end(Err(message), now);
        }
        self.tell(Told::Error { message });
        self.save_due = Some((now + SAVE_AGAIN, now + SAVE_AGAIN));
    }

    /// Takes in what the journal's writer says.
    pub(super) fn kept(&mut self, news: JournalNews) {
        self.core.kept(news);
    }

    /// Whether the session is to be kept when the program ends now: not by one who came in and had no place
    /// for the text.
    pub(super) fn is_worth_keeping(&self) -> bool {
        let unsaved = self.saving.is_unsaved(self.core.document());
        self.joined && self.core.is_worth_keeping(unsaved)
    }

    fn hear(&mut self, now: Time) {
        while let Some(divergence) = self.core.next_divergence() {
            let message = divergence.keep();
            self.tell(Told::Error { message });
        }
        while let Some(event) = self.core.next_event() {
            match event {
                SessionEvent::Welcomed { properties, .. } => {
                    match Format::from_bytes(&properties.format) {
                        Ok(format) => self.format = format,
                        Err(why) => self.end(Err(why.to_string()), now),
                    }
                }
                SessionEvent::Joined => self.joined(now),
                SessionEvent::Refused(why) => self.end(Err(with_hint(&why)), now),
                SessionEvent::MemberChanged { name, state, .. } => self.tell_member(name, state),
                SessionEvent::PresenceChanged { .. }
                | SessionEvent::AskedToLook { .. }
                | SessionEvent::AccessChanged { .. }
                | SessionEvent::MemberSaved { .. }
                | SessionEvent::Warning(_) => {}
                SessionEvent::Notice(message) => self.tell(Told::Error { message }),
            }
        }
    }

    fn joined(&mut self, now: Time) {
        if self.joined {
            // The session was here already.
            return;
        }
        if let Some(found) = self.found.take().filter(|found| found.exists) {
            if self.core.document().rope() == &found.text {
                self.saving.is_on_disk(&mut self.core);
            } else {
                self.saving.is_foreign_text();
                if !self.settle_foreign(now) {
                    return;
                }
            }
        } else {
            self.save_due = Some((now, now));
        }
        self.joined = true;
        self.tell_joined();
    }

    /// Does with a foreign text in the file what was said at the start; `false` if nothing was.
    fn settle_foreign(&mut self, now: Time) -> bool {
        match self.existing {
            Some(Existing::Replace) => self.replace = true,
            Some(Existing::Merge) => self.saving.merge_existing(now),
            None => {
                self.end(Err(self.foreign()), now);
                return false;
            }
        }
        self.save_due = Some((now, now));
        true
    }

    fn tell_member(&mut self, name: String, state: MemberState) {
        let state = match state {
            MemberState::Connected => "connected",
            MemberState::Away => "away",
            MemberState::Left => "left",
        };
        self.tell(Told::Member { name, state });
    }

    /// Says who is in a session that goes on.
    fn tell_members(&mut self) {
        for member in self.core.session().members() {
            self.tell_member(member.name, member.state);
        }
    }

    fn tell_joined(&mut self) {
        let session = self
            .core
            .session()
            .id()
            .map(|id| hex(&id.0))
            .unwrap_or_default();
        self.tell(Told::Joined {
            session,
            chars: self.core.document().len(),
        });
    }

    fn foreign(&self) -> String {
        let path = self.saving.path().unwrap_or_else(|| Path::new(""));
        format!(
            "{path:?} exists and holds another text than the session; name a file that does not exist, \
             or say --existing replace (a dated copy stays) or --existing merge"
        )
    }

    fn tell_synced(&mut self, now: Time) {
        if self.synced_due().is_some_and(|due| due <= now) {
            let document = self.core.document();
            let heads = document.log().version().digest();
            let hash = document.hash().to_hex().to_string();
            self.synced = Some((heads, now));
            self.tell(Told::Synced {
                heads: hex(&heads),
                hash,
            });
        }
    }

    /// When it may be told that everything is here; `None` while it is not, or has been told.
    fn synced_due(&self) -> Option<Time> {
        let replica = self.core.document().replica();
        if !self.joined || self.exit.is_some() || !self.core.session().is_caught_up(replica) {
            return None;
        }
        let Some((told, at)) = self.synced else {
            return Some(Time(0));
        };
        (told != replica.log().version().digest()).then_some(at + SYNCED_PERIOD)
    }

    /// When the file may be written; `None` while it may not, whatever the time.
    fn may_save_at(&self) -> Option<Time> {
        let (due, _) = self.save_due?;
        let foreign = self.saving.is_foreign() && !self.replace;
        let may = self.joined && !foreign && !self.saving.is_busy() && !self.saving.wants_look();
        let ending = matches!(self.exit, Some(Ok(())));
        may.then_some(if ending { Time(0) } else { due })
    }

    /// When [`finish_turn`](Self::finish_turn) is to be called again, if nothing happens before: later than it
    /// was called last.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        let look = self.saving.next_look().filter(|_| self.joined);
        let own = [self.synced_due(), self.may_save_at(), look];
        let own = own.into_iter().flatten();
        own.chain(self.core.next_deadline()).min()
    }
}
