//! What is done to whole lines: those of the selection, or the caret's.

use std::ops::Range;

use super::{Editor, Habits};
use crate::app::core::Core;
use crate::document::comment::Comment;
use crate::document::motion::{column_of, is_blank};
use crate::document::position::{Line, last_line, line_at, line_end, line_start, line_text};
use crate::document::{CharPos, EditKind, Rope};
use crate::session::Time;

impl Editor {
    /// Breaks the line; the new one starts with the same blanks.
    pub(super) fn break_line(&mut self, core: &mut Core, now: Time) {
        let rope = core.document().rope();
        let at = self
            .selection(core)
            .map_or_else(|| self.cursor(core), |range| range.start);
        let line = line_at(rope, at);
        let before = at - line_start(rope, line);
        let text = line_text(rope, line);
        let blanks = blanks(text.chars().take(before));
        if !self.habits.auto_indent || blanks == 0 {
            self.replace_selection(core, "\n", EditKind::Type, now);
        } else if blanks == before && self.selection(core).is_none() {
            // No blanks are left at a line's end.
            let start = line_start(rope, line);
            self.edit(core, start..start, "\n", EditKind::Type, now);
            self.land(core, Some(at + 1));
        } else {
            let text = format!("\n{}", text.slice(..blanks));
            self.replace_selection(core, &text, EditKind::Type, now);
        }
    }

    /// Indents selected lines, or inserts a tab, hard or soft.
    pub(super) fn tab(&mut self, core: &mut Core, now: Time) {
        let rope = core.document().rope();
        let lines = self.lines(core);
        let indent = self.habits.indent;
        if lines.len() > 1 {
            let filled = lines.filter(|&line| !is_blank(rope, Line(line)));
            let edits = filled.map(|line| {
                let start = line_start(rope, Line(line));
                (start..start, indent.text())
            });
            let edits: Vec<_> = edits.collect();
            core.edit_all(&edits, now);
            return;
        }
        let at = self
            .selection(core)
            .map_or_else(|| self.cursor(core), |range| range.start);
        let column = column_of(rope, at, &self.options);
        self.replace_selection(core, &indent.text_from(column.0), EditKind::Type, now);
    }

    /// Takes one step of indentation from the lines that have any.
    pub(super) fn outdent(&mut self, core: &mut Core, now: Time) {
        let rope = core.document().rope();
        let edits = self.lines(core).filter_map(|line| {
            let start = line_start(rope, Line(line));
            let first = self
                .habits
                .indent
                .first(line_text(rope, Line(line)).chars());
            (first > 0).then(|| (start..start + first, String::new()))
        });
        let edits: Vec<_> = edits.collect();
        core.edit_all(&edits, now);
    }

    /// Deletes the lines.
    pub(super) fn delete_lines(&mut self, core: &mut Core, now: Time) {
        let lines = self.lines(core);
        let mut range = self.whole_lines(core);
        let rope = core.document().rope();
        if lines.end > last_line(rope).0 {
            // The last line has no break of its own; that of the one before goes.
            range.start = CharPos(range.start.0.saturating_sub(1));
        }
        core.edit(range, "", EditKind::Whole, now);
        let rope = core.document().rope();
        let line = Line(lines.start).min(last_line(rope));
        self.land(core, Some(line_start(rope, line)));
    }

    /// Moves the lines up: the one above goes below them, so that everybody's carets in them stay.
    pub(super) fn move_lines_up(&mut self, core: &mut Core, now: Time) {
        let rope = core.document().rope();
        let lines = self.lines(core);
        let Some(above) = lines.start.checked_sub(1) else {
            return;
        };
        let text = line_text(rope, Line(above)).to_string();
        let by = text.chars().count() + 1;
        let from = line_start(rope, Line(above));
        let below = line_start(rope, Line(lines.end));
        let put = if lines.end <= last_line(rope).0 {
            (below..below, text + "\n")
        } else {
            (below..below, format!("\n{text}"))
        };
        let edits = [(from..from + by, String::new()), put];
        self.shifted(
            core,
            |core| core.edit_all(&edits, now),
            |at| CharPos(at.0 - by),
        );
    }

    /// Moves the lines down: the one below goes above them.
    pub(super) fn move_lines_down(&mut self, core: &mut Core, now: Time) {
        let rope = core.document().rope();
        let lines = self.lines(core);
        let below = Line(lines.end);
        let (start, end) = (line_start(rope, below), line_end(rope, below));
        // The empty line behind a final line break is no line to go below of.
        if below > last_line(rope) || (start == end && below == last_line(rope)) {
            return;
        }
        let text = line_text(rope, below).to_string() + "\n";
        let by = text.chars().count();
        let above = line_start(rope, Line(lines.start));
        let taken = if below == last_line(rope) {
            CharPos(start.0 - 1)..end
        } else {
            start..start + by
        };
        let edits = [(above..above, text), (taken, String::new())];
        self.shifted(core, |core| core.edit_all(&edits, now), |at| at + by);
    }

