//! Intrinsic functions: `Ref`, `Fn::GetAtt`, `Fn::Sub` and the rest, resolved against what is known so far.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value};

use crate::error::Error;

/// What values are resolved against.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Parameters and pseudo parameters (`AWS::Region`, ...).
    pub parameters: BTreeMap<String, Value>,
    /// Mappings.
    pub mappings: Value,
    /// Conditions, evaluated.
    pub conditions: BTreeMap<String, bool>,
    /// What each made resource's `Ref` and `Fn::GetAtt` give.
    pub resources: BTreeMap<String, Known>,
    /// Exports of other stacks.
    pub exports: BTreeMap<String, String>,
    /// Names of resources whose condition is false.
    pub absent: BTreeSet<String>,
    /// What intrinsics have made so far.
    pub made: Made,
}

/// How much intrinsics may make of one template, in bytes, roughly.
const MAX_MADE_BYTES: usize = 32 << 20;

/// Counts what intrinsics make, so that a small template can't grow without bound.
#[derive(Debug, Default)]
pub struct Made(AtomicUsize);

impl Clone for Made {
    fn clone(&self) -> Self {
        Made(AtomicUsize::new(self.0.load(Ordering::Relaxed)))
    }
}

impl Made {
    fn count(&self, bytes: usize) -> Result<(), Error> {
        let before = self.0.fetch_add(bytes.min(MAX_MADE_BYTES), Ordering::Relaxed);
        if before.saturating_add(bytes) > MAX_MADE_BYTES {
            return Err(error(format!("what the functions make is larger than {MAX_MADE_BYTES} bytes")));
        }
        Ok(())
    }
}

/// The memory that a value takes, in bytes, roughly.
fn size(value: &Value) -> usize {
    32 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(map) => map.iter().map(|(key, inner)| key.len() + size(inner)).sum(),
        _ => 0,
    }
}

/// What a made resource is known by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// What `Ref` gives.
    pub physical_id: String,
    /// What `Fn::GetAtt` gives.
    pub attributes: BTreeMap<String, Value>,
}

fn error(text: impl Into<String>) -> Error {
    Error::template(format!("Template error: {}", text.into()))
}

/// The only entry of a map that is an intrinsic.
pub fn intrinsic(value: &Value) -> Option<(&str, &Value)> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let (name, argument) = map.iter().next()?;
    (name == "Ref" || name == "Condition" && argument.is_string() || name.starts_with("Fn::"))
        .then_some((name.as_str(), argument))
}

impl Scope {
    /// Resolves a value; `None` where it is `AWS::NoValue`.
    pub fn resolve(&self, value: &Value) -> Result<Option<Value>, Error> {
        if let Some((name, argument)) = intrinsic(value) {
            let made = self.call(name, argument)?;
            self.made.count(made.as_ref().map_or(0, size))?;
            return Ok(made);
        }
        Ok(Some(match value {
            Value::Array(items) => {
                let mut resolved = Vec::with_capacity(items.len());
                for item in items {
                    resolved.extend(self.resolve(item)?);
                }
                Value::Array(resolved)
            }
            Value::Object(map) => {
                let mut resolved = Map::new();
                for (key, inner) in map {
                    if let Some(inner) = self.resolve(inner)? {
                        resolved.insert(key.clone(), inner);
                    }
                }
                Value::Object(resolved)
            }
            other => other.clone(),
        }))
    }

    fn required(&self, value: &Value, of: &str) -> Result<Value, Error> {
        self.resolve(value)?.ok_or_else(|| error(format!("{of} can not take AWS::NoValue")))
    }

