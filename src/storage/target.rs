//! From the path that a user names to the file that is meant.
//!
//! Deliberately not here: opening it.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// As many symbolic links as Linux follows in one path.
const MAX_LINKS: usize = 40;

/// Why a path names no file that could be loaded or saved.
#[derive(Debug, Error)]
pub enum PathError {
    /// The folder that the file would be in is missing.
    #[error("the folder {folder:?} does not exist; create it first or choose another name")]
    NoFolder {
        /// The missing folder.
        folder: PathBuf,
    },
    /// A folder.
    #[error("{path:?} is a folder; name a file in it")]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// A pipe, socket or device.
    #[error("{path:?} is a pipe, socket or device; only ordinary files can be edited")]
    Special {
        /// What is no file.
        path: PathBuf,
    },
    /// Symbolic links without an end.
    #[error("{path:?} is a symbolic link that leads in circles; name the file itself")]
    Links {
        /// Where the chain of links starts.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{path:?} cannot be opened: {source}; check its name and permissions")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl PathError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// The file at the end of all symbolic links. It need not exist, its folder must.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, PathError> {
    let mut at = path.to_owned();
    for _ in 0..=MAX_LINKS {
        match fs::read_link(&at) {
            Ok(to) => at = at.parent().unwrap_or(&at).join(to),
            // It is there but no link, or it is not there.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                return in_real_folder(&at);
            }
            Err(error) if error.kind() == ErrorKind::NotADirectory => return in_real_folder(&at),
            Err(error) => return Err(PathError::io(path)(error)),
        }
    }
    Err(PathError::Links {
        path: path.to_owned(),
    })
}

fn in_real_folder(path: &Path) -> Result<PathBuf, PathError> {
    // A name with a slash behind it is a folder's.
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") && !path.is_dir() {
        return Err(PathError::NoFolder {
            folder: path.to_owned(),
        });
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(PathError::Folder {
            path: path.to_owned(),
        });
    };
    match folder.canonicalize() {
        Ok(real) if real.is_dir() => Ok(real.join(name)),
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(PathError::io(path)(error))
        }
        Ok(_) | Err(_) => Err(PathError::NoFolder {
            folder: folder.to_owned(),
        }),
    }
}

/// What is known of the file at `target`, a resolved path; `None` when nothing is there.
pub(super) fn ordinary(target: &Path) -> Result<Option<Metadata>, PathError> {
    match target.symlink_metadata() {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(found) if found.is_dir() => Err(PathError::Folder {
            path: target.to_owned(),
        }),
        Ok(_) => Err(PathError::Special {
            path: target.to_owned(),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PathError::io(target)(error)),
    }
}

/// A name beside `path` that nothing has yet: `notes-2.md` for `notes.md`.
pub fn free_name(path: &Path) -> PathBuf {
    let numbered = |number: u64| {
        let mut name = OsString::from(path.file_stem().unwrap_or_default());
        name.push(format!("-{number}"));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    };
    // Any error ends the search, so that an unreadable folder does not make it endless.
    let free = (2..)
        .map(numbered)
        .find(|name| name.symlink_metadata().is_err());
    free.unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_to_the_file_or_the_place_for_it() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/file"), "x").unwrap();
        symlink("../file", root.join("a/b/relative")).unwrap();
        symlink(root.join("a/b/relative"), root.join("chain")).unwrap();
        symlink("a/missing", root.join("dangling")).unwrap();
        symlink("a/b", root.join("folder")).unwrap();

        assert_eq!(resolve(&root.join("a/file")).unwrap(), root.join("a/file"));
        assert_eq!(resolve(&root.join("chain")).unwrap(), root.join("a/file"));
        assert_eq!(
            resolve(&root.join("dangling")).unwrap(),
            root.join("a/missing")
        );
        assert_eq!(
            resolve(&root.join("folder/relative")).unwrap(),
            root.join("a/file")
        );
        assert_eq!(
            resolve(&root.join("folder/new")).unwrap(),
            root.join("a/b/new")
        );
        assert_eq!(
            resolve(&root.join("a/b/../new")).unwrap(),
            root.join("a/new")
        );
    }

    #[test]
    fn a_slash_behind_a_name_means_a_folder() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "x").unwrap();
        for name in ["missing/", "file/"] {
            let found = resolve(&root.path().join(name));
            assert!(matches!(found, Err(PathError::NoFolder { .. })), "{name}");
        }
    }

    #[test]
    fn what_leads_nowhere_says_so() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        symlink("two", root.join("one")).unwrap();
        symlink("one", root.join("two")).unwrap();
        symlink("missing/file", root.join("far")).unwrap();
        fs::write(root.join("file"), "x").unwrap();

        assert!(matches!(
            resolve(&root.join("one")),
            Err(PathError::Links { .. })
        ));
        assert!(matches!(
            resolve(&root.join("far")),
            Err(PathError::NoFolder { .. })
        ));
        assert!(matches!(
            resolve(&root.join("no/file")),
            Err(PathError::NoFolder { .. })
        ));
        assert!(matches!(
            resolve(&root.join("file/x")),
            Err(PathError::NoFolder { .. })
        ));
        assert!(matches!(
            resolve(&root.join("..")),
            Err(PathError::Folder { .. })
        ));
        assert!(matches!(
            resolve(Path::new("/")),
            Err(PathError::Folder { .. })
        ));
        assert!(matches!(
            resolve(&root.join("x".repeat(300))),
            Err(PathError::Io { .. })
        ));
    }

    #[test]
    fn hostile_names_are_escaped() {
        let path = PathBuf::from("/tmp/a\u{1b}[31m\n\u{202e}b");
        let shown = PathError::Folder { path }.to_string();
        assert_eq!(
            shown,
            r#""/tmp/a\u{1b}[31m\n\u{202e}b" is a folder; name a file in it"#
        );
    }

    #[test]
    fn free_names_count_up() {
        let root = tempfile::tempdir().unwrap();
        let beside = |name: &str| root.path().join(name);
        assert_eq!(free_name(&beside("notes.md")), beside("notes-2.md"));
        fs::write(beside("notes-2.md"), "").unwrap();
        symlink("nowhere", beside("notes-3.md")).unwrap();
        assert_eq!(free_name(&beside("notes.md")), beside("notes-4.md"));
        assert_eq!(free_name(&beside("notes")), beside("notes-2"));
        assert_eq!(free_name(&beside(".hidden")), beside(".hidden-2"));
        assert_eq!(free_name(&beside("a.tar.gz")), beside("a.tar-2.gz"));
    }
}
