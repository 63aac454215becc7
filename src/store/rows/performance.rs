//! What agents did, day by day.

use rusqlite::{Result, Row};

use super::Columns;
use crate::domain::id::AgentId;
use crate::domain::performance::{AgentPerformance, Day};

/// The columns of [`agent_performance`], of `agent_performance_daily p` and the agent as `named`.
pub(in crate::store) const AGENT_PERFORMANCE_COLUMNS: &str = "p.agent_id, coalesce(named.name, (SELECT v.name || ' (removed)' FROM agent_version v WHERE v.agent_id = p.agent_id \
    ORDER BY v.version DESC LIMIT 1)), p.day, p.execution_count, p.success_count, p.timed_count, p.execution_us, p.tokens";

/// Reads what an agent did on a day.
pub(in crate::store) fn agent_performance(row: &Row<'_>) -> Result<AgentPerformance> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    let (agent_id, agent, day) = (c.id(AgentId)?, c.get()?, c.get()?);
    let (execution_count, success_count, timed, micros) = (c.count()?, c.count()?, c.count()?, c.count()?);
    let tokens: Option<i64> = c.get()?;
    Ok(AgentPerformance {
        agent_id,
        agent,
        date: Day::from_number(day),
        execution_count,
        success_count,
        avg_duration_ms: micros.checked_div(timed).map(|micros| micros / 1000),
        total_tokens_used: tokens.map(|tokens| u64::try_from(tokens).unwrap_or(0)),
    })
}
