//! Terminal events to actions.
//!
//! Whatever a terminal sends, the text in an [`Action`] holds no control character but tab and
//! line feed. Only presses and repeats of keys count.

use std::collections::VecDeque;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::action::Action;
use super::ground::{self, GroundAnswer};
use super::keymap::{Chord, Keymap};
use super::theme::Ground;

/// What is heard from the terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    /// The person asks for something.
    Action(Action),
    /// The terminal says what its background is.
    Ground(Ground),
}

/// Reads the terminal and hands over what it asks for, until `take` says `false` or the terminal is
/// gone. Blocks: for a thread of its own.
pub fn read(keymap: &Keymap, mut take: impl FnMut(Heard) -> bool) {
    let mut waiting = VecDeque::new();
    let mut answer = GroundAnswer::default();
    loop {
        let event = match waiting.pop_front().map_or_else(event::read, Ok) {
            Ok(event) => event,
            Err(_gone) => return,
        };
        if is_plain(&event, KeyCode::Esc) {
            while waiting.len() < LONGEST_SEQUENCE && event::poll(AT_ONCE).unwrap_or(false) {
                let Ok(next) = event::read() else { return };
                waiting.push_back(next);
            }
            mend(&mut waiting);
        }
        let heard: Vec<Heard> = match answer.hear(event) {
            ground::Heard::Ground(ground) => ground.map(Heard::Ground).into_iter().collect(),
            ground::Heard::Events(events) => {
                let actions = events.into_iter().filter_map(|event| action(keymap, event));
                actions.map(Heard::Action).collect()
            }
        };
        for heard in heard {
            if !take(heard) {
                return;
            }
        }
    }
}

/// What comes within this time after Esc came in the same read: no hand is that fast.
const AT_ONCE: Duration = Duration::from_micros(500);

/// The longest key sequence, in characters.
const LONGEST_SEQUENCE: usize = 12;

/// Puts a key sequence that came right behind Esc together again. The two of them, read at once, reach us
/// as Esc and the sequence's characters, which nobody typed.
fn mend(events: &mut VecDeque<Event>) {
    let typed = |event: &Event| match event {
        Event::Key(KeyEvent {
            code: KeyCode::Char(c),
            modifiers,
            ..
        }) if (*modifiers - KeyModifiers::SHIFT).is_empty() && c.is_ascii() => Some(*c),
        _ => None,
    };
    let characters: String = events.iter().map_while(typed).collect();
    if let Some((key, len)) = key_sequence(&characters) {
        events.drain(..len);
        events.push_front(Event::Key(key));
    }
}

/// The key that a sequence (without its Esc) stands for, and how many characters it has: the forms of xterm
/// for cursor keys, editing keys and function keys.
fn key_sequence(text: &str) -> Option<(KeyEvent, usize)> {
    let introducer = text.chars().next()?;
    let len = 1
        + text
            .get(1..)?
            .find(|c: char| !c.is_ascii_digit() && c != ';')?
        + 1;
    let (parameters, last) = (&text[1..len - 1], text[..len].chars().last()?);
    let mut numbers = parameters
        .split(';')
        .map(|number| number.parse::<u8>().unwrap_or(1));
    let number = numbers.next().unwrap_or(1);
    let bits = numbers.next().unwrap_or(1).saturating_sub(1);
    let code = match (introducer, last) {
        ('[' | 'O', 'A') => KeyCode::Up,
        ('[' | 'O', 'B') => KeyCode::Down,
        ('[' | 'O', 'C') => KeyCode::Right,
        ('[' | 'O', 'D') => KeyCode::Left,
        ('[' | 'O', 'H') => KeyCode::Home,
        ('[' | 'O', 'F') => KeyCode::End,
        ('O', 'P'..='S') => KeyCode::F(last as u8 - b'P' + 1),
        ('[', '~') => match number {
            1 | 7 => KeyCode::Home,
            2 => KeyCode::Insert,
            3 => KeyCode::Delete,
            4 | 8 => KeyCode::End,
            5 => KeyCode::PageUp,
            6 => KeyCode::PageDown,
            11..=15 => KeyCode::F(number - 10),
            17..=21 => KeyCode::F(number - 11),
            23 | 24 => KeyCode::F(number - 12),
            _ => return None,
        },
        _ => return None,
    };
    let modifiers = [
        KeyModifiers::SHIFT,
        KeyModifiers::ALT,
        KeyModifiers::CONTROL,
    ];
    let modifiers = modifiers
        .into_iter()
        .enumerate()
        .filter(|(bit, _)| bits >> bit & 1 == 1);
    let modifiers = modifiers.fold(KeyModifiers::NONE, |all, (_, modifier)| all | modifier);
    Some((KeyEvent::new(code, modifiers), len))
}

fn is_plain(event: &Event, code: KeyCode) -> bool {
    matches!(event, Event::Key(key) if key.code == code && key.modifiers.is_empty())
}

