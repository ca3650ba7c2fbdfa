//! The habits of this code base that a machine can check: which room may use which and what of the
//! world outside, and how files look.
//!
//! The checker reads tokens, not meaning. It knows `use` groups, renamed imports and relative
//! paths; it does not look into macros of other crates, and it takes a name for the import of that
//! name wherever in the file it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[path = "tidy/limits.rs"]
mod limits;

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

#[test]
fn every_dependency_has_its_reason() {
    let reasons = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let explained: BTreeSet<&str> = reasons
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split_once("`: "))
        .map(|(name, _)| name)
        .collect();
    let used: BTreeSet<String> = ["dependencies", "dev-dependencies"]
        .into_iter()
        .flat_map(dependency_names)
        .collect();
    let used: BTreeSet<&str> = used.iter().map(String::as_str).collect();
    let missing = used
        .difference(&explained)
        .map(|name| format!("`{name}` has no line"));
    let left_over = explained
        .difference(&used)
        .map(|name| format!("`{name}` is not used any more"));
    none(
        missing
            .chain(left_over)
            .map(|what| format!("docs/dependencies.md: {what}")),
    );
}

#[test]
fn messages_that_are_explained_are_in_the_program() {
    let explained = fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    let sources: Vec<String> = sources("src")
        .into_iter()
        .filter(|source| !source.module.iter().any(|name| name == "tests"))
        .map(|source| joined(&source.text))
        .collect();
    let messages = explained
        .lines()
        .filter_map(|line| line.strip_prefix("### "));
    let parts = messages.flat_map(|message| message.split('…'));
    let parts = parts.map(|part| part.trim_matches([' ', ':', ';']));
    let strange = parts.filter(|part| !sources.iter().any(|source| source.contains(part)));
    none(strange.map(|part| format!("docs/troubleshooting.md: nothing says {part:?}")));
}

/// With strings that go over several lines in one.
fn joined(source: &str) -> String {
    let mut lines = source.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + line.trim_start())
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut documents = vec![root().join("README.md")];
    let entries = fs::read_dir(root().join("docs")).unwrap();
    documents.extend(entries.map(|entry| entry.unwrap().path()));
    let decisions = fs::read_dir(root().join("docs/decisions")).unwrap();
    documents.extend(decisions.map(|entry| entry.unwrap().path()));
    documents.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    none(documents.iter().flat_map(|path| {
        let text = fs::read_to_string(path).unwrap();
        let links = text.split("](").skip(1);
        let links = links.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()));
        let dead = links.filter(|link| !link.starts_with("http") && !leads_somewhere(path, link));
        dead.map(|link| format!("{}: {link} leads nowhere", path.display()))
            .collect::<Vec<_>>()
    }));
}

#[test]
fn every_threat_names_tests_that_are_there() {
    let text = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let rows = text
        .lines()
        .skip_while(|line| *line != "| threat | answer | test |");
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let named: Vec<&str> = rows
        .filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | "))
        .flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2))
        .collect();
    assert!(!named.is_empty(), "the table is where it was");
    let sources: Vec<Source> = ["src", "tests"].into_iter().flat_map(sources).collect();
    let is_there = |name: &str| {
        let places = ["", "src/", "tests/fuzz/bodies/"].map(|folder| folder.to_owned() + name);
        let is_file = places.iter().any(|place| {
            let place = root().join(place);
            place.exists() || place.with_extension("rs").exists()
        });
        let test = match name.strip_suffix('…') {
            Some(beginning) => format!("fn {beginning}"),
            None => format!("fn {name}("),
        };
        is_file || sources.iter().any(|source| source.text.contains(&test))
    };
    let missing = named.iter().filter(|name| !is_there(name));
    none(missing.map(|name| format!("docs/security.md: there is no test {name}")));
}

/// Whether there is such a file, seen from `document`, and such a heading in it.
fn leads_somewhere(document: &Path, link: &str) -> bool {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let path = match file {
        "" => document.to_owned(),
        file => document.with_file_name(file),
    };
    if heading.is_empty() {
        return path.exists();
    }
    let anchor = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c })
            .collect::<String>()
    };
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    headings.any(|line| anchor(line) == heading)
}

