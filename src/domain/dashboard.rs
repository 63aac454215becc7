//! What dashboards show: the work of agents by agent and by day, executions over cages, errors by likeness, and who works on
//! whose results. Every answer says how far back it is complete: none goes through everything that ever was.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::confidence::{Change, MedianTime, Rate};
use super::enumeration::enumeration;
use super::execution::OutcomeKind;
use super::id::{AgentId, CageId, ExecutionId, TaskId};
use super::performance::Day;
use super::time::Timestamp;

enumeration! {
    /// By what agents are the top ones.
    #[derive(Default)]
    pub enum TopBy ("by") {
        /// How surely they succeed: the lower end of the interval at 95 %, so that few by luck are not above many.
        #[default]
        Success = "success",
        /// How many executions ended.
        Executions = "executions",
        /// How many succeeded.
        Successes = "successes",
        /// How many failed.
        Failures = "failures",
        /// How long they took together.
        Time = "time",
        /// Tokens as they reported them; who reported none stands last.
        Tokens = "tokens",
    }
}

enumeration! {
    /// By what agents are taken together.
    #[derive(Default)]
    pub enum Per ("per") {
        /// Each by itself.
        #[default]
        Agent = "agent",
        /// By what they are for: their kind.
        Type = "type",
        /// By where they belong.
        Division = "division",
        /// By whose they are.
        Owner = "owner",
        /// Not agents but tasks, by their type.
        TaskType = "task_type" | "task-type",
    }
}

/// What some agents did within a time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Period {
    /// How many agents had an execution that ended.
    pub agents: u64,
    /// How many of their executions succeeded, of those that ended.
    pub success: Rate,
    /// How long those took that succeeded, of the last 50,000 that began within the time.
    pub time: MedianTime,
}

/// What a group of agents did within some days, beside as many days before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trend {
    /// The agent, its kind, division or owner, or the type of task; `-` where it is not known. An agent that was removed is
    /// `NAME (removed)`.
    pub group: String,
    /// Within these days.
    pub now: Period,
    /// Within those before.
    pub before: Period,
    /// Whether more succeed than before.
    pub success_change: Change,
    /// Whether they take less time than before.
    pub time_change: Change,
}

/// Groups of agents beside each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trends {
    /// By what they are taken together.
    pub per: Per,
    /// The first day, in UTC.
    pub from: Day,
    /// The first of the days before.
    pub before: Day,
    /// From when on all times were looked at; later than the first day where there are very many.
    pub timed_from: Timestamp,
    /// How many groups there are.
    pub groups: u64,
    /// The surest to succeed first.
    pub trends: Vec<Trend>,
}

/// What an agent did within some days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TopAgent {
    /// Who.
    pub agent_id: AgentId,
    /// Its name; of one that was removed the last that it had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Whether it was removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// How many of its executions ended.
    pub execution_count: u64,
    /// How many of them succeeded.
    pub success_count: u64,
    /// How sure their share is.
    #[serde(default)]
    pub success: Rate,
    /// How long those that had started took, in the mean, in milliseconds; `None` when none had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avg_duration_ms: Option<u64>,
    /// How long they took together, in milliseconds; `None` when none had started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_ms: Option<u64>,
    /// Tokens, as the agent reported them; `None` when it reported none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_tokens_used: Option<u64>,
    /// The last day on which an execution of it ended, in UTC.
    pub last_day: Day,
}

/// What all agents did on a day, or a group of them, or what was done with a type of task. A day on which no execution ended has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DayPerformance {
    /// The day, in UTC.
    pub date: Day,
    /// Which group of agents, where they are asked for apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How many agents had an execution that ended.
    pub agents: u64,
    /// How many executions ended.
    pub execution_count: u64,
    /// How many of them succeeded.
    pub success_count: u64,
    /// How sure their share is.
    #[serde(default)]
    pub success: Rate,
    /// How long those that had started took, in the mean, in milliseconds; `None` when none had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avg_duration_ms: Option<u64>,
    /// Tokens, as agents reported them; `None` when none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_tokens_used: Option<u64>,
}

/// An execution in a cage, or several that are too short to be told apart at the step that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineSpan {
    /// When it started, or was decided when no process ran yet; of several the first.
    pub from: Timestamp,
    /// When it ended, of several the last; `None` while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// How many there are.
    pub count: u64,
    /// How many of them failed; what somebody cancelled did not.
    pub failed: u64,
    /// How many of them somebody cancelled.
    #[serde(default)]
    pub cancelled: u64,
    /// Which, of several the last.
    pub execution_id: ExecutionId,
    /// Its task.
    pub task_id: TaskId,
    /// The type of its task; `None` when the task is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<String>,
    /// Who, by name; `NAME (removed)` of an agent that was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// The executions of a cage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineRow {
    /// The cage.
    pub cage_id: CageId,
    /// In the order of time.
    pub spans: Vec<TimelineSpan>,
}

/// Executions over cages within a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// From when on everything that began is here; later than was asked for where there was too much.
    pub complete_from: Timestamp,
    /// How many cages had something within the time.
    pub cages: u64,
    /// Those that were asked for, by number.
    pub rows: Vec<TimelineRow>,
}

/// Failed executions whose messages are alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorGroup {
    /// Which group of agents failed so, where they are asked for apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What the messages have in common, with `<number>`, `<id>`, `<path>` and `<*>` for what differs.
    pub pattern: String,
    /// How they ended.
    pub outcome: OutcomeKind,
    /// How many there are.
    pub count: u64,
    /// How many of all failed executions that were looked at.
    #[serde(default)]
    pub share: Rate,
    /// How many agents they are of.
    pub agents: u64,
    /// How many cages they were in.
    pub cages: u64,
    /// When the first of them ended.
    pub first: Timestamp,
    /// When the last of them ended.
    pub last: Timestamp,
    /// The last message as it was.
    pub example: String,
    /// The execution that it is of.
    pub execution_id: ExecutionId,
    /// The task of that.
    pub task_id: TaskId,
}

/// What went wrong, by likeness of message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorSummary {
    /// How many failed executions were looked at.
    pub looked_at: u64,
    /// From when on all of them were; later than was asked for where there are very many.
    pub complete_from: Timestamp,
    /// The most frequent first.
    pub groups: Vec<ErrorGroup>,
}

/// One agent, or group of agents, that worked on the results of another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CollaborationLink {
    /// Whose results; the agent's name, `NAME (removed)` when it was removed; or the group.
    pub from: String,
    /// Who worked on them, likewise.
    pub to: String,
    /// How many of its tasks depended on tasks of the other.
    pub tasks: u64,
    /// How many artifacts those had.
    pub artifacts: u64,
    /// How many of the artifacts a human approved.
    pub approved: u64,
    /// How many of its executions of those tasks succeeded, of those that ended.
    #[serde(default)]
    pub success: Rate,
    /// How many of all its executions did in those days.
    #[serde(default)]
    pub overall: Rate,
    /// Whether it succeeds more after the other than overall.
    #[serde(default)]
    pub change: Change,
}

/// Who works on whose results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Collaboration {
    /// How many dependencies between tasks were looked at.
    pub looked_at: u64,
    /// How many of them were between tasks of which one has not been given to anybody.
    pub open: u64,
    /// From when on all tasks with dependencies were looked at; later than was asked for where there are very many.
    pub complete_from: Timestamp,
    /// The most frequent first.
    pub links: Vec<CollaborationLink>,
}
