//! Which key asks for what.
//!
//! The default keymap is one table; rebinding lays other bindings over it. Terminals differ in
//! what they send for one and the same key, so [`Chord`]s are normalised: letters with Ctrl or Alt
//! are lower case, and Shift is part of a printable character, not beside it.
//!
//! Not here: characters that are typed. Every printable character without Ctrl or Alt is text.

use std::fmt;
use std::str::FromStr;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::Command;

/// A key together with the modifiers that are held.
///
/// As text, `ctrl-shift-left`, `alt-z`, `f3`, `ctrl--`: modifiers first, in any order and case.
/// Displays as people write it: `Ctrl-Shift-Left`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Chord {
    /// The normalised chord of a key and its modifiers.
    pub fn new(modifiers: KeyModifiers, code: KeyCode) -> Self {
        let known = KeyModifiers::SHIFT | KeyModifiers::CONTROL | KeyModifiers::ALT;
        let mut modifiers = modifiers & known;
        let code = match code {
            KeyCode::Char(c) if modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
                modifiers.set(
                    KeyModifiers::SHIFT,
                    modifiers.contains(KeyModifiers::SHIFT) || c.is_uppercase(),
                );
                KeyCode::Char(c.to_ascii_lowercase())
            }
            KeyCode::Char(_) => {
                modifiers -= KeyModifiers::SHIFT;
                code
            }
            KeyCode::BackTab => {
                modifiers |= KeyModifiers::SHIFT;
                KeyCode::Tab
            }
            _ => code,
        };
        Self { code, modifiers }
    }

    /// Whether it is a printable character, which is text and cannot be bound.
    fn is_text(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && self.modifiers.is_empty()
    }
}

impl From<KeyEvent> for Chord {
    fn from(key: KeyEvent) -> Self {
        Self::new(key.modifiers, key.code)
    }
}

/// Why a text is not a chord.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadChord {
    /// No such key.
    #[error("{0:?} is not a key; keys are written like \"ctrl-s\", \"alt-up\" or \"shift-f3\"")]
    Unknown(String),
    /// A printable character without Ctrl or Alt.
    #[error("{0:?} is typed as text and cannot be bound without ctrl or alt")]
    Text(String),
}

impl FromStr for Chord {
    type Err = BadChord;

    fn from_str(text: &str) -> Result<Self, BadChord> {
        let mut modifiers = KeyModifiers::NONE;
        let lower = text.to_lowercase();
        let mut name = lower.as_str();
        while let Some((modifier, rest)) = MODIFIERS.iter().find_map(|&(modifier, word)| {
            let rest = name.strip_prefix(word)?.strip_prefix('-')?;
            Some((modifier, rest))
        }) {
            modifiers |= modifier;
            name = rest;
        }
        let mut characters = name.chars();
        let code = match (characters.next(), characters.next()) {
            (Some(c), None) if !c.is_control() && c != ' ' => KeyCode::Char(c),
            _ => KEYS
                .iter()
                .find(|(_, word)| word.eq_ignore_ascii_case(name))
                .map(|&(code, _)| code)
                .or_else(|| {
                    let number = name.strip_prefix('f')?.parse().ok()?;
                    (1..=24).contains(&number).then_some(KeyCode::F(number))
                })
                .ok_or_else(|| BadChord::Unknown(text.to_owned()))?,
        };
        let chord = Self::new(modifiers, code);
        if chord.is_text() {
            return Err(BadChord::Text(text.to_owned()));
        }
        Ok(chord)
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, word) in [
            (KeyModifiers::CONTROL, "Ctrl-"),
            (KeyModifiers::ALT, "Alt-"),
            (KeyModifiers::SHIFT, "Shift-"),
        ] {
            if self.modifiers.contains(modifier) {
                f.write_str(word)?;
            }
        }
        let word = KEYS.iter().find(|(code, _)| *code == self.code);
        match (word, self.code) {
            (Some((_, word)), _) => f.write_str(word),
            (None, KeyCode::Char(c)) => write!(f, "{}", c.to_uppercase()),
            (None, KeyCode::F(number)) => write!(f, "F{number}"),
            (None, other) => write!(f, "{other}"),
        }
    }
}

const MODIFIERS: [(KeyModifiers, &str); 3] = [
    (KeyModifiers::CONTROL, "ctrl"),
    (KeyModifiers::ALT, "alt"),
    (KeyModifiers::SHIFT, "shift"),
];

