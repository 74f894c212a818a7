//! Real calls to the letter: what clients send and what AWS answers.

use bytes::Bytes;
use http::{HeaderMap, Method};
use nephos_core::{RequestId, Timestamp};
use nephos_wire::{
    Body, OperationShape, Protocol, ReadError, Request, ServiceModel, decode, encode, form, route,
};

use crate::real::{cloudformation, dynamodb, iam, lambda, s3};

/// The answer's status, headers and body.
fn answer<O: OperationShape>(model: &'static ServiceModel, output: &O::Output) -> (u16, HeaderMap, String) {
    let response = encode::answer(model, O::OPERATION, &RequestId::new(), output);
    let (parts, body) = response.into_parts();
    let body = match body {
        Body::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        _ => String::new(),
    };
    (parts.status.as_u16(), parts.headers, body)
}

fn sent<O: OperationShape>(
    model: &'static ServiceModel,
    target: (Method, &str),
    body: &str,
) -> Result<O::Input, ReadError> {
    let (path, query) = target.1.split_once('?').unwrap_or((target.1, ""));
    let (query, headers) = (form::parse(query), HeaderMap::new());
    let mut labels = Vec::new();
    if matches!(model.protocol, Protocol::RestJson | Protocol::RestXml) {
        let found = route::rest(model, &target.0, path, &query, &headers);
        let route::Found::Operation(operation, found) = found else { panic!("{found:?}") };
        assert_eq!(operation.name, O::OPERATION.name);
        labels = found;
    }
    let request =
        Request { method: target.0, path: path.to_owned(), query, headers, labels, body: Body::Empty };
    let mut input = O::Input::default();
    decode::read(model, O::OPERATION, &request, Bytes::copy_from_slice(body.as_bytes()), &mut input)?;
    Ok(input)
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_listing_reads_as_s3_writes_it() {
    let object = s3::Object {
        key: text("a&b/ü.txt"),
        last_modified: Some(Timestamp::from_secs(1_795_350_896)),
        etag: text("\"d41d8cd98f00b204e9800998ecf8427e\""),
        checksum_algorithm: Some(vec!["CRC64NVME".to_owned()]),
        size: Some(7),
        storage_class: text("STANDARD"),
        ..s3::Object::default()
    };
    let prefix = s3::CommonPrefix { prefix: text("photos/") };
    let output = s3::ListObjectsV2Output {
        is_truncated: Some(false),
        contents: Some(vec![object]),
        name: text("bucket"),
        prefix: text(""),
        delimiter: text("/"),
        max_keys: Some(1000),
        common_prefixes: Some(vec![prefix.clone(), prefix]),
        key_count: Some(3),
        ..s3::ListObjectsV2Output::default()
    };
    let (status, headers, body) = answer::<s3::op::ListObjectsV2>(&s3::MODEL, &output);
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "application/xml"));
    let contents = "<Contents><Key>a&amp;b/ü.txt</Key><LastModified>2026-11-22T12:34:56.000Z</LastModified>\
        <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>\
        <Size>7</Size><StorageClass>STANDARD</StorageClass></Contents>";
    let prefix = "<CommonPrefixes><Prefix>photos/</Prefix></CommonPrefixes>";
    let expected = format!(
        "{HEAD}<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsTruncated>false</IsTruncated>\
         {contents}<Name>bucket</Name><Prefix></Prefix><Delimiter>/</Delimiter><MaxKeys>1000</MaxKeys>{prefix}{prefix}\
         <KeyCount>3</KeyCount></ListBucketResult>"
    );
    assert_eq!(body, expected);
}

