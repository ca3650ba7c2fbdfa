//! How the binary is started: arguments, a clean environment, and one of three ways to run it.
//!
//! Nothing of the machine's environment reaches the process: HOME and the XDG folders are a
//! temporary folder of its own, there is no session code unless [`Launch::code`] gives one.

use std::ffi::OsString;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::headless::Headless;
use super::terminal::Terminal;
use super::wait::{PATIENCE, lock, try_until};

/// A session code that every test may use.
pub(crate) const CODE: &str = "quiet-otter-42";

/// Held while a process is started. A pseudo-terminal's descriptors are open to inheritance for a
/// moment after they are made; a process started in that moment by another test would keep them,
/// and the terminal would never see its end.
static STARTING: Mutex<()> = Mutex::new(());

/// The binary, about to be started.
pub(crate) struct Launch {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) folder: PathBuf,
    pub(super) home: tempfile::TempDir,
    pub(super) rows: u16,
    pub(super) columns: u16,
    pub(super) kitty: bool,
}

/// What a process left behind that ran without a terminal.
pub(crate) struct Outcome {
    /// The exit code; nothing if a signal ended the process, or the harness did after its deadline.
    pub(crate) code: Option<i32>,
    /// All of standard output.
    pub(crate) stdout: String,
    /// All of standard error.
    pub(crate) stderr: String,
    /// From start to end.
    pub(crate) took: Duration,
}

impl Launch {
    /// The bare binary, started in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        let home = tempfile::tempdir().expect("a temporary home");
        let mut environment = vec![
            ("HOME".into(), home.path().into()),
            ("USER".into(), "tester".into()),
            ("LOGNAME".into(), "tester".into()),
            ("PATH".into(), std::env::var_os("PATH").unwrap_or_default()),
            ("LANG".into(), "C.UTF-8".into()),
            ("TERM".into(), "xterm-256color".into()),
        ];
        for (variable, inside) in [
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "runtime"),
        ] {
            let path = home.path().join(inside);
            std::fs::create_dir(&path).expect("a folder in the temporary home");
            environment.push((variable.into(), path.into()));
        }
        Self {
            program: super::program().to_owned(),
            arguments: Vec::new(),
            environment,
            folder: folder.to_owned(),
            home,
            rows: 30,
            columns: 120,
            kitty: false,
        }
    }

    /// `FILE`, in the folder of FILE.
    pub(crate) fn edit(file: &Path) -> Self {
        let folder = file.parent().expect("a file in a folder");
        Self::new(folder).arg(file)
    }

    /// `FILE --host`, on a free port of the loopback interface.
    pub(crate) fn host(file: &Path) -> Self {
        Self::edit(file).arg("--host").listening()
    }

    /// `--join ADDRESS FILE`, on a free port of the loopback interface.
    pub(crate) fn join(address: SocketAddr, file: &Path) -> Self {
        let folder = file.parent().expect("a file in a folder");
        Self::join_from(folder, address).arg(file)
    }

    /// `--join ADDRESS` without FILE, started in `folder`.
    pub(crate) fn join_from(folder: &Path, address: SocketAddr) -> Self {
        Self::new(folder)
            .arg("--join")
            .arg(address.to_string())
            .listening()
    }

    /// One more argument.
    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The name that others see.
    pub(crate) fn name(self, name: &str) -> Self {
        self.arg("--name").arg(name)
    }

    /// The session code, in the environment.
    pub(crate) fn code(self, code: &str) -> Self {
        self.env("COLLAB_EDIT_CODE", code)
    }

    /// One more variable of the environment, or another value of one.
    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// A state folder that outlives the process: what it keeps, the next one with the same folder finds.
    pub(crate) fn state(mut self, folder: &Path) -> Self {
        self.environment
            .push(("XDG_STATE_HOME".into(), folder.into()));
        self
    }

    /// `--open`: no session code.
    pub(crate) fn open(self) -> Self {
        self.arg("--open")
    }

    /// The size of the terminal, rows first.
    pub(crate) fn size(mut self, rows: u16, columns: u16) -> Self {
        (self.rows, self.columns) = (rows, columns);
        self
    }

    /// A terminal that knows the kitty keyboard protocol and says so when asked.
    pub(crate) fn kitty(mut self) -> Self {
        self.kitty = true;
        self
    }

    /// Starts it in a pseudo-terminal.
    pub(crate) fn terminal(self) -> Terminal {
        let _starting = lock(&STARTING);
        Terminal::start(self)
    }

    /// Starts it with `--headless`.
    pub(crate) fn headless(self) -> Headless {
        let launch = self.arg("--headless");
        let _starting = lock(&STARTING);
        Headless::start(launch)
    }

    /// Runs it to its end with pipes instead of a terminal and nothing on standard input.
    pub(crate) fn run(self) -> Outcome {
        let begun = Instant::now();
        let mut child = {
            let _starting = lock(&STARTING);
            self.command()
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the binary starts")
        };
        let stdout = read_all(child.stdout.take());
        let stderr = read_all(child.stderr.take());
        let code = end_of(&mut child);
        let took = begun.elapsed();
        Outcome {
            code,
            stdout: stdout.join().expect("standard output is read"),
            stderr: stderr.join().expect("standard error is read"),
            took,
        }
    }

    /// The command for [`Self::run`] and [`Headless`].
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder);
        command
    }

    /// In a network namespace.
    pub(crate) fn inside(mut self, namespace: &str) -> Self {
        let program = std::mem::replace(&mut self.program, "ip".into());
        let prefix = [
            "netns".into(),
            "exec".into(),
            namespace.into(),
            program.into(),
        ];
        self.arguments.splice(0..0, prefix);
        self
    }

    fn listening(self) -> Self {
        self.arg("--listen").arg("127.0.0.1:0")
    }
}

impl Outcome {
    /// What the user was told: standard error, or, if that is empty, the last error event.
    pub(crate) fn complaint(&self) -> String {
        if !self.stderr.trim().is_empty() {
            return self.stderr.trim().to_owned();
        }
        self.stdout
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|event| event["event"] == "error")
            .filter_map(|event| event["message"].as_str().map(str::to_owned))
            .next_back()
            .unwrap_or_default()
    }
}

/// Sends a signal by its name without `SIG`. Through the shell, whose `kill` is built in: the
/// program of that name is missing on small machines.
pub(crate) fn signal(process: u32, name: &str) {
    let _status = Command::new("sh")
        .arg("-c")
        .arg(format!("kill -s {name} {process}"))
        .stderr(Stdio::null())
        .status()
        .expect("a shell");
}

/// Processor time that a process has used so far, user and system, in clock ticks (10 ms on Linux).
pub(crate) fn processor_ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a live process");
    // The second field is the program's name in brackets and may contain anything; utime and stime
    // are the 14th and 15th (proc(5)).
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("a number of ticks"))
        .sum()
}

fn end_of(child: &mut Child) -> Option<i32> {
    let ended = try_until(PATIENCE, || child.try_wait().expect("a child of ours"));
    if ended.is_none() {
        let _gone = child.kill();
    }
    child.wait().expect("a child of ours").code()
}

fn read_all(stream: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    let mut stream = stream.expect("a pipe");
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _read = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
