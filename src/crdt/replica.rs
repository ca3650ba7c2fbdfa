//! A replica: the log and the order, changed together.
//!
//! Local edits are given in visible positions and become operations; remote batches are checked,
//! applied and turned into changes of visible positions. A replica keeps no text besides the log's;
//! whoever keeps one (the document's rope) applies the [`Change`]s.
//!
//! A batch is applied as a whole or not at all, and at every replica alike: whether it is valid
//! depends on its causes only. An author with an invalid batch is frozen in front of it.

mod editing;
mod typing;

use std::ops::Range;

use super::batch::{Decoded, Undecoded, decode};
use super::id::{AuthorId, AuthorIx, Id, OpId};
use super::integrate::{Crowds, destination};
use super::limits::{BATCH_TARGETS, BATCH_TEXT_BYTES, MAX_LAMPORT};
use super::log::{ActKind, Log};
use super::op::{BatchInfo, Inserted, Invalid, Op, Source, Span, check_disjoint};
use super::order::{Order, Place};
use super::pending::Pending;
pub(crate) use typing::Typed;

/// What a merge or an undo did to the visible text. Positions count Unicode scalar values, and each
/// change applies to the text as the changes before it left it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Characters appeared; [`Replica::text`] gives them.
    Insert {
        /// In front of which character.
        at: usize,
        /// Whose characters, from which number.
        from: OpId,
        /// How many.
        len: usize,
    },
    /// Characters disappeared.
    Remove {
        /// The first of them.
        at: usize,
        /// How many.
        len: usize,
    },
}

/// What became of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It was applied, and with it whatever had waited for it.
    Applied,
    /// It was here already.
    Duplicate,
    /// It waits for its causes (or was dropped for lack of room; it will be asked for again).
    Waiting,
    /// Its author is frozen; it was not looked at.
    Frozen,
    /// It can never be valid; its author is frozen from now on.
    Invalid(Invalid),
}

/// An invalid batch that was met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rejected {
    /// Whose it was.
    pub author: AuthorId,
    /// The number of its first operation.
    pub seq: u32,
    /// What is wrong with it.
    pub why: Invalid,
}

/// See the module.
pub struct Replica {
    pub(crate) log: Log,
    pub(crate) order: Order,
    pub(crate) crowds: Crowds,
    me: AuthorIx,
    pub(crate) clock: u64,
    pub(crate) pending: Pending,
    rejected: Vec<Rejected>,
    /// Where the batch that is being made has to be cut, so that no piece is too long.
    cuts: Vec<u32>,
    /// Kept between edits for their memory.
    spans: Vec<Span>,
}

impl Replica {
    /// An empty replica whose local edits are `me`'s.
    pub fn new(me: AuthorId) -> Self {
        let mut log = Log::default();
        let me = log.intern(me).expect("the first author fits");
        Self {
            log,
            order: Order::new(),
            crowds: Crowds::default(),
            me,
            clock: 0,
            pending: Pending::default(),
            rejected: Vec::new(),
            cuts: Vec::new(),
            spans: Vec::new(),
        }
    }

    /// The logs of all authors.
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// The author of local edits.
    pub fn me(&self) -> AuthorId {
        self.log[self.me].id
    }

    /// The same, inside this replica.
    pub(crate) const fn me_ix(&self) -> AuthorIx {
        self.me
    }

    /// The name of the next local operation.
    pub fn next_op(&self) -> OpId {
        OpId {
            author: self.me(),
            seq: self.log[self.me].end(),
        }
    }

    /// Its number.
    #[inline]
    pub(crate) fn next_seq(&self) -> u32 {
        self.log[self.me].end()
    }

    /// How many characters are visible. O(1).
    pub const fn len(&self) -> usize {
        self.order.visible()
    }

    /// Whether no character is visible. O(1).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many batches wait for their causes.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// The invalid batches met since this was last asked.
    pub fn take_rejected(&mut self) -> Vec<Rejected> {
        std::mem::take(&mut self.rejected)
    }

    /// The characters that a [`Change::Insert`] names. O(log n).
    pub fn text(&self, from: OpId, len: usize) -> &str {
        let Some(id) = self.log.id(from) else {
            return "";
        };
        self.log[id.author].text(id.seq, len as u32)
    }

