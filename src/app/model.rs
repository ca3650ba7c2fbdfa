//! Everything the screen shows, and what each event does to it: `update(model, event) → effects`.
//!
//! No IO: effects are carried out by [`super::run`].

use std::path::{Path, PathBuf};

use super::core::Core;
use super::editor::Editor;
use super::harmless_file_name;
use super::invitation::Invitation;
use super::prompt::{Prompt, Question};
use super::saving::{SaveDone, SaveJob, Saving};
use crate::document::format::Format;
use crate::security::{Access, Code, Refusal};
use crate::session::{
    Command, Event as SessionEvent, Input, MemberState, MemberView, Refused, Time,
};
use crate::storage::{IfChanged, Loaded, SaveError, TextFile, free_name};
use crate::ui::action::Action;
use crate::ui::view::{Level, Notice};
use crate::wire::MemberId;

/// What happens to the model.
pub(super) enum Event {
    /// The person asks for something.
    Action(Action),
    /// Something for the session.
    Session(Input),
    /// A file has been written, or not.
    Saved(Box<SaveDone>),
    /// The system asks the program to end.
    Terminate,
}

/// What the model wants done.
pub(super) enum Effect {
    /// Something for the network.
    Net(Command),
    /// Write the file; answered by [`Event::Saved`].
    Save(Box<SaveJob>),
    /// End the program, in good order or because of this.
    Exit(Result<(), String>),
}

/// Where the program is on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Joining; nothing of the document is to be seen yet.
    Connecting,
    /// At work.
    Editing,
}

/// See the module.
pub(super) struct Model {
    pub(super) core: Core,
    pub(super) editor: Editor,
    pub(super) saving: Saving,
    pub(super) phase: Phase,
    pub(super) prompt: Option<Prompt>,
    pub(super) notice: Option<Notice>,
    pub(super) panel: bool,
    pub(super) invitation: Invitation,
    /// Other members in the order in which they came, for their colours.
    pub(super) colours: Vec<MemberId>,
    /// The file name to show and to offer, and what the file is besides its text.
    pub(super) file_name: String,
    format: Format,
    /// What a joiner found in the file that it named.
    found: Option<Loaded>,
    /// The address that is being joined, and whether a code was given for it at the start.
    target: String,
    /// Whether the next Ctrl-Q leaves whatever is unsaved.
    leave_unsaved: bool,
    leave_when_saved: bool,
    /// Whether saving was asked for while the file was being written.
    save_again: bool,
    /// The current folder.
    folder: PathBuf,
    effects: Vec<Effect>,
    /// Whether the screen may have to change.
    dirty: bool,
    /// What the status bar said of the others last.
    shown: Vec<MemberView>,
}

impl Model {
    /// A session that begins here, with its text loaded.
    pub(super) fn founder(
        core: Core,
        mut saving: Saving,
        format: Format,
        invitation: Invitation,
        folder: PathBuf,
    ) -> Self {
        saving.is_on_disk(core.document());
        Self {
            phase: Phase::Editing,
            format,
            ..Self::new(core, saving, invitation, folder)
        }
    }

    /// A member who joins the session at `target`. `file` is the file it named, and what is in it.
    pub(super) fn joiner(
        core: Core,
        file: Option<(TextFile, Loaded)>,
        target: String,
        invitation: Invitation,
        folder: PathBuf,
    ) -> Self {
        let (file, found) = file.unzip();
        Self {
            found,
            target,
            ..Self::new(core, Saving::new(file), invitation, folder)
        }
    }

    fn new(core: Core, saving: Saving, invitation: Invitation, folder: PathBuf) -> Self {
        Self {
            file_name: saving.path().map_or_else(String::new, name_of),
            core,
            editor: Editor::default(),
            saving,
            phase: Phase::Connecting,
            prompt: None,
            notice: None,
            panel: false,
            invitation,
            colours: Vec::new(),
            format: Format::default(),
            found: None,
            target: String::new(),
            leave_unsaved: false,
            leave_when_saved: false,
            save_again: false,
            folder,
            effects: Vec::new(),
            dirty: true,
            shown: Vec::new(),
        }
    }

