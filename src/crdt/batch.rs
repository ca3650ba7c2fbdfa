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

mod edited;

use std::ops::Range;

use rmp::Marker;
use rmp::encode::{write_bin, write_nil, write_sint, write_str, write_uint};

use super::id::{AuthorId, AuthorIx, Id, OpId};
use super::limits::{MAX_BATCH_BYTES, MAX_LAMPORT};
use super::log::{ActKind, Entry, Log};
use super::op::{BatchInfo, Inserted, Invalid, Op, Source, Span};

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

/// A batch read from bytes, its names resolved against a log.
pub(crate) struct Decoded<'a> {
    pub(crate) info: BatchInfo,
    /// Most batches have one operation, or two (what goes and what comes), and take no memory of their own.
    first: Op<'a>,
    second: Option<Op<'a>>,
    rest: Vec<Op<'a>>,
}

impl<'a> Decoded<'a> {
    /// Its operations, in order.
    pub(crate) fn ops(&self) -> impl Iterator<Item = &Op<'a>> {
        std::iter::once(&self.first)
            .chain(&self.second)
            .chain(&self.rest)
    }
}

/// Why bytes do not (yet) give a batch.
pub(crate) enum Undecoded {
    /// This operation must come first.
    Missing(OpId),
    Invalid(Invalid),
}

impl From<Invalid> for Undecoded {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

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
        self.uint(head);
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
                        self.uint(INSERT);
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
                    self.uint(tag);
                    let targets = log.targets(seq);
                    self.uint(targets.len() as u64);
                    for span in targets.iter() {
                        self.id(seq, Some(span.start));
                        self.uint(span.len.into());
                    }
                    seq + 1
                }
                Some(Entry::Note(bytes)) => {
                    self.uint(NOTE);
                    put!(write_bin(self.out, bytes));
                    seq + 1
                }
                None => unreachable!("a batch covers operations only"),
            };
        }
    }

    /// Most numbers are small, and are a byte.
    #[inline]
    fn uint(&mut self, value: u64) {
        match value {
            0..=0x7f => self.out.push(value as u8),
            _ => {
                put!(write_uint(self.out, value));
            }
        }
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
            self.uint(u64::from(seq - id.seq));
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
        self.uint(id.seq.into());
    }
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

/// Reads the batch of author `me` that starts at that author's head. Changes nothing but `targets`,
/// which afterwards holds what its operations name.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    log: &Log,
    me: AuthorIx,
    targets: &mut Vec<Span>,
) -> Result<Decoded<'a>, Undecoded> {
    if bytes.len() > MAX_BATCH_BYTES {
        return Err(malformed("longer than a batch may be"));
    }
    let seq = log[me].next();
    let mut reader = Decoder {
        rest: bytes,
        log,
        me,
        dictionary: Vec::new(),
        targets,
        own: seq,
        seq,
    };
    let (lamport, minutes) = log[me].last_stamp();
    let head = reader.uint()?;
    if head >> 4 != VERSION || head & 8 != 0 {
        return Err(malformed("of an unknown version"));
    }
    let lamport = lamport.cast_signed() + reader.stated(head & HAS_LAMPORT != 0, 1)?;
    let minutes = i64::from(minutes) + reader.stated(head & HAS_MINUTES != 0, 0)?;
    let lamport = u64::try_from(lamport)
        .ok()
        .filter(|value| *value <= MAX_LAMPORT);
    let lamport = lamport.ok_or_else(|| malformed("its Lamport value is out of range"))?;
    let minutes =
        u32::try_from(minutes).map_err(|_out_of_range| malformed("its minute is out of range"))?;
    let source = if head & FROM_DISK == 0 {
        Source::Typed
    } else {
        Source::Disk
    };
    let first = reader.op(None)?;
    let (mut second, mut rest) = (None, Vec::new());
    if !reader.rest.is_empty() {
        let mut last = second.insert(reader.op(Some(&first))?);
        while !reader.rest.is_empty() {
            let op = reader.op(Some(last))?;
            last = rest.push_mut(op);
        }
    }
    let info = BatchInfo {
        seq,
        end: reader.seq,
        lamport,
        minutes,
        source,
    };
    Ok(Decoded {
        info,
        first,
        second,
        rest,
    })
}

