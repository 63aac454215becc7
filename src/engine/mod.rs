//! The engine: decides and remembers. [`core`] decides; the rest feeds it, commits what it decided, and only then acts.
//!
//! Three threads make the life of a command: the deciding one ([`decide`]) owns the core, the committing one
//! ([`commit`]) owns the store, the dispatching one ([`dispatch`]) carries to the workers what is durable. While one batch
//! is committed the next is being decided. A fourth keeps the session with the worker ([`link`]), a fifth
//! the metrics ([`series`]). The engine never touches a process, a cgroup or a sensor: that is the worker's.

pub mod beat;
pub mod clock;
pub mod commit;
pub mod context;
pub mod core;
pub mod decide;
pub mod deliver;
pub mod dispatch;
pub mod exposition;
pub mod figures;
pub mod http;
pub mod indexer;
pub mod link;
pub mod log;
mod merge_order;
pub mod message;
pub mod otlp;
pub mod outlet;
pub mod past;
pub mod present;
pub mod progress;
pub mod rules;
pub mod samples;
pub mod sampling;
pub mod series;
pub mod signals;
mod start_input;
pub mod telemetry;
pub mod trial;
pub mod viewer;
pub mod watchers;
pub mod windows;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{broadcast, oneshot};

use self::beat::Beat;
use self::clock::Clock;
use self::commit::{Committer, Published, Work};
use self::core::{Core, Decisions};
use self::decide::{Beginning, Decider, Signals};
use self::deliver::Deliveries;
use self::dispatch::{Act, Dispatcher};
use self::figures::Figures;
use self::indexer::Indexer;
use self::message::Message;
use self::otlp::Export;
use self::present::Present;
use self::progress::Progress;
use self::rules::Evaluation;
use self::series::Recorder;
use self::signals::Sources;
use self::telemetry::Telemetry;
use self::watchers::Watchers;
use self::windows::Ring;
use crate::domain::learning::check_format;
use crate::domain::{Record, Span};
use crate::store::series::Policy;
use crate::store::{self, Reader, Store};

/// How many batches may wait to be committed while the next is being decided.
const BATCHES_AHEAD: usize = 2;
/// How many publications a slow follower may be behind before it has to look for itself.
const PUBLISHED_AHEAD: usize = 4096;

/// Why an engine cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data directory cannot be used, or the store in it.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A socket, a signal or a thread cannot be had.
    #[error("{action}: {source}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl Error {
    /// Wraps an I/O error with what was tried.
    pub fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}

/// A running engine: its threads and the ways to them.
pub struct Engine {
    /// Where the deciding thread takes messages.
    pub decider: Sender<Message>,
    /// What became durable.
    pub published: broadcast::Sender<Published>,
    /// Resolves when the deciding thread has left, for whatever reason.
    pub ended: Option<oneshot::Receiver<()>>,
    /// Set once the engine has begun to leave.
    pub leaving: Arc<AtomicBool>,
    /// The number of the record with which this engine took up the journal.
    pub first_seq: u64,
    /// Announces what has changed.
    pub beat: Beat,
    /// Running figures of the last hour.
    pub figures: Figures,
    /// What workers measure and agents say.
    pub telemetry: Telemetry,
    /// What was measured, and what will be.
    pub recorder: Recorder,
    /// Who watches.
    pub watchers: Watchers,
    /// The latest samples of every metric, which rules look at.
    pub ring: Ring,
    /// What the figures of open alerts are now.
    pub present: Present,
    /// How the receivers of alerts are.
    pub deliveries: Deliveries,
    /// How the collector of traces and metrics is.
    pub export: Export,
    /// The engine's clock.
    pub clock: Clock,
    /// Where messages for workers go that need no record before them.
    pub dispatcher: Sender<Act>,
    threads: Vec<JoinHandle<()>>,
}

