//! What alert rules look at in the engine's memory: who fails, who is slow to start, what waits, what is late.

use std::collections::{BTreeMap, BTreeSet};

use super::Core;
use super::look::{Due, NodeView};
use crate::domain::{CageId, CageLimits, Scope, Span, Subject, Timestamp};

/// How far ahead deadlines are looked at, and how many of them.
const HORIZON: Span = Span::from_secs(86_400);
const DUE_MAX: usize = 1000;

/// An agent that works, fails, or has done so.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentVitals {
    /// Its name.
    pub name: String,
    /// How far it is from its circuit breaker, 0-1.
    pub health: f64,
    /// The longest that an execution of it took, or takes so far, until its process ran.
    pub response: Option<Span>,
}

/// A cage in which something runs.
#[derive(Clone, Debug, PartialEq)]
pub struct CageVitals {
    /// Its number.
    pub id: CageId,
    /// Where it is.
    pub node: String,
    /// What its processes may use.
    pub limits: CageLimits,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vitals {
    /// Whether something runs or waits to run.
    pub is_busy: bool,
    /// Since when the oldest of the tasks that could start has waited.
    pub oldest: Option<Timestamp>,
    /// The machines.
    pub nodes: Vec<NodeView>,
    /// Agents that work, have failed of late, or of which a rule has said something that is not over, by name.
    pub agents: Vec<AgentVitals>,
    /// Cages in which something runs, by number.
    pub cages: Vec<CageVitals>,
    /// Tasks whose deadline comes near, the most urgent first.
    pub due: Vec<Due>,
}

impl Core {
    /// The agents of which a rule has said something that outlasts their work: that they are well again has to be a figure, or
    /// it would be over only when the last bad one is too old, and for want of samples.
    fn agents_told_of(&self) -> BTreeSet<String> {
        let outlasts = |trigger: &str| {
            self.rules.get(trigger).is_some_and(|rule| rule.scope == Scope::Agent && !rule.is_of_work())
        };
        let of_agents = self.alerts.by_trigger().filter(|(trigger, _)| outlasts(trigger));
        let alerts = of_agents.flat_map(|(_, ids)| ids).filter_map(|id| self.alerts.get(*id));
        let shared =
            self.rules.groups.iter().filter(|(rule, _)| outlasts(rule)).flat_map(|(_, group)| group.subjects());
        let told = alerts.filter_map(|alert| Subject::of_source(&alert.source)).chain(shared.cloned());
        told.map(|subject| subject.name).collect()
    }

    /// What rules look at now. Costs a walk through agents and cages, and nothing of the queue.
    pub fn vitals(&self, now: Timestamp) -> Vitals {
        let mut responses: BTreeMap<u32, Span> = BTreeMap::new();
        for (_, run) in self.executions.iter() {
            let took = run.started_at.unwrap_or(now).since(run.created_at);
            let longest = responses.entry(run.agent).or_insert(took);
            *longest = took.max(*longest);
        }
        let limit = f64::from(self.defaults.breaker.failures.max(1));
        let told = self.agents_told_of();
        let agents = self.agent_names.iter().filter_map(|(name, slot)| {
            let (failures, response) = (self.agents[*slot].failures, responses.get(slot).copied());
            let health = (1.0 - f64::from(failures) / limit).max(0.0);
            let counts = failures > 0 || response.is_some() || told.contains(name);
            counts.then(|| AgentVitals { name: name.clone(), health, response })
        });
        let cages = self.cages().filter(|cage| !cage.executions.is_empty()).map(|cage| CageVitals {
            id: cage.spec.id,
            node: self.nodes[cage.node as usize].node.name.clone(),
            limits: cage.spec.limits.clone(),
        });
        Vitals {
            is_busy: !responses.is_empty() || self.queue.oldest().is_some(),
            oldest: self.queue.oldest(),
            nodes: self.view_nodes(),
            agents: agents.collect(),
            cages: cages.collect(),
            due: self.due(now, HORIZON, DUE_MAX),
        }
    }
}
