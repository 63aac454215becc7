//! The same interface over a past: a process of its own answers from tables made anew up to one moment of the journal, and
//! refuses whatever would change something. It can be taken from one moment to another.
//!
//! The console and the command line know only the socket, so all of them work in a past as they do in the present. What was
//! never journalled comes from where it is kept: output from its files, as far as it was written by then, and metrics from
//! the engine of the present. What nobody kept (processes, sensors) is not known, and said so.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{self, Receiver, Sender};

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::serve::{bind, count_last_hour};
use super::{Failure, PeerInfo, Running, Service, json_text, router};
use crate::api::client::{self, Client};
use crate::api::types::ToMoment;
use crate::domain::{Moment, Refusal, RefusalKind, Standpoint, Timestamp};
use crate::engine::beat::Beat;
use crate::engine::clock::Clock;
use crate::engine::deliver::Deliveries;
use crate::engine::exposition::Bounds;
use crate::engine::figures::Figures;
use crate::engine::otlp::Export;
use crate::engine::present::Present;
use crate::engine::progress::Progress;
use crate::engine::series::Recorder;
use crate::engine::telemetry::Telemetry;
use crate::engine::watchers::Watchers;
use crate::engine::windows::Ring;
use crate::engine::{Error, viewer};
use crate::store::{PastStore, View};

/// How a past is served.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data directory whose past it is.
    pub data_dir: PathBuf,
    /// An empty folder for the tables and the socket.
    pub folder: PathBuf,
    /// Which moment, as somebody wrote it.
    pub at: String,
}

/// Goes to a moment, and answers where that is once it is there.
type Wish = (Moment, String, oneshot::Sender<Result<Standpoint, Refusal>>);

/// The way to the thread that goes from moment to moment.
pub struct Mover(Mutex<Sender<Wish>>);

/// Serves the past of a data directory in the foreground, until `leave` resolves or a signal ends it. The folder is the
/// caller's to remove.
///
/// # Errors
/// A moment that the journal does not have, before anything is served; tables that could not be made, afterwards.
pub fn serve(settings: &Settings, leave: impl Future<Output = ()>) -> Result<(), Error> {
    let store = PastStore::open(&settings.data_dir, &settings.folder)?;
    let moment: Moment = settings.at.parse().map_err(crate::store::Error::Refused)?;
    let first = store.find(moment, &settings.at, now())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("api")
        .enable_all()
        .build()
        .map_err(Error::io("start the API's threads"))?;
    let served = runtime.block_on(serve_api(settings, store, first, leave));
    runtime.shutdown_background();
    served
}

