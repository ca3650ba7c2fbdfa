//! Rows of a text with its caret, keys, and the text with its caret: through the model's update.
//!
//! `|` is the caret, `^` the other end of the selection. Keys are typed text and `<chords>`.

mod find;

use super::*;
use crate::app::clipboard::Way;
use crate::app::config::Clipboard;
use crate::crdt::AuthorId;
use crate::document::position::line_at;
use crate::document::{CharPos, EditKind};
use crate::ui::action::Mouse;
use crate::ui::keymap::Keymap;
use ratatui::layout::{Position, Size};

/// A model with this text, caret and selection.
pub(super) fn given(text: &str) -> Model {
    let folder = tempfile::tempdir().unwrap();
    let mut model = alone(folder.path());
    let mut plain = String::new();
    let (mut caret, mut mark) = (0, None);
    for c in text.chars() {
        match c {
            '|' => caret = plain.chars().count(),
            '^' => mark = Some(plain.chars().count()),
            c => plain.push(c),
        }
    }
    let start = CharPos(0)..CharPos(0);
    model.core.edit(start, &plain, EditKind::Whole, NOW);
    turn(&mut model, []);
    model.take_habits();
    model
        .editor
        .select(&model.core, mark.map(CharPos), CharPos(caret));
    model
}

/// The text with caret and selection.
pub(super) fn shown(model: &Model) -> String {
    let caret = model.editor.cursor(&model.core);
    let mut marks = vec![(caret, '|')];
    if let Some(range) = model.editor.selection(&model.core) {
        let mark = if range.start == caret {
            range.end
        } else {
            range.start
        };
        marks.push((mark, '^'));
    }
    marks.sort_by_key(|&(at, _)| std::cmp::Reverse(at));
    let mut rope = model.core.document().rope().clone();
    for (at, mark) in marks {
        rope.insert_char(at.0, mark);
    }
    rope.to_string()
}

/// Types text and presses `<chords>`, a turn each.
pub(super) fn play(model: &mut Model, keys: &str) {
    let keymap = Keymap::default();
    let mut rest = keys;
    while !rest.is_empty() {
        let chord = rest
            .strip_prefix('<')
            .and_then(|rest| rest.split_once('>'))
            .and_then(|(chord, behind)| Some((chord.parse().ok()?, behind)));
        let action = match chord {
            Some((chord, behind)) => {
                rest = behind;
                Action::Do(
                    keymap
                        .command(chord)
                        .unwrap_or_else(|| panic!("{chord} is not bound")),
                )
            }
            None => {
                let c = rest.chars().next().unwrap();
                rest = &rest[c.len_utf8()..];
                Action::Insert(c)
            }
        };
        turn(model, [Event::Action(action)]);
    }
}

#[track_caller]
fn check(rows: &[(&str, &str, &str)]) {
    for (before, keys, after) in rows {
        let mut model = given(before);
        play(&mut model, keys);
        assert_eq!(shown(&model), *after, "{keys} on {before:?}");
        model.core.document().check_invariants();
    }
}

#[test]
fn typing_and_deleting() {
    check(&[
        ("|", "ab", "ab|"),
        ("a|b", "<enter>", "a\n|b"),
        ("a^b|c", "x", "ax|c"),
        ("ab|c", "<backspace>", "a|c"),
        ("a|bc", "<delete>", "a|c"),
        ("a^bc|d", "<delete>", "a|d"),
        ("one two|", "<ctrl-backspace>", "one |"),
        ("|one two", "<ctrl-delete>", "| two"),
        ("👩‍👩‍👧‍👦|x", "<backspace>", "|x"),
        ("e\u{301}|", "<backspace>", "|"),
        ("a^b|", "<ctrl-backspace>", "a|"),
    ]);
}

#[test]
fn selections_grow_shrink_and_end() {
    check(&[
        ("a|bcd", "<shift-right><shift-right>", "a^bc|d"),
        ("a^bc|d", "<shift-left>", "a^b|cd"),
        ("a^b|cd", "<shift-left><shift-left>", "|a^bcd"),
        ("a^bc|d", "<left>", "a|bcd"),
        ("a^bc|d", "<right>", "abc|d"),
        ("a|bc^d", "<right>", "abc|d"),
        ("a^bc|d", "<esc>", "abc|d"),
        ("a|b", "<ctrl-a>", "^ab|"),
        ("one\nt|wo", "<ctrl-shift-home>", "|one\nt^wo"),
        ("o|ne two", "<ctrl-shift-right>", "o^ne| two"),
        ("one\n\nt|wo", "<ctrl-up>", "one\n|\ntwo"),
        ("o|ne\n\ntwo", "<ctrl-shift-down>", "o^ne\n|\ntwo"),
        ("|(a)", "<ctrl-]>", "(a|)"),
        ("  a|b", "<home>", "  |ab"),
        ("  |ab", "<home>", "|  ab"),
        ("|  ab", "<shift-home>", "^  |ab"),
    ]);
}

