//! What would be: in words and figures. That it is what then happens is checked with every command of every other test.

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
    world.core.what_if(world.now, Actor::User(world.user), command, &world.context(command)).unwrap()
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

#[test]
fn deadlines_that_nobody_could_keep_are_counted() {
    let mut world = World::new(FLEET);
    let due = |seconds| Some(When::In(Span::from_secs(seconds)));
    let late = world.submit(NewTask { deadline: due(60), agent: Some("two".into()), ..sized(1, 100) });
    let good = world.submit(NewTask { deadline: due(600), agent: Some("two".into()), ..sized(1, 100) });
    let ids = vec![late, good];
    let foretold = ask(&world, &Command::PrioritiseTasks { ids: ids.clone(), priority: 9 });
    assert_eq!(figure(&foretold, "deadlines at risk"), (1.0, 1.0));
    let two = vec![world.agent("two")];
    let foretold = ask(&world, &Command::DrainAgents { ids: two.clone() });
    assert_eq!(figure(&foretold, "agents that take tasks"), (2.0, 1.0));
    world.command(Command::DrainAgents { ids: two }).unwrap();
    let agent = Some(world.agent("one"));
    let foretold = ask(&world, &Command::ReassignTasks { ids, agent, cage: None });
    assert_eq!(figure(&foretold, "deadlines at risk"), (2.0, 1.0));
    assert_eq!(figure(&foretold, "agents able to do them"), (0.0, 1.0));
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
