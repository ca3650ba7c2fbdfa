//! What a link says next, most urgent first.

use std::time::Duration;

use super::Session;
use super::io::Output;
use super::limits::{
    HEADS_PERIOD, HISTORY_IN_FLIGHT_BYTES, OTHERS_PERIOD, PING_PERIOD, PRESENCE_PERIOD,
};
use super::link::{Link, Up};
use super::time::Time;
use crate::crdt::LogSource;
use crate::security::Access;
use crate::wire::{Fetch, Guesses, Members, Message, Ping, Pong, Welcome};

impl Session {
    /// Lets every link say what it has to say, as far as there is room.
    pub(super) fn pump(&mut self, now: Time, log: &impl LogSource) {
        let others = self.others_period();
        let mut links = std::mem::take(&mut self.links);
        for link in links.values_mut() {
            while let Some(output) = self.say_next(link, others, now, log) {
                self.outputs.push_back(output);
            }
        }
        self.links = links;
    }

    /// How far apart others' heads are told on a link.
    pub(super) fn others_period(&self) -> Duration {
        HEADS_PERIOD.max(OTHERS_PERIOD * self.links.len() as u32)
    }

    fn say_next(
        &self,
        link: &mut Link,
        others: Duration,
        now: Time,
        log: &impl LogSource,
    ) -> Option<Output> {
        let bulky = link.in_flight() < HISTORY_IN_FLIGHT_BYTES;
        let up = link.has_room().then(|| link.up_mut()).flatten()?;
        let message = self
            .next_message(up, others, now, log)
            .or_else(|| bulky.then(|| up.take_piece()).flatten())?;
        link.send(&message, now)
    }

    fn next_message(
        &self,
        up: &mut Up,
        others: Duration,
        now: Time,
        log: &impl LogSource,
    ) -> Option<Message> {
        if std::mem::take(&mut up.welcome)
            && let (Some(session), Some(properties)) = (self.session, &self.properties)
        {
            return Some(Message::Welcome(Welcome {
                session,
                properties: properties.clone(),
            }));
        }
        if let Some(time) = up.pong.take() {
            return Some(Message::Pong(Pong { time }));
        }
        if let Some((entries, told)) = self.roster.news_since(up.roster_told) {
            up.roster_told = told;
            return Some(Message::Members(Members { entries }));
        }
        if up.access_told < self.access_changes
            && let Some(access) = &self.access
        {
            up.access_told = self.access_changes;
            return Some(Message::Access(crate::wire::Access {
                stamp: self.access_stamp,
                code: match access {
                    Access::Open => None,
                    Access::Code(code) => Some(code.reveal().to_owned()),
                },
            }));
        }
        if up.guesses_told < self.watch.told() {
            up.guesses_told = self.watch.told();
            return Some(Message::Guesses(Guesses {
                wrong: up.guesses_told,
            }));
        }
        if let Some(ops) = up.take_own(self.me.author, &self.vouch, log) {
            return Some(Message::Ops(ops));
        }
        // After our operations, since a cursor may stick to one of them.
        if up.presence_told != self.presence.clock
            && is_due(up.presence_at.map(|at| at + PRESENCE_PERIOD), now)
        {
            up.presence_told = self.presence.clock;
            up.presence_at = Some(now);
            return Some(Message::Presence(self.presence));
        }
        if std::mem::take(&mut up.fetch_due) {
            return Some(Message::Fetch(Fetch {}));
        }
        if up.on_disk_told != self.on_disk_clock {
            up.on_disk_told = self.on_disk_clock;
            if let Some(saved) = self.ledger_entry() {
                return Some(Message::Saved(saved));
            }
        }
        if let Some(want) = up.take_want() {
            return Some(Message::Want(want));
        }
        if is_due(up.heads_at.map(|at| at + HEADS_PERIOD), now)
            && let Some(heads) = up.take_heads(&self.vouch, now, others, log)
        {
            return Some(Message::Heads(heads));
        }
        if let Some(fork) = up.take_fork(&self.vouch, log) {
            return Some(Message::Fork(fork));
        }
        if let Some(proof) = up.take_proof(self.proofs.present(), log.version()) {
            return Some(proof);
        }
        if let Some(ops) = up.take_wanted(self.me.author, &self.vouch, log) {
            return Some(Message::Ops(ops));
        }
        if is_due(up.pinged.map(|at| at + PING_PERIOD), now) {
            up.pinged = Some(now);
            up.compared = 0;
            return Some(Message::Ping(Ping {
                time: now.0,
                digest: self.vouch.digest_of_news(),
            }));
        }
        None
    }
}

/// Whether a moment has come; one that was never set has.
fn is_due(at: Option<Time>, now: Time) -> bool {
    at.is_none_or(|at| at <= now)
}
