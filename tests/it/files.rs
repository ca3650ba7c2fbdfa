//! Files: what a save keeps, and which file it does not touch.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use super::launch::{CODE, Launch};
use super::scratch::{Scratch, bytes_of, text_of};
use super::wait::until;
use super::words;

/// Opens, types `!` at the start, saves, and waits for these bytes in the file.
#[track_caller]
fn check_save(before: &[u8], after: &[u8]) {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", before);
    let terminal = Launch::edit(&file).terminal().ready();
    terminal.play("<Ctrl-Home>!<Ctrl-s>");
    until(
        &format!("{:?} in the file", String::from_utf8_lossy(after)),
        || (bytes_of(&file)? == after).then_some(()),
    );
}

#[test]
fn line_ends_and_bom_come_back_as_they_were() {
    check_save(b"a\nb\n", b"!a\nb\n");
    check_save(b"a\r\nb\r\n", b"!a\r\nb\r\n");
    check_save(b"a\r\nb", b"!a\r\nb");
    check_save(b"\xef\xbb\xbfa\r\nb\r\n", b"\xef\xbb\xbf!a\r\nb\r\n");
    check_save(b"mixed\r\nends\nstay\r\n", b"!mixed\r\nends\nstay\r\n");
    check_save(b"mixed\r\nends\nstay", b"!mixed\r\nends\nstay");
    check_save(b"\xff\xfea\0\r\0\n\0", b"\xff\xfe!\0a\0\r\0\n\0");
    check_save(b"\xfe\xff\0a\0\n", b"\xfe\xff\0!\0a\0\n");
    check_save(b"a\0b\0\n\0", b"!\0a\0b\0\n\0");
    check_save(b"", b"!");
}

#[test]
fn a_name_that_is_no_text_is_one_like_any_other() {
    let scratch = Scratch::new();
    let name = std::ffi::OsStr::from_bytes(&[0xff; 250]);
    let file = scratch.folder("ada").join(name);
    std::fs::write(&file, "the text\n").expect("a file of that name");
    let ada = Launch::host(&file).name("Ada").code(CODE).headless();
    let copy = scratch.folder("ben").join("notes.md");
    let mut ben = Launch::join(ada.address(), &copy)
        .name("Ben")
        .code(CODE)
        .headless();
    ben.expect_event("joined");
    ben.insert(0, "!");
    until("the text in the file", || {
        (text_of(&file)? == "!the text\n").then_some(())
    });
}

#[test]
fn enter_in_a_crlf_file_makes_a_crlf() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "a\r\nb\r\n");
    let terminal = Launch::edit(&file).terminal().ready();
    terminal.play("<Ctrl-Home>new<Enter Ctrl-s>");
    until("the saved file", || {
        (text_of(&file)? == "new\r\na\r\nb\r\n").then_some(())
    });
}

#[test]
fn leaving_at_once_after_typing_asks() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "one\n");
    let terminal = Launch::edit(&file).terminal().ready();
    terminal.wait_for_text("one");
    // Text and Ctrl-Q in one read, as a slow line brings them.
    terminal.write(b"typed \x11");
    terminal.wait_for_word(words::QUIT_QUESTION);
    terminal.wait_for_text("typed one");
}

#[test]
fn a_file_that_is_not_there_is_a_new_one() {
    let scratch = Scratch::new();
    let file = scratch.path().join("new.md");
    let terminal = Launch::edit(&file).terminal().ready();
    assert!(!file.exists());
    terminal.play("first words<Ctrl-s>");
    until("the new file", || {
        (text_of(&file)? == "first words").then_some(())
    });
}

#[test]
fn a_save_keeps_mode_bits_and_leaves_nothing_beside_the_file() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "text\n");
    let mode = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(&file, mode).expect("a file of ours");
    let mut terminal = Launch::edit(&file).terminal().ready();
    terminal.play("<Ctrl-Home>!<Ctrl-s>");
    until("the saved file", || {
        (text_of(&file)? == "!text\n").then_some(())
    });
    let mode = std::fs::metadata(&file).expect("the file").mode() & 0o7777;
    assert_eq!(mode, 0o640);
    terminal.keys("Ctrl-q");
    assert_eq!(terminal.wait_exit(), Some(0));
    assert_eq!(files_in(&scratch), [file]);
}

#[test]
fn a_save_through_a_symbolic_link_keeps_the_link() {
    let scratch = Scratch::new();
    let target = scratch.file("real/notes.md", "text\n");
    let link = scratch.path().join("link.md");
    std::os::unix::fs::symlink(&target, &link).expect("a link");
    let terminal = Launch::edit(&link).terminal().ready();
    terminal.play("<Ctrl-Home>!<Ctrl-s>");
    until("the saved target", || {
        (text_of(&target)? == "!text\n").then_some(())
    });
    assert!(link.symlink_metadata().expect("the link").is_symlink());
}

#[test]
fn a_save_that_fails_says_so_and_the_editor_lives() {
    let scratch = Scratch::new();
    let folder = scratch.folder("gone");
    let file = scratch.file("gone/notes.md", "text\n");
    let mut terminal = Launch::edit(&file).terminal().ready();
    terminal.play("<Ctrl-Home>!");
    terminal.wait_for_text("!text");
    std::fs::remove_dir_all(&folder).expect("a folder of ours");
    terminal.keys("Ctrl-s");
    terminal.wait_for_text("Save as:");
    terminal.escape_from("Save as:");
    terminal.play("<Ctrl-End>zebra");
    terminal.wait_for_text("2 zebra");
    assert!(terminal.is_running());
    // What could not be saved is still unsaved.
    terminal.keys("Ctrl-q");
    terminal.wait_for_word(words::QUIT_QUESTION);
    assert!(terminal.is_running());
}