struct Decoder<'a, 'b> {
    rest: &'a [u8],
    log: &'b Log,
    me: AuthorIx,
    /// Authors that this batch introduces.
    dictionary: Vec<AuthorIx>,
    targets: &'b mut Vec<Span>,
    /// Number of the batch's first operation, and of the one being read.
    own: u32,
    seq: u32,
}

const fn malformed(why: &'static str) -> Undecoded {
    Undecoded::Invalid(Invalid::Malformed(why))
}

const CUT: Undecoded = malformed("it ends too early");
const TYPE: Undecoded = malformed("a value has the wrong type");
const LONG: Undecoded = malformed("a value has a longer form than it needs");

/// What the decoder meets at the start of an id or an operation.
enum Token<'a> {
    Nil,
    Uint(u64),
    /// A negative integer.
    Sint(i64),
    Str(&'a str),
}

impl<'a> Decoder<'a, '_> {
    /// Reads one operation and counts it.
    fn op(&mut self, before: Option<&Op<'_>>) -> Result<Op<'a>, Undecoded> {
        let op = self.one(before)?;
        let next = self.seq.checked_add(op.width());
        self.seq = next.ok_or(Invalid::SeqExhausted)?;
        Ok(op)
    }

    fn one(&mut self, before: Option<&Op<'_>>) -> Result<Op<'a>, Undecoded> {
        let tag = match self.number()? {
            Token::Str(text) => {
                if matches!(before, Some(Op::Insert(_))) {
                    return Err(malformed("one insert is given in two parts"));
                }
                return self.continued(text);
            }
            Token::Uint(tag) => tag,
            _ => return Err(TYPE),
        };
        match tag {
            INSERT => {
                let left = self.id()?;
                let right = self.id()?;
                let Token::Str(text) = self.token()? else {
                    return Err(TYPE);
                };
                let chars = Self::count(text)?;
                if self.continues(before, left, right) {
                    return Err(malformed("an insert that continues is given in full"));
                }
                Ok(Op::Insert(Inserted {
                    left,
                    right,
                    continues: false,
                    text,
                    chars,
                }))
            }
            DELETE => Ok(Op::Delete {
                targets: self.targets()?,
            }),
            UNDO => Ok(Op::Undo {
                targets: self.targets()?,
            }),
            NOTE => {
                let marker = self.marker()?;
                let len = self.bin_len(marker)?;
                Ok(Op::Note {
                    bytes: self.take(len)?,
                })
            }
            _ => Err(malformed("an operation is of an unknown kind")),
        }
    }

    /// Whether an insert with these origins would continue the one before it.
    fn continues(&self, before: Option<&Op<'_>>, left: Option<Id>, right: Option<Id>) -> bool {
        match before {
            Some(Op::Insert(before)) => {
                left == Some(Id::new(self.me, self.seq - 1)) && right == before.right
            }
            Some(_) => false,
            None => self.log[self.me].continues(self.me, left, right),
        }
    }

    fn continued(&self, text: &'a str) -> Result<Op<'a>, Undecoded> {
        // Only the batch's first operation can continue something: later ones would have been joined.
        let last = (self.seq == self.own)
            .then(|| self.own.checked_sub(1))
            .flatten();
        let run = last.and_then(|last| self.log[self.me].insert_run(last));
        let run = run.ok_or_else(|| malformed("an insert continues nothing"))?;
        let left = Some(Id::new(self.me, self.own - 1));
        Ok(Op::Insert(Inserted {
            left,
            right: run.right,
            continues: true,
            text,
            chars: Self::count(text)?,
        }))
    }

    /// How many characters an insert has. A NUL is none: a file that holds one is no text.
    fn count(text: &str) -> Result<u32, Undecoded> {
        if text.contains('\0') {
            return Err(malformed("an insert holds a NUL"));
        }
        // At most MAX_BATCH_BYTES, so it fits.
        match text.chars().count() as u32 {
            0 => Err(malformed("an insert is empty")),
            chars => Ok(chars),
        }
    }

    /// Reads targets behind those that are there already; which they are.
    fn targets(&mut self) -> Result<Range<usize>, Undecoded> {
        let count = self.uint()?;
        // A target takes at least two bytes: the count is checked before memory is spent on it.
        if count == 0 || count > self.rest.len() as u64 / 2 {
            return Err(malformed("it names no targets, or too many"));
        }
        let first = self.targets.len();
        for _ in 0..count {
            let start = self.id()?.ok_or(TYPE)?;
            let len = u32::try_from(self.uint()?)
                .map_err(|_too_great| malformed("a target is too long"))?;
            let end = start.seq.checked_add(len).filter(|_| len > 0);
            let end = end.ok_or_else(|| malformed("a target is empty or too long"))?;
            self.check_known(Id::new(start.author, end - 1))?;
            self.targets.push(Span { start, len });
        }
        Ok(first..self.targets.len())
    }

    fn id(&mut self) -> Result<Option<Id>, Undecoded> {
        let id = match self.number()? {
            Token::Nil => return Ok(None),
            Token::Uint(back) => {
                let seq = u32::try_from(back).ok().filter(|back| *back > 0);
                let seq = seq.and_then(|back| self.seq.checked_sub(back));
                Id::new(
                    self.me,
                    seq.ok_or_else(|| malformed("an operation names no earlier one"))?,
                )
            }
            Token::Sint(place) => {
                let place = (-1 - place) as usize;
                let log = &self.log[self.me];
                let named = log.dictionary().len();
                let author = match place.checked_sub(named) {
                    None => log.dictionary()[place].0,
                    Some(new) if new < self.dictionary.len() => self.dictionary[new],
                    Some(new) if new == self.dictionary.len() => self.introduced()?,
                    Some(_) => {
                        return Err(malformed("an id is of an author who was not introduced"));
                    }
                };
                let seq = self.uint()?;
                let seq = u32::try_from(seq)
                    .map_err(|_too_great| malformed("a number is out of range"))?;
                Id::new(author, seq)
            }
            Token::Str(_) => return Err(TYPE),
        };
        self.check_known(id)?;
        Ok(Some(id))
    }

    fn introduced(&mut self) -> Result<AuthorIx, Undecoded> {
        let marker = self.marker()?;
        let len = self.bin_len(marker)?;
        let bytes = self.take(len)?;
        let id = AuthorId(
            bytes
                .try_into()
                .map_err(|_length| malformed("an author id is not 16 bytes"))?,
        );
        let Some(author) = self.log.ix(&id) else {
            // An author of whom nothing is here; the number that follows does not matter, since the
            // author's first operation is missing in any case.
            return Err(Undecoded::Missing(OpId { author: id, seq: 0 }));
        };
        let log = &self.log[self.me];
        if author == self.me
            || self.dictionary.contains(&author)
            || log.dictionary().iter().any(|(named, _)| *named == author)
        {
            return Err(malformed("an author is introduced twice"));
        }
        self.dictionary.push(author);
        Ok(author)
    }

    /// Checks that `id` is here already, or comes earlier in this batch.
    fn check_known(&self, id: Id) -> Result<(), Undecoded> {
        if id.author == self.me {
            return if id.seq < self.seq {
                Ok(())
            } else {
                Err(malformed("an operation names no earlier one"))
            };
        }
        if id.seq < self.log[id.author].next() {
            return Ok(());
        }
        Err(Undecoded::Missing(self.log.op_id(id)))
    }

    fn stated(&mut self, stated: bool, default: i64) -> Result<i64, Undecoded> {
        if !stated {
            return Ok(default);
        }
        let value = match self.token()? {
            Token::Uint(value) => {
                i64::try_from(value).map_err(|_too_great| malformed("a value is out of range"))?
            }
            Token::Sint(value) => value,
            _ => return Err(TYPE),
        };
        // Both bounds keep the sums that follow far from overflow.
        if value == default || value.unsigned_abs() > MAX_LAMPORT {
            return Err(if value == default {
                LONG
            } else {
                malformed("a value is out of range")
            });
        }
        Ok(value)
    }

    fn uint(&mut self) -> Result<u64, Undecoded> {
        match self.number()? {
            Token::Uint(value) => Ok(value),
            _ => Err(TYPE),
        }
    }

    /// [`token`](Self::token) for what is mostly a small number.
    #[inline]
    fn number(&mut self) -> Result<Token<'a>, Undecoded> {
        match self.rest {
            [small @ 0..=0x7f, rest @ ..] => {
                self.rest = rest;
                Ok(Token::Uint((*small).into()))
            }
            _ => self.token(),
        }
    }

    fn token(&mut self) -> Result<Token<'a>, Undecoded> {
        let marker = self.marker()?;
        let (value, least) = match marker {
            Marker::Null => return Ok(Token::Nil),
            Marker::FixPos(value) => (value.into(), 0),
            Marker::U8 => (self.big_endian(1)?, 1 << 7),
            Marker::U16 => (self.big_endian(2)?, 1 << 8),
            Marker::U32 => (self.big_endian(4)?, 1 << 16),
            Marker::U64 => (self.big_endian(8)?, 1 << 32),
            Marker::FixNeg(value) => return Ok(Token::Sint(value.into())),
            Marker::I8 => return self.negative(1, -32),
            Marker::I16 => return self.negative(2, -(1 << 7)),
            Marker::I32 => return self.negative(4, -(1 << 15)),
            Marker::I64 => return self.negative(8, -(1 << 31)),
            Marker::FixStr(len) => return self.text(len.into(), 0),
            Marker::Str8 => {
                let len = self.big_endian(1)?;
                return self.text(len, 1 << 5);
            }
            Marker::Str16 => {
                let len = self.big_endian(2)?;
                return self.text(len, 1 << 8);
            }
            Marker::Str32 => {
                let len = self.big_endian(4)?;
                return self.text(len, 1 << 16);
            }
            _ => return Err(TYPE),
        };
        if value < least {
            Err(LONG)
        } else {
            Ok(Token::Uint(value))
        }
    }

    /// A negative integer of `bytes` bytes, which must be below `limit` (or fit in a shorter form).
    fn negative(&mut self, bytes: usize, limit: i64) -> Result<Token<'a>, Undecoded> {
        let unused = 64 - 8 * bytes as u32;
        let value = (self.big_endian(bytes)? << unused).cast_signed() >> unused;
        if value < limit {
            Ok(Token::Sint(value))
        } else {
            Err(LONG)
        }
    }

    fn text(&mut self, len: u64, least: u64) -> Result<Token<'a>, Undecoded> {
        if len < least {
            return Err(LONG);
        }
        let bytes = self.take(len as usize)?;
        std::str::from_utf8(bytes)
            .map(Token::Str)
            .map_err(|_utf8| malformed("text is not UTF-8"))
    }

    fn bin_len(&mut self, marker: Marker) -> Result<usize, Undecoded> {
        let (bytes, least) = match marker {
            Marker::Bin8 => (1, 0),
            Marker::Bin16 => (2, 1 << 8),
            Marker::Bin32 => (4, 1 << 16),
            _ => return Err(TYPE),
        };
        let len = self.big_endian(bytes)?;
        if len < least {
            Err(LONG)
        } else {
            Ok(len as usize)
        }
    }

    fn marker(&mut self) -> Result<Marker, Undecoded> {
        Ok(Marker::from_u8(self.take(1)?[0]))
    }

    fn big_endian(&mut self, bytes: usize) -> Result<u64, Undecoded> {
        Ok(self
            .take(bytes)?
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Undecoded> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(CUT)?;
        self.rest = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Replica, Verdict};
    use super::*;

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
