//! The habits of this code base that a machine can check: which room may use which and what of the
//! world outside, and how files look. [`source`] reads the code, [`documents`] and [`limits`] hold what is written
//! about it against it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/limits.rs"]
mod limits;
#[path = "tidy/source.rs"]
mod source;

use source::{Source, dependencies, sources};

/// What the rooms may use. A name with `::` allows only what is inside it. Code under
/// `#[cfg(test)]` may use any outside crate, and what the rooms it may know are made of.
const TABLE: &[Row] = &[
    Row {
        room: "crdt",
        rooms: &[],
        outside: &["blake3", "flate2", "rmp", "rmp_serde", "serde", "thiserror"],
    },
    Row {
        room: "document",
        rooms: &["crdt"],
        outside: &[
            "blake3",
            "chardetng",
            "encoding_rs",
            "regex_cursor",
            "ropey",
            "serde",
            "similar",
            "str_indices",
            "thiserror",
            "unicode_segmentation",
            "unicode_width",
        ],
    },
    Row {
        room: "wire",
        rooms: &["crdt"],
        outside: &[
            "rmp",
            "rmp_serde",
            "serde",
            "thiserror",
            "unicode_segmentation",
            "unicode_width",
        ],
    },
    Row {
        room: "security",
        rooms: &[],
        outside: &[
            "blake3",
            "ed25519_dalek",
            "rand_core",
            "snow",
            "spake2",
            "thiserror",
            "zeroize",
        ],
    },
    Row {
        room: "session",
        rooms: &["crdt", "wire", "security"],
        outside: &["thiserror", "tracing"],
    },
    Row {
        room: "net",
        rooms: &["session"],
        outside: &[
            "if_addrs",
            "mdns_sd",
            "std::net",
            "std::time",
            "thiserror",
            "tokio",
            "tracing",
        ],
    },
    Row {
        room: "storage",
        rooms: &["crdt", "document::format"],
        outside: &[
            "blake3",
            "ec4rs",
            "notify",
            "std::env",
            "std::fs",
            "std::os",
            "std::time",
            "tempfile",
            "thiserror",
        ],
    },
    Row {
        room: "ui",
        rooms: &["document"],
        outside: &[
            "arboard",
            "nucleo_matcher",
            "qrcode",
            "ratatui",
            "std::io",
            "syntect",
            "terminput",
            "terminput_crossterm",
            "thiserror",
            "two_face",
            "unicode_segmentation",
            "unicode_width",
        ],
    },
    Row {
        room: "app",
        rooms: &[
            "crdt", "document", "wire", "security", "session", "net", "storage", "ui",
        ],
        outside: &[
            "anyhow",
            "blake3",
            "getrandom",
            "ratatui",
            "rmp_serde",
            "rustix",
            "serde",
            "serde_json",
            "std::fs",
            "std::io",
            "std::os",
            "std::process",
            "std::thread",
            "std::time",
            "thiserror",
            "tokio",
            "tracing",
            "tracing_subscriber",
        ],
    },
    Row {
        room: "cli",
        rooms: &["app", "ui::keymap"],
        outside: &[
            "clap",
            "clap_complete",
            "clap_mangen",
            "serde",
            "std::env",
            "std::fs",
            "std::io",
            "std::process",
            "toml",
            "unicode_width",
            "whoami",
        ],
    },
    Row {
        room: "main",
        rooms: &["app", "cli"],
        outside: &["anyhow", "std::io", "std::process"],
    },
    Row {
        room: "lib",
        rooms: &[],
        outside: &[],
    },
];

/// What of the standard library is the world outside: it does IO, or knows the time. Addresses and
/// durations are plain values.
const GUARDED: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant::now",
    "std::time::SystemTime",
];

const TOP_LEVEL: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "assets",
    "docs",
    "src",
    "tests",
];

/// Macros that mark unfinished work.
const UNFINISHED: &[&str] = &["dbg", "todo", "unimplemented"];

/// Lines without tests. A file that passes about 500 is usually two rooms.
const MAX_LINES: usize = 700;

