//! The clipboards outside: the terminal's, by OSC 52, and the desktop's.
//!
//! Only what the person copies here goes out; nothing is read from the terminal, which mostly would
//! not answer.

use ratatui::crossterm::Command;
use ratatui::crossterm::clipboard::CopyToClipboard;

/// The longest text that is handed to the terminal, in bytes. Terminals cut or drop longer sequences
/// (the smallest known limit is some 75,000 bytes of text).
pub const MAX_OSC52: usize = 74_000;

/// The sequence that puts `text` into the terminal's clipboard. tmux takes it or passes it on, as it is
/// set up; it is sent in both forms.
pub fn osc52(text: &str, tmux: bool) -> String {
    let mut sequence = String::new();
    let written = CopyToClipboard::to_clipboard_from(text).write_ansi(&mut sequence);
    written.expect("a string takes everything");
    if tmux {
        let wrapped = sequence.replace('\x1b', "\x1b\x1b");
        sequence += &format!("\x1bPtmux;{wrapped}\x1b\\");
    }
    sequence
}

/// The desktop's clipboard. What was copied is there as long as this lives.
pub struct Desktop(arboard::Clipboard);

impl Desktop {
    /// Connects to the desktop, if there is one. May block.
    pub fn open() -> Option<Self> {
        arboard::Clipboard::new().ok().map(Self)
    }

    /// Puts a text there; whether that worked. May block.
    pub fn set(&mut self, text: &str) -> bool {
        self.0.set_text(text).is_ok()
    }

    /// The text that is there. May block.
    pub fn text(&mut self) -> Option<String> {
        self.0.get_text().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_osc_52_and_in_tmux_also_passed_through() {
        assert_eq!(osc52("hi", false), "\x1b]52;c;aGk=\x1b\\");
        assert_eq!(
            osc52("hi", true),
            "\x1b]52;c;aGk=\x1b\\\x1bPtmux;\x1b\x1b]52;c;aGk=\x1b\x1b\\\x1b\\"
        );
    }
}
