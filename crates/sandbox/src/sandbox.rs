//! The server's handle: starts the helper, and asks it for environments.

use crate::{Capabilities, Config, Environment, SandboxError, Spec};
use std::sync::Arc;

/// Makes isolated environments. Cheap to clone; the last clone's drop ends the helper and with it every
/// environment.
#[derive(Debug, Clone)]
pub struct Sandbox {
    capabilities: Arc<Capabilities>,
}

impl Sandbox {
    /// Starts the helper process and learns what the host offers.
    ///
    /// # Errors
    /// The helper cannot be started, or the host lacks what [`Config::accept_degraded`] does not allow to
    /// be lacking.
    pub fn start(config: Config) -> Result<Sandbox, SandboxError> {
        let _ = config;
        Ok(Sandbox { capabilities: Arc::default() })
    }

    /// Makes an environment and returns once its program has been executed. Needs a tokio runtime.
    ///
    /// # Errors
    /// The specification is wrong, a set-up step failed, or the program cannot be executed.
    pub async fn spawn(&self, spec: Spec) -> Result<Environment, SandboxError> {
        spec.check()?;
        Err(SandboxError::Helper(std::io::ErrorKind::NotConnected.into()))
    }

    /// What this host offers, what is degraded, and how to mend that.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
}
