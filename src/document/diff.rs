//! The difference of two texts: by lines, and within changed lines that still look alike by words.
//!
//! Never by letters, beyond what stays at both ends of a changed word: a word that happens to share
//! letters with the one that it replaces is another word, and clusters are never torn.

use std::collections::HashMap;
use std::time::Instant;

use ropey::Rope;
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};
use unicode_segmentation::UnicodeSegmentation;

use super::delta::{Delta, Step};

/// Changed lines are looked at by words if at least this part of them stays (a guess): below, they
/// are other lines.
const ALIKE: f64 = 0.4;

/// What leads from `old` to `new`. O(n) and the lines around what has changed, times the number of
/// changes. From `deadline` on what is left is compared no more, and counts as replaced.
pub(super) fn diff(old: &Rope, new: &Rope, deadline: Option<Instant>) -> Delta {
    let start = common(old.chars(), new.chars());
    let most = old.len_chars().min(new.len_chars()) - start;
    let end = common(
        old.chars_at(old.len_chars()).reversed().take(most),
        new.chars_at(new.len_chars()).reversed().take(most),
    );
    let (old_end, new_end) = (old.len_chars() - end, new.len_chars() - end);
    // Whole lines, so that one which comes or goes beside a similar one is found as that.
    let line = old.line_to_char(old.char_to_line(start));
    if line == start && (start == old_end || start == new_end) {
        return Delta::replace(start, old_end - start, new_end - start);
    }
    let start = line;
    let tail = line_end(old, old_end) - old_end;
    let old = old.slice(start..old_end + tail).to_string();
    let new = new.slice(start..new_end + tail).to_string();
    let mut out = vec![Step::Keep(start)];
    by_lines(&old, &new, deadline, &mut out);
    out.into_iter().collect()
}

/// How many items two walks have in common before the first difference.
fn common(one: impl Iterator<Item = char>, two: impl Iterator<Item = char>) -> usize {
    one.zip(two).take_while(|(one, two)| one == two).count()
}

/// The end of the line that `at` is in, its line break included.
fn line_end(rope: &Rope, at: usize) -> usize {
    rope.line_to_char(rope.char_to_line(at) + 1)
}

/// What `new` has that `old` has not, by whole lines, and its text; nothing is removed. O(n) and
/// as [`diff`].
pub(super) fn additions(old: &str, new: &str, deadline: Option<Instant>) -> (Delta, String) {
    let olds: Vec<&str> = old.split_inclusive('\n').collect();
    let news: Vec<&str> = new.split_inclusive('\n').collect();
    let (mut steps, mut fresh) = (Vec::new(), String::new());
    for op in operations(&olds, &news, deadline) {
        let (kept, added) = (&olds[op.old_range()], &news[op.new_range()]);
        steps.push(Step::Keep(chars(kept)));
        if matches!(op, DiffOp::Equal { .. } | DiffOp::Delete { .. }) {
            continue;
        }
        let cut = kept.last().is_some_and(|line| !line.ends_with('\n'));
        fresh.push_str(if cut { "\n" } else { "" });
        fresh.extend(added.iter().copied());
        steps.push(Step::Insert(usize::from(cut) + chars(added)));
    }
    (steps.into_iter().collect(), fresh)
}

fn by_lines(old: &str, new: &str, deadline: Option<Instant>, out: &mut Vec<Step>) {
    let olds: Vec<&str> = old.split_inclusive('\n').collect();
    let news: Vec<&str> = new.split_inclusive('\n').collect();
    compare(&olds, &news, deadline, out, |old, new, out| {
        by_words(&old.concat(), &new.concat(), deadline, out);
    });
}

fn by_words(old: &str, new: &str, deadline: Option<Instant>, out: &mut Vec<Step>) {
    let mut steps = Vec::new();
    let olds: Vec<&str> = old.split_word_bounds().collect();
    let news: Vec<&str> = new.split_word_bounds().collect();
    compare(&olds, &news, deadline, &mut steps, |old, new, out| {
        trimmed(&old.concat(), &new.concat(), out);
    });
    let kept = |step: &Step| match step {
        Step::Keep(n) => *n,
        Step::Insert(_) | Step::Remove(_) => 0,
    };
    let kept: usize = steps.iter().map(kept).sum();
    let all = old.chars().count() + new.chars().count();
    if 2.0 * kept as f64 >= ALIKE * all as f64 {
        out.append(&mut steps);
    } else {
        trimmed(old, new, out);
    }
}

