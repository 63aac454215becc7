//! The part of an artifact's bytes that is here: some pages in a row, of which the furthest goes when another comes.

use std::borrow::Cow;
use std::ops::Range;

use crate::ui::document::PART;

/// Bytes of a page.
pub const PAGE: u64 = 64 * 1024;

/// The most pages that are kept of one artifact.
pub const PAGES_MAX: u64 = 4;

/// Some pages in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The place of its first byte, a multiple of [`PAGE`].
    start: u64,
    bytes: Vec<u8>,
    /// The artifact's length.
    size: u64,
    /// How many lines lie before what is shown; `None` after a jump, when nobody has counted them.
    lines_before: Option<u32>,
}

impl Window {
    /// One that begins with a page at `start`.
    pub fn new(start: u64, bytes: Vec<u8>, size: u64) -> Self {
        Self { start, bytes, size, lines_before: (start == 0).then_some(0) }
    }

    /// Where it ends.
    pub fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Whether the artifact goes on after it.
    pub fn has_more_after(&self) -> bool {
        self.end() < self.size && !self.bytes.is_empty()
    }

    /// Whether the artifact begins before it.
    pub const fn has_more_before(&self) -> bool {
        self.start > 0
    }

    /// Whether all of the artifact is here.
    pub fn is_whole(&self) -> bool {
        !self.has_more_before() && !self.has_more_after()
    }

    /// Where the page before it begins.
    pub const fn before(&self) -> u64 {
        self.start.saturating_sub(PAGE)
    }

    /// The artifact's first bytes, if they are here.
    pub fn head(&self) -> Option<&[u8]> {
        (self.start == 0).then_some(self.bytes.as_slice())
    }

    /// Takes the page that follows; gives how many parts of lines went at the beginning.
    pub fn append(&mut self, page: &[u8]) -> usize {
        if page.is_empty() {
            // It is shorter than was said; asking again would bring nothing either.
            self.size = self.end();
        }
        self.bytes.extend_from_slice(page);
        let pages = (self.bytes.len() as u64).div_ceil(PAGE);
        let Some(over) = pages.checked_sub(PAGES_MAX).filter(|over| *over > 0) else { return 0 };
        let drop = usize::try_from(over * PAGE).unwrap_or(0).min(self.bytes.len());
        let from = self.shown().start;
        let to = drop + first_line(&self.bytes[drop..], true);
        let went = self.bytes.get(from..to).unwrap_or_default();
        let parts = parts(went);
        self.lines_before = self.lines_before.map(|before| before.saturating_add(line_ends(went)));
        self.bytes.drain(..drop);
        self.start += drop as u64;
        parts
    }

    /// Takes the page before it; gives how many parts of lines came at the beginning.
    pub fn prepend(&mut self, page: &[u8]) -> usize {
        if page.is_empty() {
            // As above: there is nothing before after all.
            self.start = 0;
            return 0;
        }
        let was = self.shown().start + page.len();
        self.start = self.start.saturating_sub(page.len() as u64);
        self.bytes.splice(..0, page.iter().copied());
        self.bytes.truncate(usize::try_from(PAGES_MAX * PAGE).unwrap_or(usize::MAX));
        let from = self.shown().start;
        let came = self.bytes.get(from..was.min(self.bytes.len())).unwrap_or_default();
        let (parts, ends) = (parts(came), line_ends(came));
        self.lines_before = if self.start == 0 { Some(0) } else { self.lines_before.map(|n| n.saturating_sub(ends)) };
        parts
    }

    /// The bytes that are shown: whole lines, except at the artifact's ends and where a line is longer than can be.
    fn shown(&self) -> Range<usize> {
        let from = first_line(&self.bytes, self.start > 0);
        let to = if self.has_more_after() {
            self.bytes.iter().rposition(|byte| *byte == b'\n').map_or(self.bytes.len(), |place| place + 1)
        } else {
            self.bytes.len()
        };
        from..to.max(from)
    }

    /// Where the part that is shown begins and ends in the artifact, in bytes.
    pub fn span(&self) -> Range<u64> {
        let shown = self.shown();
        self.start + shown.start as u64..self.start + shown.end as u64
    }

