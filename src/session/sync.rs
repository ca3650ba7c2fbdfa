//! Anti-entropy: what is missing here, whom it was asked from, and what is sent to whom.
//!
//! The rules, for each author whose operations some link's other end has and we lack:
//! 1. Its own link brings what it writes from the moment that link is up; older operations, and
//!    those of authors without a link, are asked for at once.
//! 2. Newer ones of an author with a link are waited for ([`PUSH_PATIENCE`]), then asked for.
//! 3. At most one link is asked for one author's operations at a time; if nothing comes
//!    ([`WANT_TIMEOUT`]) or the link ends, the next one that has them is asked.
//!
//! So members without a link of their own converge through any neighbour they share, and nothing
//! is flooded.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Session;
use super::catch_up::Fetch;
use super::io::LinkId;
use super::limits::{PUSH_PATIENCE, TURN_STAMPS, WANT_EXTENSIONS, WANT_TIMEOUT};
use super::link::{HeadsDue, Up};
use super::time::Time;
use super::vouch::{Vouch, to_ops};
use crate::crdt::{AuthorId, LogSource, Version};
use crate::wire::limits::MAX_HEADS;
use crate::wire::{Fork, Head, Heads, Ops, Range, Want};

/// The authors whose operations are missing here, and what is being done about it.
///
/// Invariant: both maps hold the same authors with the same deadlines.
#[derive(Default, Debug)]
pub(super) struct Chases {
    by_author: BTreeMap<AuthorId, Chase>,
    by_due: BTreeSet<(Time, AuthorId)>,
}

#[derive(Clone, Copy, Debug)]
struct Chase {
    due: Time,
    /// Whom we asked; `None` while we wait for the author's own link.
    asked: Option<Asked>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    link: LinkId,
    to: u32,
    extensions: u8,
}

impl Chases {
    fn set(&mut self, author: AuthorId, chase: Chase) {
        self.remove(&author);
        self.by_due.insert((chase.due, author));
        self.by_author.insert(author, chase);
    }

    fn remove(&mut self, author: &AuthorId) -> Option<Chase> {
        let chase = self.by_author.remove(author)?;
        self.by_due.remove(&(chase.due, *author));
        Some(chase)
    }

    /// When the next one is due. O(log n).
    pub(super) fn next_due(&self) -> Option<Time> {
        self.by_due.first().map(|(due, _)| *due)
    }

    /// Something of `author` came on `link`, which is `author`'s own if `own`.
    pub(super) fn progressed(&mut self, author: AuthorId, link: LinkId, own: bool, now: Time) {
        let Some(mut chase) = self.by_author.get(&author).copied() else {
            return;
        };
        match chase.asked {
            Some(asked) if asked.link == link => chase.due = now + WANT_TIMEOUT,
            None if own => chase.due = now + PUSH_PATIENCE,
            _ => return,
        }
        self.set(author, chase);
    }

    /// What was waited for on `author`'s own link will not come there: it is to be asked for.
    pub(super) fn hurry(&mut self, author: &AuthorId) {
        if self
            .by_author
            .get(author)
            .is_some_and(|chase| chase.asked.is_none())
        {
            self.remove(author);
        }
    }

    /// A link ended: what it was asked for is due at once, and so is what was waited for on it.
    pub(super) fn link_lost(&mut self, link: LinkId, own: AuthorId, now: Time) {
        let lost: Vec<AuthorId> = self
            .by_author
            .iter()
            .filter(|(author, chase)| match chase.asked {
                Some(asked) => asked.link == link,
                None => **author == own,
            })
            .map(|(author, _)| *author)
            .collect();
        for author in lost {
            if let Some(chase) = self.remove(&author) {
                self.set(author, Chase { due: now, ..chase });
            }
        }
    }

    /// Whether something has been asked for on `link`. O(n).
    fn any_on(&self, link: LinkId) -> bool {
        self.by_author
            .values()
            .any(|chase| chase.asked.is_some_and(|asked| asked.link == link))
    }
}

impl Session {
    /// Decides what to do about `author`'s operations after something has changed. `patient` leaves
    /// an author's own link the time to bring them. O(links).
    pub(super) fn review(
        &mut self,
        author: AuthorId,
        patient: bool,
        now: Time,
        log: &impl LogSource,
    ) {
        let have = log.version().next(&author);
        if !self.is_lacking(&author, have, log) {
            self.chases.remove(&author);
            return;
        }
        if let Some(chase) = self.chases.by_author.get(&author)
            && chase.asked.is_none_or(|asked| have < asked.to)
        {
            return;
        }
        let has_own_link = self
            .links
            .values()
            .filter_map(|l| l.up())
            .any(|up| up.author == author);
        if patient && has_own_link {
            self.chases.set(
                author,
                Chase {
                    due: now + PUSH_PATIENCE,
                    asked: None,
                },
            );
        } else {
            self.ask(author, have, None, now);
        }
    }

