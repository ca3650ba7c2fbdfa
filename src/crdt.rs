//! The sequence CRDT. Pure: no rope, no network, no file, no clock, no randomness.

pub mod id;
pub mod version;

pub use id::{AuthorId, OpId};
pub use version::Version;
