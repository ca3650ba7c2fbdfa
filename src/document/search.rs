//! Finding and replacing, by regular expressions over the rope's chunks.
//!
//! Expressions are those of the `regex` crate: no back-references, so that the time is linear in the
//! text whatever the pattern; patterns that would need a large machine are refused.

use std::cell::Cell;
use std::ops::Range;

use regex_cursor::Input;
use regex_cursor::engines::meta::Regex;
use regex_cursor::regex_automata::PatternID;
use regex_cursor::regex_automata::util::{interpolate, syntax};
use ropey::Rope;

use super::position::{CharPos, line_at, line_start};

/// How large a compiled pattern may be, in bytes: enough for any that a person writes.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// What is looked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Query {
    /// The text, or the regular expression.
    pub pattern: String,
    /// Whether `pattern` is a regular expression.
    pub regex: bool,
    /// Whether upper and lower case differ even if `pattern` has no upper case (smart case).
    pub case: bool,
    /// Whether only whole words are found.
    pub word: bool,
}

/// Why a pattern cannot be looked for, in one line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadPattern(String);

/// A query, ready to be looked for.
#[derive(Clone, Debug)]
pub struct Searcher {
    regex: Regex,
    /// Whether replacements name groups.
    groups: bool,
}

impl Searcher {
    /// Makes a query ready. Its `pattern` is not empty.
    ///
    /// # Errors
    /// If it is no regular expression, or one that is too large.
    pub fn new(query: &Query) -> Result<Self, BadPattern> {
        let mut pattern = if query.regex {
            query.pattern.clone()
        } else {
            escaped(&query.pattern)
        };
        if query.word {
            pattern = format!(r"\b(?:{pattern})\b");
        }
        let any_case = !query.case && !has_upper_case(query);
        let regex = Regex::builder()
            .configure(Regex::config().nfa_size_limit(Some(MAX_PATTERN_BYTES)))
            .syntax(syntax().case_insensitive(any_case))
            .build(&pattern)
            .map_err(|error| match error.syntax_error() {
                Some(error) => BadPattern(last_line(&error.to_string())),
                None if error.size_limit().is_some() => {
                    BadPattern("the pattern is too large".to_owned())
                }
                None => BadPattern(error.to_string()),
            })?;
        Ok(Self {
            regex,
            groups: query.regex,
        })
    }

    /// The matches in a range of the text, in order; at most `most`. No empty one touches the one
    /// before, and none is in a line that starts where the range ends. O(range).
    pub fn find_all(&self, rope: &Rope, range: Range<CharPos>, most: usize) -> Vec<Range<CharPos>> {
        let (start, end) = (range.start.clamped(rope), range.end.clamped(rope));
        let bytes = rope.char_to_byte(start.0)..rope.char_to_byte(end.0);
        let place = |byte| CharPos(rope.byte_to_char(byte));
        let found = self.regex.find_iter(Input::new(rope).range(bytes));
        let found = found.map(|found| place(found.start())..place(found.end()));
        let next = line_start(rope, line_at(rope, end));
        let is_next = end == next && start < end && end.0 < rope.len_chars();
        found
            .filter(|found| !is_next || found.start < end)
            .take(most)
            .collect()
    }

    /// Whether `with` can take the place of matches.
    ///
    /// # Errors
    /// If it names a group that the expression has not.
    pub fn check(&self, with: &str) -> Result<(), BadPattern> {
        if !self.groups {
            return Ok(());
        }
        let captures = self.regex.create_captures();
        let groups = captures.group_info();
        let unknown = Cell::new(None);
        let first = |name: String| unknown.set(unknown.take().or(Some(name)));
        interpolate::string(
            with,
            |group, _| {
                if group >= groups.group_len(PatternID::ZERO) {
                    first(group.to_string());
                }
            },
            |name| {
                let group = groups.to_index(PatternID::ZERO, name);
                if group.is_none() {
                    first(name.to_owned());
                }
                group
            },
            &mut String::new(),
        );
        unknown.into_inner().map_or(Ok(()), |name| {
            Err(BadPattern(format!(
                "The expression has no group {name}; before letters, digits and _ a group is written ${{1}}, \
                 and a dollar sign $$"
            )))
        })
    }

