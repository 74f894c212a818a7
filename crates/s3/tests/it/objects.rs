//! Objects: in, out, conditions, ranges, checksums, tags.

use bytes::Bytes;
use nephos_wire::Body;

use crate::world::{World, broken, chunked, md5_of, noise};

async fn world() -> World {
    let world = World::new();
    world.root().put("/b00", Body::Empty).await.ok();
    world
}

#[tokio::test]
async fn what_goes_in_comes_out() {
    let world = world().await;
    let root = world.root();
    let headers = [
        ("content-type", "text/plain"),
        ("cache-control", "max-age=60"),
        ("content-encoding", "gzip,aws-chunked"),
        ("x-amz-meta-Colour", "blue"),
        ("x-amz-tagging", "a=1&b=2"),
    ];
    let put = root.send("PUT", "/b00/a%20b/%C3%BC//x", &headers, "hello").await.ok();
    assert_eq!(put.header("etag"), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(put.header("x-amz-server-side-encryption"), Some("AES256"));
    assert_eq!(put.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert!(put.header("x-amz-checksum-crc64nvme").is_some());
    let got = root.get("/b00/a%20b/%C3%BC//x").await.ok();
    assert_eq!(got.text(), "hello");
    for (name, value) in [
        ("content-type", "text/plain"),
        ("cache-control", "max-age=60"),
        ("content-encoding", "gzip"),
        ("content-length", "5"),
        ("accept-ranges", "bytes"),
        ("x-amz-meta-colour", "blue"),
        ("x-amz-tagging-count", "2"),
        ("x-amz-server-side-encryption", "AES256"),
    ] {
        assert_eq!(got.header(name), Some(value), "{name}");
    }
    assert!(got.header("x-amz-request-id").is_some() && got.header("x-amz-id-2").is_some());
    let head = root.send("HEAD", "/b00/a%20b/%C3%BC//x", &[], Body::Empty).await.ok();
    assert_eq!((head.header("content-length"), head.body.len()), (Some("5"), 0));
    let plain = root.put("/b00/plain", Body::Empty).await.ok();
    assert_eq!(plain.header("etag"), Some("\"d41d8cd98f00b204e9800998ecf8427e\""));
    let empty = root.get("/b00/plain").await.ok();
    assert_eq!((empty.header("content-type"), empty.body.len()), (Some("binary/octet-stream"), 0));
    let missing = root.get("/b00/none").await.fails(404, "NoSuchKey");
    assert_eq!(missing.element("Key").as_deref(), Some("none"));
}

#[tokio::test]
async fn large_bodies_stream_through_blobs() {
    let world = world().await;
    let root = world.root();
    let bytes = noise(3_000_017, 7);
    let chunks = bytes.chunks(70_001).map(Bytes::copy_from_slice).collect();
    let put = root.put("/b00/large", chunked(chunks, &[])).await.ok();
    assert_eq!(world.blobs(), 1);
    let hex: String = {
        use md5::Digest;
        nephos_core::random::hex(&md5::Md5::digest(&bytes))
    };
    assert_eq!(put.header("etag"), Some(format!("\"{hex}\"").as_str()));
    assert_eq!(root.get("/b00/large").await.ok().body, bytes);
    let part = root.send("GET", "/b00/large", &[("range", "bytes=1000000-2999999")], Body::Empty).await.ok();
    assert_eq!(part.status, 206);
    assert_eq!(part.header("content-range"), Some("bytes 1000000-2999999/3000017"));
    assert_eq!(part.body, bytes[1_000_000..3_000_000]);
    // On the border of what lies in the store.
    for size in [65_535, 65_536, 65_537] {
        let bytes = noise(size, size as u64);
        root.put("/b00/border", bytes.clone()).await.ok();
        assert_eq!(root.get("/b00/border").await.ok().body, bytes);
    }
    root.put("/b00/border", "small").await.ok();
    root.delete("/b00/large").await.ok();
    world.collect().await;
    assert_eq!(world.blobs(), 0);
}

#[tokio::test]
async fn ranges_and_conditions_hold() {
    let world = world().await;
    let root = world.root();
    let etag = root.put("/b00/k", "0123456789").await.ok().header("etag").unwrap().to_owned();
    let ask = async |name: &str, value: &str| root.send("GET", "/b00/k", &[(name, value)], Body::Empty).await;
    assert_eq!(ask("range", "bytes=2-4").await.ok().text(), "234");
    assert_eq!(ask("range", "bytes=-3").await.ok().text(), "789");
    assert_eq!(ask("range", "bytes=0-1,3-4").await.ok().text(), "0123456789");
    let beyond = ask("range", "bytes=10-").await.fails(416, "InvalidRange");
    assert_eq!(beyond.element("ActualObjectSize").as_deref(), Some("10"));
    assert_eq!(beyond.header("content-range"), Some("bytes */10"));
    ask("if-match", &etag).await.ok();
    ask("if-match", "\"x\"").await.fails(412, "PreconditionFailed");
    let same = ask("if-none-match", &etag).await;
    assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, Some(etag.as_str())));
    assert_eq!(same.header("content-type"), None);
    let now = world.clock.now().http_date();
    assert_eq!(ask("if-modified-since", &now).await.status, 304);
    ask("if-unmodified-since", "Sat, 01 Jan 2000 00:00:00 GMT").await.fails(412, "PreconditionFailed");
    let part = root.get("/b00/k?partNumber=1").await.ok();
    assert_eq!((part.status, part.header("content-range")), (206, Some("bytes 0-9/10")));
    root.get("/b00/k?partNumber=2").await.fails(416, "InvalidPartNumber");
    let named = root
        .get("/b00/k?response-content-type=text/x&response-expires=Thu,%2001%20Dec%202033%2016:00:00%20GMT")
        .await
        .ok();
    assert_eq!(named.header("content-type"), Some("text/x"));
    assert_eq!(named.header("expires"), Some("Thu, 01 Dec 2033 16:00:00 GMT"));
    root.get("/b00/k?versionId=null").await.ok();
    root.get("/b00/k?versionId=x").await.fails(400, "InvalidArgument");
}

