//! End to end: the real binary, in pseudo-terminals and headless, through what users and scripts
//! may rely on.
//!
//! Nothing here knows the library's types: if a test needs to look inside, it belongs beside the
//! code. The tests run in parallel; every process has its own home, its own folder and a port that
//! the system chose.
//!
//! The harness, in reading order: [`launch`] starts a process, [`terminal`] is one with a screen
//! and [`keyboard`] its keys, [`headless`] is one without a screen, [`wait`] waits for either,
//! [`strangers`] are sockets that are no members, [`lab`] is machines with cables, [`scratch`] holds
//! files, [`edits`] makes random edits, [`words`] are those words of the screen that may change.
//!
//! Not here: a panic that restores the terminal. No user can cause one, so the test of that stands
//! beside the code that does it.

mod disk;
mod edits;
mod headless;
mod keyboard;
mod lab;
mod launch;
mod scratch;
mod strangers;
mod terminal;
mod wait;
mod words;

mod apart;
mod broken_links;
mod cables;
mod command_line;
mod editing;
mod files;
mod film;
mod headless_contract;
mod kept;
mod kills;
mod looks;
mod mesh;
mod multiplexer;
mod outsiders;
mod screen;
mod second;
mod soak;
mod talking;
mod together;
mod two_terminals;

/// The binary under test.
fn program() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_BIN_EXE_collab-edit"))
}
