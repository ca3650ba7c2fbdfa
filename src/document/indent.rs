//! How lines are indented: by tabs or by spaces, and by how many.
//!
//! Not here: where that is written down (settings, `.editorconfig`); this is what a text shows.

use std::num::NonZeroUsize;

use ropey::Rope;

use super::position::{Line, line_text};

/// How many lines of a text are looked at.
const LINES: usize = 2_000;

/// The widest indentation that is looked at, in characters.
const WIDEST: usize = 80;

/// The steps that are looked for; others are alignment more often than indentation.
const STEPS: [usize; 4] = [4, 2, 8, 3];

/// One step of indentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Indent {
    /// Whether it is made of spaces.
    pub soft: bool,
    /// How many cells wide it is.
    pub width: NonZeroUsize,
}

impl Indent {
    /// What is put in front of a line to indent it once.
    pub fn text(self) -> String {
        self.text_from(0)
    }

    /// What takes the cursor from `column` to the next step.
    pub fn text_from(self, column: usize) -> String {
        if self.soft {
            " ".repeat(self.width.get() - column % self.width)
        } else {
            "\t".to_owned()
        }
    }

    /// How many characters of `line` are its first step of indentation, at most.
    pub fn first(self, line: impl Iterator<Item = char>) -> usize {
        let mut line = line.peekable();
        if line.peek() == Some(&'\t') {
            return 1;
        }
        line.take(self.width.get())
            .take_while(|&c| c == ' ')
            .count()
    }
}

/// Whether `rope` indents by tabs or by spaces, and by how many of these; `None` if it does neither.
/// The cost is bounded.
pub fn detected(rope: &Rope) -> Option<(bool, Option<NonZeroUsize>)> {
    let (mut tabs, mut spaces) = (0, 0);
    let mut steps = [0; STEPS.len()];
    let mut before = 0;
    for line in 0..rope.len_lines().min(LINES) {
        let mut start = line_text(rope, Line(line)).chars().take(WIDEST).peekable();
        if start.peek() == Some(&'\t') {
            tabs += 1;
            continue;
        }
        let mut blanks = 0;
        while start.next_if_eq(&' ').is_some() {
            blanks += 1;
        }
        if start.peek().is_none_or(|c| c.is_whitespace()) {
            continue;
        }
        spaces += usize::from(blanks > 1);
        let step = STEPS.iter().position(|&step| blanks == before + step);
        if let Some(step) = step {
            steps[step] += 1;
        }
        before = blanks;
    }
    if tabs == 0 && spaces == 0 {
        return None;
    }
    let most = steps.into_iter().max().filter(|&most| most > 0);
    let step = STEPS
        .iter()
        .zip(steps)
        .find(|&(_, count)| Some(count) == most);
    let width = step.and_then(|(&step, _)| NonZeroUsize::new(step));
    Some((spaces > tabs, width.filter(|_| spaces > tabs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_shows_how_it_is_indented() {
        for (text, expected) in [
            ("plain\ntext\n", None),
            ("a\n\tb\n\t\tc\n", Some((false, None))),
            ("a\n  b\n    c\nd\n  e\n", Some((true, Some(2)))),
            (
                "a\n    b\n    c\nd\n    e\n        f\n",
                Some((true, Some(4))),
            ),
            ("a\n   \n\n b\n", None),
            ("a\n\tb\n  c\n\td\n", Some((false, None))),
            ("a:\n        b\n", Some((true, Some(8)))),
        ] {
            let found = detected(&Rope::from_str(text));
            let found = found.map(|(soft, width)| (soft, width.map(NonZeroUsize::get)));
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