#[test]
fn new_lines_are_indented_as_the_one_before() {
    check(&[
        ("  a|", "<enter>", "  a\n  |"),
        ("  a|b", "<enter>", "  a\n  |b"),
        ("\t a|", "<enter>x", "\t a\n\t x|"),
        ("  |", "<enter>", "\n  |"),
        ("  |a", "<enter>", "\n  |a"),
        (" | a", "<enter>", "\n | a"),
        ("  a^bc|", "<enter>", "  a\n  |"),
        ("  ^a|", "<enter>", "  \n  |"),
    ]);
    let mut model = given("  a|");
    turn(&mut model, [Event::Action(Action::Paste("\nb\n c".into()))]);
    assert_eq!(shown(&model), "  a\nb\n c|", "never on paste");
    model.settings.auto_indent = false;
    model.take_habits();
    play(&mut model, "<enter>");
    assert_eq!(shown(&model), "  a\nb\n c\n|");
}

#[test]
fn tabs_follow_the_text() {
    check(&[
        ("|a", "<tab>", "\t|a"),
        ("a\n  b\n|c", "<tab>", "a\n  b\n  |c"),
        ("a\n  b\nc|", "<tab>", "a\n  b\nc |"),
        ("a\n  b\n    |c", "<backspace>", "a\n  b\n  |c"),
        ("a\n  b\n   |c", "<backspace>", "a\n  b\n  |c"),
        ("a\n  b\nc  |", "<backspace>", "a\n  b\nc |"),
        ("a^b|c", "<tab>", "a\t|c"),
        ("^a\n\nb|", "<tab>", "\t^a\n\n\tb|"),
        ("^a\nb\n|c", "<tab>", "\t^a\n\tb\n|c"),
        ("\ta|", "<shift-tab>", "a|"),
        ("  a\n    ^b\n  c\n|d", "<shift-tab>", "  a\n  ^b\nc\n|d"),
        ("|a", "<shift-tab>", "|a"),
    ]);
}

#[test]
fn lines_are_moved_copied_and_deleted() {
    check(&[
        ("a\nb|b\nc", "<alt-up>", "b|b\na\nc"),
        ("a\nb|b", "<alt-up>", "b|b\na"),
        ("|a\nb", "<alt-up>", "|a\nb"),
        ("a|a\nb\nc", "<alt-down>", "b\na|a\nc"),
        ("a|a\nb", "<alt-down>", "b\na|a"),
        ("|a\nb", "<alt-down>", "b\n|a"),
        ("a|\n", "<alt-down>", "a|\n"),
        ("a\n^b\nc|\nd", "<alt-up>", "^b\nc|\na\nd"),
        ("a\n^b\nc\n|d", "<alt-down>", "a\nd\n^b\nc|"),
        ("a|b\nc", "<ctrl-d>", "ab\na|b\nc"),
        ("a|b", "<ctrl-d>", "ab\na|b"),
        ("a\nb|b\nc", "<ctrl-k>", "a\n|c"),
        ("a\nb|b\n", "<ctrl-k>", "a\n|"),
        ("a\nb|b", "<ctrl-k>", "|a"),
        ("a^a\nb|b\nc", "<ctrl-k>", "|c"),
        ("a|", "<ctrl-k>", "|"),
        ("|", "<ctrl-k>", "|"),
    ]);
}

#[test]
fn lines_become_comments_and_text_again() {
    for (name, rows) in [
        (
            "x.rs",
            [
                ("  a|", "<ctrl-/>", "  // a|"),
                ("  // a|", "<ctrl-/>", "  a|"),
                ("//a|", "<ctrl-/>", "a|"),
                ("^a\n\n  b|", "<ctrl-/>", "// ^a\n\n//   b|"),
            ],
        ),
        (
            "x.html",
            [
                ("a|", "<ctrl-/>", "<!-- a| -->"),
                ("<!-- a| -->", "<ctrl-/>", "a|"),
                ("<!--a|-->", "<ctrl-/>", "a|"),
                ("<!---->|", "<ctrl-/>", "|"),
            ],
        ),
        (
            "x.txt",
            [
                ("a|", "<ctrl-/>", "a|"),
                ("|", "<ctrl-/>", "|"),
                ("// a|", "<ctrl-/>", "// a|"),
                ("# a|", "<ctrl-/>", "# a|"),
            ],
        ),
    ] {
        for (before, keys, after) in rows {
            let mut model = given(before);
            model.file_name = name.to_owned();
            model.take_habits();
            play(&mut model, keys);
            assert_eq!(shown(&model), after, "{keys} on {before:?} in {name}");
        }
    }
}

