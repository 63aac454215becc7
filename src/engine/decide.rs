//! The deciding thread: takes what has arrived, lets the core decide on each in turn, and hands the whole to be committed.
//!
//! It waits for messages and for the core's next timer and for nothing else: an idle engine sleeps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::beat::{Beat, Topics};
use super::clock::Clock;
use super::commit::{Answer, Batch, PendingStart, Work};
use super::context;
use super::core::{Context, Core, Decisions, Effect};
use super::figures::Figures;
use super::message::{Durable, Greeting, Message, Peer, StopAnswer};
use crate::domain::link::{Report, ToWorker};
use crate::domain::snapshot::TaskFacts;
use crate::domain::{
    Actor, Command, NodeId, Outcome, OutcomeKind, Refusal, RefusalKind, Reply, TaskId, Timestamp, UserId, WhatIf,
};
use crate::store::{Chain, Reader};

/// At most this many messages are decided on before a batch is closed.
const MESSAGES_MAX: usize = 4096;
/// At most this long is decided before a batch is closed, so that nobody waits long for an answer.
const DECIDE_MAX: Duration = Duration::from_millis(2);
/// At most this many placements go into one batch.
const PLACEMENTS_MAX: usize = 512;
/// How often a store that failed is tried again.
const RECOVERY_INTERVAL: Duration = Duration::from_secs(1);
/// How long `stop --all` waits for agents to end.
const KILL_PATIENCE: Duration = Duration::from_secs(20);

/// A connected worker.
struct Connection {
    node: NodeId,
    incarnation_is_new: bool,
    executions: Vec<crate::domain::ExecutionId>,
    synced: bool,
}

/// Why nothing may be changed at present.
struct ReadOnly {
    error: String,
    retry_at: Instant,
}

/// The state of the deciding thread.
pub struct Decider {
    core: Core,
    chain: Chain,
    clock: Clock,
    host: String,
    reader: Reader,
    inbox: Receiver<Message>,
    store: SyncSender<Work>,
    connections: BTreeMap<u64, Connection>,
    users: BTreeMap<(u32, String), UserId>,
    read_only: Option<ReadOnly>,
    stopping: Option<Stopping>,
    batch: Batch,
    out: Decisions,
    /// The last pass was cut short by its limit.
    more_to_place: bool,
    /// The committing thread is gone: nothing can become durable any more.
    orphaned: bool,
    leaving: Arc<AtomicBool>,
    beat: Beat,
}

/// Where the deciding begins: with the state that is durable.
pub struct Beginning {
    /// The state.
    pub core: Core,
    /// What the next records are chained to.
    pub chain: Chain,
    /// The time.
    pub clock: Clock,
}

/// What the deciding thread tells others besides its decisions.
pub struct Signals {
    /// Set once the engine has begun to leave.
    pub leaving: Arc<AtomicBool>,
    /// Announces changes that are in no record.
    pub beat: Beat,
}

struct Stopping {
    kill: bool,
    /// Whether the workers were told to leave.
    told: bool,
    deadline: Instant,
    done: Vec<StopAnswer>,
}

impl Decider {
    /// Prepares the thread's state. `host` names this machine in the addresses of local users.
    pub fn new(
        Beginning { core, clock, chain }: Beginning,
        host: String,
        reader: Reader,
        inbox: Receiver<Message>,
        store: SyncSender<Work>,
        Signals { leaving, beat }: Signals,
    ) -> Self {
        Self {
            core,
            chain,
            clock,
            host,
            reader,
            inbox,
            store,
            connections: BTreeMap::new(),
            users: BTreeMap::new(),
            read_only: None,
            stopping: None,
            batch: Batch::default(),
            out: Decisions::default(),
            more_to_place: false,
            orphaned: false,
            leaving,
            beat,
        }
    }

