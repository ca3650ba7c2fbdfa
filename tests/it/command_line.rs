//! The command line: help, wrong usage, bad files, addresses where nobody sensible answers.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::launch::{CODE, Launch, Outcome};
use super::scratch::Scratch;
use super::strangers::{closer, echo, greeter, refused};
use super::words;

/// The contract's bound for a connection that cannot be made.
const SOON: Duration = Duration::from_secs(10);

/// The most a sentence with what to try may take.
const LONGEST_COMPLAINT: usize = 600;

/// A sentence for a person: there, short, without the marks of a panic or a debug print.
#[track_caller]
fn check_sentence(text: &str) {
    let text = text.trim();
    assert!(!text.is_empty(), "nothing was said");
    assert!(text.contains(' '), "not a sentence: {text}");
    assert!(text.len() <= LONGEST_COMPLAINT, "too long: {text}");
    let lower = text.to_lowercase();
    for mark in words::NOT_A_SENTENCE {
        assert!(!lower.contains(mark), "{mark:?} in: {text}");
    }
}

#[track_caller]
fn check_refusal(outcome: &Outcome, codes: &[i32]) {
    let code = outcome.code.expect("an end by itself");
    assert!(
        codes.contains(&code),
        "exit {code}: {}",
        outcome.complaint()
    );
    check_sentence(&outcome.complaint());
}

#[test]
fn help_shows_the_two_everyday_commands_first() {
    let scratch = Scratch::new();
    let outcome = Launch::new(scratch.path()).arg("--help").run();
    assert_eq!(outcome.code, Some(0));
    let host = outcome.stdout.find("--host").expect("--host in the help");
    let join = outcome.stdout.find("--join").expect("--join in the help");
    let first_of_others = ["--listen", "--name", "--open", "--headless", "--log"]
        .iter()
        .map(|flag| {
            outcome
                .stdout
                .find(flag)
                .unwrap_or_else(|| panic!("{flag} in the help"))
        })
        .min();
    assert!(Some(host.max(join)) < first_of_others, "{}", outcome.stdout);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    for example in ["--host", "--join"] {
        let is_example = |line: &&str| line.contains("collab-edit") && line.contains(example);
        assert!(lines.iter().take(12).any(is_example), "{}", outcome.stdout);
    }
}

#[test]
fn version_says_name_and_number() {
    let scratch = Scratch::new();
    let outcome = Launch::new(scratch.path()).arg("--version").run();
    assert_eq!(outcome.code, Some(0));
    let expected = concat!("collab-edit ", env!("CARGO_PKG_VERSION"));
    assert_eq!(outcome.stdout.trim(), expected);
}

