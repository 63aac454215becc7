//! What a task waits for and what waits for it, as trees. Fetched level by level, up to a bound; a task that is reached
//! twice is drawn in full once.

use std::collections::{BTreeMap, BTreeSet};

use ratatui::Frame;
use ratatui::layout::Rect;

use super::task::approvals;
use super::task_lines::{approval_line, task_line, tree_line};
use super::tasks;
use crate::api::live::Topic;
use crate::domain::{Task, TaskStatus};
use crate::ui::action::Scope;
use crate::ui::look::Look;
use crate::ui::pager::{Pager, TextLine};
use crate::ui::place::Place;
use crate::ui::request::{Answer, Request, Ticket};
use crate::ui::screen::{Noun, Out, Screen, Selection};
use crate::ui::text::{self, short_id};
use crate::ui::theme::Role;
use crate::ui::widgets;

/// The most levels, up and down each.
const LEVELS_MAX: usize = 8;

/// The most tasks, up and down each; also the most that one request names.
const TASKS_MAX: usize = 200;

/// The screen.
pub struct Dependencies {
    id: String,
    tasks: BTreeMap<String, Task>,
    /// Tasks that wait for a task, by its id, as far as they were fetched.
    waiting: BTreeMap<String, Vec<String>>,
    /// What is on its way, and how deep it is.
    root: Option<Ticket>,
    up: Option<(Ticket, usize)>,
    down: Option<(Ticket, usize)>,
    /// Which approvals it waits for, on its way and in the engine's words.
    reasons: Option<Ticket>,
    approvals: Vec<String>,
    /// Counts of both directions, to stay within bounds.
    counts: (usize, usize),
    /// Whether something was left out.
    cut: bool,
    error: Option<String>,
    pager: Pager,
}

impl Dependencies {
    /// The trees of a task.
    pub fn new(id: String) -> Self {
        Self {
            id,
            tasks: BTreeMap::new(),
            waiting: BTreeMap::new(),
            root: None,
            up: None,
            down: None,
            reasons: None,
            approvals: Vec::new(),
            counts: (0, 0),
            cut: false,
            error: None,
            pager: Pager::with_cursor(),
        }
    }

    fn query(field: &str, ids: &[String]) -> Request {
        let value = ids.join(",");
        Request::Tasks(vec![(field.to_owned(), value), ("limit".to_owned(), TASKS_MAX.to_string())])
    }

    /// Asks for what `from` wait for, as far as it is not known.
    fn ask_up(&mut self, from: &[String], level: usize, out: &mut Out) {
        let ids: BTreeSet<String> = from
            .iter()
            .filter_map(|id| self.tasks.get(id))
            .flat_map(|task| task.depends_on.iter().map(ToString::to_string))
            .filter(|id| !self.tasks.contains_key(id))
            .collect();
        let room = TASKS_MAX - self.counts.0.min(TASKS_MAX);
        self.cut |= ids.len() > room || (level >= LEVELS_MAX && !ids.is_empty());
        let ids: Vec<String> = ids.into_iter().take(room).collect();
        if !ids.is_empty() && level < LEVELS_MAX {
            self.up = Some((out.ask(None, Self::query("id", &ids)), level));
        }
    }

    /// Asks for what waits for `from`.
    fn ask_down(&mut self, from: Vec<String>, level: usize, out: &mut Out) {
        let from: Vec<String> = from.into_iter().filter(|id| !self.waiting.contains_key(id)).collect();
        if from.is_empty() {
            return;
        }
        if level >= LEVELS_MAX || self.counts.1 >= TASKS_MAX {
            // Whether anything waits for these nobody has asked, so nothing is claimed either way.
            self.cut = true;
            return;
        }
        for id in &from {
            self.waiting.insert(id.clone(), Vec::new());
        }
        self.down = Some((out.ask(None, Self::query("depends_on", &from)), level));
    }

