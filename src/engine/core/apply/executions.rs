//! Executions: what they hold, and giving it back.

use crate::domain::event::{ExecutionEnded, ExecutionScheduled, ExecutionStarted, ExecutionStopping, Held};
use crate::domain::learning::truth_of_end;
use crate::domain::performance::Day;
use crate::domain::requirements::Quantities;
use crate::domain::snapshot::LiveExecution;
use crate::domain::{CageId, Span, TaskStatus, Timestamp};
use crate::engine::core::Core;
use crate::engine::core::slab::NONE;
use crate::engine::core::state::ExecutionState;

impl Core {
    pub(super) fn apply_execution_scheduled(&mut self, event: &ExecutionScheduled, now: Timestamp) {
        let Some(task) = self.task_ids.get(event.task_id) else { return };
        self.unqueue(task);
        self.drop_holder_of(task);
        self.passed_since.remove(&event.task_id);
        self.standing_back.remove(&event.task_id);
        self.set_status(task, TaskStatus::Scheduled);
        self.insert_execution(&LiveExecution {
            id: event.execution_id,
            task_id: event.task_id,
            agent_id: event.agent_id,
            cage_id: event.cage_id,
            node_id: event.node_id,
            attempt: event.attempt,
            held: event.held.clone(),
            created_at: now,
            started_at: None,
            stopping: None,
            stop_note: None,
        });
    }

    /// Takes an execution into memory: it occupies its cage and holds its quantities.
    pub(in crate::engine::core) fn insert_execution(&mut self, event: &LiveExecution) {
        let (Some(task), Some(agent), Some(node)) =
            (self.task_ids.get(event.task_id), self.agent_ids.get(event.agent_id), self.node_number(event.node_id))
        else {
            return;
        };
        let held = self.held_quantities(node, &event.held);
        let owner = self.shape(task).owner as usize;
        let slot = self.executions.insert(ExecutionState {
            id: event.id,
            task,
            agent,
            cage: event.cage_id,
            node,
            held,
            attempt: event.attempt,
            created_at: event.created_at,
            started_at: event.started_at,
            stopping: event.stopping,
            stop_note: event.stop_note.clone(),
            end: Timestamp::LAST,
        });
        let end = self.expected_end(slot);
        self.executions[slot].end = end;
        self.execution_ids.insert(event.id, slot);
        self.tasks[task].execution = slot;
        self.tasks[task].executions = event.attempt;
        self.agents[agent].running += 1;
        self.agents[agent].cage = Some(event.cage_id);
        if let Some(cage) = self.cage_mut(event.cage_id) {
            cage.executions.push(slot);
            cage.used = cage.used.plus(&held);
            cage.occupant = agent;
        }
        let node = &mut self.nodes[node as usize];
        node.used = node.used.plus(&held);
        node.ends.insert((end, slot));
        let holding = &mut self.owners[owner].holding;
        holding.quantities = holding.quantities.plus(&held);
        holding.slots += 1;
        self.reckon_share(owner);
        // A floating agent that has just become free takes what it has left over into the cage that it enters.
        let settles = self.sites.gained_floater && self.agents[agent].spec.cage.is_none();
        self.refresh_agent(agent, settles);
        self.disturb_reservation(event.cage_id, &held);
    }

    /// The sum of what is held, by place.
    fn held_quantities(&self, node: u32, held: &[Held]) -> Quantities {
        let mut sum = Quantities::ZERO;
        for part in held {
            let resource = self.nodes[node as usize].resources.iter().find(|resource| resource.id == part.resource_id);
            if let Some(place) =
                resource.and_then(|resource| Quantities::NAMES.iter().position(|name| *name == resource.name))
            {
                sum.0[place] = sum.0[place].saturating_add(part.quantity);
            }
        }
        sum
    }

    /// When an execution is expected to have ended: by its task's estimate, or else by what nine of ten of its like take,
    /// or else by the time it is given.
    fn expected_end(&self, slot: u32) -> Timestamp {
        let run = &self.executions[slot];
        let length = self.length(run.task, Some(self.agents[run.agent].id));
        match self.within_limits(run.task, self.wall_of(run), length) {
            Some(duration) => run.started_at.unwrap_or(run.created_at).plus(duration),
            None => Timestamp::LAST,
        }
    }

    /// The time limit of an execution's cage, zero for none.
    pub(in crate::engine::core) fn wall_of(&self, run: &ExecutionState) -> Span {
        self.cage(run.cage).and_then(|cage| cage.spec.limits.wall).unwrap_or(Span::ZERO)
    }

