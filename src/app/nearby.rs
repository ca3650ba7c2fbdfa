//! Finding each other on the local network: announcing our session, and a list of others' to choose
//! from before there is a screen.
//!
//! The list stands on the plain terminal, one line each, numbered; a number and Enter choose. Sessions
//! that are found later are added. Deliberately not here: how they are found.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::config::Address;
use crate::net::nearby::{Announcement, MAX_TAG, Nearby, Search};
use crate::wire::SessionId;

/// When to say that nothing has been found so far: most answers come within a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// The most sessions that are listed, so that a list still is one.
const MAX_LISTED: usize = 20;

/// Announces the session that we are in, if that was asked for, once we are in one.
#[derive(Default)]
pub(super) struct Announcer {
    /// Where we accept others; empty if nothing is to be announced, or it has been tried.
    addrs: Vec<SocketAddr>,
    instance: u64,
    announcement: Option<Announcement>,
}

impl Announcer {
    /// Is to announce a member that accepts others at `addrs`, under a random number.
    pub(super) fn new(addrs: Vec<SocketAddr>, instance: u64) -> Self {
        Self {
            addrs,
            instance,
            announcement: None,
        }
    }

    /// Announces `session` if it is the first time that there is one; what the person has to know
    /// if that fails.
    pub(super) fn update(&mut self, session: Option<SessionId>) -> Option<String> {
        let session = session.filter(|_| !self.addrs.is_empty())?;
        let addrs = std::mem::take(&mut self.addrs);
        // A part of the id tells sessions apart, and nothing else.
        let tag: String = session.to_string().chars().take(MAX_TAG / 2).collect();
        match Announcement::new(&tag, self.instance, &addrs) {
            Ok(announcement) => self.announcement = Some(announcement),
            Err(error) => return Some(format!("The session is not announced: {error}")),
        }
        None
    }

    /// Whether others can find us.
    #[cfg(test)]
    const fn is_announced(&self) -> bool {
        self.announcement.is_some()
    }
}

/// Lets the person choose a session. `None` if none was wanted.
pub(super) async fn choose() -> Result<Option<Address>> {
    let mut search = Search::new()?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut found: Vec<Nearby> = Vec::new();
    let quiet = tokio::time::sleep(PATIENCE);
    tokio::pin!(quiet);
    let mut waits = true;
    say("Looking for sessions on this network (Ctrl-C leaves)")?;
    loop {
        tokio::select! {
            member = search.next() => {
                if add(&mut found, member)
                    && let Some(last) = found.last()
                {
                    say(&listed(found.len(), last))?;
                }
            }
            line = lines.next_line() => {
                let Some(line) = line.context("cannot read the answer")? else {
                    return Ok(None);
                };
                match chosen(&line, &found) {
                    Some(address) => return Ok(Some(address)),
                    None if found.is_empty() => say("Nothing has been found yet")?,
                    None => say(&format!("Type a number from 1 to {}, and Enter", found.len()))?,
                }
            }
            () = &mut quiet, if waits => {
                waits = false;
                if found.is_empty() {
                    say("Nobody announces a session so far. Members do with --announce; \
                         otherwise ask for the address and use --join")?;
                }
            }
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.context("cannot wait for Ctrl-C")?;
                return Ok(None);
            }
        }
    }
}

/// Adds a member whose session is not listed yet.
fn add(found: &mut Vec<Nearby>, member: Nearby) -> bool {
    let is_new = found.iter().all(|known| {
        known.addr != member.addr && (known.tag.is_empty() || known.tag != member.tag)
    });
    let adds = is_new && found.len() < MAX_LISTED;
    if adds {
        found.push(member);
    }
    adds
}

fn listed(number: usize, member: &Nearby) -> String {
    format!("  {number}  {}  session {}", member.addr, member.tag)
}

/// The address that an answer means: a number of the list, or nothing if there is but one.
fn chosen(answer: &str, found: &[Nearby]) -> Option<Address> {
    let number = match answer.trim() {
        "" if found.len() == 1 => 1,
        answer => answer.parse::<usize>().ok()?,
    };
    let member = found.get(number.checked_sub(1)?)?;
    Some(Address {
        host: member.addr.ip().to_string(),
        port: member.addr.port(),
    })
}

fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .context("cannot write to the terminal")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(tag: &str, addr: &str) -> Nearby {
        Nearby {
            tag: tag.into(),
            addr: addr.parse().unwrap(),
        }
    }

    #[test]
    fn a_session_is_listed_once() {
        let mut found = Vec::new();
        assert!(add(&mut found, member("a1", "10.0.0.1:4700")));
        assert!(!add(&mut found, member("a1", "10.0.0.2:4700")));
        assert!(!add(&mut found, member("b2", "10.0.0.1:4700")));
        assert!(add(&mut found, member("", "10.0.0.3:4700")));
        assert!(add(&mut found, member("", "10.0.0.4:4700")));
        for i in 0..100 {
            add(&mut found, member("", &format!("10.0.1.{i}:4700")));
        }
        assert_eq!(found.len(), MAX_LISTED);
    }

    #[test]
    fn a_session_is_announced_once_there_is_one() {
        let addr = "127.0.0.1:4712".parse().unwrap();
        let mut announcer = Announcer::new(vec![addr], getrandom::u64().unwrap());
        assert_eq!(announcer.update(None), None);
        assert!(!announcer.is_announced());
        assert_eq!(announcer.update(Some(SessionId([7; 16]))), None);
        assert!(announcer.is_announced());
        let mut never = Announcer::default();
        assert_eq!(never.update(Some(SessionId([7; 16]))), None);
        assert!(!never.is_announced());
    }

    #[test]
    fn answers_are_numbers_of_the_list() {
        let found = [member("a1", "10.0.0.1:4700"), member("b2", "[::1]:4701")];
        let shown = |answer, found| chosen(answer, found).map(|address| address.to_string());
        assert_eq!(shown(" 2 ", &found), Some("[::1]:4701".into()));
        assert_eq!(shown("", &found[..1]), Some("10.0.0.1:4700".into()));
        for no in ["", "0", "3", "x", "-1"] {
            assert_eq!(shown(no, &found), None, "{no:?}");
        }
    }
}
