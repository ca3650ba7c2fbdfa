//! What people can do to a member who know no more than its address; and what members can do to each other's
//! terminals.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use collab_edit::wire::VERSION;

use super::headless::{Headless, hash_of};
use super::launch::{CODE, Launch};
use super::scratch::{Scratch, text_of};
use super::wait::until;
use super::words;

/// How many connections stand at once: with those of other tests, this process may not have more.
const CROWD: usize = 400;
const CROWDS: usize = 10;

/// A host called Ada with this file.
fn host(scratch: &Scratch, name: &str, text: &str) -> Headless {
    let file = scratch.folder("ada").join(name);
    std::fs::write(&file, text).expect("a file");
    Launch::host(&file).name("Ada").code(CODE).headless()
}

/// Starts a member that writes a log here.
fn logged(launch: Launch, log: &Path) -> Headless {
    launch.arg("--log").arg(log).headless()
}

/// What a process has open, and the most memory that it ever had, in KiB.
fn cost(process: u32) -> (usize, u64) {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).map_or(0, Iterator::count);
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let most = most.and_then(|most| most.trim().strip_suffix(" kB"));
    (open, most.expect("a figure").parse().expect("a number"))
}

/// Somebody who has the address, and says this.
fn stranger(address: SocketAddr, number: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let newcomer = [&b"collabed"[..], &VERSION.to_be_bytes(), &[0]].concat();
    // A valid point, so that the answer is worked out.
    let mut half = [0x66; 33];
    half[..2].copy_from_slice(b"A\x58");
    let said = match number % 6 {
        0 => Vec::new(),
        1 => newcomer[..5].to_vec(),
        2 => newcomer,
        3 => [&newcomer[..], &half].concat(),
        4 => [&newcomer[..], &half, &[7; 48]].concat(),
        _ => vec![7; 100_000],
    };
    // It may be closed at once.
    let _said = stream.write_all(&said);
    stream
}

#[test]
fn thousands_of_strangers_cost_a_member_little_and_keep_nobody_from_writing_or_joining() {
    let scratch = Scratch::new();
    let mut ada = host(&scratch, "notes.md", "text\n");
    let address = ada.address();
    let ben = scratch.folder("ben").join("notes.md");
    let mut ben = Launch::join(address, &ben)
        .name("Ben")
        .code(CODE)
        .headless();
    ben.expect_event("joined");
    ben.wait_text("text\n");
    let (_, before) = cost(ada.process());
    let begun = Instant::now();
    let mut text = "text\n".to_owned();
    for round in 0..CROWDS {
        let crowd: Vec<TcpStream> = (0..CROWD).map(|n| stranger(address, n)).collect();
        ada.insert(0, &format!("{round} "));
        text.insert_str(0, &format!("{round} "));
        ben.wait_event("synced", |event| event["hash"] == hash_of(&text));
        let (open, most) = cost(ada.process());
        assert!(open < 300, "{open} descriptors are open");
        assert!(most < before + (24 << 10), "{most} KiB, {before} before");
        drop(crowd);
    }
    let cleo = scratch.folder("cleo").join("notes.md");
    let cleo = Launch::join(address, &cleo)
        .name("Cleo")
        .code(CODE)
        .headless();
    cleo.expect_event("joined");
    let told = ada.events();
    let told: Vec<_> = told
        .iter()
        .filter(|event| event["event"] == "error")
        .collect();
    assert!(
        told.iter()
            .any(|event| event["message"].to_string().contains("wrong session code")),
        "people are told of the guesses"
    );
    // Once at once, and then every ten seconds.
    let most = 2 + begun.elapsed().as_secs() / 10;
    assert!(told.len() as u64 <= most, "and not of each: {told:?}");
}

