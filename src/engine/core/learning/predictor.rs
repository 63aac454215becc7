//! The predictor: how long a task takes an agent and how many tokens it uses, as the median and the ninth decile.
//!
//! For each of the two, four candidates stand side by side: nothing (two figures that are always the same), and guesses that
//! look at ever more. Each is asked before it is told ("prequential": Dawid, "Present position and potential developments",
//! 1984); another comes into force only when it has lost less, and when what it says nine of ten will not exceed was not
//! exceeded by eight of ten at least. While nothing is in force nothing is foretold.
//!
//! What the scheduler goes by is the [`Outlook`] of the last version, not what was learned since: so it changes seldom, costs
//! a look into a table, and is the same after a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::features::Feature;
use super::guess::{CASES_MAX, Depth, Guess, Quantiles};
use super::math::{exp, ln, millionths};
use crate::domain::learning::{
    Compared, EffectState, GuessState, MODEL_FORMAT, ModelKind, ModelParameters, ModelVersion, NextVersion,
    PredictorState, QuantityState, ScoreState,
};
use crate::domain::{AgentId, Span};

/// What is expected by who knows nothing: a minute, and not ten; a thousand tokens, and not ten thousand.
const NOTHING: [(u64, u64); 2] = [(60_000_000, 600_000_000), (1_000, 10_000)];
/// By how much a candidate must have lost less than the one in force.
const MARGIN: i64 = 500_000;
/// How much of a loss is left after the next, in thousandths.
const LEFT: i64 = 999;
/// How many in a hundred of what was said to hold for ninety must have held.
const HELD_LEAST: i64 = 80;
/// After how many outcomes the candidates are compared first; each time after twice as many, up to the second number, and
/// later after a sixteenth of all, up to the third: every success teaches, and a busy fleet would make a version every few
/// milliseconds, which took a tenth of the engine's throughput.
const REVIEWS: (u32, u32, u32) = (32, 256, 16_384);
/// Of a type that was seen less often nothing is foretold.
const SEEN_LEAST: u32 = 8;

/// The places of the quantities.
const DURATION: usize = 0;
const TOKENS: usize = 1;

/// Candidates by name, in order.
const NAMES: [&str; 4] = ["nothing", "all", "types", "types+agents"];