#[tokio::test]
async fn writes_can_be_conditional() {
    let world = world().await;
    let root = world.root();
    let put = async |name: &str, value: &str| root.send("PUT", "/b00/k", &[(name, value)], "v").await;
    put("if-match", "\"x\"").await.fails(404, "NoSuchKey");
    let etag = put("if-none-match", "*").await.ok().header("etag").unwrap().to_owned();
    let refused = put("if-none-match", "*").await.fails(412, "PreconditionFailed");
    assert_eq!(refused.element("Condition").as_deref(), Some("If-None-Match"));
    put("if-match", &etag).await.ok();
    put("if-match", "\"x\"").await.fails(412, "PreconditionFailed");
    put("if-none-match", "\"x\"").await.fails(501, "NotImplemented");
    let delete = async |value: &str| root.send("DELETE", "/b00/k", &[("if-match", value)], Body::Empty).await;
    delete("\"x\"").await.fails(412, "PreconditionFailed");
    assert_eq!(delete(&etag).await.ok().status, 204);
    assert_eq!(root.delete("/b00/k").await.ok().status, 204);
}

#[tokio::test]
async fn one_of_many_racing_writers_wins() {
    let world = world().await;
    let root = world.root();
    let headers = [("if-none-match", "*")];
    let tries = (0..16).map(|i| root.send("PUT", "/b00/lock", &headers, format!("{i}")));
    let mut statuses = Vec::new();
    for attempt in futures(tries).await {
        statuses.push(attempt.status);
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1], statuses.len()), (200, 412, 16));
}

/// Runs futures side by side.
async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = all.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        running.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

