//! The terminal's answer to what its background is (OSC 11).
//!
//! It is `Esc ] 11;rgb:R/G/B` and BEL or `Esc \`, and may come late, and cut anywhere. What could be its start
//! is held back, however long the rest takes; what turns out to be no answer was typed.

use super::sequences::ESC;
use super::theme::Ground;

/// What comes before the colour.
const START: &str = "11;rgb:";

/// The longest answer behind its start: three times four digits and two slashes.
const LONGEST: usize = 14;

/// What bytes that begin with `]` are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// No answer.
    None,
    /// Perhaps one, if more comes.
    Begun,
    /// One of so many bytes, which says this if anything.
    Whole(usize, Option<Ground>),
}

/// What `bytes` are, which begin with `]`.
pub(super) fn answer(bytes: &[u8]) -> Answer {
    let text = &bytes[1..];
    let common = text
        .iter()
        .zip(START.as_bytes())
        .take_while(|(is, expected)| is == expected)
        .count();
    if common < START.len() {
        return if common == text.len() {
            Answer::Begun
        } else {
            Answer::None
        };
    }
    let colour = &text[START.len()..];
    let len = colour
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'/')
        .count();
    let end = match colour[len..] {
        _ if len > LONGEST => return Answer::None,
        [] | [ESC] => return Answer::Begun,
        [0x07, ..] => 1,
        [ESC, b'\\', ..] => 2,
        _ => return Answer::None,
    };
    let ground = std::str::from_utf8(&colour[..len]).ok().and_then(ground);
    Answer::Whole(1 + START.len() + len + end, ground)
}

/// Whether a colour is dark or light.
fn ground(colour: &str) -> Option<Ground> {
    let mut weighted = 0.0;
    let mut parts = colour.split('/');
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

    #[test]
    fn an_answer_is_known_and_says_whether_the_background_is_dark() {
        for (bytes, ground) in [
            (&b"]11;rgb:0000/0000/0000\x07"[..], Some(Ground::Dark)),
            (b"]11;rgb:ffff/ffff/eeee\x1b\\", Some(Ground::Light)),
            (b"]11;rgb:1e/1e/1e\x07", Some(Ground::Dark)),
            (b"]11;rgb:\x1b\\", None),
            (b"]11;rgb:12345/0/0\x07", None),
        ] {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(answer(bytes), Answer::Whole(bytes.len(), ground), "{text}");
            let with_more = [bytes, b"x"].concat();
            assert_eq!(
                answer(&with_more),
                Answer::Whole(bytes.len(), ground),
                "{text}"
            );
            for len in 1..bytes.len() {
                assert_eq!(answer(&bytes[..len]), Answer::Begun, "{text}, {len}");
            }
        }
    }

    #[test]
    fn what_is_no_answer_is_not_waited_for() {
        for bytes in [
            &b"]x"[..],
            b"]]",
            b"]12",
            b"]11;rgb:0g",
            b"]11;rgb:0000/0000/0000/0",
            b"]11;rgb:0000/0000/0000 ",
            b"]11;rgb:0000/0000/0000\x1bx",
        ] {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(answer(bytes), Answer::None, "{text}");
        }
    }
}
