//! What lies between two texts: keep, insert, remove.
//!
//! Deltas compose (one change after another) and transform (two changes of one text, brought
//! together), both in one walk over both. This is the algebra of operational transformation; here
//! it works between a file and the document within one member, where there is an order, so none of
//! that field's trouble with many sites arises.
//!
//! Invariants:
//! 1. No step is empty, no two neighbours are alike, an insert stands before the removals at its
//!    place, and a keep is never last.
//! 2. With `(a2, b2) = a.transform(&b)`, `b` then `a2` leads to the same text as `a` then `b2`.
//!
//! Not here: the inserted text. It stands in the text that the delta leads to.

/// One step of a walk over a text. Lengths are in Unicode scalar values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Keep(usize),
    Insert(usize),
    Remove(usize),
}

/// A change of a text. What lies behind its last step stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Delta {
    steps: Vec<Step>,
}

impl Delta {
    /// At `at`, `removed` characters make room for `inserted` others.
    pub(super) fn replace(at: usize, removed: usize, inserted: usize) -> Self {
        [
            Step::Keep(at),
            Step::Insert(inserted),
            Step::Remove(removed),
        ]
        .into_iter()
        .collect()
    }

    /// The steps in order.
    pub(super) fn steps(&self) -> impl Iterator<Item = Step> {
        self.steps.iter().copied()
    }

    /// How many steps there are.
    pub(super) const fn len(&self) -> usize {
        self.steps.len()
    }

    /// How many places change, those that touch counted as one.
    pub(super) fn places(&self) -> usize {
        let kept = |step: &Step| matches!(step, Step::Keep(_));
        self.steps
            .split(kept)
            .filter(|place| !place.is_empty())
            .count()
    }

    fn push(&mut self, step: Step) {
        if matches!(step, Step::Keep(0) | Step::Insert(0) | Step::Remove(0)) {
            return;
        }
        match (self.steps.as_mut_slice(), step) {
            ([.., Step::Keep(n)], Step::Keep(more))
            | ([.., Step::Remove(n)], Step::Remove(more))
            | (
                [.., Step::Insert(n)] | [.., Step::Insert(n), Step::Remove(_)],
                Step::Insert(more),
            ) => {
                *n += more;
            }
            ([.., Step::Remove(_)], Step::Insert(_)) => {
                self.steps.insert(self.steps.len() - 1, step);
            }
            _ => self.steps.push(step),
        }
    }

    /// This change and then `next`, as one. O(steps of both).
    pub(super) fn compose(&self, next: &Self) -> Self {
        let (mut one, mut two) = (Walk::new(self), Walk::new(next));
        let mut out = Composer::default();
        loop {
            match (one.peek(), two.peek()) {
                (None, None) => return out.finish(),
                (Some(Step::Remove(n)), _) => out.push(one.take(Step::Remove(n), n)),
                (_, Some(Step::Insert(n))) => out.push(two.take(Step::Insert(n), n)),
                (from, to) => {
                    let n = shorter(from, to);
                    let (from, to) = (one.skip(n), two.skip(n));
                    match (from, to) {
                        (Step::Insert(_), Step::Remove(_)) => {}
                        (Step::Insert(_), _) => out.push(Step::Insert(n)),
                        (_, Step::Remove(_)) => out.push(Step::Remove(n)),
                        _ => out.push(Step::Keep(n)),
                    }
                }
            }
        }
    }

    /// Two changes of one text: this one as it is after `other`, and `other` as it is after this
    /// one. Of two inserts at one place, `other`'s comes first. O(steps of both).
    pub(super) fn transform(&self, other: &Self) -> (Self, Self) {
        let (mut one, mut two) = (Walk::new(self), Walk::new(other));
        let (mut ones, mut twos) = (Composer::default(), Composer::default());
        loop {
            match (one.peek(), two.peek()) {
                (None, None) => return (ones.finish(), twos.finish()),
                (_, Some(Step::Insert(n))) => {
                    twos.push(two.take(Step::Insert(n), n));
                    ones.push(Step::Keep(n));
                }
                (Some(Step::Insert(n)), _) => {
                    ones.push(one.take(Step::Insert(n), n));
                    twos.push(Step::Keep(n));
                }
                (from, to) => {
                    let n = shorter(from, to);
                    match (one.skip(n), two.skip(n)) {
                        (Step::Remove(_), Step::Remove(_)) => {}
                        (Step::Remove(_), _) => ones.push(Step::Remove(n)),
                        (_, Step::Remove(_)) => twos.push(Step::Remove(n)),
                        _ => {
                            ones.push(Step::Keep(n));
                            twos.push(Step::Keep(n));
                        }
                    }
                }
            }
        }
    }
}

impl FromIterator<Step> for Delta {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        let mut out = Composer::default();
        steps.into_iter().for_each(|step| out.push(step));
        out.finish()
    }
}

/// A delta being made.
#[derive(Default)]
struct Composer(Delta);

impl Composer {
    fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    fn finish(mut self) -> Delta {
        if let Some(Step::Keep(_)) = self.0.steps.last() {
            self.0.steps.pop();
        }
        self.0
    }
}

/// A walk over a delta that takes steps in parts.
struct Walk<'a> {
    steps: &'a [Step],
    /// How much of the first step has been taken.
    taken: usize,
}

