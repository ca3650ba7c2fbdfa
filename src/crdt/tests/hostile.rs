//! Batches that an honest member would never make.

use super::*;

/// A document "abc" by author 1, known to a victim and to author 66.
fn scene() -> (Replica, Replica) {
    let (mut a, mut victim, mut evil) = (replica(1), replica(2), replica(66));
    a.insert(0, "abc");
    commit(&mut a);
    sync(&a, &mut victim);
    sync(&a, &mut evil);
    (victim, evil)
}

fn a(seq: u32) -> Option<OpId> {
    Some(op(author(1), seq))
}

#[test]
fn crossed_and_nested_origins_are_rejected_and_their_author_is_frozen() {
    for (left, right, why) in [
        (a(2), a(0), Invalid::OriginsCrossed),
        (a(1), a(1), Invalid::OriginsCrossed),
        // c hangs on b, which is right of a.
        (a(0), a(2), Invalid::RightOriginNested),
        (None, a(1), Invalid::RightOriginNested),
    ] {
        let (mut victim, mut evil) = scene();
        let bytes = evil.forge_batch(&[(left, right, "x")], 9);
        assert_eq!(
            merge(&mut victim, author(66), 0, &bytes),
            Verdict::Invalid(why)
        );
        assert_eq!(victim.visible_text(), "abc");
        assert!(victim.log().is_frozen(&author(66)));
        assert_eq!(
            victim.take_rejected(),
            [Rejected {
                author: author(66),
                seq: 0,
                why
            }]
        );
        assert_eq!(merge(&mut victim, author(66), 0, &bytes), Verdict::Frozen);
        victim.check_invariants();
    }
}

#[test]
fn a_left_origin_that_ends_before_the_right_origin_is_rejected() {
    let (mut victim, mut evil) = scene();
    // x between a and b: its right origin is b. An insert from x to c would leave that.
    victim.insert(1, "x");
    commit(&mut victim);
    sync(&victim, &mut evil);
    let bytes = evil.forge_batch(&[(Some(op(author(2), 0)), None, "y")], 9);
    assert_eq!(
        merge(&mut victim, author(66), 0, &bytes),
        Verdict::Invalid(Invalid::LeftOriginNested)
    );
}

#[test]
fn an_invalid_operation_takes_its_whole_batch_with_it() {
    let (mut victim, mut evil) = scene();
    victim.insert(1, "kept");
    victim.delete(0..1);
    commit(&mut victim);
    sync(&victim, &mut evil);
    let before = (victim.visible_text(), victim.all_characters());
    // The first insert is good and splits a run; the second is not.
    let bytes = evil.forge_batch(&[(a(1), a(2), "good"), (a(2), a(0), "bad")], 9);
    let verdict = merge(&mut victim, author(66), 0, &bytes);
    assert_eq!(verdict, Verdict::Invalid(Invalid::OriginsCrossed));
    assert_eq!((victim.visible_text(), victim.all_characters()), before);
    victim.check_invariants();
    victim.insert(0, "still works");
    commit(&mut victim);
    victim.check_invariants();
}

#[test]
fn everything_before_the_invalid_batch_stays_and_nothing_later_is_taken() {
    let (mut victim, mut evil) = scene();
    evil.insert(0, "fine ");
    let first = commit(&mut evil).remove(0);
    let bad = evil.forge_batch(&[(a(2), a(0), "x")], 9);
    let later = evil.forge_batch(&[(a(2), None, "later")], 10);
    assert_eq!(merge(&mut victim, author(66), 6, &later), Verdict::Waiting);
    assert_eq!(merge(&mut victim, author(66), 5, &bad), Verdict::Waiting);
    assert_eq!(
        merge(&mut victim, first.0, first.1, &first.2),
        Verdict::Applied
    );
    assert_eq!(victim.visible_text(), "fine abc");
    assert_eq!(victim.take_rejected().len(), 1);
    assert_eq!(victim.log().next(&author(66)), 5);
    assert_eq!(merge(&mut victim, author(66), 6, &later), Verdict::Frozen);
}

