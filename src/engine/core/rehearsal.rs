//! Trying the choice of agents on recorded outcomes: the selection and the learning that the scheduler uses, on a fleet of
//! nothing but names, with neither queue nor cages.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Core;
use super::selection::{Subject, Topic};
use crate::domain::event::AgentDeclared;
use crate::domain::learning::truth_of_end;
use crate::domain::performance::Day;
use crate::domain::{Actor, AgentId, AgentSpec, Record, Timestamp, UserId};

/// What is chosen for.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// What is to be done, in any words.
    pub text: &'q str,
    /// The type of task; empty for none.
    pub kind: &'q str,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// By its place among those that could be chosen.
    pub chosen: usize,
    /// The score, with what was learned.
    pub score: f64,
    /// Factor by factor; `None` where nothing is known.
    pub factors: [Option<f64>; 7],
    /// What of the score was learned.
    pub learned: f64,
}

/// What is learned of an agent that did a task.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Whether it succeeded.
    pub success: bool,
    /// How long it took, in microseconds, where that is known.
    pub micros: Option<u64>,
}

/// A fleet on which choices are tried.
#[derive(Debug)]
pub struct Rehearsal {
    core: Core,
    user: UserId,
}

impl Default for Rehearsal {
    fn default() -> Self {
        Self { core: Core::new(), user: UserId::new(Timestamp::EPOCH, 0) }
    }
}

impl Rehearsal {
    /// The slot of an agent, which is declared if it is new.
    fn slot(&mut self, name: &str) -> Option<u32> {
        if let Some(slot) = self.core.agent_names.get(name) {
            return Some(*slot);
        }
        let seq = self.core.seq() + 1;
        let agent_id = AgentId::new(Timestamp::EPOCH, u128::from(seq));
        let event = AgentDeclared { agent_id, spec: AgentSpec::new(name), owner: self.user }.into();
        self.core.apply(&Record { seq, time: Timestamp::EPOCH, actor: Actor::Engine, event });
        self.core.agent_ids.get(agent_id)
    }

    fn subject(&self, question: Question<'_>) -> Subject {
        let selection = &self.core.selection;
        let context = selection.reader.context(question.text, |stem| selection.knows(stem));
        let topic = Topic::new(question.kind, &context, &selection.reader);
        Subject { topic: Arc::new(topic), user: None, after: vec![], first_chance: true }
    }

    /// Chooses among agents, each named once; `None` when there is none.
    pub fn choose(&mut self, question: Question<'_>, agents: &[&str]) -> Option<Answer> {
        let slots: Vec<_> = agents.iter().filter_map(|name| self.slot(name)).collect();
        let subject = self.subject(question);
        let core = &self.core;
        core.with_scores(&subject, |view| {
            let wanted: BTreeSet<_> = slots.iter().copied().collect();
            let best = view.best_first().find(|place| wanted.contains(&place.3))?.3;
            let judged = core.selection.judge(&subject, view.matched, best, (1, 1))?;
            let unit = |value: u32| f64::from(value) / 1e6;
            Some(Answer {
                chosen: slots.iter().position(|slot| *slot == best)?,
                score: judged.shown(),
                factors: judged.values.map(|value| value.map(unit)),
                learned: judged.learned as f64 / 1e6,
            })
        })
    }

    /// Learns how an agent did.
    pub fn learn(&mut self, question: Question<'_>, agent: &str, outcome: Outcome) {
        let Some(slot) = self.slot(agent) else { return };
        let subject = self.subject(question);
        let id = self.core.agents[slot].id;
        let selection = &mut self.core.selection;
        if let Some(lesson) = selection.lesson(&subject, slot) {
            selection.learn(id, &lesson, truth_of_end(outcome.success));
        }
        selection.ended(slot, question.kind, Day::of(Timestamp::EPOCH), outcome.success, outcome.micros, &[]);
    }
}
