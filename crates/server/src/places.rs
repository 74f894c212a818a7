//! Addresses that a service answers by a function of its own: user pools' documents, and links to functions' code.

use std::sync::Arc;

use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use nephos_cognito::UserPools;
use nephos_core::{BoxFuture, Cx, Fault};
use nephos_lambda::Lambda;
use nephos_wire::{Body, HostHandler, Response, Visit};

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}

fn refused(fault: &Fault) -> Response {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::FORBIDDEN);
    plain(status, "the request was refused\n")
}

/// `/POOL/.well-known/jwks.json` and `openid-configuration`.
pub struct PoolDocuments(pub Arc<UserPools>);

impl HostHandler for PoolDocuments {
    fn visit<'a>(&'a self, cx: &'a Cx, visit: Visit) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            if !matches!(visit.method, Method::GET | Method::HEAD) {
                return plain(StatusCode::METHOD_NOT_ALLOWED, "expected GET or HEAD\n");
            }
            let document = visit.path.trim_start_matches("/.well-known/");
            match self.0.well_known(&cx.origin, &visit.name, document) {
                Ok(Some(json)) => {
                    let mut response = Response::new(Body::from(json));
                    let headers = response.headers_mut();
                    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
                    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
                    response
                }
                Ok(None) => plain(StatusCode::NOT_FOUND, "there is no such user pool or document\n"),
                Err(error) => {
                    tracing::error!(%error, "a user pool's document could not be made");
                    plain(StatusCode::INTERNAL_SERVER_ERROR, "the document could not be made\n")
                }
            }
        })
    }

    fn refuse(&self, _: &Cx, fault: &Fault) -> Response {
        refused(fault)
    }
}

/// The links to functions' code that GetFunction gives.
pub struct FunctionCode(pub Arc<Lambda>);

impl HostHandler for FunctionCode {
    fn visit<'a>(&'a self, _: &'a Cx, visit: Visit) -> BoxFuture<'a, Response> {
        Box::pin(async move { nephos_lambda::serve_code(&self.0, visit.path.trim_start_matches('/')).await })
    }

    fn refuse(&self, _: &Cx, fault: &Fault) -> Response {
        refused(fault)
    }
}
