//! Recommendations: the agents that suit best, factor by factor, what each value rests on, and what would have to change
//! for another to come first. What is unknown is said to be unknown.

use std::cmp::Reverse;
use std::sync::Arc;

use super::choose::{Judged, View};
use super::history::{Opinion, share};
use super::matched::Subject;
use super::profile::Profile;
use super::topic::Topic;
use super::{NO_FIRST_CHANCE, ONE, Score, Selection};
use crate::domain::selection::{Factor, FactorScore, Learned, Phase, Recommendation, Recommendations, TaskContext};
use crate::domain::{AgentId, Span, TaskId, UserId};
use crate::engine::core::Core;
use crate::engine::core::learning::{Names, Try, features};
use crate::engine::core::shape::{Shape, Wish};

/// The most agents that are recommended.
pub const RECOMMENDED_MAX: usize = 200;
/// Of which executions evidence speaks first.
const RECENT_DAYS: i64 = 30;
/// So many words are named.
const WORDS_SHOWN: usize = 6;
/// So many successes in a row are thought of.
const SUCCESSES_MAX: u32 = 100;

/// Of so many it is said what would have to change for them to come first: that takes some working out.
const EXPLAINED_MAX: usize = 10;

/// What is asked about, beside its subject.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// Which attempt it would be, from 1.
    attempt: u16,
    priority: u8,
}

/// An agent with what it scores.
struct Found {
    slot: u32,
    judged: Judged,
}

impl Core {
    /// The agents that suit a text best. `user` is who would submit it, with a priority of 1-10.
    pub fn recommend(
        &self,
        text: &str,
        kind: &str,
        user: Option<UserId>,
        priority: u8,
        limit: usize,
    ) -> Recommendations {
        let context = self.selection.reader.context(text, |stem| self.selection.knows(stem));
        let topic = Topic::new(kind, &context, &self.selection.reader);
        let subject = Subject { topic: Arc::new(topic), user, after: vec![], first_chance: priority < NO_FIRST_CHANCE };
        let asked = Some(Asked { attempt: 1, priority });
        // A text has no command of its own, so whoever has none could do nothing about it.
        let able = |agent: u32| self.capability_sets.has_command(self.agents[agent].capability_set);
        self.recommend_for(&subject, context, asked, limit, able)
    }

    /// The user that an account is, if it has acted before.
    pub fn user_known(&self, uid: u32, name: &str) -> Option<UserId> {
        self.users.values().find(|user| user.uid == Some(uid) && user.name == name).map(|user| user.id)
    }

    /// The agents able to do a task that suit it best; `None` when it is not in memory, because it has ended or never was.
    pub fn recommend_for_task(&self, task: TaskId, limit: usize) -> Option<Recommendations> {
        let slot = self.task_ids.get(task).or_else(|| self.array_of(task))?;
        let subject = self.subject(slot);
        let context = subject.topic.context();
        let shape = self.unbound_shape(slot);
        let able = |agent: u32| shape.is_covered_by(self.agents[agent].capability_set);
        let task = &self.tasks[slot];
        // Whoever does a task that brings its own command does the same.
        let own = !shape.wish.brings_command;
        let asked = own.then_some(Asked { attempt: task.attempts + 1, priority: task.priority });
        Some(self.recommend_for(&subject, context, asked, limit, able))
    }

    /// What agents score for a task in memory, 0-1, by id; those that are able.
    pub fn scores_for_task(&self, task: TaskId) -> Vec<(AgentId, Recommendation)> {
        let found = self.recommend_for_task(task, RECOMMENDED_MAX).into_iter().flat_map(|found| found.items);
        found.map(|item| (item.agent_id, item)).collect()
    }

    /// The shape of a task as if it named neither agent nor cage.
    pub(in crate::engine::core) fn unbound_shape(&self, slot: u32) -> Shape {
        let wish = Wish { agent: None, cage: None, ..self.shape(slot).wish.clone() };
        Shape::new(wish, 0, &self.defaults.requirements, &self.capability_sets)
    }

    fn recommend_for(
        &self,
        subject: &Subject,
        context: TaskContext,
        asked: Option<Asked>,
        limit: usize,
        able: impl Fn(u32) -> bool,
    ) -> Recommendations {
        let limit = limit.clamp(1, RECOMMENDED_MAX);
        let items = self.with_scores(subject, |view| {
            let found = self.best(subject, view, limit, able);
            let first = found.first();
            let item = |(place, one): (usize, &Found)| {
                self.recommendation(subject, view, one, first.filter(|_| place < EXPLAINED_MAX), asked)
            };
            found.iter().enumerate().filter_map(item).collect()
        });
        Recommendations { context, agents: self.agents.len() as u64, enabled: self.defaults.selection.enabled, items }
    }

