//! Output of programs as lines: their colours kept, everything else that would command a terminal defused.
//!
//! What SGR sequences say (bold, 16, 256 and 24-bit colours) becomes style. All other sequences go: moving the cursor,
//! clearing, titles, clipboards, links, answers to questions. Concealed and blinking text is shown as any other. A
//! carriage return begins the line anew, as it does on a terminal, so that a progress bar is one line. Other control
//! characters become visible. The two streams of a program do not mix within a line.

use std::collections::VecDeque;

use ratatui::style::{Color, Modifier, Style};

use super::pager::{Gutter, Ink, TextLine};
use crate::domain::Timestamp;
use crate::domain::spool::{Chunk, Stream};

/// A longer line is broken, in bytes: it could not be laid out quickly.
const LINE_BYTES_MAX: usize = 4_096;

/// A sequence that does not end within so many characters was none, so that nobody hides what follows.
const SEQUENCE_MAX: usize = 4_096;

/// The columns between two stops of the tabulator.
const TAB: usize = 8;

/// Lines as they come out of chunks, the oldest going when there are too many.
pub struct Lines {
    done: VecDeque<(Timestamp, TextLine)>,
    cost: usize,
    cost_max: usize,
    dropped: bool,
    out: Writer,
    err: Writer,
    note: Writer,
}

impl Lines {
    /// None yet; at most about `cost_max` bytes of memory will be kept.
    pub fn new(cost_max: usize) -> Self {
        Self {
            done: VecDeque::new(),
            cost: 0,
            cost_max,
            dropped: false,
            out: Writer::new(Gutter::None),
            err: Writer::new(Gutter::Error),
            note: Writer::new(Gutter::Note),
        }
    }

    /// Takes a chunk.
    pub fn feed(&mut self, chunk: Chunk<'_>) {
        // By parts, so that a chunk of nothing but line ends does not become a heap of lines first.
        for bytes in chunk.bytes.chunks(LINE_BYTES_MAX) {
            self.feed_part(Chunk { bytes, ..chunk });
        }
    }

    fn feed_part(&mut self, chunk: Chunk<'_>) {
        let writer = match chunk.stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
            Stream::Note => &mut self.note,
        };
        let mut ended = Vec::new();
        writer.feed(chunk.bytes, chunk.time, &mut ended);
        for line in ended {
            self.keep(line);
        }
    }

    /// All lines with the time at which each began, also those that have not ended, and whether older ones went.
    pub fn finish(mut self) -> (Vec<(Timestamp, TextLine)>, bool) {
        let mut open: Vec<_> =
            [&mut self.out, &mut self.err, &mut self.note].into_iter().filter_map(Writer::finish).collect();
        open.sort_by_key(|(time, _)| *time);
        for line in open {
            self.keep(line);
        }
        (self.done.into(), self.dropped)
    }

    fn keep(&mut self, line: (Timestamp, TextLine)) {
        self.cost += line.1.cost();
        self.done.push_back(line);
        while self.cost > self.cost_max {
            let Some((_, oldest)) = self.done.pop_front() else { return };
            self.cost -= oldest.cost();
            self.dropped = true;
        }
    }
}

/// Where in a sequence one is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// In none.
    Ground,
    /// After an escape.
    Escape,
    /// After an escape and something that says that one more character belongs to it.
    EscapeMore,
    /// In a control sequence: its parameters so far.
    Control(String),
    /// In a string for the terminal, such as a title: how much of it has gone by, and whether an escape was the last.
    Words(usize, bool),
}

/// Turns one stream into lines.
struct Writer {
    gutter: Gutter,
    state: State,
    style: Style,
    pieces: Vec<(Ink, String)>,
    /// Bytes and columns of the line so far.
    bytes: usize,
    column: usize,
    began: Option<Timestamp>,
    /// A carriage return came: what follows replaces the line.
    returned: bool,
    /// The beginning of a character whose end has not come.
    rest: Vec<u8>,
}

impl Writer {
    fn new(gutter: Gutter) -> Self {
        Self {
            gutter,
            state: State::Ground,
            style: Style::new(),
            pieces: Vec::new(),
            bytes: 0,
            column: 0,
            began: None,
            returned: false,
            rest: Vec::new(),
        }
    }

    fn feed(&mut self, bytes: &[u8], time: Timestamp, ended: &mut Vec<(Timestamp, TextLine)>) {
        let mut whole = std::mem::take(&mut self.rest);
        whole.extend_from_slice(bytes);
        let mut from = whole.as_slice();
        loop {
            match std::str::from_utf8(from) {
                Ok(text) => {
                    self.write(text, time, ended);
                    return;
                }
                Err(error) => {
                    let (good, bad) = from.split_at(error.valid_up_to());
                    self.write(&String::from_utf8_lossy(good), time, ended);
                    let Some(length) = error.error_len() else {
                        self.rest = bad.to_vec();
                        return;
                    };
                    self.write("\u{fffd}", time, ended);
                    from = &bad[length..];
                }
            }
        }
    }

