//! The chat's log, below the text: a line that says what it is, and the newest messages under it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::document::display::sanitise;
use crate::ui::canvas::{NAME_COLUMNS, columns, fill, wrapped, write};
use crate::ui::theme::Theme;
use crate::ui::view::{Chat, MOST_SEEN, Said};

/// The fewest rows of it, its head included.
const LEAST: u16 = 3;

/// How many rows the log would like, of a screen with `height` rows.
pub(in crate::ui) fn rows(height: u16) -> u16 {
    (height / 4).clamp(LEAST, MOST_SEEN + 1)
}

/// Draws the log, the newest message in the last row.
pub(in crate::ui) fn draw(buf: &mut Buffer, area: Rect, chat: &Chat, theme: Theme) {
    fill(buf, area, Style::new());
    let head = Rect {
        height: area.height.min(1),
        ..area
    };
    fill(buf, head, theme.status());
    let more = match chat.more {
        0 => String::new(),
        more => format!("{more} below, Down goes there"),
    };
    let said = if chat.said.is_empty() {
        "Nobody has said anything yet"
    } else {
        &more
    };
    let title = sanitise(&format!("Chat  {said}"), area.width.into());
    let x = head.left() + u16::from(area.width > columns(&title));
    write(buf, head, x, head.top(), &title, theme.status());

    let mut y = area.bottom();
    for said in chat.said.iter().rev() {
        let name = format!(" {} ", sanitise(&said.name, NAME_COLUMNS));
        let colour = said
            .colour
            .map_or_else(|| theme.prompt(), |colour| theme.member_label(colour));
        let indent = columns(&name) + 1;
        for (row, line) in lines(said, area.width, indent).iter().enumerate().rev() {
            y -= 1;
            if y <= head.top() {
                return;
            }
            let x = match row {
                0 => write(buf, area, area.left(), y, &name, colour) + 1,
                _ => area.left() + 2,
            };
            let (text, ago) = line;
            let x = write(buf, area, x, y, text, Style::new());
            write(buf, area, x, y, ago, theme.gutter());
        }
    }
}

/// A message in rows, the first of which has its name in front, and its age behind the last.
fn lines(said: &Said, width: u16, indent: u16) -> Vec<(String, String)> {
    let first = width.saturating_sub(indent).max(1);
    // What does not fit beside the name goes on below it.
    let mut lines = wrapped(&said.text, first);
    if lines.len() > 1 {
        let rest = lines.split_off(1).join(" ");
        lines.extend(wrapped(&rest, width.saturating_sub(2).max(1)));
    }
    let ago = if said.ago.is_empty() {
        String::new()
    } else {
        format!("  {}", said.ago)
    };
    let last = lines.len().saturating_sub(1);
    let with_ago = |(row, line): (usize, String)| {
        let ago = if row == last {
            ago.clone()
        } else {
            String::new()
        };
        (line, ago)
    };
    lines.into_iter().enumerate().map(with_ago).collect()
}
