//! Signatures in headers and query strings, form policies, and chunked bodies: `METHOD target`, headers, an empty
//! line, the body.

use bytes::Bytes;
use nephos_core::Timestamp;
use nephos_sigv4::chunked::{ChunkDecoder, ChunkSeed};
use nephos_sigv4::policy::PostPolicy;
use nephos_sigv4::{Credential, Head, KeyCache, PathRules, Payload, SigningKey, claim, sha256_hex};
use nephos_wire::form;

use crate::targets::line;
use crate::targets::rest::headers;

/// Reads what a request shows of a signature, and its body as chunks.
pub fn run(data: &[u8]) {
    let (first, data) = line(data);
    let (method, target) = first.split_once(' ').unwrap_or(("GET", &first));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (headers, body) = headers(data);
    let head = Head { method, path, query, headers: &headers };
    if let Ok(Some(claim)) = claim::parse(&head) {
        let keys = KeyCache::new(8);
        for rules in [PathRules::S3, PathRules::Standard] {
            let _ = claim.check(&head, rules, Timestamp::from_secs(1_795_350_896));
            let payload = claim.payload.clone().unwrap_or_else(|| Payload::of(b""));
            let _ = claim.verify(&head, rules, &payload, "secret", &keys);
        }
    }
    if let Ok(policy) = PostPolicy::parse(&String::from_utf8_lossy(body)) {
        let _ = policy.check(&form::parse(query), Timestamp::from_secs(0));
    }
    for payload in ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"] {
        chunks(payload, &headers, body);
    }
}

fn chunks(payload: &str, headers: &http::HeaderMap, body: &[u8]) {
    let Some(payload) = Payload::parse(payload) else { return };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let length = text("x-amz-decoded-content-length").parse().unwrap_or(5);
    let credential = Credential::new("AKID", "20261122", "us-east-1", "s3");
    let seed = ChunkSeed {
        key: std::sync::Arc::new(SigningKey::derive("secret", &credential)),
        amz_date: "20261122T123456Z".to_owned(),
        scope: credential.scope().to_owned(),
        previous: sha256_hex(b""),
    };
    let Ok(mut decoder) = ChunkDecoder::new(payload, Some(seed), length, text("x-amz-trailer")) else { return };
    let (mut passed_on, step) = (0, body.first().map_or(1, |byte| usize::from(byte % 7) + 1));
    for piece in body.chunks(step) {
        let mut input = Bytes::copy_from_slice(piece);
        while !input.is_empty() {
            match decoder.next(&mut input) {
                Ok(Some(bytes)) => passed_on += bytes.len() as u64,
                Ok(None) => {}
                Err(_) => return,
            }
        }
    }
    assert!(passed_on <= length, "no more than was declared");
    if decoder.finish().is_ok() {
        assert_eq!(passed_on, length);
    }
}
