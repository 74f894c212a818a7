//! The background: jobs that calls have set going, expired items, old tokens, counts.
//!
//! Each step is one transaction of bounded size that says in itself how far it has got, so that a restart goes on where
//! the last step ended. Every step is safe to repeat, and to be taken by two processes at once.

use std::sync::Arc;
use std::time::Duration;

use nephos_store::{Range, Read};
use tokio::task::AbortHandle;

use crate::records::JobRecord;
use crate::{DynamoDb, Error, keys};

pub mod expire;
pub mod jobs;

/// How long the worker of jobs sleeps where nothing wakes it: jobs of other processes are found then.
const JOBS_EVERY: Duration = Duration::from_secs(5);
/// How many jobs are looked at together; each gets a step in turn.
const JOBS_AT_A_TIME: usize = 256;
/// How long a task waits after a failure of the store.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The running background tasks; they end when this is dropped.
#[derive(Debug)]
pub struct Workers {
    db: Arc<DynamoDb>,
    tasks: Vec<AbortHandle>,
}

impl Workers {
    /// Starts them on the current runtime.
    pub fn start(db: &Arc<DynamoDb>) -> Workers {
        let tasks = vec![
            tokio::spawn(work_for_ever(Arc::clone(db))).abort_handle(),
            tokio::spawn(expire_for_ever(Arc::clone(db))).abort_handle(),
            tokio::spawn(count_for_ever(Arc::clone(db))).abort_handle(),
        ];
        Workers { db: Arc::clone(db), tasks }
    }

    /// Stores the counts that are still in memory, then ends the tasks. For a graceful stop.
    pub async fn stop(self) {
        if let Err(error) = self.db.statistics.flush(&self.db.store).await {
            tracing::error!(%error, "counts of items could not be stored");
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

async fn work_for_ever(db: Arc<DynamoDb>) {
    loop {
        match step_all(&db).await {
            Ok(0) => {
                let _ = tokio::time::timeout(JOBS_EVERY, db.job.notified()).await;
            }
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => {
                tracing::error!(%error, "a background job failed");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

async fn expire_for_ever(db: Arc<DynamoDb>) {
    loop {
        tokio::time::sleep(db.config.expiry_every).await;
        match expire::sweep(&db).await {
            Ok(0) => {}
            Ok(items) => tracing::debug!(items, "expired items"),
            Err(error) => tracing::error!(%error, "expired items could not be removed"),
        }
    }
}

async fn count_for_ever(db: Arc<DynamoDb>) {
    loop {
        tokio::time::sleep(db.config.statistics_every).await;
        if let Err(error) = db.statistics.flush(&db.store).await {
            tracing::error!(%error, "counts of items could not be stored");
        }
    }
}

/// Carries all jobs to their end.
pub async fn run_jobs(db: &DynamoDb) -> Result<(), Error> {
    while step_all(db).await? > 0 {}
    Ok(())
}

/// Takes a step of each job; how many there were. A job that fails does not keep the others from theirs.
pub async fn step_all(db: &DynamoDb) -> Result<usize, Error> {
    let range = Range::prefix(&keys::jobs()).limit(JOBS_AT_A_TIME);
    let waiting = db.store.read(|view| Ok::<_, Error>(view.records::<JobRecord>(&range)?))?;
    let mut outcome = Ok(waiting.len());
    for (key, _) in &waiting {
        if let Err(error) = jobs::step(db, key).await {
            outcome = Err(error);
        }
    }
    outcome
}
