//! How the survey goes, from the journal's own records: who started, who ended how, what was made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::plan::GLUTTON;
use crate::api::types::JournalRow;
use crate::domain::event::Event;
use crate::domain::{Artifact, ArtifactId, Outcome, OutcomeKind, ReviewState, Span, TaskId, TaskStatus};

/// One task of the survey.
#[derive(Clone, Debug)]
pub struct Member {
    /// The agent that does it, by name; also the task's key.
    pub agent: String,
    /// Where its life stands.
    pub status: TaskStatus,
    /// How its last attempt ended.
    pub outcome: Option<Outcome>,
    /// Why it was given up without an attempt.
    pub error: Option<String>,
}

/// The survey as far as the journal has told.
pub struct Watch {
    members: BTreeMap<TaskId, Member>,
    /// What was made, in order.
    pub artifacts: Vec<(String, Artifact)>,
    /// What of it was judged.
    judged: BTreeSet<ArtifactId>,
    /// The last record seen.
    pub seq: u64,
}

impl Watch {
    /// A survey of these tasks, by agent, from the journal's record `seq` on.
    pub fn new(tasks: impl IntoIterator<Item = (TaskId, String)>, seq: u64) -> Self {
        let member = |agent| Member { agent, status: TaskStatus::Pending, outcome: None, error: None };
        let members = tasks.into_iter().map(|(id, agent)| (id, member(agent))).collect();
        Self { members, artifacts: vec![], judged: BTreeSet::new(), seq }
    }

    /// Takes in one record; gives a line for people when it is about the survey.
    pub fn see(&mut self, row: &JournalRow) -> Option<String> {
        self.seq = row.seq;
        // The stream also carries kinds that a newer engine may add; they are not about the survey.
        let body = serde_json::to_vec(&row.body).ok()?;
        match Event::read(&row.kind, row.version, &body).ok()? {
            Event::ExecutionScheduled(event) => {
                let member = self.members.get_mut(&event.task_id)?;
                member.status = TaskStatus::Scheduled;
                let again = if event.attempt > 1 { format!(", attempt {}", event.attempt) } else { String::new() };
                Some(format!("{:<15} starts in cage {}{again}", member.agent, event.cage_id))
            }
            Event::ExecutionEnded(event) => {
                let done = self.count(TaskStatus::is_final) + usize::from(event.task_status.is_final());
                let all = self.members.len();
                let member = self.members.get_mut(&event.task_id)?;
                member.status = event.task_status;
                let took = event.started_at.map(|start| event.ended_at.since(start));
                let line = format!(
                    "{:<15} {:<9} {}",
                    member.agent,
                    took.map_or_else(String::new, Span::human),
                    describe(&event.outcome)
                );
                member.outcome = Some(event.outcome);
                let count = if member.status.is_final() { format!(" [{done}/{all}]") } else { " [again]".to_owned() };
                Some(line + &count)
            }
            Event::TaskFailed(event) => {
                let member = self.members.get_mut(&event.task_id)?;
                member.status = TaskStatus::Failed;
                member.error = Some(event.error);
                Some(format!("{:<15} given up: {}", member.agent, member.error.as_deref().unwrap_or_default()))
            }
            Event::TaskCancelled(event) => {
                let member = self.members.get_mut(&event.task_id)?;
                member.status = TaskStatus::Cancelled;
                Some(format!("{:<15} cancelled", member.agent))
            }
            Event::ArtifactAdded(event) => {
                let agent = self.members.get(&event.artifact.task_id)?.agent.clone();
                self.artifacts.push((agent, event.artifact));
                None
            }
            Event::ArtifactReviewed(event) => {
                if event.state == ReviewState::Pending {
                    self.judged.remove(&event.artifact_id);
                } else {
                    self.judged.insert(event.artifact_id);
                }
                None
            }
            _ => None,
        }
    }

    /// What was made and waits for somebody's judgement, in order.
    pub fn waiting(&self) -> impl Iterator<Item = &(String, Artifact)> {
        self.artifacts.iter().filter(|(_, artifact)| !self.judged.contains(&artifact.id))
    }

    fn count(&self, wanted: impl Fn(TaskStatus) -> bool) -> usize {
        self.members.values().filter(|member| wanted(member.status)).count()
    }

    /// The member that is done by `agent`.
    pub fn member(&self, agent: &str) -> Option<(&TaskId, &Member)> {
        self.members.iter().find(|(_, member)| member.agent == agent)
    }

    /// Whether everybody but `agent` has ended.
    pub fn all_ended_but(&self, agent: &str) -> bool {
        self.members.values().all(|member| member.agent == agent || member.status.is_final())
    }

