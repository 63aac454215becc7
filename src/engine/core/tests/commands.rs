//! What people ask for, and how bad requests are refused: by field and value, with nothing left behind.

use super::world::*;
use crate::domain::agent::Capability;
use crate::domain::command::Command;
use crate::domain::task::ArrayRange;
use crate::domain::*;

const FLEET: &str = r#"
[[cage]]
id = "001"
limits = { cpu = 2, memory = "128MiB", tokens = 1000 }
[[cage]]
range = "002-003"
limits = { cpu = 4, memory = "1GiB", gpu = 1 }
[[agent]]
name = "tester"
capabilities = ["shell"]
cage = "001"
concurrency = 2
[[agent]]
name = "coder"
capabilities = ["shell", "cuda"]
cage = "002"
"#;

#[test]
fn what_no_cage_can_ever_meet_is_refused_with_the_nearest() {
    let mut world = World::new(FLEET);
    let mut new = task();
    new.requirements.memory = Bytes::from_mib(2048);
    let refusal = world.submit_all(vec![new]).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Impossible);
    assert!(refusal.to_string().contains("cage 002 comes nearest: memory 2"), "{refusal}");
    let mut new = task();
    new.requirements.capabilities = vec!["cudda".into()];
    let refusal = world.submit_all(vec![new]).unwrap_err();
    assert!(refusal.to_string().contains("did you mean \"cuda\"?"), "{refusal}");
    let mut new = NewTask { cage: Some(cage(1)), ..task() };
    new.requirements.tokens = 2000;
    assert_eq!(world.submit_all(vec![new]).unwrap_err().kind, RefusalKind::Impossible);
}

#[test]
fn a_task_that_nobody_has_a_command_for_is_refused() {
    let mut world = World::new(FLEET);
    let refusal = world.submit_all(vec![task(), bare()]).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Impossible);
    let said = refusal.to_string();
    for part in ["task 2: parameters.configuration.command", "coder", "tester", "give the task a command"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // One able agent with a command is enough, and only it is given such tasks.
    let runtime = "runtime = { type = \"command\", command = [\"work\"] }";
    world.apply(&FLEET.replace("name = \"tester\"", &format!("name = \"tester\"\n{runtime}"))).unwrap();
    let ids = world.submit_all(vec![bare(), bare(), bare()]).unwrap();
    let pinned = NewTask { agent: Some("coder".into()), ..bare() };
    let refusal = world.submit_all(vec![pinned]).unwrap_err();
    assert_eq!(refusal.field, "task 1: parameters.configuration.command");
    assert!(!refusal.to_string().contains("tester"), "the pin leaves only one: {refusal}");
    assert_eq!(world.schedule(), ids[..2]);
    assert!(ids[..2].iter().all(|id| world.place(*id).0 == "tester"));
}

#[test]
fn a_named_agent_without_a_place_to_work_is_named_and_its_abilities_are_not_blamed() {
    let mut world = World::new(&format!("{FLEET}[[agent]]\nname = \"guest\"\ncapabilities = [\"shell\", \"fly\"]\n"));
    let for_guest = |capability: &str| {
        let mut new = NewTask { agent: Some("guest".into()), ..task() };
        new.requirements.capabilities = vec![capability.into()];
        new
    };
    let waiting = world.submit(for_guest("fly"));
    // The only cage that was nobody's home becomes somebody's.
    world.apply("[[agent]]\nname = \"settler\"\ncage = \"003\"").unwrap();
    let explanation = world.core.explain(world.now, waiting).unwrap();
    let says = |part: &str| explanation.reasons.iter().any(|reason| reason.text.contains(part));
    assert!(says("agent guest may work in"), "{:?}", explanation.reasons);
    assert!(explanation.change.unwrap().ends_with("give agent guest a home"));
    for new in [NewTask { agent: Some("guest".into()), ..task() }, for_guest("shell")] {
        let refusal = world.submit_all(vec![new]).unwrap_err();
        assert_eq!(refusal.field, "task 1: cage");
        assert!(refusal.value.contains("agent guest could do it and has no cage to work in"), "{refusal}");
    }
    let refusal = world.submit_all(vec![for_guest("cuda")]).unwrap_err();
    assert!(refusal.to_string().contains("allowed: what agent guest can do"), "{refusal}");
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    let mut world = World::new(FLEET);
    let refusal = world.submit_all(vec![NewTask { agent: Some("testr".into()), ..task() }]).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::NotFound);
    assert!(refusal.to_string().contains("\"tester\""), "{refusal}");
    let refusal = world.submit_all(vec![NewTask { cage: Some(cage(77)), ..task() }]).unwrap_err();
    assert!(refusal.to_string().contains("cage \"077\" does not exist"), "{refusal}");
    let id = TaskId::new(START, 5).to_string();
    let refusal = world.submit_all(vec![NewTask { depends_on: vec![id], ..task() }]).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::NotFound);
}

