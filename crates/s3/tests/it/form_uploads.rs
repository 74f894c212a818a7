//! Uploads by browsers' forms.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method};
use nephos_core::ports::{Identify, IdentifyError, Identity, Invoke, InvokeFunction, InvokeOutcome};
use nephos_core::{BoxFuture, Cx, Fault, Principal, Timestamp};
use nephos_s3::Workers;
use nephos_s3::form_upload::FormUploads;
use nephos_sigv4::{Signer, v2};
use nephos_wire::{Body, HostHandler, Visit};
use serde_json::{Value, json};

use crate::world::{Answer, OWNER, World, broken, chunked, noise};

/// `ROOT` is the owner's, `ADA` a user's, `TEMP` needs the token `token`.
struct Keys;

impl Identify for Keys {
    fn identify<'a>(
        &'a self,
        access_key_id: &'a str,
        session_token: Option<&'a str>,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Identity, IdentifyError>> {
        let account = OWNER.parse().unwrap();
        let (path, id) = ("/".to_owned(), "AIDA0000000000000000".to_owned());
        let principal = match (access_key_id, session_token) {
            ("ROOT", None) | ("TEMP", Some("token")) => Ok(Principal::Root { account }),
            ("ADA", None) => Ok(Principal::User { account, path, name: "ada".to_owned(), id, session: None }),
            ("TEMP", Some("old")) => Err(IdentifyError::ExpiredToken),
            ("TEMP", _) => Err(IdentifyError::InvalidToken),
            _ => Err(IdentifyError::UnknownKey),
        };
        let identity = principal.map(|principal| Identity {
            secret_access_key: "secret".to_owned(),
            principal: Arc::new(principal),
        });
        Box::pin(std::future::ready(identity))
    }
}

/// A form: its fields in order, and the policy that it is signed with.
#[derive(Clone)]
struct Upload {
    fields: Vec<(String, String)>,
    conditions: Vec<Value>,
    expires_in: i64,
    file: Option<(Option<&'static str>, Vec<u8>)>,
    headers: HeaderMap,
}

impl Upload {
    fn new(key: &str) -> Upload {
        let file = Some((Some("C:\\dir\\my file.txt"), b"hello".to_vec()));
        let upload = Upload {
            fields: Vec::new(),
            conditions: vec![json!({"bucket": "b00"})],
            expires_in: 60,
            file,
            headers: HeaderMap::new(),
        };
        upload.bare("key", key).condition(json!(["starts-with", "$key", ""]))
    }

    /// A field without a condition.
    fn bare(mut self, name: &str, value: &str) -> Upload {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A field with its condition.
    fn field(self, name: &str, value: &str) -> Upload {
        self.bare(name, value).condition(json!({name: value}))
    }

    fn condition(mut self, condition: Value) -> Upload {
        self.conditions.push(condition);
        self
    }

    fn file(mut self, filename: Option<&'static str>, contents: impl Into<Vec<u8>>) -> Upload {
        self.file = Some((filename, contents.into()));
        self
    }

    fn without(mut self, name: &str) -> Upload {
        self.fields.retain(|(other, _)| other != name);
        self
    }

    fn policy(&self) -> String {
        let expiration = (Timestamp::from_secs(now().secs() + self.expires_in)).iso8601();
        STANDARD.encode(json!({"expiration": expiration, "conditions": self.conditions}).to_string())
    }

    fn signed(self) -> Upload {
        self.signed_for("ROOT", "s3")
    }

    fn signed_for(self, key: &str, service: &str) -> Upload {
        let signer = Signer {
            access_key_id: key.to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: None,
            region: "eu-west-1".to_owned(),
            service: service.to_owned(),
        };
        let date = now().amz_date();
        let (credential, _) = signer.sign_policy("", now());
        let upload = self
            .field("X-Amz-Algorithm", "AWS4-HMAC-SHA256")
            .field("X-Amz-Credential", &credential)
            .field("X-Amz-Date", &date);
        let policy = upload.policy();
        let (_, signature) = signer.sign_policy(&policy, now());
        upload.bare("Policy", &policy).bare("X-Amz-Signature", signature.as_str())
    }

    fn signed_by_version_2(self) -> Upload {
        let policy = self.policy();
        let signature = v2::sign("secret", policy.as_bytes());
        self.bare("AWSAccessKeyId", "ROOT").bare("policy", &policy).bare("signature", &signature)
    }

    fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, value) in &self.fields {
            body.extend_from_slice(
                format!("--boundary\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .as_bytes(),
            );
        }
        if let Some((filename, contents)) = &self.file {
            let filename = filename.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
            body.extend_from_slice(
                format!("--boundary\r\nContent-Disposition: form-data; name=\"file\"{filename}\r\nContent-Type: x/y\r\n\r\n")
                    .as_bytes(),
            );
            body.extend_from_slice(contents);
            body.extend_from_slice(
                b"\r\n--boundary\r\nContent-Disposition: form-data; name=\"submit\"\r\n\r\nUpload\r\n",
            );
        }
        body.extend_from_slice(b"--boundary--\r\n");
        body
    }

