//! Whether a task may miss its deadline, were it to start now. The overview, alert rules and what is foretold of a command
//! all ask here.

use std::collections::BTreeMap;

use super::Core;
use super::look::Due;
use crate::domain::{AgentId, Span, Timestamp};

/// A task that waits, of which nobody knows how long it takes, is at risk from so long before its deadline on.
pub const UNKNOWN_TAKES: Span = Span::from_secs(600);
/// However long an agent's tasks take, deadlines further ahead are not looked at.
const HORIZON_MAX: Span = Span::from_secs(7 * 86_400);
/// How many deadlines are looked at; where more come near, what is counted is a lower bound.
pub const DUE_MAX: usize = 10_000;

/// How long agents' executions take in the mean, whatever they are. It is counted outside of the core.
pub trait Means {
    /// That of one agent; `None` before its first execution has ended.
    fn of(&self, agent: AgentId) -> Option<Span>;
    /// The longest of all.
    fn longest(&self) -> Span;
}

impl Means for BTreeMap<AgentId, Span> {
    fn of(&self, agent: AgentId) -> Option<Span> {
        self.get(&agent).copied()
    }

    fn longest(&self) -> Span {
        self.values().max().copied().unwrap_or(Span::ZERO)
    }
}

/// How far ahead deadlines are looked at, counted from when a task had to start by what it says about itself.
pub fn horizon(means: &dyn Means) -> Span {
    means.longest().clamp(UNKNOWN_TAKES, HORIZON_MAX)
}

/// Those of some tasks with deadlines that may be late, each with the microseconds that it has to spare and why.
pub fn at_risk<'a>(
    due: &'a [Due],
    now: Timestamp,
    means: &'a dyn Means,
) -> impl Iterator<Item = (i64, &'a Due, String)> {
    due.iter().filter_map(move |due| {
        let typical = due.agent.and_then(|agent| means.of(agent));
        judge(due, now, typical).map(|(spare, reason)| (spare, due, reason))
    })
}

impl Core {
    /// How many tasks may be late: the figure of the overview.
    pub(super) fn deadlines_at_risk(&self, now: Timestamp, means: &dyn Means) -> usize {
        at_risk(&self.due(now, horizon(means), DUE_MAX), now, means).count()
    }
}

/// Why a task may be late, and how many microseconds it has to spare (mostly less than none); `None` when it need not be.
/// What the task says about itself counts first, then what nine of ten of its like take, then `typical`: how long its
/// agent's executions take in the mean, whatever they are.
fn judge(due: &Due, now: Timestamp, typical: Option<Span>) -> Option<(i64, String)> {
    let takes = due.estimate.or(due.foretold).or(typical);
    let about = if due.estimate.is_none() && due.foretold.is_some() { "up to" } else { "about" };
    let left = due.deadline.as_micros() - now.as_micros();
    if left <= 0 {
        let state = if due.running_since.is_some() { "it still runs" } else { "it has not started" };
        let text = format!("its deadline was {} ago, and {state}", now.since(due.deadline).human());
        return Some((left - takes.map_or(0, Span::as_micros), text));
    }
    let human = Span::from_micros(left).human();
    match (due.running_since, takes) {
        (Some(since), Some(takes)) => {
            let spare = due.deadline.as_micros() - since.plus(takes).as_micros();
            let ran = now.since(since).human();
            let text = || format!("it has {human} left, has run for {ran} and takes {about} {}", takes.human());
            (spare < 0).then(|| (spare, text()))
        }
        (Some(_), None) => None,
        (None, Some(takes)) => {
            let spare = left - takes.as_micros();
            (spare < 0)
                .then(|| (spare, format!("it has {human} left, takes {about} {} and has not started", takes.human())))
        }
        (None, None) => {
            (left < UNKNOWN_TAKES.as_micros()).then(|| (left, format!("it has {human} left and has not started")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TaskId;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_000_000 + seconds) * 1_000_000)
    }

    #[test]
    fn a_task_is_at_risk_when_starting_now_would_be_too_late() {
        let secs = |seconds: i64| Some(Span::from_secs(seconds));
        // Estimate, running since, deadline, the agent's mean, what was learned; whether it is at risk and how many seconds it
        // has to spare.
        for (estimate, since, deadline, typical, learned, spare) in [
            (None, None, 601, None, None, None),
            (None, None, 599, None, None, Some(599)),
            (None, None, 300, secs(10), None, None),
            (None, None, 300, secs(301), None, Some(-1)),
            (None, None, 300, secs(301), secs(299), None),
            (None, None, 300, secs(299), secs(310), Some(-10)),
            (secs(10), None, 300, secs(301), secs(302), None),
            (secs(400), None, 300, secs(1), None, Some(-100)),
            (None, Some(-100), 50, None, None, None),
            (None, Some(-100), 50, None, secs(155), Some(-5)),
            (secs(120), Some(-100), 50, None, None, None),
            (secs(200), Some(-100), 50, None, None, Some(-50)),
            (None, Some(-100), 50, secs(160), None, Some(-10)),
            (None, Some(-100), -5, None, None, Some(-5)),
            (None, None, -5, secs(10), None, Some(-15)),
        ] {
            let due = Due {
                task_id: TaskId::new(at(0), 1),
                deadline: at(deadline),
                estimate,
                foretold: learned,
                agent: None,
                running_since: since.map(at),
            };
            let found = judge(&due, at(0), typical).map(|(spare, _)| spare / 1_000_000);
            assert_eq!(found, spare, "{due:?} {typical:?}");
        }
    }
}
