//! Cases that were thought out, given in every order of delivery and held against the model.

use std::ops::Range;

use super::model::{self, Model, ModelOp};
use super::*;

/// A batch on its way.
type Travelling = (AuthorId, u32, Vec<u8>);

/// Everything that these replicas' authors did, in an order in which causes come first: by stamp.
fn collect(replicas: &[&Replica]) -> (Vec<Travelling>, Vec<(OpId, ModelOp)>) {
    let of = |replica: &&Replica| batches(replica, replica.me(), 0);
    let mut sent: Vec<Travelling> = replicas.iter().flat_map(of).collect();
    sent.sort_by_key(|(author, seq, _)| {
        let log = replicas.iter().find(|replica| replica.me() == *author);
        log.and_then(|replica| replica.log().batch_info(author, *seq))
            .map(|batch| batch.lamport)
    });
    let mut all = replica(250);
    let mut ops = Vec::new();
    for (author, seq, bytes) in &sent {
        assert_eq!(merge(&mut all, *author, *seq, bytes), Verdict::Applied);
        ops.extend(model::operations(&all, *author, *seq));
    }
    (sent, ops)
}

/// Gives the batches in every order to a replica that is new each time, and holds each step against the model; the
/// text in the end. The first `fixed` batches always come first.
fn in_every_order(replicas: &[&Replica], fixed: usize) -> String {
    let (mut sent, ops) = collect(replicas);
    let model = Model::new(&ops);
    let order = model.order();
    let first: Vec<Travelling> = sent.drain(..fixed).collect();
    let mut end = None;
    permute(&mut sent, 0, &mut |sent| {
        let mut all = replica(250);
        for (author, seq, bytes) in first.iter().chain(sent) {
            merge(&mut all, *author, *seq, bytes);
            all.check_invariants();
            let expected = model.text(all.log().version());
            assert_eq!(all.visible_text(), expected);
        }
        assert_eq!(all.waiting(), 0);
        assert_eq!(all.all_characters(), order);
        let text = all.visible_text();
        assert_eq!(end.get_or_insert_with(|| text.clone()), &text);
    });
    end.unwrap_or_default()
}

/// Calls `each` with every order of what is behind `from`.
fn permute<T>(items: &mut [T], from: usize, each: &mut impl FnMut(&[T])) {
    if from == items.len() {
        return each(items);
    }
    for i in from..items.len() {
        items.swap(from, i);
        permute(items, from + 1, each);
        items.swap(from, i);
    }
}

/// Replicas of authors 1 to `n`, all of which have `text`, author 1's.
fn with_text(text: &str, n: u8) -> Vec<Replica> {
    let mut all: Vec<Replica> = (1..=n).map(replica).collect();
    all[0].insert(0, text);
    commit(&mut all[0]);
    let (first, rest) = all.split_at_mut(1);
    rest.iter_mut().for_each(|other| sync(&first[0], other));
    all
}

fn exchange(replicas: &mut [Replica]) {
    for _ in 0..replicas.len() {
        for from in 0..replicas.len() {
            for to in (0..replicas.len()).filter(|to| *to != from) {
                let [from, to] = replicas.get_disjoint_mut([from, to]).unwrap();
                sync(from, to);
            }
        }
    }
}

/// The last operation that a replica's author made.
fn last(replica: &Replica) -> Range<OpId> {
    let OpId { author, seq } = replica.next_op();
    op(author, seq - 1)..op(author, seq)
}

fn undo(replica: &mut Replica, ops: Range<OpId>) -> Range<OpId> {
    replica.undo(&[ops], &mut Vec::new());
    commit(replica);
    last(replica)
}

