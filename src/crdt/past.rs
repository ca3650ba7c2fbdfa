//! How things were at some version.

use super::id::AuthorId;
use super::replica::{Replica, Verdict};
use super::version::Version;

impl Replica {
    /// The visible text of everything in `heads`, which must be known here and closed: with each
    /// operation its causes. O(n log n), as merging all of it.
    pub fn text_at(&self, heads: &Version) -> String {
        // Nothing is written as this author.
        let mut past = Self::new(AuthorId([0; 16]));
        let (mut bytes, mut changes) = (Vec::new(), Vec::new());
        let mut behind: Vec<(AuthorId, u32)> = heads.iter().collect();
        // In turns, so that what waits for the others' operations is not more than one batch each.
        while !behind.is_empty() {
            let before = past.log().version().clone();
            behind.retain(|(author, end)| {
                loop {
                    let seq = past.log().next(author);
                    bytes.clear();
                    changes.clear();
                    if seq >= *end || self.log().batch_at(author, seq, &mut bytes).is_none() {
                        return false;
                    }
                    if past.merge(*author, seq, &bytes, &mut changes) != Verdict::Applied {
                        return true;
                    }
                }
            });
            if *past.log().version() == before {
                break;
            }
        }
        past.visible_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crdt::Source;

    #[test]
    fn every_text_that_ever_was_is_found_again() {
        let seed = std::env::var("COLLAB_EDIT_SEED").map_or(1, |s| s.parse().expect("a number"));
        eprintln!("COLLAB_EDIT_SEED={seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut replicas: Vec<Replica> = (1..4).map(|n| Replica::new(AuthorId([n; 16]))).collect();
        let mut texts = Vec::new();
        for _ in 0..300 {
            let one = rng.usize(0..3);
            let replica = &mut replicas[one];
            let len = replica.len();
            match rng.u8(0..10) {
                0..=5 => drop(replica.insert(rng.usize(0..=len), "é日x")),
                6..=7 => replica.delete(rng.usize(0..=len / 2)..len),
                _ => {
                    let end = replica.next_op();
                    let start = crate::crdt::OpId {
                        seq: rng.u32(0..=end.seq),
                        ..end
                    };
                    replica.undo(&[start..end], &mut Vec::new());
                }
            }
            replica.commit(0, Source::Typed);
            texts.push((replica.log().version().clone(), replica.visible_text()));
            let other = rng.usize(0..3);
            if other != one {
                let (author, mut bytes) = (replicas[one].me(), Vec::new());
                let mut seq = replicas[other].log().next(&author);
                while let Some(next) = replicas[one].log().batch_at(&author, seq, &mut bytes) {
                    replicas[other].merge(author, seq, &bytes, &mut Vec::new());
                    (seq, _) = (next, bytes.clear());
                }
            }
        }
        for (from, to) in [(0, 1), (1, 0), (2, 0), (1, 0)] {
            let author = replicas[from].me();
            let (mut seq, mut bytes) = (replicas[to].log().next(&author), Vec::new());
            while let Some(next) = replicas[from].log().batch_at(&author, seq, &mut bytes) {
                replicas[to].merge(author, seq, &bytes, &mut Vec::new());
                (seq, _) = (next, bytes.clear());
            }
        }
        assert_eq!(replicas[0].waiting(), 0);
        for (heads, text) in texts {
            assert_eq!(replicas[0].text_at(&heads), text);
        }
    }
}
