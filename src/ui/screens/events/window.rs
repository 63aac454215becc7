//! A window on the journal: some records in a row, the newest first, that grow at either end as one moves.
//!
//! The journal only grows, so what is here stays right. A filter looks at a bounded number of records at a time; asking
//! goes on from where that ended until the screen is full or the journal's beginning is reached.

use std::collections::VecDeque;

use crate::api::client::Query;
use crate::api::types::JournalRow;
use crate::domain::event::Event;
use crate::ui::events_text;
use crate::ui::gather::Records;
use crate::ui::list::{ColumnInfo, Listing, Motion};
use crate::ui::request::{Answer, Lane, Request, Ticket};
use crate::ui::screen::Out;

const LANE: Lane = "journal";

/// The most records that are kept; those furthest from the cursor go first.
const ROWS_MAX: usize = 1_000;

/// A record and what it says.
pub struct Entry {
    /// As it came.
    pub row: JournalRow,
    /// What happened; `None` when this version does not know the kind.
    pub event: Option<Event>,
}

/// Where what was asked for belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// The newest, in place of what is here.
    Newest,
    /// Older ones, at the end.
    Older,
    /// Newer ones, in front.
    Newer,
    /// The oldest, in place of what is here.
    Oldest,
    /// Those somewhere between, in place of what is here.
    Between,
    /// Nothing but how far the journal goes.
    Head,
}

/// The window.
pub struct Window {
    rows: VecDeque<Entry>,
    /// The number of the journal's last record; `None` before anything came.
    pub head: Option<u64>,
    /// Before which record older ones are; `None` when the beginning is here.
    older: Option<u64>,
    /// After which record newer ones may be; `None` when all up to `seen` are here.
    newer: Option<u64>,
    /// How far the journal went when the newest here were fetched.
    seen: u64,
    /// The newest record when the window was drawn last, and how many had come since the time before.
    drawn: (Option<u64>, u64),
    pub cursor: usize,
    pub top: usize,
    pub height: usize,
    /// Whether the newest are shown as they come.
    pub follow: bool,
    pub error: Option<String>,
    filter: String,
    asked: Option<(Ticket, Wanted)>,
    /// The oldest records, collected until they fill the screen and take the place of what is here.
    collected: Vec<Entry>,
}

impl Window {
    /// A window at the journal's end.
    pub fn new() -> Self {
        Self {
            rows: VecDeque::new(),
            head: None,
            older: None,
            newer: None,
            seen: 0,
            drawn: (None, 0),
            cursor: 0,
            top: 0,
            height: 20,
            follow: true,
            error: None,
            filter: String::new(),
            asked: None,
            collected: Vec::new(),
        }
    }

    /// The records from the top of the screen on.
    pub fn visible(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.rows.iter().enumerate().skip(self.top).take(self.height)
    }

    /// The record under the cursor.
    pub fn current(&self) -> Option<&Entry> {
        self.rows.get(self.cursor)
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether something is on its way that will show more.
    pub fn looks(&self) -> bool {
        self.asked.is_some_and(|(_, wanted)| wanted != Wanted::Head)
    }

    /// How far back was looked: the journal's beginning is 0.
    pub fn looked_back_to(&self) -> u64 {
        self.older.unwrap_or(0)
    }

    /// How many records are here, and whether those are all up to the newest that was looked at.
    pub fn found(&self) -> (u64, bool) {
        (self.rows.len() as u64, self.older.is_none() && self.newer.is_none() && !self.looks())
    }

    /// How many records came since the newest here were fetched.
    pub fn unseen(&self) -> u64 {
        self.head.unwrap_or(0).saturating_sub(self.seen)
    }

    /// Asks for what may have changed: newer ones where one follows, else only how far the journal goes.
    pub fn refresh(&mut self, out: &mut Out) {
        if self.looks() {
            return;
        }
        match (self.head, self.follow) {
            (None, _) => self.ask(Wanted::Newest, None, out),
            (Some(_), true) => self.ask(Wanted::Newer, Some(self.newer.unwrap_or(self.seen)), out),
            (Some(_), false) => self.ask(Wanted::Head, None, out),
        }
    }

    fn page(&self) -> usize {
        (self.height * 2).max(20)
    }

    fn ask(&mut self, wanted: Wanted, from: Option<u64>, out: &mut Out) {
        let newest_first = matches!(wanted, Wanted::Newest | Wanted::Older | Wanted::Between | Wanted::Head);
        let mut query: Query = vec![("order".into(), if newest_first { "desc" } else { "asc" }.into())];
        let limit = if wanted == Wanted::Head { 1 } else { self.page() };
        query.push(("limit".into(), limit.to_string()));
        if let Some(from) = from {
            query.push((if newest_first { "before" } else { "after" }.into(), from.to_string()));
        }
        if wanted != Wanted::Head && !self.filter.trim().is_empty() {
            query.push(("filter".into(), self.filter.trim().to_owned()));
        }
        self.asked = Some((out.ask(Some(LANE), Request::Journal(query)), wanted));
    }

    /// Takes an answer that it asked for; `false` when the ticket is not its own.
    pub fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        let Some((_, wanted)) = self.asked.take_if(|(asked, _)| *asked == ticket) else { return false };
        match answer {
            Ok(Answer::Journal(records)) => {
                self.error = None;
                self.take(wanted, records, out);
            }
            Ok(_) => self.error = Some("the engine answered something else".to_owned()),
            Err(message) => self.error = Some(message.clone()),
        }
        true
    }