    /// Decides until it is told to stop, or until nobody can send any more.
    pub fn run(mut self) {
        loop {
            let first = match self.wait() {
                Ok(message) => message,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => None,
            };
            let begun = Instant::now();
            if let Some(message) = first {
                self.take(message);
                for _ in 1..MESSAGES_MAX {
                    if begun.elapsed() > DECIDE_MAX {
                        break;
                    }
                    match self.inbox.try_recv() {
                        Ok(message) => self.take(message),
                        Err(_) => break,
                    }
                }
            }
            if self.read_only.is_some() {
                if self.stop_unrecorded() {
                    break;
                }
                self.try_to_recover();
                continue;
            }
            if self.stopping.is_none() {
                let now = self.clock.now();
                self.more_to_place = self.core.schedule(now, PLACEMENTS_MAX, &mut self.out);
            }
            self.collect();
            self.close_batch();
            if self.stop_if_done() || self.orphaned {
                break;
            }
        }
    }

    /// Waits for a message, or until the next timer is due.
    fn wait(&mut self) -> Result<Option<Message>, RecvTimeoutError> {
        if let Ok(message) = self.inbox.try_recv() {
            return Ok(Some(message));
        }
        let now = self.clock.now();
        let mut timeout = match (&self.read_only, &self.stopping) {
            (_, Some(stopping)) => Some(stopping.deadline.saturating_duration_since(Instant::now())),
            (Some(read_only), None) => Some(read_only.retry_at.saturating_duration_since(Instant::now())),
            (None, None) => self.core.wake_at().map(|at| at.since(now).to_std()),
        };
        if self.read_only.is_none() && self.stopping.is_none() && self.more_to_place {
            timeout = Some(Duration::ZERO);
        }
        match timeout {
            None => self.inbox.recv().map(Some).map_err(|_| RecvTimeoutError::Disconnected),
            Some(timeout) => match self.inbox.recv_timeout(timeout) {
                Ok(message) => Ok(Some(message)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Decides on one message.
    fn take(&mut self, message: Message) {
        let now = self.clock.now();
        match message {
            Message::Command { answer, .. } if self.read_only.is_some() => {
                // Answered at once: no batch is closed before the store works again.
                let _ = answer.send(Err(self.unavailable()));
            }
            // What workers say now would be decided on by a memory that is about to be thrown away. They keep it, and are
            // greeted again after the recovery.
            // Figures of rules are told again as long as they matter.
            Message::Hello(_)
            | Message::Synced { .. }
            | Message::Report { .. }
            | Message::NotSent { .. }
            | Message::Observe(_)
            | Message::Delivery { .. }
            | Message::Clock { .. }
                if self.read_only.is_some() => {}
            Message::Closed { connection } if self.read_only.is_some() => {
                self.connections.remove(&connection);
            }
            Message::Command { peer, command, answer } => {
                let result = self.command(now, &peer, command);
                self.collect();
                self.batch.answers.push(Answer::Command(answer, result));
            }
            Message::WhatIf { peer, command, means, answer } => {
                let foretold = match self.read_only {
                    Some(_) => Err(self.unavailable()),
                    None => self.what_if(now, &peer, &command, &means),
                };
                let _ = answer.send(foretold);
            }
            Message::Hello(greeting) => self.hello(now, *greeting),
            Message::Synced { connection } => self.synced(now, connection),
            Message::Report { connection, number, time, report } => self.report(now, connection, number, time, report),
            Message::NotSent { node, execution_id, why } => {
                let outcome = Box::new(Outcome::new(OutcomeKind::NotStarted, why));
                let ended = Report::Ended { execution_id, started_at: None, outcome, artifacts: vec![] };
                self.core.report(now, node, now, ended, &mut self.out);
                self.collect();
            }
            Message::Closed { connection } => self.closed(now, connection),
            Message::Observe(observations) => {
                for observation in &observations {
                    self.core.observe(now, observation, &mut self.out);
                }
                self.collect();
            }
            Message::Delivery { receiver, error } => {
                self.core.delivery(now, &receiver, error.as_deref(), &mut self.out);
                self.collect();
            }
            Message::Clock { connection, offset } => {
                if let Some(node) = self.connections.get(&connection).map(|connection| connection.node) {
                    self.core.clock_off(now, node, offset, &mut self.out);
                    self.collect();
                }
            }
            Message::Explain { task, answer } => {
                // Nobody may be left to hear the answer; that is no concern of ours.
                let _ = answer.send(self.core.explain(now, task));
            }
            Message::Look(look) => look(&self.core, now),
            Message::Counts { answer } if self.read_only.is_some() => {
                let _ = answer.send((self.core.counts(), true));
            }
            // What is counted may still be on its way to the store, and whoever reads that next has to find it there.
            Message::Counts { answer } => self.batch.answers.push(Answer::Counts(answer, self.core.counts())),
            Message::ViewFleet { answer } => {
                let _ = answer.send(self.core.view_fleet());
            }
            Message::ViewOverview { horizon, due_max, answer } => {
                let view = self.core.view_overview(now, horizon, due_max);
                let _ = answer.send((view, self.core.counts(), self.read_only.is_some()));
            }
            Message::Executing { answer } => {
                let _ = answer.send(self.core.executing());
            }
            Message::CommitFailed { error, durable } => {
                tracing::error!(error, "the store failed: read-only until it works again");
                self.read_only = Some(ReadOnly { error, retry_at: Instant::now() + RECOVERY_INTERVAL });
                self.beat.changed(Topics::ALERTS);
                let refusal = self.unavailable();
                self.out = Decisions::default();
                if let Some(stopping) = &mut self.stopping {
                    // What workers were told was in a batch that came to nothing.
                    stopping.told = false;
                }
                for answer in std::mem::take(&mut self.batch).answers {
                    answer.refuse(&refusal);
                }
                if let Some(durable) = durable {
                    self.restore(*durable);
                    self.users.clear();
                }
            }
            Message::Recovered(durable) => self.recovered(*durable),
            Message::Stop { kill, done } => self.begin_stop(now, kill, done),
        }
    }

    /// Decides on a command, after fetching what it names and the memory no longer holds.
    fn command(&mut self, now: Timestamp, peer: &Peer, command: Command) -> Result<Reply, Refusal> {
        if self.stopping.is_some() {
            return Err(Refusal::new(RefusalKind::Unavailable, "the engine is stopping", ""));
        }
        let context = self.context(&command)?;
        let user = self.user(now, peer);
        self.core.command(now, Actor::User(user), command, &context, &mut self.out)
    }

    /// Says what a command would do. Somebody who has never acted is no user yet, and does not become one by asking.
    fn what_if(&mut self, now: Timestamp, peer: &Peer, command: &Command, means: &Figures) -> Result<WhatIf, Refusal> {
        let context = self.context(command)?;
        let user = self.users.get(&(peer.uid, peer.name.clone())).copied().unwrap_or(UserId(uuid::Uuid::nil()));
        self.core.what_if(now, Actor::User(user), command, &context, means)
    }

    /// Fetches what a command names and the memory no longer holds.
    fn context(&mut self, command: &Command) -> Result<Context, Refusal> {
        let wanted = self.core.wanted(command);
        if wanted.is_empty() {
            return Ok(Context::default());
        }
        // What has left the memory may still be on its way to the store.
        self.barrier();
        context::fetch(&self.reader, &wanted).map_err(|error| {
            Refusal::new(RefusalKind::Unavailable, "the store cannot be read", error).hint("look at the engine's log")
        })
    }

    /// The user behind a peer; known ones cost no look into the core.
    fn user(&mut self, now: Timestamp, peer: &Peer) -> UserId {
        let key = (peer.uid, peer.name.clone());
        if let Some(user) = self.users.get(&key) {
            return *user;
        }
        let user = self.core.user_for(now, peer.uid, &peer.name, &self.host, &mut self.out);
        self.users.insert(key, user);
        user
    }

    /// Waits until everything decided so far is committed.
    fn barrier(&mut self) {
        self.collect();
        self.close_batch();
        let (sender, receiver) = std::sync::mpsc::channel();
        if self.store.send(Work::Barrier(sender)).is_ok() {
            let _ = receiver.recv();
        }
    }

    fn hello(&mut self, now: Timestamp, greeting: Greeting) {
        let mut metadata = greeting.metadata;
        let incarnation: serde_json::Value = greeting.incarnation.to_string().into();
        let known = self.core.node_by_name(&greeting.node).and_then(|node| node.metadata.get("incarnation"));
        let incarnation_is_new = known != Some(&incarnation);
        metadata.insert("incarnation".into(), incarnation);
        let node = self.core.node_hello(now, &greeting.node, greeting.capacity, metadata, &mut self.out);
        self.collect();
        self.connections.retain(|_, connection| connection.node != node);
        let connection = Connection { node, incarnation_is_new, executions: greeting.executions, synced: false };
        self.connections.insert(greeting.connection, connection);
        self.close_batch();
        // From here on what is decided for the node goes to the new connection, after what was decided before.
        let _ = self.store.send(Work::Outlet(node, Some(greeting.outlet)));
    }

    fn synced(&mut self, now: Timestamp, connection: u64) {
        let Some(connection) = self.connections.get_mut(&connection) else { return };
        connection.synced = true;
        let executions = std::mem::take(&mut connection.executions);
        let (node, is_new) = (connection.node, connection.incarnation_is_new);
        self.core.node_synced(now, node, is_new, &executions, &mut self.out);
        self.collect();
    }

    fn report(&mut self, now: Timestamp, connection: u64, number: u64, time: Timestamp, report: Report) {
        let Some(connection) = self.connections.get(&connection) else { return };
        let node = connection.node;
        let wanted = self.core.wanted_by_rules(&report);
        let facts = wanted.and_then(|task| self.task_facts(task));
        let first = self.out.records.len();
        self.core.report(now, node, time, report, &mut self.out);
        if let Some(facts) = facts {
            self.core.judge_by_rules(now, &facts, first, &mut self.out);
        }
        self.collect();
        self.batch.acks.insert(node, number);
    }

    /// What rules that judge artifacts have to know of a task. What cannot be read leaves its artifacts to humans.
    fn task_facts(&self, task: TaskId) -> Option<TaskFacts> {
        // Nothing has to be waited for: what has run was durable before it was started.
        let found = self.reader.task_facts(task);
        found.inspect_err(|error| tracing::warn!(%error, "no rule judges what a task made: it cannot be read")).ok()?
    }

    fn closed(&mut self, now: Timestamp, connection: u64) {
        let Some(connection) = self.connections.remove(&connection) else { return };
        self.core.node_lost(now, connection.node, &mut self.out);
        self.collect();
        self.close_batch();
        let _ = self.store.send(Work::Outlet(connection.node, None));
    }

    /// Takes up the state on disk after a failed commit. The workers are told to begin anew, because reports that were
    /// decided on but not committed have to be sent again.
    fn restore(&mut self, durable: Durable) {
        self.core = Core::restore(durable.snapshot);
        self.chain = durable.chain;
    }

    fn recovered(&mut self, durable: Durable) {
        let now = self.clock.now();
        self.batch = Batch::default();
        self.out = Decisions::default();
        self.restore(durable);
        self.users.clear();
        self.connections.clear();
        let failed = self.read_only.take();
        self.core.started(now, crate::VERSION, std::process::id(), &mut self.out);
        if let Some(ReadOnly { error, .. }) = failed {
            self.core.store_failed(now, &error, &mut self.out);
        }
        self.collect();
        self.close_batch();
        let _ = self.store.send(Work::DropOutlets);
        self.beat.changed(Topics::ALERTS);
        tracing::info!("the store works again: changes are taken");
    }

    /// Asks for the state on disk if it is time to.
    fn try_to_recover(&mut self) {
        let Some(read_only) = self.read_only.as_mut().filter(|_| self.stopping.is_none()) else { return };
        if Instant::now() >= read_only.retry_at {
            read_only.retry_at = Instant::now() + RECOVERY_INTERVAL;
            self.orphaned |= self.store.send(Work::Recover).is_err();
        }
    }

    /// Why nothing is changed at present.
    fn unavailable(&self) -> Refusal {
        let error = self.read_only.as_ref().map_or("", |read_only| &read_only.error);
        let hint = format!("{error}. The engine goes on by itself once the store works again");
        Refusal::new(RefusalKind::Unavailable, "the engine is read-only", "").hint(hint)
    }

    fn begin_stop(&mut self, now: Timestamp, kill: bool, done: Option<StopAnswer>) {
        self.leaving.store(true, Ordering::Release);
        if kill && self.read_only.is_none() {
            self.core.stop_all(now, &mut self.out);
            self.collect();
        }
        if let Some(stopping) = &mut self.stopping {
            stopping.kill |= kill;
            stopping.done.extend(done);
            return;
        }
        let deadline = Instant::now() + if kill { KILL_PATIENCE } else { Duration::ZERO };
        self.stopping = Some(Stopping { kill, told: false, deadline, done: done.into_iter().collect() });
    }

    /// Whether everything is done that has to be before leaving; then it is told. To end everything, first the executions
    /// end, then the workers leave; a worker that is out of reach is waited for as well, for it may come back.
    fn stop_if_done(&mut self) -> bool {
        let Some(stopping) = &mut self.stopping else { return false };
        if stopping.kill {
            let in_time = Instant::now() < stopping.deadline;
            if self.core.running_executions() > 0 && in_time {
                return false;
            }
            if !stopping.told {
                stopping.told = true;
                let nodes: Vec<NodeId> = self.connections.values().map(|connection| connection.node).collect();
                self.batch.messages.extend(nodes.into_iter().map(|node| (node, ToWorker::Shutdown { kill: true })));
                self.close_batch();
            }
            if !self.connections.is_empty() && in_time {
                return false;
            }
        }
        self.close_batch();
        self.barrier();
        self.tell_stopped();
        true
    }

    /// Stops while nothing can be made durable: what is on disk is what the next engine takes up. To end everything, the
    /// workers are told to leave; what runs ends with them and is found lost. Gives whether all is done.
    fn stop_unrecorded(&mut self) -> bool {
        let Some(stopping) = &mut self.stopping else { return false };
        if stopping.kill {
            if !stopping.told {
                stopping.told = true;
                for connection in self.connections.values() {
                    let _ = self.store.send(Work::Leave(connection.node));
                }
            }
            if !self.connections.is_empty() && Instant::now() < stopping.deadline {
                return false;
            }
        }
        self.tell_stopped();
        true
    }

    /// Tells everybody who asked for the end how it went.
    fn tell_stopped(&mut self) {
        let Some(stopping) = self.stopping.take() else { return };
        // What ran with a worker that has left is over, whether that can be recorded or not.
        let left = if self.read_only.is_some() { 0 } else { self.core.running_executions() };
        let ended = !stopping.kill || (left == 0 && self.connections.is_empty());
        for done in stopping.done {
            let refusal = || {
                let shown = format!("{left} executions have not been seen to end");
                Refusal::new(RefusalKind::Unavailable, "the engine has stopped, but not the worker", shown)
                    .hint("its process is in worker.lock in the data directory; end that if it is still there")
            };
            let _ = done.send(if ended { Ok(()) } else { Err(refusal()) });
        }
    }

    /// Moves what the core decided into the batch.
    fn collect(&mut self) {
        self.batch.entries.take_over(&mut self.out.records, &mut self.chain);
        for effect in self.out.effects.drain(..) {
            match effect {
                Effect::Start { node_id, execution_id, task_id, agent_id, cage_id, timeout, tokens } => {
                    let Some(agent) = self.core.agent_spec(agent_id) else { continue };
                    let (agent, runtime) = (agent.name.clone(), agent.runtime.clone());
                    self.batch.starts.push(PendingStart {
                        node: node_id,
                        execution_id,
                        task_id,
                        cage_id,
                        agent,
                        runtime,
                        timeout,
                        tokens,
                        output: self.core.defaults().output,
                    });
                }
                Effect::Stop { node_id, execution_id, reason, grace } => {
                    self.batch.messages.push((node_id, ToWorker::Stop { execution_id, reason, grace }));
                }
                Effect::Merge { artifact_id } => self.batch.merges.push(artifact_id),
                Effect::Cage { node_id, spec, slots } => {
                    self.batch.cages.push((node_id, ToWorker::Cage { spec, slots }));
                }
                Effect::RemoveCage { node_id, cage_id } => {
                    self.batch.messages.push((node_id, ToWorker::RemoveCage { cage_id }));
                }
            }
        }
    }

    /// Hands the batch to the committing thread. Blocks while that has two batches in hand; what arrives meanwhile makes
    /// the next batch larger.
    fn close_batch(&mut self) {
        if !self.batch.is_empty() {
            self.orphaned |= self.store.send(Work::Commit(Box::new(std::mem::take(&mut self.batch)))).is_err();
        }
    }
}
