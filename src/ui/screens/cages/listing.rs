//! What can be done with the cages as with any list: moving, marking, filtering, sorting.

use super::{Cages, Order, columns};
use crate::api::filters::GRID;
use crate::api::live::CageCell;
use crate::domain::filter::Filter;
use crate::ui::list::{Column, ColumnInfo, Listing, Motion, Sort};
use crate::ui::screen::Out;

impl Listing for Cages {
    fn go(&mut self, motion: Motion, _: &mut Out) {
        let (across, down) = self.window();
        let last = self.shown.len().saturating_sub(1);
        let rows = |rows: i64| {
            let moved = i64::try_from(self.cursor).unwrap_or(0) + rows * i64::try_from(across).unwrap_or(1);
            match usize::try_from(moved) {
                // Beyond an end the cursor stays in its column, except that the last row may be shorter.
                Err(_) => self.cursor % across,
                Ok(place) if place <= last => place,
                Ok(_) if self.cursor / across == last / across => self.cursor,
                Ok(_) => {
                    let below = (last / across) * across + self.cursor % across;
                    below.min(last)
                }
            }
        };
        let half = i64::try_from(down / 2).unwrap_or(1).max(1);
        let place = match motion {
            Motion::By(number) => rows(number),
            Motion::HalfPages(pages) => rows(pages * half),
            Motion::Top => 0,
            Motion::Bottom => last,
        };
        self.put_cursor(place);
    }

    fn toggle_mark(&mut self, _: &mut Out) {
        if let Some(id) = self.chosen().map(|cell| cell.id) {
            if !self.marks.remove(&id) {
                self.marks.insert(id);
            }
            self.put_cursor(self.cursor + 1);
        }
    }

    fn mark_range(&mut self, _: &mut Out) {
        if self.range_from.is_some() {
            let range = self.in_range();
            self.marks.extend(range);
            self.range_from = None;
        } else {
            self.range_from = self.chosen().map(|cell| cell.id);
        }
    }

    fn ranges(&self) -> bool {
        self.range_from.is_some()
    }

    fn mark_all(&mut self, _: &mut Out) {
        // Of a filter that is not understood nobody knows what it lets through.
        let passing = self.cells.all().iter().zip(&self.passing).filter(|(_, passes)| self.parsed.is_ok() && **passes);
        self.marks = passing.map(|(cell, _)| cell.id).collect();
    }

    fn clear_marks(&mut self) -> bool {
        let had = !self.marks.is_empty() || self.range_from.is_some();
        self.marks.clear();
        self.range_from = None;
        had
    }

    fn marked(&self) -> usize {
        self.marks.len()
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn set_filter(&mut self, filter: String, _: &mut Out) {
        if filter == self.filter {
            return;
        }
        match Filter::parse(&GRID, filter.trim()) {
            Ok(parsed) => self.parsed = Ok(parsed),
            Err(mut refusal) => {
                // What the command line calls this list of fields is no word of who looks at cages.
                refusal.field = refusal.field.replace(GRID.name, "cages");
                self.parsed = Err(refusal.to_string());
            }
        }
        self.filter = filter;
        self.arrange();
        // What a filter of one's own brings under the cursor has not come by itself.
        self.arming.chosen();
        let here = self.shown.get(self.cursor).is_some_and(|cell| self.passing[*cell]);
        if !here && let Some(first) = self.shown.iter().position(|cell| self.passing[*cell]) {
            self.put_cursor(first);
        }
    }

    fn columns(&self) -> Vec<ColumnInfo> {
        let sorted = |place: usize| match self.order {
            Order::Column(sort) if sort.column == place => Some(sort.descending),
            _ => None,
        };
        let info = |(place, column): (usize, &Column<CageCell>)| ColumnInfo {
            title: column.title,
            sortable: true,
            shown: !self.hidden.contains(&place),
            sorted: sorted(place),
        };
        columns::COLUMNS.iter().enumerate().map(info).collect()
    }

    fn sort_by(&mut self, column: usize, _: &mut Out) {
        let descending = match self.order {
            Order::Column(sort) if sort.column == column => !sort.descending,
            _ => columns::greatest_first(column),
        };
        self.order = Order::Column(Sort { column, descending });
        self.arrange();
        // Sorting asks for what is first; the cursor goes there.
        self.put_cursor(0);
    }

    fn toggle_column(&mut self, column: usize) {
        if !self.hidden.remove(&column) {
            self.hidden.insert(column);
        }
    }

    fn scroll(&mut self, rows: i64, out: &mut Out) {
        let (across, down) = self.window();
        let was = self.top;
        let last = self.shown.len().div_ceil(across).saturating_sub(down);
        self.top = self.top.saturating_add_signed(isize::try_from(rows).unwrap_or(0)).min(last);
        let by = i64::try_from(self.top).unwrap_or(0) - i64::try_from(was).unwrap_or(0);
        self.go(Motion::By(by), out);
    }

    fn click(&mut self, row: u16, _: &mut Out) -> bool {
        let (_, down) = self.window();
        let place = row.checked_sub(1).map(usize::from).filter(|line| *line < down).map(|line| self.top + line);
        match place.filter(|place| self.as_list && *place < self.shown.len()) {
            Some(place) => {
                self.put_cursor(place);
                true
            }
            None => false,
        }
    }
}
