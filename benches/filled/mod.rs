//! A store filled with tasks and agents by the records that an engine would write, for the benches of lists and of search.

mod words;

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use menagerie::domain::agent::AgentSpec;
use menagerie::domain::cage::CageSpec;
use menagerie::domain::event::{
    Actor, AgentDeclared, CageDeclared, Event, ExecutionEnded, ExecutionScheduled, JOURNAL_FORMAT, JournalOpened,
    NodeSeen, Record, TaskSubmitted, UserAdded,
};
use menagerie::domain::execution::{Outcome, OutcomeKind};
use menagerie::domain::id::{AgentId, CageId, ExecutionId, NodeId, TaskId, UserId};
use menagerie::domain::node::{Capacity, Node, NodeStatus};
use menagerie::domain::task::{NewTask, Task, TaskStatus};
use menagerie::domain::{Span, Timestamp, User};
use menagerie::store::Store;
use serde_json::json;
pub(crate) use words::word;

pub(crate) type Outcomes<T> = Result<T, Box<dyn Error>>;

/// Records in a transaction.
const GROUP: usize = 1000;
/// How many different words there are.
const WORDS: f64 = 5000.0;

struct Writer {
    store: Store,
    pending: Vec<Record>,
    seq: u64,
    now: i64,
    user: UserId,
    node: NodeId,
    agents: Vec<AgentId>,
    /// Whether tasks bring a text, for what searches words.
    prompts: bool,
    words: u64,
}

impl Writer {
    fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.now)
    }

    /// A number below `bound` that follows from the record's and is spread as a draw would be.
    fn spread(&self, bound: usize) -> usize {
        let mut z = self.seq.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from((z ^ (z >> 27)) >> 33).unwrap_or(0) % bound
    }

    /// A word of five thousand; the first are frequent, as in a language: the chance of each is about one in its rank.
    fn word(&mut self) -> String {
        self.words += 1;
        let mut z = self.words.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let part = (z ^ (z >> 27)) as f64 / u64::MAX as f64;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // From 0 to 5,000.
        let rank = (WORDS.powf(part) - 1.0) as usize;
        word(rank)
    }

    fn add(&mut self, event: impl Into<Event>) -> Outcomes<()> {
        self.seq += 1;
        self.now += 3_000;
        let actor = Actor::User(self.user);
        self.pending.push(Record { seq: self.seq, time: self.time(), actor, event: event.into() });
        if self.pending.len() >= GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Outcomes<()> {
        self.store.commit(&self.pending)?;
        self.pending.clear();
        Ok(())
    }

    fn fleet(&mut self, agents: usize) -> Outcomes<()> {
        let now = self.time();
        self.add(JournalOpened { format: JOURNAL_FORMAT, seed: 1, version: "bench".into() })?;
        let (email, name) = ("bench@here".to_owned(), "bench".to_owned());
        let user = User { id: self.user, email, name, avatar_url: None, roles: vec![], uid: Some(0), created_at: now };
        self.add(UserAdded { user })?;
        let node = Node {
            id: self.node,
            name: "here".into(),
            status: NodeStatus::Online,
            capacity: Capacity::default(),
            metadata: serde_json::Map::new(),
            created_at: now,
            updated_at: now,
        };
        let (owner, node_id) = (self.user, self.node);
        self.add(NodeSeen { node, resources: vec![] })?;
        for number in 1..=CageId::LAST {
            self.add(CageDeclared { spec: CageSpec::new(CageId::new(number)?), node_id })?;
        }
        for number in 0..agents {
            let agent_id = AgentId::new(self.time(), self.seq.into());
            self.agents.push(agent_id);
            let mut spec = AgentSpec::new(format!("agent-{number}"));
            if self.prompts {
                spec.keywords = (0..6).map(|_| self.word()).collect();
            }
            self.add(AgentDeclared { agent_id, spec, owner })?;
        }
        Ok(())
    }

    fn submit(&mut self) -> Outcomes<TaskId> {
        let now = self.time();
        let mut new = NewTask::new(["analysis", "processing", "build", "survey"][self.spread(4)]);
        new.parameters.configuration.insert("command".into(), json!(["make", format!("target-{}", self.seq)]));
        new.metadata.tags = vec![["nightly", "adhoc"][self.spread(2)].into()];
        new.metadata.source = Some("bench".into());
        if self.prompts {
            let prompt: Vec<String> = (0..8).map(|_| self.word()).collect();
            new.parameters.input_data.insert("prompt".into(), prompt.join(" ").into());
        }
        let id = TaskId::new(now, u128::from(self.seq.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        new.priority = u8::try_from(1 + self.spread(10))?;
        new.requirements.gpu = u32::from(self.spread(100) == 0);
        let deadline = (self.spread(20) == 0).then(|| now.plus(Span::from_secs(3600)));
        let task = Task { deadline, ..new.into_task(id, self.user, now) };
        self.add(TaskSubmitted { task, after: vec![] })?;
        Ok(id)
    }

    fn run(&mut self, task_id: TaskId) -> Outcomes<()> {
        let (now, place) = (self.time(), self.spread(self.agents.len()));
        let execution_id = ExecutionId::new(now, u128::from(self.seq.wrapping_mul(0xbf58_476d_1ce4_e5b9)));
        let (agent_id, node_id) = (self.agents[place], self.node);
        let cage_id = CageId::new(u16::try_from(place % usize::from(CageId::LAST))? + 1)?;
        self.add(ExecutionScheduled {
            execution_id,
            task_id,
            agent_id,
            cage_id,
            node_id,
            attempt: 1,
            held: vec![],
            choice: None,
        })?;
        let failed = self.spread(50) == 0;
        let kind = if failed { OutcomeKind::Failed } else { OutcomeKind::Succeeded };
        self.add(ExecutionEnded {
            execution_id,
            task_id,
            agent_id,
            started_at: Some(now),
            ended_at: now.plus(Span::from_millis(5)),
            outcome: Outcome::new(kind, if failed { "exit status 2: make stopped" } else { "" }),
            task_status: if failed { TaskStatus::Failed } else { TaskStatus::Completed },
            attempts: 1,
            losses: 0,
            not_before: None,
            agent_failures: 0,
            kind: None,
            after: vec![],
            lesson: None,
            slack: None,
        })
    }
}

/// Fills a folder: of the tasks, seven of ten have ended. With `prompts`, tasks and agents have words. Gives the seconds.
pub(crate) fn fill(folder: &Path, tasks: usize, agents: usize, prompts: bool) -> Outcomes<f64> {
    std::fs::create_dir_all(folder)?;
    let start = Timestamp::from_micros(1_750_000_000_000_000);
    let mut writer = Writer {
        store: Store::open(folder)?,
        pending: vec![],
        seq: 0,
        now: start.as_micros(),
        user: UserId::new(start, 1),
        node: NodeId::new(start, 2),
        agents: vec![],
        prompts,
        words: 0,
    };
    let begun = Instant::now();
    writer.fleet(agents)?;
    for number in 0..tasks {
        let id = writer.submit()?;
        if number < tasks / 10 * 7 {
            writer.run(id)?;
        }
    }
    writer.flush()?;
    Ok(begun.elapsed().as_secs_f64())
}
