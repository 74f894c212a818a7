//! Lambda: functions that really run, each in a sandbox of its own.
//!
//! Invariants: what a function may do is decided by its role's credentials and nothing else; an invocation runs to its end
//! on a task of its own, whoever listens; everything that waits has a bound; an asynchronous event that was acknowledged is
//! delivered at least once; code is unpacked from hostile zips into folders that never change.
//!
//! Reading order: [`api`], [`functions`], [`resolve`], [`invoke`], then [`plane`] (the life of an environment),
//! [`runtimes`], [`package`], [`asynchronous`], [`function_url`].

mod access;
mod aliases;
mod api;
mod asynchronous;
mod code;
mod concurrency;
mod configuration;
mod error;
mod event_configs;
mod function_url;
mod functions;
mod invoke;
mod keys;
mod names;
mod package;
mod paging;
mod permissions;
mod plane;
mod records;
mod resolve;
mod runtimes;
pub mod shapes;
mod tags;
#[cfg(test)]
mod testing;
mod urls;
mod versions;
mod view;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;

use nephos_blobs::Blobs;
use nephos_core::Platform;
use nephos_core::ports::{IssueCredentials, ReadObject, ServeEndpoint, WriteLogs};
use nephos_store::Store;

pub use api::ROWS;
pub use code::{LINK_PATH, serve_code};
pub use error::Error;
pub use plane::PlaneConfig;
pub use runtimes::{Available, available_runtimes};
pub use shapes::MODEL;
pub use urls::address as function_url_address;
pub use worker::{Workers, referenced_blobs, sweep};

use package::Packages;
use plane::{Plane, PlaneDeps};

/// The bounds and places of the service.
#[derive(Debug, Clone)]
pub struct Config {
    /// A folder of the service's own, for unpacked code and runtimes.
    pub dir: PathBuf,
    /// Folders with interpreters, beside the usual places.
    pub interpreters: Vec<PathBuf>,
    /// How many invocations an account may have at a time in a region.
    pub account_concurrency: u32,
    /// How many asynchronous invocations are delivered at a time.
    pub async_concurrency: usize,
    /// The data plane's bounds.
    pub plane: PlaneConfig,
}

impl Config {
    /// The usual bounds, with everything in `dir`.
    pub fn new(dir: PathBuf) -> Config {
        Config {
            dir,
            interpreters: Vec::new(),
            account_concurrency: 1_000,
            async_concurrency: 32,
            plane: PlaneConfig::default(),
        }
    }
}

/// What the service stands on.
pub struct Deps {
    /// Where everything is stored.
    pub store: Store,
    /// Where zips are kept.
    pub blobs: Blobs,
    /// How sandboxes are made; the helper is started with the first of them.
    pub sandbox: nephos_sandbox::Config,
    /// Reads code out of buckets.
    pub objects: Arc<dyn ReadObject>,
    /// Where functions' logs go.
    pub logs: Arc<dyn WriteLogs>,
    /// The platform's endpoint, served inside each environment.
    pub endpoint: Option<Arc<dyn ServeEndpoint>>,
    /// Issues the functions' credentials.
    pub credentials: Arc<dyn IssueCredentials>,
    /// Clock and authoriser.
    pub platform: Arc<Platform>,
}

/// What handlers need of [`Deps`].
struct Held {
    store: Store,
    objects: Arc<dyn ReadObject>,
    credentials: Arc<dyn IssueCredentials>,
    platform: Arc<Platform>,
}

/// The service.
pub struct Lambda {
    config: Config,
    deps: Held,
    packages: Arc<Packages>,
    plane: Arc<Plane>,
}

impl Lambda {
    /// The service, without its background tasks: [`Workers::start`] starts those.
    ///
    /// # Errors
    /// The folders can't be made.
    pub fn new(config: Config, deps: Deps) -> std::io::Result<Lambda> {
        let runtimes = config.dir.join("runtimes");
        std::fs::create_dir_all(&runtimes)?;
        let packages = Arc::new(Packages::open(deps.blobs, config.dir.join("code"))?);
        let plane_deps = PlaneDeps {
            sandbox: deps.sandbox,
            logs: deps.logs,
            endpoint: deps.endpoint,
            credentials: Arc::clone(&deps.credentials),
            platform: Arc::clone(&deps.platform),
        };
        let places = (runtimes, config.interpreters.clone());
        let plane = Arc::new(Plane::new(config.plane.clone(), plane_deps, Arc::clone(&packages), places));
        let Deps { store, objects, credentials, platform, .. } = deps;
        Ok(Lambda { config, deps: Held { store, objects, credentials, platform }, packages, plane })
    }

    /// Ends all idle environments now, and the others when they come back: for a reset, and for a graceful stop.
    pub fn end_environments(&self) {
        self.plane.clear();
    }

    /// How many environments wait for an invocation.
    pub fn idle_environments(&self) -> usize {
        self.plane.idle_count()
    }
}

impl std::fmt::Debug for Lambda {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lambda").field("config", &self.config).finish_non_exhaustive()
    }
}

nephos_wire::service!(Lambda, &MODEL, ROWS);
