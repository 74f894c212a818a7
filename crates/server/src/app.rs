//! The running platform: everything made, connected, served and stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nephos_blobs::Blobs;
use nephos_cloudformation::CloudFormation;
use nephos_cloudformation::resources::Services;
use nephos_cognito::Cognito;
use nephos_core::{Clock, Platform};
use nephos_dynamodb::DynamoDb;
use nephos_gateway::{EndpointSlot, Gateway};
use nephos_iam::{Iam, Sts};
use nephos_lambda::Lambda;
use nephos_logs::Logs;
use nephos_s3::S3;
use nephos_store::Store;
use nephos_wire::Place;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;

use crate::config::{Config, Engine};
use crate::control::Control;
use crate::ground::Ground;
use crate::outbox::Outbox;
use crate::places::{FunctionCode, PoolDocuments};
use crate::seal::CognitoSeal;
use crate::seed;
use crate::smtp::Mailer;
use crate::workers::Workers;

/// How long background work may take to end at a stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Why the platform could not be started, for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub(crate) String);

impl StartError {
    pub(crate) fn of(what: &str) -> impl FnOnce(&dyn std::fmt::Display) -> StartError {
        let what = what.to_owned();
        move |error| StartError(format!("{what}: {error}"))
    }
}

/// The services that CloudFormation deploys with, and what they stand on.
pub struct Parts {
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) platform: Arc<Platform>,
    pub(crate) iam: Arc<Iam>,
    pub(crate) logs: Arc<Logs>,
    pub(crate) s3: Arc<S3>,
    pub(crate) dynamodb: Arc<DynamoDb>,
    pub(crate) lambda: Arc<Lambda>,
    pub(crate) cognito: Arc<Cognito>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) seed: Option<nephos_iam::seed::Seed>,
}

/// Everything that runs.
pub struct Running {
    parts: Parts,
    pub(crate) cloudformation: CloudFormation,
    /// The first keys on their way to the store.
    settling: Mutex<Option<JoinHandle<()>>>,
    /// Where files are while the state is kept in memory; removed at the end.
    _temporary: Option<tempfile::TempDir>,
}