    fn take(&mut self, wanted: Wanted, records: &Records, out: &mut Out) {
        self.head = Some(records.head);
        let entries = records.rows.iter().map(|row| Entry { event: events_text::event(row), row: row.clone() });
        match wanted {
            Wanted::Head => return,
            Wanted::Older => {
                self.rows.extend(entries);
                self.older = records.next;
                self.forget_newest();
            }
            Wanted::Newer => {
                // So many have come that those between are not worth fetching for who looks at the newest.
                if records.next.is_some() && self.follow {
                    self.restart(Wanted::Newest, out);
                    return;
                }
                for entry in entries {
                    self.rows.push_front(entry);
                }
                if !self.follow {
                    // What is in sight stays in sight.
                    self.cursor += records.rows.len();
                    self.top += records.rows.len();
                }
                self.newer = records.next;
                if self.newer.is_none() {
                    self.seen = records.head;
                }
                self.forget_oldest();
            }
            Wanted::Newest => {
                self.rows = entries.collect();
                (self.cursor, self.top) = (0, 0);
                (self.older, self.newer, self.seen) = (records.next, None, records.head);
            }
            Wanted::Between => {
                self.rows = entries.collect();
                (self.cursor, self.top) = (0, 0);
                self.older = records.next;
                self.newer = self.rows.front().map(|entry| entry.row.seq);
            }
            Wanted::Oldest => {
                self.collected.extend(entries);
                if let Some(next) = records.next.filter(|_| self.collected.len() < self.height) {
                    self.ask(Wanted::Oldest, Some(next), out);
                    return;
                }
                self.rows = std::mem::take(&mut self.collected).into_iter().rev().collect();
                self.cursor = self.rows.len().saturating_sub(1);
                (self.older, self.newer) = (None, records.next);
                if self.newer.is_none() {
                    self.seen = records.head;
                }
            }
        }
        self.settle(out);
    }

    fn forget_newest(&mut self) {
        while self.rows.len() > ROWS_MAX && self.top > self.height {
            self.rows.pop_front();
            (self.cursor, self.top) = (self.cursor.saturating_sub(1), self.top.saturating_sub(1));
            self.newer = self.rows.front().map(|entry| entry.row.seq);
        }
    }

    fn forget_oldest(&mut self) {
        while self.rows.len() > ROWS_MAX && self.cursor + self.height < self.rows.len() {
            self.rows.pop_back();
            self.older = self.rows.back().map(|entry| entry.row.seq);
        }
    }

