//! A second implementation of the protocol, in Python, written from `docs/protocol.md` alone, takes
//! part in a real session: the document is enough.
//!
//! Needs a Python with the packages of `tests/second/requirements.txt`, which `COLLAB_EDIT_PYTHON`
//! names. Without one it says that it is skipped; in CI that is a failure.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::headless::settle;
use super::launch::{CODE, Launch};
use super::scratch::Scratch;
use super::wait::PATIENCE;

/// The Python with the packages, if there is one.
fn python() -> Option<String> {
    let python = std::env::var("COLLAB_EDIT_PYTHON").unwrap_or_else(|_| "python3".into());
    let packages = "import blake3, cryptography, msgpack, noise, spake2";
    let works = Command::new(&python)
        .args(["-c", packages])
        .output()
        .is_ok_and(|output| output.status.success());
    if works {
        return Some(python);
    }
    let missing = "skipped: no Python with the packages of tests/second/requirements.txt";
    assert!(std::env::var_os("CI").is_none(), "{missing}");
    eprintln!("{missing}");
    None
}

fn member(python: &str, address: &str, code: &str, word: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/second/member.py");
    Command::new(python)
        .arg(script)
        .args([address, "Py", word])
        .env("COLLAB_EDIT_CODE", code)
        .output()
        .expect("Python starts")
}

/// The texts that it printed.
fn texts(output: &Output) -> Vec<String> {
    let lines = String::from_utf8_lossy(&output.stdout);
    let text = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        line["text"].as_str().expect("a text").to_owned()
    };
    lines.lines().map(text).collect()
}

#[test]
fn a_member_in_python_joins_reads_writes_and_leaves() {
    let Some(python) = python() else { return };
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "first line\nsecond — ünï 🎸\n");
    let ada = Launch::host(&file).name("Ada").code(CODE).terminal();
    let ada = ada.ready();
    ada.wait_for_text("second");
    let address = ada.address(&[]);
    let copy = scratch.folder("ben").join("notes.md");
    let mut ben = Launch::join(address, &copy)
        .name("Ben")
        .code(CODE)
        .headless();
    ben.expect_event("joined");
    // Everything that a batch can hold but notes: inserts at one place from two sides, deletes
    // within and across them, an undo and its undo.
    ada.play("<Ctrl-Home>typed here ");
    ben.insert(3, "INSIDE");
    ben.delete(1, 12);
    ada.play("<Ctrl-z><Ctrl-z>");
    ada.play("<Ctrl-y>");
    ada.play("<Ctrl-End>the end");
    ben.insert(0, "Ben ");
    ada.wait_for_text("Ben ");
    let before = loop {
        let text = ben.text();
        if text.ends_with("the end") {
            break text;
        }
        ben.wait_event_after(ben.mark(), "synced", |_| true);
    };

    let output = member(&python, &address.to_string(), CODE, " and Py");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    assert_eq!(texts(&output), [before.clone(), format!("{before} and Py")]);
    ada.wait_for_text("Py has left");
    ada.wait_for_text("and Py");
    let mut members = [ben];
    assert_eq!(settle(PATIENCE, &mut members), format!("{before} and Py"));
}

#[test]
fn it_is_told_that_its_code_is_wrong() {
    let Some(python) = python() else { return };
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "text\n");
    let ada = Launch::host(&file).name("Ada").code(CODE).headless();
    let output = member(&python, &ada.address().to_string(), "another code", "x");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "wrong code");
}
