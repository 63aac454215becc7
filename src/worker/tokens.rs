//! Tokens per span of time: a window that slides over what a cage's agents have reported.

use std::collections::VecDeque;

/// Into how many parts a window is divided: what was used is forgotten a part at a time, so that the account stays small
/// however often agents report.
const PARTS: u64 = 120;

/// What a cage has used lately.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Parts of the window in which something was used, oldest first: the number of the part, and how many tokens.
    used: VecDeque<(u64, u64)>,
    /// Microseconds in a part.
    part_us: u64,
}

impl Window {
    /// Adds `tokens` used at `now`, and gives how many were within the last `span_us`; both in microseconds, the time of
    /// the monotonic clock. What lies at the edge counts for up to a 120th of the span longer. Another span than before
    /// counts anew from what it finds.
    pub(super) fn add(&mut self, tokens: u64, now: u64, span_us: u64) -> u64 {
        let part_us = (span_us / PARTS).max(1);
        if self.part_us != part_us {
            let all = self.used.iter().map(|(_, tokens)| tokens).sum();
            self.used.clear();
            if all > 0 {
                self.used.push_back((now / part_us, all));
            }
            self.part_us = part_us;
        }
        let part = now / part_us;
        while self.used.front().is_some_and(|(number, _)| number + PARTS < part) {
            self.used.pop_front();
        }
        match self.used.back_mut() {
            _ if tokens == 0 => {}
            Some((number, used)) if *number == part => *used = used.saturating_add(tokens),
            _ => self.used.push_back((part, tokens)),
        }
        self.used.iter().fold(0, |sum, (_, tokens)| sum.saturating_add(*tokens))
    }

    /// In how many microseconds the oldest part of what is counted will be forgotten.
    pub(super) fn relief(&self, now: u64) -> u64 {
        let oldest = self.used.front().map_or(0, |(number, _)| *number);
        ((oldest + PARTS + 1) * self.part_us).saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_counted_lies_between_the_window_and_a_part_more(
            span in 1_000_u64..100_000,
            uses in proptest::collection::vec((0_u64..5_000, 0_u64..100), 1..100),
        ) {
            let mut window = Window::default();
            let (mut now, mut all) = (1 << 40, vec![]);
            for (later, tokens) in uses {
                now += later;
                all.push((now, tokens));
                let counted = window.add(tokens, now, span);
                let within = |span: u64| all.iter().filter(|(at, _)| at + span >= now).map(|(_, n)| n).sum::<u64>();
                let part = span / PARTS;
                prop_assert!(counted >= within(PARTS * part));
                prop_assert!(counted <= within(span + 2 * part));
                prop_assert!(window.used.len() as u64 <= PARTS + 1);
            }
        }
    }
}
