//! Tasks: what is queued, runs and is done.

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::api::client::Query;
use crate::api::live::Topic;
use crate::domain::{Reply, Task, TaskStatus, Timestamp};
use crate::ui::action::Scope;
use crate::ui::app::Options;
use crate::ui::list::{Cell, Column, List, Listing, Row};
use crate::ui::look::{Look, Mark};
use crate::ui::place::Place;
use crate::ui::request::{Answer, Page, Request, Ticket};
use crate::ui::screen::{Item, Noun, Out, Screen, Selection};
use crate::ui::text;
use crate::ui::theme::Role;

/// How the status of a task is marked.
pub fn mark(status: TaskStatus) -> Mark {
    match status {
        TaskStatus::Pending => Mark::Queued,
        TaskStatus::Scheduled => Mark::Starting,
        TaskStatus::Executing => Mark::Running,
        TaskStatus::Completed => Mark::Done,
        TaskStatus::Failed => Mark::Failed,
        TaskStatus::Cancelled => Mark::Stopped,
    }
}

/// What actions on a task act on.
pub fn item(task: &Task) -> Item {
    let id = task.id.to_string();
    Item {
        name: format!("{} {}", task.kind, text::short_id(&id)),
        state: task.status.as_str().to_owned(),
        id,
        high_risk: false,
        array: task.array.is_some(),
        holds_up: 0,
        task: None,
    }
}

/// Which attempt is under way or was the last; 0 before the first. What is counted are those that have ended.
pub fn attempt(task: &Task) -> u32 {
    task.attempts + u32::from(matches!(task.status, TaskStatus::Scheduled | TaskStatus::Executing))
}

impl Row for Task {
    const LANE: &'static str = "tasks";
    const ORDER: &'static str = "-created_at";
    const EMPTY: &'static str =
        "There is no task yet.\n\nmenagerie run -- COMMAND queues one from a shell; + writes one here.";
    const COLUMNS: &'static [Column<Self>] = &[
        Column {
            title: "ID",
            width: 8,
            right: false,
            rank: 1,
            sort: None,
            cell: |task, _| Cell::of(Role::Dim, text::short_id(&task.id.to_string())),
        },
        Column {
            title: "TYPE",
            width: 17,
            right: false,
            rank: 1,
            sort: Some("type"),
            cell: |task, _| Cell::plain(&task.kind),
        },
        Column {
            title: "STATUS",
            width: 10,
            right: false,
            rank: 1,
            sort: Some("status"),
            cell: |task, _| Cell::of(mark(task.status).role(), task.status.as_str()),
        },
        Column {
            title: "PRI",
            width: 4,
            right: true,
            rank: 2,
            sort: Some("-priority"),
            cell: |task, _| Cell::plain(task.priority.to_string()),
        },
        Column { title: "AGENT", width: 16, right: false, rank: 4, sort: None, cell: agent },
        Column {
            title: "CAGE",
            width: 4,
            right: true,
            rank: 3,
            sort: None,
            cell: |task, _| task.assigned_cage_id.map_or_else(Cell::unknown, |id| Cell::plain(id.to_string())),
        },
        Column { title: "TOOK", width: 7, right: true, rank: 2, sort: None, cell: |task, look| took(task, look) },
        Column {
            title: "AGE",
            width: 4,
            right: true,
            rank: 2,
            sort: Some("created_at"),
            cell: |task, look| Cell::of(Role::Dim, look.age(task.created_at)),
        },
        Column { title: "DUE", width: 5, right: true, rank: 5, sort: Some("deadline"), cell: due },
        Column {
            title: "TRY",
            width: 5,
            right: true,
            rank: 6,
            sort: Some("attempts"),
            cell: |task, _| match attempt(task) {
                0 => Cell::unknown(),
                1 => Cell::of(Role::Dim, format!("1/{}", task.max_attempts)),
                tries => Cell::of(Role::Warn, format!("{tries}/{}", task.max_attempts)),
            },
        },
        Column { title: "WHAT", width: 0, right: false, rank: 2, sort: None, cell: |task, _| what(task) },
    ];

    fn request(query: Query) -> Request {
        Request::Tasks(query)
    }

    fn page(answer: &Answer) -> Option<&Page<Self>> {
        match answer {
            Answer::Tasks(page) => Some(page),
            _ => None,
        }
    }

    fn item(&self) -> Item {
        item(self)
    }

    fn mark(&self) -> Mark {
        mark(self.status)
    }
}

