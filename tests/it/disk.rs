//! The file changes on disk while it is open: other programs take part by saving it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::edits::seed;
use super::headless::{Headless, hash_of};
use super::launch::{CODE, Launch};
use super::scratch::{Scratch, bytes_of, text_of};
use super::wait::until;

fn host(file: &Path) -> Headless {
    let host = Launch::host(file).name("Ada").code(CODE).headless();
    host.expect_event("synced");
    host
}

fn join(scratch: &Scratch, name: &str, address: std::net::SocketAddr) -> Headless {
    let file = scratch.folder(name).join("notes.md");
    let joiner = Launch::join(address, &file)
        .name(name)
        .code(CODE)
        .headless();
    joiner.expect_event("joined");
    joiner
}

/// Adds to the file's end, in place.
fn append(file: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(file).expect("a file");
    file.write_all(text.as_bytes()).expect("room on the disk");
}

/// Puts another file in the file's place, as most editors save.
fn put(file: &Path, text: &str) {
    let beside = file.with_extension("new");
    fs::write(&beside, text).expect("room on the disk");
    fs::rename(&beside, file).expect("one folder");
}

#[test]
fn what_another_program_writes_reaches_everybody() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "one\ntwo\n");
    let mut ada = host(&file);
    let mut ben = join(&scratch, "Ben", ada.address());
    append(&file, "three\n");
    ben.wait_text("one\ntwo\nthree\n");
    put(&file, "zero\none\ntwo\nthree\n");
    ben.wait_text("zero\none\ntwo\nthree\n");
    // Taken away and brought back, as by a checkout.
    fs::remove_file(&file).expect("a file of ours");
    fs::write(&file, "zero\none\n2\nthree\n").expect("room on the disk");
    ben.wait_text("zero\none\n2\nthree\n");
    ada.wait_text("zero\none\n2\nthree\n");
    // And the other way round: what is typed gets there, what was there stays.
    ben.insert(0, "typed\n");
    until("both in the file", || {
        (text_of(&file)? == "typed\nzero\none\n2\nthree\n").then_some(())
    });
}

#[test]
fn a_program_that_keeps_the_file_open_loses_nothing() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "one\n");
    let mut ada = host(&file);
    let mut log = OpenOptions::new().append(true).open(&file).expect("a file");
    let mut expected = "one\n".to_owned();
    for number in 0..3 {
        let line = format!("line {number}\n");
        log.write_all(line.as_bytes()).expect("room on the disk");
        expected += &line;
        ada.wait_text(&expected);
        // Typing is saved into that same file.
        ada.insert(0, "typed ");
        expected.insert_str(0, "typed ");
        until("both sides in the file", || {
            (text_of(&file)? == expected).then_some(())
        });
    }
}

#[test]
fn what_another_member_has_saved_is_no_change() {
    let scratch = Scratch::new();
    let mut ada = host(&scratch.file("ada/notes.md", "one\n"));
    let file = scratch.file("ben/notes.md", "one\n");
    let ben = Launch::join(ada.address(), &file).name("Ben").code(CODE);
    let ben = ben.size(30, 200).terminal().ready();
    ben.wait_for_text("saved everywhere");
    for text in ["two\n", "three\n"] {
        ada.insert(0, text);
        ada.save();
        ben.wait_for_text("saved at all others");
    }
    ben.keys("F2");
    ben.wait_for_text("your file 10 characters behind");
    // As by a `git pull`, not of the newest text.
    put(&file, "two\none\n");
    ben.wait_for_text("your file 6 characters behind");
    ben.keys("Ctrl-s");
    until("the text, with everything once", || {
        (text_of(&file)? == "three\ntwo\none\n").then_some(())
    });
    assert_eq!(ada.text(), "three\ntwo\none\n");
    // One that is older than the last known is a change like any other.
    put(&file, "two\none\n");
    ada.wait_text("two\none\n");
}

