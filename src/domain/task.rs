//! Tasks: units of work.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::agent::StreamFormat;
use super::enumeration::enumeration;
use super::id::{ARRAY_ELEMENTS_MAX, AgentId, CageId, ExecutionId, TaskId, UserId};
use super::quantity::Span;
use super::refusal::Refusal;
use super::requirements::{Requirements, check_name};
use super::selection::TaskContext;
use super::time::{Timestamp, When};
use super::variable::check_variable_name;
use super::verify::{Verification, Verify};
use super::workspace::Workspace;

enumeration! {
    /// The life of a task. `running` is read as `executing`.
    pub enum TaskStatus ("status") {
        /// Waits for its turn, its dependencies or its retry.
        Pending = "pending",
        /// An agent, a cage and resources are held for it.
        Scheduled = "scheduled",
        /// A process works on it.
        Executing = "executing" | "running",
        /// Done.
        Completed = "completed",
        /// Given up.
        Failed = "failed",
        /// Taken back by a person.
        Cancelled = "cancelled",
    }
}

impl TaskStatus {
    /// Whether the life of a task may go from `self` to `next`. A task goes back to `pending` when an attempt ended
    /// without finishing it, and from `failed` or `cancelled` when a person retries it.
    pub const fn may_become(self, next: Self) -> bool {
        use TaskStatus::{Cancelled, Completed, Executing, Failed, Pending, Scheduled};
        matches!(
            (self, next),
            (Pending, Scheduled | Cancelled | Failed)
                | (Scheduled, Executing | Completed | Failed | Cancelled | Pending)
                | (Executing, Completed | Failed | Cancelled | Pending)
                | (Failed | Cancelled, Pending)
        )
    }

    /// Checks a change of status.
    pub fn become_checked(self, next: Self) -> Result<Self, Refusal> {
        if self.may_become(next) {
            return Ok(next);
        }
        let allowed: Vec<_> = Self::ALL.iter().filter(|to| self.may_become(**to)).map(|to| to.as_str()).collect();
        let allowed = if allowed.is_empty() { "nothing further".to_owned() } else { allowed.join(", ") };
        Err(Refusal::conflict("status", format!("{self} cannot become {next}"), allowed))
    }

    /// Whether the task has ended (it may still be retried by a person).
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What a task works on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TaskParameters {
    /// Handed to the agent.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub input_data: Map<String, Value>,
    /// How to work; `command`, `env`, `workdir` and `format` replace the runtime's own.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub configuration: Map<String, Value>,
    /// Free.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub constraints: Map<String, Value>,
}

/// Where a task comes from and how it is tagged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TaskMetadata {
    /// Who or what submitted it (`cli`, `batch`, a program's name).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Free.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A range of places, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArrayRange {
    /// The first number handed to an element.
    pub first: u32,
    /// The last.
    pub last: u32,
}

impl ArrayRange {
    /// How many elements.
    pub const fn len(self) -> u32 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }
    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.last < self.first
    }
}

/// A task as it is submitted. All but `type` may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTask {
    /// A name for this submission only, by which other lines of the same batch may depend on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// 1-100 characters; `processing`, `analysis` and `learning` are known.
    #[serde(rename = "type")]
    pub kind: String,
    /// The agent that must do it, by name or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The cage it must run in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cage: Option<CageId>,
    /// 1-10, 10 first.
    #[serde(default = "default_priority")]
    pub priority: u8,
    /// What it works on.
    #[serde(default)]
    pub parameters: TaskParameters,
    /// What it asks for.
    #[serde(default)]
    pub requirements: Requirements,
    /// When it should be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<When>,
    /// Tasks that must complete first: ids, prefixes of ids, or keys of the same batch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Wait until the artifacts of the dependencies are approved.
    #[serde(default)]
    pub approval_gate: bool,
    /// Attempts in all, 1-100.
    #[serde(default = "default_max_attempts")]
    pub max_attempts: u32,
    /// How long one attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How long one attempt is expected to take; backfill relies on it, nothing is ended by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Span>,
    /// Whether a more urgent task may stop it.
    #[serde(default)]
    pub preemptible: bool,
    /// How its completion is verified once its agent has ended well.
    #[serde(default, skip_serializing_if = "Verify::is_empty")]
    pub verify: Verify,
    /// The repository that it works on, in a copy for each attempt; its agent's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Workspace>,
    /// Source, tags and anything else.
    #[serde(default)]
    pub metadata: TaskMetadata,
    /// One task a number of this range; the number is in `MENAGERIE_ARRAY_INDEX` and the input's `array_index`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<ArrayRange>,
}

const fn default_priority() -> u8 {
    5
}
const fn default_max_attempts() -> u32 {
    3
}

