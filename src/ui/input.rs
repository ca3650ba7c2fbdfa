//! Bytes from the terminal to actions.
//!
//! ```text
//! bytes ─ Input::take ─► one sequence (`sequences`) ─► Event (terminput) ─ keymap ─► Heard
//! ```
//!
//! Bytes may be cut anywhere; what is not complete waits for its rest. Whatever a terminal sends, the text in
//! an [`Action`] holds no control character but tab and line feed. Only presses and repeats of keys count.

use std::collections::VecDeque;
use std::time::Duration;

use ratatui::crossterm::event::{
    Event, KeyCode, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};
use ratatui::layout::Position;

use super::action::{Action, Mouse};
use super::ground::{self, Answer};
use super::keymap::{Chord, Keymap};
use super::sequences::{self, ESC, PASTE_END, Start};
use super::theme::Ground;

/// What is heard from the terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    /// The person asks for something.
    Action(Action),
    /// The terminal says what its background is.
    Ground(Ground),
}

/// The room for what is not complete that is kept, in bytes: more than a sequence has.
const LEAST_ROOM: usize = 4 << 10;

/// The most bytes of a paste that are kept; a longer one comes in pieces. (A guess.)
pub const MAX_PASTE_BYTES: usize = 16 << 20;

/// What comes within this time after Esc belongs to it. (No hand is that fast, and few connections are slower; tmux waits as
/// long.)
const AT_ONCE: Duration = Duration::from_millis(10);
/// How long the rest of a sequence is waited for. (A guess, as the next one.)
const FOR_THE_REST: Duration = Duration::from_secs(1);
/// How long the rest of a paste is waited for, behind what has come of it.
const FOR_A_PASTE: Duration = Duration::from_secs(10);

/// Understands what a terminal sends, piece by piece.
#[derive(Debug)]
pub struct Input {
    keymap: Keymap,
    /// What has come and is not complete: at most a sequence, or the paste so far.
    left: Vec<u8>,
    /// How much of the paste that has begun is known not to hold its end; `None` outside a paste.
    pasting: Option<usize>,
    /// Whether the terminal has been asked what its background is, and has not said it.
    asked: bool,
    /// Whether an Esc was let go that may have been the start of that answer.
    behind_esc: bool,
}

impl Input {
    /// Understands keys by `keymap`.
    pub const fn new(keymap: Keymap) -> Self {
        Self {
            keymap,
            left: Vec::new(),
            pasting: None,
            asked: false,
            behind_esc: false,
        }
    }

    /// Looks out for the answer to what the background is, once.
    pub const fn expect_ground(&mut self) {
        self.asked = true;
    }

    /// Takes in what has come, and puts what that says behind `heard`.
    pub fn take(&mut self, bytes: &[u8], heard: &mut VecDeque<Heard>) {
        let esc_waited = self.left == [ESC];
        self.left.extend_from_slice(bytes);
        let mut at = 0;
        while at < self.left.len() {
            if let Some(searched) = self.pasting {
                let Some((text, len)) = self.paste(at, searched) else {
                    break;
                };
                self.hear(Event::Paste(text), heard);
                at += len;
                continue;
            }
            let rest = &self.left[at..];
            if self.asked && (rest.starts_with(b"\x1b]") || self.behind_esc && rest[0] == b']') {
                let esc = usize::from(rest[0] == ESC);
                match ground::answer(&rest[esc..]) {
                    Answer::Begun => break,
                    Answer::Whole(len, ground) => {
                        self.asked = false;
                        heard.extend(ground.map(Heard::Ground));
                        at += esc + len;
                        continue;
                    }
                    Answer::Other => {}
                }
            }
            self.behind_esc = false;
            let (len, says) = match sequences::start(rest) {
                Start::Begun | Start::Ambiguous => break,
                Start::Paste(len) => {
                    self.pasting = Some(0);
                    (len, None)
                }
                Start::Nothing(len) => (len, None),
                // Esc that came by itself is a key, though a letter follows before that was settled.
                Start::Whole(len) if esc_waited && at == 0 && sequences::is_alt(&rest[..len]) => {
                    (1, sequences::event(&rest[..1]))
                }
                Start::Whole(len) => (len, sequences::event(&rest[..len])),
            };
            if let Some(event) = says {
                self.hear(event, heard);
            }
            at += len;
        }
        self.left.drain(..at);
        if self.pasting.is_none() {
            self.left.shrink_to(LEAST_ROOM);
        }
    }

