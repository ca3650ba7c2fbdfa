//! Reading a history, in two steps.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use super::super::id::{AuthorId, AuthorIx, Id};
use super::super::limits::{MAX_AUTHORS, MAX_HISTORY_BYTES, MAX_LAMPORT, MAX_OPERATIONS};
use super::super::log::ActKind;
use super::super::op::{BatchInfo, Invalid, Source, Span, check_disjoint};
use super::super::replica::Replica;
use super::super::restore::{Atoms, Cuts, Right};
use super::column::{MAX_RATIO, Packed, Reader, unzigzag};
use super::repeats::unfold;
use super::{
    AUTHORS, BACKWARDS, BATCHES, COLUMNS, COPIES, Corrupt, DELETE, ENTRIES, FORWARDS, HEADER,
    HIDDEN, INSERT, MAGIC, NOTE, NOTES, ORIGINS, SHOWN, STRETCH, TARGETS, THROUGH, TURNS, UNDO,
    VERSION, checksum, near,
};

const OUT_OF_RANGE: Corrupt = Corrupt::Malformed("a number is out of range");
const UNKNOWN: Corrupt = Corrupt::Malformed("an operation names one that does not come before it");
const NO_CHARACTER: Corrupt = Corrupt::Invalid(Invalid::NotACharacter);
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
        let shown = text(split(columns)?[SHOWN].unpack()?.into_owned())?;
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
        let mut raw: [Cow<'_, [u8]>; COLUMNS] = [const { Cow::Borrowed(&[]) }; COLUMNS];
        for (raw, packed) in raw.iter_mut().zip(packed).skip(HIDDEN) {
            *raw = packed.unpack()?;
        }
        // As with packed columns, no more than some packed bytes can promise.
        let most = self.columns.len().saturating_mul(MAX_RATIO);
        let mut all = self.shown.into_bytes();
        let shown = all.len();
        unfold(
            &mut all,
            &raw[HIDDEN],
            &raw[COPIES],
            most.min(MAX_HISTORY_BYTES),
        )?;
        let all = text(all)?;
        let (shown, hidden) = all.split_at(shown);
        let mut replica = Replica::new(me);
        let authors = authors(&raw[AUTHORS], &mut replica)?;
        let mut ends = Vec::with_capacity(authors.len());
        let mut batches = Reader(&raw[BATCHES]);
        for author in &authors {
            ends.push(read_batches(&mut batches, &mut replica, *author)?);
        }
        let mut entries = Entries::new(&mut replica, &authors, &ends, &raw)?;
        entries.room = all.len();
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
        if !batches.is_empty() || !entries.is_whole() {
            return Err(LEFT_OVER);
        }
        let Entries {
            steps, spans, cuts, ..
        } = entries;
        let mut atoms = Atoms::new(replica.log(), cuts);
        let undos = take_in(&mut replica, &mut atoms, &steps, &spans, &raw[NOTES])?;
        replica.restore_order(&mut atoms, &undos)?;
        replica
            .restore_text(&atoms, &authors, shown, hidden)
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
    let count = reader.uint()?;
    // Each takes two bytes or more.
    let mut widths = Vec::with_capacity((reader.0.len() / 2).min(count as usize));
    let mut total: u64 = 0;
    for _ in 0..count {
        let (width, times) = (reader.u32()?, reader.u32()?);
        if width == 0 || times == 0 {
            return Err(OUT_OF_RANGE);
        }
        total += u64::from(times);
        widths.push((width, u64::from(times)));
    }
    let mut odd = || {
        let count = reader.uint()?;
        let mut list = Vec::with_capacity((reader.0.len() / 2).min(count as usize));
        let mut at = 0;
        for n in 0..count {
            let gap = reader.uint()?;
            let next = u64::checked_add(at, gap).filter(|at| *at < total && (gap > 0 || n == 0));
            at = next.ok_or(OUT_OF_RANGE)?;
            list.push((at, reader.sint()?));
        }
        // From the last to the first, so that the next one can be popped.
        list.reverse();
        Ok::<_, Corrupt>(list)
    };
    let (mut lamports, mut minutes, mut sources) = (odd()?, odd()?, odd()?);
    let (mut lamport, mut minute, mut source) = (0_u64, 0_u32, Source::Typed);
    let (mut at, mut seq) = (0, 0_u32);
    // The first batch from here on of which something is not as expected.
    let mut next_odd = 0;
    let odd = lamports.len() + minutes.len() + sources.len();
    replica.log.reserve_batches(author, widths.len() + odd);
    for (width, mut times) in widths {
        while times > 0 {
            lamport += 1;
            if at == next_odd {
                let due = |list: &mut Vec<(u64, i64)>| {
                    let is_due = |(position, _): &mut (u64, i64)| *position == at;
                    list.pop_if(is_due).map_or(0, |(_, difference)| difference)
                };
                let next = lamport.checked_add_signed(due(&mut lamports));
                lamport = next.ok_or(OUT_OF_RANGE)?;
                let difference = i32::try_from(due(&mut minutes)).ok();
                let next = difference.and_then(|difference| minute.checked_add_signed(difference));
                minute = next.ok_or(OUT_OF_RANGE)?;
                if due(&mut sources) != 0 {
                    source = match source {
                        Source::Typed => Source::Disk,
                        Source::Disk => Source::Typed,
                    };
                }
                let lists = [&lamports, &minutes, &sources];
                let positions = lists.map(|list| list.last().map_or(u64::MAX, |(at, _)| *at));
                next_odd = positions.into_iter().fold(u64::MAX, u64::min);
            }
            // Until then, batches go on alike.
            let count = times.min(next_odd - at);
            let end = u64::from(seq) + u64::from(width) * count;
            let end = u32::try_from(end).map_err(|_great| Invalid::SeqExhausted)?;
            if lamport + (count - 1) > MAX_LAMPORT {
                return Err(OUT_OF_RANGE);
            }
            let first = BatchInfo {
                seq,
                end: seq + width,
                lamport,
                minutes: minute,
                source,
            };
            replica.restore_batches(author, first, count as u32);
            lamport += count - 1;
            at += count;
            seq = end;
            times -= count;
        }
    }
    replica.restore_version(author);
    Ok(seq)
}

