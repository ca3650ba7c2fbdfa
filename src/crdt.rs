//! The sequence CRDT. Pure: no rope, no network, no file, no clock, no randomness.

pub mod anchor;
pub mod id;
pub mod log_source;
pub mod version;

pub use anchor::{Anchor, Bias};
pub use id::{AuthorId, OpId};
pub use log_source::{LogSource, MAX_BATCH_BYTES};
pub use version::Version;
