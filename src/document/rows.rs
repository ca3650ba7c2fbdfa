//! Rows: how lines are cut into what stands side by side on a screen.
//!
//! Without wrapping a line is one row. With it, a row ends before the first cluster that does not
//! fit, or, if there is one, behind the last blank before that. A line of more than [`LONG_LINE`]
//! characters is always wrapped, and cut every [`SEGMENT`] characters besides, so that no question
//! about it costs more than a segment: a file that is one line of megabytes is edited like another.
//!
//! Columns count from a row's start, tabs included. Positions beyond the text mean its end.
//!
//! Not here: how many rows a text has. Nothing needs it, and it would cost the whole text.

use std::ops::Range;

use ropey::Rope;

use super::display::{DisplayOptions, show};
use super::grapheme::{graphemes, prev_grapheme_boundary, snapped};
use super::position::{CharPos, Column, Line, last_line, line_at, line_range};

/// The longest line, in characters, that can be one row. (A guess: far beyond what people write.)
pub const LONG_LINE: usize = 10_000;

/// The most characters of a longer line that are looked at at once. Some 50 rows of a usual screen.
pub const SEGMENT: usize = 4096;

/// A part of one line that is shown side by side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// Where it starts.
    pub start: CharPos,
    /// Where it ends: before the line's break, or where the line's next row starts.
    pub end: CharPos,
    /// The line that it belongs to.
    pub line: Line,
    /// Whether it is the first one of its line.
    pub first: bool,
    /// Whether it is the last one of its line, which shows a cursor at [`end`](Self::end).
    pub last: bool,
}

impl Row {
    /// The row that `at` is in. O(log n) and the line, of a long one a segment.
    pub fn at(rope: &Rope, at: CharPos, options: &DisplayOptions) -> Self {
        let at = at.clamped(rope);
        let line = line_at(rope, at);
        let all = line_range(rope, line);
        let start = segment(rope, all.start, all.end, at);
        let mut row = Self::from(rope, line, &all, start, options);
        while !row.last && row.end <= at {
            row = Self::from(rope, line, &all, row.end, options);
        }
        row
    }

    /// The row below. O(log n) and that row.
    pub fn below(self, rope: &Rope, options: &DisplayOptions) -> Option<Self> {
        if !self.last {
            let all = line_range(rope, self.line);
            return Some(Self::from(rope, self.line, &all, self.end, options));
        }
        let line = Line(self.line.0 + 1);
        (line <= last_line(rope)).then(|| {
            let all = line_range(rope, line);
            Self::from(rope, line, &all, all.start, options)
        })
    }

    /// The row above. Costs as [`at`](Self::at).
    pub fn above(self, rope: &Rope, options: &DisplayOptions) -> Option<Self> {
        (self.start > CharPos(0))
            .then(|| Self::at(rope, prev_grapheme_boundary(rope, self.start), options))
    }

    /// The row that is `rows` below, or above if negative, and how many there were in that direction
    /// if there were fewer.
    pub fn moved(self, rope: &Rope, rows: isize, options: &DisplayOptions) -> (Self, usize) {
        let mut row = self;
        for done in 0..rows.unsigned_abs() {
            let next = if rows > 0 {
                row.below(rope, options)
            } else {
                row.above(rope, options)
            };
            match next {
                Some(next) => row = next,
                None => return (row, done),
            }
        }
        (row, rows.unsigned_abs())
    }

    /// The column at which the cluster at `at`, which is in this row, starts.
    pub fn column(self, rope: &Rope, at: CharPos, options: &DisplayOptions) -> Column {
        let at = snapped(rope, at).min(self.end).max(self.start);
        let mut column = Column(0);
        for cluster in graphemes(rope.slice(self.start.0..at.0)) {
            column.0 += show(&cluster, column, options).width;
        }
        column
    }

    /// The start of the cluster that covers `column`; in a shorter row the last place that is its own.
    pub fn at_column(self, rope: &Rope, column: Column, options: &DisplayOptions) -> CharPos {
        let (mut at, mut last) = (self.start, self.start);
        let mut start = Column(0);
        for cluster in graphemes(rope.slice(self.start.0..self.end.0)) {
            last = at;
            let end = Column(start.0 + show(&cluster, start, options).width);
            if column < end {
                return at;
            }
            start = end;
            at = at + cluster.chars().count();
        }
        if self.last { at } else { last }
    }

    /// The row that starts at `start` in `line`, which is `all` of this.
    fn from(
        rope: &Rope,
        line: Line,
        all: &Range<CharPos>,
        start: CharPos,
        options: &DisplayOptions,
    ) -> Self {
        let (first, last) = (all.start, all.end);
        let long = last.0.saturating_sub(first.0) > LONG_LINE;
        let mut end = last;
        if long {
            let next = (start.0 - first.0) / SEGMENT + 1;
            let cut = snapped(rope, CharPos(first.0 + next * SEGMENT));
            // A cluster across a cut belongs to the segment before it.
            let cut = if cut > start {
                cut
            } else {
                snapped(rope, CharPos(first.0 + (next + 1) * SEGMENT))
            };
            end = cut.min(last);
        }
        if long || options.wrap {
            end = fitting(rope, start, end, options);
        }
        Self {
            start,
            end,
            line,
            first: start == first,
            last: end == last,
        }
    }
}

