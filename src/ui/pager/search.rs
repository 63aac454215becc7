//! Finding words in a text.

use super::line::TextLine;

/// What is looked for and where it was found.
#[derive(Clone, Debug, Default)]
pub struct Search {
    words: String,
    /// The lines that match, in order.
    lines: Vec<usize>,
}

impl Search {
    /// Looks for `words` in all lines. Small letters find capitals too.
    pub fn new(words: &str, lines: &[TextLine]) -> Self {
        let mut search = Self { words: words.to_owned(), lines: Vec::new() };
        search.add(lines, 0);
        search
    }

    /// Looks for `words` in the lines in which this one found its own. What begins with words that were looked for stands
    /// nowhere else than they do, so every further letter costs less.
    pub fn refine(&self, words: &str, lines: &[TextLine]) -> Self {
        if self.words.is_empty() || !words.starts_with(&self.words) {
            return Self::new(words, lines);
        }
        let mut search = Self { words: words.to_owned(), lines: Vec::new() };
        let found = self
            .lines
            .iter()
            .copied()
            .filter(|line| lines.get(*line).is_some_and(|line| search.first_in(line.text(), 0).is_some()));
        search.lines = found.collect();
        search
    }

    /// Looks in further lines, of which the first has the number `from`.
    pub fn add(&mut self, lines: &[TextLine], from: usize) {
        if !self.words.is_empty() {
            let found = lines.iter().enumerate().filter(|(_, line)| self.first_in(line.text(), 0).is_some());
            let found: Vec<usize> = found.map(|(place, _)| from + place).collect();
            self.lines.extend(found);
        }
    }

    /// What is looked for; empty when nothing is.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// How many lines match.
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// Which of the matching lines `line` is, from 1; 0 when it does not match.
    pub fn number(&self, line: usize) -> usize {
        self.lines.binary_search(&line).map_or(0, |place| place + 1)
    }

    /// Whether a line matches, be it among those that were looked through or not.
    pub fn matches(&self, line: &TextLine) -> bool {
        !self.words.is_empty() && self.first_in(line.text(), 0).is_some()
    }

    /// The next matching line from `line` on, itself included with `also`.
    pub fn after(&self, line: usize, also: bool) -> Option<usize> {
        let place = self.lines.partition_point(|known| *known < line || (!also && *known == line));
        self.lines.get(place).copied()
    }

    /// The matching line before `line`.
    pub fn before(&self, line: usize) -> Option<usize> {
        let place = self.lines.partition_point(|known| *known < line);
        place.checked_sub(1).and_then(|place| self.lines.get(place)).copied()
    }

    /// The first matching line.
    pub fn first(&self) -> Option<usize> {
        self.lines.first().copied()
    }

    /// The last matching line.
    pub fn last(&self) -> Option<usize> {
        self.lines.last().copied()
    }

    /// The next matching line from `line` on, itself included with `also`; after the last one the first.
    pub fn next(&self, line: usize, also: bool) -> Option<usize> {
        self.after(line, also).or_else(|| self.first())
    }

    /// The matching line before `line`; before the first one the last.
    pub fn previous(&self, line: usize) -> Option<usize> {
        self.before(line).or_else(|| self.last())
    }

    /// Where the words stand in `text`, as bounds in bytes.
    pub fn places(&self, text: &str) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        if self.words.is_empty() {
            return places;
        }
        let mut from = 0;
        while let Some((start, end)) = self.first_in(text, from) {
            places.push((start, end));
            from = end;
        }
        places
    }

    /// The first place from a byte on.
    fn first_in(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        let exact = self.words.chars().any(char::is_uppercase);
        if exact {
            return text[from..].find(&self.words).map(|place| (from + place, from + place + self.words.len()));
        }
        let rest = &text[from..];
        if self.words.is_ascii() {
            // Bytes of ASCII stand for nothing else in UTF-8, so these can be compared as they are.
            let words = self.words.as_bytes();
            let (small, large) = (words.first()?.to_ascii_lowercase(), words.first()?.to_ascii_uppercase());
            let place = rest
                .as_bytes()
                .windows(words.len())
                .position(|window| (window[0] == small || window[0] == large) && window.eq_ignore_ascii_case(words))?;
            return Some((from + place, from + place + words.len()));
        }
        rest.char_indices().find_map(|(place, _)| {
            let length = prefix_length(&rest[place..], &self.words)?;
            Some((from + place, from + place + length))
        })
    }
}

/// How many bytes of `text` are `words`, whatever the case; `None` when it begins otherwise.
fn prefix_length(text: &str, words: &str) -> Option<usize> {
    let mut found = text.chars();
    for wanted in words.chars() {
        let c = found.next()?;
        if c != wanted && !c.to_lowercase().eq(std::iter::once(wanted)) {
            return None;
        }
    }
    Some(text.len() - found.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme::Role;

    #[test]
    fn small_letters_find_capitals_and_capitals_only_themselves() {
        let lines: Vec<_> =
            ["an error", "fine", "An ERROR, error"].iter().map(|text| TextLine::plain(Role::Text, text)).collect();
        let search = Search::new("error", &lines);
        assert_eq!(search.count(), 2);
        assert_eq!(search.places(lines[2].text()), [(3, 8), (10, 15)]);
        assert_eq!(Search::new("ERROR", &lines).count(), 1);
        assert_eq!(Search::new("", &lines).count(), 0);
    }

    #[test]
    fn next_and_previous_go_round() {
        let lines: Vec<_> = ["x", "a", "x", "a"].iter().map(|text| TextLine::plain(Role::Text, text)).collect();
        let search = Search::new("x", &lines);
        assert_eq!((search.next(0, true), search.next(0, false), search.next(2, false)), (Some(0), Some(2), Some(0)));
        assert_eq!((search.previous(2), search.previous(0)), (Some(0), Some(2)));
        assert_eq!((search.number(2), search.number(1)), (2, 0));
    }

    #[test]
    fn what_is_typed_letter_by_letter_finds_what_is_typed_at_once() {
        let texts = ["Error", "err", "erROr", "名前 Err", "no", "Ärger", "ärger"];
        let lines: Vec<_> = texts.iter().map(|text| TextLine::plain(Role::Text, text)).collect();
        for words in ["error", "erR", "Err", "ärger", "Är", "名前", "r"] {
            let mut search = Search::default();
            for (end, c) in words.char_indices() {
                search = search.refine(&words[..end + c.len_utf8()], &lines);
            }
            assert_eq!(search.lines, Search::new(words, &lines).lines, "{words}");
        }
        assert_eq!(Search::new("ärger", &lines).lines, [5, 6]);
        assert_eq!(Search::new("erR", &lines).lines, [2]);
        assert_eq!(Search::new("x", &lines).refine("e", &lines).count(), 6);
    }

    #[test]
    fn letters_whose_small_form_is_longer_do_no_harm() {
        let line = TextLine::plain(Role::Text, "İstanbul istanbul");
        let search = Search::new("istanbul", std::slice::from_ref(&line));
        assert_eq!(search.places(line.text()), [(10, 18)]);
    }
}
