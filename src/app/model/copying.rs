//! Copy, cut and paste.

use std::time::Duration;

use super::{Effect, Model};
use crate::app::clipboard::Way;
use crate::app::config::Clipboard;
use crate::document::EditKind;
use crate::session::Time;
use crate::ui::action::{Action, Command};
use crate::ui::input::normalised;
use crate::ui::view::Level;

/// How long the desktop's clipboard is waited for. (It answers in milliseconds, or not at all.)
const PATIENCE: Duration = Duration::from_secs(1);

/// How many keys wait for it at most; then it is waited for no longer.
const MAX_HELD: usize = 1024;

/// A paste that has been asked for, and what the person did since.
pub(in crate::app) struct Pasting {
    until: Time,
    held: Vec<Action>,
}

/// The clipboard has not answered in time.
pub(super) struct Late;

impl Model {
    /// Takes in what the person does, in its turn: not before a paste that was asked for earlier.
    pub(super) fn take_turn(&mut self, action: Action, now: Time) {
        match &mut self.pasting {
            Some(pasting) if action != Action::Resize => {
                pasting.held.push(action);
                if pasting.held.len() >= MAX_HELD {
                    self.pasted(Err(Late), now);
                }
            }
            _ => self.act(action, now),
        }
    }

    /// Pastes into the text, or into the answer that is being typed.
    pub(super) fn fetch_paste(&mut self, now: Time) {
        if self.settings.clipboard != Clipboard::Desktop {
            // Where only this editor knows, it is there at once, before the next key.
            return self.paste(None, now);
        }
        self.pasting = Some(Pasting {
            until: now + PATIENCE,
            held: Vec::new(),
        });
        self.effects.push(Effect::Paste);
    }

    /// When the clipboard has been waited for long enough.
    pub(super) fn paste_due(&self) -> Option<Time> {
        self.pasting.as_ref().map(|pasting| pasting.until)
    }

    /// Gives up waiting for the clipboard, if it is time.
    pub(super) fn paste_overdue(&mut self, now: Time) {
        if self.paste_due().is_some_and(|until| until <= now) {
            self.pasted(Err(Late), now);
        }
    }

    /// Copies the selection; a cut without one takes the line.
    pub(super) fn copy(&mut self, cut: bool, now: Time) {
        let Some(range) = self.editor.taken(&self.core, cut) else {
            return;
        };
        let text = self
            .core
            .document()
            .rope()
            .slice(range.start.0..range.end.0);
        self.give(text.to_string(), cut);
        if cut {
            self.core.edit(range.clone(), "", EditKind::Whole, now);
            self.editor.select(&self.core, None, range.start);
        }
    }

    /// Copies the answer that is being typed, if it is selected; a cut takes it in any case.
    pub(super) fn copy_answer(&mut self, cut: bool, now: Time) {
        let prompt = self.prompt.as_ref();
        let Some(text) = prompt.and_then(|prompt| prompt.taken(cut)) else {
            return;
        };
        self.give(text, cut);
        if cut {
            self.answer(Action::Do(Command::SelectAll), now);
            self.answer(Action::Do(Command::Delete), now);
        }
    }

    /// Gives a text to the clipboard.
    fn give(&mut self, text: String, cut: bool) {
        let did = if cut { "Cut" } else { "Copied" };
        let what = match (text.lines().count(), text.chars().count()) {
            (1, 1) => "1 character".to_owned(),
            (1, chars) if !text.ends_with('\n') => format!("{chars} characters"),
            (1, _) => "1 line".to_owned(),
            (lines, _) => format!("{lines} lines"),
        };
        self.copied = (text.clone(), format!("{did} {what}"));
        self.effects.push(Effect::Copy(text));
    }

    /// Says what was copied, and where it went.
    pub(super) fn copied(&mut self, way: Way) {
        let level = match way {
            Way::TooLong => Level::Warning,
            Way::Desktop | Way::Terminal | Way::Internal => Level::Info,
        };
        self.say(level, format!("{} ({})", self.copied.1, way.words()));
    }

    /// Takes in what the clipboard holds, if it is still waited for, and what was done meanwhile.
    pub(super) fn pasted(&mut self, text: Result<Option<String>, Late>, now: Time) {
        let Some(pasting) = self.pasting.take() else {
            return;
        };
        let late = text.is_err();
        if let Ok(text) = text {
            self.paste(text, now);
        }
        for action in pasting.held {
            self.take_turn(action, now);
        }
        if late {
            self.dirty = true;
            self.say(Level::Warning, "The desktop's clipboard does not answer");
        }
    }

    /// Inserts a text, or what was copied here last, as one edit.
    pub(super) fn paste(&mut self, text: Option<String>, now: Time) {
        let text = text.map(|text| normalised(&text));
        let text = text.filter(|text| !text.is_empty());
        let text = text.unwrap_or_else(|| self.copied.0.clone());
        if !text.is_empty() {
            self.act(Action::Paste(text), now);
        }
    }
}
