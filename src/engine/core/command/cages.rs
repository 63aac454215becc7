//! Withholding cages and sending their agents away.

use super::undo::{Groups, undone_by};
use crate::domain::event::{AgentMoved, CageMaintenance};
use crate::domain::{Actor, CageId, Command, OutcomeKind, Refusal, Reply, Timestamp};
use crate::engine::core::slab::NONE;
use crate::engine::core::{Core, Decisions};

impl Core {
    pub(super) fn set_cage_maintenance(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[CageId],
        on: bool,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        self.check_cages(ids)?;
        let mut changed = vec![];
        let reply = self.each(ids, |core, cage_id| {
            let Some(cage) = core.cage(cage_id) else { return Err(core.unknown_cage(cage_id)) };
            // Giving back one that could not be set up has it tried again at once.
            let faulty = !on && cage.fault.is_some();
            if cage.maintenance != on {
                changed.push(cage_id);
            }
            if cage.maintenance != on || faulty {
                core.emit(now, actor, CageMaintenance { cage_id, on }, out);
            }
            Ok(())
        })?;
        let back =
            if changed.is_empty() { vec![] } else { vec![Command::SetCageMaintenance { ids: changed, on: !on }] };
        Ok(undone_by(reply, back))
    }

    pub(super) fn vacate_cages(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[CageId],
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        self.check_cages(ids)?;
        let mut homes = Groups::default();
        let reply = self.each(ids, |core, cage_id| {
            let Some(cage) = core.cage(cage_id) else { return Err(core.unknown_cage(cage_id)) };
            let (home, runs) = (cage.home, cage.executions.clone());
            if home != NONE {
                let agent_id = core.agents[home].id;
                homes.add(cage_id, agent_id);
                core.emit(now, actor, AgentMoved { agent_id, cage_id: None }, out);
            }
            for run in runs {
                let note = Some(format!("cage {cage_id} was vacated"));
                core.stop_execution(run, OutcomeKind::Preempted, note, now, actor, out);
            }
            Ok(())
        })?;
        self.tell_cages(out);
        Ok(undone_by(reply, homes.commands(|cage, ids| Command::ReassignAgents { ids, cage: Some(cage) })))
    }

    /// Refuses a command of which a cage is unknown, before anything of it is done.
    fn check_cages(&self, ids: &[CageId]) -> Result<(), Refusal> {
        ids.iter().find(|id| self.cage(**id).is_none()).map_or(Ok(()), |id| Err(self.unknown_cage(*id)))
    }

    /// Why a cage's number is refused.
    pub(super) fn unknown_cage(&self, id: CageId) -> Refusal {
        let numbers: Vec<_> = self.cages().map(|cage| cage.spec.id).collect();
        let allowed = match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) => format!("the {} declared cages, {first} to {last}", numbers.len()),
            _ => "no cage is declared yet".to_owned(),
        };
        Refusal::not_found("cage", id).allowed(allowed).hint("menagerie cage list shows them")
    }
}
