//! The thread that writes the journal, so that nobody waits for a disk.
//!
//! What it is given is appended at once and made durable [`SYNC_AFTER`] the first of it: while people
//! type that is a few times a second, however many keys that are. Nothing is kept from being appended by a
//! disk that takes its time to make it durable. What fails is told and tried again.
//! After a sync that failed nobody knows what is on disk: then a new journal is written beside the old
//! one, from the log, and put in its place when it has everything.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::keeper::{News, Portion};
use crate::storage::journal::{Journal, JournalError, Successor};
use crate::storage::kept::{self, Entry};

/// With what the sync itself takes, everything is durable within 500 ms.
const SYNC_AFTER: Duration = Duration::from_millis(250);
/// After something has failed.
const RETRY: Duration = Duration::from_secs(1);
/// How long the program's end, or a save, waits for a disk that does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The journal's thread, as the event loop sees it.
pub(super) struct Writer {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

/// Waits until everything that was handed over before is durable.
pub(super) struct Barrier(Receiver<()>);

enum Job {
    Keep(Portion),
    Barrier(Sender<()>),
    Move {
        folder: PathBuf,
        alias: Option<PathBuf>,
    },
    Compacted {
        result: io::Result<(Successor, u64)>,
        generation: u32,
    },
    Synced {
        result: io::Result<()>,
        generation: u32,
    },
    Finish {
        remove: bool,
    },
}

/// The thread's own.
struct State {
    jobs: Sender<Job>,
    news: UnboundedSender<News>,
    /// Where the journal is to be, if anywhere.
    folder: Option<PathBuf>,
    journal: Option<Journal>,
    /// A journal that is written beside the other one and is to take its place.
    next: Option<Successor>,
    generation: u32,
    /// What could not be appended yet.
    backlog: Vec<Portion>,
    /// When what was appended is to be synced.
    sync_at: Option<Instant>,
    /// Whether a thread is doing that.
    syncing: bool,
    /// When what failed is to be tried again.
    retry_at: Option<Instant>,
    failing: bool,
    /// How long the journal was when it was compacted last.
    base: (u64, u64),
    compacting: bool,
}

impl Writer {
    /// Starts writing `journal`, or, if that could not be made, tries again to make one in `folder`;
    /// without a folder it waits for [`move_to`](Self::move_to).
    pub(super) fn start(
        folder: Option<PathBuf>,
        journal: Option<Journal>,
        news: UnboundedSender<News>,
    ) -> Self {
        let (jobs, todo) = channel();
        let mut state = State {
            jobs: jobs.clone(),
            news,
            retry_at: (folder.is_some() && journal.is_none()).then(Instant::now),
            folder,
            journal,
            next: None,
            generation: 0,
            backlog: Vec::new(),
            sync_at: None,
            syncing: false,
            failing: false,
            base: (0, 0),
            compacting: false,
        };
        let thread = std::thread::spawn(move || state.run(&todo));
        Self { jobs, thread }
    }

    /// Appends.
    pub(super) fn keep(&self, portion: Portion) {
        // The thread ends with us.
        let _ = self.jobs.send(Job::Keep(portion));
    }

    /// See [`Barrier`].
    pub(super) fn barrier(&self) -> Barrier {
        let (done, barrier) = channel();
        let _ = self.jobs.send(Job::Barrier(done));
        Barrier(barrier)
    }

    /// The session is found by another name from now on; by `alias` too.
    pub(super) fn move_to(&self, folder: PathBuf, alias: Option<PathBuf>) {
        let _ = self.jobs.send(Job::Move { folder, alias });
    }

