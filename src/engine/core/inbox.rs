//! The inbox: artifacts that nobody has judged and alerts that nobody has taken, by what their delay costs (docs/console.md,
//! "Cost of delay").

use std::collections::{BTreeMap, BTreeSet};

use super::Core;
use super::learning::{MISSED, ValueFunction, seconds};
use crate::domain::learning::{Product, Slack, USUAL};
use crate::domain::snapshot::OpenArtifact;
use crate::domain::{AlertId, AlertStatus, ArtifactId, ReviewState, Severity, Span, TaskId, TaskStatus, Timestamp};

/// How many tasks behind those that wait directly are looked at for one list. What is beyond is left out of the count, so
/// that a list costs the same however long the queue is.
const LOOKED_AT_MAX: usize = 20_000;

/// So many tasks that wait directly are named; more are only counted.
const GATED_MAX: usize = 8;

/// An artifact that waits to be judged, with what it holds up.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Which.
    pub id: ArtifactId,
    /// The task that made it.
    pub task_id: TaskId,
    /// What it holds up.
    pub blocked: Blocked,
    /// The tasks that wait for it directly, at most [`GATED_MAX`] of them.
    pub gated: Vec<TaskId>,
    /// The order of the inbox; the dearest first.
    pub cost: f64,
    /// Until when a person has put it off.
    pub snoozed_until: Option<Timestamp>,
    /// How likely it is to be approved, 0-1; `None` while too little was learned to say.
    pub approval: Option<f64>,
}

/// An alert that nobody has taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WaitingAlert {
    /// Which.
    pub id: AlertId,
    /// The order of the inbox; the dearest first.
    pub cost: f64,
}

/// Tasks that cannot start before something is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blocked {
    /// How many, an array by its elements.
    pub tasks: u64,
    /// The sum of their priorities.
    pub priorities: u64,
    /// The earliest deadline among them.
    pub deadline: Option<Timestamp>,
}

impl Blocked {
    fn add(&mut self, tasks: u64, priority: u8, deadline: Timestamp) {
        self.tasks += tasks;
        self.priorities += tasks * u64::from(priority);
        if deadline < Timestamp::LAST {
            self.deadline = Some(self.deadline.map_or(deadline, |known| known.min(deadline)));
        }
    }
}

/// How dear it is to let things wait that hold up others, by what was learned of deadlines.
#[derive(Clone, Debug, Default)]
pub struct Urgency(ValueFunction);

impl Urgency {
    /// How likely a deadline is to be missed if what has it is not begun before `now`; 0 without one.
    fn misses(&self, deadline: Option<Timestamp>, now: Timestamp) -> f64 {
        let of = |deadline: Timestamp| {
            let left = seconds(deadline.since(now));
            self.0.misses(&Slack { kind: 0, left, expected: 0, priority: USUAL, missed: false })
        };
        deadline.map_or(0.0, of)
    }

    /// What a delay costs, as the inbox is ordered: `(1 + hours waited) * (1 + sum of blocked priorities / 5) * (1 + 9 * chance)` with the
    /// chance that the earliest deadline among what is blocked is missed. Finite, and never falls as time passes while nothing
    /// is learned.
    pub fn cost_of_delay(&self, waited: Span, blocked: &Blocked, now: Timestamp) -> f64 {
        let urgency = 1.0 + MISSED * self.misses(blocked.deadline, now);
        (1.0 + hours(waited)) * (1.0 + blocked.priorities as f64 / 5.0) * urgency
    }

    /// What a delay has cost so far, in task-hours: `hours waited * sum of blocked priorities / 5 * (1 + 9 * chance)`, with the
    /// chance as above. What blocks nothing costs nothing.
    pub fn delayed_so_far(&self, waited: Span, blocked: &Blocked, now: Timestamp) -> f64 {
        let urgency = 1.0 + MISSED * self.misses(blocked.deadline, now);
        hours(waited) * blocked.priorities as f64 / f64::from(USUAL) * urgency
    }
}

/// A time in hours; one that has not come is none.
fn hours(span: Span) -> f64 {
    span.as_micros().max(0) as f64 / 3.6e9
}

