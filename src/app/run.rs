//! The event loop: the one place that waits, reads, writes and draws.
//!
//! A turn takes whatever has come, up to [`TURN_EVENTS`], lets the member take it in, ends the turn
//! (which makes one batch of what was edited), carries out what comes back, and draws once. Nothing
//! is drawn on a tick; between events the program sleeps until the session's next deadline.

use std::io::{BufRead, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::sync::mpsc;

use super::clipboard::{self, Clipboard, Way};
use super::clock::{Clock, LATER, minutes};
use super::config::Settings;
use super::core::Core;
use super::headless::{Headless, LastWords, Told};
use super::keeper::News;
use super::keys::Keys;
use super::model::{Effect, Event, Model};
use super::nearby::Announcer;
use super::painter::{self, Question};
use super::panics::restore_on_panic;
use super::saving::{FileDone, FileJob};
use super::shelf::Shelf;
use super::unix::{Signal, Signals, stop};
use super::watching::Watching;
use super::writer::Writer;
use crate::net::{Listen, Net};
use crate::session::{Input, Time};
use crate::storage::kept::Place;
use crate::ui::action::Action;
use crate::ui::input::Heard;
use crate::ui::terminal::{self, Screen};

/// How many events one turn takes before it draws.
const TURN_EVENTS: usize = 256;
/// How long the program waits to be stopped.
const UNSTOPPED: Duration = Duration::from_millis(200);
/// Lines of standard input that wait, and the longest of them in bytes.
const LINES: usize = 1024;
const MAX_LINE_BYTES: u64 = 64 << 20;

/// How long the journal is waited for at the end, and before a file is written.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What a member has to do with the world.
pub(super) struct Outside {
    net: Net,
    clock: Clock,
    announcer: Announcer,
    writer: Writer,
    news: mpsc::UnboundedReceiver<News>,
    /// Whether the session is to be kept at all.
    journal: bool,
    /// Where it is to be found by what was joined, if that was without a file.
    alias: Option<PathBuf>,
    /// When the journal is given what is new, if anything is.
    keep_due: Option<Time>,
    /// Files that are to be written once the journal has been given everything.
    saves: Vec<Held>,
}

/// A file that waits to be written, who is to hear of it, and how long the journal is waited for.
struct Held {
    job: FileJob,
    done: mpsc::UnboundedSender<FileDone>,
    until: Time,
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// For good.
    Done,
    /// The person wants to start again, with a new session.
    Afresh,
}

/// Runs a member with a screen until it leaves.
pub(super) async fn screen(
    mut model: Model,
    settings: Settings,
    listen: Listen,
    mut outside: Outside,
) -> Result<End> {
    let end = turns(&mut model, settings, &listen, &mut outside).await;
    let keep = matches!(end, Ok(End::Afresh)) || model.is_worth_keeping();
    outside.finish(&mut model.core, keep).await;
    end
}

/// Has the terminal, and takes turns until the member leaves or the terminal fails.
async fn turns(
    model: &mut Model,
    settings: Settings,
    listen: &Listen,
    outside: &mut Outside,
) -> Result<End> {
    let clock = outside.clock;
    // Before the size is asked for, or a change right after the start would be missed.
    let mut signals = Signals::new(true)?;
    restore_on_panic();
    let mut screen = Screen::enter(settings.mouse)?;
    let mut clipboard = Clipboard::new(&settings);
    let mut keys = Keys::new(settings.keymap)?;
    let (jobs, mut done) = mpsc::unbounded_channel();
    let mut watching = Watching::default();
    let (questions, mut answers) = paint();
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut ask = true;
    let mut alarm = Alarm::new(clock);
    let (found_here, mut found) = mpsc::unbounded_channel();
    loop {
        for effect in model.finish_turn(clock.now(), minutes()) {
            match effect {
                Effect::Net(command) => outside.net.execute(command),
                Effect::File(job) => outside.work(*job, &mut model.core, jobs.clone()),
                Effect::KeepFor(path) => outside.keep_for(path, &mut model.core),
                Effect::StartAfresh => return Ok(End::Afresh),
                Effect::Remember(looks) => drop(tokio::task::spawn_blocking(move || looks.keep())),
                Effect::Find(job) => {
                    let found = found_here.clone();
                    // If nobody listens any more, the program is ending.
                    tokio::task::spawn_blocking(move || drop(found.send(job.run())));
                }
                Effect::Copy(text) => {
                    let way = clipboard.copy(text, |sequence| screen.write(sequence))?;
                    if let Some(way) = way {
                        model.update(Event::Copied(way), clock.now());
                    }
                }
                Effect::Paste => {
                    if !clipboard.ask() {
                        model.update(Event::Pasted(None), clock.now());
                    }
                }
                Effect::Suspend => {
                    outside.keep_all(&mut model.core);
                    terminal::restore();
                    stop()?;
                    // Where nobody could let it go on, the system does not stop it.
                    let stopped = tokio::time::timeout(UNSTOPPED, signals.continued()).await;
                    tracing::debug!("stopped: {}", stopped.is_ok());
                    screen.resume()?;
                    model.update(Event::Action(Action::Resize), clock.now());
                }
                Effect::Listen => {
                    let addrs = outside.net.listen(listen).await;
                    // Taken in with the other events of the next turn.
                    let _ours = tell.send(Event::Listening(addrs.map_err(|why| why.to_string())));
                }
                Effect::StopListening => outside.net.stop_listening(),
                Effect::Exit(how) => return how.map(|()| End::Done).map_err(|why| anyhow!(why)),
            }
        }
        if let Some(warning) = outside.announcer.update(model.core.session().id()) {
            model.warn(&warning);
        }
        watching.follow(&model.saving);
        if model.has_typed() {
            outside.go_first().await;
        }
        if model.take_dirty(clock.now()) {
            screen.draw(&model.view(screen.size(), clock.now()))?;
            if std::mem::take(&mut ask) && model.theme.wants_ground() {
                keys.expect_ground();
                screen.ask_ground()?;
            }
        }
        if let Some(question) = model.question(clock.now()) {
            // The thread is there as long as the program.
            let _ = questions.send(question);
        }
        let now = clock.now();
        let keep_due = outside.keep_later(&mut model.core, now);
        alarm.set(model.next_deadline(now).into_iter().chain(keep_due));
        // The first event is waited for, the rest of the turn is what is there already.
        let mut taken = 0;
        loop {
            let event = tokio::select! {
                biased;
                signal = signals.next() => match signal {
                    Signal::End => Event::Terminate,
                    Signal::Resized => {
                        screen.resized()?;
                        Event::Action(Action::Resize)
                    }
                    Signal::Continued => {
                        screen.resume()?;
                        Event::Action(Action::Resize)
                    }
                },
                key = keys.next() => match key {
                    Some(Heard::Action(action)) => Event::Action(action),
                    Some(Heard::Ground(ground)) => Event::Ground(ground),
                    // The terminal is gone.
                    None => Event::Terminate,
                },
                input = outside.net.next() => Event::Session(input),
                Some(found) = found.recv() => Event::Found(Box::new(found)),
                answer = clipboard.next() => match answer {
                    clipboard::Answer::Set(Ok(())) => Event::Copied(Way::Desktop),
                    clipboard::Answer::Set(Err(text)) => {
                        Event::Copied(clipboard.by_terminal(&text, |sequence| screen.write(sequence))?)
                    }
                    clipboard::Answer::Text(text) => Event::Pasted(text),
                },
                Some(done) = done.recv() => Event::File(Box::new(done)),
                stir = watching.stirred() => Event::Stirred(stir),
                Some(news) = outside.news.recv() => Event::Kept(news),
                Some(event) = told.recv() => event,
                Some(answer) = answers.recv() => Event::Painted(answer),
                () = alarm.rings(), if taken == 0 => Event::Session(Input::Deadline),
                () = std::future::ready(()), if taken > 0 => break,
            };
            model.update(event, clock.now());
            taken += 1;
            if taken == TURN_EVENTS || model.is_leaving() {
                break;
            }
        }
    }
}

/// Runs a member without a screen until it leaves.
pub(super) async fn headless(
    mut member: Headless,
    first: Option<Told>,
    mut outside: Outside,
) -> Result<End> {
    let clock = outside.clock;
    let mut signals = Signals::new(false)?;
    let mut lines = read_lines();
    let mut input_open = true;
    let mut unheard = None;
    let mut alarm = Alarm::new(clock);
    let (jobs, mut done) = mpsc::unbounded_channel();
    let mut watching = Watching::default();
    if let Some(told) = first {
        member.tell_first(told);
    }
    loop {
        if let Some(job) = member.finish_turn(clock.now(), minutes()) {
            outside.work(job, &mut member.core, jobs.clone());
        }
        while let Some(command) = member.core.next_command() {
            outside.net.execute(command);
        }
        outside.keep(&mut member.core);
        if let Some(message) = outside.announcer.update(member.core.session().id()) {
            member.tell(Told::Error { message });
        }
        watching.follow(&member.saving);
        if let Err(why) = tell(member.take_told())
            && unheard.is_none()
        {
            // Nobody listens any more: the member ends, but in good order.
            unheard = Some(why);
            member.quit(clock.now());
            continue;
        }
        if let Some(how) = member.exit() {
            let how = how.clone().map(|()| End::Done);
            let keep = member.is_worth_keeping();
            outside.finish(&mut member.core, keep).await;
            // The sentence went to standard output as an error event and goes to standard error too.
            return unheard.map_or_else(|| how.map_err(|why| LastWords(why).into()), Err);
        }
        alarm.set(
            member
                .next_deadline()
                .into_iter()
                .chain(outside.write_due()),
        );
        let mut taken = 0;
        while taken < TURN_EVENTS {
            tokio::select! {
                biased;
                _ = signals.next(), if taken == 0 => member.quit(clock.now()),
                Some(done) = done.recv() => member.file(done, clock.now()),
                stir = watching.stirred() => member.stirred(stir, clock.now()),
                Some(news) = outside.news.recv() => member.kept(news),
                input = outside.net.next() => member.session(input, clock.now()),
                line = lines.recv(), if input_open => match line {
                    Some(line) => member.command(&line, clock.now()),
                    None => input_open = false,
                },
                () = alarm.rings(), if taken == 0 => {
                    member.session(Input::Deadline, clock.now());
                }
                () = std::future::ready(()), if taken > 0 => break,
            }
            taken += 1;
        }
    }
}

/// Writes events as lines of JSON.
pub(super) fn tell(told: Vec<Told>) -> Result<()> {
    if told.is_empty() {
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    for event in told {
        serde_json::to_writer(&mut out, &event).context("cannot write to standard output")?;
        out.write_all(b"\n")
            .context("cannot write to standard output")?;
    }
    out.flush().context("cannot write to standard output")
}

/// Finds colours for code in a thread of its own.
fn paint() -> (
    std::sync::mpsc::Sender<Question>,
    mpsc::UnboundedReceiver<painter::Answer>,
) {
    let (ask, questions) = std::sync::mpsc::channel();
    let (tell, answers) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        painter::answer(&questions, |answer| {
            // If nobody listens any more, the program is ending.
            let _ending = tell.send(answer);
        });
    });
    (ask, answers)
}

