//! The dependency table.
