//! `menagerie evaluate`: the real choice of agents on recorded outcomes, for finding out what it would be worth.
//!
//! Like `simulate` it uses the engine's core directly: it asks no running engine and starts none.

mod dialogue;
mod figures;
mod log;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use self::figures::{Figures, Sums};
use super::context::Context;
use super::failure::{Failure, Outcome};
use super::table::{Align, Cell, Table};
use crate::ui;

/// What can be evaluated.
#[derive(Subcommand, Debug)]
pub enum EvaluateVerb {
    /// Replay recorded choices through the choice of agents, one after the other, and compare
    Selection(SelectionArgs),
}

/// From which outcomes there is something to learn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Feedback {
    /// From that of the agent that was chosen
    #[default]
    Own,
    /// From those of all agents
    All,
}

/// Options of `menagerie evaluate selection`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "A line of the log: {\"task\", \"text\", \"group\", \"outcomes\": {\"AGENT\": {\"success\": true or false, \
    \"duration\": seconds, \"tokens\": number, \"cost\": number}}}; group is the type of task, and all of an outcome but \
    success may be left out. Nothing is known of agents but their names, and nothing is kept afterwards.\n\
    With --interactive: {\"task\", \"text\", \"group\", \"agents\": [\"AGENT\", ...]} on standard input is answered by \
    {\"agent\", \"score\", \"factors\", \"learned\"}, and {\"outcomes\": {...}} tells how the last choice came out, or that of \
    the \"task\" it names. A line that makes no sense is answered by {\"error\"} and changes nothing.\n\
    Exit status: 0 when done, 1 when lines of a dialogue were refused, 2 for a refused log."
)]
pub struct SelectionArgs {
    /// The recorded outcomes, one JSON object a line; - for standard input
    #[arg(value_name = "LOG.jsonl", required_unless_present = "interactive", conflicts_with = "interactive")]
    pub log: Option<PathBuf>,
    /// From which outcomes to learn
    #[arg(long, value_enum, default_value_t = Feedback::Own, value_name = "WHOSE")]
    pub feedback: Feedback,
    /// Answer questions on standard input, a line each, on standard output
    #[arg(long)]
    pub interactive: bool,
}

pub fn run(context: &mut Context, verb: &EvaluateVerb) -> Outcome {
    let EvaluateVerb::Selection(args) = verb;
    let Some(path) = args.log.as_deref().filter(|_| !args.interactive) else {
        return dialogue::run(context, args.feedback);
    };
    let (name, mut reader) = open(path)?;
    let lines = log::read(&name, &mut *reader).map_err(Failure::Refused)?;
    let figures = figures::figures(&lines, args.feedback);
    show(context, &figures)?;
    context.out.flush()?;
    Ok(0)
}

fn open(path: &Path) -> Result<(String, Box<dyn BufRead>), Failure> {
    if path.as_os_str() == "-" {
        return Ok(("<stdin>".to_owned(), Box::new(std::io::stdin().lock())));
    }
    let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
    Ok((path.display().to_string(), Box::new(BufReader::new(file))))
}

fn show(context: &mut Context, figures: &Figures) -> Result<(), Failure> {
    if context.out.value(&serde_json::json!(figures))? {
        return Ok(());
    }
    let mut table = Table::new(&[
        ("WHO CHOOSES", Align::Left),
        ("SUCCESS", Align::Right),
        ("LAST HALF", Align::Right),
        ("REGRET", Align::Right),
        ("COST", Align::Right),
        ("TOKENS", Align::Right),
        ("SECONDS", Align::Right),
    ]);
    let best = format!("best single: {}", super::table::clean(&figures.best_single.agent));
    let rows: [(&str, &Sums); 5] = [
        ("selection", &figures.selection),
        ("random", &figures.random),
        (&best, &figures.best_single.sums),
        ("best of each group", &figures.best_of_group),
        ("oracle", &figures.oracle),
    ];
    for (name, sums) in rows {
        let percent = |share: f64| format!("{} %", ui::decimals(share * 100.0, 1));
        let row: [String; 7] = [
            name.to_owned(),
            percent(sums.success_rate),
            percent(sums.last_half_success_rate),
            ui::decimals(sums.regret, 1),
            ui::decimals(sums.cost, 2),
            ui::decimals(sums.tokens, 0),
            ui::decimals(sums.duration, 1),
        ];
        table.row(row.into_iter().map(Cell::from).collect());
    }
    context.out.table(&table)?;
    context.out.line(&format!(
        "tasks: {}, agents: {}, groups: {}; regret is successes less than the best single agent had; the oracle knows every outcome",
        figures.tasks, figures.agents, figures.groups
    ))?;
    let closed = |share: Option<f64>| {
        share.map_or_else(|| "no gap".to_owned(), |share| format!("{} %", ui::decimals(share * 100.0, 0)))
    };
    context.out.line(&format!(
        "closed of the gap from the best single agent to the best of each group: {}, in the last half {}",
        closed(figures.gap_closed_of_groups),
        closed(figures.gap_closed_of_groups_last_half)
    ))?;
    context.out.line(&format!(
        "closed of the gap from the best single agent to the oracle: {}, in the last half {}",
        closed(figures.gap_closed),
        closed(figures.gap_closed_last_half)
    ))?;
    Ok(())
}