async fn serve_api(
    settings: &Settings,
    store: PastStore,
    first: Standpoint,
    leave: impl Future<Output = ()>,
) -> Result<(), Error> {
    let listener: UnixListener = bind(&settings.folder.join("engine.sock"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::io("listen for SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::io("listen for SIGINT"))?;
    let progress = Progress::default();
    let (sender, wishes) = mpsc::channel();
    let mover = Some(Mover(Mutex::new(sender)));
    let service = Service::make(&settings.data_dir, progress, Bounds::new(false), mover);
    let serving =
        axum::serve(listener, router(service.clone()).into_make_service_with_connect_info::<PeerInfo>()).into_future();
    tokio::spawn(serving);
    let going = tokio::task::spawn_blocking(move || go(&service, store, first, &wishes));
    tokio::select! {
        gone = going => gone.map_err(|error| Error::io("look at the past")(std::io::Error::other(error)))?,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        () = leave => Ok(()),
    }
}

/// Goes to the first moment and then wherever somebody wants. Ends when one cannot be reached that was found: then there
/// are no tables to answer from.
fn go(service: &Service, mut store: PastStore, first: Standpoint, wishes: &Receiver<Wish>) -> Result<(), Error> {
    show(service, &mut store, first)?;
    while let Ok((moment, asked, answer)) = wishes.recv() {
        let found = match store.find(moment, &asked, now()) {
            Ok(found) => found,
            Err(error) => {
                // Nobody may be left to hear it, here and below.
                let _ = answer.send(Err(refusal_of(error)));
                continue;
            }
        };
        match show(service, &mut store, found) {
            Ok(()) => drop(answer.send(Ok(found))),
            Err(error) => {
                let _ = answer.send(Err(Refusal::new(RefusalKind::Unavailable, "the past", &error)));
                return Err(error);
            }
        }
    }
    Ok(())
}

fn refusal_of(error: crate::store::Error) -> Refusal {
    match error {
        crate::store::Error::Refused(refusal) => refusal,
        other => Refusal::new(RefusalKind::Unavailable, "the past", other),
    }
}

/// Makes the tables and the memory of a moment, and answers from them from then on. Meanwhile whoever asks hears how far
/// that is.
fn show(service: &Service, store: &mut PastStore, at: Standpoint) -> Result<(), Error> {
    let progress = &service.0.progress;
    progress.begin("going through the journal: record");
    service.show(None);
    let view = store.go_to(at.seq, &|done, total| progress.report(done, total))?;
    progress.begin("reading tasks");
    let running = running(view, at, progress)?;
    service.show(Some(running));
    Ok(())
}

/// What answers at a moment.
fn running(view: View, at: Standpoint, progress: &Progress) -> Result<Running, Error> {
    let reader = view.reader()?;
    let snapshot = reader.snapshot(&|done, total| progress.report(done, total))?;
    let (beat, figures, clock) = (Beat::new(at.seq), Figures::default(), Clock::standing(at.time));
    figures.know_agents(&snapshot.agents);
    count_last_hour(&reader, &figures, at.seq, at.time, &|| true)?;
    // Nobody takes what is sent here: there is no worker in a past.
    let (dispatcher, _) = mpsc::channel();
    let (published, _) = tokio::sync::broadcast::channel(1);
    Ok(Running {
        decider: Mutex::new(viewer::start(snapshot, at)?),
        dispatcher: Mutex::new(dispatcher.clone()),
        published,
        telemetry: Telemetry::new(beat.clone()),
        recorder: Recorder::closed("a past keeps none", clock),
        watchers: Watchers::new(dispatcher, std::time::Duration::ZERO),
        ring: Ring::default(),
        present: Present::default(),
        deliveries: Deliveries::default(),
        export: Export::default(),
        health: Mutex::new(super::health::Known::new(at.time)),
        started_at: at.time,
        marks: super::Marks::default(),
        readers: Mutex::new(vec![reader]),
        at: Some(at),
        beat,
        figures,
        clock,
        view,
    })
}

/// The present time, from which moments are counted back.
fn now() -> Timestamp {
    Clock::start(Timestamp::EPOCH).now()
}

/// `POST /v1/moment`.
pub(super) async fn go_to(
    State(service): State<Service>,
    Json(ToMoment { at }): Json<ToMoment>,
) -> Result<Json<Standpoint>, Failure> {
    let Some(Mover(mover)) = &service.0.mover else {
        let hint = "Open a past with `:at` in the console, or with --at on the command line";
        return Err(Refusal::new(RefusalKind::Conflict, "at", "this engine is the present").hint(hint).into());
    };
    let moment = at.parse()?;
    let (answer, answered) = oneshot::channel();
    let leaving = || Refusal::new(RefusalKind::Unavailable, "the past", "it is being left");
    mover.lock().unwrap_or_else(PoisonError::into_inner).send((moment, at, answer)).map_err(|_| leaving())?;
    Ok(Json(answered.await.map_err(|_| leaving())??))
}

/// Whether a past is looked at.
pub(super) fn is(service: &Service) -> bool {
    service.0.mover.is_some()
}

/// Refuses what only the present knows.
pub(super) fn only_present(service: &Service, what: &str) -> Result<(), Failure> {
    match service.running()?.at {
        None => Ok(()),
        Some(at) => Err(Refusal::new(RefusalKind::Conflict, what, format!("not known of the past, {at}"))
            .hint("It is of the present alone")
            .into()),
    }
}

/// Has the engine of the present answer: it alone reads what it writes all the time.
pub(super) async fn from_present(service: &Service, path: String, query: client::Query) -> Result<Response, Failure> {
    let data_dir: PathBuf = Path::to_owned(&service.0.data_dir);
    let ask = move || Client::connect(&data_dir)?.get_bytes(&path, &query);
    let asked = tokio::task::spawn_blocking(ask).await;
    let unknown = |error: &dyn std::fmt::Display| {
        Refusal::new(RefusalKind::Unavailable, "metrics of the past", error)
            .hint("The engine of the present keeps them: start it")
    };
    match asked.map_err(|error| unknown(&error))? {
        Ok(bytes) => Ok(json_text(String::from_utf8_lossy(&bytes).into_owned())),
        Err(client::Error::Refused(refusal)) => Err(refusal.into()),
        Err(error) => Err(unknown(&error).into()),
    }
}
