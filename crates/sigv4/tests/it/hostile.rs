//! What no honest client sends: never a panic, never a yes.

use http::{HeaderMap, HeaderValue};
use nephos_core::Timestamp;
use nephos_sigv4::chunked::{ChunkDecoder, ChunkSeed};
use nephos_sigv4::error::ErrorClass;
use nephos_sigv4::sign::Request;
use nephos_sigv4::{Head, KeyCache, PathRules, Payload, SignatureError, Signer, parse, sha256_hex};
use proptest::prelude::*;

use super::headers;

type E = SignatureError;

fn now() -> Timestamp {
    Timestamp::from_secs(1_795_350_896)
}

fn signer(service: &str) -> Signer {
    Signer {
        access_key_id: "AKID".to_owned(),
        secret_access_key: "secret".to_owned(),
        session_token: None,
        region: "us-east-1".to_owned(),
        service: service.to_owned(),
    }
}

fn signed(list: &[(&str, &str)], at: Timestamp) -> HeaderMap {
    let mut map = headers(list);
    map.insert("host", HeaderValue::from_static("localhost"));
    let request = Request { method: "GET", path: "/", query: "" };
    let payload = Payload::Sha256(sha256_hex(b""));
    signer("iam").sign_headers(&request, &mut map, &payload, at).unwrap();
    map
}

fn outcome(map: &HeaderMap, query: &str) -> Result<(), SignatureError> {
    let head = Head { method: "GET", path: "/", query, headers: map };
    let claim = parse(&head)?.expect("a claim");
    claim.check(&head, PathRules::Standard, now())?;
    let payload = Payload::Sha256(sha256_hex(b""));
    claim.verify(&head, PathRules::Standard, &payload, "secret", &KeyCache::default()).map(drop)
}

fn refusal(map: &HeaderMap, query: &str) -> SignatureError {
    outcome(map, query).unwrap_err()
}

#[test]
fn what_we_sign_verifies_within_15_minutes() {
    let minute = std::time::Duration::from_secs(60);
    for at in [now(), now() - 15 * minute, now() + 15 * minute] {
        outcome(&signed(&[], at), "").unwrap();
    }
    let early = refusal(&signed(&[], now() - 16 * minute), "");
    assert_eq!(
        early.to_string(),
        "Signature expired: 20261122T121856Z is now earlier than 20261122T121956Z (20261122T123456Z - 15 min.)"
    );
    assert_eq!(early.class(), ErrorClass::Invalid);
    assert_eq!(
        refusal(&signed(&[], now() + 16 * minute), "").to_string(),
        "Signature not yet current: 20261122T125056Z is still later than 20261122T124956Z (20261122T123456Z + 15 min.)"
    );
}

#[test]
fn headers_that_must_be_signed_are() {
    let mut map = signed(&[], now());
    map.insert("x-amz-target", HeaderValue::from_static("DynamoDB_20120810.PutItem"));
    map.insert("x-amz-security-token", HeaderValue::from_static("t"));
    let names = vec!["x-amz-security-token".to_owned(), "x-amz-target".to_owned()];
    assert_eq!(refusal(&map, ""), E::HeadersNotSigned { names });

    let mut map = signed(&[], now());
    let text = map["authorization"].to_str().unwrap().replace("host;", "");
    map.insert("authorization", HeaderValue::from_str(&text).unwrap());
    assert_eq!(refusal(&map, ""), E::HostNotSigned);
}

#[test]
fn nothing_may_come_twice() {
    for name in ["authorization", "x-amz-date"] {
        let mut map = signed(&[], now());
        let value = map[name].clone();
        map.append(http::HeaderName::from_static(name), value);
        assert!(matches!(refusal(&map, ""), E::Duplicate { .. }), "{name}");
    }
    let map = headers(&[("host", "localhost")]);
    let request = Request { method: "GET", path: "/", query: "" };
    let query = signer("iam").presign(&request, &map, &Payload::Sha256(sha256_hex(b"")), 60, now());
    outcome(&map, &query).unwrap();
    assert!(matches!(refusal(&map, &format!("{query}&X-Amz-Expires=604800")), E::Duplicate { .. }));
    // An escaped spelling of the name is the same name.
    assert!(matches!(refusal(&map, &format!("{query}&X-Amz-%45xpires=604800")), E::Duplicate { .. }));
    assert_eq!(refusal(&signed(&[], now()), "X-Amz-Signature=00"), E::TwoMechanisms);
}

#[test]
fn expiry_is_bounded() {
    let map = headers(&[("host", "localhost")]);
    let request = Request { method: "GET", path: "/", query: "" };
    let payload = Payload::Sha256(sha256_hex(b""));
    for (seconds, good) in [(0, true), (604_800, true), (604_801, false)] {
        let query = signer("iam").presign(&request, &map, &payload, seconds, now());
        assert_eq!(outcome(&map, &query).is_ok(), good, "{seconds}");
    }
    let query = signer("iam").presign(&request, &map, &payload, 60, now());
    for bad in ["-1", "x", "", "99999999999999999999999999999999999999999999"] {
        let query = query.replace("X-Amz-Expires=60", &format!("X-Amz-Expires={bad}"));
        assert!(matches!(refusal(&map, &query), E::Expires { .. }), "{bad}");
    }
    let ahead = now() + std::time::Duration::from_secs(16 * 60);
    let query = signer("iam").presign(&request, &map, &payload, 604_800, ahead);
    assert!(matches!(refusal(&map, &query), E::NotYetCurrent { .. }));
}

