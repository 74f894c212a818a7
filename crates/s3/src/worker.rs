//! The background: events go to functions, garbage is collected, orphans are swept.

use std::sync::Arc;
use std::time::Duration;

use nephos_core::Platform;
use nephos_core::ports::Invoke;
use nephos_store::outbox::Outbox;
use tokio::task::AbortHandle;

use crate::S3;
use crate::events::{Courier, TOPIC};

/// The running background tasks; they end when this is dropped.
#[derive(Debug)]
pub struct Workers {
    tasks: Vec<AbortHandle>,
}

impl Workers {
    /// Starts them on the current runtime.
    pub fn start(s3: &Arc<S3>, platform: &Arc<Platform>, invoke: Arc<dyn Invoke>) -> Workers {
        let courier = Courier {
            outbox: Outbox::new(s3.store.clone(), TOPIC),
            platform: Arc::clone(platform),
            invoke,
            concurrency: s3.config.event_concurrency,
            max_age: s3.config.event_max_age,
        };
        let tasks = vec![
            tokio::spawn(Arc::new(courier).run()).abort_handle(),
            tokio::spawn(collect(Arc::clone(s3), Arc::clone(platform))).abort_handle(),
            tokio::spawn(sweep(Arc::clone(s3))).abort_handle(),
        ];
        Workers { tasks }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Collects garbage: after its grace, when there is any; soon again while there is much.
async fn collect(s3: Arc<S3>, platform: Arc<Platform>) {
    loop {
        match s3.collect_garbage(platform.clock.now()).await {
            Ok(0) => {
                let idle = Duration::from_secs(60);
                drop(tokio::time::timeout(idle, s3.garbage.notified()).await);
                tokio::time::sleep(s3.config.garbage_grace.min(idle)).await;
            }
            Ok(items) => tracing::debug!(items, "s3 reclaimed what fell out of use"),
            Err(error) => {
                tracing::error!(%error, "s3 garbage could not be collected");
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
        }
    }
}

/// Sweeps what a crash left, at start and from time to time.
async fn sweep(s3: Arc<S3>) {
    loop {
        match s3.sweep_orphans().await {
            Ok(0) => {}
            Ok(blobs) => tracing::info!(blobs, "s3 swept blobs that nothing named"),
            Err(error) => tracing::error!(%error, "s3 could not sweep for orphans"),
        }
        tokio::time::sleep(s3.config.sweep_every).await;
    }
}
