//! A session whose process or machine ends between any two calls that change what is on disk, over journal
//! and file together, and which is taken up again.

use std::path::Path;

use super::*;
use crate::app::core::Core;
use crate::app::keeper::{Keeper, News};
use crate::app::saving::{FileDone, Saving};
use crate::document::{CharPos, EditKind};
use crate::session::{Config, Time};
use crate::storage::faults::{self, Fault};
use crate::storage::journal::Journal;
use crate::storage::kept::Entry;
use crate::storage::{IfChanged, TextFile};

const BEGIN: &str = "the text\n";

/// How many words are typed, each at the start; after every other one the file is saved.
const WORDS: usize = 6;

fn word(number: usize) -> String {
    format!("w{number} ")
}

/// The text with the first so many words.
fn text(words: usize) -> String {
    (0..words).rev().map(word).collect::<String>() + BEGIN
}

/// The files of one run.
struct Place {
    folder: tempfile::TempDir,
}

/// What a run was promised to be durable.
#[derive(Clone, Copy, Default)]
struct Durable {
    words: usize,
    /// Of the journal.
    bytes: u64,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notes.md"), BEGIN).unwrap();
        Self { folder }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("notes.md")
    }

    fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }
}

/// Hands over everything and makes it durable, as far as the disk takes it.
fn keep(core: &mut Core, journal: &mut Journal) -> bool {
    while let Some(portion) = core.next_portion() {
        // Tried again once, as the writer does later.
        let mut append = || journal.append(portion.entries.iter().map(Entry::record));
        if append().is_err() && append().is_err() {
            return false;
        }
        core.kept(News::Written {
            bytes: portion.bytes,
            generation: portion.generation,
        });
    }
    journal.sync().is_ok()
}

/// Types, keeps and saves, until the disk takes no more.
fn run(place: &Place) -> Durable {
    let mut durable = Durable::default();
    let Ok((mut journal, _)) = Journal::open(&place.state(), false) else {
        return durable;
    };
    let (file, found) = TextFile::open(&place.file()).unwrap();
    let config = Config::for_test(1, true, Properties::default());
    let mut core = Core::new(config, Time(0));
    core.keep(Keeper::new(Version::new()), OurPlace::default(), true);
    core.load(&found.text, 0);
    let mut saving = Saving::new(Some(file));
    saving.is_on_disk(&mut core);
    for number in 0..WORDS {
        core.edit(
            CharPos(0)..CharPos(0),
            &word(number),
            EditKind::Whole,
            Time(0),
        );
        core.flush(None, Time(0), 0);
        if !keep(&mut core, &mut journal) {
            return durable;
        }
        durable = Durable {
            words: number + 1,
            bytes: journal.len(),
        };
        if number % 2 == 1 {
            let job = saving.start(&mut core, found.format, None, IfChanged::Refuse);
            if !keep(&mut core, &mut journal) {
                return durable;
            }
            durable.bytes = journal.len();
            let FileDone::Saved(done) = job.expect("a file").run() else {
                unreachable!("a save was asked for");
            };
            saving.saved(done, &mut core, Time(0));
        }
    }
    durable
}

/// The file's text, and the document's when the session is taken up again.
fn again(place: &Place) -> (String, Option<String>) {
    let opened = TextFile::open(&place.file()).unwrap();
    let on_disk = opened.1.text.clone();
    let (_, content) = Journal::open(&place.state(), false).unwrap();
    let Some(past) = Past::of(content).unwrap() else {
        return (on_disk, None);
    };
    let config = Config {
        kept: past.note.entries.clone(),
        seed: 2,
        ..Config::for_test(1, true, Properties::default())
    };
    let session = Session::new(config, Time(0));
    let me = past.note.entries[0].member;
    let document = past.document(session.author(), me).unwrap();
    let continued = Continued::of(&past, &document, me, Some(&opened));
    let mut core = Core::with(session, document);
    let mut saving = Saving::new(Some(opened.0));
    let taken_up = saving.take_up(&mut core, continued.on_disk, Time(0));
    assert!(taken_up.is_some(), "the file is one of the session's");
    (on_disk, Some(core.document().rope().to_string()))
}

#[track_caller]
fn check(place: &Place, durable: Durable, what: &str) {
    let (on_disk, document) = again(place);
    let saved = (0..=WORDS).step_by(2).find(|words| text(*words) == on_disk);
    assert!(saved.is_some(), "{what}: the file is {on_disk:?}");
    match document {
        None => assert_eq!(durable.words, 0, "{what}: nothing is kept"),
        Some(document) => {
            let found = (durable.words..=WORDS).any(|words| text(words) == document);
            assert!(found, "{what}: of {} words {document:?}", durable.words);
        }
    }
}

/// What was appended and not synced may be gone after a power cut.
fn cut_power(journal: &Path, durable: Durable) {
    let journal = std::fs::OpenOptions::new().write(true).open(journal);
    if let Ok(journal) = journal {
        journal.set_len(durable.bytes).unwrap();
    }
}