/// Keys that have a name, besides the function keys.
const KEYS: [(KeyCode, &str); 15] = [
    (KeyCode::Left, "Left"),
    (KeyCode::Right, "Right"),
    (KeyCode::Up, "Up"),
    (KeyCode::Down, "Down"),
    (KeyCode::Home, "Home"),
    (KeyCode::End, "End"),
    (KeyCode::PageUp, "PageUp"),
    (KeyCode::PageDown, "PageDown"),
    (KeyCode::Enter, "Enter"),
    (KeyCode::Tab, "Tab"),
    (KeyCode::Backspace, "Backspace"),
    (KeyCode::Delete, "Delete"),
    (KeyCode::Insert, "Insert"),
    (KeyCode::Esc, "Esc"),
    (KeyCode::Char(' '), "Space"),
];

/// What each chord asks for. Bindings keep their order: a command's first chord is the one to show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keymap(Vec<(Chord, Command)>);

impl Keymap {
    /// The command bound to `chord`, if any.
    pub fn command(&self, chord: Chord) -> Option<Command> {
        let bound = self.0.iter().find(|(bound, _)| *bound == chord);
        bound.map(|&(_, command)| command)
    }

    /// The chords that are bound to `command`, the one to show first.
    pub fn chords(&self, command: Command) -> impl Iterator<Item = Chord> {
        let bound = self.0.iter().filter(move |(_, bound)| *bound == command);
        bound.map(|&(chord, _)| chord)
    }

    /// How a sentence calls what asks for `command`: its first chord, or else its name.
    pub fn how(&self, command: Command) -> String {
        let named = || format!("the command {}", command.name());
        self.chords(command)
            .next()
            .map_or_else(named, |chord| chord.to_string())
    }

    /// Binds `chord` to `command`, or to nothing, in place of what it was bound to. It becomes the
    /// command's first chord.
    pub fn bind(&mut self, chord: Chord, command: Option<Command>) {
        self.0.retain(|(bound, _)| *bound != chord);
        self.0.splice(0..0, command.map(|command| (chord, command)));
    }
}

impl Default for Keymap {
    fn default() -> Self {
        let bound = |&(chords, command): &(&str, Command)| {
            chords
                .split(' ')
                .map(move |chord| {
                    let chord = chord.parse().expect("the table holds chords");
                    (chord, command)
                })
                .collect::<Vec<_>>()
        };
        Self(DEFAULT.iter().flat_map(bound).collect())
    }
}