    /// How long to wait for more before [`settle`](Self::settle); `None` if nothing is open.
    pub fn patience(&self) -> Option<Duration> {
        match sequences::start(&self.left) {
            _ if self.pasting.is_some() => Some(FOR_A_PASTE),
            _ if self.left.is_empty() => None,
            Start::Ambiguous => Some(AT_ONCE),
            _ => Some(FOR_THE_REST),
        }
    }

    /// Takes in that nothing follows: what may be a key is that key, what may be typed was typed, the paste has
    /// ended, and the start of anything else says nothing.
    pub fn settle(&mut self, heard: &mut VecDeque<Heard>) {
        let left = std::mem::take(&mut self.left);
        if self.pasting.take().is_some() {
            let text = String::from_utf8_lossy(&left).into_owned();
            return self.hear(Event::Paste(text), heard);
        }
        match sequences::start(&left) {
            Start::Ambiguous => {
                self.behind_esc = left == [ESC];
                self.hear(sequences::key_of(&left), heard);
            }
            Start::Begun => {}
            // What looked like the answer.
            _ => {
                let asked = std::mem::take(&mut self.asked);
                self.take(&left, heard);
                self.settle(heard);
                self.asked = asked;
            }
        }
    }

    fn hear(&self, event: Event, heard: &mut VecDeque<Heard>) {
        heard.extend(action(&self.keymap, event).map(Heard::Action));
    }

    /// The paste that begins at `at`, if it is complete or long enough, and how many bytes that takes.
    fn paste(&mut self, at: usize, searched: usize) -> Option<(String, usize)> {
        let rest = &self.left[at..];
        let from = searched.saturating_sub(PASTE_END.len() - 1);
        let end = rest[from..]
            .windows(PASTE_END.len())
            .position(|bytes| bytes == PASTE_END);
        let (len, taken) = match end {
            Some(found) => (from + found, from + found + PASTE_END.len()),
            None if rest.len() > MAX_PASTE_BYTES => {
                // Neither its end nor a character or CRLF is cut.
                let may_cut =
                    |at: &usize| rest[*at] & 0xC0 != 0x80 && !rest[..=*at].ends_with(b"\r\n");
                let most = rest.len() - PASTE_END.len();
                let len = (most - 4..=most).rev().find(may_cut).unwrap_or(most);
                (len, len)
            }
            None => {
                self.pasting = Some(rest.len());
                return None;
            }
        };
        self.pasting = end.is_none().then_some(0);
        Some((String::from_utf8_lossy(&rest[..len]).into_owned(), taken))
    }
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
        Event::Mouse(event) => {
            let mouse = match event.kind {
                MouseEventKind::Down(MouseButton::Left) => Mouse::Press,
                MouseEventKind::Drag(MouseButton::Left) => Mouse::Drag,
                MouseEventKind::Up(MouseButton::Left) => Mouse::Release,
                MouseEventKind::ScrollUp => Mouse::Wheel(-1),
                MouseEventKind::ScrollDown => Mouse::Wheel(1),
                _ => return None,
            };
            Some(Action::Mouse(mouse, Position::new(event.column, event.row)))
        }
        // The event loop listens to changes of size itself, from before the first frame on.
        Event::Resize(..) | Event::FocusGained | Event::FocusLost => None,
    }
}

