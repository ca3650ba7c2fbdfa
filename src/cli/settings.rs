//! The configuration file: TOML → [`Settings`], with errors that name line and column.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::app::config::{Clipboard, Ground, Settings};

/// The widest tab that is taken, in cells.
const MAX_TAB_WIDTH: usize = 16;

/// What binds a key to nothing.
const NOTHING: &str = "nothing";

/// The file as it is written. What is not in it stays as it is by default.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    mouse: Option<bool>,
    colours: Option<bool>,
    background: Option<Spanned<String>>,
    auto_indent: Option<bool>,
    editorconfig: Option<bool>,
    soft_tabs: Option<bool>,
    tab_width: Option<Spanned<usize>>,
    clipboard: Option<Clipboard>,
    keys: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// A place in a text, in bytes, and what is wrong there.
type Wrong = (Option<usize>, String);

/// The settings in the configuration file: `given`, or, if there is one, the usual one.
///
/// # Errors
/// A sentence that names file, line and column.
pub(super) fn load(given: Option<&Path>, usual: Option<PathBuf>) -> Result<Settings, String> {
    let Some(path) = given.map(Path::to_owned).or(usual) else {
        return Ok(Settings::default());
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&text).map_err(|(at, why)| match at {
            Some(at) => {
                let (line, column) = place(&text, at);
                format!("{}:{line}:{column}: {why}", path.display())
            }
            None => format!("{}: {why}", path.display()),
        }),
        Err(error) if given.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            Ok(Settings::default())
        }
        Err(error) => Err(format!("the settings in {path:?} cannot be read: {error}")),
    }
}

/// Where the configuration file usually is.
pub(super) fn usual_path() -> Option<PathBuf> {
    let folder = |name| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
    Some(config?.join("collab-edit/config.toml"))
}

fn parse(text: &str) -> Result<Settings, Wrong> {
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map(|span| span.start);
        (at, error.message().to_owned())
    })?;
    let mut settings = Settings::default();
    let Settings {
        mouse,
        colours,
        auto_indent,
        editorconfig,
        ..
    } = &mut settings;
    for (setting, given) in [
        (mouse, file.mouse),
        (colours, file.colours),
        (auto_indent, file.auto_indent),
        (editorconfig, file.editorconfig),
    ] {
        *setting = given.unwrap_or(*setting);
    }
    settings.background = match &file.background {
        None => None,
        Some(name) => match name.get_ref().as_str() {
            "dark" => Some(Ground::Dark),
            "light" => Some(Ground::Light),
            "auto" => None,
            _ => {
                return Err(wrong(
                    name,
                    "the background is \"auto\", \"dark\" or \"light\"",
                ));
            }
        },
    };
    settings.soft_tabs = file.soft_tabs;
    settings.clipboard = file.clipboard.unwrap_or_default();
    if let Some(width) = file.tab_width {
        let at = width.span().start;
        let width = NonZeroUsize::new(width.into_inner());
        let fits = width.filter(|width| width.get() <= MAX_TAB_WIDTH);
        let refusal = || (Some(at), format!("a tab width is 1 to {MAX_TAB_WIDTH}"));
        settings.tab_width = Some(fits.ok_or_else(refusal)?);
    }
    for (chord, name) in file.keys {
        let key = chord.get_ref().parse();
        let key = key.map_err(|why| wrong(&chord, why))?;
        let command = match name.get_ref().as_str() {
            NOTHING => None,
            known => Some(known.parse().map_err(|why| wrong(&name, why))?),
        };
        settings.keymap.bind(key, command);
    }
    Ok(settings)
}

fn wrong<T>(value: &Spanned<T>, why: impl std::fmt::Display) -> Wrong {
    (Some(value.span().start), why.to_string())
}

/// Line and column, both from 1, of a byte of `text`.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::action::Command;

    #[test]
    fn what_is_not_said_stays_as_it_is() {
        assert_eq!(parse(""), Ok(Settings::default()));
        let settings = parse("mouse = false\ntab-width = 8\nsoft-tabs = true\n").unwrap();
        let expected = Settings {
            mouse: false,
            tab_width: NonZeroUsize::new(8),
            soft_tabs: Some(true),
            ..Settings::default()
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn keys_are_bound_anew_and_to_nothing() {
        let text = "[keys]\n\"ctrl-d\" = \"delete\"\nctrl-s = \"nothing\"\n";
        let keymap = parse(text).unwrap().keymap;
        let bound = |chord: &str| keymap.command(chord.parse().unwrap());
        assert_eq!(bound("ctrl-d"), Some(Command::Delete));
        assert_eq!(bound("ctrl-s"), None);
        assert_eq!(bound("ctrl-q"), Some(Command::Quit));
    }

    #[test]
    fn errors_name_line_and_column() {
        for (text, at, says) in [
            ("mouse = 1\n", (1, 9), "boolean"),
            ("# ä\n\ncolors = true\n", (3, 1), "unknown field `colors`"),
            ("mouse = \n", (1, 9), "value"),
            ("tab-width = 99", (1, 13), "1 to 16"),
            (
                "[keys]\nctrl-q = \"leave\"\n",
                (2, 10),
                "\"leave\" is not the name",
            ),
            (
                "[keys]\n\"hyper-x\" = \"quit\"\n",
                (2, 1),
                "\"hyper-x\" is not a key",
            ),
            ("[keys]\na = \"quit\"\n", (2, 1), "typed as text"),
            ("clipboard = \"wall\"\n", (1, 13), "unknown variant `wall`"),
        ] {
            let (found, why) = parse(text).unwrap_err();
            assert_eq!(
                found.map(|found| place(text, found)),
                Some(at),
                "{text}: {why}"
            );
            assert!(why.contains(says), "{text}: {why}");
        }
    }

    #[test]
    fn only_the_usual_file_may_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        assert_eq!(load(None, Some(path.clone())), Ok(Settings::default()));
        assert!(load(Some(&path), None).unwrap_err().contains("config.toml"));
        std::fs::write(&path, "mouse = ?").unwrap();
        let error = load(Some(&path), None).unwrap_err();
        assert!(error.contains("config.toml:1:9: "), "{error}");
    }
}
