//! The data plane: from an invocation to an environment and back.
//!
//! An invocation takes a place at the gate, then an environment: one that waits, one that comes back, or a new one,
//! whichever is first. Everything that waits has a bound, so that functions that call each other can't wait for ever.
//! An invocation runs to its end whether or not its caller still listens.

mod capture;
mod environment;
mod gate;
mod http;
mod journal;
mod outcome;
mod pool;
mod run;
mod runtime_api;
mod spec;
mod start;
mod variables;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nephos_core::Platform;
use nephos_core::ports::{IssueCredentials, ServeEndpoint, WriteLogs};
use nephos_sandbox::Sandbox;
use tokio::sync::{OnceCell, Semaphore};

use crate::Error;
use crate::error::Throttle;
use crate::package::Packages;
use crate::runtimes::Runtimes;
use gate::Gate;
use pool::{Pool, Pools};

pub use gate::Limit;
pub use outcome::Outcome;
pub use spec::{Call, FunctionSpec};
pub use start::SERVICE;
pub use variables::is_reserved;

/// The bounds of the data plane.
#[derive(Debug, Clone)]
pub struct PlaneConfig {
    /// How many environments the host may have at a time, idle ones included.
    pub max_environments: usize,
    /// How many may be starting at a time.
    pub max_starting: usize,
    /// How many invocations may wait for an environment.
    pub max_waiting: usize,
    /// How long one waits.
    pub wait_at_most: Duration,
    /// How long a runtime's start may take before it is tried again within the function's own timeout.
    pub init_limit: Duration,
    /// When an idle environment ends.
    pub idle_expiry: Duration,
    /// When an idle environment is frozen, if ever.
    pub freeze_after: Option<Duration>,
    /// Whether a function's role must be allowed to write logs for its logs to be kept, as at AWS.
    pub logs_need_permission: bool,
}

impl Default for PlaneConfig {
    fn default() -> Self {
        PlaneConfig {
            max_environments: 256,
            max_starting: 8,
            max_waiting: 1_000,
            wait_at_most: Duration::from_secs(20),
            init_limit: Duration::from_secs(10),
            idle_expiry: Duration::from_secs(10 * 60),
            freeze_after: Some(Duration::from_secs(1)),
            logs_need_permission: true,
        }
    }
}

/// What the data plane stands on.
pub struct PlaneDeps {
    /// How sandboxes are made; the helper is started with the first of them.
    pub sandbox: nephos_sandbox::Config,
    /// Where functions' logs go.
    pub logs: Arc<dyn WriteLogs>,
    /// The platform's endpoint, served inside each environment.
    pub endpoint: Option<Arc<dyn ServeEndpoint>>,
    /// Issues the functions' credentials.
    pub credentials: Arc<dyn IssueCredentials>,
    /// Clock and authoriser.
    pub platform: Arc<Platform>,
}

/// The data plane.
pub struct Plane {
    config: PlaneConfig,
    deps: PlaneDeps,
    sandbox: OnceCell<Sandbox>,
    runtimes: Runtimes,
    packages: Arc<Packages>,
    gate: Arc<Gate>,
    pools: Pools,
    slots: Arc<Semaphore>,
    starting: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Plane {
    /// The data plane; nothing is started yet.
    pub fn new(
        config: PlaneConfig,
        deps: PlaneDeps,
        packages: Arc<Packages>,
        (dir, interpreters): (PathBuf, Vec<PathBuf>),
    ) -> Plane {
        Plane {
            slots: Arc::new(Semaphore::new(config.max_environments)),
            starting: Arc::new(Semaphore::new(config.max_starting)),
            runtimes: Runtimes::new(dir, interpreters),
            sandbox: OnceCell::new(),
            gate: Arc::default(),
            pools: Pools::default(),
            waiting: AtomicUsize::new(0),
            config,
            deps,
            packages,
        }
    }

    /// The runtimes of this host.
    pub fn runtimes(&self) -> &Runtimes {
        &self.runtimes
    }

    /// Runs one invocation to its end, on a task of its own.
    pub async fn invoke(
        self: &Arc<Self>,
        spec: FunctionSpec,
        call: Call,
        limit: Limit,
    ) -> Result<Outcome, Error> {
        let place = self.gate.enter(&spec.function, limit)?;
        let (plane, spec) = (Arc::clone(self), Arc::new(spec));
        let task = tokio::spawn(async move {
            let outcome = plane.run(&spec, &call).await;
            drop(place);
            outcome
        });
        task.await?
    }

    /// Ends environments of a function that are of no more use: see [`Pools::retire`].
    pub fn retire(&self, function: &crate::names::FunctionId, kept: Option<(u64, &str)>) {
        self.pools.retire(function, kept);
    }

    /// Ends all environments that are idle now, and the others when they come back.
    pub fn clear(&self) {
        self.pools.clear();
    }

    /// How many environments wait for an invocation.
    pub fn idle_count(&self) -> usize {
        self.pools.idle_count()
    }

    /// Looks after idle environments, for ever.
    pub async fn tend(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(Duration::from_millis(250));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.pools.tend(self.config.idle_expiry, self.config.freeze_after);
        }
    }

    async fn sandbox(&self) -> Result<&Sandbox, Error> {
        let start = || async {
            let config = self.deps.sandbox.clone();
            let started = tokio::task::spawn_blocking(move || Sandbox::start(config)).await?;
            started.map_err(|error| Error::Internal(error.to_string()))
        };
        self.sandbox.get_or_try_init(start).await
    }
}

/// A place in the queue of those who wait for an environment.
struct Waiting<'p>(&'p AtomicUsize);

impl<'p> Waiting<'p> {
    fn enter(plane: &'p Plane) -> Result<Waiting<'p>, Error> {
        let waiting = Waiting(&plane.waiting);
        if plane.waiting.fetch_add(1, Ordering::Relaxed) >= plane.config.max_waiting {
            return Err(Error::Throttled(Throttle::Host));
        }
        Ok(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
