//! Taking back operations of any author: doing it, and seeing beforehand what it would do.

use std::ops::Range;

use super::id::{Id, OpId};
use super::limits::MAX_UNDO_DEPTH;
use super::log::{ActKind, Log};
use super::op::Span;
use super::order::Shown;
use super::replica::{Change, Replica};

impl Replica {
    /// Takes back the operations named, of any author, undos included: they are not in force while
    /// this undo is. Returns the undo's own names, with which it can be taken back. Passed over are operations that
    /// are not here, and undos that are nested as deep as may be.
    pub fn undo(&mut self, ops: &[Range<OpId>], changes: &mut Vec<Change>) -> Vec<Range<OpId>> {
        let spans = self.undoable(ops);
        let first = self.next_op();
        self.act(ActKind::Undo(self.depth(&spans)), &spans, changes);
        let end = self.next_op();
        if first == end {
            return Vec::new();
        }
        vec![first..end]
    }

    /// What [`undo`](Self::undo) of these operations would do to the visible text: stretches that would disappear or
    /// appear, in the order of the text. Unlike those of an undo, all positions are in the text as it is now.
    /// Costs about what doing it and taking it back again costs, since that is how it is found out.
    pub fn preview_undo(&mut self, ops: &[Range<OpId>]) -> Vec<Change> {
        self.order.reindex();
        let spans = self.undoable(ops);
        let flipped = self.flipped_by(&spans);
        let mut changes = Vec::new();
        for span in flipped {
            let mut id = span.start;
            while id.seq < span.end() {
                let place = self.order.place(id);
                let run = self.order.run(place);
                let len = (run.id().seq + run.len).min(span.end()) - id.seq;
                changes.push((place, run.hides == 0, Span { start: id, len }));
                id = id.plus(len);
            }
        }
        changes.sort_unstable_by(|(a, ..), (b, ..)| self.order.compare(*a, *b));
        let mut stretches = Vec::new();
        for (place, visible, span) in changes {
            let at = self.order.visible_before(place);
            let len = span.len as usize;
            let from = self.log.op_id(span.start);
            match stretches.last_mut() {
                Some(Change::Remove {
                    at: start,
                    len: sum,
                }) if visible && *start + *sum == at => {
                    *sum += len;
                }
                Some(Change::Insert {
                    at: start,
                    from: first,
                    len: sum,
                }) if !visible
                    && *start == at
                    && first.author == from.author
                    && first.seq + *sum as u32 == from.seq =>
                {
                    *sum += len;
                }
                _ if visible => stretches.push(Change::Remove { at, len }),
                _ => stretches.push(Change::Insert { at, from, len }),
            }
        }
        stretches
    }

    /// The characters that an undo of `spans` would show or hide. The undo is made, and taken out again.
    fn flipped_by(&mut self, spans: &[Span]) -> Vec<Span> {
        // A stretch is toggled each time that something shows or hides it; of the borders of all those, the ones
        // that are there an odd number of times enclose what is not as before in the end.
        let mut borders: Vec<Id> = Vec::new();
        let mut toggle = |_: &Log, Shown { span, .. }: Shown| {
            borders.extend([span.start, span.start.plus(span.len)]);
        };
        let first = self.next_op().seq;
        let me = self.me_ix();
        let kind = ActKind::Undo(self.depth(spans));
        let mut acts = Vec::new();
        for piece in spans.chunks(super::limits::BATCH_TARGETS) {
            let seq = self.log.push_act(me, kind, piece);
            self.settle(me, seq, false, &mut toggle);
            acts.push(seq);
        }
        for seq in acts.into_iter().rev() {
            self.log[me].count_undo(seq, 1);
            self.settle(me, seq, true, &mut |_, _| {});
            self.log[me].count_undo(seq, -1);
        }
        self.log.drop_from(me, first);
        borders.sort_unstable_by_key(|id| (id.author, id.seq));
        let mut odd: Vec<Id> = Vec::new();
        for id in borders {
            if odd.last() == Some(&id) {
                odd.pop();
            } else {
                odd.push(id);
            }
        }
        let pairs = odd.chunks_exact(2);
        pairs
            .map(|pair| Span {
                start: pair[0],
                len: pair[1].seq - pair[0].seq,
            })
            .collect()
    }

    /// What of `ops` an undo may name, each once.
    fn undoable(&self, ops: &[Range<OpId>]) -> Vec<Span> {
        let mut spans = Vec::new();
        for Range { start, end } in ops {
            let Some(author) = self.log.ix(&start.author) else {
                continue;
            };
            let end = end.seq.min(self.log[author].end());
            if start.seq < end {
                let start = Id::new(author, start.seq);
                let len = end - start.seq;
                spans.push(Span { start, len });
            }
        }
        join_overlaps(&mut spans);
        if self.depth(&spans) > MAX_UNDO_DEPTH {
            spans = self.without_deepest(&spans);
        }
        spans
    }
}

/// Makes spans name each operation once.
fn join_overlaps(spans: &mut Vec<Span>) {
    spans.sort_unstable_by_key(|span| (span.start.author.index(), span.start.seq));
    spans.dedup_by(|span, before| {
        let joined = before.start.author == span.start.author && span.start.seq <= before.end();
        if joined {
            before.len = before.end().max(span.end()) - before.start.seq;
        }
        joined
    });
}
