//! `menagerie bench`: what the engine does in a second, as ratios against something bare in the same run.
//!
//! A file a benchmark. Each works in a data directory of its own and prints JSON with the machine, the versions and every
//! run, so that figures can be compared later.

mod console;
mod dispatch;
mod engine;
mod recover;
mod report;
mod subject;
mod submit;
mod terminal;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::context::Context;
use super::demo::scale::{self, Scale};
use super::failure::{Failure, Outcome};

/// Options of `bench`.
#[derive(ClapArgs, Debug)]
pub struct Args {
    #[command(subcommand)]
    which: Which,
}

/// Which benchmark.
#[derive(Subcommand, Debug)]
enum Which {
    /// Tasks of /bin/true in cages, end to end, beside a bare loop that spawns into fresh cgroups
    Dispatch {
        /// Tasks a run
        #[arg(long, default_value_t = 10_000)]
        tasks: usize,
        /// Runs
        #[arg(long, default_value_t = 3)]
        runs: usize,
        /// Cages, with one agent each
        #[arg(long, default_value_t = 4)]
        cages: u16,
        /// Tasks that each agent does at a time
        #[arg(long, default_value_t = 4)]
        concurrency: u32,
    },
    /// From submission to completion through core and store, without processes, beside a bare rusqlite loop
    Engine {
        /// Tasks a run
        #[arg(long, default_value_t = 100_000)]
        tasks: usize,
        /// Runs
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
    /// Batches of tasks, memory of queued tasks, single submissions by the command line
    Submit {
        /// Tasks a run
        #[arg(long, default_value_t = 200_000)]
        tasks: usize,
        /// Runs
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
    /// SIGKILL with a queue of tasks, and the time until the engine answers again
    Recover {
        /// Tasks in the queue
        #[arg(long, default_value_t = 1_000_000)]
        tasks: usize,
        /// Kills
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
    /// The console in a pseudo-terminal over a large fleet, idle and at work: first frame, keys, bytes, processor, memory
    Console {
        /// Agents, in up to 1,000 cages
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=i64::from(scale::AGENTS_MAX)))]
        fleet_size: u32,
        /// Tasks
        #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=i64::from(scale::TASKS_MAX)))]
        tasks: u32,
        /// How long each screen is watched
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// How many keys are pressed, about, idle and again at work
        #[arg(long, default_value_t = 400)]
        keys: usize,
        /// Runs
        #[arg(long, default_value_t = 1)]
        runs: usize,
        /// A folder for the store that is filled the first time and kept for the next
        #[arg(long, value_name = "FOLDER")]
        keep: Option<PathBuf>,
    },
    /// Run this program in the terminal on standard input, as its own
    #[command(hide = true)]
    Terminal {
        /// Its arguments
        #[arg(last = true)]
        words: Vec<String>,
    },
}

/// Runs a benchmark and prints its report.
pub fn run(context: &mut Context, args: &Args) -> Outcome {
    let report = match args.which {
        Which::Dispatch { tasks, runs, cages, concurrency } => {
            dispatch::run(dispatch::Settings { tasks, runs, cages, concurrency })
        }
        Which::Engine { tasks, runs } => engine::run(tasks, runs).map_err(|error| Failure::failed(error.to_string())),
        Which::Submit { tasks, runs } => submit::run(tasks, runs),
        Which::Recover { tasks, runs } => recover::run(tasks, runs),
        Which::Console { fleet_size, tasks, seconds, keys, runs, ref keep } => {
            let scale = Scale { agents: fleet_size, tasks, arrays: false };
            console::run(&console::Settings { scale, seconds, keys, runs, keep: keep.clone() })
        }
        Which::Terminal { ref words } => return terminal::become_program(words),
    }?;
    let report = serde_json::to_string_pretty(&report).map_err(|error| Failure::failed(error.to_string()))?;
    context.out.line(&report)?;
    Ok(0)
}
