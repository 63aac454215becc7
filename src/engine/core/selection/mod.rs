//! Selection: which agent suits a task best. `docs/selection.md` defines the factors; here they are worked out.
//!
//! Scores are whole numbers, millionths of 1, added up in whole numbers, so that they come out the same on every machine
//! and whichever way they came about. What an agent scores for a type of task and a phase stands in a [`ranking`], kept up
//! by a list of the agents that changed; what its words, its predecessors and its user add to that for one text stands in a
//! [`matched`] list, made from an index of words. The scheduler takes the best of those that could start the task now
//! ([`choose`]), and [`recommend`] says why.
//!
//! Only what events decide is state: the profiles. The two caches follow from it and may be lost at any time.

mod choose;
mod history;
mod matched;
mod profile;
mod ranking;
mod recommend;
mod text;
mod time_pattern;
mod topic;
mod vocabulary;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

pub(super) use self::choose::CLEARLY;
use self::history::{History, ONE, mean};
use self::matched::Matches;
pub(super) use self::matched::Subject;
use self::profile::Profile;
use self::ranking::Rankings;
pub use self::recommend::RECOMMENDED_MAX;
pub(super) use self::text::Reader;
pub(super) use self::topic::{Topic, Topics};
use self::vocabulary::Vocabulary;
use crate::domain::learning::{Lesson, ModelState, ModelVersion, PolicyState, Taught};
use crate::domain::performance::Day;
use crate::domain::selection::{Phase, SelectionPolicy, Weights};
use crate::domain::snapshot::{Past, PastLesson};
use crate::domain::{AgentId, AgentSpec, ReviewState, UserId};
use crate::engine::core::learning::{self, Feature, Policy};

/// A score or a part of one, in millionths.
pub(super) type Score = u32;

/// What no learned part is: scores are kept above 0 whatever was learned.
const UNLEARNED: Score = 2 * learning::PART_MAX;

/// What counts where nothing is known of how an agent fits.
const NEUTRAL: Score = 500_000;
/// What counts as recent success of an agent that has not ended anything yet: it gets a fair first chance.
const FIRST_CHANCE: Score = ONE;
/// What counts instead with tasks of this priority and up, which are not for finding out: what executions are thought to come
/// to before there are any.
pub(super) const NO_FIRST_CHANCE: u8 = 8;
const UNTRIED: Score = 750_000;

/// So many changes are remembered; a cache that has slept through more is made anew.
const CHANGES_MAX: usize = 4096;

/// How long executions of a type took all agents, and how many agents have done any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kind {
    agents: u32,
    timed: u64,
    micros: u64,
}

/// What selection rests on.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) reader: Reader,
    pub(super) topics: Topics,
    /// In millionths, in the order of the factors.
    weights: [Score; 7],
    today: Day,
    /// By the slot of the agent.
    profiles: Vec<Option<Profile>>,
    vocabulary: Vocabulary,
    kinds: BTreeMap<String, Kind>,
    /// Whose work is built on by whom, by slot.
    followers: BTreeMap<AgentId, BTreeSet<u32>>,
    /// Slots by agent.
    slots: BTreeMap<AgentId, u32>,
    /// Of whom a user thinks something, by slot.
    known_to: BTreeMap<UserId, BTreeSet<u32>>,
    changes: Changes,
    caches: RefCell<Caches>,
    /// What was learned of who does what well.
    policy: Policy,
    /// Whether agents of which little is known are tried now and then.
    explore: bool,
    /// Whether agents are left out, because nobody will be chosen.
    asleep: bool,
}

/// What follows from the profiles and is kept because it is asked for again.
#[derive(Debug, Default)]
struct Caches {
    rankings: Rankings,
    matches: Matches,
}

/// Slots whose agents have changed, in order, as far as they are remembered.
#[derive(Debug, Default)]
struct Changes {
    /// How many came before the first of them.
    forgotten: u64,
    slots: Vec<u32>,
}

impl Changes {
    fn add(&mut self, slot: u32) {
        if self.slots.len() == CHANGES_MAX {
            self.forget();
        }
        self.slots.push(slot);
    }

