//! How many tasks, agents, cages and artifacts there are, by status.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares a struct of counts, each zero when it is left out.
macro_rules! counts {
    ($($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(default)]
        pub struct $name { $($(#[$fmeta])* pub $field: u64),+ }
    )+};
}

counts! {
    /// Tasks by status.
    TaskCounts {
        /// Waiting for their turn, their dependencies or their retry.
        pending,
        /// Placed, their process not yet running.
        scheduled,
        /// Running.
        executing,
        /// Done.
        completed,
        /// Given up.
        failed,
        /// Taken back by a person.
        cancelled,
    }
    /// Agents by status.
    AgentCounts {
        /// Out of reach.
        offline,
        /// Ready, nothing to do.
        idle,
        /// Working, with slots left.
        active,
        /// All slots taken.
        busy,
        /// Waiting for a human.
        blocked,
        /// Paused after repeated failures.
        error,
        /// Drained by an operator.
        maintenance,
    }
    /// Cages by status.
    CageCounts {
        /// An agent lives in them.
        occupied,
        /// Nobody lives in them.
        vacant,
        /// Withheld by an operator.
        maintenance,
    }
    /// Artifacts by review.
    ArtifactCounts {
        /// Nobody has judged them.
        pending,
    }
}

/// Everything that is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Tasks. An array counts for its elements, not for itself.
    pub tasks: TaskCounts,
    /// Agents.
    pub agents: AgentCounts,
    /// Cages.
    pub cages: CageCounts,
    /// Artifacts.
    pub artifacts: ArtifactCounts,
}
