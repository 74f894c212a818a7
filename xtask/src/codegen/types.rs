//! The statics that describe each shape: kind and constraints.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::Value;

use super::{ServiceConfig, names, patterns};

/// Gathers the types that members refer to and writes their statics.
pub struct Types<'a> {
    shapes: &'a Value,
    service: &'a ServiceConfig,
    /// Static's name by shape and overrides.
    names: BTreeMap<String, String>,
    taken: BTreeSet<String>,
    /// The statics, in the order of discovery.
    pub out: String,
}

impl<'a> Types<'a> {
    pub fn new(shapes: &'a Value, service: &'a ServiceConfig) -> Self {
        Types { shapes, service, names: BTreeMap::new(), taken: BTreeSet::new(), out: String::new() }
    }

    /// The name of the static that describes what `reference` (a member, or a list's member) refers to.
    pub fn refer(&mut self, reference: &Value) -> Result<String, String> {
        let shape_name = reference["shape"].as_str().ok_or("a reference without a shape")?;
        let format = reference["timestampFormat"].as_str();
        let flattened = reference["flattened"].as_bool().unwrap_or(false);
        let key = format!("{shape_name}/{format:?}/{flattened}");
        if let Some(name) = self.names.get(&key) {
            return Ok(name.clone());
        }
        let mut name = format!("T_{}", names::constant(shape_name));
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        self.names.insert(key, name.clone());
        let shapes = self.shapes;
        let shape = &shapes[shape_name];
        let kind = self.kind(shape_name, shape, reference)?;
        let rules = rules(shape, self.service.hidden.contains(shape_name));
        let text = format!(
            "pub(super) static {name}: Type = Type {{ name: {shape_name:?}, kind: {kind}, rules: {rules} }};\n"
        );
        self.out.push_str(&text);
        Ok(name)
    }

    fn kind(&mut self, shape_name: &str, shape: &Value, reference: &Value) -> Result<String, String> {
        if self.service.custom.contains_key(shape_name) {
            return Ok("Kind::Custom".to_owned());
        }
        let flattened = shape["flattened"].as_bool().unwrap_or(false)
            || reference["flattened"].as_bool().unwrap_or(false);
        Ok(match shape["type"].as_str().unwrap_or_default() {
            "string" | "character" => "Kind::String".to_owned(),
            "boolean" => "Kind::Boolean".to_owned(),
            "integer" | "long" | "short" | "byte" => "Kind::Integer".to_owned(),
            "float" | "double" => "Kind::Double".to_owned(),
            "blob" => "Kind::Blob".to_owned(),
            "timestamp" => {
                let format = reference["timestampFormat"].as_str().or(shape["timestampFormat"].as_str());
                let format = match format {
                    None => "None".to_owned(),
                    Some("iso8601") => "Some(TimestampFormat::Iso8601)".to_owned(),
                    Some("unixTimestamp") => "Some(TimestampFormat::Unix)".to_owned(),
                    Some("rfc822") => "Some(TimestampFormat::Http)".to_owned(),
                    Some(other) => return Err(format!("{shape_name}: unknown timestamp format {other}")),
                };
                format!("Kind::Timestamp({format})")
            }
            "structure" => format!("Kind::Structure(&S_{})", names::constant(shape_name)),
            "list" => {
                let member = self.refer(&shape["member"])?;
                let name = shape["member"]["locationName"].as_str().unwrap_or("member");
                format!("Kind::List {{ member: &{member}, name: {name:?}, flattened: {flattened} }}")
            }
            "map" => {
                let (key, value) = (self.refer(&shape["key"])?, self.refer(&shape["value"])?);
                let key_name = shape["key"]["locationName"].as_str().unwrap_or("key");
                let value_name = shape["value"]["locationName"].as_str().unwrap_or("value");
                format!(
                    "Kind::Map {{ key: &{key}, value: &{value}, key_name: {key_name:?}, value_name: {value_name:?}, \
                     flattened: {flattened} }}"
                )
            }
            other => return Err(format!("{shape_name}: no Rust for a shape of type {other}")),
        })
    }
}

/// A shape's constraints; `hidden` where no error may show its values, though the model does not say so.
fn rules(shape: &Value, hidden: bool) -> String {
    let number = |name: &str| {
        let value = shape[name].as_i64().or_else(|| shape[name].as_f64().map(|v| v as i64));
        format!("{value:?}")
    };
    let pattern = shape["pattern"].as_str().and_then(patterns::translate);
    let values: Vec<&str> =
        shape["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let (min, max) = (number("min"), number("max"));
    let sensitive = hidden || shape["sensitive"] == true;
    if min == "None" && max == "None" && pattern.is_none() && values.is_empty() && !sensitive {
        return "Rules::NONE".to_owned();
    }
    let mut out = format!("Rules {{ min: {min}, max: {max}, pattern: ");
    match pattern {
        Some((shown, regex)) => {
            let _ = write!(out, "Some(Pattern::new({shown:?}, {regex:?}))");
        }
        None => out.push_str("None"),
    }
    let _ = write!(out, ", values: &{values:?}, sensitive: {sensitive} }}");
    out
}
