//! The engine's HTTP interface over a Unix socket: the same commands and queries for console, command line and programs.
//!
//! [`routes`] lists every route once; the OpenAPI description follows from it. Handlers read from the store through a pool
//! of read-only connections and send changes to the deciding thread; they decide nothing themselves.

mod alert_rules;
mod approval_rules;
mod commands;
mod dashboards;
mod exposition;
mod grid;
mod health;
mod listed;
mod live;
mod logs;
mod metrics;
mod models;
mod openapi;
mod overview;
pub mod past;
mod processes;
mod pulse;
mod reads;
mod recommend;
pub mod routes;
mod rule_check;
mod running;
mod search;
mod sensors;
pub mod serve;
mod spool;
mod spool_reader;
mod status;
mod stream;
mod triage;

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use axum::{Json, Router};
use tokio::net::UnixListener;
use tokio::sync::{broadcast, oneshot};

use self::spool::Marks;
use crate::api::live::Ready;
use crate::api::types::NOT_READY;
use crate::domain::{Refusal, RefusalKind, Standpoint, Timestamp};
use crate::engine::beat::Beat;
use crate::engine::clock::Clock;
use crate::engine::commit::Published;
use crate::engine::core::Core;
use crate::engine::deliver::Deliveries;
use crate::engine::dispatch::Act;
use crate::engine::exposition::Bounds;
use crate::engine::figures::Figures;
use crate::engine::link::account_name;
use crate::engine::message::{Message, Peer};
use crate::engine::otlp::Export;
use crate::engine::present::Present;
use crate::engine::progress::Progress;
use crate::engine::series::Recorder;
use crate::engine::telemetry::Telemetry;
use crate::engine::watchers::Watchers;
use crate::engine::windows::Ring;
use crate::engine::{self, Engine};
use crate::store::{self, Reader, View};

/// The largest request body, enough for a million ordinary tasks.
const BODY_BYTES_MAX: usize = 1 << 30;
/// How many idle read-only connections are kept.
const READERS_KEPT: usize = 8;

/// What the handlers share.
#[derive(Clone)]
pub struct Service(Arc<Shared>);

struct Shared {
    data_dir: PathBuf,
    owner_uid: u32,
    progress: Progress,
    exposed: Bounds,
    /// Takes who looks at a past to another moment; `None` in the present.
    mover: Option<past::Mover>,
    running: RwLock<Option<Arc<Running>>>,
}

/// The engine, once it has read its store.
struct Running {
    decider: Mutex<Sender<Message>>,
    dispatcher: Mutex<Sender<Act>>,
    published: broadcast::Sender<Published>,
    beat: Beat,
    figures: Figures,
    telemetry: Telemetry,
    recorder: Recorder,
    watchers: Watchers,
    ring: Ring,
    present: Present,
    deliveries: Deliveries,
    export: Export,
    health: Mutex<health::Known>,
    clock: Clock,
    view: View,
    /// The moment that is looked at; `None` in the present.
    at: Option<Standpoint>,
    readers: Mutex<Vec<Reader>>,
    started_at: Timestamp,
    marks: Marks,
}

impl Service {
    /// A service that says only how far its engine is, until [`Service::open`]. Of what is measured, `exposed` goes out at
    /// `GET /metrics`.
    pub fn new(data_dir: &Path, progress: Progress, exposed: Bounds) -> Self {
        Self::make(data_dir, progress, exposed, None)
    }

    fn make(data_dir: &Path, progress: Progress, exposed: Bounds, mover: Option<past::Mover>) -> Self {
        let owner_uid = rustix::process::geteuid().as_raw();
        let running = RwLock::default();
        Self(Arc::new(Shared { data_dir: data_dir.to_owned(), owner_uid, progress, exposed, mover, running }))
    }

    /// Serves every route from now on. Opens the first read-only connection, so that a store that cannot be read is
    /// noticed at the start.
    pub fn open(&self, engine: &Engine) -> Result<(), engine::Error> {
        let view = View::Present(self.0.data_dir.clone());
        let (reader, started_at) = (view.reader()?, engine.clock.now());
        self.show(Some(Running {
            decider: Mutex::new(engine.decider.clone()),
            dispatcher: Mutex::new(engine.dispatcher.clone()),
            published: engine.published.clone(),
            beat: engine.beat.clone(),
            figures: engine.figures.clone(),
            telemetry: engine.telemetry.clone(),
            recorder: engine.recorder.clone(),
            watchers: engine.watchers.clone(),
            ring: engine.ring.clone(),
            present: engine.present.clone(),
            deliveries: engine.deliveries.clone(),
            export: engine.export.clone(),
            health: Mutex::new(health::Known::new(started_at)),
            clock: engine.clock,
            view,
            at: None,
            readers: Mutex::new(vec![reader]),
            started_at,
            marks: Marks::default(),
        }));
        Ok(())
    }

    /// Answers from this from now on; with nothing, how far it is.
    fn show(&self, running: Option<Running>) {
        *self.0.running.write().unwrap_or_else(PoisonError::into_inner) = running.map(Arc::new);
    }

    /// The engine, or how far it is.
    fn running(&self) -> Result<Arc<Running>, Failure> {
        let running = self.0.running.read().unwrap_or_else(PoisonError::into_inner).clone();
        running.ok_or_else(|| {
            let hint = "It goes on by itself; GET /v1/ready says how far it is";
            Failure(Refusal::new(RefusalKind::Unavailable, NOT_READY, self.ready().text()).hint(hint))
        })
    }

