//! Rope and CRDT, changed only together. Pure.

pub mod buffer;
pub mod format;
pub mod position;
pub mod undo;

pub use buffer::Document;
pub use position::CharPos;
pub use undo::EditKind;
