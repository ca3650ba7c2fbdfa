//! What stands between a socket's bytes and frames: who may come in, and what is sealed.
//!
//! Each link owns one [`Channel`], through which all its bytes pass: first the handshake
//! ([`Channel::step`]), then every payload ([`Channel::seal`], [`Channel::open`]). The only channel
//! there is seals nothing ([`PlainChannel`]): it compares versions and the session's code.
//!
//! Deliberately not here: sockets, time, frames, and what payloads mean.

pub mod channel;
pub mod code;
pub mod plain;

pub use channel::{Channel, MAX_HANDSHAKE_BYTES, Progress, Refusal, Step};
pub use code::{Access, Code, CodeError};
pub use plain::PlainChannel;
