//! What can be asked of each list.
//!
//! The parser, the completion, the in-memory rows, the store's SQL and the page `docs/filter.md` all follow these tables;
//! a test holds each of them to it. The lists that only the API knows (the grid, the inbox) have theirs beside their types.

use super::{Field, Kind, Table, Thing};
use crate::domain::agent::{AgentKind, AgentStatus, Division, Participant, Tier};
use crate::domain::alert::AlertStatus;
use crate::domain::artifact::{ArtifactType, ReviewState};
use crate::domain::cage::CageStatus;
use crate::domain::enumeration::enumeration;
use crate::domain::execution::{ExecutionStatus, OutcomeKind};
use crate::domain::node::NodeStatus;
use crate::domain::resource::{AllocationStatus, ResourceStatus, ResourceType};
use crate::domain::system_event::Severity;
use crate::domain::task::TaskStatus;
use crate::domain::verify::Verification;

/// The kind of field that holds a value of an enumeration.
macro_rules! word {
    ($type:ty $(, $also:literal means $($word:literal)+)*) => {
        $crate::domain::filter::Kind::Word($crate::domain::filter::Words {
            read: |text| text.parse::<$type>().map(<$type>::as_str),
            all: || <$type>::ALL.iter().map(|word| word.as_str()).collect(),
            also: &[$(($also, &[$($word),+])),*],
        })
    };
}
pub(crate) use word;

enumeration! {
    /// What a cage may reach, in a word.
    pub enum Reach ("network") {
        /// Nothing.
        None = "none",
        /// Some ports on loopback.
        Ports = "ports",
        /// What the host reaches.
        All = "all",
    }
}

impl Field {
    /// A field that every row has and that words are not looked for in.
    pub const fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, aliases: &[], kind, optional: false, searched: false, help }
    }

    /// One that a row need not have.
    #[must_use]
    pub const fn or_none(self) -> Self {
        Self { optional: true, ..self }
    }

    /// One that words are looked for in.
    #[must_use]
    pub const fn searched(self) -> Self {
        Self { searched: true, ..self }
    }

    /// What may stand after its colon, in short.
    pub fn values(&self) -> String {
        let values = match self.kind {
            Kind::Text => "text".to_owned(),
            Kind::Word(words) => (words.all)().join(" "),
            Kind::Whole | Kind::Decimal => "number".to_owned(),
            Kind::Cores => "cores".to_owned(),
            Kind::Size => "size".to_owned(),
            Kind::Span | Kind::Age => "span".to_owned(),
            Kind::Time | Kind::Due | Kind::Since | Kind::Until => "time".to_owned(),
            Kind::Flag => "yes no".to_owned(),
            Kind::Cage => "cages".to_owned(),
            Kind::Id(_) => "id".to_owned(),
            Kind::Named(_) => "name or id".to_owned(),
        };
        if self.optional { format!("{values} none") } else { values }
    }

    /// One that has other names too.
    #[must_use]
    pub const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }
}

const AGE: Field = Field::new("age", Kind::Age, "How long ago it came into being");
const CREATED: Field = Field::new("created_at", Kind::Time, "When it came into being").also(&["created"]);
const UPDATED: Field = Field::new("updated_at", Kind::Time, "When its record last changed").also(&["updated"]);
const STARTED: Field =
    Field::new("started_at", Kind::Time, "When its first process started").or_none().also(&["started"]);
const COMPLETED: Field = Field::new("completed_at", Kind::Time, "When it ended").or_none().also(&["completed"]);
const SINCE: Field = Field::new("since", Kind::Since, "Only what came into being from then on");
const UNTIL: Field = Field::new("until", Kind::Until, "Only what came into being before then");
const TASK: Field = Field::new("task", Kind::Id(Thing::Task), "The task it belongs to").also(&["task_id"]);
const AGENT: Field = Field::new("agent", Kind::Named(Thing::Agent), "Whose it is").also(&["agent_id"]);
const NODE: Field = Field::new("node", Kind::Named(Thing::Node), "The machine").also(&["node_id"]);
const SEVERITY: Field = Field::new("type", word!(Severity), "How bad it is").searched().also(&["severity"]);
const MESSAGE: Field = Field::new("message", Kind::Text, "What it says").searched();

