//! Anchors: places that survive edits.

use serde::{Deserialize, Serialize};

use super::OpId;
use super::replica::Replica;

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

impl Replica {
    /// An anchor at the gap in front of visible character number `at`, held by the character on the
    /// side that `bias` names. O(log n).
    pub fn anchor(&self, at: usize, bias: Bias) -> Anchor {
        let holder = match bias {
            Bias::Before => (at < self.len()).then_some(at),
            Bias::After => at.checked_sub(1),
        };
        let at = holder.map(|at| self.log.op_id(self.order.id(self.order.visible_place(at))));
        Anchor { at, bias }
    }

    /// In front of which visible character an anchor is; `None` if its character is not here (yet).
    /// O(log n).
    pub fn position(&self, anchor: &Anchor) -> Option<usize> {
        let Some(op) = anchor.at else {
            return Some(if anchor.bias == Bias::Before {
                self.len()
            } else {
                0
            });
        };
        let id = self.log.id(op)?;
        self.log[id.author].insert_run(op.seq)?;
        let place = self.order.place(id);
        let visible = self.order.run(place).hides == 0;
        Some(self.order.visible_before(place) + usize::from(visible && anchor.bias == Bias::After))
    }
}
