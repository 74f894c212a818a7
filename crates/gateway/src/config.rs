//! What the operator decides, and every limit with its name.

use std::time::Duration;

use nephos_core::{AccountId, Region};

/// The gateway's settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whether well-known credentials are active, which makes browsers dangerous: see [`crate::guard`].
    pub dev: bool,
    /// Names besides `localhost` under which the platform is reached, such as `cloud.example.org`: virtual hosts are
    /// recognised below them, and `--dev` lets them pass.
    pub public_names: Vec<String>,
    /// The account of callers that show none.
    pub account: AccountId,
    /// The region of requests that name none.
    pub region: Region,
    /// The scheme of the URLs in answers: `https` where something before us ends TLS.
    pub scheme: &'static str,
    /// The limits.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            dev: false,
            public_names: Vec::new(),
            account: AccountId::DEFAULT,
            region: Region::default(),
            scheme: "http",
            limits: Limits::default(),
        }
    }
}

/// What one node takes on.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time. Further ones wait in the kernel's queue.
    pub connections: usize,
    /// Connections at a time from one function's sandbox.
    pub sandbox_connections: usize,
    /// Requests at a time on one HTTP/2 connection.
    pub streams_per_connection: u32,
    /// Bytes of a request's line and headers.
    pub head_bytes: usize,
    /// Bytes of a body to a JSON service; DynamoDB's own limit is 16 MB.
    pub json_body_bytes: u64,
    /// Bytes of a body to a query service.
    pub query_body_bytes: u64,
    /// Bytes of a body to a REST service with JSON; a function's zip of 50 MB is 67 MB in Base64.
    pub rest_body_bytes: u64,
    /// Bytes of a document that S3 reads whole: ten thousand parts with their checksums fit.
    pub document_bytes: u64,
    /// Bytes of an object, which is streamed.
    pub object_bytes: u64,
    /// Bytes of all bodies together that are held in memory while their requests run.
    pub buffered_bytes: usize,
    /// How long a client may take to send a request's head.
    pub head_timeout: Duration,
    /// How long a connection without requests stays open.
    pub idle_timeout: Duration,
    /// How long a client may pause while it sends a body or takes an answer.
    pub stall_timeout: Duration,
    /// How long running requests may go on at shutdown.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 4096,
            sandbox_connections: 256,
            streams_per_connection: 128,
            head_bytes: 64 << 10,
            json_body_bytes: 17 << 20,
            query_body_bytes: 2 << 20,
            rest_body_bytes: 72 << 20,
            document_bytes: 8 << 20,
            object_bytes: 5 << 30,
            buffered_bytes: 512 << 20,
            head_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(120),
            stall_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(20),
        }
    }
}