/// What a task's status is called, also in the words of the console's header.
const TASK_STATUS: Kind = word!(TaskStatus, "queued" means "pending" "scheduled", "running" means "executing");

/// Tasks.
pub static TASKS: Table = Table {
    name: "tasks",
    fields: &[
        Field::new("status", TASK_STATUS, "Where its life stands; queued is pending or scheduled, running executing")
            .searched(),
        Field::new("type", Kind::Text, "What sort of work it is").searched(),
        Field::new("priority", Kind::Whole, "1 to 10, 10 first"),
        Field::new("agent", Kind::Named(Thing::Agent), "Who does it, did it last or must do it")
            .or_none()
            .searched()
            .also(&["agent_id", "assigned_agent_id"]),
        Field::new("cage", Kind::Cage, "Where it runs, ran last or must run").or_none().also(&["cage_id"]),
        Field::new("owner", Kind::Named(Thing::User), "Who submitted it").also(&["user", "created_by"]),
        Field::new("tag", Kind::Text, "A word it is tagged with").or_none().searched().also(&["tags"]),
        Field::new("source", Kind::Text, "What submitted it: cli, batch, a program").or_none(),
        Field::new("command", Kind::Text, "The command it brings").or_none().searched(),
        Field::new("error", Kind::Text, "Why it failed").or_none().searched(),
        Field::new("verification", word!(Verification), "Whether its last attempt was verified").or_none(),
        Field::new("id", Kind::Id(Thing::Task), "Its id").also(&["task"]),
        Field::new("array", Kind::Id(Thing::Task), "The array it is an element of").or_none().also(&["array_id"]),
        Field::new("depends_on", Kind::Id(Thing::Task), "A task that must complete first").or_none(),
        Field::new("attempts", Kind::Whole, "Attempts that count so far"),
        AGE,
        Field::new("wait", Kind::Span, "From its submission to its start, or until now"),
        Field::new("duration", Kind::Span, "From the start of its last attempt to its end, or until now")
            .or_none()
            .also(&["took"]),
        Field::new("deadline", Kind::Due, "When it should be done").or_none(),
        Field::new("cpu", Kind::Cores, "Cores it asks for"),
        Field::new("memory", Kind::Size, "Memory it asks for").also(&["mem"]),
        Field::new("gpu", Kind::Whole, "GPU devices it asks for"),
        Field::new("storage", Kind::Size, "Disk it asks for").also(&["disk"]),
        Field::new("tokens", Kind::Whole, "Tokens it asks for"),
        Field::new("capability", Kind::Text, "What its agent must be able to do").or_none(),
        Field::new("gate", Kind::Flag, "Whether it waits for approval of what it depends on").also(&["approval_gate"]),
        Field::new("preemptible", Kind::Flag, "Whether a more urgent task may stop it"),
        CREATED,
        STARTED,
        COMPLETED,
        UPDATED,
        SINCE,
        UNTIL,
    ],
};

/// Executions.
pub static EXECUTIONS: Table = Table {
    name: "executions",
    fields: &[
        Field::new("status", word!(ExecutionStatus), "Where its life stands").searched(),
        Field::new("outcome", word!(OutcomeKind), "How it ended").or_none().searched(),
        Field::new("verification", word!(Verification), "Whether that was verified").or_none(),
        TASK,
        AGENT.searched(),
        Field::new("cage", Kind::Cage, "Where it runs or ran").also(&["cage_id"]),
        NODE,
        Field::new("message", Kind::Text, "Why it ended so").or_none().searched(),
        Field::new("limit", Kind::Text, "The limit it broke: memory, pids, disk, wall").or_none(),
        Field::new("attempt", Kind::Whole, "Which attempt at its task, from 1"),
        Field::new("exit_code", Kind::Whole, "The exit status").or_none().also(&["exit"]),
        Field::new("tokens", Kind::Whole, "Tokens it reported").or_none().also(&["tokens_used"]),
        Field::new("cost", Kind::Decimal, "US dollars it reported").or_none(),
        Field::new("memory", Kind::Size, "The most memory that one of its processes had resident")
            .or_none()
            .also(&["memory_peak", "mem"]),
        Field::new("id", Kind::Id(Thing::Execution), "Its id").also(&["execution", "execution_id"]),
        AGE,
        Field::new("duration", Kind::Span, "From its start to its end, or until now").or_none().also(&["took"]),
        CREATED,
        STARTED,
        COMPLETED,
        SINCE,
        UNTIL,
    ],
};