/// What an hour more of waiting costs a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay {
    /// In task-hours: one task of priority 5 that waits for an hour.
    pub cost: f64,
    /// What waits: the task itself and what is behind it.
    pub waiting: Blocked,
    /// How likely the earliest deadline among them is to be missed were it begun now, 0-1; `None` where there is none.
    pub missed: Option<f64>,
    /// How many outcomes that rests on; `None` where it is the formula's.
    pub learned_from: Option<u64>,
}

/// As how many tasks of the usual priority that it held up an alert counts: nobody knows what it will hold up before somebody
/// has looked.
const fn stands_for(severity: Severity) -> u64 {
    match severity {
        Severity::Info => 0,
        Severity::Warning => 1,
        Severity::Error => 5,
        Severity::Critical => 25,
    }
}

/// The usual priority of a task.
const PRIORITY_USUAL: u64 = 5;

/// When something was made, as its id says.
fn made_at(id: uuid::Uuid) -> Timestamp {
    let millis = i64::try_from(id.as_u128() >> 80).unwrap_or(0);
    Timestamp::from_micros(millis.saturating_mul(1000))
}

impl Core {
    /// How dear it is to let things wait, by what was learned so far.
    pub fn urgency(&self) -> Urgency {
        Urgency(self.value.without_types())
    }

    /// What an hour more of waiting costs a task; `None` when it is not in memory, or runs.
    pub fn delay_of(&self, task: TaskId, now: Timestamp) -> Option<Delay> {
        self.delay_within(&mut Reach::new(self), task, now)
    }

    /// What an hour more of waiting costs those of some tasks that wait, in task-hours.
    pub(super) fn cost_of_waiting(&self, tasks: &[TaskId], now: Timestamp) -> f64 {
        let mut reach = Reach::new(self);
        let delays = tasks.iter().filter_map(|task| self.delay_within(&mut reach, *task, now));
        // The sum of nothing is a negative zero.
        delays.map(|delay| delay.cost).fold(0.0, |sum, cost| sum + cost)
    }

    fn delay_within(&self, reach: &mut Reach<'_>, task: TaskId, now: Timestamp) -> Option<Delay> {
        let slot = self.task_ids.get(task).filter(|slot| self.tasks[*slot].status == TaskStatus::Pending)?;
        let waiting = reach.behind(vec![task]);
        let agent = self.shape(slot).wish.agent.and_then(|id| self.agent_ids.get(id));
        let missed = waiting.deadline.map(|deadline| {
            let of_itself = deadline == self.tasks[slot].deadline;
            let slack = Some(self.slack_of(slot, agent, deadline, now)).filter(|_| of_itself);
            // Of one behind it less is known.
            slack.map_or_else(|| self.urgency().misses(Some(deadline), now), |slack| self.value.misses(&slack))
        });
        let cost = waiting.priorities as f64 / f64::from(USUAL) * (1.0 + MISSED * missed.unwrap_or(0.0));
        Some(Delay { cost, waiting, missed, learned_from: self.value.learned_from() })
    }

    /// What waits to be judged, the dearest delay first; what is snoozed only if asked for.
    pub fn inbox(&self, now: Timestamp, snoozed: bool) -> Vec<Waiting> {
        let mut reach = Reach::new(self);
        let urgency = self.urgency();
        // Most artifacts of a fleet are of few sorts.
        let mut approvals = BTreeMap::new();
        let waits = |until: Option<Timestamp>| snoozed || until.is_none_or(|until| until <= now);
        let pending = self.artifacts.values().filter(|artifact| artifact.state == ReviewState::Pending);
        let mut waiting: Vec<_> = pending
            .filter(|artifact| waits(artifact.snoozed_until))
            .map(|artifact| {
                let blocked = reach.of_task(artifact.task_id);
                let mut gated = reach.gated(artifact.task_id);
                gated.truncate(GATED_MAX);
                let Product { kind, artifact: made } = artifact.product;
                let approval = *approvals
                    .entry((artifact.agent_id, kind, made))
                    .or_insert_with(|| self.classifier.approval(artifact.agent_id, artifact.product));
                // What is rejected is done again, which cannot begin before somebody has looked.
                let again = approval.map_or(0.0, |approval| 1.0 - approval);
                let waited = now.since(made_at(artifact.id.0));
                let cost = urgency.cost_of_delay(waited, &blocked, now) * (1.0 + again);
                let (id, task_id, snoozed_until) = (artifact.id, artifact.task_id, artifact.snoozed_until);
                Waiting { id, task_id, blocked, gated, cost, snoozed_until, approval }
            })
            .collect();
        waiting.sort_unstable_by(|one, other| other.cost.total_cmp(&one.cost).then(one.id.cmp(&other.id)));
        waiting
    }

