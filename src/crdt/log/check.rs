//! The invariants of the logs, checked.

use super::super::id::Id;
use super::{Entry, Log};

impl Log {
    /// Panics if an invariant of the module does not hold. O(log).
    pub fn check_invariants(&self) {
        for (ix, log) in self.authors() {
            let mut seq = 0;
            while seq < log.end {
                seq = match log.entry(seq) {
                    Some(Entry::Insert(run)) => {
                        assert_eq!(
                            run.seq, seq,
                            "L1: an insert entry starts inside another entry"
                        );
                        if let Some((before, _)) = log.insert_run(seq.wrapping_sub(1)).zip(run.left)
                        {
                            let joined =
                                run.left == Some(Id::new(ix, seq - 1)) && run.right == before.right;
                            assert!(!joined, "L3: entries at {seq} should be one");
                        }
                        run.end()
                    }
                    Some(_) => seq + 1,
                    None => panic!("L1: nothing at {seq} of {:?}", log.id),
                };
            }
            assert_eq!(seq, log.end, "L1: an entry reaches past the end");
            let mut at = 0;
            for run in &log.batches {
                assert_eq!(run.seq, at, "L2: a gap between batches");
                at = run.end();
            }
            assert_eq!(at, log.next, "L2: batches do not reach the head");
            assert_eq!(
                self.version.next(&log.id),
                log.next,
                "L2: version and log differ"
            );
        }
        let notes: usize = self.authors().map(|(_, log)| log.notes.len()).sum();
        assert_eq!(self.notes(), notes, "notes are counted wrongly");
    }
}
