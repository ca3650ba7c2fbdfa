//! The session code, and who may come in.

use std::fmt;

use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::secret::Entropy;

/// The fewest characters of a code.
pub const MIN_CODE_CHARS: usize = 8;

/// The most characters of a code.
pub const MAX_CODE_CHARS: usize = 128;

/// How many words a code has that is made here: 40 bits, and one guess for each attempt.
const CODE_WORDS: usize = 4;

/// The words that codes are made of: 1,024 common ones, any two of which differ in more than one letter, one a line.
const WORDS: &str = include_str!("../../assets/words.txt");

/// The code that lets people into a session. Its `Debug` form does not show it, it is wiped when
/// dropped, and two are compared in a time that depends on neither.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

impl ZeroizeOnDrop for Code {}

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
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// A new code of four words, which can be read out over a telephone.
    pub fn make(entropy: &mut Entropy) -> Self {
        let words: Vec<&str> = WORDS.lines().collect();
        let mut code = Zeroizing::new(String::new());
        for place in 0..CODE_WORDS {
            if place > 0 {
                code.push('-');
            }
            // No word is likelier than another: their number is a power of two.
            code.push_str(words[usize::from(u16::from_le_bytes(entropy.bytes())) % words.len()]);
        }
        Self(code)
    }

    /// The code as text, to be shown to the person who invites others. Never for a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What tells whether two codes are the same without either, for the disk; nothing for others' eyes, who
    /// could try all that people choose.
    pub fn digest(&self) -> [u8; 32] {
        blake3::hash(self.password().as_bytes()).into()
    }

    /// What two ends compare: words may be typed with blanks between them instead of hyphens.
    pub(super) fn password(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.split([' ', '-']).collect::<Vec<_>>().join("-"))
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
    use std::collections::BTreeSet;

    use super::super::secret::Secret;
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
    fn codes_that_open_the_same_door_have_one_digest() {
        let digest = |code| Code::new(code).unwrap().digest();
        assert_eq!(digest("otter-lamp-river"), digest("otter lamp river"));
        assert_ne!(digest("otter-lamp-river"), digest("Otter-lamp-river"));
    }

    #[test]
    fn a_code_is_not_shown() {
        let code = Code::new("otter-lamp-river").unwrap();
        assert!(!format!("{:?}", Access::Code(code)).contains("otter"));
    }

    #[test]
    fn words_are_distinct_plain_and_a_power_of_two() {
        let words: BTreeSet<&str> = WORDS.lines().collect();
        assert_eq!(words.len(), WORDS.lines().count());
        assert_eq!(words.len() as u32, 1 << (40 / CODE_WORDS));
        for word in words {
            assert!((3..=8).contains(&word.len()), "{word}");
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase()), "{word}");
        }
    }

    #[test]
    fn a_made_code_is_words_and_no_two_are_alike() {
        let mut entropy = Entropy::new(&Secret::new([3; 32]));
        let codes: BTreeSet<String> = (0..1000)
            .map(|_| Code::make(&mut entropy).reveal().to_owned())
            .collect();
        assert_eq!(codes.len(), 1000);
        for code in &codes {
            assert_eq!(code.split('-').count(), CODE_WORDS);
            assert!(Code::new(code).is_ok());
        }
    }

    #[test]
    fn blanks_between_words_are_as_good_as_hyphens() {
        let [hyphens, blanks, other] =
            ["otter-lamp", "otter lamp", "otterlamp"].map(|text| Code::new(text).unwrap());
        assert_eq!(*hyphens.password(), *blanks.password());
        assert_ne!(*hyphens.password(), *other.password());
    }
}
