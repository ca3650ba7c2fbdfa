//! Messages to bytes and back.
//!
//! A *frame* is a big-endian `u32` length and that many bytes ([`frame`]); what the channel makes
//! of those bytes is a *payload*; a payload is one [`Message`]: a MessagePack integer that names
//! its kind, then its fields as one MessagePack array ([`message`]).
//!
//! Beside these: `id` and `name` of members, `voucher` (the signatures that travel with a history), `serde_forms` (how
//! lists, texts and addresses lie in a message).
//!
//! Invariants:
//! 1. Decoding is total: no input panics, and none allocates more than a small multiple of its
//!    own length, which [`limits`] bounds.
//! 2. What decodes was encoded by these rules: lengths within [`limits`], nothing left over.
//!
//! Deliberately not here: who may say what when (that is `session`), what a batch holds (`crdt`),
//! and secrecy (`security`). Of `crdt` only the plain types that travel are used: ids and anchors.

pub mod frame;
mod id;
pub mod limits;
pub mod message;
mod name;
mod serde_forms;
mod voucher;

pub use frame::{FrameTooLong, Inbox};
pub use id::{MemberId, SessionId};
pub use message::{
    Access, AuthorKey, Batch, Bye, DecodeError, Fetch, Fork, Guesses, Head, Heads, Hello, History,
    MemberEntry, Members, Message, Ops, Ping, Pong, Presence, Proof, Properties, Range, Reason,
    Saved, Want, Welcome,
};
pub use name::Name;
pub use voucher::{Signed, Voucher, Vouchers};

/// The version of the protocol. Members of different versions refuse each other, naming both.
pub const VERSION: u16 = 4;
