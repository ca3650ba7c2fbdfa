//! The sequence CRDT. Pure: no rope, no network, no file, no clock, no randomness.
//!
//! Every character ever inserted has a name ([`OpId`]) and a place in one total order which all
//! replicas agree on; what is visible is what no operation in force hides. The rooms' inside, ground
//! floor first: [`id`] and [`version`] (names, heads), [`op`] (operations), `text` and [`log`] (what
//! each author wrote), `batch` (its one encoding), `order` (the tree of characters), `integrate`
//! (where an insert goes), `pending` (batches that came too early), `force` (what undos and
//! deletes hide), [`replica`] (all together), `take_back` (undo, and what it would do), [`authorship`] (who wrote what),
//! [`history`] (all of it as bytes), `adopt` (a history in place of what is here), [`anchor`] (places that survive edits),
//! `past` (earlier texts).
//!
//! Deliberately absent: the text as an editor wants it (the document's rope), who is connected, and
//! any clock: Lamport values order inserts at one place and nothing else, wall clocks order nothing.

mod adopt;
pub mod anchor;
pub mod authorship;
mod batch;
mod force;
pub mod history;
pub mod id;
mod integrate;
pub mod limits;
pub mod log;
pub mod log_source;
pub mod op;
mod order;
mod past;
mod pending;
pub mod replica;
mod restore;
mod take_back;
mod text;
mod touched;
pub mod version;

#[cfg(test)]
mod tests;

pub use adopt::NotAdopted;
pub use anchor::{Anchor, Bias};
pub use authorship::Authorship;
pub use history::{Corrupt, History};
pub use id::{AuthorId, OpId};
pub use limits::MAX_BATCH_BYTES;
pub use log::{Log, Noted};
pub use log_source::LogSource;
pub use op::{BatchInfo, Invalid, Source};
pub use replica::{Change, Rejected, Replica, Verdict};
pub use version::Version;
