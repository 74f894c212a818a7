//! The road of one request, from its head to its answer.

use std::sync::Arc;
use std::time::Instant;

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use hyper::body::Incoming;
use nephos_core::{Fault, Region, RequestId};
use nephos_wire::{Place, Protocol, Response, ServiceModel};

use crate::answer::{self, Ids, Outgoing};
use crate::context::Seen;
use crate::refusal::nobody;
use crate::registry::ServiceId;
use crate::route::{Ask, Route, route};
use crate::serve::{Connection, Entrance, Shared};
use crate::service::{Source, Target};
use crate::site::{Address, not_whole};
use crate::{cors, guard, health, host, operation, payload};

/// What is told of a request when it is over.
#[derive(Default)]
pub(crate) struct Note {
    pub(crate) id: RequestId,
    pub(crate) row: &'static str,
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) ids: Ids,
    /// Whether scripts of any origin may read the answer.
    pub(crate) readable: bool,
}

/// One request under way.
pub(crate) struct Trip<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) connection: &'a Connection,
    pub(crate) note: &'a mut Note,
}

/// Serves one request. Never fails: a failure is an answer, too.
pub(crate) async fn travel(
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> http::Response<Outgoing> {
    let (running, begun) = (connection.activity.begin(), Instant::now());
    let counted = Counted::new(&shared);
    let (parts, incoming) = request.into_parts();
    let (method, uri, has_origin) =
        (parts.method.clone(), parts.uri.clone(), parts.headers.contains_key(ORIGIN));
    let mut note = Note::default();
    let mut trip = Trip { shared: &shared, connection: &connection, note: &mut note };
    let mut response = trip.go(parts, incoming).await;
    answer::identify(response.headers_mut(), note.ids, &note.id);
    if note.readable && has_origin {
        cors::expose(response.headers_mut());
    }
    counted.end(response.status());
    let peer = connection.peer.ip();
    tracing::info!(
        target: "nephos::access",
        request_id = %note.id, %peer, %method, path = uri.path(), route = note.row, service = note.service,
        operation = note.operation, status = response.status().as_u16(), micros = begun.elapsed().as_micros() as u64,
    );
    response.map(|body| Outgoing::new(body, running))
}

/// Counts a request; also one whose client goes away.
struct Counted<'a>(&'a Shared);

impl<'a> Counted<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.metrics.requests.up();
        shared.metrics.running.up();
        Counted(shared)
    }

    fn end(&self, status: StatusCode) {
        if status.is_client_error() {
            self.0.metrics.client_errors.up();
        } else if status.is_server_error() {
            self.0.metrics.server_errors.up();
        }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.metrics.running.down();
    }
}

/// Where a request goes, without borrowing from it.
enum Destination {
    Health { localstack: bool },
    Visit(Address),
    Service { service: ServiceId, bucket: Option<String>, region: Option<Region> },
    Form,
    Unknown { name: String, protocol: Protocol },
}

fn region_of(name: Option<&str>) -> Option<Region> {
    name.and_then(|name| name.parse().ok())
}

impl Destination {
    fn of(route: Route<'_>) -> Self {
        match route {
            Route::Health { localstack } => Destination::Health { localstack },
            Route::Visit { place, name, region, base_len } => Destination::Visit(Address {
                place,
                name: nephos_wire::form::decode_path(name),
                region: region_of(region),
                base_len,
            }),
            Route::Service { service, bucket, region } => {
                Destination::Service { service, bucket: bucket.map(str::to_owned), region: region_of(region) }
            }
            Route::Form => Destination::Form,
            Route::UnknownService { name, protocol } => {
                Destination::Unknown { name: name.into_owned(), protocol }
            }
        }
    }
}

