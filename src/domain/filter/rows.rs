//! What each entity gives for the fields of its table.

use super::tables::Reach;
use super::{Cell, Row};
use crate::domain::agent::{Agent, Division, Participant, Tier};
use crate::domain::alert::Alert;
use crate::domain::artifact::Artifact;
use crate::domain::cage::Cage;
use crate::domain::event::Actor;
use crate::domain::execution::Execution;
use crate::domain::node::Node;
use crate::domain::performance::AgentPerformance;
use crate::domain::quantity::{Bytes, Cpu, Span};
use crate::domain::system_event::SystemEvent;
use crate::domain::task::Task;
use crate::domain::time::Timestamp;
use crate::domain::verify::Verification;

/// What takes a row's values.
type Visit<'a> = &'a mut dyn FnMut(Cell<'_>);

/// A count as a number; what is beyond the range of numbers is the largest.
fn number<'a>(count: u64) -> Cell<'a> {
    Cell::Number(i64::try_from(count).unwrap_or(i64::MAX))
}

fn time<'a>(time: Timestamp) -> Cell<'a> {
    Cell::Number(time.as_micros())
}

fn size<'a>(size: Bytes) -> Cell<'a> {
    number(size.get())
}

fn cores<'a>(cores: Cpu) -> Cell<'a> {
    number(cores.as_millis())
}

fn span<'a>(span: Span) -> Cell<'a> {
    Cell::Number(span.as_micros())
}

/// Hands on a value, if there is one.
fn give<'a>(cell: Option<Cell<'a>>, visit: &mut dyn FnMut(Cell<'_>)) {
    if let Some(cell) = cell {
        visit(cell);
    }
}

/// Hands on a text, if there is one.
fn text(text: Option<&str>, visit: Visit<'_>) {
    give(text.map(Cell::Text), visit);
}

fn all<'a>(texts: impl IntoIterator<Item = &'a String>, visit: Visit<'_>) {
    texts.into_iter().for_each(|text| visit(Cell::Text(text)));
}

impl Row for Task {
    fn cells(&self, field: &str, now: Timestamp, visit: Visit<'_>) {
        match field {
            "status" => visit(Cell::Text(self.status.as_str())),
            "type" => visit(Cell::Text(&self.kind)),
            "priority" => visit(Cell::Number(self.priority.into())),
            "agent" => give(self.assigned_agent_id.or(self.agent_id).map(|id| Cell::Id(id.0)), visit),
            "cage" => {
                give(self.assigned_cage_id.or(self.cage_id).map(|cage| Cell::Number(cage.number().into())), visit);
            }
            "owner" => visit(Cell::Id(self.created_by.0)),
            "tag" => all(&self.metadata.tags, visit),
            "source" => text(self.metadata.source.as_deref(), visit),
            "command" => text(command(self).as_deref(), visit),
            "error" => text(self.error.as_deref(), visit),
            "verification" => text(self.verification.map(Verification::as_str), visit),
            "id" => visit(Cell::Id(self.id.0)),
            "array" => give(self.array_index.map(|_| Cell::Id(self.id.as_array().0)), visit),
            "depends_on" => self.depends_on.iter().for_each(|id| visit(Cell::Id(id.0))),
            "attempts" => visit(Cell::Number(self.attempts.into())),
            "wait" => {
                let until = self.started_at.or(self.completed_at).unwrap_or(now);
                visit(span(until.since(self.created_at)));
            }
            "duration" => {
                let until = self.completed_at.unwrap_or(now);
                give(self.attempt_started_at.map(|started| span(until.since(started))), visit);
            }
            "deadline" => give(self.deadline.map(time), visit),
            "cpu" => visit(cores(self.requirements.cpu)),
            "memory" => visit(size(self.requirements.memory)),
            "gpu" => visit(Cell::Number(self.requirements.gpu.into())),
            "storage" => visit(size(self.requirements.storage)),
            "tokens" => visit(number(self.requirements.tokens)),
            "capability" => all(&self.requirements.capabilities, visit),
            "gate" => visit(Cell::Flag(self.approval_gate)),
            "preemptible" => visit(Cell::Flag(self.preemptible)),
            "age" | "created_at" | "since" | "until" => visit(time(self.created_at)),
            "started_at" => give(self.started_at.map(time), visit),
            "completed_at" => give(self.completed_at.map(time), visit),
            "updated_at" => visit(time(self.updated_at)),
            _ => {}
        }
    }
}

