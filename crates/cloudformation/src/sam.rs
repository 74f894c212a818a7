//! The transform `AWS::Serverless-2016-10-31`: serverless types become the plain ones that they stand for.
//!
//! Every property of a serverless type is either carried over or refused by name; none is dropped.

mod events;
mod function;
mod globals;
mod policies;
mod table;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::Error;
use crate::template::{Resource, Template};

/// The name of the transform.
pub const NAME: &str = "AWS::Serverless-2016-10-31";

/// Carries out the template's transforms.
pub fn transform(mut template: Template) -> Result<Template, Error> {
    if let Some(unknown) = template.transforms.iter().find(|name| *name != NAME) {
        return Err(Error::template(format!("No transform named {unknown} found.")));
    }
    if template.transforms.is_empty() {
        if !template.globals.is_null() {
            return Err(Error::template("Invalid template property or properties [Globals]"));
        }
        return Ok(template);
    }
    let globals = globals::Globals::parse(&template.globals)?;
    let mut made: BTreeMap<String, Resource> = BTreeMap::new();
    let mut notifications = events::Notifications::default();
    let given = std::mem::take(&mut template.resources);
    for (name, resource) in given {
        match resource.kind.as_str() {
            "AWS::Serverless::Function" => {
                let mut function = function::Function::new(&name, resource, &globals)?;
                made.extend(function.expand(&mut notifications)?);
            }
            "AWS::Serverless::SimpleTable" => made.extend([(name.clone(), table::simple(&name, resource)?)]),
            kind if kind.starts_with("AWS::Serverless::") => {
                return Err(invalid(&name, &format!("Nephos does not transform {kind}")));
            }
            _ => drop(made.insert(name, resource)),
        }
    }
    notifications.apply(&mut made)?;
    template.resources = made;
    template.globals = Value::Null;
    Ok(template)
}

/// The error of the transform, as SAM gives it.
fn invalid(name: &str, text: &str) -> Error {
    Error::template(format!(
        "Transform {NAME} failed with: Invalid Serverless Application Specification document. Number of errors found: 1. \
         Resource with id [{name}] is invalid. {text}"
    ))
}
