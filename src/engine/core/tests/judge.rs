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
[[cage]]
id = "002"
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

fn found(kind: ArtifactType) -> FoundArtifact {
    FoundArtifact {
        kind,
        title: "a".into(),
        content: None,
        path: None,
        size: 0,
        digest: String::new(),
        metadata: serde_json::Map::new(),
        quality: None,
        difference: None,
    }
}

fn task_of(agent: &str) -> NewTask {
    NewTask { agent: Some(agent.to_owned()), max_attempts: 1, ..task() }
}

/// Has `maker` run a task to its end with artifacts of these types; gives what was judged.
fn bring(
    world: &mut World,
    kinds: &[ArtifactType],
    task_type: &str,
    high_risk: bool,
) -> Vec<(ArtifactId, ReviewState)> {
    let id = world.submit(task_of("maker"));
    world.schedule();
    let facts = TaskFacts { id, kind: task_type.to_owned(), high_risk };
    end(world, &facts, kinds.iter().copied().map(found).collect(), OutcomeKind::Succeeded)
}

/// Ends a task that runs, as the deciding thread does it; gives what was judged.
fn end(
    world: &mut World,
    facts: &TaskFacts,
    artifacts: Vec<FoundArtifact>,
    ended: OutcomeKind,
) -> Vec<(ArtifactId, ReviewState)> {
    let (execution_id, outcome) = (world.execution(facts.id), Box::new(Outcome::new(ended, "")));
    let report = link::Report::Ended { execution_id, started_at: None, outcome, artifacts };
    let mut out = Decisions::default();
    let wanted = world.core.wanted_by_rules(&report);
    world.core.report(world.now, world.node, world.now, report, &mut out);
    if let Some(wanted) = wanted {
        assert_eq!(wanted, facts.id);
        world.core.judge_by_rules(world.now, facts, 0, &mut out);
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
fn what_would_be_merged_what_failed_attempts_left_and_what_others_made_is_for_humans() {
    let mut world = World::new(FLEET);
    let mut ends = |agent, merge: Option<&str>, ended| {
        let id = world.submit(task_of(agent));
        world.schedule();
        let base = workspace::Difference {
            repository: "/srv/shop".into(),
            base: "0".repeat(40),
            files: 1,
            insertions: 1,
            deletions: 0,
            merge: merge.map(str::to_owned),
        };
        let doc = FoundArtifact { difference: Some(base), ..found(ArtifactType::Doc) };
        let facts = TaskFacts { id, kind: "survey".to_owned(), high_risk: false };
        end(&mut world, &facts, vec![doc], ended).len()
    };
    assert_eq!(ends("maker", None, OutcomeKind::Succeeded), 1);
    assert_eq!(ends("maker", Some("main"), OutcomeKind::Succeeded), 0);
    assert_eq!(ends("maker", None, OutcomeKind::Failed), 0);
    assert_eq!(ends("other", None, OutcomeKind::Succeeded), 0);
    assert_eq!(world.core.inbox(world.now, false).len(), 3);
}

#[test]
fn approval_by_a_rule_opens_gates_and_is_taken_back_like_any() {
    let mut world = World::new(FLEET);
    let id = world.submit(task_of("maker"));
    let gated =
        |world: &mut World| world.submit(NewTask { depends_on: vec![id.to_string()], approval_gate: true, ..task() });
    let first = gated(&mut world);
    assert_eq!(world.schedule(), [id]);
    let facts = TaskFacts { id, kind: "survey".to_owned(), high_risk: false };
    let judged = end(&mut world, &facts, vec![found(ArtifactType::Doc)], OutcomeKind::Succeeded);
    assert_eq!(world.schedule(), [first]);
    world.command(Command::ReopenReviews { ids: vec![judged[0].0] }).unwrap();
    assert_eq!(world.core.inbox(world.now, false).len(), 1);
    gated(&mut world);
    assert_eq!(world.schedule(), []);
    world.assert_durable();
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
