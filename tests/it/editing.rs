//! What the terminal is part of: the mouse, the clipboard by OSC 52, pastes, stopping and going on.

use super::launch::Launch;
use super::scratch::{Scratch, text_of};
use super::terminal::{RESTORED, Terminal};
use super::wait::until;

/// An editor alone with this file and these settings.
fn edit(scratch: &Scratch, text: &str, settings: &str) -> Terminal {
    let file = scratch.file("notes.md", text);
    let config = scratch.file("config.toml", settings);
    let launch = Launch::edit(&file).arg("--config").arg(config);
    launch.terminal().ready()
}

/// A mouse event as SGR-coded terminals send it, at a cell counted from 0.
fn mouse(terminal: &Terminal, button: u8, (row, column): (u16, u16), last: char) {
    let event = format!("\x1b[<{button};{};{}{last}", column + 1, row + 1);
    terminal.write(event.as_bytes());
}

/// Saves and expects this text in the file.
#[track_caller]
fn saves(scratch: &Scratch, terminal: &Terminal, expected: &str) {
    terminal.keys("Ctrl-s");
    let file = scratch.path().join("notes.md");
    until(expected, || (text_of(&file)? == expected).then_some(()));
}

#[test]
fn the_mouse_selects_and_the_copy_goes_to_the_terminal() {
    let scratch = Scratch::new();
    let terminal = edit(&scratch, "hello world\n", "");
    assert!(terminal.modes().mouse);
    let (row, column) = terminal.find("world").expect("the text");
    mouse(&terminal, 0, (row, column), 'M');
    mouse(&terminal, 32, (row, column + 5), 'M');
    mouse(&terminal, 0, (row, column + 5), 'm');
    terminal.keys("Ctrl-c");
    terminal.wait_for_text("Copied 5 characters (OSC 52)");
    // "world" in base64, after RFC 4648.
    let sequence = b"\x1b]52;c;d29ybGQ=\x1b\\";
    let raw = terminal.raw();
    assert!(raw.windows(sequence.len()).any(|part| part == sequence));
    terminal.play("<Home Ctrl-v>");
    saves(&scratch, &terminal, "worldhello world\n");
}

#[test]
fn without_the_mouse_setting_the_mouse_is_the_terminals() {
    let scratch = Scratch::new();
    let terminal = edit(&scratch, "text\n", "mouse = false\n");
    assert!(!terminal.modes().mouse);
}

#[test]
fn a_paste_is_one_edit_without_indentation() {
    let scratch = Scratch::new();
    let terminal = edit(&scratch, "  a\n", "");
    terminal.keys("Ctrl-Home End");
    terminal.paste("\nb\n  c");
    saves(&scratch, &terminal, "  a\nb\n  c\n");
    terminal.keys("Ctrl-z");
    saves(&scratch, &terminal, "  a\n");
}

#[test]
fn what_arrives_in_pieces_is_whole_and_nothing_waits_for_it() {
    let scratch = Scratch::new();
    let terminal = edit(&scratch, "first\n", "");
    let pieces: [&[u8]; 8] = [
        b"\x1b[1;",
        b"5F",
        b"\xe6\xbc",
        b"\xa2",
        b"\x1b[200~a pas",
        b"te\x1b[20",
        b"1~",
        b"\x1b",
    ];
    for piece in pieces {
        terminal.write(piece);
        // Nothing on the screen says that a piece has come; that it waits for the next is the point.
        std::thread::sleep(std::time::Duration::from_millis(30));
    }
    // That was Esc, and this is a letter.
    terminal.type_text("z");
    saves(&scratch, &terminal, "first\n漢a pastez");
    // In the middle of a paste the screen follows.
    terminal.write(b"\x1b[200~half");
    terminal.resize(20, 100);
    terminal.wait_for("the bar on the new last row", |screen| {
        let contents = screen.contents();
        contents
            .lines()
            .nth(19)
            .is_some_and(|bar| bar.contains("notes.md"))
    });
    terminal.write(b"\x1b[201~");
    saves(&scratch, &terminal, "first\n漢a pastezhalf");
}

