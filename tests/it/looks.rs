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
