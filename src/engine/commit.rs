//! The committing thread: makes batches durable, and only then answers, acts and publishes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use tokio::sync::{broadcast, oneshot};

use super::message::Message;
use super::outlet::Outlet;
use super::start_input;
use crate::domain::agent::Runtime;
use crate::domain::link::ToWorker;
use crate::domain::{Bytes, CageId, Event, ExecutionId, NodeId, Record, Refusal, RefusalKind, Reply, Span, TaskId};
use crate::store::{Reader, Store};

/// An execution to be started once it is durable.
pub struct PendingStart {
    /// On which machine.
    pub node: NodeId,
    /// The attempt.
    pub execution_id: ExecutionId,
    /// The task.
    pub task_id: TaskId,
    /// Where.
    pub cage_id: CageId,
    /// Who, by name.
    pub agent: String,
    /// How that agent does a task.
    pub runtime: Runtime,
    /// How long it may take.
    pub timeout: Option<Span>,
    /// How many tokens it may report.
    pub tokens: Option<u64>,
    /// How many bytes of output are kept.
    pub output: Bytes,
}

/// Somebody who waits for a batch to be durable.
pub enum Answer {
    /// The asker of a command, with what the core said.
    Command(oneshot::Sender<Result<Reply, Refusal>>, Result<Reply, Refusal>),
}

/// What was decided together and is committed together.
#[derive(Default)]
pub struct Batch {
    /// What happened, in order.
    pub records: Vec<Record>,
    /// Who waits for it.
    pub answers: Vec<Answer>,
    /// Declarations of cages; sent before anything is started.
    pub cages: Vec<(NodeId, ToWorker)>,
    /// What is to be started.
    pub starts: Vec<PendingStart>,
    /// Everything else for workers.
    pub messages: Vec<(NodeId, ToWorker)>,
    /// The highest number of the reports decided on, by node.
    pub acks: BTreeMap<NodeId, u64>,
}

impl Batch {
    /// Whether there is nothing to commit, to say or to do.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.answers.is_empty()
            && self.cages.is_empty()
            && self.starts.is_empty()
            && self.messages.is_empty()
            && self.acks.is_empty()
    }
}

/// Something for the committing thread.
pub enum Work {
    /// Commit, then answer, act and publish.
    Commit(Batch),
    /// Say when everything before is committed.
    Barrier(Sender<()>),
    /// Messages for a node go here from now on, or nowhere.
    Outlet(NodeId, Option<Box<dyn Outlet>>),
    /// Forget every way to a worker: the connections end and are made anew.
    DropOutlets,
    /// Read the state from disk after a failure.
    Recover,
}

/// What became durable, for those who follow.
#[derive(Clone, Debug)]
pub struct Published {
    /// The number of the last record.
    pub seq: u64,
    /// Tasks that ended.
    pub ended: Arc<[TaskId]>,
}

/// The state of the committing thread.
pub struct Committer {
    store: Store,
    reader: Reader,
    work: Receiver<Work>,
    decider: Sender<Message>,
    published: broadcast::Sender<Published>,
    outlets: BTreeMap<NodeId, Box<dyn Outlet>>,
    failed: bool,
}

impl Committer {
    /// Prepares the thread's state.
    pub fn new(
        store: Store,
        reader: Reader,
        work: Receiver<Work>,
        decider: Sender<Message>,
        published: broadcast::Sender<Published>,
    ) -> Self {
        Self { store, reader, work, decider, published, outlets: BTreeMap::new(), failed: false }
    }

    /// Commits until nobody can send any more.
    pub fn run(mut self) {
        while let Ok(work) = self.work.recv() {
            match work {
                Work::Commit(batch) if self.failed => refuse(batch, "the batch before it could not be committed"),
                Work::Commit(batch) => self.commit(batch),
                Work::Barrier(done) => {
                    let _ = done.send(());
                }
                Work::Outlet(node, Some(outlet)) => {
                    self.outlets.insert(node, outlet);
                }
                Work::Outlet(node, None) => {
                    self.outlets.remove(&node);
                }
                Work::DropOutlets => self.outlets.clear(),
                Work::Recover => self.recover(),
            }
        }
    }

    fn commit(&mut self, batch: Batch) {
        if !batch.records.is_empty()
            && let Err(error) = self.store.commit(&batch.records)
        {
            self.failed = true;
            let error = error.to_string();
            refuse(batch, &error);
            let _ = self.decider.send(Message::CommitFailed { error });
            return;
        }
        for Answer::Command(answer, result) in batch.answers {
            let _ = answer.send(result);
        }
        self.act(batch.cages, &batch.starts, batch.messages, batch.acks);
        if let Some(last) = batch.records.last() {
            // Nobody listening is the usual case.
            let _ = self.published.send(Published { seq: last.seq, ended: ended(&batch.records) });
        }
    }

    /// Sends what was decided to the workers: cages first, then starts, then the rest.
    fn act(
        &mut self,
        cages: Vec<(NodeId, ToWorker)>,
        starts: &[PendingStart],
        messages: Vec<(NodeId, ToWorker)>,
        acks: BTreeMap<NodeId, u64>,
    ) {
        let mut by_node: BTreeMap<NodeId, Vec<ToWorker>> = BTreeMap::new();
        for (node, message) in cages {
            by_node.entry(node).or_default().push(message);
        }
        match start_input::messages(&self.reader, starts) {
            Ok(messages) => {
                for (start, message) in starts.iter().zip(messages) {
                    by_node.entry(start.node).or_default().push(message);
                }
            }
            Err(error) => {
                // The attempts stand as decided; dropping the connections makes the workers say what they know, and
                // the engine then sends what they lack.
                tracing::error!(%error, "the inputs of executions cannot be read");
                self.outlets.clear();
                return;
            }
        }
        for (node, message) in messages {
            by_node.entry(node).or_default().push(message);
        }
        for (node, number) in acks {
            by_node.entry(node).or_default().push(ToWorker::Ack { number });
        }
        for (node, messages) in by_node {
            let Some(outlet) = self.outlets.get_mut(&node) else { continue };
            if let Err(error) = outlet.send(&messages) {
                tracing::warn!(%node, %error, "the worker cannot be reached");
                self.outlets.remove(&node);
            }
        }
    }

    fn recover(&mut self) {
        match self.store.snapshot() {
            Ok(snapshot) => {
                self.failed = false;
                let _ = self.decider.send(Message::Recovered(Box::new(snapshot)));
            }
            Err(error) => tracing::warn!(%error, "the store still cannot be read"),
        }
    }
}

/// Tells everybody who waits for a batch that it is not durable.
fn refuse(batch: Batch, error: &str) {
    for Answer::Command(answer, result) in batch.answers {
        let refusal = Refusal::new(RefusalKind::Unavailable, "nothing was changed, because it could not be stored", "")
            .hint(error);
        let _ = answer.send(result.and(Err(refusal)));
    }
}

/// The tasks that ended in these records.
fn ended(records: &[Record]) -> Arc<[TaskId]> {
    records
        .iter()
        .filter_map(|record| match &record.event {
            Event::ExecutionEnded(event) if event.task_status.is_final() => Some(event.task_id),
            Event::TaskCancelled(event) => Some(event.task_id),
            Event::TaskFailed(event) => Some(event.task_id),
            Event::ArrayEnded(event) => Some(event.task_id),
            _ => None,
        })
        .collect()
}
