//! What the gateway serves: services, places, and the tables that routing looks them up in.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use nephos_core::Platform;
use nephos_core::ports::Identify;
use nephos_sigv4::{KeyCache, PathRules};
use nephos_wire::{BucketCors, HostHandler, Place, Protocol, Service, ServiceModel};
use tokio::sync::Semaphore;

use crate::config::{Config, Limits};
use crate::metrics::Metrics;
use crate::serve::{Gateway, Shared};

/// A service's place in the registry.
pub type ServiceId = usize;

/// A service, and how the gateway treats it.
pub struct Entry {
    /// The service.
    pub service: Arc<dyn Service>,
    /// Its model.
    pub model: &'static ServiceModel,
    /// The longest body, in bytes.
    pub body_limit: u64,
    /// Whether S3's rules hold: virtual hosts, streamed bodies, its own paths in signatures and its own errors.
    pub is_s3: bool,
}

impl Entry {
    fn new(service: Arc<dyn Service>, limits: &Limits) -> Self {
        let model = service.model();
        let is_s3 = model.protocol == Protocol::RestXml && model.signing_name == "s3";
        let body_limit = match model.protocol {
            Protocol::AwsJson10 | Protocol::AwsJson11 => limits.json_body_bytes,
            Protocol::Query => limits.query_body_bytes,
            Protocol::RestXml if is_s3 => limits.object_bytes,
            Protocol::RestJson | Protocol::RestXml => limits.rest_body_bytes,
        };
        Entry { service, model, body_limit, is_s3 }
    }

    /// How the service makes a path canonical.
    pub fn path_rules(&self) -> PathRules {
        if self.is_s3 { PathRules::S3 } else { PathRules::Standard }
    }
}

/// Everything that requests can reach.
#[derive(Default)]
pub struct Registry {
    entries: Vec<Entry>,
    by_target: HashMap<&'static str, ServiceId>,
    by_scope: HashMap<&'static str, ServiceId>,
    by_endpoint: HashMap<&'static str, ServiceId>,
    by_first_segment: HashMap<&'static str, ServiceId>,
    s3: Option<ServiceId>,
    sites: HashMap<Place, Arc<dyn HostHandler>>,
    /// S3's own cross-origin rules.
    pub bucket_cors: Option<Arc<dyn BucketCors>>,
}

impl Registry {
    /// The service with this id.
    pub fn entry(&self, id: ServiceId) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// All services.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// By the prefix of `X-Amz-Target`.
    pub fn by_target(&self, prefix: &str) -> Option<ServiceId> {
        self.by_target.get(prefix).copied()
    }

    /// By the service in a credential's scope. Of several with one signing name, the first registered.
    pub fn by_scope(&self, service: &str) -> Option<ServiceId> {
        self.by_scope.get(service).copied()
    }

    /// By the name of an endpoint's host.
    pub fn by_endpoint(&self, prefix: &str) -> Option<ServiceId> {
        self.by_endpoint.get(prefix).or_else(|| self.by_scope.get(prefix)).copied()
    }

    /// By the first segment of a REST path.
    pub fn by_first_segment(&self, segment: &str) -> Option<ServiceId> {
        self.by_first_segment.get(segment).copied()
    }

    /// By `Action` and `Version` of the query protocol.
    pub fn by_action(&self, action: &str, version: &str) -> Option<ServiceId> {
        self.entries.iter().position(|entry| {
            entry.model.protocol == Protocol::Query
                && entry.model.api_version == version
                && (entry.model.operations.iter().any(|o| o.name == action)
                    || entry.model.absent.iter().any(|o| o.name == action))
        })
    }

    /// S3.
    pub fn s3(&self) -> Option<ServiceId> {
        self.s3
    }

    /// Whoever answers at a place.
    pub fn site(&self, place: Place) -> Option<&Arc<dyn HostHandler>> {
        self.sites.get(&place)
    }

    fn add(&mut self, entry: Entry) -> Result<(), BuildError> {
        let (id, model) = (self.entries.len(), entry.model);
        if self.entries.iter().any(|other| other.model.name == model.name) {
            return Err(BuildError::Twice { name: model.name });
        }
        if let Some(prefix) = model.target_prefix
            && self.by_target.insert(prefix, id).is_some()
        {
            return Err(BuildError::Twice { name: prefix });
        }
        self.by_scope.entry(model.signing_name).or_insert(id);
        self.by_endpoint.entry(model.endpoint_prefix).or_insert(id);
        if entry.is_s3 {
            self.s3 = Some(id);
        } else if matches!(model.protocol, Protocol::RestJson | Protocol::RestXml) {
            let uris = model.operations.iter().map(|o| o.uri).chain(model.absent.iter().map(|o| o.uri));
            for segment in uris.filter_map(first_segment) {
                self.by_first_segment.entry(segment).or_insert(id);
            }
        }
        self.entries.push(entry);
        Ok(())
    }
}

/// The first segment of a path template, unless it is a label.
fn first_segment(uri: &'static str) -> Option<&'static str> {
    let segment = uri.trim_start_matches('/').split(['/', '?']).next()?;
    (!segment.is_empty() && !segment.starts_with('{')).then_some(segment)
}

/// Why a gateway cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Two services share a name or a target prefix.
    #[error("expected every service once, got {name} twice")]
    Twice {
        /// The name.
        name: &'static str,
    },
    /// Not called within a tokio runtime.
    #[error("expected to be called within a tokio runtime")]
    NoRuntime,
}

/// Puts a gateway together.
pub struct Builder {
    config: Config,
    platform: Arc<Platform>,
    identify: Arc<dyn Identify>,
    services: Vec<(Arc<dyn Service>, Option<u64>)>,
    registry: Registry,
}

impl Builder {
    /// A gateway without services.
    pub fn new(config: Config, platform: Arc<Platform>, identify: Arc<dyn Identify>) -> Self {
        Builder { config, platform, identify, services: Vec::new(), registry: Registry::default() }
    }

    /// Adds a service, with the body limit of its protocol.
    pub fn service(mut self, service: Arc<dyn Service>) -> Self {
        self.services.push((service, None));
        self
    }

    /// Adds a service with a body limit of its own, in bytes.
    pub fn service_with_limit(mut self, service: Arc<dyn Service>, body_limit: u64) -> Self {
        self.services.push((service, Some(body_limit)));
        self
    }

    /// Lets `handler` answer at `place`.
    pub fn site(mut self, place: Place, handler: Arc<dyn HostHandler>) -> Self {
        self.registry.sites.insert(place, handler);
        self
    }

    /// Gives S3's cross-origin rules.
    pub fn bucket_cors(mut self, cors: Arc<dyn BucketCors>) -> Self {
        self.registry.bucket_cors = Some(cors);
        self
    }

    /// The gateway. Must be called within the runtime that is to serve.
    pub fn build(mut self) -> Result<Gateway, BuildError> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        for (service, limit) in self.services {
            let mut entry = Entry::new(service, &self.config.limits);
            entry.body_limit = limit.unwrap_or(entry.body_limit);
            self.registry.add(entry)?;
        }
        let limits = &self.config.limits;
        Ok(Gateway::new(Shared {
            connections: Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS))),
            buffered: Arc::new(Semaphore::new(
                (limits.buffered_bytes >> 10).clamp(1, Semaphore::MAX_PERMITS),
            )),
            keys: KeyCache::default(),
            metrics: Metrics::default(),
            health: OnceLock::new(),
            registry: self.registry,
            platform: self.platform,
            identify: self.identify,
            config: self.config,
            runtime,
        }))
    }
}
