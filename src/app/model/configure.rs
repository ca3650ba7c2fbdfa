//! What settings, `.editorconfig` and the text itself say of how the file is written.

use std::num::NonZeroUsize;

use super::Model;
use crate::app::config::Settings;
use crate::app::editor::Habits;
use crate::document::comment;
use crate::document::display::DisplayOptions;
use crate::document::format::LineEnding;
use crate::document::indent::{Indent, detected};
use crate::document::position::{CharPos, Line, line_at, line_end, line_start, line_text};
use crate::session::Time;
use crate::storage::Rules;

/// The widest tab and the widest step of indentation, in cells.
const WIDEST: usize = 16;

impl Model {
    /// Takes over what the person has chosen, and the rules for the file.
    pub(in crate::app) fn configure(&mut self, settings: Settings, rules: Rules) {
        self.settings = settings;
        self.rules = rules;
        // A file that exists keeps its line ends.
        if let Some(crlf) = rules.crlf
            && self.core.document().is_empty()
        {
            self.format.line_ending = if crlf {
                LineEnding::CrLf
            } else {
                LineEnding::Lf
            };
        }
        self.take_habits();
    }

    /// Finds out how the file is written: what is written down comes first, then what the text shows,
    /// then what the person prefers.
    pub(super) fn take_habits(&mut self) {
        let width = |given: Option<usize>| {
            given
                .and_then(NonZeroUsize::new)
                .filter(|width| width.get() <= WIDEST)
        };
        let (soft, step) = detected(self.core.document().rope()).unzip();
        let tab_width = width(self.rules.tab_width)
            .or(self.settings.tab_width)
            .unwrap_or_else(|| DisplayOptions::default().tab_width);
        let soft = self.rules.soft_tabs.or(soft).or(self.settings.soft_tabs);
        let soft = soft.unwrap_or(false);
        let step = if soft {
            width(self.rules.indent)
                .or_else(|| step.flatten())
                .unwrap_or(tab_width)
        } else {
            tab_width
        };
        let habits = Habits {
            indent: Indent { soft, width: step },
            auto_indent: self.settings.auto_indent,
            comment: comment::of_file(&self.file_name),
        };
        self.editor.set_habits(habits, tab_width);
    }

    /// Before the person saves: the blanks at the ends of lines go and the last line gets its end, if
    /// the rules say so. Lines in which somebody's cursor is are left alone.
    pub(super) fn tidy(&mut self, now: Time) {
        let document = self.core.document();
        let rope = document.rope();
        let mut edits = Vec::new();
        if self.rules.trim == Some(true) {
            let others = self.core.session().presences();
            let others =
                others.filter_map(|(_, _, presence)| document.position(presence.cursor.as_ref()?));
            let cursors = others.chain([self.editor.cursor(&self.core)]);
            let taken: Vec<Line> = cursors.map(|at| line_at(rope, at)).collect();
            for line in (0..rope.len_lines()).map(Line) {
                let text = line_text(rope, line);
                let blanks = text.chars_at(text.len_chars()).reversed();
                let blanks = blanks.take_while(|c| c.is_whitespace()).count();
                if blanks > 0 && !taken.contains(&line) {
                    let end = line_end(rope, line);
                    let from = CharPos(end.0 - blanks);
                    edits.push((from.max(line_start(rope, line))..end, String::new()));
                }
            }
        }
        let end = CharPos(rope.len_chars());
        let last = end.0.checked_sub(1).and_then(|last| rope.get_char(last));
        if self.rules.final_newline == Some(true) && last.is_some_and(|last| last != '\n') {
            edits.push((end..end, "\n".to_owned()));
        }
        self.core.edit_all(&edits, now);
    }
}
