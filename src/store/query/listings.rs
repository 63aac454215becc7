//! What can be asked of each list: where the fields of its table are found, and what it is sorted by.

use super::count::Counted;
use super::{Column, Implied, Listing, Order};
use crate::domain::filter::tables;
use crate::store::rows::{
    AGENT_COLUMNS, AGENT_PERFORMANCE_COLUMNS, ALERT_COLUMNS, ALLOCATION_COLUMNS, ARTIFACT_COLUMNS, CAGE_COLUMNS,
    EVENT_COLUMNS, EXECUTION_COLUMNS, NODE_COLUMNS, RESOURCE_COLUMNS, TASK_COLUMNS, USER_COLUMNS,
};

/// A field that is a value of the row, and that the list can be sorted by.
const fn value(name: &'static str, value: &'static str) -> Column {
    Column { name, value, around: None, sorted: true, indexed: false }
}
/// A field with an index that serves the order and nothing else: by itself it narrows a search too little, and the database
/// does not know.
const fn ordering(name: &'static str, value: &'static str) -> Column {
    Column { indexed: true, ..self::value(name, value) }
}
/// A field that is a value of the row by which sorting would mean nothing.
const fn id(name: &'static str, value: &'static str) -> Column {
    Column { name, value, around: None, sorted: false, indexed: false }
}
/// A field with several values: `around` is true when one of them passes the comparison that is put for `{}`.
const fn each(name: &'static str, value: &'static str, around: &'static str) -> Column {
    Column { name, value, around: Some(around), sorted: false, indexed: false }
}

const LATEST_TASK: &[Order] = &[Order { value: "t.seq", descending: true }];
/// Those under way are found by the executions that have not ended.
const OPEN_EXECUTIONS: &str = "e.seq IN (SELECT o.seq FROM execution o WHERE o.completed_at IS NULL)";

pub(in crate::store) static TASKS: Listing = Listing {
    table: &tables::TASKS,
    columns: TASK_COLUMNS,
    from: "task t",
    order: LATEST_TASK,
    key: Some("t.seq"),
    numbered: Some("t.seq"),
    counted: Counted::Tally("task"),
    implied: &[
        Implied { field: "status", words: &["pending", "scheduled", "executing"], sql: "t.completed_at IS NULL" },
        Implied { field: "status", words: &["failed", "cancelled"], sql: "t.status IN ('failed', 'cancelled')" },
        Implied { field: "status", words: &["completed", "failed", "cancelled"], sql: "t.completed_at IS NOT NULL" },
    ],
    fields: &[
        value("status", "t.status"),
        value("type", "t.type"),
        ordering("priority", "t.priority"),
        id("agent", "coalesce(t.assigned_agent_id, t.agent_id)"),
        value("cage", "coalesce((SELECT e.cage_id FROM execution e WHERE e.id = t.execution_id), t.cage_id)"),
        id("owner", "t.created_by"),
        each("tag", "g.value", "EXISTS (SELECT 1 FROM json_each(t.metadata, '$.tags') g WHERE {})"),
        value("source", "t.metadata ->> 'source'"),
        id(
            "command",
            "(SELECT group_concat(w.value, ' ') FROM json_each(CASE WHEN t.array_id IS NULL THEN t.parameters \
             ELSE (SELECT a.parameters FROM task a WHERE a.id = t.array_id) END, '$.configuration.command') w)",
        ),
        value("error", "t.error"),
        value(
            "verification",
            "coalesce(t.verification, CASE WHEN t.status = 'completed' AND t.array_first IS NULL THEN 'unverified' END)",
        ),
        id("id", "t.id"),
        id("array", "t.array_id"),
        each("depends_on", "d.depends_on", "t.id IN (SELECT d.task_id FROM task_dependency d WHERE {})"),
        value("attempts", "t.attempts"),
        ordering("age", "t.created_at"),
        value("wait", "max(0, coalesce(t.started_at, t.completed_at, {now}) - t.created_at)"),
        value(
            "duration",
            "max(0, coalesce(t.completed_at, {now}) - CASE WHEN t.array_first IS NOT NULL THEN t.started_at \
             WHEN t.status NOT IN ('pending', 'scheduled') \
             THEN (SELECT e.started_at FROM execution e WHERE e.id = t.execution_id) END)",
        ),
        value("deadline", "t.deadline"),
        value("cpu", "CAST(round(coalesce(t.requirements ->> 'cpu', 0) * 1000) AS INTEGER)"),
        value("memory", "coalesce(t.requirements ->> 'memory', 0)"),
        value("gpu", "coalesce(t.requirements ->> 'gpu', 0)"),
        value("storage", "coalesce(t.requirements ->> 'storage', 0)"),
        value("tokens", "coalesce(t.requirements ->> 'tokens', 0)"),
        each("capability", "g.value", "EXISTS (SELECT 1 FROM json_each(t.requirements, '$.capabilities') g WHERE {})"),
        value("gate", "t.approval_gate"),
        value("preemptible", "t.preemptible"),
        ordering("created_at", "t.created_at"),
        value("started_at", "t.started_at"),
        ordering("completed_at", "t.completed_at"),
        value("updated_at", "t.updated_at"),
        ordering("since", "t.created_at"),
        ordering("until", "t.created_at"),
    ],
};