    /// Writes what is left, or removes everything. Blocks, but not for long.
    pub(super) fn finish(self, remove: bool) {
        let _ = self.jobs.send(Job::Finish { remove });
        let end = Instant::now() + PATIENCE;
        while !self.thread.is_finished() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Barrier {
    /// Blocks, but not for long: a file is saved even if the journal cannot be written.
    pub(super) fn wait(self) {
        let _ = self.0.recv_timeout(PATIENCE);
    }
}

impl State {
    fn run(&mut self, todo: &Receiver<Job>) {
        loop {
            let sync_at = self.sync_at.filter(|_| !self.syncing);
            let due = [sync_at, self.retry_at].into_iter().flatten().min();
            let job = match due {
                Some(due) => todo.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => todo.recv().map_err(RecvTimeoutError::from),
            };
            match job {
                Ok(Job::Keep(portion)) => {
                    if portion.generation == self.generation {
                        self.backlog.push(portion);
                    }
                    if self.retry_at.is_none() {
                        self.write();
                    }
                }
                Ok(Job::Barrier(done)) => {
                    self.write();
                    self.sync();
                    let _ = done.send(());
                }
                Ok(Job::Move { folder, alias }) => self.move_to(folder, alias),
                Ok(Job::Compacted { result, generation }) => self.compacted(result, generation),
                Ok(Job::Synced { result, generation }) => self.synced(result, generation),
                Ok(Job::Finish { remove: true }) => {
                    return self.journal.take().into_iter().for_each(Journal::remove);
                }
                Ok(Job::Finish { remove: false }) | Err(RecvTimeoutError::Disconnected) => {
                    self.write();
                    self.sync();
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {
                    let now = Instant::now();
                    if self.retry_at.is_some_and(|at| at <= now) {
                        self.retry();
                    }
                    if self.sync_at.is_some_and(|at| at <= now) && !self.syncing {
                        self.begin_sync();
                    }
                }
            }
        }
    }

    fn tell(&self, news: News) {
        let _ = self.news.send(news);
    }

    /// Appends what waits.
    fn write(&mut self) {
        // Nothing to write is no success: what failed may have to be begun anew.
        let Some(journal) = self.journal.as_mut().filter(|_| !self.backlog.is_empty()) else {
            return;
        };
        let mut whole = false;
        while let Some(portion) = self.backlog.first() {
            let records = portion.entries.iter().map(Entry::record);
            let appended = match &mut self.next {
                Some(next) => next.append(records),
                None => journal.append(records),
            };
            if let Err(why) = appended {
                return self.fail(&why.to_string());
            }
            let portion = self.backlog.remove(0);
            whole = portion.whole;
            let (bytes, generation) = (portion.bytes, portion.generation);
            let _ = self.news.send(News::Written { bytes, generation });
            self.sync_at
                .get_or_insert_with(|| Instant::now() + SYNC_AFTER);
        }
        if whole && let Some(next) = self.next.take() {
            if let Err(why) = journal.replace(next) {
                return self.begin_anew(&why.to_string());
            }
            self.sync_at = None;
        }
        self.retry_at = None;
        if std::mem::take(&mut self.failing) {
            self.tell(News::Works);
        }
        self.compact();
    }

    /// Makes durable what was appended, unless that is done.
    fn sync(&mut self) {
        let due = (self.sync_at.take().is_some() || self.syncing) && self.next.is_none();
        let synced = self.journal.as_mut().filter(|_| due).map(Journal::sync);
        if let Some(Err(why)) = synced {
            self.begin_anew(&why.to_string());
        }
    }

    /// As [`sync`](Self::sync), in a thread of its own.
    fn begin_sync(&mut self) {
        let due = self.sync_at.take().is_some() && self.next.is_none();
        let begun = self.journal.as_mut().filter(|_| due);
        match begun.map(Journal::sync_later) {
            Some(Ok(sync)) => {
                self.syncing = true;
                let (jobs, generation) = (self.jobs.clone(), self.generation);
                std::thread::spawn(move || {
                    let result = sync.sync();
                    let _ = jobs.send(Job::Synced { result, generation });
                });
            }
            Some(Err(why)) => self.begin_anew(&why.to_string()),
            None => {}
        }
    }

    fn synced(&mut self, result: io::Result<()>, generation: u32) {
        self.syncing = false;
        if generation != self.generation {
            return;
        }
        let place = |()| self.journal.as_ref().map_or(Ok(()), Journal::check_place);
        if let Err(why) = result.and_then(place) {
            self.begin_anew(&why.to_string());
        }
    }

    fn fail(&mut self, why: &str) {
        self.failing = true;
        self.retry_at = Some(Instant::now() + RETRY);
        self.tell(News::Failing(why.to_owned()));
    }

    /// Nothing that was written counts any more.
    fn begin_anew(&mut self, why: &str) {
        self.next = None;
        self.backlog.clear();
        self.sync_at = None;
        self.generation += 1;
        self.fail(why);
    }

    fn retry(&mut self) {
        self.retry_at = None;
        if self.journal.is_none() {
            return self.open();
        }
        if !self.backlog.is_empty() {
            return self.write();
        }
        match self.journal.as_ref().map(Journal::successor) {
            Some(Ok(next)) => {
                self.next = Some(next);
                let generation = self.generation;
                self.tell(News::Anew { generation });
            }
            // Its folder may be gone.
            Some(Err(_)) | None => {
                self.journal = None;
                self.open();
            }
        }
    }

    /// Opens the journal that there was no way to open before.
    fn open(&mut self) {
        let Some(folder) = &self.folder else {
            return;
        };
        match Journal::open(folder, false) {
            Ok((journal, _)) if !journal.is_empty() => self.fail("another session is kept there"),
            Ok((journal, _)) => self.begin(journal),
            Err(why) => self.fail(&why.to_string()),
        }
    }

    fn begin(&mut self, journal: Journal) {
        self.journal = Some(journal);
        self.next = None;
        self.backlog.clear();
        self.generation += 1;
        self.base = (0, 0);
        let generation = self.generation;
        self.tell(News::Anew { generation });
    }

    fn move_to(&mut self, folder: PathBuf, alias: Option<PathBuf>) {
        if self.folder.as_ref() == Some(&folder) && self.journal.is_some() {
            return;
        }
        self.folder = Some(folder.clone());
        let moved = match &mut self.journal {
            Some(journal) => journal.move_to(&folder, alias.as_deref()),
            None => match Journal::open(&folder, true) {
                Ok((journal, _)) => {
                    self.begin(journal);
                    Ok(())
                }
                Err(why) => Err(why),
            },
        };
        match moved {
            Ok(()) => {}
            // Of somebody who has that very file open: it will not be saved there either.
            Err(JournalError::InUse) => {}
            Err(why) => self.tell(News::Failing(why.to_string())),
        }
    }

    /// Begins compacting, in a thread of its own, when it is worth it.
    fn compact(&mut self) {
        let Some(journal) = &self.journal else {
            return;
        };
        let (records, bytes) = self.base;
        let worth = kept::is_worth_compacting(journal.records().saturating_sub(records), bytes);
        if self.compacting || self.next.is_some() || !worth {
            return;
        }
        let begun = journal
            .successor()
            .and_then(|next| Ok((next, journal.look_back()?)));
        let Ok((mut next, back)) = begun else {
            // Another time.
            return self.base = (journal.records(), bytes);
        };
        self.compacting = true;
        let (jobs, generation) = (self.jobs.clone(), self.generation);
        std::thread::spawn(move || {
            let result = back
                .read()
                .and_then(|content| kept::compact(content, &mut next))
                .map(|done| (next, done));
            let _ = jobs.send(Job::Compacted { result, generation });
        });
    }

    fn compacted(&mut self, result: io::Result<(Successor, u64)>, generation: u32) {
        self.compacting = false;
        if generation != self.generation {
            // It has been begun anew since, and that file was in the way.
            return;
        }
        let Some(journal) = &mut self.journal else {
            return;
        };
        let done = result.and_then(|(next, done)| kept::succeed(journal, next, done));
        // One that failed leaves the journal as it was; it will be as worth while later.
        if let Err(why) = done {
            tracing::warn!("the journal was not compacted: {why}");
        }
        self.base = (journal.records(), journal.len());
        self.sync_at = None;
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::super::keeper::Keeper;
    use super::super::keeper::tests::unsigned;
    use super::*;
    use crate::crdt::{AuthorId, Source, Version};
    use crate::document::{CharPos, Document, EditKind};
    use crate::storage::faults::Stall;
    use crate::storage::kept::Kept;

    /// Types so many keys, each a batch.
    fn type_keys(document: &mut Document, keys: usize) {
        for key in 0..keys {
            let at = CharPos(key % (document.len() + 1));
            document.edit(at..at, "x", EditKind::Type, 0);
            document.commit(0, Source::Typed);
        }
    }

    /// Hands over everything and waits until it is durable; what was told of trouble.
    fn hand_over(
        keeper: &mut Keeper,
        document: &Document,
        writer: &Writer,
        news: &mut UnboundedReceiver<News>,
    ) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            while let Some(portion) = keeper.next(document.log(), unsigned(document)) {
                writer.keep(portion);
            }
            writer.barrier().wait();
            let mut heard = false;
            while let Ok(one) = news.try_recv() {
                told.extend(keeper.hear(one));
                heard = true;
            }
            if keeper.is_done(document.log(), unsigned(document)) && !keeper.is_failing() {
                return told;
            }
            if !heard {
                told.extend(keeper.hear(news.blocking_recv().expect("a writer")));
            }
        }
    }

    /// The text that the journal in `folder` makes up, and how many records it takes.
    fn kept_text(folder: &std::path::Path) -> (String, usize) {
        let (_, content) = Journal::open(folder, false).unwrap();
        let kept = Kept::of(&content);
        let nobody = AuthorId([9; 16]);
        let mut document = match kept.history {
            Some(history) => crate::document::Preview::open(history)
                .unwrap()
                .build(nobody)
                .unwrap(),
            None => Document::new(nobody),
        };
        kept.merge(|batch| document.merge_sized(batch.first(), batch.width, batch.bytes));
        (document.rope().to_string(), content.records().count())
    }

    #[test]
    fn a_long_journal_is_compacted_while_it_is_written_on() {
        let root = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open(root.path(), false).unwrap();
        let (tell, mut news) = unbounded_channel();
        let writer = Writer::start(Some(root.path().to_owned()), Some(journal), tell);
        let mut keeper = Keeper::new(Version::new());
        keeper.note(kept::NOTES, b"note".to_vec());
        let mut document = Document::new(AuthorId([1; 16]));
        type_keys(&mut document, 17_000);
        hand_over(&mut keeper, &document, &writer, &mut news);
        let path = root.path().join("journal");
        let long = path.metadata().unwrap().len();
        let end = Instant::now() + Duration::from_secs(60);
        while path.metadata().unwrap().len() > long / 2 {
            assert!(Instant::now() < end, "it was never compacted");
            type_keys(&mut document, 1);
            hand_over(&mut keeper, &document, &writer, &mut news);
        }
        type_keys(&mut document, 100);
        hand_over(&mut keeper, &document, &writer, &mut news);
        writer.finish(false);
        let (text, records) = kept_text(root.path());
        assert_eq!(document.rope(), text.as_str());
        assert!(records < 16_000, "{records}");
    }

    #[test]
    fn a_journal_that_was_removed_is_written_anew_from_the_log() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("one");
        let (journal, _) = Journal::open(&folder, false).unwrap();
        let (tell, mut news) = unbounded_channel();
        let writer = Writer::start(Some(folder.clone()), Some(journal), tell);
        let mut keeper = Keeper::new(Version::new());
        keeper.note(kept::NOTES, b"note".to_vec());
        let mut document = Document::new(AuthorId([1; 16]));
        for all in [false, true] {
            type_keys(&mut document, 10);
            hand_over(&mut keeper, &document, &writer, &mut news);
            if all {
                std::fs::remove_dir_all(&folder).unwrap();
            } else {
                std::fs::remove_file(folder.join("journal")).unwrap();
            }
            type_keys(&mut document, 1);
            let told = hand_over(&mut keeper, &document, &writer, &mut news);
            assert!(told[0].contains("removed"), "{told:?}");
        }
        writer.finish(false);
        let (text, _) = kept_text(&folder);
        assert_eq!(document.rope(), text.as_str());
    }

    #[test]
    fn a_disk_that_takes_its_time_to_sync_holds_up_nothing() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("journal");
        let (journal, _) = Journal::open(root.path(), false).unwrap();
        let (tell, mut news) = unbounded_channel();
        let writer = Writer::start(Some(root.path().to_owned()), Some(journal), tell);
        let mut keeper = Keeper::new(Version::new());
        let mut document = Document::new(AuthorId([1; 16]));
        let stall = Stall::of(&path);
        for key in 0..3 {
            if key == 1 {
                stall.wait_until_met();
            }
            let before = path.metadata().unwrap().len();
            type_keys(&mut document, 1);
            writer.keep(
                keeper
                    .next(document.log(), unsigned(&document))
                    .expect("a key"),
            );
            let end = Instant::now() + Duration::from_secs(10);
            while path.metadata().unwrap().len() == before {
                assert!(Instant::now() < end, "key {key} is not appended");
                std::thread::yield_now();
            }
        }
        drop(stall);
        hand_over(&mut keeper, &document, &writer, &mut news);
        writer.finish(false);
        let (text, _) = kept_text(root.path());
        assert_eq!(document.rope(), text.as_str());
    }

    #[test]
    fn what_nobody_wants_is_removed_at_the_end() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("one");
        let (journal, _) = Journal::open(&folder, false).unwrap();
        let (tell, _news) = unbounded_channel();
        Writer::start(Some(folder.clone()), Some(journal), tell).finish(true);
        assert!(!folder.exists());
    }
}
