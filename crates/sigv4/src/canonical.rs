//! The canonical request and the string to sign.

use http::HeaderMap;

use crate::credential::Credential;
use crate::hex::{Hex64, sha256_hex};
use crate::{ALGORITHM, uri};

/// What of a request is signed, as it came over the wire: nothing decoded or normalised.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// The path, still percent-encoded.
    pub path: &'a str,
    /// The query string without `?`, still percent-encoded; empty where there is none.
    pub query: &'a str,
    /// The headers. For HTTP/2, the caller puts `:authority` in as `host`.
    pub headers: &'a HeaderMap,
}

/// How a service makes a path canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathRules {
    /// S3's: escaped once, not normalised.
    S3,
    /// Every other service's: normalised, and escaped once more.
    Standard,
}

/// The query parameter that carries a presigned URL's signature, and is not signed itself.
pub(crate) const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// Builds the canonical request. `signed_headers` is the list as the claim spells it: lower case, `;` between.
pub fn canonical_request(
    head: &Head<'_>,
    rules: PathRules,
    signed_headers: &str,
    payload_hash: &str,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(head.method.as_bytes());
    out.push(b'\n');
    match rules {
        PathRules::S3 => uri::s3_path_into(&mut out, head.path.as_bytes()),
        PathRules::Standard => uri::standard_path_into(&mut out, head.path.as_bytes()),
    }
    out.push(b'\n');
    uri::query_into(&mut out, head.query.as_bytes(), SIGNATURE_PARAMETER.as_bytes());
    out.push(b'\n');
    for name in signed_headers.split(';') {
        header_line_into(&mut out, name, head.headers);
    }
    out.push(b'\n');
    out.extend_from_slice(signed_headers.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(payload_hash.as_bytes());
    out
}

/// `name:value,value\n`, each value trimmed and its runs of white space made one space.
fn header_line_into(out: &mut Vec<u8>, name: &str, headers: &HeaderMap) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    for (at, value) in headers.get_all(name).iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        trimmed_into(out, value.as_bytes());
    }
    out.push(b'\n');
}

fn trimmed_into(out: &mut Vec<u8>, value: &[u8]) {
    let words = value.split(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).filter(|word| !word.is_empty());
    for (at, word) in words.enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

/// Builds the string to sign over a canonical request.
pub fn string_to_sign(amz_date: &str, credential: &Credential<'_>, canonical_request: &[u8]) -> Vec<u8> {
    let hash: Hex64 = sha256_hex(canonical_request);
    let mut out = Vec::with_capacity(192);
    for line in [ALGORITHM, amz_date, credential.scope()] {
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(hash.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_are_trimmed_and_joined() {
        let mut headers = HeaderMap::new();
        headers.append("my-header", "  \"a   b \t c\" ".parse().unwrap());
        headers.append("my-header", "d".parse().unwrap());
        let mut out = Vec::new();
        header_line_into(&mut out, "my-header", &headers);
        assert_eq!(out, b"my-header:\"a b c\",d\n");
    }
}
