//! What would be: in words and figures. That it is what then happens is checked with every command of every other test.

use super::super::risk;
use super::world::*;
use crate::domain::command::Command;
use crate::domain::time::When;
use crate::domain::*;

const FLEET: &str = r#"
[[cage]]
range = "001-002"
limits = { cpu = 4, memory = "1GiB" }
[[agent]]
name = "one"
cage = "001"
concurrency = 2
[[agent]]
name = "two"
cage = "002"
"#;

fn ask(world: &World, command: &Command) -> WhatIf {
    world.core.what_if(world.now, Actor::User(world.user), command, &world.context(command), &world.means).unwrap()
}

fn figure(foretold: &WhatIf, what: &str) -> (f64, f64) {
    let found = foretold.figures.iter().find(|figure| figure.what.starts_with(what));
    let found = found.unwrap_or_else(|| panic!("{what} is not among {:?}", foretold.figures));
    (found.before.unwrap(), found.after.unwrap())
}

#[test]
fn changes_read_as_sentences_and_figures_as_differences() {
    let mut world = World::new(FLEET);
    let ids: Vec<_> = (0..3).map(|_| world.submit(NewTask { agent: Some("one".into()), ..sized(1, 0) })).collect();
    let other = world.submit(NewTask { agent: Some("two".into()), priority: 2, ..task() });
    let third = world.submit(NewTask { agent: Some("two".into()), priority: 1, ..task() });
    world.schedule();
    let before = world.core.digest();
    let foretold = ask(&world, &Command::PrioritiseTasks { ids: vec![third, ids[2]], priority: 5 });
    assert_eq!(foretold.items[0].change, "pending, priority 1 -> 5");
    assert_eq!(foretold.items[1].change, "pending, nothing changes");
    assert!(foretold.reversible);
    // Two of the three run with agent one; one of them moves to agent two, and is stopped for it.
    let agent = Some(world.agent("two"));
    let foretold = ask(&world, &Command::ReassignTasks { ids: vec![ids[0], ids[2]], agent, cage: None });
    assert_eq!(foretold.items[0].change, "scheduled -> scheduled, being stopped as preempted, agent one -> two");
    assert_eq!(figure(&foretold, "tasks waiting for agent one"), (1.0, 0.0));
    assert_eq!(figure(&foretold, "tasks waiting for agent two"), (1.0, 2.0));
    assert_eq!(figure(&foretold, "executions of agent one"), (2.0, 1.0));
    assert_eq!(figure(&foretold, "cpu reserved in cage 001 (limit 4)"), (2.0, 1.0));
    assert_eq!(figure(&foretold, "agents able to do them"), (1.0, 1.0));
    let foretold = ask(&world, &Command::CancelTasks { ids: vec![other], note: None, pending_only: false });
    assert!(!foretold.reversible, "work would be lost");
    let foretold = ask(&world, &Command::VacateCages { ids: vec![cage(1)] });
    assert_eq!(foretold.items[0].change, "in use, agent one -> none");
    assert_eq!(figure(&foretold, "executions in cage 001"), (2.0, 0.0));
    assert_eq!(foretold.stops, 2);
    assert!(!foretold.reversible, "what has run is not given back with the cage");
    assert_eq!(before, world.core.digest());
}

/// The overview's number of deadlines at risk.
fn at_risk(world: &World) -> usize {
    let due = world.core.view_overview(world.now, risk::horizon(&world.means), risk::DUE_MAX).due;
    risk::at_risk(&due, world.now, &world.means).count()
}

