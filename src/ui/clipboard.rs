//! The clipboard of whoever sits at the terminal, reached through it (OSC 52), also over SSH.

use std::fmt::Write;

/// The sequence that puts `text` into the clipboard; inside tmux wrapped, so that it reaches the outer terminal.
pub fn sequence(text: &str, tmux: bool) -> String {
    let inner = format!("\x1b]52;c;{}\x07", base64(text.as_bytes()));
    if tmux { wrap_for_tmux(&inner) } else { inner }
}

/// A sequence that tmux hands on to the terminal around it.
pub fn wrap_for_tmux(sequence: &str) -> String {
    let mut out = String::from("\x1bPtmux;");
    for c in sequence.chars() {
        if c == '\x1b' {
            out.push('\x1b');
        }
        out.push(c);
    }
    out.push_str("\x1b\\");
    out
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().enumerate().fold(0u32, |word, (place, byte)| word | u32::from(*byte) << (16 - 8 * place));
        for place in 0..4 {
            let sextet = (word >> (18 - 6 * place)) & 63;
            // Writing to a string cannot fail.
            let _ = if place <= chunk.len() {
                out.write_char(char::from(ALPHABET[sextet as usize]))
            } else {
                out.write_char('=')
            };
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_the_rfc() {
        for (text, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
        assert_eq!(sequence("foo", true), "\x1bPtmux;\x1b\x1b]52;c;Zm9v\x07\x1b\\");
    }
}
