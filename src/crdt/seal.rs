//! The chain of an author's batches, and the signatures over it that are kept: seals.
//!
//! Each batch is hashed with the hash of all before it, over its one encoding. So one signature over
//! the last hash vouches for everything, and two logs of one author that agree in a hash agree in all
//! that is under it. Of the signatures some are kept: the newest, and before it one whenever
//! [`SEAL_BATCHES`] or [`SEAL_BYTES`] have gone by, so that what has to be believed before the next
//! signature is bounded.
//!
//! Deliberately not here: what a signature is and whether it is right. Here it is some bytes.

use super::id::{AuthorId, OpId};
use super::log_source::LogSource;
use super::replica::{Change, Replica, Typed, Verdict};

/// How many batches there are at most between two seals that are kept.
pub const SEAL_BATCHES: u32 = 1024;

/// How many bytes of batches there are at most between two seals that are kept, unless it is one
/// batch: what one message takes.
pub const SEAL_BYTES: u32 = 64 << 10;

/// Length of a signature in bytes.
pub const SEAL_SIGNATURE_BYTES: usize = 64;

/// The hash over all batches of an author up to some number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chain(pub [u8; 32]);

/// The first half of a [`Chain`]: enough to tell two of them apart.
pub type ShortChain = [u8; 16];

impl Chain {
    /// The chain of an author that has written nothing.
    pub fn start(author: &AuthorId) -> Self {
        Self(blake3::derive_key("collab-edit 1 chain", &author.0))
    }

    /// The chain with one more batch: its first operation's number, how many operations it holds, its
    /// encoding.
    #[must_use]
    pub fn then(self, seq: u32, width: u32, batch: &[u8]) -> Self {
        const HEAD: usize = 32 + 4 + 4;
        // One call for a short one is three times as fast as a hasher.
        let mut short = [0; 256];
        short[..32].copy_from_slice(&self.0);
        short[32..36].copy_from_slice(&seq.to_be_bytes());
        short[36..HEAD].copy_from_slice(&width.to_be_bytes());
        let len = HEAD + batch.len();
        if let Some(rest) = short.get_mut(HEAD..len) {
            rest.copy_from_slice(batch);
            return Self(blake3::hash(&short[..len]).into());
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&short[..HEAD]);
        hasher.update(batch);
        Self(hasher.finalize().into())
    }

    /// Its first half.
    pub fn short(&self) -> ShortChain {
        let mut short = [0; 16];
        short.copy_from_slice(&self.0[..16]);
        short
    }
}

/// An author's signature over everything it has written up to some number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seal {
    /// The number after the last operation under it; a batch ends there.
    pub end: u32,
    /// The chain there.
    pub chain: Chain,
    /// The signature.
    pub signature: [u8; SEAL_SIGNATURE_BYTES],
}

/// A seal, and what is between it and the one that is kept before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeptSeal {
    /// The seal.
    pub seal: Seal,
    /// How many batches.
    pub batches: u32,
    /// How many bytes of batches.
    pub bytes: u32,
}

/// An author's seals that are kept, by their ends.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Seals(Vec<KeptSeal>);

impl Seals {
    /// Adds a seal where it ends; the one before it goes if it is not needed. If there is one that ends at the
    /// same place, that stays.
    pub fn push(&mut self, new: KeptSeal) {
        let place = self.0.partition_point(|kept| kept.seal.end < new.seal.end);
        let later = self.0.split_off(place);
        if later
            .first()
            .is_some_and(|next| next.seal.end == new.seal.end)
        {
            self.0.extend(later);
            return;
        }
        match self.0.last_mut() {
            Some(last)
                if last.batches.saturating_add(new.batches) <= SEAL_BATCHES
                    && last.bytes.saturating_add(new.bytes) <= SEAL_BYTES =>
            {
                *last = KeptSeal {
                    seal: new.seal,
                    batches: last.batches + new.batches,
                    bytes: last.bytes + new.bytes,
                };
            }
            _ => self.0.push(new),
        }
        self.0.extend(later);
    }

    /// The number after the last operation that is sealed.
    pub fn end(&self) -> u32 {
        self.0.last().map_or(0, |last| last.seal.end)
    }

