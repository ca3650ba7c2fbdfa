//! Recorded histories: where they lie, and their public formats. Used by path: by the example
//! `replay` and by the CRDT's conformance test.
//!
//! The traces' formats are those of josephg/editing-traces (`sequential`, without a `kind`, and
//! `concurrent`); `conformance` is described beside its cases. Positions count Unicode scalar values.

use std::io::{Error, Read};
use std::path::Path;

use serde::Deserialize;

/// One recorded file.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum Recorded {
    /// One author's edits, one after the other.
    Sequential(Sequential),
    /// Edits of several authors, each made in sight of certain others.
    Concurrent(Concurrent),
    /// Small histories and the text that each must end with.
    Conformance {
        /// The histories.
        cases: Vec<Case>,
    },
}

/// `[position, characters deleted, text inserted]`.
#[derive(Deserialize)]
pub(crate) struct Patch(pub(crate) usize, pub(crate) usize, pub(crate) String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sequential {
    pub(crate) start_content: String,
    pub(crate) end_content: String,
    pub(crate) txns: Vec<SequentialTxn>,
}

#[derive(Deserialize)]
pub(crate) struct SequentialTxn {
    pub(crate) patches: Vec<Patch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Concurrent {
    pub(crate) end_content: String,
    /// Several people insert at one place, so that the end content is another order rule's.
    #[serde(default)]
    pub(crate) order_dependent: bool,
    pub(crate) txns: Vec<ConcurrentTxn>,
}

#[derive(Deserialize)]
pub(crate) struct ConcurrentTxn {
    /// Indexes of the transactions that were merged before this one was made.
    pub(crate) parents: Vec<usize>,
    pub(crate) agent: usize,
    pub(crate) patches: Vec<Patch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Case {
    pub(crate) txns: Vec<CaseTxn>,
    pub(crate) end_content: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CaseTxn {
    span: (usize, usize),
    parents: Vec<usize>,
    agent: String,
    seq_start: u32,
    pub(crate) ops: Vec<Patch>,
}

impl Case {
    /// Which of the transactions before number `n` its author had seen: its parents, and theirs.
    pub(crate) fn seen(&self, n: usize) -> Vec<usize> {
        let txn_of = |op: &usize| {
            let holds = |txn: &CaseTxn| (txn.span.0..txn.span.1).contains(op);
            self.txns
                .iter()
                .position(holds)
                .expect("parents are operations of the case")
        };
        let mut seen = vec![false; self.txns.len()];
        let mut open: Vec<usize> = self.txns[n].parents.iter().map(txn_of).collect();
        while let Some(parent) = open.pop() {
            if !std::mem::replace(&mut seen[parent], true) {
                open.extend(self.txns[parent].parents.iter().map(txn_of));
            }
        }
        (0..n).filter(|txn| seen[*txn]).collect()
    }
}

impl CaseTxn {
    /// The author of this transaction: each is one of its own, ordered by agent and first number.
    pub(crate) fn author(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id[0] = self.agent.as_bytes().first().copied().unwrap_or(0);
        id[12..].copy_from_slice(&self.seq_start.to_be_bytes());
        id
    }
}

/// Reads a recorded file, `.json` or `.json.gz`.
pub(crate) fn read(path: &Path) -> Result<Recorded, Error> {
    let mut json = std::fs::read(path)?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&json[..]).read_to_end(&mut unpacked)?;
        json = unpacked;
    }
    let mut value: serde_json::Value = serde_json::from_slice(&json)?;
    if let Some(file) = value.as_object_mut() {
        file.entry("kind").or_insert_with(|| "sequential".into());
    }
    Ok(serde_json::from_value(value)?)
}
