//! Going from match to match.

use super::far::Far;
use super::search::Search;
use super::{Pager, SIDE_STEP, Spot};
use crate::ui::text;

impl Pager {
    /// Takes note of where one is, so that a search that is given up leads back here.
    pub fn begin_search(&mut self) {
        self.origin = Some((self.top, self.cursor));
    }

    /// Looks for words, from where the search began; without words back to there.
    pub fn search(&mut self, words: &str) {
        if let Some((top, cursor)) = self.origin {
            (self.top, self.cursor) = (top, cursor);
        }
        self.search = self.search.refine(words, &self.lines);
        (self.found, self.far) = (None, Far::Idle);
        self.settle();
        if let Some(line) = self.search.next(self.cursor.unwrap_or(self.top.line), true) {
            self.find(line);
        }
    }

    /// The words that are looked for; empty when none are.
    pub fn searched(&self) -> &str {
        self.search.words()
    }

    /// What is looked for, to hold other lines against it.
    pub const fn sought(&self) -> &Search {
        &self.search
    }

    /// Looks for nothing any more and stays; `false` when nothing was looked for. What is being looked for beyond the lines
    /// that are here is only given up.
    pub fn clear_search(&mut self) -> bool {
        if self.stop_far() {
            return true;
        }
        let had = !self.search.words().is_empty();
        self.search = Search::default();
        (self.found, self.origin, self.far) = (None, None, Far::Idle);
        had
    }

    /// To the next match, or the one before; `false` when there is none. Where the lines that are here have no more, what is
    /// not here is looked through, and then it goes round the end.
    pub fn next_match(&mut self, forward: bool) -> bool {
        if self.search.words().is_empty() {
            return false;
        }
        if self.looks_far() {
            return true;
        }
        // All of it was looked through.
        if self.far == Far::Nowhere {
            return false;
        }
        let here = self.next_here(forward);
        if here.is_none() && self.partial {
            self.far = Far::Wanted { forward };
            return true;
        }
        let next = here.or_else(|| self.round_the_end(forward));
        if let Some(line) = next {
            self.find(line);
        }
        next.is_some()
    }

    /// The next match of those that are here, without going round the end.
    pub(super) fn next_here(&self, forward: bool) -> Option<usize> {
        match (forward, self.found.or(self.cursor)) {
            (true, Some(line)) => self.search.after(line, false),
            (true, None) => self.search.after(self.top.line, true),
            (false, line) => self.search.before(line.unwrap_or(self.top.line)),
        }
    }

    /// The first match of those that are here, or the last.
    pub(super) fn round_the_end(&self, forward: bool) -> Option<usize> {
        if forward { self.search.first() } else { self.search.last() }
    }

    pub(super) fn find(&mut self, line: usize) {
        self.found = Some(line);
        self.moved = true;
        self.follow = self.follow.map(|_| false);
        if self.cursor.is_some() {
            self.cursor = Some(line);
            self.show_cursor();
            return;
        }
        let Some(found) = self.lines.get(line) else { return };
        let start = self.search.places(found.text()).first().map_or(0, |place| place.0);
        if self.wrap {
            let row = self.rows_of(line).iter().position(|(_, end)| start < *end).unwrap_or(0);
            let spot = Spot { line, row };
            let last = self.below(self.top, usize::from(self.height).saturating_sub(1));
            if spot < self.top || spot > last {
                self.top = self.above(spot, usize::from(self.height) / 3).min(self.last_top());
            }
        } else {
            if line < self.top.line || line >= self.top.line + usize::from(self.height) {
                self.top.line = line.saturating_sub(usize::from(self.height) / 3);
                self.settle();
            }
            let column = text::width(&self.lines[line].text()[..start]);
            let room = usize::from(self.text_columns());
            if column < self.shift || column >= self.shift + room.saturating_sub(SIDE_STEP) {
                self.shift = column.saturating_sub(room / 2);
            }
        }
    }
}
