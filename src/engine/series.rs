//! Metrics, on a thread of their own: whoever measures hands samples over and goes on; nobody who decides, commits or talks
//! to a worker ever waits for them.
//!
//! Hand-over is a queue of bounded length. When more comes than can be written, or the disk is full, samples are dropped
//! and counted, and said so once. A store of metrics that cannot be opened keeps no engine from starting: its figures are
//! missing, and whoever asks for them hears why.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use super::Error;
use super::clock::Clock;
use super::samples::{Metric, Point};
use crate::domain::metric::{Dropped, Key, Meta};
use crate::domain::{Refusal, RefusalKind, Timestamp};
use crate::store::series::{Handle, Policy, Sample, Series};

/// How many batches may wait to be written.
const BATCHES_AHEAD: usize = 64;
/// The most samples that are written together.
const TOGETHER: usize = 100_000;
/// So much of a disk is kept for decisions: one part in so many, and of a large disk no more than this.
const RESERVED_SHARE: u64 = 50;
const RESERVED_BYTES: u64 = 64 << 20;
/// The shortest time between two looks after the files.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Takes samples and answers queries. Clones share the one store.
#[derive(Clone, Debug)]
pub struct Recorder {
    state: Arc<State>,
    clock: Clock,
}

#[derive(Debug)]
enum State {
    Open {
        handle: Handle,
        sender: SyncSender<Vec<Sample>>,
    },
    /// Why there is none.
    Closed(String),
}

impl Recorder {
    /// Opens the metrics of a data directory, of which so much is kept, and starts the thread that writes them, which ends with the last clone.
    pub fn start(data_dir: &Path, policy: Policy, clock: Clock) -> Result<Self, Error> {
        let series = match Series::open(data_dir, policy) {
            Ok(series) => series,
            Err(error) => {
                tracing::error!(%error, "no metrics are kept");
                return Ok(Self::closed(error.to_string(), clock));
            }
        };
        let handle = series.handle();
        let (sender, batches) = sync_channel(BATCHES_AHEAD);
        let writer = Writer { series, batches, clock, data_dir: data_dir.to_owned(), said: Said::default() };
        let thread = std::thread::Builder::new().name("metrics".into());
        thread.spawn(move || writer.run()).map_err(Error::io("start the metrics thread"))?;
        Ok(Self { state: Arc::new(State::Open { handle, sender }), clock })
    }

    /// Keeps nothing, and says why to whoever asks.
    pub fn closed(why: impl Into<String>, clock: Clock) -> Self {
        Self { state: Arc::new(State::Closed(why.into())), clock }
    }

    /// What answers queries, or why there is nothing to answer them.
    pub fn handle(&self) -> Result<&Handle, Refusal> {
        match self.state.as_ref() {
            State::Open { handle, .. } => Ok(handle),
            State::Closed(why) => Err(Refusal::new(RefusalKind::Unavailable, "metrics", why)
                .hint("Mend that and start the engine again; everything else goes on")),
        }
    }

    /// The time of what is measured now: the engine's clock is the one that all samples share.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Hands over what was measured at a time. Never waits: what cannot be taken is counted.
    pub fn put(&self, time: Timestamp, points: &[Point]) {
        let State::Open { handle, sender } = self.state.as_ref() else { return };
        let samples = points.iter().filter_map(|point| {
            let labels = point.labels.iter().map(|(label, value)| (label.as_str(), value.as_str()));
            let Metric { name, kind, unit, description, .. } = *point.metric;
            // What is refused was counted.
            let series = handle.series_id(&Key::new(name, labels), &Meta::new(kind, unit, description)).ok()?;
            Some(Sample { series, time, value: point.value })
        });
        let samples: Vec<Sample> = samples.collect();
        if samples.is_empty() {
            return;
        }
        if let Err(TrySendError::Full(lost) | TrySendError::Disconnected(lost)) = sender.try_send(samples) {
            handle.count_dropped(&Dropped { overrun: lost.len() as u64, ..Dropped::default() });
        }
    }
}

/// Whether what is left of a disk is kept for decisions, which count for more than samples.
fn disk_is_for_decisions(data_dir: &Path) -> bool {
    rustix::fs::statvfs(data_dir).is_ok_and(|disk| {
        let left = disk.f_bavail.saturating_mul(disk.f_frsize);
        let share = disk.f_blocks.saturating_mul(disk.f_frsize) / RESERVED_SHARE;
        left < share.min(RESERVED_BYTES)
    })
}

