//! The bound on writes that wait for the disk.

use std::sync::atomic::{AtomicUsize, Ordering};

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

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Acquire)
    }

    fn is_full(&self) -> bool {
        self.bytes() >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
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
}
