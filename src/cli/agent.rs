//! `menagerie agent …`: list, add, remove and steer agents.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::agent_performance::{self, PerformanceArgs};
use super::agent_recommend::RecommendArgs;
use super::alert;
use super::args::one_of;
use super::context::Context;
use super::failure::Outcome;
use super::list::{ListArgs, given};
use super::output::Role;
use super::program::Programs;
use super::table::{Align, Cell, Table};
use super::task_options::parse_workspace;
use super::view;
use super::{agent_recommend, agent_version, candidates, items};
use crate::api::client::{Client, encode};
use crate::api::types::WireCommand;
use crate::domain::agent::{
    AgentConfiguration, AgentKind, AgentSpec, Capability, Division, Participant, Runtime, StreamFormat, Tier,
};
use crate::domain::filter::tables;
use crate::domain::{AgentStatus, CageId, Refusal, Workspace};

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
    /// Show every definition that an agent has had
    History {
        /// Its name or id; of a removed agent the name that it had
        agent: String,
        /// Which, and how many.
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show what is different between two definitions of an agent
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
    /// A name for people
    #[arg(long, value_name = "TEXT")]
    pub display_name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "KIND", value_parser = one_of::<AgentKind>(AgentKind::ALL))]
    pub kind: Option<AgentKind>,
    /// Where it belongs
    #[arg(long, value_name = "DIVISION", value_parser = one_of::<Division>(Division::ALL))]
    pub division: Option<Division>,
    /// What part it takes in a conversation
    #[arg(long, value_name = "PART", value_parser = one_of::<Participant>(Participant::ALL))]
    pub participant: Option<Participant>,
    /// Free: `coder`, `tester`
    #[arg(long, value_name = "TEXT")]
    pub role: Option<String>,
    /// How high it stands
    #[arg(long, value_name = "TIER", value_parser = one_of::<Tier>(Tier::ALL))]
    pub tier: Option<Tier>,
    /// The agent it reports to
    #[arg(long, value_name = "NAME")]
    pub reports_to: Option<String>,
    /// Something it can do, perhaps with parameters as a JSON object: `review={"languages":["rust"]}`; may be repeated
    #[arg(long = "capability", value_name = "TYPE[=JSON]", value_parser = parse_capability)]
    pub capabilities: Vec<Capability>,
    /// Something it knows well; may be repeated
    #[arg(long = "specialization", value_name = "TEXT")]
    pub specializations: Vec<String>,
    /// A tool it can use; may be repeated
    #[arg(long = "tool", value_name = "NAME")]
    pub tools: Vec<String>,
    /// A word that points to it; may be repeated
    #[arg(long = "keyword", value_name = "WORD")]
    pub keywords: Vec<String>,
    /// How many tasks at a time, 1-1024
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub concurrency: u32,
    /// The cage it lives in; without one it takes any vacant cage while it works
    #[arg(long, value_name = "NUMBER")]
    pub cage: Option<CageId>,
    /// The user that owns it, by name, address or id; whoever adds it when left out
    #[arg(long, value_name = "USER")]
    pub owner: Option<String>,
    /// A variable for its command; may be repeated
    #[arg(short, long = "env", value_name = "NAME=VALUE", value_parser = super::run::parse_variable)]
    pub env: Vec<(String, String)>,
    /// The folder in which its command starts, absolute; the cage's working folder when left out
    #[arg(long, value_name = "DIR")]
    pub workdir: Option<String>,
    /// A git repository that it works on, in a copy for each task, and the commit to begin with
    #[arg(long, value_name = "PATH[@REF]", value_parser = parse_workspace)]
    pub workspace: Option<Workspace>,
    /// The language in which its command says what it does; `menagerie` when left out
    #[arg(long, value_name = "FORMAT", value_parser = one_of::<StreamFormat>(StreamFormat::ALL))]
    pub format: Option<StreamFormat>,
    /// Settings and constraints: a JSON object with `settings` and `constraints`, each an object
    #[arg(long, value_name = "JSON", value_parser = parse_json::<AgentConfiguration>)]
    pub configuration: Option<AgentConfiguration>,
    /// Anything about its resources: a JSON object
    #[arg(long, value_name = "JSON", value_parser = parse_json::<Map<String, Value>>)]
    pub resource_config: Option<Map<String, Value>>,
    /// The command it runs, after `--`; a task may bring its own instead
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

