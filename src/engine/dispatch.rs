//! The dispatching thread: carries durable decisions to the workers. It is apart from the committing one so that neither
//! the reading of inputs nor a worker that is slow to take messages holds up a commit.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender};

use super::commit::PendingStart;
use super::message::Message;
use super::outlet::{Outlet, TooLong};
use super::{merge_order, start_input};
use crate::domain::link::{FRAME_BYTES_MAX, ToWorker};
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
    decider: Sender<Message>,
    outlets: BTreeMap<NodeId, Box<dyn Outlet>>,
    pace: Pace,
}

impl Dispatcher {
    /// Prepares the thread's state. `decider` is told what cannot be carried out.
    pub fn new(reader: Reader, acts: Receiver<Act>, decider: Sender<Message>) -> Self {
        Self { reader, acts, decider, outlets: BTreeMap::new(), pace: Pace::default() }
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
        match outlet.send(messages) {
            Ok(left_out) => {
                for TooLong { place, bytes } in left_out {
                    self.not_sent(node, &messages[place], bytes);
                }
            }
            Err(error) => {
                tracing::warn!(%node, %error, "the worker cannot be reached");
                self.outlets.remove(&node);
            }
        }
    }

    /// Has an execution end that no worker can be told of. Of anything else only the log speaks: a cage that a worker
    /// does not know ends what is to start in it.
    fn not_sent(&self, node: NodeId, message: &ToWorker, bytes: usize) {
        let ToWorker::Start(start) = message else {
            tracing::error!(%node, bytes, allowed = FRAME_BYTES_MAX, "a message is too long for the worker and is not sent");
            return;
        };
        let why = format!(
            "what the agent is given has {bytes} bytes; at most {FRAME_BYTES_MAX} can be sent to a worker: put large \
             values of its environment, its command and its input into files that its cage can read"
        );
        // Without a deciding thread the engine is about to end, and the next one tries again.
        let _ = self.decider.send(Message::NotSent { node, execution_id: start.execution_id, why });
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::path::Path;
    use std::time::Duration;

    use serde_json::json;
    use tokio::sync::oneshot;

    use super::*;
    use crate::domain::agent::Runtime;
    use crate::domain::fleet::CageEntry;
    use crate::domain::link::{Report, Start};
    use crate::domain::node::Capacity;
    use crate::domain::{AgentSpec, Command, Fleet, NewTask, Outcome, OutcomeKind, Reply, Span, TaskId};
    use crate::engine::Engine;
    use crate::engine::message::{Greeting, Peer};
    use crate::engine::outlet::SocketOutlet;
    use crate::engine::progress::Progress;
    use crate::store::series::Policy;
    use crate::store::{Query, Store};

    fn ask(engine: &Engine, command: Command) -> Reply {
        let (answer, answered) = oneshot::channel();
        let peer = Peer { uid: 0, name: "test".into() };
        engine.decider.send(Message::Command { peer, command, answer }).unwrap();
        answered.blocking_recv().unwrap().unwrap()
    }

    /// What is to be started next.
    fn next_start(stream: &mut UnixStream) -> Start {
        loop {
            let mut length = [0; 4];
            stream.read_exact(&mut length).unwrap();
            let mut body = vec![0; u32::from_le_bytes(length) as usize];
            stream.read_exact(&mut body).unwrap();
            if let ToWorker::Start(start) = serde_json::from_slice(&body).unwrap() {
                return *start;
            }
        }
    }

    /// An engine with two cages and an agent of each name, whose environment has so many bytes; and what its worker hears.
    fn engine(folder: &Path, agents: &[(&str, usize)]) -> (Engine, UnixStream) {
        let store = Store::open(folder).unwrap();
        let (progress, policy) = (Progress::default(), Policy::default());
        let engine = Engine::start(store, folder, &progress, Duration::ZERO, policy, Span::ZERO).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let greeting = Greeting {
            connection: 1,
            node: "node".into(),
            incarnation: 1,
            capacity: Capacity { cpu_millis: 4000, memory: 1 << 32, gpu: 0, gpu_memory: 0, storage: 1 << 32 },
            metadata: serde_json::Map::new(),
            executions: vec![],
            outlet: Box::new(SocketOutlet::new(ours)),
        };
        engine.decider.send(Message::Hello(Box::new(greeting))).unwrap();
        engine.decider.send(Message::Synced { connection: 1 }).unwrap();
        let mut fleet = Fleet::default();
        fleet.cage.push(CageEntry { range: Some("1-2".to_owned()), ..CageEntry::default() });
        for (name, bytes) in agents {
            let mut agent = AgentSpec { concurrency: 2, ..AgentSpec::new(*name) };
            agent.runtime = Runtime::of_command(vec!["true".to_owned()]);
            let Runtime::Command { env, .. } = &mut agent.runtime;
            env.insert("VALUE".to_owned(), json!("x".repeat(*bytes)));
            fleet.agent.push(agent);
        }
        ask(&engine, Command::Apply { fleet, dry_run: false });
        (engine, theirs)
    }

    fn submit(engine: &Engine, tasks: Vec<NewTask>) -> Vec<TaskId> {
        match ask(engine, Command::SubmitTasks { tasks, keep_going: false }) {
            Reply::Submitted { ids, .. } => ids,
            other => panic!("{other:?}"),
        }
    }

    fn leave(engine: Engine) {
        engine.decider.send(Message::Stop { kill: false, done: None }).unwrap();
        engine.join().unwrap();
    }

    #[test]
    fn an_execution_that_no_message_can_carry_ends_and_the_connection_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (engine, mut worker) = engine(folder.path(), &[("heavy", FRAME_BYTES_MAX), ("light", 1)]);
        let mut published = engine.published.subscribe();
        let task = |agent: &str| NewTask { agent: Some(agent.into()), max_attempts: 1, ..NewTask::new("processing") };
        let heavy = submit(&engine, vec![task("heavy"), task("light")])[0];
        assert_eq!(next_start(&mut worker).agent, "light");
        while !published.blocking_recv().unwrap().ended.contains(&heavy) {}
        let reader = Reader::open(folder.path()).unwrap();
        let executions = reader.executions(&Query { limit: 10, ..Query::default() }).unwrap().items;
        let outcome = executions.iter().find(|execution| execution.task_id == heavy).unwrap().outcome.as_ref().unwrap();
        assert_eq!(outcome.kind, OutcomeKind::NotStarted);
        assert!(outcome.message.contains("into files that its cage can read"), "{}", outcome.message);
        // The worker is reached as before.
        submit(&engine, vec![task("light")]);
        assert_eq!(next_start(&mut worker).agent, "light");
        leave(engine);
    }

