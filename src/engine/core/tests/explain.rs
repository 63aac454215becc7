//! The smallest change that is named really lets the task start.

use super::world::*;
use crate::domain::artifact::FoundArtifact;
use crate::domain::command::Command;
use crate::domain::task::ArrayRange;
use crate::domain::time::When;
use crate::domain::*;
use crate::engine::core::{Explanation, ReasonKind};

const FLEET: &str = r#"
[[cage]]
range = "001-002"
limits = { cpu = 4, memory = "200MiB", tokens = 2000 }
[[agent]]
name = "one"
cage = "001"
capabilities = ["shell"]
runtime = { type = "command", command = ["work"] }
[[agent]]
name = "two"
cage = "002"
capabilities = ["read"]
[defaults]
breaker = { failures = 1, cooldown = "1h" }
"#;

fn explain(world: &World, id: TaskId) -> Explanation {
    world.core.explain(world.now, id).unwrap()
}

/// Does what is suggested, after which the task starts.
fn follow(world: &mut World, id: TaskId) -> String {
    assert_eq!(world.schedule(), []);
    let change = explain(world, id).smallest_change.unwrap();
    world.command(change.command.unwrap()).unwrap();
    assert_eq!(world.schedule(), [id], "{}", change.text);
    world.finish(id, OutcomeKind::Succeeded);
    change.text
}

fn found() -> FoundArtifact {
    FoundArtifact {
        kind: ArtifactType::Doc,
        title: "a.md".into(),
        content: None,
        path: None,
        size: 0,
        digest: String::new(),
        metadata: serde_json::Map::new(),
        quality: None,
        difference: None,
    }
}

fn big() -> NewTask {
    let mut new = task();
    new.requirements.capabilities = vec!["shell".into()];
    new.requirements.memory = Bytes::from_mib(200);
    new.requirements.tokens = 2000;
    new
}

#[test]
fn a_task_whose_agent_lost_its_command_says_so() {
    let without = FLEET.replace("runtime = { type = \"command\", command = [\"work\"] }\n", "");
    let mut world = World::new(FLEET);
    let id = world.submit(NewTask { agent: Some("one".into()), ..NewTask::new("processing") });
    world.apply(&without).unwrap();
    assert_eq!(world.schedule(), []);
    let said = explain(&world, id);
    let agents = said.reasons.iter().find(|reason| reason.text.contains("can do this")).unwrap();
    assert!(agents.blocking);
    assert_eq!(agents.text, "0 agents can do this, 1 could if the task or they had a command (one)");
    assert!(said.smallest_change.unwrap().text.starts_with("give agent one a command in the fleet file"));
    world.apply(FLEET).unwrap();
    assert_eq!(world.schedule(), [id]);
}

#[test]
fn a_task_for_an_agent_that_is_busy_may_be_given_to_one_that_is_free() {
    let for_agent = |name: &str| NewTask { agent: Some(name.into()), ..task() };
    let mut world = World::new(FLEET);
    let first = world.submit(for_agent("one"));
    assert_eq!(world.schedule(), [first]);
    let id = world.submit(for_agent("one"));
    assert_eq!(explain(&world, id).change, Some(format!("menagerie task reassign {id} --agent two")));
    assert_eq!(follow(&mut world, id), "give it to agent two, which is free");
    // Who is busy or drained is not named, and neither is anybody for a task that is not pinned.
    let second = world.submit(for_agent("two"));
    assert_eq!(world.schedule(), [second]);
    let (id, free) = (world.submit(for_agent("one")), world.submit(task()));
    assert_eq!(world.schedule(), []);
    assert_eq!(explain(&world, id).smallest_change, None);
    assert_eq!(explain(&world, free).smallest_change, None);
}

