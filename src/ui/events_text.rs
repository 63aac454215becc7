//! The journal's records for people: one sentence each, a mark, and what they are about.

use std::collections::BTreeMap;

use super::look::Mark;
use super::place::Place;
use super::text;
use crate::api::types::JournalRow;
use crate::domain::alert::Resolution;
use crate::domain::event::Event;
use crate::domain::{
    Actor, AgentId, Alert, ArtifactId, Matcher, OutcomeKind, ReviewState, Severity, TaskId, TaskStatus, Timestamp,
};

/// The most columns of a title within a sentence.
const TITLE_COLUMNS: usize = 30;

/// Names of agents, users and machines and titles of artifacts by id, as far as they are known.
pub type Names = BTreeMap<String, String>;

/// The event of a record; `None` when this version does not know its kind.
pub fn event(row: &JournalRow) -> Option<Event> {
    Event::read(&row.kind, row.version, &serde_json::to_vec(&row.body).ok()?).ok()
}

/// The end of an id: ids of the same time begin alike.
fn short(id: impl std::fmt::Display) -> String {
    text::short_id(&id.to_string())
}

fn name(id: &str, names: &Names) -> String {
    names.get(id).cloned().unwrap_or_else(|| short(id))
}

fn agent(id: AgentId, names: &Names) -> String {
    format!("agent {}", name(&id.to_string(), names))
}

fn task(id: TaskId) -> String {
    format!("task {}", short(id))
}

/// An artifact by its title, where that is known, before the end of its id.
fn artifact(id: ArtifactId, names: &Names) -> String {
    let id = id.to_string();
    let title = names.get(&id).map(|title| format!("{} ", text::fit(&text::clean(title), TITLE_COLUMNS)));
    format!("artifact {}{}", title.unwrap_or_default(), short(id))
}

/// Who caused a record: `engine`, or a name.
pub fn actor(actor: &str, names: &Names) -> String {
    match actor.parse() {
        Ok(Actor::Engine) => "engine".to_owned(),
        Ok(Actor::User(id)) => name(&id.to_string(), names),
        Ok(Actor::Node(id)) => format!("node {}", name(&id.to_string(), names)),
        Err(_) => actor.to_owned(),
    }
}

/// ` because …`, if there is a reason.
fn because(note: Option<&str>) -> String {
    note.filter(|note| !note.is_empty()).map(|note| format!(": {note}")).unwrap_or_default()
}

/// A moment, to the second.
fn moment(time: Timestamp) -> String {
    let written = time.to_string();
    format!("{} {}", &written[..10], &written[11..19])
}

fn put_off(what: &str, until: Option<Timestamp>) -> String {
    match until {
        Some(until) => format!("{what} was put off until {}", moment(until)),
        None => format!("{what} is put off no longer"),
    }
}

/// The agents whose names a sentence needs.
pub fn agents_named(event: &Event) -> Option<AgentId> {
    match event {
        Event::AgentRemoved(event) => Some(event.agent_id),
        Event::AgentMoved(event) => Some(event.agent_id),
        Event::AgentDrained(event) => Some(event.agent_id),
        Event::AgentResumed(event) => Some(event.agent_id),
        Event::BreakerOpened(event) => Some(event.agent_id),
        Event::BreakerClosed(event) => Some(event.agent_id),
        Event::TaskSubmitted(event) => event.task.agent_id,
        Event::TaskReassigned(event) => event.agent_id,
        Event::ExecutionScheduled(event) => Some(event.agent_id),
        Event::ExecutionEnded(event) => Some(event.agent_id),
        Event::ArtifactAdded(event) => Some(event.artifact.agent_id),
        Event::TaskRated(event) => Some(event.agent_id),
        _ => None,
    }
}

