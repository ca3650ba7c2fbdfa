//! The document: line numbers, text, selections, and everybody's cursors with their names.
//!
//! Only visible lines are looked at. Of a line the cost is its length up to the right edge of the
//! screen. A row that shows what it showed before is left as it is: its cells are more memory than all
//! that a key touches otherwise.

mod content;
mod paint;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::document::display::{DisplayOptions, sanitise};
use crate::document::position::Column;
use crate::ui::canvas::{NAME_COLUMNS, columns, fill, write};
use crate::ui::theme::Theme;
use crate::ui::view::TextView;
use content::{Content, Cutter};
use paint::{Met, paint};

/// Below this many columns of text, line numbers are left out.
const LEAST_TEXT: u16 = 12;

/// Cuts `area` into line numbers and text.
pub(in crate::ui) fn split(view: &TextView<'_>, area: Rect) -> (Rect, Rect) {
    let digits = view.rope.len_lines().max(100).ilog10() as u16 + 1;
    let gutter = if view.numbers && area.width >= digits + 1 + LEAST_TEXT {
        digits + 1
    } else {
        0
    };
    let numbers = Rect {
        width: gutter,
        ..area
    };
    let text = Rect {
        x: area.x + gutter,
        width: area.width - gutter,
        ..area
    };
    (numbers, text)
}

/// What the rows of an area show of the document.
#[derive(Debug, Default)]
pub(in crate::ui) struct Kept {
    look: Option<Look>,
    rows: Vec<Row>,
}

/// How all rows are drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Look {
    numbers: Rect,
    text: Rect,
    left: Column,
    options: DisplayOptions,
    theme: Theme,
}

/// A row as it was drawn last.
#[derive(Debug)]
struct Row {
    /// `None` below the text.
    content: Option<Content>,
    met: Met,
    /// Whether there is a name beside the text.
    labelled: bool,
}

impl Kept {
    /// Something else was drawn over the document.
    pub(in crate::ui) fn forget(&mut self) {
        self.look = None;
    }
}

/// Draws the document where it looks otherwise than what is `kept` says, which it has drawn there itself, and says
/// where the own cursor is, if it is visible. Appends the rows that were drawn to `drawn`.
pub(in crate::ui) fn draw(
    buf: &mut Buffer,
    area: Rect,
    view: &TextView<'_>,
    theme: Theme,
    kept: &mut Kept,
    drawn: &mut Vec<u16>,
) -> Option<Position> {
    let (numbers, text) = split(view, area);
    let look = Look {
        numbers,
        text,
        left: view.scroll.left,
        options: view.options,
        theme,
    };
    if kept.look.replace(look) != Some(look) {
        kept.rows.clear();
    }
    let mut contents = Cutter::new(view, text.width, numbers.width > 0);
    for (index, y) in (area.top()..area.bottom()).enumerate() {
        let content = contents.next();
        if let Some(row) = kept.rows.get(index)
            && row.content == content
            && !row.labelled
        {
            continue;
        }
        let place = Rect {
            y,
            height: 1,
            ..area
        };
        fill(buf, place, Style::new());
        let row = Row {
            met: content
                .as_ref()
                .map_or_else(Met::default, |content| paint(buf, y, content, &look)),
            content,
            labelled: false,
        };
        match kept.rows.get_mut(index) {
            Some(kept) => *kept = row,
            None => kept.rows.push(row),
        }
        drawn.push(y);
    }
    let cursor = kept.rows.iter().find_map(|row| row.met.cursor);
    label(buf, view, &look, cursor, &mut kept.rows, drawn);
    cursor
}

/// Puts each visible member's name beside the cursor where no text is: as near as there is room
/// behind the end of its own line or of one next to it. Never on text, on the own cursor or on
/// another name; one that has no place is left out.
fn label(
    buf: &mut Buffer,
    view: &TextView<'_>,
    look: &Look,
    cursor: Option<Position>,
    kept: &mut [Row],
    drawn: &mut Vec<u16>,
) {
    let text = look.text;
    let most = usize::from(text.width / 3)
        .clamp(8, NAME_COLUMNS)
        .min(text.width.into());
    let peers: Vec<(usize, Position)> = kept
        .iter()
        .flat_map(|row| &row.met.peers)
        .copied()
        .collect();
    let end = |y: u16| {
        let row = kept.get(usize::from(y - text.top()));
        let row = row.filter(|row| row.content.is_some());
        row.map_or_else(|| text.left(), |row| row.met.end)
    };
    let mut taken: Vec<Rect> = Vec::new();
    for &(index, at) in &peers {
        let peer = &view.peers[index];
        if !peer.named {
            continue;
        }
        let name = sanitise(&peer.name, most);
        let width = columns(&name);
        let x = at.x.min(text.right().saturating_sub(width));
        let rows = [
            Some(at.y),
            at.y.checked_sub(1),
            Some(at.y + 1),
            at.y.checked_sub(2),
            Some(at.y + 2),
        ];
        let place = rows
            .into_iter()
            .flatten()
            .filter(|row| (text.top()..text.bottom()).contains(row))
            .map(|y| Rect {
                // A column is left free, also for a cursor at the line's end.
                x: x.max(end(y).saturating_add(1)),
                y,
                width,
                height: 1,
            })
            .filter(|place| place.right() <= text.right())
            .filter(|place| !cursor.is_some_and(|cursor| place.contains(cursor)))
            .filter(|place| !peers.iter().any(|&(_, cursor)| place.contains(cursor)))
            .filter(|place| !taken.iter().any(|other| other.intersects(*place)))
            .min_by_key(|place| place.x.abs_diff(at.x) / 2 + 2 * place.y.abs_diff(at.y));
        if let Some(place) = place {
            let style = look.theme.member_label(peer.colour);
            write(buf, text, place.x, place.y, &name, style);
            taken.push(place);
        }
    }
    for place in taken {
        drawn.push(place.y);
        kept[usize::from(place.y - text.top())].labelled = true;
    }
}
