//! The spans of a task's life: pure functions of what stands in the store.
//!
//! | span | from | to |
//! | --- | --- | --- |
//! | `task TYPE` | its submission | its end; the root of the trace |
//! | `submit` | its submission | the same moment |
//! | `wait` | its submission, or the end of the attempt before | the decision about this attempt |
//! | `place` | that decision | its process runs, or the attempt ends without one |
//! | `invoke_agent NAME` | its process runs | the attempt ends |
//! | `review` | an artifact was taken in | somebody judged it |
//!
//! Times of a worker whose clock goes wrong are bent so far that no span ends before it begins.

use serde_json::{Value, json};

use super::json::{Attributes, ERROR, INTERNAL, OK, PRODUCER, nanos};
use crate::domain::trace::{SpanId, TraceId};
use crate::domain::{Artifact, Execution, OutcomeKind, Task, TaskId, TaskStatus, Timestamp};

/// How many other tasks a root is linked to at most.
const LINKS_MAX: usize = 128;

/// A span before it has its attributes.
struct Frame {
    trace: TraceId,
    id: SpanId,
    parent: Option<SpanId>,
    kind: u8,
    begin: Timestamp,
    end: Timestamp,
}

impl Frame {
    /// The whole span. `status` is its code and what there is to say.
    fn span(&self, name: &str, attributes: Attributes, status: Option<(u8, &str)>, links: Vec<Value>) -> Value {
        let mut span = json!({
            "traceId": self.trace.to_string(),
            "spanId": self.id.to_string(),
            "name": name,
            "kind": self.kind,
            "startTimeUnixNano": nanos(self.begin),
            "endTimeUnixNano": nanos(self.end.max(self.begin)),
            "attributes": attributes.done(),
        });
        if let Some(parent) = self.parent {
            span["parentSpanId"] = parent.to_string().into();
        }
        if let Some((code, message)) = status {
            // Only what went wrong may have a message.
            span["status"] =
                if code == ERROR { json!({"code": code, "message": message}) } else { json!({"code": code}) };
        }
        if !links.is_empty() {
            span["links"] = Value::Array(links);
        }
        span
    }
}

/// Another task, as something that a span is linked to.
fn link(task: TaskId, why: &str) -> Value {
    json!({
        "traceId": TraceId::of(task).to_string(),
        "spanId": SpanId::task(task).to_string(),
        "attributes": Attributes::default().text("menagerie.link", why).done(),
    })
}

/// The submission of a task that has ended, and its life as a whole.
pub(super) fn of_task(task: &Task) -> Vec<Value> {
    let (trace, root) = (TraceId::of(task.id), SpanId::task(task.id));
    let begin = task.created_at;
    let common = || {
        Attributes::default()
            .text("menagerie.task.id", task.id.to_string())
            .text("menagerie.task.type", task.kind.as_str())
    };
    let submit = Frame { trace, id: SpanId::submit(task.id), parent: Some(root), kind: PRODUCER, begin, end: begin };
    let submitted = common()
        .text("menagerie.phase", "submit")
        .text("menagerie.user.id", task.created_by.to_string())
        .maybe(task.metadata.source.as_deref(), |attributes, source| attributes.text("menagerie.task.source", source));
    let end = task.completed_at.unwrap_or(task.updated_at);
    let life = Frame { trace, id: root, parent: None, kind: INTERNAL, begin, end };
    let lived = common()
        .text("menagerie.phase", "task")
        .text("menagerie.task.status", task.status.as_str())
        .int("menagerie.task.priority", task.priority)
        .int("menagerie.task.attempts", task.attempts)
        .maybe(task.deadline, |attributes, deadline| attributes.text("menagerie.task.deadline", deadline.to_string()))
        .maybe(task.array_index, |attributes, index| attributes.int("menagerie.task.array_index", index))
        .maybe(Some("failed").filter(|_| task.status == TaskStatus::Failed), |attributes, it| {
            attributes.text("error.type", it)
        });
    let status = match task.status {
        TaskStatus::Completed => Some((OK, "")),
        TaskStatus::Failed => Some((ERROR, task.error.as_deref().unwrap_or_default())),
        _ => None,
    };
    let mut links: Vec<Value> = task.depends_on.iter().take(LINKS_MAX).map(|on| link(*on, "depends_on")).collect();
    if task.array_index.is_some() {
        links.push(link(task.id.as_array(), "element_of"));
    }
    vec![
        submit.span("submit", submitted, None, vec![]),
        life.span(&format!("task {}", task.kind), lived, status, links),
    ]
}

