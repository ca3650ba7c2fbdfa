//! Compact history: one who lacks much of the logs is sent everything at once.
//!
//! Who finds out by another's whole heads that it lacks many operations, and a good part of all, fetches
//! the history from there in place of wanting batches. It comes in pieces, behind everything that is
//! more urgent, and is adopted when it is whole; what the two ends did meanwhile goes on as batches
//! before and after. If nothing comes of it, the batches are asked for as always.
//!
//! Memory: a history is encoded once for all links that fetch it at about the same time, at most
//! [`MAX_ENCODED`] are kept, and only as long as a link is being sent one; a link holds a place in it. One
//! history at a time is fetched, of at most [`MAX_HISTORY_BYTES`].
//!
//! Not here: what a history is, and whether it may be adopted (that is the replica's to say). What
//! vouches for its authors travels in front of it, and is held against it before it is adopted.

use std::sync::{Arc, Weak};

use super::Session;
use super::io::{LinkId, Output};
use super::limits::{
    FETCH_LONGEST, HISTORY_BATCH_OPS, HISTORY_PART, HISTORY_PIECE_BYTES, MAX_ENCODED, WANT_TIMEOUT,
};
use super::link::{Fault, Up};
use super::time::Time;
use super::vouch::{Vouch, Vouched};
use crate::crdt::{AuthorId, Corrupt, LogSource, NotAdopted, Version};
use crate::wire::limits::MAX_HISTORY_BYTES;
use crate::wire::{History, Message, Vouchers};

/// A history as it is sent; empty if there is none to be had.
#[derive(Default, Debug)]
pub(super) struct Encoded {
    /// What is in it.
    version: Version,
    bytes: Vec<u8>,
}

/// How far a link has been sent a history.
#[derive(Debug)]
pub(super) struct Serving {
    history: Arc<Encoded>,
    at: usize,
}

/// The histories that links are being sent.
#[derive(Default, Debug)]
pub(super) struct Served(Vec<Weak<Encoded>>);

/// What is being fetched.
#[derive(Debug)]
pub(super) struct Fetch {
    link: LinkId,
    /// What the other end said it has. Nothing of it is asked for elsewhere meanwhile.
    goal: Version,
    since: Time,
    /// When the next piece is overdue.
    due: Time,
    /// How long the history is, once its first piece has come.
    total: usize,
    bytes: Vec<u8>,
}

impl Fetch {
    /// How many bytes have come, and of how many; `None` before the first.
    pub(super) fn progress(&self) -> Option<(u64, u64)> {
        (self.total > 0).then_some((self.bytes.len() as u64, self.total as u64))
    }

    /// Where it comes from.
    pub(super) const fn link(&self) -> LinkId {
        self.link
    }

    /// Whether it will bring more than the first `have` operations of `author`.
    pub(super) fn brings(&self, author: &AuthorId, have: u32) -> bool {
        self.goal.next(author) > have
    }

    pub(super) fn due(&self) -> Time {
        self.due.min(self.since + FETCH_LONGEST)
    }
}

