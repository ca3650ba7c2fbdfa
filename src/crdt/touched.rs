//! Where in the text an author's operations took effect.

use std::ops::Range;

use super::id::{AuthorId, AuthorIx, Id};
use super::log::{ActKind, Entry};
use super::op::Span;
use super::replica::Replica;

impl Replica {
    /// Where `author`'s operations `range` took effect, as ranges of visible positions as they are now: what
    /// an insert brought (with what others put into it), and the gaps that deletes left. What undos
    /// brought back or took away counts, one level deep; notes do not. In no order; at most
    /// `most` entries of the log are looked at, the first ones. O(log n) an entry.
    pub fn touched(
        &self,
        author: &AuthorId,
        range: Range<u32>,
        mut most: usize,
    ) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if let Some(ix) = self.log.ix(author) {
            let end = range.end.min(self.log[ix].next());
            // An undo, the delete that it takes back, and the characters of that.
            self.touched_by(ix, range.start..end, 2, &mut most, &mut found);
        }
        found
    }

    fn touched_by(
        &self,
        author: AuthorIx,
        range: Range<u32>,
        depth: u8,
        most: &mut usize,
        found: &mut Vec<Range<usize>>,
    ) {
        let log = &self.log[author];
        let mut seq = range.start;
        while seq < range.end && *most > 0 {
            *most -= 1;
            let after = match log.entry(seq) {
                Some(Entry::Insert(run)) => {
                    let end = (run.seq + run.len).min(range.end);
                    found.push(self.extent(Id::new(author, seq), Id::new(author, end - 1)));
                    end
                }
                Some(Entry::Act(_)) if depth == 0 => seq + 1,
                Some(Entry::Act(kind)) => match log.keys(seq) {
                    Some((first, step, count)) if kind == ActKind::Delete => {
                        let count = count.min(range.end - seq);
                        let last = first.seq.saturating_add_signed(step * (count as i32 - 1));
                        let last = Id::new(first.author, last);
                        let (first, last) = if step < 0 {
                            (last, first)
                        } else {
                            (first, last)
                        };
                        found.push(self.extent(first, last));
                        seq + count
                    }
                    _ => {
                        for Span { start, len } in log.targets(seq).iter() {
                            let named = start.seq..start.seq + len;
                            self.touched_by(start.author, named, depth - 1, most, found);
                        }
                        seq + 1
                    }
                },
                Some(Entry::Note(_)) => seq + 1,
                None => return,
            };
            seq = after;
        }
    }

    /// From one character to another that follows it, as visible positions.
    fn extent(&self, first: Id, last: Id) -> Range<usize> {
        let (first, last) = (self.order.place(first), self.order.place(last));
        let start = self.order.visible_before(first);
        let end = self.order.visible_before(last);
        let shown = usize::from(self.order.run(last).hides == 0);
        start..(end + shown).max(start)
    }
}
