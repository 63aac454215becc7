//! Every command that has an inverse is taken back by it, to what was before.

use super::world::*;
use crate::domain::command::Command;
use crate::domain::task::ArrayRange;
use crate::domain::*;

const FLEET: &str = r#"
[[cage]]
range = "001-003"
limits = { cpu = 4, memory = "1GiB" }
[[agent]]
name = "boss"
cage = "001"
[[agent]]
name = "worker"
cage = "002"
reports_to = "boss"
concurrency = 2
[[agent]]
name = "float"
"#;

/// Everything that people decide about, without what merely counts.
fn decided(world: &World) -> Vec<String> {
    let mut parts = vec![];
    world.core.describe(|part| {
        if ["task ", "cage ", "agent ", "OpenArtifact", "Alert "].iter().any(|start| part.starts_with(start)) {
            parts.push(part);
        }
    });
    parts
}

fn inverse_of(reply: Reply) -> Vec<Command> {
    match reply {
        Reply::Items { inverse, .. } | Reply::Submitted { inverse, .. } => inverse,
        Reply::Applied { .. } => vec![],
    }
}

/// Does something, takes it back, and compares; then does it again by the inverse of the inverse.
fn there_and_back(world: &mut World, command: &Command) {
    let before = decided(world);
    let inverse = inverse_of(world.command(command.clone()).unwrap());
    let after = decided(world);
    assert_ne!(before, after, "{command:?} did nothing");
    assert!(!inverse.is_empty(), "{command:?} has no inverse");
    let mut redo = vec![];
    for command in inverse {
        redo.splice(0..0, inverse_of(world.command(command).unwrap()));
    }
    assert_eq!(before, decided(world), "{command:?} was not taken back");
    for command in redo {
        world.command(command).unwrap();
    }
    assert_eq!(after, decided(world), "{command:?} was not done again");
    world.assert_durable();
}

#[test]
fn tasks_get_their_old_priorities_and_places_back() {
    let mut world = World::new(FLEET);
    let mut ids: Vec<_> = (1..4).map(|priority| world.submit(NewTask { priority, ..task() })).collect();
    let array = world.submit(NewTask { array: Some(ArrayRange { first: 1, last: 9 }), priority: 2, ..task() });
    world.schedule();
    // One element has another priority than its array.
    let element = world.running().into_iter().map(|(_, id, ..)| id).find(|id| id.as_array() == array).unwrap();
    world.command(Command::PrioritiseTasks { ids: vec![element], priority: 9 }).unwrap();
    ids.push(array);
    there_and_back(&mut world, &Command::PrioritiseTasks { ids: ids.clone(), priority: 10 });
    // The element and its array, in the order that tempts an undo to mix them up.
    there_and_back(&mut world, &Command::PrioritiseTasks { ids: vec![element, array], priority: 7 });
    there_and_back(&mut world, &Command::ReassignTasks { ids: vec![array], agent: None, cage: Some(cage(3)) });
    let mut world = World::new(FLEET);
    let ids = vec![world.submit(NewTask { cage: Some(cage(2)), ..task() }), world.submit(task())];
    let agent = Some(world.agent("float"));
    there_and_back(&mut world, &Command::ReassignTasks { ids, agent, cage: None });
}

#[test]
fn what_was_cancelled_comes_back_with_what_failed_for_it() {
    let mut world = World::new(FLEET);
    let key = |key: &str, on: &[&str]| NewTask {
        key: Some(key.into()),
        depends_on: on.iter().map(|key| (*key).to_owned()).collect(),
        ..task()
    };
    let ids = world.submit_all(vec![key("a", &[]), key("b", &["a"]), key("c", &["b", "a"])]).unwrap();
    there_and_back(&mut world, &Command::CancelTasks { ids: vec![ids[0]], note: None, pending_only: false });
    // Redone: everything is cancelled or failed, and one more undo brings it back.
    world.command(Command::RetryTasks { ids: ids.clone() }).unwrap();
    assert_eq!(world.schedule(), [ids[0]]);
    // Work that was stopped cannot be given back.
    let reply = world.command(Command::CancelTasks { ids: vec![ids[0]], note: None, pending_only: false }).unwrap();
    assert_eq!(inverse_of(reply), []);
}

