//! Sessions that last: what a crash, a kill and a clean exit leave, and what comes back.

use std::path::{Path, PathBuf};

use super::headless::{Headless, settle};
use super::launch::{CODE, Launch};
use super::scratch::{Scratch, bytes_of, text_of};
use super::terminal::Terminal;
use super::wait::{PATIENCE, until};
use super::words;

/// The journals' folders in a state folder.
fn kept_in(state: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(state.join("collab-edit/sessions"))
        .map(|entries| {
            entries
                .map(|entry| entry.expect("an entry").path())
                .collect()
        })
        .unwrap_or_default()
}

/// Waits until the journals below `state` hold these bytes, which came at once: what is typed key by
/// key may be several batches.
fn wait_kept(state: &Path, text: &str) {
    until(&format!("{text:?} in the journal"), || {
        let holds = |folder: PathBuf| {
            let journal = bytes_of(&folder.join("journal"))?;
            journal
                .windows(text.len())
                .any(|window| window == text.as_bytes())
                .then_some(())
        };
        kept_in(state).into_iter().find_map(holds)
    });
}

/// A member killed without a word; waits for its end.
fn kill(mut terminal: Terminal) {
    terminal.signal("KILL");
    terminal.wait_exit();
}

fn kill_headless(mut member: Headless) {
    member.signal("KILL");
    member.wait_exit();
}

#[test]
fn what_a_killed_editor_had_not_saved_comes_back_and_can_be_taken_back() {
    let scratch = Scratch::new();
    let (state, file) = (scratch.folder("state"), scratch.file("notes.md", "text\n"));
    let edit = || Launch::edit(&file).state(&state).terminal().ready();
    let terminal = edit();
    terminal.play("<Ctrl-Home>");
    terminal.paste("zebra ");
    wait_kept(&state, "zebra");
    terminal.wait_for_text("zebra text");
    kill(terminal);
    assert_eq!(text_of(&file).as_deref(), Some("text\n"));

    let terminal = edit();
    terminal.wait_for_text("zebra text");
    terminal.wait_for_text("ecovered");
    terminal.keys("F7");
    terminal.wait_without_text("zebra");
    terminal.keys("Ctrl-z");
    terminal.wait_for_text("zebra text");
    terminal.play("<Ctrl-s>");
    until("the saved file", || {
        (text_of(&file)? == "zebra text\n").then_some(())
    });
    kill(terminal);

    // Saved: nothing to recover, nothing twice.
    let terminal = edit();
    terminal.wait_for_text("zebra text");
    assert_eq!(terminal.screen().matches("zebra").count(), 1);
    assert!(!terminal.screen().contains("ecovered"));
}

#[test]
fn an_editor_that_is_told_to_end_leaves_unsaved_text_in_the_journal() {
    let scratch = Scratch::new();
    let state = scratch.folder("state");
    let file = scratch.file("notes.md", "text\n");
    for signal in ["TERM", "HUP"] {
        let mut terminal = Launch::edit(&file).state(&state).terminal().ready();
        terminal.play("<Ctrl-Home>zebra ");
        terminal.wait_for_text("zebra text");
        terminal.signal(signal);
        assert_eq!(terminal.wait_exit(), Some(0), "{signal}");
        let mut terminal = Launch::edit(&file).state(&state).terminal().ready();
        terminal.wait_for_text("zebra text");
        terminal.keys("Ctrl-q");
        terminal.wait_for_word(words::QUIT_QUESTION);
        terminal.keys("Ctrl-q");
        assert_eq!(terminal.wait_exit(), Some(0));
        assert_eq!(
            kept_in(&state),
            [] as [PathBuf; 0],
            "dropped with the session"
        );
    }
    let terminal = Launch::edit(&file).state(&state).terminal().ready();
    terminal.wait_for_text("text");
    assert!(!terminal.screen().contains("zebra"));
}

