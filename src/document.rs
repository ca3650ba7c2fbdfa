//! The document: rope and CRDT, changed only together. Pure.

pub mod format;