/// What happened, in one sentence. It may hold what agents and people wrote; whoever draws it cleans it.
pub fn sentence(event: &Event, names: &Names) -> String {
    let agent = |id| agent(id, names);
    match event {
        Event::JournalOpened(event) => format!("the journal was opened by version {}", event.version),
        Event::EngineStarted(event) => format!("engine {} started as process {}", event.version, event.pid),
        Event::UserAdded(event) => format!("{} acted for the first time", event.user.name),
        Event::DefaultsSet(_) => "the fleet's defaults were set".to_owned(),
        Event::NodeSeen(event) => {
            let kinds = event.resources.len();
            format!("node {} is {}; it has {kinds} kinds of resources", event.node.name, event.node.status)
        }
        Event::NodeLost(event) => format!("node {} cannot be reached", name(&event.node_id.to_string(), names)),
        Event::CageDeclared(event) => format!("cage {} was declared", event.spec.id),
        Event::CageRemoved(event) => format!("cage {} was given up", event.cage_id),
        Event::CageMaintenance(event) if event.on => format!("cage {} was withheld for maintenance", event.cage_id),
        Event::CageMaintenance(event) => format!("cage {} was given back from maintenance", event.cage_id),
        Event::CageEnforced(event) => {
            format!("cage {} was set up; {} limits are accounted for", event.cage_id, event.enforcement.0.len())
        }
        Event::CageFaulted(event) => format!("cage {} cannot be set up: {}", event.cage_id, event.fault.reason),
        Event::CageReleased(event) => format!("cage {} is tried again after its pause", event.cage_id),
        Event::AgentDeclared(event) => {
            let home = event.spec.cage.map(|cage| format!(" with cage {cage} as its home")).unwrap_or_default();
            format!("agent {} was declared{home}", event.spec.name)
        }
        Event::AgentRemoved(event) => format!("{} was removed", agent(event.agent_id)),
        Event::AgentMoved(event) => match event.cage_id {
            Some(cage) => format!("{} got cage {cage} as its home", agent(event.agent_id)),
            None => format!("{} has no home any more", agent(event.agent_id)),
        },
        Event::AgentDrained(event) => format!("{} was drained: it takes nothing new", agent(event.agent_id)),
        Event::AgentResumed(event) => format!("{} may work again", agent(event.agent_id)),
        Event::BreakerOpened(event) => format!(
            "{} failed {} times in a row and is paused until {}",
            agent(event.agent_id),
            event.failures,
            moment(event.until)
        ),
        Event::BreakerClosed(event) => format!("{} gets a task to try after its pause", agent(event.agent_id)),
        Event::TaskSubmitted(event) => submitted(&event.task, names),
        Event::TaskMaterialised(event) => {
            format!("element {} of array {} became a task of its own", event.index, short(event.array_id))
        }
        Event::ArrayEnded(event) => format!("array {} ended as {}", short(event.task_id), event.status),
        Event::TaskCancelled(event) => {
            format!("{} was cancelled{}", task(event.task_id), because(event.note.as_deref()))
        }
        Event::TaskFailed(event) => format!("{} was given up{}", task(event.task_id), because(Some(&event.error))),
        Event::TaskRetried(event) => format!("{} got another life", task(event.task_id)),
        Event::TaskReassigned(event) => {
            let whom = event.agent_id.map_or("whom the scheduler chooses".to_owned(), agent);
            let place = event.cage_id.map(|cage| format!(" in cage {cage}")).unwrap_or_default();
            format!("{} was given to {whom}{place}", task(event.task_id))
        }
        Event::TaskPrioritised(event) => format!("{} got priority {}", task(event.task_id), event.priority),
        Event::ExecutionScheduled(event) => format!(
            "{} goes to {} in cage {}, attempt {}",
            task(event.task_id),
            agent(event.agent_id),
            event.cage_id,
            event.attempt
        ),
        Event::ExecutionStarted(event) => format!("{} runs", task(event.task_id)),
        Event::ExecutionStopping(event) => {
            format!(
                "{} is being stopped, to end as {}{}",
                task(event.task_id),
                event.reason,
                because(event.note.as_deref())
            )
        }
        Event::ExecutionEnded(event) => {
            let took = event.started_at.map(|start| event.ended_at.as_micros() - start.as_micros());
            let took = took.map(|took| format!(" after {}", text::duration(took))).unwrap_or_default();
            let next = match event.task_status {
                TaskStatus::Pending => "; it is queued again",
                TaskStatus::Failed => "; the task failed for good",
                _ => "",
            };
            let (kind, why) = (event.outcome.kind, because(Some(&event.outcome.message)));
            format!("{} by {}: {kind}{took}{next}{why}", task(event.task_id), agent(event.agent_id))
        }
        Event::ArtifactAdded(event) => {
            let (kind, title) = (event.artifact.kind, &event.artifact.title);
            format!("{} made {kind} \"{title}\" for {}", agent(event.artifact.agent_id), task(event.artifact.task_id))
        }
        Event::ArtifactReviewed(event) => {
            // The verdict goes first, because what stands behind a title is cut where there is little room.
            let what = match event.state {
                ReviewState::Approved => "approved",
                ReviewState::Rejected => "rejected",
                ReviewState::Pending => "waits again",
            };
            let (work, why) = (task(event.task_id), because(event.note.as_deref()));
            let quality =
                event.quality.map(|quality| format!(", quality {}", text::percent(quality))).unwrap_or_default();
            format!("{what}: {} of {work}{quality}{why}", artifact(event.artifact_id, names))
        }
        Event::ArtifactMerged(event) => {
            let work = task(event.task_id);
            format!("{} of {work} is {}", artifact(event.artifact_id, names), event.merge.phrase())
        }
        Event::TaskRated(event) => match event.rating {
            Some(stars) => {
                let (work, why) = (task(event.task_id), because(event.note.as_deref()));
                format!("{work} by {} was rated {stars} of 5{why}", agent(event.agent_id))
            }
            None => format!("the rating of {} was taken back", task(event.task_id)),
        },
        Event::ArtifactSnoozed(event) => put_off(&artifact(event.artifact_id, names), event.until),
        Event::ModelVersioned(event) => {
            let one = &event.version;
            let how = match (one.rolled_back_to, one.promoted) {
                (Some(to), _) => format!("goes back to version {to}"),
                (None, true) => format!("decides by {} from now on", one.in_force),
                (None, false) => format!("goes on deciding by {}", one.in_force),
            };
            format!("model {} has version {}, of {} outcomes: it {how}", one.model, one.version, one.lessons)
        }
        Event::TaskSnoozed(event) => put_off(&format!("failed {}", task(event.task_id)), event.until),
        Event::AlertRaised(event) => alert(&event.alert, "came up"),
        Event::AlertRepeated(event) => {
            let how = if event.left { "is shared by fewer" } else { "came up again" };
            format!("alert {} {how}: {}: {}", short(event.alert_id), event.severity, shortened(&event.message))
        }
        Event::AlertAcknowledged(event) => {
            format!("alert {} was acknowledged{}", short(event.alert_id), because(event.note.as_deref()))
        }
        Event::AlertUnacknowledged(event) => format!("alert {} is nobody's any more", short(event.alert_id)),
        Event::AlertSilenced(event) => match event.until {
            Some(until) => format!("alert {} was silenced until {}", short(event.alert_id), moment(until)),
            None => format!("alert {} is shown again", short(event.alert_id)),
        },
        Event::AlertResolved(event) => resolved(&short(event.alert_id), &event.resolution),
        Event::AlertReopened(event) => alert(&event.alert, "is not over after all"),
        Event::AlertGrouped(event) => match event.severity {
            Some(severity) => format!("{}: {severity} of rule {}", event.subject, event.rule),
            None => format!("{}: rule {} is content again", event.subject, event.rule),
        },
        Event::AlertRuleDeclared(event) => {
            let state = if event.rule.enabled { "declared" } else { "disabled" };
            format!("alert rule {} was {state}", event.rule.name)
        }
        Event::AlertRuleRemoved(event) => format!("alert rule {} was removed", event.name),
        Event::ApprovalRuleDeclared(event) => {
            format!("approval rule {} was declared: {}", event.rule.name, event.rule.sentence())
        }
        Event::ApprovalRuleRemoved(event) => format!("approval rule {} was removed", event.name),
        Event::SilenceAdded(event) => {
            let Matcher { rule, source } = &event.silence.matcher;
            let (rule, source) = (rule.as_deref().unwrap_or("*"), source.as_deref().unwrap_or("*"));
            format!("alerts of {rule} about {source} are silenced until {}", moment(event.silence.until))
        }
        Event::SilenceRemoved(event) => format!("silence {} ended", short(event.silence_id)),
        Event::SystemEventRaised(event) => {
            let event = &event.event;
            format!("{} from {}: {}", event.severity, event.source, shortened(&event.message))
        }
    }
}

