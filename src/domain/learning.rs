//! What is learned from outcomes: the lessons as they stand in the journal, and models with their versions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::artifact::ArtifactType;
use super::enumeration::enumeration;
use super::id::{AgentId, LearningMetricId, ModelId, ModelVersionId};
use super::refusal::Refusal;
use super::time::Timestamp;

enumeration! {
    /// What a model is for.
    pub enum ModelKind ("model type") {
        /// Which agent for which task.
        Policy = "policy",
        /// What a task is worth that waits longer.
        ValueFunction = "value_function",
        /// How long a task takes and how many tokens it uses.
        Predictor = "predictor",
        /// How likely an execution is to succeed and an artifact to be approved.
        Classifier = "classifier",
    }
}

enumeration! {
    /// What a figure about a model says.
    pub enum LearningMetricKind ("learning metric type") {
        /// What its predictions lost an outcome. In nats, 0.69 for whoever knows nothing; of the predictor by how far logarithms
        /// were off.
        Loss = "loss",
        /// How often what it thought likelier came true, 0-1; of the predictor how often what nine of ten should not exceed
        /// was not exceeded.
        Accuracy = "accuracy",
        /// How much less than in the version before it lost; near 0 when there is nothing more to learn.
        Convergence = "convergence",
    }
}

/// The format of a model's state that this binary writes, and the newest that it reads.
pub const MODEL_FORMAT: u32 = 1;

/// What an outcome teaches, as it was when it came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// What the seven factors said of the agent, 0-1000.
    #[serde(rename = "s")]
    pub score: u16,
    /// What the task was about, as numbers.
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<u32>,
    /// How much it counts, in thousandths.
    #[serde(rename = "w", default = "whole", skip_serializing_if = "is_whole")]
    pub weight: u16,
    /// The task's priority; the usual one where the record is older than this.
    #[serde(rename = "p", default = "usual", skip_serializing_if = "is_usual")]
    pub priority: u8,
    /// Which attempt it was of those that count, from 1; the first where the record is older than this.
    #[serde(rename = "n", default = "first", skip_serializing_if = "is_first")]
    pub attempt: u16,
}

/// What an artifact is and what it is of, as far as its judgement teaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// The [number](type_number) of its task's type.
    #[serde(rename = "k")]
    pub kind: u32,
    /// What it is.
    #[serde(rename = "a")]
    pub artifact: ArtifactType,
}

/// How a task that completed stood to its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slack {
    /// The [number](type_number) of its type.
    #[serde(rename = "k")]
    pub kind: u32,
    /// The seconds that were left when the attempt that completed it was decided on.
    #[serde(rename = "l")]
    pub left: u32,
    /// The seconds that it was expected to take; 0 where nobody knew.
    #[serde(rename = "e", default, skip_serializing_if = "is_nothing")]
    pub expected: u32,
    /// Its priority.
    #[serde(rename = "p", default = "usual", skip_serializing_if = "is_usual")]
    pub priority: u8,
    /// Whether it missed the deadline.
    #[serde(rename = "m", default, skip_serializing_if = "std::ops::Not::not")]
    pub missed: bool,
}

/// Numbers of names have so many bits; above them stands what it is the name of.
pub const NAME_BITS: u32 = 22;

/// The number of a name, by FNV-1a, the same on every machine. What it is the name of has a `class` and a letter.
pub fn name_number(class: u32, letter: u8, name: &str) -> u32 {
    let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let hash = name.bytes().fold(fold(0x811c_9dc5, letter), fold);
    class << NAME_BITS | hash >> (32 - NAME_BITS)
}

/// The number of a type of task; 0 for none.
pub fn type_number(kind: &str) -> u32 {
    if kind.is_empty() { 0 } else { name_number(1, b'k', kind) }
}

/// How well an execution came out, 0-1000.
pub const fn truth_of_end(succeeded: bool) -> u16 {
    if succeeded { 1000 } else { 0 }
}

