//! The moving picture in the README: two real programs in two terminals, and what their screens show while
//! two people use them. Each row of a screen is drawn once for as long as it stays the same.
//!
//! As a test it plays the story; `PICTURES=new cargo test --test it film` draws the picture anew.

#[path = "../../src/ui/draw/tests/svg.rs"]
mod svg;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier};

use self::svg::{CELL, Colours, rows};
use super::launch::Launch;
use super::scratch::Scratch;
use super::terminal::Terminal;

const SIZE: (u16, u16) = (9, 80);

const NIGHT: Colours = Colours {
    paper: "#1e1e2e",
    ink: "#d8d8e0",
};

/// The height of what stands above each screen.
const TITLE: u16 = 24;

/// How long a picture stays while somebody types, in milliseconds.
const KEY: u32 = 140;

/// How long one stays that is to be read.
const READ: u32 = 1_800;

const CODE: &str = "otter-lamp-river-moon";

/// Rows of the two screens one below the other, and how long they are shown, in milliseconds.
type Shot = (Vec<String>, u32);

/// What has been filmed.
struct Film {
    shots: Vec<Shot>,
    time: u32,
}

impl Film {
    fn shoot(&mut self, screens: [Option<&Terminal>; 2], how_long: u32) {
        let blank = || vec![String::new(); usize::from(SIZE.0)];
        let rows = screens.map(|screen| screen.map_or_else(blank, drawn));
        self.shots.push((rows.concat(), how_long));
        self.time += how_long;
    }

    /// When each row of each look is shown: from, to.
    fn spans(&self) -> BTreeMap<(u32, u32), Vec<(usize, &str)>> {
        let mut spans: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in 0..usize::from(SIZE.0) * 2 {
            let (mut at, mut since, mut look) = (0, 0, "");
            for (rows, how_long) in &self.shots {
                if rows[row] != look {
                    spans.entry((since, at)).or_default().push((row, look));
                    (since, look) = (at, rows[row].as_str());
                }
                at += how_long;
            }
            spans.entry((since, at)).or_default().push((row, look));
        }
        spans
    }

    /// The moving picture. Where pictures do not move, its end.
    fn svg(&self, names: [&str; 2]) -> String {
        let (wide, high) = CELL;
        let (width, height) = (SIZE.1 * wide, SIZE.0 * high);
        let mut style = String::from(".past{visibility:hidden}");
        let mut drawn = String::new();
        for (number, name) in (0..).zip(names) {
            let top = number * (height + TITLE);
            writeln!(
                drawn,
                "<text x=\"4\" y=\"{}\" fill=\"#8888a0\">{name}</text>\n<rect y=\"{}\" width=\"{width}\" height=\"{height}\" fill=\"{}\"/>",
                top + 16,
                top + TITLE,
                NIGHT.paper
            )
            .expect("a string");
        }
        for (number, ((from, to), rows)) in self.spans().into_iter().enumerate() {
            let percent = |time: u32| f64::from(time) * 100.0 / f64::from(self.time);
            let is_last = to == self.time;
            let past = if is_last { "" } else { " past" };
            if rows.iter().all(|(_, look)| look.is_empty()) {
                continue;
            }
            let mut steps = String::new();
            if from > 0 {
                steps += "0%{visibility:hidden}";
            }
            write!(steps, "{:.3}%{{visibility:visible}}", percent(from)).expect("a string");
            if !is_last {
                write!(steps, "{:.3}%{{visibility:hidden}}", percent(to)).expect("a string");
            }
            write!(
                style,
                "\n@keyframes k{number}{{{steps}}}.k{number}{{animation:k{number} {}ms step-end infinite}}",
                self.time
            )
            .expect("a string");
            writeln!(drawn, "<g class=\"k{number}{past}\">").expect("a string");
            for (row, look) in rows.into_iter().filter(|(_, look)| !look.is_empty()) {
                // A row has its place in its screen already.
                let screen = u16::from(row >= usize::from(SIZE.0));
                let down = screen * (height + TITLE) + TITLE;
                writeln!(drawn, "<g transform=\"translate(0 {down})\">\n{look}</g>")
                    .expect("a string");
            }
            drawn += "</g>\n";
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {0}\" width=\"{width}\" height=\"{0}\" font-family=\"monospace\" font-size=\"15\">\n<style>{style}\n@media (prefers-reduced-motion){{g{{animation:none!important}}}}</style>\n{drawn}</svg>\n",
            2 * (height + TITLE),
        )
    }
}

/// A screen's rows.
fn drawn(terminal: &Terminal) -> Vec<String> {
    let (buffer, cursor) = terminal.look(|screen| {
        let (rows, columns) = screen.size();
        let area = Rect::new(0, 0, columns.get(), rows.get());
        let mut buffer = Buffer::empty(area);
        for position in area.positions() {
            let Some(cell) = screen.cell(position.y, position.x) else {
                continue;
            };
            let into = &mut buffer[position];
            if cell.has_contents() {
                into.set_symbol(cell.contents());
            }
            into.fg = colour(cell.fgcolor());
            into.bg = colour(cell.bgcolor());
            for (has, modifier) in [
                (cell.bold(), Modifier::BOLD),
                (cell.dim(), Modifier::DIM),
                (cell.underline(), Modifier::UNDERLINED),
                (cell.inverse(), Modifier::REVERSED),
            ] {
                into.modifier.set(modifier, has);
            }
        }
        let (y, x) = screen.cursor_position();
        let cursor = (!screen.hide_cursor()).then_some(Position { x, y });
        (buffer, cursor)
    });
    rows(&buffer, cursor, &NIGHT)
}

