//! A person at a terminal: the binary in a pseudo-terminal, its screen emulated.
//!
//! A thread feeds what the process writes to the emulator and answers the questions that a real
//! terminal answers. Keys are what xterm sends for them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::keyboard::key_bytes;
use super::launch::{Launch, signal};
use super::wait::{lock, pulse, until};

/// A running process with its screen; killed when dropped.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Arc<Mutex<Box<dyn Write + Send>>>,
    output: Arc<Mutex<Output>>,
    _home: tempfile::TempDir,
}

struct Output {
    emulator: vt100::Parser<Questions>,
    raw: Vec<u8>,
    /// When the emulator took in something last.
    changed: Instant,
    ended: bool,
}

/// What a process asks its terminal, and the answers; the keyboard modes it has pushed.
struct Questions {
    answers: Vec<u8>,
    kitty: bool,
    kitty_depth: usize,
}

/// The state in which a process has its terminal, of what it must put back at its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Modes {
    /// The alternate screen is shown.
    pub(crate) alternate_screen: bool,
    /// Pastes come in brackets.
    pub(crate) bracketed_paste: bool,
    /// The cursor is hidden.
    pub(crate) cursor_hidden: bool,
    /// Mouse events are sent.
    pub(crate) mouse: bool,
    /// How many kitty keyboard modes are pushed.
    pub(crate) kitty_depth: usize,
    /// Lines are edited and echoed by the system, as a shell needs it.
    pub(crate) cooked: bool,
}

/// The terminal as a shell wants it back.
pub(crate) const RESTORED: Modes = Modes {
    alternate_screen: false,
    bracketed_paste: false,
    cursor_hidden: false,
    mouse: false,
    kitty_depth: 0,
    cooked: true,
};

impl Terminal {
    /// Starts the process; see [`Launch::terminal`].
    pub(super) fn start(launch: Launch) -> Self {
        let pair = native_pty_system()
            .openpty(pty_size(launch.rows, launch.columns))
            .expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(&launch.program);
        command.args(&launch.arguments);
        command.env_clear();
        for (name, value) in &launch.environment {
            command.env(name, value);
        }
        command.cwd(&launch.folder);
        let child = pair
            .slave
            .spawn_command(command)
            .expect("the binary starts");
        // The end that the process uses; kept open here, it would hide the process's end.
        drop(pair.slave);
        let questions = Questions {
            answers: Vec::new(),
            kitty: launch.kitty,
            kitty_depth: 0,
        };
        let (rows, columns) = emulator_size(launch.rows, launch.columns);
        let output = Arc::new(Mutex::new(Output {
            emulator: vt100::Parser::new_with_callbacks(rows, columns, 0, questions),
            raw: Vec::new(),
            changed: Instant::now(),
            ended: false,
        }));
        let reader = pair.master.try_clone_reader().expect("a reading end");
        let writer = pair.master.take_writer().expect("a writing end");
        let keyboard = Arc::new(Mutex::new(writer));
        let (their_output, their_keyboard) = (Arc::clone(&output), Arc::clone(&keyboard));
        std::thread::spawn(move || read_output(reader, &their_output, &their_keyboard));
        Self {
            child,
            master: pair.master,
            keyboard,
            output,
            _home: launch.home,
        }
    }

    /// Waits until the editor has taken the screen: keys that come earlier are not for it.
    #[track_caller]
    pub(crate) fn ready(self) -> Self {
        self.wait_for("the editor's first screen", |screen| {
            screen.alternate_screen() && !screen.contents().trim().is_empty()
        });
        self
    }

