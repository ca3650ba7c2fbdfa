//! How the text is shown: wrapping, line numbers, white space.

use super::launch::Launch;
use super::scratch::{Scratch, text_of};
use super::terminal::Terminal;
use super::wait::until;

fn edit(scratch: &Scratch, text: &str, columns: u16) -> Terminal {
    let file = scratch.file("notes.md", text);
    Launch::edit(&file)
        .env("XDG_STATE_HOME", scratch.path())
        .size(12, columns)
        .terminal()
        .ready()
}

#[test]
fn wrapping_shows_long_lines_and_is_remembered() {
    let scratch = Scratch::new();
    let text = "one two three four five six seven eight nine ten\nlast\n";
    let terminal = edit(&scratch, text, 30);
    terminal.wait_for_text("one two three");
    terminal.wait_without_text("ten");
    terminal.keys("Alt-z");
    terminal.wait_for_text("ten");
    // Down goes to the second row of the same line, where six begins.
    terminal.play("<Down>X<Ctrl-s>");
    until("the letter on the second row", || {
        (text_of(&scratch.path().join("notes.md"))?.contains("Xsix")).then_some(())
    });
    terminal.play("<Ctrl-q>");
    drop(terminal);

    let terminal = edit(&scratch, text, 30);
    terminal.wait_for_text("ten");
    terminal.keys("Alt-z");
    terminal.wait_without_text("ten");
}

#[test]
fn line_numbers_and_white_space_come_and_go() {
    let scratch = Scratch::new();
    let terminal = edit(&scratch, "a b\tc\n", 40);
    terminal.wait_for_text("1 a b");
    terminal.keys("Alt-w");
    terminal.wait_for_text("a·b→");
    terminal.wait_for_text("c¶");
    terminal.keys("Alt-n");
    terminal.wait_without_text("1 a");
    terminal.wait_for_text("a·b→");
    terminal.keys("Alt-w");
    terminal.wait_for_text("a b");
}

#[test]
fn a_file_that_is_one_line_of_megabytes_is_edited_like_another() {
    let scratch = Scratch::new();
    let terminal = edit(&scratch, &"word ".repeat(1 << 20), 60);
    terminal.wait_for_text("word word");
    terminal.keys("Ctrl-End");
    terminal.wait_for_text("1:5242881");
    let begun = std::time::Instant::now();
    terminal.play("<Up*40 Down*40>the end");
    terminal.wait_for_text("the end");
    // A key that walked over the whole line would take 50 ms.
    let took = begun.elapsed();
    assert!(took.as_millis() < 2_000, "{took:?}");
    terminal.keys("Ctrl-Home");
    terminal.wait_for_text("1:1 ");
}

/// The colour of the first character of this text.
fn colour_of(screen: &vt100::Screen, text: &str) -> Option<vt100::Color> {
    let contents = screen.contents();
    let (row, line) = contents
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains(text))?;
    let column = line[..line.find(text)?].chars().count();
    Some(screen.cell(row as u16, column as u16)?.fgcolor())
}

fn code(scratch: &Scratch) -> Launch {
    let file = scratch.file("main.rs", "let one = 1;\n\n// note\nlet two = 2;\n");
    Launch::edit(&file).size(12, 60)
}

const KEYWORD: [u8; 3] = [133, 176, 90];
const COMMENT: [u8; 3] = [243, 246, 241];

fn is(colours: [u8; 3], text: &'static str) -> impl Fn(&vt100::Screen) -> bool {
    move |screen| {
        let found = colour_of(screen, text);
        found.is_some_and(|found| colours.map(vt100::Color::Idx).contains(&found))
    }
}

#[test]
fn code_is_coloured_and_a_change_above_is_followed() {
    let scratch = Scratch::new();
    let terminal = code(&scratch).terminal().ready();
    terminal.wait_for("a keyword", is(KEYWORD, "let two"));
    terminal.wait_for("a comment", is(COMMENT, "// note"));
    terminal.play("<Down>/*");
    terminal.wait_for("all of it a comment", is(COMMENT, "let two"));
    terminal.keys("Backspace");
    terminal.wait_for("a keyword again", is(KEYWORD, "let two"));
}

#[test]
fn colours_can_be_switched_off() {
    let scratch = Scratch::new();
    let terminal = code(&scratch).env("NO_COLOR", "1").terminal().ready();
    terminal.wait_for("a bold keyword", |screen| {
        let bold = |row| screen.cell(row, 4).is_some_and(vt100::Cell::bold);
        bold(0) && bold(3)
    });
    let raw = terminal.raw();
    assert!(!raw.windows(5).any(|bytes| bytes == b"38;5;"), "a colour");
    assert!(!raw.windows(5).any(|bytes| bytes == b"]11;?"), "a question");
}

#[test]
fn a_late_answer_about_the_background_is_no_text() {
    let scratch = Scratch::new();
    let terminal = code(&scratch).terminal().ready();
    terminal.wait_for("a keyword", is(KEYWORD, "let two"));
    assert!(terminal.raw().windows(5).any(|bytes| bytes == b"]11;?"));
    terminal.type_text("before");
    terminal.wait_for_text("before");
    terminal.write(b"\x1b]11;rgb:ffff/ff");
    // Nothing on the screen says that the first half has come; that it waits for the other is the point.
    std::thread::sleep(std::time::Duration::from_millis(50));
    terminal.write(b"ff/ffff\x1b\\after");
    terminal.wait_for_text("beforeafterlet one");
    terminal.wait_for("the colours of light ground", |screen| {
        colour_of(screen, "let two") == Some(vt100::Color::Idx(90))
    });
}
