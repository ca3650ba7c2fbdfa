//! Proof of convergence: members whose heads are equal compare hashes of their texts.
//!
//! The session asks for a hash once the logs have been at rest for [`PROOF_CALM`] and some link's other
//! end has the same heads, so nothing is hashed while people type, and nothing twice. The hash goes to
//! every link whose other end has those heads. Equal heads with equal hashes are equal texts; equal
//! heads with unequal hashes are a fault of a program or a machine, and the app is told.
//!
//! Not here: the text, and what is done about a fault.

use std::collections::VecDeque;

use super::Session;
use super::io::{LinkId, Output};
use super::limits::{ALARM_PERIOD, MAX_PROOFS, PROOF_CALM};
use super::link::Up;
use super::time::Time;
use crate::crdt::{LogSource, Version};
use crate::wire::{MemberId, Message, Proof};

/// Hashes of our own text, and when the next one is due.
#[derive(Debug)]
pub(super) struct Proofs {
    /// The newest ones, the newest last.
    made: VecDeque<Proof>,
    /// Since when the logs have been at rest.
    since: Time,
    /// How far the logs have come.
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// They have changed since the last hash.
    Changed,
    /// They have been at rest for long enough, but nobody has the same heads yet.
    Rested,
    /// A hash has been asked for.
    Asked,
    /// The newest hash is of these heads.
    Proven,
}

impl Proofs {
    pub(super) const fn new(now: Time) -> Self {
        Self {
            made: VecDeque::new(),
            since: now,
            state: State::Changed,
        }
    }

    /// The logs have changed, or the text is not what it was.
    pub(super) fn outdated(&mut self, now: Time) {
        self.state = State::Changed;
        self.since = now;
    }

    /// The hash of the text with the present heads.
    pub(super) fn present(&self) -> Option<&Proof> {
        self.made.back().filter(|_| self.state == State::Proven)
    }

    /// When the logs will have been at rest for long enough.
    pub(super) fn due(&self) -> Option<Time> {
        (self.state == State::Changed).then_some(self.since + PROOF_CALM)
    }
}

impl Session {
    /// Asks for a hash of the text when that is due and somebody is there to compare it with.
    pub(super) fn prove_due(&mut self, now: Time, log: &impl LogSource) {
        if self.proofs.due().is_some_and(|due| due <= now) {
            self.proofs.state = State::Rested;
        }
        let alike = |up: &Up| up.theirs.as_ref() == Some(log.version());
        if self.proofs.state == State::Rested
            && self.links.values().filter_map(|link| link.up()).any(alike)
        {
            self.proofs.state = State::Asked;
            self.outputs.push_back(Output::Hash);
        }
    }

    /// The hash of the text as it is now.
    pub(super) fn hashed(&mut self, hash: [u8; 32], now: Time, log: &impl LogSource) {
        if self.proofs.state != State::Asked {
            return;
        }
        let heads = log.version().digest();
        self.proofs.state = State::Proven;
        self.proofs.made.push_back(Proof { heads, hash });
        if self.proofs.made.len() > MAX_PROOFS {
            self.proofs.made.pop_front();
        }
        let ids: Vec<LinkId> = self.links.keys().copied().collect();
        for id in ids {
            self.compare(id, now);
        }
    }

    /// The other end told the hash of its text.
    pub(super) fn proof(&mut self, id: LinkId, proof: Proof, now: Time) {
        if let Some(up) = self.links.get_mut(&id).and_then(|link| link.up_mut()) {
            up.proof = Some(proof);
            self.compare(id, now);
        }
    }

    /// Compares what the other end told with what we found for the same heads.
    fn compare(&mut self, id: LinkId, now: Time) {
        let Some(up) = self.links.get(&id).and_then(|link| link.up()) else {
            return;
        };
        let (member, Some(theirs)) = (up.member, up.proof) else {
            return;
        };
        let ours = self.proofs.made.iter().rev();
        let ours = ours.copied().find(|ours| ours.heads == theirs.heads);
        let Some(peer) = self.peers.get_mut(&member) else {
            return;
        };
        if ours.is_none_or(|ours| ours.hash == theirs.hash)
            || peer.alarmed.is_some_and(|at| now < at + ALARM_PERIOD)
        {
            return;
        }
        peer.alarmed = Some(now);
        self.outputs
            .push_back(Output::Diverged { link: id, member });
    }

    /// Whether a member was found to have the same text as we have now. O(log n).
    pub fn is_identical(&self, member: &MemberId) -> bool {
        let link = self.peers.get(member).and_then(|peer| peer.link);
        let up = link
            .and_then(|id| self.links.get(&id))
            .and_then(|link| link.up());
        let ours = self.proofs.present();
        up.is_some_and(|up| up.proof.is_some() && up.proof.as_ref() == ours)
    }
}

impl Up {
    /// The hash of our text, once, if the other end has the same heads.
    pub(super) fn take_proof(
        &mut self,
        ours: Option<&Proof>,
        version: &Version,
    ) -> Option<Message> {
        let ours = ours.filter(|ours| self.proof_told != Some(**ours))?;
        if self.theirs.as_ref() != Some(version) {
            return None;
        }
        self.proof_told = Some(*ours);
        Some(Message::Proof(*ours))
    }
}
