//! Taking operations out again that are in no complete batch.

use super::{AuthorIx, Log, Names};

impl Log {
    /// Drops the operations of `author` that are in no complete batch.
    pub(crate) fn drop_open(&mut self, author: AuthorIx) {
        self.drop_from(author, self[author].next);
    }

    /// Drops the operations of `author`, which are in no complete batch, from number `next` on.
    pub(crate) fn drop_from(&mut self, author: AuthorIx, next: u32) {
        let log = &mut self[author];
        while let Some(run) = log.inserts.last_mut()
            && run.end() > next
        {
            run.len = next.saturating_sub(run.seq);
            let chars = (run.chars + run.len) as usize;
            log.text.truncate(chars);
            if run.len > 0 {
                break;
            }
            log.inserts.pop();
        }
        while let Some(run) = log.acts.last_mut()
            && run.end() > next
        {
            run.len = next.saturating_sub(run.seq);
            if run.len > 0 {
                break;
            }
            if let Names::Spans { start, .. } = run.names {
                log.targets.truncate(start as usize);
            }
            log.acts.pop();
        }
        let notes = log.notes.partition_point(|note| note.seq < next);
        let dropped = log.notes.len() - notes;
        log.notes.truncate(notes);
        log.dictionary.retain(|(_, seq)| *seq < next);
        log.end = next;
        self.notes -= dropped;
    }

    /// Forgets which acts are undone, for building the order anew from the log.
    pub(crate) fn forget_undos(&mut self) {
        for log in &mut self.authors {
            log.undone.clear();
        }
    }
}
