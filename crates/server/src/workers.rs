//! The services' background work.

use std::sync::Arc;

use nephos_core::ports::Invoke;
use tokio::task::AbortHandle;

use crate::app::Running;

/// Everything that runs in the background; it ends when this is dropped.
pub struct Workers {
    logs: nephos_logs::Workers,
    _s3: nephos_s3::Workers,
    tasks: Vec<AbortHandle>,
}

impl Workers {
    /// Starts the work on the current runtime.
    pub fn start(running: &Arc<Running>) -> Workers {
        let invoke: Arc<dyn Invoke> = Arc::clone(&running.lambda) as _;
        let (cognito, clock) = (Arc::clone(&running.cognito), running.platform.clock.clone());
        let (dynamodb, lambda) = (Arc::clone(&running.dynamodb), Arc::clone(&running.lambda));
        let expiry = clock.clone();
        let tasks = vec![
            tokio::spawn(async move { cognito.work(clock).await }).abort_handle(),
            tokio::spawn(async move { dynamodb.work(expiry).await }).abort_handle(),
            tokio::spawn(async move { lambda.work().await }).abort_handle(),
        ];
        Workers {
            logs: nephos_logs::Workers::start(&running.logs),
            _s3: nephos_s3::Workers::start(&running.s3, &running.platform, invoke),
            tasks,
        }
    }

    /// Puts away what is under way.
    pub async fn stop(self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.logs.stop().await;
    }
}