    /// Waits until the screen fits.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, fits: impl Fn(&vt100::Screen) -> bool) {
        let shown = until(what, || {
            let output = lock(&self.output);
            if fits(output.emulator.screen()) {
                return Some(true);
            }
            output.ended.then_some(false)
        });
        assert!(shown, "the process ended without {what}");
    }

    /// Waits until this text stands in one line of the screen.
    #[track_caller]
    pub(crate) fn wait_for_text(&self, text: &str) {
        self.wait_for(text, |screen| find(screen, text).is_some());
    }

    /// Waits until this text is nowhere on the screen.
    #[track_caller]
    pub(crate) fn wait_without_text(&self, text: &str) {
        self.wait_for(&format!("the end of {text}"), |screen| {
            find(screen, text).is_none()
        });
    }

    /// Waits until one of these words is on the screen, upper and lower case alike.
    #[track_caller]
    pub(crate) fn wait_for_word(&self, words: &[&str]) {
        self.wait_for(&words.join(" or "), |screen| mentions(screen, words));
    }

    /// Whether one of these words is on the screen now.
    pub(crate) fn mentions(&self, words: &[&str]) -> bool {
        mentions(lock(&self.output).emulator.screen(), words)
    }

    /// Types text as a person does, a key for each character.
    pub(crate) fn type_text(&self, text: &str) {
        self.write(text.replace('\n', "\r").as_bytes());
    }

    /// Presses keys, separated by blanks: `Ctrl-Home`, `Shift-Right*5`, `F2`.
    pub(crate) fn keys(&self, keys: &str) {
        for key in keys.split_whitespace() {
            let (key, times) = match key.split_once('*') {
                Some((key, times)) => (key, times.parse().expect("a number of times")),
                None => (key, 1),
            };
            for _ in 0..times {
                self.write(&key_bytes(key));
            }
        }
    }

    /// Presses Esc and waits until this text, which that takes away, is nowhere on the screen. Not before may
    /// another key be pressed: Esc and what comes right behind it are one key to a terminal program.
    #[track_caller]
    pub(crate) fn escape_from(&self, text: &str) {
        assert!(self.find(text).is_some(), "{text:?} is not there");
        self.keys("Esc");
        self.wait_without_text(text);
    }

    /// Plays a script: text is typed, `<keys>` are pressed.
    pub(crate) fn play(&self, script: &str) {
        for piece in script.split_inclusive('>') {
            match piece.split_once('<') {
                Some((text, keys)) => {
                    self.type_text(text);
                    self.keys(keys.trim_end_matches('>'));
                }
                None => self.type_text(piece),
            }
        }
    }

    /// Pastes, in brackets, with the line ends that xterm makes of them.
    pub(crate) fn paste(&self, text: &str) {
        let text = text.replace('\n', "\r");
        self.write(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    /// Writes bytes to the process as the terminal's input.
    pub(crate) fn write(&self, bytes: &[u8]) {
        let mut keyboard = lock(&self.keyboard);
        keyboard.write_all(bytes).expect("a process that reads");
        keyboard.flush().expect("a process that reads");
    }

    /// Changes the terminal's size.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        {
            let mut output = lock(&self.output);
            let (rows, columns) = emulator_size(rows, columns);
            output.emulator.set_size(rows, columns);
        }
        self.master
            .resize(pty_size(rows, columns))
            .expect("a pseudo-terminal changes its size");
    }

    /// Has lines edited and echoed by the system, as a shell does while the program is stopped.
    pub(crate) fn cook(&self) {
        let name = self
            .master
            .tty_name()
            .expect("a pseudo-terminal has a name");
        let done = std::process::Command::new("stty")
            .arg("-F")
            .arg(name)
            .arg("sane")
            .status();
        assert!(done.is_ok_and(|done| done.success()), "stty sane");
    }

    /// The screen as text.
    pub(crate) fn screen(&self) -> String {
        lock(&self.output).emulator.screen().contents()
    }

    /// Row and column of the first place where this text stands in one line.
    pub(crate) fn find(&self, text: &str) -> Option<(u16, u16)> {
        find(lock(&self.output).emulator.screen(), text)
    }

    /// Row and column of the cursor.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        lock(&self.output).emulator.screen().cursor_position()
    }

    /// When the screen changed last, if this cell shows this text.
    pub(crate) fn shown_at(&self, row: u16, column: u16, text: &str) -> Option<Instant> {
        let output = lock(&self.output);
        let cell = output.emulator.screen().cell(row, column)?;
        (cell.contents() == text).then_some(output.changed)
    }

    /// Whether a cell that shows this text has a colour of its own, foreground or background.
    pub(crate) fn is_coloured(&self, text: &str) -> bool {
        let output = lock(&self.output);
        let screen = output.emulator.screen();
        let Some(cell) = find(screen, text).and_then(|(row, column)| screen.cell(row, column))
        else {
            return false;
        };
        cell.bgcolor() != vt100::Color::Default || cell.fgcolor() != vt100::Color::Default
    }

    /// Looks at the screen as it is now.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(lock(&self.output).emulator.screen())
    }

    /// All bytes that the process has written.
    pub(crate) fn raw(&self) -> Vec<u8> {
        lock(&self.output).raw.clone()
    }

    /// The modes the terminal is in.
    pub(crate) fn modes(&self) -> Modes {
        // ICANON and ECHO of termios(3) on Linux.
        const COOKED: u32 = 0o2 | 0o10;
        let local = self
            .master
            .get_termios()
            .expect("a pseudo-terminal")
            .local_flags
            .bits();
        let output = lock(&self.output);
        let screen = output.emulator.screen();
        Modes {
            alternate_screen: screen.alternate_screen(),
            bracketed_paste: screen.bracketed_paste(),
            cursor_hidden: screen.hide_cursor(),
            mouse: screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None,
            kitty_depth: output.emulator.callbacks().kitty_depth,
            cooked: local & COOKED == COOKED,
        }
    }

    /// Where others can join this member, as its status bar or its members panel (F2) says: the
    /// address of a `--join` command, else the first that is none of `others`.
    #[track_caller]
    pub(crate) fn address(&self, others: &[SocketAddr]) -> SocketAddr {
        if let Some(address) = address_on(&self.screen(), others) {
            return address;
        }
        self.keys("F2");
        self.wait_for_text(" Members ");
        let address = until("an address to join at", || {
            address_on(&self.screen(), others)
        });
        self.escape_from(" Members ");
        address
    }

    /// The process's number.
    pub(crate) fn process(&self) -> u32 {
        self.child.process_id().expect("a process")
    }

    /// Sends a signal by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.process(), name);
    }

    /// Whether the process still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_none()
    }

    /// Waits for the end of the process and of its output; its exit code, or nothing if a signal
    /// ended it.
    #[track_caller]
    pub(crate) fn wait_exit(&mut self) -> Option<u32> {
        let status = until("the editor to leave", || {
            self.child.try_wait().expect("a child of ours")
        });
        until("the last output of the editor", || {
            lock(&self.output).ended.then_some(())
        });
        status.signal().is_none().then(|| status.exit_code())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("── last screen of process {:?}:", self.child.process_id());
            eprintln!("{}", self.screen());
        }
        if self.is_running() {
            self.signal("KILL");
        }
        let _status = self.child.wait();
    }
}

