//! The document: line numbers, text, selections, and everybody's cursors with their names.
//!
//! Only visible lines are looked at. Of a line the cost is its length up to the right edge of the
//! screen.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::document::display::{sanitise, show, symbols, width};
use crate::document::grapheme::graphemes;
use crate::document::position::{CharPos, Column, Line, last_line, line_at, line_start};
use crate::document::rows::Row;
use crate::ui::canvas::{NAME_COLUMNS, columns, put, write};
use crate::ui::highlight::Span;
use crate::ui::theme::Theme;
use crate::ui::view::TextView;

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

/// Draws the document and says where the own cursor is, if it is visible.
pub(in crate::ui) fn draw(
    buf: &mut Buffer,
    area: Rect,
    view: &TextView<'_>,
    theme: Theme,
) -> Option<Position> {
    let (numbers, text) = split(view, area);
    let mut painter = Painter {
        buf,
        text,
        view,
        theme,
        cursor: None,
        peers: Vec::new(),
        ends: Vec::new(),
        spans: view.spans,
        authors: &view.authors,
        vanishing: &view.vanishing,
    };
    let current = line_at(view.rope, view.cursor);
    let digits = usize::from(numbers.width.saturating_sub(1));
    let mut next = Some(Row::at(view.rope, view.scroll.top, &view.options));
    for y in area.top()..area.bottom() {
        let Some(row) = next else { break };
        let style = if current == row.line {
            theme.current_line()
        } else {
            theme.gutter()
        };
        if row.first {
            let number = format!("{:>digits$}", row.line.0 + 1);
            write(painter.buf, numbers, numbers.left(), y, &number, style);
        }
        let here = |at: CharPos| row.start <= at && (at < row.end || row.last && at <= row.end);
        let mark = view
            .peers
            .iter()
            .find(|peer| here(peer.cursor.clamped(view.rope)));
        if let Some(peer) = mark.filter(|_| numbers.width > 0) {
            let x = numbers.right() - 1;
            write(
                painter.buf,
                numbers,
                x,
                y,
                "•",
                theme.member_label(peer.colour),
            );
        }
        painter.row(y, row);
        next = row.below(view.rope, &view.options);
    }
    painter.labels();
    painter.cursor
}

struct Painter<'a> {
    buf: &'a mut Buffer,
    text: Rect,
    view: &'a TextView<'a>,
    theme: Theme,
    /// Where the own cursor was met.
    cursor: Option<Position>,
    /// Which of the others' cursors were met, and where.
    peers: Vec<(usize, Position)>,
    /// Where the text in each row ends.
    ends: Vec<u16>,
    /// What is known of the text from here on as code.
    spans: &'a [Span],
    /// What others wrote from here on.
    authors: &'a [(Range<CharPos>, usize)],
    /// What is about to disappear from here on.
    vanishing: &'a [Range<CharPos>],
}