#[test]
fn what_is_suggested_lets_the_task_start() {
    let mut world = World::new(FLEET);
    let id = world.submit(big());
    world.apply("[[cage]]\nid = \"001\"\nlimits = { cpu = 4, memory = \"128MiB\", tokens = 1500 }\n").unwrap();
    let said = explain(&world, id);
    assert_eq!(said.cages[0].text, "memory limit 128MiB < 200MiB asked, tokens limit 1500 < 2000 asked");
    assert!(!said.cages[0].admits);
    assert_eq!(follow(&mut world, id), "raise memory by 72MiB and tokens by 500 of cage 001");
    // A pin that nobody needs is easier to take off than a cage to enlarge.
    let mut pinned = NewTask { agent: Some("one".into()), ..task() };
    pinned.requirements.memory = Bytes::from_mib(200);
    let id = world.submit(pinned);
    world.apply("[[cage]]\nid = \"001\"\nlimits = { cpu = 4, memory = \"128MiB\", tokens = 2000 }\n").unwrap();
    assert_eq!(follow(&mut world, id), "leave the choice of agent and cage to the scheduler");
    world.apply("[[cage]]\nid = \"001\"\nlimits = { cpu = 4, memory = \"200MiB\", tokens = 2000 }\n").unwrap();
    let id = world.submit(big());
    let ids = vec![world.agent("one")];
    world.command(Command::DrainAgents { ids }).unwrap();
    assert_eq!(follow(&mut world, id), "resume agent one");
    let id = world.submit(big());
    world.command(Command::SetCageMaintenance { ids: vec![cage(1), cage(2)], on: true }).unwrap();
    assert_eq!(explain(&world, id).cages[0].text, "it is withheld");
    assert_eq!(follow(&mut world, id), "give cage 001 back");
    let failing = world.submit(NewTask { max_attempts: 1, requirements: big().requirements, ..bare() });
    world.schedule();
    world.finish(failing, OutcomeKind::Failed);
    let id = world.submit(big());
    let said = explain(&world, id);
    assert!(said.reasons.iter().any(|reason| reason.text.contains("one paused until 2023-")), "{said:#?}");
    assert!(follow(&mut world, id).starts_with("wait until 2023-"));
}

#[test]
fn artifacts_that_are_waited_for_are_one_line() {
    let mut world = World::new(FLEET);
    let maker = world.submit(task());
    let gated = world.submit(NewTask { depends_on: vec![maker.to_string()], approval_gate: true, ..task() });
    world.schedule();
    let execution_id = world.execution(maker);
    let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
    world.report(link::Report::Ended { execution_id, started_at: None, outcome, artifacts: vec![found(); 3] });
    let rejected = *world.artifacts.keys().next().unwrap();
    world.command(Command::ReviewArtifacts { ids: vec![rejected], approve: false, note: None, quality: None }).unwrap();
    let reasons = explain(&world, gated).reasons;
    assert_eq!(reasons.iter().filter(|reason| reason.blocking).count(), 1);
    assert_eq!(reasons[0].text, format!("waits for approval of 3 artifacts of task {maker}: 2 pending, 1 rejected"));
    // What a person has rejected is not approved along with the others.
    let mut said = explain(&world, gated);
    assert!(!said.suggested_artifacts().contains(&rejected));
    assert_eq!(said.suggested_artifacts().len(), 2);
    assert!(!said.change.as_deref().unwrap().contains(&rejected.to_string()));
    let apart = format!("1 was rejected: {rejected}; approve it by itself");
    let text = said.smallest_change.as_ref().unwrap().text.clone();
    assert_eq!(text, format!("approve the 2 artifacts of task {maker} that are pending; {apart}"));
    let pending = said.suggested_artifacts().to_vec();
    said.set_apart(&pending[..1]);
    let text = said.smallest_change.unwrap().text;
    assert!(text.ends_with(&format!("that are pending, 1 of them by itself; {apart}")), "{text}");
    world.command(Command::ReviewArtifacts { ids: pending, approve: true, note: None, quality: None }).unwrap();
    let change = explain(&world, gated).smallest_change.unwrap();
    assert_eq!((change.text, change.command), (apart, None));
    world.command(Command::ReviewArtifacts { ids: vec![rejected], approve: true, note: None, quality: None }).unwrap();
    assert_eq!(world.schedule(), [gated]);
}