/// The words of a task's own command with blanks between them.
fn command(task: &Task) -> Option<String> {
    let words = task.parameters.configuration.get("command")?.as_array()?;
    let words: Vec<&str> = words.iter().filter_map(serde_json::Value::as_str).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

impl Row for Execution {
    fn cells(&self, field: &str, now: Timestamp, visit: Visit<'_>) {
        let outcome = self.outcome.as_ref();
        match field {
            "status" => visit(Cell::Text(self.status.as_str())),
            "outcome" => text(outcome.map(|outcome| outcome.kind.as_str()), visit),
            "verification" => text(outcome.map(|outcome| outcome.verification.as_str()), visit),
            "task" => visit(Cell::Id(self.task_id.0)),
            "agent" => visit(Cell::Id(self.agent_id.0)),
            "cage" => visit(Cell::Number(self.cage_id.number().into())),
            "node" => visit(Cell::Id(self.node_id.0)),
            "message" => {
                text(outcome.map(|outcome| outcome.message.as_str()).filter(|message| !message.is_empty()), visit);
            }
            "limit" => text(outcome.and_then(|outcome| outcome.limit.as_deref()), visit),
            "attempt" => visit(Cell::Number(self.attempt.into())),
            "exit_code" => {
                give(outcome.and_then(|outcome| outcome.exit_code).map(|code| Cell::Number(code.into())), visit);
            }
            "tokens" => give(self.tokens_used.map(number), visit),
            "cost" => give(self.cost.map(Cell::Real), visit),
            "memory" => give(outcome.and_then(|outcome| outcome.usage.memory_peak).map(number), visit),
            "id" => visit(Cell::Id(self.id.0)),
            "duration" => {
                let until = self.completed_at.unwrap_or(now);
                give(self.started_at.map(|started| span(until.since(started))), visit);
            }
            "age" | "created_at" | "since" | "until" => visit(time(self.created_at)),
            "started_at" => give(self.started_at.map(time), visit),
            "completed_at" => give(self.completed_at.map(time), visit),
            _ => {}
        }
    }
}

impl Row for Agent {
    fn cells(&self, field: &str, _: Timestamp, visit: Visit<'_>) {
        let counters = &self.counters;
        match field {
            "name" => visit(Cell::Text(&self.spec.name)),
            "status" => visit(Cell::Text(self.status.as_str())),
            "cage" => give(self.cage_id.map(|cage| Cell::Number(cage.number().into())), visit),
            "kind" => visit(Cell::Text(self.spec.kind.as_str())),
            "division" => text(self.spec.division.map(Division::as_str), visit),
            "participant" => text(self.spec.participant.map(Participant::as_str), visit),
            "tier" => text(self.spec.tier.map(Tier::as_str), visit),
            "role" => text(self.spec.role.as_deref(), visit),
            "reports_to" => text(self.spec.reports_to.as_deref(), visit),
            "capability" => all(self.spec.capabilities.iter().map(|capability| &capability.kind), visit),
            "display_name" => text(self.spec.display_name.as_deref(), visit),
            "specialization" => all(&self.spec.specializations, visit),
            "tool" => all(&self.spec.tools_available, visit),
            "keyword" => all(&self.spec.keywords, visit),
            "owner" => visit(Cell::Id(self.owner.0)),
            "task" => give(self.current_task_id.map(|id| Cell::Id(id.0)), visit),
            "running" => visit(Cell::Number(self.running.into())),
            "concurrency" => visit(Cell::Number(self.spec.concurrency.into())),
            "executions" => visit(number(counters.total_executions)),
            "success" if counters.total_executions > 0 => {
                visit(Cell::Real(counters.success_count as f64 / counters.total_executions as f64));
            }
            "failures" => visit(Cell::Number(self.consecutive_failures.into())),
            "drained" => visit(Cell::Flag(self.drained)),
            "heartbeat" => give(self.last_heartbeat.map(time), visit),
            "id" => visit(Cell::Id(self.id.0)),
            "age" | "created_at" | "since" | "until" => visit(time(self.created_at)),
            "updated_at" => visit(time(self.updated_at)),
            _ => {}
        }
    }
}

impl Row for AgentPerformance {
    fn cells(&self, field: &str, _: Timestamp, visit: Visit<'_>) {
        match field {
            "agent" => visit(Cell::Id(self.agent_id.0)),
            "date" | "since" | "until" => visit(time(self.date.begins())),
            "executions" => visit(number(self.execution_count)),
            "successes" => visit(number(self.success_count)),
            #[allow(clippy::cast_precision_loss)] // Counts far below 2^53.
            "success" => visit(Cell::Real(self.success_count as f64 / self.execution_count as f64)),
            "duration" => give(self.avg_duration_ms.map(|millis| number(millis.saturating_mul(1000))), visit),
            "tokens" => give(self.total_tokens_used.map(number), visit),
            _ => {}
        }
    }
}

impl Row for Cage {
    fn cells(&self, field: &str, _: Timestamp, visit: Visit<'_>) {
        let limits = &self.resource_limits;
        match field {
            "cage" => visit(Cell::Number(self.id.number().into())),
            "status" => visit(Cell::Text(self.status.as_str())),
            "agent" => give(self.agent_id.map(|id| Cell::Id(id.0)), visit),
            "node" => visit(Cell::Id(self.node_id.0)),
            "cpu" => give(limits.cpu.map(cores), visit),
            "memory" => give(limits.memory.map(size), visit),
            "pids" => give(limits.pids.map(|pids| Cell::Number(pids.into())), visit),
            "gpu" => give(limits.gpu.map(|gpu| Cell::Number(gpu.into())), visit),
            "tokens" => text(limits.tokens.map(|limit| limit.to_string()).as_deref(), visit),
            "disk" => give(limits.disk.map(size), visit),
            "wall" => give(limits.wall.map(span), visit),
            "network" => {
                let reach = match &self.network {
                    network if network.is_none() => Reach::None,
                    network if network.is_all() => Reach::All,
                    _ => Reach::Ports,
                };
                visit(Cell::Text(reach.as_str()));
            }
            "age" | "created_at" | "since" | "until" => visit(time(self.created_at)),
            "updated_at" => visit(time(self.updated_at)),
            _ => {}
        }
    }
}

impl Row for Node {
    fn cells(&self, field: &str, _: Timestamp, visit: Visit<'_>) {
        match field {
            "name" => visit(Cell::Text(&self.name)),
            "status" => visit(Cell::Text(self.status.as_str())),
            "cpu" => visit(number(self.capacity.cpu_millis)),
            "memory" => visit(number(self.capacity.memory)),
            "gpu" => visit(number(self.capacity.gpu)),
            "gpu_memory" => visit(number(self.capacity.gpu_memory)),
            "storage" => visit(number(self.capacity.storage)),
            "id" => visit(Cell::Id(self.id.0)),
            "age" | "created_at" | "since" | "until" => visit(time(self.created_at)),
            "updated_at" => visit(time(self.updated_at)),
            _ => {}
        }
    }
}

impl Row for Artifact {
    fn cells(&self, field: &str, _: Timestamp, visit: Visit<'_>) {
        match field {
            "status" => visit(Cell::Text(self.review.state.as_str())),
            "type" => visit(Cell::Text(self.kind.as_str())),
            "title" => visit(Cell::Text(&self.title)),
            "agent" => visit(Cell::Id(self.agent_id.0)),
            "task" => visit(Cell::Id(self.task_id.0)),
            "execution" => visit(Cell::Id(self.execution_id.0)),
            "content" => text(self.content.as_deref(), visit),
            "note" => text(self.review.note.as_deref(), visit),
            "judge" => give(self.review.by.map(|id| Cell::Id(id.0)), visit),
            "size" => visit(number(self.size)),
            "quality" => give(self.quality_score.map(Cell::Real), visit),
            "approved" => visit(Cell::Flag(self.human_approved)),
            "judged_at" => give(self.review.at.map(time), visit),
            "id" => visit(Cell::Id(self.id.0)),
            "age" | "created_at" | "since" | "until" => visit(time(self.created_at)),
            _ => {}
        }
    }
}

impl Row for Alert {
    fn cells(&self, field: &str, now: Timestamp, visit: Visit<'_>) {
        match field {
            "type" => visit(Cell::Text(self.severity.as_str())),
            "status" => visit(Cell::Text(self.status.as_str())),
            "source" => visit(Cell::Text(&self.source)),
            "message" => visit(Cell::Text(&self.message)),
            "trigger" => visit(Cell::Text(&self.context.trigger)),
            "value" => give(self.context.value.map(Cell::Real), visit),
            "threshold" => give(self.context.threshold.map(Cell::Real), visit),
            "count" => visit(number(self.count)),
            "silenced" => visit(Cell::Flag(self.silenced_until.is_some_and(|until| until > now))),
            "by" => give(self.acknowledged_by.map(|id| Cell::Id(id.0)), visit),
            "age" | "time" | "since" | "until" => visit(time(self.time)),
            "last_seen" => visit(time(self.last_seen)),
            "id" => visit(Cell::Id(self.id.0)),
            _ => {}
        }
    }
}

impl Row for SystemEvent {
    fn cells(&self, field: &str, _: Timestamp, visit: Visit<'_>) {
        match field {
            "type" => visit(Cell::Text(self.severity.as_str())),
            "source" => visit(Cell::Text(&self.source)),
            "message" => visit(Cell::Text(&self.message)),
            "age" | "time" | "since" | "until" => visit(time(self.time)),
            "id" => visit(Cell::Id(self.id.0)),
            _ => {}
        }
    }
}

/// A record of the journal as it is shown: its body is JSON text that nobody has taken apart.
#[derive(Clone, Copy, Debug)]
pub struct JournalRecord<'a> {
    /// Its number.
    pub seq: u64,
    /// When it was decided.
    pub time: Timestamp,
    /// `engine`, `user:ID` or `node:ID`.
    pub actor: &'a str,
    /// What happened.
    pub kind: &'a str,
    /// The body.
    pub body: &'a str,
}

