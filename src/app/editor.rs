//! One person's hands on the document: caret, selection, scrolling.
//!
//! Caret and selection are anchors, so they stay at the same text whatever others edit, and what
//! somebody inserts at the caret does not push it. Everything here is the answer to one
//! [`Action`]; none of it does IO.

mod lines;
mod mouse;

use std::num::NonZeroUsize;
use std::ops::Range;

use ratatui::layout::Rect;

use super::core::Core;
use super::looks::Looks;
use crate::crdt::{Anchor, Bias};
use crate::document::comment::Comment;
use crate::document::display::DisplayOptions;
use crate::document::grapheme::{next_grapheme_boundary, prev_grapheme_boundary};
use crate::document::indent::Indent;
use crate::document::motion::{self, Caret, Motion};
use crate::document::position::Column;
use crate::document::{CharPos, EditKind, Rope};
use crate::session::Time;
use crate::ui::action::{Action, Command};
use crate::ui::view::{Scroll, scroll_into_view};

/// See the module.
pub(super) struct Editor {
    caret: Anchor,
    goal: Option<Column>,
    /// The end of the selection that stays; the caret is the other one.
    mark: Option<Anchor>,
    /// The first visible row, held by the text there, and the first visible column.
    top: Anchor,
    left: Column,
    options: DisplayOptions,
    /// Of the text on the screen.
    area: Rect,
    /// Whether the wheel has taken the view away from the caret.
    is_scrolled_away: bool,
    press: Option<mouse::Press>,
    habits: Habits,
}

/// How this file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Habits {
    pub(super) indent: Indent,
    /// Whether a new line starts with the blanks of the one before.
    pub(super) auto_indent: bool,
    /// How lines are made comments, if that is known.
    pub(super) comment: Option<Comment>,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            indent: Indent {
                soft: false,
                width: DisplayOptions::default().tab_width,
            },
            auto_indent: true,
            comment: None,
        }
    }
}

impl Default for Editor {
    fn default() -> Self {
        Self {
            caret: Anchor::START,
            goal: None,
            mark: None,
            top: Anchor::START,
            left: Column(0),
            options: DisplayOptions::default(),
            area: Rect::ZERO,
            is_scrolled_away: false,
            press: None,
            habits: Habits::default(),
        }
    }
}

impl Editor {
    /// Takes over how the file is written; `tab_width` is how wide its tabs are shown.
    pub(super) fn set_habits(&mut self, habits: Habits, tab_width: NonZeroUsize) {
        self.habits = habits;
        self.options.tab_width = tab_width;
    }

    /// Where the caret is.
    pub(super) fn cursor(&self, core: &Core) -> CharPos {
        core.document().position(&self.caret).unwrap_or_default()
    }

    /// What is selected, if anything.
    pub(super) fn selection(&self, core: &Core) -> Option<Range<CharPos>> {
        let mark = core.document().position(self.mark.as_ref()?)?;
        let caret = self.cursor(core);
        (mark != caret).then(|| mark.min(caret)..mark.max(caret))
    }

    /// Caret and selection as the others are told of them.
    pub(super) fn presence(&self, core: &Core) -> (Anchor, Option<(Anchor, Anchor)>) {
        let selection = self.selection(core).map(|range| {
            // Held by the outermost selected characters, so that it does not grow at its ends.
            let document = core.document();
            (
                document.anchor(range.start, Bias::Before),
                document.anchor(range.end, Bias::After),
            )
        });
        (self.caret, selection)
    }

    /// Puts the caret there, if that is anywhere.
    pub(super) fn go_to(&mut self, core: &Core, at: Option<CharPos>) {
        self.land(core, at);
    }

