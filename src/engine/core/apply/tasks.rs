//! Tasks: submission, arrays and their elements, and the ends that need no execution.

use crate::domain::event::{
    ArrayEnded, TaskCancelled, TaskFailed, TaskMaterialised, TaskPrioritised, TaskReassigned, TaskRetried,
    TaskSubmitted,
};
use crate::domain::snapshot::QueuedTask;
use crate::domain::{AgentId, Span, TaskId, TaskStatus};
use crate::engine::core::Core;
use crate::engine::core::queue::class_of;
use crate::engine::core::shape::Wish;
use crate::engine::core::slab::NONE;
use crate::engine::core::task::{Deps, TaskState};

impl Core {
    pub(super) fn apply_task_submitted(&mut self, event: &TaskSubmitted) {
        let task = QueuedTask::of(&event.task);
        let slot = self.insert_task(&task);
        self.link_dependencies(slot, &event.task.depends_on, &event.after);
        self.settle(slot);
    }

    pub(super) fn apply_task_materialised(&mut self, event: &TaskMaterialised) {
        let Some(parent) = self.task_ids.get(event.array_id) else { return };
        let place = event.task_id.place();
        self.drop_holder_of(parent);
        self.passed_since.remove(&event.array_id);
        self.standing_back.remove(&event.array_id);
        let element = self.tasks[parent].element(event.task_id, parent);
        if let Some(array) = &mut self.tasks[parent].array {
            array.materialise(place);
            array.live.insert(place);
            self.by_status[TaskStatus::Pending as usize] -= 1;
        }
        self.settle(parent);
        self.by_status[element.status as usize] += 1;
        self.queue.groups[element.group].members += 1;
        self.selection.topics.share(element.topic);
        let slot = self.tasks.insert(element);
        self.task_ids.insert(event.task_id, slot);
        self.deadlines.extend(self.deadline_key(slot));
        self.settle(slot);
    }

    pub(super) fn apply_array_ended(&mut self, event: &ArrayEnded) {
        if let Some(slot) = self.task_ids.get(event.task_id) {
            self.forget_task(slot, event.status);
        }
    }

    pub(super) fn apply_task_cancelled(&mut self, event: &TaskCancelled) {
        if let Some(slot) = self.task_ids.get(event.task_id) {
            self.ended.cancelled += self.tasks[slot].weight();
            self.forget_task(slot, TaskStatus::Cancelled);
        }
    }

    pub(super) fn apply_task_failed(&mut self, event: &TaskFailed) {
        if let Some(slot) = self.task_ids.get(event.task_id) {
            self.ended.failed += self.tasks[slot].weight();
            self.forget_task(slot, TaskStatus::Failed);
        }
    }

    pub(super) fn apply_task_retried(&mut self, event: &TaskRetried) {
        // The event names the task only; its facts were handed in by `recall`, because ended tasks are not kept.
        let Some(task) = self.recalled.remove(&event.task_id) else { return };
        let status = task.status;
        let depends_on: Vec<_> = task.depends_on.iter().map(|(id, _)| *id).collect();
        let again = QueuedTask { status: TaskStatus::Pending, attempts: 0, losses: 0, not_before: None, ..task };
        let slot = self.insert_task(&again);
        // An array comes back with its elements that were not yet tasks; the others have lives of their own.
        let weight = self.tasks[slot].weight();
        match status {
            TaskStatus::Failed => self.ended.failed = self.ended.failed.saturating_sub(weight),
            _ => self.ended.cancelled = self.ended.cancelled.saturating_sub(weight),
        }
        self.link_elements(slot, &again.materialised);
        let (parent, place) = (self.tasks[slot].parent, event.task_id.place());
        if parent != NONE
            && let Some(array) = &mut self.tasks[parent].array
        {
            array.live.insert(place);
            array.failed = array.failed.saturating_sub(1);
        }
        self.link_dependencies(slot, &depends_on, &again.after);
        self.settle(slot);
    }

    /// Links an array that has come back to those of its elements that have not ended.
    fn link_elements(&mut self, array: u32, materialised: &[(u32, u32)]) {
        let id = self.tasks[array].id;
        for place in materialised.iter().flat_map(|(first, last)| *first..=*last) {
            let Some(element) = self.task_ids.get(id.element(place)) else { continue };
            self.tasks[element].parent = array;
            if let Some(array) = &mut self.tasks[array].array {
                array.live.insert(place);
            }
        }
    }

    pub(super) fn apply_task_reassigned(&mut self, event: &TaskReassigned) {
        let Some(slot) = self.task_ids.get(event.task_id) else { return };
        self.unqueue(slot);
        let wish = Wish { agent: event.agent_id, cage: event.cage_id, ..self.shape(slot).wish.clone() };
        self.regroup(slot, wish);
        self.settle(slot);
    }

    pub(super) fn apply_task_prioritised(&mut self, event: &TaskPrioritised) {
        let Some(slot) = self.task_ids.get(event.task_id) else { return };
        self.unqueue(slot);
        // The reservation knows its holder's old place.
        self.drop_holder_of(slot);
        self.tasks[slot].priority = event.priority;
        self.settle(slot);
    }

