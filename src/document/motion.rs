//! Where the cursor goes: pure movement over a text.
//!
//! Every function takes any position (beyond the text: its end; inside a cluster: its start) and
//! answers with a boundary between clusters. Columns are those of [`show`],
//! so the cursor and the cells on the screen agree. A column costs the length of the line before
//! it.
//!
//! Not here: selections, and what an edit does to a cursor (anchors).

use ropey::Rope;

use super::display::{DisplayOptions, show};
use super::grapheme::{graphemes, next_grapheme_boundary, prev_grapheme_boundary, snapped};
use super::position::{CharPos, Column, Line, last_line, line_at, line_end, line_start, line_text};

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
    /// One line up at the goal column; on the first line to its start.
    Up,
    /// One line down at the goal column; on the last line to its end.
    Down,
    /// A page of lines up.
    PageUp,
    /// A page of lines down.
    PageDown,
    /// To the line's first character that is not blank, or, being there, to the line's start.
    LineStart,
    /// Before the line's break.
    LineEnd,
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

/// Where `motion` takes `caret`; `page` is the number of lines in a page.
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
        Motion::DocumentStart => Caret::new(CharPos(0)),
        Motion::DocumentEnd => Caret::new(CharPos(rope.len_chars())),
    }
}

/// The column at which the cluster at `at` starts.
pub fn column_of(rope: &Rope, at: CharPos, options: &DisplayOptions) -> Column {
    let at = snapped(rope, at);
    let start = line_start(rope, line_at(rope, at));
    let mut column = Column(0);
    for cluster in graphemes(rope.slice(start.0..at.0)) {
        column.0 += show(&cluster, column, options).width;
    }
    column
}

/// The start of the cluster that covers `column` in `line`, or the line's end if it is shorter.
pub fn at_column(rope: &Rope, line: Line, column: Column, options: &DisplayOptions) -> CharPos {
    let line = line.min(last_line(rope));
    let mut at = line_start(rope, line);
    let mut start = Column(0);
    for cluster in graphemes(line_text(rope, line)) {
        let end = Column(start.0 + show(&cluster, start, options).width);
        if column < end {
            break;
        }
        start = end;
        at = at + cluster.chars().count();
    }
    at
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
    lines: isize,
    goal: Column,
    options: &DisplayOptions,
) -> CharPos {
    let line = line_at(rope, at);
    match line.0.checked_add_signed(lines) {
        None if line == Line(0) => CharPos(0),
        None => at_column(rope, Line(0), goal, options),
        Some(_) if lines > 0 && line == last_line(rope) => CharPos(rope.len_chars()),
        Some(target) => at_column(rope, Line(target), goal, options),
    }
}

#[cfg(test)]
mod tests;
