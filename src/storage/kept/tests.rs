//! Operations kept, compacted and read again.

use super::*;
use crate::crdt::seal::next_batch;
use crate::crdt::{SealedBatch, Source};

/// Two authors who write in turns, batch by batch as a journal gets them.
fn entries(batches: usize) -> (Vec<Entry>, String) {
    let [one, two] = [AuthorId([1; 16]), AuthorId([2; 16])];
    let mut replicas = [Replica::new(one), Replica::new(two)];
    let mut entries = Vec::new();
    for n in 0..batches {
        let [writer, reader] = match n % 2 {
            0 => replicas.each_mut(),
            _ => {
                let [a, b] = replicas.each_mut();
                [b, a]
            }
        };
        if n % 5 == 4 {
            writer.delete(0..1);
        } else {
            writer.insert(writer.len() / 2, "ab");
        }
        let seq = writer.commit(n as u32, Source::Typed).unwrap();
        let mut bytes = Vec::new();
        writer.log().batch_at(&writer.me(), seq, &mut bytes);
        reader.merge(writer.me(), seq, &bytes, &mut Vec::new());
        let end = next_batch(writer, &writer.me(), seq, &mut bytes).unwrap();
        let width = end - seq;
        let seal = Seal {
            end,
            chain: Chain([n as u8; 32]),
            signature: [n as u8; 64],
        };
        entries.push(Entry::stretch(&Stretch {
            author: writer.me(),
            seq,
            batches: vec![SealedBatch { width, bytes }],
            seal,
        }));
        entries.push(Entry::note(NOTES, vec![n as u8]));
    }
    (entries, replicas[0].visible_text())
}

fn text(kept: &Kept<'_>) -> String {
    let nobody = AuthorId([0; 16]);
    let mut replica = kept.history.map_or_else(
        || Replica::new(nobody),
        |history| History::open(history).unwrap().build(nobody).unwrap(),
    );
    kept.merge(|batch| {
        replica.merge_sized(batch.first(), batch.width, batch.bytes, &mut Vec::new())
    });
    replica.check_invariants();
    replica.visible_text()
}

#[test]
fn what_is_compacted_and_appended_meanwhile_is_all_there() {
    let root = tempfile::tempdir().unwrap();
    let (entries, expected) = entries(100);
    let (mut journal, _) = Journal::open(root.path(), false).unwrap();
    for compacted in [60, 120, 180] {
        let from = compacted - 60;
        journal
            .append(entries[from..compacted].iter().map(Entry::record))
            .unwrap();
        let before = journal.look_back().unwrap().read().unwrap();
        let mut next = journal.successor().unwrap();
        let done = compact(before, &mut next).unwrap();
        // Two records come while that is under way; the first is gone over once more, which does nothing.
        journal
            .append(entries[compacted..compacted + 2].iter().map(Entry::record))
            .unwrap();
        succeed(&mut journal, next, done).unwrap();
        // The history, each author's seals, the note, and those two.
        assert_eq!(journal.records(), 1 + 2 + 1 + 2);
    }
    journal
        .append(entries[180..].iter().map(Entry::record))
        .unwrap();
    drop(journal);
    let (_, content) = Journal::open(root.path(), false).unwrap();
    let kept = Kept::of(&content);
    assert_eq!(text(&kept), expected);
    assert_eq!(kept.notes[&NOTES], [99]);
    // The newest seal of each author is there.
    let newest = |seals: &Seals| seals.iter().last().unwrap().seal.signature[0];
    assert_eq!(
        kept.seals.values().map(newest).collect::<Vec<_>>(),
        [98, 99]
    );
}

#[test]
fn batches_may_stand_in_any_order() {
    let (entries, expected) = entries(100);
    let root = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(root.path(), false).unwrap();
    journal
        .append(entries.iter().rev().map(Entry::record))
        .unwrap();
    assert_eq!(
        text(&Kept::of(&journal.look_back().unwrap().read().unwrap())),
        expected
    );
}

#[test]
fn compacting_costs_a_fixed_part() {
    assert!(!is_worth_compacting(COMPACT_RECORDS, 0));
    assert!(is_worth_compacting(COMPACT_RECORDS + 1, 0));
    assert!(!is_worth_compacting(COMPACT_RECORDS + 1, 100 << 20));
}

#[test]
fn each_place_has_its_folder() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().canonicalize().unwrap();
    let file = |name: &str| Place::File(folder.join(name)).folder().unwrap();
    std::os::unix::fs::symlink("real.md", folder.join("link.md")).unwrap();
    assert_eq!(file("link.md"), file("real.md"));
    assert_eq!(file("../x").is_some(), file("real.md").is_some());
    assert_ne!(file("other.md"), file("real.md"));
    let joined = |address: &str| {
        let place = Place::Joined {
            folder: folder.clone(),
            address: address.to_owned(),
        };
        place.folder().unwrap()
    };
    assert_ne!(joined("a:1"), joined("b:1"));
    let unnamed = Place::Unnamed {
        folder: folder.clone(),
    };
    assert_ne!(unnamed.folder().unwrap(), joined("a:1"));
    Place::File(folder.join("gone/x")).folder().unwrap_err();
}
