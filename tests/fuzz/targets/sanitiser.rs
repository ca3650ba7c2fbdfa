//! See `sanitiser` in `bodies.rs`.

#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, unused_imports, reason = "the other targets' bodies")]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::sanitiser(bytes));
