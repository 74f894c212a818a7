//! Every URL in an answer leads back the way that the request came: the same name, the same port, whatever lies between.

use nephos_testkit::service::{COGNITO_IDP, DYNAMODB, LAMBDA, S3};
use nephos_testkit::{Answer, Call, Client, Server, client::real_now, make};
use serde_json::json;

use crate::everything::stack;

/// The name, with the port, that a client would connect to, and the rest.
fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("expected a URL, got {url:?}"));
    rest.find(['/', '?']).map_or((rest, "/"), |at| rest.split_at(at))
}

/// Follows a URL to the server, wherever the name would lead.
async fn follow(client: &Client, url: &str) -> Answer {
    let (authority, target) = split(url);
    client.anonymous().host(authority).send(Call::get(target)).await
}

/// A platform with a name of its own besides `localhost`, as behind a proxy or in a container.
async fn server() -> Server {
    Server::with(|config, _| config.public_names = vec!["cloud.example".to_owned()]).await
}

/// The ways to the platform: its own port, a port that a container maps, an address, and a public name.
fn ways(server: &Server) -> Vec<String> {
    let port = server.address().port();
    vec![
        format!("localhost:{port}"),
        "localhost:9999".to_owned(),
        format!("127.0.0.1:{port}"),
        "cloud.example:8080".to_owned(),
        "cloud.example".to_owned(),
    ]
}

/// `name:port` of a way, as URLs below it have it: an address has no names below it.
fn below(way: &str) -> String {
    way.replace("127.0.0.1", "localhost")
}

