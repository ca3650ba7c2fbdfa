//! A folder of one test's files, gone when the test ends.

use std::fs;
use std::path::{Path, PathBuf};

/// A temporary folder.
pub(crate) struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder }
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A folder inside, made if it is not there.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.path().join(name);
        fs::create_dir_all(&folder).expect("a folder inside the temporary one");
        folder
    }

    /// A file inside with this content; `name` may contain folders.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let file = self.path().join(name);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).expect("a folder for the file");
        }
        fs::write(&file, content).expect("a file with content");
        file
    }
}

/// What is in a file now, or nothing if it cannot be read (yet).
pub(crate) fn bytes_of(file: &Path) -> Option<Vec<u8>> {
    fs::read(file).ok()
}

/// The text in a file now, or nothing if it cannot be read (yet).
pub(crate) fn text_of(file: &Path) -> Option<String> {
    fs::read_to_string(file).ok()
}
