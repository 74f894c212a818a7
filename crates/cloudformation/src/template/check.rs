//! What is wrong with a template as a whole, found before anything is made.

use std::collections::{BTreeMap, BTreeSet};

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
    template
        .parameters
        .iter()
        .try_for_each(|(name, definition)| super::parameter::definition(name, definition))?;
    condition_needs(template)?;
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
    for (name, output) in &template.outputs {
        check_output(template, name, output)?;
    }
    order::creation_order(template).map(drop)
}

fn check_output(template: &Template, name: &str, output: &Value) -> Result<(), Error> {
    let known = ["Condition", "Description", "Export", "Value"];
    let map = output.as_object().filter(|map| map.contains_key("Value")).ok_or_else(|| {
        Error::template(format!(
            "Template format error: Every Outputs member must contain a Value object, which {name} does not."
        ))
    })?;
    if let Some(unknown) = map.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(Error::template(format!(
            "Invalid template output property '{unknown}' in output {name}"
        )));
    }
    match map.get("Condition") {
        None => {}
        Some(Value::String(condition)) if template.conditions.contains_key(condition) => {}
        Some(condition) => {
            return Err(Error::template(format!(
                "Template format error: Unresolved condition dependency {condition} in the Outputs block of the template"
            )));
        }
    }
    check_references(template, output, "Outputs")
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
            Some(None) => Some(previous.get(name).cloned().ok_or_else(|| {
                Error::template(format!(
                    "Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
                ))
            })?),
            None => definition.get("Default").and_then(super::intrinsics::scalar),
        };
        match value {
            Some(value) => {
                super::parameter::check(name, definition, &value)?;
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

/// Evaluates the conditions, each after those that it names.
pub fn conditions(template: &Template, scope: &mut Scope) -> Result<(), Error> {
    let (order, circular) = order::sorted(&condition_needs(template)?);
    if !circular.is_empty() {
        let text =
            format!("Template error: Circular dependency between conditions: [{}]", circular.join(", "));
        return Err(Error::template(text));
    }
    for name in order {
        let Some(definition) = template.conditions.get(&name) else { continue };
        let truth = match super::intrinsics::intrinsic(definition) {
            Some(("Condition", _)) => scope.resolve(definition)? == Some(Value::Bool(true)),
            Some((function, argument)) => scope.logic(function, argument)?,
            None => {
                let text = format!("Template format error: condition {name} is malformed");
                return Err(Error::template(text));
            }
        };
        scope.conditions.insert(name, truth);
    }
    Ok(())
}

/// The conditions that each condition names.
fn condition_needs(template: &Template) -> Result<BTreeMap<String, BTreeSet<String>>, Error> {
    let mut graph = BTreeMap::new();
    for (name, definition) in &template.conditions {
        let mut needs = BTreeSet::new();
        named_conditions(definition, &mut needs);
        if let Some(unknown) = needs.iter().find(|need| !template.conditions.contains_key(*need)) {
            return Err(Error::template(format!(
                "Template format error: Unresolved condition dependency {unknown} in the Conditions block of the template"
            )));
        }
        graph.insert(name.clone(), needs);
    }
    Ok(graph)
}

/// The names of the conditions that a value is decided by.
fn named_conditions(value: &Value, into: &mut BTreeSet<String>) {
    match (super::intrinsics::intrinsic(value), value) {
        (Some(("Condition", Value::String(name))), _) => drop(into.insert(name.clone())),
        (Some(("Fn::If", argument)), _) => {
            into.extend(argument.get(0).and_then(Value::as_str).map(str::to_owned));
            named_conditions(argument, into);
        }
        (_, Value::Array(items)) => items.iter().for_each(|item| named_conditions(item, into)),
        (_, Value::Object(map)) => map.values().for_each(|inner| named_conditions(inner, into)),
        _ => {}
    }
}
