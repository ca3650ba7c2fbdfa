//! Hears when something stirs where a file is.
//!
//! The folder is watched, not the file: other programs put a new file in the old one's place, or take
//! it away and bring it back. Through a symbolic link, the link's folder and the file's are. What
//! stirred is not told; whoever hears of it looks. But it is told whether a program has begun to write the
//! file and not closed it since, as far as the system says.
//!
//! Where the system does not tell (too many watches, a file system without them), the folder is
//! looked through every `POLL_PERIOD`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

use super::target::resolve;

/// Between two looks through a folder that the system does not watch (a guess).
const POLL_PERIOD: Duration = Duration::from_secs(2);

/// What a watch tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stir {
    /// A program is writing the file: there may be more to come, in the same file.
    Writing,
    /// Whatever has changed, it has changed.
    Done,
}

/// A watch, until it is dropped.
pub struct Watch {
    _watchers: Vec<Box<dyn Watcher + Send>>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}

impl Watch {
    /// Calls `stirred`, in a thread of its own, whenever something may have changed at `path`. `None`
    /// if its folder cannot be watched, because it is not there for instance.
    pub fn new(path: &Path, stirred: impl Fn(Stir) + Clone + Send + 'static) -> Option<Self> {
        let path = std::path::absolute(path).ok()?;
        let mut places = vec![path.clone()];
        places.extend(resolve(&path).ok().filter(|target| *target != path));
        let watchers: Vec<_> = places
            .iter()
            .filter_map(|place| watcher(place, stirred.clone()))
            .collect();
        (!watchers.is_empty()).then_some(Self {
            _watchers: watchers,
        })
    }
}

/// Watches one folder for one name in it.
fn watcher(
    place: &Path,
    stirred: impl Fn(Stir) + Clone + Send + 'static,
) -> Option<Box<dyn Watcher + Send>> {
    let (folder, name) = (place.parent()?.to_owned(), place.file_name()?.to_owned());
    // Only the system tells when a file is closed.
    let handler = |folder: PathBuf, name: OsString, tells_close: bool| {
        let stirred = stirred.clone();
        move |event: notify::Result<Event>| match event {
            Ok(event) if !concerns(&event, &folder, &name) => {}
            Ok(event) if tells_close && is_write(&event) => stirred(Stir::Writing),
            // An error means that something was missed.
            Ok(_) | Err(_) => stirred(Stir::Done),
        }
    };
    let told = RecommendedWatcher::new(
        handler(folder.clone(), name.clone(), cfg!(target_os = "linux")),
        Config::default(),
    );
    if let Ok(mut watcher) = told
        && watcher.watch(&folder, RecursiveMode::NonRecursive).is_ok()
    {
        return Some(Box::new(watcher));
    }
    if !folder.is_dir() {
        return None;
    }
    let config = Config::default().with_poll_interval(POLL_PERIOD);
    let mut watcher = PollWatcher::new(handler(folder.clone(), name, false), config).ok()?;
    watcher.watch(&folder, RecursiveMode::NonRecursive).ok()?;
    Some(Box::new(watcher))
}

/// Whether an event means that a program has written some of a file which it has open.
const fn is_write(event: &Event) -> bool {
    matches!(event.kind, EventKind::Modify(ModifyKind::Data(_)))
}

/// Whether an event may mean another content of the file, or that its folder has gone.
fn concerns(event: &Event, folder: &Path, name: &OsString) -> bool {
    let read = matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write));
    let here = |path: &PathBuf| path.file_name() == Some(name) || path == folder;
    !read && (event.need_rescan() || event.paths.is_empty() || event.paths.iter().any(here))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;
    use std::sync::mpsc;

    /// Waits for a word of the watch, then for silence; the last word.
    fn heard(stirs: &mpsc::Receiver<Stir>) -> Option<Stir> {
        let mut last = stirs.recv_timeout(Duration::from_secs(10)).ok();
        while let Ok(stir) = stirs.recv_timeout(Duration::from_millis(50)) {
            last = Some(stir);
        }
        last
    }

    #[test]
    fn writing_renaming_and_removing_are_heard_and_reading_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("real/notes.md");
        fs::create_dir(folder.path().join("real")).unwrap();
        fs::write(&file, "one").unwrap();
        let link = folder.path().join("link.md");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        for path in [&file, &link] {
            let (send, stirs) = mpsc::channel();
            let _watch = Watch::new(path, move |stir| send.send(stir).unwrap_or_default()).unwrap();
            fs::write(&file, "two").unwrap();
            assert_eq!(heard(&stirs), Some(Stir::Done), "a write");
            let beside = file.with_file_name("other");
            fs::write(&beside, "three").unwrap();
            fs::rename(&beside, &file).unwrap();
            assert_eq!(heard(&stirs), Some(Stir::Done), "a rename");
            fs::remove_file(&file).unwrap();
            assert_eq!(heard(&stirs), Some(Stir::Done), "a removal");
            fs::write(&file, "four").unwrap();
            assert_eq!(heard(&stirs), Some(Stir::Done), "a file that comes back");
            fs::read(&file).unwrap();
            fs::write(&beside, "of no interest").unwrap();
            fs::write(&file, "five").unwrap();
            assert_eq!(heard(&stirs), Some(Stir::Done));
            fs::read(&file).unwrap();
            fs::remove_file(&beside).unwrap();
            assert!(stirs.try_recv().is_err(), "a read, or another file");
        }
        assert!(Watch::new(&folder.path().join("gone/notes.md"), |_| ()).is_none());
    }

    #[test]
    fn a_file_is_being_written_until_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.md");
        fs::write(&file, "one").unwrap();
        let (send, stirs) = mpsc::channel();
        let _watch = Watch::new(&file, move |stir| send.send(stir).unwrap_or_default()).unwrap();
        let mut open = fs::OpenOptions::new().append(true).open(&file).unwrap();
        for _ in 0..2 {
            open.write_all(b"more").unwrap();
            assert_eq!(heard(&stirs), Some(Stir::Writing));
        }
        drop(open);
        assert_eq!(heard(&stirs), Some(Stir::Done));
    }
}
