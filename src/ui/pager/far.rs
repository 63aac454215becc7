//! Looking on beyond the lines that are here, for texts of which only a part is. Whoever fetches the text does the looking;
//! here is what keys want of it and how far it has come.

use super::Pager;

/// How a search stands with what is not here.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Far {
    /// Nobody looks there.
    #[default]
    Idle,
    /// A key wants it to be looked through.
    Wanted { forward: bool },
    /// It is looked through, so much of it already, from 0 to 1.
    Going { forward: bool, share: f64 },
    /// All of it was looked through.
    Nowhere,
}

impl Pager {
    /// Learns whether the lines that are here are only a part of the text.
    pub const fn set_partial(&mut self, partial: bool) {
        self.partial = partial;
    }

    /// Looks for words, and when they are not in the lines that are here, beyond them: what is done when they are typed to
    /// their end.
    pub fn seek(&mut self, words: &str) {
        self.search(words);
        if self.partial && self.found.is_none() && !words.is_empty() {
            self.far = Far::Wanted { forward: true };
        }
    }

    /// Which way a key wants what is not here to be looked through, once: forwards with `true`.
    pub const fn take_far(&mut self) -> Option<bool> {
        let Far::Wanted { forward } = self.far else { return None };
        self.far = Far::Going { forward, share: 0.0 };
        Some(forward)
    }

    /// Whether what is not here is being looked through.
    pub const fn looks_far(&self) -> bool {
        matches!(self.far, Far::Going { .. })
    }

    /// Learns how much has been looked through, from 0 to 1.
    pub const fn far_at(&mut self, done: f64) {
        if let Far::Going { share, .. } = &mut self.far {
            *share = done;
        }
    }

    /// Looks no further; `false` when nobody did.
    pub fn stop_far(&mut self) -> bool {
        let looked = self.looks_far();
        if looked {
            self.far = Far::Idle;
        }
        looked
    }

    /// Goes to the line that was found, which is here now; without one to the next match among the lines that are here, round
    /// their end.
    pub fn far_ended(&mut self, line: Option<usize>) {
        let forward = !matches!(self.far, Far::Going { forward: false, .. });
        self.far = Far::Idle;
        let found = match line {
            Some(line) if forward => self.search.next(line, true).or(Some(line)),
            Some(line) => self.search.previous(line + 1).or(Some(line)),
            None => self.next_here(forward).or_else(|| self.round_the_end(forward)),
        };
        match found {
            Some(line) => self.find(line),
            None => self.far = Far::Nowhere,
        }
    }

    /// Takes note that lines came or went before those that stay, so many of them, gone when negative.
    pub fn lines_moved(&mut self, by: isize) {
        self.found = self.found.and_then(|line| line.checked_add_signed(by));
    }

    /// The line on which a match was gone to last.
    pub const fn found(&self) -> Option<usize> {
        self.found
    }

    /// Takes note of where that line stands now.
    pub const fn set_found(&mut self, line: Option<usize>) {
        self.found = line;
    }
}
