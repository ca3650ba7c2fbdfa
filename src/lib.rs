//! `collab-edit`: a terminal text editor in which several people edit one file at the same time,
//! peer to peer.
//!
//! A keystroke travels one straight road:
//!
//! ```text
//! terminal ─► ui (key → Action) ─► app ─► document.edit ─► rope + sequence CRDT in one step ─► Batch
//!                                                                                           │
//!   other members' screens ◄─ ui ◄─ app ◄─ document.merge ◄─ session ◄─ net ◄═ TCP ◄═ net ◄─ session
//! ```
//!
//! The rooms, in reading order, ground floor first. `tests/tidy.rs` holds the table of which room
//! may know which; `docs/architecture.md` is the map.
//!
//! - [`crdt`]: the sequence CRDT. Pure; knows no rope, no network, no file.
//! - [`document`]: rope and CRDT, changed only together. Pure.
//! - [`wire`]: messages to bytes and back. Total: no input panics it.
//! - [`security`]: what stands between a socket's bytes and frames.
//! - [`session`]: the protocol as a state machine without IO, time or randomness of its own.
//! - [`net`]: tokio sockets. Moves bytes, decides nothing.
//! - [`storage`]: files, loaded and saved so that nothing is lost.
//! - [`ui`]: key → action, view model → cells.
//! - [`app`]: the event loop that joins them, and its IO-free core.
//! - [`cli`]: arguments → validated configuration.

#[cfg(not(unix))]
compile_error!("collab-edit runs on Unix systems so far; docs/platforms.md says what others need");

#[cfg(test)]
extern crate self as collab_edit;

pub mod app;
pub mod cli;
pub mod crdt;
pub mod document;
pub mod net;
pub mod security;
pub mod session;
pub mod storage;
pub mod ui;
pub mod wire;
