//! `menagerie engine`: the engine without a screen, in the foreground, with its log on standard error.

use std::io::IsTerminal;
use std::path::Path;

use clap::Args;
use tracing_subscriber::filter::LevelFilter;

use super::args::one_of;
use super::config::{LogFormat, LogLevel, Settings, expand_home};
use super::context::Context;
use super::failure::{Failure, Outcome, chain};
use crate::api::server::serve;
use crate::domain::Refusal;
use crate::engine;
use crate::engine::deliver::{Receiver, ReceiverEntry};
use crate::engine::exposition::Bounds;
use crate::worker;

/// Options of `menagerie engine`.
#[derive(Args, Clone, Debug)]
pub struct EngineArgs {
    /// Stay in the foreground; this is the default
    #[arg(long)]
    pub foreground: bool,
    /// Leave the terminal's session; verbs that start an engine use this
    #[arg(long, hide = true, conflicts_with = "foreground")]
    pub background: bool,
    /// How to write the log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// How a process writes its log.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// How to write the log [env: `MENAGERIE_LOG_FORMAT`] [default: text]
    #[arg(long, value_name = "FORMAT", value_parser = one_of::<LogFormat>(LogFormat::ALL))]
    pub log_format: Option<LogFormat>,
    /// How much to write [env: `MENAGERIE_LOG_LEVEL`] [default: info]
    #[arg(long, value_name = "LEVEL", value_parser = one_of::<LogLevel>(LogLevel::ALL))]
    pub log_level: Option<LogLevel>,
}

impl LogArgs {
    /// What was said, or else what is set.
    fn resolve(&self, settings: &Settings) -> (LogFormat, LogLevel) {
        let format = self.log_format.unwrap_or(settings.log_format.value);
        (format, self.log_level.unwrap_or(settings.log_level.value))
    }
}

/// The longest path of a Unix socket, without the byte that ends it (`sun_path` in `unix(7)`).
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Runs the engine until it is told to stop.
pub fn run(context: &mut Context, args: &EngineArgs) -> Outcome {
    let settings = &context.settings;
    if args.background {
        // Fails only for the leader of a process group, which a child that was just started is not; an engine that
        // kept its session would merely end with the terminal.
        let _ = rustix::process::setsid();
    }
    let (format, level) = args.log.resolve(settings);
    start_log(format, level)?;
    let program =
        std::env::current_exe().map_err(|error| Failure::failed(format!("cannot find this program: {error}")))?;
    let data_dir = settings.data_dir.value.clone();
    check_socket_path(&data_dir, &data_dir)?;
    let receivers = receivers(&settings.receivers)?;
    let measure_every = settings.measure_every.value;
    let mut worker_command = vec![program.into(), "--data-dir".into(), data_dir.clone().into(), "worker".into()];
    let log = ["--log-format", format.as_str(), "--log-level", level.as_str()];
    worker_command.extend(log.map(std::ffi::OsString::from));
    let metrics = settings.metrics.policy();
    let exposed = Bounds::new(settings.metrics_per_agent.value);
    let (grace, collector) = (settings.no_data_grace.value, settings.otlp.collector()?);
    let served =
        serve::Settings { data_dir, worker_command, measure_every, receivers, metrics, exposed, grace, collector };
    let failure = match serve::serve(&served) {
        Ok(()) => return Ok(0),
        Err(engine::Error::Store(error)) => super::db::failure(error),
        Err(error) => Failure::failed(chain(&error)),
    };
    if args.background {
        // Whoever started us reads this; the log, on standard error, may lie on a disk that is full.
        for sentence in failure.sentences() {
            context.out.line(&sentence)?;
        }
    }
    Err(failure)
}

/// Refuses a data directory whose path is too long for the socket in `folder`, which is it or lies in it.
pub fn check_socket_path(folder: &Path, data_dir: &Path) -> Result<(), Failure> {
    let more = folder.join("engine.sock").as_os_str().len() - data_dir.as_os_str().len();
    if data_dir.as_os_str().len() + more > SOCKET_PATH_BYTES_MAX {
        return Err(Failure::refused(format!(
            "data directory {}: its path is too long for the sockets in it; allowed: {} bytes. Choose another with --data-dir",
            data_dir.display(),
            SOCKET_PATH_BYTES_MAX - more
        )));
    }
    Ok(())
}

/// Who is told of alerts, checked and with their secrets read.
fn receivers(entries: &[ReceiverEntry]) -> Result<Vec<Receiver>, Failure> {
    let mut seen = std::collections::BTreeSet::new();
    let mut receivers = vec![];
    for entry in entries {
        if !seen.insert(&entry.name) {
            return Err(Refusal::invalid("alert.receiver: name", &entry.name, "each name once").into());
        }
        let secret = match &entry.secret_file {
            Some(path) => {
                let path = std::path::PathBuf::from(expand_home(&path.to_string_lossy())?);
                let text = std::fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?;
                Some(text.trim_ascii().to_vec())
            }
            None => None,
        };
        receivers.push(entry.receiver(secret)?);
    }
    Ok(receivers)
}

/// Runs this node's worker until nobody needs it.
pub fn run_worker(context: &Context, args: &LogArgs) -> Outcome {
    let (format, level) = args.resolve(&context.settings);
    start_log(format, level)?;
    worker::run(&worker::Settings::new(&context.settings.data_dir.value))
        .map_err(|error| Failure::failed(chain(&error)))?;
    Ok(0)
}

/// Reads a worker's slower sensors until it is no longer asked.
pub fn run_sense(context: &Context) -> Outcome {
    worker::sense(&worker::Settings::new(&context.settings.data_dir.value))
        .map_err(|error| Failure::failed(chain(&error)))?;
    Ok(0)
}

/// Does one of a worker's errands with git.
pub fn run_errand(context: &Context) -> Outcome {
    worker::errand(&worker::Settings::new(&context.settings.data_dir.value))
        .map_err(|error| Failure::failed(chain(&error)))?;
    Ok(0)
}

/// Sends the process's log to standard error.
///
/// # Errors
/// A log that was set up before in the same process.
pub fn start_log(format: LogFormat, level: LogLevel) -> Result<(), Failure> {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let ansi = std::io::stderr().is_terminal();
    let builder =
        tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(ansi).with_target(false).with_max_level(level);
    match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    }
    .map_err(|error| Failure::failed(format!("cannot set up the log: {error}")))
}
