//! What the store hands the engine at its start: the unfinished work and the fleet, never the finished past.

use super::agent::Agent;
use super::alert::Alert;
use super::alert_rule::{AlertRule, Subject};
use super::approval_rule::ApprovalRule;
use super::artifact::ReviewState;
use super::cage::Cage;
use super::event::{Held, TaskRated};
use super::execution::OutcomeKind;
use super::fleet::Defaults;
use super::id::{AgentId, ArtifactId, CageId, ExecutionId, NodeId, TaskId, UserId};
use super::learning::{Lesson, ModelState, ModelVersion, Product, Slack, Taught};
use super::node::Node;
use super::quantity::Span;
use super::requirements::Requirements;
use super::resource::Resource;
use super::selection::TaskContext;
use super::silence::Silence;
use super::system_event::Severity;
use super::task::{ArrayRange, Task, TaskStatus};
use super::time::Timestamp;
use super::user::User;

/// Everything that the engine keeps in memory, as rows. Tasks come in the order of their submission.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The number of the last record.
    pub seq: u64,
    /// When the last record was decided; the engine's time never goes back behind it.
    pub time: Timestamp,
    /// The seed of the journal.
    pub seed: u64,
    /// The defaults in force.
    pub defaults: Defaults,
    /// Everybody who has acted.
    pub users: Vec<User>,
    /// Nodes and what they have.
    pub nodes: Vec<(Node, Vec<Resource>)>,
    /// Cages.
    pub cages: Vec<Cage>,
    /// Agents.
    pub agents: Vec<Agent>,
    /// Tasks that have not ended, by submission.
    pub tasks: Vec<QueuedTask>,
    /// Executions that have not ended.
    pub executions: Vec<LiveExecution>,
    /// Artifacts that are not approved.
    pub artifacts: Vec<OpenArtifact>,
    /// Approved differences of which no worker has said yet what came of merging them, by id.
    pub merging: Vec<ArtifactId>,
    /// Alerts that are not resolved.
    pub alerts: Vec<Alert>,
    /// Alert rules that were declared, by name; built-in ones only if they were changed.
    pub alert_rules: Vec<AlertRule>,
    /// Rules that judge artifacts, by name.
    pub approval_rules: Vec<ApprovalRule>,
    /// What shares the alert of its rule's group: the rule, the subject and how bad it is.
    pub alerts_grouped: Vec<(String, Subject, Severity)>,
    /// Silences, those included whose time has passed and that nobody has removed.
    pub silences: Vec<Silence>,
    /// How many tasks have completed, failed and been cancelled so far, arrays themselves not counted.
    pub ended: EndedCounts,
    /// What choices among agents rest on, of those that there are.
    pub past: Past,
}

/// What agents have done and what is thought of them, as far as choices rest on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// Executions that ended, by agent, type and day.
    pub days: Vec<PastDay>,
    /// How agents did after others.
    pub pairs: Vec<PastPair>,
    /// What users think of agents.
    pub opinions: Vec<PastOpinion>,
    /// The last version of each model.
    pub models: Vec<(ModelVersion, ModelState)>,
    /// What happened since that teaches something, in order.
    pub lessons: Vec<PastLesson>,
}

/// Something that taught, or made forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PastLesson {
    /// An execution ended.
    Learned {
        /// Who did it.
        agent_id: AgentId,
        /// What it teaches.
        lesson: Lesson,
        /// How well it came out, 0-1000.
        truth: u16,
    },
    /// A rating was given or taken back.
    Rated {
        /// Who was rated.
        agent_id: AgentId,
        /// What the rating changes.
        taught: Taught,
        /// Whether it was given; otherwise that is changed back.
        given: bool,
    },
    /// An execution succeeded, after so long.
    Took {
        /// Who did it.
        agent_id: AgentId,
        /// The task's type.
        kind: String,
        /// Whether the task brought its command.
        brings_command: bool,
        /// How long it took.
        took: Span,
        /// How many tokens it used, where that is known.
        tokens: Option<u64>,
    },
    /// An execution ended whose end says something about its agent.
    Tried {
        /// Who did it.
        agent_id: AgentId,
        /// What it was about.
        lesson: Lesson,
        /// Whether it succeeded.
        succeeded: bool,
    },
    /// A person judged an artifact.
    Judged {
        /// Who made it.
        agent_id: AgentId,
        /// What it is.
        product: Product,
        /// Whether it was approved.
        approved: bool,
    },
    /// A task with a deadline completed.
    Stood(Slack),
    /// An agent was removed.
    Removed(AgentId),
}

