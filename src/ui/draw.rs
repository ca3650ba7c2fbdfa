//! One frame: the view model to cells.
//!
//! What is seen is a pure function of the view and the size. Any size is survived, down to a single cell: first
//! the prompt gets its row, then the text one, then the status bar, then the notice, then the chat.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::canvas::{fill, wrapped};
use super::theme::Theme;
use super::view::{Body, Level, Status, View};
use super::widgets::{bars, chat, connecting, list, panel, text};
use crate::document::display::sanitise;

/// The fewest rows of a screen on which the chat's log has a place.
const LEAST_FOR_CHAT: u16 = 9;

/// The most rows that a notice takes.
const NOTICE_ROWS: usize = 3;

/// The part of `area` in which the text itself is drawn, without line numbers and bars; empty
/// while there is no document. Its height is a page.
pub fn text_area(area: Rect, view: &View<'_>) -> Rect {
    match &view.body {
        Body::Connecting(_) => Rect::ZERO,
        Body::Text(document) => text::split(document, Rows::of(area, view).body).1,
    }
}

/// How many lines of what is open over the text can be scrolled away in `area`: of help, or of the members.
pub fn scroll_end(area: Rect, view: &View<'_>) -> usize {
    let body = || Rows::of(area, view).body;
    match (&view.list, &view.panel) {
        (Some(open), _) => list::scroll_end(body(), open),
        (None, Some(open)) => panel::scroll_end(body(), open, view.theme),
        (None, None) => 0,
    }
}

/// What an area shows of the view that was drawn there last.
#[derive(Debug, Default)]
pub(super) struct Kept {
    text: text::Kept,
    /// All that the status bar and a notice are drawn from.
    status: Option<(Rect, Theme, Status, (usize, usize))>,
    notice: Option<(Rect, Theme, Level, Vec<String>)>,
}

/// What is to be drawn, unless it is what has been drawn last.
fn unless_kept<T: PartialEq>(kept: &mut Option<T>, now: Option<T>) -> Option<&T> {
    let same = *kept == now;
    *kept = now;
    kept.as_ref().filter(|_| !same)
}

/// Draws `view` into `area` and says where the person types, if that is to be seen.
pub fn render(buf: &mut Buffer, area: Rect, view: &View<'_>) -> Option<Position> {
    redraw(buf, area, view, &mut Kept::default()).0
}

/// [`render`] where `kept` says what has been drawn there before. The rows that have been drawn anew come too, from
/// top to bottom.
pub(super) fn redraw(
    buf: &mut Buffer,
    area: Rect,
    view: &View<'_>,
    kept: &mut Kept,
) -> (Option<Position>, Vec<u16>) {
    let rows = Rows::of(area, view);
    let mut drawn = Vec::new();
    let mut cursor = match &view.body {
        Body::Connecting(message) => {
            *kept = Kept::default();
            fill(buf, rows.body, Style::new());
            connecting::draw(buf, rows.body, message);
            None
        }
        Body::Text(document) => {
            let (status, at) = (view.status.clone(), bars::place(document));
            let status = Some((rows.status, view.theme, status, at));
            if let Some((place, theme, status, at)) = unless_kept(&mut kept.status, status) {
                bars::draw_status(buf, *place, status, *at, *theme);
                drawn.extend(place.top()..place.bottom());
            }
            let kept = &mut kept.text;
            text::draw(buf, rows.body, document, view.theme, kept, &mut drawn)
        }
    };
    let mut covered = Vec::new();
    if let Some(members) = &view.panel {
        covered.push(panel::draw(buf, rows.body, members, view.theme));
    }
    if let Some(list) = &view.list {
        covered.push(list::draw(buf, rows.body, list, view.theme));
    }
    if !covered.is_empty() {
        kept.text.forget();
        cursor = cursor.filter(|cursor| !covered.iter().any(|area| area.contains(*cursor)));
    }
    if !covered.is_empty() || matches!(view.body, Body::Connecting(_)) {
        drawn.extend(rows.body.top()..rows.body.bottom());
    }
    for place in [rows.chat, rows.prompt] {
        fill(buf, place, Style::new());
        drawn.extend(place.top()..place.bottom());
    }
    if let Some(said) = view.chat.as_ref().filter(|_| rows.chat.height > 0) {
        chat::draw(buf, rows.chat, said, view.theme);
    }
    let level = view.notice.as_ref().map(|notice| notice.level);
    let notice = level.map(|level| (rows.notice, view.theme, level, rows.notice_lines));
    if let Some((place, theme, level, lines)) = unless_kept(&mut kept.notice, notice) {
        bars::draw_notice(buf, *place, *level, lines, *theme);
        drawn.extend(place.top()..place.bottom());
    }
    if let Some(prompt) = &view.prompt {
        cursor = bars::draw_prompt(buf, rows.prompt, prompt, view.theme);
    }
    drawn.sort_unstable();
    drawn.dedup();
    (cursor, drawn)
}

/// The screen cut into rows, from top to bottom; parts that are not shown are empty.
struct Rows {
    body: Rect,
    chat: Rect,
    notice: Rect,
    notice_lines: Vec<String>,
    prompt: Rect,
    status: Rect,
}

impl Rows {
    fn of(area: Rect, view: &View<'_>) -> Self {
        let mut free = area.height;
        let mut take = |wanted: u16, kept: u16| {
            let taken = wanted.min(free.saturating_sub(kept));
            free -= taken;
            taken
        };
        let prompt = take(view.prompt.is_some().into(), 0);
        let status = take(matches!(view.body, Body::Text(_)).into(), 1);
        let mut notice_lines = match &view.notice {
            Some(notice) => wrapped(&notice.text, area.width),
            None => Vec::new(),
        };
        if notice_lines.len() > NOTICE_ROWS {
            let rest = notice_lines.split_off(NOTICE_ROWS - 1).join(" ");
            notice_lines.push(sanitise(&rest, area.width.into()));
        }
        let notice = take(notice_lines.len() as u16, 1);
        let chat = match view.chat {
            // Below that there is a line to write in, and the notices.
            Some(_) if area.height >= LEAST_FOR_CHAT => take(chat::rows(area.height), 3),
            _ => 0,
        };

        let mut top = area.top();
        let mut rows = |height: u16| {
            let rows = Rect {
                y: top,
                height,
                ..area
            };
            top += height;
            rows
        };
        Self {
            body: rows(free),
            chat: rows(chat),
            notice: rows(notice),
            notice_lines,
            prompt: rows(prompt),
            status: rows(status),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