#[test]
fn what_concerns_many_lines_is_one_step_of_undo() {
    check(&[
        ("^a\nb\nc|", "<tab><ctrl-z>", "|a\nb\nc"),
        ("a\nb|", "<alt-up><ctrl-z><ctrl-y>", "|b\na"),
        ("a|", "<ctrl-d><ctrl-z>", "a|"),
    ]);
}

/// Another member's edit, as it would come over a link.
pub(super) fn by_another(model: &mut Model, at: usize, remove: usize, text: &str) {
    let range = CharPos(at)..CharPos(at + remove);
    model.core.merge_by(AuthorId([2; 16]), |document| {
        document.edit(range, text, EditKind::Whole, 0);
    });
}

#[test]
fn a_selection_stays_with_its_text_while_others_edit() {
    for (before, at, remove, text, after) in [
        ("a^bc|d", 0, 0, "X", "Xa^bc|d"),
        ("a^bc|d", 1, 0, "X", "aX^bc|d"),
        ("a^bc|d", 2, 0, "X", "a^bXc|d"),
        ("a^bc|d", 3, 0, "X", "a^bc|Xd"),
        ("a|bc^d", 1, 0, "X", "aX|bc^d"),
        ("a|bc^d", 3, 0, "X", "a|bc^Xd"),
        ("a^bc|d", 0, 2, "", "^c|d"),
        ("a|bd", 1, 0, "X", "a|Xbd"),
    ] {
        let mut model = given(before);
        by_another(&mut model, at, remove, text);
        assert_eq!(shown(&model), after, "{text:?} at {at} of {before:?}");
    }
    let mut model = given("a|b");
    play(&mut model, "<shift-right><shift-left>");
    by_another(&mut model, 1, 0, "X");
    assert_eq!(
        shown(&model),
        "a|Xb",
        "nothing was selected, and nothing is"
    );
    let mut model = given("a^bc|d");
    by_another(&mut model, 1, 0, "X");
    play(&mut model, "<shift-right>");
    assert_eq!(shown(&model), "aX^bcd|");
    play(&mut model, "n");
    assert_eq!(shown(&model), "aXn|");
}

#[test]
fn cut_copy_and_paste() {
    check(&[
        ("^ab|c", "<ctrl-x>", "|c"),
        ("^ab|c", "<ctrl-x><ctrl-v><ctrl-v>", "abab|c"),
        ("a\nb|b\nc", "<ctrl-x>", "a\n|c"),
        ("^ab|c", "<ctrl-c><right><ctrl-v>", "abab|c"),
        ("^ab|c", "<ctrl-c><end><ctrl-v><ctrl-z>", "abc|"),
        ("^ab|c", "<ctrl-insert><shift-insert>", "ab|c"),
        ("|", "<ctrl-x><ctrl-v>", "|"),
        // In answers.
        ("ab|", "<ctrl-f>xyz<ctrl-x><esc><ctrl-v>", "abxyz|"),
        (
            "ab|",
            "<ctrl-f>one two<ctrl-left><ctrl-delete>z<ctrl-x>y<ctrl-v><ctrl-x><esc><ctrl-v>",
            "abyone z|",
        ),
    ]);
    let mut model = given("^one\ntwo\n|");
    play(&mut model, "<ctrl-c>");
    let said = |model: &Model| model.notice.clone().expect("a notice").text;
    assert_eq!(said(&model), "Copied 2 lines (only inside the editor)");
    turn(&mut model, [Event::Copied(Way::Terminal)]);
    assert_eq!(said(&model), "Copied 2 lines (OSC 52)");
    model.settings.clipboard = Clipboard::Desktop;
    model.update(Event::Action(Command::Paste.into()), NOW);
    turn(&mut model, [Event::Pasted(Some("x\r\ny\u{1b}".into()))]);
    assert_eq!(shown(&model), "x\ny|");
}