#[test]
fn who_was_found_to_have_signed_two_things_stays_found_out() {
    let (place, liar) = (Place::new(), AuthorId([7; 16]));
    run(&place);
    for start in 0..3 {
        let (mut journal, content) = Journal::open(&place.state(), false).unwrap();
        let mut past = Past::of(content).unwrap().unwrap();
        if start == 0 {
            past.note.forked.push(liar);
        }
        let config = Config::for_test(1, false, Properties::default());
        let mut core = Core::resumed(config, &past, None, Time(0)).unwrap();
        assert!(core.session().forked().eq([liar]), "start {start}");
        let log = core.document().log();
        assert!(log.is_frozen(&liar), "start {start}");
        core.keep(
            Keeper::new(log.version().clone()),
            OurPlace::default(),
            true,
        );
        assert!(keep(&mut core, &mut journal));
    }
}

/// A session with words that are not saved, into which `bring` takes what another program has written to the
/// file; then it ends, and that program writes on.
fn written_on(bring: impl FnOnce(&mut Core, &str)) -> String {
    let place = Place::new();
    let (mut journal, _) = Journal::open(&place.state(), false).unwrap();
    let (_, found) = TextFile::open(&place.file()).unwrap();
    let config = Config::for_test(1, true, Properties::default());
    let mut core = Core::new(config, Time(0));
    core.keep(Keeper::new(Version::new()), OurPlace::default(), true);
    core.load(&found.text, 0);
    core.is_on_disk();
    core.edit(
        CharPos(0)..CharPos(0),
        "precious ",
        EditKind::Whole,
        Time(0),
    );
    core.flush(None, Time(0), 0);
    assert!(keep(&mut core, &mut journal));
    let written = BEGIN.to_owned() + "theirs\n";
    bring(&mut core, &written);
    assert!(keep(&mut core, &mut journal));
    drop(journal);
    std::fs::write(place.file(), written + "more of theirs\n").unwrap();
    again(&place).1.expect("a session")
}

#[test]
fn what_is_not_saved_outlives_what_another_program_writes_before_and_after_a_restart() {
    let text = written_on(|core, text| assert_eq!(core.merge_disk(text, None, Time(0)), 1));
    assert_eq!(text, "precious the text\ntheirs\nmore of theirs\n");
    let text = written_on(|core, text| assert!(core.bring_in(text, None, Time(0)) > 0));
    for line in ["precious the text", "the text", "theirs", "more of theirs"] {
        let times = text.lines().filter(|other| *other == line).count();
        assert_eq!(times, 1, "{line:?} in {text:?}");
    }
}

#[test]
fn a_code_that_was_given_before_undoes_no_change_of_the_code() {
    let place = Place::new();
    run(&place);
    let (_journal, content) = Journal::open(&place.state(), false).unwrap();
    let mut past = Past::of(content).unwrap().unwrap();
    let code = |word: &str| Code::new(&format!("{word}-otter")).unwrap();
    for (present, before, given, joins, then) in [
        ("new", Some("old"), Some("old"), false, "new"),
        ("new", Some("old"), Some("own"), false, "own"),
        ("new", Some("old"), None, false, "new"),
        ("new", Some("old"), Some("own"), true, "new"),
        ("new", None, Some("own"), true, "new"),
        ("new", None, Some("own"), false, "own"),
        ("new", None, Some("new"), false, "new"),
        ("old", Some("old"), Some("old"), false, "old"),
    ] {
        past.keys.access = Access::Code(code(present));
        past.note.place.given = before.map(|word| code(word).digest());
        let access = past.access(given.map(code).as_ref(), joins);
        let what = format!("{present}, {before:?} before, {given:?} now, {joins}");
        assert!(access == Access::Code(code(then)), "{what}");
    }
    past.keys.access = Access::Open;
    past.note.place.given = None;
    assert_eq!(past.access(Some(&code("own")), true), Access::Open);
    assert_ne!(past.access(Some(&code("own")), false), Access::Open);
}

#[test]
fn what_goes_on_is_said_in_one_line() {
    for (others, edits, said) in [
        (&[][..], 0, None),
        (&["Ben"], 0, Some("Continuing the session with Ben")),
        (
            &[],
            1,
            Some("Recovered 1 edit that was not saved; F7 takes it back"),
        ),
        (
            &["Ben", "Cleo"],
            2,
            Some(
                "Continuing the session with Ben and Cleo; recovered 2 edits that were not saved, F7 takes them \
                 back",
            ),
        ),
    ] {
        let continued = Continued {
            format: Format::default(),
            file_name: String::new(),
            on_disk: None,
            unsaved: Vec::new(),
            edits,
            others: others.iter().map(ToString::to_string).collect(),
            open_elsewhere: false,
        };
        assert_eq!(continued.sentence("F7").as_deref(), said);
    }
}

#[test]
fn a_session_that_ends_between_any_two_calls_has_everything_once() {
    let mut met = 0;
    for fault in faults::ALL {
        for at in 0.. {
            let place = Place::new();
            faults::plan(at, fault);
            let durable = run(&place);
            let (_, was_met) = faults::clear();
            let what = format!("{fault:?} at {at}");
            check(&place, durable, &what);
            if matches!(fault, Fault::Crash | Fault::CrashWithin) {
                cut_power(&place.state().join("journal"), durable);
                check(&place, durable, &format!("{what}, power cut"));
            }
            if !was_met {
                assert_eq!(durable.words, WORDS);
                break;
            }
            met += 1;
        }
    }
    assert!(met > 200, "{met}");
}
