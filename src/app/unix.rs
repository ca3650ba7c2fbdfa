//! What only Unix knows of programs and their terminals, in one place: signals, stopping, reading a terminal
//! without blocking. Another system needs a file like this one (`docs/platforms.md`).

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;

use anyhow::{Context, Result};
use rustix::fs::OFlags;
use rustix::process::kill_current_process_group;
use rustix::termios::ttyname;
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// What the system tells the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Signal {
    /// It is to end, in good order.
    End,
    /// The terminal has another size.
    Resized,
    /// It was stopped, and goes on.
    Continued,
}

/// The signals that come. Tasks of their own wait for them: an event loop that asked each listener in each turn would
/// do little else.
pub(super) struct Signals {
    news: mpsc::UnboundedReceiver<Signal>,
    /// What came while something else was waited for.
    earlier: VecDeque<Signal>,
    _listeners: JoinSet<()>,
}

impl Signals {
    /// Those that end the program, and if it has a `terminal`, those that concern that. From now on none is missed.
    pub(super) fn new(terminal: bool) -> Result<Self> {
        let mut kinds = vec![
            (SignalKind::terminate(), Signal::End),
            (SignalKind::hangup(), Signal::End),
            (SignalKind::interrupt(), Signal::End),
        ];
        if terminal {
            let number = rustix::process::Signal::CONT.as_raw();
            kinds.extend([
                (SignalKind::window_change(), Signal::Resized),
                (SignalKind::from_raw(number), Signal::Continued),
            ]);
        }
        let (tell, news) = mpsc::unbounded_channel();
        let mut listeners = JoinSet::new();
        for (kind, what) in kinds {
            let mut signal = signal(kind).context("cannot listen for signals")?;
            let tell = tell.clone();
            listeners.spawn(async move {
                while signal.recv().await.is_some() && tell.send(what).is_ok() {}
            });
        }
        Ok(Self {
            news,
            earlier: VecDeque::new(),
            _listeners: listeners,
        })
    }

    /// The next one. May be cancelled at any time.
    pub(super) async fn next(&mut self) -> Signal {
        if let Some(earlier) = self.earlier.pop_front() {
            return earlier;
        }
        match self.news.recv().await {
            Some(signal) => signal,
            // The listeners have ended, with the runtime.
            None => std::future::pending().await,
        }
    }

    /// Waits until the stopped program goes on.
    pub(super) async fn continued(&mut self) {
        while let Some(signal) = self.news.recv().await {
            if signal == Signal::Continued {
                return;
            }
            self.earlier.push_back(signal);
        }
    }
}

/// Stops the program as Ctrl-Z stops one in a shell: with all that were started with it.
pub(super) fn stop() -> Result<()> {
    kill_current_process_group(rustix::process::Signal::TSTP).context("cannot stop the program")
}

/// What a terminal sends. A terminal that is gone sends nothing more, which is an end or an error; by a signal
/// only a program is told so that leads its session.
pub(super) type TerminalInput = pipe::Receiver;

/// Reads the terminal that is `stdin` without ever blocking. That must not be asked of what a shell goes on reading from, so it is
/// opened once more; where that cannot be, another user's terminal say, a thread reads it.
pub(super) fn terminal_input(stdin: impl AsFd) -> Result<TerminalInput> {
    let stdin = stdin.as_fd();
    opened_anew(stdin)
        .or_else(|why| {
            tracing::info!("the terminal is read by a thread: {why}");
            by_a_thread(stdin)
        })
        .context("cannot read from the terminal")
}

fn opened_anew(terminal: BorrowedFd<'_>) -> io::Result<TerminalInput> {
    let name = ttyname(terminal, Vec::new())?;
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits());
    let mut options = File::options();
    options
        .read(true)
        .custom_flags(flags.expect("two small flags"));
    let opened = options.open(OsStr::from_bytes(name.as_bytes()))?;
    // To the runtime, a terminal is a file that can be waited for, as a pipe is.
    TerminalInput::from_file_unchecked(opened)
}

fn by_a_thread(terminal: BorrowedFd<'_>) -> io::Result<TerminalInput> {
    let mut terminal = File::from(terminal.try_clone_to_owned()?);
    let (bytes, mut into) = io::pipe()?;
    // Ends with the terminal, or the program.
    std::thread::spawn(move || io::copy(&mut terminal, &mut into));
    TerminalInput::from_owned_fd(bytes.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn signals_are_heard() {
        use rustix::process::Signal as Sent;
        let mut signals = Signals::new(true).unwrap();
        for (sent, heard) in [
            (Sent::WINCH, Signal::Resized),
            (Sent::CONT, Signal::Continued),
            (Sent::HUP, Signal::End),
        ] {
            rustix::process::kill_process(rustix::process::getpid(), sent).unwrap();
            assert_eq!(signals.next().await, heard);
        }
    }

    #[tokio::test]
    async fn none_is_lost_that_comes_before_the_program_goes_on() {
        let (tell, news) = mpsc::unbounded_channel();
        let mut signals = Signals {
            news,
            earlier: VecDeque::new(),
            _listeners: JoinSet::new(),
        };
        for signal in [Signal::Resized, Signal::End, Signal::Continued] {
            tell.send(signal).unwrap();
        }
        signals.continued().await;
        assert_eq!(signals.earlier, [Signal::Resized, Signal::End]);
        assert_eq!(signals.next().await, Signal::Resized);
    }

    #[tokio::test]
    async fn a_terminal_is_read_as_it_sends_and_until_it_is_gone() {
        for way in [opened_anew, by_a_thread] {
            is_read(way).await;
        }
    }

    async fn is_read(way: fn(BorrowedFd<'_>) -> io::Result<TerminalInput>) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap());
        let slave = slave.unwrap();
        let mut raw = tcgetattr(&slave).unwrap();
        raw.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &raw).unwrap();
        let mut input = way(slave.as_fd()).unwrap();
        let mut master = File::from(master);
        let mut buffer = [0; 4];
        for (sent, pieces) in [
            ("abc", &["abc"][..]),
            ("abcdefgh", &["abcd", "efgh"]),
            ("abcdefghij", &["abcd", "efgh", "ij"]),
            ("x", &["x"]),
        ] {
            master.write_all(sent.as_bytes()).unwrap();
            for piece in pieces {
                let count = input.read(&mut buffer).await.unwrap();
                assert_eq!(&buffer[..count], piece.as_bytes());
            }
        }
        drop(master);
        let gone = input.read(&mut buffer).await;
        assert!(gone.is_err() || gone.is_ok_and(|count| count == 0));
    }
}