#[test]
fn keys_do_not_overtake_a_paste_that_is_waited_for() {
    let press = |model: &mut Model, action: Action| model.update(Event::Action(action), NOW);
    let ask = || {
        let mut model = given("a|b");
        model.settings.clipboard = Clipboard::Desktop;
        press(&mut model, Command::Paste.into());
        let asks = |effect: &Effect| matches!(effect, Effect::Paste);
        assert_eq!(
            model
                .finish_turn(NOW, 0)
                .iter()
                .filter(|effect| asks(effect))
                .count(),
            1
        );
        press(&mut model, Action::Insert('x'));
        press(&mut model, Command::LineEnd.into());
        press(&mut model, Action::Insert('y'));
        assert_eq!(shown(&model), "a|b");
        model
    };
    let mut model = ask();
    turn(&mut model, [Event::Pasted(Some("PASTED".into()))]);
    assert_eq!(shown(&model), "aPASTEDxby|");
    // Two pastes are in their order, too.
    let mut model = ask();
    press(&mut model, Command::Paste.into());
    press(&mut model, Action::Insert('z'));
    model.update(Event::Pasted(Some("1".into())), NOW);
    assert_eq!(shown(&model), "a1xby|");
    model.update(Event::Pasted(Some("2".into())), NOW);
    assert_eq!(shown(&model), "a1xby2z|");
    // A clipboard that does not answer is not waited for, and comes too late.
    let mut model = ask();
    let due = model.next_deadline(NOW).expect("an end");
    model.finish_turn(due, 0);
    assert_eq!(shown(&model), "axby|");
    assert!(notice(&model).contains("does not answer"));
    turn(&mut model, [Event::Pasted(Some("LATE".into()))]);
    assert_eq!(shown(&model), "axby|");
}

#[test]
fn a_copy_without_a_selection_says_how_to_quit() {
    let mut model = given("a|b");
    play(&mut model, "<ctrl-c>");
    assert!(
        model
            .notice
            .as_ref()
            .is_some_and(|said| said.text.contains("Ctrl-Q quits"))
    );
    assert_eq!(shown(&model), "a|b");
    // By the keys as they are.
    let keymap = &mut model.settings.keymap;
    keymap.bind("ctrl-w".parse().unwrap(), Some(Command::Quit));
    keymap.bind("f2".parse().unwrap(), None);
    play(&mut model, "<ctrl-c>");
    assert_eq!(
        notice(&model),
        "Ctrl-W quits, Ctrl-S saves, the command members shows the members"
    );
    play(&mut model, "<ctrl-q>");
    let asked = "Unsaved text: Ctrl-S saves it, Ctrl-W again leaves without saving";
    assert_eq!(notice(&model), asked);
}

#[test]
fn answers_are_selected_and_pasted_as_text_is() {
    check(&[
        ("|ab b", "<ctrl-f>ab<ctrl-a>b", "a^b| b"),
        ("|ab b", "<ctrl-f>x<ctrl-a><backspace>b", "a^b| b"),
        ("|ab b", "<ctrl-f>b<ctrl-a><right>x<backspace>", "a^b| b"),
        (
            "^two| one two",
            "<ctrl-c><ctrl-end><ctrl-f><ctrl-v>",
            "^two| one two",
        ),
        ("^2| a\nb", "<ctrl-c><ctrl-g><ctrl-v><enter>", "2 a\n|b"),
    ]);
    let mut model = given("a|b");
    model.saving = Saving::new(None);
    model.file_name = "notes.md".to_owned();
    play(&mut model, "<ctrl-s>");
    let prompt = |model: &mut Model| model.view(Size::new(40, 6), NOW).prompt.unwrap();
    let asked = prompt(&mut model);
    assert!(asked.selected && asked.input == "notes.md");
    play(&mut model, "o");
    assert_eq!(prompt(&mut model).input, "o");
}

#[test]
fn what_does_not_fit_into_an_answer_is_said() {
    let mut model = given("a|b");
    play(&mut model, "<f4>hi");
    turn(&mut model, [Event::Action(Action::Paste("x".repeat(999)))]);
    assert_eq!(notice(&model), "That is too long: at most 1000 characters");
    let answer = |model: &Model| model.prompt.as_ref().map(Prompt::answer);
    assert_eq!(answer(&model).as_deref(), Some("hi"));
    turn(&mut model, [Event::Action(Action::Paste("x".repeat(998)))]);
    assert_eq!(notice(&model), "");
    assert_eq!(answer(&model).map(|text| text.len()), Some(1000));
}