impl std::ops::Deref for Running {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// The platform.
pub struct App {
    config: Config,
    address: SocketAddr,
    running: Arc<Running>,
    stop: Mutex<Option<Stop>>,
}

struct Stop {
    serve: oneshot::Sender<()>,
    served: JoinHandle<usize>,
    workers: Workers,
}

impl App {
    /// Starts the platform; it serves when this returns.
    pub async fn start(config: Config) -> Result<App, StartError> {
        config.check().map_err(|error| StartError(error.to_string()))?;
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|error| StartError(format!("listening on {}: {error}", config.listen)))?;
        let address = listener.local_addr().map_err(|error| StartError::of("the listener")(&error))?;
        let slot = EndpointSlot::new();
        let running = Arc::new(Running::build(&config, address, &slot)?);
        running.settle().await;
        running.seed().await?;
        // Before requests are served: a deployment that begins now was not interrupted.
        running
            .cloudformation
            .recover(&running.platform)
            .await
            .map_err(|error| StartError::of("interrupted deployments")(&error))?;
        let gateway = gateway(&config, &running)?;
        slot.attach(&gateway);
        let workers = Workers::start(&running);
        let (serve, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            // A dropped sender is a stop, too.
            gateway.serve(listener, async move { drop(stopped.await) }).await
        });
        Ok(App { config, address, running, stop: Mutex::new(Some(Stop { serve, served, workers })) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it is run.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The clock, for tests that move it.
    pub fn clock(&self) -> &Clock {
        &self.running.platform.clock
    }

    /// The messages to users, for tests.
    pub fn outbox(&self) -> &Outbox {
        &self.running.outbox
    }

    /// The root user's access key.
    pub fn root_credentials(&self) -> Option<nephos_iam::RootCredentials> {
        self.running.iam.root_credentials()
    }

    /// Stops: no new connections, running requests may end, background work is put away. A second call does nothing.
    pub async fn stop(&self) {
        let Some(Stop { serve, served, workers }) = self.stop.lock().await.take() else { return };
        // The serving task may have ended already.
        let _ = serve.send(());
        if served.await.is_err() {
            tracing::error!("the gateway ended early");
        }
        let end = async {
            self.running.lambda.end_environments();
            workers.stop().await;
            self.running.settled().await;
        };
        if tokio::time::timeout(STOP_WITHIN, end).await.is_err() {
            tracing::warn!("background work did not end in time");
        }
    }
}

fn gateway(config: &Config, running: &Arc<Running>) -> Result<Gateway, StartError> {
    let gateway_config = nephos_gateway::Config {
        dev: config.dev,
        public_names: config.public_names.clone(),
        account: config.account,
        region: config.region.clone(),
        ..nephos_gateway::Config::default()
    };
    let control = Control { running: Arc::downgrade(running), dev: config.dev };
    let platform = Arc::clone(&running.platform);
    let s3 = &running.s3;
    Gateway::builder(gateway_config, platform, Arc::clone(&running.iam) as _)
        .service(Arc::clone(&running.iam) as _)
        .service(Arc::new(Sts::new(Arc::clone(&running.iam))))
        .service(Arc::clone(s3) as _)
        .service(Arc::clone(&running.dynamodb) as _)
        .service(Arc::clone(&running.lambda) as _)
        .service(Arc::clone(&running.logs) as _)
        .service(Arc::clone(&running.cognito.user_pools) as _)
        .service(Arc::clone(&running.cognito.identity_pools) as _)
        .service(Arc::new(running.cloudformation.clone()))
        .site(Place::Website, Arc::new(nephos_s3::website::Websites::new(Arc::clone(s3))))
        .site(
            Place::Upload,
            Arc::new(nephos_s3::form_upload::FormUploads::new(Arc::clone(s3), Arc::clone(&running.iam) as _)),
        )
        .site(Place::FunctionUrl, Arc::clone(&running.lambda) as _)
        .site(Place::FunctionCode, Arc::new(FunctionCode(Arc::clone(&running.lambda))))
        .site(Place::UserPool, Arc::new(PoolDocuments(Arc::clone(&running.cognito.user_pools))))
        .site(Place::Platform, Arc::new(control))
        .bucket_cors(Arc::clone(s3) as _)
        .build()
        .map_err(|error| StartError::of("the gateway")(&error))
}

fn dynamodb(config: &Config, store: &Store, clock: &Clock) -> Arc<DynamoDb> {
    // Several processes may share a database server, and then a table's record is read for every call.
    let shared_store = config.engine != Engine::Embedded;
    let dynamodb = nephos_dynamodb::Config { shared_store, ..nephos_dynamodb::Config::default() };
    Arc::new(DynamoDb::new(dynamodb, nephos_dynamodb::Deps { store: store.clone(), clock: clock.clone() }))
}

fn cloudformation(parts: &Parts) -> CloudFormation {
    CloudFormation::new(nephos_cloudformation::Deps {
        store: parts.store.clone(),
        services: Services {
            s3: Arc::clone(&parts.s3) as _,
            iam: Arc::clone(&parts.iam) as _,
            dynamodb: Arc::clone(&parts.dynamodb) as _,
            lambda: Arc::clone(&parts.lambda) as _,
            user_pools: Arc::clone(&parts.cognito.user_pools) as _,
            identity_pools: Arc::clone(&parts.cognito.identity_pools) as _,
            logs: Arc::clone(&parts.logs) as _,
        },
        objects: Arc::clone(&parts.s3) as _,
        credentials: Arc::clone(&parts.iam) as _,
    })
}

impl Running {
    fn build(config: &Config, address: SocketAddr, slot: &Arc<EndpointSlot>) -> Result<Running, StartError> {
        let Ground { store, folder, blobs, function_blobs, sealer, iam, platform, temporary } =
            Ground::open(config, address)?;
        let clock = platform.clock.clone();
        let mailer = config.smtp.as_ref().map(Mailer::new).transpose().map_err(StartError)?;
        let outbox = Arc::new(Outbox::new(store.clone(), mailer));
        let deps = nephos_logs::Deps { store: store.clone(), clock: clock.clone() };
        let logs = Arc::new(Logs::new(nephos_logs::Config::default(), deps));
        let deps = nephos_s3::Deps { store: store.clone(), blobs: blobs.clone() };
        let s3 = Arc::new(S3::new(nephos_s3::Config::default(), deps));
        let dynamodb = dynamodb(config, &store, &clock);
        let deps = nephos_lambda::Deps {
            store: store.clone(),
            blobs: function_blobs,
            sandbox: config.sandbox.clone(),
            objects: Arc::clone(&s3) as _,
            logs: Arc::clone(&logs) as _,
            endpoint: Some(Arc::clone(slot) as _),
            credentials: Arc::clone(&iam) as _,
            platform: Arc::clone(&platform),
        };
        let lambda = Lambda::new(nephos_lambda::Config::new(folder.join("functions")), deps);
        let lambda = Arc::new(lambda.map_err(|error| StartError::of("the functions' folder")(&error))?);
        let deps = nephos_cognito::Deps {
            store: store.clone(),
            seal: Arc::new(CognitoSeal(sealer)),
            deliver: Arc::clone(&outbox) as _,
            credentials: Arc::clone(&iam) as _,
        };
        let cognito = Arc::new(Cognito::new(nephos_cognito::Config::default(), deps));
        iam.add_web_identity_verifier(Arc::clone(&cognito.identity_pools) as _);
        let seed = config.seed.as_deref().map(seed::read).transpose().map_err(StartError)?;
        let parts = Parts { store, blobs, platform, iam, logs, s3, dynamodb, lambda, cognito, outbox, seed };
        let cloudformation = cloudformation(&parts);
        Ok(Running { cloudformation, parts, settling: Mutex::default(), _temporary: temporary })
    }

    /// Has the first keys stored, beside serving.
    async fn settle(&self) {
        let iam = Arc::clone(&self.iam);
        let task = tokio::spawn(async move {
            if let Err(error) = iam.settle().await {
                tracing::error!(%error, "the first keys could not be stored");
            }
        });
        *self.settling.lock().await = Some(task);
    }

    /// Waits until they are, or cannot be.
    async fn settled(&self) {
        if let Some(task) = self.settling.lock().await.take()
            && task.await.is_err()
        {
            tracing::error!("the task that stores the first keys panicked");
        }
    }

    async fn seed(&self) -> Result<(), StartError> {
        match &self.seed {
            Some(seed) => self.iam.seed(seed).await.map_err(|error| StartError::of("the seed")(&error)),
            None => Ok(()),
        }
    }

    /// Wipes all state and makes the first keys again.
    pub(crate) async fn reset(&self) -> Result<(), StartError> {
        let failed = |error: &dyn std::fmt::Display| StartError::of("the reset")(error);
        self.lambda.end_environments();
        // Lines that are still queued would make their log groups again.
        self.logs.settle().await;
        self.store.clear().map_err(|error| failed(&error))?;
        self.blobs.clear().await.map_err(|error| failed(&error))?;
        self.s3.reset();
        self.dynamodb.reset();
        self.platform.clock.reset();
        self.iam.reset().map_err(|error| failed(&error))?;
        self.settle().await;
        self.seed().await
    }
}
