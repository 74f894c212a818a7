//! A client that sends exactly what a test wrote.

use std::net::SocketAddr;

use http::HeaderMap;
use nephos_core::Timestamp;
use nephos_sigv4::sign::Request;
use nephos_sigv4::{Payload, Signer, sha256_hex, uri, v2};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::fakes::now;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.body))
    }

    /// A field of what an echo said.
    pub fn field(&self, name: &str) -> String {
        match &self.json()[name] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A connection.
pub struct Client(BufReader<TcpStream>);

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Client(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    /// Sends as far as the other side takes it.
    pub async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.get_mut().write_all(bytes).await
    }

    pub async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    /// Whether the other side has closed.
    pub async fn is_closed(&mut self) -> bool {
        let mut one = [0];
        matches!(self.0.read(&mut one).await, Ok(0) | Err(_))
    }

    /// Reads one answer that has a length.
    pub async fn answer(&mut self, is_head: bool) -> Answer {
        let status = self.line().await;
        let status =
            status.split(' ').nth(1).unwrap_or_else(|| panic!("no status in {status:?}")).parse().unwrap();
        let mut headers = HeaderMap::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(':') else { break };
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, value.trim().parse().unwrap());
        }
        let length = headers.get("content-length").map_or(0, |v| v.to_str().unwrap().parse().unwrap());
        let mut body = vec![0; if is_head { 0 } else { length }];
        self.0.read_exact(&mut body).await.unwrap();
        Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
    }
}

/// A request to be sent.
#[derive(Clone)]
pub struct Call {
    pub method: &'static str,
    pub host: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// When it is signed.
    pub at: Timestamp,
}

impl Call {
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }

    pub fn new(method: &'static str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Call {
            method,
            host: "localhost:4566".to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            at: now(),
        }
    }

    pub fn host(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, value.parse().unwrap());
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    fn request(&self) -> Request<'_> {
        Request { method: self.method, path: &self.path, query: &self.query }
    }

    pub fn signed(self, signer: &Signer) -> Self {
        let payload = Payload::Sha256(sha256_hex(&self.body));
        self.signed_with(signer, &payload)
    }

    pub fn signed_with(mut self, signer: &Signer, payload: &Payload) -> Self {
        let mut headers = self.headers.clone();
        headers.insert("host", self.host.parse().unwrap());
        signer.sign_headers(&self.request(), &mut headers, payload, self.at).unwrap();
        headers.remove("host");
        self.headers = headers;
        self
    }

    pub fn presigned(mut self, signer: &Signer, payload: &Payload) -> Self {
        let mut headers = self.headers.clone();
        headers.insert("host", self.host.parse().unwrap());
        self.query = signer.presign(&self.request(), &headers, payload, 60, self.at);
        self
    }

    /// Presigned by version 2, as botocore does: `resource` is the bucket, the path and the signed parameters, `signed`
    /// the headers that go into the query string.
    pub fn presigned_v2(mut self, resource: &str, signed: &[(&str, &str)]) -> Self {
        let expires = self.at.secs() + 60;
        let value = |name: &str| signed.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value);
        let (md5, content_type) = (value("content-md5"), value("content-type"));
        let mut text = format!("{}\n{md5}\n{content_type}\n{expires}\n", self.method);
        for (name, value) in signed.iter().filter(|(name, _)| name.starts_with("x-amz-")) {
            text.push_str(&format!("{name}:{value}\n"));
        }
        text.push_str(resource);
        let key = if value("x-amz-security-token").is_empty() { "AKID" } else { "ASIA" };
        let (expires, signature) = (expires.to_string(), v2::sign("secret", text.as_bytes()));
        let of_signature = [("AWSAccessKeyId", key), ("Signature", &*signature), ("Expires", &*expires)];
        for (name, value) in of_signature.iter().chain(signed) {
            let separator = if self.query.is_empty() { "" } else { "&" };
            self.query.push_str(&format!("{separator}{name}={}", uri::encode(value)));
        }
        self
    }

    /// The head as it goes over the wire, without a length.
    pub fn head(&self) -> String {
        let target =
            if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) };
        let mut text = format!("{} {target} HTTP/1.1\r\nhost: {}\r\n", self.method, self.host);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        text
    }

    pub async fn send(&self, address: SocketAddr) -> Answer {
        let mut client = Client::connect(address).await;
        self.send_on(&mut client).await
    }

    pub async fn send_on(&self, client: &mut Client) -> Answer {
        let mut bytes = self.head().into_bytes();
        bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", self.body.len()).as_bytes());
        bytes.extend_from_slice(&self.body);
        // A refusal may come while we are still sending.
        let _ = client.try_send(&bytes).await;
        client.answer(self.method == "HEAD").await
    }
}

/// A call of a JSON service.
pub fn json_call(target: &str, body: &str) -> Call {
    Call::new("POST", "/")
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.0")
        .body(body)
}

/// A call of a query service.
pub fn form_call(body: &str) -> Call {
    Call::new("POST", "/").header("content-type", "application/x-www-form-urlencoded").body(body)
}
