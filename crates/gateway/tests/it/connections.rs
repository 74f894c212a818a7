//! Connections: kept alive, over HTTP/2, malformed, oversized, idle, stalled, and drained at shutdown.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nephos_gateway::{Config, Limits};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::fakes::{Running, signer};
use super::wire_client::{Call, Client, json_call};

fn put_item(body: &str) -> Call {
    json_call("DynamoDB_20120810.PutItem", body).signed(&signer("dynamodb"))
}

fn slow() -> Call {
    json_call("DynamoDB_20120810.PutItem", "{}").header("x-test", "slow").signed(&signer("dynamodb"))
}

fn with(change: impl FnOnce(&mut Limits)) -> Config {
    let mut config = Config::default();
    change(&mut config.limits);
    config
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let running = Running::start(Config::default()).await;
    let mut client = Client::connect(running.address).await;
    let mut ids = std::collections::HashSet::new();
    for n in 0..50 {
        let answer = put_item(&n.to_string()).send_on(&mut client).await;
        assert_eq!(answer.field("body"), n.to_string());
        ids.insert(answer.header("x-amzn-requestid").to_owned());
    }
    assert_eq!(ids.len(), 50, "every answer has an id of its own");
    assert_eq!(running.gateway.metrics().connections_total.get(), 1);
}

#[tokio::test]
async fn http2_is_spoken_by_prior_knowledge() {
    let running = Running::start(Config::default()).await;
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let calls = (0..20).map(|n| {
        let call = put_item(&n.to_string());
        let mut request = http::Request::post(format!("http://{}/", call.host))
            .body(Full::new(Bytes::from(call.body.clone())))
            .unwrap();
        *request.headers_mut() = call.headers;
        let answer = sender.send_request(request);
        async move {
            let answer = answer.await.unwrap();
            assert_eq!(answer.status(), 200);
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let echo: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(echo["body"], n.to_string());
            assert_eq!(echo["origin"], "http://localhost:4566", "the authority is the host");
        }
    });
    let tasks: Vec<_> = calls.map(tokio::spawn).collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(running.gateway.metrics().connections_total.get(), 1);
}

#[tokio::test]
async fn malformed_requests_are_answered_and_cut_off() {
    let running = Running::start(Config::default()).await;
    for bad in [
        "NONSENSE\r\n\r\n",
        "GET / HTTP/3.7\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
    ] {
        let mut client = Client::connect(running.address).await;
        client.send(bad.as_bytes()).await;
        assert_eq!(client.line().await, "HTTP/1.1 400 Bad Request", "{bad:?}");
    }
}

#[tokio::test]
async fn a_request_has_one_sensible_host() {
    let running = Running::start(Config::default()).await;
    for bad in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: u@localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nhost:\r\n\r\n",
        "GET http://one.localhost/ HTTP/1.1\r\nhost: two.localhost\r\n\r\n",
    ] {
        let mut client = Client::connect(running.address).await;
        client.send(bad.as_bytes()).await;
        let answer = client.answer(false).await;
        assert_eq!(answer.status, 400, "{bad:?}");
        assert!(answer.body.contains("expected one Host header"), "{bad:?}: {}", answer.body);
    }
    // A proxy's absolute form names the host, too.
    let mut client = Client::connect(running.address).await;
    client.send(b"GET http://b.s3.localhost/k HTTP/1.1\r\nhost: b.s3.localhost\r\n\r\n").await;
    assert_eq!(client.answer(false).await.field("path"), "/b/k");
}

#[tokio::test]
async fn heads_and_bodies_have_limits() {
    let limits = |limits: &mut Limits| {
        limits.head_bytes = 8192;
        limits.json_body_bytes = 1000;
        limits.buffered_bytes = 4096;
        limits.rest_body_bytes = 1 << 20;
    };
    let running = Running::start(with(limits)).await;
    let answer = put_item("{}").header("x-long", &"x".repeat(9000)).send(running.address).await;
    assert_eq!(answer.status, 431);

    let answer = put_item(&"x".repeat(1001)).send(running.address).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    assert_eq!(answer.header("x-amzn-errortype"), "RequestEntityTooLargeException");

    // Of unknown length, and over the limit all the same.
    let call = put_item("{}");
    let mut client = Client::connect(running.address).await;
    client.send(format!("{}transfer-encoding: chunked\r\n\r\n", call.head()).as_bytes()).await;
    let chunk = format!("1ff\r\n{}\r\n", "x".repeat(511));
    let _ = client.try_send(chunk.repeat(3).as_bytes()).await;
    assert_eq!(client.answer(false).await.status, 413);

    let call = Call::new("POST", "/2015-03-31/functions/f/invocations").body(vec![b' '; 8000]);
    let answer = call.signed(&signer("lambda")).send(running.address).await;
    assert_eq!(answer.status, 429, "memory for bodies is bounded: {}", answer.body);
    assert_eq!(running.gateway.metrics().shed.get(), 1);
}

