//! What the model does about files: saving, under other names too, and leaving unsaved text.

use std::path::{Path, PathBuf};

use super::{Effect, Model, name_of};
use crate::app::prompt::{Prompt, Question};
use crate::app::saving::SaveDone;
use crate::session::Time;
use crate::storage::{IfChanged, SaveError, TextFile, free_name};
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
            let text = if self.core.is_worth_keeping(false) {
                "Unsaved text: Ctrl-S saves it, Ctrl-Q again leaves it in the session only"
            } else {
                "Unsaved text: Ctrl-S saves it, Ctrl-Q again leaves without saving"
            };
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
            Some(path) if self.saving.foreign => {
                let text = format!(
                    "{path:?} holds another text; give it another name, or the same one to replace it"
                );
                self.say(Level::Warning, text);
                self.ask_for_name(&self.shown(&free_name(&path)), Some(path));
            }
            Some(_) => self.start_saving(None, IfChanged::Refuse, now),
        }
    }

    fn start_saving(&mut self, to: Option<PathBuf>, if_changed: IfChanged, now: Time) {
        self.core.commit(now);
        if let Some(job) = self
            .saving
            .start(&mut self.core, self.format, to, if_changed)
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

    pub(super) fn save_as(&mut self, name: &str, replaces: Option<PathBuf>, now: Time) {
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
        match self.saving.finish(&mut self.core, done) {
            Ok(saved) => {
                self.file_name = name_of(&saved.path);
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