    async fn send(&self, world: &World) -> Answer {
        self.send_body(world, "b00", Body::from(self.body())).await
    }

    async fn send_body(&self, world: &World, bucket: &str, body: Body) -> Answer {
        let mut headers = self.headers.clone();
        headers.entry("content-type").or_insert("multipart/form-data; boundary=boundary".parse().unwrap());
        let visit = Visit {
            name: bucket.to_owned(),
            region: None,
            base: format!("/{bucket}"),
            method: Method::POST,
            path: "/".to_owned(),
            query: String::new(),
            headers,
            body,
        };
        let uploads = FormUploads::new(world.s3.clone(), Arc::new(Keys));
        Answer::of(uploads.visit(&world.anybody().cx, visit).await).await
    }
}

fn now() -> Timestamp {
    nephos_core::Clock::system().now()
}

async fn world() -> World {
    let world = World::new();
    world.root().put("/b00", Body::Empty).await.ok();
    world
}

/// Nothing was stored under any key.
async fn is_empty(world: &World) -> bool {
    !world.root().get("/b00?list-type=2").await.ok().text().contains("<Contents>") && world.blobs() == 0
}

#[tokio::test]
async fn a_signed_form_becomes_an_object() {
    let world = world().await;
    let form = Upload::new("in/${filename}")
        .field("Content-Type", "text/plain")
        .field("Cache-Control", "max-age=60")
        .field("x-amz-meta-Who", "grün ${filename}".replace("${filename}", "me").as_str())
        .bare("x-ignore-this", "x")
        .field("tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value></Tag></TagSet></Tagging>");
    for form in [form.clone().signed(), form.signed_by_version_2()] {
        let answer = form.send(&world).await.ok();
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        assert_eq!(answer.header("location"), Some("http://localhost:4566/b00/in%2Fmy%20file.txt"));
        assert_eq!(answer.header("etag"), Some("\"5d41402abc4b2a76b9719d911017c592\""));
        assert_eq!(answer.header("x-amz-server-side-encryption"), Some("AES256"));
        assert_eq!(answer.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
        assert!(
            answer.header("x-amz-request-id").is_some()
                && answer.header("x-amz-checksum-crc64nvme").is_some()
        );
        let got = world.root().get("/b00/in/my file.txt").await.ok();
        assert_eq!(got.text(), "hello");
        assert_eq!(got.header("content-type"), Some("text/plain"));
        assert_eq!(got.header("cache-control"), Some("max-age=60"));
        assert_eq!(got.header("x-amz-meta-who"), Some("=?UTF-8?B?Z3LDvG4gbWU=?="));
        let tags = world.root().get("/b00/in/my file.txt?tagging").await.ok();
        assert_eq!((tags.element("Key"), tags.element("Value")), (Some("a".into()), Some("b c".into())));
        world.root().delete("/b00/in/my file.txt").await.ok();
    }
    let answer = Upload::new("raw-${filename}").file(None, "x").signed().send(&world).await.ok();
    assert_eq!(answer.header("location"), Some("http://localhost:4566/b00/raw-%24%7Bfilename%7D"));
    let got = world.root().get("/b00/raw-${filename}").await.ok();
    assert_eq!(got.header("content-type"), Some("binary/octet-stream"), "not the file's own");
}

#[tokio::test]
async fn the_form_chooses_its_answer() {
    let world = world().await;
    let created = Upload::new("a&b/ü").field("success_action_status", "201").signed().send(&world).await.ok();
    assert_eq!((created.status, created.header("content-type")), (201, Some("application/xml")));
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse>\
        <Location>http://localhost:4566/b00/a%26b%2F%C3%BC</Location><Bucket>b00</Bucket><Key>a&amp;b/ü</Key>\
        <ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag></PostResponse>";
    assert_eq!(created.text(), body);
    for (asked, status) in [("200", 200), ("204", 204), ("404", 204)] {
        let answer = Upload::new("k").field("success_action_status", asked).signed().send(&world).await.ok();
        assert_eq!((answer.status, answer.body.len()), (status, 0), "{asked}");
    }
    let there = Upload::new("a/b c").field("success_action_redirect", "http://app/done?x=1").signed();
    let answer = there.send(&world).await;
    assert_eq!((answer.status, answer.body.len()), (303, 0));
    let location = "http://app/done?x=1&bucket=b00&key=a%2Fb+c&etag=%225d41402abc4b2a76b9719d911017c592%22";
    assert_eq!(answer.header("location"), Some(location));
    let nowhere = Upload::new("k").field("success_action_redirect", "/done").signed().send(&world).await;
    assert_eq!(nowhere.status, 204);
}

#[tokio::test]
async fn a_large_file_streams_to_the_disk() {
    let world = world().await;
    let contents = noise(3_000_000, 7);
    let form = Upload::new("big").file(Some("f"), contents.clone()).signed();
    let chunks: Vec<Bytes> = form.body().chunks(70_001).map(Bytes::copy_from_slice).collect();
    form.send_body(&world, "b00", chunked(chunks.clone(), &[])).await.ok();
    assert_eq!(world.root().get("/b00/big").await.ok().body, contents);
    assert_eq!(world.blobs(), 1);
    world.root().delete("/b00/big").await.ok();
    world.collect().await;
    let answer = form.send_body(&world, "b00", broken(chunks[..30].to_vec())).await;
    answer.fails(400, "IncompleteBody");
    let answer = form.send_body(&world, "b00", chunked(chunks[..30].to_vec(), &[])).await;
    answer.fails(400, "MalformedPOSTRequest");
    assert!(is_empty(&world).await);
}

#[tokio::test]
async fn the_policy_bounds_the_size() {
    let world = world().await;
    let form = |size: usize| {
        let range = json!(["content-length-range", 5, 100_000]);
        Upload::new("k").condition(range).file(Some("f"), noise(size, 3)).signed()
    };
    for size in [5, 100_000] {
        assert_eq!(form(size).send(&world).await.ok().status, 204, "{size}");
    }
    world.root().delete("/b00/k").await.ok();
    world.collect().await;
    let small = form(4).send(&world).await.fails(400, "EntityTooSmall");
    assert_eq!(
        (small.element("ProposedSize"), small.element("MinSizeAllowed")),
        (Some("4".into()), Some("5".into()))
    );
    for size in [100_001, 900_000] {
        let large = form(size).send(&world).await.fails(400, "EntityTooLarge");
        assert_eq!(large.element("ProposedSize"), Some(size.to_string()));
        assert_eq!(large.element("MaxSizeAllowed"), Some("100000".into()));
    }
    form(3_000_000).send(&world).await.fails(400, "EntityTooLarge");
    assert!(is_empty(&world).await);
}

#[tokio::test]
async fn a_form_must_keep_to_its_policy() {
    let world = world().await;
    let told = async |form: Upload, status: u16, code: &str| {
        form.send(&world).await.fails(status, code).element("Message").unwrap()
    };
    let old = Upload { expires_in: -1, ..Upload::new("k") }.signed();
    assert_eq!(told(old, 403, "AccessDenied").await, "Invalid according to Policy: Policy expired.");
    let other = Upload::new("k").condition(json!(["starts-with", "$key", "mine/"])).signed();
    let failed = "Invalid according to Policy: Policy Condition failed: [&quot;starts-with&quot;, &quot;$key&quot;, &quot;mine/&quot;]";
    assert_eq!(told(other, 403, "AccessDenied").await, failed);
    let extra = Upload::new("k").bare("Content-Type", "x").signed();
    assert_eq!(
        told(extra, 403, "AccessDenied").await,
        "Invalid according to Policy: Extra input fields: Content-Type"
    );
    let elsewhere = Upload::new("k").condition(json!({"bucket": "b01"})).bare("bucket", "b01").signed();
    assert!(told(elsewhere, 403, "AccessDenied").await.contains("Policy Condition failed"));
    let odd = Upload::new("k").condition(json!({})).signed();
    assert!(
        told(odd, 400, "InvalidPolicyDocument").await.starts_with("Invalid Policy: Invalid Simple-Condition")
    );
    assert!(is_empty(&world).await);
}

#[tokio::test]
async fn a_signature_must_be_whole_and_true() {
    let world = world().await;
    let good = Upload::new("k").signed();
    for (field, shown) in [
        ("X-Amz-Signature", "X-Amz-Signature"),
        ("X-Amz-Algorithm", "X-Amz-Algorithm"),
        ("X-Amz-Credential", "X-Amz-Credential"),
        ("X-Amz-Date", "X-Amz-Date"),
        ("Policy", "Policy"),
        ("key", "key"),
    ] {
        let told = good.clone().without(field).send(&world).await.fails(400, "InvalidArgument");
        let text = format!(
            "Bucket POST must contain a field named '{shown}'.  If it is specified, please check the order of the fields."
        );
        assert_eq!(told.element("Message"), Some(text));
        assert_eq!(
            (told.element("ArgumentName"), told.element("ArgumentValue")),
            (Some(shown.into()), Some("".into()))
        );
    }
    for field in ["AWSAccessKeyId", "signature"] {
        Upload::new("k")
            .signed_by_version_2()
            .without(field)
            .send(&world)
            .await
            .fails(400, "InvalidArgument");
    }
    let policy = Upload::new("k").condition(json!(["content-length-range", 0, 1 << 30])).policy();
    for (form, signature) in [
        (good.clone().without("Policy").bare("Policy", &policy), "X-Amz-Signature"),
        (Upload::new("k").signed_by_version_2().without("policy").bare("policy", &policy), "signature"),
        (good.clone().without("X-Amz-Signature").bare("X-Amz-Signature", "nonsense"), "X-Amz-Signature"),
    ] {
        let told = form.send(&world).await.fails(403, "SignatureDoesNotMatch");
        let value =
            |name: &str| form.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).unwrap().1.clone();
        assert_eq!(told.element("SignatureProvided"), Some(value(signature)));
        assert_eq!(told.element("StringToSign"), Some(value("policy")));
        assert_eq!(told.element("AWSAccessKeyId").as_deref(), Some("ROOT"));
    }
    Upload::new("k").signed_for("NOBODY", "s3").send(&world).await.fails(403, "InvalidAccessKeyId");
    let service = Upload::new("k").signed_for("ROOT", "sts").send(&world).await.fails(400, "InvalidArgument");
    assert!(service.text().contains("This endpoint belongs to &quot;s3&quot;."), "{}", service.text());
    assert!(is_empty(&world).await);
}

#[tokio::test]
async fn sessions_sign_with_their_token() {
    let world = world().await;
    let with = |token: &str| Upload::new("k").field("x-amz-security-token", token).signed_for("TEMP", "s3");
    with("token").send(&world).await.ok();
    with("old").send(&world).await.fails(400, "ExpiredToken");
    with("forged").send(&world).await.fails(400, "InvalidToken");
    Upload::new("k").signed_for("TEMP", "s3").send(&world).await.fails(400, "InvalidToken");
}

#[tokio::test]
async fn the_signer_needs_what_putting_the_object_needs() {
    let world = world().await;
    let by_ada = || Upload::new("k").signed_for("ADA", "s3");
    let told = by_ada().send(&world).await.fails(403, "AccessDenied");
    assert!(told.text().contains("s3:PutObject on resource"), "{}", told.text());
    let posting = r#"{"Effect":"Allow","Action":"s3:PutObject","Resource":"*","Condition":{"StringEquals":
        {"s3:authType":"POST","s3:signatureversion":"AWS4-HMAC-SHA256"},"NumericLessThan":{"s3:signatureAge":"60000"}}}"#;
    world.allow("ada", posting);
    by_ada().send(&world).await.ok();
    let tagging = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
    let tagged = Upload::new("k").field("tagging", tagging).signed_for("ADA", "s3");
    assert!(tagged.send(&world).await.fails(403, "AccessDenied").text().contains("s3:PutObjectTagging"));
    let public = Upload::new("k").field("acl", "public-read").signed();
    public.send(&world).await.fails(400, "AccessControlListNotSupported");
    let nowhere = Upload::new("k").signed();
    nowhere.send_body(&world, "b01", Body::from(nowhere.body())).await.fails(404, "NoSuchBucket");
}

