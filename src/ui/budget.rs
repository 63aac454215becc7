//! How many bytes a second go into frames that no key asked for: a token bucket (Turner, "New directions in
//! communications", 1986).
//!
//! Bytes flow into the bucket at the rate of the budget and a frame takes out what it had. Where a frame takes more than
//! is there, the bucket goes into debt. The next frame waits until the debt is paid and there is as much as the last one
//! took, because it will probably take as much again; but never longer than [`LONGEST`]. So a screen on which a figure
//! changes now and then is shown at once, and one whose every row changes every second is shown every few seconds.

use std::time::{Duration, Instant};

/// The budget where nobody says otherwise, in bytes a second.
pub const USUAL: u32 = 1_100;

/// The largest budget that can be set, in bytes a second. More than that is no budget.
pub const MOST: u32 = 1_000_000;

/// The bucket holds what flows in over so many seconds.
const DEPTH: f64 = 3.0;

/// No frame waits longer for its bytes.
const LONGEST: Duration = Duration::from_secs(10);

/// What may be spent on frames that no key asked for.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Bytes a second; 0 for no budget.
    rate: u32,
    /// Bytes in the bucket at `at`; negative for debt.
    level: f64,
    at: Instant,
    /// The last frame that was paid for: when, and its bytes.
    last: Option<(Instant, f64)>,
}

impl Budget {
    /// A full bucket of so many bytes a second.
    pub fn new(rate: u32, now: Instant) -> Self {
        Self { rate, level: f64::from(rate) * DEPTH, at: now, last: None }
    }

    /// Sets the rate, in bytes a second; 0 for no budget.
    pub fn set_rate(&mut self, rate: u32, now: Instant) {
        if rate != self.rate {
            *self = Self::new(rate, now);
        }
    }

    /// From when on a frame may be sent that no key asked for; `None` when that is now.
    pub fn due(&self) -> Option<Instant> {
        let (sent, bytes) = self.last?;
        let rate = f64::from(self.rate);
        let wanted = bytes.min(rate * DEPTH);
        if self.rate == 0 || self.level >= wanted {
            return None;
        }
        let wait = Duration::from_secs_f64((wanted - self.level) / rate);
        Some((self.at + wait).min(sent + LONGEST))
    }

    /// Takes the bytes of a frame that no key asked for.
    pub fn spend(&mut self, bytes: u64, now: Instant) {
        self.fill(now);
        let bytes = bytes as f64;
        // A debt that cannot be paid within the longest wait would hold up the small frames after the large ones.
        self.level = (self.level - bytes).max(-f64::from(self.rate) * LONGEST.as_secs_f64());
        self.last = Some((now, bytes));
    }

    /// Forgives the debt, because a key was pressed: what it asked for is shown in any case, and the frames after it are
    /// of something else.
    pub fn forgive(&mut self, now: Instant) {
        self.fill(now);
        self.level = self.level.max(0.0);
        self.last = None;
    }

    fn fill(&mut self, now: Instant) {
        let rate = f64::from(self.rate);
        let flowed = now.saturating_duration_since(self.at).as_secs_f64() * rate;
        self.level = (self.level + flowed).min(rate * DEPTH);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Shows a frame of so many bytes as often as changes every second allow, and gives when.
    fn frames(rate: u32, bytes: u64, seconds: u32) -> Vec<u32> {
        let begun = Instant::now();
        let mut budget = Budget::new(rate, begun);
        let mut sent = Vec::new();
        for second in 0..seconds {
            let now = begun + SECOND * second;
            if budget.due().is_none_or(|due| due <= now) {
                budget.spend(bytes, now);
                sent.push(second);
            }
        }
        sent
    }

    #[test]
    fn what_fits_the_budget_is_never_held_back() {
        assert_eq!(frames(1_100, 1_000, 60).len(), 60);
    }

    #[test]
    fn large_frames_keep_to_the_budget_over_time() {
        for bytes in [1_700, 2_900, 6_600, 9_000] {
            let sent = frames(1_100, bytes, 100);
            let rate = sent.len() as u64 * bytes / 100;
            assert!((800..=1_250).contains(&rate), "{bytes} bytes a frame: {rate} B/s");
            let longest = sent.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(longest <= Some(10), "{bytes} bytes a frame: {longest:?} s between two");
        }
    }

    #[test]
    fn nothing_waits_longer_than_ten_seconds_and_small_frames_after_it_no_longer_than_that() {
        let sent = frames(1_100, 500_000, 60);
        assert_eq!(sent, [0, 10, 20, 30, 40, 50]);
        let begun = Instant::now();
        let mut budget = Budget::new(1_100, begun);
        for second in [0, 10, 20] {
            budget.spend(500_000, begun + SECOND * second);
        }
        budget.spend(50, begun + SECOND * 30);
        let due = budget.due().unwrap();
        assert!(due <= begun + SECOND * 40, "the debt of large frames is bounded: {:?}", due - begun);
    }

    #[test]
    fn a_key_forgives_the_debt_and_fills_nothing() {
        let begun = Instant::now();
        let mut budget = Budget::new(1_000, begun);
        budget.spend(8_000, begun);
        assert_eq!(budget.due(), Some(begun + SECOND * 8));
        budget.forgive(begun);
        assert_eq!(budget.due(), None);
        budget.spend(1_000, begun);
        assert_eq!(budget.due(), Some(begun + SECOND * 2), "what was forgiven is no gift");
    }

    #[test]
    fn without_a_budget_nothing_waits_and_a_new_one_begins_full() {
        let begun = Instant::now();
        let mut budget = Budget::new(0, begun);
        budget.spend(100_000, begun);
        assert_eq!(budget.due(), None);
        budget.set_rate(500, begun);
        assert_eq!(budget.due(), None);
        budget.spend(1_500, begun);
        assert!(budget.due().is_some());
    }
}
