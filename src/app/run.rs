//! The event loop: the one place that waits, reads, writes and draws.
//!
//! A turn takes whatever has come, up to [`TURN_EVENTS`], lets the member take it in, ends the turn
//! (which makes one batch of what was edited), carries out what comes back, and draws once. Nothing
//! is drawn on a tick; between events the program sleeps until the session's next deadline.

use std::io::{BufRead, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::clock::{Clock, minutes};
use super::config::{Keymap, Settings};
use super::core::Core;
use super::headless::{Headless, Told};
use super::keeper::News;
use super::model::{Effect, Event, Model};
use super::nearby::Announcer;
use super::saving::{SaveDone, SaveJob};
use super::shelf::Shelf;
use super::writer::Writer;
use crate::net::Net;
use crate::session::{Input, Time};
use crate::storage::kept::Place;
use crate::ui::action::Action;
use crate::ui::input;
use crate::ui::terminal::Screen;
use crate::ui::theme::Theme;

/// How many events one turn takes before it draws.
const TURN_EVENTS: usize = 256;
/// Keys that wait; beyond them the terminal does.
const KEYS: usize = 1024;
/// Lines of standard input that wait, and the longest of them in bytes.
const LINES: usize = 1024;
const MAX_LINE_BYTES: u64 = 64 << 20;

/// How long the journal is waited for at the end.
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
    /// Whether it was joined without a file, so that it is to be found by that too.
    alias: bool,
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
    theme: Theme,
    settings: Settings,
    mut outside: Outside,
) -> Result<End> {
    let clock = outside.clock;
    let mut signals = Signals::new()?;
    // Before the size is asked for, or a change right after the start would be missed.
    let mut sizes = listen_for(SignalKind::window_change())?;
    let mut screen = Screen::enter()?;
    let mut keys = read_keys(settings.keymap);
    let (saves, mut saved) = mpsc::unbounded_channel();
    loop {
        for effect in model.finish_turn(clock.now(), minutes()) {
            match effect {
                Effect::Net(command) => outside.net.execute(command),
                Effect::Save(job) => outside.save(*job, &mut model.core, saves.clone()),
                Effect::KeepFor(path) => outside.keep_for(path),
                Effect::StartAfresh => {
                    drop(screen);
                    outside.finish(&mut model.core, true).await;
                    return Ok(End::Afresh);
                }
                Effect::Remember(looks) => drop(tokio::task::spawn_blocking(move || looks.keep())),
                Effect::Exit(how) => {
                    drop(screen);
                    let keep = model.is_worth_keeping();
                    outside.finish(&mut model.core, keep).await;
                    return how.map(|()| End::Done).map_err(|why| anyhow!(why));
                }
            }
        }
        if let Some(warning) = outside.announcer.update(model.core.session().id()) {
            model.warn(&warning);
        }
        // What goes to the others goes first.
        tokio::task::yield_now().await;
        if model.take_dirty() {
            screen.draw(&model.view(screen.size(), theme, clock.now()))?;
        }
        outside.keep(&mut model.core);
        // The first event is waited for, the rest of the turn is what is there already.
        let mut taken = 0;
        loop {
            let event = tokio::select! {
                biased;
                () = signals.next(), if taken == 0 => Event::Terminate,
                key = keys.recv() => match key {
                    Some(action) => Event::Action(action),
                    // The terminal is gone.
                    None => Event::Terminate,
                },
                _ = sizes.recv() => {
                    screen.resized()?;
                    Event::Action(Action::Resize)
                }
                input = outside.net.next() => Event::Session(input),
                Some(done) = saved.recv() => Event::Saved(Box::new(done)),
                Some(news) = outside.news.recv() => Event::Kept(news),
                () = until(model.core.next_deadline(), clock), if taken == 0 => Event::Session(Input::Deadline),
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
    let mut signals = Signals::new()?;
    let mut lines = read_lines();
    let mut input_open = true;
    let mut unheard = None;
    let (saves, mut saved) = mpsc::unbounded_channel();
    if let Some(told) = first {
        member.tell_first(told);
    }
    loop {
        if let Some(job) = member.finish_turn(clock.now(), minutes()) {
            outside.save(job, &mut member.core, saves.clone());
        }
        while let Some(command) = member.core.next_command() {
            outside.net.execute(command);
        }
        outside.keep(&mut member.core);
        if let Some(message) = outside.announcer.update(member.core.session().id()) {
            member.tell(Told::Error { message });
        }
        if let Err(why) = tell(member.take_told())
            && unheard.is_none()
        {
            // Nobody listens any more: the member ends, but in good order.
            unheard = Some(why);
            member.quit(clock.now());
            continue;
        }
        if let Some(how) = member.exit()
            && !member.is_saving()
        {
            let how = how.clone().map(|()| End::Done);
            let keep = member.is_worth_keeping();
            outside.finish(&mut member.core, keep).await;
            // The sentence went to standard output as an error event and goes to standard error too.
            return unheard.map_or_else(|| how.map_err(|why| anyhow!(why)), Err);
        }
        let mut taken = 0;
        while taken < TURN_EVENTS {
            tokio::select! {
                biased;
                () = signals.next(), if taken == 0 => member.quit(clock.now()),
                Some(done) = saved.recv() => member.saved(done, clock.now()),
                Some(news) = outside.news.recv() => member.kept(news),
                input = outside.net.next() => member.session(input, clock.now()),
                line = lines.recv(), if input_open => match line {
                    Some(line) => member.command(&line, clock.now()),
                    None => input_open = false,
                },
                () = until(member.next_deadline(), clock), if taken == 0 => {
                    member.session(Input::Deadline, clock.now());
                }
                () = std::future::ready(()), if taken > 0 => break,
            }
            taken += 1;
        }
    }
}

/// Writes events as lines of JSON.
fn tell(told: Vec<Told>) -> Result<()> {
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

/// Reads the terminal in a thread of its own.
fn read_keys(keymap: Keymap) -> mpsc::Receiver<Action> {
    let (send, keys) = mpsc::channel(KEYS);
    std::thread::spawn(move || {
        input::read(&keymap, |action| send.blocking_send(action).is_ok());
    });
    keys
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
        }
    }

    /// Gives the journal what is new, as far as there is room.
    fn keep(&self, core: &mut Core) {
        if let Some(portion) = core.next_portion() {
            self.writer.keep(portion);
        }
    }

    /// Keeps the session for this file from now on.
    fn keep_for(&self, path: PathBuf) {
        if self.journal
            && let Ok(Some(folder)) = Place::File(path).folder()
        {
            self.writer.move_to(folder, self.alias);
        }
    }

    /// Writes a file in the background: first it is made sure that a crash in the middle of it leaves
    /// a journal that knows the text.
    fn save(&self, job: SaveJob, core: &mut Core, done: mpsc::UnboundedSender<SaveDone>) {
        while let Some(portion) = core.next_portion() {
            self.writer.keep(portion);
        }
        let barrier = self.writer.barrier();
        tokio::task::spawn_blocking(move || {
            barrier.wait();
            // If nobody listens any more, the program is ending.
            let _ending = done.send(job.run());
        });
    }

    /// Ends the world in good order; the session is kept, or not.
    async fn finish(mut self, core: &mut Core, keep: bool) {
        while keep && !core.is_handed_over() {
            self.keep(core);
            match tokio::time::timeout(LAST_WORDS, self.news.recv()).await {
                Ok(Some(news)) => core.kept(news),
                Ok(None) | Err(_) => break,
            }
        }
        self.writer.finish(!keep);
        self.net.finish().await;
    }
}

/// Waits for a deadline, if there is one.
async fn until(deadline: Option<Time>, clock: Clock) {
    match deadline {
        // A millisecond more, since the session counts whole ones.
        Some(time) => {
            tokio::time::sleep_until((clock.instant(time) + Duration::from_millis(1)).into()).await;
        }
        None => std::future::pending().await,
    }
}

fn listen_for(kind: SignalKind) -> Result<Signal> {
    signal(kind).context("cannot listen for signals")
}

/// The signals that end the program in good order.
struct Signals([Signal; 3]);

impl Signals {
    fn new() -> Result<Self> {
        Ok(Self([
            listen_for(SignalKind::terminate())?,
            listen_for(SignalKind::hangup())?,
            listen_for(SignalKind::interrupt())?,
        ]))
    }

    async fn next(&mut self) {
        let [terminate, hangup, interrupt] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
