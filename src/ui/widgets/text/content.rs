//! What a row of the text shows: everything that its cells are drawn from, and nothing else.
//!
//! Positions in it count from the row's start, so that a row is the same wherever its text has moved.

use std::ops::Range;

use crate::document::display::show;
use crate::document::grapheme::graphemes;
use crate::document::position::{CharPos, Column, Line, last_line, line_at, line_start};
use crate::document::rows::Row;
use crate::ui::highlight::{Span, Token};
use crate::ui::view::TextView;

/// See the module.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Content {
    /// The characters that may be seen.
    pub(super) text: String,
    /// What is behind them.
    pub(super) end: End,
    /// The line's number, where a line begins.
    pub(super) number: Option<usize>,
    /// Whether the own cursor is in that line, if its number is shown.
    pub(super) current: bool,
    /// The colour of somebody whose cursor is in the row.
    pub(super) mark: Option<usize>,
    /// The own cursor.
    pub(super) cursor: Option<usize>,
    /// The others whose cursors or selections are here.
    pub(super) peers: Vec<Peer>,
    /// What is known of the text as code.
    pub(super) tokens: Vec<(Range<usize>, Token)>,
    /// What others wrote, and the indices of their colours.
    pub(super) authors: Vec<(Range<usize>, usize)>,
    /// What is about to disappear.
    pub(super) vanishing: Vec<Range<usize>>,
    /// What was found.
    pub(super) matches: Vec<Range<usize>>,
    /// The own selection.
    pub(super) selection: Option<Range<usize>>,
    /// The bracket at the own cursor and its partner.
    pub(super) brackets: [Option<usize>; 2],
}

/// What is behind the characters of a row that may be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// More of its line: in the row below, or beyond the screen's edge.
    More,
    /// A line break of so many characters.
    Break(usize),
    /// Nothing.
    Text,
}

impl End {
    /// How many positions it takes.
    pub(super) const fn len(self) -> usize {
        match self {
            Self::More => 0,
            Self::Break(len) => len,
            Self::Text => 1,
        }
    }
}

/// Another member's cursor and selection, as far as they are in a row.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Peer {
    /// Which of the view's peers it is.
    pub(super) index: usize,
    pub(super) colour: usize,
    pub(super) cursor: Option<usize>,
    pub(super) selection: Option<Range<usize>>,
}

/// Cuts a view into what its rows show, from top to bottom.
pub(super) struct Cutter<'a> {
    view: &'a TextView<'a>,
    /// Whether there is room for line numbers and marks.
    numbers: bool,
    /// The column behind the last that may be seen.
    right: usize,
    /// The line that the own cursor is in.
    current: Line,
    /// The row that comes next.
    next: Option<Row>,
    /// What is known of the text as code from there on.
    spans: &'a [Span],
    /// What others wrote from there on.
    authors: &'a [(Range<CharPos>, usize)],
    /// What is about to disappear from there on.
    vanishing: &'a [Range<CharPos>],
    /// What was found from there on.
    matches: &'a [Range<CharPos>],
}

impl<'a> Cutter<'a> {
    /// For a text area of so many columns.
    pub(super) fn new(view: &'a TextView<'a>, columns: u16, numbers: bool) -> Self {
        Self {
            view,
            numbers,
            right: view.scroll.left.0 + usize::from(columns),
            current: line_at(view.rope, view.cursor),
            next: Some(Row::at(view.rope, view.scroll.top, &view.options)),
            spans: view.spans,
            authors: &view.authors,
            vanishing: &view.vanishing,
            matches: &view.matches,
        }
    }

