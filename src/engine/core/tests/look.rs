//! What somebody who watches sees.

use super::world::*;
use crate::domain::time::When;
use crate::domain::*;

const FLEET: &str = "[[cage]]\nid = \"001\"\nlimits = { cpu = 4 }\n[[cage]]\nid = \"002\"\n\
    [[agent]]\nname = \"a\"\ncage = \"001\"\nconcurrency = 2\ncapabilities = [\"x\"]\n[[agent]]\nname = \"f\"\n";

fn within(seconds: i64) -> When {
    When::In(Span::from_secs(seconds))
}

#[test]
fn cages_show_who_is_there_and_what_is_held() {
    let mut world = World::new(FLEET);
    let mut wish = sized(3, 0);
    wish.requirements.capabilities = vec!["x".to_owned()];
    let task = world.submit(wish);
    assert_eq!(world.schedule(), [task]);
    let view = world.core.view_fleet();
    assert_eq!(view.nodes.len(), 1);
    assert_eq!(view.nodes[0].granted.0[0], 3000);
    let [one, two] = &view.cages[..] else { panic!("{view:?}") };
    assert_eq!((one.id, one.executions.len(), one.started, one.granted.0[0]), (cage(1), 1, 0, 3000));
    assert_eq!(one.agent.as_ref().map(|(name, status, _)| (name.as_str(), *status)), Some(("a", AgentStatus::Active)));
    assert_eq!((two.status, two.agent.is_none(), two.executions.len()), (CageStatus::Vacant, true, 0));
    world.start(task);
    assert_eq!(world.core.view_fleet().cages[0].started, 1);
    assert_eq!(world.core.executing(), [(task, world.execution(task))]);
    world.finish(task, OutcomeKind::Succeeded);
    let one = &world.core.view_fleet().cages[0];
    assert_eq!((one.executions.len(), one.granted.0[0]), (0, 0));
}

#[test]
fn deadlines_are_listed_from_when_a_task_had_to_start() {
    let mut world = World::new(FLEET);
    world.command(Command::DrainAgents { ids: vec![world.agent("a"), world.agent("f")] }).unwrap();
    let far = world.submit(NewTask { deadline: Some(within(5000)), ..task() });
    let long = world.submit(NewTask { deadline: Some(within(4000)), estimate: Some(Span::from_secs(3990)), ..task() });
    let near = world.submit(NewTask { deadline: Some(within(100)), ..task() });
    world.submit(task());
    let due = |world: &World, horizon| {
        let view = world.core.view_overview(world.now, Span::from_secs(horizon), 10);
        view.due.iter().map(|due| due.task_id).collect::<Vec<_>>()
    };
    assert_eq!(due(&world, 50), [long]);
    assert_eq!(due(&world, 600), [long, near]);
    assert_eq!(due(&world, 6000), [long, near, far]);
    assert_eq!(world.core.view_overview(world.now, Span::from_secs(6000), 1).due.len(), 1);
    world.command(Command::ResumeAgents { ids: vec![world.agent("a")] }).unwrap();
    world.schedule();
    let view = world.core.view_overview(world.now, Span::from_secs(6000), 10);
    let running: Vec<_> = view.due.iter().filter(|due| due.running_since.is_some()).collect();
    assert!(running.iter().all(|due| due.agent == Some(world.agent("a"))) && !running.is_empty(), "{view:?}");
    world.command(Command::CancelTasks { ids: vec![far], note: None, pending_only: false }).unwrap();
    assert!(!due(&world, 6000).contains(&far));
    world.assert_durable();
}

#[test]
fn elements_of_an_array_have_its_deadline() {
    let mut world = World::new(FLEET);
    let mut array = NewTask { deadline: Some(within(60)), ..task() };
    array.array = Some(crate::domain::task::ArrayRange { first: 1, last: 3 });
    let id = world.submit(array);
    world.schedule();
    let due = world.core.view_overview(world.now, Span::from_secs(60), 10).due;
    // Two run at once in cage 001 and one in 002: nothing is left that the array itself would stand for.
    assert_eq!(due.len(), 3, "{due:?}");
    assert!(due.iter().all(|due| due.task_id != id && due.task_id.as_array() == id));
}

#[test]
fn the_oldest_is_the_oldest_that_could_start() {
    let mut world = World::new(FLEET);
    let oldest = |world: &World| world.core.view_overview(world.now, Span::ZERO, 0).oldest;
    assert_eq!(oldest(&world), None);
    world.command(Command::DrainAgents { ids: vec![world.agent("a"), world.agent("f")] }).unwrap();
    let first = world.submit(task());
    let began = world.now;
    world.pass(Span::from_secs(100));
    world.submit(NewTask { priority: 9, depends_on: vec![first.to_string()], ..task() });
    world.submit(NewTask { priority: 9, ..task() });
    assert_eq!(oldest(&world), Some(began), "whatever the order");
    world.command(Command::CancelTasks { ids: vec![first], note: None, pending_only: false }).unwrap();
    assert_eq!(oldest(&world), Some(began.plus(Span::from_secs(100))));
    world.assert_durable();
}

#[test]
fn what_a_smaller_fleet_can_no_longer_do_is_counted() {
    let mut world = World::new(FLEET);
    let mut wish = sized(3, 0);
    wish.requirements.capabilities = vec!["x".to_owned()];
    world.command(Command::DrainAgents { ids: vec![world.agent("a")] }).unwrap();
    world.submit_all(vec![wish.clone(), wish]).unwrap();
    let unsatisfiable = |world: &World| world.core.view_overview(world.now, Span::ZERO, 0).unsatisfiable;
    assert_eq!(unsatisfiable(&world), 0, "a drained agent is able all the same");
    world.apply("[[cage]]\nid = \"001\"\nlimits = { cpu = 2 }\n").unwrap();
    assert_eq!(unsatisfiable(&world), 2);
    world.apply("[[cage]]\nid = \"001\"\nlimits = { cpu = 3 }\n").unwrap();
    assert_eq!(unsatisfiable(&world), 0);
}
