//! Running figures of the last hour: what ended in each minute, how long tasks waited, how long executions take. They are
//! shown and never decided on, and are counted as records become durable, so that nobody has to go through a million rows
//! for them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::core::risk::Means;
use crate::domain::agent::AgentCounters;
use crate::domain::{Agent, AgentId, Event, OutcomeKind, Record, Span, Timestamp};

/// How many minutes are kept.
pub const MINUTES: usize = 60;
/// The same, to count with.
const MINUTES_KEPT: i64 = 60;
/// How many waits are kept, and for how long: enough for a median of what happens now.
const WAITS: usize = 1000;
const WAITS_FOR: Span = Span::from_secs(300);

/// What ended in one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MinuteFigures {
    /// Executions that completed.
    pub completed: u64,
    /// Executions that failed; those that were cancelled or made room did not.
    pub failed: u64,
    /// Tokens that they reported; `None` when none did.
    pub tokens: Option<u64>,
    /// Their cost in US dollars; `None` when none reported any.
    pub cost: Option<f64>,
}

/// The figures, shared by whoever counts and whoever shows.
#[derive(Clone, Debug, Default)]
pub struct Figures(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    /// By the minute's number modulo their count.
    minutes: [MinuteFigures; MINUTES],
    /// The number, since the epoch, of the latest minute that anything was counted in.
    latest: i64,
    /// When tasks started and how long they had waited.
    waits: VecDeque<(Timestamp, Span)>,
    /// How many executions of an agent ended and how long they took together, in microseconds.
    durations: HashMap<AgentId, (u64, u64)>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            minutes: [MinuteFigures::default(); MINUTES],
            latest: 0,
            waits: VecDeque::new(),
            durations: HashMap::new(),
        }
    }
}

fn minute_of(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(60_000_000)
}

fn place_of(minute: i64) -> usize {
    usize::try_from(minute.rem_euclid(MINUTES_KEPT)).unwrap_or(0)
}

impl Figures {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what the store knows of how long agents' executions take.
    pub fn know_agents(&self, agents: &[Agent]) {
        let mut inner = self.lock();
        for agent in agents {
            let AgentCounters { total_executions, avg_execution_time_ms, .. } = agent.counters;
            let total_us = avg_execution_time_ms.unwrap_or(0).saturating_mul(1000).saturating_mul(total_executions);
            if total_us > 0 {
                inner.durations.insert(agent.id, (total_executions, total_us));
            }
        }
    }

    /// Counts what has become durable.
    pub fn count(&self, records: &[Record]) {
        let mut inner = self.lock();
        for record in records {
            inner.count(record, true);
        }
    }

    /// Counts what was durable before the engine started; the agents' durations hold it already.
    pub fn count_past(&self, records: &[Record]) {
        let mut inner = self.lock();
        for record in records {
            inner.count(record, false);
        }
    }

    /// The minutes up to that of `now`, oldest first.
    pub fn minutes(&self, now: Timestamp) -> Vec<MinuteFigures> {
        let inner = self.lock();
        let last = minute_of(now);
        let known = |minute: i64| minute <= inner.latest && minute > inner.latest - MINUTES_KEPT;
        let minutes = (last - (MINUTES_KEPT - 1)..=last)
            .map(|minute| if known(minute) { inner.minutes[place_of(minute)] } else { MinuteFigures::default() });
        minutes.collect()
    }

    /// The median wait, from submission to start, of the tasks that started within the last five minutes (the latest
    /// thousand of them).
    pub fn median_wait(&self, now: Timestamp) -> Option<Span> {
        let inner = self.lock();
        let recent = inner.waits.iter().filter(|(at, _)| now.since(*at) <= WAITS_FOR);
        let mut waits: Vec<Span> = recent.map(|(_, wait)| *wait).collect();
        let middle = waits.len() / 2;
        (!waits.is_empty()).then(|| *waits.select_nth_unstable(middle).1)
    }
}

impl Means for Figures {
    fn of(&self, agent: AgentId) -> Option<Span> {
        let (count, total_us) = self.lock().durations.get(&agent).copied()?;
        i64::try_from(total_us / count.max(1)).ok().map(Span::from_micros)
    }

    fn longest(&self) -> Span {
        let inner = self.lock();
        let means = inner.durations.values().map(|(count, total_us)| total_us / (*count).max(1));
        Span::from_micros(means.max().and_then(|mean| i64::try_from(mean).ok()).unwrap_or(0))
    }
}

impl Inner {
    fn count(&mut self, record: &Record, live: bool) {
        match &record.event {
            Event::ExecutionScheduled(event) if event.attempt == 1 => {
                if self.waits.len() == WAITS {
                    self.waits.pop_front();
                }
                self.waits.push_back((record.time, record.time.since(event.task_id.made_at())));
            }
            Event::ExecutionEnded(event) => {
                let outcome = &event.outcome;
                let minute = self.minute(record.time);
                if let Some(minute) = minute {
                    match outcome.kind {
                        OutcomeKind::Succeeded => minute.completed += 1,
                        OutcomeKind::Cancelled | OutcomeKind::Preempted => {}
                        _ => minute.failed += 1,
                    }
                    if let Some(tokens) = outcome.tokens_used {
                        minute.tokens = Some(minute.tokens.unwrap_or(0).saturating_add(tokens));
                    }
                    if let Some(cost) = outcome.cost {
                        minute.cost = Some(minute.cost.unwrap_or(0.0) + cost);
                    }
                }
                if let Some(started) = event.started_at.filter(|_| live) {
                    let took = event.ended_at.since(started).as_micros().unsigned_abs();
                    let (count, total_us) = self.durations.entry(event.agent_id).or_default();
                    *count += 1;
                    *total_us = total_us.saturating_add(took);
                }
            }
            Event::AgentRemoved(event) => {
                self.durations.remove(&event.agent_id);
            }
            _ => {}
        }
    }

