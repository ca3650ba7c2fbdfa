//! The invitation and the members, in a box over the text. The invitation comes first, so that any number of
//! members leaves it on the screen.

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

/// Below this many columns beside its name, a member's state goes below.
const LEAST_STATE: u16 = 16;

/// How many lines can be scrolled away above in `area`.
pub(in crate::ui) fn scroll_end(area: Rect, panel: &Panel, theme: Theme) -> usize {
    let boxed = Boxed::new(area, WIDTH);
    let lines = lines(panel, boxed.columns(), boxed.rows(), theme);
    match usize::from(boxed.rows()) {
        0 => 0,
        rows => lines.len().saturating_sub(rows),
    }
}

/// Draws the panel in the middle of `area` and says which part of it is covered.
pub(in crate::ui) fn draw(buf: &mut Buffer, area: Rect, panel: &Panel, theme: Theme) -> Rect {
    let boxed = Boxed::new(area, WIDTH);
    let lines = lines(panel, boxed.columns(), boxed.rows(), theme);
    let all_fit = lines.len() <= boxed.rows().into();
    let title = if all_fit {
        " Members "
    } else {
        " Members: up and down scroll "
    };
    let (covered, inner) = boxed.draw(buf, lines.len(), title);
    for (y, line) in (inner.top()..inner.bottom()).zip(lines.iter().skip(panel.top)) {
        let mut x = inner.left();
        for (text, style) in line {
            x = write(buf, inner, x, y, text, *style);
        }
    }
    covered
}

type Spans = Vec<(String, Style)>;

fn lines(panel: &Panel, width: u16, height: u16, theme: Theme) -> Vec<Spans> {
    let code = panel.qr.iter().flat_map(|text| qr(text, width, height));
    let mut lines: Vec<Spans> = code.collect();
    let invitation = panel
        .invitation
        .iter()
        .flat_map(|line| wrapped(line, width));
    lines.extend(invitation.map(|line| vec![(line, Style::new())]));
    if !lines.is_empty() {
        lines.push(Vec::new());
    }
    for member in &panel.members {
        lines.extend(member_lines(member, width, theme));
        let addresses = wrapped(&member.addresses.join(" "), width.saturating_sub(4));
        lines.extend(
            addresses
                .into_iter()
                .map(|line| vec![(format!("    {line}"), theme.gutter())]),
        );
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
    let beside = width.saturating_sub(used);
    let (state, below) = if beside < LEAST_STATE {
        (String::new(), member.state.clone())
    } else {
        let mut state = wrapped(&member.state, beside).into_iter();
        let first = state.next().unwrap_or_default();
        (first, state.collect::<Vec<_>>().join(" "))
    };
    let first = vec![
        ("  ".into(), colour),
        (" ".into(), Style::new()),
        (name, theme.prompt()),
        (" ".repeat(gap), Style::new()),
        (state, Style::new()),
    ];
    let below = wrapped(&below, width.saturating_sub(4).max(1));
    let indented = |line| vec![("    ".into(), Style::new()), (line, Style::new())];
    std::iter::once(first)
        .chain(below.into_iter().map(indented))
        .collect()
}

/// A QR code, dark on light whatever the theme: two of its rows in one of cells.
fn qr(text: &str, width: u16, height: u16) -> Vec<Spans> {
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
    if code.width() + 4 > usize::from(width.min(2 * height)) {
        return vec![vec![(
            "This screen is too small for the QR code.".into(),
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
