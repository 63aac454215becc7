//! What the classifier says of tasks, agents and artifacts in memory.

use std::collections::BTreeSet;

use super::features::{self, ALWAYS};
use super::{Names, Try};
use crate::domain::learning::{Prospect, Slack};
use crate::domain::{ArtifactId, Span, TaskId, Timestamp};
use crate::engine::core::Core;
use crate::engine::core::state::ExecutionState;

/// So many tasks of a submission are looked at for bad matches, and of so many is it said.
const LOOKED_AT_MAX: usize = 10_000;
const SAID_MAX: usize = 5;
/// By how much likelier to succeed another has to be to be named.
const BETTER: f64 = 0.2;

impl Core {
    /// An execution of a task by an agent, or by anybody. Nothing is said of a task that brings its own command: it is the
    /// same whoever has it run.
    fn attempt(&self, task: u32, agent: Option<u32>) -> Option<Try> {
        if self.shape(task).wish.brings_command {
            return None;
        }
        let (state, subject) = (&self.tasks[task], self.subject(task));
        let lesson = agent.and_then(|agent| self.selection.lesson(&subject, agent));
        Some(Try {
            agent: agent.map(|agent| self.agents[agent].id),
            kind: features::kind(&subject.topic.kind).unwrap_or(ALWAYS),
            score: lesson.map_or(0.5, |lesson| f64::from(lesson.score) / 1e3),
            attempt: state.attempts + 1,
            priority: state.priority,
        })
    }

    fn prospect(&self, task: u32, agent: Option<u32>, one: &Try) -> Option<Prospect> {
        let kind = &self.selection.topics.get(self.tasks[task].topic).kind;
        let agent = agent.map_or("", |agent| self.agents[agent].spec.name.as_str());
        self.classifier.prospect(one, Names { agent, kind })
    }

    /// How likely a task is to succeed with an agent, or with anybody.
    pub(in crate::engine::core) fn prospect_of_task(&self, task: u32, agent: Option<u32>) -> Option<Prospect> {
        self.prospect(task, agent, &self.attempt(task, agent)?)
    }

    /// Whether a task is likely to fail with an agent, and clearly likelier to succeed with a better one.
    pub(in crate::engine::core) fn rather_succeeds(&self, task: u32, agent: u32, better: u32) -> bool {
        let with = |agent: u32| self.prospect_of_task(task, Some(agent));
        with(agent)
            .filter(|poor| poor.bad)
            .zip(with(better))
            .is_some_and(|(poor, better)| better.chance >= poor.chance + BETTER)
    }

    /// What is to be said of tasks that name an agent which is likely to fail at them, each sort once.
    pub(in crate::engine::core) fn bad_matches(&self, tasks: &[TaskId]) -> Vec<String> {
        let (mut seen, mut said) = (BTreeSet::new(), vec![]);
        for task in tasks.iter().take(LOOKED_AT_MAX).filter_map(|id| self.task_ids.get(*id)) {
            let Some(agent) = self.shape(task).wish.agent.and_then(|id| self.agent_ids.get(id)) else { continue };
            if said.len() < SAID_MAX && seen.insert((agent, self.tasks[task].topic)) {
                said.extend(self.bad_match(task, agent));
            }
        }
        said
    }

    fn bad_match(&self, task: u32, agent: u32) -> Option<String> {
        let one = self.attempt(task, Some(agent))?;
        let prospect = self.prospect(task, Some(agent), &one).filter(|prospect| prospect.bad)?;
        let kind = &self.selection.topics.get(self.tasks[task].topic).kind;
        let name = &self.agents[agent].spec.name;
        let text = format!("agent: {name} with type {kind} {}", prospect.sentence("succeeds"));
        let shape = self.unbound_shape(task);
        let able = |slot: u32| shape.is_covered_by(self.agents[slot].capability_set);
        let others = self.classifier.others(&one).into_iter();
        let others = others.filter_map(|(id, chance)| Some((self.agent_ids.get(id)?, chance)));
        let better = others.filter(|(slot, chance)| *chance >= prospect.chance + BETTER && able(*slot));
        // Among equals the first, which is the oldest.
        let best = better.reduce(|best, other| if other.1 > best.1 { other } else { best });
        Some(match best {
            Some((slot, chance)) => {
                let other = Prospect { chance, bad: false, seldom: false, evidence: String::new() };
                format!("{text}; {} does in {}", self.agents[slot].spec.name, other.of_hundred())
            }
            None => text,
        })
    }

    /// How likely an artifact that waits to be judged is to be approved. `kind` is the type of its task.
    pub fn approval_of(&self, id: ArtifactId, kind: &str) -> Option<Prospect> {
        let artifact = self.artifacts.get(&id)?;
        let agent = self.agent_spec(artifact.agent_id).map_or("an agent that is no more", |spec| spec.name.as_str());
        self.classifier.approval_prospect(artifact.agent_id, artifact.product, Names { agent, kind })
    }

    /// How a task that has just completed stood to its deadline; `None` where there is nothing to learn from that.
    pub(in crate::engine::core) fn slack(&self, run: &ExecutionState, ended_at: Timestamp) -> Option<Slack> {
        let deadline = self.tasks[run.task].deadline;
        if deadline == Timestamp::LAST {
            return None;
        }
        let slack = self.slack_of(run.task, Some(run.agent), deadline, run.created_at);
        (slack.left > 0).then_some(Slack { missed: ended_at > deadline, ..slack })
    }

    /// How a task stands to its deadline, were it begun at `now`.
    pub(in crate::engine::core) fn slack_of(
        &self,
        task: u32,
        agent: Option<u32>,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Slack {
        let expected = match self.tasks[task].estimate {
            Span::ZERO => self.forecast(task, agent.map(|agent| self.agents[agent].id)).map(|forecast| forecast.half),
            estimate => Some(estimate),
        };
        Slack {
            kind: features::kind(&self.selection.topics.get(self.tasks[task].topic).kind).unwrap_or(ALWAYS),
            left: seconds(deadline.since(now)),
            expected: expected.map_or(0, |expected| seconds(expected).max(1)),
            priority: self.tasks[task].priority,
            missed: false,
        }
    }
}

/// Whole seconds, none where it is negative.
pub(in crate::engine::core) fn seconds(span: Span) -> u32 {
    u32::try_from((span.as_micros() / 1_000_000).max(0)).unwrap_or(u32::MAX)
}
