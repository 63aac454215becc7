//! Rows of which one is chosen: where the cursor is, and which rows are in sight.

/// Cursor and first row in sight. How many rows there are is said each time: typing changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    cursor: usize,
    top: usize,
    height: usize,
}

impl Choice {
    /// The row under the cursor.
    pub const fn cursor(&self) -> usize {
        self.cursor
    }

    /// The first row in sight.
    pub const fn top(&self) -> usize {
        self.top
    }

    /// Back to the first row, because the rows are others.
    pub const fn restart(&mut self) {
        (self.cursor, self.top) = (0, 0);
    }

    /// Learns how many rows can be in sight.
    pub fn layout(&mut self, height: usize, rows: usize) {
        self.height = height.max(1);
        self.go(0, rows);
    }

    /// Moves the cursor by so many rows, down when positive.
    pub fn go(&mut self, by: isize, rows: usize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(rows.saturating_sub(1));
        let last = rows.saturating_sub(self.height);
        self.top = self.top.min(self.cursor).min(last).max((self.cursor + 1).saturating_sub(self.height));
    }

    /// Moves what is in sight by so many rows, and the cursor with it: what the wheel and a scrollbar do. Where all rows are
    /// in sight only the cursor moves.
    pub fn scroll(&mut self, by: i64, rows: usize) {
        let by = isize::try_from(by).unwrap_or(0);
        let last = rows.saturating_sub(self.height);
        if last == 0 {
            return self.go(by, rows);
        }
        let top = self.top.saturating_add_signed(by).min(last);
        // At an end the cursor goes on alone, so that every row can be come to.
        let moved = top.cast_signed() - self.top.cast_signed();
        self.top = top;
        self.go(if moved == 0 { by } else { moved }, rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_the_cursor_and_a_scrollbar_what_is_in_sight() {
        let mut choice = Choice::default();
        choice.layout(5, 20);
        choice.go(1, 20);
        assert_eq!((choice.cursor(), choice.top()), (1, 0));
        choice.scroll(3, 20);
        assert_eq!((choice.cursor(), choice.top()), (4, 3));
        choice.scroll(99, 20);
        assert_eq!((choice.cursor(), choice.top()), (16, 15));
        choice.scroll(3, 20);
        assert_eq!((choice.cursor(), choice.top()), (19, 15), "the last row can be come to");
        choice.go(-19, 20);
        assert_eq!((choice.cursor(), choice.top()), (0, 0));
        // Fewer rows, all in sight.
        choice.go(19, 20);
        choice.layout(5, 3);
        assert_eq!((choice.cursor(), choice.top()), (2, 0));
        choice.scroll(-1, 3);
        assert_eq!(choice.cursor(), 1);
        choice.layout(5, 0);
        assert_eq!(choice.cursor(), 0);
    }
}
