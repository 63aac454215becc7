//! Bytes from the terminal as events: keys, mouse, pastes, focus, and its answers to what it was asked.
//!
//! crossterm's reader waits for the edge of readiness on a descriptor that may block. A signal that comes together with a key, or more
//! keys than fit into one of its reads, leave bytes lying that it is not told of again, and half a sequence holds it fast. So bytes are
//! read by `input`, and understood here; the forms are those of xterm's control sequences (Dickey, "Xterm Control Sequences"). Pastes are
//! text whatever is in them, and a sequence that nobody knows is passed over, not taken for keys.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::probe;

/// What ends a paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// The most of a paste that is kept, in bytes; what follows is read and dropped.
const PASTE_MAX: usize = 1 << 20;

/// The longest sequence that is waited for, in bytes; nothing that is asked for is as long.
const SEQUENCE_MAX: usize = 4096;

/// How long to wait after an Escape: terminals write a sequence in one piece, so that its rest is here already.
const ESCAPE_WITHIN: Duration = Duration::ZERO;

/// How long the rest of a sequence may take.
const SEQUENCE_WITHIN: Duration = Duration::from_millis(500);

/// What was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A key, the mouse, a paste or the focus.
    Event(Event),
    /// Whether the terminal's ground is light.
    Ground(bool),
}

/// How far the beginning of the bytes is understood.
enum Step {
    /// So many bytes are this, or nothing that matters.
    Done(usize, Option<Decoded>),
    /// More has to come.
    More,
}

/// Understands bytes as they come.
#[derive(Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// What was pasted so far, while a paste goes on.
    paste: Option<Vec<u8>>,
    /// Whether the last thing was an Escape by itself, just now.
    escaped: bool,
}

