//! The parts of a frame, each a function from its part of the view to cells of its area.

pub(super) mod bars;
mod boxed;
pub(super) mod chat;
pub(super) mod connecting;
pub(super) mod list;
pub(super) mod panel;
pub(super) mod text;
