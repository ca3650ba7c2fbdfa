//! What things look like.
//!
//! Colours are those of the terminal's own palette, so that they suit its background; only beyond
//! six members come fixed ones. Without colours (`NO_COLOR`) attributes say the same, and members
//! are told apart by the names at their cursors.

use ratatui::style::{Color, Modifier, Style};

use super::view::Level;

/// A member's colours: of the selection and of the cursor, and of text upon both.
const MEMBERS: [(Color, Color, Color); 10] = [
    (Color::Green, Color::LightGreen, Color::Black),
    (Color::Magenta, Color::LightMagenta, Color::Black),
    (Color::Cyan, Color::LightCyan, Color::Black),
    (Color::Yellow, Color::LightYellow, Color::Black),
    (Color::Blue, Color::LightBlue, Color::Black),
    (Color::Red, Color::LightRed, Color::Black),
    (Color::Indexed(208), Color::Indexed(215), Color::Black),
    (Color::Indexed(99), Color::Indexed(141), Color::Black),
    (Color::Indexed(100), Color::Indexed(143), Color::Black),
    (Color::Indexed(162), Color::Indexed(211), Color::Black),
];

/// A choice of looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Theme {
    colours: bool,
}

impl Theme {
    /// How many members have a colour of their own; then they repeat.
    pub const MEMBER_COLOURS: usize = MEMBERS.len();

    /// Colours of the terminal's palette.
    pub const fn colours() -> Self {
        Self { colours: true }
    }

    /// Attributes only, for terminals and people that want no colours.
    pub const fn plain() -> Self {
        Self { colours: false }
    }

    /// Text that stands for something that cannot be shown as it is.
    pub(super) fn marked(self) -> Style {
        self.either(Style::new().fg(Color::Red), Style::new())
            .add_modifier(Modifier::DIM)
    }

    /// Line numbers.
    pub(super) fn gutter(self) -> Style {
        self.either(
            Style::new().fg(Color::DarkGray),
            Style::new().add_modifier(Modifier::DIM),
        )
    }

    /// The number of the line with the cursor.
    pub(super) fn current_line(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The own selection.
    pub(super) fn selection(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A member's selection.
    pub(super) fn member_selection(self, colour: usize) -> Style {
        let (selection, _, text) = MEMBERS[colour % MEMBERS.len()];
        self.either(
            Style::new().bg(selection).fg(text),
            Style::new().add_modifier(Modifier::UNDERLINED),
        )
    }

    /// The cell of a member's cursor.
    pub(super) fn member_cursor(self, colour: usize) -> Style {
        let (_, cursor, text) = MEMBERS[colour % MEMBERS.len()];
        let plain = Style::new().add_modifier(Modifier::REVERSED | Modifier::UNDERLINED);
        self.either(Style::new().bg(cursor).fg(text), plain)
            .add_modifier(Modifier::BOLD)
    }

    /// The name at a member's cursor.
    pub(super) fn member_label(self, colour: usize) -> Style {
        let (label, _, text) = MEMBERS[colour % MEMBERS.len()];
        self.either(
            Style::new().bg(label).fg(text),
            Style::new().add_modifier(Modifier::REVERSED),
        )
    }

    /// The status bar and the panel's title.
    pub(super) fn status(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A notice.
    pub(super) fn notice(self, level: Level) -> Style {
        let plain = Style::new().add_modifier(Modifier::BOLD);
        match level {
            Level::Info => Style::new(),
            Level::Warning => self.either(Style::new().fg(Color::Yellow), plain),
            Level::Error => self
                .either(Style::new().fg(Color::Red), plain)
                .add_modifier(Modifier::BOLD),
        }
    }

    /// What a prompt asks.
    pub(super) fn prompt(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    const fn either(self, colours: Style, plain: Style) -> Style {
        if self.colours { colours } else { plain }
    }
}