pub(in crate::store) static EXECUTIONS: Listing = Listing {
    table: &tables::EXECUTIONS,
    columns: EXECUTION_COLUMNS,
    from: "execution e",
    order: &[Order { value: "e.seq", descending: true }],
    key: Some("e.seq"),
    numbered: Some("e.seq"),
    counted: Counted::Tally("execution"),
    implied: &[
        Implied { field: "status", words: &["starting", "running"], sql: OPEN_EXECUTIONS },
        Implied {
            field: "outcome",
            words: &["failed", "timed_out", "limit_exceeded", "not_started", "cancelled", "preempted", "worker_lost"],
            sql: "e.status = 'failed'",
        },
    ],
    fields: &[
        value("status", "e.status"),
        value("outcome", "e.outcome_kind"),
        value(
            "verification",
            "CASE WHEN e.outcome IS NOT NULL THEN coalesce(e.outcome ->> 'verification', 'unverified') END",
        ),
        id("task", "e.task_id"),
        id("agent", "e.agent_id"),
        value("cage", "e.cage_id"),
        id("node", "e.node_id"),
        value("message", "nullif(e.outcome ->> 'message', '')"),
        value("limit", "e.outcome ->> 'limit'"),
        value("attempt", "e.attempt"),
        value("exit_code", "e.outcome ->> 'exit_code'"),
        value("tokens", "e.outcome ->> 'tokens_used'"),
        value("cost", "e.outcome ->> 'cost'"),
        value("memory", "e.outcome ->> '$.usage.memory_peak'"),
        id("id", "e.id"),
        value("age", "e.created_at"),
        value("duration", "max(0, coalesce(e.completed_at, {now}) - e.started_at)"),
        value("created_at", "e.created_at"),
        value("started_at", "e.started_at"),
        value("completed_at", "e.completed_at"),
        id("since", "e.created_at"),
        id("until", "e.created_at"),
    ],
};

pub(in crate::store) static AGENTS: Listing = Listing {
    table: &tables::AGENTS,
    columns: AGENT_COLUMNS,
    from: "agent_now a",
    order: &[Order { value: "a.name", descending: false }, Order { value: "a.id", descending: false }],
    key: None,
    numbered: None,
    counted: Counted::Rows("agent"),
    implied: &[],
    fields: &[
        value("name", "a.name"),
        value("display_name", "a.spec ->> 'display_name'"),
        value("status", "a.status"),
        value("cage", "a.cage_id"),
        value("kind", "a.spec ->> 'kind'"),
        value("division", "a.spec ->> 'division'"),
        value("participant", "a.spec ->> 'participant'"),
        value("tier", "a.spec ->> 'tier'"),
        value("role", "a.spec ->> 'role'"),
        value("reports_to", "a.spec ->> 'reports_to'"),
        each(
            "capability",
            "g.value ->> 'type'",
            "EXISTS (SELECT 1 FROM json_each(a.spec, '$.capabilities') g WHERE {})",
        ),
        each("specialization", "g.value", "EXISTS (SELECT 1 FROM json_each(a.spec, '$.specializations') g WHERE {})"),
        each("tool", "g.value", "EXISTS (SELECT 1 FROM json_each(a.spec, '$.tools_available') g WHERE {})"),
        each("keyword", "g.value", "EXISTS (SELECT 1 FROM json_each(a.spec, '$.keywords') g WHERE {})"),
        id("owner", "a.owner"),
        id("task", "a.current_task_id"),
        value("running", "a.running"),
        value("concurrency", "a.concurrency"),
        value("executions", "a.total_executions"),
        value("success", "CAST(a.success_count AS REAL) / nullif(a.total_executions, 0)"),
        value("failures", "a.consecutive_failures"),
        value("drained", "a.drained"),
        value("heartbeat", "a.last_heartbeat"),
        id("id", "a.id"),
        value("age", "a.created_at"),
        value("created_at", "a.created_at"),
        value("updated_at", "a.updated_at"),
        id("since", "a.created_at"),
        id("until", "a.created_at"),
    ],
};

