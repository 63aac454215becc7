//! `menagerie agent …`: list, add, remove and steer agents.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::agent_fields::FieldArgs;
use super::agent_performance::{self, PerformanceArgs};
use super::agent_recommend::RecommendArgs;
use super::alert;
use super::args::one_of;
use super::context::Context;
use super::failure::Outcome;
use super::list::{ListArgs, given};
use super::program::Programs;
use super::table::{Align, Table};
use super::view;
use super::{agent_recommend, agent_show, agent_version, candidates, items};
use crate::api::client::{Client, encode};
use crate::api::types::WireCommand;
use crate::domain::agent::Division;
use crate::domain::difference::shown_differences;
use crate::domain::filter::tables;
use crate::domain::{Agent, AgentSpec, AgentStatus, CageId, Refusal, User};

/// What can be done with agents.
#[derive(Subcommand, Debug)]
pub enum AgentVerb {
    /// List agents
    List(AgentListArgs),
    /// Show everything about an agent
    Show {
        /// Its name or id
        agent: String,
    },
    /// Show what agents did, day by day
    Performance(PerformanceArgs),
    /// Add an agent; a fleet file and `apply` do the same for many
    Add(Box<AddArgs>),
    /// Change some of what is declared about an agent; what is left out stays
    Set(Box<SetArgs>),
    /// Remove agents that have nothing running
    Remove {
        /// Their names or ids
        #[arg(required = true, value_name = "AGENT")]
        agents: Vec<String>,
    },
    /// Give agents another home; without --cage they take any vacant cage
    Reassign {
        /// Their names or ids
        #[arg(required = true, value_name = "AGENT")]
        agents: Vec<String>,
        /// Their home from now on
        #[arg(long, value_name = "NUMBER")]
        cage: Option<CageId>,
        /// Only show the cages that the first could be given, and what speaks for each
        #[arg(long, conflicts_with = "cage")]
        candidates: bool,
    },
    /// Show which agents suit what is to be done, and why
    Recommend(RecommendArgs),
    /// Show who reports to whom: all agents, or those under one
    Tree {
        /// Its name or id
        agent: Option<String>,
    },
    /// Give an agent another name; its tasks, its history and what was learned of it stay its own
    Rename {
        /// Its name or id
        agent: String,
        /// Its name from now on
        name: String,
    },
    /// Put agents under another, with everybody who reports to them; without --to at the top
    Report {
        /// Their names or ids
        #[arg(required = true, value_name = "AGENT")]
        agents: Vec<String>,
        /// Whom they report to from now on
        #[arg(long, value_name = "AGENT")]
        to: Option<String>,
    },
    /// Show when what is declared about an agent was changed, by whom, and what of it
    ///
    /// Of a changed text only the lines that differ are shown; `-o json` has both whole.
    History {
        /// Its name or id; of a removed agent the name that it had
        agent: String,
        /// Which, and how many.
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show what is different between two definitions of an agent, field by field
    ///
    /// Of a changed text only the lines that differ are shown; `-o json` has both whole.
    Diff {
        /// Its name or id
        agent: String,
        /// A version; the one before the last when left out
        from: Option<u64>,
        /// Another version; the last when left out
        to: Option<u64>,
    },
    /// Declare an agent as it was in an earlier version
    Rollback {
        /// Its name or id
        agent: String,
        /// The version
        version: u64,
    },
    /// Let agents end what they have and take nothing new
    Drain {
        /// Their names or ids
        #[arg(required = true, value_name = "AGENT")]
        agents: Vec<String>,
    },
    /// Let drained agents, or those paused after failures, work again
    Resume {
        /// Their names or ids
        #[arg(required = true, value_name = "AGENT")]
        agents: Vec<String>,
    },
}

/// Options of `menagerie agent list`.
#[derive(Args, Clone, Debug)]
pub struct AgentListArgs {
    /// Only agents with this status
    #[arg(short, long, value_name = "STATUS", value_parser = one_of::<AgentStatus>(AgentStatus::ALL))]
    pub status: Option<AgentStatus>,
    /// Only agents of this division
    #[arg(long, value_name = "DIVISION", value_parser = one_of::<Division>(Division::ALL))]
    pub division: Option<Division>,
    /// Only the agents in this cage
    #[arg(long, value_name = "NUMBER")]
    pub cage: Option<CageId>,
    #[command(flatten)]
    pub list: ListArgs,
}

/// Options of `menagerie agent add`.
#[derive(Args, Clone, Debug)]
pub struct AddArgs {
    /// Unique, 1-100 characters
    pub name: String,
    #[command(flatten)]
    pub fields: FieldArgs,
}

/// Options of `menagerie agent set`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "What is left out stays as it is. An option that may be repeated takes the place of the whole list. An empty value clears: `--role '' --keyword ''`, and `-- ''` the command. The change is a version of its own: `agent history` and `agent diff` show it, `agent rollback` goes back."
)]
pub struct SetArgs {
    /// Its name or id
    pub agent: String,
    #[command(flatten)]
    pub fields: FieldArgs,
}

