//! The public cases of `../shared/conformance`: histories with the text that a correct order gives.

use std::path::PathBuf;

use super::*;
use recorded::{Case, Recorded};

#[path = "../../../tests/bench/recorded.rs"]
#[expect(
    dead_code,
    reason = "traces are replayed by the example; here only cases are"
)]
mod recorded;

/// Where the files shared by all checks lie.
fn shared(path: &str) -> PathBuf {
    let root = std::env::var_os("COLLAB_EDIT_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    root.join(path)
}

fn run(case: &Case) -> String {
    let mut sent: Vec<Vec<(AuthorId, u32, Vec<u8>)>> = Vec::new();
    for (n, txn) in case.txns.iter().enumerate() {
        let mut replica = Replica::new(AuthorId(txn.author()));
        for (author, seq, bytes) in case.seen(n).iter().flat_map(|parent| &sent[*parent]) {
            assert_eq!(
                replica.merge(*author, *seq, bytes, &mut Vec::new()),
                Verdict::Applied
            );
        }
        for recorded::Patch(at, deleted, inserted) in &txn.ops {
            replica.delete(*at..at + deleted);
            replica.insert(*at, inserted);
        }
        replica.commit_at(1, 0, Source::Typed);
        sent.push(super::batches(&replica, replica.me(), 0));
    }
    let mut all = super::replica(0);
    for (author, seq, bytes) in sent.iter().flatten() {
        assert_eq!(
            all.merge(*author, *seq, bytes, &mut Vec::new()),
            Verdict::Applied
        );
    }
    all.check_invariants();
    all.visible_text()
}

#[test]
fn all_conformance_cases_pass() {
    let path = shared("conformance/fugue-max.json.gz");
    let cases = match recorded::read(&path) {
        Ok(Recorded::Conformance { cases }) => cases,
        Ok(_) => panic!("{}: not a conformance file", path.display()),
        Err(error) if std::env::var("CI").as_deref() == Ok("true") => {
            panic!("{}: {error}", path.display())
        }
        Err(error) => {
            eprintln!("skipped: {}: {error}", path.display());
            return;
        }
    };
    let wrong: Vec<usize> = cases
        .iter()
        .enumerate()
        .filter(|(_, case)| run(case) != case.end_content)
        .map(|(n, _)| n)
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} cases are wrong: {wrong:?}",
        wrong.len(),
        cases.len()
    );
    assert_eq!(cases.len(), 600);
}