    fn is_lacking(&self, author: &AuthorId, have: u32, log: &impl LogSource) -> bool {
        let comes = |fetch: &Fetch| fetch.brings(author, have);
        *author != self.me.author
            && self.roster.key_of(author).is_some()
            && !log.is_frozen(author)
            && !self.is_stuck(author, have, log)
            && !self.fetch.as_ref().is_some_and(comes)
            && self
                .links
                .values()
                .filter_map(|link| link.up())
                .any(|up| up.has(author) > have)
    }

    /// Asks a link for what follows on `have`: the author's own link if it may be the first, or
    /// else the next one after `after`.
    fn ask(&mut self, author: AuthorId, have: u32, after: Option<LinkId>, now: Time) {
        let able = |up: &Up| up.has(&author) > have;
        let mut candidates = self
            .links
            .iter()
            .filter(|(_, link)| link.up().is_some_and(able))
            .map(|(id, _)| *id);
        let first = candidates.clone().next();
        let chosen = match after {
            Some(after) => candidates.find(|id| *id > after),
            None => candidates.find(|id| self.links[id].up().is_some_and(|up| up.author == author)),
        };
        let Some(id) = chosen.or(first) else {
            self.chases.remove(&author);
            return;
        };
        if let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut()) {
            let to = up.has(&author);
            let chain = self.vouch.tip(&author).short();
            up.asking.insert(author, (have, to, chain));
            let asked = Some(Asked {
                link: id,
                to,
                extensions: 0,
            });
            self.chases.set(
                author,
                Chase {
                    due: now + WANT_TIMEOUT,
                    asked,
                },
            );
        }
    }

    /// Asks elsewhere for what has not come in time.
    pub(super) fn chase_overdue(&mut self, now: Time, log: &impl LogSource) {
        while let Some((due, author)) = self.chases.by_due.first().copied() {
            if due > now {
                return;
            }
            let Some(chase) = self.chases.remove(&author) else {
                return;
            };
            let have = log.version().next(&author);
            if !self.is_lacking(&author, have, log) {
                continue;
            }
            match chase.asked {
                Some(asked) if asked.extensions < WANT_EXTENSIONS && self.is_amid(asked.link) => {
                    let asked = Some(Asked {
                        extensions: asked.extensions + 1,
                        ..asked
                    });
                    self.chases.set(
                        author,
                        Chase {
                            due: now + WANT_TIMEOUT,
                            asked,
                        },
                    );
                }
                asked => self.ask(author, have, asked.map(|asked| asked.link), now),
            }
        }
    }

    /// Whether a frame is arriving on this link.
    fn is_amid(&self, link: LinkId) -> bool {
        self.links
            .get(&link)
            .is_some_and(|link| !link.inbox.unread().is_empty())
    }

    /// The other end's heads differ from ours. If nothing on this link would settle that by itself,
    /// all our heads are told.
    pub(super) fn heads_differ(&mut self, id: LinkId) {
        let asked = self.chases.any_on(id);
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let idle = link.in_flight() == 0;
        let Some(up) = link.up_mut() else { return };
        let quiet = up.wanted.is_empty() && up.asking.is_empty() && up.serving.is_none();
        let quiet = quiet && up.heads == HeadsDue::Nothing;
        let asked = asked || self.fetch.as_ref().is_some_and(|fetch| fetch.link() == id);
        if idle && quiet && !asked {
            up.heads = HeadsDue::Whole;
        }
    }
}

impl Up {
    /// The heads that are due, as much as one message holds. What we have of the other end's own is told
    /// soon, since it is waited for; of others only every `others`.
    pub(super) fn take_heads(
        &mut self,
        vouch: &Vouch,
        now: Time,
        others: Duration,
        log: &impl LogSource,
    ) -> Option<Heads> {
        let whole = self.heads == HeadsDue::Whole;
        let others = whole || self.others_at.is_none_or(|at| at + others <= now);
        if self.heads == HeadsDue::Nothing || (self.heads == HeadsDue::Others && !others) {
            return None;
        }
        if whole {
            self.told = Version::new();
        }
        let news = log
            .version()
            .iter()
            .filter(|(author, next)| self.told.next(author) < *next);
        let (due, later): (Vec<_>, Vec<_>) =
            news.partition(|(author, _)| others || *author == self.author);
        let entries: Vec<(AuthorId, u32)> = due.iter().copied().take(MAX_HEADS).collect();
        self.heads = match (entries.len() < due.len(), later.is_empty()) {
            (true, _) => HeadsDue::Changes,
            (false, false) => HeadsDue::Others,
            (false, true) => HeadsDue::Nothing,
        };
        if entries.is_empty() && !whole {
            return None;
        }
        let head = |(author, next)| {
            self.told.advance(author, next);
            let chain = vouch.tip(&author).short();
            Head {
                author,
                next,
                chain,
            }
        };
        let entries = entries.into_iter().map(head).collect();
        self.heads_at = Some(now);
        if others {
            self.others_at = Some(now);
        }
        Some(Heads { whole, entries })
    }

