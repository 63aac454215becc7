//! How much an execution prints, how long it has been silent, and whether it repeats itself; in a fixed, small amount of
//! memory and for next to no time, because everything that every agent prints comes by here.
//!
//! Two lines count as alike when they are the same once times of day and dates are taken out. Lines in which any other
//! figure has changed show headway, such as a counter or a loss, and are not alike. Of the latest lines those are repeated
//! that are like another of them, so that an agent which goes through the same three lines for ever is as noticeable as one
//! that prints a single one. Messages of the protocol say how far an agent is; they are not what it prints, and do not count.

use super::sys::find_byte;

/// Among how many lines is looked for likeness.
const LINES_KEPT: usize = 32;
/// How much of a line is searched for times and for what tells a message; behind that every byte counts.
const LINE_BYTES: usize = 256;
/// The types of the protocol's messages, as `docs/protocol.md` lists them, but for `log`: what is logged is printed.
const MESSAGES: [&[u8]; 6] =
    [b"\"tokens\"", b"\"progress\"", b"\"activity\"", b"\"metric\"", b"\"artifact\"", b"\"result\""];
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
    /// How it begins.
    head: [u8; LINE_BYTES],
    /// How much of that there is.
    length: usize,
    /// The hash of what follows.
    tail: u64,
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
    const EMPTY: Self = Self { head: [0; LINE_BYTES], length: 0, tail: FNV_START, cut: false };

    fn take(&mut self, bytes: &[u8]) {
        let (head, tail) = bytes.split_at(bytes.len().min(LINE_BYTES - self.length));
        self.head[self.length..self.length + head.len()].copy_from_slice(head);
        self.length += head.len();
        self.tail = tail.iter().fold(self.tail, |hash, byte| fnv(hash, *byte));
    }

    /// What it has in common with lines that are alike; `None` when it says nothing: an empty one separates others.
    fn mark(&self, is_err: bool) -> Option<u64> {
        let text = &self.head[..self.length];
        if self.cut || text.is_empty() || (!is_err && is_message(text)) {
            return None;
        }
        let (mut hash, mut at, mut within_word) = (self.tail, 0, false);
        while let Some(byte) = text.get(at) {
            let length = if byte.is_ascii_digit() && !within_word { time_length(&text[at..]) } else { 0 };
            if length == 0 {
                hash = fnv(hash, *byte);
                within_word = byte.is_ascii_alphanumeric();
            }
            at += length.max(1);
        }
        Some(hash)
    }
}

/// Whether a line is a message of the protocol, by its type.
fn is_message(line: &[u8]) -> bool {
    const KEY: &[u8] = b"\"type\"";
    let line = line.trim_ascii_start();
    if line.first() != Some(&b'{') {
        return false;
    }
    let Some(at) = line.windows(KEY.len()).position(|bytes| bytes == KEY) else { return false };
    let Some(value) = line[at + KEY.len()..].trim_ascii_start().strip_prefix(b":") else { return false };
    MESSAGES.iter().any(|kind| value.trim_ascii_start().starts_with(kind))
}

/// Whether text has digits where the pattern has a `0`, and what the pattern has elsewhere.
fn fits(text: &[u8], pattern: &[u8]) -> bool {
    let alike = |(byte, like): (&u8, &u8)| if *like == b'0' { byte.is_ascii_digit() } else { byte == like };
    text.len() >= pattern.len() && text.iter().zip(pattern).all(alike)
}

/// How long what fits one of the patterns is; zero when none does.
fn fitting(text: &[u8], patterns: &[&[u8]]) -> usize {
    patterns.iter().find(|pattern| fits(text, pattern)).map_or(0, |pattern| pattern.len())
}

/// How many digits a text begins with.
fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// How long the parts of a second are that a text begins with: `.123` or `,123`.
fn fraction(text: &[u8]) -> usize {
    let digits = text.get(1..).map_or(0, digits);
    if digits > 0 && b".,".contains(&text[0]) { digits + 1 } else { 0 }
}