/// Whether a character with these modifiers is typed text. Ctrl and Alt together are AltGr.
fn is_text(modifiers: KeyModifiers) -> bool {
    let command = modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SUPER);
    command.is_empty() || command == KeyModifiers::CONTROL | KeyModifiers::ALT
}

/// A text from outside, with LF for each CRLF and CR, and without other control characters.
pub fn normalised(paste: &str) -> String {
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

    fn hear(input: &mut Input, bytes: &[u8]) -> VecDeque<Heard> {
        let mut heard = VecDeque::new();
        input.take(bytes, &mut heard);
        heard
    }

    fn pressed(modifiers: KeyModifiers, code: KeyCode) -> Option<Heard> {
        key(modifiers, code).map(Heard::Action)
    }

    fn typed(c: char) -> Heard {
        Heard::Action(Action::Insert(c))
    }

    /// Whatever a terminal sends for what is asked for here, and what is heard of it.
    fn all() -> Vec<(&'static [u8], Option<Heard>)> {
        let (none, shift, alt, control) = (
            KeyModifiers::NONE,
            KeyModifiers::SHIFT,
            KeyModifiers::ALT,
            KeyModifiers::CONTROL,
        );
        let mouse = |mouse, x, y| Some(Heard::Action(Action::Mouse(mouse, Position::new(x, y))));
        let paste = |text: &str| Some(Heard::Action(Action::Paste(text.into())));
        vec![
            (b"a", Some(typed('a'))),
            ("漢".as_bytes(), Some(typed('漢'))),
            (b"\r", pressed(none, KeyCode::Enter)),
            (b"\x7f", pressed(none, KeyCode::Backspace)),
            (b"\t", pressed(none, KeyCode::Tab)),
            (b"\x1b[Z", pressed(shift, KeyCode::BackTab)),
            (b"\x13", pressed(control, KeyCode::Char('s'))),
            (b"\x1b[115;5u", pressed(control, KeyCode::Char('s'))),
            (b"\x1b[27u", pressed(none, KeyCode::Esc)),
            (b"\x1bz", pressed(alt, KeyCode::Char('z'))),
            (b"\x1b[122;3u", pressed(alt, KeyCode::Char('z'))),
            (b"\x1b[A", pressed(none, KeyCode::Up)),
            (b"\x1bOA", pressed(none, KeyCode::Up)),
            (b"\x1b[1;3A", pressed(alt, KeyCode::Up)),
            (b"\x1b[1;5H", pressed(control, KeyCode::Home)),
            (b"\x1b[3~", pressed(none, KeyCode::Delete)),
            (b"\x1b[6;2~", pressed(shift, KeyCode::PageDown)),
            (b"\x1b[1;6D", pressed(control | shift, KeyCode::Left)),
            (b"\x1bOQ", pressed(none, KeyCode::F(2))),
            (b"\x1b[1;2R", pressed(shift, KeyCode::F(3))),
            (b"\x1b[[B", pressed(none, KeyCode::F(2))),
            (b"\x1b[15;2~", pressed(shift, KeyCode::F(5))),
            (b"\x1b[<0;12;3M", mouse(Mouse::Press, 11, 2)),
            (b"\x1b[<32;12;3M", mouse(Mouse::Drag, 11, 2)),
            (b"\x1b[<0;12;3m", mouse(Mouse::Release, 11, 2)),
            (b"\x1b[<65;300;1M", mouse(Mouse::Wheel(1), 299, 0)),
            (b"\x1b[M !\x22", mouse(Mouse::Press, 0, 1)),
            (b"\x1b[200~a\x1b[A\r\nb\x1b[201~", paste("a[A\nb")),
            (b"\x1b[200~\x1b[201~", None),
            (
                b"\x1b]11;rgb:ffff/ffff/ffff\x07",
                Some(Heard::Ground(Ground::Light)),
            ),
            // What nobody asked for, and what cannot be.
            (b"\x1b[?62;4c", None),
            (b"\x1b[I", None),
            (b"\x1b[<0;0;3M", None),
            (b"\x1b[<0;3;M", None),
            (b"\x1b[<0;+0;3M", None),
            (b"\x1b[32;+0;1M", None),
            (b"\x1b[24;1R", None),
            (b"\x1bO5A", None),
            (b"\x1b[32;0;1M", None),
            (b"\x1b[<999;70000;3M", None),
            (b"\xff", None),
        ]
    }

    fn asked() -> Input {
        let mut input = Input::new(Keymap::default());
        input.expect_ground();
        input
    }

    #[test]
    fn each_key_is_heard_as_it_is_meant() {
        for (bytes, expected) in all() {
            let heard = hear(&mut asked(), &[bytes, b"x"].concat());
            let expected: Vec<_> = expected.into_iter().chain([typed('x')]).collect();
            assert_eq!(heard, expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn it_does_not_matter_where_a_terminals_bytes_are_cut() {
        let again = all()
            .into_iter()
            .filter(|(bytes, _)| !bytes.starts_with(b"\x1b]"));
        let bytes: Vec<&[u8]> = all()
            .into_iter()
            .chain(again)
            .map(|(bytes, _)| bytes)
            .collect();
        let bytes = bytes.concat();
        let whole = hear(&mut asked(), &bytes);
        for len in 1..40 {
            let mut input = asked();
            let mut heard = VecDeque::new();
            for piece in bytes.chunks(len) {
                // Esc and a key that come apart are two keys.
                if input.left != [ESC] || !piece.starts_with(b"z") {
                    input.take(piece, &mut heard);
                } else {
                    input.left.clear();
                    input.take(&[b"\x1b", piece].concat(), &mut heard);
                }
            }
            assert_eq!(heard, whole, "{len}");
            assert_eq!(input.patience(), None);
        }
    }

    #[test]
    fn esc_is_a_key_if_nothing_follows_and_no_part_of_what_a_hand_types() {
        let esc = pressed(KeyModifiers::NONE, KeyCode::Esc).unwrap();
        let up = pressed(KeyModifiers::NONE, KeyCode::Up).unwrap();
        for (bytes, settled) in [
            (&b"\x1b"[..], vec![esc.clone()]),
            (b"\x1b[", vec![]),
            (b"\x1bO", vec![]),
        ] {
            let mut input = Input::new(Keymap::default());
            let mut heard = hear(&mut input, bytes);
            assert!(heard.is_empty());
            assert_eq!(input.patience(), Some(AT_ONCE));
            input.settle(&mut heard);
            assert_eq!(heard, settled, "{}", bytes.escape_ascii());
            assert_eq!(input.patience(), None);
            assert_eq!(hear(&mut input, b"x"), [typed('x')]);
        }
        for next in [&b"z"[..], b"\x1b[A", b"\x1b[<0;1;1M"] {
            let mut input = Input::new(Keymap::default());
            let alone = hear(&mut input, next);
            let expected: Vec<_> = [esc.clone()].into_iter().chain(alone).collect();
            assert!(hear(&mut input, b"\x1b").is_empty());
            assert_eq!(hear(&mut input, next), expected, "apart");
            if next != b"z" {
                let together = [b"\x1b", next].concat();
                assert_eq!(hear(&mut input, &together), expected, "together");
            }
        }
        let mut input = Input::new(Keymap::default());
        assert_eq!(hear(&mut input, b"\x1bO\x1b[A"), [up]);
    }

    #[test]
    fn what_never_ends_does_not_keep_the_keys_away() {
        for (begun, settled) in [
            (&b"\x1b[1;"[..], vec![]),
            (b"\xe6\xbc", vec![]),
            (b"\x1b]", vec![]),
            (b"\x1b]1", vec![typed('1')]),
            (
                b"\x1b[200~a\nb",
                vec![Heard::Action(Action::Paste("a\nb".into()))],
            ),
        ] {
            let mut input = asked();
            let mut heard = hear(&mut input, begun);
            assert!(heard.is_empty(), "{}", begun.escape_ascii());
            assert!(input.patience() >= Some(FOR_THE_REST));
            input.settle(&mut heard);
            assert_eq!(heard, settled, "{}", begun.escape_ascii());
            assert_eq!(input.patience(), None);
            assert_eq!(hear(&mut input, b"x"), [typed('x')]);
        }
        // Where nobody has asked there is no answer to wait for.
        let mut input = Input::new(Keymap::default());
        hear(&mut input, b"\x1b");
        input.settle(&mut VecDeque::new());
        assert_eq!(hear(&mut input, b"]"), [typed(']')]);
    }

    #[test]
    fn an_answer_about_the_background_is_never_text() {
        let answer = b"\x1b]11;rgb:0000/0000/0000\x1b\\";
        for cut in 1..answer.len() {
            for esc_settled in [false, true] {
                let mut input = asked();
                let mut heard = hear(&mut input, &answer[..cut]);
                if esc_settled && cut == 1 {
                    input.settle(&mut heard);
                    assert_eq!(heard.drain(..).count(), 1);
                }
                input.take(&answer[cut..], &mut heard);
                assert_eq!(heard, [Heard::Ground(Ground::Dark)], "{cut}");
            }
        }
        // There is one answer; what looks like another one was typed.
        let mut input = asked();
        hear(&mut input, answer);
        assert_eq!(hear(&mut input, b"]1"), [typed(']'), typed('1')]);
        assert_eq!(hear(&mut input, b"\x1b]1"), [typed('1')]);
    }

    #[test]
    fn a_paste_of_any_length_arrives_and_takes_bounded_memory() {
        let mut input = Input::new(Keymap::default());
        let mut heard = VecDeque::new();
        input.take(b"\x1b[200~", &mut heard);
        let line = "漢字\r\n".repeat(1000);
        let times = 2 * MAX_PASTE_BYTES / line.len();
        for piece in line.repeat(times).as_bytes().chunks(4095) {
            input.take(piece, &mut heard);
            assert!(input.left.len() <= MAX_PASTE_BYTES + 4096);
        }
        input.take(b"\x1b[201~x", &mut heard);
        assert_eq!(heard.pop_back(), Some(typed('x')));
        let text: String = heard
            .into_iter()
            .map(|heard| match heard {
                Heard::Action(Action::Paste(text)) => text,
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(text == normalised(&line.repeat(times)));
        assert!(input.left.capacity() <= LEAST_ROOM);
    }

    #[test]
    fn no_bytes_are_too_strange() {
        let seed = std::env::var("COLLAB_EDIT_SEED").map_or(1, |s| s.parse().expect("a number"));
        eprintln!("COLLAB_EDIT_SEED={seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let all = all();
        for _ in 0..300 {
            let mut input = asked();
            let mut heard = VecDeque::new();
            for _ in 0..200 {
                let mut bytes: Vec<u8> = match rng.u8(0..3) {
                    0 => (0..rng.usize(0..20)).map(|_| rng.u8(..)).collect(),
                    1 => {
                        let some = b"\x1b[]O<>?;:+0123456789uMm~AzR\x07\\ ";
                        (0..rng.usize(0..20))
                            .map(|_| some[rng.usize(..some.len())])
                            .collect()
                    }
                    _ => all[rng.usize(..all.len())].0.to_vec(),
                };
                bytes.truncate(rng.usize(1..30));
                input.take(&bytes, &mut heard);
                if rng.bool() {
                    input.settle(&mut heard);
                    assert_eq!(input.patience(), None);
                }
            }
            for heard in &heard {
                if let Heard::Action(Action::Insert(c)) = heard {
                    assert!(!c.is_control(), "{c:?}");
                }
            }
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
