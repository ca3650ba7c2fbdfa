//! The fuzz targets' bodies over their kept corpora, as plain tests.

mod bodies;

use std::path::Path;

fn over_corpus(target: &str, body: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(target);
    let mut inputs = 0;
    for entry in std::fs::read_dir(&folder).expect("a corpus") {
        let path = entry.expect("an entry").path();
        eprintln!("{}", path.display());
        body(&std::fs::read(&path).expect("an input"));
        inputs += 1;
    }
    assert!(inputs > 0, "{target} has no corpus");
}

#[test]
fn batches() {
    over_corpus("batch", bodies::batch);
}

#[test]
fn histories() {
    over_corpus("history", bodies::history);
}

#[test]
fn messages() {
    over_corpus("message", bodies::message);
}

#[test]
fn journals() {
    over_corpus("journal", bodies::journal);
}

#[test]
fn frames() {
    over_corpus("frames", bodies::frames);
}

#[test]
fn handshakes() {
    over_corpus("handshake", bodies::handshake);
}

#[test]
fn hostile_texts() {
    over_corpus("sanitiser", bodies::sanitiser);
}

#[test]
fn members_of_a_session() {
    over_corpus("session", bodies::session);
}
