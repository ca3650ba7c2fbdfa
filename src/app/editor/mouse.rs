//! What the mouse does to caret, selection and the visible part of the text.

use std::ops::Range;

use ratatui::layout::Position;

use super::Editor;
use crate::app::core::Core;
use crate::crdt::{Anchor, Bias};
use crate::document::grapheme::snapped;
use crate::document::motion::word_around;
use crate::document::position::{Line, line_at, line_start};
use crate::document::rows::Row;
use crate::document::{CharPos, Rope};
use crate::session::Time;
use crate::ui::action::Mouse;
use crate::ui::view::position_at;

/// Within this time a second press at the same cell belongs to the first, in milliseconds. (Desktops
/// use 400 to 500.)
const AGAIN_MS: u64 = 400;

/// How many rows the wheel turns by a notch.
const NOTCH: isize = 3;

/// A press that a drag goes on with.
pub(super) struct Press {
    at: Time,
    cell: Position,
    /// Whether the mouse has been in another row since.
    has_moved: bool,
    unit: Unit,
    /// What the press selected; it stays selected while the mouse is dragged.
    held: (Anchor, Anchor),
}

/// What one, two and three presses take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Place,
    Word,
    Line,
}

impl Unit {
    fn around(self, rope: &Rope, at: CharPos) -> Range<CharPos> {
        match self {
            Self::Place => at..at,
            Self::Word => word_around(rope, at),
            Self::Line => {
                let line = line_at(rope, at);
                line_start(rope, line)..line_start(rope, Line(line.0 + 1))
            }
        }
    }
}

impl Editor {
    /// Takes in what the mouse does at a cell of the screen.
    pub(super) fn mouse(&mut self, mouse: Mouse, cell: Position, core: &Core, now: Time) {
        match mouse {
            Mouse::Press if self.has_row(cell) => self.press(cell, core, now),
            Mouse::Press => self.is_missed(),
            Mouse::Drag => self.drag(cell, core),
            Mouse::Release => {}
            Mouse::Wheel(notches) => self.turn_wheel(isize::from(notches) * NOTCH, core),
        }
    }

    /// Whether the cell is in a row of the text, in front of it or not.
    fn has_row(&self, cell: Position) -> bool {
        (self.area.top()..self.area.bottom()).contains(&cell.y)
    }

    /// A press is for something else than the text, and so is the drag that follows.
    pub(in crate::app) fn is_missed(&mut self) {
        self.press = None;
    }

    fn press(&mut self, cell: Position, core: &Core, now: Time) {
        self.is_scrolled_away = false;
        let unit = match &self.press {
            Some(last) if last.cell == cell && now.0.saturating_sub(last.at.0) < AGAIN_MS => {
                match last.unit {
                    Unit::Place => Unit::Word,
                    Unit::Word => Unit::Line,
                    Unit::Line => Unit::Place,
                }
            }
            _ => Unit::Place,
        };
        let document = core.document();
        let range = unit.around(document.rope(), self.place(cell, false, core));
        self.press = Some(Press {
            at: now,
            cell,
            has_moved: false,
            unit,
            held: (
                document.anchor(range.start, Bias::Before),
                document.anchor(range.end, Bias::After),
            ),
        });
        let mark = (unit != Unit::Place).then_some(range.start);
        self.select(core, mark, range.end);
    }

    /// Selects from what was pressed to the cell. At the edge of the text the view goes on by a row.
    fn drag(&mut self, cell: Position, core: &Core) {
        let Some(press) = &mut self.press else {
            return;
        };
        self.is_scrolled_away = false;
        press.has_moved |= press.cell.y != cell.y;
        let (unit, (start, end), has_moved) = (press.unit, press.held, press.has_moved);
        let document = core.document();
        let Some((start, end)) = document.position(&start).zip(document.position(&end)) else {
            return;
        };
        let range = unit.around(document.rope(), self.place(cell, has_moved, core));
        let (mark, caret) = if range.start < start {
            (end, range.start)
        } else {
            (start, range.end)
        };
        self.select(core, Some(mark), caret);
    }

    fn turn_wheel(&mut self, rows: isize, core: &Core) {
        let document = core.document();
        let top = document.position(&self.top).unwrap_or_default();
        let (row, _) = Row::at(document.rope(), top, &self.options).moved(
            document.rope(),
            rows,
            &self.options,
        );
        self.top = document.anchor(row.start, Bias::Before);
        self.is_scrolled_away = true;
    }

    /// The place in the text at a cell. The first row, for a drag that `has_moved`, and the one
    /// below the last stand for the row that a drag goes on to.
    fn place(&self, cell: Position, has_moved: bool, core: &Core) -> CharPos {
        let rope = core.document().rope();
        let top = core.document().position(&self.top).unwrap_or_default();
        let rows = match isize::from(cell.y as i16) - isize::from(self.area.y as i16) {
            0 if has_moved => -1,
            rows => rows.min(isize::from(self.area.height as i16)),
        };
        let column = self.left.0 + usize::from(cell.x.saturating_sub(self.area.x));
        snapped(rope, position_at(rope, top, rows, column, &self.options))
    }
}
