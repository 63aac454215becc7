//! The committing thread: makes batches durable, and only then answers, has the rest carried out, and publishes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use tokio::sync::{broadcast, oneshot};

use super::beat::{Beat, Topics};
use super::dispatch::{Act, Orders};
use super::figures::Figures;
use super::message::Message;
use super::outlet::Outlet;
use crate::domain::agent::Runtime;
use crate::domain::link::ToWorker;
use crate::domain::{Bytes, CageId, Event, ExecutionId, NodeId, Record, Refusal, RefusalKind, Reply, Span, TaskId};
use crate::store::Store;

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
    work: Receiver<Work>,
    decider: Sender<Message>,
    dispatcher: Sender<Act>,
    published: broadcast::Sender<Published>,
    beat: Beat,
    figures: Figures,
    failed: bool,
}

impl Committer {
    /// Prepares the thread's state.
    pub fn new(
        store: Store,
        work: Receiver<Work>,
        decider: Sender<Message>,
        dispatcher: Sender<Act>,
        published: broadcast::Sender<Published>,
        beat: Beat,
        figures: Figures,
    ) -> Self {
        Self { store, work, decider, dispatcher, published, beat, figures, failed: false }
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
                Work::Outlet(node, outlet) => self.order(Act::Outlet(node, outlet)),
                Work::DropOutlets => self.order(Act::DropOutlets),
                Work::Recover => self.recover(),
            }
        }
        // Others than this thread can send to the dispatching one, so it has to be told.
        self.order(Act::Stop);
    }

    /// Hands something to the dispatching thread, which lives as long as this one.
    fn order(&self, act: Act) {
        let _ = self.dispatcher.send(act);
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
        let orders = Orders { cages: batch.cages, starts: batch.starts, messages: batch.messages, acks: batch.acks };
        self.order(Act::Carry(orders));
        if let Some(last) = batch.records.last() {
            // Nobody listening is the usual case.
            let _ = self.published.send(Published { seq: last.seq, ended: ended(&batch.records) });
            self.figures.count(&batch.records);
            self.beat.committed(last.seq, Topics::of(&batch.records));
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