fn keyed(key: &str, on: &[&str]) -> NewTask {
    NewTask { key: Some(key.into()), depends_on: on.iter().map(|key| (*key).to_owned()).collect(), ..task() }
}

#[test]
fn a_cycle_is_named() {
    let mut world = World::new(FLEET);
    let tasks = vec![keyed("a", &["c"]), keyed("b", &["a"]), keyed("c", &["b"]), keyed("d", &[])];
    let refusal = world.submit_all(tasks.clone()).unwrap_err();
    assert!(refusal.to_string().contains("a -> c -> b -> a"), "{refusal}");
    let reply = world.command(Command::SubmitTasks { tasks, keep_going: true }).unwrap();
    let Reply::Submitted { ids, refused, .. } = reply else { panic!("{reply:?}") };
    assert_eq!((ids.len(), refused.len()), (1, 3));
}

#[test]
fn a_batch_may_name_what_comes_later_and_keeps_its_ids_in_order() {
    let mut world = World::new(FLEET);
    let ids = world.submit_all(vec![keyed("late", &["early"]), keyed("early", &[])]).unwrap();
    assert!(ids[0] < ids[1]);
    assert_eq!(world.schedule(), [ids[1]]);
    world.finish(ids[1], OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [ids[0]]);
    world.assert_durable();
}

#[test]
fn keep_going_refuses_the_dependents_of_the_refused() {
    let mut world = World::new(FLEET);
    let mut bad = keyed("bad", &[]);
    bad.priority = 11;
    let tasks = vec![bad, keyed("child", &["bad"]), keyed("grandchild", &["child"]), keyed("other", &[])];
    assert!(world.submit_all(tasks.clone()).unwrap_err().to_string().contains("priority"));
    let Reply::Submitted { ids, refused, .. } =
        world.command(Command::SubmitTasks { tasks, keep_going: true }).unwrap()
    else {
        panic!()
    };
    assert_eq!(ids.len(), 1);
    assert_eq!(refused.iter().map(|item| item.item.as_str()).collect::<Vec<_>>(), ["0", "1", "2"]);
}

#[test]
fn a_failure_takes_its_dependents_along() {
    let mut world = World::new(FLEET);
    let new = |key, on: &[&str]| NewTask { max_attempts: 1, ..keyed(key, on) };
    let ids = world.submit_all(vec![new("a", &[]), new("b", &["a"]), new("c", &["b"])]).unwrap();
    world.schedule();
    world.finish(ids[0], OutcomeKind::Failed);
    assert!(ids.iter().all(|id| world.status(*id) == TaskStatus::Failed));
    let refusal = world.submit_all(vec![NewTask { depends_on: vec![ids[0].to_string()], ..task() }]).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Conflict);
    // The dependent may come back only with what it depends on.
    assert!(world.command(Command::RetryTasks { ids: vec![ids[1]] }).is_err());
    world.command(Command::RetryTasks { ids: vec![ids[0], ids[1]] }).unwrap();
    assert_eq!(world.schedule(), [ids[0]]);
    world.assert_durable();
}