    fn text(&self, value: &Value, of: &str) -> Result<String, Error> {
        scalar(&self.required(value, of)?)
            .ok_or_else(|| error(format!("every {of} object must resolve to text, got {value}")))
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Option<Value>, Error> {
        Ok(Some(match name {
            "Ref" => return self.reference(argument),
            "Condition" => Value::Bool(self.condition(argument.as_str().unwrap_or_default())?),
            "Fn::GetAtt" => self.get_att(argument)?,
            "Fn::Sub" => Value::String(self.substitute(argument)?),
            "Fn::Join" => self.join(argument)?,
            "Fn::Select" => self.select(argument)?,
            "Fn::Split" => self.split(argument)?,
            "Fn::If" => return self.choose(argument),
            "Fn::FindInMap" => self.find_in_map(argument)?,
            "Fn::Base64" => {
                Value::String(nephos_wire::text::base64(self.text(argument, "Fn::Base64")?.as_bytes()))
            }
            "Fn::ImportValue" => {
                let name = self.text(argument, "Fn::ImportValue")?;
                let value = self.exports.get(&name);
                Value::String(
                    value
                        .cloned()
                        .ok_or_else(|| Error::template(format!("No export named {name} found.")))?,
                )
            }
            "Fn::ToJsonString" => Value::String(self.required(argument, name)?.to_string()),
            "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" => Value::Bool(self.logic(name, argument)?),
            other => return Err(error(format!("Nephos does not evaluate {other}"))),
        }))
    }

    fn reference(&self, argument: &Value) -> Result<Option<Value>, Error> {
        let name = argument.as_str().ok_or_else(|| error("every Ref must be a name"))?;
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        if let Some(value) = self.parameters.get(name) {
            return Ok(Some(value.clone()));
        }
        if let Some(known) = self.resources.get(name) {
            return Ok(Some(Value::String(known.physical_id.clone())));
        }
        Err(Error::template(format!(
            "Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
        )))
    }

    fn get_att(&self, argument: &Value) -> Result<Value, Error> {
        let parts: Vec<&str> = match argument {
            Value::String(path) => path.splitn(2, '.').collect(),
            Value::Array(parts) => parts.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let [resource, attribute] = parts[..] else {
            return Err(error("Fn::GetAtt needs a resource and an attribute"));
        };
        self.attribute(resource, attribute)
    }

    fn attribute(&self, resource: &str, attribute: &str) -> Result<Value, Error> {
        let known = self.resources.get(resource).ok_or_else(|| {
            error(format!("instance of Fn::GetAtt references undefined resource {resource}"))
        })?;
        known.attributes.get(attribute).cloned().ok_or_else(|| {
            error(format!("resource {resource} does not support attribute type {attribute} in Fn::GetAtt"))
        })
    }

    fn substitute(&self, argument: &Value) -> Result<String, Error> {
        let (text, own) = match argument {
            Value::String(text) => (text.as_str(), None),
            Value::Array(parts) => match &parts[..] {
                [Value::String(text), Value::Object(own)] => (text.as_str(), Some(own)),
                _ => return Err(error("Fn::Sub needs a text and a map")),
            },
            _ => return Err(error("Fn::Sub needs a text")),
        };
        let mut out = String::new();
        for part in parts(text) {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable(name) => {
                    let value = match own.and_then(|own| own.get(name)) {
                        Some(value) => self.required(value, "Fn::Sub")?,
                        None => match name.split_once('.') {
                            Some((resource, attribute)) => self.attribute(resource, attribute)?,
                            None => self
                                .reference(&Value::String(name.to_owned()))?
                                .ok_or_else(|| error("Fn::Sub can not take AWS::NoValue"))?,
                        },
                    };
                    let text = scalar(&value);
                    let text = text.ok_or_else(|| error(format!("${{{name}}} in Fn::Sub must be text")))?;
                    self.made.count(text.len())?;
                    out.push_str(&text);
                }
            }
        }
        Ok(out)
    }

    fn pair<'v>(&self, argument: &'v Value, name: &str) -> Result<(&'v Value, &'v Value), Error> {
        match argument.as_array().map(Vec::as_slice) {
            Some([first, second]) => Ok((first, second)),
            _ => Err(error(format!("every {name} object requires two parameters"))),
        }
    }

    fn join(&self, argument: &Value) -> Result<Value, Error> {
        let (delimiter, list) = self.pair(argument, "Fn::Join")?;
        let list = self.required(list, "Fn::Join")?;
        let delimiter = self.text(delimiter, "Fn::Join")?;
        let items = list.as_array().ok_or_else(|| error("Fn::Join needs a list"))?;
        let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
        let texts = texts.ok_or_else(|| error("every member of Fn::Join must be text"))?;
        self.made.count(texts.len() * delimiter.len())?;
        Ok(Value::String(texts.join(&delimiter)))
    }

    fn select(&self, argument: &Value) -> Result<Value, Error> {
        let (index, list) = self.pair(argument, "Fn::Select")?;
        let index: usize = self
            .text(index, "Fn::Select")?
            .parse()
            .map_err(|_| error("Fn::Select needs a whole number as its first parameter"))?;
        let list = self.required(list, "Fn::Select")?;
        let found = list.as_array().and_then(|list| list.get(index)).cloned();
        found.ok_or_else(|| error(format!("Fn::Select cannot select nonexistent value at index {index}")))
    }

