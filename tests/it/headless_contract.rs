//! Headless members: events and commands as the contract has them.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use super::headless::{Headless, hash_of};
use super::launch::{CODE, Launch};
use super::scratch::{Scratch, bytes_of, text_of};
use super::terminal::Terminal;
use super::wait::until;
use super::words;

/// A headless host called Ada with this text.
fn host(scratch: &Scratch, text: &str) -> Headless {
    let file = scratch.file("ada/notes.md", text);
    Launch::host(&file).name("Ada").code(CODE).headless()
}

/// A headless member called Ben who has joined, both sides knowing it.
fn join(scratch: &Scratch, ada: &Headless) -> Headless {
    let file = scratch.folder("ben").join("notes.md");
    let ben = Launch::join(ada.address(), &file).name("Ben").code(CODE);
    let ben = ben.headless();
    ben.expect_event("joined");
    ben.wait_member("Ada", "connected");
    ada.wait_member("Ben", "connected");
    ben
}

fn code_of(host: &Headless) -> Option<String> {
    let listening = host.expect_event("listening");
    listening
        .get("code")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

#[test]
fn a_code_is_shown_only_if_it_was_made_here() {
    let scratch = Scratch::new();
    let given = host(&scratch, "text\n");
    assert_eq!(code_of(&given), None);
    let ben = join(&scratch, &given);
    assert_eq!(code_of(&ben), None);

    let file = scratch.file("other/notes.md", "text\n");
    let made = Launch::host(&file).headless();
    let code = code_of(&made).expect("a code made here");
    assert!((8..=128).contains(&code.chars().count()), "{code:?}");
    let copy = scratch.folder("third").join("notes.md");
    let joiner = Launch::join(made.address(), &copy).code(&code).headless();
    joiner.expect_event("joined");
    for member in [&given, &ben] {
        let said = format!("{:?}{}", member.events(), member.stderr());
        assert!(!said.contains(CODE), "the code was given away: {said}");
    }
}

#[test]
fn a_code_made_by_a_host_opens_the_prompt_of_a_screen() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "the text\n");
    let ada = Launch::host(&file).headless();
    let code = code_of(&ada).expect("a code made here");
    let ben: Terminal = Launch::join_from(&scratch.folder("ben"), ada.address()).terminal();
    ben.wait_for_word(words::CODE_PROMPT);
    ben.play(&format!("{code}<Enter>"));
    ben.wait_for_text("the text");
}

#[test]
fn joined_says_the_session_and_its_length() {
    let scratch = Scratch::new();
    let ada = host(&scratch, "naïve 👍\n");
    let ben = join(&scratch, &ada);
    let joined = ben.expect_event("joined");
    assert_eq!(joined["chars"], 8);
    let session = joined["session"].as_str().expect("a session id");
    assert!(!session.is_empty());
}

#[test]
fn a_member_listens_before_it_says_joined() {
    let scratch = Scratch::new();
    let ada = host(&scratch, "text\n");
    let ben = join(&scratch, &ada);
    let order: Vec<String> = ben
        .events()
        .iter()
        .filter_map(|event| event["event"].as_str().map(str::to_owned))
        .filter(|kind| kind == "listening" || kind == "joined")
        .collect();
    assert_eq!(order, ["listening", "joined"]);
}

#[test]
fn inserts_and_deletes_count_scalar_values_and_reach_the_other() {
    let scratch = Scratch::new();
    let mut ada = host(&scratch, "a👍b\n");
    let mut ben = join(&scratch, &ada);
    ada.insert(2, "e\u{301}漢");
    ada.delete(0, 1);
    assert_eq!(ada.text(), "👍e\u{301}漢b\n");
    ben.wait_text("👍e\u{301}漢b\n");
    ben.delete(1, 2);
    ben.insert(0, "<");
    ada.wait_text("<👍漢b\n");
}

