//! Giving an agent another name. What it has done, what was learned of it, its tasks and its versions stay its own: they go
//! by its id.

use crate::domain::event::{AgentDeclared, ApprovalRuleDeclared};
use crate::domain::{Actor, AgentId, AgentSpec, Command, Refusal, Reply, Timestamp};
use crate::engine::core::{Core, Decisions};

impl Core {
    pub(super) fn rename_agent(
        &mut self,
        now: Timestamp,
        actor: Actor,
        agent_id: AgentId,
        name: String,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let slot = self.agent_slot(agent_id)?;
        let before = self.agents[slot].spec.name.clone();
        if before != name {
            let spec = AgentSpec { name: name.clone(), ..self.agents[slot].spec.clone() };
            if self.agent_names.contains_key(&name) {
                return Err(Refusal::conflict("name", &name, "a name that no agent has"));
            }
            spec.check()?;
            if let Some(until) = self.agents[slot].breaker_until {
                // Its alert goes by its name.
                return Err(Refusal::conflict(
                    "agent",
                    format!("{before} is paused until {until}"),
                    "an agent at work",
                )
                .hint(format!("menagerie agent resume {before} ends the pause")));
            }
            self.emit(now, actor, AgentDeclared { agent_id, spec, owner: self.agents[slot].owner }, out);
            self.follow_name(now, actor, (&before, &name), out);
            self.tell_cages(out);
        }
        let inverse =
            if before == name { vec![] } else { vec![Command::RenameAgent { agent: agent_id, name: before }] };
        Ok(Reply::Items { done: vec![name], refused: vec![], inverse, warnings: vec![] })
    }

    /// Has all that speaks of an agent by its name speak of it by the new one.
    fn follow_name(&mut self, now: Timestamp, actor: Actor, (before, name): (&str, &str), out: &mut Decisions) {
        let reports = |slot: &u32| self.agents[*slot].spec.reports_to.as_deref() == Some(before);
        let juniors: Vec<u32> = self.agent_names.values().copied().filter(reports).collect();
        for slot in juniors {
            let junior = &self.agents[slot];
            let spec = AgentSpec { reports_to: Some(name.to_owned()), ..junior.spec.clone() };
            let (agent_id, owner) = (junior.id, junior.owner);
            self.emit(now, actor, AgentDeclared { agent_id, spec, owner }, out);
        }
        let rules: Vec<_> = self.approval_rules.values().filter(|rule| rule.agent == before).cloned().collect();
        for mut rule in rules {
            name.clone_into(&mut rule.agent);
            self.emit(now, actor, ApprovalRuleDeclared { rule }, out);
        }
    }
}
