//! The platform's clock: the system's, moved by an offset that tests and `--dev` may set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Timestamp;

/// Tells the time. Clones share one offset.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset_millis: Arc<AtomicI64>,
}

impl Clock {
    /// The system's clock, not moved.
    pub fn system() -> Self {
        Clock::default()
    }

    /// The platform's idea of now.
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    pub fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let real = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(real.saturating_add(self.offset_millis.load(Ordering::Relaxed)))
    }

    /// Moves the clock forward, for tests of expiry and schedules.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_millis.fetch_add(millis, Ordering::Relaxed);
    }

    /// How far the clock is ahead of the system's.
    pub fn offset(&self) -> Duration {
        Duration::from_millis(self.offset_millis.load(Ordering::Relaxed).max(0).unsigned_abs())
    }

    /// Puts the clock back on the system's time.
    pub fn reset(&self) {
        self.offset_millis.store(0, Ordering::Relaxed);
    }
}
