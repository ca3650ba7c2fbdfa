//! Arguments → app; errors → exit codes.

fn main() {}
