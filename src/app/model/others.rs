//! What the person is told of the others: who comes and goes, what they have, what is wrong.

use super::{Model, Phase};
use crate::app::core::Divergence;
use crate::app::delivery::Delivery;
use crate::session::{Input, MemberState, MemberView, Time};
use crate::ui::action::Command;
use crate::ui::view::{Level, Notice};
use crate::wire::MemberId;

impl Model {
    /// What the delivery gauge says now.
    pub(super) fn measure(&mut self, members: &[MemberView], now: Time) -> Delivery {
        let document = self.core.document();
        let (me, log) = (document.me(), document.log());
        self.gauge.note(log.next(&me), now);
        self.gauge.delivery(members, me, log, now)
    }

    /// When the end of a turn is wanted, if nothing happens before: for the session, the file, the
    /// gauge, a name at a cursor, or a paste.
    pub(in crate::app) fn next_deadline(&self, now: Time) -> Option<Time> {
        let gauge = self.gauge.next_deadline(now);
        let look = self.saving.next_look().filter(|_| self.looks_at_file());
        let rest = [self.core.next_deadline(), look];
        let names = self.names.next_deadline();
        let own = names.into_iter().chain(self.paste_due());
        let own = own.chain(self.painter.due());
        rest.into_iter().flatten().chain(gauge).chain(own).min()
    }

    pub(super) fn member_changed(&mut self, member: MemberId, name: &str, state: MemberState) {
        if !self.colours.contains(&member) {
            self.colours.push(member);
        }
        // What one who is back did meanwhile is told once it is here.
        let was_apart = self.partitions.is_apart(&member);
        self.partitions.changed(member, state, &self.core);
        if was_apart && state == MemberState::Connected {
            return;
        }
        // A newcomer meets everybody; while it does, only who is lost is news.
        if self.phase == Phase::Editing || state == MemberState::Away {
            let text = match state {
                MemberState::Connected => format!("{name} is here"),
                MemberState::Away => {
                    let retry = self.how(Command::Retry);
                    format!(
                        "{name} is away; both of you can go on. {retry} tries to reach them at once"
                    )
                }
                MemberState::Left => format!("{name} has left"),
            };
            self.mention(text);
        }
    }

    /// Tells what nobody asked for, unless something graver is still to be read.
    fn mention(&mut self, text: String) {
        let grave = |notice: &Notice| notice.level != Level::Info;
        if !self.notice.as_ref().is_some_and(grave) {
            self.say(Level::Info, text);
        }
    }

    /// Tells what those did who are back.
    pub(super) fn report_back(&mut self, members: &[MemberView]) {
        let next = self.how(Command::NextChange);
        if let Some(report) = self.partitions.report(members, &self.core, &next) {
            self.mention(report);
            self.dirty = true;
        }
    }

    /// A member's cursor or selection is another.
    pub(super) fn moved(&mut self, member: MemberId, now: Time) {
        let mut presences = self.core.session().presences();
        let presence = presences.find(|(id, ..)| *id == member);
        let cursor = presence.and_then(|(.., presence)| presence.cursor);
        self.names.moved(member, cursor, now);
    }

    /// Whether the name at a member's cursor is to be seen. Without colours nothing else tells whose it is.
    pub(in crate::app) fn is_named(&self, member: &MemberId) -> bool {
        !self.theme.has_colours() || self.names.is_shown(member)
    }

    /// Goes to the next place that one who was away has changed.
    pub(super) fn next_change(&mut self) {
        match self.partitions.next_place() {
            Some((anchor, number, count)) => {
                let at = self.core.document().position(&anchor);
                self.editor.go_to(&self.core, at);
                self.say(Level::Info, format!("Change {number} of {count}"));
            }
            None => self.say(Level::Info, "Nobody has come back with changes"),
        }
    }

    /// Everybody who is away is tried at once.
    pub(super) fn retry(&mut self, now: Time) {
        let members = self.core.session().members();
        let away = members
            .iter()
            .filter(|member| member.state == MemberState::Away);
        let whom = match away.count() {
            0 => None,
            1 => Some("the member who is away".to_owned()),
            count => Some(format!("{count} members")),
        };
        let members = self.how(Command::Members);
        let text = match whom {
            Some(whom) => format!("Trying to reach {whom}; {members} shows what comes of it"),
            None => "Nobody is away".to_owned(),
        };
        self.say(Level::Info, text);
        self.core.handle(Input::RetryNow, now);
    }

    /// Keeps a text that was found to differ from another member's, and tells the person.
    pub(super) fn alarm(&mut self, divergence: Divergence) {
        let text = divergence.keep();
        tracing::error!("{text}");
        self.say(Level::Error, text);
    }
}
