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

use thiserror::Error;

const BOM: &[u8] = "\u{feff}".as_bytes();

/// What a file has besides its text. Travels as three small numbers.
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

/// How characters become bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    Utf8,
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
    /// Bytes that are no UTF-8.
    #[error("it is not UTF-8 (the byte at offset {at} does not belong there)")]
    NotUtf8 {
        /// Where the first one is, in bytes from the start of the file.
        at: usize,
    },
}

/// Bytes that are no format known here, perhaps one of a later version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the session's file is of a kind that this version does not know; update the program")]
pub struct UnknownFormat;

impl Format {
    /// The format as members tell it each other: line ending (0 LF, 1 CRLF), byte order mark (0 no,
    /// 1 yes), encoding (0 UTF-8).
    pub const fn to_bytes(self) -> [u8; 3] {
        let line_ending = match self.line_ending {
            LineEnding::Lf => 0,
            LineEnding::CrLf => 1,
        };
        let Encoding::Utf8 = self.encoding;
        [line_ending, self.bom as u8, 0]
    }

    /// The inverse of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// If the bytes are no format known here.
    pub const fn from_bytes(bytes: &[u8]) -> Result<Self, UnknownFormat> {
        let [line_ending @ (0 | 1), bom @ (0 | 1), 0] = *bytes else {
            return Err(UnknownFormat);
        };
        Ok(Self {
            line_ending: if line_ending == 0 {
                LineEnding::Lf
            } else {
                LineEnding::CrLf
            },
            bom: bom == 1,
            encoding: Encoding::Utf8,
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
/// let file: Vec<u8> = encode([text.as_str()], format).flatten().copied().collect();
/// assert_eq!(file, b"one\r\ntwo\r\n");
/// # Ok::<(), collab_edit::document::format::Unreadable>(())
/// ```
///
/// # Errors
/// When the bytes are binary or not UTF-8.
pub fn decode(mut bytes: Vec<u8>) -> Result<(String, Format), Unreadable> {
    if bytes.contains(&0) {
        let at = bytes.iter().take_while(|&&byte| byte != 0).count();
        return Err(Unreadable::Binary { at });
    }
    let text = str::from_utf8(&bytes).map_err(|error| Unreadable::NotUtf8 {
        at: error.valid_up_to(),
    })?;
    let line_ending = if every_line_ends_crlf(text) {
        LineEnding::CrLf
    } else {
        LineEnding::Lf
    };
    let bom = bytes.starts_with(BOM);
    if bom {
        bytes.drain(..BOM.len());
    }
    if line_ending == LineEnding::CrLf {
        remove_cr_before_lf(&mut bytes);
    }
    let text = String::from_utf8(bytes).map_err(|error| Unreadable::NotUtf8 {
        at: error.utf8_error().valid_up_to(),
    })?;
    Ok((
        text,
        Format {
            line_ending,
            bom,
            encoding: Encoding::Utf8,
        },
    ))
}

/// The bytes of the file, in pieces that borrow from the text. O(n), without copying.
pub fn encode<'a>(
    chunks: impl IntoIterator<Item = &'a str>,
    format: Format,
) -> impl Iterator<Item = &'a [u8]> {
    let Format {
        line_ending,
        bom,
        encoding: Encoding::Utf8,
    } = format;
    let bom = bom.then_some(BOM);
    bom.into_iter().chain(
        chunks
            .into_iter()
            .flat_map(move |chunk| pieces(chunk, line_ending)),
    )
}

/// BLAKE3 of a text, which is the same for every member whatever its file looks like. O(n).
pub fn text_hash<'a>(chunks: impl IntoIterator<Item = &'a str>) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for chunk in chunks {
        hasher.update(chunk.as_bytes());
    }
    hasher.finalize()
}

/// One chunk of text as the file has it.
fn pieces(chunk: &str, line_ending: LineEnding) -> impl Iterator<Item = &[u8]> {
    let (whole, lines) = match line_ending {
        LineEnding::Lf => (Some(chunk.as_bytes()), None),
        LineEnding::CrLf => (None, Some(chunk.split_inclusive('\n'))),
    };
    let lines = lines
        .into_iter()
        .flatten()
        .flat_map(|line| match line.strip_suffix('\n') {
            Some(line) => [line.as_bytes(), b"\r\n"],
            None => [line.as_bytes(), b""],
        });
    whole.into_iter().chain(lines)
}

/// Stops at the first line end that is a bare LF.
fn every_line_ends_crlf(text: &str) -> bool {
    let mut line_ends = text.match_indices('\n').map(|(at, _)| at).peekable();
    line_ends.peek().is_some() && line_ends.all(|at| text[..at].ends_with('\r'))
}

fn remove_cr_before_lf(bytes: &mut Vec<u8>) {
    let mut kept = 0;
    for at in 0..bytes.len() {
        if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
            continue;
        }
        bytes[kept] = bytes[at];
        kept += 1;
    }
    bytes.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded<'a>(chunks: impl IntoIterator<Item = &'a str>, format: Format) -> Vec<u8> {
        encode(chunks, format).flatten().copied().collect()
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
            Err(Unreadable::NotUtf8 { at: 4 })
        );
        assert_eq!(
            decode(b"a\r\nb\r\n\xe6\xbc".into()),
            Err(Unreadable::NotUtf8 { at: 6 })
        );
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
            BOM,
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
            &[0, 0, 1],
            &[0, 0, 0, 0],
        ] {
            assert_eq!(Format::from_bytes(bad), Err(UnknownFormat), "{bad:?}");
        }
    }
}