pub fn run(context: &mut Context, verb: AgentVerb) -> Outcome {
    let (command, done) = match verb {
        AgentVerb::List(args) => return list(context, &args),
        AgentVerb::Show { agent } => return show(context, &agent),
        AgentVerb::Performance(args) => return agent_performance::run(context, args),
        AgentVerb::Add(args) => {
            let agent = Box::new(args.fields.patch().over(&AgentSpec::new(args.name)));
            agent.check()?;
            Programs::new(&context.settings.data_dir.value).check_agent(&agent)?;
            (WireCommand::AddAgent { agent }, "added")
        }
        AgentVerb::Set(args) => return set(context, *args),
        AgentVerb::Remove { agents: ids } => (WireCommand::RemoveAgents { ids }, "removed"),
        AgentVerb::Reassign { agents, candidates: true, .. } => {
            return candidates::show(context, &format!("/v1/agents/{}/candidates", encode(&agents[0])));
        }
        AgentVerb::Reassign { agents: ids, cage, .. } => (WireCommand::ReassignAgents { ids, cage }, "reassigned"),
        AgentVerb::Recommend(args) => return agent_recommend::run(context, args),
        AgentVerb::Tree { agent } => return agent_version::tree(context, agent.as_deref()),
        AgentVerb::History { agent, list } => return agent_version::history(context, &agent, &list),
        AgentVerb::Diff { agent, from, to } => return agent_version::diff(context, &agent, from, to),
        AgentVerb::Rollback { agent, version } => return agent_version::rollback(context, &agent, version),
        AgentVerb::Rename { agent, name } => (WireCommand::RenameAgent { agent, name }, "is its name now"),
        AgentVerb::Report { agents: ids, to } => (WireCommand::ReportTo { ids, superior: to }, "moved"),
        AgentVerb::Drain { agents: ids } => (WireCommand::DrainAgents { ids }, "drained"),
        AgentVerb::Resume { agents: ids } => (WireCommand::ResumeAgents { ids }, "resumed"),
    };
    let client = context.engine()?;
    let names = names_of(&client, &command);
    items::send_named(context, &client, &command, done, &names)
}

/// The names of the agents that a command is about, by their ids. They are asked for before the command is sent, because
/// a removed agent has none.
fn names_of(client: &Client, command: &WireCommand) -> BTreeMap<String, String> {
    let (WireCommand::RemoveAgents { ids }
    | WireCommand::ReassignAgents { ids, .. }
    | WireCommand::ReportTo { ids, .. }
    | WireCommand::DrainAgents { ids }
    | WireCommand::ResumeAgents { ids }) = command
    else {
        return BTreeMap::new();
    };
    // An agent that is not there is refused by the command itself, with the reason.
    let asked = ids.iter().filter_map(|id| client.get(&format!("/v1/agents/{}", encode(id)), &vec![]).ok());
    asked.map(|agent: Value| (view::text(&agent, "id"), view::text(&agent, "name"))).collect()
}

