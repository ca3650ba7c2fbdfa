//! Entering a session: the code, the refusals, the first sight of the text.

use super::{Model, Phase};
use crate::app::prompt::{Prompt, Question};
use crate::security::{Access, Refusal};
use crate::session::{Input, Refused, Time};
use crate::ui::view::Level;

impl Model {
    pub(super) fn join(&mut self, access: Option<Access>, now: Time) {
        let target = self.target.clone();
        self.core.handle(Input::Join { target, access }, now);
        self.hear(now);
    }

    pub(super) fn joined(&mut self, now: Time) {
        if self.phase == Phase::Editing {
            // The session was here already.
            return;
        }
        self.phase = Phase::Editing;
        self.prompt = None;
        self.take_habits();
        let Some(found) = self.found.take().filter(|found| found.exists) else {
            return;
        };
        if self.core.document().rope() == &found.text {
            self.saving.is_on_disk(&mut self.core);
        } else {
            self.saving.is_foreign_text();
            match self.existing {
                Some(existing) => self.settle_existing(existing, now),
                None => self.ask_about_existing(),
            }
        }
        if found.open_elsewhere {
            self.say_that_it_is_open_elsewhere();
        }
    }

    pub(super) fn refused(&mut self, why: Refused, now: Time) {
        let Refused::AtTheDoor { refusal, .. } = &why else {
            return self.turned_away(&why, now);
        };
        match refusal {
            Refusal::CodeNeeded => self.prompt = Some(Prompt::new(Question::Code, "")),
            Refusal::WrongCode => {
                self.say(
                    Level::Error,
                    "wrong code: that is not the code of this session",
                );
                self.prompt = Some(Prompt::new(Question::Code, ""));
            }
            Refusal::SessionIsOpen => {
                self.say(Level::Warning, refusal.to_string());
                self.prompt = Some(Prompt::new(Question::EnterOpen, ""));
            }
            _ => self.turned_away(&why, now),
        }
    }

    /// Ends the program, unless there is a session to go on with.
    fn turned_away(&mut self, why: &Refused, now: Time) {
        match (&self.phase, why) {
            (Phase::Connecting, _) => self.fail(why.to_string(), now),
            (Phase::Editing, Refused::OtherSession { .. }) => {
                self.say(Level::Warning, why.to_string());
                self.prompt = Some(Prompt::new(Question::OtherSession, ""));
            }
            (Phase::Editing, _) => self.say(Level::Warning, why.to_string()),
        }
    }
}
