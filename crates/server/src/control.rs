//! The platform's own paths, `/_nephos/...`: the outbox, the clock, and the reset of all state.
//!
//! Without `--dev` every path but the health (which the gateway answers) needs the signature of a root user, for the
//! service name `nephos`; the ones that move time or wipe state are there under `--dev` only.

use std::sync::{Arc, Weak};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use nephos_core::{BoxFuture, Cx, Fault, Principal};
use nephos_iam::audit::Refusal;
use nephos_wire::{Admission, Body, HostHandler, Response, Visit};
use serde_json::{Value, json};

use crate::app::Running;

/// The largest body that these paths take, in bytes.
const MAX_BODY_BYTES: u64 = 64 << 10;
/// How far the clock may be moved at once: ten years, in seconds.
const MAX_ADVANCE_SECONDS: u64 = 10 * 366 * 86_400;

/// Answers the paths. Knows the running platform weakly, because the platform's gateway holds it.
pub struct Control {
    pub(crate) running: Weak<Running>,
    pub(crate) dev: bool,
}

impl HostHandler for Control {
    fn admission<'a>(&'a self, _: &'a Cx, _: &'a Visit) -> BoxFuture<'a, Result<Admission, Response>> {
        let admission = if self.dev {
            Admission::Open
        } else {
            Admission::Signed { service: "nephos", max_body_bytes: MAX_BODY_BYTES }
        };
        Box::pin(std::future::ready(Ok(admission)))
    }

    fn visit<'a>(&'a self, cx: &'a Cx, visit: Visit) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            let root = matches!(*cx.principal, Principal::Root { .. });
            if !self.dev && !root {
                return answer(
                    StatusCode::FORBIDDEN,
                    &json!({ "message": "expected the root user's credentials" }),
                );
            }
            let Some(running) = self.running.upgrade() else {
                return answer(
                    StatusCode::SERVICE_UNAVAILABLE,
                    &json!({ "message": "the platform is stopping" }),
                );
            };
            match self.act(&running, visit).await {
                Ok(value) => answer(StatusCode::OK, &value),
                Err((status, message)) => answer(status, &json!({ "message": message })),
            }
        })
    }

    fn refuse(&self, _: &Cx, fault: &Fault) -> Response {
        let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::FORBIDDEN);
        answer(status, &json!({ "code": fault.code, "message": fault.message }))
    }
}

type Outcome = Result<Value, (StatusCode, String)>;

impl Control {
    async fn act(&self, running: &Arc<Running>, visit: Visit) -> Outcome {
        let Visit { method, path, body, .. } = visit;
        let name = path.trim_start_matches("/_nephos/");
        match (&method, name) {
            (&Method::GET, "outbox") => outbox(running),
            (&Method::GET, "refusals") => Ok(refusals(running)),
            (_, "reset" | "clock") if !self.dev => {
                Err((StatusCode::FORBIDDEN, format!("{name} is there under --dev only")))
            }
            (&Method::GET, "clock") => Ok(clock(running)),
            (&Method::POST, "clock") => move_clock(running, body).await,
            (&Method::POST, "reset") => reset(running).await,
            (_, "outbox" | "refusals" | "clock" | "reset") => {
                Err((StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not for {path}")))
            }
            _ => Err((StatusCode::NOT_FOUND, format!("there is no {path}"))),
        }
    }
}

fn answer(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(format!("{value}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

fn outbox(running: &Running) -> Outcome {
    let messages = running.outbox.messages().map_err(|error| {
        tracing::error!(%error, "the outbox could not be read");
        (StatusCode::INTERNAL_SERVER_ERROR, "the outbox could not be read".to_owned())
    })?;
    Ok(json!({ "messages": messages }))
}

fn refusals(running: &Running) -> Value {
    json!({ "refusals": running.iam.refusals().iter().map(refusal).collect::<Vec<_>>() })
}

fn refusal(refusal: &Refusal) -> Value {
    let Refusal { principal, action, resource, .. } = refusal;
    json!({
        "at": refusal.at.iso8601_millis(),
        "request_id": refusal.request_id.as_str(),
        "principal": principal,
        "action": action,
        "resource": resource,
        "message": refusal.decision.message(principal, action, resource),
        "enforced": refusal.enforced,
    })
}

fn clock(running: &Running) -> Value {
    let clock = &running.platform.clock;
    json!({ "now": clock.now().iso8601_millis(), "ahead_seconds": clock.offset().as_secs() })
}

async fn move_clock(running: &Running, body: Body) -> Outcome {
    let bad = |text: &str| (StatusCode::BAD_REQUEST, text.to_owned());
    let body = body.collect(MAX_BODY_BYTES).await.map_err(|error| bad(&error.to_string()))?;
    let expected = "expected {\"advance_seconds\": N} of up to ten years, or {\"reset\": true}";
    let wish: Value = serde_json::from_slice(&body).map_err(|_| bad(expected))?;
    if wish["reset"] == true {
        running.platform.clock.reset();
        return Ok(clock(running));
    }
    let seconds = wish["advance_seconds"].as_u64().filter(|seconds| *seconds <= MAX_ADVANCE_SECONDS);
    running.platform.clock.advance(Duration::from_secs(seconds.ok_or_else(|| bad(expected))?));
    Ok(clock(running))
}

async fn reset(running: &Arc<Running>) -> Outcome {
    running.reset().await.map_err(|error| {
        tracing::error!(%error, "the state could not be wiped");
        (StatusCode::INTERNAL_SERVER_ERROR, "the state could not be wiped".to_owned())
    })?;
    Ok(json!({ "reset": true }))
}
