//! One line of a text with its colours, small enough for tens of thousands of them.

use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

use crate::ui::look::Mark;
use crate::ui::place::Place;
use crate::ui::text;
use crate::ui::theme::Role;

/// How a piece of a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// As the theme says.
    Role(Role),
    /// As whoever wrote it says, as far as that can be read.
    Own(Style),
}

/// What stands in front of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gutter {
    /// Nothing.
    #[default]
    None,
    /// It was written to standard error.
    Error,
    /// Nobody's output, but a remark on it.
    Note,
    /// Its number.
    Number(u32),
    /// The state of what it tells of.
    State(Mark),
}

/// A line without its end. Its text is clean: no control character is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextLine {
    text: Box<str>,
    /// Where each piece ends, in bytes, and how it looks.
    pieces: Box<[(u32, Ink)]>,
    /// What stands in front of it.
    pub gutter: Gutter,
    /// Columns that further rows stand in from the left when it is wrapped.
    indent: u16,
    link: Option<Box<Place>>,
}

impl TextLine {
    /// A line of pieces, each cleaned.
    pub fn of<T: AsRef<str>>(pieces: impl IntoIterator<Item = (Ink, T)>) -> Self {
        let (mut whole, mut ends) = (String::new(), Vec::new());
        for (ink, piece) in pieces {
            let cleaned = text::clean(piece.as_ref());
            if cleaned.is_empty() {
                continue;
            }
            whole.push_str(&cleaned);
            let end = u32::try_from(whole.len()).unwrap_or(u32::MAX);
            match ends.last_mut() {
                Some((last, known)) if *known == ink => *last = end,
                _ => ends.push((end, ink)),
            }
        }
        Self { text: whole.into(), pieces: ends.into(), gutter: Gutter::None, indent: 0, link: None }
    }

    /// A line of roles, for what the console itself says.
    pub fn roles<T: AsRef<str>>(pieces: impl IntoIterator<Item = (Role, T)>) -> Self {
        Self::of(pieces.into_iter().map(|(role, text)| (Ink::Role(role), text)))
    }

    /// A line that looks the same from end to end.
    pub fn plain(role: Role, text: impl AsRef<str>) -> Self {
        Self::roles([(role, text)])
    }

    /// The same with something in front.
    #[must_use]
    pub fn with_gutter(mut self, gutter: Gutter) -> Self {
        self.gutter = gutter;
        self
    }

    /// The same, with further rows so many columns in from the left when it is wrapped.
    #[must_use]
    pub fn hanging(mut self, columns: u16) -> Self {
        self.indent = columns;
        self
    }

