//! The documents say what is so: dependencies, messages, links, and the tests of threats.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::source::{Source, dependency_names, sources};
use super::{none, root};

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
