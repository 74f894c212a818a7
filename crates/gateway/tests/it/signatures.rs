//! Who is let in, and what everybody else is told, in each protocol's own words.

use std::time::Duration;

use nephos_gateway::Config;
use nephos_sigv4::{Payload, Signer, sha256_hex};

use super::fakes::{Running, account, now, signer};
use super::wire_client::{Answer, Call, form_call, json_call};

fn put_item() -> Call {
    json_call("DynamoDB_20120810.PutItem", "{}")
}

fn list_functions() -> Call {
    Call::new("GET", "/2015-03-31/functions/")
}

fn get_caller_identity() -> Call {
    form_call("Action=GetCallerIdentity&Version=2011-06-15")
}

fn get_object() -> Call {
    Call::new("GET", "/bucket/a%20key")
}

#[tokio::test]
async fn a_signed_call_reaches_its_service_in_every_protocol() {
    let running = Running::start(Config::default()).await;
    for (call, service, operation) in [
        (put_item(), "dynamodb", "PutItem"),
        (list_functions(), "lambda", "ListFunctions"),
        (get_caller_identity(), "sts", "GetCallerIdentity"),
        (Call::new("GET", "/?Action=GetCallerIdentity&Version=2011-06-15"), "sts", "GetCallerIdentity"),
        (get_object(), "s3", "GetObject"),
        (Call::new("GET", "/a%20key").host("bucket.s3.localhost:1234"), "s3", "GetObject"),
        (
            Call::new("POST", "/2015-03-31/functions/arn%3Aaws%3Alambda/invocations").body("{}"),
            "lambda",
            "Invoke",
        ),
    ] {
        let answer = call.clone().signed(&signer(service)).send(running.address).await;
        assert_eq!(answer.status, 200, "{service}: {}", answer.body);
        assert_eq!(answer.field("service"), service);
        assert_eq!(answer.field("operation"), operation);
        assert_eq!(answer.field("account"), account().as_str());
        assert_eq!(answer.field("region"), "eu-central-2");
        let port = call.host.rsplit_once(':').unwrap().1;
        assert_eq!(answer.field("origin"), format!("http://localhost:{port}"), "the platform's own name");
        assert_eq!(answer.header("x-amzn-requestid"), answer.field("request_id"));
        let headers = answer.json()["headers"].clone();
        assert!(headers.get("authorization").is_none(), "the signature is nobody else's business");
    }
}

#[tokio::test]
async fn s3_gets_a_path_in_path_style_and_the_labels() {
    let running = Running::start(Config::default()).await;
    for (host, path) in [("localhost", "/bucket/a%20key"), ("bucket.s3.localhost", "/a%20key")] {
        let call = Call::new("GET", path).host(host).signed(&signer("s3"));
        let answer = call.send(running.address).await;
        assert_eq!(answer.field("path"), "/bucket/a%20key");
        assert_eq!(answer.json()["labels"], serde_json::json!([["Bucket", "bucket"], ["Key", "a key"]]));
        assert_eq!(answer.header("x-amz-request-id"), answer.header("x-amzn-requestid"));
        assert!(!answer.header("x-amz-id-2").is_empty());
        assert_eq!(answer.json()["keys"]["s3:authtype"], serde_json::json!(["REST-HEADER"]));
        assert_eq!(answer.json()["keys"]["aws:sourceip"], serde_json::json!(["127.0.0.1"]));
    }
}

/// What each protocol calls a refusal: dynamodb, lambda, sts, s3.
async fn refused_everywhere(
    change: impl Fn(Call, Signer) -> Call,
    expected: [(u16, &str); 4],
) -> Vec<Answer> {
    let running = Running::start(Config::default()).await;
    let calls = [
        (put_item(), "dynamodb"),
        (list_functions(), "lambda"),
        (get_caller_identity(), "sts"),
        (get_object(), "s3"),
    ];
    let mut answers = Vec::new();
    for ((call, service), (status, code)) in calls.into_iter().zip(expected) {
        let answer = change(call, signer(service)).send(running.address).await;
        assert_eq!(answer.status, status, "{service}: {}", answer.body);
        let told = if answer.body.starts_with('{') {
            answer.header("x-amzn-errortype").to_owned()
        } else {
            answer.body.split("<Code>").nth(1).unwrap().split('<').next().unwrap().to_owned()
        };
        assert_eq!(told, code, "{service}: {}", answer.body);
        answers.push(answer);
    }
    assert_eq!(running.gateway.metrics().unauthenticated.get(), 4);
    answers
}