    /// Makes every cache be made anew.
    fn forget(&mut self) {
        self.forgotten += self.slots.len() as u64 + 1;
        self.slots.clear();
    }

    /// How many there have been.
    fn count(&self) -> u64 {
        self.forgotten + self.slots.len() as u64
    }

    /// Those after the first `seen`; `None` when they are no longer all remembered.
    fn since(&self, seen: u64) -> Option<&[u32]> {
        let from = usize::try_from(seen.checked_sub(self.forgotten)?).ok()?;
        self.slots.get(from..)
    }
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            reader: Reader::default(),
            topics: Topics::default(),
            weights: Weights::default().millionths(),
            today: Day::from_number(0),
            profiles: vec![],
            vocabulary: Vocabulary::default(),
            kinds: BTreeMap::new(),
            followers: BTreeMap::new(),
            slots: BTreeMap::new(),
            known_to: BTreeMap::new(),
            changes: Changes::default(),
            caches: RefCell::default(),
            policy: Policy::default(),
            explore: true,
            asleep: false,
        }
    }
}

impl Selection {
    /// What is in force is another.
    pub(super) fn weigh(&mut self, rules: &SelectionPolicy) {
        self.weights = rules.weights.millionths();
        self.explore = rules.exploration;
        self.changes.forget();
    }

    /// For a state on which nothing is placed: agents are left out, for reading the words of thousands takes long, and so is
    /// what was learned, unless that is what it is about.
    pub(super) fn sleep(&mut self, policy: &Policy, learned: bool) {
        self.asleep = true;
        if learned {
            self.policy = policy.clone();
        }
    }

    /// An agent was declared, or declared otherwise. `size` is how many capabilities and tools it has.
    pub(super) fn declared(&mut self, slot: u32, id: AgentId, spec: &AgentSpec, size: usize) {
        if self.asleep {
            return;
        }
        let at = slot as usize;
        if self.profiles.len() <= at {
            self.profiles.resize_with(at + 1, || None);
        }
        self.slots.insert(id, slot);
        let mut profile = Profile::new(id, spec, size, &self.reader);
        if let Some(before) = self.profiles[at].take() {
            if before.terms != profile.terms {
                self.vocabulary.remove(slot, &before);
                self.vocabulary.add(slot, &profile);
            }
            profile.history = before.history;
            profile.recent = before.recent;
        } else {
            self.vocabulary.add(slot, &profile);
        }
        self.profiles[at] = Some(profile);
        self.changes.add(slot);
    }

    /// An agent was removed.
    pub(super) fn removed(&mut self, slot: u32) {
        self.unlink(slot);
        if let Some(profile) = self.profiles.get_mut(slot as usize).and_then(Option::take) {
            self.vocabulary.remove(slot, &profile);
            self.slots.remove(&profile.id);
        }
        // The others may be faster or slower beside those that are left.
        self.changes.forget();
    }

    /// An agent has become idle, or no longer is.
    pub(super) fn moved(&mut self, slot: u32) {
        self.changes.add(slot);
    }

    /// An execution ended whose end says something about its agent.
    pub(super) fn ended(
        &mut self,
        slot: u32,
        kind: &str,
        day: Day,
        success: bool,
        micros: Option<u64>,
        after: &[AgentId],
    ) {
        let before = self.octave(kind);
        self.change(slot, |history| history.ended(kind, day, success, micros, after));
        if self.octave(kind) != before {
            self.changes.forget();
        }
    }

    /// Learns how a task came out with an agent, 0-1000.
    pub(super) fn learn(&mut self, agent: AgentId, lesson: &Lesson, truth: u16) {
        let parts = |thousandths: u16| f64::from(thousandths) / 1000.0;
        let (score, weight) = (parts(lesson.score), parts(lesson.weight));
        if self.policy.learn(agent, score, &lesson.features, parts(truth), weight) {
            self.changes.forget();
        } else if let Some(slot) = self.slots.get(&agent) {
            self.changes.add(*slot);
        }
    }

