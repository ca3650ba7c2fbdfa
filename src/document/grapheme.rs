//! Grapheme clusters: what a reader takes for one character and the cursor steps over.
//!
//! Extended clusters of Unicode's annex 29, found over the rope's chunks, so that no line is ever
//! copied. CR LF is one cluster. Positions inside a cluster and beyond the text are tolerated
//! everywhere. Steps cost O(log n) and the length of the cluster; stepping back over a run of
//! regional indicators also costs that run.
//!
//! Not here: how a cluster is shown (see [`display`](super::display)).

use std::borrow::Cow;

use ropey::{Rope, RopeSlice};
use unicode_segmentation::{GraphemeCursor, GraphemeIncomplete, UnicodeSegmentation};

use super::position::CharPos;

/// The clusters of `text` in order. What is plain ASCII is found without the tables.
pub fn clusters(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let len = match rest.as_bytes() {
            [] => return None,
            [b' '..=b'~'] | [b' '..=b'~', 0..=0x7f, ..] => 1,
            // A cluster does not depend on those before it.
            _ => rest.graphemes(true).next()?.len(),
        };
        let (cluster, behind) = rest.split_at(len);
        rest = behind;
        Some(cluster)
    })
}

/// The clusters of `slice` in order, each borrowed unless it spans two of the rope's chunks.
pub fn graphemes(slice: RopeSlice<'_>) -> Graphemes<'_> {
    let (chunk, chunk_start, ..) = slice.chunk_at_byte(0);
    let cursor = GraphemeCursor::new(0, slice.len_bytes(), true);
    Graphemes {
        slice,
        chunk,
        chunk_start,
        cursor,
    }
}

/// See [`graphemes`].
#[derive(Clone, Debug)]
pub struct Graphemes<'a> {
    slice: RopeSlice<'a>,
    /// The chunk that holds the cursor, or the one just before it.
    chunk: &'a str,
    chunk_start: usize,
    cursor: GraphemeCursor,
}

impl<'a> Iterator for Graphemes<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Cow<'a, str>> {
        let start = self.cursor.cur_cursor();
        let in_chunk = start - self.chunk_start;
        if let Some([b' '..=b'~', 0..=0x7f]) = self.chunk.as_bytes().get(in_chunk..in_chunk + 2) {
            self.cursor.set_cursor(start + 1);
            return Some(Cow::Borrowed(&self.chunk[in_chunk..=in_chunk]));
        }

        let (first, first_start) = (self.chunk, self.chunk_start);
        let end = loop {
            match self.cursor.next_boundary(self.chunk, self.chunk_start) {
                Ok(end) => break end?,
                Err(GraphemeIncomplete::PreContext(_)) => {
                    if let Some(end) = decided(&mut self.cursor, self.slice) {
                        break end;
                    }
                }
                Err(_) => {
                    let next = self.chunk_start + self.chunk.len();
                    (self.chunk, self.chunk_start, ..) = self.slice.chunk_at_byte(next);
                }
            }
        };
        let borrowed = first.get(start - first_start..end - first_start);
        Some(match borrowed.filter(|text| !text.is_empty()) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::from(self.slice.byte_slice(start..end)),
        })
    }
}

/// The end of the cluster that holds or starts at `at`; the text's end at the text's end.
pub fn next_grapheme_boundary(rope: &Rope, at: CharPos) -> CharPos {
    let at = rope.char_to_byte(at.clamped(rope).0);
    let (mut chunk, mut chunk_start, ..) = rope.chunk_at_byte(at);
    let mut cursor = GraphemeCursor::new(at, rope.len_bytes(), true);
    let end = loop {
        match cursor.next_boundary(chunk, chunk_start) {
            Ok(end) => break end.unwrap_or(at),
            Err(GraphemeIncomplete::PreContext(_)) => {
                if let Some(end) = decided(&mut cursor, rope.slice(..)) {
                    break end;
                }
            }
            Err(_) => {
                (chunk, chunk_start, ..) = rope.chunk_at_byte(chunk_start + chunk.len());
            }
        }
    };
    CharPos(rope.byte_to_char(end))
}

/// The start of the cluster that ends at or holds `at`; 0 at the text's start.
pub fn prev_grapheme_boundary(rope: &Rope, at: CharPos) -> CharPos {
    let at = rope.char_to_byte(at.clamped(rope).0);
    let (mut chunk, mut chunk_start, ..) = rope.chunk_at_byte(at);
    let mut cursor = GraphemeCursor::new(at, rope.len_bytes(), true);
    let start = loop {
        match cursor.prev_boundary(chunk, chunk_start) {
            Ok(start) => break start.unwrap_or(0),
            Err(GraphemeIncomplete::PreContext(_)) => {
                if let Some(start) = decided(&mut cursor, rope.slice(..)) {
                    break start;
                }
            }
            Err(_) => {
                (chunk, chunk_start, ..) = rope.chunk_at_byte(chunk_start.saturating_sub(1));
            }
        }
    };
    CharPos(rope.byte_to_char(start))
}

/// Whether `at` lies between two clusters, or at an end of the text.
pub fn is_grapheme_boundary(rope: &Rope, at: CharPos) -> bool {
    rope.try_char_to_byte(at.0)
        .is_ok_and(|at| is_boundary(rope.slice(..), at))
}

