//! Websites, function URLs, pages and documents, by host and by path.

use nephos_gateway::Config;
use nephos_sigv4::{Payload, sha256_hex};

use super::fakes::{Running, signer};
use super::wire_client::Call;

#[tokio::test]
async fn a_place_is_the_same_by_host_and_by_path() {
    let running = Running::start(Config::default()).await;
    let by_host = Call::new("POST", "/a%20b?c=d&e").host("site.s3-website.localhost:4566").body("hello");
    let answer = by_host.header("authorization", "Bearer x").send(running.address).await;
    assert_eq!(answer.field("place"), "Website");
    assert_eq!(answer.field("name"), "site");
    assert_eq!((answer.field("base"), answer.field("path")), (String::new(), "/a%20b".to_owned()));
    assert_eq!(answer.field("query"), "c=d&e");
    assert_eq!(answer.field("body"), "hello");
    assert_eq!(answer.field("origin"), "http://site.s3-website.localhost:4566");
    assert_eq!(answer.json()["headers"]["authorization"], "Bearer x", "an open place's own affair");
    assert!(!answer.header("x-amz-request-id").is_empty());

    let answer = Call::new("GET", "/_website/site/a%20b?c=d&e").send(running.address).await;
    assert_eq!(
        (answer.field("base"), answer.field("path")),
        ("/_website/site".to_owned(), "/a%20b".to_owned())
    );
    let answer = Call::new("GET", "/_website/site").send(running.address).await;
    assert_eq!(answer.field("path"), "/");
    let answer = Call::new("GET", "/eu-west-1_Ab/.well-known/jwks.json").send(running.address).await;
    assert_eq!(answer.field("place"), "UserPool");
    assert_eq!(answer.field("name"), "eu-west-1_Ab");
    assert_eq!(answer.field("path"), "/.well-known/jwks.json");
    assert_eq!(answer.field("region"), "eu-west-1");
}

#[tokio::test]
async fn a_place_that_does_not_exist_says_so_itself() {
    let running = Running::start(Config::default()).await;
    let answer = Call::new("POST", "/_website/closed/").body("x").send(running.address).await;
    assert_eq!((answer.status, answer.body.as_str()), (404, "no such place"));
}

#[tokio::test]
async fn a_place_may_demand_a_signature() {
    let running = Running::start(Config::default()).await;
    let call = |path: &str| Call::new("POST", path).body("hello");
    for path in ["/_function-url/signed/x", "/x"] {
        let call =
            call(path).host(if path == "/x" { "signed.lambda-url.us-east-1.localhost" } else { "localhost" });
        let answer = call.clone().signed(&signer("lambda")).send(running.address).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.field("principal"), "arn:aws:iam::123456789012:root");
        assert_eq!(answer.field("body"), "hello");
        assert!(answer.json()["headers"].get("authorization").is_none());

        let answer = call.clone().send(running.address).await;
        assert_eq!(answer.body, "refused: MissingAuthenticationTokenException");
        let answer = call.clone().signed(&signer("s3")).send(running.address).await;
        assert_eq!(answer.body, "refused: InvalidSignatureException", "a scope for another service");
        let forged = call.clone().signed_with(&signer("lambda"), &Payload::Sha256(sha256_hex(b"jello")));
        assert_eq!(forged.send(running.address).await.body, "refused: InvalidSignatureException");
        let long = call.clone().body(vec![b'x'; 1001]).signed(&signer("lambda"));
        assert_eq!(long.send(running.address).await.body, "refused: RequestEntityTooLargeException");
    }
}

#[tokio::test]
async fn a_place_without_handler_is_not_there() {
    let gateway = nephos_gateway::Gateway::builder(
        Config::default(),
        super::fakes::platform(),
        std::sync::Arc::new(super::fakes::Keys),
    );
    let gateway = gateway.build().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { gateway.serve(listener, std::future::pending()).await });
    assert_eq!(Call::new("GET", "/_website/site/").send(address).await.status, 404);
    let answer = Call::new("GET", "/bucket/key").send(address).await;
    assert_eq!(answer.status, 501, "{}", answer.body);
    serving.abort();
}
