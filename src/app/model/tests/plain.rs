//! Random actions through the model's update, beside a model that is nothing but characters in a row: each with
//! who brought it and who took it away. After every action text, caret and selection are the same.
//!
//! `COLLAB_EDIT_SEED=n` replays one run, `COLLAB_EDIT_SEEDS=0..10000` are many.

use unicode_segmentation::UnicodeSegmentation;

use super::rows::by_another;
use super::*;
use crate::document::CharPos;

/// One character that was ever there.
#[derive(Clone, Copy, Debug)]
struct Cell {
    char: char,
    /// Whether it was typed here, and not by another member.
    own: bool,
    gone_by_own: bool,
    gone_by_other: bool,
}

impl Cell {
    const fn shows(&self) -> bool {
        !self.gone_by_own && !self.gone_by_other
    }
}

/// What holds a place: the character before it, or the one behind it, by its number in the row; none is the edge
/// of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Held {
    Behind(Option<u32>),
    Before(Option<u32>),
}

/// Characters in a row, with those that are gone, and their names.
#[derive(Default)]
struct Plain {
    cells: Vec<(u32, Cell)>,
    names: u32,
    caret: Option<Held>,
    mark: Option<Held>,
    copied: String,
}

impl Plain {
    fn text(&self) -> String {
        let shown = self.cells.iter().filter(|(_, cell)| cell.shows());
        shown.map(|(_, cell)| cell.char).collect()
    }

    /// Where in the row visible character number `at` is.
    fn index(&self, at: usize) -> Option<usize> {
        let mut shown = (0..self.cells.len()).filter(|&i| self.cells[i].1.shows());
        shown.nth(at)
    }

    fn place(&self, held: Held) -> usize {
        let before = |name: u32, with: bool| {
            let at = self.cells.iter().position(|(other, _)| *other == name);
            let at = at.expect("it was there once");
            let end = at + usize::from(with);
            let cells = self.cells[..end].iter();
            cells.filter(|(_, cell)| cell.shows()).count()
        };
        match held {
            Held::Behind(None) => 0,
            Held::Behind(Some(name)) => before(name, true),
            Held::Before(None) => self.text().chars().count(),
            Held::Before(Some(name)) => before(name, false),
        }
    }

    fn behind(&self, at: usize) -> Held {
        let name = |index: usize| self.cells[index].0;
        Held::Behind(at.checked_sub(1).and_then(|at| self.index(at)).map(name))
    }

    fn before(&self, at: usize) -> Held {
        Held::Before(self.index(at).map(|index| self.cells[index].0))
    }

    fn caret(&self) -> usize {
        self.caret.map_or(0, |caret| self.place(caret))
    }

    fn selection(&self) -> Option<std::ops::Range<usize>> {
        let (mark, caret) = (self.place(self.mark?), self.caret());
        (mark != caret).then(|| mark.min(caret)..mark.max(caret))
    }

    fn select(&mut self, mark: Option<usize>, caret: usize) {
        (self.mark, self.caret) = match mark.filter(|mark| *mark != caret) {
            None => (None, Some(self.behind(caret))),
            Some(mark) if mark <= caret => (Some(self.before(mark)), Some(self.behind(caret))),
            Some(mark) => (Some(self.behind(mark)), Some(self.before(caret))),
        };
    }

    /// What is inserted goes right behind the character before, whatever is gone there.
    fn replace(&mut self, range: std::ops::Range<usize>, text: &str, own: bool) {
        for _ in range.clone() {
            let index = self.index(range.start).expect("a character");
            let cell = &mut self.cells[index].1;
            *(if own {
                &mut cell.gone_by_own
            } else {
                &mut cell.gone_by_other
            }) = true;
        }
        let behind = range.start.checked_sub(1).and_then(|at| self.index(at));
        let first = behind.map_or(0, |at| at + 1);
        for (index, char) in (first..).zip(text.chars()) {
            let cell = Cell {
                char,
                own,
                gone_by_own: false,
                gone_by_other: false,
            };
            self.cells.insert(index, (self.names, cell));
            self.names += 1;
        }
    }

    fn insert(&mut self, text: &str) {
        let caret = self.caret();
        let range = self.selection().unwrap_or(caret..caret);
        let end = range.start + text.chars().count();
        self.replace(range, text, true);
        self.select(None, end);
    }

