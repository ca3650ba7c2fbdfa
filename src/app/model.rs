//! Everything the screen shows, and what each event does to it: `update(model, event) → effects`.
//!
//! No IO: effects are carried out by [`super::run`].

mod answer;
mod choosing;
mod configure;
mod copying;
mod door;
mod files;
mod find;
mod others;
mod talking;
mod together;

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::clipboard::Way;
use super::config::{Existing, Keymap, Settings};
use super::core::Core;
use super::delivery::{Delivery, Gauge};
use super::editor::Editor;
use super::finding::{FindJob, Found};
use super::harmless_file_name;
use super::invitation::Invitation;
use super::keeper::News;
use super::kept::Continued;
use super::looks::Looks;
use super::names::Names;
use super::painter::{Answer, Painter};
use super::partition::Partitions;
use super::prompt::{Prompt, Question};
use super::saving::{FileDone, FileJob, Saving};
use crate::crdt::OpId;
use crate::document::format::Format;
use crate::session::{Command as NetCommand, Event as SessionEvent, Input, MemberView, Time};
use crate::storage::{Loaded, Rules, Stir, TextFile};
use crate::ui::action::{Action, Command, Mouse};
use crate::ui::theme::{Ground, Theme};
use crate::ui::view::{Level, Notice};
use crate::wire::MemberId;

/// What happens to the model.
pub(super) enum Event {
    /// The person asks for something.
    Action(Action),
    /// Something for the session.
    Session(Input),
    /// The file has been written or read, or not.
    File(Box<FileDone>),
    /// Something has stirred where the file is.
    Stirred(Stir),
    /// The text has been looked through.
    Found(Box<Found>),
    /// A copy has gone out, this way.
    Copied(Way),
    /// What the desktop's clipboard holds, if anything.
    Pasted(Option<String>),
    /// What is known of the text as code.
    Painted(Answer),
    /// The terminal's background is this.
    Ground(Ground),
    /// Members are accepted at these addresses now, or not because of this.
    Listening(Result<Vec<SocketAddr>, String>),
    /// The journal's writer has something to say.
    Kept(News),
    /// The system asks the program to end.
    Terminate,
}

/// What the model wants done.
pub(super) enum Effect {
    /// Something for the network.
    Net(NetCommand),
    /// Write or read the file; answered by [`Event::File`].
    File(Box<FileJob>),
    /// Remember how the text is shown.
    Remember(Looks),
    /// Look through the text; answered by [`Event::Found`].
    Find(Box<FindJob>),
    /// Hand this to the clipboard; answered by [`Event::Copied`].
    Copy(String),
    /// Look into the clipboard; answered by [`Event::Pasted`].
    Paste,
    /// Stop the program until somebody lets it go on.
    Suspend,
    /// Accept members; answered by [`Event::Listening`].
    Listen,
    /// Accept no more members.
    StopListening,
    /// The session is kept for this file from now on.
    KeepFor(PathBuf),
    /// Set aside the session that was kept, and start again.
    StartAfresh,
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
    /// How far the members are scrolled, while they are open.
    pub(super) panel: Option<usize>,
    /// How far what is open was to be scrolled at most, when it was drawn last.
    pub(super) scroll_end: usize,
    pub(super) looks: Looks,
    pub(super) theme: Theme,
    pub(super) painter: Painter,
    /// The lines that were on the screen last.
    pub(super) shown_lines: Range<usize>,
    /// How far the help is scrolled, while it is open.
    help: Option<usize>,
    /// Whether the panel has a QR code.
    pub(super) qr: bool,
    /// Whether it is to be seen who wrote what.
    pub(super) authors: bool,
    /// Who is followed on the screen. The own cursor stays where it is, so that two who follow each other do
    /// not chase each other.
    following: Option<MemberId>,
    /// To whom the person went last.
    went: Option<MemberId>,
    /// The wall clock as of the last turn, in whole minutes since 1970.
    pub(super) minutes: u32,
    pub(super) invitation: Invitation,
    /// Other members in the order in which they came, for their colours.
    pub(super) colours: Vec<MemberId>,
    /// The file name to show and to offer, and what the file is besides its text.
    pub(super) file_name: String,
    format: Format,
    /// What a joiner found in the file that it named, and what is to be done about it.
    found: Option<Loaded>,
    existing: Option<Existing>,
    /// The address that is being joined, and whether a code was given for it at the start.
    target: String,
    /// Edits of an earlier run that were not saved then, and can be taken back.
    recovered: Vec<Range<OpId>>,
    /// Whether the next Ctrl-Q leaves whatever is unsaved.
    leave_unsaved: bool,
    /// Whether nobody would miss what is unsaved.
    drop_unsaved: bool,
    leave_when_saved: bool,
    /// Whether saving was asked for while the file was being written.
    save_again: bool,
    /// The current folder.
    folder: PathBuf,
    settings: Settings,
    search: find::Search,
    /// What was copied last, and what is said of it.
    copied: (String, String),
    /// What is written down about the file's form.
    rules: Rules,
    effects: Vec<Effect>,
    /// Whether the screen may have to change.
    dirty: bool,
    /// Whether the last turn had edits.
    typed: bool,
    /// What the status bar said of the others last.
    shown: (Vec<MemberView>, Option<u8>),
    gauge: Gauge,
    partitions: Partitions,
    talk: talking::Talk,
    pasting: Option<copying::Pasting>,
    names: Names,
    /// What the gauge says now.
    pub(super) delivery: Delivery,
}

