//! `menagerie event …`: what the system says about itself, and what happens as it happens.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::args::one_of;
use super::context::Context;
use super::failure::Outcome;
use super::journal::{self, TailArgs};
use super::list::{FilterArgs, ListArgs, given};
use super::table::{Align, Cell, Table};
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
    let timed = context.out.width.is_none_or(|width| width >= TIMED);
    args.list.print(context, fetched, |rows| draw(rows, timed))
}

/// In so many columns there is room for when something was said, besides how long ago. What goes on through a pipe is read later,
/// when an age alone says nothing.
const TIMED: usize = 100;

fn draw(rows: &[Value], timed: bool) -> Table {
    let columns = [
        ("TIME", Align::Left),
        ("AGE", Align::Right),
        ("SEVERITY", Align::Left),
        ("SOURCE", Align::Left),
        ("MESSAGE", Align::Elastic),
    ];
    let left_out = usize::from(!timed);
    let mut table = Table::new(&columns[left_out..]);
    for event in rows {
        let cells: Vec<Cell> = vec![
            view::second(event, "time").into(),
            view::age(event, "time").into(),
            view::status(event, "type"),
            view::text(event, "source").into(),
            view::text(event, "message").into(),
        ];
        table.row(cells.into_iter().skip(left_out).collect());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_time_where_there_is_room() {
        let rows = [serde_json::json!({
            "time": "2026-01-31T17:00:59.25Z", "type": "warning", "source": "cage 003", "message": "full",
        })];
        let drawn = |timed: bool| {
            let mut text = vec![];
            draw(&rows, timed).write(&mut text, None, false).unwrap();
            String::from_utf8(text).unwrap()
        };
        assert!(drawn(true).contains("2026-01-31T17:00:59Z"), "{}", drawn(true));
        assert!(!drawn(false).contains("17:00") && drawn(false).contains("cage 003"), "{}", drawn(false));
    }
}
