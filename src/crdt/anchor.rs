//! Anchors: places in the text that survive edits.

use serde::{Deserialize, Serialize};

use super::OpId;

/// A place between two characters, named by one of them.
///
/// Without a character it is one end of the text: its start with [`Bias::Before`], its end with
/// [`Bias::After`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Anchor {
    /// The character it sticks to, deleted or not.
    pub at: Option<OpId>,
    /// The side of that character.
    pub bias: Bias,
}

/// The side of its character on which an [`Anchor`] is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Bias {
    /// Before the character.
    Before,
    /// After the character.
    After,
}

impl From<Bias> for u8 {
    fn from(bias: Bias) -> Self {
        match bias {
            Bias::Before => 0,
            Bias::After => 1,
        }
    }
}

impl TryFrom<u8> for Bias {
    type Error = &'static str;

    fn try_from(byte: u8) -> Result<Self, Self::Error> {
        match byte {
            0 => Ok(Self::Before),
            1 => Ok(Self::After),
            _ => Err("a bias is 0 or 1"),
        }
    }
}
