//! Saying who has to do tasks, or where.

use super::Context;
use crate::domain::event::TaskReassigned;
use crate::domain::{Actor, AgentId, CageId, OutcomeKind, Refusal, Reply, TaskId, Timestamp};
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
        self.each(ids, |core, id| {
            let slot = core.open_task(id, context)?;
            let wish = Wish { agent: agent_id, cage: cage_id, ..core.shape(slot).wish.clone() };
            core.feasible(&wish)?;
            for task_id in core.with_elements(slot) {
                core.emit(now, actor, TaskReassigned { task_id, agent_id, cage_id }, out);
                let Some(slot) = core.task_ids.get(task_id) else { continue };
                let run = core.tasks[slot].execution;
                if run != NONE && !core.satisfies(run, agent_id, cage_id) {
                    let note = Some("reassigned".to_owned());
                    core.stop_execution(run, OutcomeKind::Preempted, note, now, actor, out);
                }
            }
            Ok(())
        })
    }

    /// Whether an execution already is where its task should be done, by whom it should be done.
    fn satisfies(&self, run: u32, agent: Option<AgentId>, cage: Option<CageId>) -> bool {
        let run = &self.executions[run];
        agent.is_none_or(|id| self.agents[run.agent].id == id) && cage.is_none_or(|id| run.cage == id)
    }
}
