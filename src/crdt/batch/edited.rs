//! Reading what editing sends, which nearly all batches are. There is no other encoding of these: what is not
//! accepted here is left to [`decode`](super::decode), which says what is wrong with it, if anything is.
//!
//! A reader of its own, since it takes a quarter of the code: with the rope's, that of a merge fits into a processor's
//! first cache.

use super::super::id::{AuthorIx, Id};
use super::super::limits::MAX_LAMPORT;
use super::super::log::Log;
use super::super::op::{Inserted, Span};
use super::super::text::is_start;
use super::{DELETE, HAS_LAMPORT, HAS_MINUTES, INSERT, TYPED_BYTES};

/// A batch as it is read by [`edited`].
pub(crate) struct Edited<'a> {
    pub(crate) lamport: u64,
    pub(crate) minutes: u32,
    /// Comes behind the delete, if there is one.
    pub(crate) insert: Option<Inserted<'a>>,
}

/// Reads the batch of author `me` that starts at that author's head, if it is what editing sends: a delete (whose targets
/// are appended to `targets`), or an insert of a short text, or one behind the other. `None` of any other, malformed
/// ones included, which are for [`decode`].
#[inline]
pub(crate) fn edited<'a>(
    bytes: &'a [u8],
    log: &Log,
    me: AuthorIx,
    targets: &mut Vec<Span>,
) -> Option<Edited<'a>> {
    let seq = log[me].next();
    let mut reader = Brief {
        rest: bytes,
        log,
        me,
        seq,
    };
    let head = u64::from(reader.byte()?);
    let (lamport, minutes) = log[me].last_stamp();
    let lamport = lamport + u64::from(reader.stated(head & HAS_LAMPORT != 0, 1)?);
    let minutes = minutes.checked_add(reader.stated(head & HAS_MINUTES != 0, 0)?)?;
    if head > HAS_LAMPORT | HAS_MINUTES || lamport > MAX_LAMPORT {
        return None;
    }
    let mut tag = reader.byte()?;
    let deletes = u64::from(tag) == DELETE;
    if deletes {
        reader.targets(targets)?;
        reader.seq = reader.seq.checked_add(1)?;
    }
    let insert = if deletes && reader.rest.is_empty() {
        None
    } else {
        if deletes {
            tag = reader.byte()?;
        }
        Some(reader.insert(tag, deletes)?)
    };
    reader.rest.is_empty().then_some(Edited {
        lamport,
        minutes,
        insert,
    })
}

/// Reads what [`edited`] does.
struct Brief<'a, 'b> {
    rest: &'a [u8],
    log: &'b Log,
    me: AuthorIx,
    /// Number of the operation being read.
    seq: u32,
}

