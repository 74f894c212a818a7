//! Function URLs as they are visited: who may, the event, the answer, the cross-origin rules.

mod answer;
mod cors;
mod event;

use http::{HeaderMap, Method, StatusCode};
use nephos_core::{Access, AccountId, BoxFuture, Cx, Fault, PolicyDocument, Region};
use nephos_store::Read;
use nephos_wire::{Admission, Body, HostHandler, Response, Visit};

use crate::names::{FunctionId, Owner, Reference};
use crate::records::{UrlOwnerRecord, UrlRecord};
use crate::{Error, Lambda, invoke, keys, resolve};
use cors::Rules;

const AUTH_NONE: &str = "NONE";
const SIGNING_NAME: &str = "lambda";
const FORBIDDEN: &str = "Forbidden. For troubleshooting Function URL authorization issues, see: \
                         https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";

/// A URL that was found, and the function behind it.
struct Found {
    reference: Reference,
    url: UrlRecord,
}

fn find(lambda: &Lambda, id: &str) -> Result<Option<Found>, Error> {
    lambda.deps.store.read(|view| {
        let Some(owner) = view.record::<UrlOwnerRecord>(&keys::url_id(id))? else { return Ok(None) };
        let Some(reference) = reference(owner) else { return Ok(None) };
        let key = keys::url(&reference.function, reference.qualifier.as_deref());
        let url = view.record(&key)?;
        Ok(url.map(|url| Found { reference, url }))
    })
}

fn reference(record: UrlOwnerRecord) -> Option<Reference> {
    let (account, region): (AccountId, Region) = (record.account.parse().ok()?, record.region.parse().ok()?);
    let function = FunctionId { owner: Owner { account, region }, name: record.function };
    Some(Reference { function, qualifier: record.qualifier })
}

impl HostHandler for Lambda {
    fn admission<'a>(&'a self, _: &'a Cx, visit: &'a Visit) -> BoxFuture<'a, Result<Admission, Response>> {
        Box::pin(std::future::ready(admit(self, visit)))
    }

    fn visit<'a>(&'a self, cx: &'a Cx, visit: Visit) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            match find(self, &visit.name) {
                Ok(Some(found)) => serve_function_url(self, cx, found, visit).await,
                Ok(None) => forbidden(),
                Err(error) => failed(&error),
            }
        })
    }

    fn refuse(&self, _: &Cx, fault: &Fault) -> Response {
        let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::FORBIDDEN);
        let status = if status.is_server_error() { status } else { StatusCode::FORBIDDEN };
        let text = if fault.message.is_empty() { FORBIDDEN } else { &fault.message };
        message(status, "Message", text)
    }
}

#[allow(clippy::result_large_err, reason = "the refusal is the whole answer, as the trait has it")]
fn admit(lambda: &Lambda, visit: &Visit) -> Result<Admission, Response> {
    let Some(found) = find(lambda, &visit.name).map_err(|error| failed(&error))? else {
        return Err(forbidden());
    };
    let preflight = found.url.cors.is_some() && cors::is_preflight(visit);
    if found.url.auth_type == AUTH_NONE || preflight {
        return Ok(Admission::Open);
    }
    Ok(Admission::Signed { service: SIGNING_NAME, max_body_bytes: invoke::MAX_SYNC_BYTES as u64 })
}

/// Answers one visit of a URL.
async fn serve_function_url(lambda: &Lambda, cx: &Cx, found: Found, mut visit: Visit) -> Response {
    let rules = found.url.cors.as_ref().map(Rules);
    if let Some(rules) = rules.filter(|_| cors::is_preflight(&visit)) {
        return rules.preflight(&visit.headers);
    }
    let origin = visit.headers.get(http::header::ORIGIN).cloned();
    let mut response = match authorize(lambda, cx, &found) {
        Ok(true) => {
            let body = std::mem::take(&mut visit.body).collect(invoke::MAX_SYNC_BYTES as u64).await;
            match body {
                Ok(body) => {
                    let event = event::build(cx, &found.url, &visit, &body).to_string();
                    drop(visit);
                    invoke_for(lambda, cx, &found, event).await
                }
                Err(_) => message(StatusCode::PAYLOAD_TOO_LARGE, "message", "Request Entity Too Large"),
            }
        }
        Ok(false) => forbidden(),
        Err(error) => failed(&error),
    };
    if let (Some(rules), Some(origin)) = (rules, origin) {
        rules.mark(&origin, response.headers_mut());
    }
    response
}

/// Since late in 2025 a URL needs both permissions: to use the URL, and to invoke the function through it.
fn authorize(lambda: &Lambda, cx: &Cx, found: &Found) -> Result<bool, Error> {
    let policy = lambda.deps.store.read(|view| resolve::policy(view, &found.reference))?;
    let policy = policy.map(|policy| PolicyDocument { json: policy.document().into() });
    let arn = found.reference.arn();
    let url = Access::on("lambda:InvokeFunctionUrl", &arn)
        .key("lambda:FunctionUrlAuthType", found.url.auth_type.clone())
        .policy(policy.clone());
    let function = Access::on("lambda:InvokeFunction", &arn)
        .key("lambda:InvokedViaFunctionUrl", "true")
        .key("lambda:FunctionUrlAuthType", found.url.auth_type.clone())
        .policy(policy);
    Ok(cx.authorize(&url).is_ok() && cx.authorize(&function).is_ok())
}

async fn invoke_for(lambda: &Lambda, cx: &Cx, found: &Found, event: String) -> Response {
    let owner = &found.reference.function.owner;
    let cx = Cx { account: owner.account, region: owner.region.clone(), ..cx.clone() };
    let request = invoke::Request {
        payload: event.into(),
        client_context: None,
        request_id: cx.request_id.to_string(),
        wants_tail: false,
    };
    match invoke::run(lambda, &cx, &found.reference, request).await {
        Ok((outcome, _)) if outcome.failed => broken(),
        Ok((outcome, _)) => answer::read(outcome.payload).unwrap_or_else(broken),
        Err(error) => failed(&error),
    }
}

fn message(status: StatusCode, key: &str, text: &str) -> Response {
    let body = serde_json::json!({ key: text }).to_string();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}

fn forbidden() -> Response {
    let mut response = message(StatusCode::FORBIDDEN, "Message", FORBIDDEN);
    let kind = http::HeaderValue::from_static("AccessDeniedException");
    response.headers_mut().insert("x-amzn-errortype", kind);
    response
}

/// The function failed, or answered something that is no answer.
fn broken() -> Response {
    let mut response = Response::new(Body::from("Internal Server Error"));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

fn failed(error: &Error) -> Response {
    match error {
        Error::Throttled(_) => message(StatusCode::TOO_MANY_REQUESTS, "message", "Rate Exceeded."),
        Error::NotFound(_) => forbidden(),
        Error::TooLarge(text) => message(StatusCode::PAYLOAD_TOO_LARGE, "message", text),
        other => {
            tracing::error!(error = %other, "a function URL could not be served");
            message(StatusCode::INTERNAL_SERVER_ERROR, "message", "Internal Server Error")
        }
    }
}

fn header(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_options(method: &Method) -> bool {
    *method == Method::OPTIONS
}
