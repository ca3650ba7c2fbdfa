//! The history encoding: what it keeps, and bytes that are no history.

use super::*;
use crate::crdt::history::seal;

/// Two authors' work with every kind of operation in it.
fn scene() -> Replica {
    let (mut a, mut b) = (replica(1), replica(2));
    a.insert(0, "some text é");
    commit(&mut a);
    for at in (3..8).rev() {
        a.delete(at..at + 1);
        commit(&mut a);
    }
    sync(&a, &mut b);
    b.insert(2, "日本");
    b.insert(0, "x");
    b.delete(1..4);
    b.commit(7, Source::Disk);
    a.insert(2, "concurrent");
    commit(&mut a);
    sync(&b, &mut a);
    a.undo(&[op(author(2), 2)..op(author(2), 4)], &mut Vec::new());
    a.note(b"a note");
    commit(&mut a);
    a
}

fn open(bytes: &[u8]) -> Result<Replica, Corrupt> {
    History::open(bytes)?.build(author(9))
}

#[test]
fn a_history_gives_everything_again() {
    let a = scene();
    let b = open(&a.encode_history()).unwrap();
    b.check_invariants();
    assert_eq!(b.visible_text(), a.visible_text());
    for n in [1, 2] {
        assert_eq!(batches(&b, author(n), 0), batches(&a, author(n), 0));
    }
    assert_eq!(b.encode_history().len(), {
        let mut with_b = replica(9);
        sync(&a, &mut with_b);
        with_b.encode_history().len()
    });
}

#[test]
fn an_empty_history_is_one() {
    assert!(open(&replica(1).encode_history()).unwrap().is_empty());
}

#[test]
fn an_author_goes_on_from_its_own_history() {
    let a = scene();
    let bytes = a.encode_history();
    let mut again = History::open(&bytes).unwrap().build(author(1)).unwrap();
    assert_eq!(again.next_op(), a.next_op());
    again.insert(0, "more");
    commit(&mut again);
    again.check_invariants();
}

#[test]
fn what_is_no_history_is_named() {
    let good = scene().encode_history();
    let error = |bytes: &[u8]| open(bytes).err().unwrap();
    assert_eq!(error(b""), Corrupt::NotAHistory);
    assert_eq!(error(b"some text file"), Corrupt::NotAHistory);
    let mut other = good.clone();
    other[8] = 77;
    assert_eq!(error(&other), Corrupt::Version(77));
    let mut damaged = good.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(error(&damaged), Corrupt::Damaged);
    assert_eq!(error(&good[..good.len() - 1]), Corrupt::Damaged);
}

#[test]
fn every_cut_and_every_flipped_bit_is_refused_in_words_or_makes_a_sound_replica() {
    let good = scene().encode_history();
    for cut in 0..good.len() {
        let mut bad = good[..cut].to_vec();
        assert!(open(&bad).is_err(), "cut at {cut}");
        seal(&mut bad);
        assert!(open(&bad).is_err(), "cut at {cut}, sealed");
    }
    let mut taken = 0;
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert!(open(&bad).is_err(), "byte {at} bit {bit}");
            seal(&mut bad);
            if let Ok(replica) = open(&bad) {
                replica.check_invariants();
                let again = open(&replica.encode_history()).unwrap();
                assert_eq!(again.visible_text(), replica.visible_text());
                taken += 1;
            }
        }
    }
    assert!(taken > 100, "texts and times may be anything: {taken}");
}

#[test]
fn random_changes_of_unpacked_columns_never_panic() {
    let seed = std::env::var("COLLAB_EDIT_SEED").map_or(1, |s| s.parse().expect("a number"));
    eprintln!("COLLAB_EDIT_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let good = scene().encode_history();
    for _ in 0..30_000 {
        let mut bad = good.clone();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(25..bad.len());
            match rng.u8(0..3) {
                0 => bad[at] = rng.u8(..),
                1 => bad[at] = bad[at].wrapping_add(1),
                _ => bad[at] = rng.u8(0..4),
            }
        }
        seal(&mut bad);
        if let Ok(replica) = open(&bad) {
            replica.check_invariants();
        }
    }
}

#[test]
fn a_history_is_refused_for_the_inserts_that_merging_refuses() {
    let seed = std::env::var("COLLAB_EDIT_SEED").map_or(1, |s| s.parse().expect("a number"));
    eprintln!("COLLAB_EDIT_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut refused, mut taken) = (0, 0);
    for _ in 0..3_000 {
        let mut people = [replica(1), replica(2), replica(3)];
        for _ in 0..rng.usize(2..12) {
            let (one, other) = (rng.usize(0..3), rng.usize(0..3));
            let at = rng.usize(0..=people[one].len());
            people[one].insert(at, ["a", "bcd"][rng.usize(0..2)]);
            commit(&mut people[one]);
            if one != other {
                let [from, to] = people.get_disjoint_mut([one, other]).unwrap();
                sync(from, to);
            }
        }
        let (mut victim, mut evil) = (replica(9), replica(66));
        people.iter().for_each(|from| sync(from, &mut victim));
        sync(&victim, &mut evil);
        let characters = victim.all_characters();
        let any = |rng: &mut fastrand::Rng| rng.choice(&characters).copied();
        let left = any(&mut rng).filter(|_| rng.u8(0..6) > 0);
        let right = any(&mut rng).filter(|_| rng.u8(0..6) > 0);
        let bytes = evil.forge_batch(&[(left, right, "x")], rng.u64(0..9));
        let verdict = merge(&mut victim, author(66), 0, &bytes);
        let why = open(&evil.forge_history("x")).err().unwrap();
        if let Verdict::Invalid(what) = verdict {
            assert_eq!(why, Corrupt::Invalid(what), "{left:?} {right:?}");
            refused += 1;
        } else {
            assert!(matches!(why, Corrupt::Malformed(_)), "{why}");
            taken += 1;
        }
    }
    assert!(refused > 500 && taken > 500, "{refused} {taken}");
}