#[test]
fn what_notices_name_is_done_while_a_message_is_written() {
    let mut model = given("a|b");
    play(&mut model, "<f4>hi<f6>");
    assert!(notice(&model).contains("Nobody has asked"));
    play(&mut model, "<f2><ctrl-z>!");
    assert!(model.panel.is_some());
    assert_eq!(
        shown(&model),
        "a|b",
        "what edits the text edits the message"
    );
    let saves = turn(&mut model, [Event::Action(Command::Save.into())]);
    assert_eq!(saves.len(), 1);
    let answer = model.prompt.as_ref().map(Prompt::answer);
    assert_eq!(answer.as_deref(), Some("hi!"));
}

/// Mouse events at cells of the text, one after the other at these times.
fn mouse(model: &mut Model, events: &[(Mouse, u16, u16, u64)]) {
    for &(mouse, x, y, at) in events {
        let left = model.editor.area().x;
        let action = Action::Mouse(mouse, Position::new(left + x, y));
        model.update(Event::Action(action), Time(at));
        look(model);
    }
}

/// Draws, so that the model knows what is where.
fn look(model: &mut Model) {
    let _view = model.view(Size::new(40, 6), NOW);
}

#[test]
fn the_mouse_puts_the_caret_and_selects() {
    use Mouse::{Drag, Press};
    for (before, events, after) in [
        (
            "|one two\nthree",
            &[(Press, 2, 1, 0)][..],
            "one two\nth|ree",
        ),
        ("|one two", &[(Press, 20, 0, 0)], "one two|"),
        ("|one\ntwo", &[(Press, 1, 4, 0)], "one\nt|wo"),
        (
            "|one two",
            &[(Press, 1, 0, 0), (Drag, 5, 0, 9)],
            "o^ne t|wo",
        ),
        (
            "|one two",
            &[(Press, 5, 0, 0), (Drag, 1, 0, 9)],
            "o|ne t^wo",
        ),
        (
            "|one two",
            &[(Press, 5, 0, 0), (Press, 5, 0, 99)],
            "one ^two|",
        ),
        (
            "|one two",
            &[(Press, 5, 0, 0), (Press, 5, 0, 999)],
            "one t|wo",
        ),
        (
            "|one two tre",
            &[(Press, 5, 0, 0), (Press, 5, 0, 99), (Drag, 9, 0, 200)],
            "one ^two tre|",
        ),
        (
            "|one two tre",
            &[(Press, 5, 0, 0), (Press, 5, 0, 99), (Drag, 1, 0, 200)],
            "|one two^ tre",
        ),
        (
            "|one\ntwo\n",
            &[(Press, 1, 0, 0), (Press, 1, 0, 9), (Press, 1, 0, 20)],
            "^one\n|two\n",
        ),
        ("|漢字", &[(Press, 3, 0, 0)], "漢|字"),
    ] {
        let mut model = given(before);
        look(&mut model);
        mouse(&mut model, events);
        assert_eq!(shown(&model), after, "{events:?} on {before:?}");
    }
}

#[test]
fn the_mouse_beside_the_text_leaves_it_alone() {
    use Mouse::{Drag, Press, Wheel};
    let text: String = (0..40).map(|line| format!("{line}\n")).collect();
    let mut model = given(&text);
    play(&mut model, "<ctrl-home><right>");
    look(&mut model);
    let before = shown(&model);
    // The status bar, with the text scrolled away.
    mouse(&mut model, &[(Wheel(1), 0, 0, 0), (Wheel(1), 0, 0, 1)]);
    let lines = model.shown_lines.clone();
    mouse(&mut model, &[(Press, 3, 5, 2), (Drag, 3, 2, 3)]);
    assert_eq!(shown(&model), before);
    assert_eq!(model.shown_lines, lines, "nothing is scrolled");
    // A press at the members closes them, and its drag selects nothing.
    play(&mut model, "<f2>");
    mouse(&mut model, &[(Press, 3, 2, 4), (Drag, 9, 3, 5)]);
    assert_eq!(model.panel, None);
    assert_eq!(shown(&model), before);
    mouse(&mut model, &[(Press, 0, 2, 900)]);
    assert_ne!(shown(&model), before, "the next one is for the text");
}

