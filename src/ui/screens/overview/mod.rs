//! The overview: what a person needs in the first five seconds.

mod figures;
mod heat;
mod named;
mod plan;
mod rows;

use std::cell::RefCell;
use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::cages::{self, Cells};
use crate::api::live::{self, Topic};
use crate::domain::Timestamp;
use crate::domain::metric::Selector;
use crate::ui::action::Scope;
use crate::ui::app::Options;
use crate::ui::look::Look;
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::{Out, Screen};
use crate::ui::sparks::Sparks;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets;
use crate::ui::widgets::stack::Want;
use cages::measure::Measure;
use plan::{Panel, TWO_COLUMNS_FROM};
use rows::RowId;

/// The screen.
pub struct Overview {
    known: Option<Box<live::Overview>>,
    cells: Cells,
    /// Whether the cages have come.
    cells_known: bool,
    measure: Measure,
    /// What machines used within the last hour.
    past: Sparks,
    now: (Option<Instant>, Timestamp),
    asked: Option<Ticket>,
    asked_cells: Option<Ticket>,
    error: Option<String>,
    cursor: Option<RowId>,
    /// Whether panels stand side by side.
    two_columns: bool,
    /// Whether there is room for what was.
    wide: bool,
    /// So many rows of a list are enough: on a tall screen, more.
    rows_best: u16,
    /// The lines of the chart of what ended that are enough: on a tall screen, more.
    chart_best: u16,
    /// Where rows were drawn last, for clicks.
    drawn: RefCell<Vec<(Rect, RowId)>>,
}

impl Overview {
    /// An overview that has asked nothing yet.
    pub fn new() -> Self {
        Self {
            known: None,
            cells: Cells::default(),
            cells_known: false,
            measure: Measure::default(),
            past: Sparks::by("node"),
            now: (None, Timestamp::EPOCH),
            asked: None,
            asked_cells: None,
            error: None,
            cursor: None,
            two_columns: false,
            wide: false,
            rows_best: 5,
            chart_best: 1,
            drawn: RefCell::default(),
        }
    }

    /// Asks for what machines used, where there is room to show it.
    fn ask_past(&mut self, out: &mut Out) {
        if self.wide {
            self.past.ask(figures::MEASURED.map(Selector::all), self.now, out);
        }
    }

    fn rows(&self) -> Vec<RowId> {
        self.known.as_deref().map(rows::all).unwrap_or_default()
    }

    fn put_cursor(&mut self, choose: impl FnOnce(Option<usize>, usize) -> usize) {
        let rows = self.rows();
        let Some(last) = rows.len().checked_sub(1) else { return };
        let at = self.cursor.as_ref().and_then(|cursor| rows.iter().position(|row| row == cursor));
        self.cursor = rows.into_iter().nth(choose(at, last).min(last));
    }

