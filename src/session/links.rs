//! How links come about and end: dialling, accepting, introducing, closing, leaving.

use std::net::SocketAddr;

use super::io::{Command, Event, LinkId, MemberState, Output, Refused, Target};
use super::limits::{ENTERING, MAX_DIALS, MAX_LINKS, MAX_MEMBERS};
use super::link::{Fault, Incoming, Link, Phase, Purpose, Up};
use super::membership::ids;
use super::reconnect::Redial;
use super::time::Time;
use super::{Joining, Peer, Session};
use crate::crdt::{AuthorId, LogSource};
use crate::security::{Access, Door, Knock, Refusal};
use crate::wire::{self, Bye, Hello, MemberId, Members, Message, Reason, SessionId};

impl Session {
    /// Whether a member said goodbye, so that it is not dialled.
    pub(super) fn is_gone(&self, member: &MemberId) -> bool {
        let left = self.roster.entry(member).is_none_or(|entry| entry.left);
        left && !self.unheard.contains(member)
    }

    /// A member is known: it is to be dialled unless it left.
    pub(super) fn meet(&mut self, member: MemberId, now: Time) {
        if member == self.me.member {
            return;
        }
        let first = self.me.member < member;
        let rng = &mut self.rng;
        self.peers.entry(member).or_insert_with(|| Peer {
            link: None,
            dialling: None,
            redial: Redial::new(now, first, rng),
            since: now,
            presence: None,
            on_disk: None,
            author: None,
            acked: Vec::new(),
            entering: None,
            entered: false,
            trouble: None,
            alarmed: None,
            delay: None,
            shown: None,
        });
        let gone = self.is_gone(&member);
        let name = self.roster.display_name(&member);
        let Some(peer) = self.peers.get_mut(&member) else {
            return;
        };
        if gone && peer.shown.is_none() && peer.link.is_none() {
            // Who left before we came is no news.
            peer.redial.stop();
            peer.shown = Some((MemberState::Left, name));
            return;
        }
        if gone {
            peer.redial.stop();
        } else if peer.link.is_none() && peer.dialling.is_none() && peer.redial.at().is_none() {
            peer.redial.hurry(now);
        }
        // Someone just met is first tried to be reached.
        if gone || peer.shown.is_some() {
            self.show(member);
        }
    }

    /// Tells the user what has changed about a member.
    pub(super) fn show(&mut self, member: MemberId) {
        let (state, name) = (self.state(&member), self.roster.display_name(&member));
        if self.left {
            return;
        }
        let Some(peer) = self.peers.get_mut(&member) else {
            return;
        };
        let shown = Some((state, name.clone()));
        if peer.shown != shown {
            peer.shown = shown;
            self.event(Event::MemberChanged {
                member,
                name,
                state,
            });
        }
    }

    pub(super) fn join(&mut self, target: String, access: Option<Access>, now: Time) {
        if let Some(link) = self.joining.take().and_then(|joining| joining.link) {
            self.close(link, None, now);
        }
        let access = access.or_else(|| self.access.clone());
        let link = self.dial(Purpose::Join, Target::Given(target), now);
        self.joining = Some(Joining {
            access,
            link: Some(link),
            goal: None,
        });
    }

    fn dial(&mut self, purpose: Purpose, target: Target, now: Time) -> LinkId {
        let id = LinkId::Dialled(self.next_link);
        self.next_link += 1;
        self.links
            .insert(id, Link::dialled(id, purpose, target.clone(), now));
        self.outputs
            .push_back(Output::Net(Command::Dial { link: id, target }));
        id
    }

    /// How many more members may be dialled now.
    pub(super) fn dials_left(&self) -> usize {
        let dials = self
            .links
            .values()
            .filter(|link| matches!(link.purpose, Purpose::Member(_)) && link.up().is_none());
        MAX_DIALS.saturating_sub(dials.count())
    }