    /// Everything that is to be asked for, as much as one message holds.
    pub(super) fn take_want(&mut self) -> Option<Want> {
        let mut ranges = Vec::new();
        while ranges.len() < MAX_HEADS
            && let Some((author, (from, to, chain))) = self.asking.pop_first()
        {
            ranges.push(Range {
                author,
                from,
                to,
                chain,
            });
        }
        if ranges.is_empty() {
            None
        } else {
            Some(Want { ranges })
        }
    }

    /// The other end is to be shown what we have of an author around `at`, unless it has been.
    pub(super) fn show(&mut self, author: AuthorId, at: u32) {
        let waits = self.forks.iter().any(|(other, _)| *other == author);
        if self.forks_told.insert(author) && !waits {
            self.forks.push((author, at));
        }
    }

    /// What shows that an author has signed something else than the other end has.
    pub(super) fn take_fork(&mut self, vouch: &Vouch, log: &impl LogSource) -> Option<Fork> {
        let shown = |(author, at)| vouch.evidence(author, at, log);
        std::iter::from_fn(|| self.forks.pop()).find_map(shown)
    }

    /// Our own operations that have not been sent yet, as much as one message holds. None while earlier
    /// ones are wanted: these follow on them.
    pub(super) fn take_own(
        &mut self,
        me: AuthorId,
        vouch: &Vouch,
        log: &impl LogSource,
    ) -> Option<Ops> {
        let end = log.version().next(&me);
        if self.pushed >= end || self.wanted.contains_key(&me) {
            return None;
        }
        let ops = to_ops(vouch.stretch(me, self.pushed, end, u64::MAX, log)?);
        let widths = ops.batches.iter().map(|batch| batch.width);
        self.pushed = widths.fold(ops.seq, u32::saturating_add);
        // Who is sent something knows that we have it.
        if self.told.next(&me) >= ops.seq {
            self.told.advance(me, self.pushed);
        }
        if self.heads == HeadsDue::Changes && self.told == *log.version() {
            self.heads = HeadsDue::Nothing;
        }
        Some(ops)
    }

    /// A part of what the other end wants, as much as one message holds: of the author whose next
    /// batch has the smallest stamp, until another author's turn is well past. So causes tend to
    /// come before what they cause, and little has to wait there.
    pub(super) fn take_wanted(
        &mut self,
        me: AuthorId,
        vouch: &Vouch,
        log: &impl LogSource,
    ) -> Option<Ops> {
        loop {
            let stamp = |author, from| log.lamport_at(author, from).unwrap_or(0);
            let mut turns: Vec<(u64, AuthorId)> = self
                .wanted
                .iter()
                .map(|(author, (from, _))| (stamp(author, *from), *author))
                .collect();
            turns.sort_unstable();
            let (_, author) = *turns.first()?;
            let until = turns
                .get(1)
                .map_or(u64::MAX, |(stamp, _)| stamp.saturating_add(TURN_STAMPS));
            let (from, to) = self.wanted.remove(&author)?;
            let to = to.min(log.version().next(&author));
            if let Some(stretch) = vouch.stretch(author, from, to, until, log) {
                let next = stretch.seal.end;
                if author == me && next >= to {
                    self.pushed = next;
                } else if author == me {
                    self.wanted.insert(author, (next, u32::MAX));
                } else if next < to {
                    self.wanted.insert(author, (next, to));
                }
                return Some(to_ops(stretch));
            }
        }
    }

    /// The other end wants a range. Only what we have is remembered; of our own operations it gets all
    /// that follow, too, so that those which are sent as they are made follow on something.
    pub(super) fn want(&mut self, range: Range, me: AuthorId, log: &impl LogSource) {
        let to = range.to.min(log.version().next(&range.author));
        if range.from < to {
            let to = if range.author == me { u32::MAX } else { to };
            self.wanted.insert(range.author, (range.from, to));
        }
    }
}
