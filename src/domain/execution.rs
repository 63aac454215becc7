//! Executions: single attempts at a task, and how they ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::activity::Activity;
use super::enumeration::enumeration;
use super::id::{AgentId, CageId, ExecutionId, NodeId, TaskId};
use super::quantity::Span;
use super::refusal::Refusal;
use super::selection::Choice;
use super::time::Timestamp;
use super::verify::Verification;
use super::workspace::Workspace;

enumeration! {
    /// The life of an execution.
    pub enum ExecutionStatus ("execution status") {
        /// Decided and durable; the worker has not yet said that a process runs.
        Starting = "starting",
        /// A process runs.
        Running = "running",
        /// Ended well.
        Completed = "completed",
        /// Ended otherwise; the outcome says how.
        Failed = "failed",
    }
}

impl ExecutionStatus {
    /// Whether the life of an execution may go from `self` to `next`.
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Starting, Self::Running | Self::Completed | Self::Failed)
                | (Self::Running, Self::Completed | Self::Failed)
        )
    }

    /// Checks a change of status.
    pub fn become_checked(self, next: Self) -> Result<Self, Refusal> {
        if self.may_become(next) {
            Ok(next)
        } else {
            Err(Refusal::conflict("execution status", format!("{self} -> {next}"), ""))
        }
    }

    /// Whether nothing can follow.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

enumeration! {
    /// How an execution ended.
    pub enum OutcomeKind ("outcome") {
        /// Exit status 0, no limit broken, nothing in what the agent said last against it, and verified where the task asks.
        Succeeded = "succeeded",
        /// Another exit status, a signal from within the cage, an agent that says so itself, or a verification that failed.
        Failed = "failed",
        /// It took longer than its timeout or the cage's wall limit.
        TimedOut = "timed_out",
        /// It broke a limit of its cage; the outcome names which.
        LimitExceeded = "limit_exceeded",
        /// No process could be started.
        NotStarted = "not_started",
        /// Its cage could not be set up; the message says why.
        CageFailed = "cage_failed",
        /// A person cancelled it.
        Cancelled = "cancelled",
        /// It made room for a more urgent task.
        Preempted = "preempted",
        /// Its worker was lost with it.
        WorkerLost = "worker_lost",
    }
}

impl OutcomeKind {
    /// Whether an attempt that ended so counts towards `max_attempts`. Making room, losing a machine and a cage that
    /// cannot be set up are not the task's doing.
    pub const fn costs_attempt(self) -> bool {
        !matches!(self, Self::Preempted | Self::WorkerLost | Self::Cancelled | Self::CageFailed)
    }

    /// Whether it says how good the agent is at its work: what others ended, or never let begin, does not.
    pub const fn judges_agent(self) -> bool {
        matches!(self, Self::Succeeded) || self.blames_agent()
    }

    /// Whether the agent is to blame, as far as its circuit breaker is concerned.
    pub const fn blames_agent(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut | Self::LimitExceeded | Self::NotStarted)
    }
}

/// What an execution used, as the kernel counted it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Usage {
    /// User and system processor time in microseconds.
    pub cpu_us: u64,
    /// The most resident memory of one of its processes (`ru_maxrss`), in bytes, where it could be measured; at most what its
    /// cage was ever charged, for resident memory counts pages that are shared, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_peak: Option<u64>,
    /// Bytes of output taken in, standard output and standard error together.
    pub output_bytes: u64,
}

/// How an execution ended, with the figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// How.
    pub kind: OutcomeKind,
    /// The exit status, if the process ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// The limit that was broken: `memory`, `pids`, `disk`, `wall`, `output`, `tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// One sentence for people; empty on success.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What the agent gave as its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Whether it was checked from outside the agent; left out when it was not.
    #[serde(default, skip_serializing_if = "Verification::is_unverified")]
    pub verification: Verification,
    /// What it used.
    #[serde(default)]
    pub usage: Usage,
    /// Tokens, as the agent reported them; `None` when it reported none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_used: Option<u64>,
    /// Of those, what its models read, where it tells them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// And what they wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Cost in US dollars, as the agent reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// What the agent said last about its progress, or its summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// How far the agent said that it was, 0-100; `None` when it said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<u8>,
}

impl Outcome {
    /// An outcome of `kind` with a sentence and no figures.
    pub fn new(kind: OutcomeKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            exit_code: None,
            signal: None,
            limit: None,
            message: message.into(),
            result: None,
            verification: Verification::Unverified,
            usage: Usage::default(),
            tokens_used: None,
            input_tokens: None,
            output_tokens: None,
            cost: None,
            summary: None,
            progress: None,
        }
    }

    /// Whether the attempt succeeded.
    pub fn succeeded(&self) -> bool {
        self.kind == OutcomeKind::Succeeded
    }
}

/// What an execution used and how it went. What nobody measured is left out or null and is not zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ExecutionMetrics {
    /// Wall time of its process, once it ended.
    pub duration: Option<Span>,
    /// What it used as the kernel counted it, once it ended; null when no process was started.
    pub resource_usage: Option<Usage>,
    /// Figures derived from those: `cores` is processor time over wall time.
    pub performance: Map<String, Value>,
}

/// What came of an execution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ExecutionResult {
    /// What the agent gave as its result.
    pub output: Option<Value>,
    /// Why it did not succeed, a sentence each.
    pub errors: Vec<String>,
}

/// One attempt at a task by one agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Execution {
    /// Identifier.
    pub id: ExecutionId,
    /// The task.
    pub task_id: TaskId,
    /// Who attempts it.
    pub agent_id: AgentId,
    /// Where.
    pub cage_id: CageId,
    /// On which machine.
    pub node_id: NodeId,
    /// The session that it belongs to; null for one that stands for itself.
    #[serde(default)]
    pub session: Option<String>,
    /// The runtime: `command`.
    pub execution_type: String,
    /// Where its life stands.
    pub status: ExecutionStatus,
    /// 0-100, as the agent reports it; null while it has not said anything about it.
    #[serde(default)]
    pub progress: Option<u8>,
    /// Which attempt at the task, from 1.
    pub attempt: u32,
    /// How it ended.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// What it used and how it went.
    #[serde(default)]
    pub metrics: ExecutionMetrics,
    /// What came of it.
    #[serde(default)]
    pub result: ExecutionResult,
    /// Tokens, as the agent reported them.
    #[serde(default)]
    pub tokens_used: Option<u64>,
    /// Cost in US dollars, as the agent reported it.
    #[serde(default)]
    pub cost: Option<f64>,
    /// 1-5, from a person.
    #[serde(default)]
    pub user_satisfaction_rating: Option<u8>,
    /// How good its artifacts are, 0-1: the mean of those of which somebody said so, who judged them or the agent.
    #[serde(default)]
    pub quality_score: Option<f64>,
    /// What it was given to work on; only when one execution is asked for by itself.
    #[serde(default)]
    pub input_context: Option<Value>,
    /// The repository that it works on, in a copy of its own; only when one execution is asked for by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Workspace>,
    /// What the agent said last about its progress, or its summary.
    #[serde(default)]
    pub output_summary: Option<String>,
    /// What it does at the moment, while it runs and says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<Activity>,
    /// What that is done with: a tool, a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_detail: Option<String>,
    /// Why this agent, where it was chosen among several or another would have suited better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When its process started.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default)]
    pub completed_at: Option<Timestamp>,
}

impl Execution {
    /// What it does at the moment, in words; `None` when it does not say.
    pub fn doing(&self) -> Option<String> {
        self.activity.map(|activity| activity.phrase(self.activity_detail.as_deref()))
    }
}