#[test]
fn a_delete_that_names_a_character_twice_hides_none() {
    let typed = [&[0, 1, 0xc0, 0xc0, 0xac][..], b"a line of it"].concat();
    for (least, hidden, twice) in [
        (11, false, true),
        (2, false, true),
        (2, true, true),
        (2, true, false),
    ] {
        let mut victim = Replica::new(author(1));
        let mut batches = vec![(0, typed.clone())];
        if hidden {
            batches.push((12, vec![0, 2, 1, 7, 1]));
        }
        for (seq, bytes) in &batches {
            let verdict = merge(&mut victim, author(66), *seq, bytes);
            assert_eq!(verdict, Verdict::Applied);
        }
        let (text, seq) = (victim.visible_text(), victim.log().next(&author(66)));
        let named: Vec<u32> = (least..12).chain(twice.then_some(11)).collect();
        let mut bytes = vec![0, 2, named.len() as u8];
        for name in named {
            bytes.extend([(seq - name) as u8, 1]);
        }
        let verdict = merge(&mut victim, author(66), seq, &bytes);
        if twice {
            assert_eq!(verdict, Verdict::Invalid(Invalid::TargetTwice));
            assert_eq!(victim.visible_text(), text);
        } else {
            assert_eq!(verdict, Verdict::Applied);
            assert_eq!(victim.visible_text(), "a ");
        }
        victim.check_invariants();
    }
}

#[test]
fn deletes_and_undos_name_what_they_may_name() {
    let int = |n: u8| n;
    // Head 0; delete (2) or undo (3), one target, "first other author" (−1) introduced.
    let targets = |tag: u8, spans: &[(u8, u8)]| {
        let mut bytes = vec![0, tag, spans.len() as u8];
        for (i, (seq, len)) in spans.iter().enumerate() {
            bytes.push(0xff);
            if i == 0 {
                bytes.extend([0xc4, 16]);
                bytes.extend(author(1).0);
            }
            bytes.extend([int(*seq), int(*len)]);
        }
        bytes
    };
    let verdict = |bytes: &[u8]| {
        let (mut victim, _) = scene();
        let verdict = merge(&mut victim, author(66), 0, bytes);
        victim.check_invariants();
        verdict
    };
    assert_eq!(verdict(&targets(2, &[(0, 3)])), Verdict::Applied);
    assert_eq!(verdict(&targets(2, &[(0, 1), (2, 1)])), Verdict::Applied);
    assert_eq!(
        verdict(&targets(2, &[(0, 2), (1, 1)])),
        Verdict::Invalid(Invalid::TargetTwice)
    );
    assert_eq!(
        verdict(&targets(3, &[(1, 1), (1, 1)])),
        Verdict::Invalid(Invalid::TargetTwice)
    );
    assert_eq!(verdict(&targets(2, &[(0, 4)])), Verdict::Waiting);
    assert_eq!(verdict(&targets(3, &[(3, 1)])), Verdict::Waiting);
    assert!(matches!(
        verdict(&targets(2, &[(0, 0)])),
        Verdict::Invalid(Invalid::Malformed(_))
    ));
    assert!(matches!(
        verdict(&targets(2, &[])),
        Verdict::Invalid(Invalid::Malformed(_))
    ));
}

#[test]
fn a_delete_cannot_name_a_delete() {
    let (mut victim, mut evil) = scene();
    evil.delete(0..1);
    for (author, seq, bytes) in commit(&mut evil) {
        merge(&mut victim, author, seq, &bytes);
    }
    // Own operation number 0, one back from number 1.
    assert_eq!(
        merge(&mut victim, author(66), 1, &[0, 2, 1, 1, 1]),
        Verdict::Invalid(Invalid::NotACharacter)
    );
    assert_eq!(victim.visible_text(), "bc");
}