    /// Dials the members whose time has come: first those to whom there was a link once, whom nobody has
    /// made up, then who has waited longest.
    pub(super) fn dial_due(&mut self, now: Time) {
        if !self.is_inside() {
            return;
        }
        let mut due: Vec<(bool, Time, MemberId)> = self
            .peers
            .iter()
            .filter_map(|(member, peer)| {
                let at = peer.redial.at().filter(|at| *at <= now)?;
                let met = peer.entered || peer.entering.is_some();
                Some((!met, at, *member))
            })
            .collect();
        due.sort_unstable();
        due.truncate(self.dials_left());
        for (_, _, member) in due {
            let addrs = self.addrs(&member);
            let Some(peer) = self.peers.get_mut(&member) else {
                continue;
            };
            if let Some(addr) = peer.redial.dial(&addrs) {
                let link = self.dial(Purpose::Member(member), Target::Known(addr), now);
                if let Some(peer) = self.peers.get_mut(&member) {
                    peer.dialling = Some(link);
                }
            } else {
                self.show(member);
            }
        }
    }

    /// Where a member may be reached.
    fn addrs(&self, member: &MemberId) -> Vec<SocketAddr> {
        let listed = self
            .roster
            .entry(member)
            .map_or(&[][..], |entry| &entry.addrs);
        let is_way =
            |addr: &&SocketAddr| super::membership::is_usable(addr) && !self.selves.contains(addr);
        listed.iter().filter(is_way).copied().collect()
    }

