//! Wrong codes: counted, slowed down, told. The door is never locked.
//!
//! Each attempt tries one code, and it is answered when its turn comes. While there have been no
//! more than [`FREE_GUESSES`] wrong codes of late, that is at once. After that answers are apart, at
//! last by [`GUESS_PAUSE_MOST`], for all who ask together: many connections and addresses try no
//! more codes than one. Of those who wait, who comes from where fewest wrong codes came from is answered first. So
//! one who has the code waits for one answer, not for all that are under way.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Session;
use super::io::{Event, LinkId};
use super::limits::{
    FREE_GUESSES, GUESS_MEMORY, GUESS_PAUSE_FIRST, GUESS_PAUSE_MOST, GUESSES_TOLD, MAX_ACCESS_STEP,
    MAX_GUESSING_PLACES, MAX_STRANGER_WARNINGS, MAX_STRANGERS, MAX_STRANGERS_PER_PLACE,
};
use super::link::{Fault, Link, Phase, Purpose};
use super::time::Time;
use crate::crdt::AuthorId;
use crate::security::{Access, Code, Grant, MemberKeys, author_id};
use crate::wire::limits::MAX_REVISION;
use crate::wire::{self, MemberEntry, SessionId};

/// See the module.
#[derive(Default, Debug)]
pub(super) struct Watch {
    /// Wrong codes of late, by where they came from.
    places: BTreeMap<Place, u32>,
    /// All of them.
    recent: u32,
    last: Option<Time>,
    /// When the next answer may be given.
    next: Time,
    /// All since we were started.
    wrong: u32,
    /// How many of those people have been told of, and when they may be told of more.
    told: u32,
    tell_at: Time,
    /// Warnings of strangers since then, and until when they are counted together.
    warnings: u32,
    warnings_until: Time,
}

/// Where a connection comes from: an IPv4 address, or a network of IPv6 as one person has it.
pub(super) type Place = [u8; 8];

/// The place of an address.
pub(super) fn place(ip: IpAddr) -> Place {
    let mut place = [0; 8];
    match ip.to_canonical() {
        IpAddr::V4(ip) => place[4..].copy_from_slice(&ip.octets()),
        IpAddr::V6(ip) => place.copy_from_slice(&ip.octets()[..8]),
    }
    place
}

impl Watch {
    /// When the next answer may be given.
    pub(super) const fn next(&self) -> Time {
        self.next
    }

    /// How late somebody from `place` comes in the order of answers.
    pub(super) fn rank(&self, place: &Place) -> u32 {
        self.places.get(place).copied().unwrap_or(0)
    }

    /// An answer is given now.
    pub(super) fn answered(&mut self, now: Time) {
        if self.last.is_some_and(|last| now - last >= GUESS_MEMORY) {
            self.places.clear();
            self.recent = 0;
        }
        if let Some(over) = self.recent.checked_sub(FREE_GUESSES) {
            let pause = (GUESS_PAUSE_FIRST * (1 << over.min(16))).min(GUESS_PAUSE_MOST);
            self.next = now + pause;
        }
    }