    fn write(&mut self, text: &str, time: Timestamp, ended: &mut Vec<(Timestamp, TextLine)>) {
        for c in text.chars() {
            // A line's end also ends whatever sequence was left open: nothing is swallowed beyond it.
            if c == '\n' {
                self.state = State::Ground;
                ended.push(self.end_line(time));
                continue;
            }
            match std::mem::replace(&mut self.state, State::Ground) {
                State::Ground => self.plain(c, time, ended),
                State::Escape => self.after_escape(c),
                State::EscapeMore => {}
                State::Control(parameters) => self.in_control(parameters, c),
                State::Words(_, true) if c == '\\' => {}
                State::Words(length, _) if c != '\u{7}' && c != '\u{9c}' && length < SEQUENCE_MAX => {
                    self.state = State::Words(length + 1, c == '\u{1b}');
                }
                State::Words(..) => {}
            }
        }
    }

    fn plain(&mut self, c: char, time: Timestamp, ended: &mut Vec<(Timestamp, TextLine)>) {
        match c {
            '\u{1b}' => self.state = State::Escape,
            '\u{9b}' => self.state = State::Control(String::new()),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => self.state = State::Words(0, false),
            '\r' => self.returned = true,
            // Bells say nothing in a text.
            '\u{7}' => {}
            _ => {
                if std::mem::take(&mut self.returned) {
                    self.pieces.clear();
                    (self.bytes, self.column) = (0, 0);
                }
                if self.bytes + c.len_utf8() > LINE_BYTES_MAX {
                    ended.push(self.end_line(time));
                }
                self.began.get_or_insert(time);
                if c == '\t' {
                    let blanks = TAB - self.column % TAB;
                    self.put(&" ".repeat(blanks), blanks);
                } else {
                    // Near enough for the stops of the tabulator.
                    self.put(c.encode_utf8(&mut [0; 4]), 1);
                }
            }
        }
    }

    fn put(&mut self, text: &str, columns: usize) {
        let ink = Ink::Own(self.style);
        match self.pieces.last_mut() {
            Some((known, piece)) if *known == ink => piece.push_str(text),
            _ => self.pieces.push((ink, text.to_owned())),
        }
        self.bytes += text.len();
        self.column += columns;
    }

    fn after_escape(&mut self, c: char) {
        self.state = match c {
            '[' => State::Control(String::new()),
            ']' | 'P' | 'X' | '^' | '_' => State::Words(0, false),
            ' '..='/' => State::EscapeMore,
            '\u{1b}' => State::Escape,
            // Of the others only the reset of everything matters here.
            'c' => {
                self.style = Style::new();
                State::Ground
            }
            _ => State::Ground,
        };
    }

    fn in_control(&mut self, mut parameters: String, c: char) {
        match c {
            '0'..='?' | ' '..='/' if parameters.len() < SEQUENCE_MAX => {
                parameters.push(c);
                self.state = State::Control(parameters);
            }
            'm' => self.style = sgr(self.style, &parameters),
            '\u{1b}' => self.state = State::Escape,
            _ => {}
        }
    }

    fn end_line(&mut self, time: Timestamp) -> (Timestamp, TextLine) {
        self.returned = false;
        (self.bytes, self.column) = (0, 0);
        let line = TextLine::of(std::mem::take(&mut self.pieces)).with_gutter(self.gutter);
        (self.began.take().unwrap_or(time), line)
    }

    fn finish(&mut self) -> Option<(Timestamp, TextLine)> {
        let began = self.began?;
        Some(self.end_line(began))
    }
}

