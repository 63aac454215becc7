//! How often frames are sent that no key asked for, by what the link to the terminal bears.
//!
//! A terminal that is slow to take what is written, because it is at the far end of a thin line, makes the writer wait. A
//! frame is then the more welcome the rarer it is: the governor makes the pauses between frames longer, so that the
//! line is in use for a small part of the time and keys get through, and shorter again when it flows. Frames that a key
//! asked for are never held back.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

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

/// Measures the link and says how long to wait.
pub struct Governor {
    pause: Duration,
    /// How long writing a frame takes lately, mostly the slower ones.
    blocked: Duration,
    /// What was written when, the oldest first, within [`WINDOW`].
    written: VecDeque<(Instant, u64)>,
    last_frame: Option<Instant>,
    since: Instant,
}

impl Governor {
    /// One that knows nothing of the link yet.
    pub fn new(now: Instant) -> Self {
        Self { pause: PAUSES.0, blocked: Duration::ZERO, written: VecDeque::new(), last_frame: None, since: now }
    }

    /// When a frame is due that shows what has changed since `since`, and that no key asked for.
    pub fn due(&self, since: Instant) -> Instant {
        let gathered = since + GATHER;
        self.last_frame.map_or(gathered, |last| gathered.max(last + self.pause))
    }

    /// Takes note that a frame of so many bytes was written, and how long that took. One without bytes says nothing of the
    /// link.
    pub fn sent(&mut self, bytes: u64, took: Duration, now: Instant) {
        self.last_frame = Some(now);
        if bytes == 0 {
            return;
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
            governor.sent(1_000, MS * *took, begun);
        }
        governor.pause()
    }

    #[test]
    fn a_quick_link_is_never_waited_for_longer_than_the_least() {
        let begun = Instant::now();
        let mut governor = Governor::new(begun);
        assert_eq!(governor.pause(), PAUSES.0);
        assert_eq!(after(&mut governor, begun, &[0, 1, 0, 1]), PAUSES.0);
    }

    #[test]
    fn changes_that_come_together_make_one_frame_and_frames_keep_their_distance() {
        let begun = Instant::now();
        let mut governor = Governor::new(begun);
        assert_eq!(governor.due(begun), begun + GATHER);
        governor.sent(100, Duration::ZERO, begun);
        assert_eq!(governor.due(begun + MS), begun + PAUSES.0, "not so soon after a frame");
        assert_eq!(governor.due(begun + MS * 500), begun + MS * 500 + GATHER);
        governor.sent(100, MS * 100, begun + MS * 1_000);
        assert_eq!(governor.due(begun + MS * 1_001), begun + MS * 2_000, "the slow link is spared");
    }

    #[test]
    fn a_slow_link_is_used_for_a_tenth_of_the_time_and_never_left_alone_for_long() {
        let begun = Instant::now();
        let mut governor = Governor::new(begun);
        assert_eq!(after(&mut governor, begun, &[50]), MS * 500);
        assert_eq!(after(&mut governor, begun, &[10_000]), PAUSES.1);
    }

    #[test]
    fn a_link_that_has_recovered_is_believed_after_some_frames() {
        let begun = Instant::now();
        let mut governor = Governor::new(begun);
        let slow = after(&mut governor, begun, &[150]);
        let first = after(&mut governor, begun, &[0]);
        assert!(first < slow && first > PAUSES.0, "{first:?}");
        assert_eq!(after(&mut governor, begun, &[0; 10]), PAUSES.0);
    }

    #[test]
    fn a_frame_that_changed_nothing_says_nothing() {
        let begun = Instant::now();
        let mut governor = Governor::new(begun);
        after(&mut governor, begun, &[100]);
        governor.sent(0, Duration::ZERO, begun);
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
        let mut governor = Governor::new(begun);
        governor.sent(6_000, MS, begun + MS * 500);
        assert_eq!(governor.bytes_per_second(begun + MS * 500), 6_000, "never over less than a second");
        assert_eq!(governor.bytes_per_second(begun + MS * 3_000), 2_000);
        governor.sent(1_000, MS, begun + MS * 8_000);
        assert_eq!(governor.bytes_per_second(begun + MS * 8_000), 200, "the old ones are forgotten");
        assert_eq!(governor.bytes_per_second(begun + MS * 60_000), 0);
    }
}