    /// The part of the text around `focus` that shows in this area of the screen.
    pub(super) fn scroll(
        &mut self,
        core: &Core,
        area: Rect,
        looks: Looks,
        focus: Option<CharPos>,
    ) -> Scroll {
        let size = area.as_size();
        if size.width != self.area.width || looks.wrap {
            // What was too narrow for the line may show it from its start now.
            self.left = Column(0);
        }
        self.options.wrap = looks.wrap;
        self.options.whitespace = looks.whitespace;
        self.area = area;
        // One column is left for the cursor behind a full row.
        self.options.columns = usize::from(size.width).saturating_sub(1).max(1);
        let document = core.document();
        let mut scroll = Scroll {
            top: document.position(&self.top).unwrap_or_default(),
            left: self.left,
        };
        if self.is_scrolled_away && focus.is_none() {
            let top = scroll.top;
            scroll_into_view(document.rope(), top, size, &self.options, &mut scroll);
            scroll.left = self.left;
        } else {
            let focus = focus.unwrap_or_else(|| self.cursor(core));
            scroll_into_view(document.rope(), focus, size, &self.options, &mut scroll);
        }
        self.top = document.anchor(scroll.top, Bias::Before);
        self.left = scroll.left;
        scroll
    }

    /// Where on the screen the text was drawn last.
    #[cfg(test)]
    pub(super) const fn area(&self) -> Rect {
        self.area
    }

    /// How text is shown.
    pub(super) const fn options(&self) -> DisplayOptions {
        self.options
    }

    /// What is selected, or, if `lines`, what lines the caret is in.
    pub(super) fn taken(&self, core: &Core, lines: bool) -> Option<Range<CharPos>> {
        let lines = lines.then(|| self.whole_lines(core));
        let taken = self.selection(core).or(lines);
        taken.filter(|range| range.start < range.end)
    }

    /// The other end of the selection, if there is one, and the caret.
    pub(super) fn marks(&self, core: &Core) -> (Option<CharPos>, CharPos) {
        let mark = self.mark.and_then(|mark| core.document().position(&mark));
        (mark, self.cursor(core))
    }

    /// Whether there is something to copy.
    pub(super) fn has_selection(&self, core: &Core) -> bool {
        self.selection(core).is_some()
    }

    /// Does what the person asks for, if it concerns the text.
    pub(super) fn act(&mut self, action: Action, core: &mut Core, now: Time) {
        self.is_scrolled_away &= matches!(action, Action::Resize | Action::Mouse(..));
        match action {
            Action::Insert(c) => {
                self.replace_selection(core, c.encode_utf8(&mut [0; 4]), EditKind::Type, now);
            }
            Action::Paste(text) => self.replace_selection(core, &text, EditKind::Whole, now),
            Action::Do(command) => self.command(command, core, now),
            // What was scrolled away on a narrow screen may fit on the new one.
            Action::Resize => self.left = Column(0),
            Action::Mouse(mouse, cell) => self.mouse(mouse, cell, core, now),
        }
    }

    fn command(&mut self, command: Command, core: &mut Core, now: Time) {
        if let Some((motion, select)) = command.motion() {
            return self.go(core, motion, select);
        }
        match command {
            Command::Newline => self.break_line(core, now),
            Command::Tab => self.tab(core, now),
            Command::Outdent => self.outdent(core, now),
            Command::DeleteLines => self.delete_lines(core, now),
            Command::MoveLinesUp => self.move_lines_up(core, now),
            Command::MoveLinesDown => self.move_lines_down(core, now),
            Command::DuplicateLines => self.duplicate_lines(core, now),
            Command::ToggleComment => self.toggle_comment(core, now),
            Command::Backspace => {
                let habits = self.habits;
                let start = |rope: &Rope, at| lines::before_soft_tab(rope, at, habits);
                self.erase(core, now, |rope, at| {
                    start(rope, at).unwrap_or_else(|| prev_grapheme_boundary(rope, at))..at
                });
            }
            Command::Delete => {
                self.erase(core, now, |rope, at| at..next_grapheme_boundary(rope, at));
            }
            Command::DeleteWordLeft => {
                self.erase(core, now, |rope, at| motion::word_left(rope, at)..at);
            }
            Command::DeleteWordRight => {
                self.erase(core, now, |rope, at| at..motion::word_right(rope, at));
            }
            Command::SelectAll => {
                self.select(core, Some(CharPos(0)), CharPos(core.document().len()));
            }
            Command::Undo => {
                let caret = core.undo();
                self.land(core, caret);
            }
            Command::Redo => {
                let caret = core.redo();
                self.land(core, caret);
            }
            Command::Escape => self.select(core, None, self.cursor(core)),
            _ => {}
        }
    }

