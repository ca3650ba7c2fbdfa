//! Reading any batch, and saying what is wrong with it.

use std::ops::Range;

use rmp::Marker;

use super::super::id::{AuthorId, AuthorIx, Id, OpId};
use super::super::limits::{MAX_BATCH_BYTES, MAX_LAMPORT};
use super::super::log::Log;
use super::super::op::{BatchInfo, Inserted, Invalid, Op, Source, Span};
use super::{DELETE, FROM_DISK, HAS_LAMPORT, HAS_MINUTES, INSERT, NOTE, UNDO, VERSION};

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
