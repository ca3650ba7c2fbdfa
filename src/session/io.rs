//! What goes into a session and what comes out: closed sets of events, matched in one place each.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::ledger::OnDisk;
use super::time::Time;
use crate::crdt::{Anchor, AuthorId, NotAdopted};
use crate::security::{Access, Refusal};
use crate::wire::{Batch, MemberId, Properties, SessionId};

/// One connection, or the attempt at one. Never used twice in a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LinkId {
    /// Dialled by us; numbered by the session.
    Dialled(u64),
    /// Accepted by us; numbered by whoever accepts.
    Accepted(u64),
}

/// What is to be dialled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// An address as a person gave it, `HOST:PORT`, still to be resolved.
    Given(String),
    /// An address that a member listed.
    Known(SocketAddr),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(given) => f.write_str(given),
            Self::Known(addr) => addr.fmt(f),
        }
    }
}

/// What happens to a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// Members are accepted now, at these addresses, likeliest first.
    Listening {
        /// Usable ones, none of them unspecified.
        addrs: Vec<SocketAddr>,
    },
    /// The user asks to join the session that `target` is in.
    Join {
        /// `HOST:PORT`, as given.
        target: String,
        /// The code, or the agreement to enter an open session.
        access: Option<Access>,
    },
    /// A connection that we dialled stands.
    Dialled {
        /// Which.
        link: LinkId,
        /// Where it leads.
        addr: SocketAddr,
    },
    /// A connection that we dialled did not come about. Must come for each dial that does not stand
    /// after [`DIAL_TIMEOUT`](super::limits::DIAL_TIMEOUT) for each address.
    DialFailed {
        /// Which.
        link: LinkId,
        /// Why, in words, to follow the address.
        why: String,
    },
    /// A connection was accepted.
    Accepted {
        /// Which.
        link: LinkId,
        /// Where it comes from.
        from: SocketAddr,
    },
    /// Bytes came.
    Received {
        /// On which connection.
        link: LinkId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Bytes given to [`Command::Transmit`] have been passed on.
    Flushed {
        /// On which connection.
        link: LinkId,
        /// How many.
        bytes: usize,
    },
    /// A connection ended, not by our wish.
    Closed {
        /// Which.
        link: LinkId,
        /// Why, in words.
        why: String,
    },
    /// Our own log has grown.
    LocalChange,
    /// What came of an [`Output::Merge`].
    Merged {
        /// The link that the batches came on.
        link: LinkId,
        /// Whose they are.
        author: AuthorId,
        /// What became of them.
        verdict: Verdict,
    },
    /// What came of an [`Output::Adopt`].
    Adopted {
        /// The link that the history came on.
        link: LinkId,
        /// Whether it has taken the place of the logs as they were.
        adopted: Result<(), NotAdopted>,
    },
    /// The answer to [`Output::Hash`].
    Hashed {
        /// BLAKE3 of the text in UTF-8.
        hash: [u8; 32],
    },
    /// Our cursor has moved.
    Cursor {
        /// Where it is, if it is to be shown.
        cursor: Option<Anchor>,
        /// Where a selection starts and ends.
        selection: Option<(Anchor, Anchor)>,
    },
    /// The others are asked to look at where our cursor is.
    LookHere,
    /// The user wants a new session code; the one before opens nothing any more.
    NewCode,
    /// We have this on our disk now.
    Saved(OnDisk),
    /// The user wants everybody dialled at once.
    RetryNow,
    /// The user leaves the session, for good.
    Leave,
    /// The deadline has come.
    Deadline,
}

/// What became of the batches of one [`Output::Merge`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// At least one is new and in the log now.
    Applied,
    /// All were here already.
    Duplicate,
    /// Some wait for their causes.
    Parked,
    /// One can never be valid. The link that it came on is closed.
    Rejected(String),
    /// Their author is frozen.
    Frozen,
    /// The document is as large as it may be. The link that they came on is closed.
    Full,
}

/// What a session wants done. To be executed in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Something for the network.
    Net(Command),
    /// Merge consecutive batches of one author. Answered by [`Input::Merged`].
    Merge {
        /// The link that they came on.
        link: LinkId,
        /// Whose they are.
        author: AuthorId,
        /// The first operation of the first.
        seq: u32,
        /// The batches, each following on the one before.
        batches: Vec<Batch>,
    },
    /// Take over a history of this session in place of the logs, which lack much of it; what is here
    /// and not in it follows. Answered by [`Input::Adopted`].
    ///
    /// What vouches for the authors of its batches, and has to be checked before, will stand here.
    Adopt {
        /// The link that it came on.
        link: LinkId,
        /// Its encoding.
        history: Vec<u8>,
    },
    /// Hash the text. Answered by [`Input::Hashed`] before anything else.
    Hash,
    /// A member has another text though it has the same heads. The logs are good as far as anybody
    /// knows, so the text is to be made from them again.
    Diverged {
        /// The link on which that was found out.
        link: LinkId,
        /// Whose text.
        member: MemberId,
    },
    /// Something for the user.
    Event(Event),
}

