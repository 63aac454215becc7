//! A list of any length of which only the rows in sight are fetched and drawn.
//!
//! The cursor follows its item: when rows come or go above it, it stays on the same item, on the same line of the
//! screen where that can be. What slips under it by itself is not acted on for a moment ([`Arming`]). Columns, and how a
//! row becomes cells, come with the type of the rows.

mod draw;
mod marks;
mod moving;
mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use self::marks::{Marking, RangeStart};
use super::arming::{self, Arming};
use super::look::{Look, Mark};
use super::request::{Answer, Lane, Page, Request, Ticket};
use super::screen::{Item, Out};
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
    /// The field that it sorts by, if it does; with a `-` before it what is greatest comes first, until asked otherwise.
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
    /// Goes to the next row that matches the filter, or to the one before. A list has no other rows.
    fn go_to_match(&mut self, forward: bool, out: &mut Out) {
        self.go(Motion::By(if forward { 1 } else { -1 }), out);
    }
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
    /// The page that is on its way: its ticket, the place of its first row and that behind its last.
    asked: Option<(Ticket, u64, u64)>,
    marking: Option<(Ticket, Marking)>,
    error: Option<String>,
    /// Whether the rows are those of another filter or order than the one that was chosen last.
    stale: bool,
    /// Whether the next page is one that somebody went to, so that nothing in it has come by itself.
    gone_to: bool,
    /// What the cursor goes to if the next page has it.
    sought: Option<String>,
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
            sought: None,
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

    fn row(&self, place: u64) -> Option<&R> {
        usize::try_from(place.checked_sub(self.first)?).ok().and_then(|index| self.rows.get(index))
    }
}
