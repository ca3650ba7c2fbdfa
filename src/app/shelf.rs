//! Where the session of this run is kept, and the one that was kept there before.

use std::path::PathBuf;

use anyhow::{Result, anyhow};

use super::config::Config;
use super::kept::Past;
use crate::storage::journal::{Journal, JournalError};
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
    /// Whether it is found by what was joined, as long as there is no file.
    pub(super) alias: bool,
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
        let empty = Self {
            wanted: true,
            alias: matches!(place, Place::Joined { .. }),
            ..Self::default()
        };
        let Some(folder) = place.folder()? else {
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
            Err(JournalError::Io(_)) => {
                return Ok(Self {
                    folder: Some(folder),
                    ..empty
                });
            }
            Err(why) => return Err(unreadable(&why.to_string())),
        };
        let (mut journal, content) = opened;
        let past = Past::of(content).map_err(|why| unreadable(&why))?;
        if past.is_none() && !journal.is_empty() {
            // It was never finished, so that nothing in it is to be missed.
            drop(journal);
            (journal, _) = Journal::open(&folder, true)?;
        }
        Ok(Self {
            folder: Some(folder),
            journal: Some(journal),
            past,
            ..empty
        })
    }
}

/// The sentence about a session that is there and cannot be read.
pub(super) fn unreadable(why: &str) -> anyhow::Error {
    anyhow!(
        "the session that was kept cannot be continued: {why}; --new-session sets it aside and starts afresh"
    )
}