/// Figure 1 of the Fugue paper and its mirror image, with up to four people: each writes a word at
/// one place, key by key, from left to right or from right to left.
#[test]
fn words_written_at_one_place_at_the_same_time_stay_whole() {
    let words = ["milk", "eggs", "BREAD", "tea!"];
    for people in 2..=4_u8 {
        for directions in 0..1_u32 << people {
            let mut all = with_text("[]", people);
            for (n, (replica, word)) in all.iter_mut().zip(words).enumerate() {
                let forwards = directions & (1 << n) == 0;
                let mut keys: Vec<char> = word.chars().collect();
                if !forwards {
                    keys.reverse();
                }
                for (i, key) in keys.into_iter().enumerate() {
                    replica.insert(if forwards { 1 + i } else { 1 }, &key.to_string());
                    commit(replica);
                }
            }
            exchange(&mut all);
            let text = all[0].visible_text();
            for (replica, word) in all.iter().zip(words) {
                assert_eq!(replica.visible_text(), text);
                assert!(text.contains(word), "{text}: {people} {directions:b}");
            }
        }
    }
}

/// Whatever way somebody writes at one place, it stays together: all of it hangs on the first character.
#[test]
fn what_is_written_in_any_order_at_one_place_stays_together() {
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..200 {
        let mut all = with_text("[]", 3);
        for (n, replica) in all.iter_mut().enumerate() {
            for written in 0..rng.usize(1..8) {
                replica.insert(1 + rng.usize(0..=written), ["a", "b", "c"][n]);
                commit(replica);
            }
        }
        exchange(&mut all);
        let text = all[0].visible_text();
        let mut stretches: Vec<char> = text.chars().collect();
        stretches.dedup();
        assert_eq!(stretches.len(), 5, "{text}");
    }
}

/// What FugueMax has and Fugue has not: of two characters behind the same one, the one whose right
/// origin is further to the right goes first, so that the other stays beside its right origin.
#[test]
fn backward_writing_stays_together_where_right_origins_differ() {
    for (p, q) in [(4, 5), (5, 4)] {
        // r, then l and z in front of it at the same time: l z r.
        let mut all: Vec<Replica> = (1..=5).map(replica).collect();
        all[0].insert(0, "r");
        commit(&mut all[0]);
        for n in [1, 2] {
            let [first, other] = all.get_disjoint_mut([0, n]).unwrap();
            sync(first, other);
            other.insert(0, ["l", "z"][n - 1]);
            commit(other);
        }
        // P sees all of them and writes between l and z; Q has not seen z and writes between l and r.
        for (n, knows) in [(p - 1, vec![0, 1, 2]), (q - 1, vec![0, 1])] {
            for from in knows {
                let [from, to] = all.get_disjoint_mut([from, n]).unwrap();
                sync(from, to);
            }
            all[n].insert(1, if n == p - 1 { "P" } else { "Q" });
            all[n].commit_at(9, 0, Source::Typed);
        }
        let all: Vec<&Replica> = all.iter().collect();
        assert_eq!(in_every_order(&all, 0), "lQPzr");
    }
}

#[test]
fn both_ends_of_a_run_take_inserts_of_all() {
    let mut all = with_text("abcdef", 4);
    // The author types on while others write at the end, at the start, and inside.
    all[0].insert(6, "gh");
    commit(&mut all[0]);
    all[1].insert(6, "2");
    all[1].insert(0, "2");
    commit(&mut all[1]);
    all[2].insert(0, "3");
    all[2].insert(4, "3");
    commit(&mut all[2]);
    // Its ends are deleted, and somebody writes where they were.
    all[3].delete(0..1);
    all[3].delete(4..5);
    all[3].insert(4, "4");
    all[3].insert(0, "4");
    commit(&mut all[3]);
    let all: Vec<&Replica> = all.iter().collect();
    assert_eq!(in_every_order(&all, 1), "234bc3de4gh2");
}

#[test]
fn typing_on_behind_ones_run_goes_on_while_others_write_there() {
    let mut all = with_text("ab", 2);
    for n in 0..3 {
        let at = all[0]
            .visible_text()
            .chars()
            .take_while(char::is_ascii_lowercase)
            .count();
        all[0].insert(at, ["c", "d", "e"][n]);
        commit(&mut all[0]);
        let len = all[1].len();
        all[1].insert(len.min(2), "X");
        commit(&mut all[1]);
        if n == 1 {
            exchange(&mut all);
        }
    }
    let all: Vec<&Replica> = all.iter().collect();
    let text = in_every_order(&all, 1);
    assert!(text.contains("abcd") || text.contains("cde"), "{text}");
}