    /// What learning from it would change.
    pub(super) fn changes_of(&self, agent: AgentId, lesson: &Lesson, truth: u16) -> Taught {
        let parts = |thousandths: u16| f64::from(thousandths) / 1000.0;
        self.policy.changes(agent, parts(lesson.score), &lesson.features, parts(truth), parts(lesson.weight))
    }

    /// What a rating changes is made, or taken back.
    fn learn_rating(&mut self, agent: AgentId, taught: &Taught, back: bool) {
        self.policy.rated(agent, taught, back);
        if let Some(slot) = self.slots.get(&agent) {
            self.changes.add(*slot);
        }
    }

    /// Forgets what was learned of an agent that is no more.
    pub(super) fn forget(&mut self, agent: AgentId) {
        self.policy.forget(agent);
    }

    /// What was learned.
    pub(super) const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// A model was made a version of, or somebody went back to one.
    pub(super) fn versioned(&mut self, version: &ModelVersion, state: &PolicyState) {
        self.policy = Policy::restore(version.version, state).gone_back(version.rolled_back_to.is_some());
        self.changes.forget();
    }

    /// What is learned of a type of task; nothing of one that nobody has done.
    fn kind_feature(&self, kind: &str) -> Option<Feature> {
        self.kinds.contains_key(kind).then(|| learning::features::kind(kind)).flatten()
    }

    /// A rating was given, changed or taken back.
    pub(super) fn rated(&mut self, slot: u32, user: UserId, was: Option<u8>, now: Option<u8>) {
        self.change(slot, |history| history.rated(user, was, now));
    }

    /// How often a user has rated an agent's work.
    pub(super) fn ratings_by(&self, slot: u32, user: UserId) -> u32 {
        let opinion = self.profile(slot).and_then(|profile| profile.history.opinions.get(&user));
        opinion.map_or(0, |opinion| opinion.ratings)
    }

    /// A judgement of an artifact was made (`by` 1) or taken back (-1).
    pub(super) fn judged(&mut self, slot: u32, user: UserId, state: ReviewState, by: i32) {
        self.change(slot, |history| history.judged(user, state, by));
    }

    /// Changes what is known of an agent, and what follows from that.
    fn change(&mut self, slot: u32, deed: impl FnOnce(&mut History)) {
        self.unlink(slot);
        if let Some(profile) = self.profiles.get_mut(slot as usize).and_then(Option::as_mut) {
            deed(&mut profile.history);
            profile.recent = profile.history.recent(self.today);
        }
        self.link(slot);
        self.changes.add(slot);
    }

    /// Takes what is known of an agent out of the sums and the indexes.
    fn unlink(&mut self, slot: u32) {
        let Some(profile) = self.profiles.get(slot as usize).and_then(Option::as_ref) else { return };
        for (name, days) in &profile.history.kinds {
            let Some(kind) = self.kinds.get_mut(name) else { continue };
            for tally in days {
                kind.timed -= u64::from(tally.timed);
                kind.micros = kind.micros.saturating_sub(tally.micros);
            }
            kind.agents -= 1;
            if kind.agents == 0 {
                self.kinds.remove(name);
            }
        }
        for agent in profile.history.pairs.keys() {
            take(&mut self.followers, agent, slot);
        }
        for user in profile.history.opinions.keys() {
            take(&mut self.known_to, user, slot);
        }
    }

    /// The reverse.
    fn link(&mut self, slot: u32) {
        let Some(profile) = self.profiles.get(slot as usize).and_then(Option::as_ref) else { return };
        for (name, days) in &profile.history.kinds {
            let kind = match self.kinds.get_mut(name) {
                Some(kind) => kind,
                None => self.kinds.entry(name.clone()).or_default(),
            };
            for tally in days {
                kind.timed += u64::from(tally.timed);
                kind.micros = kind.micros.saturating_add(tally.micros);
            }
            kind.agents += 1;
        }
        for agent in profile.history.pairs.keys() {
            self.followers.entry(*agent).or_default().insert(slot);
        }
        for user in profile.history.opinions.keys() {
            self.known_to.entry(*user).or_default().insert(slot);
        }
    }

