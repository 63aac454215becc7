//! A list of any length of which only the rows in sight are fetched and drawn.
//!
//! The cursor follows its item: when rows come or go above it, it stays on the same item, on the same line of the
//! screen where that can be. What slips under it by itself is not acted on for a moment ([`Arming`]). Columns, and how a
//! row becomes cells, come with the type of the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::arming::{self, Arming};
use super::columns::{self, Front};
use super::look::{Look, Mark};
use super::request::{Answer, Lane, Page, Request, Ticket};
use super::screen::{Item, Out};
use super::scrollbars::Scrolls;
use super::step::{Step, Tone};
use super::text;
use super::theme::Role;
use crate::api::client::Query;

/// The text of one cell and how it looks.
pub struct Cell {
    /// What it says; cleaned and cut when it is drawn.
    pub text: String,
    /// Its colour; `None` for that of the row.
    pub role: Option<Role>,
}

impl Cell {
    /// A cell in the row's colour.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), role: None }
    }

    /// A cell in the colour of a role.
    pub fn of(role: Role, text: impl Into<String>) -> Self {
        Self { text: text.into(), role: Some(role) }
    }

    /// What nobody knows or measured.
    pub fn unknown() -> Self {
        Self::of(Role::Dim, "-")
    }
}

/// One column of rows of type `R`.
pub struct Column<R> {
    /// Its heading; in small letters its name in menus.
    pub title: &'static str,
    /// Columns of the screen; 0 shares what is left.
    pub width: u16,
    /// Whether it is aligned to the right.
    pub right: bool,
    /// 1 is always shown; the highest goes first when there is little room.
    pub rank: u8,
    /// The field that it sorts by, if it does.
    pub sort: Option<&'static str>,
    /// A row's cell.
    pub cell: fn(&R, &Look<'_>) -> Cell,
}

impl<R> Column<R> {
    /// A column of text, with nothing in it yet: title, width, rank and what it sorts by.
    pub const fn text(title: &'static str, width: u16, rank: u8, sort: Option<&'static str>) -> Self {
        Self { title, width, right: false, rank, sort, cell: |_, _| Cell::plain("") }
    }

    /// The same for figures, which stand at the right.
    pub const fn figure(title: &'static str, width: u16, rank: u8, sort: Option<&'static str>) -> Self {
        Self { right: true, ..Self::text(title, width, rank, sort) }
    }
}

/// What a list can show.
pub trait Row: Clone + PartialEq + 'static {
    /// The columns in order.
    const COLUMNS: &'static [Column<Self>];
    /// The lane of its requests.
    const LANE: Lane;
    /// The fields that an unsorted list is sorted by, as the API writes them.
    const ORDER: &'static str;
    /// What to say when there is none: what would be here and how to get it.
    const EMPTY: &'static str;

    /// The request for a page.
    fn request(query: Query) -> Request;
    /// The page in an answer, if it is one of this type.
    fn page(answer: &Answer) -> Option<&Page<Self>>;
    /// What an action acts on.
    fn item(&self) -> Item;
    /// Its state as a mark.
    fn mark(&self) -> Mark;
}

/// How the cursor moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// By so many rows, down when positive.
    By(i64),
    /// By so many halves of the height.
    HalfPages(i64),
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
}

/// A sort order: a column and its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// Place of the column in `COLUMNS`.
    pub column: usize,
    /// Greatest first.
    pub descending: bool,
}

/// A column as menus show it.
pub struct ColumnInfo {
    /// Its heading.
    pub title: &'static str,
    /// Whether it can be sorted by.
    pub sortable: bool,
    /// Whether it is shown.
    pub shown: bool,
    /// `Some(descending)` when the list is sorted by it.
    pub sorted: Option<bool>,
}