#[test]
fn saved_says_path_length_and_hash_and_the_file_is_written() {
    let scratch = Scratch::new();
    let mut ada = host(&scratch, "one\r\ntwo\r\n");
    assert_eq!(ada.text(), "one\ntwo\n");
    ada.insert(0, "zéro\n");
    let saved = ada.save();
    assert_eq!(saved["chars"], 13);
    assert_eq!(saved["hash"], hash_of("zéro\none\ntwo\n"));
    let path = saved["path"].as_str().expect("a path");
    assert!(path.ends_with("notes.md"), "{path}");
    let file = scratch.path().join("ada/notes.md");
    assert_eq!(text_of(&file).as_deref(), Some("zéro\r\none\r\ntwo\r\n"));

    let mut ben = join(&scratch, &ada);
    ben.wait_text("zéro\none\ntwo\n");
    ben.save();
    assert_eq!(
        bytes_of(&scratch.path().join("ben/notes.md")),
        bytes_of(&file)
    );
}

#[test]
fn an_insert_brings_line_ends_as_a_paste_does() {
    let scratch = Scratch::new();
    let mut ada = host(&scratch, "text\n");
    ada.insert(0, "one\r\ntwo\rthree\n");
    assert_eq!(ada.text(), "one\ntwo\nthree\ntext\n");
    let saved = ada.save();
    let file = scratch.path().join("ada/notes.md");
    let text = text_of(&file).expect("the file");
    assert_eq!(saved["hash"], hash_of(&text));
}

#[test]
fn synced_comes_without_links_too_with_new_heads_for_new_text() {
    let scratch = Scratch::new();
    let mut ada = host(&scratch, "");
    ada.insert(0, "alone");
    ada.wait_text("alone");
    let before = ada.last_synced().expect("a synced event");
    ada.insert(5, " still");
    ada.wait_text("alone still");
    let after = ada.last_synced().expect("a synced event");
    assert_ne!(before["heads"], after["heads"]);
    for event in [before, after] {
        assert_eq!(event["hash"].as_str().map(str::len), Some(64), "{event}");
    }
}

#[test]
fn bad_lines_answer_an_error_and_change_nothing() {
    let scratch = Scratch::new();
    let mut ada = host(&scratch, "untouched\n");
    let too_large = format!("{{\"insert\":{{\"at\":{},\"text\":\"x\"}}}}", u128::MAX);
    let bad: [&[u8]; 19] = [
        b"nonsense",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"3",
        b"{\"unknown\":{}}",
        b"{\"insert\":{}}",
        b"{\"insert\":{\"at\":0}}",
        b"{\"insert\":{\"at\":-1,\"text\":\"x\"}}",
        b"{\"insert\":{\"at\":0.5,\"text\":\"x\"}}",
        b"{\"insert\":{\"at\":0,\"text\":7}}",
        b"{\"insert\":{\"at\":0,\"text\":\"\\u0000\"}}",
        b"{\"insert\":{\"at\":1000,\"text\":\"x\"}}",
        b"{\"delete\":{\"at\":0,\"count\":1000}}",
        b"{\"delete\":{\"at\":18446744073709551615,\"count\":18446744073709551615}}",
        b"{\"insert\":{\"at\":0,\"text\":\"x\"}} trailing",
        b"{\"insert\":{\"at\":0,\"text\":\"\xff\xfe\"}}",
        too_large.as_bytes(),
    ];
    for line in bad {
        let mark = ada.mark();
        ada.send_line(line);
        let error = ada.wait_event_after(mark, "error", |_| true);
        let message = error["message"].as_str().expect("a message");
        assert!(
            !message.trim().is_empty(),
            "{}",
            String::from_utf8_lossy(line)
        );
        assert_eq!(
            ada.text(),
            "untouched\n",
            "{}",
            String::from_utf8_lossy(line)
        );
    }
    ada.insert(0, "still ");
    assert_eq!(ada.text(), "still untouched\n");
}

#[test]
fn the_end_of_standard_input_is_not_a_quit() {
    let scratch = Scratch::new();
    let mut ada = host(&scratch, "text\n");
    ada.expect_event("listening");
    ada.close_input();
    let mut ben = join(&scratch, &ada);
    assert_eq!(ben.text(), "text\n");
    ada.signal("TERM");
    assert_eq!(ada.wait_exit(), Some(0));
}

#[test]
fn quit_leaves_with_0_and_a_goodbye() {
    let scratch = Scratch::new();
    let ada = host(&scratch, "text\n");
    let mut ben = join(&scratch, &ada);
    ben.quit();
    assert_eq!(ben.wait_exit(), Some(0));
    ada.wait_member("Ben", "left");
}

