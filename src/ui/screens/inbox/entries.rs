//! What waits for a human, as the rows of a list: in the engine's order, alike things under one heading, the cursor on its
//! item whatever comes and goes.
//!
//! The inbox is read from its dear end, so it is fetched from there as far as one goes: what lies further down comes up
//! as what is above is decided.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::client::Query;
use crate::api::triage::{InboxItem, InboxKind, Risk};
use crate::ui::arming::Arming;
use crate::ui::list::{MARK_ALL_MAX, MARKS_LANE};
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::{Item, Noun, Out, Selection};
use crate::ui::step::{Step, Tone};
use crate::ui::text;

/// How many are fetched at first, and how many more each time one comes near the end.
pub(super) const STEP: u64 = 200;

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// The heading of alike items: the places of all of them.
    Group(Vec<usize>),
    /// An item, and whether it stands under a heading.
    Item(usize, bool),
}

/// What a row is about, so that the cursor finds it again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Group(String),
    Item(String),
}

/// What was decided here.
#[derive(Default)]
struct Decisions {
    /// What is not gone yet.
    ids: BTreeSet<String>,
    /// Changes of ours that the engine has not answered.
    on_the_way: usize,
    /// Whether the page that is on its way was asked for after all changes had been answered.
    settled: bool,
    /// Whether the cursor is where a decision left it, and no key has moved it since.
    gone_on: bool,
}

/// The rows and what of them is known.
pub struct Entries {
    pub(super) items: Vec<InboxItem>,
    pub(super) total: Option<u64>,
    pub(super) rows: Vec<Row>,
    /// What each row is about.
    keys: Vec<Key>,
    grouped: bool,
    pub(super) folded: BTreeSet<String>,
    pub(super) cursor: usize,
    pub(super) key: Option<Key>,
    pub(super) top: usize,
    pub(super) height: usize,
    /// What is marked, by id: some of it may lie beyond what is fetched.
    pub(super) marks: BTreeMap<String, InboxItem>,
    /// Where the range that is being marked began, and at which row that is.
    pub(super) range_from: Option<Key>,
    pub(super) range_place: Option<usize>,
    pub(super) filter: String,
    snoozed: bool,
    pub(super) hidden: BTreeSet<usize>,
    /// How many are asked for.
    pub(super) limit: u64,
    pub(super) asked: Option<Ticket>,
    /// What is to be marked, on its way.
    pub(super) marking: Option<Ticket>,
    /// Whether the rows are those of another filter than the one that was chosen last.
    pub(super) stale: bool,
    /// How many were here when more was asked for, because one came near their end.
    pub(super) reaches: Option<usize>,
    decisions: Decisions,
    /// What was decided and is taken back: the cursor goes to the first of it that the next page has.
    sought: BTreeSet<String>,
    pub(super) error: Option<String>,
    /// Whether what is under the cursor may be acted on yet.
    pub arming: Arming,
}

