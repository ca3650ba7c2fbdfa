//! A replica put together from a history instead of from batches.
//!
//! The same checks and the same integration as for batches; what differs is that all batches are
//! known beforehand, and that the text comes last, when the order tells which part of it is whose.

use super::id::{AuthorId, AuthorIx, Id};
use super::integrate::destination;
use super::op::{BatchInfo, Invalid, Op, Span};
use super::replica::{Change, Replica};
use super::text::chars_len;

/// A stretch of an author's characters and where its text is.
struct Piece<'a> {
    author: AuthorIx,
    /// Number of the first among the author's characters.
    char: u32,
    text: &'a str,
}

impl Replica {
    /// The author's index; makes an empty log for one that is new.
    pub(crate) fn restore_author(&mut self, author: AuthorId) -> Result<AuthorIx, Invalid> {
        self.log.intern(author)
    }

    /// Notes that `author` made `count` batches like `first`, one after the other.
    pub(crate) fn restore_batches(&mut self, author: AuthorIx, first: BatchInfo, count: u32) {
        let last = first.lamport + u64::from(count) - 1;
        self.clock = self.clock.max(last);
        self.log.push_batches(author, first, count);
    }

    /// The character after `left`, or the first of all.
    pub(crate) fn next_character(&self, left: Option<Id>) -> Option<Id> {
        let place = match left {
            None => self.order.first(),
            Some(left) => self.order.after(self.order.place(left)),
        };
        place.map(|place| self.order.id(place))
    }

    /// Appends the `len` characters that are visible from the character `id` on, itself included, to
    /// `spans`; `None` if it is hidden or there are not so many.
    pub(crate) fn visible_from(&mut self, id: Id, len: u32, spans: &mut Vec<Span>) -> Option<()> {
        let place = self.order.place(id);
        let at = self.order.visible_before(place);
        let end = at + len as usize;
        if self.order.run(place).hides > 0 || end > self.order.visible() {
            return None;
        }
        self.order.visible_spans(at, end, spans);
        Some(())
    }

    /// Takes in an insert of `chars` characters, as `id.author`'s next operation. Origins are
    /// characters that are here.
    pub(crate) fn restore_insert(
        &mut self,
        id: Id,
        left: Option<Id>,
        right: Option<Id>,
        chars: u32,
    ) -> Result<(), Invalid> {
        let lamport = self.log.lamport(id, 0);
        let before = destination(&self.order, &self.log, id, lamport, left, right)?;
        let continues = self.log[id.author].continues(id.author, left, right);
        self.order.insert(before, id, chars, continues);
        self.log.push_run(id.author, left, right, chars);
        Ok(())
    }

    /// Takes in deletes of one character each.
    pub(crate) fn restore_keys(
        &mut self,
        author: AuthorIx,
        span: Span,
        backwards: bool,
    ) -> Result<(), Invalid> {
        self.check_characters(span)?;
        self.log.push_keys(author, span, backwards);
        self.order.hide(span, 1, |_| {});
        Ok(())
    }

    /// Takes in any other operation, whose targets are here.
    pub(crate) fn restore(
        &mut self,
        author: AuthorIx,
        op: &Op<'_>,
        targets: &[Span],
        changes: &mut Vec<Change>,
    ) -> Result<(), Invalid> {
        self.apply(author, 0, op, targets, changes)
    }

    /// Gives all characters their text: the visible ones from `shown`, the others from `hidden`, each
    /// in the order of the document. `None` if those are not as long as they must be. O(n).
    pub(crate) fn restore_text(&mut self, shown: &str, hidden: &str) -> Option<()> {
        let (mut shown, mut hidden) = (shown, hidden);
        let mut pieces = Vec::new();
        // Per author, where characters take more than a byte: how many bytes more up to there.
        let mut wide: Vec<Vec<(u32, usize)>> = self.log.authors().map(|_| Vec::new()).collect();
        for run in self.order.runs() {
            let from = if run.hides == 0 {
                &mut shown
            } else {
                &mut hidden
            };
            let (text, rest) = from.split_at(chars_len(from, run.len as usize));
            *from = rest;
            let author = run.id().author;
            let char = self.log[author].char_of(run.id().seq)?;
            if text.len() != run.len as usize {
                if text.chars().count() != run.len as usize {
                    return None;
                }
                let more = text.len() - run.len as usize;
                wide[author.index()].push((char, more));
            }
            pieces.push(Piece { author, char, text });
        }
        if !shown.is_empty() || !hidden.is_empty() {
            return None;
        }
        let mut texts = Vec::new();
        for ((_, log), wide) in self.log.authors().zip(&mut wide) {
            wide.sort_unstable();
            let mut sum = 0;
            for (_, more) in &mut *wide {
                sum += *more;
                *more = sum;
            }
            texts.push(vec![0; log.chars() as usize + sum]);
        }
        for Piece { author, char, text } in pieces {
            let wide = &wide[author.index()];
            let before = wide.partition_point(|(at, _)| *at < char).checked_sub(1);
            let start = char as usize + before.map_or(0, |before| wide[before].1);
            texts[author.index()][start..start + text.len()].copy_from_slice(text.as_bytes());
        }
        for (author, text) in texts.into_iter().enumerate() {
            let author = AuthorIx::new(author);
            let text = String::from_utf8(text).ok()?;
            let chars = self.log[author].chars() as usize;
            self.log.set_text(author, text, chars);
        }
        Some(())
    }
}
