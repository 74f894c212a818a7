//! The route table, row by row.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use nephos_gateway::route::{Ask, Route, TABLE, route};
use nephos_gateway::{Config, Gateway, host};

use super::fakes::builder;

/// Where a request goes, in a word: `service[@bucket][/region]`, `Place:name+base[/region]`, `?service`.
fn way(
    gateway: &Gateway,
    host_name: &str,
    request: &str,
    headers: &[(&str, &str)],
) -> (String, &'static str) {
    let (method, target) = request.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let (name, method) = (host::name_of(host_name), method.parse::<Method>().unwrap());
    let ask = Ask {
        method: &method,
        host: host::read(&name, &[]),
        path,
        query,
        headers: &map,
        registry: gateway.registry(),
    };
    let (row, route) = route(&ask);
    let at = |region: Option<&str>| region.map_or(String::new(), |region| format!("/{region}"));
    let text = match route {
        Route::Health { localstack } => format!("health {localstack}"),
        Route::Form => "form".to_owned(),
        Route::UnknownService { name, .. } => format!("?{name}"),
        Route::Visit { place, name, region, base_len } => {
            format!("{place:?}:{name}+{}{}", &path[..base_len], at(region))
        }
        Route::Service { service, bucket, region } => {
            let name = gateway.registry().entry(service).unwrap().model.name;
            let bucket = bucket.map_or(String::new(), |bucket| format!("@{bucket}"));
            format!("{name}{bucket}{}", at(region))
        }
    };
    (text, row)
}

type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);

const DDB: (&str, &str) = ("x-amz-target", "DynamoDB_20120810.PutItem");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
const MULTIPART: (&str, &str) = ("content-type", "multipart/form-data; boundary=x");
const BY_S3: (&str, &str) = (
    "authorization",
    "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
);
const BY_STS: (&str, &str) = (
    "authorization",
    "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/sts/aws4_request,SignedHeaders=host,Signature=0",
);
const BY_LAMBDA: (&str, &str) = (
    "authorization",
    "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/lambda/aws4_request,SignedHeaders=host",
);
const BY_SQS: (&str, &str) =
    ("authorization", "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/sqs/aws4_request,SignedHeaders=host");

