//! Rules that follow from what humans judged, and how they would have done.

use serde_json::json;

use super::generator::History;
use super::properties::commit;
use crate::domain::approval_rule::{ApprovalRule, Verdict};
use crate::domain::artifact::{Artifact, ArtifactType, Review, ReviewState};
use crate::domain::event::*;
use crate::domain::execution::{Outcome, OutcomeKind};
use crate::domain::id::{AgentId, ArtifactId, ExecutionId, NodeId, TaskId};
use crate::domain::{Actor, TaskStatus, Timestamp};

/// A history of two agents, and what its artifacts are called.
struct Judged {
    history: History,
    task: TaskId,
    number: u128,
}

impl Judged {
    fn new() -> Self {
        let mut history = History::new(7, 2);
        let task = submit(&mut history, &[]);
        Self { history, task, number: 0 }
    }

    /// An artifact of an attempt of a task that ended so.
    fn of(
        &mut self,
        agent: AgentId,
        task_id: TaskId,
        kind: ArtifactType,
        ended: OutcomeKind,
        merge: bool,
    ) -> ArtifactId {
        self.number += 1;
        let (number, created_at) = (self.number, self.history.time());
        let (id, execution_id) = (ArtifactId::new(created_at, number), ExecutionId::new(created_at, number));
        let cage_id = crate::domain::CageId::new(1).unwrap();
        let node_id = NodeId(uuid::Uuid::nil());
        let scheduled = ExecutionScheduled {
            execution_id,
            task_id,
            agent_id: agent,
            cage_id,
            node_id,
            attempt: 1,
            held: vec![],
            choice: None,
        };
        self.history.add(scheduled);
        let difference = json!({"repository": "/srv/shop", "base": "00", "files": 1, "insertions": 1, "deletions": 1,
            "merge": merge.then_some("main")});
        let artifact = Artifact {
            id,
            agent_id: agent,
            task_id,
            execution_id,
            kind,
            title: format!("{number}.md"),
            content: None,
            path: None,
            size: 9,
            digest: "00".into(),
            quality_score: None,
            human_approved: false,
            review: Review { state: ReviewState::Pending, by: None, at: None, note: None, rule: None, quality: None },
            high_risk: false,
            approval: None,
            difference: Some(serde_json::from_value(difference).unwrap()),
            merge: None,
            metadata: serde_json::Map::new(),
            created_at,
        };
        self.history.add(ArtifactAdded { artifact });
        self.history.add(ExecutionEnded {
            execution_id,
            task_id,
            agent_id: agent,
            started_at: None,
            ended_at: created_at,
            outcome: Outcome::new(ended, ""),
            task_status: TaskStatus::Completed,
            attempts: 1,
            losses: 0,
            not_before: None,
            agent_failures: 0,
            kind: None,
            after: vec![],
            lesson: None,
            slack: None,
        });
        id
    }

    /// A report of an agent, as rules may judge it.
    fn report(&mut self, agent: usize) -> ArtifactId {
        let (agent, task) = (self.history.agents[agent], self.task);
        self.of(agent, task, ArtifactType::Report, OutcomeKind::Succeeded, false)
    }

    fn judge(&mut self, artifact_id: ArtifactId, state: ReviewState, rule: Option<&str>) {
        let rule = rule.map(str::to_owned);
        let actor = if rule.is_some() { Actor::Engine } else { Actor::User(self.history.users[0]) };
        let task_id = self.task;
        self.history.add(ArtifactReviewed {
            artifact_id,
            task_id,
            state,
            note: None,
            merges: false,
            agent_id: None,
            was: None,
            was_by: None,
            rule,
            quality: None,
            product: None,
        });
        self.history.records.last_mut().unwrap().actor = actor;
    }

    fn judges(&mut self, agent: usize, states: &[ReviewState]) {
        for state in states {
            let id = self.report(agent);
            self.judge(id, *state, None);
        }
    }
}

fn submit(history: &mut History, tags: &[&str]) -> TaskId {
    let mut task = history.new_task();
    task.kind = "survey".into();
    task.metadata.tags = tags.iter().map(|&tag| tag.to_owned()).collect();
    let id = task.id;
    history.add(TaskSubmitted { task, after: vec![] });
    id
}

fn rule(agent: &str, verdict: Verdict) -> ApprovalRule {
    let (name, agent, task_type) = ("x".to_owned(), agent.to_owned(), "survey".to_owned());
    ApprovalRule { name, agent, kind: ArtifactType::Report, task_type, verdict }
}