#[tokio::test]
async fn bodies_are_what_their_headers_say() {
    let world = world().await;
    let root = world.root();
    let put = async |headers: &[(&str, &str)]| root.send("PUT", "/b00/k", headers, "hello").await;
    put(&[("content-md5", &md5_of(b"hello"))]).await.ok();
    let bad = put(&[("content-md5", &md5_of(b"other"))]).await.fails(400, "BadDigest");
    assert_eq!(bad.element("CalculatedDigest"), Some(md5_of(b"hello")));
    put(&[("content-md5", "x")]).await.fails(400, "InvalidDigest");
    let crc = put(&[("x-amz-checksum-crc32", "NhCmhg==")]).await.ok();
    assert_eq!(crc.header("x-amz-checksum-crc32"), Some("NhCmhg=="));
    let shown = root.send("GET", "/b00/k", &[("x-amz-checksum-mode", "ENABLED")], Body::Empty).await.ok();
    assert_eq!(shown.header("x-amz-checksum-crc32"), Some("NhCmhg=="));
    assert_eq!(root.get("/b00/k").await.ok().header("x-amz-checksum-crc32"), None);
    put(&[("x-amz-checksum-crc32", "AAAAAA==")]).await.fails(400, "BadDigest");
    put(&[("x-amz-checksum-crc32", "AA==")]).await.fails(400, "InvalidRequest");
    put(&[("x-amz-checksum-crc32", "NhCmhg=="), ("x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00=")])
        .await
        .fails(400, "InvalidRequest");
    put(&[("x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00=")]).await.ok();
    put(&[("x-amz-sdk-checksum-algorithm", "SHA256")]).await.fails(400, "InvalidRequest");
    put(&[("x-amz-checksum-xxhash3", "AAAA")]).await.fails(501, "NotImplemented");
}

