//! The authors' logs: every operation ever taken, in columns.
//!
//! There is one log in a member. It is what the order tree asks for origins and stamps, what
//! catching up reads, and the mesh's send queue. It keeps operations, not bytes: inserts that continue
//! each other are one entry, whatever batches they came in; a batch is encoded again, as it was.
//!
//! Invariants, per author (checked by [`Log::check_invariants`]):
//! - L1: the entries of all columns together cover the numbers `0..end`, each once.
//! - L2: the batch table covers `0..next` without gaps, and `next <= end`; they differ only while a
//!   batch is being made or applied.
//! - L3: of two insert entries that follow each other in number, the second does not continue the
//!   first (it would have been joined to it).
//!
//! Not here: what is visible, and where (that is the order tree).

mod act;
mod check;
mod close;
mod count;
mod drop;
mod hints;
mod notes;
mod restore;
pub mod steps;

use std::collections::BTreeMap;

use super::id::{AuthorId, AuthorIx, Id, OpId};
use super::limits::MAX_AUTHORS;
use super::op::{BatchInfo, Invalid, Source, Span};
use super::text::AppendText;
use super::version::Version;
pub(crate) use act::{ActKind, Targets};
use act::{ActRun, Names};
pub use notes::Noted;

/// Characters whose left origin is the one before, and which share a right origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InsertRun {
    pub(crate) seq: u32,
    pub(crate) len: u32,
    /// Left origin of the first character.
    pub(crate) left: Option<Id>,
    pub(crate) right: Option<Id>,
    /// Number of the first character among the author's characters.
    chars: u32,
}

struct Note {
    seq: u32,
    bytes: Box<[u8]>,
}

/// Batches of equal width whose Lamport values rise by one.
#[derive(Clone, Copy, Debug)]
struct BatchRun {
    seq: u32,
    width: u32,
    count: u32,
    lamport: u64,
    minutes: u32,
    source: Source,
}

impl BatchRun {
    const fn end(&self) -> u32 {
        self.seq + self.width * self.count
    }

    const fn nth(&self, n: u32) -> BatchInfo {
        BatchInfo {
            seq: self.seq + n * self.width,
            end: self.seq + (n + 1) * self.width,
            lamport: self.lamport + n as u64,
            minutes: self.minutes,
            source: self.source,
        }
    }
}

