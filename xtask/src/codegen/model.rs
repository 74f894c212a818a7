//! The public models: found, and trimmed to what we use, without their prose.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use super::ServiceConfig;

/// Reads `service-2.json` or its gzipped form.
pub fn public(folder: &Path) -> Result<Value, String> {
    let plain = folder.join("service-2.json");
    let text = if plain.exists() {
        fs::read_to_string(&plain).map_err(|e| format!("{}: {e}", plain.display()))?
    } else {
        gunzip(&folder.join("service-2.json.gz"))?
    };
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", folder.display()))
}

fn gunzip(path: &Path) -> Result<String, String> {
    let mut child = Command::new("gzip")
        .arg("-dc")
        .arg(path)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("gzip: {e}"))?;
    let mut text = String::new();
    child.stdout.take().ok_or("gzip gave no output")?.read_to_string(&mut text).map_err(|e| e.to_string())?;
    child.wait().map_err(|e| e.to_string())?;
    Ok(text)
}

/// What is never kept.
const PROSE: &[&str] = &[
    "documentation",
    "documentationUrl",
    "examples",
    "endpointdiscovery",
    "deprecatedMessage",
    "endpoint",
    "staticContextParams",
    "operationContextParams",
    "contextParam",
    "clientContextParams",
    "deprecatedSince",
];

fn strip(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            // A shape may itself have a member called `documentation`; those are inside "members", handled there.
            let kept = map
                .iter()
                .filter(|(key, inner)| !PROSE.contains(&key.as_str()) || inner.get("shape").is_some());
            Value::Object(kept.map(|(key, inner)| (key.clone(), strip(inner))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(strip).collect()),
        other => other.clone(),
    }
}

/// The model with only the operations of the allow-list and the shapes that they reach; of the others the name and
/// route, so that they can be told apart from what never existed.
pub fn trim(model: &Value, service: &ServiceConfig) -> Result<Value, String> {
    let operations = model["operations"].as_object().ok_or("the model has no operations")?;
    for name in &service.operations {
        if !operations.contains_key(name) {
            return Err(format!("{}: the model has no operation {name}", service.name));
        }
    }
    let mut kept = Map::new();
    let mut wanted: Vec<String> = Vec::new();
    for (name, operation) in operations {
        if service.operations.contains(name) {
            for side in ["input", "output"] {
                wanted.extend(operation[side]["shape"].as_str().map(str::to_owned));
            }
            kept.insert(name.clone(), strip(operation));
        } else {
            kept.insert(name.clone(), json!({ "http": operation["http"] }));
        }
    }
    let shapes = model["shapes"].as_object().ok_or("the model has no shapes")?;
    let mut reached = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if reached.insert(name.clone()) {
            references(&shapes[&name], &mut wanted);
        }
    }
    let mut kept_shapes = Map::new();
    for (name, shape) in shapes {
        if reached.contains(name) {
            kept_shapes.insert(name.clone(), strip(shape));
        } else if shape["exception"] == true {
            kept_shapes.insert(
                name.clone(),
                json!({ "type": "structure", "exception": true, "error": shape["error"] }),
            );
        }
    }
    Ok(json!({ "metadata": model["metadata"], "operations": kept, "shapes": kept_shapes }))
}

fn references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                match inner {
                    Value::String(name) if key == "shape" => into.push(name.clone()),
                    _ => references(inner, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        _ => {}
    }
}
