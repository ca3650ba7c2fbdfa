//! Find and replace, and going to a line.
//!
//! The text is looked through in the background; what is to be done next with what it finds waits for
//! that in [`Search::next`]. Matches are places in the text of one version: if that has changed, it is
//! looked through again first.

use std::cmp::Ordering;
use std::ops::Range;

use super::{Effect, Model};
use crate::app::finding::{FindJob, Found, MAX_FOUND};
use crate::app::prompt::{Prompt, Question};
use crate::crdt::{Anchor, Bias};
use crate::document::position::{Line, last_line, line_end, line_start};
use crate::document::search::{Query, Searcher};
use crate::document::{CharPos, Rope};
use crate::session::Time;
use crate::ui::action::{Action, Command};
use crate::ui::view::Level;

/// What is looked for, and what was found.
#[derive(Default)]
pub(in crate::app) struct Search {
    query: Query,
    with: String,
    searcher: Option<Searcher>,
    /// The part of the text that is looked through, if not all of it.
    scope: Option<(Anchor, Anchor)>,
    /// Where caret and selection were.
    origin: Option<(Option<Anchor>, Anchor)>,
    matches: Vec<Range<CharPos>>,
    /// The text that the matches are in, if they are those of the query.
    rope: Option<Rope>,
    /// Whether some of them were replaced: what was put in is not looked through while that is asked.
    replaced: bool,
    /// The number of the newest job; an older one's answer is too late.
    number: u64,
    /// Whether that job is still at it.
    runs: bool,
    next: Option<Step>,
}

/// What to do when the matches are there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Go to the first match at or behind this place, or to the first of all.
    From(CharPos),
    Next,
    Previous,
    /// Replace the match that caret and selection are at, if they are at one, and go to the next.
    Replace,
    ReplaceAll,
}

impl Model {
    /// Opens the search, for the selection if it is within a line, else in the selection.
    pub(super) fn find(&mut self, question: Question, now: Time) {
        let range = self.editor.selection(&self.core);
        let document = self.core.document();
        let selected = range
            .as_ref()
            .map(|range| document.rope().slice(range.start.0..range.end.0));
        let within = selected.filter(|text| text.len_lines() == 1 && text.len_chars() < 1000);
        let pattern = within.map(|text| text.to_string());
        self.search.scope = range.filter(|_| pattern.is_none()).map(|range| {
            let end = document.anchor(range.end, Bias::After);
            (document.anchor(range.start, Bias::Before), end)
        });
        let (mark, caret) = self.editor.marks(&self.core);
        let anchor = |at| document.anchor(at, Bias::Before);
        self.search.origin = Some((mark.map(anchor), anchor(caret)));
        self.search.matches.clear();
        let pattern = pattern.unwrap_or_else(|| self.search.query.pattern.clone());
        self.prompt = Some(Prompt::new(question, &pattern).offered());
        self.look_for(pattern, now);
    }

    /// Does what keys do while the search is open; `false` for those that edit the pattern.
    pub(super) fn find_key(&mut self, action: &Action, now: Time) -> bool {
        let query = &mut self.search.query;
        match action {
            Action::Do(Command::FindNext | Command::Down) => self.step(Step::Next, now),
            Action::Do(Command::FindPrevious | Command::Up) => self.step(Step::Previous, now),
            Action::Do(switch @ (Command::FindCase | Command::FindWord | Command::FindRegex)) => {
                let on = match switch {
                    Command::FindCase => &mut query.case,
                    Command::FindWord => &mut query.word,
                    _ => &mut query.regex,
                };
                *on = !*on;
                let pattern = query.pattern.clone();
                self.look_for(pattern, now);
            }
            _ => return false,
        }
        true
    }

