//! The calls that change what is on disk, in one place, so that tests can make any of them fail.
//!
//! Outside of tests each of these is the call of that name and nothing else. Under test the calls of
//! a thread are counted, and [`faults`] says which one fails, writes less than it was given, or is
//! the last one that the machine makes.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::unix;

/// Writes all of `bytes` at `offset`. After an error some of them may be there.
pub(super) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let most = step(bytes.len())?;
        match unix::write_at(file, &bytes[..most], offset) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes some of `bytes` where the file's cursor is; how many.
pub(super) fn write(mut file: &File, bytes: &[u8]) -> io::Result<usize> {
    let most = step(bytes.len())?;
    file.write(&bytes[..most])
}

/// Stands in front of a call that is made elsewhere.
pub(super) fn before_call() -> io::Result<()> {
    step(0).map(drop)
}

/// Makes a file's content and length durable.
pub(super) fn sync(file: &File) -> io::Result<()> {
    step(0)?;
    #[cfg(test)]
    faults::wait_if_stalled(file);
    file.sync_all()
}

/// Cuts a file, or makes it longer.
pub(super) fn set_len(file: &File, len: u64) -> io::Result<()> {
    step(0)?;
    file.set_len(len)
}

/// Puts one file in another's place.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step(0)?;
    fs::rename(from, to)
}

/// Makes what was renamed, made or removed in `folder` durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    step(0)?;
    File::open(folder)?.sync_all()
}

/// How many of `len` bytes the next call takes.
#[cfg(not(test))]
#[allow(clippy::unnecessary_wraps)]
const fn step(len: usize) -> io::Result<usize> {
    Ok(len)
}

#[cfg(test)]
use faults::step;

/// Faults, for the calls of the thread that asks for them.
#[cfg(test)]
pub(crate) mod faults {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;
    use std::sync::{Condvar, Mutex, PoisonError};

    /// Written while a process is started, read while a lock is tried: between fork and exec the other process has
    /// this one's locks, too.
    pub(crate) static NO_FORK: std::sync::RwLock<()> = std::sync::RwLock::new(());

    /// What happens at a call.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) enum Fault {
        /// It fails with this error of the system (`errno`), and so do those after it.
        Fails(i32),
        /// It fails, once.
        FailsOnce(i32),
        /// It writes half of what it was given; what comes after it is as ever.
        Short,
        /// It writes half of what it was given, and the disk is full from then on.
        Full,
        /// The machine stops in front of it: neither it nor anything after it is done.
        Crash,
        /// The machine stops in the middle of it: half is written.
        CrashWithin,
    }

    /// No space left on the device, and an input/output error.
    pub(crate) const ENOSPC: i32 = 28;
    pub(crate) const EIO: i32 = 5;

    pub(crate) const ALL: [Fault; 8] = [
        Fault::Fails(ENOSPC),
        Fault::Fails(EIO),
        Fault::FailsOnce(ENOSPC),
        Fault::FailsOnce(EIO),
        Fault::Short,
        Fault::Full,
        Fault::Crash,
        Fault::CrashWithin,
    ];

    #[derive(Default)]
    struct Plan {
        calls: usize,
        fault: Option<(usize, Fault)>,
        /// What every call fails with from now on.
        dead: Option<i32>,
    }

    thread_local! {
        static PLAN: RefCell<Plan> = RefCell::default();
    }

    /// From here on, call number `at` of this thread, counted from 0, has this fault.
    pub(crate) fn plan(at: usize, fault: Fault) {
        PLAN.set(Plan {
            calls: 0,
            fault: Some((at, fault)),
            dead: None,
        });
    }

    /// No more faults; how many calls there were, and whether the planned one was among them.
    pub(crate) fn clear() -> (usize, bool) {
        let plan = PLAN.take();
        let met = plan.fault.is_none_or(|(at, _)| plan.calls > at);
        (plan.calls, met)
    }

    pub(super) fn step(len: usize) -> io::Result<usize> {
        PLAN.with_borrow_mut(|plan| {
            if let Some(errno) = plan.dead {
                return Err(io::Error::from_raw_os_error(errno));
            }
            let number = plan.calls;
            plan.calls += 1;
            let Some((_, fault)) = plan.fault.filter(|(at, _)| *at == number) else {
                return Ok(len);
            };
            let half = len / 2;
            let (dead, taken) = match fault {
                Fault::Fails(errno) => (Some(errno), None),
                Fault::FailsOnce(errno) => return Err(io::Error::from_raw_os_error(errno)),
                Fault::Short => (None, Some(half.max(1).min(len))),
                Fault::Full => (Some(ENOSPC), Some(half)),
                Fault::Crash => (Some(EIO), None),
                Fault::CrashWithin => (Some(EIO), Some(half)),
            };
            plan.dead = dead;
            match taken {
                // A call that would have taken nothing must not be made.
                Some(taken) if taken > 0 || len == 0 && dead.is_none() => Ok(taken),
                _ => Err(io::Error::from_raw_os_error(dead.unwrap_or(EIO))),
            }
        })
    }
    /// The files whose syncs do not come back, by device and inode, and how many syncs wait.
    static STALLED: Mutex<BTreeMap<(u64, u64), usize>> = Mutex::new(BTreeMap::new());
    static CHANGED: Condvar = Condvar::new();

    /// A disk that does not answer, for one file, until this is dropped.
    pub(crate) struct Stall((u64, u64));

    impl Stall {
        pub(crate) fn of(file: &Path) -> Self {
            let inode = inode(&File::open(file).unwrap());
            STALLED.lock().unwrap().insert(inode, 0);
            Self(inode)
        }

        /// Waits until a sync waits.
        pub(crate) fn wait_until_met(&self) {
            let stalled = STALLED.lock().unwrap();
            drop(CHANGED.wait_while(stalled, |stalled| stalled[&self.0] == 0));
        }
    }

    impl Drop for Stall {
        fn drop(&mut self) {
            let mut stalled = STALLED.lock().unwrap_or_else(PoisonError::into_inner);
            stalled.remove(&self.0);
            CHANGED.notify_all();
        }
    }

    fn inode(file: &File) -> (u64, u64) {
        let found = file.metadata().unwrap();
        (found.dev(), found.ino())
    }

    pub(super) fn wait_if_stalled(file: &File) {
        let inode = inode(file);
        let mut stalled = STALLED.lock().unwrap();
        if let Some(waiting) = stalled.get_mut(&inode) {
            *waiting += 1;
            CHANGED.notify_all();
            drop(CHANGED.wait_while(stalled, |stalled| stalled.contains_key(&inode)));
        }
    }
}