/// Fails with all `complaints`, one a line.
fn none(complaints: impl Iterator<Item = String>) {
    let complaints: Vec<String> = complaints.collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// A file as the checks see it.
#[derive(Debug)]
struct Source {
    /// Its path below the repository, for people.
    path: String,
    /// The first module of its path, or `lib`, or `main`.
    room: String,
    /// Its module path, empty for `lib.rs` and `main.rs`.
    module: Vec<String>,
    text: String,
    tokens: Vec<Token>,
}

#[derive(Debug)]
struct Token {
    text: String,
    line: usize,
    test: bool,
}

/// A path in the code, as far as its names go.
#[derive(Debug)]
struct Mention {
    names: Vec<String>,
    line: usize,
    test: bool,
    import: bool,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let below = path.split_once('/').map_or(path, |(_, below)| below);
        let mut module: Vec<String> = below
            .trim_end_matches(".rs")
            .split('/')
            .map(str::to_owned)
            .collect();
        let room = module[0].clone();
        if room == "lib" || room == "main" {
            module.clear();
        }
        let mut tokens = tokenize(text);
        mark_tests(
            &mut tokens,
            module.iter().skip(1).any(|name| name == "tests"),
        );
        Self {
            path: path.to_owned(),
            room,
            module,
            text: text.to_owned(),
            tokens,
        }
    }

    fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.text == text)
    }

    fn complain(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    /// Every path in the file, with what its first name was imported as put in.
    fn mentions(&self) -> Vec<Mention> {
        let mut imports = Imports {
            source: self,
            found: Vec::new(),
            names: BTreeMap::new(),
        };
        let mut others = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let start = at;
            let token = &self.tokens[at];
            at += 1;
            if token.text == "use" {
                let leading = usize::from(self.is(at, "::"));
                at = imports.tree(at + leading, Vec::new());
            } else if is_name(&token.text) && !(start > 0 && self.is(start - 1, ".")) {
                let mut names = vec![token.text.clone()];
                while self.is(at, "::") && self.tokens.get(at + 1).is_some_and(|t| is_name(&t.text))
                {
                    names.push(self.tokens[at + 1].text.clone());
                    at += 2;
                }
                let (line, test) = (token.line, token.test);
                others.push(Mention {
                    names,
                    line,
                    test,
                    import: false,
                });
            }
        }
        let Imports { found, names, .. } = imports;
        for mention in &mut others {
            if let Some(full) = names.get(&mention.names[0]) {
                mention.names.splice(..1, full.iter().cloned());
            }
        }
        // A name alone says no more than its import did.
        let others = others.into_iter().filter(|mention| mention.names.len() > 1);
        found
            .into_iter()
            .chain(others)
            .map(|mention| self.absolute(mention))
            .collect()
    }

    /// With `self`, `super` and the crate's own name replaced by `crate::…`.
    fn absolute(&self, mut mention: Mention) -> Mention {
        let supers = mention
            .names
            .iter()
            .take_while(|name| *name == "super")
            .count();
        let first = mention.names[0].as_str();
        if first == "collab_edit" {
            mention.names[0] = "crate".into();
        } else if supers > 0 || first == "self" {
            let up = self.module.len().saturating_sub(supers);
            let base = std::iter::once("crate".to_owned()).chain(self.module[..up].iter().cloned());
            mention.names.splice(..supers.max(1), base);
        }
        mention
    }
}

/// Reads `use` declarations.
struct Imports<'a> {
    source: &'a Source,
    found: Vec<Mention>,
    names: BTreeMap<String, Vec<String>>,
}

impl Imports<'_> {
    /// Reads the tree that starts at token `at`, below `path`; gives the place behind it.
    fn tree(&mut self, mut at: usize, mut path: Vec<String>) -> usize {
        let source = self.source;
        while let Some(token) = source.tokens.get(at) {
            at += 1;
            match token.text.as_str() {
                "{" => {
                    while at < source.tokens.len() && !source.is(at, "}") {
                        at = self.tree(at, path.clone());
                        at += usize::from(source.is(at, ","));
                    }
                    return at + 1;
                }
                "self" if !path.is_empty() => {}
                name => path.push(name.to_owned()),
            }
            if source.is(at, "::") {
                at += 1;
                continue;
            }
            let renamed = source.is(at, "as").then(|| &source.tokens[at + 1].text);
            let known_as = renamed.or_else(|| path.last()).cloned().unwrap_or_default();
            at += if renamed.is_some() { 2 } else { 0 };
            self.names.insert(known_as, path.clone());
            self.found.push(Mention {
                names: path,
                line: token.line,
                test: token.test,
                import: true,
            });
            return at;
        }
        at
    }
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

impl Source {
    fn names_super_glob(&self, line: usize) -> bool {
        self.text
            .lines()
            .nth(line - 1)
            .is_some_and(|line| line.trim() == "use super::*;")
    }
}