/// What can be done with a list whatever its rows are.
pub trait Listing {
    /// Moves the cursor and asks for rows that come into sight.
    fn go(&mut self, motion: Motion, out: &mut Out);
    /// Marks the row under the cursor, or takes the mark away, and moves on.
    fn toggle_mark(&mut self, out: &mut Out);
    /// Marks from here to where it is called again, at most [`MARK_ALL_MAX`].
    fn mark_range(&mut self, out: &mut Out);
    /// Whether a range has been begun and not ended: it is drawn as marked, and is not yet.
    fn ranges(&self) -> bool {
        false
    }
    /// Marks everything that the filter lets through, at most [`MARK_ALL_MAX`].
    fn mark_all(&mut self, out: &mut Out);
    /// Takes all marks away; `false` when there was none.
    fn clear_marks(&mut self) -> bool;
    /// How many are marked.
    fn marked(&self) -> usize;
    /// The filter.
    fn filter(&self) -> &str;
    /// Sets the filter and asks anew.
    fn set_filter(&mut self, filter: String, out: &mut Out);
    /// The columns, for menus.
    fn columns(&self) -> Vec<ColumnInfo>;
    /// Sorts by a column; by the same one again: the other way round.
    fn sort_by(&mut self, column: usize, out: &mut Out);
    /// Shows or hides a column.
    fn toggle_column(&mut self, column: usize);
    /// Moves what is in sight by so many rows, down when positive, and the cursor with it: what a scrollbar does.
    fn scroll(&mut self, rows: i64, out: &mut Out);
    /// The row of the screen, from the top of the list's area, becomes the cursor's; `false` when there is none.
    fn click(&mut self, row: u16, out: &mut Out) -> bool;
    /// Learns that no engine heard what it asked, and leaves what it shows as it was; `false` when the ticket is not its own.
    fn unheard(&mut self, ticket: Ticket) -> bool {
        let _ = ticket;
        false
    }
}

/// The least width of a column that shares what is left.
pub const FILL_MIN: u16 = 12;

/// The most rows that are marked at once.
pub const MARK_ALL_MAX: u64 = 10_000;

/// The lane of asks for what is to be marked: of several the last is meant.
pub const MARKS_LANE: Lane = "marks";

/// What is said of a range that cannot be marked, because nobody knows where it began.
pub const RANGE_GONE: &str = "the row at which the range began is no longer here, so nothing was marked";

/// How many rows around a range are asked for with it, because rows come and go meanwhile.
const RANGE_SLACK: u64 = 100;

/// Where a range began.
struct RangeStart {
    id: String,
    /// The place of its row, as far as is known while that is out of sight.
    place: u64,
}

/// What is to be marked once it is here.
enum Marking {
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

/// A list and what of it is known.
pub struct List<R: Row> {
    rows: Vec<R>,
    first: u64,
    total: Option<u64>,
    cursor: u64,
    cursor_id: Option<String>,
    top: u64,
    height: u64,
    marks: BTreeMap<String, Item>,
    range_from: Option<RangeStart>,
    filter: String,
    fixed: Query,
    sort: Option<Sort>,
    hidden: BTreeSet<usize>,
    /// The page that is on its way: its ticket and the place of its first row.
    asked: Option<(Ticket, u64)>,
    marking: Option<(Ticket, Marking)>,
    error: Option<String>,
    /// Whether the rows are those of another filter or order than the one that was chosen last.
    stale: bool,
    /// Whether the next page is one that somebody went to, so that nothing in it has come by itself.
    gone_to: bool,
    arming: Arming,
}

impl<R: Row> List<R> {
    /// An empty list; `fixed` goes with every request, such as the task whose executions they are.
    pub fn new(fixed: Query) -> Self {
        Self {
            rows: Vec::new(),
            first: 0,
            total: None,
            cursor: 0,
            cursor_id: None,
            top: 0,
            height: 20,
            marks: BTreeMap::new(),
            range_from: None,
            filter: String::new(),
            fixed,
            sort: None,
            hidden: BTreeSet::new(),
            asked: None,
            marking: None,
            error: None,
            stale: false,
            gone_to: false,
            arming: Arming::default(),
        }
    }

