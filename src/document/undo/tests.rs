//! Undo across restarts: what can be taken back then, and in which steps.

use std::ops::Range;

use crate::crdt::{AuthorId, Source};
use crate::document::buffer::tests::{document, keys, redo, sync, undo};
use crate::document::{CharPos, Document, EditKind, Preview};

fn edit(document: &mut Document, range: Range<usize>, text: &str, minutes: u32) {
    let range = CharPos(range.start)..CharPos(range.end);
    document.edit(range, text, EditKind::Whole, 0);
    document.commit(minutes, Source::Typed);
}

/// The document after a restart; author `n` goes on with what the `earlier` ones did.
fn restart(document: &Document, earlier: &[u8], n: u8) -> Document {
    let preview = Preview::open(&document.encode_history()).expect("a history");
    let mut again = preview.build(AuthorId([n; 16])).expect("a history");
    let earlier: Vec<AuthorId> = earlier.iter().map(|n| AuthorId([*n; 16])).collect();
    again.resume_undo(&earlier);
    again
}

/// The texts that undo after undo leaves.
fn undone(document: &mut Document) -> Vec<String> {
    let steps = std::iter::from_fn(|| undo(document).map(|_| document.rope().to_string()));
    steps.collect()
}

#[test]
fn after_a_restart_undo_goes_on_by_words_and_redo_brings_back() {
    let mut a = document(1);
    a.load("file\n", 0);
    keys(&mut a, 0, "two words ", 0..);
    keys(&mut a, 2, "X", 20..);
    edit(&mut a, 0..0, "a paste of words ", 0);
    let all = a.rope().to_string();
    let mut a = restart(&a, &[1], 2);
    keys(&mut a, 0, "new", 0..);
    assert_eq!(
        undone(&mut a),
        [
            &all[..],
            "twXo words file\n",
            "two words file\n",
            "two file\n",
            "file\n"
        ]
    );
    while redo(&mut a).is_some() {}
    assert_eq!(a.rope().to_string(), format!("new{all}"));
}

#[test]
fn minutes_and_deleting_end_a_step_as_pauses_do() {
    let mut a = document(1);
    for (n, key) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let at = CharPos(n);
        a.edit(at..at, key, EditKind::Type, n as u64);
        a.commit(n as u32 / 2, Source::Typed);
    }
    for at in [3, 2] {
        a.edit(CharPos(at)..CharPos(at + 1), "", EditKind::Erase, 10);
        a.commit(1, Source::Typed);
    }
    let mut a = restart(&a, &[1], 2);
    assert_eq!(undone(&mut a), ["abcd", "ab", ""]);
}

#[test]
fn what_was_undone_before_the_restart_is_not_undone_again_but_can_be_redone() {
    let mut a = document(1);
    keys(&mut a, 0, "one two three", 0..);
    undo(&mut a);
    undo(&mut a);
    redo(&mut a);
    assert_eq!(a.rope(), "one two ");
    let mut b = restart(&a, &[1], 2);
    assert_eq!(redo(&mut b), Some(CharPos(13)));
    assert_eq!(redo(&mut b), None);
    assert_eq!(undone(&mut b), ["one two ", "one ", ""]);
    // The same, ended by an edit.
    edit(&mut a, 0..0, "0 ", 0);
    let mut b = restart(&a, &[1], 2);
    assert_eq!(redo(&mut b), None);
    assert_eq!(undone(&mut b), ["one two ", "one ", ""]);
}

#[test]
fn an_undo_tells_where_a_step_began_that_the_log_alone_does_not() {
    let mut a = document(1);
    // A pause inside a word and a minute.
    keys(&mut a, 0, "ab", 0..);
    keys(&mut a, 2, "cd", 5_000..);
    undo(&mut a);
    let mut b = restart(&a, &[1], 2);
    assert_eq!(b.rope(), "ab");
    assert_eq!(redo(&mut b), Some(CharPos(4)));
    assert_eq!(undone(&mut b), ["ab", ""]);
}

