//! `menagerie agent performance`: what agents did, day by day.

use clap::Args;
use serde_json::Value;

use super::context::Context;
use super::dashboard;
use super::failure::Outcome;
use super::list::{ListArgs, given};
use super::table::{Align, Table};
use super::view;
use crate::domain::Span;
use crate::domain::confidence::Rate;
use crate::domain::filter::tables;

/// Options of `menagerie agent performance`.
#[derive(Args, Clone, Debug)]
pub struct PerformanceArgs {
    /// Only this agent: its name or id
    pub agent: Option<String>,
    #[command(flatten)]
    pub list: ListArgs,
}

pub fn run(context: &mut Context, args: PerformanceArgs) -> Outcome {
    let client = context.engine()?;
    let filters = given([("agent", args.agent)]);
    let fetched = args.list.fetch(&client, &tables::AGENT_PERFORMANCE, filters, context.out.is_table())?;
    args.list.print(context, fetched, draw)
}

fn draw(rows: &[Value]) -> Table {
    let mut table = Table::new(&[
        ("DATE", Align::Left),
        ("AGENT", Align::Elastic),
        ("DONE", Align::Right),
        ("GOOD", Align::Right),
        ("95%", Align::Right),
        ("MEAN", Align::Right),
        // What agents say of themselves is not measured, and said to be so.
        ("SAID TOKENS", Align::Right),
    ]);
    for day in rows {
        let (done, good) = (view::count(day, "execution_count"), view::count(day, "success_count"));
        let rate = Rate::of(good, done);
        let mean = view::at(day, "avg_duration_ms").as_i64();
        table.row(vec![
            view::text(day, "date").into(),
            view::text_or(day, "agent", &view::text(day, "agent_id")).into(),
            done.to_string().into(),
            dashboard::share(&rate).into(),
            dashboard::within(&rate).into(),
            mean.map_or_else(|| view::NOTHING.to_owned(), |millis| Span::from_millis(millis).human()).into(),
            view::text_or_dash(day, "total_tokens_used").into(),
        ]);
    }
    table
}