/// How it is made.
pub(super) fn parameters() -> ModelParameters {
    let figures = [
        ("margin", MARGIN as f64 / 1e6),
        ("left", LEFT as f64 / 1e3),
        ("held_least", HELD_LEAST as f64 / 1e2),
        ("seen_least", f64::from(SEEN_LEAST)),
    ];
    ModelParameters {
        architecture: "hierarchical shrinkage of logarithms by type and by agent with type, and quantiles by adaptive \
                       conformal inference; accuracy is how often nine of ten held"
            .to_owned(),
        hyperparameters: figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

/// How a candidate does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Score {
    /// What it lost of late, in millionths.
    loss: i64,
    /// How often its ninth decile held of late, in millionths.
    held: i64,
    /// What it lost since the candidates were compared.
    batch: i64,
    /// How often its ninth decile held since then.
    right: u32,
}

/// What it costs to have expected that `share` would not exceed `quantile` (the pinball loss; Koenker and Bassett,
/// "Regression quantiles", 1978).
fn pinball(share: f64, quantile: f64, value: f64) -> f64 {
    if value > quantile { share * (value - quantile) } else { (1.0 - share) * (quantile - value) }
}

impl Score {
    fn add(&mut self, expected: Quantiles, value: f64) {
        let loss = millionths(pinball(0.5, expected.half, value) + pinball(0.9, expected.most, value));
        let held = value <= expected.most;
        self.loss = self.loss * LEFT / 1000 + loss;
        self.held = self.held * LEFT / 1000 + if held { 1_000_000 } else { 0 };
        self.batch += loss;
        self.right += u32::from(held);
    }
}

/// One of what is foretold, and what competes to do so.
#[derive(Clone, Debug, PartialEq)]
struct Quantity {
    scores: [Score; 4],
    /// In the order of [`Depth::ALL`].
    guesses: [Guess; 3],
    /// What is expected by who knows nothing.
    nothing: Quantiles,
    /// Which candidate is in force.
    in_force: usize,
    /// How many it has seen.
    cases: u64,
    /// How many of them since the candidates were compared.
    since: u32,
    /// How many it has seen of late, in millionths, as [`Score::held`] counts.
    weight: i64,
}

impl Quantity {
    fn new(place: usize) -> Self {
        let (half, most) = NOTHING[place];
        Self {
            scores: [Score::default(); 4],
            guesses: Depth::ALL.map(Guess::new),
            nothing: Quantiles { half: logarithm(half), most: logarithm(most) },
            in_force: 0,
            cases: 0,
            since: 0,
            weight: 0,
        }
    }

    fn learn(&mut self, kind: Feature, agent: AgentId, amount: u64) {
        let value = logarithm(amount);
        self.scores[0].add(self.nothing, value);
        for (guess, score) in self.guesses.iter_mut().zip(&mut self.scores[1..]) {
            score.add(guess.learn(kind, agent, value), value);
        }
        self.cases += 1;
        self.since += 1;
        self.weight = self.weight * LEFT / 1000 + 1_000_000;
    }

    /// Whether what a candidate says can be relied on.
    fn holds(&self, place: usize) -> bool {
        place == 0 || self.scores[place].held / HELD_LEAST >= self.weight / 100
    }

    /// Compares the candidates. Gives how many it has seen since, and what each lost and how often each was right.
    fn review(&mut self) -> (u32, [(i64, u32); 4]) {
        self.guesses.iter_mut().for_each(Guess::prune);
        if self.cases >= u64::from(REVIEWS.0) {
            if !self.holds(self.in_force) {
                self.in_force = 0;
            }
            for place in 0..self.scores.len() {
                if self.holds(place) && self.scores[place].loss + MARGIN < self.scores[self.in_force].loss {
                    self.in_force = place;
                }
            }
        }
        let compared =
            self.scores.each_mut().map(|score| (std::mem::take(&mut score.batch), std::mem::take(&mut score.right)));
        (std::mem::take(&mut self.since), compared)
    }

    /// What it foretells.
    fn table(&self) -> Table {
        let mut table = Table::default();
        // Of anybody the guess that does not look at agents knows best.
        let guess = |place: usize| self.in_force.min(place).checked_sub(1).map(|at| &self.guesses[at]);
        let Some(of_anybody) = guess(2) else { return table };
        let seen = self.guesses[1].types().filter(|(_, cases)| *cases >= SEEN_LEAST);
        table.types.extend(seen.map(|(kind, cases)| (kind, Expected::new(of_anybody.quantiles(kind, None), cases))));
        if let Some(of_agents) = guess(3).filter(|_| self.in_force == 3) {
            let known = of_agents.pairs().filter(|(kind, ..)| table.types.contains_key(kind));
            let expected =
                |(kind, agent, cases)| ((kind, agent), Expected::new(of_agents.quantiles(kind, Some(agent)), cases));
            table.pairs = known.map(expected).collect();
        }
        table
    }

    fn state(&self, agents: &[AgentId]) -> QuantityState {
        QuantityState {
            in_force: u32::try_from(self.in_force).unwrap_or(0),
            cases: self.cases,
            since: self.since,
            weight: self.weight,
            scores: self.scores.iter().map(|one| ScoreState(one.loss, one.held, one.batch, one.right)).collect(),
            guesses: self.guesses.iter().map(|guess| guess.state(agents)).collect(),
        }
    }

    fn restore(place: usize, state: &QuantityState, agents: &[AgentId]) -> Self {
        let nothing = GuessState::default();
        let score = |at: usize| {
            state.scores.get(at).map_or_else(Score::default, |one| {
                let ScoreState(loss, held, batch, right) = *one;
                Score { loss, held, batch, right }
            })
        };
        let guess = |at: usize| Guess::restore(Depth::ALL[at], state.guesses.get(at).unwrap_or(&nothing), agents);
        Self {
            scores: std::array::from_fn(score),
            guesses: std::array::from_fn(guess),
            in_force: (state.in_force as usize).min(NAMES.len() - 1),
            cases: state.cases,
            since: state.since,
            weight: state.weight,
            ..Self::new(place)
        }
    }
}

/// The logarithm of an amount, of which there may be none.
fn logarithm(amount: u64) -> f64 {
    ln(amount as f64 + 1.0)
}

/// The reverse.
fn amount(logarithm: f64) -> u64 {
    // Between 0 and thirty years of microseconds.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = (exp(logarithm) - 1.0).round() as u64;
    whole
}

/// What is expected of one type of task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Expected {
    half: u64,
    most: u64,
    cases: u32,
}