    /// Where clusters begin, and the end.
    fn borders(&self) -> Vec<usize> {
        let mut at = 0;
        let mut borders = vec![0];
        for cluster in self.text().graphemes(true) {
            at += cluster.chars().count();
            borders.push(at);
        }
        borders
    }

    fn left_of(&self, at: usize) -> usize {
        let borders = self.borders();
        borders
            .into_iter()
            .rfind(|border| *border < at)
            .unwrap_or(0)
    }

    fn right_of(&self, at: usize) -> usize {
        let borders = self.borders();
        borders
            .into_iter()
            .find(|border| *border > at)
            .unwrap_or(at)
    }

    fn line_end(&self, at: usize) -> usize {
        let text: Vec<char> = self.text().chars().collect();
        let rest = text[at..].iter().position(|c| *c == '\n');
        rest.map_or(text.len(), |rest| at + rest)
    }

    fn erase(&mut self, to: impl Fn(&Self, usize) -> usize) {
        let caret = self.caret();
        let range = self.selection().unwrap_or_else(|| {
            let to = to(self, caret);
            to.min(caret)..to.max(caret)
        });
        let start = range.start;
        self.replace(range, "", true);
        self.select(None, start);
    }

    fn go(&mut self, to: usize, select: bool) {
        let mark = self.mark.map(|mark| self.place(mark));
        let mark = select.then(|| mark.unwrap_or_else(|| self.caret()));
        self.select(mark, to);
    }

    fn command(&mut self, command: Command) {
        let caret = self.caret();
        let selection = self.selection();
        match command {
            Command::Left | Command::SelectLeft => {
                let select = command == Command::SelectLeft;
                let plain = selection.filter(|_| !select).map(|range| range.start);
                self.go(plain.unwrap_or_else(|| self.left_of(caret)), select);
            }
            Command::Right | Command::SelectRight => {
                let select = command == Command::SelectRight;
                let plain = selection.filter(|_| !select).map(|range| range.end);
                self.go(plain.unwrap_or_else(|| self.right_of(caret)), select);
            }
            Command::LineEnd => self.go(self.line_end(caret), false),
            Command::SelectLineEnd => self.go(self.line_end(caret), true),
            Command::DocumentStart => self.go(0, false),
            Command::SelectDocumentStart => self.go(0, true),
            Command::DocumentEnd => self.go(self.text().chars().count(), false),
            Command::SelectAll => self.select(Some(0), self.text().chars().count()),
            Command::Escape => self.select(None, caret),
            Command::Backspace => self.erase(Self::left_of),
            Command::Delete => self.erase(Self::right_of),
            Command::Newline => self.insert("\n"),
            Command::Copy | Command::Cut => {
                let text = self.text();
                let line = || {
                    let start = text.chars().take(caret).collect::<Vec<_>>();
                    let start = start
                        .iter()
                        .rposition(|c| *c == '\n')
                        .map_or(0, |at| at + 1);
                    let end = (self.line_end(caret) + 1).min(text.chars().count());
                    (command == Command::Cut && start < end).then_some(start..end)
                };
                if let Some(range) = selection.or_else(line) {
                    let picked = text.chars().skip(range.start).take(range.len());
                    self.copied = picked.collect();
                    if command == Command::Cut {
                        let start = range.start;
                        self.replace(range, "", true);
                        self.select(None, start);
                    }
                }
            }
            Command::Paste if self.copied.is_empty() => {}
            Command::Paste => self.insert(&self.copied.clone()),
            _ => unreachable!("not among those that are chosen"),
        }
    }
}

const COMMANDS: &[Command] = &[
    Command::Left,
    Command::SelectLeft,
    Command::Right,
    Command::SelectRight,
    Command::LineEnd,
    Command::SelectLineEnd,
    Command::DocumentStart,
    Command::SelectDocumentStart,
    Command::DocumentEnd,
    Command::SelectAll,
    Command::Escape,
    Command::Backspace,
    Command::Delete,
    Command::Newline,
    Command::Copy,
    Command::Cut,
    Command::Paste,
];

const TEXTS: &[&str] = &[
    "a",
    "b",
    " ",
    "\n",
    "é",
    "e\u{301}",
    "\u{301}",
    "漢",
    "👩‍👩‍👧",
    "🇩🇪",
    "\u{1f1e9}",
    "\u{200d}",
    "\t",
    "שלום",
    "word ",
];

