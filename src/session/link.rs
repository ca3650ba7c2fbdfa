//! One connection: bytes to messages and back through its channel, and cursors into the logs.
//!
//! Invariants:
//! 1. No queue of messages: what is still to be said follows from the cursors and the logs. So a
//!    link whose other end does not read costs the same as any other.
//! 2. Nothing is added while [`MAX_IN_FLIGHT_BYTES`] are on their way, but for the last word.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use super::catch_up::Serving;
use super::io::{Command, LinkId, Output, Target};
use super::limits::{
    DEAD_AFTER, HANDSHAKE_TIMEOUT, HEADS_PERIOD, MAX_IN_FLIGHT_BYTES, PING_PERIOD,
    PRESENCE_ALLOWANCE, PRESENCE_PERIOD, STALLED_AFTER,
};
use super::membership::Stamp;
use super::time::Time;
use crate::crdt::{AuthorId, Corrupt, ShortChain, Version};
use crate::security::{Channel, MAX_HANDSHAKE_BYTES, Peer, Progress, Refusal};
use crate::wire::{
    DecodeError, FrameTooLong, Inbox, MemberId, Message, Proof, Reason, frame,
    limits::MAX_FRAME_BYTES,
};

/// Why a link is closed by us.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Frame(#[from] FrameTooLong),
    #[error(transparent)]
    Message(#[from] DecodeError),
    #[error("{0}")]
    Door(Refusal),
    #[error("{0}")]
    OutOfRole(&'static str),
    #[error("a batch that can never be valid: {0}")]
    BadBatch(String),
    #[error("it brings edits that nobody has signed")]
    Forged,
    #[error("the document has as many edits as it may have")]
    Full,
    #[error("a history that cannot be: {0}")]
    BadHistory(Corrupt),
    #[error("nothing was heard for {} s", DEAD_AFTER.as_secs())]
    Silent,
    #[error("nothing was taken for {} s", STALLED_AFTER.as_secs())]
    Stalled,
    #[error("it did not say who it is in time")]
    Mute,
    #[error("{0}")]
    Turned(&'static str, Reason),
}

impl Fault {
    /// What the other end is told.
    pub(super) const fn reason(&self) -> Reason {
        match self {
            Self::Frame(_) | Self::Message(_) | Self::Door(_) | Self::OutOfRole(_) => {
                Reason::Protocol
            }
            Self::BadBatch(_) | Self::BadHistory(_) | Self::Forged | Self::Full => Reason::BadBatch,
            Self::Silent | Self::Stalled | Self::Mute => Reason::Stalled,
            Self::Turned(_, reason) => *reason,
        }
    }
}

/// How far a link is.
pub(super) enum Phase {
    /// The network is dialling.
    Dialling,
    /// The channel's handshake goes on, since then.
    Handshake(Box<dyn Channel>, Time),
    /// The channel stands; the other end has not said who it is. Since then.
    Nameless(Box<dyn Channel>, Time),
    /// A member is at the other end.
    Up(Box<dyn Channel>, Box<Up>),
}

/// Why a link was dialled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// To join, or to meet, whoever is there.
    Join,
    /// To meet this member.
    Member(MemberId),
    /// It was not; it was accepted.
    Accepted,
}

/// One connection.
pub(super) struct Link {
    pub(super) id: LinkId,
    pub(super) purpose: Purpose,
    /// What was dialled, or where it comes from.
    pub(super) target: Target,
    /// The address of the other end, once the connection stands.
    pub(super) addr: Option<SocketAddr>,
    pub(super) phase: Phase,
    /// The answer to a guess at the code, until its turn comes.
    held: Option<Vec<u8>>,
    /// The member key of the other end, once the handshake has proved it.
    pub(super) key: Option<[u8; 32]>,
    pub(super) inbox: Inbox,
    pub(super) heard: Time,
    in_flight: usize,
    moved: Time,
}

/// The cursors of a link to a member.
#[derive(Debug)]
pub(super) struct Up {
    pub(super) member: MemberId,
    /// The author that now writes at the other end.
    pub(super) author: AuthorId,
    pub(super) since: Time,
    /// The other end is a newcomer and is to be told the session.
    pub(super) welcome: bool,
    /// The other end closes this link because of a better one.
    pub(super) replaced: bool,
    /// What the other end has, by its own word. `None` before its first word.
    pub(super) theirs: Option<Version>,
    /// What the other end has been told that we have.
    pub(super) told: Version,
    pub(super) heads: HeadsDue,
    pub(super) heads_at: Option<Time>,
    /// When others' heads were told last.
    pub(super) others_at: Option<Time>,
    /// Our own next operation that has not been sent.
    pub(super) pushed: u32,
    /// What the other end wants, one range of each author, shrinking from its start.
    pub(super) wanted: BTreeMap<AuthorId, (u32, u32)>,
    /// What we are about to ask the other end for.
    pub(super) asking: BTreeMap<AuthorId, (u32, u32, ShortChain)>,
    /// Where it seems to have other batches of an author than we have, and the authors of whom it has been
    /// shown ours since it told all its heads.
    pub(super) forks: Vec<(AuthorId, u32)>,
    pub(super) forks_told: BTreeSet<AuthorId>,
    /// How often we have looked for that since the last ping, where it took hashing.
    pub(super) compared: u32,
    /// The other end is to be asked for its history.
    pub(super) fetch_due: bool,
    /// The other end has no history that is of use.
    pub(super) no_history: bool,
    /// What the other end is being sent of ours.
    pub(super) serving: Option<Serving>,
    /// The hash that the other end told last, and the one that it has been told.
    pub(super) proof: Option<Proof>,
    pub(super) proof_told: Option<Proof>,
    pub(super) roster_told: Stamp,
    /// How many changes of who may come in it has been told, and of how many wrong codes.
    pub(super) access_told: u64,
    pub(super) guesses_told: u32,
    /// When people may be told of wrong codes there again.
    pub(super) guesses_heard: Option<Time>,
    pub(super) on_disk_told: u64,
    pub(super) presence_told: u32,
    pub(super) presence_at: Option<Time>,
    /// Up to when the presences that came would have taken, at twice the rate at which they are sent.
    presences: Time,
    pub(super) pinged: Option<Time>,
    pub(super) pong: Option<u64>,
}

/// What of our heads the other end is to be told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum HeadsDue {
    Nothing,
    /// What has changed of others than the member at the other end.
    Others,
    /// What has changed of anybody.
    Changes,
    Whole,
}