impl<'a> Brief<'a, '_> {
    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    #[inline]
    fn big_endian<const BYTES: usize>(&mut self, least: u32) -> Option<u32> {
        let (bytes, rest) = self.rest.split_first_chunk::<BYTES>()?;
        self.rest = rest;
        let value = bytes
            .iter()
            .fold(0, |value, byte| value << 8 | u32::from(*byte));
        (value >= least).then_some(value)
    }

    /// The number that begins with `marker`.
    #[inline]
    fn number(&mut self, marker: u8) -> Option<u32> {
        match marker {
            small @ 0..=0x7f => Some(small.into()),
            0xcc => self.big_endian::<1>(1 << 7),
            0xcd => self.big_endian::<2>(1 << 8),
            0xce => self.big_endian::<4>(1 << 16),
            _ => None,
        }
    }

    #[inline]
    fn uint(&mut self) -> Option<u32> {
        let marker = self.byte()?;
        self.number(marker)
    }

    /// `Some(None)`: start or end of the document.
    #[inline]
    fn id(&mut self) -> Option<Option<Id>> {
        match self.byte()? {
            0xc0 => Some(None),
            place @ 0xe0..=0xff => {
                let (author, _) = *self.log[self.me].dictionary().get(usize::from(!place))?;
                let seq = self.uint()?;
                (seq < self.log[author].next()).then(|| Some(Id::new(author, seq)))
            }
            marker => {
                let back = self.number(marker).filter(|back| *back > 0)?;
                Some(Some(Id::new(self.me, self.seq.checked_sub(back)?)))
            }
        }
    }

    #[inline]
    fn targets(&mut self, targets: &mut Vec<Span>) -> Option<()> {
        let count = self.uint().filter(|count| *count > 0)?;
        for _ in 0..count {
            let start = self.id()??;
            let len = self.uint().filter(|len| *len > 0)?;
            let next = if start.author == self.me {
                self.seq
            } else {
                self.log[start.author].next()
            };
            // The start is below `next`.
            if len > next - start.seq {
                return None;
            }
            targets.push(Span { start, len });
        }
        Some(())
    }

    /// A value that may be left out, and then has its default.
    #[inline]
    fn stated(&mut self, stated: bool, default: u32) -> Option<u32> {
        if !stated {
            return Some(default);
        }
        self.uint().filter(|value| *value != default)
    }

    /// The insert that begins with `tag`.
    #[inline]
    fn insert(&mut self, tag: u8, deletes: bool) -> Option<Inserted<'a>> {
        let log = &self.log[self.me];
        let full = u64::from(tag) == INSERT;
        let (left, right, marker) = if full {
            (self.id()?, self.id()?, self.byte()?)
        } else {
            let (right, last) = log.last_insert()?;
            (Some(Id::new(self.me, last)), right, tag)
        };
        let continues = !deletes && log.continues(self.me, left, right);
        // Each insert has one form only.
        if full == continues {
            return None;
        }
        let len = match marker {
            0xa1..=0xbf => marker & 0x1f,
            0xd9 => self.byte().filter(|len| usize::from(*len) > TYPED_BYTES)?,
            _ => return None,
        };
        let (text, rest) = self.rest.split_at_checked(len.into())?;
        self.rest = rest;
        let chars = match *text {
            [1..=0x7f] => 1,
            _ if text.contains(&0) => return None,
            _ => text.iter().filter(|byte| is_start(**byte)).count() as u32,
        };
        Some(Inserted {
            left,
            right,
            continues,
            text: std::str::from_utf8(text).ok()?,
            chars,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{AuthorId, Replica, Source};
    use super::super::decode;
    use super::*;
    use crate::crdt::op::Op;

    /// Whether what is accepted here is what [`decode`] reads; whether it was accepted.
    fn agrees(bytes: &[u8], replica: &Replica, author: AuthorIx) -> bool {
        let (mut targets, mut all) = (Vec::new(), Vec::new());
        let Some(edit) = edited(bytes, &replica.log, author, &mut targets) else {
            return false;
        };
        let decoded = decode(bytes, &replica.log, author, &mut all).ok();
        let decoded = decoded.expect("what is accepted is a batch");
        let mut ops = Vec::new();
        if !targets.is_empty() {
            let targets = 0..targets.len();
            ops.push(Op::Delete { targets });
        }
        ops.extend(edit.insert.map(Op::Insert));
        assert!(decoded.ops().eq(&ops), "{bytes:?}");
        assert_eq!(targets, all);
        let stamp = (decoded.info.lamport, decoded.info.minutes);
        assert_eq!((edit.lamport, edit.minutes), stamp);
        assert_eq!(decoded.info.source, Source::Typed);
        true
    }

    #[test]
    fn what_editing_sends_is_read_as_any_batch_and_nothing_else_is_accepted() {
        let mut rng = fastrand::Rng::with_seed(5);
        let [mut ann, mut ben] = [1, 2].map(|n| Replica::new(AuthorId([n; 16])));
        let (mut count, mut short) = (0, 0);
        for n in 0..4_000_u32 {
            let (from, to) = if rng.bool() {
                (&mut ann, &mut ben)
            } else {
                (&mut ben, &mut ann)
            };
            let start = rng.usize(0..=from.len());
            let end = from.len().min(start + rng.usize(0..6));
            if rng.bool() && start < end {
                from.delete(start..end);
            }
            let text =
                ["x", "", "é", "some words", "日本"][rng.usize(0..5)].repeat(rng.usize(1..9));
            from.insert(start, &text);
            // What nobody's edit is, too.
            match rng.u8(0..40) {
                0 => from.note(b"a note"),
                1 => drop(from.insert(rng.usize(0..=from.len()), "more")),
                2 if !from.is_empty() => from.delete(0..1),
                _ => {}
            }
            let source = if rng.u8(0..40) == 0 {
                Source::Disk
            } else {
                Source::Typed
            };
            let lamport = from.next_lamport().saturating_sub(rng.u64(0..9) / 7);
            let minutes = (n / 50).saturating_sub(rng.u32(0..40).saturating_sub(38));
            let Some(seq) = from.commit_at(lamport, minutes, source) else {
                continue;
            };
            let (author, ix) = (from.me(), from.me_ix());
            let (mut bytes, mut general) = (Vec::new(), Vec::new());
            from.log.batch_at(&author, seq, &mut bytes);
            from.log.encode_batch(ix, seq, &mut general);
            assert_eq!(bytes, general);
            if let Some(ix) = to.log.ix(&author) {
                count += 1;
                short += usize::from(agrees(&bytes, to, ix));
                for _ in 0..20 {
                    let mut wrong = bytes.clone();
                    let at = rng.usize(0..wrong.len());
                    wrong[at] = rng.u8(..);
                    wrong.truncate(rng.usize(at..=wrong.len()));
                    agrees(&wrong, to, ix);
                }
            }
            to.merge(author, seq, &bytes, &mut Vec::new());
        }
        assert!(short > count * 6 / 10, "{short} of {count}");
        ann.check_invariants();
        ben.check_invariants();
        assert_eq!(ann.visible_text(), ben.visible_text());
    }
}