    /// Takes in one event.
    pub(super) fn update(&mut self, event: Event, now: Time) {
        // What the session hears may change nothing to be seen: a sign of life, or heads.
        self.dirty |= !matches!(event, Event::Session(_));
        match event {
            Event::Action(action) => self.act(action, now),
            Event::Session(input) => {
                self.core.handle(input, now);
                self.hear(now);
            }
            Event::Saved(done) => self.saved(*done, now),
            Event::Terminate => self.leave(now),
        }
    }

    /// Ends a turn of the event loop: what was edited goes out; what is to be done comes back.
    pub(super) fn finish_turn(&mut self, now: Time, minutes: u32) -> Vec<Effect> {
        let presence = (self.phase == Phase::Editing).then(|| self.editor.presence(&self.core));
        self.core.flush(presence, now, minutes);
        self.hear(now);
        while let Some(command) = self.core.next_command() {
            // Before whatever ends the program.
            let last = self.effects.len() - usize::from(self.is_leaving());
            self.effects.insert(last, Effect::Net(command));
        }
        std::mem::take(&mut self.effects)
    }

    /// Whether the program is about to end.
    pub(super) fn is_leaving(&self) -> bool {
        matches!(self.effects.last(), Some(Effect::Exit(_)))
    }

    /// The file that was loaded cannot be saved.
    pub(super) fn say_that_it_is_open_elsewhere(&mut self) {
        let text = format!(
            "{} is open in another member on this machine; save it under another name",
            self.file_name
        );
        self.warn(&text);
    }

    /// Tells a host how others join, unless there is something else to say.
    pub(super) fn say_how_to_join(&mut self) {
        let sentence = self.invitation.sentence(self.core.session().access());
        let wanted = self.invitation.always && self.notice.is_none();
        if let Some(sentence) = sentence.filter(|_| wanted) {
            self.say(Level::Info, sentence);
        }
    }

    /// Tells the person something beside what there is to say already.
    pub(super) fn warn(&mut self, text: &str) {
        let said = self.notice.take().map(|notice| notice.text + ". ");
        self.say(Level::Warning, said.unwrap_or_default() + text);
    }

    /// Whether the screen may have to change since this was last asked.
    pub(super) fn take_dirty(&mut self) -> bool {
        let mut members = self.core.session().members();
        if !self.panel {
            members.iter_mut().for_each(|member| member.delay = None);
        }
        let joining = self.phase == Phase::Connecting;
        let dirty = self.dirty || joining || self.core.take_changed() || members != self.shown;
        self.shown = members;
        self.dirty = false;
        dirty
    }

    /// Tells the person something, until the next key.
    pub(super) fn say(&mut self, level: Level, text: impl Into<String>) {
        self.notice = Some(Notice {
            level,
            text: text.into(),
        });
    }

    fn act(&mut self, action: Action, now: Time) {
        if action == Action::Resize {
            return self.editor.act(action, &mut self.core, now);
        }
        self.notice = None;
        let leave_unsaved = std::mem::take(&mut self.leave_unsaved);
        if self.prompt.is_some() && action != Action::Quit {
            return self.answer(action, now);
        }
        if self.phase == Phase::Connecting {
            if matches!(action, Action::Quit | Action::Escape | Action::Interrupt) {
                self.leave(now);
            }
            return;
        }
        match action {
            Action::Save => self.save(),
            Action::Quit => self.quit(leave_unsaved, now),
            Action::Interrupt if self.editor.has_selection(&self.core) => {
                self.editor.act(Action::Copy, &mut self.core, now);
            }
            Action::Interrupt => self.say(
                Level::Info,
                "Ctrl-Q quits, Ctrl-S saves, F2 shows the members",
            ),
            Action::Members => self.panel = !self.panel,
            Action::Escape if self.panel => self.panel = false,
            action => self.editor.act(action, &mut self.core, now),
        }
    }