#[tokio::test]
async fn a_wrong_secret_is_a_wrong_signature() {
    let answers = refused_everywhere(
        |call, signer| call.signed(&Signer { secret_access_key: "other".to_owned(), ..signer }),
        [
            (400, "InvalidSignatureException"),
            (403, "InvalidSignatureException"),
            (403, "SignatureDoesNotMatch"),
            (403, "SignatureDoesNotMatch"),
        ],
    )
    .await;
    let text = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                Access Key and signing method. Consult the service documentation for details.";
    for answer in &answers[..3] {
        assert!(answer.body.contains(text), "{}", answer.body);
    }
    assert!(answers[3].body.contains("Check your key and signing method."), "{}", answers[3].body);
    assert!(answers[3].body.contains("<StringToSign>AWS4-HMAC-SHA256"), "{}", answers[3].body);
}

#[tokio::test]
async fn an_unknown_key_is_told() {
    let answers = refused_everywhere(
        |call, signer| call.signed(&Signer { access_key_id: "NOBODY".to_owned(), ..signer }),
        [
            (400, "UnrecognizedClientException"),
            (403, "UnrecognizedClientException"),
            (403, "InvalidClientTokenId"),
            (403, "InvalidAccessKeyId"),
        ],
    )
    .await;
    assert!(answers[2].body.contains("The security token included in the request is invalid."));
    assert!(answers[3].body.contains("<AWSAccessKeyId>NOBODY</AWSAccessKeyId>"));
}

#[tokio::test]
async fn a_token_must_be_the_keys_own_and_not_expired() {
    let with = |key: &'static str, token: &'static str| {
        move |call: Call, signer: Signer| {
            let token = Some(token.to_owned());
            call.signed(&Signer { access_key_id: key.to_owned(), session_token: token, ..signer })
        }
    };
    refused_everywhere(
        with("ASIA", "old"),
        [
            (400, "ExpiredTokenException"),
            (403, "ExpiredTokenException"),
            (403, "ExpiredToken"),
            (400, "ExpiredToken"),
        ],
    )
    .await;
    refused_everywhere(
        with("AKID", "token"),
        [
            (400, "UnrecognizedClientException"),
            (403, "UnrecognizedClientException"),
            (403, "InvalidClientTokenId"),
            (400, "InvalidToken"),
        ],
    )
    .await;
    let running = Running::start(Config::default()).await;
    let answer = with("ASIA", "token")(put_item(), signer("dynamodb")).send(running.address).await;
    assert_eq!(answer.status, 200);
    assert!(answer.json()["headers"].get("x-amz-security-token").is_none());
}

#[tokio::test]
async fn an_unsigned_call_is_told_so() {
    let answers = refused_everywhere(
        |call, _| match call.path.as_str() {
            // S3's anonymous callers are for its policies, so this one shows half a signature.
            "/bucket/a%20key" => call.header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/s3/aws4_request",
            ),
            _ => call,
        },
        [
            (400, "MissingAuthenticationTokenException"),
            (403, "MissingAuthenticationTokenException"),
            (403, "MissingAuthenticationToken"),
            (400, "AuthorizationHeaderMalformed"),
        ],
    )
    .await;
    assert!(answers[2].body.contains("Request is missing Authentication Token"));
}

#[tokio::test]
async fn an_anonymous_caller_reaches_s3_and_what_is_open() {
    let running = Running::start(Config::default()).await;
    for call in [
        get_object(),
        json_call("AWSCognitoIdentityProviderService.InitiateAuth", "{}"),
        form_call("Action=AssumeRoleWithWebIdentity&Version=2011-06-15"),
        Call::new("GET", "/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15"),
        form_call("Action=AssumeRoleWithWebIdentity&Version=2011-06-15").host("sts.localhost"),
    ] {
        let answer = call.send(running.address).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.field("principal"), "anonymous");
        assert_eq!(answer.field("region"), "us-east-1");
    }
}

