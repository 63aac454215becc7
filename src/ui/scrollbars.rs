//! The scrollbars in sight, as they were drawn: what the mouse needs to know to drag one or to click into it.

use std::cell::RefCell;

use ratatui::layout::{Position, Rect};

/// What a scrollbar moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scrolls {
    /// The screen's list.
    List,
    /// The screen's text.
    Text,
    /// A panel of the screen, by the number that the screen knows it by.
    Panel(usize),
    /// What lies on top.
    Layer,
    /// Nothing: it only shows how far one is.
    Nothing,
}

/// A scrollbar. Rows are those of the list, or lines of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What it moves.
    pub of: Scrolls,
    /// Its column of the screen.
    pub area: Rect,
    /// The first row in sight.
    pub top: u64,
    /// How many are in sight.
    pub height: u64,
    /// How many there are, more than `height`.
    pub total: u64,
}

impl Bar {
    /// Where its mark begins, in lines from its upper end, and how long it is.
    pub fn mark(&self) -> (u64, u64) {
        let room = u64::from(self.area.height);
        let length = (self.height * room / self.total.max(1)).clamp(1, room);
        let free = room - length;
        ((self.top * free).checked_div(self.total - self.height).unwrap_or(0).min(free), length)
    }

    /// The first row in sight when the mark begins so many lines from the upper end.
    fn top_at(&self, start: u64) -> u64 {
        let (_, length) = self.mark();
        let free = u64::from(self.area.height) - length;
        (start.min(free) * (self.total - self.height)).checked_div(free).unwrap_or(0)
    }
}

/// Those of the last frame, and the one that is held.
#[derive(Default)]
pub struct Scrollbars {
    drawn: RefCell<Vec<Bar>>,
    /// What the mouse holds, and where, in lines from the beginning of the mark.
    held: Option<(Scrolls, u64)>,
}

impl Scrollbars {
    /// Forgets those of the last frame, because another is drawn.
    pub fn forget(&mut self) {
        self.drawn.get_mut().clear();
    }

    /// Takes note of one that is drawn.
    pub fn add(&self, bar: Bar) {
        self.drawn.borrow_mut().push(bar);
    }

    /// Takes hold of what moves something that is `of` the right kind at a place of the screen: what to scroll and by how many rows. A click beside the mark
    /// brings the mark there. `None` when no such bar is there.
    pub fn grab(&mut self, at: Position, of: impl Fn(Scrolls) -> bool) -> Option<(Scrolls, i64)> {
        let bars = self.drawn.get_mut();
        let bar = bars.iter().rev().find(|bar| bar.area.contains(at) && of(bar.of))?;
        let line = u64::from(at.y - bar.area.y);
        let (start, length) = bar.mark();
        let grip = if (start..start + length).contains(&line) { line - start } else { length / 2 };
        self.held = Some((bar.of, grip));
        self.drag(at.y)
    }

    /// Moves what is held to a row of the screen: what to scroll and by how many rows; `None` when nothing is held.
    pub fn drag(&mut self, y: u16) -> Option<(Scrolls, i64)> {
        let (of, grip) = self.held?;
        let bar = self.drawn.get_mut().iter_mut().rev().find(|bar| bar.of == of)?;
        let line = u64::from(y.saturating_sub(bar.area.y));
        let start = line.saturating_sub(grip);
        // Where the mark is already, nothing moves: a mark stands for many rows.
        let top = if bar.mark().0 == start { bar.top } else { bar.top_at(start) };
        let by = i64::try_from(top).unwrap_or(i64::MAX) - i64::try_from(bar.top).unwrap_or(i64::MAX);
        // Several movements may come before the next frame.
        bar.top = top;
        Some((of, by))
    }

    /// Lets go.
    pub const fn release(&mut self) {
        self.held = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that shows 10 of 100 rows, 20 lines long, from line 5 on.
    fn bars(top: u64) -> Scrollbars {
        let bars = Scrollbars::default();
        bars.add(Bar { of: Scrolls::List, area: Rect::new(40, 5, 1, 20), top, height: 10, total: 100 });
        bars
    }

    #[test]
    fn dragging_from_end_to_end_shows_everything() {
        let mut bars = bars(0);
        assert_eq!(bars.grab(Position::new(40, 5), |of| of == Scrolls::List), Some((Scrolls::List, 0)));
        assert_eq!(bars.drag(200), Some((Scrolls::List, 90)), "below the bar is its end");
        assert_eq!(bars.drag(0), Some((Scrolls::List, -90)), "counted from where the last movement led");
        bars.release();
        assert_eq!(bars.drag(10), None);
    }

    #[test]
    fn a_click_beside_the_mark_brings_it_there_and_on_it_moves_nothing() {
        assert_eq!(bars(0).grab(Position::new(40, 24), |of| of == Scrolls::List), Some((Scrolls::List, 90)));
        let mut middle = bars(47);
        let (start, length) = (9, 2);
        assert_eq!(middle.drawn.borrow()[0].mark(), (start, length));
        assert_eq!(middle.grab(Position::new(40, 5 + 10), |of| of == Scrolls::List), Some((Scrolls::List, 0)));
    }

    #[test]
    fn only_what_is_asked_for_is_held() {
        let mut bars = bars(0);
        assert_eq!(bars.grab(Position::new(39, 10), |of| of == Scrolls::List), None, "beside the bar");
        assert_eq!(bars.grab(Position::new(40, 10), |of| of == Scrolls::Layer), None, "under what lies on top");
        assert_eq!(bars.drag(20), None);
    }
}
