//! What can be typed: the verbs and the options that all of them take.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

use super::config::{ColorChoice, Format};
use super::console::{self, ConsoleArgs};
use super::context::Context;
use super::deferred::Deferred;
use super::failure::{Failure, Outcome};
use super::{
    agent, alert, apply, approval, artifact, bench, cage, completions, config_verb, dashboard, db, demo, engine,
    evaluate, event, execution, filter, inbox, journal, man, metric, model, node, past, run, schema, search, simulate,
    status, stop, task,
};
use crate::domain::Refusal;

/// An operations console for fleets of agents.
///
/// Without a verb: the console, a screen on the fleet. Leaving it with `q` leaves the fleet running.
///
/// Declare cages and agents in a file and `apply` it; `run` a command or `task submit` work; ask `status`, `task list`,
/// `task explain`; judge what waits for you with `artifact approve`. A verb that needs the engine starts it in the
/// background when none runs on the data directory.
#[derive(Parser, Debug)]
#[command(
    name = "menagerie",
    version,
    propagate_version = false,
    after_help = "Exit status: 0 done, 1 failed, 2 bad usage or refused input, 3 no engine."
)]
pub struct Cli {
    /// Options of every verb.
    #[command(flatten)]
    pub globals: Globals,
    /// Options of the console, which comes when there is no verb.
    #[command(flatten)]
    pub console: ConsoleArgs,
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Options of every verb.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Where the engine keeps its data [env: `MENAGERIE_DATA_DIR`] [default: `menagerie` in the XDG data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The configuration file [env: `MENAGERIE_CONFIG`] [default: `menagerie/config.toml` in the XDG configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How to write results [env: `MENAGERIE_OUTPUT`] [default: table]
    #[arg(short, long, global = true, value_name = "FORMAT", value_parser = one_of::<Format>(Format::ALL))]
    pub output: Option<Format>,
    /// When to use colours; `auto` obeys `NO_COLOR` [env: `MENAGERIE_COLOR`] [default: auto]
    #[arg(long, global = true, value_name = "WHEN", value_parser = one_of::<ColorChoice>(ColorChoice::ALL))]
    pub color: Option<ColorChoice>,
    /// Look at the fleet as it was: 14:03, -10m, seq:1234, 2026-01-31T14:03:22Z; changes nothing
    #[arg(long, global = true, value_name = "MOMENT", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Never start an engine; without one the exit status is 3
    #[arg(long, global = true)]
    pub no_start: bool,
    /// Append each change that is made, with the engine's answer, to this file as a line of JSON: the console asks for this
    /// itself, to take back what was typed there
    #[arg(long, global = true, value_name = "FILE", hide = true)]
    pub account: Option<PathBuf>,
}

/// A parser for an enumeration of the data model, which then shows in help and completions.
pub fn one_of<T>(all: &'static [T]) -> impl TypedValueParser<Value = T>
where
    T: Copy + Into<&'static str> + std::str::FromStr<Err = Refusal> + Clone + Send + Sync + 'static,
{
    // `running` is read as `executing` everywhere, and `task-type` as it would be written as an option, but not offered.
    let value = |item: &T| {
        let name: &'static str = (*item).into();
        let value = PossibleValue::new(name);
        match name {
            "executing" => value.alias("running"),
            "task_type" => value.alias("task-type"),
            _ => value,
        }
    };
    PossibleValuesParser::new(all.iter().map(value).collect::<Vec<_>>()).try_map(|text| text.parse::<T>())
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Run the engine, without a screen, in the foreground
    Engine(Deferred<engine::EngineArgs>),
    /// Run a node's worker; the engine starts one itself
    #[command(hide = true)]
    Worker(Deferred<engine::LogArgs>),
    /// Read a worker's slower sensors for it; the worker starts this itself
    #[command(hide = true)]
    Sense,
    /// Run git for a worker, outside all cages; the worker starts this itself
    #[command(hide = true)]
    Errand,
    /// Answer from the data directory as it was at a moment; --at and the console start this themselves
    #[command(hide = true)]
    Past(Deferred<past::PastArgs>),
    /// Show how the engine is and what it has to do
    Status(Deferred<status::StatusArgs>),
    /// Stop the engine; agents go on unless --all
    Stop(Deferred<stop::StopArgs>),
    /// Declare cages, agents and defaults from a file
    Apply(Deferred<apply::ApplyArgs>),
    /// Run a command in a cage
    Run(Box<run::RunArgs>),
    /// Submit, list, follow and steer tasks
    #[command(subcommand)]
    Task(Deferred<task::TaskVerb>),
    /// List and show single attempts at tasks
    #[command(subcommand)]
    Execution(Deferred<execution::ExecutionVerb>),
    /// List, add, remove and steer agents
    #[command(subcommand)]
    Agent(Deferred<agent::AgentVerb>),
    /// List cages, withhold them, empty them
    #[command(subcommand)]
    Cage(Deferred<cage::CageVerb>),
    /// List and judge what agents made
    #[command(subcommand)]
    Artifact(Deferred<artifact::ArtifactVerb>),
    /// Find agents, tasks, artifacts and events by their words
    Search(Deferred<search::SearchArgs>),
    /// Rules that judge artifacts in your place
    #[command(subcommand)]
    Approval(Deferred<approval::ApprovalVerb>),
    /// What waits for you, the dearest delay first
    #[command(subcommand)]
    Inbox(Deferred<inbox::InboxVerb>),
    /// What needs somebody's eye until it is resolved
    #[command(subcommand)]
    Alert(Deferred<alert::AlertVerb>),
    /// What was measured, over time
    #[command(subcommand)]
    Metric(Deferred<metric::MetricVerb>),
    /// Who did most, what each day brought, what went wrong, who works on whose results
    #[command(subcommand)]
    Dashboard(Deferred<dashboard::DashboardVerb>),
    /// What the system says about itself
    #[command(subcommand)]
    Event(Deferred<event::EventVerb>),
    /// The record of every change
    #[command(subcommand)]
    Journal(Deferred<journal::JournalVerb>),
    /// The store's schema, and its tables made anew from the journal
    #[command(subcommand)]
    Db(Deferred<db::DbVerb>),
    /// The machines
    #[command(subcommand)]
    Node(Deferred<node::NodeVerb>),
    /// The language of --filter, and what each list can be asked
    Filter(Deferred<filter::FilterVerb>),
    /// Settings and where each comes from
    #[command(subcommand)]
    Config(Deferred<config_verb::ConfigVerb>),
    /// See a fleet at work on a git repository
    Demo(Deferred<demo::DemoArgs>),
    /// Run the scheduler over a workload in virtual time
    Simulate(Deferred<simulate::SimulateArgs>),
    /// Show what was learned of who does what well, and go back to what was thought before
    #[command(subcommand)]
    Model(Deferred<model::ModelVerb>),
    /// Try the choice of agents on recorded outcomes
    #[command(subcommand)]
    Evaluate(Deferred<evaluate::EvaluateVerb>),
    /// Measure this machine: dispatch, engine, submission, recovery
    Bench(Deferred<bench::Args>),
    /// JSON schemas of the files that people write, for editors
    Schema(Deferred<schema::SchemaArgs>),
    /// Completions for a shell
    Completions(Deferred<completions::CompletionsArgs>),
    /// Manual pages
    Man(Deferred<man::ManArgs>),
}

impl Verb {
    /// Whether it asks an engine and nothing else, so that one that answers from the past will do.
    const fn can_look_back(&self) -> bool {
        matches!(
            self,
            Self::Status(_)
                | Self::Apply(_)
                | Self::Run(_)
                | Self::Task(_)
                | Self::Execution(_)
                | Self::Agent(_)
                | Self::Cage(_)
                | Self::Artifact(_)
                | Self::Approval(_)
                | Self::Inbox(_)
                | Self::Alert(_)
                | Self::Metric(_)
                | Self::Event(_)
                | Self::Node(_)
                | Self::Model(_)
                | Self::Dashboard(_)
                | Self::Journal(Deferred(journal::JournalVerb::Tail(_)))
        )
    }
}

/// Does what was asked for.
pub fn dispatch(context: &mut Context, console: &ConsoleArgs, at: Option<&str>, verb: Option<Verb>) -> Outcome {
    let Some(verb) = verb else { return console::run(context, console, at) };
    if *console != ConsoleArgs::default() && !matches!(verb, Verb::Demo(_)) {
        return Err(Failure::refused(
            "--read-only, --theme, --colors, --ascii, --no-mouse, --no-sync and --linear are the console's: leave them out, or leave \
             out the verb; only `demo` takes them too",
        ));
    }
    // Held until the verb is done: with it ends what answers from the past.
    let _past = match at {
        Some(_) if !verb.can_look_back() => {
            return Err(Failure::refused(
                "--at is for verbs that ask the engine about the fleet, and for the console: leave it out here",
            ));
        }
        Some(at) => Some(past::look_back(context, at)?),
        None => None,
    };
    match verb {
        Verb::Past(Deferred(args)) => past::run(context, &args),
        Verb::Engine(Deferred(args)) => engine::run(context, &args),
        Verb::Worker(Deferred(args)) => engine::run_worker(context, &args),
        Verb::Sense => engine::run_sense(context),
        Verb::Errand => engine::run_errand(context),
        Verb::Status(Deferred(args)) => status::run(context, &args),
        Verb::Stop(Deferred(args)) => stop::run(context, &args),
        Verb::Apply(Deferred(args)) => apply::run(context, &args),
        Verb::Run(args) => run::run(context, *args),
        Verb::Task(Deferred(verb)) => task::run(context, verb),
        Verb::Execution(Deferred(verb)) => execution::run(context, verb),
        Verb::Agent(Deferred(verb)) => agent::run(context, verb),
        Verb::Cage(Deferred(verb)) => cage::run(context, verb),
        Verb::Artifact(Deferred(verb)) => artifact::run(context, verb),
        Verb::Search(Deferred(args)) => search::run(context, &args),
        Verb::Approval(Deferred(verb)) => approval::run(context, verb),
        Verb::Inbox(Deferred(verb)) => inbox::run(context, verb),
        Verb::Alert(Deferred(verb)) => alert::run(context, verb),
        Verb::Metric(Deferred(verb)) => metric::run(context, verb),
        Verb::Dashboard(Deferred(verb)) => dashboard::run(context, verb),
        Verb::Event(Deferred(verb)) => event::run(context, verb),
        Verb::Journal(Deferred(verb)) => journal::run(context, &verb),
        Verb::Db(Deferred(verb)) => db::run(context, &verb),
        Verb::Node(Deferred(verb)) => node::run(context, verb),
        Verb::Filter(Deferred(args)) => filter::run(context, &args),
        Verb::Config(Deferred(verb)) => config_verb::run(context, &verb),
        Verb::Demo(Deferred(args)) => demo::run(context, console, &args),
        Verb::Simulate(Deferred(args)) => simulate::run(context, &args),
        Verb::Model(Deferred(verb)) => model::run(context, &verb),
        Verb::Evaluate(Deferred(verb)) => evaluate::run(context, &verb),
        Verb::Bench(Deferred(args)) => bench::run(context, &args),
        Verb::Schema(Deferred(args)) => schema::run(context, &args),
        Verb::Completions(Deferred(args)) => completions::run(context, &args),
        Verb::Man(Deferred(args)) => man::run(context, &args),
    }
}
