//! What the model does about files: saving, under other names too, and leaving unsaved text.

use std::path::{Path, PathBuf};

use super::{Effect, Model, name_of};
use crate::app::config::Existing;
use crate::app::prompt::{Prompt, Question};
use crate::app::saving::{FileJob, LookDone, News, SaveDone, SaveEnd};
use crate::document::format::Encoding;
use crate::session::Time;
use crate::storage::paths::typed_path;
use crate::storage::{IfChanged, SaveError, TextFile, free_name};
use crate::ui::action::Command;
use crate::ui::view::Level;

impl Model {
    /// The file that was loaded cannot be saved.
    pub(in crate::app) fn say_that_it_is_open_elsewhere(&mut self) {
        let text = format!(
            "{} is open in another member on this machine; save it under another name",
            self.file_name
        );
        self.warn(&text);
    }

    pub(super) fn quit(&mut self, leave_unsaved: bool, now: Time) {
        if self.saving.is_busy() {
            self.leave_when_saved = true;
        } else if leave_unsaved || !self.saving.is_unsaved(self.core.document()) {
            self.drop_unsaved = true;
            self.leave(now);
        } else {
            self.prompt = None;
            self.leave_unsaved = true;
            let [save, quit] = [Command::Save, Command::Quit].map(|command| self.how(command));
            let leaves = if self.core.is_worth_keeping(false) {
                "leaves it in the session only"
            } else {
                "leaves without saving"
            };
            let text = format!("Unsaved text: {save} saves it, {quit} again {leaves}");
            self.say(Level::Warning, text);
        }
    }

    pub(super) fn save(&mut self, now: Time) {
        if self.saving.is_busy() {
            self.save_again = true;
            return;
        }
        match self.saving.path().map(Path::to_path_buf) {
            None => {
                let name = self.file_name.clone();
                self.ask_for_name(&name, None);
            }
            Some(_) if self.saving.is_foreign() => self.ask_about_existing(),
            Some(_) if self.saving.waits_for_writer() => {
                // The look that is due saves it afterwards.
                self.save_again = true;
                let text = format!(
                    "{} is being written by another program; it is saved when that is done",
                    self.file_name
                );
                self.say(Level::Info, text);
            }
            Some(_) => self.start_saving(None, IfChanged::Refuse, now),
        }
    }

    /// An undo or a redo may have led back to the text that is on disk: then it is not unsaved. O(n) only if it
    /// is as long.
    pub(super) fn may_be_on_disk(&mut self, now: Time) {
        self.core.commit(now);
        let (saving, document) = (&mut self.saving, self.core.document());
        let known = document.on_disk().is_some() && document.has_left_disk();
        let settled = !saving.is_busy() && !saving.is_foreign();
        if known && settled && !saving.has_to_be_written(document) {
            saving.is_on_disk(&mut self.core);
        }
    }

    fn start_saving(&mut self, to: Option<PathBuf>, if_changed: IfChanged, now: Time) {
        self.core.commit(now);
        let core = &mut self.core;
        if let Some(job) = self.saving.start(core, self.format, to, if_changed) {
            self.effects.push(Effect::File(Box::new(job)));
        }
    }

    /// The joiner's file holds another text than the session: nothing is written before the person
    /// has chosen.
    pub(super) fn ask_about_existing(&mut self) {
        let text = format!(
            "{} holds another text than the session's; it is kept as it is until you choose",
            self.file_name
        );
        self.say(Level::Warning, text);
        self.prompt = Some(Prompt::new(Question::Existing, ""));
    }

    /// From now on this member's file is in UTF-8.
    pub(super) fn save_in_utf8(&mut self, target: &Path, now: Time) {
        self.format.encoding = Encoding::Utf8;
        if self.saving.path() == Some(target) {
            self.start_saving(None, IfChanged::Refuse, now);
        } else {
            self.ask_for_name(&self.shown(target), None);
        }
    }

    /// Does what the person has chosen about the joiner's file.
    pub(super) fn answer_about_existing(&mut self, answer: &str, now: Time) {
        let path = self.saving.path().map(Path::to_path_buf);
        match answer.trim().chars().next().map(|c| c.to_ascii_lowercase()) {
            Some('n') => {
                let name = path.map_or_else(String::new, |path| self.shown(&free_name(&path)));
                self.ask_for_name(&name, None);
            }
            Some('r') => self.settle_existing(Existing::Replace, now),
            Some('b') => self.settle_existing(Existing::Merge, now),
            _ => self.ask_about_existing(),
        }
    }

