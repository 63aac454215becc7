//! Agents: named workers with a runtime, capabilities, a place in a hierarchy and a record.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::enumeration::enumeration;
use super::id::{AgentId, CageId, TaskId, UserId};
use super::refusal::Refusal;
use super::requirements::check_name;
use super::time::Timestamp;
use super::variable::check_variable_name;
use super::workspace::Workspace;

enumeration! {
    /// What an agent is for.
    pub enum AgentKind ("kind") {
        /// Does tasks.
        TaskExecutor = "task_executor",
        /// Hands tasks to others.
        Coordinator = "coordinator",
        /// Looks after resources.
        ResourceManager = "resource_manager",
        /// Watches.
        Monitoring = "monitoring",
        /// Learns from what others do.
        Learning = "learning",
    }
}

enumeration! {
    /// Where an agent belongs.
    pub enum Division ("division") {
        /// Space.
        Space = "space",
        /// Engineering.
        Engineering = "engineering",
        /// Corporate unit.
        Corpunit = "corpunit",
        /// Investment.
        Investment = "investment",
    }
}

enumeration! {
    /// What part an agent takes in a conversation.
    pub enum Participant ("participant") {
        /// Stands for a person.
        UserProxy = "user_proxy",
        /// Answers.
        Assistant = "assistant",
        /// Anything else.
        Custom = "custom",
    }
}

enumeration! {
    /// How high an agent stands.
    pub enum Tier ("tier") {
        /// Directs.
        Director = "director",
        /// Leads.
        Lead = "lead",
        /// Knows one thing well.
        Specialist = "specialist",
        /// Does the work.
        Worker = "worker",
    }
}

enumeration! {
    /// What an agent is doing.
    pub enum AgentStatus ("agent status") {
        /// No heartbeat: its node's worker cannot be reached.
        Offline = "offline",
        /// Ready, nothing to do.
        Idle = "idle",
        /// Working, with slots left.
        Active = "active",
        /// All slots taken.
        Busy = "busy",
        /// Waits for a human.
        Blocked = "blocked",
        /// Its circuit breaker is open after repeated failures.
        Error = "error",
        /// Drained by an operator.
        Maintenance = "maintenance",
    }
}

impl AgentStatus {
    /// Whether an agent may go from `self` to `next`. Leaving `maintenance` and `error` goes through what the agent is
    /// then found to be, so only staying the same is refused.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            // Nothing runs on a node that cannot be reached, and what was running is found again when it can.
            Self::Blocked => !matches!(next, Self::Blocked),
            // A tripped breaker hands out no new slot; the agent is idle or probing afterwards, never suddenly full.
            Self::Error => !matches!(next, Self::Error | Self::Blocked),
            _ => self != next,
        }
    }
}

/// One thing that an agent can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Capability {
    /// Its name, as tasks ask for it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Details.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
}

/// A capability may be written as its name alone.
impl<'de> Deserialize<'de> for Capability {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            #[serde(rename = "type")]
            kind: String,
            #[serde(default)]
            parameters: Map<String, Value>,
        }
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a capability: its name, or { type = \"...\", parameters = { ... } }")]
        enum Either {
            Short(String),
            Long(Long),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Short(kind) => Self { kind, parameters: Map::new() },
            Either::Long(Long { kind, parameters }) => Self { kind, parameters },
        })
    }
}

/// `TYPE`, or `TYPE={...}` with parameters as a JSON object.
impl FromStr for Capability {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let Some((kind, parameters)) = text.split_once('=') else {
            return Ok(Self { kind: text.to_owned(), parameters: Map::new() });
        };
        let parameters = serde_json::from_str(parameters).map_err(|error| {
            Refusal::invalid("capabilities", text, "TYPE or TYPE={...}, such as review={\"languages\":[\"rust\"]}")
                .hint(format!("It says: {error}"))
        })?;
        Ok(Self { kind: kind.to_owned(), parameters })
    }
}

/// As it is read: the name alone, or with parameters behind it.
impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if self.parameters.is_empty() { Ok(()) } else { write!(f, "={}", Value::Object(self.parameters.clone())) }
    }
}

