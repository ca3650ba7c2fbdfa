//! From a configuration to a running member: files opened, sockets listening, session begun.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};

use super::clock::{Clock, minutes};
use super::config::{Address, Config, ListenOn, Role};
use super::core::Core;
use super::headless::{Headless, LastWords, Told};
use super::invitation::Invitation;
use super::kept::{Continued, OurPlace, Past};
use super::looks::Looks;
use super::model::{Model, name_of};
use super::nearby::{self, Announcer};
use super::run::{self, End, Outside};
use super::saving::Saving;
use super::shelf::{Shelf, unreadable};
use crate::crdt::Version;
use crate::document::format::Format;
use crate::net::{Listen, Net};
use crate::security::{Access, Code, Crypto, Entropy, Grant, Identity, Secret};
use crate::session::limits::HISTORY_OPS;
use crate::session::{self, Input};
use crate::storage::{self, Loaded, TextFile, rules_for};
use crate::wire::limits::MAX_FILE_NAME_BYTES;
use crate::wire::{MemberId, Properties};

/// Runs a member until it leaves; errors go to standard error when the terminal is back.
pub fn start(config: Config) -> ExitCode {
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")
        .and_then(|runtime| {
            let headless = config.headless;
            let result = runtime.block_on(member(config));
            if let Err(why) = &result
                && headless
                && !why.is::<LastWords>()
            {
                let message = sentence(why);
                // Whoever does not listen is told on standard error.
                let _unheard = run::tell(vec![Told::Error { message }]);
            }
            // A read of standard input may never return.
            runtime.shutdown_background();
            result
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("collab-edit: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes, without those that the error's own words name already.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |mut said, cause| {
        let cause = cause.to_string();
        if !said.contains(&cause) {
            said += if said.is_empty() { "" } else { ": " };
            said += &cause;
        }
        said
    })
}

async fn member(mut config: Config) -> Result<()> {
    log_to(&config)?;
    if config.role == Role::Nearby {
        match nearby::choose().await? {
            Some(address) => config.role = Role::Join(address),
            None => return Ok(()),
        }
    }
    while run_once(&config).await? == End::Afresh {
        config.new_session = true;
    }
    Ok(())
}

/// The file that a session was saved to which is taken up again without naming one; why it cannot be opened.
fn file_of(past: Option<&Past>) -> (Option<(TextFile, Loaded)>, Option<String>) {
    let file = past.and_then(|past| past.note.place.file.as_deref());
    match file.map(|file| TextFile::open(Path::new(file))).transpose() {
        Ok(opened) => (opened, None),
        Err(why) => (None, Some(why.to_string())),
    }
}

/// One session, from its begin or its continuation to the end.
async fn run_once(config: &Config) -> Result<End> {
    let clock = Clock::start();
    let mut random = Random::new()?;
    let target = match &config.role {
        Role::Join(address) => Some(address.to_string()),
        Role::Solo | Role::Host | Role::Nearby => None,
    };
    let opened = config.file.as_deref().map(TextFile::open).transpose()?;
    let mut shelf = Shelf::open(config, target.as_deref())?;
    let past = shelf.past.take();
    let (opened, unopened) = match opened {
        None => file_of(past.as_ref()),
        opened => (opened, None),
    };
    let secret = past
        .as_ref()
        .and_then(Past::secret)
        .unwrap_or_else(|| random.secret());
    let mut crypto = Identity::new(secret, Entropy::new(&random.secret()));
    let mut net = Net::default();
    let kept_on = listen_on(config, past.as_ref());
    let ListenOn {
        ips,
        port,
        fallback,
    } = kept_on.clone().unwrap_or_else(|| config.listen.clone());
    let listen = Listen {
        ips,
        port,
        next_free: fallback,
    };
    let addrs = match kept_on {
        Some(_) => net.listen(&listen).await?,
        None => Vec::new(),
    };
    if let (Role::Join(address), None) = (&config.role, &past)
        && is_own(address, &addrs, &listen.ips)
    {
        let target = address.to_string();
        return Err(session::Refused::Myself { target }.into());
    }
    let place = OurPlace {
        made_code: config.code.is_none()
            && past
                .as_ref()
                .map_or_else(|| target.is_none(), |past| past.note.place.made_code),
        port: addrs.first().map_or(0, SocketAddr::port),
        ips: listen.ips.clone(),
        file: (opened.as_ref()).and_then(|(file, _)| OurPlace::file(file.path())),
        given: (config.code.as_ref().map(Code::digest))
            .or_else(|| past.as_ref().and_then(|past| past.note.place.given)),
    };
    let access = match (&past, &config.code) {
        (Some(past), code) => Some(past.access(code.as_ref(), target.is_some())),
        (None, Some(code)) => Some(Access::Code(code.clone())),
        (None, None) if config.open => Some(Access::Open),
        (None, None) if target.is_some() => None,
        (None, None) => Some(Access::Code(crypto.make_code())),
    };
    let invitation = Invitation {
        addrs: addrs.clone(),
        always: config.role == Role::Host,
    };
    let mut warnings = invitation.warnings(listen.port);
    warnings.extend(shelf.warning.take());
    warnings.extend(unopened);
    if let (Some(past), Some(access)) = (&past, &access) {
        warnings.extend(about_the_code(config, past, access).map(str::to_owned));
    }
    let member = MemberId(crypto.member().id());
    let session = session::Config {
        name: config.name.clone(),
        crypto: Box::new(crypto),
        inside: None,
        kept: Vec::new(),
        seed: u64::from_le_bytes(random.take()),
        history_ops: HISTORY_OPS,
    };
    let (mut core, continued) = match (past, &target) {
        (Some(past), _) => {
            let mut core = Core::resumed(session, &past, access.clone(), clock.now())
                .map_err(|why| unreadable(&why))?;
            let document = core.document();
            let continued = Continued::of(&past, document, member, opened.as_ref());
            let handed = document.log().version().clone();
            core.keep(shelf.keeper(handed), place.clone(), true);
            core.remember_disk(past.disk);
            (core, Some(continued))
        }
        (None, Some(_)) => {
            let mut core = Core::new(session, clock.now());
            core.keep(shelf.keeper(Version::new()), place.clone(), false);
            (core, None)
        }
        (None, None) => {
            let (file_name, format) = opened
                .as_ref()
                .map(|(file, found)| (name_of(file.path()), found.format))
                .unwrap_or_default();
            let inside = session::Inside {
                grant: Grant {
                    session: random.take(),
                    secret: random.secret(),
                },
                access: access.clone().unwrap_or(Access::Open),
                stamp: 0,
                properties: Properties {
                    file_name: told_name(file_name),
                    format: format.to_bytes(),
                },
            };
            let config = session::Config {
                inside: Some(inside),
                ..session
            };
            let mut core = Core::new(config, clock.now());
            core.keep(shelf.keeper(Version::new()), place.clone(), true);
            if let Some((_, found)) = &opened {
                core.load(&found.text, minutes());
            }
            (core, None)
        }
    };
    if !addrs.is_empty() {
        let addrs = addrs.clone();
        core.handle(Input::Listening { addrs }, clock.now());
    }
    if let Some(target) = target.clone() {
        let access = access.clone();
        core.handle(Input::Join { target, access }, clock.now());
    }
    let announcer = if config.announce {
        Announcer::new(addrs.clone(), u64::from_le_bytes(random.take()))
    } else {
        Announcer::default()
    };
    let outside = Outside::new(net, clock, announcer, shelf);
    if config.headless {
        let code = match &access {
            Some(Access::Code(code)) if place.made_code => Some(code.reveal().to_owned()),
            _ => None,
        };
        let told = addrs.first().map(|addr| Told::Listening {
            addr: addr.to_string(),
            code,
        });
        let (file, found) = opened.context("--headless needs a FILE")?;
        if found.open_elsewhere {
            let path = file.path();
            bail!("{path:?} is open in another collab-edit on this machine; name another file");
        }
        let saving = Saving::new(Some(file));
        let existing = config.existing;
        let member = match (continued, target) {
            (Some(continued), _) => {
                Headless::continued(core, saving, continued, existing, clock.now())
            }
            (None, Some(_)) => Headless::joiner(core, saving, found, existing),
            (None, None) => {
                Headless::founder(core, saving, found.format, found.exists, clock.now())
            }
        };
        for warning in warnings {
            eprintln!("collab-edit: {warning}");
        }
        run::headless(member, told, outside).await
    } else {
        let mut theme = config.theme;
        if let Some(ground) = config.settings.background {
            theme = theme.on(ground);
        }
        if !config.settings.colours {
            theme = theme.plain();
        }
        let folder = config.folder.clone();
        let existing = config.existing;
        let mut model = match (continued, target) {
            (Some(continued), target) => {
                let file = opened.map(|(file, _)| file);
                let mut model = Model::continued(
                    core,
                    file,
                    continued,
                    target,
                    invitation,
                    folder,
                    &config.settings.keymap,
                );
                model.is_told_of_existing(existing, clock.now());
                model
            }
            (None, Some(target)) => {
                Model::joiner(core, opened, existing, target, invitation, folder)
            }
            (None, None) => founder(core, opened, invitation, folder),
        };
        model.looks = Looks::load();
        let path = config
            .file
            .as_deref()
            .filter(|_| config.settings.editorconfig);
        let rules = path.map(rules_for).unwrap_or_default();
        model.configure(config.settings.clone(), rules);
        model.theme = theme;
        model.say_how_to_join();
        for warning in warnings {
            model.warn(&warning);
        }
        model.say_where_help_is();
        run::screen(model, config.settings.clone(), listen, outside).await
    }
}

/// Where to accept members, if anywhere: a session that is continued is found where it was.
fn listen_on(config: &Config, past: Option<&Past>) -> Option<ListenOn> {
    let before = past
        .map(|past| &past.note.place)
        .filter(|place| place.port != 0);
    match (before, &config.role) {
        (Some(place), _) if !config.listen_given || config.listen.port == 0 => Some(ListenOn {
            ips: match config.listen_given {
                true => config.listen.ips.clone(),
                false => place.ips.clone(),
            },
            port: place.port,
            fallback: true,
        }),
        (_, Role::Solo) => None,
        (_, Role::Host | Role::Join(_) | Role::Nearby) => Some(config.listen.clone()),
    }
}

/// Whether an address that is to be joined is one of `addrs`, at which this program itself accepts members, on all
/// of `ips`.
fn is_own(address: &Address, addrs: &[SocketAddr], ips: &[IpAddr]) -> bool {
    let ip = match &*address.host {
        "localhost" => Ok(IpAddr::from(Ipv4Addr::LOCALHOST)),
        host => host.parse(),
    };
    ip.is_ok_and(|ip| {
        let everywhere = ip.is_loopback() && ips.iter().any(IpAddr::is_unspecified);
        let is_at = |own: &SocketAddr| own.port() == address.port && (own.ip() == ip || everywhere);
        addrs.iter().any(is_at)
    })
}

/// What a host is told of the code of a session that goes on.
fn about_the_code(config: &Config, past: &Past, access: &Access) -> Option<&'static str> {
    match (&past.keys.access, access) {
        (before, now) if before != now => {
            Some("The session code is the one in COLLAB_EDIT_CODE from now on")
        }
        (Access::Code(_), _) if config.role == Role::Host && config.open => {
            Some("The session goes on with its code; --new-session starts one that is open")
        }
        _ => None,
    }
}

