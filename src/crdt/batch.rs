//! The one encoding of a batch: flat MessagePack, the same bytes wherever a batch goes.
//!
//! ```text
//! batch  = head [lamport] [minutes] op+
//! head   = uint: version 0 in bits 4 to 6, bit 0: lamport follows, bit 1: minutes follow, bit 2: source is disk
//! lamport = int: this batch's Lamport value minus that of the author's batch before, if that is not 1
//! minutes = int: likewise for the wall clock hint, if that is not 0
//! op     = str                      characters that continue the author's last insert
//!        | 1 id id str              insert: left origin, right origin, text
//!        | 2 targets | 3 targets    delete, undo
//!        | 4 bin                    note
//! targets = uint (count) then as often: id uint (length)
//! id     = nil                      start or end of the document (origins only)
//!        | uint d                   own operation: the number of the operation that names it, minus d
//!        | -1-k [bin16] uint        operation of the k-th other author whom this author has named, by
//!                                   its number; the author's id stands there the first time
//! ```
//!
//! The author and the number of the first operation stand beside the batch, in whatever carries it.
//! Everything in the bytes is relative to the author's own log and to nothing else, so they are the
//! same for every receiver. **Each batch has exactly one encoding**: integers are as short as
//! MessagePack allows, a form that may be left out is left out, and an insert that continues the one
//! before has no other form. [`decode`] refuses everything else, so a log can give any batch again
//! without keeping its bytes.

mod decode;
mod edited;

use rmp::Marker;
use rmp::encode::{write_bin, write_nil, write_sint, write_str};

use super::id::{AuthorId, AuthorIx, Id};
use super::log::{ActKind, Entry, Log};
use super::op::{BatchInfo, Source};

pub(crate) use decode::{Decoded, Undecoded, decode};
pub(crate) use edited::{Edited, edited};

/// The version of the encoding, in bits 4 to 6 of the head.
const VERSION: u64 = 0;

const HAS_LAMPORT: u64 = 1;
const HAS_MINUTES: u64 = 2;
const FROM_DISK: u64 = 4;

const INSERT: u64 = 1;
const DELETE: u64 = 2;
const UNDO: u64 = 3;
const NOTE: u64 = 4;

/// The longest text whose length is in its marker.
const TYPED_BYTES: usize = 31;

impl Log {
    /// Appends the encoding of the batch of `author` that starts at operation `seq` to `out`, and
    /// returns the number after its last operation; `None` if no batch starts there. O(log n + answer).
    pub fn batch_at(&self, author: &AuthorId, seq: u32, out: &mut Vec<u8>) -> Option<u32> {
        let me = self.ix(author)?;
        if let Some(text) = self[me].typed(seq)
            && text.len() <= TYPED_BYTES
        {
            put_typed(out, text);
            return Some(self[me].next());
        }
        self.encode_batch(me, seq, out)
    }

    /// [`batch_at`](Self::batch_at) for any batch.
    #[inline(never)]
    fn encode_batch(&self, me: AuthorIx, seq: u32, out: &mut Vec<u8>) -> Option<u32> {
        let (info, before) = self[me].batch_and_stamp_before(seq)?;
        if info.seq != seq {
            return None;
        }
        Encoder {
            log: self,
            me,
            known: self.known_before(me, seq),
            out,
        }
        .batch(info, before);
        Some(info.end)
    }

    /// How many authors `me` had named before its operation `seq`.
    fn known_before(&self, me: AuthorIx, seq: u32) -> usize {
        self[me]
            .dictionary()
            .partition_point(|(_, named)| *named < seq)
    }
}

struct Encoder<'a> {
    log: &'a Log,
    me: AuthorIx,
    /// How many of the dictionary's authors have been introduced.
    known: usize,
    out: &'a mut Vec<u8>,
}

/// Writing MessagePack to memory cannot fail.
macro_rules! put {
    ($write:expr) => {
        $write.expect("writing to memory")
    };
}

