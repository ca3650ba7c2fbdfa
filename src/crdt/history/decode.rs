//! Reading a history, in two steps.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::id::{AuthorId, AuthorIx, Id};
use super::super::limits::{MAX_AUTHORS, MAX_HISTORY_BYTES, MAX_LAMPORT};
use super::super::op::{BatchInfo, Invalid, Op, Source, Span};
use super::super::replica::{Change, Replica};
use super::column::{Packed, Reader, unzigzag};
use super::{
    AUTHORS, BACKWARDS, BATCHES, COLUMNS, Corrupt, DELETE, ENTRIES, FORWARDS, HEADER, HIDDEN,
    INSERT, MAGIC, NOTE, NOTES, ORIGINS, SHOWN, TARGETS, TURNS, UNDO, VERSION, checksum, near,
};

const OUT_OF_RANGE: Corrupt = Corrupt::Malformed("a number is out of range");
const UNKNOWN: Corrupt = Corrupt::Malformed("an operation names one that does not come before it");
const LEFT_OVER: Corrupt = Corrupt::Malformed("the columns do not fit together");

/// A history that was opened: its text can be shown, the rest is still to be built.
pub struct History {
    shown: String,
    /// The packed columns, all of them.
    columns: Vec<u8>,
}

impl History {
    /// Checks the checksum and unpacks the visible text. O(n), and quick: one pass over the bytes.
    ///
    /// # Errors
    /// If the bytes are not a history that this program can read.
    pub fn open(bytes: &[u8]) -> Result<Self, Corrupt> {
        let (magic, rest) = bytes
            .split_at_checked(MAGIC.len())
            .ok_or(Corrupt::NotAHistory)?;
        if magic != MAGIC {
            return Err(Corrupt::NotAHistory);
        }
        match rest.first() {
            Some(&VERSION) => {}
            Some(version) => return Err(Corrupt::Version(*version)),
            None => return Err(Corrupt::Damaged),
        }
        let columns = bytes.get(HEADER..).ok_or(Corrupt::Damaged)?;
        if checksum(columns) != bytes[HEADER - 16..HEADER] {
            return Err(Corrupt::Damaged);
        }
        let shown = text(split(columns)?[SHOWN].unpack()?)?;
        Ok(Self {
            shown,
            columns: columns.to_vec(),
        })
    }

    /// The visible text.
    pub fn text(&self) -> &str {
        &self.shown
    }

    /// Builds the replica, whose local edits will be `me`'s. O(n log n).
    ///
    /// # Errors
    /// If the history holds what the checks of the module refuse.
    pub fn build(self, me: AuthorId) -> Result<Replica, Corrupt> {
        let packed = split(&self.columns)?;
        let mut raw: [Vec<u8>; COLUMNS] = Default::default();
        for (raw, packed) in raw.iter_mut().zip(packed).skip(HIDDEN) {
            *raw = packed.unpack()?;
        }
        let hidden = text(std::mem::take(&mut raw[HIDDEN]))?;
        let mut replica = Replica::new(me);
        let authors = authors(&raw[AUTHORS], &mut replica)?;
        let mut ends = Vec::with_capacity(authors.len());
        let mut batches = Reader(&raw[BATCHES]);
        for author in &authors {
            ends.push(read_batches(&mut batches, &mut replica, *author)?);
        }
        let mut entries = Entries {
            cursors: authors.iter().map(|author| Id::new(*author, 0)).collect(),
            replica: &mut replica,
            authors: &authors,
            ends: &ends,
            entries: Reader(&raw[ENTRIES]),
            origins: Reader(&raw[ORIGINS]),
            targets: Reader(&raw[TARGETS]),
            notes: Reader(&raw[NOTES]),
            spans: Vec::new(),
            changes: Vec::new(),
            room: self.shown.len() + hidden.len(),
        };
        let mut turns = Reader(&raw[TURNS]);
        while !turns.is_empty() {
            let author = turns.uint()? as usize;
            if author >= authors.len() {
                return Err(OUT_OF_RANGE);
            }
            for _ in 0..turns.uint()? {
                entries.read(author)?;
            }
        }
        let Entries {
            entries,
            origins,
            targets,
            notes,
            ..
        } = entries;
        let whole = [batches, entries, origins, targets, notes]
            .iter()
            .all(Reader::is_empty);
        let ended = |(author, end): (&AuthorIx, &u32)| replica.log[*author].end() == *end;
        if !whole || !authors.iter().zip(&ends).all(ended) {
            return Err(LEFT_OVER);
        }
        replica
            .restore_text(&self.shown, &hidden)
            .ok_or(LEFT_OVER)?;
        Ok(replica)
    }
}

/// The columns, which must be all there is and within the limit together.
fn split(columns: &[u8]) -> Result<[Packed<'_>; COLUMNS], Corrupt> {
    let mut reader = Reader(columns);
    let mut found = [reader.column()?; COLUMNS];
    for column in &mut found[1..] {
        *column = reader.column()?;
    }
    let sum = found
        .iter()
        .fold(0, |sum: usize, column| sum.saturating_add(column.raw()));
    if sum > MAX_HISTORY_BYTES {
        return Err(Corrupt::TooLarge);
    }
    if reader.is_empty() {
        Ok(found)
    } else {
        Err(LEFT_OVER)
    }
}