impl Expected {
    fn new(quantiles: Quantiles, cases: u32) -> Self {
        Self { half: amount(quantiles.half), most: amount(quantiles.most), cases }
    }
}

/// What is foretold of one quantity.
#[derive(Clone, Debug, Default, PartialEq)]
struct Table {
    types: BTreeMap<Feature, Expected>,
    pairs: BTreeMap<(Feature, AgentId), Expected>,
}

impl Table {
    /// Of a type with an agent, or else of the type; and whether it is the former.
    fn expected(&self, kind: Feature, agent: Option<AgentId>) -> Option<(Expected, bool)> {
        let of_pair = agent.and_then(|agent| self.pairs.get(&(kind, agent)));
        of_pair.map(|expected| (*expected, true)).or_else(|| self.types.get(&kind).map(|expected| (*expected, false)))
    }
}

/// What is foretold, as of the last version.
#[derive(Clone, Debug, Default, PartialEq)]
struct Outlook {
    quantities: [Table; 2],
    /// The shortest and the longest that anything is said to take at most.
    shortest: Span,
    longest: Span,
}

impl Outlook {
    fn new(quantities: [Table; 2]) -> Self {
        let durations = &quantities[DURATION];
        let most = || durations.types.values().chain(durations.pairs.values()).map(|expected| span(expected.most));
        let (shortest, longest) = (most().min().unwrap_or(Span::ZERO), most().max().unwrap_or(Span::ZERO));
        Self { quantities, shortest, longest }
    }
}

/// Microseconds as a span, which is never nothing: that stands for unknown.
fn span(micros: u64) -> Span {
    Span::from_micros(i64::try_from(micros).unwrap_or(i64::MAX).max(1))
}

/// How long a task is thought to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::core) struct Forecast {
    /// Half of its like take no longer.
    pub(in crate::engine::core) half: Span,
    /// Nine of ten of its like take no longer.
    pub(in crate::engine::core) most: Span,
    /// The same of tokens, where they are known.
    pub(in crate::engine::core) tokens: Option<(u64, u64)>,
    /// On how many outcomes it rests.
    pub(in crate::engine::core) cases: u32,
    /// Whether there were more, which no longer count.
    pub(in crate::engine::core) has_more: bool,
    /// Whether they are those of the agent that was asked about.
    pub(in crate::engine::core) of_agent: bool,
}

/// What came of comparing the candidates: it becomes a version.
#[derive(Clone, Debug, PartialEq)]
struct Review {
    batch: u32,
    promoted: bool,
    /// For each quantity how often it was seen, and what each candidate lost and how often it was right.
    compared: [(u32, [(i64, u32); 4]); 2],
}

/// The predictor.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine::core) struct Predictor {
    quantities: [Quantity; 2],
    /// How many outcomes it has seen.
    lessons: u64,
    /// How many of them since the candidates were compared.
    since: u32,
    /// After how many they are compared next.
    due: u32,
    /// The last comparison, if it has not become a version yet.
    review: Option<Review>,
    /// The number of the last version.
    version: u32,
    /// What the last version foretells. It is shared with states on which commands are tried.
    outlook: Arc<Outlook>,
}

impl Default for Predictor {
    fn default() -> Self {
        Self {
            quantities: [DURATION, TOKENS].map(Quantity::new),
            lessons: 0,
            since: 0,
            due: REVIEWS.0,
            review: None,
            version: 0,
            outlook: Arc::default(),
        }
    }
}

impl Predictor {
    /// Learns how long an execution took that succeeded, and how many tokens it used.
    pub(in crate::engine::core) fn learn(&mut self, kind: Feature, agent: AgentId, took: Span, tokens: Option<u64>) {
        self.quantities[DURATION].learn(kind, agent, took.as_micros().unsigned_abs());
        if let Some(tokens) = tokens {
            self.quantities[TOKENS].learn(kind, agent, tokens);
        }
        self.lessons += 1;
        self.since += 1;
        if self.since >= self.due {
            self.compare();
        }
    }