    /// The best, in order. The view counts everybody as free, so it is gone down until nobody further down can be better.
    fn best(&self, subject: &Subject, view: &View<'_>, limit: usize, able: impl Fn(u32) -> bool) -> Vec<Found> {
        let mut best: Vec<(Reverse<Score>, AgentId, u32)> = vec![];
        for (Reverse(bound), _, id, slot) in view.best_first() {
            if best.get(limit - 1).is_some_and(|last| last.0.0 >= bound) {
                break;
            }
            if able(slot) {
                let score = self.selection.less_busy(bound, self.slots_of(slot));
                let place = (Reverse(score), id, slot);
                let at = best.partition_point(|other| *other < place);
                best.insert(at, place);
                best.truncate(limit);
            }
        }
        let judge = |(_, _, slot)| {
            let judged = self.selection.judge(subject, view.matched, slot, self.slots_of(slot))?;
            Some(Found { slot, judged })
        };
        best.into_iter().filter_map(judge).collect()
    }

    fn recommendation(
        &self,
        subject: &Subject,
        view: &View<'_>,
        one: &Found,
        first: Option<&Found>,
        asked: Option<Asked>,
    ) -> Option<Recommendation> {
        let profile = self.selection.profile(one.slot)?;
        let agent = &self.agents[one.slot];
        let factors = Factor::ALL.iter().map(|factor| {
            let at = *factor as usize;
            FactorScore {
                factor: *factor,
                weight: unit(self.selection.weights[at]),
                value: one.judged.values[at].map(unit),
                counted: unit(one.judged.counted[at]),
                evidence: self.evidence(*factor, subject, view, one, profile),
            }
        });
        let ahead = first.filter(|first| first.slot != one.slot);
        Some(Recommendation {
            agent_id: agent.id,
            name: agent.spec.name.clone(),
            score: one.judged.shown(),
            learned: self.learned(subject, view, (one, profile), asked),
            factors: factors.collect(),
            to_win: ahead.map(|first| self.to_win(subject, view, one, first, profile)),
        })
    }

    /// What a factor's value rests on, in words.
    fn evidence(&self, factor: Factor, subject: &Subject, view: &View<'_>, one: &Found, profile: &Profile) -> String {
        let (history, today) = (&profile.history, self.selection.today);
        match factor {
            Factor::KeywordMatch => words(view, profile),
            Factor::PhaseAlignment => match (subject.topic.phase, profile.phases) {
                (None, _) => "unknown: nothing says which phase the task belongs to".to_owned(),
                (Some(phase), 0) => format!("unknown: {phase}, and nothing says in which phases the agent works"),
                (Some(phase), mask) => format!("{phase}; the agent works in {}", phases(mask)),
            },
            Factor::RecentSuccess => {
                let (all, good) = history.of_days(None, today, RECENT_DAYS);
                let (older, older_good) = history.of_days(None, today, super::history::DAYS);
                let executions = match (all, older) {
                    (0, 0) => None,
                    (0, _) => Some(of_executions(older_good, older, super::history::DAYS)),
                    _ => Some(of_executions(good, all, RECENT_DAYS)),
                };
                let judged =
                    history.judgements().map(|(good, all)| format!("{good} of {all} judged artifacts approved"));
                let rated = history
                    .rating()
                    .map(|(mean, users)| format!("rated {} by {}", stars(mean), plural(u64::from(users), "user")));
                let said: Vec<_> = executions.into_iter().chain(judged).chain(rated).collect();
                let days = super::history::DAYS;
                match (said.as_slice(), subject.first_chance) {
                    ([], true) => format!("unknown: it has ended nothing in {days} days, and gets a first chance"),
                    ([], false) => format!(
                        "unknown: it has ended nothing in {days} days, and tasks of priority {NO_FIRST_CHANCE} and up \
                         are no first chance"
                    ),
                    _ => said.join("; "),
                }
            }
            Factor::DomainExpertise => {
                let kind = &*subject.topic.kind;
                match history.of_days(Some(kind), today, super::history::DAYS) {
                    (0, _) if kind.is_empty() => "unknown: no type of task was named".to_owned(),
                    (0, _) => format!("unknown: it has ended no task of type {kind} yet"),
                    (all, good) => {
                        let mean = Selection::mean_micros(profile, kind).and_then(|micros| i64::try_from(micros).ok());
                        let mean = mean.map(|micros| format!(", {} in the mean", Span::from_micros(micros).human()));
                        let said = of_executions(good, all, super::history::DAYS);
                        format!("type {kind}: {said}{}", mean.unwrap_or_default())
                    }
                }
            }
            Factor::Availability => self.availability(one.slot),
            Factor::Collaboration => self.company(subject, profile),
            Factor::UserPreference => match subject.user.and_then(|user| history.opinions.get(&user)) {
                None => "unknown: who submits it has neither rated nor judged the agent's work".to_owned(),
                Some(Opinion { ratings, stars: sum, approved, rejected }) => {
                    let mean = f64::from(*sum) / f64::from((*ratings).max(1));
                    let rated = (*ratings > 0)
                        .then(|| format!("{} of {mean:.1} stars in the mean", plural(u64::from(*ratings), "rating")));
                    let judged = (approved + rejected > 0).then(|| format!("{approved} approved, {rejected} rejected"));
                    rated.into_iter().chain(judged).collect::<Vec<_>>().join("; ")
                }
            },
        }
    }

