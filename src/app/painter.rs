//! Colours for code, found in a thread of their own: what is asked of it, and what is made of its
//! answers, which are always a little late.
//!
//! There is one question under way at most. What has changed since it was put is kept, and its
//! answer moved along; until it comes, the answer before is. So a key never waits for colours.

use std::ops::Range;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::clock::LATER;
use crate::document::{Rope, TextChange};
use crate::session::Time;
use crate::ui::highlight::{Highlighter, Span, follow};

/// The least time between two questions: others who type do not keep a processor busy here.
const PACE: Duration = Duration::from_millis(20);

/// What is asked of the thread.
pub(super) struct Question {
    file_name: String,
    rope: Rope,
    /// What has changed since the question before; `None` if that is not known.
    changes: Option<Vec<TextChange>>,
    lines: Range<usize>,
}

/// What it answers; `None` if the file is no code.
pub(super) type Answer = Option<Vec<Span>>;

/// See the module.
#[derive(Default)]
pub(super) struct Painter {
    spans: Vec<Span>,
    /// Changes that the thread has not been told of.
    untold: Option<Vec<TextChange>>,
    /// Changes since the question that is under way.
    since: Vec<TextChange>,
    asked: Option<Range<usize>>,
    waiting: bool,
    changed: bool,
    /// When what is to be asked is asked.
    due: Option<Time>,
    /// The file is no code.
    plain: bool,
}

impl Painter {
    /// What is known now.
    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Takes in what has changed in the text; `None` if that is not known.
    pub(super) fn follow(&mut self, changes: Option<Vec<TextChange>>) {
        match changes {
            Some(changes) => {
                self.changed |= !changes.is_empty();
                for change in &changes {
                    follow(&mut self.spans, change);
                }
                self.since.extend(&changes);
                if let Some(untold) = &mut self.untold {
                    untold.extend(changes);
                }
            }
            None => {
                self.spans.clear();
                self.untold = None;
                self.changed = true;
                self.asked = None;
            }
        }
    }

    /// What is to be asked, now that this is on the screen; [a little later](LATER).
    pub(super) fn question(
        &mut self,
        shown: Range<usize>,
        rope: &Rope,
        file_name: &str,
        now: Time,
    ) -> Option<Question> {
        let known = self
            .asked
            .as_ref()
            .is_some_and(|asked| asked.start <= shown.start && shown.end <= asked.end);
        if self.plain || self.waiting || known && !self.changed {
            self.due = None;
            return None;
        }
        if now < *self.due.get_or_insert(now + LATER) {
            return None;
        }
        self.due = None;
        self.asked = Some(shown.clone());
        self.changed = false;
        self.waiting = true;
        self.since.clear();
        Some(Question {
            file_name: file_name.to_owned(),
            rope: rope.clone(),
            changes: self.untold.replace(Vec::new()),
            lines: shown,
        })
    }

    /// When there is something to be asked.
    pub(super) const fn due(&self) -> Option<Time> {
        self.due
    }

    /// Takes in an answer; whether anything looks otherwise.
    pub(super) fn answered(&mut self, answer: Answer) -> bool {
        self.waiting = false;
        let Some(mut spans) = answer else {
            let looks = !self.spans.is_empty();
            *self = Self {
                plain: true,
                ..Self::default()
            };
            return looks;
        };
        for change in &self.since {
            follow(&mut spans, change);
        }
        let looks = self.spans != spans;
        self.spans = spans;
        looks
    }
}

/// Answers questions until there are no more to come. Blocks: for a thread of its own.
pub(super) fn answer(questions: &mpsc::Receiver<Question>, mut tell: impl FnMut(Answer)) {
    let mut highlighter: Option<Highlighter> = None;
    while let Ok(question) = questions.recv() {
        let begun = Instant::now();
        let Question {
            file_name,
            rope,
            changes,
            lines,
        } = question;
        if highlighter.is_none() {
            let first = rope.line(0);
            let first = first.slice(..first.len_chars().min(200)).to_string();
            highlighter = Highlighter::new(&file_name, &first);
        }
        let Some(highlighter) = &mut highlighter else {
            return tell(None);
        };
        highlighter.change(changes.as_deref());
        tell(highlighter.spans(&rope, lines, || {
            // Schedulers let who works finish its slice, some milliseconds, before a key has its turn.
            std::thread::yield_now();
            false
        }));
        std::thread::sleep(PACE.saturating_sub(begun.elapsed()));
    }
}
