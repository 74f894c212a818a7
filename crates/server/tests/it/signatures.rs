//! A request that is not signed as it should be gets AWS's error, in the words of the service that it went to.

use std::time::Duration;

use nephos_sigv4::Payload;
use nephos_sigv4::sign::ChunkSigner;
use nephos_testkit::client::{real_now, sign_by};
use nephos_testkit::service::{DYNAMODB, LAMBDA, S3, STS};
use nephos_testkit::{Answer, Call, Client, Credentials, Server, encode};
use nephos_wire::ServiceModel;
use serde_json::json;

/// One service of each protocol with a call that every root user may make, and what it says of a bad signature, an
/// unknown key, and an old or foreign one.
struct Dialect {
    model: &'static ServiceModel,
    call: Call,
    mismatch: (u16, &'static str),
    unknown_key: (u16, &'static str),
    expired: (u16, &'static str),
    foreign_scope: (u16, &'static str),
}

fn dialects() -> [Dialect; 4] {
    let invalid = (400, "InvalidSignatureException");
    [
        Dialect {
            model: DYNAMODB,
            call: encode::encode(DYNAMODB, "ListTables", &json!({ "Limit": 5 })),
            mismatch: invalid,
            unknown_key: (400, "UnrecognizedClientException"),
            expired: invalid,
            foreign_scope: invalid,
        },
        Dialect {
            model: STS,
            call: encode::encode(STS, "GetCallerIdentity", &json!({})),
            mismatch: (403, "SignatureDoesNotMatch"),
            unknown_key: (403, "InvalidClientTokenId"),
            expired: (403, "SignatureDoesNotMatch"),
            foreign_scope: (403, "SignatureDoesNotMatch"),
        },
        Dialect {
            model: LAMBDA,
            call: encode::encode(LAMBDA, "ListFunctions", &json!({ "MaxItems": 5 })),
            mismatch: (403, "InvalidSignatureException"),
            unknown_key: (403, "UnrecognizedClientException"),
            expired: (403, "InvalidSignatureException"),
            foreign_scope: (403, "InvalidSignatureException"),
        },
        Dialect {
            model: S3,
            call: encode::encode(S3, "PutObject", &json!({ "Bucket": "files", "Key": "k", "Body": "v" })),
            mismatch: (403, "SignatureDoesNotMatch"),
            unknown_key: (403, "InvalidAccessKeyId"),
            expired: (403, "RequestTimeTooSkewed"),
            foreign_scope: (400, "AuthorizationHeaderMalformed"),
        },
    ]
}

impl Dialect {
    fn signed(&self, client: &Client) -> Call {
        client.sign(self.model.signing_name, self.call.clone())
    }
}

#[track_caller]
fn refused(answer: Answer, expected: (u16, &str)) -> Answer {
    answer.refused(expected.0, expected.1)
}

async fn server() -> Server {
    let server = Server::start().await;
    server.root().bucket("files").await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_signature_passes() {
    let server = server().await;
    for dialect in dialects() {
        server.root().send(dialect.signed(&server.root())).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_and_an_unknown_key() {
    let server = server().await;
    let known = server.root().credentials().access_key_id.clone();
    let guess = server.anonymous().with(Credentials::new(&known, "a-guess"));
    let stranger = server.anonymous().with(Credentials::new("AKIAABSENTABSENT0000", "a-guess"));
    let mut forged = server.root().credentials().clone();
    forged.session_token = Some("bm90IGEgdG9rZW4=".to_owned());
    for dialect in dialects() {
        refused(guess.send(dialect.signed(&guess)).await, dialect.mismatch);
        refused(stranger.send(dialect.signed(&stranger)).await, dialect.unknown_key);
        let forged = server.anonymous().with(forged.clone());
        let answer = forged.send(dialect.signed(&forged)).await;
        let expected = if dialect.model.name == "s3" { (400, "InvalidToken") } else { dialect.unknown_key };
        refused(answer, expected);
    }
    server.root().get_object("files", "k").await.refused(404, "NoSuchKey");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_lasts_a_quarter_of_an_hour() {
    let server = server().await;
    let root = server.root();
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    for dialect in dialects() {
        let at = |at| root.sign_at(dialect.model.signing_name, dialect.call.clone(), at);
        root.send(at(real_now() - minutes(14))).await.ok();
        root.send(at(real_now() + minutes(14))).await.ok();
        for far in [real_now() - minutes(16), real_now() + minutes(16), real_now() - minutes(60 * 24 * 400)] {
            refused(root.send(at(far)).await, dialect.expired);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_cannot_be_changed() {
    let server = server().await;
    let root = server.root();
    for dialect in dialects() {
        let signed = dialect.signed(&root);
        let mut body = signed.clone();
        body.body = match dialect.model.name {
            "sts" => "Action=GetSessionToken&Version=2011-06-15".into(),
            _ => "{}".into(),
        };
        // S3 proves the body by its hash, which is what is signed.
        let expected =
            if dialect.model.name == "s3" { (400, "XAmzContentSHA256Mismatch") } else { dialect.mismatch };
        refused(root.send(body).await, expected);
        let header = if signed.headers.contains_key("content-type") { "content-type" } else { "x-amz-date" };
        let value = if header == "content-type" {
            "text/plain".to_owned()
        } else {
            (real_now() + Duration::from_secs(60)).amz_date()
        };
        refused(root.send(signed.clone().header(header, &value)).await, dialect.mismatch);
        let mut query = signed.clone();
        query.query = format!("{}&more=1", query.query).trim_start_matches('&').to_owned();
        refused(root.send(query).await, dialect.mismatch);
        let mut host = signed;
        host.headers.insert("host", format!("127.0.0.1:{}", server.address().port()).parse().unwrap());
        refused(root.send(host).await, dialect.mismatch);
    }
    server.root().get_object("files", "k").await.refused(404, "NoSuchKey");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_says_something_must_be_signed() {
    let server = server().await;
    let root = server.root();
    let put = Call::put("/files/k", "v");
    let smuggled = root.sign("s3", put).header("x-amz-storage-class", "GLACIER");
    let refused = root.send(smuggled).await.refused(403, "AccessDenied");
    assert_eq!(refused.message(), "There were headers present in the request which were not signed");
    assert_eq!(refused.get("HeadersNotSigned"), "x-amz-storage-class");
    let list = encode::encode(DYNAMODB, "ListTables", &json!({}));
    let mut unsigned = list.clone();
    let target = unsigned.headers.remove("x-amz-target").unwrap();
    let mut unsigned = root.sign("dynamodb", unsigned);
    unsigned.headers.insert("x-amz-target", target);
    root.send(unsigned)
        .await
        .refused(400, "InvalidSignatureException")
        .saying("'x-amz-target' must be a 'SignedHeader'");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_for_one_service_and_one_region() {
    let server = server().await;
    let root = server.root();
    for dialect in dialects() {
        // As signed for another service, and sent to where this one is called by name.
        let host = format!("{}.localhost:{}", dialect.model.endpoint_prefix, server.address().port());
        let there = root.host(&host);
        there.send(there.sign(dialect.model.signing_name, dialect.call.clone())).await.ok();
        let other = if dialect.model.signing_name == "s3" { "sts" } else { "s3" };
        refused(there.send(there.sign(other, dialect.call.clone())).await, dialect.foreign_scope);
        // The region is the caller's choice, but not the road's.
        let signed = root.sign(dialect.model.signing_name, dialect.call.clone());
        let header = signed.headers["authorization"].to_str().unwrap().replace("us-east-1", "eu-west-1");
        refused(root.send(signed.header("authorization", &header)).await, dialect.mismatch);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_signature_is_told_from_a_wrong_one() {
    let server = server().await;
    let root = server.root();
    for (dialect, expected) in dialects().into_iter().zip([
        (400, "IncompleteSignatureException"),
        (400, "IncompleteSignature"),
        (403, "IncompleteSignatureException"),
        (400, "AuthorizationHeaderMalformed"),
    ]) {
        let signed = dialect.signed(&root);
        let header = signed.headers["authorization"].to_str().unwrap().to_owned();
        let cut = header.split(", Signature=").next().unwrap().to_owned();
        refused(root.send(signed.header("authorization", &cut)).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_presigned_url_ends() {
    let server = server().await;
    let root = server.root();
    root.put_object("files", "k", "v").await.ok();
    let anybody = server.anonymous();
    let url = |seconds, at| root.presign("s3", Call::get("/files/k"), seconds, at);
    assert_eq!(anybody.send(url(60, real_now())).await.ok().text(), "v");
    // A presigned URL lives longer than a signed header.
    anybody.send(url(7200, real_now() - Duration::from_secs(3600))).await.ok();
    let refused =
        anybody.send(url(60, real_now() - Duration::from_secs(61))).await.refused(403, "AccessDenied");
    assert_eq!(
        (refused.message().as_str(), refused.get("X-Amz-Expires").as_str()),
        ("Request has expired", "60")
    );
    assert!(refused.find("Expires").is_some() && refused.find("ServerTime").is_some());
    anybody.send(url(604_801, real_now())).await.refused(400, "AuthorizationQueryParametersError");
    let mut other = url(60, real_now());
    other.path = "/files/other".to_owned();
    anybody.send(other).await.refused(403, "SignatureDoesNotMatch");
    let mut longer = url(60, real_now());
    longer.query = longer.query.replace("X-Amz-Expires=60", "X-Amz-Expires=600");
    anybody.send(longer).await.refused(403, "SignatureDoesNotMatch");
    let method = Call { method: "PUT".to_owned(), ..url(60, real_now()) };
    anybody.send(method).await.refused(403, "SignatureDoesNotMatch");
    assert_eq!(root.get_object("files", "k").await.ok().text(), "v");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_chunk_is_proven() {
    let server = server().await;
    let root = server.root();
    let data = vec![b'x'; 20_000];
    let upload = |key: &str, spoil: fn(&mut Vec<u8>)| {
        let call = Call::put(&format!("/files/{key}"), "")
            .header("content-encoding", "aws-chunked")
            .header("x-amz-decoded-content-length", &data.len().to_string());
        let (call, seed) =
            sign_by(&root.signer("s3"), root.authority(), call, &Payload::Streaming, real_now());
        let mut chunks = ChunkSigner::new(seed);
        let mut body = chunks.chunk(&data[..10_000]);
        body.extend(chunks.chunk(&data[10_000..]));
        body.extend(chunks.end());
        spoil(&mut body);
        call.body(body)
    };
    root.send(upload("good", |_| {})).await.ok();
    assert_eq!(root.get_object("files", "good").await.ok().body, data);
    let flip = |body: &mut Vec<u8>| body[15_000] = b'y';
    root.send(upload("data", flip)).await.refused(403, "SignatureDoesNotMatch");
    let forge = |body: &mut Vec<u8>| {
        let at = body.windows(17).rposition(|text| text == b";chunk-signature=").unwrap() + 17;
        body[at] = if body[at] == b'0' { b'1' } else { b'0' };
    };
    root.send(upload("signature", forge)).await.refused(403, "SignatureDoesNotMatch");
    let swap = |body: &mut Vec<u8>| {
        let half = body.windows(5).skip(1).position(|text| text == b"2710;").unwrap() + 1;
        let end = body.windows(3).rposition(|text| text == b"\n0;").unwrap() + 1;
        let (first, second) = (body[..half].to_vec(), body[half..end].to_vec());
        let rest = body[end..].to_vec();
        *body = [second, first, rest].concat();
    };
    root.send(upload("order", swap)).await.refused(403, "SignatureDoesNotMatch");
    let cut = |body: &mut Vec<u8>| body.truncate(10_090);
    let cut = root.send(upload("cut", cut)).await;
    assert_eq!(cut.status / 100, 4, "{}", cut.shown());
    for key in ["data", "signature", "order", "cut"] {
        root.get_object("files", key).await.refused(404, "NoSuchKey");
    }
}
