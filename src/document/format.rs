//! How a text lies in a file: line ending, byte order mark, encoding.
//!
//! A document holds text with the line break LF and without a byte order mark; a [`Format`] says
//! what its file looks like. It belongs to the session, so that every member's file comes out
//! equal.
//!
//! Invariants:
//! 1. [`encode`] is the exact inverse of [`decode`]: for every file that decodes, the bytes come
//!    back unchanged.
//! 2. The final newline is ordinary text: it is never added and never removed.
//! 3. [`encode`] does not depend on where the chunks are cut.
//!
//! Deliberately not here: reading and writing files, which is `storage`.

mod encoding;

use std::borrow::Cow;

pub use encoding::{Encoding, Legacy};
use thiserror::Error;

const BOM: &str = "\u{feff}";

/// What a file has besides its text. Travels as a few bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Format {
    /// What ends a line.
    pub line_ending: LineEnding,
    /// Whether the file starts with a byte order mark.
    pub bom: bool,
    /// How characters become bytes.
    pub encoding: Encoding,
}

/// What ends a line in the file; in the document it is always LF.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum LineEnding {
    /// `\n`. A `\r` in such a file is text.
    #[default]
    Lf,
    /// `\r\n`, at every line's end.
    CrLf,
}

/// Why bytes are not a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Unreadable {
    /// A NUL byte, which no text has.
    #[error("it is a binary file (NUL byte at offset {at})")]
    Binary {
        /// Where the first one is, in bytes from the start of the file.
        at: usize,
    },
    /// Bytes that are text in no encoding.
    #[error("it is no text (the byte at offset {at} is not UTF-8, and no other encoding fits)")]
    NotText {
        /// Where the first one is that is not UTF-8, in bytes from the start of the file.
        at: usize,
    },
}

/// Bytes that are no format known here, perhaps one of a later version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the session's file is of a kind that this version does not know; update the program")]
pub struct UnknownFormat;

impl Format {
    /// The format as members tell it each other: line ending (0 LF, 1 CRLF), byte order mark (0 no,
    /// 1 yes), encoding (0 UTF-8, 1 UTF-16LE, 2 UTF-16BE, 3 another, whose name in the WHATWG's
    /// encoding standard follows).
    pub fn to_bytes(self) -> Vec<u8> {
        let line_ending = match self.line_ending {
            LineEnding::Lf => 0,
            LineEnding::CrLf => 1,
        };
        let (encoding, name) = match self.encoding {
            Encoding::Utf8 => (0, ""),
            Encoding::Utf16Le => (1, ""),
            Encoding::Utf16Be => (2, ""),
            Encoding::Legacy(_) => (3, self.encoding.name()),
        };
        [
            &[line_ending, u8::from(self.bom), encoding],
            name.as_bytes(),
        ]
        .concat()
    }

    /// The inverse of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// If the bytes are no format known here.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, UnknownFormat> {
        let [line_ending @ (0 | 1), bom @ (0 | 1), rest @ ..] = bytes else {
            return Err(UnknownFormat);
        };
        let encoding = match rest {
            [0] => Encoding::Utf8,
            [1] => Encoding::Utf16Le,
            [2] => Encoding::Utf16Be,
            [3, name @ ..] if *bom == 0 => Encoding::named(name).ok_or(UnknownFormat)?,
            _ => return Err(UnknownFormat),
        };
        Ok(Self {
            line_ending: if *line_ending == 0 {
                LineEnding::Lf
            } else {
                LineEnding::CrLf
            },
            bom: *bom == 1,
            encoding,
        })
    }
}

/// The text in a file's bytes and what else the file has. O(n), in the memory of `bytes`.
///
/// The file counts as CRLF only if it has a line end and every line end is CRLF; otherwise each CR
/// stays as text.
///
/// ```
/// use collab_edit::document::format::{LineEnding, decode, encode};
///
/// let (text, format) = decode(b"one\r\ntwo\r\n".to_vec())?;
/// assert_eq!((text.as_str(), format.line_ending), ("one\ntwo\n", LineEnding::CrLf));
/// let file: Vec<u8> = encode([text.as_str()], format).flat_map(|piece| piece.into_owned()).collect();
/// assert_eq!(file, b"one\r\ntwo\r\n");
/// # Ok::<(), collab_edit::document::format::Unreadable>(())
/// ```
///
/// # Errors
/// When the bytes are binary, or text in no encoding.
pub fn decode(bytes: Vec<u8>) -> Result<(String, Format), Unreadable> {
    decode_after(bytes, None)
}

