//! Folders of this program outside the files that it edits, after the XDG base directory
//! specification.

use std::env;
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::unix::private_folder;

/// The folder for what outlives a run: `$XDG_STATE_HOME/collab-edit`, else
/// `~/.local/state/collab-edit`. `None` when the environment names neither.
pub fn state_folder() -> Option<PathBuf> {
    state_folder_of(env::var_os("XDG_STATE_HOME"), env::var_os("HOME"))
}

/// The path that a person means by `typed` where no shell reads it: `~/` is the home folder.
pub fn typed_path(typed: &str) -> PathBuf {
    typed_path_of(typed, env::var_os("HOME"))
}

/// Makes `folder` and what is missing above it, for this user alone (mode 0700).
///
/// # Errors
/// When a folder cannot be made.
pub fn make_private(folder: &Path) -> io::Result<()> {
    private_folder(&mut DirBuilder::new())
        .recursive(true)
        .create(folder)
}

/// The most bytes that [`kept`] reads.
const MAX_KEPT_BYTES: u64 = 64 << 10;

/// What was [kept](keep) under `name`; `None` if there is nothing, or it cannot be read.
pub fn kept(name: &str) -> Option<Vec<u8>> {
    let file = std::fs::File::open(state_folder()?.join(name)).ok()?;
    let mut bytes = Vec::new();
    file.take(MAX_KEPT_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Keeps a few bytes under `name` in the state folder, in place of what was there.
///
/// # Errors
/// When there is no state folder, or it cannot be written to.
pub fn keep(name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = state_folder().ok_or_else(|| io::Error::other("no state folder"))?;
    make_private(&folder)?;
    let mut file = tempfile::NamedTempFile::new_in(&folder)?;
    file.write_all(bytes)?;
    file.persist(folder.join(name))?;
    Ok(())
}

fn typed_path_of(typed: &str, home: Option<OsString>) -> PathBuf {
    match (typed.strip_prefix("~/"), home) {
        (Some(below), Some(home)) if !home.is_empty() => Path::new(&home).join(below),
        _ => typed.into(),
    }
}

/// The specification says that relative paths are to be ignored.
fn state_folder_of(xdg_state_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |folder: OsString| Some(PathBuf::from(folder)).filter(|path| path.is_absolute());
    xdg_state_home
        .and_then(absolute)
        .or_else(|| Some(home.and_then(absolute)?.join(".local/state")))
        .map(|folder| folder.join("collab-edit"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_state_folder_follows_the_environment() {
        let rows = [
            (
                Some("/x/state"),
                Some("/home/ann"),
                Some("/x/state/collab-edit"),
            ),
            (
                Some("relative"),
                Some("/home/ann"),
                Some("/home/ann/.local/state/collab-edit"),
            ),
            (
                Some(""),
                Some("/home/ann"),
                Some("/home/ann/.local/state/collab-edit"),
            ),
            (
                None,
                Some("/home/ann"),
                Some("/home/ann/.local/state/collab-edit"),
            ),
            (None, Some(""), None),
            (None, None, None),
        ];
        for (xdg, home, expected) in rows {
            let folder = state_folder_of(xdg.map(OsString::from), home.map(OsString::from));
            assert_eq!(
                folder.as_deref(),
                expected.map(Path::new),
                "{xdg:?} {home:?}"
            );
        }
    }

    #[test]
    fn a_tilde_is_the_home_folder() {
        let home = Some("/home/ann");
        for (typed, home, expected) in [
            ("~/a/b.md", home, "/home/ann/a/b.md"),
            ("a/~/b", home, "a/~/b"),
            ("~b", home, "~b"),
            ("~/a", Some(""), "~/a"),
            ("~/a", None, "~/a"),
        ] {
            let path = typed_path_of(typed, home.map(OsString::from));
            assert_eq!(path, Path::new(expected), "{typed} {home:?}");
        }
    }

    #[test]
    fn private_folders_are_private() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b");
        make_private(&folder).unwrap();
        make_private(&folder).unwrap();
        assert_eq!(
            folder.metadata().unwrap().permissions().mode() & 0o777,
            0o700
        );
    }
}