#[test]
fn own_saves_are_no_changes() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "one\n");
    let mut ada = host(&file);
    for round in 0..5 {
        let saved = ada.mark();
        ada.insert(0, &format!("{round}\n"));
        ada.wait_event_after(saved, "saved", |_| true);
    }
    let before = ada.last_synced().expect("a text")["heads"].clone();
    let after = ada.mark();
    append(&file, "end\n");
    let synced = ada.wait_event_after(after, "synced", |event| event["heads"] != before);
    assert_eq!(ada.text(), "4\n3\n2\n1\n0\none\nend\n");
    // A look that had made operations of a save would have made others first.
    assert_eq!(synced["hash"], hash_of(&ada.text()));
}

#[test]
fn a_line_with_lf_in_a_crlf_file_is_one_change() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "one\r\ntwo\r\n");
    let mut ada = host(&file);
    append(&file, "three\n");
    ada.wait_text("one\ntwo\nthree\n");
    ada.insert(0, "!");
    until("the file, all in its own line ending", || {
        (bytes_of(&file)? == b"!one\r\ntwo\r\nthree\r\n").then_some(())
    });
}

#[test]
fn a_file_that_is_gone_or_no_text_is_said_so_and_typing_goes_on() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "one\n");
    let mut ada = host(&file);
    fs::remove_file(&file).expect("a file of ours");
    ada.wait_event("error", |event| {
        event["message"].to_string().contains("not there any more")
    });
    ada.insert(0, "typed ");
    until("the file again", || {
        (text_of(&file)? == "typed one\n").then_some(())
    });

    put(&file, "bin\0ary");
    ada.wait_event("error", |event| {
        event["message"].to_string().contains("binary")
    });
    ada.insert(0, "more ");
    assert_eq!(ada.text(), "more typed one\n");
    assert_eq!(text_of(&file).as_deref(), Some("bin\0ary"));
    put(&file, "typed one\nend\n");
    ada.wait_text("more typed one\nend\n");

    fs::remove_file(&file).expect("a file of ours");
    fs::create_dir(&file).expect("a folder in its place");
    ada.wait_event("error", |event| {
        event["message"].to_string().contains("is a folder")
    });
    fs::remove_dir(&file).expect("an empty folder");
}

#[test]
fn a_screen_says_what_was_merged_and_undoes_it() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "one\ntwo\nthree\n");
    let terminal = Launch::edit(&file).name("Ada").terminal().ready();
    terminal.wait_for_text("three");
    put(&file, "1\ntwo\nthree\nfour\n");
    terminal.wait_for_text("notes.md changed on disk: 2 places merged");
    terminal.wait_for_text("four");
    terminal.keys("Ctrl-z");
    terminal.wait_without_text("four");
    terminal.wait_for_text("one");
    terminal.keys("Ctrl-s");
    until("the undone text", || {
        (text_of(&file)? == "one\ntwo\nthree\n").then_some(())
    });
}

#[test]
fn a_save_looks_first_and_merges_what_it_finds() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "one\ntwo\n");
    let terminal = Launch::edit(&file).terminal().ready();
    terminal.play("<Ctrl-Home>typed ");
    terminal.wait_for_text("typed one");
    append(&file, "three\n");
    terminal.keys("Ctrl-s");
    until("both sides in the file", || {
        (text_of(&file)? == "typed one\ntwo\nthree\n").then_some(())
    });
}

#[test]
fn a_file_that_is_open_in_another_member_is_refused_by_a_headless_one() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "one\n");
    let ada = host(&file);
    let link = scratch.folder("ben").join("link.md");
    fs::hard_link(&file, &link).expect("a hard link");
    for launch in [Launch::host(&link), Launch::join(ada.address(), &link)] {
        let outcome = launch.code(CODE).arg("--headless").run();
        assert_eq!(outcome.code, Some(1));
        let said = outcome.complaint();
        assert!(said.contains("open in another collab-edit"), "{said}");
    }
    assert_eq!(text_of(&file).as_deref(), Some("one\n"));
}

