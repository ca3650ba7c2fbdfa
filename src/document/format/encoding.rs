//! How characters become bytes: UTF-8, UTF-16, and the encodings from before Unicode.
//!
//! Invariant: what is recognised comes back. An encoding is taken only if the text, encoded again, is
//! the same bytes.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

use super::Unreadable;

const UTF8_BOM: &[u8] = "\u{feff}".as_bytes();

/// How characters become bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
    /// One from before Unicode.
    Legacy(Legacy),
}

/// An encoding from before Unicode, of those in the WHATWG's encoding standard.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Legacy(&'static encoding_rs::Encoding);

impl Encoding {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Legacy(Legacy(encoding)) => encoding.name(),
        }
    }

    /// The encoding with this name, in the standard's spelling.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let encoding = encoding_rs::Encoding::for_label(name)?;
        (encoding.name().as_bytes() == name && is_legacy(encoding))
            .then_some(Self::Legacy(Legacy(encoding)))
    }

    /// The first character of `text` that this encoding has no bytes for. O(n).
    pub fn first_unfit(self, text: &str) -> Option<char> {
        let Self::Legacy(Legacy(encoding)) = self else {
            return None;
        };
        let unfit = |c: &char| encoding.encode(c.encode_utf8(&mut [0; 4])).2;
        let (_, _, any) = encoding.encode(text);
        any.then(|| text.chars().find(unfit))?
    }

    /// The bytes of `text`. What does not fit becomes what the standard says for forms; see
    /// [`first_unfit`](Self::first_unfit). O(n).
    pub(super) fn encoded(self, text: &str) -> Cow<'_, [u8]> {
        match self {
            Self::Utf8 => text.as_bytes().into(),
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Legacy(Legacy(encoding)) => encoding.encode(text).0,
        }
    }
}

/// The text in `bytes`, without a byte order mark, its encoding, and whether there was a mark. A
/// file that was in the encoding `before` is in it again, if it can be. O(n).
pub(super) fn recognise(
    mut bytes: Vec<u8>,
    before: Option<Encoding>,
) -> Result<(String, Encoding, bool), Unreadable> {
    for (mark, encoding) in [
        (&[0xff, 0xfe], Encoding::Utf16Le),
        (&[0xfe, 0xff], Encoding::Utf16Be),
    ] {
        if let Some(rest) = bytes.strip_prefix(mark.as_slice())
            && let Some(text) = utf16(rest, encoding)
        {
            return Ok((text, encoding, true));
        }
    }
    if bytes.contains(&0) {
        let at = bytes.iter().take_while(|&&byte| byte != 0).count();
        let text = unmarked_utf16(&bytes, before);
        return text
            .map(|(text, encoding)| (text, encoding, false))
            .ok_or(Unreadable::Binary { at });
    }
    if let Some(at) = str::from_utf8(&bytes)
        .err()
        .map(|error| error.valid_up_to())
    {
        let was_utf16 = matches!(before, Some(Encoding::Utf16Le | Encoding::Utf16Be));
        let text = was_utf16.then(|| unmarked_utf16(&bytes, before)).flatten();
        let text = text.or_else(|| legacy(&bytes, before));
        return text
            .filter(|_| !bytes.starts_with(UTF8_BOM))
            .map(|(text, encoding)| (text, encoding, false))
            .ok_or(Unreadable::NotText { at });
    }
    let bom = bytes.starts_with(UTF8_BOM);
    if bom {
        bytes.drain(..UTF8_BOM.len());
    }
    let text = String::from_utf8(bytes).map_err(|error| Unreadable::NotText {
        at: error.utf8_error().valid_up_to(),
    })?;
    Ok((text, Encoding::Utf8, bom))
}

/// Bytes as UTF-16 without NUL and without half of a pair.
fn utf16(bytes: &[u8], encoding: Encoding) -> Option<String> {
    let (units, []) = bytes.as_chunks::<2>() else {
        return None;
    };
    let unit = |pair: &[u8; 2]| match encoding {
        Encoding::Utf16Be => u16::from_be_bytes(*pair),
        _ => u16::from_le_bytes(*pair),
    };
    let chars = char::decode_utf16(units.iter().map(unit));
    let text: String = chars.collect::<Result<_, _>>().ok()?;
    (!text.contains('\0')).then_some(text)
}

/// Bytes as UTF-16 that does not say so: most characters are those of western languages, and none is
/// a control character that no text has.
fn unmarked_utf16(bytes: &[u8], before: Option<Encoding>) -> Option<(String, Encoding)> {
    let known = before.filter(|before| matches!(before, Encoding::Utf16Le | Encoding::Utf16Be));
    for encoding in known
        .into_iter()
        .chain([Encoding::Utf16Le, Encoding::Utf16Be])
    {
        let Some(text) = utf16(bytes, encoding) else {
            continue;
        };
        let western = text.chars().filter(|c| *c < '\u{100}').count();
        let plausible = 4 * western >= 3 * text.chars().count() && !text.contains(is_strange);
        if plausible || known == Some(encoding) {
            return Some((text, encoding));
        }
    }
    None
}

/// Bytes in an encoding from before Unicode: the one from before, else the likeliest.
fn legacy(bytes: &[u8], before: Option<Encoding>) -> Option<(String, Encoding)> {
    let before = before.and_then(|before| match before {
        Encoding::Legacy(Legacy(encoding)) => Some(encoding),
        _ => None,
    });
    let guess = || {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        detector.guess(None, Utf8Detection::Deny)
    };
    let likely = before.into_iter().chain(std::iter::once_with(guess));
    let mut likely = likely.chain([encoding_rs::WINDOWS_1252]);
    likely.find_map(|encoding| {
        let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
        let (again, _, unfit) = encoding.encode(&text);
        let same = !unfit && *again == *bytes && is_legacy(encoding);
        let text = (same && !text.contains(is_strange)).then(|| text.into_owned())?;
        Some((text, Encoding::Legacy(Legacy(encoding))))
    })
}

/// Whether an encoding keeps no state from one character to the next, and is not Unicode's.
fn is_legacy(encoding: &'static encoding_rs::Encoding) -> bool {
    let not = [
        encoding_rs::UTF_8,
        encoding_rs::UTF_16LE,
        encoding_rs::UTF_16BE,
        encoding_rs::ISO_2022_JP,
        encoding_rs::REPLACEMENT,
    ];
    !not.contains(&encoding)
}

/// Control characters that a guess must not bring up.
fn is_strange(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}' | '\u{85}')
}