    /// What was learned of an agent with such tasks.
    fn learned(
        &self,
        subject: &Subject,
        view: &View<'_>,
        (one, profile): (&Found, &Profile),
        asked: Option<Asked>,
    ) -> Learned {
        let agent = &self.agents[one.slot];
        let free = self.selection.judge(subject, view.matched, one.slot, (1, 1));
        let outlook = asked.zip(free).and_then(|(Asked { attempt, priority }, free)| {
            let kind = features::kind(&subject.topic.kind).unwrap_or(0);
            let score = f64::from(free.factors) / f64::from(ONE);
            let one = Try { agent: Some(agent.id), kind, score, attempt, priority };
            self.classifier.prospect(&one, Names { agent: &agent.spec.name, kind: &subject.topic.kind })
        });
        let evidence = self.selection.policy.evidence(agent.id);
        let ratings: u32 = profile.history.opinions.values().map(|opinion| opinion.ratings).sum();
        let evidence = match ratings {
            0 => evidence,
            _ => format!("{evidence} and {} of its work", plural(u64::from(ratings), "rating")),
        };
        let kind = self.selection.kind_feature(&subject.topic.kind);
        let explores = self.selection.explore && subject.first_chance;
        let held_back =
            if explores { self.selection.policy.held_back(agent.id, kind, view.matched.features()) } else { 0 };
        // Who is known well loses by that, and is none the worse for it.
        let exploration = held_back as f64 / 1e6;
        let evidence = if exploration <= -0.005 {
            format!(
                "{evidence}; {exploration:.3} of it because it is known well, so that others are tried (exploration)"
            )
        } else {
            evidence
        };
        let deviation = self.selection.policy.deviation(agent.id, kind, view.matched.features());
        Learned { value: one.judged.learned as f64 / 1e6, exploration, deviation, evidence, outlook }
    }

    fn availability(&self, slot: u32) -> String {
        let agent = &self.agents[slot];
        if agent.drained {
            return "drained: it takes no tasks".to_owned();
        }
        if let Some(until) = agent.breaker_until {
            return format!("paused until {until} after {} failures in a row", agent.failures);
        }
        let (free, slots) = self.slots_of(slot);
        format!("{free} of {slots} slots free")
    }

    fn company(&self, subject: &Subject, profile: &Profile) -> String {
        if subject.after.is_empty() {
            return "unknown: it builds on no other agent's work".to_owned();
        }
        let said = subject.after.iter().filter_map(|id| {
            let pair = profile.history.pairs.get(id)?;
            let name = self.agent_spec(*id).map_or_else(|| id.to_string(), |spec| spec.name.clone());
            Some(format!("{} of {} after {name}", pair.successes, pair.executions))
        });
        let said: Vec<_> = said.collect();
        if said.is_empty() { "unknown: it has not followed those agents yet".to_owned() } else { said.join("; ") }
    }

