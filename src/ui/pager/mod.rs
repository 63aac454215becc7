//! A text to page through: output of tasks, artifacts, details. Scrolled by rows, wrapped or not, searched, followed.
//!
//! With a cursor its lines can be opened, each where its link leads. Only the rows in sight are laid out and drawn, so
//! that a text of any length costs the same.

mod draw;
mod far;
mod find;
mod line;
mod rows;
mod search;

pub use line::{Gutter, Ink, TextLine};

use super::list::Motion;
use super::place::Place;
use super::text;
use far::Far;
use search::Search;

/// A row of the text: the line, and which of its rows when it is wrapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    line: usize,
    row: usize,
}

/// How many columns a step to the side goes.
const SIDE_STEP: usize = 16;

/// A text and where one is in it.
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
pub struct Pager {
    lines: Vec<TextLine>,
    /// Whether any line has the sign of a state in front.
    signs: bool,
    top: Spot,
    /// Columns that are pushed out to the left; only where lines are not wrapped.
    shift: usize,
    wrap: bool,
    width: u16,
    height: u16,
    /// Whether the end stays in sight when lines come; `None` for a text that does not grow.
    follow: Option<bool>,
    /// The line that keys act on, for texts whose lines lead somewhere.
    cursor: Option<usize>,
    /// Whether somebody has moved the cursor; until then it stands on the first line that leads somewhere.
    moved: bool,
    search: Search,
    /// The line on which a match was gone to last.
    found: Option<usize>,
    /// Where one was when a search began.
    origin: Option<(Spot, Option<usize>)>,
    /// Whether the lines are only a part of the text.
    partial: bool,
    far: Far,
}

impl Pager {
    /// An empty one, wrapped.
    pub fn new() -> Self {
        Self {
            lines: Vec::new(),
            signs: false,
            top: Spot::default(),
            shift: 0,
            wrap: true,
            width: 80,
            height: 20,
            follow: None,
            cursor: None,
            moved: false,
            search: Search::default(),
            found: None,
            origin: None,
            partial: false,
            far: Far::Idle,
        }
    }

    /// One that shows the end of what grows.
    pub fn following() -> Self {
        Self { follow: Some(true), ..Self::new() }
    }

    /// One with a cursor, whose lines can be opened.
    pub fn with_cursor() -> Self {
        Self { cursor: Some(0), ..Self::new() }
    }

    /// The lines.
    pub fn lines(&self) -> &[TextLine] {
        &self.lines
    }

    /// Shows other lines. The place stays by number, or at the end where that is followed.
    pub fn set_lines(&mut self, lines: Vec<TextLine>) {
        let open = self.target().cloned();
        self.lines = lines;
        // The cursor stays on what it was on, whatever came or went above.
        if let (Some(open), Some(cursor)) = (open, self.cursor)
            && self.lines.get(cursor).and_then(TextLine::link) != Some(&open)
            && let Some(line) = self.lines.iter().position(|line| line.link() == Some(&open))
        {
            self.top.line = (self.top.line + line).saturating_sub(cursor);
            self.cursor = Some(line);
        }
        self.search = Search::new(self.search.words(), &self.lines);
        self.found = self.found.filter(|line| *line < self.lines.len());
        self.signs = self.lines.iter().any(|line| matches!(line.gutter, Gutter::State(_)));
        if let (Some(_), false) = (self.cursor, self.moved) {
            self.cursor = Some(self.lines.iter().position(|line| line.link().is_some()).unwrap_or(0));
        }
        if let Some(cursor) = &mut self.cursor {
            *cursor = (*cursor).min(self.lines.len().saturating_sub(1));
        }
        self.settle();
    }

    /// Adds lines at the end.
    pub fn append(&mut self, lines: Vec<TextLine>) {
        self.search.add(&lines, self.lines.len());
        self.signs |= lines.iter().any(|line| matches!(line.gutter, Gutter::State(_)));
        self.lines.extend(lines);
        self.settle();
    }

    /// Learns its size.
    pub fn layout(&mut self, width: u16, height: u16) {
        if (self.width, self.height) != (width, height) {
            (self.width, self.height) = (width, height.max(1));
            self.top.row = 0;
            self.settle();
        }
    }

    /// The first line in sight.
    pub fn top(&self) -> usize {
        self.top.line
    }

    /// Puts a line at the top, as far as the text goes.
    pub fn show_from(&mut self, line: usize) {
        self.top = Spot { line, row: 0 };
        self.settle();
    }

    /// Whether the first row is in sight.
    pub fn at_top(&self) -> bool {
        self.top == Spot::default()
    }

    /// Whether the last row is in sight.
    pub fn at_bottom(&self) -> bool {
        self.top >= self.last_top()
    }

    /// Whether lines are wrapped.
    pub const fn wraps(&self) -> bool {
        self.wrap
    }

    /// Wraps lines or cuts them.
    pub fn toggle_wrap(&mut self) {
        self.wrap = !self.wrap;
        (self.shift, self.top.row) = (0, 0);
        self.settle();
    }

    /// Whether the end stays in sight; `None` for a text that does not grow.
    pub const fn follows(&self) -> Option<bool> {
        self.follow
    }

    /// Keeps the end in sight or not; `false` where nothing grows.
    pub fn toggle_follow(&mut self) -> bool {
        let Some(follow) = &mut self.follow else { return false };
        *follow = !*follow;
        self.settle();
        true
    }

    /// The place that the line under the cursor leads to.
    pub fn target(&self) -> Option<&Place> {
        self.lines.get(self.cursor?).and_then(TextLine::link)
    }

