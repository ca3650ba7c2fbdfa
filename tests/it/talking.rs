//! What people say to each other beside the text, and how they point at it.

use super::headless::Headless;
use super::launch::{CODE, Launch};
use super::scratch::{Scratch, text_of};
use super::two_terminals::pair;
use super::wait::until;
use super::words;

#[test]
fn a_message_is_told_counted_and_kept_and_leaves_the_text_alone() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "first line\n", "first line");
    ada.wait_for_text("Ben");
    ada.keys("F4");
    ada.wait_for_text("Say:");
    ada.type_text("shall we begin?\n");
    ada.wait_for_text("Ada  shall we begin?");
    // Quietly: a notice and a mark, and the text as it was.
    ben.wait_for_text("Ada: shall we begin?");
    ben.wait_for_text(" 1 unread ");
    ben.wait_for_text("first line");
    ben.keys("F4");
    ben.wait_for_text("Ada  shall we begin?");
    ben.wait_without_text("unread");
    ben.type_text("yes, 日本語 too\n");
    ada.wait_for_text("Ben  yes, 日本語 too");
    // Esc leaves the line, and what is typed then is text again; the log stays until Esc comes again.
    ben.escape_from("Say:");
    ben.type_text("typed ");
    ada.wait_for_text("typed first line");
    assert!(ben.screen().contains("Ada  shall we begin?"));
    ben.escape_from("shall we begin?");
    ada.keys("F4");
    ada.wait_without_text("Say:");
    ada.wait_without_text("shall we begin?");
    // Nothing of it is in the files, and it is no edit to be saved or undone.
    ada.keys("Ctrl-s");
    let file = scratch.path().join("ada/notes.md");
    until("the file", || {
        (text_of(&file)? == "typed first line\n").then_some(())
    });
    ada.keys("F4");
    ada.type_text("saved\n");
    ben.wait_for_text("Ada: saved");
    ada.keys("F4");
    ben.keys("Ctrl-z");
    ada.wait_without_text("typed");
}

#[test]
fn newcomers_are_sent_what_was_said_and_a_restart_keeps_it() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "text\n");
    let state = scratch.folder("state");
    let host = || Launch::host(&file).name("Ada").code(CODE).state(&state);
    let mut ada = host().terminal().ready();
    ada.wait_for_text("text");
    ada.keys("F4");
    ada.wait_for_text("Say:");
    ada.type_text("read line 1 first\n");
    ada.wait_for_text("Ada  read line 1 first");
    let address = ada.address(&[]);
    let copy = scratch.folder("ben").join("notes.md");
    let ben = Launch::join(address, &copy).name("Ben").code(CODE);
    let ben = ben.terminal().ready();
    ben.wait_for_text(" 1 unread ");
    ben.keys("F4");
    ben.wait_for_text("Ada  read line 1 first");
    drop(ben);
    ada.keys("F4");
    ada.keys("Ctrl-q");
    assert_eq!(ada.wait_exit(), Some(0));
    let ada = host().terminal().ready();
    ada.wait_for_text("text");
    assert!(!ada.screen().contains("unread"), "it was read before");
    ada.keys("F4");
    ada.wait_for_text("read line 1 first");
}

#[test]
fn a_hostile_message_is_shown_and_does_nothing() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "first line\n", "first line");
    ada.wait_for_text("Ben");
    ada.keys("F4");
    ada.wait_for_text("Say:");
    // Pasted, since keys would be keys. What is left of it goes as it is.
    ada.paste("\u{9b}2J \u{202e}evil\u{2066} \u{1b}[2J e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}");
    ada.type_text("\n");
    ben.wait_for_text("evil");
    ben.keys("F4");
    ben.wait_for_text("Say:");
    ben.wait_for_text("evil");
    ben.wait_for_text("first line");
    let raw = String::from_utf8_lossy(&ben.raw()).into_owned();
    assert!(!raw.contains('\u{202e}') && !raw.contains('\u{9b}'));
}

