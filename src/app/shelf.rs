//! Where the session of this run is kept, and the one that was kept there before.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::config::Config;
use super::keeper::Keeper;
use super::kept::Past;
use crate::crdt::Version;
use crate::storage::journal::{self, Content, Journal, JournalError};
use crate::storage::kept::Place;

/// What was found where the session is to be kept.
#[derive(Default)]
pub(super) struct Shelf {
    /// Where the journal is to be; `None` where there can be none before the file gets another name.
    pub(super) folder: Option<PathBuf>,
    pub(super) journal: Option<Journal>,
    /// The session that is taken up again.
    pub(super) past: Option<Past>,
    /// Whether the session is to be kept at all.
    pub(super) wanted: bool,
    /// Where it is found by what was joined, whatever file it gets.
    pub(super) alias: Option<PathBuf>,
    /// What the person has to know.
    pub(super) warning: Option<String>,
}

impl Shelf {
    /// Opens the journal of what `config` asks for; `joined` is the address to be joined.
    pub(super) fn open(config: &Config, joined: Option<&str>) -> Result<Self> {
        if !config.journal {
            return Ok(Self::default());
        }
        let folder = config.folder.clone();
        let place = match (&config.file, joined) {
            (Some(file), _) => Place::File(file.clone()),
            (None, Some(address)) => Place::Joined {
                folder,
                address: address.to_owned(),
            },
            (None, None) => Place::Unnamed { folder },
        };
        let folder = place.folder()?;
        let empty = Self {
            wanted: true,
            alias: folder
                .clone()
                .filter(|_| matches!(place, Place::Joined { .. })),
            ..Self::default()
        };
        let Some(folder) = folder else {
            let text = "There is no folder to keep the session in (HOME is not set): a crash would lose edits";
            return Ok(Self {
                warning: Some(text.to_owned()),
                ..empty
            });
        };
        let opened = match Journal::open(&folder, config.new_session) {
            Ok(opened) => opened,
            Err(JournalError::InUse) => {
                let text = "This session is open in another collab-edit on this machine; what is edited \
                            here is kept only once it has another name";
                return Ok(Self {
                    warning: Some(text.to_owned()),
                    ..empty
                });
            }
            Err(JournalError::Io(why)) if journal::is_in(&folder) && !config.new_session => {
                return Err(out_of_reach(&folder, &why));
            }
            // There is nothing to go on with, and what is edited is kept as soon as that works.
            Err(JournalError::Io(_)) => {
                return Ok(Self {
                    folder: Some(folder),
                    ..empty
                });
            }
            Err(why) => return Err(unreadable(&why.to_string())),
        };
        let (journal, content) = opened;
        let warning = (content.torn() > 0).then(|| torn(&content, &folder));
        let past = Past::of(content).map_err(|why| unreadable(&why))?;
        let mut journal = Some(journal);
        if past.is_none() && journal.as_ref().is_some_and(|journal| !journal.is_empty()) {
            // It was never finished, so that nothing in it is to be missed.
            drop(journal.take());
            journal = Journal::open(&folder, true).ok().map(|(new, _)| new);
        }
        Ok(Self {
            folder: Some(folder),
            journal,
            past,
            warning,
            ..empty
        })
    }

    /// What hands edits over to the journal, which has them up to `handed`.
    pub(super) fn keeper(&self, handed: Version) -> Keeper {
        match (&self.journal, self.wanted) {
            (Some(_), _) => Keeper::new(handed),
            (None, true) => Keeper::without_journal(),
            (None, false) => Keeper::default(),
        }
    }
}

/// The sentence about a session that is there and cannot be opened now. Starting another one in its place
/// would bring the file's text in a second time.
fn out_of_reach(folder: &Path, why: &io::Error) -> anyhow::Error {
    anyhow!(
        "the session that was kept in {folder:?} cannot be opened: {why}; mend that and start again, or edit \
         without it by --no-journal"
    )
}

/// The sentence about a journal whose end could not be read.
fn torn(content: &Content, folder: &Path) -> String {
    format!(
        "The last {} bytes of what was kept of this session are incomplete or damaged; they are set aside in {:?}",
        content.torn(),
        journal::torn_in(folder)
    )
}

/// The sentence about a session that is there and cannot be read.
pub(super) fn unreadable(why: &str) -> anyhow::Error {
    anyhow!(
        "the session that was kept cannot be continued: {why}; --new-session sets it aside and starts afresh"
    )
}
