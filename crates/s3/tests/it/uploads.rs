//! Multipart uploads.

use nephos_wire::Body;

use crate::world::{Client, World, noise};

const MIB: usize = 1 << 20;

async fn world() -> World {
    let world = World::new();
    world.root().put("/b00", Body::Empty).await.ok();
    world
}

async fn begin(root: &Client<'_>, key: &str, headers: &[(&str, &str)]) -> String {
    root.send("POST", &format!("/b00/{key}?uploads"), headers, Body::Empty)
        .await
        .ok()
        .element("UploadId")
        .unwrap()
}

async fn part(root: &Client<'_>, key: &str, id: &str, number: u32, bytes: &[u8]) -> String {
    let put = root.put(&format!("/b00/{key}?partNumber={number}&uploadId={id}"), bytes.to_vec()).await.ok();
    put.header("etag").unwrap().to_owned()
}

fn document(parts: &[(u32, &str)]) -> String {
    let parts =
        parts.iter().map(|(n, etag)| format!("<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>"));
    format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>())
}

#[tokio::test]
async fn parts_in_any_order_become_one_object() {
    let world = world().await;
    let root = world.root();
    let id = begin(&root, "k", &[("content-type", "video/x"), ("x-amz-tagging", "a=1")]).await;
    let bytes = noise(11 * MIB + 100, 9);
    let third = part(&root, "k", &id, 30, &bytes[10 * MIB + MIB / 2..]).await;
    let first = part(&root, "k", &id, 10, &bytes[..5 * MIB]).await;
    part(&root, "k", &id, 20, b"a first try").await;
    let second = part(&root, "k", &id, 20, &bytes[5 * MIB..10 * MIB + MIB / 2]).await;
    part(&root, "k", &id, 25, &noise(100_000, 2)).await;
    let listed = root.get(&format!("/b00/k?uploadId={id}&max-parts=2")).await.ok();
    assert_eq!(
        (listed.elements("PartNumber"), listed.element("NextPartNumberMarker").as_deref()),
        (vec!["10".into(), "20".into()], Some("20"))
    );
    let listed = root.get(&format!("/b00/k?uploadId={id}&part-number-marker=20")).await.ok();
    assert_eq!(listed.elements("PartNumber"), ["25", "30"]);
    let parts = document(&[(10, &first), (20, &second), (30, &third)]);
    let target = format!("/b00/k?uploadId={id}");
    let done = root.post(&target, parts.clone()).await.ok();
    assert!(done.element("ETag").unwrap().ends_with("-3&quot;"), "{}", done.text());
    assert_eq!(done.element("Location").as_deref(), Some("http://localhost:4566/b00/k"));
    assert_eq!(done.element("ChecksumType").as_deref(), Some("FULL_OBJECT"));
    let again = root.post(&target, parts).await.ok();
    assert_eq!(again.element("ETag"), done.element("ETag"));
    let got = root.get("/b00/k").await.ok();
    assert_eq!(got.body, bytes);
    assert_eq!((got.header("content-type"), got.header("x-amz-tagging-count")), (Some("video/x"), Some("1")));
    let range = format!("bytes={}-{}", 5 * MIB - 10, 10 * MIB + MIB / 2 + 9);
    let stretch = root.send("GET", "/b00/k", &[("range", &range)], Body::Empty).await.ok();
    assert_eq!(stretch.body, bytes[5 * MIB - 10..10 * MIB + MIB / 2 + 10]);
    let one = root.get("/b00/k?partNumber=20").await.ok();
    assert_eq!(
        (one.body, one.headers["x-amz-mp-parts-count"].to_str().unwrap()),
        (bytes[5 * MIB..10 * MIB + MIB / 2].to_vec().into(), "3")
    );
    world.collect().await;
    assert_eq!(world.blobs(), 3);
    root.delete("/b00/k").await.ok();
    world.collect().await;
    assert_eq!(world.blobs(), 0);
}