#[test]
fn the_logs_are_private_and_hold_neither_text_nor_code() {
    let scratch = Scratch::new();
    let guess = "a-wrong-guess";
    let logs = ["ada.log", "wrong.log", "ben.log"].map(|name| scratch.file(name, ""));
    for log in &logs {
        std::fs::set_permissions(log, std::fs::Permissions::from_mode(0o644)).expect("ours");
    }
    let file = scratch.file("ada/notes.md", "marmalade\n");
    let ada = Launch::host(&file).name("Ada").code(CODE);
    let mut ada = logged(ada, &logs[0]);
    let address = ada.address();
    let copy = scratch.folder("ben").join("notes.md");
    let mut wrong = logged(Launch::join(address, &copy).code(guess), &logs[1]);
    assert_eq!(wrong.wait_exit(), Some(1));
    drop(stranger(address, 5));
    let mut ben = logged(Launch::join(address, &copy).code(CODE), &logs[2]);
    ben.expect_event("joined");
    ben.insert(0, "tangerine ");
    ada.wait_event("synced", |event| {
        event["hash"] == hash_of("tangerine marmalade\n")
    });
    ben.quit();
    ben.wait_exit();
    until("something in the log", || {
        text_of(&logs[0]).filter(|said| said.contains("WARN"))
    });
    ada.quit();
    ada.wait_exit();
    let happened = [
        &["is connected", "has left", "WARN"][..],
        &["not joined"],
        &["joined"],
    ];
    for (log, happened) in logs.iter().zip(happened) {
        let said = text_of(log).expect("a log");
        for what in happened {
            assert!(said.contains(what), "no {what:?} in {said}");
        }
        for hidden in ["marmalade", "tangerine", CODE, guess] {
            assert!(!said.contains(hidden), "{said}");
        }
        let mode = std::fs::metadata(log).expect("it is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
}

/// Text and file name of the one, on the screen of the other who has given no name to save to.
#[test]
fn what_others_call_and_write_commands_no_terminal() {
    let scratch = Scratch::new();
    let evil = "\u{1b}]0;owned\u{7}\u{1b}]52;c;b3duZWQ=\u{7}\u{1b}[6n\u{9b}31m\u{202e}x";
    // A name that is hidden where it is taken as it is.
    let file = scratch.file(&format!("ada/.{evil}"), format!("{evil}\nseen\n"));
    let ada = Launch::host(&file).name("\u{1b}]0;ada\u{7}Ada\u{202e}");
    let mut ada = ada.code(CODE).headless();
    let ben = Launch::join_from(&scratch.folder("ben"), ada.address())
        .name("\u{1b}]0;ben\u{7}Ben\u{202e}")
        .code(CODE)
        .terminal();
    ben.wait_for_text("seen");
    ada.insert(0, &format!("{evil} and more\n"));
    ben.wait_for_text("and more");
    // The members, and what the file may be called.
    ben.keys("F2");
    ben.wait_for_text(" Members ");
    ben.escape_from(" Members ");
    ben.keys("Ctrl-S");
    ben.wait_for_word(words::CONFIRM_NAME);
    ben.keys("Enter");
    ben.wait_for_text("Saved ");
    let saved = std::fs::read_dir(scratch.path().join("ben")).expect("a folder");
    let saved: Vec<_> = saved
        .map(|entry| entry.expect("a file").file_name())
        .collect();
    let [name] = &saved[..] else {
        panic!("one file and nothing beside it: {saved:?}")
    };
    let name = name.to_str().expect("text");
    let harmless = !name.starts_with('.') && !name.contains(char::is_control);
    assert!(harmless, "{name:?}");
    let raw = String::from_utf8_lossy(&ben.raw()).into_owned();
    for bad in [
        "\u{1b}]0;owned",
        "\u{1b}]0;ada",
        "\u{1b}]0;ben",
        "\u{1b}]52",
        "\u{1b}[6n",
        "\u{9b}",
        "\u{202e}",
    ] {
        assert!(!raw.contains(bad), "{bad:?} reached the terminal");
    }
    let names: Vec<_> = ada
        .events()
        .iter()
        .filter_map(|event| event["name"].as_str().map(str::to_owned))
        .collect();
    assert!(names.iter().any(|name| name.contains("Ben")), "{names:?}");
    assert!(
        !names
            .iter()
            .any(|name| name.contains(['\u{1b}', '\u{7}', '\u{202e}'])),
        "{names:?}"
    );
}
