//! What stands between a socket's bytes and frames: who may come in, and what is sealed.
//!
//! Each link owns one [`Channel`], through which all its bytes pass: first the handshake
//! ([`Channel::step`]), then every payload ([`Channel::seal`], [`Channel::open`]). The program's
//! ([`sealed`]) makes a strong key of the session's code (SPAKE2) and seals everything (Noise).
//! [`keys`] holds the keys of a member and signs. `docs/security.md` says what all this promises.
//!
//! Deliberately not here: sockets, time, frames, what payloads mean, and any chance but what is given
//! as an argument.

pub mod channel;
pub mod code;
pub mod keys;
pub mod sealed;
pub mod secret;

pub use channel::{
    Channel, Door, Grant, Knock, MAX_HANDSHAKE_BYTES, Peer, Progress, Refusal, Step,
};
pub use code::{Access, Code, CodeError};
pub use keys::{Crypto, Identity, Keys, MemberKeys, NoKeys, SIGNATURE_BYTES, Signature, author_id};
pub use sealed::SealedChannel;
pub use secret::{Entropy, Secret};
