//! What a person sees of members who are away: the delivery gauge, the proof that all have the same text,
//! and what those did who are back.

use super::launch::{CODE, Launch};
use super::scratch::Scratch;

#[test]
fn edits_are_counted_while_a_member_is_away_and_told_of_when_it_is_back() {
    let scratch = Scratch::new();
    let lines: String = (0..40).map(|n| format!("line {n}\n")).collect();
    let file = scratch.file("ada/notes.md", &lines);
    let launch = |launch: Launch, name: &str| launch.name(name).code(CODE).terminal().ready();
    let ada = launch(Launch::host(&file), "Ada");
    ada.wait_for_text("line 3");
    ada.resize(24, 160);
    let copy = scratch.folder("ben").join("notes.md");
    let ben = launch(Launch::join(ada.address(&[]), &copy), "Ben");
    ben.wait_for_text("line 3");
    ada.wait_for_text("identical with Ben");
    ben.wait_for_text("identical");

    ben.signal("STOP");
    ada.play("<Ctrl-Home>Ada");
    // Known from its missing acknowledgement, before its link counts as dead.
    ada.wait_for_text("0 of 1 have them · not yet Ben");
    ada.wait_for_text("have them · Ben away for");
    ben.signal("CONT");
    ada.wait_for_text("Ben is back");
    ada.wait_for_text("identical with Ben");

    // What Ben types once he has given her up reaches Ada only by another link.
    ada.signal("STOP");
    ben.wait_for_text("Ada is away");
    ben.play("<Ctrl-Home>Ben<Ctrl-End>end");
    ben.wait_for_text("end");
    ada.signal("CONT");
    ada.wait_for_text("Ben is back: ");
    ada.wait_for_text("in 2 places (F8 goes through them)");
    ada.wait_for_text("identical with Ben");
    ada.keys("F8");
    ada.wait_for_text("Change 1 of 2");
    ada.keys("F8");
    ada.wait_for_text("Change 2 of 2");
    ada.wait_for_text("line 39");
    ada.keys("F5");
    ada.wait_for_text("Nobody is away");
}
