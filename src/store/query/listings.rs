//! What can be asked of each list: its fields, what they are filtered by and sorted by.

use super::{Field, Kind, Listing};
use crate::domain::agent::{AgentKind, AgentStatus, Division, Tier};
use crate::domain::alert::AlertStatus;
use crate::domain::artifact::{ArtifactType, ReviewState};
use crate::domain::cage::CageStatus;
use crate::domain::execution::{ExecutionStatus, OutcomeKind};
use crate::domain::node::NodeStatus;
use crate::domain::resource::{AllocationStatus, ResourceStatus, ResourceType};
use crate::domain::system_event::Severity;
use crate::domain::task::TaskStatus;
use crate::store::rows::{
    AGENT_COLUMNS, ALERT_COLUMNS, ALLOCATION_COLUMNS, ARTIFACT_COLUMNS, CAGE_COLUMNS, EVENT_COLUMNS, EXECUTION_COLUMNS,
    NODE_COLUMNS, RESOURCE_COLUMNS, TASK_COLUMNS, USER_COLUMNS,
};

/// Reads a spelling of an enumeration.
macro_rules! word {
    ($type:ty) => {
        Kind::Word(|text| text.parse::<$type>().map(<$type>::as_str))
    };
}

/// A field that is filtered by and sorted by.
const fn both(name: &'static str, kind: Kind, condition: &'static str, sort: &'static str) -> Field {
    Field { name, filter: Some((kind, condition)), sort: Some(sort) }
}
/// A field that is only filtered by.
const fn filter(name: &'static str, kind: Kind, condition: &'static str) -> Field {
    Field { name, filter: Some((kind, condition)), sort: None }
}
/// A field that is only sorted by.
const fn sort(name: &'static str, sort: &'static str) -> Field {
    Field { name, filter: None, sort: Some(sort) }
}

const TASK_STATUS: &str = "t.status {}";
const EXECUTION_STATUS: &str = "e.status {}";
const ALLOCATION_STATUS: &str = "l.status {}";

const ALERT_STATUS: &str = "w.status {}";
/// Severities from mild to bad.
const ALERT_RANK: &str = "CASE w.severity WHEN 'info' THEN 0 WHEN 'warning' THEN 1 WHEN 'error' THEN 2 ELSE 3 END";

const OUTCOME: &str = "e.outcome_kind {}";

/// What follows from asking for certain words only. There are indexes of what is open and of what went wrong, which the
/// database can only use when it is told: the condition, its words, and what follows.
pub(super) const IMPLIED: &[(&str, &[&str], &str)] = &[
    (TASK_STATUS, &["pending", "scheduled", "executing", "running"], "t.completed_at IS NULL"),
    (ALERT_STATUS, &["active", "acknowledged"], "w.status <> 'resolved'"),
    (TASK_STATUS, &["failed", "cancelled"], "t.status IN ('failed', 'cancelled')"),
    (
        EXECUTION_STATUS,
        &["starting", "running"],
        "e.seq IN (SELECT o.seq FROM execution o WHERE o.completed_at IS NULL)",
    ),
    (
        OUTCOME,
        &["failed", "timed_out", "limit_exceeded", "not_started", "cancelled", "preempted", "worker_lost"],
        "e.status = 'failed'",
    ),
    (ALLOCATION_STATUS, &["active"], "l.execution_seq IN (SELECT o.seq FROM execution o WHERE o.completed_at IS NULL)"),
];

pub(in crate::store) static TASKS: Listing = Listing {
    columns: TASK_COLUMNS,
    from: "task t",
    order: "t.seq DESC",
    key: Some("t.seq"),
    count: None,
    fields: &[
        both("status", word!(TaskStatus), TASK_STATUS, "t.status"),
        both("type", Kind::Text, "t.type {}", "t.type"),
        both("priority", Kind::Whole, "t.priority {}", "t.priority"),
        filter("agent", Kind::Agent, "coalesce(t.assigned_agent_id, t.agent_id) {}"),
        filter(
            "cage",
            Kind::Cage,
            "coalesce((SELECT e.cage_id FROM execution e WHERE e.id = t.execution_id), t.cage_id) {}",
        ),
        filter("owner", Kind::User, "t.created_by {}"),
        filter("task", Kind::Task, "t.id {}"),
        filter("array", Kind::Task, "t.array_id {}"),
        filter("depends_on", Kind::Task, "t.id IN (SELECT d.task_id FROM task_dependency d WHERE d.depends_on {})"),
        filter("tag", Kind::Text, "EXISTS (SELECT 1 FROM json_each(t.metadata, '$.tags') g WHERE g.value {})"),
        filter("source", Kind::Text, "t.metadata ->> 'source' {}"),
        filter("error", Kind::Contains, "t.error {}"),
        filter("since", Kind::Since, "t.created_at {}"),
        filter("until", Kind::Until, "t.created_at {}"),
        sort("created_at", "t.created_at"),
        sort("updated_at", "t.updated_at"),
        sort("started_at", "t.started_at"),
        sort("completed_at", "t.completed_at"),
        sort("deadline", "t.deadline"),
        sort("attempts", "t.attempts"),
    ],
};