/// An entry as it was read.
struct Step {
    author: AuthorIx,
    what: What,
}

enum What {
    /// The author's next insert entry, which has been announced to the log.
    Insert(Right),
    /// Deletes of one character each.
    Keys {
        span: Span,
        backwards: bool,
    },
    /// A delete of one stretch.
    Stretch(Span),
    /// A delete of what shows from the one character to the other.
    Through(Id, Id),
    /// A delete or undo of this part of a list of stretches.
    Delete(Range<u32>),
    Undo(Range<u32>),
    /// This part of the column of notes.
    Note(Range<u32>),
}

/// Reads the entries, one at a time, and notes where they cut the characters.
struct Entries<'r, 'a> {
    replica: &'r mut Replica,
    /// The file's authors.
    authors: &'a [AuthorIx],
    /// Per author of the file, the number after its last operation.
    ends: &'a [u32],
    /// Per author of the file, where it wrote last.
    cursors: Vec<Id>,
    /// Per author of the replica, the number after the last operation read.
    done: Vec<u32>,
    /// Per author of the replica.
    cuts: Vec<Cuts>,
    steps: Vec<Step>,
    spans: Vec<Span>,
    /// For how many characters more there can be text: no more than bytes.
    room: usize,
    entries: Reader<'a>,
    origins: Reader<'a>,
    targets: Reader<'a>,
    notes: Reader<'a>,
    notes_len: usize,
}