/// The default keymap. Several chords for one command are what terminals send for the same wish:
/// most send Ctrl-H for Ctrl-Backspace, and Ctrl-J is a pasted line end where pastes have no
/// brackets.
const DEFAULT: &[(&str, Command)] = &[
    ("ctrl-s", Command::Save),
    ("ctrl-q", Command::Quit),
    ("esc", Command::Escape),
    ("ctrl-c", Command::Interrupt),
    ("f1", Command::Help),
    ("ctrl-p", Command::Palette),
    ("f2", Command::Members),
    ("alt-q", Command::QrCode),
    ("alt-j", Command::GoToMember),
    ("alt-f", Command::Follow),
    ("f4", Command::Chat),
    ("alt-l", Command::LookHere),
    ("f6", Command::Look),
    ("alt-a", Command::Authors),
    ("alt-u", Command::TakeBack),
    ("alt-z", Command::Wrap),
    ("alt-n", Command::LineNumbers),
    ("alt-w", Command::Whitespace),
    ("shift-f2", Command::NewCode),
    ("f5", Command::Retry),
    ("f7", Command::DiscardRecovered),
    ("f8", Command::NextChange),
    ("ctrl-z", Command::Undo),
    ("ctrl-y ctrl-shift-z", Command::Redo),
    ("ctrl-shift-c ctrl-insert", Command::Copy),
    ("ctrl-x shift-delete", Command::Cut),
    ("ctrl-v shift-insert", Command::Paste),
    ("ctrl-a", Command::SelectAll),
    ("ctrl-f", Command::Find),
    ("f3", Command::FindNext),
    ("shift-f3", Command::FindPrevious),
    ("ctrl-r", Command::Replace),
    ("alt-c", Command::FindCase),
    ("alt-e", Command::FindWord),
    ("alt-r", Command::FindRegex),
    ("ctrl-g", Command::GoToLine),
    ("enter shift-enter ctrl-j", Command::Newline),
    ("tab", Command::Tab),
    ("shift-tab", Command::Outdent),
    ("backspace shift-backspace", Command::Backspace),
    ("delete", Command::Delete),
    (
        "ctrl-backspace alt-backspace ctrl-h",
        Command::DeleteWordLeft,
    ),
    ("ctrl-delete alt-delete", Command::DeleteWordRight),
    ("ctrl-k ctrl-shift-k", Command::DeleteLines),
    ("alt-up", Command::MoveLinesUp),
    ("alt-down", Command::MoveLinesDown),
    ("ctrl-d", Command::DuplicateLines),
    // Most terminals send Ctrl-7 for Ctrl-/, and Ctrl-5 for Ctrl-].
    ("ctrl-/ ctrl-7 ctrl-_", Command::ToggleComment),
    ("ctrl-] ctrl-5", Command::Bracket),
    ("ctrl-up", Command::ParagraphUp),
    ("ctrl-down", Command::ParagraphDown),
    ("ctrl-shift-up", Command::SelectParagraphUp),
    ("ctrl-shift-down", Command::SelectParagraphDown),
    ("left", Command::Left),
    ("right", Command::Right),
    ("up", Command::Up),
    ("down", Command::Down),
    ("ctrl-left", Command::WordLeft),
    ("ctrl-right", Command::WordRight),
    ("home", Command::LineStart),
    ("end", Command::LineEnd),
    ("pageup", Command::PageUp),
    ("pagedown", Command::PageDown),
    ("ctrl-home", Command::DocumentStart),
    ("ctrl-end", Command::DocumentEnd),
    ("shift-left", Command::SelectLeft),
    ("shift-right", Command::SelectRight),
    ("shift-up", Command::SelectUp),
    ("shift-down", Command::SelectDown),
    ("ctrl-shift-left", Command::SelectWordLeft),
    ("ctrl-shift-right", Command::SelectWordRight),
    ("shift-home", Command::SelectLineStart),
    ("shift-end", Command::SelectLineEnd),
    ("shift-pageup", Command::SelectPageUp),
    ("shift-pagedown", Command::SelectPageDown),
    ("ctrl-shift-home", Command::SelectDocumentStart),
    ("ctrl-shift-end", Command::SelectDocumentEnd),
];

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: KeyModifiers = KeyModifiers::NONE;
    const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
    const CTRL: KeyModifiers = KeyModifiers::CONTROL;
    const CTRL_SHIFT: KeyModifiers = CTRL.union(SHIFT);

    fn bound(modifiers: KeyModifiers, code: KeyCode) -> Option<Command> {
        Keymap::default().command(Chord::new(modifiers, code))
    }

    #[test]
    fn no_chord_is_bound_twice() {
        let Keymap(bindings) = Keymap::default();
        for (at, (chord, _)) in bindings.iter().enumerate() {
            let twice = bindings[..at].iter().any(|(other, _)| other == chord);
            assert!(!twice, "{chord}");
        }
    }

    #[test]
    fn chords_are_the_same_whatever_a_terminal_calls_them() {
        assert_eq!(bound(CTRL, KeyCode::Char('Z')), Some(Command::Redo));
        assert_eq!(bound(CTRL_SHIFT, KeyCode::Char('Z')), Some(Command::Redo));
        assert_eq!(bound(CTRL_SHIFT, KeyCode::Char('z')), Some(Command::Redo));
        assert_eq!(
            bound(CTRL | KeyModifiers::SUPER, KeyCode::Char('s')),
            Some(Command::Save)
        );
        assert_eq!(
            Chord::new(SHIFT, KeyCode::Char('A')),
            Chord::new(NONE, KeyCode::Char('A'))
        );
        assert_eq!(
            Chord::new(NONE, KeyCode::BackTab),
            Chord::new(SHIFT, KeyCode::Tab)
        );
    }

    #[test]
    fn chords_are_written_and_read() {
        for (text, shown) in [
            ("ctrl-s", "Ctrl-S"),
            ("Shift-Ctrl-LEFT", "Ctrl-Shift-Left"),
            ("ctrl--", "Ctrl--"),
            ("alt-ä", "Alt-Ä"),
            ("f12", "F12"),
            ("shift-tab", "Shift-Tab"),
            ("ctrl-space", "Ctrl-Space"),
        ] {
            let chord: Chord = text.parse().unwrap();
            assert_eq!(chord.to_string(), shown);
            assert_eq!(shown.parse(), Ok(chord));
        }
        for text in ["", "ctrl", "ctrl-", "hyper-x", "f25", "ctrl-xy", "ctrl- "] {
            assert_eq!(text.parse::<Chord>(), Err(BadChord::Unknown(text.into())));
        }
        for text in ["a", "shift-a", "space"] {
            assert_eq!(text.parse::<Chord>(), Err(BadChord::Text(text.into())));
        }
    }

    #[test]
    fn a_binding_replaces_what_its_chord_was_bound_to_and_is_shown_first() {
        let mut map = Keymap::default();
        let chord = |text: &str| text.parse::<Chord>().unwrap();
        map.bind(chord("ctrl-s"), Some(Command::Quit));
        assert_eq!(map.command(chord("ctrl-s")), Some(Command::Quit));
        assert_eq!(map.chords(Command::Save).next(), None);
        let shown: Vec<String> = map.chords(Command::Quit).map(|c| c.to_string()).collect();
        assert_eq!(shown, ["Ctrl-S", "Ctrl-Q"]);
        map.bind(chord("ctrl-s"), None);
        assert_eq!(map.command(chord("ctrl-s")), None);
    }
}