#[test]
fn deadlines_at_risk_are_those_of_the_overview() {
    let mut world = World::new(FLEET);
    let due = |seconds| Some(When::In(Span::from_secs(seconds)));
    let (one, two) = (world.agent("one"), world.agent("two"));
    world.command(Command::DrainAgents { ids: vec![one, two] }).unwrap();
    let pinned = |agent: &str, seconds, estimate: i64| NewTask {
        deadline: due(seconds),
        agent: Some(agent.into()),
        ..sized(1, estimate)
    };
    let late = world.submit(pinned("two", 60, 100));
    let good = world.submit(pinned("two", 600, 100));
    let others = [world.submit(pinned("one", 60, 90)), world.submit(pinned("one", 700, 0))];
    let [named, unnamed] = [vec![late, good], others.to_vec()];
    let of = |world: &World, ids: &[TaskId]| {
        let foretold = ask(world, &Command::PrioritiseTasks { ids: ids.to_vec(), priority: 9 });
        figure(&foretold, "deadlines at risk")
    };
    // One of each pair, whichever is named; of what nobody knows the length, ten minutes are taken.
    assert_eq!((of(&world, &named), of(&world, &unnamed), at_risk(&world)), ((2.0, 2.0), (2.0, 2.0), 2));
    let unknown = world.submit(pinned("one", 599, 0));
    assert_eq!((of(&world, &named), at_risk(&world)), ((3.0, 3.0), 3));
    // Who takes long in the mean puts at risk what says nothing, and whoever is quicker saves it.
    world.means = [(one, Span::from_secs(3000)), (two, Span::from_secs(10))].into();
    assert_eq!((of(&world, &named), at_risk(&world)), ((4.0, 4.0), 4));
    let moved = Command::ReassignTasks { ids: vec![others[1], unknown], agent: Some(two), cage: None };
    assert_eq!(figure(&ask(&world, &moved), "deadlines at risk"), (4.0, 2.0));
    world.command(moved).unwrap();
    assert_eq!(at_risk(&world), 2);
    let cancelled = Command::CancelTasks { ids: vec![late], note: None, pending_only: false };
    assert_eq!(figure(&ask(&world, &cancelled), "deadlines at risk"), (2.0, 1.0));
    let submitted =
        Command::SubmitTasks { tasks: vec![pinned("one", 5, 10), pinned("one", 50, 10)], keep_going: false };
    assert_eq!(figure(&ask(&world, &submitted), "deadlines at risk"), (2.0, 3.0));
    let foretold = ask(&world, &Command::ReassignTasks { ids: named, agent: Some(one), cage: None });
    assert_eq!(figure(&foretold, "agents able to do them"), (0.0, 0.0));
    world.command(Command::ResumeAgents { ids: vec![one, two] }).unwrap();
    assert_eq!(figure(&ask(&world, &Command::DrainAgents { ids: vec![two] }), "agents that take tasks"), (2.0, 1.0));
    world.schedule();
    // What runs and is cancelled is no longer late, though its process has not ended yet.
    assert_eq!(figure(&ask(&world, &cancelled), "deadlines at risk"), (2.0, 1.0));
    world.command(cancelled).unwrap();
    assert_eq!(at_risk(&world), 1);
}

#[test]
fn an_array_counts_for_each_element() {
    let mut world = World::new(FLEET);
    let array = |last| Some(crate::domain::task::ArrayRange { first: 1, last });
    let id = world.submit(NewTask { agent: Some("one".into()), array: array(10), ..task() });
    let two = Some(world.agent("two"));
    let moved = Command::ReassignTasks { ids: vec![id], agent: two, cage: None };
    let foretold = ask(&world, &moved);
    assert_eq!(figure(&foretold, "tasks waiting for agent one"), (10.0, 0.0));
    assert_eq!(figure(&foretold, "tasks waiting for agent two"), (0.0, 10.0));
    // Two run, and eight wait.
    assert_eq!(world.schedule().len(), 2);
    let foretold = ask(&world, &Command::PrioritiseTasks { ids: vec![id], priority: 9 });
    assert_eq!(figure(&foretold, "tasks waiting for agent one"), (8.0, 8.0));
    let other = world.submit(NewTask { agent: Some("one".into()), ..task() });
    let queued = world.core.task_candidates(other).unwrap();
    let one = queued.iter().map(|(_, candidate)| candidate).find(|it| it.name == "one").unwrap();
    assert_eq!(one.queued, 9, "{one:?}");
    assert!(one.reasons.contains(&"9 tasks wait for it".to_owned()), "{one:?}");
    let first = world.submit(task());
    world.submit(NewTask { depends_on: vec![first.to_string()], array: array(5), ..task() });
    let cancelled = Command::CancelTasks { ids: vec![first], note: None, pending_only: false };
    assert_eq!(figure(&ask(&world, &cancelled), "tasks that fail with them"), (0.0, 5.0));
}

#[test]
fn a_cancellation_names_what_fails_with_it() {
    let mut world = World::new(FLEET);
    let first = world.submit(task());
    let second = world.submit(NewTask { depends_on: vec![first.to_string()], ..task() });
    world.submit(NewTask { depends_on: vec![second.to_string()], ..task() });
    let foretold = ask(&world, &Command::CancelTasks { ids: vec![first, first], note: None, pending_only: false });
    assert_eq!(foretold.items.len(), 1);
    assert_eq!(foretold.items[0].change, "pending -> cancelled");
    assert_eq!(figure(&foretold, "tasks that fail with them"), (0.0, 2.0));
    assert_eq!(figure(&foretold, "tasks pending"), (3.0, 0.0));
    assert!(foretold.reversible);
}

#[test]
fn the_queue_is_not_copied() {
    let mut world = World::new(FLEET);
    world.submit_all(vec![task(); 5000]).unwrap();
    let id = world.submit(task());
    let command = Command::PrioritiseTasks { ids: vec![id], priority: 9 };
    let partial = world.core.partial(&command, &world.context(&command));
    assert_eq!(partial.tasks.len(), 1);
}
