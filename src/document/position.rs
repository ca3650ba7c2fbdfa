//! Positions in a text are types, so that a column is never taken for an index.
//!
//! Every function here tolerates positions beyond the text: they mean its end. Only LF and CRLF
//! end a line; a text that ends with one has an empty last line behind it.
//!
//! Not here: positions that survive an edit (those are anchors), and columns, whose meaning
//! depends on how text is shown (see [`motion`](super::motion)).

use std::ops::{Add, Range, Sub};

use ropey::{Rope, RopeSlice};
use str_indices::{chars, lines_lf};

/// An index into the text, in Unicode scalar values. `CharPos(0)` is before the first one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct CharPos(pub usize);

/// A line's number, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Line(pub usize);

/// A distance from a line's start in terminal cells, tabs expanded; the first cell is 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Column(pub usize);

/// The position `chars` Unicode scalar values later.
impl Add<usize> for CharPos {
    type Output = Self;

    fn add(self, chars: usize) -> Self {
        Self(self.0 + chars)
    }
}

/// How many Unicode scalar values lie between two positions.
///
/// # Panics
///
/// If the second lies behind the first.
impl Sub for CharPos {
    type Output = usize;

    fn sub(self, earlier: Self) -> usize {
        self.0 - earlier.0
    }
}

impl CharPos {
    /// This position, or the text's end if it lies behind that.
    pub fn clamped(self, rope: &Rope) -> Self {
        Self(self.0.min(rope.len_chars()))
    }
}

/// The text's last line; empty if the text ends with a line break. O(1).
pub fn last_line(rope: &Rope) -> Line {
    Line(rope.len_lines().saturating_sub(1))
}

/// The line that `at` is in; a position between CR and LF is in the line they end. O(log n).
pub fn line_at(rope: &Rope, at: CharPos) -> Line {
    Line(
        rope.try_char_to_line(at.0)
            .unwrap_or_else(|_| last_line(rope).0),
    )
}

/// Where `line` starts. O(log n).
pub fn line_start(rope: &Rope, line: Line) -> CharPos {
    CharPos(
        rope.try_line_to_char(line.0)
            .unwrap_or_else(|_| rope.len_chars()),
    )
}

/// Where `line` ends: before its line break. O(log n).
pub fn line_end(rope: &Rope, line: Line) -> CharPos {
    line_range(rope, line).end
}

/// The text of `line` without its line break. O(log n).
pub fn line_text(rope: &Rope, line: Line) -> RopeSlice<'_> {
    let Range { start, end } = line_range(rope, line);
    rope.slice(start.0..end.0)
}

/// Where `line` starts and ends, without its line break. O(log n).
pub(super) fn line_range(rope: &Rope, line: Line) -> Range<CharPos> {
    let Some((chunk, _, before_chunk, lines)) = rope.get_chunk_at_line_break(line.0) else {
        let end = CharPos(rope.len_chars());
        return end..end;
    };
    // As a rule the line ends in the chunk that it starts in: then one look at the tree finds all.
    let (before, rest) = chunk.split_at(lines_lf::to_byte_idx(chunk, line.0 - lines));
    let start = CharPos(before_chunk + chars::count(before));
    if let Some(end) = rest.find('\n') {
        let text = &rest[..end];
        let text = text.strip_suffix('\r').unwrap_or(text);
        return start..start + chars::count(text);
    }
    let mut end = line_start(rope, Line(line.0.saturating_add(1)));
    for line_break in ['\n', '\r'] {
        let last = end.0.checked_sub(1).filter(|&last| last >= start.0);
        match last {
            Some(last) if rope.get_char(last) == Some(line_break) => end = CharPos(last),
            _ => break,
        }
    }
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lf_and_crlf_end_a_line() {
        let rope = Rope::from_str("a\rb\u{2028}c\u{b}d\r\ne\r\r\n\nf");
        let lines: Vec<String> = (0..5)
            .map(|n| line_text(&rope, Line(n)).to_string())
            .collect();
        assert_eq!(lines, ["a\rb\u{2028}c\u{b}d", "e\r", "", "f", ""]);
        assert_eq!(last_line(&rope), Line(3));
    }

    #[test]
    fn a_final_line_break_has_an_empty_line_behind_it() {
        let rope = Rope::from_str("ab\n");
        assert_eq!(last_line(&rope), Line(1));
        assert_eq!(line_start(&rope, Line(1)), CharPos(3));
        assert_eq!(line_end(&rope, Line(1)), CharPos(3));
        assert_eq!(line_at(&rope, CharPos(3)), Line(1));
    }

    #[test]
    fn positions_beyond_the_text_mean_its_end() {
        for text in ["", "ab", "ab\n", "\r\n"] {
            let rope = Rope::from_str(text);
            let end = CharPos(rope.len_chars());
            assert_eq!(CharPos(usize::MAX).clamped(&rope), end);
            assert_eq!(line_at(&rope, CharPos(usize::MAX)), last_line(&rope));
            assert_eq!(line_start(&rope, Line(usize::MAX)), end);
            assert_eq!(line_end(&rope, Line(usize::MAX)), end);
            assert_eq!(line_text(&rope, Line(usize::MAX)).len_chars(), 0);
        }
    }

    #[test]
    fn a_cr_without_lf_at_the_end_stays_in_its_line() {
        let rope = Rope::from_str("a\r");
        assert_eq!(line_end(&rope, Line(0)), CharPos(2));
    }

    #[test]
    fn lines_are_those_of_a_plain_string_wherever_chunks_end() {
        let seed = std::env::var("SEED").map_or(1, |seed| seed.parse().expect("a number"));
        println!("SEED={seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let pieces = ["\n", "\r\n", "\r", "a", "words ", "é", "漢字", "\u{2028}"];
        for round in 0..30 {
            let mut text = String::new();
            let long = if round % 3 == 0 { 400 } else { 12 };
            for _ in 0..rng.usize(0..400) {
                text += &pieces[rng.usize(0..8)].repeat(rng.usize(1..long));
            }
            let rope = Rope::from_str(&text);
            let lines: Vec<&str> = text.split('\n').collect();
            let mut start = 0;
            for (n, line) in lines.iter().enumerate() {
                // What ends the text is not followed by LF.
                let ends = n + 1 < lines.len();
                let shown = line.strip_suffix('\r').filter(|_| ends).unwrap_or(line);
                let range = line_range(&rope, Line(n));
                let end = start + shown.chars().count();
                assert_eq!((range.start.0, range.end.0), (start, end), "line {n}");
                start += line.chars().count() + 1;
            }
            let end = CharPos(rope.len_chars());
            assert_eq!(line_range(&rope, Line(lines.len())), end..end);
        }
    }
}
