//! Failures: retries, circuit breakers, lost workers, leases, preemption.

use super::world::*;
use crate::domain::link::Report;
use crate::domain::task::ArrayRange;
use crate::domain::*;
use crate::engine::core::{Decisions, Effect};

const FLEET: &str = "[[cage]]\nid = \"001\"\nlimits = { cpu = 4 }\n[[agent]]\nname = \"a\"\ncage = \"001\"\nconcurrency = 4\nruntime = { type = \"command\", command = [\"work\"] }\n[defaults]\nbreaker = { failures = 3, cooldown = \"30s\" }\npreemption = true\n";

#[test]
fn a_failed_attempt_is_repeated_after_a_pause_up_to_the_limit() {
    let mut world = World::new(FLEET);
    let id = world.submit(NewTask { max_attempts: 2, ..task() });
    world.schedule();
    world.finish(id, OutcomeKind::Failed);
    assert_eq!(world.schedule(), []);
    let at = world.core.wake_at().unwrap();
    let pause = at.since(world.now);
    assert!(pause >= Span::from_millis(500) && pause <= Span::from_secs(1), "{pause:?}");
    world.now = at;
    assert_eq!(world.schedule(), [id]);
    world.finish(id, OutcomeKind::TimedOut);
    assert_eq!(world.status(id), TaskStatus::Failed);
    assert_eq!(world.core.wake_at(), None);
    world.assert_durable();
}

#[test]
fn a_program_that_does_not_exist_is_not_tried_again() {
    let mut world = World::new(FLEET);
    let id = world.submit(task());
    world.schedule();
    let mut outcome = Outcome::new(OutcomeKind::NotStarted, "no such program: frobnicate");
    outcome.exit_code = Some(127);
    world.finish_with(id, outcome);
    assert_eq!(world.status(id), TaskStatus::Failed);
}

#[test]
fn a_cage_that_cannot_be_set_up_gets_a_pause_and_blames_nobody() {
    let two = "[[cage]]\nid = \"001\"\n[[cage]]\nid = \"002\"\n[[agent]]\nname = \"a\"\nconcurrency = 4\n";
    let mut world = World::new(two);
    let id = world.submit(NewTask { max_attempts: 1, ..task() });
    assert_eq!(world.schedule(), [id]);
    let (_, bad) = world.place(id);
    world.finish(id, OutcomeKind::CageFailed);
    assert_eq!(world.status(id), TaskStatus::Pending, "the only attempt is not lost");
    assert_eq!(world.schedule(), [id]);
    let (_, other) = world.place(id);
    assert_ne!(other, bad, "it goes elsewhere");
    world.finish(id, OutcomeKind::CageFailed);
    assert_eq!(world.schedule(), [], "no cage is left");
    let agent = world.agent("a");
    assert_eq!(world.core.agent_status(agent), Some(AgentStatus::Idle));
    let alerts: Vec<_> = world.core.alerts().map(|alert| alert.source.clone()).collect();
    assert_eq!(alerts, [format!("cage {bad}"), format!("cage {other}")]);
    let first = world.core.wake_at().unwrap().since(world.now);
    world.assert_durable();
    world.now = world.core.wake_at().unwrap();
    assert_eq!(world.schedule(), [id], "it is tried again");
    let (_, again) = world.place(id);
    world.finish(id, OutcomeKind::CageFailed);
    let cages = [bad, other];
    let until = |world: &World, cage| world.core.cage(cage).unwrap().fault.as_ref().and_then(|fault| fault.until);
    let second = until(&world, again).unwrap().since(world.now);
    assert_eq!(second.as_micros(), 2 * first.as_micros(), "the second pause is twice as long");
    let back = Command::SetCageMaintenance { ids: vec![again], on: false };
    world.command(back).unwrap();
    assert_eq!(until(&world, again), None, "giving it back ends the pause");
    world.schedule();
    let (_, mended) = world.place(id);
    world.report(Report::CageReady { cage_id: mended, enforcement: Enforcements::default() });
    world.finish(id, OutcomeKind::Succeeded);
    assert_eq!(world.status(id), TaskStatus::Completed);
    assert!(cages.contains(&mended));
    assert!(world.core.cage(mended).unwrap().fault.is_none());
    world.assert_durable();
}

#[test]
fn an_agent_that_runs_what_tasks_bring_is_not_to_blame_for_it() {
    let mut world = World::new(&FLEET.replace("runtime = { type = \"command\", command = [\"work\"] }\n", ""));
    for _ in 0..6 {
        let id = world.submit(NewTask { max_attempts: 1, ..task() });
        assert_eq!(world.schedule(), [id]);
        world.finish(id, OutcomeKind::Failed);
    }
}