    /// The time from which ages are counted.
    fn now(&self) -> Timestamp {
        self.running().map_or_else(|_| Clock::start(Timestamp::EPOCH).now(), |running| running.clock.now())
    }

    /// Sends something to the dispatching thread.
    fn dispatch(&self, act: Act) -> Result<(), Failure> {
        // Once it has left nobody answers any more, which whoever waits finds out.
        let _ = self.running()?.dispatcher.lock().unwrap_or_else(PoisonError::into_inner).send(act);
        Ok(())
    }

    /// How far the engine is.
    fn ready(&self) -> Ready {
        if self.0.running.read().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Ready { ready: true, phase: "ready".to_owned(), done: 0, total: 0 };
        }
        let (phase, done, total) = self.0.progress.now();
        Ready { ready: false, phase: phase.to_owned(), done, total }
    }

    /// Runs `query` on a read-only connection, off the threads that serve requests.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Reader) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let running = self.running()?;
        let run = move || {
            let kept = running.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let reader = kept.map_or_else(|| running.view.reader(), Ok)?;
            let result = query(&reader);
            let mut readers = running.readers.lock().unwrap_or_else(PoisonError::into_inner);
            if readers.len() < READERS_KEPT {
                readers.push(reader);
            }
            result
        };
        let result = tokio::task::spawn_blocking(run).await;
        result
            .map_err(|error| Failure(Refusal::new(RefusalKind::Unavailable, "the query", error)))?
            .map_err(Failure::from)
    }

    /// Asks the engine's memory something, on the deciding thread: it has to be quick.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Core, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        self.ask(|answer| {
            Message::Look(Box::new(move |core, now| {
                // Nobody may be left to hear the answer.
                let _ = answer.send(look(core, now));
            }))
        })
        .await
    }

    /// Sends a message to the deciding thread and waits for its answer.
    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let sent = self.running()?.decider.lock().unwrap_or_else(PoisonError::into_inner).send(message(answer));
        let stopping =
            || Failure(Refusal::new(RefusalKind::Unavailable, "the engine is stopping", "").hint("try again"));
        sent.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())
    }
}

/// Something that could not be done, as the asker hears it.
#[derive(Debug)]
pub struct Failure(Refusal);

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Refused(refusal) => Self(refusal),
            other => {
                tracing::error!(error = %other, "a query failed");
                Self(Refusal::new(RefusalKind::Unavailable, "the store", other).hint("look at the engine's log"))
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match self.0.kind {
            RefusalKind::Invalid => StatusCode::BAD_REQUEST,
            RefusalKind::NotFound => StatusCode::NOT_FOUND,
            RefusalKind::Ambiguous | RefusalKind::Conflict => StatusCode::CONFLICT,
            RefusalKind::Impossible => StatusCode::UNPROCESSABLE_ENTITY,
            RefusalKind::Forbidden => StatusCode::FORBIDDEN,
            RefusalKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, Json(serde_json::json!({ "error": self.0 }))).into_response()
    }
}

/// The account at the other end of a connection, as the kernel tells it.
#[derive(Clone, Debug)]
pub struct PeerInfo(Option<Peer>);

impl Connected<IncomingStream<'_, UnixListener>> for PeerInfo {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let uid = stream.io().peer_cred().ok().map(|credentials| credentials.uid());
        Self(uid.map(|uid| Peer { uid, name: account_name(uid) }))
    }
}

/// Lets in the owner of the engine's process and root, and nobody else.
async fn only_owner(
    State(service): State<Service>,
    ConnectInfo(PeerInfo(peer)): ConnectInfo<PeerInfo>,
    mut request: Request,
    next: Next,
) -> Response {
    match peer {
        Some(peer) if peer.uid == service.0.owner_uid || peer.uid == 0 => {
            if ![READY_PATH, MOMENT_PATH].contains(&request.uri().path())
                && let Err(failure) = service.running()
            {
                return failure.into_response();
            }
            request.extensions_mut().insert(peer);
            next.run(request).await
        }
        other => {
            let who = other.map_or_else(|| "an unknown account".to_owned(), |peer| format!("account {}", peer.uid));
            let allowed = match service.0.owner_uid {
                0 => "account 0, which runs the engine".to_owned(),
                owner => format!("account {owner}, which runs the engine, or 0"),
            };
            Failure(Refusal::new(RefusalKind::Forbidden, "peer", who).allowed(allowed)).into_response()
        }
    }
}

/// Where a starting engine says how far it is.
const READY_PATH: &str = "/v1/ready";

/// Where a past, which may be on its way to a moment, is sent to another.
const MOMENT_PATH: &str = "/v1/moment";

/// A method that a path does not take.
async fn wrong_method(method: Method, uri: Uri) -> Response {
    let refusal = Refusal::invalid("method", format!("{method} {}", uri.path()), "the methods that the path takes")
        .hint("GET /v1/openapi.json lists them");
    (StatusCode::METHOD_NOT_ALLOWED, Json(serde_json::json!({ "error": refusal }))).into_response()
}

/// Every route, behind the check of the peer.
pub fn router(service: Service) -> Router {
    let not_found = || async {
        Failure(Refusal::new(RefusalKind::NotFound, "route", "this path").hint("GET /v1/openapi.json lists them"))
    };
    routes::mount(Router::new())
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(service.clone(), only_owner))
        .with_state(service)
}

/// The OpenAPI description of every route.
pub fn openapi() -> serde_json::Value {
    openapi::document()
}

/// A response of raw JSON text.
fn json_text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