/// What came on a link.
#[derive(Debug)]
pub(super) enum Incoming {
    /// Bytes of the handshake are to be sent.
    Send(Vec<u8>),
    /// The other end wants to know whether its code is right.
    Guess,
    /// The channel stands; bytes to be sent before anything else.
    Open(Vec<u8>, Peer),
    /// A message.
    Message(Message),
    /// The channel does not come about; bytes to be sent before closing.
    Refused(Vec<u8>, Refusal),
}

impl Link {
    pub(super) fn dialled(id: LinkId, purpose: Purpose, target: Target, now: Time) -> Self {
        Self {
            id,
            purpose,
            target,
            addr: None,
            phase: Phase::Dialling,
            held: None,
            key: None,
            inbox: Inbox::default(),
            heard: now,
            in_flight: 0,
            moved: now,
        }
    }

    pub(super) const fn up(&self) -> Option<&Up> {
        match &self.phase {
            Phase::Up(_, up) => Some(up),
            _ => None,
        }
    }

    pub(super) const fn up_mut(&mut self) -> Option<&mut Up> {
        match &mut self.phase {
            Phase::Up(_, up) => Some(up),
            _ => None,
        }
    }

    /// The channel stands: frames follow.
    fn opened(&mut self, now: Time) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Dialling) {
            Phase::Handshake(channel, _) => Phase::Nameless(channel, now),
            other => other,
        };
    }

    /// The other end has said who it is.
    pub(super) fn named(&mut self, up: Up) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Dialling) {
            Phase::Nameless(channel, _) => Phase::Up(channel, Box::new(up)),
            other => other,
        };
    }

    /// The next thing that the received bytes hold.
    pub(super) fn next_incoming(&mut self, now: Time) -> Result<Option<Incoming>, Fault> {
        let channel = match &mut self.phase {
            Phase::Dialling => return Ok(None),
            Phase::Handshake(..) => return self.shake_hands(now),
            Phase::Nameless(channel, _) | Phase::Up(channel, _) => channel,
        };
        let Some(body) = self.inbox.next_frame()? else {
            return Ok(None);
        };
        let payload = channel.open(body).map_err(Fault::Door)?;
        Ok(Some(Incoming::Message(Message::decode(&payload)?)))
    }

    fn shake_hands(&mut self, now: Time) -> Result<Option<Incoming>, Fault> {
        let Phase::Handshake(channel, _) = &mut self.phase else {
            return Ok(None);
        };
        if self.held.is_some() {
            return match self.inbox.unread().len() {
                0..=MAX_HANDSHAKE_BYTES => Ok(None),
                _ => Err(Fault::Door(Refusal::Malformed)),
            };
        }
        let step = channel.step(self.inbox.unread());
        self.inbox.consume(step.consumed);
        match step.progress {
            Progress::Rejected(refusal) => Ok(Some(Incoming::Refused(step.send, refusal))),
            Progress::Guess => {
                self.held = Some(step.send);
                Ok(Some(Incoming::Guess))
            }
            Progress::Done(peer) => {
                self.key = Some(peer.key);
                self.opened(now);
                Ok(Some(Incoming::Open(step.send, peer)))
            }
            Progress::Waiting if !step.send.is_empty() => Ok(Some(Incoming::Send(step.send))),
            Progress::Waiting if step.consumed > 0 => self.shake_hands(now),
            Progress::Waiting if self.inbox.unread().len() > MAX_HANDSHAKE_BYTES => {
                Err(Fault::Door(Refusal::Malformed))
            }
            Progress::Waiting => Ok(None),
        }
    }

    /// Whether the other end waits to know whether its code is right.
    pub(super) const fn is_guessing(&self) -> bool {
        self.held.is_some()
    }

    /// The answer to that, to be sent now.
    pub(super) fn take_held(&mut self) -> Option<Vec<u8>> {
        self.held.take()
    }

    /// Whether more may be sent now.
    pub(super) const fn has_room(&self) -> bool {
        self.in_flight < MAX_IN_FLIGHT_BYTES
    }

    /// What is on its way to the socket, in bytes.
    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn flushed(&mut self, bytes: usize, now: Time) {
        self.in_flight = self.in_flight.saturating_sub(bytes);
        self.moved = now;
    }

    /// Sends bytes as they are.
    pub(super) fn transmit(&mut self, bytes: Vec<u8>, now: Time) -> Output {
        if self.in_flight == 0 {
            self.moved = now;
        }
        self.in_flight += bytes.len();
        Output::Net(Command::Transmit {
            link: self.id,
            bytes,
        })
    }

    /// Sends a message, if the channel stands.
    pub(super) fn send(&mut self, message: &Message, now: Time) -> Option<Output> {
        let (Phase::Nameless(channel, _) | Phase::Up(channel, _)) = &mut self.phase else {
            return None;
        };
        let mut payload = Vec::new();
        message.encode(&mut payload);
        let mut bytes = Vec::with_capacity(payload.len() + frame::PREFIX_BYTES);
        frame::write(&mut bytes, |out| channel.seal(&payload, out));
        debug_assert!(bytes.len() <= MAX_FRAME_BYTES + frame::PREFIX_BYTES);
        Some(self.transmit(bytes, now))
    }

    /// Whether the link has been silent or stuck for too long.
    pub(super) fn overdue(&self, now: Time) -> Option<Fault> {
        if now >= self.last_moment() {
            Some(self.last_fault(now))
        } else {
            None
        }
    }

    fn last_fault(&self, now: Time) -> Fault {
        match &self.phase {
            Phase::Up(..) if now >= self.heard + DEAD_AFTER => Fault::Silent,
            Phase::Up(..) => Fault::Stalled,
            _ => Fault::Mute,
        }
    }

    /// When the link is given up if nothing happens on it.
    fn last_moment(&self) -> Time {
        match &self.phase {
            Phase::Dialling => Time(u64::MAX),
            Phase::Handshake(_, since) | Phase::Nameless(_, since) => *since + HANDSHAKE_TIMEOUT,
            Phase::Up(..) if self.in_flight > 0 => {
                (self.heard + DEAD_AFTER).min(self.moved + STALLED_AFTER)
            }
            Phase::Up(..) => self.heard + DEAD_AFTER,
        }
    }

    /// When the link has something to do again, given the clock of our presence, and how far apart
    /// others' heads are told.
    pub(super) fn wake(&self, presence: u32, others: Duration) -> Time {
        let last = self.last_moment();
        let Some(up) = self.up().filter(|_| self.has_room()) else {
            return last;
        };
        let mut wake = last.min(up.pinged.map_or(up.since, |pinged| pinged + PING_PERIOD));
        let after = |at: Option<Time>, period| at.map_or(up.since, |at| at + period);
        let heads = after(up.heads_at, HEADS_PERIOD);
        wake = match up.heads {
            HeadsDue::Nothing => wake,
            HeadsDue::Others => wake.min(heads.max(after(up.others_at, others))),
            HeadsDue::Changes | HeadsDue::Whole => wake.min(heads),
        };
        if up.presence_told != presence {
            wake = wake.min(after(up.presence_at, PRESENCE_PERIOD));
        }
        wake
    }
}

