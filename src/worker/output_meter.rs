//! How much an execution prints, how long it has been silent, and whether it repeats itself; in a fixed, small amount of
//! memory and for next to no time, because everything that every agent prints comes by here.
//!
//! Two lines count as alike when they differ only in figures: in each word with a digit in it, such as a time, a counter,
//! an address or an identifier, whatever it is. Of the latest lines those are repeated that are like another of them, so
//! that an agent which goes through the same three lines for ever is as noticeable as one that prints a single one.

use super::sys::find_byte;

/// Among how many lines is looked for likeness.
const LINES_KEPT: usize = 32;
/// How much of a line is looked at.
const LINE_BYTES: usize = 256;
/// Of a larger piece of output only so much at its end is looked at: an agent that prints as fast as it can must not cost
/// the others their turn.
const PIECE_BYTES: usize = 4096;

/// The meter of one execution.
#[derive(Debug)]
pub(super) struct OutputMeter {
    /// Lines so far, of both streams.
    pub(super) lines: u64,
    /// When something was last printed, by the monotonic clock; at first, when the execution was handed over.
    pub(super) last_at: u64,
    /// The line that is under way on standard output and on standard error.
    partial: [Line; 2],
    latest: [u64; LINES_KEPT],
    /// How many lines were ever taken among the latest.
    taken: usize,
}

/// A line under way.
#[derive(Clone, Copy, Debug)]
struct Line {
    hash: u64,
    /// That of the word under way, within one.
    word: Option<u64>,
    has_digit: bool,
    /// Whether what was taken last is a figure, of which what follows may be the next part.
    after_figure: bool,
    bytes: usize,
    /// Whether the line began before what was looked at, so that it is not known as a whole.
    cut: bool,
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): a few instructions a byte and no state but the number.
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

/// How many lines end in a piece.
fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |count, byte| count + u64::from(*byte == b'\n'))
}

impl Line {
    const EMPTY: Self =
        Self { hash: FNV_START, word: None, has_digit: false, after_figure: false, bytes: 0, cut: false };

    fn take(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES - self.bytes;
        for byte in &bytes[..bytes.len().min(room)] {
            if byte.is_ascii_alphanumeric() || *byte >= 0x80 {
                self.has_digit |= byte.is_ascii_digit();
                self.word = Some(fnv(self.word.unwrap_or(FNV_START), *byte));
            } else {
                self.end_word();
                // A figure may have another number of parts the next time: 9.5 and 10, 59:05 and 1:00:00.
                if !b".,:".contains(byte) {
                    self.hash = fnv(self.hash, *byte);
                    self.after_figure = false;
                }
            }
        }
        self.bytes = (self.bytes + bytes.len()).min(LINE_BYTES);
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if !(self.has_digit && self.after_figure) {
            let word = if self.has_digit { 0 } else { word };
            for byte in word.to_le_bytes() {
                self.hash = fnv(self.hash, byte);
            }
        }
        self.after_figure = std::mem::take(&mut self.has_digit);
    }
}

impl OutputMeter {
    /// Nothing was printed yet; the execution is handed over at `now`.
    pub(super) fn new(now: u64) -> Self {
        Self { lines: 0, last_at: now, partial: [Line::EMPTY; 2], latest: [0; LINES_KEPT], taken: 0 }
    }

    /// Takes in a piece of what was printed.
    pub(super) fn feed(&mut self, is_err: bool, now: u64, bytes: &[u8]) {
        self.last_at = now;
        self.lines += line_ends(bytes);
        let skipped = bytes.len().saturating_sub(PIECE_BYTES);
        let mut line = self.partial[usize::from(is_err)];
        if skipped > 0 {
            line = Line { cut: true, ..Line::EMPTY };
        }
        let mut rest = &bytes[skipped..];
        while let Some(end) = find_byte(b'\n', rest) {
            line.take(&rest[..end]);
            line.end_word();
            // An empty line separates others and says nothing.
            if !line.cut && line.bytes > 0 {
                self.latest[self.taken % LINES_KEPT] = line.hash;
                self.taken += 1;
            }
            line = Line::EMPTY;
            rest = &rest[end + 1..];
        }
        line.take(rest);
        self.partial[usize::from(is_err)] = line;
    }

    /// The agent made headway, so that it does not go round in circles, whatever it prints.
    pub(super) fn made_headway(&mut self) {
        self.taken = 0;
    }