#[test]
fn a_delete_that_names_a_delete_behind_characters_hides_none_of_them() {
    let (mut victim, mut evil) = scene();
    evil.insert(3, "x");
    evil.delete(1..2);
    for (author, seq, bytes) in commit(&mut evil) {
        merge(&mut victim, author, seq, &bytes);
    }
    assert_eq!(victim.visible_text(), "acx");
    // "a" and "c", the third of author 1's three, then from the own "x" (2 back) on into the delete.
    let bytes = [0, 2, 3, 0xff, 0, 1, 0xff, 2, 1, 2, 2];
    let mut changes = Vec::new();
    assert_eq!(
        victim.merge(author(66), 2, &bytes, &mut changes),
        Verdict::Invalid(Invalid::NotACharacter)
    );
    assert_eq!(victim.visible_text(), "acx");
    assert_eq!(changes, []);
    victim.check_invariants();
}

#[test]
fn undos_nest_to_the_limit_and_no_deeper() {
    let (mut victim, mut evil) = scene();
    let mut last = vec![op(author(1), 0)..op(author(1), 1)];
    for depth in 1..=limits::MAX_UNDO_DEPTH {
        last = evil.undo(&last, &mut Vec::new());
        assert_eq!(last.len(), 1, "depth {depth}");
        commit(&mut evil);
    }
    assert!(evil.undo(&last, &mut Vec::new()).is_empty());
    sync(&evil, &mut victim);
    assert_eq!(victim.visible_text(), "abc", "an even number of undos");
    let next = victim.log().next(&author(66));
    let verdict = merge(&mut victim, author(66), next, &[0, 3, 1, 1, 1]);
    assert_eq!(verdict, Verdict::Invalid(Invalid::UndoTooDeep));
}

#[test]
fn lamport_values_saturate_and_greater_ones_are_invalid() {
    let (mut victim, mut evil) = scene();
    let top = evil.forge_batch(&[(a(2), None, "x")], limits::MAX_LAMPORT);
    assert_eq!(merge(&mut victim, author(66), 0, &top), Verdict::Applied);
    victim.insert(0, "v");
    victim.commit(0, Source::Typed);
    assert_eq!(
        victim.log().batch_info(&author(2), 0).unwrap().lamport,
        limits::MAX_LAMPORT
    );
    let mut other = replica(3);
    sync(&victim, &mut other);
    assert_eq!(other.visible_text(), victim.visible_text());
    // One more than the greatest: head "lamport follows", difference 1 more than the limit.
    let over = [1, 0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0, 0xa1, b'y'];
    assert!(matches!(
        merge(&mut victim, author(7), 0, &over),
        Verdict::Invalid(Invalid::Malformed(_))
    ));
}

#[test]
fn every_cut_and_every_flipped_byte_of_a_batch_is_taken_or_refused_in_words() {
    let (mut victim, mut evil) = scene();
    evil.insert(1, "some text é");
    evil.delete(0..3);
    evil.undo(&[op(author(1), 1)..op(author(1), 3)], &mut Vec::new());
    evil.note(&[7; 40]);
    let (_, seq, good) = commit(&mut evil).remove(0);
    for cut in 0..good.len() {
        let (mut victim, _) = scene();
        merge(&mut victim, author(66), seq, &good[..cut]);
        victim.check_invariants();
    }
    for at in 0..good.len() {
        for bit in 0..8 {
            let (mut victim, _) = scene();
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            if merge(&mut victim, author(66), seq, &bad) == Verdict::Applied {
                // What is taken is given again as it came: there is one encoding.
                assert_eq!(
                    batches(&victim, author(66), 0)[0].2,
                    bad,
                    "byte {at} bit {bit}"
                );
            }
            victim.check_invariants();
        }
    }
    assert_eq!(merge(&mut victim, author(66), seq, &good), Verdict::Applied);
    assert_eq!(victim.visible_text(), evil.visible_text());
}

