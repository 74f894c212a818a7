//! With well-known credentials, web pages and rebound names get nowhere.

use nephos_gateway::Config;

use super::fakes::{Running, signer};
use super::wire_client::{Answer, Call, json_call};

async fn dev() -> Running {
    let public_names = vec!["cloud.example.org".to_owned()];
    Running::start(Config { dev: true, public_names, ..Config::default() }).await
}

fn put_item(host: &str) -> Call {
    json_call("DynamoDB_20120810.PutItem", "{}").host(host)
}

fn refused(answer: &Answer, text: &str) {
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert!(answer.body.contains(text) && answer.body.contains("--dev"), "{}", answer.body);
}

#[tokio::test]
async fn a_rebound_name_is_refused_though_the_signature_is_right() {
    let running = dev().await;
    for host in ["evil.example", "evil.example:4566", "localhost.evil.example", "192.168.1.7:4566"] {
        let answer = put_item(host).signed(&signer("dynamodb")).send(running.address).await;
        refused(&answer, "answers only to localhost");
        let answer = Call::new("POST", "/_nephos/reset").host(host).send(running.address).await;
        refused(&answer, "answers only to localhost");
    }
    for host in [
        "localhost:4566",
        "127.0.0.1:4566",
        "[::1]:4566",
        "dynamodb.us-east-1.amazonaws.com",
        "cloud.example.org",
    ] {
        let answer = put_item(host).signed(&signer("dynamodb")).send(running.address).await;
        assert_eq!(answer.status, 200, "{host}: {}", answer.body);
    }
    assert_eq!(running.gateway.metrics().guarded.get(), 8);
}

#[tokio::test]
async fn a_page_of_another_site_is_refused_though_the_signature_is_right() {
    let running = dev().await;
    for (name, value) in [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("origin", "https://bucket.s3.amazonaws.com"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let call = put_item("localhost:4566").header(name, value).signed(&signer("dynamodb"));
        refused(&call.send(running.address).await, "pages of other sites");
        let preflight = Call::new("OPTIONS", "/").header(name, value).send(running.address).await;
        refused(&preflight, "pages of other sites");
        assert_eq!(preflight.header("access-control-allow-origin"), "");
    }
    for value in ["http://localhost:4566", "http://site.s3-website.localhost:4566", "http://127.0.0.1:3000"] {
        let call = put_item("localhost:4566").header("origin", value).signed(&signer("dynamodb"));
        assert_eq!(call.send(running.address).await.status, 200, "{value}");
    }
}

#[tokio::test]
async fn a_presigned_link_on_a_foreign_page_is_refused() {
    let running = dev().await;
    let link = Call::new("GET", "/?Action=CreateUser&Version=2010-05-08")
        .presigned(&signer("iam"), &nephos_sigv4::Payload::Sha256(nephos_sigv4::sha256_hex(b"")));
    assert_eq!(link.send(running.address).await.status, 200, "from a command line");
    let clicked = link.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
    refused(&clicked.send(running.address).await, "pages of other sites");
    let website = Call::new("GET", "/").host("site.s3-website.localhost:4566");
    let clicked = website.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
    assert_eq!(clicked.send(running.address).await.status, 200, "a link to a website is a link");
}

#[tokio::test]
async fn without_well_known_credentials_every_name_will_do() {
    let running = Running::start(Config::default()).await;
    let call =
        put_item("nephos.internal:4566").header("origin", "http://app.example").signed(&signer("dynamodb"));
    assert_eq!(call.send(running.address).await.status, 200);
}