    /// The figures of a time's minute, emptied of what stood there an hour before; `None` for one that is longer ago.
    fn minute(&mut self, time: Timestamp) -> Option<&mut MinuteFigures> {
        let minute = minute_of(time);
        if minute > self.latest {
            let stale = (minute - self.latest).min(MINUTES_KEPT);
            for passed in minute - stale + 1..=minute {
                self.minutes[place_of(passed)] = MinuteFigures::default();
            }
            self.latest = minute;
        }
        (minute > self.latest - MINUTES_KEPT).then(|| &mut self.minutes[place_of(minute)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{ExecutionEnded, ExecutionScheduled};
    use crate::domain::{Actor, CageId, ExecutionId, NodeId, Outcome, TaskId, TaskStatus};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000 - 1_700_000_000_000_000 % 60_000_000 + seconds * 1_000_000)
    }

    fn ended(seconds: i64, kind: OutcomeKind, tokens: Option<u64>) -> Record {
        let outcome = Outcome { tokens_used: tokens, ..Outcome::new(kind, "") };
        let event = ExecutionEnded {
            execution_id: ExecutionId::new(at(0), 1),
            task_id: TaskId::new(at(0), 1),
            agent_id: AgentId::new(at(0), 1),
            started_at: Some(at(seconds - 4)),
            ended_at: at(seconds),
            outcome,
            task_status: TaskStatus::Completed,
            attempts: 1,
            losses: 0,
            not_before: None,
            agent_failures: 0,
            kind: None,
            after: vec![],
            lesson: None,
            slack: None,
        };
        Record { seq: 1, time: at(seconds), actor: Actor::Engine, event: event.into() }
    }

    #[test]
    fn each_minute_has_its_own_and_an_hour_is_kept() {
        let figures = Figures::default();
        figures.count(&[
            ended(10, OutcomeKind::Succeeded, Some(5)),
            ended(50, OutcomeKind::TimedOut, None),
            ended(55, OutcomeKind::Cancelled, None),
            ended(61, OutcomeKind::Succeeded, None),
        ]);
        let minutes = figures.minutes(at(130));
        assert_eq!(minutes.len(), MINUTES);
        let [.., first, second, now] = &minutes[..] else { panic!("{minutes:?}") };
        assert_eq!((first.completed, first.failed, first.tokens), (1, 1, Some(5)));
        assert_eq!((second.completed, second.failed, second.tokens, second.cost), (1, 0, None, None));
        assert_eq!(*now, MinuteFigures::default(), "nothing ended in this minute");
        // An hour later the same place in the ring is another minute's.
        figures.count(&[ended(3600 + 20, OutcomeKind::Succeeded, None)]);
        let minutes = figures.minutes(at(3600 + 30));
        assert_eq!(
            minutes.iter().map(|minute| (minute.completed, minute.failed)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)),
            (2, 0)
        );
        assert_eq!(minutes[MINUTES - 1].completed, 1);
        // A long silence leaves nothing of it, whether or not anything was counted since.
        assert!(figures.minutes(at(9000)).iter().all(|minute| *minute == MinuteFigures::default()));
        figures.count_past(&[ended(30, OutcomeKind::Succeeded, None)]);
        assert_eq!(
            figures.minutes(at(3600 + 30)).iter().map(|minute| minute.completed).sum::<u64>(),
            2,
            "too long ago"
        );
    }

    #[test]
    fn waits_are_those_of_first_attempts_of_late() {
        let figures = Figures::default();
        let scheduled = |submitted: i64, started: i64, attempt: u32| Record {
            seq: 1,
            time: at(started),
            actor: Actor::Engine,
            event: ExecutionScheduled {
                execution_id: ExecutionId::new(at(started), 1),
                task_id: TaskId::new(at(submitted), 7),
                agent_id: AgentId::new(at(0), 1),
                cage_id: CageId::new(1).unwrap(),
                node_id: NodeId::new(at(0), 1),
                attempt,
                held: vec![],
                choice: None,
            }
            .into(),
        };
        assert_eq!(figures.median_wait(at(0)), None);
        figures.count(&[scheduled(0, 5, 1), scheduled(0, 200, 1), scheduled(190, 200, 1), scheduled(0, 210, 2)]);
        assert_eq!(figures.median_wait(at(220)), Some(Span::from_secs(10)));
        assert_eq!(figures.median_wait(at(320)), Some(Span::from_secs(200)), "the first is too long ago");
        assert_eq!(figures.median_wait(at(900)), None);
    }

    #[test]
    fn durations_go_on_from_what_the_store_knows() {
        let figures = Figures::default();
        let agent = AgentId::new(at(0), 1);
        assert_eq!(figures.of(agent), None);
        figures.count_past(&[ended(10, OutcomeKind::Succeeded, None)]);
        assert_eq!(figures.of(agent), None, "the store's sums hold it already");
        figures.count(&[ended(10, OutcomeKind::Succeeded, None), ended(20, OutcomeKind::Failed, None)]);
        assert_eq!(figures.of(agent), Some(Span::from_secs(4)));
        assert_eq!(figures.longest(), Span::from_secs(4));
    }
}
