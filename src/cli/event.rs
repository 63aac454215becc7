//! `menagerie event …`: what the system says about itself, and what happens as it happens.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::args::one_of;
use super::context::Context;
use super::failure::Outcome;
use super::journal::{self, TailArgs};
use super::list::{FilterArgs, ListArgs, given};
use super::table::{Align, Table};
use super::view;
use crate::domain::Severity;
use crate::domain::filter::tables;

/// What can be done with events.
#[derive(Subcommand, Debug)]
pub enum EventVerb {
    /// List the system's messages
    List(EventListArgs),
    /// Show every change as it happens, until Ctrl-C
    Tail {
        /// Begin after this record of the journal instead of now
        #[arg(long, value_name = "SEQ")]
        after: Option<u64>,
        #[command(flatten)]
        filter: FilterArgs,
    },
}

/// Options of `menagerie event list`.
#[derive(Args, Clone, Debug)]
pub struct EventListArgs {
    /// Only messages of this severity
    #[arg(long = "type", visible_alias = "severity", value_name = "SEVERITY", value_parser = one_of::<Severity>(Severity::ALL))]
    pub severity: Option<Severity>,
    /// Only messages of this part: `engine`, `cage 003`
    #[arg(long, value_name = "TEXT")]
    pub source: Option<String>,
    #[command(flatten)]
    pub list: ListArgs,
}

pub fn run(context: &mut Context, verb: EventVerb) -> Outcome {
    match verb {
        EventVerb::List(args) => list(context, args),
        EventVerb::Tail { after, filter } => {
            journal::tail(context, &TailArgs { lines: 0, follow: true, after, filter })
        }
    }
}

fn list(context: &mut Context, args: EventListArgs) -> Outcome {
    let client = context.engine()?;
    let filters = given([("type", args.severity.map(|severity| severity.to_string())), ("source", args.source)]);
    let fetched = args.list.fetch(&client, &tables::EVENTS, filters, context.out.is_table())?;
    args.list.print(context, fetched, draw)
}

fn draw(rows: &[Value]) -> Table {
    let mut table = Table::new(&[
        ("AGE", Align::Right),
        ("SEVERITY", Align::Left),
        ("SOURCE", Align::Left),
        ("MESSAGE", Align::Elastic),
    ]);
    for event in rows {
        table.row(vec![
            view::age(event, "time").into(),
            view::status(event, "type"),
            view::text(event, "source").into(),
            view::text(event, "message").into(),
        ]);
    }
    table
}