    /// The same, leading somewhere when it is opened.
    #[must_use]
    pub fn to(mut self, place: Place) -> Self {
        self.link = Some(Box::new(place));
        self
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it leads.
    pub fn link(&self) -> Option<&Place> {
        self.link.as_deref()
    }

    /// About how many bytes of memory it takes.
    pub fn cost(&self) -> usize {
        size_of::<Self>() + self.text.len() + size_of_val::<[(u32, Ink)]>(&self.pieces)
    }

    /// The pieces that lie between two bytes, each with its bounds.
    pub(super) fn pieces(&self, start: usize, end: usize) -> impl Iterator<Item = (usize, usize, Ink)> {
        let mut before = 0;
        self.pieces.iter().filter_map(move |(until, ink)| {
            let (from, to) = (before.max(start), (*until as usize).min(end));
            before = *until as usize;
            (from < to).then_some((from, to, *ink))
        })
    }

    /// How far further rows stand in from the left in so many columns: never so far that little room is left.
    pub(super) fn indent(&self, columns: usize) -> usize {
        usize::from(self.indent).min(columns / 2)
    }

    /// The rows it takes in so many columns, as bounds in bytes; at least one. Rows break after a blank where one is
    /// near enough.
    pub fn rows(&self, columns: usize) -> Vec<(usize, usize)> {
        let columns = columns.max(2);
        // No character is wider than its bytes are many.
        if self.text.len() <= columns {
            return vec![(0, self.text.len())];
        }
        let later = columns - self.indent(columns).min(columns - 2);
        let mut rows = Vec::new();
        let (mut start, mut used, mut blank) = (0, 0, None);
        for (place, grapheme) in self.text.grapheme_indices(true) {
            let width = text::width(grapheme);
            // What is left of a row broken at a blank may be too long for the next, which has less room. One character that
            // is wider than all the room gets a row of its own.
            while used + width > if rows.is_empty() { columns } else { later } && place > start {
                let end = blank.filter(|after| after - start > (place - start) / 2).unwrap_or(place);
                rows.push((start, end));
                used = width_of(&self.text[end..place]);
                (start, blank) = (end, None);
            }
            used += width;
            if grapheme == " " {
                blank = Some(place + 1);
            }
        }
        rows.push((start, self.text.len()));
        rows
    }

    /// The part that is seen in so many columns when the first `skip` are pushed out to the left: how many blanks stand
    /// for half of a wide character, and the bounds in bytes.
    pub(super) fn window(&self, skip: usize, columns: usize) -> (usize, usize, usize) {
        let (mut column, mut start, mut blanks, mut end) = (0, None, 0, 0);
        for (place, grapheme) in self.text.grapheme_indices(true) {
            let width = text::width(grapheme);
            if start.is_none() && column >= skip {
                start = Some(place);
                blanks = column - skip;
            }
            if column + width > skip + columns {
                return (blanks, start.unwrap_or(place), place);
            }
            column += width;
            end = place + grapheme.len();
        }
        (blanks, start.unwrap_or(end), end)
    }
}

/// The columns that the characters of a text take one by one: drawn together some scripts take fewer, or more.
fn width_of(text: &str) -> usize {
    text.graphemes(true).map(text::width).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_break_at_blanks_and_hold_everything() {
        let line = TextLine::plain(Role::Text, "one two three fourfivesixseveneight nine");
        let rows: Vec<&str> = line.rows(10).into_iter().map(|(start, end)| &line.text()[start..end]).collect();
        assert_eq!(rows, ["one two ", "three ", "fourfivesi", "xseveneigh", "t nine"]);
        let wide = TextLine::plain(Role::Text, "名前がとても長い");
        let rows: Vec<&str> = wide.rows(5).into_iter().map(|(start, end)| &wide.text()[start..end]).collect();
        assert_eq!(rows, ["名前", "がと", "ても", "長い"]);
    }

    #[test]
    fn a_window_never_cuts_a_wide_character() {
        let line = TextLine::plain(Role::Text, "ab名c");
        assert_eq!(line.window(0, 3), (0, 0, 2));
        assert_eq!(line.window(3, 5), (1, 5, 6));
        assert_eq!(line.window(9, 5), (0, 6, 6));
    }

    proptest! {
        #[test]
        fn rows_follow_each_other_and_fit(words in any::<String>(), columns in 20usize..60, indent in 0u16..40) {
            let line = TextLine::plain(Role::Text, words).hanging(indent);
            let rows = line.rows(columns);
            prop_assert_eq!(rows[0].0, 0);
            prop_assert_eq!(rows.last().unwrap().1, line.text().len());
            prop_assert!(rows.windows(2).all(|pair| pair[0].1 == pair[1].0));
            for (place, (start, end)) in rows.into_iter().enumerate() {
                let indent = if place == 0 { 0 } else { line.indent(columns).min(columns - 2) };
                prop_assert!(width_of(&line.text()[start..end]) + indent <= columns);
            }
        }

        #[test]
        fn windows_fit(words in any::<String>(), skip in 0usize..30, columns in 1usize..30) {
            let line = TextLine::plain(Role::Text, words);
            let (blanks, start, end) = line.window(skip, columns);
            prop_assert!(start <= end && blanks + width_of(&line.text()[start..end]) <= columns + 1);
        }
    }
}
