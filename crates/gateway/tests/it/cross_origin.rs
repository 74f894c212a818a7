//! What browsers are told.

use nephos_gateway::Config;

use super::fakes::{Running, signer};
use super::wire_client::{Call, json_call};

const PAGE: &str = "http://app.example";

#[tokio::test]
async fn services_let_every_page_ask() {
    let running = Running::start(Config::default()).await;
    for target in ["/", "/2015-03-31/functions/f/invocations"] {
        let answer = Call::new("OPTIONS", target)
            .header("origin", PAGE)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,x-amz-date,x-amz-target")
            .send(running.address)
            .await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers.get_all("access-control-allow-origin").iter().count(), 1);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-headers"), "authorization,x-amz-date,x-amz-target");
        assert!(answer.header("access-control-allow-methods").contains("POST"));
        assert_eq!(answer.header("access-control-max-age"), "172800");
    }
}

#[tokio::test]
async fn answers_and_refusals_can_be_read_by_pages() {
    let running = Running::start(Config::default()).await;
    let call = json_call("DynamoDB_20120810.PutItem", "{}").header("origin", PAGE);
    for (call, status) in [(call.clone().signed(&signer("dynamodb")), 200), (call, 400)] {
        let answer = call.send(running.address).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert!(answer.header("access-control-expose-headers").contains("x-amzn-ErrorType"));
    }
    let answer = json_call("DynamoDB_20120810.PutItem", "{}").send(running.address).await;
    assert_eq!(answer.header("access-control-allow-origin"), "", "nobody asked");
}

#[tokio::test]
async fn buckets_have_their_own_rules() {
    let running = Running::start(Config::default()).await;
    for (host, path, expected) in [
        ("localhost", "/bucket/a%20b", "preflight of bucket Some(\"a b\")"),
        ("bucket.s3.localhost", "/k/l", "preflight of bucket Some(\"k/l\")"),
        ("localhost", "/bucket", "preflight of bucket None"),
    ] {
        let call = Call::new("OPTIONS", path).host(host).header("origin", PAGE);
        assert_eq!(call.send(running.address).await.body, expected);
    }
    let answer = Call::new("GET", "/bucket/key").header("origin", PAGE).send(running.address).await;
    assert_eq!(answer.header("x-test-cors"), "GET bucket");
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let answer = Call::new("GET", "/bucket/key").send(running.address).await;
    assert_eq!(answer.header("x-test-cors"), "");
}