    fn rebuild(&mut self) {
        let mut lines = Vec::new();
        let Some(root) = self.tasks.get(&self.id) else { return };
        lines.push(TextLine::plain(Role::Heading, "WAITS FOR"));
        if root.depends_on.is_empty() {
            lines.push(TextLine::plain(Role::Dim, "nothing"));
        }
        let mut shown = BTreeSet::from([self.id.clone()]);
        self.branch(&self.id, true, "", &mut shown, &mut lines);
        let parents = || root.depends_on.iter().filter_map(|id| self.tasks.get(&id.to_string()));
        lines.extend(self.approvals.iter().map(|words| approval_line(words, parents())));
        lines.push(TextLine::default());
        lines.push(TextLine::plain(Role::Heading, "THIS TASK"));
        lines.push(task_line(root));
        lines.push(TextLine::default());
        lines.push(TextLine::plain(Role::Heading, "HOLDS UP"));
        match self.waiting.get(&self.id) {
            None => lines.push(TextLine::plain(Role::Dim, "asking the engine …")),
            Some(none) if none.is_empty() && self.down.is_none() => {
                lines.push(TextLine::plain(Role::Dim, "nothing"));
            }
            Some(_) => {
                let mut shown = BTreeSet::from([self.id.clone()]);
                self.branch(&self.id, false, "", &mut shown, &mut lines);
            }
        }
        if self.cut {
            let words = format!(
                "Not all is shown: at most {LEVELS_MAX} levels and about {TASKS_MAX} tasks each way. Open one to see further."
            );
            lines.push(TextLine::default());
            lines.push(TextLine::plain(Role::Warn, words));
        }
        self.pager.set_lines(lines);
    }

    /// The lines below a task. Each task is followed further where it comes first; the depth is bounded by what was
    /// fetched, and a circle by `shown`.
    fn branch(&self, id: &str, up: bool, before: &str, shown: &mut BTreeSet<String>, lines: &mut Vec<TextLine>) {
        let below: Vec<String> = if up {
            let task = self.tasks.get(id);
            task.map(|task| task.depends_on.iter().map(ToString::to_string).collect()).unwrap_or_default()
        } else {
            self.waiting.get(id).cloned().unwrap_or_default()
        };
        for (place, id) in below.iter().enumerate() {
            let last = place + 1 == below.len();
            let branches = format!("{before}{}", if last { "└─ " } else { "├─ " });
            let again = !shown.insert(id.clone());
            let line = match self.tasks.get(id) {
                Some(task) => tree_line(&branches, task),
                None => TextLine::roles([
                    (Role::Border, branches),
                    (Role::Dim, format!("{} not fetched; open it to see", short_id(id))),
                ])
                .to(Place::Task(id.clone())),
            };
            lines.push(line);
            if !again {
                self.branch(id, up, &format!("{before}{}", if last { "   " } else { "│  " }), shown, lines);
            }
        }
    }
}

