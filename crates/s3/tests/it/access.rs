//! Who may do what.

use nephos_core::ports::ReadObject;
use nephos_wire::Body;

use crate::world::{OTHER, OWNER, World};

const OPEN: &str = "<PublicAccessBlockConfiguration/>";

fn policy(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
}

const PUBLIC_READ: &str =
    r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b00/*"}"#;

async fn world() -> World {
    let world = World::new();
    world.root().put("/b00", Body::Empty).await.ok();
    world.root().put("/b00/k", "secret").await.ok();
    world
}

#[tokio::test]
async fn the_public_needs_a_policy_and_no_block() {
    let world = world().await;
    let (root, anybody) = (world.root(), world.anybody());
    let refused = anybody.get("/b00/k").await.fails(403, "AccessDenied");
    assert_eq!(refused.element("Message").as_deref(), Some("Access Denied"));
    let blocked = root.put("/b00?policy", policy(PUBLIC_READ)).await.fails(403, "AccessDenied");
    assert!(blocked.text().contains("BlockPublicPolicy"), "{}", blocked.text());
    root.put("/b00?publicAccessBlock", OPEN).await.ok();
    assert_eq!(root.put("/b00?policy", policy(PUBLIC_READ)).await.ok().status, 204);
    assert_eq!(anybody.get("/b00/k").await.ok().text(), "secret");
    assert!(root.get("/b00?policyStatus").await.ok().text().contains("<IsPublic>true</IsPublic>"));
    let back = root.get("/b00?policy").await.ok();
    assert_eq!(
        (back.text(), back.header("content-type")),
        (policy(PUBLIC_READ).as_str(), Some("application/json"))
    );
    // Nobody learns of a missing key who may not list.
    anybody.get("/b00/none").await.fails(403, "AccessDenied");
    anybody.put("/b00/k", "mine").await.fails(403, "AccessDenied");
    anybody.get("/b00?list-type=2").await.fails(403, "AccessDenied");
    anybody.get("/b00/k?response-content-type=text/html").await.fails(400, "InvalidRequest");
    let list = r#"{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b00"}"#;
    root.put("/b00?policy", policy(&format!("{PUBLIC_READ},{list}"))).await.ok();
    anybody.get("/b00/none").await.fails(404, "NoSuchKey");
    let restricting = "<PublicAccessBlockConfiguration><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    root.put("/b00?publicAccessBlock", restricting).await.ok();
    anybody.get("/b00/k").await.fails(403, "AccessDenied");
    world.root_of(OTHER).get("/b00/k").await.fails(403, "AccessDenied");
    root.get("/b00/k").await.ok();
}

#[tokio::test]
async fn users_need_what_their_policy_gives() {
    let world = world().await;
    let ada = world.user(OWNER, "ada");
    ada.get("/b00/k").await.fails(403, "AccessDenied");
    world.allow(
        "ada",
        r#"{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b00/ada/*"}"#,
    );
    ada.put("/b00/ada/x", "mine").await.ok();
    assert_eq!(ada.get("/b00/ada/x").await.ok().text(), "mine");
    let refused = ada.put("/b00/bob/x", "yours").await.fails(403, "AccessDenied");
    let message = refused.element("Message").unwrap();
    assert!(message.starts_with("User: arn:aws:iam::111111111111:user/ada is not authorized to perform: s3:PutObject on resource: "), "{message}");
    // The header asks for more than s3:PutObject.
    ada.send("PUT", "/b00/ada/x", &[("x-amz-tagging", "a=1")], "x").await.fails(403, "AccessDenied");
    ada.get("/b00/ada/none").await.fails(403, "AccessDenied");
    ada.send("PUT", "/b00/ada/y", &[("x-amz-copy-source", "b00/k")], Body::Empty)
        .await
        .fails(403, "AccessDenied");
    let both = "<Delete><Object><Key>ada/x</Key></Object><Object><Key>k</Key></Object></Delete>";
    world
        .allow("ada", r#"{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::b00/ada/*"}"#);
    let answer = ada.post_document("/b00?delete", both).await.ok();
    assert!(answer.text().contains("<Deleted><Key>ada/x</Key></Deleted>"), "{}", answer.text());
    assert!(answer.text().contains("<Error><Key>k</Key><Code>AccessDenied</Code>"), "{}", answer.text());
    world.root().get("/b00/k").await.ok();
}

#[tokio::test]
async fn conditions_see_the_request() {
    let world = world().await;
    let ada = world.user(OWNER, "ada");
    world.allow("ada", r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b00","Condition":{"StringLike":{"s3:prefix":"ada/*"},"NumericLessThanEquals":{"s3:max-keys":"10"}}}"#);
    ada.get("/b00?list-type=2").await.fails(403, "AccessDenied");
    ada.get("/b00?list-type=2&prefix=ada/&max-keys=100").await.fails(403, "AccessDenied");
    ada.get("/b00?list-type=2&prefix=ada/&max-keys=10").await.ok();
    world.allow("ada", r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/open":"yes"}}}"#);
    ada.get("/b00/k").await.fails(403, "AccessDenied");
    let tags = "<Tagging><TagSet><Tag><Key>open</Key><Value>yes</Value></Tag></TagSet></Tagging>";
    world.root().put("/b00/k?tagging", tags).await.ok();
    ada.get("/b00/k").await.ok();
}

#[tokio::test]
async fn other_accounts_need_both_policies() {
    let world = world().await;
    let (root, eve) = (world.root(), world.user(OTHER, "eve"));
    world.allow("eve", r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#);
    eve.get("/b00/k").await.fails(403, "AccessDenied");
    eve.get("/b00").await.fails(403, "AccessDenied");
    let grant = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{OTHER}:user/eve"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b00/*"}}"#
    );
    root.put("/b00?policy", policy(&grant)).await.ok();
    eve.get("/b00/k").await.ok();
    eve.delete("/b00/k").await.fails(403, "AccessDenied");
    let expected = [("x-amz-expected-bucket-owner", OTHER)];
    eve.send("GET", "/b00/k", &expected, Body::Empty).await.fails(403, "AccessDenied");
}

#[tokio::test]
async fn a_policy_cannot_lock_its_owner_out() {
    let world = world().await;
    let root = world.root();
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b00","arn:aws:s3:::b00/*"]}"#;
    root.put("/b00?policy", policy(deny)).await.ok();
    root.get("/b00/k").await.fails(403, "AccessDenied");
    root.get("/b00?policy").await.ok();
    assert_eq!(root.delete("/b00?policy").await.ok().status, 204);
    root.get("/b00/k").await.ok();
    let elsewhere = policy(&PUBLIC_READ.replace("b00", "b01"));
    root.put("/b00?policy", elsewhere).await.fails(400, "MalformedPolicy");
}

#[tokio::test]
async fn other_parts_of_the_platform_read_whole_objects() {
    let world = world().await;
    let cx = world.root().cx;
    assert_eq!(world.s3.read_object(&cx, "b00", "k", 6).await.unwrap(), "secret");
    assert_eq!(world.s3.read_object(&cx, "b00", "k", 5).await.unwrap_err().code, "EntityTooLarge");
    assert_eq!(world.s3.read_object(&cx, "b00", "none", 5).await.unwrap_err().code, "NoSuchKey");
    let stranger = world.root_of(OTHER).cx;
    assert_eq!(world.s3.read_object(&stranger, "b00", "k", 6).await.unwrap_err().code, "AccessDenied");
}