#[test]
fn what_is_put_in_front_of_the_first_row_is_seen() {
    for keys in ["one<enter>two<enter>", "<home><enter>"] {
        let text: String = (0..40).map(|line| format!("    {line}\n")).collect();
        let mut model = given(&text);
        play(&mut model, &"<down>".repeat(20));
        look(&mut model);
        let lines = model.shown_lines.clone();
        // Keys that come faster than frames.
        play(&mut model, &"<up>".repeat(20 - lines.start));
        play(&mut model, "<home><home>");
        look(&mut model);
        assert_eq!(model.shown_lines, lines);
        play(&mut model, keys);
        look(&mut model);
        assert_eq!(model.shown_lines, lines, "{keys}");
    }
}

#[test]
fn members_that_do_not_fit_are_scrolled_and_others_leave_the_keys_to_the_text() {
    let mut model = given("a\nb|\nc");
    let look_at = |model: &mut Model, rows| {
        let view = model.view(Size::new(40, rows), NOW);
        view.panel.map(|panel| panel.top)
    };
    play(&mut model, "<f2>");
    assert_eq!(look_at(&mut model, 40), Some(0));
    play(&mut model, "<up>");
    assert_eq!(shown(&model), "a|\nb\nc", "there is room for all of them");
    assert_eq!(look_at(&mut model, 3), Some(0));
    let end = model.scroll_end;
    assert!(end > 0);
    play(&mut model, "<down>");
    assert_eq!(look_at(&mut model, 3), Some(1));
    for _ in 0..9 {
        play(&mut model, "<down>");
    }
    assert_eq!(look_at(&mut model, 3), Some(end));
    play(&mut model, "<up>");
    assert_eq!(
        look_at(&mut model, 3),
        Some(end - 1),
        "it was not scrolled beyond its end"
    );
    mouse(&mut model, &[(Mouse::Wheel(-9), 0, 0, 0)]);
    assert_eq!(look_at(&mut model, 3), Some(0));
    play(&mut model, "x<f2><down>");
    assert_eq!(shown(&model), "ax\nb|\nc");
    play(&mut model, "<f2>");
    assert_eq!(look_at(&mut model, 3), Some(0));
    play(&mut model, "<esc>");
    assert_eq!(look_at(&mut model, 3), None);
}

#[test]
fn the_wheel_scrolls_the_help_and_a_press_closes_it() {
    use Mouse::{Drag, Press, Wheel};
    let mut model = given("|one\ntwo");
    look(&mut model);
    play(&mut model, "<f1>");
    look(&mut model);
    let at = |model: &Model| model.list().map(|list| list.at);
    mouse(&mut model, &[(Wheel(1), 0, 0, 0), (Wheel(1), 0, 0, 1)]);
    assert_eq!(at(&model), Some(6));
    mouse(&mut model, &[(Wheel(-1), 0, 0, 2)]);
    assert_eq!(at(&model), Some(3));
    mouse(&mut model, &[(Press, 1, 1, 3), (Drag, 2, 1, 4)]);
    assert_eq!(at(&model), None);
    assert_eq!(shown(&model), "|one\ntwo");
}

#[test]
fn the_wheel_moves_the_view_and_a_drag_at_the_edge_takes_it_along() {
    let text: String = (0..40).map(|line| format!("{line}\n")).collect();
    let mut model = given(&text);
    play(&mut model, "<ctrl-home>");
    look(&mut model);
    mouse(
        &mut model,
        &[(Mouse::Wheel(1), 0, 0, 0), (Mouse::Wheel(1), 0, 0, 1)],
    );
    mouse(&mut model, &[(Mouse::Press, 0, 0, 2)]);
    assert_eq!(
        line_at(
            model.core.document().rope(),
            model.editor.cursor(&model.core)
        )
        .0,
        6
    );
    mouse(
        &mut model,
        &[(Mouse::Drag, 0, 5, 3), (Mouse::Drag, 0, 5, 4)],
    );
    let at = |model: &Model| {
        line_at(
            model.core.document().rope(),
            model.editor.cursor(&model.core),
        )
        .0
    };
    assert_eq!(at(&model), 12);
    mouse(
        &mut model,
        &[(Mouse::Drag, 0, 0, 5), (Mouse::Drag, 0, 0, 6)],
    );
    assert_eq!(at(&model), 6, "upwards, too");
    mouse(&mut model, &[(Mouse::Wheel(-1), 0, 0, 7)]);
    play(&mut model, "x");
    look(&mut model);
    mouse(&mut model, &[(Mouse::Press, 0, 0, 900)]);
    assert!(at(&model) <= 6, "typing brings the view back to the caret");
}

/// Types into a prompt and sees what is found.
fn notice(model: &Model) -> String {
    model
        .notice
        .as_ref()
        .map(|said| said.text.clone())
        .unwrap_or_default()
}
