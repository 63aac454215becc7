//! Traces and metrics for a collector that speaks OTLP: each task's life is a trace.
//!
//! ```text
//!  commit ── published ──▶ follow ── spans ──▶ outbox ──▶ send ── HTTP, JSON ──▶ collector
//! ```
//!
//! Spans are told once a part of a life is over, from what stands in the store, so that nothing has to be remembered
//! meanwhile and a restart loses none that is under way. Whoever decides, commits or talks to workers never waits for any
//! of this: queues have a bound, and what has no place is dropped and counted. An engine that ends in order tells what
//! waits, for [`LAST`] at most. Traces are no record; the journal is.

mod follow;
mod instruments;
mod json;
mod metrics;
mod outbox;
mod send;
mod settings;
mod spans;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot, watch};
use tokio::task::JoinHandle;

use self::follow::Follower;
use self::outbox::Outbox;
use self::send::Sending;
pub use self::settings::{Collector, OtlpSection};
use super::Error;
use super::clock::Clock;
use super::commit::Published;
use super::exposition::Bounds;
use super::series::Recorder;
use crate::store::Reader;

/// For how long an engine that ends goes on telling what waits.
const LAST: Duration = Duration::from_secs(3);

/// How the collector is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its address.
    pub endpoint: String,
    /// Failures in a row.
    pub failures: u32,
    /// Why it failed last, if it has not worked since.
    pub error: Option<String>,
    /// Spans that it took.
    pub spans: u64,
    /// Values of metrics that it took.
    pub points: u64,
    /// Spans that did not fit, were missed or were not wanted.
    pub dropped: u64,
}

/// How the collector is, for whoever asks; nothing when none is configured. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Export(Arc<Mutex<Option<Standing>>>);

impl Export {
    /// How the collector is; `None` without one.
    pub fn standing(&self) -> Option<Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Standing)) {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default());
    }
}

/// What telling a collector needs of the engine.
pub struct Sources {
    /// What becomes durable.
    pub published: broadcast::Receiver<Published>,
    /// Where what became durable is read; its own.
    pub reader: Reader,
    /// What is measured.
    pub recorder: Recorder,
    /// Which of it goes out.
    pub bounds: Bounds,
    /// The engine's clock.
    pub clock: Clock,
}

/// What tells a collector.
#[derive(Debug)]
pub struct Telling {
    /// Has the follower take what is there and end.
    last: oneshot::Sender<()>,
    /// Resolves when it has.
    followed: oneshot::Receiver<()>,
    /// Has what waits sent without further delay.
    leaving: watch::Sender<bool>,
    outbox: Outbox,
    sending: JoinHandle<()>,
}

impl Telling {
    /// Tells what waits, for [`LAST`] at most, and says what could not be told. Nothing may be published any more.
    pub async fn finish(self) {
        let Self { last, followed, leaving, outbox, mut sending } = self;
        let told = tokio::time::timeout(LAST, async {
            // A follower that came to grief has nothing more to give.
            let _ = last.send(());
            let _ = followed.await;
            let _ = leaving.send(true);
            let _ = (&mut sending).await;
        });
        if told.await.is_err() {
            sending.abort();
        }
        let spans = outbox.give_up();
        if spans > 0 {
            tracing::warn!(spans, "the engine ends, and the collector was not told of so many spans");
        }
    }
}

/// Begins to tell a collector. Has to be called within an asynchronous runtime; ends with [`Telling::finish`].
pub fn start(collector: Collector, sources: Sources, export: &Export) -> Result<Telling, Error> {
    let Sources { published, reader, recorder, bounds, clock } = sources;
    export.change(|standing| standing.endpoint.clone_from(&collector.endpoint));
    let outbox = Outbox::new(collector.queue, export.clone());
    let (follower, instruments) = Follower::new(reader, outbox.clone(), bounds.per_agent, clock.now());
    let ((last, ending), (done, ended), (leaving, left)) =
        (oneshot::channel(), oneshot::channel(), watch::channel(false));
    let runtime = Handle::current();
    std::thread::Builder::new()
        .name("traces".into())
        .spawn(move || {
            runtime.block_on(follower.run(published, ending));
            // Nobody may wait for it.
            let _ = done.send(());
        })
        .map_err(Error::io("start the traces thread"))?;
    let sending = Sending { collector, outbox: outbox.clone(), export: export.clone(), leaving: left };
    let metrics = metrics::Metrics { recorder, bounds, clock, instruments, since: clock.now() };
    Ok(Telling { last, followed: ended, leaving, outbox, sending: tokio::spawn(sending.run(metrics)) })
}
