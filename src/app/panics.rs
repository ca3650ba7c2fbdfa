//! What a panic does: the terminal is given back before its message is printed.
//!
//! A panic of the thread that has the screen is the program's end. One of another, which finds colours or looks
//! through the text, is only written into the log: the editor goes on without.

use std::panic;
use std::sync::Once;
use std::thread;

use crate::ui::terminal::{is_taken, restore};

/// From now on a panic of this thread gives the terminal back first.
pub(super) fn restore_on_panic() {
    static INSTALLED: Once = Once::new();
    let owner = thread::current().id();
    INSTALLED.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == owner || !is_taken() {
                restore();
                print(info);
            } else {
                tracing::error!("a background thread: {info}");
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::terminal::Screen;

    /// Says that this process is the one that panics.
    const PANICS: &str = "COLLAB_EDIT_TEST_PANICS";

    /// What a test of its own does when it runs in a pseudo-terminal, and is nothing otherwise.
    #[test]
    fn panicking_in_a_terminal() {
        let Ok(how) = std::env::var(PANICS) else {
            return;
        };
        restore_on_panic();
        let mut screen = Screen::enter(true).unwrap();
        let rope = crate::document::Rope::from_str("AAAA\n");
        let view = crate::ui::draw::tests::view(&rope);
        screen.draw(&view).unwrap();
        let here = || -> () { panic!("the reason") };
        if how == "elsewhere" {
            let _panicked = thread::spawn(here).join();
            let rope = crate::document::Rope::from_str("bbbb\n");
            screen.draw(&crate::ui::draw::tests::view(&rope)).unwrap();
            return;
        }
        here();
    }

    /// What the terminal got from a process of this program that panics; whether lines are edited and
    /// echoed again at its end.
    fn panicked(how: &str) -> (String, bool) {
        use std::io::Read;

        use portable_pty::{CommandBuilder, PtySize, native_pty_system};
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args([
            "--exact",
            "app::panics::tests::panicking_in_a_terminal",
            "--nocapture",
        ]);
        command.env(PANICS, how);
        let forks = crate::storage::faults::NO_FORK.write();
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(forks);
        drop(pair.slave);
        let mut bytes = Vec::new();
        // Its end is an error on some systems.
        let _end = pair
            .master
            .try_clone_reader()
            .unwrap()
            .read_to_end(&mut bytes);
        child.wait().unwrap();
        // ICANON and ECHO of termios(3) on Linux.
        let flags = pair.master.get_termios().unwrap().local_flags.bits();
        (
            String::from_utf8_lossy(&bytes).into_owned(),
            flags & 0o12 == 0o12,
        )
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_its_message() {
        let (bytes, cooked) = panicked("here");
        let (before, message) = bytes.split_once("the reason").expect("a message");
        assert!(before.contains("AAAA"), "{before}");
        for end in [
            "\x1b[?1049l",
            "\x1b[?2004l",
            "\x1b[?1000l",
            "\x1b[?25h",
            "\x1b[<1u",
        ] {
            let given_back = before.rfind(end);
            let taken = before.rfind("\x1b[?1049h");
            assert!(
                given_back > taken,
                "no {end:?} before the message:\n{bytes:?}"
            );
        }
        assert!(!message.contains("\x1b[?1049h") && cooked);
    }

    #[test]
    fn a_panic_of_another_thread_leaves_the_screen_alone() {
        let (bytes, cooked) = panicked("elsewhere");
        let drawn = bytes.find("bbbb").expect("drawn afterwards");
        let left = bytes.find("\x1b[?1049l").expect("left at the end");
        assert!(drawn < left && !bytes.contains("the reason"), "{bytes:?}");
        assert!(cooked);
    }
}
