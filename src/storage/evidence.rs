//! Texts that are kept to find out what went wrong.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{disk, paths, unix};

/// How many texts one folder keeps.
const MAX_KEPT: usize = 100;

/// Keeps a text in `folder`, which is made if it is missing, in a new file that only this user can read;
/// gives its path. Of `name`, which may be anything, the letters and digits become part of the file's
/// name.
///
/// # Errors
/// When it cannot be written, or when the folder keeps 100 texts already.
pub fn keep<'a>(
    folder: &Path,
    name: &str,
    text: impl Iterator<Item = &'a str>,
) -> io::Result<PathBuf> {
    paths::make_private(folder)?;
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    for number in 1..=MAX_KEPT {
        let path = folder.join(format!("{number:03}-{name}.txt"));
        let file = unix::private(&mut OpenOptions::new())
            .write(true)
            .create_new(true)
            .open(&path);
        let file = match file {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            file => file?,
        };
        let mut at = 0;
        for chunk in text {
            disk::write_all_at(&file, chunk.as_bytes(), at)?;
            at += chunk.len() as u64;
        }
        disk::sync(&file)?;
        disk::sync_folder(folder)?;
        return Ok(path);
    }
    Err(io::Error::other("too many are kept there already"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn each_text_gets_a_file_of_its_own_until_there_are_too_many() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("diverged");
        for number in 1..=MAX_KEPT {
            let path = keep(&folder, "../Ben é", ["a ", "text"].into_iter()).unwrap();
            assert_eq!(path, folder.join(format!("{number:03}-Ben.txt")));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "a text");
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(keep(&folder, "Ben", ["x"].into_iter()).is_err());
    }
}
