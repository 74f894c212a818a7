//! Parameters: what a definition may say, and what a value must keep to.

use serde_json::Value;

use super::intrinsics::scalar;
use crate::error::Error;

/// How long a value may be, in bytes.
const MAX_VALUE_BYTES: usize = 4096;

const KNOWN: &[&str] = &[
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
];

/// Checks a parameter's definition.
pub fn definition(name: &str, definition: &Value) -> Result<(), Error> {
    let invalid = |text: String| Err(Error::template(format!("Template format error: {text}")));
    let Some(kind) = definition.get("Type").and_then(Value::as_str) else {
        return invalid(format!(
            "Every Parameters object must contain a Type member, which {name} does not."
        ));
    };
    if !matches!(kind, "String" | "Number" | "CommaDelimitedList" | "List<Number>" | "List<String>") {
        return invalid(format!("Nephos has no parameter type {kind} (parameter {name})"));
    }
    let keys = definition.as_object().into_iter().flat_map(|map| map.keys());
    match keys.into_iter().find(|key| !KNOWN.contains(&key.as_str())) {
        Some(key) => invalid(format!("Invalid template parameter property '{key}' of parameter {name}")),
        None => pattern(name, definition).map(drop),
    }
}

/// Whether a parameter's value is shown to nobody.
pub fn is_hidden(definition: &Value) -> bool {
    definition.get("NoEcho").and_then(scalar).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// Whether a parameter is a list.
pub fn is_list(definition: &Value) -> bool {
    let kind = definition.get("Type").and_then(Value::as_str).unwrap_or_default();
    kind == "CommaDelimitedList" || kind.starts_with("List<")
}

fn pattern(name: &str, definition: &Value) -> Result<Option<regex::Regex>, Error> {
    let Some(pattern) = definition.get("AllowedPattern").and_then(scalar) else { return Ok(None) };
    // The whole value must match.
    regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).build().map(Some).map_err(
        |_| {
            Error::template(format!(
                "Template format error: AllowedPattern of parameter {name} is no pattern that Nephos reads"
            ))
        },
    )
}

/// Checks a value. What is told never holds the value, which may be secret.
pub fn check(name: &str, definition: &Value, value: &str) -> Result<(), Error> {
    let described = definition.get("ConstraintDescription").and_then(scalar);
    let refuse = |text: String| {
        let text = match &described {
            Some(described) => format!("Parameter {name} failed to satisfy constraint: {described}"),
            None => text,
        };
        Err(Error::template(text))
    };
    if value.len() > MAX_VALUE_BYTES {
        return refuse(format!("Parameter '{name}' exceeds the maximum length of {MAX_VALUE_BYTES} bytes"));
    }
    let kind = definition.get("Type").and_then(Value::as_str).unwrap_or("String");
    let numbers: Vec<&str> = match kind {
        "Number" => vec![value],
        "List<Number>" => value.split(',').map(str::trim).collect(),
        _ => Vec::new(),
    };
    let numbers: Option<Vec<f64>> = numbers.into_iter().map(|text| text.parse().ok()).collect();
    let Some(numbers) = numbers else { return refuse(format!("Parameter '{name}' must be a number.")) };
    if let Some(text) = outside(name, definition, value, &numbers) {
        return refuse(text);
    }
    if pattern(name, definition)?.is_some_and(|pattern| !pattern.is_match(value)) {
        let pattern = definition.get("AllowedPattern").and_then(scalar).unwrap_or_default();
        return refuse(format!(
            "Parameter {name} failed to satisfy constraint: must match pattern {pattern}"
        ));
    }
    let allowed = definition.get("AllowedValues").and_then(Value::as_array);
    let allowed = allowed.map(|values| values.iter().filter_map(scalar).collect::<Vec<_>>());
    let one = |text: &str| allowed.as_ref().is_none_or(|allowed| allowed.iter().any(|one| one == text));
    let fits = if is_list(definition) { value.split(',').map(str::trim).all(one) } else { one(value) };
    if fits {
        return Ok(());
    }
    refuse(format!(
        "Parameter '{name}' must be one of AllowedValues: [{}]",
        allowed.unwrap_or_default().join(", ")
    ))
}

/// Which bound a value breaks.
fn outside(name: &str, definition: &Value, value: &str, numbers: &[f64]) -> Option<String> {
    let bound = |key: &str| definition.get(key).and_then(scalar).and_then(|text| text.parse::<f64>().ok());
    let length = value.chars().count() as f64;
    if let Some(least) = bound("MinLength").filter(|least| length < *least) {
        return Some(format!("Parameter '{name}' must contain at least {least} characters"));
    }
    if let Some(most) = bound("MaxLength").filter(|most| length > *most) {
        return Some(format!("Parameter '{name}' must contain at most {most} characters"));
    }
    if let Some(least) = bound("MinValue").filter(|least| numbers.iter().any(|number| number < least)) {
        return Some(format!("Parameter '{name}' must be a number not less than {least}"));
    }
    if let Some(most) = bound("MaxValue").filter(|most| numbers.iter().any(|number| number > most)) {
        return Some(format!("Parameter '{name}' must be a number not greater than {most}"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_keep_to_their_definitions() {
        for (definition, good, bad) in [
            (json!({ "Type": "Number", "MinValue": 2, "MaxValue": "5" }), "3", "6"),
            (json!({ "Type": "Number" }), "-1.5", "one"),
            (json!({ "Type": "String", "MinLength": 2, "MaxLength": 3 }), "abc", "a"),
            (json!({ "Type": "String", "AllowedPattern": "[a-z]+|X" }), "abc", "abc1"),
            (json!({ "Type": "String", "AllowedValues": ["a", 1] }), "1", "b"),
            (json!({ "Type": "List<Number>", "MaxValue": 3 }), "1, 2,3", "1,4"),
            (json!({ "Type": "CommaDelimitedList", "AllowedValues": ["a", "b"] }), "a,b", "a,c"),
        ] {
            super::definition("P", &definition).unwrap();
            check("P", &definition, good).unwrap();
            let told = check("P", &definition, bad).unwrap_err().to_string();
            assert!(told.contains('P'), "{definition} {told}");
        }
        assert!(check("P", &json!({ "Type": "String" }), &"x".repeat(5000)).is_err());
    }

    #[test]
    fn definitions_that_are_not_understood_are_refused() {
        for wrong in [
            json!({}),
            json!({ "Type": "AWS::SSM::Parameter::Value<String>" }),
            json!({ "Type": "String", "Defualt": "x" }),
            json!({ "Type": "String", "AllowedPattern": "(" }),
            json!("String"),
        ] {
            assert!(definition("P", &wrong).is_err(), "{wrong}");
        }
    }
}
