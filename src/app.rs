//! What joins the rooms: the event loop, and its IO-free core.
//!
//! [`core`] is the glue of document and session that every kind of member shares. On a screen,
//! `model` is all state and `update` what each event does to it, `view` what is shown of it;
//! without one, `headless` is both. `run` is the only part with IO: it waits for events, hands
//! them over, and carries out what comes back; what is Unix's own of that is in `unix`.
//!
//! In the order of a run: [`config`] (what it is told to do), `start` (from that to a running member; `nearby` and
//! `invitation`: how members find each other), `run` with `clock`, `clipboard`, `watching` and `panics`.
//! Of the text: `editor` (caret, selection, indentation), `prompt`, `finding`, `painter` (colours for code), `looks`;
//! `saving` (the file, and what others write into it). Of the others: `names` at cursors, `chat`, `partition` (what
//! they did while they were away), `delivery` (who has which edits), `ledger` (who has saved them), `divergence`
//! (whose text is another one). Of the next start: [`kept`] (what is kept beside the operations), [`keeper`] (what
//! goes to the journal, and when), `writer` (the thread that writes it), `shelf` (where it lies).
//!
//! Deliberately absent: decisions about members and sync (those are the session's), and any text
//! that is not the document's.

mod chat;
mod clipboard;
mod clock;
pub mod config;
pub mod core;
mod delivery;
mod divergence;
mod editor;
mod finding;
mod headless;
mod invitation;
pub mod keeper;
pub mod kept;
mod keys;
mod ledger;
mod looks;
mod model;
mod names;
mod nearby;
mod painter;
mod panics;
mod partition;
mod prompt;
mod run;
mod saving;
mod shelf;
mod start;
#[cfg(unix)]
mod unix;
mod view;
mod watching;
mod writer;

pub use start::start;

use crate::document::display::sanitise;
use crate::wire::limits::MAX_FILE_NAME_BYTES;

/// The longest file name that is taken from another member, in columns.
const FILE_NAME_COLUMNS: usize = 128;

/// A file name that another member suggests, reduced to its last component and to what can be seen.
pub fn harmless_file_name(suggested: &str) -> String {
    let last = suggested.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name = sanitise(last, FILE_NAME_COLUMNS);
    // Marks take bytes and no columns.
    name.truncate(name.floor_char_boundary(MAX_FILE_NAME_BYTES));
    // Neither hidden, nor taken for an option by whatever it is given to.
    let name = name.trim_start_matches(['.', '-', ' ']).trim_end();
    if name.is_empty() {
        "shared.txt".to_owned()
    } else {
        name.to_owned()
    }
}

/// Bytes as lower-case hex digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggested_file_names_become_harmless() {
        for (suggested, name) in [
            ("notes.md", "notes.md"),
            ("../../etc/passwd", "passwd"),
            ("/etc/shadow", "shadow"),
            ("C:\\windows\\x.txt", "x.txt"),
            (".bashrc", "bashrc"),
            ("-rf", "rf"),
            ("- .-x -", "x -"),
            ("..", "shared.txt"),
            ("", "shared.txt"),
            ("a\u{1b}[2Jb", "a␛[2Jb"),
        ] {
            assert_eq!(harmless_file_name(suggested), name, "{suggested:?}");
        }
        let towers = harmless_file_name(&"e\u{301}\u{302}\u{303}".repeat(100));
        assert!((200..=255).contains(&towers.len()));
    }
}