/// Agents.
pub static AGENTS: Table = Table {
    name: "agents",
    fields: &[
        Field::new("name", Kind::Text, "Its name").searched(),
        Field::new("display_name", Kind::Text, "Its name for people").or_none().searched(),
        Field::new("status", word!(AgentStatus), "What it is doing").searched(),
        Field::new("cage", Kind::Cage, "The cage it is in").or_none().also(&["cage_id"]),
        Field::new("kind", word!(AgentKind), "What it is for"),
        Field::new("division", word!(Division), "Where it belongs").or_none(),
        Field::new("participant", word!(Participant), "What part it takes in a conversation").or_none(),
        Field::new("tier", word!(Tier), "How high it stands").or_none(),
        Field::new("role", Kind::Text, "Its role: coder, tester").or_none().searched(),
        Field::new("reports_to", Kind::Text, "The name of the agent above it").or_none(),
        Field::new("capability", Kind::Text, "What it can do").or_none().searched().also(&["capabilities"]),
        Field::new("specialization", Kind::Text, "What it knows well").or_none().searched().also(&["specializations"]),
        Field::new("tool", Kind::Text, "A tool it can use").or_none().searched().also(&["tools", "tools_available"]),
        Field::new("keyword", Kind::Text, "A word that points to it").or_none().searched().also(&["keywords"]),
        Field::new("owner", Kind::Named(Thing::User), "Who declared it").also(&["user"]),
        Field::new("task", Kind::Id(Thing::Task), "The task it took last and has not ended")
            .or_none()
            .also(&["current_task_id"]),
        Field::new("running", Kind::Whole, "Executions it has now"),
        Field::new("concurrency", Kind::Whole, "How many it can have"),
        Field::new("executions", Kind::Whole, "Executions that ended").also(&["total_executions"]),
        Field::new("success", Kind::Decimal, "The share of them that succeeded, 0 to 1").or_none(),
        Field::new("failures", Kind::Whole, "Failures in a row").also(&["consecutive_failures"]),
        Field::new("drained", Kind::Flag, "Whether an operator drained it"),
        Field::new("heartbeat", Kind::Time, "When its worker was last heard from about it")
            .or_none()
            .also(&["last_heartbeat"]),
        Field::new("id", Kind::Id(Thing::Agent), "Its id").also(&["agent", "agent_id"]),
        AGE,
        CREATED,
        UPDATED,
        SINCE,
        UNTIL,
    ],
};

/// What agents did, day by day.
pub static AGENT_PERFORMANCE: Table = Table {
    name: "agent-performance",
    fields: &[
        AGENT.searched(),
        Field::new("date", Kind::Time, "The day on which its executions ended, in UTC").also(&["day"]),
        Field::new("executions", Kind::Whole, "Executions that ended").also(&["execution_count"]),
        Field::new("successes", Kind::Whole, "Those of them that succeeded").also(&["success_count"]),
        Field::new("success", Kind::Decimal, "The share of them that succeeded, 0 to 1"),
        Field::new("duration", Kind::Span, "How long those that had started took, in the mean")
            .or_none()
            .also(&["avg_duration_ms"]),
        Field::new("tokens", Kind::Whole, "Tokens it reported").or_none().also(&["total_tokens_used"]),
        Field::new("since", Kind::Since, "Only days that began from then on"),
        Field::new("until", Kind::Until, "Only days that began before then"),
    ],
};

