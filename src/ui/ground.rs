//! The terminal's answer to what its background is (OSC 11), taken out of what is typed.
//!
//! The answer, `Esc ] 11;rgb:R/G/B` and BEL or `Esc \`, reaches us as keys: Alt-] (or Esc and `]`, if the
//! connection cut it there), its characters, and Ctrl-G or Alt-\. From its first key on they are held
//! back, however long the rest takes; what turns out to be no answer was typed, and is let go as it came.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::theme::Ground;

/// What comes before the colour.
const START: &str = "11;rgb:";

/// The longest answer behind its start: three times four digits and two slashes.
const LONGEST: usize = START.len() + 14;

/// Waits for one answer.
#[derive(Default)]
pub(super) struct GroundAnswer {
    state: State,
    held: Vec<Event>,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Outside,
    /// Behind an Esc that stood alone.
    BehindEsc,
    Inside,
    /// Behind an Esc inside.
    Ending,
    /// There will be no more.
    Done,
}

/// What became of an event.
pub(super) enum Heard {
    /// These are ordinary, in this order; perhaps none yet.
    Events(Vec<Event>),
    /// The answer was complete, and said this if anything.
    Ground(Option<Ground>),
}

impl GroundAnswer {
    /// Takes in the next event.
    pub(super) fn hear(&mut self, event: Event) -> Heard {
        use State::{BehindEsc, Done, Ending, Inside, Outside};
        let (code, modifiers) = match &event {
            Event::Key(KeyEvent {
                code, modifiers, ..
            }) => (*code, *modifiers - KeyModifiers::SHIFT),
            _ => (KeyCode::Null, KeyModifiers::NONE),
        };
        let plain = modifiers.is_empty();
        let alt = modifiers == KeyModifiers::ALT;
        let control = modifiers == KeyModifiers::CONTROL;
        match (self.state, code) {
            (Done, _) => return Heard::Events(vec![event]),
            (Outside | BehindEsc, KeyCode::Char(']'))
                if alt || plain && self.state == BehindEsc =>
            {
                self.state = Inside;
                self.held.push(event);
            }
            (Inside, KeyCode::Char('g')) if control => return self.done(),
            (Inside, KeyCode::Char('\\')) if alt => return self.done(),
            (Ending, KeyCode::Char('\\')) if plain => return self.done(),
            (Inside, KeyCode::Esc) if plain => {
                self.state = Ending;
                self.held.push(event);
            }
            (Inside, KeyCode::Char(c)) if plain && self.fits(c) => {
                self.text.push(c);
                self.held.push(event);
            }
            (state, _) => {
                let esc = plain && code == KeyCode::Esc;
                self.state = if esc { BehindEsc } else { Outside };
                self.text.clear();
                self.held.push(event);
                if state == Ending && esc {
                    self.state = BehindEsc;
                }
                return Heard::Events(std::mem::take(&mut self.held));
            }
        }
        Heard::Events(Vec::new())
    }

    fn fits(&self, c: char) -> bool {
        match START.as_bytes().get(self.text.len()) {
            Some(expected) => c == char::from(*expected),
            None => (c.is_ascii_hexdigit() || c == '/') && self.text.len() < LONGEST,
        }
    }

    fn done(&mut self) -> Heard {
        self.state = State::Done;
        self.held.clear();
        Heard::Ground(ground(&self.text))
    }
}

/// Whether a colour is dark or light.
fn ground(answer: &str) -> Option<Ground> {
    let mut weighted = 0.0;
    let mut parts = answer.strip_prefix(START)?.split('/');
    for weight in [0.299, 0.587, 0.114] {
        let part = parts.next().filter(|part| (1..=4).contains(&part.len()))?;
        let most = (1u32 << (4 * part.len())) - 1;
        weighted += weight * f64::from(u32::from_str_radix(part, 16).ok()?) / f64::from(most);
    }
    Some(if weighted < 0.5 {
        Ground::Dark
    } else {
        Ground::Light
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(modifiers: KeyModifiers, code: KeyCode) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    fn typed(text: &str) -> Vec<Event> {
        let key = |c| match c {
            '\u{7}' => key(KeyModifiers::CONTROL, KeyCode::Char('g')),
            '\u{1b}' => key(KeyModifiers::NONE, KeyCode::Esc),
            // Alt with a key is written as a capital: what is behind Esc in one read.
            'A' => key(KeyModifiers::ALT, KeyCode::Char(']')),
            'B' => key(KeyModifiers::ALT, KeyCode::Char('\\')),
            c => key(KeyModifiers::NONE, KeyCode::Char(c)),
        };
        text.chars().map(key).collect()
    }

    fn hear(answer: &mut GroundAnswer, events: Vec<Event>) -> (Vec<Event>, Option<Option<Ground>>) {
        let (mut passed, mut found) = (Vec::new(), None);
        for event in events {
            match answer.hear(event) {
                Heard::Events(events) => passed.extend(events),
                Heard::Ground(ground) => found = Some(ground),
            }
        }
        (passed, found)
    }

    #[test]
    fn an_answer_is_taken_out_of_what_is_typed_wherever_it_is_cut() {
        let esc = typed("\u{1b}");
        for (answer, before, ground) in [
            ("A11;rgb:0000/0000/0000\u{7}", typed(""), Some(Ground::Dark)),
            ("A11;rgb:ffff/ffff/eeeeB", typed(""), Some(Ground::Light)),
            ("\u{1b}]11;rgb:1e/1e/1e\u{1b}\\", esc, Some(Ground::Dark)),
            ("A11;rgb:B", typed(""), None),
        ] {
            let mut filter = GroundAnswer::default();
            assert_eq!(hear(&mut filter, typed("x]")), (typed("x]"), None));
            assert_eq!(
                hear(&mut filter, typed(answer)),
                (before, Some(ground)),
                "{answer}"
            );
            assert_eq!(hear(&mut filter, typed("A1y")), (typed("A1y"), None));
        }
    }

    #[test]
    fn what_is_no_answer_is_let_go_as_it_came() {
        for text in [
            "]11;",
            "A1x",
            "A11;rgb:0g",
            "\u{1b}]x",
            "A11;rgb:0000/0000/0000/0000/z",
            "A\u{1b}x",
        ] {
            let mut filter = GroundAnswer::default();
            assert_eq!(
                hear(&mut filter, typed(text)),
                (typed(text), None),
                "{text:?}"
            );
        }
    }
}
