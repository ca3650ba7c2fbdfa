//! Colours for code: which part of the text is a comment, a keyword, a string.
//!
//! A [`Highlighter`] is slow (some 10,000 lines a second) and lives in a thread of its own. It keeps
//! the parser's state at every `STEP`th line that it has come by, so that after a change it starts
//! at the kept line above, and stops to doubt what is below as soon as it finds the state there that
//! was kept. What is asked for is some lines, usually those on the screen; farther than `FAR` from
//! any kept line it does not work its way there but starts afresh a little above, which is right
//! unless the place is inside of something long.
//!
//! Not here: which colours ([`theme`](super::theme)), and the thread.

use std::ops::Range;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::document::position::{CharPos, Line, line_start};
use crate::document::{Rope, TextChange};

/// How many lines apart states are kept. (A state takes some hundred bytes.)
const STEP: usize = 32;

/// How many lines are worked through, without an answer, to get somewhere. (A tenth of a second.)
const FAR: usize = 1_000;

/// How far above the lines that are asked for it starts without any state.
const RUN_UP: usize = 100;

/// The longest line, in characters, that is looked into.
const MAX_LINE: usize = 10_000;

/// The most changed lines that are told apart.
const MAX_DOUBTS: usize = 256;

/// What a piece of text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Token {
    /// Not for the machine.
    Comment,
    /// Text in quotes.
    String,
    /// A number or another constant.
    Constant,
    /// A word of the language.
    Keyword,
    /// The name of a function.
    Function,
    /// The name of a type, or of an attribute.
    Type,
    /// A heading, or what else stands out.
    Heading,
}

/// A piece of the text that is one token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// Where it is; not empty.
    pub range: Range<CharPos>,
    /// What it is.
    pub token: Token,
}

/// Moves what is known of a text along with a change of it.
pub fn follow(spans: &mut Vec<Span>, change: &TextChange) {
    let (start, end) = (change.at.0, change.at.0 + change.removed);
    let moved = |at: usize| at + change.inserted - change.removed;
    spans.retain_mut(|Span { range, .. }| {
        let (from, to) = (range.start.0, range.end.0);
        if to < start || to == start && change.inserted == 0 {
            return true;
        }
        let from = match from {
            from if from < start => from,
            from if from >= end => moved(from),
            _ => start + change.inserted,
        };
        // What is typed right behind a token looks like it until more is known.
        let to = match to {
            to if to >= end => moved(to),
            _ => start,
        };
        *range = CharPos(from)..CharPos(to);
        from < to
    });
}

#[derive(Clone, PartialEq, Eq)]
struct State {
    parser: ParseState,
    scopes: ScopeStack,
}

/// See the module.
pub struct Highlighter {
    syntaxes: SyntaxSet,
    syntax: SyntaxReference,
    prefixes: Vec<(Scope, Option<Token>)>,
    /// The state at the start of lines, in their order.
    kept: Vec<(usize, State)>,
    /// Lines that have changed, in order: no state behind one of them is certain.
    doubts: Vec<usize>,
    line: String,
}

impl Highlighter {
    /// A highlighter for a file of this name that begins with this line; `None` for plain text.
    /// Takes some milliseconds.
    pub fn new(file_name: &str, first_line: &str) -> Option<Self> {
        let syntaxes = two_face::syntax::extra_newlines();
        let extension = file_name.rsplit('.').next().unwrap_or_default();
        let syntax = syntaxes
            .find_syntax_by_extension(file_name)
            .or_else(|| syntaxes.find_syntax_by_extension(extension))
            .or_else(|| syntaxes.find_syntax_by_first_line(first_line))
            .filter(|syntax| syntax.name != syntaxes.find_syntax_plain_text().name)?
            .clone();
        let prefix = |&(scope, token): &(&str, _)| Some((Scope::new(scope).ok()?, token));
        Some(Self {
            syntax,
            syntaxes,
            prefixes: TOKENS.iter().filter_map(prefix).collect(),
            kept: Vec::new(),
            doubts: Vec::new(),
            line: String::new(),
        })
    }

