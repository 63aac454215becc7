//! What an agent has done and what people think of it, as far as choices rest on it. All of it is kept in whole numbers by
//! day, so that it comes out the same however it was added up; what is long past counts less and then not at all.

use std::collections::BTreeMap;

use crate::domain::performance::Day;
use crate::domain::snapshot::{PastDay, PastOpinion, PastPair};
use crate::domain::{AgentId, ReviewState, UserId};

/// A million: what stands for 1.
pub(super) const ONE: u32 = 1_000_000;
/// How many days of the past count.
pub const DAYS: i64 = 84;
/// What a day counts by its age, in millionths, where half of it is left after 7 days.
static WEEK: Decay = decay(905_724);
/// The same where half of it is left after 28 days.
static FOUR_WEEKS: Decay = decay(975_549);

/// Weights by age in days.
type Decay = [u64; 85];

/// Weights of which `left` millionths are left from one day to the next.
const fn decay(left: u64) -> Decay {
    let mut weights = [1_000_000; 85];
    let mut age = 1;
    while age < weights.len() {
        weights[age] = weights[age - 1] * left / 1_000_000;
        age += 1;
    }
    weights
}

/// What ended on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) day: i64,
    pub(super) executions: u32,
    pub(super) successes: u32,
    pub(super) timed: u32,
    pub(super) micros: u64,
}

/// What one user thinks of an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Opinion {
    /// How many ratings they gave.
    pub(super) ratings: u32,
    /// The sum of their stars.
    pub(super) stars: u32,
    /// How many of its artifacts they approved.
    pub(super) approved: u32,
    /// How many they rejected.
    pub(super) rejected: u32,
}

impl Opinion {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn judged(&mut self, state: ReviewState) -> Option<&mut u32> {
        match state {
            ReviewState::Approved => Some(&mut self.approved),
            ReviewState::Rejected => Some(&mut self.rejected),
            ReviewState::Pending => None,
        }
    }

    /// The mean of their stars, in millionths between one star and five.
    fn mean(&self) -> Option<u32> {
        (self.ratings > 0)
            .then(|| share(u64::from(self.stars.saturating_sub(self.ratings)), u64::from(self.ratings) * 4))
    }

    /// What they think of it: ratings and judgements, and one more half way between good and bad.
    pub(super) fn preference(&self) -> u32 {
        let good = u64::from(self.stars.saturating_sub(self.ratings)) + u64::from(self.approved) * 4;
        let all = u64::from(self.ratings + self.approved + self.rejected) * 4;
        share(good + 2, all + 4)
    }
}

/// A share in millionths; of nothing, nothing.
pub(super) fn share(part: u64, whole: u64) -> u32 {
    u32::try_from(u128::from(part) * u128::from(ONE) / u128::from(whole.max(1))).unwrap_or(ONE).min(ONE)
}

/// How much of its tasks an agent succeeded with, after another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) executions: u32,
    pub(super) successes: u32,
}

/// Everything that is known of one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// By type of task, then by day.
    pub(super) kinds: BTreeMap<String, Vec<Tally>>,
    /// By the agent whose work it built on.
    pub(super) pairs: BTreeMap<AgentId, Pair>,
    /// By user.
    pub(super) opinions: BTreeMap<UserId, Opinion>,
}

impl History {
    /// An execution ended.
    pub(super) fn ended(&mut self, kind: &str, day: Day, success: bool, micros: Option<u64>, after: &[AgentId]) {
        let days = match self.kinds.get_mut(kind) {
            Some(days) => days,
            None => self.kinds.entry(kind.to_owned()).or_default(),
        };
        let day = day.number();
        if days.last().is_none_or(|last| last.day != day) {
            days.push(Tally { day, ..Tally::default() });
        }
        if let Some(tally) = days.last_mut() {
            tally.executions += 1;
            tally.successes += u32::from(success);
            tally.timed += u32::from(micros.is_some());
            tally.micros = tally.micros.saturating_add(micros.unwrap_or(0));
        }
        for agent in after {
            let pair = self.pairs.entry(*agent).or_default();
            pair.executions += 1;
            pair.successes += u32::from(success);
        }
    }

