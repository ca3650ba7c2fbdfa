//! What each message of a member brings about.

use super::Session;
use super::io::{Event, LinkId, Output, Verdict};
use super::limits::{MAX_COMPARISONS, MAX_REMOTE_AUTHORS};
use super::link::{Fault, Phase};
use super::membership::Merge;
use super::time::Time;
use super::vouch::Checked;
use crate::crdt::{AuthorId, LogSource, Version};
use crate::wire::{Fork, Head, Heads, MemberEntry, Message, Ops, Presence, Want, Welcome};

impl Session {
    /// A message came. An error closes the link.
    pub(super) fn hear(
        &mut self,
        id: LinkId,
        message: Message,
        now: Time,
        log: &impl LogSource,
    ) -> Result<(), Fault> {
        let named = self
            .links
            .get(&id)
            .is_some_and(|link| !matches!(link.phase, Phase::Nameless(..)));
        match message {
            Message::Bye(bye) => self.bye(id, bye.reason, now),
            Message::Hello(hello) if !named => self.hello(id, hello, now, log)?,
            Message::Hello(_) => return Err(Fault::OutOfRole("it introduced itself twice")),
            _ if !named => return Err(Fault::OutOfRole("it did not say who it is")),
            Message::Welcome(welcome) => self.welcomed(id, welcome)?,
            _ if self.session.is_none() => {
                return Err(Fault::OutOfRole("it did not say which session this is"));
            }
            Message::Members(members) => {
                for entry in &members.entries {
                    self.learn(entry, now, log)?;
                }
            }
            Message::Heads(heads) => self.heads(id, heads, now, log)?,
            Message::Want(want) => self.want(id, &want, log),
            Message::Ops(ops) => self.ops(id, ops, now, log)?,
            Message::Fork(fork) => self.fork(id, &fork, log)?,
            Message::Fetch(_) => self.serve(id, log),
            Message::History(piece) => self.piece(id, piece, now, log)?,
            Message::Proof(proof) => self.proof(id, proof, now),
            Message::Presence(presence) => self.presence(id, presence, now)?,
            Message::Access(access) => self.access_told(id, access, now)?,
            Message::Guesses(guesses) => self.guesses_told(id, guesses.wrong, now),
            Message::Saved(saved) => self.hear_saved(id, &saved),
            Message::Ping(ping) => {
                if let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut()) {
                    up.pong = Some(ping.time);
                }
                if ping.digest != self.vouch.digest_of_news() {
                    self.heads_differ(id);
                }
            }
            Message::Pong(pong) => self.pong(id, pong.time, now),
        }
        Ok(())
    }

    /// Takes in an entry that came on a link.
    pub(super) fn learn(
        &mut self,
        entry: &MemberEntry,
        now: Time,
        log: &impl LogSource,
    ) -> Result<(), Fault> {
        if self.roster.is_news(entry) {
            self.check_entry(entry)?;
        }
        let merged = self.roster.merge(entry);
        // Whether one who left is still away is known once another says so.
        let unheard = self.unheard.remove(&entry.member);
        if unheard || matches!(merged, Merge::New | Merge::Changed) {
            self.meet(entry.member, now);
            // What these wrote may have been heard of before it could be checked.
            for author in self.roster.authors(&entry.member).to_vec() {
                self.review(author, true, now, log);
            }
        }
        Ok(())
    }

    fn welcomed(&mut self, id: LinkId, welcome: Welcome) -> Result<(), Fault> {
        let through = self.joining.as_ref().and_then(|joining| joining.link);
        if self.session.is_some() || through != Some(id) {
            return Err(Fault::OutOfRole("it welcomed one who is in a session"));
        }
        let Welcome {
            session,
            properties,
        } = welcome;
        if self.grant.as_ref().map(|grant| grant.session) != Some(session.0) {
            return Err(Fault::OutOfRole("it welcomed us into another session"));
        }
        self.session = Some(session);
        self.properties = Some(properties.clone());
        self.event(Event::Welcomed {
            session,
            properties,
        });
        Ok(())
    }

    fn heads(
        &mut self,
        id: LinkId,
        heads: Heads,
        now: Time,
        log: &impl LogSource,
    ) -> Result<(), Fault> {
        let own_next = log.version().next(&self.me.author);
        let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut()) else {
            return Ok(());
        };
        let theirs = up.theirs.get_or_insert_default();
        if heads.whole {
            *theirs = Version::new();
            // Our news differ: what they were shown may have been of batches that they did not have yet.
            up.forks_told.clear();
        }
        theirs.extend(heads.entries.iter().map(|head| (head.author, head.next)));
        let acked = theirs.next(&self.me.author);
        if theirs.len() > MAX_REMOTE_AUTHORS {
            return Err(Fault::OutOfRole("it names too many authors"));
        }
        if acked > own_next {
            return Err(Fault::OutOfRole(
                "it claims edits of ours that we never made",
            ));
        }
        let ours = self.roster.authors(&self.me.member).iter();
        let has = ours.map(|author| (*author, theirs.next(author))).collect();
        if let Some(peer) = self.peers.get_mut(&up.member) {
            peer.acked = has;
            peer.entered |= peer.entering.is_none_or(|least| acked >= least);
        }
        if heads.whole {
            self.consider_fetch(id, now, log);
        }
        for Head {
            author,
            next,
            chain,
        } in &heads.entries
        {
            let here = log.version().next(author);
            if *next <= here {
                self.compare_chains(id, *author, *next, chain, log);
            } else if heads.whole && log.is_frozen(author) {
                // They may have other batches than those for which it is: one behind here that is invalid, or
                // the last that is here.
                let at = here + u32::from(!self.vouch.has_forked(author));
                if let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut()) {
                    up.show(*author, at);
                }
            }
            self.review(*author, !heads.whole, now, log);
        }
        Ok(())
    }

    /// The first heads of the member we join through say what there is to fetch; if it is gone,
    /// those of any other. Joining ends once all that is here.
    pub(super) fn check_goal(&mut self, log: &impl LogSource) {
        let Some(joining) = &mut self.joining else {
            return;
        };
        if joining.goal.is_none() {
            let mut through = self
                .links
                .values()
                .filter(|link| joining.link.is_none_or(|id| id == link.id));
            joining.goal = through.find_map(|link| link.up()?.theirs.clone());
        }
        let goal = self
            .joining
            .as_ref()
            .and_then(|joining| joining.goal.as_ref());
        if goal.is_some_and(|goal| goal.iter().all(|entry| self.is_here(entry, log))) {
            self.joining = None;
            self.event(Event::Joined);
        }
    }

    /// Whether so many of an author's operations are here, or more are not to be had: it is frozen, or what is
    /// here of it waits, since another one is frozen here and it goes on from what others have of that.
    pub(super) fn is_here(&self, (author, next): (AuthorId, u32), log: &impl LogSource) -> bool {
        let here = log.version().next(&author);
        here >= next || log.is_frozen(&author) || self.is_stuck(&author, here, log)
    }

    /// See [`is_here`](Self::is_here).
    pub(super) fn is_stuck(&self, author: &AuthorId, here: u32, log: &impl LogSource) -> bool {
        log.waiting_at(author, here, &mut Vec::new()).is_some()
            && (log.any_frozen() || self.vouch.forked().next().is_some())
    }

    fn want(&mut self, id: LinkId, want: &Want, log: &impl LogSource) {
        let me = self.me.author;
        for range in &want.ranges {
            // What it has others for is of no use to it.
            if self.compare_chains(id, range.author, range.from, &range.chain, log)
                && let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut())
            {
                up.want(*range, me, log);
            }
        }
    }

    fn ops(&mut self, id: LinkId, ops: Ops, now: Time, log: &impl LogSource) -> Result<(), Fault> {
        let author = ops.author;
        let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut()) else {
            return Ok(());
        };
        if log.is_frozen(&author) || self.vouch.has_forked(&author) {
            return Ok(());
        }
        let Some(key) = self.roster.key_of(&author) else {
            return Err(Fault::OutOfRole(
                "it brings edits of an author that nobody is",
            ));
        };
        let own = up.author == author;
        let seq = ops.seq;
        let widths = ops.batches.iter().map(|batch| batch.width);
        let end = widths.fold(seq, u32::saturating_add);
        let checked = self.vouch.check(ops, key, self.crypto.as_ref(), log)?;
        let gap = matches!(checked, Checked::Gap);
        if let Some(theirs) = &mut up.theirs
            && (gap || own && theirs.next(&author) >= seq)
        {
            // Who sends something has it, and does not say so again.
            theirs.advance(author, end);
        }
        if gap {
            // It was written while what comes before is on its way, or not yet asked for.
            self.chases.hurry(&author);
            self.review(author, false, now, log);
            return Ok(());
        }
        self.chases.progressed(author, id, own, now);
        match checked {
            Checked::New(batches) => self.outputs.push_back(Output::Merge { link: id, batches }),
            Checked::Forked(at) => self.found_out(author, at),
            Checked::Known | Checked::Gap => {}
        }
        Ok(())
    }

    /// Whether the other end's log of an author, which holds `next` operations or more, is ours up to
    /// there as far as we can tell. If not, it is shown what we have, once.
    fn compare_chains(
        &mut self,
        id: LinkId,
        author: AuthorId,
        next: u32,
        theirs: &[u8; 16],
        log: &impl LogSource,
    ) -> bool {
        let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut()) else {
            return false;
        };
        if next > log.version().next(&author) {
            return true;
        }
        if !self.vouch.is_at_hand(&author, next) {
            up.compared += 1;
            if up.compared > MAX_COMPARISONS {
                return true;
            }
        }
        let ours = self.vouch.chain_at(&author, next, log);
        let same = ours.is_some_and(|ours| ours.short() == *theirs);
        if !same {
            up.show(author, next);
        }
        same
    }

    /// The other end shows what it has of an author for which we seem to have something else.
    fn fork(&mut self, id: LinkId, fork: &Fork, log: &impl LogSource) -> Result<(), Fault> {
        let author = fork.author;
        if self.links.get(&id).is_none_or(|link| link.up().is_none()) {
            return Ok(());
        }
        let Some(key) = self.roster.key_of(&author) else {
            return Err(Fault::OutOfRole(
                "it brings edits of an author that nobody is",
            ));
        };
        let found = self
            .vouch
            .contradiction(fork, key, self.crypto.as_ref(), log)?;
        if let Some(at) = found {
            self.found_out(author, at);
        }
        Ok(())
    }

    /// An author has signed other batches than those that are here, from `at` on.
    fn found_out(&mut self, author: AuthorId, at: u32) {
        if self.vouch.is_forked(author) {
            self.outputs.push_back(Output::Forked { author });
        }
        // Whoever has the other batches is to know, too.
        for up in self.links.values_mut().filter_map(|link| link.up_mut()) {
            up.show(author, at);
        }
    }

    /// What came of batches that were to be merged.
    pub(super) fn merged(
        &mut self,
        id: LinkId,
        author: AuthorId,
        verdict: Verdict,
        now: Time,
        log: &impl LogSource,
    ) {
        match verdict {
            Verdict::Applied => self.heads_changed(now),
            // What came before it may be good. It is signed: the fault is its author's, not that of one who
            // passed it on; unless it goes on from a batch for which there is another one here.
            Verdict::Rejected(why) => {
                self.heads_changed(now);
                let up = self.links.get(&id).and_then(|link| link.up());
                let forks = self.vouch.forked().next().is_some();
                if !forks && up.is_some_and(|up| up.author == author) {
                    self.fail(id, &Fault::BadBatch(why), now);
                }
            }
            Verdict::Full => self.fail(id, &Fault::Full, now),
            Verdict::Duplicate | Verdict::Parked | Verdict::Frozen => {}
        }
        self.review(author, true, now, log);
    }

    fn presence(&mut self, id: LinkId, presence: Presence, now: Time) -> Result<(), Fault> {
        let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut()) else {
            return Ok(());
        };
        if !up.count_presence(now) {
            return Err(Fault::OutOfRole("its cursor moves too often"));
        }
        let member = up.member;
        let Some(peer) = self.peers.get_mut(&member) else {
            return Ok(());
        };
        if peer
            .presence
            .is_none_or(|known| known.clock < presence.clock)
        {
            let known = peer.presence.replace(presence);
            self.event(Event::PresenceChanged { member });
            if known.is_some_and(|known| known.calls != presence.calls) {
                self.event(Event::AskedToLook { member });
            }
        }
        Ok(())
    }

    fn pong(&mut self, id: LinkId, time: u64, now: Time) {
        let Some(up) = self.links.get(&id).and_then(|link| link.up()) else {
            return;
        };
        let (member, pinged) = (up.member, up.pinged);
        if pinged == Some(Time(time))
            && let Some(peer) = self.peers.get_mut(&member)
        {
            peer.delay = Some(now - Time(time));
        }
    }
}
