//! Answers: the body that goes out, the headers that every answer carries, and plain ones of our own.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use nephos_core::RequestId;
use nephos_wire::{Body, BodyError, Response};

use crate::connection::Running;

/// A body on its way out. The request counts as running until it is gone.
pub(crate) struct Outgoing {
    body: Body,
    _running: Running,
}

impl Outgoing {
    pub(crate) fn new(body: Body, running: Running) -> Self {
        Outgoing { body, _running: running }
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A short answer in plain text.
pub(crate) fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    let mut text: String = text.into();
    text.push('\n');
    with_type(status, "text/plain; charset=utf-8", text)
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    with_type(status, "application/json", value.to_string())
}

fn with_type(status: StatusCode, content_type: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Which ids an answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Ids {
    /// `x-amzn-RequestId`.
    #[default]
    Plain,
    /// S3's two, and `x-amzn-RequestId` besides, which tools look for everywhere.
    S3,
}

/// Puts the request's id into an answer.
pub(crate) fn identify(headers: &mut HeaderMap, ids: Ids, id: &RequestId) {
    put_if_absent(headers, "x-amzn-requestid", id.as_str());
    if ids == Ids::S3 {
        put_if_absent(headers, "x-amz-request-id", id.as_str());
        put_if_absent(headers, "x-amz-id-2", &nephos_wire::fault::host_id(id));
    }
}

fn put_if_absent(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let name = HeaderName::from_static(name);
    if !headers.contains_key(&name)
        && let Ok(value) = HeaderValue::from_str(value)
    {
        headers.insert(name, value);
    }
}