    /// Takes in what has changed since the last call; `None` if that is not known.
    pub fn change(&mut self, changes: Option<&[TextChange]>) {
        let Some(changes) = changes.filter(|changes| changes.len() < MAX_DOUBTS) else {
            self.kept.clear();
            self.doubts.clear();
            return;
        };
        for change in changes {
            let line = change.line.0;
            let gone = line + change.lines.min(0).unsigned_abs();
            let moved = |at: usize| at.saturating_add_signed(change.lines);
            if change.lines != 0 {
                self.kept.retain_mut(|(at, _)| {
                    let keep = *at <= line || *at > gone;
                    if *at > line && keep {
                        *at = moved(*at);
                    }
                    keep
                });
                for doubt in self.doubts.iter_mut().filter(|doubt| **doubt > line) {
                    *doubt = if *doubt > gone { moved(*doubt) } else { line };
                }
            }
            if let Err(at) = self.doubts.binary_search(&line) {
                self.doubts.insert(at, line);
            }
        }
        self.doubts.dedup();
        if self.doubts.len() > MAX_DOUBTS {
            let first = self.doubts[0];
            self.kept.retain(|(at, _)| *at <= first);
            self.doubts.truncate(1);
        }
    }

    /// What stands in these lines of the text, which has changed as was told; from left to right.
    /// `None` if `stop`, which is asked before each line, said to stop; what was found until then is kept.
    pub fn spans(
        &mut self,
        rope: &Rope,
        lines: Range<usize>,
        mut stop: impl FnMut() -> bool,
    ) -> Option<Vec<Span>> {
        let end = lines.end.min(rope.len_lines());
        let (mut line, mut state) = self.start(lines.start);
        // On to the next kept line, where doubts may end.
        let last = end.div_ceil(STEP) * STEP;
        let mut spans = Vec::new();
        let mut from = line;
        while line < last.min(rope.len_lines()) {
            if stop() {
                return None;
            }
            if line % STEP == 0 || self.find(line).is_ok() {
                let settled = self.keep(from, line, &state);
                from = line;
                if settled && line >= end {
                    break;
                }
                if settled && line < lines.start {
                    let (farther, better) = self.start(lines.start);
                    if farther > line {
                        (line, from, state) = (farther, farther, better);
                    }
                }
            }
            let wanted = lines.start <= line && line < end;
            self.parse(rope, line, &mut state, wanted.then_some(&mut spans));
            line += 1;
        }
        Some(spans)
    }

    /// The last certain state at or above `line`, or a fresh one not far above.
    fn start(&self, line: usize) -> (usize, State) {
        let near = line.saturating_sub(FAR);
        let doubt = self.doubts.iter().find(|doubt| **doubt >= near);
        let certain = doubt.map_or(line, |doubt| line.min(*doubt));
        let at = self.kept.partition_point(|(at, _)| *at <= certain);
        match at.checked_sub(1).map(|at| &self.kept[at]) {
            Some((at, state)) if *at >= near => (*at, state.clone()),
            _ if near == 0 => (0, self.fresh()),
            _ => (line - RUN_UP, self.fresh()),
        }
    }

    fn fresh(&self) -> State {
        State {
            parser: ParseState::new(&self.syntax),
            scopes: ScopeStack::new(),
        }
    }

    fn find(&self, line: usize) -> Result<usize, usize> {
        self.kept.binary_search_by_key(&line, |(at, _)| *at)
    }

    /// Keeps the state at `line`, found by working on from `from`; whether it is the one that was kept before.
    fn keep(&mut self, from: usize, line: usize, state: &State) -> bool {
        let doubted = self.doubts.iter().any(|doubt| (from..line).contains(doubt));
        self.doubts.retain(|doubt| !(from..line).contains(doubt));
        match self.find(line) {
            Ok(at) if self.kept[at].1 == *state => true,
            Ok(at) => {
                self.kept[at].1 = state.clone();
                if let Err(at) = self.doubts.binary_search(&line) {
                    self.doubts.insert(at, line);
                }
                false
            }
            Err(at) => {
                self.kept.insert(at, (line, state.clone()));
                let more = at + 1 < self.kept.len();
                if doubted
                    && more
                    && let Err(at) = self.doubts.binary_search(&line)
                {
                    self.doubts.insert(at, line);
                }
                false
            }
        }
    }

