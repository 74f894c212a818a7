//! `AWS::Lambda::Function`, `AWS::Lambda::Permission` and `AWS::Lambda::Url`.

use nephos_core::{BoxFuture, Fault};
use nephos_lambda::shapes::{self, op};
use serde_json::{Value, json};

use super::{Call, Kind, Made, Making, gone, missing, shape, text};

/// A function.
pub struct Function;

/// What CreateFunction and UpdateFunctionConfiguration take under the same name.
const CONFIGURATION: &[&str] = &[
    "Description",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "Timeout",
];

impl Kind for Function {
    fn name(&self) -> &'static str {
        "AWS::Lambda::Function"
    }

    fn grammar(&self) -> &'static str {
        "Architectures, Code{S3Bucket, S3Key, S3ObjectVersion, ZipFile}, Description, Environment{Variables},
         EphemeralStorage{Size}, FunctionName, Handler, Layers,
         LoggingConfig{ApplicationLogLevel, LogFormat, LogGroup, SystemLogLevel}, MemorySize, PackageType,
         ReservedConcurrentExecutions, Role, Runtime, Tags[Key, Value], Timeout"
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn"]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["FunctionName", "PackageType"]
    }

    fn create<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let name = call.name("FunctionName", 64);
            let mut plain = json!({ "FunctionName": name, "Tags": tags(&call) });
            for property in CONFIGURATION.iter().chain(&["Architectures", "PackageType"]) {
                if let Some(value) = call.property(property) {
                    plain[*property] = value.clone();
                }
            }
            let mut input: shapes::CreateFunctionRequest = shape(&plain)?;
            input.code = Some(code(&call).await?);
            let output = call.invoke::<op::CreateFunction>(&call.services.lambda, input).await?;
            let made = Made::new(name.clone()).with("Arn", output.function_arn.unwrap_or_default());
            call.made_so_far(&made);
            concurrency(&call, &name).await?;
            Ok(made)
        })
    }

    fn update<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let name = call.physical_id();
            let lambda = &call.services.lambda;
            if call.changed("Code") || call.changed("Architectures") {
                let code = code(&call).await?;
                let input = shapes::UpdateFunctionCodeRequest {
                    function_name: Some(name.clone()),
                    zip_file: code.zip_file,
                    s3_bucket: code.s3_bucket,
                    s3_key: code.s3_key,
                    s3_object_version: code.s3_object_version,
                    architectures: call.property("Architectures").map(shape).transpose()?,
                    ..Default::default()
                };
                call.invoke::<op::UpdateFunctionCode>(lambda, input).await?;
            }
            if CONFIGURATION.iter().any(|property| call.changed(property)) {
                let mut plain = json!({ "FunctionName": name, "Environment": { "Variables": {} } });
                for property in CONFIGURATION {
                    if let Some(value) = call.property(property) {
                        plain[*property] = value.clone();
                    }
                }
                let input: shapes::UpdateFunctionConfigurationRequest = shape(&plain)?;
                call.invoke::<op::UpdateFunctionConfiguration>(lambda, input).await?;
            }
            concurrency(&call, &name).await?;
            retag(&call).await?;
            Ok(call.made.cloned().unwrap_or_default())
        })
    }

    fn delete<'a>(&self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let input = shapes::DeleteFunctionRequest {
                function_name: Some(call.physical_id()),
                ..Default::default()
            };
            gone(call.invoke::<op::DeleteFunction>(&call.services.lambda, input).await)
        })
    }
}

fn tags(call: &Call<'_>) -> Value {
    Value::Object(call.tags().into_iter().map(|(key, value)| (key, Value::String(value))).collect())
}

