//! The worked examples of S3's API reference: header, presigned, chunked, chunked with trailer, and POST policy.

use bytes::Bytes;
use nephos_core::Timestamp;
use nephos_sigv4::chunked::{ChunkDecoder, ChunkError, Trailer};
use nephos_sigv4::policy::PostPolicy;
use nephos_sigv4::post::{PostClaim, PostFields};
use nephos_sigv4::sign::{ChunkSigner, Request};
use nephos_sigv4::{Head, KeyCache, PathRules, Payload, Signer, Verified, parse, sha256_hex};

use super::headers;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const DATE: &str = "20130524T000000Z";

fn now() -> Timestamp {
    Timestamp::parse_amz_date(DATE).unwrap()
}

fn signer() -> Signer {
    Signer {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: SECRET.to_owned(),
        session_token: None,
        region: "us-east-1".to_owned(),
        service: "s3".to_owned(),
    }
}

/// Verifies an example given as method, path, query, headers and signature.
fn verified(
    method: &str,
    target: (&str, &str),
    list: &[(&str, &str)],
    payload: Payload,
    signature: &str,
) -> Verified {
    let mut names: Vec<&str> = list.iter().map(|(name, _)| *name).collect();
    names.extend(["host", "x-amz-date", "x-amz-content-sha256"]);
    names.sort_unstable();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders={},Signature={signature}",
        names.join(";")
    );
    let mut list = list.to_vec();
    let host = if list.iter().any(|(name, _)| *name == "x-amz-decoded-content-length") {
        "s3.amazonaws.com"
    } else {
        "examplebucket.s3.amazonaws.com"
    };
    list.extend([
        ("host", host),
        ("x-amz-date", DATE),
        ("x-amz-content-sha256", payload.as_str()),
        ("authorization", &authorization),
    ]);
    let map = headers(&list);
    let head = Head { method, path: target.0, query: target.1, headers: &map };
    let claim = parse(&head).unwrap().unwrap();
    claim.check(&head, PathRules::S3, now()).unwrap();
    claim.check_service(&["s3"]).unwrap();
    assert_eq!(claim.payload, Some(payload));
    claim.verify(&head, PathRules::S3, &payload, SECRET, &KeyCache::default()).unwrap()
}

fn of(body: &[u8]) -> Payload {
    Payload::Sha256(sha256_hex(body))
}

