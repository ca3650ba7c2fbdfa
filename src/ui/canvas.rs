//! Putting text into cells.
//!
//! The only place that writes symbols into a buffer. It keeps these invariants of every row:
//!
//! 1. A symbol that is wider than one cell is followed by blanks under its other cells.
//! 2. No symbol reaches beyond the clip; what would is blank.
//! 3. A text that begins in the middle of a wide symbol blanks the rest of that symbol.

use std::num::NonZeroU16;

use ratatui::buffer::{Buffer, CellDiffOption, CellWidth};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::document::display::{DisplayOptions, sanitise, show, symbols, width};
use crate::document::grapheme::clusters;
use crate::document::position::Column;

/// The most columns that a member's name takes anywhere.
pub(super) const NAME_COLUMNS: usize = 32;

/// The most columns of a message that are shown.
const MESSAGE_COLUMNS: usize = 1000;

/// Puts a symbol of a shown text at (`x`, `y`), where no other symbol reaches, and says where the
/// next one goes.
///
/// A symbol that does not fit becomes blanks up to the clip's edge; outside of the clip nothing
/// happens.
pub(super) fn put(buf: &mut Buffer, clip: Rect, x: u16, y: u16, symbol: &str, style: Style) -> u16 {
    let clip = clip.intersection(buf.area);
    let wide = u16::try_from(width(symbol)).unwrap_or(u16::MAX);
    let end = x.saturating_add(wide);
    if y < clip.top() || y >= clip.bottom() || x < clip.left() || x >= clip.right() {
        return end;
    }
    if symbol.len() == 1 {
        // Most are, and each is drawn with each key.
        let cell = &mut buf[(x, y)];
        cell.reset();
        cell.set_style(style).set_symbol(symbol);
        return end;
    }
    let fits = end <= clip.right();
    for x in x..end.min(clip.right()) {
        buf[(x, y)].reset();
        buf[(x, y)].set_style(style);
    }
    if fits {
        let cell = &mut buf[(x, y)];
        cell.set_symbol(symbol);
        // The buffer measures a few symbols otherwise (halfwidth sound marks).
        if let Some(forced) = NonZeroU16::new(wide)
            && cell.cell_width() != wide
        {
            cell.diff_option = CellDiffOption::ForcedWidth(forced);
        }
    }
    end
}

/// Writes `text`, whatever it holds, on one row from (`x`, `y`) and says where it ends.
pub(super) fn write(buf: &mut Buffer, clip: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let options = DisplayOptions::default();
    detach(buf, clip, x, y);
    let mut next = x;
    for cluster in clusters(text) {
        if next >= clip.right() {
            break;
        }
        if let [b' '..=b'~'] = cluster.as_bytes() {
            next = put(buf, clip, next, y, cluster, style);
            continue;
        }
        for symbol in symbols(&show(cluster, Column(0), &options).text) {
            next = put(buf, clip, next, y, symbol, style);
        }
    }
    next.min(clip.right())
}

/// Blanks `area`.
pub(super) fn fill(buf: &mut Buffer, area: Rect, style: Style) {
    for y in area.top()..area.bottom() {
        detach(buf, area, area.left(), y);
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }
}

/// The columns of a printable text.
pub(super) fn columns(text: &str) -> u16 {
    u16::try_from(symbols(text).map(width).sum::<usize>()).unwrap_or(u16::MAX)
}

/// `text` from whomever in lines of at most `columns` cells, broken between words where possible.
pub(super) fn wrapped(text: &str, columns: u16) -> Vec<String> {
    let columns = usize::from(columns.max(1));
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let paragraph = sanitise(paragraph, MESSAGE_COLUMNS);
        if paragraph.is_ascii() && paragraph.len() <= columns {
            lines.push(paragraph);
            continue;
        }
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split(' ') {
            let wide: usize = symbols(word).map(width).sum();
            if used > 0 && used + 1 + wide <= columns {
                line.push(' ');
                used += 1;
            } else if used > 0 {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            for symbol in symbols(word) {
                if used > 0 && used + width(symbol) > columns {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push_str(symbol);
                used += width(symbol);
            }
        }
        lines.push(line);
    }
    lines
}

/// Blanks the wide symbol, if any, that begins left of (`x`, `y`) and covers it.
fn detach(buf: &mut Buffer, clip: Rect, x: u16, y: u16) {
    if !clip.intersection(buf.area).contains(Position { x, y }) {
        return;
    }
    let head = (buf.area.left()..x)
        .rev()
        .find(|&x| buf[(x, y)].symbol() != " ");
    if let Some(head) = head
        && head.saturating_add(buf[(head, y)].cell_width()) > x
    {
        buf[(head, y)].set_symbol(" ").diff_option = CellDiffOption::None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(buf: &Buffer) -> String {
        buf.content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect()
    }

    #[test]
    fn overwriting_half_of_a_wide_symbol_blanks_it() {
        let area = Rect::new(0, 0, 6, 1);
        for (x, expected) in [
            (0, "x 字   "),
            (1, " x字   "),
            (2, "漢 x   "),
            (3, "漢  x  "),
        ] {
            let mut buf = Buffer::empty(area);
            assert_eq!(write(&mut buf, area, 0, 0, "漢字", Style::new()), 4);
            write(&mut buf, area, x, 0, "x", Style::new());
            assert_eq!(row(&buf), expected, "at {x}");
        }
    }

    #[test]
    fn nothing_is_written_beyond_the_clip() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 1));
        let clip = Rect::new(1, 0, 3, 1);
        assert_eq!(write(&mut buf, clip, 1, 0, "a漢字", Style::new()), 4);
        assert_eq!(row(&buf), " a漢   ");
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 1));
        assert_eq!(write(&mut buf, clip, 1, 0, "漢字", Style::new()), 4);
        assert_eq!(row(&buf), " 漢    ");
        assert_eq!(write(&mut buf, clip, 0, 0, "x", Style::new()), 1);
        assert_eq!(write(&mut buf, clip, 1, 9, "x", Style::new()), 2);
        assert_eq!(row(&buf), " 漢    ");
    }

    #[test]
    fn the_buffer_measures_every_symbol_as_we_do() {
        let area = Rect::new(0, 0, 8, 1);
        for text in [
            "a",
            "漢",
            "ｶ\u{ff9e}",
            "e\u{301}",
            "👩\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}",
            "🇩🇪",
            "क\u{94d}ष",
        ] {
            let mut buf = Buffer::empty(area);
            let end = write(&mut buf, area, 0, 0, text, Style::new());
            assert_eq!(buf[(0, 0)].cell_width(), end, "{text:?}");
        }
    }

    #[test]
    fn long_messages_are_wrapped_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrapped("漢字漢", 3), ["漢", "字", "漢"]);
        assert_eq!(wrapped("a\n\nb", 9), ["a", "", "b"]);
        assert_eq!(wrapped("\u{1b}[2J", 0), ["␛", "[", "2", "J"]);
    }
}
