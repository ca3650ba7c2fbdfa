//! What goes to the journal: one more reader of the log, beside the links.
//!
//! Like a link it keeps a cursor, not a queue: what has not been handed over is read from the log when
//! there is room. What is on its way is bounded, so a disk that stalls costs nothing but time, and
//! writing everything anew is the ordinary case from zero. Notes (who we are, what is on disk) follow
//! behind the operations: a journal without them is one that was never finished, and counts for nothing.
//! What is handed over of an author ends at a signature, like what links are sent: so it can be passed on
//! after the next start.
//!
//! No IO: `super::writer` does that.

use std::collections::BTreeMap;

use crate::crdt::{AuthorId, Log, Stretch, Version};
use crate::storage::kept::Entry;

/// What goes into one portion, in bytes: about a millisecond of encoding.
const PORTION_BYTES: usize = 256 << 10;
/// What may be on its way to the disk, in bytes; then one more portion.
const MAX_IN_FLIGHT_BYTES: usize = 1 << 20;

/// Records to be appended, together.
#[derive(PartialEq, Eq, Debug)]
pub struct Portion {
    /// The records, in order.
    pub entries: Vec<Entry>,
    /// How much that is.
    pub bytes: usize,
    /// Whether the journal has everything then.
    pub whole: bool,
    /// How many times the journal has been begun anew.
    pub generation: u32,
}

/// What the writer has to say.
#[derive(PartialEq, Eq, Debug)]
pub enum News {
    /// So much of this generation has been appended.
    Written {
        /// As the portions said.
        bytes: usize,
        /// Of which journal.
        generation: u32,
    },
    /// There is a new journal, which lacks everything.
    Anew {
        /// How many there were before.
        generation: u32,
    },
    /// Nothing can be written, for this reason; it is tried again and again.
    Failing(String),
    /// Everything that was handed over is written again.
    Works,
}

/// See the module.
#[derive(Default)]
pub struct Keeper {
    /// Whether there is a journal.
    on: bool,
    /// Whether there should be one.
    wanted: bool,
    generation: u32,
    handed: Version,
    in_flight: usize,
    /// Notes by their kinds, and whether they have been handed over.
    notes: BTreeMap<u8, (Vec<u8>, bool)>,
    failing: Option<String>,
}

impl Keeper {
    /// A keeper whose journal has everything up to `handed`.
    pub fn new(handed: Version) -> Self {
        Self {
            on: true,
            wanted: true,
            handed,
            ..Self::default()
        }
    }

    /// A keeper that should have a journal and has none yet.
    pub(super) fn without_journal() -> Self {
        Self {
            wanted: true,
            ..Self::default()
        }
    }

    /// Whether there is a journal.
    pub(super) const fn is_on(&self) -> bool {
        self.on
    }

    /// Sets the note of this kind.
    pub(super) fn note(&mut self, kind: u8, bytes: Vec<u8>) {
        let same = |(known, _): &(Vec<u8>, bool)| *known == bytes;
        if !self.notes.get(&kind).is_some_and(same) {
            self.notes.insert(kind, (bytes, false));
        }
    }

    /// What is to be handed over now, if anything, given an author's batches from a number on with their
    /// signature. O(authors), and the size of the portion.
    pub(super) fn next(
        &mut self,
        log: &Log,
        stretch: impl Fn(AuthorId, u32) -> Option<Stretch>,
    ) -> Option<Portion> {
        if !self.on || self.in_flight >= MAX_IN_FLIGHT_BYTES {
            return None;
        }
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while bytes < PORTION_BYTES {
            let Some(stretch) = self.behind(log, &stretch) else {
                break;
            };
            self.handed.advance(stretch.author, stretch.seal.end);
            let entry = Entry::stretch(&stretch);
            bytes += entry.size();
            entries.push(entry);
        }
        let whole = bytes < PORTION_BYTES;
        for (kind, (note, handed)) in &mut self.notes {
            if whole && !*handed {
                *handed = true;
                let entry = Entry::note(*kind, note.clone());
                bytes += entry.size();
                entries.push(entry);
            }
        }
        self.in_flight += bytes;
        (!entries.is_empty()).then_some(Portion {
            entries,
            bytes,
            whole,
            generation: self.generation,
        })
    }

    /// Whether everything has been handed over, or nothing can be.
    pub(super) fn is_done(
        &self,
        log: &Log,
        stretch: impl Fn(AuthorId, u32) -> Option<Stretch>,
    ) -> bool {
        !self.on || self.is_failing() || !self.lacks(log, stretch)
    }

    /// Whether there is something to be handed over, and room for it. While nothing can be written, too: that is
    /// how it is noticed that it can.
    pub(super) fn is_due(
        &self,
        log: &Log,
        stretch: impl Fn(AuthorId, u32) -> Option<Stretch>,
    ) -> bool {
        self.on && self.in_flight < MAX_IN_FLIGHT_BYTES && self.lacks(log, stretch)
    }

    fn lacks(&self, log: &Log, stretch: impl Fn(AuthorId, u32) -> Option<Stretch>) -> bool {
        let noted = self.notes.values().all(|(_, handed)| *handed);
        !noted || self.behind(log, stretch).is_some()
    }

