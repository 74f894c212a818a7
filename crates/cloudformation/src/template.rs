//! Templates: read from JSON or YAML, checked as a whole, resolved value by value.

pub mod check;
pub mod intrinsics;
pub mod names;
pub mod order;
pub mod parameter;
pub mod read;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::Error;

/// A parsed template, its transforms not yet carried out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Template {
    /// `Description`.
    pub description: Option<String>,
    /// `Transform`, always as a list.
    pub transforms: Vec<String>,
    /// `Metadata`.
    pub metadata: Value,
    /// `Globals`, which only SAM has.
    pub globals: Value,
    /// `Parameters`.
    pub parameters: BTreeMap<String, Value>,
    /// `Mappings`.
    pub mappings: Value,
    /// `Conditions`.
    pub conditions: BTreeMap<String, Value>,
    /// `Resources`.
    pub resources: BTreeMap<String, Resource>,
    /// `Outputs`.
    pub outputs: BTreeMap<String, Value>,
}

/// One resource of a template.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    /// `Type`.
    pub kind: String,
    /// `Properties`, unresolved.
    pub properties: Value,
    /// `DependsOn`, always as a list.
    pub depends_on: Vec<String>,
    /// `Condition`.
    pub condition: Option<String>,
    /// `DeletionPolicy`.
    pub deletion_policy: Policy,
    /// `UpdateReplacePolicy`.
    pub update_replace_policy: Policy,
    /// `Metadata`.
    pub metadata: Value,
}

/// What happens to a resource that its stack no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// It is deleted.
    #[default]
    Delete,
    /// It is kept.
    Retain,
    /// It is kept, unless the deployment that made it fails.
    RetainExceptOnCreate,
}

/// How many resources a template may have.
const MAX_RESOURCES: usize = 500;
/// How many parameters a template may have.
const MAX_PARAMETERS: usize = 200;
/// How many outputs a template may have.
const MAX_OUTPUTS: usize = 200;

const SECTIONS: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
];

impl Template {
    /// Reads a template's text.
    pub fn parse(text: &str) -> Result<Template, Error> {
        Template::from_value(&read::parse(text)?)
    }

    fn from_value(value: &Value) -> Result<Template, Error> {
        let Value::Object(top) = value else {
            return Err(Error::template("Template format error: unsupported structure."));
        };
        if let Some(section) = top.keys().find(|key| !SECTIONS.contains(&key.as_str())) {
            return Err(Error::template(format!("Invalid template property or properties [{section}]")));
        }
        if top.contains_key("Rules") {
            return Err(Error::template("Template format error: Nephos does not evaluate the Rules section"));
        }
        let resources = section(top, "Resources")?;
        if resources.is_empty() {
            return Err(Error::template(
                "Template format error: At least one Resources member must be defined.",
            ));
        }
        at_most("resources", resources.len(), MAX_RESOURCES)?;
        let parameters = section(top, "Parameters")?;
        at_most("parameters", parameters.len(), MAX_PARAMETERS)?;
        let outputs = section(top, "Outputs")?;
        at_most("outputs", outputs.len(), MAX_OUTPUTS)?;
        let resources =
            resources.into_iter().map(|(name, value)| Ok((name.clone(), resource(&name, value)?)));
        Ok(Template {
            description: top.get("Description").and_then(Value::as_str).map(str::to_owned),
            transforms: transforms(top.get("Transform"))?,
            metadata: top.get("Metadata").cloned().unwrap_or_default(),
            globals: top.get("Globals").cloned().unwrap_or_default(),
            parameters,
            mappings: top.get("Mappings").cloned().unwrap_or_default(),
            conditions: section(top, "Conditions")?,
            resources: resources.collect::<Result<_, Error>>()?,
            outputs,
        })
    }
}

fn at_most(what: &str, count: usize, limit: usize) -> Result<(), Error> {
    if count <= limit {
        return Ok(());
    }
    Err(Error::template(format!(
        "Template format error: Number of {what}, {count}, is greater than maximum allowed, {limit}"
    )))
}

fn section(top: &Map<String, Value>, name: &str) -> Result<BTreeMap<String, Value>, Error> {
    match top.get(name) {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(map)) => Ok(map.iter().map(|(k, v)| (k.clone(), v.clone())).collect()),
        Some(_) => Err(Error::template(format!("Template format error: {name} must be a map"))),
    }
}

fn transforms(value: Option<&Value>) -> Result<Vec<String>, Error> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(many)) if many.iter().all(Value::is_string) => {
            Ok(many.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        Some(_) => Err(Error::template("Template format error: Transform must be a name or a list of names")),
    }
}

fn resource(name: &str, value: Value) -> Result<Resource, Error> {
    let invalid = |what: &str| Error::template(format!("Template format error: [/Resources/{name}] {what}"));
    let Value::Object(mut map) = value else { return Err(invalid("resource definition is malformed")) };
    if !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Error::template(format!(
            "Template format error: Resource name {name} is non alphanumeric."
        )));
    }
    let known =
        ["Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"];
    if let Some(key) = map.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(Error::template(format!("Invalid template resource property '{key}'")));
    }
    let Some(Value::String(kind)) = map.remove("Type") else {
        return Err(invalid("Every Resources object must contain a Type member."));
    };
    let depends_on = match map.remove("DependsOn") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) if many.iter().all(Value::is_string) => {
            many.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(_) => return Err(invalid("DependsOn must be a name or a list of names")),
    };
    let properties = match map.remove("Properties") {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(map @ Value::Object(_)) if intrinsics::intrinsic(&map).is_none() => map,
        Some(_) => return Err(invalid("Properties must be a map")),
    };
    let condition = match map.remove("Condition") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name),
        Some(_) => return Err(invalid("Condition must be the name of a condition")),
    };
    let deletion_policy = policy(name, "DeletionPolicy", map.remove("DeletionPolicy"))?;
    let update_replace_policy = policy(name, "UpdateReplacePolicy", map.remove("UpdateReplacePolicy"))?;
    Ok(Resource {
        kind,
        depends_on,
        condition,
        deletion_policy,
        update_replace_policy,
        metadata: map.remove("Metadata").unwrap_or_default(),
        properties,
    })
}

fn policy(resource: &str, key: &str, value: Option<Value>) -> Result<Policy, Error> {
    let told = match value {
        None | Some(Value::Null) => return Ok(Policy::Delete),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    };
    match (key, told.as_str()) {
        (_, "Delete") => Ok(Policy::Delete),
        (_, "Retain") => Ok(Policy::Retain),
        ("DeletionPolicy", "RetainExceptOnCreate") => Ok(Policy::RetainExceptOnCreate),
        (_, "Snapshot") => Err(Error::template(format!(
            "Template error: the type of resource {resource} does not support {key} Snapshot"
        ))),
        _ => Err(Error::template(format!(
            "Template format error: Unrecognized {key} {told} for resource {resource}"
        ))),
    }
}
