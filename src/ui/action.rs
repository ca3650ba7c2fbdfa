//! What a person can ask for: the closed set that `app` matches in one place.

use crate::document::motion::Motion;

/// One request of the person at the terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Type a printable character in place of the selection.
    Insert(char),
    /// Insert pasted text, normalised, as one edit.
    Paste(String),
    /// Break the line; in a prompt: accept.
    Newline,
    /// Insert a tab.
    Tab,
    /// Delete the selection or the cluster before the cursor.
    Backspace,
    /// Delete the selection or the cluster behind the cursor.
    Delete,
    /// Delete the selection or back to a word's start.
    DeleteWordBack,
    /// Delete the selection or on to a word's end.
    DeleteWordForward,
    /// Move the cursor.
    Move {
        /// Where to.
        motion: Motion,
        /// Whether the selection grows or shrinks with it; otherwise it ends.
        select: bool,
    },
    /// Select the whole text.
    SelectAll,
    /// Copy the selection.
    Copy,
    /// Copy and delete the selection.
    Cut,
    /// Insert what was copied last.
    PasteClipboard,
    /// Take back the last own edit.
    Undo,
    /// Take back the last undo.
    Redo,
    /// Write the file.
    Save,
    /// Leave; asks if something is unsaved, and leaves at the second time.
    Quit,
    /// Ctrl-C: copy the selection; without one say how to quit; while connecting, leave.
    Interrupt,
    /// Show or hide the members and the invitation.
    Members,
    /// Leave what is open: a prompt, the panel, the selection; while connecting, the program.
    Escape,
    /// The terminal has a new size; draw.
    Resize,
}
