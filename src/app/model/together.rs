//! What one does with the others: go where they are, follow them, see what they wrote, take it back,
//! and let them in.

use std::net::SocketAddr;
use std::ops::Range;

use super::{Effect, Model};
use crate::app::delivery::{list, plural};
use crate::app::prompt::{Prompt, Question};
use crate::crdt::{OpId, Source};
use crate::document::CharPos;
use crate::document::authorship::Effect as Change;
use crate::session::{Input, MemberView, Time};
use crate::ui::action::Command;
use crate::ui::view::Level;
use crate::wire::MemberId;

/// How many minutes are taken back unless another number is given.
const MINUTES: u32 = 10;

impl Model {
    /// Does what concerns the others; whether it does.
    pub(super) fn together(&mut self, command: Command, now: Time) -> bool {
        match command {
            Command::GoToMember => match self.member_after(self.went) {
                Some((member, name, at)) => {
                    self.went = Some(member);
                    self.editor.go_to(&self.core, Some(at));
                    self.say(Level::Info, format!("Here is {name}"));
                }
                None => self.say(Level::Info, "Nobody else is in the text"),
            },
            Command::Follow => match self.member_after(self.following) {
                Some((member, name, _)) => {
                    self.following = Some(member);
                    self.say(Level::Info, format!("Following {name}; any key stops it"));
                }
                None => self.say(Level::Info, "Nobody else is in the text"),
            },
            Command::Authors => {
                self.authors = !self.authors;
                let said = if self.authors {
                    "What others wrote has their colours"
                } else {
                    "Who wrote what is not shown"
                };
                self.say(Level::Info, said);
            }
            Command::Chat => self.open_chat(),
            Command::LookHere => self.ask_to_look(now),
            Command::Look => self.look_there(),
            Command::TakeBack => self.ask_whose_edits(),
            Command::Host if self.invitation.addrs.is_empty() => {
                self.effects.push(Effect::Listen);
            }
            Command::Host => {
                self.effects.push(Effect::StopListening);
                self.listening(Ok(Vec::new()), now);
                self.say(
                    Level::Info,
                    "Nobody can join here any more; who is here stays",
                );
            }
            Command::QrCode => {
                self.qr = !self.qr;
                if self.qr {
                    self.panel = Some(0);
                }
            }
            _ => return false,
        }
        true
    }

    /// Takes in where members are accepted now, or why they are not.
    pub(super) fn listening(&mut self, addrs: Result<Vec<SocketAddr>, String>, now: Time) {
        match addrs {
            Ok(addrs) => {
                self.invitation.always = !addrs.is_empty();
                self.invitation.addrs.clone_from(&addrs);
                self.core.handle(Input::Listening { addrs }, now);
                self.hear(now);
                self.notice = None;
                self.say_how_to_join();
            }
            Err(why) => self.say(Level::Error, why),
        }
    }

    /// Where the member who is followed is.
    pub(in crate::app) fn followed(&self) -> Option<CharPos> {
        let followed = self.following?;
        let mut places = self.places();
        places.find_map(|(member, _, at)| (member == followed).then_some(at))
    }

    /// Every other member with a cursor in the text, in the order of member ids.
    pub(super) fn places(&self) -> impl Iterator<Item = (MemberId, String, CharPos)> {
        let members = self.core.session().members();
        let place = move |(member, presence): (MemberId, &crate::wire::Presence)| {
            let name = &members.iter().find(|other| other.member == member)?.name;
            let at = self.core.document().position(presence.cursor.as_ref()?)?;
            Some((member, name.clone(), at))
        };
        let presences = self.core.session().presences();
        let presences = presences.map(|(member, _, presence)| (member, presence));
        presences.filter_map(place)
    }

    /// The member after `last`, round and round.
    fn member_after(&self, last: Option<MemberId>) -> Option<(MemberId, String, CharPos)> {
        let places: Vec<_> = self.places().collect();
        let after =
            |(member, ..): &&(MemberId, String, CharPos)| last.is_none_or(|last| *member > last);
        places
            .iter()
            .find(after)
            .or_else(|| places.first())
            .cloned()
    }

    fn ask_whose_edits(&mut self) {
        let members = self.core.session().members();
        let Some(member) = members.first() else {
            return self.say(Level::Info, "There is nobody else in this session");
        };
        let answer = format!("{} {MINUTES}", member.name);
        self.prompt = Some(Prompt::new(Question::TakeBack, &answer).offered());
    }

    /// Finds the edits that an answer, a name and a number of minutes, is about, and asks whether they are meant.
    pub(super) fn preview_take_back(&mut self, answer: &str) {
        let members = self.core.session().members();
        let (name, minutes) = match answer.trim().rsplit_once(' ') {
            Some((name, minutes)) => (name.trim(), minutes.parse().ok()),
            None => (answer.trim(), Some(MINUTES)),
        };
        let named = |member: &&MemberView| member.name.to_lowercase() == name.to_lowercase();
        let (Some(minutes), Some(member)) = (minutes, members.iter().find(named)) else {
            let names: Vec<String> = members.into_iter().map(|member| member.name).collect();
            let names = list(&names);
            let text = match minutes {
                Some(_) => format!("There is no member {name:?} here; there is {names}"),
                None => "Give a member's name and a number of minutes".to_owned(),
            };
            self.say(Level::Warning, text);
            self.prompt = Some(Prompt::new(Question::TakeBack, answer));
            return;
        };
        let since = self.minutes.saturating_sub(minutes);
        let document = self.core.document();
        let edits = document.edits_since(&member.authors, since, &[Source::Typed]);
        let changes = self.core.preview_take_back(&edits);
        let (gone, back) = changes
            .iter()
            .fold((0, 0), |(gone, back), change| match change {
                Change::Vanish(range) => (gone + (range.end - range.start), back),
                Change::Return { text, .. } => (gone, back + text.chars().count()),
            });
        if changes.is_empty() {
            return self.say(
                Level::Info,
                format!("Nothing of {}'s last {minutes} min shows", member.name),
            );
        }
        let [gone, back] = [gone, back].map(|count| plural(count as u64, "character"));
        let places = plural(changes.len() as u64, "place");
        let text = format!(
            "{}: {gone} would disappear and {back} come back, in {places}",
            member.name
        );
        if let Some(at) = changes.first().map(start) {
            self.editor.go_to(&self.core, Some(at));
        }
        self.say(Level::Warning, text);
        self.prompt = Some(Prompt::new(Question::TakeBackNow { edits }, ""));
    }

    /// Takes back what the preview showed.
    pub(super) fn take_back(&mut self, edits: &[Range<OpId>]) {
        if let Some(at) = self.core.take_back(edits) {
            self.editor.go_to(&self.core, Some(at));
        }
        self.say(Level::Info, "Taken back; undo brings it again");
    }

    /// What would disappear if the question that is open is answered with yes.
    pub(in crate::app) fn vanishing(&mut self) -> Vec<Range<CharPos>> {
        let Some(Question::TakeBackNow { edits }) =
            self.prompt.as_ref().map(|prompt| &prompt.question)
        else {
            return Vec::new();
        };
        let changes = self.core.preview_take_back(edits);
        let gone = |change| match change {
            Change::Vanish(range) => Some(range),
            Change::Return { .. } => None,
        };
        changes.into_iter().filter_map(gone).collect()
    }
}

/// Where a change begins.
const fn start(change: &Change) -> CharPos {
    match change {
        Change::Vanish(range) => range.start,
        Change::Return { at, .. } => *at,
    }
}