    /// Moves a task that is not queued into the group of another wish.
    fn regroup(&mut self, slot: u32, wish: Wish) {
        let class = class_of(self.tasks[slot].estimate, self.tasks[slot].timeout);
        let group = self.join_group(wish, class);
        let old = std::mem::replace(&mut self.tasks[slot].group, group);
        self.leave_group(old);
        self.drop_holder_of(slot);
    }

    /// Takes a task into memory, linked to its array but not to its dependencies, and not queued.
    pub(in crate::engine::core) fn insert_task(&mut self, task: &QueuedTask) -> u32 {
        let wish = Wish::new(&task.requirements, task.brings_command, task.agent_id, task.cage_id, task.owner);
        let group =
            self.join_group(wish, class_of(task.estimate.unwrap_or(Span::ZERO), task.timeout.unwrap_or(Span::ZERO)));
        let topic = self.selection.topics.join(&task.kind, &task.context, &self.selection.reader);
        let mut state = TaskState::new(task, group, topic);
        state.parent = self.array_of(task.id).unwrap_or(NONE);
        self.by_status[state.status as usize] += state.weight();
        let is_array = state.array.is_some();
        let slot = self.tasks.insert(state);
        self.arrays.extend(is_array.then_some(slot));
        self.task_ids.insert(task.id, slot);
        self.deadlines.extend(self.deadline_key(slot));
        slot
    }

    /// The array, if it has not ended, that a task is an element of.
    pub(in crate::engine::core) fn array_of(&self, id: TaskId) -> Option<u32> {
        let array = id.as_array();
        if array == id {
            return None;
        }
        self.task_ids.get(array).filter(|slot| self.tasks[*slot].array.is_some())
    }

    /// Links a task to what it depends on. A dependency that is not in memory has completed: nothing may depend on a task
    /// that ended otherwise.
    pub(in crate::engine::core) fn link_dependencies(&mut self, slot: u32, on: &[TaskId], after: &[AgentId]) {
        if on.is_empty() {
            return;
        }
        let (id, gate) = (self.tasks[slot].id, self.tasks[slot].gate);
        let mut waiting = 0;
        for dependency in on {
            let open = self.task_ids.contains(*dependency);
            if open || gate {
                self.dependents.entry(*dependency).or_default().insert(id);
            }
            if open || (gate && self.unapproved.contains_key(dependency)) {
                waiting += 1;
            }
        }
        self.tasks[slot].deps = Some(Box::new(Deps { on: on.to_vec(), waiting, after: after.to_vec() }));
    }

    /// Takes an ended task out of memory and lets go on whoever waited for it.
    pub(in crate::engine::core) fn forget_task(&mut self, slot: u32, status: TaskStatus) {
        self.unqueue(slot);
        self.drop_holder_of(slot);
        if let Some(key) = self.deadline_key(slot) {
            self.deadlines.remove(&key);
        }
        let Some(task) = self.tasks.remove(slot) else { return };
        self.by_status[task.status as usize] -= task.weight();
        self.arrays.remove(&slot);
        self.task_ids.remove(task.id);
        self.passed_since.remove(&task.id);
        self.standing_back.remove(&task.id);
        self.leave_group(task.group);
        self.selection.topics.leave(task.topic);
        for dependency in task.deps.iter().flat_map(|deps| &deps.on) {
            self.forget_dependent(*dependency, task.id);
        }
        if let Some(array) = &task.array {
            for place in &array.live {
                if let Some(element) = self.task_ids.get(task.id.element(*place)) {
                    self.tasks[element].parent = NONE;
                }
            }
        }
        if task.parent != NONE
            && let Some(array) = &mut self.tasks[task.parent].array
        {
            array.live.remove(&task.id.place());
            array.failed += u32::from(status != TaskStatus::Completed);
        }
        if status == TaskStatus::Completed {
            self.release_dependents(task.id);
        }
    }

    fn forget_dependent(&mut self, dependency: TaskId, dependent: TaskId) {
        if let Some(dependents) = self.dependents.get_mut(&dependency) {
            dependents.remove(&dependent);
            if dependents.is_empty() {
                self.dependents.remove(&dependency);
            }
        }
    }

    /// An agent has completed a task: whoever depends on it builds on that agent's work.
    pub(super) fn tell_dependents(&mut self, id: TaskId, agent: AgentId) {
        for dependent in self.dependents.get(&id).into_iter().flatten() {
            let Some(slot) = self.task_ids.get(*dependent) else { continue };
            if let Some(deps) = &mut self.tasks[slot].deps
                && let Err(place) = deps.after.binary_search(&agent)
            {
                deps.after.insert(place, agent);
            }
        }
    }

    /// A task has completed: its dependents wait for one less, unless they wait for approvals too.
    fn release_dependents(&mut self, id: TaskId) {
        let approved = !self.unapproved.contains_key(&id);
        for dependent in self.dependents.get(&id).cloned().unwrap_or_default() {
            let Some(slot) = self.task_ids.get(dependent) else { continue };
            let gate = self.tasks[slot].gate;
            if (!gate || approved)
                && let Some(deps) = &mut self.tasks[slot].deps
            {
                deps.waiting -= 1;
            }
            if !gate {
                self.forget_dependent(id, dependent);
            }
            self.settle(slot);
        }
    }
}