    /// Learns what time it is.
    pub const fn attend(&mut self, now: Instant) {
        self.arming.set_now(now);
    }

    /// Why an action cannot be done to what the cursor is on yet. To what is marked it can: that is shown before anything is
    /// done to it.
    pub fn obstacle(&self, action: &str) -> Option<String> {
        let marks = arming::marks(action);
        if !marks && (!arming::waits(action) || !self.marks.is_empty()) {
            return None;
        }
        let row = self.current()?;
        if self.stale {
            return Some(arming::ON_ITS_WAY.to_owned());
        }
        let id = (!marks).then(|| row.item().id)?;
        self.arming.obstacle(std::iter::once(id.as_str()))
    }

    /// When what the cursor is on may be acted on, if it may not yet.
    pub fn armed_at(&self) -> Option<Instant> {
        self.arming.next_of(&self.current()?.item().id)
    }

    /// The row under the cursor, if it is here.
    pub fn current(&self) -> Option<&R> {
        self.row(self.cursor)
    }

    /// The row with an id, if it is here.
    pub fn find(&self, id: &str) -> Option<&R> {
        self.rows.iter().find(|row| row.item().id == id)
    }

    /// The rows in sight.
    pub fn visible(&self) -> impl Iterator<Item = &R> {
        (self.top..self.top + self.height).filter_map(|place| self.row(place))
    }

    /// The marked ones, otherwise the one under the cursor.
    pub fn selected(&self) -> (Vec<Item>, bool) {
        if self.marks.is_empty() {
            (self.current().map(R::item).into_iter().collect(), false)
        } else {
            (self.marks.values().cloned().collect(), true)
        }
    }

    /// ` · filter · count · marks`, for a title.
    pub fn summary(&self) -> String {
        use std::fmt::Write;
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = match self.total {
            // Of a filter that is not understood nobody knows how many it lets through.
            _ if self.error.is_some() && !self.filter.is_empty() => write!(out, "[?]"),
            Some(total) => write!(out, "[{}]", text::count(total)),
            None => write!(out, "[…]"),
        };
        if !self.filter.is_empty() {
            let _ = write!(out, " /{}", text::clean(&self.filter));
        }
        if !self.marks.is_empty() {
            let _ = write!(out, " · {} marked", text::count(self.marks.len() as u64));
        }
        out
    }

    /// Asks for the rows in sight and some around them.
    pub fn refresh(&mut self, out: &mut Out) {
        let first = self.top.saturating_sub(self.height);
        let mut query = self.query();
        query.push(("offset".to_owned(), first.to_string()));
        query.push(("limit".to_owned(), (self.height * 3).max(1).to_string()));
        self.asked = Some((out.ask(Some(R::LANE), R::request(query)), first));
    }