pub(in crate::store) static AGENT_PERFORMANCE: Listing = Listing {
    table: &tables::AGENT_PERFORMANCE,
    columns: AGENT_PERFORMANCE_COLUMNS,
    from: "agent_performance_daily p LEFT JOIN agent named ON named.id = p.agent_id",
    order: &[Order { value: "p.day", descending: true }, Order { value: "p.agent_id", descending: false }],
    key: None,
    numbered: None,
    counted: Counted::Rows("agent_performance_daily"),
    implied: &[],
    fields: &[
        id("agent", "p.agent_id"),
        value("date", "(p.day * 86400000000)"),
        value("executions", "p.execution_count"),
        value("successes", "p.success_count"),
        value("success", "(CAST(p.success_count AS REAL) / p.execution_count)"),
        value("duration", "(p.execution_us / nullif(p.timed_count, 0) / 1000 * 1000)"),
        value("tokens", "p.tokens"),
        id("since", "(p.day * 86400000000)"),
        id("until", "(p.day * 86400000000)"),
    ],
};

pub(in crate::store) static ALERTS: Listing = Listing {
    table: &tables::ALERTS,
    columns: ALERT_COLUMNS,
    from: "alert w",
    order: &[Order { value: "w.last_seen", descending: true }, Order { value: "w.seq", descending: true }],
    key: None,
    numbered: None,
    counted: Counted::Rows("alert"),
    implied: &[Implied { field: "status", words: &["active", "acknowledged"], sql: "w.status <> 'resolved'" }],
    fields: &[
        value("type", "w.severity"),
        value("status", "w.status"),
        value("source", "w.source"),
        value("message", "w.message"),
        value("trigger", "w.trigger_name"),
        value("value", "w.value"),
        value("threshold", "w.threshold"),
        value("count", "w.count"),
        value("silenced", "coalesce(w.silenced_until > {now}, 0)"),
        id("by", "w.acknowledged_by"),
        value("age", "w.time"),
        value("time", "w.time"),
        value("last_seen", "w.last_seen"),
        id("id", "w.id"),
        id("since", "w.time"),
        id("until", "w.time"),
    ],
};

pub(in crate::store) static CAGES: Listing = Listing {
    table: &tables::CAGES,
    columns: CAGE_COLUMNS,
    from: "cage_now c",
    order: &[Order { value: "c.id", descending: false }],
    key: None,
    numbered: None,
    counted: Counted::Rows("cage"),
    implied: &[],
    fields: &[
        value("cage", "c.id"),
        value("status", "c.status"),
        id("agent", "c.agent_id"),
        id("node", "c.node_id"),
        value("cpu", "CAST(round(c.limits ->> 'cpu' * 1000) AS INTEGER)"),
        value("memory", "c.limits ->> 'memory'"),
        value("pids", "c.limits ->> 'pids'"),
        value("gpu", "c.limits ->> 'gpu'"),
        value("tokens", "c.limits ->> 'tokens'"),
        value("disk", "c.limits ->> 'disk'"),
        value("wall", "span_micros(c.limits ->> 'wall')"),
        value("network", "CASE c.network WHEN '\"none\"' THEN 'none' WHEN '\"all\"' THEN 'all' ELSE 'ports' END"),
        value("age", "c.created_at"),
        value("created_at", "c.created_at"),
        value("updated_at", "c.updated_at"),
        id("since", "c.created_at"),
        id("until", "c.created_at"),
    ],
};

pub(in crate::store) static NODES: Listing = Listing {
    table: &tables::NODES,
    columns: NODE_COLUMNS,
    from: "node n",
    order: &[Order { value: "n.created_at", descending: false }, Order { value: "n.id", descending: false }],
    key: None,
    numbered: None,
    counted: Counted::Rows("node"),
    implied: &[],
    fields: &[
        value("name", "n.name"),
        value("status", "n.status"),
        value("cpu", "n.capacity ->> 'cpu_millis'"),
        value("memory", "n.capacity ->> 'memory'"),
        value("gpu", "n.capacity ->> 'gpu'"),
        value("gpu_memory", "n.capacity ->> 'gpu_memory'"),
        value("storage", "n.capacity ->> 'storage'"),
        id("id", "n.id"),
        value("age", "n.created_at"),
        value("created_at", "n.created_at"),
        value("updated_at", "n.updated_at"),
        id("since", "n.created_at"),
        id("until", "n.created_at"),
    ],
};

