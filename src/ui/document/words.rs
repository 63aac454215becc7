//! Breaking pieces of several looks into rows at blanks.

use unicode_segmentation::UnicodeSegmentation;

use crate::ui::text;
use crate::ui::theme::Role;

/// A piece of text and how it looks.
pub type Piece = (Role, String);

/// Breaks pieces into rows of at most so many columns: at blanks where it can, and wherever a line end stands.
pub fn wrap(pieces: &[Piece], columns: usize) -> Vec<Vec<Piece>> {
    let mut wrapper = Wrapper { columns: columns.max(2), ..Wrapper::default() };
    for (role, content) in pieces {
        for (place, part) in content.split('\n').enumerate() {
            if place > 0 {
                wrapper.set_word();
                wrapper.end_row();
            }
            for (place, bit) in text::clean(part).split(' ').enumerate() {
                if place > 0 {
                    wrapper.set_word();
                }
                if !bit.is_empty() {
                    wrapper.word_width += text::width(bit);
                    wrapper.word.push((*role, bit.to_owned()));
                }
            }
        }
    }
    wrapper.set_word();
    wrapper.end_row();
    wrapper.rows
}

/// Rows in the making. A word may be of several pieces, so it is set only when a blank or an end comes.
#[derive(Default)]
struct Wrapper {
    columns: usize,
    rows: Vec<Vec<Piece>>,
    row: Vec<Piece>,
    used: usize,
    word: Vec<Piece>,
    word_width: usize,
}

impl Wrapper {
    fn end_row(&mut self) {
        self.rows.push(std::mem::take(&mut self.row));
        self.used = 0;
    }

    fn set_word(&mut self) {
        let Some((first, _)) = self.word.first() else { return };
        let first = *first;
        if self.used > 0 {
            if self.used + 1 + self.word_width > self.columns {
                self.end_row();
            } else {
                // A blank between words of one look belongs to them, so that it is underlined like them.
                let role = self.row.last().map_or(first, |(role, _)| if *role == first { first } else { Role::Text });
                self.add(role, " ");
            }
        }
        for (role, part) in std::mem::take(&mut self.word) {
            for grapheme in part.graphemes(true) {
                if self.used > 0 && self.used + text::width(grapheme) > self.columns {
                    self.end_row();
                }
                self.add(role, grapheme);
            }
        }
        self.word_width = 0;
    }

    fn add(&mut self, role: Role, part: &str) {
        self.used += text::width(part);
        match self.row.last_mut() {
            Some((known, whole)) if *known == role => whole.push_str(part),
            _ => self.row.push((role, part.to_owned())),
        }
    }
}

/// The columns that pieces take.
pub fn width(pieces: &[Piece]) -> usize {
    pieces.iter().map(|(_, part)| text::width(part)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(pieces: &[(Role, &str)], columns: usize) -> Vec<String> {
        let pieces: Vec<Piece> = pieces.iter().map(|(role, text)| (*role, (*text).to_owned())).collect();
        wrap(&pieces, columns).iter().map(|row| row.iter().map(|(_, text)| text.as_str()).collect()).collect()
    }

    #[test]
    fn words_of_several_looks_stay_together() {
        let pieces = [(Role::Text, "one "), (Role::Keyword, "two"), (Role::Text, "three four")];
        assert_eq!(rows(&pieces, 9), ["one", "twothree", "four"]);
        assert_eq!(rows(&[(Role::Text, "a\nb  c"), (Role::Literal, "")], 9), ["a", "b c"]);
        assert_eq!(rows(&[(Role::Text, "abcdefgh ij")], 3), ["abc", "def", "gh", "ij"]);
    }

    proptest! {
        #[test]
        fn rows_fit_and_hold_every_word(content in "[a-z名\u{301} \n]{0,80}", columns in 2usize..20) {
            let pieces = vec![(Role::Text, content.clone())];
            let rows = wrap(&pieces, columns);
            prop_assert!(rows.iter().all(|row| width(row) <= columns));
            let found: String = rows.iter().flatten().flat_map(|(_, text)| text.chars()).filter(|c| *c != ' ').collect();
            let wanted: String = text::clean(&content).chars().filter(|c| *c != ' ').collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
