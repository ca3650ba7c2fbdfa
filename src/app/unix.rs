//! What only Unix knows of programs and their terminals, in one place: signals, stopping, a terminal that is
//! gone. Another system needs a file like this one (`docs/platforms.md`).

use std::os::fd::AsFd;

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::kill_current_process_group;
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

/// Blocks until `terminal` is gone; false if that cannot be known. A program is told so by a signal only if
/// it leads its session; reading the terminal goes on and on, with nothing read.
pub(super) fn wait_for_hangup(terminal: impl AsFd) -> bool {
    let mut polled = [PollFd::new(&terminal, PollFlags::empty())];
    while poll(&mut polled, None) == Err(rustix::io::Errno::INTR) {}
    polled[0]
        .revents()
        .intersects(PollFlags::HUP | PollFlags::ERR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_is_gone_is_noticed() {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = std::fs::File::open(name.to_str().unwrap()).unwrap();
        let waiting = std::thread::spawn(move || wait_for_hangup(slave));
        drop(master);
        assert!(waiting.join().unwrap());
    }
}
