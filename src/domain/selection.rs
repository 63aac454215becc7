//! Which agent suits a task: the seven factors and their weights, what is read out of a task's text, and what is said of
//! a choice. `docs/selection.md` defines every factor.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::enumeration::enumeration;
use super::id::{AgentId, ExecutionId};
use super::learning::Prospect;
use super::refusal::Refusal;
use super::time::Timestamp;

enumeration! {
    /// What an agent is judged by.
    pub enum Factor ("factor") {
        /// How much of the task's words its declaration has, rare words counting more.
        KeywordMatch = "keyword_match",
        /// Whether it works in the task's phase of a project.
        PhaseAlignment = "phase_alignment",
        /// How it has done lately, whatever the task.
        RecentSuccess = "recent_success",
        /// How it has done with tasks of this type.
        DomainExpertise = "domain_expertise",
        /// How many of its slots are free.
        Availability = "availability",
        /// How it has done after the agents whose work the task builds on.
        Collaboration = "collaboration",
        /// What whoever submitted the task thinks of it.
        UserPreference = "user_preference",
    }
}

enumeration! {
    /// A phase of a project.
    pub enum Phase ("phase") {
        /// What is to be done, and in which order.
        Planning = "planning",
        /// How it is to be built.
        Design = "design",
        /// Building it.
        Implementation = "implementation",
        /// Finding out whether it works.
        Testing = "testing",
        /// Bringing it to where it is used.
        Deployment = "deployment",
        /// Keeping it working.
        Maintenance = "maintenance",
    }
}

enumeration! {
    /// How often something is done again, as a task's text says.
    pub enum TimePattern ("time pattern") {
        /// Every hour, or more often.
        Hourly = "hourly",
        /// Every day or every few days, by day.
        Daily = "daily",
        /// Every night.
        Nightly = "nightly",
        /// On days of the week.
        Weekly = "weekly",
        /// On days of the month.
        Monthly = "monthly",
        /// Every three months.
        Quarterly = "quarterly",
        /// Every year.
        Yearly = "yearly",
    }
}

/// How much each factor counts. They are brought to a sum of 1, so any scale will do; 0 switches a factor off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// Default 0.25.
    #[serde(deserialize_with = "weight")]
    pub keyword_match: f64,
    /// Default 0.20.
    #[serde(deserialize_with = "weight")]
    pub phase_alignment: f64,
    /// Default 0.15.
    #[serde(deserialize_with = "weight")]
    pub recent_success: f64,
    /// Default 0.15.
    #[serde(deserialize_with = "weight")]
    pub domain_expertise: f64,
    /// Default 0.10.
    #[serde(deserialize_with = "weight")]
    pub availability: f64,
    /// Default 0.10.
    #[serde(deserialize_with = "weight")]
    pub collaboration: f64,
    /// Default 0.05.
    #[serde(deserialize_with = "weight")]
    pub user_preference: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            keyword_match: 0.25,
            phase_alignment: 0.20,
            recent_success: 0.15,
            domain_expertise: 0.15,
            availability: 0.10,
            collaboration: 0.10,
            user_preference: 0.05,
        }
    }
}

/// A weight as it is written; one of -0 is 0.
fn weight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    f64::deserialize(deserializer).map(|weight| weight + 0.0)
}

/// The largest weight that may be written.
const WEIGHT_MAX: f64 = 1e6;

impl Weights {
    /// As they were written, in the order of [`Factor::ALL`].
    pub const fn list(&self) -> [f64; 7] {
        [
            self.keyword_match,
            self.phase_alignment,
            self.recent_success,
            self.domain_expertise,
            self.availability,
            self.collaboration,
            self.user_preference,
        ]
    }

    /// Refuses weights that are negative, no numbers, too large, or all zero.
    pub fn check(&self, place: &str) -> Result<(), Refusal> {
        for (factor, weight) in Factor::ALL.iter().zip(self.list()) {
            if !(0.0..=WEIGHT_MAX).contains(&weight) {
                return Err(Refusal::invalid(format!("{place}.{factor}"), weight, "0 to 1000000; 0 switches it off"));
            }
        }
        if self.list().iter().sum::<f64>() < 1e-6 {
            let names: Vec<_> = Factor::ALL.iter().map(|factor| factor.as_str()).collect();
            return Err(Refusal::invalid(place, "all 0", "at least one weight above 0")
                .hint(format!("the factors are {}; enabled = false switches selection off", names.join(", "))));
        }
        Ok(())
    }