/// How well a task was done by a rating of 1 to 5 stars, 0-1000.
pub fn truth_of_rating(stars: u8) -> u16 {
    u16::from(stars.clamp(1, 5) - 1) * 250
}

const fn whole() -> u16 {
    1000
}

/// The usual priority.
pub const USUAL: u8 = 5;

const fn usual() -> u8 {
    USUAL
}

const fn first() -> u16 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands a reference.
const fn is_usual(priority: &u8) -> bool {
    *priority == USUAL
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As above.
const fn is_first(attempt: &u16) -> bool {
    *attempt == 1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As above.
const fn is_nothing(seconds: &u32) -> bool {
    *seconds == 0
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands a reference.
const fn is_whole(weight: &u16) -> bool {
    *weight == 1000
}

/// One effect that a policy has learned, as a short list: of which feature, whose (0 for nobody's in particular, otherwise a
/// place in the list of agents, from 1), how much in ten-thousandths of a logit, and on how much it rests in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectState(pub u32, pub u32, pub i32, pub u32);

/// By how much a rating has changed what the policy's candidates have learned, each in its place, so that just that can be taken
/// back, in whatever order ratings are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taught(pub Vec<Vec<EffectChange>>);

/// One effect that was changed: of which feature, whether of the agent that was rated or of nobody's in particular, by how much
/// in ten-thousandths of a logit, and on how much more it rests since in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectChange(pub u32, pub bool, pub i32, pub i32);

/// Everything that a policy is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyState {
    /// Which of the candidates is in force, by its place.
    pub in_force: u32,
    /// How many outcomes it has seen.
    pub lessons: u64,
    /// How many since the candidates were compared.
    pub since: u32,
    /// After how many they are compared next.
    pub due: u32,
    /// The agents that effects are of, in the order of their ids.
    pub agents: Vec<AgentId>,
    /// What each candidate has lost and learned.
    pub candidates: Vec<CandidateState>,
    /// When this became a version; unknown of versions of old.
    #[serde(default)]
    pub made: Timestamp,
    /// The spans of time of which it knows nothing, because somebody went back to a version of before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<(Timestamp, Timestamp)>,
}

/// Everything that a model is, by what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// Of the policy.
    Policy(PolicyState),
    /// Of the predictor.
    Predictor(PredictorState),
    /// Of the classifier.
    Classifier(ChancesState),
    /// Of the value function.
    ValueFunction(ChancesState),
}

impl ModelState {
    /// That of a model that has learned nothing.
    pub fn of_nothing(model: ModelKind) -> Self {
        match model {
            ModelKind::Policy => Self::Policy(PolicyState::default()),
            ModelKind::Predictor => Self::Predictor(PredictorState::default()),
            ModelKind::Classifier => Self::Classifier(ChancesState::default()),
            ModelKind::ValueFunction => Self::ValueFunction(ChancesState::default()),
        }
    }
}

/// Everything that a model is that says how likely something is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChancesState {
    /// How many outcomes it has seen.
    pub lessons: u64,
    /// How many since the candidates were compared.
    pub since: u32,
    /// After how many they are compared next.
    pub due: u32,
    /// The agents that rates are of, in the order of their ids.
    pub agents: Vec<AgentId>,
    /// What it is asked: of the classifier whether an execution succeeds, then whether an artifact is approved.
    pub questions: Vec<QuestionState>,
}

/// What is known of one question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionState {
    /// Which of the candidates is in force, by its place.
    pub in_force: u32,
    /// How many outcomes it has seen.
    pub cases: u64,
    /// How many since the candidates were compared.
    pub since: u32,
    /// How each candidate does.
    pub scores: Vec<LossState>,
    /// What those that learn have learned, in the order of the inputs.
    pub weights: Vec<Vec<WeightState>>,
    /// How often it came true, by what and whose.
    pub rates: Vec<RateState>,
}

/// How a candidate does, as a short list: what it lost of late, what it lost since the candidates were compared, both in
/// millionths of a nat, and how often it was right since then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossState(pub i64, pub i64, pub u32);

