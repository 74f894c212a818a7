//! Requests for services: everything that must be right before one is called, and the call.

use std::sync::Arc;

use http::header::{AUTHORIZATION, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method};
use hyper::body::Incoming;
use nephos_core::{Cx, Fault, Principal, Region};
use nephos_sigv4::chunked::ChunkSeed;
use nephos_sigv4::{ALGORITHM, Head, Payload, Placement};
use nephos_wire::{Body, Operation, Protocol, Response};

use crate::answer::Ids;
use crate::authn::{Expected, Presented, Signed, present};
use crate::cors;
use crate::operation::{self, Asked, NoOperation};
use crate::payload::{self, Whole};
use crate::presigned::{anonymous_payload, by_version4, hoist, is_of_signature, without_chunk_signatures};
use crate::refusal::{AuthError, Dialect};
use crate::registry::Entry;
use crate::road::Trip;
use crate::site::not_whole;

/// A service that a request is for.
pub(crate) struct Target<'a> {
    pub(crate) entry: &'a Entry,
    /// The bucket of a virtual host.
    pub(crate) bucket: Option<String>,
    /// The region that the host names.
    pub(crate) region: Option<Region>,
}

/// A body that is still to be read, or was read to find the way.
pub(crate) enum Source {
    Stream(Incoming),
    Whole(Whole),
}

/// Who calls, proven.
struct Caller {
    principal: Arc<Principal>,
    region: Option<Region>,
    signed: Option<Signed>,
    /// The headers that a URL of version 2 brought.
    brought: Vec<(String, Vec<u8>)>,
}

impl Caller {
    fn anonymous() -> Self {
        Caller { principal: Arc::new(Principal::Anonymous), region: None, signed: None, brought: Vec::new() }
    }

    fn of(presented: &Presented<'_>, now: nephos_core::Timestamp) -> Self {
        Caller {
            principal: presented.principal(),
            region: presented.region.clone(),
            signed: Some(presented.signed(now)),
            brought: presented.brought(),
        }
    }

    /// Puts what a presigned URL carries as parameters among the headers.
    fn hoist(&mut self, query: &[(String, String)], headers: &mut HeaderMap) {
        if matches!(self.signed, Some(Signed { placement: Placement::Query, version: ALGORITHM, .. })) {
            hoist(by_version4(query), headers);
        }
        hoist(std::mem::take(&mut self.brought), headers);
    }
}

/// A request that may be handed to its service.
struct Ready {
    cx: Cx,
    operation: &'static Operation,
    request: nephos_wire::Request,
    /// Keeps the body's memory accounted for.
    whole: Whole,
}

/// The path in path style, whatever the host was.
fn style(target: &Target<'_>, parts: &Parts) -> String {
    match &target.bucket {
        Some(bucket) => format!("/{bucket}{}", parts.uri.path()),
        None => parts.uri.path().to_owned(),
    }
}

/// The bucket and key of a path in path style, decoded.
fn bucket_and_key(path: &str) -> (Option<String>, Option<String>) {
    let (bucket, key) =
        path.strip_prefix('/').unwrap_or(path).split_once('/').unwrap_or((&path[1.min(path.len())..], ""));
    let decoded = |text: &str| (!text.is_empty()).then(|| nephos_wire::form::decode_path(text));
    (decoded(bucket), decoded(key))
}

fn head_of(parts: &Parts) -> Head<'_> {
    Head {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
    }
}