/// The writing thread.
struct Writer {
    series: Series,
    batches: Receiver<Vec<Sample>>,
    clock: Clock,
    /// Whose disk samples must not fill.
    data_dir: PathBuf,
    said: Said,
}

/// What was said already.
#[derive(Default)]
struct Said {
    failure: bool,
    refused: bool,
}

impl Writer {
    fn run(mut self) {
        loop {
            let batch = match self.wait() {
                Ok(batch) => batch,
                Err(RecvTimeoutError::Timeout) => vec![],
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if !batch.is_empty() {
                self.append(batch);
            }
            if let Err(error) = self.series.maintain(self.clock.now()) {
                tracing::warn!(%error, "metrics were not put into their files; it is tried again");
            }
            self.say_refused();
        }
    }

    /// Waits for samples, or until something is to be done with those there are. With nothing open there is no timer.
    fn wait(&self) -> Result<Vec<Sample>, RecvTimeoutError> {
        match self.series.next_due() {
            None => self.batches.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => self.batches.recv_timeout(due.since(self.clock.now()).to_std().max(LOOK_AFTER)),
        }
    }

    /// Writes a batch, and whatever waits behind it, together.
    fn append(&mut self, mut batch: Vec<Sample>) {
        while batch.len() < TOGETHER
            && let Ok(more) = self.batches.try_recv()
        {
            batch.extend(more);
        }
        if disk_is_for_decisions(&self.data_dir) {
            self.series.handle().count_dropped(&Dropped { disk_full: batch.len() as u64, ..Dropped::default() });
            if !std::mem::replace(&mut self.said.failure, true) {
                tracing::warn!("the disk is nearly full: metrics are dropped and counted, so that decisions have room");
            }
            return;
        }
        match self.series.append(self.clock.now(), &batch) {
            Ok(_) if std::mem::take(&mut self.said.failure) => tracing::info!("metrics are kept again"),
            Ok(_) => {}
            Err(error) => {
                if !std::mem::replace(&mut self.said.failure, true) {
                    tracing::warn!(%error, "metrics are dropped and counted until they can be written again");
                }
            }
        }
    }

    fn say_refused(&mut self) {
        if !self.said.refused && self.series.handle().refused_series() > 0 {
            self.said.refused = true;
            tracing::warn!(
                "series of metrics are refused, as too many or ill named; `menagerie metric stats` counts them"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;
    use crate::domain::metric::{Function, MetricKind, Query, Selector};
    use crate::engine::samples::labels;

    static DEPTH: Metric =
        Metric { name: "test_depth", kind: MetricKind::Gauge, unit: "", labels: &["queue"], description: "A test" };
    static NAMELESS: Metric = Metric { name: "no name", ..DEPTH };

    fn point(value: f64) -> Point {
        Point { metric: &DEPTH, labels: labels(&[("queue", "a")]), value }
    }

    #[test]
    fn what_is_handed_over_can_be_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::start(Timestamp::EPOCH);
        let recorder = Recorder::start(folder.path(), Policy::default(), clock).unwrap();
        let time = clock.now();
        recorder.put(time, &[point(7.0)]);
        recorder.put(time, &[Point { metric: &NAMELESS, ..point(1.0) }]);
        let query = Query {
            selector: Selector::all("test_depth"),
            from: time,
            to: time.plus(Span::from_secs(1)),
            step: Span::from_secs(1),
            function: Function::Last,
            grouping: None,
        };
        let handle = recorder.handle().unwrap();
        let found = loop {
            let answer = handle.query(&query).unwrap();
            if let Some(line) = answer.lines.first() {
                break line.points[0].value;
            }
            std::thread::yield_now();
        };
        assert!((found - 7.0).abs() < f64::EPSILON);
        assert_eq!(handle.stats().dropped.refused_series, 1);
    }

    #[test]
    fn a_store_that_cannot_be_opened_keeps_nobody_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("metrics"), "in the way").unwrap();
        let recorder = Recorder::start(folder.path(), Policy::default(), Clock::start(Timestamp::EPOCH)).unwrap();
        recorder.put(Timestamp::EPOCH, &[point(1.0)]);
        let refusal = recorder.handle().unwrap_err();
        assert!(refusal.to_string().contains("metrics"), "{refusal}");
    }
}