/// Names, numbers, `::` and single signs; no comments, no spaces, and of literals only a mark.
fn tokenize(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let (start, start_line) = (at, line);
        let next = chars.get(at + 1).copied();
        let text = match chars[at] {
            '/' if next == Some('/') => {
                at = until(&chars, at, |rest| rest[0] == '\n');
                continue;
            }
            '/' if next == Some('*') => {
                at = end_of_comment(&chars, at);
                line += newlines(&chars[start..at]);
                continue;
            }
            '"' => {
                at = end_of_string(&chars, at);
                "\"".into()
            }
            '\'' => {
                at = end_of_char(&chars, at);
                "'".into()
            }
            char if char.is_alphanumeric() || char == '_' => {
                at = until(&chars, at, |rest| {
                    !(rest[0].is_alphanumeric() || rest[0] == '_')
                });
                let name: String = chars[start..at].iter().collect();
                match end_of_raw_string(&chars, at)
                    .filter(|_| matches!(name.as_str(), "r" | "br" | "cr"))
                {
                    Some(end) => {
                        at = end;
                        "\"".into()
                    }
                    None => name,
                }
            }
            ':' if next == Some(':') => {
                at += 2;
                "::".into()
            }
            char => {
                at += 1;
                char.to_string()
            }
        };
        line += newlines(&chars[start..at]);
        if !text.trim().is_empty() {
            tokens.push(Token {
                text,
                line: start_line,
                test: false,
            });
        }
    }
    tokens
}

fn newlines(chars: &[char]) -> usize {
    chars.iter().filter(|char| **char == '\n').count()
}

/// The first place from `at` on where `stop` holds for the rest, or the end.
fn until(chars: &[char], at: usize, stop: impl Fn(&[char]) -> bool) -> usize {
    (at..chars.len())
        .find(|&at| stop(&chars[at..]))
        .unwrap_or(chars.len())
}

fn end_of_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match chars[at..] {
            ['/', '*', ..] => depth += 1,
            ['*', '/', ..] => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            break;
        }
    }
    at
}

fn end_of_string(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// The end of a raw string whose `#` or `"` is at `at`, if one is.
fn end_of_raw_string(chars: &[char], at: usize) -> Option<usize> {
    let open = until(chars, at, |rest| rest[0] != '#');
    let hashes = open - at;
    (chars.get(open) == Some(&'"')).then(|| {
        let is_end = |rest: &[char]| {
            rest[0] == '"'
                && rest[1..]
                    .iter()
                    .take(hashes)
                    .filter(|char| **char == '#')
                    .count()
                    == hashes
        };
        (until(chars, open + 1, is_end) + 1 + hashes).min(chars.len())
    })
}

/// A character literal ends at its quote; of a lifetime only the quote is taken.
fn end_of_char(chars: &[char], at: usize) -> usize {
    match chars[at + 1..] {
        ['\\', _, ..] => until(chars, at + 3, |rest| rest[0] == '\'') + 1,
        [_, '\'', ..] => at + 3,
        _ => at + 1,
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|char: char| char.is_alphabetic() || char == '_')
}

/// Marks what stands behind `#[cfg(test)]`, to its closing brace or semicolon.
fn mark_tests(tokens: &mut [Token], all: bool) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut at = 0;
    while at < tokens.len() {
        let is_marked = all
            || MARK.iter().enumerate().all(|(offset, text)| {
                tokens
                    .get(at + offset)
                    .is_some_and(|token| token.text == *text)
            });
        let mut end = at + 1;
        if is_marked {
            end = if all {
                tokens.len()
            } else {
                end_of_item(tokens, at + MARK.len())
            };
            tokens[at..end]
                .iter_mut()
                .for_each(|token| token.test = true);
        }
        at = end;
    }
}

fn end_of_item(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" if depth <= 1 => return at + 1,
            "}" => depth -= 1,
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below `folder`. Packages of their own in there keep their own house.
fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let entries: Vec<PathBuf> = fs::read_dir(&folder)
            .expect("a folder that can be read")
            .map(|entry| entry.expect("a folder that can be read").path())
            .collect();
        if entries.iter().any(|path| path.ends_with("Cargo.toml")) {
            continue;
        }
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy();
                let text = fs::read_to_string(&path).expect("a source in UTF-8");
                found.push(Source::new(&below, &text));
            }
        }
    }
    assert!(!found.is_empty(), "no sources below {folder}");
    found
}

/// The crates of a section of Cargo.toml, as code names them.
fn dependencies(section: &str) -> Vec<String> {
    dependency_names(section)
        .into_iter()
        .map(|name| name.replace('-', "_"))
        .collect()
}

fn dependency_names(section: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let heading = format!("[{section}]");
    let lines = manifest.lines().skip_while(|line| *line != heading).skip(1);
    let names: Vec<String> = lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert!(!names.is_empty(), "Cargo.toml has no {heading}");
    names
}

/// The checker can fail.
mod checker {
    use super::{Source, check_habits, check_rooms};

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
