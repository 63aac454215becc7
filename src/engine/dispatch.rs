//! The dispatching thread: carries durable decisions to the workers. It is apart from the committing one so that neither
//! the reading of inputs nor a worker that is slow to take messages holds up a commit.

use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;

use super::commit::PendingStart;
use super::outlet::Outlet;
use super::{merge_order, start_input};
use crate::domain::link::ToWorker;
use crate::domain::{ArtifactId, NodeId};
use crate::store::Reader;

/// What one batch has for workers.
pub struct Orders {
    /// Declarations of cages; sent before anything is started.
    pub cages: Vec<(NodeId, ToWorker)>,
    /// What is to be started.
    pub starts: Vec<PendingStart>,
    /// Approved differences that are to be merged.
    pub merges: Vec<ArtifactId>,
    /// Everything else.
    pub messages: Vec<(NodeId, ToWorker)>,
    /// The highest number of the reports that are durable now, by node.
    pub acks: BTreeMap<NodeId, u64>,
}

/// How often workers measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Milliseconds between two measurements; `None` for none at all.
    pub interval_ms: Option<u32>,
    /// Whether they rest while nothing runs.
    pub while_busy: bool,
}

/// Something for the dispatching thread.
#[expect(clippy::large_enum_variant, reason = "few are on their way at a time, and each goes through one queue once")]
pub enum Act {
    /// Send these, one batch's after the other's.
    Carry(Vec<Orders>),
    /// Messages for a node go here from now on, or nowhere.
    Outlet(NodeId, Option<Box<dyn Outlet>>),
    /// Forget every way to a worker: the connections end and are made anew.
    DropOutlets,
    /// Have all workers, also those that connect later, measure like this.
    Watch(Pace),
    /// Send one message that needs no record before it.
    Tell(NodeId, ToWorker),
    /// Leave: nothing more will become durable.
    Stop,
}

/// The state of the dispatching thread.
pub struct Dispatcher {
    reader: Reader,
    acts: Receiver<Act>,
    outlets: BTreeMap<NodeId, Box<dyn Outlet>>,
    pace: Pace,
}

impl Dispatcher {
    /// Prepares the thread's state.
    pub fn new(reader: Reader, acts: Receiver<Act>) -> Self {
        Self { reader, acts, outlets: BTreeMap::new(), pace: Pace::default() }
    }

    /// Dispatches until it is told to leave.
    pub fn run(mut self) {
        while let Ok(act) = self.acts.recv() {
            match act {
                Act::Carry(orders) => self.carry(orders),
                Act::Outlet(node, Some(outlet)) => {
                    self.outlets.insert(node, outlet);
                    if self.pace.interval_ms.is_some() {
                        self.send_pace(node);
                    }
                }
                Act::Outlet(node, None) => {
                    self.outlets.remove(&node);
                }
                Act::DropOutlets => self.outlets.clear(),
                Act::Watch(pace) => {
                    self.pace = pace;
                    for node in self.outlets.keys().copied().collect::<Vec<_>>() {
                        self.send_pace(node);
                    }
                }
                Act::Tell(node, message) => self.send(node, &[message]),
                Act::Stop => return,
            }
        }
    }

    /// Sends each batch's cages first, then its starts, then the rest; all for one node in one write.
    fn carry(&mut self, batches: Vec<Orders>) {
        let mut by_node: BTreeMap<NodeId, Vec<ToWorker>> = BTreeMap::new();
        for Orders { cages, starts, merges, messages, acks } in batches {
            for (node, message) in cages {
                by_node.entry(node).or_default().push(message);
            }
            match start_input::messages(&self.reader, &starts) {
                Ok(messages) => {
                    for (start, message) in starts.iter().zip(messages) {
                        by_node.entry(start.node).or_default().push(message);
                    }
                }
                Err(error) => {
                    // The attempts stand as decided; dropping the connections makes the workers say what they know,
                    // and the engine then sends what they lack.
                    tracing::error!(%error, "the inputs of executions cannot be read");
                    self.outlets.clear();
                    return;
                }
            }
            for id in merges {
                match merge_order::message(&self.reader, id) {
                    Ok(Some((node, message))) => by_node.entry(node).or_default().push(message),
                    Ok(None) => {}
                    // It is asked for again when the worker connects the next time.
                    Err(error) => tracing::error!(%id, %error, "what is to be merged cannot be read"),
                }
            }
            for (node, message) in messages {
                by_node.entry(node).or_default().push(message);
            }
            for (node, number) in acks {
                by_node.entry(node).or_default().push(ToWorker::Ack { number });
            }
        }
        for (node, messages) in by_node {
            self.send(node, &messages);
        }
    }

    fn send_pace(&mut self, node: NodeId) {
        let Pace { interval_ms, while_busy } = self.pace;
        self.send(node, &[ToWorker::Watch { interval_ms, while_busy }]);
    }

    fn send(&mut self, node: NodeId, messages: &[ToWorker]) {
        let Some(outlet) = self.outlets.get_mut(&node) else { return };
        if let Err(error) = outlet.send(messages) {
            tracing::warn!(%node, %error, "the worker cannot be reached");
            self.outlets.remove(&node);
        }
    }
}
