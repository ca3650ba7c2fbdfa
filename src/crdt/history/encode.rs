//! Writing a history.

use super::super::id::{AuthorId, AuthorIx, Id};
use super::super::log::{ActKind, Entry, InsertRun, Log};
use super::super::op::{BatchInfo, Op, Source, Span};
use super::super::replica::{Change, Replica};
use super::column::{put_column, put_sint, put_uint, zigzag};
use super::{
    AUTHORS, BACKWARDS, BATCHES, COLUMNS, DELETE, ENTRIES, FORWARDS, HEADER, HIDDEN, INSERT, MAGIC,
    NOTE, NOTES, ORIGINS, SHOWN, TARGETS, TURNS, UNDO, VERSION, checksum, near,
};

impl Replica {
    /// Everything that is here, as bytes; batches that wait for their causes are left out.
    /// O(n log n).
    ///
    /// # Panics
    /// If local operations have not been [committed](Self::commit).
    pub fn encode_history(&self) -> Vec<u8> {
        self.check_committed();
        let mut columns = [const { Vec::new() }; COLUMNS];
        for run in self.order.runs() {
            let text = self.log[run.id().author].text(run.id().seq, run.len);
            let column = if run.hides == 0 { SHOWN } else { HIDDEN };
            columns[column].extend_from_slice(text.as_bytes());
        }
        put_uint(&mut columns[AUTHORS], self.log.authors().count() as u64);
        for (_, author) in self.log.authors() {
            columns[AUTHORS].extend_from_slice(&author.id.0);
            put_batches(&mut columns[BATCHES], author.batches());
        }
        let first = self.log[AuthorIx::new(0)].id;
        Entries::new(&self.log, first, &mut columns).write();
        let mut out = Vec::new();
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&[0; 16]);
        columns
            .iter()
            .for_each(|column| put_column(&mut out, column));
        let sum = checksum(&out[HEADER..]);
        out[HEADER - sum.len()..HEADER].copy_from_slice(&sum);
        out
    }
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
    /// What has been written so far, as a reader will have it at that point: what that tells need not
    /// be written.
    reader: Replica,
    /// Per author, the number after the last operation written.
    done: Vec<u32>,
    /// Per author, where it wrote last.
    cursors: Vec<Id>,
    /// Kept from entry to entry for their memory.
    spans: Vec<Span>,
    changes: Vec<Change>,
}

