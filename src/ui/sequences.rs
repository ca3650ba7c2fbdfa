//! Where the sequences that a terminal sends begin and end.
//!
//! The forms are those of ECMA-48 (`Esc [`, parameters, intermediates, one final character), `Esc O` likewise, Esc and
//! a character (Alt), a character in UTF-8, and pastes in brackets. What they say is
//! terminput's to know.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

pub(super) const ESC: u8 = 0x1B;
/// What comes before and behind a paste.
const PASTE_START: &[u8] = b"\x1b[200~";
pub(super) const PASTE_END: &[u8] = b"\x1b[201~";

/// The longest sequence, in bytes; those of keys and the mouse have a tenth of that.
const LONGEST: usize = 256;

/// What bytes from a terminal begin with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Start {
    /// A sequence of so many bytes.
    Whole(usize),
    /// The start of a paste, of so many bytes.
    Paste(usize),
    /// So many bytes that say nothing.
    Nothing(usize),
    /// A sequence whose rest is on its way.
    Begun,
    /// The same, or keys: Esc, Alt-\[ or Alt-O.
    Ambiguous,
}

/// What `bytes` begin with.
pub(super) fn start(bytes: &[u8]) -> Start {
    match bytes {
        [] => Start::Begun,
        [ESC] | [ESC, b'[' | b'O'] => Start::Ambiguous,
        // (Some terminals send Alt and an arrow as Esc and the arrow. But so do Esc and an arrow come.)
        [ESC, ESC, ..] => Start::Whole(1),
        [ESC, b'[', ..] => control_sequence(bytes),
        [ESC, b'O', ..] => match control_sequence(bytes) {
            // Alt-O, and what follows.
            Start::Nothing(_) => Start::Whole(2),
            other => other,
        },
        [ESC, ..] => match start(&bytes[1..]) {
            Start::Whole(len) => Start::Whole(1 + len),
            Start::Nothing(len) => Start::Nothing(1 + len),
            other => other,
        },
        [first, ..] => character(*first, bytes),
    }
}

/// What bytes begin with that begin with Esc and `[` or `O`.
fn control_sequence(bytes: &[u8]) -> Start {
    if bytes.starts_with(PASTE_START) {
        return Start::Paste(PASTE_START.len());
    }
    // The mouse on terminals that know no other report of it.
    if bytes.starts_with(b"\x1b[M") {
        return if bytes.len() < 6 {
            Start::Begun
        } else {
            Start::Whole(6)
        };
    }
    // The function keys of the Linux console: Esc [ [ A.
    let from = if bytes.starts_with(b"\x1b[[") { 3 } else { 2 };
    let inner = |byte: &u8| (0x20..0x40).contains(byte);
    let len = from + bytes[from..].iter().take_while(|byte| inner(byte)).count();
    match bytes.get(len) {
        _ if len >= LONGEST => Start::Nothing(len),
        None => Start::Begun,
        Some(0x40..=0x7E) => Start::Whole(len + 1),
        Some(_) => Start::Nothing(len),
    }
}

fn character(first: u8, bytes: &[u8]) -> Start {
    let len = match first {
        0..0x80 => 1,
        0xC2..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0..0xF5 => 4,
        _ => return Start::Nothing(1),
    };
    let there = &bytes[..len.min(bytes.len())];
    match std::str::from_utf8(there) {
        Ok(_) => Start::Whole(len),
        Err(error) if error.error_len().is_none() => Start::Begun,
        Err(error) => Start::Nothing(error.error_len().unwrap_or(1)),
    }
}

/// Whether a sequence is Esc and one character.
pub(super) fn is_alt(sequence: &[u8]) -> bool {
    sequence.len() > 1 && sequence[0] == ESC && !b"[O".contains(&sequence[1])
}

/// What a whole sequence says, if that is known.
pub(super) fn event(sequence: &[u8]) -> Option<Event> {
    if is_nowhere(sequence) || is_cursor_report(sequence) {
        return None;
    }
    let event = terminput::Event::parse_from(sequence).ok()??;
    terminput_crossterm::to_crossterm(event).ok()
}

