//! The engine as a process: lock, threads, worker, socket, signals.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::{PeerInfo, Service, health, router};
use crate::domain::{Span, Timestamp};
use crate::engine::deliver::{Ledger, Receiver, keep_delivering};
use crate::engine::exposition::Bounds;
use crate::engine::figures::Figures;
use crate::engine::link::{WorkerSettings, keep_session};
use crate::engine::message::Message;
use crate::engine::otlp::{self, Collector, Telling};
use crate::engine::progress::Progress;
use crate::engine::sampling;
use crate::engine::{Engine, Error};
use crate::store::series::Policy;
use crate::store::{self, DataDir, Query, Reader, Store};

/// How long a new data directory waits for its first worker before the engine answers without one.
const FIRST_NODE_WITHIN: Duration = Duration::from_secs(10);

/// How an engine is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where everything lies.
    pub data_dir: PathBuf,
    /// Program and arguments that start the worker.
    pub worker_command: Vec<std::ffi::OsString>,
    /// How often what runs is measured while nobody looks; zero for never.
    pub measure_every: Span,
    /// Who is told of alerts.
    pub receivers: Vec<Receiver>,
    /// How much of what is measured is kept.
    pub metrics: Policy,
    /// Which of it goes out, by `GET /metrics` and to the collector.
    pub exposed: Bounds,
    /// For how long after the start no alert is over for want of samples.
    pub grace: Span,
    /// Who is told of traces and metrics.
    pub collector: Option<Collector>,
}