    /// Looks for another pattern, from where the search began.
    pub(super) fn look_for(&mut self, pattern: String, now: Time) {
        self.search.query.pattern = pattern;
        self.search.searcher = None;
        self.search.rope = None;
        self.search.next = None;
        self.search.number += 1;
        self.search.runs = false;
        if self.search.query.pattern.is_empty() {
            self.search.matches.clear();
            return self.back_to_origin();
        }
        match Searcher::new(&self.search.query) {
            Ok(searcher) => self.search.searcher = Some(searcher),
            Err(why) => {
                self.search.matches.clear();
                return self.say(Level::Warning, why.to_string());
            }
        }
        let (mark, caret) = self.origin();
        self.step(Step::From(mark.map_or(caret, |mark| mark.min(caret))), now);
    }

    /// Where the search began, in the text as it is.
    fn origin(&self) -> (Option<CharPos>, CharPos) {
        let at = |anchor| self.core.document().position(&anchor);
        match self.search.origin {
            Some((mark, caret)) => (mark.and_then(at), at(caret).unwrap_or_default()),
            None => self.editor.marks(&self.core),
        }
    }

    /// Puts caret and selection back to where the search began.
    pub(super) fn back_to_origin(&mut self) {
        let (mark, caret) = self.origin();
        self.search.next = None;
        self.editor.select(&self.core, mark, caret);
    }

    /// Goes to the next match or the one before, also when no search is open.
    pub(super) fn find_again(&mut self, back: bool, now: Time) {
        if self.search.searcher.is_none() {
            return self.find(Question::Find, now);
        }
        self.step(if back { Step::Previous } else { Step::Next }, now);
    }

    fn step(&mut self, step: Step, now: Time) {
        let Some(searcher) = self.search.searcher.clone() else {
            return;
        };
        self.search.next = Some(step);
        if self.is_searched() {
            return self.go_on(now);
        }
        self.search_through(searcher);
    }

    /// Whether the matches are those of the query in the text as it is.
    fn is_searched(&self) -> bool {
        let searched = self.search.rope.as_ref();
        let asks = |prompt: &Prompt| prompt.question == Question::ReplaceEach;
        searched.is_some_and(|rope| rope.is_instance(self.core.document().rope()))
            && (!self.search.replaced || self.prompt.as_ref().is_some_and(asks))
    }

    /// Looks through the text again if it has changed while its matches are on the screen.
    pub(super) fn keep_searched(&mut self) {
        let wanted = self.shows_matches() && !self.search.runs && !self.is_searched();
        if let Some(searcher) = self.search.searcher.clone().filter(|_| wanted) {
            self.search_through(searcher);
        }
    }

    fn search_through(&mut self, searcher: Searcher) {
        let document = self.core.document();
        let scope = self
            .search
            .scope
            .and_then(|(start, end)| Some(document.position(&start)?..document.position(&end)?));
        let scope = scope.unwrap_or(CharPos(0)..CharPos(usize::MAX));
        self.search.number += 1;
        self.search.runs = true;
        let job = FindJob::new(searcher, document, scope, self.search.number);
        self.effects.push(Effect::Find(Box::new(job)));
    }

    /// Takes in what was found.
    pub(super) fn found(&mut self, found: Found, now: Time) {
        if found.number != self.search.number {
            return;
        }
        self.search.matches = found.matches;
        self.search.rope = Some(found.rope);
        self.search.replaced = false;
        self.search.runs = false;
        if self.is_searched() {
            self.go_on(now);
        } else if let Some(step) = self.search.next {
            self.step(step, now);
        }
    }

