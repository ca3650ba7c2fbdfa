//! Cells to SVG, each at its place, so that wide symbols shift nothing: for the pictures of single screens
//! beside this file and, by its path, for the film that `tests/it/film.rs` makes of the real program.

use std::fmt::Write;

use ratatui::buffer::{Buffer, CellWidth};
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};

/// The size of a cell.
pub(crate) const CELL: (u16, u16) = (9, 18);

/// What cells without colours of their own have, as SVG writes it.
pub(crate) struct Colours {
    pub(crate) paper: &'static str,
    pub(crate) ink: &'static str,
}

/// The elements of each row. The background is not among them.
pub(crate) fn rows(buf: &Buffer, cursor: Option<Position>, colours: &Colours) -> Vec<String> {
    let rows = 0..buf.area.height;
    rows.map(|y| row(buf, y, cursor, colours)).collect()
}

fn row(buf: &Buffer, y: u16, cursor: Option<Position>, colours: &Colours) -> String {
    let (wide, high) = CELL;
    let Colours { paper, ink } = *colours;
    let mut svg = String::new();
    let mut x = 0;
    while x < buf.area.width {
        let cell = &buf[(x, y)];
        let columns = cell.cell_width().max(1);
        let has = |modifier| cell.modifier.contains(modifier);
        let mut back = colour(cell.bg).unwrap_or_else(|| paper.to_owned());
        let mut front = colour(cell.fg).unwrap_or_else(|| ink.to_owned());
        if has(Modifier::REVERSED) {
            std::mem::swap(&mut back, &mut front);
        }
        let (left, top) = (x * wide, y * high);
        let mut line = |text: std::fmt::Arguments<'_>| svg.write_fmt(text).expect("a string");
        if back != paper {
            line(format_args!(
                "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{high}\" fill=\"{back}\"/>\n",
                columns * wide
            ));
        }
        if cursor == Some(Position { x, y }) {
            line(format_args!(
                "<rect x=\"{left}\" y=\"{top}\" width=\"2\" height=\"{high}\" fill=\"{ink}\"/>\n"
            ));
        }
        if cell.symbol().trim() != "" {
            let weight = if has(Modifier::BOLD) {
                " font-weight=\"bold\""
            } else {
                ""
            };
            let dim = if has(Modifier::DIM) {
                " opacity=\"0.6\""
            } else {
                ""
            };
            let decoration = if has(Modifier::UNDERLINED) {
                " text-decoration=\"underline\""
            } else {
                ""
            };
            let text = cell.symbol().replace('&', "&amp;").replace('<', "&lt;");
            line(format_args!(
                "<text x=\"{left}\" y=\"{}\" fill=\"{front}\"{weight}{dim}{decoration}>{text}</text>\n",
                top + 14
            ));
        }
        x += columns;
    }
    svg
}

/// A colour of the palette as xterm has it.
fn colour(colour: Color) -> Option<String> {
    let index = match colour {
        Color::Indexed(index) => index,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        _ => return None,
    };
    let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
    let [r, g, b] = match index {
        0..=15 => {
            let own = [
                [0, 0, 0],
                [205, 0, 0],
                [0, 205, 0],
                [205, 205, 0],
                [0, 0, 238],
                [205, 0, 205],
                [0, 205, 205],
                [229, 229, 229],
                [127, 127, 127],
            ];
            own[usize::from(index).min(8)]
        }
        16..=231 => [(index - 16) / 36, (index - 16) / 6 % 6, (index - 16) % 6].map(step),
        _ => [8 + 10 * (index - 232); 3],
    };
    Some(format!("#{r:02x}{g:02x}{b:02x}"))
}
