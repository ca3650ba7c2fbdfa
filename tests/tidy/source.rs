//! Sources as the checks see them: tokens, and the paths that they name.
//!
//! It reads tokens, not meaning. It knows `use` groups, renamed imports and relative paths; it does not look into
//! macros of other crates, and it takes a name for the import of that name wherever in the file it stands.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::root;

/// A file as the checks see it.
#[derive(Debug)]
pub(super) struct Source {
    /// Its path below the repository, for people.
    pub(super) path: String,
    /// The first module of its path, or `lib`, or `main`.
    pub(super) room: String,
    /// Its module path, empty for `lib.rs` and `main.rs`.
    pub(super) module: Vec<String>,
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
    pub(super) test: bool,
}

/// A path in the code, as far as its names go.
#[derive(Debug)]
pub(super) struct Mention {
    pub(super) names: Vec<String>,
    pub(super) line: usize,
    pub(super) test: bool,
    pub(super) import: bool,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
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

    pub(super) fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.text == text)
    }

    pub(super) fn complain(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    /// Every path in the file, with what its first name was imported as put in.
    pub(super) fn mentions(&self) -> Vec<Mention> {
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

impl Source {
    pub(super) fn names_super_glob(&self, line: usize) -> bool {
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

/// All Rust files below `folder`. Packages of their own in there keep their own house.
pub(super) fn sources(folder: &str) -> Vec<Source> {
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
pub(super) fn dependencies(section: &str) -> Vec<String> {
    dependency_names(section)
        .into_iter()
        .map(|name| name.replace('-', "_"))
        .collect()
}

pub(super) fn dependency_names(section: &str) -> Vec<String> {
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