/// A file's name as the others are told it: what is shown for bytes that are no text may be too long.
fn told_name(mut name: String) -> String {
    name.truncate(name.floor_char_boundary(MAX_FILE_NAME_BYTES));
    name
}

fn founder(
    core: Core,
    opened: Option<(TextFile, Loaded)>,
    invitation: Invitation,
    folder: PathBuf,
) -> Model {
    let (file, found) = opened.unzip();
    let format = found
        .as_ref()
        .map_or_else(Format::default, |found| found.format);
    let mut model = Model::founder(core, Saving::new(file), format, invitation, folder);
    if found.is_some_and(|found| found.open_elsewhere) {
        model.say_that_it_is_open_elsewhere();
    }
    model
}

/// Sets up the log, if there is to be one: mode 0600, without text and without secrets.
fn log_to(config: &Config) -> Result<()> {
    let Some(path) = &config.log else {
        return Ok(());
    };
    let file = storage::private(&mut std::fs::OpenOptions::new())
        .create(true)
        .append(true)
        .open(path);
    let file = file
        .and_then(|file| {
            // One that was there before may have been readable by others. A device stays as it is.
            if file.metadata()?.is_file() {
                file.set_permissions(storage::private_permissions())?;
            }
            Ok(file)
        })
        .with_context(|| format!("cannot write the log {path:?}"))?;
    tracing_subscriber::fmt()
        .with_writer(std::sync::Mutex::new(file))
        .with_ansi(false)
        .with_max_level(tracing::Level::DEBUG)
        .try_init()
        .map_err(|error| anyhow!("cannot write the log {path:?}: {error}"))
}

