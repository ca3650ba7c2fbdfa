//! The terminal front end: keys to actions on the way in, a view model to cells on the way out.
//!
//! Both ways are plain functions: [`input::action`] knows nothing but the keymap, `draw`
//! nothing but the [`view::View`] that it is given. The only state is the terminal's own, in
//! [`terminal`]. One thing is asked of the terminal, the colour of its background, when the first frame is
//! out; nobody waits for the answer, and [`input`] takes it out of what is typed, whenever it comes.
//!
//! In: [`input`] (bytes to actions: `sequences` finds where they are cut, `ground` takes the answer about the background
//! out, the [`keymap`] says what is asked for) and [`action`] (all that can be asked for; [`palette`] finds it by a few letters). Out: [`view`] (what a frame shows),
//! [`draw`] with `widgets` and `canvas` (cells), [`theme`] and [`highlight`] (colours), `frames` (cells to bytes).
//! Copies go out by [`clipboard`].
//!
//! Text from others (the document, names, messages) goes to cells through
//! [`show`](crate::document::display::show) only.
//!
//! Deliberately not here: sessions, sockets and files. What the status bar says is handed in.

pub mod action;
mod canvas;
pub mod clipboard;
pub mod draw;
mod frames;
mod ground;
pub mod highlight;
pub mod input;
pub mod keymap;
pub mod palette;
mod sequences;
pub mod terminal;
pub mod theme;
pub mod view;
mod widgets;
