//! The endpoint within sandboxes: the same services, on a socket that somebody else made.

use std::net::TcpListener;

use nephos_core::ports::ServeEndpoint;
use nephos_gateway::{Config, EndpointSlot};

use super::fakes::{Running, signer};
use super::wire_client::json_call;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandboxs_socket_is_served_until_its_guard_goes() {
    let running = Running::start(Config { dev: true, ..Config::default() }).await;
    let slot = EndpointSlot::new();
    let (first, second) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    drop(slot.serve_endpoint(first));
    slot.attach(&running.gateway);
    let address = second.local_addr().unwrap();
    // From a thread of the sandbox's own, outside the runtime.
    let serving = std::thread::spawn({
        let slot = std::sync::Arc::clone(&slot);
        move || slot.serve_endpoint(second)
    })
    .join()
    .unwrap();
    let call =
        json_call("DynamoDB_20120810.PutItem", "{}").host("platform.internal").signed(&signer("dynamodb"));
    let answer = call.send(address).await;
    assert_eq!(answer.status, 200, "no browser gets in here, so no name is refused: {}", answer.body);
    drop(serving);
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the socket is still served");
}
