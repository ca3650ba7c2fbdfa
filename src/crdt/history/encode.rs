//! Writing a history.

use super::super::id::{AuthorIx, Id};
use super::super::log::{ActKind, Entry, InsertRun, Log};
use super::super::op::{BatchInfo, Source, Span};
use super::super::replica::Replica;
use super::super::restore::{Atoms, Right, cuts};
use super::column::{MAX_RATIO, put_column, put_packed, put_sint, put_uint, zigzag};
use super::repeats::fold;
use super::{
    AUTHORS, BACKWARDS, BATCHES, COLUMNS, COPIES, DELETE, ENTRIES, FORWARDS, HEADER, HIDDEN,
    INSERT, MAGIC, NOTE, NOTES, ORIGINS, SHOWN, STRETCH, TARGETS, THROUGH, TURNS, UNDO, VERSION,
    checksum, near,
};

/// Columns that are shorter are not worth the time to unpack them. (A guess.)
const WORTH: usize = 128;

impl Replica {
    /// Everything that is here, as bytes; batches that wait for their causes are left out.
    /// O(n log n).
    ///
    /// # Panics
    /// If local operations have not been [committed](Self::commit).
    pub fn encode_history(&self) -> Vec<u8> {
        self.check_committed();
        self.encode_columns([const { Vec::new() }; COLUMNS])
    }

    /// [`encode_history`](Self::encode_history), behind what the columns hold already.
    fn encode_columns(&self, mut columns: [Vec<u8>; COLUMNS]) -> Vec<u8> {
        let mut hidden = std::mem::take(&mut columns[HIDDEN]);
        let text = &mut columns[SHOWN];
        let characters = |id: Id, len| self.log[id.author].text(id.seq, len).as_bytes();
        let mut runs = Vec::new();
        for run in self.order.runs() {
            if run.hides == 0 {
                text.extend_from_slice(characters(run.id(), run.len));
            } else {
                runs.push((run.id(), run.len));
            }
        }
        runs.sort_unstable();
        for (id, len) in runs {
            hidden.extend_from_slice(characters(id, len));
        }
        let from = text.len();
        text.extend_from_slice(&hidden);
        (columns[HIDDEN], columns[COPIES]) = fold(text, from);
        columns[SHOWN].truncate(from);
        put_uint(&mut columns[AUTHORS], self.log.authors().count() as u64);
        for (_, author) in self.log.authors() {
            columns[AUTHORS].extend_from_slice(&author.id.0);
            put_batches(&mut columns[BATCHES], author.batches());
        }
        Entries::new(&self.log, &mut columns).write();
        let out = write(&columns);
        // More than a reader trusts: the same text over and over.
        let most = (out.len() - HEADER).saturating_mul(MAX_RATIO);
        if from + hidden.len() <= most {
            return out;
        }
        columns[COPIES].clear();
        put_uint(&mut columns[COPIES], hidden.len() as u64);
        columns[HIDDEN] = hidden;
        write(&columns)
    }
}

/// The columns as one.
fn write(columns: &[Vec<u8>; COLUMNS]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(MAGIC);
    out.push(VERSION);
    out.extend_from_slice(&[0; 16]);
    for (n, column) in columns.iter().enumerate() {
        match n {
            // Numbers that hardly repeat: unpacking them would take as long as reading them.
            COPIES | ENTRIES | ORIGINS | TARGETS => put_column(&mut out, column),
            _ if column.len() < WORTH => put_column(&mut out, column),
            _ => put_packed(&mut out, column),
        }
    }
    let sum = checksum(&out[HEADER..]);
    out[HEADER - sum.len()..HEADER].copy_from_slice(&sum);
    out
}

/// One author's batches: widths as they repeat, of the rest what is not as expected.
fn put_batches(out: &mut Vec<u8>, batches: impl Iterator<Item = (BatchInfo, u32)>) {
    let mut widths: Vec<(u32, u64)> = Vec::new();
    let (mut lamports, mut minutes, mut sources) = Default::default();
    let (mut lamport, mut minute, mut source) = (0, 0, Source::Typed);
    let mut at = 0;
    for (first, count) in batches {
        let width = first.end - first.seq;
        match widths.last_mut() {
            Some((last, times)) if *last == width => *times += u64::from(count),
            _ => widths.push((width, count.into())),
        }
        let expect = |odd: &mut Vec<(u64, i64)>, difference| {
            if difference != 0 {
                odd.push((at, difference));
            }
        };
        let next = first.lamport.cast_signed();
        expect(&mut lamports, next - (lamport + 1));
        expect(&mut minutes, i64::from(first.minutes) - minute);
        expect(&mut sources, i64::from(first.source != source));
        lamport = next + i64::from(count) - 1;
        minute = first.minutes.into();
        source = first.source;
        at += u64::from(count);
    }
    put_uint(out, widths.len() as u64);
    for (width, times) in widths {
        put_uint(out, width.into());
        put_uint(out, times);
    }
    for odd in [lamports, minutes, sources] {
        put_uint(out, odd.len() as u64);
        let mut before = 0;
        for (at, difference) in odd {
            put_uint(out, at - before);
            put_sint(out, difference);
            before = at;
        }
    }
}

