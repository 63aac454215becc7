//! Cages: all of them at a glance, as a grid or as a list.

mod cells;
mod columns;
mod draw;
mod foot;
mod grid;
mod listing;
pub mod measure;

pub use cells::Cells;
pub use draw::{MAP_ROWS, draw_small, fits_small, small_in_tenths};
pub use foot::most;

use std::collections::BTreeSet;
use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::api::filters::GRID;
use crate::api::live::{CageCell, Topic};
use crate::domain::filter::{Asker, Filter, Names};
use crate::domain::{CageId, Timestamp};
use crate::ui::action::Scope;
use crate::ui::app::Options;
use crate::ui::arming::{self, Arming};
use crate::ui::list::{Listing, Sort};
use crate::ui::look::Look;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::{Item, Noun, Out, Screen, Selection};
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;
use grid::Plan;
use measure::Measure;

/// What the order goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// A column of the list.
    Column(Sort),
    /// The share of the chosen measure, greatest first.
    Fullest,
}

/// By number.
const BY_NUMBER: Order = Order::Column(Sort { column: columns::NUMBER, descending: false });

/// The screen.
pub struct Cages {
    cells: Cells,
    loaded: bool,
    asked: Option<Ticket>,
    error: Option<String>,
    /// Places of cells in the order in which they are shown.
    shown: Vec<usize>,
    /// For each place of a cell whether the filter lets it through.
    passing: Vec<bool>,
    filter: String,
    parsed: Result<Filter, String>,
    measure: Measure,
    order: Order,
    as_list: bool,
    hidden: BTreeSet<usize>,
    cursor: usize,
    cursor_id: Option<CageId>,
    /// The first row in sight.
    top: usize,
    marks: BTreeSet<CageId>,
    range_from: Option<CageId>,
    area: Rect,
    plan: Plan,
    arming: Arming,
}

/// Lines of the grid's screen that are not the grid: the cage under the cursor, and two of what signs mean.
const fn foot_lines(width: u16) -> u16 {
    foot::cell_lines(width) + 2
}

impl Cages {
    /// All cages by number.
    pub fn new() -> Self {
        let area = Rect::new(0, 0, 78, 22);
        Self {
            cells: Cells::default(),
            loaded: false,
            asked: None,
            error: None,
            shown: Vec::new(),
            passing: Vec::new(),
            filter: String::new(),
            parsed: Ok(Filter::default()),
            measure: Measure::default(),
            order: BY_NUMBER,
            as_list: false,
            hidden: BTreeSet::new(),
            cursor: 0,
            cursor_id: None,
            top: 0,
            marks: BTreeSet::new(),
            range_from: None,
            area,
            plan: Plan::new(area, 1, 3),
            arming: Arming::default(),
        }
    }

    fn cell(&self, place: usize) -> Option<&CageCell> {
        self.shown.get(place).and_then(|cell| self.cells.all().get(*cell))
    }

    fn current(&self) -> Option<&CageCell> {
        self.cell(self.cursor)
    }

    /// The cage under the cursor, while that is in sight: in place of the cages stands why a filter is not understood.
    fn chosen(&self) -> Option<&CageCell> {
        self.current().filter(|_| self.parsed.is_ok())
    }

    /// Cells in a row and rows in sight.
    fn window(&self) -> (usize, usize) {
        if self.as_list {
            // One line for the headings, some for the cage under the cursor.
            (1, usize::from(self.area.height.saturating_sub(1 + foot::cell_lines(self.area.width))).max(1))
        } else {
            (self.plan.across, self.plan.down)
        }
    }

    /// Puts cells in order anew; the cursor stays on its cage.
    fn arrange(&mut self) {
        let all = self.cells.all();
        self.passing = match &self.parsed {
            Ok(filter) => all.iter().map(|cell| matches(filter, cell)).collect(),
            Err(_) => vec![true; all.len()],
        };
        // The grid keeps what does not match in its place; the list leaves it out.
        let mut shown: Vec<usize> = (0..all.len()).filter(|place| !self.as_list || self.passing[*place]).collect();
        shown.sort_by(|one, other| match self.order {
            Order::Column(sort) => columns::order(&all[*one], &all[*other], sort.column, sort.descending),
            Order::Fullest => {
                let share = |place: usize| self.cells.share(place, self.measure);
                let shares = columns::known_first(share(*one), share(*other), |one, other| other.total_cmp(&one));
                // Of those without a limit the one that uses most.
                let used = |place: usize| self.measure.of(&all[place]).used;
                let used = columns::known_first(used(*one), used(*other), |one, other| other.total_cmp(&one));
                shares.then(used).then(all[*one].id.cmp(&all[*other].id))
            }
        });
        let cursor = self.cursor_id.and_then(|id| shown.iter().position(|place| all[*place].id == id));
        if cursor.is_none() && self.cursor_id.is_some() {
            self.arming.came_by_itself();
        }
        self.cursor = cursor.unwrap_or_else(|| self.cursor.min(shown.len().saturating_sub(1)));
        self.shown = shown;
        self.plan_grid();
        self.keep_in_sight();
    }