#[tokio::test]
async fn a_panic_is_one_requests_own() {
    let running = Running::start(Config::default()).await;
    let mut client = Client::connect(running.address).await;
    let call = json_call("DynamoDB_20120810.PutItem", "{}").header("x-test", "panic");
    let answer = call.signed(&signer("dynamodb")).send_on(&mut client).await;
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("InternalFailure"), "{}", answer.body);
    assert_eq!(put_item("{}").send_on(&mut client).await.status, 200);
}

#[tokio::test]
async fn slow_heads_idlers_and_stalled_bodies_are_cut_off() {
    let limits = |limits: &mut Limits| {
        limits.head_timeout = Duration::from_millis(300);
        limits.idle_timeout = Duration::from_millis(700);
        limits.stall_timeout = Duration::from_millis(300);
    };
    let running = Running::start(with(limits)).await;

    let begun = Instant::now();
    let mut drip = Client::connect(running.address).await;
    for byte in b"GET / HTTP/1.1\r\n" {
        if drip.try_send(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(drip.is_closed().await);
    assert!(begun.elapsed() < Duration::from_secs(2), "a head that drips is not waited for");

    let mut idle = Client::connect(running.address).await;
    assert_eq!(put_item("{}").send_on(&mut idle).await.status, 200);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(put_item("{}").send_on(&mut idle).await.status, 200, "idling for a while is fine");
    let begun = Instant::now();
    assert!(idle.is_closed().await);
    assert!(begun.elapsed() > Duration::from_millis(500) && begun.elapsed() < Duration::from_secs(3));

    let mut stalled = Client::connect(running.address).await;
    stalled.send(format!("{}content-length: 10\r\n\r\nhel", put_item("{}").head()).as_bytes()).await;
    assert_eq!(stalled.answer(false).await.status, 408);
    assert!(running.gateway.metrics().timeouts.get() >= 2);
}

#[tokio::test]
async fn a_long_call_is_not_idle() {
    let limits = |limits: &mut Limits| {
        limits.head_timeout = Duration::from_millis(100);
        limits.idle_timeout = Duration::from_millis(100);
        limits.stall_timeout = Duration::from_millis(100);
    };
    let running = Running::start(with(limits)).await;
    assert_eq!(slow().send(running.address).await.status, 200);
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_cut_off() {
    let running = Running::start(with(|limits| limits.stall_timeout = Duration::from_millis(300))).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(running.address).await.unwrap();
    let call =
        json_call("DynamoDB_20120810.PutItem", "{}").header("x-test", "large").signed(&signer("dynamodb"));
    let text = format!("{}content-length: 2\r\n\r\n{{}}", call.head());
    for _ in 0..4 {
        stream.write_all(text.as_bytes()).await.unwrap();
    }
    let begun = Instant::now();
    while running.gateway.metrics().timeouts.get() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "the connection is still open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(stream);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let running = Running::start(with(|limits| limits.connections = 1)).await;
    let mut first = Client::connect(running.address).await;
    assert_eq!(put_item("{}").send_on(&mut first).await.status, 200);
    let address = running.address;
    let second = tokio::spawn(async move { put_item("{}").send(address).await.status });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!second.is_finished());
    drop(first);
    assert_eq!(second.await.unwrap(), 200);
}

#[tokio::test]
async fn a_shutdown_lets_running_requests_end() {
    let running = Running::start(Config::default()).await;
    let address = running.address;
    let mut idle = Client::connect(address).await;
    assert_eq!(put_item("{}").send_on(&mut idle).await.status, 200);
    let request = tokio::spawn(async move { slow().send(address).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    assert_eq!(running.stop().await, 0, "nothing had to be cut off");
    assert!(begun.elapsed() < Duration::from_secs(2));
    let answer = request.await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("connection"), "close");
    assert!(idle.is_closed().await);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_shutdown_has_an_end() {
    let running = Running::start(with(|limits| limits.drain_timeout = Duration::from_millis(100))).await;
    let mut client = Client::connect(running.address).await;
    let call = slow();
    client.send(format!("{}content-length: 2\r\n\r\n{{}}", call.head()).as_bytes()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    assert_eq!(running.stop().await, 1);
    assert!(begun.elapsed() < Duration::from_millis(300));
    assert!(client.is_closed().await);
}