impl Row for JournalRecord<'_> {
    fn cells(&self, field: &str, _: Timestamp, visit: Visit<'_>) {
        match field {
            "kind" => visit(Cell::Text(self.kind)),
            "actor" => match self.actor.parse() {
                // What sort of actor it is is shown too, and so looked for.
                Ok(Actor::User(id)) => {
                    visit(Cell::Text("user"));
                    visit(Cell::Id(id.0));
                }
                Ok(Actor::Node(id)) => {
                    visit(Cell::Text("node"));
                    visit(Cell::Id(id.0));
                }
                _ => visit(Cell::Text(self.actor)),
            },
            "object" => strings(self.body, |string| {
                if let Some(id) = (string.len() == 36).then(|| uuid::Uuid::try_parse(string).ok()).flatten() {
                    visit(Cell::Id(id));
                }
                visit(Cell::Text(string));
            }),
            "seq" => visit(number(self.seq)),
            "age" | "time" | "since" | "until" => visit(time(self.time)),
            _ => {}
        }
    }
}

/// Hands on every string of a JSON text that is not a key, as it is written there.
fn strings(json: &str, mut each: impl FnMut(&str)) {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(begin) = bytes[at..].iter().position(|byte| *byte == b'"').map(|place| at + place + 1) {
        let mut end = begin;
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        at = (end + 1).min(bytes.len());
        if bytes.get(at) != Some(&b':')
            && let Some(string) = json.get(begin..end)
        {
            each(string);
        }
    }
}
