//! Output of programs as lines: their colours kept, everything else that would command a terminal defused.
//!
//! What SGR sequences say (bold, 16, 256 and 24-bit colours) becomes style. After a carriage return what follows is
//! written over what stands in the line, and what clears the line or the rest of it does so: as on a terminal, so that a
//! progress bar is one line and nothing else is lost. All other sequences go: moving the cursor, clearing the screen,
//! titles, clipboards, links, answers to questions. Concealed and blinking text is shown as any other. Other control
//! characters become visible. The two streams of a program do not mix within a line.

mod sgr;

use std::collections::VecDeque;

use ratatui::style::Style;

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
    /// The characters of the line so far.
    cells: Vec<(char, Style)>,
    /// How many bytes they are.
    bytes: usize,
    /// Where the next one goes. A character counts as a column, which is near enough.
    at: usize,
    began: Option<Timestamp>,
    /// The beginning of a character whose end has not come.
    rest: Vec<u8>,
}

impl Writer {
    fn new(gutter: Gutter) -> Self {
        Self {
            gutter,
            state: State::Ground,
            style: Style::new(),
            cells: Vec::new(),
            bytes: 0,
            at: 0,
            began: None,
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
                State::Control(parameters) => self.in_control(parameters, c),
                State::Words(length, escaped)
                    if !(escaped && c == '\\') && c != '\u{7}' && c != '\u{9c}' && length < SEQUENCE_MAX =>
                {
                    self.state = State::Words(length + 1, c == '\u{1b}');
                }
                // The end of a string, or the one more character: both belong to no text.
                State::Words(..) | State::EscapeMore => {}
            }
        }
    }

    fn plain(&mut self, c: char, time: Timestamp, ended: &mut Vec<(Timestamp, TextLine)>) {
        match c {
            '\u{1b}' => self.state = State::Escape,
            '\u{9b}' => self.state = State::Control(String::new()),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => self.state = State::Words(0, false),
            '\r' => self.at = 0,
            // Bells say nothing in a text.
            '\u{7}' => {}
            _ => {
                if self.bytes + c.len_utf8() > LINE_BYTES_MAX {
                    ended.push(self.end_line(time));
                }
                self.began.get_or_insert(time);
                if c == '\t' {
                    let stop = self.at + TAB - self.at % TAB;
                    // Over what stands there it only moves.
                    self.at = stop.min(self.cells.len().max(self.at));
                    while self.at < stop {
                        self.put(' ');
                    }
                } else {
                    self.put(c);
                }
            }
        }
    }

    fn put(&mut self, c: char) {
        match self.cells.get_mut(self.at) {
            Some(cell) => {
                self.bytes -= cell.0.len_utf8();
                *cell = (c, self.style);
            }
            None => self.cells.push((c, self.style)),
        }
        self.bytes += c.len_utf8();
        self.at += 1;
    }

    /// Clears the line from here on, up to here, or whole.
    fn clear(&mut self, what: &str) {
        match what {
            "" | "0" => self.cells.truncate(self.at),
            "1" => {
                let before = self.cells.len().min(self.at);
                self.cells[..before].fill((' ', Style::new()));
            }
            // A terminal stays where it was in the empty line; programs go to its beginning before they write on.
            "2" => {
                self.cells.clear();
                self.at = 0;
            }
            _ => {}
        }
        self.bytes = self.cells.iter().map(|(c, _)| c.len_utf8()).sum();
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
            'm' => self.style = sgr::apply(self.style, &parameters),
            'K' => self.clear(&parameters),
            '\u{1b}' => self.state = State::Escape,
            _ => {}
        }
    }

    fn end_line(&mut self, time: Timestamp) -> (Timestamp, TextLine) {
        (self.bytes, self.at) = (0, 0);
        let alike = self.cells.chunk_by(|(_, one), (_, other)| one == other);
        let pieces = alike.map(|cells| (Ink::Own(cells[0].1), cells.iter().map(|(c, _)| *c).collect::<String>()));
        let line = TextLine::of(pieces).with_gutter(self.gutter);
        self.cells.clear();
        (self.began.take().unwrap_or(time), line)
    }

    fn finish(&mut self) -> Option<(Timestamp, TextLine)> {
        let began = self.began?;
        Some(self.end_line(began))
    }
}

#[cfg(test)]
mod tests;
