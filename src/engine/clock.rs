//! The engine's clock: wall time that never runs backwards within one process, or, where the past is looked at, stands.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::domain::Timestamp;

/// Reads the time. The wall clock is read once; from then on the monotonic clock carries it, so that a step of the host's
/// clock moves no lease and no retry.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall_micros: i64,
    /// When it was started; `None` when it stands.
    at: Option<Instant>,
}

impl Clock {
    /// Starts at the host's time, or at `not_before` (the journal's last time) when the host's clock is behind it.
    #[allow(clippy::disallowed_methods)] // This is the one place of the engine that reads the host's clocks.
    pub fn start(not_before: Timestamp) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall_micros = i64::try_from(wall.as_micros()).unwrap_or(i64::MAX).max(not_before.as_micros());
        Self { wall_micros, at: Some(Instant::now()) }
    }

    /// Stands at a time.
    pub const fn standing(at: Timestamp) -> Self {
        Self { wall_micros: at.as_micros(), at: None }
    }

    /// By how much the host's clock is ahead of this one, in microseconds; behind it, less than zero. One that stands does
    /// not mean to keep up.
    #[allow(clippy::disallowed_methods)] // See above.
    pub fn drift_micros(&self) -> i64 {
        if self.at.is_none() {
            return 0;
        }
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(wall.as_micros()).unwrap_or(i64::MAX).saturating_sub(self.now().as_micros())
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        let passed = self.at.map_or(0, |at| i64::try_from(at.elapsed().as_micros()).unwrap_or(i64::MAX));
        Timestamp::from_micros(self.wall_micros.saturating_add(passed))
    }
}
