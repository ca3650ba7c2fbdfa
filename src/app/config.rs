//! What a run of the program is told to do, validated.
//!
//! Made by `cli` from arguments and environment; nothing here reads either.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::Deserialize;

pub use crate::security::Code;
pub use crate::ui::keymap::Keymap;
pub use crate::ui::theme::{Ground, Theme};
pub use crate::wire::Name;

/// The port of a host that is not told another one.
pub const DEFAULT_PORT: u16 = 4700;

/// Everything that was asked for on the command line and in the environment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// How the session comes about.
    pub role: Role,
    /// The file to edit or to save to. Always there for [`Role::Host`] and when `headless`.
    pub file: Option<PathBuf>,
    /// Where to accept members, once there is a session to join.
    pub listen: ListenOn,
    /// Whether that was asked for, so that it holds for a session that is continued, too.
    pub listen_given: bool,
    /// The name that others see.
    pub name: Name,
    /// Host: the session has no code. Joiner: a session without a code is entered.
    pub open: bool,
    /// What a joiner does about a FILE that is there and holds another text, if it is not to be asked.
    pub existing: Option<Existing>,
    /// No screen; events and commands as lines of JSON.
    pub headless: bool,
    /// The session code that was given, for a host to use and a joiner to answer with.
    pub code: Option<Code>,
    /// Whether the session lets itself be found on the local network.
    pub announce: bool,
    /// Whether a session that was kept is set aside instead of continued.
    pub new_session: bool,
    /// Whether the session is kept at all.
    pub journal: bool,
    /// Where to write the log.
    pub log: Option<PathBuf>,
    /// What the person has chosen about the editor.
    pub settings: Settings,
    /// What the terminal shows, as far as its environment says.
    pub theme: Theme,
    /// The current folder, if there is one.
    pub folder: PathBuf,
}

/// What becomes of a joiner's FILE that is there and holds another text than the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Existing {
    /// It is written over; a copy with the date in its name stays beside it.
    Replace,
    /// Its lines that the session has not are brought in as edits.
    Merge,
}

/// What a person may choose about the editor, in the configuration file. The default is what holds
/// without one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Whether the terminal's mouse is the editor's.
    pub mouse: bool,
    /// Whether the terminal is drawn in colours (also not if `NO_COLOR` is set).
    pub colours: bool,
    /// What the terminal's background is; otherwise that is found out.
    pub background: Option<Ground>,
    /// Whether a new line starts with the blanks of the one before.
    pub auto_indent: bool,
    /// Whether `.editorconfig` files are honoured.
    pub editorconfig: bool,
    /// Whether the tab key inserts spaces; otherwise that is seen from the text.
    pub soft_tabs: Option<bool>,
    /// Cells from one tab stop to the next; otherwise that is seen from the text.
    pub tab_width: Option<NonZeroUsize>,
    /// Where copies go.
    pub clipboard: Clipboard,
    /// Whether the terminal is tmux's. Not in the file.
    pub tmux: bool,
    /// Which key asks for what.
    pub keymap: Keymap,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mouse: true,
            colours: true,
            background: None,
            auto_indent: true,
            editorconfig: true,
            soft_tabs: None,
            tab_width: None,
            clipboard: Clipboard::default(),
            tmux: false,
            keymap: Keymap::default(),
        }
    }
}

/// Where copies go. Wherever that is, the editor keeps them too.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clipboard {
    /// The desktop's clipboard where there is a desktop, else the terminal's; `cli` finds out which.
    #[default]
    Auto,
    /// The desktop's clipboard.
    Desktop,
    /// The terminal's clipboard, by OSC 52.
    Terminal,
    /// Nowhere else.
    Internal,
}

/// How the session comes about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Role {
    /// Nobody else, for now.
    Solo,
    /// Others may join.
    Host,
    /// Join the session which the member at this address is in.
    Join(Address),
    /// Join one that announces itself on the local network, which the person chooses.
    Nearby,
}

/// Where to accept members.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListenOn {
    /// The interfaces, as their addresses.
    pub ips: Vec<IpAddr>,
    /// The port; 0 is any free one.
    pub port: u16,
    /// Whether the next free port will do if this one is taken.
    pub fallback: bool,
}

impl ListenOn {
    /// All interfaces, at `port`.
    pub fn everywhere(port: u16, fallback: bool) -> Self {
        let ips = vec![Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
        Self {
            ips,
            port,
            fallback,
        }
    }

    /// Exactly this address.
    pub fn exactly(address: SocketAddr) -> Self {
        Self {
            ips: vec![address.ip()],
            port: address.port(),
            fallback: false,
        }
    }
}

/// The address of a member as a person writes it. Displays as `HOST:PORT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    /// An IPv4 address, an IPv6 address without its brackets, or a DNS name: what a resolver takes.
    pub host: String,
    /// Never 0.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_show_as_they_are_written() {
        let shown = |host: &str| {
            Address {
                host: host.into(),
                port: 4700,
            }
            .to_string()
        };
        assert_eq!(shown("example.org"), "example.org:4700");
        assert_eq!(shown("fe80::1%eth0"), "[fe80::1%eth0]:4700");
    }
}
