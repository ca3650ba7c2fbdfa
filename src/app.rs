//! The event loop that joins the rooms, and its IO-free core.

pub mod config;