    fn go(&mut self, core: &Core, motion: Motion, select: bool) {
        let document = core.document();
        let at = self.cursor(core);
        // Without Shift, an arrow leaves a selection at that end of it.
        let from = match (self.selection(core).filter(|_| !select), motion) {
            (Some(range), Motion::Left) => Some(range.start),
            (Some(range), Motion::Right) => Some(range.end),
            _ => None,
        };
        let mark = self.mark.and_then(|mark| document.position(&mark));
        let mark = select.then(|| mark.unwrap_or(at));
        let caret = match from {
            Some(at) => Caret::new(at),
            None => motion::moved(
                document.rope(),
                Caret {
                    at,
                    goal: self.goal,
                },
                motion,
                usize::from(self.area.height).saturating_sub(1).max(1),
                &self.options,
            ),
        };
        self.select(core, mark, caret.at);
        self.goal = caret.goal;
    }

    fn replace_selection(&mut self, core: &mut Core, text: &str, kind: EditKind, now: Time) {
        let at = self.cursor(core);
        let (range, kind) = match self.selection(core) {
            Some(range) => (range, EditKind::Whole),
            None => (at..at, kind),
        };
        let end = CharPos(range.start.0 + text.chars().count());
        self.edit(core, range, text, kind, now);
        self.land(core, Some(end));
    }

    /// Edits. Others' text in front of the first row stays above the screen; one's own is seen.
    fn edit(
        &mut self,
        core: &mut Core,
        range: Range<CharPos>,
        text: &str,
        kind: EditKind,
        now: Time,
    ) {
        let start = range.start;
        let is_first = core.document().position(&self.top) == Some(start);
        core.edit(range, text, kind, now);
        if is_first {
            self.top = core.document().anchor(start, Bias::Before);
        }
    }

    /// Deletes the selection, or what `range` gives for the caret.
    fn erase(
        &mut self,
        core: &mut Core,
        now: Time,
        range: impl FnOnce(&Rope, CharPos) -> Range<CharPos>,
    ) {
        let at = self.cursor(core);
        let (range, kind) = match self.selection(core) {
            Some(selected) => (selected, EditKind::Whole),
            None => (range(core.document().rope(), at), EditKind::Erase),
        };
        let start = range.start;
        core.edit(range, "", kind, now);
        self.land(core, Some(start));
    }

    /// Selects what lies between two places, if there is a mark, with the caret at the second. Both are
    /// held by the outermost selected characters, so that a selection does not grow at its ends.
    pub(super) fn select(&mut self, core: &Core, mark: Option<CharPos>, caret: CharPos) {
        self.put(core, caret);
        // Nothing is selected then, and nothing that others write there is to be.
        let Some(mark) = mark.filter(|mark| *mark != caret) else {
            self.mark = None;
            return;
        };
        let (first, last) = if mark <= caret {
            (Bias::Before, Bias::After)
        } else {
            (Bias::After, Bias::Before)
        };
        self.mark = Some(core.document().anchor(mark, first));
        self.caret = core.document().anchor(caret, last);
    }

    /// Puts the caret where an edit ended; nothing is selected then.
    fn land(&mut self, core: &Core, caret: Option<CharPos>) {
        if let Some(caret) = caret {
            self.mark = None;
            self.put(core, caret);
        }
    }

    fn put(&mut self, core: &Core, at: CharPos) {
        self.caret = core.document().anchor(at, Bias::After);
        self.goal = None;
    }
}