    /// What takes the place of a match: `with`, in which `$1` or `${name}` are the groups of a regular
    /// expression; `None` if the text has changed and does not match there any more. O(log n + match).
    pub fn replacement(&self, rope: &Rope, found: &Range<CharPos>, with: &str) -> Option<String> {
        if !self.groups {
            return Some(with.to_owned());
        }
        // A match depends on the characters beside it, if any, and on no others. A search in all of the text
        // would walk to the match from the start.
        let around = found.start.0.saturating_sub(1)..(found.end.0 + 1).min(rope.len_chars());
        let slice = rope.slice(around.clone());
        let byte = |at: CharPos| slice.char_to_byte(at.0 - around.start);
        let mut captures = self.regex.create_captures();
        let input = Input::new(slice).range(byte(found.start)..byte(found.end));
        self.regex.captures(input, &mut captures);
        let span = captures.get_match()?.span();
        if (span.start, span.end) != (byte(found.start), byte(found.end)) {
            return None;
        }
        let mut text = String::new();
        interpolate::string(
            with,
            |group, text| {
                if let Some(span) = captures.get_group(group) {
                    text.extend(slice.byte_slice(span.start..span.end).chunks());
                }
            },
            |name| {
                let pattern = captures.pattern()?;
                captures.group_info().to_index(pattern, name)
            },
            &mut text,
        );
        Some(text)
    }
}

/// How expressions are read: `^` and `$` are where the lines of a text begin and end, whichever way they do.
fn syntax() -> syntax::Config {
    syntax::Config::new().multi_line(true).crlf(true)
}

/// Whether a pattern has upper case that stands for itself: that of `\S`, `\pL`, `\x{2F}` and `(?P<name>…)`
/// does not.
fn has_upper_case(query: &Query) -> bool {
    if !query.regex {
        return query.pattern.chars().any(char::is_uppercase);
    }
    let pattern = query.pattern.replace("(?P", "(?");
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            let class = matches!(chars.next(), Some('p' | 'P'));
            if chars.as_str().starts_with('{') {
                chars.find(|c| *c == '}');
            } else if class {
                chars.next();
            }
        } else if c.is_uppercase() {
            return true;
        }
    }
    false
}

