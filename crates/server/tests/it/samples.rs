//! The least input that an operation's model takes: its required members, with values that its constraints let pass.

use nephos_testkit::Call;
use nephos_testkit::encode::encode;
use nephos_wire::schema::{Kind, Operation, Structure, Type};
use nephos_wire::{Protocol, ServiceModel};
use serde_json::{Map, Value, json};

/// The bucket that S3's operations are about.
pub const BUCKET: &str = "coverage";

/// The call.
pub fn of(model: &'static ServiceModel, operation: &Operation) -> Call {
    let mut input = structure(model, operation.input);
    for (name, value) in besides(operation.name) {
        input.insert(name.to_owned(), value);
    }
    let call = encode(model, operation.name, &Value::Object(input));
    match operation.name {
        // The checksum of the document, which S3 wants before anything else.
        "DeleteObjects" => call.header("content-md5", "+5aJ0fE0eq1qzfAS+X6CHg=="),
        _ => call,
    }
}

/// What the models do not say is required.
fn besides(operation: &str) -> Vec<(&'static str, Value)> {
    let key = json!({ "k": { "S": "x" } });
    match operation {
        "DescribeLogStreams" | "FilterLogEvents" | "GetLogEvents" => vec![("logGroupName", json!("/absent"))],
        "TransactWriteItems" => {
            vec![("TransactItems", json!([{ "Delete": { "TableName": "absent", "Key": key } }]))]
        }
        _ => vec![],
    }
}

fn structure(model: &ServiceModel, schema: &Structure) -> Map<String, Value> {
    let required = schema.members.iter().filter(|member| member.required);
    required.map(|member| (member.name.to_owned(), value(model, member.name, member.ty))).collect()
}

fn value(model: &ServiceModel, name: &str, ty: &Type) -> Value {
    match &ty.kind {
        Kind::String => Value::from(text(model, name, ty)),
        Kind::Boolean => Value::from(false),
        Kind::Integer | Kind::Double => Value::from(ty.rules.min.unwrap_or(1).max(1)),
        Kind::Blob => Value::from("e30="),
        Kind::Timestamp(_) => Value::from(1_700_000_000),
        Kind::Structure(schema) => Value::Object(structure(model, schema)),
        Kind::List { member, .. } => {
            let count = ty.rules.min.unwrap_or(1).max(1);
            (0..count).map(|_| value(model, name, member)).collect()
        }
        Kind::Map { key, value: of, .. } => {
            let mut map = Map::new();
            map.insert(text(model, "key", key), value(model, name, of));
            Value::Object(map)
        }
        Kind::Custom => match ty.name {
            "AttributeValue" => json!({ "S": "x" }),
            "Key" | "AttributeMap" | "PutItemInputAttributeMap" => json!({ "k": { "S": "x" } }),
            _ => Value::from("absent"),
        },
    }
}

/// A text for a member: by its name where that says what it is, else whatever its constraints let pass.
fn text(model: &ServiceModel, name: &str, ty: &Type) -> String {
    if let Some(first) = ty.rules.values.first() {
        return (*first).to_owned();
    }
    let resource = match model.name {
        "cognito-idp" => "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_AbCdEfGhI",
        "cognito-identity" => {
            "arn:aws:cognito-identity:us-east-1:000000000000:identitypool/us-east-1:00000000-0000-4000-8000-000000000000"
        }
        "dynamodb" => "arn:aws:dynamodb:us-east-1:000000000000:table/absent",
        "lambda" => "arn:aws:lambda:us-east-1:000000000000:function:absent",
        "logs" => "arn:aws:logs:us-east-1:000000000000:log-group:/absent",
        _ => "arn:aws:iam::000000000000:policy/absent",
    };
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    let role = "arn:aws:iam::000000000000:role/absent";
    let by_name = match name {
        "Bucket" => BUCKET,
        "CopySource" => "coverage/key",
        "key" if ty.name == "RoleType" => "authenticated",
        "Role" | "Roles" | "RoleArn" if model.name != "iam" => role,
        name if name.ends_with("Document") => policy,
        "Policy" => policy,
        name if name.to_ascii_lowercase().ends_with("arn") || name == "Resource" => resource,
        _ => "",
    };
    let long = "x".repeat(usize::try_from(ty.rules.min.unwrap_or(1)).unwrap_or(1));
    let candidates = [
        by_name,
        "absent",
        "Absent1",
        "us-east-1_AbCdEfGhI",
        "us-east-1:00000000-0000-4000-8000-000000000000",
        "00000000-0000-4000-8000-000000000000",
        "AKIAABSENTABSENT0000",
        "123456",
        "v1",
        "lambda:InvokeFunction",
        "1",
        resource,
        role,
        &long,
    ];
    let passes = |text: &&&str| {
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        let fits =
            ty.rules.min.is_none_or(|min| length >= min) && ty.rules.max.is_none_or(|max| length <= max);
        !text.is_empty() && fits && ty.rules.pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
    };
    let found = candidates.iter().find(passes);
    let why = || panic!("{} {name} ({}): no sample passes {:?}", model.name, ty.name, ty.rules);
    let is_hand_written = matches!(model.protocol, Protocol::RestXml);
    (*found.unwrap_or_else(|| if is_hand_written { &"absent" } else { why() })).to_owned()
}
