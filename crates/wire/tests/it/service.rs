//! A service of its own: its table, and its way from request to answer, with and without a codec.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use nephos_core::{
    Access, AccountId, Authorize, Clock, ContextKeys, Cx, Denied, Fault, Origin, Platform, Principal,
    RequestId,
};
use nephos_wire::service::invoke;
use nephos_wire::{Body, BodyError, OperationShape, Request, Service, ServiceModel};

use crate::round_trip::REST_XML;
use crate::shapes::{
    ConstrainRequest, MODEL, PutStreamRequest, PutStreamResponse, PutTextRequest, PutTextResponse, Unit, op,
};

/// Takes texts and gives them back; `forbidden` is what nobody may name.
struct Echo(&'static ServiceModel);

mod api {
    use super::{Echo, op, text_access};
    nephos_wire::operations! { Echo =>
        PutText(super::put_text, text_access);
        Constrain(super::constrain, |_: &Echo, _: &nephos_core::Cx, _: &super::ConstrainRequest| super::nothing());
        PutStream(stream super::put_stream, |_: &Echo, _: &nephos_core::Cx, _: &super::PutStreamRequest| super::nothing());
        Nothing(super::fail, public);
    }
}

impl Service for Echo {
    fn model(&self) -> &'static ServiceModel {
        self.0
    }

    fn call<'a>(
        &'a self,
        cx: &'a Cx,
        operation: &'static nephos_wire::Operation,
        request: Request,
    ) -> nephos_core::BoxFuture<'a, nephos_wire::Response> {
        Box::pin(nephos_wire::service::dispatch(self, self.0, api::ROWS, cx, operation, request))
    }

    fn invoke<'a>(
        &'a self,
        cx: &'a Cx,
        operation: &'static nephos_wire::Operation,
        input: nephos_wire::service::AnyShape,
    ) -> nephos_core::BoxFuture<'a, Result<nephos_wire::service::AnyShape, Fault>> {
        Box::pin(nephos_wire::service::dispatch_typed(self, self.0, api::ROWS, cx, operation, input))
    }
}

fn nothing() -> Result<Vec<Access>, Fault> {
    Ok(Vec::new())
}

fn text_access(_: &Echo, _: &Cx, input: &PutTextRequest) -> Result<Vec<Access>, Fault> {
    let resource = input.name.clone().unwrap_or_default();
    Ok(vec![Access { resource, ..Access::any("example:PutText") }])
}

async fn put_text(_: &Echo, _: &Cx, input: PutTextRequest) -> Result<PutTextResponse, Fault> {
    Ok(PutTextResponse { text: input.text.map(|text| text.to_uppercase()) })
}

async fn constrain(_: &Echo, _: &Cx, _: ConstrainRequest) -> Result<Unit, Fault> {
    Ok(Unit {})
}

async fn fail(_: &Echo, _: &Cx, _: Unit) -> Result<Unit, Fault> {
    Err(Fault::new("ThingGone", "gone").status(404))
}

async fn put_stream(
    _: &Echo,
    _: &Cx,
    input: PutStreamRequest,
    body: Body,
) -> Result<(PutStreamResponse, Body), Fault> {
    let bytes = body.collect(8).await.map_err(|error| match error {
        BodyError::TooLarge { limit } => Fault::validation(format!("more than {limit} bytes")),
        other => Fault::validation(other.to_string()),
    })?;
    Ok((PutStreamResponse { etag: input.name }, Body::from(bytes)))
}

/// Refuses whatever is called `forbidden`.
struct Policy;

impl Authorize for Policy {
    fn authorize(&self, _: &Cx, access: &Access) -> Result<(), Denied> {
        if access.resource == "forbidden" {
            return Err(Denied { message: format!("not authorized to perform: {}", access.action) });
        }
        Ok(())
    }
}

fn cx(principal: Principal) -> Cx {
    let origin = Origin { scheme: "http", authority: "localhost:4566".to_owned() };
    let platform =
        Platform { clock: Clock::system(), authorizer: Arc::new(Policy), public_origin: origin.clone() };
    Cx {
        principal: Arc::new(principal),
        account: AccountId::DEFAULT,
        region: Default::default(),
        request_id: RequestId::new(),
        origin,
        keys: Arc::new(ContextKeys::new()),
        deadline: None,
        platform: Arc::new(platform),
    }
}

fn root() -> Cx {
    cx(Principal::Root { account: AccountId::DEFAULT })
}