/// Changes some of what is declared about an agent, and shows what.
fn set(context: &mut Context, args: SetArgs) -> Outcome {
    let changes = args.fields.patch();
    if changes.is_empty() {
        let refusal = Refusal::invalid("agent set", "", "at least one option that says what is to be different");
        return Err(refusal.hint("menagerie agent set --help lists them").into());
    }
    let client = context.engine()?;
    let agent: Agent = client.get(&format!("/v1/agents/{}", encode(&args.agent)), &vec![])?;
    let spec = changes.over(&agent.spec);
    spec.check()?;
    if changes.command.is_some() || changes.env.is_some() {
        Programs::new(&context.settings.data_dir.value).check_agent(&spec)?;
    }
    let (id, name) = (agent.id.to_string(), agent.spec.name.clone());
    let command = WireCommand::SetAgent { id: id.clone(), changes: Box::new(changes) };
    let status = items::send_named(context, &client, &command, "changed", &BTreeMap::from([(id, name)]))?;
    if context.out.is_table() {
        let json = |spec: &AgentSpec| serde_json::to_value(spec).unwrap_or(Value::Null);
        agent_version::show_changes(context, &shown_differences(&json(&agent.spec), &json(&spec)))?;
    }
    Ok(status)
}

fn list(context: &mut Context, args: &AgentListArgs) -> Outcome {
    let client = context.engine()?;
    let filters = given([
        ("status", args.status.map(|status| status.to_string())),
        ("division", args.division.map(|division| division.to_string())),
        ("cage", args.cage.map(|cage| cage.to_string())),
    ]);
    let fetched = args.list.fetch(&client, &tables::AGENTS, filters, context.out.is_table())?;
    args.list.print(context, fetched, draw)
}

fn draw(rows: &[Value]) -> Table {
    let mut table = Table::new(&[
        ("NAME", Align::Left),
        ("STATUS", Align::Left),
        ("CAGE", Align::Left),
        ("SLOTS", Align::Right),
        ("DONE", Align::Right),
        ("GOOD", Align::Right),
        ("MEAN", Align::Right),
        ("DIVISION", Align::Left),
        ("CAPABILITIES", Align::Elastic),
    ]);
    for agent in rows {
        table.row(vec![
            view::text(agent, "name").into(),
            view::status(agent, "status"),
            home(agent).into(),
            format!("{}/{}", view::count(agent, "running"), view::count(agent, "concurrency")).into(),
            view::count(agent, "counters.total_executions").to_string().into(),
            success(agent).into(),
            mean(agent).into(),
            view::text_or_dash(agent, "division").into(),
            view::joined(agent, "capabilities", " ").into(),
        ]);
    }
    table
}

/// The cage an agent is in, or else the one it lives in.
pub fn home(agent: &Value) -> String {
    let now = view::text(agent, "cage_id");
    if now.is_empty() { view::text_or_dash(agent, "cage") } else { now }
}

/// The share of executions that succeeded; a dash while there was none.
pub fn success(agent: &Value) -> String {
    match (view::count(agent, "counters.success_count"), view::count(agent, "counters.total_executions")) {
        (_, 0) => "-".into(),
        // Rounded, but all and none are only said where it is so.
        (good, total) => {
            let percent = (good * 200 + total) / (total * 2);
            format!("{}%", percent.clamp(u64::from(good > 0), if good < total { 99 } else { 100 }))
        }
    }
}

pub fn mean(agent: &Value) -> String {
    let millis = view::at(agent, "counters.avg_execution_time_ms").as_i64();
    millis.map_or_else(|| view::NOTHING.into(), |millis| crate::domain::Span::from_millis(millis).human())
}

fn show(context: &mut Context, agent: &str) -> Outcome {
    let client = context.engine()?;
    let agent: Value = client.get(&format!("/v1/agents/{}", encode(agent)), &vec![])?;
    if context.out.value(&agent)? {
        return Ok(0);
    }
    let users = client.list::<User>("users", &vec![("limit".to_owned(), "10000".to_owned())])?.0;
    let mut fields = agent_show::fields(&agent, &users)?;
    let name = view::text(&agent, "name");
    fields.extend(alert::about(&client, &[format!("agent {name}")])?);
    context.out.fields(&fields)?;
    Ok(0)
}
