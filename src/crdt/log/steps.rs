//! An author's log as a person's doings, one after the other: what undo is to go on with after a restart.

use std::ops::Range;

use super::super::id::{AuthorId, OpId};
use super::super::op::BatchInfo;
use super::{ActKind, AuthorLog, Entry, Log};

/// What an author did at once, as far as the log tells: the edits of one turn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The numbers of its operations.
    pub ops: Range<u32>,
    /// The batch that they came in, or the first of several, if they were too much for one.
    pub batch: BatchInfo,
    /// What it did.
    pub what: Doing,
}

/// What a [`Step`] did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Doing {
    /// Inserted one character and nothing else.
    Key {
        /// Which.
        char: char,
        /// Whether it stands right behind the one that the author's operation before inserted.
        goes_on: bool,
    },
    /// Deleted one character and nothing else.
    Erase {
        /// Whether that was next to the one that the author's operation before deleted.
        goes_on: bool,
    },
    /// Inserted and deleted something.
    Edit,
    /// Took back these operations.
    Undo(Vec<Range<OpId>>),
}

impl Log {
    /// What `author` did, in order; notes, which touch no text, are left out. O(operations).
    pub fn steps(&self, author: &AuthorId) -> impl Iterator<Item = Step> {
        let log = self.ix(author).map(|ix| &self[ix]);
        log.into_iter()
            .flat_map(|log| log.turns().map(move |(ops, batch)| (log, ops, batch)))
            .flat_map(move |(log, ops, batch)| {
                let parts = log.parts(ops);
                parts.into_iter().map(move |part| (log, part, batch))
            })
            .filter_map(move |(log, ops, batch)| {
                let what = self.doing(log, &ops)?;
                Some(Step { ops, batch, what })
            })
    }

    /// What these operations did, which are all edits, or one undo or note.
    fn doing(&self, log: &AuthorLog, ops: &Range<u32>) -> Option<Doing> {
        let seq = ops.start;
        Some(match log.entry(seq)? {
            Entry::Note(_) => return None,
            Entry::Act(ActKind::Undo(_)) => {
                let targets = log.targets(seq);
                let names = targets.iter().map(|span| {
                    let OpId { author, seq } = self.op_id(span.start);
                    let op = |seq| OpId { author, seq };
                    op(seq)..op(seq + span.len)
                });
                Doing::Undo(names.collect())
            }
            Entry::Insert(run) if ops.len() == 1 => Doing::Key {
                char: log.text(seq, 1).chars().next()?,
                goes_on: run.seq < seq,
            },
            Entry::Act(ActKind::Delete) if ops.len() == 1 && log.keys(seq).is_some() => {
                Doing::Erase {
                    goes_on: log.act_run(seq).is_some_and(|run| run.seq < seq),
                }
            }
            _ => Doing::Edit,
        })
    }
}

impl AuthorLog {
    /// The numbers of all deletes and undos.
    pub(crate) fn acts(&self) -> impl Iterator<Item = u32> {
        self.acts.iter().flat_map(|run| run.seq..run.end())
    }

    /// The operations that were committed at once, each with the first of its batches: what was cut into several has
    /// one Lamport value.
    fn turns(&self) -> impl Iterator<Item = (Range<u32>, BatchInfo)> {
        let batches = self.batches.iter();
        let mut batches = batches
            .flat_map(|run| (0..run.count).map(|n| run.nth(n)))
            .peekable();
        std::iter::from_fn(move || {
            let first = batches.next()?;
            let mut end = first.end;
            while let Some(more) = batches.next_if(|more| more.lamport == first.lamport) {
                end = more.end;
            }
            Some((first.seq..end, first))
        })
    }

    /// A range of operations, cut so that each undo and each note stands alone.
    fn parts(&self, ops: Range<u32>) -> Vec<Range<u32>> {
        let mut parts: Vec<Range<u32>> = Vec::new();
        let mut joins = false;
        let mut seq = ops.start;
        while seq < ops.end {
            let (end, is_edit) = match self.entry(seq) {
                Some(Entry::Insert(run)) => (run.end().min(ops.end), true),
                Some(Entry::Act(ActKind::Delete)) => (seq + 1, true),
                _ => (seq + 1, false),
            };
            match parts.last_mut() {
                Some(last) if joins && is_edit => last.end = end,
                _ => parts.push(seq..end),
            }
            joins = is_edit;
            seq = end;
        }
        parts
    }
}
