//! Cross-origin rules, as the gateway asks for them.

use http::{HeaderMap, Method};
use nephos_wire::{Body, BucketCors};

use crate::world::World;

const RULES: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>http://app.localhost:4566</AllowedOrigin><AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule></CORSConfiguration>";

fn asking(origin: &str, method: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("origin", origin.parse().unwrap());
    headers.insert("access-control-request-method", method.parse().unwrap());
    headers.insert("access-control-request-headers", "authorization, x-amz-date".parse().unwrap());
    headers
}

#[tokio::test]
async fn rules_are_enforced() {
    let world = World::new();
    let root = world.root();
    root.put("/b00", Body::Empty).await.ok();
    let ours = asking("http://app.localhost:4566", "PUT");
    let without = world.s3.preflight(&root.cx, "b00", Some("k"), &ours).await;
    assert_eq!(without.status(), 403);
    let nowhere = world.s3.preflight(&root.cx, "b01", None, &ours).await;
    assert_eq!(nowhere.status(), 403);
    root.put("/b00?cors", RULES).await.ok();
    assert_eq!(root.get("/b00?cors").await.ok().elements("AllowedMethod"), ["PUT", "GET"]);
    let with = world.s3.preflight(&root.cx, "b00", Some("k"), &ours).await;
    assert_eq!(with.status(), 200);
    assert_eq!(with.headers()["access-control-allow-origin"], "http://app.localhost:4566");
    assert_eq!(with.headers()["access-control-allow-headers"], "authorization, x-amz-date");
    let theirs = asking("http://evil.example", "PUT");
    assert_eq!(world.s3.preflight(&root.cx, "b00", None, &theirs).await.status(), 403);
    let answered = world.s3.answer_headers(&root.cx, "b00", &Method::GET, &ours).await;
    assert_eq!(answered["access-control-expose-headers"], "ETag");
    assert!(world.s3.answer_headers(&root.cx, "b00", &Method::DELETE, &ours).await.is_empty());
    assert!(world.s3.answer_headers(&root.cx, "b00", &Method::GET, &theirs).await.is_empty());
    root.delete("/b00?cors").await.ok();
    assert!(world.s3.answer_headers(&root.cx, "b00", &Method::GET, &ours).await.is_empty());
}