    /// What was said at the start about a file that holds another text.
    pub(in crate::app) fn is_told_of_existing(&mut self, existing: Option<Existing>, now: Time) {
        if let Some(existing) = existing.filter(|_| self.saving.is_foreign()) {
            self.settle_existing(existing, now);
        }
    }

    pub(super) fn settle_existing(&mut self, existing: Existing, now: Time) {
        match existing {
            Existing::Replace => self.start_saving(None, IfChanged::Overwrite, now),
            Existing::Merge => {
                self.saving.merge_existing(now);
                self.save_again = true;
            }
        }
    }

    /// Takes the file for a look at it, if one is due.
    pub(super) fn look(&mut self, now: Time) -> Option<FileJob> {
        let looks = self.looks_at_file();
        looks.then(|| self.saving.look(self.format, now)).flatten()
    }

    /// Whether what another program does to the file is looked at now.
    pub(super) fn looks_at_file(&self) -> bool {
        !self.is_leaving() && self.phase == super::Phase::Editing
    }

    /// A look at the file is done.
    pub(super) fn looked(&mut self, done: LookDone, now: Time) {
        let again = std::mem::take(&mut self.save_again);
        match self.saving.looked(done, &mut self.core, now) {
            News::Nothing => {}
            News::Merged(places) => {
                let places = if places == 1 {
                    "1 place".to_owned()
                } else {
                    format!("{places} places")
                };
                let text = format!("{} changed on disk: {places} merged", self.file_name);
                self.say(Level::Info, text);
            }
            News::Trouble(text) => {
                self.say(Level::Warning, text);
                if again && self.saving.is_unreadable() {
                    // There is no other way to a saved text then.
                    self.ask_for_another_name();
                    return;
                }
            }
        }
        if self.saving.wants_look() {
            self.save_again = again;
        } else if again {
            self.save(now);
        } else if std::mem::take(&mut self.leave_when_saved) {
            self.quit(false, now);
        }
    }

    fn ask_for_another_name(&mut self) {
        self.leave_when_saved = false;
        if let Some(path) = self.saving.path().map(Path::to_path_buf) {
            self.ask_for_name(&self.shown(&free_name(&path)), Some(path));
        }
    }

    /// A path as a person would type it: relative where it is below the current folder.
    fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.folder).unwrap_or(path);
        below.to_string_lossy().into_owned()
    }

    fn ask_for_name(&mut self, name: &str, replaces: Option<PathBuf>) {
        self.prompt = Some(Prompt::new(Question::SaveAs { replaces }, name).offered());
    }

    pub(super) fn save_as(&mut self, name: &str, replaces: Option<PathBuf>, now: Time) {
        if name.is_empty() {
            return;
        }
        let file = match TextFile::new(&typed_path(name)) {
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
            self.start_saving((!same).then_some(path), if_changed, now);
        } else {
            self.saving.name(file);
            self.start_saving(None, if_changed, now);
        }
    }

    pub(super) fn saved(&mut self, done: SaveDone, now: Time) {
        let leave = std::mem::take(&mut self.leave_when_saved);
        let again = std::mem::take(&mut self.save_again);
        let target = done.target.clone();
        match self.saving.saved(done, &mut self.core, now) {
            SaveEnd::Saved(saved) => {
                self.file_name = name_of(&saved.path);
                self.core.is_kept_for(&saved.path);
                self.effects.push(Effect::KeepFor(saved.path.clone()));
                self.say(
                    Level::Info,
                    format!("Saved {:?}: {} characters", saved.path, saved.chars),
                );
                if again && self.saving.is_unsaved(self.core.document()) {
                    self.leave_when_saved = leave;
                    self.save(now);
                } else if leave {
                    self.quit(false, now);
                }
            }
            SaveEnd::Changed => {
                self.save_again = true;
                self.leave_when_saved = leave;
            }
            SaveEnd::Failed(why) => {
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
                    SaveError::DoesNotFit { .. } => {
                        self.prompt = Some(Prompt::new(Question::Utf8 { target }, ""));
                    }
                    SaveError::Torn { .. } => {}
                }
                self.say(Level::Error, text);
            }
        }
    }
}