impl Painter<'_> {
    fn row(&mut self, y: u16, row: Row) {
        let view = self.view;
        let right = view.scroll.left.0 + usize::from(self.text.width);
        let mut at = row.start;
        let mut column = Column(0);
        for cluster in graphemes(view.rope.slice(row.start.0..row.end.0)) {
            let shown = show(&cluster, column, &view.options);
            let after = at + cluster.chars().count();
            if column.0 + shown.width > view.scroll.left.0 {
                let base = match (shown.marked, shown.faint) {
                    (true, _) => self.theme.marked(),
                    (_, true) => self.theme.gutter(),
                    _ => self.ink(at),
                };
                self.cluster(y, column, &shown.text, at..after, base);
            }
            column.0 += shown.width;
            at = after;
            if column.0 >= right {
                self.ends.push(self.text.right());
                return;
            }
        }
        self.ends
            .push(self.x(column).unwrap_or_else(|| self.text.left()));
        if !row.last {
            return;
        }
        if row.line == last_line(view.rope) {
            self.cluster(y, column, "", at..CharPos(usize::MAX), Style::new());
        } else {
            let next = line_start(view.rope, Line(row.line.0 + 1));
            let (sign, style) = if view.options.whitespace {
                ("¶", self.theme.gutter())
            } else {
                (" ", Style::new())
            };
            self.cluster(y, column, sign, at..next, style);
        }
    }

    /// How the text at `at` looks: what it is, who wrote it, and whether it is to stay. Asked from left to
    /// right.
    fn ink(&mut self, at: CharPos) -> Style {
        let mut style = Style::new();
        if let Some(span) = covering(&mut self.spans, at, |span| &span.range) {
            style = self.theme.token(span.token);
        }
        if let Some((_, colour)) = covering(&mut self.authors, at, |(range, _)| range) {
            style = style.patch(self.theme.member_selection(*colour));
        }
        if covering(&mut self.vanishing, at, |range| range).is_some() {
            style = style.patch(self.theme.vanishing());
        }
        style
    }

    /// Draws what stands at `column` for the characters of `range`, and notes whose cursors are
    /// there. The text's end has no cell of its own, unless another's cursor or a match is there.
    fn cluster(&mut self, y: u16, column: Column, shown: &str, range: Range<CharPos>, base: Style) {
        let view = self.view;
        let visible = self.x(column).map(|x| Position { x, y });
        if range.contains(&view.cursor) {
            self.cursor = visible;
        }
        let mut first = None;
        for (index, peer) in view.peers.iter().enumerate() {
            if range.contains(&peer.cursor) {
                first = Some(self.theme.member_cursor(peer.colour));
                self.peers.extend(visible.map(|at| (index, at)));
            }
        }
        let mut style = base;
        for peer in &view.peers {
            if peer
                .selection
                .as_ref()
                .is_some_and(|selection| overlap(selection, &range))
            {
                style = style.patch(self.theme.member_selection(peer.colour));
            }
        }
        let is_bracket = |brackets: [CharPos; 2]| brackets.iter().any(|at| range.contains(at));
        if view.brackets.is_some_and(is_bracket) {
            style = style.patch(self.theme.bracket());
        }
        let at = view
            .matches
            .partition_point(|found| found.end <= range.start);
        if view
            .matches
            .get(at)
            .is_some_and(|found| overlap(found, &range))
        {
            style = style.patch(self.theme.found());
        }
        if view
            .selection
            .as_ref()
            .is_some_and(|selection| overlap(selection, &range))
        {
            style = style.patch(self.theme.selection());
        }

        let shown = if shown.is_empty() && (first.is_some() || style != base) {
            " "
        } else {
            shown
        };
        let mut column = column;
        for symbol in symbols(shown) {
            let style = first.take().map_or(style, |cursor| style.patch(cursor));
            self.symbol(y, column, symbol, style);
            column.0 += width(symbol);
        }
    }

    /// Draws a symbol; the visible part of one that an edge cuts is blank.
    fn symbol(&mut self, y: u16, column: Column, symbol: &str, style: Style) {
        if let Some(x) = self.x(column) {
            put(self.buf, self.text, x, y, symbol, style);
            return;
        }
        for column in column.0..column.0 + width(symbol) {
            if let Some(x) = self.x(Column(column)) {
                put(self.buf, self.text, x, y, " ", style);
            }
        }
    }

    /// Where `column` is on the screen, if it is.
    fn x(&self, column: Column) -> Option<u16> {
        let from_left = u16::try_from(column.0.checked_sub(self.view.scroll.left.0)?).ok()?;
        (from_left < self.text.width).then(|| self.text.left() + from_left)
    }

    /// Puts each visible member's name beside the cursor where no text is: as near as there is room
    /// behind the end of its own line or of one next to it. Never on text, on the own cursor or on
    /// another name; one that has no place is left out.
    fn labels(&mut self) {
        let most = usize::from(self.text.width / 3)
            .clamp(8, NAME_COLUMNS)
            .min(self.text.width.into());
        let mut taken: Vec<Rect> = Vec::new();
        for &(index, at) in &self.peers {
            let peer = &self.view.peers[index];
            if !peer.named {
                continue;
            }
            let name = sanitise(&peer.name, most);
            let width = columns(&name);
            let x = at.x.min(self.text.right().saturating_sub(width));
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
                .filter(|row| (self.text.top()..self.text.bottom()).contains(row))
                .map(|y| Rect {
                    // A column is left free, also for a cursor at the line's end.
                    x: x.max(self.end(y).saturating_add(1)),
                    y,
                    width,
                    height: 1,
                })
                .filter(|place| place.right() <= self.text.right())
                .filter(|place| !self.cursor.is_some_and(|cursor| place.contains(cursor)))
                .filter(|place| !self.peers.iter().any(|&(_, cursor)| place.contains(cursor)))
                .filter(|place| !taken.iter().any(|other| other.intersects(*place)))
                .min_by_key(|place| place.x.abs_diff(at.x) / 2 + 2 * place.y.abs_diff(at.y));
            if let Some(place) = place {
                write(
                    self.buf,
                    self.text,
                    place.x,
                    place.y,
                    &name,
                    self.theme.member_label(peer.colour),
                );
                taken.push(place);
            }
        }
    }

    /// Where the text in row `y` ends.
    fn end(&self, y: u16) -> u16 {
        let row = usize::from(y - self.text.top());
        self.ends
            .get(row)
            .copied()
            .unwrap_or_else(|| self.text.left())
    }
}

/// The first of these that ends behind `at`, if it holds it; those before it are dropped.
fn covering<'a, T>(
    all: &mut &'a [T],
    at: CharPos,
    range: impl Fn(&T) -> &Range<CharPos>,
) -> Option<&'a T> {
    let gone = all.iter().take_while(|one| range(one).end <= at).count();
    *all = &all[gone..];
    all.first().filter(|one| range(one).start <= at)
}

/// Whether a selection, from whichever end, holds a part of `range`.
fn overlap(selection: &Range<CharPos>, range: &Range<CharPos>) -> bool {
    let start = selection.start.min(selection.end);
    let end = selection.start.max(selection.end);
    start < range.end && range.start < end
}
