//! The classifier: how likely an execution is to succeed, and how likely its artifact is to be approved.
//!
//! Both are asked of the agent, the type of the task and the agent with that type; of an execution also what the factors of
//! selection say, which attempt it is and how urgent the task is, of an artifact also what it is. While nothing of this has
//! foretold better, the base rate is in force: how often it came true at all.

use super::chances::{Case, Chances, INPUTS, Plan, Question, Rate, Rates, Seldom, figures, logit};
use super::features::{self, ALWAYS, Feature};
use super::math::logistic;
use super::regression::Whose;
use crate::domain::AgentId;
use crate::domain::learning::{
    ChancesState, Lesson, ModelKind, ModelParameters, ModelVersion, NextVersion, Product, Prospect, USUAL,
};

/// So many of those that have done a type are looked at for a better one.
const LOOKED_AT_MAX: usize = 256;
/// Attempts beyond this many count like it.
const ATTEMPTS_MAX: u16 = 4;

/// The places of the questions.
const SUCCESS: usize = 0;
const APPROVAL: usize = 1;

const fn plan(prefix: &'static str) -> Plan {
    Plan {
        prefix,
        names: ["base rate", "agents", "agents+types", "agents+types+circumstances"],
        inputs: [0, 2, 4, INPUTS],
        weights: [0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0],
        variance: 0.25,
        rises: [false; INPUTS],
        moderated: true,
    }
}

const PLANS: &[Plan] = &[plan(""), plan("approval: ")];