impl NewTask {
    /// A task of `kind` with the defaults in everything else.
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            key: None,
            kind: kind.into(),
            agent: None,
            cage: None,
            priority: default_priority(),
            parameters: TaskParameters::default(),
            requirements: Requirements::default(),
            deadline: None,
            depends_on: vec![],
            approval_gate: false,
            max_attempts: default_max_attempts(),
            timeout: None,
            estimate: None,
            preemptible: false,
            verify: Verify::default(),
            workspace: None,
            metadata: TaskMetadata::default(),
            array: None,
        }
    }

    /// The task as it enters the record. Names are no ids: what it depends on and whose it is has to be filled in.
    pub fn into_task(self, id: TaskId, created_by: UserId, now: Timestamp) -> Task {
        Task {
            id,
            kind: self.kind,
            status: TaskStatus::Pending,
            priority: self.priority,
            parameters: self.parameters,
            requirements: self.requirements,
            deadline: self.deadline.map(|when| when.resolve(now)),
            depends_on: vec![],
            approval_gate: self.approval_gate,
            max_attempts: self.max_attempts,
            attempts: 0,
            losses: 0,
            timeout: self.timeout,
            estimate: self.estimate,
            preemptible: self.preemptible,
            verify: self.verify,
            workspace: self.workspace,
            verification: None,
            agent_id: None,
            cage_id: self.cage,
            assigned_agent_id: None,
            execution_id: None,
            attempt_started_at: None,
            not_before: None,
            output: None,
            error: None,
            metadata: self.metadata,
            array: self.array,
            array_index: None,
            created_by,
            created_at: now,
            updated_at: now,
            started_at: None,
            completed_at: None,
            assigned_cage_id: None,
            context: TaskContext::default(),
        }
    }

    /// The task's own command, if it brings one.
    pub fn command(&self) -> Option<&Vec<Value>> {
        self.parameters.configuration.get("command").and_then(Value::as_array)
    }

    /// Checks everything that can be judged without knowing the fleet.
    pub fn normalise(&mut self) -> Result<(), Refusal> {
        check_name("type", &self.kind, 100)?;
        if let Some(key) = &self.key {
            check_name("key", key, 200)?;
        }
        if !(1..=10).contains(&self.priority) {
            return Err(Refusal::invalid("priority", self.priority, "1 to 10, 10 first"));
        }
        if !(1..=100).contains(&self.max_attempts) {
            return Err(Refusal::invalid("max_attempts", self.max_attempts, "1 to 100"));
        }
        if self.timeout.is_some_and(|timeout| timeout == Span::ZERO) {
            return Err(Refusal::invalid("timeout", "0s", "more than zero; leave it out for none"));
        }
        if let Some(array) = self.array
            && (array.is_empty() || array.len() > ARRAY_ELEMENTS_MAX)
        {
            let shown = format!("{}-{}", array.first, array.last);
            return Err(Refusal::invalid("array", shown, format!("FIRST-LAST with 1 to {ARRAY_ELEMENTS_MAX} numbers")));
        }
        if self.array.is_some() && self.key.is_some() {
            return Err(Refusal::invalid(
                "array",
                "with a key",
                "one of the two: an array cannot be depended on by key",
            ));
        }
        if self.depends_on.len() > 10_000 {
            return Err(Refusal::invalid("depends_on", self.depends_on.len(), "at most 10000 tasks"));
        }
        self.verify.check()?;
        if let Some(workspace) = &self.workspace {
            workspace.check("workspace")?;
        }
        self.requirements.normalise()?;
        check_configuration(&self.parameters.configuration)
    }
}

/// Checks `command`, `env`, `workdir` and `format` of a task's configuration.
fn check_configuration(configuration: &Map<String, Value>) -> Result<(), Refusal> {
    let field = |name: &str| format!("parameters.configuration.{name}");
    if let Some(command) = configuration.get("command") {
        let words = command.as_array().map(|words| words.iter().map(Value::as_str).collect::<Vec<_>>());
        let usable = words.is_some_and(|words| {
            words.first().is_some_and(|program| program.is_some_and(|p| !p.is_empty()))
                && words.iter().all(|word| word.is_some_and(|word| !word.contains('\0')))
        });
        if !usable {
            return Err(Refusal::invalid(
                field("command"),
                command,
                "a list of texts without NUL bytes, the program first",
            ));
        }
    }
    if let Some(env) = configuration.get("env") {
        let usable = env
            .as_object()
            .is_some_and(|env| env.values().all(|value| value.as_str().is_some_and(|value| !value.contains('\0'))));
        if !usable {
            return Err(Refusal::invalid(field("env"), env, "an object of texts without NUL bytes"));
        }
        for name in env.as_object().into_iter().flat_map(Map::keys) {
            check_variable_name(&field("env"), name)?;
        }
    }
    if let Some(workdir) = configuration.get("workdir")
        && !workdir.as_str().is_some_and(|dir| dir.starts_with('/') && !dir.contains('\0'))
    {
        return Err(Refusal::invalid(field("workdir"), workdir, "an absolute path"));
    }
    if let Some(format) = configuration.get("format") {
        let choices: Vec<_> = StreamFormat::ALL.iter().map(|format| format.as_str()).collect();
        match format.as_str() {
            Some(name) if choices.contains(&name) => {}
            name => return Err(Refusal::not_one_of(field("format"), name.unwrap_or("no text"), &choices)),
        }
    }
    Ok(())
}

