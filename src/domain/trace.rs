//! Trace contexts: which trace a task's life is, and which spans its parts are (W3C Trace Context, level 1).
//!
//! All follow from the ids that tasks, executions and artifacts have already, so that whoever knows one knows the other, a
//! link to another task needs no look into the store, and what is told twice is the same. A trace's id is its task's id
//! without the dashes. A span's id is the second half of the id of what it is about; of the two bits there that are the
//! same in every UUID, the parts of one thing have a value each.

use std::fmt;

use uuid::Uuid;

use super::id::{ArtifactId, ExecutionId, TaskId};

/// The trace of a task's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl TraceId {
    /// Of a task.
    pub const fn of(task: TaskId) -> Self {
        Self(task.0.as_u128())
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A span within a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

/// The values of the two bits that say of a UUID that it is one: the thing itself, and two parts of it.
const ITSELF: u64 = 0b10;
const FIRST_PART: u64 = 0b00;
const SECOND_PART: u64 = 0b01;

impl SpanId {
    /// The life of a task as a whole.
    pub fn task(task: TaskId) -> Self {
        Self::part(task.0, ITSELF)
    }

    /// Its submission.
    pub fn submit(task: TaskId) -> Self {
        Self::part(task.0, FIRST_PART)
    }

    /// The wait before an execution.
    pub fn wait(execution: ExecutionId) -> Self {
        Self::part(execution.0, FIRST_PART)
    }

    /// From the decision about an execution until its process runs.
    pub fn place(execution: ExecutionId) -> Self {
        Self::part(execution.0, SECOND_PART)
    }

    /// The agent at work: the parent of what it traces itself.
    pub fn run(execution: ExecutionId) -> Self {
        Self::part(execution.0, ITSELF)
    }

    /// The review of an artifact.
    pub fn review(artifact: ArtifactId) -> Self {
        Self::part(artifact.0, ITSELF)
    }

    fn part(id: Uuid, part: u64) -> Self {
        let (_, low) = id.as_u64_pair();
        // Zero means no span at all.
        Self((low << 2 >> 2 | part << 62).max(1))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What an agent finds in `TRACEPARENT`: what it traces itself belongs to its execution.
pub fn traceparent(task: TaskId, execution: ExecutionId) -> String {
    format!("00-{}-{}-01", TraceId::of(task), SpanId::run(execution))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn ids_follow_from_those_of_task_and_execution() {
        let task: TaskId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let execution: ExecutionId = "01890a5d-ac96-774b-8cce-b302099a8058".parse().unwrap();
        assert_eq!(TraceId::of(task).to_string(), "01890a5dac96774bbcceb302099a8057");
        assert_eq!(SpanId::task(task).to_string(), "bcceb302099a8057");
        assert_eq!(SpanId::run(execution).to_string(), "8cceb302099a8058");
        assert_eq!(traceparent(task, execution), "00-01890a5dac96774bbcceb302099a8057-8cceb302099a8058-01");
    }

    #[test]
    fn parts_of_one_thing_have_ids_of_their_own_and_none_is_zero() {
        for random in [0, 1, u128::MAX] {
            let (task, execution) = (TaskId::new(Timestamp::EPOCH, random), ExecutionId::new(Timestamp::EPOCH, random));
            let spans = [SpanId::wait(execution), SpanId::place(execution), SpanId::run(execution)];
            assert!(spans[0] != spans[1] && spans[1] != spans[2] && spans[0] != spans[2], "{spans:?}");
            assert_ne!(SpanId::task(task), SpanId::submit(task));
            assert!(spans.iter().all(|span| span.0 != 0), "{spans:?}");
        }
    }
}