#[test]
fn a_grantee_says_its_type_in_an_attribute() {
    let grantee =
        s3::Grantee { id: text("75aa57f0"), r#type: text("CanonicalUser"), ..s3::Grantee::default() };
    let grant = s3::Grant { grantee: Some(grantee), permission: text("FULL_CONTROL") };
    let output = s3::GetBucketAclOutput { owner: None, grants: Some(vec![grant]) };
    let (_, _, body) = answer::<s3::op::GetBucketAcl>(&s3::MODEL, &output);
    let expected = "<AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><AccessControlList><Grant>\
        <Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>75aa57f0</ID>\
        </Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>";
    assert_eq!(body, format!("{HEAD}{expected}"));
}

#[test]
fn a_bucket_s_location_is_the_root_element() {
    let at = |constraint| {
        let output = s3::GetBucketLocationOutput { location_constraint: constraint };
        answer::<s3::op::GetBucketLocation>(&s3::MODEL, &output).2
    };
    let namespace = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
    assert_eq!(
        at(text("eu-west-1")),
        format!("{HEAD}<LocationConstraint {namespace}>eu-west-1</LocationConstraint>")
    );
    assert_eq!(at(None), format!("{HEAD}<LocationConstraint {namespace}></LocationConstraint>"));
}

#[test]
fn objects_to_delete_are_read_however_xml_says_them() {
    let target = || (Method::POST, "/bucket?delete");
    let plain = "<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key><VersionId>v</VersionId></Object>\
        <Quiet>true</Quiet></Delete>";
    let prefixed = "<?xml version=\"1.0\"?><!-- two --><s3:Delete xmlns:s3=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
        <s3:Quiet> true </s3:Quiet><s3:Object>\n<s3:Key><![CDATA[a&b]]></s3:Key><s3:Unknown/></s3:Object>\
        <s3:Object><s3:VersionId>v</s3:VersionId><s3:Key>&#99;</s3:Key></s3:Object></s3:Delete>";
    for body in [plain, prefixed] {
        let input = sent::<s3::op::DeleteObjects>(&s3::MODEL, target(), body).unwrap();
        let delete = input.delete.unwrap();
        let objects = delete.objects.unwrap();
        assert_eq!((input.bucket, delete.quiet), (text("bucket"), Some(true)));
        assert_eq!((objects[0].key.as_deref(), objects[1].key.as_deref()), (Some("a&b"), Some("c")));
        assert_eq!(objects[1].version_id.as_deref(), Some("v"));
    }
    for bad in ["<Remove/>", "<Delete>", "{}", "<!DOCTYPE Delete [<!ENTITY a 'b'>]><Delete>&a;</Delete>"] {
        let error = sent::<s3::op::DeleteObjects>(&s3::MODEL, target(), bad).unwrap_err();
        assert_eq!(s3::MODEL.unreadable(error).code, "MalformedXML", "{bad}");
    }
    assert_eq!(sent::<s3::op::DeleteObjects>(&s3::MODEL, target(), "").unwrap().delete, None);
}

#[test]
fn a_role_is_created_by_form_and_answered_in_xml() {
    let body = "Action=CreateRole&Version=2010-05-08&RoleName=a&AssumeRolePolicyDocument=%7B%22a%22%3A+1%7D\
        &Tags.member.2.Key=second&Tags.member.2.Value=&Tags.member.10.Key=tenth&Tags.member.1.Key=first\
        &MaxSessionDuration=%2B3600";
    let input = sent::<iam::op::CreateRole>(&iam::MODEL, (Method::POST, "/"), body).unwrap();
    assert_eq!(input.assume_role_policy_document.as_deref(), Some("{\"a\": 1}"));
    assert_eq!(input.max_session_duration, Some(3600));
    let keys: Vec<_> = input.tags.unwrap().into_iter().map(|tag| tag.key.unwrap()).collect();
    assert_eq!(keys, ["first", "second", "tenth"]);
    let role = iam::Role {
        path: text("/"),
        role_name: text("a"),
        create_date: Some(Timestamp::from_secs(1_795_350_896)),
        ..iam::Role::default()
    };
    let output = iam::CreateRoleResponse { role: Some(role) };
    let (status, headers, body) = answer::<iam::op::CreateRole>(&iam::MODEL, &output);
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "text/xml"));
    let expected = "<CreateRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><CreateRoleResult><Role>\
        <Path>/</Path><RoleName>a</RoleName><CreateDate>2026-11-22T12:34:56Z</CreateDate></Role></CreateRoleResult>\
        <ResponseMetadata><RequestId>";
    assert!(body.starts_with(&format!("{HEAD}{expected}")), "{body}");
}

#[test]
fn a_number_in_a_form_must_be_one() {
    let sent = |duration: &str| {
        let body = format!("Action=CreateRole&MaxSessionDuration={duration}");
        let error = sent::<iam::op::CreateRole>(&iam::MODEL, (Method::POST, "/"), &body).unwrap_err();
        iam::MODEL.unreadable(error)
    };
    for bad in ["", "abc", "900.0", "2147483648", "9e3"] {
        assert_eq!(sent(bad).code, "MalformedInput", "{bad}");
    }
    assert_eq!(sent("").message, "missing value for decimal type");
}

#[test]
fn empty_lists_of_forms_are_there() {
    let output = iam::ListUsersResponse { users: Some(vec![]), is_truncated: Some(false), marker: None };
    let (_, _, body) = answer::<iam::op::ListUsers>(&iam::MODEL, &output);
    assert!(
        body.contains("<ListUsersResult><Users></Users><IsTruncated>false</IsTruncated></ListUsersResult>")
    );
}