/// The style after the parameters of an SGR sequence.
fn sgr(mut style: Style, parameters: &str) -> Style {
    // Private sequences that end alike, such as xterm's `>4;2m`, are none of ours.
    if !parameters.bytes().all(|byte| byte.is_ascii_digit() || byte == b';' || byte == b':') {
        return style;
    }
    let mut groups = parameters.split(';');
    while let Some(group) = groups.next() {
        let mut parts = group.split(':');
        let code: u16 = match parts.next().unwrap_or_default() {
            "" => 0,
            digits => digits.parse().unwrap_or(u16::MAX),
        };
        match code {
            0 => style = Style::new(),
            1 => style.add_modifier |= Modifier::BOLD,
            2 => style.add_modifier |= Modifier::DIM,
            3 => style.add_modifier |= Modifier::ITALIC,
            // `4:0` ends what `4` begins.
            4 if parts.next() == Some("0") => style.add_modifier -= Modifier::UNDERLINED,
            4 | 21 => style.add_modifier |= Modifier::UNDERLINED,
            7 => style.add_modifier |= Modifier::REVERSED,
            9 => style.add_modifier |= Modifier::CROSSED_OUT,
            22 => style.add_modifier -= Modifier::BOLD | Modifier::DIM,
            23 => style.add_modifier -= Modifier::ITALIC,
            24 => style.add_modifier -= Modifier::UNDERLINED,
            27 => style.add_modifier -= Modifier::REVERSED,
            29 => style.add_modifier -= Modifier::CROSSED_OUT,
            30..=37 => style.fg = indexed(code - 30),
            40..=47 => style.bg = indexed(code - 40),
            90..=97 => style.fg = indexed(code - 90 + 8),
            100..=107 => style.bg = indexed(code - 100 + 8),
            39 => style.fg = None,
            49 => style.bg = None,
            38 | 48 | 58 => {
                // Written with colons it is complete in itself, else what follows belongs to it.
                let inner: Vec<&str> = parts.collect();
                let color = if inner.is_empty() { color_after(&mut groups) } else { color_within(&inner) };
                match code {
                    38 => style.fg = color.or(style.fg),
                    48 => style.bg = color.or(style.bg),
                    // The colour of underlines is not shown, but its parameters are not codes of their own.
                    _ => {}
                }
            }
            // Concealed, blinking and what nobody knows.
            _ => {}
        }
    }
    style
}

fn indexed(index: u16) -> Option<Color> {
    u8::try_from(index).ok().map(Color::Indexed)
}

/// `5;N` or `2;R;G;B` out of the parameters that follow.
fn color_after<'a>(groups: &mut impl Iterator<Item = &'a str>) -> Option<Color> {
    match groups.next()? {
        "5" => groups.next()?.parse().ok().map(Color::Indexed),
        "2" => {
            let mut channel =
                || groups.next().and_then(|part| if part.is_empty() { Some(0) } else { part.parse().ok() });
            let (red, green, blue) = (channel(), channel(), channel());
            Some(Color::Rgb(red?, green?, blue?))
        }
        _ => None,
    }
}