    fn content(&mut self, row: Row) -> Content {
        let view = self.view;
        let (visible, end) = self.extent(row);
        let stretch = Stretch {
            start: row.start,
            len: visible.0 - row.start.0,
            end,
        };
        let here = |at: CharPos| row.start <= at && (at < row.end || row.last && at <= row.end);
        let mark = || {
            let mut peers = view.peers.iter();
            peers.find(|peer| here(peer.cursor.clamped(view.rope)))
        };
        let peers = view.peers.iter().enumerate();
        let peers = peers.filter_map(|(index, peer)| {
            let cursor = stretch.position(peer.cursor);
            let selection = peer.selection.as_ref();
            let selection = selection.and_then(|range| stretch.range(range));
            (cursor.is_some() || selection.is_some()).then_some(Peer {
                index,
                colour: peer.colour,
                cursor,
                selection,
            })
        });
        let text = view.rope.slice(row.start.0..visible.0);
        let number = self.numbers && row.first;
        let tokens = stretch.all(&mut self.spans, |span| &span.range);
        let authors = stretch.all(&mut self.authors, |(range, _)| range);
        let vanishing = stretch.all(&mut self.vanishing, |range| range);
        let matches = stretch.all(&mut self.matches, |range| range);
        Content {
            text: text.into(),
            end,
            number: number.then_some(row.line.0 + 1),
            current: number && row.line == self.current,
            mark: self.numbers.then(mark).flatten().map(|peer| peer.colour),
            cursor: stretch.position(view.cursor),
            peers: peers.collect(),
            tokens: tokens.map(|(range, span)| (range, span.token)).collect(),
            authors: authors.map(|(range, (_, who))| (range, *who)).collect(),
            vanishing: vanishing.map(|(range, _)| range).collect(),
            matches: matches.map(|(range, _)| range).collect(),
            selection: view
                .selection
                .as_ref()
                .and_then(|range| stretch.range(range)),
            brackets: match view.brackets {
                Some(brackets) => brackets.map(|at| stretch.position(at)),
                None => [None; 2],
            },
        }
    }

    /// Where what may be seen of a row ends, and what is behind that.
    fn extent(&self, row: Row) -> (CharPos, End) {
        let rope = self.view.rope;
        // Each cluster takes a column at least.
        if row.end - row.start >= self.right {
            let (mut at, mut column) = (row.start, Column(0));
            for cluster in graphemes(rope.slice(row.start.0..row.end.0)) {
                column.0 += show(&cluster, column, &self.view.options).width;
                at = at + cluster.chars().count();
                if column.0 >= self.right {
                    return (at, End::More);
                }
            }
        }
        let end = if !row.last {
            End::More
        } else if row.line == last_line(rope) {
            End::Text
        } else {
            End::Break(line_start(rope, Line(row.line.0 + 1)) - row.end)
        };
        (row.end, end)
    }
}

impl Iterator for Cutter<'_> {
    type Item = Content;

    /// What the next row shows; `None` below the text.
    fn next(&mut self) -> Option<Content> {
        let row = self.next?;
        let content = self.content(row);
        self.next = row.below(self.view.rope, &self.view.options);
        Some(content)
    }
}

/// The positions of a row, what is behind its characters included.
#[derive(Clone, Copy)]
struct Stretch {
    start: CharPos,
    len: usize,
    end: End,
}

impl Stretch {
    /// Where `at` is in it. All that is beyond the text is at its end.
    fn position(self, at: CharPos) -> Option<usize> {
        let at = at.0.checked_sub(self.start.0)?;
        match self.end {
            End::Text => Some(at.min(self.len)),
            _ => (at < self.len + self.end.len()).then_some(at),
        }
    }

    /// What of `range`, from whichever end, is in it.
    fn range(self, range: &Range<CharPos>) -> Option<Range<usize>> {
        let most = self.len + self.end.len();
        let relative = |at: CharPos| at.0.saturating_sub(self.start.0).min(most);
        let start = relative(range.start.min(range.end));
        let end = relative(range.start.max(range.end));
        (start < end).then_some(start..end)
    }

    /// What is in it of things that stand side by side; those before it are dropped.
    fn all<'a, T>(
        self,
        all: &mut &'a [T],
        range: impl Fn(&T) -> &Range<CharPos> + Copy,
    ) -> impl Iterator<Item = (Range<usize>, &'a T)> {
        let gone = all.partition_point(|one| range(one).end <= self.start);
        *all = &all[gone..];
        let behind = self.start + self.len + self.end.len();
        let here = all.iter().take_while(move |one| range(one).start < behind);
        here.filter_map(move |one| Some((self.range(range(one))?, one)))
    }
}