#[test]
fn a_cancelled_array_comes_back_whole_unless_that_would_be_too_much() {
    let mut world = World::new(FLEET);
    let array = NewTask { array: Some(ArrayRange { first: 0, last: 19 }), max_attempts: 1, ..task() };
    let id = world.submit(array.clone());
    there_and_back(&mut world, &Command::CancelTasks { ids: vec![id], note: None, pending_only: false });
    let id = world.submit(array);
    let running = world.schedule();
    world.finish(running[0], OutcomeKind::Failed);
    for task in &running[1..] {
        world.finish(*task, OutcomeKind::Succeeded);
    }
    // A retry of the array would bring the failed element back, too.
    let reply = world.command(Command::CancelTasks { ids: vec![id], note: None, pending_only: false }).unwrap();
    assert_eq!(inverse_of(reply), []);
    world.command(Command::RetryTasks { ids: vec![id] }).unwrap();
    assert_eq!(world.status(running[0]), TaskStatus::Pending);
    assert_eq!(world.status(running[1]), TaskStatus::Completed);
    world.assert_durable();
}

#[test]
fn an_array_that_failed_retries_what_failed_and_ends_well() {
    let mut world = World::new(FLEET);
    let id = world.submit(NewTask { array: Some(ArrayRange { first: 5, last: 7 }), max_attempts: 1, ..task() });
    let mut ran = vec![];
    while world.core.task_status(id).is_some() {
        for task in world.schedule() {
            ran.push(task);
            world.finish(task, if task.place() == 2 { OutcomeKind::Failed } else { OutcomeKind::Succeeded });
        }
    }
    assert_eq!(world.status(id), TaskStatus::Failed);
    world.command(Command::RetryTasks { ids: vec![id] }).unwrap();
    world.assert_durable();
    assert_eq!(world.schedule(), [id.element(2)]);
    world.finish(id.element(2), OutcomeKind::Succeeded);
    assert_eq!((world.status(id), ran.len()), (TaskStatus::Completed, 3));
    assert!(world.command(Command::RetryTasks { ids: vec![id] }).is_err());
    let counts = world.core.counts().tasks;
    assert_eq!((counts.completed, counts.failed), (3, 0));
}

#[test]
fn fleets_are_put_back_as_they_were() {
    let mut world = World::new(FLEET);
    let (boss, worker, float) = (world.agent("boss"), world.agent("worker"), world.agent("float"));
    there_and_back(&mut world, &Command::DrainAgents { ids: vec![boss, float] });
    world.command(Command::ResumeAgents { ids: vec![boss, float] }).unwrap();
    there_and_back(&mut world, &Command::SetCageMaintenance { ids: vec![cage(1), cage(2)], on: true });
    world.command(Command::SetCageMaintenance { ids: vec![cage(1), cage(2)], on: false }).unwrap();
    there_and_back(&mut world, &Command::ReassignAgents { ids: vec![float], cage: Some(cage(3)) });
    there_and_back(&mut world, &Command::ReassignAgents { ids: vec![worker, boss], cage: None });
    let changes = serde_json::from_value(serde_json::json!({
        "role": "tester", "reports_to": null, "cage": null, "keywords": ["a"], "command": ["true"], "concurrency": 4,
    }));
    there_and_back(&mut world, &Command::SetAgent { id: worker, changes: Box::new(changes.unwrap()) });
    world.command(Command::ReassignAgents { ids: vec![worker], cage: Some(cage(1)) }).unwrap();
    let before = decided(&world);
    let inverse = inverse_of(world.command(Command::VacateCages { ids: vec![cage(1)] }).unwrap());
    assert_ne!(before, decided(&world));
    for command in inverse {
        world.command(command).unwrap();
    }
    assert_eq!(before, decided(&world));
    // Removed agents come back by their names: the one that others report to first.
    let inverse = inverse_of(world.command(Command::RemoveAgents { ids: vec![worker, boss] }).unwrap());
    for command in inverse {
        world.command(command).unwrap();
    }
    assert_eq!(world.core.agent_spec(world.agent("worker")).unwrap().cage, Some(cage(1)));
    let inverse = inverse_of(world.command(Command::AddAgent { agent: Box::new(AgentSpec::new("new")) }).unwrap());
    for command in inverse {
        world.command(command).unwrap();
    }
    assert!(world.core.agent_by_name("new").is_none());
}