#[tokio::test]
async fn the_whole_checksum_of_parts_is_that_of_the_bytes() {
    let world = world().await;
    let root = world.root();
    let id = begin(&root, "k", &[]).await;
    let bytes = noise(5 * MIB + 7, 4);
    let (a, b) = (
        part(&root, "k", &id, 1, &bytes[..5 * MIB]).await,
        part(&root, "k", &id, 2, &bytes[5 * MIB..]).await,
    );
    let done = root.post(&format!("/b00/k?uploadId={id}"), document(&[(1, &a), (2, &b)])).await.ok();
    root.put("/b00/plain", bytes).await.ok();
    let plain =
        root.send("HEAD", "/b00/plain", &[("x-amz-checksum-mode", "ENABLED")], Body::Empty).await.ok();
    assert_eq!(done.element("ChecksumCRC64NVME").as_deref(), plain.header("x-amz-checksum-crc64nvme"));
}

#[tokio::test]
async fn composite_checksums_need_every_part() {
    let world = world().await;
    let root = world.root();
    let id = begin(&root, "k", &[("x-amz-checksum-algorithm", "SHA256")]).await;
    let bare = root.put(&format!("/b00/k?partNumber=1&uploadId={id}"), "hello").await;
    bare.fails(400, "InvalidRequest");
    let sha = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let target = format!("/b00/k?partNumber=1&uploadId={id}");
    let put = root.send("PUT", &target, &[("x-amz-checksum-sha256", sha)], "hello").await.ok();
    assert_eq!(put.header("x-amz-checksum-sha256"), Some(sha));
    let etag = put.header("etag").unwrap().to_owned();
    let complete = async |document: String| root.post(&format!("/b00/k?uploadId={id}"), document).await;
    complete(document(&[(1, &etag)])).await.fails(400, "InvalidRequest");
    let with = |sha: &str| {
        document(&[(1, &etag)]).replace("</Part>", &format!("<ChecksumSHA256>{sha}</ChecksumSHA256></Part>"))
    };
    complete(with("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")).await.fails(400, "InvalidPart");
    let done = complete(with(sha)).await.ok();
    assert!(done.element("ChecksumSHA256").unwrap().ends_with("-1"), "{}", done.text());
    assert_eq!(done.element("ChecksumType").as_deref(), Some("COMPOSITE"));
    let ask = [("x-amz-object-attributes", "ObjectParts,Checksum")];
    let told = root.send("GET", "/b00/k?attributes", &ask, Body::Empty).await.ok();
    assert_eq!(told.element("PartsCount").as_deref(), Some("1"), "{}", told.text());
    assert_eq!(told.elements("ChecksumSHA256").len(), 2);
    let wrong = [("x-amz-checksum-algorithm", "SHA256"), ("x-amz-checksum-type", "FULL_OBJECT")];
    root.send("POST", "/b00/k?uploads", &wrong, Body::Empty).await.fails(400, "InvalidRequest");
}

