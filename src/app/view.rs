//! The model as the screen shows it.

use ratatui::layout::{Position, Rect, Size};

use super::delivery::{self, span};
use super::ledger;
use super::model::{Model, Phase};
use super::painter::Question;
use crate::crdt::{AuthorId, Source};
use crate::document::authorship::AuthorSpan;
use crate::document::bracket::matching;
use crate::document::position::{Line, line_at, line_start};
use crate::session::{MemberState, MemberView, Time};
use crate::ui::action::Command;
use crate::ui::draw::{scroll_end, text_area};
use crate::ui::view::{
    Body, Member, Panel, PanelMember, PeerCursor, Scroll, Status, TextView, View,
};

/// How long a progress bar is, in cells.
const BAR_CELLS: usize = 16;

impl Model {
    /// What a terminal of this size shows.
    pub(super) fn view(&mut self, size: Size, now: Time) -> View<'_> {
        let changes = self.core.take_text_changes();
        self.painter.follow(changes);
        let members = self.core.session().members();
        let peers = self.peers(&members);
        let vanishing = self.vanishing();
        let focus = self.followed();
        let mut view = View {
            body: Body::Connecting(self.connecting()),
            status: self.status(&members),
            notice: self.notice.clone(),
            prompt: self.prompt.as_ref().map(super::prompt::Prompt::view),
            panel: (self.panel).map(|top| self.members_panel(top, &members, now)),
            list: self.list(),
            chat: self.chat(&members),
            theme: self.theme,
        };
        if self.phase == Phase::Editing {
            let mut text = TextView {
                rope: self.core.document().rope(),
                cursor: self.editor.cursor(&self.core),
                selection: self
                    .editor
                    .selection(&self.core)
                    .or_else(|| self.empty_match_here()),
                matches: Vec::new(),
                peers,
                scroll: Scroll::default(),
                options: self.editor.options(),
                numbers: self.looks.line_numbers,
                spans: self.painter.spans(),
                authors: Vec::new(),
                vanishing,
                brackets: None,
            };
            view.body = Body::Text(text.clone());
            let area = text_area(Rect::from((Position::ORIGIN, size)), &view);
            text.scroll = self.editor.scroll(&self.core, area, self.looks, focus);
            text.options = self.editor.options();
            let (lines, bottom) = text.extent(area.height);
            self.shown_lines = lines;
            if self.authors {
                let end = line_start(text.rope, Line(self.shown_lines.end));
                let spans = self.core.document().authorship(text.scroll.top..end);
                let colour = |span: AuthorSpan| {
                    let by = |member: &&MemberView| member.authors.contains(&span.author);
                    let member = members.iter().find(by)?;
                    let known = self
                        .colours
                        .iter()
                        .position(|other| *other == member.member);
                    Some((span.range, known.unwrap_or(self.colours.len())))
                };
                text.authors = spans.filter_map(colour).collect();
            }
            text.matches = self.matches_in(text.scroll.top..bottom + 1);
            // What is not to be seen need not be found.
            text.brackets = matching(text.rope, text.cursor, bottom - text.scroll.top)
                .filter(|_| text.selection.is_none())
                .map(|(bracket, partner)| [bracket, partner]);
            view.body = Body::Text(text);
        }
        self.scroll_end = scroll_end(Rect::from((Position::ORIGIN, size)), &view);
        if let Some(panel) = &mut view.panel {
            panel.top = panel.top.min(self.scroll_end);
            self.panel = Some(panel.top);
        }
        view
    }

    /// What is to be asked about the text as code, once a view is drawn.
    pub(super) fn question(&mut self, now: Time) -> Option<Question> {
        let (lines, rope) = (self.shown_lines.clone(), self.core.document().rope());
        (self.phase == Phase::Editing)
            .then(|| self.painter.question(lines, rope, &self.file_name, now))
            .flatten()
    }

    /// Who wrote the text under the cursor, and when.
    fn author_here(&self, members: &[MemberView]) -> String {
        let at = self.editor.cursor(&self.core);
        let mut spans = self.core.document().authorship(at..at + 1);
        let Some(span) = spans.next() else {
            return String::new();
        };
        let by = |member: &&MemberView| member.authors.contains(&span.author);
        let name = match members.iter().find(by) {
            Some(member) => &member.name,
            None if span.author == self.core.document().me() => "you",
            None => "someone before",
        };
        let ago = self
            .ago(span.minutes)
            .unwrap_or_else(|| "just now".to_owned());
        let source = match span.source {
            Source::Disk => ", from the file",
            Source::Typed => "",
        };
        format!("by {name}, {ago}{source}")
    }

    /// What an author is called, and the index of its colour if it is another member's.
    pub(super) fn who(&self, author: AuthorId, members: &[MemberView]) -> (String, Option<usize>) {
        let by = |member: &&MemberView| member.authors.contains(&author);
        match members.iter().find(by) {
            Some(member) => (member.name.clone(), Some(self.colour(member))),
            // Everybody else in the session is listed.
            None => (self.core.session().own_name(), None),
        }
    }

    /// How long ago a minute since 1970 was; `None` for the present one.
    pub(super) fn ago(&self, minutes: u32) -> Option<String> {
        Some(match self.minutes.saturating_sub(minutes) {
            0 => return None,
            minutes @ 1..120 => format!("{minutes} min ago"),
            minutes @ 120..2880 => format!("{} h ago", minutes / 60),
            minutes => format!("{} days ago", minutes / 1440),
        })
    }

    fn connecting(&self) -> String {
        match self.progress() {
            Some(progress) => format!("Receiving  {}", bar(progress)),
            None => "Connecting…".to_owned(),
        }
    }

    /// How much of what is being received at once is here, of 100.
    pub(super) fn progress(&self) -> Option<u8> {
        let (have, all) = self
            .core
            .session()
            .progress(self.core.document().replica())?;
        (all > 0).then(|| (have * 100 / all).min(100) as u8)
    }

    fn colour(&self, member: &MemberView) -> usize {
        self.colours
            .iter()
            .position(|other| *other == member.member)
            .unwrap_or(self.colours.len())
    }

    fn status(&self, members: &[MemberView]) -> Status {
        let present = members
            .iter()
            .filter(|member| member.state != MemberState::Left);
        let (delivery, delivery_short) = match self.progress() {
            Some(percent) => (
                format!("receiving {}", bar(percent)),
                format!("receiving {percent} %"),
            ),
            None => (self.delivery.long.clone(), self.delivery.short.clone()),
        };
        let mut file = if self.file_name.is_empty() {
            "no name yet".to_owned()
        } else {
            self.file_name.clone()
        };
        if self.saving.is_read_only() {
            file += " (read-only)";
        }
        if self.core.is_unkept() {
            file += " (not journalled)";
        }
        Status {
            file,
            unsaved: self.saving.may_be_unsaved(self.core.document())
                && !self.core.document().log().version().is_empty(),
            members: present
                .map(|member| Member {
                    name: member.name.clone(),
                    colour: self.colour(member),
                    connected: member.state == MemberState::Connected,
                })
                .collect(),
            unread: self.unread(),
            author: if self.authors {
                self.author_here(members)
            } else {
                String::new()
            },
            delivery,
            delivery_short,
            disk: ledger::sentence(&self.core, &self.saving, members),
            invitation: self.invitation.line(self.core.session().access()),
        }
    }

    pub(super) fn members_panel(&self, top: usize, members: &[MemberView], now: Time) -> Panel {
        // Who has left is listed last: those may be many, and the box is as high as the screen.
        let mut members: Vec<_> = members.iter().collect();
        members.sort_by_key(|member| member.state == MemberState::Left);
        let mut rows = vec![PanelMember {
            name: self.core.session().own_name(),
            colour: None,
            state: "you".to_owned() + &ledger::of_ours(&self.core, &self.saving),
            addresses: self
                .invitation
                .addrs
                .iter()
                .map(ToString::to_string)
                .collect(),
        }];
        rows.extend(members.into_iter().map(|member| PanelMember {
            name: member.name.clone(),
            colour: Some(self.colour(member)),
            state: state(member, now)
                + &self.place(member)
                + &delivery::of_member(member, self.core.document().log())
                + &ledger::of_member(&self.core, member),
            addresses: member.addr.iter().map(ToString::to_string).collect(),
        }));
        let access = self.core.session().access();
        let command = self.qr.then(|| self.invitation.command(access));
        Panel {
            members: rows,
            invitation: self.invitation.lines(access, &self.how(Command::Host)),
            qr: command.flatten(),
            top,
        }
    }

    /// Where a member is, to follow its state.
    fn place(&self, member: &MemberView) -> String {
        let document = self.core.document();
        let mut presences = self.core.session().presences();
        let cursor = presences
            .find(|(id, ..)| *id == member.member)
            .and_then(|(.., presence)| document.position(presence.cursor.as_ref()?));
        cursor.map_or_else(String::new, |at| {
            format!(", at line {}", line_at(document.rope(), at).0 + 1)
        })
    }

    fn peers(&self, members: &[MemberView]) -> Vec<PeerCursor> {
        let document = self.core.document();
        let peer = |(id, _, presence): (crate::wire::MemberId, _, &crate::wire::Presence)| {
            let member = members.iter().find(|member| member.member == id)?;
            let cursor = document.position(presence.cursor.as_ref()?)?;
            let selection = presence.selection.as_ref().and_then(|(start, end)| {
                let range = document.position(start)?..document.position(end)?;
                (range.start < range.end).then_some(range)
            });
            Some(PeerCursor {
                name: member.name.clone(),
                colour: self.colour(member),
                cursor,
                selection,
                named: self.is_named(&id),
            })
        };
        self.core.session().presences().filter_map(peer).collect()
    }
}

/// A progress bar, and the number beside it.
fn bar(percent: u8) -> String {
    let full = usize::from(percent) * BAR_CELLS / 100;
    let (full, rest) = ("█".repeat(full), "░".repeat(BAR_CELLS - full));
    format!("{full}{rest} {percent} %")
}

fn state(member: &MemberView, now: Time) -> String {
    match (member.state, member.delay) {
        (MemberState::Connected, Some(delay)) => format!("connected, {} ms", delay.as_millis()),
        (MemberState::Connected, None) => "connected".to_owned(),
        (MemberState::Away, _) => {
            let away = format!("away for {}", span(now - member.since));
            match &member.trouble {
                Some(trouble) => format!("{away}; {trouble}"),
                None => away,
            }
        }
        (MemberState::Left, _) => "left".to_owned(),
    }
}
