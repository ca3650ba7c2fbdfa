//! The shortest road: characters that go on where their author wrote last, at the order's cursor. It gives and takes
//! the same operations and bytes as any other.

use super::super::batch::{typed, typed_key};
use super::super::id::{AuthorIx, Id, OpId};
use super::super::limits::MAX_LAMPORT;
use super::super::op::Source;
use super::{Replica, count};

/// What a batch brought.
pub(crate) struct Typed<'a> {
    /// In front of which character.
    pub(crate) at: usize,
    pub(crate) text: &'a str,
    pub(crate) chars: usize,
}

impl Replica {
    /// [`insert`](Self::insert) of one ASCII character that goes on where the last insert ended: a key. Its number;
    /// does nothing with any other.
    #[inline(always)]
    pub(crate) fn key(&mut self, at: usize, byte: u8) -> Option<u32> {
        let log = &mut self.log[self.me];
        let (last, seq) = log.typing()?;
        self.order
            .type_on(Id::new(self.me, seq), 1, last.right, Some(at))?;
        last.len += 1;
        log.push_key(byte);
        Some(seq)
    }

    /// Takes in characters that continue `author`'s newest operation, if the order's cursor is at their
    /// place: what typing comes to. Says how many visible characters are before them.
    #[inline(always)] // The shortest road matters here alone: 50 instructions fewer than a call.
    pub(super) fn type_on(
        &mut self,
        author: AuthorIx,
        text: &str,
        chars: u32,
        at: Option<usize>,
    ) -> Option<usize> {
        let log = &mut self.log[author];
        let (last, end) = log.typing()?;
        let id = Id::new(author, end);
        let at = self.order.type_on(id, chars, last.right, at)?;
        last.len += chars;
        log.push_on(text, chars);
        Some(at)
    }

    /// [`merge`](Self::merge) for what most batches are: a few characters that go on where their author
    /// wrote last, at the order's cursor. Says what that did; does nothing with any other batch.
    #[inline(never)]
    pub(crate) fn merge_typed<'a>(
        &mut self,
        first: OpId,
        width: Option<u32>,
        bytes: &'a [u8],
    ) -> Option<Typed<'a>> {
        let text = typed(bytes)?;
        let (ix, lamport, minutes) = self.goes_on(first)?;
        let chars = count(text);
        if width.is_some_and(|width| width != chars) {
            return None;
        }
        let end = first.seq.checked_add(chars)?;
        let at = self.type_on(ix, text, chars, None)?;
        self.clock = self.clock.max(lamport);
        self.log
            .close_batch(ix, end, lamport, minutes, Source::Typed);
        let chars = chars as usize;
        Some(Typed { at, text, chars })
    }

    /// [`merge_typed`](Self::merge_typed) for one ASCII character; in front of which one it goes, and what it is.
    #[inline(always)]
    pub(crate) fn merge_key(&mut self, first: OpId, bytes: &[u8]) -> Option<(usize, u8)> {
        let byte = typed_key(bytes)?;
        let (ix, lamport, minutes) = self.goes_on(first)?;
        let end = first.seq.checked_add(1)?;
        let log = &mut self.log[ix];
        let (last, _) = log.typing()?;
        let id = Id::new(ix, first.seq);
        let at = self.order.type_on(id, 1, last.right, None)?;
        last.len += 1;
        log.push_key(byte);
        self.clock = self.clock.max(lamport);
        self.log
            .close_batch(ix, end, lamport, minutes, Source::Typed);
        Some((at, byte))
    }

    /// Whether a batch is the author's next and nothing keeps it from being applied; its stamp and minute, if
    /// these go on from the one before.
    #[inline(always)]
    fn goes_on(&self, first: OpId) -> Option<(AuthorIx, u64, u32)> {
        let ix = self.expected(first)?;
        let (lamport, minutes) = self.log[ix].last_stamp();
        (lamport < MAX_LAMPORT).then_some((ix, lamport + 1, minutes))
    }

    /// Whose a batch is, if it is the author's next and nothing keeps it from being applied.
    #[inline(always)]
    pub(super) fn expected(&self, first: OpId) -> Option<AuthorIx> {
        let ix = self.log.ix(&first.author)?;
        let log = &self.log[ix];
        if first.seq != log.next() || log.frozen || self.pending.len() > 0 {
            return None;
        }
        self.check_committed();
        Some(ix)
    }
}