    /// Does what an answer asks for, or edits it.
    fn answer(&mut self, action: Action, now: Time) {
        let Some(mut prompt) = self.prompt.take() else {
            return;
        };
        let at_the_door = self.phase == Phase::Connecting;
        match action {
            Action::Escape | Action::Interrupt if at_the_door => self.leave(now),
            Action::Escape | Action::Interrupt => self.leave_when_saved = false,
            Action::Newline => match prompt.question.clone() {
                Question::Code => match Code::new(&prompt.answer()) {
                    Ok(code) => self.join(Some(Access::Code(code)), now),
                    Err(why) => {
                        self.say(Level::Error, format!("wrong code: {why}"));
                        self.prompt = Some(Prompt::new(Question::Code, ""));
                    }
                },
                Question::EnterOpen => {
                    if prompt.answer().trim().to_lowercase().starts_with('y') {
                        self.join(Some(Access::Open), now);
                    } else {
                        self.leave(now);
                    }
                }
                Question::SaveAs { replaces } => self.save_as(prompt.answer().trim(), replaces),
            },
            action => {
                prompt.act(action);
                self.prompt = Some(prompt);
            }
        }
    }

    fn join(&mut self, access: Option<Access>, now: Time) {
        let target = self.target.clone();
        self.core.handle(Input::Join { target, access }, now);
        self.hear(now);
    }

    /// Takes in what the session has to say.
    fn hear(&mut self, now: Time) {
        while let Some(event) = self.core.next_event() {
            self.dirty = true;
            match event {
                SessionEvent::Welcomed { properties, .. } => {
                    match Format::from_bytes(&properties.format) {
                        Ok(format) => self.format = format,
                        Err(why) => self.fail(why.to_string(), now),
                    }
                    if self.file_name.is_empty() {
                        self.file_name = harmless_file_name(&properties.file_name);
                    }
                }
                SessionEvent::Joined => self.joined(),
                SessionEvent::Refused(why) => self.refused(why, now),
                SessionEvent::MemberChanged {
                    member,
                    name,
                    state,
                } => {
                    if !self.colours.contains(&member) {
                        self.colours.push(member);
                    }
                    // A newcomer meets everybody; while it does, only who is lost is news.
                    if self.phase == Phase::Editing || state == MemberState::Away {
                        self.say(
                            Level::Info,
                            match state {
                                MemberState::Connected => format!("{name} is here"),
                                MemberState::Away => {
                                    format!("{name} is away; trying to reach them again")
                                }
                                MemberState::Left => format!("{name} has left"),
                            },
                        );
                    }
                }
                SessionEvent::PresenceChanged { .. } => {}
                SessionEvent::Notice(text) => self.say(Level::Warning, text),
                SessionEvent::Warning(text) => tracing::warn!("{text}"),
            }
        }
    }

    fn joined(&mut self) {
        self.phase = Phase::Editing;
        self.prompt = None;
        let Some(found) = self.found.take().filter(|found| found.exists) else {
            return;
        };
        if found.format == self.format && self.core.document().rope() == &found.text {
            self.saving.is_on_disk(self.core.document());
        } else {
            self.saving.foreign = true;
            let text = format!(
                "{} is another text than the session's; it is kept until you save",
                self.file_name
            );
            self.say(Level::Warning, text);
        }
    }

    fn refused(&mut self, why: Refused, now: Time) {
        let Refused::AtTheDoor { refusal, .. } = &why else {
            return self.fail(why.to_string(), now);
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
            _ => self.fail(why.to_string(), now),
        }
    }

    fn fail(&mut self, why: String, now: Time) {
        self.core.handle(Input::Leave, now);
        self.effects.push(Effect::Exit(Err(why)));
    }

    fn leave(&mut self, now: Time) {
        self.core.handle(Input::Leave, now);
        self.effects.push(Effect::Exit(Ok(())));
    }