/// What one number of an author's log is.
pub(crate) enum Entry<'a> {
    /// A character of this run.
    Insert(&'a InsertRun),
    /// A delete or undo.
    Act(ActKind),
    /// A note's bytes.
    Note(&'a [u8]),
}

/// One author's operations.
pub(crate) struct AuthorLog {
    pub(crate) id: AuthorId,
    pub(crate) frozen: bool,
    inserts: Vec<InsertRun>,
    acts: Vec<ActRun>,
    targets: Vec<Span>,
    /// How many undos in force name an act, where any does.
    undone: BTreeMap<u32, u32>,
    notes: Vec<Note>,
    text: AppendText,
    batches: Vec<BatchRun>,
    /// Other authors in the order in which this author first named them, with the number of the
    /// operation that did. Encoded ids refer to these places.
    dictionary: Vec<(AuthorIx, u32)>,
    /// The number after the last complete batch.
    next: u32,
    /// The number after the last operation.
    end: u32,
    /// Where the author stood in the version last.
    place: usize,
}

impl AuthorLog {
    fn new(id: AuthorId) -> Self {
        Self {
            id,
            frozen: false,
            inserts: Vec::new(),
            acts: Vec::new(),
            targets: Vec::new(),
            undone: BTreeMap::new(),
            notes: Vec::new(),
            text: AppendText::default(),
            batches: Vec::new(),
            dictionary: Vec::new(),
            next: 0,
            end: 0,
            place: 0,
        }
    }

    pub(crate) const fn next(&self) -> u32 {
        self.next
    }

    pub(crate) const fn end(&self) -> u32 {
        self.end
    }

    pub(crate) fn dictionary(&self) -> &[(AuthorIx, u32)] {
        &self.dictionary
    }

    /// The insert entry that holds number `seq`, if that is a character. O(log n).
    pub(crate) fn insert_run(&self, seq: u32) -> Option<&InsertRun> {
        // The newest entry is the one that is asked for most.
        if let Some(last) = self.inserts.last()
            && seq >= last.seq
        {
            return (seq < last.end()).then_some(last);
        }
        let i = self.inserts.partition_point(|run| run.seq <= seq);
        self.inserts[..i].last().filter(|run| seq < run.end())
    }

    fn act_run(&self, seq: u32) -> Option<&ActRun> {
        if let Some(last) = self.acts.last()
            && seq >= last.seq
        {
            return (seq < last.end()).then_some(last);
        }
        let i = self.acts.partition_point(|run| run.seq <= seq);
        self.acts[..i].last().filter(|run| seq < run.end())
    }

    /// What number `seq` does, if it is a delete or an undo. O(log n).
    pub(crate) fn act(&self, seq: u32) -> Option<ActKind> {
        self.act_run(seq).map(|run| run.kind)
    }

    /// What the delete or undo number `seq` names. O(log n).
    pub(crate) fn targets(&self, seq: u32) -> Targets<'_> {
        let Some(run) = self.act_run(seq) else {
            return Targets::Many(&[]);
        };
        let offset = seq - run.seq;
        let start = match run.names {
            Names::Forwards(first) => first.plus(offset),
            Names::Backwards(first) => Id::new(first.author, first.seq - offset),
            Names::Spans { start, end } => {
                return Targets::Many(&self.targets[start as usize..end as usize]);
            }
        };
        Targets::One([Span { start, len: 1 }])
    }

    /// How many undos in force name number `seq`, a delete or undo. It is in force itself while
    /// this is 0.
    pub(crate) fn undos(&self, seq: u32) -> u32 {
        if self.undone.is_empty() {
            return 0;
        }
        self.undone.get(&seq).copied().unwrap_or(0)
    }

    /// Counts one undo more (`delta` 1) or less (−1) that names number `seq`.
    pub(crate) fn count_undo(&mut self, seq: u32, delta: i32) {
        let count = self.undos(seq).checked_add_signed(delta);
        match count.expect("an undo counts once") {
            0 => self.undone.remove(&seq),
            count => self.undone.insert(seq, count),
        };
    }

    /// What number `seq` is; `None` from `end` on. O(log n).
    pub(crate) fn entry(&self, seq: u32) -> Option<Entry<'_>> {
        // The newest act, which need not be looked for.
        if let Some(last) = self.acts.last()
            && seq >= last.seq
            && seq < last.end()
        {
            return Some(Entry::Act(last.kind));
        }
        if let Some(run) = self.insert_run(seq) {
            return Some(Entry::Insert(run));
        }
        if let Some(kind) = self.act(seq) {
            return Some(Entry::Act(kind));
        }
        let i = self
            .notes
            .binary_search_by_key(&seq, |note| note.seq)
            .ok()?;
        Some(Entry::Note(&self.notes[i].bytes))
    }

    /// How many characters the author has inserted.
    pub(crate) fn chars(&self) -> u32 {
        self.inserts.last().map_or(0, |last| last.chars + last.len)
    }

    /// The text of the characters `seq..seq + len`, which are characters without a gap.
    pub(crate) fn text(&self, seq: u32, len: u32) -> &str {
        let Some(run) = self.insert_run(seq) else {
            return "";
        };
        let from = (run.chars + (seq - run.seq)) as usize;
        self.text.slice(from, from + len as usize)
    }

    /// Whether an insert between these origins would continue the newest entry.
    pub(crate) fn continues(&self, me: AuthorIx, left: Option<Id>, right: Option<Id>) -> bool {
        self.inserts.last().is_some_and(|run| {
            run.end() == self.end && left == Some(Id::new(me, self.end - 1)) && run.right == right
        })
    }

    /// Appends an insert of `chars` characters; `me` is this log's author, and `continues` whether it
    /// [continues](Self::continues) the newest entry.
    #[inline]
    pub(crate) fn push_insert(
        &mut self,
        me: AuthorIx,
        left: Option<Id>,
        right: Option<Id>,
        continues: bool,
        text: &str,
        chars: u32,
    ) {
        match self.inserts.last_mut() {
            Some(run) if continues => run.len += chars,
            _ => self.begin_insert(me, left, right, chars),
        }
        self.push_on(text, chars);
    }

    #[inline]
    fn begin_insert(&mut self, me: AuthorIx, left: Option<Id>, right: Option<Id>, len: u32) {
        let seq = self.end;
        for other in [left, right].into_iter().flatten() {
            if other.author != me {
                self.mention(other.author, seq);
            }
        }
        let chars = self.chars();
        self.inserts.push(InsertRun {
            seq,
            len,
            left,
            right,
            chars,
        });
    }

    /// The newest operation, if that is a character: its right origin and its number.
    #[inline]
    pub(crate) fn last_insert(&self) -> Option<(Option<Id>, u32)> {
        let last = self.inserts.last().filter(|run| run.end() == self.end)?;
        Some((last.right, self.end - 1))
    }

    /// The newest operation, if that is a character, and the number after it.
    #[inline]
    pub(crate) fn typing(&mut self) -> Option<(&mut InsertRun, u32)> {
        let last = self
            .inserts
            .last_mut()
            .filter(|run| run.end() == self.end)?;
        Some((last, self.end))
    }

    /// Appends the text of `chars` characters that the newest entry has taken in.
    #[inline]
    pub(crate) fn push_on(&mut self, text: &str, chars: u32) {
        self.text.push(text, chars as usize);
        self.end += chars;
    }

    /// [`push_on`](Self::push_on) for an ASCII character.
    #[inline(always)]
    pub(crate) fn push_key(&mut self, byte: u8) {
        self.text.push_ascii(byte);
        self.end += 1;
    }

    /// The batch that holds number `seq`. O(log n), O(1) for the newest.
    pub(crate) fn batch(&self, seq: u32) -> Option<BatchInfo> {
        let run = &self.batches[self.batch_run(seq)?];
        Some(run.nth((seq - run.seq) / run.width))
    }

    /// The batch that holds number `seq`, and the Lamport value and minute of the one before it; zeros
    /// before the first.
    pub(crate) fn batch_and_stamp_before(&self, seq: u32) -> Option<(BatchInfo, (u64, u32))> {
        let i = self.batch_run(seq)?;
        let run = &self.batches[i];
        // The newest is asked for most, and dividing takes long.
        let n = if seq.checked_add(run.width) == Some(self.next) {
            run.count - 1
        } else {
            (seq - run.seq) / run.width
        };
        let before = match n.checked_sub(1) {
            Some(before) => Some(run.nth(before)),
            None => i.checked_sub(1).map(|i| {
                let run = &self.batches[i];
                run.nth(run.count - 1)
            }),
        };
        let stamp = before.map_or((0, 0), |batch| (batch.lamport, batch.minutes));
        Some((run.nth(n), stamp))
    }

    /// The Lamport value and minute of the last batch; zeros if there is none.
    pub(crate) fn last_stamp(&self) -> (u64, u32) {
        self.batches.last().map_or((0, 0), |run| {
            let last = run.nth(run.count - 1);
            (last.lamport, last.minutes)
        })
    }

    /// The text of the newest batch, if that starts at `seq`, goes on like the one before, and is
    /// characters that continue an insert.
    pub(crate) fn typed(&self, seq: u32) -> Option<&str> {
        let batch = self.batches.last()?;
        let insert = self.inserts.last()?;
        let goes_on = batch.count > 1 && batch.source == Source::Typed;
        if !goes_on || seq.checked_add(batch.width) != Some(self.next) {
            return None;
        }
        if insert.seq >= seq || insert.end() != self.next {
            return None;
        }
        Some(self.text.last(batch.width as usize))
    }

    fn batch_run(&self, seq: u32) -> Option<usize> {
        let last = self.batches.len().checked_sub(1)?;
        if seq >= self.batches[last].seq {
            return (seq < self.batches[last].end()).then_some(last);
        }
        // Batches have no gaps.
        Some(self.batches.partition_point(|run| run.seq <= seq) - 1)
    }

    /// The batches: the first of each that go on alike, and how many do.
    pub(crate) fn batches(&self) -> impl Iterator<Item = (BatchInfo, u32)> {
        self.batches.iter().map(|run| (run.nth(0), run.count))
    }

    /// The deletes of one character each from number `seq` on that follow each other in the text: the
    /// first one's character, 1 or −1 from one to the next, and how many.
    pub(crate) fn keys(&self, seq: u32) -> Option<(Id, i32, u32)> {
        let run = self.act_run(seq)?;
        let offset = seq - run.seq;
        match run.names {
            Names::Forwards(first) => Some((first.plus(offset), 1, run.len - offset)),
            Names::Backwards(first) => {
                let first = Id::new(first.author, first.seq - offset);
                Some((first, -1, run.len - offset))
            }
            Names::Spans { .. } => None,
        }
    }

    #[inline(never)]
    fn mention(&mut self, author: AuthorIx, seq: u32) {
        if !self.dictionary.iter().any(|(known, _)| *known == author) {
            self.dictionary.push((author, seq));
        }
    }
}

