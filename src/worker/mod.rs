//! The worker: owns a node's cages, starts and ends agent processes, enforces limits, spools output.
//!
//! The only room with unsafe code, each block with its argument. It knows the domain and nothing of engine or store.
//!
//! One process with one thread waits in one place ([`server`]) for the engine, for its slots and for time. It forks from
//! itself, which is why it must stay single-threaded and small: [`run`] has to be called before anything starts a thread.
//!
//! ```text
//!  engine ── link ──▶ server ──▶ cage (limits: cgroup) ──▶ slot ── message ──▶ init, process 1 of the slot's namespace
//!                       │                                   │                    └▶ sandbox, then one execution at a time
//!                       ├ host, relay, watch                └ run: spool, runtime, artifacts, output_meter
//!                       ├ workspace ── memfd ──▶ errands: git outside the cages, and what may take the disk long
//!                       └ sense ── pipe ──▶ the sensing process: disks, temperatures, gpu
//! ```
//!
//! What must stay true: an execution is reported as ended only when nothing of it is left, or the report says what is;
//! nothing outlives the worker (each init dies with it, and everything else with its init); a report is kept until the
//! engine has it durable; the loop never waits for an agent, nor for more than a bounded piece of work.
#![allow(unsafe_code)]

mod artifact_type;
mod artifacts;
pub mod bare;
mod cage;
mod cgroup;
mod error;
mod folder;
mod gpu;
mod hold;
mod host;
mod init;
mod link;
mod log;
mod message;
mod output_meter;
mod processes;
mod relay;
mod run;
mod runtime;
mod sandbox;
mod sense;
mod server;
mod slot;
mod spool;
mod sys;
mod tokens;
mod watch;
mod workspace;

use std::path::PathBuf;
use std::time::Duration;

pub use error::Error;

/// How a worker is to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data directory; it has to exist.
    pub data_dir: PathBuf,
    /// After how long without an engine and without work it leaves by itself.
    pub idle_exit: Duration,
}

impl Settings {
    /// The usual settings for a data directory. `MENAGERIE_WORKER_IDLE_MS` in the environment, milliseconds, sets another
    /// time after which an unneeded worker leaves than the usual minute.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        let told = std::env::var("MENAGERIE_WORKER_IDLE_MS").ok().and_then(|text| text.parse().ok());
        let idle_exit = told.map_or(Duration::from_mins(1), Duration::from_millis);
        Self { data_dir: data_dir.into(), idle_exit }
    }
}

/// Serves until told to stop, or until nobody needs it. The calling process must have one thread only.
///
/// # Errors
/// When the data directory is another worker's or cannot be used, or the kernel lacks what no cage can be without.
pub fn run(settings: &Settings) -> Result<(), Error> {
    server::Server::start(settings)?.serve()
}

/// Reads a worker's slower sensors for it, on standard input and output; see [`sense`](mod@sense).
///
/// # Errors
/// When an answer cannot be written.
pub fn sense(settings: &Settings) -> Result<(), Error> {
    sense::run(&settings.data_dir)
}

/// Does one of a worker's errands with git for it, as standard input says; see [`workspace`](mod@workspace).
///
/// # Errors
/// When the order cannot be read or the answer cannot be written.
pub fn errand(settings: &Settings) -> Result<(), Error> {
    workspace::run(&settings.data_dir)
}