#[test]
fn joining_destroys_nothing() {
    let scratch = Scratch::new();
    let ada = host(&scratch.file("ada/notes.md", "one\ntwo\n"));
    let file = scratch.file("ben/notes.md", "mine\ntwo\n");
    let join = || Launch::join(ada.address(), &file).name("Ben").code(CODE);

    let outcome = join().arg("--headless").run();
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.complaint().contains("--existing"),
        "{}",
        outcome.complaint()
    );
    assert_eq!(text_of(&file).as_deref(), Some("mine\ntwo\n"));

    let mut ben = join().arg("--existing").arg("replace").headless();
    until("the session's text", || {
        (text_of(&file)? == "one\ntwo\n").then_some(())
    });
    ben.quit();
    assert_eq!(ben.wait_exit(), Some(0));
    let copies: Vec<_> = fs::read_dir(file.parent().expect("a folder"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "bak"))
        .collect();
    assert_eq!(copies.len(), 1, "{copies:?}");
    assert_eq!(text_of(&copies[0]).as_deref(), Some("mine\ntwo\n"));

    fs::write(&file, "mine\ntwo\n").expect("room on the disk");
    let mut ben = join().arg("--existing").arg("merge").headless();
    until("both texts in Ben's file", || {
        let text = text_of(&file)?;
        (text.lines().count() == 3 && text.contains("one\n") && text.contains("mine\n"))
            .then_some(())
    });
    let both = ben.text();
    until("both texts in Ada's file", || {
        (text_of(&scratch.path().join("ada/notes.md"))? == both).then_some(())
    });
}

#[test]
fn a_screen_asks_what_to_do_about_a_file_with_another_text() {
    for (answer, expected) in [
        ("r<Enter>", "one\n"),
        ("b<Enter>", "one\nmine\n"),
        ("<Esc>", "mine\n"),
    ] {
        let scratch = Scratch::new();
        let ada = host(&scratch.file("ada/notes.md", "one\n"));
        let file = scratch.file("ben/notes.md", "mine\n");
        let ben = Launch::join(ada.address(), &file)
            .code(CODE)
            .terminal()
            .ready();
        ben.wait_for_text("another text than the session's");
        ben.play(answer);
        ben.wait_without_text("[n/r/b]");
        until(&format!("{answer} to give {expected:?}"), || {
            (text_of(&file)? == expected).then_some(())
        });
    }
}

#[test]
fn the_screen_says_who_has_the_text_on_disk() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "one\n");
    let ada = Launch::host(&file).name("Ada").code(CODE).size(30, 200);
    let ada = ada.terminal().ready();
    ada.wait_for_text("one");
    let mut ben = join(&scratch, "Ben", ada.address(&[]));
    ada.wait_for_text("saved everywhere");
    ada.play("<Ctrl-Home>two ");
    // Ben saves by himself.
    ada.wait_for_text("saved at all others");
    ada.keys("Ctrl-s");
    ada.wait_for_text("saved everywhere");
    ada.keys("F2");
    ada.wait_for_text(", saved");
    ben.quit();
}

/// The seal of one change: a letter of its own, so that it is found wherever others type into it.
struct Marks(u32);

impl Marks {
    fn next(&mut self) -> char {
        self.0 += 1;
        char::from_u32(self.0).expect("a letter")
    }
}

/// Runs a program in the file's folder.
#[track_caller]
fn run(file: &Path, program: &str, arguments: &[&str]) {
    let status = Command::new(program)
        .args(arguments)
        .current_dir(file.parent().expect("a folder"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "script")
        .env("GIT_AUTHOR_EMAIL", "script@localhost")
        .env("GIT_COMMITTER_NAME", "script")
        .env("GIT_COMMITTER_EMAIL", "script@localhost")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.expect(program).success(), "{program} {arguments:?}");
}