/// All authors' logs.
#[derive(Default)]
pub struct Log {
    authors: Vec<AuthorLog>,
    /// Sorted.
    by_id: Vec<(AuthorId, AuthorIx)>,
    version: Version,
    /// How many notes there are.
    notes: usize,
    /// Whose batch came last: the one that is asked for most.
    recent: usize,
}

impl Log {
    /// Everything that is here: the heads.
    pub const fn version(&self) -> &Version {
        &self.version
    }

    /// The number of `author`'s next operation. O(1).
    pub fn next(&self, author: &AuthorId) -> u32 {
        self.ix(author).map_or(0, |ix| self[ix].next)
    }

    /// Whether an invalid batch of `author` was met. Nothing later of it is taken, requested or
    /// counted missing.
    pub fn is_frozen(&self, author: &AuthorId) -> bool {
        self.ix(author).is_some_and(|ix| self[ix].frozen)
    }

    /// What is known of the batch of `author` that holds operation `seq`. O(log n).
    pub fn batch_info(&self, author: &AuthorId, seq: u32) -> Option<BatchInfo> {
        self[self.ix(author)?].batch(seq)
    }

    #[inline]
    pub(crate) fn ix(&self, author: &AuthorId) -> Option<AuthorIx> {
        match self.authors.get(self.recent) {
            Some(recent) if recent.id.number() == author.number() => {
                Some(AuthorIx::new(self.recent))
            }
            _ => self.look_up(author),
        }
    }

