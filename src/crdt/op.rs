//! Operations, and the batches in which they travel.

use std::ops::Range;

use super::id::Id;

/// Where the operations of a batch came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// A person (or a script in a person's place).
    Typed,
    /// The file on disk: its first content, or a change that another program made to it.
    Disk,
}

/// What an author says of a batch besides its operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchInfo {
    /// Number of the first operation.
    pub seq: u32,
    /// Number after the last operation.
    pub end: u32,
    /// The stamp: the author's Lamport value, 0 to 2⁵³ − 1.
    pub lamport: u64,
    /// The author's wall clock in whole minutes since 1970. For people's eyes; orders nothing.
    pub minutes: u32,
    /// Where the operations came from.
    pub source: Source,
}

/// Consecutive operations of one author, by their names inside one replica.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) start: Id,
    pub(crate) len: u32,
}

impl Span {
    pub(crate) const fn end(self) -> u32 {
        self.start.seq + self.len
    }
}

/// An insert as it is read from a batch: `text` goes between `left` and `right` (`None`: start and end of the document).
/// Each character after the first has the one before it as left origin, and the same right origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Inserted<'a> {
    pub(crate) left: Option<Id>,
    pub(crate) right: Option<Id>,
    /// Whether it continues the author's last operation.
    pub(crate) continues: bool,
    pub(crate) text: &'a str,
    pub(crate) chars: u32,
}

/// One operation as it is read from a batch. Targets are places in a list beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Op<'a> {
    Insert(Inserted<'a>),
    /// The characters named are hidden while this operation is in force.
    Delete {
        targets: Range<usize>,
    },
    /// The operations named are not in force while this one is.
    Undo {
        targets: Range<usize>,
    },
    /// Bytes that touch no text.
    Note {
        bytes: &'a [u8],
    },
}

impl Op<'_> {
    /// How many sequence numbers the operation takes.
    pub(crate) const fn width(&self) -> u32 {
        match self {
            Self::Insert(insert) => insert.chars,
            _ => 1,
        }
    }
}

/// Why an operation can never be valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Invalid {
    /// The bytes are not the encoding of a batch.
    #[error("the batch is malformed: {0}")]
    Malformed(&'static str),
    /// It holds another number of operations than was said beside it.
    #[error("the batch was said to hold {said} operations and holds {found}")]
    Width {
        /// How many were said.
        said: u32,
        /// How many there are.
        found: u32,
    },
    /// The left origin of an insert is not before its right origin.
    #[error("an insert's left origin is not before its right origin")]
    OriginsCrossed,
    /// The right origin's own left origin is right of the left origin.
    #[error("an insert's right origin hangs on something right of its left origin")]
    RightOriginNested,
    /// The left origin's own right origin is left of the right origin.
    #[error("an insert's left origin ends before its right origin")]
    LeftOriginNested,
    /// An origin or a delete's target is an operation that is no inserted character.
    #[error("an operation names something that is no character")]
    NotACharacter,
    /// An operation names the same target twice.
    #[error("an operation names a target twice")]
    TargetTwice,
    /// Undos are nested deeper than [`super::limits::MAX_UNDO_DEPTH`].
    #[error("undos are nested too deep")]
    UndoTooDeep,
    /// More authors than [`super::limits::MAX_AUTHORS`].
    #[error("the session has too many authors")]
    TooManyAuthors,
    /// The author's sequence numbers are used up.
    #[error("the author has no sequence numbers left")]
    SeqExhausted,
}

/// Checks that no operation is named twice.
pub(crate) fn check_disjoint(targets: &[Span]) -> Result<(), Invalid> {
    let apart = |a: &Span, b: &Span| {
        a.start.author != b.start.author || a.end() <= b.start.seq || b.end() <= a.start.seq
    };
    // Most name few stretches: then each is compared with each, without memory.
    let disjoint = if targets.len() <= 8 {
        let behind = |(i, a)| targets[..i].iter().all(|b| apart(a, b));
        targets.iter().enumerate().all(behind)
    } else {
        // Start and end of each as numbers, which sort quicker.
        let number =
            |span: &Span, seq: u32| (span.start.author.index() as u64) << 32 | u64::from(seq);
        let ends = |span: &Span| (number(span, span.start.seq), number(span, span.end()));
        let mut sorted: Vec<(u64, u64)> = targets.iter().map(ends).collect();
        sorted.sort_unstable();
        sorted.windows(2).all(|pair| pair[0].1 <= pair[1].0)
    };
    if disjoint {
        Ok(())
    } else {
        Err(Invalid::TargetTwice)
    }
}
