//! Everything that can happen, as it stands in the journal.
//!
//! Kinds and fields stay readable for ever: a field is added with a default and never used for something else; a kind
//! whose meaning changes gets a new version. Events carry every fact that their application needs, so that the rows of
//! the store and the state of the engine follow from the journal alone, without a clock or a draw.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::agent::AgentSpec;
use super::alert::{Alert, AlertAttempt, Resolution};
use super::alert_rule::{AlertRule, Subject};
use super::approval_rule::ApprovalRule;
use super::artifact::{Artifact, ReviewState};
use super::cage::{CageFault, CageSpec, Enforcements};
use super::execution::{Outcome, OutcomeKind};
use super::fleet::Defaults;
use super::id::{
    AgentId, AlertId, AllocationId, ArtifactId, CageId, ExecutionId, NodeId, ResourceId, SilenceId, TaskId, UserId,
};
use super::learning::{Lesson, ModelState, ModelVersion, Product, Slack, Taught};
use super::node::Node;
use super::quantity::Span;
use super::refusal::Refusal;
use super::resource::Resource;
use super::selection::Choice;
use super::silence::Silence;
use super::system_event::{Severity, SystemEvent};
use super::task::{Task, TaskStatus};
use super::time::Timestamp;
use super::user::User;
use super::workspace::Merge;

/// Who caused a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The engine itself: a decision of the scheduler, a timer.
    Engine,
    /// A person or account.
    User(UserId),
    /// A node's worker, by what it reported.
    Node(NodeId),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine => f.write_str("engine"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Node(id) => write!(f, "node:{id}"),
        }
    }
}

impl std::str::FromStr for Actor {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        match text.split_once(':') {
            None if text == "engine" => Ok(Self::Engine),
            Some(("user", id)) => id.parse().map(Self::User),
            Some(("node", id)) => id.parse().map(Self::Node),
            _ => Err(Refusal::invalid("actor", text, "engine, user:ID or node:ID")),
        }
    }
}

/// An event with its place in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its number, from 1 without gaps.
    pub seq: u64,
    /// When it was decided.
    pub time: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// What happened.
    pub event: Event,
}