    /// Time has passed; on a new day everything counts anew.
    pub(super) fn roll(&mut self, today: Day) {
        if today <= self.today {
            return;
        }
        self.today = today;
        for slot in 0..u32::try_from(self.profiles.len()).unwrap_or(u32::MAX) {
            self.unlink(slot);
            if let Some(profile) = &mut self.profiles[slot as usize] {
                profile.history.forget(today);
                profile.recent = profile.history.recent(today);
            }
            self.link(slot);
        }
        self.changes.forget();
    }

    /// Takes in what the store has of the past; agents that are no more are passed over.
    pub(super) fn remember(&mut self, today: Day, past: &Past, slot_of: impl Fn(AgentId) -> Option<u32>) {
        let mut touched = BTreeSet::new();
        let mut each = |agent: AgentId, deed: &dyn Fn(&mut History)| {
            let Some(slot) = slot_of(agent) else { return };
            if let Some(profile) = self.profiles.get_mut(slot as usize).and_then(Option::as_mut) {
                deed(&mut profile.history);
                touched.insert(slot);
            }
        };
        past.days.iter().for_each(|day| each(day.agent_id, &|history| history.remember_day(day)));
        past.pairs.iter().for_each(|pair| each(pair.agent_id, &|history| history.remember_pair(pair)));
        past.opinions.iter().for_each(|opinion| each(opinion.agent_id, &|history| history.remember_opinion(opinion)));
        for (version, state) in &past.models {
            if let ModelState::Policy(state) = state {
                self.policy = Policy::restore(version.version, state).gone_back(version.rolled_back_to.is_some());
            }
        }
        for lesson in &past.lessons {
            self.remember_lesson(lesson);
        }
        self.today = today;
        for slot in touched {
            if let Some(profile) = &mut self.profiles[slot as usize] {
                profile.history.forget(today);
                profile.recent = profile.history.recent(today);
            }
            self.link(slot);
        }
        self.changes.forget();
    }

    /// Something that taught the policy, or made it forget.
    pub(super) fn remember_lesson(&mut self, lesson: &PastLesson) {
        match lesson {
            PastLesson::Learned { agent_id, lesson, truth } => self.learn(*agent_id, lesson, *truth),
            PastLesson::Rated { agent_id, taught, given } => self.learn_rating(*agent_id, taught, !given),
            PastLesson::Removed(agent) => self.forget(*agent),
            // These are for the other models.
            PastLesson::Took { .. } | PastLesson::Tried { .. } | PastLesson::Judged { .. } | PastLesson::Stood(_) => {}
        }
    }

    /// What the store would have of the past.
    #[cfg(test)]
    pub(super) fn past(&self) -> Past {
        use crate::domain::snapshot::{PastDay, PastOpinion, PastPair};
        let mut past = Past::default();
        let policy = self.policy.latest();
        past.models.extend(policy.map(|(version, state)| (version, ModelState::Policy(state))));
        for Profile { id, history, .. } in self.profiles.iter().flatten() {
            let agent_id = *id;
            for (kind, tally) in
                history.kinds.iter().flat_map(|(kind, days)| days.iter().map(move |tally| (kind, tally)))
            {
                let history::Tally { day, executions, successes, timed, micros } = *tally;
                past.days.push(PastDay { agent_id, kind: kind.clone(), day, executions, successes, timed, micros });
            }
            for (after, pair) in &history.pairs {
                let (after, executions, successes) = (*after, pair.executions, pair.successes);
                past.pairs.push(PastPair { agent_id, after, executions, successes });
            }
            for (user_id, opinion) in &history.opinions {
                let history::Opinion { ratings, stars, approved, rejected } = *opinion;
                past.opinions.push(PastOpinion { agent_id, user_id: *user_id, ratings, stars, approved, rejected });
            }
        }
        past
    }

    /// Whether some agent is declared with a word.
    pub(super) fn knows(&self, stem: &str) -> bool {
        self.vocabulary.knows(stem)
    }

