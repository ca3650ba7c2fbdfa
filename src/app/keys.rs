//! What the terminal says, as the event loop hears it.

use std::collections::VecDeque;

use anyhow::Result;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use super::config::Keymap;
use super::unix::{TerminalInput, terminal_input};
use crate::ui::input::{Heard, Input};

/// The most bytes taken from the terminal at once: as many as Linux keeps for a program that does not read.
const READ_BYTES: usize = 4 << 10;

/// The keys, and what else the terminal says.
pub(super) struct Keys {
    /// `None` once it is gone.
    terminal: Option<TerminalInput>,
    input: Input,
    heard: VecDeque<Heard>,
    /// Until when what has begun waits for more.
    until: Option<Instant>,
    buffer: Box<[u8; READ_BYTES]>,
}

impl Keys {
    pub(super) fn new(keymap: Keymap) -> Result<Self> {
        Ok(Self {
            terminal: Some(terminal_input(std::io::stdin())?),
            input: Input::new(keymap),
            heard: VecDeque::new(),
            until: None,
            buffer: Box::new([0; READ_BYTES]),
        })
    }

    /// Looks out for the answer to what the background is.
    pub(super) const fn expect_ground(&mut self) {
        self.input.expect_ground();
    }

    /// What is heard next; `None`, once, if the terminal is gone. May be cancelled at any time.
    pub(super) async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return Some(heard);
            }
            let Some(terminal) = &mut self.terminal else {
                return std::future::pending().await;
            };
            let read = terminal.read(&mut *self.buffer);
            let read = match self.until {
                Some(until) => tokio::time::timeout_at(until, read).await,
                None => Ok(read.await),
            };
            match read {
                Ok(Ok(count)) if count > 0 => {
                    self.input.take(&self.buffer[..count], &mut self.heard);
                    let patience = self.input.patience();
                    self.until = patience.map(|patience| Instant::now() + patience);
                }
                Ok(gone) => {
                    tracing::info!("the terminal is gone: {:?}", gone.err());
                    self.terminal = None;
                    return None;
                }
                Err(_nothing_follows) => {
                    self.until = None;
                    self.input.settle(&mut self.heard);
                }
            }
        }
    }
}
