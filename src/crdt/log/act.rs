//! Deletes and undos as a log keeps them.

use super::super::id::Id;
use super::super::op::Span;

/// What a delete or an undo does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ActKind {
    Delete,
    /// Carries how deep undos are nested below it, itself included.
    Undo(u8),
}

/// One delete or undo, or several deletes of one character each that follow each other in the text
/// (forwards or backwards), as keys make them.
#[derive(Clone, Copy, Debug)]
pub(super) struct ActRun {
    pub(super) seq: u32,
    pub(super) len: u32,
    pub(super) kind: ActKind,
    pub(super) names: Names,
}

/// What the acts of a run name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Names {
    /// One character each: this one, then the one after, and so on.
    Forwards(Id),
    /// One character each: this one, then the one before, and so on.
    Backwards(Id),
    /// This part of the author's column of targets. The run is one act.
    Spans { start: u32, end: u32 },
}

impl ActRun {
    pub(super) const fn end(&self) -> u32 {
        self.seq + self.len
    }

    /// Takes in a delete of the character `id`, if it goes on like this run.
    #[inline]
    pub(super) fn grow(&mut self, id: Id) -> bool {
        let next = match self.names {
            Names::Forwards(first) if first.plus(self.len) == id => Names::Forwards(first),
            Names::Backwards(first) | Names::Forwards(first)
                if first.author == id.author
                    && id.seq.checked_add(self.len) == Some(first.seq)
                    && (self.len == 1 || matches!(self.names, Names::Backwards(_))) =>
            {
                Names::Backwards(first)
            }
            _ => return false,
        };
        self.names = next;
        self.len += 1;
        true
    }
}

/// What one delete or undo names.
pub(crate) enum Targets<'a> {
    One([Span; 1]),
    Many(&'a [Span]),
}

impl std::ops::Deref for Targets<'_> {
    type Target = [Span];

    fn deref(&self) -> &[Span] {
        match self {
            Self::One(one) => one,
            Self::Many(many) => many,
        }
    }
}