impl<'a> Entries<'a> {
    fn new(log: &'a Log, me: AuthorId, columns: &'a mut [Vec<u8>; COLUMNS]) -> Self {
        let mut reader = Replica::new(me);
        let (mut done, mut cursors) = (Vec::new(), Vec::new());
        for (ix, author) in log.authors() {
            let known = reader.restore_author(author.id);
            debug_assert_eq!(known, Ok(ix));
            for (first, count) in author.batches() {
                reader.restore_batches(ix, first, count);
            }
            done.push(0);
            cursors.push(Id::new(ix, 0));
        }
        Self {
            log,
            columns,
            reader,
            done,
            cursors,
            spans: Vec::new(),
            changes: Vec::new(),
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
        let (kind, len) = match log[author].entry(seq) {
            Some(Entry::Insert(run)) => {
                if ![run.left, run.right]
                    .iter()
                    .flatten()
                    .all(|id| self.is_done(*id))
                {
                    return false;
                }
                self.insert(author, run);
                (INSERT, run.len)
            }
            Some(Entry::Act(ActKind::Delete)) => {
                if let Some((first, step, len)) = log[author].keys(seq) {
                    let nth = |n| Id::new(first.author, first.seq.wrapping_add_signed(step * n));
                    let known = (0..len).take_while(|n| self.is_done(nth(n.cast_signed())));
                    let len = known.count() as u32;
                    if len == 0 {
                        return false;
                    }
                    self.id(TARGETS, author, first);
                    let last = nth(len.cast_signed() - 1);
                    let start = Id::new(last.author, first.seq.min(last.seq));
                    self.move_to(author, start, -1);
                    self.reader
                        .restore_keys(author, Span { start, len }, step < 0)
                        .expect("what is in the log was found valid");
                    (if step > 0 { FORWARDS } else { BACKWARDS }, len)
                } else {
                    if !self.targets(author, seq, false) {
                        return false;
                    }
                    (DELETE, 1)
                }
            }
            Some(Entry::Act(ActKind::Undo(_))) => {
                if !self.targets(author, seq, true) {
                    return false;
                }
                (UNDO, 1)
            }
            Some(Entry::Note(bytes)) => {
                self.reader.log.push_note(author, bytes);
                put_uint(&mut self.columns[NOTES], bytes.len() as u64);
                self.columns[NOTES].extend_from_slice(bytes);
                (NOTE, 1)
            }
            None => unreachable!("a log has no gaps"),
        };
        put_uint(&mut self.columns[ENTRIES], u64::from(len) << 3 | kind);
        self.done[author.index()] += len;
        true
    }

    fn insert(&mut self, author: AuthorIx, run: &InsertRun) {
        match run.left {
            None => put_uint(&mut self.columns[ORIGINS], 0),
            Some(left) => {
                self.id(ORIGINS, author, left);
                self.move_to(author, left, 0);
            }
        }
        if self.reader.next_character(run.left) == run.right {
            put_uint(&mut self.columns[ORIGINS], 0);
        } else {
            put_uint(&mut self.columns[ORIGINS], 1);
            match run.right {
                None => put_uint(&mut self.columns[ORIGINS], 0),
                Some(right) => self.id(ORIGINS, author, right),
            }
        }
        let id = Id::new(author, run.seq);
        self.reader
            .restore_insert(id, run.left, run.right, run.len)
            .expect("what is in the log was found valid");
        self.move_to(author, id.plus(run.len - 1), 0);
    }

    /// Writes what an act names, if all of that is written.
    fn targets(&mut self, author: AuthorIx, seq: u32, undo: bool) -> bool {
        let targets = self.log[author].targets(seq);
        let done = |span: &Span| self.is_done(span.start.plus(span.len - 1));
        if !targets.iter().all(done) {
            return false;
        }
        let first = targets[0].start;
        let len = targets.iter().map(|span| u64::from(span.len)).sum();
        if !undo && self.is_what_shows(&targets, len) {
            put_uint(&mut self.columns[TARGETS], 0);
            self.id(TARGETS, author, first);
            put_uint(&mut self.columns[TARGETS], len);
        } else {
            put_uint(&mut self.columns[TARGETS], targets.len() as u64);
            for span in targets.iter() {
                self.id(TARGETS, author, span.start);
                put_uint(&mut self.columns[TARGETS], span.len.into());
                self.move_to(author, span.start, span.len.into());
            }
        }
        self.move_to(author, first, -1);
        let part = 0..targets.len();
        let op = if undo {
            Op::Undo { targets: part }
        } else {
            Op::Delete { targets: part }
        };
        self.changes.clear();
        self.reader
            .restore(author, &op, &targets, &mut self.changes)
            .expect("what is in the log was found valid");
        true
    }

    /// Whether a delete's targets are all that a reader sees from the first of them on.
    fn is_what_shows(&mut self, targets: &[Span], len: u64) -> bool {
        self.spans.clear();
        let shows = u32::try_from(len).ok().and_then(|len| {
            self.reader
                .visible_from(targets[0].start, len, &mut self.spans)
        });
        shows.is_some() && self.spans == targets
    }

    /// An id that is not `None`: one more than twice its distance from the cursor, plus one if it is
    /// another author's than the cursor; then that author and the number stand for the distance.
    fn id(&mut self, column: usize, author: AuthorIx, id: Id) {
        let cursor = self.cursors[author.index()];
        let column = &mut self.columns[column];
        if id.author == cursor.author {
            let distance = i64::from(id.seq) - i64::from(cursor.seq);
            put_uint(column, 1 + 2 * zigzag(distance));
        } else {
            put_uint(column, 2 + 2 * id.author.index() as u64);
            put_uint(column, id.seq.into());
        }
    }

    fn move_to(&mut self, author: AuthorIx, id: Id, by: i64) {
        self.cursors[author.index()] = near(id, by);
    }

    fn is_done(&self, id: Id) -> bool {
        id.seq < self.done[id.author.index()]
    }
}
