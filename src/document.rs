//! The document: what its text means to the person in front of it.
//!
//! Pure: no IO, no time, no terminal. Positions between replicas are Unicode scalar values
//! ([`position`]); the cursor moves by grapheme clusters ([`grapheme`], [`motion`]); one function
//! says how a cluster is shown and how wide it is ([`display`]).

pub mod display;
pub mod grapheme;
pub mod motion;
pub mod position;
