//! The committing thread: makes batches durable, and only then answers, has the rest carried out, and publishes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use tokio::sync::{broadcast, oneshot};

use super::beat::{Beat, Topics};
use super::deliver::{Happened, happened};
use super::dispatch::{Act, Orders};
use super::figures::Figures;
use super::log;
use super::message::{Durable, Message};
use super::outlet::Outlet;
use crate::domain::agent::Runtime;
use crate::domain::counts::Counts;
use crate::domain::link::ToWorker;
use crate::domain::{
    ArtifactId, Bytes, CageId, Event, ExecutionId, NodeId, Record, Refusal, RefusalKind, Reply, Span, TaskId,
};
use crate::store::{Entries, Error, Store};

/// From so many records on, a commit takes in no further batch that waits: whoever waits for it has waited enough.
const RECORDS_MAX: usize = 4096;

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
    /// The asker of the counts, with what they are once the batch is durable, and whether the engine is read-only.
    Counts(oneshot::Sender<(Counts, bool)>, Counts),
}

impl Answer {
    /// Answers, now that everything is durable that the answer rests on. Nobody may be left to hear it.
    fn give(self) {
        match self {
            Self::Command(answer, result) => drop(answer.send(result)),
            Self::Counts(answer, counts) => drop(answer.send((counts, false))),
        }
    }

    /// Says that it could not be made durable.
    pub(super) fn refuse(self, refusal: &Refusal) {
        match self {
            Self::Command(answer, result) => drop(answer.send(result.and(Err(refusal.clone())))),
            Self::Counts(answer, counts) => drop(answer.send((counts, true))),
        }
    }
}

/// What was decided together and is committed together.
#[derive(Default)]
pub struct Batch {
    /// What happened, in order.
    pub entries: Entries,
    /// Who waits for it.
    pub answers: Vec<Answer>,
    /// Declarations of cages; sent before anything is started.
    pub cages: Vec<(NodeId, ToWorker)>,
    /// What is to be started.
    pub starts: Vec<PendingStart>,
    /// Approved differences that are to be merged.
    pub merges: Vec<ArtifactId>,
    /// Everything else for workers.
    pub messages: Vec<(NodeId, ToWorker)>,
    /// The highest number of the reports decided on, by node.
    pub acks: BTreeMap<NodeId, u64>,
}

impl Batch {
    /// Whether there is nothing to commit, to say or to do.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
            && self.answers.is_empty()
            && self.cages.is_empty()
            && self.starts.is_empty()
            && self.merges.is_empty()
            && self.messages.is_empty()
            && self.acks.is_empty()
    }
}

/// Something for the committing thread.
pub enum Work {
    /// Commit, then answer, act and publish.
    Commit(Box<Batch>),
    /// Say when everything before is committed.
    Barrier(Sender<()>),
    /// Messages for a node go here from now on, or nowhere.
    Outlet(NodeId, Option<Box<dyn Outlet>>),
    /// Forget every way to a worker: the connections end and are made anew.
    DropOutlets,
    /// Have a worker end everything and leave, also while nothing can be committed.
    Leave(NodeId),
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
    /// Attempts that ended.
    pub executions: Arc<[ExecutionId]>,
    /// Artifacts that somebody judged, or took a judgement of back.
    pub reviewed: Arc<[ArtifactId]>,
    /// What happened to alerts.
    pub alerts: Arc<[Happened]>,
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
    checkpoints: SyncSender<()>,
    failed: bool,
}

