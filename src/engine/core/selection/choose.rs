//! The scheduler's question: which of those that could start a task now suits it best.

use std::cmp::Reverse;

use super::matched::{Matched, Subject};
use super::ranking::{Place, Ranking};
use super::{NEUTRAL, NO_FIRST_CHANCE, ONE, Score, Selection, untried};
use crate::domain::AgentId;
use crate::domain::learning::{Lesson, USUAL};
use crate::domain::selection::{Better, Choice, Factor};
use crate::engine::core::Core;
use crate::engine::core::shape::Shape;
use crate::engine::core::sites::Site;
use crate::engine::core::slab::NONE;

/// By how much an agent has to score more than another to suit clearly better: about ten in a hundred successes more, near
/// one half.
pub(in crate::engine::core) const CLEARLY: Score = 100_000;
/// So many of the best agents are looked at for one that suits better than whoever is free.
const LOOKED_AT_MAX: usize = 32;

/// The scores for one subject.
pub(in crate::engine::core) struct View<'c> {
    pub(super) ranking: &'c Ranking,
    pub(in crate::engine::core) matched: &'c Matched,
}

impl View<'_> {
    /// What an agent scores, were it free.
    pub(super) fn score(&self, slot: u32) -> Score {
        self.matched.score(slot).unwrap_or_else(|| self.ranking.score(slot))
    }

    /// The agents, the best first, were they all free.
    pub(in crate::engine::core) fn best_first(&self) -> impl Iterator<Item = Place> {
        let mut matched = self.matched.places().peekable();
        let mut others = self.ranking.all().filter(|place| self.matched.score(place.3).is_none()).peekable();
        std::iter::from_fn(move || match (matched.peek(), others.peek()) {
            (Some(one), Some(other)) if one < other => matched.next().copied(),
            (Some(_), None) => matched.next().copied(),
            _ => others.next().copied(),
        })
    }
}

/// One agent's factors.
pub(in crate::engine::core) struct Judged {
    /// In millionths, in the order of the factors; `None` where nothing is known.
    pub(in crate::engine::core) values: [Option<Score>; 7],
    /// What each counts with.
    pub(super) counted: [Score; 7],
    /// What the factors come to.
    pub(in crate::engine::core) factors: Score,
    /// What was learned adds, or takes: of the agent with this type of task and of it with these words.
    pub(in crate::engine::core) learned: i64,
    /// Both together, for comparing.
    pub(super) score: Score,
}

impl Judged {
    /// The score as it is shown, 0-1; outside of that where much was learned.
    pub(in crate::engine::core) fn shown(&self) -> f64 {
        (f64::from(self.score) - f64::from(super::UNLEARNED)) / f64::from(ONE)
    }
}

impl Selection {
    /// Every factor of one agent, of whose slots `free` of `slots` are free.
    pub(in crate::engine::core) fn judge(
        &self,
        subject: &Subject,
        matched: &Matched,
        slot: u32,
        (free, slots): (u32, u32),
    ) -> Option<Judged> {
        let profile = self.profile(slot)?;
        let opinion = subject.user.and_then(|user| profile.history.opinions.get(&user));
        let values = [
            matched.keywords(profile),
            Self::alignment(profile, subject.topic.phase),
            profile.recent,
            self.expertise(profile, &subject.topic.kind),
            Some(super::history::share(u64::from(free), u64::from(slots))),
            Self::collaboration(profile, &subject.after),
            opinion.map(super::history::Opinion::preference),
        ];
        let unknown = [0, NEUTRAL, untried(subject.first_chance), NEUTRAL, 0, NEUTRAL, NEUTRAL];
        let counted: [Score; 7] = std::array::from_fn(|at| values[at].unwrap_or(unknown[at]));
        let parts = Factor::ALL.iter().zip(counted).map(|(factor, value)| self.part(*factor, value));
        let factors: Score = parts.sum();
        let kind = self.kind_feature(&subject.topic.kind);
        let learned = self.policy.of_agent(profile.id, kind, self.explore && subject.first_chance)
            + matched.learned(self, profile.id);
        Some(Judged { values, counted, factors, learned, score: Self::with_learned(factors, learned) })
    }