/// Runs the engine in the foreground until it is told to stop by the API or by SIGTERM or SIGINT. Agents go on running.
///
/// The socket is there before the store is read, so that whoever waits sees how far that is.
pub fn serve(settings: &Settings) -> Result<(), Error> {
    let data_dir = &settings.data_dir;
    let first = !DataDir::was_used(data_dir);
    let lock = DataDir::lock(data_dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("api")
        .enable_all()
        .build()
        .map_err(Error::io("start the API's threads"))?;
    let served = runtime.block_on(serve_api(settings));
    // The socket goes first, so that whoever finds none knows that nothing more is taken.
    let _ = std::fs::remove_file(data_dir.join("engine.sock"));
    let served = served.map(|served| {
        served.map_or(Ok(()), |(engine, telling)| {
            let joined = engine.join();
            // What is to be told is complete only now.
            if let Some(telling) = telling {
                runtime.block_on(telling.finish());
            }
            joined
        })
    });
    runtime.shutdown_background();
    if first && matches!(served, Err(Error::Store(_))) && !data_dir.join(store::DATABASE).exists() {
        lock.give_up();
        return served.and_then(|joined| joined);
    }
    let joined = served?;
    drop(lock);
    joined
}

/// Takes up the store, starts the engine's threads and the session with the worker.
fn start(settings: &Settings, progress: &Progress) -> Result<Engine, Error> {
    let data_dir = &settings.data_dir;
    progress.begin("opening the store");
    let fresh = !data_dir.join(store::DATABASE).exists();
    let started = Store::open(data_dir).map_err(Error::from);
    let engine = started
        .and_then(|store| {
            let measure_every = settings.measure_every.to_std();
            Engine::start(store, data_dir, progress, measure_every, settings.metrics, settings.grace)
        })
        .inspect_err(|_| {
            // A store that could not be begun holds nothing of anybody's: on a full disk it would only take up room.
            if fresh {
                store::remove_unbegun(data_dir);
            }
        })?;
    tokio::spawn(sampling::sample(
        engine.recorder.clone(),
        engine.beat.clone(),
        engine.decider.clone(),
        engine.figures.clone(),
        engine.clock,
    ));
    let (telemetry, decider) = (engine.telemetry.clone(), engine.decider.clone());
    let (leaving, clock) = (engine.leaving.clone(), engine.clock);
    let worker = WorkerSettings { data_dir: data_dir.clone(), leaving, command: settings.worker_command.clone() };
    std::thread::Builder::new()
        .name("link".into())
        .spawn(move || keep_session(&worker, clock, &telemetry, &decider))
        .map_err(Error::io("start the link thread"))?;
    progress.begin("waiting for the worker");
    wait_for_first_node(data_dir)?;
    Ok(engine)
}

/// Waits until the store knows a node: the first worker of a new data directory brings the machine's capacity and the
/// first fleet, without which nothing can be declared or submitted. A worker that cannot start must not keep the
/// engine from answering, so the wait is bounded.
fn wait_for_first_node(data_dir: &Path) -> Result<(), Error> {
    let reader = Reader::open(data_dir)?;
    let query = Query { limit: 0, ..Query::default() };
    let begun = Instant::now();
    while reader.nodes(&query)?.total == 0 && begun.elapsed() < FIRST_NODE_WITHIN {
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Serves until the engine is to leave, and gives it back for that with what tells a collector; `None` when it was to leave
/// before it was there.
async fn serve_api(settings: &Settings) -> Result<Option<(Engine, Option<Telling>)>, Error> {
    let data_dir = &settings.data_dir;
    let path = data_dir.join("engine.sock");
    // The lock is ours, so a socket that is still there was left by an engine that was killed.
    let _ = std::fs::remove_file(&path);
    let listener = bind(&path)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::io("listen for SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::io("listen for SIGINT"))?;
    let progress = Progress::default();
    let service = Service::new(data_dir, progress.clone(), settings.exposed);
    let serving = axum::serve(listener, router(service.clone()).into_make_service_with_connect_info::<PeerInfo>());
    let serving = tokio::spawn(async move { serving.await });
    let starting = tokio::task::spawn_blocking({
        let settings = settings.clone();
        move || start(&settings, &progress)
    });
    let mut engine = tokio::select! {
        started = starting => started.map_err(|error| Error::io("start the engine")(io::Error::other(error)))??,
        // Nothing is under way yet but reading, which ends with the process.
        _ = terminate.recv() => return Ok(None),
        _ = interrupt.recv() => return Ok(None),
    };
    let ended = engine.ended.take();
    service.open(&engine)?;
    let looking = tokio::spawn(health::keep(service));
    if !settings.receivers.is_empty() {
        tokio::spawn(keep_delivering(
            settings.receivers.clone(),
            engine.published.subscribe(),
            Reader::open(data_dir)?,
            engine.clock,
            engine.decider.clone(),
            engine.deliveries.clone(),
            Ledger::open(data_dir, settings.receivers.iter().map(|receiver| receiver.name.as_str())),
        ));
    }
    let mut telling = None;
    if let Some(collector) = settings.collector.clone() {
        let sources = otlp::Sources {
            published: engine.published.subscribe(),
            reader: Reader::open(data_dir)?,
            recorder: engine.recorder.clone(),
            bounds: settings.exposed,
            clock: engine.clock,
        };
        telling = Some(otlp::start(collector, sources, &engine.export)?);
    }
    tracing::info!(pid = std::process::id(), data_dir = %data_dir.display(), "ready");
    notify_ready();
    std::thread::Builder::new()
        .name("last hour".into())
        .spawn(recall_last_hour(data_dir, &engine))
        .map_err(Error::io("start a thread"))?;
    tokio::select! {
        _ = terminate.recv() => stop(&engine).await,
        _ = interrupt.recv() => stop(&engine).await,
        () = left(ended) => {}
    }
    tracing::info!("stopping");
    serving.abort();
    looking.abort();
    Ok(Some((engine, telling)))
}

/// Listens on a socket that only its owner may use.
pub(super) fn bind(path: &Path) -> Result<UnixListener, Error> {
    let listener = UnixListener::bind(path).map_err(Error::io(format!("listen on {}", path.display())))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(Error::io(format!("protect {}", path.display())))?;
    Ok(listener)
}

/// How many of the journal's records are gone through at most for the figures of the last hour.
const RECALLED_MAX: u64 = 200_000;

/// Counts what ended in the hour before the engine started, beside its work: no start is the slower for it.
fn recall_last_hour(data_dir: &Path, engine: &Engine) -> impl FnOnce() + Send + 'static {
    let (data_dir, figures, leaving) = (data_dir.to_owned(), engine.figures.clone(), engine.leaving.clone());
    let (head, now) = (engine.first_seq, engine.clock.now());
    move || {
        let goes_on = || !leaving.load(std::sync::atomic::Ordering::Acquire);
        let recalled =
            Reader::open(&data_dir).and_then(|reader| count_last_hour(&reader, &figures, head, now, &goes_on));
        if let Err(error) = recalled {
            tracing::warn!(%error, "the figures of the last hour cannot be read and begin anew");
        }
    }
}

/// Counts what ended in the hour before a time, up to record `head`, as long as `goes_on` says so.
pub(super) fn count_last_hour(
    reader: &Reader,
    figures: &Figures,
    head: u64,
    now: Timestamp,
    goes_on: &dyn Fn() -> bool,
) -> Result<(), store::Error> {
    let since = Timestamp::from_micros(now.as_micros() - 3_600_000_000);
    let mut after = reader.journal_before(since)?.max(head.saturating_sub(RECALLED_MAX));
    while after < head && goes_on() {
        let (records, last) = reader.ends_after(after, head)?;
        figures.count_past(&records);
        after = last;
    }
    Ok(())
}

/// Resolves when the deciding thread has left, whether it was told to by the API or came to grief.
async fn left(ended: Option<oneshot::Receiver<()>>) {
    match ended {
        Some(ended) => drop(ended.await),
        None => std::future::pending().await,
    }
}

/// Lets the deciding thread finish its batch and leave.
async fn stop(engine: &Engine) {
    let (done, finished) = oneshot::channel();
    if engine.decider.send(Message::Stop { kill: false, done: Some(done) }).is_ok() {
        let _ = finished.await;
    }
}

/// Tells a service manager that the engine is ready, by the protocol of `sd_notify(3)`.
fn notify_ready() {
    if let Some(path) = std::env::var_os("NOTIFY_SOCKET")
        && let Ok(socket) = UnixDatagram::unbound()
    {
        let _ = socket.send_to(b"READY=1", path);
    }
}
