//! An environment's network is its own loopback, and the sockets that were put there for it.

use crate::support::{DEADLINE, output_of, python, sandbox, spawn};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

#[tokio::test]
async fn the_hosts_loopback_is_another() {
    let host = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = host.local_addr().unwrap().port();
    let name = format!("nephos-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _abstract = UnixListener::bind_addr(&address).unwrap();
    std::net::TcpStream::connect(("127.0.0.1", port)).expect("from outside it can be reached");
    let program = format!(
        "
import socket
def attempt(family, address):
    try:
        socket.socket(family).connect(address)
        return 0
    except OSError as error:
        return error.errno
print(attempt(socket.AF_INET, ('127.0.0.1', {port})), attempt(socket.AF_UNIX, '\\0{name}'))
"
    );
    assert_eq!(output_of(python(&program)).await, "111 111\n", "both are refused");
}

#[tokio::test]
async fn there_is_one_interface_and_no_route() {
    let program = "
import socket
print([name for _, name in socket.if_nameindex()], len(open('/proc/net/route').readlines()))
";
    assert_eq!(output_of(python(program)).await, "['lo'] 1\n");
}

const CALL: &str = "
import socket
peer = socket.create_connection(('127.0.0.1', 9001))
peer.sendall(b'hello')
print(peer.recv(64).decode())
print(socket.create_connection(('::1', 9002)).recv(64).decode())
";

#[tokio::test]
async fn each_environment_reaches_the_sockets_handed_out_for_it() {
    let sandbox = sandbox();
    let mut spec = python(CALL);
    spec.listen = vec!["127.0.0.1:9001".parse().unwrap(), "[::1]:9002".parse().unwrap()];
    let mut calls = Vec::new();
    // Both use the same addresses at the same time.
    for name in ["first", "second"] {
        let mut environment = spawn(&sandbox, spec.clone()).await;
        assert_eq!(environment.listeners.len(), 2);
        let listeners: Vec<_> =
            environment.listeners.drain(..).map(|one| TcpListener::from_std(one).unwrap()).collect();
        calls.push((name, environment, listeners));
    }
    for (name, environment, listeners) in calls {
        let (mut peer, _) = timeout(DEADLINE, listeners[0].accept()).await.unwrap().unwrap();
        peer.read_exact(&mut [0; 5]).await.unwrap();
        peer.write_all(name.as_bytes()).await.unwrap();
        let (mut peer, _) = timeout(DEADLINE, listeners[1].accept()).await.unwrap().unwrap();
        peer.write_all(b"six").await.unwrap();
        drop(peer);
        let outcome = crate::support::finish(environment).await;
        assert_eq!(outcome.stdout, format!("{name}\nsix\n"), "{outcome:?}");
    }
    sandbox.shut_down().await;
}

#[tokio::test]
async fn only_loopback_addresses_can_be_asked_for() {
    let sandbox = sandbox();
    let mut spec = python("pass");
    spec.listen = vec!["192.0.2.1:80".parse().unwrap()];
    let error = sandbox.spawn(spec).await.expect_err("not a loopback address");
    assert!(error.to_string().contains("loopback"), "{error}");
    sandbox.shut_down().await;
}
