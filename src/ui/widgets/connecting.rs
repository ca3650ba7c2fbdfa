//! What is shown while there is no document yet: a text in the middle of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::ui::canvas::{columns, wrapped, write};

/// Draws `message` in the middle of `area`.
pub(in crate::ui) fn draw(buf: &mut Buffer, area: Rect, message: &str) {
    let lines = wrapped(message, area.width);
    let top = area
        .height
        .saturating_sub(u16::try_from(lines.len()).unwrap_or(u16::MAX))
        / 2;
    for (y, line) in (area.top() + top..area.bottom()).zip(&lines) {
        let indent = area.width.saturating_sub(columns(line)) / 2;
        write(buf, area, area.left() + indent, y, line, Style::new());
    }
}