#[test]
fn overlapping_deletes_are_undone_in_every_order() {
    let mut all = with_text("abcdefgh", 4);
    let mut undos = Vec::new();
    for (replica, range) in all.iter_mut().skip(1).zip([0..4, 2..6, 3..8]) {
        replica.delete(range);
        commit(replica);
        let delete = last(replica);
        undos.push(undo(replica, delete));
    }
    // The second one's undo is undone again: its delete is in force in the end.
    undo(&mut all[2], undos[1].clone());
    let all: Vec<&Replica> = all.iter().collect();
    assert_eq!(in_every_order(&all, 1), "abgh");
}

#[test]
fn a_take_back_holds_against_undo_and_redo_in_every_order() {
    // What the taker has seen of: insert, delete of a neighbour, undo of both, redo of both.
    for seen in 2..=6 {
        let mut all = with_text("ab", 2);
        let (author, taker) = all.split_at_mut(1);
        let (author, taker) = (&mut author[0], &mut taker[0]);
        author.insert(1, "X");
        commit(author);
        let insert = last(author);
        author.delete(0..1);
        commit(author);
        let delete = last(author);
        let mut acts: Vec<Range<OpId>> = vec![insert.clone(), delete.clone()];
        for of in [insert, delete] {
            let by = undo(author, of);
            acts.push(by);
        }
        for of in [2, 3] {
            let of = acts[of].clone();
            acts.push(undo(author, of));
        }
        for (who, seq, bytes) in batches(author, author.me(), 2).into_iter().take(seen) {
            merge(taker, who, seq, &bytes);
        }
        let known = taker.log().next(&author.me());
        let taken = op(author.me(), 2)..op(author.me(), known);
        taker.undo(&[taken], &mut Vec::new());
        commit(taker);
        assert_eq!(taker.visible_text(), "ab", "{seen}");
        let all: Vec<&Replica> = all.iter().collect();
        assert_eq!(in_every_order(&all, 1), "ab", "{seen}");
    }
}

#[test]
fn a_take_back_that_is_undone_gives_back_what_there_was() {
    let mut all = with_text("ab", 3);
    all[0].insert(1, "X");
    commit(&mut all[0]);
    exchange(&mut all);
    let insert = last(&all[0]);
    // Two take it back; one of them takes that back.
    let by = undo(&mut all[1], insert.clone());
    undo(&mut all[2], insert.clone());
    undo(&mut all[1], by);
    {
        let all: Vec<&Replica> = all.iter().collect();
        assert_eq!(in_every_order(&all, 2), "ab");
    }
    let by = last(&all[2]);
    undo(&mut all[2], by);
    let all: Vec<&Replica> = all.iter().collect();
    assert_eq!(in_every_order(&all, 2), "aXb");
}

#[test]
fn origins_inside_deleted_text_keep_their_places() {
    let mut all = with_text("abcdef", 5);
    all[1].delete(1..5);
    commit(&mut all[1]);
    // Two who have not heard of it write inside, one who has in the gap that is left.
    all[2].insert(3, "X");
    commit(&mut all[2]);
    all[3].insert(2, "Y");
    commit(&mut all[3]);
    let [deleter, late] = all.get_disjoint_mut([1, 4]).unwrap();
    sync(deleter, late);
    late.insert(1, "Z");
    commit(late);
    let all_of: Vec<&Replica> = all.iter().collect();
    assert_eq!(in_every_order(&all_of, 1), "aZYXf");
    // The text comes back around what was written into it.
    let delete = last(&all[1]);
    undo(&mut all[1], delete);
    let all: Vec<&Replica> = all.iter().collect();
    assert_eq!(in_every_order(&all, 1), "aZbYcXdef");
}
