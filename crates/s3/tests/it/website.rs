//! Websites as browsers see them.

use nephos_wire::Body;

use crate::world::{Answer, World};

const PUBLIC: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::site-1/*"}]}"#;
const LISTED: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::site-1/*"},{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::site-1"}]}"#;

fn config(extra: &str) -> String {
    format!(
        "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument>{extra}</WebsiteConfiguration>"
    )
}

async fn site(policy: &str, extra: &str) -> World {
    let world = World::new();
    let root = world.root();
    root.put("/site-1", Body::Empty).await.ok();
    root.put("/site-1?publicAccessBlock", "<PublicAccessBlockConfiguration/>").await.ok();
    root.put("/site-1?policy", policy.to_owned()).await.ok();
    root.put("/site-1?website", config(extra)).await.ok();
    let html = [("content-type", "text/html"), ("cache-control", "no-cache")];
    for (key, body) in [
        ("index.html", "home"),
        ("docs/index.html", "docs"),
        ("a%20b.html", "spaced"),
        ("error.html", "oops"),
    ] {
        root.send("PUT", &format!("/site-1/{key}"), &html, body).await.ok();
    }
    world
}

async fn get(world: &World, path: &str) -> Answer {
    world.browse("GET", "site-1", path, &[]).await
}

#[tokio::test]
async fn pages_and_folders() {
    let world = site(PUBLIC, "").await;
    let home = get(&world, "/").await.ok();
    assert_eq!((home.text(), home.header("content-type")), ("home", Some("text/html")));
    assert_eq!((home.header("cache-control"), home.header("content-length")), (Some("no-cache"), Some("4")));
    assert!(home.header("etag").is_some() && home.header("x-amz-request-id").is_some());
    assert_eq!(get(&world, "/docs/").await.ok().text(), "docs");
    assert_eq!(get(&world, "/a%20b.html?x=1").await.ok().text(), "spaced");
    let folder = get(&world, "/docs").await;
    assert_eq!((folder.status, folder.header("location"), folder.body.len()), (302, Some("/docs/"), 0));
    let head = world.browse("HEAD", "site-1", "/", &[]).await.ok();
    assert_eq!((head.body.len(), head.header("content-length")), (0, Some("4")));
    let post = world.browse("POST", "site-1", "/", &[]).await;
    assert_eq!(post.status, 405);
    assert!(post.text().contains("<li>Code: MethodNotAllowed</li>"), "{}", post.text());
    let range = world.browse("GET", "site-1", "/", &[("range", "bytes=1-2")]).await.ok();
    assert_eq!((range.status, range.text(), range.header("content-range")), (206, "om", Some("bytes 1-2/4")));
    let etag = home.header("etag").unwrap();
    let same = world.browse("GET", "site-1", "/", &[("if-none-match", etag)]).await;
    assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, Some(etag)));
    assert_eq!(world.browse("GET", "site-1", "/", &[("range", "bytes=9-")]).await.status, 416);
}

#[tokio::test]
async fn errors_depend_on_who_may_list() {
    let world = site(PUBLIC, "").await;
    let hidden = get(&world, "/none").await;
    assert_eq!((hidden.status, hidden.header("x-amz-error-code")), (403, Some("AccessDenied")));
    assert!(hidden.text().contains("<h1>403 Forbidden</h1>"), "{}", hidden.text());
    let world = site(LISTED, "").await;
    let missing = get(&world, "/none").await;
    assert_eq!((missing.status, missing.header("x-amz-error-detail-key")), (404, Some("none")));
    assert_eq!(missing.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(missing.text().contains("<li>Key: none</li>"), "{}", missing.text());
    assert!(get(&world, "/none/").await.text().contains("<li>Key: none/index.html</li>"));
    let nowhere = world.browse("GET", "nowhere", "/", &[]).await;
    assert!(
        nowhere.status == 404 && nowhere.text().contains("<li>BucketName: nowhere</li>"),
        "{}",
        nowhere.text()
    );
    world.root().delete("/site-1?website").await.ok();
    assert!(get(&world, "/").await.text().contains("NoSuchWebsiteConfiguration"));
}

#[tokio::test]
async fn the_error_document_keeps_the_status() {
    let world = site(LISTED, "<ErrorDocument><Key>error.html</Key></ErrorDocument>").await;
    let shown = get(&world, "/none").await;
    assert_eq!(
        (shown.status, shown.text(), shown.header("x-amz-error-code")),
        (404, "oops", Some("NoSuchKey"))
    );
    world.root().delete("/site-1/error.html").await.ok();
    let double = get(&world, "/none").await;
    assert_eq!(double.status, 404);
    assert!(
        double.text().contains("An Error Occurred While Attempting to Retrieve a Custom Error Document"),
        "{}",
        double.text()
    );
    // A policy that hides the site hides the error document as well.
    world.root().delete("/site-1?policy").await.ok();
    assert_eq!(get(&world, "/").await.status, 403);
}

#[tokio::test]
async fn rules_and_objects_redirect() {
    let rules = "<RoutingRules><RoutingRule><Condition><KeyPrefixEquals>old/</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith>docs/</ReplaceKeyPrefixWith></Redirect></RoutingRule><RoutingRule><Condition><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals></Condition><Redirect><HostName>example.com</HostName><Protocol>https</Protocol><HttpRedirectCode>307</HttpRedirectCode></Redirect></RoutingRule></RoutingRules>";
    let world = site(LISTED, rules).await;
    let old = get(&world, "/old/index.html").await;
    assert_eq!((old.status, old.body.len()), (301, 0));
    assert_eq!(old.header("location"), Some("http://site-1.s3-website.localhost:4566/docs/index.html"));
    let missing = get(&world, "/none").await;
    assert_eq!((missing.status, missing.header("location")), (307, Some("https://example.com/none")));
    let redirect = [("x-amz-website-redirect-location", "/docs/")];
    world.root().send("PUT", "/site-1/moved", &redirect, Body::Empty).await.ok();
    let moved = get(&world, "/moved").await;
    assert_eq!((moved.status, moved.header("location")), (301, Some("/docs/")));
    assert_eq!(
        world.root().get("/site-1/moved").await.ok().header("x-amz-website-redirect-location"),
        Some("/docs/")
    );
}

#[tokio::test]
async fn a_whole_site_can_move() {
    let world = site(PUBLIC, "").await;
    let elsewhere = "<WebsiteConfiguration><RedirectAllRequestsTo><HostName>www.example.com</HostName><Protocol>https</Protocol></RedirectAllRequestsTo></WebsiteConfiguration>";
    world.root().put("/site-1?website", elsewhere).await.ok();
    let gone = get(&world, "/a/b?q=1").await;
    assert_eq!((gone.status, gone.header("location")), (301, Some("https://www.example.com/a/b?q=1")));
}

#[tokio::test]
async fn pages_of_other_origins_are_answered_by_the_rules() {
    let world = site(PUBLIC, "").await;
    let rules = "<CORSConfiguration><CORSRule><AllowedOrigin>http://a.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>";
    world.root().put("/site-1?cors", rules).await.ok();
    let ours = world.browse("GET", "site-1", "/", &[("origin", "http://a.example")]).await.ok();
    assert_eq!(ours.header("access-control-allow-origin"), Some("http://a.example"));
    let theirs = world.browse("GET", "site-1", "/", &[("origin", "http://b.example")]).await.ok();
    assert_eq!(theirs.header("access-control-allow-origin"), None);
    let asked = [("origin", "http://a.example"), ("access-control-request-method", "GET")];
    assert_eq!(world.browse("OPTIONS", "site-1", "/", &asked).await.status, 200);
    let wrong = [("origin", "http://b.example"), ("access-control-request-method", "GET")];
    assert_eq!(world.browse("OPTIONS", "site-1", "/", &wrong).await.status, 403);
}