    /// What it has cost so far, in task-hours, that those of some artifacts lie unjudged that nobody has judged: since the
    /// oldest of them was made, and whatever waits for several of them counted once.
    pub(super) fn delayed_so_far<'a>(&self, ids: impl Iterator<Item = &'a ArtifactId>, now: Timestamp) -> f64 {
        let mut reach = Reach::new(self);
        let artifacts = ids.filter_map(|id| self.artifacts.get(id));
        let waiting: Vec<_> = artifacts.filter(|artifact| artifact.state == ReviewState::Pending).collect();
        let Some(oldest) = waiting.iter().map(|artifact| made_at(artifact.id.0)).min() else { return 0.0 };
        let makers: BTreeSet<_> = waiting.iter().map(|artifact| artifact.task_id).collect();
        let first: BTreeSet<_> = makers.into_iter().flat_map(|task| reach.gated(task)).collect();
        let blocked = reach.behind(first.into_iter().collect());
        self.urgency().delayed_so_far(now.since(oldest), &blocked, now)
    }

    /// The alerts that nobody has taken, in no order; those that are silenced only if asked for. One that is acknowledged waits
    /// for nobody, unless it gets worse: then it is active again.
    pub fn inbox_alerts(&self, now: Timestamp, silenced: bool) -> Vec<WaitingAlert> {
        let waits = |until: Option<Timestamp>| silenced || until.is_none_or(|until| until <= now);
        let urgency = Urgency::default();
        let untaken = self.alerts.iter().filter(|alert| alert.status == AlertStatus::Active);
        let waiting = untaken.filter(|alert| waits(alert.silenced_until)).map(|alert| {
            let priorities = stands_for(alert.severity) * PRIORITY_USUAL;
            let blocked = Blocked { priorities, ..Blocked::default() };
            let cost = urgency.cost_of_delay(now.since(alert.time), &blocked, now);
            WaitingAlert { id: alert.id, cost }
        });
        waiting.collect()
    }

    /// How many tasks wait for approval of artifacts of some tasks, each counted once, and how many artifacts they wait
    /// for; `change` is by how many more, or fewer, of a task lack approval than do.
    pub(super) fn lacking_approval(&self, makers: &BTreeSet<TaskId>, change: &BTreeMap<TaskId, i64>) -> (u64, u64) {
        let mut reach = Reach::new(self);
        let left = |maker: &TaskId| {
            let open = self.unapproved.get(maker).copied().map_or(0, i64::from);
            u64::try_from(open + change.get(maker).copied().unwrap_or(0)).unwrap_or(0)
        };
        let first: BTreeSet<_> = makers.iter().flat_map(|task| reach.gated(*task)).collect();
        let (mut waiting, mut lacking) = (vec![], BTreeMap::new());
        for id in first {
            let Some(deps) = self.task_ids.get(id).and_then(|slot| self.tasks[slot].deps.as_ref()) else { continue };
            let of: Vec<_> = deps.on.iter().map(|maker| (*maker, left(maker))).filter(|(_, left)| *left > 0).collect();
            if !of.is_empty() {
                waiting.push(id);
                lacking.extend(of);
            }
        }
        let artifacts = lacking.values().sum();
        (reach.behind(waiting).tasks, artifacts)
    }
}

/// Of so many rejected artifacts, the newest, it is looked at what they hold up.
const REJECTED_LOOKED_AT: usize = 1_000;

impl Core {
    /// How many tasks nothing will set going but a person who thinks again: they, or what they depend on, wait for approval of
    /// an artifact that was rejected; and the newest such artifact. Of very many rejected ones only the newest are looked at, so
    /// there may be more.
    pub(super) fn held_by_rejections(&self) -> Option<(u64, ArtifactId)> {
        let mut reach = Reach::new(self);
        // Whole arrays are among the makers: each is looked at once, however many of its elements made something.
        let mut makers = BTreeSet::new();
        let (mut waiting, mut newest) = (BTreeSet::new(), None);
        for id in self.rejected.iter().rev().take(REJECTED_LOOKED_AT) {
            let before = waiting.len();
            for maker in self.artifacts.get(id).into_iter().flat_map(OpenArtifact::makers) {
                if makers.insert(maker) {
                    waiting.extend(reach.gated_by(maker));
                }
            }
            if waiting.len() > before {
                newest = newest.or(Some(*id));
            }
        }
        newest.map(|newest| (reach.behind(waiting.into_iter().collect()).tasks, newest))
    }
}