fn compare(model: &Model, plain: &Plain, did: &str) {
    let core = &model.core;
    assert_eq!(
        core.document().rope().to_string(),
        plain.text(),
        "the text, after {did}"
    );
    let caret = model.editor.cursor(core).0;
    assert_eq!(caret, plain.caret(), "the caret, after {did}");
    let selection = model.editor.selection(core);
    let selection = selection.map(|range| range.start.0..range.end.0);
    assert_eq!(selection, plain.selection(), "the selection, after {did}");
}

fn run(seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut model = alone(folder.path());
    model.settings.auto_indent = false;
    model.take_habits();
    let mut plain = Plain::default();
    let mut now = 0;
    for step in 0..rng.usize(20..120) {
        // Some steps of undo are by pause.
        now += rng.u64(0..900);
        let act = |model: &mut Model, action: Action| {
            model.update(Event::Action(action), Time(now));
            turn(model, []);
        };
        let text = TEXTS[rng.usize(..TEXTS.len())];
        let did = match rng.u8(0..20) {
            0..=6 => {
                for c in text.chars().filter(|c| *c != '\n' && *c != '\t') {
                    act(&mut model, Action::Insert(c));
                    plain.insert(c.encode_utf8(&mut [0; 4]));
                }
                format!("typing {text:?}")
            }
            7 => {
                let text = text.repeat(3);
                act(&mut model, Action::Paste(text.clone()));
                plain.insert(&text);
                format!("pasting {text:?}")
            }
            8..=10 => {
                let len = plain.text().chars().count();
                let at = rng.usize(0..=len);
                let gone = rng.usize(0..4).min(len - at);
                by_another(&mut model, at, gone, text);
                turn(&mut model, []);
                plain.replace(at..at + gone, text, false);
                format!("another's {text:?} for {gone} at {at}")
            }
            11 => {
                // As many undos as redos change nothing, whatever others did.
                let before = model.core.document().rope().to_string();
                let place = (
                    model.editor.marks(&model.core),
                    model.editor.selection(&model.core),
                );
                let times = rng.usize(1..4);
                for _ in 0..times {
                    act(&mut model, Command::Undo.into());
                }
                for _ in 0..times {
                    act(&mut model, Command::Redo.into());
                }
                assert_eq!(
                    model.core.document().rope().to_string(),
                    before,
                    "undo and redo"
                );
                let ((mark, caret), _) = place;
                let (mark, caret) = (mark.map(|mark| mark.0), caret.0);
                model
                    .editor
                    .select(&model.core, mark.map(CharPos), CharPos(caret));
                plain.select(mark, caret);
                format!("{times} undos and redos")
            }
            _ => {
                let command = COMMANDS[rng.usize(..COMMANDS.len())];
                act(&mut model, command.into());
                plain.command(command);
                command.name().to_owned()
            }
        };
        compare(&model, &plain, &format!("step {step}, {did}"));
    }
    model.core.document().check_invariants();
    // Undone to the end (more often than there were edits, since one that put in what was there shows
    // nothing), what others did is there and nothing else.
    for _ in 0..1_000 {
        model.update(Event::Action(Command::Undo.into()), Time(now));
    }
    turn(&mut model, []);
    let cells = plain.cells.iter().map(|(_, cell)| cell);
    let others: String = cells
        .filter(|cell| !cell.own && !cell.gone_by_other)
        .map(|cell| cell.char)
        .collect();
    assert_eq!(
        model.core.document().rope().to_string(),
        others,
        "after all undos"
    );
    model.core.document().check_invariants();
}

#[test]
fn random_actions_end_as_with_plain_characters() {
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let seeds = match (
        std::env::var("COLLAB_EDIT_SEED"),
        std::env::var("COLLAB_EDIT_SEEDS"),
    ) {
        (Ok(seed), _) => number(&seed)..number(&seed) + 1,
        (_, Ok(seeds)) => {
            let (from, to) = seeds.split_once("..").expect("from..to");
            number(from)..number(to)
        }
        _ => 0..200,
    };
    for seed in seeds {
        println!("COLLAB_EDIT_SEED={seed}");
        run(seed);
    }
}
