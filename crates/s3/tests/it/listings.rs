//! Listings.

use nephos_wire::Body;

use crate::world::World;

async fn world(keys: &[&str]) -> World {
    let world = World::new();
    world.root().put("/b00", Body::Empty).await.ok();
    for key in keys {
        world.root().put(&format!("/b00/{}", nephos_wire::form::encode_path(key)), "v").await.ok();
    }
    world
}

#[tokio::test]
async fn folders_and_pages() {
    let world = world(&["a/1", "a/2", "b", "c/x/1", "c/y", "d e"]).await;
    let root = world.root();
    let all = root.get("/b00?list-type=2").await.ok();
    assert_eq!(all.elements("Key"), ["a/1", "a/2", "b", "c/x/1", "c/y", "d e"]);
    assert_eq!(
        (all.element("KeyCount").as_deref(), all.element("IsTruncated").as_deref()),
        (Some("6"), Some("false"))
    );
    assert_eq!(all.element("ChecksumAlgorithm").as_deref(), Some("CRC64NVME"));
    let top = root.get("/b00?list-type=2&delimiter=/").await.ok();
    assert_eq!(top.elements("Key"), ["b", "d e"]);
    assert_eq!(top.elements("CommonPrefixes"), ["<Prefix>a/</Prefix>", "<Prefix>c/</Prefix>"]);
    let inside = root.get("/b00?list-type=2&delimiter=/&prefix=c/").await.ok();
    assert_eq!(
        (inside.elements("Key"), inside.elements("CommonPrefixes")),
        (vec!["c/y".into()], vec!["<Prefix>c/x/</Prefix>".into()])
    );
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = root.get(&format!("/b00?list-type=2&delimiter=/&max-keys=1{token}")).await.ok();
        seen.extend(page.elements("Key"));
        seen.extend(page.elements("CommonPrefixes"));
        match page.element("NextContinuationToken") {
            Some(next) => token = format!("&continuation-token={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["<Prefix>a/</Prefix>", "b", "<Prefix>c/</Prefix>", "d e"]);
    assert_eq!(
        root.get("/b00?list-type=2&start-after=b").await.ok().elements("Key"),
        ["c/x/1", "c/y", "d e"]
    );
    assert_eq!(
        root.get("/b00?list-type=2&encoding-type=url&prefix=d%20").await.ok().elements("Key"),
        ["d+e"]
    );
    assert!(root.get("/b00?list-type=2&max-keys=0").await.ok().elements("Key").is_empty());
    root.get("/b00?list-type=2&max-keys=-1").await.fails(400, "InvalidArgument");
    root.get("/b00?list-type=2&continuation-token=x").await.fails(400, "InvalidArgument");
    root.get("/b00?list-type=2&encoding-type=x").await.fails(400, "InvalidArgument");
    assert_eq!(all.elements("ID").len(), 0);
    assert_eq!(root.get("/b00?list-type=2&fetch-owner=true").await.ok().elements("ID").len(), 6);
}

#[tokio::test]
async fn the_first_version_has_markers() {
    let world = world(&["a/1", "a/2", "b", "c"]).await;
    let root = world.root();
    let first = root.get("/b00?delimiter=/&max-keys=1").await.ok();
    assert_eq!(first.element("NextMarker").as_deref(), Some("a/"));
    let second = root.get("/b00?delimiter=/&max-keys=1&marker=a/").await.ok();
    assert_eq!(second.elements("Key"), ["b"]);
    let plain = root.get("/b00?max-keys=2").await.ok();
    assert_eq!((plain.element("NextMarker"), plain.element("IsTruncated").as_deref()), (None, Some("true")));
    assert_eq!(root.get("/b00?marker=a/2").await.ok().elements("Key"), ["b", "c"]);
    assert_eq!(root.get("/b00?marker=a/1&delimiter=/").await.ok().elements("Key"), ["b", "c"]);
    assert_eq!(plain.elements("ID").len(), 2);
}

#[tokio::test]
async fn every_object_is_its_only_version() {
    let world = world(&["a", "b", "c"]).await;
    let root = world.root();
    let page = root.get("/b00?versions&max-keys=2").await.ok();
    assert_eq!(
        (page.elements("Key"), page.elements("VersionId")),
        (vec!["a".into(), "b".into()], vec!["null".to_owned(); 2])
    );
    assert_eq!(page.elements("IsLatest"), ["true", "true"]);
    let next =
        format!("/b00?versions&key-marker={}&version-id-marker=null", page.element("NextKeyMarker").unwrap());
    assert_eq!(root.get(&next).await.ok().elements("Key"), ["c"]);
}

#[tokio::test]
async fn odd_keys_survive() {
    let odd = [
        "..",
        "../x",
        "/lead",
        "a//b",
        "trail/",
        "q?r",
        "h#i",
        "p%41",
        "plus+and space",
        "<&>\"'",
        "é\u{1F600}",
        "\u{1}",
    ];
    let world = world(&odd).await;
    let mut sorted = odd;
    sorted.sort_unstable();
    let listed = world.root().get("/b00?list-type=2&encoding-type=url").await.ok();
    let keys: Vec<_> =
        listed.elements("Key").iter().map(|key| nephos_wire::form::parse(key)[0].0.clone()).collect();
    assert_eq!(keys, sorted);
    for key in odd {
        let target = format!("/b00/{}", nephos_wire::form::encode_path(key));
        assert_eq!(world.root().get(&target).await.ok().text(), "v", "{key}");
        world.root().delete(&target).await.ok();
    }
    assert!(world.root().get("/b00").await.ok().elements("Key").is_empty());
}