    /// A rating was given, changed or taken back.
    pub(super) fn rated(&mut self, user: UserId, was: Option<u8>, now: Option<u8>) {
        let opinion = self.opinions.entry(user).or_default();
        if let Some(stars) = was {
            opinion.ratings = opinion.ratings.saturating_sub(1);
            opinion.stars = opinion.stars.saturating_sub(u32::from(stars));
        }
        if let Some(stars) = now {
            opinion.ratings += 1;
            opinion.stars += u32::from(stars);
        }
        if opinion.is_none() {
            self.opinions.remove(&user);
        }
    }

    /// An artifact of it was judged, or a judgement taken back.
    pub(super) fn judged(&mut self, user: UserId, state: ReviewState, by: i32) {
        let opinion = self.opinions.entry(user).or_default();
        if let Some(count) = opinion.judged(state) {
            *count = count.saturating_add_signed(by);
        }
        if opinion.is_none() {
            self.opinions.remove(&user);
        }
    }

    /// Takes in what the store has.
    pub(super) fn remember_day(&mut self, past: &PastDay) {
        let days = self.kinds.entry(past.kind.clone()).or_default();
        days.push(Tally {
            day: past.day,
            executions: past.executions,
            successes: past.successes,
            timed: past.timed,
            micros: past.micros,
        });
    }

    /// As above.
    pub(super) fn remember_pair(&mut self, past: &PastPair) {
        self.pairs.insert(past.after, Pair { executions: past.executions, successes: past.successes });
    }

    /// As above.
    pub(super) fn remember_opinion(&mut self, past: &PastOpinion) {
        let PastOpinion { user_id, ratings, stars, approved, rejected, .. } = *past;
        let opinion = Opinion { ratings, stars, approved, rejected };
        if !opinion.is_none() {
            self.opinions.insert(user_id, opinion);
        }
    }

    /// Forgets what no longer counts on `today`.
    pub(super) fn forget(&mut self, today: Day) {
        let oldest = today.number() - DAYS;
        for days in self.kinds.values_mut() {
            days.retain(|tally| tally.day > oldest);
        }
        self.kinds.retain(|_, days| !days.is_empty());
    }

    /// How it has done of late, in millionths: executions, and beside them judgements and ratings where there are any. Four
    /// ratings count half of what they can at most, and no user's count as more than four: one grudge is no verdict.
    pub(super) fn recent(&self, today: Day) -> Option<u32> {
        let executions = weighted(self.kinds.values().flatten(), today, &WEEK).map(|(good, all)| {
            // Four more with three successes, so that one end alone does not make or break an agent.
            (share(good + 3 * u64::from(ONE), all + 4 * u64::from(ONE)), 20)
        });
        let judged = self.judgements();
        let judged = judged.filter(|(_, all)| *all > 0).map(|(good, all)| (share(good + 1, all + 2), 10));
        let said: u32 = self.opinions.values().map(|opinion| opinion.ratings.min(4)).sum();
        let rated = self.rating().map(|(mean, _)| (mean, (20 * said).div_ceil(said + 4)));
        let known: Vec<_> = executions.into_iter().chain(judged).chain(rated).collect();
        let weight: u32 = known.iter().map(|(_, weight)| weight).sum();
        (weight > 0).then(|| known.iter().map(|(value, weight)| value * weight).sum::<u32>() / weight)
    }

    /// How many artifacts were approved, and how many judged.
    pub(super) fn judgements(&self) -> Option<(u64, u64)> {
        let sum = |of: fn(&Opinion) -> u32| self.opinions.values().map(|opinion| u64::from(of(opinion))).sum::<u64>();
        let (approved, rejected) = (sum(|opinion| opinion.approved), sum(|opinion| opinion.rejected));
        (approved + rejected > 0).then_some((approved, approved + rejected))
    }

    /// The mean over users of the mean of each user's ratings, and how many users rated: nobody counts twice.
    pub(super) fn rating(&self) -> Option<(u32, u32)> {
        let means: Vec<_> = self.opinions.values().filter_map(Opinion::mean).collect();
        let users = u32::try_from(means.len()).unwrap_or(u32::MAX);
        (users > 0).then(|| (means.iter().sum::<u32>() / users, users))
    }

    /// How it has done with tasks of a type, in millionths, and how long they took it in the mean, in microseconds.
    pub(super) fn expertise(&self, kind: &str, today: Day) -> Option<(u32, Option<u64>)> {
        let days = self.kinds.get(kind)?;
        let (good, all) = weighted(days.iter(), today, &FOUR_WEEKS)?;
        let success = share(good + u64::from(ONE), all + 2 * u64::from(ONE));
        Some((success, mean(days)))
    }