    fn go_on(&mut self, now: Time) {
        let Some(step) = self.search.next.take() else {
            return;
        };
        let matches = &self.search.matches;
        if matches.is_empty() {
            let each = |prompt: &mut Prompt| prompt.question == Question::ReplaceEach;
            // Nothing more is asked then.
            if self.prompt.take_if(each).is_some() {
                return self.say(Level::Info, "Nothing is left to replace");
            }
            if self.prompt.is_some() {
                self.back_to_origin();
            }
            let text = format!("Not found{}", self.search_marks());
            return self.say(Level::Warning, text);
        }
        let here = self.here();
        let start = here.start;
        let behind = |at: CharPos| matches.partition_point(|found| found.start < at);
        let (at, wrapped) = match step {
            Step::From(at) => (behind(at) % matches.len(), behind(at) == matches.len()),
            Step::Previous => match behind(start).checked_sub(1) {
                Some(at) => (at, false),
                None => (matches.len() - 1, true),
            },
            Step::Next => {
                let at = behind(start + 1);
                (at % matches.len(), at == matches.len())
            }
            Step::Replace => return self.replace_found(here, now),
            Step::ReplaceAll => return self.replace_all_found(now),
        };
        let found = matches[at].clone();
        let more = if matches.len() == MAX_FOUND { "+" } else { "" };
        let text = format!(
            "{} of {}{more}{}{}",
            at + 1,
            matches.len(),
            self.search_marks(),
            if wrapped { ", from the other end" } else { "" }
        );
        self.editor.select(&self.core, Some(found.start), found.end);
        self.say(Level::Info, text);
    }

    /// What is selected, or the place of the caret.
    fn here(&self) -> Range<CharPos> {
        let (mark, caret) = self.editor.marks(&self.core);
        let mark = mark.unwrap_or(caret);
        mark.min(caret)..mark.max(caret)
    }

    /// What is switched on, in words.
    fn search_marks(&self) -> String {
        let query = &self.search.query;
        let marks = [
            (query.case, ", case counts"),
            (query.word, ", whole words"),
            (query.regex, ", regular expression"),
            (self.search.scope.is_some(), ", in the selection"),
        ];
        marks
            .iter()
            .filter(|(on, _)| *on)
            .map(|&(_, words)| words)
            .collect()
    }

    /// Whether matches are to be seen.
    fn shows_matches(&self) -> bool {
        matches!(
            self.prompt.as_ref().map(|prompt| &prompt.question),
            Some(
                Question::Find | Question::Replace | Question::ReplaceWith | Question::ReplaceEach
            )
        )
    }

    /// The matches for the screen: those that touch a part of the text. O(log n + matches there).
    pub(in crate::app) fn matches_in(&self, part: Range<CharPos>) -> Vec<Range<CharPos>> {
        let matches = &self.search.matches;
        let first = matches.partition_point(|found| on_screen(found).end <= part.start);
        let last = matches.partition_point(|found| found.start < part.end);
        if self.shows_matches() {
            matches[first..last.max(first)]
                .iter()
                .map(on_screen)
                .collect()
        } else {
            Vec::new()
        }
    }

    /// The match at the caret for the screen, if it is empty, so that it is not selected.
    pub(in crate::app) fn empty_match_here(&self) -> Option<Range<CharPos>> {
        let here = self.here();
        let found = self
            .search
            .matches
            .binary_search_by(|found| in_order(found, &here));
        (here.is_empty() && self.shows_matches() && found.is_ok()).then(|| on_screen(&here))
    }

    /// Goes on to ask what the matches are replaced with, unless it is known that there are none.
    pub(super) fn ask_with(&mut self, prompt: Prompt, now: Time) {
        if self.finds_nothing() {
            let pattern = prompt.answer();
            self.prompt = Some(prompt);
            return self.look_for(pattern, now);
        }
        self.prompt = Some(Prompt::new(Question::ReplaceWith, ""));
    }

    /// Takes what matches are replaced with.
    pub(super) fn replace_with(&mut self, prompt: Prompt, now: Time) {
        let with = prompt.answer();
        let searcher = self.search.searcher.as_ref();
        if let Some(Err(why)) = searcher.map(|searcher| searcher.check(&with)) {
            self.prompt = Some(prompt);
            return self.say(Level::Warning, why.to_string());
        }
        self.search.with = with;
        if self.finds_nothing() {
            let pattern = self.search.query.pattern.clone();
            self.prompt = Some(Prompt::new(Question::Replace, &pattern));
            return self.look_for(pattern, now);
        }
        self.prompt = Some(Prompt::new(Question::ReplaceEach, ""));
    }