/// A task with an artifact, and one that waits for its approval.
fn gated(world: &mut World, kind: ArtifactType) -> (ArtifactId, TaskId) {
    let first = world.submit(task());
    let gated = world.submit(NewTask { depends_on: vec![first.to_string()], approval_gate: true, ..task() });
    world.schedule();
    let known: Vec<_> = world.artifacts.keys().copied().collect();
    let found = artifact::FoundArtifact {
        kind,
        title: "a.md".into(),
        content: None,
        path: None,
        size: 0,
        digest: String::new(),
        metadata: serde_json::Map::new(),
        quality: None,
        difference: None,
    };
    let execution_id = world.execution(first);
    let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
    world.report(link::Report::Ended { execution_id, started_at: None, outcome, artifacts: vec![found] });
    let id = *world.artifacts.keys().find(|id| !known.contains(id)).unwrap();
    (id, gated)
}

#[test]
fn judgements_are_taken_back_and_gates_close_again() {
    let mut world = World::new(FLEET);
    let (id, gated) = gated(&mut world, ArtifactType::Doc);
    there_and_back(&mut world, &Command::ReviewArtifacts { ids: vec![id], approve: true, note: None, quality: None });
    world.command(Command::ReopenReviews { ids: vec![id] }).unwrap();
    assert_eq!(world.schedule(), []);
    there_and_back(&mut world, &Command::ReviewArtifacts { ids: vec![id], approve: false, note: None, quality: None });
    // From rejected to approved, and back to rejected.
    there_and_back(&mut world, &Command::ReviewArtifacts { ids: vec![id], approve: true, note: None, quality: None });
    assert_eq!(world.schedule(), [gated]);
    let refused = world.command(Command::ReopenReviews { ids: vec![ArtifactId(gated.0)] }).unwrap_err();
    assert_eq!(refused.kind, RefusalKind::NotFound);
}

#[test]
fn what_is_of_high_risk_is_judged_alone() {
    let mut world = World::new(FLEET);
    let (doc, _) = gated(&mut world, ArtifactType::Doc);
    let (decision, _) = gated(&mut world, ArtifactType::Decision);
    let both = |approve| Command::ReviewArtifacts { ids: vec![decision, doc], approve, note: None, quality: None };
    let Reply::Items { done, refused, .. } = world.command(both(true)).unwrap() else { panic!() };
    assert_eq!((done, refused.len()), (vec![doc.to_string()], 1));
    assert_eq!(refused[0].item, decision.to_string());
    assert!(refused[0].refusal.to_string().contains("alone"), "{}", refused[0].refusal);
    // Named twice it is still alone.
    world
        .command(Command::ReviewArtifacts { ids: vec![decision, decision], approve: true, note: None, quality: None })
        .unwrap();
}

#[test]
fn snoozing_is_taken_back_to_what_was_before() {
    let mut world = World::new(FLEET);
    let (id, waiting) = gated(&mut world, ArtifactType::Doc);
    let snooze = |id: uuid::Uuid, seconds: i64| Command::SnoozeReviews {
        ids: vec![ReviewId(id)],
        until: Some(time::When::In(Span::from_secs(seconds))),
    };
    there_and_back(&mut world, &snooze(id.0, 60));
    there_and_back(&mut world, &snooze(id.0, 120));
    assert!(world.command(snooze(waiting.0, 60)).is_err(), "only what failed waits for a human");
    assert!(world.command(snooze(id.0, 0)).is_err());
    let failing = world.submit(NewTask { max_attempts: 1, ..task() });
    world.schedule();
    world.finish(failing, OutcomeKind::Failed);
    for seconds in [60, 90] {
        let before = world.snoozed.clone();
        let inverse = inverse_of(world.command(snooze(failing.0, seconds)).unwrap());
        assert_ne!(world.snoozed, before);
        world.command(inverse[0].clone()).unwrap();
        assert_eq!(world.snoozed, before);
        world.command(snooze(failing.0, seconds)).unwrap();
    }
}

#[test]
fn nothing_done_leaves_nothing_to_take_back() {
    let mut world = World::new(FLEET);
    let id = world.submit(NewTask { priority: 4, ..task() });
    let reply = world.command(Command::PrioritiseTasks { ids: vec![id], priority: 4 }).unwrap();
    assert_eq!(inverse_of(reply), []);
    let ids = vec![world.agent("float")];
    assert_eq!(inverse_of(world.command(Command::ResumeAgents { ids }).unwrap()), []);
    assert_eq!(inverse_of(world.apply("[defaults]\nageing = \"1m\"\n").unwrap()), []);
    let reply = world.command(Command::SubmitTasks { tasks: vec![task(); 3], keep_going: false }).unwrap();
    for command in inverse_of(reply) {
        world.command(command).unwrap();
    }
    assert_eq!((world.core.counts().tasks.pending, world.core.counts().tasks.cancelled), (1, 3));
}