    /// What would have to change for an agent to come first, everything else being as it is.
    fn to_win(&self, subject: &Subject, view: &View<'_>, one: &Found, first: &Found, profile: &Profile) -> String {
        // Among equals the older comes first, so a younger one has to be better.
        let younger = self.agents[one.slot].id > self.agents[first.slot].id;
        let behind = first.judged.score.saturating_sub(one.judged.score);
        let gap = behind + u32::from(younger);
        let gain = |factor: Factor, value: Score| {
            let counted = one.judged.counted[factor as usize];
            self.selection.part(factor, value).saturating_sub(self.selection.part(factor, counted))
        };
        let mut ways = vec![];
        if gain(Factor::KeywordMatch, ONE) >= gap {
            let lacking = view.matched.terms.iter().filter(|(stem, _)| !profile.terms.contains_key(stem));
            let mut lacking: Vec<_> = lacking.map(|(stem, rarity)| (Reverse(*rarity), stem.as_str())).collect();
            lacking.sort_unstable();
            let named: Vec<_> = lacking.into_iter().take(WORDS_SHOWN).map(|(_, stem)| stem).collect();
            if !named.is_empty() {
                ways.push(format!("keywords such as {}", named.join(", ")));
            }
        }
        if gain(Factor::Availability, ONE) >= gap {
            ways.push("all of its slots free".to_owned());
        }
        let kind = &*subject.topic.kind;
        let with_successes = |count: u32| {
            let mut better = profile.history.clone();
            (0..count).for_each(|_| better.ended(kind, self.selection.today, true, None, &[]));
            let recent = better.recent(self.selection.today).unwrap_or(ONE);
            let success = better.expertise(kind, self.selection.today).map_or(0, |(success, _)| success);
            let expertise = (success * 4 + self.selection.speed(kind, Selection::mean_micros(profile, kind))) / 5;
            gain(Factor::RecentSuccess, recent) + gain(Factor::DomainExpertise, expertise)
        };
        let steps = [1, 2, 3, 5, 10, 20, 50, SUCCESSES_MAX];
        if let Some(count) = steps.into_iter().find(|count| with_successes(*count) >= gap) {
            let of_kind = if kind.is_empty() { String::new() } else { format!(" with tasks of type {kind}") };
            let successes = if count == 1 { "success" } else { "successes" };
            ways.push(format!("about {count} more {successes}{of_kind}"));
        }
        if gain(Factor::UserPreference, ONE) >= gap {
            ways.push("better ratings by whoever submits it".to_owned());
        }
        let behind = unit(behind);
        if ways.is_empty() {
            let lost = |factor: &Factor| {
                let of = |found: &Found| self.selection.part(*factor, found.judged.counted[*factor as usize]);
                i64::from(of(first)) - i64::from(of(one))
            };
            let worst = Factor::ALL.iter().max_by_key(|factor| (lost(factor), Reverse(**factor as usize)));
            let learned = first.judged.learned - one.judged.learned;
            let worst = match worst {
                Some(factor) if lost(factor) >= learned => factor.as_str(),
                _ => "what was learned",
            };
            return format!("{behind:.3} behind: no single change is enough; most is lost by {worst}");
        }
        format!("{behind:.3} behind: {}", ways.join(", or "))
    }
}

fn unit(value: Score) -> f64 {
    f64::from(value) / f64::from(ONE)
}

/// Which of the task's words an agent has.
fn words(view: &View<'_>, profile: &Profile) -> String {
    let terms = &view.matched.terms;
    if terms.is_empty() {
        return "unknown: no agent is declared with any of the task's words".to_owned();
    }
    let (has, lacks): (Vec<_>, Vec<_>) =
        terms.iter().map(|(stem, _)| stem.as_str()).partition(|stem| profile.terms.contains_key(*stem));
    let list = |words: &[&str]| match words.get(..WORDS_SHOWN) {
        Some(shown) if words.len() > WORDS_SHOWN => {
            format!("{} and {} more", shown.join(", "), words.len() - WORDS_SHOWN)
        }
        _ => words.join(", "),
    };
    match (has.as_slice(), lacks.as_slice()) {
        ([], _) => format!("has none of {} words that agents are declared with", terms.len()),
        (has, []) => format!("has {}", list(has)),
        (has, lacks) => format!("has {}; lacks {}", list(has), list(lacks)),
    }
}

fn phases(mask: u8) -> String {
    let named: Vec<_> =
        Phase::ALL.iter().filter(|phase| mask >> **phase as u8 & 1 == 1).map(|phase| phase.as_str()).collect();
    named.join(", ")
}

/// `94 % of 50 executions in 30 days`.
fn of_executions(good: u32, all: u32, days: i64) -> String {
    // Rounded, but all and none are only said where it is so.
    let rounded = (share(u64::from(good), u64::from(all)) + 5_000) / 10_000;
    let percent = rounded.clamp(u32::from(good > 0), if good < all { 99 } else { 100 });
    format!("{percent} % of {} in {days} days", plural(u64::from(all), "execution"))
}

/// `1 user`, `2 users`.
fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Millionths between one star and five, as stars.
fn stars(mean: Score) -> String {
    format!("{:.1}", 1.0 + unit(mean) * 4.0)
}