#[test]
fn a_gate_that_waits_for_several_tasks_is_opened_by_all_their_artifacts_and_by_no_fewer() {
    let mut world = World::new(FLEET);
    let makers = [world.submit(task()), world.submit(task())];
    let depends_on = makers.iter().map(ToString::to_string).collect();
    let gated = world.submit(NewTask { depends_on, approval_gate: true, ..task() });
    world.schedule();
    for (maker, count) in [(makers[0], 2), (makers[1], 3)] {
        let execution_id = world.execution(maker);
        let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
        let artifacts = vec![found(); count];
        world.report(link::Report::Ended { execution_id, started_at: None, outcome, artifacts });
    }
    let all: Vec<ArtifactId> = world.artifacts.keys().copied().collect();
    let approve =
        |ids: &[ArtifactId]| Command::ReviewArtifacts { ids: ids.to_vec(), approve: true, note: None, quality: None };
    let foretold = |world: &World, ids: &[ArtifactId]| {
        let command = approve(ids);
        let said = world
            .core
            .what_if(world.now, Actor::User(world.user), &command, &world.context(&command), &world.means)
            .unwrap();
        let counted = said.figures.iter().filter(|figure| figure.unit == Unit::Count);
        counted.map(|figure| (figure.before.unwrap(), figure.after.unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(foretold(&world, &all[..1]), [(1.0, 1.0), (5.0, 4.0)], "one of five opens nothing");
    assert_eq!(foretold(&world, &all), [(1.0, 0.0), (5.0, 0.0)]);
    let said = explain(&world, gated);
    let typed = said.change.unwrap();
    assert!(all.iter().all(|id| typed.contains(&id.to_string())), "{typed}");
    world.command(approve(&all)).unwrap();
    let reopen = Command::ReopenReviews { ids: all[1..3].to_vec() };
    let said =
        world.core.what_if(world.now, Actor::User(world.user), &reopen, &world.context(&reopen), &world.means).unwrap();
    let figures: Vec<_> = said.figures.iter().map(|figure| (figure.before.unwrap(), figure.after.unwrap())).collect();
    assert_eq!(figures, [(0.0, 1.0), (0.0, 2.0)], "what is taken back closes the gate");
    world.command(reopen).unwrap();
    assert!(follow(&mut world, gated).starts_with("approve the 2 artifacts of "));
}

#[test]
fn an_array_says_where_its_elements_are() {
    let mut world = World::new(FLEET);
    let id = world.submit(NewTask { array: Some(ArrayRange { first: 1, last: 9 }), max_attempts: 1, ..task() });
    for kind in [OutcomeKind::Succeeded, OutcomeKind::Failed] {
        let started = world.schedule();
        world.finish(started[0], kind);
    }
    world.schedule();
    let said = explain(&world, id).reasons.into_iter().find(|reason| reason.text.starts_with("of 9 elements"));
    let counts = world.core.counts().tasks;
    let expected = format!(
        "of 9 elements {} to come, {} running, 1 completed, 1 failed or cancelled",
        counts.pending,
        counts.scheduled + counts.executing
    );
    assert_eq!(said.unwrap().text, expected);
}

#[test]
fn cages_that_come_nearest_are_spoken_of_first() {
    let mut fleet = String::from("[[cage]]\nrange = \"001-150\"\nlimits = { memory = \"64MiB\" }\n");
    fleet.push_str("[[cage]]\nid = \"151\"\nlimits = { memory = \"1GiB\" }\n[[agent]]\nname = \"any\"\n");
    let mut world = World::new(&fleet);
    let mut new = task();
    new.requirements.memory = Bytes::from_mib(512);
    let (running, waiting) = (world.submit(new.clone()), world.submit(new));
    assert_eq!(world.schedule(), [running]);
    let said = explain(&world, waiting);
    assert_eq!((said.cages.len(), said.cages_left_out), (100, 51));
    assert_eq!(said.cages[0].cage, cage(151));
    assert_eq!(said.cages[0].text, "its agent any has all 1 slots taken");
}

#[test]
fn where_agent_and_cage_both_hold_it_up_both_are_named() {
    let mut world = World::new(FLEET);
    let id = world.submit(big());
    let ids = vec![world.agent("one")];
    world.command(Command::DrainAgents { ids: ids.clone() }).unwrap();
    world.command(Command::SetCageMaintenance { ids: vec![cage(1)], on: true }).unwrap();
    let said = explain(&world, id);
    let change = said.smallest_change.unwrap();
    assert_eq!(change.text, "resume agent one and give cage 001 back");
    let typed = "menagerie agent resume one && menagerie cage maintenance 001 --off";
    assert_eq!((said.change.as_deref(), change.command), (Some(typed), None));
    world.command(Command::ResumeAgents { ids }).unwrap();
    assert_eq!(follow(&mut world, id), "give cage 001 back", "one alone is not enough");
}

#[test]
fn artifacts_of_high_risk_are_approved_each_by_itself() {
    let mut world = World::new(FLEET);
    let maker = world.submit(task());
    let gated = world.submit(NewTask { depends_on: vec![maker.to_string()], approval_gate: true, ..task() });
    world.schedule();
    let execution_id = world.execution(maker);
    let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
    world.report(link::Report::Ended { execution_id, started_at: None, outcome, artifacts: vec![found(); 3] });
    let mut said = explain(&world, gated);
    let ids = said.suggested_artifacts().to_vec();
    assert_eq!(ids.len(), 3);
    let unchanged = said.clone();
    said.set_apart(&[]);
    assert_eq!(said, unchanged);
    said.set_apart(&ids[1..2]);
    let approve = "menagerie artifact approve";
    let typed = format!("{approve} {} {} && {approve} {}", ids[0], ids[2], ids[1]);
    assert_eq!(said.change.as_deref(), Some(&*typed));
    assert_eq!(said.smallest_change.unwrap().command, None, "one command cannot do it");
}

#[test]
fn who_alone_may_do_it_is_said_of_no_other_as_if_it_could_not() {
    let mut world = World::new(FLEET);
    let new = || NewTask { agent: Some("one".into()), ..task() };
    world.submit(new());
    world.schedule();
    let second = world.submit(new());
    assert_eq!(world.schedule(), []);
    let explanation = explain(&world, second);
    let texts: Vec<_> = explanation.reasons.iter().map(|reason| reason.text.as_str()).collect();
    assert!(texts.contains(&"agent one alone may do this, as was asked, 1 busy"), "{texts:?}");
    let other = explanation.cages.iter().find(|verdict| verdict.cage == cage(2)).unwrap();
    assert_eq!(other.text, "its agent two is not one, which was asked for");
}

#[test]
fn what_a_chain_waits_for_is_said_at_its_end_and_lets_it_go_on() {
    let mut world = World::new(FLEET);
    let maker = world.submit(task());
    world.schedule();
    let execution_id = world.execution(maker);
    let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
    world.report(link::Report::Ended { execution_id, started_at: None, outcome, artifacts: vec![found()] });
    let gated = world.submit(NewTask { depends_on: vec![maker.to_string()], approval_gate: true, ..task() });
    let middle = world.submit(NewTask { depends_on: vec![gated.to_string()], ..task() });
    let last = world.submit(NewTask { depends_on: vec![middle.to_string()], ..task() });
    let near = explain(&world, middle);
    assert!(near.reasons[0].text.contains("which is pending: it waits for approval of artifact"), "{:?}", near.reasons);
    let far = explain(&world, last);
    assert!(
        far.reasons[0].text.contains(&format!("at the end of that chain task {gated} waits for approval")),
        "{:?}",
        far.reasons
    );
    assert_eq!(far.smallest_change, explain(&world, gated).smallest_change);
    world.command(far.smallest_change.unwrap().command.unwrap()).unwrap();
    assert_eq!(world.schedule(), [gated]);
}

#[test]
fn a_deadline_that_is_over_is_said() {
    let mut world = World::new(FLEET);
    let first = world.submit(NewTask { agent: Some("one".into()), ..task() });
    world.schedule();
    let due = NewTask { agent: Some("one".into()), deadline: Some(When::In(Span::from_secs(60))), ..task() };
    let second = world.submit(due);
    let deadline = |world: &World| {
        let reasons = explain(world, second).reasons;
        reasons.into_iter().find(|reason| reason.kind == ReasonKind::Deadline).map(|reason| reason.text)
    };
    assert_eq!(deadline(&world), None);
    world.pass(Span::from_secs(90));
    assert_eq!(deadline(&world).as_deref(), Some("its deadline was 30s ago"));
    world.finish(first, OutcomeKind::Succeeded);
}
