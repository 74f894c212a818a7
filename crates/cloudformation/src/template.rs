//! Templates: read from JSON or YAML, checked as a whole, resolved value by value.

pub mod check;
pub mod intrinsics;
pub mod names;
pub mod order;
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
    pub deletion_policy: Option<String>,
    /// `Metadata`.
    pub metadata: Value,
}

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
        let resources =
            resources.into_iter().map(|(name, value)| Ok((name.clone(), resource(&name, value)?)));
        Ok(Template {
            description: top.get("Description").and_then(Value::as_str).map(str::to_owned),
            transforms: transforms(top.get("Transform"))?,
            metadata: top.get("Metadata").cloned().unwrap_or_default(),
            globals: top.get("Globals").cloned().unwrap_or_default(),
            parameters: section(top, "Parameters")?,
            mappings: top.get("Mappings").cloned().unwrap_or_default(),
            conditions: section(top, "Conditions")?,
            resources: resources.collect::<Result<_, Error>>()?,
            outputs: section(top, "Outputs")?,
        })
    }
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
    let known = [
        "Type",
        "Properties",
        "DependsOn",
        "Condition",
        "DeletionPolicy",
        "UpdateReplacePolicy",
        "Metadata",
        // SAM's own.
        "Connectors",
        "IgnoreGlobals",
    ];
    if let Some(key) = map.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(Error::template(format!("Invalid template resource property '{key}'")));
    }
    let Some(Value::String(kind)) = map.remove("Type") else {
        return Err(invalid("Every Resources object must contain a Type member."));
    };
    let depends_on = match map.remove("DependsOn") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(_) => return Err(invalid("DependsOn must be a name or a list of names")),
    };
    let text = |value: Option<Value>| value.and_then(|v| v.as_str().map(str::to_owned));
    Ok(Resource {
        kind,
        depends_on,
        condition: text(map.remove("Condition")),
        deletion_policy: text(map.remove("DeletionPolicy")),
        metadata: map.remove("Metadata").unwrap_or_default(),
        properties: map.remove("Properties").unwrap_or_else(|| Value::Object(Map::new())),
    })
}