    /// Inserts `text` in front of visible character number `at`; returns how many characters that
    /// were. O(log n + text).
    ///
    /// # Panics
    /// If `at` is past the end.
    #[inline]
    pub fn insert(&mut self, at: usize, text: &str) -> usize {
        if text.len() > BATCH_TEXT_BYTES {
            return self.insert_in_pieces(at, text);
        }
        let chars = count(text);
        if chars > 0 && self.type_on(self.me, text, chars, Some(at)).is_none() {
            self.insert_elsewhere(at, text, chars);
        }
        chars as usize
    }

    /// [`insert`](Self::insert) of a text that is short enough for one batch, and as a rule does not go on where the
    /// author's last one ended.
    #[inline(never)]
    pub(crate) fn insert_elsewhere(&mut self, at: usize, text: &str, chars: u32) {
        let left = at.checked_sub(1).map(|before| self.order.seek(before));
        let id = Id::new(self.me, self.next_seq());
        self.enter(left, id, text, chars);
    }

    /// An insert that is too long for one batch.
    #[inline(never)]
    fn insert_in_pieces(&mut self, at: usize, text: &str) -> usize {
        let (mut inserted, mut rest) = (0, text);
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(BATCH_TEXT_BYTES));
            if inserted > 0 {
                self.cuts.push(self.next_seq());
            }
            inserted += self.insert(at + inserted, piece);
            rest = after;
        }
        inserted
    }

    /// Enters an insert right behind a character, with how many visible ones are before its run (`None`: in front of
    /// all), into order and log.
    fn enter(&mut self, left: Option<(Place, u32)>, id: Id, text: &str, chars: u32) {
        let order = &mut self.order;
        let behind = left.map_or_else(|| order.first(), |(place, _)| order.after(place));
        let right = behind.map(|place| order.id(place));
        let left_id = left.map(|(place, _)| order.id(place));
        let continues = self.log[id.author].continues(id.author, left_id, right);
        match left {
            Some(left) => order.insert_behind(left, id, chars, continues),
            None => order.insert(behind, id, chars, continues),
        };
        self.log[id.author].push_insert(id.author, left_id, right, continues, text, chars);
    }

    /// Deletes the visible characters `range`. O(log n + answer).
    ///
    /// # Panics
    /// If `range` reaches past the end.
    #[inline(never)]
    pub fn delete(&mut self, range: Range<usize>) {
        if range.len() == 1 {
            let id = self.order.hide_one(range.start);
            self.log.push_key_delete(self.me, id);
            return;
        }
        let mut spans = std::mem::take(&mut self.spans);
        spans.clear();
        self.order.hide_visible(range, &mut spans);
        for (i, piece) in spans.chunks(BATCH_TARGETS).enumerate() {
            if i > 0 {
                self.cuts.push(self.log[self.me].end());
            }
            self.log.push_act(self.me, ActKind::Delete, piece);
        }
        self.spans = spans;
    }

    /// Adds bytes that touch no text, of at most half of [`super::limits::MAX_BATCH_BYTES`].
    pub fn note(&mut self, bytes: &[u8]) {
        self.log.push_note(self.me, bytes);
    }

    /// Makes a local undo, or several, if there is too much for one.
    pub(crate) fn act(&mut self, kind: ActKind, spans: &[Span], changes: &mut Vec<Change>) {
        for (i, piece) in spans.chunks(BATCH_TARGETS).enumerate() {
            if i > 0 {
                self.cuts.push(self.log[self.me].end());
            }
            let seq = self.log.push_act(self.me, kind, piece);
            self.enforce(self.me, seq, changes);
        }
    }

    /// Makes a batch of all local operations since the last one (or several, if they are too long for
    /// one), stamped with the next Lamport value. Returns the number of the first, if there is one.
    /// `minutes` is the wall clock, in whole minutes since 1970.
    #[inline(always)] // On the road of a key.
    pub fn commit(&mut self, minutes: u32, source: Source) -> Option<u32> {
        self.commit_at(self.next_lamport(), minutes, source)
    }

    /// The Lamport value of the next batch: one more than the greatest met, up to [`MAX_LAMPORT`].
    pub fn next_lamport(&self) -> u64 {
        (self.clock + 1).min(MAX_LAMPORT)
    }

    /// [`commit`](Self::commit) with a given Lamport value, for replaying histories that were recorded
    /// elsewhere. At most [`MAX_LAMPORT`]; may be smaller than those of the causes.
    #[inline(always)]
    pub fn commit_at(&mut self, lamport: u64, minutes: u32, source: Source) -> Option<u32> {
        let log = &self.log[self.me];
        let (first, end) = (log.next(), log.end());
        if first == end {
            return None;
        }
        self.clock = self.clock.max(lamport);
        if self.cuts.is_empty() && self.log.close_alike(self.me, end, lamport, minutes, source) {
            return Some(first);
        }
        self.commit_any(end, lamport, minutes, source);
        Some(first)
    }

    #[inline(never)]
    fn commit_any(&mut self, end: u32, lamport: u64, minutes: u32, source: Source) {
        if !self.cuts.is_empty() {
            self.commit_pieces(lamport, minutes, source);
        }
        self.log.close_any(self.me, end, lamport, minutes, source);
    }

    /// Makes batches of all pieces but the last of what is too long for one.
    #[cold]
    fn commit_pieces(&mut self, lamport: u64, minutes: u32, source: Source) {
        for cut in self.cuts.drain(..) {
            self.log.close_batch(self.me, cut, lamport, minutes, source);
        }
    }

    /// Takes in a batch: `author`'s operations from number `seq` on, encoded in `bytes`. Appends to
    /// `changes` what that did to the visible text, in the order in which to apply it.
    /// O(log n) an operation, when nobody else wrote at its place at the same time.
    ///
    /// # Panics
    /// If local operations have not been [committed](Self::commit).
    pub fn merge(
        &mut self,
        author: AuthorId,
        seq: u32,
        bytes: &[u8],
        changes: &mut Vec<Change>,
    ) -> Verdict {
        self.merge_said(OpId { author, seq }, None, bytes, changes)
    }

    /// [`merge`](Self::merge) for any batch, which may have been said to hold `width` operations.
    pub(crate) fn merge_any(
        &mut self,
        first: OpId,
        width: Option<u32>,
        bytes: &[u8],
        changes: &mut Vec<Change>,
    ) -> Verdict {
        self.check_committed();
        let author = first.author;
        let verdict = self.merge_one(first, width, bytes, changes);
        if verdict == Verdict::Applied && self.pending.len() > 0 {
            let mut grown = vec![author];
            while let Some(author) = grown.pop() {
                for parked in self.pending.ready(author, self.log.next(&author)) {
                    let first = OpId {
                        author: parked.author,
                        seq: parked.seq,
                    };
                    if self.merge_one(first, parked.width, &parked.bytes, changes)
                        == Verdict::Applied
                    {
                        grown.push(parked.author);
                    }
                }
            }
        }
        verdict
    }

    fn merge_one(
        &mut self,
        OpId { author, seq }: OpId,
        width: Option<u32>,
        bytes: &[u8],
        changes: &mut Vec<Change>,
    ) -> Verdict {
        let first = OpId { author, seq };
        let known = self.log.ix(&author);
        let next = known.map_or(0, |ix| self.log[ix].next());
        if seq < next {
            return Verdict::Duplicate;
        }
        if known.is_some_and(|ix| self.log[ix].frozen) {
            self.pending.park_for_ever(first, width, bytes);
            return Verdict::Frozen;
        }
        if let Some(before) = seq.checked_sub(1).filter(|_| seq > next) {
            let cause = OpId {
                author,
                seq: before,
            };
            self.pending.park(cause, first, width, bytes);
            return Verdict::Waiting;
        }
        let known = known.map_or_else(|| self.log.intern(author), Ok);
        let applied = known
            .map_err(Undecoded::from)
            .and_then(|author| self.try_apply(author, width, bytes, changes));
        match applied {
            Ok(()) => Verdict::Applied,
            Err(Undecoded::Missing(cause)) => {
                self.pending.park(cause, first, width, bytes);
                Verdict::Waiting
            }
            Err(Undecoded::Invalid(why)) => {
                if let Ok(ix) = self.log.intern(author) {
                    self.log.freeze(ix);
                }
                self.pending.park_for_ever(first, width, bytes);
                self.rejected.push(Rejected { author, seq, why });
                Verdict::Invalid(why)
            }
        }
    }

    fn try_apply(
        &mut self,
        author: AuthorIx,
        width: Option<u32>,
        bytes: &[u8],
        changes: &mut Vec<Change>,
    ) -> Result<(), Undecoded> {
        let mut targets = std::mem::take(&mut self.spans);
        targets.clear();
        let applied = self.decode_and_apply(author, width, bytes, &mut targets, changes);
        self.spans = targets;
        applied
    }

    /// [`try_apply`](Self::try_apply), with a list for the targets.
    #[inline]
    fn decode_and_apply(
        &mut self,
        author: AuthorIx,
        width: Option<u32>,
        bytes: &[u8],
        targets: &mut Vec<Span>,
        changes: &mut Vec<Change>,
    ) -> Result<(), Undecoded> {
        let batch = decode(bytes, &self.log, author, targets)?;
        let found = batch.info.end - batch.info.seq;
        match width {
            Some(said) if said != found => Err(Invalid::Width { said, found }.into()),
            _ => self.apply_batch(author, &batch, targets, changes),
        }
    }

    fn apply_batch(
        &mut self,
        author: AuthorIx,
        batch: &Decoded<'_>,
        targets: &[Span],
        changes: &mut Vec<Change>,
    ) -> Result<(), Undecoded> {
        let before = changes.len();
        let lamport = batch.info.lamport;
        let mut ops = batch.ops();
        if let Err(why) = ops.try_for_each(|op| self.apply(author, lamport, op, targets, changes)) {
            if self.log[author].end() > batch.info.seq {
                // Rare, and once per author at most: what the first operations did to the order
                // is forgotten by building it anew.
                changes.truncate(before);
                self.log.drop_open(author);
                self.rebuild();
            }
            return Err(why.into());
        }
        let BatchInfo {
            end,
            lamport,
            minutes,
            source,
            ..
        } = batch.info;
        self.log.close_batch(author, end, lamport, minutes, source);
        self.clock = self.clock.max(lamport);
        Ok(())
    }

    /// Checks and applies one operation; changes nothing if it is invalid.
    #[inline(never)]
    fn apply(
        &mut self,
        author: AuthorIx,
        lamport: u64,
        op: &Op<'_>,
        targets: &[Span],
        changes: &mut Vec<Change>,
    ) -> Result<(), Invalid> {
        match op {
            Op::Insert(insert) => {
                let from = OpId {
                    author: self.log[author].id,
                    seq: self.log[author].end(),
                };
                let at = self.place_insert(author, lamport, *insert)?;
                let len = insert.chars as usize;
                changes.push(Change::Insert { at, from, len });
            }
            Op::Delete { targets: part } => {
                let targets = &targets[part.clone()];
                check_disjoint(targets)?;
                self.hide_all(targets, changes)?;
                self.log.push_act(author, ActKind::Delete, targets);
            }
            Op::Undo { targets: part } => {
                let targets = &targets[part.clone()];
                let depth = self.check_undo(targets)?;
                let seq = self.log.push_act(author, ActKind::Undo(depth), targets);
                self.enforce(author, seq, changes);
            }
            Op::Note { bytes } => self.log.push_note(author, bytes),
        }
        Ok(())
    }

    /// Puts an insert where it goes, if its origins are characters; in front of which visible one that is.
    fn place_insert(
        &mut self,
        author: AuthorIx,
        lamport: u64,
        Inserted {
            left,
            right,
            continues,
            text,
            chars,
        }: Inserted<'_>,
    ) -> Result<usize, Invalid> {
        let id = Id::new(author, self.log[author].end());
        let order = &mut self.order;
        let front = match left {
            Some(left) => Some(order.locate(left).ok_or(Invalid::NotACharacter)?),
            None => None,
        };
        let behind = front.map_or_else(|| order.first(), |(place, _)| order.after(place));
        // As a rule there is nothing between the origins.
        let at = if behind.map(|place| order.id(place)) == right {
            match front {
                Some(front) => order.insert_behind(front, id, chars, continues),
                None => order.insert(behind, id, chars, continues),
            }
        } else {
            if let Some(right) = right {
                order.locate(right).ok_or(Invalid::NotACharacter)?;
            }
            order.reindex();
            let before = self.destination(id, lamport, left, right)?;
            self.order.insert(before, id, chars, continues)
        };
        self.log[author].push_insert(author, left, right, continues, text, chars);
        Ok(at)
    }

    /// Lets one operation more hide characters; how many of them showed. Changes nothing if they are not all characters.
    fn hide_all(&mut self, targets: &[Span], changes: &mut Vec<Change>) -> Result<u32, Invalid> {
        let (before, mut shown) = (changes.len(), 0);
        let hidden = self.order.hide_named(targets, |at, len| {
            shown += len as u32;
            push_removed(changes, before, at, len);
        });
        if hidden < targets.iter().map(|span| span.len).sum() {
            self.show_again(targets, hidden);
            changes.truncate(before);
            return Err(Invalid::NotACharacter);
        }
        Ok(shown)
    }

    /// Takes back what [`hide_all`](Self::hide_all) did to the first `count` of the targets' characters.
    #[cold]
    fn show_again(&mut self, targets: &[Span], mut count: u32) {
        for span in targets {
            let len = span.len.min(count);
            count -= len;
            self.order.hide(Span { len, ..*span }, -1, |_| {});
        }
    }

    /// Where the new insert `id`, which is put there next, goes.
    fn destination(
        &mut self,
        id: Id,
        lamport: u64,
        left: Option<Id>,
        right: Option<Id>,
    ) -> Result<Option<Place>, Invalid> {
        let Self {
            order, log, crowds, ..
        } = self;
        destination(order, log, crowds, id, lamport, left, right)
    }

    /// Panics if local operations are in no batch yet.
    #[inline(always)] // On the road of a key.
    pub(crate) fn check_committed(&self) {
        let log = &self.log[self.me];
        assert!(
            log.next() == log.end(),
            "local operations are not committed"
        );
    }

    /// The visible text, put together from the log. O(n).
    pub fn visible_text(&self) -> String {
        let shown = self.order.runs().filter(|run| run.hides == 0);
        shown
            .map(|run| self.log[run.id().author].text(run.id().seq, run.len))
            .collect()
    }

    /// Every character ever inserted, hidden ones included, in their order. O(n).
    pub fn everything(&self) -> String {
        let runs = self.order.runs();
        runs.map(|run| self.log[run.id().author].text(run.id().seq, run.len))
            .collect()
    }

    /// Panics if an invariant of the log, the order or what is in force does not hold. O(n log n).
    pub fn check_invariants(&self) {
        self.log.check_invariants();
        self.order.check_invariants(&self.log);
        self.check_force();
    }
}

