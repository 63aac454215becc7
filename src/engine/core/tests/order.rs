//! The order: first come first served, priority, ageing, deadlines, fair shares.

use super::world::*;
use crate::domain::time::When;
use crate::domain::*;

const ONE_SLOT: &str = "[[cage]]\nid = \"001\"\n[[agent]]\nname = \"a\"\ncage = \"001\"\n";

/// Runs one task at a time to its end and gives the order in which they ran.
fn run_all(world: &mut World) -> Vec<TaskId> {
    let mut order = vec![];
    while let [task] = world.schedule()[..] {
        order.push(task);
        world.pass(Span::from_secs(1));
        world.finish(task, OutcomeKind::Succeeded);
    }
    order
}

#[test]
fn one_owner_and_one_priority_is_first_come_first_served() {
    let mut world = World::new(ONE_SLOT);
    let mut submitted = vec![];
    for i in 0..40 {
        submitted.push(world.submit(sized(1 + i % 5, i64::try_from(i).unwrap() * 100)));
        world.pass(Span::from_secs(100));
    }
    assert_eq!(run_all(&mut world), submitted);
    world.assert_durable();
}

#[test]
fn a_batch_keeps_its_order() {
    let mut world = World::new(ONE_SLOT);
    let ids = world.submit_all((0..200).map(|_| task()).collect()).unwrap();
    assert_eq!(run_all(&mut world), ids);
}

#[test]
fn priority_goes_first_and_ageing_catches_up() {
    let mut world = World::new(ONE_SLOT);
    let old = world.submit(task());
    let urgent = world.submit(NewTask { priority: 6, ..task() });
    world.pass(Span::from_secs(1300));
    let late = world.submit(NewTask { priority: 6, ..task() });
    assert_eq!(run_all(&mut world), [urgent, old, late]);
}

#[test]
fn among_equals_the_earlier_deadline_goes_first() {
    let mut world = World::new(ONE_SLOT);
    let none = world.submit(task());
    let far = world.submit(NewTask { deadline: Some(When::In(Span::from_secs(900))), ..task() });
    let near = world.submit(NewTask { deadline: Some(When::In(Span::from_secs(90))), ..task() });
    assert_eq!(run_all(&mut world), [near, far, none]);
}

#[test]
fn owners_share_alike() {
    let mut world = World::new("[[cage]]\nid = \"001\"\n[[agent]]\nname = \"a\"\ncage = \"001\"\nconcurrency = 8\n");
    let hoard: Vec<_> = (0..20).map(|_| world.submit_as("bob", sized(2, 0))).collect();
    let modest: Vec<_> = (0..20).map(|_| world.submit_as("carol", sized(2, 0))).collect();
    let started = world.schedule();
    assert_eq!(started.len(), 8);
    assert_eq!(started.iter().filter(|id| hoard.contains(id)).count(), 4);
    assert_eq!(started.iter().filter(|id| modest.contains(id)).count(), 4);
    world.assert_durable();
}

#[test]
fn arrays_share_with_others_too() {
    let mut world = World::new("[[cage]]\nid = \"001\"\n[[agent]]\nname = \"a\"\ncage = \"001\"\nconcurrency = 8\n");
    let array = world.submit_as("bob", NewTask { array: Some(task::ArrayRange { first: 1, last: 100 }), ..task() });
    for _ in 0..4 {
        world.submit_as("carol", task());
    }
    let started = world.schedule();
    assert_eq!(started.iter().filter(|id| id.as_array() == array).count(), 4);
    world.assert_durable();
}