#[test]
fn text_without_a_name_comes_back_too() {
    let scratch = Scratch::new();
    let state = scratch.folder("state");
    let start = || Launch::new(scratch.path()).state(&state).terminal().ready();
    let terminal = start();
    terminal.paste("zebra");
    wait_kept(&state, "zebra");
    kill(terminal);
    let terminal = start();
    terminal.wait_for_text("zebra");
    terminal.play("<Ctrl-s>new.md<Enter>");
    // Once that is said, the session is kept for the new file.
    terminal.wait_for_text("Saved ");
    let file = scratch.path().join("new.md");
    assert_eq!(text_of(&file).as_deref(), Some("zebra"));
    terminal.play("<Ctrl-End>");
    terminal.paste(" crossing");
    terminal.wait_for_text("zebra crossing");
    wait_kept(&state, "crossing");
    kill(terminal);
    // It belongs to the file now, and to nothing else.
    let terminal = Launch::edit(&file).state(&state).terminal().ready();
    terminal.wait_for_text("zebra crossing");
    let other = start();
    assert!(!other.screen().contains("zebra"));
}

#[test]
fn a_file_changed_meanwhile_is_merged_with_what_was_not_saved() {
    let scratch = Scratch::new();
    let state = scratch.folder("state");
    let file = scratch.file("notes.md", "one\ntwo\nthree\n");
    let terminal = Launch::edit(&file).state(&state).terminal().ready();
    terminal.play("<Ctrl-Home>");
    terminal.paste("zebra ");
    wait_kept(&state, "zebra");
    kill(terminal);
    std::fs::write(&file, "one\ntwo\nthree\nfour\n").expect("a file of ours");
    let terminal = Launch::edit(&file).state(&state).terminal().ready();
    terminal.wait_for_text("zebra one");
    terminal.wait_for_text("four");
    terminal.wait_for_text("merged");
    terminal.keys("Ctrl-s");
    until("the merged file", || {
        (text_of(&file)? == "zebra one\ntwo\nthree\nfour\n").then_some(())
    });
}

#[test]
fn a_second_editor_of_the_same_file_does_not_share_the_journal() {
    let scratch = Scratch::new();
    let state = scratch.folder("state");
    let file = scratch.file("notes.md", "text\n");
    let first = Launch::edit(&file).state(&state).terminal().ready();
    first.wait_for_text("text");
    let second = Launch::edit(&file).state(&state).terminal().ready();
    second.wait_for_word(words::OTHER_NAME);
    second.wait_for_text("not journalled");
    second.play("<Ctrl-Home>second ");
    first.play("<Ctrl-Home>");
    first.paste("first ");
    wait_kept(&state, "first");
    kill(second);
    kill(first);
    let terminal = Launch::edit(&file).state(&state).terminal().ready();
    terminal.wait_for_text("first text");
    assert!(!terminal.screen().contains("second"));
}

#[test]
fn nothing_is_kept_if_nobody_wants_it() {
    let scratch = Scratch::new();
    let state = scratch.folder("state");
    let file = scratch.file("notes.md", "text\n");
    let start = |flag: Option<&str>| {
        let launch = Launch::edit(&file).state(&state);
        let launch = flag.into_iter().fold(launch, Launch::arg);
        launch.terminal().ready()
    };
    let terminal = start(Some("--no-journal"));
    terminal.play("<Ctrl-Home>zebra ");
    terminal.wait_for_text("zebra");
    kill(terminal);
    assert_eq!(kept_in(&state), [] as [PathBuf; 0]);

    let terminal = start(None);
    terminal.play("<Ctrl-Home>");
    terminal.paste("gnu ");
    wait_kept(&state, "gnu");
    kill(terminal);
    let terminal = start(Some("--new-session"));
    terminal.wait_for_text("text");
    assert!(!terminal.screen().contains("gnu"));
    // The other one is not gone, only aside.
    let aside = kept_in(&state)[0].join("journal.previous");
    assert!(bytes_of(&aside).is_some_and(|bytes| bytes.windows(2).any(|two| two == b"gn")));
}

