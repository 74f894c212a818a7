//! What a presigned URL carries besides its signature: headers as parameters, which become headers, and the signature's
//! own parameters, which are nobody else's business.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use nephos_core::Fault;
use nephos_sigv4::{Payload, Placement, SignatureError};

use crate::refusal::{AuthError, Dialect};

/// Whether a parameter makes a signature of `version`.
pub(crate) fn is_of_signature(name: &str, version: &str) -> bool {
    const NAMES: [&str; 8] = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        "X-Amz-Security-Token",
        "X-Amz-Content-Sha256",
    ];
    const NAMES_V2: [&str; 3] = ["AWSAccessKeyId", "Signature", "Expires"];
    if version == nephos_sigv4::v2::VERSION {
        return NAMES_V2.contains(&name) || name.eq_ignore_ascii_case("x-amz-security-token");
    }
    NAMES.contains(&name)
}

/// The `x-amz-` parameters of a query string that version 4 signed, as headers.
pub(crate) fn by_version4(query: &[(String, String)]) -> Vec<(String, Vec<u8>)> {
    let is_header = |name: &str| name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"));
    query
        .iter()
        .filter(|(name, _)| is_header(name) && !is_of_signature(name, nephos_sigv4::ALGORITHM))
        .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
        .collect()
}

/// Puts headers that stood in the query string among the headers, unless they were sent as such.
pub(crate) fn hoist(brought: Vec<(String, Vec<u8>)>, headers: &mut HeaderMap) {
    for (name, value) in brought {
        let pair = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_bytes(&value).ok());
        if let Some((name, value)) = pair
            && !headers.contains_key(&name)
        {
            headers.insert(name, value);
        }
    }
}

/// What a body without signed chunks may be announced as. Unsigned uploads are often aws-chunked all the same, for the
/// checksum in their trailer.
pub(crate) fn without_chunk_signatures(payload: Payload) -> Result<Payload, Fault> {
    match payload {
        Payload::Streaming | Payload::StreamingTrailer => Err(unknown_payload(payload.as_str())),
        other => Ok(other),
    }
}

/// What an unsigned request says of its body.
pub(crate) fn anonymous_payload(headers: &HeaderMap) -> Result<Payload, Fault> {
    let Some(value) = headers.get("x-amz-content-sha256") else { return Ok(Payload::Unsigned) };
    let text = String::from_utf8_lossy(value.as_bytes());
    match Payload::parse(&text) {
        Some(payload) => without_chunk_signatures(payload),
        None => Err(unknown_payload(&text)),
    }
}

fn unknown_payload(got: &str) -> Fault {
    let error = SignatureError::PayloadOption { got: got.to_owned() };
    AuthError::Signature(error, Placement::Header).fault(Dialect::S3)
}
