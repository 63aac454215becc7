//! `menagerie stop`: ends the engine, and with `--all` what runs in its cages.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};

use super::context::Context;
use super::failure::{Failure, Outcome};
use crate::api::client::{Client, Error};
use crate::domain::RefusalKind;

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

/// Whether a process holds a lock file of the data directory.
fn is_held(data_dir: &Path, name: &str) -> bool {
    let Ok(file) = File::open(data_dir.join(name)) else { return false };
    // A lock that can be had is given back when the file is closed.
    flock(&file, FlockOperation::NonBlockingLockShared).is_err()
}

/// Ends a worker that an engine left behind. Gives whether there was one.
fn end_lonely_worker(data_dir: &Path) -> Result<bool, Failure> {
    if !is_held(data_dir, "worker.lock") {
        return Ok(false);
    }
    let text = std::fs::read_to_string(data_dir.join("worker.lock")).unwrap_or_default();
    let Some(pid) = text.trim().parse().ok().and_then(Pid::from_raw) else { return Ok(false) };
    kill_process(pid, Signal::TERM).map_err(|error| {
        Failure::failed(format!("cannot end the worker, process {}: {error}", pid.as_raw_nonzero()))
    })?;
    let give_up = Instant::now() + GONE_WITHIN;
    while is_held(data_dir, "worker.lock") {
        if Instant::now() > give_up {
            let pid = pid.as_raw_nonzero();
            return Err(Failure::failed(format!("the worker, process {pid}, was asked to stop but has not")));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(true)
}

pub fn run(context: &mut Context, args: &StopArgs) -> Outcome {
    let data_dir = context.settings.data_dir.value.clone();
    let client = match context.running_engine() {
        Err(Failure::NoEngine { .. }) if args.all && end_lonely_worker(&data_dir)? => {
            if context.out.is_table() {
                context.out.line("no engine ran; the worker was stopped")?;
            }
            return Ok(0);
        }
        client => client?,
    };
    match client.shutdown(args.all) {
        // An engine that is gone before it could answer has done what was asked.
        Ok(()) | Err(Error::Broken(_)) => {}
        // It leaves and has not seen its worker leave; that one is ended from here once the engine is gone.
        Err(Error::Refused(refusal)) if args.all && refusal.kind == RefusalKind::Unavailable => {}
        Err(error) => return Err(error.into()),
    }
    let give_up = Instant::now() + GONE_WITHIN;
    while !matches!(Client::connect(&data_dir), Err(Error::NoEngine { .. })) || is_held(&data_dir, "engine.lock") {
        if Instant::now() > give_up {
            let dir = data_dir.display();
            return Err(Failure::failed(format!("the engine was asked to stop but still answers on {dir}")));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    if args.all {
        end_lonely_worker(&data_dir)?;
    }
    if context.out.is_table() {
        let what = if args.all { "engine and worker stopped" } else { "engine stopped; agents go on" };
        context.out.line(what)?;
    }
    Ok(0)
}