#[test]
fn a_disk_that_takes_nothing_is_shown_and_typing_goes_on() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "text\n");
    // No folder can be made below a file.
    let state = scratch.file("state", "");
    let terminal = Launch::edit(&file).state(&state).terminal().ready();
    terminal.wait_for_text("not journalled");
    terminal.play("<Ctrl-Home>zebra <Ctrl-s>");
    until("the saved file", || {
        (text_of(&file)? == "zebra text\n").then_some(())
    });
    // As soon as it takes something, everything is kept.
    std::fs::remove_file(&state).expect("a file of ours");
    terminal.paste("crossing ");
    wait_kept(&state, "crossing");
    terminal.wait_without_text("not journalled");
    terminal.wait_for_text("zebra crossing text");
    kill(terminal);
    let terminal = Launch::edit(&file).state(&state).terminal().ready();
    terminal.wait_for_text("zebra crossing text");
}

/// A session that was killed with text in its journal that is not in the file; its only journal.
fn killed_with_unsaved_text(state: &Path, file: &Path) -> PathBuf {
    let terminal = Launch::edit(file).state(state).terminal().ready();
    terminal.play("<Ctrl-Home>");
    terminal.paste("zebra ");
    wait_kept(state, "zebra");
    kill(terminal);
    kept_in(state)[0].join("journal")
}

#[test]
fn a_kept_session_that_cannot_be_opened_is_not_begun_anew() {
    let scratch = Scratch::new();
    let (state, file) = (scratch.folder("state"), scratch.file("notes.md", "text\n"));
    let journal = killed_with_unsaved_text(&state, &file);
    let lock = journal.with_file_name("lock");
    std::fs::remove_file(&lock).expect("a file of ours");
    std::fs::create_dir(&lock).expect("a folder in its place");
    let outcome = Launch::edit(&file).state(&state).run();
    assert_eq!(outcome.code, Some(1));
    let said = outcome.complaint();
    assert!(said.contains("cannot be opened"), "{said}");
    std::fs::remove_dir(&lock).expect("an empty folder");
    let terminal = Launch::edit(&file).state(&state).terminal().ready();
    terminal.wait_for_text("zebra text");
}

#[test]
fn a_damaged_journal_goes_on_from_what_is_whole_and_says_so() {
    let scratch = Scratch::new();
    let (state, file) = (scratch.folder("state"), scratch.file("notes.md", "text\n"));
    let journal = killed_with_unsaved_text(&state, &file);
    let mut bytes = bytes_of(&journal).expect("a journal");
    let zebra = bytes.windows(5).position(|window| window == b"zebra");
    bytes[zebra.expect("what was typed")] = b'Z';
    std::fs::write(&journal, bytes).expect("a file of ours");
    let terminal = Launch::edit(&file).state(&state).terminal().ready();
    terminal.wait_for_text("incomplete or damaged");
    terminal.wait_for_text("text");
    assert!(bytes_of(&journal.with_file_name("journal.torn")).is_some());
    kill(terminal);

    // What is no file at all is not waited for.
    std::fs::remove_file(&journal).expect("a file of ours");
    let made = std::process::Command::new("mkfifo").arg(&journal).status();
    assert!(made.is_ok_and(|made| made.success()));
    let outcome = Launch::edit(&file).state(&state).run();
    let said = outcome.complaint();
    assert!(said.contains("no ordinary file"), "{said}");
}

/// Members without screens, each with a state folder and a file of its own, and started again as a
/// supervisor would: by the same command.
pub(crate) struct Crew {
    scratch: Scratch,
    names: Vec<&'static str>,
    /// Where each one listens.
    ports: Vec<String>,
}