/// Looks for what waits behind tasks, and remembers what it found.
struct Reach<'a> {
    core: &'a Core,
    /// By the task that waits directly: most artifacts of a fleet hold up the same one.
    known: BTreeMap<TaskId, Blocked>,
    left: usize,
}

impl<'a> Reach<'a> {
    const fn new(core: &'a Core) -> Self {
        Self { core, known: BTreeMap::new(), left: LOOKED_AT_MAX }
    }

    /// What waits for approval of a task's artifacts.
    fn of_task(&mut self, task: TaskId) -> Blocked {
        let first = self.gated(task);
        match first[..] {
            [] => Blocked::default(),
            [only] => {
                if let Some(known) = self.known.get(&only) {
                    return *known;
                }
                let found = self.behind(first);
                self.known.insert(only, found);
                found
            }
            _ => self.behind(first),
        }
    }

    /// The tasks that wait for approval of a task's artifacts themselves. A gate on an array waits for all its elements'.
    fn gated(&self, task: TaskId) -> Vec<TaskId> {
        let array = task.as_array();
        let whole = (array != task).then(|| self.gated_by(array));
        self.gated_by(task).chain(whole.into_iter().flatten()).collect()
    }

    /// The same of a task or an array by itself.
    fn gated_by(&self, maker: TaskId) -> impl Iterator<Item = TaskId> + use<'a> {
        let core = self.core;
        let waits = move |id: &TaskId| {
            let task = core.task_ids.get(*id).map(|slot| &core.tasks[slot]);
            task.is_some_and(|task| task.gate && task.status == TaskStatus::Pending)
        };
        core.dependents.get(&maker).into_iter().flatten().copied().filter(waits)
    }

    /// Some tasks and all that depend on them, however far behind.
    fn behind(&mut self, first: Vec<TaskId>) -> Blocked {
        let mut blocked = Blocked::default();
        let mut seen: BTreeSet<TaskId> = first.iter().copied().collect();
        let mut open = first;
        while let Some(id) = open.pop() {
            let Some(slot) = self.core.task_ids.get(id) else { continue };
            let task = &self.core.tasks[slot];
            blocked.add(task.weight(), task.priority, task.deadline);
            for dependent in self.core.dependents.get(&id).into_iter().flatten() {
                if self.left > 0 && seen.insert(*dependent) {
                    self.left -= 1;
                    open.push(*dependent);
                }
            }
        }
        blocked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_never_becomes_cheaper_and_stays_finite() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let blocked = |priorities, deadline| Blocked { tasks: 1, priorities, deadline };
        let cost = |hours: i64, blocked: &Blocked| {
            let waited = Span::from_secs(3600 * hours);
            Urgency::default().cost_of_delay(waited, blocked, now.plus(waited))
        };
        for blocked in [
            blocked(0, None),
            blocked(50, None),
            blocked(50, Some(now.plus(Span::from_secs(7200)))),
            blocked(u64::MAX, Some(Timestamp::EPOCH)),
        ] {
            let costs: Vec<_> = (0..100).map(|hours| cost(hours, &blocked)).collect();
            assert!(costs.is_sorted() && costs.iter().all(|cost| cost.is_finite()), "{blocked:?}: {costs:?}");
            assert!(costs[99] > costs[0]);
        }
        // What blocks more, and what is due sooner, is dearer.
        let soon = Some(now.plus(Span::from_secs(600)));
        let late = Some(now.plus(Span::from_secs(864_000)));
        assert!(cost(0, &blocked(10, None)) > cost(0, &blocked(9, None)));
        assert!(cost(0, &blocked(10, late)) > cost(0, &blocked(10, None)));
        assert!(cost(0, &blocked(10, soon)) > cost(0, &blocked(10, late)));
        assert!((cost(1, &blocked(10, None)) - 6.0).abs() < 1e-9);
    }
}