/// A unit of work as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// Identifier. An array and its elements share all but the last six digits.
    pub id: TaskId,
    /// What sort of work.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where its life stands.
    pub status: TaskStatus,
    /// 1-10, 10 first.
    pub priority: u8,
    /// What it works on.
    #[serde(default)]
    pub parameters: TaskParameters,
    /// What it asks for.
    #[serde(default)]
    pub requirements: Requirements,
    /// When it should be done.
    #[serde(default)]
    pub deadline: Option<Timestamp>,
    /// Tasks that must complete first.
    #[serde(default)]
    pub depends_on: Vec<TaskId>,
    /// Wait until the artifacts of the dependencies are approved.
    #[serde(default)]
    pub approval_gate: bool,
    /// Attempts in all.
    pub max_attempts: u32,
    /// Attempts that count so far.
    #[serde(default)]
    pub attempts: u32,
    /// Attempts lost with a worker; they do not count towards `max_attempts`.
    #[serde(default)]
    pub losses: u32,
    /// How long one attempt may take.
    #[serde(default)]
    pub timeout: Option<Span>,
    /// How long one attempt is expected to take.
    #[serde(default)]
    pub estimate: Option<Span>,
    /// Whether a more urgent task may stop it.
    #[serde(default)]
    pub preemptible: bool,
    /// The agent that must do it.
    #[serde(default)]
    pub agent_id: Option<AgentId>,
    /// The cage it must run in.
    #[serde(default)]
    pub cage_id: Option<CageId>,
    /// The agent that does it, or did it last.
    #[serde(default)]
    pub assigned_agent_id: Option<AgentId>,
    /// The attempt under way, or the last one.
    #[serde(default)]
    pub execution_id: Option<ExecutionId>,
    /// When the attempt under way, or the one with which the task ended, started. An array has no attempts; what counts is the
    /// start of its first element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_started_at: Option<Timestamp>,
    /// Not before this time, after a failed attempt.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// How its completion is verified.
    #[serde(default, skip_serializing_if = "Verify::is_empty")]
    pub verify: Verify,
    /// The repository that it works on; its agent's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Workspace>,
    /// Whether its last attempt was verified; absent while none has ended, and where that says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// What the agent gave as its result.
    #[serde(default)]
    pub output: Option<Value>,
    /// Why it failed, in one sentence.
    #[serde(default)]
    pub error: Option<String>,
    /// Source, tags and anything else.
    #[serde(default)]
    pub metadata: TaskMetadata,
    /// For an array: the numbers of its elements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<ArrayRange>,
    /// For an element of an array: its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array_index: Option<u32>,
    /// Who submitted it.
    pub created_by: UserId,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When its record last changed.
    pub updated_at: Timestamp,
    /// When its first process started.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default)]
    pub completed_at: Option<Timestamp>,
    /// The cage of the attempt under way, or of the last one.
    #[serde(default)]
    pub assigned_cage_id: Option<CageId>,
    /// What was read out of its text, which its agent is chosen by.
    #[serde(default, skip_serializing_if = "TaskContext::is_empty")]
    pub context: TaskContext,
}

impl Task {
    /// Whether it brings a command of its own; otherwise its agent has to have one.
    pub fn brings_command(&self) -> bool {
        self.parameters.configuration.get("command").is_some_and(Value::is_array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completed_is_the_end() {
        for next in TaskStatus::ALL {
            assert!(!TaskStatus::Completed.may_become(*next));
        }
        assert!(TaskStatus::Pending.become_checked(TaskStatus::Completed).is_err());
    }

    #[test]
    fn running_is_read_as_executing() {
        assert_eq!("running".parse::<TaskStatus>().unwrap(), TaskStatus::Executing);
        assert_eq!(serde_json::to_string(&TaskStatus::Executing).unwrap(), "\"executing\"");
    }

    #[test]
    fn ranges_are_checked() {
        for priority in [0, 11, 255] {
            assert!(NewTask { priority, ..NewTask::new("x") }.normalise().is_err());
        }
        for array in [ArrayRange { first: 2, last: 1 }, ArrayRange { first: 0, last: u32::MAX }] {
            assert!(NewTask { array: Some(array), ..NewTask::new("x") }.normalise().is_err());
        }
        assert!(NewTask::new("").normalise().is_err());
        assert!(NewTask::new("x".repeat(101)).normalise().is_err());
        assert!(NewTask::new("a\u{0}b").normalise().is_err());
    }

    #[test]
    fn variables_that_the_worker_would_not_set_are_refused() {
        for (name, fits) in [("LEVEL", true), ("A=B", false), ("", false), ("MENAGERIE_AGENT", false)] {
            let mut task = NewTask::new("x");
            task.parameters.configuration.insert("env".into(), serde_json::json!({ name: "1" }));
            let checked = task.normalise();
            assert_eq!(checked.is_ok(), fits, "{name:?}: {checked:?}");
        }
    }

    #[test]
    fn a_batch_line_needs_only_a_type() {
        let task: NewTask = serde_json::from_str(r#"{"type": "analysis"}"#).unwrap();
        assert_eq!(task, NewTask::new("analysis"));
        assert!(serde_json::from_str::<NewTask>(r#"{"type": "a", "prority": 3}"#).is_err());
    }
}