#[tokio::test]
async fn anybody_uploads_where_the_bucket_says_so() {
    let world = world().await;
    let root = world.root();
    let unsigned = Upload::new("in/k");
    let told = unsigned.send(&world).await.fails(403, "AccessDenied");
    assert_eq!(told.element("Message").as_deref(), Some("Access Denied"));
    // A policy that nobody signed makes nobody somebody.
    Upload::new("in/k").bare("policy", &unsigned.policy()).send(&world).await.fails(403, "AccessDenied");
    root.put("/b00?publicAccessBlock", "<PublicAccessBlockConfiguration/>").await.ok();
    let open = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:PutObject",
        "Resource":"arn:aws:s3:::b00/in/*"}]}"#;
    root.put("/b00?policy", open).await.ok();
    assert_eq!(unsigned.send(&world).await.ok().status, 204);
    Upload::new("out/k").send(&world).await.fails(403, "AccessDenied");
    assert_eq!(root.get("/b00/in/k").await.ok().text(), "hello");
}

#[tokio::test]
async fn what_is_no_form_with_a_file_is_refused() {
    let world = world().await;
    let none = Upload { file: None, ..Upload::new("k").signed() };
    let told = none.send(&world).await.fails(400, "InvalidArgument");
    assert_eq!(
        told.element("Message").as_deref(),
        Some("POST requires exactly one file upload per request.")
    );
    assert_eq!(
        (told.element("ArgumentName"), told.element("ArgumentValue")),
        (Some("file".into()), Some("0".into()))
    );
    let long = Upload::new("k").bare("x-ignore-me", &"x".repeat(20_480)).signed();
    let told = long.send(&world).await.fails(400, "MaxPostPreDataLengthExceeded");
    assert_eq!(told.element("MaxPostPreDataLengthBytes").as_deref(), Some("20480"));
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "multipart/form-data".parse().unwrap());
    Upload { headers, ..Upload::new("k").signed() }.send(&world).await.fails(400, "MalformedPOSTRequest");
    let form = Upload::new("k").signed();
    form.send_body(&world, "b00", Body::from("no form at all")).await.fails(400, "MalformedPOSTRequest");
    form.send_body(&world, "b00", Body::Empty).await.fails(400, "MalformedPOSTRequest");
    let wrong = Upload::new("k").field("Content-MD5", "4gJE4saaMU4BqNR0kLY+lw==").signed();
    wrong.send(&world).await.fails(400, "BadDigest");
    let checked = Upload::new("k")
        .field("x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=")
        .signed();
    checked.send(&world).await.ok();
    world.root().delete("/b00/k").await.ok();
    assert!(is_empty(&world).await);
}