#[test]
fn a_text_that_cannot_be_written_at_the_end_is_exit_1() {
    let scratch = Scratch::new();
    let mut ada = host(&scratch, "text\n");
    ada.expect_event("synced");
    let file = scratch.file("ada/notes.md", "no text\0");
    ada.insert(0, "unsaved ");
    ada.quit();
    assert_eq!(ada.wait_exit(), Some(1));
    // The one if the look at the end finds it, the other if an earlier one has.
    let said = ada.stderr();
    let whys = ["it is a binary file", "was changed by another program"];
    assert!(whys.iter().any(|why| said.contains(why)), "{said}");
    assert_eq!(text_of(&file).as_deref(), Some("no text\0"));
}

#[test]
fn sigterm_and_sigint_leave_with_0_and_a_goodbye() {
    for name in ["TERM", "INT"] {
        let scratch = Scratch::new();
        let mut ada = host(&scratch, "text\n");
        let ben = join(&scratch, &ada);
        ada.signal(name);
        assert_eq!(ada.wait_exit(), Some(0), "SIG{name}");
        ben.wait_member("Ada", "left");
    }
}

#[test]
fn a_member_that_dies_is_away_and_one_that_leaves_has_left() {
    let scratch = Scratch::new();
    let ada = host(&scratch, "text\n");
    let ben = join(&scratch, &ada);
    ben.signal("KILL");
    ada.wait_member("Ben", "away");
}

#[test]
fn a_wrong_code_is_an_error_event_and_exit_1() {
    let scratch = Scratch::new();
    let ada = host(&scratch, "text\n");
    let file = scratch.folder("ben").join("notes.md");
    let guess = "not-the-code-at-all";
    let outcome = Launch::join(ada.address(), &file)
        .code(guess)
        .arg("--headless")
        .run();
    assert_eq!(outcome.code, Some(1));
    // A guess may be nearly right, or be the code of something else.
    for said in [&outcome.stdout, &outcome.stderr] {
        assert!(!said.contains(guess), "the guess was given away: {said}");
    }
    assert!(outcome.stdout.contains("\"error\""), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("\"joined\""), "{}", outcome.stdout);
    assert!(!file.exists());
}

#[test]
fn a_joiner_with_a_code_refuses_a_session_without_one() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "text\n");
    let ada = Launch::host(&file).open().headless();
    let copy = scratch.folder("ben").join("notes.md");
    let outcome = Launch::join(ada.address(), &copy)
        .code(CODE)
        .arg("--headless")
        .run();
    assert_eq!(outcome.code, Some(1));
    assert!(!outcome.complaint().is_empty());
}

#[test]
fn a_headless_joiner_enters_an_open_session_only_with_open() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "text\n");
    let ada = Launch::host(&file).open().headless();
    let copy = scratch.folder("ben").join("notes.md");
    let outcome = Launch::join(ada.address(), &copy).arg("--headless").run();
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.complaint().contains("--open"));

    let ben = Launch::join(ada.address(), &copy).open().headless();
    ben.expect_event("joined");
}

#[test]
fn a_host_listens_on_all_interfaces_unless_told_otherwise() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "text\n");
    let ada = Launch::edit(&file).arg("--host").code(CODE).headless();
    let port = ada.address().port();
    for host in ["127.0.0.1", "[::1]"] {
        if std::net::TcpListener::bind(format!("{host}:0")).is_err() {
            println!("skipped in part: this machine has no {host}");
            continue;
        }
        let copy = scratch.folder(&port.to_string()).join(host);
        let ben = Launch::edit(&copy)
            .arg("--join")
            .arg(format!("{host}:{port}"))
            .code(CODE)
            .headless();
        ben.expect_event("joined");
    }
}

#[test]
fn a_host_says_that_the_usual_port_was_taken() {
    let scratch = Scratch::new();
    // If that fails, somebody else has taken it.
    let _taken = std::net::TcpListener::bind("127.0.0.1:4700");
    let file = scratch.file("notes.md", "text\n");
    let ada = Launch::edit(&file).arg("--host").code(CODE).headless();
    assert_ne!(ada.address().port(), 4700);
    until("a word on it", || {
        ada.stderr().contains("Port 4700 is taken").then_some(())
    });
}

