//! Asking for the rows in sight and some around them, and taking what comes.

use super::{List, Row};
use crate::api::client::Query;
use crate::ui::request::{Answer, Page, Ticket};
use crate::ui::screen::Out;
use crate::ui::step::{Step, Tone};

impl<R: Row> List<R> {
    /// Asks for the rows in sight and some around them.
    pub fn refresh(&mut self, out: &mut Out) {
        let first = self.top.saturating_sub(self.height);
        let mut query = self.query();
        query.push(("offset".to_owned(), first.to_string()));
        let limit = (self.height * 3).max(1);
        query.push(("limit".to_owned(), limit.to_string()));
        self.asked = Some((out.ask(Some(R::LANE), R::request(query)), first, first + limit));
    }

    /// Asks for rows that somebody goes to.
    pub(super) fn go_for(&mut self, out: &mut Out) {
        self.gone_to = true;
        self.refresh(out);
    }

    /// Takes a page that it asked for.
    pub fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if let Some((_, marking)) = self.marking.take_if(|(asked, _)| *asked == ticket) {
            match answer {
                Ok(answer) => self.mark(&marking, R::page(answer).map_or(&[], |page| page.rows.as_slice()), out),
                Err(message) => out.step(Step::Say(Tone::Bad, format!("nothing was marked: {message}"))),
            }
            return true;
        }
        let Some((_, first, end)) = self.asked.filter(|(asked, ..)| *asked == ticket) else { return false };
        self.asked = None;
        match answer {
            Err(message) => {
                self.error = Some(message.clone());
                if !self.filter.is_empty() {
                    // A filter that is not understood shows why; what an older one let through is out of sight, and so no
                    // key may reach it.
                    self.rows.clear();
                }
            }
            Ok(answer) => {
                if let Some(page) = R::page(answer) {
                    (self.error, self.stale) = (None, false);
                    self.take(page, first);
                    // It was asked for before the list was as tall as it is, or before its rows moved.
                    let bottom = (self.top + self.height).min(page.total);
                    if self.top < first || bottom > end {
                        self.go_for(out);
                    }
                }
            }
        }
        true
    }

    pub(super) fn query(&self) -> Query {
        let mut query = self.fixed.clone();
        if !self.filter.trim().is_empty() {
            query.push(("filter".to_owned(), self.filter.trim().to_owned()));
        }
        let order = self.sort.and_then(|sort| {
            let field = R::COLUMNS.get(sort.column)?.sort?.trim_start_matches('-');
            Some(format!("{}{field}", if sort.descending { "-" } else { "" }))
        });
        let order = order.unwrap_or_else(|| R::ORDER.to_owned());
        if !order.is_empty() {
            query.push(("sort".to_owned(), order));
        }
        query
    }

    fn take(&mut self, page: &Page<R>, first: u64) {
        let before = self.current().map(|row| row.item().id);
        let gone_to = std::mem::take(&mut self.gone_to) || self.total.is_none();
        let ids: Vec<String> = page.rows.iter().map(|row| row.item().id).collect();
        self.arming.know(ids.iter().map(String::as_str), gone_to);
        self.rows.clone_from(&page.rows);
        self.first = first;
        self.total = Some(page.total);
        let place = |id: &str| ids.iter().position(|known| known == id).map(|found| first + found as u64);
        let was = self.cursor;
        let sought = self.sought.take().and_then(|id| place(&id));
        let found = sought.or_else(|| self.cursor_id.as_deref().and_then(place));
        if let Some(start) = &mut self.range_from {
            // Out of sight it goes as far as the cursor's item does.
            let moved = found.map_or(0, |now| now.cast_signed() - was.cast_signed());
            start.place = place(&start.id).unwrap_or_else(|| start.place.saturating_add_signed(moved));
        }
        if let Some(now) = found {
            // The item keeps its line: the top moves as far as the item did.
            self.top = if self.top == 0 && self.cursor < self.height && now < self.height {
                0
            } else {
                (self.top + now).saturating_sub(self.cursor)
            };
            self.cursor = now;
        }
        self.keep_in_sight();
        self.cursor_id = self.current().map(|row| row.item().id);
        match (self.cursor_id == before, gone_to) {
            (true, _) => {}
            (false, true) => self.arming.chosen(),
            (false, false) => self.arming.came_by_itself(),
        }
        for row in &self.rows {
            let item = row.item();
            if let Some(mark) = self.marks.get_mut(&item.id) {
                *mark = item;
            }
        }
    }
}
