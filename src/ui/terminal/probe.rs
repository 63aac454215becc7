//! Asks the terminal for the colour of its ground, after the first frame is out, and never waits long for the answer.
//!
//! The question (OSC 11) is followed by one that every terminal answers (primary device attributes), so that a terminal
//! that does not know the first is told apart from one that is slow. What is typed meanwhile comes over the same wire
//! and is handed back as bytes.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// What to send.
pub const QUESTION: &str = "\x1b]11;?\x1b\\\x1b[c";

/// How long the answer may take, more than the round trip of a bad link. One that comes later is passed over.
const WITHIN: Duration = Duration::from_millis(700);

/// What came.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Whether the ground is light; `None` when the terminal does not say.
    pub light: Option<bool>,
    /// Everything else that came: keys.
    pub rest: Vec<u8>,
}

/// Reads until both answers are here or the time is over.
pub fn listen(terminal: &OwnedFd) -> Found {
    let until = Instant::now() + WITHIN;
    let mut bytes = Vec::new();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let found = take_apart(&bytes);
        if let (Some(found), _) = &found {
            return Found { light: found.light, rest: found.rest.clone() };
        }
        if left.is_zero() {
            return found.1;
        }
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(left.subsec_nanos()) };
        let mut fds = [PollFd::new(terminal, PollFlags::IN)];
        if !matches!(poll(&mut fds, Some(&timeout)), Ok(1..)) {
            continue;
        }
        let mut buffer = [0; 512];
        match rustix::io::read(terminal, &mut buffer) {
            Ok(0) | Err(_) => return found.1,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// What is known so far: complete once the second answer is here; else what there is.
fn take_apart(bytes: &[u8]) -> (Option<Found>, Found) {
    let mut found = Found::default();
    let mut complete = false;
    let mut at = 0;
    while at < bytes.len() {
        let here = &bytes[at..];
        if here.starts_with(b"\x1b]11;") {
            let end = here.iter().position(|byte| *byte == 7).map(|end| (end, 1));
            let end = end.or_else(|| here.windows(2).position(|pair| pair == b"\x1b\\").map(|end| (end, 2)));
            let Some((end, length)) = end else { break };
            found.light = is_light(&here[5..end]).or(found.light);
            at += end + length;
        } else if here.starts_with(b"\x1b[?")
            && let Some(end) = here.iter().position(|byte| *byte == b'c')
        {
            complete = true;
            at += end + 1;
        } else {
            found.rest.push(bytes[at]);
            at += 1;
        }
    }
    let copy = Found { light: found.light, rest: found.rest.clone() };
    (complete.then_some(copy), found)
}

/// Reads `rgb:RRRR/GGGG/BBBB`.
fn is_light(color: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(color).ok()?;
    let channels = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let mut shares = channels.split('/').take(3).map(|channel| {
        let full = 16f64.powi(i32::try_from(channel.len()).ok()?) - 1.0;
        Some(f64::from(u32::from_str_radix(channel, 16).ok()?) / full)
    });
    let (red, green, blue) = (shares.next()??, shares.next()??, shares.next()??);
    Some(0.299 * red + 0.587 * green + 0.114 * blue > 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_from_keys() {
        let (found, _) = take_apart(b"j\x1b]11;rgb:ffff/fafa/f0f0\x1b\\k\x1b[?62;22cl");
        assert_eq!(found, Some(Found { light: Some(true), rest: b"jkl".to_vec() }));
        let (found, _) = take_apart(b"\x1b]11;rgb:1111/1515/1a1a\x07\x1b[?6c");
        assert_eq!(found, Some(Found { light: Some(false), rest: vec![] }));
        let (found, so_far) = take_apart(b"q\x1b]11;rgb:11");
        assert_eq!((found, so_far.rest), (None, b"q".to_vec()));
        let (found, _) = take_apart(b"\x1b[?1;2c");
        assert_eq!(found, Some(Found::default()));
    }
}
