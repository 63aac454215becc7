//! Moving agents, with everybody who reports to them, within the hierarchy.

use super::undo::undone_by;
use crate::domain::event::AgentDeclared;
use crate::domain::{Actor, AgentId, AgentSpec, Command, Refusal, Reply, Timestamp};
use crate::engine::core::{Core, Decisions};

impl Core {
    pub(super) fn report_to(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[AgentId],
        superior: Option<AgentId>,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let superior = superior.map(|id| self.agent_slot(id)).transpose()?;
        let superior = superior.map(|slot| self.agents[slot].spec.name.clone());
        let mut back = vec![];
        let reply = self.each(ids, |core, agent_id| {
            let slot = core.agent_slot(agent_id)?;
            let agent = &core.agents[slot];
            if agent.spec.reports_to == superior {
                return Ok(());
            }
            core.check_above(&agent.spec.name, superior.as_deref())?;
            let before = agent.spec.reports_to.as_ref().and_then(|name| core.agent_by_name(name)).map(|(id, _)| id);
            let (owner, spec) = (agent.owner, AgentSpec { reports_to: superior.clone(), ..agent.spec.clone() });
            back.push(Command::ReportTo { ids: vec![agent_id], superior: before });
            core.emit(now, actor, AgentDeclared { agent_id, spec, owner }, out);
            Ok(())
        })?;
        // What was moved last goes back first, so that no cycle stands in the way.
        back.reverse();
        Ok(undone_by(reply, back))
    }

    /// Refuses a superior that is the agent itself or reports to it, however far down.
    pub(super) fn check_above(&self, name: &str, superior: Option<&str>) -> Result<(), Refusal> {
        let mut path = vec![name];
        let mut at = superior;
        while let Some(above) = at {
            let seen = path.contains(&above);
            path.push(above);
            if seen {
                let shown = path.join(" -> ");
                return Err(Refusal::invalid("reports_to", shown, "a hierarchy without a cycle")
                    .within(format!("agent {name}")));
            }
            at = self.agent_by_name(above).and_then(|(_, spec)| spec.reports_to.as_deref());
        }
        Ok(())
    }
}
