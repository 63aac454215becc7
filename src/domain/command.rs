//! What can be asked of the engine, and what it answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agent::AgentSpec;
use super::fleet::Fleet;
use super::id::{AgentId, ArtifactId, CageId, TaskId};
use super::refusal::Refusal;
use super::task::NewTask;

/// A change that somebody asks for. Ids are whole: prefixes and names of agents are resolved before a command is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Submits tasks: all, or with `keep_going` those that can be.
    SubmitTasks {
        /// In order.
        tasks: Vec<NewTask>,
        /// Whether a refused task leaves the others be.
        #[serde(default)]
        keep_going: bool,
    },
    /// Takes tasks back; running ones are stopped.
    CancelTasks {
        /// Which.
        ids: Vec<TaskId>,
        /// Why.
        #[serde(default)]
        note: Option<String>,
    },
    /// Gives failed or cancelled tasks another life.
    RetryTasks {
        /// Which.
        ids: Vec<TaskId>,
    },
    /// Says who has to do tasks, or where. A running one is stopped and starts again there.
    ReassignTasks {
        /// Which.
        ids: Vec<TaskId>,
        /// The agent that must do them; `None` leaves the choice to the scheduler.
        #[serde(default)]
        agent: Option<AgentId>,
        /// The cage they must run in.
        #[serde(default)]
        cage: Option<CageId>,
    },
    /// Changes the priority of tasks.
    PrioritiseTasks {
        /// Which.
        ids: Vec<TaskId>,
        /// 1-10.
        priority: u8,
    },
    /// Declares cages, agents and defaults.
    Apply {
        /// What is declared.
        fleet: Fleet,
        /// Only say what would change.
        #[serde(default)]
        dry_run: bool,
    },
    /// Adds one agent; a name that is taken is refused.
    AddAgent {
        /// The agent.
        agent: Box<AgentSpec>,
    },
    /// Removes agents that have nothing running.
    RemoveAgents {
        /// Which.
        ids: Vec<AgentId>,
    },
    /// Gives agents another home, or none.
    ReassignAgents {
        /// Which.
        ids: Vec<AgentId>,
        /// Their home from now on.
        #[serde(default)]
        cage: Option<CageId>,
    },
    /// Lets agents end what they have and take nothing new.
    DrainAgents {
        /// Which.
        ids: Vec<AgentId>,
    },
    /// Lets drained or tripped agents work again.
    ResumeAgents {
        /// Which.
        ids: Vec<AgentId>,
    },
    /// Withholds cages, or gives them back.
    SetCageMaintenance {
        /// Which.
        ids: Vec<CageId>,
        /// Whether they are withheld.
        on: bool,
    },
    /// Sends the agent of each cage away: its work is stopped and queued again, its home is none.
    VacateCages {
        /// Which.
        ids: Vec<CageId>,
    },
    /// Judges artifacts.
    ReviewArtifacts {
        /// Which.
        ids: Vec<ArtifactId>,
        /// Approve, or reject.
        approve: bool,
        /// Why.
        #[serde(default)]
        note: Option<String>,
    },
}

/// What the engine answers to a command that it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// To `submit_tasks`.
    Submitted {
        /// The new tasks, in the order of submission.
        ids: Vec<TaskId>,
        /// Those refused under `keep_going`, by their place in the submission, from 0.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<RefusedItem>,
    },
    /// To commands on several things: one answer each.
    Items {
        /// What was done.
        done: Vec<String>,
        /// What was not, and why.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<RefusedItem>,
    },
    /// To `apply`.
    Applied {
        /// What changed, or would.
        changes: Vec<Change>,
        /// How many declared things were so already.
        unchanged: usize,
    },
}

/// One thing of several that was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedItem {
    /// Its id, or its place in a submission.
    pub item: String,
    /// Why.
    pub refusal: Refusal,
}

/// One difference between what is declared and what is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// `cage 001`, `agent tester`, `defaults`.
    pub what: String,
    /// `add` or `change`.
    pub action: String,
    /// Field by field: `limits.memory: 128MiB -> 256MiB`.
    #[serde(default)]
    pub fields: Vec<String>,
}