#[test]
fn a_gate_waits_for_approval() {
    let mut world = World::new(FLEET);
    let first = world.submit(task());
    let gated = world.submit(NewTask { depends_on: vec![first.to_string()], approval_gate: true, ..task() });
    world.schedule();
    let found = artifact::FoundArtifact {
        kind: ArtifactType::Doc,
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
    world.report(link::Report::Ended {
        execution_id,
        started_at: None,
        outcome: Box::new(Outcome::new(OutcomeKind::Succeeded, "")),
        artifacts: vec![found],
    });
    assert_eq!(world.schedule(), []);
    let why = world.core.explain(world.now, gated).unwrap();
    assert!(why.change.unwrap().starts_with("menagerie artifact approve"));
    let ids: Vec<_> = world.artifacts.keys().copied().collect();
    world.command(Command::ReviewArtifacts { ids: ids.clone(), approve: false, note: None, quality: None }).unwrap();
    assert_eq!(world.schedule(), []);
    world.command(Command::ReviewArtifacts { ids: ids.clone(), approve: true, note: None, quality: None }).unwrap();
    assert!(world.command(Command::ReviewArtifacts { ids, approve: true, note: None, quality: None }).is_err());
    assert_eq!(world.schedule(), [gated]);
    world.assert_durable();
}

#[test]
fn an_array_is_one_record_until_it_starts() {
    let mut world = World::new(FLEET);
    let before = world.records.len();
    let array = world.submit(NewTask { array: Some(ArrayRange { first: 10, last: 1009 }), ..task() });
    assert_eq!(world.records.len(), before + 1);
    assert_eq!(world.core.counts().tasks.pending, 1000);
    assert_eq!(world.schedule().len(), 3);
    world.command(Command::CancelTasks { ids: vec![array.element(500)], note: None, pending_only: false }).unwrap();
    assert_eq!(world.core.counts().tasks.pending, 996);
    world.command(Command::CancelTasks { ids: vec![array], note: None, pending_only: false }).unwrap();
    assert_eq!(world.core.counts().tasks.pending, 0);
    for (_, id, ..) in world.running() {
        world.finish(id, OutcomeKind::Cancelled);
    }
    assert_eq!(world.core.counts().tasks.cancelled, 1000);
    world.assert_durable();
    // The whole array comes back, elements that never started included.
    world.command(Command::RetryTasks { ids: vec![array] }).unwrap();
    let counts = world.core.counts().tasks;
    assert_eq!((counts.pending, counts.cancelled), (1000, 0));
    world.assert_durable();
    world.command(Command::CancelTasks { ids: vec![array], note: None, pending_only: false }).unwrap();
    assert_eq!(world.core.counts().tasks.cancelled, 1000);
}

#[test]
fn cancelling_a_running_task_waits_for_the_worker_and_success_before_it_counts() {
    let mut world = World::new(FLEET);
    let (one, two) = (world.submit(task()), world.submit(task()));
    world.schedule();
    world.command(Command::CancelTasks { ids: vec![one, two], note: None, pending_only: false }).unwrap();
    assert_eq!(world.status(one), TaskStatus::Scheduled);
    world.finish(one, OutcomeKind::Failed);
    world.finish(two, OutcomeKind::Succeeded);
    assert_eq!((world.status(one), world.status(two)), (TaskStatus::Cancelled, TaskStatus::Completed));
    assert!(world.command(Command::RetryTasks { ids: vec![two] }).is_err());
}

#[test]
fn a_fleet_applied_twice_changes_nothing_and_shows_its_differences() {
    let mut world = World::new(FLEET);
    assert_eq!(world.apply(FLEET).unwrap(), Reply::Applied { changes: vec![], unchanged: 5, warnings: vec![] });
    let reply =
        world.apply("[[cage]]\nid = \"001\"\nlimits = { cpu = 2, memory = \"256MiB\", tokens = 1000 }\n").unwrap();
    let Reply::Applied { changes, .. } = reply else { panic!("{reply:?}") };
    assert_eq!(changes[0].what, "cage 001");
    assert_eq!(changes[0].fields, ["limits.memory: 128MiB -> 256MiB"]);
    world.assert_durable();
}

#[test]
fn a_bad_fleet_is_refused_whole() {
    let mut world = World::new(FLEET);
    let boss = "[[agent]]\nname = \"a\"\nreports_to = \"b\"\n[[agent]]\nname = \"b\"\nreports_to = \"a\"\n";
    assert!(world.apply(boss).unwrap_err().to_string().contains("a -> b -> a"));
    let shared = "[[agent]]\nname = \"thief\"\ncage = \"001\"\n";
    assert!(world.apply(shared).unwrap_err().to_string().contains("home of tester"));
    assert!(world.apply("[[agent]]\nname = \"x\"\ncage = \"900\"\n").is_err());
    let mut taken = AgentSpec::new("tester");
    taken.capabilities = vec![Capability { kind: "x".into(), parameters: serde_json::Map::new() }];
    assert!(world.command(Command::AddAgent { agent: Box::new(taken) }).is_err());
}

#[test]
fn agents_come_and_go() {
    let mut world = World::new(FLEET);
    let coder = world.agent("coder");
    let pinned = world.submit(NewTask { agent: Some("coder".into()), ..task() });
    assert!(world.command(Command::RemoveAgents { ids: vec![coder] }).is_err());
    world.schedule();
    assert_eq!(world.place(pinned), ("coder".to_owned(), cage(2)));
    assert!(world.command(Command::ReassignAgents { ids: vec![coder], cage: Some(cage(1)) }).is_err());
    world.command(Command::ReassignAgents { ids: vec![coder], cage: Some(cage(3)) }).unwrap();
    world.finish(pinned, OutcomeKind::Preempted);
    world.schedule();
    assert_eq!(world.place(pinned), ("coder".to_owned(), cage(3)));
    world.command(Command::DrainAgents { ids: vec![coder] }).unwrap();
    assert_eq!(world.core.agent_status(coder), Some(AgentStatus::Maintenance));
    world.finish(pinned, OutcomeKind::Succeeded);
    world.command(Command::RemoveAgents { ids: vec![coder] }).unwrap();
    world.assert_durable();
}

#[test]
fn vacating_sends_work_and_agent_away() {
    let mut world = World::new(FLEET);
    let id = world.submit(NewTask { agent: Some("coder".into()), ..task() });
    world.schedule();
    world.command(Command::VacateCages { ids: vec![cage(2)] }).unwrap();
    world.finish(id, OutcomeKind::Preempted);
    world.command(Command::SetCageMaintenance { ids: vec![cage(2)], on: true }).unwrap();
    world.schedule();
    assert_eq!(world.place(id), ("coder".to_owned(), cage(3)));
    world.assert_durable();
}

#[test]
fn reassigning_a_running_task_moves_it() {
    let mut world = World::new(FLEET);
    let id = world.submit(task());
    world.schedule();
    let (agent, _) = world.place(id);
    let other = if agent == "tester" { "coder" } else { "tester" };
    let to = world.agent(other);
    world.command(Command::ReassignTasks { ids: vec![id], agent: Some(to), cage: None }).unwrap();
    world.finish(id, OutcomeKind::Preempted);
    world.schedule();
    assert_eq!(world.place(id).0, other);
    world.assert_durable();
}

#[test]
fn a_command_about_cages_of_which_one_is_unknown_changes_none() {
    let mut world = World::new(FLEET);
    let before = world.core.seq();
    for command in [
        Command::SetCageMaintenance { ids: vec![cage(1), cage(77)], on: true },
        Command::VacateCages { ids: vec![cage(1), cage(77)] },
    ] {
        let refusal = world.command(command).unwrap_err();
        assert!(refusal.to_string().contains("cage \"077\" does not exist"), "{refusal}");
    }
    assert_eq!(world.core.seq(), before, "something was left behind");
}

#[test]
fn a_cage_whose_agent_cannot_do_it_says_what_that_lacks() {
    let mut world = World::new(FLEET);
    let mut new = NewTask { cage: Some(cage(1)), ..task() };
    new.requirements.capabilities = vec!["cuda".into()];
    let refusal = world.submit_all(vec![new]).unwrap_err().to_string();
    assert!(refusal.contains("agent tester lives in cage 001 and lacks cuda"), "{refusal}");
}

#[test]
fn what_runs_is_refused_where_only_what_waits_is_to_be_cancelled() {
    let mut world = World::new(FLEET);
    let runs = world.submit(task());
    let array = world.submit(NewTask { array: Some(ArrayRange { first: 1, last: 9 }), ..task() });
    let started = world.schedule();
    assert!(started.contains(&runs) && started.iter().any(|id| id.as_array() == array && *id != array), "{started:?}");
    let cancel = |id| Command::CancelTasks { ids: vec![id], note: None, pending_only: true };
    // The array itself is pending; of its elements some run.
    for id in [runs, array] {
        let refused = world.command(cancel(id)).unwrap_err().to_string();
        assert!(refused.contains("a task that does not run"), "{refused}");
    }
    assert_eq!(world.running().len(), started.len());
    assert_eq!(world.status(runs), TaskStatus::Scheduled);
    world.command(cancel(array.element(9))).unwrap();
    let waits = world.submit(task());
    world.command(cancel(waits)).unwrap();
    world.assert_durable();
}

#[test]
fn a_quality_is_from_0_to_1_and_stands_in_the_record() {
    let mut world = World::new(FLEET);
    let first = world.submit(task());
    world.schedule();
    let found = artifact::FoundArtifact {
        kind: ArtifactType::Doc,
        title: "a.md".into(),
        content: None,
        path: None,
        size: 0,
        digest: String::new(),
        metadata: serde_json::Map::new(),
        quality: Some(0.5),
        difference: None,
    };
    let execution_id = world.execution(first);
    let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
    world.report(link::Report::Ended { execution_id, started_at: None, outcome, artifacts: vec![found] });
    let id = *world.artifacts.keys().next().unwrap();
    let review =
        |quality| Command::ReviewArtifacts { ids: vec![id], approve: true, note: None, quality: Some(quality) };
    for wrong in [-0.01, 1.01, f64::NAN, f64::INFINITY] {
        assert_eq!(world.command(review(wrong)).unwrap_err().field, "quality");
    }
    world.command(review(1.0)).unwrap();
    let said = world.records.iter().rev().find_map(|record| match &record.event {
        Event::ArtifactAdded(event) => Some(event.artifact.quality_score),
        Event::ArtifactReviewed(event) => Some(event.quality),
        _ => None,
    });
    assert_eq!(said, Some(Some(1.0)));
    let reported = world.records.iter().find_map(|record| match &record.event {
        Event::ArtifactAdded(event) => Some(event.artifact.quality_score),
        _ => None,
    });
    assert_eq!(reported, Some(Some(0.5)));
    world.assert_durable();
}

#[test]
fn a_note_has_a_longest_length() {
    let mut world = World::new(FLEET);
    let id = world.submit(task());
    let note = |length: usize| Some("ä".repeat(length));
    let cancel = |length| Command::CancelTasks { ids: vec![id], note: note(length), pending_only: false };
    let refusal = world.command(cancel(4001)).unwrap_err();
    assert_eq!((refusal.field.as_str(), refusal.value.as_str()), ("note", "4001 characters"), "{refusal}");
    let rate = Command::RateTasks { ids: vec![id], rating: Some(1), note: note(4001) };
    assert_eq!(world.command(rate).unwrap_err().field, "note");
    let review = Command::ReviewArtifacts { ids: vec![], approve: false, note: note(4001), quality: None };
    assert_eq!(world.command(review).unwrap_err().field, "note");
    let acknowledge = Command::AcknowledgeAlerts { ids: vec![], note: note(4001) };
    assert_eq!(world.command(acknowledge).unwrap_err().field, "note");
    for (action, notes, field) in [(4001, 1, "action"), (1, 4001, "notes")] {
        let resolve = Command::ResolveAlerts { ids: vec![], action: note(action), notes: note(notes) };
        assert_eq!(world.command(resolve).unwrap_err().field, field);
    }
    world.command(cancel(4000)).unwrap();
}
