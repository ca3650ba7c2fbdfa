//! The terminal: taken over once, given back on every way out.
//!
//! Given back means: normal screen, echo, visible cursor of the user's shape, no bracketed paste,
//! no extended keys. It happens when the [`Screen`] is dropped, before a panic's message is
//! printed, and wherever [`restore`] is called; only the first of them does anything.
//!
//! Nothing is asked of the terminal before the first frame is out, and no answer is waited for:
//! extended keys are requested from terminals that may not know them, which ignore the request. For
//! the same reason `Terminal::clear` of the drawing library, which asks where the cursor is, is
//! never called.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::panic;
use std::rc::Rc;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::crossterm::cursor::{SetCursorStyle, Show};
use ratatui::crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, KeyboardEnhancementFlags,
    PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{execute, queue};
use ratatui::layout::{Position, Rect, Size};
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::draw::draw;
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
    terminal: Terminal<CrosstermBackend<Pending>>,
    pending: Pending,
    size: Size,
}

/// What is to be written to the terminal, collected so that a frame goes out in one piece.
#[derive(Clone, Default, Debug)]
struct Pending(Rc<RefCell<Vec<u8>>>);

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Does nothing: whoever draws says when the frame is complete.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    ///
    /// If standard input or output is no terminal, or the terminal fails. It is then as before.
    pub fn enter() -> Result<Self, TerminalError> {
        for (is_terminal, stream) in [
            (io::stdin().is_terminal(), "standard input"),
            (io::stdout().is_terminal(), "standard output"),
        ] {
            if !is_terminal {
                return Err(TerminalError::NotATerminal(stream));
            }
        }
        restore_on_panic();
        TAKEN.store(true, Ordering::SeqCst);
        Self::take().inspect_err(|_| restore())
    }

    fn take() -> Result<Self, TerminalError> {
        enable_raw_mode()?;
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            EnableBracketedPaste,
            PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES),
            SetCursorStyle::SteadyBar,
        )?;
        let pending = Pending::default();
        let backend = CrosstermBackend::new(pending.clone());
        let size = backend.size()?;
        // A fixed viewport, or the size would be asked for again with each frame.
        let viewport = Viewport::Fixed(Rect::from((Position::ORIGIN, size)));
        Ok(Self {
            terminal: Terminal::with_options(backend, TerminalOptions { viewport })?,
            pending,
            size,
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
    /// If the terminal does not say its size, or cannot be written to.
    pub fn resized(&mut self) -> io::Result<()> {
        self.size = self.terminal.size()?;
        self.terminal
            .resize(Rect::from((Position::ORIGIN, self.size)))
    }

    /// Asks for the colour of the background (OSC 11). The answer, if there is one, is [heard](super::input::Heard).
    ///
    /// # Errors
    ///
    /// If the terminal cannot be written to.
    pub fn ask_ground(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(b"\x1b]11;?\x07")?;
        out.flush()
    }

    /// Draws one frame: the cells that changed, in one piece on terminals that can.
    ///
    /// # Errors
    ///
    /// If the terminal cannot be written to.
    pub fn draw(&mut self, view: &View<'_>) -> io::Result<()> {
        queue!(self.pending, BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| draw(frame, view))?;
        queue!(self.pending, EndSynchronizedUpdate)?;
        let mut out = io::stdout().lock();
        out.write_all(&self.pending.0.borrow())?;
        self.pending.0.borrow_mut().clear();
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
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
        DisableBracketedPaste,
        SetCursorStyle::DefaultUserShape,
        Show,
        LeaveAlternateScreen,
    );
    let _gone = out.flush();
    let _gone = disable_raw_mode();
}

fn restore_on_panic() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            restore();
            print(info);
        }));
    });
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