#[tokio::test]
async fn a_scope_for_another_service_is_refused() {
    // The rivals' hole: route by target, judge by scope.
    let answers = refused_everywhere(
        |call, signer| {
            let service = if signer.service == "sts" { "s3" } else { "sts" };
            let call = match call.path.as_str() {
                "/bucket/a%20key" => call.host("s3.localhost"),
                "/2015-03-31/functions/" => call.host("lambda.localhost"),
                _ if signer.service == "sts" => call.host("sts.localhost"),
                _ => call,
            };
            call.signed(&Signer { service: service.to_owned(), ..signer })
        },
        [
            (400, "InvalidSignatureException"),
            (403, "InvalidSignatureException"),
            (403, "SignatureDoesNotMatch"),
            (400, "AuthorizationHeaderMalformed"),
        ],
    )
    .await;
    assert!(answers[0].body.contains("Credential should be scoped to correct service: 'dynamodb'. "));
    assert!(
        answers[3].body.contains("incorrect service &quot;sts&quot;")
            || answers[3].body.contains("incorrect service \"sts\"")
    );
}

#[tokio::test]
async fn a_changed_body_is_refused() {
    let running = Running::start(Config::default()).await;
    let mut call = put_item().signed(&signer("dynamodb"));
    call.body = b"[]".to_vec();
    assert_eq!(call.send(running.address).await.header("x-amzn-errortype"), "InvalidSignatureException");
    // Nor does it help to sign that the body is not signed.
    let call = put_item().header("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    let answer = call.signed_with(&signer("dynamodb"), &Payload::Unsigned).send(running.address).await;
    assert_eq!(answer.header("x-amzn-errortype"), "InvalidSignatureException");
    let call = Call::new("PUT", "/bucket?tagging").body("<a/>").signed(&signer("s3"));
    assert_eq!(call.send(running.address).await.status, 200);
    let answer = call.body("<b/>").send(running.address).await;
    assert!(answer.body.contains("<Code>XAmzContentSHA256Mismatch</Code>"), "{}", answer.body);
}

#[tokio::test]
async fn the_clock_is_held_against_the_signature() {
    let running = Running::start(Config::default()).await;
    let day = now().amz_date();
    let old = |call: Call| call.at(now() - Duration::from_secs(16 * 60));
    let answer = old(put_item()).signed(&signer("dynamodb")).send(running.address).await;
    assert!(answer.body.contains("Signature expired: "), "{}", answer.body);
    assert!(answer.body.contains(&day[..8]) && answer.body.contains(" - 15 min.)"), "{}", answer.body);
    let answer = old(get_object()).signed(&signer("s3")).send(running.address).await;
    assert!(answer.body.contains("<Code>RequestTimeTooSkewed</Code>"), "{}", answer.body);
    assert!(answer.body.contains("<MaxAllowedSkewMilliseconds>900000<"), "{}", answer.body);
    let answer = old(get_object()).presigned(&signer("s3"), &Payload::Unsigned).send(running.address).await;
    assert!(answer.body.contains("Request has expired"), "{}", answer.body);
    assert!(answer.body.contains("<X-Amz-Expires>60</X-Amz-Expires>"), "{}", answer.body);
}

#[tokio::test]
async fn a_platform_clock_that_was_moved_does_not_shut_clients_out() {
    let running = Running::start(Config::default()).await;
    running.gateway.platform().clock.advance(Duration::from_secs(30 * 86_400));
    let answer = put_item().signed(&signer("dynamodb")).send(running.address).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = get_object().presigned(&signer("s3"), &Payload::Unsigned).send(running.address).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn presigned_urls_work_and_bring_their_headers() {
    let running = Running::start(Config::default()).await;
    let call = Call::new("PUT", "/bucket/key?x-amz-meta-colour=blue&x-id=PutObject").body("hello");
    let answer = call.presigned(&signer("s3"), &Payload::Unsigned).send(running.address).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["headers"]["x-amz-meta-colour"], "blue");
    assert_eq!(answer.json()["keys"]["s3:authtype"], serde_json::json!(["REST-QUERY-STRING"]));
    assert!(!answer.body.contains("X-Amz-Signature"), "{}", answer.body);

    let call = Call::new("GET", "/?Action=GetCallerIdentity&Version=2011-06-15");
    let nothing = Payload::Sha256(sha256_hex(b""));
    let answer = call.presigned(&signer("sts"), &nothing).send(running.address).await;
    assert_eq!(answer.field("operation"), "GetCallerIdentity");
}

#[tokio::test]
async fn urls_presigned_by_version_2_reach_s3() {
    let running = Running::start(Config::default()).await;
    for (host, path) in [("localhost:4566", "/bucket/a%20key"), ("bucket.s3.localhost:4566", "/a%20key")] {
        let call = Call::new("GET", &format!("{path}?response-expires=x%20y&x-id=GetObject")).host(host);
        let answer =
            call.presigned_v2("/bucket/a%20key?response-expires=x y", &[]).send(running.address).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.field("principal"), "arn:aws:iam::123456789012:root");
        assert_eq!(answer.field("path"), "/bucket/a%20key");
        assert_eq!(
            answer.json()["query"],
            serde_json::json!([["response-expires", "x y"], ["x-id", "GetObject"]])
        );
        assert_eq!(answer.json()["keys"]["s3:authtype"], serde_json::json!(["REST-QUERY-STRING"]));
        assert_eq!(answer.json()["keys"]["s3:signatureversion"], serde_json::json!(["AWS"]));
        assert!(answer.json()["keys"].get("s3:signatureage").is_none());
    }
    let signed = [
        ("content-type", "text/plain"),
        ("x-amz-meta-colour", "dark blue"),
        ("x-amz-security-token", "token"),
    ];
    let call = Call::new("PUT", "/bucket/key").body("hello").presigned_v2("/bucket/key", &signed);
    for call in [call.clone(), call.clone().header("content-type", "text/plain")] {
        let answer = call.send(running.address).await;
        assert_eq!(answer.field("operation"), "PutObject");
        assert_eq!(answer.field("body"), "hello");
        let headers = &answer.json()["headers"];
        assert_eq!(headers["content-type"], "text/plain");
        assert_eq!(headers["x-amz-meta-colour"], "dark blue");
        assert!(!answer.body.contains("token") && !answer.body.contains("Signature"), "{}", answer.body);
    }
    for wrong in [("content-type", "text/xml"), ("x-amz-meta-more", "x")] {
        let answer = call.clone().header(wrong.0, wrong.1).send(running.address).await;
        assert!(answer.body.contains("<Code>SignatureDoesNotMatch</Code>"), "{}", answer.body);
    }
}

