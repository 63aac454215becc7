//! Looking back: a process of its own that answers from the past of a data directory, and those who start it.

use std::fs::{self, DirBuilder};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use clap::Args;
use tokio::sync::oneshot;

use super::config::{Origin, Setting, Settings};
use super::context::{Context, stand_at};
use super::failure::{Failure, Outcome, chain};
use super::{console, engine, launch};
use crate::api::client::{Client, Error};
use crate::api::live::{Pulse, Ready};
use crate::api::server::past;
use crate::ui;

/// The folder in the data directory under which each past has a folder of its own, named after its process.
const FOLDER: &str = "past";

/// Options of `menagerie past`.
#[derive(Args, Debug)]
pub struct PastArgs {
    /// Which moment
    #[arg(allow_hyphen_values = true)]
    pub moment: String,
}

/// Serves a past until standard input ends. What is wrong goes to standard output, where whoever started us reads it.
pub fn run(context: &mut Context, args: &PastArgs) -> Outcome {
    let served = serve(&context.settings.data_dir.value, &args.moment);
    if let Err(failure) = &served {
        for sentence in failure.sentences() {
            context.out.line(&sentence)?;
        }
    }
    served.map(|()| 0)
}

fn serve(data_dir: &Path, at: &str) -> Result<(), Failure> {
    let all = data_dir.join(FOLDER);
    remove_leftovers(&all);
    let folder = all.join(std::process::id().to_string());
    engine::check_socket_path(&folder, data_dir)?;
    if !data_dir.is_dir() {
        return Err(Failure::refused(format!("data directory {}: there is none", data_dir.display())));
    }
    let make = || DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    make().map_err(|error| Failure::file("create", &folder, &error))?;
    let (sender, left) = oneshot::channel();
    let watch = move || {
        // Whoever looked has gone once the other end is closed, however that came about.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = sender.send(());
    };
    std::thread::spawn(watch);
    let settings = past::Settings { data_dir: data_dir.to_owned(), folder: folder.clone(), at: at.to_owned() };
    let served = past::serve(&settings, async {
        // A thread that is gone says the same.
        let _ = left.await;
    });
    remove(&folder);
    served.map_err(|error| match error {
        crate::engine::Error::Store(error) => super::db::failure(error),
        error @ crate::engine::Error::Io { .. } => Failure::failed(chain(&error)),
    })
}

/// Removes what pasts left behind whose process was killed.
fn remove_leftovers(all: &Path) {
    let Ok(entries) = fs::read_dir(all) else { return };
    for entry in entries.flatten() {
        let pid =
            entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(rustix::process::Pid::from_raw);
        let lives = |pid: rustix::process::Pid| {
            rustix::process::test_kill_process(pid).is_ok()
                && Some(pid) != rustix::process::Pid::from_raw(std::process::id().cast_signed())
        };
        if pid.is_some_and(|pid| !lives(pid)) {
            remove(&entry.path());
        }
    }
}

/// What cannot be removed now is a leftover of later.
fn remove(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    if let Some(all) = folder.parent() {
        // Goes only when no other past is there.
        let _ = fs::remove_dir(all);
    }
}

/// A past that somebody looks at; it ends when this is dropped.
pub struct Past {
    folder: PathBuf,
    child: Child,
    // Its end tells the process to leave.
    stdin: Option<ChildStdin>,
}

impl Past {
    /// Starts a process for the past of a data directory and waits until it answers; `told` hears how far it is, and can
    /// end the wait with `false`.
    pub fn open(settings: &Settings, at: &str, told: &mut dyn FnMut(&Ready) -> bool) -> Result<Self, Failure> {
        let cannot = |error: std::io::Error| Failure::failed(format!("cannot look at the past: {error}"));
        let data_dir = &settings.data_dir.value;
        let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
        command.arg("--data-dir").arg(data_dir).args(["--output", "table", "past", "--", at]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(cannot)?;
        let folder = data_dir.join(FOLDER).join(child.id().to_string());
        let stdin = child.stdin.take();
        let mut past = Self { folder, child, stdin };
        past.wait(told)?;
        Ok(past)
    }

    /// Where its socket is: what stands for a data directory to whoever asks.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn wait(&mut self, told: &mut dyn FnMut(&Ready) -> bool) -> Result<(), Failure> {
        let mut pause = Duration::from_millis(1);
        loop {
            match Client::connect(&self.folder).and_then(|client| client.ready()) {
                Ok(ready) => {
                    let goes_on = told(&ready);
                    if ready.ready {
                        return Ok(());
                    }
                    if !goes_on {
                        return Err(Failure::failed("nobody wants to look at the past any more"));
                    }
                }
                Err(Error::NoEngine { .. } | Error::Broken(_)) => {}
                Err(error) => return Err(Failure::failed(chain(&error))),
            }
            if let Some(status) = self.child.try_wait().unwrap_or_default() {
                return Err(self.last_words(status));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Why the process has ended.
    fn last_words(&mut self, status: std::process::ExitStatus) -> Failure {
        let mut text = String::new();
        if let Some(out) = &mut self.child.stdout {
            // What cannot be read is not said; the status is.
            let _ = out.read_to_string(&mut text);
        }
        let mut sentences: Vec<String> =
            text.lines().map(super::table::clean).filter(|line| !line.trim().is_empty()).collect();
        if sentences.is_empty() {
            sentences.push(format!("the past cannot be looked at ({status})"));
        }
        if status.code() == Some(2) { Failure::Refused(sentences) } else { Failure::Failed(sentences) }
    }
}

impl Drop for Past {
    fn drop(&mut self) {
        self.stdin = None;
        // It leaves at once; what it still did is removed below.
        let _ = self.child.wait();
        remove(&self.folder);
    }
}

/// Has a verb ask the past instead of the present, until what is returned is dropped.
pub fn look_back(context: &mut Context, at: &str) -> Result<Past, Failure> {
    let mut line = launch::progress_line("going back");
    let past = Past::open(&context.settings, at, &mut |ready| {
        line(ready);
        true
    })?;
    let client = Client::connect(past.folder())?;
    let mut time = None;
    client.pulse(1000, |pulse: Pulse| {
        time = Some(pulse.time);
        std::ops::ControlFlow::Break(())
    })?;
    if let Some(time) = time {
        stand_at(time);
    }
    context.settings.data_dir = Setting { value: past.folder().to_owned(), origin: Origin::Flag("--at") };
    context.settings.start = Setting { value: false, origin: Origin::Flag("--at") };
    Ok(past)
}

/// How the console opens a past.
pub fn opener(settings: &Settings) -> ui::Opener {
    let settings = settings.clone();
    Box::new(move |at, told| {
        let past = Past::open(&settings, at, &mut |ready| told(&ready.text())).map_err(console::one_line)?;
        Ok(Box::new(past))
    })
}

impl ui::OpenPast for Past {
    fn folder(&self) -> &Path {
        &self.folder
    }
}