/// While two members type, a script rewrites the file that a third has on a screen, 100 times, in all
/// the ways that programs do; that member saves now and then. Every change is in, once, everywhere.
#[test]
fn another_editor_in_the_loop() {
    let git = Command::new("git").arg("--version").output().is_ok();
    if !git {
        println!("there is no git here: nothing is checked out");
    }
    let mut random = fastrand::Rng::with_seed(seed());
    let scratch = Scratch::new();
    let text: String = (0..20)
        .map(|line| format!("line {line} of the file\n"))
        .collect();
    let length = text.chars().count();
    let file = scratch.file("ada/notes.md", &text);
    if git {
        run(&file, "git", &["init", "-q", "-b", "main"]);
    }
    let ada = Launch::host(&file)
        .name("Ada")
        .code(CODE)
        .terminal()
        .ready();
    ada.wait_for_text("line 0");
    let mut others = [
        join(&scratch, "Ben", ada.address(&[])),
        join(&scratch, "Cal", ada.address(&[])),
    ];
    let mut marks = Marks(0x4e00);
    let mut expected: Vec<(char, usize)> = Vec::new();
    for round in 0..100 {
        let mark = marks.next();
        let mut times = 1;
        let now = || text_of(&file).expect("the file");
        match random.u8(0..5) {
            0 => append(&file, &format!("appended {mark}\n")),
            1 => put(&file, &format!("at the top {mark}\n{}", now())),
            2 => run(&file, "sed", &["-i", &format!("7s/$/ {mark}/"), "notes.md"]),
            3 if git => {
                run(&file, "git", &["add", "notes.md"]);
                run(
                    &file,
                    "git",
                    &["commit", "-q", "--allow-empty", "-m", "before"],
                );
                run(&file, "git", &["checkout", "-q", "-B", "side"]);
                append(&file, &format!("on a branch {mark}\n"));
                run(&file, "git", &["commit", "-q", "-a", "-m", "side"]);
                run(&file, "git", &["checkout", "-q", "main"]);
                run(&file, "git", &["checkout", "-q", "side"]);
                run(&file, "git", &["checkout", "-q", "-B", "main"]);
            }
            _ => {
                append(&file, &format!("the same line {mark}\n"));
                append(&file, &format!("the same line {mark}\n"));
                times = 2;
            }
        }
        expected.push((mark, times));
        for other in &mut others {
            for _ in 0..3 {
                let mark = marks.next();
                other.insert(random.usize(0..length), &mark.to_string());
                expected.push((mark, 1));
            }
        }
        if round % 7 == 6 {
            // What is saved must have arrived; then the script waits until it is in the file.
            let typed = marks.next();
            others[0].insert(0, &typed.to_string());
            expected.push((typed, 1));
            ada.keys("Ctrl-Home");
            ada.wait_for_text(&typed.to_string());
            ada.keys("Ctrl-s");
            until("a save with both sides in it", || {
                let text = text_of(&file)?;
                (text.contains(typed) && text.contains(mark)).then_some(())
            });
        }
    }
    let counts = |text: &str| -> Vec<(char, usize)> {
        let count = |(mark, _): &(char, usize)| (*mark, text.matches(*mark).count());
        expected.iter().map(count).collect()
    };
    let all = until("every change at everybody, once", || {
        let texts = [others[0].text(), others[1].text()];
        (texts[0] == texts[1] && counts(&texts[0]) == expected).then(|| texts[0].clone())
    });
    ada.keys("Ctrl-s");
    until("all that in the file", || {
        (text_of(&file)? == all).then_some(())
    });
}

/// A small file system of its own; nothing if this user may not make one.
struct Small(PathBuf);