impl vt100::Callbacks for Questions {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        first: Option<u8>,
        _second: Option<u8>,
        parameters: &[&[u16]],
        last: char,
    ) {
        let number = parameters
            .first()
            .and_then(|numbers| numbers.first())
            .copied();
        match (first, last, number) {
            (None, 'c', _) => self.answers.extend(b"\x1b[?62;22c"),
            (None, 'n', Some(5)) => self.answers.extend(b"\x1b[0n"),
            (None, 'n', Some(6)) => {
                let (row, column) = screen.cursor_position();
                let answer = format!("\x1b[{};{}R", row + 1, column + 1);
                self.answers.extend(answer.as_bytes());
            }
            (Some(b'?'), 'u', _) if self.kitty => self.answers.extend(b"\x1b[?0u"),
            (Some(b'>'), 'u', _) => self.kitty_depth += 1,
            (Some(b'<'), 'u', count) => {
                let count = usize::from(count.unwrap_or(1).max(1));
                self.kitty_depth = self.kitty_depth.saturating_sub(count);
            }
            _ => {}
        }
    }
}

fn read_output(
    mut reader: Box<dyn Read + Send>,
    output: &Mutex<Output>,
    keyboard: &Mutex<Box<dyn Write + Send>>,
) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        let answers = {
            let mut output = lock(output);
            output.raw.extend(&buffer[..count]);
            output.emulator.process(&buffer[..count]);
            output.changed = Instant::now();
            std::mem::take(&mut output.emulator.callbacks_mut().answers)
        };
        if !answers.is_empty() {
            let mut keyboard = lock(keyboard);
            // A process that ended after asking does not need the answer.
            let _written = keyboard.write_all(&answers).and_then(|()| keyboard.flush());
        }
        pulse();
    }
    lock(output).ended = true;
    pulse();
}