impl Decoder {
    /// Takes bytes and gives what they complete.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Decoded> {
        // A sequence that was torn apart behind its Escape is one all the same: its rest is never taken for keys.
        if std::mem::take(&mut self.escaped) && matches!(bytes, [b'[' | b'O', ..]) {
            self.bytes.push(0x1b);
        }
        self.bytes.extend_from_slice(bytes);
        self.decode(false)
    }

    /// How long to wait for more of what has begun; `None` when nothing has. An Escape by itself is a key and soon taken for one. What is
    /// more than that has begun a sequence, and its rest comes late on a bad line: taken for keys it might do anything. A paste is
    /// waited for however long it takes.
    pub fn patience(&self) -> Option<Duration> {
        match (&self.bytes[..], &self.paste) {
            ([], _) | (_, Some(_)) => None,
            ([0x1b], _) => Some(ESCAPE_WITHIN),
            _ => Some(SEQUENCE_WITHIN),
        }
    }

    /// Takes note that nothing more comes for now: what has begun was a key by itself, such as Escape, or is given up.
    pub fn rest(&mut self) -> Vec<Decoded> {
        self.escaped = self.bytes == [0x1b];
        self.decode(true)
    }

    /// Takes note that so much time has passed since the last bytes that what comes now belongs to no Escape before.
    pub const fn pause(&mut self) {
        self.escaped = false;
    }

    fn decode(&mut self, complete: bool) -> Vec<Decoded> {
        let mut found = Vec::new();
        let mut at = 0;
        loop {
            if self.paste.is_some() {
                let Some(text) = self.paste_on(&mut at) else { break };
                found.push(Decoded::Event(Event::Paste(text)));
            }
            let here = &self.bytes[at..];
            if here.is_empty() {
                break;
            }
            if here.starts_with(b"\x1b[200~") {
                at += 6;
                self.paste = Some(Vec::new());
                continue;
            }
            match step(here, complete || here.len() > SEQUENCE_MAX) {
                Step::Done(length, event) => {
                    at += length;
                    found.extend(event);
                }
                Step::More => break,
            }
        }
        self.bytes.drain(..at);
        found
    }

    /// Goes on with a paste from `at`; the text when its end is there.
    fn paste_on(&mut self, at: &mut usize) -> Option<String> {
        let here = &self.bytes[*at..];
        let end = here.windows(PASTE_END.len()).position(|part| part == PASTE_END);
        // The beginning of the end may be here already.
        let upto = end.unwrap_or(here.len().saturating_sub(PASTE_END.len() - 1));
        let paste = self.paste.get_or_insert_default();
        let room = PASTE_MAX.saturating_sub(paste.len());
        paste.extend_from_slice(&here[..upto.min(room)]);
        *at += upto;
        end?;
        *at += PASTE_END.len();
        let pasted = self.paste.take().unwrap_or_default();
        Some(String::from_utf8_lossy(&pasted).into_owned())
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Decoded {
    Decoded::Event(Event::Key(KeyEvent::new(code, modifiers)))
}

/// Understands the beginning of `bytes`, of which there is at least one; `complete` when nothing more comes.
fn step(bytes: &[u8], complete: bool) -> Step {
    if bytes[0] != 0x1b {
        return match character(bytes, complete) {
            Some((length, Some((code, modifiers)))) => Step::Done(length, Some(key(code, modifiers))),
            Some((length, None)) => Step::Done(length, None),
            None => Step::More,
        };
    }
    let found = match bytes.get(1) {
        None => Step::More,
        // Twice Escape: the second may begin something.
        Some(0x1b) => Step::Done(1, Some(key(KeyCode::Esc, KeyModifiers::NONE))),
        Some(b'[') => control(bytes),
        Some(b'O') => match bytes.get(2) {
            Some(letter) => Step::Done(3, named(*letter).map(|code| key(code, KeyModifiers::NONE))),
            None => Step::More,
        },
        Some(b']' | b'P' | b'_' | b'^') => command(bytes),
        Some(_) => match character(&bytes[1..], complete) {
            Some((length, held)) => {
                Step::Done(length + 1, held.map(|(code, modifiers)| key(code, modifiers | KeyModifiers::ALT)))
            }
            None => Step::More,
        },
    };
    match (found, bytes) {
        (Step::More, [_]) if complete => Step::Done(1, Some(key(KeyCode::Esc, KeyModifiers::NONE))),
        // A key with Alt that looks like the beginning of a sequence.
        (Step::More, [_, letter]) if complete => {
            Step::Done(2, Some(key(KeyCode::Char(char::from(*letter)), KeyModifiers::ALT)))
        }
        (Step::More, _) if complete => Step::Done(bytes.len(), None),
        (found, _) => found,
    }
}

/// A character or a control key, and its length; nothing where the bytes are no text. `None` when more has to come.
fn character(bytes: &[u8], complete: bool) -> Option<(usize, Option<(KeyCode, KeyModifiers)>)> {
    let control = |letter: u8| (KeyCode::Char(char::from(letter)), KeyModifiers::CONTROL);
    let plain = |code| (code, KeyModifiers::NONE);
    let one = match bytes[0] {
        0 => control(b' '),
        b'\r' => plain(KeyCode::Enter),
        b'\t' => plain(KeyCode::Tab),
        0x7f => plain(KeyCode::Backspace),
        byte @ 1..=0x1a => control(byte - 1 + b'a'),
        byte @ 0x1c..=0x1f => control(byte - 0x1c + b'4'),
        byte @ 0x20..=0x7e => plain(KeyCode::Char(char::from(byte))),
        _ => {
            let length = match bytes[0] {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => return Some((1, None)),
            };
            let here = &bytes[..length.min(bytes.len())];
            return match std::str::from_utf8(here) {
                Ok(text) => Some((length, text.chars().next().map(|c| plain(KeyCode::Char(c))))),
                Err(error) if error.error_len().is_none() && !complete => None,
                Err(_) => Some((1, None)),
            };
        }
    };
    Some((1, Some(one)))
}

/// The key of a sequence's last letter.
const fn named(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'M' => KeyCode::Enter,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        b'R' => KeyCode::F(3),
        b'S' => KeyCode::F(4),
        _ => return None,
    })
}

