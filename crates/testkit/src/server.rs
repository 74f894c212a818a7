//! A platform inside the test's own process, on a port of its own, with its state in memory.

use std::ops::Deref;
use std::path::Path;

use nephos_server::{App, Config};

use crate::client::{Client, Credentials};
use crate::programs;

/// A running platform. It ends with the test's runtime; [`App::stop`] ends it in good order.
pub struct Server {
    app: App,
    dir: tempfile::TempDir,
}

impl Deref for Server {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

/// A test's settings: loopback, any free port, and sandboxes as far as the host can make them.
pub fn config() -> Config {
    let mut config = Config::default();
    config.listen.set_port(0);
    config.sandbox.helper_exe = programs::sandbox_helper();
    config.sandbox.accept_degraded = true;
    config
}

impl Server {
    /// A platform as operators run it: the root user has a random key.
    pub async fn start() -> Self {
        Server::with(|_, _| {}).await
    }

    /// A platform with `--dev`.
    pub async fn dev() -> Self {
        Server::with(|config, _| config.dev = true).await
    }

    /// A platform whose settings are changed; the folder is the test's, and gone with the server.
    pub async fn with(change: impl FnOnce(&mut Config, &Path)) -> Self {
        let dir = tempfile::Builder::new().prefix("nephos-test-").tempdir().unwrap();
        let mut config = config();
        change(&mut config, dir.path());
        match App::start(config).await {
            Ok(app) => Server { app, dir },
            Err(error) => panic!("the platform did not start: {error}"),
        }
    }

    /// A platform with a seed, as YAML.
    pub async fn seeded(yaml: &str) -> Self {
        Server::with(|config, dir| {
            let path = dir.join("seed.yaml");
            std::fs::write(&path, yaml).unwrap();
            config.seed = Some(path);
        })
        .await
    }

    /// The test's folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A client without credentials.
    pub fn anonymous(&self) -> Client {
        Client::new(self.app.address())
    }

    /// A client as the root user of the platform's own account.
    pub fn root(&self) -> Client {
        let random = self.app.root_credentials().filter(|_| !self.app.config().dev);
        let credentials = match random {
            Some(root) => Credentials::new(&root.access_key_id, &root.secret_access_key),
            None => Credentials::dev(),
        };
        self.anonymous().with(credentials)
    }

    /// A client as the root user of another account; under `--dev` only.
    pub fn account(&self, id: &str) -> Client {
        self.anonymous().with(Credentials::new(id, "test"))
    }
}