#[test]
fn wrong_usage_ends_with_2() {
    let scratch = Scratch::new();
    let wrong: [&[&str]; 9] = [
        &["--no-such-flag"],
        &["one.md", "two.md"],
        &["one.md", "--host", "--join", "127.0.0.1:4700"],
        &["--join"],
        &["one.md", "--host", "--listen", "nonsense"],
        &["one.md", "--host", "--listen", "127.0.0.1:99999"],
        &["--headless"],
        &["--headless", "--join", "127.0.0.1:4700"],
        &["--host", "--headless"],
    ];
    for arguments in wrong {
        let launch = arguments
            .iter()
            .fold(Launch::new(scratch.path()), |launch, argument| {
                launch.arg(argument)
            });
        let outcome = launch.run();
        assert_eq!(
            outcome.code,
            Some(2),
            "{arguments:?}: {}",
            outcome.complaint()
        );
        assert!(
            outcome.stdout.is_empty(),
            "{arguments:?}: {}",
            outcome.stdout
        );
        assert!(!outcome.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_malformed_address_is_said_to_be_one() {
    let scratch = Scratch::new();
    let file = scratch.path().join("notes.md");
    for address in [
        "",
        "nonsense",
        "127.0.0.1",
        ":4700",
        "127.0.0.1:",
        "127.0.0.1:99999",
        "[::1",
        "[::1]",
        "a b:1",
    ] {
        let outcome = Launch::edit(&file)
            .arg("--join")
            .arg(address)
            .arg("--headless")
            .code(CODE)
            .run();
        check_refusal(&outcome, &[1, 2]);
        assert!(outcome.took < SOON, "{address:?} took {:?}", outcome.took);
    }
}

#[test]
fn a_code_that_is_too_short_or_not_printable_is_refused() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "text\n");
    for code in ["abc", "line\nbreak in it", &"x".repeat(129)] {
        let outcome = Launch::host(&file).code(code).arg("--headless").run();
        check_refusal(&outcome, &[1, 2]);
        assert!(!outcome.complaint().contains(code), "the code is shown");
    }
}

/// Joins as a headless member and at a screen; both have to say the same kind of thing in time.
fn check_join_fails(address: SocketAddr) {
    let scratch = Scratch::new();
    let file = scratch.path().join("notes.md");
    let outcome = Launch::join(address, &file)
        .code(CODE)
        .arg("--headless")
        .run();
    check_refusal(&outcome, &[1]);
    assert!(outcome.took < SOON, "took {:?}", outcome.took);
    assert!(!file.exists(), "a file was made without a session");
}

fn check_join_fails_on_a_screen(address: SocketAddr) {
    let scratch = Scratch::new();
    let file = scratch.path().join("notes.md");
    let mut terminal = Launch::join(address, &file).code(CODE).terminal();
    assert_eq!(terminal.wait_exit(), Some(1));
    check_sentence(&terminal.screen());
    assert_eq!(terminal.modes(), super::terminal::RESTORED);
}

#[test]
fn joining_at_a_port_where_nobody_listens_says_so() {
    check_join_fails(refused());
    check_join_fails_on_a_screen(refused());
}

#[test]
fn joining_at_a_silent_listener_says_so_in_time() {
    let address = greeter(Vec::new());
    check_join_fails(address);
    check_join_fails_on_a_screen(address);
}

#[test]
fn joining_at_a_web_server_says_so() {
    check_join_fails(greeter(
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec(),
    ));
}

#[test]
fn joining_at_an_ssh_server_says_so() {
    check_join_fails(greeter(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()));
}

#[test]
fn joining_at_a_source_of_random_bytes_says_so() {
    let seed = super::edits::seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let bytes = std::iter::repeat_with(|| random.u8(..))
        .take(64 * 1024)
        .collect();
    let address = greeter(bytes);
    check_join_fails(address);
    check_join_fails_on_a_screen(address);
}

#[test]
fn joining_at_a_listener_that_hangs_up_says_so() {
    check_join_fails(closer());
}

#[test]
fn joining_at_an_echo_says_so() {
    check_join_fails(echo());
}

#[test]
fn joining_at_a_name_that_does_not_exist_says_so() {
    let scratch = Scratch::new();
    let file = scratch.path().join("notes.md");
    let outcome = Launch::edit(&file)
        .arg("--join")
        .arg("no-such-host.invalid:4700")
        .arg("--headless")
        .code(CODE)
        .run();
    check_refusal(&outcome, &[1]);
    assert!(outcome.took < SOON, "took {:?}", outcome.took);
}

/// Opens a file that cannot be edited, alone at a screen and as a headless host.
#[track_caller]
fn check_not_opened(file: &Path) {
    let mut terminal = Launch::edit(file).terminal();
    let code = terminal.wait_exit().expect("an end by itself");
    assert!((1..=2).contains(&code), "exit {code}");
    check_sentence(&terminal.screen());
    assert_eq!(terminal.modes(), super::terminal::RESTORED);

    let outcome = Launch::host(file).code(CODE).arg("--headless").run();
    check_refusal(&outcome, &[1, 2]);
}

#[test]
fn a_folder_is_not_opened() {
    let scratch = Scratch::new();
    check_not_opened(&scratch.folder("folder"));
}

#[test]
fn a_binary_file_is_not_opened_and_not_touched() {
    let scratch = Scratch::new();
    let content = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0";
    let file = scratch.file("program", content);
    check_not_opened(&file);
    assert_eq!(std::fs::read(&file).expect("the file"), content);
}

#[test]
fn a_file_below_a_file_is_not_opened() {
    let scratch = Scratch::new();
    let file = scratch.file("notes.md", "text\n");
    // The folder of FILE is where the process starts, so FILE is given from above it.
    let mut terminal = Launch::new(scratch.path())
        .arg("notes.md/inner.md")
        .terminal();
    let code = terminal.wait_exit().expect("an end by itself");
    assert!((1..=2).contains(&code), "exit {code}");
    check_sentence(&terminal.screen());
    assert_eq!(std::fs::read(&file).expect("the file"), b"text\n");
}

#[test]
fn an_unreadable_file_is_not_opened() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let file = scratch.file("secret.md", "text\n");
    let closed = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(&file, closed).expect("a file of ours");
    if std::fs::File::open(&file).is_ok() {
        println!("skipped: this user may read every file");
        return;
    }
    check_not_opened(&file);
}