/// Declares the events: one list from which the kinds, the encoding and the decoding follow.
macro_rules! events {
    ($($(#[$meta:meta])* $name:ident = $kind:literal { $($(#[$fmeta:meta])* $field:ident : $type:ty),* $(,)? })+) => {
        /// Something that happened.
        // Variants differ in size because a task is carried whole; boxing it would cost an allocation a submission.
        #[allow(clippy::large_enum_variant)]
        #[derive(Clone, Debug, PartialEq)]
        pub enum Event { $($(#[$meta])* $name($name)),+ }

        $(
            $(#[$meta])*
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            pub struct $name { $($(#[$fmeta])* pub $field: $type),* }

            impl From<$name> for Event {
                fn from(event: $name) -> Self { Self::$name(event) }
            }
        )+

        impl Event {
            /// Every kind, in the order of declaration.
            pub const KINDS: &'static [&'static str] = &[$($kind),+];

            /// The name of the kind, as it stands in the journal.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => $kind),+ }
            }

            /// The version of the kind's body. All are 1 so far.
            pub const fn version(&self) -> u32 { 1 }

            /// Appends the JSON body to `buffer`.
            pub fn write_body(&self, buffer: &mut Vec<u8>) -> serde_json::Result<()> {
                match self { $(Self::$name(event) => serde_json::to_writer(buffer, event)),+ }
            }

            /// Reads a body of a `kind` and `version`; a kind or version that this binary does not know is refused.
            pub fn read(kind: &str, version: u32, body: &[u8]) -> Result<Self, Refusal> {
                if version != 1 {
                    let shown = format!("{kind} version {version}");
                    return Err(Refusal::invalid("journal record", shown, "version 1").hint("use a newer menagerie"));
                }
                let read = match kind {
                    $($kind => serde_json::from_slice(body).map(Self::$name),)+
                    _ => return Err(Refusal::not_one_of("journal record", kind, Self::KINDS).hint("use a newer menagerie")),
                };
                read.map_err(|error| Refusal::invalid("journal record", format!("{kind}: {error}"), "a body of that kind"))
            }
        }
    };
}

/// The format of the journal that this binary writes, and the newest that it reads.
pub const JOURNAL_FORMAT: u32 = 1;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Writes a fresh task without the fields that are as they are when left out. A submission is the most frequent and the
/// longest of the bodies; this halves it.
fn lean_task<S: serde::Serializer>(task: &Task, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeStruct;
    let mut body = serializer.serialize_struct("Task", 31)?;
    macro_rules! fields {
        (always $($name:literal = $value:expr),+; unless_default $($field:ident),+ $(,)?) => {
            $(body.serialize_field($name, &$value)?;)+
            $(if !is_default(&task.$field) { body.serialize_field(stringify!($field), &task.$field)?; })+
        };
    }
    fields!(
        always "id" = task.id, "type" = task.kind, "status" = task.status, "priority" = task.priority,
            "max_attempts" = task.max_attempts, "created_by" = task.created_by, "created_at" = task.created_at,
            "updated_at" = task.updated_at;
        unless_default parameters, requirements, deadline, depends_on, approval_gate, attempts, losses, timeout, estimate,
            preemptible, verify, workspace, verification, agent_id, cage_id, assigned_agent_id, execution_id, not_before, output, error, metadata, array,
            array_index, started_at, completed_at, context
    );
    body.end()
}

/// A quantity of a resource held by an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The allocation's own id.
    pub id: AllocationId,
    /// What is held.
    pub resource_id: ResourceId,
    /// How much, in the resource's unit.
    pub quantity: u64,
}

events! {
    /// The journal begins; always its first record.
    JournalOpened = "journal_opened" {
        /// [`JOURNAL_FORMAT`] when it was opened.
        format: u32,
        /// Seeds every draw that the engine makes.
        seed: u64,
        /// The version of Menagerie that opened it.
        version: String,
    }
    /// An engine took up the journal.
    EngineStarted = "engine_started" {
        /// Its version.
        version: String,
        /// Its process.
        pid: u32,
    }
    /// Somebody acted for the first time, or was declared, or declared otherwise.
    UserAdded = "user_added" {
        /// The user as it is now.
        user: User,
    }
    /// The defaults were declared.
    DefaultsSet = "defaults_set" {
        /// All of them.
        defaults: Defaults,
    }
    /// A node joined, came back, or has changed what it has.
    NodeSeen = "node_seen" {
        /// The node as it is now.
        node: Node,
        /// What it has.
        resources: Vec<Resource>,
    }
    /// A node's worker can no longer be reached.
    NodeLost = "node_lost" {
        /// Which.
        node_id: NodeId,
    }
    /// A cage was declared, or declared otherwise.
    CageDeclared = "cage_declared" {
        /// What it is now.
        spec: CageSpec,
        /// Where it is.
        node_id: NodeId,
    }
    /// A cage was given up.
    CageRemoved = "cage_removed" {
        /// Which.
        cage_id: CageId,
    }
    /// An operator withheld a cage, or gave it back.
    CageMaintenance = "cage_maintenance" {
        /// Which.
        cage_id: CageId,
        /// Whether it is withheld now.
        on: bool,
    }
    /// A worker set up a cage and says how each limit holds.
    CageEnforced = "cage_enforced" {
        /// Which.
        cage_id: CageId,
        /// Limit by limit.
        enforcement: Enforcements,
    }
    /// A worker could not set up a cage. It gets no work for a while; setting it up, declaring it otherwise or giving it
    /// back after maintenance ends that.
    CageFaulted = "cage_faulted" {
        /// Which.
        cage_id: CageId,
        /// Why, and until when.
        fault: CageFault,
    }
    /// A cage that could not be set up may be tried again.
    CageReleased = "cage_released" {
        /// Which.
        cage_id: CageId,
    }
    /// An agent was declared, or declared otherwise.
    AgentDeclared = "agent_declared" {
        /// Its id.
        agent_id: AgentId,
        /// What it is now.
        spec: AgentSpec,
        /// Who owns it.
        owner: UserId,
    }
    /// An agent was removed.
    AgentRemoved = "agent_removed" {
        /// Which.
        agent_id: AgentId,
    }
    /// An agent was given another home, or none.
    AgentMoved = "agent_moved" {
        /// Which.
        agent_id: AgentId,
        /// Its home from now on.
        cage_id: Option<CageId>,
    }
    /// An operator drained an agent: it ends what it has and takes nothing new.
    AgentDrained = "agent_drained" {
        /// Which.
        agent_id: AgentId,
    }
    /// An operator let an agent work again; this also closes its circuit breaker.
    AgentResumed = "agent_resumed" {
        /// Which.
        agent_id: AgentId,
    }
    /// An agent failed too often in a row and gets a pause.
    BreakerOpened = "breaker_opened" {
        /// Which.
        agent_id: AgentId,
        /// Failures in a row.
        failures: u32,
        /// No task before this time.
        until: Timestamp,
    }
    /// A pause ended; the agent gets a task to try.
    BreakerClosed = "breaker_closed" {
        /// Which.
        agent_id: AgentId,
    }
    /// A task, or an array of tasks, was submitted.
    TaskSubmitted = "task_submitted" {
        /// The task as it is now; what says nothing is left out of the body.
        #[serde(serialize_with = "lean_task")]
        task: Task,
        /// The agents that had completed what it depends on already; sorted, each once.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        after: Vec<AgentId>,
    }
    /// An element of an array became a task of its own.
    TaskMaterialised = "task_materialised" {
        /// The array.
        array_id: TaskId,
        /// The new task: `array_id.element(place)`.
        task_id: TaskId,
        /// The element's number, within the array's range.
        index: u32,
    }
    /// Every element of an array has ended, and the array was not itself cancelled or failed before.
    ArrayEnded = "array_ended" {
        /// The array.
        task_id: TaskId,
        /// `completed` when all elements did, otherwise `failed`.
        status: TaskStatus,
    }
    /// A task that was not running was taken back. For an array: its elements that are not yet tasks, and the array
    /// itself; elements under way go on as tasks of their own.
    TaskCancelled = "task_cancelled" {
        /// Which.
        task_id: TaskId,
        /// Why.
        note: Option<String>,
    }
    /// A task that was not running was given up.
    TaskFailed = "task_failed" {
        /// Which.
        task_id: TaskId,
        /// Why, in one sentence.
        error: String,
        /// The failed task at the beginning of the chain of dependencies that broke, if that is why. Nobody's choice:
        /// it is absent when a person cancelled what this depended on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<TaskId>,
    }
    /// A person gave a failed or cancelled task another life; its attempts count from zero.
    TaskRetried = "task_retried" {
        /// Which.
        task_id: TaskId,
    }
    /// A person decided who has to do a task, or where.
    TaskReassigned = "task_reassigned" {
        /// Which.
        task_id: TaskId,
        /// The agent that must do it.
        agent_id: Option<AgentId>,
        /// The cage it must run in.
        cage_id: Option<CageId>,
    }
    /// A person changed a task's priority.
    TaskPrioritised = "task_prioritised" {
        /// Which.
        task_id: TaskId,
        /// 1-10.
        priority: u8,
    }
    /// The scheduler placed a task: agent, cage and resources are held for it.
    ExecutionScheduled = "execution_scheduled" {
        /// The attempt.
        execution_id: ExecutionId,
        /// The task.
        task_id: TaskId,
        /// Who.
        agent_id: AgentId,
        /// Where.
        cage_id: CageId,
        /// On which machine.
        node_id: NodeId,
        /// From 1; counts every attempt, also those that cost none.
        attempt: u32,
        /// What is held.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        held: Vec<Held>,
        /// Why this agent, where it was chosen among several or another would have suited better.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        choice: Option<Choice>,
    }
    /// The worker says that a process runs.
    ExecutionStarted = "execution_started" {
        /// The attempt.
        execution_id: ExecutionId,
        /// The task.
        task_id: TaskId,
        /// When, by the worker's clock.
        started_at: Timestamp,
    }
    /// The engine wants an execution stopped.
    ExecutionStopping = "execution_stopping" {
        /// The attempt.
        execution_id: ExecutionId,
        /// The task.
        task_id: TaskId,
        /// As what it will end: `cancelled`, `preempted` or `timed_out`.
        reason: OutcomeKind,
        /// Why, in words.
        note: Option<String>,
    }
    /// An execution ended; what it held is free, and the task goes on from here.
    ExecutionEnded = "execution_ended" {
        /// The attempt.
        execution_id: ExecutionId,
        /// The task.
        task_id: TaskId,
        /// Who.
        agent_id: AgentId,
        /// When its process started, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        started_at: Option<Timestamp>,
        /// When it ended.
        ended_at: Timestamp,
        /// How.
        outcome: Outcome,
        /// The task's status from now on.
        task_status: TaskStatus,
        /// The attempts of the task that count so far.
        attempts: u32,
        /// The attempts lost with a worker so far.
        #[serde(default, skip_serializing_if = "is_default")]
        losses: u32,
        /// When the task may be tried again, if it is `pending`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_before: Option<Timestamp>,
        /// The agent's failures in a row from now on.
        #[serde(default, skip_serializing_if = "is_default")]
        agent_failures: u32,
        /// The task's type, where the end says something about the agent: it did the work by a command of its own, and
        /// succeeded or is to blame.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<String>,
        /// The agents whose work it built on, where the end says something about the agent.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        after: Vec<AgentId>,
        /// What it teaches, where it says something about the agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lesson: Option<Lesson>,
        /// How the task stood to its deadline, where it completed and that says what waiting costs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slack: Option<Slack>,
    }
    /// An output of an agent was taken in.
    ArtifactAdded = "artifact_added" {
        /// It.
        artifact: Artifact,
    }
    /// A human judged an artifact, or took a judgement back.
    ArtifactReviewed = "artifact_reviewed" {
        /// Which.
        artifact_id: ArtifactId,
        /// The task that made it.
        task_id: TaskId,
        /// The judgement; who and when are the record's actor and time.
        state: ReviewState,
        /// Why.
        note: Option<String>,
        /// Whether it is a difference that is merged once it is approved.
        #[serde(default, skip_serializing_if = "is_default")]
        merges: bool,
        /// Who made it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent_id: Option<AgentId>,
        /// The judgement before, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<ReviewState>,
        /// Whose that was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was_by: Option<UserId>,
        /// The rule that judged, when no human did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<String>,
        /// How good it is, 0-1, in the place of what its agent reported, where whoever judged said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quality: Option<f64>,
        /// What it is, as far as its judgement teaches.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        product: Option<Product>,
    }
    /// An approved difference was merged into its repository, or it could not be.
    ArtifactMerged = "artifact_merged" {
        /// Which.
        artifact_id: ArtifactId,
        /// The task that made it.
        task_id: TaskId,
        /// What came of it.
        merge: Merge,
    }
    /// A person said how good a task was done, or took that back; the record's actor is who.
    TaskRated = "task_rated" {
        /// The task.
        task_id: TaskId,
        /// The attempt that is rated.
        execution_id: ExecutionId,
        /// Who did it.
        agent_id: AgentId,
        /// 1-5, 5 best; `None` takes it back.
        rating: Option<u8>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// The same person's rating of this task before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<u8>,
        /// What it changes of what was learned; of a rating that is taken back, what it had changed and is changed back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        taught: Option<Taught>,
    }
    /// What a model had learned became a version of it, or somebody went back to one; it goes on from there.
    ModelVersioned = "model_versioned" {
        /// Which, and how it came about.
        version: ModelVersion,
        /// Everything that it is.
        state: ModelState,
    }
    /// A human put off judging an artifact.
    ArtifactSnoozed = "artifact_snoozed" {
        /// Which.
        artifact_id: ArtifactId,
        /// Until when; `None` for no longer.
        until: Option<Timestamp>,
    }
    /// A human put off deciding about a failed task.
    TaskSnoozed = "task_snoozed" {
        /// Which.
        task_id: TaskId,
        /// Until when; `None` for no longer.
        until: Option<Timestamp>,
    }
    /// Something came up that needs somebody's eye.
    AlertRaised = "alert_raised" {
        /// It.
        alert: Alert,
    }
    /// The cause of an alert that is not resolved came up again.
    AlertRepeated = "alert_repeated" {
        /// Which.
        alert_id: AlertId,
        /// The worst so far; of a rule's alert, the severity from now on.
        severity: Severity,
        /// What was said this time.
        message: String,
        /// The value this time, where there is one.
        value: Option<f64>,
        /// The threshold that was crossed this time, where it is another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        threshold: Option<f64>,
        /// Whether nothing came up: one of those that share it is over, and it says so.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        left: bool,
        /// What to do about it this time, where that is something else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remedy: Option<String>,
        /// The attempts that it is about this time, where it is about any.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attempts: Vec<AlertAttempt>,
    }
    /// Somebody knows of an alert.
    AlertAcknowledged = "alert_acknowledged" {
        /// Which.
        alert_id: AlertId,
        /// Who; `None` when it was not a person.
        by: Option<UserId>,
        /// What was said.
        note: Option<String>,
    }
    /// Nobody knows of an alert any more.
    AlertUnacknowledged = "alert_unacknowledged" {
        /// Which.
        alert_id: AlertId,
    }
    /// An alert is not shown for a while, or is again.
    AlertSilenced = "alert_silenced" {
        /// Which.
        alert_id: AlertId,
        /// Until when; `None` for no longer.
        until: Option<Timestamp>,
    }
    /// An alert is over.
    AlertResolved = "alert_resolved" {
        /// Which.
        alert_id: AlertId,
        /// How.
        resolution: Resolution,
    }
    /// A resolved alert is not over after all.
    AlertReopened = "alert_reopened" {
        /// As it is now; resolved ones are not kept in memory.
        alert: Alert,
    }
    /// A subject of a rule came to share the alert of the rule's group, changed its severity there, or left it.
    AlertGrouped = "alert_grouped" {
        /// The rule.
        rule: String,
        /// The subject.
        subject: Subject,
        /// How bad it is; `None` when it is over.
        severity: Option<Severity>,
    }
    /// An alert rule was declared, or declared otherwise.
    AlertRuleDeclared = "alert_rule_declared" {
        /// What it is now.
        rule: AlertRule,
    }
    /// An alert rule was removed; a built-in one is as it came.
    AlertRuleRemoved = "alert_rule_removed" {
        /// Which.
        name: String,
    }
    /// A rule that judges artifacts was declared, or declared otherwise.
    ApprovalRuleDeclared = "approval_rule_declared" {
        /// What it is now.
        rule: ApprovalRule,
    }
    /// A rule that judges artifacts was removed.
    ApprovalRuleRemoved = "approval_rule_removed" {
        /// Which.
        name: String,
    }
    /// Alerts are silenced for a while.
    SilenceAdded = "silence_added" {
        /// Which, and until when.
        silence: Silence,
    }
    /// A silence ended.
    SilenceRemoved = "silence_removed" {
        /// Which.
        silence_id: SilenceId,
    }
    /// The system said something about itself.
    SystemEventRaised = "system_event_raised" {
        /// What.
        event: SystemEvent,
    }
}

impl ArtifactReviewed {
    /// Who made it and what it is, where the judgement teaches: a person's, and no change of one. What a rule does says
    /// something about the rule.
    pub fn teaches(&self, actor: Actor) -> Option<(AgentId, Product)> {
        let by_person = matches!(actor, Actor::User(_)) && self.rule.is_none();
        let judged = by_person && self.was.is_none() && self.state != ReviewState::Pending;
        self.agent_id.zip(self.product).filter(|_| judged)
    }
}

impl ExecutionEnded {
    /// How long it took, where that says how long such tasks take: it ran and succeeded. One that failed or was stopped says
    /// only that it would have taken longer, or nothing.
    pub fn took(&self) -> Option<Span> {
        let started = self.started_at.filter(|_| self.outcome.succeeded())?;
        Some(self.ended_at.since(started))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_round_trip_and_unknown_ones_are_refused() {
        let event = Event::from(TaskPrioritised { task_id: TaskId::new(Timestamp::from_micros(5), 7), priority: 3 });
        let mut body = Vec::new();
        event.write_body(&mut body).unwrap();
        assert_eq!(Event::read(event.kind(), 1, &body).unwrap(), event);
        assert!(Event::read(event.kind(), 2, &body).unwrap_err().to_string().contains("newer"));
        assert!(Event::read("task_prioritized", 1, &body).is_err());
        assert!(Event::read(event.kind(), 1, b"{}").is_err());
    }

    #[test]
    fn a_lean_task_reads_back_whole() {
        let id = TaskId::new(Timestamp::from_micros(5), 7);
        let plain: Task = serde_json::from_value(serde_json::json!({
            "id": id, "type": "x", "status": "pending", "priority": 5, "max_attempts": 3, "created_by": id,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        }))
        .unwrap();
        // Every field is given another value than its default, so that one left out of the list would be missed.
        let full: Task = serde_json::from_value(serde_json::json!({
            "id": id, "type": "x", "status": "failed", "priority": 6, "max_attempts": 4, "created_by": id,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z",
            "parameters": {"input_data": {"a": 1}}, "requirements": {"gpu": 1}, "deadline": "2026-01-03T00:00:00Z",
            "depends_on": [id], "approval_gate": true, "attempts": 1, "losses": 2, "timeout": "1s", "estimate": "2s",
            "preemptible": true, "verify": {"expect_difference": true}, "workspace": {"repository": "/srv/shop"}, "agent_id": id, "cage_id": "001", "assigned_agent_id": id, "execution_id": id,
            "not_before": "2026-01-04T00:00:00Z", "output": 1, "error": "e", "metadata": {"source": "s"},
            "array": {"first": 1, "last": 2}, "array_index": 3, "started_at": "2026-01-05T00:00:00Z",
            "completed_at": "2026-01-06T00:00:00Z", "context": {"keywords": ["pars"], "phase": "testing"},
        }))
        .unwrap();
        for task in [plain, full] {
            let event = Event::from(TaskSubmitted { task, after: vec![] });
            let mut body = Vec::new();
            event.write_body(&mut body).unwrap();
            assert_eq!(Event::read("task_submitted", 1, &body).unwrap(), event);
        }
    }
}
