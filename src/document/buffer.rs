//! The document: the rope and the CRDT, changed only together.
//!
//! Invariant D1: outside of a call, the rope is the replica's visible text. There is no second copy
//! of the text and nobody else who writes.

use std::ops::Range;

use ropey::Rope;

use super::disk::Shadow;
use super::feed::{Feed, TextChange};
use super::format::text_hash;
use super::position::CharPos;
use super::undo::{Edit, EditKind, UndoStack};
use crate::crdt::replica::Typed;
use crate::crdt::{
    Anchor, AuthorId, Bias, Change, Corrupt, History, Log, NotAdopted, OpId, Rejected, Replica,
    Source, Verdict, Version,
};

/// A text that several people edit.
///
/// ```
/// use collab_edit::crdt::{AuthorId, Source};
/// use collab_edit::document::{CharPos, Document, EditKind};
///
/// let mut ann = Document::new(AuthorId([1; 16]));
/// ann.edit(CharPos(0)..CharPos(0), "Hello", EditKind::Whole, 0);
/// let seq = ann.commit(0, Source::Typed).unwrap();
///
/// let mut bytes = Vec::new();
/// ann.log().batch_at(&ann.me(), seq, &mut bytes);
/// let mut ben = Document::new(AuthorId([2; 16]));
/// ben.merge(ann.me(), seq, &bytes);
/// assert_eq!(ben.rope(), "Hello");
/// ```
pub struct Document {
    pub(super) rope: Rope,
    pub(super) replica: Replica,
    pub(super) undo: UndoStack,
    changes: Vec<Change>,
    pub(super) shadow: Shadow,
    feed: Feed,
}

impl Document {
    /// An empty document whose edits are `me`'s.
    pub fn new(me: AuthorId) -> Self {
        Self {
            rope: Rope::new(),
            replica: Replica::new(me),
            undo: UndoStack::new(me),
            changes: Vec::new(),
            shadow: Shadow::default(),
            feed: Feed::default(),
        }
    }

    /// Everything that is here, as bytes from which [`Preview::open`] makes a document again. O(n log n).
    ///
    /// # Panics
    /// If there are edits that have not been [committed](Self::commit).
    pub fn encode_history(&self) -> Vec<u8> {
        self.replica.encode_history()
    }

    /// The text.
    pub const fn rope(&self) -> &Rope {
        &self.rope
    }

    /// Every operation there is and their order, for the session to send.
    pub const fn replica(&self) -> &Replica {
        &self.replica
    }

    /// Every operation there is.
    pub const fn log(&self) -> &Log {
        self.replica.log()
    }

    /// The author of edits made here.
    pub fn me(&self) -> AuthorId {
        self.replica.me()
    }

    /// How many characters (Unicode scalar values) there are. O(1).
    pub const fn len(&self) -> usize {
        // The rope would add up its root's children.
        self.replica.len()
    }

    /// Whether there is no text.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// BLAKE3 of the text in UTF-8. O(n).
    pub fn hash(&self) -> blake3::Hash {
        text_hash(self.rope.chunks())
    }

    /// Puts the first content of a file into an empty document. It cannot be undone.
    pub fn load(&mut self, text: &str, minutes: u32) {
        self.replica.insert(0, text);
        self.rope = Rope::from_str(text);
        self.replica.commit(minutes, Source::Disk);
    }

    /// Replaces `range` by `text`, at time `now_ms`. Positions past the end mean the end; a NUL, which
    /// no text file has, is left out.
    /// O(log n + text).
    pub fn edit(&mut self, range: Range<CharPos>, text: &str, kind: EditKind, now_ms: u64) {
        let at = range.start.0;
        if let [byte @ 1..=0x7f] = *text.as_bytes()
            && range.end.0 == at
            && let Some(seq) = self.replica.key(at, byte)
        {
            let char = char::from(byte);
            self.put_key(at, char);
            self.undo.push(Edit {
                ops: seq..seq + 1,
                kind,
                at: now_ms,
                caret: at + 1,
                replaced: at..at,
                space: kind == EditKind::Type && char.is_whitespace(),
            });
            return;
        }
        self.edit_any(range, text, kind, now_ms);
    }

