//! Which key asks for what.
//!
//! The default keymap is a table of data; rebinding is another table laid over it. Terminals
//! differ in what they send for one and the same key, so [`Chord`]s are normalised: letters with
//! Ctrl or Alt are lower case, and Shift is part of a printable character, not beside it.
//!
//! Not here: characters that are typed. Every printable character without Ctrl or Alt is text.

use std::collections::HashMap;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::Action;
use crate::document::motion::Motion;

/// A key together with the modifiers that are held.
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
}

impl From<KeyEvent> for Chord {
    fn from(key: KeyEvent) -> Self {
        Self::new(key.modifiers, key.code)
    }
}

/// What each chord asks for.
#[derive(Clone, Debug)]
pub struct Keymap(HashMap<Chord, Action>);

impl Keymap {
    /// The action bound to `chord`, if any.
    pub fn action(&self, chord: Chord) -> Option<&Action> {
        self.0.get(&chord)
    }
}

/// Lays bindings over the keymap; a later one of a chord replaces an earlier one.
impl Extend<(Chord, Action)> for Keymap {
    fn extend<T: IntoIterator<Item = (Chord, Action)>>(&mut self, bindings: T) {
        self.0.extend(bindings);
    }
}

impl Default for Keymap {
    fn default() -> Self {
        let mut map = Self(HashMap::new());
        map.extend(MOTIONS.iter().flat_map(|&(modifiers, code, motion)| {
            [(KeyModifiers::NONE, false), (KeyModifiers::SHIFT, true)].map(|(shift, select)| {
                (
                    Chord::new(modifiers | shift, code),
                    Action::Move { motion, select },
                )
            })
        }));
        map.extend(
            COMMANDS
                .iter()
                .map(|(modifiers, code, action)| (Chord::new(*modifiers, *code), action.clone())),
        );
        map
    }
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;
const CTRL_SHIFT: KeyModifiers = CTRL.union(SHIFT);

/// Movements; each with Shift selects.
const MOTIONS: [(KeyModifiers, KeyCode, Motion); 12] = [
    (NONE, KeyCode::Left, Motion::Left),
    (NONE, KeyCode::Right, Motion::Right),
    (NONE, KeyCode::Up, Motion::Up),
    (NONE, KeyCode::Down, Motion::Down),
    (NONE, KeyCode::Home, Motion::LineStart),
    (NONE, KeyCode::End, Motion::LineEnd),
    (NONE, KeyCode::PageUp, Motion::PageUp),
    (NONE, KeyCode::PageDown, Motion::PageDown),
    (CTRL, KeyCode::Left, Motion::WordLeft),
    (CTRL, KeyCode::Right, Motion::WordRight),
    (CTRL, KeyCode::Home, Motion::DocumentStart),
    (CTRL, KeyCode::End, Motion::DocumentEnd),
];

/// Everything else. Several chords for one action are what terminals send for the same wish.
const COMMANDS: [(KeyModifiers, KeyCode, Action); 27] = [
    (NONE, KeyCode::Enter, Action::Newline),
    (SHIFT, KeyCode::Enter, Action::Newline),
    // A pasted LF, where the terminal does not bracket pastes.
    (CTRL, KeyCode::Char('j'), Action::Newline),
    (NONE, KeyCode::Tab, Action::Tab),
    (NONE, KeyCode::Backspace, Action::Backspace),
    (SHIFT, KeyCode::Backspace, Action::Backspace),
    (NONE, KeyCode::Delete, Action::Delete),
    (CTRL, KeyCode::Backspace, Action::DeleteWordBack),
    (ALT, KeyCode::Backspace, Action::DeleteWordBack),
    // What most terminals send for Ctrl-Backspace.
    (CTRL, KeyCode::Char('h'), Action::DeleteWordBack),
    (CTRL, KeyCode::Delete, Action::DeleteWordForward),
    (ALT, KeyCode::Delete, Action::DeleteWordForward),
    (CTRL, KeyCode::Char('s'), Action::Save),
    (CTRL, KeyCode::Char('q'), Action::Quit),
    (CTRL, KeyCode::Char('z'), Action::Undo),
    (CTRL, KeyCode::Char('y'), Action::Redo),
    (CTRL_SHIFT, KeyCode::Char('z'), Action::Redo),
    (CTRL, KeyCode::Char('c'), Action::Interrupt),
    (CTRL_SHIFT, KeyCode::Char('c'), Action::Copy),
    (CTRL, KeyCode::Insert, Action::Copy),
    (CTRL, KeyCode::Char('x'), Action::Cut),
    (SHIFT, KeyCode::Delete, Action::Cut),
    (CTRL, KeyCode::Char('v'), Action::PasteClipboard),
    (SHIFT, KeyCode::Insert, Action::PasteClipboard),
    (CTRL, KeyCode::Char('a'), Action::SelectAll),
    (NONE, KeyCode::F(2), Action::Members),
    (NONE, KeyCode::Esc, Action::Escape),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(modifiers: KeyModifiers, code: KeyCode) -> Option<Action> {
        Keymap::default()
            .action(Chord::new(modifiers, code))
            .cloned()
    }

    #[test]
    fn shift_selects_with_every_motion() {
        for (modifiers, code, motion) in MOTIONS {
            assert_eq!(
                bound(modifiers, code),
                Some(Action::Move {
                    motion,
                    select: false
                })
            );
            assert_eq!(
                bound(modifiers | SHIFT, code),
                Some(Action::Move {
                    motion,
                    select: true
                })
            );
        }
    }

    #[test]
    fn no_chord_is_bound_twice() {
        assert_eq!(
            Keymap::default().0.len(),
            2 * MOTIONS.len() + COMMANDS.len()
        );
    }

    #[test]
    fn chords_are_the_same_whatever_a_terminal_calls_them() {
        assert_eq!(bound(CTRL, KeyCode::Char('Z')), Some(Action::Redo));
        assert_eq!(bound(CTRL_SHIFT, KeyCode::Char('Z')), Some(Action::Redo));
        assert_eq!(bound(CTRL_SHIFT, KeyCode::Char('z')), Some(Action::Redo));
        assert_eq!(
            bound(CTRL | KeyModifiers::SUPER, KeyCode::Char('s')),
            Some(Action::Save)
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
    fn a_later_binding_replaces_an_earlier_one() {
        let mut map = Keymap::default();
        map.extend([(Chord::new(CTRL, KeyCode::Char('s')), Action::Quit)]);
        assert_eq!(
            map.action(Chord::new(CTRL, KeyCode::Char('s'))),
            Some(&Action::Quit)
        );
    }
}
