//! How an execution's end becomes the task's future: done, given up, or tried again after a pause; and what it means for
//! the agent.

use super::alerts::{BREAKER, LIMIT_EXCEEDED, TASK_FAILED, agent_source, crossed, trigger};
use super::draw;
use super::fault::cage_source;
use super::{Core, Decisions};
use crate::domain::alert::{AlertAttempt, AlertContext};
use crate::domain::event::{ArrayEnded, BreakerOpened, ExecutionEnded, TaskFailed};
use crate::domain::{
    Actor, AlertId, CageId, Outcome, OutcomeKind, Scope, Severity, Span, Subject, TaskId, TaskStatus, Timestamp,
};

/// A task that has lost this many attempts with workers is given up at the next loss: something about it kills machines.
pub const LOSSES_MAX: u32 = 10;

/// The longest pause of a circuit breaker.
pub(super) const COOLDOWN_MAX: Span = Span::from_secs(3600);

/// Exit statuses by which shells and workers say that the program does not exist or cannot be executed.
const NO_PROGRAM: [i32; 2] = [126, 127];

/// What becomes of a task after an attempt.
struct Verdict {
    status: TaskStatus,
    attempts: u32,
    losses: u32,
    not_before: Option<Timestamp>,
}

/// `span * 2^doublings`, at most `limit`.
pub(super) fn doubled(span: Span, doublings: u32, limit: Span) -> Span {
    let micros = span.as_micros().saturating_mul(1_i64.checked_shl(doublings.min(62)).unwrap_or(i64::MAX));
    Span::from_micros(micros).min(limit)
}

impl Core {
    /// Ends an execution and draws every consequence.
    #[allow(clippy::too_many_arguments)] // Each is one fact of the report; a struct for one caller would only rename them.
    pub(super) fn end_execution(
        &mut self,
        slot: u32,
        started_at: Option<Timestamp>,
        ended_at: Timestamp,
        mut outcome: Outcome,
        now: Timestamp,
        actor: Actor,
        out: &mut Decisions,
    ) {
        let run = &self.executions[slot];
        let (execution_id, task, agent, cage, created_at) = (run.id, run.task, run.agent, run.cage, run.created_at);
        // Whoever is being stopped ends as that, unless it was done before the stop reached it.
        if let Some(reason) = run.stopping
            && !outcome.succeeded()
            && outcome.kind != reason
        {
            outcome.kind = reason;
        }
        if run.stopping == Some(outcome.kind)
            && let Some(note) = &run.stop_note
        {
            // Who reads that a task was preempted wants to know what for.
            outcome.message = match outcome.message.as_str() {
                "" => format!("{}: {note}", outcome.kind),
                said => format!("{said}: {note}"),
            };
        }
        let verdict = self.judge(task, &outcome, now);
        let (task_id, agent_id) = (self.tasks[task].id, self.agents[agent].id);
        // An agent is not to blame for a command that the task brings.
        let blamed = outcome.kind.blames_agent() && !self.shape(task).wish.brings_command;
        let failures = self.failures_after(agent, outcome.kind, blamed);
        // Nor is it to be praised for one.
        let tells = blamed || (outcome.succeeded() && !self.shape(task).wish.brings_command);
        let event = ExecutionEnded {
            execution_id,
            task_id,
            agent_id,
            started_at,
            ended_at,
            outcome: outcome.clone(),
            task_status: verdict.status,
            attempts: verdict.attempts,
            losses: verdict.losses,
            not_before: verdict.not_before,
            agent_failures: failures,
            kind: tells.then(|| self.selection.topics.get(self.tasks[task].topic).kind.to_string()),
            after: if tells { self.builds_on(task) } else { vec![] },
            lesson: if tells { self.lesson(task, agent) } else { None },
            slack: if verdict.status == TaskStatus::Completed {
                self.slack(&self.executions[slot], ended_at)
            } else {
                None
            },
        };
        self.emit(now, actor, event, out);
        self.keep_models(now, out);
        let tripped = blamed && self.trip_breaker(agent, now, out);
        let broke_limit = outcome.kind == OutcomeKind::LimitExceeded;
        if broke_limit {
            let limit = outcome.limit.as_deref().unwrap_or("a limit");
            // One end is one alert: that it was the last attempt is said here and not once more.
            let last = match verdict.status {
                TaskStatus::Failed if verdict.attempts < 2 => "; it was the only attempt".to_owned(),
                TaskStatus::Failed => format!("; it was the last of {} attempts", verdict.attempts),
                _ => String::new(),
            };
            let name = self.agents[agent].spec.name.clone();
            let attempt = AlertAttempt { agent: name, cage, task_id, execution_id };
            self.limit_broken(agent, &attempt, limit, &format!("{}{last}", outcome.message), tripped, now, out);
        } else if tripped {
            self.tell_of_breaker(agent, now, out);
        }
        if outcome.succeeded() {
            self.clear_limits(cage, created_at, now, out);
        }
        if outcome.kind == OutcomeKind::CageFailed {
            self.cage_failed(now, actor, cage, &outcome.message, out);
        }
        if outcome.succeeded() {
            let source = agent_source(&self.agents[agent].spec.name);
            self.clear_alert(&source, BREAKER, "the agent has succeeded", now, out);
        }
        if verdict.status == TaskStatus::Failed && !broke_limit {
            let why = if outcome.message.is_empty() { outcome.kind.to_string() } else { outcome.message };
            let after = if verdict.attempts == 1 {
                "its only attempt".to_owned()
            } else {
                format!("{} attempts", verdict.attempts)
            };
            let message = format!("task {task_id} failed after {after}: {why}");
            self.tell(Severity::Warning, "engine".to_owned(), trigger(TASK_FAILED), message, now, out);
        }
        if verdict.status.is_final() {
            self.after_end(task_id, verdict.status, now, out);
        }
    }