impl<'a> Walk<'a> {
    fn new(delta: &'a Delta) -> Self {
        Self {
            steps: &delta.steps,
            taken: 0,
        }
    }

    /// What is left of the step that is next; `None` where only keeping follows.
    fn peek(&self) -> Option<Step> {
        Some(match *self.steps.first()? {
            Step::Keep(n) => Step::Keep(n - self.taken),
            Step::Insert(n) => Step::Insert(n - self.taken),
            Step::Remove(n) => Step::Remove(n - self.taken),
        })
    }

    /// Takes all `n` that are left of `step`.
    fn take(&mut self, step: Step, n: usize) -> Step {
        self.skip(n);
        step
    }

    /// Takes `n` of the step that is next and says what kind it is.
    fn skip(&mut self, n: usize) -> Step {
        let Some((&step, rest)) = self.steps.split_first() else {
            return Step::Keep(n);
        };
        self.taken += n;
        if self.taken == length(step) {
            (self.steps, self.taken) = (rest, 0);
        }
        step
    }
}

const fn length(step: Step) -> usize {
    match step {
        Step::Keep(n) | Step::Insert(n) | Step::Remove(n) => n,
    }
}

/// How far both walks can go together; a walk that is over goes as far as the other.
fn shorter(one: Option<Step>, two: Option<Step>) -> usize {
    let length = |step: Option<Step>| step.map_or(usize::MAX, length);
    length(one).min(length(two))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A random change of a text of `len` characters, and its text.
    fn random(rng: &mut fastrand::Rng, len: usize) -> Delta {
        let mut left = len;
        let mut steps = Vec::new();
        while left > 0 {
            let n = rng.usize(1..=left.min(5));
            match rng.u8(0..4) {
                0 => steps.push(Step::Insert(rng.usize(1..4))),
                1 => {
                    steps.push(Step::Remove(n));
                    left -= n;
                }
                _ => {
                    steps.push(Step::Keep(n));
                    left -= n;
                }
            }
        }
        if rng.bool() {
            steps.push(Step::Insert(rng.usize(1..4)));
        }
        steps.into_iter().collect()
    }

    /// What becomes of `text`; each inserted character is taken from `fresh`.
    fn apply(text: &[u32], delta: &Delta, mut fresh: impl Iterator<Item = u32>) -> Vec<u32> {
        let (mut out, mut at) = (Vec::new(), 0);
        for step in delta.steps() {
            match step {
                Step::Keep(n) => {
                    out.extend(&text[at..at + n]);
                    at += n;
                }
                Step::Insert(n) => out.extend(fresh.by_ref().take(n)),
                Step::Remove(n) => at += n,
            }
        }
        out.extend(&text[at..]);
        out
    }

    fn check(delta: &Delta) {
        let kind = |step: &Step| std::mem::discriminant(step);
        for pair in delta.steps.windows(2) {
            assert_ne!(kind(&pair[0]), kind(&pair[1]), "{delta:?}");
            assert!(
                !matches!(pair, [Step::Remove(_), Step::Insert(_)]),
                "{delta:?}"
            );
        }
        assert!(
            delta.steps.iter().all(|&step| length(step) > 0),
            "{delta:?}"
        );
        assert!(
            !matches!(delta.steps.last(), Some(Step::Keep(_))),
            "{delta:?}"
        );
    }

    #[test]
    fn random_deltas_compose_and_transform() {
        let seed = std::env::var("COLLAB_EDIT_SEED").map_or(1, |s| s.parse().expect("a number"));
        eprintln!("COLLAB_EDIT_SEED={seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..20_000 {
            let text: Vec<u32> = (0..rng.u32(0..20)).collect();
            let a = random(&mut rng, text.len());
            let after_a = apply(&text, &a, 100..);
            let next = random(&mut rng, after_a.len());
            let both = a.compose(&next);
            let expected = apply(&after_a, &next, 200..);
            // An insert of `a` that survives is one of the composed delta; which letters it has is
            // in the text that it leads to.
            let shape = |text: &[u32]| -> Vec<bool> { text.iter().map(|c| *c < 100).collect() };
            let composed = apply(&text, &both, std::iter::repeat(300));
            assert_eq!(shape(&composed), shape(&expected), "{a:?} {next:?}");
            let kept =
                |text: &[u32]| -> Vec<u32> { text.iter().copied().filter(|c| *c < 100).collect() };
            assert_eq!(kept(&composed), kept(&expected));

            let b = random(&mut rng, text.len());
            let (a2, b2) = a.transform(&b);
            let by_a = apply(&apply(&text, &a, 100..), &b2, 200..);
            let by_b = apply(&apply(&text, &b, 200..), &a2, 100..);
            assert_eq!(by_a, by_b, "{a:?} {b:?}");
            for delta in [&a, &both, &a2, &b2] {
                check(delta);
            }
        }
    }

    #[test]
    fn places_that_touch_are_one() {
        assert_eq!(Delta::default().places(), 0);
        assert_eq!(Delta::replace(3, 1, 2).places(), 1);
        let two = Delta::replace(1, 1, 0).compose(&Delta::replace(5, 0, 2));
        assert_eq!(two.places(), 2);
    }
}
