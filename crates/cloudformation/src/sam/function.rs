//! `AWS::Serverless::Function`: a function, its role, its URL and the permissions of its events.

use serde_json::{Map, Value, json};

use super::events::Notifications;
use super::globals::Globals;
use super::{invalid, policies};
use crate::error::Error;
use crate::template::Resource;

/// What goes to `AWS::Lambda::Function` under the same name.
const CARRIED: &[&str] = &[
    "Architectures",
    "Description",
    "Environment",
    "EphemeralStorage",
    "FunctionName",
    "Handler",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "PackageType",
    "ReservedConcurrentExecutions",
    "Role",
    "Runtime",
    "Timeout",
];

/// What is handled here.
const OWN: &[&str] = &[
    "AssumeRolePolicyDocument",
    "CodeUri",
    "Events",
    "FunctionUrlConfig",
    "InlineCode",
    "Policies",
    "Tags",
    "Tracing",
];

/// A function being expanded.
pub struct Function<'a> {
    name: &'a str,
    resource: Resource,
    properties: Map<String, Value>,
}

impl<'a> Function<'a> {
    /// Reads a function's properties, merged with the defaults.
    pub fn new(name: &'a str, resource: Resource, globals: &Globals) -> Result<Self, Error> {
        let Value::Object(properties) = globals.function(&resource.properties) else {
            return Err(invalid(name, "Properties must be a map"));
        };
        let known = |key: &String| CARRIED.contains(&key.as_str()) || OWN.contains(&key.as_str());
        if let Some(unknown) = properties.keys().find(|key| !known(key)) {
            return Err(invalid(
                name,
                &format!("property {unknown} not handled for resource of type AWS::Serverless::Function"),
            ));
        }
        Ok(Function { name, resource, properties })
    }

    /// The plain resources that the function stands for.
    pub fn expand(&mut self, notifications: &mut Notifications) -> Result<Vec<(String, Resource)>, Error> {
        let mut made = Vec::new();
        if !self.properties.contains_key("Role") {
            made.push(self.role()?);
        }
        made.push((self.name.to_owned(), self.function()?));
        if let Some(config) = self.properties.get("FunctionUrlConfig") {
            made.extend(self.url(config)?);
        }
        if let Some(Value::Object(events)) = self.properties.get("Events") {
            for (event, definition) in events {
                made.push(notifications.add(self.name, event, definition)?);
            }
        }
        Ok(made)
    }

    fn plain(&self, kind: &str, properties: Value) -> Resource {
        Resource {
            kind: kind.to_owned(),
            properties,
            condition: self.resource.condition.clone(),
            deletion_policy: self.resource.deletion_policy,
            update_replace_policy: self.resource.update_replace_policy,
            ..Resource::default()
        }
    }

    fn function(&self) -> Result<Resource, Error> {
        let mut properties = Map::new();
        for (key, value) in &self.properties {
            if CARRIED.contains(&key.as_str()) {
                properties.insert(key.clone(), value.clone());
            }
        }
        properties
            .entry("Role")
            .or_insert_with(|| json!({ "Fn::GetAtt": [format!("{}Role", self.name), "Arn"] }));
        properties.insert("Code".to_owned(), self.code()?);
        let mut tags = vec![json!({ "Key": "lambda:createdBy", "Value": "SAM" })];
        if let Some(Value::Object(own)) = self.properties.get("Tags") {
            tags.extend(own.iter().map(|(key, value)| json!({ "Key": key, "Value": value })));
        }
        properties.insert("Tags".to_owned(), Value::Array(tags));
        if let Some(mode) =
            self.properties.get("Tracing").filter(|mode| *mode != "PassThrough" && *mode != "Disabled")
        {
            return Err(invalid(
                self.name,
                &format!("Tracing {mode} is not handled; Nephos keeps no traces"),
            ));
        }
        let mut function = self.plain("AWS::Lambda::Function", Value::Object(properties));
        function.depends_on = self.resource.depends_on.clone();
        Ok(function)
    }

    fn code(&self) -> Result<Value, Error> {
        if let Some(code) = self.properties.get("InlineCode") {
            return Ok(json!({ "ZipFile": code }));
        }
        match self.properties.get("CodeUri") {
            Some(Value::String(uri)) => {
                let object = uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
                let (bucket, key) = object.ok_or_else(|| {
                    invalid(self.name, "'CodeUri' is not a valid S3 Uri of the form 's3://bucket/key' with optional versionId query parameter.")
                })?;
                Ok(json!({ "S3Bucket": bucket, "S3Key": key }))
            }
            Some(Value::Object(place)) => {
                let part = |name: &str| place.get(name).cloned();
                let mut code = Map::new();
                for (own, plain) in [("Bucket", "S3Bucket"), ("Key", "S3Key"), ("Version", "S3ObjectVersion")]
                {
                    code.extend(part(own).map(|value| (plain.to_owned(), value)));
                }
                Ok(Value::Object(code))
            }
            _ => Err(invalid(self.name, "'InlineCode' or 'CodeUri' is required")),
        }
    }

    fn role(&self) -> Result<(String, Resource), Error> {
        let (managed, inline) = policies::expand(self.name, self.properties.get("Policies"))?;
        let trust = self.properties.get("AssumeRolePolicyDocument").cloned().unwrap_or_else(|| {
            json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": { "Service": ["lambda.amazonaws.com"] },
                }],
            })
        });
        let mut properties = json!({
            "AssumeRolePolicyDocument": trust,
            "ManagedPolicyArns": managed,
            "Tags": [{ "Key": "lambda:createdBy", "Value": "SAM" }],
        });
        if !inline.is_empty() {
            properties["Policies"] = Value::Array(inline);
        }
        Ok((format!("{}Role", self.name), self.plain("AWS::IAM::Role", properties)))
    }

    fn url(&self, config: &Value) -> Result<Vec<(String, Resource)>, Error> {
        let known = ["AuthType", "Cors", "InvokeMode"];
        let Value::Object(config) = config else {
            return Err(invalid(self.name, "FunctionUrlConfig must be a map"));
        };
        if let Some(unknown) = config.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(invalid(
                self.name,
                &format!("property {unknown} of FunctionUrlConfig is not handled"),
            ));
        }
        let function = json!({ "Ref": self.name });
        let mut properties = config.clone();
        properties.insert("TargetFunctionArn".to_owned(), function.clone());
        let url = (format!("{}Url", self.name), self.plain("AWS::Lambda::Url", Value::Object(properties)));
        if config.get("AuthType").and_then(Value::as_str) != Some("NONE") {
            return Ok(vec![url]);
        }
        let permission = |action: &str| json!({ "Action": action, "FunctionName": function, "Principal": "*", "FunctionUrlAuthType": "NONE" });
        let mut invoke = permission("lambda:InvokeFunction");
        invoke["InvokedViaFunctionUrl"] = json!(true);
        if let Some(map) = invoke.as_object_mut() {
            map.remove("FunctionUrlAuthType");
        }
        let kind = "AWS::Lambda::Permission";
        Ok(vec![
            url,
            (
                format!("{}UrlPublicPermissions", self.name),
                self.plain(kind, permission("lambda:InvokeFunctionUrl")),
            ),
            (format!("{}URLInvokeAllowPublicAccess", self.name), self.plain(kind, invoke)),
        ])
    }
}