    /// An execution broke a limit of its cage. That is the cause of what rules say of the cage and of the agent's health, and of
    /// its breaker if it opened for this: one cause is one alert, as grave as what it takes the place of.
    #[allow(clippy::too_many_arguments)] // Each is one fact of the end; a struct for one caller would only rename them.
    fn limit_broken(
        &mut self,
        slot: u32,
        attempt: &AlertAttempt,
        limit: &str,
        why: &str,
        tripped: bool,
        now: Timestamp,
        out: &mut Decisions,
    ) {
        let AlertAttempt { agent, cage, task_id, .. } = attempt;
        let (cage, own) = (*cage, agent_source(agent));
        let context = AlertContext { attempts: vec![attempt.clone()], ..trigger(&format!("{LIMIT_EXCEEDED}{limit}")) };
        let cause = context.trigger.clone();
        let subjects = [Subject::new(Scope::Cage, cage.to_string()), Subject::new(Scope::Agent, agent)];
        let mut severity = self.worst_superseded(&subjects, &cause, now).unwrap_or(Severity::Warning);
        let breaker = self.alerts.of_cause((&own, BREAKER)).map(|alert| alert.severity);
        // What opened for another cause has its own alert, and keeps it.
        let open = self.open_breaker(slot, now).filter(|_| tripped || breaker.is_none());
        let and = open.map_or_else(String::new, |(failures, pause)| {
            let pause = pause.human();
            format!("; its breaker is open: {failures} failures in a row, no task for {pause}")
        });
        if tripped {
            severity = severity.max(breaker.unwrap_or(severity));
        }
        let message = format!("agent {agent} broke the {limit} limit of cage {cage} with task {task_id}: {why}{and}");
        self.tell(severity, cage_source(cage), context, message, now, out);
        for subject in &subjects {
            self.supersede_rules(subject, &cause, now, out);
        }
        if tripped {
            self.clear_alert(&own, BREAKER, &format!("it has come to \"{cause}\""), now, out);
        }
    }

    /// That limits of a cage were broken is over once something has ended well there that was placed after that.
    fn clear_limits(&mut self, cage: CageId, placed: Timestamp, now: Timestamp, out: &mut Decisions) {
        let source = cage_source(cage);
        let broken = self.alerts.triggers_beginning(LIMIT_EXCEEDED);
        let alerts = broken.filter_map(|trigger| self.alerts.of_cause((&source, trigger)));
        let over: Vec<AlertId> = alerts.filter(|alert| alert.last_seen <= placed).map(|alert| alert.id).collect();
        for alert_id in over {
            self.end_alert(alert_id, "cleared by itself: the cage has completed a task since".to_owned(), now, out);
        }
    }

    /// What becomes of a task after an attempt that ended so.
    fn judge(&self, task: u32, outcome: &Outcome, now: Timestamp) -> Verdict {
        let task = &self.tasks[task];
        let attempts = u32::from(task.attempts) + u32::from(outcome.kind.costs_attempt());
        let losses = u32::from(task.losses) + u32::from(outcome.kind == OutcomeKind::WorkerLost);
        let missing =
            outcome.kind == OutcomeKind::NotStarted && outcome.exit_code.is_some_and(|code| NO_PROGRAM.contains(&code));
        let (status, not_before) = match outcome.kind {
            OutcomeKind::Succeeded => (TaskStatus::Completed, None),
            OutcomeKind::Cancelled => (TaskStatus::Cancelled, None),
            OutcomeKind::WorkerLost if losses > LOSSES_MAX => (TaskStatus::Failed, None),
            OutcomeKind::WorkerLost | OutcomeKind::Preempted | OutcomeKind::CageFailed => (TaskStatus::Pending, None),
            _ if missing || attempts >= u32::from(task.max_attempts) => (TaskStatus::Failed, None),
            _ => {
                let retry = &self.defaults.retry;
                let pause = doubled(retry.delay, attempts.saturating_sub(1), retry.limit);
                (TaskStatus::Pending, Some(now.plus(draw::jitter(self.seed, self.seq + 1, pause))))
            }
        };
        Verdict { status, attempts, losses, not_before }
    }

