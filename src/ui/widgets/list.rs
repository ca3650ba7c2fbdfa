//! A list in a box over the text: help, and the commands to choose from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::boxed::Boxed;
use crate::document::display::sanitise;
use crate::ui::canvas::{columns, fill, write};
use crate::ui::theme::Theme;
use crate::ui::view::List;

/// The most columns of the box.
const WIDTH: u16 = 76;

/// How many entries can be scrolled away above in `area`.
pub(in crate::ui) fn scroll_end(area: Rect, list: &List) -> usize {
    let rows = Boxed::new(area, WIDTH).rows();
    list.entries.len().saturating_sub(usize::from(rows.max(1)))
}

/// Draws the list in the middle of `area` and says which part of it is covered. Where there is not room for
/// all of it, what is shown ends with or begins at the chosen entry.
pub(in crate::ui) fn draw(buf: &mut Buffer, area: Rect, list: &List, theme: Theme) -> Rect {
    let boxed = Boxed::new(area, WIDTH);
    let (covered, inner) = boxed.draw(buf, list.entries.len(), &list.title);
    let height = usize::from(inner.height.max(1));
    let top = if list.choosing {
        (list.at + 1).saturating_sub(height)
    } else {
        list.at
    };
    let top = top.min(scroll_end(area, list));
    for (y, (index, entry)) in
        (inner.top()..inner.bottom()).zip(list.entries.iter().enumerate().skip(top))
    {
        let chosen = list.choosing && index == list.at;
        let style = if chosen {
            theme.selection()
        } else {
            Style::new()
        };
        let row = Rect {
            y,
            height: 1,
            ..inner
        };
        if chosen {
            fill(buf, row, style);
        }
        let key = sanitise(&entry.key, usize::from(inner.width / 2));
        let room = inner.width.saturating_sub(columns(&key) + 1);
        let text = sanitise(&entry.text, usize::from(room));
        write(buf, row, row.left(), y, &text, style);
        let x = row.right() - columns(&key);
        write(buf, row, x, y, &key, style.patch(theme.prompt()));
    }
    covered
}
