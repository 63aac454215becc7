//! What rules that judge artifacts need of the store: what a task is, what humans judged, and how a rule would have done.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};

use super::error::{Doing, Error};
use super::reader::Reader;
use super::rows::Columns;
use super::triage::IS_HIGH_RISK;
use crate::domain::approval_rule::{ApprovalRule, ApprovalTrial, Disagreement, Proposal, Verdict, name_of};
use crate::domain::id::{ArtifactId, TaskId};
use crate::domain::snapshot::TaskFacts;
use crate::domain::{ArtifactType, ReviewState, Timestamp};

/// How many artifacts a trial looks at.
const TRIED_MAX: usize = 10_000;
/// How many judgements are looked at for rules to be proposed.
const JUDGED_MAX: usize = 1_000;
/// How many rules are proposed at a time.
const PROPOSED_MAX: usize = 20;
/// How many disagreements a trial names.
const NAMED_MAX: usize = 100;

/// What is alike: the agent by name, the type, and the type of the task.
type Alike = (String, ArtifactType, String);

const DOING: &str = "reading what was judged";

impl Reader {
    /// What rules have to know of a task.
    pub fn task_facts(&self, id: TaskId) -> Result<Option<TaskFacts>, Error> {
        let sql = "SELECT t.type, EXISTS (SELECT 1 FROM json_each(t.metadata, '$.tags') g WHERE g.value = 'high-risk')
                   FROM task t WHERE t.id = ?";
        self.connection()
            .prepare_cached(sql)
            .and_then(|mut statement| {
                let read = |row: &Row<'_>| Ok(TaskFacts { id, kind: row.get(0)?, high_risk: row.get(1)? });
                statement.query_row(params![id.0.as_bytes()], read).optional()
            })
            .doing("reading tasks")
    }

    /// How a rule would have judged the artifacts made since a time, the latest 10,000 of them.
    pub fn try_approval_rule(&self, rule: &ApprovalRule, since: Timestamp) -> Result<ApprovalTrial, Error> {
        let sql = format!(
            "SELECT r.id, r.title, r.state, r.reviewed_by IS NOT NULL, {IS_HIGH_RISK}
             FROM artifact r JOIN agent a ON a.id = r.agent_id JOIN task t ON t.id = r.task_id
             WHERE a.name = ? AND r.type = ? AND t.type = ? AND r.created_at >= ? ORDER BY r.seq DESC LIMIT ?"
        );
        let mut statement = self.connection().prepare_cached(&sql).doing(DOING)?;
        let limit = i64::try_from(TRIED_MAX + 1).unwrap_or(i64::MAX);
        let wanted = params![rule.agent, rule.kind.as_str(), rule.task_type, since.as_micros(), limit];
        let mut rows = statement.query(wanted).doing(DOING)?;
        let (mut trial, mut looked_at) = (ApprovalTrial::default(), 0);
        while let Some(row) = rows.next().doing(DOING)? {
            looked_at += 1;
            if looked_at > TRIED_MAX {
                trial.more = true;
                break;
            }
            let mut columns = Columns::new(row);
            let c = &mut columns;
            let mut read = || -> rusqlite::Result<(ArtifactId, String, ReviewState, bool, bool)> {
                Ok((c.id(ArtifactId)?, c.get()?, c.word()?, c.get()?, c.get()?))
            };
            let (artifact_id, title, state, by_human, high_risk) = read().doing(DOING)?;
            match (high_risk, by_human && state != ReviewState::Pending) {
                (true, _) => trial.high_risk += 1,
                (false, false) => trial.unjudged += 1,
                (false, true) => {
                    trial.judged += 1;
                    if state == rule.verdict.state() {
                        trial.agreed += 1;
                    } else if trial.disagreed.len() < NAMED_MAX {
                        trial.disagreed.push(Disagreement { artifact_id, title, state });
                    }
                }
            }
        }
        Ok(trial)
    }

