//! What people see: lists, single things, and what they may write for an id.

use super::generator::{History, history};
use super::properties::commit;
use crate::domain::agent::AgentStatus;
use crate::domain::alert::Resolution;
use crate::domain::event::*;
use crate::domain::execution::{Outcome, OutcomeKind};
use crate::domain::id::{AlertId, ExecutionId, TaskId};
use crate::domain::refusal::RefusalKind;
use crate::domain::resource::AllocationStatus;
use crate::domain::task::{ArrayRange, Task, TaskStatus};
use crate::store::{Error, Page, Query, Reader};
use uuid::Uuid;

fn ask(filters: &[(&str, &str)], sort: &str, limit: u64, offset: u64) -> Query {
    Query {
        filters: filters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        sort: (!sort.is_empty()).then(|| sort.to_owned()),
        limit,
        offset,
        ..Query::default()
    }
}

/// What a filter gives, beside the same filter by hand over everything.
fn same(reader: &Reader, filters: &[(&str, &str)], by_hand: impl Fn(&Task) -> bool) {
    let all = reader.tasks(&ask(&[], "", 100_000, 0)).unwrap();
    let wanted: Vec<_> = all.items.iter().filter(|task| by_hand(task)).map(|task| task.id).collect();
    let found = reader.tasks(&ask(filters, "", 100_000, 0)).unwrap();
    assert_eq!(found.items.iter().map(|task| task.id).collect::<Vec<_>>(), wanted, "{filters:?}");
    assert_eq!(found.total, wanted.len() as u64);
}

#[test]
fn filters_give_what_the_same_filter_by_hand_gives() {
    let history = history(77, 600);
    let (_folder, store) = commit(&history, 100);
    let reader = store.reader().unwrap();
    let agent = history.agents[1];
    for status in TaskStatus::ALL {
        same(&reader, &[("status", status.as_str())], |task| task.status == *status);
    }
    same(&reader, &[("status", "pending, running")], |task| {
        matches!(task.status, TaskStatus::Pending | TaskStatus::Executing)
    });
    same(&reader, &[("agent", "agent-2")], |task| task.assigned_agent_id.or(task.agent_id) == Some(agent));
    same(&reader, &[("agent", &agent.to_string())], |task| task.assigned_agent_id.or(task.agent_id) == Some(agent));
    same(&reader, &[("owner", "ada")], |task| task.created_by == history.users[0]);
    same(&reader, &[("tag", "small"), ("type", "analysis")], |task| {
        task.metadata.tags.contains(&"small".to_owned()) && task.kind == "analysis"
    });
    same(&reader, &[("priority", "1,10")], |task| matches!(task.priority, 1 | 10));
    let with = history.tasks.iter().map(|known| reader.task(known.id).unwrap().unwrap());
    let dependency = with.flat_map(|task| task.depends_on).next().unwrap();
    same(&reader, &[("depends_on", &dependency.to_string())], |task| task.depends_on.contains(&dependency));
}

#[test]
fn pages_join_up_in_the_order_asked_for() {
    let (_folder, store) = commit(&history(8, 400), 100);
    let reader = store.reader().unwrap();
    let whole = reader.tasks(&ask(&[], "-priority,created_at", 10_000, 0)).unwrap();
    assert!(whole.items.len() > 30);
    assert!(whole.items.is_sorted_by_key(|task| (std::cmp::Reverse(task.priority), task.created_at)));
    let mut joined = vec![];
    for offset in (0..whole.total).step_by(7) {
        let Page { items, total, .. } = reader.tasks(&ask(&[], "-priority,created_at", 7, offset)).unwrap();
        assert_eq!(total, whole.total);
        joined.extend(items);
    }
    assert_eq!(joined, whole.items);
    // Tasks without a deadline come last, whichever way round.
    for sort in ["deadline", "-deadline"] {
        let tasks = reader.tasks(&ask(&[], sort, 10_000, 0)).unwrap().items;
        assert!(tasks.is_sorted_by_key(|task| task.deadline.is_none()));
    }
}