    /// Works through one line.
    fn parse(
        &mut self,
        rope: &Rope,
        line: usize,
        state: &mut State,
        spans: Option<&mut Vec<Span>>,
    ) {
        let start = line_start(rope, Line(line));
        let text = rope.line(line);
        if text.len_chars() > MAX_LINE {
            return;
        }
        self.line.clear();
        self.line.extend(text.chunks());
        let Ok(steps) = state.parser.parse_line(&self.line, &self.syntaxes) else {
            return;
        };
        let ends = steps.iter().skip(1).map(|(at, _)| *at);
        let ends = ends.chain([self.line.len()]);
        let mut found: Vec<Span> = Vec::new();
        let mut tell = |scopes: &ScopeStack, range: Range<usize>| {
            let token = self.token(scopes.as_slice());
            let text = self.line.get(range.clone()).unwrap_or_default();
            if let Some(token) = token
                && !text.trim().is_empty()
            {
                let chars = |to| self.line[..to].chars().count();
                let range = start + chars(range.start)..start + chars(range.end);
                match found.last_mut() {
                    Some(last) if last.token == token && last.range.end == range.start => {
                        last.range.end = range.end;
                    }
                    _ => found.push(Span { range, token }),
                }
            }
        };
        if spans.is_some() {
            let first = steps.first().map_or(self.line.len(), |(at, _)| *at);
            tell(&state.scopes, 0..first);
        }
        for ((at, step), end) in steps.iter().zip(ends) {
            if state.scopes.apply(step).is_err() {
                return;
            }
            if spans.is_some() && *at < end {
                tell(&state.scopes, *at..end);
            }
        }
        if let Some(spans) = spans {
            spans.append(&mut found);
        }
    }

    /// What the innermost scope that says anything says.
    fn token(&self, scopes: &[Scope]) -> Option<Token> {
        let said = |scope: &Scope| {
            let prefix = |(prefix, _): &&(Scope, _)| prefix.is_prefix_of(*scope);
            self.prefixes.iter().find(prefix).map(|(_, token)| *token)
        };
        scopes.iter().rev().find_map(said).flatten()
    }
}

