//! How others join: the address and the code, as a person passes them on.

use std::net::SocketAddr;

use crate::security::{Access, Code};

/// Characters of a code that is made here: lower case, and nothing that looks alike (l, o, 0, 1).
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// What somebody needs who is to join.
#[derive(Clone, Default)]
pub(super) struct Invitation {
    /// Where this member accepts others, likeliest first.
    pub(super) addrs: Vec<SocketAddr>,
    /// Whether this is a host, who shows the invitation all the time.
    pub(super) always: bool,
    /// Whether what is sent can be read on the way beyond this machine.
    pub(super) exposed: bool,
}

impl Invitation {
    /// The command that somebody has to type.
    pub(super) fn command(&self) -> Option<String> {
        self.addrs
            .first()
            .map(|addr| format!("collab-edit --join {addr}"))
    }

    /// In one line.
    pub(super) fn line(&self, access: Option<&Access>) -> String {
        let Some(command) = self.command() else {
            return String::new();
        };
        match access {
            Some(Access::Code(code)) => format!("{command}  code {}", code.reveal()),
            _ => command,
        }
    }

    /// In full, one line each.
    pub(super) fn lines(&self, access: Option<&Access>) -> Vec<String> {
        let mut lines: Vec<String> = self
            .addrs
            .iter()
            .map(|addr| format!("collab-edit --join {addr}"))
            .collect();
        match access {
            Some(Access::Code(code)) => lines.push(format!("Session code: {}", code.reveal())),
            Some(Access::Open) => lines.push("This session is open: it has no code.".to_owned()),
            None => {}
        }
        if self.exposed {
            lines.push("Nothing is encrypted yet: use it in networks that you trust.".to_owned());
        }
        lines
    }
}

/// Makes a code of sixty random bits, in three groups that can be read out.
pub(super) fn make_code(random: u64) -> Code {
    let letter = |i: u32| char::from(LETTERS[(random >> (5 * i) & 31) as usize]);
    let groups: Vec<String> = (0..3)
        .map(|group| (0..4).map(|i| letter(4 * group + i)).collect())
        .collect();
    Code::new(&groups.join("-")).expect("fourteen printable characters")
}
