//! Rows of arguments with what they become.

use super::*;
use crate::app::config::{Clipboard, Settings};
use clap::error::ErrorKind;

fn run(line: &str, code: Option<&str>) -> Result<Config, clap::Error> {
    let arguments = std::iter::once("collab-edit").chain(line.split_whitespace());
    let environment = Environment {
        code: code.map(OsString::from),
        login_name: Some("ann".into()),
        ..Environment::default()
    };
    parse_from(arguments.map(OsString::from), environment).map(edit)
}

fn edit(request: Request) -> Config {
    match request {
        Request::Edit(config) => *config,
        Request::Print(text) => panic!("prints {}", String::from_utf8_lossy(&text)),
    }
}

fn config(line: &str) -> Config {
    run(line, None).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn refusal(line: &str, code: Option<&str>) -> String {
    let error = run(line, code).expect_err(line);
    assert_eq!(error.exit_code(), 2, "{line}");
    plain(&error)
}

#[test]
fn what_arguments_become() {
    let base = Config {
        role: Role::Solo,
        file: None,
        listen: ListenOn::everywhere(4700, true),
        listen_given: false,
        name: Name::new("ann"),
        open: false,
        existing: None,
        headless: false,
        code: None,
        announce: false,
        new_session: false,
        journal: true,
        log: None,
        settings: Settings {
            clipboard: Clipboard::Terminal,
            ..Settings::default()
        },
        theme: Theme::default(),
        folder: PathBuf::new(),
    };
    let file = Some(PathBuf::from("notes.md"));
    let join = || {
        Role::Join(Address {
            host: "192.168.1.5".into(),
            port: 4700,
        })
    };
    let any_port = || ListenOn::everywhere(0, false);
    let at = |text: &str| ListenOn::exactly(text.parse().unwrap());
    let rows = [
        ("", base.clone()),
        (
            "notes.md",
            Config {
                file: file.clone(),
                ..base.clone()
            },
        ),
        (
            "notes.md --host",
            Config {
                role: Role::Host,
                file: file.clone(),
                ..base.clone()
            },
        ),
        (
            "--join 192.168.1.5:4700",
            Config {
                role: join(),
                listen: any_port(),
                ..base.clone()
            },
        ),
        (
            "--join=192.168.1.5:4700 notes.md --headless --open",
            Config {
                role: join(),
                file: file.clone(),
                listen: any_port(),
                headless: true,
                open: true,
                ..base.clone()
            },
        ),
        (
            "--host --listen 0.0.0.0:0 --name Bee --log l.txt --open notes.md",
            Config {
                role: Role::Host,
                file: file.clone(),
                listen: at("0.0.0.0:0"),
                listen_given: true,
                name: Name::new("Bee"),
                log: Some("l.txt".into()),
                open: true,
                ..base.clone()
            },
        ),
        (
            "--join 192.168.1.5:4700 --listen [::1]:4711",
            Config {
                role: join(),
                listen: at("[::1]:4711"),
                listen_given: true,
                ..base.clone()
            },
        ),
        (
            "notes.md --new-session --no-journal",
            Config {
                file: file.clone(),
                new_session: true,
                journal: false,
                ..base.clone()
            },
        ),
        (
            "--nearby notes.md --announce",
            Config {
                role: Role::Nearby,
                file: file.clone(),
                listen: any_port(),
                announce: true,
                ..base.clone()
            },
        ),
        (
            "--headless notes.md",
            Config {
                file,
                headless: true,
                ..base.clone()
            },
        ),
        (
            "-- --host",
            Config {
                file: Some("--host".into()),
                ..base
            },
        ),
    ];
    for (line, expected) in rows {
        assert_eq!(config(line), expected, "{line}");
    }
}

#[test]
fn wrong_usage_says_what_is_wrong() {
    for (line, why) in [
        (
            "a --host --join b:1",
            "--host and --join exclude each other",
        ),
        (
            "a --host --nearby",
            "--host and --nearby exclude each other",
        ),
        (
            "--nearby --join a:1",
            "--join and --nearby exclude each other",
        ),
        ("--nearby --headless a", "--headless cannot; use --join"),
        ("a --announce", "--announce goes with --host or --join"),
        ("--host", "--host needs a FILE"),
        ("--headless", "--headless needs a FILE"),
        ("--headless --join a:1", "--headless needs a FILE"),
        ("a --open", "--open goes with --host or --join"),
        (
            "a --listen 127.0.0.1:1",
            "--listen goes with --host or --join",
        ),
        ("--join ::1", "an IPv6 address needs brackets, [::1]:4700"),
        ("--join a:0", "a port is a number from 1 to 65535"),
        ("--join a:1\u{1b}[31m", r"\u{1b}[31m"),
        ("--join", "a value is required"),
        ("--join a:1 --join b:1", "cannot be used multiple times"),
        (
            "a --host --listen localhost:1",
            "is no IP:PORT, such as 127.0.0.1:4700",
        ),
        ("a --host --listen ::1:4700", "is no IP:PORT"),
        ("a --host --listen 127.0.0.1", "is no IP:PORT"),
        ("a --host --listen 127.0.0.1:65536", "is no IP:PORT"),
        ("a --name=", "--name is empty"),
        (
            &format!("a --name {}", "x".repeat(33)),
            "at most 32 columns, this one has 33",
        ),
        (
            &format!("a --name {}", "漢".repeat(17)),
            "at most 32 columns, this one has 34",
        ),
        ("a --log a", "--log would write over FILE"),
        ("./a --log a", "--log would write over FILE"),
        ("a b", "unexpected argument 'b'"),
        ("--\u{7}bell", "unexpected argument"),
    ] {
        let refusal = refusal(line, None);
        assert!(
            refusal.starts_with("error: ") && refusal.contains(why),
            "{line}: {refusal}"
        );
        assert!(
            refusal.contains("Usage:") || refusal.contains("For more information"),
            "{refusal}"
        );
        assert!(
            !refusal.contains(|char: char| char.is_control() && char != '\n'),
            "{refusal:?}"
        );
    }
}

#[test]
fn the_code_comes_from_the_environment_and_is_never_shown() {
    let secret = "correct horse";
    let config = run("a --host", Some(secret)).unwrap();
    assert_eq!(config.code.as_ref().map(Code::reveal), Some(secret));
    assert!(!format!("{config:?}").contains("horse"));
    run("--join a:1 --open", Some(secret)).unwrap();

    assert!(refusal("a --host --open", Some(secret)).contains("COLLAB_EDIT_CODE gives one"));
    for bad in ["", "short", "bell\u{7}bell", &"x".repeat(129)] {
        let refusal = refusal("a --host", Some(bad));
        assert!(
            refusal.contains("8 to 128 printable characters"),
            "{refusal}"
        );
        assert!(bad.is_empty() || !refusal.contains(bad), "{refusal}");
    }
}

#[cfg(unix)]
#[test]
fn arguments_and_codes_that_are_no_unicode() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = || OsString::from_vec(b"caf\xe9-latin".into());
    let parse = |last: [OsString; 2], code| {
        let arguments = [OsString::from("collab-edit")].into_iter().chain(last);
        parse_from(
            arguments,
            Environment {
                code,
                login_name: None,
                ..Environment::default()
            },
        )
        .map(edit)
    };
    assert_eq!(
        parse(["--host".into(), bytes()], None).unwrap().file,
        Some(bytes().into())
    );
    assert_eq!(
        parse(["--join".into(), bytes()], None)
            .unwrap_err()
            .exit_code(),
        2
    );
    assert_eq!(
        parse(["--host".into(), "a".into()], Some(bytes()))
            .unwrap_err()
            .exit_code(),
        2
    );
}

