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

/// How many artifacts of an agent the trial of a rule looks at that somebody thinks of.
const TRIED_MAX: usize = 10_000;
/// How many artifacts of an agent the trial of a proposal looks at: consoles ask for these again and again.
const PROPOSED_TRIED_MAX: usize = 1_000;
/// How many judgements are looked at for rules to be proposed.
const JUDGED_MAX: usize = 1_000;
/// How many rules are proposed at a time.
const PROPOSED_MAX: usize = 5;
/// How many disagreements a trial names.
const NAMED_MAX: usize = 100;

/// What is alike: the agent by name, the type, and the type of the task.
type Alike = (String, ArtifactType, String);

const DOING: &str = "reading what was judged";

/// Whether no rule judges artifact `r` of task `t`: it is of high risk, approval merges it, or its attempt did not succeed.
fn no_rule() -> String {
    format!(
        "({IS_HIGH_RISK} OR r.difference ->> '$.merge' IS NOT NULL OR EXISTS (SELECT 1 FROM execution e
            WHERE e.id = r.execution_id AND e.outcome_kind <> 'succeeded'))"
    )
}

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

    /// How a rule would have judged what its agent has made since a time, the latest 10,000 artifacts of it.
    pub fn try_approval_rule(&self, rule: &ApprovalRule, since: Timestamp) -> Result<ApprovalTrial, Error> {
        self.try_on_latest(rule, since, TRIED_MAX)
    }

    fn try_on_latest(&self, rule: &ApprovalRule, since: Timestamp, most: usize) -> Result<ApprovalTrial, Error> {
        // A cross join is not turned around: the agent's artifacts are walked from the latest on, and no others.
        let no_rule = no_rule();
        let sql = format!(
            "SELECT r.id, r.title, r.state, r.created_at, r.type = ? AND t.type = ?, r.reviewed_by IS NOT NULL, {no_rule}
             FROM artifact r CROSS JOIN task t ON t.id = r.task_id
             WHERE r.agent_id = (SELECT id FROM agent WHERE name = ?) ORDER BY r.seq DESC LIMIT ?"
        );
        let limit = i64::try_from(most + 1).unwrap_or(i64::MAX);
        let mut statement = self.connection().prepare_cached(&sql).doing(DOING)?;
        let wanted = params![rule.kind.as_str(), rule.task_type, rule.agent, limit];
        let mut rows = statement.query(wanted).doing(DOING)?;
        let (mut trial, mut looked_at) = (ApprovalTrial::default(), 0);
        while let Some(row) = rows.next().doing(DOING)? {
            let made = made(row).doing(DOING)?;
            if made.at < since {
                break;
            }
            looked_at += 1;
            if looked_at > most {
                trial.more = true;
                break;
            }
            match (made.fits, made.left, made.by_human) {
                (false, ..) => {}
                (true, true, _) => trial.left += 1,
                (true, false, false) => trial.unjudged += 1,
                (true, false, true) => {
                    trial.judged += 1;
                    if made.state == rule.verdict.state() {
                        trial.agreed += 1;
                    } else if trial.disagreed.len() < NAMED_MAX {
                        trial.disagreed.push(Disagreement {
                            artifact_id: made.artifact_id,
                            title: made.title,
                            state: made.state,
                        });
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
        let mut found = vec![];
        for ((agent, kind, task_type), (state, streak)) in self.streaks()? {
            let verdict = match state {
                ReviewState::Approved => Verdict::Approve,
                ReviewState::Rejected => Verdict::Reject,
                ReviewState::Pending => continue,
            };
            let name = name_of(verdict, kind, &agent, &task_type);
            let rule = ApprovalRule { name: free_name(&name, known), agent, kind, task_type, verdict };
            if streak >= after && rule.check().is_ok() && !known.iter().any(|one| one.is_about_same(&rule)) {
                found.push((streak, rule));
            }
        }
        found.sort_by(|(one, a), (other, b)| other.cmp(one).then_with(|| a.name.cmp(&b.name)));
        found.truncate(PROPOSED_MAX);
        let tried = |(streak, rule): (u64, ApprovalRule)| {
            let trial = self.try_on_latest(&rule, since, PROPOSED_TRIED_MAX)?;
            Ok(Proposal { rule, streak, trial })
        };
        found.into_iter().map(tried).collect()
    }

    /// Of alike artifacts, how the latest was judged and how many were judged so in a row.
    fn streaks(&self) -> Result<BTreeMap<Alike, (ReviewState, u64)>, Error> {
        // As above: the latest judgements, and not all artifacts of all agents.
        let no_rule = no_rule();
        let sql = format!(
            "SELECT a.name, r.type, t.type, r.state
             FROM (SELECT seq, agent_id, task_id, execution_id, type, state, reviewed_at, difference FROM artifact
                   WHERE reviewed_by IS NOT NULL ORDER BY reviewed_at DESC, seq DESC LIMIT ?) r
             CROSS JOIN agent a ON a.id = r.agent_id CROSS JOIN task t ON t.id = r.task_id
             WHERE NOT {no_rule} ORDER BY r.reviewed_at DESC, r.seq DESC"
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

/// An artifact as a trial looks at it.
struct Made {
    artifact_id: ArtifactId,
    title: String,
    state: ReviewState,
    at: Timestamp,
    /// Whether it is of the types that the rule is about.
    fits: bool,
    by_human: bool,
    /// Whether no rule judges it.
    left: bool,
}

fn made(row: &Row<'_>) -> rusqlite::Result<Made> {
    let mut columns = Columns::new(row);
    let c = &mut columns;
    Ok(Made {
        artifact_id: c.id(ArtifactId)?,
        title: c.get()?,
        state: c.word()?,
        at: c.time()?,
        fits: c.get()?,
        by_human: c.get()?,
        left: c.get()?,
    })
}

/// A name that no rule has: the one that was wanted, or that with a number.
fn free_name(wanted: &str, known: &[ApprovalRule]) -> String {
    let mut name = wanted.to_owned();
    let mut number = 1;
    while known.iter().any(|rule| rule.name == name) {
        number += 1;
        name = format!("{wanted}-{number}");
    }
    name
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
