//! The public cases of `../shared/conformance`: histories with the text that a correct order gives.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    txns: Vec<Txn>,
    end_content: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Txn {
    span: (usize, usize),
    parents: Vec<usize>,
    agent: String,
    seq_start: u32,
    ops: Vec<(usize, usize, String)>,
}

/// A file of the shared data; `None`, with a word, where there is none (an error in CI).
fn shared(path: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("COLLAB_EDIT_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let path = root.join(path);
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) if std::env::var("CI").as_deref() == Ok("true") => {
            panic!("{}: {error}", path.display())
        }
        Err(error) => {
            eprintln!("skipped: {}: {error}", path.display());
            None
        }
    }
}

/// Every transaction is an author of its own, ordered by agent and first number.
fn author_of(txn: &Txn) -> AuthorId {
    let mut id = [0; 16];
    id[0] = txn.agent.as_bytes()[0];
    id[12..].copy_from_slice(&txn.seq_start.to_be_bytes());
    AuthorId(id)
}

fn run(case: &Case) -> String {
    let txns = &case.txns;
    let txn_of = |op: usize| {
        txns.iter()
            .position(|txn| (txn.span.0..txn.span.1).contains(&op))
            .unwrap()
    };
    let mut sent: BTreeMap<usize, Vec<(AuthorId, u32, Vec<u8>)>> = BTreeMap::new();
    for (n, txn) in txns.iter().enumerate() {
        // Everything the author had seen: whole transactions, as the file's parents are their ends.
        let mut known = vec![false; n];
        let mut open: Vec<usize> = txn.parents.iter().map(|op| txn_of(*op)).collect();
        while let Some(parent) = open.pop() {
            if !std::mem::replace(&mut known[parent], true) {
                open.extend(txns[parent].parents.iter().map(|op| txn_of(*op)));
            }
        }
        let mut replica = Replica::new(author_of(txn));
        for parent in (0..n).filter(|parent| known[*parent]) {
            for (author, seq, bytes) in &sent[&parent] {
                assert_eq!(
                    replica.merge(*author, *seq, bytes, &mut Vec::new()),
                    Verdict::Applied
                );
            }
        }
        for (at, deleted, inserted) in &txn.ops {
            replica.delete(*at..at + deleted);
            replica.insert(*at, inserted);
        }
        replica.commit_at(1, 0, Source::Typed);
        sent.insert(n, super::batches(&replica, replica.me(), 0));
    }
    let mut all = super::replica(0);
    for (author, seq, bytes) in sent.values().flatten() {
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
    let Some(bytes) = shared("conformance/fugue-max.json.gz") else {
        return;
    };
    let mut json = String::new();
    flate2::read::GzDecoder::new(&bytes[..])
        .read_to_string(&mut json)
        .unwrap();
    let file: File = serde_json::from_str(&json).unwrap();
    let wrong: Vec<usize> = file
        .cases
        .iter()
        .enumerate()
        .filter(|(_, case)| run(case) != case.end_content)
        .map(|(n, _)| n)
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} cases are wrong: {wrong:?}",
        wrong.len(),
        file.cases.len()
    );
    assert_eq!(file.cases.len(), 600);
}