#[test]
fn ipv6_addresses_and_names_lead_to_a_session() {
    let scratch = Scratch::new();
    let file = scratch.file("ada/notes.md", "text\n");
    let ada = Launch::host(&file).code(CODE).headless();
    let copy = scratch.folder("ben").join("notes.md");
    let ben = Launch::edit(&copy)
        .arg("--join")
        .arg(format!("localhost:{}", ada.address().port()))
        .arg("--listen")
        .arg("127.0.0.1:0")
        .code(CODE)
        .headless();
    ben.expect_event("joined");

    if std::net::TcpListener::bind("[::1]:0").is_err() {
        println!("skipped in part: this machine has no IPv6");
        return;
    }
    let file = scratch.file("cleo/notes.md", "text\n");
    let cleo = Launch::edit(&file)
        .arg("--host")
        .arg("--listen")
        .arg("[::1]:0")
        .code(CODE)
        .headless();
    assert!(cleo.address().is_ipv6());
    let copy = scratch.folder("dan").join("notes.md");
    let dan = Launch::edit(&copy)
        .arg("--join")
        .arg(cleo.address().to_string())
        .arg("--listen")
        .arg("[::1]:0")
        .code(CODE)
        .headless();
    dan.expect_event("joined");
}

#[test]
fn every_line_of_standard_output_is_an_event() {
    let scratch = Scratch::new();
    let mut ada = host(&scratch, "text\n");
    let mut ben = join(&scratch, &ada);
    ada.insert(0, "new ");
    ben.wait_text("new text\n");
    ben.save();
    ada.send_line(b"nonsense");
    ada.expect_event("error");
    ben.quit();
    ben.wait_exit();
    ada.quit();
    ada.wait_exit();
    let known = json!([
        "listening",
        "joined",
        "member",
        "saved",
        "synced",
        "error",
        "text"
    ]);
    let known = known.as_array().expect("a list");
    for event in ada.events().iter().chain(&ben.events()) {
        assert!(known.contains(&event["event"]), "{event}");
    }
}

#[test]
fn a_failure_before_the_start_is_an_event_too() {
    let scratch = Scratch::new();
    let binary = scratch.file("binary", b"a\0b");
    let missing = scratch.path().join("missing/notes.md");
    for file in [binary, missing] {
        let outcome = Launch::host(&file).arg("--headless");
        let outcome = Launch {
            folder: scratch.path().to_owned(),
            ..outcome
        }
        .run();
        assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
        let event: Value = serde_json::from_str(outcome.stdout.trim()).expect("one event");
        assert_eq!(event["event"], "error");
        let message = event["message"].as_str().expect("a message");
        assert!(outcome.stderr.contains(message), "{}", outcome.stderr);
    }
}

#[test]
fn a_join_to_oneself_is_said_to_be_one() {
    let scratch = Scratch::new();
    // A port that is free now.
    let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = probe.local_addr().expect("an address").to_string();
    drop(probe);
    let outcome = Launch::new(scratch.path())
        .arg("--join")
        .arg(&address)
        .arg("--listen")
        .arg(&address)
        .arg("notes.md")
        .code(CODE)
        .arg("--headless")
        .run();
    assert_eq!(outcome.code, Some(1));
    let said = outcome.complaint();
    assert!(said.contains("is this program itself"), "{said}");
}

#[test]
fn whoever_stops_listening_ends_the_member_in_good_order() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "old\n");
    let mut member = Launch::host(&file)
        .code(CODE)
        .arg("--headless")
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut events = BufReader::new(member.stdout.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("synced") {
        events.read_line(&mut line).expect("a line");
    }
    drop(events);
    let mut commands = member.stdin.take().expect("a pipe");
    writeln!(commands, "{}", json!({"insert": {"at": 0, "text": "new "}})).expect("a reader");
    // Its answer is the first thing that nobody hears.
    writeln!(commands, "{}", json!({"text": {}})).expect("a reader");
    let ended = member.wait_with_output().expect("an end");
    assert_eq!(ended.status.code(), Some(1));
    let sentence = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(sentence.contains("standard output"), "{sentence}");
    assert_eq!(text_of(&file).as_deref(), Some("new old\n"));
}
