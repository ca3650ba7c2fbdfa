//! The document: rope and CRDT, changed only together. Pure.
//!
//! [`buffer`] is the one writer; [`position`], [`grapheme`], [`display`], [`rows`] and [`motion`] read:
//! where something is, what belongs together, how it is shown, what stands side by side, where the
//! cursor goes. [`undo`] groups own edits, [`authorship`] says who wrote what and takes back what
//! somebody did, `places` gathers where that was, [`format`](mod@format) is what a file has besides its text;
//! [`search`] finds and replaces; [`bracket`], [`comment`] and [`indent`] know what texts of all kinds
//! have in common. `disk` knows how the
//! text and what is in the file have grown apart, with the help of
//! `delta` and `diff`.
//!
//! Deliberately absent: files, members, the screen. Other rooms name the rope through this one, so
//! that it can be changed here.

pub mod authorship;
pub mod bracket;
pub mod buffer;
pub mod comment;
mod delta;
mod diff;
mod disk;
pub mod display;
mod feed;
pub mod format;
pub mod grapheme;
pub mod indent;
pub mod motion;
mod places;
pub mod position;
pub mod rows;
pub mod search;
pub mod undo;

pub use authorship::{AuthorSpan, Effect};
pub use buffer::{Document, Preview};
pub use disk::{Patch, patched};
pub use feed::TextChange;
pub use position::CharPos;
pub use ropey::{Rope, RopeSlice};
pub use undo::EditKind;