/// Where the segment of a line that holds `at` starts; of a line that is not long its start.
fn segment(rope: &Rope, start: CharPos, end: CharPos, at: CharPos) -> CharPos {
    if end.0.saturating_sub(start.0) <= LONG_LINE {
        return start;
    }
    let nth = |n: usize| snapped(rope, CharPos(start.0 + n * SEGMENT));
    // The line's end belongs to its last character's segment.
    let n = at.0.min(end.0 - 1).saturating_sub(start.0) / SEGMENT;
    if nth(n + 1) <= at && nth(n + 1) < end {
        nth(n + 1)
    } else {
        nth(n)
    }
}

/// How far the row that starts at `start` goes; at least over one cluster, at most to `end`.
fn fitting(rope: &Rope, start: CharPos, end: CharPos, options: &DisplayOptions) -> CharPos {
    let (mut at, mut column) = (start, Column(0));
    let (mut word, mut behind_blank) = (None, false);
    for cluster in graphemes(rope.slice(start.0..end.0)) {
        let width = show(&cluster, column, options).width;
        if column.0 + width > options.columns && at > start {
            let blank = matches!(cluster.as_ref(), " " | "\t");
            return word.filter(|_| !blank && !behind_blank).unwrap_or(at);
        }
        let blank = matches!(cluster.as_ref(), " " | "\t");
        if behind_blank && !blank {
            word = Some(at);
        }
        behind_blank = blank;
        column.0 += width;
        at = at + cluster.chars().count();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(columns: usize) -> DisplayOptions {
        DisplayOptions {
            wrap: true,
            columns,
            ..DisplayOptions::default()
        }
    }

    fn all(rope: &Rope, options: &DisplayOptions) -> Vec<Row> {
        let first = Row::at(rope, CharPos(0), options);
        std::iter::successors(Some(first), |row| row.below(rope, options)).collect()
    }

    fn texts(text: &str, columns: usize) -> Vec<String> {
        let rope = Rope::from_str(text);
        let text = |row: &Row| rope.slice(row.start.0..row.end.0).to_string();
        all(&rope, &wrapped(columns)).iter().map(text).collect()
    }

    #[test]
    fn rows_break_between_words_where_they_can() {
        assert_eq!(texts("one two three", 8), ["one two ", "three"]);
        assert_eq!(texts("one two three", 7), ["one two", " three"]);
        assert_eq!(
            texts("abcdefgh ij\n\nk", 3),
            ["abc", "def", "gh ", "ij", "", "k"]
        );
        assert_eq!(texts("漢字漢", 3), ["漢", "字", "漢"]);
        assert_eq!(texts("漢字", 1), ["漢", "字"]);
        assert_eq!(texts("", 5), [""]);
        assert_eq!(texts("a\tb", 4), ["a\t", "b"]);
    }

    #[test]
    fn every_position_is_in_one_row_and_rows_cover_the_text() {
        let seed = std::env::var("SEED")
            .map_or_else(|_| fastrand::u64(..), |s| s.parse().expect("a number"));
        println!("SEED={seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for round in 0..40 {
            let pieces = [
                "a",
                "bc",
                " ",
                "\t",
                "漢",
                "e\u{301}",
                "👩\u{200d}👩",
                "\n",
                "\r\n",
                "x",
            ];
            let long = round % 8 == 0;
            let mut text = String::new();
            for _ in 0..if long { 9_000 } else { rng.usize(0..200) } {
                let piece = *rng.choice(&pieces).expect("pieces");
                text.push_str(if long && piece.ends_with('\n') {
                    "yz"
                } else {
                    piece
                });
            }
            let rope = Rope::from_str(&text);
            let options = DisplayOptions {
                wrap: rng.bool(),
                ..wrapped(rng.usize(1..30))
            };
            let rows = all(&rope, &options);
            for (index, pair) in rows.windows(2).enumerate() {
                if !long || index % 97 == 0 {
                    assert_eq!(pair[1].above(&rope, &options), Some(pair[0]));
                }
                if pair[0].last {
                    assert!(pair[1].first && pair[1].line.0 == pair[0].line.0 + 1);
                } else {
                    assert_eq!(pair[0].end, pair[1].start);
                }
            }
            assert!(rows[rows.len() - 1].last);
            for row in rows.iter().step_by(if long { 97 } else { 1 }) {
                let own = row.end.0 + usize::from(row.last);
                for at in (row.start.0..own).map(CharPos) {
                    assert_eq!(Row::at(&rope, at, &options), *row, "at {at:?}");
                    let column = row.column(&rope, at, &options);
                    assert_eq!(row.at_column(&rope, column, &options), snapped(&rope, at));
                }
                assert!(row.at_column(&rope, Column(usize::MAX), &options).0 < own.max(1));
            }
        }
    }

    #[test]
    fn a_line_of_megabytes_costs_no_more_than_a_segment() {
        let rope = Rope::from_str(&"word ".repeat(1 << 20));
        let options = DisplayOptions {
            columns: 79,
            ..DisplayOptions::default()
        };
        let end = Row::at(&rope, CharPos(usize::MAX), &options);
        assert!(end.last && !end.first && end.end.0 - end.start.0 <= 79);
        // Thousands of questions: they would take minutes if each looked at the whole line.
        let (row, moved) = end.moved(&rope, -5_000, &options);
        assert_eq!(moved, 5_000);
        assert_eq!(row.moved(&rope, 5_000, &options), (end, 5_000));
    }
}
