//! A member without a screen, driven through JSON lines.
//!
//! A thread keeps every event that came; waiting looks at that list, so no event is lost between
//! two waits.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::launch::{Launch, signal};
use super::wait::{PATIENCE, lock, pulse, until, until_within};

/// A running headless member; killed when dropped.
pub(crate) struct Headless {
    child: Child,
    commands: Option<ChildStdin>,
    heard: Arc<Mutex<Heard>>,
    _home: tempfile::TempDir,
}

#[derive(Default)]
struct Heard {
    events: Vec<Value>,
    stderr: String,
    ended: bool,
}

impl Headless {
    /// Starts the process; see [`Launch::headless`].
    pub(super) fn start(launch: Launch) -> Self {
        let mut child = launch
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let heard = Arc::new(Mutex::new(Heard::default()));
        let commands = child.stdin.take();
        let stdout = child.stdout.take().expect("a pipe");
        let stderr = child.stderr.take().expect("a pipe");
        let events = Arc::clone(&heard);
        std::thread::spawn(move || read_events(stdout, &events));
        let complaints = Arc::clone(&heard);
        std::thread::spawn(move || read_complaints(stderr, &complaints));
        Self {
            child,
            commands,
            heard,
            _home: launch.home,
        }
    }

    /// Every event so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        lock(&self.heard).events.clone()
    }

    /// Everything on standard error so far.
    pub(crate) fn stderr(&self) -> String {
        lock(&self.heard).stderr.clone()
    }

    /// How many events came so far: a mark for [`Self::wait_event_after`].
    pub(crate) fn mark(&self) -> usize {
        lock(&self.heard).events.len()
    }

    /// Waits for an event of this kind, from the start on.
    #[track_caller]
    pub(crate) fn expect_event(&self, kind: &str) -> Value {
        self.wait_event_after(0, kind, |_| true)
    }

    /// Waits for an event of this kind that fits, from the start on.
    #[track_caller]
    pub(crate) fn wait_event(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait_event_after(0, kind, fits)
    }

    /// Waits for an event of this kind that fits and came after the mark.
    ///
    /// # Panics
    /// When none comes in time, and as soon as the process has ended without it.
    #[track_caller]
    pub(crate) fn wait_event_after(
        &self,
        mark: usize,
        kind: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> Value {
        let found = until(&format!("event {kind}"), || {
            let heard = lock(&self.heard);
            let found = heard.events[mark..]
                .iter()
                .find(|event| event["event"] == kind && fits(event));
            match found {
                Some(event) => Some(Some(event.clone())),
                None => heard.ended.then_some(None),
            }
        });
        match found {
            Some(event) => event,
            None => panic!("the member ended without event {kind}"),
        }
    }

    /// Waits for the latest news of a member: true as soon as the last event about `name` is `state`.
    #[track_caller]
    pub(crate) fn wait_member(&self, name: &str, state: &str) {
        until(&format!("{name} to be {state}"), || {
            let heard = lock(&self.heard);
            let last = heard
                .events
                .iter()
                .rfind(|event| event["event"] == "member" && event["name"] == name)?;
            (last["state"] == state).then_some(())
        });
    }

    /// The address this member accepts others at.
    #[track_caller]
    pub(crate) fn address(&self) -> SocketAddr {
        let event = self.expect_event("listening");
        let address = event["addr"].as_str().expect("an address as text");
        address.parse().expect("an address with a port")
    }

    /// Sends one command.
    pub(crate) fn send(&mut self, command: &Value) {
        self.send_line(command.to_string().as_bytes());
    }

    /// Sends one line as it is, the line end added.
    pub(crate) fn send_line(&mut self, line: &[u8]) {
        let commands = self.commands.as_mut().expect("open standard input");
        let mut bytes = line.to_vec();
        bytes.push(b'\n');
        commands.write_all(&bytes).expect("a member that listens");
    }

    /// Inserts text before the character `at`.
    pub(crate) fn insert(&mut self, at: usize, text: &str) {
        self.send(&json!({"insert": {"at": at, "text": text}}));
    }

    /// Deletes `count` characters from `at` on.
    pub(crate) fn delete(&mut self, at: usize, count: usize) {
        self.send(&json!({"delete": {"at": at, "count": count}}));
    }

    /// Asks for the text and waits for the answer. Commands are answered in order, so all that were
    /// sent before are done then.
    #[track_caller]
    pub(crate) fn text(&mut self) -> String {
        let mark = self.mark();
        self.send(&json!({"text": {}}));
        let answer = self.wait_event_after(mark, "text", |_| true);
        // Not kept: who asks every second for an hour would keep much.
        let events = &mut lock(&self.heard).events;
        let at = (mark..events.len()).find(|at| events[*at] == answer);
        events.remove(at.expect("the answer"));
        answer["text"].as_str().expect("text as text").to_owned()
    }

    /// Saves and waits for the answer.
    #[track_caller]
    pub(crate) fn save(&mut self) -> Value {
        let mark = self.mark();
        self.send(&json!({"save": {}}));
        self.wait_event_after(mark, "saved", |_| true)
    }

    /// Waits until the text is this.
    #[track_caller]
    pub(crate) fn wait_text(&mut self, text: &str) {
        let hash = hash_of(text);
        self.wait_event("synced", |event| event["hash"] == hash);
        assert_eq!(self.text(), text);
    }

    /// The last `synced` event.
    pub(crate) fn last_synced(&self) -> Option<Value> {
        let heard = lock(&self.heard);
        let last = heard
            .events
            .iter()
            .rfind(|event| event["event"] == "synced");
        last.cloned()
    }

    /// Ends standard input.
    pub(crate) fn close_input(&mut self) {
        self.commands = None;
    }

    /// Sends `quit`.
    pub(crate) fn quit(&mut self) {
        self.send(&json!({"quit": {}}));
    }

    /// The process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.process(), name);
    }

    /// Waits for the end of the process and of what it wrote; its exit code, or nothing if a signal
    /// ended it.
    #[track_caller]
    pub(crate) fn wait_exit(&mut self) -> Option<i32> {
        let status = until_within(PATIENCE, "a member to leave", || {
            self.child.try_wait().expect("a child of ours")
        });
        until("the last words of a member", || {
            lock(&self.heard).ended.then_some(())
        });
        status.code()
    }
}

