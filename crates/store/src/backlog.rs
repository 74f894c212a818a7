//! The bound on writes that wait for the disk, and the bell of the outbox's topics.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Counts the bytes that are accepted and not yet written; newcomers wait while there are too many.
#[derive(Debug)]
pub(crate) struct Backlog {
    bytes: AtomicUsize,
    limit: usize,
    shrunk: Notify,
}

impl Backlog {
    pub(crate) fn new(limit: usize) -> Backlog {
        Backlog { bytes: AtomicUsize::new(0), limit, shrunk: Notify::new() }
    }

    /// Returns when there is room for another transaction.
    pub(crate) async fn room(&self) {
        while self.is_full() {
            let shrunk = self.shrunk.notified();
            // Asked again after enlisting: it may have shrunk in between.
            if !self.is_full() {
                return;
            }
            shrunk.await;
        }
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    pub(crate) fn remove(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.shrunk.notify_waiters();
    }

    fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Acquire) >= self.limit
    }
}

/// One bell a topic, rung when a row of it becomes durable.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    bells: Mutex<HashMap<&'static str, Arc<Notify>>>,
}

impl Topics {
    pub(crate) fn bell(&self, topic: &'static str) -> Arc<Notify> {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner).entry(topic).or_default().clone()
    }

    /// Rings for `topics`. Without a listener the ring is kept for the next one.
    pub(crate) fn wake(&self, topics: &[&'static str]) {
        for topic in topics {
            self.bell(topic).notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_full_backlog_makes_newcomers_wait() {
        let backlog = Arc::new(Backlog::new(10));
        backlog.room().await;
        backlog.add(10);
        let waiting = tokio::spawn({
            let backlog = backlog.clone();
            async move { backlog.room().await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        backlog.remove(1);
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_ring_before_the_wait_is_not_lost() {
        let topics = Topics::default();
        topics.wake(&["a"]);
        tokio::time::timeout(Duration::from_secs(5), topics.bell("a").notified()).await.unwrap();
    }
}
