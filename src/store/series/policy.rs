//! How much is kept, and for how long.

use crate::domain::{Bytes, Refusal, Span};

const DAY: i64 = 86_400;

/// The shortest and the longest that samples may be kept, and the longest for figures of minutes and of hours.
const RAW: (Span, Span) = (Span::from_secs(3600), Span::from_secs(90 * DAY));
const COARSER_MOST: Span = Span::from_secs(3650 * DAY);
/// The least that everything may take: less would be gone before a day is over.
const BYTES_LEAST: Bytes = Bytes::from_mib(64);
/// The fewest and the most series that there may be. Fewer than a single machine has would keep nothing of the others.
const SERIES: (u32, u32) = (1_000, 10_000_000);

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

impl Policy {
    /// Refuses what makes no sense: what is finer may not be kept longer than what is made of it.
    pub fn check(&self) -> Result<(), Refusal> {
        let span = |name: &str, value: Span, least: Span, most: Span| {
            let allowed = format!("{least} to {most}");
            if (least..=most).contains(&value) { Ok(()) } else { Err(Refusal::invalid(name, value, allowed)) }
        };
        span("metrics.raw", self.raw, RAW.0, RAW.1)?;
        span("metrics.minutes", self.minutes, self.raw, COARSER_MOST)
            .map_err(|refusal| refusal.hint("Figures of minutes are kept as long as samples at least"))?;
        span("metrics.hours", self.hours, self.minutes, COARSER_MOST)
            .map_err(|refusal| refusal.hint("Figures of hours are kept as long as those of minutes at least"))?;
        if self.bytes < BYTES_LEAST {
            return Err(Refusal::invalid("metrics.bytes", self.bytes, format!("{BYTES_LEAST} at least")));
        }
        if !(SERIES.0..=SERIES.1).contains(&self.series) {
            return Err(Refusal::invalid("metrics.series", self.series, format!("{} to {}", SERIES.0, SERIES.1)));
        }
        Ok(())
    }
}
