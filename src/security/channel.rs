//! The seam: what any channel does, whatever it is made of.

use std::borrow::Cow;

use super::code::Access;
use super::secret::Secret;

/// The most bytes that a handshake may leave waiting, at either end.
pub const MAX_HANDSHAKE_BYTES: usize = 1024;

/// Turns a connection's bytes into payloads and back.
///
/// The contract: `step` is called with nothing once the connection stands, then with all unread
/// bytes whenever more have come, until it reports [`Progress::Done`] or [`Progress::Rejected`].
/// After `Done`, and not before, `seal` and `open` are called, each in the order of the stream.
pub trait Channel: Send {
    /// Goes on with the handshake, given all received bytes that no step has consumed.
    fn step(&mut self, received: &[u8]) -> Step;

    /// Appends the sealed form of `payload`, one frame's body, to `out`.
    fn seal(&mut self, payload: &[u8], out: &mut Vec<u8>);

    /// The payload of a frame's body.
    ///
    /// # Errors
    ///
    /// If the other end did not seal exactly this, or not at this place in the stream.
    fn open<'a>(&mut self, sealed: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal>;
}

/// What one step of a handshake comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// How many of the received bytes have been used.
    pub consumed: usize,
    /// What to send, also when the handshake is over or rejected.
    pub send: Vec<u8>,
    /// How it stands now.
    pub progress: Progress,
}

/// How a handshake stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// More bytes must come.
    Waiting,
    /// The other end is about to learn whether its code is right. What is to be sent may be held
    /// back; nothing it can send before has any use.
    Guess,
    /// Each end has accepted the other; frames follow.
    Done(Peer),
    /// This ends here: the connection is to be closed once everything is sent.
    Rejected(Refusal),
}

/// What the handshake has proved about the other end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The member key by which it is known on links.
    pub key: [u8; 32],
    /// For the dialling end of one who was let in by the code, or by an open door: the session.
    pub granted: Option<Grant>,
}

/// What is behind the door: enough to be a member, without a code from now on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The session's id.
    pub session: [u8; 16],
    /// What all its members share and nobody else has.
    pub secret: Secret,
}

/// With what the dialling end asks to be let in.
#[derive(Clone, Debug)]
pub enum Knock {
    /// As a newcomer, with the code, with the agreement to enter an open session, or with neither.
    Newcomer(Option<Access>),
    /// As a member.
    Member(Grant),
}

/// Whom the accepting end lets in.
#[derive(Clone, Debug)]
pub struct Door {
    /// Which newcomers.
    pub access: Access,
    /// What newcomers are given, and members have.
    pub grant: Grant,
}

/// Why two ends do not come together.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The other end speaks something else.
    #[error("what answers there is not a collab-edit session; check the address and its port")]
    NotOurProtocol,
    /// The other end is of another protocol version.
    #[error(
        "the other side speaks version {theirs} of the protocol and this program version {ours}; \
         update the older one"
    )]
    VersionMismatch {
        /// The other end's version.
        theirs: u16,
        /// This end's version.
        ours: u16,
    },
    /// The session has a code, and none was given.
    #[error("this session needs a code; ask one of its members for it")]
    CodeNeeded,
    /// The code is not the session's.
    #[error("that is not the code of this session")]
    WrongCode,
    /// The other end cannot have the code.
    #[error(
        "what answers there does not know the code; is the address right? \
         If so, somebody may stand between you and the session"
    )]
    Impostor,
    /// The other end is in another session.
    #[error("another session is there than the one that this member belongs to")]
    OtherSession,
    /// The session is open, and nobody agreed to that.
    #[error("this session is open to everyone who finds it; enter it only in a network you trust")]
    SessionIsOpen,
    /// The session is open although a code was given for it.
    #[error(
        "a code was given, but the session that answers asks for none, so it was not entered; \
         check the address, or give no code to enter an open session"
    )]
    HasCodeButOpen,
    /// The other end broke the rules of the handshake.
    #[error("the other side does not keep to the protocol")]
    Malformed,
}