impl Drop for Headless {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let heard = lock(&self.heard);
            eprintln!("── headless member {}, last events:", self.child.id());
            for event in heard.events.iter().rev().take(8).rev() {
                let line: String = event.to_string().chars().take(400).collect();
                eprintln!("{line}");
            }
            eprintln!("── its standard error:\n{}", heard.stderr);
        }
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// BLAKE3 of a text in hex, as `saved` and `synced` give it.
pub(crate) fn hash_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Waits until all members hold one text, have said so in `synced` with equal heads and with that
/// text's hash, and gives it. Whatever was sent to them before is in it.
///
/// # Panics
/// When they do not within `limit`.
#[track_caller]
pub(crate) fn settle(limit: Duration, members: &mut [Headless]) -> String {
    // Equal heads may be those from before the last edits; then the texts differ from the hash, and
    // new heads are sure to come.
    let mut outdated = None;
    until_within(limit, "all members to hold one text", || {
        let synced: Vec<Value> = members
            .iter()
            .map(Headless::last_synced)
            .collect::<Option<_>>()?;
        let heads = synced[0]["heads"].clone();
        if outdated.as_ref() == Some(&heads) || synced.iter().any(|one| one["heads"] != heads) {
            return None;
        }
        let texts: Vec<String> = members.iter_mut().map(Headless::text).collect();
        let equal = texts
            .iter()
            .zip(&synced)
            .all(|(text, synced)| synced["hash"] == hash_of(text));
        if !equal {
            outdated = Some(heads);
            return None;
        }
        texts.into_iter().next()
    })
}

fn read_events(stdout: impl Read, heard: &Mutex<Heard>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { break };
        let event = serde_json::from_str(&line).unwrap_or_else(
            |error| json!({"event": "NOT JSON", "line": line, "error": error.to_string()}),
        );
        lock(heard).events.push(event);
        pulse();
    }
    lock(heard).ended = true;
    pulse();
}

fn read_complaints(stderr: impl Read, heard: &Mutex<Heard>) {
    for line in BufReader::new(stderr).lines() {
        let Ok(line) = line else { break };
        let mut heard = lock(heard);
        heard.stderr.push_str(&line);
        heard.stderr.push('\n');
    }
}