impl Crew {
    /// A host with this text, and others who join through it.
    pub(crate) fn new(text: &str, names: &[&'static str]) -> (Self, Vec<Headless>) {
        let scratch = Scratch::new();
        scratch.file(&format!("{}/notes.md", names[0]), text);
        let mut crew = Self {
            scratch,
            names: names.to_vec(),
            ports: Vec::new(),
        };
        let mut members = Vec::new();
        for number in 0..names.len() {
            let member = crew.start(number);
            crew.ports.push(member.address().to_string());
            if number > 0 {
                member.expect_event("joined");
            }
            members.push(member);
        }
        for member in 0..members.len() {
            for other in (0..members.len()).filter(|other| *other != member) {
                members[member].wait_member(crew.names[other], "connected");
            }
        }
        (crew, members)
    }

    /// One more, who joins through the first; its number.
    pub(crate) fn add(&mut self, name: &'static str) -> usize {
        self.names.push(name);
        self.names.len() - 1
    }

    /// A member's command.
    pub(crate) fn launch(&self, number: usize) -> Launch {
        let folder = self.scratch.folder(self.names[number]);
        let file = folder.join("notes.md");
        let launch = match number {
            0 => Launch::host(&file),
            _ => Launch::join(self.ports[0].parse().expect("an address"), &file),
        };
        launch
            .state(&folder.join("state"))
            .name(self.names[number])
            .code(CODE)
    }

    /// Starts a member, for the first time or again.
    pub(crate) fn start(&self, number: usize) -> Headless {
        self.launch(number).headless()
    }

    fn state(&self, number: usize) -> PathBuf {
        self.scratch.folder(self.names[number]).join("state")
    }

    /// A member's file.
    pub(crate) fn file(&self, number: usize) -> PathBuf {
        self.scratch.folder(self.names[number]).join("notes.md")
    }
}

#[test]
fn a_host_that_was_killed_rejoins_those_who_are_there() {
    let (crew, mut members) = Crew::new("text\n", &["ada", "ben", "cleo"]);
    members[0].insert(0, "before ");
    settle(PATIENCE, &mut members);
    kill_headless(members.remove(0));
    members[0].insert(0, "meanwhile ");
    let ada = crew.start(0);
    let listening = ada.expect_event("listening");
    // The port given on the command line is 0, any: asked for, so it holds. The code was given.
    assert!(listening.get("code").is_none());
    ada.expect_event("joined");
    members.insert(0, ada);
    let text = settle(PATIENCE, &mut members);
    assert_eq!(text, "meanwhile before text\n", "everything once");
    for member in &mut members {
        member.quit();
        assert_eq!(member.wait_exit(), Some(0));
    }
    for number in 0..3 {
        assert_eq!(text_of(&crew.file(number)).as_deref(), Some(&*text));
    }
}

#[test]
fn everybody_leaves_and_comes_back_in_any_order_some_with_edits_made_alone() {
    const ORDERS: [[usize; 3]; 6] = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for (number, order) in ORDERS.into_iter().enumerate() {
        let (crew, members) = Crew::new("text\n", &["ada", "ben", "cleo"]);
        let mut members: Vec<Option<Headless>> = members.into_iter().map(Some).collect();
        // They leave one by one; who is left writes on.
        for (place, leaving) in ORDERS[5 - number].into_iter().enumerate() {
            let mut member = members[leaving].take().expect("one who has not left");
            member.insert(0, ["x ", "y ", "z "][place]);
            member.quit();
            assert_eq!(member.wait_exit(), Some(0));
        }
        // All but one are alone for a while and write.
        let alone = ORDERS[(number + 2) % 6];
        for number in &alone[..2] {
            let mut alone = crew.start(*number);
            alone.expect_event("joined");
            alone.insert(0, ["A ", "B ", "C "][*number]);
            alone.quit();
            assert_eq!(alone.wait_exit(), Some(0));
        }
        let mut members: Vec<Headless> = order.iter().map(|number| crew.start(*number)).collect();
        for (place, number) in order.iter().enumerate() {
            for other in order.iter().filter(|other| *other != number) {
                members[place].wait_member(crew.names[*other], "connected");
            }
        }
        let text = settle(PATIENCE, &mut members);
        let mut words: Vec<&str> = text.split_whitespace().collect();
        words.sort_unstable();
        let mut expected = vec!["text", "x", "y", "z"];
        expected.extend(alone[..2].iter().map(|number| ["A", "B", "C"][*number]));
        expected.sort_unstable();
        assert_eq!(words, expected, "{order:?}: {text}");
    }
}

#[test]
fn a_joiner_opens_at_once_although_nobody_answers() {
    let (crew, mut members) = Crew::new("text\n", &["ada", "ben"]);
    settle(PATIENCE, &mut members);
    for member in members {
        kill_headless(member);
    }
    let ben = crew.launch(1).terminal().ready();
    ben.wait_for_text("text");
    ben.wait_for_text("ada");
    ben.play("<Ctrl-Home>alone ");
    ben.wait_for_text("alone text");
    let mut ada = crew.start(0);
    ada.wait_text("alone text\n");
    ada.insert(0, "again ");
    ben.wait_for_text("again alone text");
}

#[test]
fn another_session_at_the_address_is_not_mixed_in() {
    let (crew, mut members) = Crew::new("text\n", &["ada", "ben"]);
    settle(PATIENCE, &mut members);
    for member in members {
        kill_headless(member);
    }
    let file = crew.scratch.file("zoe/notes.md", "quite another text\n");
    let zoe = Launch::host(&file).name("zoe").code(CODE).headless();
    let join = || {
        Launch::join(zoe.address(), &crew.file(1))
            .state(&crew.state(1))
            .name("ben")
            .code(CODE)
    };
    let mut ben = join().headless();
    assert_eq!(ben.wait_exit(), Some(1));
    let said = ben.expect_event("error")["message"].to_string();
    assert!(said.contains("another session"), "{said}");

    let ben = join().terminal().ready();
    ben.wait_for_text("text");
    ben.wait_for_text("Join it instead");
    ben.play("y<Enter>");
    ben.wait_for_text("quite another text");
    // The text on disk is of the session that was left; it is not written over.
    assert_eq!(text_of(&crew.file(1)).as_deref(), Some("text\n"));
}

#[test]
fn who_joined_without_a_file_is_found_again_by_folder_and_address() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "text\n");
    let (state, folder) = (scratch.folder("state"), scratch.folder("ben"));
    let mut ada = Launch::host(&file).name("ada").code(CODE).headless();
    let address = ada.address();
    let join = || {
        Launch::join_from(&folder, address)
            .state(&state)
            .name("ben")
            .code(CODE)
            .terminal()
            .ready()
    };
    let ben = join();
    ben.wait_for_text("text");
    ben.play("<Ctrl-Home>first ");
    ada.wait_text("first text\n");
    kill(ben);
    ada.wait_member("ben", "away");
    ada.insert(0, "then ");
    let ben = join();
    ben.wait_for_text("then first text");
    ben.play("<Ctrl-s>");
    ben.wait_for_word(words::CONFIRM_NAME);
    ben.play("<Enter>");
    until("the saved copy", || {
        (text_of(&folder.join("notes.md"))? == "then first text\n").then_some(())
    });
    // The journal follows the file; its old name is a link then.
    until("the journal at the file's place", || {
        let moved = kept_in(&state).iter().any(|folder| folder.is_symlink());
        moved.then_some(())
    });
    kill(ben);
    ada.wait_member("ben", "away");
    ada.insert(0, "more ");
    // By both names it is the same one.
    let ben = join();
    ben.wait_for_text("more then first text");
    assert!(!ben.screen().contains("ecovered"), "all of ben's was saved");
    // It is that file that is saved, without a question.
    ben.play("<Ctrl-s>");
    until("the saved copy", || {
        (text_of(&folder.join("notes.md"))? == "more then first text\n").then_some(())
    });
    kill(ben);
    let ben = Launch::edit(&folder.join("notes.md"))
        .state(&state)
        .name("ben");
    let ben = ben.terminal().ready();
    ben.wait_for_text("more then first text");
    ben.wait_for_text("ada");
}

