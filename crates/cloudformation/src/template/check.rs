//! What is wrong with a template as a whole, found before anything is made.

use std::collections::BTreeMap;

use serde_json::Value;

use super::intrinsics::{Scope, references};
use super::{Template, order};
use crate::error::Error;
use crate::resources;

/// Pseudo parameters that every template has.
const PSEUDO: &[&str] = &[
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// Checks types, references and order. Transforms have been carried out.
pub fn structure(template: &Template) -> Result<(), Error> {
    let mut unknown: Vec<&str> = template.resources.values().map(|r| r.kind.as_str()).collect();
    unknown.retain(|kind| resources::find(kind).is_none());
    if !unknown.is_empty() {
        unknown.sort_unstable();
        unknown.dedup();
        let text = format!("Template format error: Unrecognized resource types: [{}]", unknown.join(", "));
        return Err(Error::template(text));
    }
    for resource in template.resources.values() {
        check_references(template, &resource.properties, "Resources")?;
        let missing = resource.depends_on.iter().find(|name| !template.resources.contains_key(*name));
        if let Some(name) = missing {
            return Err(unresolved(name, "Resources"));
        }
        if let Some(condition) = resource.condition.as_ref().filter(|c| !template.conditions.contains_key(*c))
        {
            let text = format!(
                "Template format error: Unresolved condition dependency {condition} in the Resources block of the template"
            );
            return Err(Error::template(text));
        }
    }
    for output in template.outputs.values() {
        check_references(template, output, "Outputs")?;
    }
    order::creation_order(template).map(drop)
}

fn unresolved(name: &str, block: &str) -> Error {
    Error::template(format!(
        "Template format error: Unresolved resource dependencies [{name}] in the {block} block of the template"
    ))
}

fn check_references(template: &Template, value: &Value, block: &str) -> Result<(), Error> {
    let mut found = Vec::new();
    references(value, &mut found);
    for (name, attribute) in found {
        let resource = template.resources.get(&name);
        match attribute {
            None if resource.is_some()
                || template.parameters.contains_key(&name)
                || PSEUDO.contains(&name.as_str()) => {}
            None => return Err(unresolved(&name, block)),
            Some(attribute) => match resource {
                None => {
                    let text = format!(
                        "Template error: instance of Fn::GetAtt references undefined resource {name}"
                    );
                    return Err(Error::template(text));
                }
                Some(resource) => check_attribute(&name, &resource.kind, &attribute)?,
            },
        }
    }
    Ok(())
}

fn check_attribute(name: &str, kind: &str, attribute: &str) -> Result<(), Error> {
    let known = resources::find(kind).is_none_or(|found| found.attributes().contains(&attribute));
    if known {
        return Ok(());
    }
    let text =
        format!("Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt");
    Err(Error::template(text))
}

/// The first property that its resource type does not have here, as CloudFormation tells it.
pub fn unknown_property(template: &Template) -> Option<String> {
    template.resources.iter().find_map(|(name, resource)| {
        let (path, key) = resources::find(&resource.kind)?.names().unknown(&resource.properties)?;
        Some(format!(
            "Properties validation failed for resource {name} ({}) with message:\n{path}: extraneous key [{key}] is not permitted",
            resource.kind
        ))
    })
}

/// The values of the template's parameters: given, else previous, else default.
pub fn parameters(
    template: &Template,
    given: &BTreeMap<String, Option<String>>,
    previous: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Error> {
    let unknown: Vec<&str> =
        given.keys().filter(|name| !template.parameters.contains_key(*name)).map(String::as_str).collect();
    if !unknown.is_empty() {
        return Err(Error::template(format!(
            "Parameters: [{}] do not exist in the template",
            unknown.join(", ")
        )));
    }
    let (mut values, mut missing) = (BTreeMap::new(), Vec::new());
    for (name, definition) in &template.parameters {
        let value = match given.get(name) {
            Some(Some(value)) => Some(value.clone()),
            // UsePreviousValue
            Some(None) => previous.get(name).cloned(),
            None => definition.get("Default").and_then(super::intrinsics::scalar),
        };
        match value {
            Some(value) => {
                check_parameter(name, definition, &value)?;
                values.insert(name.clone(), value);
            }
            None => missing.push(name.as_str()),
        }
    }
    if missing.is_empty() {
        return Ok(values);
    }
    Err(Error::template(format!("Parameters: [{}] must have values", missing.join(", "))))
}

fn check_parameter(name: &str, definition: &Value, value: &str) -> Result<(), Error> {
    let kind = definition.get("Type").and_then(Value::as_str).unwrap_or("String");
    if !matches!(kind, "String" | "Number" | "CommaDelimitedList") {
        return Err(Error::template(format!(
            "Template format error: Nephos has no parameter type {kind} (parameter {name})"
        )));
    }
    if kind == "Number" && value.parse::<f64>().is_err() {
        return Err(Error::template(format!("Parameter '{name}' must be a number.")));
    }
    let allowed = definition.get("AllowedValues").and_then(Value::as_array);
    let allowed =
        allowed.map(|values| values.iter().filter_map(super::intrinsics::scalar).collect::<Vec<_>>());
    if let Some(allowed) = allowed.filter(|allowed| !allowed.iter().any(|one| one == value)) {
        return Err(Error::template(format!(
            "Parameter '{name}' must be one of AllowedValues: [{}]",
            allowed.join(", ")
        )));
    }
    Ok(())
}

/// Evaluates the conditions, in whatever order they need each other.
pub fn conditions(template: &Template, scope: &mut Scope) -> Result<(), Error> {
    let mut waiting: Vec<(&String, &Value)> = template.conditions.iter().collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut failed = None;
        waiting.retain(|(name, definition)| {
            let found = super::intrinsics::intrinsic(definition);
            let truth = match found {
                Some(("Condition", _)) => scope.resolve(definition).map(|v| v == Some(Value::Bool(true))),
                Some((function, argument)) => scope.logic(function, argument),
                None => Err(Error::template(format!("Template format error: condition {name} is malformed"))),
            };
            match truth {
                Ok(truth) => {
                    scope.conditions.insert((*name).clone(), truth);
                    false
                }
                Err(error) => {
                    failed = Some(error);
                    true
                }
            }
        });
        if let Some(error) = failed.filter(|_| waiting.len() == before) {
            return Err(error);
        }
    }
    Ok(())
}
