//! Anchors: places that survive edits.

use serde::{Deserialize, Serialize};

use super::OpId;

/// To which side an anchor holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Bias {
    /// In front of its character (or at the end of the text).
    Before,
    /// Behind its character (or at the start of the text).
    After,
}

/// A gap between two characters, held by one of them: it stays there through all edits, and when
/// the character is deleted it is the gap where that was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
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
    /// The end of the text, whatever is inserted there.
    pub const END: Self = Self {
        at: None,
        bias: Bias::Before,
    };
}