#[test]
fn an_agent_with_a_command_is_to_blame_for_its_own_alone() {
    let mut world = World::new(FLEET);
    let agent = world.agent("a");
    let fail = |world: &mut World, new: NewTask| {
        let id = world.submit(NewTask { max_attempts: 1, ..new });
        assert_eq!(world.schedule(), [id]);
        world.finish(id, OutcomeKind::Failed);
    };
    for _ in 0..6 {
        fail(&mut world, task());
        assert_eq!(world.core.agent_status(agent), Some(AgentStatus::Idle), "the task brought what failed");
    }
    // Nor do its own failures become more by those of tasks in between, or after its rest.
    let alerts = |world: &World| world.core.alerts().filter(|alert| alert.source == "agent a").count();
    for _ in 0..2 {
        fail(&mut world, bare());
        fail(&mut world, task());
    }
    assert_eq!((world.core.agent_status(agent), alerts(&world)), (Some(AgentStatus::Idle), 0));
    fail(&mut world, bare());
    assert_eq!((world.core.agent_status(agent), alerts(&world)), (Some(AgentStatus::Error), 1));
    world.pass(Span::from_secs(30));
    fail(&mut world, task());
    assert_ne!(world.core.agent_status(agent), Some(AgentStatus::Error));
    for pause in [60, 120, 240] {
        fail(&mut world, bare());
        assert_eq!(world.core.wake_at(), Some(world.now.plus(Span::from_secs(pause))));
        world.pass(Span::from_secs(pause));
    }
    world.assert_durable();
}

#[test]
fn the_breaker_opens_probes_and_closes() {
    let mut world = World::new(FLEET);
    let ids = world.submit_all((0..8).map(|_| NewTask { max_attempts: 1, ..bare() }).collect()).unwrap();
    assert_eq!(world.schedule().len(), 4);
    for id in &ids[0..3] {
        world.finish(*id, OutcomeKind::Failed);
    }
    let agent = world.agent("a");
    assert_eq!(world.core.agent_status(agent), Some(AgentStatus::Error));
    assert_eq!(world.schedule(), []);
    // What was running already says nothing new about the agent.
    world.finish(ids[3], OutcomeKind::Failed);
    assert_eq!(world.core.wake_at(), Some(world.now.plus(Span::from_secs(30))));
    world.pass(Span::from_secs(30));
    assert_eq!(world.schedule(), [ids[4]], "one to try");
    world.finish(ids[4], OutcomeKind::Failed);
    assert_eq!(world.core.wake_at(), Some(world.now.plus(Span::from_secs(60))), "the pause doubles");
    world.pass(Span::from_secs(60));
    assert_eq!(world.schedule(), [ids[5]]);
    world.finish(ids[5], OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [ids[6], ids[7]]);
    world.assert_durable();
}

fn lose(world: &mut World) {
    let mut out = Decisions::default();
    world.core.node_lost(world.now, world.node, &mut out);
    world.take(out);
}

fn bring_back(world: &mut World, new_incarnation: bool, knows: &[ExecutionId]) {
    let mut out = Decisions::default();
    world.core.node_hello(world.now, "host", CAPACITY, serde_json::Map::new(), &mut out);
    world.core.node_synced(world.now, world.node, new_incarnation, knows, &mut out);
    world.take(out);
}

#[test]
fn a_lost_node_keeps_its_work_until_the_lease_ends() {
    let mut world = World::new(FLEET);
    let (one, two) = (world.submit(task()), world.submit(task()));
    world.schedule();
    let fenced = world.execution(one);
    lose(&mut world);
    assert_eq!(world.core.wake_at(), Some(world.now.plus(Span::from_secs(60))));
    world.pass(Span::from_secs(59));
    world.schedule();
    assert_eq!(world.status(one), TaskStatus::Scheduled);
    world.pass(Span::from_secs(1));
    world.schedule();
    assert_eq!((world.status(one), world.status(two)), (TaskStatus::Pending, TaskStatus::Pending));
    bring_back(&mut world, false, &[fenced]);
    let stopped = |effect: &Effect| matches!(effect, Effect::Stop { execution_id, .. } if *execution_id == fenced);
    assert!(world.effects.iter().any(stopped), "what was given up is stopped");
    let before = world.core.digest();
    let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
    world.report(Report::Ended { execution_id: fenced, started_at: None, outcome, artifacts: vec![] });
    assert_eq!(world.core.digest(), before, "a late report changes nothing");
    assert_eq!(world.schedule(), [one, two]);
    world.assert_durable();
}

#[test]
fn an_old_worker_is_told_again_and_a_new_one_has_lost() {
    let mut world = World::new(FLEET);
    let (one, two) = (world.submit(task()), world.submit(task()));
    world.schedule();
    let (first, second) = (world.execution(one), world.execution(two));
    lose(&mut world);
    world.effects.clear();
    bring_back(&mut world, false, &[first]);
    let started: Vec<_> = world
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Start { execution_id, .. } => Some(*execution_id),
            _ => None,
        })
        .collect();
    assert_eq!(started, [second]);
    assert!(matches!(world.effects[0], Effect::Cage { .. }), "cages are declared before anything starts in them");
    lose(&mut world);
    bring_back(&mut world, true, &[first]);
    assert_eq!((world.status(one), world.status(two)), (TaskStatus::Scheduled, TaskStatus::Pending));
    world.assert_durable();
}