    fn compare(&mut self) {
        let before = self.quantities.each_ref().map(|quantity| quantity.in_force);
        let compared = self.quantities.each_mut().map(Quantity::review);
        let after = self.quantities.each_ref().map(|quantity| quantity.in_force);
        let effects: usize = self.quantities.iter().flat_map(|quantity| &quantity.guesses).map(Guess::len).sum();
        // A version is as long as there are effects, so there are the fewer of them.
        let by_effects = u32::try_from(effects / 4).unwrap_or(u32::MAX);
        let by_lessons = u32::try_from(self.lessons / 16).unwrap_or(u32::MAX).min(REVIEWS.2);
        let most = REVIEWS.1.max(by_effects).max(by_lessons);
        self.due = (self.due * 2).min(most);
        self.review = Some(Review { batch: std::mem::take(&mut self.since), promoted: before != after, compared });
    }

    /// The version that the last comparison makes; `None` where nothing was compared since the last.
    pub(in crate::engine::core) fn next_version(&self) -> Option<(ModelVersion, PredictorState)> {
        let review = self.review.as_ref()?;
        let mut compared = vec![];
        let mut in_force = vec![];
        for (place, (quantity, (since, scores))) in self.quantities.iter().zip(review.compared).enumerate() {
            if quantity.cases == 0 {
                continue;
            }
            let prefix = if place == TOKENS { "tokens: " } else { "" };
            in_force.push(format!("{prefix}{}", NAMES[quantity.in_force]));
            // What no outcome was about was not measured, which is not nothing.
            if since == 0 {
                continue;
            }
            let per = |sum: f64| sum / f64::from(since);
            compared.extend(NAMES.iter().zip(scores).enumerate().map(|(at, (name, (loss, right)))| Compared {
                candidate: format!("{prefix}{name}"),
                loss: per(loss as f64 / 1e6),
                accuracy: per(f64::from(right)),
                in_force: at == quantity.in_force,
                batch: Some(since),
            }));
        }
        let version = ModelVersion {
            model: ModelKind::Predictor,
            version: self.version + 1,
            format: MODEL_FORMAT,
            lessons: self.lessons,
            batch: review.batch,
            in_force: in_force.join("; "),
            promoted: review.promoted,
            compared,
            rolled_back_to: None,
        };
        Some((version, self.state()))
    }

    /// Compares the candidates before it is time to, if there is anything to compare them by.
    pub(in crate::engine::core) fn reviewed(&self) -> Option<Self> {
        (self.since > 0).then(|| {
            let mut reviewed = self.clone();
            reviewed.compare();
            // What somebody asks for puts off no comparison.
            reviewed.due = self.due;
            reviewed
        })
    }

    /// Everything that it is.
    fn state(&self) -> PredictorState {
        let guesses = self.quantities.iter().flat_map(|quantity| &quantity.guesses);
        let agents: BTreeSet<_> = guesses.flat_map(Guess::agents).collect();
        let agents: Vec<_> = agents.into_iter().collect();
        PredictorState {
            lessons: self.lessons,
            since: self.since,
            due: self.due,
            quantities: self.quantities.iter().map(|quantity| quantity.state(&agents)).collect(),
            agents,
        }
    }

    /// What a version was. From now on it is what is foretold by.
    pub(in crate::engine::core) fn restore(version: u32, state: &PredictorState) -> Self {
        let nothing = QuantityState::default();
        let quantities = [DURATION, TOKENS]
            .map(|place| Quantity::restore(place, state.quantities.get(place).unwrap_or(&nothing), &state.agents));
        let outlook = Outlook::new(quantities.each_ref().map(Quantity::table));
        Self {
            quantities,
            lessons: state.lessons,
            since: state.since,
            due: state.due.max(REVIEWS.0),
            review: None,
            version,
            outlook: Arc::new(outlook),
        }
    }

    /// One that foretells the same and has learned nothing, for a state that will be thrown away.
    pub(in crate::engine::core) fn outlook(&self) -> Self {
        Self { outlook: Arc::clone(&self.outlook), ..Self::default() }
    }