/// How long the date or time is that a text begins with; zero when it begins with none: a day, a time of day with seconds,
/// both, or the seconds, milliseconds or microseconds since the epoch.
fn time_length(text: &[u8]) -> usize {
    let day = fitting(text, &[b"0000-00-00", b"0000/00/00"]);
    let begin = day + usize::from(day > 0 && text.get(day).is_some_and(|byte| b"Tt _".contains(byte)));
    let clock = fitting(&text[begin..], &[b"00:00:00", b"0:00:00"]);
    let mut length = day;
    if clock > 0 {
        length = begin + clock;
        length += fraction(&text[length..]);
        length += fitting(&text[length..], &[b"Z", b"z", b"+00:00", b"-00:00", b"+0000", b"-0000"]);
    } else if day == 0 && text[0] == b'1' && [10, 13, 16].contains(&digits(text)) {
        length = digits(text);
        length += fraction(&text[length..]);
    }
    // The beginning of a longer word is none.
    if text.get(length).is_some_and(u8::is_ascii_alphanumeric) { 0 } else { length }
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
            if let Some(mark) = line.mark(is_err) {
                self.latest[self.taken % LINES_KEPT] = mark;
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
        fn lines_that_differ_only_in_times_are_alike(
            text in "[a-z ]{1,40}", times in proptest::collection::vec(0_u64..1_000_000_000, LINES_KEPT..100),
        ) {
            for form in 0..5 {
                let line = |n: &u64| {
                    let (hour, minute, second, part) = (n % 24, n % 60, n % 61, n % 1000);
                    match form {
                        0 => format!("2026-01-{:02}T{hour:02}:{minute:02}:{second:02}.{part:03}Z {text}", n % 28 + 1),
                        1 => format!("{text} [{hour:02}:{minute:02}:{second:02}]"),
                        2 => format!("2026/01/02 {hour}:{minute:02}:{second:02},{part} {text}"),
                        3 => format!("at {}.{part} {text}", 1_700_000_000 + n % 99_999_999),
                        _ => format!("{{\"time\":{},\"say\":\"{text}\"}}", 1_700_000_000_000 + n),
                    }
                };
                let lines: Vec<String> = times.iter().map(line).collect();
                prop_assert_eq!(repeated(&lines), Some(100), "{}", lines[0]);
            }
        }

        #[test]
        fn a_figure_that_changes_is_headway(first in 0_u32..10_000, step in 1_u32..100) {
            let line = |n: u32| format!("12:00:01 epoch {} loss 0.21 of 1:30", first + n * step);
            let lines: Vec<String> = (0..64).map(line).collect();
            prop_assert_eq!(repeated(&lines), Some(0));
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
    fn messages_of_the_protocol_are_not_what_an_agent_prints() {
        let messages = [
            r#"{"type":"tokens","used":120}"#,
            r#"  { "type" : "progress", "percent": 40 }"#,
            r#"{"state":"tool","type":"activity"}"#,
        ];
        let lines: Vec<String> = (0..LINES_KEPT * 3).map(|n| messages[n % 3].to_owned()).collect();
        assert_eq!(repeated(&lines), None, "there is nothing to tell by");
        let with_words: Vec<String> = lines.iter().enumerate().flat_map(|(n, line)| [line.clone(), word(n)]).collect();
        assert_eq!(repeated(&with_words), Some(0));
        // What only looks like one is output, and on standard error nothing is a message.
        let other = vec![r#"{"type":"log","text":"again"}"#.to_owned(); LINES_KEPT];
        assert_eq!(repeated(&other), Some(100));
        let mut meter = OutputMeter::new(0);
        meter.feed(true, 1, format!("{}\n", messages[0]).repeat(LINES_KEPT).as_bytes());
        assert_eq!(meter.repeated_percent(), Some(100));
    }

    #[test]
    fn what_is_a_time_is_told_from_other_figures() {
        for (text, length) in [
            ("2026-01-02", 10),
            ("2026-01-02T03:04:05.678+01:00 x", 29),
            ("03:04:05Z", 9),
            ("1700000000", 10),
            ("1700000000123", 13),
            ("170000000", 0),
            ("9700000000", 0),
            ("12:30", 0),
            ("2026-01-02x", 0),
            ("17000000001", 0),
            ("0.21", 0),
        ] {
            assert_eq!(time_length(text.as_bytes()), length, "{text}");
        }
    }

    #[test]
    fn long_lines_are_alike_only_as_a_whole() {
        let line = |n: usize| "x".repeat(LINE_BYTES * 2) + &word(n);
        let lines: Vec<String> = (0..LINES_KEPT).map(line).collect();
        assert_eq!(repeated(&lines), Some(0));
        assert_eq!(repeated(&vec![line(1); LINES_KEPT]), Some(100));
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