/// An attempt that has ended: how long the task waited for it, how it was placed, and how the agent ran.
pub(super) fn of_execution(execution: &Execution, agent: &str, waited_since: Timestamp) -> Vec<Value> {
    let (task, id) = (execution.task_id, execution.id);
    let (trace, parent) = (TraceId::of(task), Some(SpanId::task(task)));
    let decided = execution.created_at;
    let end = execution.completed_at.unwrap_or(decided).max(decided);
    let started = execution.started_at.map(|started| started.clamp(decided, end));
    let common = |phase: &str| {
        Attributes::default()
            .text("menagerie.phase", phase)
            .text("menagerie.task.id", task.to_string())
            .text("menagerie.execution.id", id.to_string())
            .int("menagerie.execution.attempt", execution.attempt)
    };
    let placed = |phase: &str| {
        common(phase)
            .text("gen_ai.agent.name", agent)
            .text("menagerie.agent.id", execution.agent_id.to_string())
            .text("menagerie.cage.id", execution.cage_id.to_string())
            .text("menagerie.node.id", execution.node_id.to_string())
    };
    let outcome = execution.outcome.as_ref();
    let failed = outcome.filter(|outcome| !outcome.succeeded());
    // That somebody took it back, or that it made room, is no error of what ran.
    let error = failed.filter(|outcome| !matches!(outcome.kind, OutcomeKind::Cancelled | OutcomeKind::Preempted));
    let status = match (error, failed) {
        (Some(outcome), _) => Some((ERROR, outcome.message.as_str())),
        (None, Some(_)) => None,
        (None, None) => Some((OK, "")),
    };
    let frame = |id, begin, end| Frame { trace, id, parent, kind: INTERNAL, begin, end };
    let wait = frame(SpanId::wait(id), waited_since.min(decided), decided);
    let place = frame(SpanId::place(id), decided, started.unwrap_or(end));
    let mut spans = vec![
        wait.span("wait", common("wait"), None, vec![]),
        place.span("place", placed("place"), if started.is_some() { Some((OK, "")) } else { status }, vec![]),
    ];
    if let Some(started) = started {
        let ran = placed("run").text("gen_ai.operation.name", "invoke_agent");
        let ran = ran.maybe(outcome, |attributes, outcome| {
            attributes
                .text("menagerie.outcome", outcome.kind.as_str())
                .maybe(error, |attributes, error| attributes.text("error.type", error.kind.as_str()))
                .maybe(outcome.limit.as_deref(), |attributes, limit| attributes.text("menagerie.limit", limit))
                .maybe(outcome.exit_code, |attributes, code| attributes.int("process.exit.code", code))
                .maybe(outcome.input_tokens, |attributes, count| attributes.int("gen_ai.usage.input_tokens", count))
                .maybe(outcome.output_tokens, |attributes, count| attributes.int("gen_ai.usage.output_tokens", count))
                .maybe(outcome.tokens_used, |attributes, count| attributes.int("menagerie.usage.tokens", count))
                .maybe(outcome.cost, |attributes, cost| attributes.double("menagerie.usage.cost_usd", cost))
                .int("menagerie.usage.cpu_us", outcome.usage.cpu_us)
                .maybe(outcome.usage.memory_peak, |attributes, bytes| {
                    attributes.int("menagerie.usage.memory_peak", bytes)
                })
        });
        spans.push(frame(SpanId::run(id), started, end).span(&format!("invoke_agent {agent}"), ran, status, vec![]));
    }
    spans
}