enumeration! {
    /// The language in which a command says on its standard output what it does.
    pub enum StreamFormat ("format") {
        /// The JSON lines of `docs/protocol.md`.
        Menagerie = "menagerie",
        /// Claude Code's `--output-format stream-json`.
        Claude = "claude",
        /// Codex CLI's `exec --json`.
        Codex = "codex",
        /// Gemini CLI's `--output-format stream-json`.
        Gemini = "gemini",
        /// `OpenCode`'s `run --format json`.
        Opencode = "opencode",
        /// Nothing is read; all of it is log.
        Plain = "plain",
        /// Whichever of these the first JSON lines show; JSON lines of `docs/protocol.md` until then.
        Auto = "auto",
    }
}

impl StreamFormat {
    /// Whether it is what holds where nothing is said.
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde hands a reference.
    pub fn is_default(&self) -> bool {
        *self == Self::Menagerie
    }
}

// The macro that declares it knows no attributes of values.
#[allow(clippy::derivable_impls)]
impl Default for StreamFormat {
    fn default() -> Self {
        Self::Menagerie
    }
}

/// How an agent does a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Runtime {
    /// A process in the cage.
    Command {
        /// Program and arguments. A task that brings a command of its own
        /// (`parameters.configuration.command`) replaces it; without either a task cannot run.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        command: Vec<String>,
        /// Environment beyond `PATH`, `HOME`, `LANG` and Menagerie's own variables.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        env: Map<String, Value>,
        /// Where the process starts; the cage's working folder when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workdir: Option<String>,
        /// The language of its standard output. A task's own (`parameters.configuration.format`) replaces it.
        #[serde(default, skip_serializing_if = "StreamFormat::is_default")]
        format: StreamFormat,
        /// The repository that it works on, in a copy for each execution. A task's own replaces it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workspace: Option<Workspace>,
    },
}

impl Default for Runtime {
    fn default() -> Self {
        Self::of_command(vec![])
    }
}

impl Runtime {
    /// A command with the defaults in everything else.
    pub fn of_command(command: Vec<String>) -> Self {
        Self::Command { command, env: Map::new(), workdir: None, format: StreamFormat::default(), workspace: None }
    }
}

/// Settings and constraints; free-form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AgentConfiguration {
    /// Free.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
    /// Free.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub constraints: Map<String, Value>,
}

/// What an operator declares about an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentSpec {
    /// Unique, 1-100 characters.
    pub name: String,
    /// For people; the name when left out.
    #[serde(default)]
    pub display_name: Option<String>,
    /// What it is for.
    #[serde(default = "default_kind")]
    pub kind: AgentKind,
    /// Where it belongs.
    #[serde(default)]
    pub division: Option<Division>,
    /// What part it takes in a conversation.
    #[serde(default)]
    pub participant: Option<Participant>,
    /// Free: `coder`, `tester`.
    #[serde(default)]
    pub role: Option<String>,
    /// How high it stands.
    #[serde(default)]
    pub tier: Option<Tier>,
    /// The agent it reports to, by name.
    #[serde(default)]
    pub reports_to: Option<String>,
    /// What it knows well; at most 256.
    #[serde(default)]
    pub specializations: Vec<String>,
    /// Tools it can use; at most 256.
    #[serde(default)]
    pub tools_available: Vec<String>,
    /// Words that point to it; at most 256.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// What it can do, each once; at most 256.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// How it does a task.
    #[serde(default)]
    pub runtime: Runtime,
    /// How many tasks at a time, 1-1024.
    #[serde(default = "default_concurrency")]
    pub concurrency: u32,
    /// Settings and constraints.
    #[serde(default)]
    pub configuration: AgentConfiguration,
    /// Free.
    #[serde(default)]
    pub resource_config: Map<String, Value>,
    /// The cage it lives in. Without one it takes any vacant cage while it works.
    #[serde(default)]
    pub cage: Option<CageId>,
    /// The user that owns it, by name, address or id; left out, whoever declared it first. Only said when it is declared:
    /// the record has the user beside the declaration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

const fn default_kind() -> AgentKind {
    AgentKind::TaskExecutor
}
const fn default_concurrency() -> u32 {
    1
}

impl AgentSpec {
    /// How many tasks an agent may do at a time.
    pub const CONCURRENCY_MAX: u32 = 1024;
    /// How many capabilities an agent may have, and how many specializations, tools and keywords each.
    pub const LIST_MAX: usize = 256;