#[test]
fn a_code_that_was_changed_does_not_come_back_with_who_was_given_it() {
    let (crew, members) = Crew::new("text\n", &["ada", "ben"]);
    members.into_iter().for_each(|mut member| {
        member.quit();
        member.wait_exit();
    });
    let ada = crew.launch(0).terminal().ready();
    let mut ben = crew.start(1);
    ben.wait_member("ada", "connected");
    ada.keys("Shift-F2");
    ada.wait_for_text("A new session code");
    // What is typed behind it comes behind it.
    ada.type_text("x");
    ben.wait_text("xtext\n");
    let newcomer = |at: &Headless, name: &str| {
        let file = crew.scratch.folder(name).join("notes.md");
        let mut cleo = Launch::join(at.address(), &file).code(CODE).headless();
        (
            cleo.wait_exit(),
            cleo.expect_event("error")["message"].to_string(),
        )
    };
    let (code, said) = newcomer(&ben, "cleo");
    assert!(code == Some(1) && said.contains("not the code"), "{said}");
    // By the same command, with the same code in the environment.
    kill_headless(ben);
    let ben = crew.start(1);
    ben.wait_member("ada", "connected");
    let (code, said) = newcomer(&ben, "dora");
    assert!(code == Some(1) && said.contains("not the code"), "{said}");
    kill(ada);
    ben.wait_member("ada", "away");
    let ada = crew.start(0);
    ada.wait_member("ben", "connected");
    let (code, said) = newcomer(&ada, "emma");
    assert!(code == Some(1) && said.contains("not the code"), "{said}");
}