fn submitted(task: &crate::domain::Task, names: &Names) -> String {
    let what = match task.array {
        Some(array) => format!("array {} of {} times", short(task.id), text::count(array.len().into())),
        None => format!("task {}:", short(task.id)),
    };
    let whom = task.agent_id.map(|id| format!(" for {}", agent(id, names))).unwrap_or_default();
    let after = match task.depends_on.len() {
        0 => String::new(),
        1 => ", after another one".to_owned(),
        number => format!(", after {number} others"),
    };
    format!("{what} {} with priority {}{whom}{after}", task.kind, task.priority)
}

fn alert(alert: &Alert, what: &str) -> String {
    format!("{} alert about {} {what}: {}", alert.severity, alert.source, shortened(&alert.message))
}

fn resolved(id: &str, resolution: &Resolution) -> String {
    let how = match (&resolution.by, &resolution.action) {
        (None, None) => " by itself".to_owned(),
        (_, action) => because(action.as_deref()),
    };
    format!("alert {id} is over{how}{}", because(resolution.notes.as_deref()))
}

/// How a record is marked, so that what went wrong is found in a long list.
pub fn mark(event: &Event) -> Mark {
    match event {
        Event::TaskFailed(_) | Event::NodeLost(_) | Event::BreakerOpened(_) | Event::CageFaulted(_) => Mark::Failed,
        Event::ExecutionEnded(event) => match event.outcome.kind {
            OutcomeKind::Succeeded => Mark::Done,
            OutcomeKind::Cancelled | OutcomeKind::Preempted => Mark::Stopped,
            _ => Mark::Failed,
        },
        Event::ArrayEnded(event) => match event.status {
            TaskStatus::Completed => Mark::Done,
            _ => Mark::Failed,
        },
        Event::SystemEventRaised(event) => severity(event.event.severity),
        Event::AlertRaised(event) => severity(event.alert.severity),
        Event::AlertReopened(event) => severity(event.alert.severity),
        Event::AlertRepeated(event) => severity(event.severity),
        Event::AlertResolved(_) => Mark::Done,
        Event::ExecutionStarted(_) => Mark::Running,
        Event::ExecutionScheduled(_) => Mark::Starting,
        Event::TaskSubmitted(_) | Event::TaskRetried(_) | Event::TaskMaterialised(_) => Mark::Queued,
        Event::ArtifactAdded(_) => Mark::Human,
        Event::ArtifactReviewed(event) if event.state == ReviewState::Approved => Mark::Done,
        Event::ArtifactReviewed(_)
        | Event::TaskCancelled(_)
        | Event::ExecutionStopping(_)
        | Event::AgentDrained(_)
        | Event::AgentRemoved(_)
        | Event::CageRemoved(_)
        | Event::CageMaintenance(_) => Mark::Stopped,
        _ => Mark::Idle,
    }
}

