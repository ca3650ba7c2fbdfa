//! A row's content to cells.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::style::Style;

use super::Look;
use super::content::{Content, End};
use crate::document::display::{show, symbols, width};
use crate::document::grapheme::clusters;
use crate::document::position::Column;
use crate::ui::canvas::{put, write};
use crate::ui::highlight::Token;

/// What was met while a row was drawn.
#[derive(Debug, Default)]
pub(super) struct Met {
    /// Where the own cursor is, if it is visible.
    pub(super) cursor: Option<Position>,
    /// Which of the view's peers are where.
    pub(super) peers: Vec<(usize, Position)>,
    /// Where the text ends.
    pub(super) end: u16,
}

/// Draws `content` into row `y`, which is blank.
pub(super) fn paint(buf: &mut Buffer, y: u16, content: &Content, look: &Look) -> Met {
    let mut painter = Painter {
        buf,
        y,
        look,
        content,
        tokens: &content.tokens,
        authors: &content.authors,
        vanishing: &content.vanishing,
        met: Met::default(),
    };
    painter.gutter();
    painter.text();
    painter.met
}

struct Painter<'a> {
    buf: &'a mut Buffer,
    y: u16,
    look: &'a Look,
    content: &'a Content,
    /// What is known of the text from here on as code.
    tokens: &'a [(Range<usize>, Token)],
    /// What others wrote from here on.
    authors: &'a [(Range<usize>, usize)],
    /// What is about to disappear from here on.
    vanishing: &'a [Range<usize>],
    met: Met,
}

impl Painter<'_> {
    /// The line's number and the mark of somebody who is here.
    fn gutter(&mut self) {
        let Look { numbers, theme, .. } = *self.look;
        if let Some(number) = self.content.number {
            let style = if self.content.current {
                theme.current_line()
            } else {
                theme.gutter()
            };
            let digits = usize::from(numbers.width.saturating_sub(1));
            let number = format!("{number:>digits$}");
            write(self.buf, numbers, numbers.left(), self.y, &number, style);
        }
        if let Some(colour) = self.content.mark {
            let style = theme.member_label(colour);
            write(self.buf, numbers, numbers.right() - 1, self.y, "•", style);
        }
    }

    fn text(&mut self) {
        let (look, content) = (self.look, self.content);
        let right = look.left.0 + usize::from(look.text.width);
        let mut at = 0;
        let mut column = Column(0);
        for cluster in clusters(&content.text) {
            let shown = show(cluster, column, &look.options);
            let after = at + cluster.chars().count();
            if column.0 + shown.width > look.left.0 {
                let base = match (shown.marked, shown.faint) {
                    (true, _) => look.theme.marked(),
                    (_, true) => look.theme.gutter(),
                    _ => self.ink(at),
                };
                self.cluster(column, &shown.text, at..after, base);
            }
            column.0 += shown.width;
            at = after;
            if column.0 >= right {
                self.met.end = look.text.right();
                return;
            }
        }
        self.met.end = self.x(column).unwrap_or_else(|| look.text.left());
        let (sign, style) = match content.end {
            End::More => return,
            End::Text => ("", Style::new()),
            End::Break(_) if look.options.whitespace => ("¶", look.theme.gutter()),
            End::Break(_) => (" ", Style::new()),
        };
        self.cluster(column, sign, at..at + content.end.len(), style);
    }

    /// How the text at `at` looks: what it is, who wrote it, and whether it is to stay. Asked from left to
    /// right.
    fn ink(&mut self, at: usize) -> Style {
        let theme = self.look.theme;
        let mut style = Style::new();
        if let Some((_, token)) = covering(&mut self.tokens, at, |(range, _)| range) {
            style = theme.token(*token);
        }
        if let Some((_, colour)) = covering(&mut self.authors, at, |(range, _)| range) {
            style = style.patch(theme.member_selection(*colour));
        }
        if covering(&mut self.vanishing, at, |range| range).is_some() {
            style = style.patch(theme.vanishing());
        }
        style
    }

    /// Draws what stands at `column` for the characters of `range`, and notes whose cursors are
    /// there. The text's end has no cell of its own, unless another's cursor or a match is there.
    fn cluster(&mut self, column: Column, shown: &str, range: Range<usize>, base: Style) {
        let (content, theme) = (self.content, self.look.theme);
        let visible = self.x(column).map(|x| Position { x, y: self.y });
        if content.cursor.is_some_and(|at| range.contains(&at)) {
            self.met.cursor = visible;
        }
        let mut first = None;
        let mut style = base;
        for peer in &content.peers {
            if peer.cursor.is_some_and(|at| range.contains(&at)) {
                first = Some(theme.member_cursor(peer.colour));
                self.met.peers.extend(visible.map(|at| (peer.index, at)));
            }
            if is_in(peer.selection.as_ref(), &range) {
                style = style.patch(theme.member_selection(peer.colour));
            }
        }
        let bracket = |at: Option<usize>| at.is_some_and(|at| range.contains(&at));
        if content.brackets.into_iter().any(bracket) {
            style = style.patch(theme.bracket());
        }
        let at = content.matches.partition_point(|m| m.end <= range.start);
        if is_in(content.matches.get(at), &range) {
            style = style.patch(theme.found());
        }
        if is_in(content.selection.as_ref(), &range) {
            style = style.patch(theme.selection());
        }

        let shown = if shown.is_empty() && (first.is_some() || style != base) {
            " "
        } else {
            shown
        };
        let mut column = column;
        for symbol in symbols(shown) {
            let style = first.take().map_or(style, |cursor| style.patch(cursor));
            self.symbol(column, symbol, style);
            column.0 += width(symbol);
        }
    }

    /// Draws a symbol; the visible part of one that an edge cuts is blank.
    fn symbol(&mut self, column: Column, symbol: &str, style: Style) {
        let (text, y) = (self.look.text, self.y);
        if let Some(x) = self.x(column) {
            put(self.buf, text, x, y, symbol, style);
            return;
        }
        for column in column.0..column.0 + width(symbol) {
            if let Some(x) = self.x(Column(column)) {
                put(self.buf, text, x, y, " ", style);
            }
        }
    }

    /// Where `column` is on the screen, if it is.
    fn x(&self, column: Column) -> Option<u16> {
        let Look { text, left, .. } = *self.look;
        let from_left = u16::try_from(column.0.checked_sub(left.0)?).ok()?;
        (from_left < text.width).then(|| text.left() + from_left)
    }
}

/// The first of these that ends behind `at`, if it holds it; those before it are dropped.
fn covering<'a, T>(
    all: &mut &'a [T],
    at: usize,
    range: impl Fn(&T) -> &Range<usize>,
) -> Option<&'a T> {
    let gone = all.iter().take_while(|one| range(one).end <= at).count();
    *all = &all[gone..];
    all.first().filter(|one| range(one).start <= at)
}

/// Whether a part of `range` is in `stretch`, if there is one.
fn is_in(stretch: Option<&Range<usize>>, range: &Range<usize>) -> bool {
    stretch.is_some_and(|stretch| stretch.start < range.end && range.start < stretch.end)
}