    #[test]
    fn what_dependencies_say_of_themselves_takes_room_like_what_they_gave() {
        let folder = tempfile::tempdir().unwrap();
        let (engine, mut worker) = engine(folder.path(), &[("light", 1)]);
        let tasks = (0..3).map(|number| {
            let mut task = NewTask { key: Some(number.to_string()), ..NewTask::new("processing") };
            task.metadata.other.insert("note".to_owned(), json!("x".repeat(3 << 20)));
            task
        });
        let last = NewTask { depends_on: ["0", "1", "2"].map(str::to_owned).to_vec(), ..NewTask::new("analysis") };
        submit(&engine, tasks.chain([last]).collect());
        for number in 1..=3 {
            let execution_id = next_start(&mut worker).execution_id;
            let outcome = Box::new(Outcome { result: Some(json!(number)), ..Outcome::new(OutcomeKind::Succeeded, "") });
            let time = engine.clock.now();
            let report = Report::Ended { execution_id, started_at: Some(time), outcome, artifacts: vec![] };
            engine.decider.send(Message::Report { connection: 1, number, time, report }).unwrap();
        }
        let given = next_start(&mut worker).task;
        let dependencies = given["dependencies"].as_array().unwrap();
        let lengths = dependencies.iter().map(|given| given["metadata"]["note"].as_str().map(str::len));
        assert_eq!(lengths.collect::<Vec<_>>(), [Some(3 << 20), Some(3 << 20), None]);
        assert!(dependencies[2]["metadata_omitted_bytes"].as_u64().is_some_and(|bytes| bytes > 3 << 20));
        assert!(dependencies.iter().all(|given| given["output"].is_u64()), "what is short still fits");
        leave(engine);
    }
}