    /// The lines of a panel without its heading, at most `height` of them where that is up to the panel.
    fn lines(
        &self,
        panel: Panel,
        overview: &live::Overview,
        (width, height): (u16, u16),
        look: &Look<'_>,
    ) -> Vec<Line<'static>> {
        let room = usize::from(width);
        let brief = !self.two_columns;
        let here = |id: &RowId| self.cursor.as_ref() == Some(id);
        match panel {
            Panel::Health => figures::health(overview, room, brief, look),
            Panel::Fleet => figures::fleet(overview, room, look),
            Panel::Flow => {
                // Beside the chart there are the queue and the failures, and where there is room the tokens.
                let beside = if brief { 2 } else { 3 };
                let chart = usize::from(height.saturating_sub(beside)).clamp(1, CHART_MAX);
                figures::flow(overview, room, chart, brief, look)
            }
            Panel::Nodes if brief => figures::nodes_in_brief(&overview.nodes, room, look),
            Panel::Nodes => figures::nodes(&overview.nodes, &self.past, room, look),
            Panel::Inbox => overview
                .inbox
                .iter()
                .map(|item| rows::inbox(item, here(&RowId::Inbox(item.id.clone())), room, look))
                .collect(),
            Panel::Alerts => overview
                .alerts
                .iter()
                .map(|alert| rows::alert(alert, here(&RowId::Alert(alert.id.to_string())), room, look))
                .collect(),
            Panel::Risk => overview
                .at_risk
                .iter()
                .map(|risk| rows::risk(risk, here(&RowId::Risk(risk.task_id.to_string())), room, look))
                .collect(),
            Panel::Cages => Vec::new(),
        }
    }

    fn want(&self, panel: Panel, overview: &live::Overview, width: u16, headed: bool, look: &Look<'_>) -> Want<Panel> {
        let heading = u16::from(headed);
        let count = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX);
        let lines = || count(self.lines(panel, overview, (width, 0), look).len());
        let (least, best) = match panel {
            Panel::Health => (lines().min(5), lines()),
            Panel::Nodes => (lines().min(3), lines()),
            Panel::Fleet => (lines(), lines()),
            Panel::Flow => {
                let charted = overview.minutes.iter().any(|minute| minute.completed > 0);
                (lines(), lines() + if charted { self.chart_best - 1 } else { 0 })
            }
            // What there is none of is said in the heading.
            Panel::Inbox => (lines().min(2), lines().min(self.rows_best)),
            Panel::Alerts if width < TWO_COLUMNS_FROM => (lines().min(1), lines().min(ALERTS_NARROW)),
            Panel::Alerts | Panel::Risk => (lines().min(1), lines().min(self.rows_best)),
            Panel::Cages => {
                let rows = self.cells.all().len().div_ceil(usize::from(width).max(1));
                // Up to three lines a row of signs, so that cells can be drawn larger.
                (count(rows).min(1), count(rows * 4).clamp(1, 60))
            }
        };
        // Where one panel takes from the other, a few alerts are in sight before more of the inbox is.
        let rank = match panel {
            Panel::Alerts if width < TWO_COLUMNS_FROM => Panel::Inbox as u8 * 2 - 1,
            panel => panel as u8 * 2,
        };
        Want { panel, rank, least: least + heading, best: best + heading }
    }

    fn heading(&self, panel: Panel, overview: &live::Overview, area: Rect, look: &Look<'_>) -> (String, String) {
        let of = |shown: usize, total: u64| {
            if total > shown as u64 { format!("{} of {}", shown, text::count(total)) } else { text::count(total) }
        };
        let some = |total: u64, shown: usize, none: &str| if total == 0 { none.to_owned() } else { of(shown, total) };
        let seen = |rows: usize| rows.min(usize::from(area.height.saturating_sub(1)));
        match panel {
            Panel::Health => ("health".to_owned(), String::new()),
            Panel::Fleet => ("fleet".to_owned(), String::new()),
            Panel::Flow => ("flow".to_owned(), "the last 60 minutes".to_owned()),
            Panel::Nodes => {
                let name = match &overview.nodes[..] {
                    [] => "none".to_owned(),
                    [one] => text::clean(&one.name).into_owned(),
                    nodes => format!("{} machines", nodes.len()),
                };
                ("machines".to_owned(), name)
            }
            Panel::Inbox => {
                ("waits for you".to_owned(), some(overview.inbox_total, seen(overview.inbox.len()), "nothing"))
            }
            Panel::Alerts => {
                let active = some(overview.alerts_total, seen(overview.alerts.len()), "none");
                // What somebody has taken on is not over for that.
                let taken = match overview.alerts_taken {
                    0 => String::new(),
                    taken => format!(" {} {} acknowledged or silenced", look.sign("·", "-"), text::count(taken)),
                };
                ("alerts".to_owned(), active + &taken)
            }
            Panel::Risk => {
                ("deadlines at risk".to_owned(), some(overview.at_risk_total, seen(overview.at_risk.len()), "none"))
            }
            Panel::Cages if self.cells.all().is_empty() => ("cages".to_owned(), String::new()),
            Panel::Cages => {
                let dot = look.sign("·", "-");
                let each = heat::cages_a_sign(self.cells.all().len(), area.width, area.height.saturating_sub(1));
                let each = if each > 1 { format!(", the worst of {each} a sign") } else { String::new() };
                let body = Rect { height: area.height.saturating_sub(1), ..area };
                let worst = self.cages_as(body) == CagesAs::Named && !named::all_fit(body, &self.cells);
                let order = if worst { ", worst first" } else { "" };
                let tenths = match self.cages_as(body) {
                    CagesAs::Grid => cages::small_in_tenths(body, &self.cells),
                    CagesAs::Named => false,
                    CagesAs::Map => true,
                };
                // A heading has its name before it and a piece of a line on either side.
                let room = usize::from(area.width).saturating_sub(12);
                let words = |unit: &str| {
                    let before = format!("{}{unit}{each}{order} {dot} ", self.measure.as_str());
                    let room = room.saturating_sub(text::width(&before));
                    format!("{before}{}", cages::most(&self.cells, self.measure, room))
                };
                let in_full = words(" in tenths of the limit");
                // What figures there are comes before what the signs stand for.
                let fits = text::width(&in_full) <= room;
                ("cages".to_owned(), if tenths && fits { in_full } else { words(" of limit") })
            }
        }
    }

    fn draw_panel(
        &self,
        frame: &mut Frame<'_>,
        panel: Panel,
        overview: &live::Overview,
        (area, headed): (Rect, bool),
        look: &Look<'_>,
    ) {
        let mut body = area;
        if headed {
            let (name, more) = self.heading(panel, overview, area, look);
            widgets::heading(frame, Rect { height: 1, ..area }, &name, &more, false, look);
            body = Rect { y: area.y + 1, height: area.height - 1, ..area };
        }
        if panel == Panel::Cages {
            self.draw_cages(frame, body, look);
            return;
        }
        let lines = self.lines(panel, overview, (body.width, body.height), look);
        let ids: Vec<RowId> = match panel {
            Panel::Inbox => overview.inbox.iter().map(|item| RowId::Inbox(item.id.clone())).collect(),
            Panel::Alerts => overview.alerts.iter().map(|alert| RowId::Alert(alert.id.to_string())).collect(),
            Panel::Risk => overview.at_risk.iter().map(|risk| RowId::Risk(risk.task_id.to_string())).collect(),
            _ => Vec::new(),
        };
        // The row under the cursor is in sight even where there is room for one row only.
        let at = ids.iter().position(|id| self.cursor.as_ref() == Some(id)).unwrap_or(0);
        let top = (at + 1).saturating_sub(usize::from(body.height));
        for (row, (place, line)) in (0u16..body.height).zip(lines.into_iter().enumerate().skip(top)) {
            let at = Rect { y: body.y + row, height: 1, ..body };
            frame.render_widget(widgets::fit_line(line, usize::from(body.width)), at);
            if let Some(id) = ids.get(place) {
                self.drawn.borrow_mut().push((at, id.clone()));
            }
        }
    }

    fn draw_cages(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        if self.cells.all().is_empty() {
            let none = "There is no cage yet: menagerie apply FLEET.toml makes them.";
            let words = if self.cells_known { none } else { "asking the engine …" };
            frame.render_widget(
                Line::styled(text::fit(words, usize::from(area.width)).into_owned(), look.style(Role::Dim)),
                area,
            );
            return;
        }
        match self.cages_as(area) {
            CagesAs::Grid => cages::draw_small(frame, area, &self.cells, self.measure, look),
            CagesAs::Named => named::draw(frame, area, &self.cells, self.measure, look),
            CagesAs::Map => heat::draw(frame, area, &self.cells, self.measure, look),
        }
    }

    /// How the cages are drawn where there is so much room.
    fn cages_as(&self, area: Rect) -> CagesAs {
        let each = heat::cages_a_sign(self.cells.all().len(), area.width, area.height);
        if cages::fits_small(area, &self.cells) {
            CagesAs::Grid
        } else if each == 1 && area.height < cages::MAP_ROWS {
            CagesAs::Named
        } else {
            CagesAs::Map
        }
    }
}

