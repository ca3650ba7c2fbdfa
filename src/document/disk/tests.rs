//! Merging with the disk: chosen cases, and files and documents that change at random.

use crate::crdt::{AuthorId, Source, Verdict};
use crate::document::{CharPos, Document, EditKind, patched};

/// From, to, and what takes its place.
type Edit = (usize, usize, &'static str);

/// A document that was loaded from a file with this text.
fn loaded(n: u8, text: &str) -> Document {
    let mut document = Document::new(AuthorId([n; 16]));
    document.load(text, 0);
    document.is_on_disk();
    document
}

fn edit(document: &mut Document, range: std::ops::Range<usize>, text: &str) {
    let range = CharPos(range.start)..CharPos(range.end);
    document.edit(range, text, EditKind::Whole, 0);
    document.commit(0, Source::Typed);
}

fn merge(document: &mut Document, disk: &str) -> usize {
    let places = document.merge_disk(disk, None, 0);
    document.commit(0, Source::Disk);
    document.check_invariants();
    let (known, _) = document.on_disk().unwrap();
    assert_eq!(known, disk);
    check_way_back(document);
    places
}

/// Heads, with a change where they are not enough, say what is on disk.
fn check_way_back(document: &mut Document) {
    let way_back = document.way_back_to_disk();
    let Some((known, heads)) = document.on_disk() else {
        return;
    };
    let said = match &way_back {
        Some((heads, patch)) => patched(&document.text_at(heads), patch),
        None => Some(document.text_at(heads)),
    };
    assert_eq!(said.as_ref(), Some(known));
}

fn sync(from: &Document, to: &mut Document) {
    for (author, _) in from.log().version().iter() {
        let mut seq = to.log().next(&author);
        let mut bytes = Vec::new();
        while let Some(next) = from.log().batch_at(&author, seq, &mut bytes) {
            assert_eq!(to.merge(author, seq, &bytes), Verdict::Applied);
            bytes.clear();
            seq = next;
        }
    }
}

#[test]
fn both_sides_are_kept() {
    let base = "one\ntwo\nthree\n";
    // (edits here, what is on disk then, the text of both)
    let rows: [(&[Edit], &str, &str); 9] = [
        (&[], "one\ntwo\nthree\n", "one\ntwo\nthree\n"),
        (&[], "one\n2\nthree\n", "one\n2\nthree\n"),
        (
            &[(0, 3, "1")],
            "one\ntwo\nthree\nfour\n",
            "1\ntwo\nthree\nfour\n",
        ),
        // The same line twice: both wrote it.
        (
            &[(14, 14, "new\n")],
            "one\ntwo\nthree\nnew\n",
            "one\ntwo\nthree\nnew\nnew\n",
        ),
        // Both deleted it.
        (&[(4, 8, "")], "one\nthree\n", "one\nthree\n"),
        // Typed into what the disk has no more.
        (&[(5, 5, "XYZ")], "one\nthree\n", "one\nXYZthree\n"),
        // A line that was written anew here, letters shared or not, is not touched by its end there.
        (&[(4, 7, "towel")], "one\nthree\n", "one\ntowelthree\n"),
        (&[(0, 14, "")], "", ""),
        (&[(0, 14, "")], "zero\none\ntwo\nthree\n", "zero\n"),
    ];
    for (edits, disk, expected) in rows {
        let mut document = loaded(1, base);
        for &(from, to, text) in edits {
            edit(&mut document, from..to, text);
        }
        merge(&mut document, disk);
        assert_eq!(document.rope(), expected, "{edits:?}, {disk:?}");
        // What is on disk already is no news.
        assert_eq!(merge(&mut document, disk), 0);
        assert_eq!(document.rope(), expected);
    }
}

#[test]
fn an_older_version_on_disk_is_a_change_like_any_other() {
    let mut document = loaded(1, "one\n");
    edit(&mut document, 4..4, "two\n");
    document.start_save();
    document.end_save(true);
    edit(&mut document, 8..8, "three\n");
    assert_eq!(merge(&mut document, "one\n"), 1);
    assert_eq!(document.rope(), "one\nthree\n");
}

#[test]
fn a_file_that_has_grown_apart_adds_its_lines_and_takes_none() {
    let mut document = loaded(1, "one\ntwo\nthree\nend");
    edit(&mut document, 0..3, "1");
    assert_eq!(document.bring_in("zero\none\nthree\nfour\n", None, 0), 2);
    document.commit(0, Source::Disk);
    document.check_invariants();
    let text = document.rope().to_string();
    for line in ["zero", "one", "1", "two", "three", "end", "four"] {
        assert_eq!(
            text.lines().filter(|l| *l == line).count(),
            1,
            "{line} in {text:?}"
        );
    }
    document.undo();
    document.commit(0, Source::Typed);
    assert_eq!(document.rope(), "1\ntwo\nthree\nend");
}

#[test]
fn heads_never_say_that_the_file_has_what_it_has_not() {
    let mut document = loaded(1, "one\ntwo\n");
    edit(&mut document, 0..0, "mine ");
    merge(&mut document, "one\nTWO\n");
    assert_eq!(document.rope(), "mine one\nTWO\n");
    let (_, heads) = document.on_disk().unwrap();
    assert_eq!(document.text_at(heads), "one\ntwo\n", "and no more");
    assert!(document.has_left_disk());
    document.start_save();
    document.end_save(true);
    assert!(!document.has_left_disk());
    // Without edits that are not saved they say all.
    merge(&mut document, "mine one\nTWO\nthree\n");
    assert!(!document.has_left_disk());
    document.bring_in("another\n", None, 0);
    document.commit(0, Source::Disk);
    check_way_back(&mut document);
    assert!(document.has_left_disk());
}

#[test]
fn what_is_edited_during_a_save_is_not_on_disk() {
    let mut document = loaded(1, "one\n");
    edit(&mut document, 4..4, "two\n");
    document.start_save();
    edit(&mut document, 8..8, "three\n");
    assert_eq!(document.merge_disk("", None, 0), 0, "not now");
    document.end_save(true);
    assert_eq!(merge(&mut document, "zero\none\ntwo\n"), 1);
    assert_eq!(document.rope(), "zero\none\ntwo\nthree\n");

    let mut document = loaded(1, "one\n");
    edit(&mut document, 4..4, "two\n");
    document.start_save();
    edit(&mut document, 8..8, "three\n");
    document.end_save(false);
    merge(&mut document, "zero\none\n");
    assert_eq!(document.rope(), "zero\none\ntwo\nthree\n");
}

#[test]
fn a_merge_is_one_step_of_undo_and_what_was_typed_another() {
    let mut document = loaded(1, "one\ntwo\nthree\n");
    edit(&mut document, 3..3, "!");
    merge(&mut document, "zero\none\nthree\nfour\n");
    assert_eq!(document.rope(), "zero\none!\nthree\nfour\n");
    document.undo();
    document.commit(0, Source::Typed);
    assert_eq!(document.rope(), "one!\ntwo\nthree\n");
    // The disk is as it was; a save brings the undo there, a look does not undo the undo.
    assert_eq!(merge(&mut document, "zero\none\nthree\nfour\n"), 0);
    document.undo();
    document.commit(0, Source::Typed);
    assert_eq!(document.rope(), "one\ntwo\nthree\n");
}

#[test]
fn what_another_member_wrote_becomes_known_without_a_change() {
    let (mut a, mut b) = (loaded(1, "one\n"), Document::new(AuthorId([2; 16])));
    sync(&a, &mut b);
    edit(&mut b, 4..4, "two\n");
    sync(&b, &mut a);
    edit(&mut a, 0..0, "zero\n");
    // b's file arrives on a's disk.
    a.was_on_disk(b.rope().clone(), b.log().version().clone(), None);
    assert_eq!(merge(&mut a, "one\ntwo\n"), 0);
    assert_eq!(merge(&mut a, "one\ntwo\nthree\n"), 1);
    assert_eq!(a.rope(), "zero\none\ntwo\nthree\n");
}

/// The document and the file change by turns, at random; whatever is written anywhere has a mark of
/// its own, and in the end each mark that nobody has deleted is there once, in both members' texts.
#[test]
fn random_changes_of_file_and_document_are_all_in_once() {
    let seed = std::env::var("COLLAB_EDIT_SEED").map_or(1, |s| s.parse().expect("a number"));
    for seed in seed..seed + 200 {
        eprintln!("COLLAB_EDIT_SEED={seed}");
        run(&mut fastrand::Rng::with_seed(seed));
    }
}

/// One round of [`random_changes_of_file_and_document_are_all_in_once`].
fn run(rng: &mut fastrand::Rng) {
    let line = |n: usize| format!("line {} of them\n", n % 7);
    let mut file: String = (0..rng.usize(0..12)).map(line).collect();
    let mut a = loaded(1, &file);
    let mut b = Document::new(AuthorId([2; 16]));
    let (mut marks, mut next) = (Vec::new(), 0x4e00);
    let mut mark = || {
        next += 1;
        char::from_u32(next).unwrap()
    };
    for _ in 0..60 {
        match rng.u8(0..6) {
            0 | 1 => {
                let one = if rng.bool() { &mut a } else { &mut b };
                let at = rng.usize(0..=one.len());
                marks.push(mark());
                edit(one, at..at, &format!("{}", marks.last().unwrap()));
            }
            2 => {
                // Only what has no mark goes.
                let one = if rng.bool() { &mut a } else { &mut b };
                let from = rng.usize(0..=one.len());
                let chars = one.rope().chars_at(from);
                let plain = chars.take_while(|c| *c < '\u{4e00}').take(rng.usize(0..9));
                let to = from + plain.count();
                edit(one, from..to, "");
            }
            3 => {
                sync(&a, &mut b);
                sync(&b, &mut a);
            }
            4 => {
                if rng.bool() {
                    // A save, and edits of others during it.
                    a.start_save();
                    let saved = a.rope().to_string();
                    sync(&b, &mut a);
                    let done = rng.bool();
                    a.end_save(done);
                    if done {
                        file = saved;
                    }
                } else {
                    merge(&mut a, &file);
                }
            }
            _ => {
                // Another program reads the file and writes it.
                let mut lines: Vec<String> =
                    file.split_inclusive('\n').map(str::to_owned).collect();
                let at = rng.usize(0..=lines.len());
                if rng.u8(0..4) == 0 {
                    // What was typed into such a line here stays.
                    lines.retain(|line| rng.bool() || line.contains(|c| c >= '\u{4e00}'));
                    file = lines.concat();
                    merge(&mut a, &file);
                    continue;
                }
                marks.push(mark());
                let new = marks.last().unwrap();
                match rng.u8(0..3) {
                    0 => lines.insert(at, format!("line {new}\n")),
                    1 if at < lines.len() => lines[at].insert(0, *new),
                    _ => lines.push(format!("{new} at the end\n")),
                }
                file = lines.concat();
                // A save that came now would look first.
                merge(&mut a, &file);
            }
        }
    }
    merge(&mut a, &file);
    sync(&a, &mut b);
    sync(&b, &mut a);
    assert_eq!(a.rope(), b.rope());
    let text = a.rope().to_string();
    for mark in marks {
        assert_eq!(text.matches(mark).count(), 1, "{mark} in {text:?}");
    }
    a.start_save();
    a.end_save(true);
    assert_eq!(merge(&mut a, &text), 0);
    // And what is taken back on disk is gone here.
    merge(&mut a, "");
    assert!(a.is_empty());
}