#[test]
fn a_task_that_loses_worker_after_worker_is_given_up() {
    let mut world = World::new(FLEET);
    let id = world.submit(task());
    for _ in 0..=10 {
        assert_eq!(world.schedule(), [id]);
        world.finish(id, OutcomeKind::WorkerLost);
    }
    assert_eq!(world.status(id), TaskStatus::Failed);
}

#[test]
fn urgent_work_displaces_what_consented_and_no_more_than_needed() {
    let mut world = World::new(FLEET);
    let low = |cores| NewTask { priority: 2, preemptible: true, ..sized(cores, 0) };
    let (small, large) = (world.submit(low(1)), world.submit(low(3)));
    world.schedule();
    let urgent = world.submit(NewTask { priority: 9, ..sized(3, 0) });
    world.effects.clear();
    assert_eq!(world.schedule(), []);
    assert_eq!(world.effects.len(), 1, "{:?}", world.effects);
    world.schedule();
    assert_eq!(world.effects.len(), 1, "not twice");
    world.finish(large, OutcomeKind::Preempted);
    assert_eq!(world.schedule(), [urgent]);
    assert_eq!((world.status(small), world.status(large)), (TaskStatus::Scheduled, TaskStatus::Pending));
    world.finish(urgent, OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [large]);
    world.assert_durable();
}

#[test]
fn the_core_can_say_why() {
    let mut world = World::new(FLEET);
    let running = world.submit(sized(4, 240));
    let waiting = world.submit(sized(2, 60));
    world.schedule();
    let why = world.core.explain(world.now, waiting).unwrap();
    assert_eq!((why.position, why.queued), (Some(1), 1));
    assert_eq!(why.expected_start, Some(world.now.plus(Span::from_secs(240))));
    assert!(why.reasons.iter().any(|reason| reason.blocking), "{why:#?}");
    let why = world.core.explain(world.now, running).unwrap();
    assert!(why.reasons[0].text.contains("agent a"), "{why:#?}");
    world.start(running);
    assert_eq!(world.status(running), TaskStatus::Executing);
}

fn greet(core: &mut crate::engine::core::Core, now: Timestamp, incarnation: &str, out: &mut Decisions) -> NodeId {
    let metadata = serde_json::Map::from_iter([("incarnation".to_owned(), incarnation.into())]);
    core.node_hello(now, "host", CAPACITY, metadata, out)
}

/// Between a worker's hello and its sync the engine may be interrupted. The next engine has to know that this worker has
/// nothing of what the one before it ran.
#[test]
fn an_incarnation_is_on_record_no_sooner_than_its_losses() {
    let mut world = World::new(FLEET);
    let known = |world: &World| world.core.node(world.node).unwrap().metadata.get("incarnation").cloned();
    let mut out = Decisions::default();
    let node = greet(&mut world.core, world.now, "1", &mut out);
    world.core.node_synced(world.now, node, true, &[], &mut out);
    world.take(out);
    assert_eq!(known(&world), Some("1".into()));
    let id = world.submit(task());
    world.schedule();
    lose(&mut world);
    let mut out = Decisions::default();
    greet(&mut world.core, world.now, "2", &mut out);
    world.take(out);
    assert_eq!((known(&world), world.status(id)), (Some("1".into()), TaskStatus::Scheduled));
    let mut out = Decisions::default();
    world.core.node_synced(world.now, node, true, &[], &mut out);
    world.take(out);
    assert_eq!((known(&world), world.status(id)), (Some("2".into()), TaskStatus::Pending));
    world.assert_durable();
}

#[test]
fn a_worker_that_stays_away_after_a_restart_is_given_up_like_one_that_went() {
    let mut world = World::new(FLEET);
    let id = world.submit(task());
    world.schedule();
    world.core = crate::engine::core::Core::restore(super::snapshot::of(&world));
    let mut out = Decisions::default();
    world.core.started(world.now, "test", 2, &mut out);
    world.take(out);
    assert_eq!(world.core.wake_at(), Some(world.now.plus(Span::from_secs(60))));
    world.pass(Span::from_secs(60));
    world.schedule();
    assert_eq!(world.status(id), TaskStatus::Pending);
    assert_eq!(world.core.node(world.node).unwrap().status, NodeStatus::Lost);
    assert_eq!(world.core.wake_at(), None);
    world.assert_durable();
}

#[test]
fn a_restart_remembers_how_many_elements_have_failed() {
    let mut world = World::new(FLEET);
    let range = ArrayRange { first: 1, last: 3 };
    let array = world.submit(NewTask { array: Some(range), max_attempts: 1, ..task() });
    world.schedule();
    world.finish(array.element(1), OutcomeKind::Failed);
    world.finish(array.element(2), OutcomeKind::Failed);
    let before = world.core.digest();
    world.core = crate::engine::core::Core::restore(super::snapshot::of(&world));
    assert_eq!(world.core.digest(), before);
    world.command(Command::RetryTasks { ids: vec![array.element(1)] }).unwrap();
    bring_back(&mut world, false, &[]);
    world.schedule();
    world.finish(array.element(1), OutcomeKind::Succeeded);
    world.finish(array.element(3), OutcomeKind::Succeeded);
    assert_eq!(world.ended[&array].status, TaskStatus::Failed, "its second element has failed and was not tried again");
}
