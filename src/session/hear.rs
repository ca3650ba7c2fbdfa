//! What each message of a member brings about.

use super::Session;
use super::io::{Event, LinkId, Output, Verdict};
use super::limits::MAX_REMOTE_AUTHORS;
use super::link::{Fault, Phase};
use super::time::Time;
use crate::crdt::{AuthorId, LogSource, Version};
use crate::wire::{Heads, Message, Ops, Presence, Want, Welcome};

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
                    self.learn(entry, now)?;
                }
            }
            Message::Heads(heads) => self.heads(id, heads, now, log)?,
            Message::Want(want) => self.want(id, &want, log),
            Message::Ops(ops) => self.ops(id, ops, now),
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
                if ping.digest != log.version().digest() {
                    self.heads_differ(id);
                }
            }
            Message::Pong(pong) => self.pong(id, pong.time, now),
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
        }
        theirs.extend(heads.entries.iter().copied());
        let acked = theirs.next(&self.me.author);
        if theirs.len() > MAX_REMOTE_AUTHORS {
            return Err(Fault::OutOfRole("it names too many authors"));
        }
        if acked > own_next {
            return Err(Fault::OutOfRole(
                "it claims edits of ours that we never made",
            ));
        }
        let ours = self.roster.me().authors.iter();
        let has = ours.map(|author| (*author, theirs.next(author))).collect();
        if let Some(peer) = self.peers.get_mut(&up.member) {
            peer.acked = has;
            peer.entered |= peer.entering.is_none_or(|least| acked >= least);
        }
        if heads.whole {
            self.consider_fetch(id, now, log);
        }
        for (author, _) in &heads.entries {
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
        let is_here = |(author, next): (AuthorId, u32)| {
            log.version().next(&author) >= next || log.is_frozen(&author)
        };
        if joining
            .goal
            .as_ref()
            .is_some_and(|goal| goal.iter().all(is_here))
        {
            self.joining = None;
            self.event(Event::Joined);
        }
    }

    fn want(&mut self, id: LinkId, want: &Want, log: &impl LogSource) {
        if let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut()) {
            for range in &want.ranges {
                up.want(*range, log);
            }
        }
    }

    fn ops(&mut self, id: LinkId, ops: Ops, now: Time) {
        let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut()) else {
            return;
        };
        let own = up.author == ops.author;
        if let Some(theirs) = up.theirs.as_mut().filter(|_| own) {
            // Who sends something has it, and does not say so again.
            let widths = ops.batches.iter().map(|batch| batch.width);
            let end = widths.fold(ops.seq, u32::saturating_add);
            if theirs.next(&ops.author) >= ops.seq {
                theirs.advance(ops.author, end);
            }
        }
        self.chases.progressed(ops.author, id, own, now);
        self.outputs.push_back(Output::Merge {
            link: id,
            author: ops.author,
            seq: ops.seq,
            batches: ops.batches,
        });
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
            Verdict::Rejected(why) => {
                // What came before it may be good.
                self.heads_changed(now);
                self.fail(id, &Fault::BadBatch(why), now);
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