/// What the network is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Connect. Answered by [`Input::Dialled`] or [`Input::DialFailed`].
    Dial {
        /// The name of the new connection.
        link: LinkId,
        /// Where to.
        target: Target,
    },
    /// Send bytes. Answered, in pieces, by [`Input::Flushed`].
    Transmit {
        /// On which connection.
        link: LinkId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Close after sending what was given, or give up dialling. Not answered.
    Close {
        /// Which.
        link: LinkId,
    },
}

/// What a user, or a script, may want to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// We have been let in. The text is on its way.
    Welcomed {
        /// Into which session.
        session: SessionId,
        /// What its members share.
        properties: Properties,
    },
    /// We have everything that the member we joined through had when it let us in.
    Joined,
    /// Joining failed; it may be tried again with another [`Input::Join`].
    Refused(Refused),
    /// A member is new, or its state or name has changed.
    MemberChanged {
        /// Which.
        member: MemberId,
        /// What it is called here.
        name: String,
        /// How it is connected.
        state: MemberState,
    },
    /// A member's cursor or selection has moved.
    PresenceChanged {
        /// Whose.
        member: MemberId,
    },
    /// A member asks to look at where its cursor is.
    AskedToLook {
        /// Which.
        member: MemberId,
    },
    /// Who may come in has been changed, by ourselves or by another member.
    AccessChanged {
        /// The member who told us; `None` if the change was ours.
        by: Option<String>,
    },
    /// A member has said what it has on its disk; see [`Session::ledger`](super::Session::ledger).
    MemberSaved {
        /// Which.
        member: MemberId,
    },
    /// Something the user may like to hear.
    Notice(String),
    /// Something for the log: a link was closed because of what came on it.
    Warning(String),
}

/// How a member is connected to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberState {
    /// There is a link to it.
    Connected,
    /// There is none now.
    Away,
    /// It said goodbye.
    Left,
}

/// Why joining failed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// The two ends did not come together.
    #[error("{target}: {refusal}")]
    AtTheDoor {
        /// Where.
        target: String,
        /// Why.
        refusal: Refusal,
    },
    /// Nothing answers.
    #[error("cannot reach {target}: {why}")]
    Unreachable {
        /// Where.
        target: String,
        /// Why, in words.
        why: String,
    },
    /// What answers says nothing, or stops.
    #[error(
        "{target} was reached, but {why}; check that the address is that of a collab-edit session"
    )]
    Broken {
        /// Where.
        target: String,
        /// What happened, in words.
        why: String,
    },
    /// The member has as many links as it may.
    #[error("the session at {target} is full: 64 members are connected")]
    Full {
        /// Where.
        target: String,
    },
    /// Another session is there than the one that is continued.
    #[error("another session than the one kept for this file is at {target}")]
    OtherSession {
        /// Where.
        target: String,
    },
    /// The address is our own.
    #[error("{target} is this program itself; give the address of another member")]
    Myself {
        /// Where.
        target: String,
    },
}

/// A member as a list of members shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberView {
    /// Which.
    pub member: MemberId,
    /// What it is called here; equal names are numbered.
    pub name: String,
    /// How it is connected.
    pub state: MemberState,
    /// Since when it is so.
    pub since: Time,
    /// Where it accepts links: if it is known, where ours leads.
    pub addr: Option<SocketAddr>,
    /// The time from a ping to its pong.
    pub delay: Option<Duration>,
    /// How many of our operations it is not known to have.
    pub undelivered: u32,
    /// Of each of our authors, how many operations it is known to have; of those before this process only
    /// if it has said so.
    pub acked: Vec<(AuthorId, u32)>,
    /// Whether it has had what was there when it came; until then it is being sent that.
    pub entered: bool,
    /// Whether it was found to have the same text as is here now.
    pub identical: bool,
    /// Why the last dial to it came to nothing, in words; the address first.
    pub trouble: Option<String>,
    /// Its authors, oldest first.
    pub authors: Vec<AuthorId>,
}
