//! Which leaf of the order tree holds which of an author's characters.
//!
//! A sorted list of numbers, each with its leaf, cut into chunks so that putting something into the middle moves
//! little. An entry is good from its number to the next entry's; the last one is good for numbers to
//! come, since a run grows where it is.
//!
//! What is looked for can be anywhere, so each step of a search by halving would wait for the one before. Within a chunk
//! the numbers that are not greater are counted instead, many at a time.
//!
//! Invariant: chunks are not empty, and numbers rise within and across them.

use std::hint::select_unpredictable;

/// Entries in a chunk: small under test, so that small documents have several. (A guess; 32 are no better.)
const CHUNK: usize = if cfg!(test) { 4 } else { 64 };

/// See the module.
#[derive(Default)]
pub(super) struct Index {
    /// The first number of each chunk, for the search.
    firsts: Vec<u32>,
    #[expect(
        clippy::vec_box,
        reason = "new ones come between others, and half a kilobyte each would be moved"
    )]
    chunks: Vec<Box<Chunk>>,
    /// The number after the author's last character.
    end: u32,
}

/// Some entries. Behind its `len` entries all numbers are greater than any that is asked for.
struct Chunk {
    len: usize,
    starts: [u32; CHUNK],
    leaves: [u32; CHUNK],
}

impl Chunk {
    /// A chunk of these entries.
    fn of(starts: &[u32], leaves: &[u32]) -> Self {
        let mut chunk = Self {
            len: starts.len(),
            starts: [u32::MAX; CHUNK],
            leaves: [0; CHUNK],
        };
        chunk.starts[..starts.len()].copy_from_slice(starts);
        chunk.leaves[..leaves.len()].copy_from_slice(leaves);
        chunk
    }

    /// How many entries begin at `seq` or in front of it.
    #[inline]
    fn until(&self, seq: u32) -> usize {
        count_until(&self.starts, seq)
    }

    /// Adds an entry behind all others, to a chunk that is not full, unless the last one says the same. (Which cannot be
    /// guessed, and is not branched on.)
    #[inline]
    fn push(&mut self, start: u32, leaf: u32) {
        let len = self.len;
        let is_new = self.leaves[len - 1] != leaf;
        self.starts[len] = select_unpredictable(is_new, start, u32::MAX);
        self.leaves[len] = leaf;
        self.len += usize::from(is_new);
    }

    /// Adds an entry, to a chunk that is not full.
    fn insert(&mut self, entry: usize, start: u32, leaf: u32) {
        self.starts.copy_within(entry..self.len, entry + 1);
        self.leaves.copy_within(entry..self.len, entry + 1);
        (self.starts[entry], self.leaves[entry]) = (start, leaf);
        self.len += 1;
    }

    /// Takes off the entries from one on.
    fn split_off(&mut self, from: usize) -> Self {
        let behind = from..self.len;
        let new = Self::of(&self.starts[behind.clone()], &self.leaves[behind]);
        self.starts[from..].fill(u32::MAX);
        self.len = from;
        new
    }
}

/// How many of some numbers are not greater than one.
#[inline]
fn count_until(numbers: &[u32], seq: u32) -> usize {
    numbers
        .iter()
        .map(|number| u32::from(*number <= seq))
        .sum::<u32>() as usize
}

impl Index {
    /// The chunk that numbers from `seq` on are in.
    #[inline]
    fn chunk(&self, seq: u32) -> Option<usize> {
        let (mut before, mut firsts) = (0, &self.firsts[..]);
        while firsts.len() > CHUNK {
            let half = firsts.len() / 2;
            if firsts[half] <= seq {
                (before, firsts) = (before + half, &firsts[half..]);
            } else {
                firsts = &firsts[..half];
            }
        }
        (before + count_until(firsts, seq)).checked_sub(1)
    }

    /// The leaf that holds number `seq`. O(log n).
    pub(super) fn leaf(&self, seq: u32) -> Option<u32> {
        let chunk = &self.chunks[self.chunk(seq)?];
        Some(chunk.leaves[chunk.until(seq) - 1])
    }

    /// Notes that the run that ended where all did has grown to `end`, where it is.
    pub(super) fn grown(&mut self, end: u32) {
        self.end = end;
    }

