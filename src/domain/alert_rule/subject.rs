//! What a rule is evaluated for.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::enumeration::enumeration;

enumeration! {
    /// What a rule is evaluated for: each cage by itself, each agent, or all as one.
    pub enum Scope ("scope") {
        /// Each cage, by the label `cage`.
        Cage = "cage",
        /// Each agent, by the label `agent`.
        Agent = "agent",
        /// Each node, by the label `node`.
        Node = "node",
        /// Each GPU of each node, by the labels `gpu` and `node`.
        Gpu = "gpu",
        /// Each task, by the label `task`.
        Task = "task",
        /// The queue.
        Queue = "queue",
        /// The fleet as a whole.
        Fleet = "fleet",
    }
}

impl Scope {
    /// The label whose values are told apart; `None` where there is but one subject. GPUs are numbered on each node from 0, so
    /// that of them the node counts as well.
    pub const fn label(self) -> Option<&'static str> {
        match self {
            Self::Queue | Self::Fleet => None,
            other => Some(other.as_str()),
        }
    }
}

/// Between the number of a GPU and its node, in the name of a subject.
const OF: &str = " of ";

/// What a rule is evaluated for: one cage, one agent, the queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// What sort of thing.
    pub scope: Scope,
    /// Which one, by number, name or id; a GPU by its number and its node, `3 of here`; empty where there is but one.
    pub name: String,
}

impl Subject {
    /// One of several.
    pub fn new(scope: Scope, name: impl Into<String>) -> Self {
        Self { scope, name: name.into() }
    }

    /// A GPU of a node, by its number there.
    pub fn gpu(number: &str, node: &str) -> Self {
        Self::new(Scope::Gpu, format!("{number}{OF}{node}"))
    }

    /// The node that it is, or that it is a part of, as far as its name says.
    pub fn node(&self) -> Option<&str> {
        match self.scope {
            Scope::Node => Some(&self.name),
            Scope::Gpu => self.name.split_once(OF).map(|(_, node)| node),
            Scope::Cage | Scope::Agent | Scope::Task | Scope::Queue | Scope::Fleet => None,
        }
    }

    /// That of an alert's source: `cage 003`, `queue`; `None` of what no rule is evaluated for.
    pub fn of_source(source: &str) -> Option<Self> {
        let (scope, name) = source.split_once(' ').unwrap_or((source, ""));
        Some(Self::new(scope.parse::<Scope>().ok()?, name))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scope.as_str())?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " {}", self.name) }
    }
}
