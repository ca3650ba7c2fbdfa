//! One person's screen and keys, and what a terminal must be given back.

use std::time::Duration;

use super::headless::Headless;
use super::launch::{CODE, Launch, processor_ticks};
use super::scratch::{Scratch, text_of};
use super::terminal::{RESTORED, Terminal};
use super::two_terminals::pair;
use super::wait::until;
use super::words;

/// Processor time that an idle member may use in [`IDLE_FOR`], in clock ticks of 10 ms: what a
/// ping every few seconds costs, with room; an editor that redraws on a tick needs more.
const IDLE_TICKS: u64 = 2;

/// How long an idle member is watched.
const IDLE_FOR: Duration = Duration::from_secs(2);

/// An editor alone with this file.
fn edit(scratch: &Scratch, text: &str) -> Terminal {
    let file = scratch.file("notes.md", text);
    Launch::edit(&file).name("Ada").terminal().ready()
}

/// Plays a script at an editor alone with `text`, saves, and expects one of these texts.
#[track_caller]
fn check_edit_any(text: &str, script: &str, expected: &[&str]) {
    let scratch = Scratch::new();
    let terminal = edit(&scratch, text);
    terminal.play(script);
    terminal.keys("Ctrl-s");
    let file = scratch.path().join("notes.md");
    until(
        &format!("{script:?} on {text:?} to give {expected:?}"),
        || {
            let found = text_of(&file)?;
            expected.contains(&found.as_str()).then_some(())
        },
    );
}

/// [`check_edit_any`] with one answer.
#[track_caller]
fn check_edit(text: &str, script: &str, expected: &str) {
    check_edit_any(text, script, &[expected]);
}

/// A headless host with this text, for a joiner at a screen.
fn headless_host(scratch: &Scratch, text: &str) -> Headless {
    let file = scratch.file("ada/notes.md", text);
    Launch::host(&file).name("Ada").code(CODE).headless()
}

#[test]
fn typing_enter_tab_and_deleting() {
    check_edit("", "one<Enter>two", "one\ntwo");
    check_edit("two\n", "<Ctrl-Home>one<Enter>", "one\ntwo\n");
    check_edit("abc\n", "<Ctrl-Home End Backspace>", "ab\n");
    check_edit("abc\n", "<Ctrl-Home Delete>", "bc\n");
    check_edit("a\nb\n", "<Ctrl-Home Down Backspace>", "ab\n");
    check_edit_any(
        "x\n",
        "<Ctrl-Home Tab>",
        &["\tx\n", "    x\n", "  x\n", "        x\n"],
    );
}

#[test]
fn a_cluster_is_deleted_as_one() {
    check_edit("👩‍👩‍👧‍👦x\n", "<Ctrl-Home Delete>", "x\n");
    check_edit("e\u{301}x\n", "<Ctrl-Home Right Backspace>", "x\n");
    check_edit("🇩🇪🇫🇷\n", "<Ctrl-Home End Backspace>", "🇩🇪\n");
}

#[test]
fn the_final_newline_is_ordinary_text() {
    check_edit("no newline", "<Ctrl-Home>!", "!no newline");
    check_edit("newline\n", "<Ctrl-Home>!", "!newline\n");
    check_edit("newline\n", "<Ctrl-End>behind", "newline\nbehind");
    check_edit("newline\n", "<Ctrl-End Backspace>", "newline");
}

#[test]
fn motions_go_where_they_say() {
    check_edit("one\ntwo\n", "<Ctrl-End Ctrl-Home>!", "!one\ntwo\n");
    check_edit("one\ntwo\n", "<Ctrl-Home End>!", "one!\ntwo\n");
    check_edit("one\ntwo\n", "<Ctrl-Home Down End Home>!", "one\n!two\n");
    check_edit(
        "one\ntwo\n",
        "<Ctrl-Home Down Up Right Left Right>!",
        "o!ne\ntwo\n",
    );
    check_edit(
        "long line\na\nlong line\n",
        "<Ctrl-Home End Down Down>!",
        "long line\na\nlong line!\n",
    );
    check_edit_any(
        "alpha beta gamma\n",
        "<Ctrl-Home Ctrl-Right>!",
        &["alpha! beta gamma\n", "alpha !beta gamma\n"],
    );
    check_edit(
        "alpha beta gamma\n",
        "<Ctrl-Home End Ctrl-Left>!",
        "alpha beta !gamma\n",
    );
    check_edit_any(
        "alpha beta gamma\n",
        "<Ctrl-Home End Ctrl-Left Ctrl-Left>!",
        &["alpha !beta gamma\n"],
    );
    let lines: String = (0..200).map(|line| format!("{line}\n")).collect();
    check_edit(
        &lines,
        "<PageDown PageDown PageUp PageUp PageUp Home>!",
        &format!("!{lines}"),
    );
}

