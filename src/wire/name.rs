//! The name of a member: safe to draw, short, never empty.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::limits::MAX_NAME_CHARS;

/// What a member is called.
///
/// Invariant: 1 to [`MAX_NAME_CHARS`] characters; no control, invisible or direction-changing one;
/// no blank at either end and no two in a row. A name from elsewhere that is not so is refused, not
/// mended, so that all members hold the same bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The nearest name to `wish`: what may not be drawn is dropped, what is too long is cut, and
    /// nothing at all becomes "someone".
    pub fn new(wish: &str) -> Self {
        let mut name = String::new();
        let drawable = wish
            .chars()
            .map(|c| if c.is_whitespace() { ' ' } else { c });
        for c in drawable.filter(|c| !is_unseen(*c)).take(MAX_NAME_CHARS) {
            if c != ' ' || !(name.is_empty() || name.ends_with(' ')) {
                name.push(c);
            }
        }
        name.truncate(name.trim_end().len());
        if name.is_empty() {
            Self("someone".to_owned())
        } else {
            Self(name)
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(given: String) -> Result<Self, Self::Error> {
        let name = Self::new(&given);
        if name.0 == given {
            Ok(name)
        } else {
            Err("a name that is too long or cannot be drawn")
        }
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// Whether `c` is a control character, or one that draws nothing or changes the direction of others.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_drawable() {
        for (wish, name) in [
            ("Ada", "Ada"),
            ("  Ada \t Lovelace\n", "Ada Lovelace"),
            ("\u{1b}[31mred\u{202e}", "[31mred"),
            ("\u{200b}\u{feff}", "someone"),
            ("", "someone"),
            ("山田 太郎", "山田 太郎"),
        ] {
            assert_eq!(Name::new(wish).as_str(), name);
        }
        assert_eq!(
            Name::new(&"é".repeat(99)).as_str().chars().count(),
            MAX_NAME_CHARS
        );
    }

    #[test]
    fn a_made_name_is_accepted_and_others_are_refused() {
        for wish in ["Ada", " x y ", &"ab ".repeat(40), "\u{9b}2J"] {
            let name = Name::new(wish);
            assert_eq!(Name::try_from(name.0.clone()), Ok(name));
        }
        for bad in ["", " Ada", "a\u{1b}b", "a  b", &"x".repeat(33)] {
            assert!(Name::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
