//! Which rules are about work that is under way, so that they are over with it.

use super::{AlertRule, NoData, Scope};
use crate::domain::time::Timestamp;

/// How the names of metrics begin that tell what executions use and do, and nothing once they have ended. Not among them is what only
/// grows, what stands for a span of time, such as tokens, and what an agent is without work, such as its health.
const OF_WORK: [&str; 10] = [
    "menagerie_cage_cpu_usage_",
    "menagerie_cage_cpu_used_",
    "menagerie_cage_memory_",
    "menagerie_cage_gpu_memory_",
    "menagerie_cage_pids",
    "menagerie_agent_output_",
    "menagerie_agent_silence_",
    "menagerie_agent_repeated_",
    "menagerie_agent_progress_",
    "menagerie_agent_running_",
];

impl AlertRule {
    /// Whether what it looks at is of work that is under way.
    pub fn is_of_work(&self) -> bool {
        OF_WORK.iter().any(|beginning| self.metric.starts_with(beginning))
    }

    /// Whether it says nothing new of a cage or an agent for which nothing runs: figures that come late, and peaks that stand,
    /// raise nothing any more. A rule that fires for want of samples wants just that to be told.
    pub fn rests_without_work(&self) -> bool {
        self.no_data != NoData::Fire && self.is_of_work() && matches!(self.scope, Scope::Cage | Scope::Agent)
    }

    /// Whether what it has raised is over as soon as nothing runs there: if it takes it to be over for want of samples, too.
    pub fn ends_with_work(&self) -> bool {
        self.no_data == NoData::Clear && self.rests_without_work()
    }

    /// Whether a figure that was measured last at a time is of what ran before: before anything began, at `first`, that runs now,
    /// of which nothing was measured yet.
    pub fn is_of_before(&self, first: Option<Timestamp>, measured: Option<Timestamp>) -> bool {
        self.is_of_work() && first.zip(measured).is_some_and(|(first, measured)| measured < first)
    }
}
