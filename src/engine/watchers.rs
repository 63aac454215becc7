//! Who watches: workers measure what cages use only while somebody does, and stop a little after the last has left.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::dispatch::Act;

/// How often workers measure, in milliseconds.
const INTERVAL_MS: u32 = 1000;
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
    /// Since when the workers measure, if they were told to.
    on: Option<Instant>,
}

/// Somebody who stays; leaves when dropped.
pub struct Staying(Watchers);

impl Watchers {
    /// Nobody watches yet. Workers are told by way of `dispatcher`.
    pub fn new(dispatcher: Sender<Act>) -> Self {
        Self(Arc::new(Mutex::new(Inner { dispatcher, staying: 0, last: Instant::now(), on: None })))
    }

    /// Somebody looks once. Has to be called within an asynchronous runtime, which later looks whether anybody is left.
    pub fn look(&self) {
        let mut inner = self.lock();
        inner.last = Instant::now();
        if inner.on.is_none() {
            inner.on = Some(Instant::now());
            inner.tell(Some(INTERVAL_MS));
            tokio::spawn(self.clone().stop_when_alone());
        }
    }

    /// Somebody stays until what is returned is dropped. Has to be called as [`look`](Self::look) has.
    pub fn stay(&self) -> Staying {
        self.lock().staying += 1;
        self.look();
        Staying(self.clone())
    }

    /// For how long workers have been measuring; `None` while they do not.
    pub fn measuring_for(&self) -> Option<Duration> {
        self.lock().on.map(|since| since.elapsed())
    }

    /// Tells the workers to stop once nobody has watched for a while. This runs only while they measure.
    async fn stop_when_alone(self) {
        loop {
            let wait = {
                let mut inner = self.lock();
                let wait = inner.goes_on_for();
                if wait.is_zero() {
                    inner.on = None;
                    inner.tell(None);
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

    fn tell(&self, interval_ms: Option<u32>) {
        // An engine that is leaving has nobody to tell any more.
        let _ = self.dispatcher.send(Act::Watch(interval_ms));
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
            Ok(Act::Watch(interval)) => Some(interval),
            _ => None,
        };
        let long_ago = || Instant::now().checked_sub(LINGER * 2).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let watchers = Watchers::new(sender);
            let (one, two) = (watchers.stay(), watchers.stay());
            assert_eq!(told(), Some(Some(INTERVAL_MS)));
            assert_eq!(told(), None, "once is enough");
            drop(one);
            watchers.lock().last = long_ago();
            assert_eq!(watchers.lock().goes_on_for(), LINGER, "one has stayed");
            drop(two);
            assert!(!watchers.lock().goes_on_for().is_zero(), "somebody has just left");
            watchers.lock().last = long_ago();
            watchers.clone().stop_when_alone().await;
            assert_eq!(told(), Some(None));
            watchers.look();
            assert_eq!(told(), Some(Some(INTERVAL_MS)), "it begins anew");
        });
    }
}
