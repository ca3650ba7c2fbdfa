//! The members and the invitation, in a box over the text.

use qrcode::{EcLevel, QrCode};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::boxed::Boxed;
use crate::document::display::sanitise;
use crate::ui::canvas::{NAME_COLUMNS, columns, wrapped, write};
use crate::ui::theme::Theme;
use crate::ui::view::{Panel, PanelMember};

/// The most columns of the box: wide enough for an IPv6 address in a command.
const WIDTH: u16 = 76;

/// Draws the panel in the middle of `area` and says which part of it is covered.
pub(in crate::ui) fn draw(buf: &mut Buffer, area: Rect, panel: &Panel, theme: Theme) -> Rect {
    let boxed = Boxed::new(area, WIDTH);
    let lines = lines(panel, boxed.columns(), theme);
    let (covered, inner) = boxed.draw(buf, lines.len(), " Members ");
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
        lines.extend(member_lines(member, width, theme));
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
    if let Some(text) = &panel.qr {
        lines.extend(qr(text, width));
    }
    lines
}

/// A member's colour, name and state, which goes on below where the line is too short for it.
fn member_lines(member: &PanelMember, width: u16, theme: Theme) -> Vec<Spans> {
    let colour = member
        .colour
        .map_or(Style::new(), |colour| theme.member_label(colour));
    let name = sanitise(&member.name, NAME_COLUMNS);
    let gap = 2 + usize::from(16u16.saturating_sub(columns(&name)));
    let used = 3 + columns(&name) + gap as u16;
    let mut state = wrapped(&member.state, width.saturating_sub(used).max(1)).into_iter();
    let first = vec![
        ("  ".into(), colour),
        (" ".into(), Style::new()),
        (name, theme.prompt()),
        (" ".repeat(gap), Style::new()),
        (state.next().unwrap_or_default(), Style::new()),
    ];
    let rest = state.collect::<Vec<_>>().join(" ");
    let rest = wrapped(&rest, width.saturating_sub(4).max(1));
    let below = |line| vec![("    ".into(), Style::new()), (line, Style::new())];
    std::iter::once(first)
        .chain(rest.into_iter().map(below))
        .collect()
}

/// A QR code, dark on light whatever the theme: two of its rows in one of cells.
fn qr(text: &str, width: u16) -> Vec<Spans> {
    let style = Style::new().fg(Color::Black).bg(Color::White);
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::L) else {
        return Vec::new();
    };
    let side = code.width() as isize;
    // What reads it wants a light margin.
    let dark = |x: isize, y: isize| {
        let inside = (0..side).contains(&x) && (0..side).contains(&y);
        inside && code[(x as usize, y as usize)] == qrcode::Color::Dark
    };
    if side + 4 > isize::try_from(width).unwrap_or(isize::MAX) {
        return vec![vec![(
            "This screen is too narrow for the QR code.".into(),
            Style::new(),
        )]];
    }
    let row = |y: isize| {
        let cell = |x| match (dark(x, y), dark(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        vec![((-2..side + 2).map(cell).collect(), style)]
    };
    (-2..side + 2).step_by(2).map(row).collect()
}