/// Cages. Limits are what the cage's processes may use together.
pub static CAGES: Table = Table {
    name: "cages",
    fields: &[
        Field::new("cage", Kind::Cage, "Its number").also(&["id"]),
        Field::new("status", word!(CageStatus), "Whether somebody lives there").searched(),
        Field::new("agent", Kind::Named(Thing::Agent), "Who lives there").or_none().searched().also(&["agent_id"]),
        NODE.searched(),
        Field::new("cpu", Kind::Cores, "The limit of cores").or_none(),
        Field::new("memory", Kind::Size, "The limit of memory").or_none().also(&["mem"]),
        Field::new("pids", Kind::Whole, "The limit of processes").or_none(),
        Field::new("gpu", Kind::Whole, "The GPU devices it has").or_none(),
        Field::new("tokens", Kind::Text, "The limit of tokens, such as 200k/h").or_none(),
        Field::new("disk", Kind::Size, "The limit of disk").or_none(),
        Field::new("wall", Kind::Span, "The limit of an execution's time").or_none(),
        Field::new("network", word!(Reach), "What it may reach"),
        AGE,
        CREATED,
        UPDATED,
        SINCE,
        UNTIL,
    ],
};

/// Nodes.
pub static NODES: Table = Table {
    name: "nodes",
    fields: &[
        Field::new("name", Kind::Text, "Its host name").searched(),
        Field::new("status", word!(NodeStatus), "Whether its worker is connected").searched(),
        Field::new("cpu", Kind::Cores, "Cores it has"),
        Field::new("memory", Kind::Size, "Memory it has").also(&["mem"]),
        Field::new("gpu", Kind::Whole, "GPU devices it has"),
        Field::new("gpu_memory", Kind::Size, "Memory of them"),
        Field::new("storage", Kind::Size, "Disk it has").also(&["disk"]),
        Field::new("id", Kind::Id(Thing::Node), "Its id").also(&["node", "node_id"]),
        AGE,
        CREATED,
        UPDATED,
        SINCE,
        UNTIL,
    ],
};

/// Resources of nodes.
pub static RESOURCES: Table = Table {
    name: "resources",
    fields: &[
        Field::new("name", Kind::Text, "cpu, memory, gpu, gpu_memory or storage").searched(),
        Field::new("type", word!(ResourceType), "What it counts"),
        Field::new("status", word!(ResourceStatus), "Whether there is some left").searched(),
        NODE.searched(),
        Field::new("allocated", Kind::Whole, "How much is held, in its own unit"),
        Field::new("total", Kind::Whole, "How much there is, in its own unit"),
        Field::new("id", Kind::Id(Thing::Other), "Its id").also(&["resource", "resource_id"]),
    ],
};

/// Allocations.
pub static ALLOCATIONS: Table = Table {
    name: "allocations",
    fields: &[
        Field::new("status", word!(AllocationStatus), "Whether it is still held").searched(),
        TASK,
        AGENT.searched(),
        Field::new("execution", Kind::Id(Thing::Execution), "The attempt it is held for").also(&["execution_id"]),
        Field::new("resource", Kind::Id(Thing::Other), "What is held").also(&["resource_id"]),
        Field::new("quantity", Kind::Whole, "How much, in the resource's unit"),
        Field::new("start", Kind::Time, "From when it is held"),
        Field::new("end", Kind::Time, "Until when it was").or_none(),
        Field::new("id", Kind::Id(Thing::Other), "Its id"),
    ],
};