    /// Puts one character, which the replica has, into the rope.
    #[inline(always)]
    fn put_key(&mut self, at: usize, char: char) {
        let lines = self.feed.lines(&self.rope);
        self.rope.insert_char(at, char);
        self.shadow.follow(at, 0, 1);
        self.feed.note(&self.rope, at, 0, 1, lines);
    }

    /// [`edit`](Self::edit) for what is not a key behind the one before.
    #[inline(never)]
    fn edit_any(&mut self, range: Range<CharPos>, text: &str, kind: EditKind, now_ms: u64) {
        let first = self.replica.next_seq();
        let (replaced, inserted) = self.put(range, text);
        let end = self.replica.next_seq();
        if end == first {
            return;
        }
        self.undo.push(Edit {
            ops: first..end,
            kind,
            at: now_ms,
            caret: replaced.start + inserted,
            replaced,
            space: kind == EditKind::Type && text.chars().all(char::is_whitespace),
        });
    }

    /// Makes several replacements as one step of undo. They are given in the order of the text, do not
    /// overlap, and name positions in the text as it is before the first of them.
    /// O(log n + text) each.
    pub fn edit_all(&mut self, edits: &[(Range<CharPos>, String)], now_ms: u64) {
        let first = self.replica.next_seq();
        // From the end, so that no edit moves another.
        for (range, text) in edits.iter().rev() {
            self.put(range.clone(), text);
        }
        let ops = first..self.replica.next_seq();
        if ops.is_empty() {
            return;
        }
        self.undo.push(Edit {
            ops,
            kind: EditKind::Whole,
            at: now_ms,
            replaced: 0..0,
            caret: 0,
            space: false,
        });
    }

    /// Replaces a range, which may be anywhere, by a text, which may hold anything: what was replaced, and
    /// how many characters came.
    #[inline(always)] // On the road of every edit.
    fn put(&mut self, range: Range<CharPos>, text: &str) -> (Range<usize>, usize) {
        let end = range.end.0.min(self.len());
        let start = range.start.0.min(end);
        if start == end && text.is_empty() {
            return (start..end, 0);
        }
        let without_nul;
        let text = if text.as_bytes().contains(&0) {
            without_nul = text.replace('\0', "");
            &without_nul
        } else {
            text
        };
        (start..end, self.replace(start..end, text))
    }

    /// Replaces characters in rope, replica and shadow; how many came.
    #[inline(always)]
    pub(super) fn replace(&mut self, range: Range<usize>, text: &str) -> usize {
        let Range { start, end } = range;
        if start < end {
            let lines = self.feed.lines(&self.rope);
            self.replica.delete(start..end);
            self.rope.remove(start..end);
            self.feed.note(&self.rope, start, end - start, 0, lines);
        }
        let mut inserted = 0;
        if !text.is_empty() {
            let lines = self.feed.lines(&self.rope);
            inserted = match *text.as_bytes() {
                // A key behind the one before has taken its own road.
                [byte] => {
                    self.replica.insert_elsewhere(start, text, 1);
                    self.rope.insert_char(start, char::from(byte));
                    1
                }
                _ => {
                    let inserted = self.replica.insert(start, text);
                    insert(&mut self.rope, start, text);
                    inserted
                }
            };
            self.feed.note(&self.rope, start, 0, inserted, lines);
        }
        self.shadow.follow(start, end - start, inserted);
        inserted
    }

    /// Adds bytes that touch no text and are no step of undo, of at most half of
    /// [`MAX_BATCH_BYTES`](crate::crdt::MAX_BATCH_BYTES).
    pub fn note(&mut self, bytes: &[u8]) {
        self.replica.note(bytes);
    }

    /// Takes back the newest group of own edits that still shows; where the caret goes then.
    pub fn undo(&mut self) -> Option<CharPos> {
        loop {
            let (ops, group) = self.undo.undo()?;
            let (by, caret) = self.undo_ops(&[ops]);
            self.undo.undone(group, by);
            if caret.is_some() {
                return caret;
            }
        }
    }

    /// Takes back the newest undo; where the caret goes then.
    pub fn redo(&mut self) -> Option<CharPos> {
        loop {
            let ops = self.undo.redo()?;
            let (_, caret) = self.undo_ops(&ops);
            if caret.is_some() {
                return caret;
            }
        }
    }