    #[inline(never)]
    fn look_up(&self, author: &AuthorId) -> Option<AuthorIx> {
        let place = self.find(author).ok()?;
        Some(self.by_id[place].1)
    }

    /// The author's index; makes an empty log for one that is new.
    pub(crate) fn intern(&mut self, author: AuthorId) -> Result<AuthorIx, Invalid> {
        let place = match self.find(&author) {
            Ok(place) => return Ok(self.by_id[place].1),
            Err(place) => place,
        };
        if self.authors.len() >= MAX_AUTHORS {
            return Err(Invalid::TooManyAuthors);
        }
        let ix = AuthorIx::new(self.authors.len());
        self.authors.push(AuthorLog::new(author));
        self.by_id.insert(place, (author, ix));
        Ok(ix)
    }

    fn find(&self, author: &AuthorId) -> Result<usize, usize> {
        self.by_id
            .binary_search_by_key(&author.number(), |(known, _)| known.number())
    }

    pub(crate) fn authors(&self) -> impl Iterator<Item = (AuthorIx, &AuthorLog)> {
        self.authors
            .iter()
            .enumerate()
            .map(|(i, log)| (AuthorIx::new(i), log))
    }

    pub(crate) fn freeze(&mut self, author: AuthorIx) {
        self[author].frozen = true;
    }

