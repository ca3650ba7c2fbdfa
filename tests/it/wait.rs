//! Waiting for what real processes do: on events, with a deadline, never by sleeping and hoping.
//!
//! Every thread that reads from a process calls [`pulse`] when something came; [`until`] looks at
//! its condition again at each pulse. One condition may therefore span any number of members.
//! What has no event here (files, the end of a process) is looked at every [`TICK`] as well.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long anything may take before the test fails. Generous, because CI machines stall; what has
/// a promised bound is measured by its own test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How often files and processes are looked at.
const TICK: Duration = Duration::from_millis(25);

struct Pulse {
    count: Mutex<u64>,
    changed: Condvar,
}

static PULSE: Pulse = Pulse {
    count: Mutex::new(0),
    changed: Condvar::new(),
};

/// Wakes everyone who waits in [`until`].
pub(crate) fn pulse() {
    *lock(&PULSE.count) += 1;
    PULSE.changed.notify_all();
}

/// Waits until `condition` gives something.
///
/// # Panics
/// After [`PATIENCE`], naming `what`. The members that the test drops while unwinding then print
/// their last screens and events.
#[track_caller]
pub(crate) fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, condition)
}

/// [`until`] with a deadline of its own.
#[track_caller]
pub(crate) fn until_within<T>(
    limit: Duration,
    what: &str,
    condition: impl FnMut() -> Option<T>,
) -> T {
    match try_until(limit, condition) {
        Some(found) => found,
        None => panic!("waited {} s for {what}", limit.as_secs_f32()),
    }
}

/// Waits until `condition` gives something, or `limit` has passed.
pub(crate) fn try_until<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        // Read before looking: a pulse that comes while the condition is looked at is not missed.
        let seen = *lock(&PULSE.count);
        if let Some(found) = condition() {
            return Some(found);
        }
        let left = deadline.checked_duration_since(Instant::now())?;
        let guard = lock(&PULSE.count);
        let _woken = PULSE
            .changed
            .wait_timeout_while(guard, left.min(TICK), |count| *count == seen);
    }
}

/// Locks even if another test's thread panicked meanwhile: what the harness guards is never left
/// half written.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
