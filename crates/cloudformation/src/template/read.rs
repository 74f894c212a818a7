//! Text to a value: JSON as it is, YAML with the short forms of intrinsics (`!Ref x`) spelled out.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::{Map, Value, json};

use crate::error::Error;

/// How large a template may be, in bytes; what AWS takes by URL.
pub const MAX_TEMPLATE_BYTES: usize = 1_000_000;
/// How deep a template may nest.
const MAX_DEPTH: usize = 64;
/// How large a template may become when its YAML aliases are written out, in bytes of memory, roughly.
const MAX_EXPANDED_BYTES: usize = 32 << 20;
/// What a value takes besides its text, in bytes, roughly.
const VALUE_BYTES: usize = 32;

/// Reads a template's text into a value with long-form intrinsics.
pub fn parse(text: &str) -> Result<Value, Error> {
    if text.len() > MAX_TEMPLATE_BYTES {
        return Err(Error::template(format!(
            "Template may not exceed {MAX_TEMPLATE_BYTES} bytes in size, it has {}.",
            text.len()
        )));
    }
    let bytes = Cell::new(0);
    let root = Node { depth: 0, bytes: &bytes };
    if text.trim_start().starts_with('{') {
        let mut json = serde_json::Deserializer::from_str(text);
        if let Ok(value) = root.deserialize(&mut json).and_then(|value| json.end().map(|()| value)) {
            return Ok(value);
        }
        bytes.set(0);
    }
    root.deserialize(serde_yaml_ng::Deserializer::from_str(text))
        .map_err(|error| Error::template(format!("Template format error: YAML not well-formed. ({error})")))
}

/// A value being read. What is read is counted as it comes, so that a small text of nested aliases ends early.
#[derive(Clone, Copy)]
struct Node<'a> {
    depth: usize,
    bytes: &'a Cell<usize>,
}

impl Node<'_> {
    fn inner(self) -> Self {
        Node { depth: self.depth + 1, ..self }
    }

    fn text<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        self.count(text.len())?;
        Ok(Value::String(text))
    }

    fn count<E: serde::de::Error>(self, bytes: usize) -> Result<(), E> {
        self.bytes.set(self.bytes.get() + bytes);
        if self.bytes.get() > MAX_EXPANDED_BYTES {
            return Err(E::custom("the template is too large with its aliases written out"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        if self.depth > MAX_DEPTH {
            return Err(D::Error::custom(format!("the template nests deeper than {MAX_DEPTH} levels")));
        }
        self.count(VALUE_BYTES)?;
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a template")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(json!(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(json!(number))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| E::custom(format!("expected a finite number, got {number}")))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        self.text(text.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        self.text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.inner())? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key_seed(self.inner())? {
            let key = key_text(key).map_err(A::Error::custom)?;
            let value = entries.next_value_seed(self.inner())?;
            if map.insert(key.clone(), value).is_some() {
                return Err(A::Error::custom(format!("duplicate key {key:?}")));
            }
        }
        Ok(Value::Object(map))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Value, A::Error> {
        let (tag, content) = tagged.variant::<String>()?;
        let argument = content.newtype_variant_seed(self.inner())?;
        intrinsic(&tag, argument).map_err(A::Error::custom)
    }
}

fn key_text(key: Value) -> Result<String, String> {
    match key {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        // `Null:` and `On:` are keys in policies and events.
        Value::Null => Ok("Null".to_owned()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Array(_) | Value::Object(_) => Err("a key must be text, got a list or a map".to_owned()),
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
    fn aliases_that_multiply_end_early() {
        let mut bomb = format!("a0: &a0 [{}]\n", vec!["x"; 50].join(", "));
        for level in 1..9 {
            let inner = vec![format!("*a{}", level - 1); 50].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        let told = parse(&bomb).unwrap_err().to_string();
        assert!(told.contains("aliases") || told.contains("repetition"), "{told}");
        assert_eq!(parse("a: &x [1]\nb: *x").unwrap(), json!({ "a": [1], "b": [1] }));
        assert!(parse("a: 1\na: 2").unwrap_err().to_string().contains("duplicate"));
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