#[test]
fn who_had_no_place_for_the_text_has_left_and_keeps_nothing() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "text\n");
    let ada = Launch::host(&file).name("ada").code(CODE).headless();
    let (state, file) = (
        scratch.folder("state"),
        scratch.file("ben/notes.md", "mine\n"),
    );
    let join = || {
        Launch::join(ada.address(), &file)
            .state(&state)
            .name("ben")
            .code(CODE)
    };
    let mut ben = join().headless();
    assert_eq!(ben.wait_exit(), Some(1));
    ada.wait_member("ben", "left");
    assert_eq!(kept_in(&state), [] as [PathBuf; 0]);
    // On a screen, one who answers nothing leaves as anybody does.
    let heard = ada.mark();
    let mut ben = join().terminal().ready();
    ben.wait_for_text("Another name, replace it");
    ben.escape_from("Another name, replace it");
    ben.keys("Ctrl-q Ctrl-q");
    assert_eq!(ben.wait_exit(), Some(0));
    ada.wait_event_after(heard, "member", |event| event["state"] == "left");
}

#[test]
fn who_is_in_a_session_that_goes_on_is_said() {
    let (crew, mut members) = Crew::new("text\n", &["ada", "ben"]);
    settle(PATIENCE, &mut members);
    let mut ben = members.pop().expect("two members");
    kill_headless(members.pop().expect("two members"));
    ben.wait_member("ada", "away");
    let mut ada = crew.launch(0).terminal().ready();
    ben.wait_member("ada", "connected");
    // Also when he is there: it is to be read until a key is pressed.
    ada.wait_for_text("identical with ben");
    ada.wait_for_text("Continuing the session with ben");
    ben.quit();
    assert_eq!(ben.wait_exit(), Some(0));
    ada.escape_from("Continuing the session");
    ada.keys("Ctrl-q");
    assert_eq!(ada.wait_exit(), Some(0));
    // And to one without a screen, though nobody else is there any more.
    let ada = crew.start(0);
    ada.wait_member("ben", "left");
}