fn mentions(screen: &vt100::Screen, words: &[&str]) -> bool {
    let contents = screen.contents().to_lowercase();
    words.iter().any(|word| contents.contains(word))
}

fn find(screen: &vt100::Screen, text: &str) -> Option<(u16, u16)> {
    let (rows, columns) = screen.size();
    (0..rows.get()).find_map(|row| {
        let mut line = String::new();
        let mut starts = Vec::new();
        for column in 0..columns.get() {
            let Some(cell) = screen
                .cell(row, column)
                .filter(|cell| !cell.is_wide_continuation())
            else {
                continue;
            };
            starts.push((line.len(), column));
            line.push_str(if cell.has_contents() {
                cell.contents()
            } else {
                " "
            });
        }
        let at = line.find(text)?;
        let (_, column) = starts.iter().rfind(|(start, _)| *start <= at)?;
        Some((row, *column))
    })
}

/// The loopback address on a screen of which `--join` speaks, else the first that is not known.
fn address_on(screen: &str, known: &[SocketAddr]) -> Option<SocketAddr> {
    const HOST: &str = "127.0.0.1:";
    let found: Vec<(bool, SocketAddr)> = screen
        .match_indices(HOST)
        .filter_map(|(at, _)| {
            let digits = screen[at + HOST.len()..]
                .split(|character: char| !character.is_ascii_digit())
                .next()?;
            let port: u16 = digits.parse().ok().filter(|port| *port != 0)?;
            let commanded = screen[..at].trim_end().ends_with("--join");
            Some((commanded, (Ipv4Addr::LOCALHOST, port).into()))
        })
        .filter(|(_, address)| !known.contains(address))
        .collect();
    let best = found.iter().find(|(commanded, _)| *commanded);
    best.or_else(|| found.first()).map(|(_, address)| *address)
}

fn pty_size(rows: u16, cols: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn emulator_size(rows: u16, columns: u16) -> (NonZeroU16, NonZeroU16) {
    let size = |length| NonZeroU16::new(length).expect("a terminal with a size");
    (size(rows), size(columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    #[test]
    fn the_address_of_a_join_command_is_preferred_and_known_ones_are_skipped() {
        let screen = "Ada 127.0.0.1:40001\nBen 127.0.0.1:40002\n--join 127.0.0.1:40003 now";
        assert_eq!(address_on(screen, &[]), Some(address(40003)));
        let known = [address(40001), address(40003)];
        assert_eq!(address_on(screen, &known), Some(address(40002)));
        assert_eq!(address_on("127.0.0.1:0 127.0.0.1:x 127.0.0.1", &[]), None);
    }

    #[test]
    fn text_is_found_at_its_column_behind_wide_characters() {
        let mut emulator = vt100::Parser::new(NonZeroU16::MIN, NonZeroU16::new(20).unwrap(), 0);
        emulator.process("日本e\u{301}x".as_bytes());
        assert_eq!(find(emulator.screen(), "x"), Some((0, 5)));
        assert_eq!(find(emulator.screen(), "本e"), Some((0, 2)));
        assert_eq!(find(emulator.screen(), "y"), None);
    }
}