impl Small {
    fn new(folder: PathBuf) -> Option<Self> {
        let made = mount(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], &folder);
        if !made {
            println!("no small file system can be made here (root can): this is not checked");
        }
        made.then_some(Self(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(options: &[&str], folder: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(options).arg(folder).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Waits for an error that names this, after the mark.
#[track_caller]
fn refused(member: &Headless, mark: usize, why: &str) {
    member.wait_event_after(mark, "error", |event| {
        event["message"].to_string().contains(why)
    });
}

#[test]
fn a_full_file_system_leaves_the_old_file_and_says_so() {
    let scratch = Scratch::new();
    let Some(small) = Small::new(scratch.folder("small")) else {
        return;
    };
    let file = small.0.join("notes.md");
    fs::write(&file, "old\n").expect("room for a line");
    let mut ada = host(&file);
    let mark = ada.mark();
    ada.insert(0, &"x".repeat(100 << 10));
    refused(&ada, mark, "No space left");
    assert_eq!(text_of(&file).as_deref(), Some("old\n"));
    // Typing goes on, and what fits again is saved.
    ada.delete(0, (100 << 10) - 1);
    ada.send(&serde_json::json!({"save": {}}));
    until("a file that fits", || {
        (text_of(&file)? == "xold\n").then_some(())
    });
    drop(ada);
}

#[test]
fn a_read_only_folder_leaves_the_old_file_and_says_so() {
    let scratch = Scratch::new();
    let Some(small) = Small::new(scratch.folder("small")) else {
        return;
    };
    let file = small.0.join("notes.md");
    fs::write(&file, "old\n").expect("room for a line");
    let mut ada = host(&file);
    assert!(mount(&["-o", "remount,ro"], &small.0));
    let mark = ada.mark();
    ada.insert(0, "new ");
    refused(&ada, mark, "ead-only");
    assert_eq!(text_of(&file).as_deref(), Some("old\n"));
    assert!(mount(&["-o", "remount,rw"], &small.0));
    ada.send(&serde_json::json!({"save": {}}));
    until("the saved file", || {
        (text_of(&file)? == "new old\n").then_some(())
    });
    drop(ada);
}

#[test]
fn a_removed_folder_is_said_so_and_a_new_one_is_written_to() {
    let scratch = Scratch::new();
    let file = scratch.file("gone/notes.md", "old\n");
    let folder = scratch.folder("gone");
    let mut ada = host(&file);
    let mark = ada.mark();
    fs::remove_dir_all(&folder).expect("a folder of ours");
    ada.insert(0, "new ");
    refused(&ada, mark, "does not exist");
    fs::create_dir(&folder).expect("the folder again");
    ada.send(&serde_json::json!({"save": {}}));
    until("the saved file", || {
        (text_of(&file)? == "new old\n").then_some(())
    });
    // And what other programs write there is seen again.
    append(&file, "end\n");
    ada.wait_text("new old\nend\n");
}

#[test]
fn a_file_that_is_too_large_is_refused_before_it_is_read() {
    let scratch = Scratch::new();
    let file = scratch.file("large", "");
    let sparse = OpenOptions::new().write(true).open(&file).expect("a file");
    sparse.set_len(600 << 20).expect("a sparse file");
    let outcome = Launch::edit(&file).run();
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.complaint().contains("larger than"),
        "{}",
        outcome.complaint()
    );
}

#[test]
fn an_old_encoding_is_kept_and_what_does_not_fit_is_a_choice() {
    let scratch = Scratch::new();
    let text = "F\u{fc}\u{df}e gr\u{f6}\u{df}er als \u{c4}pfel\n";
    let latin = |text: &str| text.chars().map(|c| c as u8).collect::<Vec<u8>>();
    let file = scratch.file("ada/notes.md", latin(text));
    let ada = Launch::host(&file)
        .name("Ada")
        .code(CODE)
        .terminal()
        .ready();
    ada.wait_for_text("größer");
    // Everybody's copy is like the first one.
    let ben = join(&scratch, "Ben", ada.address(&[]));
    let copy = scratch.path().join("Ben/notes.md");
    until("a copy in the same encoding", || {
        (bytes_of(&copy)? == latin(text)).then_some(())
    });
    drop(ben);
    // Another program writes a letter that alone says nothing.
    fs::write(&file, latin("\u{e9}\n")).expect("room on the disk");
    ada.wait_for_text("é");
    ada.play("<Ctrl-Home>漢<Ctrl-s>");
    ada.wait_for_text("does not fit");
    assert_eq!(bytes_of(&file), Some(latin("\u{e9}\n")));
    ada.play("y<Enter>");
    until("the file in UTF-8", || {
        (text_of(&file)? == "漢é\n").then_some(())
    });
}