impl<'r, 'a> Entries<'r, 'a> {
    fn new(
        replica: &'r mut Replica,
        authors: &'a [AuthorIx],
        ends: &'a [u32],
        raw: &'a [Cow<'_, [u8]>; COLUMNS],
    ) -> Result<Self, Corrupt> {
        let count = replica.log().authors().count();
        let sum: u64 = ends.iter().map(|end| u64::from(*end)).sum();
        if sum > MAX_OPERATIONS {
            return Err(Corrupt::TooLarge);
        }
        let mut cuts: Vec<Cuts> = (0..count).map(|_| Cuts::default()).collect();
        let (entries, inserts) = count_entries(&raw[ENTRIES]);
        for (author, end) in authors.iter().zip(ends) {
            cuts[author.index()] = Cuts::with_room(*end);
            let inserts = inserts.div_ceil(authors.len());
            replica.log.reserve_inserts(*author, inserts);
        }
        Ok(Self {
            replica,
            authors,
            ends,
            cursors: authors.iter().map(|author| Id::new(*author, 0)).collect(),
            done: vec![0; count],
            cuts,
            steps: Vec::with_capacity(entries),
            spans: Vec::new(),
            room: 0,
            entries: Reader(&raw[ENTRIES]),
            origins: Reader(&raw[ORIGINS]),
            targets: Reader(&raw[TARGETS]),
            notes: Reader(&raw[NOTES]),
            notes_len: raw[NOTES].len(),
        })
    }

    /// Whether everything has been read.
    fn is_whole(&self) -> bool {
        let columns = [&self.entries, &self.origins, &self.targets, &self.notes];
        let mut authors = self.authors.iter().zip(self.ends);
        columns.into_iter().all(Reader::is_empty)
            && authors.all(|(author, end)| self.done[author.index()] == *end)
    }

    fn read(&mut self, author: usize) -> Result<(), Corrupt> {
        let head = self.entries.uint()?;
        let me = self.authors[author];
        let id = Id::new(me, self.done[me.index()]);
        let (kind, number) = (head & 7, head >> 3);
        // How many operations it is.
        let width = match kind {
            INSERT | FORWARDS | BACKWARDS => number,
            _ => 1,
        };
        let width = u32::try_from(width).ok();
        let width = width.filter(|width| *width > 0 && *width <= self.ends[author] - id.seq);
        let width = width.ok_or(OUT_OF_RANGE)?;
        let what = match kind {
            INSERT => What::Insert(self.insert(author, id, width)?),
            FORWARDS | BACKWARDS => {
                let first = self.id(author)?;
                let backwards = kind == BACKWARDS;
                let before = if backwards { width - 1 } else { 0 };
                let start = first.seq.checked_sub(before).ok_or(UNKNOWN)?;
                let start = Id::new(first.author, start);
                let span = self.cut_at(Span { start, len: width })?;
                self.move_to(author, start, -1);
                What::Keys { span, backwards }
            }
            STRETCH => {
                let start = self.id(author)?;
                let len = u32::try_from(number).ok().filter(|len| *len > 0);
                let len = len.ok_or(OUT_OF_RANGE)?;
                let span = self.cut_at(Span { start, len })?;
                self.move_to(author, start, -1);
                What::Stretch(span)
            }
            _ if number != 1 => return Err(OUT_OF_RANGE),
            THROUGH => {
                let first = self.id(author)?;
                self.move_to(author, first, 0);
                let last = self.id(author)?;
                self.check(first)?;
                self.check(last)?;
                self.cut(first, 0);
                self.cut(last, 1);
                self.move_to(author, first, -1);
                What::Through(first, last)
            }
            DELETE => What::Delete(self.targets(author)?),
            UNDO => What::Undo(self.targets(author)?),
            NOTE => {
                let len = self.notes.u32()?;
                let start = self.notes_len - self.notes.0.len();
                self.notes.bytes(len as usize)?;
                // There are no more bytes than fit in 32 bits.
                What::Note(start as u32..start as u32 + len)
            }
            _ => unreachable!("three bits"),
        };
        self.done[me.index()] += width;
        self.steps.push(Step { author: me, what });
        Ok(())
    }

    fn insert(&mut self, author: usize, id: Id, chars: u32) -> Result<Right, Corrupt> {
        let room = self.room.checked_sub(chars as usize);
        self.room = room.ok_or(LEFT_OVER)?;
        let (left, is_said) = self.origin(author)?;
        if let Some(left) = left {
            self.cut(left, 1);
            self.move_to(author, left, 0);
        }
        let right = if is_said {
            Right::Is(self.origin(author)?.0)
        } else {
            Right::Next
        };
        if let Right::Is(Some(right)) = right {
            self.cut(right, 0);
        }
        self.cut(id, 0);
        self.move_to(author, id.plus(chars - 1), 0);
        let log = &mut self.replica.log;
        log.announce_run(id.author, id.seq, left, chars);
        Ok(right)
    }

    /// Reads what an act names into `spans`.
    fn targets(&mut self, author: usize) -> Result<Range<u32>, Corrupt> {
        let before = self.spans.len();
        for _ in 0..self.targets.uint()? {
            let start = self.id(author)?;
            let len = self.targets.u32()?;
            let span = Span { start, len };
            if len == 0 {
                return Err(OUT_OF_RANGE);
            }
            self.cut_at(span)?;
            self.spans.push(span);
            self.move_to(author, start, len.into());
        }
        let first = self.spans.get(before).ok_or(OUT_OF_RANGE)?.start;
        self.move_to(author, first, -1);
        let end = u32::try_from(self.spans.len()).map_err(|_great| Corrupt::TooLarge)?;
        Ok(before as u32..end)
    }

    /// Checks that all of a span is read already, and cuts at both its ends.
    #[inline(always)]
    fn cut_at(&mut self, span: Span) -> Result<Span, Corrupt> {
        let last = u64::from(span.start.seq) + u64::from(span.len);
        if last > self.done[span.start.author.index()].into() {
            return Err(UNKNOWN);
        }
        self.cut(span.start, 0);
        self.cut(span.start, span.len);
        Ok(span)
    }

    /// Cuts in front of the character `by` numbers behind `id`, which is read already.
    #[inline]
    fn cut(&mut self, id: Id, by: u32) {
        self.cuts[id.author.index()].set(id.seq + by);
    }

    /// An origin, and the bit beside it.
    #[inline(always)]
    fn origin(&mut self, author: usize) -> Result<(Option<Id>, bool), Corrupt> {
        let token = self.origins.uint()?;
        let bit = token & 1 == 1;
        let Some(token) = (token >> 1).checked_sub(1) else {
            return Ok((None, bit));
        };
        let id = resolve(token, self.cursors[author], self.authors, &mut self.origins)?;
        self.check(id)?;
        Ok((Some(id), bit))
    }

    /// Checks that an operation is read already.
    fn check(&self, id: Id) -> Result<(), Corrupt> {
        if id.seq < self.done[id.author.index()] {
            Ok(())
        } else {
            Err(UNKNOWN)
        }
    }

    /// An id in the column of targets.
    #[inline(always)]
    fn id(&mut self, author: usize) -> Result<Id, Corrupt> {
        let token = self.targets.uint()?.checked_sub(1).ok_or(OUT_OF_RANGE)?;
        resolve(token, self.cursors[author], self.authors, &mut self.targets)
    }

    fn move_to(&mut self, author: usize, id: Id, by: i64) {
        self.cursors[author] = near(id, by);
    }
}