#[test]
fn what_is_typed_replaces_the_selection() {
    check_edit("hello world\n", "<Ctrl-Home Shift-Right*5>J", "J world\n");
    check_edit(
        "hello world\n",
        "<Ctrl-Home End Shift-Left*5 Backspace>",
        "hello \n",
    );
    check_edit(
        "one\ntwo\nthree\n",
        "<Ctrl-Home Shift-Down Delete>",
        "two\nthree\n",
    );
    check_edit("one two\n", "<Ctrl-Home Shift-End>x", "x\n");
    check_edit("one two\n", "<Ctrl-Home End Shift-Home>x", "x\n");
    check_edit("one\ntwo\n", "<Ctrl-End Ctrl-Shift-Home>x", "x");
    check_edit("one\ntwo\n", "<Ctrl-Home Ctrl-Shift-End>x", "x");
    check_edit_any(
        "one two\n",
        "<Ctrl-Home Ctrl-Shift-Right>x",
        &["x two\n", "xtwo\n"],
    );
}

#[test]
fn undo_and_redo_take_own_edits_only() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "base\n", "base");
    ada.play("<Ctrl-Home>alpha");
    ben.wait_for_text("alphabase");
    ben.play("<Ctrl-End>beta");
    ada.wait_for_text("beta");

    ada.keys("Ctrl-z");
    for member in [&ada, &ben] {
        member.wait_without_text("alpha");
        member.wait_for_text("beta");
    }
    ada.keys("Ctrl-y");
    for member in [&ada, &ben] {
        member.wait_for_text("alphabase");
    }
    // More undos than there are own edits; a key behind them shows that they are done.
    ada.play("<Ctrl-z*5>z");
    for member in [&ada, &ben] {
        member.wait_for_text("zbase");
        member.wait_without_text("alpha");
        member.wait_for_text("beta");
    }
}

#[test]
fn undo_brings_back_what_was_deleted_and_keeps_what_others_typed_inside() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "wwwyyy\n", "wwwyyy");
    ada.play("<Ctrl-Home Shift-Right*6 Delete>");
    ben.wait_without_text("wwwyyy");
    ada.keys("Ctrl-z");
    ben.wait_for_text("wwwyyy");
    ben.play("<Ctrl-Home Right*3>NEW");
    ada.wait_for_text("wwwNEWyyy");
    // Takes the deletion back, forth and back again: the six letters, not what stands among them.
    ada.keys("Ctrl-y");
    for member in [&ada, &ben] {
        member.wait_without_text("wwwNEW");
        member.wait_for_text("NEW");
    }
    ada.keys("Ctrl-z");
    for member in [&ada, &ben] {
        member.wait_for_text("wwwNEWyyy");
    }
}

#[test]
fn a_paste_is_one_edit() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "base\n", "base");
    ada.keys("Ctrl-Home");
    ada.paste("pasted one\npasted two\n\tpasted three\n");
    ben.wait_for_text("pasted three");
    let copy = scratch.path().join("ben/notes.md");
    ben.keys("Ctrl-s");
    until("the pasted lines in the other's file", || {
        let expected = "pasted one\npasted two\n\tpasted three\nbase\n";
        (text_of(&copy)? == expected).then_some(())
    });
    ada.keys("Ctrl-z");
    for member in [&ada, &ben] {
        member.wait_without_text("pasted");
        member.wait_for_text("base");
    }
}

#[test]
fn a_paste_of_control_characters_is_text_and_no_keys() {
    let scratch = Scratch::new();
    let mut terminal = edit(&scratch, "base\n");
    // Ctrl-Q twice and an escape sequence, as data.
    terminal.paste("a\x11\x11b\x1b[31mc");
    terminal.keys("Ctrl-End");
    terminal.type_text("after");
    terminal.wait_for_text("after");
    assert!(terminal.is_running());
}

#[test]
fn foreign_control_characters_do_not_reach_the_terminal() {
    let scratch = Scratch::new();
    let mut ada = headless_host(&scratch, "text\n");
    let ben = Launch::join(ada.address(), &scratch.folder("ben").join("notes.md"));
    let ben = ben.name("Ben").code(CODE).terminal().ready();
    ben.wait_for_text("text");
    ada.insert(0, "start\x1b]0;owned\x07\x1b[?1049l\x08\u{9b}2J end ");
    ben.wait_for_text("end text");
    assert!(
        ben.modes().alternate_screen,
        "the text left the alternate screen"
    );
    let raw = ben.raw();
    assert!(
        !raw.windows(5).any(|bytes| bytes == b"\x1b]0;o"),
        "the text set the title"
    );
}