impl Session {
    /// Fetches the history from a link if that is worth it.
    pub(super) fn consider_fetch(&mut self, id: LinkId, now: Time, log: &impl LogSource) {
        if self.fetch.is_some() {
            return;
        }
        let (me, least) = (self.me.author, self.history_ops);
        let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut()) else {
            return;
        };
        let Some(theirs) = up.theirs.as_ref().filter(|_| !up.no_history) else {
            return;
        };
        let lacking = lacking(theirs, log.version(), |author| {
            author != me && !log.is_frozen(&author)
        });
        let all: u64 = theirs.iter().map(|(_, next)| u64::from(next)).sum();
        if lacking >= least.max(1) && lacking.saturating_mul(HISTORY_PART) >= all {
            up.fetch_due = true;
            self.fetch = Some(Fetch {
                link: id,
                goal: theirs.clone(),
                since: now,
                due: now + WANT_TIMEOUT,
                total: 0,
                bytes: Vec::new(),
            });
        }
    }

    /// A piece of a history came.
    pub(super) fn piece(
        &mut self,
        id: LinkId,
        piece: History,
        now: Time,
        log: &impl LogSource,
    ) -> Result<(), Fault> {
        // What comes after it was given up is dropped.
        let Some(fetch) = self.fetch.as_mut().filter(|fetch| fetch.link == id) else {
            return Ok(());
        };
        let (total, at) = (piece.total as usize, piece.at as usize);
        if total == 0 {
            self.no_history(id, now, log);
            return Ok(());
        }
        let end = at + piece.bytes.len();
        let fits = at == fetch.bytes.len() && (at == 0 || total == fetch.total);
        if !fits || end != total.min(at + HISTORY_PIECE_BYTES) {
            return Err(Fault::OutOfRole(
                "the pieces of its history do not fit together",
            ));
        }
        fetch.total = total;
        fetch.bytes.extend(piece.bytes);
        fetch.due = now + WANT_TIMEOUT;
        if end == total {
            let whole = std::mem::take(&mut fetch.bytes);
            let (vouchers, history) =
                Vouchers::split(&whole).ok_or(Fault::BadHistory(Corrupt::Damaged))?;
            self.outputs.push_back(Output::Adopt {
                link: id,
                vouchers,
                history: history.to_vec(),
            });
        }
        Ok(())
    }

    /// What came of a history that was to be adopted.
    pub(super) fn adopted(
        &mut self,
        id: LinkId,
        adopted: Result<Vec<Vouched>, NotAdopted>,
        now: Time,
        log: &impl LogSource,
    ) {
        match adopted {
            Ok(waiting) => {
                self.heads_changed(now);
                for batches in waiting {
                    self.outputs.push_back(Output::Merge { link: id, batches });
                }
                // Were it to bring too little, it would be fetched for ever.
                let fetch = self.fetch.take();
                if fetch.is_some_and(|fetch| !log.version().covers(&fetch.goal)) {
                    self.no_history(id, now, log);
                } else {
                    self.fetch_ended(now, log);
                }
            }
            Err(NotAdopted::Differs(_)) => self.no_history(id, now, log),
            Err(NotAdopted::Unsigned) => {
                self.fail(id, &Fault::Forged, now);
                self.fetch_ended(now, log);
            }
            Err(NotAdopted::Corrupt(why)) => {
                self.fail(id, &Fault::BadHistory(why), now);
                self.fetch_ended(now, log);
            }
        }
    }

    /// Gives up a fetch whose link is gone, or too slow.
    pub(super) fn fetch_overdue(&mut self, now: Time, log: &impl LogSource) {
        let Some(fetch) = &self.fetch else { return };
        if !self.links.contains_key(&fetch.link) {
            self.fetch_ended(now, log);
        } else if fetch.due() <= now {
            self.no_history(fetch.link, now, log);
        }
    }

    /// A link brings no history that is of use: what is missing is asked for as batches.
    fn no_history(&mut self, id: LinkId, now: Time, log: &impl LogSource) {
        if let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut()) {
            up.no_history = true;
        }
        self.fetch_ended(now, log);
    }

    /// Nothing is being fetched any more: what is still missing is looked at anew.
    fn fetch_ended(&mut self, now: Time, log: &impl LogSource) {
        self.fetch = None;
        let ids: Vec<LinkId> = self.links.keys().copied().collect();
        for id in ids {
            self.consider_fetch(id, now, log);
        }
        let mut known = Version::new();
        for up in self.links.values().filter_map(|link| link.up()) {
            known.join(up.theirs.as_ref().unwrap_or(&Version::new()));
        }
        for (author, _) in known.iter() {
            self.review(author, false, now, log);
        }
    }

    /// The other end asks for the history.
    pub(super) fn serve(&mut self, id: LinkId, log: &impl LogSource) {
        let least = self.history_ops;
        let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut()) else {
            return;
        };
        if up.serving.is_none() {
            let history = self.served.history(least, &self.vouch, log);
            up.serving = Some(Serving { history, at: 0 });
        }
    }
}

impl Served {
    /// Forgets those that no link is being sent any more.
    pub(super) fn forget(&mut self) {
        self.0.retain(|history| history.strong_count() > 0);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// A history with all but less than `least` operations of what is here; an empty one if batches are
    /// as good, or if too many are being sent.
    fn history(&mut self, least: u64, vouch: &Vouch, log: &impl LogSource) -> Arc<Encoded> {
        self.forget();
        let fresh = |history: &Arc<Encoded>| {
            lacking(log.version(), &history.version, |_| true) < least.max(1)
        };
        if let Some(history) = self.0.iter().filter_map(Weak::upgrade).find(fresh) {
            return history;
        }
        // A long text that was put in at once is sent quicker than it is packed.
        if self.0.len() >= MAX_ENCODED || log.batches() < least / HISTORY_BATCH_OPS {
            return Arc::default();
        }
        let Some(vouchers) = vouch.vouchers(log) else {
            return Arc::default();
        };
        let bytes = vouchers.before(&log.encode_history());
        if bytes.len() > MAX_HISTORY_BYTES {
            return Arc::default();
        }
        let version = log.version().clone();
        let history = Arc::new(Encoded { version, bytes });
        self.0.push(Arc::downgrade(&history));
        history
    }
}

impl Up {
    /// The next piece of the history that the other end fetches.
    pub(super) fn take_piece(&mut self) -> Option<Message> {
        let Serving { history, at } = self.serving.as_mut()?;
        let total = history.bytes.len();
        let end = total.min(*at + HISTORY_PIECE_BYTES);
        let piece = History {
            total: total as u32,
            at: *at as u32,
            bytes: history.bytes[*at..end].to_vec(),
        };
        *at = end;
        if end == total {
            self.serving = None;
        }
        Some(Message::History(piece))
    }
}

/// How many operations of the authors `counted` are in `there` and not in `here`.
fn lacking(there: &Version, here: &Version, counted: impl Fn(AuthorId) -> bool) -> u64 {
    there
        .iter()
        .filter(|(author, _)| counted(*author))
        .map(|(author, next)| u64::from(next.saturating_sub(here.next(&author))))
        .sum()
}
