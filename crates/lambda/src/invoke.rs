//! Invoke: now, later, or not at all.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nephos_core::ports::{Invoke, InvokeFunction, InvokeMode, InvokeOutcome};
use nephos_core::{Access, BoxFuture, Cx, Fault, PolicyDocument, RequestId, random};
use nephos_wire::Body;
use serde::de::IgnoredAny;

use crate::asynchronous::{self, QueuedEvent};
use crate::names::Reference;
use crate::plane::{Call, FunctionSpec, Outcome};
use crate::shapes::{InvocationRequest, InvocationResponse, InvokeAsyncRequest, InvokeAsyncResponse};
use crate::{Error, Lambda, resolve};

/// The most bytes of a synchronous event.
pub const MAX_SYNC_BYTES: usize = 6 * 1024 * 1024;
/// The most bytes of an asynchronous event.
pub const MAX_ASYNC_BYTES: usize = 1024 * 1024;
const MAX_CLIENT_CONTEXT_BYTES: usize = 3_583;

/// Invoke.
pub async fn invoke(lambda: &Lambda, cx: &Cx, input: InvocationRequest) -> Result<InvocationResponse, Error> {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    let refused = [("TenantId", &input.tenant_id), ("DurableExecutionName", &input.durable_execution_name)];
    if let Some((member, _)) = refused.iter().find(|(_, value)| value.is_some()) {
        return Err(Error::unsupported(member));
    }
    let client_context = input.client_context.as_deref().map(client_context).transpose()?;
    let payload = input.payload.unwrap_or_default();
    match input.invocation_type.as_deref() {
        Some("DryRun") => {
            lambda.deps.store.read(|view| resolve::for_invocation(view, &lambda.config, &reference))?;
            Ok(InvocationResponse { status_code: Some(204), ..InvocationResponse::default() })
        }
        Some("Event") => {
            let event = Event { payload, client_context, request_id: cx.request_id.to_string() };
            queue(lambda, cx, reference, event).await?;
            Ok(InvocationResponse { status_code: Some(202), ..InvocationResponse::default() })
        }
        _ => {
            let request = Request {
                payload: checked(payload, MAX_SYNC_BYTES, "RequestResponse")?,
                client_context,
                request_id: cx.request_id.to_string(),
                wants_tail: input.log_type.as_deref() == Some("Tail"),
            };
            let (outcome, version) = run(lambda, cx, &reference, request).await?;
            Ok(InvocationResponse {
                status_code: Some(200),
                function_error: outcome.failed.then(|| "Unhandled".to_owned()),
                log_result: outcome.log_tail.map(|tail| STANDARD.encode(tail)),
                payload: Some(outcome.payload),
                executed_version: Some(version),
                ..InvocationResponse::default()
            })
        }
    }
}

/// InvokeAsync, the operation before `InvocationType: Event`.
pub async fn invoke_async(
    lambda: &Lambda,
    cx: &Cx,
    input: InvokeAsyncRequest,
    body: Body,
) -> Result<(InvokeAsyncResponse, Body), Error> {
    let reference = Reference::parse(cx, input.function_name.as_deref(), None)?;
    let limit = MAX_ASYNC_BYTES as u64 + 1;
    let payload =
        body.collect(limit).await.map_err(|_| too_large(MAX_ASYNC_BYTES + 1, MAX_ASYNC_BYTES, "Event"))?;
    let event = Event { payload, client_context: None, request_id: cx.request_id.to_string() };
    queue(lambda, cx, reference, event).await?;
    Ok((InvokeAsyncResponse { status: Some(202) }, Body::Empty))
}

/// A synchronous invocation whose payload was found good.
pub struct Request {
    /// The event.
    pub payload: Bytes,
    /// What the calling application says of itself.
    pub client_context: Option<String>,
    /// The invocation's id.
    pub request_id: String,
    /// Whether the answer carries the end of the log.
    pub wants_tail: bool,
}

/// Runs an authorised invocation; what came of it, and the version that ran.
pub async fn run(
    lambda: &Lambda,
    cx: &Cx,
    reference: &Reference,
    request: Request,
) -> Result<(Outcome, String), Error> {
    let (version, limit) =
        lambda.deps.store.read(|view| resolve::for_invocation(view, &lambda.config, reference))?;
    let sampled = version.tracing == "Active";
    let call = Call {
        payload: request.payload,
        invoked_arn: reference.arn().to_string(),
        trace: trace(cx, sampled),
        client_context: request.client_context,
        identity: cognito_identity(cx),
        wants_tail: request.wants_tail,
        request_id: request.request_id,
    };
    let label = version.label();
    let spec = FunctionSpec { function: reference.function.clone(), version };
    Ok((lambda.plane.invoke(spec, call, limit).await?, label))
}

struct Event {
    payload: Bytes,
    client_context: Option<String>,
    request_id: String,
}