/// Reads lines of standard input in a thread of its own.
fn read_lines() -> mpsc::Receiver<Vec<u8>> {
    let (send, lines) = mpsc::channel(LINES);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        while let Ok(Some(line)) = read_line(&mut input, MAX_LINE_BYTES) {
            if !line.is_empty() && send.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// The next line without its end; `None` after the last one. Of one that is too long only the start
/// is given, so that it is answered with one error.
fn read_line(input: &mut impl BufRead, most: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if input.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.len() as u64 == most && !line.ends_with(b"\n") {
        input.skip_until(b'\n')?;
    }
    while line.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        line.pop();
    }
    Ok(Some(line))
}

impl Outside {
    /// The world of a member whose session is kept on `shelf`.
    pub(super) fn new(net: Net, clock: Clock, announcer: Announcer, shelf: Shelf) -> Self {
        let (tell, news) = mpsc::unbounded_channel();
        Self {
            net,
            clock,
            announcer,
            alias: shelf.alias,
            writer: Writer::start(shelf.folder, shelf.journal, tell),
            news,
            journal: shelf.wanted,
            keep_due: None,
            saves: Vec::new(),
        }
    }

    /// Lets what has been said to the others go to them before anything else is done.
    async fn go_first(&self) {
        tokio::task::yield_now().await;
        if self.net.has_neighbours() {
            // The system wakes whoever reads a socket on the processor that wrote it, though another one may be idle:
            // there it would wait for our frame to be drawn.
            std::thread::yield_now();
        }
    }

    /// Gives the journal what is new, [a little later](LATER) than it came; when that is.
    fn keep_later(&mut self, core: &mut Core, now: Time) -> Option<Time> {
        let is_due = self.keep_due.is_some_and(|due| due <= now);
        if is_due || !self.saves.is_empty() {
            self.keep(core);
            self.keep_due = None;
        }
        let due = self.keep_due.unwrap_or(now + LATER);
        self.keep_due = core.is_behind().then_some(due);
        self.keep_due.into_iter().chain(self.write_due()).min()
    }

    /// When the journal is waited for no longer before a file is written.
    fn write_due(&self) -> Option<Time> {
        self.saves.first().map(|held| held.until)
    }

    /// Gives the journal what is new, as far as there is room; whether there was anything.
    fn keep(&mut self, core: &mut Core) -> bool {
        let portion = core.next_portion();
        let any = portion.is_some();
        portion
            .into_iter()
            .for_each(|portion| self.writer.keep(portion));
        self.write_held(core);
        any
    }

    /// Gives the journal everything there is room for; whether that is all.
    fn keep_all(&mut self, core: &mut Core) -> bool {
        while self.keep(core) {}
        core.is_handed_over()
    }

    /// Writes the files that wait, if the journal has been given everything, or takes too long.
    fn write_held(&mut self, core: &mut Core) {
        let now = self.clock.now();
        if self.saves.is_empty() || !core.is_handed_over() && self.saves[0].until > now {
            return;
        }
        for Held { job, done, .. } in self.saves.drain(..) {
            let barrier = self.writer.barrier();
            tokio::task::spawn_blocking(move || {
                barrier.wait();
                // If nobody listens any more, the program is ending.
                let _ending = done.send(job.run());
            });
        }
    }

    /// Keeps the session for this file from now on. By whatever name it is found after a crash, it knows the file.
    fn keep_for(&mut self, path: PathBuf, core: &mut Core) {
        self.keep_all(core);
        if self.journal
            && let Ok(Some(folder)) = Place::File(path).folder()
        {
            self.writer.move_to(folder, self.alias.clone());
        }
    }

    /// Reads or writes a file in the background. It is not written before the journal knows the text and the
    /// session: after a crash in between nobody could tell whose text that is.
    fn work(&mut self, job: FileJob, core: &mut Core, done: mpsc::UnboundedSender<FileDone>) {
        if matches!(job, FileJob::Look(_)) {
            tokio::task::spawn_blocking(move || drop(done.send(job.run())));
            return;
        }
        let until = self.clock.now() + LAST_WORDS;
        self.saves.push(Held { job, done, until });
        self.keep_all(core);
    }

    /// Ends the world in good order; the session is kept, or not.
    async fn finish(mut self, core: &mut Core, keep: bool) {
        while keep && !self.keep_all(core) {
            match tokio::time::timeout(LAST_WORDS, self.news.recv()).await {
                Ok(Some(news)) => core.kept(news),
                Ok(None) | Err(_) => break,
            }
        }
        self.writer.finish(!keep);
        self.net.finish().await;
    }
}

/// When a turn is due if nothing happens.
struct Alarm {
    clock: Clock,
    due: Option<Time>,
    /// When it last rang, until it is set anew.
    rang: Option<Time>,
}

impl Alarm {
    const fn new(clock: Clock) -> Self {
        Self {
            clock,
            due: None,
            rang: None,
        }
    }

    /// Sets it anew. A turn does what is due, so what is due next lies ahead; or else turn would follow on turn
    /// and nothing would be done.
    fn set(&mut self, due: impl IntoIterator<Item = Time>) {
        self.due = due.into_iter().min();
        let rang = self.rang.take();
        debug_assert!(
            self.due > rang || self.due.is_none(),
            "woken at {rang:?} for nothing: due {:?}",
            self.due
        );
    }

    /// Waits until it is time, if there is one.
    async fn rings(&mut self) {
        match self.due {
            // A millisecond more, since the session counts whole ones.
            Some(due) => {
                let at = self.clock.instant(due) + Duration::from_millis(1);
                tokio::time::sleep_until(at.into()).await;
            }
            None => std::future::pending().await,
        }
        self.rang = Some(self.clock.now());
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::app::kept::{OurPlace, Past};
    use crate::app::saving::Saving;
    use crate::crdt::Version;
    use crate::document::{CharPos, EditKind};
    use crate::session::Config;
    use crate::storage::journal::{Content, Journal};
    use crate::storage::{IfChanged, TextFile};
    use crate::wire::Properties;

    /// A member and its world, with a journal in this folder.
    fn kept_in(state: &Path) -> (Core, Outside) {
        let (journal, _) = Journal::open(state, false).unwrap();
        let clock = Clock::start();
        let shelf = Shelf {
            folder: Some(state.to_owned()),
            journal: Some(journal),
            wanted: true,
            ..Shelf::default()
        };
        let config = Config::for_test(1, true, Properties::default());
        let mut core = Core::new(config, clock.now());
        core.keep(shelf.keeper(Version::new()), OurPlace::default(), true);
        let outside = Outside::new(Net::default(), clock, Announcer::default(), shelf);
        (core, outside)
    }

    #[tokio::test]
    async fn no_file_is_written_before_the_journal_knows_whose_text_that_is() {
        let place = tempfile::tempdir().unwrap();
        let (mut core, mut outside) = kept_in(&place.path().join("state"));
        let clock = outside.clock;
        // More than goes to the journal at once.
        core.load(&"more than that\n".repeat(1 << 18), 0);
        core.flush(None, clock.now(), 0);
        let end = CharPos(core.document().len());
        core.edit(end..end, "the end", EditKind::Whole, clock.now());
        core.flush(None, clock.now(), 0);
        let (file, found) = TextFile::open(&place.path().join("notes.md")).unwrap();
        let mut saving = Saving::new(Some(file));
        let job = saving.start(&mut core, found.format, None, IfChanged::Refuse);
        let (done, mut written) = mpsc::unbounded_channel();
        outside.work(job.expect("a file"), &mut core, done);
        assert!(!core.is_handed_over());
        assert_eq!(outside.saves.len(), 1, "it waits");
        loop {
            tokio::select! {
                Some(news) = outside.news.recv() => {
                    core.kept(news);
                    outside.keep(&mut core);
                }
                Some(_done) = written.recv() => break,
            }
        }
        let content =
            Content::of(std::fs::read(place.path().join("state/journal")).unwrap()).unwrap();
        assert!(Past::of(content).unwrap().is_some());
        assert!(place.path().join("notes.md").exists());
    }

    #[tokio::test]
    async fn what_is_to_be_said_of_a_save_is_in_the_journal_before_it() {
        let place = tempfile::tempdir().unwrap();
        let (mut core, mut outside) = kept_in(&place.path().join("state"));
        let clock = outside.clock;
        let end = CharPos(core.document().len());
        core.edit(end..end, "text", EditKind::Whole, clock.now());
        core.flush(None, clock.now(), 0);
        let now = clock.now();
        assert_eq!(outside.keep_later(&mut core, now), Some(now + LATER));
        assert!(!core.is_handed_over());
        assert_eq!(outside.keep_later(&mut core, now + LATER), None);
        assert!(core.is_handed_over());
        let (file, found) = TextFile::open(&place.path().join("notes.md")).unwrap();
        let mut saving = Saving::new(Some(file));
        let job = saving.start(&mut core, found.format, None, IfChanged::Refuse);
        assert!(job.is_some() && !core.is_handed_over(), "a note is behind");
        assert!(core.is_behind());
        // What cannot be written is not waited for, and is tried.
        core.kept(News::Failing("disk full".into()));
        assert!(core.is_handed_over() && core.is_behind());
    }

    #[test]
    fn a_line_that_is_too_long_is_one_line() {
        let mut input = &b"12345678\r\n\n1234567890{}\n{}\n1234567890"[..];
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut input, 10).unwrap() {
            lines.push(String::from_utf8(line).unwrap());
        }
        assert_eq!(lines, ["12345678", "", "1234567890", "{}", "1234567890"]);
    }
}