/// How many entries there are, and how many of them are inserts, for memory to be taken at once; a million at most.
fn count_entries(column: &[u8]) -> (usize, usize) {
    let (mut entries, mut inserts, mut begins) = (0, 0, true);
    for byte in &column[..column.len().min(1 << 20)] {
        inserts += usize::from(begins & (u64::from(*byte) & 7 == INSERT));
        begins = *byte < 0x80;
        entries += usize::from(begins);
    }
    (entries, inserts)
}

/// The id that a token stands for, less one, and perhaps the number behind it in its column.
#[inline(always)]
fn resolve(
    token: u64,
    cursor: Id,
    authors: &[AuthorIx],
    column: &mut Reader<'_>,
) -> Result<Id, Corrupt> {
    if token & 1 == 0 {
        let seq = i64::from(cursor.seq).checked_add(unzigzag(token >> 1));
        let seq = seq.and_then(|seq| u32::try_from(seq).ok());
        return Ok(Id::new(cursor.author, seq.ok_or(OUT_OF_RANGE)?));
    }
    let author = authors.get((token >> 1) as usize);
    Ok(Id::new(*author.ok_or(OUT_OF_RANGE)?, column.u32()?))
}

/// Takes the operations into the log and the sketch, in the order in which they were read; the undos
/// among them.
fn take_in(
    replica: &mut Replica,
    atoms: &mut Atoms,
    steps: &[Step],
    spans: &[Span],
    notes: &[u8],
) -> Result<Vec<Id>, Corrupt> {
    let mut undos = Vec::new();
    let mut inserts = vec![0; replica.log().authors().count()];
    let mut found = Vec::new();
    let mut acts = vec![0; inserts.len()];
    for Step { author, what } in steps {
        acts[author.index()] += usize::from(!matches!(what, What::Insert(_)));
    }
    replica.log.reserve_acts(&acts);
    for Step { author, what } in steps {
        let author = *author;
        match what {
            What::Insert(right) => {
                let n = &mut inserts[author.index()];
                let left = replica.log[author].insert_runs()[*n].left;
                let right = atoms.insert(author, left, *right).ok_or(NO_CHARACTER)?;
                let completed = replica.log.complete_run(author, *n, right);
                completed.ok_or(Corrupt::Malformed("an insert is cut in two"))?;
                *n += 1;
            }
            What::Keys { span, backwards } => {
                atoms.hide(*span).ok_or(NO_CHARACTER)?;
                replica.log.push_keys(author, *span, *backwards);
            }
            What::Stretch(span) => {
                atoms.hide(*span).ok_or(NO_CHARACTER)?;
                replica.log.push_act(author, ActKind::Delete, &[*span]);
            }
            What::Through(first, last) => {
                found.clear();
                atoms
                    .hide_through(*first, *last, &mut found)
                    .ok_or(UNKNOWN)?;
                replica.log.push_act(author, ActKind::Delete, &found);
            }
            What::Delete(part) => {
                let targets = &spans[part.start as usize..part.end as usize];
                check_disjoint(targets)?;
                for span in targets {
                    atoms.hide(*span).ok_or(NO_CHARACTER)?;
                }
                replica.log.push_act(author, ActKind::Delete, targets);
            }
            What::Undo(part) => {
                let targets = &spans[part.start as usize..part.end as usize];
                let kind = ActKind::Undo(replica.check_undo(targets)?);
                let seq = replica.log.push_act(author, kind, targets);
                undos.push(Id::new(author, seq));
            }
            What::Note(part) => {
                let bytes = &notes[part.start as usize..part.end as usize];
                replica.log.push_note(author, bytes);
            }
        }
    }
    Ok(undos)
}