/// Sets the tags that the properties name; removes those that they named before.
async fn retag(call: &Call<'_>) -> Result<(), Fault> {
    if !call.changed("Tags") {
        return Ok(());
    }
    let arn = call.made.and_then(|made| made.attributes.get("Arn")).and_then(text);
    let (wanted, gone) = call.tag_changes("Tags");
    if !gone.is_empty() {
        let input = shapes::UntagResourceRequest { resource: arn.clone(), tag_keys: Some(gone) };
        call.invoke::<op::UntagResource>(&call.services.lambda, input).await?;
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let input = shapes::TagResourceRequest { resource: arn, tags: Some(wanted.into_iter().collect()) };
    call.invoke::<op::TagResource>(&call.services.lambda, input).await.map(drop)
}

async fn concurrency(call: &Call<'_>, name: &str) -> Result<(), Fault> {
    let property = "ReservedConcurrentExecutions";
    match call.property(property) {
        Some(reserved) if call.changed(property) => {
            let input = shapes::PutFunctionConcurrencyRequest {
                function_name: Some(name.to_owned()),
                reserved_concurrent_executions: Some(shape(reserved)?),
            };
            call.invoke::<op::PutFunctionConcurrency>(&call.services.lambda, input).await.map(drop)
        }
        None if call.made.is_some() && call.changed(property) => {
            let input = shapes::DeleteFunctionConcurrencyRequest { function_name: Some(name.to_owned()) };
            call.invoke::<op::DeleteFunctionConcurrency>(&call.services.lambda, input).await.map(drop)
        }
        _ => Ok(()),
    }
}

/// Code by place, or `ZipFile`: source text that becomes `index.py` or `index.js`.
async fn code(call: &Call<'_>) -> Result<shapes::FunctionCode, Fault> {
    let code = call.property("Code").ok_or_else(|| missing("Code"))?;
    let part = |name: &str| code.get(name).and_then(text);
    if let Some(source) = part("ZipFile") {
        let runtime = call.text("Runtime").unwrap_or_default();
        let file = if runtime.starts_with("python") { "index.py" } else { "index.js" };
        return Ok(shapes::FunctionCode { zip_file: Some(one_file(file, &source)?), ..Default::default() });
    }
    Ok(shapes::FunctionCode {
        s3_bucket: part("S3Bucket"),
        s3_key: part("S3Key"),
        s3_object_version: part("S3ObjectVersion"),
        ..Default::default()
    })
}

fn one_file(name: &str, source: &str) -> Result<bytes::Bytes, Fault> {
    use std::io::{Cursor, Write};
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let packed = zip
        .start_file(name, zip::write::SimpleFileOptions::default().unix_permissions(0o644))
        .and_then(|()| Ok(zip.write_all(source.as_bytes())?))
        .and_then(|()| zip.finish());
    packed.map(|zip| bytes::Bytes::from(zip.into_inner())).map_err(|error| {
        tracing::error!(%error, "inline code could not be packed");
        Fault::internal()
    })
}

/// A statement of a function's policy.
pub struct Permission;

impl Kind for Permission {
    fn name(&self) -> &'static str {
        "AWS::Lambda::Permission"
    }

    fn grammar(&self) -> &'static str {
        "Action, EventSourceToken, FunctionName, FunctionUrlAuthType, InvokedViaFunctionUrl, Principal, PrincipalOrgID,
         SourceAccount, SourceArn"
    }

    fn attributes(&self) -> &'static [&'static str] {
        &[]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &[
            "Action",
            "EventSourceToken",
            "FunctionName",
            "FunctionUrlAuthType",
            "InvokedViaFunctionUrl",
            "Principal",
            "PrincipalOrgID",
            "SourceAccount",
            "SourceArn",
        ]
    }

    fn create<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let id = call.name("", 100);
            let mut input: shapes::AddPermissionRequest = shape(call.properties)?;
            input.statement_id = Some(id.clone());
            call.invoke::<op::AddPermission>(&call.services.lambda, input).await?;
            Ok(Made::new(id))
        })
    }

    fn update<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move { Ok(call.made.cloned().unwrap_or_default()) })
    }

    fn delete<'a>(&self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let input = shapes::RemovePermissionRequest {
                function_name: call.text("FunctionName"),
                statement_id: Some(call.physical_id()),
                ..Default::default()
            };
            gone(call.invoke::<op::RemovePermission>(&call.services.lambda, input).await)
        })
    }
}

/// A function's URL.
pub struct Url;

impl Kind for Url {
    fn name(&self) -> &'static str {
        "AWS::Lambda::Url"
    }

    fn grammar(&self) -> &'static str {
        "AuthType, Cors{AllowCredentials, AllowHeaders, AllowMethods, AllowOrigins, ExposeHeaders, MaxAge}, InvokeMode,
         Qualifier, TargetFunctionArn"
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["FunctionArn", "FunctionUrl"]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["Qualifier", "TargetFunctionArn"]
    }

    fn create<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let input: shapes::CreateFunctionUrlConfigRequest = shape(&renamed(&call))?;
            let output = call.invoke::<op::CreateFunctionUrlConfig>(&call.services.lambda, input).await?;
            let (arn, url) =
                (output.function_arn.unwrap_or_default(), output.function_url.unwrap_or_default());
            Ok(Made::new(arn.clone()).with("FunctionArn", arn).with("FunctionUrl", url))
        })
    }

    fn update<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let input: shapes::UpdateFunctionUrlConfigRequest = shape(&renamed(&call))?;
            call.invoke::<op::UpdateFunctionUrlConfig>(&call.services.lambda, input).await?;
            Ok(call.made.cloned().unwrap_or_default())
        })
    }

    fn delete<'a>(&self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let input = shapes::DeleteFunctionUrlConfigRequest {
                function_name: call.text("TargetFunctionArn"),
                qualifier: call.text("Qualifier"),
            };
            gone(call.invoke::<op::DeleteFunctionUrlConfig>(&call.services.lambda, input).await)
        })
    }
}

/// The properties under the API's names.
fn renamed(call: &Call<'_>) -> Value {
    let mut plain = call.properties.clone();
    if let Value::Object(map) = &mut plain {
        let target = map.remove("TargetFunctionArn").unwrap_or_default();
        map.insert("FunctionName".to_owned(), target);
    }
    plain
}
