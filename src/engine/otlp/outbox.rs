//! Spans that wait to be sent: at most so many, and what has no place is dropped and counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;

use super::Export;

/// Clones share what waits.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    waiting: Arc<Mutex<VecDeque<Value>>>,
    /// How many were taken and have come to no end yet.
    taken: Arc<AtomicU64>,
    most: usize,
    /// Told when something comes in.
    some: Arc<Notify>,
    export: Export,
}

impl Outbox {
    /// Room for `most` spans; those that are dropped are counted in `export`.
    pub(super) fn new(most: usize, export: Export) -> Self {
        Self { waiting: Arc::default(), taken: Arc::default(), most, some: Arc::default(), export }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Value>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts spans in. Never waits; what has no place is dropped: the earlier ones are what a trace begins with.
    pub(super) fn put(&self, spans: Vec<Value>) {
        let count = spans.len();
        let dropped = {
            let mut waiting = self.lock();
            let room = self.most.saturating_sub(waiting.len());
            waiting.extend(spans.into_iter().take(room));
            count.saturating_sub(room)
        };
        self.miss(dropped as u64);
        self.some.notify_one();
    }

    /// Counts spans that were dropped.
    pub(super) fn miss(&self, count: u64) {
        if count > 0 {
            self.export.change(|standing| standing.dropped += count);
        }
    }

    /// The oldest of what waits, at most `most` of them, once there are so many, or some that others had `every` to join.
    pub(super) async fn take(&self, most: usize, every: Duration) -> Vec<Value> {
        // A notice that was given while nobody waited is kept, so that no span is overlooked.
        while self.lock().is_empty() {
            self.some.notified().await;
        }
        let full = async {
            while self.lock().len() < most {
                self.some.notified().await;
            }
        };
        // Either is a reason.
        let _ = tokio::time::timeout(every, full).await;
        self.take_now(most)
    }

    /// The oldest of what waits, at most `most` of them, which may be none.
    pub(super) fn take_now(&self, most: usize) -> Vec<Value> {
        let mut waiting = self.lock();
        let count = waiting.len().min(most);
        self.taken.store(count as u64, Ordering::Release);
        waiting.drain(..count).collect()
    }

    /// What was taken last has come to its end: it was sent, or it is not wanted.
    pub(super) fn settle(&self) {
        self.taken.store(0, Ordering::Release);
    }

    /// Drops what waits and what was taken and came to no end, and gives how much that is.
    pub(super) fn give_up(&self) -> u64 {
        let count = std::mem::take(&mut *self.lock()).len() as u64 + self.taken.swap(0, Ordering::AcqRel);
        self.miss(count);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_place_is_dropped_and_counted() {
        let export = Export::default();
        let outbox = Outbox::new(3, export.clone());
        outbox.put(vec![1.into(), 2.into()]);
        outbox.put(vec![3.into(), 4.into(), 5.into()]);
        assert_eq!(export.standing().unwrap().dropped, 2);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            assert_eq!(outbox.take(2, Duration::from_hours(1)).await, [1, 2], "so many are there at once");
            assert_eq!(outbox.take(2, Duration::ZERO).await, [3], "no others came in time");
            outbox.put(vec![6.into()]);
            assert_eq!(outbox.take(9, Duration::ZERO).await, [6]);
        });
        assert_eq!(export.standing().unwrap().dropped, 2);
        // What was taken and not settled is given up with what waits.
        outbox.put(vec![7.into(), 8.into()]);
        assert_eq!(outbox.give_up(), 3);
        assert_eq!(export.standing().unwrap().dropped, 5);
        outbox.put(vec![9.into()]);
        assert_eq!(outbox.take_now(9), [9]);
        outbox.settle();
        assert_eq!(outbox.give_up(), 0);
    }
}
