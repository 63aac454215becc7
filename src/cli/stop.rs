//! `menagerie stop`: ends the engine, and with `--all` what runs in its cages.

use std::time::{Duration, Instant};

use clap::Args;

use super::context::Context;
use super::failure::{Failure, Outcome};
use crate::api::client::{Client, Error};

/// How long an engine may take to end after it agreed to.
const GONE_WITHIN: Duration = Duration::from_secs(30);

/// Options of `menagerie stop`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Without --all the worker and its agents go on, and report when an engine is back.")]
pub struct StopArgs {
    /// End the worker and everything that runs in its cages too
    #[arg(long)]
    pub all: bool,
}

pub fn run(context: &mut Context, args: &StopArgs) -> Outcome {
    let data_dir = context.settings.data_dir.value.clone();
    match context.running_engine()?.shutdown(args.all) {
        // An engine that is gone before it could answer has done what was asked.
        Ok(()) | Err(Error::Broken(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let give_up = Instant::now() + GONE_WITHIN;
    while !matches!(Client::connect(&data_dir), Err(Error::NoEngine { .. })) {
        if Instant::now() > give_up {
            let dir = data_dir.display();
            return Err(Failure::failed(format!("the engine was asked to stop but still answers on {dir}")));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    if context.out.is_table() {
        let what = if args.all { "engine and worker stopped" } else { "engine stopped; agents go on" };
        context.out.line(what)?;
    }
    Ok(0)
}