    /// An agent's failures in a row after an outcome for which it may be to blame. What fails while its breaker is open was
    /// started before and says nothing new.
    fn failures_after(&self, agent: u32, kind: OutcomeKind, blamed: bool) -> u32 {
        let agent = &self.agents[agent];
        match kind {
            OutcomeKind::Succeeded => 0,
            _ if blamed && agent.breaker_until.is_none() => agent.failures.saturating_add(1),
            _ => agent.failures,
        }
    }

    /// Opens an agent's circuit breaker if it has failed too often in a row. Gives whether it did.
    fn trip_breaker(&mut self, slot: u32, now: Timestamp, out: &mut Decisions) -> bool {
        let policy = self.defaults.breaker;
        let agent = &self.agents[slot];
        if agent.failures < policy.failures || agent.breaker_until.is_some() {
            return false;
        }
        let pause = doubled(policy.cooldown, agent.failures - policy.failures, COOLDOWN_MAX);
        let (agent_id, failures) = (agent.id, agent.failures);
        self.emit(now, Actor::Engine, BreakerOpened { agent_id, failures, until: now.plus(pause) }, out);
        true
    }

    /// How often an agent has failed in a row and for how long it still gets no task, while its breaker is open.
    fn open_breaker(&self, slot: u32, now: Timestamp) -> Option<(u32, Span)> {
        let agent = &self.agents[slot];
        agent.breaker_until.map(|until| (agent.failures, until.since(now)))
    }

    /// Says that an agent's breaker has opened, in the place of what was said of the way there.
    fn tell_of_breaker(&mut self, slot: u32, now: Timestamp, out: &mut Decisions) {
        let Some((failures, pause)) = self.open_breaker(slot, now) else { return };
        let name = self.agents[slot].spec.name.clone();
        let message = format!("agent {name} failed {failures} times in a row and gets no task for {}", pause.human());
        let context = crossed(BREAKER, f64::from(self.defaults.breaker.failures), f64::from(failures));
        let subject = Subject::new(Scope::Agent, &name);
        let severity = self.worst_superseded(std::slice::from_ref(&subject), BREAKER, now).unwrap_or(Severity::Warning);
        self.tell(severity, agent_source(&name), context, message, now, out);
        self.supersede_rules(&subject, BREAKER, now, out);
    }

    /// Draws the consequences of a task's end: its dependents fail with it, its array may end with it.
    pub(super) fn after_end(&mut self, id: TaskId, status: TaskStatus, now: Timestamp, out: &mut Decisions) {
        // With each, the failed task that the others fail for; a cancellation is a person's own doing.
        let mut ended = vec![(id, status, (status == TaskStatus::Failed).then_some(id))];
        while let Some((id, status, cause)) = ended.pop() {
            if status != TaskStatus::Completed {
                for dependent in self.dependents.get(&id).cloned().unwrap_or_default() {
                    if self.task_ids.contains(dependent) {
                        let error = format!("depends on task {id}, which was {}", past(status));
                        self.emit(now, Actor::Engine, TaskFailed { task_id: dependent, error, cause }, out);
                        ended.push((dependent, TaskStatus::Failed, cause));
                    }
                }
            }
            if let Some(array) = self.array_of(id)
                && let Some(elements) = &self.tasks[array].array
                && elements.remaining == 0
                && elements.live.is_empty()
            {
                let status = if elements.failed > 0 { TaskStatus::Failed } else { TaskStatus::Completed };
                let task_id = self.tasks[array].id;
                self.emit(now, Actor::Engine, ArrayEnded { task_id, status }, out);
                ended.push((task_id, status, (status == TaskStatus::Failed).then_some(task_id)));
            }
        }
    }
}

/// How a dependency's end reads in a sentence.
const fn past(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Cancelled => "cancelled",
        _ => "given up",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_has_a_limit_and_no_overflow() {
        let limit = Span::from_secs(300);
        assert_eq!(doubled(Span::from_secs(1), 0, limit), Span::from_secs(1));
        assert_eq!(doubled(Span::from_secs(1), 3, limit), Span::from_secs(8));
        assert_eq!(doubled(Span::from_secs(1), 4000, limit), limit);
    }
}
