//! What `--dev` opens, and to whom it stays closed.

use nephos_server::{App, Config};
use nephos_testkit::service::{COGNITO_IDP, DYNAMODB, S3, STS};
use nephos_testkit::{Call, Client, Credentials, Server, make, server, until};
use serde_json::{Value, json};

async fn list_tables(client: &Client, header: (&str, &str)) -> u16 {
    let call = Call::target("DynamoDB_20120810.ListTables", "{}").header(header.0, header.1);
    client.signed("dynamodb", call).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_was_rebound_to_this_machine_drives_nothing() {
    let server = Server::dev().await;
    let port = server.address().port();
    for name in ["evil.example", "localhost.evil.example", "10.0.0.1"] {
        let rebound = server.root().host(&format!("{name}:{port}"));
        let answer = rebound.call(DYNAMODB, "ListTables", json!({})).await;
        assert_eq!(answer.status, 403, "{name}");
        assert!(answer.text().contains("--dev") && answer.text().contains(name), "{}", answer.text());
        for path in ["/_nephos/health", "/_nephos/outbox", "/bucket/key"] {
            assert_eq!(rebound.send(Call::get(path)).await.status, 403, "{name}{path}");
        }
        assert_eq!(rebound.send(Call::new("POST", "/_nephos/reset")).await.status, 403);
    }
    for name in ["localhost", "127.0.0.1", "dynamodb.us-east-1.localhost", "dynamodb.us-east-1.amazonaws.com"]
    {
        server.root().host(&format!("{name}:{port}")).call(DYNAMODB, "ListTables", json!({})).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_drive_nothing_and_our_own_websites_do() {
    let server = Server::dev().await;
    let (root, port) = (server.root(), server.address().port());
    for origin in
        ["http://evil.example", "https://localhost.evil.example", "null", "http://b.s3.amazonaws.com"]
    {
        assert_eq!(list_tables(&root, ("origin", origin)).await, 403, "{origin}");
    }
    assert_eq!(list_tables(&root, ("sec-fetch-site", "cross-site")).await, 403);
    let reset = Call::new("POST", "/_nephos/reset").header("origin", "http://evil.example");
    assert_eq!(root.send(reset).await.status, 403);
    for origin in ["http://site.s3-website.localhost", "http://localhost", "http://127.0.0.1"] {
        assert_eq!(list_tables(&root, ("origin", &format!("{origin}:{port}"))).await, 200, "{origin}");
    }
    assert_eq!(list_tables(&root, ("sec-fetch-site", "same-site")).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_from_anywhere_leads_to_a_website() {
    let server = Server::dev().await;
    let root = server.root();
    root.public_bucket("site", "s3:GetObject").await;
    root.put_object("site", "index.html", "<p>hello").await.ok();
    let website =
        json!({ "Bucket": "site", "WebsiteConfiguration": { "IndexDocument": { "Suffix": "index.html" } } });
    root.call(S3, "PutBucketWebsite", website).await.ok();
    let visitor = server.anonymous().host(&format!("site.s3-website.localhost:{}", server.address().port()));
    let link = Call::get("/").header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
    assert_eq!(visitor.send(link).await.ok().text(), "<p>hello");
    let script = Call::get("/").header("origin", "http://evil.example");
    assert_eq!(visitor.send(script).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_dev_nothing_is_well_known() {
    let server = Server::start().await;
    let who = |client: Client| async move { client.call(STS, "GetCallerIdentity", json!({})).await };
    for key in ["test", "000000000000", "111122223333"] {
        let client = server.anonymous().with(Credentials::new(key, "test"));
        who(client).await.refused(403, "InvalidClientTokenId");
    }
    // A random key is what protects it, so that names and origins need not.
    let elsewhere = server.root().host("nephos.example");
    assert_eq!(who(elsewhere).await.ok().get("Arn"), "arn:aws:iam::000000000000:root");
    assert_eq!(list_tables(&server.root(), ("origin", "http://elsewhere.example")).await, 200);
    for path in ["outbox", "refusals", "clock"] {
        let path = format!("/_nephos/{path}");
        assert_eq!(server.anonymous().send(Call::get(&path)).await.status, 403, "{path}");
    }
    for path in ["/_nephos/reset", "/_nephos/clock"] {
        let call = Call::new("POST", path).body(r#"{"advance_seconds":1}"#);
        let refused = server.root().signed("nephos", call).await;
        assert_eq!((refused.status, refused.text().contains("under --dev only")), (403, true), "{path}");
    }
    server.root().signed("nephos", Call::get("/_nephos/outbox")).await.ok();
    let user = server.root().user("ada", Some(&make::allow("*", "*"))).await;
    assert_eq!(user.signed("nephos", Call::get("/_nephos/outbox")).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_dev_test_is_root_and_account_ids_are_their_roots() {
    let server = Server::dev().await;
    let arn = async |key: &str| {
        let client = server.anonymous().with(Credentials::new(key, "test"));
        client.call(STS, "GetCallerIdentity", json!({})).await.ok().get("Arn")
    };
    assert_eq!(arn("test").await, "arn:aws:iam::000000000000:root");
    assert_eq!(arn("111122223333").await, "arn:aws:iam::111122223333:root");
    let wrong = server.anonymous().with(Credentials::new("test", "guess"));
    wrong.call(STS, "GetCallerIdentity", json!({})).await.refused(403, "SignatureDoesNotMatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_listens_on_loopback_only() {
    let start = async |listen: &str, dev: bool, insecure_http: bool| {
        let config = Config { listen: listen.parse().unwrap(), dev, insecure_http, ..server::config() };
        App::start(config).await.map(drop).map_err(|error| error.to_string())
    };
    let refused = start("0.0.0.0:0", true, true).await.unwrap_err();
    assert!(
        refused.starts_with("--dev makes access key `test` work, so it listens on loopback only"),
        "{refused}"
    );
    let refused = start("0.0.0.0:0", false, false).await.unwrap_err();
    assert!(refused.starts_with("expected a loopback address, got 0.0.0.0:0"), "{refused}");
    assert_eq!(start("0.0.0.0:0", false, true).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_in_both_forms() {
    let server = Server::start().await;
    let ours = server.anonymous().send(Call::get("/_nephos/health")).await.ok().json();
    assert_eq!(ours["status"], "running");
    let theirs = server.anonymous().send(Call::get("/_localstack/health")).await.ok().json();
    for model in nephos_testkit::service::all() {
        assert_eq!(
            (&ours["services"][model.name], &theirs["services"][model.name]),
            (&json!("running"), &json!("running"))
        );
    }
    assert!(theirs["version"].is_string() && theirs["edition"].is_string());
}

async fn advance(server: &Server, seconds: u64) -> Value {
    let call = Call::new("POST", "/_nephos/clock").body(json!({ "advance_seconds": seconds }).to_string());
    server.anonymous().send(call).await.ok().json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_clock_ends_sessions() {
    let server = Server::dev().await;
    let role =
        server.root().role("reader", &json!({ "AWS": "000000000000" }), &make::allow("s3:*", "*")).await;
    let session = server.root().assume(&role, "me", json!({ "DurationSeconds": 900 })).await;
    session.call(S3, "ListBuckets", json!({})).await.ok();
    assert_eq!(advance(&server, 890).await["ahead_seconds"], 890);
    session.call(S3, "ListBuckets", json!({})).await.ok();
    advance(&server, 11).await;
    session.call(S3, "ListBuckets", json!({})).await.refused(400, "ExpiredToken");
    session.call(DYNAMODB, "ListTables", json!({})).await.refused(400, "ExpiredTokenException");
    session.call(STS, "GetCallerIdentity", json!({})).await.refused(403, "ExpiredToken");
    // The clients' clocks were not moved, and their signatures still count.
    server.root().call(S3, "ListBuckets", json!({})).await.ok();
    let back = Call::new("POST", "/_nephos/clock").body(r#"{"reset":true}"#);
    assert_eq!(server.anonymous().send(back).await.ok().json()["ahead_seconds"], 0);
    session.call(S3, "ListBuckets", json!({})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_clock_expires_items() {
    let server = Server::dev().await;
    let root = server.root();
    root.table("sessions").await;
    let ttl = json!({ "TableName": "sessions", "TimeToLiveSpecification": { "Enabled": true, "AttributeName": "ends" } });
    root.call(DYNAMODB, "UpdateTimeToLive", ttl).await.ok();
    let now = server.clock().now().millis() / 1000;
    for (key, ends) in [("soon", now + 3600), ("late", now + 36_000)] {
        let item = json!({ "k": { "S": key }, "ends": { "N": ends.to_string() } });
        root.call(DYNAMODB, "PutItem", json!({ "TableName": "sessions", "Item": item })).await.ok();
    }
    advance(&server, 3700).await;
    until("the item to go", async || {
        root.get_item("sessions", "soon").await.ok().find("Item").is_none().then_some(())
    })
    .await;
    assert!(root.get_item("sessions", "late").await.find("Item").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_clock_ends_codes_and_tokens() {
    let server = Server::dev().await;
    let root = server.root();
    let pool = root.pool("people").await;
    for name in ["ann", "bob"] {
        root.sign_up(&pool, name).await.ok();
    }
    root.confirm(&pool, "bob").await.ok();
    let token = root.sign_in(&pool, "bob").await.ok().get("AccessToken");
    let me = json!({ "AccessToken": token });
    server.anonymous().call(COGNITO_IDP, "GetUser", me.clone()).await.ok();
    let outbox = server.anonymous().send(Call::get("/_nephos/outbox")).await.ok().json();
    let messages = outbox["messages"].as_array().unwrap();
    let mail = messages.iter().find(|message| message["to"] == "ann@example.org").unwrap();
    advance(&server, 25 * 3600).await;
    let confirm =
        json!({ "ClientId": pool.client, "Username": "ann", "ConfirmationCode": mail["facts"]["code"] });
    server.anonymous().call(COGNITO_IDP, "ConfirmSignUp", confirm).await.refused(400, "ExpiredCodeException");
    server.anonymous().call(COGNITO_IDP, "GetUser", me).await.refused(400, "NotAuthorizedException");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_takes_no_nonsense() {
    let server = Server::dev().await;
    for body in ["", "{}", "[]", r#"{"advance_seconds":-1}"#, r#"{"advance_seconds":99999999999}"#] {
        let answer = server.anonymous().send(Call::new("POST", "/_nephos/clock").body(body)).await;
        assert_eq!((answer.status, answer.message().starts_with("expected ")), (400, true), "{body}");
    }
    assert_eq!(server.clock().offset().as_secs(), 0);
}