impl Encoder<'_> {
    fn batch(&mut self, info: BatchInfo, (lamport, minutes): (u64, u32)) {
        let log = &self.log[self.me];
        let lamport = info.lamport.cast_signed() - lamport.cast_signed();
        let minutes = i64::from(info.minutes) - i64::from(minutes);
        let mut head = VERSION << 4;
        head |= if lamport == 1 { 0 } else { HAS_LAMPORT };
        head |= if minutes == 0 { 0 } else { HAS_MINUTES };
        head |= if info.source == Source::Disk {
            FROM_DISK
        } else {
            0
        };
        self.small(head);
        if lamport != 1 {
            put!(write_sint(self.out, lamport));
        }
        if minutes != 0 {
            put!(write_sint(self.out, minutes));
        }
        let mut seq = info.seq;
        while seq < info.end {
            seq = match log.entry(seq) {
                Some(Entry::Insert(run)) => {
                    let len = (run.seq + run.len).min(info.end) - seq;
                    if seq == run.seq {
                        self.small(INSERT);
                        self.id(seq, run.left);
                        self.id(seq, run.right);
                    }
                    self.text(log.text(seq, len));
                    seq + len
                }
                Some(Entry::Act(kind)) => {
                    let tag = if kind == ActKind::Delete {
                        DELETE
                    } else {
                        UNDO
                    };
                    self.small(tag);
                    let targets = log.targets(seq);
                    put_number(self.out, targets.len() as u32);
                    for span in targets.iter() {
                        self.id(seq, Some(span.start));
                        put_number(self.out, span.len);
                    }
                    seq + 1
                }
                Some(Entry::Note(bytes)) => {
                    self.small(NOTE);
                    put!(write_bin(self.out, bytes));
                    seq + 1
                }
                None => unreachable!("a batch covers operations only"),
            };
        }
    }

    /// A number of one byte.
    #[inline]
    fn small(&mut self, value: u64) {
        debug_assert!(value <= 0x7f);
        self.out.push(value as u8);
    }

    #[inline]
    fn text(&mut self, text: &str) {
        if text.len() <= TYPED_BYTES {
            self.out.push(Marker::FixStr(text.len() as u8).to_u8());
            self.out.extend_from_slice(text.as_bytes());
        } else {
            put!(write_str(self.out, text));
        }
    }

    fn id(&mut self, seq: u32, id: Option<Id>) {
        let Some(id) = id else {
            put!(write_nil(self.out));
            return;
        };
        if id.author == self.me {
            put_number(self.out, seq - id.seq);
            return;
        }
        let dictionary = self.log[self.me].dictionary();
        let place = dictionary
            .iter()
            .position(|(author, _)| *author == id.author);
        let place = place.expect("every author that an operation names is in the dictionary");
        put!(write_sint(self.out, -1 - place as i64));
        if place == self.known {
            put!(write_bin(self.out, &self.log[id.author].id.0));
            self.known += 1;
        }
        put_number(self.out, id.seq);
    }
}

/// Appends a number. How long it gets cannot be guessed, and is not branched on: eight bytes are written, and those that are
/// too many taken back.
#[inline]
fn put_number(out: &mut Vec<u8>, value: u32) {
    // What stands in front of the number, by how many bytes the two are.
    const MARKERS: [u64; 6] = [0, 0, 0xcc, 0xcd, 0, 0xce];
    let longer = |than: u32| usize::from(value > than);
    let len = 1 + longer(0x7f) + longer(0xff) + 2 * longer(0xffff);
    let word = MARKERS[len] << 56 | u64::from(value) << (64 - 8 * len);
    let end = out.len() + len;
    out.extend_from_slice(&word.to_be_bytes());
    out.truncate(end);
}

/// The encoding of a batch that is nothing but a short text which goes on where its author wrote last, at
/// the next Lamport value, in the same minute: what typing sends.
fn put_typed(out: &mut Vec<u8>, text: &str) {
    let marker = Marker::FixStr(text.len() as u8).to_u8();
    match text.as_bytes() {
        [byte] => out.extend_from_slice(&[0, marker, *byte]),
        bytes => {
            out.extend_from_slice(&[0, marker]);
            out.extend_from_slice(bytes);
        }
    }
}