/// What an agent did with tasks of one type on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastDay {
    /// Who.
    pub agent_id: AgentId,
    /// The type of the tasks.
    pub kind: String,
    /// Days since 1970-01-01, in UTC.
    pub day: i64,
    /// Executions that ended.
    pub executions: u32,
    /// Those that succeeded.
    pub successes: u32,
    /// Those whose process was started.
    pub timed: u32,
    /// How long those took together, in microseconds.
    pub micros: u64,
}

/// How an agent did with tasks that build on another's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastPair {
    /// Who.
    pub agent_id: AgentId,
    /// After whom.
    pub after: AgentId,
    /// Executions that ended.
    pub executions: u32,
    /// Those that succeeded.
    pub successes: u32,
}

/// What a user thinks of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastOpinion {
    /// Of whom.
    pub agent_id: AgentId,
    /// Who.
    pub user_id: UserId,
    /// How many ratings they gave.
    pub ratings: u32,
    /// The sum of their stars.
    pub stars: u32,
    /// How many artifacts they approved.
    pub approved: u32,
    /// How many they rejected.
    pub rejected: u32,
}

/// What rules that judge artifacts have to know of the task that made them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFacts {
    /// The task.
    pub id: TaskId,
    /// Its type.
    pub kind: String,
    /// Whether it is tagged so that what comes of it is of high risk.
    pub high_risk: bool,
}

/// How many tasks have ended, by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndedCounts {
    /// Completed.
    pub completed: u64,
    /// Failed.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
}

/// A task as far as decisions need it: no parameters, no output.
#[derive(Clone, Debug, PartialEq)]
pub struct QueuedTask {
    /// Identifier.
    pub id: TaskId,
    /// Where its life stands.
    pub status: TaskStatus,
    /// 1-10, 10 first.
    pub priority: u8,
    /// What it asks for.
    pub requirements: Requirements,
    /// Whether it brings a command of its own.
    pub brings_command: bool,
    /// The agent that must do it.
    pub agent_id: Option<AgentId>,
    /// The cage it must run in.
    pub cage_id: Option<CageId>,
    /// Who submitted it; shares are counted by this.
    pub owner: UserId,
    /// When it should be done.
    pub deadline: Option<Timestamp>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// Not before this time.
    pub not_before: Option<Timestamp>,
    /// Attempts that count so far.
    pub attempts: u32,
    /// Attempts lost with a worker.
    pub losses: u32,
    /// All attempts so far, also those that cost none.
    pub executions: u32,
    /// Attempts in all.
    pub max_attempts: u32,
    /// How long one attempt may take.
    pub timeout: Option<Span>,
    /// How long one attempt is expected to take.
    pub estimate: Option<Span>,
    /// Whether a more urgent task may stop it.
    pub preemptible: bool,
    /// Wait until the artifacts of the dependencies are approved.
    pub approval_gate: bool,
    /// Tasks that must complete first, with what has become of them.
    pub depends_on: Vec<(TaskId, TaskStatus)>,
    /// Its type.
    pub kind: String,
    /// What was read out of its text.
    pub context: TaskContext,
    /// The agents that completed what it depends on, as far as it has completed; sorted, each once.
    pub after: Vec<AgentId>,
    /// The agent that completed it, if it has completed.
    pub done_by: Option<AgentId>,
    /// For an array: its range.
    pub array: Option<ArrayRange>,
    /// For an array: the elements, counted from 1, that already are tasks of their own, as inclusive ranges in order.
    pub materialised: Vec<(u32, u32)>,
    /// For an array: how many elements have failed or were cancelled, and were not tried again.
    pub array_failed: u32,
}

