//! A request, before it is signed and sent. Nothing is added that a test did not ask for, but `Host` and the length.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The path, percent-encoded.
    pub path: String,
    /// The query string, percent-encoded, without `?`.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Call {
    /// A request without headers and body. `target` is the path and perhaps a query.
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Call {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// A GET.
    pub fn get(target: &str) -> Self {
        Call::new("GET", target)
    }

    /// A PUT.
    pub fn put(target: &str, body: impl Into<Bytes>) -> Self {
        Call::new("PUT", target).body(body)
    }

    /// A call of a service that is told its operation by a header.
    pub fn target(target: &str, body: impl Into<Bytes>) -> Self {
        let call = Call::new("POST", "/").header("x-amz-target", target);
        call.header("content-type", "application/x-amz-json-1.1").body(body)
    }

    /// A form, as the query protocol has it.
    pub fn form(body: impl Into<Bytes>) -> Self {
        Call::new("POST", "/").header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// The same with a header more, or with another value for it.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        self
    }

    /// The same with a body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Path and query.
    pub fn uri(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}