#[test]
fn the_header_examples_verify() {
    verified(
        "GET",
        ("/test.txt", ""),
        &[("range", "bytes=0-9")],
        of(b""),
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
    verified(
        "PUT",
        ("/test$file.text", ""),
        &[("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
        of(b"Welcome to Amazon S3."),
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    );
    verified(
        "GET",
        ("/", "lifecycle"),
        &[],
        of(b""),
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    );
    verified(
        "GET",
        ("/", "max-keys=2&prefix=J"),
        &[],
        of(b""),
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    );
}

#[test]
fn the_presigned_example_is_what_we_make_and_accept() {
    let map = headers(&[("host", "examplebucket.s3.amazonaws.com")]);
    let request = Request { method: "GET", path: "/test.txt", query: "" };
    let query = signer().presign(&request, &map, &Payload::Unsigned, 86_400, now());
    assert!(
        query.ends_with("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"),
        "{query}"
    );
    let head = Head { method: "GET", path: "/test.txt", query: &query, headers: &map };
    let claim = parse(&head).unwrap().unwrap();
    let last = Timestamp::parse_amz_date("20130525T000000Z").unwrap();
    claim.check(&head, PathRules::S3, last).unwrap();
    let late = Timestamp::parse_amz_date("20130525T000001Z").unwrap();
    assert!(claim.check(&head, PathRules::S3, late).is_err());
    claim.verify(&head, PathRules::S3, &Payload::Unsigned, SECRET, &KeyCache::default()).unwrap();
}

fn chunk_of(size: usize, signature: &str) -> Vec<u8> {
    let mut out = format!("{size:x};chunk-signature={signature}\r\n").into_bytes();
    out.extend(std::iter::repeat_n(b'a', size));
    if size > 0 {
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn decode(decoder: ChunkDecoder, body: &[u8], step: usize) -> Result<(usize, Vec<Trailer>), ChunkError> {
    let (mut decoder, mut total) = (decoder, 0);
    for piece in body.chunks(step) {
        let mut input = Bytes::copy_from_slice(piece);
        while let Some(data) = decoder.next(&mut input)? {
            assert!(data.iter().all(|b| *b == b'a'));
            total += data.len();
        }
    }
    decoder.finish().map(|trailers| (total, trailers))
}

fn chunked_seed() -> Verified {
    verified(
        "PUT",
        ("/examplebucket/chunkObject.txt", ""),
        &[
            ("content-encoding", "aws-chunked"),
            ("content-length", "66824"),
            ("x-amz-decoded-content-length", "66560"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ],
        Payload::Streaming,
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    )
}

fn chunked_body() -> Vec<u8> {
    let mut body = chunk_of(65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
    body.extend(chunk_of(1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"));
    body.extend(chunk_of(0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"));
    body.extend_from_slice(b"\r\n");
    body
}

#[test]
fn the_chunked_example_decodes_at_any_split() {
    let (verified, body) = (chunked_seed(), chunked_body());
    assert_eq!(body.len(), 66824);
    for step in [1, 85, 1000, 65536, 66824] {
        let decoder = ChunkDecoder::new(Payload::Streaming, Some(verified.chunk_seed()), 66560, "").unwrap();
        assert_eq!(decode(decoder, &body, step).unwrap(), (66560, Vec::new()));
    }
}

#[test]
fn a_changed_byte_in_a_chunk_is_found() {
    let verified = chunked_seed();
    for at in [100, 65536 + 200] {
        let mut body = chunked_body();
        body[at] = b'b';
        let mut decoder =
            ChunkDecoder::new(Payload::Streaming, Some(verified.chunk_seed()), 66560, "").unwrap();
        let mut input = Bytes::from(body);
        let outcome = loop {
            match decoder.next(&mut input) {
                Ok(Some(_)) => {}
                other => break other,
            }
        };
        assert!(matches!(outcome, Err(ChunkError::Signature { .. })), "{outcome:?}");
    }
}

const CRC32C: (&str, &str) = ("x-amz-checksum-crc32c", "sOO8/Q==");
const TRAILER_SEED: &str = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
const TRAILER_SIGNATURE: &str = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";

fn trailer_seed() -> Verified {
    verified(
        "PUT",
        ("/examplebucket/chunkObject.txt", ""),
        &[
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-trailer", "x-amz-checksum-crc32c"),
        ],
        Payload::StreamingTrailer,
        TRAILER_SEED,
    )
}

fn trailer_chunks() -> Vec<u8> {
    let mut body = chunk_of(65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
    body.extend(chunk_of(1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"));
    body.extend(chunk_of(0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"));
    body
}

#[test]
fn the_trailer_example_decodes_in_every_spelling_of_its_lines() {
    let verified = trailer_seed();
    let (name, value) = CRC32C;
    for text in [
        format!("{name}:{value}\r\nx-amz-trailer-signature:{TRAILER_SIGNATURE}\r\n\r\n"),
        format!("{name}:{value}\n\r\nx-amz-trailer-signature:{TRAILER_SIGNATURE}\n\r\n\r\n"),
    ] {
        let body = [trailer_chunks(), text.into_bytes()].concat();
        let seed = Some(verified.chunk_seed());
        let decoder = ChunkDecoder::new(Payload::StreamingTrailer, seed, 66560, CRC32C.0).unwrap();
        let (total, trailers) = decode(decoder, &body, 999).unwrap();
        assert_eq!((total, trailers), (66560, vec![(name.to_owned(), value.to_owned())]));
    }
}

#[test]
fn a_changed_trailer_is_found() {
    let verified = trailer_seed();
    for text in [
        format!("{}:sOO9/Q==\r\nx-amz-trailer-signature:{TRAILER_SIGNATURE}\r\n\r\n", CRC32C.0),
        format!("{}:{}\r\n\r\n", CRC32C.0, CRC32C.1),
    ] {
        let body = [trailer_chunks(), text.into_bytes()].concat();
        let seed = Some(verified.chunk_seed());
        let decoder = ChunkDecoder::new(Payload::StreamingTrailer, seed, 66560, CRC32C.0).unwrap();
        assert!(decode(decoder, &body, 4096).is_err());
    }
}

#[test]
fn our_own_chunks_are_the_documented_ones() {
    let mut ours = ChunkSigner::new(trailer_seed().chunk_seed());
    let mut body = ours.chunk(&[b'a'; 65536]);
    body.extend(ours.chunk(&[b'a'; 1024]));
    body.extend(ours.end_with_trailers(&[(CRC32C.0.to_owned(), CRC32C.1.to_owned())]));
    let end = format!("{}:{}\r\nx-amz-trailer-signature:{TRAILER_SIGNATURE}\r\n\r\n", CRC32C.0, CRC32C.1);
    assert_eq!(body, [trailer_chunks(), end.into_bytes()].concat());
}

/// The policy of the reference's browser upload example, in Base64.
const POLICY: &str = concat!(
    "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6",
    "ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFj",
    "bCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tl",
    "dC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5",
    "cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZl",
    "ci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoN",
    "CiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVx",
    "dWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAx",
    "NTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9"
);

#[test]
fn the_post_policy_example_verifies() {
    let fields = PostFields {
        policy: Some(POLICY),
        algorithm: Some("AWS4-HMAC-SHA256"),
        credential: Some("AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"),
        date: Some("20151229T000000Z"),
        signature: Some("8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"),
        security_token: None,
    };
    let claim = PostClaim::parse(&fields).unwrap().unwrap();
    claim.verify(SECRET, &KeyCache::default()).unwrap();
    assert!(claim.verify("another", &KeyCache::default()).is_err());
    assert!(PostClaim::parse(&PostFields { signature: None, ..fields }).is_err());
    assert!(PostClaim::parse(&PostFields { policy: None, ..fields }).unwrap().is_none());
    assert!(PostClaim::parse(&PostFields { date: Some("20151230T000000Z"), ..fields }).is_err());

    let policy = PostPolicy::parse(POLICY).unwrap();
    let form: Vec<(String, String)> = [
        ("bucket", "sigv4examplebucket"),
        ("key", "user/user1/${filename}"),
        ("acl", "public-read"),
        ("success_action_redirect", "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"),
        ("Content-Type", "image/jpeg"),
        ("x-amz-meta-uuid", "14365123651274"),
        ("x-amz-server-side-encryption", "AES256"),
        ("X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Date", "20151229T000000Z"),
        ("x-amz-meta-tag", ""),
        ("Policy", POLICY),
        ("X-Amz-Signature", "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    policy.check(&form, Timestamp::parse_amz_date("20151229T010000Z").unwrap()).unwrap();
}
