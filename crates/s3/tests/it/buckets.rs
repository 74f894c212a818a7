//! Buckets and their configurations.

use nephos_wire::Body;

use crate::world::{OTHER, World, md5_of};

#[tokio::test]
async fn a_bucket_lives_from_create_to_delete() {
    let world = World::new();
    let root = world.root();
    let made = root.put("/notes-site", Body::Empty).await.ok();
    assert_eq!(made.header("location"), Some("/notes-site"));
    let head = root.send("HEAD", "/notes-site", &[], Body::Empty).await.ok();
    assert_eq!(head.header("x-amz-bucket-region"), Some("us-east-1"));
    let listed = root.get("/").await.ok();
    assert_eq!(listed.elements("Name"), ["notes-site"]);
    assert!(listed.text().contains("<ListAllMyBucketsResult xmlns="), "{}", listed.text());
    let location = root.get("/notes-site?location").await.ok();
    assert!(location.text().ends_with("\"></LocationConstraint>"), "{}", location.text());
    root.put("/notes-site/k", "v").await.ok();
    root.delete("/notes-site").await.fails(409, "BucketNotEmpty");
    root.delete("/notes-site/k").await.ok();
    assert_eq!(root.delete("/notes-site").await.ok().status, 204);
    let gone = root.get("/notes-site?list-type=2").await.fails(404, "NoSuchBucket");
    assert_eq!(gone.element("BucketName").as_deref(), Some("notes-site"));
    assert!(gone.element("RequestId").is_some() && gone.element("HostId").is_some());
    let head = root.send("HEAD", "/notes-site", &[], Body::Empty).await;
    assert_eq!((head.status, head.body.len()), (404, 0));
}

#[tokio::test]
async fn names_are_global() {
    let world = World::new();
    world.root().put("/taken", Body::Empty).await.ok();
    world.root().put("/taken", Body::Empty).await.ok();
    world.root_of(OTHER).put("/taken", Body::Empty).await.fails(409, "BucketAlreadyExists");
    assert!(world.root_of(OTHER).get("/").await.ok().elements("Name").is_empty());
    let config = r#"<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"#;
    let west = world.root().in_region("eu-west-1");
    west.put("/abroad", config).await.ok();
    west.put("/abroad", config).await.fails(409, "BucketAlreadyOwnedByYou");
    let location = west.get("/abroad?location").await.ok();
    assert!(location.text().ends_with(">eu-west-1</LocationConstraint>"), "{}", location.text());
    west.put("/nowhere", Body::Empty).await.fails(400, "IllegalLocationConstraintException");
    world.root().put("/a_b", Body::Empty).await.fails(400, "InvalidBucketName");
}

#[tokio::test]
async fn buckets_are_listed_in_pages() {
    let world = World::new();
    for name in ["aaa", "bbb-1", "bbb-2", "ccc"] {
        world.root().put(&format!("/{name}"), Body::Empty).await.ok();
    }
    let first = world.root().get("/?max-buckets=3").await.ok();
    assert_eq!(first.elements("Name"), ["aaa", "bbb-1", "bbb-2"]);
    assert_eq!(first.elements("BucketRegion").len(), 3);
    let token = first.element("ContinuationToken").unwrap();
    let second = world.root().get(&format!("/?max-buckets=3&continuation-token={token}")).await.ok();
    assert_eq!(second.elements("Name"), ["ccc"]);
    assert_eq!(second.element("ContinuationToken"), None);
    assert_eq!(world.root().get("/?prefix=bbb").await.ok().elements("Name"), ["bbb-1", "bbb-2"]);
    world.root().get("/?max-buckets=0").await.fails(400, "InvalidArgument");
}

