//! One cage: its limits and how they hold, what runs and ran in it, its processes, and what is being written.

mod draw;
mod limits;
mod open_alerts;
pub mod work;

use std::cell::RefCell;
use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::cages::{item, measure};
use crate::api::client::LogPart;
use crate::api::live::{CageCell, CageProcess, OpenAlert, Topic};
use crate::domain::metric::{Matcher, Operator, Selector};
use crate::domain::{self, AlertId, CageStatus, ExecutionId, Timestamp, spool};
use crate::ui::action::Scope;
use crate::ui::ansi::Lines;
use crate::ui::app::Options;
use crate::ui::gather::AttemptRow;
use crate::ui::look::Look;
use crate::ui::pager::{Pager, TextLine};
use crate::ui::place::Place;
use crate::ui::request::{Answer, Lane, OutputOf, Request, Ticket};
use crate::ui::screen::{Item, Noun, Out, Screen, Selection};
use crate::ui::sparks::Sparks;
use crate::ui::step::Step;
use crate::ui::text;

/// How many executions are asked for: those that run and some of what was before.
const EXECUTIONS_MAX: usize = 50;

/// How much of the output's end is asked for, in bytes: more lines than fit on a screen, of ordinary length.
const TAIL_BYTES: u64 = 16 << 10;

/// The lines in spooled chunks.
fn lines(bytes: &[u8]) -> Vec<TextLine> {
    // Lines cost more memory than their bytes; all that was asked for fits.
    let mut lines = Lines::new(4 << 20);
    let mut rest = bytes;
    while let Some((chunk, length)) = spool::decode(rest) {
        lines.feed(chunk);
        rest = &rest[length..];
    }
    lines.finish().0.into_iter().map(|(_, line)| line).collect()
}

/// A part of the screen whose rows the cursor goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panel {
    Alerts,
    Limits,
    Work,
    Processes,
    Output,
}

/// The row under the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RowId {
    Alert(AlertId),
    Limit(String),
    Execution(ExecutionId),
    Process(u32),
}

impl RowId {
    const fn panel(&self) -> Panel {
        match self {
            Self::Alert(_) => Panel::Alerts,
            Self::Limit(_) => Panel::Limits,
            Self::Execution(_) => Panel::Work,
            Self::Process(_) => Panel::Processes,
        }
    }
}

/// What has been asked and not been answered.
#[derive(Default)]
struct Asked {
    cage: Option<Ticket>,
    grid: Option<Ticket>,
    alerts: Option<Ticket>,
    executions: Option<Ticket>,
    processes: Option<Ticket>,
    output: Option<Ticket>,
}

/// The screen.
pub struct Cage {
    id: String,
    record: Option<Box<domain::Cage>>,
    cell: Option<CageCell>,
    /// Those that are open, the worst first.
    alerts: Vec<OpenAlert>,
    /// Those that run first, then the newest.
    executions: Vec<AttemptRow>,
    executions_total: u64,
    /// The largest first; `None` before the first answer.
    processes: Option<Result<Vec<CageProcess>, String>>,
    /// The attempt whose output is shown, its task, and whether it still runs.
    output_of: Option<(ExecutionId, String, bool)>,
    output: Pager,
    /// Whether the engine has said what that attempt wrote.
    output_known: bool,
    /// Where the panels are.
    plan: Vec<(Panel, Rect)>,
    /// What it used within the last hour.
    past: Sparks,
    asked: Asked,
    error: Option<String>,
    now: (Option<Instant>, Timestamp),
    cursor: Option<RowId>,
    /// Whether somebody has moved the cursor; before that it is on the first execution, whenever that comes.
    moved: bool,
    /// Where rows were drawn last, for clicks.
    drawn: RefCell<Vec<(Rect, RowId)>>,
    /// Of each table that was drawn last the first row and how many were in sight.
    tables: RefCell<Vec<(Panel, usize, usize)>>,
}