fn decode_after(bytes: Vec<u8>, before: Option<Encoding>) -> Result<(String, Format), Unreadable> {
    let (mut text, encoding, bom) = encoding::recognise(bytes, before)?;
    let line_ending = if every_line_ends_crlf(&text) {
        text = without_cr_before_lf(&text);
        LineEnding::CrLf
    } else {
        LineEnding::Lf
    };
    let format = Format {
        line_ending,
        bom,
        encoding,
    };
    Ok((text, format))
}

/// The text in the bytes of a file that had this format when it was last read or written. O(n).
///
/// A line that ends with LF alone in a file of CRLF lines, as other programs add them, is a line like
/// the others: not every line of the document changes for it.
///
/// # Errors
/// As [`decode`].
pub fn decode_as(bytes: Vec<u8>, before: Format) -> Result<(String, Format), Unreadable> {
    let (text, format) = decode_after(bytes, Some(before.encoding))?;
    if (before.line_ending, format.line_ending) != (LineEnding::CrLf, LineEnding::Lf) {
        return Ok((text, format));
    }
    Ok((without_cr_before_lf(&text), format))
}

/// The bytes of the file, in pieces; UTF-8 without copying. O(n).
pub fn encode<'a>(
    chunks: impl IntoIterator<Item = &'a str>,
    format: Format,
) -> impl Iterator<Item = Cow<'a, [u8]>> {
    let Format {
        line_ending,
        bom,
        encoding,
    } = format;
    let text = chunks
        .into_iter()
        .flat_map(move |chunk| pieces(chunk, line_ending));
    let text = bom.then_some(BOM).into_iter().chain(text);
    text.map(move |piece| encoding.encoded(piece))
}

/// BLAKE3 of a text, which is the same for every member whatever its file looks like. O(n).
pub fn text_hash<'a>(chunks: impl IntoIterator<Item = &'a str>) -> blake3::Hash {
    let mut hasher = TextHasher::default();
    for chunk in chunks {
        hasher.update(chunk);
    }
    hasher.finalize()
}

/// BLAKE3 hashes several kilobytes at once, five times as fast as the pieces that a rope is made of.
const HASHED_AT_ONCE: usize = 64 << 10;

/// Makes a [`text_hash`] piece by piece.
#[derive(Default)]
pub struct TextHasher {
    hasher: blake3::Hasher,
    /// What has come and is not hashed yet: less than [`HASHED_AT_ONCE`].
    waiting: Vec<u8>,
}

impl TextHasher {
    /// Takes in the next piece of the text.
    pub fn update(&mut self, piece: &str) {
        if self.waiting.len() + piece.len() >= HASHED_AT_ONCE {
            self.hasher.update(&self.waiting);
            self.waiting.clear();
        }
        if piece.len() >= HASHED_AT_ONCE {
            self.hasher.update(piece.as_bytes());
        } else {
            self.waiting.extend(piece.as_bytes());
        }
    }

    /// The hash of all that was taken in.
    pub fn finalize(mut self) -> blake3::Hash {
        self.hasher.update(&self.waiting);
        self.hasher.finalize()
    }
}

/// One chunk of text with the file's line ends.
fn pieces(chunk: &str, line_ending: LineEnding) -> impl Iterator<Item = &str> {
    let (whole, lines) = match line_ending {
        LineEnding::Lf => (Some(chunk), None),
        LineEnding::CrLf => (None, Some(chunk.split_inclusive('\n'))),
    };
    let lines = lines
        .into_iter()
        .flatten()
        .flat_map(|line| match line.strip_suffix('\n') {
            Some(line) => [line, "\r\n"],
            None => [line, ""],
        });
    whole.into_iter().chain(lines)
}

/// Stops at the first line end that is a bare LF.
fn every_line_ends_crlf(text: &str) -> bool {
    let mut line_ends = text.match_indices('\n').map(|(at, _)| at).peekable();
    line_ends.peek().is_some() && line_ends.all(|at| text[..at].ends_with('\r'))
}

