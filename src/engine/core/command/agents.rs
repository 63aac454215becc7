//! Adding, removing, moving, draining and resuming agents.

use super::undo::{Groups, undone_by};
use crate::domain::event::{AgentDeclared, AgentDrained, AgentMoved, AgentRemoved, AgentResumed};
use crate::domain::{
    Actor, AgentId, AgentSpec, CageId, Command, OutcomeKind, Refusal, RefusalKind, Reply, Timestamp, UserId,
};
use crate::engine::core::alerts::{BREAKER, agent_source};
use crate::engine::core::slab::NONE;
use crate::engine::core::{Core, Decisions, draw};

impl Core {
    pub(super) fn add_agent(
        &mut self,
        now: Timestamp,
        actor: Actor,
        mut spec: AgentSpec,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        spec.check()?;
        let declarer = user_of(actor)?;
        if self.agent_names.contains_key(&spec.name) {
            return Err(Refusal::conflict("name", &spec.name, "a name that no agent has")
                .hint("menagerie apply changes an agent that exists"));
        }
        if let Some(superior) = &spec.reports_to
            && !self.agent_names.contains_key(superior)
        {
            return Err(self.unknown_agent("reports_to", superior));
        }
        if let Some(cage) = spec.cage {
            self.check_home(cage, NONE)?;
        }
        let owner = match spec.owner.take() {
            Some(text) => self.user_named(&text, &[])?,
            None => declarer,
        };
        let name = spec.name.clone();
        let agent_id = AgentId::new(now, draw::id_bits(self.seed, self.seq + 1, 0));
        self.emit(now, actor, AgentDeclared { agent_id, spec, owner }, out);
        self.tell_cages(out);
        let inverse = vec![Command::RemoveAgents { ids: vec![agent_id] }];
        Ok(Reply::Items { done: vec![name], refused: vec![], inverse, warnings: vec![] })
    }

    pub(super) fn remove_agents(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[AgentId],
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let mut back = vec![];
        let reply = self.each(ids, |core, agent_id| {
            let slot = core.agent_slot(agent_id)?;
            let agent = &core.agents[slot];
            let name = &agent.spec.name;
            if agent.running > 0 {
                let shown = format!("{name} has {} executions", agent.running);
                return Err(Refusal::conflict("agent", shown, "an agent with nothing running")
                    .hint("drain it and wait, or cancel its tasks"));
            }
            let pinned = core.pinned_to(slot);
            if pinned > 0 {
                let shown = format!("{pinned} queued tasks must be done by {name}");
                return Err(Refusal::conflict("agent", shown, "an agent that no task asks for")
                    .hint("reassign or cancel those tasks"));
            }
            let reports = |other: &&u32| core.agents[**other].spec.reports_to.as_ref() == Some(name);
            if let Some(junior) = core.agent_names.values().find(reports) {
                let shown = format!("{} reports to {name}", core.agents[*junior].spec.name);
                return Err(Refusal::conflict("reports_to", shown, "an agent that nobody reports to"));
            }
            let (name, mut spec) = (name.clone(), agent.spec.clone());
            spec.owner = Some(agent.owner.to_string());
            core.emit(now, actor, AgentRemoved { agent_id }, out);
            core.clear_alert(&agent_source(&name), BREAKER, "the agent was removed", now, out);
            back.push(Command::AddAgent { agent: Box::new(spec) });
            Ok(())
        })?;
        self.tell_cages(out);
        // Whoever reported to another was removed first and comes back last.
        back.reverse();
        Ok(undone_by(reply, back))
    }

    pub(super) fn reassign_agents(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[AgentId],
        cage_id: Option<CageId>,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let mut homes = Groups::default();
        let reply = self.each(ids, |core, agent_id| {
            let slot = core.agent_slot(agent_id)?;
            if core.agents[slot].spec.cage == cage_id {
                return Ok(());
            }
            if let Some(cage) = cage_id {
                core.check_home(cage, slot)?;
            }
            homes.add(core.agents[slot].spec.cage, agent_id);
            core.emit(now, actor, AgentMoved { agent_id, cage_id }, out);
            let elsewhere = cage_id.is_some_and(|home| core.agents[slot].cage.is_some_and(|at| at != home));
            if elsewhere {
                core.preempt_agent(slot, "its agent was given another cage", now, actor, out);
            }
            Ok(())
        })?;
        self.tell_cages(out);
        Ok(undone_by(reply, homes.commands(|cage, ids| Command::ReassignAgents { ids, cage })))
    }

    /// Has all executions of an agent stopped and queued again.
    pub(super) fn preempt_agent(&mut self, slot: u32, why: &str, now: Timestamp, actor: Actor, out: &mut Decisions) {
        let Some(cage) = self.agents[slot].cage.and_then(|id| self.cage(id)) else { return };
        for run in cage.executions.clone() {
            self.stop_execution(run, OutcomeKind::Preempted, Some(why.to_owned()), now, actor, out);
        }
    }

    pub(super) fn drain_agents(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[AgentId],
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let mut back = vec![];
        let reply = self.each(ids, |core, agent_id| {
            let slot = core.agent_slot(agent_id)?;
            if !core.agents[slot].drained {
                core.emit(now, actor, AgentDrained { agent_id }, out);
                back.push(agent_id);
            }
            Ok(())
        })?;
        let resume = if back.is_empty() { vec![] } else { vec![Command::ResumeAgents { ids: back }] };
        Ok(undone_by(reply, resume))
    }

    pub(super) fn resume_agents(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[AgentId],
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let mut back = vec![];
        let reply = self.each(ids, |core, agent_id| {
            let slot = core.agent_slot(agent_id)?;
            let agent = &core.agents[slot];
            if agent.drained || agent.breaker_until.is_some() || agent.failures > 0 {
                if agent.drained {
                    back.push(agent_id);
                }
                let source = agent_source(&agent.spec.name);
                core.emit(now, actor, AgentResumed { agent_id }, out);
                core.clear_alert(&source, BREAKER, "the agent was resumed", now, out);
            }
            Ok(())
        })?;
        let drain = if back.is_empty() { vec![] } else { vec![Command::DrainAgents { ids: back }] };
        Ok(undone_by(reply, drain))
    }

    pub(super) fn agent_slot(&self, id: AgentId) -> Result<u32, Refusal> {
        self.agent_ids.get(id).ok_or_else(|| Refusal::not_found("agent", id).hint("menagerie agent list shows them"))
    }

    /// Whether a cage can become an agent's home.
    pub(in crate::engine::core) fn check_home(&self, id: CageId, agent: u32) -> Result<(), Refusal> {
        let Some(cage) = self.cage(id) else { return Err(self.unknown_cage(id)) };
        match [cage.home, cage.occupant].into_iter().find(|other| *other != NONE && *other != agent) {
            Some(other) => {
                let shown = format!("{id} holds agent {}", self.agents[other].spec.name);
                Err(Refusal::conflict("cage", shown, "a vacant cage"))
            }
            None => Ok(()),
        }
    }

    /// Why an agent's name or id is refused.
    pub(super) fn unknown_agent(&self, field: &str, name: &str) -> Refusal {
        let names = self.agent_names.keys().map(String::as_str);
        Refusal::not_found(field, name).hint_nearest(name, names, "menagerie agent list shows the agents")
    }
}

/// The user behind a command; only users own things.
pub(super) fn user_of(actor: Actor) -> Result<UserId, Refusal> {
    match actor {
        Actor::User(id) => Ok(id),
        other => Err(Refusal::new(RefusalKind::Forbidden, "actor", other).allowed("a user")),
    }
}