#[tokio::test]
async fn scripts_of_welcome_origins_may_read_the_answer() {
    let world = world().await;
    let rules = "<CORSConfiguration><CORSRule><AllowedOrigin>http://app</AllowedOrigin><AllowedMethod>POST</AllowedMethod><ExposeHeader>ETag</ExposeHeader></CORSRule></CORSConfiguration>";
    world.root().put("/b00?cors", rules).await.ok();
    let from = |origin: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("origin", origin.parse().unwrap());
        Upload { headers, ..Upload::new("k").signed() }
    };
    let welcome = from("http://app").send(&world).await.ok();
    assert_eq!(welcome.header("access-control-allow-origin"), Some("http://app"));
    assert_eq!(welcome.header("access-control-expose-headers"), Some("ETag"));
    let refused =
        from("http://app").without("X-Amz-Signature").send(&world).await.fails(400, "InvalidArgument");
    assert_eq!(refused.header("access-control-allow-origin"), Some("http://app"));
    assert_eq!(from("http://evil").send(&world).await.ok().header("access-control-allow-origin"), None);
}

/// Remembers the events that it was called with.
#[derive(Default)]
struct Hears(Mutex<Vec<Value>>);

impl Invoke for Hears {
    fn invoke<'a>(&'a self, _: &'a Cx, call: InvokeFunction) -> BoxFuture<'a, Result<InvokeOutcome, Fault>> {
        self.0.lock().unwrap().push(serde_json::from_slice(&call.payload).unwrap());
        Box::pin(async { Ok(InvokeOutcome { payload: Bytes::new(), function_error: None }) })
    }
}

#[tokio::test]
async fn functions_hear_that_it_was_a_form() {
    let world = world().await;
    let hears = Arc::new(Hears::default());
    let _workers = Workers::start(&world.s3, &world.platform, hears.clone());
    let configuration = "<NotificationConfiguration><CloudFunctionConfiguration><CloudFunction>arn:aws:lambda:us-east-1:111111111111:function:f</CloudFunction><Event>s3:ObjectCreated:Post</Event></CloudFunctionConfiguration></NotificationConfiguration>";
    world.root().put("/b00?notification", configuration).await.ok();
    world.root().put("/b00/put", "x").await.ok();
    Upload::new("posted").signed().send(&world).await.ok();
    for _ in 0..600 {
        if !hears.0.lock().unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let heard = hears.0.lock().unwrap();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0]["Records"][0]["eventName"], "ObjectCreated:Post");
    assert_eq!(heard[0]["Records"][0]["s3"]["object"]["key"], "posted");
}