    fn split(&self, argument: &Value) -> Result<Value, Error> {
        let (delimiter, text) = self.pair(argument, "Fn::Split")?;
        let (delimiter, text) = (self.text(delimiter, "Fn::Split")?, self.text(text, "Fn::Split")?);
        if delimiter.is_empty() {
            return Err(error("Fn::Split needs a delimiter"));
        }
        self.made.count(32 * text.matches(&delimiter).count())?;
        Ok(Value::Array(text.split(&delimiter).map(|part| Value::String(part.to_owned())).collect()))
    }

    fn choose(&self, argument: &Value) -> Result<Option<Value>, Error> {
        match argument.as_array().map(Vec::as_slice) {
            Some([Value::String(condition), then, otherwise]) => {
                self.resolve(if self.condition(condition)? { then } else { otherwise })
            }
            _ => Err(error("every Fn::If object requires a condition's name and two values")),
        }
    }

    fn condition(&self, name: &str) -> Result<bool, Error> {
        self.conditions.get(name).copied().ok_or_else(|| {
            Error::template(format!("Template format error: Unresolved condition dependency {name}"))
        })
    }

    fn find_in_map(&self, argument: &Value) -> Result<Value, Error> {
        let Some([map, top, second]) = argument.as_array().map(Vec::as_slice) else {
            return Err(error("every Fn::FindInMap object requires three parameters"));
        };
        let mut keys = Vec::new();
        for key in [map, top, second] {
            keys.push(self.text(key, "Fn::FindInMap")?);
        }
        let found = keys.iter().try_fold(&self.mappings, |value, key| value.get(key));
        found.cloned().ok_or_else(|| error(format!("Unable to get mapping for {}", keys.join("::"))))
    }

    /// Evaluates a condition's definition.
    pub fn logic(&self, name: &str, argument: &Value) -> Result<bool, Error> {
        let arguments = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        let truth = |value: &Value| -> Result<bool, Error> {
            match self.required(value, name)? {
                Value::Bool(truth) => Ok(truth),
                Value::String(text) if text == "true" || text == "false" => Ok(text == "true"),
                other => Err(error(format!("{name} needs conditions, got {other}"))),
            }
        };
        match (name, arguments) {
            ("Fn::Equals", [a, b]) => {
                let (a, b) = (self.required(a, name)?, self.required(b, name)?);
                Ok(a == b || scalar(&a).is_some_and(|a| scalar(&b) == Some(a)))
            }
            ("Fn::Not", [one]) => truth(one).map(|truth| !truth),
            ("Fn::And", many) if (2..=10).contains(&many.len()) => {
                many.iter().try_fold(true, |all, one| Ok(all & truth(one)?))
            }
            ("Fn::Or", many) if (2..=10).contains(&many.len()) => {
                many.iter().try_fold(false, |any, one| Ok(any | truth(one)?))
            }
            _ => Err(error(format!("{name} has the wrong number of parameters"))),
        }
    }
}

/// A plain value as text, as CloudFormation passes it on.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A part of an `Fn::Sub` text.
enum Part<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// `a${b}${!c}` is `a`, the variable `b`, and the literal `${c}`.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        found.push(Part::Text(&rest[..start]));
        let inside = &rest[start + 2..];
        let Some(end) = inside.find('}') else {
            found.push(Part::Text(&rest[start..]));
            return found;
        };
        match inside[..end].strip_prefix('!') {
            Some(_) => {
                found.push(Part::Text("${"));
                found.push(Part::Text(&inside[1..=end]));
            }
            None => found.push(Part::Variable(inside[..end].trim())),
        }
        rest = &inside[end + 1..];
    }
    found.push(Part::Text(rest));
    found
}

/// The names that a value refers to by `Ref`, `Fn::GetAtt` and `Fn::Sub`: name, and the attribute if one is named.
pub fn references(value: &Value, into: &mut Vec<(String, Option<String>)>) {
    match (intrinsic(value), value) {
        (Some(("Ref", Value::String(name))), _) => into.push((name.clone(), None)),
        (Some(("Fn::GetAtt", Value::Array(parts))), _) => {
            if let [Value::String(resource), Value::String(attribute)] = &parts[..] {
                into.push((resource.clone(), Some(attribute.clone())));
            }
        }
        (Some(("Fn::GetAtt", Value::String(path))), _) => {
            if let Some((resource, attribute)) = path.split_once('.') {
                into.push((resource.to_owned(), Some(attribute.to_owned())));
            }
        }
        (Some(("Fn::Sub", argument)), _) => sub_references(argument, into),
        (_, Value::Array(items)) => items.iter().for_each(|item| references(item, into)),
        (_, Value::Object(map)) => map.values().for_each(|inner| references(inner, into)),
        _ => {}
    }
}

