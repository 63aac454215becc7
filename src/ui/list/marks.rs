//! Marking rows: one by one, a range, all. Rows of a range may come and go meanwhile, and need not be here.

use super::{List, MARK_ALL_MAX, MARKS_LANE, RANGE_GONE, Row};
use crate::ui::screen::{Item, Out};
use crate::ui::step::{Step, Tone};
use crate::ui::text;

/// How many rows around a range are asked for with it, because rows come and go meanwhile.
const RANGE_SLACK: u64 = 100;

/// Where a range began.
pub(super) struct RangeStart {
    /// Its row's id.
    pub(super) id: String,
    /// The place of its row, as far as is known while that is out of sight.
    pub(super) place: u64,
}

/// What is to be marked once it is here.
pub(super) enum Marking {
    /// Everything.
    All,
    /// From one row to another, by their ids.
    Range(String, String),
}

/// The rows from one id to another, whichever comes first; `None` when one of them is not among the rows.
fn between<'a, R: Row>(rows: &'a [R], from: &str, to: &str) -> Option<&'a [R]> {
    let place = |id: &str| rows.iter().position(|row| row.item().id == id);
    let (from, to) = (place(from)?, place(to)?);
    rows.get(from.min(to)..=from.max(to))
}

impl<R: Row> List<R> {
    /// Marks the row under the cursor, or takes the mark away.
    pub(super) fn mark_here(&mut self) {
        if let Some(item) = self.current().map(R::item)
            && self.marks.remove(&item.id).is_none()
        {
            self.marks.insert(item.id.clone(), item);
        }
    }

    /// Begins a range at the cursor, or marks from where it began to here, asking for rows that are not here.
    pub(super) fn mark_range_to_here(&mut self, out: &mut Out) {
        let Some(here) = self.current().map(|row| row.item().id) else {
            let words = "the row under the cursor is still on its way; press again";
            return out.step(Step::Say(Tone::Info, words.to_owned()));
        };
        let Some(start) = self.range_from.take() else {
            self.range_from = Some(RangeStart { id: here, place: self.cursor });
            return;
        };
        if let Some(rows) = between(&self.rows, &start.id, &here) {
            let items: Vec<Item> = rows.iter().map(R::item).collect();
            self.marks.extend(items.into_iter().map(|item| (item.id.clone(), item)));
            return;
        }
        let (first, last) = (start.place.min(self.cursor), start.place.max(self.cursor));
        let length = last - first + 1;
        if length > MARK_ALL_MAX {
            let (length, most) = (text::count(length), text::count(MARK_ALL_MAX));
            let words = format!("a range has at most {most} rows, and this one {length}: it was not marked");
            out.step(Step::Say(Tone::Info, words));
            self.range_from = Some(start);
            return;
        }
        let offset = first.saturating_sub(RANGE_SLACK);
        let limit = (last + 1 + RANGE_SLACK - offset).min(MARK_ALL_MAX);
        let mut query = self.query();
        query.push(("offset".to_owned(), offset.to_string()));
        query.push(("limit".to_owned(), limit.to_string()));
        let ticket = out.ask(Some(MARKS_LANE), R::request(query));
        self.marking = Some((ticket, Marking::Range(start.id, here)));
    }

    /// Asks for everything that the filter lets through, to mark it.
    pub(super) fn ask_for_all(&mut self, out: &mut Out) {
        let mut query = self.query();
        query.push(("limit".to_owned(), MARK_ALL_MAX.to_string()));
        self.marking = Some((out.ask(Some(MARKS_LANE), R::request(query)), Marking::All));
    }

    /// Takes all marks away, and gives up what was to be marked; `false` when there was nothing.
    pub(super) fn unmark(&mut self) -> bool {
        let had = !self.marks.is_empty() || self.range_from.is_some() || self.marking.is_some();
        self.marks.clear();
        (self.range_from, self.marking) = (None, None);
        had
    }

    /// Marks what came for that.
    pub(super) fn mark(&mut self, marking: &Marking, rows: &[R], out: &mut Out) {
        let marked = |row: &R| {
            let item = row.item();
            (item.id.clone(), item)
        };
        match marking {
            Marking::All => self.marks = rows.iter().map(marked).collect(),
            Marking::Range(from, to) => match between(rows, from, to) {
                Some(rows) => self.marks.extend(rows.iter().map(marked)),
                None => out.step(Step::Say(Tone::Info, RANGE_GONE.to_owned())),
            },
        }
    }

    /// Whether the row at a place lies in the range that is being marked.
    pub(super) fn in_range(&self, place: u64) -> bool {
        let within = |from: u64| (from.min(self.cursor)..=from.max(self.cursor)).contains(&place);
        self.range_from.as_ref().is_some_and(|start| within(start.place))
    }
}
