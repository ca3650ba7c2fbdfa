//! Counting edits as people do: a batch is one.

use super::Log;
use crate::crdt::AuthorId;

impl Log {
    /// How many batches hold `author`'s operations `from..to`, as far as they are here. O(log n) and the
    /// runs of like batches between.
    pub fn batches_between(&self, author: &AuthorId, from: u32, to: u32) -> u64 {
        let Some(log) = self.ix(author).map(|ix| &self[ix]) else {
            return 0;
        };
        let first = log.batches.partition_point(|run| run.end() <= from);
        let mut count = 0;
        for run in log.batches[first..].iter().take_while(|run| run.seq < to) {
            let (start, end) = (from.max(run.seq), to.min(run.end()));
            if start < end {
                let nth = |seq| (seq - run.seq) / run.width;
                count += u64::from(nth(end - 1) - nth(start) + 1);
            }
        }
        count
    }
}
