//! How batches are closed: what goes on like the one before, as typing does, is counted with it.

use super::super::id::AuthorIx;
use super::super::op::Source;
use super::{AuthorLog, BatchRun, Log};

impl Log {
    /// Closes a batch at number `end`: from now on it is part of the version.
    #[inline]
    pub(crate) fn close_batch(
        &mut self,
        author: AuthorIx,
        end: u32,
        lamport: u64,
        minutes: u32,
        source: Source,
    ) {
        if !self.close_alike(author, end, lamport, minutes, source) {
            self.close_any(author, end, lamport, minutes, source);
        }
    }

    /// [`close_batch`](Self::close_batch) of a batch that goes on like the one before; else does nothing.
    #[inline(always)]
    pub(crate) fn close_alike(
        &mut self,
        author: AuthorIx,
        end: u32,
        lamport: u64,
        minutes: u32,
        source: Source,
    ) -> bool {
        let log = &mut self.authors[author.index()];
        if let Some(run) = log.batches.last_mut()
            && run.width == end - log.next
            && run.lamport + u64::from(run.count) == lamport
            && run.minutes == minutes
            && run.source == source
            && self.version.advance_at(log.place, &log.id, end)
        {
            run.count += 1;
            log.next = end;
            self.recent = author.index();
            return true;
        }
        false
    }

    /// [`close_batch`](Self::close_batch) of any batch.
    #[inline(never)]
    pub(crate) fn close_any(
        &mut self,
        author: AuthorIx,
        end: u32,
        lamport: u64,
        minutes: u32,
        source: Source,
    ) {
        self.recent = author.index();
        let log = &mut self.authors[author.index()];
        debug_assert!(end <= log.end && log.next < end);
        let width = end - log.next;
        match log.batches.last_mut() {
            Some(run)
                if run.width == width
                    && run.lamport + u64::from(run.count) == lamport
                    && run.minutes == minutes
                    && run.source == source =>
            {
                run.count += 1;
            }
            _ => log.push_batch(width, lamport, minutes, source),
        }
        log.next = end;
        if !self.version.advance_at(log.place, &log.id, end) {
            self.advance(author);
        }
    }

    /// Brings the version up to the author's head, and remembers where the author stands in it.
    #[cold]
    pub(crate) fn advance(&mut self, author: AuthorIx) {
        let log = &mut self.authors[author.index()];
        log.place = self.version.advance(log.id, log.next);
    }
}

impl AuthorLog {
    /// Appends a batch that does not go on like the last one.
    fn push_batch(&mut self, width: u32, lamport: u64, minutes: u32, source: Source) {
        self.batches.push(BatchRun {
            seq: self.next,
            width,
            count: 1,
            lamport,
            minutes,
            source,
        });
    }
}