#[test]
fn each_missing_part_is_named() {
    let map = headers(&[("authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261122/r1/iam/aws4_request")]);
    let text = refusal(&map, "").to_string();
    assert!(
        text.starts_with(
            "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. \
             Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256"
        ),
        "{text}"
    );
    assert!(!text.contains("AKID"), "the header must not be echoed");
    let map = headers(&[("authorization", "AWS4-HMAC-SHA256 nonsense")]);
    assert!(matches!(refusal(&map, ""), E::NotAPair { .. }));
    assert!(matches!(refusal(&headers(&[]), "X-Amz-Algorithm=AWS4-HMAC-SHA256"), E::IncompleteQuery { .. }));
    assert!(matches!(refusal(&headers(&[]), "AWSAccessKeyId=a&Signature=b"), E::Algorithm { .. }));
    assert!(matches!(refusal(&headers(&[("authorization", "AWS AKID:sig")]), ""), E::Algorithm { .. }));
}

#[test]
fn a_foreign_authorization_is_no_claim() {
    let map = headers(&[("authorization", "Bearer abc")]);
    let head = Head { method: "GET", path: "/", query: "a=b", headers: &map };
    assert!(parse(&head).unwrap().is_none());
}

fn bytes_as_header(bytes: &[u8]) -> Option<HeaderValue> {
    HeaderValue::from_bytes(bytes).ok()
}

proptest! {
    #[test]
    fn any_authorization_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), good in any::<bool>()) {
        let mut value = if good { b"AWS4-HMAC-SHA256 ".to_vec() } else { Vec::new() };
        value.extend(bytes);
        if let Some(value) = bytes_as_header(&value) {
            let mut map = signed(&[], now());
            map.insert("authorization", value);
            let head = Head { method: "GET", path: "/", query: "", headers: &map };
            if let Ok(Some(claim)) = parse(&head) {
                let payload = Payload::Sha256(sha256_hex(b""));
                prop_assert!(claim.verify(&head, PathRules::S3, &payload, "secret", &KeyCache::default()).is_err());
            }
        }
    }

    #[test]
    fn any_request_line_has_a_canonical_form(path in "\\PC{0,60}", query in "\\PC{0,80}", name in "[A-Za-z-]{1,12}") {
        let map = headers(&[("host", "h")]);
        let head = Head { method: "GET", path: &path, query: &query, headers: &map };
        for rules in [PathRules::S3, PathRules::Standard] {
            let once = nephos_sigv4::canonical::canonical_request(&head, rules, &name, "UNSIGNED-PAYLOAD");
            let lines = once.split(|b| *b == b'\n').count();
            prop_assert_eq!(lines, 7, "the canonical form must not let a client add lines");
        }
        let _ = parse(&head);
    }

    #[test]
    fn any_presigned_query_is_read_or_refused(pieces in proptest::collection::vec(
        ("X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token)", "[ -~]{0,40}"), 0..9)) {
        let query: Vec<String> = pieces.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = query.join("&");
        let map = headers(&[("host", "h")]);
        let head = Head { method: "GET", path: "/", query: &query, headers: &map };
        if let Ok(Some(claim)) = parse(&head) {
            let _ = claim.check(&head, PathRules::S3, now());
        }
    }

    #[test]
    fn any_chunked_body_is_refused_or_complete(body in proptest::collection::vec(
        prop_oneof![Just(b'0'), Just(b'5'), Just(b'\r'), Just(b'\n'), Just(b';'), Just(b':'), any::<u8>()], 0..300),
        step in 1_usize..40, signed in any::<bool>()) {
        let seed = ChunkSeed {
            key: KeyCache::default().signing_key("s", &nephos_sigv4::Credential::new("A", "20260101", "r1", "s3")),
            amz_date: "20260101T000000Z".to_owned(),
            scope: "20260101/r1/s3/aws4_request".to_owned(),
            previous: sha256_hex(b""),
        };
        let payload = if signed { Payload::StreamingTrailer } else { Payload::StreamingUnsignedTrailer };
        let mut decoder = ChunkDecoder::new(payload, Some(seed), 5, "").unwrap();
        let mut total = 0;
        let mut failed = false;
        'all: for piece in body.chunks(step) {
            let mut input = bytes::Bytes::copy_from_slice(piece);
            loop {
                match decoder.next(&mut input) {
                    Ok(Some(data)) => total += data.len(),
                    Ok(None) => break,
                    Err(_) => { failed = true; break 'all; }
                }
            }
        }
        prop_assert!(total <= 5);
        if !failed && decoder.finish().is_ok() {
            prop_assert_eq!(total, 5);
            prop_assert!(!signed, "nobody guesses a signature");
        }
    }
}
