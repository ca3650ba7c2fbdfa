//! Where an author's operations are cut into pieces: a set of numbers that knows its ranks.
//!
//! A bit for each number, and beside each 64 of them how many were set before. So the piece that holds
//! a number is found without a search, for two bits a number.

/// See the module.
#[derive(Default)]
pub(crate) struct Cuts(Vec<Word>);

#[derive(Clone, Copy, Default)]
struct Word {
    bits: u64,
    /// How many bits are set in all words before this one, once they have been counted.
    before: u32,
}

impl Cuts {
    /// None yet. Memory for those in front of the numbers `0..=end` is taken at once, if that is a megabyte at most.
    pub(crate) fn with_room(end: u32) -> Self {
        let words = end as usize / 64 + 1;
        Self(vec![Word::default(); words.min(1 << 16)])
    }

    /// Cuts in front of number `seq`.
    #[inline]
    pub(crate) fn set(&mut self, seq: u32) {
        let word = seq as usize / 64;
        if word >= self.0.len() {
            self.grow(word);
        }
        self.0[word].bits |= 1 << (seq % 64);
    }

    #[cold]
    fn grow(&mut self, word: usize) {
        self.0.resize(word + 1, Word::default());
    }

    /// Counts them, when all are there; how many there are. None is behind number `end`, in front of which
    /// there is one in any case.
    pub(super) fn count(&mut self, end: u32) -> u32 {
        self.set(end);
        let mut sum = 0;
        for word in &mut self.0 {
            word.before = sum;
            sum += word.bits.count_ones();
        }
        sum
    }

    /// How many cuts there are in front of the numbers `0..=seq`, up to the end.
    #[inline]
    pub(super) fn rank(&self, seq: u32) -> u32 {
        let word = self.0[seq as usize / 64];
        let upto = word.bits << (63 - seq % 64);
        word.before + upto.count_ones()
    }

    /// Calls `each` with the numbers in front of which there are cuts.
    #[inline]
    pub(super) fn each(&self, mut each: impl FnMut(u32)) {
        for (n, word) in (0..).zip(&self.0) {
            let mut bits = word.bits;
            while bits != 0 {
                each(n * 64 + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cuts;

    #[test]
    fn ranks_are_what_counting_gives() {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..100 {
            let end = rng.u32(0..400);
            let mut cuts = Cuts::default();
            let mut model = vec![end];
            for _ in 0..rng.u32(0..60) {
                let seq = rng.u32(0..=end);
                cuts.set(seq);
                model.push(seq);
            }
            model.sort_unstable();
            model.dedup();
            assert_eq!(cuts.count(end), model.len() as u32);
            let mut all = Vec::new();
            cuts.each(|seq| all.push(seq));
            assert_eq!(all, model);
            for seq in 0..=end {
                let rank = model.iter().filter(|cut| **cut <= seq).count();
                assert_eq!(cuts.rank(seq), rank as u32);
            }
        }
    }
}