    pub(super) fn dialled(
        &mut self,
        id: LinkId,
        addr: SocketAddr,
        now: Time,
        log: &impl LogSource,
    ) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let knock = match (&self.grant, &self.joining) {
            (Some(grant), _) if self.session.is_some() => Knock::Member(grant.clone()),
            (_, Some(joining)) => Knock::Newcomer(joining.access.clone()),
            (_, None) => Knock::Newcomer(None),
        };
        let channel = self.crypto.dialler(wire::VERSION, knock);
        link.addr = Some(addr);
        link.heard = now;
        link.phase = Phase::Handshake(channel, now);
        self.received(id, &[], now, log);
    }

    pub(super) fn dial_failed(&mut self, id: LinkId, why: String, now: Time) {
        let Some(link) = self.links.get(&id) else {
            return;
        };
        let target = link.target.to_string();
        match link.purpose {
            Purpose::Join => {
                self.forget(id, now);
                self.refuse(Refused::Unreachable { target, why });
            }
            Purpose::Member(member) => {
                if let Some(peer) = self.peers.get_mut(&member) {
                    peer.trouble = Some(format!("{target}: {why}"));
                }
                self.forget(id, now);
            }
            Purpose::Accepted => {}
        }
    }

    pub(super) fn accepted(
        &mut self,
        id: LinkId,
        from: SocketAddr,
        now: Time,
        log: &impl LogSource,
    ) {
        let (Some(access), Some(grant), Some(_)) =
            (self.access.clone(), self.grant.clone(), self.session)
        else {
            self.outputs
                .push_back(Output::Net(Command::Close { link: id }));
            return;
        };
        self.make_room_for(from.ip(), now);
        let channel = self.crypto.acceptor(wire::VERSION, Door { access, grant });
        let mut link = Link::dialled(id, Purpose::Accepted, Target::Known(from), now);
        link.addr = Some(from);
        link.phase = Phase::Handshake(channel, now);
        self.links.insert(id, link);
        self.received(id, &[], now, log);
    }

    /// Bytes came on a link, or a connection has just come to stand.
    pub(super) fn received(&mut self, id: LinkId, bytes: &[u8], now: Time, log: &impl LogSource) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        link.heard = now;
        link.inbox.extend(bytes);
        while let Some(link) = self.links.get_mut(&id) {
            let came = match link.next_incoming(now) {
                Ok(None) => return,
                Ok(Some(came)) => self.incoming(id, came, now, log),
                Err(fault) => Err(fault),
            };
            if let Err(fault) = came {
                self.fail(id, &fault, now);
            }
        }
    }

    fn incoming(
        &mut self,
        id: LinkId,
        came: Incoming,
        now: Time,
        log: &impl LogSource,
    ) -> Result<(), Fault> {
        match came {
            Incoming::Send(bytes) => self.transmit(id, bytes, now),
            Incoming::Guess => self.answer_guesses(now),
            Incoming::Open(bytes, peer) => {
                self.transmit(id, bytes, now);
                if let Some(grant) = peer.granted.filter(|_| self.session.is_none()) {
                    self.granted(grant);
                }
                self.greet(id, now);
            }
            Incoming::Refused(bytes, refusal) => {
                self.transmit(id, bytes, now);
                self.turned_away(id, refusal, now);
            }
            Incoming::Message(message) => self.hear(id, message, now, log)?,
        }
        Ok(())
    }

    pub(super) fn transmit(&mut self, id: LinkId, bytes: Vec<u8>, now: Time) {
        if let Some(link) = self.links.get_mut(&id).filter(|_| !bytes.is_empty()) {
            let output = link.transmit(bytes, now);
            self.outputs.push_back(output);
        }
    }

    fn send(&mut self, id: LinkId, message: &Message, now: Time) {
        let output = self
            .links
            .get_mut(&id)
            .and_then(|link| link.send(message, now));
        self.outputs.extend(output);
    }

    /// The channel stands: we say who we are.
    fn greet(&mut self, id: LinkId, now: Time) {
        self.sign_entry();
        let Some(link) = self.links.get(&id) else {
            return;
        };
        if link.purpose == Purpose::Join
            && self.session.is_none()
            && let Some(joining) = &self.joining
        {
            self.access.clone_from(&joining.access);
        }
        let Some(addr) = link.addr else { return };
        let me = self.roster.me().clone();
        let hello = Hello {
            session: self.session,
            me,
            you: addr.ip(),
        };
        self.send(id, &Message::Hello(hello), now);
    }

    fn turned_away(&mut self, id: LinkId, refusal: Refusal, now: Time) {
        let Some(link) = self.links.get(&id) else {
            return;
        };
        let (purpose, target) = (link.purpose, link.target.to_string());
        if purpose == Purpose::Accepted && refusal == Refusal::WrongCode {
            self.wrong_code(id, now);
        }
        self.close(id, None, now);
        match purpose {
            Purpose::Join if refusal == Refusal::OtherSession => {
                self.refuse(Refused::OtherSession { target });
            }
            Purpose::Join => self.refuse(Refused::AtTheDoor { target, refusal }),
            _ => self.warn_of_stranger(format!("{target}: {refusal}"), now),
        }
    }

    /// Whether this is the link we join through, and it has not let us in yet.
    fn is_entering(&self, id: LinkId) -> bool {
        self.joining
            .as_ref()
            .is_some_and(|joining| joining.link == Some(id))
            && (self.session.is_none()
                || self.links.get(&id).is_none_or(|link| link.up().is_none()))
    }

    /// Joining through a link has failed.
    fn refuse(&mut self, refused: Refused) {
        self.joining = None;
        self.event(Event::Refused(refused));
    }

    /// The other end says who it is.
    pub(super) fn hello(
        &mut self,
        id: LinkId,
        hello: Hello,
        now: Time,
        log: &impl LogSource,
    ) -> Result<(), Fault> {
        let Some(link) = self.links.get(&id) else {
            return Ok(());
        };
        let dialled = link.purpose != Purpose::Accepted;
        let member = hello.me.member;
        if link.key != Some(hello.me.link_key) {
            return Err(Fault::OutOfRole("it poses as another member"));
        }
        self.check_entry(&hello.me)?;
        let grant = self.grant.as_ref();
        let author = grant.and_then(|grant| ids(&hello.me, &SessionId(grant.session)).last());
        let author = author.ok_or(Fault::OutOfRole("it has no author"))?;
        if member == self.me.member {
            if author != self.me.author {
                let text = "another program takes part in the session as this same member";
                self.event(Event::Notice(text.to_owned()));
            }
            return Err(Fault::Turned("it is this program itself", Reason::Myself));
        }
        let newcomer = hello.session.is_none();
        if newcomer && (dialled || self.session.is_none()) {
            return Err(Fault::Turned(
                "it is not in a session yet",
                Reason::OtherSession,
            ));
        }
        if !newcomer && self.session.is_some() && hello.session != self.session {
            return Err(Fault::Turned(
                "it is in another session",
                Reason::OtherSession,
            ));
        }
        let old = self.peers.get(&member).and_then(|peer| peer.link);
        let up_links = self
            .links
            .values()
            .filter(|link| link.up().is_some())
            .count();
        if !self.roster.has_room_for(&member) || (old.is_none() && up_links >= MAX_LINKS) {
            return Err(Fault::Turned("there is no room for it", Reason::Full));
        }
        self.learn(&hello.me, now, log)?;
        self.roster.observe(hello.you);
        if let Some(old) = old
            && !self.is_better(id, author, old, member)
        {
            if let Some(joining) = self.joining.as_mut().filter(|j| j.link == Some(id)) {
                joining.link = Some(old);
            }
            return Err(Fault::Turned("there is a better link", Reason::Duplicate));
        }
        let mut up = Up::new(member, author, newcomer, now);
        up.pushed = log.version().next(&self.me.author);
        up.guesses_told = self.watch.told();
        let addr = self.links.get_mut(&id).and_then(|link| {
            link.named(up);
            link.addr.filter(|_| dialled)
        });
        self.connected(id, member, addr, now);
        if let Some(old) = old {
            self.close(old, Some(Reason::Duplicate), now);
        }
        if let Some(joining) = &mut self.joining
            && joining.link.is_none()
        {
            joining.link = Some(id);
        }
        self.show(member);
        Ok(())
    }

    /// A link leads to a member now, instead of any other.
    fn connected(&mut self, id: LinkId, member: MemberId, addr: Option<SocketAddr>, now: Time) {
        let Some(peer) = self.peers.get_mut(&member) else {
            return;
        };
        self.unheard.remove(&member);
        let author = self.links.get(&id).and_then(|link| Some(link.up()?.author));
        peer.linked(id, author, self.own_next, now);
        peer.redial.connected(addr);
        let Some(dialling) = peer.dialling else {
            return;
        };
        if dialling == id {
            peer.dialling = None;
        } else if matches!(
            self.links.get(&dialling).map(|l| &l.phase),
            Some(Phase::Dialling)
        ) {
            self.close(dialling, None, now);
        }
    }

    /// Which of two links to one member stays; both ends find the same. A member that was started
    /// anew ends the links of the old one; else the one that the smaller member id dialled stays;
    /// of two from the same dialler the newer one.
    fn is_better(&self, new: LinkId, author: AuthorId, old: LinkId, member: MemberId) -> bool {
        let old_author = self
            .links
            .get(&old)
            .and_then(|link| link.up())
            .map(|up| up.author);
        if old_author != Some(author) {
            return self.roster.authors(&member).last() == Some(&author);
        }
        let by_us = |id| matches!(id, LinkId::Dialled(_));
        by_us(new) == by_us(old) || by_us(new) == (self.me.member < member)
    }

    /// Closes a link because of what came on it, or did not come.
    pub(super) fn fail(&mut self, id: LinkId, fault: &Fault, now: Time) {
        let Some(link) = self.links.get(&id) else {
            return;
        };
        let target = link.target.to_string();
        let who = link.up().map(|up| up.member);
        let entering = self.is_entering(id);
        self.turn_down_address(id, fault.reason());
        self.close(id, Some(fault.reason()), now);
        if entering {
            self.refuse(match fault {
                Fault::Turned(_, Reason::Myself) => Refused::Myself { target },
                Fault::Turned(_, Reason::OtherSession) => Refused::OtherSession { target },
                _ => Refused::Broken {
                    target,
                    why: fault.to_string(),
                },
            });
        } else if !matches!(fault, Fault::Turned(_, Reason::Duplicate | Reason::Myself)) {
            let text = |who: &str| format!("link to {who} closed: {fault}");
            match who {
                Some(member) => {
                    let text = text(&self.roster.display_name(&member));
                    self.event(Event::Warning(text));
                }
                None => self.warn_of_stranger(text(&target), now),
            }
        }
    }

    /// An address that leads to ourselves is not dialled again.
    fn turn_down_address(&mut self, id: LinkId, reason: Reason) {
        if reason == Reason::Myself
            && let Some(link) = self
                .links
                .get(&id)
                .filter(|link| link.purpose != Purpose::Accepted)
            && let Some(addr) = link.addr
            && self.selves.len() < MAX_MEMBERS
        {
            self.selves.insert(addr);
        }
    }

    /// The other end says its last word.
    pub(super) fn bye(&mut self, id: LinkId, reason: Reason, now: Time) {
        let Some(link) = self.links.get(&id) else {
            return;
        };
        let target = link.target.to_string();
        let entering = self.is_entering(id);
        self.turn_down_address(id, reason);
        if reason == Reason::Duplicate
            && let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut())
        {
            up.replaced = true;
        }
        self.close(id, None, now);
        if entering && reason == Reason::Duplicate && self.session.is_some() {
            // There is another link to the same member: we join through that one.
            if let Some(joining) = &mut self.joining {
                joining.link = None;
            }
        } else if entering {
            self.refuse(match reason {
                Reason::Full => Refused::Full { target },
                Reason::Myself => Refused::Myself { target },
                Reason::OtherSession => Refused::OtherSession { target },
                _ => Refused::Broken {
                    target,
                    why: "it closed the connection".to_owned(),
                },
            });
        }
    }

    /// A connection has ended by itself.
    pub(super) fn closed(&mut self, id: LinkId, why: String, now: Time) {
        let Some(link) = self.links.get(&id) else {
            return;
        };
        let target = link.target.to_string();
        let entering = self.is_entering(id);
        self.forget(id, now);
        if entering {
            self.refuse(Refused::Broken { target, why });
        }
    }

    /// Closes a link, with a last word if there is one to be said.
    pub(super) fn close(&mut self, id: LinkId, word: Option<Reason>, now: Time) {
        if let Some(reason) = word {
            self.send(id, &Message::Bye(Bye { reason }), now);
        }
        if self.forget(id, now) {
            self.outputs
                .push_back(Output::Net(Command::Close { link: id }));
        }
    }

    /// A link is gone: what depended on it is put in order. Whether it was there.
    fn forget(&mut self, id: LinkId, now: Time) -> bool {
        let Some(link) = self.links.remove(&id) else {
            return false;
        };
        match (link.up(), link.purpose) {
            (Some(up), _) => {
                let (member, author, since) = (up.member, up.author, up.since);
                let replaced = up.replaced;
                self.chases.link_lost(id, author, now);
                self.link_lost(id, member, since, now);
                // Of one with another link, the other end says so before that one may be up here.
                if !replaced {
                    self.show(member);
                }
            }
            (None, Purpose::Member(member)) => self.dial_lost(id, member, now),
            (None, Purpose::Join | Purpose::Accepted) => {}
        }
        true
    }

    fn link_lost(&mut self, id: LinkId, member: MemberId, since: Time, now: Time) {
        if let Some(joining) = &mut self.joining
            && joining.link == Some(id)
        {
            joining.link = None;
            joining.goal = None;
        }
        let gone = self.is_gone(&member);
        let Some(peer) = self
            .peers
            .get_mut(&member)
            .filter(|peer| peer.link == Some(id))
        else {
            return;
        };
        peer.link = None;
        peer.since = now;
        peer.delay = None;
        if !gone && peer.dialling.is_none() {
            peer.redial.lost(now, now - since, &mut self.rng);
        }
        if peer.presence.take().is_some() {
            self.event(Event::PresenceChanged { member });
        }
    }

    fn dial_lost(&mut self, id: LinkId, member: MemberId, now: Time) {
        let count = self.addrs(&member).len();
        let gone = self.is_gone(&member);
        let Some(peer) = self
            .peers
            .get_mut(&member)
            .filter(|peer| peer.dialling == Some(id))
        else {
            return;
        };
        peer.dialling = None;
        if peer.link.is_none() && !gone {
            peer.redial
                .failed(now, count, now - peer.since, &mut self.rng);
        }
        // A newcomer turns others away until it knows which session it is in.
        if peer.shown.is_some() || now - peer.since >= ENTERING {
            self.show(member);
        }
    }

    /// Closes links on which nothing happens.
    pub(super) fn close_overdue(&mut self, now: Time) {
        let overdue: Vec<(LinkId, Fault)> = self
            .links
            .values()
            .filter_map(|link| Some((link.id, link.overdue(now)?)))
            .collect();
        for (id, fault) in overdue {
            self.fail(id, &fault, now);
        }
    }

    /// Says goodbye on all links, whatever is on its way there.
    pub(super) fn leave(&mut self, now: Time) {
        self.left = true;
        self.roster.leave();
        self.sign_entry();
        let farewell = Message::Members(Members {
            entries: vec![self.roster.me().clone()],
        });
        let ids: Vec<LinkId> = self.links.keys().copied().collect();
        for id in ids {
            if self.links.get(&id).is_some_and(|link| link.up().is_some()) {
                self.send(id, &farewell, now);
            }
            self.close(id, Some(Reason::Leaving), now);
        }
    }
}