/// How it is made.
pub(super) fn parameters() -> ModelParameters {
    let own = [("variance", PLANS[SUCCESS].variance)];
    ModelParameters {
        architecture:
            "Bayesian logistic regression over smoothed rates of agents, types and agents with types, what the \
                       factors say, attempt, priority and type of artifact, beside the base rate"
                .to_owned(),
        hyperparameters: figures().into_iter().chain(own).map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

/// An execution before it has ended.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::core) struct Try {
    pub(in crate::engine::core) agent: Option<AgentId>,
    /// The task's type.
    pub(in crate::engine::core) kind: Feature,
    /// What the factors say of the agent, 0-1.
    pub(in crate::engine::core) score: f64,
    /// From 1.
    pub(in crate::engine::core) attempt: u16,
    pub(in crate::engine::core) priority: u8,
}

impl Try {
    /// What a lesson was about.
    pub(in crate::engine::core) fn of(agent: AgentId, lesson: &Lesson) -> Self {
        Self {
            agent: Some(agent),
            kind: features::kind_among(&lesson.features),
            score: f64::from(lesson.score) / 1e3,
            attempt: lesson.attempt,
            priority: lesson.priority,
        }
    }

    /// What is particular to it, as inputs around 0.
    fn circumstances(&self) -> [f64; 3] {
        let attempt = f64::from(self.attempt.clamp(1, ATTEMPTS_MAX) - 1);
        [(self.score - 0.5) * 4.0, attempt, (f64::from(self.priority) - f64::from(USUAL)) / 2.5]
    }
}

/// The classifier.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine::core) struct Classifier(Chances);

impl Default for Classifier {
    fn default() -> Self {
        Self(Chances::new(ModelKind::Classifier, PLANS))
    }
}

/// What is expected of an agent with a type while nothing is known of the two: what anybody comes to with the type, or the
/// agent with any type, whichever is less. Who does well elsewhere need not here, and of who does badly no more is expected.
fn expected(rates: &Rates, agent: Whose, kind: Feature) -> f64 {
    let anybody = rates.of_anybody(ALWAYS, rates.base());
    if kind == ALWAYS {
        return anybody;
    }
    rates.of_anybody(kind, anybody).min(rates.of(ALWAYS, agent, anybody))
}

/// What is asked of an agent with a type; of any agent, or of no type, what is known of the other.
fn case(rates: &Rates, agent: Whose, kind: Feature, circumstances: [f64; 3]) -> Case {
    let plain = rates.base();
    let start = logit(plain);
    let of_agent = agent.map_or(0.0, |_| logit(rates.of(ALWAYS, agent, plain)) - start);
    let of_kind = if kind == ALWAYS { 0.0 } else { logit(rates.of(kind, None, plain)) - start };
    let both = start + of_agent + of_kind;
    let of_pair = match agent {
        Some(_) if kind != ALWAYS => logit(rates.of(kind, agent, logistic(both))) - both,
        _ => 0.0,
    };
    let seldom = agent.map(|_| Seldom::new(rates.get(kind, agent), expected(rates, agent, kind)));
    let [one, two, three] = circumstances;
    Case { plain, start, inputs: [1.0, of_agent, of_kind, of_pair, one, two, three], seldom }
}

/// The circumstances of an artifact: of what type it is.
fn of_artifact(rates: &Rates, artifact: Feature) -> [f64; 3] {
    let plain = rates.base();
    [logit(rates.of(artifact, None, plain)) - logit(plain), 0.0, 0.0]
}

impl Classifier {
    /// Learns how an execution ended whose end says something about its agent.
    pub(in crate::engine::core) fn tried(&mut self, agent: AgentId, lesson: &Lesson, succeeded: bool) {
        let one = Try::of(agent, lesson);
        let question = &mut self.0.questions[SUCCESS];
        question.learn(&case(&question.rates, one.agent, one.kind, one.circumstances()), succeeded);
        learn_rates(&mut question.rates, agent, one.kind, succeeded);
        self.0.learned();
    }

    /// Learns how a person judged an artifact.
    pub(in crate::engine::core) fn judged(&mut self, agent: AgentId, product: Product, approved: bool) {
        let artifact = features::artifact(product.artifact);
        let question = &mut self.0.questions[APPROVAL];
        let asked = case(&question.rates, Some(agent), product.kind, of_artifact(&question.rates, artifact));
        question.learn(&asked, approved);
        learn_rates(&mut question.rates, agent, product.kind, approved);
        question.rates.learn(artifact, None, approved);
        self.0.learned();
    }

    /// How likely an execution is to succeed; `None` while too little was seen to say.
    pub(in crate::engine::core) fn success(&self, one: &Try) -> Option<f64> {
        let question = &self.0.questions[SUCCESS];
        question.chance(|rates| case(rates, one.agent, one.kind, one.circumstances()))
    }

    /// The same with what it rests on, the agent and the type by name.
    pub(in crate::engine::core) fn prospect(&self, one: &Try, names: Names<'_>) -> Option<Prospect> {
        let question = &self.0.questions[SUCCESS];
        let chance = self.success(one)?;
        Some(Prospect {
            chance,
            bad: chance < 0.5 && question.in_force() > 0,
            seldom: is_seldom(&question.rates, one.agent, one.kind),
            evidence: evidence(question, "succeeded", (one.agent, one.kind), names),
        })
    }

    /// How likely an artifact is to be approved; `None` while too little was seen to say.
    pub(in crate::engine::core) fn approval(&self, agent: AgentId, product: Product) -> Option<f64> {
        let question = &self.0.questions[APPROVAL];
        let artifact = features::artifact(product.artifact);
        question.chance(|rates| case(rates, Some(agent), product.kind, of_artifact(rates, artifact)))
    }

    /// The same with what it rests on.
    pub(in crate::engine::core) fn approval_prospect(
        &self,
        agent: AgentId,
        product: Product,
        names: Names<'_>,
    ) -> Option<Prospect> {
        let question = &self.0.questions[APPROVAL];
        let chance = self.approval(agent, product)?;
        let mut evidence = evidence(question, "approved", (Some(agent), product.kind), names);
        let of_artifact = question.rates.get(features::artifact(product.artifact), None).phrase();
        if let (3, Some(rate)) = (question.in_force(), of_artifact) {
            evidence = format!("{evidence}; {rate} of artifacts of type {}", product.artifact);
        }
        let seldom = is_seldom(&question.rates, Some(agent), product.kind);
        Some(Prospect { chance, bad: chance < 0.5 && question.in_force() > 0, seldom, evidence })
    }

    /// Those that have done a type of task, with how likely each is to succeed with it, in the order of their ids.
    pub(in crate::engine::core) fn others(&self, one: &Try) -> Vec<(AgentId, f64)> {
        let question = &self.0.questions[SUCCESS];
        if question.in_force() == 0 || one.kind == ALWAYS {
            return vec![];
        }
        let known = question.rates.agents_of(one.kind).filter(|agent| Some(*agent) != one.agent).take(LOOKED_AT_MAX);
        known.filter_map(|agent| Some((agent, self.success(&Try { agent: Some(agent), ..*one })?))).collect()
    }

    /// The version that the last comparison makes; `None` where nothing was compared since the last.
    pub(in crate::engine::core) fn next_version(&self) -> Option<(ModelVersion, ChancesState)> {
        self.0.next_version()
    }

    /// Compares the candidates before it is time to, if there is anything to compare them by.
    pub(in crate::engine::core) fn reviewed(&self) -> Option<Self> {
        self.0.reviewed().map(Self)
    }

    /// What a version was.
    pub(in crate::engine::core) fn restore(version: u32, state: &ChancesState) -> Self {
        Self(Chances::restore(ModelKind::Classifier, PLANS, version, state))
    }

    /// Everything that it is, as text, to compare states by.
    pub(in crate::engine::core) fn describe(&self) -> String {
        self.0.describe()
    }

    /// The number of the last version.
    pub(in crate::engine::core) const fn version(&self) -> u32 {
        self.0.version()
    }

    /// How far the next version is.
    pub(in crate::engine::core) const fn next(&self) -> NextVersion {
        self.0.next()
    }

    /// Forgets an agent that is no more.
    pub(in crate::engine::core) fn forget(&mut self, agent: AgentId) {
        self.0.forget(agent);
    }
}

fn learn_rates(rates: &mut Rates, agent: AgentId, kind: Feature, truth: bool) {
    let of_kind = (kind != ALWAYS).then_some([(kind, None), (kind, Some(agent))]);
    for (of, whose) in [(ALWAYS, None), (ALWAYS, Some(agent))].into_iter().chain(of_kind.into_iter().flatten()) {
        rates.learn(of, whose, truth);
    }
}

/// Whether it is asked of an agent that was seldom seen with a type.
fn is_seldom(rates: &Rates, agent: Whose, kind: Feature) -> bool {
    agent.is_some() && rates.get(kind, agent).is_seldom()
}

/// What an agent and a type are called.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::core) struct Names<'n> {
    pub(in crate::engine::core) agent: &'n str,
    pub(in crate::engine::core) kind: &'n str,
}