/// Artifacts.
pub static ARTIFACTS: Table = Table {
    name: "artifacts",
    fields: &[
        Field::new("status", word!(ReviewState), "Where its review stands").searched().also(&["state", "review"]),
        Field::new("type", word!(ArtifactType), "What it is"),
        Field::new("title", Kind::Text, "Its title or file name").searched(),
        AGENT.searched(),
        TASK,
        Field::new("execution", Kind::Id(Thing::Execution), "The attempt that made it").also(&["execution_id"]),
        Field::new("content", Kind::Text, "Its text, when it is kept in the store").or_none(),
        Field::new("note", Kind::Text, "What its judge said").or_none().searched(),
        Field::new("judge", Kind::Named(Thing::User), "Who judged it").or_none().also(&["by"]),
        Field::new("size", Kind::Size, "Its length"),
        Field::new("quality", Kind::Decimal, "Its score, 0 to 1").or_none().also(&["quality_score"]),
        Field::new("approved", Kind::Flag, "Whether a human approved it").also(&["human_approved"]),
        Field::new("judged_at", Kind::Time, "When it was judged").or_none().also(&["judged"]),
        Field::new("id", Kind::Id(Thing::Artifact), "Its id").also(&["artifact"]),
        AGE,
        CREATED,
        SINCE,
        UNTIL,
    ],
};

/// Users.
pub static USERS: Table = Table {
    name: "users",
    fields: &[
        Field::new("name", Kind::Text, "Name").searched(),
        Field::new("email", Kind::Text, "Address").searched(),
        Field::new("role", Kind::Text, "A role").or_none().also(&["roles"]),
        Field::new("uid", Kind::Whole, "The operating system's number").or_none(),
        Field::new("id", Kind::Id(Thing::User), "Its id").also(&["user"]),
        AGE,
        CREATED,
        SINCE,
        UNTIL,
    ],
};

/// Alerts.
pub static ALERTS: Table = Table {
    name: "alerts",
    fields: &[
        SEVERITY,
        Field::new("status", word!(AlertStatus), "Where it stands").searched(),
        Field::new("source", Kind::Text, "Which part it is about").searched(),
        MESSAGE,
        Field::new("trigger", Kind::Text, "The rule or event that raised it").searched(),
        Field::new("value", Kind::Decimal, "The value that crossed the limit").or_none(),
        Field::new("threshold", Kind::Decimal, "The limit that was crossed").or_none(),
        Field::new("count", Kind::Whole, "How often its cause came up"),
        Field::new("silenced", Kind::Flag, "Whether it is silenced now"),
        Field::new("by", Kind::Named(Thing::User), "Who acknowledged it").or_none().also(&["acknowledged_by"]),
        Field::new("age", Kind::Age, "How long ago it was raised"),
        Field::new("time", Kind::Time, "When it was raised"),
        Field::new("last_seen", Kind::Time, "When its cause last came up"),
        Field::new("id", Kind::Id(Thing::Other), "Its id").also(&["alert"]),
        SINCE,
        UNTIL,
    ],
};

/// What the system said about itself.
pub static EVENTS: Table = Table {
    name: "events",
    fields: &[
        SEVERITY,
        Field::new("source", Kind::Text, "Which part speaks: engine, store, cage 003").searched(),
        MESSAGE,
        Field::new("age", Kind::Age, "How long ago it was said"),
        Field::new("time", Kind::Time, "When it was said"),
        Field::new("id", Kind::Id(Thing::Other), "Its id").also(&["event"]),
        SINCE,
        UNTIL,
    ],
};

/// Records of the journal.
pub static JOURNAL: Table = Table {
    name: "journal",
    fields: &[
        Field::new("kind", Kind::Text, "What happened: task_submitted, execution_ended").searched(),
        Field::new("actor", Kind::Named(Thing::User), "Who caused it: engine, user, node, or one of those by name; me")
            .searched(),
        Field::new("object", Kind::Text, "What it is about: an id, a name or any other text in the record"),
        Field::new("seq", Kind::Whole, "Its number").also(&["record"]),
        Field::new("age", Kind::Age, "How long ago it happened"),
        Field::new("time", Kind::Time, "When it happened"),
        SINCE,
        UNTIL,
    ],
};

/// Every table of the domain, for documentation and tests.
pub static ALL: &[&Table] = &[
    &TASKS,
    &EXECUTIONS,
    &AGENTS,
    &AGENT_PERFORMANCE,
    &CAGES,
    &NODES,
    &RESOURCES,
    &ALLOCATIONS,
    &ARTIFACTS,
    &USERS,
    &ALERTS,
    &EVENTS,
    &JOURNAL,
];