/// The agent that does it or did it last; before that, the one that has to do it.
fn agent(task: &Task, look: &Look<'_>) -> Cell {
    let Some(id) = task.assigned_agent_id.or(task.agent_id) else { return Cell::unknown() };
    match look.names.of(id) {
        Some(name) if task.assigned_agent_id.is_some() => Cell::plain(name),
        Some(name) => Cell::of(Role::Dim, name),
        // Not asked for yet, or the agent was removed: its id says at least which are by the same one.
        None => Cell::of(Role::Dim, text::short_id(&id.to_string())),
    }
}

/// How long its last attempt took, or takes.
fn took(task: &Task, look: &Look<'_>) -> Cell {
    match (task.attempt_started_at, task.completed_at) {
        (Some(start), Some(end)) => Cell::plain(text::duration(end.as_micros() - start.as_micros())),
        (Some(start), None) => Cell::of(Role::Good, look.since(start)),
        _ => Cell::unknown(),
    }
}

/// How long there is until the deadline, or by how much it was missed.
fn due(task: &Task, look: &Look<'_>) -> Cell {
    let Some(deadline) = task.deadline else { return Cell::of(Role::Dim, "") };
    let left = deadline.as_micros() - look.now.as_micros();
    match (task.status.is_final(), left < 0) {
        (true, _) => Cell::of(Role::Dim, ""),
        (false, missed) => Cell::of(if missed { Role::Bad } else { Role::Warn }, text::left(left)),
    }
}

/// What tells a task from others: why it failed, its numbers, its title, its command or its tags.
fn what(task: &Task) -> Cell {
    // Of one that is tried again the last failure says nothing of now.
    if let Some(error) = task.error.as_ref().filter(|_| task.status != TaskStatus::Executing) {
        return Cell::of(Role::Bad, error);
    }
    let numbers = match (task.array, task.array_index) {
        (Some(array), _) => format!("[{}-{}] ", array.first, array.last),
        (None, Some(index)) => format!("[{index}] "),
        (None, None) => String::new(),
    };
    let command = super::task_lines::command_line(task);
    let title = task.metadata.other.get("title").and_then(serde_json::Value::as_str).unwrap_or_default();
    let tags = task.metadata.tags.join(" ");
    let words = [title, &command, &tags].into_iter().find(|words| !words.is_empty()).unwrap_or_default();
    Cell::of(Role::Dim, format!("{numbers}{words}"))
}

/// The list.
pub struct Tasks {
    list: List<Task>,
}

impl Tasks {
    /// All tasks, the newest first.
    pub fn new() -> Self {
        Self { list: List::new(Query::new()) }
    }
}

impl Screen for Tasks {
    fn title(&self) -> String {
        format!("tasks {}", self.list.summary())
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic::Tasks]
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Tasks, Scope::List]
    }

    fn attend(&mut self, now: Instant, _: Timestamp, _: &Options) {
        self.list.attend(now);
    }

    fn refresh(&mut self, out: &mut Out) {
        self.list.refresh(out);
    }

    fn answer(&mut self, ticket: Ticket, answer: &Result<Answer, String>, out: &mut Out) -> bool {
        if !self.list.answer(ticket, answer, out) {
            return false;
        }
        if let Ok(Answer::Tasks(page)) = answer {
            out.name(page.rows.iter().filter_map(|task| task.assigned_agent_id.or(task.agent_id)));
        }
        true
    }

    fn brought(&mut self, reply: &Reply, _: bool) {
        if let Reply::Submitted { ids, .. } = reply
            && let Some(first) = ids.first()
        {
            self.list.seek(first.to_string());
        }
    }

    fn layout(&mut self, area: Rect, out: &mut Out) {
        self.list.layout(area.height.saturating_sub(1), out);
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, look: &Look<'_>) {
        self.list.draw(frame, area, look, true);
    }

    fn selection(&self) -> Option<Selection> {
        let (items, marked) = self.list.selected();
        Some(Selection { noun: Noun::Task, items, marked })
    }

    fn target(&self) -> Option<Place> {
        self.list.current().map(|task| Place::Task(task.id.to_string()))
    }

    fn list(&mut self) -> Option<&mut dyn Listing> {
        Some(&mut self.list)
    }

    fn obstacle(&self, action: &str) -> Option<String> {
        self.list.obstacle(action)
    }

    fn next_change(&self) -> Option<Instant> {
        self.list.armed_at()
    }

    fn ticks(&self) -> bool {
        self.list.visible().any(|task| task.status == TaskStatus::Executing)
    }
}