/// How a severity is marked.
pub fn severity(severity: Severity) -> Mark {
    match severity {
        Severity::Info => Mark::Idle,
        Severity::Warning => Mark::Warning,
        Severity::Error | Severity::Critical => Mark::Failed,
    }
}

/// The artifact whose title a sentence needs.
pub fn artifact_named(event: &Event) -> Option<ArtifactId> {
    match event {
        Event::ArtifactReviewed(event) => Some(event.artifact_id),
        Event::ArtifactMerged(event) => Some(event.artifact_id),
        Event::ArtifactSnoozed(event) => Some(event.artifact_id),
        _ => None,
    }
}

/// What a record is about, if there is a screen for it.
pub fn target(event: &Event, names: &Names) -> Option<Place> {
    let one = |id: AgentId| Some(Place::Agent(id.to_string(), name(&id.to_string(), names)));
    let work = |id: TaskId| Some(Place::Task(id.to_string()));
    let result = |id: ArtifactId| Some(Place::Artifact(id.to_string(), name(&id.to_string(), names)));
    match event {
        Event::CageDeclared(event) => Some(Place::Cage(event.spec.id.to_string())),
        Event::CageRemoved(event) => Some(Place::Cage(event.cage_id.to_string())),
        Event::CageMaintenance(event) => Some(Place::Cage(event.cage_id.to_string())),
        Event::CageEnforced(event) => Some(Place::Cage(event.cage_id.to_string())),
        Event::CageFaulted(event) => Some(Place::Cage(event.cage_id.to_string())),
        Event::CageReleased(event) => Some(Place::Cage(event.cage_id.to_string())),
        Event::AgentDeclared(event) => Some(Place::Agent(event.agent_id.to_string(), event.spec.name.clone())),
        Event::AgentRemoved(event) => one(event.agent_id),
        Event::AgentMoved(event) => one(event.agent_id),
        Event::AgentDrained(event) => one(event.agent_id),
        Event::AgentResumed(event) => one(event.agent_id),
        Event::BreakerOpened(event) => one(event.agent_id),
        Event::BreakerClosed(event) => one(event.agent_id),
        Event::TaskSubmitted(event) => work(event.task.id),
        Event::TaskMaterialised(event) => work(event.task_id),
        Event::ArrayEnded(event) => work(event.task_id),
        Event::TaskCancelled(event) => work(event.task_id),
        Event::TaskFailed(event) => work(event.task_id),
        Event::TaskRetried(event) => work(event.task_id),
        Event::TaskReassigned(event) => work(event.task_id),
        Event::TaskPrioritised(event) => work(event.task_id),
        Event::TaskSnoozed(event) => work(event.task_id),
        Event::TaskRated(event) => work(event.task_id),
        Event::ExecutionScheduled(event) => work(event.task_id),
        Event::ExecutionStarted(event) => work(event.task_id),
        Event::ExecutionStopping(event) => work(event.task_id),
        Event::ExecutionEnded(event) => work(event.task_id),
        Event::ArtifactAdded(event) => {
            Some(Place::Artifact(event.artifact.id.to_string(), event.artifact.title.clone()))
        }
        Event::ArtifactReviewed(event) => result(event.artifact_id),
        Event::ArtifactMerged(event) => result(event.artifact_id),
        Event::ArtifactSnoozed(event) => result(event.artifact_id),
        Event::AlertRaised(_)
        | Event::AlertRepeated(_)
        | Event::AlertAcknowledged(_)
        | Event::AlertUnacknowledged(_)
        | Event::AlertSilenced(_)
        | Event::AlertResolved(_)
        | Event::AlertReopened(_)
        | Event::AlertGrouped(_)
        | Event::AlertRuleDeclared(_)
        | Event::AlertRuleRemoved(_)
        | Event::SilenceAdded(_)
        | Event::SilenceRemoved(_) => Some(Place::Alerts),
        Event::ApprovalRuleDeclared(_) | Event::ApprovalRuleRemoved(_) => Some(Place::Inbox),
        Event::SystemEventRaised(event) => about(&event.event.source, &event.event.message),
        Event::JournalOpened(_)
        | Event::EngineStarted(_)
        | Event::ModelVersioned(_)
        | Event::UserAdded(_)
        | Event::DefaultsSet(_)
        | Event::NodeSeen(_)
        | Event::NodeLost(_) => None,
    }
}