async fn queue(lambda: &Lambda, cx: &Cx, reference: Reference, event: Event) -> Result<(), Error> {
    let payload = checked(event.payload, MAX_ASYNC_BYTES, "Event")?;
    lambda.deps.store.read(|view| resolve::for_invocation(view, &lambda.config, &reference))?;
    let queued = QueuedEvent::new(&reference, &payload, cx.now(), event.request_id, event.client_context);
    asynchronous::put(lambda, &queued, cx.now()).await
}

fn too_large(size: usize, limit: usize, kind: &str) -> Error {
    Error::TooLarge(format!(
        "{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
    ))
}

/// A payload that is JSON and not too large; none is an empty object.
pub fn checked(payload: Bytes, limit: usize, kind: &str) -> Result<Bytes, Error> {
    if payload.len() > limit {
        return Err(too_large(payload.len(), limit, kind));
    }
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<IgnoredAny>(&payload) {
        Ok(_) => Ok(payload),
        Err(error) => Err(Error::InvalidContent(format!(
            "Could not parse request body into json: Could not parse payload into json: {error}"
        ))),
    }
}

/// The client context as one line of JSON, fit for a header.
fn client_context(encoded: &str) -> Result<String, Error> {
    let invalid =
        || Error::InvalidContent("Client context must be a valid Base64-encoded JSON object.".to_owned());
    if encoded.len() > MAX_CLIENT_CONTEXT_BYTES {
        return Err(invalid());
    }
    let bytes = STANDARD.decode(encoded).map_err(|_| invalid())?;
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
    if value.is_object() { Ok(value.to_string()) } else { Err(invalid()) }
}

/// Which Cognito identity calls, where the caller's session says so.
fn cognito_identity(cx: &Cx) -> Option<String> {
    let keys = &cx.principal.session()?.keys;
    let one = |name: &str| keys.get(name).and_then(|values| values.first());
    let identity = one("cognito-identity.amazonaws.com:sub")?;
    let pool = one("cognito-identity.amazonaws.com:aud");
    Some(serde_json::json!({ "cognitoIdentityId": identity, "cognitoIdentityPoolId": pool }).to_string())
}

fn trace(cx: &Cx, sampled: bool) -> String {
    let (root, parent) = (random::hex(&random::bytes::<12>()), random::hex(&random::bytes::<8>()));
    format!("Root=1-{:08x}-{root};Parent={parent};Sampled={}", cx.now().secs(), u8::from(sampled))
}

/// What an invocation must be allowed to do, with the policy of what it names.
pub fn access(lambda: &Lambda, reference: &Reference) -> Result<Access, Error> {
    let policy = lambda.deps.store.read(|view| resolve::policy(view, reference))?;
    let policy = policy.map(|policy| PolicyDocument { json: policy.document().into() });
    Ok(Access::on("lambda:InvokeFunction", &reference.arn()).policy(policy))
}

async fn invoke_inside(lambda: &Lambda, cx: &Cx, call: InvokeFunction) -> Result<InvokeOutcome, Error> {
    let reference = Reference::parse(cx, Some(&call.function), None)?;
    cx.authorize(&access(lambda, &reference)?)?;
    // Each invocation has an id of its own: the context may be that of work which invokes many.
    let request_id = RequestId::new().to_string();
    if call.mode == InvokeMode::Event {
        let event = Event { payload: call.payload, client_context: None, request_id };
        queue(lambda, cx, reference, event).await?;
        return Ok(InvokeOutcome { payload: Bytes::new(), function_error: None });
    }
    let payload = checked(call.payload, MAX_SYNC_BYTES, "RequestResponse")?;
    let request = Request { payload, client_context: None, request_id, wants_tail: false };
    let (outcome, _) = run(lambda, cx, &reference, request).await?;
    let function_error = outcome.failed.then(|| "Unhandled".to_owned());
    Ok(InvokeOutcome { payload: outcome.payload, function_error })
}

impl Invoke for Lambda {
    fn invoke<'a>(&'a self, cx: &'a Cx, call: InvokeFunction) -> BoxFuture<'a, Result<InvokeOutcome, Fault>> {
        Box::pin(async move { invoke_inside(self, cx, call).await.map_err(Fault::from) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_json_within_limits() {
        assert_eq!(checked(Bytes::new(), 10, "Event").unwrap(), "{}");
        assert_eq!(checked(Bytes::from_static(b"[1]"), 10, "Event").unwrap(), "[1]");
        assert!(matches!(checked(Bytes::from_static(b"hello"), 10, "Event"), Err(Error::InvalidContent(_))));
        let large = checked(Bytes::from(vec![b'1'; 11]), 10, "Event").unwrap_err();
        assert_eq!(
            large.to_string(),
            "11 byte payload is too large for the Event invocation type (limit 10 bytes)"
        );
    }

    #[test]
    fn client_contexts_become_one_line() {
        let encoded = STANDARD.encode("{\n  \"custom\": {\"a\": 1}\r\n}");
        assert_eq!(client_context(&encoded).unwrap(), r#"{"custom":{"a":1}}"#);
        for bad in ["%", &STANDARD.encode("[1]"), &STANDARD.encode("x"), &"A".repeat(4000)] {
            assert!(client_context(bad).is_err());
        }
    }
}
