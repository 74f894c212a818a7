//! The template of the notes application, from its text to the order of its resources.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

use nephos_cloudformation::template::{Template, check, order};
use nephos_cloudformation::{resources, sam};
use serde_json::{Value, json};

fn packaged() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/notes/template.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    // What packaging does with local code.
    text.replace("CodeUri: functions/", "CodeUri: s3://artifacts/")
}

fn transformed() -> Template {
    sam::transform(Template::parse(&packaged()).unwrap()).unwrap()
}

#[test]
fn every_type_and_property_of_the_application_is_handled() {
    let template = transformed();
    check::structure(&template).unwrap();
    assert_eq!(check::unknown_property(&template), None);
}

#[test]
fn serverless_functions_become_plain_ones_with_roles_and_permissions() {
    let template = transformed();
    let function = &template.resources["CreateNote"];
    assert_eq!(function.kind, "AWS::Lambda::Function");
    assert_eq!(function.properties["Code"], json!({ "S3Bucket": "artifacts", "S3Key": "create" }));
    assert_eq!(function.properties["Timeout"], 10);
    assert_eq!(
        function.properties["Environment"]["Variables"]["NOTES_TABLE"],
        json!({ "Ref": "NotesTable" })
    );
    let role = &template.resources["CreateNoteRole"].properties;
    assert_eq!(role["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"], "dynamodb:PutItem");
    assert_eq!(template.resources["PreviewNoteUrl"].properties["AuthType"], "AWS_IAM");
    let bucket = &template.resources["AttachmentsBucket"];
    assert_eq!(bucket.depends_on, ["IndexAttachmentUploadedPermission"]);
    let notification = &bucket.properties["NotificationConfiguration"]["LambdaConfigurations"][0];
    assert_eq!(notification["Event"], "s3:ObjectCreated:*");
}

#[test]
fn resources_are_made_after_what_they_need() {
    let order = order::creation_order(&transformed()).unwrap();
    let at = |name: &str| order.iter().position(|other| other == name).unwrap();
    assert!(at("NotesTable") < at("CreateNote") && at("CreateNoteRole") < at("CreateNote"));
    assert!(at("IndexAttachmentUploadedPermission") < at("AttachmentsBucket"));
    assert!(at("SignedInRole") < at("IdentityPoolRoles"));
}

/// Each change to the template, and what it must be told.
#[test]
fn what_is_not_handled_is_refused_by_name() {
    for (from, to, told) in [
        (
            "Type: AWS::Cognito::UserPool\n",
            "Type: AWS::Cognito::UserPoolDomain\n",
            "AWS::Cognito::UserPoolDomain",
        ),
        ("Timeout: 3\n", "DurableConfig: 3\n", "DurableConfig"),
        ("Type: S3\n", "Type: SQS\n", "SQS"),
        ("!Ref NotesTable\n", "!Ref NoTable\n", "NoTable"),
        ("!GetAtt NotesTable.Arn\n", "!GetAtt NotesTable.StreamArn\n", "StreamArn"),
        ("AWS::Serverless-2016-10-31", "AWS::LanguageExtensions", "AWS::LanguageExtensions"),
        ("Outputs:\n", "Hooks:\n", "Hooks"),
    ] {
        let text = packaged().replacen(from, to, 1);
        assert_ne!(text, packaged(), "{from}");
        let error = Template::parse(&text).and_then(sam::transform).and_then(|t| check::structure(&t));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn an_unknown_property_is_found_with_its_place() {
    let text = packaged().replacen("IndexDocument: index.html", "IndexPage: index.html", 1);
    let template = sam::transform(Template::parse(&text).unwrap()).unwrap();
    let told = check::unknown_property(&template).unwrap();
    assert!(
        told.contains("WebsiteBucket")
            && told.contains("#/WebsiteConfiguration")
            && told.contains("[IndexPage]"),
        "{told}"
    );
}

#[test]
fn circles_are_found() {
    let text = "Resources:\n  A: { Type: 'AWS::Logs::LogGroup', DependsOn: B }\n  B: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: !Ref A } }\n";
    let error = check::structure(&Template::parse(text).unwrap()).unwrap_err().to_string();
    assert_eq!(error, "Circular dependency between resources: [A, B]");
}

#[test]
fn every_type_names_its_replacing_properties_in_its_grammar() {
    for name in resources::all() {
        let kind = resources::find(name).unwrap();
        for property in kind.replacing() {
            assert_eq!(kind.names().unknown(&json!({ (*property): Value::Null })), None, "{name} {property}");
        }
    }
}