    fn plan_grid(&mut self) {
        let height = self.area.height.saturating_sub(foot_lines(self.area.width));
        let last = self.cells.all().last().map_or(1, |cell| cell.id.number());
        let digits = if last >= 1000 { 4 } else { 3 };
        self.plan = Plan::new(Rect { height, ..self.area }, self.cells.all().len(), digits);
    }

    fn keep_in_sight(&mut self) {
        let (across, down) = self.window();
        let row = self.cursor / across;
        let last_top = self.shown.len().div_ceil(across).saturating_sub(down);
        self.top = self.top.min(row).max((row + 1).saturating_sub(down)).min(last_top);
        self.cursor_id = self.current().map(|cell| cell.id);
    }

    fn put_cursor(&mut self, place: usize) {
        self.cursor = place.min(self.shown.len().saturating_sub(1));
        self.arming.chosen();
        self.keep_in_sight();
    }

    /// To the nearest match before or after the cursor, round the end.
    fn next_match(&mut self, forward: bool) {
        let count = self.shown.len();
        let places = (1..=count).map(|step| {
            let step = if forward { step } else { count - step };
            (self.cursor + step) % count
        });
        let passes = |place: &usize| self.shown.get(*place).is_some_and(|cell| self.passing[*cell]);
        if let Some(found) = places.into_iter().find(passes) {
            self.put_cursor(found);
        }
    }

    fn in_range(&self) -> Vec<CageId> {
        let from = self.range_from.and_then(|id| (0..self.shown.len()).find(|place| self.id_at(*place) == Some(id)));
        let Some(from) = from else { return Vec::new() };
        (from.min(self.cursor)..=from.max(self.cursor)).filter_map(|place| self.id_at(place)).collect()
    }

    fn id_at(&self, place: usize) -> Option<CageId> {
        self.cell(place).map(|cell| cell.id)
    }
}

/// Whether a cell passes. A cell holds names and no ids, and nothing in it depends on the time.
fn matches(filter: &Filter, cell: &CageCell) -> bool {
    let names = Names::new();
    filter.matches(&GRID, cell, &Asker { now: Timestamp::EPOCH, me: &[], names: &names })
}

/// A cage as something to act on.
pub fn item(cell: &CageCell) -> Item {
    Item {
        id: cell.id.to_string(),
        name: format!("cage {}", cell.id),
        state: cell.status.as_str().to_owned(),
        high_risk: false,
        array: false,
        holds_up: 0,
        task: None,
    }
}

impl Screen for Cages {
    fn title(&self) -> String {
        use std::fmt::Write;
        let count = if self.loaded { text::count(self.cells.all().len() as u64) } else { "…".to_owned() };
        let mut title = format!("cages [{count}]");
        // Writing to a string cannot fail.
        let _ = match self.order {
            Order::Fullest => write!(title, " {}, fullest first", self.measure.as_str()),
            Order::Column(_) if self.as_list => Ok(()),
            order if order == BY_NUMBER => write!(title, " {}, by number", self.measure.as_str()),
            Order::Column(sort) => {
                write!(title, " {}, by {}", self.measure.as_str(), columns::COLUMNS[sort.column].title.to_lowercase())
            }
        };
        if !self.filter.is_empty() {
            let found = self.passing.iter().filter(|passes| **passes).count();
            let _ = match &self.parsed {
                Ok(_) => write!(title, " /{} [{}]", text::clean(&self.filter), text::count(found as u64)),
                Err(_) => write!(title, " /{} [?]", text::clean(&self.filter)),
            };
        }
        if !self.marks.is_empty() {
            let _ = write!(title, " · {} marked", text::count(self.marks.len() as u64));
        }
        if self.range_from.is_some() {
            let _ = write!(title, " · v marks {}", text::count(self.in_range().len() as u64));
        }
        title
    }