/// What a chance rests on: the rates that the candidate in force looks at, each with how much was seen.
fn evidence(question: &Question, verb: &str, (agent, kind): (Whose, Feature), names: Names<'_>) -> String {
    let Names { agent: name, kind: kind_name } = names;
    let rates = &question.rates;
    let of_all = rates.get(ALWAYS, None).phrase().unwrap_or_default();
    let expected = expected(rates, agent, kind);
    let seldom = if is_seldom(rates, agent, kind) {
        let expected = (expected * 100.0).clamp(1.0, 99.0);
        if kind == ALWAYS {
            format!("; {name} was seldom seen, so it counts more that anybody comes to {expected:.0} %")
        } else {
            format!(
                "; {name} was seldom seen with it, so it counts more that it comes to {expected:.0} % with any type, or anybody \
                 with this one"
            )
        }
    } else {
        String::new()
    };
    if question.in_force() == 0 {
        return format!("{of_all} {verb}; neither agents nor types have foretold better than that{seldom}");
    }
    let said = |rate: Rate, of: String| match rate.phrase() {
        Some(rate) => format!("{rate} of {of} {verb}"),
        None => format!("nothing is known of {of}"),
    };
    let mut parts = vec![];
    let with_kinds = question.in_force() > 1 && kind != ALWAYS;
    if let (Some(_), true) = (agent, with_kinds) {
        parts.push(said(rates.get(kind, agent), format!("{name} with type {kind_name}")));
    }
    if agent.is_some() {
        parts.push(said(rates.get(ALWAYS, agent), format!("{name} with any type")));
    }
    if with_kinds {
        parts.push(said(rates.get(kind, None), format!("anybody with type {kind_name}")));
    }
    if parts.is_empty() {
        parts.push(format!("{of_all} {verb}"));
    }
    parts.join("; ") + &seldom
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ArtifactType;
    use uuid::Uuid;

    fn id(agent: u32) -> AgentId {
        AgentId(Uuid::from_u128(u128::from(agent) + 1))
    }

    fn lesson(kind: &str) -> Lesson {
        let features = features::kind(kind).into_iter().collect();
        Lesson { score: 500, features, weight: 1000, priority: USUAL, attempt: 1 }
    }

    /// Two agents, one of which cannot do one of two types.
    fn taught(count: u32) -> Classifier {
        let mut classifier = Classifier::default();
        for round in 0..count {
            let (agent, kind) = (round % 2, if round / 2 % 2 == 0 { "sql" } else { "web" });
            let truth = if agent == 0 && kind == "sql" { round % 20 == 0 } else { round % 10 != 1 };
            classifier.tried(id(agent), &lesson(kind), truth);
        }
        classifier
    }

    #[test]
    fn a_bad_match_is_told_from_a_good_one_and_says_why() {
        let classifier = taught(400);
        let one = |agent, kind| Try::of(id(agent), &lesson(kind));
        let names = Names { agent: "ann", kind: "sql" };
        let bad = classifier.prospect(&one(0, "sql"), names).unwrap();
        assert!(bad.bad && bad.chance < 0.25, "{bad:?}");
        assert!(bad.evidence.contains("of ann with type sql succeeded"), "{bad:?}");
        assert!(bad.sentence("succeeds").starts_with("succeeds in about "), "{bad:?}");
        let good = classifier.prospect(&one(1, "sql"), names).unwrap();
        assert!(!good.bad && good.chance > 0.7, "{good:?}");
        let others = classifier.others(&one(0, "sql"));
        assert!(others.len() == 1 && others[0].0 == id(1) && others[0].1 > 0.7, "{others:?}");
        // Of who is new with it what is known of the type counts.
        let new = classifier.success(&one(9, "sql")).unwrap();
        assert!(bad.chance < new && new < good.chance, "{new}");
        assert_eq!(taught(31).success(&one(0, "sql")), None, "too little was seen");
    }

    #[test]
    fn the_type_of_an_artifact_counts_where_it_says_something() {
        let mut classifier = Classifier::default();
        let product = |artifact| Product { kind: 7, artifact };
        for round in 0..600_u32 {
            let artifact = if round % 2 == 0 { ArtifactType::Code } else { ArtifactType::Report };
            classifier.judged(id(0), product(artifact), if round % 2 == 0 { round % 10 == 0 } else { round % 10 != 1 });
        }
        let chance = |artifact| classifier.approval(id(0), product(artifact)).unwrap();
        assert!(chance(ArtifactType::Code) < 0.4, "{}", chance(ArtifactType::Code));
        assert!(chance(ArtifactType::Report) > 0.65, "{}", chance(ArtifactType::Report));
        let said = classifier.approval_prospect(id(0), product(ArtifactType::Code), Names { agent: "ann", kind: "x" });
        let said = said.unwrap();
        assert!(said.bad && said.evidence.ends_with("of type code"), "{said:?}");
    }

    #[test]
    fn what_was_kept_goes_on_as_if_nothing_had_been() {
        for count in [31, 32, 100, 500] {
            let classifier = taught(count);
            let reviewed = classifier.reviewed().unwrap_or(classifier);
            let (version, state) = reviewed.next_version().unwrap();
            let text = serde_json::to_string(&state).unwrap();
            let mut one = Classifier::restore(version.version, &serde_json::from_str(&text).unwrap());
            let mut other = reviewed;
            assert_eq!(one.0.questions, other.0.questions, "{count}");
            for classifier in [&mut one, &mut other] {
                classifier.forget(id(1));
                classifier.tried(id(0), &lesson("web"), false);
            }
            assert_eq!(one.0.questions, other.0.questions, "{count}");
        }
    }
}
