//! `menagerie bench`: what the engine does in a second, as ratios against something bare in the same run.
//!
//! A file a benchmark. Each works in a data directory of its own and prints JSON with the machine, the versions and every
//! run, so that figures can be compared later.

mod dispatch;
mod engine;
mod recover;
mod report;
mod subject;
mod submit;

use clap::{Args as ClapArgs, Subcommand};

use super::context::Context;
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
    }?;
    let report = serde_json::to_string_pretty(&report).map_err(|error| Failure::failed(error.to_string()))?;
    context.out.line(&report)?;
    Ok(0)
}