    /// The last seal that ends at `seq` or before.
    pub fn up_to(&self, seq: u32) -> Option<&Seal> {
        let after = self.0.partition_point(|kept| kept.seal.end <= seq);
        Some(&self.0[after.checked_sub(1)?].seal)
    }

    /// The seals that end after `seq`, the first one first.
    pub fn after(&self, seq: u32) -> &[KeptSeal] {
        &self.0[self.0.partition_point(|kept| kept.seal.end <= seq)..]
    }

    /// Takes over newer seals that follow on those up to `base`. Of ours, those behind all of them stay.
    pub fn join(&mut self, base: u32, newer: impl IntoIterator<Item = KeptSeal>) {
        let behind = self.0.partition_point(|kept| kept.seal.end <= base);
        let ours = self.0.split_off(behind);
        newer.into_iter().for_each(|kept| self.push(kept));
        let end = self.end();
        self.0
            .extend(ours.into_iter().filter(|kept| kept.seal.end > end));
    }

    /// All of them, the first one first.
    pub fn iter(&self) -> impl Iterator<Item = &KeptSeal> {
        self.0.iter()
    }

    /// The chain at `seq`, if a batch ends there, given the author's log. O(batches since the seal
    /// before).
    pub fn chain_at(&self, author: &AuthorId, seq: u32, log: &impl LogSource) -> Option<Chain> {
        let (mut at, mut chain) = self
            .up_to(seq)
            .map_or_else(|| (0, Chain::start(author)), |seal| (seal.end, seal.chain));
        let mut batch = Vec::new();
        while at < seq {
            let end = next_batch(log, author, at, &mut batch)?;
            chain = chain.then(at, end - at, &batch);
            at = end;
        }
        (at == seq).then_some(chain)
    }
}

/// A digest of how far each author's log is known and of the chain there: BLAKE3 over each author's
/// sixteen bytes, how many operations are known as four big-endian bytes, and the chain, in the order
/// of authors. Those of whom none are known do not count.
pub fn digest(tips: impl Iterator<Item = (AuthorId, u32, Chain)>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for (author, next, chain) in tips.filter(|(_, next, _)| *next > 0) {
        hasher.update(&author.0);
        hasher.update(&next.to_be_bytes());
        hasher.update(&chain.0);
    }
    hasher.finalize().into()
}

/// Puts the author's batch that starts at `seq` into `batch`, one that waits too, and returns the number
/// after it.
pub fn next_batch(
    log: &impl LogSource,
    author: &AuthorId,
    seq: u32,
    batch: &mut Vec<u8>,
) -> Option<u32> {
    batch.clear();
    let end = log.batch_at(author, seq, batch);
    let end = end.or_else(|| log.waiting_at(author, seq, batch));
    end.filter(|end| *end > seq)
}

/// A batch without its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedBatch {
    /// How many operations it holds.
    pub width: u32,
    /// Its encoding.
    pub bytes: Vec<u8>,
}

/// Consecutive batches of an author up to a seal: the least that can be passed on and believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// Who wrote them.
    pub author: AuthorId,
    /// The first operation of the first.
    pub seq: u32,
    /// The batches.
    pub batches: Vec<SealedBatch>,
    /// The seal behind the last.
    pub seal: Seal,
}

impl Replica {
    /// [`merge`](Self::merge) for a batch of which it was said how many operations it holds. It is
    /// invalid if that is wrong.
    ///
    /// # Panics
    /// If local operations have not been [committed](Self::commit).
    pub fn merge_sized(
        &mut self,
        first: OpId,
        width: u32,
        bytes: &[u8],
        changes: &mut Vec<Change>,
    ) -> Verdict {
        self.merge_said(first, Some(width), bytes, changes)
    }

    /// [`merge`](Self::merge) for a batch that may have been said to hold `width` operations.
    pub(crate) fn merge_said(
        &mut self,
        first: OpId,
        width: Option<u32>,
        bytes: &[u8],
        changes: &mut Vec<Change>,
    ) -> Verdict {
        if let Some(Typed { at, chars, .. }) = self.merge_edit(first, width, bytes, changes) {
            if chars > 0 {
                let OpId { author, .. } = first;
                let seq = self.log.next(&author) - chars as u32;
                let from = OpId { author, seq };
                changes.push(Change::Insert {
                    at,
                    from,
                    len: chars,
                });
            }
            return Verdict::Applied;
        }
        self.merge_any(first, width, bytes, changes)
    }