#[test]
fn a_change_set_is_created_by_form() {
    let body = "Action=CreateChangeSet&Version=2010-05-15&StackName=notes&ChangeSetName=first&TemplateBody=a%3A+b%0A\
        &Parameters.member.1.ParameterKey=Name&Parameters.member.1.ParameterValue=x+y\
        &Parameters.member.2.ParameterKey=Old&Parameters.member.2.UsePreviousValue=true\
        &Capabilities.member.1=CAPABILITY_IAM&NotificationARNs=";
    let input =
        sent::<cloudformation::op::CreateChangeSet>(&cloudformation::MODEL, (Method::POST, "/"), body)
            .unwrap();
    let parameters = input.parameters.unwrap();
    assert_eq!(parameters[0].parameter_value.as_deref(), Some("x y"));
    assert_eq!(parameters[1].use_previous_value, Some(true));
    assert_eq!(input.template_body.as_deref(), Some("a: b\n"));
    assert_eq!(
        (input.capabilities, input.notification_arns),
        (Some(vec!["CAPABILITY_IAM".into()]), Some(vec![]))
    );
}

#[test]
fn an_item_is_put_and_its_capacity_answered() {
    let body = r#"{"TableName":"notes","Item":{"id":{"S":"1"},"bytes":{"B":"AAECAw=="},"set":{"NS":["1","2"]},
        "deep":{"M":{"list":{"L":[{"BOOL":true},{"NULL":true}]}}}},"ReturnConsumedCapacity":"TOTAL","New":[{}]}"#;
    let input = sent::<dynamodb::op::PutItem>(&dynamodb::MODEL, (Method::POST, "/"), body).unwrap();
    let item = input.item.unwrap();
    assert_eq!(item["bytes"].b.as_deref(), Some([0, 1, 2, 3].as_slice()));
    let list = item["deep"].m.as_ref().unwrap()["list"].l.as_ref().unwrap();
    assert_eq!((list[0].bool, list[1].null), (Some(true), Some(true)));
    let capacity = dynamodb::ConsumedCapacity {
        table_name: text("notes"),
        capacity_units: Some(1.0),
        ..dynamodb::ConsumedCapacity::default()
    };
    let output = dynamodb::PutItemOutput { consumed_capacity: Some(capacity), ..Default::default() };
    let (_, headers, body) = answer::<dynamodb::op::PutItem>(&dynamodb::MODEL, &output);
    assert_eq!(body, r#"{"ConsumedCapacity":{"TableName":"notes","CapacityUnits":1.0}}"#);
    assert_eq!(headers["content-type"], "application/x-amz-json-1.0");
}

#[test]
fn a_function_is_created_and_invoked() {
    let body = r#"{"FunctionName":"f","Runtime":"python3.11","Code":{"ZipFile":"UEsFBg=="},"Timeout":3,
        "Environment":{"Variables":{"A":"1","null":null}},"Architectures":["arm64"],"Tags":{}}"#;
    let target = (Method::POST, "/2015-03-31/functions");
    let input = sent::<lambda::op::CreateFunction>(&lambda::MODEL, target, body).unwrap();
    assert_eq!(input.code.unwrap().zip_file.as_deref(), Some(b"PK\x05\x06".as_slice()));
    let variables = input.environment.unwrap().variables.unwrap();
    assert_eq!(variables.into_iter().collect::<Vec<_>>(), [("A".to_owned(), "1".to_owned())]);
    assert_eq!(input.tags.map(|tags| tags.len()), Some(0));

    let target = (Method::POST, "/2015-03-31/functions/arn%3Aaws%3Alambda%3Af/invocations?Qualifier=live");
    let input = sent::<lambda::op::Invoke>(&lambda::MODEL, target, "any bytes").unwrap();
    assert_eq!(input.function_name.as_deref(), Some("arn:aws:lambda:f"));
    assert_eq!(
        (input.payload.as_deref(), input.qualifier.as_deref()),
        (Some(b"any bytes".as_slice()), Some("live"))
    );
    let output = lambda::InvocationResponse {
        status_code: Some(202),
        function_error: text("Unhandled"),
        executed_version: text("$LATEST"),
        ..lambda::InvocationResponse::default()
    };
    let (status, headers, body) = answer::<lambda::op::Invoke>(&lambda::MODEL, &output);
    assert_eq!((status, body.as_str()), (202, ""));
    assert_eq!(headers["x-amz-function-error"], "Unhandled");
    assert!(!headers.contains_key("content-type"));
}
