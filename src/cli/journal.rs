//! `menagerie journal …`: the record of every change, as the engine gives it.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::list::{FilterArgs, parse_count};
use super::output::Role;
use super::{table, view};
use crate::api::client::{Client, End, Error, Query};
use crate::domain::filter::tables;

/// What can be done with the journal.
#[derive(Subcommand, Debug)]
pub enum JournalVerb {
    /// Walk the chain of hashes and name the first bad record
    Verify,
    /// Show the last records
    Tail(TailArgs),
    /// Write all records as JSON lines to standard output
    Export {
        /// Begin after this record
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        after: u64,
    },
}

/// Options of `menagerie journal tail`.
#[derive(Args, Clone, Debug)]
pub struct TailArgs {
    /// How many records
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = parse_count, allow_negative_numbers = true)]
    pub lines: u64,
    /// Go on with new records, until Ctrl-C
    #[arg(short, long)]
    pub follow: bool,
    /// Begin after this record instead
    #[arg(long, value_name = "SEQ")]
    pub after: Option<u64>,
    #[command(flatten)]
    pub filter: FilterArgs,
}

pub fn run(context: &mut Context, verb: &JournalVerb) -> Outcome {
    match verb {
        JournalVerb::Verify => super::db::verify(context),
        JournalVerb::Tail(args) => tail(context, args),
        JournalVerb::Export { after } => export(context, *after),
    }
}

/// How many records are asked for at a time.
const PAGE_RECORDS: u64 = 2_000;
/// How long a stream whose engine went away waits for another one.
const RETURN_WITHIN: Duration = Duration::from_secs(30);

/// Shows records from a place on, and with `follow` what comes.
pub fn tail(context: &mut Context, args: &TailArgs) -> Outcome {
    let filter = args.filter.text(&tables::JOURNAL)?;
    let client = context.engine()?;
    let head = view::count(&client.get::<Value>("/v1/status", &vec![])?, "seq");
    let mut records = Vec::new();
    match args.after {
        Some(after) if !args.follow => each_record(&client, after, head, &filter, |record| {
            records.push(record.clone());
            Ok(())
        })?,
        Some(_) => {}
        None => records = last_records(&client, head, args.lines, &filter)?,
    }
    if !args.follow {
        if !context.out.values(&records)? {
            records.iter().try_for_each(|record| show(context, record))?;
        }
        return Ok(0);
    }
    records.iter().try_for_each(|record| show(context, record))?;
    follow(context, client, args.after.unwrap_or(head), &filter)
}

/// The last records up to and with `head` that a filter lets through, the oldest first.
fn last_records(client: &Client, head: u64, wanted: u64, filter: &str) -> Result<Vec<Value>, Failure> {
    let mut records = Vec::new();
    let mut before = Some(head + 1);
    while let Some(end) = before.filter(|_| (records.len() as u64) < wanted) {
        let limit = PAGE_RECORDS.min(wanted - records.len() as u64);
        let page = client.page::<Value>("journal", &part("before", end, limit, filter, "desc"))?;
        records.extend(page.items);
        before = page.next;
    }
    records.reverse();
    Ok(records)
}

/// The question for part of the journal that begins at a record.
fn part(from: &str, seq: u64, limit: u64, filter: &str, order: &str) -> Query {
    let pairs = [(from, seq.to_string()), ("limit", limit.to_string()), ("filter", filter.to_owned())];
    pairs.into_iter().chain([("order", order.to_owned())]).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Shows records as they come. When the engine goes away another one is awaited, and nothing is missed or shown twice.
fn follow(context: &mut Context, mut client: Client, mut last: u64, filter: &str) -> Outcome {
    loop {
        let mut broken = None;
        let end = client.stream_filtered(last, filter, |seq, data| {
            last = seq;
            let shown = serde_json::from_str(data).map_err(std::io::Error::from);
            match shown.and_then(|record: Value| show(context, &record)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    broken = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        if let Some(error) = broken {
            return Err(error.into());
        }
        match end {
            Ok(End::Interrupted | End::Stopped) => return Ok(0),
            Ok(End::Done) | Err(Error::Broken(_)) => client = await_return(context)?,
            Err(error) => return Err(error.into()),
        }
    }
}

/// The engine that comes back.
fn await_return(context: &Context) -> Result<Client, Failure> {
    let give_up = Instant::now() + RETURN_WITHIN;
    loop {
        match context.running_engine() {
            Err(Failure::NoEngine { .. }) if Instant::now() < give_up => std::thread::sleep(Duration::from_millis(100)),
            result => return result,
        }
    }
}

/// Hands on the records after `after`, up to and with `head`.
fn each_record(
    client: &Client,
    after: u64,
    head: u64,
    filter: &str,
    mut on_record: impl FnMut(&Value) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let mut next = Some(after);
    while let Some(last) = next.filter(|last| *last < head) {
        let page = client.page::<Value>("journal", &part("after", last, PAGE_RECORDS, filter, "asc"))?;
        next = page.next;
        for record in page.items.iter().filter(|record| view::count(record, "seq") <= head) {
            on_record(record)?;
        }
    }
    Ok(())
}

fn show(context: &mut Context, record: &Value) -> std::io::Result<()> {
    let color = |role, text: &str| super::output::paint(context.out.color, role, text);
    let [seq, time, kind, actor] = ["seq", "time", "kind", "actor"].map(|key| view::text(record, key));
    let mut body = table::clean(&view::text(record, "body"));
    if let Some(width) = context.out.width {
        let before = seq.len().max(8) + time.len() + kind.len() + actor.len() + 4;
        body = table::shorten(&body, width.saturating_sub(before));
    }
    let (time, kind, actor) = (color(Role::Dim, &time), color(Role::Heading, &kind), color(Role::Dim, &actor));
    let line = format!("{seq:>8} {time} {kind} {actor} {body}");
    context.out.event(record, || line)
}

fn export(context: &mut Context, after: u64) -> Outcome {
    let client = context.engine()?;
    let head = view::count(&client.get::<Value>("/v1/status", &vec![])?, "seq");
    each_record(&client, after, head, "", |record| {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        context.out.raw(&line)
    })?;
    Ok(0)
}
