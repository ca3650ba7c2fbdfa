//! Where the cursor goes: pure movement over a text.
//!
//! Every function takes any position (beyond the text: its end; inside a cluster: its start) and
//! answers with a boundary between clusters. Vertical movement goes by [rows](super::rows), whose
//! columns are those of [`show`](super::display::show), so the cursor and the cells on the screen agree.
//!
//! Not here: selections, and what an edit does to a cursor (anchors).

use std::ops::Range;

use ropey::Rope;

use super::bracket;
use super::display::DisplayOptions;
use super::grapheme::{graphemes, next_grapheme_boundary, prev_grapheme_boundary, snapped};
use super::position::{CharPos, Column, Line, line_at, line_end, line_start, line_text};
use super::rows::Row;

/// A movement of the cursor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Motion {
    /// One cluster back, over a line break too.
    Left,
    /// One cluster on, over a line break too.
    Right,
    /// To the start of this word or the one before; see [`word_left`].
    WordLeft,
    /// To the end of this word or the next one; see [`word_right`].
    WordRight,
    /// One row up at the goal column; on the first row to its start.
    Up,
    /// One row down at the goal column; on the last row to its end.
    Down,
    /// A page of rows up.
    PageUp,
    /// A page of rows down.
    PageDown,
    /// To the line's first character that is not blank, or, being there, to the line's start.
    LineStart,
    /// Before the line's break.
    LineEnd,
    /// To the blank line before this paragraph or the one before, or to the text's start.
    ParagraphUp,
    /// To the blank line behind this paragraph or the next one, or to the text's end.
    ParagraphDown,
    /// To the partner of the bracket at the cursor, if there is one; see [`bracket`].
    Bracket,
    /// Before the first character.
    DocumentStart,
    /// Behind the last character, also behind a final line break.
    DocumentEnd,
}

/// A cursor on its way: where it is, and the column that vertical movement tries to keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Caret {
    /// Where the cursor is.
    pub at: CharPos,
    /// The column to return to on lines that are long enough, while moving vertically.
    pub goal: Option<Column>,
}

impl Caret {
    /// A cursor that has just been put at `at`.
    pub const fn new(at: CharPos) -> Self {
        Self { at, goal: None }
    }
}

/// Where `motion` takes `caret`; `page` is the number of rows in a page.
pub fn moved(
    rope: &Rope,
    caret: Caret,
    motion: Motion,
    page: usize,
    options: &DisplayOptions,
) -> Caret {
    let at = caret.at;
    let vertically = |lines: isize| {
        let goal = caret.goal.unwrap_or_else(|| column_of(rope, at, options));
        Caret {
            at: vertical(rope, at, lines, goal, options),
            goal: Some(goal),
        }
    };
    let page = isize::try_from(page.max(1)).unwrap_or(isize::MAX);
    match motion {
        Motion::Up => vertically(-1),
        Motion::Down => vertically(1),
        Motion::PageUp => vertically(-page),
        Motion::PageDown => vertically(page),
        Motion::Left => Caret::new(prev_grapheme_boundary(rope, at)),
        Motion::Right => Caret::new(next_grapheme_boundary(rope, at)),
        Motion::WordLeft => Caret::new(word_left(rope, at)),
        Motion::WordRight => Caret::new(word_right(rope, at)),
        Motion::LineStart => Caret::new(home(rope, at)),
        Motion::LineEnd => Caret::new(line_end(rope, line_at(rope, at))),
        Motion::ParagraphUp => Caret::new(paragraph_up(rope, at)),
        Motion::ParagraphDown => Caret::new(paragraph_down(rope, at)),
        Motion::Bracket => {
            let pair = bracket::matching(rope, at, usize::MAX);
            Caret::new(pair.map_or(at, |(_, partner)| partner))
        }
        Motion::DocumentStart => Caret::new(CharPos(0)),
        Motion::DocumentEnd => Caret::new(CharPos(rope.len_chars())),
    }
}

/// The column at which the cluster at `at` starts in its row.
pub fn column_of(rope: &Rope, at: CharPos, options: &DisplayOptions) -> Column {
    Row::at(rope, at, options).column(rope, at, options)
}

/// The column of `at` in its line as a person counts, from 1, whatever is wrapped; of a
/// [long](super::rows::LONG_LINE) line in characters.
pub fn line_column(rope: &Rope, at: CharPos, options: &DisplayOptions) -> usize {
    let whole = DisplayOptions {
        wrap: false,
        ..*options
    };
    let at = at.clamped(rope);
    let (start, row) = (
        line_start(rope, line_at(rope, at)),
        Row::at(rope, at, &whole),
    );
    if row.first && row.last {
        row.column(rope, at, &whole).0 + 1
    } else {
        at - start + 1
    }
}

