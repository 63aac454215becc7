//! What a terminal sends, made into keys, mouse and pastes.
//!
//! crossterm has such a reader too, but it hears the window's changes of size in the same place and waits for edges: a
//! key that came beside such a change stayed unread until the next key, and then counted twice. So bytes are read by
//! [`super::input`] and decoded here, and nothing waits anywhere but in front of the terminal itself. The sequences are
//! those of xterm (its document "Control Sequences") and of the Linux console.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

/// The most of a paste that is kept, in bytes; a filter has no use for more.
const PASTE_MAX: usize = 64 * 1024;

/// The longest answer of a terminal, in bytes; what is longer is none.
const ANSWER_MAX: usize = 4096;

/// How long the rest of a sequence may take after its Escape, before that is taken for the key.
const ESCAPE_WITHIN: Duration = Duration::from_millis(30);

/// How long it may take once it has begun for certain: on a bad line the last letter of an arrow must not become a key
/// that ends something.
const SEQUENCE_WITHIN: Duration = Duration::from_millis(500);

const PASTE_END: &[u8] = b"\x1b[201~";

/// Takes bytes, gives events. What is not complete waits for the rest.
#[derive(Default)]
pub struct Decoder {
    waiting: Vec<u8>,
    paste: Option<Vec<u8>>,
}

/// What the beginning of the bytes is: an event or nothing that means anything, and how long; `None` when more must come.
type Found = Option<(Option<Event>, usize)>;

impl Decoder {
    /// Takes what was read and gives all that is complete.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.waiting.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut at = 0;
        loop {
            if let Some(paste) = &mut self.paste {
                let rest = &self.waiting[at..];
                let end = rest.windows(PASTE_END.len()).position(|here| here == PASTE_END);
                // What may be the beginning of the end waits.
                let begun = (1..PASTE_END.len()).rev().find(|length| rest.ends_with(&PASTE_END[..*length]));
                let length = end.unwrap_or(rest.len() - begun.unwrap_or(0));
                let room = PASTE_MAX - paste.len();
                paste.extend_from_slice(&rest[..length.min(room)]);
                at += length;
                if end.is_none() {
                    break;
                }
                at += PASTE_END.len();
                let paste = self.paste.take().unwrap_or_default();
                events.push(Event::Paste(String::from_utf8_lossy(&paste).into_owned()));
            } else if self.waiting[at..].starts_with(b"\x1b[200~") {
                at += 6;
                self.paste = Some(Vec::new());
            } else {
                let Some((event, length)) = first(&self.waiting[at..]) else { break };
                events.extend(event);
                at += length;
            }
        }
        self.waiting.drain(..at);
        events
    }

    /// How long the rest of what waits may take; `None` when nothing waits but for more of a paste.
    pub fn patience(&self) -> Option<Duration> {
        match (&self.paste, self.waiting.as_slice()) {
            (Some(_), _) | (_, []) => None,
            (_, [0x1b]) => Some(ESCAPE_WITHIN),
            _ => Some(SEQUENCE_WITHIN),
        }
    }

    /// Nothing followed: what waits is taken for what it is alone.
    pub fn settle(&mut self) -> Vec<Event> {
        let waiting = std::mem::take(&mut self.waiting);
        let key = match waiting.as_slice() {
            b"\x1b" => Some(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)),
            [0x1b, byte] if byte.is_ascii_graphic() => {
                Some(KeyEvent::new(KeyCode::Char(char::from(*byte)), KeyModifiers::ALT))
            }
            _ => None,
        };
        key.map(Event::Key).into_iter().collect()
    }
}

fn first(bytes: &[u8]) -> Found {
    match bytes {
        [] | [0x1b] => None,
        [0x1b, b'[', rest @ ..] => control_sequence(rest).map(|(event, length)| (event, length + 2)),
        [0x1b, b'O', rest @ ..] => {
            let final_byte = rest.first()?;
            Some((letter(*final_byte, KeyModifiers::NONE), 3))
        }
        [0x1b, b']' | b'P' | b'_', rest @ ..] => answer(rest),
        // Escape twice is Escape, and whatever the second begins.
        [0x1b, 0x1b, ..] => Some((key(KeyCode::Esc, KeyModifiers::NONE), 1)),
        [0x1b, rest @ ..] => {
            let (event, length) = first(rest)?;
            let held = |event| match event {
                Event::Key(key) => Event::Key(KeyEvent::new(key.code, key.modifiers | KeyModifiers::ALT)),
                other => other,
            };
            Some((event.map(held), length + 1))
        }
        [byte @ (0..=0x1f | 0x7f), ..] => Some((control(*byte), 1)),
        _ => character(bytes),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "stands beside what may be nothing")]