/// One line of the table.
#[derive(Debug)]
struct Row {
    room: &'static str,
    rooms: &'static [&'static str],
    outside: &'static [&'static str],
}

#[test]
fn rooms_use_what_the_table_allows() {
    let crates = dependencies("dependencies");
    none(
        sources("src")
            .iter()
            .flat_map(|source| check_rooms(source, &crates)),
    );
}

#[test]
fn every_room_has_a_row() {
    let rooms: BTreeSet<String> = sources("src")
        .into_iter()
        .map(|source| source.room)
        .collect();
    let unknown = rooms
        .iter()
        .filter(|room| !TABLE.iter().any(|row| row.room == **room));
    none(unknown.map(|room| format!("src/{room}.rs: `{room}` has no row in the table")));
}

#[test]
fn files_keep_the_habits() {
    let sources = sources("src").into_iter().chain(sources("tests"));
    none(sources.flat_map(|source| check_habits(&source)));
}

#[test]
fn the_top_level_holds_nothing_else() {
    let entries = fs::read_dir(root()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let strange = names
        .filter(|name| !name.starts_with('.') && name != "target")
        .filter(|name| !TOP_LEVEL.contains(&name.as_str()));
    none(strange.map(|name| format!("{name}: does not belong at the top level")));
}

/// Fails with all `complaints`, one a line.
fn none(complaints: impl Iterator<Item = String>) {
    let complaints: Vec<String> = complaints.collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Paths that the row of the source's room does not allow.
fn check_rooms(source: &Source, crates: &[String]) -> Vec<String> {
    let Some(row) = TABLE.iter().find(|row| row.room == source.room) else {
        return Vec::new();
    };
    let is_room = |name: &String| TABLE.iter().any(|row| row.room == name);
    let mut complaints = Vec::new();
    for mention in source.mentions() {
        let path = mention.names.join("::");
        let refused = if mention.names[0] == "crate" {
            let Some(room) = mention.names.get(1).filter(|name| is_room(name)) else {
                continue;
            };
            let below = mention.names[1..].join("::");
            let reached = mention.test && reachable(row).contains(&room.as_str());
            *room != source.room && !reached && !allowed(&below, row.rooms, mention.import)
        } else if mention.test {
            false
        } else if mention.names[0] == "std" {
            GUARDED.iter().any(|guarded| is_inside(&path, guarded))
                && !allowed(&path, row.outside, mention.import)
        } else {
            crates.contains(&mention.names[0]) && !allowed(&path, row.outside, mention.import)
        };
        if refused {
            let what = format!(
                "`{}` may not use `{path}`; see the table in tests/tidy.rs",
                row.room
            );
            complaints.push(source.complain(mention.line, &what));
        }
    }
    complaints
}

/// The rooms that a row's rooms may know, and theirs: tests may put together what the room's
/// neighbours are made of.
fn reachable(row: &Row) -> Vec<&'static str> {
    let mut reached: Vec<&'static str> = row.rooms.to_vec();
    let mut at = 0;
    while at < reached.len() {
        let below = TABLE.iter().find(|row| row.room == reached[at]);
        for room in below.map_or(&[][..], |row| row.rooms) {
            if !reached.contains(room) {
                reached.push(room);
            }
        }
        at += 1;
    }
    reached
}

/// Whether `path` is inside something allowed, or imports a module on the way to it: what is taken
/// out of that module is seen where it is used.
fn allowed(path: &str, allowed: &[&str], import: bool) -> bool {
    allowed
        .iter()
        .any(|allowed| is_inside(path, allowed) || import && is_inside(allowed, path))
}

fn is_inside(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// What a file's look breaks of the habits.
fn check_habits(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    if !source.text.starts_with("//!") {
        complaints.push(source.complain(1, "the file does not open with `//!`, saying what it is"));
    }
    if source.path.ends_with("/mod.rs") {
        complaints.push(source.complain(1, "`foo.rs` beside `foo/` is used here, not `mod.rs`"));
    }
    let test_lines: BTreeSet<usize> = source
        .tokens
        .iter()
        .filter(|token| token.test)
        .map(|token| token.line)
        .collect();
    let is_test_file =
        !source.path.starts_with("src/") || source.tokens.iter().all(|token| token.test);
    // Blank lines and comments of tests count with the code around them.
    let lines = match (test_lines.first(), test_lines.last()) {
        (Some(first), Some(last)) => source.text.lines().count() - (last - first + 1),
        _ => source.text.lines().count(),
    };
    if !is_test_file && lines > MAX_LINES {
        let what =
            format!("{lines} lines without tests, at most {MAX_LINES} are read with pleasure");
        complaints.push(source.complain(1, &what));
    }
    for mention in source.mentions().iter().filter(|mention| mention.import) {
        let is_super = mention.test && source.names_super_glob(mention.line);
        if mention.names.last().is_some_and(|name| name == "*") && !is_super {
            complaints
                .push(source.complain(mention.line, "a glob import hides where names come from"));
        }
    }
    for (at, token) in source.tokens.iter().enumerate() {
        if UNFINISHED.contains(&token.text.as_str()) && source.is(at + 1, "!") {
            complaints.push(
                source.complain(token.line, &format!("`{}!` is unfinished work", token.text)),
            );
        }
    }
    complaints
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The checker can fail.
mod checker {
    use super::source::Source;
    use super::{check_habits, check_rooms};

    fn rooms(path: &str, text: &str) -> Vec<String> {
        let crates = ["tokio", "ropey", "serde"].map(str::to_owned);
        check_rooms(&Source::new(path, text), &crates)
    }

    #[test]
    fn forbidden_rooms_and_crates_are_found() {
        for (path, text, found) in [
            (
                "src/crdt/op.rs",
                "use crate::document::Document;",
                "crate::document::Document",
            ),
            (
                "src/crdt.rs",
                "fn f() { crate::net::dial(); }",
                "crate::net::dial",
            ),
            (
                "src/crdt.rs",
                "fn f() { collab_edit::net::dial(); }",
                "crate::net::dial",
            ),
            (
                "src/crdt.rs",
                "use crate::{crdt::id, session};",
                "crate::session",
            ),
            (
                "src/crdt.rs",
                "use crate::{\n  crdt::{id, op},\n  ui::{self, Cell}};",
                "crate::ui",
            ),
            (
                "src/crdt/op.rs",
                "use super::super::session::Link;",
                "crate::session::Link",
            ),
            (
                "src/crdt.rs",
                "use super::session::Link;",
                "crate::session::Link",
            ),
            (
                "src/crdt.rs",
                "#[cfg(test)]\nmod tests { use crate::session::Link; }",
                "crate::session",
            ),
            (
                "src/crdt/tests.rs",
                "use crate::session::Link;",
                "crate::session::Link",
            ),
            ("src/crdt.rs", "use ropey::Rope;", "ropey::Rope"),
            ("src/crdt.rs", "struct A(ropey::Rope);", "ropey::Rope"),
            ("src/crdt.rs", "struct A(::ropey::Rope);", "ropey::Rope"),
            (
                "src/session.rs",
                "use tokio as t; fn f() { t::spawn(); }",
                "tokio::spawn",
            ),
            (
                "src/session.rs",
                "use std::time::Instant; fn f() { Instant::now(); }",
                "Instant::now",
            ),
            (
                "src/session.rs",
                "use std::{fmt, time::SystemTime};",
                "std::time::SystemTime",
            ),
            (
                "src/document.rs",
                "use std::io; fn f() { io::stdout(); }",
                "std::io::stdout",
            ),
            ("src/document.rs", "use std::fs;", "std::fs"),
            (
                "src/storage.rs",
                "use crate::document::buffer::Document;",
                "crate::document::buffer",
            ),
            (
                "src/storage.rs",
                "use crate::document; type D = document::Document;",
                "document::Document",
            ),
            (
                "src/cli.rs",
                "use crate::ui::widgets;",
                "crate::ui::widgets",
            ),
            (
                "src/app.rs",
                "use crate::cli::Config;",
                "crate::cli::Config",
            ),
            (
                "src/ui.rs",
                "use crate::session::Member;",
                "crate::session::Member",
            ),
        ] {
            let complaints = rooms(path, text);
            assert!(
                complaints.iter().any(|complaint| complaint.contains(found)),
                "{text}: {complaints:?}"
            );
        }
    }

    #[test]
    fn what_is_allowed_is_not_found() {
        for (path, text) in [
            (
                "src/crdt/op.rs",
                "use super::id::Id; use crate::crdt::log; use std::fmt;",
            ),
            (
                "src/document.rs",
                "use crate::crdt::Version; use ropey::Rope;",
            ),
            (
                "src/document.rs",
                "use std::io::Write; use std::net::SocketAddr;",
            ),
            (
                "src/session.rs",
                "use std::time::{Duration, Instant}; fn f(now: Instant) {}",
            ),
            ("src/storage.rs", "use crate::document::format::decode;"),
            (
                "src/storage.rs",
                "use crate::document::{format, format::Format};",
            ),
            (
                "src/crdt.rs",
                "#[cfg(test)]\nmod tests { use ropey::Rope; use std::fs; }",
            ),
            (
                "src/crdt.rs",
                "// use crate::net;\n/* crate::net::x /* */ tokio::y */ fn f() {}",
            ),
            (
                "src/crdt.rs",
                "fn f<'a>() { \"crate::net::\\\"x\"; r#\"tokio::\"y\"#; '\"'; '\\''; b'\"' }",
            ),
            ("src/crdt.rs", "fn f(x: T) { x.tokio(); other::tokio(); }"),
            (
                "src/cli.rs",
                "use crate::ui::keymap::Key; use crate::app::config;",
            ),
        ] {
            assert_eq!(rooms(path, text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn complaints_name_file_and_line() {
        let complaints = rooms(
            "src/crdt/op.rs",
            "//! x\n\nuse std::{\n    fmt,\n    fs::File,\n};\n",
        );
        let expected =
            "src/crdt/op.rs:5: `crdt` may not use `std::fs::File`; see the table in tests/tidy.rs";
        assert_eq!(complaints, [expected]);
    }

    #[test]
    fn what_is_behind_a_test_is_no_test() {
        let text =
            "#[cfg(test)]\nuse tokio::a;\n#[cfg(test)]\nmod tests { fn f() {} }\nuse tokio::b;";
        assert_eq!(rooms("src/crdt.rs", text).len(), 1);
    }

    #[test]
    fn broken_habits_are_found() {
        let long = format!("//! x\n{}", "fn f() {}\n".repeat(700));
        for (path, text, found) in [
            ("src/a.rs", "use std::fmt;", "does not open with"),
            ("src/a/mod.rs", "//! x", "not `mod.rs`"),
            (
                "src/a.rs",
                "//! x\nuse std::fmt::*;",
                "src/a.rs:2: a glob import",
            ),
            ("src/a.rs", "//! x\nuse super::*;", "a glob import"),
            (
                "src/a.rs",
                "//! x\n#[cfg(test)]\nmod tests { use a::*; }",
                "a glob import",
            ),
            (
                "src/a.rs",
                "//! x\nfn f() {\n    todo!()\n}",
                "src/a.rs:3: `todo!`",
            ),
            ("tests/a.rs", "//! x\nfn f() { dbg!(1); }", "`dbg!`"),
            ("src/a.rs", &long, "701 lines without tests"),
        ] {
            let complaints = check_habits(&Source::new(path, text));
            assert!(
                complaints.iter().any(|complaint| complaint.contains(found)),
                "{text}: {complaints:?}"
            );
        }
    }

    #[test]
    fn kept_habits_are_not_found() {
        let tests = "    fn f() {}\n\n".repeat(700);
        for text in [
            "//! x\n\nuse std::fmt;\n// todo!() in words\n",
            &format!(
                "//! x\nfn f() {{}}\n#[cfg(test)]\nmod tests {{\n    use super::*;\n{tests}}}\n"
            ),
        ] {
            let complaints = check_habits(&Source::new("src/a.rs", text));
            assert_eq!(complaints, Vec::<String>::new());
        }
    }
}
