//! Frames: what is on the terminal, and the bytes that make the next frame of it.
//!
//! Only cells that differ are written, and for a frame that looks like the one before, nothing. What is drawn
//! anew is drawn beside what the terminal shows, and compared with that: only rows that show another part of
//! the view, rows before cells. (The library's own comparison measures every cell, which was most of what a
//! key cost; and all cells are more memory than a processor has at hand that has slept since the key before.)
//!
//! Not here: what a frame shows (that is [`draw`](super::draw)).

use std::io;
use std::ops::Range;

use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell, CellWidth};
use ratatui::crossterm::cursor::{Hide, MoveTo, Show};
use ratatui::crossterm::queue;
use ratatui::crossterm::style::ResetColor;
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate,
};
use ratatui::layout::{Position, Rect, Size};

use super::draw::{Kept, redraw};
use super::view::View;

/// See the module.
#[derive(Debug)]
pub(super) struct Frames {
    /// What the terminal shows.
    shown: Buffer,
    /// The same between frames, and then the next one.
    next: Buffer,
    /// What that shows.
    kept: Kept,
    /// Where the terminal's cursor is, if it is to be seen; `None` if that is not known.
    cursor: Option<Option<Position>>,
    /// Whether what the terminal shows is not known.
    unknown: bool,
}

impl Frames {
    /// For a terminal of this size that shows nothing.
    pub(super) fn new(size: Size) -> Self {
        let area = Rect::from((Position::ORIGIN, size));
        Self {
            shown: Buffer::empty(area),
            next: Buffer::empty(area),
            kept: Kept::default(),
            cursor: None,
            unknown: false,
        }
    }

    /// The terminal has this size now, and what it shows is not known: the next frame is drawn in full.
    pub(super) fn start_anew(&mut self, size: Size) {
        *self = Self {
            unknown: true,
            ..Self::new(size)
        };
    }

    /// Appends to `out` what makes the frame that shows `view`.
    ///
    /// # Errors
    /// None that a vector has.
    pub(super) fn draw(&mut self, view: &View<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        let area = self.next.area;
        let (cursor, drawn) = redraw(&mut self.next, area, view, &mut self.kept);
        debug_assert!(
            self.is_whole(view, cursor),
            "rows were left that look otherwise"
        );
        let changes = changes(&self.shown, &self.next, drawn);
        if changes.is_empty() && self.cursor == Some(cursor) && !self.unknown {
            return Ok(());
        }
        queue!(out, BeginSynchronizedUpdate)?;
        if std::mem::take(&mut self.unknown) {
            queue!(out, ResetColor, Clear(ClearType::All))?;
        }
        let rows: Vec<u16> = changes.iter().map(|row| row.y).collect();
        put(changes, out)?;
        match cursor {
            Some(Position { x, y }) => {
                queue!(out, MoveTo(x, y))?;
                if !matches!(self.cursor, Some(Some(_))) {
                    queue!(out, Show)?;
                }
            }
            None if self.cursor == Some(None) => {}
            None => queue!(out, Hide)?,
        }
        queue!(out, EndSynchronizedUpdate)?;
        self.cursor = Some(cursor);
        for y in rows {
            let row = cells_of(area, y);
            self.shown.content[row.clone()].clone_from_slice(&self.next.content[row]);
        }
        Ok(())
    }

    /// Whether the next frame is what it would be if nothing had been drawn before.
    fn is_whole(&self, view: &View<'_>, cursor: Option<Position>) -> bool {
        let area = self.next.area;
        let mut fresh = Buffer::empty(area);
        let (there, _) = redraw(&mut fresh, area, view, &mut Kept::default());
        fresh == self.next && there == cursor
    }
}

/// Where the cells of row `y` are.
fn cells_of(area: Rect, y: u16) -> Range<usize> {
    let width = usize::from(area.width);
    let start = usize::from(y) * width;
    start..start + width
}

/// Writes what is to be written.
fn put(rows: Vec<Row<'_>>, out: &mut Vec<u8>) -> io::Result<()> {
    for row in rows.iter().filter(|row| row.anew) {
        queue!(out, MoveTo(0, row.y), Clear(ClearType::CurrentLine))?;
    }
    let cells = rows.into_iter().flat_map(|row| row.cells);
    let mut cells = cells.peekable();
    if cells.peek().is_some() {
        CrosstermBackend::new(out).draw(cells)?;
    }
    Ok(())
}

/// A row of which something is to be written.
struct Row<'a> {
    y: u16,
    /// Whether it is to be blanked first.
    anew: bool,
    cells: Vec<(u16, u16, &'a Cell)>,
}