impl Screen for Dependencies {
    fn title(&self) -> String {
        let name = self.tasks.get(&self.id).map(|task| text::fit(&text::clean(&task.kind), 50).into_owned());
        let open = |ids: Vec<&String>| {
            let tasks = ids.into_iter().filter_map(|id| self.tasks.get(id));
            tasks.filter(|task| task.status != TaskStatus::Completed).count()
        };
        let up = open(self.tasks.keys().filter(|id| **id != self.id && !self.is_below(id)).collect());
        let down = open(self.tasks.keys().filter(|id| **id != self.id && self.is_below(id)).collect());
        let name = name.unwrap_or_else(|| short_id(&self.id));
        let waits = match (up, self.approvals.len()) {
            (0, 0) => "waits for no other".to_owned(),
            (up, 0) => format!("waits for {up} that {} not done", if up == 1 { "is" } else { "are" }),
            (0, made) => format!("waits for approval of what {made} made"),
            (up, made) => format!("waits for {up} not done and for approval of what {made} made"),
        };
        format!("dependencies of {name} · {waits} · holds up {down}")
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Tasks]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Tasks, Scope::Pager]
    }

    fn refresh(&mut self, out: &mut Out) {
        (self.up, self.down, self.reasons) = (None, None, None);
        self.root = Some(out.ask(None, Request::Task(self.id.clone())));
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        let from_up = self.up.filter(|(asked, _)| *asked == ticket).map(|(_, level)| level);
        let from_down = self.down.filter(|(asked, _)| *asked == ticket).map(|(_, level)| level);
        match (self.root == Some(ticket), from_up, from_down) {
            (true, ..) => {
                self.root = None;
                if let Ok(Answer::Task(task)) = answer {
                    // Everything anew: what was seen the last time may hang together otherwise now.
                    self.tasks = BTreeMap::from([(self.id.clone(), (**task).clone())]);
                    self.waiting.clear();
                    (self.counts, self.cut, self.error) = ((0, 0), false, None);
                    self.approvals.clear();
                    if task.approval_gate && task.status == TaskStatus::Pending {
                        self.reasons = Some(out.ask(None, Request::Explain(self.id.clone())));
                    }
                    let root = self.id.clone();
                    self.ask_up(std::slice::from_ref(&root), 0, out);
                    self.ask_down(vec![root], 0, out);
                }
            }
            (_, Some(level), _) => {
                self.up = None;
                if let Ok(Answer::Tasks(page)) = answer {
                    self.counts.0 += page.rows.len();
                    let ids: Vec<String> = page.rows.iter().map(|task| task.id.to_string()).collect();
                    self.tasks.extend(page.rows.iter().map(|task| (task.id.to_string(), task.clone())));
                    self.ask_up(&ids, level + 1, out);
                }
            }
            (_, _, Some(level)) => {
                self.down = None;
                if let Ok(Answer::Tasks(page)) = answer {
                    self.counts.1 += page.rows.len();
                    self.cut |= page.total > page.rows.len() as u64;
                    for task in &page.rows {
                        for parent in task.depends_on.iter().map(ToString::to_string) {
                            if let Some(waiting) = self.waiting.get_mut(&parent) {
                                let id = task.id.to_string();
                                if !waiting.contains(&id) {
                                    waiting.push(id);
                                }
                            }
                        }
                    }
                    let ids = page.rows.iter().map(|task| task.id.to_string()).collect();
                    self.tasks.extend(page.rows.iter().map(|task| (task.id.to_string(), task.clone())));
                    self.ask_down(ids, level + 1, out);
                }
            }
            _ if self.reasons == Some(ticket) => {
                self.reasons = None;
                if let Ok(Answer::Explain(said)) = answer {
                    self.approvals = approvals(said);
                }
            }
            _ => return false,
        }
        if let Err(message) = answer {
            self.error = Some(message.clone());
        }
        // A tree that is still growing is shown when it is whole, unless nothing was shown yet.
        let waits = [self.root, self.reasons, self.up.map(|up| up.0), self.down.map(|down| down.0)];
        if waits.iter().all(Option::is_none) || self.pager.lines().is_empty() {
            self.rebuild();
        }
        true
    }

    fn unheard(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        let of = |asked: Option<(Ticket, usize)>| asked.is_some_and(|(asked, _)| asked == ticket);
        let root = [self.root, self.reasons].contains(&Some(ticket));
        if self.pager.lines().is_empty() || !(root || of(self.up) || of(self.down)) {
            return self.answer(ticket, answer, out);
        }
        // The tree that was seen last is whole; what has been heard of a newer one is not, and is asked for anew.
        (self.root, self.reasons, self.up, self.down) = (None, None, None, None);
        true
    }

    fn layout(&mut self, area: Rect, _: &mut Out) {
        self.pager.layout(area.width, area.height);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        match &self.error {
            Some(error) => widgets::center_wrapped(frame, area, error, Role::Bad, look),
            None if self.pager.lines().is_empty() => {
                widgets::center_text(frame, area, "asking the engine …", look.style(Role::Dim));
            }
            None => self.pager.draw(frame, area, look),
        }
    }

    fn selection(&self) -> Option<Selection> {
        let task = self.tasks.get(&self.selected())?;
        Some(Selection { noun: Noun::Task, items: vec![tasks::item(task)], marked: false })
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        match action {
            "follow" => Some("this is no text that grows; l shows the output".to_owned()),
            "dependencies" if self.selected() == self.id => {
                Some("these are the dependencies; Enter opens the one under the cursor".to_owned())
            }
            _ => None,
        }
    }

    fn target(&self) -> Option<Place> {
        self.pager.target().cloned()
    }

    fn text(&self) -> Option<&Pager> {
        Some(&self.pager)
    }

    fn pager(&mut self) -> Option<&mut Pager> {
        Some(&mut self.pager)
    }
}

impl Dependencies {
    /// The task under the cursor, else the one that the screen is of.
    fn selected(&self) -> String {
        match self.pager.target() {
            Some(Place::Task(id)) => id.clone(),
            _ => self.id.clone(),
        }
    }

    /// Whether a task was found below the one that the screen is of.
    fn is_below(&self, id: &str) -> bool {
        self.waiting.values().any(|waiting| waiting.iter().any(|known| known == id))
    }
}