#[tokio::test]
async fn a_new_bucket_answers_what_terraform_reads() {
    let world = World::new();
    let root = world.root();
    root.put("/b00", Body::Empty).await.ok();
    for (query, code) in [
        ("policy", "NoSuchBucketPolicy"),
        ("policyStatus", "NoSuchBucketPolicy"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("cors", "NoSuchCORSConfiguration"),
        ("tagging", "NoSuchTagSet"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
        ("analytics&id=x", "NoSuchConfiguration"),
        ("metrics&id=x", "NoSuchConfiguration"),
        ("inventory&id=x", "NoSuchConfiguration"),
        ("intelligent-tiering&id=x", "NoSuchConfiguration"),
    ] {
        root.get(&format!("/b00?{query}")).await.fails(404, code);
    }
    let of = async |query: &str| root.get(&format!("/b00?{query}")).await.ok().text().to_owned();
    assert!(of("versioning").await.contains("<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></VersioningConfiguration>"));
    assert!(of("accelerate").await.contains("<AccelerateConfiguration"));
    assert!(of("logging").await.contains("<BucketLoggingStatus"));
    assert!(of("requestPayment").await.contains("<Payer>BucketOwner</Payer>"));
    assert!(of("encryption").await.contains("<SSEAlgorithm>AES256</SSEAlgorithm>"));
    assert!(of("ownershipControls").await.contains("<ObjectOwnership>BucketOwnerEnforced</ObjectOwnership>"));
    assert!(of("publicAccessBlock").await.contains("<BlockPublicPolicy>true</BlockPublicPolicy>"));
    assert!(of("notification").await.contains("<NotificationConfiguration"));
    let acl = of("acl").await;
    assert!(acl.contains("<Permission>FULL_CONTROL</Permission>"), "{acl}");
    assert!(acl.contains(r#"xsi:type="CanonicalUser""#), "{acl}");
    for list in ["analytics", "metrics", "inventory", "intelligent-tiering"] {
        assert!(of(list).await.contains("<IsTruncated>false</IsTruncated>"), "{list}");
    }
}

#[tokio::test]
async fn configurations_come_back_as_they_were_put() {
    let world = World::new();
    let root = world.root();
    root.put("/b00", Body::Empty).await.ok();
    root.put("/b00?tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>")
        .await
        .ok();
    assert_eq!(root.get("/b00?tagging").await.ok().elements("Key"), ["a"]);
    assert_eq!(root.delete("/b00?tagging").await.ok().status, 204);
    root.get("/b00?tagging").await.fails(404, "NoSuchTagSet");
    root.put(
        "/b00?ownershipControls",
        "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>",
    )
    .await
    .ok();
    assert_eq!(root.get("/b00?ownershipControls").await.ok().elements("ObjectOwnership"), ["ObjectWriter"]);
    root.delete("/b00?ownershipControls").await.ok();
    root.get("/b00?ownershipControls").await.fails(404, "OwnershipControlsNotFoundError");
    root.put("/b00?publicAccessBlock", "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>").await.ok();
    let block = root.get("/b00?publicAccessBlock").await.ok();
    assert_eq!(
        (block.elements("BlockPublicAcls"), block.elements("BlockPublicPolicy")),
        (vec!["true".into()], vec!["false".into()])
    );
    root.delete("/b00?publicAccessBlock").await.ok();
    root.get("/b00?publicAccessBlock").await.fails(404, "NoSuchPublicAccessBlockConfiguration");
    let website = "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument><RoutingRules><RoutingRule><Condition><KeyPrefixEquals>a/</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith>b/</ReplaceKeyPrefixWith></Redirect></RoutingRule></RoutingRules></WebsiteConfiguration>";
    root.put("/b00?website", website).await.ok();
    let back = root.get("/b00?website").await.ok();
    assert!(back.text().contains("<RoutingRules><RoutingRule><Condition><KeyPrefixEquals>a/</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith>b/</ReplaceKeyPrefixWith></Redirect></RoutingRule></RoutingRules>"), "{}", back.text());
    root.put(
        "/b00?versioning",
        "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    )
    .await
    .fails(501, "NotImplemented");
    root.put("/b00?website", "<WebsiteConfiguration/>").await.fails(400, "InvalidArgument");
    root.put("/b00?website", "<Website").await.fails(400, "MalformedXML");
}

#[tokio::test]
async fn documents_are_checked_against_their_digests() {
    let world = World::new();
    let root = world.root();
    root.put("/b00", Body::Empty).await.ok();
    let document = "<Tagging><TagSet/></Tagging>";
    let put =
        async |name: &str, value: &str| root.send("PUT", "/b00?tagging", &[(name, value)], document).await;
    put("content-md5", &md5_of(document.as_bytes())).await.ok();
    put("content-md5", &md5_of(b"other")).await.fails(400, "BadDigest");
    put("content-md5", "nonsense").await.fails(400, "InvalidDigest");
    put("x-amz-checksum-crc32", "AAAAAA==").await.fails(400, "BadDigest");
    put("x-amz-checksum-crc32", "AA==").await.fails(400, "InvalidRequest");
    let huge = "x".repeat(9 << 20);
    root.put("/b00?tagging", huge).await.fails(400, "MaxMessageLengthExceeded");
}
