//! Fuzzy matching for lists that are chosen from: help, palette, menus.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Utf32Str};

/// Matches against one pattern.
pub struct Matcher {
    inner: nucleo_matcher::Matcher,
    pattern: Pattern,
    buffer: Vec<char>,
}

impl Matcher {
    /// A matcher for what was typed; blanks separate parts that must all match.
    pub fn new(typed: &str) -> Self {
        Self {
            inner: nucleo_matcher::Matcher::new(Config::DEFAULT),
            pattern: Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart),
            buffer: Vec::new(),
        }
    }

    /// How well `text` matches, higher being better; `None` when it does not.
    pub fn score(&mut self, text: &str) -> Option<u32> {
        self.pattern.score(Utf32Str::new(text, &mut self.buffer), &mut self.inner)
    }
}
