//! Visits: requests that came by their address.

use std::sync::Arc;

use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use hyper::body::Incoming;
use nephos_core::{Cx, Fault, Principal, Region};
use nephos_sigv4::{Head, PathRules, Payload};
use nephos_wire::{Admission, Body, HostHandler, Place, Response, Visit};

use crate::answer;
use crate::authn::{Expected, present};
use crate::payload::{self, NotWhole, Whole};
use crate::refusal::{AuthError, Dialect};
use crate::road::Trip;

/// An address, as routing found it.
pub(crate) struct Address {
    pub(crate) place: Place,
    pub(crate) name: String,
    pub(crate) region: Option<Region>,
    pub(crate) base_len: usize,
}

impl Trip<'_> {
    /// Lets whoever answers at an address answer.
    pub(crate) async fn visit(&mut self, address: Address, parts: Parts, incoming: Incoming) -> Response {
        let Some(handler) = self.shared.registry.site(address.place).cloned() else {
            return answer::plain(StatusCode::NOT_FOUND, "nothing of this platform answers here");
        };
        let (base, path) = parts.uri.path().split_at(address.base_len.min(parts.uri.path().len()));
        let mut visit = Visit {
            name: address.name,
            region: address.region,
            base: base.to_owned(),
            method: parts.method.clone(),
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers.clone(),
            body: Body::Empty,
        };
        let region = visit.region.clone().unwrap_or_else(|| self.shared.config.region.clone());
        let seen = self.seen(&parts.headers);
        let cx = seen.context_of_place(Arc::new(Principal::Anonymous), region);
        let admission = match handler.admission(&cx, &visit).await {
            Ok(admission) => admission,
            Err(response) => {
                payload::drain(&parts.headers, incoming).await;
                return response;
            }
        };
        match admission {
            Admission::Open => {
                visit.body = payload::plain_stream(self.shared, incoming);
                run(self, handler, cx, visit, None).await
            }
            Admission::Signed { service, max_body_bytes } => {
                match self.admit(&parts, incoming, service, max_body_bytes, cx.clone()).await {
                    Ok((cx, whole)) => {
                        visit.headers.remove(AUTHORIZATION);
                        visit.headers.remove("x-amz-security-token");
                        visit.body = Body::from(whole.bytes.clone());
                        run(self, handler, cx, visit, Some(whole)).await
                    }
                    Err(fault) => handler.refuse(&cx, &fault),
                }
            }
        }
    }

    /// Proves the signature of a visit and gives its caller's context and its body.
    async fn admit(
        &self,
        parts: &Parts,
        incoming: Incoming,
        service: &'static str,
        max_body_bytes: u64,
        cx: Cx,
    ) -> Result<(Cx, Whole), Fault> {
        let refuse = |error: &AuthError| {
            self.shared.metrics.unauthenticated.up();
            error.fault(Dialect::RestJson)
        };
        let head = Head {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
        };
        let services = [service];
        let expected = Expected::now(&services, PathRules::Standard, &self.shared.platform.clock);
        let presented = match present(&*self.shared.identify, &head, None, &expected).await {
            Ok(Some(presented)) => presented,
            other => {
                payload::drain(&parts.headers, incoming).await;
                return Err(match other {
                    Err(error) => refuse(&error),
                    _ => Fault::new("MissingAuthenticationTokenException", "Missing Authentication Token")
                        .status(403),
                });
            }
        };
        let whole = payload::collect(self.shared, incoming, max_body_bytes).await.map_err(not_whole)?;
        let hash = Payload::of(&whole.bytes);
        presented
            .prove(&self.shared.keys, &head, PathRules::Standard, &hash)
            .map_err(|error| refuse(&error))?;
        let principal = presented.principal();
        let account = principal.account().unwrap_or(cx.account);
        let region = presented.region.unwrap_or(cx.region);
        Ok((Cx { principal, account, region, ..cx }, whole))
    }
}

/// Calls the handler in a task of its own: it goes on when the client goes away, and its panic is its own.
async fn run(
    trip: &Trip<'_>,
    handler: Arc<dyn HostHandler>,
    cx: Cx,
    visit: Visit,
    whole: Option<Whole>,
) -> Response {
    let task = tokio::spawn(async move {
        let response = handler.visit(&cx, visit).await;
        drop(whole);
        response
    });
    task.await.unwrap_or_else(|error| {
        tracing::error!(request_id = %trip.note.id, %error, "a handler failed");
        answer::plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    })
}

/// What a client is told whose body could not be read whole.
pub(crate) fn not_whole(error: NotWhole) -> Fault {
    match error {
        NotWhole::TooLarge => {
            Fault::new("RequestEntityTooLargeException", "The request's body is too large.").status(413)
        }
        NotWhole::Shed => Fault::new("ThrottlingException", "Rate exceeded").status(429),
        NotWhole::Incomplete => {
            Fault::new("RequestTimeoutException", "The request's body did not arrive in time.").status(408)
        }
    }
}
