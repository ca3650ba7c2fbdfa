//! Text that stands somewhere else already, however far away.
//!
//! What was deleted is for a good part what was pasted, moved or written again: it stands in the text that shows, or
//! among what was deleted, but farther away than DEFLATE looks. Such parts are kept as copies, the rest is *left over*
//! and packed as ever. That makes the saved text smaller and, since copying is quicker than unpacking, the reading
//! quicker.
//!
//! ```text
//! copies = uint (bytes of text) (uint (bytes left over in front of it) uint (bytes) uint (how far in front))*
//! ```

use super::Corrupt;
use super::column::{Reader, put_uint};

/// The shortest part that is copied: shorter ones take as many bytes as they save. (Measured: 16 and 32 give the same
/// sizes, 16 leaves less to unpack.)
const LEAST: usize = 16;

/// Bytes that are looked up at once.
const SEED: usize = 8;

/// How far apart the places are that are noted inside of what is copied.
const STRIDE: usize = 8;

const NO_COPY: Corrupt = Corrupt::Malformed("text is a copy of none");

/// Splits `text[from..]` into what is left over, and copies of what stands in front of them. O(text).
pub(super) fn fold(text: &[u8], from: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut over, mut copies) = (Vec::new(), Vec::new());
    put_uint(&mut copies, (text.len() - from) as u64);
    let mut seen = Seen::new(text);
    for at in 0..from {
        seen.note(at);
    }
    // From `start` on nothing has been written.
    let (mut start, mut at) = (from, from);
    while at < text.len() {
        let Some(found) = seen.note(at) else {
            at += 1;
            continue;
        };
        let pairs = text[found..].iter().zip(&text[at..]);
        let behind = pairs.take_while(|(a, b)| a == b).count();
        let pairs = text[..found].iter().rev().zip(text[start..at].iter().rev());
        let before = pairs.take_while(|(a, b)| a == b).count();
        // Behind nothing there is only a hash that is alike.
        if behind == 0 || before + behind < LEAST {
            at += 1;
            continue;
        }
        over.extend_from_slice(&text[start..at - before]);
        put_uint(&mut copies, (at - before - start) as u64);
        put_uint(&mut copies, (before + behind) as u64);
        put_uint(&mut copies, (at - found) as u64);
        start = at + behind;
        for inside in (at + 1..start).step_by(STRIDE) {
            seen.note(inside);
        }
        at = start;
    }
    over.extend_from_slice(&text[start..]);
    (over, copies)
}

/// Appends to `text` what [`fold`] split, up to a length of `most`. O(answer).
pub(super) fn unfold(
    text: &mut Vec<u8>,
    mut over: &[u8],
    copies: &[u8],
    most: usize,
) -> Result<(), Corrupt> {
    let mut copies = Reader(copies);
    let mut room = usize::try_from(copies.uint()?).ok();
    room = room.filter(|room| *room <= most.saturating_sub(text.len()));
    let mut room = room.ok_or(Corrupt::TooLarge)?;
    text.reserve_exact(room);
    while !copies.is_empty() {
        let before = copies.u32()? as usize;
        let (mut rest, distance) = (copies.u32()? as usize, copies.u32()? as usize);
        let (literal, after) = over.split_at_checked(before).ok_or(NO_COPY)?;
        over = after;
        room = room.checked_sub(before + rest).ok_or(NO_COPY)?;
        text.extend_from_slice(literal);
        let start = text.len().checked_sub(distance).ok_or(NO_COPY)?;
        if distance == 0 {
            return Err(NO_COPY);
        }
        // It may be a copy of its own beginning.
        while rest > 0 {
            let part = rest.min(text.len() - start);
            text.extend_from_within(start..start + part);
            rest -= part;
        }
    }
    if over.len() != room {
        return Err(NO_COPY);
    }
    text.extend_from_slice(over);
    Ok(())
}

/// Where bytes stood last.
struct Seen<'a> {
    text: &'a [u8],
    /// By the upper bits of their hash, the place plus one.
    places: Vec<u32>,
    shift: u32,
}

