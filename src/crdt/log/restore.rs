//! A log put together from a history, in which all inserts are known before the rest is.
//!
//! Each insert entry is announced as it is read, with what is known of it; the operations are then taken in
//! again in the same order, and each entry completed at its turn.

use super::super::id::{AuthorIx, Id};
use super::super::op::{BatchInfo, Span};
use super::act::{ActKind, ActRun, Names};
use super::{AuthorLog, BatchRun, InsertRun, Log};

impl InsertRun {
    /// The number after the last character.
    pub(crate) const fn end(&self) -> u32 {
        self.seq + self.len
    }
}

impl AuthorLog {
    /// All insert entries, in the order of their numbers.
    pub(crate) fn insert_runs(&self) -> &[InsertRun] {
        &self.inserts
    }

    /// How deep each undo is nested, and its number.
    pub(crate) fn undos_made(&self) -> impl Iterator<Item = (u8, u32)> {
        self.acts.iter().filter_map(|run| match run.kind {
            ActKind::Undo(depth) => Some((depth, run.seq)),
            ActKind::Delete => None,
        })
    }

    /// Calls `each` with what the deletes name; deletes of one character each that follow each other, with what
    /// they name together.
    pub(crate) fn each_deleted(&self, mut each: impl FnMut(Span)) {
        for run in self.acts.iter().filter(|run| run.kind == ActKind::Delete) {
            let (start, len) = match run.names {
                Names::Forwards(first) => (first, run.len),
                Names::Backwards(first) => {
                    (Id::new(first.author, first.seq - (run.len - 1)), run.len)
                }
                Names::Spans { start, end } => {
                    let spans = &self.targets[start as usize..end as usize];
                    spans.iter().copied().for_each(&mut each);
                    continue;
                }
            };
            each(Span { start, len });
        }
    }
}

impl Log {
    /// Takes memory for so many batches that differ.
    pub(crate) fn reserve_batches(&mut self, author: AuthorIx, more: usize) {
        self[author].batches.reserve(more);
    }

    /// Takes memory for so many insert entries.
    pub(crate) fn reserve_inserts(&mut self, author: AuthorIx, more: usize) {
        self[author].inserts.reserve(more);
    }

    /// Takes memory for so many acts of each author.
    pub(crate) fn reserve_acts(&mut self, more: &[usize]) {
        for (log, more) in self.authors.iter_mut().zip(more) {
            log.acts.reserve(*more);
            log.targets.reserve(*more);
        }
    }

    /// Appends `count` batches like `first`, with Lamport values that rise by one, whose operations
    /// come later. The version does not know of them.
    #[inline]
    pub(crate) fn push_batches(&mut self, author: AuthorIx, first: BatchInfo, count: u32) {
        let log = &mut self[author];
        let run = BatchRun {
            seq: first.seq,
            width: first.end - first.seq,
            count,
            lamport: first.lamport,
            minutes: first.minutes,
            source: first.source,
        };
        log.next = run.end();
        log.batches.push(run);
    }

    /// Whether there is any undo.
    pub(crate) fn has_undos(&self) -> bool {
        self.authors
            .iter()
            .any(|log| log.undos_made().next().is_some())
    }

    /// Makes the insert entry for `len` characters from number `seq` on, whose turn comes later.
    #[inline]
    pub(crate) fn announce_run(&mut self, author: AuthorIx, seq: u32, left: Option<Id>, len: u32) {
        let log = &mut self[author];
        let chars = log.chars();
        log.inserts.push(InsertRun {
            seq,
            len,
            left,
            right: None,
            chars,
        });
    }

    /// Takes in the author's insert entry number `n`, which has been announced, as its next operations;
    /// `None` if it continues the one before, and so should be one with it.
    #[inline]
    pub(crate) fn complete_run(
        &mut self,
        author: AuthorIx,
        n: usize,
        right: Option<Id>,
    ) -> Option<()> {
        let log = &mut self[author];
        let (before, run) = log.inserts[..=n].split_at_mut(n);
        let run = &mut run[0];
        run.right = right;
        let InsertRun { seq, left, len, .. } = *run;
        if left == Id::new(author, seq).before()
            && let Some(before) = before.last()
            && before.end() == seq
            && before.right == right
        {
            return None;
        }
        log.end += len;
        for other in [left, right] {
            if let Some(other) = other
                && other.author != author
            {
                log.mention(other.author, seq);
            }
        }
        Some(())
    }

    /// Appends deletes of one character each, in `span`'s order or backwards.
    #[inline]
    pub(crate) fn push_keys(&mut self, author: AuthorIx, span: Span, backwards: bool) {
        let log = &mut self[author];
        let seq = log.end;
        if span.start.author != author {
            log.mention(span.start.author, seq);
        }
        log.acts.push(ActRun {
            seq,
            len: span.len,
            kind: ActKind::Delete,
            names: if backwards {
                Names::Backwards(span.start.plus(span.len - 1))
            } else {
                Names::Forwards(span.start)
            },
        });
        log.end += span.len;
    }
}
