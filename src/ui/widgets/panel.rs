//! The members and the invitation, in a box over the text.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Block, Widget};

use crate::document::display::sanitise;
use crate::ui::canvas::{NAME_COLUMNS, columns, fill, wrapped, write};
use crate::ui::theme::Theme;
use crate::ui::view::{Panel, PanelMember};

/// The most columns of the box: wide enough for an IPv6 address in a command.
const WIDTH: u16 = 76;

/// Draws the panel in the middle of `area` and says which part of it is covered.
pub(in crate::ui) fn draw(buf: &mut Buffer, area: Rect, panel: &Panel, theme: Theme) -> Rect {
    let framed = area.width >= 12 && area.height >= 4;
    let margin = Margin {
        horizontal: 2 * u16::from(framed),
        vertical: framed.into(),
    };
    let width = area.width.min(WIDTH);
    let lines = lines(panel, width - 2 * margin.horizontal, theme);
    let rows = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2 * margin.vertical);
    let height = area.height.min(rows);
    let covered = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    fill(buf, covered, Style::new());
    if framed {
        Block::bordered().title(" Members ").render(covered, buf);
    }
    let inner = covered.inner(margin);
    for (y, line) in (inner.top()..inner.bottom()).zip(&lines) {
        let mut x = inner.left();
        for (text, style) in line {
            x = write(buf, inner, x, y, text, *style);
        }
    }
    covered
}

type Spans = Vec<(String, Style)>;

fn lines(panel: &Panel, width: u16, theme: Theme) -> Vec<Spans> {
    let mut lines: Vec<Spans> = Vec::new();
    for member in &panel.members {
        lines.push(member_line(member, theme));
        let addresses = wrapped(&member.addresses.join(" "), width.saturating_sub(4));
        lines.extend(
            addresses
                .into_iter()
                .map(|line| vec![(format!("    {line}"), theme.gutter())]),
        );
    }
    if !panel.invitation.is_empty() {
        lines.push(Vec::new());
    }
    let invitation = panel
        .invitation
        .iter()
        .flat_map(|line| wrapped(line, width));
    lines.extend(invitation.map(|line| vec![(line, Style::new())]));
    lines
}

fn member_line(member: &PanelMember, theme: Theme) -> Spans {
    let colour = member
        .colour
        .map_or(Style::new(), |colour| theme.member_label(colour));
    let name = sanitise(&member.name, NAME_COLUMNS);
    let state = sanitise(&member.state, 80);
    let gap = 2 + usize::from(16u16.saturating_sub(columns(&name)));
    vec![
        ("  ".into(), colour),
        (" ".into(), Style::new()),
        (name, theme.prompt()),
        (" ".repeat(gap), Style::new()),
        (state, Style::new()),
    ]
}
