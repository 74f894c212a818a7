//! Space comes back, and never too early.

use bytes::Bytes;
use nephos_core::Cx;
use nephos_s3::shapes::{GetObjectRequest, op};
use nephos_wire::route::{Found, rest};
use nephos_wire::{Body, OperationShape, Request, Service};

use crate::world::{World, noise};

async fn world() -> World {
    let world = World::new();
    world.root().put("/b00", Body::Empty).await.ok();
    world
}

/// A download that was begun and not read.
async fn open(world: &World, cx: &Cx, path: &str) -> Body {
    let headers = http::HeaderMap::new();
    let found = rest(&nephos_s3::MODEL, &http::Method::GET, path, &[], &headers);
    let Found::Operation(operation, labels) = found else { panic!("{found:?}") };
    assert_eq!(operation.name, <op::GetObject as OperationShape>::OPERATION.name);
    drop(GetObjectRequest::default());
    let request = Request {
        method: http::Method::GET,
        path: path.to_owned(),
        query: vec![],
        headers,
        labels,
        body: Body::Empty,
    };
    world.s3.call(cx, operation, request).await.into_body()
}

#[tokio::test]
async fn a_download_outlives_the_object() {
    let world = world().await;
    let root = world.root();
    let bytes = noise(1_500_000, 8);
    root.put("/b00/whole", bytes.clone()).await.ok();
    let id = root.post("/b00/parts?uploads", Body::Empty).await.ok().element("UploadId").unwrap();
    let mut listed = String::new();
    let large = noise(5 << 20, 2);
    for (number, content) in [(1, &large), (2, &bytes)] {
        let target = format!("/b00/parts?partNumber={number}&uploadId={id}");
        let put = root.put(&target, content.clone()).await.ok();
        let etag = put.header("etag").unwrap();
        listed.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"));
    }
    let document = format!("<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>");
    root.post(&format!("/b00/parts?uploadId={id}"), document).await.ok();
    let whole = open(&world, &root.cx, "/b00/whole").await;
    let parts = open(&world, &root.cx, "/b00/parts").await;
    root.put("/b00/whole", "new").await.ok();
    root.delete("/b00/parts").await.ok();
    world.collect().await;
    assert_eq!(whole.collect(1 << 30).await.unwrap(), bytes);
    assert_eq!(parts.collect(1 << 30).await.unwrap(), [large, bytes].concat());
    world.collect().await;
    assert_eq!(world.blobs(), 0);
    assert_eq!(root.get("/b00/whole").await.ok().text(), "new");
}

#[tokio::test]
async fn orphans_are_swept_and_what_is_named_stays() {
    let world = world().await;
    let root = world.root();
    root.put("/b00/k", noise(100_000, 1)).await.ok();
    let id = root.post("/b00/u?uploads", Body::Empty).await.ok().element("UploadId").unwrap();
    root.put(&format!("/b00/u?partNumber=1&uploadId={id}"), noise(100_000, 2)).await.ok();
    let blobs = nephos_blobs::Blobs::open(world.folder.path()).unwrap();
    let mut orphan = blobs.writer().await.unwrap();
    orphan.write(Bytes::from_static(b"nobody knows me")).await.unwrap();
    orphan.finish().await.unwrap();
    assert_eq!(world.blobs(), 3);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert_eq!(world.s3.sweep_orphans().await.unwrap(), 1);
    assert_eq!(world.blobs(), 2);
    assert_eq!(root.get("/b00/k").await.ok().body.len(), 100_000);
}

#[tokio::test]
async fn a_restart_finds_everything() {
    let world = world().await;
    let bytes = noise(100_000, 1);
    world.root().put("/b00/k", bytes.clone()).await.ok();
    world.root().put("/b00/gone", bytes.clone()).await.ok();
    world.root().delete("/b00/gone").await.ok();
    let World { store, folder, .. } = world;
    let world = World::over(store, folder);
    world.collect().await;
    assert_eq!(world.blobs(), 1);
    assert_eq!(world.root().get("/b00/k").await.ok().body, bytes);
}
