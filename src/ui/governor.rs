//! How often frames are sent that no key asked for, by what the link to the terminal bears.
//!
//! A terminal that is slow to take what is written, because it is at the far end of a thin line, makes the writer wait. A
//! frame is then the more welcome the rarer it is: the governor makes the pauses between frames longer, so that the
//! line is in use for a small part of the time and keys get through, and shorter again when it flows. Frames that a key
//! asked for are never held back.
//!
//! A quick line is spared too: frames that no key asked for keep to a [budget](super::budget) of bytes, so that a screen on
//! which everything changes every second is drawn every few seconds instead. Exempt is what somebody asked to see as it
//! comes: the output of a task that is followed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::budget::Budget;

/// The shortest pause between two frames that no key asked for, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// How long a change that no key asked for waits for others that come with it: a notice of the engine and the answers to
/// what is asked because of it make one frame.
const GATHER: Duration = Duration::from_millis(40);

/// Of the time between two frames at most this part goes into writing: one in ten.
const SHARE: u32 = 10;

/// Writing that takes less tells nothing about the link: the kernel's buffer took it.
const UNFELT: Duration = Duration::from_millis(2);

/// Bytes are counted over so long.
const WINDOW: Duration = Duration::from_secs(5);

/// What is known of the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes a second over the last seconds.
    pub bytes_per_second: u64,
    /// How long writing a frame takes lately.
    pub blocked: Duration,
}

impl Traffic {
    /// For the header. Coarse, so that showing it is no traffic worth showing.
    pub fn text(&self) -> String {
        let rate = match self.bytes_per_second {
            0 => "0 B/s".to_owned(),
            1..1_000 => "<1 kB/s".to_owned(),
            bytes => format!("{} kB/s", bytes / 1_000),
        };
        let frame = match self.blocked.as_millis() {
            0..2 => "<2 ms".to_owned(),
            // Ten steps between a tick of the eye and the longest pause are enough.
            millis => format!("{} ms", if millis < 20 { millis } else { millis / 10 * 10 }),
        };
        format!("{rate}, a frame {frame}")
    }
}

/// Why a frame was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A key was pressed, or what it asked for has come.
    Key,
    /// Something is followed as it comes.
    Followed,
    /// Something has changed by itself.
    Change,
}

/// Measures the link and says how long to wait.
pub struct Governor {
    pause: Duration,
    /// How long writing a frame takes lately, mostly the slower ones.
    blocked: Duration,
    /// What was written when, the oldest first, within [`WINDOW`].
    written: VecDeque<(Instant, u64)>,
    last_frame: Option<Instant>,
    since: Instant,
    budget: Budget,
}

impl Governor {
    /// One that knows nothing of the link yet, with a budget of so many bytes a second, 0 for none.
    pub fn new(now: Instant, budget: u32) -> Self {
        Self {
            pause: PAUSES.0,
            blocked: Duration::ZERO,
            written: VecDeque::new(),
            last_frame: None,
            since: now,
            budget: Budget::new(budget, now),
        }
    }

    /// Sets the budget of frames that no key asked for, in bytes a second; 0 for none.
    pub fn set_budget(&mut self, bytes: u32, now: Instant) {
        self.budget.set_rate(bytes, now);
    }

    /// When a frame is due that shows what has changed since `since`, and that no key asked for. What is `followed` keeps
    /// to no budget.
    pub fn due(&self, since: Instant, followed: bool) -> Instant {
        let gathered = since + GATHER;
        let due = self.last_frame.map_or(gathered, |last| gathered.max(last + self.pause));
        let paid = if followed { None } else { self.budget.due() };
        paid.map_or(due, |paid| paid.max(due))
    }

    /// Takes note that a frame of so many bytes was written, how long that took, and who asked for it. One without bytes
    /// says nothing of the link.
    pub fn sent(&mut self, bytes: u64, took: Duration, cause: Cause, now: Instant) {
        self.last_frame = Some(now);
        if cause == Cause::Key {
            self.budget.forgive(now);
        }
        if bytes == 0 {
            return;
        }
        if cause == Cause::Change {
            self.budget.spend(bytes, now);
        }
        self.written.push_back((now, bytes));
        self.forget(now);
        // Up at once, down by halves: one quick frame after a slow one is no proof, several are.
        self.blocked = if took >= self.blocked { took } else { (self.blocked + took) / 2 };
        let wanted = if self.blocked < UNFELT { PAUSES.0 } else { self.blocked * SHARE };
        self.pause = wanted.clamp(PAUSES.0, PAUSES.1);
    }

    /// Bytes a second over the last seconds.
    pub fn bytes_per_second(&self, now: Instant) -> u64 {
        let from = now.checked_sub(WINDOW).unwrap_or(now);
        let bytes: u64 = self.written.iter().filter(|(at, _)| *at > from).map(|(_, bytes)| bytes).sum();
        let span = now.saturating_duration_since(self.since.max(from)).as_millis().max(1_000);
        u64::try_from(u128::from(bytes) * 1_000 / span).unwrap_or(u64::MAX)
    }

