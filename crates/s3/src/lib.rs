//! S3: buckets and objects, and the web server in front of them.
//!
//! Invariants: a write that was acknowledged is durable, and an object is seen whole or not at all, because the row
//! that names its bytes is written in one transaction after they are on the disk; bytes are hashed once, while they
//! stream in; what falls out of use is noted in the transaction that drops it and reclaimed afterwards, and what a
//! crash left unnamed is swept; an event is written in the transaction of the change that it tells of.
//!
//! Reading order: [`keys`], [`records`], [`catalog`], [`access`], [`ingest`], [`content`], [`objects`], [`listing`],
//! [`uploads`], [`events`], [`garbage`], [`edge`], [`form_upload`], [`website`].

mod access;
mod api;
mod attributes;
mod bucket_config;
mod bucket_policy;
mod buckets;
mod catalog;
mod checksum;
mod checksum_members;
mod coding;
mod complete;
mod conditions;
mod content;
mod copy;
mod cors;
mod delete;
mod edge;
mod error;
mod event_json;
mod events;
pub mod form_upload;
mod garbage;
mod get;
mod ingest;
mod keys;
mod list;
mod listing;
mod missing;
mod names;
mod notification_config;
mod notifications;
mod object_headers;
mod objects;
mod ownership;
mod parts;
mod pins;
mod policy;
mod public_access;
mod put;
mod ranges;
mod read_object;
mod records;
#[allow(missing_docs, clippy::all, reason = "generated from the public model")]
pub mod shapes;
mod subresources;
mod tagging;
mod tags;
mod targets;
mod uploads;
pub mod website;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use nephos_blobs::Blobs;
use nephos_core::{BoxFuture, Cx, Fault, Timestamp};
use nephos_store::Store;
use nephos_wire::service::{AnyShape, dispatch_typed};
use nephos_wire::{Operation, Request, Response, Service, ServiceModel};
use tokio::sync::Notify;

pub use api::ROWS;
pub use error::Error;
pub use shapes::MODEL;
pub use worker::Workers;

/// The bounds of the service.
#[derive(Debug, Clone)]
pub struct Config {
    /// Objects and parts of up to this many bytes lie in the store, larger ones in blobs.
    pub inline_max_bytes: usize,
    /// How many buckets an account may have.
    pub max_buckets: usize,
    /// For how long what fell out of use stays, so that a download that began before ends well.
    pub garbage_grace: Duration,
    /// How often blobs that nothing names are looked for.
    pub sweep_every: Duration,
    /// How old such a blob must be; longer than any transaction takes.
    pub orphan_age: Duration,
    /// How many events are delivered at a time.
    pub event_concurrency: usize,
    /// After how long an event that no function takes is dropped.
    pub event_max_age: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            inline_max_bytes: 64 << 10,
            max_buckets: 10_000,
            garbage_grace: Duration::from_secs(15),
            sweep_every: Duration::from_secs(6 * 3600),
            orphan_age: Duration::from_secs(3600),
            event_concurrency: 16,
            event_max_age: Duration::from_secs(24 * 3600),
        }
    }
}

/// What the service stands on.
#[derive(Clone)]
pub struct Deps {
    /// Where records and small objects lie.
    pub store: Store,
    /// Where large objects lie. The folder is S3's alone: what no record of S3's names is swept from it.
    pub blobs: Blobs,
}

/// The service.
pub struct S3 {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) catalog: catalog::Catalog,
    pub(crate) pins: Arc<pins::Pins>,
    /// Rings when something fell out of use.
    pub(crate) garbage: Notify,
}

impl S3 {
    /// The service over its store. Its background work begins with [`Workers::start`].
    pub fn new(config: Config, deps: Deps) -> S3 {
        let Deps { store, blobs } = deps;
        S3 {
            config,
            store,
            blobs,
            catalog: catalog::Catalog::default(),
            pins: Arc::default(),
            garbage: Notify::new(),
        }
    }

    /// Forgets what is remembered of a store that was wiped.
    pub fn reset(&self) {
        self.catalog.clear();
    }

    /// A number for a write at `now` that is greater than `last`.
    pub(crate) fn next_sequence(now: Timestamp, last: Option<u64>) -> u64 {
        let clock = now.millis().max(0).unsigned_abs().saturating_mul(1000);
        clock.max(last.map_or(0, |last| last.saturating_add(1)))
    }
}

impl Service for S3 {
    fn model(&self) -> &'static ServiceModel {
        &MODEL
    }

    fn call<'a>(
        &'a self,
        cx: &'a Cx,
        operation: &'static Operation,
        request: Request,
    ) -> BoxFuture<'a, Response> {
        Box::pin(edge::call(self, cx, operation, request))
    }

    fn invoke<'a>(
        &'a self,
        cx: &'a Cx,
        operation: &'static Operation,
        input: AnyShape,
    ) -> BoxFuture<'a, Result<AnyShape, Fault>> {
        Box::pin(dispatch_typed(self, &MODEL, ROWS, cx, operation, input))
    }
}