/// `text` as a regular expression that matches just that.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// What is said of a pattern over several lines, with a picture of it: the words are in the last.
fn last_line(text: &str) -> String {
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pattern: &str) -> Query {
        Query {
            pattern: pattern.to_owned(),
            ..Query::default()
        }
    }

    fn regex(pattern: &str) -> Query {
        Query {
            regex: true,
            ..query(pattern)
        }
    }

    fn found(text: &str, query: &Query) -> Vec<(usize, usize)> {
        let rope = Rope::from_str(text);
        let searcher = Searcher::new(query).unwrap();
        let all = searcher.find_all(&rope, CharPos(0)..CharPos(usize::MAX), 100);
        all.into_iter()
            .map(|range| (range.start.0, range.end.0))
            .collect()
    }

    #[test]
    fn case_is_smart_and_patterns_are_plain_text_unless_wanted() {
        assert_eq!(found("Ab ab AB", &query("ab")), [(0, 2), (3, 5), (6, 8)]);
        assert_eq!(found("Ab ab AB", &query("Ab")), [(0, 2)]);
        let case = Query {
            case: true,
            ..query("ab")
        };
        assert_eq!(found("Ab ab AB", &case), [(3, 5)]);
        let word = Query {
            word: true,
            ..query("an")
        };
        assert_eq!(found("an and a an", &word), [(0, 2), (9, 11)]);
        assert_eq!(found("äa.c abc", &query("a.c")), [(1, 4)]);
        assert_eq!(found("a.c abc", &regex("a.c")), [(0, 3), (4, 7)]);
        for (pattern, any_case) in [
            (r"a\S", true),
            (r"\W\D\Ba\pL", true),
            (r"a\p{Lu}?(?P<b>b)", true),
            (r"a\\B", false),
            (r"aB\S", false),
        ] {
            assert_eq!(has_upper_case(&regex(pattern)), !any_case, "{pattern}");
        }
        assert_eq!(found("ab AB", &regex(r"a\S")), [(0, 2), (3, 5)]);
        assert_eq!(found("a\nb\n", &regex("^b$")), [(2, 3)]);
        for c in r"\.+*?()|[]{}^$#&-~ x".chars() {
            assert_eq!(
                found(&format!("a{c}b"), &query(&c.to_string())),
                [(1, 2)],
                "{c}"
            );
        }
    }

    #[test]
    fn what_matches_no_characters_is_found_as_a_place() {
        for (pattern, text, expected) in [
            ("^", "a\nb\n", &[0, 2, 4][..]),
            ("$", "a\nb", &[1, 3]),
            ("^$", "a\n\nb\n", &[2, 5]),
            ("$", "a\r\nb\n", &[1, 4, 5]),
            ("x*", "é漢", &[0, 1, 2]),
            (r"\b", "né a", &[0, 2, 3, 4]),
            ("^", "", &[0]),
        ] {
            let expected: Vec<_> = expected.iter().map(|&at| (at, at)).collect();
            assert_eq!(found(text, &regex(pattern)), expected, "{pattern}");
        }
        // Of a part of the text that ends where a line starts, that line is none.
        let part = |pattern, range: Range<usize>| {
            let searcher = Searcher::new(&regex(pattern)).unwrap();
            let range = CharPos(range.start)..CharPos(range.end);
            let all = searcher.find_all(&Rope::from_str("ab\ncd\nef"), range, 9);
            all.iter().map(|found| found.start.0).collect::<Vec<_>>()
        };
        assert_eq!(part("^", 0..6), [0, 3]);
        assert_eq!(part("$", 0..6), [2, 5]);
        assert_eq!(part("$", 0..5), [2, 5]);
        assert_eq!(part("^", 1..6), [3]);
        assert_eq!(part("^", 0..8), [0, 3, 6]);
        assert_eq!(part(r"\n", 0..6), [2, 5]);
    }

    #[test]
    fn random_texts_are_searched_as_by_the_engine_for_plain_strings() {
        use regex_cursor::regex_automata::meta;
        let seed = std::env::var("COLLAB_EDIT_SEED").map_or(1, |s| s.parse().expect("a number"));
        eprintln!("COLLAB_EDIT_SEED={seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for round in 0..3_000 {
            let atoms = [
                "^", "$", r"\b", r"\B", "a", "é*", "(?:a|)", ".", r"\n", "漢?", "(a*?)", "b+",
            ];
            let pattern: String = (0..rng.usize(1..4))
                .map(|_| *rng.choice(&atoms).unwrap())
                .collect();
            let other = if rng.bool() { "|^" } else { "" };
            let pattern = pattern + other;
            // Now and then over the rope's chunks.
            let long = rng.usize(0..if round % 20 == 0 { 2_000 } else { 12 });
            let text: String = (0..long)
                .map(|_| {
                    *rng.choice(&["a", "b", "é", "漢", "\n", " ", "👍", "\r\n"])
                        .unwrap()
                })
                .collect();
            let searcher = Searcher::new(&regex(&pattern)).unwrap();
            let plain = meta::Regex::builder()
                .syntax(syntax())
                .build(&pattern)
                .unwrap();
            let rope = Rope::from_str(&text);
            let all = searcher.find_all(&rope, CharPos(0)..CharPos(usize::MAX), usize::MAX);
            let (mut at, mut expected, mut places) = (0, String::new(), Vec::new());
            for captures in plain.captures_iter(&text) {
                let span = captures.get_group(0).unwrap();
                places.push(
                    CharPos(text[..span.start].chars().count())
                        ..CharPos(text[..span.end].chars().count()),
                );
                expected.push_str(&text[at..span.start]);
                captures.interpolate_string_into(&text, "<$0>", &mut expected);
                at = span.end;
            }
            expected.push_str(&text[at..]);
            assert_eq!(all, places, "{pattern:?} in {text:?}");
            let mut replaced = rope.clone();
            for found in all.iter().rev() {
                let text = searcher.replacement(&rope, found, "<$0>").unwrap();
                replaced.remove(found.start.0..found.end.0);
                replaced.insert(found.start.0, &text);
            }
            assert_eq!(replaced, expected, "{pattern:?} in {text:?}");
        }
    }

    #[test]
    fn what_takes_a_matchs_place_depends_on_what_stands_beside_it() {
        for (pattern, with, text, expected) in [
            (r"(\w)(\d)\b", "$2$1", "a1 b2c d3", "1a|3d"),
            (r"^(.)|(\w)$", "<$1$2>", "ab\ncd", "<a>|<b>|<c>|<d>"),
            (r"\A(é)|(é)\z", "<$1-$2>", "éxé", "<é->|<-é>"),
            (r"(?<first>漢)(字)?", "${first}$2!", "漢字漢", "漢字!|漢!"),
        ] {
            let rope = Rope::from_str(text);
            let searcher = Searcher::new(&regex(pattern)).unwrap();
            let all = searcher.find_all(&rope, CharPos(0)..CharPos(usize::MAX), 100);
            let replaced = all
                .iter()
                .map(|found| searcher.replacement(&rope, found, with).unwrap());
            assert_eq!(
                replaced.collect::<Vec<_>>().join("|"),
                expected,
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_is_long_is_found_over_the_ropes_chunks() {
        let text = format!("{}needle{}", "x".repeat(5_000), "é".repeat(5_000));
        for at in [0, 1, 3_000] {
            let rope_text = format!("{}{text}", "y".repeat(at));
            assert_eq!(
                found(&rope_text, &query("needle")),
                [(5_000 + at, 5_006 + at)]
            );
        }
        let long = "ab".repeat(4_000);
        assert_eq!(found(&format!("-{long}-"), &regex("(ab)+")), [(1, 8_001)]);
    }

    #[test]
    fn groups_come_back_in_replacements() {
        let rope = Rope::from_str("x key=value");
        let searcher = Searcher::new(&regex(r"(\w+)=(?P<v>\w+)")).unwrap();
        let all = searcher.find_all(&rope, CharPos(0)..CharPos(99), 9);
        assert_eq!(
            searcher
                .replacement(&rope, &all[0], "${v}=$1 $$")
                .as_deref(),
            Some("value=key $")
        );
        let plain = Searcher::new(&query("key")).unwrap();
        assert_eq!(
            plain
                .replacement(&rope, &(CharPos(2)..CharPos(5)), "$1")
                .as_deref(),
            Some("$1")
        );
    }

    #[test]
    fn groups_that_are_not_there_are_named() {
        let searcher = Searcher::new(&regex(r"(\w+)=(?P<v>\w+)")).unwrap();
        for with in ["$1${1}_y$2$v${v}", "$$3", "none", "$0", "$", "${"] {
            assert_eq!(searcher.check(with), Ok(()), "{with}");
        }
        for (with, group) in [("x$1_y", "1_y"), ("$3", "3"), ("$1${w}$4", "w")] {
            let why = searcher.check(with).unwrap_err().to_string();
            assert!(why.contains(&format!("no group {group};")), "{with}: {why}");
        }
        let plain = Searcher::new(&query("key")).unwrap();
        assert_eq!(plain.check("$7"), Ok(()));
    }

    #[test]
    fn what_is_wrong_with_a_pattern_is_said_in_one_line() {
        for (pattern, says) in [
            ("(", "unclosed group"),
            ("a{99999}{99999}", "too"),
            ("[", "class"),
        ] {
            let why = Searcher::new(&regex(pattern)).unwrap_err().to_string();
            assert!(why.contains(says) && !why.contains('\n'), "{why}");
        }
    }

    #[test]
    fn a_pattern_that_would_be_catastrophic_elsewhere_takes_linear_time() {
        let text = "a".repeat(100_000);
        assert_eq!(found(&text, &regex("(a*)*b")), []);
    }
}
