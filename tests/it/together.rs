//! Help, commands by their words, and what one does with the others.

use super::launch::{CODE, Launch};
use super::scratch::{Scratch, text_of};
use super::terminal::Terminal;
use super::two_terminals::pair;
use super::wait::until;

fn alone(scratch: &Scratch, text: &str) -> Terminal {
    let file = scratch.file("notes.md", text);
    Launch::edit(&file)
        .env("XDG_STATE_HOME", scratch.path())
        .terminal()
        .ready()
}

#[test]
fn help_lists_the_keys_and_the_palette_does_what_is_chosen() {
    let scratch = Scratch::new();
    let terminal = alone(&scratch, "some text\n");
    terminal.wait_for_text("F1 help");
    terminal.keys("F1");
    terminal.wait_for_text("Save the file");
    terminal.keys("PageDown");
    terminal.wait_without_text("Save the file");
    terminal.keys("Esc");
    terminal.wait_without_text("Esc closes");
    terminal.keys("Ctrl-p");
    terminal.wait_for_text("Command:");
    terminal.type_text("white");
    terminal.wait_for_text("Alt-W");
    terminal.keys("Enter");
    terminal.wait_for_text("some·text");
    let kept = scratch.path().join("collab-edit/looks.json");
    until("what is remembered", || {
        text_of(&kept)?
            .contains("\"whitespace\":true")
            .then_some(())
    });
    drop(terminal);
    // Who has found it is not told again.
    let again = alone(&scratch, "some text\n");
    again.wait_for_text("some·text");
    assert!(!again.screen().contains("F1 help"));
}

#[test]
fn a_member_is_gone_to_and_followed_until_a_key() {
    let scratch = Scratch::new();
    let lines: String = (0..300).map(|line| format!("line {line}.\n")).collect();
    let (ada, ben) = pair(&scratch, &lines, "line 0.");
    ben.keys("Ctrl-Home");
    ada.keys("Ctrl-End");
    ada.wait_for_text("line 299.");
    ben.keys("Alt-f");
    ben.wait_for_text("line 299.");
    // Each follows the other, and both rest.
    ada.keys("Alt-f");
    ada.wait_for_text("line 0.");
    ben.wait_for_text("line 299.");
    ada.keys("Ctrl-Home");
    ben.wait_for_text("line 0.");
    ada.keys("Ctrl-End");
    ben.wait_for_text("line 299.");
    // A key ends it, and one is where one was.
    ben.type_text("X");
    ben.wait_for_text("Xline 0.");
    ben.keys("Alt-j");
    ben.wait_for_text("line 299.");
    ben.type_text("Y");
    ada.wait_for_text("Y");
}

#[test]
fn it_is_seen_who_wrote_what_and_taken_back_after_a_look() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "from the file\n", "from the file");
    ben.play("<Ctrl-Home>written by Ben ");
    ada.wait_for_text("written by Ben from");
    ada.keys("Ctrl-Home Alt-a");
    ada.wait_for_text("by Ben, ");
    ada.keys("Alt-u");
    ada.wait_for_text("Take back, of whom");
    ada.type_text("bob 5\n");
    ada.wait_for_text("There is no member \"bob\" here; there is Ben");
    ada.keys("Ctrl-a");
    ada.type_text("ben 10\n");
    ada.wait_for_text("Ben: 15 characters would disappear and 0 characters come back, in 1 place");
    ada.wait_for("what would disappear, crossed out or coloured", |screen| {
        let contents = screen.contents();
        let row = contents
            .lines()
            .position(|line| line.contains("written by Ben"));
        row.is_some_and(|row| {
            let line = contents.lines().nth(row).unwrap_or_default();
            let column = line
                .split("written")
                .next()
                .map(|left| left.chars().count());
            let cell = column.and_then(|column| screen.cell(row as u16, column as u16));
            cell.is_some_and(|cell| cell.bgcolor() == vt100::Color::Idx(1))
        })
    });
    ada.play("y<Enter>");
    for member in [&ada, &ben] {
        member.wait_without_text("written by");
        member.wait_for_text("from the file");
    }
    ada.keys("Ctrl-z");
    for member in [&ada, &ben] {
        member.wait_for_text("written by Ben from the file");
    }
}

#[test]
fn one_who_is_alone_lets_others_in_and_stops_it() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "shared later\n");
    let ada = Launch::edit(&file)
        .name("Ada")
        .code(CODE)
        .terminal()
        .ready();
    ada.keys("Ctrl-p");
    ada.wait_for_text("Command:");
    ada.type_text("let others join");
    ada.keys("Enter");
    ada.wait_for_text("collab-edit --join ");
    let screen = ada.screen();
    let address = screen
        .split("collab-edit --join ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    let address = address
        .and_then(|address| address.parse().ok())
        .expect("an address");
    let copy = scratch.folder("ben").join("notes.md");
    let ben = Launch::join(address, &copy)
        .name("Ben")
        .code(CODE)
        .terminal()
        .ready();
    ben.wait_for_text("shared later");
    ada.keys("F2 Alt-q");
    ada.wait_for("a QR code", |screen| screen.contents().contains('▀'));
    ada.keys("Esc");
    ada.wait_without_text(" Members ");
    ada.keys("Ctrl-p");
    ada.wait_for_text("Command:");
    ada.type_text("let others join");
    ada.keys("Enter");
    ada.wait_for_text("Nobody can join here any more");
    until("the door to be shut", || {
        std::net::TcpStream::connect(address).err().map(drop)
    });
    ben.play("<Ctrl-Home>still ");
    ada.wait_for_text("still shared later");
    assert_eq!(text_of(&file).as_deref(), Some("shared later\n"));
}
