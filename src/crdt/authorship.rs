//! Who wrote what is there to see, and when.

use std::ops::Range;

use super::id::AuthorId;
use super::op::Source;
use super::replica::Replica;

/// Who wrote a character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Authorship {
    /// Its author.
    pub author: AuthorId,
    /// What the author's clock showed, in whole minutes since 1970.
    pub minutes: u32,
    /// Whether it was typed or came from the file on disk.
    pub source: Source,
}

impl Replica {
    /// Who wrote the visible characters `range`, as stretches from left to right that together are the range;
    /// neighbours differ. Characters that were taken back and came again are whose they were.
    /// O(log n) for the first, then O(1) for each piece of somebody's writing that the range holds.
    ///
    /// # Panics
    /// If `range` reaches past the end.
    pub fn authorship(
        &self,
        range: Range<usize>,
    ) -> impl Iterator<Item = (Range<usize>, Authorship)> {
        let stretches = self.order.visible_stretches(range);
        let mut pieces = stretches
            .flat_map(|(at, span)| {
                let log = &self.log[span.start.author];
                let start = span.start.seq;
                log.hints(start, span.end())
                    .map(move |(seqs, minutes, source)| {
                        let at = at + (seqs.start - start) as usize;
                        let who = Authorship {
                            author: log.id,
                            minutes,
                            source,
                        };
                        (at..at + seqs.len(), who)
                    })
            })
            .peekable();
        std::iter::from_fn(move || {
            let (mut range, who) = pieces.next()?;
            while let Some((more, _)) = pieces.next_if(|(_, next)| *next == who) {
                range.end = more.end;
            }
            Some((range, who))
        })
    }
}
