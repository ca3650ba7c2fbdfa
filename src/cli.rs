//! Arguments and environment → a validated [`Config`], or a text to print.
//!
//! Every refusal is one clear sentence and, through [`report`], exit code 2. The session code comes
//! from the environment alone, since arguments are visible to every user of the machine. `address` reads
//! `HOST:PORT`, `settings` the configuration file.
//!
//! Deliberately not here: flags whose feature is not built.

mod address;
mod settings;

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use clap_complete::Shell;
use unicode_width::UnicodeWidthStr;

use crate::app::config::{
    Address, Clipboard, Code, Config, DEFAULT_PORT, Existing, ListenOn, Name, Role, Settings, Theme,
};

/// In columns, so that names fit beside cursors and in lists.
const MAX_NAME_COLUMNS: usize = 32;

const CODE_VARIABLE: &str = "COLLAB_EDIT_CODE";

const HELP_TEMPLATE: &str = "\
{name} {version}: {about}

  collab-edit notes.md --host             edit notes.md and let others join
  collab-edit --join 192.168.1.5:4700     join them

{usage-heading} {usage}

{all-args}{after-help}
";

/// Stands in the help and in the man page.
const ENVIRONMENT: &str = "\
Environment:
  COLLAB_EDIT_CODE      The session code, for a host (use this one) and a joiner (answer with
                        this one): 8 to 128 printable characters

Exit codes: 0 left in good order, 1 failure, 2 wrong usage";

/// The arguments as clap takes them. Text that needs more than presence stays text here, so that
/// all refusals are worded in one way.
#[derive(Parser)]
#[command(
    name = "collab-edit",
    version,
    about = "edit one file with several people at once"
)]
#[command(help_template = HELP_TEMPLATE, after_help = ENVIRONMENT)]
struct Arguments {
    /// The file to edit, or for a joiner to save to
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// Let others join
    #[arg(long)]
    host: bool,

    /// Join the session which the member at this address is in
    #[arg(long, value_name = "HOST:PORT")]
    join: Option<String>,

    /// Join a session that announces itself on this network; asks which
    #[arg(long)]
    nearby: bool,

    /// Let --nearby find this session; no file or user names go out
    #[arg(long)]
    announce: bool,

    /// Where to accept members [default: all interfaces; port 4700 or the next
    /// free one for --host, any free port for --join]
    #[arg(long, value_name = "IP:PORT", verbatim_doc_comment)]
    listen: Option<String>,

    /// The name that others see [default: the login name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Host: use no session code (trusted network); joiner: enter without one
    #[arg(long)]
    open: bool,

    /// Joiner whose FILE exists and differs: replace it (a dated copy stays),
    /// or merge its lines into the text [default: ask; headless: end]
    #[arg(long, value_name = "HOW", verbatim_doc_comment)]
    existing: Option<String>,

    /// No screen: keep FILE up to date, one JSON object per event on stdout
    #[arg(long)]
    headless: bool,

    /// Start afresh although a session is kept for FILE; that one is set aside
    #[arg(long)]
    new_session: bool,

    /// Keep nothing: neither what a crash would lose nor the session
    #[arg(long)]
    no_journal: bool,

    /// Write a log to this file
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Read the settings from this file [default: collab-edit/config.toml in
    /// $XDG_CONFIG_HOME or ~/.config]
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    config: Option<PathBuf>,

    /// Print completions for bash, elvish, fish, powershell or zsh
    #[arg(
        long,
        value_name = "SHELL",
        exclusive = true,
        hide_possible_values = true
    )]
    completions: Option<Shell>,

    /// Print the man page
    #[arg(long, exclusive = true)]
    man: bool,
}

/// What a command line asks for.
#[derive(Debug)]
pub enum Request {
    /// To edit.
    Edit(Box<Config>),
    /// To print this and be done.
    Print(Vec<u8>),
}