impl Engine {
    /// Takes up the store and starts the threads. An empty store gets its first record. Says in `progress` how far it is.
    /// What runs is measured once in `measure_every` while nobody looks, or not at all when that is zero;
    /// `metrics` says how much of what is measured is kept. For as long as `grace` no alert is over for want of samples.
    pub fn start(
        mut store: Store,
        data_dir: &Path,
        progress: &Progress,
        measure_every: Duration,
        metrics: Policy,
        grace: Span,
    ) -> Result<Self, Error> {
        let figures = Figures::default();
        let beginning = take_up(&mut store, &figures, progress)?;
        let (first_seq, clock) = (beginning.core.seq(), beginning.clock);
        let recorder = Recorder::start(data_dir, metrics, clock)?;
        let beat = Beat::new(first_seq);
        let (decider, inbox) = mpsc::channel();
        let (work_sender, work) = mpsc::sync_channel::<Work>(BATCHES_AHEAD);
        let (published, _) = broadcast::channel(PUBLISHED_AHEAD);
        let (dispatch_sender, acts) = mpsc::channel();
        let dispatcher = Dispatcher::new(Reader::open(data_dir)?, acts, decider.clone());
        let checkpointer = store.checkpointer()?;
        let (checkpoint_sender, checkpoints) = mpsc::sync_channel(1);
        let committer = Committer::new(
            store,
            work,
            decider.clone(),
            dispatch_sender.clone(),
            published.clone(),
            beat.clone(),
            figures.clone(),
            checkpoint_sender,
        );
        let leaving = Arc::new(AtomicBool::new(false));
        let reader = Reader::open(data_dir)?;
        let signals = Signals { leaving: leaving.clone(), beat: beat.clone() };
        let thread = Decider::new(beginning, link::host_name(), reader, inbox, work_sender, signals);
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let builder = std::thread::Builder::new().name(name.to_owned());
            builder.spawn(run).map_err(Error::io(format!("start the {name} thread")))
        };
        let (ended_sender, ended) = oneshot::channel();
        let decide = move || {
            thread.run();
            // A panic drops the sender instead, which wakes the receiver all the same.
            let _ = ended_sender.send(());
        };
        let threads = vec![
            spawn("checkpoint", Box::new(move || carry_over(&checkpointer, &checkpoints)))?,
            spawn("dispatch", Box::new(|| dispatcher.run()))?,
            spawn("commit", Box::new(|| committer.run()))?,
            spawn("decide", Box::new(decide))?,
        ];
        let (ring, present) = (Ring::default(), Present::default());
        let telemetry = Telemetry::new(beat.clone()).recorded_by(recorder.clone(), ring.clone());
        let watchers = Watchers::new(dispatch_sender.clone(), measure_every);
        let sources = Sources { figures: figures.clone(), telemetry: telemetry.clone(), data_dir: data_dir.to_owned() };
        let evaluation = Evaluation {
            decider: decider.clone(),
            ring: ring.clone(),
            present: present.clone(),
            sources,
            watchers: watchers.clone(),
            recorder: recorder.clone(),
            beat: beat.clone(),
            leaving: leaving.clone(),
            grace,
        };
        // Nobody waits for this one: it ends when the deciding thread no longer answers.
        spawn(
            "rules",
            Box::new(|| {
                if let Err(error) = rules::keep_evaluating(evaluation) {
                    tracing::error!(%error, "alert rules are not evaluated");
                }
            }),
        )?;
        let indexer = Indexer { data_dir: data_dir.to_owned(), beat: beat.clone(), leaving: leaving.clone() };
        // Nobody waits for this one either.
        spawn(
            "search",
            Box::new(|| {
                if let Err(error) = indexer::keep_indexing(indexer) {
                    tracing::error!(%error, "nothing is taken into the search index");
                }
            }),
        )?;
        Ok(Self {
            decider,
            published,
            ended: Some(ended),
            leaving,
            first_seq,
            telemetry,
            recorder,
            beat,
            figures,
            watchers,
            ring,
            present,
            deliveries: Deliveries::default(),
            export: Export::default(),
            clock,
            dispatcher: dispatch_sender,
            threads,
        })
    }

    /// Waits until all threads have left, which they do after [`Message::Stop`]. An error says that one panicked.
    pub fn join(self) -> Result<(), Error> {
        drop(self.decider);
        let mut result = Ok(());
        for thread in self.threads.into_iter().rev() {
            if thread.join().is_err() {
                result = Err(Error::Io {
                    action: "run the engine".into(),
                    source: std::io::Error::other("a thread of the engine panicked; the journal decides what is true"),
                });
            }
        }
        result
    }
}

/// The thread that carries over the store's log, whenever the committing one finds it long.
fn carry_over(checkpointer: &store::Checkpointer, wanted: &mpsc::Receiver<()>) {
    while wanted.recv().is_ok() {
        if let Err(error) = checkpointer.run() {
            // Nothing is lost: the log keeps it, and the committing thread tries in its turn.
            tracing::warn!(%error, "the store's log was not carried over");
        }
    }
}

/// Restores the core from the store, or opens an empty journal, and records that an engine has started.
fn take_up(store: &mut Store, figures: &Figures, progress: &Progress) -> Result<Beginning, Error> {
    let mut out = Decisions::default();
    let empty = store.is_empty();
    let mut refused = vec![];
    let (mut core, clock) = if empty {
        (Core::new(), Clock::start(crate::domain::Timestamp::EPOCH))
    } else {
        progress.begin("reading tasks");
        let snapshot = store.snapshot_with(&|done, total| progress.report(done, total))?;
        figures.know_agents(&snapshot.agents);
        refused.extend(snapshot.past.models.iter().filter_map(|(version, _)| check_format(version).err()));
        progress.begin("putting the queue in order");
        let core = Core::restore(snapshot);
        let clock = Clock::start(core.now());
        (core, clock)
    };
    let now = clock.now();
    if empty {
        core.open(now, seed(), crate::VERSION, &mut out);
    }
    core.started(now, crate::VERSION, std::process::id(), &mut out);
    core.models_taken_up(now, &refused, &mut out);
    let records: Vec<Record> = out.records;
    store.commit(&records)?;
    Ok(Beginning { core, chain: store.chain()?, clock })
}

/// The seed of a new journal. Nothing depends on its quality: it only keeps the draws of two journals apart.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}
