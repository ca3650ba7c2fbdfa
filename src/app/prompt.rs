//! Questions at the bottom of the screen, and the line on which they are answered.

use std::ops::Range;
use std::path::PathBuf;

use super::chat::MAX_MESSAGE;
use crate::crdt::OpId;
use crate::document::display::DisplayOptions;
use crate::document::grapheme::{next_grapheme_boundary, prev_grapheme_boundary};
use crate::document::motion::{Caret, moved, word_left, word_right};
use crate::document::{CharPos, Rope};
use crate::ui::action::{Action, Command};
use crate::ui::view;

/// The longest answer, in characters: longer than any path or code.
const MAX_ANSWER: usize = 4096;

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Question {
    /// The code of the session that is being joined.
    Code,
    /// Whether to enter a session that has no code.
    EnterOpen,
    /// Whether to save in UTF-8 what does not fit into the file's encoding.
    Utf8 {
        /// Where to.
        target: PathBuf,
    },
    /// What to do about the joiner's file, which holds another text than the session.
    Existing,
    /// What to find.
    Find,
    /// What to replace.
    Replace,
    /// What to replace it with.
    ReplaceWith,
    /// Whether to replace this match.
    ReplaceEach,
    /// What to say to the others.
    Chat,
    /// Which line to go to.
    GoToLine,
    /// Whether to join another session than the one that is kept, which is set aside then.
    OtherSession,
    /// Where to save.
    SaveAs {
        /// A file that is there already; giving its name again means replacing it.
        replaces: Option<PathBuf>,
    },
    /// Which command to do.
    Command {
        /// Which of those that fit is chosen.
        at: usize,
    },
    /// Whose edits to take back, and of how many minutes.
    TakeBack,
    /// Whether to take back these, which the screen shows.
    TakeBackNow {
        /// The edits.
        edits: Vec<Range<OpId>>,
    },
}

/// A question and the answer so far.
pub(super) struct Prompt {
    pub(super) question: Question,
    title: &'static str,
    answer: Rope,
    caret: CharPos,
    /// Whether the answer is only offered: what is typed takes its place.
    is_offered: bool,
}

impl Prompt {
    /// A question with an answer to start from.
    pub(super) fn new(question: Question, answer: &str) -> Self {
        let title = match question {
            Question::Code => "Session code:",
            Question::EnterOpen => "Enter this open session? [y/N]",
            Question::Utf8 { .. } => "Save in UTF-8 instead? [y/N]",
            Question::Existing => "Another name, replace it, or bring its lines in? [n/r/b]",
            Question::Find => "Find:",
            Question::Replace => "Replace:",
            Question::ReplaceWith => "With:",
            Question::ReplaceEach => "Replace it? y: yes, n: next, a: all, Esc: no more",
            Question::Chat => "Say:",
            Question::GoToLine => "Go to line:column:",
            Question::OtherSession => {
                "Another session than the one kept for this file is there. Join it instead? [y/N]"
            }
            Question::SaveAs { .. } => "Save as:",
            Question::Command { .. } => "Command:",
            Question::TakeBack => "Take back, of whom and of how many minutes:",
            Question::TakeBackNow { .. } => "Take this back? [y/N]",
        };
        let answer = Rope::from_str(answer);
        Self {
            question,
            title,
            caret: CharPos(answer.len_chars()),
            answer,
            is_offered: false,
        }
    }

    /// The same prompt, whose answer gives way to what is typed.
    pub(super) fn offered(self) -> Self {
        Self {
            is_offered: true,
            ..self
        }
    }

    /// The answer so far.
    pub(super) fn answer(&self) -> String {
        self.answer.to_string()
    }

    /// What a copy takes: the answer if it is selected; a cut takes it in any case. A code is not taken.
    pub(super) fn taken(&self, cut: bool) -> Option<String> {
        let shown = self.view();
        let is_taken = (cut || shown.selected) && !shown.hidden && !shown.input.is_empty();
        is_taken.then_some(shown.input)
    }

    /// Whether the answer is yes: whatever begins with a `y`, small or capital.
    pub(super) fn is_yes(&self) -> bool {
        self.answer().trim().to_lowercase().starts_with('y')
    }

    /// How it looks.
    pub(super) fn view(&self) -> view::Prompt {
        view::Prompt {
            title: self.title.to_owned(),
            input: self.answer(),
            cursor: self.caret,
            hidden: self.question == Question::Code,
            selected: self.is_offered && self.answer.len_chars() > 0,
        }
    }

    /// The most characters of an answer.
    pub(super) const fn most(&self) -> usize {
        match self.question {
            Question::Chat => MAX_MESSAGE,
            _ => MAX_ANSWER,
        }
    }

    /// Edits the answer; `false` if there is no room for what is put in.
    pub(super) fn act(&mut self, action: Action) -> bool {
        if matches!(action, Action::Mouse(..) | Action::Resize) {
            return true;
        }
        let all = CharPos(self.answer.len_chars());
        match &action {
            _ if !std::mem::take(&mut self.is_offered) => {}
            Action::Insert(_) | Action::Paste(_) => self.remove(CharPos(0), all),
            Action::Do(
                Command::Backspace
                | Command::Delete
                | Command::DeleteWordLeft
                | Command::DeleteWordRight,
            ) => {
                self.remove(CharPos(0), all);
                return true;
            }
            _ => {}
        }
        match action {
            Action::Insert(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            Action::Paste(text) if self.question == Question::Chat => {
                self.insert(&text.replace('\n', " "))
            }
            Action::Paste(text) => self.insert(text.lines().next().unwrap_or("")),
            Action::Do(command) => {
                self.command(command);
                true
            }
            Action::Mouse(..) | Action::Resize => true,
        }
    }

    fn command(&mut self, command: Command) {
        if let Some((motion, _)) = command.motion() {
            let caret = Caret::new(self.caret);
            self.caret = moved(&self.answer, caret, motion, 1, &DisplayOptions::default()).at;
            return;
        }
        match command {
            Command::Backspace => {
                self.remove(prev_grapheme_boundary(&self.answer, self.caret), self.caret);
            }
            Command::Delete => {
                self.remove(self.caret, next_grapheme_boundary(&self.answer, self.caret));
            }
            Command::DeleteWordLeft => self.remove(word_left(&self.answer, self.caret), self.caret),
            Command::DeleteWordRight => {
                self.remove(self.caret, word_right(&self.answer, self.caret));
            }
            Command::SelectAll => {
                self.is_offered = true;
                self.caret = CharPos(self.answer.len_chars());
            }
            _ => {}
        }
    }

    fn insert(&mut self, text: &str) -> bool {
        let chars = text.chars().count();
        let fits = self.answer.len_chars() + chars <= self.most();
        if fits {
            self.answer.insert(self.caret.0, text);
            self.caret = self.caret + chars;
        }
        fits
    }

    fn remove(&mut self, from: CharPos, to: CharPos) {
        self.answer.remove(from.0..to.0);
        self.caret = from;
    }
}