impl Up {
    pub(super) const fn new(member: MemberId, author: AuthorId, welcome: bool, now: Time) -> Self {
        Self {
            member,
            author,
            since: now,
            welcome,
            replaced: false,
            theirs: None,
            told: Version::new(),
            heads: HeadsDue::Whole,
            heads_at: None,
            others_at: None,
            pushed: 0,
            wanted: BTreeMap::new(),
            asking: BTreeMap::new(),
            forks: Vec::new(),
            forks_told: BTreeSet::new(),
            compared: 0,
            fetch_due: false,
            no_history: false,
            serving: None,
            proof: None,
            proof_told: None,
            roster_told: 0,
            access_told: 0,
            guesses_told: 0,
            guesses_heard: None,
            on_disk_told: 0,
            presence_told: 0,
            presence_at: None,
            presences: now,
            pinged: Some(now),
            pong: None,
        }
    }

    /// A presence came; whether that was not too many.
    pub(super) fn count_presence(&mut self, now: Time) -> bool {
        self.presences = self.presences.max(now) + PRESENCE_PERIOD / 2;
        self.presences <= now + PRESENCE_ALLOWANCE
    }

    /// How many of `author`'s operations the other end says it has.
    pub(super) fn has(&self, author: &AuthorId) -> u32 {
        self.theirs.as_ref().map_or(0, |theirs| theirs.next(author))
    }
}