    /// The line under the cursor, for texts that have one.
    pub const fn cursor(&self) -> Option<usize> {
        self.cursor
    }

    /// The line that a row of the area belongs to becomes the cursor's; `false` when there is none.
    pub fn click(&mut self, row: u16) -> bool {
        let spot = self.below(self.top, usize::from(row));
        if self.cursor.is_none() || self.rows_between(self.top, spot) != usize::from(row) {
            return false;
        }
        self.cursor = Some(spot.line);
        self.moved = true;
        true
    }

    /// Moves.
    pub fn go(&mut self, motion: Motion) {
        let half = i64::from(self.height / 2).max(1);
        self.moved = true;
        let was = self.top;
        match (motion, self.cursor) {
            (Motion::By(rows), None) => self.scroll(rows),
            (Motion::By(rows), Some(cursor)) => self.move_cursor(cursor, rows),
            (Motion::HalfPages(pages), None) => self.scroll(pages * half),
            (Motion::HalfPages(pages), Some(cursor)) => self.move_cursor(cursor, pages * half),
            (Motion::Top, _) => {
                self.top = Spot::default();
                self.cursor = self.cursor.map(|_| 0);
            }
            (Motion::Bottom, _) => {
                self.top = self.last_top();
                self.cursor = self.cursor.map(|_| self.lines.len().saturating_sub(1));
                self.follow = self.follow.map(|_| true);
            }
        }
        if self.top < was {
            self.follow = self.follow.map(|_| false);
        }
    }

    /// Scrolls rows, whether there is a cursor or not: what the wheel does.
    pub fn scroll(&mut self, rows: i64) {
        let steps = usize::try_from(rows.unsigned_abs()).unwrap_or(usize::MAX);
        if rows < 0 {
            self.top = self.above(self.top, steps);
            self.follow = self.follow.map(|_| false);
        } else {
            self.top = self.below(self.top, steps).min(self.last_top());
        }
    }

    /// Moves the first line in sight by so many lines, and the cursor with it: what a scrollbar does.
    pub fn scroll_lines(&mut self, lines: i64) {
        let by = isize::try_from(lines).unwrap_or(0);
        let was = self.top;
        let line = self.top.line.saturating_add_signed(by).min(self.lines.len().saturating_sub(1));
        self.top = Spot { line, row: 0 }.min(self.last_top());
        if let Some(cursor) = self.cursor {
            self.moved = true;
            self.cursor = Some(cursor.saturating_add_signed(by).min(self.lines.len().saturating_sub(1)));
            self.show_cursor();
        }
        if self.top < was {
            self.follow = self.follow.map(|_| false);
        }
    }

    /// Steps to the side, to the right when positive.
    pub fn shift(&mut self, steps: i64) {
        let by = usize::try_from(steps.unsigned_abs()).unwrap_or(0) * SIDE_STEP;
        if steps < 0 {
            self.shift = self.shift.saturating_sub(by);
        } else if !self.wrap {
            let widest = self.in_sight().map(|line| text::width(line.text())).max().unwrap_or(0);
            let most = widest.saturating_sub(usize::from(self.width) / 2);
            self.shift = (self.shift + by).min(most.max(self.shift));
        }
    }

    /// The lines in sight.
    pub fn in_sight(&self) -> impl Iterator<Item = &TextLine> {
        let last = self.below(self.top, usize::from(self.height).saturating_sub(1));
        self.lines.iter().take(last.line + 1).skip(self.top.line)
    }

    /// `[3,400] /words 3 of 17 · …`, for a title. Of a text of which only a part is here nobody knows how many there are.
    pub fn summary(&self) -> String {
        use std::fmt::Write;
        let lines = text::count(self.lines.len() as u64);
        let mut out = if self.partial { format!("[at least {lines}]") } else { format!("[{lines}]") };
        // Writing to a string cannot fail.
        if !self.search.words().is_empty() {
            let number = self.found.map_or(0, |line| self.search.number(line));
            let _ = write!(out, " /{} ", text::clean(self.search.words()));
            let _ = match (self.far, self.search.count(), number) {
                (Far::Going { share, .. }, ..) => write!(out, "looking on, {}; Esc stops", text::percent(share)),
                (Far::Idle | Far::Wanted { .. }, 0, _) if self.partial => write!(out, "not here; n looks on"),
                (_, 0, _) => write!(out, "not found"),
                (_, count, _) if self.partial => write!(out, "in at least {} lines", text::count(count as u64)),
                (_, count, 0) => write!(out, "in {} lines", text::count(count as u64)),
                (_, count, number) => write!(out, "{} of {}", text::count(number as u64), text::count(count as u64)),
            };
        }
        if !self.wrap {
            let _ = write!(out, " · not wrapped");
        }
        out
    }

    fn move_cursor(&mut self, cursor: usize, by: i64) {
        let last = self.lines.len().saturating_sub(1);
        let steps = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
        let to = if by < 0 { cursor.saturating_sub(steps) } else { cursor.saturating_add(steps).min(last) };
        self.cursor = Some(to);
        self.show_cursor();
    }

    fn show_cursor(&mut self) {
        let Some(cursor) = self.cursor else { return };
        let end = Spot { line: cursor, row: self.rows_of(cursor).len().saturating_sub(1) };
        let lowest = self.above(end, usize::from(self.height).saturating_sub(1));
        self.top = self.top.max(lowest).min(Spot { line: cursor, row: 0 });
    }

    /// Keeps the top within the text, and at its end where that is followed.
    fn settle(&mut self) {
        let last = self.last_top();
        self.top = if self.follow == Some(true) { last } else { self.top.min(last) };
        self.show_cursor();
    }
}

#[cfg(test)]
mod tests;
