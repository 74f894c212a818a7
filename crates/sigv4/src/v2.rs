//! S3's Signature Version 2: URLs that are signed in their query string, and browsers' forms. Several SDKs still presign
//! with it by themselves. The version's `Authorization` header is not here: nobody sends it unasked any more.
//!
//! The signature covers the method, `Content-MD5`, `Content-Type`, the moment of expiry, every `x-amz-` header and
//! parameter, the path as it came, and the parameters that choose what is done ([`SUBRESOURCES`]). Those headers may
//! stand in the query string instead, where SDKs put them; a header that was sent goes before its parameter, for the
//! signature as for [`QueryClaim::headers`], so that what is verified is what is used.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use nephos_core::Timestamp;

use crate::canonical::Head;
use crate::payload::Payload;
use crate::uri;

/// What `s3:signatureversion` says of it.
pub const VERSION: &str = "AWS";

/// How far ahead a URL may expire, in seconds: twenty years. S3 has no bound here and old applications give moments like
/// 2038-01-19, but a date in milliseconds is a mistake that would last for ever.
pub const MAX_AHEAD_SECS: u64 = 20 * 365 * 86_400;

/// The parameters that are signed: every one that chooses an operation or overrides a header of the answer. Were one
/// missing, somebody could turn a URL into another operation than its signer meant.
pub const SUBRESOURCES: [&str; 52] = [
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "annotation",
    "attributes",
    "cors",
    "defaultObjectAcl",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "select-type",
    "session",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// Why a signature of this version is not good. The texts are S3's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// One of the three parameters is missing.
    #[error("Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")]
    Incomplete,
    /// A parameter came twice, or is no text.
    #[error("{name} must be given once, as text.")]
    Parameter {
        /// Its name.
        name: String,
    },
    /// Another signature came beside it.
    #[error(
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"
    )]
    TwoMechanisms,
    /// The moment of expiry is none, or is further ahead than [`MAX_AHEAD_SECS`].
    #[error("Invalid date (should be seconds since epoch): {got}")]
    Expires {
        /// What came.
        got: String,
    },
    /// The URL's time is over.
    #[error("Request has expired")]
    Expired {
        /// When it was.
        at: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// The signature is another than the secret makes.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your key and signing method."
    )]
    Mismatch(Box<Mismatch>),
}

/// What the signature should have been made over. It goes back to the client that sent it and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Who was said to sign.
    pub access_key_id: String,
    /// The string to sign.
    pub string_to_sign: String,
    /// The signature that came.
    pub provided: String,
}

impl std::fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mismatch").finish_non_exhaustive()
    }
}

/// The signature of `text`.
pub fn sign(secret: &str, text: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, text))
}

fn check(access_key_id: &str, secret: &str, text: &[u8], provided: &str) -> Result<(), Refusal> {
    let expected = sign(secret, text);
    // The length of a signature is no secret.
    verify_slices_are_equal(expected.as_bytes(), provided.as_bytes()).map_err(|_| {
        Refusal::Mismatch(Box::new(Mismatch {
            access_key_id: access_key_id.to_owned(),
            string_to_sign: String::from_utf8_lossy(text).into_owned(),
            provided: provided.to_owned(),
        }))
    })
}

/// The signature that a query string shows: well-formed, but believed by nobody yet.
#[derive(Clone)]
pub struct QueryClaim<'a> {
    /// Who signs.
    pub access_key_id: Cow<'a, str>,
    /// The session token, of temporary credentials.
    pub session_token: Option<String>,
    /// What it says of the body; absent where it says nothing.
    pub payload: Option<Payload>,
    expires: Cow<'a, str>,
    expires_at: Timestamp,
    signature: String,
    /// The signed headers by their lower-case names, wherever they stood.
    headers: BTreeMap<String, Vec<u8>>,
    /// Those of them that stood in the query string.
    brought: Vec<String>,
}