#[tokio::test]
async fn a_full_object_crc32_is_combined() {
    let world = world().await;
    let root = world.root();
    let asks = [("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "FULL_OBJECT")];
    let id = begin(&root, "k", &asks).await;
    let bytes = noise(5 * MIB + 9, 6);
    let (a, b) = (
        part(&root, "k", &id, 1, &bytes[..5 * MIB]).await,
        part(&root, "k", &id, 2, &bytes[5 * MIB..]).await,
    );
    let copy = [("x-amz-copy-source", "b00/plain"), ("x-amz-checksum-algorithm", "CRC32")];
    root.put("/b00/plain", bytes).await.ok();
    let expected =
        root.send("PUT", "/b00/copy", &copy, Body::Empty).await.ok().element("ChecksumCRC32").unwrap();
    let target = format!("/b00/k?uploadId={id}");
    let wrong = [("x-amz-checksum-crc32", "AAAAAA==")];
    root.send("POST", &target, &wrong, document(&[(1, &a), (2, &b)])).await.fails(400, "BadDigest");
    let right = [("x-amz-checksum-crc32", expected.as_str())];
    let done = root.send("POST", &target, &right, document(&[(1, &a), (2, &b)])).await.ok();
    assert_eq!(done.element("ChecksumCRC32"), Some(expected));
}

#[tokio::test]
async fn bad_completions_change_nothing() {
    let world = world().await;
    let root = world.root();
    let id = begin(&root, "k", &[]).await;
    let small = part(&root, "k", &id, 1, b"small").await;
    let last = part(&root, "k", &id, 2, b"last").await;
    let complete = async |document: String| root.post(&format!("/b00/k?uploadId={id}"), document).await;
    complete(document(&[(2, &last), (1, &small)])).await.fails(400, "InvalidPartOrder");
    complete(document(&[(1, &small), (3, &last)])).await.fails(400, "InvalidPart");
    complete(document(&[(1, "\"0123456789abcdef0123456789abcdef\"")])).await.fails(400, "InvalidPart");
    let too_small = complete(document(&[(1, &small), (2, &last)])).await.fails(400, "EntityTooSmall");
    assert_eq!(too_small.element("MinSizeAllowed").as_deref(), Some("5242880"));
    complete("<CompleteMultipartUpload/>".to_owned()).await.fails(400, "MalformedXML");
    let sized = [("x-amz-mp-object-size", "3")];
    root.send("POST", &format!("/b00/k?uploadId={id}"), &sized, document(&[(2, &last)]))
        .await
        .fails(400, "InvalidRequest");
    root.get("/b00/k").await.fails(404, "NoSuchKey");
    complete(document(&[(2, &last)])).await.ok();
    assert_eq!(root.get("/b00/k").await.ok().text(), "last");
    for bad in [0, 10_001] {
        root.put(&format!("/b00/k?partNumber={bad}&uploadId={id}"), "x").await.fails(400, "InvalidArgument");
    }
    root.put(&format!("/b00/k?partNumber=1&uploadId={id}"), "x").await.fails(404, "NoSuchUpload");
}

#[tokio::test]
async fn an_aborted_upload_is_gone_with_its_parts() {
    let world = world().await;
    let root = world.root();
    let id = begin(&root, "k", &[]).await;
    part(&root, "k", &id, 1, &noise(100_000, 1)).await;
    part(&root, "k", &id, 2, b"small").await;
    root.delete("/b00").await.fails(409, "BucketNotEmpty");
    assert_eq!(root.delete(&format!("/b00/k?uploadId={id}")).await.ok().status, 204);
    root.delete(&format!("/b00/k?uploadId={id}")).await.fails(404, "NoSuchUpload");
    root.get(&format!("/b00/k?uploadId={id}")).await.fails(404, "NoSuchUpload");
    root.put(&format!("/b00/k?partNumber=1&uploadId={id}"), "x").await.fails(404, "NoSuchUpload");
    world.collect().await;
    assert_eq!(world.blobs(), 0);
    root.delete("/b00").await.ok();
}

#[tokio::test]
async fn uploads_are_listed_by_key_and_time() {
    let world = world().await;
    let root = world.root();
    let mut ids = Vec::new();
    for key in ["a/1", "a/2", "b", "b", "c"] {
        ids.push(begin(&root, key, &[]).await);
        world.clock.advance(std::time::Duration::from_millis(2));
    }
    let all = root.get("/b00?uploads").await.ok();
    assert_eq!(all.elements("UploadId"), ids);
    let page = root.get("/b00?uploads&max-uploads=3").await.ok();
    assert_eq!(page.element("IsTruncated").as_deref(), Some("true"));
    let next = format!(
        "/b00?uploads&key-marker={}&upload-id-marker={}",
        page.element("NextKeyMarker").unwrap(),
        page.element("NextUploadIdMarker").unwrap()
    );
    assert_eq!(root.get(&next).await.ok().elements("UploadId"), ids[3..]);
    assert_eq!(root.get("/b00?uploads&key-marker=b").await.ok().elements("UploadId"), ids[4..]);
    let folders = root.get("/b00?uploads&delimiter=/").await.ok();
    assert_eq!(
        (folders.elements("UploadId"), folders.elements("CommonPrefixes")),
        (ids[2..].to_vec(), vec!["<Prefix>a/</Prefix>".to_owned()])
    );
}