const CASES: &[Case] = &[
    // Host first.
    ("site.s3-website.localhost:4566", "GET /a", &[], "Website:site+"),
    ("site.s3-website.localhost", "GET /_nephos/health", &[], "Website:site+"),
    ("my.site.s3-website-eu-west-1.amazonaws.com", "GET /", &[], "Website:my.site+/eu-west-1"),
    ("abc.lambda-url.us-east-1.localhost:4566", "POST /x", &[DDB], "FunctionUrl:abc+/us-east-1"),
    ("app.auth.eu-west-1.localhost", "GET /login", &[], "SignIn:app+/eu-west-1"),
    ("s3.localhost", "GET /b/k", &[], "s3"),
    ("b.s3.localhost:4566", "GET /k", &[BY_STS], "s3@b"),
    ("b.s3.eu-west-1.amazonaws.com", "GET /_nephos/health", &[], "s3@b/eu-west-1"),
    ("b.s3.localhost", "GET /2015-03-31/functions/", &[BY_LAMBDA], "s3@b"),
    ("my-bucket.localhost:4566", "GET /k", &[], "s3@my-bucket"),
    ("my-bucket.localhost:4566", "GET /k", &[BY_S3], "s3@my-bucket"),
    ("sqs.localhost:4566", "POST /", &[BY_SQS], "?sqs"),
    ("dynamodb.localhost", "POST /", &[DDB], "dynamodb"),
    ("dynamodb.eu-west-1.amazonaws.com", "POST /", &[DDB], "dynamodb/eu-west-1"),
    ("streams.dynamodb.eu-west-1.amazonaws.com", "POST /", &[], "dynamodbstreams/eu-west-1"),
    ("sts.amazonaws.com", "POST /", &[FORM], "sts"),
    ("sqs.us-east-1.amazonaws.com", "POST /", &[("x-amz-target", "AmazonSQS.SendMessage")], "?AmazonSQS"),
    // A user pool's documents, under the platform's name or the issuer's.
    (
        "localhost",
        "GET /us-east-1_Ab1/.well-known/jwks.json",
        &[],
        "UserPool:us-east-1_Ab1+/us-east-1_Ab1/us-east-1",
    ),
    (
        "cognito-idp.us-east-1.amazonaws.com",
        "GET /us-east-1_Ab1/.well-known/jwks.json",
        &[],
        "UserPool:us-east-1_Ab1+/us-east-1_Ab1/us-east-1",
    ),
    ("localhost", "GET /us-east-1_Ab1/other", &[], "s3"),
    // The platform's paths.
    ("localhost:4566", "GET /_nephos/health", &[], "health false"),
    ("127.0.0.1:4566", "GET /_localstack/health", &[], "health true"),
    ("localhost", "POST /_nephos/reset", &[], "Platform:+"),
    ("localhost", "GET /_website/site/a/b", &[], "Website:site+/_website/site"),
    ("localhost", "GET /_website/site", &[], "Website:site+/_website/site"),
    ("nephos", "POST /_function-url/abc/x?y", &[], "FunctionUrl:abc+/_function-url/abc"),
    ("localhost", "GET /_function-code/0/us-east-1/f/1/2/sig", &[], "FunctionCode:+/_function-code"),
    ("localhost", "GET /_auth/app/login", &[], "SignIn:app+/_auth/app"),
    ("localhost", "GET /_website/", &[], "s3"),
    // The target header, before the scope.
    ("localhost", "POST /", &[DDB], "dynamodb"),
    ("localhost", "POST /", &[DDB, BY_STS], "dynamodb"),
    ("localhost", "POST /", &[("x-amz-target", "DynamoDBStreams_20120810.ListStreams")], "dynamodbstreams"),
    ("localhost", "POST /", &[("x-amz-target", "Nobody.Op")], "?Nobody"),
    // The scope, in the header or the query string.
    ("localhost", "POST /", &[BY_STS, FORM], "sts"),
    ("localhost", "GET /2015-03-31/functions/", &[BY_S3], "s3"),
    ("localhost", "GET /bucket/key", &[BY_LAMBDA], "lambda"),
    ("localhost", "GET /bucket/key?X-Amz-Credential=A%2F20260101%2Fus-east-1%2Fs3%2Faws4_request", &[], "s3"),
    (
        "localhost",
        "GET /?Action=GetCallerIdentity&X-Amz-Credential=A/20260101/us-east-1/sts/aws4_request",
        &[],
        "sts",
    ),
    ("localhost", "POST /", &[BY_SQS], "?sqs"),
    // Unsigned forms.
    ("localhost", "POST /", &[FORM], "form"),
    ("localhost", "GET /?Action=AssumeRoleWithWebIdentity&Version=2011-06-15", &[], "form"),
    ("localhost", "POST /bucket", &[FORM], "s3"),
    // REST paths.
    ("localhost", "POST /2015-03-31/functions/f/invocations", &[], "lambda"),
    ("localhost", "GET /2018-10-31/layers", &[], "lambda"),
    // Browser uploads.
    ("localhost", "POST /bucket", &[MULTIPART], "Upload:bucket+/bucket"),
    ("localhost", "POST /bucket/", &[MULTIPART], "Upload:bucket+/bucket/"),
    ("b.s3.localhost", "POST /", &[MULTIPART], "Upload:b+"),
    ("my-bucket.localhost", "POST /", &[MULTIPART], "Upload:my-bucket+"),
    ("b.s3.localhost", "PUT /", &[MULTIPART], "s3@b"),
    ("abc.lambda-url.us-east-1.localhost", "POST /", &[MULTIPART], "FunctionUrl:abc+/us-east-1"),
    // What is left is S3's.
    ("localhost", "GET /", &[], "s3"),
    ("host.docker.internal:4566", "GET /bucket/key", &[], "s3"),
];

#[tokio::test]
async fn every_case_goes_its_way() {
    let gateway = builder(Config::default()).build().unwrap();
    for (host, request, headers, expected) in CASES {
        let (found, row) = way(&gateway, host, request, headers);
        assert_eq!(found, *expected, "{host} {request} by the row {row:?}");
    }
}

#[tokio::test]
async fn every_row_is_needed() {
    let gateway = builder(Config::default()).build().unwrap();
    let used: std::collections::HashSet<&str> =
        CASES.iter().map(|(host, request, headers, _)| way(&gateway, host, request, headers).1).collect();
    for (name, _) in TABLE {
        assert!(used.contains(name), "no case for the row {name:?}");
    }
}
