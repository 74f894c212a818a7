//! `Globals`: what every function has unless it says otherwise.

use serde_json::{Map, Value};

use crate::error::Error;

/// The defaults by kind of resource.
pub struct Globals {
    function: Map<String, Value>,
}

impl Globals {
    /// Reads the section; a kind that is not handled is refused by name.
    pub fn parse(value: &Value) -> Result<Globals, Error> {
        let mut globals = Globals { function: Map::new() };
        let Value::Object(sections) = value else { return Ok(globals) };
        for (section, properties) in sections {
            match (section.as_str(), properties) {
                ("Function", Value::Object(properties)) => globals.function = properties.clone(),
                (other, _) => {
                    return Err(Error::template(format!(
                        "Transform {} failed with: '{other}' is not handled under Globals; Nephos handles Function",
                        super::NAME
                    )));
                }
            }
        }
        Ok(globals)
    }

    /// A function's properties over the defaults: maps are merged, lists joined, anything else replaced.
    pub fn function(&self, properties: &Value) -> Value {
        merge(&Value::Object(self.function.clone()), properties)
    }
}

fn merge(default: &Value, own: &Value) -> Value {
    match (default, own) {
        (Value::Object(default), Value::Object(own)) if !is_intrinsic(own) => {
            let mut merged = default.clone();
            for (key, value) in own {
                let value = default.get(key).map_or_else(|| value.clone(), |default| merge(default, value));
                merged.insert(key.clone(), value);
            }
            Value::Object(merged)
        }
        (Value::Array(default), Value::Array(own)) => default.iter().chain(own).cloned().collect(),
        (_, own) => own.clone(),
    }
}

fn is_intrinsic(map: &Map<String, Value>) -> bool {
    map.len() == 1 && map.keys().all(|key| key == "Ref" || key.starts_with("Fn::"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn functions_inherit_what_they_do_not_say() {
        let globals = json!({ "Function": { "Timeout": 5, "Environment": { "Variables": { "A": 1 } }, "Layers": ["x"] } });
        let own =
            json!({ "Timeout": 9, "Environment": { "Variables": { "B": { "Ref": "T" } } }, "Layers": ["y"] });
        let merged = Globals::parse(&globals).unwrap().function(&own);
        let expected = json!({ "Timeout": 9, "Environment": { "Variables": { "A": 1, "B": { "Ref": "T" } } }, "Layers": ["x", "y"] });
        assert_eq!(merged, expected);
        assert!(Globals::parse(&json!({ "Api": {} })).is_err());
    }
}