pub(in crate::store) static EXECUTIONS: Listing = Listing {
    columns: EXECUTION_COLUMNS,
    from: "execution e",
    order: "e.seq DESC",
    key: Some("e.seq"),
    count: None,
    fields: &[
        both("status", word!(ExecutionStatus), EXECUTION_STATUS, "e.status"),
        both("outcome", word!(OutcomeKind), OUTCOME, "e.outcome_kind"),
        filter("task", Kind::Task, "e.task_id {}"),
        filter("agent", Kind::Agent, "e.agent_id {}"),
        both("cage", Kind::Cage, "e.cage_id {}", "e.cage_id"),
        filter("node", Kind::Node, "e.node_id {}"),
        filter("execution", Kind::Execution, "e.id {}"),
        filter("since", Kind::Since, "e.created_at {}"),
        filter("until", Kind::Until, "e.created_at {}"),
        sort("attempt", "e.attempt"),
        sort("created_at", "e.created_at"),
        sort("started_at", "e.started_at"),
        sort("completed_at", "e.completed_at"),
        sort("duration", "e.completed_at - e.started_at"),
        sort("tokens_used", "e.outcome ->> 'tokens_used'"),
        sort("cost", "e.outcome ->> 'cost'"),
    ],
};

pub(in crate::store) static AGENTS: Listing = Listing {
    columns: AGENT_COLUMNS,
    from: "agent_now a",
    order: "a.name, a.id",
    key: None,
    count: None,
    fields: &[
        both("name", Kind::Text, "a.name {}", "a.name"),
        both("status", word!(AgentStatus), "a.status {}", "a.status"),
        both("kind", word!(AgentKind), "a.spec ->> 'kind' {}", "a.spec ->> 'kind'"),
        both("division", word!(Division), "a.spec ->> 'division' {}", "a.spec ->> 'division'"),
        both("tier", word!(Tier), "a.spec ->> 'tier' {}", "a.spec ->> 'tier'"),
        both("role", Kind::Text, "a.spec ->> 'role' {}", "a.spec ->> 'role'"),
        both("cage", Kind::Cage, "a.cage_id {}", "a.cage_id"),
        filter("agent", Kind::Agent, "a.id {}"),
        filter("owner", Kind::User, "a.owner {}"),
        filter("task", Kind::Task, "a.id IN (SELECT e.agent_id FROM execution e WHERE e.task_id {})"),
        filter(
            "capability",
            Kind::Text,
            "EXISTS (SELECT 1 FROM json_each(a.spec, '$.capabilities') g WHERE g.value ->> 'type' {})",
        ),
        filter("drained", Kind::Flag, "a.drained {}"),
        sort("running", "a.running"),
        sort("concurrency", "a.concurrency"),
        sort("total_executions", "a.total_executions"),
        sort("success_count", "a.success_count"),
        sort("consecutive_failures", "a.consecutive_failures"),
        sort("created_at", "a.created_at"),
        sort("updated_at", "a.updated_at"),
    ],
};

pub(in crate::store) static ALERTS: Listing = Listing {
    columns: ALERT_COLUMNS,
    from: "alert w",
    order: "w.last_seen DESC, w.seq DESC",
    key: None,
    count: None,
    fields: &[
        both("status", word!(AlertStatus), ALERT_STATUS, "w.status"),
        both("severity", word!(Severity), "w.severity {}", ALERT_RANK),
        both("source", Kind::Text, "w.source {}", "w.source"),
        both("trigger", Kind::Text, "w.trigger_name {}", "w.trigger_name"),
        filter("message", Kind::Contains, "w.message {}"),
        filter("since", Kind::Since, "w.last_seen {}"),
        filter("until", Kind::Until, "w.last_seen {}"),
        sort("time", "w.time"),
        sort("last_seen", "w.last_seen"),
        sort("count", "w.count"),
        sort("silenced_until", "w.silenced_until"),
    ],
};

