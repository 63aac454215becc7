//! Who watches: workers measure every second while somebody does and until a little after the last has left; otherwise
//! rarely, for the record, and only while something runs. In any case as often as the alert rules need it.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::dispatch::{Act, Pace};

/// How workers measure while somebody looks.
const LOOKED_AT: Pace = Pace { interval_ms: Some(1000), while_busy: false };
/// How long after the last look workers go on, so that somebody who looks every few seconds finds figures.
const LINGER: Duration = Duration::from_secs(6);

/// Knows who watches, and tells the workers. Clones share it.
#[derive(Clone)]
pub struct Watchers(Arc<Mutex<Inner>>);

struct Inner {
    dispatcher: Sender<Act>,
    /// Those who stay.
    staying: u32,
    /// When somebody last looked or left.
    last: Instant,
    /// Since when the workers measure every second, if they were told to.
    on: Option<Instant>,
    /// How they measure otherwise.
    unwatched: Pace,
    /// The most milliseconds between two measurements with which the rules can do.
    needed: Option<u32>,
    /// Whether they measure although nothing runs, because an alert waits for the figures of a machine.
    awaited: bool,
}

/// Somebody who stays; leaves when dropped.
pub struct Staying(Watchers);

impl Watchers {
    /// Nobody watches yet. Workers are told by way of `dispatcher`; what runs is measured every so often all the same, or
    /// never when that is zero.
    pub fn new(dispatcher: Sender<Act>, measure_every: Duration) -> Self {
        let interval_ms = u32::try_from(measure_every.as_millis()).unwrap_or(u32::MAX);
        let unwatched = Pace { interval_ms: Some(interval_ms).filter(|millis| *millis > 0), while_busy: true };
        let inner =
            Inner { dispatcher, staying: 0, last: Instant::now(), on: None, unwatched, needed: None, awaited: false };
        inner.tell();
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Somebody looks once. Has to be called within an asynchronous runtime, which later looks whether anybody is left.
    pub fn look(&self) {
        let mut inner = self.lock();
        inner.last = Instant::now();
        if inner.on.is_none() {
            inner.on = Some(Instant::now());
            inner.tell();
            tokio::spawn(self.clone().stop_when_alone());
        }
    }

    /// Somebody stays until what is returned is dropped. Has to be called as [`look`](Self::look) has.
    pub fn stay(&self) -> Staying {
        self.lock().staying += 1;
        self.look();
        Staying(self.clone())
    }

    /// Has workers measure so often at least, as long as something runs or somebody looks; `None` when no rule looks at what they
    /// measure. Where measuring for the record is switched off, it stays so.
    pub fn need(&self, interval: Option<Duration>) {
        let needed = interval.map(|interval| u32::try_from(interval.as_millis()).unwrap_or(u32::MAX).max(1));
        let mut inner = self.lock();
        let before = inner.pace();
        inner.needed = needed;
        if inner.pace() != before {
            inner.tell();
        }
    }

    /// Has workers measure, as rarely as they do while nobody looks, although nothing runs: an alert of a machine is over only by
    /// its figures. Where measuring for the record is switched off, it stays so.
    pub fn await_figures(&self, awaited: bool) {
        let mut inner = self.lock();
        let before = inner.pace();
        inner.awaited = awaited;
        if inner.pace() != before {
            inner.tell();
        }
    }

    /// For how long workers have been measuring; `None` while they do not.
    pub fn measuring_for(&self) -> Option<Duration> {
        self.lock().on.map(|since| since.elapsed())
    }

    /// Tells the workers once nobody has watched for a while. This runs only until then.
    async fn stop_when_alone(self) {
        loop {
            let wait = {
                let mut inner = self.lock();
                let wait = inner.goes_on_for();
                if wait.is_zero() {
                    inner.on = None;
                    inner.tell();
                    return;
                }
                wait
            };
            tokio::time::sleep(wait).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// How long it goes on at least.
    fn goes_on_for(&self) -> Duration {
        if self.staying > 0 { LINGER } else { LINGER.saturating_sub(self.last.elapsed()) }
    }

    /// How workers are to measure.
    fn pace(&self) -> Pace {
        let pace = if self.on.is_some() { LOOKED_AT } else { self.unwatched };
        let most = self.needed.unwrap_or(u32::MAX);
        let interval_ms = pace.interval_ms.map(|millis| millis.min(most));
        Pace { interval_ms, while_busy: pace.while_busy && !self.awaited }
    }

    fn tell(&self) {
        // An engine that is leaving has nobody to tell any more.
        let _ = self.dispatcher.send(Act::Watch(self.pace()));
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.staying -= 1;
        inner.last = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_measure_from_the_first_look_until_a_while_after_the_last_watcher_left() {
        let (sender, acts) = std::sync::mpsc::channel();
        let told = || match acts.try_recv() {
            Ok(Act::Watch(pace)) => Some(pace),
            _ => None,
        };
        let long_ago = || Instant::now().checked_sub(LINGER * 2).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let watchers = Watchers::new(sender, Duration::from_secs(30));
            let unwatched = Pace { interval_ms: Some(30_000), while_busy: true };
            assert_eq!(told(), Some(unwatched), "what runs is measured for the record");
            let (one, two) = (watchers.stay(), watchers.stay());
            assert_eq!(told(), Some(LOOKED_AT));
            assert_eq!(told(), None, "once is enough");
            drop(one);
            watchers.lock().last = long_ago();
            assert_eq!(watchers.lock().goes_on_for(), LINGER, "one has stayed");
            drop(two);
            assert!(!watchers.lock().goes_on_for().is_zero(), "somebody has just left");
            watchers.lock().last = long_ago();
            watchers.clone().stop_when_alone().await;
            assert_eq!(told(), Some(unwatched));
            watchers.look();
            assert_eq!(told(), Some(LOOKED_AT), "it begins anew");
        });
    }

    #[test]
    fn workers_measure_as_often_as_the_rules_need_it() {
        let (sender, acts) = std::sync::mpsc::channel();
        let told = || match acts.try_recv() {
            Ok(Act::Watch(pace)) => pace.interval_ms,
            _ => None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let watchers = Watchers::new(sender, Duration::from_secs(10));
            assert_eq!(told(), Some(10_000));
            watchers.need(Some(Duration::from_secs(15)));
            assert_eq!(told(), None, "it is often enough");
            watchers.need(Some(Duration::from_millis(2500)));
            assert_eq!(told(), Some(2500));
            watchers.look();
            assert_eq!(told(), Some(1000), "whoever looks sees more");
            watchers.need(Some(Duration::from_millis(500)));
            assert_eq!(told(), Some(500));
            watchers.need(None);
            assert_eq!(told(), Some(1000));
        });
        let (sender, acts) = std::sync::mpsc::channel();
        let watchers = Watchers::new(sender, Duration::ZERO);
        watchers.need(Some(Duration::from_secs(1)));
        assert_eq!(acts.try_iter().count(), 1, "what is switched off stays so");
    }

    #[test]
    fn workers_measure_on_although_nothing_runs_while_an_alert_waits_for_it() {
        let (sender, acts) = std::sync::mpsc::channel();
        let told = || match acts.try_recv() {
            Ok(Act::Watch(pace)) => Some(pace),
            _ => None,
        };
        let watchers = Watchers::new(sender, Duration::from_secs(10));
        assert_eq!(told(), Some(Pace { interval_ms: Some(10_000), while_busy: true }));
        for _ in 0..2 {
            watchers.await_figures(true);
        }
        assert_eq!(told(), Some(Pace { interval_ms: Some(10_000), while_busy: false }));
        assert_eq!(told(), None, "once is enough");
        watchers.await_figures(false);
        assert_eq!(told(), Some(Pace { interval_ms: Some(10_000), while_busy: true }));
    }

    #[test]
    fn measuring_for_the_record_can_be_switched_off() {
        let (sender, acts) = std::sync::mpsc::channel();
        let _watchers = Watchers::new(sender, Duration::ZERO);
        let Ok(Act::Watch(pace)) = acts.try_recv() else { panic!("nothing was told") };
        assert_eq!(pace.interval_ms, None);
    }
}
