//! Tests of the CRDT as a whole: directed cases here; random histories against a dumb model, and the
//! public conformance cases, in the modules.

mod adopt;
mod conformance;
mod directed;
mod histories;
mod history;
mod hostile;
mod model;

use super::*;

/// An author made of one number.
fn author(n: u8) -> AuthorId {
    let mut id = [0; 16];
    id[15] = n;
    AuthorId(id)
}

/// A replica of author `n`.
fn replica(n: u8) -> Replica {
    Replica::new(author(n))
}

/// Commits and gives all batches from `seq` on as they travel.
fn commit(replica: &mut Replica) -> Vec<(AuthorId, u32, Vec<u8>)> {
    let first = replica.commit(0, Source::Typed);
    batches(replica, replica.me(), first.unwrap_or(u32::MAX))
}

/// `author`'s batches from `seq` on.
fn batches(replica: &Replica, author: AuthorId, mut seq: u32) -> Vec<(AuthorId, u32, Vec<u8>)> {
    let mut all = Vec::new();
    loop {
        let mut bytes = Vec::new();
        let Some(next) = replica.log().batch_at(&author, seq, &mut bytes) else {
            return all;
        };
        all.push((author, seq, bytes));
        seq = next;
    }
}

/// Gives `to` everything that `from` has and it lacks.
fn sync(from: &Replica, to: &mut Replica) {
    for (author, _) in from.log().version().iter() {
        for (author, seq, bytes) in batches(from, author, to.log().next(&author)) {
            merge(to, author, seq, &bytes);
        }
    }
}

/// Merges and checks that the changes, applied to the old text, give the new one.
fn merge(to: &mut Replica, author: AuthorId, seq: u32, bytes: &[u8]) -> Verdict {
    let mut text: Vec<char> = to.visible_text().chars().collect();
    let mut changes = Vec::new();
    let verdict = to.merge(author, seq, bytes, &mut changes);
    apply(to, &changes, &mut text);
    assert_eq!(
        text.into_iter().collect::<String>(),
        to.visible_text(),
        "the changes are not what happened"
    );
    verdict
}

fn apply(replica: &Replica, changes: &[Change], text: &mut Vec<char>) {
    for change in changes {
        match *change {
            Change::Insert { at, from, len } => {
                text.splice(at..at, replica.text(from, len).chars());
            }
            Change::Remove { at, len } => {
                text.drain(at..at + len);
            }
        }
    }
}

fn op(author: AuthorId, seq: u32) -> OpId {
    OpId { author, seq }
}

#[test]
fn typing_a_word_is_one_entry_and_costs_three_bytes_a_key() {
    let mut a = replica(1);
    let mut bytes = Vec::new();
    for (i, key) in "hello".chars().enumerate() {
        a.insert(i, &key.to_string());
        bytes.push(commit(&mut a).remove(0).2.len());
    }
    assert_eq!(a.visible_text(), "hello");
    // The first names its origins; each later one is head, string length and character.
    assert_eq!(bytes, [6, 3, 3, 3, 3]);
    a.check_invariants();
}

#[test]
fn what_two_people_type_at_one_place_does_not_interleave() {
    // Forwards: each types its word from left to right.
    let (mut a, mut b) = (replica(1), replica(2));
    for (i, (x, y)) in "abc".chars().zip("xyz".chars()).enumerate() {
        a.insert(i, &x.to_string());
        b.insert(i, &y.to_string());
        commit(&mut a);
        commit(&mut b);
    }
    sync(&a, &mut b);
    sync(&b, &mut a);
    assert_eq!(a.visible_text(), b.visible_text());
    assert!(
        ["abcxyz", "xyzabc"].contains(&a.visible_text().as_str()),
        "{}",
        a.visible_text()
    );

    // Backwards: each inserts every letter at the start.
    let (mut a, mut b) = (replica(1), replica(2));
    for (x, y) in "abc".chars().zip("xyz".chars()) {
        a.insert(0, &x.to_string());
        b.insert(0, &y.to_string());
        commit(&mut a);
        commit(&mut b);
    }
    sync(&a, &mut b);
    sync(&b, &mut a);
    assert_eq!(a.visible_text(), b.visible_text());
    assert!(
        ["cbazyx", "zyxcba"].contains(&a.visible_text().as_str()),
        "{}",
        a.visible_text()
    );
}

#[test]
fn equal_origins_are_ordered_by_the_greater_lamport_value_then_the_smaller_author() {
    let (mut a, mut b, mut c) = (replica(1), replica(2), replica(3));
    a.insert(0, "a");
    b.insert(0, "b");
    c.insert(0, "c");
    a.commit_at(5, 0, Source::Typed);
    b.commit_at(5, 0, Source::Typed);
    c.commit_at(6, 0, Source::Typed);
    sync(&b, &mut a);
    sync(&c, &mut a);
    assert_eq!(a.visible_text(), "cab");
}

#[test]
fn a_character_inside_a_run_has_the_stamp_of_its_own_batch() {
    // One run in two batches; somebody who saw only the first writes behind it with a stamp between.
    for (second, expected) in [(3, "aBx"), (9, "axB")] {
        let (mut a, mut b) = (replica(1), replica(2));
        a.insert(0, "a");
        a.commit_at(1, 0, Source::Typed);
        sync(&a, &mut b);
        a.insert(1, "x");
        a.commit_at(second, 0, Source::Typed);
        b.insert(1, "B");
        b.commit_at(6, 0, Source::Typed);
        sync(&a, &mut b);
        sync(&b, &mut a);
        assert_eq!(
            (a.visible_text().as_str(), b.visible_text().as_str()),
            (expected, expected)
        );
    }
}