pub(in crate::store) static CAGES: Listing = Listing {
    columns: CAGE_COLUMNS,
    from: "cage_now c",
    order: "c.id",
    key: None,
    count: None,
    fields: &[
        both("cage", Kind::Cage, "c.id {}", "c.id"),
        both("id", Kind::Cage, "c.id {}", "c.id"),
        both("status", word!(CageStatus), "c.status {}", "c.status"),
        filter("agent", Kind::Agent, "c.agent_id {}"),
        filter("node", Kind::Node, "c.node_id {}"),
        sort("created_at", "c.created_at"),
        sort("updated_at", "c.updated_at"),
    ],
};

pub(in crate::store) static NODES: Listing = Listing {
    columns: NODE_COLUMNS,
    from: "node n",
    order: "n.created_at, n.id",
    key: None,
    count: None,
    fields: &[
        both("name", Kind::Text, "n.name {}", "n.name"),
        both("status", word!(NodeStatus), "n.status {}", "n.status"),
        filter("node", Kind::Node, "n.id {}"),
        sort("created_at", "n.created_at"),
        sort("updated_at", "n.updated_at"),
    ],
};

pub(in crate::store) static RESOURCES: Listing = Listing {
    columns: RESOURCE_COLUMNS,
    from: "resource_now q",
    order: "q.node_id, q.place",
    key: None,
    count: None,
    fields: &[
        both("name", Kind::Text, "q.name {}", "q.name"),
        both("type", word!(ResourceType), "q.type {}", "q.type"),
        both("status", word!(ResourceStatus), "q.status {}", "q.status"),
        filter("node", Kind::Node, "q.node_id {}"),
        sort("allocated", "q.allocated"),
        sort("total", "q.total"),
    ],
};

pub(in crate::store) static ALLOCATIONS: Listing = Listing {
    columns: ALLOCATION_COLUMNS,
    from: "allocation l",
    order: "l.execution_seq DESC, l.place",
    key: None,
    count: Some("SELECT coalesce(sum(held_count), 0) FROM execution"),
    fields: &[
        both("status", word!(AllocationStatus), ALLOCATION_STATUS, "l.status"),
        filter("task", Kind::Task, "l.task_id {}"),
        filter("agent", Kind::Agent, "l.agent_id {}"),
        filter("execution", Kind::Execution, "l.execution_id {}"),
        filter("resource", Kind::Id, "l.resource_id {}"),
        sort("quantity", "l.quantity"),
        sort("start", "l.start"),
        sort("end", "l.\"end\""),
    ],
};

pub(in crate::store) static ARTIFACTS: Listing = Listing {
    columns: ARTIFACT_COLUMNS,
    from: "artifact r",
    order: "r.seq DESC",
    key: Some("r.seq"),
    count: None,
    fields: &[
        both("status", word!(ReviewState), "r.state {}", "r.state"),
        both("state", word!(ReviewState), "r.state {}", "r.state"),
        both("type", word!(ArtifactType), "r.type {}", "r.type"),
        both("title", Kind::Contains, "r.title {}", "r.title"),
        filter("content", Kind::Contains, "r.content {}"),
        filter("task", Kind::Task, "r.task_id {}"),
        filter("agent", Kind::Agent, "r.agent_id {}"),
        filter("execution", Kind::Execution, "r.execution_id {}"),
        filter("since", Kind::Since, "r.created_at {}"),
        filter("until", Kind::Until, "r.created_at {}"),
        sort("size", "r.size"),
        sort("quality_score", "r.quality_score"),
        sort("created_at", "r.created_at"),
    ],
};

pub(in crate::store) static USERS: Listing = Listing {
    columns: USER_COLUMNS,
    from: "user u",
    order: "u.seq",
    key: None,
    count: None,
    fields: &[
        both("name", Kind::Text, "u.name {}", "u.name"),
        both("email", Kind::Text, "u.email {}", "u.email"),
        both("uid", Kind::Whole, "u.uid {}", "u.uid"),
        sort("created_at", "u.created_at"),
    ],
};

pub(in crate::store) static EVENTS: Listing = Listing {
    columns: EVENT_COLUMNS,
    from: "system_event s",
    order: "s.seq DESC",
    key: Some("s.seq"),
    count: None,
    fields: &[
        both("type", word!(Severity), "s.type {}", "s.type"),
        both("severity", word!(Severity), "s.type {}", "s.type"),
        both("source", Kind::Text, "s.source {}", "s.source"),
        filter("message", Kind::Contains, "s.message {}"),
        filter("since", Kind::Since, "s.time {}"),
        filter("until", Kind::Until, "s.time {}"),
        sort("time", "s.time"),
    ],
};