/// What was learned of the weight of an input, as a short list: how far it is from what it was at first, in ten-thousandths,
/// and on how much that rests, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightState(pub i32, pub u32);

/// How often something came true, as a short list: of what, whose (0 for nobody's in particular, otherwise a place in the list
/// of agents, from 1), how often it did and how often it was seen, both in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateState(pub u32, pub u32, pub u32, pub u32);

/// How likely something is to come out well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prospect {
    /// 0-1.
    pub chance: f64,
    /// Whether it is a bad match: by what was learned of agents and types it fails more often than not.
    pub bad: bool,
    /// Whether it is a guess: of the agent with the type fewer than 4 outcomes are known.
    #[serde(default)]
    pub seldom: bool,
    /// What it rests on.
    pub evidence: String,
}

impl Prospect {
    /// `about 31 of 100`, which is never none and never all: nothing learned is certain.
    pub fn of_hundred(&self) -> String {
        format!("about {:.0} of 100", (self.chance * 100.0).clamp(1.0, 99.0))
    }

    /// `succeeds in about 31 of 100: ...`; `verb` is what it does.
    pub fn sentence(&self, verb: &str) -> String {
        format!("{verb} in {}: {}", self.of_hundred(), self.evidence)
    }
}

/// Everything that a predictor is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictorState {
    /// How many outcomes it has seen.
    pub lessons: u64,
    /// How many since the candidates were compared.
    pub since: u32,
    /// After how many they are compared next.
    pub due: u32,
    /// The agents that effects are of, in the order of their ids.
    pub agents: Vec<AgentId>,
    /// What it foretells: durations, then tokens.
    pub quantities: Vec<QuantityState>,
}

/// What a predictor knows of one quantity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuantityState {
    /// Which of the candidates is in force, by its place.
    pub in_force: u32,
    /// How many it has seen.
    pub cases: u64,
    /// How many since the candidates were compared.
    pub since: u32,
    /// How many of late, in millionths.
    pub weight: i64,
    /// How each candidate does.
    pub scores: Vec<ScoreState>,
    /// What those that learn have learned.
    pub guesses: Vec<GuessState>,
}

/// How a candidate of a predictor does, as a short list: what it lost of late and how often it held of late, in millionths;
/// what it lost and how often it held since the candidates were compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreState(pub i64, pub i64, pub i64, pub u32);

/// What one candidate of a predictor has learned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuessState {
    /// Means, in ten-thousandths of a logarithm; what each rests on counts observations.
    pub effects: Vec<EffectState>,
    /// How far off they are, by type.
    pub spreads: Vec<SpreadState>,
}

/// How far off guesses are, as a short list: of which type (0 for all), how many observations, the mean distance, and by how
/// many of those the median and the ninth decile are above the guess; the last three in ten-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpreadState(pub u32, pub u32, pub u32, pub i32, pub i32);

/// One candidate of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateState {
    /// What it lost of late, in millionths of a nat.
    pub loss: i64,
    /// How often it was right since the candidates were compared.
    pub right: u32,
    /// What it lost since then, in millionths of a nat.
    pub batch: i64,
    /// What it has learned.
    pub effects: Vec<EffectState>,
}

/// How a candidate did on outcomes that it had not seen when it said what it expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// Which.
    pub candidate: String,
    /// What it lost an outcome: in nats, of the predictor by how far logarithms were off.
    pub loss: f64,
    /// How often it was right, 0-1; of the predictor how often what nine of ten should not exceed was not exceeded.
    pub accuracy: f64,
    /// Whether it is in force from now on.
    pub in_force: bool,
    /// Over how many outcomes, where a model foretells several things and not every outcome is of each; otherwise all of the
    /// batch. Records older than this do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
}

impl Compared {
    /// Whether there was anything to compare by. Records of old have zeros for what no outcome of a batch was about, which
    /// nothing else comes to: what loses nothing is always right.
    pub fn is_measured(&self) -> bool {
        self.batch != Some(0) && (self.loss != 0.0 || self.accuracy != 0.0)
    }
}