    /// What an outcome of an agent with a task teaches: what the factors say of it, were it free, and what the task is about.
    pub(in crate::engine::core) fn lesson(&self, subject: &Subject, slot: u32) -> Option<Lesson> {
        let matched = Matched::of_nobody(self, &subject.topic);
        let judged = self.judge(subject, &matched, slot, (1, 1))?;
        let score = u16::try_from((judged.factors + 500) / 1000).unwrap_or(1000);
        Some(Lesson { score, features: matched.features().to_vec(), weight: 1000, priority: USUAL, attempt: 1 })
    }

    /// What is lost to a score for every slot that is taken.
    pub(super) fn less_busy(&self, score: Score, (free, slots): (u32, u32)) -> Score {
        let available = super::history::share(u64::from(free), u64::from(slots));
        (score + self.part(Factor::Availability, available)).saturating_sub(self.part(Factor::Availability, ONE))
    }
}

impl Core {
    /// Whether the agent of a task of this shape is for selection to say. Whoever does a task that brings a command does
    /// the same.
    pub(in crate::engine::core) fn leaves_choice(&self, shape: &Shape) -> bool {
        let wish = &shape.wish;
        self.defaults.selection.enabled && !wish.brings_command && wish.agent.is_none() && self.agents.len() > 1
    }

    /// What a choice for a task is made for.
    pub(in crate::engine::core) fn subject(&self, task: u32) -> Subject {
        let state = &self.tasks[task];
        // An element of an array builds on what its array builds on.
        let deps = state.deps.as_ref().or_else(|| self.tasks.get(state.parent).and_then(|array| array.deps.as_ref()));
        Subject {
            topic: self.selection.topics.get(state.topic).clone(),
            user: Some(self.shape(task).wish.owner),
            after: deps.map(|deps| deps.after.clone()).unwrap_or_default(),
            first_chance: state.priority < NO_FIRST_CHANCE,
        }
    }

    /// Whose work a task builds on.
    pub(in crate::engine::core) fn builds_on(&self, task: u32) -> Vec<AgentId> {
        self.subject(task).after
    }

