//! What can be asked of the engine, and what it answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agent::AgentSpec;
use super::agent_patch::AgentPatch;
use super::alert_rule::AlertRulePatch;
use super::approval_rule::ApprovalRule;
use super::fleet::Fleet;
use super::id::{AgentId, AlertId, ArtifactId, CageId, ReviewId, SilenceId, TaskId};
use super::learning::ModelKind;
use super::refusal::Refusal;
use super::silence::Matcher;
use super::task::NewTask;
use super::time::When;

/// The longest note, in characters: what is to be said of a rejected artifact may fill a page.
pub const NOTE_CHARS_MAX: usize = 4000;

/// A change that somebody asks for. The parameters say how things are named: as it stands, by whole ids; as a
/// [`WireCommand`], by what a person writes.
// A fleet is declared rarely, and its command is short-lived; a box would only be in the way.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "WireCommand")]
pub enum Command<Task = TaskId, Agent = AgentId, Artifact = ArtifactId, Alert = AlertId, Review = ReviewId> {
    /// Submits tasks: all, or with `keep_going` those that can be.
    SubmitTasks {
        /// In order; at most 1,000,000.
        tasks: Vec<NewTask>,
        /// Whether a refused task leaves the others be.
        #[serde(default)]
        keep_going: bool,
    },
    /// Takes tasks back; running ones are stopped.
    CancelTasks {
        /// Which.
        ids: Vec<Task>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// Whether a task that runs, or of which elements run, is refused instead of stopped.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pending_only: bool,
    },
    /// Gives failed or cancelled tasks another life.
    RetryTasks {
        /// Which.
        ids: Vec<Task>,
    },
    /// Says who has to do tasks, or where. A running one is stopped and starts again there.
    ReassignTasks {
        /// Which.
        ids: Vec<Task>,
        /// The agent that must do them; `None` leaves the choice to the scheduler.
        #[serde(skip_serializing_if = "Option::is_none")]
        agent: Option<Agent>,
        /// The cage they must run in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cage: Option<CageId>,
    },
    /// Changes the priority of tasks.
    PrioritiseTasks {
        /// Which.
        ids: Vec<Task>,
        /// 1-10.
        priority: u8,
    },
    /// Declares cages, agents and defaults.
    Apply {
        /// What is declared.
        fleet: Fleet,
        /// Only say what would change.
        #[serde(default)]
        dry_run: bool,
    },
    /// Adds one agent; a name that is taken is refused.
    AddAgent {
        /// The agent.
        agent: Box<AgentSpec>,
    },
    /// Changes some of what is declared about an agent; what is left out stays.
    SetAgent {
        /// Which.
        id: Agent,
        /// What is to be different.
        changes: Box<AgentPatch>,
    },
    /// Removes agents that have nothing running.
    RemoveAgents {
        /// Which.
        ids: Vec<Agent>,
    },
    /// Gives agents another home, or none.
    ReassignAgents {
        /// Which.
        ids: Vec<Agent>,
        /// Their home from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cage: Option<CageId>,
    },
    /// Gives an agent another name; what goes by its id stays its own.
    RenameAgent {
        /// Which.
        agent: Agent,
        /// Its name from now on, which no agent has.
        name: String,
    },
    /// Puts agents under another, with everybody who reports to them; or at the top.
    ReportTo {
        /// Which.
        ids: Vec<Agent>,
        /// Whom they report to from now on; left out, nobody.
        #[serde(skip_serializing_if = "Option::is_none")]
        superior: Option<Agent>,
    },
    /// Lets agents end what they have and take nothing new.
    DrainAgents {
        /// Which.
        ids: Vec<Agent>,
    },
    /// Lets drained or tripped agents work again.
    ResumeAgents {
        /// Which.
        ids: Vec<Agent>,
    },
    /// Withholds cages, or gives them back.
    SetCageMaintenance {
        /// Which.
        ids: Vec<CageId>,
        /// Whether they are withheld.
        on: bool,
    },
    /// Sends the agent of each cage away: its work is stopped and queued again, its home is none.
    VacateCages {
        /// Which.
        ids: Vec<CageId>,
    },
    /// Judges artifacts.
    ReviewArtifacts {
        /// Which.
        ids: Vec<Artifact>,
        /// Approve, or reject.
        approve: bool,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// How good they are, 0-1; counts in the place of what their agents reported.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quality: Option<f64>,
    },
    /// Says how good tasks were done, or takes that back.
    RateTasks {
        /// Which; each must have had an attempt that ended.
        ids: Vec<Task>,
        /// 1-5, 5 best; left out, the rating is taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rating: Option<u8>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Makes a version of what a model has learned since the last.
    TrainModel {
        /// Which.
        model: ModelKind,
    },
    /// Goes back to a version of a model; what was learned since becomes a version of its own first.
    RollBackModel {
        /// Which.
        model: ModelKind,
        /// To which.
        version: u32,
    },
    /// Takes judgements of artifacts back: they wait for one again, and so does what waits for their approval.
    ReopenReviews {
        /// Which.
        ids: Vec<Artifact>,
    },
    /// Puts off what waits for a human.
    SnoozeReviews {
        /// Artifacts that wait to be judged, alerts, which are silenced meanwhile, and failed tasks.
        ids: Vec<Review>,
        /// Until when, or for how long; left out, they are shown again at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<When>,
    },
    /// Says that somebody knows of alerts.
    AcknowledgeAlerts {
        /// Which.
        ids: Vec<Alert>,
        /// What there is to say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Says that nobody knows of alerts any more.
    UnacknowledgeAlerts {
        /// Which.
        ids: Vec<Alert>,
    },
    /// Does not show alerts for a while.
    SilenceAlerts {
        /// Which.
        ids: Vec<Alert>,
        /// Until when, or for how long; left out, they are shown again at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<When>,
    },
    /// Says that alerts are over.
    ResolveAlerts {
        /// Which.
        ids: Vec<Alert>,
        /// What was done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        action: Option<String>,
        /// Anything else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notes: Option<String>,
    },
    /// Says that resolved alerts are not over after all.
    ReopenAlerts {
        /// Which.
        ids: Vec<Alert>,
    },
    /// Adds an alert rule, or changes a built-in one; what it leaves out of a built-in rule stays as it is. The name of a
    /// rule that was added before is refused.
    AddAlertRule {
        /// The rule.
        rule: Box<AlertRulePatch>,
    },
    /// Removes alert rules. A built-in one is then as it came; to be rid of it, disable it.
    RemoveAlertRules {
        /// Which, by name.
        names: Vec<String>,
    },
    /// Lets alert rules be evaluated, or not; the alerts of those that are not are over.
    EnableAlertRules {
        /// Which, by name.
        names: Vec<String>,
        /// Whether they are evaluated.
        on: bool,
    },
    /// Adds a rule that judges artifacts as they arrive. A name that is taken is refused.
    AddApprovalRule {
        /// The rule.
        rule: Box<ApprovalRule>,
    },
    /// Removes rules that judge artifacts; what they judged stays as it is.
    RemoveApprovalRules {
        /// Which, by name.
        names: Vec<String>,
    },
    /// Silences alerts for a while, those included that come up meanwhile.
    AddSilence {
        /// Which alerts.
        matcher: Matcher,
        /// Until when, or for how long.
        until: When,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Ends silences before their time.
    RemoveSilences {
        /// Which.
        ids: Vec<SilenceId>,
    },
}

impl<Task, Agent, Artifact, Alert, Review> Command<Task, Agent, Artifact, Alert, Review> {
    /// Whether it lets something begin at once that goes on when the command is taken back: what waited for an approval, an
    /// agent or a cage, and what an approval merges.
    pub const fn sets_going(&self) -> bool {
        matches!(
            self,
            Self::ReviewArtifacts { approve: true, .. }
                | Self::ResumeAgents { .. }
                | Self::SetCageMaintenance { on: false, .. }
        )
    }

    /// Refuses a note that is too long: it stands in the journal for ever, and in memory for each thing that it is about.
    pub fn check_notes(&self) -> Result<(), Refusal> {
        let notes = match self {
            Self::CancelTasks { note, .. }
            | Self::ReviewArtifacts { note, .. }
            | Self::RateTasks { note, .. }
            | Self::AcknowledgeAlerts { note, .. } => vec![("note", note)],
            Self::ResolveAlerts { action, notes, .. } => vec![("action", action), ("notes", notes)],
            _ => vec![],
        };
        for (field, note) in notes {
            let length = note.as_ref().map_or(0, |note| note.chars().count());
            if length > NOTE_CHARS_MAX {
                let allowed = format!("at most {NOTE_CHARS_MAX} characters");
                return Err(Refusal::invalid(field, format!("{length} characters"), allowed));
            }
        }
        Ok(())
    }
}

/// A [`Command`] as it arrives: ids may be unambiguous prefixes and agents may be named. The server resolves both before
/// the engine sees the command.
pub type WireCommand = Command<String, String, String, String, String>;

/// What the engine answers to a command that it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// To `submit_tasks`.
    Submitted {
        /// The new tasks, in the order of submission.
        ids: Vec<TaskId>,
        /// Those refused under `keep_going`, by their place in the submission, from 0.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<RefusedItem>,
        /// The commands that take it back, in order. A submission of more than 10,000 tasks brings none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(with = "Vec<WireCommand>")]
        inverse: Vec<Command>,
        /// What was taken and will not do what its author may expect, a sentence each.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<String>,
    },
    /// To commands on several things: one answer each.
    Items {
        /// What was done.
        done: Vec<String>,
        /// What was not, and why.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<RefusedItem>,
        /// The commands that take back what was done, in order; none where there is no way back.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(with = "Vec<WireCommand>")]
        inverse: Vec<Command>,
        /// What was taken and will not do what its author may expect, a sentence each.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<String>,
    },
    /// To `apply`.
    Applied {
        /// What changed, or would.
        changes: Vec<Change>,
        /// How many declared things were so already.
        unchanged: usize,
        /// What was taken and will not do what its author may expect, a sentence each.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<String>,
    },
}

/// One thing of several that was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedItem {
    /// Its id, or its place in a submission.
    pub item: String,
    /// Why.
    pub refusal: Refusal,
}

/// One difference between what is declared and what is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// `cage 001`, `agent tester`, `defaults`.
    pub what: String,
    /// `add` or `change`.
    pub action: String,
    /// Field by field: `limits.memory: 128MiB -> 256MiB`.
    #[serde(default)]
    pub fields: Vec<String>,
    /// The same line by line, where that reads otherwise: of long texts and lists only what differs, with `-` and `+`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<String>,
}

impl Change {
    /// Adds a field.
    pub fn add(&mut self, field: String) {
        if !self.shown.is_empty() {
            self.shown.push(field.clone());
        }
        self.fields.push(field);
    }

    /// The fields for people to read.
    pub fn lines(&self) -> &[String] {
        if self.shown.is_empty() { &self.fields } else { &self.shown }
    }
}