    /// Lets undo and redo go on with what the same person did as `earlier` authors, oldest first, before a restart:
    /// for a document that was just built from its history, or has just been given it. Grouped as well
    /// as the log tells; the content that a session began with cannot be undone. To be
    /// [committed](Self::commit) before. O(operations of these authors).
    ///
    /// ```
    /// use collab_edit::crdt::{AuthorId, Source};
    /// use collab_edit::document::{CharPos, Document, EditKind, Preview};
    ///
    /// let yesterday = AuthorId([1; 16]);
    /// let mut document = Document::new(yesterday);
    /// document.edit(CharPos(0)..CharPos(0), "Hello", EditKind::Whole, 0);
    /// document.commit(0, Source::Typed);
    /// let bytes = document.encode_history();
    ///
    /// let mut document = Preview::open(&bytes)?.build(AuthorId([2; 16]))?;
    /// document.resume_undo(&[yesterday]);
    /// document.undo();
    /// assert_eq!(document.rope(), "");
    /// # Ok::<(), collab_edit::crdt::Corrupt>(())
    /// ```
    pub fn resume_undo(&mut self, earlier: &[AuthorId]) {
        self.undo = UndoStack::resumed(self.log(), earlier, self.me());
    }

    /// Undoes operations; the undo's own name, and where the last thing that it changed is.
    pub(super) fn undo_ops(&mut self, ops: &[Range<OpId>]) -> (Vec<Range<OpId>>, Option<CharPos>) {
        let mut changes = std::mem::take(&mut self.changes);
        let by = self.replica.undo(ops, &mut changes);
        self.changes = changes;
        let caret = self.changes.last().map(|change| match *change {
            Change::Insert { at, len, .. } => CharPos(at + len),
            Change::Remove { at, .. } => CharPos(at),
        });
        self.apply();
        (by, caret)
    }

    /// Makes a batch of the edits since the last one; the number of its first operation, if there
    /// were any. To be called once per turn of the event loop, and before [`merge`](Self::merge).
    #[inline(always)] // On the road of a key.
    pub fn commit(&mut self, minutes: u32, source: Source) -> Option<u32> {
        self.replica.commit(minutes, source)
    }

    /// Takes in another author's batch. O(log n) an operation.
    ///
    /// # Panics
    /// If there are edits that have not been [committed](Self::commit).
    pub fn merge(&mut self, author: AuthorId, seq: u32, bytes: &[u8]) -> Verdict {
        self.merge_said(OpId { author, seq }, None, bytes)
    }

    /// [`merge`](Self::merge) for a batch of which it was said how many operations it holds: if that is
    /// wrong, it is invalid.
    ///
    /// # Panics
    /// If there are edits that have not been [committed](Self::commit).
    pub fn merge_sized(&mut self, first: OpId, width: u32, bytes: &[u8]) -> Verdict {
        self.merge_said(first, Some(width), bytes)
    }

    #[inline(always)]
    fn merge_said(&mut self, first: OpId, width: Option<u32>, bytes: &[u8]) -> Verdict {
        if width.is_none_or(|width| width == 1)
            && let Some((at, byte)) = self.replica.merge_key(first, bytes)
        {
            self.put_key(at, char::from(byte));
            self.undo.inserted(at, 1);
            return Verdict::Applied;
        }
        self.merge_any(first, width, bytes)
    }

    /// [`merge`](Self::merge) for what is not a key behind the one before.
    #[inline(never)]
    fn merge_any(&mut self, first: OpId, width: Option<u32>, bytes: &[u8]) -> Verdict {
        let came = self
            .replica
            .merge_edit(first, width, bytes, &mut self.changes);
        if let Some(Typed { at, text, chars }) = came {
            self.apply();
            if chars > 0 {
                let lines = self.feed.lines(&self.rope);
                insert(&mut self.rope, at, text);
                self.undo.inserted(at, chars);
                self.shadow.follow(at, 0, chars);
                self.feed.note(&self.rope, at, 0, chars, lines);
            }
            return Verdict::Applied;
        }
        let verdict = self
            .replica
            .merge_any(first, width, bytes, &mut self.changes);
        self.apply();
        verdict
    }