fn colour(colour: vt100::Color) -> Color {
    match colour {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(index) => Color::Indexed(index),
        vt100::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}

/// Both type at the same time, each so many keys; both see both.
fn type_together(film: &mut Film, ann: &Terminal, ben: &Terminal, words: [&str; 2]) {
    let keys: [Vec<char>; 2] = words.map(|words| words.chars().collect());
    for number in 1..=keys[0].len().max(keys[1].len()) {
        for (member, keys) in [ann, ben].into_iter().zip(&keys) {
            if let Some(key) = keys.get(number - 1) {
                member.type_text(&key.to_string());
            }
        }
        for keys in &keys {
            let so_far: String = keys.iter().take(number).collect();
            for member in [ann, ben] {
                member.wait_for_text(so_far.trim_end());
            }
        }
        film.shoot([Some(ann), Some(ben)], KEY);
    }
}

#[test]
fn two_people_write_one_list() {
    let draw = std::env::var_os("PICTURES").is_some();
    let scratch = Scratch::new();
    let file = scratch.file("ann/plan.md", "# Saturday\n\n- bread\n- olives\n");
    let copy = scratch.folder("ben").join("plan.md");
    let mut film = Film {
        shots: Vec::new(),
        time: 0,
    };
    let ann = Launch::edit(&file).arg("--host").arg("--listen");
    // The picture is to show the usual port.
    let ann = ann.arg(if draw {
        "127.0.0.1:4700"
    } else {
        "127.0.0.1:0"
    });
    let ann = ann.name("Ann").code(CODE).size(SIZE.0, SIZE.1);
    let ann = ann.terminal().ready();
    ann.wait_for_text("olives");
    ann.wait_for_text("--join 127.0.0.1:");
    film.shoot([Some(&ann), None], READ);

    let ben = Launch::join(ann.address(&[]), &copy).name("Ben");
    let ben = ben.size(SIZE.0, SIZE.1).terminal();
    ben.wait_for_text("ode");
    film.shoot([Some(&ann), Some(&ben)], READ / 2);
    for key in CODE.chars() {
        let before = ben.screen();
        let cursor = ben.cursor();
        ben.type_text(&key.to_string());
        ben.wait_for("the key", |screen| {
            screen.contents() != before || screen.cursor_position() != cursor
        });
        film.shoot([Some(&ann), Some(&ben)], KEY / 2);
    }
    ben.keys("Enter");
    ben.wait_for_text("olives");
    ben.wait_for_text("Ann");
    ann.wait_for_text("Ben");
    film.shoot([Some(&ann), Some(&ben)], READ);

    ann.keys("Ctrl-End");
    ben.keys("Ctrl-Home Down*2 End");
    ann.wait_for("Ben behind his line", |screen| {
        screen.contents().contains("- bread Ben") || screen.contents().contains("- breadBen")
    });
    type_together(
        &mut film,
        &ann,
        &ben,
        ["- ask Zoë about the 🎸", ", two loaves"],
    );
    ben.wait_for("Ann behind her line", |screen| {
        let contents = screen.contents();
        let mut lines = contents.lines();
        lines.any(|line| line.contains("Zoë") && line.contains("Ann"))
    });
    film.shoot([Some(&ann), Some(&ben)], READ);

    let mut steps = 0;
    while ann.find("- ask").is_some() {
        let before = ann.screen();
        ann.keys("Ctrl-z");
        ann.wait_for("Ctrl-Z to take something back", |screen| {
            screen.contents() != before
        });
        film.shoot([Some(&ann), Some(&ben)], KEY * 2);
        steps += 1;
    }
    for member in [&ann, &ben] {
        member.wait_without_text("- ask");
        member.wait_for_text("two loaves");
    }
    film.shoot([Some(&ann), Some(&ben)], READ);
    ann.keys(&format!("Ctrl-y*{steps}"));
    for member in [&ann, &ben] {
        member.wait_for_text("- ask Zoë about the 🎸");
    }
    film.shoot([Some(&ann), Some(&ben)], READ / 2);
    ben.keys("Ctrl-s");
    ben.wait_for_text("Saved");
    ann.wait_for_text("saved at all others");
    // The path is this machine's; the next key takes the notice away.
    ben.keys("Up");
    ben.wait_without_text("Saved");
    ann.wait_without_text("loaves Ben");
    film.shoot([Some(&ann), Some(&ben)], READ * 2);

    let picture = film.svg(["Ann hosts", "Ben joins"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screens/two.svg");
    if draw {
        std::fs::write(&path, picture).expect("a picture can be written");
    }
    assert!(path.exists(), "PICTURES=new draws it");
}
