//! Listeners and connections: accepting within a bound, serving HTTP/1.1 and HTTP/2, and draining.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use nephos_core::Platform;
use nephos_core::ports::Identify;
use nephos_sigv4::KeyCache;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::config::Config;
use crate::connection::{Activity, Timed};
use crate::metrics::Metrics;
use crate::registry::{Builder, Registry};
use crate::road;

/// What all connections share.
pub(crate) struct Shared {
    pub config: Config,
    pub platform: Arc<Platform>,
    pub identify: Arc<dyn Identify>,
    pub registry: Registry,
    pub keys: KeyCache,
    pub metrics: Metrics,
    pub connections: Arc<Semaphore>,
    /// Memory for bodies, in KiB.
    pub buffered: Arc<Semaphore>,
    /// The health answer's constant part.
    pub health: OnceLock<serde_json::Value>,
    pub runtime: tokio::runtime::Handle,
}

/// Where a connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// The platform's listener, which browsers can reach.
    Public,
    /// A listener within a function's sandbox, which they cannot.
    Sandbox,
}

/// A connection, as its requests see it.
pub(crate) struct Connection {
    pub entrance: Entrance,
    pub peer: SocketAddr,
    pub activity: Arc<Activity>,
}

/// How far a shutdown has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serve,
    Drain,
    Stop,
}

/// The gateway. Clones are the same gateway.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) shared: Arc<Shared>,
}

impl Gateway {
    /// Puts a gateway together.
    pub fn builder(config: Config, platform: Arc<Platform>, identify: Arc<dyn Identify>) -> Builder {
        Builder::new(config, platform, identify)
    }

    pub(crate) fn new(shared: Shared) -> Self {
        Gateway { shared: Arc::new(shared) }
    }

    /// The counters.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// What all requests share.
    pub fn platform(&self) -> &Platform {
        &self.shared.platform
    }

    /// What there is to route to.
    pub fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    /// Serves `listener` until `shutdown` is done; then takes no more connections, lets running requests end within
    /// the drain timeout, and cuts off what is left. Returns how many connections were cut off.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> usize {
        let drain = self.shared.config.limits.drain_timeout;
        let permits = Arc::clone(&self.shared.connections);
        self.serve_entrance(listener, Entrance::Public, permits, shutdown, drain).await
    }

    pub(crate) async fn serve_entrance(
        &self,
        listener: TcpListener,
        entrance: Entrance,
        permits: Arc<Semaphore>,
        shutdown: impl Future<Output = ()>,
        drain: Duration,
    ) -> usize {
        let (phase, watched) = watch::channel(Phase::Serve);
        tokio::select! {
            () = self.accept_all(&listener, entrance, &permits, &watched) => {}
            () = shutdown => {}
        }
        drop((listener, watched));
        phase.send_replace(Phase::Drain);
        if tokio::time::timeout(drain, phase.closed()).await.is_ok() {
            return 0;
        }
        let left = phase.receiver_count();
        tracing::warn!(connections = left, "the drain timeout is over; connections are cut off");
        phase.send_replace(Phase::Stop);
        phase.closed().await;
        left
    }

    /// Accepts until the listener's socket is gone.
    async fn accept_all(
        &self,
        listener: &TcpListener,
        entrance: Entrance,
        permits: &Arc<Semaphore>,
        phase: &watch::Receiver<Phase>,
    ) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // While there is no permit the next connections wait in the kernel's queue.
                    let Ok(permit) = Arc::clone(permits).acquire_owned().await else { return };
                    let connection = Connection { entrance, peer, activity: Arc::default() };
                    tokio::spawn(serve_connection(
                        Arc::clone(&self.shared),
                        stream,
                        connection,
                        phase.clone(),
                        permit,
                    ));
                }
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => return,
                Err(error) => {
                    // Most likely out of file descriptors: some must be closed first.
                    tracing::error!(%error, "connections cannot be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

fn is_about_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Counts a connection while it is open.
struct Counted<'a>(&'a Metrics);

impl<'a> Counted<'a> {
    fn new(metrics: &'a Metrics) -> Self {
        metrics.connections.up();
        metrics.connections_total.up();
        Counted(metrics)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.connections.down();
    }
}

async fn serve_connection(
    shared: Arc<Shared>,
    stream: TcpStream,
    connection: Connection,
    mut phase: watch::Receiver<Phase>,
    _permit: OwnedSemaphorePermit,
) {
    let counted = Counted::new(&shared.metrics);
    // Without this, small answers wait for the client's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    let activity = Arc::clone(&connection.activity);
    let socket = Timed::new(stream, Arc::clone(&activity), &shared.config.limits);
    let (connection, requests) = (Arc::new(connection), Arc::clone(&shared));
    let service = service_fn(move |request: Request<Incoming>| {
        let (shared, connection) = (Arc::clone(&requests), Arc::clone(&connection));
        async move { Ok::<_, Infallible>(road::travel(shared, connection, request).await) }
    });
    let builder = protocol(&shared.config);
    let serving = builder.serve_connection(TokioIo::new(socket), service);
    let mut serving = std::pin::pin!(serving);
    let mut draining = false;
    loop {
        tokio::select! {
            outcome = serving.as_mut() => {
                // A connection's failure is its client's affair.
                if let Err(error) = outcome {
                    tracing::debug!(error, "a connection ended");
                }
                break;
            }
            changed = phase.wait_for(|phase| *phase == Phase::Stop || (!draining && *phase == Phase::Drain)) => {
                match changed.map(|phase| *phase) {
                    Ok(Phase::Drain) => {
                        draining = true;
                        serving.as_mut().graceful_shutdown();
                    }
                    _ => break,
                }
            }
        }
    }
    if activity.timed_out() {
        shared.metrics.timeouts.up();
    }
    drop(counted);
}

fn protocol(config: &Config) -> auto::Builder<TokioExecutor> {
    let limits = &config.limits;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().keep_alive(true).header_read_timeout(None).max_buf_size(limits.head_bytes.max(8192));
    builder
        .http2()
        .max_concurrent_streams(limits.streams_per_connection)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .max_send_buf_size(1 << 20);
    builder
}
