//! Making signatures: for the command line, the test kit and whatever part of the platform gives out presigned URLs.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use nephos_core::Timestamp;

use crate::canonical::{Head, PathRules, canonical_request, string_to_sign};
use crate::chunked::{ChunkSeed, Trailer, canonical_trailers};
use crate::credential::Credential;
use crate::hex::{Hex64, sha256_hex};
use crate::key::SigningKey;
use crate::payload::Payload;
use crate::{ALGORITHM, uri};

/// Headers that stand between client and server may change, and that are therefore not signed.
const UNSIGNED: [&str; 8] = [
    "authorization",
    "connection",
    "expect",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
];

/// Signs as one access key for one region and service.
#[derive(Clone)]
pub struct Signer {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
    /// The token of temporary credentials.
    pub session_token: Option<String>,
    /// The region.
    pub region: String,
    /// The service's signing name.
    pub service: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// A header's value could not hold the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected text that a header can hold for {name}")]
pub struct NotAHeader {
    name: &'static str,
}

/// What is to be signed. The path and query are percent-encoded as they will be sent; `headers` must hold `host`.
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The path as it will be sent.
    pub path: &'a str,
    /// The query string as it will be sent, without `?`.
    pub query: &'a str,
}

impl Signer {
    /// The path rules of the signer's service.
    pub fn path_rules(&self) -> PathRules {
        if self.service == "s3" { PathRules::S3 } else { PathRules::Standard }
    }

    /// Signs a request by its headers: adds `x-amz-date`, the token, for S3 `x-amz-content-sha256`, and
    /// `authorization`. Every header that `headers` holds is signed, hop-by-hop ones excepted. The seed is what the
    /// chunks of an `aws-chunked` body are chained to.
    pub fn sign_headers(
        &self,
        request: &Request<'_>,
        headers: &mut HeaderMap,
        payload: &Payload,
        now: Timestamp,
    ) -> Result<ChunkSeed, NotAHeader> {
        let amz_date = now.amz_date();
        put(headers, "x-amz-date", &amz_date)?;
        if let Some(token) = &self.session_token {
            put(headers, "x-amz-security-token", token)?;
        }
        if self.path_rules() == PathRules::S3 {
            put(headers, "x-amz-content-sha256", payload.as_str())?;
        }
        let credential = self.credential(&amz_date);
        let signed = signed_names(headers);
        let head = Head { method: request.method, path: request.path, query: request.query, headers };
        let canonical = canonical_request(&head, self.path_rules(), &signed, payload.as_str());
        let (signature, key) = self.signature(&amz_date, &credential, &canonical);
        put(
            headers,
            "authorization",
            &format!(
                "{ALGORITHM} Credential={}, SignedHeaders={signed}, Signature={signature}",
                credential.as_str()
            ),
        )?;
        let scope = credential.scope().to_owned();
        Ok(ChunkSeed { key: Arc::new(key), amz_date, scope, previous: signature })
    }

    /// The query string of a presigned URL, signature included. Every header in `headers` is signed and must be sent
    /// by whoever uses the URL; `host` must be among them.
    pub fn presign(
        &self,
        request: &Request<'_>,
        headers: &HeaderMap,
        payload: &Payload,
        expires_secs: u64,
        now: Timestamp,
    ) -> String {
        let amz_date = now.amz_date();
        let credential = self.credential(&amz_date);
        let signed = signed_names(headers);
        let mut query = request.query.to_owned();
        let mut add = |name: &str, value: &str| {
            let separator = if query.is_empty() { "" } else { "&" };
            query.push_str(&format!("{separator}{name}={}", uri::encode(value)));
        };
        add("X-Amz-Algorithm", ALGORITHM);
        add("X-Amz-Credential", credential.as_str());
        add("X-Amz-Date", &amz_date);
        add("X-Amz-Expires", &expires_secs.to_string());
        add("X-Amz-SignedHeaders", &signed);
        if let Some(token) = &self.session_token {
            add("X-Amz-Security-Token", token);
        }
        let head = Head { method: request.method, path: request.path, query: &query, headers };
        let canonical = canonical_request(&head, self.path_rules(), &signed, payload.as_str());
        let (signature, _) = self.signature(&amz_date, &credential, &canonical);
        query.push_str("&X-Amz-Signature=");
        query.push_str(signature.as_str());
        query
    }

    /// The signature of a browser upload's policy, given as Base64, and the credential that goes with it.
    pub fn sign_policy(&self, policy_base64: &str, now: Timestamp) -> (String, Hex64) {
        let credential = self.credential(&now.amz_date());
        let key = SigningKey::derive(&self.secret_access_key, &credential);
        (credential.as_str().to_owned(), key.sign(policy_base64.as_bytes()))
    }

    fn credential(&self, amz_date: &str) -> Credential<'static> {
        let day = amz_date.get(..8).unwrap_or(amz_date);
        Credential::new(&self.access_key_id, day, &self.region, &self.service)
    }

    fn signature(
        &self,
        amz_date: &str,
        credential: &Credential<'_>,
        canonical: &[u8],
    ) -> (Hex64, SigningKey) {
        let key = SigningKey::derive(&self.secret_access_key, credential);
        (key.sign(&string_to_sign(amz_date, credential, canonical)), key)
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) -> Result<(), NotAHeader> {
    let value = HeaderValue::from_str(value).map_err(|_| NotAHeader { name })?;
    headers.insert(name, value);
    Ok(())
}

fn signed_names(headers: &HeaderMap) -> String {
    let mut names: Vec<&str> =
        headers.keys().map(http::HeaderName::as_str).filter(|name| !UNSIGNED.contains(name)).collect();
    names.sort_unstable();
    names.join(";")
}

/// Writes an `aws-chunked` body whose chunks are signed.
#[derive(Debug)]
pub struct ChunkSigner {
    seed: ChunkSeed,
}

impl ChunkSigner {
    /// Continues from a signed request.
    pub fn new(seed: ChunkSeed) -> Self {
        ChunkSigner { seed }
    }

    /// One chunk with its head. All but the last one with data must be of 8 KiB or more.
    pub fn chunk(&mut self, data: &[u8]) -> Vec<u8> {
        let mut out = self.head(data);
        out.extend_from_slice(data);
        out.extend_from_slice(b"\r\n");
        out
    }

    /// The end of a body without trailer.
    pub fn end(mut self) -> Vec<u8> {
        self.chunk(b"")
    }

    /// The end of a body with a signed trailer.
    pub fn end_with_trailers(mut self, trailers: &[Trailer]) -> Vec<u8> {
        let mut out = self.head(b"");
        for (name, value) in trailers {
            out.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
        }
        let signature = self.seed.sign_trailer(&canonical_trailers(trailers));
        out.extend_from_slice(format!("x-amz-trailer-signature:{signature}\r\n\r\n").as_bytes());
        out
    }

    fn head(&mut self, data: &[u8]) -> Vec<u8> {
        let signature = self.seed.sign_chunk(sha256_hex(data).as_str());
        format!("{:x};chunk-signature={signature}\r\n", data.len()).into_bytes()
    }
}