impl<'a> Seen<'a> {
    fn new(text: &'a [u8]) -> Self {
        let bits = text.len().next_power_of_two().ilog2().clamp(8, 18);
        Self {
            text,
            places: vec![0; 1 << bits],
            shift: 64 - bits,
        }
    }

    /// Notes the bytes at `at`; where such may have stood before.
    #[inline]
    fn note(&mut self, at: usize) -> Option<usize> {
        let seed = self.text.get(at..)?.first_chunk::<SEED>()?;
        // 2^64 divided by the golden ratio (Knuth, "The Art of Computer Programming", volume 3, 6.4).
        let hash = u64::from_le_bytes(*seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = &mut self.places[(hash >> self.shift) as usize];
        let found = std::mem::replace(place, at as u32 + 1);
        (found as usize).checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_folded_unfolds() {
        let mut rng = fastrand::Rng::with_seed(5);
        let mut copied = 0;
        for _ in 0..300 {
            // Few letters and parts that repeat, also themselves.
            let mut text: Vec<u8> = Vec::new();
            for _ in 0..rng.usize(0..12) {
                if rng.bool() && !text.is_empty() {
                    let start = rng.usize(0..text.len());
                    for n in 0..rng.usize(0..60) {
                        text.push(text[start + n]);
                    }
                } else {
                    text.extend((0..rng.usize(0..40)).map(|_| rng.u8(b'a'..=b'z')));
                }
            }
            let from = rng.usize(0..=text.len());
            let (over, copies) = fold(&text, from);
            copied += text.len() - from - over.len();
            let mut again = text[..from].to_vec();
            unfold(&mut again, &over, &copies, text.len()).unwrap();
            assert_eq!(again, text);
            if text.len() > from {
                let mut again = text[..from].to_vec();
                let short = unfold(&mut again, &over, &copies, text.len() - 1);
                assert_eq!(short, Err(Corrupt::TooLarge));
            }
        }
        assert!(copied > 1_000, "{copied}");
    }

    /// Where two places had one hash, other bytes, and the same in front of them, the second was looked up again and
    /// found to be a copy of itself.
    #[test]
    fn places_that_differ_behind_and_agree_in_front_are_told_apart() {
        let text = "\u{1f1e9}\u{1f1e9}\t\u{1f1ea}\u{1f1e9}\u{1f1e9}\u{1f1e9}\u{1f1e9}\u{e9}\u{1f1e9}\u{1f1e9}\
             \u{1f1e9}\u{e9}\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{6f22}\u{6f22}\u{1f1e9}\u{1f1e9}\u{1f1e9}\u{200d}a\
             b\u{6f22}a\u{1f1e9}\u{1f1ea}a\u{200d}\u{e9}e\u{301}\u{200d}\u{200d}\u{200d}\u{1f1e9}\u{1f1e9}\
             \u{1f1e9}\u{1f1e9}b\u{1f1e9}\u{5e9}\u{5dc}\u{5d5}\u{5dd}\u{1f1e9}\u{1f1ea}\u{6f22}";
        let (over, copies) = fold(text.as_bytes(), 31);
        let mut again = text.as_bytes()[..31].to_vec();
        unfold(&mut again, &over, &copies, text.len()).unwrap();
        assert_eq!(again, text.as_bytes());
    }

    #[test]
    fn copies_of_what_is_not_there_are_refused() {
        let unfold = |copies: &[u8]| unfold(&mut b"abc".to_vec(), b"d", copies, 99);
        assert_eq!(unfold(&[5, 0, 4, 3]), Ok(()));
        for copies in [
            &[5, 0, 4, 0][..],
            &[5, 0, 4, 9],
            &[13, 9, 4, 1],
            &[5, 0, 4],
            &[6, 0, 4, 3],
            &[],
        ] {
            assert!(unfold(copies).is_err(), "{copies:?}");
        }
    }
}