impl std::fmt::Debug for QueryClaim<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryClaim").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Whether a query string shows a signature of this version, whole or in part.
pub fn is_shown(query: &str) -> bool {
    has_parameter(query, &["AWSAccessKeyId", "Signature"])
}

fn has_parameter(query: &str, names: &[&str]) -> bool {
    uri::raw_pairs(query.as_bytes())
        .any(|(name, _)| names.iter().any(|wanted| uri::decode_query(name).as_ref() == wanted.as_bytes()))
}

/// The parameters that make the signature.
#[derive(Default)]
struct Parameters<'a> {
    access_key_id: Option<Cow<'a, str>>,
    signature: Option<Cow<'a, str>>,
    expires: Option<Cow<'a, str>>,
    headers: BTreeMap<String, Vec<u8>>,
}

/// Whether a header is part of the signature. The request's own date is not: the moment of expiry stands for it.
fn is_signed(name: &str) -> bool {
    matches!(name, "content-md5" | "content-type") || name.starts_with("x-amz-") && name != "x-amz-date"
}

fn text(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

impl<'a> Parameters<'a> {
    fn read(query: &'a str) -> Result<Self, Refusal> {
        let mut found = Parameters::default();
        for (name, value) in uri::raw_pairs(query.as_bytes()) {
            let name = String::from_utf8_lossy(&uri::decode_query(name)).into_owned();
            let value = uri::decode_query(value);
            let slot = match name.as_str() {
                "AWSAccessKeyId" => &mut found.access_key_id,
                "Signature" => &mut found.signature,
                "Expires" => &mut found.expires,
                other => {
                    let header = other.to_ascii_lowercase();
                    if is_signed(&header) && found.headers.insert(header, value.into_owned()).is_some() {
                        return Err(Refusal::Parameter { name });
                    }
                    continue;
                }
            };
            let Some(value) = text(value) else { return Err(Refusal::Parameter { name }) };
            if slot.replace(value).is_some() {
                return Err(Refusal::Parameter { name });
            }
        }
        Ok(found)
    }
}

/// Every value of a header, trimmed, with commas between.
fn joined(headers: &HeaderMap, name: &http::HeaderName) -> Vec<u8> {
    let values: Vec<&[u8]> =
        headers.get_all(name).iter().map(|value| value.as_bytes().trim_ascii()).collect();
    values.join(&b","[..])
}

/// Reads the signature that a query string shows; `None` where it shows none.
pub fn parse<'a>(head: &Head<'a>) -> Result<Option<QueryClaim<'a>>, Refusal> {
    if !is_shown(head.query) {
        return Ok(None);
    }
    let by_header = head.headers.get_all(AUTHORIZATION).iter().any(|it| it.as_bytes().starts_with(b"AWS"));
    if by_header || has_parameter(head.query, &["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"]) {
        return Err(Refusal::TwoMechanisms);
    }
    let found = Parameters::read(head.query)?;
    let (Some(access_key_id), Some(signature), Some(expires)) =
        (found.access_key_id, found.signature, found.expires)
    else {
        return Err(Refusal::Incomplete);
    };
    let expires_at = expires.parse().ok().filter(|secs| *secs >= 0).map(Timestamp::from_secs);
    let expires_at = expires_at.ok_or_else(|| Refusal::Expires { got: expires.clone().into_owned() })?;
    let mut headers = found.headers;
    let mut brought: Vec<String> = headers.keys().cloned().collect();
    for name in head.headers.keys().filter(|name| is_signed(name.as_str())) {
        headers.insert(name.as_str().to_owned(), joined(head.headers, name));
        brought.retain(|other| other != name.as_str());
    }
    let value = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
    let payload = match value("x-amz-content-sha256") {
        Some(text) => Some(
            Payload::parse(&text).ok_or(Refusal::Parameter { name: "x-amz-content-sha256".to_owned() })?,
        ),
        None => None,
    };
    Ok(Some(QueryClaim {
        access_key_id,
        session_token: value("x-amz-security-token"),
        payload,
        expires,
        expires_at,
        // A plus sign that was not escaped reads as a space, which no signature has.
        signature: signature.replace(' ', "+"),
        headers,
        brought,
    }))
}

