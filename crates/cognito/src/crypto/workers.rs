//! Where costly cryptography runs: on blocking threads, as many at a time as there are cores, with a bounded queue.
//!
//! A flood of sign-ins fills the queue and is refused; it takes neither the server's threads nor, at 19 MiB a
//! password, its memory.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// Limits of the workers.
#[derive(Debug, Clone)]
pub struct WorkerLimits {
    /// How many computations run at a time.
    pub running: usize,
    /// How many may wait besides.
    pub waiting: usize,
    /// How long one waits before it is refused.
    pub wait_at_most: Duration,
}

impl Default for WorkerLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        WorkerLimits { running: cores, waiting: 512, wait_at_most: Duration::from_secs(5) }
    }
}

/// Why a computation did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WorkerError {
    /// The queue is full, or the wait was too long.
    #[error("expected a free worker, all are busy and the queue is full")]
    Busy,
    /// The computation panicked or the runtime is shutting down.
    #[error("expected the computation to end, it was abandoned")]
    Abandoned,
}

/// Runs computations off the asynchronous threads.
#[derive(Clone)]
pub(crate) struct Workers {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    wait_at_most: Duration,
}

impl Workers {
    /// Workers within limits.
    pub(crate) fn new(limits: &WorkerLimits) -> Workers {
        let running = limits.running.max(1);
        Workers {
            running: Arc::new(Semaphore::new(running)),
            admitted: Arc::new(Semaphore::new(running + limits.waiting)),
            wait_at_most: limits.wait_at_most,
        }
    }

    /// Runs `job` when its turn comes.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkerError> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| WorkerError::Busy)?;
        let turn = tokio::time::timeout(self.wait_at_most, Arc::clone(&self.running).acquire_owned());
        let running = turn.await.map_err(|_| WorkerError::Busy)?.map_err(|_| WorkerError::Abandoned)?;
        // The permits go with the job: it runs on even if the caller stops waiting.
        let task = tokio::task::spawn_blocking(move || {
            let _held = (admitted, running);
            job()
        });
        task.await.map_err(|_| WorkerError::Abandoned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn workers(running: usize, waiting: usize, millis: u64) -> Workers {
        Workers::new(&WorkerLimits { running, waiting, wait_at_most: Duration::from_millis(millis) })
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_a_free_one_serves() {
        let workers = workers(1, 1, 10_000);
        let (release, gate) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let workers = workers.clone();
            async move { workers.run(move || gate.recv().is_ok()).await }
        });
        while workers.running.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn({
            let workers = workers.clone();
            async move { workers.run(|| 2).await }
        });
        while workers.admitted.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(workers.run(|| 3).await, Err(WorkerError::Busy));
        release.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok(true));
        assert_eq!(second.await.unwrap(), Ok(2));
        assert_eq!(workers.run(|| 4).await, Ok(4));
    }

    #[tokio::test]
    async fn waiting_ends() {
        let workers = workers(1, 5, 20);
        let (release, gate) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let workers = workers.clone();
            async move { workers.run(move || gate.recv().is_ok()).await }
        });
        while workers.running.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(workers.run(|| 2).await, Err(WorkerError::Busy));
        release.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok(true));
    }
}