    /// Looks at the scores for a subject.
    pub(in crate::engine::core) fn with_scores<T>(&self, subject: &Subject, look: impl FnOnce(&View<'_>) -> T) -> T {
        let selection = &self.selection;
        let mut caches = selection.caches.borrow_mut();
        let super::Caches { rankings, matches } = &mut *caches;
        let idle_set = |slot: u32| {
            let agent = self.agents.get(slot)?;
            let idle = self.floaters.get(&agent.capability_set)?.contains(&(agent.id, slot));
            idle.then_some(agent.capability_set)
        };
        let ranking = rankings.get(selection, subject, &idle_set);
        let matched = matches.get(selection, subject, ranking);
        look(&View { ranking, matched })
    }

    /// An agent's free slots and all that it may use now.
    pub(super) fn slots_of(&self, slot: u32) -> (u32, u32) {
        (self.slots_left(slot), self.slots_at_once(slot))
    }

    /// Which of several agents suits a task best: by place in the list. [`NONE`] stands for whichever idle agent without a
    /// home does, and is answered with that one. Among equals the first in the list.
    pub(in crate::engine::core) fn choose(&self, task: u32, agents: &[u32]) -> Option<(usize, u32)> {
        self.with_scores(&self.subject(task), |view| {
            let mut best: Option<(Score, usize, u32)> = None;
            for (place, agent) in agents.iter().enumerate() {
                let (slot, score) = match *agent {
                    NONE => match best_idle(view, self.shape(task)) {
                        Some((Reverse(score), .., slot)) => (slot, score),
                        None => continue,
                    },
                    slot => (slot, self.selection.less_busy(view.score(slot), self.slots_of(slot))),
                };
                if best.is_none_or(|(most, ..)| score > most) {
                    best = Some((score, place, slot));
                }
            }
            best.map(|(_, place, slot)| (place, slot))
        })
    }

    /// How many idle agents without a home are able to do tasks of a shape.
    pub(in crate::engine::core) fn idle_able(&self, shape: &Shape) -> u32 {
        let able = self.floaters.iter().filter(|(set, _)| shape.is_covered_by(**set));
        u32::try_from(able.map(|(_, agents)| agents.len()).sum::<usize>()).unwrap_or(u32::MAX)
    }

    /// The agent that would suit a task best of those that have no slot free, with how much more it would score than
    /// `agent`, were both free; `None` where that is not clearly more.
    pub(in crate::engine::core) fn better_but_full(&self, task: u32, agent: u32) -> Option<(u32, Score)> {
        let shape = self.shape(task);
        let full = |slot: u32| self.slots_left(slot) == 0 && self.could_do(shape, slot);
        self.with_scores(&self.subject(task), |view| ahead_of(view, agent, full))
    }

    /// How much more than `agent` the best agent for a task would score, were both free; 0 where that is not clearly more.
    pub(in crate::engine::core) fn behind_the_best(&self, task: u32, agent: u32) -> Score {
        let shape = self.shape(task);
        let ahead =
            self.with_scores(&self.subject(task), |view| ahead_of(view, agent, |slot| self.could_do(shape, slot)));
        ahead.map_or(0, |(_, score)| score)
    }

    /// Whether an agent could do tasks of a shape, were it not for what it and its cage have to do already.
    fn could_do(&self, shape: &Shape, slot: u32) -> bool {
        let agent = &self.agents[slot];
        let site = agent.cage.or(agent.spec.cage).and_then(|cage| self.sites.place(cage));
        let here = |site: &Site| self.agent_at(shape, site, None) == Some(slot);
        self.takes_tasks(slot)
            && match site.and_then(|place| self.sites.list.get(place as usize)) {
                Some(site) => here(site),
                // One without a home that has nothing to do.
                None => agent.spec.cage.is_none() && shape.is_covered_by(agent.capability_set),
            }
    }

    /// Why an agent was chosen for a task among `among`, as it is kept; `None` where there was nobody else.
    pub(in crate::engine::core) fn choice(&self, task: u32, agent: u32, among: u32) -> Option<Choice> {
        let (subject, shape) = (self.subject(task), self.shape(task));
        let full = |slot: u32| self.slots_left(slot) == 0 && self.could_do(shape, slot);
        let (judged, better) = self.with_scores(&subject, |view| {
            let better = ahead_of(view, agent, full);
            let judged = || self.selection.judge(&subject, view.matched, agent, self.slots_of(agent));
            (among > 1 || better.is_some()).then(judged).flatten().map(|judged| (judged, better))
        })?;
        let thousandths = |value: Score| u16::try_from((value + 500) / 1000).unwrap_or(1000);
        Some(Choice {
            score: thousandths(judged.factors),
            factors: judged.values.map(|value| value.map(thousandths)),
            learned: i16::try_from(judged.learned / 1000).unwrap_or(0),
            among,
            better: better.map(|(slot, ahead)| Better {
                agent: self.agents[slot].spec.name.clone(),
                ahead: u16::try_from(ahead / 1000).unwrap_or(u16::MAX),
            }),
        })
    }
}

/// The first of the best agents for which something is true, if it scores clearly more than `agent`, with how much more.
fn ahead_of(view: &View<'_>, agent: u32, is_so: impl Fn(u32) -> bool) -> Option<(u32, Score)> {
    let own = view.score(agent);
    let clearly = |place: &&Place| place.0.0 >= own + CLEARLY;
    // Mostly nobody is, so nobody is looked up among those of the text before the score says that somebody may be.
    let mut of_text = view.matched.places().take_while(clearly).take(LOOKED_AT_MAX);
    let others = view.ranking.all().take_while(clearly).filter(|place| view.matched.score(place.3).is_none());
    let mut others = others.take(LOOKED_AT_MAX);
    let ahead = [of_text.find(|place| is_so(place.3)), others.find(|place| is_so(place.3))];
    ahead.into_iter().flatten().min().map(|(Reverse(score), .., slot)| (*slot, score - own))
}

/// The idle agent without a home that suits best among those that are able.
fn best_idle(view: &View<'_>, shape: &Shape) -> Option<Place> {
    let able = |slot: u32| view.ranking.idle_set(slot).is_some_and(|set| shape.is_covered_by(set));
    let matched = view.matched.places().find(|place| able(place.3)).copied();
    let sets = view.ranking.idle().filter(|(set, _)| shape.is_covered_by(*set));
    let others =
        sets.filter_map(|(_, places)| places.iter().find(|place| view.matched.score(place.3).is_none()).copied());
    matched.into_iter().chain(others).min()
}