#[test]
fn a_nul_is_no_text() {
    let (mut victim, _) = scene();
    let bytes = [0, 1, 0xc0, 0xc0, 0xa3, b'a', 0, b'b'];
    let verdict = merge(&mut victim, author(66), 0, &bytes);
    assert!(
        matches!(verdict, Verdict::Invalid(Invalid::Malformed(_))),
        "{verdict:?}"
    );
}

#[test]
fn random_bytes_never_panic() {
    let seed = std::env::var("COLLAB_EDIT_SEED").map_or(1, |s| s.parse().expect("a number"));
    eprintln!("COLLAB_EDIT_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut victim, _) = scene();
    for n in 0..100_000u32 {
        let mut from = [0; 16];
        from[..4].copy_from_slice(&(n % 1000).to_be_bytes());
        let mut bytes: Vec<u8> = (0..rng.usize(0..30)).map(|_| rng.u8(..)).collect();
        if let Some(head) = bytes.first_mut() {
            *head &= 7;
        }
        let from = AuthorId(from);
        victim.merge(from, victim.log().next(&from), &bytes, &mut Vec::new());
    }
    victim.check_invariants();
}

#[test]
fn a_batch_that_is_said_to_be_longer_than_it_is_is_invalid_everywhere() {
    let (mut victim, mut evil) = scene();
    evil.insert(3, "xy");
    let (_, _, bytes) = commit(&mut evil).remove(0);
    for width in [1, 3] {
        let why = Invalid::Width {
            said: width,
            found: 2,
        };
        let mut other = scene().0;
        let verdict = other.merge_sized(op(author(66), 0), width, &bytes, &mut Vec::new());
        assert_eq!(verdict, Verdict::Invalid(why));
        assert_eq!(other.visible_text(), "abc");
        assert!(other.log().is_frozen(&author(66)));
    }
    let verdict = victim.merge_sized(op(author(66), 0), 2, &bytes, &mut Vec::new());
    assert_eq!(verdict, Verdict::Applied);
    // Typing on takes a path of its own.
    evil.insert(5, "z");
    let (_, seq, bytes) = commit(&mut evil).remove(0);
    let verdict = victim.merge_sized(op(author(66), seq), 2, &bytes, &mut Vec::new());
    let why = Invalid::Width { said: 2, found: 1 };
    assert_eq!(verdict, Verdict::Invalid(why));
}

#[test]
fn what_waits_and_what_is_invalid_can_be_shown_to_others() {
    let (mut victim, mut evil) = scene();
    let bad = evil.forge_batch(&[(a(2), a(0), "x")], 9);
    let mut out = Vec::new();
    for (seq, bytes) in [(0, &bad), (1, &vec![7; 5])] {
        victim.merge_sized(op(author(66), seq), 1, bytes, &mut Vec::new());
        out.clear();
        let end = victim.waiting_at(&author(66), seq, &mut out);
        assert_eq!((end, &out), (Some(seq + 1), bytes));
    }
    assert_eq!(victim.waiting(), 0, "for nothing that could come");
    // One that waits, and then no longer does.
    let mut ahead = replica(3);
    ahead.insert(0, "1");
    let (_, _, first) = commit(&mut ahead).remove(0);
    ahead.insert(1, "22");
    let (_, _, second) = commit(&mut ahead).remove(0);
    victim.merge_sized(op(author(3), 1), 2, &second, &mut Vec::new());
    out.clear();
    assert_eq!(victim.waiting_at(&author(3), 1, &mut out), Some(3));
    assert_eq!((victim.waiting(), &out), (1, &second));
    victim.merge_sized(op(author(3), 0), 1, &first, &mut Vec::new());
    assert_eq!(victim.waiting_at(&author(3), 1, &mut out), None);
    assert_eq!(victim.log().next(&author(3)), 3);
    // What is taken over in place of this brings it along.
    let bytes = replica(9).encode_history();
    let history = History::open(&bytes).unwrap();
    let new = victim.adopt(history, |_| true, &mut Vec::new()).unwrap();
    out.clear();
    assert_eq!(new.waiting_at(&author(66), 1, &mut out), Some(2));
}
