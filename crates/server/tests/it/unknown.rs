//! What is not there is said to be not there, in each protocol's own form, and counted.

use std::collections::BTreeMap;

use nephos_testkit::service::{CLOUDFORMATION, COGNITO_IDP, DYNAMODB, IAM, LAMBDA, LOGS, S3, STS};
use nephos_testkit::{Answer, Call, Client, Server, service};
use nephos_wire::{Absent, Protocol, ServiceModel};
use serde_json::json;

/// How often each operation that Nephos does not have was asked for, by service and name.
async fn counted(client: &Client) -> BTreeMap<String, u64> {
    let health = client.anonymous().send(Call::get("/_nephos/health")).await.ok().json();
    serde_json::from_value(health["unknown_operations"].clone()).unwrap()
}

/// The operations of the public models that Nephos does not have and that a request can name: one that looks to the
/// router like one that is there, such as S3's ListDirectoryBuckets, cannot.
fn absent(model: &'static ServiceModel) -> Vec<&'static Absent> {
    let rest = matches!(model.protocol, Protocol::RestJson | Protocol::RestXml);
    let taken = |absent: &&Absent| {
        model.operations.iter().any(|known| (known.method, known.uri) == (absent.method, absent.uri))
    };
    model.absent.iter().filter(|absent| !(rest && taken(absent))).collect()
}

/// `/{Bucket}/{Key+}?acl` with something for the labels.
fn filled(template: &str) -> String {
    let mut parts = template.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |path, part| {
        format!("{path}absent{}", part.split_once('}').map_or("", |(_, rest)| rest))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_operation_is_said_to_be_absent_and_counted() {
    let server = Server::start().await;
    let root = server.root();
    let mut asked = 0;
    for model in service::all() {
        for absent in absent(model) {
            let call = match model.protocol {
                Protocol::AwsJson10 | Protocol::AwsJson11 => Call::target(
                    &format!("{}.{}", model.target_prefix.unwrap_or_default(), absent.name),
                    "{}",
                ),
                Protocol::Query => {
                    Call::form(format!("Action={}&Version={}", absent.name, model.api_version))
                }
                Protocol::RestJson | Protocol::RestXml => Call::new(absent.method, &filled(absent.uri)),
            };
            let refused = root.signed(model.signing_name, call).await.refused(501, "NotImplemented");
            let is_named = |twin: &&Absent| {
                (twin.method, twin.uri) == (absent.method, absent.uri)
                    && refused.message() == format!("Nephos does not implement {}:{}.", model.name, twin.name)
            };
            assert!(model.absent.iter().any(|twin| is_named(&twin)), "{}: {}", absent.name, refused.shown());
            in_its_form(model, &refused);
            asked += 1;
        }
    }
    let counts = counted(&root).await;
    assert_eq!(counts.values().sum::<u64>(), asked, "{counts:?}");
    // Only so many are told one by one.
    for name in
        ["cloudformation:CreateStackSet", "cognito-idp:CreateUserPoolDomain", "dynamodb:ExecuteStatement"]
    {
        assert_eq!(counts.get(name), Some(&1), "{counts:?}");
    }
}

/// A fault is written as the service's own faults are.
fn in_its_form(model: &ServiceModel, fault: &Answer) {
    let shown = fault.shown();
    match model.protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => assert!(fault.json()["__type"].is_string(), "{shown}"),
        Protocol::RestJson => assert!(fault.json()["Type"].is_string(), "{shown}"),
        Protocol::Query => assert_eq!(fault.xml().name, "ErrorResponse", "{shown}"),
        Protocol::RestXml => assert_eq!(fault.xml().name, "Error", "{shown}"),
    }
    assert!(!fault.header("x-amzn-requestid").is_empty(), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_is_said_to_be_not_there() {
    let server = Server::start().await;
    let root = server.root();
    let queue = Call::target("AmazonSQS.SendMessage", "{}");
    root.signed("sqs", queue).await.refused(501, "NotImplemented").saying("AmazonSQS");
    let topic = Call::form("Action=Publish&Version=2010-03-31");
    root.signed("sns", topic).await.refused(501, "NotImplemented").saying("sns");
    let api = Call::get("/restapis");
    root.signed("apigateway", api).await.refused(501, "NotImplemented").saying("apigateway");
    assert!(counted(&root).await.keys().any(|name| name.contains("AmazonSQS")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonsense_operation_is_nobodys() {
    let server = Server::start().await;
    let root = server.root();
    for (service, target) in [
        ("dynamodb", "DynamoDB_20120810.Nonsense"),
        ("dynamodb", "DynamoDB_20120810."),
        ("cognito-idp", "AWSCognitoIdentityProviderService.Nonsense"),
        ("logs", "Logs_20140328.Nonsense"),
    ] {
        root.signed(service, Call::target(target, "{}")).await.refused(400, "UnknownOperationException");
    }
    for (model, action) in [(IAM, "Nonsense"), (STS, ""), (CLOUDFORMATION, "DescribeNonsense")] {
        let form = Call::form(format!("Action={action}&Version={}", model.api_version));
        let refused = root.signed(model.signing_name, form).await.refused(400, "InvalidAction");
        let text = format!("Could not find operation {action} for version {}", model.api_version);
        assert_eq!(refused.message(), text);
    }
    root.signed("iam", Call::form("Version=2010-05-08")).await.refused(400, "MissingAction");
    let old = Call::form("Action=ListUsers&Version=1999-01-01");
    root.signed("iam", old).await.refused(400, "InvalidAction");
    let nowhere = root.signed("lambda", Call::get("/2015-03-31/nonsense")).await;
    nowhere.refused(404, "UnknownOperationException");
    let method = root.signed("s3", Call::new("PATCH", "/bucket/key")).await;
    method.refused(405, "MethodNotAllowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_read_is_refused_in_the_services_words() {
    let server = Server::start().await;
    let root = server.root();
    for (model, operation) in
        [(DYNAMODB, "ListTables"), (COGNITO_IDP, "ListUserPools"), (LOGS, "DescribeLogGroups")]
    {
        let target = format!("{}.{operation}", model.target_prefix.unwrap_or_default());
        for body in ["{", "[]", "nonsense", "{\"Limit\":", "\u{0}"] {
            root.signed(model.signing_name, Call::target(&target, body))
                .await
                .refused(400, "SerializationException");
        }
    }
    let wrong = json!({ "TableName": 7 }).to_string();
    let wrong = root.signed("dynamodb", Call::target("DynamoDB_20120810.DescribeTable", wrong)).await;
    wrong.refused(400, "SerializationException").saying("NUMBER_VALUE cannot be converted to String");

    let create = |body: &str| Call::new("POST", "/2015-03-31/functions").body(body.to_owned());
    for body in ["{", "nonsense", "[1]"] {
        let refused = root.signed("lambda", create(body)).await;
        refused
            .refused(400, "InvalidRequestContentException")
            .saying("Could not parse request body into json");
    }
    root.bucket("files").await;
    for body in [
        "<Tagging>",
        "nonsense",
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><Tagging>&e;</Tagging>",
    ] {
        let call = Call::put("/files?tagging", body.to_owned());
        root.signed("s3", call).await.refused(400, "MalformedXML");
    }
    let number = Call::form("Action=ListUsers&Version=2010-05-08&MaxItems=many");
    root.signed("iam", number).await.refused(400, "MalformedInput");
    let flag = Call::form("Action=CreateStack&Version=2010-05-15&StackName=a&DisableRollback=perhaps");
    root.signed("cloudformation", flag).await.refused(400, "MalformedInput");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_model_forbids_is_told_in_one_text() {
    let server = Server::start().await;
    let root = server.root();
    let refused = root.call(DYNAMODB, "DescribeTable", json!({})).await;
    refused.refused(400, "ValidationException").saying("tableName");
    let refused = root.call(COGNITO_IDP, "DescribeUserPool", json!({ "UserPoolId": "x" })).await;
    refused
        .refused(400, "InvalidParameterException")
        .saying("1 validation error detected: Value 'x' at 'userPoolId'");
    let refused =
        root.call(IAM, "CreateUser", json!({ "UserName": "a b" })).await.refused(400, "ValidationError");
    refused.saying("userName");
    let refused = root.call(LOGS, "CreateLogGroup", json!({ "logGroupName": "a b" })).await;
    refused
        .refused(400, "InvalidParameterException")
        .saying("1 validation error detected: Value 'a b' at 'logGroupName'");
    let refused = root.call(LAMBDA, "GetFunction", json!({ "FunctionName": "a b" })).await;
    refused
        .refused(400, "ValidationException")
        .saying("1 validation error detected: Value 'a b' at 'functionName'");
    let refused = root.call(S3, "CreateBucket", json!({ "Bucket": "A_B" })).await;
    refused.refused(400, "InvalidBucketName");
}
