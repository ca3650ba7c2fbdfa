//! Help, and choosing a command by a few letters.

use super::{Effect, Model};
use crate::app::prompt::{Prompt, Question};
use crate::session::Time;
use crate::ui::action::{Action, Command, Mouse};
use crate::ui::palette::{help, matching};
use crate::ui::view::{Level, List};

/// How far a page goes.
const PAGE: isize = 10;
/// How far the wheel goes by a notch.
const NOTCH: isize = 3;

impl Model {
    /// Tells a newcomer where to look, unless there is something else to say.
    pub(in crate::app) fn say_where_help_is(&mut self) {
        if self.looks.newcomer && self.notice.is_none() {
            let keymap = &self.settings.keymap;
            let said: Vec<String> = [
                (Command::Help, "help"),
                (Command::Palette, "commands"),
                (Command::Save, "save"),
                (Command::Quit, "quit"),
            ]
            .into_iter()
            .filter_map(|(command, word)| {
                Some(format!("{} {word}", keymap.chords(command).next()?))
            })
            .collect();
            self.say(Level::Info, said.join(", "));
        }
    }

    /// Opens help or the palette; whether that was asked for.
    pub(super) fn open_list(&mut self, command: Command) -> bool {
        match command {
            Command::Help => self.help = Some(0),
            Command::Palette => {
                self.prompt = Some(Prompt::new(Question::Command { at: 0 }, ""));
            }
            _ => return false,
        }
        if std::mem::take(&mut self.looks.newcomer) {
            self.effects.push(Effect::Remember(self.looks));
        }
        true
    }

    /// Closes the members for a press of the mouse, which may be at text that they hide; whether that was it.
    pub(super) fn press_closes_panel(&mut self, action: &Action) -> bool {
        let press = matches!(action, Action::Mouse(Mouse::Press, _)) && self.prompt.is_none();
        let closes = press && self.panel.take().is_some();
        if closes {
            self.editor.is_missed();
        }
        closes
    }

    /// Scrolls the members, if they are open and there are more than fit; whether that was asked for.
    pub(super) fn scroll_panel(&mut self, action: &Action) -> bool {
        let (Some(top), Some(by), None) = (&mut self.panel, step(action), &self.prompt) else {
            return false;
        };
        if self.scroll_end > 0 {
            *top = top.saturating_add_signed(by).min(self.scroll_end);
        }
        self.scroll_end > 0
    }

    /// Scrolls the help; whether that was asked for. Any other key closes it.
    pub(super) fn scroll_help(&mut self, action: &Action) -> bool {
        let Some(at) = self.help.take() else {
            return false;
        };
        if let Some(by) = step(action) {
            self.help = Some(at.saturating_add_signed(by).min(self.scroll_end));
            return true;
        }
        if let Action::Mouse(mouse, _) = action {
            self.help = Some(at).filter(|_| *mouse != Mouse::Press);
            self.editor.is_missed();
            return true;
        }
        matches!(action, Action::Do(Command::Escape | Command::Help))
    }

    /// Goes on with choosing a command.
    pub(super) fn choose(&mut self, mut prompt: Prompt, at: usize, action: Action, now: Time) {
        let found = matching(&prompt.answer(), &self.settings.keymap);
        if action == Action::Do(Command::Newline) {
            if let Some((command, _)) = found.get(at) {
                self.command(*command, false, now);
            }
            return;
        }
        let at = match step(&action) {
            Some(by) => at
                .saturating_add_signed(by)
                .min(found.len().saturating_sub(1)),
            None => {
                self.edit_answer(&mut prompt, action);
                0
            }
        };
        prompt.question = Question::Command { at };
        self.prompt = Some(prompt);
    }

    /// The list that is open.
    pub(in crate::app) fn list(&self) -> Option<List> {
        let keymap = &self.settings.keymap;
        if let Some(prompt) = &self.prompt
            && let Question::Command { at } = prompt.question
        {
            let found = matching(&prompt.answer(), keymap);
            return Some(List {
                title: " Commands ".to_owned(),
                entries: found.into_iter().map(|(_, entry)| entry).collect(),
                at,
                choosing: true,
            });
        }
        self.help.map(|at| List {
            title: " Help: up and down scroll, Esc closes ".to_owned(),
            entries: help(keymap),
            at,
            choosing: false,
        })
    }
}

/// How many entries an action goes on.
const fn step(action: &Action) -> Option<isize> {
    match action {
        Action::Do(Command::Up) => Some(-1),
        Action::Do(Command::Down) => Some(1),
        Action::Do(Command::PageUp) => Some(-PAGE),
        Action::Do(Command::PageDown) => Some(PAGE),
        Action::Mouse(Mouse::Wheel(notches), _) => Some(*notches as isize * NOTCH),
        _ => None,
    }
}
