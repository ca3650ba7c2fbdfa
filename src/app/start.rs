//! From a configuration to a running member: files opened, sockets listening, session begun.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};

use super::clock::{Clock, minutes};
use super::config::{Config, ListenOn, Role};
use super::core::Core;
use super::headless::{Headless, Told};
use super::invitation::Invitation;
use super::looks::Looks;
use super::model::{Model, name_of};
use super::nearby::{self, Announcer};
use super::run;
use super::saving::Saving;
use crate::document::format::Format;
use crate::net::{Listen, Net};
use crate::security::{Access, Crypto, Entropy, Grant, Identity, Secret};
use crate::session::limits::HISTORY_OPS;
use crate::session::{self, Input};
use crate::storage::{Loaded, TextFile, rules_for};
use crate::wire::Properties;

/// Runs a member until it leaves; errors go to standard error when the terminal is back.
pub fn start(config: Config) -> ExitCode {
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")
        .and_then(|runtime| {
            let result = runtime.block_on(member(config));
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

async fn member(config: Config) -> Result<()> {
    log_to(&config)?;
    let join = match &config.role {
        Role::Solo | Role::Host => None,
        Role::Join(address) => Some(address.clone()),
        Role::Nearby => match nearby::choose().await? {
            Some(address) => Some(address),
            None => return Ok(()),
        },
    };
    let clock = Clock::start();
    let mut random = Random::new()?;
    let mut crypto = Identity::new(random.secret(), Entropy::new(&random.secret()));
    let opened = config.file.as_deref().map(TextFile::open).transpose()?;
    let mut net = Net::default();
    let ListenOn {
        ips,
        port,
        fallback,
    } = config.listen.clone();
    let listen = Listen {
        ips,
        port,
        next_free: fallback,
    };
    let addrs = match config.role {
        Role::Solo => Vec::new(),
        Role::Host | Role::Join(_) | Role::Nearby => net.listen(&listen).await?,
    };
    let access = match (&join, &config.code) {
        (Some(_), Some(code)) => Some(Access::Code(code.clone())),
        (Some(_), None) => config.open.then_some(Access::Open),
        (_, Some(code)) => Some(Access::Code(code.clone())),
        (_, None) if config.open => Some(Access::Open),
        (_, None) => Some(Access::Code(crypto.make_code())),
    };
    let seed = u64::from_le_bytes(random.take());
    let invitation = Invitation {
        addrs: addrs.clone(),
        always: config.role == Role::Host,
    };
    let warnings = invitation.warnings(config.listen.port);
    let mut core = match &join {
        Some(_) => {
            let config = session::Config {
                name: config.name.clone(),
                crypto: Box::new(crypto),
                inside: None,
                kept: Vec::new(),
                seed,
                history_ops: HISTORY_OPS,
            };
            Core::new(config, clock.now())
        }
        None => {
            let format = opened
                .as_ref()
                .map_or_else(Format::default, |(_, found)| found.format);
            let file_name = opened
                .as_ref()
                .map_or_else(String::new, |(file, _)| name_of(file.path()));
            let properties = Properties {
                file_name,
                format: format.to_bytes(),
            };
            let inside = session::Inside {
                grant: Grant {
                    session: random.take(),
                    secret: random.secret(),
                },
                access: access.clone().unwrap_or(Access::Open),
                stamp: 0,
                properties,
            };
            let config = session::Config {
                name: config.name.clone(),
                crypto: Box::new(crypto),
                inside: Some(inside),
                kept: Vec::new(),
                seed,
                history_ops: HISTORY_OPS,
            };
            let mut core = Core::new(config, clock.now());
            if let Some((_, found)) = &opened {
                core.load(&found.text, minutes());
            }
            core
        }
    };
    if !addrs.is_empty() {
        core.handle(
            Input::Listening {
                addrs: addrs.clone(),
            },
            clock.now(),
        );
    }
    let target = join.map(|address| address.to_string());
    if let Some(target) = target.clone() {
        let access = access.clone();
        core.handle(Input::Join { target, access }, clock.now());
    }
    let announcer = if config.announce {
        Announcer::new(addrs.clone(), u64::from_le_bytes(random.take()))
    } else {
        Announcer::default()
    };
    if config.headless {
        let told = addrs.first().map(|addr| Told::Listening {
            addr: addr.to_string(),
            code: match (&config.role, &access) {
                (Role::Host, Some(Access::Code(code))) if config.code.is_none() => {
                    Some(code.reveal().to_owned())
                }
                _ => None,
            },
        });
        let (file, found) = opened.context("--headless needs a FILE")?;
        if found.open_elsewhere {
            let path = file.path();
            bail!("{path:?} is open in another collab-edit on this machine; name another file");
        }
        let saving = Saving::new(Some(file));
        let member = if target.is_some() {
            Headless::joiner(core, saving, found, config.existing)
        } else {
            Headless::founder(core, saving, found.format, found.exists, clock.now())
        };
        for warning in warnings {
            eprintln!("collab-edit: {warning}");
        }
        run::headless(member, told, net, clock, announcer).await
    } else {
        let mut theme = config.theme;
        if let Some(ground) = config.settings.background {
            theme = theme.on(ground);
        }
        if !config.settings.colours {
            theme = theme.plain();
        }
        let mut model = match target {
            Some(target) => Model::joiner(
                core,
                opened,
                config.existing,
                target,
                invitation,
                config.folder,
            ),
            None => founder(core, opened, invitation, config.folder),
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
        run::screen(model, net, clock, announcer, config.settings, listen).await
    }
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
    use std::os::unix::fs::OpenOptionsExt;
    let Some(path) = &config.log else {
        return Ok(());
    };
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path);
    let file = file.with_context(|| format!("cannot write the log {path:?}"))?;
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