impl Trip<'_> {
    pub(crate) fn seen<'a>(&'a self, headers: &'a HeaderMap) -> Seen<'a> {
        Seen { shared: self.shared, connection: self.connection, id: &self.note.id, headers }
    }

    async fn go(&mut self, mut parts: Parts, incoming: Incoming) -> Response {
        if let Err(error) = host::normalize(&mut parts) {
            return answer::plain(StatusCode::BAD_REQUEST, error.to_string());
        }
        let destination = match self.find(&parts) {
            Ok(destination) => destination,
            Err(refused) => {
                self.shared.metrics.guarded.up();
                tracing::warn!(reason = %refused, "a request was refused");
                payload::drain(&parts.headers, incoming).await;
                return answer::plain(StatusCode::FORBIDDEN, refused.to_string());
            }
        };
        match destination {
            Destination::Health { localstack } => health::answer(self.shared, &parts.method, localstack),
            Destination::Visit(address) => {
                let is_s3s = matches!(address.place, Place::Website | Place::Upload);
                self.note.ids = if is_s3s { Ids::S3 } else { Ids::Plain };
                self.visit(address, parts, incoming).await
            }
            Destination::Service { service, bucket, region } => {
                let Some(entry) = self.shared.registry.entry(service) else {
                    return self.unknown("?", Protocol::RestJson);
                };
                self.serve_by(Target { entry, bucket, region }, parts, Source::Stream(incoming)).await
            }
            Destination::Form => self.by_form(parts, incoming).await,
            Destination::Unknown { name, protocol } => {
                self.note.readable = true;
                payload::drain(&parts.headers, incoming).await;
                self.unknown(&name, protocol)
            }
        }
    }

    /// Finds the way, unless the guard refuses it.
    fn find(&mut self, parts: &Parts) -> Result<Destination, guard::Guarded> {
        let config = &self.shared.config;
        let authority = parts.headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let name = host::name_of(authority);
        let is_guarded = config.dev && self.connection.entrance == Entrance::Public;
        if is_guarded {
            guard::check_host(&name, &config.public_names)?;
        }
        let ask = Ask {
            method: &parts.method,
            host: host::read(&name, &config.public_names),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            registry: &self.shared.registry,
        };
        let (row, found) = route(&ask);
        self.note.row = row;
        if is_guarded {
            let place = match found {
                Route::Visit { place, .. } => Some(place),
                _ => None,
            };
            guard::check_origin(&parts.method, &parts.headers, place, &config.public_names)?;
        }
        Ok(Destination::of(found))
    }

    /// The honest answer where there is no such service.
    fn unknown(&mut self, name: &str, protocol: Protocol) -> Response {
        self.shared.metrics.unknown_operation(name, "?");
        let text = format!("Nephos does not implement the service {name}.");
        self.faulty(nobody(protocol), &Fault::new("NotImplemented", text).status(501))
    }

    pub(crate) fn faulty(&self, model: &ServiceModel, fault: &Fault) -> Response {
        nephos_wire::fault::response(model, fault, &self.note.id)
    }

    /// Reads an unsigned form to learn which service it is for.
    async fn by_form(&mut self, parts: Parts, incoming: Incoming) -> Response {
        self.note.readable = true;
        let limit = self.shared.config.limits.query_body_bytes;
        let whole = match payload::collect(self.shared, incoming, limit).await {
            Ok(whole) => whole,
            Err(error) => return self.faulty(nobody(Protocol::Query), &not_whole(error)),
        };
        let query = parts.uri.query().unwrap_or_default();
        let parameter = |name| operation::parameter(name, query, &whole.bytes).unwrap_or_default();
        let (action, version) = (parameter("Action"), parameter("Version"));
        let found = self.shared.registry.by_action(&action, &version);
        match found.and_then(|id| self.shared.registry.entry(id)) {
            Some(entry) => {
                let target = Target { entry, bucket: None, region: None };
                self.serve_by(target, parts, Source::Whole(whole)).await
            }
            None => {
                self.shared.metrics.unknown_operation("?", &action);
                self.faulty(nobody(Protocol::Query), &operation::invalid_action(&action, &version).fault)
            }
        }
    }
}