    /// What the header says of the link.
    pub fn traffic(&self, now: Instant) -> Traffic {
        Traffic { bytes_per_second: self.bytes_per_second(now), blocked: self.blocked }
    }

    fn forget(&mut self, now: Instant) {
        while self.written.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW) {
            self.written.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    impl Governor {
        fn pause(&self) -> Duration {
            self.pause
        }
    }

    /// Sends frames that each take so long, and gives the pause after them.
    fn after(governor: &mut Governor, begun: Instant, takes: &[u32]) -> Duration {
        for took in takes {
            governor.sent(1_000, MS * *took, Cause::Change, begun);
        }
        governor.pause()
    }

    #[test]
    fn a_quick_link_is_never_waited_for_longer_than_the_least() {
        let begun = Instant::now();
        let mut governor = Governor::new(begun, 0);
        assert_eq!(governor.pause(), PAUSES.0);
        assert_eq!(after(&mut governor, begun, &[0, 1, 0, 1]), PAUSES.0);
    }

    #[test]
    fn changes_that_come_together_make_one_frame_and_frames_keep_their_distance() {
        let begun = Instant::now();
        let mut governor = Governor::new(begun, 0);
        assert_eq!(governor.due(begun, false), begun + GATHER);
        governor.sent(100, Duration::ZERO, Cause::Change, begun);
        assert_eq!(governor.due(begun + MS, false), begun + PAUSES.0, "not so soon after a frame");
        assert_eq!(governor.due(begun + MS * 500, false), begun + MS * 500 + GATHER);
        governor.sent(100, MS * 100, Cause::Change, begun + MS * 1_000);
        assert_eq!(governor.due(begun + MS * 1_001, false), begun + MS * 2_000, "the slow link is spared");
    }

    #[test]
    fn a_slow_link_is_used_for_a_tenth_of_the_time_and_never_left_alone_for_long() {
        let begun = Instant::now();
        let mut governor = Governor::new(begun, 0);
        assert_eq!(after(&mut governor, begun, &[50]), MS * 500);
        assert_eq!(after(&mut governor, begun, &[10_000]), PAUSES.1);
    }

    #[test]
    fn a_link_that_has_recovered_is_believed_after_some_frames() {
        let begun = Instant::now();
        let mut governor = Governor::new(begun, 0);
        let slow = after(&mut governor, begun, &[150]);
        let first = after(&mut governor, begun, &[0]);
        assert!(first < slow && first > PAUSES.0, "{first:?}");
        assert_eq!(after(&mut governor, begun, &[0; 10]), PAUSES.0);
    }

    #[test]
    fn a_frame_that_changed_nothing_says_nothing() {
        let begun = Instant::now();
        let mut governor = Governor::new(begun, 0);
        after(&mut governor, begun, &[100]);
        governor.sent(0, Duration::ZERO, Cause::Change, begun);
        assert_eq!(governor.pause(), MS * 1_000);
    }

    #[test]
    fn the_header_is_told_coarsely() {
        let text = |bytes_per_second, millis| Traffic { bytes_per_second, blocked: MS * millis }.text();
        assert_eq!(text(0, 0), "0 B/s, a frame <2 ms");
        assert_eq!(text(999, 7), "<1 kB/s, a frame 7 ms");
        assert_eq!(text(12_345, 123), "12 kB/s, a frame 120 ms");
    }

    #[test]
    fn bytes_a_second_are_those_of_the_last_seconds() {
        let begun = Instant::now();
        let mut governor = Governor::new(begun, 0);
        governor.sent(6_000, MS, Cause::Change, begun + MS * 500);
        assert_eq!(governor.bytes_per_second(begun + MS * 500), 6_000, "never over less than a second");
        assert_eq!(governor.bytes_per_second(begun + MS * 3_000), 2_000);
        governor.sent(1_000, MS, Cause::Change, begun + MS * 8_000);
        assert_eq!(governor.bytes_per_second(begun + MS * 8_000), 200, "the old ones are forgotten");
        assert_eq!(governor.bytes_per_second(begun + MS * 60_000), 0);
    }

    #[test]
    fn a_frame_that_nobody_asked_for_waits_for_the_budget_and_others_do_not() {
        let begun = Instant::now();
        let mut governor = Governor::new(begun, 1_000);
        governor.sent(7_000, Duration::ZERO, Cause::Change, begun);
        assert_eq!(governor.due(begun, false), begun + MS * 7_000, "the debt and as much again as there can be");
        assert_eq!(governor.due(begun, true), begun + PAUSES.0, "what is followed is not held back");
        governor.sent(50_000, Duration::ZERO, Cause::Followed, begun);
        governor.sent(0, Duration::ZERO, Cause::Change, begun);
        assert_eq!(governor.due(begun, false), begun + MS * 7_000, "neither took anything");
        governor.sent(50_000, Duration::ZERO, Cause::Key, begun);
        assert_eq!(governor.due(begun, false), begun + PAUSES.0, "a key costs nothing and forgives");
        governor.set_budget(0, begun);
        governor.sent(50_000, Duration::ZERO, Cause::Change, begun);
        assert_eq!(governor.due(begun, false), begun + PAUSES.0, "no budget");
    }
}