/// A version of a model, with how it came about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelVersion {
    /// Of which model.
    pub model: ModelKind,
    /// From 1.
    pub version: u32,
    /// [`MODEL_FORMAT`] when it was made.
    pub format: u32,
    /// How many outcomes it has learned from.
    pub lessons: u64,
    /// How many of them were not in the version before.
    pub batch: u32,
    /// Which candidate is in force from now on.
    pub in_force: String,
    /// Whether that is another than in the version before.
    pub promoted: bool,
    /// How the candidates did on the batch, before they learned from it.
    pub compared: Vec<Compared>,
    /// The version that it takes up again, where somebody went back to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back_to: Option<u32>,
}

/// A version as the store has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoredVersion {
    /// Its id.
    pub id: ModelVersionId,
    /// What it is.
    #[serde(flatten)]
    pub version: ModelVersion,
    /// When it was made.
    pub time: Timestamp,
    /// The record that made it.
    pub seq: u64,
    /// Whether what it had learned is still kept, so that one can go back to it.
    pub kept: bool,
}

/// A number that follows from names, by FNV-1a with 64 bits, for ids.
fn number_of(names: &[&str]) -> u128 {
    let bytes = names.iter().flat_map(|name| name.bytes().chain([0]));
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    u128::from(hash)
}

/// The id of a model. There is one of each type from the first record on, so it follows from the type alone.
pub fn model_id(model: ModelKind) -> ModelId {
    ModelId::new(Timestamp::EPOCH, number_of(&[model.as_str()]))
}

/// The id of a version of a model.
pub fn version_id(model: ModelKind, version: u32, time: Timestamp) -> ModelVersionId {
    ModelVersionId::new(time, number_of(&[model.as_str(), &version.to_string()]))
}

/// The id of a figure about a version.
pub fn metric_id(
    (model, version, time): (ModelKind, u32, Timestamp),
    candidate: &str,
    kind: LearningMetricKind,
) -> LearningMetricId {
    LearningMetricId::new(time, number_of(&[model.as_str(), &version.to_string(), candidate, kind.as_str()]))
}

/// A model: how it is made, how it does and what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Model {
    /// Its id.
    pub id: ModelId,
    /// What it is for.
    #[serde(rename = "type")]
    pub kind: ModelKind,
    /// The version in force; null before the first.
    pub current_version: Option<u32>,
    /// How it is made.
    pub parameters: ModelParameters,
    /// How the candidate in force did on outcomes that it had not seen; null where nothing was measured.
    pub metrics: ModelMetrics,
    /// What it rests on.
    pub metadata: ModelMetadata,
    /// The version in force with how it came about; null before the first.
    pub current: Option<StoredVersion>,
    /// How far the next version is.
    pub next: NextVersion,
    /// When its first version was made.
    pub created_at: Option<Timestamp>,
    /// When its last version was made.
    pub updated_at: Option<Timestamp>,
}

/// How the candidate of a model that is in force did with the last batch of outcomes, each of which it was asked about before
/// it was told. Of a model that foretells several things: the first of them that was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelMetrics {
    /// Which candidate.
    pub candidate: Option<String>,
    /// How often it was right, 0-1.
    pub accuracy: Option<f64>,
    /// What it lost an outcome.
    pub loss: Option<f64>,
    /// By how much less it lost than in the batch before.
    pub convergence: Option<f64>,
}

/// What a model rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelMetadata {
    /// What it has learned from; null before the first version.
    pub training_data: Option<TrainingData>,
    /// What its metrics were measured on; null before the first version.
    pub validation_data: Option<ValidationData>,
}

/// What the version in force has learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrainingData {
    /// What counts as an outcome for it, in words.
    pub from: String,
    /// How many outcomes.
    pub outcomes: u64,
    /// In which records of the journal they stand, in order. There are gaps where somebody went back to a version.
    pub records: Vec<RecordRange>,
}

