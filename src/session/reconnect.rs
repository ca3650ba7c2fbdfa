//! When and where a member is dialled.
//!
//! Every address is tried in turn; after a round in vain comes a pause of exponential backoff with
//! full jitter (Brooker: "Exponential backoff and jitter", 2015), for as long as the session lives.

use std::net::SocketAddr;
use std::time::Duration;

use super::limits::{
    BACKOFF_FIRST, BACKOFF_LONG_AWAY, BACKOFF_MOST, COURTESY, GOOD_LINK, LONG_AWAY,
};
use super::rng::SplitMix64;
use super::time::Time;
use super::{MemberId, Session};

/// The dialling of one member.
#[derive(Debug)]
pub(super) struct Redial {
    /// When to dial next. `None` while a dial or a link is there.
    at: Option<Time>,
    /// Rounds in vain since the last good link.
    rounds: u32,
    /// Addresses tried in this round.
    tried: usize,
    /// The address that worked last.
    good: Option<SocketAddr>,
}

impl Session {
    /// Dials everybody who is away at once.
    pub(super) fn retry_now(&mut self, now: Time) {
        let members: Vec<MemberId> = self.peers.keys().copied().collect();
        for member in members {
            let gone = self.is_gone(&member);
            if let Some(peer) = self.peers.get_mut(&member)
                && peer.link.is_none()
                && peer.dialling.is_none()
                && !gone
            {
                peer.redial.hurry(now);
            }
        }
    }
}

impl Redial {
    /// A new member. The one of the two with the greater id lets the other dial first.
    pub(super) fn new(now: Time, first: bool, rng: &mut SplitMix64) -> Self {
        let wait = if first {
            Duration::ZERO
        } else {
            COURTESY / 3 + rng.up_to(COURTESY * 2 / 3)
        };
        Self {
            at: Some(now + wait),
            rounds: 0,
            tried: 0,
            good: None,
        }
    }

    /// When to dial next, if at all.
    pub(super) const fn at(&self) -> Option<Time> {
        self.at
    }

    /// The address to dial now, one of `addrs`. `None` if there are none: then only the member can
    /// dial us.
    pub(super) fn dial(&mut self, addrs: &[SocketAddr]) -> Option<SocketAddr> {
        self.at = None;
        let good = self.good.filter(|good| addrs.contains(good));
        let rest = addrs.iter().copied().filter(|addr| Some(*addr) != good);
        let addr = good.into_iter().chain(rest).nth(self.tried);
        self.tried += 1;
        addr
    }

    /// The dial came to nothing; `count` addresses are known, and the member was last seen `away`
    /// ago.
    pub(super) fn failed(&mut self, now: Time, count: usize, away: Duration, rng: &mut SplitMix64) {
        if self.tried < count {
            self.at = Some(now);
            return;
        }
        self.tried = 0;
        let most = if away >= LONG_AWAY {
            BACKOFF_LONG_AWAY
        } else {
            BACKOFF_MOST
        };
        let most = (BACKOFF_FIRST * (1 << self.rounds.min(16))).min(most);
        self.rounds += 1;
        self.at = Some(now + rng.up_to(most));
    }

    /// A link stands; `addr` is where we dialled it.
    pub(super) fn connected(&mut self, addr: Option<SocketAddr>) {
        self.at = None;
        self.tried = 0;
        self.good = addr.or(self.good);
    }

    /// The link is gone after `up`.
    pub(super) fn lost(&mut self, now: Time, up: Duration, rng: &mut SplitMix64) {
        if up >= GOOD_LINK {
            self.rounds = 0;
        }
        self.tried = 0;
        self.failed(now, 0, Duration::ZERO, rng);
    }

    /// The user wants it dialled now, or its addresses have changed.
    pub(super) fn hurry(&mut self, now: Time) {
        self.rounds = 0;
        self.tried = 0;
        self.at = Some(now);
    }

    /// It is not to be dialled.
    pub(super) fn stop(&mut self) {
        self.at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_go_through_all_addresses_and_waits_grow_to_their_bound() {
        let mut rng = SplitMix64::new(1);
        let addrs: Vec<SocketAddr> = (1..4)
            .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
            .collect();
        let mut redial = Redial::new(Time(0), true, &mut rng);
        redial.connected(Some(addrs[2]));
        redial.lost(Time(0), GOOD_LINK, &mut rng);
        let mut longest = Duration::ZERO;
        for round in 0..200 {
            let now = redial.at().unwrap();
            let mut tried = Vec::new();
            for _ in &addrs {
                tried.push(redial.dial(&addrs).unwrap());
                redial.failed(now, addrs.len(), Duration::ZERO, &mut rng);
            }
            assert_eq!(tried, [addrs[2], addrs[0], addrs[1]], "the good one first");
            let wait = redial.at().unwrap() - now;
            assert!(wait <= BACKOFF_FIRST * 2u32.pow(round.min(8) + 1) && wait <= BACKOFF_MOST);
            longest = longest.max(wait);
        }
        assert!(longest > BACKOFF_MOST * 9 / 10);
        redial.hurry(Time(7));
        assert_eq!(redial.at(), Some(Time(7)));
    }

    #[test]
    fn who_has_been_away_for_long_is_tried_less_often() {
        let mut rng = SplitMix64::new(2);
        let mut redial = Redial::new(Time(0), true, &mut rng);
        let mut longest = Duration::ZERO;
        for _ in 0..200 {
            let now = redial.at().unwrap();
            redial.failed(now, 0, LONG_AWAY, &mut rng);
            longest = longest.max(redial.at().unwrap() - now);
        }
        assert!((BACKOFF_LONG_AWAY * 9 / 10..=BACKOFF_LONG_AWAY).contains(&longest));
    }
}
