//! What is in force: how deletes, undos and undos of undos show and hide characters.
//!
//! Invariants (checked by [`Replica::check_force`]):
//! - F1: the log counts, for each act, the undos in force that name it.
//! - F2: the order counts, for each character, the acts in force that hide it: deletes that name it, and undos that
//!   name its insert.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::id::{AuthorIx, Id};
use super::limits::MAX_UNDO_DEPTH;
use super::log::{ActKind, Entry, Log};
use super::op::Span;
use super::order::{Order, Shown};
use super::replica::{Change, Replica, push_removed};

impl Replica {
    /// How deep an undo of these operations is nested.
    pub(crate) fn depth(&self, targets: &[Span]) -> u8 {
        let mut deepest = 0;
        for span in targets {
            for_each_entry(&self.log, *span, |_, entry| {
                if let Entry::Act(ActKind::Undo(depth)) = entry {
                    deepest = deepest.max(depth);
                }
            });
        }
        deepest + 1
    }

    /// The spans without the undos that no undo may name, because they are nested as deep as may be.
    pub(crate) fn without_deepest(&self, spans: &[Span]) -> Vec<Span> {
        let mut kept: Vec<Span> = Vec::new();
        for span in spans {
            for_each_entry(&self.log, *span, |part, entry| match entry {
                Entry::Act(ActKind::Undo(MAX_UNDO_DEPTH)) => {}
                _ => kept.push(part),
            });
        }
        kept
    }

    /// Brings a new delete or undo into force.
    ///
    /// One rule: an operation is in force while no undo in force names it; text shows iff its insert
    /// is in force and no delete in force names it. So each act keeps how many undos in force name it,
    /// each character how many acts in force hide it.
    pub(crate) fn enforce(&mut self, author: AuthorIx, seq: u32, changes: &mut Vec<Change>) {
        let before = changes.len();
        let mut shown = |log: &Log, Shown { at, span, visible }: Shown| {
            let len = span.len as usize;
            if visible {
                let from = log.op_id(span.start);
                changes.push(Change::Insert { at, from, len });
                return;
            }
            // (What another act hid stays by itself: it may be kept where this is dropped.)
            push_removed(changes, before, at, len);
        };
        // Nothing can name a new act yet. Almost all are deletes, and touch no other act.
        if self.log[author].act(seq) == Some(ActKind::Delete) {
            hide(&mut self.order, &self.log, author, seq, 1, shown);
            return;
        }
        self.settle(author, seq, false, &mut shown);
    }

    /// Settles what follows when an undo, which `was` in force or not, is now in force if no undo in force names it.
    ///
    /// What an undo names is nested less deep than itself, so going through the acts from the deepest on, each is
    /// looked at once, when all that names it is settled.
    pub(crate) fn settle(
        &mut self,
        author: AuthorIx,
        seq: u32,
        was: bool,
        shown: &mut impl FnMut(&Log, Shown),
    ) {
        let key = |log: &Log, author: AuthorIx, seq: u32| {
            let depth = match log[author].act(seq) {
                Some(ActKind::Undo(depth)) => depth,
                _ => 0,
            };
            (Reverse(depth), author, seq)
        };
        // Acts that may change, with whether they were in force before.
        let mut unsettled = BTreeMap::from([(key(&self.log, author, seq), was)]);
        while let Some(((_, author, seq), was)) = unsettled.pop_first() {
            let delta = match (was, self.log[author].undos(seq) == 0) {
                (false, true) => 1,
                (true, false) => -1,
                _ => continue,
            };
            hide(&mut self.order, &self.log, author, seq, delta, &mut *shown);
            if self.log[author].act(seq) == Some(ActKind::Delete) {
                continue;
            }
            let mut acts = Vec::new();
            for span in self.log[author].targets(seq).iter() {
                for_each_entry(&self.log, *span, |part, entry| {
                    if let Entry::Act(_) = entry {
                        acts.push(part.start);
                    }
                });
            }
            for Id { author, seq } in acts {
                let in_force = self.log[author].undos(seq) == 0;
                let key = key(&self.log, author, seq);
                unsettled.entry(key).or_insert(in_force);
                self.log[author].count_undo(seq, delta);
            }
        }
    }

    /// Panics if a count is not what counting gives. O(operations + what acts name).
    pub(crate) fn check_force(&self) {
        let mut named: BTreeMap<(AuthorIx, u32), u32> = BTreeMap::new();
        for (ix, log) in self.log.authors() {
            for seq in log.acts().filter(|seq| log.undos(*seq) == 0) {
                let is_delete = log.act(seq) == Some(ActKind::Delete);
                for span in log.targets(seq).iter() {
                    for_each_entry(&self.log, *span, |part, entry| {
                        let is_act = matches!(entry, Entry::Act(_));
                        assert!(!(is_delete && is_act), "F1: {ix:?} {seq} deletes an act");
                        for seq in part.start.seq..part.end() {
                            *named.entry((part.start.author, seq)).or_default() += 1;
                        }
                    });
                }
            }
        }
        let count = |author, seq| named.get(&(author, seq)).copied().unwrap_or(0);
        for (ix, log) in self.log.authors() {
            for seq in log.acts() {
                assert_eq!(log.undos(seq), count(ix, seq), "F1: {ix:?} {seq}");
            }
        }
        for run in self.order.runs() {
            let Id { author, seq } = run.id();
            for seq in seq..seq + run.len {
                assert_eq!(run.hides, count(author, seq), "F2: {author:?} {seq}");
            }
        }
    }
}

/// Adds `delta` to how many acts hide the characters that the act `seq` of `author` names, and tells
/// of every stretch that this shows or hides.
fn hide(
    order: &mut Order,
    log: &Log,
    author: AuthorIx,
    seq: u32,
    delta: i32,
    mut shown: impl FnMut(&Log, Shown),
) {
    let mut shown = |stretch: Shown| shown(log, stretch);
    let is_delete = log[author].act(seq) == Some(ActKind::Delete);
    for span in log[author].targets(seq).iter() {
        if is_delete {
            order.hide(*span, delta, &mut shown);
            continue;
        }
        for_each_entry(log, *span, |part, entry| {
            if let Entry::Insert(_) = entry {
                order.hide(part, delta, &mut shown);
            }
        });
    }
}

/// Calls `each` with every insert entry (cut to the span), act and note of a span.
fn for_each_entry(log: &Log, span: Span, mut each: impl FnMut(Span, Entry<'_>)) {
    let mut seq = span.start.seq;
    while seq < span.end() {
        let entry = log[span.start.author]
            .entry(seq)
            .expect("targets were checked to be here");
        let end = match &entry {
            Entry::Insert(run) => (run.seq + run.len).min(span.end()),
            _ => seq + 1,
        };
        each(
            Span {
                start: Id::new(span.start.author, seq),
                len: end - seq,
            },
            entry,
        );
        seq = end;
    }
}
