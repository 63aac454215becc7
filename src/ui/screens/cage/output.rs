//! The last lines of what an execution wrote.

use ratatui::text::{Line, Span};

use crate::domain::spool::{self, Stream};
use crate::ui::look::Look;
use crate::ui::text;
use crate::ui::theme::Role;

/// How much of the output's end is asked for, in bytes: more lines than fit on a screen, of ordinary length.
pub const TAIL_BYTES: u64 = 8 * 1024;

/// The most lines that are kept.
const LINES_MAX: usize = 200;

/// One line and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    stream: Stream,
    text: String,
}

/// The lines in spooled chunks. A line that a program wrote in pieces is one line; streams are kept apart.
pub fn read(bytes: &[u8]) -> Vec<Written> {
    let mut lines: Vec<Written> = Vec::new();
    // What each stream has begun and not ended.
    let mut open: [Vec<u8>; 3] = Default::default();
    let streams = [Stream::Out, Stream::Err, Stream::Note];
    let mut end = |stream: Stream, content: &[u8]| lines.push(Written { stream, text: plain(content) });
    let mut rest = bytes;
    while let Some((chunk, length)) = spool::decode(rest) {
        rest = &rest[length..];
        let Some(begun) = streams.iter().position(|stream| *stream == chunk.stream).map(|place| &mut open[place])
        else {
            continue;
        };
        for part in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
            begun.extend_from_slice(part.strip_suffix(b"\n").unwrap_or(part));
            if part.ends_with(b"\n") {
                end(chunk.stream, begun);
                begun.clear();
            }
        }
    }
    for (stream, begun) in streams.into_iter().zip(&open).filter(|(_, begun)| !begun.is_empty()) {
        end(stream, begun);
    }
    lines.drain(..lines.len().saturating_sub(LINES_MAX));
    lines
}

/// One line without colours and other sequences for terminals; of what a program wrote over itself (carriage return),
/// what was written last.
fn plain(content: &[u8]) -> String {
    let content = String::from_utf8_lossy(content);
    let content = content.trim_end_matches('\r');
    let last = content.rsplit('\r').next().unwrap_or(content);
    let mut out = String::with_capacity(last.len());
    let mut chars = last.chars();
    while let Some(c) = chars.next() {
        if c != '\x1b' {
            out.push(c);
        } else if chars.as_str().starts_with('[') {
            chars.next();
            // Parameters up to the letter that ends the sequence.
            for c in chars.by_ref() {
                if ('\x40'..='\x7e').contains(&c) {
                    break;
                }
            }
        }
    }
    text::clean(&out).into_owned()
}

/// A line as it is drawn: what does not come from standard output bears a sign.
pub fn line(written: &Written, room: usize, look: &Look<'_>) -> Line<'static> {
    let (sign, role) = match written.stream {
        Stream::Out => (" ", Role::Text),
        Stream::Err => ("!", Role::Warn),
        Stream::Note => ("#", Role::Dim),
    };
    Line::from(vec![
        Span::styled(format!("{sign} "), look.style(role)),
        Span::styled(text::fit(&written.text, room.saturating_sub(2)).into_owned(), look.style(role)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::spool::Chunk;

    fn spooled(chunks: &[(Stream, &str)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (stream, content) in chunks {
            spool::encode(Chunk { stream: *stream, time: Timestamp::EPOCH, bytes: content.as_bytes() }, &mut bytes);
        }
        bytes
    }

    #[test]
    fn lines_come_whole_and_harmless() {
        let bytes = spooled(&[
            (Stream::Out, "one\ntw"),
            (Stream::Err, "\x1b[31mred\x1b[0m\n"),
            (Stream::Out, "o\n 10%\r 50%\r100%\r\n\x1b]0;title\x07tail"),
        ]);
        let lines: Vec<(Stream, String)> = read(&bytes).into_iter().map(|line| (line.stream, line.text)).collect();
        assert_eq!(lines[0], (Stream::Out, "one".to_owned()));
        assert_eq!(lines[1], (Stream::Err, "red".to_owned()));
        assert_eq!(lines[2], (Stream::Out, "two".to_owned()));
        assert_eq!(lines[3], (Stream::Out, "100%".to_owned()));
        assert_eq!(lines[4].0, Stream::Out);
        assert!(lines[4].1.ends_with("tail") && !lines[4].1.chars().any(char::is_control), "{:?}", lines[4]);
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let many = (0..1000).map(|number| number.to_string()).collect::<Vec<_>>().join("\n");
        let lines = read(&spooled(&[(Stream::Out, &many)]));
        assert_eq!((lines.len(), lines[lines.len() - 1].text.as_str()), (LINES_MAX, "999"));
    }
}
