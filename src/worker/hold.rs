//! When reports of ends wait for more of them.
//!
//! Each report that goes out alone wakes the engine's threads and has the engine sync its disk, for one execution. Where
//! many short executions run at a time, the next end is never far: a few reports then share that work.

use super::run::NEVER;

/// A report waits only while so many others run for each that waits: then most of the slots stay at work meanwhile.
const RUNNING_PER_END: usize = 3;
/// The longest that a report waits, in microseconds.
const LONGEST_US: u64 = 2_000;

/// How long the ends that have not been sent may wait.
#[derive(Debug)]
pub(super) struct Hold {
    until: u64,
}

impl Hold {
    /// Nothing waits.
    pub(super) const NONE: Self = Self { until: NEVER };

    /// Whether `ends` reports that are ready to go had better wait at `now` of the monotonic clock, while `running`
    /// executions are under way.
    pub(super) fn wait(&mut self, ends: usize, running: usize, now: u64) -> bool {
        if ends == 0 || running < ends * RUNNING_PER_END {
            self.until = NEVER;
            return false;
        }
        if self.until == NEVER {
            self.until = now + LONGEST_US;
        }
        if now < self.until {
            return true;
        }
        self.until = NEVER;
        false
    }

    /// When the wait is over at the latest; `NEVER` while nothing waits.
    pub(super) fn until(&self) -> u64 {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_waits_while_most_others_run_and_never_long() {
        let mut hold = Hold::NONE;
        assert!(!hold.wait(0, 100, 5), "nothing to send");
        assert!(!hold.wait(1, 0, 5), "the only one");
        assert!(!hold.wait(1, 2, 5), "one of three");
        assert_eq!(hold.until(), NEVER);
        assert!(hold.wait(1, 3, 5), "one of four");
        assert_eq!(hold.until(), 5 + LONGEST_US);
        assert!(hold.wait(2, 6, 5 + LONGEST_US - 1), "the first still counts");
        assert_eq!(hold.until(), 5 + LONGEST_US);
        assert!(!hold.wait(2, 100, 5 + LONGEST_US), "long enough");
        assert!(hold.wait(1, 100, 10_000), "the next waits anew");
        assert!(!hold.wait(4, 9, 10_001), "too few run");
        assert_eq!(hold.until(), NEVER);
    }
}
