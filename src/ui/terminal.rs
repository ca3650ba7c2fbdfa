//! The terminal: taken over once, given back on every way out.
//!
//! Given back means: normal screen, echo, visible cursor of the user's shape, no bracketed paste,
//! no extended keys. It happens when the [`Screen`] is dropped and wherever [`restore`] is
//! called (`app` does so before a panic's message is printed); only the first of them does anything.
//!
//! Nothing is asked of the terminal before the first frame is out, and no answer is waited for:
//! extended keys are requested from terminals that may not know them, which ignore the request.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::crossterm::cursor::{SetCursorStyle, Show};
use ratatui::crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, KeyboardEnhancementFlags,
    PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::style::Print;
use ratatui::crossterm::terminal::{
    self, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use ratatui::layout::Size;

use super::frames::Frames;
use super::view::View;

/// Why the terminal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// Standard input or output is a file or a pipe.
    #[error("{0} is not a terminal; the editor needs one to draw on and to read keys from")]
    NotATerminal(&'static str),
    /// The terminal failed.
    #[error("the terminal cannot be used: {0}")]
    Io(#[from] io::Error),
}

/// Whether the terminal is taken over and must be given back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is taken over. There is at most one.
#[derive(Debug)]
pub struct Screen {
    frames: Frames,
    /// What is to be written, so that a frame goes out in one piece.
    pending: Vec<u8>,
    size: Size,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal over, and the `mouse` if it is to be the editor's.
    ///
    /// # Errors
    ///
    /// If standard input or output is no terminal, or the terminal fails. It is then as before.
    pub fn enter(mouse: bool) -> Result<Self, TerminalError> {
        for (is_terminal, stream) in [
            (io::stdin().is_terminal(), "standard input"),
            (io::stdout().is_terminal(), "standard output"),
        ] {
            if !is_terminal {
                return Err(TerminalError::NotATerminal(stream));
            }
        }
        take(mouse).inspect_err(|_| restore())?;
        Self::new(mouse).inspect_err(|_| restore())
    }

    fn new(mouse: bool) -> Result<Self, TerminalError> {
        let size = terminal::size()?.into();
        Ok(Self {
            frames: Frames::new(size),
            pending: Vec::new(),
            size,
            mouse,
        })
    }

    /// The terminal's size in cells, as of the last [`resized`](Self::resized).
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Takes in that the terminal's size has changed, perhaps more than once and back again: the next
    /// frame is drawn in full, whatever the terminal did to what it showed.
    ///
    /// # Errors
    ///
    /// If the terminal does not say its size.
    pub fn resized(&mut self) -> io::Result<()> {
        self.size = terminal::size()?.into();
        self.frames.start_anew(self.size);
        Ok(())
    }

    /// Takes the terminal over again, after it has been given back for a while or the program has been
    /// stopped: the next frame is drawn in full.
    ///
    /// # Errors
    ///
    /// If the terminal fails.
    pub fn resume(&mut self) -> io::Result<()> {
        // A shell may have changed the terminal meanwhile, though here nothing was given back.
        disable_raw_mode()?;
        take(self.mouse)?;
        self.resized()
    }

    /// Asks for the colour of the background (OSC 11). The answer, if there is one, is [heard](super::input::Heard).
    ///
    /// # Errors
    ///
    /// If the terminal cannot be written to.
    pub fn ask_ground(&mut self) -> io::Result<()> {
        self.write("\x1b]11;?\x07")
    }

    /// Writes a sequence that draws nothing, between frames.
    ///
    /// # Errors
    ///
    /// If the terminal cannot be written to.
    pub fn write(&mut self, sequence: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(sequence.as_bytes())?;
        out.flush()
    }

    /// Draws one frame: the cells that changed, in one piece on terminals that can; nothing if none did.
    ///
    /// # Errors
    ///
    /// If the terminal cannot be written to.
    pub fn draw(&mut self, view: &View<'_>) -> io::Result<()> {
        self.frames.draw(view, &mut self.pending)?;
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(&self.pending)?;
        self.pending.clear();
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Presses, drags and the wheel, with coordinates of any size. (Movement without a button, which
/// crossterm would ask for too, would wake the program for nothing.)
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// Takes the terminal over, and the mouse if it is to be had.
fn take(mouse: bool) -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        Print(if mouse { MOUSE_ON } else { "" }),
        PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES),
        SetCursorStyle::SteadyBar,
    )
}

/// Whether the terminal is taken over.
pub fn is_taken() -> bool {
    TAKEN.load(Ordering::SeqCst)
}

/// Gives the terminal back, if it is taken over. May be called from anywhere, any number of times.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    // There is no one left to tell that the terminal is gone.
    let _gone = execute!(
        out,
        EndSynchronizedUpdate,
        PopKeyboardEnhancementFlags,
        Print(MOUSE_OFF),
        DisableBracketedPaste,
        SetCursorStyle::DefaultUserShape,
        Show,
        LeaveAlternateScreen,
    );
    let _gone = out.flush();
    let _gone = disable_raw_mode();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_restored_that_was_not_taken() {
        restore();
        restore();
        assert!(!TAKEN.load(Ordering::SeqCst));
    }

    #[test]
    fn a_pipe_is_refused_with_a_sentence() {
        let error = TerminalError::NotATerminal("standard input").to_string();
        assert_eq!(
            error,
            "standard input is not a terminal; the editor needs one to draw on and to read keys from"
        );
    }
}
