//! What the answer to a question does.

use super::{Model, Phase};
use crate::app::prompt::{Prompt, Question};
use crate::security::{Access, Code, CodeError};
use crate::session::Time;
use crate::ui::action::{Action, Command};
use crate::ui::view::Level;

impl Model {
    /// Does what an answer asks for, or edits it.
    pub(super) fn answer(&mut self, action: Action, now: Time) {
        if action == Action::Do(Command::Paste) {
            return self.fetch_paste(now);
        }
        if let Action::Do(command @ (Command::Copy | Command::Cut)) = action {
            return self.copy_answer(command == Command::Cut, now);
        }
        let Some(mut prompt) = self.prompt.take() else {
            return;
        };
        let handled = match prompt.question {
            Question::Find | Question::Replace => self.find_key(&action, now),
            Question::ReplaceEach => {
                self.prompt = Some(Prompt::new(Question::ReplaceEach, ""));
                let handled = self.replace_key(&action, now);
                if handled {
                    return;
                }
                self.prompt = None;
                false
            }
            _ => false,
        };
        if handled {
            self.prompt = Some(prompt);
            return;
        }
        let at_the_door = self.phase == Phase::Connecting;
        let leaves = matches!(action, Action::Do(Command::Escape | Command::Interrupt));
        if let Question::Command { at } = prompt.question
            && !leaves
        {
            return self.choose(prompt, at, action, now);
        }
        if prompt.question == Question::Chat && !leaves {
            return self.write_message(prompt, action, now);
        }
        match action {
            Action::Do(Command::Escape | Command::Interrupt) if at_the_door => self.leave(now),
            Action::Do(Command::Escape | Command::Interrupt) => {
                self.leave_when_saved = false;
                if matches!(prompt.question, Question::Find | Question::Replace) {
                    self.back_to_origin();
                }
            }
            Action::Do(Command::Newline) => match prompt.question.clone() {
                Question::Code => match typed_code(&prompt.answer()) {
                    Ok(code) => self.join(Some(Access::Code(code)), now),
                    Err(why) => {
                        self.say(Level::Error, format!("wrong code: {why}"));
                        self.prompt = Some(Prompt::new(Question::Code, ""));
                    }
                },
                Question::EnterOpen => {
                    if prompt.is_yes() {
                        self.join(Some(Access::Open), now);
                    } else {
                        self.leave(now);
                    }
                }
                Question::Utf8 { target } => {
                    if prompt.is_yes() {
                        self.save_in_utf8(&target, now);
                    }
                }
                Question::Existing => self.answer_about_existing(&prompt.answer(), now),
                Question::Command { .. } | Question::Chat => {}
                Question::TakeBack => self.preview_take_back(&prompt.answer()),
                Question::TakeBackNow { edits } => {
                    if prompt.is_yes() {
                        self.take_back(&edits);
                    }
                }
                Question::Find | Question::ReplaceEach => {}
                Question::Replace if prompt.answer().is_empty() => {}
                Question::Replace => self.ask_with(prompt, now),
                Question::ReplaceWith => self.replace_with(prompt, now),
                Question::GoToLine => self.go_to_line(&prompt.answer()),
                Question::SaveAs { replaces } => {
                    self.save_as(prompt.answer().trim(), replaces, now);
                }
                Question::OtherSession => {
                    if prompt.is_yes() {
                        self.start_afresh(now);
                    }
                }
            },
            action => {
                let before = prompt.answer();
                self.edit_answer(&mut prompt, action);
                let answer = prompt.answer();
                let finds = matches!(prompt.question, Question::Find | Question::Replace);
                self.prompt = Some(prompt);
                if finds && answer != before {
                    self.look_for(answer, now);
                }
            }
        }
    }

    /// Edits an answer, or says why not.
    pub(super) fn edit_answer(&mut self, prompt: &mut Prompt, action: Action) {
        if !prompt.act(action) {
            let text = format!("That is too long: at most {} characters", prompt.most());
            self.say(Level::Warning, text);
        }
    }
}

/// A code as a person types it. Blanks are as good as hyphens at the door, and where it is shown again hyphens are
/// what others were told.
fn typed_code(answer: &str) -> Result<Code, CodeError> {
    Code::new(&answer.trim().replace(' ', "-"))
}