/// What is taken from outside the arguments.
#[derive(Default)]
struct Environment {
    code: Option<OsString>,
    login_name: Option<String>,
    no_color: bool,
    desktop: bool,
    tmux: bool,
    theme: Theme,
    config: Option<PathBuf>,
    folder: PathBuf,
}

/// What this process is asked for.
///
/// # Errors
/// When the usage is wrong, or only help or the version was asked for; see [`report`].
pub fn parse() -> Result<Request, clap::Error> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let environment = Environment {
        code: std::env::var_os(CODE_VARIABLE),
        login_name: whoami::username()
            .ok()
            .or_else(|| std::env::var("USER").ok()),
        no_color: std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty()),
        desktop: has_desktop(),
        tmux: std::env::var_os("TMUX").is_some(),
        theme: Theme::of_environment(
            &variable("TERM"),
            &variable("COLORTERM"),
            &variable("COLORFGBG"),
        ),
        config: settings::usual_path(),
        folder: std::env::current_dir().unwrap_or_default(),
    };
    parse_from(std::env::args_os(), environment)
}

/// Prints what was asked for. A reader that has gone away is no failure.
pub fn print(text: &[u8]) -> ExitCode {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

/// Whether the person sits in front of this machine's desktop.
fn has_desktop() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|set| !set.is_empty());
    let remote = ["SSH_TTY", "SSH_CONNECTION"].into_iter().any(is_set);
    let always = cfg!(any(target_os = "macos", windows));
    !remote && (always || ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(is_set))
}

/// Prints why there is no configuration and gives the exit code: 0 after help and version, else 2.
pub fn report(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Nobody is left to tell when the terminal is gone.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let _ = io::stderr().write_all(plain(error).as_bytes());
    ExitCode::from(2)
}

/// The message without what arguments may have smuggled in for the terminal.
fn plain(error: &clap::Error) -> String {
    let text = error.render().to_string();
    text.chars()
        .filter(|char| *char == '\n' || !char.is_control())
        .collect()
}

fn parse_from(
    arguments: impl IntoIterator<Item = OsString>,
    mut environment: Environment,
) -> Result<Request, clap::Error> {
    let arguments = Arguments::try_parse_from(arguments)?;
    if let Some(shell) = arguments.completions {
        return Ok(Request::Print(completions(shell)));
    }
    if arguments.man {
        return Ok(Request::Print(man()?));
    }
    let usual = environment.config.take();
    let settings = settings::load(arguments.config.as_deref(), usual)
        .map_err(|sentence| clap::Error::raw(ErrorKind::Io, sentence + "\n"))?;
    validate(arguments, environment, settings)
        .map(|config| Request::Edit(Box::new(config)))
        .map_err(|sentence| Arguments::command().error(ErrorKind::ValueValidation, sentence))
}

fn completions(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut text);
    text
}

fn man() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(Arguments::command()).render(&mut text)?;
    Ok(text)
}