async fn call<O: OperationShape>(
    echo: &Echo,
    cx: &Cx,
    name: &str,
    body: &'static str,
) -> (u16, HeaderMap, String) {
    let request = Request {
        method: Method::from_bytes(O::OPERATION.method.as_bytes()).unwrap(),
        path: "/".to_owned(),
        query: Vec::new(),
        headers: HeaderMap::new(),
        labels: vec![("Name", name.to_owned())],
        body: Body::from(body),
    };
    let (parts, body) = echo.call(cx, O::OPERATION, request).await.into_parts();
    let body = body.collect(1 << 20).await.unwrap();
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_request_is_decoded_authorised_handled_and_encoded() {
    let echo = Echo(&MODEL);
    let (status, _, body) = call::<op::PutText>(&echo, &root(), "n", "text").await;
    assert_eq!((status, body.as_str()), (200, "TEXT"));
    let (status, headers, body) = call::<op::PutText>(&echo, &root(), "forbidden", "text").await;
    assert_eq!((status, headers["x-amzn-errortype"].to_str().unwrap()), (403, "AccessDeniedException"));
    assert!(body.contains("not authorized to perform: example:PutText"), "{body}");
}

#[tokio::test]
async fn the_typed_road_is_validated_and_authorised_too() {
    let echo = Echo(&MODEL);
    let put = |name: &str| PutTextRequest { name: Some(name.to_owned()), text: Some("text".to_owned()) };
    let output = invoke::<op::PutText>(&echo, &root(), put("n")).await.unwrap();
    assert_eq!(output.text.as_deref(), Some("TEXT"));
    let refused = invoke::<op::PutText>(&echo, &root(), put("forbidden")).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.status), ("AccessDeniedException", 403));
    let invalid = invoke::<op::PutText>(&echo, &root(), PutTextRequest::default()).await.unwrap_err();
    assert!(invalid.message.contains("Value null at 'name'"), "{invalid}");
    let stream = invoke::<op::PutStream>(&echo, &root(), PutStreamRequest::default()).await.unwrap_err();
    assert_eq!((stream.code.as_str(), stream.status), ("NotImplemented", 501), "streams have no typed road");
}

#[tokio::test]
async fn unsigned_callers_reach_only_what_is_public() {
    let (echo, nobody) = (Echo(&MODEL), cx(Principal::Anonymous));
    let (status, headers, _) = call::<op::PutText>(&echo, &nobody, "n", "").await;
    assert_eq!(
        (status, headers["x-amzn-errortype"].to_str().unwrap()),
        (403, "MissingAuthenticationTokenException")
    );
    let (status, _, body) = call::<op::Nothing>(&echo, &nobody, "n", "").await;
    assert_eq!(status, 404);
    assert!(body.contains("gone"), "{body}");
    // In restXml it is the policies that judge strangers, and a refusal tells them nothing.
    let echo = Echo(&REST_XML);
    assert_eq!(call::<op::PutText>(&echo, &nobody, "n", "x").await.2, "X");
    let (status, _, body) = call::<op::PutText>(&echo, &nobody, "forbidden", "x").await;
    assert_eq!(status, 403);
    assert!(body.contains("<Code>AccessDenied</Code><Message>Access Denied</Message>"), "{body}");
}

#[tokio::test]
async fn unreadable_and_invalid_bodies_never_reach_the_handler() {
    let echo = Echo(&MODEL);
    for (body, code) in [
        ("{", "InvalidRequestContentException"),
        ("[]", "InvalidRequestContentException"),
        ("{\"TableName\":1}", "InvalidRequestContentException"),
        ("{}", "ValidationException"),
    ] {
        let (status, headers, _) = call::<op::Constrain>(&echo, &root(), "", body).await;
        assert_eq!((status, headers["x-amzn-errortype"].to_str().unwrap()), (400, code), "{body}");
    }
    let right = r#"{"TableName":"abc","Password":"secret","Document":{"Id":"abc"}}"#;
    assert_eq!(call::<op::Constrain>(&echo, &root(), "", right).await.0, 200);
}

#[tokio::test]
async fn a_stream_passes_through_the_handler() {
    let echo = Echo(&MODEL);
    let (status, headers, body) = call::<op::PutStream>(&echo, &root(), "tag", "bytes").await;
    assert_eq!((status, headers["etag"].to_str().unwrap(), body.as_str()), (200, "tag", "bytes"));
    let (status, _, body) = call::<op::PutStream>(&echo, &root(), "tag", "far too many").await;
    assert_eq!(status, 400);
    assert!(body.contains("more than 8 bytes"), "{body}");
}

#[tokio::test]
async fn an_operation_without_a_row_is_not_implemented() {
    let (status, headers, body) = call::<op::PutDocument>(&Echo(&MODEL), &root(), "", "{}").await;
    assert_eq!((status, headers["x-amzn-errortype"].to_str().unwrap()), (501, "NotImplemented"));
    assert!(body.contains("Nephos does not implement wire-example:PutDocument."), "{body}");
}

#[tokio::test]
async fn bodies_hold_what_they_say() {
    let body = Body::from("12345");
    assert_eq!(body.length(), Some(5));
    assert_eq!(body.collect(5).await, Ok(Bytes::from_static(b"12345")));
    assert_eq!(Body::from("12345").collect(4).await, Err(BodyError::TooLarge { limit: 4 }));
    let stream = || Body::stream(Chunks(vec!["e", "cd", "ab"]));
    assert_eq!(stream().collect(5).await, Ok(Bytes::from_static(b"abcde")));
    assert_eq!(stream().collect(4).await, Err(BodyError::TooLarge { limit: 4 }));
    let mut body = stream();
    assert_eq!(body.chunk().await, Some(Ok(Bytes::from_static(b"ab"))));
    assert_eq!(Body::Empty.length(), Some(0));
}

/// Chunks that are still to come, the last first.
struct Chunks(Vec<&'static str>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, BodyError>>> {
        let chunk = self.0.pop().map(|text| Bytes::from_static(text.as_bytes()));
        std::task::Poll::Ready(chunk.map(|chunk| Ok(http_body::Frame::data(chunk))))
    }
}