impl Entries {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            items: vec![],
            total: None,
            rows: vec![],
            keys: vec![],
            grouped: true,
            folded: BTreeSet::new(),
            cursor: 0,
            key: None,
            top: 0,
            height: 20,
            marks: BTreeMap::new(),
            range_from: None,
            range_place: None,
            filter: String::new(),
            snoozed: false,
            hidden: BTreeSet::new(),
            limit: STEP,
            asked: None,
            marking: None,
            stale: false,
            reaches: None,
            decisions: Decisions::default(),
            sought: BTreeSet::new(),
            error: None,
            arming: Arming::default(),
        }
    }

    /// The items that are here, the dearest first.
    pub fn items(&self) -> &[InboxItem] {
        &self.items
    }

    /// How many wait in all; `None` while nobody knows.
    pub const fn total(&self) -> Option<u64> {
        self.total
    }

    /// Why there is nothing to show, if the engine said so.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The rows in sight, each with its place.
    pub fn visible(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.rows.iter().enumerate().skip(self.top).take(self.height)
    }

    /// How many rows there are, and which is the first in sight.
    pub fn scroll(&self) -> (usize, usize, usize) {
        (self.top, self.height, self.rows.len())
    }

    /// The place of the cursor.
    pub const fn cursor(&self) -> usize {
        self.cursor
    }

    /// The columns that are not shown.
    pub const fn hidden(&self) -> &BTreeSet<usize> {
        &self.hidden
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&Row> {
        self.rows.get(self.cursor)
    }

    /// The item under the cursor, if it is one.
    pub fn current_item(&self) -> Option<&InboxItem> {
        match self.current()? {
            Row::Item(place, _) => self.items.get(*place),
            Row::Group(_) => None,
        }
    }

    /// The item that the cursor comes to when the present one is decided.
    pub fn next_item(&self) -> Option<&InboxItem> {
        self.next_place().and_then(|place| match self.rows.get(place)? {
            Row::Item(place, _) => self.items.get(*place),
            Row::Group(_) => None,
        })
    }

    /// Whether an item is marked, or within the range that is being marked.
    pub fn is_marked(&self, place: usize, item: &InboxItem) -> bool {
        self.marks.contains_key(&item.id) || self.in_range(place)
    }

    /// Whether a row is within the range that is being marked.
    pub fn in_range(&self, place: usize) -> bool {
        let within = |from: usize| (from.min(self.cursor)..=from.max(self.cursor)).contains(&place);
        self.range_place.is_some_and(within)
    }

    pub(super) fn mark(&mut self, places: &[usize]) {
        let items = places.iter().filter_map(|place| self.items.get(*place));
        self.marks.extend(items.map(|item| (item.id.clone(), item.clone())));
    }

    /// Whether an item was decided here and is only not gone yet.
    pub fn is_decided(&self, item: &InboxItem) -> bool {
        self.decisions.ids.contains(&item.id)
    }

    /// Whether a group shows only its heading.
    pub fn is_folded(&self, group: &str) -> bool {
        self.folded.contains(group)
    }

    /// `[27] /filter · 3 marked`, for a title.
    pub fn summary(&self) -> String {
        // Of a filter that is not understood nobody knows how many it lets through.
        let known = self.total.filter(|_| self.error.is_none() || self.filter.is_empty());
        let total = match (known, self.total) {
            (Some(total), _) => text::count(total),
            (None, Some(_)) => "?".to_owned(),
            (None, None) => "…".to_owned(),
        };
        let filter = if self.filter.is_empty() { String::new() } else { format!(" /{}", text::clean(&self.filter)) };
        let marked = match self.marks.len() {
            0 => String::new(),
            number => format!(" · {} marked", text::count(number as u64)),
        };
        let snoozed = if self.snoozed { " · with what was put off" } else { "" };
        format!("[{total}]{filter}{marked}{snoozed}")
    }

    /// What actions act on: what is marked, else the row under the cursor, a heading standing for its items. All of one
    /// kind: of mixed marks those of the kind under the cursor, where there are any.
    pub fn selection(&self) -> Selection {
        let kind = self.kind().unwrap_or(InboxKind::Artifact);
        let items = self.chosen().into_iter().filter(|item| item.kind == kind).map(item).collect();
        let noun = match kind {
            InboxKind::Artifact => Noun::Artifact,
            InboxKind::FailedTask => Noun::Task,
            InboxKind::Alert => Noun::Alert,
        };
        Selection { noun, items, marked: !self.marks.is_empty() }
    }

    /// The kind of what actions act on; `None` where there is nothing.
    pub fn kind(&self) -> Option<InboxKind> {
        let chosen = self.chosen();
        let here = self.here().first().map(|item| item.kind);
        here.filter(|kind| chosen.iter().any(|item| item.kind == *kind)).or_else(|| Some(chosen.first()?.kind))
    }

    /// What the cursor is on, a heading standing for its items.
    fn here(&self) -> Vec<&InboxItem> {
        match self.current() {
            None => vec![],
            Some(Row::Item(place, _)) => self.items.get(*place).into_iter().collect(),
            Some(Row::Group(places)) => places.iter().filter_map(|place| self.items.get(*place)).collect(),
        }
    }

    /// What is marked, else what the cursor is on, of every kind, without what was decided here.
    fn chosen(&self) -> Vec<&InboxItem> {
        let mut chosen = if self.marks.is_empty() { self.here() } else { self.marks.values().collect() };
        chosen.retain(|item| !self.decisions.ids.contains(&item.id));
        chosen
    }

    /// Asks for the dearest ones.
    pub fn refresh(&mut self, out: &mut Out) {
        let query = self.query(self.limit);
        self.decisions.settled = self.decisions.on_the_way == 0;
        self.asked = Some(out.ask(Some("inbox"), Request::Inbox(query)));
    }

    /// Asks for everything that is to be marked. The rows stay as they are.
    pub(super) fn ask_marks(&mut self, out: &mut Out) {
        self.marking = Some(out.ask(Some(MARKS_LANE), Request::Inbox(self.query(MARK_ALL_MAX))));
    }

    fn query(&self, limit: u64) -> Query {
        let mut query: Query = vec![("offset".to_owned(), "0".to_owned()), ("limit".to_owned(), limit.to_string())];
        if !self.filter.trim().is_empty() {
            query.push(("filter".to_owned(), self.filter.trim().to_owned()));
        }
        if self.snoozed {
            query.push(("snoozed".to_owned(), "true".to_owned()));
        }
        query
    }

    /// Takes a page that it asked for.
    pub fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if self.marking.take_if(|asked| *asked == ticket).is_some() {
            match answer {
                Ok(Answer::Inbox(page)) => {
                    self.marks = page.rows.iter().map(|item| (item.id.clone(), item.clone())).collect();
                }
                Ok(_) => {}
                Err(message) => out.step(Step::Say(Tone::Bad, format!("nothing was marked: {message}"))),
            }
            return true;
        }
        if self.asked != Some(ticket) {
            return false;
        }
        self.asked = None;
        match answer {
            Err(message) => {
                self.error = Some(message.clone());
                if !self.filter.is_empty() {
                    // A filter that is not understood shows why, not what an older one let through.
                    self.items.clear();
                    self.arrange();
                }
            }
            Ok(Answer::Inbox(page)) => {
                // What a screen that was opened or a filter of one's own shows first has not come by itself.
                let gone_to = std::mem::take(&mut self.stale) || self.total.is_none();
                self.error = None;
                if let Some(here) = self.reaches.take() {
                    self.arming.reach(page.rows.iter().skip(here).map(|item| item.id.as_str()));
                }
                let sought = std::mem::take(&mut self.sought);
                // What somebody has seen before and called back is nothing new.
                self.arming.reach(sought.iter().map(String::as_str));
                self.arming.know(page.rows.iter().map(|item| item.id.as_str()), gone_to);
                self.items.clone_from(&page.rows);
                self.total = Some(page.total);
                if self.decisions.settled {
                    self.decisions.ids.clear();
                }
                self.decisions.ids.retain(|id| page.rows.iter().any(|item| item.id == *id));
                let here: BTreeMap<&str, &InboxItem> = page.rows.iter().map(|item| (item.id.as_str(), item)).collect();
                // What is not among the dearest may still wait further down.
                let whole = here.len() as u64 >= page.total;
                self.marks.retain(|id, _| !whole || here.contains_key(id.as_str()));
                for (id, item) in &mut self.marks {
                    if let Some(now) = here.get(id.as_str()) {
                        item.clone_from(now);
                    }
                }
                let back = page.rows.iter().find(|item| sought.contains(&item.id));
                if let Some(item) = back {
                    self.folded.remove(&item.group);
                    self.key = Some(Key::Item(item.id.clone()));
                }
                self.arrange();
                if gone_to || back.is_some() {
                    self.arming.chosen();
                }
                self.decisions.gone_on &= !self.decisions.ids.is_empty() || self.decisions.on_the_way > 0;
            }
            Ok(_) => self.error = Some("the engine answered something else".to_owned()),
        }
        true
    }

    /// Takes note that a key moved the cursor: it is where somebody wants it.
    pub(super) const fn moved(&mut self) {
        self.decisions.gone_on = false;
        self.arming.chosen();
    }

    /// Makes rows of the items and finds the cursor's place again.
    fn arrange(&mut self) {
        let before = std::mem::take(&mut self.keys);
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, item) in self.items.iter().enumerate() {
            groups.entry(item.group.as_str()).or_default().push(place);
        }
        let mut rows = Vec::with_capacity(self.items.len());
        for (place, item) in self.items.iter().enumerate() {
            let alike = &groups[item.group.as_str()];
            if !self.grouped || alike.len() < 2 {
                rows.push(Row::Item(place, false));
            } else if alike[0] == place {
                rows.push(Row::Group(alike.clone()));
                if !self.folded.contains(&item.group) {
                    rows.extend(alike.iter().map(|place| Row::Item(*place, true)));
                }
            }
        }
        self.rows = rows;
        self.keys = self.rows.iter().map(|row| self.key_of(row)).collect();
        let began = self.range_from.as_ref();
        self.range_place = began.and_then(|key| self.keys.iter().position(|known| known == key));
        let wanted = self.key.take();
        let found = wanted.as_ref().and_then(|key| self.keys.iter().position(|known| known == key));
        // With what was decided a group may fall behind others, and what the cursor went on to with it. Then it stays at
        // its place, where the next dearest is.
        let stay = found.filter(|_| self.decisions.gone_on).and_then(|found| self.overtaken(&before, found));
        if let Some(place) = stay {
            self.cursor = place;
            self.arming.came_by_itself();
            self.keep_in_sight();
            return;
        }
        match found {
            Some(place) => {
                // The row keeps its line of the screen, but what comes in front of everything is shown where there is
                // room: it is the dearest.
                let stays = self.top == 0 && place < self.height;
                self.top = if stays { 0 } else { (self.top + place).saturating_sub(self.cursor) };
                self.cursor = place;
            }
            None => self.arming.came_by_itself(),
        }
        self.keep_in_sight();
    }

    /// Where the row is that took the cursor's place, if what the cursor was on is now at `found`, behind rows that were
    /// below it `before`.
    fn overtaken(&self, before: &[Key], found: usize) -> Option<usize> {
        let below: BTreeSet<&Key> = before.iter().skip(self.cursor + 1).collect();
        let place = self.keys[..found].iter().position(|key| below.contains(key))?;
        // Not a heading, under which one key would decide many.
        (place..found).find(|place| matches!(self.rows[*place], Row::Item(..)))
    }

    fn key_of(&self, row: &Row) -> Key {
        let first = |place: &usize| &self.items[*place];
        match row {
            Row::Group(places) => {
                Key::Group(places.first().map(first).map(|item| item.group.clone()).unwrap_or_default())
            }
            Row::Item(place, _) => Key::Item(first(place).id.clone()),
        }
    }

    pub(super) fn keep_in_sight(&mut self) {
        let last = self.rows.len().saturating_sub(1);
        self.cursor = self.cursor.min(last);
        self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(self.height));
        // No empty lines at the end while there are rows above: headings there are worth more.
        self.top = self.top.min(self.rows.len().saturating_sub(self.height));
        self.key = self.current().map(|row| self.key_of(row));
    }

    /// Learns its height.
    pub fn layout(&mut self, height: usize) {
        self.height = height.max(1);
        self.keep_in_sight();
    }

    /// Takes note that these are decided: they stay in sight until they are gone, and the cursor goes on.
    pub fn decide(&mut self, ids: &[String]) {
        let known: Vec<String> = ids
            .iter()
            .filter(|id| self.marks.contains_key(*id) || self.items.iter().any(|item| item.id == **id))
            .cloned()
            .collect();
        if known.is_empty() {
            return;
        }
        let here = match self.current() {
            Some(Row::Group(places)) => places.iter().any(|place| known.contains(&self.items[*place].id)),
            Some(Row::Item(place, _)) => known.contains(&self.items[*place].id),
            None => false,
        };
        self.marks.retain(|id, _| !known.contains(id));
        self.decisions.ids.extend(known);
        self.decisions.on_the_way += 1;
        if here && let Some(place) = self.next_place() {
            self.cursor = place;
            self.keep_in_sight();
            // Whoever decides one thing after the other has to have seen each: see `arming`.
            self.arming.came_by_itself();
            self.decisions.gone_on = true;
        }
    }

    /// Takes note that what was decided is taken back: it waits again, and the cursor goes to it.
    pub fn seek(&mut self, ids: &[String]) {
        self.decisions.ids.retain(|id| !ids.contains(id));
        self.decisions.gone_on = false;
        self.sought.extend(ids.iter().cloned());
    }

    /// The place of the next item that is still to be decided: further down, else further up.
    fn next_place(&self) -> Option<usize> {
        let open = |place: &usize| match &self.rows[*place] {
            Row::Group(_) => false,
            Row::Item(item, _) => !self.decisions.ids.contains(&self.items[*item].id),
        };
        let below = (self.cursor + 1..self.rows.len()).find(open);
        below.or_else(|| (0..self.cursor).rev().find(open))
    }

    /// Takes note that a change has been answered.
    pub fn order_answered(&mut self) {
        self.decisions.on_the_way = self.decisions.on_the_way.saturating_sub(1);
    }

    /// Puts alike items together, or shows all in one order.
    pub fn toggle_groups(&mut self) {
        self.grouped = !self.grouped;
        self.arrange();
    }

    /// Shows what was put off too, or not.
    pub fn toggle_snoozed(&mut self, out: &mut Out) {
        self.snoozed = !self.snoozed;
        self.stale = true;
        self.refresh(out);
    }

    /// Folds the group under the cursor to its heading, or unfolds it; `false` when there is none.
    pub fn toggle_fold(&mut self) -> bool {
        let Some(Row::Group(places)) = self.current() else { return false };
        let Some(group) = places.first().map(|place| self.items[*place].group.clone()) else { return false };
        if !self.folded.remove(&group) {
            self.folded.insert(group);
        }
        self.arrange();
        true
    }
}

/// What an action acts on.
fn item(item: &InboxItem) -> Item {
    let state = match item.kind {
        InboxKind::Artifact => "pending",
        InboxKind::FailedTask => "failed",
        // What waits is active; one that somebody has taken is not here.
        InboxKind::Alert => "active",
    };
    let name = match &item.alert {
        Some(alert) => format!("{} alert about {}", alert.severity, alert.source),
        None => item.title.clone(),
    };
    Item {
        id: item.id.clone(),
        name,
        state: state.to_owned(),
        high_risk: item.risk == Risk::High,
        array: false,
        holds_up: item.blocks,
        task: item.task_id.clone(),
    }
}
