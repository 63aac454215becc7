//! Rules judge what they fit as it arrives, and nothing else.

use super::world::*;
use crate::domain::approval_rule::Verdict;
use crate::domain::artifact::FoundArtifact;
use crate::domain::snapshot::TaskFacts;
use crate::domain::*;
use crate::engine::core::Decisions;

const FLEET: &str = r#"
[[cage]]
id = "001"
[[agent]]
name = "maker"
cage = "001"
concurrency = 100
[[agent]]
name = "other"
[[approval_rule]]
name = "docs"
agent = "maker"
type = "doc"
task_type = "survey"
"#;

fn rule(name: &str) -> ApprovalRule {
    let (agent, task_type) = ("maker".to_owned(), "survey".to_owned());
    ApprovalRule { name: name.to_owned(), agent, kind: ArtifactType::Report, task_type, verdict: Verdict::Reject }
}

/// Ends a task with artifacts of these types, as the deciding thread does it; gives what was judged, by type.
fn bring(
    world: &mut World,
    kinds: &[ArtifactType],
    task_type: &str,
    high_risk: bool,
) -> Vec<(ArtifactId, ReviewState)> {
    let id = world.submit(task());
    world.schedule();
    let found = |kind: &ArtifactType| FoundArtifact {
        kind: *kind,
        title: "a".into(),
        content: None,
        path: None,
        size: 0,
        digest: String::new(),
        metadata: serde_json::Map::new(),
    };
    let (execution_id, artifacts) = (world.execution(id), kinds.iter().map(found).collect());
    let outcome = Box::new(Outcome::new(OutcomeKind::Succeeded, ""));
    let report = link::Report::Ended { execution_id, started_at: None, outcome, artifacts };
    let mut out = Decisions::default();
    let wanted = world.core.wanted_by_rules(&report);
    world.core.report(world.now, world.node, world.now, report, &mut out);
    if let Some(wanted) = wanted {
        assert_eq!(wanted, id);
        world.core.judge_by_rules(world.now, &TaskFacts { id, kind: task_type.to_owned(), high_risk }, 0, &mut out);
    }
    let judged = out.records.iter().filter_map(|record| match &record.event {
        Event::ArtifactReviewed(event) => {
            assert_eq!(record.actor, Actor::Engine);
            assert!(event.rule.is_some() && event.note.as_ref().is_some_and(|note| note.contains("by rule")));
            Some((event.artifact_id, event.state))
        }
        _ => None,
    });
    let judged = judged.collect();
    world.take(out);
    judged
}

#[test]
fn a_rule_judges_what_it_fits_and_leaves_the_rest_to_humans() {
    use ArtifactType::{Code, Decision, Doc};
    let mut world = World::new(FLEET);
    let judged = bring(&mut world, &[Doc, Code, Doc, Decision], "survey", false);
    assert_eq!(judged.iter().map(|(_, state)| *state).collect::<Vec<_>>(), [ReviewState::Approved; 2]);
    assert_eq!(world.core.inbox(world.now, false).len(), 2, "code and the decision wait");
    assert!(bring(&mut world, &[Doc], "audit", false).is_empty(), "another type of task");
    assert!(bring(&mut world, &[Doc], "survey", true).is_empty(), "of high risk");
    // Removed, it judges no more; taken back, it does again.
    let removed = world.command(Command::RemoveApprovalRules { names: vec!["docs".into()] }).unwrap();
    assert!(bring(&mut world, &[Doc], "survey", false).is_empty());
    let Reply::Items { inverse, .. } = removed else { panic!("{removed:?}") };
    for command in inverse {
        world.command(command).unwrap();
    }
    assert_eq!(bring(&mut world, &[Doc], "survey", false).len(), 1);
}

#[test]
fn rules_reject_too_and_the_first_by_name_decides() {
    let mut world = World::new(FLEET);
    let added = world.command(Command::AddApprovalRule { rule: Box::new(rule("b")) }).unwrap();
    let approves = ApprovalRule { verdict: Verdict::Approve, ..rule("a") };
    assert_eq!(bring(&mut world, &[ArtifactType::Report], "survey", false)[0].1, ReviewState::Rejected);
    world.command(Command::AddApprovalRule { rule: Box::new(approves) }).unwrap();
    assert_eq!(bring(&mut world, &[ArtifactType::Report], "survey", false)[0].1, ReviewState::Approved);
    let Reply::Items { inverse, .. } = added else { panic!("{added:?}") };
    assert_eq!(inverse, [Command::RemoveApprovalRules { names: vec!["b".into()] }]);
}

#[test]
fn rules_that_can_fit_nothing_are_refused() {
    let mut world = World::new(FLEET);
    let add = |world: &mut World, rule| world.command(Command::AddApprovalRule { rule: Box::new(rule) });
    for (wrong, says) in [
        (ApprovalRule { agent: "makre".into(), ..rule("x") }, "did you mean \"maker\"?"),
        (ApprovalRule { kind: ArtifactType::Decision, ..rule("x") }, "high risk"),
        (rule("docs"), "a name that no approval rule was given"),
        (ApprovalRule { task_type: " ".into(), ..rule("x") }, "task_type"),
    ] {
        let refusal = add(&mut world, wrong).unwrap_err();
        assert!(refusal.to_string().contains(says), "{refusal}");
    }
    let refusal = world.command(Command::RemoveApprovalRules { names: vec!["dosc".into()] }).unwrap_err();
    assert!(refusal.to_string().contains("did you mean \"docs\"?"), "{refusal}");
    assert_eq!(world.core.approval_rules().count(), 1);
}
