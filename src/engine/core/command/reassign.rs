//! Saying who has to do tasks, or where.

use std::collections::BTreeMap;

use super::Context;
use super::undo::undone_by;
use crate::domain::event::TaskReassigned;
use crate::domain::{Actor, AgentId, CageId, Command, OutcomeKind, Refusal, Reply, TaskId, Timestamp};
use crate::engine::core::shape::Wish;
use crate::engine::core::slab::NONE;
use crate::engine::core::{Core, Decisions};

impl Core {
    pub(super) fn reassign(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[TaskId],
        (agent_id, cage_id): (Option<AgentId>, Option<CageId>),
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        if let Some(id) = agent_id
            && !self.agent_ids.contains(id)
        {
            return Err(Refusal::not_found("agent", id));
        }
        if let Some(id) = cage_id
            && self.cage(id).is_none()
        {
            return Err(self.unknown_cage(id));
        }
        self.refresh_sites();
        let (mut before, mut given) = (BTreeMap::new(), vec![]);
        let mut reply = self.each(ids, |core, id| {
            let slot = core.open_task(id, context)?;
            let wish = Wish { agent: agent_id, cage: cage_id, ..core.shape(slot).wish.clone() };
            core.feasible(&wish)?;
            for task_id in core.with_elements(slot) {
                if let Some(slot) = core.task_ids.get(task_id) {
                    let wish = &core.shape(slot).wish;
                    before.entry(task_id).or_insert((wish.agent, wish.cage));
                }
                core.emit(now, actor, TaskReassigned { task_id, agent_id, cage_id }, out);
                let Some(slot) = core.task_ids.get(task_id) else { continue };
                let run = core.tasks[slot].execution;
                if run != NONE && !core.satisfies(run, agent_id, cage_id) {
                    let note = Some("reassigned".to_owned());
                    core.stop_execution(run, OutcomeKind::Preempted, note, now, actor, out);
                }
            }
            given.push(id);
            Ok(())
        })?;
        if let Reply::Items { warnings, .. } = &mut reply {
            *warnings = self.bad_matches(&given);
        }
        let make = |(agent, cage), ids| Command::ReassignTasks { ids, agent, cage };
        Ok(undone_by(reply, self.restoring(&before, &(agent_id, cage_id), make)))
    }

    /// Whether an execution already is where its task should be done, by whom it should be done.
    fn satisfies(&self, run: u32, agent: Option<AgentId>, cage: Option<CageId>) -> bool {
        let run = &self.executions[run];
        agent.is_none_or(|id| self.agents[run.agent].id == id) && cage.is_none_or(|id| run.cage == id)
    }
}