    /// Takes nothing more of an author.
    pub fn freeze(&mut self, author: AuthorId) {
        self.replica.freeze(author);
    }

    /// Takes over an encoded history of the same session, in place of having its batches
    /// [merged](Self::merge): what is here and not in it follows. Anchors keep their places, and own
    /// edits can be undone as before. O(n log n).
    ///
    /// # Errors
    /// If it is none, or contradicts what is here; nothing has changed then.
    ///
    /// # Panics
    /// If there are edits that have not been [committed](Self::commit).
    pub fn adopt(&mut self, history: &[u8]) -> Result<(), NotAdopted> {
        self.adopt_if(history, |_| true)
    }

    /// [`adopt`](Self::adopt) if `check` is content with what the history holds.
    ///
    /// # Errors
    /// If it is none, contradicts what is here, or `check` is not content; nothing has changed then.
    ///
    /// # Panics
    /// If there are edits that have not been [committed](Self::commit).
    pub fn adopt_if(
        &mut self,
        history: &[u8],
        check: impl FnOnce(&Replica) -> bool,
    ) -> Result<(), NotAdopted> {
        let history = History::open(history)?;
        let rope = Rope::from_str(history.text());
        let mut changes = Vec::new();
        self.replica = self.replica.adopt(history, check, &mut changes)?;
        self.rope = rope;
        self.feed.lose();
        self.changes = changes;
        self.shadow.lose();
        self.undo.close();
        self.apply();
        Ok(())
    }

    /// Makes the text again from the logs, batch by batch; whether it came out as another one. For when
    /// there is reason to doubt it. O(n log n).
    ///
    /// # Panics
    /// If there are edits that have not been [committed](Self::commit).
    pub fn resynchronise(&mut self) -> bool {
        let mut changes = Vec::new();
        let replica = self.replica.replayed(&mut changes);
        let rope = Rope::from_str(&replica.visible_text());
        let changed = rope != self.rope;
        self.replica = replica;
        self.rope = rope;
        self.undo.close();
        self.feed.lose();
        changed
    }

    /// Applies to the rope what the replica did.
    fn apply(&mut self) {
        for change in &self.changes {
            let lines = self.feed.lines(&self.rope);
            let (at, removed, inserted) = match *change {
                Change::Insert { at, from, len } => {
                    insert(&mut self.rope, at, self.replica.text(from, len));
                    self.undo.inserted(at, len);
                    (at, 0, len)
                }
                Change::Remove { at, len } => {
                    self.rope.remove(at..at + len);
                    self.undo.removed(at, len);
                    (at, len, 0)
                }
            };
            self.shadow.follow(at, removed, inserted);
            self.feed.note(&self.rope, at, removed, inserted, lines);
        }
        self.changes.clear();
    }

    /// Whether there are edits that have not been [committed](Self::commit).
    pub fn has_uncommitted(&self) -> bool {
        self.log().next(&self.me()) != self.replica.next_seq()
    }

    /// What has changed in the text since the last call, in order; `None` if that is not known: at the first
    /// call, and after too many changes.
    pub const fn take_text_changes(&mut self) -> Option<Vec<TextChange>> {
        self.feed.take()
    }

    /// The invalid batches met since this was last asked.
    pub fn take_rejected(&mut self) -> Vec<Rejected> {
        self.replica.take_rejected()
    }

    /// An anchor at `at`; past the end means the end. O(log n).
    pub fn anchor(&self, at: CharPos, bias: Bias) -> Anchor {
        self.replica.anchor(at.0.min(self.len()), bias)
    }

    /// Where an anchor is now; `None` if what holds it has not come. O(log n).
    pub fn position(&self, anchor: &Anchor) -> Option<CharPos> {
        self.replica.position(anchor).map(CharPos)
    }

    /// The text that the document had at `heads`, a version that it once had. O(n log n).
    pub fn text_at(&self, heads: &Version) -> Rope {
        Rope::from_str(&self.replica.text_at(heads))
    }

    /// Every character ever inserted, hidden ones included, in their order. O(n).
    pub fn everything(&self) -> String {
        self.replica.everything()
    }

