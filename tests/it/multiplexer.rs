//! The real binary in a real `tmux`, whose ideas of keys, pastes, clipboards and sizes are not those of a
//! terminal. Where there is no `tmux` the tests say that they are skipped, and fail if `CI=true`.

use std::process::Command;

use super::launch::Launch;
use super::scratch::{Scratch, text_of};
use super::terminal::Terminal;
use super::wait::until;

/// A tmux with a server of its own, and a client of it in a terminal.
struct Tmux {
    terminal: Terminal,
    socket: String,
    scratch: Scratch,
}

impl Tmux {
    /// With the editor in it, alone with this text. `None` if there is no tmux.
    fn start(text: &str) -> Option<Self> {
        let known = Command::new("tmux").arg("-V").output();
        if known.is_err() {
            assert!(
                std::env::var_os("CI").is_none_or(|value| value != "true"),
                "tmux is missing"
            );
            eprintln!("skipped: there is no tmux");
            return None;
        }
        let scratch = Scratch::new();
        let file = scratch.file("notes.md", text);
        let socket = scratch.path().join("socket").display().to_string();
        let mut launch = Launch::edit(&file).size(24, 80);
        let editor = launch.program.display().to_string();
        launch.program = "tmux".into();
        let file = launch.arguments.pop().expect("a file");
        let arguments = ["-S", &socket, "-f", "/dev/null", "new-session", &editor];
        launch.arguments = arguments.map(Into::into).to_vec();
        launch.arguments.push(file);
        let terminal = launch.terminal().ready();
        terminal.wait_for_text("notes.md");
        Some(Self {
            terminal,
            socket,
            scratch,
        })
    }

    /// Does what tmux's own commands do; what they say.
    fn command(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-S", &self.socket])
            .args(arguments)
            .output()
            .expect("tmux");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[track_caller]
    fn saves(&self, expected: &str) {
        self.terminal.keys("Ctrl-s");
        let file = self.scratch.path().join("notes.md");
        until(expected, || (text_of(&file)? == expected).then_some(()));
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.command(&["kill-server"]);
    }
}

#[test]
fn keys_pastes_and_the_mouse_come_through_tmux() {
    let Some(tmux) = Tmux::start("hello world\n") else {
        return;
    };
    tmux.command(&["set-option", "-g", "mouse", "on"]);
    let terminal = &tmux.terminal;
    terminal.play("<Ctrl-Home Ctrl-Right Shift-End>!<Home>");
    tmux.saves("hello!\n");
    // A key that is Esc and a letter, and function keys.
    terminal.keys("Alt-w");
    terminal.wait_for_text("hello!¶");
    terminal.keys("Alt-w F2");
    terminal.wait_for_text(" Members ");
    terminal.escape_from(" Members ");
    tmux.command(&["set-buffer", "  one\n  two\n"]);
    tmux.command(&["paste-buffer", "-p"]);
    terminal.wait_for_text("two");
    tmux.saves("  one\n  two\nhello!\n");
    terminal.keys("Ctrl-z");
    tmux.saves("hello!\n");
    let (row, column) = terminal.find("hello!").expect("the text");
    let click = |button: &str, last: char| {
        let event = format!("\x1b[<{button};{};{}{last}", column + 4, row + 1);
        terminal.write(event.as_bytes());
    };
    click("0", 'M');
    click("0", 'm');
    terminal.wait_for_text("1:4");
    terminal.type_text("X");
    tmux.saves("helXlo!\n");
}

#[test]
fn a_copy_reaches_tmux_and_answers_of_tmux_are_no_text() {
    let Some(tmux) = Tmux::start("copy me\n") else {
        return;
    };
    tmux.command(&["set-option", "-s", "set-clipboard", "on"]);
    let terminal = &tmux.terminal;
    terminal.play("<Ctrl-Home Shift-Right*4 Ctrl-c>");
    terminal.wait_for_text("Copied 4 characters (OSC 52)");
    until("the copy in tmux", || {
        (tmux.command(&["show-buffer"]) == "copy").then_some(())
    });
    // tmux has answered by now what was asked of it, or never will; and late answers are none either.
    terminal.write(b"\x1b]11;rgb:0000/0000/0000\x1b\\");
    terminal.play("<Right>, please");
    tmux.saves("copy, please me\n");
}

#[test]
fn sizes_change_in_tmux_down_to_nothing_and_back() {
    let Some(tmux) = Tmux::start("first\nsecond\n") else {
        return;
    };
    let terminal = &tmux.terminal;
    for (rows, columns) in [(10, 40), (2, 10), (3, 3), (24, 80)] {
        terminal.resize(rows, columns);
        terminal.type_text("x");
    }
    terminal.wait_for_text("xxxxfirst");
    terminal.wait_for_text("second");
    // A second, smaller client makes the window small, and goes again.
    tmux.command(&["split-window", "sleep 1000"]);
    terminal.wait_for("two panes", |screen| screen.contents().contains("───"));
    terminal.wait_for_text("notes.md");
    tmux.command(&["kill-pane"]);
    terminal.wait_for("one pane", |screen| !screen.contents().contains("───"));
    terminal.type_text("y");
    tmux.saves("xxxxyfirst\nsecond\n");
    terminal.keys("Ctrl-q");
    terminal.wait_for("tmux to end", |screen| !screen.alternate_screen());
}
