//! Changing some of what is declared about an agent.

use super::agents::user_of;
use crate::domain::event::AgentDeclared;
use crate::domain::{Actor, AgentId, AgentPatch, Command, Refusal, Reply, Timestamp};
use crate::engine::core::{Core, Decisions};

impl Core {
    /// Declares an agent as it is but for some fields, which makes a version of its definition. Refuses what a fleet file is
    /// refused for.
    pub(super) fn set_agent(
        &mut self,
        now: Timestamp,
        actor: Actor,
        agent_id: AgentId,
        changes: &AgentPatch,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        user_of(actor)?;
        let slot = self.agent_slot(agent_id)?;
        let (before, owner_before) = (self.agents[slot].spec.clone(), self.agents[slot].owner);
        let mut spec = changes.over(&before);
        let place = format!("agent {}", spec.name);
        spec.check()?;
        if let Some(superior) = spec.reports_to.as_deref().filter(|name| !self.agent_names.contains_key(*name)) {
            return Err(self.unknown_agent("reports_to", superior).within(place));
        }
        self.check_above(&spec.name, spec.reports_to.as_deref())?;
        if let Some(cage) = spec.cage.filter(|cage| before.cage != Some(*cage)) {
            self.check_home(cage, slot).map_err(|refusal| refusal.within(&place))?;
        }
        let owner = match spec.owner.take() {
            Some(text) => self.user_named(&text, &[]).map_err(|refusal| refusal.within(&place))?,
            None => owner_before,
        };
        let done = vec![agent_id.to_string()];
        if spec == before && owner == owner_before {
            let warnings = vec![format!("{} is so already; nothing was changed", spec.name)];
            return Ok(Reply::Items { done, refused: vec![], inverse: vec![], warnings });
        }
        // Only what is changed goes back, so that what others change meanwhile stays.
        let back = AgentPatch {
            owner: (owner != owner_before).then(|| owner_before.to_string()),
            ..AgentPatch::between(&spec, &before)
        };
        let moved = spec.cage.is_some_and(|home| self.agents[slot].cage.is_some_and(|at| at != home));
        self.emit(now, actor, AgentDeclared { agent_id, spec, owner }, out);
        if moved {
            self.preempt_agent(slot, "its agent was given another cage", now, actor, out);
        }
        self.tell_cages(out);
        let inverse = vec![Command::SetAgent { id: agent_id, changes: Box::new(back) }];
        Ok(Reply::Items { done, refused: vec![], inverse, warnings: vec![] })
    }
}
