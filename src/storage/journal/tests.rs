//! A journal cut and changed at every byte, and with every call failing.

use std::os::unix::fs::PermissionsExt;

use super::super::disk::faults::{self, Fault};
use super::*;

/// What a test writes: records of all lengths, an empty one among them.
fn records() -> Vec<(u8, Vec<u8>)> {
    (0..12u8)
        .map(|n| (n % 3, vec![n; usize::from(n) * 7]))
        .collect()
}

fn borrowed(records: &[(u8, Vec<u8>)]) -> impl Iterator<Item = Record<'_>> {
    records
        .iter()
        .map(|(kind, bytes)| Record { kind: *kind, bytes })
}

fn owned(content: &Content) -> Vec<(u8, Vec<u8>)> {
    content
        .records()
        .map(|record| (record.kind, record.bytes.to_vec()))
        .collect()
}

/// A journal with [`records`] in it, and its bytes.
fn written(folder: &Path) -> Vec<u8> {
    let (mut journal, _) = Journal::open(folder, false).unwrap();
    for record in borrowed(&records()) {
        journal.append([record]).unwrap();
    }
    journal.sync().unwrap();
    fs::read(folder.join(JOURNAL)).unwrap()
}

fn reopened(folder: &Path) -> Vec<(u8, Vec<u8>)> {
    owned(&Journal::open(folder, false).unwrap().1)
}

#[test]
fn what_was_written_is_read_and_written_on() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("state/one");
    written(&folder);
    let (mut journal, content) = Journal::open(&folder, false).unwrap();
    assert_eq!(owned(&content), records());
    assert_eq!((content.torn(), journal.records()), (0, 12));
    journal.append(borrowed(&records())).unwrap();
    assert_eq!(
        owned(&journal.look_back().unwrap().read().unwrap()).len(),
        24
    );
    drop(journal);
    assert_eq!(reopened(&folder).len(), 24);

    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join(JOURNAL)), 0o600);
}

#[test]
fn a_journal_cut_at_any_byte_is_a_prefix() {
    let root = tempfile::tempdir().unwrap();
    let bytes = written(root.path());
    let ends: Vec<usize> = {
        let mut at = HEADER;
        let lens = records();
        std::iter::once(at)
            .chain(lens.iter().map(|(_, bytes)| {
                at += FRONT + bytes.len();
                at
            }))
            .collect()
    };
    for cut in HEADER..=bytes.len() {
        fs::write(root.path().join(JOURNAL), &bytes[..cut]).unwrap();
        let (mut journal, content) = Journal::open(root.path(), false).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        assert_eq!(owned(&content), records()[..whole], "cut at {cut}");
        // And it goes on from there.
        journal
            .append([Record {
                kind: 9,
                bytes: b"more",
            }])
            .unwrap();
        drop(journal);
        let again = reopened(root.path());
        assert_eq!(again.len(), whole + 1);
        assert_eq!(again[whole], (9, b"more".to_vec()));
    }
    for cut in 0..HEADER {
        assert!(Content::of(bytes[..cut].to_vec()).is_err());
    }
}

#[test]
fn a_journal_changed_at_any_byte_is_a_prefix() {
    let root = tempfile::tempdir().unwrap();
    let bytes = written(root.path());
    for at in 0..bytes.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            match Content::of(changed) {
                Err(_) => assert!(at < HEADER),
                Ok(content) => {
                    let found = owned(&content);
                    assert!(at >= HEADER && found.len() < records().len(), "{at}");
                    assert_eq!(found, records()[..found.len()], "changed at {at}");
                    assert!(content.torn() > 0);
                }
            }
        }
    }
}

#[test]
fn the_tail_of_one_journal_is_no_part_of_another() {
    let root = tempfile::tempdir().unwrap();
    let bytes = written(root.path());
    let last = FRONT + records()[11].1.len();
    let mut spliced = bytes[..HEADER].to_vec();
    spliced.extend(&bytes[bytes.len() - last..]);
    assert_eq!(Content::of(spliced).unwrap().records().count(), 0);
}

#[test]
fn two_processes_never_share_one() {
    let root = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(root.path(), false).unwrap();
    let refused = Journal::open(root.path(), false).unwrap_err();
    assert!(matches!(refused, JournalError::InUse));
    journal.remove();
    assert!(!root.path().exists());
    Journal::open(root.path(), false).unwrap();
}

#[test]
fn a_fresh_one_sets_the_old_one_aside() {
    let root = tempfile::tempdir().unwrap();
    let bytes = written(root.path());
    let (journal, content) = Journal::open(root.path(), true).unwrap();
    assert!(journal.is_empty() && content.records().count() == 0);
    assert_eq!(fs::read(root.path().join(PREVIOUS)).unwrap(), bytes);
    // Where it stays when the new one is not wanted any more.
    journal.remove();
    assert_eq!(fs::read(root.path().join(PREVIOUS)).unwrap(), bytes);
    assert!(!root.path().join(JOURNAL).exists());
}

