//! What every service stands on: the folder, the store, keys, and who may do what.
//!
//! Nothing here waits for the store's first write, and what syncs files of its own does so side by side: an answer is
//! expected some milliseconds after the start, and a sync can take that long.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::ScopedJoinHandle;

use nephos_blobs::Blobs;
use nephos_core::{Clock, Origin, Platform};
use nephos_iam::Iam;
use nephos_iam::seal::Sealer;
use nephos_store::{Options, Store};

use crate::app::StartError;
use crate::config::{Config, Engine};
use crate::data::DataDir;

/// The ground.
pub(crate) struct Ground {
    pub(crate) store: Store,
    pub(crate) folder: PathBuf,
    pub(crate) blobs: Blobs,
    pub(crate) function_blobs: Blobs,
    pub(crate) sealer: Sealer,
    pub(crate) iam: Arc<Iam>,
    pub(crate) platform: Arc<Platform>,
    /// Where files are while the state is kept in memory.
    pub(crate) temporary: Option<tempfile::TempDir>,
}

impl Ground {
    /// Opens it, making what is missing.
    pub(crate) fn open(config: &Config, address: SocketAddr) -> Result<Ground, StartError> {
        let data = config.data.as_deref().map(DataDir::open).transpose();
        let data = data.map_err(|error| StartError(error.to_string()))?;
        let (folder, temporary) = match &data {
            Some(data) => (data.path().to_owned(), None),
            None => {
                let temporary = tempfile::Builder::new().prefix("nephos-").tempdir();
                let temporary = temporary.map_err(|error| StartError::of("a temporary folder")(&error))?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let clock = Clock::system();
        // First, because it holds the lock that keeps a second process off the folder.
        let store = store(config, data.as_ref())?;
        // Each syncs what it makes, so they wait for the disk side by side.
        let (keyed, blobs, function_blobs) = std::thread::scope(|scope| {
            let blobs = scope.spawn(|| open_blobs(&folder, "blobs"));
            let function_blobs = scope.spawn(|| open_blobs(&folder, "function-blobs"));
            (keyed(config, data.as_ref(), &store, &clock), joined(blobs), joined(function_blobs))
        });
        let ((sealer, iam), blobs, function_blobs) = (keyed?, blobs?, function_blobs?);
        let public_origin = Origin { scheme: "http", authority: format!("localhost:{}", address.port()) };
        let platform = Arc::new(Platform { clock, authorizer: Arc::clone(&iam) as _, public_origin });
        Ok(Ground { store, folder, blobs, function_blobs, sealer, iam, platform, temporary })
    }
}

/// The keys that seal what is in the store, and who may do what.
fn keyed(
    config: &Config,
    data: Option<&DataDir>,
    store: &Store,
    clock: &Clock,
) -> Result<(Sealer, Arc<Iam>), StartError> {
    let sealer = match data {
        Some(data) => Sealer::open_file(&data.join("master-key")),
        None => Ok(Sealer::ephemeral()),
    };
    let sealer = sealer.map_err(|error| StartError::of("the master key")(&error))?;
    let iam_config = nephos_iam::Config {
        account: config.account,
        mode: config.iam_mode,
        dev: config.dev,
        data_dir: data.map(|data| data.path().to_owned()),
        ..nephos_iam::Config::default()
    };
    let deps = nephos_iam::Deps { store: store.clone(), sealer: sealer.clone(), clock: clock.clone() };
    let iam = Iam::open(iam_config, deps).map_err(|error| StartError::of("iam")(&error))?;
    Ok((sealer, iam))
}

fn open_blobs(folder: &Path, name: &str) -> Result<Blobs, StartError> {
    Blobs::open(&folder.join(name)).map_err(|error| StartError(format!("the {name}: {error}")))
}

fn joined<T>(thread: ScopedJoinHandle<'_, Result<T, StartError>>) -> Result<T, StartError> {
    thread.join().map_err(|_| StartError("a thread panicked at the start".to_owned()))?
}

fn store(config: &Config, data: Option<&DataDir>) -> Result<Store, StartError> {
    let options = Options { durability: config.durability, ..Options::default() };
    let store = match (&config.engine, data) {
        (Engine::Postgres(url), _) => Store::postgres(url, options),
        (Engine::Embedded, Some(data)) => Store::open(&data.join("store"), options),
        (Engine::Embedded, None) => return Ok(Store::memory()),
    };
    store.map_err(|error| StartError::of("the store")(&error))
}