/// `5:N`, `2:R:G:B` or `2:SPACE:R:G:B`.
fn color_within(parts: &[&str]) -> Option<Color> {
    let channel = |part: &str| if part.is_empty() { Some(0) } else { part.parse().ok() };
    match parts {
        ["5", index] => index.parse().ok().map(Color::Indexed),
        ["2", red, green, blue] | ["2", _, red, green, blue, ..] => {
            Some(Color::Rgb(channel(red)?, channel(green)?, channel(blue)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk(stream: Stream, micros: i64, bytes: &[u8]) -> Chunk<'_> {
        Chunk { stream, time: Timestamp::from_micros(micros), bytes }
    }

    fn lines_of(bytes: &[u8]) -> Vec<TextLine> {
        let mut lines = Lines::new(1 << 20);
        lines.feed(chunk(Stream::Out, 1, bytes));
        lines.finish().0.into_iter().map(|(_, line)| line).collect()
    }

    fn texts(bytes: &[u8]) -> Vec<String> {
        lines_of(bytes).iter().map(|line| line.text().to_owned()).collect()
    }

    fn own(style: Style) -> Ink {
        Ink::Own(style)
    }

    #[test]
    fn colours_are_kept() {
        let cases: &[(&[u8], Style)] = &[
            (b"\x1b[31mx", Style::new().fg(Color::Indexed(1))),
            (b"\x1b[1;92;44mx", Style::new().fg(Color::Indexed(10)).bg(Color::Indexed(4)).bold()),
            (b"\x1b[38;5;208mx", Style::new().fg(Color::Indexed(208))),
            (b"\x1b[48;2;1;2;3mx", Style::new().bg(Color::Rgb(1, 2, 3))),
            (b"\x1b[38:2::9:8:7mx", Style::new().fg(Color::Rgb(9, 8, 7))),
            (b"\x1b[58;2;1;2;3;4mx", Style::new().underlined()),
            (b"\x1b[31;1m\x1b[mx", Style::new()),
            (b"\x1b[38;5mx", Style::new()),
            (b"\x1b[>4;2mx", Style::new()),
            (b"\x1b[8mx", Style::new()),
        ];
        for (bytes, style) in cases {
            let expected = TextLine::of([(own(*style), "x")]);
            assert_eq!(lines_of(bytes), [expected], "{}", bytes.escape_ascii());
        }
        let ended = lines_of(b"\x1b[1;2;3;4;7;9mx\x1b[22;23;24;27;29my");
        let all = Style::new().bold().dim().italic().underlined().reversed().crossed_out();
        assert_eq!(ended, [TextLine::of([(own(all), "x"), (own(Style::new()), "y")])]);
    }

    #[test]
    fn everything_else_is_defused() {
        let cases: &[(&[u8], &str)] = &[
            (b"a\x1b[2J\x1b[10;10Hb", "ab"),
            (b"a\x1b]0;title\x07b", "ab"),
            (b"a\x1b]52;c;aGVsbG8=\x1b\\b", "ab"),
            (b"a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
            (b"a\x1bP1$qm\x1b\\b", "ab"),
            (b"a\x1b(0b\x1b=c\x1bcd", "abcd"),
            (b"a\x1b[?1049hb\x1b[6nc", "abc"),
            ("a\u{9b}31mb\u{9d}0;t\u{9c}c".as_bytes(), "abc"),
            (b"a\x07b\x00c\x7fd\x08e", "ab␀c␡d␈e"),
            ("a\u{202e}b\u{200b}c".as_bytes(), "abc"),
            (b"a\tb", "a       b"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(texts(bytes), [*expected], "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_sequence_that_does_not_end_hides_nothing_beyond_its_line() {
        assert_eq!(texts(b"a\x1b]0;never ends\nnext\x1b[12\nlast"), ["a", "next", "last"]);
        let mut long = b"\x1b]".to_vec();
        long.extend(std::iter::repeat_n(b'x', 10_000));
        assert!(texts(&long).concat().len() > 5_000);
    }

    #[test]
    fn a_carriage_return_begins_the_line_anew() {
        assert_eq!(texts(b" 10 %\r 20 %\r100 %\r\ndone\r\n"), ["100 %", "done"]);
    }

    #[test]
    fn streams_do_not_mix_and_characters_may_be_cut() {
        let mut lines = Lines::new(1 << 20);
        let name = "名".as_bytes();
        lines.feed(chunk(Stream::Out, 1, b"out \x1b[3"));
        lines.feed(chunk(Stream::Err, 2, &[b"err ", &name[..1]].concat()));
        lines.feed(chunk(Stream::Out, 3, b"1mred\nmore"));
        lines.feed(chunk(Stream::Err, 4, &[&name[1..], b"\n\xff"].concat()));
        lines.feed(chunk(Stream::Note, 5, b"12 bytes dropped"));
        let (lines, dropped) = lines.finish();
        assert!(!dropped);
        let found: Vec<_> = lines.iter().map(|(time, line)| (time.as_micros(), line.gutter, line.text())).collect();
        assert_eq!(
            found,
            [
                (1, Gutter::None, "out red"),
                (2, Gutter::Error, "err 名"),
                (3, Gutter::None, "more"),
                (4, Gutter::Error, "\u{fffd}"),
                (5, Gutter::Note, "12 bytes dropped"),
            ]
        );
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        for hostile in [&b"\n"[..], b"x", b"\x1b[1mx\x1b[2my", b"\r", b"\x1b]"] {
            let mut lines = Lines::new(100_000);
            lines.feed(chunk(Stream::Out, 1, &hostile.repeat(1 << 18)));
            let (lines, _) = lines.finish();
            let cost: usize = lines.iter().map(|(_, line)| line.cost()).sum();
            assert!(cost <= 100_000, "{}: {cost}", hostile.escape_ascii());
            assert!(lines.iter().all(|(_, line)| line.text().len() <= LINE_BYTES_MAX + 16));
        }
    }

    proptest! {
        #[test]
        fn no_control_character_ever_comes_out(
            chunks in proptest::collection::vec((0usize..3, proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b']'), Just(b'm'), Just(b';'), Just(0x9b), Just(b'\r')],
                0..60,
            )), 0..12),
        ) {
            let mut lines = Lines::new(1 << 16);
            for (micros, (stream, bytes)) in (0i64..).zip(&chunks) {
                lines.feed(chunk([Stream::Out, Stream::Err, Stream::Note][*stream], micros, bytes));
            }
            for (_, line) in lines.finish().0 {
                prop_assert!(!line.text().chars().any(char::is_control), "{:?}", line.text());
            }
        }

        #[test]
        fn where_chunks_are_cut_does_not_matter(text in ".{0,80}", cut in 0usize..80) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            let mut lines = Lines::new(1 << 16);
            lines.feed(chunk(Stream::Out, 1, &bytes[..cut]));
            lines.feed(chunk(Stream::Out, 1, &bytes[cut..]));
            let cut: Vec<_> = lines.finish().0.into_iter().map(|(_, line)| line).collect();
            prop_assert_eq!(cut, lines_of(bytes));
        }
    }
}
