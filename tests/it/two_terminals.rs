//! The main job: two people at two terminals, one document.

use super::launch::{CODE, Launch};
use super::scratch::{Scratch, text_of};
use super::terminal::Terminal;
use super::wait::until;

/// A host with this file and a joiner, both with the text on their screens.
pub(crate) fn pair(scratch: &Scratch, text: &str, shown: &str) -> (Terminal, Terminal) {
    let file = scratch.file("ada/notes.md", text);
    let copy = scratch.folder("ben").join("notes.md");
    let ada = Launch::host(&file)
        .name("Ada")
        .code(CODE)
        .terminal()
        .ready();
    ada.wait_for_text(shown);
    let address = ada.address(&[]);
    let ben = Launch::join(address, &copy).name("Ben").code(CODE);
    let ben = ben.terminal().ready();
    ben.wait_for_text(shown);
    (ada, ben)
}

#[test]
fn two_people_see_each_other_type_and_save_the_same_file() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "first\nsecond\n", "second");
    ada.wait_for_text("Ben");
    ben.wait_for_text("Ada");

    ada.play("<Ctrl-Home>from the host ");
    ben.wait_for_text("from the host first");
    ben.play("<Ctrl-End>from the guest");
    ada.wait_for_text("from the guest");
    ben.wait_for_text("from the guest");

    let expected = "from the host first\nsecond\nfrom the guest";
    for (member, folder) in [(&ada, "ada"), (&ben, "ben")] {
        let file = scratch.path().join(folder).join("notes.md");
        member.keys("Ctrl-s");
        until("the saved file", || {
            (text_of(&file)? == expected).then_some(())
        });
    }
}

#[test]
fn a_host_is_shown_the_command_for_others_without_pressing_a_key() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "text\n");
    let ada = Launch::host(&file).code(CODE).terminal().ready();
    ada.wait_for_text("--join 127.0.0.1:");
}

#[test]
fn everybody_sees_that_a_session_is_open() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "text\n");
    let ada = Launch::host(&file).open().terminal().ready();
    ada.wait_for_text("no code");
    let copy = scratch.folder("ben").join("notes.md");
    let ben = Launch::join(ada.address(&[]), &copy).open().terminal();
    ben.wait_for_text("text");
    ben.wait_for_text("no code");
}

#[test]
fn each_members_name_at_the_cursor_has_a_colour() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "first\nsecond\n", "second");
    ben.play("<Ctrl-Home>x");
    ada.wait_for_text("xfirst");
    ada.wait_for_text("Ben");
    until("Ben's name in a colour", || {
        ada.is_coloured("Ben").then_some(())
    });
}

#[test]
fn a_selection_and_its_replacement_reach_the_other() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "hello world\n", "hello world");
    ada.play("<Ctrl-Home Shift-Right*5>goodbye");
    ben.wait_for_text("goodbye world");
    ben.wait_without_text("hello");
}

#[test]
fn lines_made_and_joined_reach_the_other() {
    let scratch = Scratch::new();
    let (ada, ben) = pair(&scratch, "onetwo\nthree\n", "three");
    ada.play("<Ctrl-Home Right*3 Enter>");
    ada.wait_without_text("onetwo");
    ben.wait_without_text("onetwo");
    ben.play("<Ctrl-Home End Delete>");
    ada.wait_for_text("onetwo");
    ada.play("<Ctrl-Home End Delete>");
    ben.wait_for_text("onetwothree");
}

#[test]
fn a_host_that_leaves_is_shown_as_gone_and_typing_goes_on() {
    let scratch = Scratch::new();
    let (mut ada, ben) = pair(&scratch, "text\n", "text");
    ben.wait_for_text("Ada");
    ada.keys("Ctrl-q");
    assert_eq!(ada.wait_exit(), Some(0));
    ben.play("<Ctrl-End>alone now<Ctrl-s>");
    let copy = scratch.path().join("ben/notes.md");
    until("the saved file", || {
        (text_of(&copy)? == "text\nalone now").then_some(())
    });
}

#[test]
fn a_session_that_announces_itself_is_chosen_from_a_list() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/secret-plan.md", "found it\n");
    let ada = Launch::host(&file)
        .name("Ada")
        .code(CODE)
        .arg("--announce")
        .terminal()
        .ready();
    let address = ada.address(&[]).to_string();
    let ben = Launch::new(&scratch.folder("ben"))
        .arg("--nearby")
        .arg("copy.md")
        .name("Ben")
        .code(CODE)
        .terminal();
    ben.wait_for_text(&address);
    // Other tests may announce sessions at the same time.
    let screen = ben.screen();
    let line = screen.lines().find(|line| line.contains(&address));
    let line = line.expect("it was there");
    assert!(
        !screen.contains("Ada") && !screen.contains("secret-plan"),
        "{screen}"
    );
    let number = line.split_whitespace().next().expect("a number");
    ben.type_text(number);
    ben.keys("Enter");
    ben.wait_for_text("found it");
    ada.wait_for_text("Ben");
}
