//! What the console sends, read byte by byte: which of it is a sequence, whether that is one of the few that the console needs, and
//! which modes of the terminal are on. A terminal emulator would pass over what it does not know; a terminal would obey it.

use std::collections::BTreeSet;

/// The modes that the console may set: mouse (1000, 1002, 1006), cursor (25), focus (1004), alternate screen (1049), bracketed paste
/// (2004), synchronized update (2026).
const MODES: &[u16] = &[25, 1000, 1002, 1004, 1006, 1049, 2004, 2026];

/// The most that is kept of what was sent last, for the account of a failure.
const TAIL_MAX: usize = 2_000;

/// Where the reading is.
#[derive(Debug, Default)]
enum At {
    #[default]
    Text,
    Escape,
    /// After `ESC [`.
    Control(Vec<u8>),
    /// After `ESC ]`; ends with BEL or `ESC \`.
    Command(Vec<u8>),
}

/// What was read so far.
#[derive(Debug, Default)]
pub struct Scan {
    at: At,
    /// The modes that are on.
    pub modes: BTreeSet<u16>,
    /// How often the alternate screen was taken.
    pub taken: usize,
    /// How often it was left.
    pub left: usize,
    /// What no console has to send, as text.
    pub strangers: Vec<String>,
    /// Frames that were begun and completed.
    pub frames: usize,
    /// How often the question for the terminal's attributes was asked.
    pub questions: usize,
    /// What was put into the clipboard, still encoded.
    pub copied: Vec<String>,
    /// The screen's columns and lines: no cursor goes beyond.
    pub size: (u16, u16),
    text: Vec<u8>,
    tail: Vec<u8>,
}

impl Scan {
    /// Reads what the console sent to a screen of so many columns and lines.
    pub fn new(size: (u16, u16)) -> Self {
        // The cursor of a terminal that nobody has touched is shown.
        Self { size, modes: BTreeSet::from([25]), ..Self::default() }
    }

    /// Reads on.
    pub fn read(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        let over = self.tail.len().saturating_sub(TAIL_MAX);
        self.tail.drain(..over);
        for byte in bytes {
            self.byte(*byte);
        }
        if matches!(self.at, At::Text) {
            self.check_text(false);
        }
    }

    /// What was sent last, readable.
    pub fn tail(&self) -> String {
        self.tail.escape_ascii().to_string()
    }

    fn byte(&mut self, byte: u8) {
        match (std::mem::take(&mut self.at), byte) {
            (At::Text, 0x1b) => {
                self.check_text(true);
                self.at = At::Escape;
            }
            (At::Text, byte) => self.text.push(byte),
            (At::Escape, b'[') => self.at = At::Control(vec![]),
            (At::Escape, b']') => self.at = At::Command(vec![]),
            (At::Escape, byte) => self.strange(&[0x1b, byte]),
            (At::Control(mut sequence), byte) => {
                sequence.push(byte);
                match byte {
                    0x40..=0x7e => self.control(&sequence),
                    0x20..=0x3f => self.at = At::Control(sequence),
                    _ => self.strange(&sequence),
                }
            }
            (At::Command(sequence), 0x07) => self.command(&sequence),
            (At::Command(mut sequence), b'\\') if sequence.last() == Some(&0x1b) => {
                sequence.pop();
                self.command(&sequence);
            }
            (At::Command(mut sequence), byte) => {
                sequence.push(byte);
                self.at = At::Command(sequence);
            }
        }
    }

    fn strange(&mut self, sequence: &[u8]) {
        self.strangers.push(sequence.escape_ascii().to_string());
    }

    /// Text between sequences: no control character but the ends of lines, nothing that turns the direction of writing.
    fn check_text(&mut self, complete: bool) {
        // A character may have come by half.
        let whole = match std::str::from_utf8(&self.text) {
            Err(error) if !complete && error.error_len().is_none() => error.valid_up_to(),
            _ => self.text.len(),
        };
        let rest = self.text.split_off(whole);
        let text = std::mem::replace(&mut self.text, rest);
        // Outside the alternate screen the kernel echoes what is typed, whatever it is.
        if self.taken > 0 && !self.modes.contains(&1049) {
            return;
        }
        let Ok(text) = std::str::from_utf8(&text) else { return self.strange(&text) };
        let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let hidden = |c: char| matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
        // The kernel rings the bell when more is typed than it has room for.
        if let Some(c) = text.chars().find(|c| (c.is_control() && !"\r\n\x07".contains(*c)) || turns(*c) || hidden(*c))
        {
            self.strangers.push(format!("{c:?} in {text:?}"));
        }
    }

