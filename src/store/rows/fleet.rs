//! Agents, cages, nodes, resources and users.

use rusqlite::{Result, Row};

use super::Columns;
use crate::domain::agent::{Agent, AgentCounters, AgentMetrics, AgentSpec};
use crate::domain::cage::Cage;
use crate::domain::id::{AgentId, NodeId, ResourceId, TaskId, UserId};
use crate::domain::node::Node;
use crate::domain::resource::{Resource, ResourceCapacity};
use crate::domain::user::User;

/// The columns of [`agent`], of the view `agent_now a`.
pub(in crate::store) const AGENT_COLUMNS: &str = "a.id, a.spec, a.home, a.status, a.owner, a.cage_id, \
    a.current_task_id, a.running, a.total_executions, a.stopped_executions, a.success_count, a.timed_executions, a.execution_us, \
    a.success_us, (SELECT sum(k.timed * CAST(t.micros - k.micros AS REAL) / (t.timed - k.timed)) / nullif(sum(k.micros), 0) \
    FROM agent_kind k JOIN kind_time t ON t.kind = k.kind WHERE k.agent_id = a.id AND t.timed > k.timed), \
    a.consecutive_failures, a.breaker_until, a.drained, a.last_heartbeat, a.created_at, a.updated_at";

/// Reads an agent.
pub(in crate::store) fn agent(row: &Row<'_>) -> Result<Agent> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    let id = c.id(AgentId)?;
    // The declaration is kept as it was; where the agent lives may have changed since.
    let spec: AgentSpec = c.json()?;
    let spec = AgentSpec { cage: c.optional_cage()?, ..spec };
    let (status, owner, cage_id) = (c.word()?, c.id(UserId)?, c.optional_cage()?);
    let (current_task_id, running) = (c.optional_id(TaskId)?, c.get()?);
    let (total_executions, stopped_executions, success_count) = (c.count()?, c.count()?, c.count()?);
    let (timed, micros) = (c.count()?, c.count()?);
    let avg_execution_time_ms = micros.checked_div(timed).map(|micros| micros / 1000);
    let (good_micros, speed) = (c.count()?, c.get()?);
    let counters = AgentCounters { total_executions, stopped_executions, success_count, avg_execution_time_ms };
    Ok(Agent {
        id,
        spec,
        status,
        owner,
        cage_id,
        current_task_id,
        running,
        metrics: metrics(&counters, (good_micros, micros), speed),
        counters,
        consecutive_failures: c.get()?,
        breaker_until: c.optional_time()?,
        drained: c.get()?,
        last_heartbeat: c.optional_time()?,
        created_at: c.time()?,
        updated_at: c.time()?,
    })
}

/// What can be told of an agent by what it has done, as docs/learning.md defines it: how much of its time, in microseconds,
/// went into successes, and how many times as fast as others it is.
#[allow(clippy::cast_precision_loss)] // Counts far below 2^53, and only shown.
fn metrics(counters: &AgentCounters, (good, all): (u64, u64), speed: Option<f64>) -> AgentMetrics {
    let rounded = |share: f64| (share * 1000.0).round() / 1000.0;
    let share = |part: u64, whole: u64| (whole > 0).then(|| rounded(part as f64 / whole as f64));
    AgentMetrics {
        performance: speed.map(|speed| rounded(speed / (1.0 + speed))),
        reliability: share(counters.success_count, counters.total_executions),
        efficiency: share(good, all),
    }
}

/// The columns of [`cage`], of the view `cage_now c`.
pub(in crate::store) const CAGE_COLUMNS: &str = "c.id, c.node_id, c.agent_id, c.status, c.limits, c.network, c.read, \
    c.write, c.enforcement, c.fault, c.created_at, c.updated_at";

/// Reads a cage.
pub(in crate::store) fn cage(row: &Row<'_>) -> Result<Cage> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok(Cage {
        id: c.cage()?,
        node_id: c.id(NodeId)?,
        agent_id: c.optional_id(AgentId)?,
        status: c.word()?,
        resource_limits: c.json()?,
        resource_usage: None,
        network: c.json()?,
        read: c.json_or_default()?,
        write: c.json_or_default()?,
        enforcement: c.json_or_default()?,
        fault: c.optional_json()?,
        created_at: c.time()?,
        updated_at: c.time()?,
    })
}

/// The columns of [`node`], of `node n`.
pub(in crate::store) const NODE_COLUMNS: &str =
    "n.id, n.name, n.status, n.capacity, n.metadata, n.created_at, n.updated_at";

/// Reads a node.
pub(in crate::store) fn node(row: &Row<'_>) -> Result<Node> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok(Node {
        id: c.id(NodeId)?,
        name: c.get()?,
        status: c.word()?,
        capacity: c.json()?,
        metadata: c.json_or_default()?,
        created_at: c.time()?,
        updated_at: c.time()?,
    })
}

/// The columns of [`resource`], of the view `resource_now q`.
pub(in crate::store) const RESOURCE_COLUMNS: &str =
    "q.id, q.node_id, q.name, q.type, q.total, q.unit, q.allocated, q.status, q.metadata";

/// Reads a resource.
pub(in crate::store) fn resource(row: &Row<'_>) -> Result<Resource> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok(Resource {
        id: c.id(ResourceId)?,
        node_id: c.id(NodeId)?,
        name: c.get()?,
        kind: c.word()?,
        capacity: ResourceCapacity { total: c.count()?, unit: c.get()? },
        allocated: c.count()?,
        status: c.word()?,
        metadata: c.json_or_default()?,
    })
}

/// The columns of [`user`], of `user u`.
pub(in crate::store) const USER_COLUMNS: &str = "u.id, u.email, u.name, u.avatar_url, u.roles, u.uid, u.created_at";

/// Reads a user.
pub(in crate::store) fn user(row: &Row<'_>) -> Result<User> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok(User {
        id: c.id(UserId)?,
        email: c.get()?,
        name: c.get()?,
        avatar_url: c.get()?,
        roles: c.json_or_default()?,
        uid: c.get()?,
        created_at: c.time()?,
    })
}
