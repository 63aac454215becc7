//! The inbox: what holds up most comes first, and a long queue costs nothing.

use super::world::*;
use crate::domain::artifact::FoundArtifact;
use crate::domain::command::Command;
use crate::domain::task::ArrayRange;
use crate::domain::time::When;
use crate::domain::*;

const FLEET: &str = r#"
[[cage]]
id = "001"
[[agent]]
name = "all"
cage = "001"
concurrency = 1000
"#;

/// Runs a task to its end with so many artifacts.
fn finish(world: &mut World, task: TaskId, artifacts: usize) -> Vec<ArtifactId> {
    let known: Vec<_> = world.artifacts.keys().copied().collect();
    let found = FoundArtifact {
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
    let execution_id = world.execution(task);
    let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
    let artifacts = vec![found; artifacts];
    world.report(link::Report::Ended { execution_id, started_at: None, outcome, artifacts });
    world.artifacts.keys().filter(|id| !known.contains(id)).copied().collect()
}

fn after(on: TaskId, gate: bool) -> NewTask {
    NewTask { depends_on: vec![on.to_string()], approval_gate: gate, ..task() }
}

#[test]
fn what_waits_behind_a_gate_counts_however_far_behind() {
    let mut world = World::new(FLEET);
    let makers: Vec<_> = (0..3).map(|_| world.submit(task())).collect();
    // Behind the first: a gated task, an array behind that, and a task behind both that must count once.
    let gated = world.submit(NewTask { priority: 10, ..after(makers[0], true) });
    let array = world.submit(NewTask { array: Some(ArrayRange { first: 1, last: 7 }), ..after(gated, false) });
    let both = NewTask { depends_on: vec![gated.to_string(), array.to_string()], ..task() };
    world.submit(NewTask { deadline: Some(When::In(Span::from_secs(3600))), ..both });
    // Behind the second: one that does not wait for approval, and so is not held up.
    world.submit(after(makers[1], false));
    world.schedule();
    let ids: Vec<_> = makers.iter().flat_map(|maker| finish(&mut world, *maker, 1)).collect();
    world.schedule();
    let inbox = world.core.inbox(world.now, false);
    assert_eq!(inbox.iter().map(|item| item.id).collect::<Vec<_>>(), [ids[0], ids[1], ids[2]]);
    let blocked: Vec<_> = inbox.iter().map(|item| (item.blocked.tasks, item.blocked.priorities)).collect();
    assert_eq!(blocked, [(9, 10 + 7 * 5 + 5), (0, 0), (0, 0)]);
    assert_eq!(inbox[0].blocked.deadline, Some(START.plus(Span::from_secs(3600))));
    // What was judged waits no more; what is snoozed is shown when it is asked for, or when its time has come.
    world.command(Command::ReviewArtifacts { ids: vec![ids[1]], approve: false, note: None, quality: None }).unwrap();
    let until = Some(When::In(Span::from_secs(60)));
    world.command(Command::SnoozeReviews { ids: vec![ReviewId(ids[0].0)], until }).unwrap();
    assert_eq!(world.core.inbox(world.now, false).len(), 1);
    assert_eq!(world.core.inbox(world.now, true).len(), 2);
    world.pass(Span::from_secs(60));
    assert_eq!(world.core.inbox(world.now, false).len(), 2);
    world.command(Command::ReviewArtifacts { ids: vec![ids[0]], approve: true, note: None, quality: None }).unwrap();
    world.schedule();
    assert_eq!(world.core.inbox(world.now, false)[0].blocked.tasks, 0);
}

#[test]
fn a_gate_on_an_array_is_held_up_by_each_of_its_elements() {
    let mut world = World::new(FLEET);
    let array = world.submit(NewTask { array: Some(ArrayRange { first: 1, last: 3 }), ..task() });
    world.submit(after(array, true));
    for id in world.schedule() {
        finish(&mut world, id, 1);
    }
    let inbox = world.core.inbox(world.now, false);
    assert_eq!(inbox.iter().map(|item| item.blocked.tasks).collect::<Vec<_>>(), [1, 1, 1]);
}

/// What it costs in task-hours that artifacts lie unjudged, before a judgement of them and after it.
fn so_far(world: &World, ids: &[ArtifactId]) -> (f64, f64) {
    let command = Command::ReviewArtifacts { ids: ids.to_vec(), approve: true, note: None, quality: None };
    let actor = Actor::User(world.user);
    let foretold = world.core.what_if(world.now, actor, &command, &world.context(&command), &world.means).unwrap();
    let cost = foretold.figures.iter().find(|figure| figure.unit == Unit::TaskHours).unwrap();
    assert_eq!(cost.what, "cost of delay so far, in task-hours");
    (cost.before.unwrap(), cost.after.unwrap())
}

#[test]
fn what_several_artifacts_hold_up_is_counted_once_and_in_task_hours() {
    let mut world = World::new(FLEET);
    let [maker, other] = [world.submit(task()), world.submit(task())];
    let both = vec![maker.to_string(), other.to_string()];
    world.submit(NewTask { depends_on: both, approval_gate: true, priority: 5, ..task() });
    world.schedule();
    let mut ids = finish(&mut world, maker, 3);
    let hour = Span::from_secs(3600);
    world.pass(hour);
    // The unit: one task of priority 5 that is held up for an hour.
    let near = |(before, after): (f64, f64), cost: f64| (before - cost).abs() < 1e-3 && after == 0.0;
    assert!(near(so_far(&world, &ids[..1]), 1.0), "{:?}", so_far(&world, &ids[..1]));
    assert!(near(so_far(&world, &ids), 1.0), "{:?}", so_far(&world, &ids));
    // Of those that came at different times the oldest counts, also where another task made them.
    ids.extend(finish(&mut world, other, 2));
    world.pass(hour);
    assert!(near(so_far(&world, &ids), 2.0), "{:?}", so_far(&world, &ids));
    assert!(near(so_far(&world, &ids[3..]), 1.0), "{:?}", so_far(&world, &ids[3..]));
    // What holds up nothing costs nothing, and no less than that.
    let lone = world.submit(task());
    world.schedule();
    let lone = finish(&mut world, lone, 2);
    world.pass(hour);
    let (before, after) = so_far(&world, &lone);
    assert!(before == 0.0 && before.is_sign_positive() && after.is_sign_positive(), "{before} {after}");
}

#[test]
fn an_endless_chain_is_counted_as_far_as_is_affordable() {
    let mut world = World::new(FLEET);
    let maker = world.submit(task());
    let keyed = |number: usize, on: String| NewTask {
        key: Some(format!("k{number}")),
        depends_on: vec![on],
        approval_gate: number == 0,
        ..task()
    };
    let mut tasks = vec![keyed(0, maker.to_string())];
    tasks.extend((1..30_000).map(|number| keyed(number, format!("k{}", number - 1))));
    world.submit_all(tasks).unwrap();
    world.schedule();
    finish(&mut world, maker, 5);
    let inbox = world.core.inbox(world.now, false);
    // All five share what was found for the first.
    assert!(inbox.len() == 5 && inbox.iter().all(|item| item.blocked.tasks == 20_001), "{:?}", inbox[0]);
}

#[test]
fn what_a_rejection_holds_up_is_known_until_somebody_thinks_again() {
    let mut world = World::new(FLEET);
    let maker = world.submit(task());
    let gated = world.submit(after(maker, true));
    world.submit(after(gated, false));
    let lone = world.submit(task());
    world.schedule();
    let ids = finish(&mut world, maker, 2);
    let other = finish(&mut world, lone, 1);
    let held = |world: &World| world.core.view_overview(world.now, Span::ZERO, 0).refused;
    let judge = |world: &mut World, id: ArtifactId, approve: bool| {
        world
            .command(Command::ReviewArtifacts { ids: vec![id], approve, note: Some("no".into()), quality: None })
            .unwrap();
    };
    assert_eq!(held(&world), None, "what nobody has judged is in the inbox");
    judge(&mut world, other[0], false);
    assert_eq!(held(&world), None, "nothing waits for that one");
    judge(&mut world, ids[0], false);
    judge(&mut world, ids[1], true);
    assert_eq!(held(&world), Some((2, ids[0])), "what waits for it and what waits behind that");
    world.assert_durable();
    judge(&mut world, ids[0], true);
    assert_eq!(held(&world), None);
    world.schedule();
    assert_eq!(world.status(gated), TaskStatus::Scheduled);
}
