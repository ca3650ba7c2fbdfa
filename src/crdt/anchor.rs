//! Anchors: places that survive edits.

use serde::{Deserialize, Serialize};

use super::OpId;

/// To which side an anchor holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Bias {
    /// In front of its character (or at the end of the text).
    Before,
    /// Behind its character (or at the start of the text).
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

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            0 => Ok(Self::Before),
            1 => Ok(Self::After),
            _ => Err("an anchor's side is 0 or 1"),
        }
    }
}

/// A gap between two characters, held by one of them: it stays there through all edits, and when
/// the character is deleted it is the gap where that was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Anchor {
    /// The character that holds it; `None` is the text's end for [`Bias::Before`], its start for
    /// [`Bias::After`].
    pub at: Option<OpId>,
    /// On which side of that character the gap is.
    pub bias: Bias,
}

impl Anchor {
    /// The start of the text, whatever is inserted there.
    pub const START: Self = Self {
        at: None,
        bias: Bias::After,
    };
}