/// What `event` asks for under `keymap`, if anything.
pub fn action(keymap: &Keymap, event: Event) -> Option<Action> {
    match event {
        Event::Key(key) if key.kind == KeyEventKind::Release => None,
        Event::Key(key) => match (keymap.command(Chord::from(key)), key.code) {
            (Some(command), _) => Some(Action::Do(command)),
            (None, KeyCode::Char(c)) if is_text(key.modifiers) && !c.is_control() => {
                Some(Action::Insert(c))
            }
            _ => None,
        },
        Event::Paste(text) => Some(Action::Paste(normalised(&text)))
            .filter(|paste| *paste != Action::Paste(String::new())),
        // The event loop listens to changes of size itself, from before the first frame on.
        Event::Resize(..) | Event::FocusGained | Event::FocusLost | Event::Mouse(_) => None,
    }
}

/// Whether a character with these modifiers is typed text. Ctrl and Alt together are AltGr.
fn is_text(modifiers: KeyModifiers) -> bool {
    let command = modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SUPER);
    command.is_empty() || command == KeyModifiers::CONTROL | KeyModifiers::ALT
}

/// Pasted text with LF for each CRLF and CR, and without other control characters.
fn normalised(paste: &str) -> String {
    let mut text = String::with_capacity(paste.len());
    let mut after_cr = false;
    for c in paste.chars() {
        match c {
            '\n' if after_cr => {}
            '\r' | '\n' => text.push('\n'),
            '\t' => text.push('\t'),
            c if c.is_control() => {}
            c => text.push(c),
        }
        after_cr = c == '\r';
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_came_right_behind_esc_is_that_key() {
        let typed = |text: &str| -> VecDeque<Event> {
            text.chars()
                .map(|c| Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)))
                .collect()
        };
        for (text, code, modifiers, left) in [
            ("[1;5Hxy", KeyCode::Home, KeyModifiers::CONTROL, 2),
            ("[A", KeyCode::Up, KeyModifiers::NONE, 0),
            ("OQ", KeyCode::F(2), KeyModifiers::NONE, 0),
            ("[3~a", KeyCode::Delete, KeyModifiers::NONE, 1),
            ("[6;2~", KeyCode::PageDown, KeyModifiers::SHIFT, 0),
            (
                "[1;6D",
                KeyCode::Left,
                KeyModifiers::CONTROL | KeyModifiers::SHIFT,
                0,
            ),
            ("[24~", KeyCode::F(12), KeyModifiers::NONE, 0),
        ] {
            let mut events = typed(text);
            mend(&mut events);
            assert_eq!(
                events[0],
                Event::Key(KeyEvent::new(code, modifiers)),
                "{text}"
            );
            assert_eq!(events.len(), 1 + left, "{text}");
        }
        for text in ["", "[", "[1;5", "word", "[x", "O1", "[99~"] {
            let mut events = typed(text);
            mend(&mut events);
            assert_eq!(events, typed(text), "{text}");
        }
    }

    fn key(modifiers: KeyModifiers, code: KeyCode) -> Option<Action> {
        action(
            &Keymap::default(),
            Event::Key(KeyEvent::new(code, modifiers)),
        )
    }

    #[test]
    fn printable_characters_are_text() {
        for (modifiers, c) in [
            (KeyModifiers::NONE, 'a'),
            (KeyModifiers::SHIFT, 'A'),
            (KeyModifiers::NONE, '漢'),
            (KeyModifiers::NONE, '\u{301}'),
            (KeyModifiers::CONTROL | KeyModifiers::ALT, '@'),
        ] {
            assert_eq!(key(modifiers, KeyCode::Char(c)), Some(Action::Insert(c)));
        }
        for (modifiers, c) in [
            (KeyModifiers::CONTROL, 'e'),
            (KeyModifiers::ALT, 'x'),
            (KeyModifiers::NONE, '\u{1b}'),
        ] {
            assert_eq!(key(modifiers, KeyCode::Char(c)), None);
        }
    }

    #[test]
    fn presses_and_repeats_count_and_releases_do_not() {
        let with = |kind| {
            let key = KeyEvent::new_with_kind(KeyCode::Char('a'), KeyModifiers::NONE, kind);
            action(&Keymap::default(), Event::Key(key))
        };
        assert_eq!(with(KeyEventKind::Press), Some(Action::Insert('a')));
        assert_eq!(with(KeyEventKind::Repeat), Some(Action::Insert('a')));
        assert_eq!(with(KeyEventKind::Release), None);
    }

    #[test]
    fn pastes_are_normalised() {
        for (paste, text) in [
            ("a\r\nb\rc\nd", "a\nb\nc\nd"),
            ("\r\r\n\n", "\n\n\n"),
            ("\ta\u{1b}[201~\0\u{7f}\u{9b}b", "\ta[201~b"),
            ("e\u{301}漢👩\u{200d}👩", "e\u{301}漢👩\u{200d}👩"),
        ] {
            let found = action(&Keymap::default(), Event::Paste(paste.into()));
            assert_eq!(found, Some(Action::Paste(text.into())), "{paste:?}");
        }
        assert_eq!(
            action(&Keymap::default(), Event::Paste("\u{1b}".into())),
            None
        );
    }
}