fn key(code: KeyCode, held: KeyModifiers) -> Option<Event> {
    Some(Event::Key(KeyEvent::new(code, held)))
}

/// A control character: a key of its own, or a letter with control.
fn control(byte: u8) -> Option<Event> {
    match byte {
        b'\r' => key(KeyCode::Enter, KeyModifiers::NONE),
        b'\t' => key(KeyCode::Tab, KeyModifiers::NONE),
        0x7f => key(KeyCode::Backspace, KeyModifiers::NONE),
        0 => key(KeyCode::Char(' '), KeyModifiers::CONTROL),
        1..=0x1a => key(KeyCode::Char(char::from(byte - 1 + b'a')), KeyModifiers::CONTROL),
        _ => key(KeyCode::Char(char::from(byte.wrapping_sub(0x1c) % 4 + b'4')), KeyModifiers::CONTROL),
    }
}

/// A character in UTF-8; bytes that are none are passed over one by one.
fn character(bytes: &[u8]) -> Found {
    let length = match bytes[0] {
        0..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some((None, 1)),
    };
    let has = length.min(bytes.len());
    match std::str::from_utf8(&bytes[..has]) {
        Ok(text) => Some((text.chars().next().and_then(|c| key(KeyCode::Char(c), KeyModifiers::NONE)), length)),
        Err(error) if error.error_len().is_none() && has < length => None,
        Err(_) => Some((None, 1)),
    }
}

/// What a terminal answers to a question that nobody waits for any more: up to its end, which is BEL or ESC \.
fn answer(rest: &[u8]) -> Found {
    let end = rest.iter().position(|byte| matches!(byte, 7 | 0x1b));
    match end {
        Some(end) if rest[end] == 7 => Some((None, end + 3)),
        Some(end) => match rest.get(end + 1) {
            None => None,
            Some(b'\\') => Some((None, end + 4)),
            Some(_) => Some((None, end + 2)),
        },
        None if rest.len() > ANSWER_MAX => Some((None, rest.len() + 2)),
        None => None,
    }
}

/// What follows ESC [: parameters, then a letter that says what it is.
fn control_sequence(rest: &[u8]) -> Found {
    let end = rest.iter().position(|byte| !(0x20..=0x3f).contains(byte));
    let Some(end) = end else {
        return (rest.len() > ANSWER_MAX).then_some((None, rest.len()));
    };
    let (parameters, final_byte) = (&rest[..end], rest[end]);
    match (parameters, final_byte) {
        // The old encoding of the mouse: three bytes more.
        ([], b'M') => {
            let more = rest.get(1..4)?;
            let at = |byte: u8| u32::from(byte.saturating_sub(32));
            Some((mouse(at(more[0]), at(more[1]), at(more[2]), false), 4))
        }
        // The first function keys of the Linux console.
        ([], b'[') => {
            let which = *rest.get(1)?;
            let event = matches!(which, b'A'..=b'E').then(|| key(KeyCode::F(which - b'A' + 1), KeyModifiers::NONE));
            Some((event.flatten(), 2))
        }
        ([b'<', numbers @ ..], b'M' | b'm') => {
            let event = match numbers_of(numbers)[..] {
                [button, x, y] => mouse(button, x, y, final_byte == b'm'),
                _ => None,
            };
            Some((event, end + 1))
        }
        (_, 0x40..=0x7e) => Some((named(&numbers_of(parameters), final_byte), end + 1)),
        // No end of a sequence: what stands there begins something else.
        _ => Some((None, end)),
    }
}

/// Numbers between semicolons; a part after a colon is a refinement that nobody asked for.
fn numbers_of(parameters: &[u8]) -> Vec<u32> {
    let text = std::str::from_utf8(parameters).unwrap_or_default();
    text.split(';').map(|part| part.split(':').next().unwrap_or_default().parse().unwrap_or(0)).collect()
}

/// What is held beside a key, from xterm's number.
fn held(number: u32) -> KeyModifiers {
    let bits = number.saturating_sub(1);
    [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)]
        .into_iter()
        .filter(|(bit, _)| bits & bit != 0)
        .fold(KeyModifiers::NONE, |all, (_, one)| all | one)
}