    /// A fingerprint, to compare states by.
    pub(in crate::engine::core) fn describe(&self) -> String {
        let state = self.state();
        let fold = |hash: u64, part: u64| (hash ^ part).wrapping_mul(0x0100_0000_01b3);
        let signed = |part: i32| u64::from(part.unsigned_abs()) << 1 | u64::from(part < 0);
        let mut hash = 0xcbf2_9ce4_8422_2325;
        for guess in state.quantities.iter().flat_map(|quantity| &quantity.guesses) {
            for EffectState(feature, agent, mean, cases) in &guess.effects {
                let parts = [u64::from(*feature), u64::from(*agent), signed(*mean), u64::from(*cases)];
                hash = parts.into_iter().fold(hash, fold);
            }
            for spread in &guess.spreads {
                let parts = [u64::from(spread.0), u64::from(spread.1), u64::from(spread.2)];
                hash = parts.into_iter().chain([signed(spread.3), signed(spread.4)]).fold(hash, fold);
            }
        }
        let quantities = state.quantities.iter();
        let scores: Vec<_> =
            quantities.map(|one| (one.in_force, one.cases, one.since, one.weight, one.scores.clone())).collect();
        let foretold = self.outlook.quantities.each_ref().map(|table| (table.types.len(), table.pairs.len()));
        format!(
            "predictor {} {} {} {} {scores:?} {:?} {hash} {foretold:?} {:?} {:?}",
            self.version,
            state.lessons,
            state.since,
            state.due,
            state.agents,
            self.outlook.shortest,
            self.outlook.longest
        )
    }

    /// The number of the last version.
    pub(in crate::engine::core) const fn version(&self) -> u32 {
        self.version
    }

    /// How far the next version is.
    pub(in crate::engine::core) const fn next(&self) -> NextVersion {
        NextVersion { outcomes: self.since, needed: self.due }
    }

    /// How long a type of task takes an agent, or anybody; `None` while nothing is in force, or nothing is known of the type.
    pub(in crate::engine::core) fn forecast(&self, kind: Feature, agent: Option<AgentId>) -> Option<Forecast> {
        let (expected, of_agent) = self.outlook.quantities[DURATION].expected(kind, agent)?;
        let tokens = self.outlook.quantities[TOKENS].expected(kind, agent);
        Some(Forecast {
            half: span(expected.half),
            most: span(expected.most),
            tokens: tokens.map(|(tokens, _)| (tokens.half, tokens.most)),
            cases: expected.cases,
            has_more: of_agent && expected.cases == CASES_MAX,
            of_agent,
        })
    }

    /// What nine of ten take at most, as above. Decisions ask for this.
    pub(in crate::engine::core) fn most(&self, kind: Feature, agent: Option<AgentId>) -> Option<Span> {
        self.outlook.quantities[DURATION].expected(kind, agent).map(|(expected, _)| span(expected.most))
    }

    /// Whether anything is foretold of how long tasks take.
    pub(in crate::engine::core) fn foretells(&self) -> bool {
        !self.outlook.quantities[DURATION].types.is_empty()
    }

    /// The shortest that anything is said to take at most.
    pub(in crate::engine::core) fn shortest(&self) -> Span {
        self.outlook.shortest
    }

    /// The longest that anything is said to take at most.
    pub(in crate::engine::core) fn longest(&self) -> Span {
        self.outlook.longest
    }

