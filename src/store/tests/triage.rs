//! What waits for a human, as the store knows it.

use super::generator::History;
use super::properties::commit;
use crate::domain::artifact::{Artifact, ArtifactType, Review, ReviewState};
use crate::domain::event::*;
use crate::domain::id::{ArtifactId, ExecutionId, TaskId};
use crate::domain::quantity::Span;
use crate::domain::task::{ArrayRange, Task};

fn submit(history: &mut History, change: impl FnOnce(&mut Task)) -> TaskId {
    let mut task = history.new_task();
    (task.deadline, task.metadata.tags, task.priority) = (None, vec![], 5);
    change(&mut task);
    let id = task.id;
    history.add(TaskSubmitted { task, after: vec![] });
    id
}

fn artifact(history: &mut History, task_id: TaskId, kind: ArtifactType, number: u128) -> ArtifactId {
    let id = ArtifactId::new(history.time(), number);
    let artifact = Artifact {
        id,
        agent_id: history.agents[0],
        task_id,
        execution_id: ExecutionId::new(history.time(), 0),
        kind,
        title: "t.md".into(),
        content: None,
        path: None,
        size: 9,
        digest: "00".into(),
        quality_score: None,
        human_approved: false,
        review: Review { state: ReviewState::Pending, by: None, at: None, note: None, rule: None, quality: None },
        high_risk: false,
        approval: None,
        difference: None,
        merge: None,
        metadata: serde_json::Map::new(),
        created_at: history.time(),
    };
    history.add(ArtifactAdded { artifact });
    id
}

#[test]
fn decisions_and_tagged_tasks_are_of_high_risk() {
    let mut history = History::new(1, 2);
    let plain = submit(&mut history, |_| {});
    let tagged = submit(&mut history, |task| task.metadata.tags = vec!["x".into(), "high-risk".into()]);
    let named = submit(&mut history, |task| task.metadata.source = Some("high-risk".into()));
    let wanted = [
        (artifact(&mut history, plain, ArtifactType::Doc, 1), false),
        (artifact(&mut history, plain, ArtifactType::Decision, 2), true),
        (artifact(&mut history, tagged, ArtifactType::Doc, 3), true),
        (artifact(&mut history, named, ArtifactType::Doc, 4), false),
    ];
    let (_folder, store) = commit(&history, 10);
    let reader = store.reader().unwrap();
    let ids: Vec<_> = wanted.iter().map(|(id, _)| *id).collect();
    let high: Vec<_> = wanted.iter().filter(|(_, high)| *high).map(|(id, _)| *id).collect();
    assert_eq!(reader.high_risk(&ids).unwrap(), high);
    // Whoever reads an artifact is told, one by one and in lists.
    let listed = reader.artifacts(&crate::store::Query::default()).unwrap().items;
    for (id, high) in wanted {
        assert_eq!(reader.artifact(id).unwrap().unwrap().high_risk, high);
        assert!(listed.iter().any(|artifact| artifact.id == id && artifact.high_risk == high));
    }
    let unknown = ArtifactId(uuid::Uuid::nil());
    let rows = reader.reviews(&[ids[1], unknown, ids[0]]).unwrap();
    assert!(rows[1].is_none());
    let row = rows[0].as_ref().unwrap();
    assert_eq!((row.high_risk, row.agent.as_deref(), row.size), (true, Some("agent-1"), 9));
    assert!(!rows[2].as_ref().unwrap().high_risk);
}

#[test]
fn failed_tasks_count_what_failed_with_them_until_they_are_retried() {
    let mut history = History::new(2, 2);
    let root = submit(&mut history, |task| task.metadata.tags = vec!["high-risk".into()]);
    let lonely = submit(&mut history, |_| {});
    let due = history.time().plus(Span::from_secs(60));
    let one = submit(&mut history, |task| (task.priority, task.deadline) = (7, Some(due)));
    let array = submit(&mut history, |task| {
        (task.id, task.array) = (task.id.as_array(), Some(ArrayRange { first: 3, last: 6 }));
    });
    let fail = |history: &mut History, task_id, cause| {
        history.add(TaskFailed { task_id, error: "no".into(), cause });
    };
    fail(&mut history, lonely, None);
    fail(&mut history, root, None);
    fail(&mut history, one, Some(root));
    fail(&mut history, array, Some(root));
    let until = history.time().plus(Span::from_secs(5));
    history.add(TaskSnoozed { task_id: root, until: Some(until) });
    let (_folder, store) = commit(&history, 10);
    let rows = store.reader().unwrap().failures().unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((rows[0].task_id, rows[0].blocks, rows[0].priorities), (root, 5, 7 + 4 * 5));
    assert_eq!((rows[0].deadline, rows[0].snoozed_until, rows[0].high_risk), (Some(due), Some(until), true));
    assert_eq!(store.reader().unwrap().snoozed_tasks(&[one, root]).unwrap(), [(root, until)]);
    // One of those behind is brought back: it no longer counts. The root is: nothing waits for a human any more.
    history.add(TaskRetried { task_id: one });
    let (_folder, store) = commit(&history, 10);
    assert_eq!(store.reader().unwrap().failures().unwrap()[0].blocks, 4);
    history.add(TaskRetried { task_id: root });
    let (_folder, store) = commit(&history, 10);
    assert_eq!(store.reader().unwrap().failures().unwrap(), []);
    assert_eq!(store.reader().unwrap().snoozed_tasks(&[root]).unwrap(), []);
}