#[test]
fn it_moves_with_its_lock() {
    let root = tempfile::tempdir().unwrap();
    let (from, to) = (root.path().join("from"), root.path().join("to"));
    written(&to);
    let (mut journal, _) = Journal::open(&from, false).unwrap();
    journal
        .append([Record {
            kind: 1,
            bytes: b"mine",
        }])
        .unwrap();
    journal.move_to(&to, Some(&from)).unwrap();
    assert!(from.is_symlink() && to.join(PREVIOUS).exists());
    let refused = Journal::open(&from, false).unwrap_err();
    assert!(matches!(refused, JournalError::InUse));
    journal
        .append([Record {
            kind: 1,
            bytes: b"more",
        }])
        .unwrap();
    let refused = Journal::open(&to, false).unwrap_err();
    assert!(matches!(refused, JournalError::InUse));
    // Its other name follows it, and nothing else leads there.
    let on = root.path().join("on");
    journal.move_to(&to, Some(&from)).unwrap();
    journal.move_to(&on, Some(&from)).unwrap();
    drop(journal);
    let both = [(1, b"mine".to_vec()), (1, b"more".to_vec())];
    assert_eq!(reopened(&on), both);
    assert_eq!(reopened(&from), both);
    assert!(!to.is_symlink() && reopened(&to).is_empty());
}

#[test]
fn other_versions_and_other_files_are_named() {
    let root = tempfile::tempdir().unwrap();
    let mut bytes = written(root.path());
    bytes[MAGIC.len()] = 7;
    fs::write(root.path().join(JOURNAL), &bytes).unwrap();
    let refused = Journal::open(root.path(), false).unwrap_err();
    assert!(matches!(refused, JournalError::Version(7)));
    fs::write(root.path().join(JOURNAL), b"something else").unwrap();
    let refused = Journal::open(root.path(), false).unwrap_err();
    assert!(matches!(refused, JournalError::Damaged(_)));
}

#[test]
fn one_that_was_never_durable_is_begun_again() {
    for left in [&b""[..], b"coll", &[0; 9], &[0; 4096]] {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(JOURNAL), left).unwrap();
        let (mut journal, content) = Journal::open(root.path(), false).unwrap();
        assert_eq!(content.records().len(), 0, "{left:?}");
        journal.append(borrowed(&records())).unwrap();
        journal.sync().unwrap();
        drop(journal);
        assert_eq!(reopened(root.path()), records(), "{left:?}");
    }
}

#[test]
fn a_new_one_waits_for_no_disk_and_its_first_sync_keeps_its_name_too() {
    let root = tempfile::tempdir().unwrap();
    let calls = |body: &mut dyn FnMut()| {
        faults::plan(usize::MAX, Fault::Short);
        body();
        faults::clear().0
    };
    let mut journal = None;
    // The header, and the name.
    let opening = calls(&mut || journal = Some(Journal::open(root.path(), false).unwrap().0));
    assert_eq!(opening, 2);
    let mut journal = journal.unwrap();
    // The file and its folder, then the file.
    assert_eq!(calls(&mut || journal.sync().unwrap()), 2);
    assert_eq!(calls(&mut || journal.sync().unwrap()), 1);
}

/// Appends all [`records`] one by one, each synced, replacing the journal in the middle; what was
/// promised to be durable, and what was at least tried.
fn session(folder: &Path) -> (usize, usize) {
    let (mut durable, mut tried) = (0, 0);
    let Ok((mut journal, _)) = Journal::open(folder, false) else {
        return (0, 0);
    };
    for (number, record) in borrowed(&records()).enumerate() {
        if number == 6 {
            let before = records();
            let replaced = journal.successor().and_then(|mut next| {
                next.append(borrowed(&before[..number]))?;
                journal.replace(next)
            });
            let _ = replaced;
        }
        tried = number + 1;
        // Tried again once, as the writer does later.
        if journal.append([record]).is_err() && journal.append([record]).is_err() {
            return (durable, tried);
        }
        if journal.sync().is_ok() {
            durable = number + 1;
        }
    }
    (durable, tried)
}

#[test]
fn whatever_call_fails_nothing_durable_is_missing() {
    let mut met = 0;
    for fault in faults::ALL {
        for at in 0.. {
            let root = tempfile::tempdir().unwrap();
            faults::plan(at, fault);
            let (durable, tried) = session(root.path());
            let (_, was_met) = faults::clear();
            if !was_met {
                break;
            }
            met += 1;
            let found = reopened(root.path());
            assert!(
                found.len() >= durable,
                "{fault:?} at {at}: {} of {durable}",
                found.len()
            );
            assert!(found.len() <= tried);
            assert_eq!(found, records()[..found.len()], "{fault:?} at {at}");
            if matches!(fault, Fault::Short) {
                assert_eq!(durable, records().len(), "a short write is no failure");
            }
        }
    }
    assert!(met > 100, "{met}");
}