/// The key of a sequence's number before `~`.
fn numbered(number: u16) -> Option<KeyCode> {
    let function = |first: u16, key: u8| u8::try_from(number - first).ok().map(|more| KeyCode::F(key + more));
    match number {
        1 | 7 => Some(KeyCode::Home),
        2 => Some(KeyCode::Insert),
        3 => Some(KeyCode::Delete),
        4 | 8 => Some(KeyCode::End),
        5 => Some(KeyCode::PageUp),
        6 => Some(KeyCode::PageDown),
        11..=15 => function(11, 1),
        17..=21 => function(17, 6),
        23 | 24 => function(23, 11),
        _ => None,
    }
}

/// What is held beside a key, as sequences say it: one more than the sum of Shift 1, Alt 2, Control 4.
fn held(parameter: Option<u16>) -> KeyModifiers {
    let bits = parameter.unwrap_or(1).saturating_sub(1);
    let each = [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)];
    each.into_iter().filter(|(bit, _)| bits & bit != 0).fold(KeyModifiers::NONE, |all, (_, one)| all | one)
}

/// A control sequence, from `ESC [` on.
fn control(bytes: &[u8]) -> Step {
    match &bytes[2..] {
        // The Linux console's function keys.
        [b'[', letter, ..] => {
            let code = (b'A'..=b'E').contains(letter).then(|| KeyCode::F(letter - b'A' + 1));
            return Step::Done(4, code.map(|code| key(code, KeyModifiers::NONE)));
        }
        // The mouse as terminals tell it that do not know the newer form.
        [b'M', button, column, line, ..] => {
            let place = |byte: u8| u16::from(byte.saturating_sub(33));
            return Step::Done(6, mouse(u16::from(button.saturating_sub(32)), place(*column), place(*line), false));
        }
        [b'[' | b'M', ..] => return Step::More,
        _ => {}
    }
    let Some(length) = bytes[2..].iter().position(|byte| !(0x20..=0x3f).contains(byte)) else { return Step::More };
    let (parameters, last) = (&bytes[2..2 + length], bytes[2 + length]);
    // What is no sequence after all ends before the byte that shows it.
    if !(0x40..=0x7e).contains(&last) {
        return Step::Done(2 + length, None);
    }
    let text = std::str::from_utf8(parameters).unwrap_or_default();
    let number = |place: usize| text.trim_start_matches('<').split(';').nth(place)?.parse::<u16>().ok();
    let event = match last {
        b'M' | b'm' if text.starts_with('<') => match (number(0), number(1), number(2)) {
            (Some(button), Some(column), Some(line)) => {
                mouse(button, column.saturating_sub(1), line.saturating_sub(1), last == b'm')
            }
            _ => None,
        },
        _ if text.starts_with(['<', '=', '>', '?']) => None,
        b'I' => Some(Decoded::Event(Event::FocusGained)),
        b'O' => Some(Decoded::Event(Event::FocusLost)),
        b'Z' => Some(key(KeyCode::BackTab, KeyModifiers::SHIFT)),
        b'~' => number(0).and_then(numbered).map(|code| key(code, held(number(1)))),
        // With two numbers it is a report of the cursor's place.
        b'R' if number(0) != Some(1) && !text.is_empty() => None,
        letter => named(letter).map(|code| key(code, held(number(1)))),
    };
    Step::Done(3 + length, event)
}

