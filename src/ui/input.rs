//! Terminal events to actions.
//!
//! Whatever a terminal sends, the text in an [`Action`] holds no control character but tab and
//! line feed. Only presses and repeats of keys count.

use ratatui::crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};

use super::action::Action;
use super::keymap::{Chord, Keymap};

/// Reads the terminal and hands over what it asks for, until `take` says `false` or the terminal is
/// gone. Blocks: for a thread of its own.
pub fn read(keymap: &Keymap, mut take: impl FnMut(Action) -> bool) {
    while let Ok(event) = ratatui::crossterm::event::read() {
        if action(keymap, event).is_some_and(|action| !take(action)) {
            return;
        }
    }
}

/// What `event` asks for under `keymap`, if anything.
pub fn action(keymap: &Keymap, event: Event) -> Option<Action> {
    match event {
        Event::Key(key) if key.kind == KeyEventKind::Release => None,
        Event::Key(key) => keymap
            .action(Chord::from(key))
            .cloned()
            .or_else(|| match key.code {
                KeyCode::Char(c) if is_text(key.modifiers) && !c.is_control() => {
                    Some(Action::Insert(c))
                }
                _ => None,
            }),
        Event::Paste(text) => Some(Action::Paste(normalised(&text)))
            .filter(|paste| *paste != Action::Paste(String::new())),
        Event::Resize(..) => Some(Action::Resize),
        Event::FocusGained | Event::FocusLost | Event::Mouse(_) => None,
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
    use ratatui::crossterm::event::KeyEvent;

    use super::*;

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