    /// Removes a part of the text behind the replica's back, as a fault of the machine would.
    #[cfg(test)]
    pub(crate) fn damage(&mut self, range: Range<usize>) {
        self.rope.remove(range);
    }

    /// Panics if an invariant of the document, the order or the log does not hold. O(n log n).
    pub fn check_invariants(&self) {
        self.replica.check_invariants();
        self.undo.check_invariants();
        assert_eq!(
            self.rope,
            self.replica.visible_text(),
            "D1: rope and replica differ"
        );
        self.shadow.check_invariants(&self.rope);
    }
}

/// Puts `text` into the rope. A key's character alone takes a shorter way there than a text.
#[inline]
fn insert(rope: &mut Rope, at: usize, text: &str) {
    let mut chars = text.chars();
    match chars.next() {
        Some(char) if chars.as_str().is_empty() => rope.insert_char(at, char),
        _ => rope.insert(at, text),
    }
}

/// A document on its way from the bytes of its history: the text can be shown, not yet edited.
///
/// [`open`](Self::open) takes a moment; [`build`](Self::build) takes longer and is for the next turn of
/// the event loop, before any edit or merge.
pub struct Preview {
    rope: Rope,
    history: History,
}

impl Preview {
    /// Opens an encoded history as far as its text. O(n).
    ///
    /// # Errors
    /// If the bytes are not a history that this program can read.
    pub fn open(bytes: &[u8]) -> Result<Self, Corrupt> {
        let history = History::open(bytes)?;
        Ok(Self {
            rope: Rope::from_str(history.text()),
            history,
        })
    }

    /// The text.
    pub const fn rope(&self) -> &Rope {
        &self.rope
    }