fn text(bytes: Vec<u8>) -> Result<String, Corrupt> {
    String::from_utf8(bytes).map_err(|_utf8| Corrupt::Malformed("text is not UTF-8"))
}

fn authors(bytes: &[u8], replica: &mut Replica) -> Result<Vec<AuthorIx>, Corrupt> {
    let mut reader = Reader(bytes);
    let count = reader.uint()?;
    let mut authors = Vec::new();
    let mut known = BTreeSet::new();
    for _ in 0..count {
        let mut id = [0; 16];
        id.copy_from_slice(reader.bytes(16)?);
        if authors.len() >= MAX_AUTHORS || !known.insert(id) {
            return Err(Corrupt::Malformed("an author stands there twice"));
        }
        authors.push(replica.restore_author(AuthorId(id))?);
    }
    if reader.is_empty() {
        Ok(authors)
    } else {
        Err(LEFT_OVER)
    }
}

/// Reads the batches of one author into its log; the number after the last operation.
fn read_batches(
    reader: &mut Reader<'_>,
    replica: &mut Replica,
    author: AuthorIx,
) -> Result<u32, Corrupt> {
    let mut widths = Vec::new();
    let mut total: u64 = 0;
    for _ in 0..reader.uint()? {
        let (width, times) = (reader.u32()?, reader.u32()?);
        if width == 0 || times == 0 {
            return Err(OUT_OF_RANGE);
        }
        total += u64::from(times);
        widths.push((width, u64::from(times)));
    }
    let mut odd = || {
        let mut list = Vec::new();
        let mut at = 0;
        for n in 0..reader.uint()? {
            let gap = reader.uint()?;
            let next = u64::checked_add(at, gap).filter(|at| *at < total && (gap > 0 || n == 0));
            at = next.ok_or(OUT_OF_RANGE)?;
            list.push((at, reader.sint()?));
        }
        // From the last to the first, so that the next one can be popped.
        list.push((u64::MAX, 0));
        list.reverse();
        Ok::<_, Corrupt>(list)
    };
    let (mut lamports, mut minutes, mut sources) = (odd()?, odd()?, odd()?);
    let (mut lamport, mut minute, mut source) = (0_u64, 0_u32, Source::Typed);
    let (mut at, mut seq) = (0, 0_u32);
    widths.reverse();
    let due = |list: &mut Vec<(u64, i64)>, at| {
        let is_due = |(position, _): &mut (u64, i64)| *position == at;
        list.pop_if(is_due).map_or(0, |(_, difference)| difference)
    };
    while let Some((width, times)) = widths.last_mut() {
        lamport = (lamport + 1)
            .checked_add_signed(due(&mut lamports, at))
            .filter(|lamport| *lamport <= MAX_LAMPORT)
            .ok_or(OUT_OF_RANGE)?;
        let difference = i32::try_from(due(&mut minutes, at)).ok();
        let next = difference.and_then(|difference| minute.checked_add_signed(difference));
        minute = next.ok_or(OUT_OF_RANGE)?;
        if due(&mut sources, at) != 0 {
            source = match source {
                Source::Typed => Source::Disk,
                Source::Disk => Source::Typed,
            };
        }
        // Until something is not as expected, batches go on alike.
        let next_odd = [&lamports, &minutes, &sources].map(|list| list[list.len() - 1].0);
        let count = next_odd
            .iter()
            .fold(*times, |count, odd| count.min(odd - at));
        let ops = u64::from(*width) * count;
        let end = u64::from(seq) + ops;
        let end = u32::try_from(end).map_err(|_great| Invalid::SeqExhausted)?;
        if lamport + count - 1 > MAX_LAMPORT {
            return Err(OUT_OF_RANGE);
        }
        let first = BatchInfo {
            seq,
            end: seq + *width,
            lamport,
            minutes: minute,
            source,
        };
        replica.restore_batches(author, first, count as u32);
        lamport += count - 1;
        at += count;
        seq = end;
        *times -= count;
        if *times == 0 {
            widths.pop();
        }
    }
    Ok(seq)
}

/// Reads the entries into a replica, one at a time.
struct Entries<'a> {
    replica: &'a mut Replica,
    /// The file's authors.
    authors: &'a [AuthorIx],
    /// Per author of the file, the number after its last operation.
    ends: &'a [u32],
    cursors: Vec<Id>,
    /// Kept from entry to entry for their memory.
    spans: Vec<Span>,
    changes: Vec<Change>,
    /// For how many characters more there can be text: no more than bytes.
    room: usize,
    entries: Reader<'a>,
    origins: Reader<'a>,
    targets: Reader<'a>,
    notes: Reader<'a>,
}