pub fn run(context: &mut Context, verb: AgentVerb) -> Outcome {
    let (command, done) = match verb {
        AgentVerb::List(args) => return list(context, &args),
        AgentVerb::Show { agent } => return show(context, &agent),
        AgentVerb::Performance(args) => return agent_performance::run(context, args),
        AgentVerb::Add(args) => {
            let agent = Box::new(spec(*args));
            agent.check()?;
            Programs::new(&context.settings.data_dir.value).check_agent(&agent)?;
            (WireCommand::AddAgent { agent }, "added")
        }
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

fn spec(args: AddArgs) -> AgentSpec {
    let mut spec = AgentSpec::new(args.name);
    spec.kind = args.kind.unwrap_or(spec.kind);
    spec.display_name = args.display_name;
    spec.division = args.division;
    spec.participant = args.participant;
    spec.role = args.role;
    spec.tier = args.tier;
    spec.reports_to = args.reports_to;
    spec.keywords = args.keywords;
    spec.concurrency = args.concurrency;
    spec.cage = args.cage;
    spec.capabilities = args.capabilities;
    spec.specializations = args.specializations;
    spec.tools_available = args.tools;
    spec.owner = args.owner;
    spec.configuration = args.configuration.unwrap_or_default();
    spec.resource_config = args.resource_config.unwrap_or_default();
    let env = args.env.into_iter().map(|(name, value)| (name, value.into())).collect();
    spec.runtime = Runtime::Command {
        command: args.command,
        env,
        workdir: args.workdir,
        format: args.format.unwrap_or_default(),
        workspace: args.workspace,
    };
    spec
}

/// Reads `TYPE`, or `TYPE={...}` with parameters.
fn parse_capability(text: &str) -> Result<Capability, Refusal> {
    let (kind, parameters) = match text.split_once('=') {
        Some((kind, parameters)) => (kind, parse_json(parameters)?),
        None => (text, Map::new()),
    };
    Ok(Capability { kind: kind.to_owned(), parameters })
}

/// Reads an object that is typed as JSON.
fn parse_json<T: DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|error| {
        Refusal::invalid("value", text, "a JSON object, such as {\"settings\": {}}").hint(format!("It says: {error}"))
    })
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
fn home(agent: &Value) -> String {
    let now = view::text(agent, "cage_id");
    if now.is_empty() { view::text_or_dash(agent, "cage") } else { now }
}

/// The share of executions that succeeded; a dash while there was none.
fn success(agent: &Value) -> String {
    match (view::count(agent, "counters.success_count"), view::count(agent, "counters.total_executions")) {
        (_, 0) => "-".into(),
        (good, total) => format!("{}%", good * 100 / total),
    }
}

fn mean(agent: &Value) -> String {
    let millis = view::at(agent, "counters.avg_execution_time_ms").as_i64();
    millis.map_or_else(|| view::NOTHING.into(), |millis| crate::domain::Span::from_millis(millis).human())
}

fn show(context: &mut Context, agent: &str) -> Outcome {
    let client = context.engine()?;
    let agent: Value = client.get(&format!("/v1/agents/{}", encode(agent)), &vec![])?;
    if context.out.value(&agent)? {
        return Ok(0);
    }
    let failures = view::count(&agent, "consecutive_failures");
    let failures =
        if failures == 0 { Cell::default() } else { Cell::new(format!("{failures} in a row"), Role::Warning) };
    let mut fields = vec![
        ("name", view::text(&agent, "name").into()),
        ("id", view::text(&agent, "id").into()),
        ("display name", view::text(&agent, "display_name").into()),
        ("status", view::status(&agent, "status")),
        ("paused until", view::moment(&agent, "breaker_until")),
        ("failures", failures),
        ("kind", view::text(&agent, "kind").into()),
        ("division", view::text(&agent, "division").into()),
        ("participant", view::text(&agent, "participant").into()),
        ("role", view::text(&agent, "role").into()),
        ("tier", view::text(&agent, "tier").into()),
        ("reports to", view::text(&agent, "reports_to").into()),
        ("cage", home(&agent).into()),
        ("slots", format!("{} of {} taken", view::count(&agent, "running"), view::count(&agent, "concurrency")).into()),
        ("task", view::text(&agent, "current_task_id").into()),
        ("capabilities", view::joined(&agent, "capabilities", " ").into()),
        ("specializations", view::joined(&agent, "specializations", " ").into()),
        ("tools", view::joined(&agent, "tools_available", " ").into()),
        ("keywords", view::joined(&agent, "keywords", " ").into()),
        ("runtime", view::text(&agent, "runtime").into()),
        ("executions", view::count(&agent, "counters.total_executions").to_string().into()),
        ("succeeded", success(&agent).into()),
        ("stopped by others", view::count(&agent, "counters.stopped_executions").to_string().into()),
        ("mean time", mean(&agent).into()),
        ("heartbeat", view::moment(&agent, "last_heartbeat")),
        ("created", view::moment(&agent, "created_at")),
        ("updated", view::moment(&agent, "updated_at")),
    ];
    fields.extend(alert::about(&client, &[format!("agent {}", view::text(&agent, "name"))])?);
    context.out.fields(&fields)?;
    Ok(0)
}