impl Model {
    /// A session that begins here, with its text loaded.
    pub(super) fn founder(
        mut core: Core,
        mut saving: Saving,
        format: Format,
        invitation: Invitation,
        folder: PathBuf,
    ) -> Self {
        saving.is_on_disk(&mut core);
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
        existing: Option<Existing>,
        target: String,
        invitation: Invitation,
        folder: PathBuf,
    ) -> Self {
        let (file, found) = file.unzip();
        Self {
            found,
            existing,
            target,
            ..Self::new(core, Saving::new(file), invitation, folder)
        }
    }

    /// A member whose session was kept; `target` is the address that it is to meet others at.
    pub(super) fn continued(
        mut core: Core,
        file: Option<TextFile>,
        continued: Continued,
        target: Option<String>,
        invitation: Invitation,
        folder: PathBuf,
        keymap: &Keymap,
    ) -> Self {
        let sentence = continued.sentence(&keymap.how(Command::DiscardRecovered));
        let Continued {
            format,
            file_name,
            on_disk,
            unsaved,
            open_elsewhere,
            ..
        } = continued;
        let mut saving = Saving::new(file);
        let merged = saving.take_up(&mut core, on_disk, Time(0));
        let mut model = Self {
            phase: Phase::Editing,
            format,
            recovered: unsaved,
            target: target.unwrap_or_default(),
            ..Self::new(core, saving, invitation, folder)
        };
        model.take_up_chat();
        if model.file_name.is_empty() && !file_name.is_empty() {
            model.file_name = harmless_file_name(&file_name);
        }
        if let Some(sentence) = sentence {
            // To be read before it scrolls away under who comes and goes.
            model.say(Level::Warning, sentence);
        }
        let name = &model.file_name;
        let text = match merged {
            Some(0) => None,
            Some(_) => Some(format!("What was changed in {name} meanwhile is merged")),
            None => Some(format!(
                "{name} holds another text; it is kept until you save"
            )),
        };
        if let Some(text) = text {
            model.warn(&text);
        }
        if open_elsewhere {
            model.say_that_it_is_open_elsewhere();
        }
        model
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
            panel: None,
            scroll_end: 0,
            looks: Looks::default(),
            theme: Theme::default(),
            painter: Painter::default(),
            shown_lines: 0..0,
            help: None,
            qr: false,
            authors: false,
            following: None,
            went: None,
            minutes: 0,
            invitation,
            colours: Vec::new(),
            format: Format::default(),
            found: None,
            existing: None,
            target: String::new(),
            recovered: Vec::new(),
            leave_unsaved: false,
            drop_unsaved: false,
            leave_when_saved: false,
            save_again: false,
            folder,
            settings: Settings::default(),
            search: find::Search::default(),
            copied: Default::default(),
            rules: Rules::default(),
            effects: Vec::new(),
            dirty: true,
            typed: false,
            shown: (Vec::new(), None),
            gauge: Gauge::default(),
            partitions: Partitions::default(),
            talk: talking::Talk::default(),
            pasting: None,
            names: Names::default(),
            delivery: Delivery::default(),
        }
    }

    /// Takes in one event.
    pub(super) fn update(&mut self, event: Event, now: Time) {
        // What the session hears may change nothing to be seen: a sign of life, or heads.
        self.dirty |= !matches!(
            event,
            Event::Session(_) | Event::Stirred(_) | Event::Kept(_) | Event::Painted(_)
        );
        match event {
            Event::Action(action) => self.take_turn(action, now),
            Event::Session(input) => {
                self.core.handle(input, now);
                self.hear(now);
            }
            Event::File(done) => match *done {
                FileDone::Saved(done) => self.saved(done, now),
                FileDone::Looked(done) => self.looked(done, now),
            },
            Event::Stirred(stir) => self.saving.stirred(stir, now),
            Event::Found(found) => self.found(*found, now),
            Event::Copied(way) => self.copied(way),
            Event::Pasted(text) => self.pasted(Ok(text), now),
            Event::Painted(answer) => self.dirty |= self.painter.answered(answer),
            Event::Ground(ground) => self.theme = self.theme.on(ground),
            Event::Listening(addrs) => self.listening(addrs, now),
            Event::Kept(news) => {
                self.core.kept(news);
                self.hear(now);
            }
            Event::Terminate => self.leave(now),
        }
    }

    /// Ends a turn of the event loop: what was edited goes out; what is to be done comes back.
    pub(super) fn finish_turn(&mut self, now: Time, minutes: u32) -> Vec<Effect> {
        self.minutes = minutes;
        let presence = (self.phase == Phase::Editing).then(|| self.editor.presence(&self.core));
        self.typed = self.core.flush(presence, now, minutes);
        self.hear(now);
        self.paste_overdue(now);
        self.listen();
        self.keep_searched();
        self.saving.announce(&mut self.core, now);
        if let Some(job) = self.look(now) {
            self.effects.push(Effect::File(Box::new(job)));
        }
        while let Some(command) = self.core.next_command() {
            // Before whatever ends the program.
            let last = self.effects.len() - usize::from(self.is_leaving());
            self.effects.insert(last, Effect::Net(command));
        }
        std::mem::take(&mut self.effects)
    }

    /// Whether the turn that has just ended had edits for the others.
    pub(super) const fn has_typed(&self) -> bool {
        self.typed
    }

    /// Whether the program is about to end.
    pub(super) fn is_leaving(&self) -> bool {
        matches!(
            self.effects.last(),
            Some(Effect::Exit(_) | Effect::StartAfresh)
        )
    }

    /// Whether the session is to be kept when the program ends now.
    pub(super) fn is_worth_keeping(&self) -> bool {
        let unsaved = !self.drop_unsaved && self.saving.is_unsaved(self.core.document());
        self.core.is_worth_keeping(unsaved)
    }

    /// Tells a host how others join, unless there is something else to say.
    pub(super) fn say_how_to_join(&mut self) {
        let access = self.core.session().access();
        let members = self.how(Command::Members);
        let sentence = self.invitation.sentence(access, &members);
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
    pub(super) fn take_dirty(&mut self, now: Time) -> bool {
        let mut members = self.core.session().members();
        let delivery = self.measure(&members, now);
        self.report_back(&members);
        self.dirty |= delivery != self.delivery;
        self.dirty |= self.names.take_away(now);
        self.delivery = delivery;
        if self.panel.is_none() {
            // What the gauge has made words of, and what only the panel shows.
            for member in &mut members {
                member.delay = None;
                member.acked.clear();
                member.undelivered = 0;
                member.addr = None;
            }
        }
        let joining = self.phase == Phase::Connecting;
        let shown = (members, self.progress());
        let dirty = self.dirty || joining || self.core.take_changed() || shown != self.shown;
        self.shown = shown;
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

    /// How a sentence calls what asks for a command, by the keys as they are bound.
    pub(super) fn how(&self, command: Command) -> String {
        self.settings.keymap.how(command)
    }

    fn act(&mut self, action: Action, now: Time) {
        if action == Action::Resize {
            return self.editor.act(action, &mut self.core, now);
        }
        if !matches!(
            action,
            Action::Mouse(Mouse::Drag | Mouse::Release | Mouse::Wheel(_), _)
        ) {
            self.notice = None;
        }
        if action != Action::Do(Command::Follow) {
            self.following = None;
        }
        if self.scroll_help(&action)
            || self.scroll_panel(&action)
            || self.press_closes_panel(&action)
        {
            return;
        }
        let leave_unsaved = std::mem::take(&mut self.leave_unsaved);
        if self.prompt.is_some() && action != Action::Do(Command::Quit) {
            return self.answer(action, now);
        }
        if self.phase == Phase::Connecting {
            if matches!(
                action,
                Action::Do(Command::Quit | Command::Escape | Command::Interrupt)
            ) {
                self.leave(now);
            }
            return;
        }
        match action {
            Action::Do(command) => self.command(command, leave_unsaved, now),
            action => self.editor.act(action, &mut self.core, now),
        }
    }

    fn command(&mut self, command: Command, leave_unsaved: bool, now: Time) {
        match command {
            Command::Save => {
                self.tidy(now);
                self.save(now);
            }
            Command::DiscardRecovered => self.discard(now),
            Command::Quit => self.quit(leave_unsaved, now),
            Command::Interrupt if self.editor.has_selection(&self.core) => {
                self.command(Command::Copy, false, now);
            }
            Command::Interrupt => {
                let [quit, save, members] = [Command::Quit, Command::Save, Command::Members]
                    .map(|command| self.how(command));
                let text = format!("{quit} quits, {save} saves, {members} shows the members");
                self.say(Level::Info, text);
            }
            Command::NewCode => {
                self.core.handle(Input::NewCode, now);
                self.hear(now);
            }
            Command::Retry => self.retry(now),
            Command::NextChange => self.next_change(),
            Command::Find => self.find(Question::Find, now),
            Command::Replace => self.find(Question::Replace, now),
            Command::FindNext => self.find_again(false, now),
            Command::FindPrevious => self.find_again(true, now),
            Command::GoToLine => self.prompt = Some(Prompt::new(Question::GoToLine, "")),
            Command::Copy | Command::Cut => self.copy(command == Command::Cut, now),
            Command::Paste => self.fetch_paste(now),
            Command::Suspend => self.effects.push(Effect::Suspend),
            Command::Undo | Command::Redo => {
                self.editor.act(command.into(), &mut self.core, now);
                self.may_be_on_disk(now);
            }
            Command::Members => self.panel = self.panel.xor(Some(0)),
            Command::Escape if self.panel.is_some() => self.panel = None,
            Command::Escape if self.close_chat() => {}
            command if self.open_list(command) || self.together(command, now) => {}
            command => match self.looks.switch(command) {
                Some(said) => {
                    self.say(Level::Info, said);
                    self.effects.push(Effect::Remember(self.looks));
                }
                None => self.editor.act(command.into(), &mut self.core, now),
            },
        }
    }

    /// Takes back what was recovered at the start.
    fn discard(&mut self, now: Time) {
        let ops = std::mem::take(&mut self.recovered);
        self.core.commit(now);
        match self.core.take_back(&ops) {
            Some(_) => {
                let undo = self.how(Command::Undo);
                let text = format!("Taken back what was recovered; {undo} brings it again");
                self.say(Level::Info, text);
            }
            None => self.say(
                Level::Info,
                "Nothing was recovered that could be taken back",
            ),
        }
    }

    /// Takes in what the session has to say.
    fn hear(&mut self, now: Time) {
        while let Some(divergence) = self.core.next_divergence() {
            self.alarm(divergence);
        }
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
                SessionEvent::Joined => self.joined(now),
                SessionEvent::Refused(why) => self.refused(why, now),
                SessionEvent::MemberChanged {
                    member,
                    name,
                    state,
                } => self.member_changed(member, &name, state),
                SessionEvent::PresenceChanged { member } => self.moved(member, now),
                SessionEvent::MemberSaved { .. } => {}
                SessionEvent::AskedToLook { member } => self.asked_to_look(member),
                SessionEvent::AccessChanged { by } => {
                    let who = by.unwrap_or_else(|| "you".to_owned());
                    let members = self.how(Command::Members);
                    let text = format!("A new session code, made by {who}; {members} shows it");
                    self.say(Level::Info, text);
                }
                SessionEvent::Notice(text) => self.say(Level::Warning, text),
                SessionEvent::Warning(_) => {}
            }
        }
    }

    fn fail(&mut self, why: String, now: Time) {
        self.core.handle(Input::Leave, now);
        self.effects.push(Effect::Exit(Err(why)));
    }

    fn start_afresh(&mut self, now: Time) {
        self.core.handle(Input::Leave, now);
        self.effects.push(Effect::StartAfresh);
    }

    fn leave(&mut self, now: Time) {
        self.core.handle(Input::Leave, now);
        self.effects.push(Effect::Exit(Ok(())));
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
