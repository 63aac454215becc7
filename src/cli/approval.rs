//! `menagerie approval …`: rules that judge artifacts in your place.

use clap::{Args, Subcommand};

use super::args::one_of;
use super::context::Context;
use super::failure::Outcome;
use super::items;
use super::table::{Align, Table};
use crate::api::types::{ApprovalRuleTest, WireCommand};
use crate::domain::approval_rule::{ApprovalRule, ApprovalTrial, Proposal, Verdict};
use crate::domain::{ArtifactType, Refusal, Span};

/// What can be done about approvals.
#[derive(Subcommand, Debug)]
pub enum ApprovalVerb {
    /// List, add, remove and try rules
    #[command(subcommand)]
    Rule(RuleVerb),
}

/// What can be done with rules.
#[derive(Subcommand, Debug)]
pub enum RuleVerb {
    /// List the rules
    List,
    /// List the rules that follow from what was judged of late
    Proposed {
        /// How many alike artifacts must have been judged the same way in a row
        #[arg(long, value_name = "COUNT", default_value_t = 5)]
        after: u64,
    },
    /// Show a rule
    Show {
        /// Its name
        name: String,
    },
    /// Add a rule: artifacts that it fits are judged as they arrive, except those of high risk
    Add(RuleArgs),
    /// Remove rules; what they judged stays as it is
    Remove {
        /// Names of rules
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Say how a rule would have judged, and change nothing
    Test {
        #[command(flatten)]
        rule: RuleArgs,
        /// How far back
        #[arg(long, value_name = "SPAN", default_value = "24h")]
        since: Span,
    },
}

/// A rule as options.
#[derive(Args, Clone, Debug)]
pub struct RuleArgs {
    /// Its name
    pub name: String,
    /// The agent whose artifacts it judges, by name
    #[arg(long)]
    pub agent: String,
    /// The type of the artifacts
    #[arg(long = "type", value_parser = one_of::<ArtifactType>(ArtifactType::ALL))]
    pub kind: ArtifactType,
    /// The type of the tasks they come of
    #[arg(long, value_name = "TYPE")]
    pub task_type: String,
    /// Reject them instead of approving them
    #[arg(long)]
    pub reject: bool,
}

impl RuleArgs {
    fn rule(self) -> ApprovalRule {
        let verdict = if self.reject { Verdict::Reject } else { Verdict::Approve };
        let Self { name, agent, kind, task_type, .. } = self;
        ApprovalRule { name, agent, kind, task_type, verdict }
    }
}

pub fn run(context: &mut Context, verb: ApprovalVerb) -> Outcome {
    let ApprovalVerb::Rule(verb) = verb;
    let client = context.engine()?;
    match verb {
        RuleVerb::List => {
            let rules: Vec<ApprovalRule> = client.get("/v1/approval-rules", &vec![])?;
            if !context.out.value(&serde_json::json!(rules))? {
                context.out.table(&table_of(&rules))?;
            }
            Ok(0)
        }
        RuleVerb::Show { name } => {
            let rules: Vec<ApprovalRule> = client.get("/v1/approval-rules", &vec![])?;
            let Some(rule) = rules.into_iter().find(|rule| rule.name == name) else {
                let hint = "menagerie approval rule list shows those that there are";
                return Err(Refusal::not_found("approval rule", name).hint(hint).into());
            };
            if !context.out.value(&serde_json::json!(rule))? {
                context.out.line(&super::table::clean(&format!("{}: {}", rule.name, rule.sentence())))?;
            }
            Ok(0)
        }
        RuleVerb::Proposed { after } => {
            let query = vec![("after".to_owned(), after.to_string())];
            let proposals: Vec<Proposal> = client.get("/v1/approval-rules/proposals", &query)?;
            if context.out.value(&serde_json::json!(proposals))? {
                return Ok(0);
            }
            if proposals.is_empty() {
                context.out.line("no rule is proposed")?;
            }
            for Proposal { rule, streak, trial } in proposals {
                context.out.line(&super::table::clean(&format!(
                    "{}: {}; judged so {streak} times in a row; {}",
                    rule.name,
                    rule.sentence(),
                    trial.sentence(rule.verdict)
                )))?;
            }
            Ok(0)
        }
        RuleVerb::Add(args) => {
            let command = WireCommand::AddApprovalRule { rule: Box::new(args.rule()) };
            items::send(context, &client, &command, "added")
        }
        RuleVerb::Remove { names } => {
            items::send(context, &client, &WireCommand::RemoveApprovalRules { names }, "removed")
        }
        RuleVerb::Test { rule, since } => {
            let rule = rule.rule();
            let verdict = rule.verdict;
            let trial: ApprovalTrial = client.post("/v1/approval-rules/test", &ApprovalRuleTest { rule, since })?;
            if !context.out.value(&serde_json::json!(trial))? {
                context.out.line(&super::table::clean(&trial.sentence(verdict)))?;
            }
            Ok(0)
        }
    }
}

fn table_of(rules: &[ApprovalRule]) -> Table {
    let mut table = Table::new(&[
        ("NAME", Align::Left),
        ("VERDICT", Align::Left),
        ("TYPE", Align::Left),
        ("AGENT", Align::Left),
        ("TASK TYPE", Align::Elastic),
    ]);
    for rule in rules {
        table.row(vec![
            rule.name.clone().into(),
            rule.verdict.as_str().to_owned().into(),
            rule.kind.as_str().to_owned().into(),
            rule.agent.clone().into(),
            rule.task_type.clone().into(),
        ]);
    }
    table
}