/// A key whose sequence ends with a letter.
fn letter(final_byte: u8, held: KeyModifiers) -> Option<Event> {
    let code = match final_byte {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'M' => KeyCode::Enter,
        b'Z' => KeyCode::BackTab,
        b'P'..=b'S' => KeyCode::F(final_byte - b'P' + 1),
        _ => return None,
    };
    key(code, held)
}

/// A key, or the window that was entered or left.
fn named(numbers: &[u32], final_byte: u8) -> Option<Event> {
    let number = |place: usize| numbers.get(place).copied().unwrap_or(0);
    let with = held(number(1));
    let code = match final_byte {
        b'I' => return Some(Event::FocusGained),
        b'O' => return Some(Event::FocusLost),
        // A character as a number, as some terminals send for what has no other name.
        b'u' => return coded(number(0), with),
        b'~' => match number(0) {
            1 | 7 => KeyCode::Home,
            2 => KeyCode::Insert,
            3 => KeyCode::Delete,
            4 | 8 => KeyCode::End,
            5 => KeyCode::PageUp,
            6 => KeyCode::PageDown,
            27 => return coded(number(2), with),
            // The numbers have gaps where a keyboard of 1983 had none of its keys.
            given @ (11..=15 | 17..=21 | 23..=26 | 28..=29 | 31..=34) => {
                let gaps = [16, 22, 27, 30].iter().filter(|gap| given > **gap).count();
                KeyCode::F(u8::try_from(given - 10).ok()? - u8::try_from(gaps).ok()?)
            }
            _ => return None,
        },
        _ => return letter(final_byte, with),
    };
    key(code, with)
}

fn coded(code: u32, held: KeyModifiers) -> Option<Event> {
    let c = char::from_u32(code)?;
    match c {
        '\x1b' => key(KeyCode::Esc, held),
        '\r' => key(KeyCode::Enter, held),
        '\t' if held.contains(KeyModifiers::SHIFT) => key(KeyCode::BackTab, held),
        '\t' => key(KeyCode::Tab, held),
        '\x7f' => key(KeyCode::Backspace, held),
        c if c.is_control() => None,
        c if held.contains(KeyModifiers::SHIFT) => key(KeyCode::Char(c.to_ascii_uppercase()), held),
        c => key(KeyCode::Char(c), held),
    }
}