    /// The rules that follow from what humans judged last: of alike artifacts (the same agent, type and type of task) the
    /// latest `after` or more were judged the same way. Those about what a rule `known` is about already are left out.
    pub fn approval_proposals(
        &self,
        after: u64,
        known: &[ApprovalRule],
        since: Timestamp,
    ) -> Result<Vec<Proposal>, Error> {
        let mut proposals = vec![];
        for ((agent, kind, task_type), (state, streak)) in self.streaks()? {
            let verdict = match state {
                ReviewState::Approved => Verdict::Approve,
                ReviewState::Rejected => Verdict::Reject,
                ReviewState::Pending => continue,
            };
            let mut name = name_of(verdict, kind, &agent, &task_type);
            let rule = ApprovalRule { name: name.clone(), agent, kind, task_type, verdict };
            if streak < after.max(1) || known.iter().any(|one| one.is_about_same(&rule)) {
                continue;
            }
            for number in 2.. {
                if known.iter().all(|one| one.name != name) {
                    break;
                }
                name = format!("{}-{number}", rule.name);
            }
            let rule = ApprovalRule { name, ..rule };
            if rule.check().is_ok() {
                let trial = self.try_approval_rule(&rule, since)?;
                proposals.push(Proposal { rule, streak, trial });
            }
        }
        proposals.sort_by(|one, other| other.streak.cmp(&one.streak).then_with(|| one.rule.name.cmp(&other.rule.name)));
        proposals.truncate(PROPOSED_MAX);
        Ok(proposals)
    }

    /// Of alike artifacts, how the latest was judged and how many were judged so in a row.
    fn streaks(&self) -> Result<BTreeMap<Alike, (ReviewState, u64)>, Error> {
        let sql = format!(
            "SELECT a.name, r.type, t.type, r.state
             FROM artifact r JOIN agent a ON a.id = r.agent_id JOIN task t ON t.id = r.task_id
             WHERE r.reviewed_by IS NOT NULL AND NOT {IS_HIGH_RISK} ORDER BY r.reviewed_at DESC, r.seq DESC LIMIT ?"
        );
        let mut statement = self.connection().prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement.query([i64::try_from(JUDGED_MAX).unwrap_or(i64::MAX)]).doing(DOING)?;
        let mut judged = vec![];
        while let Some(row) = rows.next().doing(DOING)? {
            let mut columns = Columns::new(row);
            let c = &mut columns;
            let mut read =
                || -> rusqlite::Result<(Alike, ReviewState)> { Ok(((c.get()?, c.word()?, c.get()?), c.word()?)) };
            judged.push(read().doing(DOING)?);
        }
        Ok(streaks_of(judged))
    }
}

/// How the latest of alike artifacts was judged, and how many were judged so in a row.
fn streaks_of(latest_first: Vec<(Alike, ReviewState)>) -> BTreeMap<Alike, (ReviewState, u64)> {
    let mut found: BTreeMap<Alike, (ReviewState, u64, bool)> = BTreeMap::new();
    for (alike, state) in latest_first {
        let streak = found.entry(alike).or_insert((state, 0, true));
        streak.2 &= streak.0 == state;
        streak.1 += u64::from(streak.2);
    }
    found.into_iter().map(|(alike, (state, streak, _))| (alike, (state, streak))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streak_ends_with_the_first_that_was_judged_otherwise() {
        use ReviewState::{Approved, Rejected};
        let alike = |agent: &str| (agent.to_owned(), ArtifactType::Doc, "survey".to_owned());
        // The latest first; what another agent made is not alike.
        let judged = [
            ("a", Approved),
            ("b", Rejected),
            ("a", Approved),
            ("b", Rejected),
            ("a", Rejected),
            ("a", Approved),
            ("a", Approved),
            ("b", Rejected),
        ];
        let found = streaks_of(judged.map(|(agent, state)| (alike(agent), state)).to_vec());
        assert_eq!(found[&alike("a")], (Approved, 2));
        assert_eq!(found[&alike("b")], (Rejected, 3));
        assert_eq!(found.len(), 2);
    }
}