/// Tells that visible characters disappeared. What one act, whose changes begin at number `first`, hides side by
/// side disappears at once.
pub(crate) fn push_removed(changes: &mut Vec<Change>, first: usize, at: usize, len: usize) {
    match changes[first..].last_mut() {
        Some(Change::Remove { at: last, len: sum }) if *last == at => *sum += len,
        _ => changes.push(Change::Remove { at, len }),
    }
}

/// How many characters a text has, of at most [`super::limits::MAX_BATCH_BYTES`].
fn count(text: &str) -> u32 {
    match text.as_bytes() {
        [_] => 1,
        _ => text.chars().count() as u32,
    }
}

#[cfg(test)]
impl Replica {
    /// A local insert with origins of the caller's choice, as a hostile author could make it.
    pub(crate) fn forge_insert(
        &mut self,
        left: Option<OpId>,
        right: Option<OpId>,
        text: &str,
        lamport: u64,
    ) -> Result<(), Invalid> {
        let left = left.and_then(|op| self.log.id(op));
        let right = right.and_then(|op| self.log.id(op));
        let id = Id::new(self.me, self.log[self.me].end());
        let before = self.destination(id, lamport, left, right)?;
        let chars = text.chars().count() as u32;
        let continues = self.log[self.me].continues(self.me, left, right);
        self.order.insert(before, id, chars, continues);
        self.log[self.me].push_insert(self.me, left, right, continues, text, chars);
        Ok(())
    }

    /// The encoding of an insert that is not checked, at this replica's head. The
    /// replica is of no use afterwards: its order does not hold what its log says.
    pub(crate) fn forge_batch(
        &mut self,
        inserts: &[(Option<OpId>, Option<OpId>, &str)],
        lamport: u64,
    ) -> Vec<u8> {
        let me = self.me;
        let seq = self.log[me].next();
        for (left, right, text) in inserts {
            let left = left.and_then(|op| self.log.id(op));
            let right = right.and_then(|op| self.log.id(op));
            let continues = self.log[me].continues(me, left, right);
            let chars = text.chars().count() as u32;
            self.log[me].push_insert(me, left, right, continues, text, chars);
        }
        let end = self.log[me].end();
        self.log.close_batch(me, end, lamport, 0, Source::Typed);
        let mut bytes = Vec::new();
        self.log.batch_at(&self.me(), seq, &mut bytes);
        bytes
    }

    /// All characters in order, hidden ones included.
    pub(crate) fn all_characters(&self) -> Vec<OpId> {
        let ids = self
            .order
            .runs()
            .flat_map(|run| (0..run.len).map(|i| run.id().plus(i)));
        ids.map(|id| self.log.op_id(id)).collect()
    }
}