/// The mouse: which button and how, and where, from 1.
fn mouse(bits: u32, x: u32, y: u32, released: bool) -> Option<Event> {
    let button = match bits & 3 {
        0 => MouseButton::Left,
        1 => MouseButton::Middle,
        _ => MouseButton::Right,
    };
    let kind = match (bits & 64 != 0, bits & 32 != 0, bits & 3) {
        (true, _, 0) => MouseEventKind::ScrollUp,
        (true, _, 1) => MouseEventKind::ScrollDown,
        (true, _, 2) => MouseEventKind::ScrollLeft,
        (true, ..) => MouseEventKind::ScrollRight,
        (false, true, 3) => MouseEventKind::Moved,
        (false, true, _) => MouseEventKind::Drag(button),
        (false, false, 3) => MouseEventKind::Up(MouseButton::Left),
        (false, false, _) if released => MouseEventKind::Up(button),
        (false, false, _) => MouseEventKind::Down(button),
    };
    let modifiers = held((bits >> 2 & 7) + 1);
    let at = |number: u32| u16::try_from(number.saturating_sub(1)).ok();
    Some(Event::Mouse(MouseEvent { kind, column: at(x)?, row: at(y)?, modifiers }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::key::Key;

    /// Keys as they are written, and everything else as it is.
    fn said(events: Vec<Event>) -> Vec<String> {
        let words = |event| match event {
            Event::Key(key) => Key::from(key).to_string(),
            Event::Paste(text) => format!("paste {text:?}"),
            Event::Mouse(mouse) => format!("{:?} at {},{}", mouse.kind, mouse.column, mouse.row),
            other => format!("{other:?}"),
        };
        events.into_iter().map(words).collect()
    }

    fn decoded(bytes: &[u8]) -> Vec<String> {
        said(Decoder::default().take(bytes))
    }

    #[test]
    fn keys_are_read_as_people_write_them() {
        assert_eq!(
            decoded(b"aD\r\t\x7f \x01\x1a"),
            ["a", "D", "enter", "tab", "backspace", "space", "ctrl-a", "ctrl-z"]
        );
        assert_eq!(decoded(b"\x1b[A\x1bOB\x1b[1;5C\x1b[1;2D"), ["up", "down", "ctrl-right", "shift-left"]);
        assert_eq!(decoded(b"\x1b[H\x1b[4~\x1b[5~\x1b[6~\x1b[3~"), ["home", "end", "pageup", "pagedown", "delete"]);
        assert_eq!(
            decoded(b"\x1bOP\x1b[15~\x1b[17~\x1b[21~\x1b[23~\x1b[24~\x1b[34~"),
            ["f1", "f5", "f6", "f10", "f11", "f12", "f20"]
        );
        assert_eq!(decoded(b"\x1b[[A\x1b[Z\x1bx\x1b[1;3A"), ["f1", "shift-tab", "alt-x", "alt-up"]);
        assert_eq!(decoded(b"\x1b[100;5u\x1b[27;5;105~\x1b[100;2u"), ["ctrl-d", "ctrl-i", "D"]);
        assert_eq!(decoded("é漢🦀".as_bytes()), ["é", "漢", "🦀"]);
        assert_eq!(decoded(b"\x1b[I\x1b[O"), ["FocusGained", "FocusLost"]);
    }

    #[test]
    fn escape_alone_is_escape_and_before_something_it_is_not() {
        let mut decoder = Decoder::default();
        assert!(decoder.take(b"\x1b").is_empty());
        assert_eq!(decoder.patience(), Some(ESCAPE_WITHIN));
        assert_eq!(said(decoder.settle()), ["esc"]);
        assert_eq!(decoder.patience(), None);
        assert!(decoder.take(b"\x1b").is_empty());
        assert_eq!(said(decoder.take(b"[A")), ["up"], "the rest came late");
        assert!(decoder.take(b"\x1b\x1b").len() == 1 && decoder.patience() == Some(ESCAPE_WITHIN));
        assert_eq!(said(decoder.settle()), ["esc"]);
        decoder.take(b"\x1b[");
        assert_eq!(decoder.patience(), Some(SEQUENCE_WITHIN), "a slow arrow to the left is no D");
        assert_eq!(said(decoder.settle()), ["alt-["]);
        assert_eq!(said(decoder.take(b"j")), ["j"]);
    }

    #[test]
    fn it_does_not_matter_where_the_bytes_are_cut() {
        let bytes =
            "j\x1b[A\x1b[1;5C漢\x1b[<0;5;7M\x1b[200~a\x1b[20b\x1b[201~\x1b]11;rgb:0/0/0\x1b\\\x1bOPé\x1bxk".as_bytes();
        let whole = decoded(bytes);
        assert_eq!(
            whole,
            ["j", "up", "ctrl-right", "漢", "Down(Left) at 4,6", "paste \"a\\u{1b}[20b\"", "f1", "é", "alt-x", "k"]
        );
        for cut in 0..bytes.len() {
            let mut decoder = Decoder::default();
            let mut events = decoder.take(&bytes[..cut]);
            events.extend(decoder.take(&bytes[cut..]));
            assert_eq!(said(events), whole, "cut at {cut}");
        }
    }

    #[test]
    fn what_means_nothing_is_passed_over() {
        assert_eq!(decoded(b"\x1b[?62;22c\x1b[99~\x1b[1;2\x1b[Aj"), ["up", "j"]);
        assert_eq!(decoded(b"\xff\xc3jk"), ["j", "k"]);
        assert_eq!(decoded(b"\x1b]52;c;\x07\x1bP1+r\x1b\\q"), ["q"]);
    }

    #[test]
    fn the_mouse_is_where_it_is() {
        assert_eq!(
            decoded(b"\x1b[<64;300;2M\x1b[<65;1;1M\x1b[<0;1;1m\x1b[<32;2;2M\x1b[M !!"),
            ["ScrollUp at 299,1", "ScrollDown at 0,0", "Up(Left) at 0,0", "Drag(Left) at 1,1", "Down(Left) at 0,0"]
        );
    }

    #[test]
    fn a_long_paste_is_cut_and_what_follows_is_read() {
        let mut decoder = Decoder::default();
        decoder.take(b"\x1b[200~");
        for _ in 0..100 {
            assert!(decoder.take(&[b'x'; 1000]).is_empty() && decoder.patience().is_none());
        }
        let events = decoder.take(b"\x1b[201~j");
        assert!(matches!(&events[0], Event::Paste(text) if text.len() == PASTE_MAX));
        assert_eq!(said(events[1..].to_vec()), ["j"]);
    }
}