const CODE: &str =
    "def handler(event, context):\n    return {'statusCode': 200, 'body': event['headers']['host']}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_functions_urls_follow_the_host() {
    let server = server().await;
    let root = server.root();
    let role = root.function_role("worker", &make::allow("logs:*", "*")).await;
    root.function("echo", &role, CODE).await;
    let create = json!({ "FunctionName": "echo", "AuthType": "NONE" });
    root.call(LAMBDA, "CreateFunctionUrlConfig", create).await.ok();
    for (id, action, condition) in [
        ("url", "lambda:InvokeFunctionUrl", json!({ "FunctionUrlAuthType": "NONE" })),
        ("invoke", "lambda:InvokeFunction", json!({ "InvokedViaFunctionUrl": true })),
    ] {
        let mut permission = condition;
        permission["FunctionName"] = json!("echo");
        permission["StatementId"] = json!(id);
        permission["Action"] = json!(action);
        permission["Principal"] = json!("*");
        root.call(LAMBDA, "AddPermission", permission).await.ok();
    }
    for way in ways(&server) {
        let client = root.host(&way);
        let asked = client.call(LAMBDA, "GetFunctionUrlConfig", json!({ "FunctionName": "echo" })).await;
        let url = asked.ok().get("FunctionUrl");
        let (authority, _) = split(&url);
        assert!(authority == way || authority.ends_with(&format!(".{}", below(&way))), "{way}: {url}");
        assert_eq!(follow(&client, &url).await.ok().text(), authority, "{url}");

        let asked = client.call(LAMBDA, "GetFunction", json!({ "FunctionName": "echo" })).await;
        let code = asked.ok().get("Location");
        assert_eq!(split(&code).0, way);
        assert!(follow(&client, &code).await.ok().body.starts_with(b"PK"), "{code}");
        assert_eq!(follow(&client, &format!("{code}x")).await.status, 403, "a link that was changed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pools_documents_follow_the_host() {
    let server = server().await;
    let root = server.root();
    let pool = root.pool("people").await;
    for way in ways(&server) {
        let url = format!("http://{way}/{}/.well-known/openid-configuration", pool.id);
        let document = follow(&root, &url).await.ok().json();
        let keys = document["jwks_uri"].as_str().unwrap();
        assert_eq!(keys, format!("http://{way}/{}/.well-known/jwks.json", pool.id));
        let keys = follow(&root, keys).await.ok().json();
        assert_eq!(keys["keys"][0]["kty"], "RSA");
        // The issuer is the pool's name for good, so it follows nobody.
        let issuer = format!("https://cognito-idp.us-east-1.amazonaws.com/{}", pool.id);
        assert_eq!(document["issuer"], issuer.as_str());
    }
    root.host("cloud.example")
        .call(COGNITO_IDP, "DescribeUserPool", json!({ "UserPoolId": pool.id }))
        .await
        .ok();
}

const SITE: &str = r#"{ "Resources": { "Site": { "Type": "AWS::S3::Bucket", "Properties": {
    "WebsiteConfiguration": { "IndexDocument": "index.html" },
    "PublicAccessBlockConfiguration": { "BlockPublicPolicy": false, "RestrictPublicBuckets": false } } },
  "Open": { "Type": "AWS::S3::BucketPolicy", "Properties": { "Bucket": { "Ref": "Site" }, "PolicyDocument": {
    "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
      "Resource": { "Fn::Sub": "${Site.Arn}/*" } }] } } } },
  "Outputs": { "Url": { "Value": { "Fn::GetAtt": ["Site", "WebsiteURL"] } }, "Bucket": { "Value": { "Ref": "Site" } } } }"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_deployed_website_stands_where_it_was_deployed_from() {
    let server = server().await;
    for (index, way) in ways(&server).into_iter().enumerate() {
        let client = server.root().host(&way);
        let deployed = stack(&client, &format!("site{index}"), SITE).await;
        let outputs = deployed.all("OutputValue");
        let url = outputs.iter().find(|value| value.starts_with("http://")).unwrap();
        let bucket = outputs.iter().find(|value| !value.starts_with("http://")).unwrap();
        assert_eq!(*url, format!("http://{bucket}.s3-website.{}", below(&way)));
        client.put_object(bucket, "index.html", "<p>hello").await.ok();
        client.put_object(bucket, "deep/index.html", "<p>deep").await.ok();
        assert_eq!(follow(&client, url).await.ok().text(), "<p>hello");
        let moved = follow(&client, &format!("{url}/deep")).await;
        assert_eq!((moved.status, moved.header("location")), (302, "/deep/"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_and_endpoints_follow_the_host() {
    let server = server().await;
    server.root().bucket("files").await;
    for way in ways(&server) {
        let client = server.root().host(&way);
        let endpoints = client.call(DYNAMODB, "DescribeEndpoints", json!({})).await.ok();
        assert_eq!(endpoints.get("Address"), way);
        let key = json!({ "Bucket": "files", "Key": "a b" });
        let upload = client.call(S3, "CreateMultipartUpload", key).await.ok().get("UploadId");
        let part =
            json!({ "Bucket": "files", "Key": "a b", "UploadId": upload, "PartNumber": 1, "Body": "hello" });
        let tag = client.call(S3, "UploadPart", part).await.ok().header("etag").to_owned();
        let parts = json!({
            "Bucket": "files", "Key": "a b", "UploadId": upload,
            "MultipartUpload": { "Parts": [{ "PartNumber": 1, "ETag": tag }] },
        });
        let done = client.call(S3, "CompleteMultipartUpload", parts).await.ok();
        assert_eq!(done.get("Location"), format!("http://{way}/files/a%20b"));

        let presigned = client.presign("s3", Call::get("/files/a%20b"), 60, real_now());
        let url = format!("http://{way}{}", presigned.uri());
        assert_eq!(follow(&client, &url).await.ok().text(), "hello");
        // The signature is for one name.
        let elsewhere = format!("http://elsewhere.example{}", presigned.uri());
        follow(&client, &elsewhere).await.refused(403, "SignatureDoesNotMatch");
        // A bucket's own host, where there are names below.
        if !way.starts_with("127.") {
            let own = client.host(&format!("files.s3.{way}"));
            let presigned = own.presign("s3", Call::get("/a%20b"), 60, real_now());
            let url = format!("http://files.s3.{way}{}", presigned.uri());
            assert_eq!(follow(&client, &url).await.ok().text(), "hello");
        }
        client.call(S3, "DeleteObject", json!({ "Bucket": "files", "Key": "a b" })).await.ok();
    }
}