    /// Another version foretells how long tasks take: what rests on that is judged anew.
    pub(in crate::engine::core) fn foretell_anew(&mut self) {
        for run in self.executions.numbers() {
            if self.tasks[self.executions[run].task].estimate == Span::ZERO {
                self.reckon_end(run);
            }
        }
        self.forget_reservation();
        for node in 0..u32::try_from(self.nodes.len()).unwrap_or(0) {
            self.sites.gain_node(node);
        }
    }

    pub(super) fn apply_execution_started(&mut self, event: &ExecutionStarted) {
        let Some(slot) = self.execution_ids.get(event.execution_id) else { return };
        let run = &mut self.executions[slot];
        run.started_at = Some(event.started_at);
        let task = run.task;
        self.reckon_end(slot);
        self.set_status(task, TaskStatus::Executing);
    }

    /// Expects the end of an execution anew, after something that it rests on has changed.
    pub(super) fn reckon_end(&mut self, slot: u32) {
        let end = self.expected_end(slot);
        let run = &mut self.executions[slot];
        let old = std::mem::replace(&mut run.end, end);
        let ends = &mut self.nodes[run.node as usize].ends;
        ends.remove(&(old, slot));
        ends.insert((end, slot));
    }

    pub(super) fn apply_execution_stopping(&mut self, event: &ExecutionStopping) {
        if let Some(slot) = self.execution_ids.get(event.execution_id) {
            self.executions[slot].stopping = Some(event.reason);
            self.executions[slot].stop_note.clone_from(&event.note);
        }
    }

    pub(super) fn apply_execution_ended(&mut self, event: &ExecutionEnded, now: Timestamp) {
        let Some(slot) = self.execution_ids.remove(event.execution_id) else { return };
        let Some(run) = self.executions.remove(slot) else { return };
        self.release(slot, &run);
        if let Some(lesson) = &event.lesson {
            let succeeded = event.outcome.succeeded();
            self.selection.learn(event.agent_id, lesson, truth_of_end(succeeded));
            self.classifier.tried(event.agent_id, lesson, succeeded);
        }
        if let Some(slack) = &event.slack {
            self.value.learn(slack);
        }
        if let Some(took) = event.took() {
            let kind = self.timed_kind(run.task, event.kind.is_none());
            self.predictor.learn(kind, event.agent_id, took, event.outcome.tokens_used);
        }
        if let Some(kind) = &event.kind {
            let took = event.started_at.map(|started| event.ended_at.since(started).as_micros().unsigned_abs());
            self.selection.ended(run.agent, kind, Day::of(now), event.outcome.succeeded(), took, &event.after);
        }
        self.agents[run.agent].failures = event.agent_failures;
        self.refresh_agent(run.agent, true);
        self.site_gained(run.cage);

        let task = &mut self.tasks[run.task];
        task.execution = NONE;
        task.attempts = u16::try_from(event.attempts).unwrap_or(u16::MAX);
        task.losses = u16::try_from(event.losses).unwrap_or(u16::MAX);
        task.not_before = event.not_before.unwrap_or(Timestamp::EPOCH);
        self.set_status(run.task, event.task_status);
        match event.task_status {
            TaskStatus::Completed => {
                self.ended.completed += 1;
                self.tell_dependents(event.task_id, event.agent_id);
            }
            TaskStatus::Failed => self.ended.failed += 1,
            TaskStatus::Cancelled => self.ended.cancelled += 1,
            _ => {
                self.settle(run.task);
                return;
            }
        }
        self.forget_task(run.task, event.task_status);
    }

    /// Gives back what an execution held.
    fn release(&mut self, slot: u32, run: &ExecutionState) {
        let owner = self.shape(run.task).owner as usize;
        let holding = &mut self.owners[owner].holding;
        holding.quantities = holding.quantities.minus(&run.held);
        holding.slots -= 1;
        self.reckon_share(owner);

        let node = &mut self.nodes[run.node as usize];
        node.used = node.used.minus(&run.held);
        node.ends.remove(&(run.end, slot));
        if std::mem::take(&mut node.tight) {
            self.sites.gain_node(run.node);
        }

        let agent = &mut self.agents[run.agent];
        agent.running -= 1;
        let idle = agent.running == 0;
        if idle {
            agent.cage = None;
        }
        if let Some(cage) = self.cage_mut(run.cage) {
            cage.executions.retain(|other| *other != slot);
            cage.used = cage.used.minus(&run.held);
            cage.over &= !cage.used.fits(&cage.room);
            if idle {
                cage.occupant = cage.home;
            }
        }
        self.moved_in(run.cage);
        self.disturb_reservation(run.cage, &run.held);
    }

    /// A cage may have passed to the agent that has its home there.
    fn moved_in(&mut self, cage: CageId) {
        if let Some(home) = self.cage(cage).map(|cage| cage.home)
            && home != NONE
        {
            self.refresh_agent(home, true);
        }
    }
}
