//! Which rows lines take, and which lie above and below which.

use super::{Pager, Spot};

impl Pager {
    /// How many rows it takes in so many columns.
    pub fn rows_in(&self, width: u16) -> usize {
        let columns = usize::from(width.saturating_sub(self.gutter_columns() + 1).max(2));
        self.lines.iter().map(|line| line.rows(columns).len()).sum()
    }

    /// The columns that are left for the text itself.
    pub(super) fn text_columns(&self) -> u16 {
        // One column at the right is the scrollbar's.
        self.width.saturating_sub(self.gutter_columns() + 1).max(2)
    }

    pub(super) fn rows_of(&self, line: usize) -> Vec<(usize, usize)> {
        match self.lines.get(line) {
            Some(line) if self.wrap => line.rows(usize::from(self.text_columns())),
            Some(line) => vec![(0, line.text().len())],
            None => vec![(0, 0)],
        }
    }

    /// The top at which the last row stands at the bottom.
    pub(super) fn last_top(&self) -> Spot {
        let Some(line) = self.lines.len().checked_sub(1) else { return Spot::default() };
        let end = Spot { line, row: self.rows_of(line).len().saturating_sub(1) };
        self.above(end, usize::from(self.height).saturating_sub(1))
    }

    /// So many rows further up, at most the first.
    pub(super) fn above(&self, spot: Spot, mut rows: usize) -> Spot {
        let mut spot = Spot { line: spot.line.min(self.lines.len().saturating_sub(1)), ..spot };
        while rows > spot.row {
            let Some(line) = spot.line.checked_sub(1) else { return Spot::default() };
            rows -= spot.row + 1;
            spot = Spot { line, row: self.rows_of(line).len().saturating_sub(1) };
        }
        Spot { row: spot.row - rows, ..spot }
    }

    /// So many rows further down, at most the last.
    pub(super) fn below(&self, mut spot: Spot, mut rows: usize) -> Spot {
        loop {
            let last = self.rows_of(spot.line).len().saturating_sub(1);
            if spot.row + rows <= last || spot.line + 1 >= self.lines.len() {
                return Spot { line: spot.line, row: (spot.row + rows).min(last) };
            }
            rows -= last.saturating_sub(spot.row) + 1;
            spot = Spot { line: spot.line + 1, row: 0 };
        }
    }

    /// How many rows lie between two spots.
    pub(super) fn rows_between(&self, from: Spot, to: Spot) -> usize {
        let whole: usize = (from.line..to.line).map(|line| self.rows_of(line).len()).sum();
        (whole + to.row).saturating_sub(from.row)
    }
}
