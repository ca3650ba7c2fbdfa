//! Places where something was changed, as a person would count them.

use std::ops::Range;

use super::Document;
use super::position::{CharPos, line_at};
use crate::crdt::AuthorId;

/// How many entries of the log are looked at for places: enough for an hour's typing, few enough for a
/// frame.
const MOST: usize = 10_000;

/// Changes so many lines apart, or fewer, are one place.
const NEAR_LINES: usize = 2;

impl Document {
    /// The places that operations of some authors changed, from the start of the text to its end; changes
    /// [near](Self::is_near) each other are one place. O(log n) an operation, up to a bound.
    pub fn places(&self, edits: &[(AuthorId, Range<u32>)]) -> Vec<Range<CharPos>> {
        let mut touched: Vec<Range<usize>> = edits
            .iter()
            .flat_map(|(author, range)| self.replica().touched(author, range.clone(), MOST))
            .collect();
        touched.sort_unstable_by_key(|range| (range.start, range.end));
        let mut places: Vec<Range<CharPos>> = Vec::new();
        for range in touched {
            let range = CharPos(range.start)..CharPos(range.end);
            match places.last_mut() {
                Some(last) if self.is_near(last, &range) => last.end = last.end.max(range.end),
                _ => places.push(range),
            }
        }
        places
    }

    /// Whether two places are at most two lines apart. O(log n).
    pub fn is_near(&self, a: &Range<CharPos>, b: &Range<CharPos>) -> bool {
        let line = |at: CharPos| line_at(self.rope(), at).0;
        line(a.start) <= line(b.end) + NEAR_LINES && line(b.start) <= line(a.end) + NEAR_LINES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crdt::Source;
    use crate::document::EditKind;

    fn edit(document: &mut Document, range: Range<usize>, text: &str) {
        let range = CharPos(range.start)..CharPos(range.end);
        document.edit(range, text, EditKind::Whole, 0);
        document.commit(0, Source::Typed);
    }

    /// Which lines the author's operations from `from` on are said to have touched.
    fn lines(document: &Document, from: u32) -> Vec<(usize, usize)> {
        let me = document.me();
        let places = document.places(&[(me, from..u32::MAX)]);
        let line = |at| line_at(document.rope(), at).0;
        places
            .iter()
            .map(|place| (line(place.start), line(place.end)))
            .collect()
    }

    #[test]
    fn changes_are_gathered_into_places() {
        let mut document = Document::new(AuthorId([1; 16]));
        let text: String = (0..100).map(|n| format!("line {n:02}\n")).collect();
        document.load(&text, 0);
        let from = document.log().next(&document.me());
        assert_eq!(lines(&document, from), []);
        let at = |line: usize| line * 8;
        edit(&mut document, at(50)..at(50), "new\nlines\n");
        edit(&mut document, at(53)..at(53), "near");
        edit(&mut document, at(10)..at(12), "");
        let seq = document.log().next(&document.me());
        for key in (0..4).rev() {
            edit(&mut document, at(80) + key..at(80) + key + 1, "");
        }
        assert_eq!(lines(&document, from), [(10, 10), (48, 51), (80, 80)]);
        assert_eq!(lines(&document, seq), [(80, 80)]);
        let undone = document.log().next(&document.me());
        document.undo();
        document.commit(0, Source::Typed);
        assert_eq!(lines(&document, undone), [(80, 80)]);
        let note = document.log().next(&document.me());
        assert_eq!(lines(&document, note), []);
    }
}
