//! CopyObject and UploadPartCopy.

use nephos_wire::Body;

use crate::world::{OTHER, World, noise};

async fn world() -> World {
    let world = World::new();
    world.root().put("/from", Body::Empty).await.ok();
    world.root().put("/into", Body::Empty).await.ok();
    world
}

#[tokio::test]
async fn a_copy_takes_everything_along_or_replaces_it() {
    let world = world().await;
    let root = world.root();
    let headers = [("content-type", "text/plain"), ("x-amz-meta-a", "1"), ("x-amz-tagging", "t=1")];
    root.send("PUT", "/from/a%20b", &headers, "hello").await.ok();
    let source = ("x-amz-copy-source", "/from/a%20b");
    let copied = root.send("PUT", "/into/k", &[source], Body::Empty).await.ok();
    assert!(copied.text().contains("<CopyObjectResult"), "{}", copied.text());
    assert_eq!(copied.element("ETag").as_deref(), Some("&quot;5d41402abc4b2a76b9719d911017c592&quot;"));
    let got = root.get("/into/k").await.ok();
    assert_eq!(got.text(), "hello");
    assert_eq!((got.header("content-type"), got.header("x-amz-meta-a")), (Some("text/plain"), Some("1")));
    assert_eq!(got.header("x-amz-tagging-count"), Some("1"));
    let replacing = [
        source,
        ("x-amz-metadata-directive", "REPLACE"),
        ("x-amz-tagging-directive", "REPLACE"),
        ("content-type", "text/html"),
        ("x-amz-meta-b", "2"),
    ];
    root.send("PUT", "/into/k", &replacing, Body::Empty).await.ok();
    let got = root.get("/into/k").await.ok();
    assert_eq!((got.header("x-amz-meta-a"), got.header("x-amz-meta-b")), (None, Some("2")));
    assert_eq!((got.header("content-type"), got.header("x-amz-tagging-count")), (Some("text/html"), None));
    root.send("PUT", "/from/a%20b", &[source], Body::Empty).await.fails(400, "InvalidRequest");
    root.send("PUT", "/from/a%20b", &[source, ("x-amz-storage-class", "STANDARD_IA")], Body::Empty)
        .await
        .ok();
    root.send("PUT", "/into/k", &[("x-amz-copy-source", "from/none")], Body::Empty)
        .await
        .fails(404, "NoSuchKey");
    root.send("PUT", "/into/k", &[("x-amz-copy-source", "nowhere/k")], Body::Empty)
        .await
        .fails(404, "NoSuchBucket");
    let stale = [source, ("x-amz-copy-source-if-match", "\"x\"")];
    root.send("PUT", "/into/k", &stale, Body::Empty).await.fails(412, "PreconditionFailed");
}

#[tokio::test]
async fn copies_share_a_blob_until_the_last_is_gone() {
    let world = world().await;
    let root = world.root();
    let bytes = noise(200_000, 1);
    root.put("/from/k", bytes.clone()).await.ok();
    for key in ["one", "two"] {
        root.send("PUT", &format!("/into/{key}"), &[("x-amz-copy-source", "from/k")], Body::Empty).await.ok();
    }
    assert_eq!(world.blobs(), 1);
    root.delete("/from/k").await.ok();
    root.put("/into/one", "other").await.ok();
    world.collect().await;
    assert_eq!(root.get("/into/two").await.ok().body, bytes);
    let sha = [("x-amz-copy-source", "into/two"), ("x-amz-checksum-algorithm", "SHA256")];
    let copied = root.send("PUT", "/into/three", &sha, Body::Empty).await.ok();
    assert!(copied.element("ChecksumSHA256").is_some(), "{}", copied.text());
    assert_eq!((world.blobs(), root.get("/into/three").await.ok().body), (2, bytes.into()));
    root.delete("/into/two").await.ok();
    root.delete("/into/three").await.ok();
    world.collect().await;
    assert_eq!(world.blobs(), 0);
}

#[tokio::test]
async fn a_copy_onto_itself_keeps_its_bytes() {
    let world = world().await;
    let root = world.root();
    for bytes in [noise(100, 1), noise(200_000, 2)] {
        root.put("/from/k", bytes.clone()).await.ok();
        let headers =
            [("x-amz-copy-source", "from/k"), ("x-amz-metadata-directive", "REPLACE"), ("x-amz-meta-a", "1")];
        root.send("PUT", "/from/k", &headers, Body::Empty).await.ok();
        world.collect().await;
        let got = root.get("/from/k").await.ok();
        assert_eq!((got.body, got.headers["x-amz-meta-a"].to_str().unwrap()), (bytes.into(), "1"));
    }
    root.delete("/from/k").await.ok();
    world.collect().await;
    assert_eq!(world.blobs(), 0);
}

#[tokio::test]
async fn parts_are_copied_by_stretches() {
    let world = world().await;
    let root = world.root();
    let bytes = noise(6 << 20, 5);
    root.put("/from/k", bytes.clone()).await.ok();
    let id = root.post("/into/k?uploads", Body::Empty).await.ok().element("UploadId").unwrap();
    let copy = async |number: u32, range: &str| {
        let headers = [("x-amz-copy-source", "from/k"), ("x-amz-copy-source-range", range)];
        root.send("PUT", &format!("/into/k?partNumber={number}&uploadId={id}"), &headers, Body::Empty).await
    };
    let mut listed = String::new();
    for (number, range) in [(1, "bytes=0-5242879"), (2, "bytes=5242880-6291455")] {
        let etag = copy(number, range).await.ok().element("ETag").unwrap();
        listed.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"));
    }
    copy(3, "bytes=0-6291456").await.fails(400, "InvalidArgument");
    copy(3, "0-5").await.fails(400, "InvalidArgument");
    let document = format!("<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>");
    root.post(&format!("/into/k?uploadId={id}"), document).await.ok();
    assert_eq!(root.get("/into/k").await.ok().body, bytes);
    // A copy of an object of parts is one piece again.
    root.send("PUT", "/into/whole", &[("x-amz-copy-source", "into/k")], Body::Empty).await.ok();
    let whole = root.get("/into/whole").await.ok();
    assert_eq!(whole.header("etag"), root.get("/from/k").await.ok().header("etag"));
    assert_eq!(whole.body, bytes);
}

#[tokio::test]
async fn a_copy_needs_both_ends() {
    let world = world().await;
    world.root().put("/from/k", "v").await.ok();
    world.root_of(OTHER).put("/theirs", Body::Empty).await.ok();
    let source = [("x-amz-copy-source", "from/k")];
    world.root_of(OTHER).send("PUT", "/theirs/k", &source, Body::Empty).await.fails(403, "AccessDenied");
    world.root().send("PUT", "/theirs/k", &source, Body::Empty).await.fails(403, "AccessDenied");
}
