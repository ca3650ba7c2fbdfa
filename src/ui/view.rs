//! The view model: everything that a frame shows, built anew for each draw.
//!
//! Plain data. Texts are taken as they are, also those that others sent: drawing makes them
//! harmless. Positions may lie beyond the text (they mean its end) or inside a cluster.

use std::ops::Range;

use crate::document::Rope;
use ratatui::layout::Size;

use super::highlight::Span;
use super::theme::Theme;
use crate::document::display::DisplayOptions;
use crate::document::position::{CharPos, Column};
use crate::document::rows::Row;

/// One frame.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// What fills the screen above the bars.
    pub body: Body<'a>,
    /// The bar at the bottom.
    pub status: Status,
    /// One message to the person.
    pub notice: Option<Notice>,
    /// A question; it has the terminal's cursor while it is open.
    pub prompt: Option<Prompt>,
    /// The members and the invitation.
    pub panel: Option<Panel>,
    /// A list over the text, and over the panel.
    pub list: Option<List>,
    /// What the members say to each other, below the text.
    pub chat: Option<Chat>,
    /// What things look like.
    pub theme: Theme,
}

/// What fills the screen above the bars.
#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// There is no document yet: a text in the middle of the screen, and no status bar.
    Connecting(String),
    /// The document.
    Text(TextView<'a>),
}

/// The document as one person sees it.
#[derive(Clone, Debug)]
pub struct TextView<'a> {
    /// The text.
    pub rope: &'a Rope,
    /// The own cursor.
    pub cursor: CharPos,
    /// The own selection.
    pub selection: Option<Range<CharPos>>,
    /// What was found, of what can be seen.
    pub matches: Vec<Range<CharPos>>,
    /// The others.
    pub peers: Vec<PeerCursor>,
    /// Which part is on the screen.
    pub scroll: Scroll,
    /// How text is shown.
    pub options: DisplayOptions,
    /// Whether lines are numbered, where there is room.
    pub numbers: bool,
    /// What is known of the text as code, from left to right.
    pub spans: &'a [Span],
    /// What others wrote, with the indices of their colours, if that is to be seen; from left to right.
    pub authors: Vec<(Range<CharPos>, usize)>,
    /// What is about to disappear, from left to right.
    pub vanishing: Vec<Range<CharPos>>,
    /// The bracket at the own cursor and its partner.
    pub brackets: Option<[CharPos; 2]>,
}

impl TextView<'_> {
    /// The numbers of the lines that `height` rows show, and where the row below them ends.
    pub fn extent(&self, height: u16) -> (Range<usize>, CharPos) {
        let top = Row::at(self.rope, self.scroll.top, &self.options);
        let rows = isize::try_from(height).unwrap_or(isize::MAX);
        let (bottom, _) = top.moved(self.rope, rows, &self.options);
        (top.line.0..bottom.line.0 + 1, bottom.end)
    }
}

/// Another member's place in the text.
#[derive(Clone, Debug)]
pub struct PeerCursor {
    /// The member's name.
    pub name: String,
    /// The index of the member's colour; any number.
    pub colour: usize,
    /// The member's cursor.
    pub cursor: CharPos,
    /// The member's selection.
    pub selection: Option<Range<CharPos>>,
    /// Whether the name is to be seen.
    pub named: bool,
}

/// The part of the text that is on the screen, by its corner.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Scroll {
    /// Where the first visible row starts; from inside a row, that one.
    pub top: CharPos,
    /// The first visible column.
    pub left: Column,
}

/// The bar at the bottom. Parts are left out, the last ones first, where they do not fit.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// The file's name, or what stands for it.
    pub file: String,
    /// Whether the text differs from what was saved last.
    pub unsaved: bool,
    /// The other members.
    pub members: Vec<Member>,
    /// How many messages have not been seen.
    pub unread: usize,
    /// Who wrote the text under the cursor, and when; empty if that is not to be seen.
    pub author: String,
    /// Whether the others have everything; empty without others.
    pub delivery: String,
    /// The same in short.
    pub delivery_short: String,
    /// Who has the text on disk; empty without others.
    pub disk: String,
    /// How to join; empty if nobody can.
    pub invitation: String,
}

/// A member in the status bar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// The member's name.
    pub name: String,
    /// The index of the member's colour; any number.
    pub colour: usize,
    /// Whether there is a live link; others are dimmed.
    pub connected: bool,
}

/// One message to the person, wrapped over at most three rows.
#[derive(Clone, Debug)]
pub struct Notice {
    /// How grave it is.
    pub level: Level,
    /// The message.
    pub text: String,
}

/// How grave a notice is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// Good to know.
    Info,
    /// Something needs care.
    Warning,
    /// Something failed.
    Error,
}

/// A question and the answer so far.
#[derive(Clone, Debug, Default)]
pub struct Prompt {
    /// The question.
    pub title: String,
    /// The answer so far.
    pub input: String,
    /// The cursor in the answer, in Unicode scalar values.
    pub cursor: CharPos,
    /// Whether dots are shown in place of the answer.
    pub hidden: bool,
    /// Whether what is typed takes the place of the answer.
    pub selected: bool,
}

/// A list of things that can be asked for.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// What it is.
    pub title: String,
    /// The entries.
    pub entries: Vec<Entry>,
    /// The entry that is chosen, or else the first one to show.
    pub at: usize,
    /// Whether there is something to choose.
    pub choosing: bool,
}

/// An entry of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What it does.
    pub text: String,
    /// The key for it, if any.
    pub key: String,
}