    /// An agent that runs commands and has the defaults in everything else.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            display_name: None,
            kind: default_kind(),
            division: None,
            participant: None,
            role: None,
            tier: None,
            reports_to: None,
            specializations: vec![],
            tools_available: vec![],
            keywords: vec![],
            capabilities: vec![],
            runtime: Runtime::default(),
            concurrency: 1,
            configuration: AgentConfiguration::default(),
            resource_config: Map::new(),
            cage: None,
            owner: None,
        }
    }

    /// Whether the agent has a command of its own, rather than running what tasks bring.
    pub fn has_command(&self) -> bool {
        let Runtime::Command { command, .. } = &self.runtime;
        !command.is_empty()
    }

    /// The repository that its executions work on unless their task says otherwise.
    pub fn workspace(&self) -> Option<&Workspace> {
        let Runtime::Command { workspace, .. } = &self.runtime;
        workspace.as_ref()
    }

    /// Checks names and ranges. Whether the cage and the superior exist is for the engine to say.
    pub fn check(&self) -> Result<(), Refusal> {
        check_name("name", &self.name, 100)?;
        let place = format!("agent {}", self.name);
        for (field, text) in [("display_name", &self.display_name), ("role", &self.role)] {
            if let Some(text) = text.as_ref().filter(|text| text.chars().nth(100).is_some()) {
                let shown = format!("{} characters", text.chars().count());
                return Err(Refusal::invalid(field, shown, "at most 100 characters").within(place));
            }
        }
        if !(1..=Self::CONCURRENCY_MAX).contains(&self.concurrency) {
            let allowed = format!("1 to {}", Self::CONCURRENCY_MAX);
            return Err(Refusal::invalid("concurrency", self.concurrency, allowed).within(place));
        }
        if self.reports_to.as_deref() == Some(&self.name) {
            return Err(Refusal::invalid("reports_to", &self.name, "another agent").within(place));
        }
        let count = |field: &str, count: usize| {
            let allowed = || format!("at most {}", Self::LIST_MAX);
            let refused = (count > Self::LIST_MAX).then(|| Refusal::invalid(field, count, allowed()).within(&place));
            refused.map_or(Ok(()), Err)
        };
        count("capabilities", self.capabilities.len())?;
        let mut kinds = BTreeSet::new();
        for capability in &self.capabilities {
            check_name("capabilities", &capability.kind, 100).map_err(|refusal| refusal.within(&place))?;
            if !kinds.insert(&capability.kind) {
                let refusal = Refusal::invalid("capabilities", &capability.kind, "each capability once");
                return Err(refusal.within(place));
            }
        }
        for (field, words) in [
            ("specializations", &self.specializations),
            ("tools_available", &self.tools_available),
            ("keywords", &self.keywords),
        ] {
            count(field, words.len())?;
            for word in words {
                check_name(field, word, 100).map_err(|refusal| refusal.within(&place))?;
            }
        }
        let Runtime::Command { command, env, workdir, workspace, .. } = &self.runtime;
        if let Some(workspace) = workspace {
            workspace.check("runtime.workspace").map_err(|refusal| refusal.within(&place))?;
        }
        for (name, value) in env {
            check_variable_name("runtime.env", name).map_err(|refusal| refusal.within(&place))?;
            if !(value.is_string() || value.is_number() || value.is_boolean()) {
                let field = format!("runtime.env.{name}");
                return Err(Refusal::invalid(field, value, "a text, a number, true or false").within(place));
            }
        }
        if let Some(dir) = workdir.as_ref().filter(|dir| !dir.starts_with('/')) {
            let refusal = Refusal::invalid("runtime.workdir", dir, "an absolute path, such as /srv/work");
            return Err(refusal.hint("leave it out for the cage's own working folder").within(place));
        }
        let texts = command.iter().chain(workdir).map(String::as_str).chain(env.keys().map(String::as_str));
        for text in texts.chain(env.values().filter_map(Value::as_str)) {
            if text.contains('\0') {
                return Err(Refusal::invalid("runtime", text, "text without NUL bytes").within(place));
            }
        }
        if command.first().is_some_and(String::is_empty) {
            return Err(Refusal::invalid("runtime.command", "", "a program, then its arguments").within(place));
        }
        Ok(())
    }
}