pub(in crate::store) static RESOURCES: Listing = Listing {
    table: &tables::RESOURCES,
    columns: RESOURCE_COLUMNS,
    from: "resource_now q",
    order: &[Order { value: "q.node_id", descending: false }, Order { value: "q.place", descending: false }],
    key: None,
    numbered: None,
    counted: Counted::Rows("resource"),
    implied: &[],
    fields: &[
        value("name", "q.name"),
        value("type", "q.type"),
        value("status", "q.status"),
        id("node", "q.node_id"),
        value("allocated", "q.allocated"),
        value("total", "q.total"),
        id("id", "q.id"),
    ],
};

pub(in crate::store) static ALLOCATIONS: Listing = Listing {
    table: &tables::ALLOCATIONS,
    columns: ALLOCATION_COLUMNS,
    from: "allocation l",
    order: &[Order { value: "l.execution_seq", descending: true }, Order { value: "l.place", descending: false }],
    key: None,
    numbered: None,
    counted: Counted::Tally("allocation"),
    implied: &[Implied {
        field: "status",
        words: &["active"],
        sql: "l.execution_seq IN (SELECT o.seq FROM execution o WHERE o.completed_at IS NULL)",
    }],
    fields: &[
        value("status", "l.status"),
        id("task", "l.task_id"),
        id("agent", "l.agent_id"),
        id("execution", "l.execution_id"),
        id("resource", "l.resource_id"),
        value("quantity", "l.quantity"),
        value("start", "l.start"),
        value("end", "l.\"end\""),
        id("id", "l.id"),
    ],
};

pub(in crate::store) static ARTIFACTS: Listing = Listing {
    table: &tables::ARTIFACTS,
    columns: ARTIFACT_COLUMNS,
    from: "artifact r",
    order: &[Order { value: "r.seq", descending: true }],
    key: Some("r.seq"),
    numbered: None,
    counted: Counted::Rows("artifact"),
    implied: &[],
    fields: &[
        value("status", "r.state"),
        value("type", "r.type"),
        value("title", "r.title"),
        id("agent", "r.agent_id"),
        id("task", "r.task_id"),
        id("execution", "r.execution_id"),
        id("content", "r.content"),
        value("note", "r.note"),
        id("judge", "r.reviewed_by"),
        value("size", "r.size"),
        value("quality", "coalesce(r.quality_judged, r.quality_score)"),
        value("approved", "r.human_approved"),
        value("judged_at", "r.reviewed_at"),
        id("id", "r.id"),
        value("age", "r.created_at"),
        value("created_at", "r.created_at"),
        id("since", "r.created_at"),
        id("until", "r.created_at"),
    ],
};

pub(in crate::store) static USERS: Listing = Listing {
    table: &tables::USERS,
    columns: USER_COLUMNS,
    from: "user u",
    order: &[Order { value: "u.seq", descending: false }],
    key: None,
    numbered: None,
    counted: Counted::Rows("user"),
    implied: &[],
    fields: &[
        value("name", "u.name"),
        value("email", "u.email"),
        each("role", "g.value", "EXISTS (SELECT 1 FROM json_each(u.roles) g WHERE {})"),
        value("uid", "u.uid"),
        id("id", "u.id"),
        value("age", "u.created_at"),
        value("created_at", "u.created_at"),
        id("since", "u.created_at"),
        id("until", "u.created_at"),
    ],
};

pub(in crate::store) static EVENTS: Listing = Listing {
    table: &tables::EVENTS,
    columns: EVENT_COLUMNS,
    from: "system_event s",
    order: &[Order { value: "s.seq", descending: true }],
    key: Some("s.seq"),
    numbered: None,
    counted: Counted::Rows("system_event"),
    implied: &[],
    fields: &[
        value("type", "s.type"),
        value("source", "s.source"),
        value("message", "s.message"),
        value("age", "s.time"),
        value("time", "s.time"),
        id("id", "s.id"),
        id("since", "s.time"),
        id("until", "s.time"),
    ],
};

/// Every listing, for tests.
#[cfg(test)]
pub(in crate::store) static ALL: &[&Listing] = &[
    &TASKS,
    &EXECUTIONS,
    &AGENTS,
    &AGENT_PERFORMANCE,
    &CAGES,
    &NODES,
    &RESOURCES,
    &ALLOCATIONS,
    &ARTIFACTS,
    &USERS,
    &ALERTS,
    &EVENTS,
];