    /// Notes that the numbers `from..to`, a run, are in `leaf`. O(log n) and the entries in between; O(1) for
    /// numbers that are new.
    #[inline]
    pub(super) fn set(&mut self, from: u32, to: u32, leaf: u32) {
        if from < self.end {
            self.set_known(from, to, leaf);
            return;
        }
        self.end = to;
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len < CHUNK => chunk.push(from, leaf),
            _ => self.push_chunk(from, leaf),
        }
    }

    #[cold]
    fn push_chunk(&mut self, from: u32, leaf: u32) {
        self.firsts.push(from);
        self.chunks.push(Box::new(Chunk::of(&[from], &[leaf])));
    }

    #[inline(never)]
    fn set_known(&mut self, from: u32, to: u32, leaf: u32) {
        let (mut chunk, mut entry) = self.position(from);
        // What holds in front of the run goes on holding in front of it, and behind it what held at
        // its end.
        let mut held = leaf;
        if self
            .entry(chunk, entry)
            .is_none_or(|(start, _)| start > from)
        {
            // Numbers before the first entry are no characters.
            held = match entry.checked_sub(1) {
                Some(before) => self.chunks[chunk].leaves[before],
                None => leaf,
            };
            if held != leaf || entry == 0 {
                (chunk, entry) = self.insert_at(chunk, entry, (from, leaf));
                entry += 1;
            }
        }
        loop {
            match self.entry(chunk, entry) {
                Some((start, was)) if start < to => {
                    held = was;
                    self.chunks[chunk].leaves[entry] = leaf;
                    entry += 1;
                }
                Some((start, _)) if start == to => return,
                None if chunk + 1 < self.chunks.len() => (chunk, entry) = (chunk + 1, 0),
                _ => break,
            }
        }
        if to < self.end && held != leaf {
            self.insert_at(chunk, entry, (to, held));
        }
    }

    fn entry(&self, chunk: usize, entry: usize) -> Option<(u32, u32)> {
        let chunk = self.chunks.get(chunk)?;
        (entry < chunk.len).then(|| (chunk.starts[entry], chunk.leaves[entry]))
    }

    /// Where the entry with the smallest number from `seq` on is, or would be in its chunk.
    fn position(&self, seq: u32) -> (usize, usize) {
        let chunk = self.chunk(seq).unwrap_or(0);
        let before = seq.checked_sub(1);
        let entry = before.map_or(0, |before| self.chunks[chunk].until(before));
        (chunk, entry)
    }

    /// Adds an entry at its position; where it is then.
    fn insert_at(
        &mut self,
        mut chunk: usize,
        mut entry: usize,
        (start, leaf): (u32, u32),
    ) -> (usize, usize) {
        if self.chunks[chunk].len == CHUNK {
            let half = self.chunks[chunk].split_off(CHUNK / 2);
            self.firsts.insert(chunk + 1, half.starts[0]);
            self.chunks.insert(chunk + 1, Box::new(half));
            if entry > CHUNK / 2 {
                (chunk, entry) = (chunk + 1, entry - CHUNK / 2);
            }
        }
        self.chunks[chunk].insert(entry, start, leaf);
        self.firsts[chunk] = self.chunks[chunk].starts[0];
        (chunk, entry)
    }
}

#[cfg(test)]
mod tests {
    use super::Index;

    #[test]
    fn random_spans_are_found_as_in_a_plain_list() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..200 {
            let mut index = Index::default();
            let mut model: Vec<u32> = Vec::new();
            for _ in 0..200 {
                let len = model.len() as u32;
                let leaf = rng.u32(0..6);
                if len == 0 || rng.u8(0..3) == 0 {
                    // Numbers that are no characters may lie between.
                    let from = len + rng.u32(0..2);
                    let last = model.last().copied();
                    model.resize(from as usize, last.unwrap_or(leaf));
                    let to = from + rng.u32(1..4);
                    model.resize(to as usize, leaf);
                    index.set(from, to, leaf);
                } else {
                    let from = rng.u32(0..len);
                    let to = rng.u32(from + 1..=len);
                    model[from as usize..to as usize].fill(leaf);
                    index.set(from, to, leaf);
                }
                for (seq, leaf) in model.iter().enumerate() {
                    let found = index.leaf(seq as u32);
                    assert!(
                        found == Some(*leaf) || (seq == 0 && found.is_none()),
                        "{seq}"
                    );
                }
            }
        }
    }
}
