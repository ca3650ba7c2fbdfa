//! The terminal front end: keys to actions on the way in, a view model to cells on the way out.
//!
//! Both ways are plain functions: [`input::action`] knows nothing but the keymap, [`draw::draw`]
//! nothing but the [`view::View`] that it is given. The only state is the terminal's own, in
//! [`terminal`]. Nothing is ever asked of the terminal, so no answer can be late or become text.
//!
//! Text from others (the document, names, messages) goes to cells through
//! [`show`](crate::document::display::show) only.
//!
//! Deliberately not here: sessions, sockets and files. What the status bar says is handed in.

pub mod action;
mod canvas;
pub mod clipboard;
pub mod draw;
pub mod input;
pub mod keymap;
pub mod terminal;
pub mod theme;
pub mod view;
mod widgets;
