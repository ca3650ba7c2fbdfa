//! One frame: the view model to cells.
//!
//! A pure function of the view and the size. Any size is survived, down to a single cell: first
//! the prompt gets its row, then the text one, then the status bar, then the notice.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::canvas::wrapped;
use super::view::{Body, View};
use super::widgets::{bars, connecting, list, panel, text};
use crate::document::display::sanitise;

/// The most rows that a notice takes.
const NOTICE_ROWS: usize = 3;

/// Draws `view` and puts the terminal's cursor where the person types.
pub fn draw(frame: &mut Frame<'_>, view: &View<'_>) {
    let area = frame.area();
    if let Some(cursor) = render(frame.buffer_mut(), area, view) {
        frame.set_cursor_position(cursor);
    }
}

/// The part of `area` in which the text itself is drawn, without line numbers and bars; empty
/// while there is no document. Its height is a page.
pub fn text_area(area: Rect, view: &View<'_>) -> Rect {
    match &view.body {
        Body::Connecting(_) => Rect::ZERO,
        Body::Text(document) => text::split(document, Rows::of(area, view).body).1,
    }
}

fn render(buf: &mut Buffer, area: Rect, view: &View<'_>) -> Option<Position> {
    let rows = Rows::of(area, view);
    let mut cursor = match &view.body {
        Body::Connecting(message) => {
            connecting::draw(buf, rows.body, message);
            None
        }
        Body::Text(document) => {
            bars::draw_status(buf, rows.status, &view.status, document, view.theme);
            text::draw(buf, rows.body, document, view.theme)
        }
    };
    if let Some(members) = &view.panel {
        let covered = panel::draw(buf, rows.body, members, view.theme);
        cursor = cursor.filter(|&cursor| !covered.contains(cursor));
    }
    if let Some(list) = &view.list {
        let covered = list::draw(buf, rows.body, list, view.theme);
        cursor = cursor.filter(|&cursor| !covered.contains(cursor));
    }
    if let Some(notice) = &view.notice {
        bars::draw_notice(
            buf,
            rows.notice,
            notice.level,
            &rows.notice_lines,
            view.theme,
        );
    }
    match &view.prompt {
        Some(prompt) => bars::draw_prompt(buf, rows.prompt, prompt, view.theme),
        None => cursor,
    }
}

/// The screen cut into rows, from top to bottom; parts that are not shown are empty.
struct Rows {
    body: Rect,
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
            notice: rows(notice),
            notice_lines,
            prompt: rows(prompt),
            status: rows(status),
        }
    }
}

#[cfg(test)]
mod tests;
