//! The clocks, in the one place that reads them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::session::Time;

/// How long what nobody looks at waits: the journal and colours have threads, and a thread that is woken while a key is on its
/// way to a screen can take the processor that is to bring it there.
pub(super) const LATER: Duration = Duration::from_millis(5);

/// Tells the time since it was made.
#[derive(Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Milliseconds since the start. Never goes back.
    pub(super) fn now(&self) -> Time {
        Time(self.0.elapsed().as_millis() as u64)
    }

    /// The moment that `time` names.
    pub(super) fn instant(&self, time: Time) -> Instant {
        self.0 + Duration::from_millis(time.0)
    }
}

/// The wall clock, in whole minutes since 1970. For people's eyes only.
pub(super) fn minutes() -> u32 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    (since.as_secs() / 60) as u32
}