/// Text in which whole ids are shortened to their ends: they are long, and ids of the same time begin alike.
pub fn shortened(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, id, after)) = first_id(rest) {
        out.push_str(before);
        out.push_str(&short(id));
        rest = after;
    }
    out + rest
}

/// What an alert says, beside what it is about: without that at its beginning, and without whole ids.
pub fn said_of(source: &str, message: &str) -> String {
    let rest = message.strip_prefix(source).filter(|_| !source.is_empty());
    // A longer name that only begins alike is another's.
    let rest = rest.filter(|rest| rest.starts_with([' ', ':', ',']));
    let said = rest.map(|rest| rest.trim_start_matches([':', ',']).trim_start()).filter(|rest| !rest.is_empty());
    shortened(said.unwrap_or(message))
}

/// What stands before the first whole id, the id, and what stands behind.
pub fn first_id(text: &str) -> Option<(&str, &str, &str)> {
    const LENGTH: usize = 36;
    let at = (0..text.len().saturating_sub(LENGTH - 1)).find(|at| {
        let id = text.as_bytes().get(*at..*at + LENGTH).unwrap_or_default();
        let fits = |(place, byte): (usize, &u8)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        };
        id.iter().enumerate().all(fits)
    })?;
    Some((&text[..at], &text[at..at + LENGTH], &text[at + LENGTH..]))
}

/// The screen of what an alert or system event is about: its source, or else the task that its message names.
pub fn about(source: &str, message: &str) -> Option<Place> {
    let task = || {
        let (before, id, _) = first_id(message)?;
        before.trim_end().ends_with("task").then(|| Place::Task(id.to_owned()))
    };
    source_place(source).or_else(task)
}

/// The screen of a source as alerts and system events name it: `cage 003`, `agent tester`, `task ID`.
fn source_place(source: &str) -> Option<Place> {
    let (noun, name) = source.split_once(' ')?;
    match noun {
        "cage" => name.parse::<crate::domain::CageId>().ok().map(|id| Place::Cage(id.to_string())),
        // Agents are known to the engine by name as well as by id.
        "agent" if !name.is_empty() => Some(Place::Agent(name.to_owned(), name.to_owned())),
        "task" => name.parse::<TaskId>().ok().map(|id| Place::Task(id.to_string())),
        _ => None,
    }
}