    /// Whether it is known that nothing matches.
    fn finds_nothing(&self) -> bool {
        let none = self.is_searched() && self.search.matches.is_empty();
        self.search.searcher.is_none() || none
    }

    /// Does what is answered to the question whether to replace this match; `false` if that is no answer.
    pub(super) fn replace_key(&mut self, action: &Action, now: Time) -> bool {
        match action {
            Action::Insert('y' | 'Y') | Action::Do(Command::Newline) => {
                self.step(Step::Replace, now);
            }
            Action::Insert('n' | 'N') => self.step(Step::Next, now),
            Action::Insert('a' | 'A') => {
                self.step(Step::ReplaceAll, now);
                self.prompt = None;
            }
            action => return self.find_key(action, now),
        }
        true
    }

    /// Replaces `here`, if it is a match, and goes to the next one. The others stay what was found: what
    /// is put in is not looked through.
    fn replace_found(&mut self, here: Range<CharPos>, now: Time) {
        let matches = &mut self.search.matches;
        let (Some(searcher), Ok(at)) = (
            &self.search.searcher,
            matches.binary_search_by(|found| in_order(found, &here)),
        ) else {
            return self.step(Step::From(here.start), now);
        };
        matches.remove(at);
        let rope = self.core.document().rope();
        let Some(text) = searcher.replacement(rope, &here, &self.search.with) else {
            return self.step(Step::From(here.start), now);
        };
        let end = here.start + text.chars().count();
        for later in &mut matches[at..] {
            *later = end + (later.start - here.end)..end + (later.end - here.end);
        }
        self.core.edit_all(&[(here, text)], now);
        self.search.rope = Some(self.core.document().rope().clone());
        self.search.replaced = true;
        self.editor.select(&self.core, None, end);
        self.step(Step::From(end), now);
    }

    fn replace_all_found(&mut self, now: Time) {
        let Some(searcher) = self.search.searcher.clone() else {
            return;
        };
        let rope = self.core.document().rope();
        let matches = std::mem::take(&mut self.search.matches);
        let edits: Vec<_> = matches
            .into_iter()
            .filter_map(|found| {
                let text = searcher.replacement(rope, &found, &self.search.with)?;
                Some((found, text))
            })
            .collect();
        self.core.edit_all(&edits, now);
        self.search.rope = None;
        self.say(Level::Info, format!("Replaced {}", edits.len()));
    }

    /// Goes to `line:column`; a negative line counts from the end.
    pub(super) fn go_to_line(&mut self, answer: &str) {
        let rope = self.core.document().rope();
        let (line, column) = answer
            .trim()
            .split_once(':')
            .unwrap_or_else(|| (answer.trim(), "1"));
        let (Ok(line), Ok(column)) = (line.trim().parse::<i64>(), column.trim().parse::<usize>())
        else {
            return self.say(
                Level::Warning,
                "A line is a number, line:column two, and a negative line counts from the end",
            );
        };
        let last = last_line(rope).0;
        let from_end = usize::try_from(line.unsigned_abs()).unwrap_or(usize::MAX);
        let line = if line < 0 {
            (last + 1).saturating_sub(from_end)
        } else {
            from_end.saturating_sub(1).min(last)
        };
        let (start, end) = (line_start(rope, Line(line)), line_end(rope, Line(line)));
        let columns = self.editor.options();
        let at = crate::document::motion::at_line_column(rope, Line(line), column, &columns);
        self.editor.select(&self.core, None, at.clamp(start, end));
    }
}

/// What is marked on the screen for a match: itself or, where it is empty, the character behind it.
fn on_screen(found: &Range<CharPos>) -> Range<CharPos> {
    found.start..found.end.max(found.start + 1)
}

/// Which of two ranges comes first.
fn in_order(one: &Range<CharPos>, other: &Range<CharPos>) -> Ordering {
    (one.start, one.end).cmp(&(other.start, other.end))
}