#[tokio::test]
async fn version_2_is_refused_in_s3s_words() {
    let running = Running::start(Config::default()).await;
    let told = async |call: Call, status: u16, texts: &[&str]| {
        let answer = call.send(running.address).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        for text in texts {
            assert!(answer.body.contains(text), "{text}: {}", answer.body);
        }
    };
    let get = || Call::new("GET", "/bucket/key");
    let wrong = get().presigned_v2("/bucket/other", &[]);
    let texts = [
        "<Code>SignatureDoesNotMatch</Code>",
        "Check your key and signing method.",
        "<AWSAccessKeyId>AKID</AWSAccessKeyId>",
        "<StringToSign>GET\n\n\n",
        "<StringToSignBytes>47 45 54 0a",
    ];
    told(wrong, 403, &texts).await;
    let old = get().at(now() - Duration::from_secs(61)).presigned_v2("/bucket/key", &[]);
    told(
        old,
        403,
        &["<Code>AccessDenied</Code>", "<Message>Request has expired</Message>", "<Expires>", "<ServerTime>"],
    )
    .await;
    let missing = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters";
    told(Call::new("GET", "/bucket/key?AWSAccessKeyId=AKID"), 403, &["<Code>AccessDenied</Code>", missing])
        .await;
    let soon = Call::new("GET", "/bucket/key?AWSAccessKeyId=AKID&Signature=x&Expires=soon");
    told(soon, 403, &["Invalid date (should be seconds since epoch): soon"]).await;
    let unknown = Call::new("GET", "/bucket/key?AWSAccessKeyId=NOBODY&Signature=x&Expires=1999999999");
    told(unknown, 403, &["<Code>InvalidAccessKeyId</Code>"]).await;
    let both = get().presigned_v2("/bucket/key", &[]).presigned(&signer("s3"), &Payload::Unsigned);
    told(both, 400, &["<Code>InvalidArgument</Code>", "Only one auth mechanism allowed"]).await;
    let mut changed = Call::new("PUT", "/bucket").presigned_v2("/bucket", &[]);
    changed.query.push_str("&tagging");
    told(changed, 403, &["<Code>SignatureDoesNotMatch</Code>", "/bucket?tagging</StringToSign>"]).await;
    let signed = [("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")];
    let chunks = Call::new("PUT", "/bucket/key").presigned_v2("/bucket/key", &signed);
    told(chunks, 400, &["<ArgumentName>x-amz-content-sha256</ArgumentName>"]).await;
    // Version 2's header, and its query strings to other services, are not there.
    let header = get().header("authorization", "AWS AKID:c2lnbmF0dXJl");
    told(header, 400, &["<Code>InvalidRequest</Code>", "Please use AWS4-HMAC-SHA256."]).await;
    let sts =
        "/?Action=GetCallerIdentity&Version=2011-06-15&AWSAccessKeyId=AKID&Signature=x&SignatureVersion=2";
    told(Call::new("GET", sts), 400, &["<Code>IncompleteSignature</Code>"]).await;
}