    /// Takes nothing more of an author.
    pub fn freeze(&mut self, author: AuthorId) {
        if let Ok(ix) = self.log.intern(author) {
            self.log.freeze(ix);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crdt::Source;

    fn kept(end: u32, batches: u32, bytes: u32) -> KeptSeal {
        let seal = Seal {
            end,
            chain: Chain([0; 32]),
            signature: [0; 64],
        };
        KeptSeal {
            seal,
            batches,
            bytes,
        }
    }

    #[test]
    fn what_is_between_two_seals_is_bounded_and_few_are_kept() {
        let mut seals = Seals::default();
        for end in 1..=100_000 {
            seals.push(kept(end, 1, 6));
        }
        assert_eq!(seals.end(), 100_000);
        assert!(seals.iter().all(|kept| kept.batches <= SEAL_BATCHES));
        assert_eq!(seals.iter().map(|kept| kept.batches).sum::<u32>(), 100_000);
        assert_eq!(seals.iter().count(), 100_000usize.div_ceil(1024));
        // Long ones, and one that is longer than anything may be.
        for end in 100_001..100_100 {
            seals.push(kept(end, 1, 30_000));
        }
        seals.push(kept(100_100, 1, 1 << 20));
        seals.push(kept(100_100, 1, 1));
        let longest = seals.iter().filter(|kept| kept.bytes > SEAL_BYTES);
        assert_eq!(longest.map(|kept| kept.batches).collect::<Vec<_>>(), [1]);
        assert_eq!(seals.up_to(5), None);
        assert_eq!(seals.up_to(1024).map(|seal| seal.end), Some(1024));
        assert_eq!(seals.after(1024)[0].seal.end, 2048);
        assert!(seals.after(100_100).is_empty());
    }

    #[test]
    fn every_part_of_a_batch_is_in_the_chain() {
        let start = Chain::start(&AuthorId([1; 16]));
        let one = start.then(0, 2, b"ab");
        let long = [b'x'; 3000];
        for other in [
            Chain::start(&AuthorId([2; 16])).then(0, 2, b"ab"),
            start.then(1, 2, b"ab"),
            start.then(0, 3, b"ab"),
            start.then(0, 2, b"ac"),
            start.then(0, 2, b"ab\0"),
            start.then(0, 2, &long),
        ] {
            assert_ne!(one, other);
        }
        assert_ne!(start.then(0, 2, &long), start.then(0, 2, &long[1..]));
        // The short way and the long way are one hash.
        let by_hand = |batch: &[u8]| {
            let head = [
                &start.0[..],
                &0u32.to_be_bytes(),
                &2u32.to_be_bytes(),
                batch,
            ]
            .concat();
            Chain(blake3::hash(&head).into())
        };
        assert_eq!(one, by_hand(b"ab"));
        assert_eq!(start.then(0, 2, &long), by_hand(&long));
    }

    #[test]
    fn the_chain_is_found_again_from_the_log() {
        let author = AuthorId([1; 16]);
        let mut replica = Replica::new(author);
        let (mut seals, mut chain, mut ends) = (Seals::default(), Chain::start(&author), vec![]);
        for n in 0..3000 {
            let text = "abc".repeat(1 + n % 3);
            let at = n % (replica.len() + 1);
            replica.insert(at, &text);
            let seq = replica.commit(0, Source::Typed).unwrap();
            let mut batch = Vec::new();
            let end = next_batch(&replica, &author, seq, &mut batch).unwrap();
            chain = chain.then(seq, end - seq, &batch);
            ends.push((end, chain));
            let (mut kept, bytes) = (kept(end, 1, batch.len() as u32), batch.len() as u32);
            kept.seal.chain = chain;
            kept.bytes = bytes;
            seals.push(kept);
        }
        for (end, chain) in ends {
            assert_eq!(seals.chain_at(&author, end, &replica), Some(chain));
            assert_eq!(seals.chain_at(&author, end - 1, &replica), None);
        }
        assert_eq!(seals.chain_at(&author, 1 << 20, &replica), None);
    }
}
