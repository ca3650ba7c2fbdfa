//! How others join: the address and the code, as a person passes them on.

use std::borrow::Cow;
use std::net::SocketAddr;

use crate::security::Access;

/// What somebody needs who is to join.
#[derive(Clone, Default)]
pub(super) struct Invitation {
    /// Where this member accepts others, likeliest first.
    pub(super) addrs: Vec<SocketAddr>,
    /// Whether this is a host, who shows the invitation all the time.
    pub(super) always: bool,
}

impl Invitation {
    /// In one line, as short as the status bar has room for: for a host how to join, and for
    /// everybody whether there is a code.
    pub(super) fn line(&self, access: Option<&Access>) -> String {
        let Some(addr) = self.addrs.first() else {
            return String::new();
        };
        let join = format!("--join {addr}");
        match (access, self.always) {
            (Some(Access::Open), true) => format!("{join}  open: no code"),
            (Some(Access::Open), false) => "open: no code".to_owned(),
            (Some(Access::Code(code)), true) => format!("{join} code {}", code.reveal()),
            (_, _) => String::new(),
        }
    }

    /// What the person has to know from the start. `wanted` is the port that was asked for.
    pub(super) fn warnings(&self, wanted: u16) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(port) = self.addrs.first().map(SocketAddr::port)
            && wanted != 0
            && wanted != port
        {
            warnings.push(format!(
                "Port {wanted} is taken; others join at port {port}"
            ));
        }
        warnings
    }

    /// What a host is told when the session begins: the exact command that others have to type.
    /// `members` is how one sees it again.
    pub(super) fn sentence(&self, access: Option<&Access>, members: &str) -> Option<String> {
        let addr = self.addrs.first()?;
        let code = match access {
            Some(Access::Code(code)) => format!("Session code: {}", code.reveal()),
            _ => "The session is open: no code is asked for.".to_owned(),
        };
        Some(format!(
            "Others join with: collab-edit --join {addr}  {code}  ({members} shows this again)"
        ))
    }

    /// What somebody types to join, the code included, which another member may have chosen.
    pub(super) fn command(&self, access: Option<&Access>) -> Option<String> {
        let addr = self.addrs.first()?;
        Some(match access {
            Some(Access::Code(code)) => format!(
                "COLLAB_EDIT_CODE={} collab-edit --join {addr}",
                as_one_word(code.reveal())
            ),
            _ => format!("collab-edit --join {addr}"),
        })
    }

    /// In full, one line each. `host` is what lets others join where nobody can yet.
    pub(super) fn lines(&self, access: Option<&Access>, host: &str) -> Vec<String> {
        if self.addrs.is_empty() {
            return vec![format!("Nobody can join here; {host} lets others in.")];
        }
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
        lines
    }
}

/// `text` as a shell reads it as one word that means nothing else.
fn as_one_word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.chars().all(plain) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::security::Code;

    #[test]
    fn where_nobody_can_join_no_code_is_shown_and_it_is_said_how_they_could() {
        let access = Access::Code(Code::new("otter-lamp-river").unwrap());
        let alone = Invitation::default();
        assert_eq!(
            alone.lines(Some(&access), "Ctrl-H"),
            ["Nobody can join here; Ctrl-H lets others in."]
        );
    }

    #[test]
    fn a_code_is_one_word_to_a_shell_whatever_is_in_it() {
        let invitation = Invitation {
            addrs: vec!["127.0.0.1:4700".parse().unwrap()],
            always: true,
        };
        for code in [
            "otter-lamp-river",
            "with some blanks",
            "x'; touch owned; '",
            "$(touch owned) `id`",
            "a\\\\b\\\"c&|;<>!*?#~",
            "'''''''''",
        ] {
            let access = Access::Code(Code::new(code).unwrap());
            let command = invitation.command(Some(&access)).unwrap();
            let shows = command.replace(" collab-edit ", " printenv COLLAB_EDIT_CODE #");
            let _forks = crate::storage::faults::NO_FORK.write();
            let said = Command::new("sh").arg("-c").arg(&shows).output().unwrap();
            let said = String::from_utf8(said.stdout).unwrap();
            assert_eq!(said.trim_end_matches('\n'), code, "{command}");
        }
    }
}