#[tokio::test]
async fn a_body_is_what_a_url_of_version_2_says() {
    let running = Running::start(Config::default()).await;
    let hash = sha256_hex(b"hello");
    let signed = [("x-amz-content-sha256", hash.as_str())];
    let call = |body: &str| Call::new("PUT", "/bucket/key").body(body).presigned_v2("/bucket/key", &signed);
    assert_eq!(call("hello").send(running.address).await.field("body"), "hello");
    let answer = call("jello").send(running.address).await;
    assert!(answer.body.contains("does not match what was computed"), "{}", answer.body);
}

#[tokio::test]
async fn what_does_not_exist_is_told_and_counted() {
    let running = Running::start(Config::default()).await;
    let told = |answer: &Answer, status: u16, text: &str| {
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.body.contains(text), "{}", answer.body);
    };
    let send = async |call: Call, service: &str| call.signed(&signer(service)).send(running.address).await;
    let answer = send(json_call("DynamoDB_20120810.RestoreTable", "{}"), "dynamodb").await;
    told(&answer, 501, "Nephos does not implement dynamodb:RestoreTable.");
    let answer = send(json_call("DynamoDB_20120810.Nonsense", "{}"), "dynamodb").await;
    told(&answer, 400, "UnknownOperationException");
    let answer = send(Call::new("GET", "/bucket?replication"), "s3").await;
    told(&answer, 501, "<Code>NotImplemented</Code>");
    let answer = send(Call::new("DELETE", "/bucket/key"), "s3").await;
    told(&answer, 405, "<Code>MethodNotAllowed</Code>");
    let answer = send(form_call("Action=Nonsense&Version=2011-06-15"), "sts").await;
    told(&answer, 400, "<Code>InvalidAction</Code>");
    let answer = send(form_call("Version=2011-06-15"), "sts").await;
    told(&answer, 400, "<Code>MissingAction</Code>");
    let answer = send(form_call("Action=SendMessage"), "sqs").await;
    told(&answer, 501, "Nephos does not implement the service sqs.");
    let answer =
        Call::new("POST", "/").header("x-amz-target", "Kinesis.PutRecord").send(running.address).await;
    told(&answer, 501, "\"__type\":\"NotImplemented\"");
    let answer = form_call("Action=CreateStack&Version=2010-05-15").send(running.address).await;
    told(&answer, 400, "Could not find operation CreateStack for version 2010-05-15");

    let health = Call::new("GET", "/_nephos/health").send(running.address).await.json();
    let unknown = &health["unknown_operations"];
    assert_eq!(unknown["dynamodb:RestoreTable"], 1, "{health}");
    assert_eq!(unknown["s3:GetBucketReplication"], 1, "{health}");
    assert_eq!(unknown["Kinesis:?"], 1, "{health}");
    assert_eq!(health["services"]["s3"], "running");
    assert_eq!(health["counters"]["server_errors"], 4, "{health}");
    let health = Call::new("GET", "/_localstack/health").send(running.address).await.json();
    assert_eq!(health["services"]["dynamodb"], "running");
}