/// What the mouse did; places count from zero.
fn mouse(button: u16, column: u16, row: u16, up: bool) -> Option<Decoded> {
    let which = match button & 0b1100_0011 {
        0 => Some(MouseButton::Left),
        1 => Some(MouseButton::Middle),
        2 => Some(MouseButton::Right),
        _ => None,
    };
    let kind = match (button & 0b1100_0011, which, button & 0b10_0000 != 0) {
        (_, Some(which), _) if up => MouseEventKind::Up(which),
        (_, Some(which), false) => MouseEventKind::Down(which),
        (_, Some(which), true) => MouseEventKind::Drag(which),
        (3, None, false) => MouseEventKind::Up(MouseButton::Left),
        (3, None, true) => MouseEventKind::Moved,
        (64, ..) => MouseEventKind::ScrollUp,
        (65, ..) => MouseEventKind::ScrollDown,
        (66, ..) => MouseEventKind::ScrollLeft,
        (67, ..) => MouseEventKind::ScrollRight,
        _ => return None,
    };
    let each = [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)];
    let modifiers =
        each.into_iter().filter(|(bit, _)| button & bit != 0).fold(KeyModifiers::NONE, |all, (_, one)| all | one);
    Some(Decoded::Event(Event::Mouse(MouseEvent { kind, column, row, modifiers })))
}