#[test]
fn help_shows_the_two_everyday_commands_first() {
    let help = run("--help", None).unwrap_err();
    assert_eq!((help.kind(), help.exit_code()), (ErrorKind::DisplayHelp, 0));
    let help = help.to_string();
    let place = |text: &str| {
        help.find(text)
            .unwrap_or_else(|| panic!("{text} is not in\n{help}"))
    };
    let order = [
        place("collab-edit notes.md --host"),
        place("collab-edit --join 192.168.1.5:4700"),
        place("Usage:"),
        place("--listen <IP:PORT>"),
        place("COLLAB_EDIT_CODE"),
    ];
    assert!(order.is_sorted(), "{help}");
    assert!(
        help.lines().all(|line| line.chars().count() <= 100),
        "{help}"
    );

    let version = run("--version", None).unwrap_err();
    assert_eq!(
        (version.kind(), version.exit_code()),
        (ErrorKind::DisplayVersion, 0)
    );
    assert_eq!(
        version.to_string(),
        concat!("collab-edit ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn completions_and_man_page_know_every_option() {
    let text = |line: &str| {
        let arguments = std::iter::once("collab-edit").chain(line.split_whitespace());
        match parse_from(arguments.map(OsString::from), Environment::default()) {
            Ok(Request::Print(text)) => String::from_utf8(text).expect("text"),
            Ok(Request::Edit(_)) => panic!("{line}: nothing to print"),
            Err(error) => panic!("{line}: {error}"),
        }
    };
    let lines = [
        "--completions bash",
        "--completions zsh",
        "--completions fish",
        "--man",
    ];
    for line in lines {
        let text = text(line).replace('\\', "");
        for option in Arguments::command().get_opts() {
            let long = option.get_long().expect("every option has a long form");
            assert!(text.contains(long), "{line}: --{long}");
        }
    }
    assert!(text("--man").contains("COLLAB_EDIT_CODE"));
}

#[test]
fn what_prints_a_text_stands_alone() {
    refusal("--man notes.md", None);
    refusal("--completions bash --host notes.md", None);
    refusal("--completions tcsh", None);
}