/// Whether a sequence is the mouse's report of a cell in row or column 0, of which terminput takes one off.
fn is_nowhere(sequence: &[u8]) -> bool {
    let Some(([ESC, b'[', first, inner @ ..], b'M' | b'm')) =
        sequence.split_last().map(|(last, all)| (all, *last))
    else {
        return false;
    };
    let mut cell = inner.split(|byte| *byte == b';').skip(1);
    *first != b'M' && cell.any(|number| number.iter().all(|byte| b"+0".contains(byte)))
}

/// Whether a sequence says where the cursor is, which another program may have asked, and is not F3.
fn is_cursor_report(sequence: &[u8]) -> bool {
    let row = sequence
        .strip_prefix(b"\x1b[")
        .and_then(|rest| rest.strip_suffix(b"R"));
    row.is_some_and(|row| !row.is_empty() && !row.starts_with(b"1;"))
}

/// The key that an [ambiguous](Start::Ambiguous) sequence is if nothing follows.
pub(super) fn key_of(sequence: &[u8]) -> Event {
    Event::Key(match sequence.get(1) {
        None => KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE),
        Some(key) => KeyEvent::new(KeyCode::Char(char::from(*key)), KeyModifiers::ALT),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_end_where_they_end() {
        for (bytes, expected) in [
            (&b"a"[..], Start::Whole(1)),
            (b"\x1b[A", Start::Whole(3)),
            (b"\x1b[1;5H", Start::Whole(6)),
            (b"\x1b[97;6u", Start::Whole(7)),
            (b"\x1b[?62;4c", Start::Whole(8)),
            (b"\x1b[2 q", Start::Whole(5)),
            (b"\x1b[[A", Start::Whole(4)),
            (b"\x1bOQ", Start::Whole(3)),
            (b"\x1b[<0;12;3M", Start::Whole(10)),
            (b"\x1b[M !!", Start::Whole(6)),
            (b"\x1b[200~", Start::Paste(6)),
            (b"\x1bO5A", Start::Whole(4)),
            (b"\x1bOM", Start::Whole(3)),
            (b"\x1bx", Start::Whole(2)),
            ("\u{1b}é".as_bytes(), Start::Whole(3)),
            ("漢".as_bytes(), Start::Whole(3)),
            ("👩".as_bytes(), Start::Whole(4)),
        ] {
            let shown = bytes.escape_ascii();
            assert_eq!(start(bytes), expected, "{shown}");
            assert_eq!(start(&[bytes, b"x"].concat()), expected, "{shown} and more");
            let alone = [b"\x1b".as_slice(), b"\x1b[", b"\x1bO"];
            for len in 1..bytes.len() {
                let part = &bytes[..len];
                let expected = if alone.contains(&part) {
                    Start::Ambiguous
                } else {
                    Start::Begun
                };
                assert_eq!(start(part), expected, "{shown}, {len}");
            }
        }
    }

    #[test]
    fn keys_that_come_together_stay_keys() {
        for (bytes, expected) in [
            (&b"\x1b\x1b"[..], Start::Whole(1)),
            (b"\x1b\x1b[A", Start::Whole(1)),
            (b"\x1b\x1b[<0;1;1M", Start::Whole(1)),
            (b"\x1bO\x1b[A", Start::Whole(2)),
            ("\x1bOé".as_bytes(), Start::Whole(2)),
        ] {
            assert_eq!(start(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_sequence_is_passed_over() {
        let long = [b"\x1b[".as_slice(), &[b'1'; LONGEST]].concat();
        for (bytes, expected) in [
            (&b"\xff"[..], Start::Nothing(1)),
            (b"\x80a", Start::Nothing(1)),
            (b"\xe6\xbca", Start::Nothing(2)),
            (b"\xc0\x80", Start::Nothing(1)),
            (b"\x1b[1;\x1b[A", Start::Nothing(4)),
            (b"\x1b[1\xff", Start::Nothing(3)),
            (b"\x1b\xff", Start::Nothing(2)),
            (&long, Start::Nothing(LONGEST + 2)),
        ] {
            assert_eq!(start(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