/// The most messages that can be seen at once.
pub const MOST_SEEN: u16 = 11;

/// The newest of what the members said to each other.
#[derive(Clone, Debug, Default)]
pub struct Chat {
    /// The messages, the newest last.
    pub said: Vec<Said>,
    /// How many newer ones are left out.
    pub more: usize,
}

/// What somebody said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Who.
    pub name: String,
    /// The index of the member's colour; oneself has none.
    pub colour: Option<usize>,
    /// How long ago; empty if just now.
    pub ago: String,
    /// What.
    pub text: String,
}

/// The members and the invitation, over the text.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// All members, oneself included.
    pub members: Vec<PanelMember>,
    /// How to join, one line each.
    pub invitation: Vec<String>,
    /// What a QR code is to say, if one is to be shown.
    pub qr: Option<String>,
    /// How many lines are scrolled away above.
    pub top: usize,
}

/// A member in the panel.
#[derive(Clone, Debug)]
pub struct PanelMember {
    /// The member's name.
    pub name: String,
    /// The index of the member's colour; oneself has none.
    pub colour: Option<usize>,
    /// Connected, away since when, left.
    pub state: String,
    /// Where the member can be reached.
    pub addresses: Vec<String>,
}

/// Moves `scroll` as little as shows the cell at `cursor` in a text area of that `size`, and not
/// at all if it is shown, unless rows stay empty below the text while there are some above.
/// Sideways it moves by a third of the area, so that typing at the edge
/// does not redraw the screen for each key.
pub fn scroll_into_view(
    rope: &Rope,
    cursor: CharPos,
    size: Size,
    options: &DisplayOptions,
    scroll: &mut Scroll,
) {
    let height = usize::from(size.height.max(1));
    let at = Row::at(rope, cursor, options);
    let top = Row::at(rope, scroll.top, options);
    let shown = std::iter::successors(Some(top), |row| row.below(rope, options)).take(height);
    let (mut rows, mut met) = (0, false);
    for row in shown {
        rows += 1;
        met |= row.start == at.start;
    }
    let back = |row: Row, by: usize| row.moved(rope, -(by as isize), options).0.start;
    scroll.top = if at.start < top.start {
        at.start
    } else if met {
        back(top, height - rows)
    } else {
        back(at, height - 1)
    };

    let column = at.column(rope, cursor, options);
    let width = usize::from(size.width.max(1));
    if column < scroll.left {
        scroll.left = Column(if column.0 < width {
            0
        } else {
            column.0 - width / 3
        });
    } else if column.0 - scroll.left.0 >= width {
        scroll.left = Column(column.0 + 1 + width / 3 - width);
    }
}

/// The place that is shown `rows` below the row with `top` (above it if negative) at `column` of its
/// row; where there is no such row, in the last one before.
pub fn position_at(
    rope: &Rope,
    top: CharPos,
    rows: isize,
    column: usize,
    options: &DisplayOptions,
) -> CharPos {
    let (row, _) = Row::at(rope, top, options).moved(rope, rows, options);
    row.at_column(rope, Column(column), options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::motion::column_of;
    use crate::document::position::{Line, line_at, line_start};

    #[test]
    fn the_cursor_is_always_on_the_screen_after_scrolling() {
        let text = format!("{}\n", "x".repeat(40)).repeat(40);
        let rope = Rope::from_str(&text);
        let options = DisplayOptions::default();
        for (width, height) in [(1, 1), (2, 3), (10, 5), (80, 80), (0, 0)] {
            let size = Size { width, height };
            let mut scroll = Scroll::default();
            for at in (0..=rope.len_chars())
                .chain((0..rope.len_chars()).rev())
                .step_by(7)
            {
                let at = CharPos(at);
                scroll_into_view(&rope, at, size, &options, &mut scroll);
                let (line, column) = (line_at(&rope, at), column_of(&rope, at, &options));
                let top = line_at(&rope, scroll.top);
                assert!(top <= line && line.0 < top.0 + usize::from(height.max(1)));
                assert!(
                    scroll.left <= column && column.0 < scroll.left.0 + usize::from(width.max(1))
                );
                let before = scroll;
                scroll_into_view(&rope, at, size, &options, &mut scroll);
                assert_eq!(scroll, before);
            }
        }
    }

    #[test]
    fn no_rows_stay_empty_while_there_are_lines_above() {
        let rope = Rope::from_str("one\ntwo\nthree");
        let mut scroll = Scroll {
            top: line_start(&rope, Line(2)),
            left: Column(0),
        };
        let size = Size {
            width: 80,
            height: 2,
        };
        let options = DisplayOptions::default();
        let end = CharPos(rope.len_chars());
        scroll_into_view(&rope, end, size, &options, &mut scroll);
        assert_eq!(line_at(&rope, scroll.top), Line(1));
    }

    #[test]
    fn what_is_visible_does_not_move() {
        let rope = Rope::from_str(&"line\n".repeat(100));
        let mut scroll = Scroll {
            top: line_start(&rope, Line(50)),
            left: Column(0),
        };
        let size = Size {
            width: 20,
            height: 10,
        };
        scroll_into_view(
            &rope,
            CharPos(55 * 5),
            size,
            &DisplayOptions::default(),
            &mut scroll,
        );
        assert_eq!(line_at(&rope, scroll.top), Line(50));
        scroll_into_view(
            &rope,
            CharPos(60 * 5),
            size,
            &DisplayOptions::default(),
            &mut scroll,
        );
        assert_eq!(line_at(&rope, scroll.top), Line(51));
    }
}
