//! Follows what becomes durable, reads from the store what is over, and makes spans of it; on a thread of its own, because
//! reading the store has no place on one that others wait for.

use std::collections::HashMap;

use tokio::sync::{broadcast, oneshot};

use super::instruments::{DURATION, Instruments, PLACE, TASKS, TOKENS, WAIT};
use super::outbox::Outbox;
use super::spans;
use crate::domain::{AgentId, Artifact, ArtifactId, Execution, ExecutionId, OutcomeKind, TaskId, Timestamp};
use crate::engine::commit::Published;
use crate::store::{self, Query, Reader};

/// How many of a task's latest attempts are looked through for the one before.
const ATTEMPTS_MAX: u64 = 1000;
/// How many agents' names are remembered; then it begins anew.
const NAMES_MAX: usize = 100_000;

/// The state of the thread.
pub(super) struct Follower {
    reader: Reader,
    outbox: Outbox,
    names: HashMap<AgentId, String>,
    instruments: Instruments,
}

impl Follower {
    /// Prepares the thread's state, and the figures that it keeps from `since` on.
    pub(super) fn new(reader: Reader, outbox: Outbox, per_agent: bool, since: Timestamp) -> (Self, Instruments) {
        let instruments = Instruments::new(per_agent, since);
        (Self { reader, outbox, names: HashMap::new(), instruments: instruments.clone() }, instruments)
    }

    /// Follows until it is told that nothing more comes, and then takes what is there.
    pub(super) async fn run(
        mut self,
        mut published: broadcast::Receiver<Published>,
        mut ending: oneshot::Receiver<()>,
    ) {
        loop {
            let next = tokio::select! {
                biased;
                next = published.recv() => next,
                _ = &mut ending => return,
            };
            match next {
                Ok(published) => self.take(&published),
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    // Of how many spans nobody knows; of one each at least.
                    self.outbox.miss(missed);
                    tracing::warn!(missed, "traces are missed: too much happened at once");
                }
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    fn take(&mut self, published: &Published) {
        for id in published.executions.iter() {
            let told = self.execution(*id);
            self.told(told);
        }
        for id in published.ended.iter() {
            let told = self.task(*id);
            self.told(told);
        }
        for id in published.reviewed.iter() {
            let told = self.review(*id);
            self.told(told);
        }
    }

    fn told(&self, told: Result<Vec<serde_json::Value>, store::Error>) {
        match told {
            Ok(spans) => self.outbox.put(spans),
            Err(error) => {
                self.outbox.miss(1);
                tracing::warn!(%error, "what a trace is made of cannot be read");
            }
        }
    }

    fn execution(&mut self, id: ExecutionId) -> Result<Vec<serde_json::Value>, store::Error> {
        let Some(execution) = self.reader.execution(id)? else { return Ok(vec![]) };
        let waited_since = self.waited_since(&execution)?;
        let agent = self.name(execution.agent_id)?;
        self.count(&execution, &agent, waited_since);
        Ok(spans::of_execution(&execution, &agent, waited_since))
    }

    fn task(&self, id: TaskId) -> Result<Vec<serde_json::Value>, store::Error> {
        let Some(task) = self.reader.task(id)? else { return Ok(vec![]) };
        self.instruments.count(&TASKS, &[("menagerie.task.status", task.status.as_str())]);
        Ok(spans::of_task(&task))
    }

    fn review(&mut self, id: ArtifactId) -> Result<Vec<serde_json::Value>, store::Error> {
        let Some(artifact): Option<Artifact> = self.reader.artifact(id)? else { return Ok(vec![]) };
        let agent = self.name(artifact.agent_id)?;
        Ok(spans::of_review(&artifact, &agent).into_iter().collect())
    }

    /// Since when a task waited for an attempt: since the one before ended, or else since it was submitted.
    fn waited_since(&self, execution: &Execution) -> Result<Timestamp, store::Error> {
        let mut since = None;
        if execution.attempt > 1 {
            let filters = vec![("task".to_owned(), execution.task_id.to_string())];
            let query = Query { filters, limit: ATTEMPTS_MAX, ..Query::default() };
            let ends = self.reader.executions(&query)?.items.into_iter().filter_map(|other| other.completed_at);
            since = ends.filter(|end| *end <= execution.created_at).max();
        }
        if since.is_none() {
            since = self.reader.task(execution.task_id)?.map(|task| task.created_at);
        }
        Ok(since.unwrap_or(execution.created_at))
    }

    fn name(&mut self, id: AgentId) -> Result<String, store::Error> {
        if let Some(name) = self.names.get(&id) {
            return Ok(name.clone());
        }
        let name = self.reader.agent(id)?.map_or_else(|| id.to_string(), |agent| agent.spec.name);
        if self.names.len() >= NAMES_MAX {
            self.names.clear();
        }
        self.names.insert(id, name.clone());
        Ok(name)
    }

    fn count(&self, execution: &Execution, agent: &str, waited_since: Timestamp) {
        let instruments = &self.instruments;
        let seconds = |from: Timestamp, to: Timestamp| to.since(from).as_secs_f64().max(0.0);
        instruments.observe(&WAIT, &[], seconds(waited_since, execution.created_at));
        let (Some(started), Some(ended)) = (execution.started_at, execution.completed_at) else { return };
        instruments.observe(&PLACE, &[], seconds(execution.created_at, started));
        let Some(outcome) = &execution.outcome else { return };
        let mut attributes = vec![("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", agent)];
        for (kind, count) in [("input", outcome.input_tokens), ("output", outcome.output_tokens)] {
            if let Some(count) = count {
                let of_kind = [&attributes[..], &[("gen_ai.token.type", kind)]].concat();
                instruments.observe(&TOKENS, &of_kind, count as f64);
            }
        }
        if !matches!(outcome.kind, OutcomeKind::Succeeded | OutcomeKind::Cancelled | OutcomeKind::Preempted) {
            attributes.push(("error.type", outcome.kind.as_str()));
        }
        instruments.observe(&DURATION, &attributes, seconds(started, ended));
    }
}