    /// In millionths, in the order of [`Factor::ALL`]; they sum to exactly a million.
    pub fn millionths(&self) -> [u32; 7] {
        let sum: f64 = self.list().iter().sum();
        // Checked weights are finite, not negative and not all zero.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let mut parts = self.list().map(|weight| (weight / sum * 1e6) as u32);
        let rest = 1_000_000_u32.saturating_sub(parts.iter().sum());
        if let Some(largest) = (0..7).max_by_key(|place| (parts[*place], std::cmp::Reverse(*place))) {
            parts[largest] += rest;
        }
        parts
    }
}

/// Whether the engine chooses among agents by how well they suit a task, and how it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SelectionPolicy {
    /// Whether a task that names no agent goes to the one that suits it best. Default yes.
    pub enabled: bool,
    /// How much each factor counts.
    pub weights: Weights,
    /// Whether agents of which little is known are tried now and then; never with tasks of priority 8 and up. Default yes.
    pub exploration: bool,
}

impl Default for SelectionPolicy {
    fn default() -> Self {
        Self { enabled: true, weights: Weights::default(), exploration: true }
    }
}

impl SelectionPolicy {
    /// Whether it is what holds where nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What was read out of a task's title, input and tags when it was submitted. Its type is read beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TaskContext {
    /// Stems of its words, at most 32: those that some agent's declaration has first, then by how often they occur.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Types of the files that it names, such as `rs`, at most 8.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub file_types: Vec<String>,
    /// The phase of a project that it speaks of, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// How often it says that it is done again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub time_patterns: Vec<TimePattern>,
}

impl TaskContext {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What was found, for people: `words pars, csv; files csv; phase testing; times nightly`. Empty where nothing was.
    pub fn sentence(&self) -> String {
        let list = |name: &str, words: &[String]| (!words.is_empty()).then(|| format!("{name} {}", words.join(", ")));
        let phase = self.phase.map(|phase| format!("phase {phase}"));
        let times: Vec<_> = self.time_patterns.iter().map(ToString::to_string).collect();
        let parts = [list("words", &self.keywords), list("files", &self.file_types), phase, list("times", &times)];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// Why an agent was chosen, as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// What the factors came to, 0-1000.
    pub score: u16,
    /// The factors in the order of their definition, each 0-1000; null where nothing was known.
    pub factors: [Option<u16>; 7],
    /// What was learned of the agent added to that or took from it, in thousandths.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub learned: i16,
    /// How many agents could have started it then.
    pub among: u32,
    /// Who would have suited it clearly better, had it had a slot free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub better: Option<Better>,
}

/// What somebody thinks of how a task was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rating {
    /// The name of whoever rated it.
    pub user: String,
    /// The agent that did it.
    pub agent_id: AgentId,
    /// The attempt that was rated.
    pub execution_id: ExecutionId,
    /// Stars, 1 to 5.
    pub rating: u8,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When.
    pub rated_at: Timestamp,
}

impl Rating {
    /// For people: `2 of 5 by ann: broke the build`.
    pub fn sentence(&self) -> String {
        let note = self.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
        format!("{} of 5 by {}{note}", self.rating, self.user)
    }
}

/// An agent that would have suited a task clearly better than the one that it went to, and had no slot free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Better {
    /// Its name then.
    pub agent: String,
    /// How much more it would have scored, were both free, in thousandths.
    pub ahead: u16,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // The shape that serde asks for.
const fn is_nothing(learned: &i16) -> bool {
    *learned == 0
}

impl Choice {
    /// Why an agent was chosen, for people; what was unknown is said to have been.
    pub fn sentence(&self, agent: &str) -> String {
        let mut said = self.known();
        said.extend(self.unknown());
        let better = self.better().map_or_else(String::new, |better| format!("; {better}"));
        format!("agent {agent} {}: {}{better}", self.result(), said.join(", "))
    }

    /// Among how many, and with which score: `was chosen among 3, with a score of 0.81`.
    pub fn result(&self) -> String {
        // As in a recommendation the score has what was learned in it.
        let score = match self.learned {
            0 => thousandths(self.score),
            learned => {
                let sum = f64::from(self.score) + f64::from(learned);
                let [sum, learned] = [sum, f64::from(learned)].map(|value| value / 1000.0);
                format!("{sum:.2} ({} and {learned:+.2} by what was learned)", thousandths(self.score))
            }
        };
        let how = match self.among {
            0 | 1 => "was the only one that could start it then".to_owned(),
            among => format!("was chosen among {among}"),
        };
        format!("{how}, with a score of {score}")
    }

    /// The factors of which something was known, each with its value: `keyword_match 0.90`.
    pub fn known(&self) -> Vec<String> {
        let factors = Factor::ALL.iter().zip(self.factors);
        factors.filter_map(|(factor, value)| value.map(|value| format!("{factor} {}", thousandths(value)))).collect()
    }