impl Cage {
    /// The cage of a number, nothing of which is known yet.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            record: None,
            cell: None,
            alerts: Vec::new(),
            executions: Vec::new(),
            executions_total: 0,
            processes: None,
            output_of: None,
            output: Pager::following(),
            output_known: false,
            plan: Vec::new(),
            past: Sparks::by("cage"),
            asked: Asked::default(),
            error: None,
            now: (None, Timestamp::EPOCH),
            cursor: None,
            moved: false,
            drawn: RefCell::default(),
            tables: RefCell::default(),
        }
    }

    fn limits(&self) -> Vec<limits::Limit> {
        self.record.as_deref().map(|cage| limits::all(cage, self.cell.as_ref())).unwrap_or_default()
    }

    fn known_processes(&self) -> &[CageProcess] {
        self.processes.as_ref().and_then(|known| known.as_deref().ok()).unwrap_or_default()
    }

    /// All rows in the order in which the cursor goes through them.
    fn rows(&self) -> Vec<RowId> {
        let alerts = self.alerts.iter().map(|open| RowId::Alert(open.alert.id));
        let limits = self.limits().into_iter().map(|limit| RowId::Limit(limit.name));
        let executions = self.executions.iter().map(|row| RowId::Execution(row.execution.id));
        let processes = self.known_processes().iter().map(|process| RowId::Process(process.pid));
        alerts.chain(limits).chain(executions).chain(processes).collect()
    }

    /// The panel that the cursor is in.
    fn focus(&self) -> Panel {
        self.cursor.as_ref().map_or(Panel::Work, RowId::panel)
    }

    fn put_cursor(&mut self, choose: impl FnOnce(Option<usize>, &[RowId]) -> usize) {
        let rows = self.rows();
        let Some(last) = rows.len().checked_sub(1) else { return };
        let at = self.cursor.as_ref().and_then(|cursor| rows.iter().position(|row| row == cursor));
        let place = choose(at, &rows).min(last);
        self.moved = true;
        self.cursor = rows.into_iter().nth(place);
    }

    /// After something came: a row that is gone gives the cursor to the first execution, else to the first row.
    fn settle(&mut self) {
        let rows = self.rows();
        if !self.moved || !self.cursor.as_ref().is_some_and(|cursor| rows.contains(cursor)) {
            let first = rows.iter().find(|row| row.panel() == Panel::Work).or(rows.first());
            self.cursor = first.cloned();
        }
    }

    /// The task of the row under the cursor.
    fn task_here(&self) -> Option<String> {
        match self.cursor.as_ref()? {
            RowId::Alert(_) | RowId::Limit(_) => None,
            RowId::Execution(id) => self.attempt(*id).map(|row| row.execution.task_id.to_string()),
            RowId::Process(pid) => {
                let process = self.known_processes().iter().find(|process| process.pid == *pid)?;
                process.task_id.map(|id| id.to_string())
            }
        }
    }

    /// Where all of the output is: of the row under the cursor, otherwise of what is shown.
    fn whole_output(&self) -> Option<Place> {
        match self.cursor.as_ref() {
            Some(RowId::Execution(id)) => self.task_here().map(|task| Place::Attempt(task, id.to_string())),
            Some(RowId::Process(_)) if self.task_here().is_some() => self.task_here().map(Place::Output),
            _ => self.output_of.as_ref().map(|(id, task, _)| Place::Attempt(task.clone(), id.to_string())),
        }
    }

    fn attempt(&self, id: ExecutionId) -> Option<&AttemptRow> {
        self.executions.iter().find(|row| row.execution.id == id)
    }

    /// Asks for the output of what runs; of what ran last, when nothing does.
    fn ask_output(&mut self, out: &mut Out) {
        let Some(first) = self.executions.first().map(|row| &row.execution) else { return };
        let runs = !first.status.is_final();
        let shown = self.output_of.as_ref().filter(|(id, ..)| *id == first.id);
        // What had ended when it was asked for says nothing new.
        if self.output_known && shown.is_some_and(|(.., ran)| !ran) {
            return;
        }
        if shown.is_none() {
            self.output.set_lines(Vec::new());
            self.output_known = false;
        }
        let request = Request::Output {
            of: OutputOf::Execution(first.id.to_string()),
            part: LogPart { tail: Some(TAIL_BYTES), ..LogPart::default() },
        };
        self.output_of = Some((first.id, first.task_id.to_string(), runs));
        self.asked.output = Some(out.ask(Some("cage output"), request));
    }

    fn take(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        let asked = &mut self.asked;
        let mine = |slot: &mut Option<Ticket>| slot.take_if(|asked| *asked == ticket).is_some();
        if mine(&mut asked.cage) {
            match answer {
                Ok(Answer::Cage(cage)) => (self.record, self.error) = (Some(cage.clone()), None),
                Ok(_) => {}
                Err(message) => self.error = Some(message.clone()),
            }
        } else if mine(&mut asked.grid) {
            if let Ok(Answer::Grid(cells)) = answer {
                self.cell = cells.iter().find(|cell| cell.id.to_string() == self.id).cloned();
            }
        } else if mine(&mut asked.alerts) {
            if let Ok(Answer::OpenAlerts(alerts)) = answer {
                self.alerts.clone_from(alerts);
            }
        } else if mine(&mut asked.executions) {
            if let Ok(Answer::Attempts(page)) = answer {
                self.executions.clone_from(&page.rows);
                // The sort keeps the newest first among equals.
                self.executions.sort_by_key(|row| row.execution.status.is_final());
                self.executions_total = page.total;
                self.ask_output(out);
            }
        } else if mine(&mut asked.processes) {
            self.processes = match answer {
                Ok(Answer::Processes(processes)) => {
                    let mut processes = processes.clone();
                    processes.sort_by_key(|process| (std::cmp::Reverse(process.memory_bytes), process.pid));
                    Some(Ok(processes))
                }
                Ok(_) => self.processes.take(),
                Err(message) => Some(Err(message.clone())),
            };
        } else if mine(&mut asked.output) {
            if let Ok(Answer::Output(page)) = answer {
                self.output.set_lines(lines(&page.bytes));
                self.output_known = true;
            } else if let Some((.., ran)) = &mut self.output_of {
                // It is asked for again, even if it has ended meanwhile.
                *ran = true;
            }
        } else {
            return false;
        }
        self.settle();
        true
    }
}