/// Replaces all but the clusters that both have at their ends.
fn trimmed(old: &str, new: &str, out: &mut Vec<Step>) {
    let shared = |one: &mut dyn Iterator<Item = &str>, two: &mut dyn Iterator<Item = &str>| {
        let same = one.zip(two).take_while(|(one, two)| one == two);
        same.map(|(one, _)| one.len()).sum::<usize>()
    };
    let start = shared(&mut old.graphemes(true), &mut new.graphemes(true));
    let (old, new, before) = (&old[start..], &new[start..], &old[..start]);
    let end = shared(
        &mut old.graphemes(true).rev(),
        &mut new.graphemes(true).rev(),
    );
    let (changed, after) = old.split_at(old.len() - end);
    out.extend([
        Step::Keep(chars(&[before])),
        Step::Insert(chars(&[&new[..new.len() - end]])),
        Step::Remove(chars(&[changed])),
        Step::Keep(chars(&[after])),
    ]);
}

/// Compares two lists of pieces; `replaced` says what to do about pieces that take others' place.
fn compare<'a>(
    olds: &[&'a str],
    news: &[&'a str],
    deadline: Option<Instant>,
    out: &mut Vec<Step>,
    replaced: impl Fn(&[&str], &[&str], &mut Vec<Step>),
) {
    for op in operations(olds, news, deadline) {
        let (gone, come) = (&olds[op.old_range()], &news[op.new_range()]);
        match op {
            DiffOp::Equal { .. } => out.push(Step::Keep(chars(gone))),
            DiffOp::Delete { .. } => out.push(Step::Remove(chars(gone))),
            DiffOp::Insert { .. } => out.push(Step::Insert(chars(come))),
            DiffOp::Replace { .. } => replaced(gone, come, out),
        }
    }
}

/// What leads from one list of pieces to the other.
fn operations<'a>(olds: &[&'a str], news: &[&'a str], deadline: Option<Instant>) -> Vec<DiffOp> {
    let mut numbers = HashMap::new();
    let mut numbered = |pieces: &[&'a str]| -> Vec<usize> {
        let number = |piece: &&'a str| {
            let next = numbers.len();
            *numbers.entry(*piece).or_insert(next)
        };
        pieces.iter().map(number).collect()
    };
    let (one, two) = (numbered(olds), numbered(news));
    capture_diff_slices_deadline(Algorithm::Myers, &one, &two, deadline)
}

fn chars(pieces: &[&str]) -> usize {
    pieces.iter().map(|piece| piece.chars().count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(old: &str, new: &str) -> Vec<Step> {
        let (old, new) = (Rope::from_str(old), Rope::from_str(new));
        diff(&old, &new, None).steps().collect()
    }

    #[test]
    fn what_changed_and_no_more() {
        use Step::{Insert, Keep, Remove};
        let rows: &[(&str, &str, &[Step])] = &[
            ("", "", &[]),
            ("same\n", "same\n", &[]),
            ("", "new", &[Insert(3)]),
            ("gone", "", &[Remove(4)]),
            ("a\n", "a\nb\n", &[Keep(2), Insert(2)]),
            ("one two\n", "one 2 two\n", &[Keep(4), Insert(2)]),
            (
                "let a = 1;\nlet b = 2;\nend\n",
                "let a = 9;\nlet bb = 2;\nend\n",
                &[Keep(8), Insert(1), Remove(1), Keep(7), Insert(1)],
            ),
            // Another word is another word, whatever letters they share.
            (
                "say hello to them all\n",
                "say jelly to them all\n",
                &[Keep(4), Insert(5), Remove(5)],
            ),
            (
                "say hello to them all\n",
                "say hallo to them all\n",
                &[Keep(5), Insert(1), Remove(1)],
            ),
            ("two\nthree\n", "three\n", &[Remove(4)]),
            // A family is not torn.
            ("x 👩‍👩‍👧 y\n", "x 👩‍👩‍👦 y\n", &[Keep(2), Insert(5), Remove(5)]),
            // Other lines are other lines.
            (
                "keep\nalpha beta\nkeep 2\n",
                "keep\nquite other words\nkeep 2\n",
                &[Keep(5), Insert(17), Remove(10)],
            ),
            ("a\nb\nc\n", "c\nb\n", &[Remove(4), Keep(2), Insert(2)]),
        ];
        for (old, new, expected) in rows {
            assert_eq!(steps(old, new), *expected, "{old:?} → {new:?}");
        }
    }

    #[test]
    fn a_hostile_pair_ends_in_time() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut text = |n: usize| -> Rope {
            let line = |_| format!("{}\n", rng.u32(..50));
            Rope::from_str(&(0..n).map(line).collect::<String>())
        };
        let (old, new) = (text(100_000), text(100_000));
        let begun = Instant::now();
        let deadline = begun + std::time::Duration::from_millis(50);
        let delta = diff(&old, &new, Some(deadline));
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
        let removed: usize = delta
            .steps()
            .map(|step| match step {
                Step::Keep(n) | Step::Remove(n) => n,
                Step::Insert(_) => 0,
            })
            .sum();
        assert!(removed <= old.len_chars());
    }
}