/// Writes all entries in an order in which causes come first.
struct Entries<'a> {
    log: &'a Log,
    columns: &'a mut [Vec<u8>; COLUMNS],
    /// What a reader will have of what has been written so far: what that tells need not be written.
    sketch: Atoms,
    /// Per author, the number after the last operation written.
    done: Vec<u32>,
    /// Per author, where it wrote last.
    cursors: Vec<Id>,
    /// Kept from entry to entry for its memory.
    found: Vec<Span>,
}

impl<'a> Entries<'a> {
    fn new(log: &'a Log, columns: &'a mut [Vec<u8>; COLUMNS]) -> Self {
        let authors: Vec<AuthorIx> = log.authors().map(|(ix, _)| ix).collect();
        Self {
            log,
            columns,
            sketch: Atoms::new(log, cuts(log)),
            done: vec![0; authors.len()],
            cursors: authors.into_iter().map(|ix| Id::new(ix, 0)).collect(),
            found: Vec::new(),
        }
    }

    fn write(mut self) {
        loop {
            let mut stuck = true;
            for (author, log) in self.log.authors() {
                let mut count = 0;
                while self.done[author.index()] < log.next() && self.entry(author) {
                    count += 1;
                }
                if count > 0 {
                    put_uint(&mut self.columns[TURNS], author.index() as u64);
                    put_uint(&mut self.columns[TURNS], count);
                    stuck = false;
                }
            }
            if stuck {
                break;
            }
        }
        let whole = |(author, done): (usize, &u32)| *done == self.log[AuthorIx::new(author)].next();
        assert!(
            self.done.iter().enumerate().all(whole),
            "the log holds the causes of all that it holds"
        );
    }

    /// Writes `author`'s next entry, if all its causes are written.
    fn entry(&mut self, author: AuthorIx) -> bool {
        let log = self.log;
        let seq = self.done[author.index()];
        // How many operations it is, of what kind, and the number that says more.
        let (width, kind, number) = match log[author].entry(seq) {
            Some(Entry::Insert(run)) => {
                let origins = [run.left, run.right];
                if !origins.iter().flatten().all(|id| self.is_done(*id)) {
                    return false;
                }
                self.insert(author, run);
                (run.len, INSERT, run.len)
            }
            Some(Entry::Act(ActKind::Delete)) => {
                let written = match log[author].keys(seq) {
                    Some(keys) => self.keys(author, keys),
                    None => self.delete(author, seq),
                };
                let Some(written) = written else {
                    return false;
                };
                written
            }
            Some(Entry::Act(ActKind::Undo(_))) => {
                let targets = log[author].targets(seq);
                if !self.are_done(&targets) {
                    return false;
                }
                self.targets(author, &targets);
                (1, UNDO, 1)
            }
            Some(Entry::Note(bytes)) => {
                put_uint(&mut self.columns[NOTES], bytes.len() as u64);
                self.columns[NOTES].extend_from_slice(bytes);
                (1, NOTE, 1)
            }
            None => unreachable!("a log has no gaps"),
        };
        put_uint(&mut self.columns[ENTRIES], u64::from(number) << 3 | kind);
        self.done[author.index()] += width;
        true
    }

    fn insert(&mut self, author: AuthorIx, run: &InsertRun) {
        let is_said = u64::from(self.sketch.next(run.left) != run.right);
        self.origin(author, run.left, is_said);
        if let Some(left) = run.left {
            self.move_to(author, left, 0);
        }
        if is_said == 1 {
            self.origin(author, run.right, 0);
        }
        let taken = self.sketch.insert(author, run.left, Right::Is(run.right));
        debug_assert!(taken.is_some(), "origins are characters");
        let id = Id::new(author, run.seq);
        self.move_to(author, id.plus(run.len - 1), 0);
    }