#[test]
fn the_cursor_stands_on_the_right_column() {
    let scratch = Scratch::new();
    let lines = [
        "plain=",
        "日本語=",
        "e\u{301}te\u{301}=",
        "\t=",
        "a\t=",
        "👩‍👩‍👧‍👦=",
        "🇩🇪=",
        "ｗｉｄｅ=",
    ];
    let terminal = edit(&scratch, &lines.join("\n"));
    terminal.wait_for_text("plain=");
    let (top, start) = terminal.find("plain=").expect("the first line");
    terminal.keys("Ctrl-Home");
    until("the cursor at the start", || {
        (terminal.cursor() == (top, start)).then_some(())
    });
    // What each line takes before its `=`; nothing where the terminal or the editor decides.
    let widths = [Some(5), Some(6), Some(3), None, None, None, None, Some(8)];
    let mut tab_width = None;
    for ((row, line), width) in (top..).zip(lines).zip(widths) {
        terminal.keys("End Left");
        let column = until(&format!("the cursor on = of {line:?}"), || {
            let (at, column) = terminal.cursor();
            (at == row && terminal.shown_at(at, column, "=").is_some()).then_some(column - start)
        });
        match (width, line) {
            (Some(width), _) => assert_eq!(column, width, "{line:?}"),
            (None, "\t=") => tab_width = Some(column),
            (None, "a\t=") => assert_eq!(Some(column), tab_width, "{line:?}"),
            (None, _) => assert!(column > 0, "{line:?}"),
        }
        terminal.keys("Down");
    }
}

#[test]
fn a_long_line_scrolls_with_the_cursor() {
    let scratch = Scratch::new();
    let text = format!("{}the end\n", "0123456789".repeat(40));
    let terminal = edit(&scratch, &text);
    terminal.keys("Ctrl-Home End");
    terminal.wait_for_text("the end");
    terminal.keys("Home");
    terminal.wait_without_text("the end");
}

#[test]
fn any_size_of_the_terminal_is_survived() {
    let scratch = Scratch::new();
    let terminal = edit(&scratch, "some text to see\nmore\n");
    terminal.wait_for_text("some text to see");
    for (rows, columns) in [
        (10, 40),
        (3, 10),
        (1, 1),
        (2, 5),
        (1, 200),
        (60, 2),
        (30, 120),
    ] {
        terminal.resize(rows, columns);
        terminal.type_text("x");
    }
    terminal.wait_for_text("some text to see");
    terminal.play("<Ctrl-End>big again");
    terminal.wait_for_text("big again");
}

#[test]
fn a_terminal_that_grows_again_shows_what_fits() {
    let scratch = Scratch::new();
    let terminal = edit(&scratch, "first line\nsecond line");
    terminal.keys("Ctrl-End");
    terminal.resize(2, 8);
    terminal.wait_without_text("second");
    terminal.resize(30, 120);
    terminal.wait_for_text("first line");
    terminal.wait_for_text("second line");
}

#[test]
fn a_small_terminal_from_the_start_is_survived() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "tiny\n");
    let terminal = Launch::edit(&file).size(2, 8).terminal();
    terminal.wait_for("the alternate screen", vt100::Screen::alternate_screen);
    terminal.resize(24, 80);
    terminal.wait_for_text("tiny");
}

#[test]
fn quitting_with_unsaved_text_asks_and_a_second_time_leaves_without_writing() {
    let scratch = Scratch::new();
    let mut terminal = edit(&scratch, "kept\n");
    terminal.play("<Ctrl-Home>lost ");
    terminal.wait_for_text("lost kept");
    terminal.keys("Ctrl-q");
    terminal.wait_for_word(words::QUIT_QUESTION);
    assert!(terminal.is_running());
    terminal.keys("Ctrl-q");
    assert_eq!(terminal.wait_exit(), Some(0));
    assert_eq!(
        text_of(&scratch.path().join("notes.md")).as_deref(),
        Some("kept\n")
    );
    assert_eq!(terminal.modes(), RESTORED);
}

#[test]
fn the_question_at_quitting_can_be_left() {
    let scratch = Scratch::new();
    let mut terminal = edit(&scratch, "text\n");
    terminal.play("<Ctrl-Home>new ");
    terminal.wait_for_text("new text");
    terminal.keys("Ctrl-q");
    terminal.wait_for_text("Unsaved text");
    terminal.escape_from("Unsaved text");
    terminal.play("<Ctrl-End>more<Ctrl-s>");
    let file = scratch.path().join("notes.md");
    until("the saved file", || {
        (text_of(&file)? == "new text\nmore").then_some(())
    });
    assert!(terminal.is_running());
    terminal.keys("Ctrl-q");
    assert_eq!(terminal.wait_exit(), Some(0));
}

#[test]
fn ctrl_c_says_how_to_quit_and_does_not() {
    let scratch = Scratch::new();
    let mut terminal = edit(&scratch, "text\n");
    terminal.keys("Ctrl-c");
    terminal.wait_for_word(words::HOW_TO_QUIT);
    terminal.play("<Ctrl-End>zebra");
    terminal.wait_for_text("zebra");
    assert!(terminal.is_running());
}