impl QueryClaim<'_> {
    /// What needs no secret to see: that it is valid at `now`.
    pub fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        if now > self.expires_at {
            return Err(Refusal::Expired { at: self.expires_at, now });
        }
        if self.expires_at > now + Duration::from_secs(MAX_AHEAD_SECS) {
            return Err(Refusal::Expires { got: self.expires.clone().into_owned() });
        }
        Ok(())
    }

    /// Recomputes the signature with `secret` over the request as it came and compares in constant time. `bucket` is
    /// the one that the host names, if it does. Call [`QueryClaim::check`] first.
    pub fn verify(&self, head: &Head<'_>, bucket: Option<&str>, secret: &str) -> Result<(), Refusal> {
        check(&self.access_key_id, secret, &self.string_to_sign(head, bucket), &self.signature)
    }

    /// The headers that stood in the query string, the session token excepted.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let brought = self.brought.iter().filter(|name| *name != "x-amz-security-token");
        brought.filter_map(|name| Some((name.as_str(), self.headers.get(name)?.as_slice())))
    }

    fn string_to_sign(&self, head: &Head<'_>, bucket: Option<&str>) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        let value = |name: &str| self.headers.get(name).map_or(&[][..], |value| value.trim_ascii());
        let lines =
            [head.method.as_bytes(), value("content-md5"), value("content-type"), self.expires.as_bytes()];
        for line in lines {
            out.extend_from_slice(line);
            out.push(b'\n');
        }
        for (name, value) in self.headers.iter().filter(|(name, _)| name.starts_with("x-amz-")) {
            out.extend_from_slice(name.as_bytes());
            out.push(b':');
            out.extend_from_slice(value.trim_ascii());
            out.push(b'\n');
        }
        resource_into(&mut out, head, bucket);
        out
    }
}

/// Appends the bucket, the path as it came, and the signed parameters in order of their names, their values decoded.
fn resource_into(out: &mut Vec<u8>, head: &Head<'_>, bucket: Option<&str>) {
    if let Some(bucket) = bucket {
        out.push(b'/');
        out.extend_from_slice(bucket.as_bytes());
    }
    out.extend_from_slice(if head.path.is_empty() { b"/" } else { head.path.as_bytes() });
    let decoded = |(name, value)| (uri::decode_query(name), uri::decode_query(value));
    let mut signed: Vec<(Cow<'_, [u8]>, Cow<'_, [u8]>)> = uri::raw_pairs(head.query.as_bytes())
        .map(decoded)
        .filter(|(name, _)| SUBRESOURCES.iter().any(|known| known.as_bytes() == name.as_ref()))
        .collect();
    signed.sort_by(|a, b| a.0.cmp(&b.0));
    for (at, (name, value)) in signed.iter().enumerate() {
        out.push(if at == 0 { b'?' } else { b'&' });
        out.extend_from_slice(name);
        if !value.is_empty() {
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }
}

/// The signature of a browser's form, over the policy's Base64 text.
#[derive(Clone, Copy)]
pub struct FormClaim<'a> {
    /// `AWSAccessKeyId`.
    pub access_key_id: &'a str,
    /// `policy`, as it came.
    pub policy: &'a str,
    /// `signature`.
    pub signature: &'a str,
}

impl FormClaim<'_> {
    /// Recomputes the signature and compares in constant time. Whether the policy still holds and whether the form
    /// keeps to it is [`crate::policy`]'s to say.
    pub fn verify(&self, secret: &str) -> Result<(), Refusal> {
        check(self.access_key_id, secret, self.policy.as_bytes(), self.signature)
    }
}
