//! The chat: a line to write in and a log above it, below the text; and asking the others to look.
//!
//! What is said while the log is not to be seen is told in a notice and counted in the status bar.

use super::{Model, Phase};
use crate::app::chat;
use crate::app::prompt::{Prompt, Question};
use crate::crdt::Anchor;
use crate::document::position::line_at;
use crate::session::{Input, MemberView, Time};
use crate::ui::action::{Action, Command};
use crate::ui::view::{Chat, Level, MOST_SEEN, Notice, Said};
use crate::wire::{MemberId, Presence};

/// How many messages a page goes back.
const PAGE: isize = 5;

/// The chat as this person has it.
#[derive(Default)]
pub(in crate::app) struct Talk {
    chat: chat::Chat,
    /// Whether the log is to be seen.
    open: bool,
    /// What has been written of a message, so that it is there again when the line was left.
    draft: String,
    /// How many of the newest messages are not, because the person went back.
    back: usize,
    /// How many messages of others have come while the log was not to be seen.
    unread: usize,
    /// Whether what was said before is known, so that what comes is news.
    begun: bool,
    /// Who asked last to look at something, and at what.
    asked: Option<(MemberId, Anchor)>,
}

impl Model {
    /// What was said before this start of the program is no news.
    pub(super) fn take_up_chat(&mut self) {
        self.talk.chat.follow(self.core.document().log());
        self.talk.begun = true;
    }

    /// Takes in what the others have said.
    pub(super) fn listen(&mut self) {
        if self.phase != Phase::Editing {
            return;
        }
        let me = self.core.document().me();
        let mut new = self.talk.chat.follow(self.core.document().log());
        let begun = std::mem::replace(&mut self.talk.begun, true);
        if self.talk.back > 0 {
            // What is looked at stays where it is.
            self.talk.back += new.len();
        }
        self.dirty |= !new.is_empty();
        new.retain(|message| message.author() != me);
        if self.talk.open {
            return;
        }
        self.talk.unread += new.len();
        let quiet = |notice: &Notice| notice.level == Level::Info;
        if let Some(message) = new.last().filter(|_| begun)
            && self.notice.as_ref().is_none_or(quiet)
        {
            let members = self.core.session().members();
            let (name, _) = self.who(message.author(), &members);
            self.say(Level::Info, format!("{name}: {}", message.text));
        }
    }

    /// Opens the log, and the line to write in.
    pub(super) fn open_chat(&mut self) {
        self.talk.open = true;
        self.talk.unread = 0;
        self.talk.back = 0;
        self.prompt = Some(Prompt::new(Question::Chat, &self.talk.draft));
    }

    /// Closes the log, if it is to be seen; whether it was.
    pub(super) const fn close_chat(&mut self) -> bool {
        std::mem::replace(&mut self.talk.open, false)
    }

    /// Goes on with writing a message.
    pub(super) fn write_message(&mut self, mut prompt: Prompt, action: Action, now: Time) {
        let last = self.talk.chat.messages().len().saturating_sub(1);
        let mut scroll = |by: isize| {
            self.talk.back = self.talk.back.saturating_add_signed(by).min(last);
        };
        match action {
            Action::Do(Command::Chat) => {
                self.talk.open = false;
                return;
            }
            Action::Do(Command::Newline) => {
                let text = prompt.answer();
                if !text.trim().is_empty() {
                    self.core.note(&chat::note(text.trim()));
                    self.talk.back = 0;
                }
                prompt = Prompt::new(Question::Chat, "");
            }
            Action::Do(Command::Up) => scroll(1),
            Action::Do(Command::Down) => scroll(-1),
            Action::Do(Command::PageUp) => scroll(PAGE),
            Action::Do(Command::PageDown) => scroll(-PAGE),
            Action::Do(command) if goes_on_beside(command) => {
                self.command(command, false, now);
                if self.prompt.is_some() {
                    return;
                }
            }
            action => self.edit_answer(&mut prompt, action),
        }
        self.talk.draft = prompt.answer();
        self.prompt = Some(prompt);
    }

    /// How many messages have not been seen.
    pub(in crate::app) const fn unread(&self) -> usize {
        self.talk.unread
    }

    /// The log as it is shown, if it is.
    pub(in crate::app) fn chat(&self, members: &[MemberView]) -> Option<Chat> {
        let said = |message: &chat::Message| {
            let (name, colour) = self.who(message.author(), members);
            Said {
                name,
                colour,
                ago: self.ago(message.minutes).unwrap_or_default(),
                text: message.text.clone(),
            }
        };
        let messages = self.talk.chat.messages();
        let end = messages.len() - self.talk.back.min(messages.len());
        let shown = &messages[end.saturating_sub(MOST_SEEN.into())..end];
        self.talk.open.then(|| Chat {
            said: shown.iter().map(said).collect(),
            more: self.talk.back,
        })
    }

    /// Asks the others to look at where this person's cursor is.
    pub(super) fn ask_to_look(&mut self, now: Time) {
        if self.places().next().is_none() {
            return self.say(Level::Info, "Nobody else is in the text");
        }
        self.core.handle(Input::LookHere, now);
        self.say(Level::Info, "The others are asked to look here");
    }

    /// A member asks to look at where its cursor is.
    pub(super) fn asked_to_look(&mut self, member: MemberId) {
        let document = self.core.document();
        let of_member = |(id, _, presence): (MemberId, _, &Presence)| {
            (id == member).then_some(presence.cursor).flatten()
        };
        let Some(anchor) = self.core.session().presences().find_map(of_member) else {
            return;
        };
        let Some(at) = document.position(&anchor) else {
            return;
        };
        let line = line_at(document.rope(), at).0 + 1;
        let name = self.core.session().name_of(&member);
        self.talk.asked = Some((member, anchor));
        let keymap = &self.settings.keymap;
        let key = keymap.chords(Command::Look).next();
        let how = key.map_or_else(String::new, |key| format!("; {key} goes there"));
        self.say(
            Level::Info,
            format!("{name} asks you to look at line {line}{how}"),
        );
    }

    /// Goes to where a member asked to look.
    pub(super) fn look_there(&mut self) {
        let Some((member, anchor)) = self.talk.asked else {
            return self.say(Level::Info, "Nobody has asked you to look at anything");
        };
        let at = self.core.document().position(&anchor);
        let name = self.core.session().name_of(&member);
        self.editor.go_to(&self.core, at);
        self.say(Level::Info, format!("{name} meant this place"));
    }
}

/// Whether a command is done as ever while a message is written: to save, and what notices name.
const fn goes_on_beside(command: Command) -> bool {
    matches!(
        command,
        Command::Save
            | Command::Members
            | Command::Look
            | Command::LookHere
            | Command::NextChange
            | Command::Retry
            | Command::DiscardRecovered
    )
}
