//! What is kept of a task that has not ended: about a hundred bytes, because there may be a million of them.

use std::collections::BTreeSet;

use super::slab::NONE;
use crate::domain::snapshot::QueuedTask;
use crate::domain::task::ArrayRange;
use crate::domain::{AgentId, Span, TaskId, TaskStatus, Timestamp};

/// A task that has not ended. What it asks for is shared with others of its shape.
#[derive(Debug)]
pub struct TaskState {
    /// Identifier; within one instant ids sort in the order of submission.
    pub id: TaskId,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// [`Timestamp::LAST`] for none, which sorts it last as it should.
    pub deadline: Timestamp,
    /// [`Timestamp::EPOCH`] for none.
    pub not_before: Timestamp,
    /// Zero for none.
    pub timeout: Span,
    /// Zero for none.
    pub estimate: Span,
    /// What it depends on, if anything.
    pub deps: Option<Box<Deps>>,
    /// For an array: its elements.
    pub array: Option<Box<ArrayState>>,
    /// The group of tasks that it queues with.
    pub group: u32,
    /// What it is about, by number.
    pub topic: u32,
    /// For an element of an array that has not ended: the array.
    pub parent: u32,
    /// The execution under way.
    pub execution: u32,
    /// All attempts so far.
    pub executions: u32,
    /// Attempts that count so far.
    pub attempts: u16,
    /// Attempts in all.
    pub max_attempts: u16,
    /// Attempts lost with a worker.
    pub losses: u16,
    /// 1-10.
    pub priority: u8,
    /// Where its life stands.
    pub status: TaskStatus,
    /// Whether a more urgent task may stop it.
    pub preemptible: bool,
    /// Whether it waits for approval of its dependencies' artifacts.
    pub gate: bool,
    /// Whether it stands in the queue of its group.
    pub queued: bool,
}

/// What a task depends on.
#[derive(Debug)]
pub struct Deps {
    /// The tasks.
    pub on: Vec<TaskId>,
    /// How many of them are not yet done, or done and not yet approved.
    pub waiting: u32,
    /// The agents that completed them, as far as they have completed; sorted, each once.
    pub after: Vec<AgentId>,
}

/// The elements of an array.
#[derive(Debug)]
pub struct ArrayState {
    /// Their numbers.
    pub range: ArrayRange,
    /// The first place, from 1, that is not yet a task of its own.
    pub next: u32,
    /// Places beyond `next` that already are, as inclusive ranges in order: an element was cancelled ahead of its time.
    pub holes: Vec<(u32, u32)>,
    /// How many places are not yet tasks of their own.
    pub remaining: u32,
    /// Places whose tasks have not ended.
    pub live: BTreeSet<u32>,
    /// How many elements have failed or were cancelled.
    pub failed: u32,
}

impl ArrayState {
    /// An array of which `materialised` places are tasks already.
    pub fn new(range: ArrayRange, materialised: &[(u32, u32)], failed: u32) -> Self {
        let mut array = Self {
            range,
            next: 1,
            holes: materialised.to_vec(),
            remaining: range.len() - materialised.iter().map(|(first, last)| last - first + 1).sum::<u32>(),
            live: BTreeSet::new(),
            failed,
        };
        array.absorb();
        array
    }

    /// The places that are tasks of their own, as inclusive ranges in order.
    pub fn materialised(&self) -> Vec<(u32, u32)> {
        let first = (self.next > 1).then_some((1, self.next - 1));
        first.into_iter().chain(self.holes.iter().copied()).collect()
    }

    /// Moves `next` over the holes that it has reached.
    fn absorb(&mut self) {
        while let Some((first, last)) = self.holes.first().copied()
            && first == self.next
        {
            self.next = last + 1;
            self.holes.remove(0);
        }
    }

    /// Whether the place is a task of its own already.
    pub fn is_materialised(&self, place: u32) -> bool {
        place < self.next || self.holes.iter().any(|(first, last)| (*first..=*last).contains(&place))
    }

    /// Makes a place a task of its own.
    pub fn materialise(&mut self, place: u32) {
        if place == self.next {
            self.next += 1;
        } else {
            let at = self.holes.partition_point(|(first, _)| *first < place);
            self.holes.insert(at, (place, place));
        }
        self.absorb();
        self.remaining -= 1;
    }

    /// The number that the element at a place is handed.
    pub const fn index(&self, place: u32) -> u32 {
        self.range.first + place - 1
    }
}

impl TaskState {
    /// From a row, or from a fresh submission. Dependencies are linked by the caller.
    pub fn new(task: &QueuedTask, group: u32, topic: u32) -> Self {
        let small = |count: u32| u16::try_from(count).unwrap_or(u16::MAX);
        Self {
            id: task.id,
            created_at: task.created_at,
            deadline: task.deadline.unwrap_or(Timestamp::LAST),
            not_before: task.not_before.unwrap_or(Timestamp::EPOCH),
            timeout: task.timeout.unwrap_or(Span::ZERO),
            estimate: task.estimate.map_or(Span::ZERO, |span| span.max(Span::from_micros(1))),
            deps: None,
            array: task.array.map(|range| Box::new(ArrayState::new(range, &task.materialised, task.array_failed))),
            group,
            topic,
            parent: NONE,
            execution: NONE,
            executions: task.executions,
            attempts: small(task.attempts),
            max_attempts: small(task.max_attempts),
            losses: small(task.losses),
            priority: task.priority,
            status: task.status,
            preemptible: task.preemptible,
            gate: task.approval_gate,
            queued: false,
        }
    }

    /// An element of `self`, an array in slot `parent`.
    pub fn element(&self, id: TaskId, parent: u32) -> Self {
        Self {
            id,
            deps: None,
            array: None,
            parent,
            execution: NONE,
            executions: 0,
            attempts: 0,
            losses: 0,
            not_before: Timestamp::EPOCH,
            status: TaskStatus::Pending,
            queued: false,
            ..*self
        }
    }

    /// Whether nothing that it depends on is open.
    pub fn is_free(&self) -> bool {
        self.deps.as_ref().is_none_or(|deps| deps.waiting == 0)
    }

    /// How many tasks this record stands for in counts: an array for its elements that are not yet tasks.
    pub fn weight(&self) -> u64 {
        self.array.as_ref().map_or(1, |array| u64::from(array.remaining))
    }
}
