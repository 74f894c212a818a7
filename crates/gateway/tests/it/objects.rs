//! Uploads: streamed, signed in chunks, with trailers, lying, and broken off.

use bytes::Bytes;
use http::HeaderValue;
use nephos_gateway::Config;
use nephos_sigv4::sign::{ChunkSigner, Request};
use nephos_sigv4::{Payload, sha256_hex};

use super::fakes::{Running, now, signer};
use super::wire_client::{Answer, Call, Client};

const CRC: (&str, &str) = ("x-amz-checksum-crc32", "NhCmhg==");

/// A signed upload in chunks, and the signer that its chunks are made with.
fn chunked(payload: Payload, length: usize, trailer: bool) -> (Call, ChunkSigner) {
    let mut call = Call::new("PUT", "/bucket/key")
        .header("content-encoding", "aws-chunked,gzip")
        .header("x-amz-decoded-content-length", &length.to_string());
    if trailer {
        call = call.header("x-amz-trailer", CRC.0);
    }
    let mut headers = call.headers.clone();
    headers.insert("host", HeaderValue::from_str(&call.host).unwrap());
    let request = Request { method: call.method, path: &call.path, query: &call.query };
    let seed = signer("s3").sign_headers(&request, &mut headers, &payload, now()).unwrap();
    headers.remove("host");
    call.headers = headers;
    (call, ChunkSigner::new(seed))
}

#[tokio::test]
async fn a_signed_chunked_upload_arrives_as_its_payload() {
    let running = Running::start(Config::default()).await;
    let (call, mut chunks) = chunked(Payload::Streaming, 70_000, false);
    let mut body = chunks.chunk(&[b'a'; 65_536]);
    body.extend(chunks.chunk(&[b'b'; 4464]));
    body.extend(chunks.end());
    let answer = call.body(body).send(running.address).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.field("body_length"), "70000");
    assert_eq!(answer.field("length"), "70000", "the length is known before the end");
    assert_eq!(answer.json()["headers"]["content-length"], "70000");
    assert_eq!(answer.json()["headers"]["content-encoding"], "gzip");
}

#[tokio::test]
async fn trailers_arrive_signed_or_not() {
    let running = Running::start(Config::default()).await;
    let (call, mut chunks) = chunked(Payload::StreamingTrailer, 5, true);
    let mut body = chunks.chunk(b"hello");
    body.extend(chunks.end_with_trailers(&[(CRC.0.to_owned(), CRC.1.to_owned())]));
    let answer = call.body(body).send(running.address).await;
    assert_eq!(answer.json()["trailers"][CRC.0], CRC.1, "{}", answer.body);

    let plain = format!("5\r\nhello\r\n0\r\n{}:{}\r\n\r\n", CRC.0, CRC.1);
    let (call, _) = chunked(Payload::StreamingUnsignedTrailer, 5, true);
    let answer = call.body(plain.clone()).send(running.address).await;
    assert_eq!(answer.json()["trailers"][CRC.0], CRC.1, "{}", answer.body);

    // Unsigned altogether, as `--no-sign-request` sends it.
    let call = Call::new("PUT", "/bucket/key")
        .header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        .header("x-amz-decoded-content-length", "5")
        .header("x-amz-trailer", CRC.0)
        .body(plain);
    assert_eq!(call.send(running.address).await.field("body"), "hello");
}

fn refused(answer: &Answer, code: &str) {
    assert!(answer.body.contains(&format!("<Code>{code}</Code>")), "expected {code}, got {}", answer.body);
}

