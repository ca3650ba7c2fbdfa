//! Taking over a history in place of what is here.
//!
//! A replica that lacks much is given everything at once: the history is built into a new replica, what
//! was here and is not in it follows as batches, and the new one takes the old one's place. Anchors,
//! undo groups and whatever else names operations stay good, since the names do.
//!
//! Invariant A1: nothing that was here is lost or altered. Where both hold an author's operations, the
//! batches are compared byte by byte.

use std::collections::BTreeSet;

use super::history::{Corrupt, History};
use super::replica::{Change, Replica, Verdict};
use super::{AuthorId, OpId, Version};

/// Why a history was not taken over. Nothing has changed then.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAdopted {
    /// The bytes are no history, or an impossible one: the fault of whoever sent them.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// It holds another batch than the one known here under the same name, or operations of this
    /// replica's author that it never made: somebody's fault, not always the sender's.
    #[error("the history has other edits of {} than are known here", .0.short())]
    Differs(AuthorId),
    /// Whoever looked at it before it was taken over was not content.
    #[error("the history holds what nobody has signed")]
    Unsigned,
}

impl Replica {
    /// Builds the replica that knows what `history` and this one know; appends to `changes` what
    /// that does to the history's [text](History::text). Batches that wait here wait there too, or are
    /// applied. `check` looks at what it holds before anything comes of it. O(n log n).
    ///
    /// # Errors
    /// If the history cannot be, or contradicts what is here.
    ///
    /// # Panics
    /// If local operations have not been [committed](Self::commit).
    pub fn adopt(
        &self,
        history: History,
        check: impl FnOnce(&Self) -> bool,
        changes: &mut Vec<Change>,
    ) -> Result<Self, NotAdopted> {
        self.check_committed();
        let me = self.me();
        let mut new = history.build(me)?;
        if new.log().next(&me) > self.log().next(&me) {
            return Err(NotAdopted::Differs(me));
        }
        new.check_agrees(self)?;
        if !check(&new) {
            return Err(NotAdopted::Unsigned);
        }
        new.follow_up(self, changes);
        let unlike = |(author, next): (AuthorId, u32)| {
            // An author that is frozen here goes on nowhere; one of whom nothing is here is what it is there,
            // or what others wrote behind that would not come either.
            let there = new.log().next(&author);
            there < next || (there > next && self.log().is_frozen(&author))
        };
        if let Some((author, _)) = self.log().version().iter().find(|known| unlike(*known)) {
            return Err(NotAdopted::Differs(author));
        }
        for (_, author) in self.log.authors().filter(|(_, author)| author.frozen) {
            let ix = new.log.intern(author.id).map_err(Corrupt::from)?;
            new.log.freeze(ix);
        }
        new.wait_for_causes(self, changes);
        Ok(new)
    }

    /// This replica, made again from its logs, batch by batch. O(n log n).
    ///
    /// # Panics
    /// If local operations have not been [committed](Self::commit).
    pub fn replayed(&self, changes: &mut Vec<Change>) -> Self {
        self.check_committed();
        let mut new = Self::new(self.me());
        new.follow_up(self, changes);
        for (_, author) in self.log.authors().filter(|(_, author)| author.frozen) {
            if let Ok(ix) = new.log.intern(author.id) {
                new.log.freeze(ix);
            }
        }
        new.wait_for_causes(self, changes);
        new
    }

    /// Whether every batch that both hold is the same. O(n).
    fn check_agrees(&self, old: &Self) -> Result<(), NotAdopted> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for (author, next) in old.log().version().iter() {
            let both = next.min(self.log().next(&author));
            let mut seq = 0;
            while seq < both {
                ours.clear();
                theirs.clear();
                let end = old.log().batch_at(&author, seq, &mut ours);
                if end != self.log().batch_at(&author, seq, &mut theirs) || ours != theirs {
                    return Err(NotAdopted::Differs(author));
                }
                seq = end.unwrap_or(both);
            }
        }
        Ok(())
    }

    /// Merges what `old` holds beyond this replica, by stamp, so that causes come first.
    fn follow_up(&mut self, old: &Self, changes: &mut Vec<Change>) {
        let stamp = |author: AuthorId, seq| {
            let batch = old.log().batch_info(&author, seq)?;
            Some((batch.lamport, author, seq))
        };
        let heads: Version = self.log().version().clone();
        let mut due: BTreeSet<(u64, AuthorId, u32)> = old
            .log()
            .version()
            .iter()
            .filter_map(|(author, _)| stamp(author, heads.next(&author)))
            .collect();
        let mut bytes = Vec::new();
        while let Some((_, author, seq)) = due.pop_first() {
            bytes.clear();
            if let Some(end) = old.log().batch_at(&author, seq, &mut bytes) {
                let verdict = self.merge(author, seq, &bytes, changes);
                debug_assert!(
                    !matches!(verdict, Verdict::Invalid(_)),
                    "it was valid before"
                );
                due.extend(stamp(author, end));
            }
        }
    }

    /// Gives this replica what waits in `old` for its causes.
    fn wait_for_causes(&mut self, old: &Self, changes: &mut Vec<Change>) {
        for parked in old.pending.iter() {
            let first = OpId {
                author: parked.author,
                seq: parked.seq,
            };
            self.merge_said(first, parked.width, &parked.bytes, changes);
        }
    }
}