    /// How many percent of the latest lines are like others among them; `None` before there are enough to tell.
    pub(super) fn repeated_percent(&self) -> Option<u8> {
        if self.taken < LINES_KEPT {
            return None;
        }
        let mut sorted = self.latest;
        sorted.sort_unstable();
        let alone = sorted.chunk_by(|a, b| a == b).filter(|alike| alike.len() == 1).count();
        u8::try_from((LINES_KEPT - alone) * 100 / LINES_KEPT).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fed(text: &str) -> OutputMeter {
        let mut meter = OutputMeter::new(5);
        meter.feed(false, 7, text.as_bytes());
        meter
    }

    fn repeated(lines: &[String]) -> Option<u8> {
        // One after the other, because of a large piece only the end is looked at.
        let mut meter = OutputMeter::new(0);
        for line in lines {
            meter.feed(false, 1, format!("{line}\n").as_bytes());
        }
        meter.repeated_percent()
    }

    /// Words that differ and have no figures: a, b, ... z, ba, bb, ...
    fn word(mut number: usize) -> String {
        let mut text = String::new();
        loop {
            text.insert(0, char::from(b'a' + u8::try_from(number % 26).unwrap()));
            number /= 26;
            if number == 0 {
                return text;
            }
        }
    }

    proptest! {
        #[test]
        fn lines_that_differ_only_in_figures_are_alike(
            text in "[a-z ]{1,40}", figures in proptest::collection::vec(0_u64..1_000_000_000, LINES_KEPT..100),
        ) {
            let lines: Vec<String> = figures
                .iter()
                .map(|n| format!("2026-01-02T{:02}:{:02}:{}Z {text} id-{n:x}0 took {}.{n} s", n % 24, n % 60, n % 61, n % 7))
                .collect();
            prop_assert_eq!(repeated(&lines), Some(100));
        }

        #[test]
        fn lines_of_different_words_are_not_alike(count in LINES_KEPT..200, offset in 0_usize..1000) {
            let lines: Vec<String> = (0..count).map(|n| format!("{n}: looks at {}", word(offset + n))).collect();
            prop_assert_eq!(repeated(&lines), Some(0));
        }

        #[test]
        fn a_round_of_a_few_lines_is_noticed(round in 1_usize..=LINES_KEPT / 2, times in 32_usize..64) {
            let lines: Vec<String> = (0..round * times).map(|n| format!("try {}", word(n % round))).collect();
            prop_assert_eq!(repeated(&lines), Some(100));
        }

        #[test]
        fn pieces_do_not_matter(
            lines in proptest::collection::vec("[a-z0-9 .]{0,300}", 1..60), cuts in proptest::collection::vec(1_usize..200, 1..50),
        ) {
            let text = lines.join("\n") + "\n";
            let mut whole = OutputMeter::new(0);
            for line in text.split_inclusive('\n') {
                whole.feed(false, 1, line.as_bytes());
            }
            let mut pieces = OutputMeter::new(0);
            let (mut rest, mut cuts) = (text.as_bytes(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                pieces.feed(false, 1, piece);
                rest = after;
            }
            prop_assert_eq!((pieces.lines, pieces.taken, pieces.latest), (whole.lines, whole.taken, whole.latest));
        }

        #[test]
        fn whatever_is_printed_is_counted(bytes in proptest::collection::vec(any::<u8>(), 0..20_000), is_err: bool) {
            let mut meter = OutputMeter::new(3);
            meter.feed(is_err, 9, &bytes);
            prop_assert_eq!(meter.lines, bytes.split(|byte| *byte == b'\n').count() as u64 - 1);
            prop_assert_eq!(meter.last_at, 9);
            prop_assert!(meter.repeated_percent().is_none_or(|percent| percent <= 100));
        }
    }

    #[test]
    fn few_lines_tell_nothing_and_headway_clears() {
        let line = "again\n";
        assert_eq!(fed(&line.repeat(LINES_KEPT - 1)).repeated_percent(), None);
        let mut meter = fed(&line.repeat(LINES_KEPT));
        assert_eq!(meter.repeated_percent(), Some(100));
        meter.made_headway();
        assert_eq!(meter.repeated_percent(), None);
        meter.feed(true, 8, line.repeat(LINES_KEPT).as_bytes());
        assert_eq!((meter.repeated_percent(), meter.lines, meter.last_at), (Some(100), 64, 8));
    }

    #[test]
    fn figures_may_have_more_or_fewer_parts() {
        let times = ["9.5", "10", "1:02:03.4", "99", "1,000,000", "0.25"];
        let lines: Vec<String> = (0..LINES_KEPT).map(|n| format!("waits {} s", times[n % times.len()])).collect();
        assert_eq!(repeated(&lines), Some(100));
        let lines: Vec<String> = (0..LINES_KEPT).map(|n| "1 ".repeat(n + 1)).collect();
        assert_eq!(repeated(&lines), Some(0), "several figures are not one");
    }

    #[test]
    fn half_of_a_loop_is_half() {
        let lines: Vec<String> =
            (0..LINES_KEPT).map(|n| if n % 2 == 0 { "same".to_owned() } else { word(100 + n) }).collect();
        assert_eq!(repeated(&lines), Some(50));
    }

    #[test]
    fn streams_do_not_mix_within_a_line() {
        let mut meter = OutputMeter::new(0);
        for _ in 0..LINES_KEPT {
            meter.feed(false, 1, b"abc");
            meter.feed(true, 1, b"x");
            meter.feed(false, 1, b"def\n");
        }
        assert_eq!((meter.lines, meter.repeated_percent()), (LINES_KEPT as u64, Some(100)));
    }

    #[test]
    fn a_flood_is_judged_by_its_end() {
        let mut text = (0..5000).map(|n| "line ".to_owned() + &word(n) + "\n").collect::<String>();
        text.push_str(&"round and round\n".repeat(PIECE_BYTES / 16));
        let meter = fed(&text);
        assert_eq!(meter.repeated_percent(), Some(100));
        assert_eq!(meter.lines, 5000 + PIECE_BYTES as u64 / 16);
    }
}
