//! A small signed client for the platform's own APIs.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use nephos_core::Clock;
use nephos_sigv4::{Payload, Signer, sign};
use nephos_wire::form;
use nephos_wire::xml::{Element, parse};
use serde_json::Value;

use crate::Failure;

/// The largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// How long a call may take; a function may run for fifteen minutes.
const DEADLINE: Duration = Duration::from_secs(16 * 60);

/// Credentials.
#[derive(Clone)]
pub struct Credentials {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
    /// The token of temporary credentials.
    pub session_token: Option<String>,
}

/// A client of one platform.
#[derive(Clone)]
pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    endpoint: String,
    authority: String,
    region: String,
    credentials: Credentials,
    clock: Clock,
}

/// A call: everything but where and by whom.
#[derive(Default)]
pub struct Call<'a> {
    /// The service's signing name.
    pub service: &'a str,
    /// The method.
    pub method: &'a str,
    /// The path, percent-encoded.
    pub path: String,
    /// The query string, percent-encoded.
    pub query: String,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
}

/// An answer.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Client {
    /// A client for the platform at `endpoint` (`http://host:port`).
    pub fn new(endpoint: &str, region: &str, credentials: Credentials) -> Result<Client, Failure> {
        let authority = endpoint.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let authority = authority.filter(|authority| !authority.is_empty() && !authority.contains('/'));
        let authority = authority
            .ok_or_else(|| format!("expected an endpoint such as http://localhost:4566, got {endpoint:?}"))?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        Ok(Client {
            http: Http::builder(TokioExecutor::new()).build(connector),
            endpoint: format!("http://{authority}"),
            authority: authority.to_owned(),
            region: region.to_owned(),
            credentials,
            clock: Clock::system(),
        })
    }

    /// `http://host:port`
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Makes a signed call.
    pub async fn call(&self, call: Call<'_>) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        let invalid = |name: &str| format!("expected text that a header can hold for {name}");
        headers.insert("host", HeaderValue::from_str(&self.authority).map_err(|_| invalid("host"))?);
        for (name, value) in &call.headers {
            headers.insert(*name, HeaderValue::from_str(value).map_err(|_| invalid(name))?);
        }
        let signer = Signer {
            access_key_id: self.credentials.access_key_id.clone(),
            secret_access_key: self.credentials.secret_access_key.clone(),
            session_token: self.credentials.session_token.clone(),
            region: self.region.clone(),
            service: call.service.to_owned(),
        };
        let request = sign::Request { method: call.method, path: &call.path, query: &call.query };
        signer
            .sign_headers(&request, &mut headers, &Payload::of(&call.body), self.clock.now())
            .map_err(|error| error.to_string())?;
        self.send(call, headers).await
    }

    async fn send(&self, call: Call<'_>, headers: HeaderMap) -> Result<Answer, Failure> {
        let mut uri = format!("{}{}", self.endpoint, call.path);
        if !call.query.is_empty() {
            uri = format!("{uri}?{}", call.query);
        }
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = call.method.parse().map_err(|_| format!("{} is no method", call.method))?;
        *request.uri_mut() = uri.parse().map_err(|_| format!("{uri} is no URI"))?;
        *request.headers_mut() = headers;
        let answer = tokio::time::timeout(DEADLINE, self.http.request(request)).await;
        let answer = answer.map_err(|_| format!("{} did not answer in time", self.endpoint))?;
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|error| format!("the answer ended early: {error}"))?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    fn unreachable(&self, error: &hyper_util::client::legacy::Error) -> Failure {
        if error.is_connect() {
            return format!(
                "no platform answers at {}; start one with `nephos serve`, or name it by --endpoint",
                self.endpoint
            );
        }
        format!("the call to {} failed: {error}", self.endpoint)
    }

    /// Whether a platform answers.
    pub async fn is_up(&self) -> bool {
        let call = Call { method: "GET", path: "/_nephos/health".to_owned(), ..Call::default() };
        let answer = tokio::time::timeout(Duration::from_secs(2), self.send(call, HeaderMap::new())).await;
        matches!(answer, Ok(Ok(answer)) if answer.status == StatusCode::OK)
    }

    /// Calls an operation of a query service.
    pub async fn query(
        &self,
        service: &str,
        version: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Element, Failure> {
        let mut body = format!("Action={action}&Version={version}");
        for (name, value) in parameters {
            body.push_str(&format!("&{}={}", form::encode(name), form::encode(value)));
        }
        let headers = vec![("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned())];
        let call = Call {
            service,
            method: "POST",
            path: "/".to_owned(),
            headers,
            body: body.into(),
            ..Call::default()
        };
        let answer = self.call(call).await?;
        let root = parse(&answer.body).ok().flatten().unwrap_or_default();
        if answer.status.is_success() {
            return Ok(root);
        }
        Err(find(&root, "Message")
            .map_or_else(|| format!("{action}: {}", answer.status), |message| message.text.clone()))
    }

    /// Calls an operation of a JSON service.
    pub async fn json(&self, service: &str, target: &str, input: &Value) -> Result<Value, Failure> {
        let headers = vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", target.to_owned()),
        ];
        let body = input.to_string().into();
        let call = Call { service, method: "POST", path: "/".to_owned(), headers, body, ..Call::default() };
        self.call(call).await?.json()
    }

    /// Reads one of the platform's own paths.
    pub async fn platform(&self, path: &str) -> Result<Value, Failure> {
        let call =
            Call { service: "nephos", method: "GET", path: format!("/_nephos/{path}"), ..Call::default() };
        self.call(call).await?.json()
    }

    /// Puts an object.
    pub async fn put_object(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        headers: Vec<(&'static str, String)>,
    ) -> Result<(), Failure> {
        let path = format!("/{bucket}/{}", form::encode_path(key));
        let answer =
            self.call(Call { service: "s3", method: "PUT", path, headers, body, ..Call::default() }).await?;
        answer.success(&format!("putting s3://{bucket}/{key}"))
    }

    /// Whether an object is there.
    pub async fn has_object(&self, bucket: &str, key: &str) -> Result<bool, Failure> {
        let path = format!("/{bucket}/{}", form::encode_path(key));
        let answer = self.call(Call { service: "s3", method: "HEAD", path, ..Call::default() }).await?;
        Ok(answer.status.is_success())
    }

    /// Makes a bucket, unless it is there and ours.
    pub async fn make_bucket(&self, bucket: &str) -> Result<(), Failure> {
        let path = format!("/{bucket}");
        let head =
            self.call(Call { service: "s3", method: "HEAD", path: path.clone(), ..Call::default() }).await?;
        if head.status.is_success() {
            return Ok(());
        }
        let place = format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>",
            self.region
        );
        let body = if self.region == "us-east-1" { Bytes::new() } else { Bytes::from(place) };
        let answer = self.call(Call { service: "s3", method: "PUT", path, body, ..Call::default() }).await?;
        answer.success(&format!("making the bucket {bucket}"))
    }
}

impl Answer {
    /// The body as JSON; a fault's message if the call failed.
    pub fn json(self) -> Result<Value, Failure> {
        let value: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        if self.status.is_success() {
            return Ok(value);
        }
        let text = ["message", "Message"].iter().find_map(|name| value[name].as_str());
        Err(text.map_or_else(|| format!("the platform answered {}", self.status), str::to_owned))
    }

    fn success(self, what: &str) -> Result<(), Failure> {
        if self.status.is_success() {
            return Ok(());
        }
        let root = parse(&self.body).ok().flatten().unwrap_or_default();
        let text =
            find(&root, "Message").map_or_else(|| self.status.to_string(), |message| message.text.clone());
        Err(format!("{what}: {text}"))
    }
}

/// The first element of a name, however deep.
pub fn find<'a>(root: &'a Element, name: &str) -> Option<&'a Element> {
    if root.name == name {
        return Some(root);
    }
    root.children.iter().find_map(|child| find(child, name))
}

/// The text of a direct child.
pub fn child<'a>(element: &'a Element, name: &str) -> Option<&'a str> {
    element.children.iter().find(|child| child.name == name).map(|child| child.text.as_str())
}