fn sub_references(argument: &Value, into: &mut Vec<(String, Option<String>)>) {
    let (text, own) = match argument {
        Value::String(text) => (text.as_str(), None),
        Value::Array(parts) => (parts.first().and_then(Value::as_str).unwrap_or_default(), parts.get(1)),
        _ => return,
    };
    for part in parts(text) {
        let Part::Variable(name) = part else { continue };
        if own.is_some_and(|own| own.get(name).is_some()) {
            continue;
        }
        match name.split_once('.') {
            Some((resource, attribute)) => into.push((resource.to_owned(), Some(attribute.to_owned()))),
            None => into.push((name.to_owned(), None)),
        }
    }
    if let Some(own) = own {
        references(own, into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scope() -> Scope {
        let attributes = BTreeMap::from([("Arn".to_owned(), json!("arn:t"))]);
        Scope {
            parameters: BTreeMap::from([("P".to_owned(), json!("p")), ("L".to_owned(), json!(["a", "b"]))]),
            mappings: json!({ "M": { "a": { "b": 7 } } }),
            conditions: BTreeMap::from([("Yes".to_owned(), true), ("No".to_owned(), false)]),
            resources: BTreeMap::from([(
                "T".to_owned(),
                Known { physical_id: "t-1".to_owned(), attributes },
            )]),
            ..Scope::default()
        }
    }

    #[test]
    fn every_intrinsic_resolves() {
        for (value, expected) in [
            (json!({ "Ref": "P" }), json!("p")),
            (json!({ "Ref": "T" }), json!("t-1")),
            (json!({ "Fn::GetAtt": ["T", "Arn"] }), json!("arn:t")),
            (json!({ "Fn::Sub": "${P}-${T.Arn}-${!P}-${T}" }), json!("p-arn:t-${P}-t-1")),
            (json!({ "Fn::Sub": ["${x}${P}", { "x": { "Ref": "T" } }] }), json!("t-1p")),
            (json!({ "Fn::Join": ["-", ["a", { "Ref": "P" }, 3]] }), json!("a-p-3")),
            (json!({ "Fn::Join": [",", { "Ref": "L" }] }), json!("a,b")),
            (json!({ "Fn::Select": [1, { "Fn::Split": ["/", "x/y"] }] }), json!("y")),
            (json!({ "Fn::If": ["No", 1, { "Fn::If": ["Yes", 2, 3] }] }), json!(2)),
            (json!({ "Fn::FindInMap": ["M", "a", "b"] }), json!(7)),
            (json!({ "Fn::Base64": "hi" }), json!("aGk=")),
            (
                json!({ "Fn::And": [{ "Condition": "Yes" }, { "Fn::Not": [{ "Condition": "No" }] }] }),
                json!(true),
            ),
            (json!({ "Fn::Equals": [{ "Ref": "P" }, "p"] }), json!(true)),
            (
                json!({ "a": { "Ref": "AWS::NoValue" }, "b": [{ "Ref": "AWS::NoValue" }, 1] }),
                json!({ "b": [1] }),
            ),
        ] {
            assert_eq!(scope().resolve(&value).unwrap(), Some(expected), "{value}");
        }
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for value in [
            json!({ "Ref": "Nothing" }),
            json!({ "Fn::GetAtt": ["T", "Nope"] }),
            json!({ "Fn::Sub": "${Nothing}" }),
            json!({ "Fn::Cidr": ["10.0.0.0/8", 1, 8] }),
            json!({ "Fn::If": ["Maybe", 1, 2] }),
            json!({ "Fn::Select": [5, ["a"]] }),
        ] {
            assert!(scope().resolve(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn references_are_found_wherever_they_stand() {
        let mut found = Vec::new();
        let value = json!({ "a": [{ "Ref": "A" }], "b": { "Fn::Sub": ["${B.Arn}${own}${!no}", { "own": { "Ref": "C" } }] } });
        references(&value, &mut found);
        found.sort();
        let expected =
            [("A".to_owned(), None), ("B".to_owned(), Some("Arn".to_owned())), ("C".to_owned(), None)];
        assert_eq!(found, expected);
    }
}