impl QueuedTask {
    /// The part of a freshly submitted task that decisions need; every dependency is taken as pending.
    pub fn of(task: &Task) -> Self {
        Self {
            id: task.id,
            status: task.status,
            priority: task.priority,
            requirements: task.requirements.clone(),
            brings_command: task.brings_command(),
            agent_id: task.agent_id,
            cage_id: task.cage_id,
            owner: task.created_by,
            deadline: task.deadline,
            created_at: task.created_at,
            not_before: task.not_before,
            attempts: task.attempts,
            losses: task.losses,
            executions: task.attempts + task.losses,
            max_attempts: task.max_attempts,
            timeout: task.timeout,
            estimate: task.estimate,
            preemptible: task.preemptible,
            approval_gate: task.approval_gate,
            depends_on: task.depends_on.iter().map(|id| (*id, TaskStatus::Pending)).collect(),
            kind: task.kind.clone(),
            context: task.context.clone(),
            after: vec![],
            done_by: None,
            array: task.array,
            materialised: vec![],
            array_failed: 0,
        }
    }
}

/// An execution that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveExecution {
    /// The attempt.
    pub id: ExecutionId,
    /// The task.
    pub task_id: TaskId,
    /// Who.
    pub agent_id: AgentId,
    /// Where.
    pub cage_id: CageId,
    /// On which machine.
    pub node_id: NodeId,
    /// From 1.
    pub attempt: u32,
    /// What is held.
    pub held: Vec<Held>,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When its process started, if the worker has said so.
    pub started_at: Option<Timestamp>,
    /// As what it is being stopped, if it is.
    pub stopping: Option<OutcomeKind>,
    /// Why, in words.
    pub stop_note: Option<String>,
}

/// A task of which an attempt has ended, as far as rating it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatedTask {
    /// The task.
    pub task_id: TaskId,
    /// The last attempt that ended.
    pub execution_id: ExecutionId,
    /// Who did it.
    pub agent_id: AgentId,
    /// The ratings that it has.
    pub ratings: Vec<GivenRating>,
    /// The task's type.
    pub kind: String,
    /// What was read out of its text.
    pub context: TaskContext,
}

/// A rating of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRating {
    /// Who gave it.
    pub user_id: UserId,
    /// 1-5, 5 best.
    pub stars: u8,
    /// Why.
    pub note: Option<String>,
    /// The attempt that was rated.
    pub execution_id: ExecutionId,
    /// Whose that was.
    pub agent_id: AgentId,
    /// What it has changed of what was learned; `None` where it taught nothing.
    pub taught: Option<Taught>,
    /// When.
    pub time: Timestamp,
}

/// An artifact that is not approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenArtifact {
    /// Identifier.
    pub id: ArtifactId,
    /// The task that made it.
    pub task_id: TaskId,
    /// Pending or rejected (or approved, when a command is told about an artifact that it names).
    pub state: ReviewState,
    /// Not shown at the head of the inbox until then.
    pub snoozed_until: Option<Timestamp>,
    /// Who made it.
    pub agent_id: AgentId,
    /// Who judged it, if somebody did.
    pub judged_by: Option<UserId>,
    /// Whether it is a difference that is merged once it is approved, and is not yet.
    pub merges: bool,
    /// What it is, as far as its judgement teaches.
    pub product: Product,
}

impl OpenArtifact {
    /// Whose approval it is: its task's and, if that may be an element, its array's, because a gate on an array waits for
    /// the artifacts of all its elements.
    pub fn makers(&self) -> impl Iterator<Item = TaskId> + use<> {
        let (task, array) = (self.task_id, self.task_id.as_array());
        std::iter::once(task).chain((array != task).then_some(array))
    }
}

impl PastLesson {
    /// What a rating teaches, or one that is taken back takes with it.
    pub fn of_rating(event: TaskRated) -> Option<Self> {
        let TaskRated { agent_id, rating, taught, .. } = event;
        Some(Self::Rated { agent_id, taught: taught?, given: rating.is_some() })
    }
}
