//! The background: asynchronous invocations, idle environments, packages that nobody needs.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use nephos_blobs::BlobId;
use nephos_store::Range;
use tokio::task::AbortHandle;

use crate::records::VersionRecord;
use crate::{Error, Lambda, asynchronous, keys, paging};

const SWEEP_EVERY: Duration = Duration::from_secs(30 * 60);

/// The running background tasks; they end when this is dropped.
#[derive(Debug)]
pub struct Workers {
    tasks: Vec<AbortHandle>,
}

impl Workers {
    /// Starts them on the current runtime.
    pub fn start(lambda: &Arc<Lambda>) -> Workers {
        let tasks = vec![
            tokio::spawn(asynchronous::work(Arc::clone(lambda))).abort_handle(),
            tokio::spawn(Arc::clone(&lambda.plane).tend()).abort_handle(),
            tokio::spawn(sweep_for_ever(Arc::clone(lambda))).abort_handle(),
        ];
        Workers { tasks }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

async fn sweep_for_ever(lambda: Arc<Lambda>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        if let Err(error) = sweep(&lambda).await {
            tracing::error!(%error, "unpacked code could not be swept");
        }
    }
}

/// Removes unpacked code that no version has any more; the number of packages.
pub async fn sweep(lambda: &Lambda) -> Result<usize, Error> {
    let mut kept = BTreeSet::new();
    each_version(lambda, |version| {
        kept.insert(version.code.sha256);
    })?;
    lambda.packages.sweep(kept.into_iter().collect()).await
}

/// The zips that versions refer to, for a sweep of all blobs.
pub fn referenced_blobs(lambda: &Lambda) -> Result<BTreeSet<BlobId>, Error> {
    let mut blobs = BTreeSet::new();
    each_version(lambda, |version| {
        blobs.insert(version.code.blob);
    })?;
    Ok(blobs)
}

fn each_version(lambda: &Lambda, mut visit: impl FnMut(VersionRecord)) -> Result<(), Error> {
    lambda.deps.store.read(|view| {
        paging::walk(view, Range::prefix(&keys::all_versions()), &mut |_, version| {
            visit(version);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(())
    })
}