/// What the metrics of the version in force were measured on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ValidationData {
    /// How: `prequential`, each outcome is foretold before it is learned from.
    pub method: String,
    /// How many outcomes, all that came since the version before.
    pub outcomes: u32,
    /// In which records of the journal they stand.
    pub records: Option<RecordRange>,
}

/// Records of the journal from one number to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordRange {
    /// The first.
    pub from: u64,
    /// The last.
    pub to: u64,
}

/// How far the next version of a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NextVersion {
    /// How many outcomes there were since the last.
    pub outcomes: u32,
    /// After how many it is made.
    pub needed: u32,
}

/// A model, its versions and how they did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelReport {
    /// The model.
    #[serde(flatten)]
    pub model: Model,
    /// Its versions, the newest first.
    pub versions: Vec<StoredVersion>,
    /// Figures about them, the newest first.
    pub learning_metrics: Vec<LearningMetric>,
}

/// How a model is made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelParameters {
    /// In words.
    pub architecture: String,
    /// By name.
    pub hyperparameters: std::collections::BTreeMap<String, f64>,
}

/// A version of a model with everything that it is, as it is exported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportedModel {
    /// Which.
    #[serde(flatten)]
    pub version: ModelVersion,
    /// Everything that it is.
    pub state: ModelState,
}

/// A figure about a version of a model, on outcomes that it had not seen when it said what it expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LearningMetric {
    /// Its id.
    pub id: LearningMetricId,
    /// Of which model.
    pub model: ModelKind,
    /// What it says.
    #[serde(rename = "type")]
    pub kind: LearningMetricKind,
    /// It.
    pub value: f64,
    /// When it was worked out.
    pub time: Timestamp,
    /// On what.
    pub context: LearningContext,
    /// Of what in particular.
    pub metadata: LearningSource,
}

/// On what a figure about a model was worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LearningContext {
    /// Over how many outcomes.
    pub batch_size: u32,
    /// Which batch, from 1.
    pub iteration: u32,
    /// How often each outcome was seen: once.
    pub epoch: u32,
}

/// Of what in particular a figure about a model is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LearningSource {
    /// Of which version.
    pub version: u32,
    /// Of which candidate.
    pub candidate: String,
}

/// Refuses the state of a model that a newer binary wrote.
pub fn check_format(version: &ModelVersion) -> Result<(), Refusal> {
    if version.format > MODEL_FORMAT {
        let shown = format!("{} version {} of format {}", version.model, version.version, version.format);
        return Err(
            Refusal::invalid("model", shown, format!("format {MODEL_FORMAT} or older")).hint("use a newer menagerie")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_what_they_name_and_are_all_different() {
        let time = Timestamp::from_micros(1_700_000_000_000_000);
        let mut ids: Vec<_> = ModelKind::ALL.iter().map(|model| model_id(*model).0).collect();
        for model in ModelKind::ALL {
            for version in 1..20 {
                ids.push(version_id(*model, version, time).0);
                for candidate in ["all", "types", "tokens: all"] {
                    let metrics = LearningMetricKind::ALL.iter();
                    ids.extend(metrics.map(|kind| metric_id((*model, version, time), candidate, *kind).0));
                }
            }
        }
        let count = ids.len();
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn what_no_outcome_was_about_was_not_measured() {
        let compared =
            |loss, accuracy, batch| Compared { candidate: "all".to_owned(), loss, accuracy, in_force: false, batch };
        assert!(!compared(0.0, 0.0, None).is_measured(), "a record of old");
        assert!(!compared(0.0, 0.0, Some(0)).is_measured());
        assert!(compared(0.0, 1.0, None).is_measured() && compared(0.7, 0.0, Some(3)).is_measured());
        let text = r#"{"candidate": "all", "loss": 0.5, "accuracy": 1.0, "in_force": true}"#;
        assert_eq!(serde_json::from_str::<Compared>(text).unwrap().batch, None);
    }
}
