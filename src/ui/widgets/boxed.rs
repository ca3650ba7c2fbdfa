//! A box in the middle of the screen, with as much of a frame as there is room for.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Block, Widget};

use crate::document::display::sanitise;
use crate::ui::canvas::fill;

/// A box of which the height is not known yet.
pub(super) struct Boxed {
    area: Rect,
    width: u16,
    margin: Margin,
}

impl Boxed {
    /// A box in the middle of `area`, of at most `width` columns.
    pub(super) fn new(area: Rect, width: u16) -> Self {
        let framed = area.width >= 12 && area.height >= 4;
        Self {
            area,
            width: area.width.min(width),
            margin: Margin {
                horizontal: 2 * u16::from(framed),
                vertical: framed.into(),
            },
        }
    }

    /// The columns inside of it.
    pub(super) const fn columns(&self) -> u16 {
        self.width - 2 * self.margin.horizontal
    }

    /// The most rows inside of it.
    pub(super) const fn rows(&self) -> u16 {
        self.area.height - 2 * self.margin.vertical
    }

    /// Draws it for so many rows, as far as there is room; the part that is covered, and the room inside.
    pub(super) fn draw(&self, buf: &mut Buffer, rows: usize, title: &str) -> (Rect, Rect) {
        let Self {
            area,
            width,
            margin,
        } = *self;
        let rows = u16::try_from(rows).unwrap_or(u16::MAX);
        let height = area.height.min(rows.saturating_add(2 * margin.vertical));
        let covered = Rect {
            x: area.x + (area.width - width) / 2,
            y: area.y + (area.height - height) / 2,
            width,
            height,
        };
        fill(buf, covered, Style::new());
        if margin.vertical > 0 {
            let title = format!(" {} ", sanitise(title, usize::from(width) - 4));
            Block::bordered().title(title).render(covered, buf);
        }
        (covered, covered.inner(margin))
    }
}
