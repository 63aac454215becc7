//! Rules that judge artifacts in the place of a human, and how one would have done on what humans judged.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::artifact::{ArtifactType, ReviewState};
use super::enumeration::enumeration;
use super::id::ArtifactId;
use super::refusal::Refusal;

/// How many rules there may be.
pub const APPROVAL_RULES_MAX: usize = 1_000;
/// The longest name of a rule, in characters.
const NAME_CHARS_MAX: usize = 100;
/// The longest name of an agent or type, in characters.
const WORD_CHARS_MAX: usize = 500;

enumeration! {
    /// What a rule makes of what it fits.
    pub enum Verdict ("verdict") {
        /// It is approved.
        Approve = "approve",
        /// It is rejected.
        Reject = "reject",
    }
}

/// What a rule does that does not say.
const fn approves() -> Verdict {
    Verdict::Approve
}

impl Verdict {
    /// The state of a review that ended so.
    pub const fn state(self) -> ReviewState {
        match self {
            Self::Approve => ReviewState::Approved,
            Self::Reject => ReviewState::Rejected,
        }
    }

    /// `approved`, `rejected`.
    pub fn past(self) -> &'static str {
        self.state().as_str()
    }
}

/// Judges artifacts of one type, by one agent, for tasks of one type, as they arrive: what the inbox shows as alike. What is
/// of high risk (decisions, and what comes of tasks with the tag `high-risk`), what is merged once it is approved, and what an
/// attempt left that did not succeed, no rule judges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// Its name.
    pub name: String,
    /// The agent, by name.
    pub agent: String,
    /// The type of the artifacts.
    #[serde(rename = "type")]
    pub kind: ArtifactType,
    /// The type of the tasks.
    pub task_type: String,
    /// What becomes of them.
    #[serde(default = "approves")]
    pub verdict: Verdict,
}

impl ApprovalRule {
    /// Checks everything that can be checked without knowing the fleet.
    pub fn check(&self) -> Result<(), Refusal> {
        for (field, value, most) in [
            ("name", &self.name, NAME_CHARS_MAX),
            ("agent", &self.agent, WORD_CHARS_MAX),
            ("task_type", &self.task_type, WORD_CHARS_MAX),
        ] {
            if value.trim().is_empty() || value.chars().nth(most).is_some() || value.chars().any(char::is_control) {
                return Err(Refusal::invalid(
                    field,
                    value,
                    format!("1 to {most} characters, none of them control characters"),
                ));
            }
        }
        if self.kind == ArtifactType::Decision {
            return Err(Refusal::invalid("type", self.kind, "code, doc, analysis, report")
                .hint("Decisions are of high risk: each is judged by itself"));
        }
        Ok(())
    }

    /// What it says, for people: `approve artifacts of type report by agent tester for tasks of type survey`.
    pub fn sentence(&self) -> String {
        let Self { agent, kind, task_type, verdict, .. } = self;
        format!("{verdict} artifacts of type {kind} by agent {agent} for tasks of type {task_type}")
    }

    /// Whether another rule is about the same artifacts.
    pub fn is_about_same(&self, other: &Self) -> bool {
        (&self.agent, self.kind, &self.task_type) == (&other.agent, other.kind, &other.task_type)
    }
}

/// How a rule would have judged what there was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalTrial {
    /// How many that it fits were judged by a human.
    pub judged: u64,
    /// How many of them as the rule would have.
    pub agreed: u64,
    /// The others, the latest first, at most 100.
    pub disagreed: Vec<Disagreement>,
    /// How many that it fits no human has judged.
    pub unjudged: u64,
    /// How many no rule judges: those of high risk, those that approval merges, and what failed attempts have left.
    pub left: u64,
    /// Whether there were more than were looked at.
    pub more: bool,
}

/// What a human judged otherwise than a rule would have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Disagreement {
    /// The artifact.
    pub artifact_id: ArtifactId,
    /// Its title.
    pub title: String,
    /// How the human judged.
    pub state: ReviewState,
}

impl ApprovalTrial {
    /// For people: `would have approved 41 of 43 as a human did; 2 were rejected: north.md, south.md`.
    pub fn sentence(&self, verdict: Verdict) -> String {
        let Self { judged, agreed, disagreed, unjudged, left, more } = self;
        let mut text = format!("would have {} {agreed} of {judged} as a human did", verdict.past());
        if let Some(first) = disagreed.first() {
            let titles: Vec<_> = disagreed.iter().take(5).map(|one| one.title.as_str()).collect();
            let others = judged.saturating_sub(*agreed);
            let rest = if others > titles.len() as u64 { ", ..." } else { "" };
            let was = if others == 1 { "was" } else { "were" };
            let _ = write!(text, "; {others} {was} {}: {}{rest}", first.state, titles.join(", "));
        }
        for (number, what) in [(unjudged, "no human has judged"), (left, "are such as no rule judges")] {
            if *number > 0 {
                let _ = write!(text, "; {number} {what}");
            }
        }
        if *more {
            text += "; what is older was not looked at";
        }
        text
    }
}

/// A rule that follows from what humans did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// The rule.
    pub rule: ApprovalRule,
    /// How many of the latest alike artifacts were judged so, in a row.
    pub streak: u64,
    /// How it would have done.
    pub trial: ApprovalTrial,
}

/// A name for a rule, made of what it says.
pub fn name_of(verdict: Verdict, kind: ArtifactType, agent: &str, task_type: &str) -> String {
    let slug = |text: &str| -> String {
        let text: String = text.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(40).collect();
        text.trim_matches('-').to_owned()
    };
    format!("{verdict}-{kind}-{}-{}", slug(agent), slug(task_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> ApprovalRule {
        ApprovalRule {
            name: "x".to_owned(),
            agent: "a1".to_owned(),
            kind: ArtifactType::Report,
            task_type: "survey".to_owned(),
            verdict: Verdict::Approve,
        }
    }

    #[test]
    fn what_no_rule_may_say_is_refused() {
        assert_eq!(rule().check(), Ok(()));
        let decisions = ApprovalRule { kind: ArtifactType::Decision, ..rule() };
        assert!(decisions.check().unwrap_err().to_string().contains("high risk"));
        for bad in ["", "  ", "a\u{1b}b", &"x".repeat(501)] {
            for changed in [
                ApprovalRule { name: bad.to_owned(), ..rule() },
                ApprovalRule { agent: bad.to_owned(), ..rule() },
                ApprovalRule { task_type: bad.to_owned(), ..rule() },
            ] {
                assert!(changed.check().is_err(), "{changed:?}");
            }
        }
    }

    #[test]
    fn a_trial_says_how_many_and_which_not() {
        let other = |title: &str| Disagreement {
            artifact_id: ArtifactId::new(crate::domain::Timestamp::EPOCH, 1),
            title: title.to_owned(),
            state: ReviewState::Rejected,
        };
        let trial = ApprovalTrial {
            judged: 43,
            agreed: 41,
            disagreed: vec![other("north"), other("south")],
            left: 3,
            ..ApprovalTrial::default()
        };
        assert_eq!(
            trial.sentence(Verdict::Approve),
            "would have approved 41 of 43 as a human did; 2 were rejected: north, south; \
             3 are such as no rule judges"
        );
    }
}
