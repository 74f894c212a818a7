//! The services' background work.

use std::sync::Arc;

use nephos_core::ports::Invoke;
use tokio::task::AbortHandle;

use crate::app::Running;

/// Everything that runs in the background; it ends when this is dropped.
pub struct Workers {
    logs: nephos_logs::Workers,
    dynamodb: nephos_dynamodb::Workers,
    _s3: nephos_s3::Workers,
    _lambda: nephos_lambda::Workers,
    tasks: Vec<AbortHandle>,
}

impl Workers {
    /// Starts the work on the current runtime.
    pub fn start(running: &Arc<Running>) -> Workers {
        let invoke: Arc<dyn Invoke> = Arc::clone(&running.lambda) as _;
        let (cognito, clock) = (Arc::clone(&running.cognito), running.platform.clock.clone());
        let tasks = vec![tokio::spawn(async move { cognito.work(clock).await }).abort_handle()];
        Workers {
            logs: nephos_logs::Workers::start(&running.logs),
            dynamodb: nephos_dynamodb::Workers::start(&running.dynamodb),
            _lambda: nephos_lambda::Workers::start(&running.lambda),
            _s3: nephos_s3::Workers::start(&running.s3, &running.platform, invoke),
            tasks,
        }
    }

    /// Puts away what is under way.
    pub async fn stop(self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.logs.stop().await;
        self.dynamodb.stop().await;
    }
}