    /// Puts a copy of the lines below them; caret and selection go to the copy.
    pub(super) fn duplicate_lines(&mut self, core: &mut Core, now: Time) {
        let rope = core.document().rope();
        let lines = self.lines(core);
        let start = line_start(rope, Line(lines.start));
        let end = line_end(rope, Line(lines.end - 1));
        let text = format!("\n{}", rope.slice(start.0..end.0));
        let by = text.chars().count();
        let edits = [(end..end, text)];
        self.shifted(core, |core| core.edit_all(&edits, now), |at| at + by);
    }

    /// Makes the lines comments; if all of them are, makes them text again.
    pub(super) fn toggle_comment(&mut self, core: &mut Core, now: Time) {
        let Some(comment) = self.habits.comment else {
            return;
        };
        let rope = core.document().rope();
        let filled = self.lines(core).map(Line);
        let filled: Vec<Line> = filled.filter(|&line| !is_blank(rope, line)).collect();
        let marks: Option<Vec<_>> = filled
            .iter()
            .map(|&line| commented(rope, line, comment))
            .collect();
        let mut edits = Vec::new();
        if let Some(marks) = marks {
            let ranges = marks
                .into_iter()
                .flatten()
                .filter(|range| range.start < range.end);
            edits.extend(ranges.map(|range| (range, String::new())));
        } else {
            let indents = filled
                .iter()
                .map(|&line| blanks(line_text(rope, line).chars()));
            let least = indents.min().unwrap_or(0);
            for line in filled {
                let at = line_start(rope, line) + least;
                edits.push((at..at, format!("{} ", comment.open)));
                if !comment.close.is_empty() {
                    let end = line_end(rope, line);
                    edits.push((end..end, format!(" {}", comment.close)));
                }
            }
        }
        core.edit_all(&edits, now);
    }

    /// The numbers of the lines that the selection touches, or of the caret's. A selection that ends at
    /// a line's start does not touch that line.
    fn lines(&self, core: &Core) -> Range<usize> {
        let rope = core.document().rope();
        let at = self.cursor(core);
        let range = self.selection(core).unwrap_or(at..at);
        let first = line_at(rope, range.start);
        let mut last = line_at(rope, range.end);
        if last > first && line_start(rope, last) == range.end {
            last.0 -= 1;
        }
        first.0..last.0 + 1
    }

    /// The characters of these lines, with their breaks.
    pub(super) fn whole_lines(&self, core: &Core) -> Range<CharPos> {
        let rope = core.document().rope();
        let lines = self.lines(core);
        line_start(rope, Line(lines.start))..line_start(rope, Line(lines.end))
    }

    /// Edits, and puts caret and selection where `place` says that each of them goes.
    fn shifted(
        &mut self,
        core: &mut Core,
        edit: impl FnOnce(&mut Core),
        place: impl Fn(CharPos) -> CharPos,
    ) {
        let caret = self.cursor(core);
        let mark = self.mark.and_then(|mark| core.document().position(&mark));
        edit(core);
        self.select(core, mark.map(&place), place(caret));
    }
}

/// Where a backspace at `at` goes that takes back a soft tab: nothing but spaces is before it.
pub(super) fn before_soft_tab(rope: &Rope, at: CharPos, habits: Habits) -> Option<CharPos> {
    let start = line_start(rope, line_at(rope, at));
    let before = at - start;
    let is_soft = habits.indent.soft && before > 0;
    if !is_soft || rope.slice(start.0..at.0).chars().any(|c| c != ' ') {
        return None;
    }
    Some(start + (before - 1) / habits.indent.width * habits.indent.width.get())
}

/// How many blanks a line starts with.
fn blanks(line: impl Iterator<Item = char>) -> usize {
    line.take_while(|c| c.is_whitespace()).count()
}

/// The two parts of a line that make it a comment, if it is one, each with one space beside it.
fn commented(rope: &Rope, line: Line, comment: Comment) -> Option<[Range<CharPos>; 2]> {
    let text = line_text(rope, line).to_string();
    let inner = text.trim();
    let inner = inner
        .strip_prefix(comment.open)?
        .strip_suffix(comment.close)?;
    let space = |is: bool| usize::from(is && inner.len() > 1);
    let open = blanks(text.chars());
    let open_len = comment.open.chars().count() + space(inner.starts_with(' '));
    let start = line_start(rope, line);
    let close = text.trim_end().chars().count();
    let close_len = match comment.close.chars().count() {
        0 => 0,
        len => len + space(inner.ends_with(' ')),
    };
    Some([
        start + open..start + (open + open_len),
        start + (close - close_len)..start + close,
    ])
}