/// What scopes (the names are those of TextMate's grammars) mean here; of two that fit, the first.
const TOKENS: &[(&str, Option<Token>)] = &[
    ("comment", Some(Token::Comment)),
    ("constant.character.escape", Some(Token::Constant)),
    ("string", Some(Token::String)),
    ("constant", Some(Token::Constant)),
    ("keyword.operator.word", Some(Token::Keyword)),
    ("keyword.operator", None),
    ("keyword", Some(Token::Keyword)),
    ("storage", Some(Token::Keyword)),
    ("variable.language", Some(Token::Keyword)),
    ("variable.function", Some(Token::Function)),
    ("entity.name.function", Some(Token::Function)),
    ("support.function", Some(Token::Function)),
    ("support.macro", Some(Token::Function)),
    ("entity.name.tag", Some(Token::Keyword)),
    ("entity.other.attribute-name", Some(Token::Type)),
    ("entity.name.section", Some(Token::Heading)),
    ("markup.heading", Some(Token::Heading)),
    ("markup.bold", Some(Token::Heading)),
    ("markup.raw", Some(Token::String)),
    ("markup.inserted", Some(Token::String)),
    ("markup.deleted", Some(Token::Heading)),
    ("markup.underline.link", Some(Token::Function)),
    ("entity.name", Some(Token::Type)),
    ("support.type", Some(Token::Type)),
    ("support.class", Some(Token::Type)),
    ("support.constant", Some(Token::Constant)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crdt::AuthorId;
    use crate::document::{Document, EditKind};

    fn all(highlighter: &mut Highlighter, rope: &Rope) -> Vec<Span> {
        let spans = highlighter.spans(rope, 0..rope.len_lines(), || false);
        spans.expect("not stopped")
    }

    fn rust() -> Highlighter {
        Highlighter::new("main.rs", "").expect("Rust is known")
    }

    fn tokens(text: &str) -> Vec<(String, Token)> {
        let rope = Rope::from_str(text);
        let text = |range: &Range<CharPos>| rope.slice(range.start.0..range.end.0).to_string();
        let spans = all(&mut rust(), &rope);
        spans
            .iter()
            .map(|span| (text(&span.range), span.token))
            .collect()
    }

    #[test]
    fn code_is_told_apart_and_positions_are_characters() {
        let found = tokens("// é漢\nfn main() { let x = \"ä\"; 42 }\n");
        for expected in [
            ("// é漢\n", Token::Comment),
            ("main", Token::Function),
            ("let", Token::Keyword),
            ("\"ä\"", Token::String),
            ("42", Token::Constant),
        ] {
            let expected = (expected.0.to_owned(), expected.1);
            assert!(found.contains(&expected), "{expected:?} in {found:?}");
        }
    }

    #[test]
    fn the_syntax_is_found_by_name_and_by_first_line() {
        assert!(Highlighter::new("Makefile", "").is_some());
        assert!(Highlighter::new("run", "#!/bin/bash\n").is_some());
        assert!(Highlighter::new("notes", "some text").is_none());
        assert!(Highlighter::new("notes.txt", "some text").is_none());
    }

    #[test]
    fn after_any_edits_the_colours_are_those_of_the_whole_text() {
        let seed = std::env::var("SEED")
            .map_or_else(|_| fastrand::u64(..), |s| s.parse().expect("a number"));
        println!("SEED={seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let code = "fn f(x: u8) -> u8 {\n    x + 1 // one\n}\nlet s = \"text\";\n".repeat(60);
        let mut document = Document::new(AuthorId([1; 16]));
        document.edit(CharPos(0)..CharPos(0), &code, EditKind::Whole, 0);
        let mut highlighter = rust();
        document.take_text_changes();
        for _ in 0..40 {
            for _ in 0..rng.usize(1..4) {
                let from = rng.usize(0..=document.len());
                let to = from + rng.usize(0..200) * usize::from(rng.u8(0..3) == 0);
                let text = *rng
                    .choice(&["/*", "*/", "\"", "\n\n", "x", "// no\n", ""])
                    .expect("some");
                document.edit(CharPos(from)..CharPos(to), text, EditKind::Whole, 0);
            }
            let changes = document.take_text_changes();
            highlighter.change(changes.as_deref());
            let lines = document.rope().len_lines();
            let first = rng.usize(0..lines);
            let shown = first..(first + 30).min(lines);
            // What is asked for after an interruption is right as well.
            let mut left = rng.usize(0..4 * STEP);
            let _stopped = highlighter.spans(document.rope(), shown.clone(), || {
                left = left.saturating_sub(1);
                left == 0
            });
            let found = highlighter.spans(document.rope(), shown.clone(), || false);
            let start = line_start(document.rope(), Line(shown.start));
            let end = line_start(document.rope(), Line(shown.end));
            let mut whole = all(&mut rust(), document.rope());
            whole.retain(|span| start <= span.range.start && span.range.start < end);
            assert_eq!(found, Some(whole), "lines {shown:?}");
        }
    }

    #[test]
    fn far_from_what_is_known_it_does_not_work_its_way_there() {
        let rope = Rope::from_str(&"let x = 1; // one\n".repeat(200_000));
        let mut highlighter = rust();
        let mut asked = 0;
        let spans = highlighter.spans(&rope, 199_000..199_030, || {
            asked += 1;
            false
        });
        assert!(spans.is_some_and(|spans| spans.len() >= 60));
        assert!(asked < 10 * STEP, "{asked}");
    }

    #[test]
    fn spans_follow_changes() {
        let change = |at, removed, inserted| TextChange {
            at: CharPos(at),
            removed,
            inserted,
            line: Line(0),
            lines: 0,
        };
        for (edit, expected) in [
            (change(0, 0, 3), Some(13..23)),
            (change(30, 5, 0), Some(10..20)),
            (change(15, 0, 2), Some(10..22)),
            (change(20, 0, 1), Some(10..21)),
            (change(10, 0, 1), Some(11..21)),
            (change(5, 10, 0), Some(5..10)),
            (change(15, 10, 1), Some(10..15)),
            (change(5, 30, 9), None),
        ] {
            let mut spans = vec![Span {
                range: CharPos(10)..CharPos(20),
                token: Token::Comment,
            }];
            follow(&mut spans, &edit);
            let found = spans
                .first()
                .map(|span| span.range.start.0..span.range.end.0);
            assert_eq!(found, expected, "{edit:?}");
        }
    }
}