#[test]
fn one_asks_the_others_to_look_and_they_decide() {
    let scratch = Scratch::new();
    let lines: String = (0..300).map(|line| format!("line {line}.\n")).collect();
    let (ada, ben) = pair(&scratch, &lines, "line 0.");
    // There is nobody to ask before it is known where Ben is.
    ada.wait_for_text("•");
    ada.keys("Ctrl-End");
    ada.wait_for_text("line 299.");
    ada.keys("Alt-l");
    ada.wait_for_text("The others are asked to look here");
    ben.wait_for_text("Ada asks you to look at line 301; F6 goes there");
    assert!(ben.screen().contains("line 0."), "nothing moves by itself");
    // Whoever goes there goes to where it was meant, wherever the other is by now.
    ada.keys("Ctrl-Home");
    ada.wait_for_text("line 0.");
    ben.keys("F6");
    ben.wait_for_text("line 299.");
    ben.type_text("X");
    ada.keys("Ctrl-End");
    ada.wait_for_text("X");
}

#[test]
fn a_name_at_a_cursor_goes_once_the_cursor_has_rested() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "first\nsecond\n", "second");
    let text = |screen: &vt100::Screen| {
        let contents = screen.contents();
        contents.lines().take(3).collect::<Vec<_>>().join("\n")
    };
    let named = |screen: &vt100::Screen| text(screen).contains("Ben");
    ada.keys("Ctrl-Home");
    ben.keys("Ctrl-End");
    ada.wait_for("Ben's name at the cursor", named);
    ada.wait_for("the name to go and the mark to stay", |screen| {
        !named(screen) && text(screen).contains('•')
    });
    ben.keys("Up");
    ada.wait_for("Ben's name again", named);
}

#[test]
fn the_bracket_that_matches_stands_out() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "f(a, b)\n");
    let terminal = Launch::edit(&file).terminal().ready();
    terminal.wait_for_text("f(a, b)");
    let (row, start) = terminal.find("f(a, b)").expect("the text");
    let stands_out = move |screen: &vt100::Screen, at: u16| {
        let cell = screen.cell(row, start + at);
        cell.is_some_and(|cell| cell.underline() && cell.bold())
    };
    terminal.wait_for("none to stand out", |screen| {
        !(0..7).any(|at| stands_out(screen, at))
    });
    terminal.keys("Ctrl-Home Right");
    terminal.wait_for("both brackets to stand out", |screen| {
        let found: Vec<u16> = (0..7).filter(|&at| stands_out(screen, at)).collect();
        found == [1, 6]
    });
    terminal.keys("Home");
    terminal.wait_for("none to stand out", |screen| {
        !(0..7).any(|at| stands_out(screen, at))
    });
}

/// Chat is notes in the log; a member without a screen passes them on like any operation.
#[test]
fn a_member_without_a_screen_keeps_what_is_said_for_those_who_come() {
    let scratch = Scratch::new();
    let file = scratch.file("keeper/notes.md", "text\n");
    let keeper: Headless = Launch::host(&file).name("Keeper").code(CODE).headless();
    let address = keeper.address();
    let copy = |name: &str| scratch.folder(name).join("notes.md");
    let ada = Launch::join(address, &copy("ada")).name("Ada").code(CODE);
    let mut ada = ada.terminal().ready();
    ada.wait_for_text("text");
    ada.keys("F4");
    ada.wait_for_text("Say:");
    ada.type_text("gone for lunch\n");
    ada.wait_for_text("Ada  gone for lunch");
    ada.wait_for_text("delivered");
    ada.keys("F4");
    // The text is not saved at Ada's, so she is asked.
    ada.keys("Ctrl-q");
    ada.wait_for_word(words::QUIT_QUESTION);
    ada.keys("Ctrl-q");
    assert_eq!(ada.wait_exit(), Some(0));
    let ben = Launch::join(address, &copy("ben")).name("Ben").code(CODE);
    let ben = ben.terminal().ready();
    ben.wait_for_text(" 1 unread ");
    ben.keys("F4");
    ben.wait_for_text("Ada  gone for lunch");
}
