//! The terminal's answer to what its background is (OSC 11).
//!
//! It is `Esc ] 11;rgb:R/G/B` and BEL or `Esc \`, on urxvt with transparency `11;rgba:A/R/G/B`, and may come late, and
//! cut anywhere. What could be its start is held back for a while; what turns out to be no answer was typed.

use super::sequences::ESC;
use super::theme::Ground;

/// What comes before the colour, and before one with how dense it is.
const STARTS: [&[u8]; 2] = [b"11;rgb:", b"11;rgba:"];

/// The longest answer behind its start: four times four digits and three slashes.
const LONGEST: usize = 19;

/// What bytes that begin with `]` are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// Anything else.
    Other,
    /// Perhaps one, if more comes.
    Begun,
    /// One of so many bytes, which says this if anything.
    Whole(usize, Option<Ground>),
}

/// What `bytes` are, which begin with `]`.
pub(super) fn answer(bytes: &[u8]) -> Answer {
    let text = &bytes[1..];
    let Some(start) = STARTS.into_iter().find(|start| text.starts_with(start)) else {
        let begun = STARTS.into_iter().any(|start| start.starts_with(text));
        return if begun { Answer::Begun } else { Answer::Other };
    };
    let colour = &text[start.len()..];
    let len = colour
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'/')
        .count();
    let end = match colour[len..] {
        _ if len > LONGEST => return Answer::Other,
        [] | [ESC] => return Answer::Begun,
        [0x07, ..] => 1,
        [ESC, b'\\', ..] => 2,
        _ => return Answer::Other,
    };
    let dense = start == STARTS[1];
    let ground = std::str::from_utf8(&colour[..len]).ok();
    let ground = ground.and_then(|colour| ground_of(colour.split('/').skip(dense.into())));
    Answer::Whole(1 + start.len() + len + end, ground)
}

/// Whether a colour is dark or light.
fn ground_of<'a>(mut parts: impl Iterator<Item = &'a str>) -> Option<Ground> {
    let mut weighted = 0.0;
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
            (b"]11;rgba:ffff/0000/0000/0000\x07", Some(Ground::Dark)),
            (b"]11;rgba:0000/ffff/ffff/ffff\x1b\\", Some(Ground::Light)),
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
            b"]11;rgbb:0000/0000/0000",
            b"]11;rgb:0000/0000/0000/0000/0",
            b"]11;rgb:0000/0000/0000 ",
            b"]11;rgb:0000/0000/0000\x1bx",
        ] {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(answer(bytes), Answer::Other, "{text}");
        }
    }
}
