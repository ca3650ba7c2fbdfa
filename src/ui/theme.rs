//! What things look like.
//!
//! With sixteen colours these are the terminal's own, which its owner has made to suit. With more,
//! they are taken from the fixed part of the palette of 256, which looks alike everywhere (also
//! where there are more), so that contrast is a matter of numbers: a test keeps it. Without colours
//! (`NO_COLOR`) attributes say the same, and members are told apart by the names at their cursors.

use ratatui::style::{Color, Modifier, Style};

use super::highlight::Token;
use super::view::Level;

/// How many colours the terminal shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Depth {
    /// None, or none are wanted.
    None,
    /// Those of its own palette.
    #[default]
    Sixteen,
    /// The palette of 256, or more.
    Many,
}

/// What the terminal's background is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ground {
    /// Black, or near.
    Dark,
    /// White, or near.
    Light,
}

/// A member's colours: of the selection and of the cursor. Text upon both is black.
const MEMBERS: [(Color, Color); 10] = [
    (Color::Green, Color::LightGreen),
    (Color::Magenta, Color::LightMagenta),
    (Color::Cyan, Color::LightCyan),
    (Color::Yellow, Color::LightYellow),
    (Color::Blue, Color::LightBlue),
    (Color::Red, Color::LightRed),
    (Color::Indexed(208), Color::Indexed(215)),
    (Color::Indexed(99), Color::Indexed(141)),
    (Color::Indexed(100), Color::Indexed(143)),
    (Color::Indexed(162), Color::Indexed(211)),
];

/// The same from the palette of 256.
const MANY_MEMBERS: [(u8, u8); 10] = [
    (114, 77),
    (176, 213),
    (80, 51),
    (221, 226),
    (111, 75),
    (210, 203),
    (208, 215),
    (141, 177),
    (143, 185),
    (211, 205),
];

/// The colour of each kind of token: on dark ground, on light ground, on one that is not known, and
/// among sixteen.
const TOKENS: [(Token, u8, u8, u8, Color); 7] = [
    (Token::Comment, 246, 241, 243, Color::DarkGray),
    (Token::String, 114, 22, 28, Color::Green),
    (Token::Constant, 215, 94, 130, Color::Cyan),
    (Token::Keyword, 176, 90, 133, Color::Magenta),
    (Token::Function, 111, 25, 68, Color::Blue),
    (Token::Type, 80, 23, 30, Color::Cyan),
    (Token::Heading, 222, 88, 167, Color::Red),
];

/// A choice of looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Theme {
    depth: Depth,
    ground: Option<Ground>,
}

impl Theme {
    /// For so many colours on such a ground, if that is known.
    pub const fn new(depth: Depth, ground: Option<Ground>) -> Self {
        Self { depth, ground }
    }

    /// What a terminal's environment says: the values of `TERM`, `COLORTERM` and `COLORFGBG`, empty where
    /// they are not set.
    pub fn of_environment(term: &str, colorterm: &str, colorfgbg: &str) -> Self {
        let many = term.contains("256color")
            || term.contains("direct")
            || ["truecolor", "24bit"].contains(&colorterm);
        let depth = match term {
            "dumb" => Depth::None,
            _ if many => Depth::Many,
            _ => Depth::Sixteen,
        };
        let background = colorfgbg.rsplit(';').next().unwrap_or_default();
        let ground = match background.parse() {
            Ok(0..=6 | 8) => Some(Ground::Dark),
            Ok(7 | 9..=15) => Some(Ground::Light),
            Ok(16u8..) | Err(_) => None,
        };
        Self { depth, ground }
    }

    /// The same without colours.
    pub const fn plain(self) -> Self {
        Self {
            depth: Depth::None,
            ..self
        }
    }

    /// The same on this ground.
    pub const fn on(self, ground: Ground) -> Self {
        Self {
            ground: Some(ground),
            ..self
        }
    }

    /// Whether there are colours, so that members are known by them.
    pub const fn has_colours(self) -> bool {
        !matches!(self.depth, Depth::None)
    }

    /// Whether it would be good to know the terminal's background.
    pub const fn wants_ground(self) -> bool {
        self.ground.is_none() && !matches!(self.depth, Depth::None)
    }

    /// A kind of token.
    pub(super) fn token(self, token: Token) -> Style {
        let found = TOKENS.iter().find(|(other, ..)| *other == token);
        let Some(&(_, dark, light, either, own)) = found else {
            return Style::new();
        };
        let many = match self.ground {
            Some(Ground::Dark) => dark,
            Some(Ground::Light) => light,
            None => either,
        };
        match self.depth {
            Depth::Many => Style::new().fg(Color::Indexed(many)),
            Depth::Sixteen => Style::new().fg(own),
            Depth::None => match token {
                Token::Keyword | Token::Heading => Style::new().add_modifier(Modifier::BOLD),
                Token::Comment => Style::new().add_modifier(Modifier::DIM),
                _ => Style::new(),
            },
        }
    }

    /// Text that stands for something that cannot be shown as it is.
    pub(super) fn marked(self) -> Style {
        self.either(Style::new().fg(Color::Red), Style::new())
            .add_modifier(Modifier::DIM)
    }

    /// Line numbers and white space.
    pub(super) fn gutter(self) -> Style {
        match self.depth {
            Depth::None => Style::new().add_modifier(Modifier::DIM),
            Depth::Sixteen => Style::new().fg(Color::DarkGray),
            Depth::Many => self.token(Token::Comment),
        }
    }