    /// Of the authors with something new, of the one whose next batch has the smallest stamp, what comes
    /// next: so causes tend to come first.
    fn behind(
        &self,
        log: &Log,
        stretch: impl Fn(AuthorId, u32) -> Option<Stretch>,
    ) -> Option<Stretch> {
        if self.handed == *log.version() {
            return None;
        }
        let stamp = |(author, next): (AuthorId, u32)| {
            let from = self.handed.next(&author);
            let batch = log.batch_info(&author, from).filter(|_| from < next)?;
            Some((batch.lamport, author))
        };
        let mut due: Vec<(u64, AuthorId)> = log.version().iter().filter_map(stamp).collect();
        due.sort_unstable();
        let mut due = due.into_iter();
        due.find_map(|(_, author)| stretch(author, self.handed.next(&author)))
    }

    /// Takes in what the writer says; something to be told to the person.
    pub(super) fn hear(&mut self, news: News) -> Option<String> {
        match news {
            News::Written { bytes, generation } => {
                if generation == self.generation {
                    self.in_flight -= bytes;
                }
                None
            }
            News::Anew { generation } => {
                let notes = std::mem::take(&mut self.notes);
                let notes = notes.into_iter();
                *self = Self {
                    on: true,
                    wanted: true,
                    generation,
                    notes: notes
                        .map(|(kind, (note, _))| (kind, (note, false)))
                        .collect(),
                    failing: self.failing.take(),
                    ..Self::default()
                };
                None
            }
            News::Failing(why) => {
                let new = self.failing.as_ref() != Some(&why);
                let text = format!(
                    "Edits cannot be journalled ({why}); a crash would lose them. Trying again"
                );
                self.failing = Some(why);
                new.then_some(text)
            }
            News::Works => {
                let failed = self.failing.take();
                failed.map(|_| "Edits are journalled again".to_owned())
            }
        }
    }

    /// Whether what is edited now would be lost in a crash.
    pub(super) const fn is_failing(&self) -> bool {
        self.failing.is_some() || self.wanted && !self.on
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::crdt::seal::next_batch;
    use crate::crdt::{Chain, Seal, SealedBatch, Source};
    use crate::document::{CharPos, Document, EditKind};

    /// One batch after the other, with a signature that is none.
    pub(in crate::app) fn unsigned(
        document: &Document,
    ) -> impl Fn(AuthorId, u32) -> Option<Stretch> {
        |author, seq| {
            let mut bytes = Vec::new();
            let end = next_batch(document.replica(), &author, seq, &mut bytes)?;
            let width = end - seq;
            let seal = Seal {
                end,
                chain: Chain([0; 32]),
                signature: [0; 64],
            };
            Some(Stretch {
                author,
                seq,
                batches: vec![SealedBatch { width, bytes }],
                seal,
            })
        }
    }

    fn document(edits: usize) -> Document {
        let mut document = Document::new(AuthorId([1; 16]));
        for _ in 0..edits {
            document.edit(CharPos(0)..CharPos(0), "x", EditKind::Type, 0);
            document.commit(0, Source::Typed);
        }
        document
    }

    #[test]
    fn each_batch_is_handed_over_once_and_notes_come_last() {
        let mut keeper = Keeper::new(Version::new());
        let mut document = document(3);
        keeper.note(16, b"note".to_vec());
        let first = keeper
            .next(document.log(), unsigned(&document))
            .expect("something");
        assert_eq!(first.entries.len(), 4);
        assert_eq!(first.entries[3], Entry::note(16, b"note".to_vec()));
        assert!(first.whole);
        keeper.note(16, b"note".to_vec());
        assert_eq!(keeper.next(document.log(), unsigned(&document)), None);
        document.edit(CharPos(0)..CharPos(0), "y", EditKind::Type, 0);
        document.commit(0, Source::Typed);
        let next = keeper
            .next(document.log(), unsigned(&document))
            .expect("one more");
        assert_eq!(next.entries.len(), 1);
    }

    #[test]
    fn a_slow_disk_is_waited_for_and_a_new_journal_gets_everything() {
        let mut keeper = Keeper::new(Version::new());
        let mut document = Document::new(AuthorId([1; 16]));
        document.load(&"long text ".repeat(400_000), 0);
        keeper.note(16, b"note".to_vec());
        let mut on_its_way = 0;
        while let Some(portion) = keeper.next(document.log(), unsigned(&document)) {
            assert!(!portion.whole);
            on_its_way += portion.bytes;
        }
        assert!((MAX_IN_FLIGHT_BYTES..2 * MAX_IN_FLIGHT_BYTES).contains(&on_its_way));
        keeper.hear(News::Anew { generation: 1 });
        // What comes late of the old one counts for nothing.
        let old = News::Written {
            bytes: on_its_way,
            generation: 0,
        };
        keeper.hear(old);
        let mut all = 0;
        loop {
            let portion = keeper
                .next(document.log(), unsigned(&document))
                .expect("not all is there");
            all += portion.bytes;
            let bytes = portion.bytes;
            keeper.hear(News::Written {
                bytes,
                generation: 1,
            });
            if portion.whole {
                assert_eq!(
                    portion.entries.last(),
                    Some(&Entry::note(16, b"note".to_vec()))
                );
                break;
            }
        }
        assert!(all > 4_000_000);
    }

    #[test]
    fn trouble_is_told_once_and_its_end_too() {
        let mut keeper = Keeper::new(Version::new());
        let failing = || News::Failing("disk full".to_owned());
        assert!(
            keeper
                .hear(failing())
                .is_some_and(|text| text.contains("disk full"))
        );
        assert!(keeper.is_failing());
        assert_eq!(keeper.hear(failing()), None);
        assert!(keeper.hear(News::Works).is_some());
        assert_eq!(keeper.hear(News::Works), None);
    }
}
