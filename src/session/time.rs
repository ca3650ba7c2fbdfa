//! Time as an argument: milliseconds since the process started.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment, in milliseconds since the process started. Never goes back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub u64);

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later.as_millis() as u64))
    }
}

impl Sub for Time {
    type Output = Duration;

    /// How long ago `earlier` was; nothing if it is later.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}
