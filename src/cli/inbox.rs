//! `menagerie inbox …`: what waits for a human.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::context::Context;
use super::failure::Outcome;
use super::items;
use super::list::{FilterArgs, ListArgs, parse_count};
use super::table::{Align, Table};
use super::view::{self, ShortIds};
use crate::api::filters::INBOX;
use crate::api::types::WireCommand;
use crate::domain::alert::AlertFigures;
use crate::domain::time::When;
use crate::ui;

/// What can be done with the inbox.
#[derive(Subcommand, Debug)]
pub enum InboxVerb {
    /// List what waits for you, the dearest delay first
    List(InboxListArgs),
    /// Put something off; of an alert: silence it
    Snooze {
        /// Ids of artifacts, failed tasks or alerts, or the beginnings of them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Until when: a time, or a span from now such as `1h`
        #[arg(long, value_name = "WHEN", required_unless_present = "off")]
        until: Option<When>,
        /// Show it again
        #[arg(long, conflicts_with = "until")]
        off: bool,
    },
}

/// Options of `menagerie inbox list`.
#[derive(Args, Clone, Debug)]
pub struct InboxListArgs {
    /// Show at most this many; 0 for all. A table shows 100 unless told otherwise, the other formats everything
    #[arg(long, value_name = "N", value_parser = parse_count, allow_negative_numbers = true)]
    pub limit: Option<u64>,
    /// Leave out this many at the beginning
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = parse_count, allow_negative_numbers = true)]
    pub offset: u64,
    /// What to show.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What was put off, too
    #[arg(long)]
    pub snoozed: bool,
}

pub fn run(context: &mut Context, verb: InboxVerb) -> Outcome {
    match verb {
        InboxVerb::List(args) => list(context, &args),
        InboxVerb::Snooze { ids, until, .. } => {
            let done = if until.is_some() { "snoozed" } else { "shown again" };
            let client = context.engine()?;
            items::send(context, &client, &WireCommand::SnoozeReviews { ids, until }, done)
        }
    }
}

fn list(context: &mut Context, args: &InboxListArgs) -> Outcome {
    let client = context.engine()?;
    let list = ListArgs { limit: args.limit, offset: args.offset, filter: args.filter.clone(), ..ListArgs::default() };
    let filters = if args.snoozed { vec![("snoozed".to_owned(), "true".to_owned())] } else { vec![] };
    let fetched = list.fetch(&client, &INBOX, filters, context.out.is_table())?;
    list.print(context, fetched, draw)
}

fn draw(rows: &[Value]) -> Table {
    let ids = ShortIds::of(rows, "id");
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("KIND", Align::Left),
        ("TYPE", Align::Left),
        ("RISK", Align::Left),
        ("COST", Align::Right),
        ("WAITS", Align::Right),
        ("BLOCKS", Align::Right),
        ("LIKELY", Align::Right),
        ("AGENT", Align::Left),
        ("TITLE", Align::Elastic),
    ]);
    for item in rows {
        let types = ["artifact_type", "task_type", "alert.severity"].map(|path| view::text(item, path));
        let cost = view::at(item, "cost_of_delay").as_f64().unwrap_or(0.0);
        table.row(vec![
            ids.cell(item, "id"),
            view::text(item, "kind").into(),
            types.into_iter().find(|kind| !kind.is_empty()).unwrap_or_default().into(),
            view::status(item, "risk"),
            ui::decimals(cost, 1).into(),
            view::age(item, "since").into(),
            view::text(item, "blocks").into(),
            view::at(item, "approval")
                .as_f64()
                .map_or_else(String::new, |share| format!("{}%", ui::decimals(share * 100.0, 0)))
                .into(),
            view::text_or_dash(item, "agent").into(),
            titled(item).into(),
        ]);
    }
    table
}

/// What stands there for it; of an alert with what its figure is now, for what it says is what raised it.
fn titled(item: &Value) -> String {
    let title = view::text(item, "title");
    let figures: Option<AlertFigures> = serde_json::from_value(view::at(item, "alert.figures").clone()).ok();
    figures.map_or_else(|| title.clone(), |figures| format!("{title} ({})", figures.said()))
}
