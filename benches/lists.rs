//! What lists cost with a million tasks: pages at the front, in the middle and at the far end, common sorts and filters, with
//! their totals. Prints JSON, milliseconds as the median of several runs on a warm cache.
//!
//! `cargo bench --bench lists -- [TASKS [FOLDER]]`; a folder is filled the first time and kept for the next.

mod filled;

use std::path::PathBuf;
use std::time::Instant;

use filled::{Outcomes, fill};
use menagerie::store::{JournalQuery, Query, Reader};
use serde_json::{Value, json};

const AGENTS: usize = 1000;
const RUNS: usize = 5;

/// The median milliseconds of some runs, and what the last gave.
fn timed(work: impl Fn() -> Outcomes<(usize, u64, bool)>) -> Outcomes<Value> {
    let mut times = vec![];
    let mut last = (0, 0, false);
    for _ in 0..RUNS {
        let begun = Instant::now();
        last = work()?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let ms = (times[RUNS / 2] * 100.0).round() / 100.0;
    Ok(json!({"ms": ms, "items": last.0, "total": last.1, "more": last.2}))
}

fn main() -> Outcomes<()> {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    let tasks: usize = words.next().and_then(|word| word.parse().ok()).unwrap_or(1_000_000);
    let scratch = tempfile::tempdir()?;
    let folder = words.next().map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    let filled = if folder.join("menagerie.db").exists() { None } else { Some(fill(&folder, tasks, AGENTS, false)?) };
    let reader = Reader::open(&folder)?;
    let (seq, _) = reader.journal_head()?;
    let now = reader.journal(seq - 1, 1)?[0].time;
    let ask = |filter: &str, sort: &str, offset: u64| Query {
        filter: filter.to_owned(),
        sort: (!sort.is_empty()).then(|| sort.to_owned()),
        offset,
        now,
        uid: Some(0),
        ..Query::default()
    };
    let mut report = serde_json::Map::new();
    let count = tasks as u64;
    let mut note = |name: String, figure: Value| {
        eprintln!("{:>9} ms  {name}  {figure}", figure["ms"].to_string());
        report.insert(name, figure);
    };
    for sort in ["", "-created_at", "-priority", "priority", "age", "-completed_at", "deadline", "-duration"] {
        for offset in [0, count / 4, count / 2, count - 1000] {
            let figure = timed(|| {
                let page = reader.tasks(&ask("", sort, offset))?;
                Ok((page.items.len(), page.total, page.more))
            })?;
            note(format!("tasks --sort={sort} --offset={offset}"), figure);
        }
    }
    for filter in [
        "status:pending",
        "status:completed",
        "status:failed",
        "status:pending priority:>7",
        "age:<1h",
        "age:>2000s",
        "agent:agent-77",
        "agent:=agent-77",
        "agent:=agent-77 status:failed",
        "owner:me",
        "cage:7",
        "tag:nightly",
        "analysis",
        "trgt777",
        "nothing-like-this",
        "error:stopped",
        "deadline:<1h",
        "gpu:>0",
    ] {
        for (sort, offset) in [("", 0), ("-priority", 0), ("", 10_000)] {
            let figure = timed(|| {
                let page = reader.tasks(&ask(filter, sort, offset))?;
                Ok((page.items.len(), page.total, page.more))
            })?;
            note(format!("tasks {filter} --sort={sort} --offset={offset}"), figure);
        }
    }
    for filter in ["", "agent:=agent-77", "status:failed", "task:0190"] {
        let figure = timed(|| {
            let page = reader.executions(&ask(filter, "", 0))?;
            Ok((page.items.len(), page.total, page.more))
        })?;
        note(format!("executions {filter}"), figure);
    }
    for filter in ["", "kind:agent_declared", "since:1h kind:execution", "object:agent-77"] {
        let question =
            JournalQuery { newest_first: true, limit: 100, filter: filter.into(), now, ..JournalQuery::default() };
        let figure = timed(|| {
            let page = reader.records(&question)?;
            Ok((page.rows.len(), page.next.unwrap_or(0), page.next.is_some()))
        })?;
        note(format!("journal {filter}"), figure);
    }
    let bytes = std::fs::metadata(folder.join("menagerie.db"))?.len();
    println!(
        "{}",
        serde_json::to_string_pretty(&json!({"tasks": tasks, "fill_seconds": filled, "bytes": bytes, "ms": report}))?
    );
    Ok(())
}
