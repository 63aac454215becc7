//! One task: how it is, what it waits for and what waits for it, every attempt, what it made, and what was asked of it.

use std::collections::{BTreeMap, BTreeSet};

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::task_lines;
use super::tasks::{self, mark};
use crate::api::live::Topic;
use crate::domain::selection::Rating;
use crate::domain::{Artifact, Execution, Task, TaskStatus};
use crate::ui::action::Scope;
use crate::ui::look::{Look, Mark};
use crate::ui::pager::{Pager, TextLine};
use crate::ui::place::Place;
use crate::ui::request::{Answer, Page, Request, Ticket};
use crate::ui::screen::{Noun, Out, Screen, Selection};
use crate::ui::text::{self, short_id};
use crate::ui::theme::Role;
use crate::ui::widgets;

/// The most of each sort of related things that are fetched.
pub const RELATED_MAX: usize = 50;

/// From so many columns on, what was asked stands beside what came of it.
const BESIDE_FROM: u16 = 150;

/// Lines of the strip at the top, with the empty one below.
const STRIP: u16 = 3;

/// What is known of a task; a part that has not come is `None`.
#[derive(Default)]
pub struct Known {
    /// The task itself.
    pub task: Option<Box<Task>>,
    /// Tasks that must complete first.
    pub parents: Option<Page<Task>>,
    /// Tasks that wait for it.
    pub children: Option<Page<Task>>,
    /// Attempts, the newest first.
    pub executions: Option<Page<Execution>>,
    /// What it made.
    pub artifacts: Option<Page<Artifact>>,
    /// The approvals that it waits for, in the engine's words.
    pub approvals: Vec<String>,
    /// What everybody thinks of how it was done.
    pub ratings: Vec<Rating>,
    /// Names of agents and users by id.
    pub names: BTreeMap<String, String>,
}

impl Known {
    /// The name of an agent, or the end of its id while the name has not come.
    pub fn name(&self, id: &str) -> String {
        self.names.get(id).cloned().unwrap_or_else(|| short_id(id))
    }
}

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Task,
    Parents,
    Children,
    Executions,
    Artifacts,
    Names,
    Reasons,
    Ratings,
}

/// The screen.
pub struct Detail {
    id: String,
    known: Known,
    asked: BTreeMap<Ticket, Part>,
    /// Whose names were asked for since the last refresh.
    named: BTreeSet<String>,
    error: Option<String>,
    /// What came of it, with a cursor; on narrow screens also what was asked.
    main: Pager,
    /// What was asked, on wide screens.
    facts: Pager,
    beside: bool,
}

impl Detail {
    /// The screen of a task.
    pub fn new(id: String) -> Self {
        Self {
            id,
            known: Known::default(),
            asked: BTreeMap::new(),
            named: BTreeSet::new(),
            error: None,
            main: Pager::with_cursor(),
            facts: Pager::new(),
            beside: false,
        }
    }

    fn ask(&mut self, part: Part, request: Request, out: &mut Out) {
        self.asked.insert(out.ask(None, request), part);
    }

    fn ask_related(&mut self, out: &mut Out) {
        let Some(task) = self.known.task.clone() else { return };
        if task.depends_on.is_empty() {
            self.known.parents = Some(Page { rows: Vec::new(), total: 0 });
        } else {
            let ids: Vec<String> = task.depends_on.iter().take(RELATED_MAX).map(ToString::to_string).collect();
            let query = vec![("id".into(), ids.join(",")), ("limit".into(), RELATED_MAX.to_string())];
            self.ask(Part::Parents, Request::Tasks(query), out);
        }
        let of = |field: &str| vec![(field.to_owned(), self.id.clone()), ("limit".into(), RELATED_MAX.to_string())];
        let (children, mut executions, artifacts) = (of("depends_on"), of("task"), of("task"));
        executions.push(("sort".into(), "-created_at".into()));
        self.ask(Part::Children, Request::Tasks(children), out);
        self.ask(Part::Executions, Request::Executions(executions), out);
        self.ask(Part::Artifacts, Request::Artifacts(artifacts), out);
        if task.status.is_final() || task.attempts > 0 {
            self.ask(Part::Ratings, Request::Ratings(self.id.clone()), out);
        }
        if task.approval_gate && task.status == TaskStatus::Pending {
            self.ask(Part::Reasons, Request::Explain(self.id.clone()), out);
        } else {
            self.known.approvals.clear();
        }
    }

