//! What authors said of their batches: when they made them, and from what.
//!
//! For people's eyes. A hint is what the author's clock showed, so it may be wrong, and may go backwards from one
//! batch to the next; nothing is ordered by it.

use std::ops::Range;

use super::super::id::{AuthorId, OpId};
use super::super::op::Source;
use super::{AuthorLog, Log};

impl AuthorLog {
    /// The numbers `from..to` by the hints of their batches: stretches with the minute and the source. What is in
    /// no batch yet counts as typed in the minute of the last one. O(log n + answer).
    pub(crate) fn hints(
        &self,
        from: u32,
        to: u32,
    ) -> impl Iterator<Item = (Range<u32>, u32, Source)> {
        let first = self.batch_run(from).unwrap_or(self.batches.len());
        let runs = self.batches[first..].iter();
        let told = runs
            .take_while(move |run| run.seq < to)
            .map(|run| (run.seq..run.end(), run.minutes, run.source));
        let open = (self.next..u32::MAX, self.last_stamp().1, Source::Typed);
        told.chain(std::iter::once(open))
            .map(move |(seqs, minutes, source)| {
                (seqs.start.max(from)..seqs.end.min(to), minutes, source)
            })
            .filter(|(seqs, ..)| !seqs.is_empty())
    }
}

impl Log {
    /// The operations that `author` made in batches whose hint is `minutes` (since 1970) or later and whose source
    /// is among `sources`, as ranges in the order of their numbers. Notes are left out: they are no edits.
    /// O(the author's batches that differ).
    pub fn edits_since(
        &self,
        author: AuthorId,
        minutes: u32,
        sources: &[Source],
    ) -> Vec<Range<OpId>> {
        let Some(log) = self.ix(&author).map(|ix| &self[ix]) else {
            return Vec::new();
        };
        let mut ranges: Vec<Range<u32>> = Vec::new();
        for (seqs, at, source) in log.hints(0, log.end) {
            if at < minutes || !sources.contains(&source) {
                continue;
            }
            match ranges.last_mut() {
                Some(last) if last.end == seqs.start => last.end = seqs.end,
                _ => ranges.push(seqs),
            }
        }
        let op = |seq| OpId { author, seq };
        ranges
            .into_iter()
            .flat_map(|seqs| log.without_notes(seqs))
            .map(|seqs| op(seqs.start)..op(seqs.end))
            .collect()
    }
}

impl AuthorLog {
    /// A range of numbers, cut where notes are.
    fn without_notes(&self, seqs: Range<u32>) -> Vec<Range<u32>> {
        let notes = self.notes.partition_point(|note| note.seq < seqs.start);
        let notes = self.notes[notes..].iter().map(|note| note.seq);
        let mut parts = Vec::new();
        let mut from = seqs.start;
        for note in notes.take_while(|note| *note < seqs.end) {
            parts.push(from..note);
            from = note + 1;
        }
        parts.push(from..seqs.end);
        parts.retain(|part| !part.is_empty());
        parts
    }
}
