//! A stop lets what runs come to its end, and nothing that idles keeps it.

use std::time::{Duration, Instant};

use nephos_testkit::service::STS;
use nephos_testkit::{Process, Server, make, until};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Far less than the twenty seconds that a request may take to come to its end.
const SOON: Duration = Duration::from_secs(10);

const SLOW: &str = "
import time
def handler(event, context):
    print('begun')
    time.sleep(1.5)
    return 'done'
";

/// A connection that asked once, was answered, and is kept open.
async fn idle(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(b"GET /_nephos/health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_hold_nothing_up() {
    let server = Server::start().await;
    let mut connections = Vec::new();
    for _ in 0..20 {
        connections.push(idle(&server).await);
    }
    // One that never asked, and one in the middle of its request's head.
    let silent = TcpStream::connect(server.address()).await.unwrap();
    let mut halting = TcpStream::connect(server.address()).await.unwrap();
    halting.write_all(b"GET /_nephos/health HTTP/1.1\r\nHost: loc").await.unwrap();
    tokio::time::timeout(SOON, server.stop()).await.unwrap();
    for mut connection in connections {
        let mut rest = Vec::new();
        connection.read_to_end(&mut rest).await.unwrap();
    }
    drop((silent, halting));
    let refused = TcpStream::connect(server.address()).await;
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_invocation_comes_to_its_end() {
    let server = Server::start().await;
    let root = server.root();
    let role = root.function_role("worker", &make::allow("logs:*", "*")).await;
    root.function("slow", &role, SLOW).await;
    let (caller, running) = (root.clone(), Instant::now());
    let answer = tokio::spawn(async move { caller.invoke("slow", &json!({})).await });
    until("the invocation to begin", async || {
        let health = root.anonymous().send(nephos_testkit::Call::get("/_nephos/health")).await.ok().json();
        (health["counters"]["running"].as_u64() >= Some(2)).then_some(())
    })
    .await;
    tokio::time::timeout(SOON, server.stop()).await.unwrap();
    assert!(running.elapsed() >= Duration::from_millis(1500), "it was cut off");
    assert_eq!(answer.await.unwrap().ok().text(), "\"done\"");
    assert!(TcpStream::connect(server.address()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_told_to_end_ends_well() {
    let mut process = Process::start(&[]).await;
    let root = process.root();
    root.table("notes").await;
    root.put_item("notes", "k", "v").await.ok();
    let session = root.call(STS, "GetSessionToken", json!({})).await.ok();
    let status = process.stop().await;
    assert!(status.success(), "{status}: {}", process.log());
    process.again().await;
    let root = process.root();
    assert!(root.get_item("notes", "k").await.ok().find("Item").is_some());
    let session = root.with(nephos_testkit::Credentials::read(&session));
    session.call(STS, "GetCallerIdentity", json!({})).await.ok();
}