#[test]
fn rules_are_proposed_of_what_people_judged_alike_and_of_nothing_else() {
    use ReviewState::{Approved, Pending, Rejected};
    let mut judged = Judged::new();
    judged.judges(0, &[Rejected, Approved, Approved, Approved]);
    judged.judges(1, &[Rejected, Rejected]);
    // What a rule judged, what was taken back and what no rule may judge make no row longer.
    let id = judged.report(0);
    judged.judge(id, Approved, Some("some"));
    let id = judged.report(0);
    judged.judge(id, Approved, None);
    judged.judge(id, Pending, None);
    let (agent, task) = (judged.history.agents[0], judged.task);
    let id = judged.of(agent, task, ArtifactType::Report, OutcomeKind::Succeeded, true);
    judged.judge(id, Approved, None);
    let (_folder, store) = commit(&judged.history, 10);
    let reader = store.reader().unwrap();
    let proposals = reader.approval_proposals(3, &[], Timestamp::EPOCH).unwrap();
    assert_eq!(proposals.len(), 1, "{proposals:?}");
    assert_eq!(proposals[0].streak, 3);
    let named = |name: &str, rule: ApprovalRule| ApprovalRule { name: name.to_owned(), ..rule };
    let first = named("approve-report-agent-1-survey", rule("agent-1", Verdict::Approve));
    assert_eq!(proposals[0].rule, first);
    let trial = &proposals[0].trial;
    assert_eq!((trial.judged, trial.agreed, trial.disagreed.len()), (4, 3, 1));
    assert_eq!((trial.unjudged, trial.left), (2, 1));
    // With less the other is proposed too, after it; what a rule is about already is not, whatever it decides.
    let rules = |after, known: &[ApprovalRule]| -> Vec<ApprovalRule> {
        let found = reader.approval_proposals(after, known, Timestamp::EPOCH).unwrap();
        found.into_iter().map(|proposal| proposal.rule).collect()
    };
    let second = named("reject-report-agent-2-survey", rule("agent-2", Verdict::Reject));
    assert_eq!(rules(2, &[]), [first.clone(), second.clone()]);
    assert_eq!(rules(2, &[rule("agent-1", Verdict::Reject)]), std::slice::from_ref(&second));
    assert_eq!(rules(4, &[]), []);
    // A name that another rule has gets a number.
    let taken = named(&second.name, rule("somebody", Verdict::Approve));
    assert_eq!(rules(2, &[taken])[1].name, "reject-report-agent-2-survey-2");
}

#[test]
fn a_trial_tells_apart_what_people_judged_what_nobody_did_and_what_no_rule_may() {
    use ReviewState::{Approved, Rejected};
    let mut judged = Judged::new();
    judged.judges(0, &[Approved, Rejected]);
    judged.judges(1, &[Approved]);
    judged.report(0);
    let tagged = submit(&mut judged.history, &["high-risk"]);
    let (agent, task) = (judged.history.agents[0], judged.task);
    for (task, kind, ended, merge) in [
        (tagged, ArtifactType::Report, OutcomeKind::Succeeded, false),
        (task, ArtifactType::Report, OutcomeKind::Failed, false),
        (task, ArtifactType::Report, OutcomeKind::Succeeded, true),
        (task, ArtifactType::Code, OutcomeKind::Succeeded, false),
    ] {
        let id = judged.of(agent, task, kind, ended, merge);
        judged.judge(id, Approved, None);
    }
    let (_folder, store) = commit(&judged.history, 10);
    let reader = store.reader().unwrap();
    let trial = reader.try_approval_rule(&rule("agent-1", Verdict::Approve), Timestamp::EPOCH).unwrap();
    assert_eq!((trial.judged, trial.agreed, trial.unjudged, trial.left, trial.more), (2, 1, 1, 3, false));
    let disagreed: Vec<_> = trial.disagreed.iter().map(|one| (one.title.as_str(), one.state)).collect();
    assert_eq!(disagreed, [("2.md", Rejected)]);
    let trial = reader.try_approval_rule(&rule("agent-1", Verdict::Reject), Timestamp::EPOCH).unwrap();
    assert_eq!((trial.judged, trial.agreed), (2, 1));
    assert_eq!(trial.disagreed[0].title, "1.md");
    // What was made before is not looked at.
    let trial = reader.try_approval_rule(&rule("agent-1", Verdict::Approve), judged.history.time()).unwrap();
    assert_eq!((trial.judged, trial.unjudged, trial.left), (0, 0, 0));
}