    /// Those of which nothing was: `unknown: collaboration`; `None` where there were none.
    pub fn unknown(&self) -> Option<String> {
        let factors = Factor::ALL.iter().zip(self.factors).filter(|(_, value)| value.is_none());
        let names: Vec<_> = factors.map(|(factor, _)| factor.as_str()).collect();
        (!names.is_empty()).then(|| format!("unknown: {}", names.join(", ")))
    }

    /// Who would have been better, if somebody clearly would.
    pub fn better(&self) -> Option<String> {
        let better = self.better.as_ref()?;
        let ahead = thousandths(better.ahead);
        Some(format!("agent {} would have scored {ahead} more and had no slot free", better.agent))
    }
}

/// Thousandths as people read them.
fn thousandths(value: u16) -> String {
    format!("{:.2}", f64::from(value) / 1000.0)
}

/// What is to be recommended for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecommendQuery {
    /// What is to be done, in any words; at most 1 MiB.
    pub text: String,
    /// The type that the task would have.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The priority that it would have, 1-10; 5 when left out. From 8 on nobody is tried to find out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// A task that has not ended, instead of a text: an id or a prefix of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// How many agents, 1 to 200; 5 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The agents that suit a text or a task best, the best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendations {
    /// What was read out of the text.
    pub context: TaskContext,
    /// How many agents there are.
    pub agents: u64,
    /// Whether tasks that name no agent go to the one that suits them best.
    pub enabled: bool,
    /// Those that suit best.
    pub items: Vec<Recommendation>,
}

/// What was learned of an agent with tasks such as this.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Learned {
    /// What it adds to the score, or takes from it; what is known little of weighs less.
    pub value: f64,
    /// The part of it that is taken from those that are known well, so that others are tried; 0 or less, and always 0 with a
    /// priority of 8 and up.
    #[serde(default)]
    pub exploration: f64,
    /// How uncertain it is: a standard deviation; absent while nothing but the factors decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
    /// What that rests on.
    pub evidence: String,
    /// How likely it is to succeed; absent while too little was learned to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlook: Option<Prospect>,
}

/// How well one agent suits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    /// The agent.
    pub agent_id: AgentId,
    /// Its name.
    pub name: String,
    /// The weighted sum of the factors, 0-1, with what was learned.
    pub score: f64,
    /// Factor by factor, in the order of their definition.
    pub factors: Vec<FactorScore>,
    /// What was learned of it besides.
    pub learned: Learned,
    /// What would have to change for it to come first; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_win: Option<String>,
}

/// What one factor says of one agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FactorScore {
    /// Which.
    pub factor: Factor,
    /// How much it counts, 0-1; all weights sum to 1.
    pub weight: f64,
    /// 0-1; null where nothing is known.
    pub value: Option<f64>,
    /// The value that it counts with: the value, or what stands for an unknown one.
    pub counted: f64,
    /// What the value rests on.
    pub evidence: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_a_million_whatever_their_scale() {
        let default = Weights::default().millionths();
        assert_eq!(default, [250_000, 200_000, 150_000, 150_000, 100_000, 100_000, 50_000]);
        let thirds = Weights {
            keyword_match: 7.0,
            phase_alignment: 7.0,
            recent_success: 7.0,
            domain_expertise: 0.0,
            availability: 0.0,
            collaboration: 0.0,
            user_preference: 0.0,
        };
        let parts = thirds.millionths();
        assert_eq!(parts.iter().sum::<u32>(), 1_000_000);
        assert_eq!(parts[3..], [0; 4], "what is switched off stays off");
    }

    #[test]
    fn bad_weights_are_refused_by_name() {
        for bad in [-0.1, f64::NAN, f64::INFINITY] {
            let weights = Weights { collaboration: bad, ..Weights::default() };
            let refusal = weights.check("weights").unwrap_err();
            assert_eq!(refusal.field, "weights.collaboration", "{bad}");
        }
        let none: Weights = serde_json::from_value(serde_json::json!({
            "keyword_match": 0, "phase_alignment": 0, "recent_success": 0, "domain_expertise": 0, "availability": 0,
            "collaboration": 0, "user_preference": 0,
        }))
        .unwrap();
        assert!(none.check("weights").unwrap_err().to_string().contains("keyword_match"));
        assert!(Weights { collaboration: 0.0, ..Weights::default() }.check("weights").is_ok());
        let minus: Weights = serde_json::from_str("{\"collaboration\": -0.0}").unwrap();
        assert!(minus.collaboration.is_sign_positive() && minus.check("weights").is_ok(), "{minus:?}");
    }
}