/// The review of an artifact, once somebody has judged it.
pub(super) fn of_review(artifact: &Artifact, agent: &str) -> Option<Value> {
    let judged = artifact.review.at?;
    let review = Frame {
        trace: TraceId::of(artifact.task_id),
        id: SpanId::review(artifact.id),
        parent: Some(SpanId::task(artifact.task_id)),
        kind: INTERNAL,
        begin: artifact.created_at,
        end: judged,
    };
    let attributes = Attributes::default()
        .text("menagerie.phase", "review")
        .text("menagerie.task.id", artifact.task_id.to_string())
        .text("menagerie.execution.id", artifact.execution_id.to_string())
        .text("menagerie.artifact.id", artifact.id.to_string())
        .text("menagerie.artifact.type", artifact.kind.as_str())
        .text("menagerie.artifact.title", artifact.title.as_str())
        .text("menagerie.review.state", artifact.review.state.as_str())
        .text("gen_ai.agent.name", agent)
        .maybe(artifact.review.by, |attributes, user| attributes.text("menagerie.user.id", user.to_string()));
    Some(review.span("review", attributes, None, vec![]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::execution::{ExecutionMetrics, ExecutionResult};
    use crate::domain::{AgentId, ExecutionId, ExecutionStatus, NodeId, Outcome};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_700_000_000 + seconds) * 1_000_000)
    }

    fn execution(outcome: Outcome, started: Option<i64>, ended: i64) -> Execution {
        Execution {
            id: ExecutionId::new(at(10), 7),
            task_id: TaskId::new(at(0), 5),
            agent_id: AgentId::new(at(0), 1),
            cage_id: "3".parse().unwrap(),
            node_id: NodeId::new(at(0), 1),
            session: None,
            execution_type: "command".into(),
            status: ExecutionStatus::Completed,
            progress: None,
            attempt: 2,
            outcome: Some(outcome),
            metrics: ExecutionMetrics::default(),
            result: ExecutionResult::default(),
            tokens_used: None,
            cost: None,
            workspace: None,
            user_satisfaction_rating: None,
            quality_score: None,
            input_context: None,
            output_summary: None,
            activity: None,
            activity_detail: None,
            choice: None,
            created_at: at(10),
            started_at: started.map(at),
            completed_at: Some(at(ended)),
        }
    }

    fn attribute<'a>(span: &'a Value, key: &str) -> Option<&'a Value> {
        let list = span["attributes"].as_array().unwrap();
        let found = list.iter().find(|attribute| attribute["key"] == key)?;
        found["value"].as_object().unwrap().values().next()
    }

    fn times(span: &Value) -> (i64, i64) {
        let seconds = |field: &str| {
            let nanos: i64 = span[field].as_str().unwrap().parse().unwrap();
            nanos / 1_000_000_000 - 1_700_000_000
        };
        (seconds("startTimeUnixNano"), seconds("endTimeUnixNano"))
    }

    #[test]
    fn an_attempt_waits_is_placed_and_runs() {
        let mut outcome = Outcome::new(OutcomeKind::Succeeded, "");
        (outcome.input_tokens, outcome.output_tokens, outcome.cost) = (Some(70), Some(30), Some(0.5));
        let spans = of_execution(&execution(outcome, Some(11), 20), "coder", at(4));
        let [wait, place, run] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!((times(wait), times(place), times(run)), ((4, 10), (10, 11), (11, 20)));
        assert_eq!(
            (&wait["name"], &place["name"], &run["name"]),
            (&json!("wait"), &json!("place"), &json!("invoke_agent coder"))
        );
        for span in &spans {
            assert_eq!(span["traceId"], json!(TraceId::of(TaskId::new(at(0), 5)).to_string()));
            assert_eq!(span["parentSpanId"], json!(SpanId::task(TaskId::new(at(0), 5)).to_string()));
        }
        assert_eq!(attribute(run, "gen_ai.operation.name"), Some(&json!("invoke_agent")));
        assert_eq!(attribute(run, "gen_ai.usage.input_tokens"), Some(&json!("70")), "a number of 64 bits is a text");
        assert_eq!(attribute(run, "gen_ai.usage.output_tokens"), Some(&json!("30")));
        assert_eq!(attribute(run, "menagerie.usage.cost_usd"), Some(&json!(0.5)));
        assert_eq!((&run["status"], attribute(run, "error.type")), (&json!({"code": 1}), None));
    }

    #[test]
    fn what_fails_says_why_and_what_was_taken_back_is_no_error() {
        let failed = of_execution(&execution(Outcome::new(OutcomeKind::TimedOut, "took 9s"), Some(11), 20), "a", at(4));
        assert_eq!(failed[2]["status"], json!({"code": 2, "message": "took 9s"}));
        assert_eq!(attribute(&failed[2], "error.type"), Some(&json!("timed_out")));
        let none =
            of_execution(&execution(Outcome::new(OutcomeKind::NotStarted, "no such program"), None, 12), "a", at(4));
        assert_eq!(none.len(), 2, "what never ran has no run");
        assert_eq!(none[1]["status"], json!({"code": 2, "message": "no such program"}));
        let cancelled = of_execution(&execution(Outcome::new(OutcomeKind::Cancelled, "x"), Some(11), 20), "a", at(4));
        assert_eq!((cancelled[2].get("status"), attribute(&cancelled[2], "error.type")), (None, None));
    }

    #[test]
    fn a_worker_whose_clock_is_an_hour_off_makes_no_span_that_ends_before_it_begins() {
        for (started, ended) in [(3611, 3620), (-3589, -3580), (11, -3580), (3611, 20)] {
            let outcome = Outcome::new(OutcomeKind::Succeeded, "");
            let spans = of_execution(&execution(outcome, Some(started), ended), "coder", at(4));
            let mut last = 4;
            for span in &spans {
                let (begin, end) = times(span);
                assert!(begin == last && end >= begin, "{started} {ended}: {spans:?}");
                last = end;
            }
        }
    }

    #[test]
    fn a_life_is_linked_to_what_it_depends_on_and_to_its_array() {
        let id = TaskId::new(at(0), 0x1234_5678).as_array();
        let other = TaskId::new(at(-5), 9);
        let task: Task = serde_json::from_value(json!({
            "id": id.element(3), "type": "analysis", "status": "failed", "priority": 5, "max_attempts": 3, "created_by": other,
            "created_at": at(0), "updated_at": at(30), "completed_at": at(30), "depends_on": [other], "array_index": 3,
            "error": "boom",
        }))
        .unwrap();
        let spans = of_task(&task);
        let [submit, life] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!((times(submit), times(life)), ((0, 0), (0, 30)));
        assert_eq!((&submit["kind"], &submit["parentSpanId"]), (&json!(4), &life["spanId"]));
        assert_eq!((&life["name"], life.get("parentSpanId")), (&json!("task analysis"), None));
        assert_eq!(life["status"], json!({"code": 2, "message": "boom"}));
        let links: Vec<_> = life["links"].as_array().unwrap().iter().map(|link| link["traceId"].clone()).collect();
        assert_eq!(links, [TraceId::of(other).to_string(), TraceId::of(id).to_string()]);
    }
}