    fn unanswered(&self) -> Option<&str> {
        self.error.as_deref()
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Cages, Topic::Agents, Topic::Tasks, Topic::Alerts, Topic::Usage]
    }

    fn scopes(&self) -> &'static [Scope] {
        if self.as_list { &[Scope::Cages, Scope::List] } else { &[Scope::Grid, Scope::Cages, Scope::List] }
    }

    fn attend(&mut self, now: Instant, _: Timestamp, _: &Options) {
        self.arming.set_now(now);
    }

    fn refresh(&mut self, out: &mut Out) {
        self.asked = Some(out.ask(Some("grid"), Request::Grid));
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, _: &mut Out) -> bool {
        if self.asked != Some(ticket) {
            return false;
        }
        self.asked = None;
        match answer {
            Ok(Answer::Grid(cells)) => {
                self.cells.take(cells);
                (self.loaded, self.error) = (true, None);
                self.arrange();
                let cells = &self.cells;
                self.marks.retain(|id| cells.find(*id).is_some());
            }
            Ok(_) => self.error = Some("the engine answered something else".to_owned()),
            Err(message) => self.error = Some(message.clone()),
        }
        true
    }

    fn layout(&mut self, area: Rect, _: &mut Out) {
        if area != self.area {
            self.area = area;
            self.plan_grid();
            self.keep_in_sight();
        }
        self.arming.drawn();
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        if self.cells.all().is_empty() {
            let words = match &self.error {
                Some(error) => error.as_str(),
                None if !self.loaded => "asking the engine …",
                None => {
                    "There is no cage yet.\n\nA fleet file declares them: [[cage]] range = \"001-010\"\n\
                     and menagerie apply FLEET.toml makes them. menagerie demo shows a fleet."
                }
            };
            widgets::center_text(frame, area, words, look.style(Role::Dim));
        } else if let Err(problem) = &self.parsed {
            widgets::center_wrapped(frame, area, problem, Role::Bad, look);
        } else if self.as_list {
            self.draw_list(frame, area, look);
        } else {
            self.draw_grid(frame, area, look);
        }
    }

    fn selection(&self) -> Option<Selection> {
        let all = self.cells.all();
        let items = if self.marks.is_empty() {
            self.chosen().map(item).into_iter().collect()
        } else {
            self.marks.iter().filter_map(|id| self.cells.find(*id)).map(|place| item(&all[place])).collect()
        };
        Some(Selection { noun: Noun::Cage, items, marked: !self.marks.is_empty() })
    }

    fn target(&self) -> Option<Place> {
        self.chosen().map(|cell| Place::Cage(cell.id.to_string()))
    }

    fn list(&mut self) -> Option<&mut dyn Listing> {
        Some(self)
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        if !arming::waits(action) || !self.marks.is_empty() {
            return None;
        }
        self.arming.obstacle(std::iter::empty())
    }

    fn next_change(&self) -> Option<Instant> {
        self.arming.next()
    }

    fn perform(&mut self, action: &str, _: &mut Out) -> bool {
        match action {
            "cell_left" => self.put_cursor(self.cursor.saturating_sub(1)),
            "cell_right" => self.put_cursor(self.cursor + 1),
            "next_cell" => self.next_match(true),
            "previous_cell" => self.next_match(false),
            "measure" => {
                self.measure = self.measure.next();
                self.arrange();
                if self.order == Order::Fullest {
                    self.put_cursor(0);
                }
            }
            "fullest_first" => {
                self.order = if self.order == Order::Fullest { BY_NUMBER } else { Order::Fullest };
                self.arrange();
                // Who asks for the fullest wants to see it.
                if self.order == Order::Fullest {
                    self.put_cursor(0);
                }
            }
            "grid_or_list" => {
                self.as_list = !self.as_list;
                self.arrange();
            }
            _ => return false,
        }
        true
    }

    fn click(&mut self, column: u16, row: u16, out: &mut Out) -> bool {
        if self.as_list {
            return Listing::click(self, row, out);
        }
        let Some(column) = column.checked_sub(self.area.x) else { return false };
        let place = self.plan.at(column, row).map(|place| self.top * self.plan.across + place);
        match place.filter(|place| {
            row < self.area.height.saturating_sub(foot_lines(self.area.width)) && *place < self.shown.len()
        }) {
            Some(place) => {
                self.put_cursor(place);
                true
            }
            None => false,
        }
    }
}
