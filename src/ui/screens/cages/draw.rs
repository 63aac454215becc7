//! How the cages are drawn, as a grid and as a list.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::grid::{self, Drawn, Plan, Size};
use super::measure::{self, Measure};
use super::{Cages, Cells, Order, columns, foot, foot_lines};
use crate::ui::columns::{Front, header, line, widths};
use crate::ui::look::Look;
use crate::ui::scrollbars::Scrolls;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;

impl Cages {
    pub(super) fn draw_grid(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let body = Rect { height: area.height.saturating_sub(foot_lines(area.width)), ..area };
        let range = self.in_range();
        let first = self.top * self.plan.across;
        let drawn = (first..self.shown.len()).filter_map(|place| {
            let at = *self.shown.get(place)?;
            let cell = self.cells.all().get(at)?;
            Some(Drawn {
                cell,
                share: self.cells.share(at, self.measure),
                matches: self.passing.get(at).copied().unwrap_or(true),
                here: place == self.cursor,
                marked: self.marks.contains(&cell.id) || range.contains(&cell.id),
            })
        });
        grid::draw(frame, body, &self.plan, self.measure, look, drawn);
        let rows = self.shown.len().div_ceil(self.plan.across);
        widgets::scrollbar(frame, body, Scrolls::List, (self.top as u64, self.plan.down as u64, rows as u64), look);
        let foot = Rect { y: body.bottom(), height: foot::cell_lines(area.width), ..area };
        foot::draw_cell(frame, foot, self.current(), look);
        let tenths = matches!(self.plan.size, Size::Short | Size::Dot);
        let scale = foot::scale(&self.cells, self.measure, tenths, usize::from(area.width), look);
        let states = foot::states(&self.cells, usize::from(area.width), look);
        frame.render_widget(states, Rect { y: foot.bottom(), height: 1, ..area });
        frame.render_widget(scale, Rect { y: foot.bottom() + 1, height: 1, ..area });
    }

    pub(super) fn draw_list(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let widths = widths(columns::COLUMNS, &self.hidden, area.width, crate::ui::list::FILL_MIN);
        let sort = match self.order {
            Order::Column(sort) => Some(sort),
            Order::Fullest => None,
        };
        frame.render_widget(header(columns::COLUMNS, &widths, sort, look), Rect { height: 1, ..area });
        let (_, down) = self.window();
        let foot = foot::cell_lines(area.width);
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1 + foot), ..area };
        let range = self.in_range();
        for (row, place) in (0u16..).zip(self.top..self.shown.len()).take(down) {
            let Some(cell) = self.cell(place) else { break };
            let marked = self.marks.contains(&cell.id) || range.contains(&cell.id);
            let front = Front { state: measure::mark_of(cell), here: place == self.cursor, marked, focused: true };
            let at = Rect { y: body.y + row, height: 1, ..body };
            frame.render_widget(line(columns::COLUMNS, cell, front, &widths, look), at);
        }
        if self.shown.is_empty() {
            let words = format!("nothing matches {}\nEsc clears the filter", text::clean(&self.filter));
            widgets::center_text(frame, body, &words, look.style(Role::Dim));
        }
        widgets::scrollbar(frame, body, Scrolls::List, (self.top as u64, down as u64, self.shown.len() as u64), look);
        foot::draw_cell(frame, Rect { y: body.bottom(), height: foot, ..area }, self.current(), look);
    }
}

/// The fewest rows in which cells without a number each are still found by their place.
pub const MAP_ROWS: u16 = 3;

fn plan_small(area: Rect, cells: &Cells) -> Plan {
    let last = cells.all().last().map_or(1, |cell| cell.id.number());
    Plan::new(area, cells.all().len(), if last >= 1000 { 4 } else { 3 })
}

/// Whether there is room for all cages at once, and to tell which cell is which cage.
pub fn fits_small(area: Rect, cells: &Cells) -> bool {
    let plan = plan_small(area, cells);
    let cramped = matches!(plan.size, Size::Short | Size::Dot) && area.height < MAP_ROWS;
    !cramped && plan.across * plan.down >= cells.all().len()
}

/// Whether a cell has no room for more than the tenth of its limit, when all cages are drawn at once.
pub fn small_in_tenths(area: Rect, cells: &Cells) -> bool {
    matches!(plan_small(area, cells).size, Size::Short | Size::Dot)
}

/// Draws all cages at once, without a cursor, as large as there is room, where [`fits_small`] says that there is enough.
pub fn draw_small(frame: &mut Frame<'_>, area: Rect, cells: &Cells, measure: Measure, look: &Look<'_>) {
    let plan = plan_small(area, cells);
    let drawn = cells.all().iter().enumerate().map(|(place, cell)| Drawn {
        cell,
        share: cells.share(place, measure),
        matches: true,
        here: false,
        marked: false,
    });
    grid::draw(frame, area, &plan, measure, look, drawn);
}
