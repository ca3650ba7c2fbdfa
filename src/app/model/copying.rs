//! Copy, cut and paste.

use super::{Effect, Model};
use crate::app::clipboard::Way;
use crate::document::EditKind;
use crate::session::Time;
use crate::ui::action::Action;
use crate::ui::input::normalised;
use crate::ui::view::Level;

impl Model {
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
        let text = text.to_string();
        let did = if cut { "Cut" } else { "Copied" };
        let what = match (text.lines().count(), text.chars().count()) {
            (1, 1) => "1 character".to_owned(),
            (1, chars) if !text.ends_with('\n') => format!("{chars} characters"),
            (1, _) => "1 line".to_owned(),
            (lines, _) => format!("{lines} lines"),
        };
        self.copied = (text.clone(), format!("{did} {what}"));
        self.effects.push(Effect::Copy(text));
        if cut {
            self.core.edit(range.clone(), "", EditKind::Whole, now);
            self.editor.select(&self.core, None, range.start);
        }
    }

    /// Says what was copied, and where it went.
    pub(super) fn copied(&mut self, way: Way) {
        let level = match way {
            Way::TooLong => Level::Warning,
            Way::Desktop | Way::Terminal | Way::Internal => Level::Info,
        };
        self.say(level, format!("{} ({})", self.copied.1, way.words()));
    }

    /// Inserts what is in the clipboard, or what was copied here last, as one edit.
    pub(super) fn pasted(&mut self, text: Option<String>, now: Time) {
        let text = text.map(|text| normalised(&text));
        let text = text.filter(|text| !text.is_empty());
        let text = text.unwrap_or_else(|| self.copied.0.clone());
        self.editor.act(Action::Paste(text), &mut self.core, now);
    }
}
