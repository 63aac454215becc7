//! Approved differences: who is told to merge them, how often, and what is kept of it.

use super::world::{CAPACITY, World, task};
use crate::domain::artifact::FoundArtifact;
use crate::domain::link::Report;
use crate::domain::workspace::{Difference, Merge, MergeState};
use crate::domain::{AlertStatus, ArtifactId, ArtifactType, Command, Outcome, OutcomeKind, TaskId};
use crate::engine::core::{Decisions, Effect};

const FLEET: &str = "[[cage]]\nid = \"001\"\nlimits = { cpu = 4 }\n[[agent]]\nname = \"a\"\ncapabilities = [\"shell\"]\ncage = \"001\"\n";

/// A world with a task that has left a difference, to be merged into a branch or not.
fn changed(merge: Option<&str>) -> (World, TaskId, ArtifactId) {
    let mut world = World::new(FLEET);
    let done = world.submit(task());
    world.schedule();
    let difference = Difference {
        repository: "/srv/shop".into(),
        base: "0".repeat(40),
        files: 1,
        insertions: 1,
        deletions: 0,
        merge: merge.map(str::to_owned),
    };
    let found = FoundArtifact {
        kind: ArtifactType::Code,
        title: "changes.diff".into(),
        content: Some("diff".into()),
        path: None,
        size: 4,
        digest: String::new(),
        metadata: serde_json::Map::new(),
        quality: None,
        difference: Some(difference),
    };
    let execution_id = world.execution(done);
    let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
    world.report(Report::Ended { execution_id, started_at: None, outcome, artifacts: vec![found] });
    let id = *world.artifacts.keys().next().unwrap();
    world.effects.clear();
    (world, done, id)
}

fn review(world: &mut World, id: ArtifactId, approve: bool) {
    world.command(Command::ReviewArtifacts { ids: vec![id], approve, note: None, quality: None }).unwrap();
}

/// How often a merge was asked for since this was last looked at.
fn asked(world: &mut World, id: ArtifactId) -> usize {
    let wanted = Effect::Merge { artifact_id: id };
    let asked = world.effects.iter().filter(|effect| **effect == wanted).count();
    world.effects.clear();
    asked
}

fn reconnect(world: &mut World) {
    let mut out = Decisions::default();
    let node = world.core.node_hello(world.now, "host", CAPACITY, serde_json::Map::new(), &mut out);
    world.core.node_synced(world.now, node, false, &[], &mut out);
    world.take(out);
}

fn merged(world: &mut World, id: ArtifactId, task_id: TaskId, state: MergeState) {
    let merge = Merge { state, branch: None, commit: None, reason: Some("it conflicts".into()) };
    world.report(Report::Merged { artifact_id: id, task_id, merge });
}

#[test]
fn an_approval_asks_for_a_merge_until_somebody_has_said_what_came_of_it() {
    let (mut world, task, id) = changed(Some("main"));
    assert_eq!(asked(&mut world, id), 0);
    review(&mut world, id, false);
    assert_eq!(asked(&mut world, id), 0);
    review(&mut world, id, true);
    assert_eq!(asked(&mut world, id), 1);
    world.assert_durable();
    reconnect(&mut world);
    assert_eq!(asked(&mut world, id), 1, "the worker may not have heard");
    merged(&mut world, id, task, MergeState::Merged);
    let records = world.records.len();
    merged(&mut world, id, task, MergeState::Merged);
    assert_eq!(world.records.len(), records, "told twice, recorded twice");
    reconnect(&mut world);
    // What is merged stays so.
    review(&mut world, id, false);
    review(&mut world, id, true);
    assert_eq!(asked(&mut world, id), 0);
    assert!(world.alerts.is_empty());
    world.assert_durable();
}

#[test]
fn what_is_not_merged_is_somebodys_to_look_at_and_can_be_tried_again() {
    let (mut world, task, id) = changed(Some("main"));
    review(&mut world, id, true);
    merged(&mut world, id, task, MergeState::SetAside);
    let alert = world.alerts.values().next().unwrap();
    assert!(alert.message.contains("approved and is not merged") && alert.message.contains("it conflicts"));
    assert_eq!(alert.status, AlertStatus::Active);
    assert_eq!(asked(&mut world, id), 1);
    reconnect(&mut world);
    assert_eq!(asked(&mut world, id), 0, "nobody asked for another try");
    world.command(Command::ReopenReviews { ids: vec![id] }).unwrap();
    review(&mut world, id, true);
    assert_eq!(asked(&mut world, id), 1);
    world.assert_durable();
}

#[test]
fn an_approval_that_is_taken_back_in_time_merges_nothing_later() {
    let (mut world, task, id) = changed(Some("main"));
    review(&mut world, id, true);
    world.command(Command::ReopenReviews { ids: vec![id] }).unwrap();
    world.effects.clear();
    reconnect(&mut world);
    assert_eq!(asked(&mut world, id), 0);
    // It was on its way all the same: that is recorded, and not done twice.
    merged(&mut world, id, task, MergeState::Merged);
    review(&mut world, id, true);
    assert_eq!(asked(&mut world, id), 0);
    world.assert_durable();

    let (mut world, task, id) = changed(None);
    review(&mut world, id, true);
    assert_eq!(asked(&mut world, id), 0);
    let records = world.records.len();
    merged(&mut world, id, task, MergeState::Merged);
    assert_eq!(world.records.len(), records, "nobody was asked to");
}