    /// Which of the lines that are shown a byte of the artifact stands in, long lines counted in their parts.
    pub fn line_of(&self, place: u64) -> usize {
        let shown = self.shown();
        let place = usize::try_from(place.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let end = place.saturating_add(1).clamp(shown.start, shown.end);
        parts(&self.bytes[shown.start..end]).saturating_sub(1)
    }

    /// The text that is shown, and the number of its first line where that is known.
    pub fn text(&self) -> (Cow<'_, str>, Option<u32>) {
        let bytes = &self.bytes[self.shown()];
        (String::from_utf8_lossy(bytes), self.lines_before.map(|before| before.saturating_add(1)))
    }
}

/// Where the first whole line begins; where none begins soon, the next whole character does for it.
fn first_line(bytes: &[u8], cut: bool) -> usize {
    if !cut {
        return 0;
    }
    let near = &bytes[..bytes.len().min(PART)];
    match near.iter().position(|byte| *byte == b'\n') {
        Some(place) => place + 1,
        None => near.iter().position(|byte| byte & 0xc0 != 0x80).unwrap_or(0),
    }
}

fn line_ends(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.split(|byte| *byte == b'\n').count() - 1).unwrap_or(u32::MAX)
}

/// How many parts the lines in `bytes` are cut into.
fn parts(bytes: &[u8]) -> usize {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines.map(|line| line.strip_suffix(b"\n").unwrap_or(line).len().div_ceil(PART).max(1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(bytes: &[u8], number: usize) -> Vec<u8> {
        let size = usize::try_from(PAGE).unwrap();
        bytes[(number * size).min(bytes.len())..((number + 1) * size).min(bytes.len())].to_vec()
    }

    fn first_shown(window: &Window) -> String {
        window.text().0.lines().next().unwrap().to_owned()
    }

    /// Ten pages of numbered lines.
    fn long() -> Vec<u8> {
        (1..80_000).map(|number| format!("line {number}\n")).collect::<Vec<_>>().concat().into_bytes()
    }

    #[test]
    fn pages_follow_each_other_without_a_line_lost_or_doubled() {
        let all = long();
        let mut window = Window::new(0, page(&all, 0), all.len() as u64);
        let mut top = 0;
        let mut seen = 0;
        for number in 1.. {
            let (text, first) = window.text();
            let first = first.unwrap();
            for (line, number) in text.lines().zip(first..) {
                assert_eq!(line, format!("line {number}"));
                if number > seen {
                    assert_eq!(number, seen + 1);
                    seen = number;
                }
            }
            if !window.has_more_after() {
                break;
            }
            assert!(window.end() - window.start <= PAGES_MAX * PAGE);
            top += window.append(&page(&all, number));
        }
        assert_eq!(seen, 79_999);
        assert_eq!(first_shown(&window), format!("line {}", top + 1));
        // And all the way back.
        let mut number = usize::try_from(window.start / PAGE).unwrap();
        while window.has_more_before() {
            number -= 1;
            let before = first_shown(&window);
            let came = window.prepend(&page(&all, number));
            assert_eq!(window.text().0.lines().nth(came).unwrap(), before);
        }
        assert_eq!(window.text().1, Some(1));
    }

    #[test]
    fn after_a_jump_lines_have_no_numbers_and_begin_whole() {
        let all = long();
        let window = Window::new(5 * PAGE, page(&all, 5), all.len() as u64);
        assert_eq!(window.text().1, None);
        assert!(first_shown(&window).starts_with("line "));
        assert!(window.has_more_after() && window.has_more_before());
    }

    #[test]
    fn an_artifact_that_is_shorter_than_was_said_is_not_asked_for_without_end() {
        let mut window = Window::new(0, b"short\n".to_vec(), 100);
        assert!(window.has_more_after());
        window.append(&[]);
        assert!(window.is_whole());
        assert_eq!(window.text().0, "short\n");
    }

    #[test]
    fn a_single_line_without_end_is_shown_in_whole_characters() {
        let all = "é".repeat(200_000).into_bytes();
        let mut window = Window::new(0, page(&all, 0), all.len() as u64);
        for number in 1..=6 {
            window.append(&page(&all, number));
        }
        assert!(!window.text().0[..100].contains('\u{fffd}'));
        assert_eq!(window.end(), 400_000);
    }
}