fn without_cr_before_lf(text: &str) -> String {
    text.replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded<'a>(chunks: impl IntoIterator<Item = &'a str>, format: Format) -> Vec<u8> {
        let pieces = encode(chunks, format);
        pieces.flat_map(Cow::into_owned).collect()
    }

    fn format(line_ending: LineEnding, bom: bool) -> Format {
        Format {
            line_ending,
            bom,
            encoding: Encoding::Utf8,
        }
    }

    #[test]
    fn files_and_their_texts() {
        use LineEnding::{CrLf, Lf};
        let rows: &[(&str, &str, LineEnding, bool)] = &[
            ("", "", Lf, false),
            ("a", "a", Lf, false),
            ("a\n", "a\n", Lf, false),
            ("a\r\n", "a\n", CrLf, false),
            ("a\r\nb", "a\nb", CrLf, false),
            ("a\r\nb\n", "a\r\nb\n", Lf, false),
            ("a\nb\r\n", "a\nb\r\n", Lf, false),
            ("a\rb", "a\rb", Lf, false),
            ("a\rb\r\n", "a\rb\n", CrLf, false),
            ("a\r\r\n", "a\r\n", CrLf, false),
            ("\r\n\r\n", "\n\n", CrLf, false),
            ("\u{feff}", "", Lf, true),
            ("\u{feff}é\r\n", "é\n", CrLf, true),
            ("\u{feff}\u{feff}x", "\u{feff}x", Lf, true),
            ("x\u{feff}", "x\u{feff}", Lf, false),
            ("👩‍👩‍👧 漢字\u{2028}\u{c}", "👩‍👩‍👧 漢字\u{2028}\u{c}", Lf, false),
        ];
        for &(file, text, line_ending, bom) in rows {
            let expected = format(line_ending, bom);
            let decoded = decode(file.into()).unwrap();
            assert_eq!(decoded, (text.to_owned(), expected), "{file:?}");
            assert_eq!(encoded([text], expected), file.as_bytes(), "{file:?}");
        }
    }

    #[test]
    fn what_is_no_text_says_where() {
        assert_eq!(
            decode(b"ab\0\xff".into()),
            Err(Unreadable::Binary { at: 2 })
        );
        assert_eq!(
            decode(b"\xef\xbb\xbfa\xff".into()),
            Err(Unreadable::NotText { at: 4 })
        );
        assert_eq!(
            decode(b"a\r\nb\r\n\x01\xe6".into()),
            Err(Unreadable::NotText { at: 7 })
        );
    }

    #[test]
    fn other_encodings_are_recognised_and_come_back() {
        let legacy = |label: &str| {
            let name = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
            Encoding::named(name.name().as_bytes()).unwrap()
        };
        let german = "Füße größer als Äpfel, schöne Grüße aus Köln\r\n";
        let russian = "Съешь же ещё этих мягких французских булок, да выпей чаю\n";
        let japanese = "いろはにほへと ちりぬるを わかよたれそ つねならむ\n";
        let rows = [
            (german, Encoding::Utf16Le, true),
            (german, Encoding::Utf16Le, false),
            (german, Encoding::Utf16Be, false),
            (russian, Encoding::Utf16Be, true),
            ("👍\n", Encoding::Utf16Le, true),
            (german, legacy("windows-1252"), false),
            (russian, legacy("windows-1251"), false),
            (russian, legacy("koi8-u"), false),
            (japanese, legacy("shift_jis"), false),
            (japanese, legacy("euc-jp"), false),
        ];
        for (text, encoding, bom) in rows {
            let written = Format {
                line_ending: LineEnding::Lf,
                bom,
                encoding,
            };
            let file = encoded([text], written);
            let (read, format) = decode(file.clone()).unwrap();
            assert_eq!((format.encoding, format.bom), (encoding, bom), "{text}");
            assert_eq!(
                read.replace('\n', ""),
                text.replace("\r\n", "").replace('\n', "")
            );
            assert_eq!(encoded([read.as_str()], format), file);
            assert_eq!(Format::from_bytes(&format.to_bytes()), Ok(format));
            // What is too short for a guess is read as it was before.
            let letter: String = text.chars().filter(|c| !c.is_ascii()).take(1).collect();
            let short = encoded([letter.as_str()], written);
            let (read, after) = decode_as(short, format).unwrap();
            assert_eq!((read, after.encoding), (letter, encoding));
        }
        let latin = legacy("windows-1252");
        assert_eq!(latin.first_unfit("größer als 漢 und 字"), Some('漢'));
        assert_eq!(latin.first_unfit("größer €"), None);
        assert_eq!(Encoding::Utf16Le.first_unfit("漢"), None);
    }

    #[test]
    fn a_crlf_document_may_contain_crlf() {
        let text = "a\r\nb\n";
        let file = encoded([text], format(LineEnding::CrLf, false));
        assert_eq!(file, b"a\r\r\nb\r\n");
        assert_eq!(decode(file).unwrap().0, text);
    }

    #[test]
    fn encode_is_the_inverse_of_decode_however_chunks_are_cut() {
        let seed = match std::env::var("FORMAT_SEED") {
            Ok(seed) => seed.parse().unwrap(),
            Err(_) => fastrand::u64(..),
        };
        println!("FORMAT_SEED={seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let alphabet: [&[u8]; 9] = [
            b"\r\n",
            b"\r\n",
            b"\n",
            b"\r",
            b"a",
            "é".as_bytes(),
            BOM.as_bytes(),
            "漢".as_bytes(),
            b"\xff",
        ];
        let mut texts = 0;
        for _ in 0..20_000 {
            // Few kinds of pieces per file, so that pure CRLF files are frequent.
            let kinds: Vec<&[u8]> = (0..rng.usize(1..4))
                .map(|_| alphabet[rng.usize(..9)])
                .collect();
            let file: Vec<u8> = (0..rng.usize(..12))
                .flat_map(|_| kinds[rng.usize(..kinds.len())])
                .copied()
                .collect();
            let Ok((text, format)) = decode(file.clone()) else {
                assert!(str::from_utf8(&file).is_err(), "{file:?}");
                continue;
            };
            texts += 1;
            let mut chunks = Vec::new();
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let cut = rest.floor_char_boundary(rng.usize(..=rest.len().min(4)));
                let (chunk, after) = rest.split_at(cut);
                chunks.push(chunk);
                rest = after;
            }
            assert_eq!(
                encoded(chunks.iter().copied(), format),
                file,
                "{text:?} {format:?}"
            );
            assert_eq!(text_hash(chunks), blake3::hash(text.as_bytes()));
        }
        assert!(texts > 10_000, "most files should be texts: {texts}");
    }

    #[test]
    fn a_hash_does_not_depend_on_the_pieces() {
        let text: String = (0..60_000).map(|n| format!("{n} ")).collect();
        let expected = blake3::hash(text.as_bytes());
        let most = 2 * HASHED_AT_ONCE;
        for sizes in [[1_000, 1_000], [7, most], [HASHED_AT_ONCE, 1], [most, most]] {
            let (mut pieces, mut rest) = (Vec::new(), text.as_str());
            for size in sizes.into_iter().cycle() {
                let (piece, after) = rest.split_at(size.min(rest.len()));
                pieces.push(piece);
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            assert_eq!(text_hash(pieces), expected, "{sizes:?}");
        }
    }

    #[test]
    fn a_format_travels_and_an_unknown_one_is_refused() {
        for line_ending in [LineEnding::Lf, LineEnding::CrLf] {
            for bom in [false, true] {
                let format = format(line_ending, bom);
                assert_eq!(Format::from_bytes(&format.to_bytes()), Ok(format));
            }
        }
        for bad in [
            &[][..],
            &[0, 0],
            &[2, 0, 0],
            &[0, 2, 0],
            &[0, 0, 4],
            &[0, 0, 3],
            b"\0\0\x03utf-8",
            b"\0\0\x03UTF-8",
            b"\0\0\x03latin1",
            b"\0\x01\x03windows-1252",
            &[0, 0, 0, 0],
        ] {
            assert_eq!(Format::from_bytes(bad), Err(UnknownFormat), "{bad:?}");
        }
    }
}
