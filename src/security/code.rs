//! The session code, and who may come in.

use std::fmt;

/// The fewest characters of a code.
pub const MIN_CODE_CHARS: usize = 8;

/// The most characters of a code.
pub const MAX_CODE_CHARS: usize = 128;

/// The code that lets people into a session. Its `Debug` form does not show it.
///
/// Two codes are compared in a time that depends on neither.
#[derive(Clone)]
pub struct Code(String);

/// Why a text is no session code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a session code has {MIN_CODE_CHARS} to {MAX_CODE_CHARS} printable characters")]
pub struct CodeError;

impl Code {
    /// The code that `text` is, blanks around it left out.
    ///
    /// # Errors
    ///
    /// If it is not [`MIN_CODE_CHARS`] to [`MAX_CODE_CHARS`] printable characters.
    pub fn new(text: &str) -> Result<Self, CodeError> {
        let text = text.trim();
        let count = text.chars().count();
        if !(MIN_CODE_CHARS..=MAX_CODE_CHARS).contains(&count) || text.chars().any(char::is_control)
        {
            return Err(CodeError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The code as text, to be shown to the person who invites others. Never for a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        // Comparing hashes takes constant time and does not tell lengths.
        blake3::hash(self.0.as_bytes()) == blake3::hash(other.0.as_bytes())
    }
}

impl Eq for Code {}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

/// Who may come into a session; for a joiner, what it agrees to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Access {
    /// Everybody who finds it.
    Open,
    /// Those who have the code.
    Code(Code),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_bounds() {
        for bad in [
            "",
            "short",
            "        ",
            "tab\tin the middle",
            &"x".repeat(129),
        ] {
            assert_eq!(Code::new(bad), Err(CodeError), "{bad:?}");
        }
        assert_eq!(
            Code::new(" otter-lamp-river \n").unwrap().reveal(),
            "otter-lamp-river"
        );
        assert!(Code::new(&"é".repeat(128)).is_ok());
    }

    #[test]
    fn a_code_is_not_shown() {
        let code = Code::new("otter-lamp-river").unwrap();
        assert!(!format!("{:?}", Access::Code(code)).contains("otter"));
    }
}