/// Bytes from the operating system.
struct Random;

impl Random {
    fn new() -> Result<Self> {
        getrandom::u64().context("the system gives no random numbers")?;
        Ok(Self)
    }

    fn secret(&mut self) -> Secret {
        Secret::new(self.take())
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).expect("it gave some before");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::LoadError;

    #[test]
    fn an_address_of_ones_own_is_known() {
        let (here, lan, all) = ("127.0.0.1", "192.168.1.5", "0.0.0.0");
        for (host, port, at, on, own) in [
            (here, 4700, here, here, true),
            ("localhost", 4700, here, here, true),
            (here, 4701, here, here, false),
            (lan, 4700, here, here, false),
            (lan, 4700, lan, all, true),
            (here, 4700, lan, all, true),
            (here, 4700, lan, lan, false),
            ("::1", 4700, lan, "::", true),
            ("elsewhere.example", 4700, lan, all, false),
        ] {
            let address = Address {
                host: host.to_owned(),
                port,
            };
            let addrs = [SocketAddr::new(at.parse().unwrap(), 4700)];
            let found = is_own(&address, &addrs, &[on.parse().unwrap()]);
            assert_eq!(found, own, "{address}, at {at} on {on}");
        }
    }

    #[test]
    fn an_error_is_one_sentence_that_says_nothing_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("binary");
        std::fs::write(&path, b"a\0b").unwrap();
        let error: LoadError = TextFile::open(&path).unwrap_err();
        let said = sentence(&error.into());
        assert_eq!(said.matches("it is a binary file").count(), 1, "{said}");

        let refused = std::io::Error::other("disk full");
        let error = anyhow::Error::from(refused).context("cannot write the log");
        assert_eq!(sentence(&error), "cannot write the log: disk full");
    }
}
