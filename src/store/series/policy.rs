//! How much is kept, and for how long.

use crate::domain::{Bytes, Span};

const DAY: i64 = 86_400;

/// How much is kept, and for how long. Files go as a whole, so that a little more is kept than is said here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// For how long samples are kept.
    pub raw: Span,
    /// For how long figures of minutes are kept.
    pub minutes: Span,
    /// For how long figures of hours are kept.
    pub hours: Span,
    /// How much everything may take; beyond it the oldest files go first, samples before minutes before hours.
    pub bytes: Bytes,
    /// How many series there may be.
    pub series: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            raw: Span::from_secs(DAY),
            minutes: Span::from_secs(7 * DAY),
            hours: Span::from_secs(366 * DAY),
            bytes: Bytes::from_mib(8 * 1024),
            series: 200_000,
        }
    }
}