#[test]
fn leaving_gives_the_terminal_back() {
    for kitty in [false, true] {
        for leave in ["key", "TERM", "HUP", "INT"] {
            let scratch = Scratch::new();
            let file = scratch.file("notes.md", "text\n");
            let launch = Launch::edit(&file);
            let launch = if kitty { launch.kitty() } else { launch };
            let mut terminal = launch.terminal().ready();
            terminal.wait_for_text("text");
            assert_ne!(terminal.modes(), RESTORED);
            match leave {
                "key" => terminal.keys("Ctrl-q"),
                name => terminal.signal(name),
            }
            assert_eq!(terminal.wait_exit(), Some(0), "{leave}");
            assert_eq!(terminal.modes(), RESTORED, "{leave}, kitty {kitty}");
        }
    }
}

#[test]
fn f2_shows_the_members_and_esc_closes_it() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "first\n", "first");
    ada.wait_for_text("Ben");
    ada.keys("F2");
    ada.wait_for_text(" Members ");
    ada.wait_for_text("Ada");
    ada.wait_for_text("Ben");
    ada.escape_from(" Members ");
    ada.play("<Ctrl-End>zebra");
    ben.wait_for_text("zebra");
}

#[test]
fn an_idle_editor_uses_no_processor_time() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "text\n", "text");
    ada.wait_for_text("Ben");
    ben.play("<Ctrl-End>last key");
    ada.wait_for_text("last key");
    let processes = [ada.process(), ben.process()];
    // Colours take a moment of work behind the last key.
    until("both to come to rest", || {
        let before = processes.map(processor_ticks);
        std::thread::sleep(IDLE_FOR / 10);
        (processes.map(processor_ticks) == before).then_some(())
    });
    let before = processes.map(processor_ticks);
    // This waits in real time: nothing that happens is what is measured.
    std::thread::sleep(IDLE_FOR);
    for (process, before) in processes.into_iter().zip(before) {
        let used = processor_ticks(process) - before;
        assert!(used <= IDLE_TICKS, "{used} ticks in {IDLE_FOR:?}");
    }
}

#[test]
fn a_wrong_code_is_asked_for_again() {
    let scratch = Scratch::new();
    let ada = headless_host(&scratch, "the secret text\n");
    let ben = Launch::join_from(&scratch.folder("ben"), ada.address()).terminal();
    ben.wait_for_word(words::CODE_PROMPT);
    ben.play("not the right one<Enter>");
    ben.wait_for_word(words::WRONG_CODE);
    ben.play(&format!("{CODE}<Enter>"));
    ben.wait_for_text("the secret text");
}

#[test]
fn a_wrong_code_from_the_environment_is_asked_for_on_the_screen() {
    let scratch = Scratch::new();
    let ada = headless_host(&scratch, "the secret text\n");
    let ben = Launch::join_from(&scratch.folder("ben"), ada.address())
        .code("wrong-code-in-the-environment")
        .terminal();
    ben.wait_for_word(words::WRONG_CODE);
    ben.play(&format!("{CODE}<Enter>"));
    ben.wait_for_text("the secret text");
}

#[test]
fn esc_and_ctrl_c_leave_the_code_prompt_with_0() {
    let scratch = Scratch::new();
    let ada = headless_host(&scratch, "text\n");
    for key in ["Esc", "Ctrl-c"] {
        let mut ben = Launch::join_from(&scratch.folder("ben"), ada.address()).terminal();
        ben.wait_for_word(words::CODE_PROMPT);
        ben.keys(key);
        assert_eq!(ben.wait_exit(), Some(0), "{key}");
        assert_eq!(ben.modes(), RESTORED, "{key}");
    }
}

#[test]
fn esc_and_ctrl_c_leave_while_connecting_with_0() {
    let silent = super::strangers::greeter(Vec::new());
    for key in ["Esc", "Ctrl-c"] {
        let scratch = Scratch::new();
        let file = scratch.path().join("notes.md");
        let ben = Launch::join(silent, &file).code(CODE).terminal();
        let mut ben = ben.ready();
        ben.keys(key);
        assert_eq!(ben.wait_exit(), Some(0), "{key}");
        assert_eq!(ben.modes(), RESTORED, "{key}");
    }
}

#[test]
fn a_killed_host_is_away_and_typing_goes_on() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "text\n", "text");
    ben.wait_for_text("Ada");
    ada.signal("KILL");
    ben.wait_for_word(words::AWAY);
    ben.play("<Ctrl-End>still here<Ctrl-s>");
    let copy = scratch.path().join("ben/notes.md");
    until("the saved file", || {
        (text_of(&copy)? == "text\nstill here").then_some(())
    });
}
