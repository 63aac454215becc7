//! What can be done with the inbox as with any list: moving, marking, filtering.

use super::columns::COLUMNS;
use super::entries::{Entries, Row, STEP};
use crate::ui::list::{ColumnInfo, Listing, MARK_ALL_MAX, Motion, RANGE_GONE};
use crate::ui::request::Ticket;
use crate::ui::screen::Out;
use crate::ui::step::{Step, Tone};

impl Listing for Entries {
    fn go(&mut self, motion: Motion, out: &mut Out) {
        let last = self.rows.len().saturating_sub(1);
        let by = |rows: i64| self.cursor.saturating_add_signed(isize::try_from(rows).unwrap_or(0)).min(last);
        let half = i64::try_from(self.height / 2).unwrap_or(1).max(1);
        self.cursor = match motion {
            Motion::By(rows) => by(rows),
            Motion::HalfPages(pages) => by(pages * half),
            Motion::Top => 0,
            Motion::Bottom => last,
        };
        self.keep_in_sight();
        self.moved();
        let more = self.total.is_some_and(|total| total > self.limit);
        if more && self.asked.is_none() && self.cursor + self.height >= self.rows.len() {
            self.limit = (self.limit + STEP.max(self.limit / 2)).min(MARK_ALL_MAX);
            self.reaches = Some(self.items.len());
            self.refresh(out);
        }
    }

    fn toggle_mark(&mut self, out: &mut Out) {
        let places = match self.current() {
            Some(Row::Item(place, _)) => vec![*place],
            Some(Row::Group(places)) => places.clone(),
            None => vec![],
        };
        if places.iter().all(|place| self.marks.contains_key(&self.items[*place].id)) {
            for place in places {
                self.marks.remove(&self.items[place].id);
            }
        } else {
            self.mark(&places);
        }
        self.go(Motion::By(1), out);
    }

    fn mark_range(&mut self, out: &mut Out) {
        if self.range_from.take().is_none() {
            (self.range_from, self.range_place) = (self.key.clone(), Some(self.cursor));
            return;
        }
        let Some(from) = self.range_place.take() else {
            return out.step(Step::Say(Tone::Info, RANGE_GONE.to_owned()));
        };
        let within = self.rows.iter().take(from.max(self.cursor) + 1).skip(from.min(self.cursor));
        let places = within.flat_map(|row| match row {
            Row::Item(place, _) => std::slice::from_ref(place),
            // Of a group that is folded the heading stands for all; else its items stand for themselves.
            Row::Group(places) if self.is_folded(&self.items[places[0]].group) => places.as_slice(),
            Row::Group(_) => &[],
        });
        let places: Vec<usize> = places.copied().collect();
        self.mark(&places);
    }

    fn ranges(&self) -> bool {
        self.range_from.is_some()
    }

    fn mark_all(&mut self, out: &mut Out) {
        self.ask_marks(out);
    }

    fn clear_marks(&mut self) -> bool {
        let had = !self.marks.is_empty() || self.range_from.is_some() || self.marking.is_some();
        self.marks.clear();
        (self.range_from, self.range_place, self.marking) = (None, None, None);
        had
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
        (self.range_from, self.range_place, self.marking) = (None, None, None);
        (self.cursor, self.top, self.key, self.limit) = (0, 0, None, STEP);
        self.refresh(out);
    }

    fn columns(&self) -> Vec<ColumnInfo> {
        let info = |(place, title): (usize, &'static str)| ColumnInfo {
            title,
            sortable: false,
            shown: !self.hidden.contains(&place),
            sorted: None,
        };
        COLUMNS.iter().map(|column| column.title).enumerate().map(info).collect()
    }

    fn sort_by(&mut self, _: usize, _: &mut Out) {}

    fn toggle_column(&mut self, column: usize) {
        if !self.hidden.remove(&column) {
            self.hidden.insert(column);
        }
    }

    fn scroll(&mut self, rows: i64, out: &mut Out) {
        let was = self.top;
        let last = self.rows.len().saturating_sub(self.height);
        self.top = self.top.saturating_add_signed(isize::try_from(rows).unwrap_or(0)).min(last);
        let by = i64::try_from(self.top).unwrap_or(0) - i64::try_from(was).unwrap_or(0);
        self.go(Motion::By(by), out);
    }

    fn click(&mut self, row: u16, out: &mut Out) -> bool {
        // The first line holds the headings.
        let Some(line) = row.checked_sub(1) else { return false };
        let place = self.top + usize::from(line);
        if usize::from(line) >= self.height || place >= self.rows.len() {
            return false;
        }
        let by = i64::try_from(place).unwrap_or(0) - i64::try_from(self.cursor).unwrap_or(0);
        self.go(Motion::By(by), out);
        true
    }

    fn unheard(&mut self, ticket: Ticket) -> bool {
        self.asked.take_if(|asked| *asked == ticket).is_some()
            || self.marking.take_if(|asked| *asked == ticket).is_some()
    }
}