/// The ways in which the cages are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CagesAs {
    /// As the cages' own screen has them.
    Grid,
    /// Each with its number and its state.
    Named,
    /// One sign a cage, or less.
    Map,
}

/// So many alerts are in sight on a narrow screen before more of the inbox is.
const ALERTS_NARROW: u16 = 3;

/// From this width on what machines used within the last hour stands beside what they use now.
const PAST_FROM: u16 = 180;

/// The most lines of the chart of what ended.
const CHART_MAX: usize = 8;

impl Screen for Overview {
    fn title(&self) -> String {
        "overview".to_owned()
    }

    fn topics(&self) -> &'static [Topic] {
        Topic::ALL
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Overview]
    }

    fn refresh(&mut self, out: &mut Out) {
        self.asked = Some(out.ask(Some("overview"), Request::Overview));
        self.asked_cells = Some(out.ask(Some("overview cages"), Request::Grid));
        self.ask_past(out);
    }

    fn attend(&mut self, now: Instant, wall: Timestamp, _: &Options) {
        self.now = (Some(now), wall);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, _: &mut Out) -> bool {
        if self.past.answer(ticket, answer) {
            return true;
        }
        if self.asked_cells == Some(ticket) {
            self.asked_cells = None;
            if let Ok(Answer::Grid(cells)) = answer {
                self.cells.take(cells);
                self.cells_known = true;
            }
            return true;
        }
        if self.asked != Some(ticket) {
            return false;
        }
        self.asked = None;
        match answer {
            Ok(Answer::Overview(overview)) => {
                self.known = Some(overview.clone());
                self.error = None;
                // The row under the cursor may be done with; then the cursor goes to the first.
                let rows = self.rows();
                if !self.cursor.as_ref().is_some_and(|cursor| rows.contains(cursor)) {
                    self.cursor = rows.into_iter().next();
                }
            }
            Ok(_) => self.error = Some("the engine answered something else".to_owned()),
            Err(message) => self.error = Some(message.clone()),
        }
        true
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        let narrow = !self.wide;
        self.wide = area.width >= PAST_FROM;
        if self.wide && narrow {
            self.ask_past(out);
        }
        self.two_columns = area.width >= TWO_COLUMNS_FROM + 2;
        self.rows_best = if self.two_columns { (area.height / 3).max(5) } else { 5 };
        self.chart_best = match (self.two_columns, area.height) {
            (true, 50..) => 8,
            (true, _) => 4,
            (false, 40..) => 3,
            (false, _) => 1,
        };
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        self.drawn.borrow_mut().clear();
        let Some(overview) = self.known.as_deref() else {
            let words = self.error.as_deref().unwrap_or("asking the engine …");
            widgets::center_text(frame, area, words, look.style(Role::Dim));
            return;
        };
        let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let two = self.two_columns;
        // In one column every line counts, and figures need no heading to be understood.
        let headed = |panel: Panel| two || matches!(panel, Panel::Inbox | Panel::Alerts | Panel::Risk | Panel::Cages);
        let panels = plan::arrange(area, |panel, width| self.want(panel, overview, width, headed(panel), look));
        for (panel, at) in panels {
            self.draw_panel(frame, panel, overview, (at, headed(panel)), look);
        }
    }

    fn target(&self) -> Option<Place> {
        rows::target(self.known.as_deref()?, self.cursor.as_ref()?)
    }

    fn perform(&mut self, action: &str, _: &mut Out) -> bool {
        match action {
            "next_row" => self.put_cursor(|at, _| at.map_or(0, |at| at + 1)),
            "previous_row" => self.put_cursor(|at, _| at.map_or(0, |at| at.saturating_sub(1))),
            "first_row" => self.put_cursor(|_, _| 0),
            "last_row" => self.put_cursor(|_, last| last),
            "measure" => self.measure = self.measure.next(),
            _ => return false,
        }
        true
    }

    fn click(&mut self, column: u16, row: u16, _: &mut Out) -> bool {
        let y = row + crate::ui::view::BODY_TOP;
        let found =
            self.drawn.borrow().iter().find(|(at, _)| at.contains((column, y).into())).map(|(_, id)| id.clone());
        match found {
            Some(id) => {
                self.cursor = Some(id);
                true
            }
            None => false,
        }
    }

    fn ticks(&self) -> bool {
        // How long is left until a deadline is the one figure here that changes when nothing happens.
        self.known.as_ref().is_some_and(|overview| !overview.at_risk.is_empty())
    }
}
