//! Keys as people write them: `q`, `D`, `ctrl-d`, `shift-tab`, `space`, `f5`.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key with what is held beside it. Shift is part of a character (`D`), and said only beside named keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Hash)]
pub struct Key {
    /// Which key.
    pub code: KeyCode,
    /// Control.
    pub ctrl: bool,
    /// Alt, or Escape before it.
    pub alt: bool,
    /// Shift, beside named keys only.
    pub shift: bool,
}

/// The named keys and their spellings; the first is the one that is written.
const NAMED: &[(KeyCode, &[&str])] = &[
    (KeyCode::Enter, &["enter", "return"]),
    (KeyCode::Esc, &["esc", "escape"]),
    (KeyCode::Tab, &["tab"]),
    (KeyCode::Backspace, &["backspace"]),
    (KeyCode::Delete, &["delete"]),
    (KeyCode::Up, &["up"]),
    (KeyCode::Down, &["down"]),
    (KeyCode::Left, &["left"]),
    (KeyCode::Right, &["right"]),
    (KeyCode::Home, &["home"]),
    (KeyCode::End, &["end"]),
    (KeyCode::PageUp, &["pageup"]),
    (KeyCode::PageDown, &["pagedown"]),
    (KeyCode::Char(' '), &["space"]),
];

impl Key {
    /// A key without anything held.
    pub const fn plain(code: KeyCode) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    /// Whether it is what ends programs elsewhere.
    pub const fn is_interrupt(self) -> bool {
        self.ctrl && !self.alt && matches!(self.code, KeyCode::Char('c'))
    }

    /// The character that it types, if it types one.
    pub const fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let held = |modifier| event.modifiers.contains(modifier);
        let (code, shift) = match event.code {
            KeyCode::BackTab => (KeyCode::Tab, true),
            KeyCode::Char(c) => (KeyCode::Char(c), false),
            code => (code, held(KeyModifiers::SHIFT)),
        };
        Self { code, ctrl: held(KeyModifiers::CONTROL), alt: held(KeyModifiers::ALT), shift }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        match (NAMED.iter().find(|(code, _)| *code == self.code), self.code) {
            (Some((_, names)), _) => f.write_str(names[0]),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, KeyCode::F(number)) => write!(f, "f{number}"),
            (None, code) => write!(f, "{code}"),
        }
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut key = Self::plain(KeyCode::Null);
        let mut rest = text;
        loop {
            let lower = rest.to_ascii_lowercase();
            let (held, length) = match &lower {
                held if held.starts_with("ctrl-") => (&mut key.ctrl, 5),
                held if held.starts_with("alt-") => (&mut key.alt, 4),
                held if held.starts_with("shift-") => (&mut key.shift, 6),
                _ => break,
            };
            *held = true;
            rest = &rest[length..];
        }
        let lower = rest.to_ascii_lowercase();
        let mut chars = rest.chars();
        key.code = match (chars.next(), chars.next()) {
            (Some(c), None) if key.shift => {
                key.shift = false;
                KeyCode::Char(c.to_ascii_uppercase())
            }
            (Some(c), None) => KeyCode::Char(c),
            _ => match NAMED.iter().find(|(_, names)| names.contains(&lower.as_str())) {
                Some((code, _)) => *code,
                None => match lower.strip_prefix('f').and_then(|number| number.parse().ok()) {
                    Some(number @ 1..=24) => KeyCode::F(number),
                    _ => return Err(format!("{text:?} is no key; write q, D, ctrl-d, space, enter, esc, tab, up, f5")),
                },
            },
        };
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in ["q", "D", "ctrl-d", "shift-tab", "space", "f5", "alt-x", "enter", "?", ":", "-"] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        assert_eq!("shift-d".parse::<Key>().unwrap().to_string(), "D");
        assert!("hyper".parse::<Key>().is_err());
        assert!("".parse::<Key>().is_err());
    }
}
