//! The model as the screen shows it.

use ratatui::layout::{Position, Rect, Size};

use super::model::{Model, Phase};
use crate::session::{MemberState, MemberView, Time};
use crate::ui::draw::text_area;
use crate::ui::theme::Theme;
use crate::ui::view::{
    Body, Member, Panel, PanelMember, PeerCursor, Scroll, Status, TextView, View,
};

/// How long a progress bar is, in cells.
const BAR_CELLS: usize = 16;

impl Model {
    /// What a terminal of this size shows.
    pub(super) fn view(&mut self, size: Size, theme: Theme, now: Time) -> View<'_> {
        let members = self.core.session().members();
        let peers = self.peers(&members);
        let mut view = View {
            body: Body::Connecting(self.connecting()),
            status: self.status(&members),
            notice: self.notice.clone(),
            prompt: self.prompt.as_ref().map(super::prompt::Prompt::view),
            panel: self.panel.then(|| self.members_panel(&members, now)),
            theme,
        };
        if self.phase == Phase::Editing {
            let mut text = TextView {
                rope: self.core.document().rope(),
                cursor: self.editor.cursor(&self.core),
                selection: self.editor.selection(&self.core),
                peers,
                scroll: Scroll::default(),
                options: self.editor.options(),
                numbers: self.looks.line_numbers,
            };
            view.body = Body::Text(text.clone());
            let area = text_area(Rect::from((Position::ORIGIN, size)), &view);
            text.scroll = self.editor.scroll(&self.core, area.as_size(), self.looks);
            text.options = self.editor.options();
            view.body = Body::Text(text);
        }
        view
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
        let mut file = if self.file_name.is_empty() {
            "no name yet".to_owned()
        } else {
            self.file_name.clone()
        };
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
            delivery: match self.progress() {
                Some(progress) => format!("receiving {}", bar(progress)),
                None => delivery(members),
            },
            invitation: self.invitation.line(self.core.session().access()),
        }
    }

    fn members_panel(&self, members: &[MemberView], now: Time) -> Panel {
        let mut rows = vec![PanelMember {
            name: self.core.session().own_name(),
            colour: None,
            state: "you".to_owned(),
            addresses: self
                .invitation
                .addrs
                .iter()
                .map(ToString::to_string)
                .collect(),
        }];
        rows.extend(members.iter().map(|member| PanelMember {
            name: member.name.clone(),
            colour: Some(self.colour(member)),
            state: state(member, now),
            addresses: member.addr.iter().map(ToString::to_string).collect(),
        }));
        Panel {
            members: rows,
            invitation: self.invitation.lines(self.core.session().access()),
        }
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
    let since = (now - member.since).as_secs();
    let since = if since < 120 {
        format!("{since} s")
    } else {
        format!("{} min", since / 60)
    };
    match (member.state, member.delay) {
        (MemberState::Connected, Some(delay)) => format!("connected, {} ms", delay.as_millis()),
        (MemberState::Connected, None) => "connected".to_owned(),
        (MemberState::Away, _) => format!("away for {since}"),
        (MemberState::Left, _) => "left".to_owned(),
    }
}

/// Whether the others have what was written here.
fn delivery(members: &[MemberView]) -> String {
    let present: Vec<&MemberView> = members
        .iter()
        .filter(|member| member.state != MemberState::Left)
        .collect();
    let lacking: Vec<&&MemberView> = present
        .iter()
        .filter(|member| member.undelivered > 0)
        .collect();
    let most = lacking
        .iter()
        .map(|member| member.undelivered)
        .max()
        .unwrap_or(0);
    if present.is_empty() {
        String::new()
    } else if lacking.is_empty() {
        "delivered".to_owned()
    } else {
        let names: Vec<&str> = lacking.iter().map(|member| member.name.as_str()).collect();
        format!("{most} edits not yet at {}", names.join(", "))
    }
}