#[test]
fn a_name_that_cannot_be_written_is_asked_for_again() {
    let scratch = Scratch::new();
    let terminal = Launch::new(scratch.path()).terminal().ready();
    terminal.play("text<Ctrl-s>");
    terminal.wait_for_text("Save as");
    terminal.play("gone/new.md<Enter>");
    terminal.wait_for_text("does not exist");
    terminal.wait_for_text("Save as: gone/new.md");
    terminal.play("<Backspace*11>new.md<Enter>");
    let file = scratch.path().join("new.md");
    until("the new file", || (text_of(&file)? == "text").then_some(()));
}

#[test]
fn a_joiner_without_file_confirms_the_sessions_file_name() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "the text\n");
    let ada = Launch::host(&file).name("Ada").code(CODE).headless();
    let folder = scratch.folder("ben");
    let ben = Launch::join_from(&folder, ada.address()).code(CODE);
    let ben = ben.terminal().ready();
    ben.wait_for_text("the text");
    ben.keys("Ctrl-s");
    ben.wait_for_word(words::CONFIRM_NAME);
    ben.wait_for_text("notes.md");
    let copy = folder.join("notes.md");
    assert!(!copy.exists());
    ben.keys("Enter");
    until("the saved file", || {
        (text_of(&copy)? == "the text\n").then_some(())
    });
    // Once confirmed, it is not asked again.
    ben.play("<Ctrl-End>more<Ctrl-s>");
    until("the file saved again", || {
        (text_of(&copy)? == "the text\nmore").then_some(())
    });
}

#[test]
fn both_ends_in_one_folder_do_not_write_one_file() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "the text\n");
    let ada = Launch::host(&file)
        .name("Ada")
        .code(CODE)
        .terminal()
        .ready();
    ada.wait_for_text("the text");
    let ben = Launch::join_from(scratch.path(), ada.address(&[]))
        .name("Ben")
        .code(CODE);
    let ben = ben.terminal().ready();
    ben.wait_for_text("the text");
    ben.play("<Ctrl-End>Ben's");
    ada.wait_for_text("Ben's");

    ben.keys("Ctrl-s");
    // The name may be asked for first, or refused at once.
    until("a question", || {
        (ben.mentions(words::OTHER_NAME) || ben.mentions(words::CONFIRM_NAME)).then_some(())
    });
    if !ben.mentions(words::OTHER_NAME) {
        ben.keys("Enter");
        ben.wait_for_word(words::OTHER_NAME);
    }
    assert_eq!(text_of(&file).as_deref(), Some("the text\n"));
    ben.keys("Enter");
    let other = until("a file under another name", || {
        files_in(&scratch)
            .into_iter()
            .find(|other| *other != file && text_of(other).as_deref() == Some("the text\nBen's"))
    });
    assert_ne!(other, file);
    assert_eq!(text_of(&file).as_deref(), Some("the text\n"));

    ada.keys("Ctrl-s");
    until("the host's file", || {
        (text_of(&file)? == "the text\nBen's").then_some(())
    });
}

#[test]
fn a_hard_link_to_a_file_that_another_member_has_open_is_that_file() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "the text\n");
    let link = scratch.folder("ben").join("notes.md");
    std::fs::hard_link(&file, &link).expect("a hard link");
    let ada = Launch::host(&file).name("Ada").code(CODE).headless();
    let ben = Launch::join_from(&scratch.folder("ben"), ada.address()).code(CODE);
    let ben = ben.terminal().ready();
    ben.wait_for_text("the text");
    ben.play("<Ctrl-End>Ben's<Ctrl-s>");
    until("a question", || {
        (ben.mentions(words::OTHER_NAME) || ben.mentions(words::CONFIRM_NAME)).then_some(())
    });
    if !ben.mentions(words::OTHER_NAME) {
        ben.keys("Enter");
        ben.wait_for_word(words::OTHER_NAME);
    }
    assert_eq!(text_of(&link).as_deref(), Some("the text\n"));
}

fn files_in(scratch: &Scratch) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(scratch.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

#[test]
fn a_file_that_may_not_be_written_says_so_and_is_saved_under_another_name() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "text\n");
    let root = std::process::Command::new("id")
        .arg("-u")
        .output()
        .expect("id");
    let root = root.stdout == b"0\n";
    let mut launch = Launch::edit(&file);
    if root {
        // To whom no mode bits apply: the file's folder in a namespace where it is read-only.
        let script =
            "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\" && exec \"$0\" \"$2\"";
        launch.arguments = ["-m", "sh", "-c", script].map(Into::into).to_vec();
        let editor = std::mem::replace(&mut launch.program, "unshare".into());
        let arguments = [editor.into(), scratch.path().into(), file.clone().into()];
        launch.arguments.extend(arguments);
    } else {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o444);
        std::fs::set_permissions(&file, mode).expect("a file of ours");
    }
    let terminal = launch.terminal();
    terminal.wait_for_text("notes.md (read-only)");
    terminal.type_text("new ");
    terminal.wait_for_text("new text");
    terminal.keys("Ctrl-s");
    terminal.wait_for_text("Save as:");
    let other = tempfile::tempdir().expect("a folder");
    let other = other.path().join("other.md");
    for _ in 0..200 {
        terminal.keys("Backspace");
    }
    terminal.type_text(other.to_str().expect("UTF-8"));
    terminal.keys("Enter");
    until("the other file", || {
        (text_of(&other)? == "new text\n").then_some(())
    });
    terminal.wait_without_text("read-only");
    assert_eq!(text_of(&file).as_deref(), Some("text\n"));
}
