//! The watch on the folder of the file that a member keeps, wherever that file is by now.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::saving::Saving;
use crate::storage::{Stir, Watch};

/// See the module.
#[derive(Default)]
pub(super) struct Watching {
    watch: Option<Watch>,
    /// What is watched, and how many times the file was in trouble by then: its folder may have gone
    /// and come back.
    place: Option<(PathBuf, u64)>,
    bell: Arc<Notify>,
    /// Whether a program was writing the file when the bell rang last.
    writing: Arc<AtomicBool>,
}

impl Watching {
    /// Watches where the file is now, if that is not done yet.
    pub(super) fn follow(&mut self, saving: &Saving) {
        let Some(path) = saving.path() else {
            return;
        };
        if let Some((watched, troubles)) = &self.place
            && (watched.as_path(), *troubles) == (path, saving.troubles())
        {
            return;
        }
        let (bell, writing) = (Arc::clone(&self.bell), Arc::clone(&self.writing));
        self.place = Some((path.to_owned(), saving.troubles()));
        self.watch = Watch::new(path, move |stir| {
            writing.store(stir == Stir::Writing, Ordering::Relaxed);
            bell.notify_one();
        });
        if self.watch.is_none() {
            tracing::warn!("the folder of {path:?} cannot be watched");
        }
        // What happened there before it was watched stirs nothing.
        self.bell.notify_one();
    }

    /// Waits until something may have changed there; what stirred last.
    pub(super) async fn stirred(&self) -> Stir {
        self.bell.notified().await;
        match self.writing.load(Ordering::Relaxed) {
            true => Stir::Writing,
            false => Stir::Done,
        }
    }
}