/// The place in `line` that a person calls `column`, from 1: the reverse of [`line_column`].
pub fn at_line_column(rope: &Rope, line: Line, column: usize, options: &DisplayOptions) -> CharPos {
    let whole = DisplayOptions {
        wrap: false,
        ..*options
    };
    let start = line_start(rope, line);
    let column = column.saturating_sub(1);
    let row = Row::at(rope, start, &whole);
    if row.last {
        row.at_column(rope, Column(column), &whole)
    } else {
        let at = CharPos(start.0.saturating_add(column)).min(line_end(rope, line));
        snapped(rope, at)
    }
}

/// Back over blanks, then over a run of word characters or of punctuation; from a line's start to
/// the end of the line before. A line's start stops it.
pub fn word_left(rope: &Rope, at: CharPos) -> CharPos {
    let at = snapped(rope, at);
    let start = line_start(rope, line_at(rope, at));
    if at == start {
        return prev_grapheme_boundary(rope, at);
    }
    let mut at = at;
    let mut run = Class::Blank;
    while at > start {
        let before = prev_grapheme_boundary(rope, at);
        let class = Class::of(rope.get_char(before.0));
        if run != Class::Blank && class != run {
            break;
        }
        run = class;
        at = before;
    }
    at
}

/// On over blanks, then over a run of word characters or of punctuation; from a line's end to the
/// start of the next line. A line's end stops it.
pub fn word_right(rope: &Rope, at: CharPos) -> CharPos {
    let at = snapped(rope, at);
    let end = line_end(rope, line_at(rope, at));
    if at >= end {
        return next_grapheme_boundary(rope, at);
    }
    let mut at = at;
    let mut run = Class::Blank;
    for cluster in graphemes(rope.slice(at.0..end.0)) {
        let class = Class::of(cluster.chars().next());
        if run != Class::Blank && class != run {
            break;
        }
        run = class;
        at = at + cluster.chars().count();
    }
    at
}

/// The run of word characters, of punctuation or of blanks around the cluster at `at`, within its line.
pub fn word_around(rope: &Rope, at: CharPos) -> Range<CharPos> {
    let at = snapped(rope, at);
    let line = line_at(rope, at);
    let (start, end) = (line_start(rope, line), line_end(rope, line));
    let class = |at: CharPos| Class::of(rope.get_char(at.0));
    let at = if at == end && at > start {
        prev_grapheme_boundary(rope, at)
    } else {
        at
    };
    let (mut first, mut last) = (at, at);
    while last < end && class(last) == class(at) {
        last = next_grapheme_boundary(rope, last);
    }
    while first > start && class(prev_grapheme_boundary(rope, first)) == class(at) {
        first = prev_grapheme_boundary(rope, first);
    }
    first..last
}

fn paragraph_up(rope: &Rope, at: CharPos) -> CharPos {
    let above = (0..=line_at(rope, at).0).rev().map(Line);
    let blank = above
        .skip_while(|&line| is_blank(rope, line))
        .find(|&line| is_blank(rope, line));
    blank.map_or(CharPos(0), |line| line_start(rope, line))
}

fn paragraph_down(rope: &Rope, at: CharPos) -> CharPos {
    let below = (line_at(rope, at).0..rope.len_lines()).map(Line);
    let blank = below
        .skip_while(|&line| is_blank(rope, line))
        .find(|&line| is_blank(rope, line));
    blank.map_or_else(|| CharPos(rope.len_chars()), |line| line_start(rope, line))
}

/// Whether nothing can be seen in a line.
pub fn is_blank(rope: &Rope, line: Line) -> bool {
    line_text(rope, line).chars().all(char::is_whitespace)
}

/// What a word is made of, judged by a cluster's first character.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Blank,
    Word,
    Punctuation,
}

impl Class {
    fn of(first: Option<char>) -> Self {
        match first {
            Some(c) if c.is_alphanumeric() || c == '_' => Self::Word,
            Some(c) if !c.is_whitespace() => Self::Punctuation,
            _ => Self::Blank,
        }
    }
}

fn home(rope: &Rope, at: CharPos) -> CharPos {
    let at = snapped(rope, at);
    let line = line_at(rope, at);
    let start = line_start(rope, line);
    let blanks = line_text(rope, line)
        .chars()
        .take_while(|c| c.is_whitespace())
        .count();
    let text = snapped(rope, start + blanks);
    if at == text { start } else { text }
}

fn vertical(
    rope: &Rope,
    at: CharPos,
    rows: isize,
    goal: Column,
    options: &DisplayOptions,
) -> CharPos {
    match Row::at(rope, at, options).moved(rope, rows, options) {
        (_, 0) if rows < 0 => CharPos(0),
        (_, 0) => CharPos(rope.len_chars()),
        (row, _) => row.at_column(rope, goal, options),
    }
}

#[cfg(test)]
mod tests;