    /// Forgets an agent that is no more.
    pub(in crate::engine::core) fn forget(&mut self, agent: AgentId) {
        self.quantities.iter_mut().flat_map(|quantity| &mut quantity.guesses).for_each(|guess| guess.forget(agent));
        if self.foretells() {
            for table in &mut Arc::make_mut(&mut self.outlook).quantities {
                table.pairs.retain(|(_, of), _| *of != agent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(agent: u32) -> AgentId {
        AgentId(Uuid::from_u128(u128::from(agent) + 1))
    }

    /// Two agents have done so many tasks of two types, one of which takes ten times as long.
    fn taught(count: u32) -> Predictor {
        let mut predictor = Predictor::default();
        for round in 0..count {
            let (agent, kind) = (round % 2, round / 2 % 2 + 1);
            let seconds = i64::from(10_u32.pow(kind) + round % 7);
            predictor.learn(kind, id(agent), Span::from_secs(seconds), (agent == 0).then_some(u64::from(kind) * 500));
        }
        predictor
    }

    /// Makes what was learned a version, as the core does.
    fn kept(predictor: &Predictor) -> (Predictor, ModelVersion) {
        let (version, state) = predictor.next_version().unwrap();
        let text = serde_json::to_string(&state).unwrap();
        (Predictor::restore(version.version, &serde_json::from_str(&text).unwrap()), version)
    }

    #[test]
    fn nothing_is_foretold_before_a_guess_was_better_than_none() {
        let predictor = taught(31);
        assert!(predictor.next_version().is_none() && !predictor.foretells());
        let predictor = taught(32);
        assert!(!predictor.foretells(), "not before it is a version");
        let (predictor, version) = kept(&predictor);
        assert!(predictor.foretells() && version.promoted && version.in_force.starts_with("types"), "{version:?}");
        let best = version.compared.iter().find(|one| one.in_force).unwrap();
        assert!(best.loss < version.compared[0].loss, "{version:?}");
        let forecast = predictor.forecast(2, Some(id(0))).unwrap();
        assert!(forecast.half > Span::from_secs(60) && forecast.half < Span::from_secs(200), "{forecast:?}");
        assert!(forecast.most >= forecast.half && predictor.longest() >= forecast.most);
        assert_eq!(predictor.forecast(3, Some(id(0))), None, "of a type that nobody has seen nothing is known");
        assert_eq!(predictor.most(2, None), predictor.forecast(2, Some(id(9))).map(|forecast| forecast.most));
    }

    #[test]
    fn what_no_outcome_was_about_is_not_measured() {
        let (mut predictor, version) = kept(&taught(32));
        let batch = |candidate: &str| version.compared.iter().find(|one| one.candidate == candidate).unwrap().batch;
        assert_eq!((batch("all"), batch("tokens: all")), (Some(32), Some(16)), "half of them said how many tokens");
        for _ in 0..64 {
            predictor.learn(1, id(0), Span::from_secs(10), None);
        }
        let (_, version) = kept(&predictor);
        assert!(version.in_force.contains("tokens: "), "what is in force is known: {version:?}");
        assert_eq!(version.compared.len(), 4, "{version:?}");
        assert!(version.compared.iter().all(|one| one.batch == Some(64) && one.is_measured()), "{version:?}");
    }

    #[test]
    fn where_nobody_can_tell_it_is_not_put_in_force() {
        // What is always a minute is foretold by who knows nothing, too, but for the ninth decile; here even that is right.
        let mut predictor = Predictor::default();
        for round in 0..32_u32 {
            let micros = if round % 10 == 9 { 599_000_000 } else { 60_000_000 };
            predictor.learn(1, id(0), Span::from_micros(micros), None);
        }
        let (predictor, version) = kept(&predictor);
        assert!(!predictor.foretells() && !version.promoted && version.in_force == "nothing", "{version:?}");
        assert_eq!(predictor.forecast(1, None), None);
    }

    #[test]
    fn what_no_longer_holds_is_withdrawn() {
        let (mut predictor, _) = kept(&taught(32));
        assert!(predictor.foretells());
        // Ever longer: no guess keeps up.
        for round in 0..64_i32 {
            let seconds = 200.0 * 1.6_f64.powi(round);
            #[allow(clippy::cast_possible_truncation)]
            predictor.learn(1, id(0), Span::from_micros((seconds.min(1e9) * 1e6) as i64), None);
        }
        let (predictor, version) = kept(&predictor);
        assert!(!predictor.foretells() && version.promoted, "{version:?}");
    }

    #[test]
    fn what_was_kept_goes_on_as_if_nothing_had_been() {
        for count in [32, 96, 300] {
            let taught = taught(count);
            let (mut predictor, _) = kept(&taught.reviewed().unwrap_or(taught));
            let mut again = Predictor::restore(predictor.version, &predictor.state());
            assert_eq!(predictor, again, "{count}");
            for predictor in [&mut predictor, &mut again] {
                predictor.learn(1, id(1), Span::from_secs(3), Some(7));
                predictor.forget(id(0));
            }
            assert_eq!(predictor, again);
            assert_eq!(predictor.describe(), again.describe());
        }
    }
}
