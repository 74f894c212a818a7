//! The server's handle: starts the helper, asks it for environments, and starts another if it is gone.

use crate::link::{Link, Started};
use crate::protocol::Failure;
use crate::{Capabilities, Config, Environment, SandboxError, Spec, Status};
use rustix::pipe::{PipeFlags, pipe_with};
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::unix::pipe;
use tokio::sync::{Mutex, Semaphore};

/// How long one environment may take to be made.
const START_DEADLINE: Duration = Duration::from_secs(10);
/// How long the end of the helper is waited for.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);
/// How many environments are asked for at a time, so that requests never fill the helper's queue.
const MAX_STARTING: usize = 16;

/// Makes isolated environments. Cheap to clone; the helper ends when the last clone and the last
/// [`Environment`] are dropped.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    capabilities: Capabilities,
    link: Mutex<Arc<Link>>,
    next: AtomicU64,
    starting: Semaphore,
    places: Arc<Semaphore>,
}

impl Sandbox {
    /// Starts the helper process and learns what the host offers. Waits some milliseconds.
    ///
    /// # Errors
    /// The helper cannot be started, or the host lacks what [`Config::accept_degraded`] does not allow to
    /// be lacking.
    pub fn start(config: Config) -> Result<Sandbox, SandboxError> {
        let link = Link::open(&config)?;
        let capabilities = link.capabilities.clone();
        judge(&capabilities, config.accept_degraded)?;
        let inner = Inner {
            capabilities,
            link: Mutex::new(Arc::new(link)),
            next: AtomicU64::new(1),
            starting: Semaphore::new(MAX_STARTING),
            places: Arc::new(Semaphore::new(config.max_environments)),
            config,
        };
        Ok(Sandbox { inner: Arc::new(inner) })
    }

    /// Makes an environment and returns once its program has been executed. Needs a tokio runtime. If the
    /// helper is gone, another is started first.
    ///
    /// # Errors
    /// The specification is wrong, as many environments run as may, a set-up step failed, or the program
    /// cannot be executed. In each case nothing is left of the environment.
    pub async fn spawn(&self, spec: Spec) -> Result<Environment, SandboxError> {
        spec.check()?;
        let inner = &self.inner;
        let limit = inner.config.max_environments;
        let place = inner.places.clone().try_acquire_owned().map_err(|_| SandboxError::TooMany { limit })?;
        let closed = |_| SandboxError::Helper(io::ErrorKind::NotConnected.into());
        let _starting = inner.starting.acquire().await.map_err(closed)?;
        let link = self.link().await?;
        let id = inner.next.fetch_add(1, Ordering::Relaxed);
        let program = spec.program[0].clone();
        let (stdout, stdout_writer) = output_pipe()?;
        let (stderr, stderr_writer) = output_pipe()?;
        let waiting = link.spawn(id, spec, [stdout_writer, stderr_writer])?;
        let started = match tokio::time::timeout(START_DEADLINE, waiting.answer()).await {
            Ok(answer) => answer.map_err(|error| name_program(error, program))?,
            Err(_) => return Err(setup("start in time", io::ErrorKind::TimedOut.into())),
        };
        let Started { pid, pidfd, group, listeners, exit } = started;
        let control = crate::environment::Control { id, pid, pidfd, group, exit, link, _place: place };
        Ok(Environment::new(control, listeners, stdout, stderr))
    }

    /// What this host offers, what is degraded, and how to mend that.
    pub fn capabilities(&self) -> &Capabilities {
        &self.inner.capabilities
    }

    /// Ends the helper and every environment, and returns when nothing of them is left. A later
    /// [`spawn`](Self::spawn) starts a helper again.
    pub async fn shut_down(&self) {
        let link = self.inner.link.lock().await.clone();
        if tokio::time::timeout(CLOSE_DEADLINE, link.close()).await.is_err() {
            tracing::warn!("the sandbox helper did not end in time");
        }
    }

    async fn link(&self) -> Result<Arc<Link>, SandboxError> {
        let mut link = self.inner.link.lock().await;
        if link.is_gone() {
            tracing::warn!("the sandbox helper is gone: starting another");
            let config = self.inner.config.clone();
            let opened = tokio::task::spawn_blocking(move || Link::open(&config)).await;
            *link = Arc::new(opened.map_err(|error| SandboxError::Helper(io::Error::other(error)))??);
        }
        Ok(link.clone())
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

/// Refuses a host that lacks what is needed, or what may not be lacking.
fn judge(capabilities: &Capabilities, accept_degraded: bool) -> Result<(), SandboxError> {
    let refused = |feature: &&crate::Feature| feature.status == Status::Missing || !accept_degraded;
    match capabilities.shortcomings().find(refused) {
        Some(feature) => Err(SandboxError::Unsupported {
            missing: format!("{} ({})", feature.name, feature.detail),
            mend: feature.mend.clone(),
        }),
        None => Ok(()),
    }
}

fn output_pipe() -> Result<(pipe::Receiver, OwnedFd), SandboxError> {
    let (reader, writer) =
        pipe_with(PipeFlags::CLOEXEC).map_err(|error| setup("make a pipe", error.into()))?;
    let reader = rustix::io::ioctl_fionbio(&reader, true)
        .map_err(io::Error::from)
        .and_then(|()| pipe::Receiver::from_owned_fd(reader))
        .map_err(|error| setup("read a pipe", error))?;
    Ok((reader, writer))
}

fn setup(step: &str, source: io::Error) -> SandboxError {
    SandboxError::Setup { step: step.into(), source }
}

fn name_program(error: SandboxError, program: String) -> SandboxError {
    match error {
        SandboxError::Setup { step, source } if step == Failure::EXEC => {
            SandboxError::Exec { program, source }
        }
        other => other,
    }
}