#[test]
fn undo_restores_the_same_characters_at_their_place_and_redo_takes_them_again() {
    let (mut a, mut b) = (replica(1), replica(2));
    a.insert(0, "hello world");
    commit(&mut a);
    sync(&a, &mut b);
    a.delete(0..6);
    let deleted = op(author(1), 11)..op(author(1), 12);
    commit(&mut a);
    b.insert(3, "XYZ");
    commit(&mut b);
    sync(&b, &mut a);
    assert_eq!(a.visible_text(), "XYZworld");
    let undo = a.undo(&[deleted], &mut Vec::new());
    assert_eq!(a.visible_text(), "helXYZlo world");
    a.undo(&undo, &mut Vec::new());
    assert_eq!(a.visible_text(), "XYZworld");
    commit(&mut a);
    sync(&a, &mut b);
    assert_eq!(b.visible_text(), "XYZworld");
    a.check_invariants();
}

#[test]
fn what_two_deleted_stays_deleted_until_both_take_it_back() {
    let (mut a, mut b) = (replica(1), replica(2));
    a.insert(0, "abcdef");
    commit(&mut a);
    sync(&a, &mut b);
    a.delete(0..4);
    commit(&mut a);
    b.delete(2..6);
    commit(&mut b);
    sync(&a, &mut b);
    sync(&b, &mut a);
    assert_eq!(a.visible_text(), "");
    a.undo(&[op(author(1), 6)..op(author(1), 7)], &mut Vec::new());
    commit(&mut a);
    sync(&a, &mut b);
    assert_eq!(
        (a.visible_text(), b.visible_text()),
        ("ab".into(), "ab".into())
    );
    b.undo(&[op(author(2), 0)..op(author(2), 1)], &mut Vec::new());
    commit(&mut b);
    sync(&b, &mut a);
    assert_eq!(
        (a.visible_text(), b.visible_text()),
        ("abcdef".into(), "abcdef".into())
    );
}

#[test]
fn a_take_back_is_not_cancelled_by_the_authors_own_undo_and_redo() {
    let (mut a, mut b) = (replica(1), replica(2));
    a.insert(0, "text");
    commit(&mut a);
    sync(&a, &mut b);
    let insert = op(author(1), 0)..op(author(1), 4);
    b.undo(std::slice::from_ref(&insert), &mut Vec::new());
    commit(&mut b);
    let undo = a.undo(&[insert], &mut Vec::new());
    commit(&mut a);
    a.undo(&undo, &mut Vec::new());
    commit(&mut a);
    assert_eq!(a.visible_text(), "text");
    sync(&a, &mut b);
    sync(&b, &mut a);
    assert_eq!(
        (a.visible_text(), b.visible_text()),
        (String::new(), String::new())
    );
}

#[test]
fn an_empty_commit_does_not_move_the_clock() {
    let mut a = replica(1);
    assert_eq!(a.commit(0, Source::Typed), None);
    assert_eq!(a.commit_at(77, 0, Source::Typed), None);
    assert_eq!(a.next_lamport(), 1);
    a.insert(0, "x");
    a.commit(0, Source::Typed);
    a.commit(0, Source::Typed);
    assert_eq!(a.next_lamport(), 2);
}

#[test]
fn anchors_stay_with_their_character() {
    let (mut a, mut b) = (replica(1), replica(2));
    a.insert(0, "abcd");
    commit(&mut a);
    sync(&a, &mut b);
    let before_c = a.anchor(2, Bias::Before);
    let after_b = a.anchor(2, Bias::After);
    let (start, end) = (a.anchor(0, Bias::After), a.anchor(4, Bias::Before));
    b.insert(2, "XY");
    commit(&mut b);
    sync(&b, &mut a);
    assert_eq!(a.position(&before_c), Some(4));
    assert_eq!(a.position(&after_b), Some(2));
    a.insert(0, "0");
    a.insert(7, "9");
    assert_eq!((a.position(&start), a.position(&end)), (Some(0), Some(8)));
    a.delete(1..7);
    assert_eq!(a.visible_text(), "09");
    assert_eq!(
        (a.position(&before_c), a.position(&after_b)),
        (Some(1), Some(1))
    );
    assert_eq!(
        b.position(&Anchor {
            at: Some(op(author(9), 0)),
            bias: Bias::After
        }),
        None
    );
}

#[test]
fn a_long_insert_is_cut_into_batches_that_are_one_run() {
    let mut a = replica(1);
    let long = "0123456é".repeat(200_000);
    a.insert(0, &long);
    let sent = commit(&mut a);
    assert!(
        sent.len() > 2
            && sent
                .iter()
                .all(|(_, _, bytes)| bytes.len() <= limits::MAX_BATCH_BYTES)
    );
    let mut b = replica(2);
    for (author, seq, bytes) in &sent {
        assert_eq!(
            b.merge(*author, *seq, bytes, &mut Vec::new()),
            Verdict::Applied
        );
    }
    assert_eq!(b.len(), long.chars().count());
    assert_eq!(b.visible_text(), long);
}