/// A command of the operating system or a string for a device, from `ESC ]` and the like to its end: an answer.
fn command(bytes: &[u8]) -> Step {
    let bell = bytes.iter().position(|byte| *byte == 7).map(|end| (end, 1));
    let end = bytes.windows(2).skip(1).position(|pair| pair == b"\x1b\\").map(|end| (end + 1, 2));
    let first = [bell, end].into_iter().flatten().min();
    let Some((end, length)) = first else { return Step::More };
    let light = bytes[..end].strip_prefix(b"\x1b]11;").and_then(probe::is_light);
    Step::Done(end + length, light.map(Decoded::Ground))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What bytes are, when they come at once and nothing follows, as words.
    fn words(bytes: &[u8]) -> String {
        let mut decoder = Decoder::default();
        let mut found = decoder.take(bytes);
        found.extend(decoder.rest());
        assert!(decoder.patience().is_none(), "nothing is kept back");
        found.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    fn word(decoded: &Decoded) -> String {
        match decoded {
            Decoded::Event(Event::Key(event)) => crate::ui::key::Key::from(*event).to_string(),
            Decoded::Event(Event::Paste(text)) => format!("paste({text})"),
            Decoded::Event(Event::Mouse(event)) => format!("{:?}@{},{}", event.kind, event.column, event.row),
            Decoded::Event(other) => format!("{other:?}"),
            Decoded::Ground(light) => format!("light={light}"),
        }
    }

    #[test]
    fn a_sequence_that_has_begun_is_given_longer_than_an_escape() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.take(b"\x1b"), []);
        assert_eq!(decoder.patience(), Some(ESCAPE_WITHIN));
        assert_eq!(decoder.take(b"["), []);
        assert_eq!(decoder.patience(), Some(SEQUENCE_WITHIN), "the rest of a left arrow would be a D");
        assert_eq!(decoder.take(b"D"), [key(KeyCode::Left, KeyModifiers::NONE)]);
        assert_eq!(decoder.patience(), None);
        let escape = [key(KeyCode::Esc, KeyModifiers::NONE)];
        assert_eq!((decoder.take(b"\x1b"), decoder.rest()), (vec![], escape.to_vec()));
        assert_eq!(decoder.take(b"[D"), [key(KeyCode::Left, KeyModifiers::NONE)], "torn apart, and no D all the same");
        assert_eq!((decoder.take(b"\x1b"), decoder.rest()), (vec![], escape.to_vec()));
        decoder.pause();
        let typed = [key(KeyCode::Char('['), KeyModifiers::NONE), key(KeyCode::Char('D'), KeyModifiers::NONE)];
        assert_eq!(decoder.take(b"[D"), typed, "typed a while later");
    }

    #[test]
    fn keys_as_terminals_send_them() {
        for (bytes, expected) in [
            ("jG é名", "j G space é 名"),
            ("\r\t\x7f\x01\x1a", "enter tab backspace ctrl-a ctrl-z"),
            ("\x1b", "esc"),
            ("\x1b\x1b", "esc esc"),
            ("\x1b[A\x1bOB\x1b[1;5C\x1b[1;3D", "up down ctrl-right alt-left"),
            ("\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[5~\x1b[6~\x1b[3~", "home end home end pageup pagedown delete"),
            ("\x1b[Z\x1bOP\x1b[11~\x1b[[A\x1b[15~\x1b[24~", "shift-tab f1 f1 f1 f5 f12"),
            ("\x1bx\x1bé\x1b[\x1bO", "alt-x alt-é"),
            ("\x1b[I\x1b[O", "FocusGained FocusLost"),
            ("\x1b[<0;10;3M\x1b[<0;10;3m\x1b[<65;1;1M", "Down(Left)@9,2 Up(Left)@9,2 ScrollDown@0,0"),
            ("\x1b[M !!", "Down(Left)@0,0"),
        ] {
            let words = words(bytes.as_bytes());
            assert!(
                words == expected || words.starts_with(&format!("{expected} ")),
                "{bytes:?}: {words}, not {expected}"
            );
        }
        assert_eq!(words(b"\x1b["), "alt-[");
    }

    #[test]
    fn answers_are_told_from_keys_whenever_they_come() {
        assert_eq!(words(b"j\x1b]11;rgb:ffff/fafa/f0f0\x1b\\k\x1b[?62;22cl"), "j light=true k l");
        assert_eq!(words(b"\x1b]11;rgb:1111/1515/1a1a\x07\x1b[?6cq"), "light=false q");
    }

    #[test]
    fn what_nobody_knows_is_passed_over_and_is_no_key() {
        for bytes in [
            "\x1b[99;99R",
            "\x1b[200;1u",
            "\x1b[>0;276;0c",
            "\x1b]52;c;eA==\x07",
            "\x1bP1$r0m\x1b\\",
            "\x1b[5n",
            "\x1b[<1;2M",
        ] {
            assert_eq!(words(format!("{bytes}j").as_bytes()), "j", "{bytes:?}");
        }
        assert_eq!(words(b"\xff\xfej\xc3k"), "j k");
        assert_eq!(words(b"\x1b[12"), "", "half a sequence after which nothing comes");
    }

    #[test]
    fn a_paste_is_text_whatever_is_in_it() {
        assert_eq!(words(b"\x1b[200~q\x1b[A\r\x03\x1b[20\x1b[201~j"), "paste(q\u{1b}[A\r\u{3}\u{1b}[20) j");
        let mut decoder = Decoder::default();
        decoder.take(b"\x1b[200~");
        for _ in 0..40 {
            assert!(decoder.take(&vec![b'x'; 64 * 1024]).is_empty());
            assert!(decoder.patience().is_none(), "nobody hurries a paste");
            assert!(decoder.rest().is_empty());
        }
        let found = decoder.take(b"\x1b[201~j");
        let [Decoded::Event(Event::Paste(text)), last] = &found[..] else { panic!("{} events", found.len()) };
        assert_eq!((text.len(), word(last)), (PASTE_MAX, "j".to_owned()));
    }

    proptest! {
        #[test]
        fn bytes_in_pieces_are_the_same_as_in_one(
            parts in prop::collection::vec(prop::sample::select(vec![
                "j", "é", "\x1b[A", "\x1b[1;5C", "\x1bOP", "\x1b[200~a\x1b[b\x1b[201~", "\x1b[<0;10;3M", "\x1b[?62c", "\x1b]11;rgb:0/0/0\x07", "\r", "\x1b[I",
            ]), 0..12),
            cut in 1usize..5,
        ) {
            let bytes = parts.concat().into_bytes();
            let mut decoder = Decoder::default();
            let pieces: Vec<Decoded> = bytes.chunks(cut).flat_map(|piece| decoder.take(piece)).collect();
            prop_assert_eq!(pieces, Decoder::default().take(&bytes));
        }

        #[test]
        fn whatever_comes_ends(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut decoder = Decoder::default();
            decoder.take(&bytes);
            decoder.rest();
            prop_assert!(decoder.patience().is_none());
        }
    }
}
