//! Moving through a list, and what else can be done with any list.

use super::{Column, ColumnInfo, List, Listing, Motion, Row, Sort};
use crate::ui::request::Ticket;
use crate::ui::screen::Out;

impl<R: Row> List<R> {
    /// Learns its height.
    pub fn layout(&mut self, height: u16, out: &mut Out) {
        let height = u64::from(height.max(1));
        if height != self.height {
            self.height = height;
            self.keep_in_sight();
            if self.total.is_some() {
                self.go_for(out);
            }
        }
        self.arming.drawn();
    }

    /// Has the cursor go to something new that somebody asked for here, as soon as a page shows it. As lists are ordered by
    /// themselves the newest stands first, so that is where it is looked for.
    pub fn seek(&mut self, id: String) {
        (self.sought, self.gone_to) = (Some(id), true);
        if self.sort.is_none() && self.filter.is_empty() {
            (self.cursor, self.top, self.cursor_id) = (0, 0, None);
        }
    }

    /// Goes on to the next row after what the cursor was on has been decided. Whoever decides one thing after the other has to
    /// have seen each, as everywhere.
    pub fn go_on(&mut self, out: &mut Out) {
        let was = self.cursor;
        self.go(Motion::By(1), out);
        if self.cursor != was {
            self.arming.came_by_itself();
        }
    }

    /// Keeps the cursor among the rows, and in sight.
    pub(super) fn keep_in_sight(&mut self) {
        let last = self.total.unwrap_or(0).saturating_sub(1);
        self.cursor = self.cursor.min(last);
        self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(self.height));
    }
}

impl<R: Row> Listing for List<R> {
    fn go(&mut self, motion: Motion, out: &mut Out) {
        let last = self.total.unwrap_or(0).saturating_sub(1);
        let by = |cursor: u64, rows: i64| cursor.saturating_add_signed(rows).min(last);
        let half = i64::try_from(self.height / 2).unwrap_or(1).max(1);
        self.cursor = match motion {
            Motion::By(rows) => by(self.cursor, rows),
            Motion::HalfPages(pages) => by(self.cursor, pages * half),
            Motion::Top => 0,
            Motion::Bottom => last,
        };
        self.keep_in_sight();
        self.arming.chosen();
        self.cursor_id = self.current().map(|row| row.item().id);
        // Rows are fetched before they are needed: as soon as less than half a page is left.
        let margin = self.height / 2;
        let known = self.first..self.first + self.rows.len() as u64;
        let wanted = self.top.saturating_sub(margin)..(self.top + self.height + margin).min(last + 1);
        if self.total.is_some() && (wanted.start < known.start || wanted.end > known.end) {
            self.go_for(out);
        }
    }

    fn toggle_mark(&mut self, out: &mut Out) {
        self.mark_here();
        self.go(Motion::By(1), out);
    }

    fn mark_range(&mut self, out: &mut Out) {
        self.mark_range_to_here(out);
    }

    fn ranges(&self) -> bool {
        self.range_from.is_some()
    }

    fn mark_all(&mut self, out: &mut Out) {
        self.ask_for_all(out);
    }

    fn clear_marks(&mut self) -> bool {
        self.unmark()
    }

    fn marked(&self) -> usize {
        self.marks.len()
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn set_filter(&mut self, filter: String, out: &mut Out) {
        if filter == self.filter {
            return;
        }
        self.filter = filter;
        self.error = None;
        self.stale = true;
        // What was to be marked is not what the new filter lets through.
        (self.range_from, self.marking) = (None, None);
        (self.cursor, self.top) = (0, 0);
        self.arming.chosen();
        self.go_for(out);
    }

    fn columns(&self) -> Vec<ColumnInfo> {
        let info = |(place, column): (usize, &Column<R>)| ColumnInfo {
            title: column.title,
            sortable: column.sort.is_some(),
            shown: !self.hidden.contains(&place),
            sorted: self.sort.filter(|sort| sort.column == place).map(|sort| sort.descending),
        };
        R::COLUMNS.iter().enumerate().map(info).collect()
    }

    fn sort_by(&mut self, column: usize, out: &mut Out) {
        let greatest_first =
            || R::COLUMNS.get(column).and_then(|column| column.sort).is_some_and(|by| by.starts_with('-'));
        let descending = match self.sort {
            Some(sort) if sort.column == column => !sort.descending,
            _ => greatest_first(),
        };
        self.sort = Some(Sort { column, descending });
        self.stale = true;
        self.go_for(out);
    }

    fn toggle_column(&mut self, column: usize) {
        if !self.hidden.remove(&column) {
            self.hidden.insert(column);
        }
    }

    fn scroll(&mut self, rows: i64, out: &mut Out) {
        let was = self.top;
        let last = self.total.unwrap_or(0).saturating_sub(self.height);
        self.top = self.top.saturating_add_signed(rows).min(last);
        self.go(Motion::By(self.top.cast_signed() - was.cast_signed()), out);
    }

    fn click(&mut self, row: u16, out: &mut Out) -> bool {
        // The first line holds the headings.
        let Some(line) = row.checked_sub(1) else { return false };
        let place = self.top + u64::from(line);
        if place >= self.total.unwrap_or(0) {
            return false;
        }
        let by = i64::try_from(place).unwrap_or(0) - i64::try_from(self.cursor).unwrap_or(0);
        self.go(Motion::By(by), out);
        true
    }

    fn unheard(&mut self, ticket: Ticket) -> bool {
        self.marking.take_if(|(asked, _)| *asked == ticket).is_some()
            || self.asked.take_if(|(asked, ..)| *asked == ticket).is_some()
    }
}