impl Entries<'_> {
    fn read(&mut self, author: usize) -> Result<(), Corrupt> {
        let head = self.entries.uint()?;
        let me = self.authors[author];
        let seq = self.replica.log[me].end();
        let len = u32::try_from(head >> 3).ok();
        let len = len.filter(|len| *len > 0 && *len <= self.ends[author] - seq);
        let len = len.ok_or(OUT_OF_RANGE)?;
        match head & 7 {
            INSERT => return self.insert(author, len),
            kind @ (FORWARDS | BACKWARDS) => {
                let id = self.id(TARGETS, author)?;
                let before = if kind == FORWARDS { 0 } else { len - 1 };
                let start = id.seq.checked_sub(before).ok_or(UNKNOWN)?;
                let start = Id::new(id.author, start);
                self.move_to(author, start, -1);
                let span = Span { start, len };
                self.check(span)?;
                self.replica.restore_keys(me, span, kind == BACKWARDS)?;
                return Ok(());
            }
            _ if len > 1 => return Err(OUT_OF_RANGE),
            _ => {}
        }
        let op = match head & 7 {
            DELETE => Op::Delete {
                targets: self.targets(author)?,
            },
            UNDO => Op::Undo {
                targets: self.targets(author)?,
            },
            NOTE => {
                let len = self.notes.u32()?;
                Op::Note {
                    bytes: self.notes.bytes(len as usize)?,
                }
            }
            _ => return Err(Corrupt::Malformed("an operation is of an unknown kind")),
        };
        self.changes.clear();
        Ok(self
            .replica
            .restore(me, &op, &self.spans, &mut self.changes)?)
    }

    fn insert(&mut self, author: usize, chars: u32) -> Result<(), Corrupt> {
        let room = self.room.checked_sub(chars as usize);
        self.room = room.ok_or(LEFT_OVER)?;
        let left = self.origin(author)?;
        if let Some(left) = left {
            self.move_to(author, left, 0);
        }
        let right = match self.origins.uint()? {
            0 => self.replica.next_character(left),
            1 => self.origin(author)?,
            _ => return Err(OUT_OF_RANGE),
        };
        let me = self.authors[author];
        let id = Id::new(me, self.replica.log[me].end());
        self.move_to(author, id.plus(chars - 1), 0);
        Ok(self.replica.restore_insert(id, left, right, chars)?)
    }

    /// Reads what an act names into `spans`.
    fn targets(&mut self, author: usize) -> Result<Range<usize>, Corrupt> {
        self.spans.clear();
        let count = self.targets.uint()?;
        for _ in 0..count.max(1) {
            let start = self.id(TARGETS, author)?;
            let len = self.targets.u32()?;
            let end = start.seq.checked_add(len).filter(|_| len > 0);
            end.ok_or(OUT_OF_RANGE)?;
            if count == 0 {
                self.check(Span { start, len: 1 })?;
                self.replica
                    .check_characters(Span { start, len: 1 })
                    .ok()
                    .and_then(|()| self.replica.visible_from(start, len, &mut self.spans))
                    .ok_or(UNKNOWN)?;
            } else {
                let span = Span { start, len };
                self.check(span)?;
                self.spans.push(span);
            }
            self.move_to(author, start, len.into());
        }
        self.move_to(author, self.spans[0].start, -1);
        Ok(0..self.spans.len())
    }

    /// Checks that all of a span is here already.
    fn check(&self, span: Span) -> Result<(), Corrupt> {
        let known = self.replica.log[span.start.author].end();
        let last = u64::from(span.start.seq) + u64::from(span.len);
        if last <= known.into() {
            Ok(())
        } else {
            Err(UNKNOWN)
        }
    }

    fn origin(&mut self, author: usize) -> Result<Option<Id>, Corrupt> {
        if self.origins.0.first() == Some(&0) {
            self.origins.bytes(1)?;
            return Ok(None);
        }
        let id = self.id(ORIGINS, author)?;
        let span = Span { start: id, len: 1 };
        self.check(span)?;
        self.replica.check_characters(span)?;
        Ok(Some(id))
    }

    fn id(&mut self, column: usize, author: usize) -> Result<Id, Corrupt> {
        let column = if column == TARGETS {
            &mut self.targets
        } else {
            &mut self.origins
        };
        let cursor = self.cursors[author];
        let token = column.uint()?.checked_sub(1).ok_or(OUT_OF_RANGE)?;
        if token & 1 == 0 {
            let seq = i64::from(cursor.seq).checked_add(unzigzag(token >> 1));
            let seq = seq.and_then(|seq| u32::try_from(seq).ok());
            return Ok(Id::new(cursor.author, seq.ok_or(OUT_OF_RANGE)?));
        }
        let author = self.authors.get((token >> 1) as usize);
        Ok(Id::new(*author.ok_or(OUT_OF_RANGE)?, column.u32()?))
    }

    fn move_to(&mut self, author: usize, id: Id, by: i64) {
        self.cursors[author] = near(id, by);
    }
}