    /// Executions and successes of the last `days` days, of a type or of all.
    pub(super) fn of_days(&self, kind: Option<&str>, today: Day, days: i64) -> (u32, u32) {
        let of_kind = self.kinds.iter().filter(|(name, _)| kind.is_none_or(|kind| *name == kind));
        let since = today.number() - days;
        let tallies = of_kind.flat_map(|(_, days)| days).filter(|tally| tally.day > since);
        tallies.fold((0, 0), |(all, good), tally| (all + tally.executions, good + tally.successes))
    }
}

/// The mean time of those that were timed, in microseconds.
pub(super) fn mean(days: &[Tally]) -> Option<u64> {
    let timed: u64 = days.iter().map(|tally| u64::from(tally.timed)).sum();
    days.iter().map(|tally| tally.micros).fold(0, u64::saturating_add).checked_div(timed)
}

/// Successes and executions, each day's weighed by its age: a million for one of today. `None` where there are none.
fn weighted<'t>(tallies: impl Iterator<Item = &'t Tally>, today: Day, decay: &Decay) -> Option<(u64, u64)> {
    let (mut good, mut all) = (0, 0);
    for tally in tallies {
        let age = usize::try_from((today.number() - tally.day).clamp(0, DAYS)).unwrap_or(0);
        let weight = decay.get(age).copied().unwrap_or(0);
        good += u64::from(tally.successes) * weight;
        all += u64::from(tally.executions) * weight;
    }
    (all > 0).then_some((good, all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn user(number: u128) -> UserId {
        UserId::new(Timestamp::from_micros(1), number)
    }

    #[test]
    fn half_of_the_weight_is_left_after_a_week_and_after_four() {
        let (today, then) = (Day::from_number(1000), Day::from_number(993));
        let mut history = History::default();
        history.ended("x", then, true, None, &[]);
        history.ended("x", today, false, None, &[]);
        let (good, all) = weighted(history.kinds["x"].iter(), today, &WEEK).unwrap();
        assert!((499_000..501_000).contains(&good) && all == good + 1_000_000, "{good} {all}");
        let (good, _) = weighted(history.kinds["x"].iter(), Day::from_number(1021), &FOUR_WEEKS).unwrap();
        assert!((499_000..501_000).contains(&good), "{good}");
    }

    #[test]
    fn one_user_does_not_outweigh_the_others() {
        let mut history = History::default();
        for _ in 0..1000 {
            history.rated(user(1), None, Some(1));
        }
        history.rated(user(2), None, Some(5));
        history.rated(user(3), None, Some(5));
        assert_eq!(history.rating(), Some((666_666, 3)));
        for _ in 0..1000 {
            history.rated(user(1), Some(1), None);
        }
        assert_eq!(history.rating(), Some((1_000_000, 2)), "ratings that are taken back leave nothing");
        assert!(!history.opinions.contains_key(&user(1)));
    }

    #[test]
    fn one_bad_rating_does_not_undo_what_many_executions_say() {
        let today = Day::from_number(1000);
        let mut history = History::default();
        for _ in 0..35 {
            history.ended("x", today, true, None, &[]);
        }
        let before = history.recent(today).unwrap();
        history.rated(user(1), None, Some(1));
        let one = history.recent(today).unwrap();
        assert!(one < before && one > before * 3 / 4, "{before} {one}");
        for _ in 0..50 {
            history.rated(user(1), None, Some(1));
        }
        let grudge = history.recent(today).unwrap();
        assert!(grudge < one && grudge > before * 3 / 5, "one user, however often: {before} {grudge}");
        for number in 2..20 {
            history.rated(user(number), None, Some(1));
        }
        let many = history.recent(today).unwrap();
        assert!(many < before * 11 / 20, "many users: {before} {many}");
    }

    #[test]
    fn nothing_is_known_of_an_agent_without_a_past() {
        let today = Day::from_number(1000);
        let mut history = History::default();
        assert_eq!((history.recent(today), history.expertise("x", today), history.rating()), (None, None, None));
        history.ended("x", Day::from_number(1000 - DAYS), true, Some(5), &[]);
        history.forget(today);
        assert_eq!(history, History::default(), "what is too old is as if it had not been");
    }
}