#[test]
fn a_stopped_editor_gives_the_terminal_back_and_goes_on() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "text\n");
    let config = scratch.file("config.toml", "[keys]\nctrl-t = \"suspend\"\n");
    let mut launch = Launch::edit(&file);
    let script =
        "set -m; \"$0\" \"$1\" --config \"$2\"; echo at the shell; read line; fg; echo over";
    launch.arguments = vec!["-c".into(), script.into()];
    launch.arguments.push(launch.program.clone().into());
    launch.arguments.extend([file.into(), config.into()]);
    launch.program = "/bin/sh".into();
    let terminal = launch.terminal().ready();
    terminal.wait_for_text("text");
    terminal.keys("Ctrl-t");
    terminal.wait_for("the shell", |screen| !screen.alternate_screen());
    terminal.wait_for_text("at the shell");
    assert_eq!(terminal.modes(), RESTORED);
    terminal.type_text("\n");
    terminal.wait_for("the editor again", vt100::Screen::alternate_screen);
    terminal.wait_for_text("text");
    terminal.play("<Ctrl-End>more");
    saves(&scratch, &terminal, "text\nmore");
    terminal.keys("Ctrl-q");
    terminal.wait_for_text("over");
}

#[test]
fn an_editor_that_was_stopped_from_outside_takes_the_keys_again() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "text\n");
    let terminal = Launch::edit(&file).terminal().ready();
    terminal.wait_for_text("text");
    terminal.cook();
    assert!(terminal.modes().cooked);
    terminal.signal("CONT");
    until("single keys", || (!terminal.modes().cooked).then_some(()));
    terminal.play("<Ctrl-End>more");
    saves(&scratch, &terminal, "text\nmore");
}

#[test]
fn a_wrong_setting_is_named_with_line_and_column() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "text\n");
    let config = scratch.file("config.toml", "mouse = true\ncolors = false\n");
    let outcome = Launch::edit(&file).arg("--config").arg(config).run();
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("config.toml:2:1: unknown field"),
        "{}",
        outcome.stderr
    );
    // The usage was right.
    assert!(!outcome.stderr.contains("Usage"), "{}", outcome.stderr);
    assert!(outcome.stderr.ends_with('\n'), "{:?}", outcome.stderr);
}

#[test]
fn a_second_press_takes_the_word_a_third_the_line_and_the_wheel_turns() {
    let scratch = Scratch::new();
    let lines: String = (0..60).map(|line| format!("line {line}.\n")).collect();
    let terminal = edit(&scratch, &format!("one two three\n{lines}"), "");
    let at = terminal.find("two").expect("the text");
    let press = |times: usize| {
        for _ in 0..times {
            mouse(&terminal, 0, at, 'M');
            mouse(&terminal, 0, at, 'm');
        }
    };
    press(2);
    terminal.keys("Ctrl-c");
    terminal.wait_for_text("Copied 3 characters");
    // Two presses at another place, so that the next ones are not the third and fourth.
    mouse(&terminal, 0, (at.0 + 5, at.1), 'M');
    mouse(&terminal, 0, (at.0 + 5, at.1), 'm');
    press(3);
    terminal.keys("Ctrl-c");
    terminal.wait_for_text("Copied 1 line");
    // The wheel turns by three rows and leaves the cursor where it is.
    for _ in 0..5 {
        mouse(&terminal, 65, at, 'M');
    }
    terminal.wait_without_text("line 10.");
    terminal.wait_for_text("line 40.");
    for _ in 0..5 {
        mouse(&terminal, 64, at, 'M');
    }
    terminal.wait_for_text("one two three");
}

#[test]
fn a_size_of_one_cell_loses_nothing() {
    let scratch = Scratch::new();
    let terminal = edit(&scratch, "some text\n", "");
    terminal.keys("F4");
    terminal.wait_for_text("Say:");
    terminal.resize(1, 1);
    terminal.type_text("a");
    terminal.resize(24, 80);
    terminal.wait_for_text("Say: a");
    terminal.wait_for_text("some text");
    terminal.keys("F4");
    terminal.wait_without_text("Say:");
    terminal.resize(1, 1);
    terminal.type_text("b");
    terminal.resize(24, 80);
    terminal.wait_for_text("bsome text");
}