impl Screen for Cage {
    fn title(&self) -> String {
        let state = self.cell.as_ref().map(|cell| format!(" · {}", cell.state)).unwrap_or_default();
        format!("cage {}{state}", text::clean(&self.id))
    }

    fn unanswered(&self) -> Option<&str> {
        self.error.as_deref()
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Cages, Topic::Agents, Topic::Tasks, Topic::Alerts, Topic::Usage]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Cage]
    }

    fn refresh(&mut self, out: &mut Out) {
        let id = || self.id.clone();
        let query = [("cage", id()), ("sort", "-created_at".to_owned()), ("limit", EXECUTIONS_MAX.to_string())];
        let query = query.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut ask = |lane: Lane, request: Request| Some(out.ask(Some(lane), request));
        self.asked.cage = ask("cage", Request::Cage(id()));
        self.asked.grid = ask("cage figures", Request::Grid);
        self.asked.alerts = ask("cage alerts", Request::CageAlerts(id()));
        self.asked.executions = ask("cage executions", Request::Attempts(query));
        self.asked.processes = ask("cage processes", Request::Processes(id()));
        let here = Matcher { label: "cage".to_owned(), operator: Operator::Is, text: id() };
        let series = limits::MEASURED
            .iter()
            .map(|(_, metric)| Selector { name: (*metric).to_owned(), matchers: vec![here.clone()] });
        self.past.ask(series, self.now, out);
    }

    fn unheard(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        let kept = self.processes.is_some() && self.asked.processes.take_if(|asked| *asked == ticket).is_some();
        kept || self.answer(ticket, answer, out)
    }

    fn attend(&mut self, now: Instant, wall: Timestamp, _: &Options) {
        self.now = (Some(now), wall);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        self.past.answer(ticket, answer) || self.take(ticket, answer, out)
    }

    fn layout(&mut self, area: Rect, _: &mut Out) {
        self.plan = draw::arrange(self, area);
        if let Some((_, at)) = self.plan.iter().find(|(panel, _)| *panel == Panel::Output) {
            self.output.layout(at.width, at.height.saturating_sub(1));
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        draw::draw(self, frame, area, look);
    }

    fn selection(&self) -> Option<Selection> {
        let cell = self.cell.as_ref().map(item);
        let cage = || {
            let cage = self.record.as_deref()?;
            let (id, state) = (cage.id.to_string(), cage.status.as_str().to_owned());
            Some(Item {
                name: format!("cage {id}"),
                id,
                state,
                high_risk: false,
                array: false,
                holds_up: 0,
                task: None,
            })
        };
        Some(Selection { noun: Noun::Cage, items: cell.or_else(cage).into_iter().collect(), marked: false })
    }

    fn target(&self) -> Option<Place> {
        match self.cursor.as_ref() {
            Some(RowId::Alert(id)) => Some(Place::Alert(id.to_string())),
            _ => self.task_here().map(Place::Task),
        }
    }

    fn perform(&mut self, action: &str, out: &mut Out) -> bool {
        match action {
            "next_row" => self.put_cursor(|at, _| at.map_or(0, |at| at + 1)),
            "previous_row" => self.put_cursor(|at, _| at.map_or(0, |at| at.saturating_sub(1))),
            "first_row" => self.put_cursor(|_, _| 0),
            "last_row" => self.put_cursor(|_, rows| rows.len() - 1),
            "next_panel" => self.put_cursor(|at, rows| {
                let here = at.unwrap_or(0);
                let other = |row: &RowId| row.panel() != rows[here].panel();
                rows[here..].iter().position(other).map_or(0, |further| here + further)
            }),
            "cage_output" => {
                if let Some(place) = self.whole_output() {
                    out.step(Step::Go(place));
                }
            }
            _ => return false,
        }
        true
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        match action {
            "cage_output" if self.whole_output().is_none() => Some("nothing has run in this cage yet".to_owned()),
            _ => None,
        }
    }

    fn click(&mut self, column: u16, row: u16, _: &mut Out) -> bool {
        let y = row + crate::ui::view::BODY_TOP;
        let found =
            self.drawn.borrow().iter().find(|(at, _)| at.contains((column, y).into())).map(|(_, id)| id.clone());
        match found {
            Some(id) => {
                (self.cursor, self.moved) = (Some(id), true);
                true
            }
            None => false,
        }
    }

    fn scroll_panel(&mut self, panel: usize, rows: i64) {
        let table = self.tables.borrow().iter().find(|(of, ..)| *of as usize == panel).copied();
        let Some((of, top, height)) = table.filter(|_| rows != 0) else { return };
        // The rows in sight end with the cursor's once there are some above them.
        let place = top.saturating_add_signed(isize::try_from(rows).unwrap_or(0)) + height.saturating_sub(1);
        let ids: Vec<RowId> = self.rows().into_iter().filter(|row| row.panel() == of).collect();
        if let Some(id) = ids.get(place).or(ids.last()) {
            (self.cursor, self.moved) = (Some(id.clone()), true);
        }
    }

    fn ticks(&self) -> bool {
        self.executions.iter().any(|row| !row.execution.status.is_final())
    }
}
