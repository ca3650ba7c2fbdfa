//! Taking over a history: nothing that was here is lost, whatever the history says.

use super::*;
use crate::crdt::NotAdopted;

/// Adopts what `from` holds, checking that the changes lead from the history's text to the new one.
fn adopt(to: &mut Replica, from: &Replica) -> Result<(), NotAdopted> {
    let history = History::open(&from.encode_history()).unwrap();
    let mut text: Vec<char> = history.text().chars().collect();
    let mut changes = Vec::new();
    let new = to.adopt(history, |_| true, &mut changes)?;
    apply(&new, &changes, &mut text);
    assert_eq!(
        text.into_iter().collect::<String>(),
        new.visible_text(),
        "the changes are not what happened"
    );
    new.check_invariants();
    *to = new;
    Ok(())
}

#[test]
fn both_sides_of_a_partition_are_in_the_adopted_replica() {
    let (mut a, mut b, mut c) = (replica(1), replica(2), replica(3));
    a.insert(0, "common ground");
    commit(&mut a);
    sync(&a, &mut b);
    sync(&a, &mut c);
    for n in 0..50 {
        a.insert(n, "a");
        commit(&mut a);
        b.insert(13 + n, "b");
        commit(&mut b);
        c.insert(n, "c");
        commit(&mut c);
        sync(&c, &mut b);
        sync(&b, &mut c);
        b.delete(2..3);
        commit(&mut b);
    }
    b.undo(&[op(author(2), 3)..op(author(2), 9)], &mut Vec::new());
    commit(&mut b);
    let mut by_batches = replica(1);
    sync(&a, &mut by_batches);
    sync(&b, &mut by_batches);
    let anchors: Vec<Anchor> = (0..b.len()).map(|at| b.anchor(at, Bias::Before)).collect();
    adopt(&mut b, &a).unwrap();
    assert_eq!(b.everything(), by_batches.everything());
    assert_eq!(b.visible_text(), by_batches.visible_text());
    assert_eq!(b.log().version(), by_batches.log().version());
    for n in 1..=3 {
        assert_eq!(
            batches(&b, author(n), 0),
            batches(&by_batches, author(n), 0)
        );
    }
    let places: Vec<_> = anchors.iter().map(|anchor| b.position(anchor)).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some));
    // Life goes on, on both sides.
    b.insert(0, "more");
    commit(&mut b);
    sync(&b, &mut a);
    assert_eq!(a.visible_text(), b.visible_text());
}

#[test]
fn what_waits_for_its_causes_waits_on_or_is_applied() {
    let (mut a, mut b) = (replica(1), replica(2));
    a.insert(0, "one");
    commit(&mut a);
    let before = replica_of(&a, 9);
    a.insert(3, "two");
    let two = commit(&mut a);
    a.insert(6, "three");
    let three = commit(&mut a);
    for (author, seq, bytes) in two.iter().chain(&three) {
        merge(&mut b, *author, *seq, bytes);
    }
    assert_eq!(b.waiting(), 2);
    adopt(&mut b, &replica(7)).unwrap();
    assert_eq!(b.waiting(), 2, "they wait on");
    adopt(&mut b, &before).unwrap();
    assert_eq!((b.waiting(), b.visible_text().as_str()), (0, "onetwothree"));
}

fn replica_of(from: &Replica, n: u8) -> Replica {
    let mut to = replica(n);
    sync(from, &mut to);
    to
}

#[test]
fn a_history_that_contradicts_what_is_here_is_not_adopted() {
    let (mut a, mut forged) = (replica(1), replica(1));
    a.insert(0, "the truth");
    commit(&mut a);
    forged.insert(0, "not truth");
    commit(&mut forged);
    let b = replica_of(&a, 2);
    for mut holder in [replica_of(&a, 1), b] {
        let before = holder.encode_history();
        let adopted = adopt(&mut holder, &forged);
        assert_eq!(adopted, Err(NotAdopted::Differs(author(1))));
        assert_eq!(holder.encode_history(), before, "nothing has changed");
    }
    // Operations of ours that we never made would have their numbers used again.
    a.insert(0, "more ");
    commit(&mut a);
    let mut early = replica(1);
    early.insert(0, "the truth");
    commit(&mut early);
    assert_eq!(adopt(&mut early, &a), Err(NotAdopted::Differs(author(1))));
}

#[test]
fn a_frozen_author_stays_frozen() {
    let mut evil = replica(66);
    evil.insert(0, "fine");
    commit(&mut evil);
    let (mut frozen, mut other) = (replica_of(&evil, 1), replica_of(&evil, 2));
    let history = History::open(&evil.encode_history()).unwrap();
    let mut goes_on = history.build(author(66)).unwrap();
    goes_on.insert(4, " and on");
    commit(&mut goes_on);
    sync(&goes_on, &mut other);
    let crossed = (Some(op(author(66), 2)), Some(op(author(66), 0)), "x");
    let bad = evil.forge_batch(&[crossed], 9);
    let verdict = merge(&mut frozen, author(66), 4, &bad);
    assert_eq!(verdict, Verdict::Invalid(Invalid::OriginsCrossed));
    let adopted = adopt(&mut frozen, &other);
    assert_eq!(adopted, Err(NotAdopted::Differs(author(66))));
    let alike = replica_of(&frozen, 4);
    adopt(&mut frozen, &alike).unwrap();
    assert!(frozen.log().is_frozen(&author(66)));
    assert_eq!(frozen.visible_text(), "fine");
}

#[test]
fn of_a_frozen_author_of_whom_nothing_is_here_a_history_brings_what_others_have() {
    let mut evil = replica(66);
    evil.insert(0, "fine");
    commit(&mut evil);
    let mut other = replica_of(&evil, 2);
    other.insert(4, " and on");
    commit(&mut other);
    let mut frozen = replica(1);
    let crossed = (Some(op(author(66), 2)), Some(op(author(66), 0)), "x");
    let bad = evil.forge_batch(&[crossed], 9);
    let verdict = merge(&mut frozen, author(66), 0, &bad);
    assert!(matches!(verdict, Verdict::Invalid(_)), "{verdict:?}");
    adopt(&mut frozen, &other).unwrap();
    assert_eq!(frozen.visible_text(), "fine and on");
    assert!(frozen.log().is_frozen(&author(66)));
}