    /// Those who should have completed and have not, with the reason; `but` is not asked about.
    pub fn failures(&self, but: &str) -> Vec<String> {
        self.members
            .values()
            .filter(|member| member.agent != GLUTTON && member.agent != but && member.status != TaskStatus::Completed)
            .map(|member| {
                let why = member.outcome.as_ref().map(describe).or_else(|| member.error.clone());
                format!(
                    "{} {}: {}",
                    member.agent,
                    member.status,
                    why.unwrap_or_else(|| "no attempt was made".to_owned())
                )
            })
            .collect()
    }

    /// How the glutton was caught, or why that did not happen.
    pub fn glutton_caught(&self) -> Result<String, String> {
        let outcome = self.member(GLUTTON).and_then(|(_, member)| member.outcome.as_ref());
        match outcome {
            Some(outcome)
                if outcome.kind == OutcomeKind::LimitExceeded && outcome.limit.as_deref() == Some("memory") =>
            {
                Ok(describe(outcome))
            }
            Some(outcome) => Err(describe(outcome)),
            None => Err("it did not run".to_owned()),
        }
    }
}

/// How an attempt ended, in a few words: its headline, or what went wrong.
fn describe(outcome: &Outcome) -> String {
    if outcome.succeeded() {
        let headline = outcome.result.as_ref().and_then(|result| result.get("headline")).and_then(Value::as_str);
        return headline.unwrap_or("done").to_owned();
    }
    let limit = outcome.limit.as_ref().map_or_else(String::new, |limit| format!(" ({limit})"));
    let message = if outcome.message.is_empty() { String::new() } else { format!(": {}", outcome.message) };
    format!("{}{limit}{message}", outcome.kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AgentId, Timestamp};
    use serde_json::json;

    fn id<T>(make: fn(Timestamp, u128) -> T, n: u128) -> T {
        make(Timestamp::from_micros(1_000_000), n)
    }

    fn row(seq: u64, kind: &str, body: &Value) -> JournalRow {
        serde_json::from_value(json!({
            "seq": seq, "time": "2026-01-01T00:00:00Z", "actor": "engine", "kind": kind, "version": 1,
            "body": body, "hash": "",
        }))
        .unwrap()
    }

    fn ended(seq: u64, task: TaskId, status: &str, outcome: &Value) -> JournalRow {
        row(
            seq,
            "execution_ended",
            &json!({
                "execution_id": id(crate::domain::ExecutionId::new, 9), "task_id": task, "agent_id": id(AgentId::new, 9),
                "started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:02Z", "outcome": outcome,
                "task_status": status, "attempts": 1, "losses": 0, "not_before": null, "agent_failures": 0,
            }),
        )
    }

    #[test]
    fn a_survey_is_followed_to_its_end() {
        let (one, glutton, editor) = (id(TaskId::new, 1), id(TaskId::new, 2), id(TaskId::new, 3));
        let names = [(one, "historian"), (glutton, GLUTTON), (editor, "editor")];
        let mut watch = Watch::new(names.map(|(id, name)| (id, name.to_owned())), 10);
        assert_eq!(watch.see(&row(11, "engine_started", &json!({"version": "1", "pid": 1}))), None);
        assert_eq!(watch.see(&row(12, "something_new", &json!({}))), None);
        let line =
            watch.see(&ended(13, one, "completed", &json!({"kind": "succeeded", "result": {"headline": "3 hot"}})));
        assert_eq!(line.unwrap(), "historian       2s        3 hot [1/3]");
        assert!(!watch.all_ended_but("editor"));
        assert!(watch.glutton_caught().is_err());
        let caught = json!({"kind": "limit_exceeded", "limit": "memory", "message": "killed"});
        let line = watch.see(&ended(14, glutton, "failed", &caught)).unwrap();
        assert!(line.contains("limit_exceeded (memory): killed [2/3]"), "{line}");
        assert!(watch.all_ended_but("editor") && watch.failures("editor").is_empty());
        assert_eq!(watch.glutton_caught().unwrap(), "limit_exceeded (memory): killed");
        assert_eq!(watch.failures("").len(), 1, "the editor has not run");
        assert_eq!(watch.seq, 14);
        watch.see(&row(15, "task_failed", &json!({"task_id": editor, "error": "rejected"})));
        assert_eq!(watch.failures(""), ["editor failed: rejected"]);
    }

    #[test]
    fn another_limit_or_a_plain_failure_is_not_caught() {
        let glutton = id(TaskId::new, 2);
        for outcome in [json!({"kind": "limit_exceeded", "limit": "wall"}), json!({"kind": "failed", "exit_code": 1})] {
            let mut watch = Watch::new([(glutton, GLUTTON.to_owned())], 0);
            watch.see(&ended(1, glutton, "failed", &outcome));
            assert!(watch.glutton_caught().is_err(), "{outcome}");
        }
    }
}