    /// Keeps the cursor in sight, and asks for records near those in sight that are not here.
    fn settle(&mut self, out: &mut Out) {
        self.cursor = self.cursor.min(self.rows.len().saturating_sub(1));
        self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(self.height));
        if self.looks() {
            return;
        }
        if let Some(older) = self.older.filter(|_| self.top + self.height + self.height / 2 > self.rows.len()) {
            self.ask(Wanted::Older, Some(older), out);
        } else if let Some(newer) = self.newer.filter(|_| self.top < self.height / 2) {
            self.ask(Wanted::Newer, Some(newer), out);
        }
    }

    /// How many records came between the last frame and the one before, if more than fit on the screen: those that
    /// nobody could see come.
    pub fn unshown(&self) -> Option<u64> {
        Some(self.drawn.1).filter(|came| self.follow && *came > self.height as u64)
    }

    /// Learns its height, before it is drawn.
    pub fn layout(&mut self, height: u16, out: &mut Out) {
        let newest = self.rows.front().map(|entry| entry.row.seq);
        if newest != self.drawn.0 {
            let came = newest.zip(self.drawn.0).map_or(0, |(newest, before)| newest.saturating_sub(before));
            self.drawn = (newest, came);
        }
        let height = usize::from(height.max(1));
        if height != self.height {
            self.height = height;
            if self.head.is_some() {
                self.settle(out);
            }
        }
    }

    /// Goes to the newest and stays with it, or stays where it is.
    pub fn toggle_follow(&mut self, out: &mut Out) {
        self.follow = !self.follow;
        if self.follow {
            self.restart(Wanted::Newest, out);
        }
    }

    fn restart(&mut self, wanted: Wanted, out: &mut Out) {
        self.collected.clear();
        let from = (wanted == Wanted::Oldest).then_some(0);
        self.ask(wanted, from, out);
    }
}

impl Listing for Window {
    fn go(&mut self, motion: Motion, out: &mut Out) {
        let last = self.rows.len().saturating_sub(1);
        let half = i64::try_from(self.height / 2).unwrap_or(1).max(1);
        let by = |rows: i64| self.cursor.saturating_add_signed(isize::try_from(rows).unwrap_or(0)).min(last);
        match motion {
            Motion::By(rows) => self.cursor = by(rows),
            Motion::HalfPages(pages) => self.cursor = by(pages * half),
            Motion::Top if self.newer.is_some() || self.unseen() > 0 => {
                self.restart(Wanted::Newest, out);
                return;
            }
            Motion::Top => self.cursor = 0,
            Motion::Bottom if self.older.is_some() => {
                self.follow = false;
                self.restart(Wanted::Oldest, out);
                return;
            }
            Motion::Bottom => self.cursor = last,
        }
        // Who moves wants to read; new records would push away what is read.
        if self.cursor > 0 {
            self.follow = false;
        }
        self.settle(out);
    }

    fn toggle_mark(&mut self, _: &mut Out) {}

    fn mark_range(&mut self, _: &mut Out) {}

    fn mark_all(&mut self, _: &mut Out) {}

    fn clear_marks(&mut self) -> bool {
        false
    }

    fn marked(&self) -> usize {
        0
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
        self.rows.clear();
        (self.cursor, self.top, self.older, self.newer) = (0, 0, None, None);
        self.restart(Wanted::Newest, out);
    }

    fn columns(&self) -> Vec<ColumnInfo> {
        Vec::new()
    }

    fn sort_by(&mut self, _: usize, _: &mut Out) {}

    fn toggle_column(&mut self, _: usize) {}

    fn scroll(&mut self, rows: i64, out: &mut Out) {
        if rows == 0 {
            return;
        }
        self.follow = false;
        let top = self.top.checked_add_signed(isize::try_from(rows).unwrap_or(isize::MAX));
        // Without a filter the rows here have the journal's numbers, without a gap.
        if let Some(top) = top.filter(|top| self.filter.trim().is_empty() && top + self.height <= self.rows.len()) {
            self.cursor = top + (self.cursor - self.top.min(self.cursor));
            self.top = top;
            self.settle(out);
            return;
        }
        let (head, least) = (self.head.unwrap_or(0), self.height as u64);
        let here = self.rows.get(self.top).map_or(head, |entry| entry.row.seq);
        let first = here.saturating_add_signed(rows.saturating_neg()).clamp(least.min(head), head);
        let (wanted, from) = if first == head { (Wanted::Newest, None) } else { (Wanted::Between, Some(first + 1)) };
        self.collected.clear();
        self.ask(wanted, from, out);
    }

    fn click(&mut self, row: u16, out: &mut Out) -> bool {
        // The first line holds the headings.
        let Some(place) = row.checked_sub(1).map(|line| self.top + usize::from(line)) else { return false };
        if place >= self.rows.len() {
            return false;
        }
        self.cursor = place;
        self.follow = false;
        self.settle(out);
        true
    }

    fn unheard(&mut self, ticket: Ticket) -> bool {
        let Some((_, wanted)) = self.asked.take_if(|(asked, _)| *asked == ticket) else { return false };
        self.collected.clear();
        if wanted == Wanted::Newest {
            // What is here may be of another filter, or too old to go on from: it is asked for anew.
            self.head = None;
        }
        true
    }
}