    /// The name outside this replica.
    pub(crate) fn op_id(&self, id: Id) -> OpId {
        OpId {
            author: self[id.author].id,
            seq: id.seq,
        }
    }

    /// The name inside this replica, if the author is known (the operation need not be).
    pub(crate) fn id(&self, op: OpId) -> Option<Id> {
        Some(Id::new(self.ix(&op.author)?, op.seq))
    }

    /// Both origins of the character `id`. O(log n).
    pub(crate) fn origins(&self, id: Id) -> (Option<Id>, Option<Id>) {
        let run = self[id.author]
            .insert_run(id.seq)
            .expect("the order tree holds only characters");
        let left = if id.seq == run.seq {
            run.left
        } else {
            Some(Id::new(id.author, id.seq - 1))
        };
        (left, run.right)
    }

    /// Whether `id` is a character whose left origin is the one before it, with the same right
    /// origin: then both may share one entry of the order tree.
    pub(crate) fn continues_run(&self, id: Id) -> bool {
        self[id.author]
            .insert_run(id.seq)
            .is_some_and(|run| run.seq < id.seq)
    }

    /// Lamport value of the batch that holds `id`, or `open` while that batch is being applied.
    pub(crate) fn lamport(&self, id: Id, open: u64) -> u64 {
        self[id.author]
            .batch(id.seq)
            .map_or(open, |batch| batch.lamport)
    }

    /// Gives `author` all its text at once.
    pub(crate) fn set_text(&mut self, author: AuthorIx, text: String, chars: usize) {
        self[author].text = AppendText::new(text, chars);
    }

    /// Appends a delete or an undo to `author`'s log; returns its number.
    pub(crate) fn push_act(&mut self, author: AuthorIx, kind: ActKind, targets: &[Span]) -> u32 {
        if let [Span { start, len: 1 }] = targets
            && kind == ActKind::Delete
        {
            return self.push_key_delete(author, *start);
        }
        let log = &mut self[author];
        let (seq, start) = (log.end, log.targets.len() as u32);
        // Mostly they are one or two, for which copying them at once would be a call.
        for span in targets {
            if span.start.author != author {
                log.mention(span.start.author, seq);
            }
            log.targets.push(*span);
        }
        log.end += 1;
        log.acts.push(ActRun {
            seq,
            len: 1,
            kind,
            names: Names::Spans {
                start,
                end: log.targets.len() as u32,
            },
        });
        seq
    }

    /// Appends a delete of one character to `author`'s log; returns its number.
    #[inline]
    pub(crate) fn push_key_delete(&mut self, author: AuthorIx, id: Id) -> u32 {
        let log = &mut self[author];
        let seq = log.end;
        if id.author != author {
            log.mention(id.author, seq);
        }
        log.end += 1;
        if let Some(last) = log.acts.last_mut()
            && last.kind == ActKind::Delete
            && last.end() == seq
            && last.grow(id)
        {
            return seq;
        }
        log.acts.push(ActRun {
            seq,
            len: 1,
            kind: ActKind::Delete,
            names: Names::Forwards(id),
        });
        seq
    }

    /// Appends a note to `author`'s log.
    pub(crate) fn push_note(&mut self, author: AuthorIx, bytes: &[u8]) {
        let log = &mut self[author];
        log.notes.push(Note {
            seq: log.end,
            bytes: bytes.into(),
        });
        log.end += 1;
        self.notes += 1;
    }
}

impl std::ops::Index<AuthorIx> for Log {
    type Output = AuthorLog;
    fn index(&self, ix: AuthorIx) -> &AuthorLog {
        &self.authors[ix.index()]
    }
}

impl std::ops::IndexMut<AuthorIx> for Log {
    fn index_mut(&mut self, ix: AuthorIx) -> &mut AuthorLog {
        &mut self.authors[ix.index()]
    }
}
