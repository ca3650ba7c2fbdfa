//! The table of limits in `docs/security.md` says what the constants are, and has all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use collab_edit::{crdt, net, security, session, storage, wire};

use super::root;

/// Constants of the rooms' `limits`, and of those rooms that have few, with what the table has to say.
macro_rules! limits {
    ($($form:ident($($constant:tt)+);)+) => {
        [$((concat!($(stringify!($constant)),+), $form($($constant)+))),+]
    };
}

fn all() -> BTreeMap<&'static str, String> {
    BTreeMap::from(limits! {
        bytes(crdt::limits::MAX_BATCH_BYTES);
        count(crdt::limits::MAX_AUTHORS);
        count(crdt::limits::MAX_UNDO_DEPTH);
        bytes(crdt::limits::MAX_PENDING_BYTES);
        count(crdt::limits::MAX_PENDING_BATCHES);
        bytes(crdt::limits::MAX_HISTORY_BYTES);
        count(crdt::limits::MAX_OPERATIONS);
        count(crdt::limits::MAX_LAMPORT);
        bytes(wire::limits::MAX_PAYLOAD_BYTES);
        bytes(wire::limits::MAX_FRAME_BYTES);
        count(wire::limits::MAX_DEPTH);
        count(wire::limits::MAX_NAME_CHARS);
        bytes(wire::limits::MAX_FILE_NAME_BYTES);
        bytes(wire::limits::MAX_FORMAT_BYTES);
        bytes(wire::limits::MAX_CODE_BYTES);
        count(wire::limits::MAX_ADDRS);
        count(wire::limits::MAX_AUTHORS_PER_MEMBER);
        count(wire::limits::MAX_ENTRIES);
        count(wire::limits::MAX_REVISION);
        count(wire::limits::MAX_HEADS);
        bytes(wire::limits::MAX_HISTORY_BYTES);
        bytes(wire::limits::HISTORY_PIECE_BYTES);
        count(wire::limits::MAX_BATCHES);
        bytes(security::MAX_HANDSHAKE_BYTES);
        count(security::code::MIN_CODE_CHARS);
        count(security::code::MAX_CODE_CHARS);
        time(session::limits::HANDSHAKE_TIMEOUT);
        count(session::limits::MAX_STRANGERS);
        count(session::limits::MAX_STRANGERS_PER_PLACE);
        count(session::limits::FREE_GUESSES);
        time(session::limits::GUESS_PAUSE_FIRST);
        time(session::limits::GUESS_PAUSE_MOST);
        time(session::limits::GUESS_MEMORY);
        time(session::limits::GUESSES_TOLD);
        count(session::limits::MAX_GUESSING_PLACES);
        count(session::limits::MAX_STRANGER_WARNINGS);
        count(session::limits::MAX_ACCESS_STEP);
        count(session::limits::MAX_LINKS);
        count(session::limits::MAX_DIALS);
        count(session::limits::MAX_MEMBERS);
        count(session::limits::MAX_REMOTE_AUTHORS);
        bytes(session::limits::MAX_IN_FLIGHT_BYTES);
        count(session::limits::MAX_ENCODED);
        time(session::limits::FETCH_LONGEST);
        count(session::limits::MAX_PROOFS);
        time(session::limits::ALARM_PERIOD);
        count(session::limits::MAX_OBSERVED_ADDRS);
        count(session::limits::MAX_RECLAIMS);
        time(session::limits::PRESENCE_PERIOD);
        time(session::limits::PRESENCE_ALLOWANCE);
        time(session::limits::DEAD_AFTER);
        time(session::limits::STALLED_AFTER);
        count(net::QUEUE);
        bytes(net::READ_BYTES);
        bytes(net::FIRST_READ_BYTES);
        count(net::MAX_LINGERING);
        time(net::LINGER);
        bytes(storage::text_file::MAX_FILE_BYTES);
    })
}

/// The rooms whose file of limits has nothing that is not in the table, if it begins with `MAX_`.
const FILES: [&str; 3] = ["crdt", "wire", "session"];

#[test]
fn the_table_of_limits_is_true_and_whole() {
    let document = fs::read_to_string(root().join("docs/security.md")).expect("the document");
    let (_, section) = document.split_once("\n## Limits\n").expect("the section");
    let section = section.split("\n## ").next().expect("a part");
    let mut all = all();
    let mut wrong = Vec::new();
    for row in section.lines().filter(|row| row.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, said, constant] = cells[..] else {
            panic!("three cells: {row}");
        };
        let constant = constant.trim_matches('`');
        match all.remove(constant) {
            Some(is) if is == said => {}
            Some(is) => wrong.push(format!("{constant} is {is}, not {said}")),
            None => wrong.push(format!("{constant} is none, or there twice")),
        }
    }
    wrong.extend(
        all.into_keys()
            .map(|constant| format!("{constant} is missing")),
    );
    assert!(
        wrong.is_empty(),
        "in docs/security.md:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_limit_is_in_the_table() {
    let mut missing = BTreeSet::new();
    for room in FILES {
        let path = format!("src/{room}/limits.rs");
        let source = fs::read_to_string(root().join(&path)).expect("the room's limits");
        for line in source.lines() {
            let name = line
                .strip_prefix("pub const ")
                .and_then(|rest| rest.split(':').next());
            if let Some(name) = name.filter(|name| name.starts_with("MAX_")) {
                let constant = format!("{room}::limits::{name}");
                if !all().contains_key(&*constant) {
                    missing.insert(constant);
                }
            }
        }
    }
    assert!(missing.is_empty(), "tests/tidy/limits.rs lacks {missing:?}");
}

fn count(number: impl TryInto<u64>) -> String {
    let number = number.try_into().unwrap_or_else(|_| panic!("it fits"));
    if number >= 1 << 20 {
        let (power, less) = match number.is_power_of_two() {
            true => (number.ilog2(), ""),
            false => ((number + 1).ilog2(), " − 1"),
        };
        assert_eq!((1 << power) - u64::from(!less.is_empty()), number);
        return format!("2^{power}{less}");
    }
    let digits = number.to_string();
    match digits.split_at(digits.len().saturating_sub(3)) {
        ("", rest) => rest.to_owned(),
        (thousands, rest) => format!("{thousands},{rest}"),
    }
}

fn bytes(number: impl TryInto<u64>) -> String {
    let number: u64 = number.try_into().unwrap_or_else(|_| panic!("it fits"));
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if number.is_multiple_of(unit) {
            return format!("{} {name}", count(number / unit));
        }
    }
    format!("{} bytes", count(number))
}

fn time(time: Duration) -> String {
    match time.as_millis() {
        millis if millis.is_multiple_of(1000) => format!("{} s", count(time.as_secs())),
        millis => format!("{millis} ms"),
    }
}