/// `at` itself if it is a boundary, else the start of the cluster that holds it, else the text's
/// end.
pub fn snapped(rope: &Rope, at: CharPos) -> CharPos {
    let at = at.clamped(rope);
    if is_grapheme_boundary(rope, at) {
        at
    } else {
        prev_grapheme_boundary(rope, at)
    }
}

/// Decides about the place where `cursor` asked for the text before its chunk, and sets it there:
/// the place, if it is a boundary.
///
/// A cursor on its way has counted the regional indicators behind it and would count them once
/// more in the context that it asks for; a new one counts right.
fn decided(cursor: &mut GraphemeCursor, slice: RopeSlice<'_>) -> Option<usize> {
    let at = cursor.cur_cursor();
    *cursor = GraphemeCursor::new(at, slice.len_bytes(), true);
    is_boundary(slice, at).then_some(at)
}

fn is_boundary(slice: RopeSlice<'_>, at: usize) -> bool {
    if at == 0 || at == slice.len_bytes() {
        return true;
    }
    let (mut chunk, mut chunk_start, ..) = slice.chunk_at_byte(at);
    let joint: String;
    if at == chunk_start {
        // At a joint of chunks the cursor would take any character behind a prepended one for a
        // part of its cluster, control characters too. So it sees both neighbours in one piece.
        let before = slice.chunk_at_byte(at - 1).0.chars().next_back();
        joint = before.into_iter().chain(chunk.chars().next()).collect();
        chunk_start -= before.map_or(0, char::len_utf8);
        chunk = &joint;
    }
    let mut cursor = GraphemeCursor::new(at, slice.len_bytes(), true);
    loop {
        match cursor.is_boundary(chunk, chunk_start) {
            Ok(answer) => return answer,
            Err(GraphemeIncomplete::PreContext(before)) => {
                let (context, start, ..) = slice.chunk_at_byte(before - 1);
                cursor.provide_context(&context[..before - start], start);
            }
            // The chunk holds both neighbours: only context can be missing.
            Err(other) => unreachable!("segmentation at byte {at} asked for {other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use ropey::RopeBuilder;

    use super::*;

    /// Pieces whose neighbours join, split and need context.
    const PIECES: [&str; 20] = [
        "a", "é", "e\u{301}", "\u{301}", "漢", "👩", "\u{200d}", "🏽", "\u{fe0f}", "🇩", "🇪", "\r",
        "\n", "\r\n", "\t", "क", "\u{94d}", "각", "ᄀ", "\u{600}",
    ];

    fn random_text(rng: &mut fastrand::Rng, pieces: usize) -> String {
        (0..pieces)
            .map(|_| rng.choice(PIECES).expect("pieces"))
            .collect()
    }

    /// A rope of that text in chunks of very different sizes.
    fn rope_of(rng: &mut fastrand::Rng, text: &str) -> Rope {
        let mut rope = Rope::new();
        let mut done = 0;
        let chars: Vec<char> = text.chars().collect();
        while done < chars.len() {
            let n = rng.usize(1..=600).min(chars.len() - done);
            let piece: String = chars[done..done + n].iter().collect();
            let mut builder = RopeBuilder::new();
            builder.append(&piece);
            rope.append(builder.finish());
            done += n;
        }
        rope
    }

    #[test]
    fn agrees_with_segmentation_of_one_string() {
        let seed = std::env::var("SEED")
            .map_or_else(|_| fastrand::u64(..), |s| s.parse().expect("a number"));
        println!("SEED={seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..30 {
            let pieces = rng.usize(0..1500);
            let text = random_text(&mut rng, pieces);
            let rope = rope_of(&mut rng, &text);
            let expected: Vec<&str> = text.graphemes(true).collect();
            assert_eq!(clusters(&text).collect::<Vec<_>>(), expected, "{text:?}");
            let found: Vec<_> = graphemes(rope.slice(..)).collect();
            assert_eq!(found, expected);

            let mut boundaries = vec![0];
            for cluster in &expected {
                boundaries.push(boundaries[boundaries.len() - 1] + cluster.chars().count());
            }
            for at in 0..=rope.len_chars() + 2 {
                let next = boundaries.iter().copied().find(|&b| b > at);
                let prev = boundaries
                    .iter()
                    .copied()
                    .rfind(|&b| b < at.min(rope.len_chars()));
                let at = CharPos(at);
                assert_eq!(
                    next_grapheme_boundary(&rope, at).0,
                    next.unwrap_or_else(|| rope.len_chars())
                );
                assert_eq!(prev_grapheme_boundary(&rope, at).0, prev.unwrap_or(0));
                assert_eq!(
                    is_grapheme_boundary(&rope, at),
                    boundaries.contains(&at.0),
                    "{at:?}"
                );
                assert!(boundaries.contains(&snapped(&rope, at).0));
            }
        }
    }

    #[test]
    fn an_empty_text_has_one_boundary() {
        let rope = Rope::new();
        assert_eq!(graphemes(rope.slice(..)).count(), 0);
        assert_eq!(next_grapheme_boundary(&rope, CharPos(7)), CharPos(0));
        assert_eq!(prev_grapheme_boundary(&rope, CharPos(7)), CharPos(0));
        assert_eq!(snapped(&rope, CharPos(7)), CharPos(0));
    }

    #[test]
    fn clusters_inside_one_chunk_are_borrowed() {
        let rope = Rope::from_str("aé漢👩\u{200d}👩\r\n");
        assert!(graphemes(rope.slice(..)).all(|cluster| matches!(cluster, Cow::Borrowed(_))));
    }
}
