//! A row for every command there is: the text with its caret, the command (by its key, if it has one) and what is
//! typed behind it, the text with its caret, and something that the screen shows then.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Rect, Size};

use super::rows::{given, play, shown};
use super::*;
use crate::ui::draw::render;
use crate::ui::keymap::Keymap;
use Command as C;

type Row = (
    Command,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const ROWS: &[Row] = &[
    (C::Save, "a|b", "", "a|b", ""),
    (C::Quit, "a|b", "", "a|b", "Ctrl-Q"),
    (C::Escape, "a^b|", "", "ab|", ""),
    (C::Interrupt, "a|b", "", "a|b", "Ctrl-Q quits"),
    (C::Interrupt, "^a|b", "", "^a|b", "Copied 1 character"),
    (C::Suspend, "a|b", "", "a|b", ""),
    (C::Help, "a|b", "", "a|b", "Save the file"),
    (C::Help, "a|b", "x", "ax|b", "axb"),
    (C::Palette, "a|b", "", "a|b", "Command:"),
    (C::Palette, "a|b", "slct all<enter>", "^ab|", ""),
    (C::Members, "a|b", "", "a|b", " Members "),
    (C::Members, "a|b", "x<esc>", "ax|b", "axb"),
    (C::QrCode, "a|b", "", "a|b", " Members "),
    (C::GoToMember, "a|b", "", "a|b", "Nobody else"),
    (C::Follow, "a|b", "", "a|b", "Nobody else"),
    (C::Chat, "a|b", "x", "a|b", "Say: x"),
    (C::Chat, "a|b", "hello<enter>", "a|b", " hello"),
    (C::Chat, "a|b", "hello<enter><esc>x<esc>", "ax|b", "axb"),
    (C::Chat, "a|b", "hel<esc><f4>lo", "a|b", "Say: hello"),
    (C::Chat, "a|b", "<f4>x", "ax|b", "axb"),
    (C::LookHere, "a|b", "", "a|b", "Nobody else"),
    (C::Look, "a|b", "", "a|b", "Nobody has asked"),
    (C::Authors, "a|b", "", "a|b", "by you, just now"),
    (C::TakeBack, "a|b", "", "a|b", "There is nobody else"),
    (C::Host, "a|b", "", "a|b", ""),
    (C::Wrap, "a|b", "", "a|b", "Long lines are wrapped"),
    (C::LineNumbers, "a|b", "", "a|b", "Lines are not numbered"),
    (C::Whitespace, "a| b", "", "a| b", "a·b"),
    (C::NewCode, "a|b", "", "a|b", "A new session code"),
    (C::Retry, "a|b", "", "a|b", "Nobody is away"),
    (C::NextChange, "a|b", "", "a|b", "Nobody has come back"),
    (
        C::DiscardRecovered,
        "a|b",
        "",
        "a|b",
        "Nothing was recovered",
    ),
    (C::Undo, "a|b", "", "|", ""),
    (C::Undo, "|", "one two<ctrl-z>", "one |", ""),
    (C::Redo, "|", "one two<ctrl-z><ctrl-z><ctrl-y>", "one |", ""),
    (C::Copy, "a^b|c", "<right><ctrl-v>", "abb|c", ""),
    (C::Cut, "a^b|c", "", "a|c", "Cut 1 character"),
    (C::Cut, "a|b\nc", "", "|c", "Cut 1 line"),
    (C::Paste, "a|b", "", "a|b", ""),
    (C::SelectAll, "a|b", "", "^ab|", ""),
    (C::Find, "|ab b", "b", "a^b| b", "1 of 2"),
    (C::FindNext, "|ab b", "b<f3>", "ab ^b|", "2 of 2"),
    (
        C::FindPrevious,
        "|ab b",
        "b<shift-f3>",
        "ab ^b|",
        "from the other end",
    ),
    (
        C::Replace,
        "|ab b",
        "b<enter>x<enter>a",
        "ax| x",
        "Replaced 2",
    ),
    (C::FindCase, "a|b", "", "a|b", ""),
    (C::FindWord, "a|b", "", "a|b", ""),
    (C::FindRegex, "a|b", "", "a|b", ""),
    (C::GoToLine, "|a\nbc", "2:2<enter>", "a\nb|c", ""),
    (C::Newline, "  a|b", "", "  a\n  |b", ""),
    (C::Tab, "|a", "", "\t|a", ""),
    (C::Tab, "^a\nb|", "", "\t^a\n\tb|", ""),
    (C::Outdent, "\ta|", "", "a|", ""),
    (C::Backspace, "ae\u{301}|b", "", "a|b", ""),
    (C::Backspace, "a^bc|d", "", "a|d", ""),
    (C::Delete, "a|🇩🇪b", "", "a|b", ""),
    (C::DeleteWordLeft, "one two|", "", "one |", ""),
    (C::DeleteWordRight, "|one two", "", "| two", ""),
    (C::DeleteLines, "a\nb|b\nc", "", "a\n|c", ""),
    (C::MoveLinesUp, "a\nb|b", "", "b|b\na", ""),
    (C::MoveLinesDown, "a|a\nb", "", "b\na|a", ""),
    (C::DuplicateLines, "a|b\nc", "", "ab\na|b\nc", ""),
    (C::ToggleComment, "a|b", "", "<!-- a|b -->", ""),
    (C::Left, "a👩‍👩‍👧‍👦|b", "", "a|👩‍👩‍👧‍👦b", ""),
    (C::Right, "a|漢b", "", "a漢|b", ""),
    (C::Up, "ab\nc|d", "", "a|b\ncd", ""),
    (C::Down, "a|b\ncd", "", "ab\nc|d", ""),
    (C::WordLeft, "one two|", "", "one |two", ""),
    (C::WordRight, "|one two", "", "one| two", ""),
    (C::LineStart, "  a|b", "", "  |ab", ""),
    (C::LineEnd, "a|b\nc", "", "ab|\nc", ""),
    (C::PageUp, "a\nb\nc|", "", "a|\nb\nc", ""),
    (C::PageDown, "|a\nb\nc", "", "a\nb\n|c", ""),
    (C::ParagraphUp, "a\n\nb|", "", "a\n|\nb", ""),
    (C::ParagraphDown, "|a\n\nb", "", "a\n|\nb", ""),
    (C::Bracket, "|(a)", "", "(a|)", ""),
    (C::DocumentStart, "a\nb|", "", "|a\nb", ""),
    (C::DocumentEnd, "|a\nb\n", "", "a\nb\n|", ""),
    (C::SelectLeft, "ab|", "", "a|b^", ""),
    (C::SelectRight, "|ab", "", "^a|b", ""),
    (C::SelectUp, "ab\nc|d", "", "a|b\nc^d", ""),
    (C::SelectDown, "a|b\ncd", "", "a^b\nc|d", ""),
    (C::SelectWordLeft, "one two|", "", "one |two^", ""),
    (C::SelectWordRight, "|one two", "", "^one| two", ""),
    (C::SelectLineStart, "  a|b", "", "  |a^b", ""),
    (C::SelectLineEnd, "a|b\nc", "", "a^b|\nc", ""),
    (C::SelectPageUp, "a\nb\nc|", "", "a|\nb\nc^", ""),
    (C::SelectPageDown, "|a\nb\nc", "", "^a\nb\n|c", ""),
    (C::SelectParagraphUp, "a\n\nb|", "", "a\n|\nb^", ""),
    (C::SelectParagraphDown, "|a\n\nb", "", "^a\n|\nb", ""),
    (C::SelectBracket, "|(a)", "", "^(a|)", ""),
    (C::SelectDocumentStart, "a\nb|", "", "|a\nb^", ""),
    (C::SelectDocumentEnd, "|a\nb", "", "^a\nb|", ""),
];

/// What the screen shows.
fn screen(model: &mut Model) -> String {
    let size = Size::new(80, 24);
    let area = Rect::new(0, 0, size.width, size.height);
    let mut buf = Buffer::empty(area);
    render(&mut buf, area, &model.view(size, NOW));
    let rows = buf.content.chunks(area.width.into());
    let row = |row: &[Cell]| row.iter().map(Cell::symbol).collect::<String>();
    rows.map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_command_does_what_its_row_says() {
    let keymap = Keymap::default();
    for (command, before, keys, after, shows) in ROWS {
        let mut model = given(before);
        screen(&mut model);
        let first = keymap.chords(*command).next();
        match first {
            Some(chord) => play(
                &mut model,
                &format!("<{}>", chord.to_string().to_lowercase()),
            ),
            None => drop(turn(&mut model, [Event::Action((*command).into())])),
        }
        play(&mut model, keys);
        let name = command.name();
        let screen = screen(&mut model);
        assert_eq!(shown(&model), *after, "{name}, {keys} on {before:?}");
        assert!(
            screen.contains(shows),
            "{name}, {keys} on {before:?} does not show {shows:?}:\n{screen}"
        );
        model.core.document().check_invariants();
    }
}

#[test]
fn every_command_has_a_row() {
    let missing: Vec<&str> = Command::ALL
        .iter()
        .filter(|command| !ROWS.iter().any(|(with, ..)| with == *command))
        .map(|command| command.name())
        .collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
}
