//! Versions: how far each author's log is known.
//!
//! The version of a replica is its *heads*. A version names a set of operations, since an author's
//! operations have no gaps: `next(a) == n` means that `a`'s operations `0..n` are known.

use std::cmp::Reverse;

use super::AuthorId;

/// For each author, the number of its operations that are known.
///
/// Invariants: sorted by author, each once; no author is kept with a count of zero. So equal sets are
/// equal values.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Version(Vec<(AuthorId, u32)>);

impl Version {
    /// The version that knows nothing.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many of `author`'s operations are known; the number of its next one.
    pub fn next(&self, author: &AuthorId) -> u32 {
        self.find(author).map_or(0, |place| self.0[place].1)
    }

    /// Learns that `author`'s operations below `next` are known. Never forgets. Returns where the author
    /// stands now, for `advance_at`.
    pub fn advance(&mut self, author: AuthorId, next: u32) -> usize {
        match self.find(&author) {
            Ok(place) => {
                let known = &mut self.0[place].1;
                *known = (*known).max(next);
                place
            }
            Err(place) => {
                if next > 0 {
                    self.0.insert(place, (author, next));
                }
                place
            }
        }
    }

    /// [`advance`](Self::advance) for an author that stood at `place` the last time; whether it still
    /// does (else nothing is done). O(1).
    #[inline]
    pub(crate) fn advance_at(&mut self, place: usize, author: &AuthorId, next: u32) -> bool {
        match self.0.get_mut(place) {
            Some((known, at)) if known == author => {
                *at = (*at).max(next);
                true
            }
            _ => false,
        }
    }

    /// Where an author stands, or would stand. O(log n).
    fn find(&self, author: &AuthorId) -> Result<usize, usize> {
        self.0
            .binary_search_by_key(&author.number(), |(known, _)| known.number())
    }

    /// Learns everything that `other` knows.
    pub fn join(&mut self, other: &Self) {
        for (author, next) in other.iter() {
            self.advance(author, next);
        }
    }

    /// Whether everything in `other` is known here too.
    pub fn covers(&self, other: &Self) -> bool {
        other
            .iter()
            .all(|(author, next)| self.next(&author) >= next)
    }

    /// The authors and their counts, in the authors' order.
    pub fn iter(&self) -> impl Iterator<Item = (AuthorId, u32)> + '_ {
        self.0.iter().copied()
    }

    /// How many operations are known, over all authors. O(n).
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, next)| u64::from(next)).sum()
    }

    /// How many authors are known.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A digest, equal exactly when the versions are (up to collisions of BLAKE3): over each
    /// author's sixteen bytes and its count as four big-endian bytes, in the authors' order.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for (author, next) in self.iter() {
            hasher.update(&author.0);
            hasher.update(&next.to_be_bytes());
        }
        hasher.finalize().into()
    }
}

impl FromIterator<(AuthorId, u32)> for Version {
    fn from_iter<I: IntoIterator<Item = (AuthorId, u32)>>(entries: I) -> Self {
        let mut version = Self::new();
        version.extend(entries);
        version
    }
}

/// Learns many at once. O(n log n), in whatever order they come: others may name tens of thousands.
impl Extend<(AuthorId, u32)> for Version {
    fn extend<I: IntoIterator<Item = (AuthorId, u32)>>(&mut self, entries: I) {
        let some = entries.into_iter().filter(|(_, next)| *next > 0);
        self.0.extend(some);
        self.0
            .sort_by_key(|(author, next)| (author.number(), Reverse(*next)));
        self.0.dedup_by_key(|(author, _)| *author);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_at_once_are_as_one_by_one() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..1000 {
            let mut some = |most: usize| -> Vec<(AuthorId, u32)> {
                let count = rng.usize(..most);
                let one = || (AuthorId([rng.u8(..6); 16]), rng.u32(..4));
                std::iter::repeat_with(one).take(count).collect()
            };
            let (first, second) = (some(9), some(9));
            let mut one_by_one = Version::new();
            for (author, next) in first.iter().chain(&second) {
                one_by_one.advance(*author, *next);
            }
            let mut at_once: Version = first.into_iter().collect();
            at_once.extend(second);
            assert_eq!(at_once, one_by_one);
        }
    }
}