    /// A control sequence, without `ESC [`.
    fn control(&mut self, sequence: &[u8]) {
        let text = std::str::from_utf8(sequence).unwrap_or_default();
        let Some(kind) = text.chars().next_back() else { return self.strange(sequence) };
        let parameters = &text[..text.len() - 1];
        let numbers: Option<Vec<u16>> = parameters.split(';').map(|number| number.parse().ok()).collect();
        let (columns, lines) = self.size;
        let fits = match (kind, numbers.as_deref()) {
            ('m', Some(_)) | ('J', Some([2])) => true,
            ('H', Some([line, column])) => (1..=lines).contains(line) && (1..=columns).contains(column),
            ('C', Some([steps])) => *steps < columns,
            ('C' | 'c', None) => parameters.is_empty(),
            ('h' | 'l', None) => return self.mode(parameters, kind == 'h', sequence),
            _ => false,
        };
        if !fits {
            self.strange(sequence);
        } else if kind == 'c' {
            self.questions += 1;
        }
    }

    fn mode(&mut self, parameters: &str, on: bool, sequence: &[u8]) {
        let mode = parameters.strip_prefix('?').and_then(|mode| mode.parse().ok());
        let Some(mode) = mode.filter(|mode| MODES.contains(mode)) else { return self.strange(sequence) };
        let was_on = if on { !self.modes.insert(mode) } else { self.modes.remove(&mode) };
        match (mode, on) {
            (1049, true) => self.taken += 1,
            (1049, false) => self.left += 1,
            (2026, false) if was_on => self.frames += 1,
            _ => {}
        }
    }

    /// An operating system command, without `ESC ]` and its end: the question for the ground's colour, the clipboard, a
    /// notification.
    fn command(&mut self, sequence: &[u8]) {
        let text = std::str::from_utf8(sequence).unwrap_or_default();
        if let Some(copied) = text.strip_prefix("52;c;") {
            self.copied.push(copied.to_owned());
        } else if text != "11;?" && !text.starts_with("9;") && !text.starts_with("777;notify;") {
            self.strange(sequence);
        }
    }
}

#[test]
fn the_scan_knows_what_a_console_may_send_and_nothing_else() {
    let strangers = |bytes: &[u8]| {
        let mut scan = Scan::new((80, 24));
        scan.read(bytes);
        scan.strangers
    };
    for fine in [
        "\x1b[?1049h\x1b[2J",
        "\x1b[0;1;38;2;1;2;3mé│\x1b[24;80H",
        "\x1b]11;?\x1b\\\x1b[c",
        "\x1b]52;c;Zg==\x07",
        "\x1b[3C\r\n",
    ] {
        assert!(strangers(fine.as_bytes()).is_empty(), "{fine:?}: {:?}", strangers(fine.as_bytes()));
    }
    for hostile in [
        "\x1b[25;1H",
        "\x1b[1;81H",
        "\x1b[3J",
        "\x1b[6n",
        "\x1b]0;title\x07",
        "\x1bc",
        "\x1bP1$r\x1b\\",
        "\u{9b}31m",
        "\x08",
        "\x1b[?47h",
        "\x1b[8;1;1t",
        "\u{202e}",
        "\u{200b}",
    ] {
        assert!(!strangers(hostile.as_bytes()).is_empty(), "{hostile:?}");
    }
    let mut scan = Scan::new((80, 24));
    for byte in "\x1b[?2026h│é\x1b[?2026l\x1b[?25l".bytes() {
        scan.read(&[byte]);
    }
    assert_eq!((scan.strangers.len(), scan.frames, scan.modes.len()), (0, 1, 0), "{scan:?}");
}
