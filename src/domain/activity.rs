//! What is being done about a task at the moment: finer than its status, shown and never decided on.

use super::enumeration::enumeration;
use super::task::{Task, TaskStatus};
use super::verify::Verification;

enumeration! {
    /// What is being done about a task at the moment.
    pub enum Activity ("activity") {
        /// It waits for its turn; `task explain` says why.
        Queued = "queued",
        /// Its agent is being started, or gets ready.
        Starting = "starting",
        /// The agent thinks.
        Thinking = "thinking",
        /// The agent uses a tool.
        Tool = "tool",
        /// The agent waits for a human.
        WaitingHuman = "waiting_human",
        /// The agent waits for its model: a limit was reached, or the model cannot be reached.
        WaitingModel = "waiting_model",
        /// The agent was set aside and will go on later.
        Parked = "parked",
        /// The agent says that it cannot go on.
        Stuck = "stuck",
        /// The agent has ended, and what it did is being verified.
        Verifying = "verifying",
        /// Done, and nobody checked it.
        DoneUnverified = "done_unverified",
        /// Done, and what it was to be checked by held.
        Verified = "verified",
        /// It runs, and says nothing of what it does.
        Unknown = "unknown",
    }
}

impl Activity {
    /// Those that an agent can say of itself.
    pub const SAID: &'static [Self] = &[
        Self::Starting,
        Self::Thinking,
        Self::Tool,
        Self::WaitingHuman,
        Self::WaitingModel,
        Self::Parked,
        Self::Stuck,
    ];

    /// What is being done about a task whose execution has `said` so of itself; `None` for one that was given up.
    pub fn of(task: &Task, said: Option<Self>) -> Option<Self> {
        match task.status {
            TaskStatus::Pending => Some(Self::Queued),
            TaskStatus::Scheduled => Some(Self::Starting),
            TaskStatus::Executing => Some(said.unwrap_or(Self::Unknown)),
            TaskStatus::Completed if task.verification == Some(Verification::Verified) => Some(Self::Verified),
            TaskStatus::Completed => Some(Self::DoneUnverified),
            TaskStatus::Failed | TaskStatus::Cancelled => None,
        }
    }

    /// As it reads for people, with what is worked with or on.
    pub fn phrase(self, detail: Option<&str>) -> String {
        let word = match self {
            Self::Tool => "using",
            Self::WaitingHuman => "waiting for a human",
            Self::WaitingModel => "waiting for a model",
            Self::DoneUnverified => "done, unverified",
            other => other.as_str(),
        };
        match detail {
            Some(detail) => format!("{word} {detail}"),
            None if self == Self::Tool => "using a tool".to_owned(),
            None => word.to_owned(),
        }
    }
}