#[tokio::test]
async fn checksums_may_come_in_trailers() {
    let world = world().await;
    let root = world.root();
    let headers = [
        ("x-amz-trailer", "x-amz-checksum-crc32"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", "5"),
        ("content-encoding", "aws-chunked"),
        ("content-length", "99"),
    ];
    let body = |crc| chunked(vec!["hel".into(), "lo".into()], &[("x-amz-checksum-crc32", crc)]);
    let put = root.send("PUT", "/b00/k", &headers, body("NhCmhg==")).await.ok();
    assert_eq!(put.header("x-amz-checksum-crc32"), Some("NhCmhg=="));
    assert_eq!(root.get("/b00/k").await.ok().header("content-encoding"), None);
    root.send("PUT", "/b00/k2", &headers, body("AAAAAA==")).await.fails(400, "BadDigest");
    root.get("/b00/k2").await.fails(404, "NoSuchKey");
    root.send("PUT", "/b00/k2", &headers, chunked(vec!["hello".into()], &[]))
        .await
        .fails(400, "InvalidRequest");
    let unsized_ = [("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")];
    root.send("PUT", "/b00/k2", &unsized_, "hello").await.fails(411, "MissingContentLength");
}

#[tokio::test]
async fn a_broken_upload_leaves_nothing() {
    let world = world().await;
    let root = world.root();
    root.put("/b00/k", "before").await.ok();
    let bytes = Bytes::from(noise(400_000, 3));
    root.put("/b00/k", broken(vec![bytes.clone(), bytes.clone()])).await.fails(400, "IncompleteBody");
    let short = [("content-length", "800001")];
    root.send("PUT", "/b00/k", &short, chunked(vec![bytes.clone(), bytes.clone()], &[]))
        .await
        .fails(400, "IncompleteBody");
    let digest = [("content-md5", md5_of(b"other"))];
    let digest = [(digest[0].0, digest[0].1.as_str())];
    root.send("PUT", "/b00/k", &digest, bytes).await.fails(400, "BadDigest");
    assert_eq!(root.get("/b00/k").await.ok().text(), "before");
    assert_eq!(world.blobs(), 0);
}

#[tokio::test]
async fn what_nephos_cannot_do_is_refused() {
    let world = world().await;
    let root = world.root();
    for (name, value, status, code) in [
        ("x-amz-acl", "public-read", 400, "AccessControlListNotSupported"),
        ("x-amz-server-side-encryption", "aws:kms", 501, "NotImplemented"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256", 501, "NotImplemented"),
        ("x-amz-storage-class", "GLACIER", 501, "NotImplemented"),
        ("x-amz-storage-class", "PAPER", 400, "InvalidStorageClass"),
        ("x-amz-object-lock-mode", "GOVERNANCE", 400, "InvalidRequest"),
        ("x-amz-write-offset-bytes", "5", 501, "NotImplemented"),
        ("x-amz-website-redirect-location", "elsewhere", 400, "InvalidArgument"),
        ("x-amz-meta-long", &"x".repeat(2048), 400, "MetadataTooLarge"),
        ("x-amz-tagging", "a=1&a=2", 400, "InvalidArgument"),
        ("content-length", "5368709121", 400, "EntityTooLarge"),
    ] {
        root.send("PUT", "/b00/k", &[(name, value)], "v").await.fails(status, code);
    }
    root.put(&format!("/b00/{}", "k".repeat(1025)), "v").await.fails(400, "KeyTooLongError");
    root.send("PUT", "/b00/k", &[("x-amz-acl", "bucket-owner-full-control")], "v").await.ok();
}

#[tokio::test]
async fn many_keys_are_deleted_at_once() {
    let world = world().await;
    let root = world.root();
    for key in ["a", "b", "c"] {
        root.put(&format!("/b00/{key}"), key).await.ok();
    }
    let etag = "d41d8cd98f00b204e9800998ecf8427e";
    let document = format!(
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a</Key></Object><Object><Key>none</Key></Object><Object><Key>b</Key><ETag>{etag}</ETag></Object></Delete>"
    );
    root.post("/b00?delete", document.clone()).await.fails(400, "InvalidRequest");
    let answer = root.post_document("/b00?delete", &document).await.ok();
    assert!(
        answer.text().contains("<Deleted><Key>a</Key></Deleted><Deleted><Key>none</Key></Deleted>"),
        "{}",
        answer.text()
    );
    assert!(
        answer.text().contains("<Error><Key>b</Key><Code>PreconditionFailed</Code>"),
        "{}",
        answer.text()
    );
    root.get("/b00/a").await.fails(404, "NoSuchKey");
    root.get("/b00/b").await.ok();
    let quiet = "<Delete><Quiet>true</Quiet><Object><Key>b</Key></Object></Delete>";
    let answer = root.post_document("/b00?delete", quiet).await.ok();
    assert!(!answer.text().contains("Deleted>"), "{}", answer.text());
    root.post_document("/b00?delete", "<Delete></Delete>").await.fails(400, "MalformedXML");
}

#[tokio::test]
async fn tags_have_requests_of_their_own() {
    let world = world().await;
    let root = world.root();
    let document = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>";
    root.put("/b00/k?tagging", document).await.fails(404, "NoSuchKey");
    root.put("/b00/k", "v").await.ok();
    root.put("/b00/k?tagging", document).await.ok();
    let tags = root.get("/b00/k?tagging").await.ok();
    assert!(
        tags.text().contains("<TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet>"),
        "{}",
        tags.text()
    );
    assert_eq!(root.delete("/b00/k?tagging").await.ok().status, 204);
    assert!(root.get("/b00/k?tagging").await.ok().elements("Key").is_empty());
    assert_eq!(root.get("/b00/k").await.ok().text(), "v");
    let twice = document.replace("<Tag>", "<Tag><Key>a</Key><Value>1</Value></Tag><Tag>");
    root.put("/b00/k?tagging", twice).await.fails(400, "InvalidTag");
}

#[tokio::test]
async fn attributes_are_told() {
    let world = world().await;
    let root = world.root();
    root.put("/b00/k", "hello").await.ok();
    let ask = [("x-amz-object-attributes", "ETag,Checksum,ObjectSize,StorageClass,ObjectParts")];
    let told = root.send("GET", "/b00/k?attributes", &ask, Body::Empty).await.ok();
    assert!(told.text().contains("<GetObjectAttributesResponse"), "{}", told.text());
    assert_eq!(told.element("ETag").as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
    assert_eq!(told.element("ObjectSize").as_deref(), Some("5"));
    assert_eq!(told.element("StorageClass").as_deref(), Some("STANDARD"));
    assert_eq!(told.element("ChecksumType").as_deref(), Some("FULL_OBJECT"));
    assert_eq!(told.element("ObjectParts"), None);
    let acl = root.get("/b00/k?acl").await.ok();
    assert_eq!(acl.elements("Permission"), ["FULL_CONTROL"]);
}