#[tokio::test]
async fn a_forged_chunk_ends_the_upload() {
    let running = Running::start(Config::default()).await;
    let (call, mut chunks) = chunked(Payload::Streaming, 20_000, false);
    let mut body = chunks.chunk(&[b'a'; 10_000]);
    body.extend(chunks.chunk(&[b'b'; 10_000]));
    body.extend(chunks.end());
    body[15_000] = b'!';
    refused(&call.body(body).send(running.address).await, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn small_chunks_short_bodies_and_lying_lengths_are_refused() {
    let running = Running::start(Config::default()).await;
    let (call, mut chunks) = chunked(Payload::Streaming, 10, false);
    let mut body = chunks.chunk(b"hello");
    body.extend(chunks.chunk(b"hello"));
    refused(&call.clone().body(body).send(running.address).await, "InvalidChunkSizeError");

    let (call, mut chunks) = chunked(Payload::Streaming, 10, false);
    let mut body = chunks.chunk(b"hello");
    body.extend(chunks.end());
    refused(&call.body(body).send(running.address).await, "IncompleteBody");

    let call = Call::new("PUT", "/bucket/key").signed_with(&signer("s3"), &Payload::StreamingUnsignedTrailer);
    let answer = call.body("0\r\n\r\n").send(running.address).await;
    refused(&answer, "MissingContentLength");
    assert_eq!(answer.status, 411);
}

#[tokio::test]
async fn an_object_must_have_the_hash_that_was_signed() {
    let running = Running::start(Config::default()).await;
    let promised = Payload::Sha256(sha256_hex(b"hello"));
    let call = Call::new("PUT", "/bucket/key").signed_with(&signer("s3"), &promised);
    assert_eq!(call.clone().body("hello").send(running.address).await.field("body"), "hello");
    refused(&call.clone().body("jello").send(running.address).await, "XAmzContentSHA256Mismatch");
    refused(&call.send(running.address).await, "XAmzContentSHA256Mismatch");
    let unsaid = Call::new("PUT", "/bucket/key").signed(&signer("s3"));
    let mut headers = unsaid.headers.clone();
    headers.remove("x-amz-content-sha256");
    let answer = Call { headers, ..unsaid }.send(running.address).await;
    refused(&answer, "InvalidRequest");
}

#[tokio::test]
async fn a_documents_trailers_become_headers() {
    let running = Running::start(Config::default()).await;
    let (call, mut chunks) = chunked(Payload::StreamingTrailer, 5, true);
    let mut call = Call { path: "/bucket".to_owned(), query: "tagging".to_owned(), ..call };
    call.headers.remove("authorization");
    call = call.signed_with(&signer("s3"), &Payload::StreamingUnsignedTrailer);
    let answer = call.clone().body(format!("5\r\nhello\r\n0\r\n{}:{}\r\n\r\n", CRC.0, CRC.1));
    let answer = answer.send(running.address).await;
    assert_eq!(answer.field("operation"), "PutBucketTagging", "{}", answer.body);
    assert_eq!(answer.field("body"), "hello");
    assert_eq!(answer.json()["headers"][CRC.0], CRC.1);
    // The chunks of another request do not fit this one.
    let mut body = chunks.chunk(b"hello");
    body.extend(chunks.end());
    refused(&call.body(body).send(running.address).await, "IncompleteBody");
}

#[tokio::test]
async fn an_object_may_not_be_too_large() {
    let mut config = Config::default();
    config.limits.object_bytes = 1000;
    config.limits.document_bytes = 100;
    let running = Running::start(config).await;
    let call = Call::new("PUT", "/bucket/key").body(vec![b'x'; 1001]).signed(&signer("s3"));
    refused(&call.send(running.address).await, "EntityTooLarge");
    let call = Call::new("PUT", "/bucket?tagging").body(vec![b'x'; 101]).signed(&signer("s3"));
    refused(&call.send(running.address).await, "MaxMessageLengthExceeded");
}

#[tokio::test]
async fn who_waits_for_100_continue_gets_it_or_the_refusal() {
    let running = Running::start(Config::default()).await;
    let good = Call::new("PUT", "/bucket/key").header("expect", "100-continue");
    let good = good.signed_with(&signer("s3"), &Payload::Unsigned);
    let mut client = Client::connect(running.address).await;
    client.send(format!("{}content-length: 5\r\n\r\n", good.head()).as_bytes()).await;
    assert_eq!(client.line().await, "HTTP/1.1 100 Continue");
    assert_eq!(client.line().await, "");
    client.send(b"hello").await;
    assert_eq!(client.answer(false).await.field("body"), "hello");

    let other = nephos_sigv4::Signer { access_key_id: "NOBODY".to_owned(), ..signer("s3") };
    let bad = Call::new("PUT", "/bucket/key").header("expect", "100-continue");
    let bad = bad.signed_with(&other, &Payload::Unsigned);
    let mut client = Client::connect(running.address).await;
    client.send(format!("{}content-length: 5000000000\r\n\r\n", bad.head()).as_bytes()).await;
    let answer = client.answer(false).await;
    assert_eq!(answer.status, 403, "no byte of the body is asked for");
    refused(&answer, "InvalidAccessKeyId");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let running = Running::start(Config::default()).await;
    let other = nephos_sigv4::Signer { secret_access_key: "other".to_owned(), ..signer("s3") };
    let call = Call::new("PUT", "/bucket/key").body(vec![b'x'; 900_000]);
    let answer = call.signed_with(&other, &Payload::Unsigned).send(running.address).await;
    refused(&answer, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_incomplete() {
    let running = Running::start(Config::default()).await;
    let call = Call::new("PUT", "/bucket/key").signed_with(&signer("s3"), &Payload::Unsigned);
    let mut client = Client::connect(running.address).await;
    client.send(format!("{}transfer-encoding: chunked\r\n\r\n5\r\nhel", call.head()).as_bytes()).await;
    client.send(Bytes::from_static(b"lo\r\nnonsense\r\n").as_ref()).await;
    refused(&client.answer(false).await, "IncompleteBody");
}
