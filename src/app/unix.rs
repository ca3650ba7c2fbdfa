//! What only Unix knows of programs and their terminals, in one place: signals, stopping, reading a terminal
//! without blocking. Another system needs a file like this one (`docs/platforms.md`).

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::OFlags;
use rustix::process::kill_current_process_group;
use rustix::termios::ttyname;
use tokio::net::unix::pipe;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the program in good order.
pub(super) struct Ends([Signal; 3]);

impl Ends {
    pub(super) fn new() -> Result<Self> {
        Ok(Self([
            listen_for(SignalKind::terminate())?,
            listen_for(SignalKind::hangup())?,
            listen_for(SignalKind::interrupt())?,
        ]))
    }

    pub(super) async fn next(&mut self) {
        let [terminate, hangup, interrupt] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// Tells that the terminal has another size.
pub(super) fn size_changes() -> Result<Signal> {
    listen_for(SignalKind::window_change())
}

/// Tells that the stopped program goes on.
pub(super) fn continuations() -> Result<Signal> {
    let number = rustix::process::Signal::CONT.as_raw();
    listen_for(SignalKind::from_raw(number))
}

fn listen_for(kind: SignalKind) -> Result<Signal> {
    signal(kind).context("cannot listen for signals")
}

/// Stops the program as Ctrl-Z stops one in a shell: with all that were started with it.
pub(super) fn stop() -> Result<()> {
    kill_current_process_group(rustix::process::Signal::TSTP).context("cannot stop the program")
}

/// What a terminal sends. A terminal that is gone sends nothing more, which is an end or an error; by a signal
/// only a program is told so that leads its session.
pub(super) type TerminalInput = pipe::Receiver;

/// The terminal that is `stdin`, opened once more: so that reading it never blocks, which must not be asked of
/// what a shell goes on reading from.
pub(super) fn terminal_input(stdin: impl AsFd) -> Result<TerminalInput> {
    let open = |path: &Path| {
        let nonblocking = OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut options = File::options();
        let flags = i32::try_from(nonblocking.bits()).expect("two small flags");
        options.read(true).custom_flags(flags).open(path)
    };
    let named = ttyname(stdin, Vec::new()).map_err(io::Error::from);
    let named = named.and_then(|name| open(Path::new(OsStr::from_bytes(name.as_bytes()))));
    // Its device may be out of sight, or another user's.
    let terminal = named.or_else(|_| open(Path::new("/dev/tty")));
    // To the runtime, a terminal is a file that can be waited for, as a pipe is.
    let input = terminal.and_then(TerminalInput::from_file_unchecked);
    input.context("cannot read from the terminal")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn a_terminal_is_read_as_it_sends_and_until_it_is_gone() {
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
        let mut input = terminal_input(&slave).unwrap();
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