    fn quit(&mut self, leave_unsaved: bool, now: Time) {
        if self.saving.is_busy() {
            self.leave_when_saved = true;
        } else if leave_unsaved || !self.saving.is_unsaved(self.core.document()) {
            self.leave(now);
        } else {
            self.prompt = None;
            self.leave_unsaved = true;
            self.say(
                Level::Warning,
                "Unsaved text: Ctrl-S saves it, Ctrl-Q again leaves without saving",
            );
        }
    }

    fn save(&mut self) {
        if self.saving.is_busy() {
            self.save_again = true;
            return;
        }
        match self.saving.path().map(Path::to_path_buf) {
            None => {
                let name = self.file_name.clone();
                self.ask_for_name(&name, None);
            }
            Some(path) if self.saving.foreign => {
                let text = format!(
                    "{path:?} holds another text; give it another name, or the same one to replace it"
                );
                self.say(Level::Warning, text);
                self.ask_for_name(&self.shown(&free_name(&path)), Some(path));
            }
            Some(_) => self.start_saving(None, IfChanged::Refuse),
        }
    }

    fn start_saving(&mut self, to: Option<PathBuf>, if_changed: IfChanged) {
        if let Some(job) = self
            .saving
            .start(self.core.document(), self.format, to, if_changed)
        {
            self.effects.push(Effect::Save(Box::new(job)));
        }
    }

    /// A path as a person would type it: relative where it is below the current folder.
    fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.folder).unwrap_or(path);
        below.to_string_lossy().into_owned()
    }

    fn ask_for_name(&mut self, name: &str, replaces: Option<PathBuf>) {
        self.prompt = Some(Prompt::new(Question::SaveAs { replaces }, name));
    }

    fn save_as(&mut self, name: &str, replaces: Option<PathBuf>) {
        if name.is_empty() {
            return;
        }
        let file = match TextFile::new(Path::new(name)) {
            Ok(file) => file,
            Err(why) => return self.say(Level::Error, why.to_string()),
        };
        let path = file.path().to_path_buf();
        let if_changed = if replaces.as_ref() == Some(&path) {
            IfChanged::Overwrite
        } else {
            IfChanged::Refuse
        };
        if self.saving.has_file() {
            let same = self.saving.path() == Some(&path);
            self.start_saving((!same).then_some(path), if_changed);
        } else {
            self.saving.name(file);
            self.start_saving(None, if_changed);
        }
    }

    fn saved(&mut self, done: SaveDone, now: Time) {
        let leave = std::mem::take(&mut self.leave_when_saved);
        let again = std::mem::take(&mut self.save_again);
        let target = done.target.clone();
        match self.saving.finish(done) {
            Ok(saved) => {
                self.file_name = name_of(&saved.path);
                self.say(
                    Level::Info,
                    format!("Saved {:?}: {} characters", saved.path, saved.chars),
                );
                if again && self.saving.is_unsaved(self.core.document()) {
                    self.leave_when_saved = leave;
                    self.save();
                } else if leave {
                    self.quit(false, now);
                }
            }
            Err(why) => {
                let mut text = why.to_string();
                match why {
                    SaveError::ChangedOnDisk { path } | SaveError::Exists { path } => {
                        text += " (its own name again overwrites it)";
                        self.ask_for_name(&self.shown(&free_name(&path)), Some(path));
                    }
                    SaveError::OpenElsewhere { path } | SaveError::ReadOnly { path, .. } => {
                        self.ask_for_name(&self.shown(&free_name(&path)), None);
                    }
                    // Asked for anew, since there is no other way to another name.
                    SaveError::Path(_) | SaveError::Failed { .. } => {
                        self.ask_for_name(&self.shown(&target), None);
                    }
                    SaveError::Torn { .. } => {}
                }
                self.say(Level::Error, text);
            }
        }
    }
}

/// The last part of a path.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests;
