//! An engine of its own for a benchmark: the same binary, in a fresh data directory, ended with the benchmark.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::report::Scratch;
use crate::api::client::{Client, Query};
use crate::api::types::Status;
use crate::cli::failure::Failure;

/// Nothing here takes so long; reaching it means that the engine does not answer at all.
const PATIENCE: Duration = Duration::from_mins(10);

/// A running engine.
pub struct Subject {
    data_dir: PathBuf,
    /// The folder, when it goes with the benchmark.
    _scratch: Option<Scratch>,
    child: Child,
}

impl Subject {
    /// Starts an engine below `folder`, or below the system's folder for temporary files.
    pub fn start(folder: Option<&Path>) -> Result<Self, Failure> {
        let scratch =
            Scratch::new(folder).map_err(|error| Failure::failed(format!("cannot make a folder: {error}")))?;
        let data_dir = scratch.path().to_owned();
        Self::start_on(data_dir, Some(scratch))
    }

    /// Starts an engine in `folder`, which is made when it is not there and stays.
    pub fn start_in(folder: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file("make the folder", folder, &error))?;
        let folder = folder.canonicalize().map_err(|error| Failure::file("find the folder", folder, &error))?;
        Self::start_on(folder, None)
    }

    fn start_on(data_dir: PathBuf, scratch: Option<Scratch>) -> Result<Self, Failure> {
        let child = spawn(&data_dir)?;
        let subject = Self { data_dir, _scratch: scratch, child };
        subject.wait_until_ready()?;
        Ok(subject)
    }

    /// Kills the engine with SIGKILL and starts another. Gives the time from the start of the new process until it
    /// answers a query.
    pub fn restart_after_kill(&mut self) -> Result<Duration, Failure> {
        let cannot = |error: std::io::Error| Failure::failed(format!("cannot end the engine: {error}"));
        self.child.kill().map_err(cannot)?;
        self.child.wait().map_err(cannot)?;
        let begun = Instant::now();
        self.child = spawn(self.data_dir())?;
        self.wait_until_ready()?;
        Ok(begun.elapsed())
    }

    /// Its data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// A connection to it.
    pub fn client(&self) -> Result<Client, Failure> {
        Ok(Client::connect(self.data_dir())?)
    }

    /// Its status.
    pub fn status(&self) -> Result<Status, Failure> {
        Ok(self.client()?.get("/v1/status", &Query::new())?)
    }

    /// The same binary with `arguments` on its data directory.
    pub fn command(&self, arguments: &[&str]) -> Result<Command, Failure> {
        let mut command = own_command(self.data_dir())?;
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        Ok(command)
    }

    fn wait_until_ready(&self) -> Result<(), Failure> {
        let begun = Instant::now();
        while self.status().is_err() {
            if begun.elapsed() > PATIENCE {
                return Err(Failure::failed("the engine does not answer"));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }

    /// Waits until no task is open.
    pub fn wait_until_done(&self) -> Result<(), Failure> {
        let client = self.client()?;
        loop {
            let status: Status = client.get("/v1/status", &Query::new())?;
            if status.tasks.pending + status.tasks.scheduled + status.tasks.executing == 0 {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn own_command(data_dir: &Path) -> Result<Command, Failure> {
    let program =
        std::env::current_exe().map_err(|error| Failure::failed(format!("cannot find this program: {error}")))?;
    let mut command = Command::new(program);
    command.arg("--data-dir").arg(data_dir);
    Ok(command)
}

fn spawn(data_dir: &Path) -> Result<Child, Failure> {
    let mut command = own_command(data_dir)?;
    command.arg("engine").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|error| Failure::failed(format!("cannot start the engine: {error}")))
}

impl Drop for Subject {
    fn drop(&mut self) {
        // Ends the worker too; when that fails the engine is killed all the same.
        if let Ok(mut command) = own_command(self.data_dir()) {
            let _ = command.args(["stop", "--all"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
