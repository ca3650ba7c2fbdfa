//! Which leaf of the order tree holds which of an author's characters.
//!
//! A sorted list of `(number, leaf)`, cut into chunks so that putting something into the middle moves
//! little. An entry is good from its number to the next entry's; the last one is good for numbers to
//! come, since a run grows where it is.
//!
//! Invariant: chunks are not empty, and numbers rise within and across them.

/// Entries in a chunk: small under test, so that small documents have several. (Half a page, which
/// moves faster than another level is walked.)
const CHUNK: usize = if cfg!(test) { 4 } else { 256 };

/// See the module.
#[derive(Default)]
pub(super) struct Index {
    /// The first number of each chunk, for the search.
    firsts: Vec<u32>,
    chunks: Vec<Vec<(u32, u32)>>,
    /// The number after the author's last character.
    end: u32,
}

impl Index {
    /// The leaf that holds number `seq`. O(log n).
    pub(super) fn leaf(&self, seq: u32) -> Option<u32> {
        let chunk = self.firsts.partition_point(|first| *first <= seq);
        let chunk = &self.chunks[chunk.checked_sub(1)?];
        let entry = chunk.partition_point(|(start, _)| *start <= seq);
        Some(chunk[entry - 1].1)
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
            Some(chunk) if chunk[chunk.len() - 1].1 == leaf => {}
            Some(chunk) if chunk.len() < CHUNK => chunk.push((from, leaf)),
            _ => self.push_chunk((from, leaf)),
        }
    }

    #[cold]
    fn push_chunk(&mut self, entry: (u32, u32)) {
        self.firsts.push(entry.0);
        self.chunks.push(vec![entry]);
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
                Some(before) => self.chunks[chunk][before].1,
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
                    self.chunks[chunk][entry].1 = leaf;
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
        self.chunks.get(chunk)?.get(entry).copied()
    }

    /// Where the entry with the smallest number from `seq` on is, or would be in its chunk.
    fn position(&self, seq: u32) -> (usize, usize) {
        let chunk = self.firsts.partition_point(|first| *first <= seq);
        let chunk = chunk.saturating_sub(1);
        let entries = self.chunks.get(chunk).map_or(&[][..], Vec::as_slice);
        (chunk, entries.partition_point(|(start, _)| *start < seq))
    }

    /// Adds an entry at its position; where it is then.
    fn insert_at(&mut self, chunk: usize, entry: usize, new: (u32, u32)) -> (usize, usize) {
        let entries = &mut self.chunks[chunk];
        entries.insert(entry, new);
        self.firsts[chunk] = entries[0].0;
        if entries.len() <= CHUNK {
            return (chunk, entry);
        }
        let at = CHUNK / 2;
        let half = entries.split_off(at);
        self.firsts.insert(chunk + 1, half[0].0);
        self.chunks.insert(chunk + 1, half);
        match entry.checked_sub(at) {
            Some(entry) => (chunk + 1, entry),
            None => (chunk, entry),
        }
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
