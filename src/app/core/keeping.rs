//! What a member keeps for its next start: what of it is to be written down, and when.
//!
//! Not here: writing (that is the journal's, by way of [`Keeper`]).

use std::path::Path;

use super::Core;
use crate::app::keeper::{Keeper, News, Portion};
use crate::app::kept::{DISK, DiskNote, OurPlace, SESSION, SessionNote, to_bytes};
use crate::crdt::{AuthorId, Log, Stretch};
use crate::security::Access;
use crate::session::Event;

/// What is kept for the next start.
#[derive(Default)]
pub(super) struct Keeping {
    keeper: Keeper,
    /// Whether the session is one to come back to: it has been entered.
    pub(super) begun: bool,
    pub(super) place: OurPlace,
    pub(super) disk: DiskNote,
    /// The state of the roster and of what is refused, and the access, that the note was made of last.
    pub(super) noted: Option<(u64, Option<Access>)>,
}

impl Core {
    /// Keeps everything from now on by way of `keeper`. `begun` says whether the session has been entered.
    pub fn keep(&mut self, keeper: Keeper, place: OurPlace, begun: bool) {
        self.keeping = Keeping {
            keeper,
            begun,
            place,
            ..Keeping::default()
        };
    }

    /// The session's file is this one.
    pub(in crate::app) fn is_kept_for(&mut self, path: &Path) {
        self.keeping.place.file = OurPlace::file(path);
        self.keeping.noted = None;
    }

    /// What is to be appended to the journal now, if anything.
    pub fn next_portion(&mut self) -> Option<Portion> {
        self.ask_keeper(|keeper, log, stretch| keeper.next(log, stretch))
            .flatten()
    }

    /// Whether there is something to be appended to the journal, and room for it.
    pub(in crate::app) fn is_behind(&mut self) -> bool {
        self.ask_keeper(|keeper, log, stretch| keeper.is_due(log, stretch))
            .unwrap_or(false)
    }

    /// Whether the journal's writer has been given everything there is.
    pub(in crate::app) fn is_handed_over(&mut self) -> bool {
        self.ask_keeper(|keeper, log, stretch| keeper.is_done(log, stretch))
            .unwrap_or(true)
    }

    /// Asks the keeper about what there is; `None` if it cannot be said yet who we are.
    fn ask_keeper<T>(
        &mut self,
        ask: impl FnOnce(&mut Keeper, &Log, &dyn Fn(AuthorId, u32) -> Option<Stretch>) -> T,
    ) -> Option<T> {
        self.take_notes()?;
        let replica = self.document.replica();
        let stretch = |author, from| self.session.stretch(author, from, replica);
        Some(ask(&mut self.keeping.keeper, replica.log(), &stretch))
    }

    /// Takes down, for the journal, who we are and what is on disk; `None` if that cannot be said yet.
    fn take_notes(&mut self) -> Option<()> {
        let keeping = &mut self.keeping;
        if keeping.begun && keeping.keeper.is_on() {
            let state = (
                self.session.roster_stamp() + self.session.forked().count() as u64,
                self.session.access().cloned(),
            );
            if keeping.noted.as_ref() != Some(&state) {
                let note = SessionNote::of(&self.session, &keeping.place)?;
                keeping.keeper.note(SESSION, to_bytes(&note));
                keeping.noted = Some(state);
            }
            if let Some((text, heads)) = self.document.on_disk()
                && !keeping.disk.says(text, heads)
                && !self.document.has_uncommitted()
            {
                let (text, heads) = (text.clone(), heads.clone());
                keeping
                    .disk
                    .is(&text, &heads, self.document.way_back_to_disk());
            }
            if keeping.disk.take_changed() {
                keeping.keeper.note(DISK, to_bytes(&keeping.disk));
            }
        }
        Some(())
    }

    /// Takes in what the journal's writer says.
    pub fn kept(&mut self, news: News) {
        if let Some(text) = self.keeping.keeper.hear(news) {
            self.events.push_back(Event::Notice(text));
        }
    }

    /// Whether a crash would lose edits.
    pub(in crate::app) const fn is_unkept(&self) -> bool {
        self.keeping.keeper.is_failing()
    }

    /// Whether the session is one to come back to, with text that is not saved or not: others are in
    /// it, or that text would be lost.
    pub(in crate::app) fn is_worth_keeping(&self, unsaved: bool) -> bool {
        self.keeping.begun && (unsaved || self.session.entries().count() > 1)
    }

    /// What is known of the disk from an earlier run.
    pub(in crate::app) fn remember_disk(&mut self, note: DiskNote) {
        self.keeping.disk = note;
    }
}