    /// Writes deletes of one character each, as many as name what is written.
    fn keys(
        &mut self,
        author: AuthorIx,
        (first, step, len): (Id, i32, u32),
    ) -> Option<(u32, u64, u32)> {
        let nth = |n| Id::new(first.author, first.seq.wrapping_add_signed(step * n));
        let known = (0..len).take_while(|n| self.is_done(nth(n.cast_signed())));
        let len = known.count() as u32;
        let last = nth(len.checked_sub(1)?.cast_signed());
        self.id(author, first);
        let start = Id::new(last.author, first.seq.min(last.seq));
        self.hide(Span { start, len });
        self.move_to(author, start, -1);
        Some((len, if step > 0 { FORWARDS } else { BACKWARDS }, len))
    }

    /// Writes any other delete, if what it names is written.
    fn delete(&mut self, author: AuthorIx, seq: u32) -> Option<(u32, u64, u32)> {
        let targets = self.log[author].targets(seq);
        if !self.are_done(&targets) {
            return None;
        }
        let (first, last) = (targets.first()?, targets.last()?);
        let (kind, number) = if targets.len() == 1 {
            self.id(author, first.start);
            self.move_to(author, first.start, -1);
            (STRETCH, first.len)
        } else if self.sketch.shows_as(&targets, &mut self.found) {
            self.id(author, first.start);
            self.move_to(author, first.start, 0);
            self.id(author, last.start.plus(last.len - 1));
            self.move_to(author, first.start, -1);
            (THROUGH, 1)
        } else {
            self.targets(author, &targets);
            (DELETE, 1)
        };
        targets.iter().for_each(|span| self.hide(*span));
        Some((1, kind, number))
    }

    fn hide(&mut self, span: Span) {
        let hidden = self.sketch.hide(span);
        debug_assert!(hidden.is_some(), "targets of deletes are characters");
    }

    /// Writes each stretch that an act names.
    fn targets(&mut self, author: AuthorIx, targets: &[Span]) {
        put_uint(&mut self.columns[TARGETS], targets.len() as u64);
        for span in targets {
            self.id(author, span.start);
            put_uint(&mut self.columns[TARGETS], span.len.into());
            self.move_to(author, span.start, span.len.into());
        }
        self.move_to(author, targets[0].start, -1);
    }

    /// An origin: twice what [`id`](Self::id) writes, 0 for `None`, plus a bit of the caller's.
    fn origin(&mut self, author: AuthorIx, origin: Option<Id>, bit: u64) {
        let (token, seq) = origin.map_or((0, None), |id| self.token(author, id));
        let column = &mut self.columns[ORIGINS];
        put_uint(column, 2 * token + bit);
        if let Some(seq) = seq {
            put_uint(column, seq.into());
        }
    }

    /// An id in the column of targets.
    fn id(&mut self, author: AuthorIx, id: Id) {
        let (token, seq) = self.token(author, id);
        let column = &mut self.columns[TARGETS];
        put_uint(column, token);
        if let Some(seq) = seq {
            put_uint(column, seq.into());
        }
    }

    /// One more than twice an id's distance from the cursor, plus one if it is another author's than the
    /// cursor; then that author and the number stand for the distance.
    fn token(&self, author: AuthorIx, id: Id) -> (u64, Option<u32>) {
        let cursor = self.cursors[author.index()];
        if id.author == cursor.author {
            let distance = i64::from(id.seq) - i64::from(cursor.seq);
            (1 + 2 * zigzag(distance), None)
        } else {
            (2 + 2 * id.author.index() as u64, Some(id.seq))
        }
    }

    fn move_to(&mut self, author: AuthorIx, id: Id, by: i64) {
        self.cursors[author.index()] = near(id, by);
    }

    fn are_done(&self, spans: &[Span]) -> bool {
        let done = |span: &Span| self.is_done(span.start.plus(span.len - 1));
        spans.iter().all(done)
    }

    fn is_done(&self, id: Id) -> bool {
        id.seq < self.done[id.author.index()]
    }
}

#[cfg(test)]
impl Replica {
    /// A history in which there is more hidden text than characters in the order; for inserts that were forged.
    pub(crate) fn forge_history(&self, hidden: &str) -> Vec<u8> {
        let mut columns = [const { Vec::new() }; COLUMNS];
        columns[HIDDEN].extend_from_slice(hidden.as_bytes());
        self.encode_columns(columns)
    }
}