impl Trip<'_> {
    pub(crate) async fn serve_by(
        &mut self,
        target: Target<'_>,
        mut parts: Parts,
        source: Source,
    ) -> Response {
        let entry = target.entry;
        self.note.service = entry.model.name;
        self.note.ids = if entry.is_s3 { Ids::S3 } else { Ids::Plain };
        self.note.readable = !entry.is_s3;
        if parts.method == Method::OPTIONS {
            return self.preflight(&target, &parts).await;
        }
        let path = style(&target, &parts);
        let asked_by_page = (entry.is_s3 && parts.headers.contains_key(ORIGIN))
            .then(|| (parts.method.clone(), parts.headers.clone()));
        let mut source = Some(source);
        let mut response = match self.ready(&target, &path, &mut parts, &mut source).await {
            Ok(ready) => self.call(entry, ready).await,
            Err(fault) => {
                if let Some(Source::Stream(incoming)) = source {
                    payload::drain(&parts.headers, incoming).await;
                }
                self.faulty(entry.model, &fault)
            }
        };
        if let Some((method, headers)) = asked_by_page {
            let cx = self.context_for(&Caller::anonymous(), &target, &headers);
            self.add_bucket_cors(&cx, &path, &method, &headers, &mut response).await;
        }
        response
    }

    async fn add_bucket_cors(
        &self,
        cx: &Cx,
        path: &str,
        method: &Method,
        headers: &HeaderMap,
        response: &mut Response,
    ) {
        let (Some(cors), (Some(bucket), _)) = (&self.shared.registry.bucket_cors, bucket_and_key(path))
        else {
            return;
        };
        for (name, value) in &cors.answer_headers(cx, &bucket, method, headers).await {
            response.headers_mut().append(name, value.clone());
        }
    }

    /// Answers a browser that asks whether it may ask.
    async fn preflight(&mut self, target: &Target<'_>, parts: &Parts) -> Response {
        let path = style(target, parts);
        let (true, (Some(bucket), key)) = (target.entry.is_s3, bucket_and_key(&path)) else {
            self.note.readable = false;
            return cors::preflight(&parts.headers);
        };
        let Some(cors) = &self.shared.registry.bucket_cors else {
            let text = "CORSResponse: CORS is not enabled for this bucket.";
            return self.faulty(target.entry.model, &Fault::new("AccessForbidden", text).status(403));
        };
        let cx = self.context_for(&Caller::anonymous(), target, &parts.headers);
        cors.preflight(&cx, &bucket, key.as_deref(), &parts.headers).await
    }

    /// Everything that must be right before a service is called. `source` is left where the body was not touched.
    async fn ready(
        &mut self,
        target: &Target<'_>,
        path: &str,
        parts: &mut Parts,
        source: &mut Option<Source>,
    ) -> Result<Ready, Fault> {
        let entry = target.entry;
        let mut query = nephos_wire::form::parse(parts.uri.query().unwrap_or_default());
        let early = self.asked_by_head(entry, path, &query, parts)?;
        let head = head_of(parts);
        let services = [entry.model.signing_name];
        let expected = Expected::now(&services, entry.path_rules(), &self.shared.platform.clock);
        let bucket = target.bucket.as_deref();
        let presented = present(&*self.shared.identify, &head, bucket, &expected).await;
        let presented = presented.map_err(|error| self.unauthenticated(entry, &error))?;
        if presented.is_none() && !may_be_anonymous(entry, early.as_ref()) {
            self.shared.metrics.unauthenticated.up();
            return Err(entry.model.unsigned());
        }
        let mut caller =
            presented.as_ref().map_or_else(Caller::anonymous, |p| Caller::of(p, expected.signed_now));
        let (asked, body, whole) = match early {
            Some(asked) if entry.is_s3 => {
                let (payload, seed) = self.s3_payload(entry, &head, presented.as_ref())?;
                drop(presented);
                caller.hoist(&query, &mut parts.headers);
                let body = self.s3_body(entry, parts, source, payload, seed)?;
                if asked.0.streaming_input {
                    (asked, body, Whole::default())
                } else {
                    let limit = self.shared.config.limits.document_bytes;
                    let whole = payload::gather(self.shared, &mut parts.headers, body, limit).await?;
                    (asked, Body::from(whole.bytes.clone()), whole)
                }
            }
            early => {
                let whole = self.whole(entry, source).await?;
                self.prove_whole(entry, &head, presented.as_ref(), &whole)?;
                let asked = match early {
                    Some(asked) => asked,
                    None => self.asked_by_form(entry, &head, &whole, presented.is_some())?,
                };
                (asked, Body::from(whole.bytes.clone()), whole)
            }
        };
        self.note.operation = asked.0.name;
        let cx = self.context_for(&caller, target, &parts.headers);
        if let Some(signed) = caller.signed {
            query.retain(|(name, _)| !is_of_signature(name, signed.version));
            parts.headers.remove(AUTHORIZATION);
            parts.headers.remove("x-amz-security-token");
        }
        let (method, headers) = (parts.method.clone(), std::mem::take(&mut parts.headers));
        let (operation, labels) = asked;
        let request = nephos_wire::Request { method, path: path.to_owned(), query, headers, labels, body };
        Ok(Ready { cx, operation, request, whole })
    }

    fn context_for(&self, caller: &Caller, target: &Target<'_>, headers: &HeaderMap) -> Cx {
        let seen = self.seen(headers);
        let keys = if target.entry.is_s3 { seen.s3_keys(caller.signed) } else { seen.keys() };
        let region = caller.region.as_ref().or(target.region.as_ref()).unwrap_or(&self.shared.config.region);
        seen.context(Arc::clone(&caller.principal), region.clone(), keys)
    }

    /// The operation, where the head says it: everywhere but in query services' forms.
    fn asked_by_head(
        &self,
        entry: &Entry,
        path: &str,
        query: &[(String, String)],
        parts: &Parts,
    ) -> Result<Option<Asked>, Fault> {
        let model = entry.model;
        let asked = match model.protocol {
            Protocol::AwsJson10 | Protocol::AwsJson11 => operation::by_target(model, &parts.headers),
            Protocol::RestJson | Protocol::RestXml => {
                operation::by_rest(model, &parts.method, path, query, &parts.headers)
            }
            Protocol::Query => {
                let value = |name| query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
                let Some(action) = value("Action") else { return Ok(None) };
                operation::by_action(model, Some(action), value("Version"))
            }
        };
        asked.map(Some).map_err(|none| self.count(entry, none))
    }

    fn asked_by_form(
        &self,
        entry: &Entry,
        head: &Head<'_>,
        whole: &Whole,
        is_signed: bool,
    ) -> Result<Asked, Fault> {
        let parameter = |name| operation::parameter(name, head.query, &whole.bytes);
        let (action, version) = (parameter("Action"), parameter("Version"));
        let asked = operation::by_action(entry.model, action.as_deref(), version.as_deref())
            .map_err(|none| self.count(entry, none))?;
        if !is_signed && !asked.0.unsigned {
            self.shared.metrics.unauthenticated.up();
            return Err(entry.model.unsigned());
        }
        Ok(asked)
    }

    fn count(&self, entry: &Entry, none: NoOperation) -> Fault {
        self.shared.metrics.unknown_operation(entry.model.name, &none.name);
        *none.fault
    }

    fn unauthenticated(&self, entry: &Entry, error: &AuthError) -> Fault {
        self.shared.metrics.unauthenticated.up();
        error.fault(Dialect::of(entry))
    }

    async fn whole(&self, entry: &Entry, source: &mut Option<Source>) -> Result<Whole, Fault> {
        match source.take() {
            None => Ok(Whole::default()),
            Some(Source::Whole(whole)) => Ok(whole),
            Some(Source::Stream(incoming)) => {
                payload::collect(self.shared, incoming, entry.body_limit).await.map_err(not_whole)
            }
        }
    }

    fn prove_whole(
        &self,
        entry: &Entry,
        head: &Head<'_>,
        presented: Option<&Presented<'_>>,
        whole: &Whole,
    ) -> Result<(), Fault> {
        let Some(presented) = presented else { return Ok(()) };
        // Whatever x-amz-content-sha256 says, what is signed must be the body that came.
        let payload = Payload::of(&whole.bytes);
        presented
            .prove(&self.shared.keys, head, entry.path_rules(), &payload)
            .map(drop)
            .map_err(|error| self.unauthenticated(entry, &error))
    }

    /// What a request to S3 promises of its body, its signature proven.
    fn s3_payload(
        &self,
        entry: &Entry,
        head: &Head<'_>,
        presented: Option<&Presented<'_>>,
    ) -> Result<(Payload, Option<ChunkSeed>), Fault> {
        let Some(presented) = presented else {
            return anonymous_payload(head.headers).map(|payload| (payload, None));
        };
        let payload = presented.payload();
        let payload = payload.ok_or_else(|| self.unauthenticated(entry, &AuthError::NoPayloadHash))?;
        let verified = presented
            .prove(&self.shared.keys, head, entry.path_rules(), &payload)
            .map_err(|error| self.unauthenticated(entry, &error))?;
        let Some(verified) = verified else { return Ok((without_chunk_signatures(payload)?, None)) };
        let seed = matches!(payload, Payload::Streaming | Payload::StreamingTrailer);
        Ok((payload, seed.then(|| verified.chunk_seed())))
    }

    fn s3_body(
        &self,
        entry: &Entry,
        parts: &mut Parts,
        source: &mut Option<Source>,
        payload: Payload,
        seed: Option<ChunkSeed>,
    ) -> Result<Body, Fault> {
        match source.take() {
            None => Ok(Body::Empty),
            Some(Source::Whole(whole)) => Ok(Body::from(whole.bytes)),
            Some(Source::Stream(incoming)) => {
                payload::stream(self.shared, &mut parts.headers, incoming, payload, seed, entry.body_limit)
            }
        }
    }

    /// Calls the service in a task of its own: the call goes on when the client goes away, and a panic is one
    /// request's and not the connection's.
    async fn call(&self, entry: &Entry, ready: Ready) -> Response {
        let service = Arc::clone(&entry.service);
        let task = tokio::spawn(async move {
            let Ready { cx, operation, request, whole } = ready;
            let response = service.call(&cx, operation, request).await;
            drop(whole);
            response
        });
        task.await.unwrap_or_else(|error| {
            tracing::error!(request_id = %self.note.id, operation = self.note.operation, %error, "an operation panicked");
            self.faulty(entry.model, &Fault::internal())
        })
    }
}

/// Whether an unsigned request may go on to its service. S3's anonymous callers are for its policies to judge; a query
/// service's operation may not be known yet.
fn may_be_anonymous(entry: &Entry, asked: Option<&Asked>) -> bool {
    entry.is_s3 || asked.is_none_or(|(operation, _)| operation.unsigned)
}
