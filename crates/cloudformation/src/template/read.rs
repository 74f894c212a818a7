//! Text to a value: JSON as it is, YAML with the short forms of intrinsics (`!Ref x`) spelled out.

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

use crate::error::Error;

/// How large a template may be, in bytes; what AWS takes by URL.
pub const MAX_TEMPLATE_BYTES: usize = 1_000_000;
/// How deep a template may nest.
const MAX_DEPTH: usize = 64;

/// Reads a template's text into a value with long-form intrinsics.
pub fn parse(text: &str) -> Result<Value, Error> {
    if text.len() > MAX_TEMPLATE_BYTES {
        return Err(Error::template(format!(
            "Template may not exceed {MAX_TEMPLATE_BYTES} bytes in size, it has {}.",
            text.len()
        )));
    }
    let format_error = |what: String| Error::template(format!("Template format error: {what}"));
    if text.trim_start().starts_with('{')
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    let yaml: Yaml =
        serde_yaml_ng::from_str(text).map_err(|e| format_error(format!("YAML not well-formed. ({e})")))?;
    value(yaml, 0).map_err(format_error)
}

fn value(yaml: Yaml, depth: usize) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err(format!("the template nests deeper than {MAX_DEPTH} levels"));
    }
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(b) => Value::Bool(b),
        Yaml::Number(n) => number(&n),
        Yaml::String(s) => Value::String(s),
        Yaml::Sequence(items) => {
            Value::Array(items.into_iter().map(|item| value(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, inner) in entries {
                map.insert(key_text(key)?, value(inner, depth + 1)?);
            }
            Value::Object(map)
        }
        Yaml::Tagged(tagged) => intrinsic(&tagged.tag.to_string(), value(tagged.value, depth + 1)?)?,
    })
}

fn number(n: &serde_yaml_ng::Number) -> Value {
    match (n.as_i64(), n.as_u64(), n.as_f64()) {
        (Some(i), ..) => json!(i),
        (_, Some(u), _) => json!(u),
        (_, _, Some(f)) => json!(f),
        _ => Value::Null,
    }
}

fn key_text(key: Yaml) -> Result<String, String> {
    match key {
        Yaml::String(s) => Ok(s),
        Yaml::Number(n) => Ok(n.to_string()),
        // `Null:` and `On:` are keys in policies and events.
        Yaml::Null => Ok("Null".to_owned()),
        Yaml::Bool(b) => Ok(b.to_string()),
        other => Err(format!("a key must be text, got {other:?}")),
    }
}

fn intrinsic(tag: &str, argument: Value) -> Result<Value, String> {
    let name = tag.trim_start_matches('!');
    Ok(match (name, argument) {
        ("Ref", argument) => json!({ "Ref": argument }),
        ("Condition", argument) => json!({ "Condition": argument }),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path
                .split_once('.')
                .ok_or_else(|| format!("!GetAtt needs Resource.Attribute, got {path:?}"))?;
            json!({ "Fn::GetAtt": [resource, attribute] })
        }
        (
            "Base64" | "Cidr" | "FindInMap" | "GetAtt" | "GetAZs" | "ImportValue" | "Join" | "Select"
            | "Split" | "Sub" | "If" | "And" | "Or" | "Not" | "Equals" | "ToJsonString" | "Length"
            | "Transform",
            argument,
        ) => json!({ (format!("Fn::{name}")): argument }),
        (other, _) => return Err(format!("unknown tag !{other}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_are_spelled_out() {
        let parsed = parse(
            "a: !Ref B\nc: !GetAtt D.E.F\ng: !Sub ['${x}', {x: !Ref Y}]\nh: [!If [I, 1, !Ref 'AWS::NoValue']]",
        );
        let expected = json!({
            "a": {"Ref": "B"}, "c": {"Fn::GetAtt": ["D", "E.F"]},
            "g": {"Fn::Sub": ["${x}", {"x": {"Ref": "Y"}}]},
            "h": [{"Fn::If": ["I", 1, {"Ref": "AWS::NoValue"}]}],
        });
        assert_eq!(parsed.unwrap(), expected);
    }

    #[test]
    fn dates_stay_text_and_malformed_text_is_refused() {
        assert_eq!(parse("Version: 2012-10-17").unwrap(), json!({ "Version": "2012-10-17" }));
        for bad in ["a: [", "a: !Unknown b", "a: !GetAtt b"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(parse(&format!("a: {deep}")).is_err());
    }
}