impl Committer {
    /// Prepares the thread's state.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the thread's lines to all others, each of a type of its own"
    )]
    pub fn new(
        store: Store,
        work: Receiver<Work>,
        decider: Sender<Message>,
        dispatcher: Sender<Act>,
        published: broadcast::Sender<Published>,
        beat: Beat,
        figures: Figures,
        checkpoints: SyncSender<()>,
    ) -> Self {
        Self { store, work, decider, dispatcher, published, beat, figures, checkpoints, failed: false }
    }

    /// Commits until nobody can send any more.
    pub fn run(mut self) {
        let mut next = None;
        while let Some(work) = next.take().or_else(|| self.work.recv().ok()) {
            match work {
                Work::Commit(batch) if self.failed => refuse(*batch, "the batch before it could not be committed"),
                Work::Commit(batch) => {
                    let mut batches = vec![*batch];
                    next = self.gather(&mut batches);
                    self.commit(batches);
                }
                Work::Barrier(done) => {
                    let _ = done.send(());
                }
                Work::Outlet(node, outlet) => self.order(Act::Outlet(node, outlet)),
                Work::DropOutlets => self.order(Act::DropOutlets),
                Work::Leave(node) => self.order(Act::Tell(node, ToWorker::Shutdown { kill: true })),
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

    /// Takes up the batches that wait already: a sync costs the same for one as for several. Gives the work that came
    /// after them, if that is no batch.
    fn gather(&self, batches: &mut Vec<Batch>) -> Option<Work> {
        while batches.iter().map(|batch| batch.entries.records().len()).sum::<usize>() < RECORDS_MAX {
            match self.work.try_recv() {
                Ok(Work::Commit(batch)) => batches.push(*batch),
                Ok(other) => return Some(other),
                // Nothing is there, or never will be, which the next wait finds out.
                Err(_) => break,
            }
        }
        None
    }

    fn commit(&mut self, mut batches: Vec<Batch>) {
        if let Err(error) = self.store.commit_together(batches.iter_mut().map(|batch| &mut batch.entries)) {
            self.failed = true;
            let error = error.to_string();
            for batch in batches {
                refuse(batch, &error);
            }
            let durable = self.durable().ok().map(Box::new);
            let _ = self.decider.send(Message::CommitFailed { error, durable });
            return;
        }
        let last = batches.iter().rev().find_map(|batch| batch.entries.records().last()).map(|record| record.seq);
        let ended = batches.iter().flat_map(|batch| ended(batch.entries.records())).collect();
        let executions = batches.iter().flat_map(|batch| executions(batch.entries.records())).collect();
        let reviewed = batches.iter().flat_map(|batch| reviewed(batch.entries.records())).collect();
        let alerts = batches.iter().flat_map(|batch| happened(batch.entries.records())).collect();
        let topics = batches.iter().fold(Topics::NONE, |topics, batch| topics.and(Topics::of(batch.entries.records())));
        for batch in &batches {
            self.figures.count(batch.entries.records());
            log::say(batch.entries.records());
        }
        let mut orders = Vec::with_capacity(batches.len());
        for Batch { answers, cages, starts, merges, messages, acks, .. } in batches {
            answers.into_iter().for_each(Answer::give);
            orders.push(Orders { cages, starts, merges, messages, acks });
        }
        self.order(Act::Carry(orders));
        if let Some(seq) = last {
            // Nobody listening is the usual case.
            let _ = self.published.send(Published { seq, ended, executions, reviewed, alerts });
            self.beat.committed(seq, topics);
        }
        if self.store.checkpoint_is_due() {
            // One that waits already will see to this as well.
            let _ = self.checkpoints.try_send(());
        }
    }

    fn durable(&self) -> Result<Durable, Error> {
        Ok(Durable { snapshot: self.store.snapshot()?, chain: self.store.chain()? })
    }

    fn recover(&mut self) {
        match self.durable() {
            Ok(durable) => {
                self.failed = false;
                let _ = self.decider.send(Message::Recovered(Box::new(durable)));
            }
            Err(error) => tracing::warn!(%error, "the store still cannot be read"),
        }
    }
}

/// Tells everybody who waits for a batch that it is not durable.
fn refuse(batch: Batch, error: &str) {
    let refusal =
        Refusal::new(RefusalKind::Unavailable, "nothing was changed, because it could not be stored", "").hint(error);
    batch.answers.into_iter().for_each(|answer| answer.refuse(&refusal));
}

/// The tasks that ended in these records.
fn ended(records: &[Record]) -> impl Iterator<Item = TaskId> {
    records.iter().filter_map(|record| match &record.event {
        Event::ExecutionEnded(event) if event.task_status.is_final() => Some(event.task_id),
        Event::TaskCancelled(event) => Some(event.task_id),
        Event::TaskFailed(event) => Some(event.task_id),
        Event::ArrayEnded(event) => Some(event.task_id),
        _ => None,
    })
}

/// The attempts that ended in these records.
fn executions(records: &[Record]) -> impl Iterator<Item = ExecutionId> {
    records.iter().filter_map(|record| match &record.event {
        Event::ExecutionEnded(event) => Some(event.execution_id),
        _ => None,
    })
}

/// The artifacts that were judged in these records.
fn reviewed(records: &[Record]) -> impl Iterator<Item = ArtifactId> {
    records.iter().filter_map(|record| match &record.event {
        Event::ArtifactReviewed(event) => Some(event.artifact_id),
        _ => None,
    })
}