    /// The number of the line with the cursor.
    pub(super) fn current_line(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The own selection.
    pub(super) fn selection(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Text that was found.
    pub(super) fn found(self) -> Style {
        self.either(
            Style::new().bg(Color::Yellow).fg(Color::Black),
            Style::new().add_modifier(Modifier::UNDERLINED | Modifier::BOLD),
        )
    }

    /// A member's selection, and what a member wrote.
    pub(super) fn member_selection(self, colour: usize) -> Style {
        let (selection, _) = self.member(colour);
        self.either(
            Style::new().bg(selection).fg(Color::Black),
            Style::new().add_modifier(Modifier::UNDERLINED),
        )
    }

    /// The cell of a member's cursor.
    pub(super) fn member_cursor(self, colour: usize) -> Style {
        let (_, cursor) = self.member(colour);
        let plain = Style::new().add_modifier(Modifier::REVERSED | Modifier::UNDERLINED);
        self.either(Style::new().bg(cursor).fg(Color::Black), plain)
            .add_modifier(Modifier::BOLD)
    }

    /// The name at a member's cursor, and the mark beside its line.
    pub(super) fn member_label(self, colour: usize) -> Style {
        let (label, _) = self.member(colour);
        self.either(
            Style::new().bg(label).fg(Color::Black),
            Style::new().add_modifier(Modifier::REVERSED),
        )
    }

    fn member(self, colour: usize) -> (Color, Color) {
        let colour = colour % MEMBERS.len();
        if self.depth == Depth::Many {
            let (selection, cursor) = MANY_MEMBERS[colour];
            (Color::Indexed(selection), Color::Indexed(cursor))
        } else {
            MEMBERS[colour]
        }
    }

    /// What is to disappear.
    pub(super) fn vanishing(self) -> Style {
        self.either(Style::new().bg(Color::Red).fg(Color::Black), Style::new())
            .add_modifier(Modifier::CROSSED_OUT)
    }

    /// The status bar and the panel's title.
    pub(super) fn status(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// What there is to be read, in the status bar.
    pub(super) fn unread(self) -> Style {
        let plain = Style::new().add_modifier(Modifier::BOLD);
        self.either(Style::new().bg(Color::Yellow).fg(Color::Black), plain)
    }

    /// A bracket and its partner.
    pub(super) fn bracket(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    /// A notice.
    pub(super) fn notice(self, level: Level) -> Style {
        let plain = Style::new().add_modifier(Modifier::BOLD);
        match level {
            Level::Info => Style::new(),
            Level::Warning => self.either(self.warning(), plain),
            Level::Error => self
                .either(Style::new().fg(Color::Red), plain)
                .add_modifier(Modifier::BOLD),
        }
    }

    fn warning(self) -> Style {
        match self.depth {
            Depth::Many => self.token(Token::Constant),
            _ => Style::new().fg(Color::Yellow),
        }
    }

    /// What a prompt asks.
    pub(super) fn prompt(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn either(self, colours: Style, plain: Style) -> Style {
        if self.depth == Depth::None {
            plain
        } else {
            colours
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fixed colours 16 to 255 as xterm has them.
    fn rgb(index: u8) -> [f64; 3] {
        let step = |n: u8| f64::from(if n == 0 { 0 } else { 55 + 40 * n });
        match index {
            16..=231 => [(index - 16) / 36, (index - 16) / 6 % 6, (index - 16) % 6].map(step),
            _ => [f64::from(8 + 10 * (index - 232)); 3],
        }
    }

    /// The contrast of two colours after WCAG 2, 1 to 21.
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let light = |rgb: [f64; 3]| {
            let [r, g, b] = rgb.map(|c| {
                let c = c / 255.0;
                if c <= 0.03928 {
                    c / 12.92
                } else {
                    ((c + 0.055) / 1.055).powf(2.4)
                }
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (light(one), light(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    const BLACK: [f64; 3] = [0.0; 3];
    const WHITE: [f64; 3] = [255.0; 3];

    #[test]
    fn tokens_keep_their_contrast() {
        let near_black = [0x1e, 0x1e, 0x2e].map(f64::from);
        let near_white = [0xee, 0xe8, 0xd5].map(f64::from);
        for (token, dark, light, either, _) in TOKENS {
            for (index, grounds, least) in [
                (dark, [BLACK, near_black], 4.5),
                (light, [WHITE, near_white], 4.5),
                (either, [BLACK, WHITE], 3.0),
            ] {
                for ground in grounds {
                    let found = contrast(rgb(index), ground);
                    assert!(found >= least, "{token:?} {index} on {ground:?}: {found}");
                }
            }
        }
    }

    #[test]
    fn text_on_members_colours_keeps_its_contrast() {
        for (selection, cursor) in MANY_MEMBERS {
            for index in [selection, cursor] {
                assert!(contrast(rgb(index), BLACK) >= 4.5, "{index}");
            }
        }
    }

    #[test]
    fn the_environment_says_what_a_terminal_can() {
        for (environment, depth, ground) in [
            (("xterm", "", ""), Depth::Sixteen, None),
            (
                ("xterm-256color", "", "15;0"),
                Depth::Many,
                Some(Ground::Dark),
            ),
            (
                ("xterm", "truecolor", "0;default;15"),
                Depth::Many,
                Some(Ground::Light),
            ),
            (("dumb", "", "x;y"), Depth::None, None),
        ] {
            let (term, colorterm, colorfgbg) = environment;
            let found = Theme::of_environment(term, colorterm, colorfgbg);
            assert_eq!(found, Theme::new(depth, ground), "{environment:?}");
        }
    }
}