    /// What is known of an agent, as text, to compare states by.
    pub(super) fn describe(&self, slot: u32) -> String {
        self.profile(slot).map_or_else(String::new, |profile| format!("{:?} {:?}", profile.terms, profile.history))
    }

    fn profile(&self, slot: u32) -> Option<&Profile> {
        self.profiles.get(slot as usize).and_then(Option::as_ref)
    }

    /// A score with what was learned, which is kept above 0.
    fn with_learned(score: Score, learned: i64) -> Score {
        (score + UNLEARNED).saturating_add_signed(i32::try_from(learned).unwrap_or(0))
    }

    /// One factor's part of a score.
    fn part(&self, factor: crate::domain::selection::Factor, value: Score) -> Score {
        let weight = u64::from(self.weights[factor as usize]);
        u32::try_from(weight * u64::from(value) / u64::from(ONE)).unwrap_or(ONE)
    }

    /// How an agent fits a phase, in millionths; `None` when nothing is known of the one or the other.
    fn alignment(profile: &Profile, phase: Option<Phase>) -> Option<Score> {
        let (phase, mask) = (phase? as u32, u32::from(profile.phases));
        if mask == 0 {
            return None;
        }
        let has = |phase: u32| mask >> phase & 1 == 1;
        // Whoever works in every phase is as good in one as anybody, and a little less than whoever works in that alone.
        if has(phase) {
            return Some(ONE - 100_000 * (mask.count_ones() - 1));
        }
        Some(if has(phase + 1) || (phase > 0 && has(phase - 1)) { 300_000 } else { 0 })
    }

    /// How an agent does with a type of task, in millionths: four parts success, one part speed.
    fn expertise(&self, profile: &Profile, kind: &str) -> Option<Score> {
        let (success, own) = profile.history.expertise(kind, self.today)?;
        Some((success * 4 + self.speed(kind, own)) / 5)
    }

    /// How fast an agent is beside all that have done a type of task: half way for as fast, and a quarter more or less
    /// for each doubling. Powers of two, so that a mean that creeps changes nobody's score.
    fn speed(&self, kind: &str, own: Option<u64>) -> Score {
        let (Some(own), Some(all)) = (own, self.octave(kind)) else { return NEUTRAL };
        let octaves = i64::from(own.max(1).ilog2()) - i64::from(all);
        u32::try_from((i64::from(NEUTRAL) - 250_000 * octaves).clamp(0, i64::from(ONE))).unwrap_or(NEUTRAL)
    }

    /// The whole doublings of a microsecond in the mean time of all agents with a type of task.
    fn octave(&self, kind: &str) -> Option<u32> {
        let kind = self.kinds.get(kind)?;
        kind.micros.checked_div(kind.timed).map(|mean| mean.max(1).ilog2())
    }

    /// How an agent has done after others, in millionths.
    fn collaboration(profile: &Profile, after: &[AgentId]) -> Option<Score> {
        let known = after.iter().filter_map(|agent| profile.history.pairs.get(agent));
        let shares: Vec<_> =
            known.map(|pair| history::share(u64::from(pair.successes) + 1, u64::from(pair.executions) + 2)).collect();
        shares.iter().sum::<u32>().checked_div(u32::try_from(shares.len()).unwrap_or(1))
    }

    /// The mean time of a type's executions, for people.
    fn mean_micros(profile: &Profile, kind: &str) -> Option<u64> {
        profile.history.kinds.get(kind).and_then(|days| mean(days))
    }
}

/// What counts as recent success of an agent that has not ended anything yet.
const fn untried(first_chance: bool) -> Score {
    if first_chance { FIRST_CHANCE } else { UNTRIED }
}

/// Takes a slot out of an index, and the entry with it when it was the last.
fn take<K: Ord>(index: &mut BTreeMap<K, BTreeSet<u32>>, key: &K, slot: u32) {
    if let Some(slots) = index.get_mut(key) {
        slots.remove(&slot);
        if slots.is_empty() {
            index.remove(key);
        }
    }
}
