//! The rows at the bottom: the notice, the prompt and the status bar.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use crate::document::display::{DisplayOptions, sanitise, show};
use crate::document::grapheme::clusters;
use crate::document::motion::line_column;
use crate::document::position::{Column, line_at};
use crate::ui::canvas::{NAME_COLUMNS, columns, fill, write};
use crate::ui::theme::Theme;
use crate::ui::view::{Level, Prompt, Status, TextView};

/// The most columns of a file name while there are other things to say.
const FILE_COLUMNS: usize = 40;

/// The most columns of what the delivery state and the invitation say.
const PART_COLUMNS: usize = 120;

/// Draws the lines of a notice.
pub(in crate::ui) fn draw_notice(
    buf: &mut Buffer,
    area: Rect,
    level: Level,
    lines: &[String],
    theme: Theme,
) {
    let style = theme.notice(level);
    fill(buf, area, style);
    for (y, line) in (area.top()..area.bottom()).zip(lines) {
        write(buf, area, area.left(), y, line, style);
    }
}

/// Draws a prompt and says where its cursor is. The answer scrolls if it is too long.
pub(in crate::ui) fn draw_prompt(
    buf: &mut Buffer,
    area: Rect,
    prompt: &Prompt,
    theme: Theme,
) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    fill(buf, area, Style::new());
    let title = sanitise(
        &prompt.title,
        usize::from(area.width.saturating_sub(10).max(area.width / 2)),
    );
    let start = write(buf, area, area.left(), area.top(), &title, theme.prompt()).saturating_add(1);
    let room = area.right().saturating_sub(start).max(1);
    let start = area.right() - room;

    let options = DisplayOptions::default();
    let mut shown = Vec::new();
    let mut chars = 0;
    let mut cursor = 0;
    for cluster in clusters(&prompt.input) {
        chars += cluster.chars().count();
        cursor += usize::from(chars <= prompt.cursor.0);
        shown.push(if prompt.hidden {
            "•".into()
        } else {
            show(cluster, Column(0), &options).text
        });
    }
    let columns = |text: &Cow<'_, str>| usize::from(columns(text));
    let mut before: usize = shown[..cursor].iter().map(columns).sum();
    let mut skipped = 0;
    while before >= usize::from(room) {
        before -= columns(&shown[skipped]);
        skipped += 1;
    }
    let mut x = start;
    let style = match prompt.selected {
        true => theme.selection(),
        false => Style::new(),
    };
    for text in &shown[skipped..] {
        x = write(buf, area, x, area.top(), text, style);
    }
    Some(Position {
        x: start + before as u16,
        y: area.top(),
    })
}

/// Line and column of the own cursor, from 1.
pub(in crate::ui) fn place(document: &TextView<'_>) -> (usize, usize) {
    let line = line_at(document.rope, document.cursor).0 + 1;
    let column = line_column(document.rope, document.cursor, &document.options);
    (line, column)
}

/// Draws the status bar: as many parts as fit, the most important ones first.
pub(in crate::ui) fn draw_status(
    buf: &mut Buffer,
    area: Rect,
    status: &Status,
    (line, column): (usize, usize),
    theme: Theme,
) {
    let bar = theme.status();
    fill(buf, area, bar);
    let part = |text: &str| Part::of(sanitise(text, PART_COLUMNS), bar);
    let mark = if status.unsaved { " ● " } else { "   " };
    let file = |most: usize| Part::of(format!("{mark}{}", sanitise(&status.file, most)), bar);
    let (file, only_file) = (
        file(FILE_COLUMNS),
        file(area.width.saturating_sub(3).into()),
    );
    let mut position = vec![(format!("{line}:{column}"), bar)];
    if status.unread > 0 {
        position.push(("  ".to_owned(), bar));
        let unread = format!(" {} unread ", status.unread);
        position.push((unread, theme.unread()));
    }
    let position = Part::from(position);
    let names = Part::from(member_names(status, theme));
    let count = Part::of(member_count(status), bar);
    let [author, delivery, short] =
        [&status.author, &status.delivery, &status.delivery_short].map(|text| part(text));
    let [disk, invitation] = [&status.disk, &status.invitation].map(|text| part(text));
    // Who wanted to see an author wants it more than the rest.
    let authored: &[&Part] = if author.width > 0 {
        &[&file, &position, &author, &names]
    } else {
        &[]
    };
    let choices: [&[&Part]; 16] = [
        &[
            &file,
            &position,
            &author,
            &names,
            &delivery,
            &disk,
            &invitation,
        ],
        authored,
        &[&file, &position, &names, &delivery, &disk, &invitation],
        &[&file, &position, &count, &delivery, &disk, &invitation],
        &[&file, &position, &names, &delivery, &disk],
        &[&file, &position, &count, &delivery, &disk],
        &[&file, &position, &names, &delivery, &invitation],
        &[&file, &position, &count, &delivery, &invitation],
        &[&file, &position, &names, &delivery],
        &[&file, &position, &count, &delivery],
        &[&file, &position, &names, &short],
        &[&file, &position, &count, &short],
        &[&file, &position, &short],
        &[&file, &short],
        &[&file, &position],
        &[&only_file],
    ];
    let fits = |parts: &&[&Part]| (1..=area.width).contains(&joined_width(parts));
    let parts = choices.into_iter().find(fits).unwrap_or_default();
    let mut x = area.left();
    for (index, part) in said(parts).enumerate() {
        if index > 0 {
            x = write(buf, area, x, area.top(), GAP, bar);
        }
        for (text, style) in &part.spans {
            x = write(buf, area, x, area.top(), text, *style);
        }
    }
}

type Spans = Vec<(String, Style)>;

/// What is shown side by side or not at all.
struct Part {
    spans: Spans,
    width: u16,
}

impl Part {
    fn of(text: String, style: Style) -> Self {
        Self::from(vec![(text, style)])
    }
}

impl From<Spans> for Part {
    fn from(spans: Spans) -> Self {
        let widths = spans.iter().map(|(text, _)| columns(text));
        let width = widths.fold(0, u16::saturating_add);
        Self { spans, width }
    }
}

/// Between two parts.
const GAP: &str = "  ";

/// The parts that say anything.
fn said<'a>(parts: &'a [&'a Part]) -> impl Iterator<Item = &'a Part> {
    parts.iter().copied().filter(|part| part.width > 0)
}

/// The columns of the parts that say anything, side by side.
fn joined_width(parts: &[&Part]) -> u16 {
    let widths = said(parts).map(|part| part.width);
    widths
        .reduce(|all, part| all.saturating_add(GAP.len() as u16).saturating_add(part))
        .unwrap_or(0)
}

/// Everybody by name, each in the member's colour, those without a link dimmed.
fn member_names(status: &Status, theme: Theme) -> Spans {
    let mut row = Spans::new();
    for member in &status.members {
        if !row.is_empty() {
            row.push((" ".into(), theme.status()));
        }
        let (style, away) = if member.connected {
            (theme.member_label(member.colour), "")
        } else {
            (theme.status().add_modifier(Modifier::DIM), "(away) ")
        };
        row.push((
            format!(" {} {away}", sanitise(&member.name, NAME_COLUMNS)),
            style,
        ));
    }
    row
}

fn member_count(status: &Status) -> String {
    let others = status.members.len();
    let away = status
        .members
        .iter()
        .filter(|member| !member.connected)
        .count();
    match (others, away) {
        (0, _) => String::new(),
        (_, 0) => format!("{} members", others + 1),
        _ => format!("{} members, {away} away", others + 1),
    }
}
