//! A stop lets what runs come to its end, and nothing that idles keeps it.

use std::time::{Duration, Instant};

use nephos_testkit::service::STS;
use nephos_testkit::{Call, Credentials, Process, Server, make, until};
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

/// One of the counters of the platform's health; its own request and connection count, too.
async fn running(server: &Server, counter: &str) -> u64 {
    let health = server.anonymous().send(Call::get("/_nephos/health")).await.ok().json();
    health["counters"][counter].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_hold_nothing_up() {
    let server = Server::start().await;
    let mut connections = Vec::new();
    for _ in 0..20 {
        connections.push(idle(&server).await);
    }
    // And one that never asked.
    connections.push(TcpStream::connect(server.address()).await.unwrap());
    until("all to be accepted", async || (running(&server, "connections").await > 21).then_some(())).await;
    tokio::time::timeout(SOON, server.stop()).await.unwrap();
    for mut connection in connections {
        let mut rest = Vec::new();
        connection.read_to_end(&mut rest).await.unwrap();
    }
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
    let (caller, began) = (root.clone(), Instant::now());
    let answer = tokio::spawn(async move { caller.invoke("slow", &json!({})).await });
    until("the invocation", async || (running(&server, "running").await > 1).then_some(())).await;
    tokio::time::timeout(SOON, server.stop()).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(1500), "it was cut off");
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
    let session = root.with(Credentials::read(&session));
    session.call(STS, "GetCallerIdentity", json!({})).await.ok();
}