#[test]
fn every_list_answers_and_refuses_what_it_does_not_know() {
    let (_folder, store) = commit(&history(9, 500), 100);
    let reader = store.reader().unwrap();
    let query = Query::default();
    assert!(reader.executions(&query).unwrap().total > 0);
    assert_eq!(reader.agents(&query).unwrap().total, 4);
    assert_eq!(reader.cages(&query).unwrap().total, 4);
    assert_eq!(reader.nodes(&query).unwrap().total, 1);
    assert_eq!(reader.resources(&query).unwrap().total, 2);
    assert_eq!(reader.users(&query).unwrap().total, 2);
    let all = reader.allocations(&ask(&[], "", 100_000, 0)).unwrap();
    assert!(all.total > 0 && all.total == all.items.len() as u64);
    let active = reader.allocations(&ask(&[("status", "active")], "", 100_000, 0)).unwrap();
    assert_eq!(active.items, all.items.iter().filter(|a| a.period.end.is_none()).cloned().collect::<Vec<_>>());
    let live = reader.executions(&ask(&[("status", "starting,running")], "", 100_000, 0)).unwrap();
    assert_eq!(live.total as usize, store.snapshot().unwrap().executions.len());
    let titled = |text: &str| reader.artifacts(&Query { filter: text.to_owned(), ..Query::default() }).unwrap().total;
    assert!(titled("title:100%") > 0 && titled("title:1_0%") == 0);
    assert!(reader.system_events(&query).unwrap().total > 0);
    let refusal = |filters: &[(&str, &str)], sort| match reader.tasks(&ask(filters, sort, 1, 0)) {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let unknown = refusal(&[("stats", "x")], "");
    assert!(unknown.hint.contains("status") && unknown.allowed.contains("owner"), "{unknown}");
    assert!(refusal(&[], "-priorty").hint.contains("priority"));
    assert!(
        refusal(&[("status", "runing")], "").hint.contains("running")
            || refusal(&[("status", "runing")], "").allowed.contains("executing")
    );
    assert_eq!(refusal(&[("agent", "agnet-2")], "").kind, RefusalKind::NotFound);
    assert!(refusal(&[("agent", "agnet-2")], "").hint.contains("agent-2"));
    assert_eq!(refusal(&[("cage", "1001")], "").field, "cage");
    assert!(refusal(&[("priority", "high")], "").allowed.contains("whole number"));
    // Every field of every list makes valid SQL.
    for field in ["status", "type", "priority", "created_at", "updated_at", "started_at", "completed_at", "attempts"] {
        reader.tasks(&ask(&[], field, 1, 0)).unwrap();
    }
    for field in ["status", "duration", "tokens_used", "cost", "cage", "outcome", "age"] {
        reader.executions(&ask(&[("since", "2025-01-01T00:00:00Z"), ("node", "here")], field, 1, 0)).unwrap();
    }
    for field in ["kind", "division", "tier", "role", "running", "concurrency", "name", "cage", "status"] {
        let filters = [("owner", "ben"), ("drained", "false"), ("kind", "task_executor"), ("capability", "shell")];
        reader.agents(&ask(&filters, field, 1, 0)).unwrap();
    }
    reader.cages(&ask(&[("agent", "agent-1"), ("status", "vacant,occupied")], "status", 1, 0)).unwrap();
    reader.allocations(&ask(&[("agent", "agent-1"), ("status", "active")], "quantity,start,end", 1, 0)).unwrap();
    reader.resources(&ask(&[("type", "compute"), ("node", "here")], "allocated", 1, 0)).unwrap();
    reader.artifacts(&ask(&[("state", "pending"), ("type", "code,doc")], "size", 1, 0)).unwrap();
    reader.system_events(&ask(&[("severity", "info"), ("source", "engine")], "-time", 1, 0)).unwrap();
}

#[test]
fn prefixes_must_be_unambiguous() {
    let mut history = History::new(1, 1);
    let id = |text: &str| TaskId(Uuid::parse_str(text).unwrap());
    let (first, second, other) = (
        id("01900000-0000-7abc-8000-000000000001"),
        id("01900000-0000-7abc-8000-0000000000f1"),
        id("01900000-0000-7def-8000-000000000002"),
    );
    for task_id in [first, second, other] {
        let task = Task { id: task_id, ..history.new_task() };
        history.add(TaskSubmitted { task, after: vec![] });
    }
    let (_folder, store) = commit(&history, 100);
    let reader = store.reader().unwrap();
    assert_eq!(reader.resolve_task("01900000-0000-7d").unwrap(), other);
    assert_eq!(reader.resolve_task("0190000000007D").unwrap(), other);
    assert_eq!(reader.resolve_task(&first.to_string()).unwrap(), first);
    let refusal = |text: &str| match reader.resolve_task(text) {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let ambiguous = refusal("01900000-0000-7abc");
    assert_eq!(ambiguous.kind, RefusalKind::Ambiguous);
    assert!(ambiguous.allowed.contains(&first.to_string()) && ambiguous.allowed.contains(&second.to_string()));
    assert!(!ambiguous.allowed.contains(&other.to_string()));
    assert_eq!(refusal("0190ffff").kind, RefusalKind::NotFound);
    // The console shows the end of an id; what begins so is meant first.
    assert_eq!(reader.resolve_task("000000f1").unwrap(), second);
    assert_eq!(reader.resolve_task("0000000000F1").unwrap(), second);
    assert_eq!(refusal("00000f1").kind, RefusalKind::NotFound);
    assert_eq!(refusal("01900000").kind, RefusalKind::Ambiguous);
    let ids = |filter: &str| {
        let page = reader.tasks(&Query { filter: filter.to_owned(), ..ask(&[], "created_at", 10, 0) }).unwrap();
        page.items.iter().map(|task| task.id).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids("id:000000f1"), [second].into());
    assert_eq!(ids("id:00000002,000000f1"), [second, other].into());
    for wrong in ["", "zz", "0190 ", "01900000-0000-7abc-8000-0000000000010", "0-190"] {
        assert!(matches!(refusal(wrong).kind, RefusalKind::Invalid | RefusalKind::NotFound), "{wrong}");
    }
    assert_eq!(reader.resolve_agent("agent-1").unwrap(), history.agents[0]);
    assert_eq!(reader.resolve_agent(&history.agents[0].to_string()[..13]).unwrap(), history.agents[0]);
    assert!(reader.resolve_agent("agent-7").unwrap_err().to_string().contains("did you mean \"agent-1\""));
}

#[test]
fn a_prefix_of_alerts_means_the_one_that_is_not_over() {
    let mut history = History::new(9, 20);
    let id = |number: u128| AlertId(Uuid::from_u128(0x0190_0000_0000_7abc_8000_0000_0000_0000 + number));
    for number in [1, 2, 3] {
        let mut alert = history.new_alert();
        alert.id = id(number);
        history.add(AlertRaised { alert });
    }
    let over = |time| Resolution { time, by: None, action: None, notes: None };
    let found = |history: &History| {
        let (_folder, store) = commit(history, 100);
        let reader = store.reader().unwrap();
        [&id(2).to_string()[..18], "00000002", "019000000000"]
            .map(|text| reader.resolve_alert(text).map_err(|error| error.to_string()))
    };
    let several = found(&history);
    assert!(several[0].is_err() && several[2].is_err(), "{several:?}");
    assert_eq!(several[1], Ok(id(2)));
    for number in [1, 3] {
        let time = history.time();
        history.add(AlertResolved { alert_id: id(number), resolution: over(time) });
    }
    assert_eq!(found(&history), [Ok(id(2)), Ok(id(2)), Ok(id(2))]);
    let time = history.time();
    history.add(AlertResolved { alert_id: id(2), resolution: over(time) });
    let none = found(&history);
    assert!(none[0].is_err(), "of several that are over, none is meant: {none:?}");
}

#[test]
fn a_prefix_of_an_array_means_the_array_and_its_elements_follow_from_it() {
    let mut history = History::new(4, 1);
    let mut task = Task { array: Some(ArrayRange { first: 10, last: 19 }), ..history.new_task() };
    task.id = task.id.as_array();
    task.parameters.input_data.insert("word".into(), "here".into());
    let array = task.id;
    history.add(TaskSubmitted { task, after: vec![] });
    for place in [1, 2, 3, 7] {
        history.add(TaskMaterialised { array_id: array, task_id: array.element(place), index: 9 + place });
    }
    history.add(TaskFailed { task_id: array.element(2), error: "no".into(), cause: None });
    let (_folder, store) = commit(&history, 100);
    let reader = store.reader().unwrap();
    assert_eq!(reader.resolve_task(&array.to_string()[..30]).unwrap(), array);
    assert_eq!(reader.resolve_task(&array.element(3).to_string()).unwrap(), array.element(3));
    // An element that is not yet a task has an id all the same, as long as it is within the range.
    assert_eq!(reader.resolve_task(&array.element(10).to_string()).unwrap(), array.element(10));
    assert!(reader.resolve_task(&array.element(11).to_string()).is_err());
    let element = reader.start_inputs(&[array.element(7)]).unwrap().remove(0);
    assert_eq!(element.array_index, Some(16));
    assert_eq!(element.parameters.input_data["word"], "here");
    assert_eq!(element.array, None);
    let queued = reader.queued_tasks(&[array]).unwrap().remove(0);
    assert_eq!(queued.materialised, [(1, 3), (7, 7)]);
    assert_eq!(queued.array_failed, 1);
    let restored = store.snapshot().unwrap();
    assert_eq!(restored.tasks[0], queued);
    assert_eq!(restored.tasks.len(), 4);
    assert_eq!((restored.ended.failed, restored.ended.completed), (1, 0));
}

#[test]
fn an_array_that_is_cancelled_counts_what_never_became_a_task() {
    let mut history = History::new(4, 1);
    let mut task = Task { array: Some(ArrayRange { first: 1, last: 10 }), ..history.new_task() };
    task.id = task.id.as_array();
    let array = task.id;
    history.add(TaskSubmitted { task, after: vec![] });
    for place in 1..=3 {
        history.add(TaskMaterialised { array_id: array, task_id: array.element(place), index: place });
    }
    history.add(TaskCancelled { task_id: array, note: None });
    let (folder, mut store) = commit(&history, 100);
    let snapshot = store.snapshot().unwrap();
    assert_eq!(snapshot.ended.cancelled, 7);
    // The array has ended; its elements go on without it.
    assert_eq!(snapshot.tasks.len(), 3);
    assert_eq!(store.reader().unwrap().task(array).unwrap().unwrap().status, TaskStatus::Cancelled);
    let known = history.records.len();
    for place in 1..=3 {
        history.add(TaskCancelled { task_id: array.element(place), note: None });
    }
    store.commit(&history.records[known..]).unwrap();
    let snapshot = store.snapshot().unwrap();
    assert!(snapshot.tasks.is_empty());
    assert_eq!(snapshot.ended.cancelled, 10);
    assert!(crate::store::check(folder.path()).unwrap().differences.is_empty());
}

#[test]
fn a_life_is_seen_from_every_side() {
    let mut history = History::new(6, 2);
    let (agent, task) = (history.agents[0], history.new_task());
    let (task_id, execution_id) = (task.id, ExecutionId::new(history.time(), 99));
    history.add(TaskSubmitted { task, after: vec![] });
    let Event::NodeSeen(seen) = &history.records[4].event else { panic!() };
    let (node_id, cpu) = (seen.node.id, seen.resources[0].id);
    let cage_id = "001".parse().unwrap();
    history.add(ExecutionScheduled {
        execution_id,
        task_id,
        agent_id: agent,
        cage_id,
        node_id,
        attempt: 1,
        held: vec![Held { id: crate::domain::AllocationId::new(history.time(), 5), resource_id: cpu, quantity: 8000 }],
        choice: Some(crate::domain::selection::Choice {
            score: 800,
            factors: [Some(1000), None, None, None, None, None, None],
            learned: -20,
            among: 3,
            better: None,
        }),
    });
    let (folder, mut store) = commit(&history, 100);
    let reader = store.reader().unwrap();
    let seen = reader.agent(agent).unwrap().unwrap();
    assert_eq!(
        (seen.status, seen.running, seen.current_task_id, seen.cage_id),
        (AgentStatus::Active, 1, Some(task_id), Some(cage_id))
    );
    assert_eq!(reader.cage(cage_id).unwrap().unwrap().agent_id, Some(agent));
    let resource = reader.resources(&ask(&[("name", "cpu")], "", 1, 0)).unwrap().items.remove(0);
    assert_eq!((resource.allocated, resource.status.as_str()), (8000, "allocated"));
    let held = reader.allocations(&ask(&[("task", &task_id.to_string())], "", 9, 0)).unwrap().items.remove(0);
    assert_eq!((held.status, held.period.end, held.resource_id), (AllocationStatus::Active, None, cpu));
    assert_eq!(store.snapshot().unwrap().executions[0].held[0].quantity, 8000);
    let known = history.records.len();
    let started_at = history.time();
    history.add(ExecutionStarted { execution_id, task_id, started_at });
    let ended_at = started_at.plus(crate::domain::Span::from_millis(250));
    let outcome = Outcome {
        result: Some(serde_json::json!({"n": 1})),
        summary: Some("done it".into()),
        progress: Some(80),
        ..Outcome::new(OutcomeKind::Succeeded, "")
    };
    history.add(ExecutionEnded {
        execution_id,
        task_id,
        agent_id: agent,
        started_at: Some(started_at),
        ended_at,
        outcome,
        task_status: TaskStatus::Completed,
        attempts: 1,
        losses: 0,
        not_before: None,
        agent_failures: 0,
        kind: Some("processing".into()),
        after: vec![],
        lesson: None,
        slack: None,
    });
    store.commit(&history.records[known..]).unwrap();
    let done = reader.task(task_id).unwrap().unwrap();
    assert_eq!((done.status, done.attempts, done.completed_at), (TaskStatus::Completed, 1, Some(ended_at)));
    assert_eq!(done.output, Some(serde_json::json!({"n": 1})));
    let execution = reader.execution(execution_id).unwrap().unwrap();
    assert_eq!(execution.metrics.duration, Some(crate::domain::Span::from_millis(250)));
    assert_eq!((execution.progress, execution.output_summary.as_deref()), (Some(80), Some("done it")));
    assert_eq!(execution.result.output, Some(serde_json::json!({"n": 1})));
    let seen = reader.agent(agent).unwrap().unwrap();
    assert_eq!(
        (seen.status, seen.counters.success_count, seen.counters.avg_execution_time_ms),
        (AgentStatus::Idle, 1, Some(250))
    );
    assert_eq!(seen.cage_id, None);
    let held = reader.allocations(&Query::default()).unwrap().items.remove(0);
    assert_eq!((held.status, held.period.end), (AllocationStatus::Released, Some(ended_at)));
    assert!(reader.allocations(&ask(&[("status", "active")], "", 9, 0)).unwrap().items.is_empty());
    drop(folder);
}
