//! Looking for words in the part of an artifact that is not here: stretch by stretch, forwards or backwards, round the end.

use std::collections::VecDeque;
use std::ops::Range;

use crate::ui::document::{self, Format, PART, Room};
use crate::ui::pager::TextLine;
use crate::ui::request::Ticket;

/// Bytes that are looked through at a time.
const STRETCH: u64 = 256 * 1024;

/// What is still to be looked through.
pub struct Hunt {
    forward: bool,
    /// Spans of bytes, in the order in which they are looked through; each begins and ends where a line does.
    left: VecDeque<Range<u64>>,
    /// How many bytes there were at the beginning.
    all: u64,
    /// The stretch that is on its way.
    pub asked: Option<(Ticket, Range<u64>)>,
}

impl Hunt {
    /// Looks through everything of an artifact of `size` bytes but the span that is here.
    pub fn new(here: &Range<u64>, size: u64, forward: bool) -> Self {
        let (before, after) = (0..here.start, here.end..size.max(here.end));
        let left = if forward { [after, before] } else { [before, after] };
        let left: VecDeque<_> = left.into_iter().filter(|span| !span.is_empty()).collect();
        let all = left.iter().map(|span| span.end - span.start).sum();
        Self { forward, left, all, asked: None }
    }

    /// The stretch to fetch next; `None` when everything was looked through.
    pub fn wanted(&self) -> Option<Range<u64>> {
        let span = self.left.front()?;
        Some(if self.forward {
            span.start..span.end.min(span.start + STRETCH)
        } else {
            span.start.max(span.end.saturating_sub(STRETCH))..span.end
        })
    }

    /// How much was looked through, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "shown as a percentage")]
    pub fn share(&self) -> f64 {
        let left: u64 = self.left.iter().map(|span| span.end - span.start).sum();
        if self.all == 0 { 1.0 } else { (self.all - left) as f64 / self.all as f64 }
    }

    /// Looks through a stretch that came; gives the place of the nearest line that matches, in bytes.
    pub fn look(
        &mut self,
        stretch: &Range<u64>,
        bytes: &[u8],
        (format, room): (Format, Room),
        matches: impl Fn(&TextLine) -> bool,
    ) -> Option<u64> {
        let span = self.left.front_mut()?;
        if bytes.is_empty() {
            // It is shorter than was said.
            self.left.pop_front();
            return None;
        }
        // A line that is cut by the stretch's end is left for the next one. One that is longer than all of it is taken in
        // parts, as it is shown.
        let (mut from, mut to) = (0, bytes.len());
        if self.forward && stretch.end < span.end {
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map(|place| place + 1);
            to = whole.unwrap_or_else(|| to.saturating_sub(PART).max(1));
        } else if !self.forward && stretch.start > span.start {
            let whole = bytes.iter().position(|byte| *byte == b'\n').map(|place| place + 1);
            from = whole.filter(|place| *place < to).unwrap_or_else(|| PART.min(to - 1));
        }
        if self.forward {
            span.start = stretch.start + to as u64;
        } else {
            span.end = stretch.start + from as u64;
        }
        if span.is_empty() {
            self.left.pop_front();
        }
        let looked_at = &bytes[from..to];
        let lines = document::lines(format, &String::from_utf8_lossy(looked_at), None, room);
        let mut places = lines.iter().enumerate().filter(|(_, line)| matches(line)).map(|(place, _)| place);
        let place = if self.forward { places.next() } else { places.next_back() }?;
        Some(stretch.start + (from + byte_of(looked_at, place)) as u64)
    }
}

/// Where a part of a line begins, of all the parts that lines are cut into.
fn byte_of(bytes: &[u8], mut part: usize) -> usize {
    let mut start = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let parts = line.strip_suffix(b"\n").unwrap_or(line).len().div_ceil(PART).max(1);
        if part < parts {
            return start + part * PART;
        }
        part -= parts;
        start += line.len();
    }
    start.min(bytes.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where `words` are found from the span that is here on, one after the other, at most `most` of them.
    fn hunt(all: &[u8], here: Range<u64>, forward: bool, words: &str, most: usize) -> Vec<u64> {
        let mut hunt = Hunt::new(&here, all.len() as u64, forward);
        let room = Room { columns: 80, ascii: false };
        let mut found = Vec::new();
        let mut shares = vec![hunt.share()];
        while let Some(stretch) = hunt.wanted() {
            let at = |place: u64| usize::try_from(place).unwrap();
            let bytes = &all[at(stretch.start)..at(stretch.end)];
            found.extend(hunt.look(&stretch, bytes, (Format::Plain, room), |line| line.text().contains(words)));
            shares.push(hunt.share());
            if found.len() == most {
                return found;
            }
        }
        assert!(shares.windows(2).all(|pair| pair[0] < pair[1]) && shares.last() == Some(&1.0), "{shares:?}");
        found
    }

    #[test]
    fn everything_is_looked_through_forwards_and_backwards_and_round_the_end() {
        let all: Vec<u8> = (1..=100_000).flat_map(|number| format!("row {number};\n").into_bytes()).collect();
        let place = |number: usize| {
            let words = format!("row {number};");
            let found = all.windows(words.len()).position(|window| window == words.as_bytes()).unwrap();
            found as u64
        };
        let here = place(40_000)..place(45_000);
        for number in [1, 2, 25_000, 39_999, 45_000, 60_123, 99_999, 100_000] {
            for forward in [true, false] {
                let words = format!("row {number};");
                assert_eq!(hunt(&all, here.clone(), forward, &words, 1), [place(number)], "{number} {forward}");
            }
        }
        for forward in [true, false] {
            let found = hunt(&all, here.clone(), forward, "row 42000;", 1);
            assert_eq!(found, [0; 0], "what is here is not looked at again");
        }
        // The nearest comes first.
        let nearest = |forward: bool| hunt(&all, here.clone(), forward, "row ", 1)[0];
        assert_eq!((nearest(true), nearest(false)), (place(45_000), place(39_999)));
    }

    #[test]
    fn a_line_longer_than_a_stretch_is_looked_through_too() {
        let mut all = vec![b'x'; 900_000];
        all[700_000..700_006].copy_from_slice(b"needle");
        for forward in [true, false] {
            let found = hunt(&all, 0..65_536, forward, "needle", 1);
            assert!(found.iter().all(|place| (690_000..=700_000).contains(place)) && found.len() == 1, "{found:?}");
        }
    }
}