#[test]
fn undo_goes_through_several_restarts_and_over_what_was_taken_back() {
    let (mut a, mut other) = (document(1), document(9));
    keys(&mut other, 0, "theirs", 0..);
    sync(&other, &mut a);
    keys(&mut a, 0, "first ", 0..);
    let mut a = restart(&a, &[1], 2);
    keys(&mut a, 0, "second ", 0..);
    let theirs = a.edits_since(&[other.me()], 0, &[Source::Typed]);
    a.take_back(&theirs);
    a.commit(0, Source::Typed);
    undo(&mut a);
    redo(&mut a);
    assert_eq!(a.rope(), "second first ");
    let mut a = restart(&a, &[1, 2], 3);
    assert_eq!(
        undone(&mut a),
        ["second first theirs", "first theirs", "theirs"]
    );
    let mut a = restart(&a, &[1, 2, 3], 4);
    assert_eq!(undo(&mut a), None);
    for _ in 0..3 {
        redo(&mut a);
    }
    assert_eq!(a.rope(), "second first ");
    let mut b = restart(&a, &[2], 5);
    assert_eq!(undone(&mut b).len(), 2, "the authors named and no others");
}

#[test]
fn what_came_from_disk_later_can_be_undone_the_first_content_not() {
    let mut a = document(1);
    // Too long for one batch.
    a.load(&"line\n".repeat(300_000), 0);
    a.is_on_disk();
    let disk = format!("{}more\n", a.rope());
    a.merge_disk(&disk, None, 0);
    a.commit(0, Source::Disk);
    let mut a = restart(&a, &[1], 2);
    assert_eq!(a.rope(), &disk);
    assert!(undo(&mut a).is_some());
    assert_eq!(a.len(), 1_500_000);
    assert_eq!(undo(&mut a), None);
    // A paste that was cut into batches is one step.
    edit(&mut a, 0..0, &"0123456789".repeat(100_000), 0);
    let mut a = restart(&a, &[1, 2], 3);
    assert_eq!(undone(&mut a).len(), 1);
}

#[test]
fn in_random_sessions_all_of_ones_own_edits_are_undone_and_redone() {
    let seed = std::env::var("COLLAB_EDIT_SEED").map_or(1, |s| s.parse().expect("a number"));
    eprintln!("COLLAB_EDIT_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for round in 0..60 {
        let (mut me, mut other) = (document(1), document(99));
        me.load("the file\n", 0);
        sync(&me, &mut other);
        let mut starts = 1;
        for step in 0..120 {
            let one = if rng.u8(0..4) == 0 {
                &mut other
            } else {
                &mut me
            };
            let len = one.len();
            let at = rng.usize(0..=len);
            match rng.u8(0..12) {
                0..=4 => keys(
                    one,
                    at,
                    rng.choice(&["word", "two of", " "]).unwrap(),
                    step..,
                ),
                5 => edit(one, at..(at + rng.usize(0..4)).min(len), "päste", 0),
                6 if len > 0 => {
                    let at = CharPos(rng.usize(0..len));
                    one.edit(at..CharPos(at.0 + 1), "", EditKind::Erase, step);
                    one.commit(0, Source::Typed);
                }
                7 => drop(undo(one)),
                8 => drop(redo(one)),
                9 => {
                    let theirs = me.edits_since(&[other.me()], 0, &[Source::Typed]);
                    me.take_back(&theirs[..theirs.len().min(2)]);
                    me.commit(0, Source::Typed);
                }
                10 => {
                    sync(&me, &mut other);
                    sync(&other, &mut me);
                }
                _ => {
                    let earlier: Vec<u8> = (1..=starts).collect();
                    starts += 1;
                    me = restart(&me, &earlier, starts);
                }
            }
        }
        let earlier: Vec<u8> = (1..=starts).collect();
        let mut me = restart(&me, &earlier, 98);
        while redo(&mut me).is_some() {}
        let text = me.rope().to_string();
        while undo(&mut me).is_some() {}
        let all = CharPos(0)..CharPos(me.len());
        let mine = |span: &crate::document::AuthorSpan| {
            span.author != other.me() && span.source == Source::Typed
        };
        assert_eq!(me.authorship(all).find(mine), None, "round {round}");
        while redo(&mut me).is_some() {}
        assert_eq!(me.rope(), &text, "round {round}");
    }
}