    /// Asks for the names of agents and of whoever submitted it that are still unknown, each once.
    fn ask_names(&mut self, out: &mut Out) {
        let mut ids: BTreeSet<String> = BTreeSet::new();
        if let Some(task) = &self.known.task {
            ids.extend([task.agent_id, task.assigned_agent_id].into_iter().flatten().map(|id| id.to_string()));
            ids.insert(task.created_by.to_string());
        }
        for execution in self.known.executions.iter().flat_map(|page| &page.rows) {
            ids.insert(execution.agent_id.to_string());
        }
        ids.retain(|id| !self.known.names.contains_key(id) && !self.named.contains(id));
        if !ids.is_empty() {
            // Of agents that do later attempts it is heard while the first names are still on their way.
            self.named.extend(ids.iter().cloned());
            self.ask(Part::Names, Request::Names(ids.into_iter().collect()), out);
        }
    }

    /// Makes the lines anew from what is known.
    fn rebuild(&mut self) {
        let mut lines = task_lines::related(&self.known);
        let facts = task_lines::facts(&self.known);
        if self.beside {
            self.facts.set_lines(facts);
        } else {
            lines.push(TextLine::default());
            lines.extend(facts);
        }
        self.main.set_lines(lines);
    }

    fn strip(&self, task: &Task, look: &Look<'_>) -> Vec<Line<'static>> {
        let sign = mark(task.status);
        let piece = |role: Role, words: String| Span::styled(words, look.style(role));
        let gap = || Span::styled(look.sign("  ·  ", "  |  "), look.style(Role::Dim));
        let live = self.known.executions.iter().flat_map(|page| &page.rows).find(|one| !one.status.is_final());
        // What counts is the attempt under way, not the first one.
        let started = live.and_then(|one| one.started_at).or(task.attempt_started_at);
        let word = match (task.status, started, task.completed_at) {
            (TaskStatus::Executing, Some(start), _) => format!("executing for {}", look.since(start)),
            (status, Some(start), Some(end)) => {
                format!("{status} after {}", text::duration(end.as_micros() - start.as_micros()))
            }
            (TaskStatus::Pending, ..) => format!("pending for {}; w says why", look.age(task.created_at)),
            (status, ..) => status.to_string(),
        };
        let mut first = vec![piece(sign.role(), format!(" {} {word}", look.mark(sign)))];
        first.extend([gap(), piece(Role::Text, format!("priority {}", task.priority))]);
        let attempt = tasks::attempt(task);
        // Executions go on being numbered when a task is retried, and its attempts are counted anew.
        let last = self.known.executions.iter().flat_map(|page| &page.rows).map(|one| one.attempt).max().unwrap_or(0);
        let tries = match (attempt, task.max_attempts) {
            (0, 1) => "one attempt".to_owned(),
            (0, most) => format!("up to {most} attempts"),
            (attempt, most) if last > attempt => format!("attempt {last}: {attempt} of {most} since it was retried"),
            (attempt, most) => format!("attempt {attempt} of {most}"),
        };
        first.extend([gap(), piece(if attempt > 1 { Role::Warn } else { Role::Text }, tries)]);
        if let Some(deadline) = task.deadline.filter(|_| !task.status.is_final()) {
            let left = deadline.as_micros() - look.now.as_micros();
            let missed = left < 0;
            let words = if missed { "deadline missed by " } else { "deadline in " };
            let words = format!("{words}{}", text::age(left.saturating_abs()));
            first.extend([gap(), piece(if missed { Role::Bad } else { Role::Warn }, words)]);
        }
        let mut second = vec![Span::raw("   ")];
        match task.assigned_agent_id {
            Some(agent) => {
                let name = text::fit(&text::clean(&self.known.name(&agent.to_string())), 30).into_owned();
                second.extend([piece(Role::Dim, "agent ".into()), piece(Role::Text, name)]);
            }
            None => second.push(piece(Role::Dim, "no agent yet".into())),
        }
        if let Some(cage) = task.assigned_cage_id {
            second.extend([gap(), piece(Role::Dim, "cage ".into()), piece(Role::Text, cage.to_string())]);
        }
        if let Some(execution) = live {
            if let Some(progress) = execution.progress {
                let filled = usize::from(progress.min(100)) / 10;
                let bar = look.sign("█", "#").repeat(filled) + &look.sign("░", ".").repeat(10 - filled);
                second.extend([gap(), piece(Role::Chart, bar), piece(Role::Text, format!(" {progress}%"))]);
            } else {
                second.extend([gap(), piece(Role::Dim, "progress not reported".into())]);
            }
            for said in [execution.doing(), execution.output_summary.clone()].into_iter().flatten() {
                second.push(piece(Role::Dim, format!("  {}", text::clean(&said))));
            }
        }
        vec![Line::from(first), Line::from(second)]
    }
}

impl Screen for Detail {
    fn title(&self) -> String {
        match &self.known.task {
            Some(task) => format!("task {} · {}", text::fit(&text::clean(&task.kind), 60), task.id),
            None => format!("task {}", self.id),
        }
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Tasks, Topic::Artifacts]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Tasks, Scope::Pager]
    }

    fn refresh(&mut self, out: &mut Out) {
        // What is still on its way tells of an older state.
        self.asked.clear();
        self.named.clear();
        self.ask(Part::Task, Request::Task(self.id.clone()), out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        let Some(part) = self.asked.remove(&ticket) else { return false };
        match (part, answer) {
            (Part::Task, Ok(Answer::Task(task))) => {
                self.error = None;
                self.known.task = Some(task.clone());
                self.ask_related(out);
            }
            (Part::Parents, Ok(Answer::Tasks(page))) => self.known.parents = Some(page.clone()),
            (Part::Children, Ok(Answer::Tasks(page))) => self.known.children = Some(page.clone()),
            (Part::Executions, Ok(Answer::Executions(page))) => self.known.executions = Some(page.clone()),
            (Part::Artifacts, Ok(Answer::Artifacts(page))) => self.known.artifacts = Some(page.clone()),
            (Part::Names, Ok(Answer::Names(names))) => {
                self.known.names.extend(names.iter().map(|(id, name)| (id.clone(), name.clone())));
            }
            (Part::Ratings, Ok(Answer::Ratings(ratings))) => self.known.ratings.clone_from(ratings),
            (Part::Reasons, Ok(Answer::Explain(said))) => self.known.approvals = approvals(said),
            (_, Ok(_)) => self.error = Some("the engine answered something else".to_owned()),
            // A name that cannot be had is shown as an id; that is no failure of this screen.
            (Part::Names | Part::Reasons, Err(_)) => {}
            (_, Err(message)) => self.error = Some(message.clone()),
        }
        if matches!(part, Part::Task | Part::Executions) {
            self.ask_names(out);
        }
        self.rebuild();
        true
    }

    fn layout(&mut self, area: Rect, _: &mut Out) {
        let beside = area.width >= BESIDE_FROM;
        let height = area.height.saturating_sub(STRIP);
        let (left, right) = halves(area.width);
        self.main.layout(if beside { left } else { area.width }, height);
        self.facts.layout(right, height);
        if beside != self.beside {
            self.beside = beside;
            self.rebuild();
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        let Some(task) = &self.known.task else {
            let words = self.error.as_deref().unwrap_or("asking the engine …");
            widgets::center_text(frame, area, words, look.style(Role::Dim));
            return;
        };
        for (place, line) in (0u16..).zip(self.strip(task, look)) {
            frame.render_widget(Paragraph::new(line), Rect { y: area.y + place, height: 1, ..area });
        }
        if let Some(error) = &self.error {
            let words = format!("   {} {}", look.mark(Mark::Warning), text::clean(error));
            let at = Rect { y: area.y + 2, height: 1, ..area };
            frame.render_widget(Line::styled(words, look.style(Role::Warn)), at);
        }
        let body = Rect { y: area.y + STRIP, height: area.height.saturating_sub(STRIP), ..area };
        if self.beside {
            let (left, right) = halves(area.width);
            self.main.draw(frame, Rect { width: left, ..body }, look);
            let at = Rect { x: body.right() - right, width: right, ..body };
            self.facts.draw(frame, at, look);
        } else {
            self.main.draw(frame, body, look);
        }
    }

    fn selection(&self) -> Option<Selection> {
        let task = self.known.task.as_ref()?;
        Some(Selection { noun: Noun::Task, items: vec![tasks::item(task)], marked: false })
    }

    fn target(&self) -> Option<Place> {
        self.main.target().cloned()
    }

    fn text(&self) -> Option<&Pager> {
        Some(&self.main)
    }

    fn pager(&mut self) -> Option<&mut Pager> {
        Some(&mut self.main)
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        (action == "follow").then(|| "this is no text that grows; l shows the output".to_owned())
    }

    fn click(&mut self, column: u16, row: u16, _: &mut Out) -> bool {
        let _ = column;
        row.checked_sub(STRIP).is_some_and(|row| self.main.click(row))
    }

    fn ticks(&self) -> bool {
        self.known.task.as_ref().is_some_and(|task| task.status == TaskStatus::Executing)
    }
}

/// The approvals among the reasons why a task waits.
pub fn approvals(said: &serde_json::Value) -> Vec<String> {
    let reasons = said.get("reasons").and_then(serde_json::Value::as_array).into_iter().flatten();
    let approvals = reasons.filter(|reason| reason.get("kind").is_some_and(|kind| kind == "approval"));
    approvals.filter_map(|reason| reason.get("text")?.as_str().map(str::to_owned)).collect()
}

/// The widths of the two columns, with a gap of two between them.
fn halves(width: u16) -> (u16, u16) {
    let right = width * 2 / 5;
    (width.saturating_sub(right + 2), right)
}