    /// A wrong code came from `place`.
    pub(super) fn wrong(&mut self, place: Place, now: Time) {
        self.wrong = self.wrong.saturating_add(1);
        self.recent = self.recent.saturating_add(1);
        self.last = Some(now);
        if self.places.len() < MAX_GUESSING_PLACES || self.places.contains_key(&place) {
            let count = self.places.entry(place).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// A stranger gives cause for a warning. `Some` if that is to be given, with how many were not.
    fn warns(&mut self, now: Time) -> Option<u32> {
        let mut left_out = 0;
        if now >= self.warnings_until {
            left_out = self.warnings.saturating_sub(MAX_STRANGER_WARNINGS);
            self.warnings = 0;
            self.warnings_until = now + GUESSES_TOLD;
        }
        self.warnings = self.warnings.saturating_add(1);
        (self.warnings <= MAX_STRANGER_WARNINGS).then_some(left_out)
    }

    /// How many wrong codes people have been told of, since we were started.
    pub(super) const fn told(&self) -> u32 {
        self.told
    }

    /// When somebody is to be told of wrong codes.
    pub(super) fn tell_at(&self) -> Option<Time> {
        (self.wrong > self.told).then_some(self.tell_at)
    }

    /// How many wrong codes somebody is to be told of now.
    pub(super) fn take_told(&mut self, now: Time) -> Option<u32> {
        self.tell_at().filter(|at| *at <= now)?;
        self.tell_at = now + GUESSES_TOLD;
        let before = std::mem::replace(&mut self.told, self.wrong);
        Some(self.wrong - before)
    }
}

impl Session {
    /// Answers those who want to know whether their code is right, as fast as that is done.
    pub(super) fn answer_guesses(&mut self, now: Time) {
        while now >= self.watch.next() {
            let guessing = self.links.values().filter(|link| link.is_guessing());
            let first = guessing.min_by_key(|link| (self.rank(link), link.id));
            let Some(id) = first.map(|link| link.id) else {
                return;
            };
            self.watch.answered(now);
            if let Some(answer) = self.links.get_mut(&id).and_then(Link::take_held) {
                self.transmit(id, answer, now);
            }
        }
    }

    fn rank(&self, link: &Link) -> u32 {
        link.addr
            .map_or(0, |addr| self.watch.rank(&place(addr.ip())))
    }

    /// When somebody is to be answered.
    pub(super) fn guess_due(&self) -> Option<Time> {
        let waits = self.links.values().any(Link::is_guessing);
        waits.then_some(self.watch.next())
    }

    /// A code turned out to be wrong.
    pub(super) fn wrong_code(&mut self, id: LinkId, now: Time) {
        if let Some(addr) = self.links.get(&id).and_then(|link| link.addr) {
            self.watch.wrong(place(addr.ip()), now);
        }
    }

    /// Tells people of wrong codes that were tried here.
    pub(super) fn tell_of_guesses(&mut self, now: Time) {
        let text = match self.watch.take_told(now) {
            None => return,
            Some(1) => "somebody tried to come in with a wrong session code".to_owned(),
            Some(count) => format!("{count} wrong session codes were tried by somebody outside"),
        };
        self.event(Event::Notice(text));
    }

    /// Something for the log about one who has not said who it is; not as often as such people like.
    pub(super) fn warn_of_stranger(&mut self, mut text: String, now: Time) {
        if let Some(left_out) = self.watch.warns(now) {
            if left_out > 0 {
                text += &format!("; {left_out} warnings like this were left out before");
            }
            self.event(Event::Warning(text));
        }
    }

    /// Another member tells of wrong codes that were tried there. What comes sooner than it is told is not
    /// passed on to people.
    pub(super) fn guesses_told(&mut self, id: LinkId, wrong: u32, now: Time) {
        let up = self.links.get_mut(&id).and_then(Link::up_mut);
        if let Some(up) = up.filter(|up| up.guesses_heard.is_none_or(|at| at <= now)) {
            up.guesses_heard = Some(now + GUESSES_TOLD / 2);
            let name = self.roster.display_name(&up.member);
            let text =
                format!("wrong session codes were tried at {name}, {wrong} since it was started");
            self.event(Event::Notice(text));
        }
    }

    /// Before one more stranger is let to the door, another one goes if there are too many.
    pub(super) fn make_room_for(&mut self, ip: IpAddr, now: Time) {
        let here = place(ip);
        // In the order in which they came.
        let strangers: Vec<(LinkId, Place)> = self
            .links
            .values()
            .filter(|link| link.purpose == Purpose::Accepted && link.up().is_none())
            .filter_map(|link| Some((link.id, place(link.addr?.ip()))))
            .collect();
        let from = |there: &Place| strangers.iter().filter(|(_, it)| it == there).count();
        let crowd = if !ip.to_canonical().is_loopback() && from(&here) >= MAX_STRANGERS_PER_PLACE {
            Some(here)
        } else if strangers.len() >= MAX_STRANGERS {
            let places = strangers.iter().map(|(_, there)| *there);
            places.max_by_key(|there| from(there))
        } else {
            None
        };
        if let Some((oldest, _)) = strangers.iter().find(|(_, there)| Some(*there) == crowd) {
            self.close(*oldest, None, now);
        }
    }

    /// A newcomer has been let in: it knows the session now, and under which name it writes there.
    pub(super) fn granted(&mut self, grant: Grant) {
        let author = author_id(&self.crypto.author(), &grant.session);
        self.me.author = AuthorId(author);
        self.roster.rename_author(self.me.author);
        self.grant = Some(grant);
    }

    /// Signs our own entry if it has changed, as soon as the session is known.
    pub(super) fn sign_entry(&mut self) {
        if let Some(grant) = &self.grant {
            let session = SessionId(grant.session);
            let crypto = &self.crypto;
            self.roster
                .sign(|me| crypto.sign_as_member(&me.signed_bytes(&session)));
        }
    }

    /// Whether the member whom an entry describes made it.
    pub(super) fn check_entry(&self, entry: &MemberEntry) -> Result<(), Fault> {
        let keys = MemberKeys {
            link: entry.link_key,
            signing: entry.signing_key,
        };
        let Some(grant) = &self.grant else {
            return Err(Fault::OutOfRole("it did not say which session this is"));
        };
        let bytes = entry.signed_bytes(&SessionId(grant.session));
        let signed = self.crypto.verify(&keys.signing, &bytes, &entry.signature);
        if keys.id() == entry.member.0 && signed {
            Ok(())
        } else {
            Err(Fault::OutOfRole("it brings what a member never said"))
        }
    }

    /// The user wants a new code.
    pub(super) fn new_code(&mut self, now: Time) {
        if self.session.is_some() {
            let access = Access::Code(self.crypto.make_code());
            let stamp = (self.access_stamp + 1).min(MAX_REVISION - 1);
            self.take_access(access, stamp, None, now);
        }
    }

    /// From now on others may come in than before. Who is at the door with what held until now has to knock
    /// again.
    fn take_access(&mut self, access: Access, stamp: u64, by: Option<String>, now: Time) {
        let at_the_door = self.links.values().filter(|link| {
            link.purpose == Purpose::Accepted && matches!(link.phase, Phase::Handshake(..))
        });
        let ids: Vec<LinkId> = at_the_door.map(|link| link.id).collect();
        for id in ids {
            self.close(id, None, now);
        }
        self.access = Some(access);
        self.access_stamp = stamp;
        self.access_changes += 1;
        self.event(Event::AccessChanged { by });
    }

    /// Another member tells who may come in.
    pub(super) fn access_told(
        &mut self,
        id: LinkId,
        told: wire::Access,
        now: Time,
    ) -> Result<(), Fault> {
        if told.stamp > self.access_stamp + MAX_ACCESS_STEP {
            return Err(Fault::OutOfRole("it skips stamps of who may come in"));
        }
        let access = match &told.code {
            None => Access::Open,
            Some(code) => Access::Code(
                Code::new(code)
                    .map_err(|_error| Fault::OutOfRole("it tells a code that is none"))?,
            ),
        };
        let known = match &self.access {
            Some(Access::Code(code)) => Some(code.reveal()),
            _ => None,
        };
        let is_news = (told.stamp, told.code.as_deref()) > (self.access_stamp, known);
        let Some(up) = self
            .links
            .get_mut(&id)
            .and_then(Link::up_mut)
            .filter(|_| is_news)
        else {
            return Ok(());
        };
        up.access_told = self.access_changes + 1;
        let name = self.roster.display_name(&up.member);
        self.take_access(access, told.stamp, Some(name), now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn answers_come_ever_more_slowly_and_never_not_at_all() {
        let mut watch = Watch::default();
        let mut now = Time(0);
        for round in 0..1000 {
            now = now.max(watch.next());
            watch.answered(now);
            watch.wrong(place([10, 0, 0, round as u8].into()), now);
            assert!(watch.next() <= now + GUESS_PAUSE_MOST);
        }
        let fastest = GUESS_PAUSE_MOST * (1000 - FREE_GUESSES - 8);
        assert!(now >= Time(0) + fastest, "{now:?}");
        let quiet = now + GUESS_MEMORY;
        watch.answered(quiet);
        assert!(watch.next() <= quiet, "long ago is forgotten");
    }

    #[test]
    fn who_guessed_less_is_answered_first_and_places_are_networks() {
        let mut watch = Watch::default();
        let guesser = place("2001:db8::1".parse().unwrap());
        watch.wrong(guesser, Time(0));
        assert_eq!(guesser, place("2001:db8::2".parse().unwrap()));
        assert!(watch.rank(&guesser) > watch.rank(&place([10, 0, 0, 1].into())));
        assert_ne!(place([10, 0, 0, 1].into()), place([10, 0, 0, 2].into()));
        assert_eq!(
            place([10, 0, 0, 1].into()),
            place("::ffff:10.0.0.1".parse().unwrap())
        );
    }

    #[test]
    fn strangers_fill_no_log() {
        let mut watch = Watch::default();
        let given = (0..10_000).filter(|_| watch.warns(Time(5)).is_some());
        assert_eq!(given.count(), MAX_STRANGER_WARNINGS as usize);
        let later = Time(5) + GUESSES_TOLD;
        assert_eq!(watch.warns(later), Some(10_000 - MAX_STRANGER_WARNINGS));
        assert_eq!(watch.warns(later), Some(0));
    }

    #[test]
    fn many_places_cost_bounded_memory() {
        let mut watch = Watch::default();
        for n in 0..10_000u32 {
            watch.wrong(place(n.to_be_bytes().into()), Time(0));
        }
        assert_eq!(watch.places.len(), MAX_GUESSING_PLACES);
        assert_eq!(watch.wrong, 10_000);
    }

    #[test]
    fn people_are_told_at_once_and_then_of_many_together() {
        let mut watch = Watch::default();
        let here = place([10, 0, 0, 1].into());
        assert_eq!(watch.take_told(Time(0)), None);
        watch.wrong(here, Time(0));
        assert_eq!(watch.take_told(Time(0)), Some(1));
        watch.wrong(here, Time(1));
        watch.wrong(here, Time(2));
        assert_eq!(watch.take_told(Time(2)), None);
        assert_eq!(watch.tell_at(), Some(Time(0) + GUESSES_TOLD));
        assert_eq!(watch.take_told(Time(0) + GUESSES_TOLD), Some(2));
        assert_eq!(watch.tell_at(), None);
        assert!(GUESSES_TOLD > Duration::ZERO);
    }
}