    /// Builds the document, whose edits will be `me`'s. O(n log n).
    ///
    /// # Errors
    /// If the history holds what can never be valid.
    pub fn build(self, me: AuthorId) -> Result<Document, Corrupt> {
        Ok(Document {
            rope: self.rope,
            replica: self.history.build(me)?,
            undo: UndoStack::new(me),
            changes: Vec::new(),
            shadow: Shadow::default(),
            feed: Feed::default(),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::document) fn document(n: u8) -> Document {
        Document::new(AuthorId([n; 16]))
    }

    /// Types text key by key at `at`, each key at its time; commits after each.
    pub(in crate::document) fn keys(
        document: &mut Document,
        at: usize,
        text: &str,
        times: impl Iterator<Item = u64>,
    ) {
        for ((i, key), now) in text.chars().enumerate().zip(times) {
            let at = CharPos(at + i);
            document.edit(at..at, key.encode_utf8(&mut [0; 4]), EditKind::Type, now);
            document.commit(0, Source::Typed);
        }
    }

    pub(in crate::document) fn undo(document: &mut Document) -> Option<CharPos> {
        let caret = document.undo();
        document.commit(0, Source::Typed);
        document.check_invariants();
        caret
    }

    pub(in crate::document) fn redo(document: &mut Document) -> Option<CharPos> {
        let caret = document.redo();
        document.commit(0, Source::Typed);
        document.check_invariants();
        caret
    }

    pub(in crate::document) fn sync(from: &Document, to: &mut Document) {
        for (author, _) in from.log().version().iter() {
            let mut seq = to.log().next(&author);
            loop {
                let mut bytes = Vec::new();
                let Some(next) = from.log().batch_at(&author, seq, &mut bytes) else {
                    break;
                };
                let verdict = to.merge(author, seq, &bytes);
                assert!(matches!(verdict, Verdict::Applied | Verdict::Waiting));
                seq = next;
            }
        }
        assert!(to.log().version().covers(from.log().version()));
        to.check_invariants();
    }

    #[test]
    fn undo_goes_by_word_and_redo_brings_back() {
        let mut a = document(1);
        keys(&mut a, 0, "two words", 0..);
        assert_eq!(undo(&mut a), Some(CharPos(4)));
        assert_eq!(a.rope(), "two ");
        assert_eq!(undo(&mut a), Some(CharPos(0)));
        assert_eq!(a.rope(), "");
        assert_eq!(undo(&mut a), None);
        assert_eq!(redo(&mut a), Some(CharPos(4)));
        assert_eq!(redo(&mut a), Some(CharPos(9)));
        assert_eq!(a.rope(), "two words");
        assert_eq!(redo(&mut a), None);
        undo(&mut a);
        undo(&mut a);
        redo(&mut a);
        assert_eq!(a.rope(), "two ");
        keys(&mut a, 4, "x", 50..);
        assert_eq!(redo(&mut a), None, "a new edit ends what can be redone");
    }

    #[test]
    fn undo_goes_by_pause_and_by_jump() {
        let mut a = document(1);
        keys(
            &mut a,
            0,
            "abcd",
            [0, 100, 100 + super::super::undo::PAUSE_MS, 900].into_iter(),
        );
        undo(&mut a);
        assert_eq!(a.rope(), "ab");
        let mut a = document(1);
        keys(&mut a, 0, "ab", 0..);
        keys(&mut a, 0, "X", 5..);
        undo(&mut a);
        assert_eq!(a.rope(), "ab");
    }

    #[test]
    fn undo_takes_back_own_edits_only_and_spares_what_others_typed_inside() {
        let (mut a, mut b) = (document(1), document(2));
        keys(&mut a, 0, "abcdef", 0..);
        sync(&a, &mut b);
        keys(&mut b, 3, "XYZ", 0..);
        sync(&b, &mut a);
        assert_eq!(a.rope(), "abcXYZdef");
        undo(&mut a);
        assert_eq!(a.rope(), "XYZ");
        redo(&mut a);
        assert_eq!(a.rope(), "abcXYZdef");
        sync(&a, &mut b);
        assert_eq!(b.rope(), "abcXYZdef");
        assert_eq!(undo(&mut b), Some(CharPos(3)));
        assert_eq!(b.rope(), "abcdef");
    }

    #[test]
    fn an_undo_that_would_show_nothing_goes_on_to_the_one_before() {
        let (mut a, mut b) = (document(1), document(2));
        keys(&mut a, 0, "one ", 0..);
        keys(&mut a, 4, "two", 10..);
        sync(&a, &mut b);
        b.edit(CharPos(4)..CharPos(7), "", EditKind::Whole, 0);
        b.commit(0, Source::Typed);
        sync(&b, &mut a);
        undo(&mut a);
        assert_eq!(a.rope(), "");
    }

    #[test]
    fn replacing_is_one_step() {
        let mut a = document(1);
        a.load("hello world", 0);
        a.edit(CharPos(0)..CharPos(5), "goodbye", EditKind::Whole, 0);
        a.commit(0, Source::Typed);
        assert_eq!(a.rope(), "goodbye world");
        undo(&mut a);
        assert_eq!(a.rope(), "hello world");
        assert_eq!(undo(&mut a), None, "what was loaded is not an edit");
    }

    #[test]
    fn random_edits_of_two_keep_rope_and_replica_alike() {
        let seed = std::env::var("COLLAB_EDIT_SEED").map_or(1, |s| s.parse().expect("a number"));
        eprintln!("COLLAB_EDIT_SEED={seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut documents = [document(1), document(2)];
        for step in 0..2_000 {
            let one = &mut documents[rng.usize(0..2)];
            let len = one.len();
            match rng.u8(0..10) {
                0..=5 => {
                    let at = CharPos(rng.usize(0..=len + 1));
                    let text = *rng.choice(&["a", "é", "日本", "\n", "👩‍👩‍👧‍👦"]).unwrap();
                    one.edit(at..at, text, EditKind::Type, step);
                }
                6 | 7 => {
                    let from = rng.usize(0..=len);
                    one.edit(
                        CharPos(from)..CharPos(from + rng.usize(0..9)),
                        "",
                        EditKind::Erase,
                        step,
                    );
                }
                8 => drop(one.undo()),
                _ => drop(one.redo()),
            }
            one.commit(0, Source::Typed);
            if step % 20 == 0 {
                let [a, b] = &mut documents;
                sync(a, b);
                sync(b, a);
                assert_eq!(a.rope(), b.rope());
                assert_eq!(a.hash(), b.hash());
            }
        }
    }
}