fn validate(
    arguments: Arguments,
    environment: Environment,
    mut settings: Settings,
) -> Result<Config, String> {
    let Arguments {
        file,
        host,
        join,
        nearby,
        announce,
        listen,
        name,
        open,
        existing,
        headless,
        new_session,
        no_journal,
        log,
        completions: _,
        man: _,
        config: _,
    } = arguments;
    let role = role(host, join, nearby)?;
    let code = code(environment.code)?;
    match role {
        Role::Host if file.is_none() => {
            return Err("--host needs a FILE to edit: collab-edit notes.md --host".into());
        }
        Role::Host if open && code.is_some() => {
            return Err(format!(
                "--open hosts without a session code, but {CODE_VARIABLE} gives one; leave out one of them"
            ));
        }
        Role::Solo if open => return Err("--open goes with --host or --join".into()),
        Role::Solo if listen.is_some() => return Err("--listen goes with --host or --join".into()),
        Role::Solo if announce => return Err("--announce goes with --host or --join".into()),
        Role::Nearby if headless => {
            return Err("--nearby asks which session, and --headless cannot; use --join".into());
        }
        Role::Solo | Role::Host | Role::Join(_) | Role::Nearby => {}
    }
    if headless && file.is_none() {
        return Err("--headless needs a FILE to keep up to date".into());
    }
    if let (Some(log), Some(file)) = (&log, &file)
        && absolute(log) == absolute(file)
    {
        return Err("--log would write over FILE; give it another name".into());
    }
    let listen_given = listen.is_some();
    let listen = match (listen, &role) {
        (Some(text), _) => ListenOn::exactly(listen_address(&text)?),
        (None, Role::Join(_) | Role::Nearby) => ListenOn::everywhere(0, false),
        (None, Role::Solo | Role::Host) => ListenOn::everywhere(DEFAULT_PORT, true),
    };
    let name = match name {
        Some(given) => self::name(&given)?,
        None => Name::new(&environment.login_name.unwrap_or_default()),
    };
    settings.colours &= !environment.no_color;
    settings.tmux = environment.tmux;
    settings.clipboard = match settings.clipboard {
        Clipboard::Auto if environment.desktop => Clipboard::Desktop,
        Clipboard::Auto => Clipboard::Terminal,
        chosen => chosen,
    };
    let existing = match existing.as_deref() {
        None => None,
        Some(_) if !matches!(role, Role::Join(_) | Role::Nearby) => {
            return Err("--existing goes with --join or --nearby".into());
        }
        Some("replace") => Some(Existing::Replace),
        Some("merge") => Some(Existing::Merge),
        Some(other) => {
            return Err(format!("--existing takes replace or merge, not {other:?}"));
        }
    };
    Ok(Config {
        role,
        file,
        listen,
        listen_given,
        name,
        open,
        existing,
        headless,
        new_session,
        journal: !no_journal,
        code,
        announce,
        log,
        settings,
        theme: environment.theme,
        folder: environment.folder,
    })
}

/// Two spellings of one path mostly become equal by this; links do not.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn role(host: bool, join: Option<String>, nearby: bool) -> Result<Role, String> {
    match (host, join, nearby) {
        (true, Some(_), _) => Err("--host and --join exclude each other: \
                                   --host starts a session, --join enters one"
            .into()),
        (true, _, true) => Err("--host and --nearby exclude each other: \
                                --host starts a session, --nearby enters one"
            .into()),
        (_, Some(_), true) => Err("--join and --nearby exclude each other: \
                                   --join names a member, --nearby looks for them"
            .into()),
        (true, None, false) => Ok(Role::Host),
        (false, Some(text), false) => join_address(&text).map(Role::Join),
        (false, None, true) => Ok(Role::Nearby),
        (false, None, false) => Ok(Role::Solo),
    }
}

fn join_address(text: &str) -> Result<Address, String> {
    address::parse(text).map_err(|why| format!("--join {text:?} is no address: {why}"))
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let refusal =
        || format!("--listen {text:?} is no IP:PORT, such as 127.0.0.1:4700 or [::1]:4700");
    text.parse().ok().ok_or_else(refusal)
}

/// A name that is asked for is taken as it is, but for blanks and what cannot be drawn, or refused.
fn name(given: &str) -> Result<Name, String> {
    if given.trim().is_empty() {
        return Err("--name is empty; leave it out to be called by the login name".into());
    }
    let columns = given.width();
    if columns > MAX_NAME_COLUMNS {
        return Err(format!(
            "--name takes at most {MAX_NAME_COLUMNS} columns, this one has {columns}"
        ));
    }
    Ok(Name::new(given))
}

/// The refusal never shows what was given.
fn code(given: Option<OsString>) -> Result<Option<Code>, String> {
    let Some(given) = given else { return Ok(None) };
    let code = given
        .into_string()
        .ok()
        .and_then(|text| Code::new(&text).ok());
    code.map(Some)
        .ok_or_else(|| format!("{CODE_VARIABLE} must have 8 to 128 printable characters"))
}

#[cfg(test)]
mod tests;