/// A definition that an agent has had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentVersion {
    /// From 1.
    pub version: u64,
    /// The number of the journal's record that made it.
    pub seq: u64,
    /// When it was declared.
    pub time: Timestamp,
    /// Who declared it: `user:ID`.
    pub actor: String,
    /// What was declared. Where the agent lives may have been changed since by `agent reassign`.
    pub spec: AgentSpec,
}

/// How good an agent is by what it has done, each 0-1, and null where nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentMetrics {
    /// How fast it is beside others: 0.5 when what it succeeds with takes it as long as it takes them, nearer to 1 the faster
    /// it is. Null until another agent has succeeded with a type of task that it has succeeded with.
    pub performance: Option<f64>,
    /// How many of its executions succeeded.
    pub reliability: Option<f64>,
    /// How much of the time that it worked went into executions that succeeded.
    pub efficiency: Option<f64>,
}

/// Counts over all executions of an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentCounters {
    /// Executions that ended and say something about it: neither what others stopped nor what was lost with a worker or a cage.
    pub total_executions: u64,
    /// Executions that others stopped, or that were lost with their worker.
    #[serde(default)]
    pub stopped_executions: u64,
    /// Those that succeeded.
    pub success_count: u64,
    /// Mean wall time of those whose process was started, in milliseconds; null while there is none.
    #[serde(default)]
    pub avg_execution_time_ms: Option<u64>,
}

/// An agent as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Agent {
    /// Identifier.
    pub id: AgentId,
    /// What the operator declared; its fields stand beside the others in JSON.
    #[serde(flatten)]
    pub spec: AgentSpec,
    /// What it is doing.
    pub status: AgentStatus,
    /// Who declared it.
    pub owner: UserId,
    /// The cage it is in now.
    #[serde(default)]
    pub cage_id: Option<CageId>,
    /// The task it took last and has not ended.
    #[serde(default)]
    pub current_task_id: Option<TaskId>,
    /// Executions it has now.
    #[serde(default)]
    pub running: u32,
    /// Counts over all its executions.
    pub counters: AgentCounters,
    /// How good it is by what it has done.
    #[serde(default)]
    pub metrics: AgentMetrics,
    /// Failures in a row.
    #[serde(default)]
    pub consecutive_failures: u32,
    /// Until when the circuit breaker stays open.
    #[serde(default)]
    pub breaker_until: Option<Timestamp>,
    /// Whether an operator drained it.
    #[serde(default)]
    pub drained: bool,
    /// When its worker was last heard from about it.
    #[serde(default)]
    pub last_heartbeat: Option<Timestamp>,
    /// When it was declared.
    pub created_at: Timestamp,
    /// When its record last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_bounded_and_a_capability_is_said_once() {
        let refused = |change: &dyn Fn(&mut AgentSpec)| {
            let mut spec = AgentSpec::new("ann");
            change(&mut spec);
            spec.check().err().map(|refusal| refusal.to_string()).unwrap_or_default()
        };
        let capability = |name: &str| name.parse::<Capability>().unwrap();
        let twice = refused(&|spec| spec.capabilities = vec![capability("a"), capability("b"), capability("a={}")]);
        assert_eq!(twice, "agent ann: capabilities: \"a\" is not allowed; allowed: each capability once");
        let words = |count: usize| (0..count).map(|number| format!("w{number}")).collect::<Vec<_>>();
        for many in [
            refused(&|spec| spec.keywords = words(257)),
            refused(&|spec| spec.tools_available = words(257)),
            refused(&|spec| spec.specializations = words(257)),
            refused(&|spec| spec.capabilities = words(257).iter().map(|name| capability(name)).collect()),
        ] {
            assert!(many.contains("\"257\"") && many.contains("at most 256"), "{many:?}");
        }
        assert_eq!(refused(&|spec| spec.keywords = words(256)), "");
        for text in ["review", "review={\"languages\":[\"rust\"]}"] {
            assert_eq!(capability(text).to_string(), text);
        }
        assert!("review=1".parse::<Capability>().is_err() && "review=".parse::<Capability>().is_err());
    }
}