/// The cells to write, so that a terminal that shows one shows the other, which differs in no other than these
/// rows. Both are as [`canvas`](super::canvas) leaves them: blanks under the other cells of a wide symbol.
fn changes<'a>(
    shown: &Buffer,
    next: &'a Buffer,
    rows: impl IntoIterator<Item = u16>,
) -> Vec<Row<'a>> {
    let mut changes = Vec::new();
    for y in rows {
        let row = cells_of(next.area, y);
        let (before, after) = (&shown.content[row.clone()], &next.content[row]);
        if before
            .iter()
            .zip(after)
            .all(|(one, other)| same(one, other))
        {
            continue;
        }
        // Terminals disagree about how wide such symbols are, so nobody knows what stands beside them.
        let anew = before.iter().chain(after).any(is_doubtful);
        let cells = cells(before, after, y, anew);
        changes.push(Row { y, anew, cells });
    }
    changes
}

fn cells<'a>(before: &[Cell], after: &'a [Cell], y: u16, anew: bool) -> Vec<(u16, u16, &'a Cell)> {
    let mut cells = Vec::new();
    let mut x = 0;
    // Up to where a wide symbol reached that is gone.
    let mut stale = 0;
    while x < after.len() {
        let cell = &after[x];
        let old = if anew { &Cell::EMPTY } else { &before[x] };
        if !same(old, cell) {
            stale = stale.max(x + usize::from(old.cell_width().max(1)));
        }
        if x < stale {
            cells.push((x as u16, y, cell));
        }
        x += usize::from(cell.cell_width().max(1));
    }
    cells
}

/// Whether a symbol may take another width than we think: emoji that are put together.
fn is_doubtful(cell: &Cell) -> bool {
    let symbol = cell.symbol();
    symbol.len() > 4 && cell.cell_width() > 1 && symbol.chars().nth(1).is_some()
}

/// Whether two cells look alike.
fn same(one: &Cell, other: &Cell) -> bool {
    let symbols = (one.symbol().as_bytes(), other.symbol().as_bytes());
    one.fg == other.fg
        && one.bg == other.bg
        && one.modifier == other.modifier
        && match symbols {
            // Nearly all of them; and without a call.
            ([one], [other]) => one == other,
            (one, other) => one == other,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::{Color, Style};
    use std::num::NonZeroU16;

    use crate::ui::canvas::write;

    /// What is left on a terminal after frames of these rows, one after the other.
    fn after(frames: &[&str]) -> (String, String) {
        let area = Rect::new(0, 0, 12, 1);
        let [mut shown, mut next] = [(); 2].map(|()| Buffer::empty(area));
        let [rows, columns] = [1, 12].map(|n| NonZeroU16::new(n).unwrap());
        let mut terminal = vt100::Parser::new(rows, columns, 0);
        for text in frames {
            next.reset();
            let style = if text.contains('!') {
                Style::new().bg(Color::Red)
            } else {
                Style::new()
            };
            write(&mut next, area, 0, 0, text, style);
            let mut out = Vec::new();
            put(changes(&shown, &next, 0..1), &mut out).unwrap();
            terminal.process(&out);
            std::mem::swap(&mut shown, &mut next);
        }
        let red = (0..12).filter(|&x| {
            let cell = terminal.screen().cell(0, x).unwrap();
            cell.bgcolor() != vt100::Color::Default
        });
        let text = terminal.screen().contents();
        (text.trim_end().to_owned(), red.count().to_string())
    }

    #[test]
    fn the_terminal_shows_the_last_frame_whatever_came_before() {
        let rows = [
            "",
            "a",
            "abcdef",
            "漢字",
            "a漢字",
            "漢!字",
            "x漢字x漢",
            "👩\u{200d}👩\u{200d}👧 a",
            "e\u{301}!",
            "a!",
            "❤\u{fe0f}b",
            "ab漢",
            "!!!!!!!!!!!!",
            "ｶ\u{ff9e}x",
        ];
        for first in rows {
            for second in rows {
                let direct = after(&[second]);
                assert_eq!(after(&[first, second]), direct, "{first:?}, {second:?}");
                for third in rows {
                    assert_eq!(
                        after(&[third, first, second]),
                        direct,
                        "{third:?}, {first:?}, {second:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_frame_that_looks_like_the_one_before_is_no_byte() {
        let rope = crate::document::Rope::from_str("text\n");
        let view = super::super::draw::tests::view(&rope);
        let mut frames = Frames::new(Size::new(20, 3));
        let mut bytes = || {
            let mut out = Vec::new();
            frames.draw(&view, &mut out).unwrap();
            out.len()
        };
        assert!(bytes() > 0);
        assert_eq!(bytes(), 0);
        frames.start_anew(Size::new(20, 3));
        let mut out = Vec::new();
        frames.draw(&view, &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("\u{1b}[2J"));
    }
}
