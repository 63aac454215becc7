//! What programs write and what comes of it.

use proptest::prelude::*;
use ratatui::style::Color;

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
fn a_line_ends_as_a_terminal_would_show_it() {
    let cases: &[(&[u8], &[&str])] = &[
        (b" 10 %\r 20 %\r100 %\r\ndone\r\n", &["100 %", "done"]),
        // What is not written over stays.
        (b"checking the archive\rok\n", &["okecking the archive"]),
        (b"first\rsecond\r", &["second"]),
        (b"downloading 98 %\r\x1b[Kdone\n", &["done"]),
        (b"downloading 98 %\x1b[2K\rdone\n", &["done"]),
        (b"abc\rx\x1b[1Ky\n", &[" yc"]),
        (b"a\tb\rx\ty\n", &["x       y"]),
        ("naïve 名\rMAI\n".as_bytes(), &["MAIve 名"]),
        (b"\x1b[31mred\x1b[m\rgr\n", &["grd"]),
    ];
    for (bytes, expected) in cases {
        assert_eq!(texts(bytes), *expected, "{}", bytes.escape_ascii());
    }
    let red = Style::new().fg(Color::Indexed(1));
    let line = TextLine::of([(own(Style::new()), "gr"), (own(red), "d")]);
    assert_eq!(lines_of(b"\x1b[31mred\x1b[m\rgr"), [line]);
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