/// The text of a batch as [`put_typed`] writes it; `None` of any other, malformed ones included, which
/// are for [`decode`].
pub(crate) fn typed(bytes: &[u8]) -> Option<&str> {
    let [0, marker, text @ ..] = bytes else {
        return None;
    };
    let Marker::FixStr(len) = Marker::from_u8(*marker) else {
        return None;
    };
    if text.is_empty() || text.len() != usize::from(len) || text.contains(&0) {
        return None;
    }
    std::str::from_utf8(text).ok()
}

/// [`typed`] if it is one ASCII character.
#[inline(always)]
pub(crate) const fn typed_key(bytes: &[u8]) -> Option<u8> {
    match *bytes {
        [0, 0xa1, byte @ 1..=0x7f] => Some(byte),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rmp::encode::write_uint;

    use super::super::op::Op;
    use super::super::{Replica, Verdict};
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_may_be() {
        for value in [0x7f, 0xff, 0xffff, u32::MAX - 1]
            .into_iter()
            .flat_map(|last| [0, last, last + 1])
        {
            let (mut ours, mut plain) = (vec![7], vec![7]);
            put_number(&mut ours, value);
            write_uint(&mut plain, value.into()).expect("writing to memory");
            assert_eq!(ours, plain, "{value}");
        }
    }

    #[test]
    fn what_typing_sends_is_encoded_and_read_as_any_batch() {
        let (ann, ben) = (AuthorId([1; 16]), AuthorId([2; 16]));
        let mut rng = fastrand::Rng::with_seed(3);
        let (mut here, mut there) = (Replica::new(ann), Replica::new(ben));
        let mut short = 0;
        let mut caret = 0;
        for n in 0..2_000 {
            let text = *rng
                .choice(&[
                    "a",
                    "\n",
                    "é",
                    "ab",
                    "日本",
                    "a longer text of 31 bytes, hm..",
                ])
                .unwrap();
            match rng.u8(0..12) {
                0 => caret = rng.usize(0..=here.len()),
                1 if caret > 0 => {
                    caret -= 1;
                    here.delete(caret..caret + 1);
                }
                _ => {}
            }
            caret += here.insert(caret, text);
            let source = if n % 100 < 3 {
                Source::Disk
            } else {
                Source::Typed
            };
            let seq = here.commit(n / 50, source).unwrap();
            let (mut bytes, mut general) = (Vec::new(), Vec::new());
            let end = here.log.batch_at(&ann, seq, &mut bytes);
            let me = here.log.ix(&ann).unwrap();
            assert_eq!(here.log.encode_batch(me, seq, &mut general), end);
            assert_eq!(bytes, general);
            if let Some(text) = typed(&bytes) {
                short += 1;
                let ix = there.log.ix(&ann).unwrap();
                let mut targets = Vec::new();
                let decoded = decode(&bytes, &there.log, ix, &mut targets).ok().unwrap();
                let ops: Vec<&Op<'_>> = decoded.ops().collect();
                assert!(matches!(ops[..], [Op::Insert(insert)] if insert.text == text));
            }
            let verdict = there.merge(ann, seq, &bytes, &mut Vec::new());
            assert_eq!(verdict, Verdict::Applied);
            let head = |replica: &Replica| replica.log.batch_info(&ann, seq);
            assert_eq!(head(&here), head(&there));
        }
        assert!(short > 1_000, "most are short: {short}");
        there.check_invariants();
        assert_eq!(here.visible_text(), there.visible_text());
    }

    #[test]
    fn what_typing_does_not_send_is_left_to_the_decoder() {
        for bytes in [
            &[0, 0xa0][..],
            &[0, 0xa1, 0],
            &[0, 0xa1, 0xff],
            &[0, 0xa2, b'a'],
            &[0, 0xa1, b'a', 0xc0],
            &[1, 0xa1, b'a'],
            &[4, 0xa1, b'a'],
            &[0, 0xd9, 1, b'a'],
        ] {
            assert_eq!(typed(bytes), None, "{bytes:?}");
        }
        assert_eq!(typed(&[0, 0xa1, b'a']), Some("a"));
    }
}
