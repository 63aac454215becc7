//! What would be: who else could do something, and what a command would change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumeration::enumeration;
use super::refusal::Refusal;
use super::selection::{FactorScore, Learned};

enumeration! {
    /// How a candidate stands at the moment.
    pub enum Standing ("standing") {
        /// It could begin at once.
        Free = "free",
        /// It does all that it can do at a time.
        Busy = "busy",
        /// It has a slot free, but no cage lets it start now; of a cage: it is withheld, or out of reach.
        Later = "later",
        /// Its circuit breaker is open: too many of its attempts failed in a row.
        Paused = "paused",
        /// It is drained and takes no tasks.
        Drained = "drained",
        /// It is not able to at all.
        Cannot = "cannot",
    }
}

/// An agent or cage that something could be given to: `GET /v1/tasks/{id}/candidates`, `GET /v1/agents/{id}/candidates`. The best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// `agent` for a task, `cage` for an agent.
    pub kind: String,
    /// The agent's name or the cage's number.
    pub name: String,
    /// Whether it can at all.
    pub able: bool,
    /// Whether it could at once.
    pub free: bool,
    /// The same in a word, with why not at once.
    pub standing: Standing,
    /// Why, or why not; each with its figure.
    pub reasons: Vec<String>,
    /// What it does now: executions running.
    pub running: u32,
    /// How many tasks wait for just this one.
    pub queued: u64,
    /// How many of its executions succeeded, 0-1; `None` when it had none.
    #[serde(default)]
    pub success_rate: Option<f64>,
    /// How long its executions took in the mean, in seconds.
    #[serde(default)]
    pub mean_duration_s: Option<f64>,
    /// What its executions cost in the mean, in US dollars, as reported.
    #[serde(default)]
    pub mean_cost: Option<f64>,
    /// How well an agent suits the task, 0-1; absent for cages, and for those that are not among the best 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// What makes up the score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<FactorScore>,
    /// What was learned of it with tasks such as this; absent where there is no score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<Learned>,
    /// What would have to change for it to score best; absent for the one that does, and for those behind the best ten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_win: Option<String>,
}

/// What a command would do, had it been given: `POST /v1/what-if` takes a command and changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WhatIf {
    /// One line for each thing it names, in that order.
    pub items: Vec<Preview>,
    /// Figures of the fleet before and after.
    pub figures: Vec<Figure>,
    /// Whether an inverse command could take it back.
    pub reversible: bool,
    /// How many executions run and would be stopped; no inverse gives back what they have done.
    #[serde(default)]
    pub stops: u64,
}

impl WhatIf {
    /// What is lost with the executions that would be stopped, in words; `None` when there are none.
    pub fn loss(&self) -> Option<String> {
        match self.stops {
            0 => None,
            1 => Some("1 that runs is stopped at once, and what it has done is lost".to_owned()),
            some => Some(format!("{some} that run are stopped at once, and what they have done is lost")),
        }
    }
}

/// What would happen to one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// Its id or name.
    pub item: String,
    /// What would change, for people: `pending, priority 5 -> 9`. Empty when it is refused.
    pub change: String,
    /// Why it would be refused.
    #[serde(default)]
    pub refusal: Option<Refusal>,
}

enumeration! {
    /// How a figure is to be read.
    pub enum Unit ("unit") {
        /// A number of things.
        Count = "count",
        /// 0-1.
        Share = "share",
        /// Seconds.
        Seconds = "seconds",
        /// Cores.
        Cores = "cores",
        /// Bytes.
        Bytes = "bytes",
        /// Task-hours: what it costs that one task of priority 5 waits for an hour.
        TaskHours = "task_hours",
    }
}

/// A figure before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// What is counted: `tasks waiting for agent builder`, `memory reserved in cage 004`, `deadlines at risk`.
    pub what: String,
    /// How to read the numbers.
    pub unit: Unit,
    /// Now; `None` when unknown.
    #[serde(default)]
    pub before: Option<f64>,
    /// Then; `None` when unknown.
    #[serde(default)]
    pub after: Option<f64>,
}