    /// Asks for rows that somebody goes to.
    fn go_for(&mut self, out: &mut Out) {
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
        let Some((_, first)) = self.asked.filter(|(asked, _)| *asked == ticket) else { return false };
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
                }
            }
        }
        true
    }

    fn mark(&mut self, marking: &Marking, rows: &[R], out: &mut Out) {
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

    fn query(&self) -> Query {
        let mut query = self.fixed.clone();
        if !self.filter.trim().is_empty() {
            query.push(("filter".to_owned(), self.filter.trim().to_owned()));
        }
        let order = self.sort.and_then(|sort| {
            let field = R::COLUMNS.get(sort.column)?.sort?;
            Some(format!("{}{field}", if sort.descending { "-" } else { "" }))
        });
        let order = order.unwrap_or_else(|| R::ORDER.to_owned());
        if !order.is_empty() {
            query.push(("sort".to_owned(), order));
        }
        query
    }

    fn row(&self, place: u64) -> Option<&R> {
        usize::try_from(place.checked_sub(self.first)?).ok().and_then(|index| self.rows.get(index))
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
        let found = self.cursor_id.as_deref().and_then(place);
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

    fn keep_in_sight(&mut self) {
        let last = self.total.unwrap_or(0).saturating_sub(1);
        self.cursor = self.cursor.min(last);
        self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(self.height));
    }

    /// Draws headings and rows into `area`.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>, focused: bool) {
        if area.height < 2 || area.width < 4 {
            return;
        }
        let widths = self.widths(area.width);
        let header = self.header(&widths, look);
        frame.render_widget(header, Rect { height: 1, ..area });
        let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
        if let Some(message) = &self.empty_text() {
            super::widgets::center_wrapped(frame, body, message, look);
            return;
        }
        let total = self.total.unwrap_or(0);
        for line in 0..u64::from(body.height) {
            let place = self.top + line;
            if place >= total {
                break;
            }
            let at = Rect { y: body.y + u16::try_from(line).unwrap_or(0), height: 1, ..body };
            let widget = match self.row(place) {
                Some(row) => self.line(row, place, &widths, look, focused),
                None => Line::styled(" …", look.style(Role::Dim)),
            };
            frame.render_widget(widget, at);
        }
        super::widgets::scrollbar(frame, body, Scrolls::List, (self.top, self.height, total), look);
    }

    fn empty_text(&self) -> Option<String> {
        match (&self.error, self.total) {
            (Some(error), _) if self.rows.is_empty() || !self.filter.is_empty() => Some(error.clone()),
            (_, None) => Some("asking the engine …".to_owned()),
            (_, Some(0)) if self.filter.is_empty() => Some(R::EMPTY.to_owned()),
            (_, Some(0)) => Some(format!("nothing matches {}\nEsc clears the filter", text::clean(&self.filter))),
            _ => None,
        }
    }

    /// Each shown column with its width; those of high rank go first when there is little room.
    fn widths(&self, room: u16) -> Vec<(usize, u16)> {
        columns::widths(R::COLUMNS, &self.hidden, room, FILL_MIN)
    }

    fn header(&self, widths: &[(usize, u16)], look: &Look<'_>) -> Line<'static> {
        columns::header(R::COLUMNS, widths, self.sort, look)
    }

    fn line(&self, row: &R, place: u64, widths: &[(usize, u16)], look: &Look<'_>, focused: bool) -> Line<'static> {
        let marked = self.marks.contains_key(&row.item().id) || self.in_range(place);
        let front = Front { state: row.mark(), here: place == self.cursor, marked, focused };
        columns::line(R::COLUMNS, row, front, widths, look)
    }

    fn in_range(&self, place: u64) -> bool {
        let within = |from: u64| (from.min(self.cursor)..=from.max(self.cursor)).contains(&place);
        self.range_from.as_ref().is_some_and(|start| within(start.place))
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
        if let Some(item) = self.current().map(R::item)
            && self.marks.remove(&item.id).is_none()
        {
            self.marks.insert(item.id.clone(), item);
        }
        self.go(Motion::By(1), out);
    }

    fn mark_range(&mut self, out: &mut Out) {
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

    fn ranges(&self) -> bool {
        self.range_from.is_some()
    }

    fn mark_all(&mut self, out: &mut Out) {
        let mut query = self.query();
        query.push(("limit".to_owned(), MARK_ALL_MAX.to_string()));
        self.marking = Some((out.ask(Some(MARKS_LANE), R::request(query)), Marking::All));
    }

    fn clear_marks(&mut self) -> bool {
        let had = !self.marks.is_empty() || self.range_from.is_some() || self.marking.is_some();
        self.marks.clear();
        (self.range_from, self.marking) = (None, None);
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
        let descending = matches!(self.sort, Some(sort) if sort.column == column && !sort.descending);
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
            || self.asked.take_if(|(asked, _)| *asked == ticket).is_some()
    }
}
