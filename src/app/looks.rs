//! How one person likes to see the text: what stays from one run of the program to the next.

use serde::{Deserialize, Serialize};

use crate::storage::paths;
use crate::ui::action::Command;

/// The name in the state folder.
const NAME: &str = "looks.json";

/// What can be switched while editing, and is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Looks {
    pub(super) wrap: bool,
    pub(super) line_numbers: bool,
    pub(super) whitespace: bool,
    /// Whether the person has neither asked for help nor for the palette yet.
    pub(super) newcomer: bool,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            wrap: false,
            line_numbers: true,
            whitespace: false,
            newcomer: true,
        }
    }
}

impl Looks {
    /// As they were left last.
    pub(super) fn load() -> Self {
        let kept = paths::kept(NAME).and_then(|bytes| serde_json::from_slice(&bytes).ok());
        kept.unwrap_or_default()
    }

    /// Remembers them. Blocks. One who has no state folder starts with the default again.
    pub(super) fn keep(self) {
        let kept = serde_json::to_vec(&self)
            .map_err(std::io::Error::other)
            .and_then(|bytes| paths::keep(NAME, &bytes));
        if let Err(why) = kept {
            tracing::warn!("how the text is shown cannot be remembered: {why}");
        }
    }

    /// Does what a command asks for and says so; `None` if it is about something else.
    pub(super) const fn switch(&mut self, command: Command) -> Option<&'static str> {
        let (switch, [on, off]) = match command {
            Command::Wrap => (
                &mut self.wrap,
                ["Long lines are wrapped", "Long lines are not wrapped"],
            ),
            Command::LineNumbers => (
                &mut self.line_numbers,
                ["Lines are numbered", "Lines are not numbered"],
            ),
            Command::Whitespace => (
                &mut self.whitespace,
                ["White space is shown", "White space is not shown"],
            ),
            _ => return None,
        };
        *switch = !*switch;
        Some(if *switch { on } else { off })
    }
}
