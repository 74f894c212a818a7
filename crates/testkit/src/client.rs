//! A client of one platform: as somebody, in some region, under some name of the platform.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use nephos_core::{Clock, Timestamp};
use nephos_sigv4::{Payload, Signer, sign};
use nephos_wire::ServiceModel;
use serde_json::Value;

use crate::answer::Answer;
use crate::call::Call;
use crate::encode::encode;

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

impl Credentials {
    /// Long-term credentials.
    pub fn new(access_key_id: &str, secret_access_key: &str) -> Self {
        let (access_key_id, secret_access_key) = (access_key_id.to_owned(), secret_access_key.to_owned());
        Credentials { access_key_id, secret_access_key, session_token: None }
    }

    /// The well-known ones of `--dev`, of the default account.
    pub fn dev() -> Self {
        Credentials::new("test", "test")
    }

    /// Those in an answer of STS, IAM or an identity pool.
    #[track_caller]
    pub fn read(answer: &Answer) -> Self {
        Credentials {
            access_key_id: answer.get("AccessKeyId"),
            secret_access_key: answer.find("SecretAccessKey").unwrap_or_else(|| answer.get("SecretKey")),
            session_token: answer.find("SessionToken"),
        }
    }
}

/// A client.
#[derive(Clone)]
pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    host: String,
    region: String,
    credentials: Option<Credentials>,
}

impl Client {
    /// A client without credentials, which calls the platform `localhost`.
    pub fn new(address: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Client {
            http: Http::builder(TokioExecutor::new()).build(connector),
            address,
            host: format!("localhost:{}", address.port()),
            region: "us-east-1".to_owned(),
            credentials: None,
        }
    }

    /// The same client as somebody else.
    pub fn with(&self, credentials: Credentials) -> Self {
        Client { credentials: Some(credentials), ..self.clone() }
    }

    /// The same client as nobody.
    pub fn anonymous(&self) -> Self {
        Client { credentials: None, ..self.clone() }
    }

    /// The same client in another region.
    pub fn region(&self, region: &str) -> Self {
        Client { region: region.to_owned(), ..self.clone() }
    }

    /// The same client calling the platform by another name, as its `Host` header will say.
    pub fn host(&self, host: &str) -> Self {
        Client { host: host.to_owned(), ..self.clone() }
    }

    /// The platform's name and port, as this client says them.
    pub fn authority(&self) -> &str {
        &self.host
    }

    /// Where the platform listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The credentials.
    #[track_caller]
    pub fn credentials(&self) -> &Credentials {
        self.credentials.as_ref().expect("this client has no credentials")
    }

    /// Who signs for `service`.
    #[track_caller]
    pub fn signer(&self, service: &str) -> Signer {
        let credentials = self.credentials().clone();
        Signer {
            access_key_id: credentials.access_key_id,
            secret_access_key: credentials.secret_access_key,
            session_token: credentials.session_token,
            region: self.region.clone(),
            service: service.to_owned(),
        }
    }

    /// Calls an operation with its input as JSON, whatever the protocol; signed if there are credentials.
    pub async fn call(&self, service: &'static ServiceModel, operation: &str, input: Value) -> Answer {
        let call = encode(service, operation, &input);
        match self.credentials {
            Some(_) => self.send(self.sign(service.signing_name, call)).await,
            None => self.send(call).await,
        }
    }

    /// Signs and sends.
    pub async fn signed(&self, service: &str, call: Call) -> Answer {
        self.send(self.sign(service, call)).await
    }

    /// Sends as it is.
    pub async fn send(&self, call: Call) -> Answer {
        let shown = format!("{} {}", call.method, call.uri());
        match self.try_send(call).await {
            Ok(answer) => answer,
            Err(error) => panic!("{shown}: {error}"),
        }
    }

    /// The same, where the platform may be gone.
    pub async fn try_send(&self, call: Call) -> Result<Answer, String> {
        let uri = format!("http://{}{}", self.address, call.uri());
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = call.method.parse().map_err(|_| format!("{} is no method", call.method))?;
        *request.uri_mut() = uri.parse().map_err(|_| format!("{uri} is no URI"))?;
        *request.headers_mut() = call.headers;
        request.headers_mut().entry("host").or_insert(HeaderValue::from_str(&self.host).unwrap());
        let answer = self.http.request(request).await.map_err(|error| format!("{error:?}"))?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// Signs a request by its headers, now.
    pub fn sign(&self, service: &str, call: Call) -> Call {
        self.sign_at(service, call, real_now())
    }

    /// The same at another moment.
    pub fn sign_at(&self, service: &str, call: Call, at: Timestamp) -> Call {
        let payload = Payload::of(&call.body);
        sign_by(&self.signer(service), &self.host, call, &payload, at).0
    }

    /// A presigned request: its query holds the signature.
    pub fn presign(&self, service: &str, call: Call, seconds: u64, at: Timestamp) -> Call {
        let mut headers = call.headers.clone();
        headers.insert("host", HeaderValue::from_str(&self.host).unwrap());
        let payload = if service == "s3" { Payload::Unsigned } else { Payload::of(&call.body) };
        let request = sign::Request { method: &call.method, path: &call.path, query: &call.query };
        let query = self.signer(service).presign(&request, &headers, &payload, seconds, at);
        Call { query, ..call }
    }
}

/// Signs a request by its headers; the seed is what the chunks of an `aws-chunked` body are chained to.
pub fn sign_by(
    signer: &Signer,
    host: &str,
    mut call: Call,
    payload: &Payload,
    at: Timestamp,
) -> (Call, nephos_sigv4::chunked::ChunkSeed) {
    call.headers.insert("host", HeaderValue::from_str(host).unwrap());
    let request = sign::Request { method: &call.method, path: &call.path, query: &call.query };
    let seed = signer.sign_headers(&request, &mut call.headers, payload, at).unwrap();
    (call, seed)
}

/// Now, by the clock that clients have.
pub fn real_now() -> Timestamp {
    Clock::system().now()
}
